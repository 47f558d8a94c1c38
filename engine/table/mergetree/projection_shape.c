/* projection_shape.c - the shapes of a table's projections. See projection.h. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/projection.h"

static const fn_type *type_of(const mt_projection *p, uint32_t column)
{
    return column < p->value_count ? p->values[column]->type : p->states[column - p->value_count].state->type;
}

static fn_status make_schema(fn_ctx *ctx, const mt_projection *p, table_schema **out)
{
    const uint32_t count = p->value_count + p->state_count;
    fn_field *fields = FN_NEW_ARRAY(ctx, fn_field, count + 1);
    FN_TRY_PTR(ctx, fields);
    for (uint32_t i = 0; i < count; i++) fields[i] = (fn_field){p->names[i], type_of(p, i)};
    return table_schema_make(ctx, &(fn_schema){.count = count, .fields = fields}, out);
}

static fn_status make_definition(fn_ctx *own, const mt_projection *p, mt_definition *d)
{
    d->sort_key = FN_NEW_ARRAY(own, expr *, p->sort_count + 1);
    d->defaults = FN_NEW_ARRAY(own, expr *, p->value_count + p->state_count + 1);
    if (!d->sort_key || !d->defaults) return own->error.code;
    for (uint32_t i = 0; i < p->sort_count; i++) {
        d->sort_key[i] = expr_column(own, p->sort[i], p->values[p->sort[i]]->type);
        FN_TRY_PTR(own, d->sort_key[i]);
    }
    d->sort_count = d->primary_count = p->sort_count;
    return FN_OK;
}

static fn_status make_shape(fn_ctx *ctx, const mt_projection *p, const table_settings *settings, mt_shape **out)
{
    fn_arena *arena = fn_arena_new(&(fn_ctx){0});
    if (!arena) return fn_fail_memory(ctx, sizeof(mt_shape));
    fn_ctx own = {.arena = arena};
    mt_definition d = {.mode = p->aggregate ? MT_AGGREGATING : MT_PLAIN, .version_column = -1, .is_deleted_column = -1, .sign_column = -1,
                       .index_granularity = FN_GRANULE_ROWS, .settings = *settings, .arena = arena};
    table_schema *schema = NULL;
    fn_status status = make_schema(&own, p, &schema);
    if (status == FN_OK) status = make_definition(&own, p, &d);
    if (status == FN_OK) status = mt_shape_new(&own, schema, &d, out);
    if (status == FN_OK) return FN_OK;
    table_schema_drop(schema);
    status = fn_fail(ctx, status, "%s", own.error.text);
    fn_arena_free(arena);
    return status;
}

/* Values and arguments, over a block of the table's stored columns. */
static fn_status compile(fn_ctx *ctx, const mt_shape *s, const mt_projection *p, expr_program **out)
{
    uint32_t count = p->value_count, n = 0;
    for (uint32_t i = 0; i < p->state_count; i++) count += p->states[i].arg_count;
    expr **all = FN_NEW_ARRAY(ctx, expr *, count + 1);
    FN_TRY_PTR(ctx, all);
    for (uint32_t i = 0; i < p->value_count; i++) all[n++] = p->values[i];
    for (uint32_t i = 0; i < p->state_count; i++)
        for (uint32_t a = 0; a < p->states[i].arg_count; a++) all[n++] = p->states[i].args[a];
    return expr_compile(ctx, all, count, s->stored, s->stored_count, out);
}

fn_status mt_projection_shapes(fn_ctx *ctx, mt_shape *s)
{
    const mt_definition *d = s->definition;
    s->projections = FN_NEW_ARRAY(ctx, mt_shape *, d->projection_count + 1);
    s->projection_programs = FN_NEW_ARRAY(ctx, expr_program *, d->projection_count + 1);
    if (!s->projections || !s->projection_programs) return ctx->error.code;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < d->projection_count && status == FN_OK; i++) {
        status = compile(ctx, s, &d->projections[i], &s->projection_programs[i]);
        if (status == FN_OK) status = make_shape(ctx, &d->projections[i], &d->settings, &s->projections[i]);
    }
    if (status != FN_OK) mt_projection_shapes_drop(s);
    return status;
}

void mt_projection_shapes_drop(mt_shape *s)
{
    for (uint32_t i = 0; i < s->definition->projection_count && s->projections; i++) mt_shape_drop(s->projections[i]);
    s->projections = NULL;
}
