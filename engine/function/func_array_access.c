/* func_array_access.c - looking into arrays and maps: arrayElement, arrayElementOrNull, has, indexOf, countEqual, hasAll,
 * hasAny, hasSubstr, mapContainsKey, mapContainsValue.
 * Both sides are brought to their common type first; items without NULL of fixed width are compared by a typed loop.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"

/* ---- element by index or key ---- */

typedef struct access_data {
    const fn_type *key; /* Map: what both sides are compared as */
    bool or_null;
} access_data;

static fn_status bind_element_of(fn_ctx *ctx, func_call *call, bool or_null)
{
    const fn_type *t = call->arg_types[0], *index = call->arg_types[1];
    access_data *d = FN_NEW(ctx, access_data);
    FN_TRY_PTR(ctx, d);
    call->data = d;
    d->or_null = or_null;
    if (t->id == FN_T_MAP) {
        const fn_type *sides[2] = {fn_type_base(t->args[0]), fn_type_base(index)};
        FN_TRY(fn_type_common(ctx, sides, 2, &d->key));
        call->type = t->args[1];
    } else if (t->id == FN_T_ARRAY) {
        if (!fn_type_is_integer(index) && index->id != FN_T_BOOL)
            return fn_fail(ctx, index->id == FN_T_ARRAY ? FN_NOT_IMPLEMENTED : FN_ILLEGAL_TYPE_OF_ARGUMENT, "Second argument for function '%s' must be integer or array of integers, got '%s' instead", call->def->name, index->name);
        call->type = t->args[0];
    } else {
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "First argument for function '%s' must be array or map, got '%s' instead", call->def->name, t->name);
    }
    if (or_null && fn_type_can_be_nullable(call->type)) call->type = fn_type_nullable(call->type);
    return FN_OK;
}

static fn_status bind_array_element(fn_ctx *ctx, func_call *call)
{
    return bind_element_of(ctx, call, false);
}

static fn_status bind_element_or_null(fn_ctx *ctx, func_call *call)
{
    return bind_element_of(ctx, call, true);
}

/* Item numbers to values; `missing` (== items->rows) stands for the default or NULL. */
static fn_status take_or_default(fn_ctx *ctx, const fn_column *items, const uint32_t *index, uint32_t rows, bool any_missing, const fn_type *type, fn_column **out)
{
    fn_column *named = items->type == type ? fn_column_ref(items) : fn_column_retype(ctx, items, type), *all = NULL;
    fn_column *one = any_missing ? fn_column_default(ctx, type, 1) : NULL;
    if (named && any_missing && one) {
        fn_column *parts[2] = {named, one};
        all = fn_column_concat(ctx, parts, 2);
    } else if (named && !any_missing) {
        all = fn_column_ref(named);
    }
    *out = all ? fn_column_take(ctx, all, index, rows) : NULL;
    fn_column_drop(named);
    fn_column_drop(one);
    fn_column_drop(all);
    return *out ? FN_OK : ctx->error.code;
}

/* Array row `row` (CONST-aware): its first item and how many. */
static inline uint32_t bounds_of(const fn_column *c, uint32_t row, uint32_t *first)
{
    const size_t i = c->shape == FN_CONST ? 0 : row;
    *first = c->offsets[i];
    return c->offsets[i + 1] - *first;
}

static bool find_index(const fn_column *array, const fn_column *index, uint32_t *to, uint32_t rows)
{
    const bool is_unsigned = fn_type_is_unsigned(index->type);
    const uint32_t missing = array->kids[0]->rows;
    bool any = false;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t first;
        const uint32_t n = bounds_of(array, i, &first);
        const int64_t k = fn_column_i64_at(index, i);
        uint64_t at = (uint64_t)k - 1;
        if (k < 0 && !is_unsigned) at = (uint64_t)n + (uint64_t)k;
        to[i] = at < n ? first + (uint32_t)at : missing;
        any |= at >= n;
    }
    return any;
}

static fn_status find_key(fn_ctx *ctx, const access_data *d, const fn_column *map, const fn_column *wanted, uint32_t *to, uint32_t rows, bool *any)
{
    const uint32_t missing = map->kids[0]->rows;
    fn_column *keys = NULL, *flat = NULL, *key = NULL;
    fn_status status = expr_convert(ctx, map->kids[0]->kids[0], d->key, CONVERT_CAST, &keys);
    if (status == FN_OK && !(flat = fn_column_flatten(ctx, keys))) status = ctx->error.code;
    if (status == FN_OK) status = expr_convert(ctx, wanted, d->key, CONVERT_CAST, &key);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        uint32_t first;
        const uint32_t n = bounds_of(map, i, &first);
        to[i] = missing;
        if (d->key->phys == FN_PHYS_STRING) {
            const fn_str s = fn_column_str_at(key, i);
            for (uint32_t k = first; k < first + n && to[i] == missing; k++)
                if (fn_str_eq(fn_column_str_at(flat, k), s)) to[i] = k;
        } else {
            for (uint32_t k = first; k < first + n && to[i] == missing; k++)
                if (fn_column_equal_at(flat, k, key, i)) to[i] = k;
        }
        *any |= to[i] == missing;
    }
    fn_column_drop(keys);
    fn_column_drop(flat);
    fn_column_drop(key);
    return status;
}

static fn_status eval_array_element(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const access_data *d = call->data;
    uint32_t *to = fn_alloc(ctx, ((size_t)rows + 16) * sizeof *to);
    fn_status status = to ? FN_OK : ctx->error.code;
    bool any = false;
    const bool is_map = args[0]->type->id == FN_T_MAP;
    if (status == FN_OK && is_map) status = find_key(ctx, d, args[0], args[1], to, rows, &any);
    else if (status == FN_OK) any = find_index(args[0], args[1], to, rows);
    if (status == FN_OK) status = take_or_default(ctx, is_map ? args[0]->kids[0]->kids[1] : args[0]->kids[0], to, rows, any, call->type, out);
    fn_free(to);
    return status;
}

/* ---- has, indexOf, countEqual ---- */

/* What items and the value are compared as: signed and unsigned numbers of 64 bits have no common type, but are equal or not. */
static fn_status searched_as(fn_ctx *ctx, const fn_type *const *sides, const fn_type **out)
{
    const fn_type *a = fn_type_base(sides[0]), *b = fn_type_base(sides[1]);
    if (!fn_type_is_integer(a) || !fn_type_is_integer(b) || a->width > 8 || b->width > 8) return fn_type_common(ctx, sides, 2, out);
    if (fn_type_is_unsigned(a) == fn_type_is_unsigned(b) || (a->width < 8 && b->width < 8)) return fn_type_common(ctx, sides, 2, out);
    const fn_type *wide = fn_type_simple(FN_T_INT128);
    *out = fn_type_is_nullable(sides[0]) || fn_type_is_nullable(sides[1]) ? fn_type_nullable(wide) : wide;
    return FN_OK;
}

static fn_status bind_search(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    const bool is_has = strcmp(call->def->name, "indexOf") != 0 && strcmp(call->def->name, "countEqual") != 0;
    const bool values = strcmp(call->def->name, "mapContainsValue") == 0;
    if (t->id == FN_T_MAP && is_has) t = fn_type_array(t->args[values]);
    if (t->id != FN_T_ARRAY) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "First argument for function %s must be an array. Actual %s", call->def->name, t->name);
    const fn_type *sides[2] = {fn_type_strip_low_cardinality(t->args[0]), call->arg_types[1]}, *common;
    FN_TRY(searched_as(ctx, sides, &common));
    call->data = (void *)(uintptr_t)common; /* types are interned and never change */
    call->type = fn_type_simple(is_has ? FN_T_UINT8 : FN_T_UINT64);
    return FN_OK;
}

typedef enum search_kind { SEARCH_HAS, SEARCH_INDEX, SEARCH_COUNT } search_kind;

/* Both FLAT or CONST of one type. Goes on behind the first match for SEARCH_COUNT only. */
typedef struct search_job {
    const uint32_t *offsets;
    const fn_column *items, *wanted;
    uint32_t rows;
    search_kind kind;
    uint8_t *values;
} search_job;

static void search_put(const search_job *j, uint32_t row, uint64_t found, uint64_t count)
{
    if (j->kind == SEARCH_HAS) j->values[row] = count != 0;
    else fn_store_u64(j->values + (size_t)row * 8, j->kind == SEARCH_INDEX ? found : count);
}

#define SEARCH(T)                                                                                  \
    for (uint32_t i = 0; i < j->rows; i++) {                                                       \
        const T *v = (const T *)(const void *)j->items->values, w = ((const T *)(const void *)j->wanted->values)[i * func_step(j->wanted)]; \
        uint64_t found = 0, count = 0;                                                             \
        for (uint32_t k = j->offsets[i]; k < j->offsets[i + 1]; k++) {                             \
            if (v[k] != w) continue;                                                               \
            if (!count++) found = k - j->offsets[i] + 1;                                           \
            if (j->kind != SEARCH_COUNT) break;                                                    \
        }                                                                                          \
        search_put(j, i, found, count);                                                            \
    }

static void search_any(const search_job *j)
{
    for (uint32_t i = 0; i < j->rows; i++) {
        uint64_t found = 0, count = 0;
        for (uint32_t k = j->offsets[i]; k < j->offsets[i + 1]; k++) {
            if (!fn_column_equal_at(j->items, k, j->wanted, i)) continue;
            if (!count++) found = k - j->offsets[i] + 1;
            if (j->kind != SEARCH_COUNT) break;
        }
        search_put(j, i, found, count);
    }
}

static void search_run(const search_job *j)
{
    const bool plain = !j->items->nulls && !fn_type_is_nullable(j->wanted->type) && j->items->shape == FN_FLAT && j->wanted->shape != FN_DICT;
    const fn_phys phys = j->items->type->phys;
    if (plain && phys == FN_PHYS_F64) {
        SEARCH(double)
    } else if (plain && phys == FN_PHYS_F32) {
        SEARCH(float)
    } else if (plain && phys < FN_PHYS_F32 && j->items->type->width == 1) {
        SEARCH(uint8_t)
    } else if (plain && phys < FN_PHYS_F32 && j->items->type->width == 2) {
        SEARCH(uint16_t)
    } else if (plain && phys < FN_PHYS_F32 && j->items->type->width == 4) {
        SEARCH(uint32_t)
    } else if (plain && phys < FN_PHYS_F32 && j->items->type->width == 8) {
        SEARCH(uint64_t)
    } else {
        search_any(j);
    }
}

static fn_status eval_search(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_type *common = call->data;
    const char *name = call->def->name;
    array_in a;
    fn_column *wanted = NULL;
    uint8_t *values;
    FN_TRY(array_open(ctx, args[0], &a));
    fn_status status = FN_OK;
    if (args[0]->type->id == FN_T_MAP) {
        fn_column *side = fn_column_ref(a.items->kids[strcmp(name, "mapContainsValue") == 0]);
        fn_column_drop(a.items);
        a.items = side;
    }
    status = array_convert_items(ctx, &a, common);
    if (status == FN_OK) status = expr_convert(ctx, args[1], common, CONVERT_CAST, &wanted);
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    const search_job job = {a.offsets, a.items, wanted, rows, strcmp(name, "indexOf") == 0 ? SEARCH_INDEX : strcmp(name, "countEqual") == 0 ? SEARCH_COUNT : SEARCH_HAS, status == FN_OK ? values : NULL};
    if (status == FN_OK) search_run(&job);
    fn_column_drop(wanted);
    array_close(&a);
    return status;
}

/* ---- hasAll, hasAny, hasSubstr ---- */

static fn_status bind_has_many(fn_ctx *ctx, func_call *call)
{
    const fn_type *common;
    for (uint32_t i = 0; i < 2; i++) FN_TRY(array_need(ctx, call, i));
    FN_TRY(fn_type_common(ctx, call->arg_types, 2, &common));
    call->data = (void *)(uintptr_t)common->args[0];
    return func_bind_u8(ctx, call);
}

static bool within(const array_in *a, uint32_t row, const fn_column *items, uint32_t item)
{
    for (uint32_t k = a->offsets[row]; k < a->offsets[row + 1]; k++)
        if (fn_column_equal_at(a->items, k, items, item)) return true;
    return false;
}

static bool substring_at(const array_in *a, const array_in *b, uint32_t row)
{
    const uint32_t n = a->offsets[row + 1] - a->offsets[row], m = b->offsets[row + 1] - b->offsets[row];
    for (uint32_t start = 0; start + m <= n; start++) {
        uint32_t k = 0;
        while (k < m && fn_column_equal_at(a->items, a->offsets[row] + start + k, b->items, b->offsets[row] + k)) k++;
        if (k == m) return true;
    }
    return false;
}

static bool many_at(char kind, const array_in *a, const array_in *b, uint32_t row)
{
    if (kind == 'S') return substring_at(a, b, row);
    bool all = true, any = false;
    for (uint32_t k = b->offsets[row]; k < b->offsets[row + 1]; k++) {
        const bool found = within(a, row, b->items, k);
        all &= found;
        any |= found;
        if (kind == 'l' ? !all : any) break;
    }
    return kind == 'l' ? all : any;
}

static fn_status eval_has_many(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const char *name = call->def->name;
    const char kind = name[3] == 'S' ? 'S' : name[5] == 'l' ? 'l' : 'y';
    array_in a = {0}, b = {0};
    uint8_t *values = NULL;
    fn_status status = array_open(ctx, args[0], &a);
    if (status == FN_OK) status = array_open(ctx, args[1], &b);
    if (status == FN_OK) status = array_convert_items(ctx, &a, call->data);
    if (status == FN_OK) status = array_convert_items(ctx, &b, call->data);
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) values[i] = many_at(kind, &a, &b, i);
    array_close(&a);
    array_close(&b);
    return status;
}

static const char *const contains_names[] = {"mapContains", NULL};
static const func_def rows_[] = {
    {.name = "arrayElement", .args_min = 2, .args_max = 2, .flags = FUNC_NO_LOW_CARDINALITY, .bind = bind_array_element, .eval = eval_array_element,
     .about = "The item at a place (from 1; negative: from the end) or the value of a map's key; the default where there is none.", .example = "arrayElement([5, 6], -1)", .gives = "6"},
    {.name = "arrayElementOrNull", .args_min = 2, .args_max = 2, .flags = FUNC_NO_LOW_CARDINALITY, .bind = bind_element_or_null, .eval = eval_array_element,
     .about = "As arrayElement, NULL where there is none.", .example = "arrayElementOrNull([5, 6], 3)", .gives = "NULL"},
    {.name = "has", .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS, .bind = bind_search, .eval = eval_search,
     .about = "1 if the array has the item, or the map the key.", .example = "has([1, 2], 2)", .gives = "1"},
    {.name = "mapContainsKey", .aliases = contains_names, .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS, .bind = bind_search, .eval = eval_search,
     .about = "1 if the map has the key.", .example = "mapContainsKey(map('a', 1), 'a')", .gives = "1"},
    {.name = "mapContainsValue", .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS, .bind = bind_search, .eval = eval_search,
     .about = "1 if the map has the value.", .example = "mapContainsValue(map('a', 1), 1)", .gives = "1"},
    {.name = "indexOf", .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS, .bind = bind_search, .eval = eval_search,
     .about = "The place (from 1) of the first such item; 0 if there is none.", .example = "indexOf([5, 6], 6)", .gives = "2"},
    {.name = "countEqual", .args_min = 2, .args_max = 2, .flags = FUNC_OWN_NULLS, .bind = bind_search, .eval = eval_search,
     .about = "How many items are equal to the value.", .example = "countEqual([1, 1, 2], 1)", .gives = "2"},
    {.name = "hasAll", .args_min = 2, .args_max = 2, .bind = bind_has_many, .eval = eval_has_many,
     .about = "1 if the first array has every item of the second.", .example = "hasAll([1, 2], [2])", .gives = "1"},
    {.name = "hasAny", .args_min = 2, .args_max = 2, .bind = bind_has_many, .eval = eval_has_many,
     .about = "1 if the arrays have an item in common.", .example = "hasAny([1, 2], [2, 3])", .gives = "1"},
    {.name = "hasSubstr", .args_min = 2, .args_max = 2, .bind = bind_has_many, .eval = eval_has_many,
     .about = "1 if the second array's items stand one behind the other in the first.", .example = "hasSubstr([1, 2, 3], [2, 3])", .gives = "1"},
};
const func_family func_family_array_access = FUNC_FAMILY("arrays", rows_);
