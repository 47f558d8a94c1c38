/* scan_verdict.c - a conjunct over one dictionary-encoded column, decided once per entry of the part's dictionary.
 *
 * A LIKE over 65,536 rows at a time would search the same strings again in every block. Instead the workers that come to the part
 * share the dictionary's entries among themselves, wait for each other, and from then on a row costs one look-up by its code. When no entry
 * passes, the part's remaining ranges are not read at all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kernel.h"
#include "table/mergetree/scan.h"
#include <sched.h>

enum { SHARE_ROWS = 16384 };

struct scan_verdict {
    fn_column *dictionary; /* referenced */
    uint32_t entries;
    uint8_t *of_entry;     /* entries bytes */
    uint8_t of_null;
    _Atomic uint32_t next, done, passed;
    _Atomic bool failed;
};

static fn_status verdict_new(fn_ctx *ctx, fn_column *dictionary_take, scan_verdict **out)
{
    scan_verdict *v = fn_alloc_zero(ctx, sizeof *v);
    uint8_t *of_entry = v ? fn_alloc(ctx, (size_t)dictionary_take->rows + FN_BUFFER_PAD) : NULL;
    if (!of_entry) {
        fn_free(v);
        fn_column_drop(dictionary_take);
        return ctx->error.code;
    }
    v->dictionary = dictionary_take;
    v->entries = dictionary_take->rows;
    v->of_entry = of_entry;
    *out = v;
    return FN_OK;
}

void scan_verdict_free(scan_verdict *v)
{
    if (!v) return;
    fn_column_drop(v->dictionary);
    fn_free(v->of_entry);
    fn_free(v);
}

fn_status scan_verdict_plan(fn_ctx *ctx, const mt_scan *s, const scan_stage *stage, const mt_reader *reader, uint64_t rows, scan_verdict **out)
{
    *out = NULL;
    if (!stage->by_entry || stage->column_count != 1) return FN_OK;
    const uint32_t column = s->slots[stage->slots[0]];
    const int place = reader->places[column];
    fn_column *dictionary;
    bool sorted;
    if (place < 0 || (reader->casts && reader->casts[column])) return FN_OK;
    FN_TRY(fn_part_dictionary(ctx, reader->data, (uint32_t)place, &dictionary, &sorted));
    if (!dictionary || dictionary->rows > rows || dictionary->rows == 0) {
        fn_column_drop(dictionary);
        return FN_OK;
    }
    FN_TRY(verdict_new(ctx, dictionary, out));
    const fn_type *type = s->shape->schema->columns[column].type;
    if (!fn_type_is_nullable(type)) return FN_OK;
    uint8_t mask[1 + FN_BUFFER_PAD];
    uint32_t ones;
    const fn_status status = expr_run_mask_one(ctx, stage->program, fn_column_null(ctx, type, 1), mask, &ones);
    if (status == FN_OK) {
        (*out)->of_null = ones != 0;
        return FN_OK;
    }
    scan_verdict_free(*out);
    *out = NULL;
    return status;
}

/* This worker's share of the entries. */
static fn_status decide_some(fn_ctx *ctx, const mt_scan *s, const scan_stage *stage, scan_verdict *v)
{
    const fn_type *type = s->shape->schema->columns[s->slots[stage->slots[0]]].type;
    for (;;) {
        const uint32_t from = atomic_fetch_add_explicit(&v->next, SHARE_ROWS, memory_order_relaxed);
        if (from >= v->entries) return FN_OK;
        const uint32_t rows = FN_MIN((uint32_t)SHARE_ROWS, v->entries - from);
        uint8_t *mask = fn_alloc(ctx, SHARE_ROWS + FN_BUFFER_PAD);
        FN_TRY_PTR(ctx, mask);
        uint32_t ones = 0;
        fn_column *some = fn_column_slice(ctx, v->dictionary, from, rows);
        fn_column *typed = some ? fn_column_retype(ctx, some, type) : NULL;
        fn_column_drop(some);
        const fn_status status = expr_run_mask_one(ctx, stage->program, typed, mask, &ones);
        if (status == FN_OK) memcpy(v->of_entry + from, mask, rows);
        fn_free(mask);
        FN_TRY(status);
        atomic_fetch_add_explicit(&v->passed, ones, memory_order_relaxed);
        atomic_fetch_add_explicit(&v->done, rows, memory_order_release);
    }
}

fn_status scan_verdict_ready(fn_ctx *ctx, const mt_scan *s, const scan_stage *stage, scan_verdict *v, bool *usable)
{
    *usable = true;
    if (atomic_load_explicit(&v->done, memory_order_acquire) == v->entries) return FN_OK;
    const fn_status status = decide_some(ctx, s, stage, v);
    if (status != FN_OK) {
        atomic_store(&v->failed, true);
        return status;
    }
    while (atomic_load_explicit(&v->done, memory_order_acquire) != v->entries) {
        if (atomic_load(&v->failed)) {
            *usable = false; /* row by row: the same failure comes up where it belongs */
            return FN_OK;
        }
        (void)sched_yield(); /* the others have less than a share left each */
    }
    return FN_OK;
}

bool scan_verdict_none(const scan_verdict *v)
{
    return v->passed == 0 && !v->of_null;
}

#define LOOK_UP(load)                                                                              \
    for (uint32_t i = 0; i < c->rows; i++) mask[i] = v->of_entry[load]

bool scan_verdict_mask(const scan_verdict *v, const fn_column *c, uint8_t *mask, uint32_t *ones)
{
    if (c->shape != FN_DICT || c->kids[0] != v->dictionary) return false;
    if (c->code_width == 1) LOOK_UP(c->values[i]);
    else if (c->code_width == 2) LOOK_UP(fn_load_u16(c->values + 2 * (size_t)i));
    else LOOK_UP(fn_load_u32(c->values + 4 * (size_t)i));
    for (uint32_t i = 0; c->nulls && i < c->rows; i++) mask[i] = c->nulls[i] ? v->of_null : mask[i];
    *ones = (uint32_t)kern.mask_count(mask, c->rows);
    return true;
}
