/* agg_pick.c - anyHeavy, singleValueOrNull, argAndMin, argAndMax, groupConcat: values kept out of many.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_binary.h"

/* ---- anyHeavy: Boyer and Moore's majority vote ---- */
typedef struct heavy {
    uint64_t votes;
    agg_value value;
} heavy;
static fn_status heavy_bind(fn_ctx *ctx, agg_call *call)
{
    (void)ctx;
    call->type = call->arg_types[0];
    call->state_size = (uint32_t)offsetof(heavy, value) + agg_value_size(call->type);
    return FN_OK;
}
static fn_status heavy_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)call;
    heavy *s = state;
    if (s->value.has && agg_value_compare(&s->value, args[0], row) == 0) {
        s->votes++;
        return FN_OK;
    }
    if (s->votes) {
        s->votes--;
        return FN_OK;
    }
    s->votes = 1;
    return agg_value_set(ctx, arena, &s->value, args[0], row);
}
#define OP heavy
#include "aggregate/agg_by_row.inc"
static fn_status heavy_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    heavy *a = into;
    const heavy *b = from;
    if (!b->value.has) return FN_OK;
    if (a->value.has && agg_value_order(call->type, &a->value, &b->value) == 0) {
        a->votes += b->votes;
        return FN_OK;
    }
    if (a->value.has && a->votes >= b->votes) {
        a->votes -= b->votes;
        return FN_OK;
    }
    a->votes = b->votes - (a->value.has ? a->votes : 0);
    return agg_value_copy(ctx, arena, call->type, &a->value, &b->value);
}
static fn_status heavy_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    return agg_value_put(ctx, call->type, &((heavy *)state)->value, out);
}
static fn_status heavy_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    FN_TRY(agg_value_write(ctx, call->type, &((const heavy *)state)->value, out));
    return fn_buf_append(ctx, out, &((const heavy *)state)->votes, 8);
}
static fn_status heavy_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    FN_TRY(agg_value_read(ctx, arena, call->type, &((heavy *)state)->value, at, end));
    return agg_take(ctx, &((heavy *)state)->votes, 8, at, end);
}
static void heavy_destroy(const agg_call *call, void *state)
{
    agg_value_drop(call->type, &((heavy *)state)->value);
}

/* ---- singleValueOrNull: the value if all rows have the same ---- */
typedef struct only {
    uint64_t differs;
    agg_value value;
} only;
static fn_status only_bind(fn_ctx *ctx, agg_call *call)
{
    const fn_type *t = fn_type_strip_nullable(call->arg_types[0]);
    if (!fn_type_can_be_nullable(t)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function %s of %s is not supported", call->def->name, t->name);
    call->type = fn_type_nullable(t);
    call->state_size = (uint32_t)offsetof(only, value) + agg_value_size(call->arg_types[0]);
    return FN_OK;
}
static fn_status only_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)call;
    only *s = state;
    if (!s->value.has) return agg_value_set(ctx, arena, &s->value, args[0], row);
    s->differs |= agg_value_compare(&s->value, args[0], row) != 0;
    return FN_OK;
}
#define OP only
#include "aggregate/agg_by_row.inc"
static fn_status only_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    only *a = into;
    const only *b = from;
    const fn_type *t = call->arg_types[0];
    if (!b->value.has) return FN_OK;
    a->differs |= b->differs;
    if (!a->value.has) return agg_value_copy(ctx, arena, t, &a->value, &b->value);
    a->differs |= agg_value_order(t, &a->value, &b->value) != 0;
    return FN_OK;
}
static fn_status only_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const only *s = state;
    if (s->differs || !s->value.has) return fn_builder_null(ctx, out);
    return agg_value_put(ctx, call->arg_types[0], &s->value, out);
}
static fn_status only_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    FN_TRY(agg_value_write(ctx, call->arg_types[0], &((const only *)state)->value, out));
    return fn_buf_byte(ctx, out, (char)((const only *)state)->differs);
}
static fn_status only_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    FN_TRY(agg_value_read(ctx, arena, call->arg_types[0], &((only *)state)->value, at, end));
    return agg_take(ctx, &((only *)state)->differs, 1, at, end);
}
static void only_destroy(const agg_call *call, void *state)
{
    agg_value_drop(call->arg_types[0], &((only *)state)->value);
}

/* ---- argAndMin, argAndMax: argMin and the minimum it belongs to ---- */
typedef struct both {
    agg_value arg, key;
} both;
static bool is_max(const agg_call *call)
{
    return strcmp(call->def->name, "argAndMax") == 0;
}
static fn_status both_bind(fn_ctx *ctx, agg_call *call)
{
    (void)ctx;
    call->type = fn_type_tuple(call->arg_types, NULL, 2);
    call->state_size = sizeof(both);
    return FN_OK;
}
static fn_status both_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    both *s = state;
    const int order = s->key.has ? agg_value_compare(&s->key, args[1], row) : 0;
    if (s->key.has && (is_max(call) ? order >= 0 : order <= 0)) return FN_OK;
    FN_TRY(agg_value_set(ctx, arena, &s->key, args[1], row));
    return agg_value_set(ctx, arena, &s->arg, args[0], row);
}
static fn_status both_add(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) FN_TRY(both_row(ctx, call, arena, states[i] + offset, args, i));
    return FN_OK;
}
/* Among equals ClickHouse picks the first row of a run of numbers, else the last. */
static fn_status both_add_one(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from, uint32_t rows)
{
    const fn_column *keys = args[1];
    size_t best = from;
    if (rows == 0) return FN_OK;
    if (keys->type->phys >= FN_PHYS_FIXED || keys->nulls) {
        for (uint32_t i = 0; i < rows; i++) FN_TRY(both_row(ctx, call, arena, state, args, from + i));
        return FN_OK;
    }
    for (size_t i = from + 1; i < from + rows; i++) {
        const int order = fn_column_compare(keys, i, keys, best, true);
        if (is_max(call) ? order > 0 : order < 0) best = i;
        else if (order == 0 && best != from) best = i;
    }
    return both_row(ctx, call, arena, state, args, best);
}
static fn_status both_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    both *a = into;
    const both *b = from;
    if (!b->key.has) return FN_OK;
    const int order = a->key.has ? agg_value_order(call->arg_types[1], &a->key, &b->key) : 0;
    if (a->key.has && (is_max(call) ? order >= 0 : order <= 0)) return FN_OK;
    FN_TRY(agg_value_copy(ctx, arena, call->arg_types[1], &a->key, &b->key));
    return agg_value_copy(ctx, arena, call->arg_types[0], &a->arg, &b->arg);
}
static fn_status both_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const both *s = state;
    FN_TRY(agg_value_put(ctx, call->arg_types[0], &s->arg, &out->kids[0]));
    FN_TRY(agg_value_put(ctx, call->arg_types[1], &s->key, &out->kids[1]));
    return fn_builder_close_tuple(ctx, out);
}
static fn_status both_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    FN_TRY(agg_value_write(ctx, call->arg_types[0], &((const both *)state)->arg, out));
    return agg_value_write(ctx, call->arg_types[1], &((const both *)state)->key, out);
}
static fn_status both_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    FN_TRY(agg_value_read(ctx, arena, call->arg_types[0], &((both *)state)->arg, at, end));
    return agg_value_read(ctx, arena, call->arg_types[1], &((both *)state)->key, at, end);
}
static void both_destroy(const agg_call *call, void *state)
{
    agg_value_drop(call->arg_types[0], &((both *)state)->arg);
    agg_value_drop(call->arg_types[1], &((both *)state)->key);
}

/* ---- groupConcat(delimiter, limit) ---- */
typedef struct concat {
    agg_items text;
    uint64_t rows;
} concat;
typedef struct concat_bound {
    fn_str delimiter;
    uint64_t limit;
} concat_bound;
static fn_status concat_bind(fn_ctx *ctx, agg_call *call)
{
    concat_bound *b = FN_NEW(ctx, concat_bound);
    FN_TRY_PTR(ctx, b);
    b->limit = UINT64_MAX;
    if (call->arg_count == 2) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "A delimiter as second argument of aggregate function groupConcat is not supported: give it as parameter");
    if (call->param_count > 0) {
        if (!fn_type_is_string(call->params[0]->type))
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "First parameter for aggregate function %s should be string", call->def->name);
        b->delimiter = fn_column_str_at(call->params[0], 0);
    }
    if (call->param_count > 1) {
        FN_TRY(agg_param_u64(ctx, call, 1, &b->limit));
        if (b->limit == 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Second parameter for aggregate function %s should be a positive number", call->def->name);
    }
    call->data = b;
    call->type = fn_type_simple(FN_T_STRING);
    call->state_size = sizeof(concat);
    call->state_align = 8;
    return FN_OK;
}
static fn_status append(fn_ctx *ctx, const agg_call *call, fn_arena *arena, concat *s, fn_str text, uint64_t rows)
{
    const concat_bound *b = call->data;
    const fn_str parts[] = {s->rows ? b->delimiter : (fn_str){NULL, 0}, text};
    for (size_t i = 0; i < 2; i++) {
        if (!parts[i].size) continue;
        if (parts[i].size > INT32_MAX) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Too large string size");
        void *to = agg_items_room(ctx, arena, &s->text, (uint32_t)parts[i].size, 1);
        FN_TRY_PTR(ctx, to);
        memcpy(to, parts[i].data, parts[i].size);
        s->text.count += (uint32_t)parts[i].size;
    }
    s->rows += rows;
    return FN_OK;
}
static fn_status concat_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    fn_buf text = FN_BUF_INIT;
    fn_text_options options;
    if (((concat *)state)->rows >= ((const concat_bound *)call->data)->limit) return FN_OK;
    if (args[0]->type->phys == FN_PHYS_STRING) return append(ctx, call, arena, state, fn_column_str_at(args[0], row), 1);
    fn_text_options_default(&options);
    fn_status status = fn_text_write(ctx, args[0], row, FN_TEXT_PLAIN, &options, &text);
    if (status == FN_OK) status = append(ctx, call, arena, state, fn_buf_view(&text), 1);
    fn_buf_release(&text);
    return status;
}
#define OP concat
#include "aggregate/agg_by_row.inc"
static fn_status concat_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    const concat *b = from;
    if (!b->rows) return FN_OK;
    if (((const concat_bound *)call->data)->limit != UINT64_MAX && ((concat *)into)->rows)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Merging states of aggregate function groupConcat with a limit is not supported");
    return append(ctx, call, arena, into, (fn_str){(const char *)b->text.data, b->text.count}, b->rows);
}
static fn_status concat_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    const concat *s = state;
    return fn_builder_str(ctx, out, (fn_str){(const char *)s->text.data, s->text.count});
}
static fn_status concat_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    if (((const concat_bound *)call->data)->limit != UINT64_MAX)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function groupConcat with a limit are not supported");
    return agg_items_write(ctx, &((const concat *)state)->text, 1, out);
}
static fn_status concat_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    concat *s = state;
    if (((const concat_bound *)call->data)->limit != UINT64_MAX)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function groupConcat with a limit are not supported");
    FN_TRY(agg_items_read(ctx, arena, &s->text, 1, at, end));
    s->rows = s->text.count != 0;
    return FN_OK;
}

#define OPS(op) .bind = op##_bind, .init = agg_zero_init, .add = op##_add, .add_one = op##_add_one, .merge = op##_merge, .finish = op##_finish, .write = op##_write, .read = op##_read
static const char *const concat_names[] = {"group_concat", "string_agg", NULL};
static const agg_def rows_[] = {
    {.name = "anyHeavy", .args_min = 1, .args_max = 1, .flags = AGG_ORDER_DEPENDENT, OPS(heavy), .destroy = heavy_destroy, .about = "A frequent value, by majority vote.",
     .example = "anyHeavy(intDiv(number, 8))", .gives = "0"},
    {.name = "singleValueOrNull", .args_min = 1, .args_max = 1, .flags = AGG_OWN_NULLS, OPS(only), .destroy = only_destroy,
     .about = "The value if all rows have the same, else NULL.", .example = "singleValueOrNull(number * 0)", .gives = "0"},
    {.name = "argAndMin", .args_min = 2, .args_max = 2, OPS(both), .destroy = both_destroy, .about = "First argument where the second is smallest, and that minimum.",
     .example = "argAndMin(number, number + 1)", .gives = "(0,1)"},
    {.name = "argAndMax", .args_min = 2, .args_max = 2, OPS(both), .destroy = both_destroy, .about = "First argument where the second is greatest, and that maximum.",
     .example = "argAndMax(number, number + 1)", .gives = "(9,10)"},
    {.name = "groupConcat", .aliases = concat_names, .args_min = 1, .args_max = 2, .params_max = 2, .flags = AGG_ORDER_DEPENDENT | AGG_CASE_INSENSITIVE, OPS(concat),
     .about = "The texts of the values one behind the other, with a delimiter between.", .example = "groupConcat(',')(number)", .gives = "0,1,2,3,4,5,6,7,8,9"},
};
const agg_family agg_family_pick = AGG_FAMILY("pick", rows_);
