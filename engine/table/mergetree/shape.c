/* shape.c - a table's schema and definition with their compiled programs. See mt.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/projection.h"
#include "table/mergetree/part_ttl.h"

static fn_status fill_stored(fn_ctx *ctx, mt_shape *s)
{
    const table_schema *schema = s->schema;
    s->stored = FN_NEW_ARRAY(ctx, uint32_t, FN_MAX(schema->count, 1));
    s->stored_at = FN_NEW_ARRAY(ctx, int, FN_MAX(schema->count, 1));
    s->part_columns = FN_NEW_ARRAY(ctx, fn_part_column, FN_MAX(schema->count, 1));
    if (!s->stored || !s->stored_at || !s->part_columns) return ctx->error.code;
    for (uint32_t i = 0; i < schema->count; i++) {
        const table_column *c = &schema->columns[i];
        s->stored_at[i] = -1;
        if (!table_column_is_stored(c)) continue;
        s->stored_at[i] = (int)s->stored_count;
        s->part_columns[s->stored_count] = (fn_part_column){c->id, c->type, c->codec};
        s->stored[s->stored_count++] = i;
    }
    return FN_OK;
}

static fn_status fill_keys(fn_ctx *ctx, mt_shape *s)
{
    const mt_definition *d = s->definition;
    s->sort_columns = FN_NEW_ARRAY(ctx, int, FN_MAX(d->sort_count, 1));
    s->part_keys = FN_NEW_ARRAY(ctx, uint32_t, FN_MAX(d->sort_count, 1));
    if (!s->sort_columns || !s->part_keys) return ctx->error.code;
    bool plain = true;
    for (uint32_t i = 0; i < d->sort_count; i++) {
        const expr *e = d->sort_key[i];
        s->sort_columns[i] = e->kind == EXPR_COLUMN ? (int)e->column : -1;
        plain = plain && e->kind == EXPR_COLUMN && s->stored_at[e->column] >= 0 && !(d->sort_descending && d->sort_descending[i]);
        if (plain) s->part_keys[s->key_count++] = (uint32_t)s->stored_at[e->column];
    }
    if (d->sort_count) FN_TRY(expr_compile(ctx, d->sort_key, d->sort_count, s->stored, s->stored_count, &s->sort_program));
    if (d->partition_count) FN_TRY(expr_compile(ctx, d->partition_key, d->partition_count, s->stored, s->stored_count, &s->partition_program));
    s->index_programs = FN_NEW_ARRAY(ctx, expr_program *, d->index_count + 1);
    FN_TRY_PTR(ctx, s->index_programs);
    for (uint32_t i = 0; i < d->index_count; i++)
        FN_TRY(expr_compile(ctx, d->indexes[i].values, d->indexes[i].value_count, s->stored, s->stored_count, &s->index_programs[i]));
    return FN_OK;
}

/* VersionedCollapsing sorts by the version behind the key, as ClickHouse does without saying so in sorting_key. */
static fn_status add_version(fn_ctx *ctx, mt_shape *s, mt_definition *d)
{
    s->group_count = d->sort_count;
    if (d->mode != MT_VERSIONED_COLLAPSING) return FN_OK;
    for (uint32_t i = 0; i < d->sort_count; i++)
        if (d->sort_key[i]->kind == EXPR_COLUMN && (int)d->sort_key[i]->column == d->version_column) return FN_OK;
    expr **longer = FN_NEW_ARRAY(ctx, expr *, d->sort_count + 1);
    bool *descending = d->sort_descending ? FN_NEW_ARRAY(ctx, bool, d->sort_count + 1) : NULL;
    expr *version = expr_column(ctx, (column_id)d->version_column, s->schema->columns[d->version_column].type);
    if (!longer || !version || (d->sort_descending && !descending)) return ctx->error.code;
    for (uint32_t i = 0; i < d->sort_count; i++) longer[i] = d->sort_key[i];
    for (uint32_t i = 0; i < d->sort_count && descending; i++) descending[i] = d->sort_descending[i];
    longer[d->sort_count++] = version;
    d->sort_key = longer;
    d->sort_descending = descending;
    return FN_OK;
}

fn_status mt_shape_new(fn_ctx *ctx, table_schema *schema_take, const mt_definition *definition, mt_shape **out)
{
    fn_arena *const query = ctx->arena;
    ctx->arena = definition->arena; /* lives with the definition */
    mt_shape *s = FN_NEW(ctx, mt_shape);
    mt_definition *own = FN_NEW(ctx, mt_definition);
    fn_status status = s && own ? FN_OK : ctx->error.code;
    if (status == FN_OK) {
        *own = *definition;
        s->schema = schema_take;
        s->definition = own;
        atomic_store(&s->refs, 1);
        status = add_version(ctx, s, own);
    }
    if (status == FN_OK) status = fill_stored(ctx, s);
    if (status == FN_OK) status = fill_keys(ctx, s);
    if (status == FN_OK) status = mt_ttl_compile(ctx, s);
    if (status == FN_OK) status = mt_projection_shapes(ctx, s);
    ctx->arena = query;
    if (status == FN_OK) *out = s;
    return status;
}

mt_shape *mt_shape_ref(mt_shape *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void mt_shape_drop(mt_shape *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    mt_projection_shapes_drop(s);
    table_schema_drop(s->schema);
    fn_arena_free(s->definition->arena); /* owns the shape as well */
}
