/* part_open.c - opening a part: trailer, footer, sparse index. One read for a small part; zones and dictionaries wait for their
 * first use. Nothing in the file is trusted: the footer's checksum is bound to the part's id, every number is checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/part_reader.h"

enum { TAIL_BYTES = 16 << 10, COLUMNS_MAX = 1 << 20, SEGMENTS_MAX = 1 << 24 };

static fn_status broken(fn_ctx *ctx, const fn_part *p, fn_status code, const char *what)
{
    return fn_fail(ctx, code, "Part file %s: %s (footer at offset %llu)", p->path, what, (unsigned long long)p->footer_at);
}

static bool take_u64(enc_in *in, uint64_t *out)
{
    const uint8_t *p = enc_take(in, sizeof *out);
    if (p) *out = fn_load_u64(p);
    return p != NULL;
}

static bool take_text(enc_in *in, fn_str *out)
{
    uint32_t size;
    if (!enc_take_u32(in, &size)) return false;
    const uint8_t *p = enc_take(in, size);
    *out = (fn_str){(const char *)p, size};
    return p != NULL;
}

part_reference part_reference_at(const uint8_t *b)
{
    return (part_reference){fn_load_u64(b), fn_load_u64(b + 8), {.low = fn_load_u64(b + 16), .high = fn_load_u64(b + 24)}};
}

part_reference part_segment_at(const part_column *c, uint32_t segment)
{
    return part_reference_at(c->segments + (size_t)segment * REFERENCE_SIZE);
}

static bool in_file(const fn_part *p, const part_reference *r)
{
    return r->offset >= MAGIC_SIZE && r->offset <= p->footer_at && r->size <= p->footer_at - r->offset;
}

static bool references_valid(const fn_part *p, const part_column *c)
{
    bool valid = in_file(p, &c->zones_at);
    for (uint32_t i = 0; i < c->streams && valid; i++) {
        const part_reference r = part_reference_at(c->dictionaries + (size_t)i * DICTIONARY_SIZE);
        valid = r.size == 0 || in_file(p, &r);
    }
    for (uint32_t i = 0; i < p->segments && valid; i++) {
        const part_reference r = part_segment_at(c, i);
        valid = in_file(p, &r);
    }
    return valid;
}

static fn_status open_column(fn_ctx *own, fn_part *p, enc_in *in, const fn_type *const *types, uint32_t type_count, part_column *c)
{
    uint32_t type, streams = 0;
    if (!enc_take_u32(in, &c->info.id) || !enc_take_u32(in, &type) || type >= type_count || !take_text(in, &c->info.codec) ||
        !take_u64(in, &c->disk_bytes) || !take_u64(in, &c->raw_bytes) || !take_u64(in, &c->distinct))
        return broken(own, p, FN_CORRUPTED_DATA, "damaged column list");
    const uint8_t *flags = enc_take(in, 1);
    if (!flags || !enc_take_u32(in, &c->streams)) return broken(own, p, FN_CORRUPTED_DATA, "damaged column list");
    c->info.type = types[type];
    FN_TRY(part_node_build(own, c->info.type, &c->root, &streams));
    if (streams != c->streams) return broken(own, p, FN_CORRUPTED_DATA, "a column has another number of streams than its type");
    c->has_range = (*flags & COLUMN_HAS_RANGE) != 0 && part_has_range(c->root.base);
    c->has_sum = (*flags & COLUMN_HAS_SUM) != 0 && part_has_sum(c->root.base);
    c->dictionaries = enc_take(in, (uint64_t)c->streams * DICTIONARY_SIZE);
    const uint8_t *zones = enc_take(in, REFERENCE_SIZE);
    c->segments = enc_take(in, (uint64_t)p->segments * REFERENCE_SIZE);
    if (!c->dictionaries || !zones || !c->segments) return broken(own, p, FN_CORRUPTED_DATA, "damaged column list");
    c->zones_at = part_reference_at(zones);
    c->loaded = FN_NEW_ARRAY(own, fn_column *, c->streams + 1u);
    FN_TRY_PTR(own, c->loaded);
    return references_valid(p, c) ? FN_OK : broken(own, p, FN_CORRUPTED_DATA, "a column lies outside of the file");
}

static fn_status open_types(fn_ctx *own, fn_part *p, enc_in *in, uint32_t count, const fn_type ***out)
{
    if (count > (uint64_t)(in->end - in->at)) return broken(own, p, FN_CORRUPTED_DATA, "damaged type list");
    const fn_type **types = FN_NEW_ARRAY(own, const fn_type *, count + 1u);
    FN_TRY_PTR(own, types);
    for (uint32_t i = 0; i < count; i++) {
        fn_str text;
        if (!take_text(in, &text)) return broken(own, p, FN_CORRUPTED_DATA, "damaged type list");
        FN_TRY(fn_type_parse(own, text, &types[i]));
    }
    *out = types;
    return FN_OK;
}

static fn_status open_granules(fn_ctx *own, fn_part *p, enc_in *in)
{
    const uint8_t *counts = enc_take(in, (uint64_t)p->segments * sizeof(uint32_t));
    if (!counts) return broken(own, p, FN_CORRUPTED_DATA, "damaged segment list");
    p->first_granule = FN_NEW_ARRAY(own, uint32_t, p->segments + 1u);
    FN_TRY_PTR(own, p->first_granule);
    uint64_t at = 0;
    for (uint32_t i = 0; i < p->segments; i++) {
        const uint32_t n = fn_load_u32(counts + i * sizeof n);
        if (n == 0 || n > FN_SEGMENT_GRANULES) return broken(own, p, FN_CORRUPTED_DATA, "damaged segment list");
        at += n;
        p->first_granule[i + 1] = (uint32_t)at;
    }
    if (at != p->granules) return broken(own, p, FN_CORRUPTED_DATA, "damaged segment list");
    return FN_OK;
}

static fn_status open_index(fn_ctx *own, fn_part *p, enc_in *in, uint32_t keys)
{
    if (keys > p->column_count) return broken(own, p, FN_CORRUPTED_DATA, "damaged index");
    p->index = fn_block_new(own, keys, p->rows ? p->granules + 1 : 0);
    FN_TRY_PTR(own, p->index);
    for (uint32_t i = 0; i < keys; i++) {
        uint32_t column;
        if (!enc_take_u32(in, &column) || column >= p->column_count) return broken(own, p, FN_CORRUPTED_DATA, "damaged index");
        const fn_type *type = p->columns[column].info.type;
        if (p->rows) {
            FN_TRY(part_column_load(own, in, type, p->granules + 1, &p->index->columns[i]));
        } else {
            fn_builder b;
            FN_TRY(fn_builder_init(own, &b, type));
            const fn_status status = fn_builder_finish(own, &b, &p->index->columns[i]);
            fn_builder_release(&b);
            FN_TRY(status);
        }
    }
    return FN_OK;
}

static fn_status open_attachments(fn_ctx *own, fn_part *p, enc_in *in)
{
    if (in->at == in->end) return FN_OK;
    if (!enc_take_u32(in, &p->attachment_count)) return broken(own, p, FN_CORRUPTED_DATA, "bytes left over in the footer");
    p->attachments = enc_take(in, (uint64_t)p->attachment_count * ATTACHMENT_SIZE);
    if (!p->attachments) return broken(own, p, FN_CORRUPTED_DATA, "bytes left over in the footer");
    for (uint32_t i = 0; i < p->attachment_count; i++) {
        const part_reference r = part_reference_at(p->attachments + (size_t)i * ATTACHMENT_SIZE + sizeof(uint64_t));
        if (!in_file(p, &r)) return broken(own, p, FN_CORRUPTED_DATA, "an attachment lies outside of the file");
    }
    return FN_OK;
}

static fn_status open_inner_list(fn_ctx *own, fn_part *p, enc_in *in)
{
    if (in->at == in->end) return FN_OK;
    if (p->base || !enc_take_u32(in, &p->inner_count)) return broken(own, p, FN_CORRUPTED_DATA, "bytes left over in the footer");
    p->inner_list = enc_take(in, (uint64_t)p->inner_count * INNER_SIZE);
    if (!p->inner_list || in->at != in->end) return broken(own, p, FN_CORRUPTED_DATA, "bytes left over in the footer");
    for (uint32_t i = 0; i < p->inner_count; i++) {
        const part_reference r = part_reference_at(p->inner_list + (size_t)i * INNER_SIZE + (INNER_SIZE - REFERENCE_SIZE));
        if (!in_file(p, &r)) return broken(own, p, FN_CORRUPTED_DATA, "a part within it lies outside of the file");
    }
    p->inner = FN_NEW_ARRAY(own, fn_part *, p->inner_count + 1u);
    FN_TRY_PTR(own, p->inner);
    return FN_OK;
}

static fn_status open_footer(fn_ctx *own, fn_part *p)
{
    enc_in in = {(const uint8_t *)p->footer.data, (const uint8_t *)p->footer.data + p->footer.size};
    uint64_t high, low;
    uint32_t types, keys;
    if (!take_u64(&in, &high) || !take_u64(&in, &low) || !take_u64(&in, &p->rows) || !take_u64(&in, &p->raw_bytes) || !enc_take_u32(&in, &p->granules) ||
        !enc_take_u32(&in, &p->segments) || !enc_take_u32(&in, &types) || !enc_take_u32(&in, &p->column_count) || !enc_take_u32(&in, &keys))
        return broken(own, p, FN_CORRUPTED_DATA, "damaged footer");
    if (high != p->id.high || low != p->id.low) return broken(own, p, FN_CORRUPTED_DATA, "it belongs to another part");
    if (p->column_count > COLUMNS_MAX || p->segments > SEGMENTS_MAX || p->column_count > p->footer.size || p->rows > (uint64_t)p->granules * FN_GRANULE_ROWS ||
        (p->granules && p->rows <= (uint64_t)(p->granules - 1) * FN_GRANULE_ROWS))
        return broken(own, p, FN_CORRUPTED_DATA, "damaged footer");
    const fn_type **list = NULL;
    FN_TRY(open_types(own, p, &in, types, &list));
    FN_TRY(open_granules(own, p, &in));
    p->columns = FN_NEW_ARRAY(own, part_column, p->column_count + 1u);
    FN_TRY_PTR(own, p->columns);
    for (uint32_t i = 0; i < p->column_count; i++) FN_TRY(open_column(own, p, &in, list, types, &p->columns[i]));
    FN_TRY(open_index(own, p, &in, keys));
    FN_TRY(open_attachments(own, p, &in));
    return open_inner_list(own, p, &in);
}

static fn_status read_footer(fn_ctx *own, fn_part *p, fn_file *file, const fn_hash128 *expected)
{
    const uint64_t size_on_disk = fn_fs_file_size(file);
    if (p->base == 0 && p->file_bytes == 0) p->file_bytes = size_on_disk;
    if (p->base > size_on_disk || p->file_bytes > size_on_disk - p->base) return broken(own, p, FN_CORRUPTED_DATA, "cut off");
    if (p->file_bytes < MAGIC_SIZE + TRAILER_SIZE) return broken(own, p, FN_CORRUPTED_DATA, "too short to be a part file");
    const size_t tail = (size_t)FN_MIN(p->file_bytes, (uint64_t)TAIL_BYTES);
    FN_TRY(fn_buf_reserve(own, &p->footer, tail));
    uint8_t magic[MAGIC_SIZE];
    const fn_range ranges[] = {{p->base + p->file_bytes - tail, tail, p->footer.data}, {p->base, MAGIC_SIZE, magic}};
    FN_TRY(p->fs->read(p->fs, own, file, ranges, 2));
    const uint8_t *trailer = (const uint8_t *)p->footer.data + tail - TRAILER_SIZE;
    if (memcmp(magic, PART_MAGIC, MAGIC_SIZE) != 0 || memcmp(trailer + 24, PART_MAGIC, MAGIC_SIZE) != 0)
        return broken(own, p, FN_CORRUPTED_DATA, "not a part file, or cut off");
    const uint32_t size = fn_load_u32(trailer), version = fn_load_u32(trailer + 4);
    if (version < PART_VERSION_OLDEST || version > PART_VERSION) return broken(own, p, FN_UNKNOWN_FORMAT_VERSION, "written by another version of firn");
    p->checksum = (fn_hash128){.low = fn_load_u64(trailer + 8), .high = fn_load_u64(trailer + 16)};
    if (size > FOOTER_MAX || size > p->file_bytes - MAGIC_SIZE - TRAILER_SIZE) return broken(own, p, FN_CORRUPTED_DATA, "damaged trailer");
    p->footer_at = p->file_bytes - TRAILER_SIZE - size;
    if (size + TRAILER_SIZE <= tail) {
        memmove(p->footer.data, p->footer.data + (tail - TRAILER_SIZE - size), size);
    } else {
        FN_TRY(fn_buf_reserve(own, &p->footer, size));
        const fn_range whole = {p->base + p->footer_at, size, p->footer.data};
        FN_TRY(p->fs->read(p->fs, own, file, &whole, 1));
    }
    p->footer.size = size;
    const fn_hash128 found = part_checksum(p->footer.data, size, p->id, UINT32_MAX, 0);
    if (found.low != p->checksum.low || found.high != p->checksum.high) return broken(own, p, FN_CHECKSUM_DOESNT_MATCH, "checksum of the footer doesn't match");
    if (expected && (found.low != expected->low || found.high != expected->high))
        return broken(own, p, FN_CHECKSUM_DOESNT_MATCH, "another version of the file than the catalog lists");
    return FN_OK;
}

static fn_status open_part(fn_ctx *own, fn_part *p, const char *path, const fn_hash128 *expected)
{
    fn_file *file;
    p->path = fn_arena_copy(own, own->arena, path, strlen(path));
    FN_TRY_PTR(own, p->path);
    FN_TRY(p->fs->open(p->fs, own, path, FN_OPEN_READ, &file));
    const fn_status status = read_footer(own, p, file, expected);
    p->fs->close(p->fs, file);
    return status == FN_OK ? open_footer(own, p) : status;
}

fn_status part_open_at(fn_ctx *ctx, fn_fs *fs, const char *path, uint64_t base, uint64_t size, fn_part_id id, const fn_hash128 *expected, fn_part **out)
{
    fn_part *p = fn_alloc_zero(ctx, sizeof *p);
    FN_TRY_PTR(ctx, p);
    fn_ctx own = {.cancel = ctx->cancel}; /* the part outlives the query: not charged to it */
    p->fs = fs;
    p->id = id;
    p->base = base;
    p->file_bytes = size;
    atomic_store_explicit(&p->refs, 1, memory_order_relaxed);
    FN_ASSERT(pthread_mutex_init(&p->lock, NULL) == 0);
    own.arena = p->arena = fn_arena_new(&own);
    fn_status status = p->arena ? open_part(&own, p, path, expected) : own.error.code;
    if (status != FN_OK) {
        status = fn_fail(ctx, status, "%s", own.error.text);
        fn_part_drop(p);
        return status;
    }
    *out = p;
    return FN_OK;
}

fn_status fn_part_open(fn_ctx *ctx, fn_fs *fs, const char *path, fn_part_id id, const fn_hash128 *expected, fn_part **out)
{
    return part_open_at(ctx, fs, path, 0, 0, id, expected, out);
}

fn_status fn_part_open_again(fn_ctx *ctx, const fn_part *p, fn_part **out)
{
    FN_TRY(part_open_at(ctx, p->fs, p->path, p->base, p->base ? p->file_bytes : 0, p->id, &p->checksum, out));
    (*out)->again = true;
    return FN_OK;
}

void fn_part_unload(fn_part *again)
{
    FN_ASSERT(again->again);
    for (uint32_t i = 0; i < again->column_count; i++) {
        part_column *c = &again->columns[i];
        fn_buffer_drop(c->held);
        c->held = NULL;
        for (uint32_t k = 0; k < c->streams; k++) {
            fn_column_drop(c->loaded[k]);
            c->loaded[k] = NULL;
        }
    }
}

void fn_part_drop(fn_part *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t i = 0; i < p->inner_count && p->inner; i++) fn_part_drop(p->inner[i]);
    for (uint32_t i = 0; i < p->column_count && p->columns; i++) {
        part_column *c = &p->columns[i];
        for (uint32_t k = 0; k < c->streams && c->loaded; k++) fn_column_drop(c->loaded[k]);
        fn_buffer_drop(c->held);
        if (!c->zones) continue;
        fn_column *bounds[] = {(fn_column *)(uintptr_t)c->zones->min, (fn_column *)(uintptr_t)c->zones->max}; /* ours: loaded by us */
        fn_column_drop(bounds[0]);
        fn_column_drop(bounds[1]);
        fn_free(c->zones);
    }
    fn_block_drop(p->index);
    fn_buf_release(&p->footer);
    fn_arena_free(p->arena);
    (void)pthread_mutex_destroy(&p->lock);
    fn_free(p);
}

uint64_t fn_part_rows(const fn_part *p)
{
    return p->rows;
}

uint32_t fn_part_granules(const fn_part *p)
{
    return p->granules;
}

uint32_t fn_part_column_count(const fn_part *p)
{
    return p->column_count;
}

const fn_part_column *fn_part_column_at(const fn_part *p, uint32_t index)
{
    FN_ASSERT(index < p->column_count);
    return &p->columns[index].info;
}

int fn_part_find(const fn_part *p, uint32_t column_id)
{
    for (uint32_t i = 0; i < p->column_count; i++)
        if (p->columns[i].info.id == column_id) return (int)i;
    return -1;
}

uint64_t fn_part_column_bytes(const fn_part *p, uint32_t index, uint64_t *raw_bytes)
{
    FN_ASSERT(index < p->column_count);
    if (raw_bytes) *raw_bytes = p->columns[index].raw_bytes;
    return p->columns[index].disk_bytes;
}

const fn_block *fn_part_index(const fn_part *p)
{
    return p->index;
}

uint64_t fn_part_distinct(const fn_part *p, uint32_t index)
{
    FN_ASSERT(index < p->column_count);
    return p->columns[index].distinct;
}
