/* file_open.c - opening: finds the footer, parses it, answers questions about the file.
 * The tail of the file is read in one go (64 KiB); only a longer footer costs a second read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/parquet_file.h"

enum { TAIL = 64 * 1024 };

static fn_status read_footer(fn_ctx *ctx, fn_parquet *p, fn_str *footer, uint64_t *offset)
{
    fn_blob *blob = p->blob;
    if (blob->size < 12) return pq_bad(ctx, p, blob->size, "the file is too short to be Parquet");
    size_t size = (size_t)FN_MIN(blob->size, (uint64_t)TAIL);
    char *tail = fn_arena_alloc(ctx, p->arena, size);
    FN_TRY_PTR(ctx, tail);
    fn_range range = {blob->size - size, size, tail};
    FN_TRY(blob->read(blob, ctx, &range, 1));
    if (memcmp(tail + size - 4, "PARE", 4) == 0)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Parquet file '%s' is encrypted, which is not supported", blob->name);
    if (memcmp(tail + size - 4, "PAR1", 4) != 0) return pq_bad(ctx, p, blob->size - 4, "no Parquet magic at the end of the file");
    const uint64_t length = fn_load_u32(tail + size - 8);
    if (length > blob->size - 12) return pq_bad(ctx, p, blob->size - 8, "the footer is longer than the file");
    *offset = blob->size - 8 - length;
    if (length + 8 <= size) {
        *footer = (fn_str){tail + size - 8 - length, (size_t)length};
        return FN_OK;
    }
    char *bytes = fn_arena_alloc(ctx, p->arena, (size_t)length);
    FN_TRY_PTR(ctx, bytes);
    range = (fn_range){*offset, length, bytes};
    FN_TRY(blob->read(blob, ctx, &range, 1));
    *footer = (fn_str){bytes, (size_t)length};
    return FN_OK;
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
        status = read_footer(ctx, p, &footer, &offset);
    }
    if (status == FN_OK) status = pq_footer_parse(ctx, p, footer, offset);
    if (status == FN_OK) status = pq_schema_build(ctx, p);
    if (status == FN_OK) *out = p;
    else fn_arena_free(arena);
    return status;
}

void fn_parquet_close(fn_parquet *p)
{
    if (p) fn_arena_free(p->arena);
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

