/* block.c - blocks of rows and schemas. SPDX-License-Identifier: Apache-2.0 */
#include <firn/block.h>

int fn_schema_find(const fn_schema *s, fn_str name)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (fn_str_eq(s->fields[i].name, name)) return (int)i;
    return -1;
}

fn_block *fn_block_new(fn_ctx *ctx, uint32_t count, uint32_t rows)
{
    fn_block *b = fn_alloc_zero(ctx, sizeof *b + count * sizeof(fn_column *));
    if (!b) return NULL;
    b->columns = (fn_column **)(b + 1);
    b->count = count;
    b->rows = rows;
    atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

fn_block *fn_block_ref(const fn_block *b)
{
    if (!b) return NULL;
    fn_block *shared = (fn_block *)(uintptr_t)b; /* the count is the one mutable part of a frozen block */
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void fn_block_drop(fn_block *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t i = 0; i < b->count; i++) fn_column_drop(b->columns[i]);
    fn_free(b);
}

fn_block *fn_block_slice(fn_ctx *ctx, const fn_block *b, size_t from, uint32_t rows)
{
    if (from == 0 && rows == b->rows) return fn_block_ref(b);
    fn_block *out = fn_block_new(ctx, b->count, rows);
    if (!out) return NULL;
    for (uint32_t i = 0; i < b->count; i++) {
        out->columns[i] = fn_column_slice(ctx, b->columns[i], from, rows);
        if (!out->columns[i]) {
            fn_block_drop(out);
            return NULL;
        }
    }
    return out;
}

fn_block *fn_block_take(fn_ctx *ctx, const fn_block *b, const uint32_t *rows, uint32_t count)
{
    fn_block *out = fn_block_new(ctx, b->count, count);
    if (!out) return NULL;
    for (uint32_t i = 0; i < b->count; i++) {
        out->columns[i] = fn_column_take(ctx, b->columns[i], rows, count);
        if (!out->columns[i]) {
            fn_block_drop(out);
            return NULL;
        }
    }
    return out;
}

size_t fn_block_bytes(const fn_block *b)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < b->count; i++) bytes += fn_column_bytes(b->columns[i]);
    return bytes;
}
