/* func_array_set.c - arrays as sets: arrayDistinct, arrayUniq, arrayEnumerateUniq, arrayEnumerateDense, arrayIntersect, arrayUnion,
 * arrayExcept, arraySymmetricDifference. Items are hashed all at once; a small open table per row finds equal ones.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"

/* Numbers the different items of one row at a time. Several columns make one key. */
typedef struct item_set {
    const fn_column *const *columns;
    uint32_t column_count;
    const uint64_t *hashes;
    uint32_t *slots;   /* item + 1 */
    uint32_t *touched; /* slots to clear */
    uint32_t touched_count, mask;
} item_set;

static bool same_item(const item_set *s, uint32_t a, uint32_t b)
{
    for (uint32_t c = 0; c < s->column_count; c++)
        if (!fn_column_equal_at(s->columns[c], a, s->columns[c], b)) return false;
    return true;
}

/* The first item equal to `item` among those added since the last clear; adds it if there is none (add) and gives itself. */
static uint32_t set_find(item_set *s, uint32_t item, bool add, bool *found)
{
    uint32_t slot = (uint32_t)s->hashes[item] & s->mask;
    while (s->slots[slot]) {
        const uint32_t other = s->slots[slot] - 1;
        if (s->hashes[other] == s->hashes[item] && same_item(s, other, item)) {
            *found = true;
            return other;
        }
        slot = (slot + 1) & s->mask;
    }
    *found = false;
    if (add) {
        s->slots[slot] = item + 1;
        s->touched[s->touched_count++] = slot;
    }
    return item;
}

static void set_clear(item_set *s)
{
    for (uint32_t i = 0; i < s->touched_count; i++) s->slots[s->touched[i]] = 0;
    s->touched_count = 0;
}

static fn_status set_open(fn_ctx *ctx, item_set *s, const fn_column *const *columns, uint32_t count, uint32_t total, uint32_t longest)
{
    *s = (item_set){.columns = columns, .column_count = count, .mask = (uint32_t)fn_next_pow2(2 * (uint64_t)longest + 2) - 1};
    uint64_t *hashes = fn_alloc(ctx, ((size_t)total + 1) * sizeof *hashes);
    s->hashes = hashes;
    s->slots = fn_alloc_zero(ctx, ((size_t)s->mask + 1) * sizeof *s->slots);
    s->touched = fn_alloc(ctx, ((size_t)longest + 1) * sizeof *s->touched);
    fn_status status = hashes && s->slots && s->touched ? FN_OK : ctx->error.code;
    for (uint32_t c = 0; c < count && status == FN_OK; c++) status = fn_column_hash(ctx, columns[c], hashes, c == 0);
    return status;
}

static void set_close(item_set *s)
{
    fn_free((void *)(uintptr_t)s->hashes);
    fn_free(s->slots);
    fn_free(s->touched);
}

static uint32_t longest_row(const array_in *a)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < a->rows; i++) most = FN_MAX(most, a->offsets[i + 1] - a->offsets[i]);
    return most;
}

/* ---- one or more arrays of equal sizes ---- */

static fn_status bind_distinct(fn_ctx *ctx, func_call *call)
{
    FN_TRY(array_need(ctx, call, 0));
    call->type = fn_type_array(fn_type_strip_nullable(fn_type_strip_low_cardinality(call->arg_types[0]->args[0])));
    return FN_OK;
}

static fn_status bind_uniq(fn_ctx *ctx, func_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++) FN_TRY(array_need(ctx, call, i));
    const bool count = strcmp(call->def->name, "arrayUniq") == 0;
    call->type = fn_type_simple(FN_T_UINT32);
    if (!count) call->type = fn_type_array(call->type);
    return FN_OK;
}

typedef struct opened {
    array_in *arrays;
    const fn_column **columns;
    uint32_t count;
    item_set set;
} opened;

static void opened_close(opened *o)
{
    for (uint32_t k = 0; o->arrays && k < o->count; k++) array_close(&o->arrays[k]);
    fn_free(o->arrays);
    fn_free((void *)(uintptr_t)o->columns);
    set_close(&o->set);
}

static fn_status open_all(fn_ctx *ctx, const func_call *call, fn_column *const *args, opened *o)
{
    *o = (opened){.count = call->arg_count};
    o->arrays = fn_alloc_zero(ctx, (o->count + 1) * sizeof *o->arrays);
    o->columns = fn_alloc_zero(ctx, (o->count + 1) * sizeof *o->columns);
    fn_status status = o->arrays && o->columns ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < o->count && status == FN_OK; k++) {
        status = array_open(ctx, args[k], &o->arrays[k]);
        o->columns[k] = o->arrays[k].items;
    }
    if (status == FN_OK) status = array_same_sizes(ctx, call, o->arrays, o->count, 0);
    if (status == FN_OK) status = set_open(ctx, &o->set, o->columns, o->count, o->arrays[0].total, longest_row(&o->arrays[0]));
    if (status != FN_OK) opened_close(o);
    return status;
}

/* The picked items as an array of the call's type, which can hold each of them. */
static fn_status pick_as(fn_ctx *ctx, array_pick *p, const fn_column *items, const fn_type *type, uint32_t rows, fn_column **out)
{
    fn_column *picked = NULL;
    if (type->args[0]->id == FN_T_NOTHING) {
        array_pick_release(p);
        *out = fn_column_default(ctx, type, rows);
        return *out ? FN_OK : ctx->error.code;
    }
    FN_TRY(array_pick_finish(ctx, p, fn_type_array(items->type), items, &picked));
    const fn_status status = expr_convert(ctx, picked, type, CONVERT_CAST, out);
    fn_column_drop(picked);
    return status;
}

/* NULLs are left out, as ClickHouse does. */
static fn_status eval_distinct(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    opened o;
    array_pick p = {0};
    FN_TRY(open_all(ctx, call, args, &o));
    const array_in *a = &o.arrays[0];
    fn_status status = array_pick_open(ctx, &p, rows, a->total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++) {
            bool found;
            if (fn_column_is_null(a->items, k)) continue;
            (void)set_find(&o.set, k, true, &found);
            if (!found) array_pick_put(&p, k);
        }
        set_clear(&o.set);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = pick_as(ctx, &p, a->items, call->type, rows, out);
    else array_pick_release(&p);
    opened_close(&o);
    return status;
}

static fn_status eval_uniq(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    opened o;
    uint8_t *values;
    FN_TRY(open_all(ctx, call, args, &o));
    *out = func_new_fixed(ctx, call->type, rows, &values);
    for (uint32_t i = 0; *out && i < rows; i++) {
        uint32_t n = 0;
        for (uint32_t k = o.arrays[0].offsets[i]; k < o.arrays[0].offsets[i + 1]; k++) {
            bool found;
            (void)set_find(&o.set, k, true, &found);
            n += !found;
        }
        set_clear(&o.set);
        fn_store_u32(values + (size_t)i * 4, n);
    }
    opened_close(&o);
    return *out ? FN_OK : ctx->error.code;
}

/* dense: the number of the different item, from 1; else how often it has been seen so far. */
static fn_status eval_enumerate(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool dense = strcmp(call->def->name, "arrayEnumerateDense") == 0;
    opened o;
    uint8_t *values = NULL;
    FN_TRY(open_all(ctx, call, args, &o));
    const array_in *a = &o.arrays[0];
    uint32_t *seen = fn_alloc(ctx, ((size_t)a->total + 1) * sizeof *seen); /* per first item: number or count */
    fn_column *numbers = seen ? func_new_fixed(ctx, fn_type_simple(FN_T_UINT32), a->total, &values) : NULL;
    for (uint32_t i = 0; numbers && i < rows; i++) {
        uint32_t different = 0;
        for (uint32_t k = a->offsets[i]; k < a->offsets[i + 1]; k++) {
            bool found;
            const uint32_t first = set_find(&o.set, k, true, &found);
            if (!found) seen[first] = dense ? ++different : 0;
            if (!dense) seen[first]++;
            fn_store_u32(values + (size_t)k * 4, seen[first]);
        }
        set_clear(&o.set);
    }
    fn_status status = ctx->error.code;
    if (numbers) status = array_with_items(ctx, call->type, a, numbers, out);
    fn_free(seen);
    opened_close(&o);
    return status;
}

/* ---- several arrays of any sizes ---- */

/* The narrowest type that all items in common have: of integers the smallest (unsigned first), Nullable if all are. */
static const fn_type *intersect_item(const func_call *call, const fn_type *common)
{
    const fn_type *least = NULL;
    bool nullable = true, integers = true;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const fn_type *t = fn_type_strip_low_cardinality(call->arg_types[i]->args[0]), *base = fn_type_base(t);
        if (t->id == FN_T_NOTHING) return t;
        nullable &= fn_type_is_nullable(t);
        integers &= fn_type_is_integer(base);
        if (!least || base->width < least->width || (base->width == least->width && fn_type_is_unsigned(base))) least = base;
    }
    if (!integers) least = fn_type_base(common);
    return nullable ? fn_type_nullable(least) : least;
}

/* Arrays of integers that have no common type are compared as Int128, which holds all of 64 bits. */
static fn_status bind_intersect(fn_ctx *ctx, func_call *call)
{
    const fn_type *common = NULL;
    bool wide = false, narrow = true;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        FN_TRY(array_need(ctx, call, i));
        const fn_type *base = fn_type_base(call->arg_types[i]->args[0]);
        narrow &= fn_type_is_integer(base) && base->width <= 8;
        wide |= fn_type_is_integer(base) && fn_type_is_unsigned(base) && base->width == 8;
    }
    if (narrow && wide) common = fn_type_array(fn_type_nullable(fn_type_simple(FN_T_INT128)));
    else FN_TRY(fn_type_common(ctx, call->arg_types, call->arg_count, &common));
    call->data = (void *)(uintptr_t)common->args[0];
    call->type = fn_type_array(intersect_item(call, common->args[0]));
    return FN_OK;
}

static fn_status bind_sets(fn_ctx *ctx, func_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++) FN_TRY(array_need(ctx, call, i));
    if (strcmp(call->def->name, "arrayExcept") != 0) return fn_type_common(ctx, call->arg_types, call->arg_count, &call->type);
    const fn_type *a = call->arg_types[0], *b = call->arg_types[1];
    if (fn_type_base(a->args[0]) != fn_type_base(b->args[0]) && b->args[0]->id != FN_T_NOTHING)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Function %s requires both arrays to have exactly the same element type. Got %s and %s", call->def->name, a->name, b->name);
    return fn_type_common(ctx, call->arg_types, 2, &call->type);
}

typedef enum set_op { SET_INTERSECT, SET_UNION, SET_EXCEPT, SET_SYMMETRIC } set_op;

static set_op op_of(const func_call *call)
{
    const char c = call->def->name[5];
    return c == 'I' ? SET_INTERSECT : c == 'U' ? SET_UNION : c == 'E' ? SET_EXCEPT : SET_SYMMETRIC;
}

/* All arrays' items in one column; base[k]: where array k's begin. */
typedef struct joined {
    array_in *arrays;
    fn_column *all;
    uint32_t *base, *in_arrays, *last_array; /* per item: in how many arrays it has been seen, and in which last */
    uint32_t count, total, longest;
    item_set set;
} joined;

static void joined_close(joined *j)
{
    for (uint32_t k = 0; j->arrays && k < j->count; k++) array_close(&j->arrays[k]);
    fn_free(j->arrays);
    fn_free(j->base);
    fn_free(j->in_arrays);
    fn_free(j->last_array);
    fn_column_drop(j->all);
    set_close(&j->set);
}

static fn_status join_all(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, joined *j)
{
    *j = (joined){.count = call->arg_count};
    j->arrays = fn_alloc_zero(ctx, (j->count + 1) * sizeof *j->arrays);
    j->base = fn_alloc_zero(ctx, (j->count + 1) * sizeof *j->base);
    fn_column **items = fn_alloc_zero(ctx, (j->count + 1) * sizeof *items);
    fn_status status = j->arrays && j->base && items ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < j->count && status == FN_OK; k++) {
        status = array_open(ctx, args[k], &j->arrays[k]);
        if (status == FN_OK) status = array_convert_items(ctx, &j->arrays[k], call->data ? call->data : call->type->args[0]);
        items[k] = j->arrays[k].items;
        j->base[k] = j->total;
        j->total += j->arrays[k].total;
    }
    if (status == FN_OK && !(j->all = fn_column_concat(ctx, items, j->count))) status = ctx->error.code;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        uint32_t n = 0;
        for (uint32_t k = 0; k < j->count; k++) n += j->arrays[k].offsets[i + 1] - j->arrays[k].offsets[i];
        j->longest = FN_MAX(j->longest, n);
    }
    if (status == FN_OK) status = set_open(ctx, &j->set, (const fn_column *const *)&j->all, 1, j->total, j->longest);
    j->in_arrays = status == FN_OK ? fn_alloc(ctx, ((size_t)j->total + 1) * 4) : NULL;
    j->last_array = status == FN_OK ? fn_alloc(ctx, ((size_t)j->total + 1) * 4) : NULL;
    if (status == FN_OK && (!j->in_arrays || !j->last_array)) status = ctx->error.code;
    fn_free(items);
    if (status != FN_OK) joined_close(j);
    return status;
}

/* Notes every item of row i; afterwards touched items are in order of first appearance in j->set. */
static void note_row(joined *j, uint32_t i)
{
    for (uint32_t k = 0; k < j->count; k++)
        for (uint32_t at = j->arrays[k].offsets[i]; at < j->arrays[k].offsets[i + 1]; at++) {
            bool found;
            const uint32_t first = set_find(&j->set, j->base[k] + at, true, &found);
            if (!found) {
                j->in_arrays[first] = 1;
                j->last_array[first] = k;
            } else if (j->last_array[first] != k) {
                j->in_arrays[first]++;
                j->last_array[first] = k;
            }
        }
}

static fn_status eval_sets(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const set_op op = op_of(call);
    joined j;
    array_pick p = {0};
    FN_TRY(join_all(ctx, call, args, rows, &j));
    fn_status status = array_pick_open(ctx, &p, rows, j.total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        note_row(&j, i);
        if (op == SET_EXCEPT) { /* keeps repeated items of the first array */
            for (uint32_t at = j.arrays[0].offsets[i]; at < j.arrays[0].offsets[i + 1]; at++) {
                bool found;
                const uint32_t first = set_find(&j.set, at, false, &found);
                if (j.in_arrays[first] == 1) array_pick_put(&p, at);
            }
        }
        for (uint32_t t = 0; op != SET_EXCEPT && t < j.set.touched_count; t++) {
            const uint32_t item = j.set.slots[j.set.touched[t]] - 1;
            if (op == SET_UNION || (op == SET_INTERSECT && j.in_arrays[item] == j.count) || (op == SET_SYMMETRIC && j.in_arrays[item] < j.count)) array_pick_put(&p, item);
        }
        set_clear(&j.set);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = pick_as(ctx, &p, j.all, call->type, rows, out);
    else array_pick_release(&p);
    joined_close(&j);
    return status;
}

#define ROW(title, hi, binder, evaluator, text, ex, res)                                           \
    {.name = title, .args_min = 1, .args_max = hi, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("arrayDistinct", 1, bind_distinct, eval_distinct, "The different items, without NULL.", "arrayDistinct([1, 1, 2])", "[1,2]"),
    ROW("arrayUniq", -1, bind_uniq, eval_uniq, "How many different items, or tuples of items, there are.", "arrayUniq([1, 1, 2])", "2"),
    ROW("arrayEnumerateUniq", -1, bind_uniq, eval_enumerate, "How often each item has been seen so far.", "arrayEnumerateUniq([5, 5, 7])", "[1,2,1]"),
    ROW("arrayEnumerateDense", -1, bind_uniq, eval_enumerate, "Each item's number among the different ones.", "arrayEnumerateDense([5, 5, 7])", "[1,1,2]"),
    ROW("arrayIntersect", -1, bind_intersect, eval_sets, "The items that are in all arrays.", "arrayIntersect([1, 2], [2, 3])", "[2]"),
    ROW("arrayUnion", -1, bind_sets, eval_sets, "The different items of all arrays.", "arrayUnion([1, 2], [2, 3])", "[1,2,3]"),
    ROW("arrayExcept", 2, bind_sets, eval_sets, "The items of the first array that are not in the second.", "arrayExcept([1, 2], [2, 3])", "[1]"),
    ROW("arraySymmetricDifference", -1, bind_sets, eval_sets, "The items that are not in all arrays.", "arraySymmetricDifference([1, 2], [2, 3])", "[1,3]"),
};
const func_family func_family_array_set = FUNC_FAMILY("arrays", rows_);
