/* file_open.c - opening: finds the footer, parses it, answers questions about the file.
 * The tail of the file is read in one go (64 KiB); only a longer footer costs a second read.
 * A kept footer (footer_cache.c) is shared: each opening has a copy of the struct with a blob of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/footer_cache.h"

enum { TAIL = 64 * 1024 };

static fn_status find_footer(fn_ctx *ctx, fn_parquet *p, const char *tail, size_t size, fn_str *footer, uint64_t *offset)
{
    fn_blob *blob = p->blob;
    if (memcmp(tail + size - 4, "PARE", 4) == 0)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Parquet file '%s' is encrypted, which is not supported", blob->name);
    if (memcmp(tail + size - 4, "PAR1", 4) != 0) return pq_bad(ctx, p, blob->size - 4, "no Parquet magic at the end of the file");
    const uint64_t length = fn_load_u32(tail + size - 8);
    if (length > blob->size - 12) return pq_bad(ctx, p, blob->size - 8, "the footer is longer than the file");
    *offset = blob->size - 8 - length;
    char *bytes = fn_arena_alloc(ctx, p->arena, (size_t)length);
    FN_TRY_PTR(ctx, bytes);
    *footer = (fn_str){bytes, (size_t)length};
    if (length + 8 <= size) {
        memcpy(bytes, tail + size - 8 - length, (size_t)length);
        return FN_OK;
    }
    const fn_range range = {*offset, length, bytes};
    return blob->read(blob, ctx, &range, 1);
}

/* The footer alone stays in the file's arena. */
static fn_status read_footer(fn_ctx *ctx, fn_parquet *p, fn_str *footer, uint64_t *offset)
{
    fn_blob *blob = p->blob;
    if (blob->size < 12) return pq_bad(ctx, p, blob->size, "the file is too short to be Parquet");
    const size_t size = (size_t)FN_MIN(blob->size, (uint64_t)TAIL);
    char *tail = fn_alloc(ctx, size);
    FN_TRY_PTR(ctx, tail);
    const fn_range range = {blob->size - size, size, tail};
    fn_status status = blob->read(blob, ctx, &range, 1);
    if (status == FN_OK) status = find_footer(ctx, p, tail, size, footer, offset);
    fn_free(tail);
    return status;
}

fn_status fn_parquet_open(fn_ctx *ctx, fn_blob *blob, fn_parquet **out)
{
    *out = NULL;
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    fn_parquet *p = fn_arena_alloc_zero(ctx, arena, sizeof *p);
    fn_str footer = {NULL, 0};
    uint64_t offset = 0;
    fn_status status = p ? FN_OK : ctx->error.code;
    if (p) {
        p->arena = arena;
        p->blob = blob;
        atomic_store_explicit(&p->refs, 1, memory_order_relaxed);
        status = read_footer(ctx, p, &footer, &offset);
    }
    if (status == FN_OK) status = pq_footer_parse(ctx, p, footer, offset);
    if (status == FN_OK) status = pq_schema_build(ctx, p);
    if (status == FN_OK) *out = p;
    else fn_arena_free(arena);
    return status;
}

/* Takes the reference to the kept one. */
static fn_status copy_of(fn_ctx *ctx, fn_parquet *kept_take, fn_blob *blob, fn_parquet **out)
{
    fn_parquet *p = fn_alloc(ctx, sizeof *p);
    if (!p) {
        fn_parquet_close(kept_take);
        return ctx->error.code;
    }
    const fn_parquet *k = kept_take;
    *p = (fn_parquet){.kept = kept_take, .blob = blob, .element_count = k->element_count, .leaf_count = k->leaf_count, .group_count = k->group_count,
                      .field_count = k->field_count, .elements = k->elements, .leaves = k->leaves, .fields = k->fields, .schema = k->schema,
                      .groups = k->groups, .rows = k->rows};
    *out = p;
    return FN_OK;
}

fn_status fn_parquet_open_cached(fn_ctx *ctx, fn_blob *blob, fn_parquet **out)
{
    fn_tracker *root = ctx->memory;
    while (root && root->parent) root = root->parent;
    if (!blob->version || root == ctx->memory) return fn_parquet_open(ctx, blob, out);
    *out = NULL;
    fn_parquet *kept = pq_footer_cached(blob, root);
    if (!kept) {
        FN_TRY(fn_parquet_open(ctx, blob, &kept));
        pq_footer_keep(kept, root);
    }
    return copy_of(ctx, kept, blob, out);
}

void fn_parquet_close(fn_parquet *p)
{
    if (!p) return;
    if (p->kept) {
        fn_parquet_close(p->kept);
        fn_free(p);
    } else if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1) {
        fn_arena_free(p->arena);
    }
}

uint64_t fn_parquet_rows(const fn_parquet *p)
{
    return p->rows;
}
uint32_t fn_parquet_group_count(const fn_parquet *p)
{
    return p->group_count;
}
const fn_schema *fn_parquet_schema(const fn_parquet *p)
{
    return &p->schema;
}
int fn_parquet_column_by_id(const fn_parquet *p, int32_t field_id)
{
    for (uint32_t i = 0; i < p->field_count; i++) {
        if (p->fields[i]->field_id == field_id) return (int)i;
    }
    return -1;
}

bool fn_parquet_has_field_ids(const fn_parquet *p)
{
    for (uint32_t i = 0; i < p->field_count; i++) {
        if (p->fields[i]->field_id >= 0) return true;
    }
    return false;
}

