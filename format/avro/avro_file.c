/* avro_file.c - container header, blocks and their codecs, values. Every count and length is checked against the bytes
 * that are left before anything is allocated for it. SPDX-License-Identifier: Apache-2.0 */
#include "avro/avro_schema.h"
#include <firn/codec.h>
#include <zlib.h>

enum { DEPTH_MAX = 64, SYNC = 16, META_MAX = 1000, BLOCK_MAX = 1 << 30 };

typedef enum block_codec { CODEC_NULL, CODEC_DEFLATE, CODEC_SNAPPY, CODEC_ZSTANDARD } block_codec;

typedef struct meta_entry {
    fn_str key, value;
} meta_entry;

struct fn_avro_file {
    const char *name;
    const uint8_t *start, *at, *end; /* the file */
    uint8_t sync[SYNC];
    meta_entry *meta;
    size_t meta_count;
    block_codec codec;
    const fn_avro_schema *root;
    const uint8_t *block, *block_end; /* decoded block */
    uint64_t left;                    /* records in it */
};

typedef struct reader {
    fn_ctx *ctx;
    const fn_avro_file *file;
    const uint8_t *at, *end, *start; /* start: offset 0 of what the messages count */
} reader;

static fn_status bad(reader *r, const char *why)
{
    return fn_fail(r->ctx, FN_INCORRECT_DATA, "Bad Avro file %s: %s at offset %zu", r->file->name, why, (size_t)(r->at - r->start));
}

static fn_status read_long(reader *r, int64_t *out)
{
    uint64_t v;
    if (!fn_leb_read(&r->at, r->end, &v)) return bad(r, "a number is cut off");
    *out = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
    return FN_OK;
}

static fn_status read_bytes(reader *r, fn_str *out)
{
    int64_t size = 0;
    FN_TRY(read_long(r, &size));
    if (size < 0 || size > r->end - r->at) return bad(r, "a length is larger than the file");
    *out = (fn_str){(const char *)r->at, (size_t)size};
    r->at += size;
    return FN_OK;
}

static fn_status read_value(reader *r, const fn_avro_schema *s, unsigned depth, fn_avro_value *out);

/* Arrays and maps: blocks of items, a negative count is followed by the block's bytes. */
static fn_status read_items(reader *r, const fn_avro_schema *s, unsigned depth, fn_avro_value *out)
{
    const unsigned each = s->kind == FN_AVRO_MAP ? 2 : 1;
    static const fn_avro_schema key_schema = {.kind = FN_AVRO_STRING};
    uint32_t capacity = 0;
    for (;;) {
        int64_t count = 0, bytes;
        FN_TRY(read_long(r, &count));
        if (count == 0) return FN_OK;
        if (count == INT64_MIN) return bad(r, "bad item count");
        if (count < 0) {
            FN_TRY(read_long(r, &bytes));
            count = -count;
        }
        /* An item takes at least a byte, but for null and empty records, of which nobody needs many. */
        if (count > (r->end - r->at) + 1024) return bad(r, "an item count is larger than the file");
        const uint64_t need = out->count + (uint64_t)count * each;
        if (need > UINT32_MAX / 2) return bad(r, "too many items");
        if (need > capacity) {
            fn_avro_value *grown = FN_NEW_ARRAY(r->ctx, fn_avro_value, need);
            FN_TRY_PTR(r->ctx, grown);
            if (out->count) memcpy(grown, out->items, out->count * sizeof *grown);
            out->items = grown;
            capacity = (uint32_t)need;
        }
        for (int64_t i = 0; i < count; i++) {
            if (each == 2) FN_TRY(read_value(r, &key_schema, depth + 1, &out->items[out->count++]));
            FN_TRY(read_value(r, s->kids[0], depth + 1, &out->items[out->count++]));
        }
    }
}

static fn_status read_record(reader *r, const fn_avro_schema *s, unsigned depth, fn_avro_value *out)
{
    out->items = FN_NEW_ARRAY(r->ctx, fn_avro_value, (size_t)s->count + 1);
    FN_TRY_PTR(r->ctx, out->items);
    out->count = s->count;
    for (uint32_t i = 0; i < s->count; i++) FN_TRY(read_value(r, s->kids[i], depth + 1, &out->items[i]));
    return FN_OK;
}

static fn_status read_fixed(reader *r, size_t size, void *out)
{
    if ((size_t)(r->end - r->at) < size) return bad(r, "a value is cut off");
    memcpy(out, r->at, size);
    r->at += size;
    return FN_OK;
}

static fn_status read_value(reader *r, const fn_avro_schema *s, unsigned depth, fn_avro_value *out)
{
    if (depth > DEPTH_MAX) return bad(r, "values are nested too deep");
    *out = (fn_avro_value){.schema = s};
    switch (s->kind) {
    case FN_AVRO_NULL: return FN_OK;
    case FN_AVRO_BOOL: {
        uint8_t byte = 0;
        FN_TRY(read_fixed(r, 1, &byte));
        out->i = byte != 0;
        return FN_OK;
    }
    case FN_AVRO_INT:
    case FN_AVRO_LONG: return read_long(r, &out->i);
    case FN_AVRO_ENUM:
        FN_TRY(read_long(r, &out->i));
        return out->i >= 0 && out->i < s->count ? FN_OK : bad(r, "bad enum value");
    case FN_AVRO_FLOAT: {
        float f;
        FN_TRY(read_fixed(r, sizeof f, &f));
        out->f = (double)f;
        return FN_OK;
    }
    case FN_AVRO_DOUBLE: return read_fixed(r, sizeof out->f, &out->f);
    case FN_AVRO_BYTES:
    case FN_AVRO_STRING: return read_bytes(r, &out->bytes);
    case FN_AVRO_FIXED:
        if ((size_t)(r->end - r->at) < s->count) return bad(r, "a value is cut off");
        out->bytes = (fn_str){(const char *)r->at, s->count};
        r->at += s->count;
        return FN_OK;
    case FN_AVRO_RECORD: return read_record(r, s, depth, out);
    case FN_AVRO_ARRAY:
    case FN_AVRO_MAP: return read_items(r, s, depth, out);
    case FN_AVRO_UNION: {
        int64_t branch;
        FN_TRY(read_long(r, &branch));
        if (branch < 0 || branch >= s->count) return bad(r, "bad union branch");
        return read_value(r, s->kids[branch], depth + 1, out);
    }
    }
    return bad(r, "unknown kind");
}

/* ---- header ---- */
static fn_status read_meta(reader *r, fn_avro_file *f)
{
    f->meta = FN_NEW_ARRAY(r->ctx, meta_entry, META_MAX);
    FN_TRY_PTR(r->ctx, f->meta);
    for (;;) {
        int64_t count, bytes;
        FN_TRY(read_long(r, &count));
        if (count == 0) return FN_OK;
        if (count < -META_MAX) return bad(r, "too many metadata entries");
        if (count < 0) FN_TRY(read_long(r, &bytes));
        count = count < 0 ? -count : count;
        for (; count > 0; count--) {
            if (f->meta_count == META_MAX) return bad(r, "too many metadata entries");
            meta_entry *m = &f->meta[f->meta_count++];
            FN_TRY(read_bytes(r, &m->key));
            FN_TRY(read_bytes(r, &m->value));
        }
    }
}

fn_str fn_avro_meta(const fn_avro_file *f, const char *key)
{
    for (size_t i = 0; i < f->meta_count; i++)
        if (fn_str_eq(f->meta[i].key, fn_cstr(key))) return f->meta[i].value;
    return (fn_str){NULL, 0};
}

static fn_status choose_codec(reader *r, fn_avro_file *f)
{
    static const char *const names[] = {[CODEC_NULL] = "null", [CODEC_DEFLATE] = "deflate", [CODEC_SNAPPY] = "snappy", [CODEC_ZSTANDARD] = "zstandard"};
    const fn_str name = fn_avro_meta(f, "avro.codec");
    for (size_t i = 0; i < FN_COUNT(names); i++)
        if (name.size == 0 || fn_str_eq(name, fn_cstr(names[i]))) {
            f->codec = (block_codec)i;
            return FN_OK;
        }
    return fn_fail(r->ctx, FN_INCORRECT_DATA, "Bad Avro file %s: unknown codec " FN_STR_FMT, f->name, FN_STR_ARG(name));
}

fn_status fn_avro_open(fn_ctx *ctx, const char *name, fn_str bytes, fn_avro_file **out)
{
    fn_avro_file *f = FN_NEW(ctx, fn_avro_file);
    FN_TRY_PTR(ctx, f);
    f->name = name;
    f->start = (const uint8_t *)bytes.data;
    f->end = f->start + bytes.size;
    reader r = {ctx, f, f->start, f->end, f->start};
    if (bytes.size < 4 || memcmp(bytes.data, "Obj\1", 4) != 0) return bad(&r, "no Avro magic");
    r.at += 4;
    FN_TRY(read_meta(&r, f));
    FN_TRY(read_fixed(&r, SYNC, f->sync));
    FN_TRY(choose_codec(&r, f));
    FN_TRY(avro_schema_parse(ctx, name, fn_avro_meta(f, "avro.schema"), &f->root));
    f->at = r.at;
    *out = f;
    return FN_OK;
}

/* ---- blocks ---- */
/* Raw deflate (RFC 1951) has no size: grows as needed up to BLOCK_MAX. */
static fn_status inflate_block(reader *r, fn_str in, fn_buf *out)
{
    z_stream z = {0};
    if (inflateInit2(&z, -15) != Z_OK) return fn_fail_memory(r->ctx, 65536);
    z.next_in = (Bytef *)(uintptr_t)in.data;
    z.avail_in = (uInt)in.size;
    int rc = Z_OK;
    fn_status status = FN_OK;
    while (rc == Z_OK && status == FN_OK && out->size < BLOCK_MAX) {
        const size_t room = FN_MAX(in.size * 4, (size_t)65536);
        status = fn_buf_reserve(r->ctx, out, room);
        if (status != FN_OK) break;
        z.next_out = (Bytef *)(out->data + out->size);
        z.avail_out = (uInt)room;
        rc = inflate(&z, Z_NO_FLUSH);
        out->size += room - z.avail_out;
        if (rc == Z_BUF_ERROR && z.avail_out == 0) rc = Z_OK;
    }
    (void)inflateEnd(&z);
    if (status == FN_OK && rc != Z_STREAM_END) status = bad(r, "a deflated block is damaged");
    return status;
}

static fn_status unsnappy_block(reader *r, fn_str in, fn_buf *out)
{
    if (in.size < 5) return bad(r, "a snappy block is cut off");
    in.size -= 4; /* CRC-32 of the plain bytes */
    const uint8_t *p = (const uint8_t *)in.data;
    uint64_t size;
    if (!fn_leb_read(&p, p + in.size, &size) || size > BLOCK_MAX || size > in.size * 64 + 64) return bad(r, "a snappy block has a bad size");
    FN_TRY(fn_buf_reserve(r->ctx, out, size));
    FN_TRY(fn_codec_decompress(r->ctx, FN_CODEC_SNAPPY, in, out->data, size));
    out->size = size;
    return FN_OK;
}

static fn_status unzstd_block(reader *r, fn_str in, fn_buf *out)
{
    fn_memory_source memory;
    fn_source *source = NULL;
    fn_memory_source_init(&memory, in);
    fn_status status = fn_codec_decoder(r->ctx, FN_CODEC_ZSTD, &memory.base, &source);
    for (size_t got = 1; status == FN_OK && got && out->size < BLOCK_MAX;) {
        status = fn_buf_reserve(r->ctx, out, 65536);
        if (status == FN_OK) status = source->read(source, r->ctx, out->data + out->size, 65536, &got);
        if (status == FN_OK) out->size += got;
    }
    if (source && source->close) source->close(source);
    return status;
}

static fn_status decode_block(reader *r, fn_avro_file *f, fn_str in)
{
    if (f->codec == CODEC_NULL) {
        f->block = (const uint8_t *)in.data;
        f->block_end = f->block + in.size;
        return FN_OK;
    }
    fn_buf plain = FN_BUF_INIT;
    fn_status status = f->codec == CODEC_DEFLATE  ? inflate_block(r, in, &plain)
                       : f->codec == CODEC_SNAPPY ? unsnappy_block(r, in, &plain)
                                                  : unzstd_block(r, in, &plain);
    if (status != FN_OK) (void)fn_error_prefix(r->ctx, "%s: ", f->name);
    if (status == FN_OK) { /* values point into it: it must live as long as they do */
        f->block = (const uint8_t *)fn_arena_copy(r->ctx, r->ctx->arena, plain.data, plain.size);
        f->block_end = f->block + plain.size;
        if (!f->block) status = r->ctx->error.code;
    }
    fn_buf_release(&plain);
    return status;
}

static fn_status next_block(fn_ctx *ctx, fn_avro_file *f)
{
    reader r = {ctx, f, f->at, f->end, f->start};
    int64_t records = 0, size = 0;
    FN_TRY(read_long(&r, &records));
    FN_TRY(read_long(&r, &size));
    if (records < 0 || size < 0 || size > r.end - r.at - SYNC) return bad(&r, "a block is cut off");
    const fn_str data = {(const char *)r.at, (size_t)size};
    r.at += size;
    if (memcmp(r.at, f->sync, SYNC) != 0) return bad(&r, "the sync marker of a block is wrong");
    f->at = r.at + SYNC;
    FN_TRY(decode_block(&r, f, data));
    f->left = (uint64_t)records;
    return FN_OK;
}

fn_status fn_avro_next(fn_ctx *ctx, fn_avro_file *f, const fn_avro_value **out)
{
    *out = NULL;
    while (f->left == 0) {
        if (f->at == f->end) return FN_OK;
        FN_TRY(next_block(ctx, f));
    }
    reader r = {ctx, f, f->block, f->block_end, f->block};
    fn_avro_value *v = FN_NEW(ctx, fn_avro_value);
    FN_TRY_PTR(ctx, v);
    FN_TRY(read_value(&r, f->root, 0, v));
    f->block = r.at;
    f->left--;
    if (f->left == 0 && f->block != f->block_end) return bad(&r, "bytes are left over in a block");
    *out = v;
    return FN_OK;
}

/* ---- access ---- */
static const fn_avro_value *present(const fn_avro_value *v)
{
    return v->schema->kind == FN_AVRO_NULL ? NULL : v;
}

const fn_avro_value *fn_avro_field(const fn_avro_value *record, const char *name)
{
    if (!record || record->schema->kind != FN_AVRO_RECORD) return NULL;
    for (uint32_t i = 0; i < record->count; i++)
        if (fn_str_eq(record->schema->names[i], fn_cstr(name))) return present(&record->items[i]);
    return NULL;
}

const fn_avro_value *fn_avro_field_by_id(const fn_avro_value *record, int32_t field_id)
{
    if (!record || record->schema->kind != FN_AVRO_RECORD) return NULL;
    for (uint32_t i = 0; i < record->count; i++)
        if (record->schema->field_ids[i] == field_id) return present(&record->items[i]);
    return NULL;
}

int64_t fn_avro_i64(const fn_avro_value *v, int64_t otherwise)
{
    if (!v) return otherwise;
    const fn_avro_kind k = v->schema->kind;
    return k == FN_AVRO_INT || k == FN_AVRO_LONG || k == FN_AVRO_BOOL || k == FN_AVRO_ENUM ? v->i : otherwise;
}

fn_str fn_avro_str(const fn_avro_value *v)
{
    if (!v) return (fn_str){NULL, 0};
    const fn_avro_kind k = v->schema->kind;
    return k == FN_AVRO_BYTES || k == FN_AVRO_STRING || k == FN_AVRO_FIXED ? v->bytes : (fn_str){NULL, 0};
}
