/* aggregate_code.c - GROUP BY one String that comes as dictionary codes.
 *
 * While the dictionary stays the same, the code is the number of the group's slot: no hashing, no string is looked at. When
 * another dictionary comes, and at the end, the groups made so far are put under their strings into the worker's table. A large
 * dictionary of which few rows are seen is not worth an array: such rows go by value. Entries of a dictionary may be equal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exec/op_aggregate.h"

enum { ALWAYS = 65536 /* entries */, ROWS_SHARE = 4 /* an array pays once a quarter as many rows as entries were seen */, BATCH = 256 };

bool aggregate_codes_pay(group_worker *w, const fn_column *key)
{
    const fn_column *dictionary = key->kids[0];
    if (w->dictionary != dictionary) {
        if (w->codes.count) return true; /* the other one is flushed first; asked again afterwards by way of its rows */
        fn_column_drop(w->dictionary);
        w->dictionary = fn_column_ref(dictionary);
        w->dictionary_rows = 0;
    }
    w->dictionary_rows += key->rows;
    return dictionary->rows <= ALWAYS || w->dictionary_rows * ROWS_SHARE >= dictionary->rows;
}

fn_status aggregate_codes_flush(op_aggregate *o, fn_ctx *ctx, group_worker *w)
{
    uint8_t *slots[BATCH];
    uint8_t *rows = fn_arena_alloc(ctx, ctx->arena, (size_t)BATCH * o->stride);
    FN_TRY_PTR(ctx, rows);
    uint64_t cursor = 0;
    for (uint32_t n; (n = group_table_walk(&w->codes, &cursor, group_table_end(&w->codes), slots, BATCH)) != 0;) {
        if (w->pass_rows) w->pass_rows = 0;
        FN_TRY(aggregate_relieve(o, ctx, w, n));
        for (uint32_t i = 0; i < n; i++) {
            uint8_t *row = rows + (size_t)i * o->stride;
            const uint64_t code = fn_load_u64(slots[i]);
            const group_text key = code == w->dictionary->rows ? group_text_null() : group_text_at(w->dictionary, code);
            memcpy(row, &key, sizeof key);
            memset(row + sizeof key, 0, o->stride - sizeof key);
            memcpy(row + o->state_at, slots[i] + o->code_state_at, o->inlined ? o->states.size : 8);
            memset(slots[i], 0, o->code_stride); /* moved */
        }
        FN_TRY(aggregate_merge(o, ctx, w, &w->table, w->arena, rows, n, true));
        w->table_rows += n;
    }
    w->codes.count = 0;
    w->codes.has_zero = false;
    return FN_OK;
}

fn_status aggregate_codes(op_aggregate *o, fn_ctx *ctx, group_worker *w, const fn_column *key, fn_column *const *args, uint32_t rows)
{
    const fn_column *dictionary = key->kids[0];
    if (w->dictionary != dictionary) {
        FN_TRY(aggregate_codes_flush(o, ctx, w));
        fn_column_drop(w->dictionary);
        w->dictionary = fn_column_ref(dictionary);
        w->dictionary_rows = rows;
    }
    FN_TRY(group_table_reserve_numbers(ctx, &w->codes, (uint64_t)dictionary->rows + 1));
    for (uint32_t from = 0; from < rows; from += GROUP_CHUNK) {
        const uint32_t n = FN_MIN(rows - from, (uint32_t)GROUP_CHUNK);
        const uint64_t *codes = group_codes(&w->packer, key, from, n);
        if (o->counts) {
            (void)group_table_count(&w->codes, codes, 8, n, o->code_state_at, w->fresh);
            continue;
        }
        const uint32_t made = group_table_find(&w->codes, codes, 8, n, w->slots, w->fresh);
        FN_TRY(aggregate_start(o, ctx, w, w->fresh, made, o->code_state_at));
        if (!o->inlined)
            for (uint32_t i = 0; i < n; i++) w->slots[i] = aggregate_state_at(o, w->slots[i], o->code_state_at);
        FN_TRY(group_states_add(ctx, &o->states, w->arena, w->slots, o->inlined ? o->code_state_at : 0, args, from, n));
    }
    return FN_OK;
}
