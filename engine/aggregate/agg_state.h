/* agg_state.h - what the files of this folder share: value holders, row subsets and binding of wrapped aggregates.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_AGGREGATE_AGG_STATE_H
#define FIRN_AGGREGATE_AGG_STATE_H
#include "expr/aggregate.h"
#include <firn/wide.h>

#define AGG_FAMILY(title, rows) {(title), (rows), FN_COUNT(rows)}

static inline size_t agg_step(const fn_column *c)
{
    return c->shape == FN_CONST ? 0 : 1;
}
static inline uint32_t agg_align(uint32_t size, uint32_t align)
{
    return (size + align - 1) & ~(align - 1);
}

/* The aggregate of a NULL literal: NULL or 0 of the type whatever the rows. */
fn_status agg_bind_nothing(fn_ctx *ctx, const agg_call *outer, const fn_type *type, agg_call **out) FN_MUST_USE;
bool agg_is_nothing(const agg_call *call);
fn_status agg_illegal(fn_ctx *ctx, const agg_call *call) FN_MUST_USE; /* ILLEGAL_TYPE_OF_ARGUMENT naming the types */
/* `size` bytes of a state from *at; INCORRECT_DATA when cut. */
fn_status agg_take(fn_ctx *ctx, void *to, size_t size, const uint8_t **at, const uint8_t *end) FN_MUST_USE;
fn_status agg_take_leb(fn_ctx *ctx, uint64_t *to, const uint8_t **at, const uint8_t *end) FN_MUST_USE;

/* ---- one value of any type inside a state (min, any, argMax ...); zeroed memory is an empty holder ---- */
enum { AGG_VALUE_SIZE = 48 };
typedef struct agg_value {
    uint8_t has;
    uint32_t size, capacity; /* strings */
    union {
        uint8_t fixed[32];
        char *text;        /* in the arena */
        fn_column *column; /* containers: one row, referenced */
    };
} agg_value;
uint32_t agg_value_size(const fn_type *type); /* bytes of a holder for this type, when it is the state's last member */
fn_status agg_value_set(fn_ctx *ctx, fn_arena *arena, agg_value *v, const fn_column *c, size_t row) FN_MUST_USE;
fn_status agg_value_copy(fn_ctx *ctx, fn_arena *arena, const fn_type *type, agg_value *v, const agg_value *from) FN_MUST_USE;
int agg_value_compare(const agg_value *v, const fn_column *c, size_t row); /* v has a value */
int agg_value_order(const fn_type *type, const agg_value *a, const agg_value *b);
fn_status agg_value_put(fn_ctx *ctx, const fn_type *type, const agg_value *v, fn_builder *out) FN_MUST_USE; /* default when empty */
fn_status agg_value_write(fn_ctx *ctx, const fn_type *type, const agg_value *v, fn_buf *out) FN_MUST_USE;
fn_status agg_value_read(fn_ctx *ctx, fn_arena *arena, const fn_type *type, agg_value *v, const uint8_t **at, const uint8_t *end) FN_MUST_USE;
void agg_value_drop(const fn_type *type, agg_value *v);

/* ---- rows of a block picked by a mask: what -If and the null rule hand on ---- */
typedef struct agg_subset {
    fn_column *args[16];
    uint32_t arg_count, rows;
    uint8_t **states; /* NULL when there were none */
} agg_subset;
enum { AGG_ARGS_MAX = 16 };
/* The rows with mask[i] = 1 of every argument (and of states). Release in any case. */
fn_status agg_subset_make(fn_ctx *ctx, const uint8_t *mask, uint32_t kept, uint32_t rows, fn_column *const *args, uint32_t arg_count,
                          uint8_t *const *states, agg_subset *out) FN_MUST_USE;
void agg_subset_release(agg_subset *s);

/* ---- binding ---- */
agg_call *agg_wrap(fn_ctx *ctx, const agg_def *def, const agg_call *outer, agg_call *nested) FN_MUST_USE; /* state as nested's */
/* The combinator's row for the longest suffix that ends `name`; NULL if none. */
typedef struct agg_combinator {
    const char *suffix;
    fn_status (*bind)(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out);
} agg_combinator;
const agg_combinator *agg_combinator_find(fn_str name);
fn_status agg_bind_for_each(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out);
fn_status agg_bind_map(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out);
fn_status agg_bind_arg_min(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out);
fn_status agg_bind_arg_max(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out);
fn_status agg_bind_resample(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out);
/* The aggregate over the items of array arguments, for a suffix that takes arrays. */
fn_status agg_bind_over_items(fn_ctx *ctx, fn_str inner, const agg_call *outer, const char *suffix, agg_call **nested) FN_MUST_USE;
/* The items of rows [from, from + rows) of every array, and the first array flat (*base: its offsets). The caller drops base (may be
 * NULL) and `made` items in any case. Errors: SIZES_OF_ARRAYS_DONT_MATCH. */
fn_status agg_array_items(fn_ctx *ctx, fn_column *const *args, uint32_t count, size_t from, uint32_t rows, fn_column **base, fn_column **items,
                          uint32_t *made) FN_MUST_USE;
fn_status agg_bind_inner(fn_ctx *ctx, fn_str name, const fn_type *const *types, uint32_t count, fn_column *const *params, uint32_t param_count,
                         agg_call **out) FN_MUST_USE;
/* null_result: NULL for no rows where the aggregate allows it; false when only a condition is Nullable. */
fn_status agg_bind_nulls(fn_ctx *ctx, const agg_call *outer, agg_call *nested, bool null_result, agg_call **out) FN_MUST_USE;
#endif
