/* agg_map.c - -Map: the aggregate for every key of maps. sumMappedArrays, minMappedArrays, maxMappedArrays (sumMap, minMap, maxMap over
 * arrays), sumMapWithOverflow, sumMapFiltered(WithOverflow): keys in one array, values in others.
 *
 * The state is a dictionary of the keys and, per key, the nested states of all value columns side by side. Results are sorted by key.
 * Written as a varint count and per key the key in binary form and the states.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_binary.h"

typedef struct map_state {
    agg_keys keys;
    agg_items states; /* of stride bytes, one per key */
} map_state;
typedef struct map_bound {
    const fn_type *key;
    agg_call **values; /* the nested call of each value column */
    uint32_t *offsets; /* of its state */
    uint32_t count, stride;
    bool from_tuple;   /* one argument: a tuple of the arrays */
    bool drops_zeros;  /* sums: keys whose values are all 0 are left out */
    const fn_column *filter; /* array of the keys to keep; NULL: all */
} map_bound;

static uint8_t *state_at(const map_bound *b, const map_state *s, uint32_t number)
{
    return s->states.data + (size_t)number * b->stride;
}
/* The states of a key, made when it is new. */
static fn_status place(fn_ctx *ctx, fn_arena *arena, const map_bound *b, map_state *s, fn_str key, uint32_t *number)
{
    bool is_new;
    FN_TRY(agg_keys_insert(ctx, arena, &s->keys, key, number, &is_new));
    if (!is_new && *number < s->states.count) return FN_OK;
    uint8_t *states = agg_items_room(ctx, arena, &s->states, 1, b->stride);
    FN_TRY_PTR(ctx, states);
    for (uint32_t i = 0; i < b->count; i++) b->values[i]->def->init(b->values[i], states + b->offsets[i]);
    s->states.count++;
    return FN_OK;
}
static bool is_kept(const map_bound *b, const fn_column *keys, size_t row)
{
    uint32_t first, count;
    if (!b->filter) return true;
    const fn_column *items = fn_column_items_at(b->filter, 0, &first, &count);
    const bool text = fn_type_is_string(fn_type_base(keys->type)), real = fn_type_is_float(fn_type_base(keys->type));
    for (uint32_t i = 0; i < count; i++) {
        if (fn_column_is_null(items, first + i)) continue;
        if (text ? fn_str_eq(fn_column_str_at(items, first + i), fn_column_str_at(keys, row))
                 : real ? fn_column_f64_at(items, first + i) >= fn_column_f64_at(keys, row) && fn_column_f64_at(items, first + i) <= fn_column_f64_at(keys, row)
                        : fn_column_u64_at(items, first + i) == fn_column_u64_at(keys, row))
            return true;
    }
    return false;
}

/* Entries of one row: keys[first .. first + count) and the values beside them. */
static fn_status add_entries(fn_ctx *ctx, const agg_call *c, fn_arena *arena, map_state *s, const fn_column *keys, fn_column *const *values, const uint32_t *value_first,
                             uint32_t first, uint32_t count, fn_buf *scratch)
{
    const map_bound *b = c->data;
    for (uint32_t i = 0; i < count; i++) {
        fn_str key;
        uint32_t number;
        if (fn_column_is_null(keys, first + i) || !is_kept(b, keys, first + i)) continue;
        FN_TRY(agg_key_bytes(ctx, keys, first + i, scratch, &key));
        FN_TRY(place(ctx, arena, b, s, key, &number));
        for (uint32_t v = 0; v < b->count; v++) {
            const agg_call *n = b->values[v];
            fn_column *arg = values[v];
            FN_TRY(n->def->add_one(ctx, n, arena, state_at(b, s, number) + b->offsets[v], &arg, value_first[v] + i, 1));
        }
    }
    return FN_OK;
}

enum { COLUMNS_MAX = AGG_ARGS_MAX };
typedef struct map_rows {
    fn_column *flat[COLUMNS_MAX];
    uint32_t count;
} map_rows;

static void rows_close(map_rows *r)
{
    while (r->count) fn_column_drop(r->flat[--r->count]);
}
/* The arrays of a block, flattened: flat[0] the keys. */
static fn_status rows_open(fn_ctx *ctx, const map_bound *b, fn_column *const *args, uint32_t arg_count, map_rows *r)
{
    *r = (map_rows){.count = 0};
    const uint32_t count = b->from_tuple ? b->count + 1 : arg_count;
    fn_column *tuple = NULL;
    if (b->from_tuple) {
        tuple = fn_column_flatten(ctx, args[0]);
        FN_TRY_PTR(ctx, tuple);
    }
    for (; r->count < count; r->count++) {
        r->flat[r->count] = tuple ? fn_column_ref(tuple->kids[r->count]) : fn_column_flatten(ctx, args[r->count]);
        if (!r->flat[r->count]) break;
    }
    fn_column_drop(tuple);
    return r->count == count ? FN_OK : ctx->error.code;
}
static fn_status arrays_row(fn_ctx *ctx, const agg_call *c, fn_arena *arena, map_state *s, const map_rows *r, size_t row, fn_buf *scratch)
{
    const map_bound *b = c->data;
    fn_column *values[COLUMNS_MAX];
    uint32_t firsts[COLUMNS_MAX];
    const uint32_t first = r->flat[0]->offsets[row], count = r->flat[0]->offsets[row + 1] - first;
    for (uint32_t v = 0; v < b->count; v++) {
        const fn_column *array = r->flat[v + 1];
        values[v] = array->kids[0];
        firsts[v] = array->offsets[row];
        if (array->offsets[row + 1] - firsts[v] != count) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Sizes of keys and values arrays do not match");
    }
    return add_entries(ctx, c, arena, s, r->flat[0]->kids[0], values, firsts, first, count, scratch);
}
static fn_status map_row(fn_ctx *ctx, const agg_call *c, fn_arena *arena, map_state *s, const map_rows *r, size_t row, fn_buf *scratch)
{
    const fn_column *map = r->flat[0], *entries = map->kids[0];
    fn_column *values = entries->kids[1];
    const uint32_t first = map->offsets[row];
    return add_entries(ctx, c, arena, s, entries->kids[0], &values, &first, first, map->offsets[row + 1] - first, scratch);
}
static fn_status map_run(fn_ctx *ctx, const agg_call *c, fn_arena *arena, uint8_t *const *states, size_t offset, void *one, fn_column *const *args, size_t from, uint32_t rows)
{
    map_rows r;
    fn_buf scratch = FN_BUF_INIT;
    const bool is_map = fn_type_base(c->arg_types[0])->id == FN_T_MAP;
    fn_status status = rows_open(ctx, c->data, args, c->arg_count, &r);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        map_state *s = states ? (map_state *)(void *)(states[i] + offset) : one;
        status = is_map ? map_row(ctx, c, arena, s, &r, from + i, &scratch) : arrays_row(ctx, c, arena, s, &r, from + i, &scratch);
    }
    rows_close(&r);
    fn_buf_release(&scratch);
    return status;
}
static fn_status map_add(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    return map_run(ctx, c, a, states, offset, NULL, args, 0, rows);
}
static fn_status map_add_one(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_column *const *args, size_t from, uint32_t rows)
{
    return map_run(ctx, c, a, NULL, 0, s, args, from, rows);
}
static fn_status map_merge(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *into, const void *from)
{
    const map_bound *b = c->data;
    const map_state *theirs = from;
    for (uint32_t i = 0; i < theirs->states.count; i++) {
        uint32_t number;
        FN_TRY(place(ctx, a, b, into, agg_keys_at(&theirs->keys, i), &number));
        for (uint32_t v = 0; v < b->count; v++)
            FN_TRY(b->values[v]->def->merge(ctx, b->values[v], a, state_at(b, into, number) + b->offsets[v], state_at(b, theirs, i) + b->offsets[v]));
    }
    return FN_OK;
}
static void map_destroy(const agg_call *c, void *state)
{
    const map_bound *b = c->data;
    map_state *s = state;
    for (uint32_t v = 0; v < b->count; v++)
        for (uint32_t i = 0; b->values[v]->def->destroy && i < s->states.count; i++) b->values[v]->def->destroy(b->values[v], state_at(b, s, i) + b->offsets[v]);
    s->states.count = 0;
}
static bool is_zero(const fn_column *c, size_t row)
{
    const uint8_t *p = fn_column_fixed_at(c, row);
    if (fn_type_is_float(c->type)) return !(fn_column_f64_at(c, row) < 0) && !(fn_column_f64_at(c, row) > 0);
    for (uint32_t i = 0; i < c->type->width; i++)
        if (p[i]) return false;
    return true;
}
/* The finished values of column v, one per key in dictionary order. */
static fn_status finish_values(fn_ctx *ctx, const map_bound *b, fn_arena *a, const map_state *s, uint32_t v, fn_column **out)
{
    fn_builder values;
    FN_TRY(fn_builder_init(ctx, &values, b->values[v]->type));
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < s->states.count && status == FN_OK; i++)
        status = b->values[v]->def->finish(ctx, b->values[v], a, state_at(b, s, i) + b->offsets[v], &values);
    if (status == FN_OK) status = fn_builder_finish(ctx, &values, out);
    fn_builder_release(&values);
    return status;
}
static fn_status put_map(fn_ctx *ctx, const fn_column *keys, const uint32_t *order, fn_column *const *values, fn_builder *out)
{
    fn_builder *entry = &out->kids[0];
    for (uint32_t i = 0; i < keys->rows; i++) {
        FN_TRY(fn_builder_copy(ctx, &entry->kids[0], keys, order[i]));
        FN_TRY(fn_builder_copy(ctx, &entry->kids[1], values[0], order[i]));
        FN_TRY(fn_builder_close_tuple(ctx, entry));
    }
    return fn_builder_close_array(ctx, out);
}
static fn_status put_arrays(fn_ctx *ctx, const map_bound *b, const fn_column *keys, const uint32_t *order, fn_column *const *values, fn_builder *out)
{
    for (uint32_t i = 0; i < keys->rows; i++) {
        bool all_zero = b->drops_zeros;
        for (uint32_t v = 0; v < b->count && all_zero; v++) all_zero = is_zero(values[v], order[i]);
        if (all_zero) continue;
        FN_TRY(fn_builder_copy(ctx, &out->kids[0].kids[0], keys, order[i]));
        for (uint32_t v = 0; v < b->count; v++) FN_TRY(fn_builder_copy(ctx, &out->kids[v + 1].kids[0], values[v], order[i]));
    }
    for (uint32_t v = 0; v <= b->count; v++) FN_TRY(fn_builder_close_array(ctx, &out->kids[v]));
    return fn_builder_close_tuple(ctx, out);
}
static fn_status map_finish(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *state, fn_builder *out)
{
    const map_bound *b = c->data;
    fn_column *keys, *values[COLUMNS_MAX];
    uint32_t *order, made = 0;
    FN_TRY(agg_keys_sorted(ctx, b->key, &((map_state *)state)->keys, &keys, &order));
    fn_status status = FN_OK;
    while (made < b->count && status == FN_OK) {
        status = finish_values(ctx, b, a, state, made, &values[made]);
        made += status == FN_OK;
    }
    if (status == FN_OK) status = c->type->id == FN_T_MAP ? put_map(ctx, keys, order, values, out) : put_arrays(ctx, b, keys, order, values, out);
    while (made) fn_column_drop(values[--made]);
    fn_column_drop(keys);
    fn_free(order);
    return status;
}
static fn_status map_write(fn_ctx *ctx, const agg_call *c, const void *state, fn_buf *out)
{
    const map_bound *b = c->data;
    const map_state *s = state;
    fn_column *keys;
    uint32_t *order;
    FN_TRY(agg_keys_sorted(ctx, b->key, &s->keys, &keys, &order));
    fn_status status = fn_buf_leb(ctx, out, s->states.count);
    for (uint32_t i = 0; i < s->states.count && status == FN_OK; i++) {
        status = agg_key_write(ctx, b->key, agg_keys_at(&s->keys, order[i]), out);
        for (uint32_t v = 0; v < b->count && status == FN_OK; v++)
            status = b->values[v]->def->write(ctx, b->values[v], state_at(b, s, order[i]) + b->offsets[v], out);
    }
    fn_column_drop(keys);
    fn_free(order);
    return status;
}
static fn_status map_read(fn_ctx *ctx, const agg_call *c, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    const map_bound *b = c->data;
    map_state *s = state;
    uint64_t n = 0;
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    for (; n; n--) {
        fn_str key;
        uint32_t number;
        FN_TRY(agg_key_take(ctx, b->key, &key, at, end));
        FN_TRY(place(ctx, arena, b, s, key, &number));
        for (uint32_t v = 0; v < b->count; v++) FN_TRY(b->values[v]->def->read(ctx, b->values[v], arena, state_at(b, s, number) + b->offsets[v], at, end));
    }
    return FN_OK;
}

/* Places of the nested states of one key, and the state of the whole. */
static fn_status lay_out(fn_ctx *ctx, agg_call *c, map_bound *b)
{
    b->offsets = FN_NEW_ARRAY(ctx, uint32_t, b->count + 1);
    FN_TRY_PTR(ctx, b->offsets);
    for (uint32_t v = 0; v < b->count; v++) {
        b->offsets[v] = b->stride;
        b->stride += agg_align(b->values[v]->state_size, 16);
    }
    b->stride = FN_MAX(b->stride, 16u);
    c->data = b;
    c->state_size = sizeof(map_state);
    c->state_align = 8;
    return FN_OK;
}
static const fn_type *bare(const fn_type *t)
{
    return fn_type_strip_nullable(fn_type_strip_low_cardinality(t));
}

/* ---- -Map ---- */
#define MAP_OPS .init = agg_zero_init, .add = map_add, .add_one = map_add_one, .merge = map_merge, .finish = map_finish, .write = map_write, .read = map_read, \
    .destroy = map_destroy
static const agg_def def_map = {.name = "Map", MAP_OPS, .about = "The aggregate for every key of maps.", .example = "sumMap(map('a', number))", .gives = "{'a':45}"};

static fn_status bind_arrays_by_name(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    char *name = fn_arena_printf(ctx, ctx->arena, FN_STR_FMT "MappedArrays", FN_STR_ARG(inner));
    FN_TRY_PTR(ctx, name);
    if (!agg_find(fn_cstr(name))) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Aggregate function Map requires map as argument");
    return agg_bind_inner(ctx, fn_cstr(name), outer->arg_types, outer->arg_count, outer->params, outer->param_count, out);
}
fn_status agg_bind_map(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    if (outer->arg_count == 0)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Incorrect number of arguments for aggregate function with Map suffix");
    const fn_type *t = bare(outer->arg_types[0]);
    if (t->id == FN_T_TUPLE || (outer->arg_count > 1 && t->id == FN_T_ARRAY && bare(outer->arg_types[1])->id == FN_T_ARRAY)) return bind_arrays_by_name(ctx, inner, outer, out);
    if (t->id != FN_T_MAP) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Aggregate function Map requires map as argument");
    map_bound *b = FN_NEW(ctx, map_bound);
    FN_TRY_PTR(ctx, b);
    b->values = FN_NEW_ARRAY(ctx, agg_call *, 1);
    FN_TRY_PTR(ctx, b->values);
    b->count = 1;
    b->key = t->args[0];
    FN_TRY(agg_bind_inner(ctx, inner, &t->args[1], 1, outer->params, outer->param_count, &b->values[0]));
    *out = agg_wrap(ctx, &def_map, outer, b->values[0]);
    FN_TRY_PTR(ctx, *out);
    (*out)->type = fn_type_map(t->args[0], b->values[0]->type);
    return lay_out(ctx, *out, b);
}

/* ---- the functions over arrays ---- */
typedef struct arrays_kind {
    const char *name, *nested;
    bool drops_zeros, has_filter;
} arrays_kind;
static const arrays_kind kinds[] = {
    {"sumMappedArrays", "sum", true, false},
    {"minMappedArrays", "min", false, false},
    {"maxMappedArrays", "max", false, false},
    {"sumMapWithOverflow", "sumWithOverflow", true, false},
    {"sumMapFiltered", "sum", true, true},
    {"sumMapFilteredWithOverflow", "sumWithOverflow", true, true},
};
static fn_status bind_value(fn_ctx *ctx, const agg_call *call, const arrays_kind *kind, const fn_type *item, agg_call **out)
{
    const fn_type *t = bare(item);
    const bool sums = kind->drops_zeros;
    if (sums && !fn_type_is_number(t)) return agg_illegal(ctx, call);
    /* Decimals stay in their type, as ClickHouse has it. */
    const char *nested = sums && t->id == FN_T_DECIMAL ? "sumWithOverflow" : kind->nested;
    return agg_bind_inner(ctx, fn_cstr(nested), &item, 1, NULL, 0, out);
}
static fn_status set_filter(fn_ctx *ctx, const agg_call *call, const arrays_kind *kind, map_bound *b)
{
    if (!kind->has_filter) return FN_OK;
    if (call->params[0]->type->id != FN_T_ARRAY)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Aggregate function %s requires an Array as a parameter.", call->def->name);
    const fn_type *item = fn_type_base(call->params[0]->type->args[0]), *key = fn_type_base(b->key);
    const bool fits = (fn_type_is_string(item) && fn_type_is_string(key)) || (fn_type_is_float(key) && fn_type_is_number(item) && item->id != FN_T_DECIMAL) ||
                      (item->width && item->width <= 8 && key->width && key->width <= 8 && !fn_type_is_float(item) && !fn_type_is_float(key) && item->id != FN_T_DECIMAL &&
                       key->id != FN_T_DECIMAL);
    if (!fits && item->id != FN_T_NOTHING) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function %s with keys %s by %s is not supported", call->def->name, key->name, item->name);
    b->filter = call->params[0];
    return FN_OK;
}
static fn_status arrays_bind(fn_ctx *ctx, agg_call *call)
{
    map_bound *b = FN_NEW(ctx, map_bound);
    const arrays_kind *kind = kinds;
    while (strcmp(kind->name, call->def->name) != 0) kind++;
    FN_TRY_PTR(ctx, b);
    b->from_tuple = call->arg_count == 1 && call->arg_types[0]->id == FN_T_TUPLE;
    const uint32_t count = b->from_tuple ? call->arg_types[0]->arg_count : call->arg_count;
    const fn_type *const *types = b->from_tuple ? call->arg_types[0]->args : call->arg_types;
    if (count < 2) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Aggregate function %s requires at least two arguments of Array type or one argument of tuple of two arrays", call->def->name);
    if (count > COLUMNS_MAX) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Too many arguments for aggregate function %s", call->def->name);
    const fn_type **parts = FN_NEW_ARRAY(ctx, const fn_type *, count);
    b->values = FN_NEW_ARRAY(ctx, agg_call *, count);
    if (!parts || !b->values) return ctx->error.code;
    for (uint32_t i = 0; i < count; i++) {
        if (types[i]->id != FN_T_ARRAY)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Aggregate function %s requires at least two arguments of Array type or one argument of tuple of two arrays", call->def->name);
        if (i) FN_TRY(bind_value(ctx, call, kind, types[i]->args[0], &b->values[i - 1]));
        parts[i] = fn_type_array(i ? fn_type_strip_nullable(b->values[i - 1]->type) : bare(types[0]->args[0]));
    }
    b->key = bare(types[0]->args[0]);
    if (b->key->phys > FN_PHYS_STRING) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function %s with keys of type %s is not supported", call->def->name, b->key->name);
    b->count = count - 1;
    b->drops_zeros = kind->drops_zeros;
    call->type = fn_type_tuple(parts, NULL, count);
    FN_TRY(set_filter(ctx, call, kind, b));
    return lay_out(ctx, call, b);
}

#define ARRAYS_ROW(params) .args_min = 1, .args_max = -1, .params_min = (params), .params_max = (params), .flags = AGG_NO_NULL_RESULT, .bind = arrays_bind, MAP_OPS
static const agg_def rows_[] = {
    {.name = "sumMappedArrays", ARRAYS_ROW(0), .about = "Sums of values by key; keys in the first array, values in the others. Keys with all zeros are left out.",
     .example = "sumMappedArrays([number % 2], [number])", .gives = "([0,1],[20,25])"},
    {.name = "minMappedArrays", ARRAYS_ROW(0), .about = "Smallest values by key.", .example = "minMappedArrays([number % 2], [number])", .gives = "([0,1],[0,1])"},
    {.name = "maxMappedArrays", ARRAYS_ROW(0), .about = "Greatest values by key.", .example = "maxMappedArrays([number % 2], [number])", .gives = "([0,1],[8,9])"},
    {.name = "sumMapWithOverflow", ARRAYS_ROW(0), .about = "sumMap in the types of the values, wrapping around.", .example = "sumMapWithOverflow([number % 2], [number])",
     .gives = "([0,1],[20,25])"},
    {.name = "sumMapFiltered", ARRAYS_ROW(1), .about = "sumMap of the keys in the parameter.", .example = "sumMapFiltered([1])([number % 2], [number])", .gives = "([1],[25])"},
    {.name = "sumMapFilteredWithOverflow", ARRAYS_ROW(1), .about = "sumMapWithOverflow of the keys in the parameter.",
     .example = "sumMapFilteredWithOverflow([1])([number % 2], [number])", .gives = "([1],[25])"},
};
const agg_family agg_family_map = AGG_FAMILY("map", rows_);
