/* definition_projection.c - the PROJECTION clauses of a table, bound. See mt_projection. SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"

typedef struct projection_reader {
    fn_ctx *ctx;
    const table_schema *schema;
    const ast_table_item *item;
    mt_projection *p;
    plan_projection bound;
} projection_reader;

/* Parts have only stored columns. */
static fn_status check_stored(const projection_reader *r, const expr *e)
{
    fn_buf ids = FN_BUF_INIT;
    fn_status status = expr_columns(r->ctx, e, &ids);
    for (size_t i = 0; i + sizeof(column_id) <= ids.size && status == FN_OK; i += sizeof(column_id)) {
        const table_column *c = &r->schema->columns[fn_load_u32(ids.data + i)];
        if (c->is_virtual)
            status = fn_fail(r->ctx, FN_NOT_IMPLEMENTED, "Virtual column " FN_STR_FMT " in projection " FN_STR_FMT " is not supported", FN_STR_ARG(c->name), FN_STR_ARG(r->item->name));
        else if (!table_column_is_stored(c))
            status = fn_fail(r->ctx, FN_UNKNOWN_IDENTIFIER, "Missing columns: '" FN_STR_FMT "' while processing projection " FN_STR_FMT, FN_STR_ARG(c->name), FN_STR_ARG(r->item->name));
    }
    fn_buf_release(&ids);
    return status;
}

/* A state that cannot be written is found out now, not by the first insert. */
static fn_status check_state(fn_ctx *ctx, const agg_call *call)
{
    fn_buf bytes = FN_BUF_INIT;
    void *state = fn_arena_alloc_zero(ctx, ctx->arena, (size_t)call->state_size + 16);
    FN_TRY_PTR(ctx, state);
    if (!call->def->write || !call->def->read || !call->def->merge)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "States of aggregate function " FN_STR_FMT " cannot be kept", FN_STR_ARG(call->name));
    call->def->init(call, state);
    const fn_status status = call->def->write(ctx, call, state, &bytes);
    if (call->def->destroy) call->def->destroy(call, state);
    fn_buf_release(&bytes);
    return status;
}

/* plus(b, 1): names of columns, as ClickHouse makes them. */
static fn_status put_name(const projection_reader *r, const expr *e, fn_buf *out)
{
    fn_ctx *ctx = r->ctx;
    if (e->kind == EXPR_COLUMN && e->column < r->schema->count) return fn_buf_str(ctx, out, r->schema->columns[e->column].name);
    if (e->kind != EXPR_CALL) return expr_text(ctx, e, out);
    FN_TRY(fn_buf_printf(ctx, out, "%s(", e->call->def->name));
    for (uint32_t i = 0; i < e->arg_count; i++) {
        if (i) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(put_name(r, e->args[i], out));
    }
    return fn_buf_byte(ctx, out, ')');
}

static fn_status value_name(const projection_reader *r, const expr *e, fn_str *out)
{
    fn_buf name = FN_BUF_INIT;
    fn_status status = put_name(r, e, &name);
    if (status == FN_OK) status = fn_arena_str(r->ctx, r->ctx->arena, fn_buf_view(&name), out);
    fn_buf_release(&name);
    return status;
}

static fn_status put_param(fn_ctx *ctx, fn_column *value, fn_buf *out)
{
    const expr *e = expr_const(ctx, fn_column_ref(value));
    return e ? expr_text(ctx, e, out) : ctx->error.code;
}

/* quantile(0.5)(b) */
static fn_status state_name(const projection_reader *r, const plan_aggregate_item *item, fn_str *out)
{
    fn_buf name = FN_BUF_INIT;
    fn_status status = fn_buf_printf(r->ctx, &name, FN_STR_FMT "(", FN_STR_ARG(item->call->name));
    for (uint32_t i = 0; i < item->call->param_count && status == FN_OK; i++) {
        if (i) status = fn_buf_cstr(r->ctx, &name, ", ");
        if (status == FN_OK) status = put_param(r->ctx, item->call->params[i], &name);
    }
    if (item->call->param_count && status == FN_OK) status = fn_buf_cstr(r->ctx, &name, ")(");
    for (uint32_t i = 0; i < item->arg_count && status == FN_OK; i++) {
        if (i) status = fn_buf_cstr(r->ctx, &name, ", ");
        if (status == FN_OK) status = put_name(r, item->args[i], &name);
    }
    if (status == FN_OK) status = fn_buf_byte(r->ctx, &name, ')');
    if (status == FN_OK) status = fn_arena_str(r->ctx, r->ctx->arena, fn_buf_view(&name), out);
    fn_buf_release(&name);
    return status;
}

static fn_status read_state(projection_reader *r, const plan_aggregate_item *item)
{
    fn_ctx *ctx = r->ctx;
    mt_projection *p = r->p;
    mt_projection_state *s = &p->states[p->state_count];
    agg_call *own, *state;
    fn_str plain;
    if (item->distinct && item->arg_count)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, FN_STR_FMT "(DISTINCT ...) in projection " FN_STR_FMT " is not supported", FN_STR_ARG(item->call->name), FN_STR_ARG(r->item->name));
    for (uint32_t i = 0; i < item->arg_count; i++) FN_TRY(check_stored(r, item->args[i]));
    FN_TRY(check_state(ctx, item->call));
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, item->arg_count + 1u);
    FN_TRY_PTR(ctx, types);
    for (uint32_t i = 0; i < item->arg_count; i++) types[i] = item->args[i]->type;
    FN_TRY(fn_arena_str(ctx, ctx->arena, item->call->name, &plain));
    FN_TRY(agg_bind(ctx, plain, types, item->arg_count, item->call->params, item->call->param_count, &own));
    const char *name = fn_arena_printf(ctx, ctx->arena, FN_STR_FMT "State", FN_STR_ARG(item->call->name));
    FN_TRY_PTR(ctx, name);
    FN_TRY(agg_bind(ctx, fn_cstr(name), types, item->arg_count, item->call->params, item->call->param_count, &state));
    *s = (mt_projection_state){.call = own, .state = state, .args = item->args, .arg_count = item->arg_count};
    FN_TRY(state_name(r, item, &p->names[p->value_count + p->state_count]));
    p->state_count++;
    return FN_OK;
}

/* Part files know the projection by what it is: columns by their numbers, with their types. */
static fn_status make_id(projection_reader *r)
{
    mt_projection *p = r->p;
    uint64_t hash = fn_hash_bytes(p->name.data, p->name.size, p->aggregate);
    for (uint32_t i = 0; i < p->value_count; i++) FN_TRY(definition_hash_expr(r->ctx, r->schema, p->values[i], &hash));
    hash = fn_hash_bytes(p->sort, p->sort_count * sizeof *p->sort, hash);
    for (uint32_t i = 0; i < p->state_count; i++) {
        const char *type = p->states[i].state->type->name;
        hash = fn_hash_bytes(type, strlen(type), hash);
        for (uint32_t a = 0; a < p->states[i].arg_count; a++) FN_TRY(definition_hash_expr(r->ctx, r->schema, p->states[i].args[a], &hash));
    }
    p->id = hash;
    return FN_OK;
}

static fn_status read_projection(projection_reader *r)
{
    fn_ctx *ctx = r->ctx;
    mt_projection *p = r->p;
    const plan_projection *bound = &r->bound;
    FN_TRY(plan_bind_projection(ctx, r->item->projection, (table_schema *)(uintptr_t)r->schema, &r->bound));
    *p = (mt_projection){.aggregate = bound->aggregate, .value_count = bound->count, .values = bound->values, .sort = bound->sort, .sort_count = bound->sort_count};
    FN_TRY(fn_arena_str(ctx, ctx->arena, r->item->name, &p->name));
    p->names = FN_NEW_ARRAY(ctx, fn_str, bound->count + bound->item_count + 1);
    p->states = FN_NEW_ARRAY(ctx, mt_projection_state, bound->item_count + 1);
    if (!p->names || !p->states) return ctx->error.code;
    for (uint32_t i = 0; i < bound->count; i++) {
        FN_TRY(check_stored(r, p->values[i]));
        FN_TRY(value_name(r, p->values[i], &p->names[i]));
    }
    for (uint32_t i = 0; i < bound->item_count; i++) FN_TRY(read_state(r, &bound->items[i]));
    if (p->value_count + p->state_count == 0) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Projection " FN_STR_FMT " of constants is not supported", FN_STR_ARG(r->item->name));
    return make_id(r);
}

fn_status definition_projections(fn_ctx *ctx, const ast_create *c, const table_schema *schema, mt_definition *mt)
{
    mt->projections = FN_NEW_ARRAY(ctx, mt_projection, c->item_count + 1u);
    FN_TRY_PTR(ctx, mt->projections);
    for (uint32_t i = 0; i < c->item_count; i++) {
        if (c->items[i].kind != 'p') continue;
        projection_reader r = {.ctx = ctx, .schema = schema, .item = &c->items[i], .p = &mt->projections[mt->projection_count]};
        const fn_status status = read_projection(&r);
        if (status == FN_OK) {
            mt->projection_count++;
            continue;
        }
        if (status == FN_MEMORY_LIMIT_EXCEEDED) return status;
        fn_log(FN_LOG_WARN, "mergetree", "projection " FN_STR_FMT " of " FN_STR_FMT " is not kept: %s", FN_STR_ARG(c->items[i].name), FN_STR_ARG(c->name.table), ctx->error.text);
        fn_error_clear(ctx); /* taken by an earlier version, which kept nothing for it */
    }
    return FN_OK;
}

/* ---- the checks of CREATE and ALTER ---- */
static fn_status check_mode(fn_ctx *ctx, const ast_create *c, const table_settings *settings, bool altered)
{
    const fn_str engine = c->engine.name;
    if (fn_str_eq(engine, FN_STR("MergeTree")) || fn_str_ends(engine, FN_STR("dMergeTree")) || settings->deduplicate_merge_projection_mode != PROJECTION_THROW) return FN_OK;
    if (altered) {
        return fn_fail(ctx, FN_SUPPORT_IS_DISABLED, "ADD PROJECTION is not supported in " FN_STR_FMT " with deduplicate_merge_projection_mode = throw. Please set setting "
                       "'deduplicate_merge_projection_mode' to 'drop' or 'rebuild'", FN_STR_ARG(engine));
    }
    return fn_fail(ctx, FN_SUPPORT_IS_DISABLED, "Projections are not supported for " FN_STR_FMT " with deduplicate_merge_projection_mode = throw. Please set setting "
                   "'deduplicate_merge_projection_mode' to 'drop' or 'rebuild'", FN_STR_ARG(engine));
}

fn_status definition_check_projections(fn_ctx *ctx, const ast_create *c, const ast_table_item *added)
{
    const bool altered = added != NULL;
    table_settings settings = table_settings_default();
    uint32_t count = 0;
    table_schema *schema;
    for (uint32_t i = 0; i < c->item_count; i++) count += c->items[i].kind == 'p';
    if (count == 0) return FN_OK;
    FN_TRY(definition_table_settings(ctx, &c->engine, &settings));
    if (count > settings.max_projections)
        return fn_fail(ctx, FN_LIMIT_EXCEEDED, "Maximum limit of %llu projection(s) exceeded", (unsigned long long)settings.max_projections);
    if (!altered || added->kind == 'p') FN_TRY(check_mode(ctx, c, &settings, altered));
    FN_TRY(definition_plain_schema(ctx, c, &schema));
    fn_ctx own = {.arena = ctx->arena, .memory = ctx->memory, .cancel = ctx->cancel}; /* without the statement's settings, as at a start */
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < c->item_count && status == FN_OK; i++) {
        mt_projection p;
        if (c->items[i].kind != 'p') continue;
        projection_reader r = {.ctx = &own, .schema = schema, .item = &c->items[i], .p = &p};
        status = read_projection(&r);
        if (status == FN_OK) continue;
        const bool own_error = !altered || fn_str_eq(c->items[i].name, added->name);
        if (!own_error && status == FN_NOT_IMPLEMENTED) /* of an earlier version: it goes on doing nothing */
            status = FN_OK;
        else if (!own_error)
            status = fn_fail(ctx, status, "Cannot apply ALTER because it breaks projection " FN_STR_FMT ": %s", FN_STR_ARG(c->items[i].name), own.error.text);
        else
            status = fn_fail(ctx, status, "%s", own.error.text);
        fn_error_clear(&own);
    }
    table_schema_drop(schema);
    return status;
}
