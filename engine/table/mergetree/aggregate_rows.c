/* aggregate_rows.c - sums and merged states of rows with equal keys (SummingMergeTree, AggregatingMergeTree, CoalescingMergeTree).
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/aggregate_rows.h"
#include "table/mergetree/nested_maps.h"
#include <firn/wide.h>

typedef enum column_role { ROLE_FIRST, ROLE_SUM, ROLE_LAST, ROLE_STATE, ROLE_SIMPLE } column_role;

bool mt_is_simple_aggregate(const fn_type *t)
{
    return strncmp(t->name, "SimpleAggregateFunction(", 24) == 0;
}

typedef struct find_column {
    column_id id;
    bool found;
} find_column;

static fn_status visit_column(void *self, fn_ctx *ctx, expr *e)
{
    find_column *f = self;
    (void)ctx;
    f->found = f->found || (e->kind == EXPR_COLUMN && e->column == f->id);
    return FN_OK;
}

static bool is_in(fn_ctx *ctx, expr *const *key, uint32_t count, uint32_t column)
{
    find_column f = {column, false};
    for (uint32_t i = 0; i < count && !f.found; i++) {
        if (expr_walk(ctx, key[i], visit_column, &f) != FN_OK) break; /* the visitor does not fail */
    }
    return f.found;
}

static bool is_listed(const mt_definition *d, uint32_t column)
{
    for (uint32_t i = 0; i < d->sum_count; i++)
        if (d->sum_columns[i] == column) return true;
    return false;
}

bool mt_is_in_keys(fn_ctx *ctx, const mt_shape *shape, uint32_t column)
{
    const mt_definition *d = shape->definition;
    return is_in(ctx, d->sort_key, d->sort_count, column) || is_in(ctx, d->partition_key, d->partition_count, column);
}

static column_role role_of(fn_ctx *ctx, const mt_shape *shape, uint32_t column)
{
    const mt_definition *d = shape->definition;
    const fn_type *type = shape->schema->columns[column].type;
    if (shape->stored_at[column] < 0) return ROLE_FIRST; /* a virtual one */
    if (mt_is_in_keys(ctx, shape, column)) return ROLE_FIRST;
    if (d->sum_columns && !is_listed(d, column)) return ROLE_FIRST; /* states too */
    if (type->id == FN_T_AGGREGATE_FUNCTION) return ROLE_STATE;
    if (mt_is_simple_aggregate(type)) return ROLE_SIMPLE;
    if (d->mode == MT_COALESCING) return ROLE_LAST;
    return d->mode == MT_SUMMING && fn_type_is_number(fn_type_base(type)) ? ROLE_SUM : ROLE_FIRST;
}

/* ---- sums ---- */

static void add_value(const fn_type *t, uint8_t *to, const uint8_t *value)
{
    switch (t->phys) {
    case FN_PHYS_U8: case FN_PHYS_I8: *to = t->id == FN_T_BOOL ? (*to | *value) != 0 : (uint8_t)(*to + *value); return;
    case FN_PHYS_U16: case FN_PHYS_I16: fn_store_u16(to, (uint16_t)(fn_load_u16(to) + fn_load_u16(value))); return;
    case FN_PHYS_U32: case FN_PHYS_I32: fn_store_u32(to, fn_load_u32(to) + fn_load_u32(value)); return;
    case FN_PHYS_U64: case FN_PHYS_I64: fn_store_u64(to, fn_load_u64(to) + fn_load_u64(value)); return;
    case FN_PHYS_U128: case FN_PHYS_I128: fn_store_u128(to, fn_load_u128(to) + fn_load_u128(value)); return;
    case FN_PHYS_U256: case FN_PHYS_I256: fn_store_i256(to, fn_i256_add(fn_load_i256(to), fn_load_i256(value))); return;
    case FN_PHYS_F32: fn_store_f32(to, fn_load_f32(to) + fn_load_f32(value)); return;
    case FN_PHYS_F64: fn_store_f64(to, fn_load_f64(to) + fn_load_f64(value)); return;
    case FN_PHYS_FIXED: case FN_PHYS_STRING: case FN_PHYS_ARRAY: case FN_PHYS_TUPLE: case FN_PHYS_NOTHING: break;
    }
    FN_IMPOSSIBLE("sum of a type that is no number");
}

static bool is_zero(const fn_type *t, const uint8_t *value)
{
    if (t->phys == FN_PHYS_F32) return fn_load_f32(value) == 0; /* -0 too */
    if (t->phys == FN_PHYS_F64) return fn_load_f64(value) == 0;
    for (uint32_t b = 0; b < t->width; b++)
        if (value[b]) return false;
    return true;
}

/* nonzero[g] is set where the sum is not the type's default: zero, or NULL where there may be NULLs. */
static fn_status sum_column(fn_ctx *ctx, const fn_column *column, const uint32_t *starts, uint32_t groups, uint8_t *nonzero, fn_column **out)
{
    const fn_type *t = fn_type_base(column->type);
    const bool nullable = fn_type_strip_low_cardinality(column->type)->id == FN_T_NULLABLE;
    fn_column *flat = fn_column_flatten(ctx, column);
    FN_TRY_PTR(ctx, flat);
    fn_buffer *values = fn_buffer_new_zero(ctx, (size_t)groups * t->width);
    fn_buffer *nulls = values && flat->nulls ? fn_buffer_new(ctx, groups) : NULL;
    if (!values || (flat->nulls && !nulls)) {
        fn_buffer_drop(values);
        fn_column_drop(flat);
        return ctx->error.code;
    }
    for (uint32_t g = 0; g < groups; g++) {
        uint8_t *to = values->data + (size_t)g * t->width;
        bool any = false;
        for (uint32_t i = starts[g]; i < starts[g + 1]; i++) {
            if (flat->nulls && flat->nulls[i]) continue;
            add_value(t, to, flat->values + (size_t)i * t->width);
            any = true;
        }
        if (nulls) nulls->data[g] = !any;
        if (nullable ? any : !is_zero(t, to)) nonzero[g] = 1;
    }
    *out = fn_column_fixed(ctx, column->type, groups, values, nulls);
    fn_column_drop(flat);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- states ---- */

/* "quantiles(0.5, 0.9)": the name and its parameters as 1-row constants. */
static fn_status parse_function(fn_ctx *ctx, const char *text, fn_str *name, fn_column ***params, uint32_t *count)
{
    const char *open = strchr(text, '(');
    *name = open ? (fn_str){text, (size_t)(open - text)} : fn_cstr(text);
    *count = 0;
    *params = NULL;
    if (!open) return FN_OK;
    fn_text_options options;
    fn_text_options_default(&options);
    const size_t size = strlen(open + 1);
    fn_text_in in = {open + 1, open + size, open + 1}; /* without the closing one */
    *params = FN_NEW_ARRAY(ctx, fn_column *, size + 1);
    FN_TRY_PTR(ctx, *params);
    while (in.at < in.end) {
        const char *stop = in.at;
        while (stop < in.end && *stop != ',') stop++;
        const fn_str item = {in.at, (size_t)(stop - in.at)};
        const bool is_text = item.size && item.data[0] == '\'', is_float = memchr(item.data, '.', item.size) || memchr(item.data, 'e', item.size);
        fn_builder b;
        const fn_type *type = fn_type_simple(is_text ? FN_T_STRING : is_float ? FN_T_FLOAT64 : item.size && item.data[0] == '-' ? FN_T_INT64 : FN_T_UINT64);
        FN_TRY(fn_builder_init(ctx, &b, type));
        fn_status status = fn_text_read(ctx, &in, type, FN_TEXT_QUOTED, &options, &b);
        if (status == FN_OK) status = fn_builder_finish(ctx, &b, &(*params)[*count]);
        fn_builder_release(&b);
        FN_TRY(status);
        (*count)++;
        while (in.at < in.end && (*in.at == ',' || *in.at == ' ')) in.at++;
    }
    return FN_OK;
}

typedef struct states {
    const agg_call *call;
    fn_arena *arena;
    uint8_t *memory;
    uint8_t **of_group;
    uint32_t count; /* initialised */
} states;

static void states_release(states *s)
{
    for (uint32_t g = 0; g < s->count && s->call->def->destroy; g++) s->call->def->destroy(s->call, s->of_group[g]);
    fn_free(s->memory);
    fn_free(s->of_group);
    fn_arena_free(s->arena);
}

static fn_status states_make(fn_ctx *ctx, const agg_call *call, uint32_t count, states *out)
{
    const size_t step = fn_round_up(FN_MAX(call->state_size, 1), 16);
    *out = (states){.call = call, .arena = fn_arena_new(ctx)};
    FN_TRY_PTR(ctx, out->arena);
    out->memory = fn_alloc_zero(ctx, step * count + 1);
    out->of_group = fn_alloc(ctx, sizeof(uint8_t *) * (count + 1));
    if (!out->memory || !out->of_group) return ctx->error.code;
    for (; out->count < count; out->count++) {
        out->of_group[out->count] = out->memory + step * out->count;
        call->def->init(call, out->of_group[out->count]);
    }
    return FN_OK;
}

static fn_status merge_one(fn_ctx *ctx, states *s, states *scratch, uint32_t group, fn_str bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    FN_TRY(s->call->def->read(ctx, s->call, s->arena, scratch->of_group[0], &at, at + bytes.size));
    return s->call->def->merge(ctx, s->call, s->arena, s->of_group[group], scratch->of_group[0]);
}

static fn_status write_states(fn_ctx *ctx, states *s, const fn_type *type, fn_column **out)
{
    fn_builder b;
    fn_buf bytes = FN_BUF_INIT;
    FN_TRY(fn_builder_init(ctx, &b, type));
    fn_status status = FN_OK;
    for (uint32_t g = 0; g < s->count && status == FN_OK; g++) {
        bytes.size = 0;
        status = s->call->def->write(ctx, s->call, s->of_group[g], &bytes);
        if (status == FN_OK) status = fn_builder_str(ctx, &b, fn_buf_view(&bytes));
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&bytes);
    return status;
}

static fn_status merge_states(fn_ctx *ctx, const fn_column *column, const uint32_t *starts, uint32_t groups, fn_column **out)
{
    const fn_type *t = column->type;
    fn_str name;
    fn_column **params;
    uint32_t param_count;
    agg_call *call;
    FN_TRY(parse_function(ctx, t->function_name, &name, &params, &param_count));
    FN_TRY(agg_bind(ctx, name, t->args, t->arg_count, params, param_count, &call));
    if (!call->def->read || !call->def->write) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function %s cannot be merged", t->function_name);
    states s;
    fn_status status = states_make(ctx, call, groups, &s);
    for (uint32_t g = 0; g < groups && status == FN_OK; g++) {
        for (uint32_t i = starts[g]; i < starts[g + 1] && status == FN_OK; i++) {
            states scratch;
            status = states_make(ctx, call, 1, &scratch);
            if (status == FN_OK) status = merge_one(ctx, &s, &scratch, g, fn_column_str_at(column, i));
            states_release(&scratch);
        }
    }
    if (status == FN_OK) status = write_states(ctx, &s, t, out);
    states_release(&s);
    for (uint32_t i = 0; i < param_count; i++) fn_column_drop(params[i]);
    return status;
}

/* SimpleAggregateFunction(f, T): f over the group's values. */
static fn_status apply_simple(fn_ctx *ctx, const fn_column *column, const uint32_t *starts, uint32_t groups, fn_column **out)
{
    const fn_type *t = column->type;
    fn_str name;
    fn_column **params;
    uint32_t param_count;
    agg_call *call;
    FN_TRY(agg_parse(ctx, fn_cstr(t->function_name), &name, &params, &param_count));
    FN_TRY(agg_bind(ctx, name, &t, 1, params, param_count, &call));
    fn_column *flat = fn_column_flatten(ctx, column), *made = NULL;
    uint8_t **of_row = fn_alloc(ctx, sizeof(uint8_t *) * ((size_t)column->rows + 1));
    states s = {.call = call};
    fn_builder b = {0};
    fn_status status = flat && of_row ? states_make(ctx, call, groups, &s) : ctx->error.code;
    for (uint32_t g = 0; g < groups && status == FN_OK; g++)
        for (uint32_t i = starts[g]; i < starts[g + 1]; i++) of_row[i] = s.of_group[g];
    if (status == FN_OK) status = call->def->add(ctx, call, s.arena, of_row, 0, &flat, column->rows);
    if (status == FN_OK) status = fn_builder_init(ctx, &b, call->type);
    for (uint32_t g = 0; g < groups && status == FN_OK; g++) status = call->def->finish(ctx, call, s.arena, s.of_group[g], &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, &made);
    if (status == FN_OK) {
        *out = fn_column_retype(ctx, made, t);
        if (!*out) status = ctx->error.code;
    }
    if (b.type) fn_builder_release(&b);
    fn_column_drop(made);
    states_release(&s);
    fn_column_drop(flat);
    fn_free(of_row);
    return status;
}

/* Coalescing: the last row of each group that is not NULL; the last one if all are. */
static fn_status last_values(fn_ctx *ctx, const fn_column *c, const uint32_t *starts, uint32_t groups, fn_column **out)
{
    uint32_t *rows = fn_alloc(ctx, sizeof *rows * ((size_t)groups + 1));
    FN_TRY_PTR(ctx, rows);
    for (uint32_t g = 0; g < groups; g++) {
        uint32_t at = starts[g + 1] - 1;
        while (at > starts[g] && fn_column_is_null(c, at)) at--;
        rows[g] = fn_column_is_null(c, at) ? starts[g + 1] - 1 : at;
    }
    *out = fn_column_take(ctx, c, rows, groups);
    fn_free(rows);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status make_column(fn_ctx *ctx, column_role role, const fn_column *c, const uint32_t *starts, uint32_t groups, uint8_t *nonzero, fn_column **out)
{
    switch (role) {
    case ROLE_SUM: return sum_column(ctx, c, starts, groups, nonzero, out);
    case ROLE_LAST: return last_values(ctx, c, starts, groups, out);
    case ROLE_STATE: return merge_states(ctx, c, starts, groups, out);
    case ROLE_SIMPLE: return apply_simple(ctx, c, starts, groups, out);
    case ROLE_FIRST: break;
    }
    *out = fn_column_take(ctx, c, starts, groups);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status drop_zeros(fn_ctx *ctx, const uint8_t *nonzero, fn_block **block)
{
    uint32_t kept = 0;
    for (uint32_t g = 0; g < (*block)->rows; g++) kept += nonzero[g];
    if (kept == (*block)->rows) return FN_OK;
    fn_block *rest = fn_block_filter(ctx, *block, nonzero, kept);
    FN_TRY_PTR(ctx, rest);
    fn_block_drop(*block);
    *block = rest;
    return FN_OK;
}

fn_status mt_aggregate_rows(fn_ctx *ctx, const mt_shape *shape, const uint32_t *columns, const uint32_t *starts, uint32_t groups, const fn_block *sorted, fn_block **out)
{
    bool any_sum = false, any_state = false, any_map = false;
    uint8_t *nonzero = fn_alloc_zero(ctx, (size_t)groups + FN_BUFFER_PAD);
    fn_block *b = fn_block_new(ctx, sorted->count, groups);
    fn_status status = nonzero && b ? FN_OK : ctx->error.code;
    if (status == FN_OK) status = mt_sum_maps(ctx, shape, columns, starts, groups, sorted, b, &any_map);
    for (uint32_t i = 0; i < sorted->count && status == FN_OK; i++) {
        if (b->columns[i]) continue;
        const column_role role = role_of(ctx, shape, columns[i]);
        any_sum = any_sum || role == ROLE_SUM;
        any_state = any_state || role == ROLE_STATE || role == ROLE_SIMPLE;
        status = make_column(ctx, role, sorted->columns[i], starts, groups, nonzero, &b->columns[i]);
    }
    if (status == FN_OK && any_sum && !any_state && !any_map) status = drop_zeros(ctx, nonzero, &b);
    fn_free(nonzero);
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}
