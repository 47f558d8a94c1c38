/* projection_source.c - projections as what a scan may read instead. See projection_source.h. SPDX-License-Identifier: Apache-2.0 */
#include "plan/projection_source.h"
#include "settings/settings.h"

bool projection_allowed(fn_ctx *ctx, const plan *scan)
{
    const fn_settings *s = settings_of(ctx);
    if (!s->optimize_use_projections || !s->allow_experimental_projection_optimization || !s->query_plan_optimize_projection) return false;
    if (s->force_data_skipping_indices.size) return false; /* projections have none */
    if (s->session_timezone.size) return false;            /* what they hold was computed in the server's */
    if (scan->kind != PLAN_SCAN || scan->scan.final || scan->scan.sample > 0 || scan->scan.limit || scan->scan.top_n || !mt_is(scan->scan.table)) return false;
    return scan->scan.snapshot && mt_snapshot_definition(scan->scan.snapshot)->projection_count != 0;
}

/* ---- matching ---- */
typedef struct match {
    const mt_projection *p;
    bool failed;
} match;

static fn_status match_value(void *self, fn_ctx *ctx, expr *e, expr **out)
{
    match *m = self;
    const bool column = e->kind == EXPR_COLUMN && e->column < 0x80000000u; /* not a lambda's parameter */
    if (!column && e->kind != EXPR_CALL) return FN_OK;
    for (uint32_t i = 0; i < m->p->value_count; i++) {
        if (m->p->values[i]->type != e->type || !expr_equal(m->p->values[i], e) || !expr_is_deterministic(e)) continue;
        *out = expr_column(ctx, PROJECTION_ID + i, e->type);
        return *out ? FN_OK : ctx->error.code;
    }
    m->failed |= column;
    return FN_OK;
}

static fn_status has_lambda(void *self, fn_ctx *ctx, expr *e)
{
    (void)ctx;
    *(bool *)self |= e->kind == EXPR_LAMBDA;
    return FN_OK;
}

fn_status projection_match(fn_ctx *ctx, const mt_projection *p, expr *e, expr **out)
{
    match m = {.p = p};
    bool lambda = false;
    *out = NULL;
    FN_TRY(expr_walk(ctx, e, has_lambda, &lambda));
    if (lambda) return FN_OK; /* columns inside it are captured by number */
    FN_TRY(plan_rewrite(ctx, e, match_value, &m, out));
    if (m.failed) *out = NULL;
    return FN_OK;
}

fn_status projection_match_conjuncts(fn_ctx *ctx, const mt_projection *p, const plan *scan, expr ***out)
{
    expr **list = FN_NEW_ARRAY(ctx, expr *, scan->scan.conjunct_count + 1u);
    FN_TRY_PTR(ctx, list);
    *out = NULL;
    for (uint32_t i = 0; i < scan->scan.conjunct_count; i++) {
        expr *over_schema;
        FN_TRY(plan_scan_to_schema(ctx, scan, scan->scan.conjuncts[i], &over_schema));
        FN_TRY(projection_match(ctx, p, over_schema, &list[i]));
        if (!list[i]) return FN_OK;
    }
    *out = list;
    return FN_OK;
}

/* ---- opening ---- */
typedef struct renumber {
    fn_ctx *ctx;
    const mt_projection *p;
    const column_id *ids; /* NULL: the column's index itself */
} renumber;

static expr *to_output(void *self, column_id id)
{
    const renumber *r = self;
    if (id < PROJECTION_ID || id >= PROJECTION_ID + r->p->value_count) return NULL;
    const uint32_t i = id - PROJECTION_ID;
    return expr_column(r->ctx, r->ids ? r->ids[i] : i, r->p->values[i]->type); /* NULL: out of memory, found by the callers below */
}

static fn_status renumber_all(fn_ctx *ctx, const mt_projection *p, expr *const *from, uint32_t count, const column_id *ids, expr ***out)
{
    renumber r = {ctx, p, ids};
    *out = FN_NEW_ARRAY(ctx, expr *, count + 1);
    FN_TRY_PTR(ctx, *out);
    for (uint32_t i = 0; i < count; i++) FN_TRY(expr_replace(ctx, from[i], to_output, &r, &(*out)[i]));
    return ctx->error.code;
}

static fn_status scan_to_schema_all(fn_ctx *ctx, const plan *scan, expr ***out)
{
    *out = FN_NEW_ARRAY(ctx, expr *, scan->scan.conjunct_count + 1u);
    FN_TRY_PTR(ctx, *out);
    for (uint32_t i = 0; i < scan->scan.conjunct_count; i++) FN_TRY(plan_scan_to_schema(ctx, scan, scan->scan.conjuncts[i], &(*out)[i]));
    return FN_OK;
}

fn_status projection_rows_without(fn_ctx *ctx, const plan *scan, uint64_t *out)
{
    expr **conjuncts;
    FN_TRY(scan_to_schema_all(ctx, scan, &conjuncts));
    return mt_rows_to_read(ctx, scan->scan.snapshot, conjuncts, scan->scan.conjunct_count, out);
}

static fn_status count_rows(fn_ctx *ctx, const plan *scan, expr *const *matched, projection_source *s)
{
    expr **conjuncts;
    uint64_t rows;
    FN_TRY(renumber_all(ctx, s->projection, matched, scan->scan.conjunct_count, NULL, &conjuncts));
    FN_TRY(mt_rows_to_read(ctx, s->with, conjuncts, scan->scan.conjunct_count, &s->rows));
    if (!s->without) return FN_OK;
    FN_TRY(scan_to_schema_all(ctx, scan, &conjuncts));
    FN_TRY(mt_rows_to_read(ctx, s->without, conjuncts, scan->scan.conjunct_count, &rows));
    s->rows += rows;
    return FN_OK;
}

fn_status projection_open(fn_ctx *ctx, const plan *scan, uint32_t index, expr *const *matched, projection_source *out)
{
    *out = (projection_source){.projection = &mt_snapshot_definition(scan->scan.snapshot)->projections[index]};
    FN_TRY(mt_project(ctx, scan->scan.snapshot, index, &out->table, &out->with, &out->without));
    if (!out->table) return FN_OK;
    const fn_status status = count_rows(ctx, scan, matched, out);
    if (status != FN_OK) projection_close(out);
    return status;
}

void projection_close(projection_source *s)
{
    if (s->with) mt_snapshot_give_back(s->with);
    if (s->without) mt_snapshot_give_back(s->without);
    table_drop(s->table);
    *s = (projection_source){0};
}

/* ---- use ---- */
fn_status projection_ids(fn_ctx *ctx, plan_query *q, const mt_projection *p, expr *const *exprs, uint32_t count, column_id *ids)
{
    for (uint32_t i = 0; i < count; i++) {
        fn_buf used = FN_BUF_INIT;
        const fn_status status = expr_columns(ctx, exprs[i], &used);
        for (size_t k = 0; status == FN_OK && k < used.size / sizeof(column_id); k++) {
            const column_id id = fn_load_u32(used.data + k * sizeof id);
            if (id >= PROJECTION_ID && id < PROJECTION_ID + p->value_count && !ids[id - PROJECTION_ID]) ids[id - PROJECTION_ID] = q->next_id++;
        }
        fn_buf_release(&used);
        FN_TRY(status);
    }
    return FN_OK;
}

fn_status projection_scan(fn_ctx *ctx, plan_query *q, const plan *scan, projection_source *source_take, expr *const *matched, const column_id *ids, plan **out)
{
    projection_source *s = source_take;
    const table_schema *schema = atomic_load(&s->table->schema);
    plan *n = plan_new(ctx, PLAN_SCAN, 0);
    plan **scan_slot = n ? plan_grow(ctx, &q->scans, &q->scan_count, sizeof *scan_slot) : NULL;
    table **table_slot = scan_slot ? plan_grow(ctx, &q->tables, &q->table_count, sizeof *table_slot) : NULL;
    if (!table_slot) return ctx->error.code;
    *scan_slot = n;
    *table_slot = s->table;
    n->scan.table = s->table;
    n->scan.snapshot = s->with;
    s->table = NULL;
    s->with = NULL;
    n->columns = FN_NEW_ARRAY(ctx, plan_column, schema->count + 1);
    n->scan.indexes = FN_NEW_ARRAY(ctx, uint32_t, schema->count + 1);
    if (!n->columns || !n->scan.indexes) return ctx->error.code;
    for (uint32_t i = 0; i < schema->count; i++) {
        if (!ids[i]) continue;
        n->columns[n->column_count] = (plan_column){ids[i], schema->columns[i].type, schema->columns[i].name};
        n->scan.indexes[n->column_count++] = i;
    }
    n->scan.conjunct_count = scan->scan.conjunct_count;
    n->rows_estimate = (double)s->rows;
    *out = n;
    return renumber_all(ctx, s->projection, matched, scan->scan.conjunct_count, ids, &n->scan.conjuncts);
}

void projection_narrow(plan *scan, projection_source *s)
{
    mt_snapshot_give_back(scan->scan.snapshot);
    scan->scan.snapshot = s->without; /* NULL: the scan is not part of the plan any more */
    s->without = NULL;
}

fn_status projection_note(fn_ctx *ctx, plan_query *q, const plan *scan, const mt_projection *p)
{
    fn_str database, name;
    FN_TRY(table_name(ctx, scan->scan.table, &database, &name));
    fn_str *slot = plan_grow(ctx, &q->projections, &q->projection_count, sizeof *slot);
    FN_TRY_PTR(ctx, slot);
    const char *text = fn_arena_printf(ctx, ctx->arena, FN_STR_FMT "." FN_STR_FMT "." FN_STR_FMT, FN_STR_ARG(database), FN_STR_ARG(name), FN_STR_ARG(p->name));
    FN_TRY_PTR(ctx, text);
    *slot = fn_cstr(text);
    q->projection_used = true;
    return FN_OK;
}

/* ---- what settings ask ---- */
static bool is_noted(const plan_query *q, fn_str name)
{
    for (uint32_t i = 0; i < q->projection_count; i++) {
        const fn_str full = q->projections[i];
        if (full.size > name.size && full.data[full.size - name.size - 1] == '.' && fn_str_ends(full, name)) return true;
    }
    return false;
}

static bool reads_rows(const plan *scan)
{
    uint64_t rows;
    return scan->scan.snapshot && mt_is(scan->scan.table) && scan->scan.table->ops->rows(scan->scan.snapshot, false, &rows) && rows != 0;
}

fn_status projection_check(fn_ctx *ctx, const plan_query *q)
{
    const fn_settings *s = settings_of(ctx);
    if (!s->optimize_use_projections) return FN_OK;
    bool read = false;
    for (uint32_t i = 0; i < q->scan_count && !read; i++) read = q->scans[i]->kind == PLAN_SCAN && reads_rows(q->scans[i]);
    if (s->force_optimize_projection && !q->projection_used && read)
        return fn_fail(ctx, FN_PROJECTION_NOT_USED, "No projection is used when optimize_use_projections = 1 and force_optimize_projection = 1");
    const fn_str name = s->force_optimize_projection_name;
    if (!name.size || !read || is_noted(q, name)) return FN_OK;
    return fn_fail(ctx, FN_INCORRECT_DATA, "Projection " FN_STR_FMT " is specified in setting force_optimize_projection_name but not used", FN_STR_ARG(name));
}
