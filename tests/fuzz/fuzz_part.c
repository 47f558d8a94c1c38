/* fuzz_part.c - any bytes as a part file. First as they are; then with every checksum made right, so that the footer, the segments,
 * zones, dictionaries, attached skip indexes and parts within the part behind them are reached: only errors with a code, and columns that keep their invariants.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/part_reader.h"
#include <firn/skip_data.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static const char *const PATH = "/f/part";
enum { SIZE_MAX_TRIED = 1 << 20 };

static fn_status put_file(fn_ctx *ctx, fn_fs *fs, const uint8_t *bytes, size_t size)
{
    fn_file *f;
    FN_TRY(fs->remove(fs, ctx, PATH));
    FN_TRY(fs->open(fs, ctx, PATH, FN_OPEN_WRITE | FN_OPEN_CREATE, &f));
    const fn_status status = fs->write(fs, ctx, f, 0, bytes, size);
    fs->close(fs, f);
    return status;
}

static void store_checksum(uint8_t *at, fn_hash128 sum)
{
    fn_store_u64(at, sum.low);
    fn_store_u64(at + 8, sum.high);
}

/* The footer's id and checksum made right; false: no footer in sight. */
static bool mend_footer(uint8_t *file, size_t size, fn_part_id *id)
{
    if (size < MAGIC_SIZE + TRAILER_SIZE + 16) return false;
    const uint32_t footer = fn_load_u32(file + size - TRAILER_SIZE);
    if (footer < 16 || footer > size - MAGIC_SIZE - TRAILER_SIZE) return false;
    uint8_t *at = file + size - TRAILER_SIZE - footer;
    *id = (fn_part_id){fn_load_u64(at), fn_load_u64(at + 8)};
    memcpy(file, PART_MAGIC, MAGIC_SIZE);
    memcpy(file + size - MAGIC_SIZE, PART_MAGIC, MAGIC_SIZE);
    fn_store_u32(file + size - TRAILER_SIZE + 4, PART_VERSION);
    store_checksum(file + size - TRAILER_SIZE + 8, part_checksum(at, footer, *id, UINT32_MAX, 0));
    return true;
}

/* One reference of an opened part: its bytes' checksum put into the file's footer. */
static void mend_reference(uint8_t *file, const fn_part *p, const part_column *c, const uint8_t *in_footer, uint32_t number)
{
    const part_reference r = part_reference_at(in_footer);
    if (r.size == 0) return;
    uint8_t *at = file + p->footer_at + (size_t)(in_footer - (const uint8_t *)p->footer.data) + 16;
    store_checksum(at, part_checksum(file + r.offset, (size_t)r.size, p->id, c->info.id, number));
}

static void mend_columns(uint8_t *file, const fn_part *p)
{
    for (uint32_t i = 0; i < p->column_count; i++) {
        const part_column *c = &p->columns[i];
        for (uint32_t s = 0; s < c->streams; s++) mend_reference(file, p, c, c->dictionaries + (size_t)s * DICTIONARY_SIZE, REF_DICTIONARY + s);
        mend_reference(file, p, c, c->segments - REFERENCE_SIZE, REF_ZONES); /* zones stand before the segments */
        for (uint32_t s = 0; s < p->segments; s++) mend_reference(file, p, c, c->segments + (size_t)s * REFERENCE_SIZE, s);
    }
}

static void mend_attachments(uint8_t *file, const fn_part *p)
{
    for (uint32_t i = 0; i < p->attachment_count; i++) {
        const uint8_t *in_footer = p->attachments + (size_t)i * ATTACHMENT_SIZE;
        const uint64_t id = fn_load_u64(in_footer);
        const part_column owner = {.info.id = (uint32_t)id};
        mend_reference(file, p, &owner, in_footer + sizeof id, (uint32_t)(id >> 32));
    }
}

static part_reference inner_place(const fn_part *p, uint32_t index)
{
    return part_reference_at(p->inner_list + (size_t)index * INNER_SIZE + (INNER_SIZE - REFERENCE_SIZE));
}

/* Parts within the part: their footers made right, and what the outer footer says of them. */
static void mend_inner(uint8_t *file, const fn_part *p)
{
    for (uint32_t i = 0; i < p->inner_count; i++) {
        const uint8_t *in_footer = p->inner_list + (size_t)i * INNER_SIZE;
        const part_reference r = inner_place(p, i);
        uint8_t *at = file + p->footer_at + (size_t)(in_footer - (const uint8_t *)p->footer.data), *inner = file + r.offset;
        fn_part_id id;
        if (!mend_footer(inner, (size_t)r.size, &id)) continue;
        fn_store_u64(at + 8, id.high);
        fn_store_u64(at + 16, id.low);
        memcpy(at + (INNER_SIZE - 16), inner + r.size - TRAILER_SIZE + 8, 16);
    }
}

/* What stands inside of them, when they can be opened. */
static void mend_inner_columns(fn_ctx *ctx, uint8_t *file, const fn_part *p)
{
    for (uint32_t i = 0; i < p->inner_count && i < 8; i++) {
        const fn_part *inner;
        if (fn_part_inner(ctx, p, fn_part_inner_at(p, i, NULL), &inner) == FN_OK && inner) {
            mend_columns(file + inner->base, inner);
            mend_attachments(file + inner->base, inner);
        }
        fn_error_clear(ctx);
    }
    mend_inner(file, p);
}

/* An attachment's bytes as every form of index, over the types of the part's first columns. */
static void read_skip_data(fn_ctx *ctx, const fn_part *p, fn_buffer *bytes)
{
    const fn_type *types[2] = {NULL, NULL};
    const uint32_t count = FN_MIN(p->column_count, 2u);
    for (uint32_t i = 0; i < count; i++) types[i] = p->columns[i].info.type;
    for (fn_skip_form form = FN_SKIP_BOUNDS; form <= FN_SKIP_FILTERS; form++) {
        const fn_skip_shape shape = {.form = form, .types = types, .value_count = form == FN_SKIP_FILTERS ? 0 : count, .hashes = 3, .bytes = 64};
        fn_skip_data data;
        const fn_status status = fn_skip_data_load(ctx, &shape, bytes, &data);
        for (uint32_t i = 0; i < data.value_count && status == FN_OK; i++) {
            if (data.bounds && data.bounds[i].min && fn_column_check(ctx, data.bounds[i].min) != FN_OK) abort();
            if (data.values && data.values[i] && fn_column_check(ctx, data.values[i]) != FN_OK) abort();
        }
        const uint64_t hashes[] = {1, UINT64_MAX};
        for (uint32_t g = 0; g < data.granules && g < 64 && form == FN_SKIP_FILTERS && status == FN_OK; g++) (void)fn_skip_filter_has(&data, &shape, g, hashes, 2);
        fn_error_clear(ctx);
        fn_skip_data_release(&data);
    }
}

static fn_status read_part(fn_ctx *ctx, const fn_part *p)
{
    for (uint32_t i = 0; i < p->attachment_count && i < 64; i++) {
        fn_buffer *bytes = NULL;
        if (fn_part_attachment(ctx, p, fn_part_attachment_at(p, i, NULL), &bytes) == FN_OK && bytes) read_skip_data(ctx, p, bytes);
        fn_buffer_drop(bytes);
        fn_error_clear(ctx);
    }
    for (uint32_t i = 0; i < p->column_count && i < 64; i++) {
        const fn_part_zones *zones;
        fn_status status = fn_part_zones_of(ctx, p, i, &zones);
        fn_error_clear(ctx);
        for (uint32_t g = 0; g < p->granules && g < 16; g++) {
            fn_block *b;
            status = fn_part_read(ctx, p, &i, 1, g, 1, &b);
            fn_error_clear(ctx);
            if (status != FN_OK) continue;
            if (fn_column_check(ctx, b->columns[0]) != FN_OK) abort();
            fn_block_drop(b);
        }
    }
    for (uint32_t i = 0; i < p->inner_count && i < 8; i++) {
        const fn_part *inner;
        if (fn_part_inner(ctx, p, fn_part_inner_at(p, i, NULL), &inner) == FN_OK && inner) (void)read_part(ctx, inner);
        fn_error_clear(ctx);
    }
    return fn_part_check(ctx, p);
}

static fn_status run(fn_ctx *ctx, fn_fs *fs, uint8_t *file, size_t size)
{
    fn_part_id id = {0};
    fn_part *p;
    FN_TRY(fs->make_dir(fs, ctx, "/f"));
    FN_TRY(put_file(ctx, fs, file, size));
    if (fn_part_open(ctx, fs, PATH, id, NULL, &p) == FN_OK) fn_part_drop(p);
    fn_error_clear(ctx);
    if (!mend_footer(file, size, &id)) return FN_OK;
    FN_TRY(put_file(ctx, fs, file, size));
    FN_TRY(fn_part_open(ctx, fs, PATH, id, NULL, &p));
    mend_columns(file, p);
    mend_attachments(file, p);
    mend_inner(file, p);
    fn_part_drop(p);
    (void)mend_footer(file, size, &id);
    FN_TRY(put_file(ctx, fs, file, size));
    FN_TRY(fn_part_open(ctx, fs, PATH, id, NULL, &p));
    mend_inner_columns(ctx, file, p);
    fn_part_drop(p);
    (void)mend_footer(file, size, &id);
    FN_TRY(put_file(ctx, fs, file, size));
    FN_TRY(fn_part_open(ctx, fs, PATH, id, NULL, &p));
    fn_part_cache_clear();
    const fn_status status = read_part(ctx, p);
    fn_part_drop(p);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > SIZE_MAX_TRIED) return 0;
    fn_tracker memory;
    fn_tracker_init(&memory, "query", NULL, (int64_t)512 << 20);
    fn_ctx ctx = {.memory = &memory};
    fn_fs *fs;
    uint8_t *file = malloc(size + 1);
    ctx.arena = fn_arena_new(&ctx);
    if (file && ctx.arena && fn_fs_memory(&ctx, &fs) == FN_OK) {
        if (size) memcpy(file, data, size);
        const fn_status status = run(&ctx, fs, file, size);
        if (status != FN_OK && ctx.error.code != status) abort();
        fn_fs_memory_free(fs);
    }
    free(file);
    fn_arena_free(ctx.arena);
    fn_part_cache_clear();
    return 0;
}
