/* catalog.c - opening, loading and closing. See catalog.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"

/* ---- opening ---- */
static fn_status read_databases(fn_ctx *ctx, catalog *c, catalog_names *n)
{
    sqlite3_stmt *s = catalog_sql_bind(c, SQL_DATABASES, "");
    for (bool row = true;;) {
        char uuid[37] = "";
        FN_TRY(catalog_sql_step(ctx, c, s, &row));
        if (!row) return FN_OK;
        const fn_str id = catalog_sql_text(s, 3);
        memcpy(uuid, id.data, FN_MIN(id.size, sizeof uuid - 1));
        FN_TRY(names_add_database(ctx, n, catalog_sql_text(s, 0), catalog_sql_text(s, 1), catalog_sql_text(s, 2), uuid));
    }
}

static fn_status open_all(fn_ctx *ctx, catalog *c, const char *path, const char *database, catalog_check_new *check, void *self)
{
    c->arena = fn_arena_new(&(fn_ctx){.arena = NULL});
    if (!c->arena) return fn_fail_memory(ctx, sizeof *c);
    FN_TRY(catalog_sql_open(ctx, c, path, check, self));
    if (path) FN_TRY(catalog_reserve_open(ctx, c, path));
    c->names = names_new(ctx);
    FN_TRY_PTR(ctx, c->names);
    FN_TRY(read_databases(ctx, c, c->names));
    const catalog_action create = {.kind = CATALOG_CREATE_DATABASE, .name = fn_cstr(database), .engine = FN_STR("Atomic"), .may_exist = true};
    return names_database(c->names, create.name) ? FN_OK : catalog_apply(ctx, c, &create, 1);
}

fn_status catalog_open(fn_ctx *ctx, const char *path, const char *database, catalog **out)
{
    return catalog_open_checked(ctx, path, database, NULL, NULL, out);
}

fn_status catalog_open_checked(fn_ctx *ctx, const char *path, const char *database, catalog_check_new *check, void *self, catalog **out)
{
    catalog *c = fn_alloc_zero(ctx, sizeof *c);
    FN_TRY_PTR(ctx, c);
    c->parts = catalog_part_functions;
    c->last = &c->first;
    FN_ASSERT(pthread_mutex_init(&c->lock, NULL) == 0);
    FN_ASSERT(pthread_mutex_init(&c->names_lock, NULL) == 0);
    FN_ASSERT(pthread_mutex_init(&c->states_lock, NULL) == 0);
    FN_ASSERT(pthread_cond_init(&c->finished, NULL) == 0);
    const fn_status status = open_all(ctx, c, path, database, check, self);
    if (status != FN_OK) {
        catalog_close(c);
        return status;
    }
    *out = c;
    return FN_OK;
}

void catalog_drop_tables(catalog *c)
{
    catalog_names_drop(c->names);
    c->names = NULL;
}

void catalog_close(catalog *c)
{
    if (!c) return;
    catalog_drop_tables(c);
    catalog_log_close(c);
    catalog_sql_close(c);
    (void)pthread_cond_destroy(&c->finished);
    (void)pthread_mutex_destroy(&c->states_lock);
    (void)pthread_mutex_destroy(&c->names_lock);
    (void)pthread_mutex_destroy(&c->lock);
    fn_arena_free(c->arena);
    fn_free(c);
}

bool catalog_is_new(const catalog *c)
{
    return c->is_new;
}

mt_catalog *catalog_parts(catalog *c)
{
    return &c->parts;
}

/* ---- tables from rows ---- */
typedef struct stored_table {
    catalog_table_row row;
    int64_t id;
    uint64_t next_block;
    int64_t dropped_s;
    bool detached;
} stored_table;

/* The row under the cursor of a statement over TABLE_COLUMNS; texts in ctx->arena. */
static fn_status read_table(fn_ctx *ctx, sqlite3_stmt *s, stored_table *out)
{
    fn_str uuid;
    *out = (stored_table){.id = sqlite3_column_int64(s, 0),
                          .next_block = (uint64_t)sqlite3_column_int64(s, 7),
                          .detached = sqlite3_column_int64(s, 9) != 0,
                          .dropped_s = sqlite3_column_int64(s, 10),
                          .row = {.next_column_id = (uint32_t)sqlite3_column_int64(s, 6), .created_s = sqlite3_column_int64(s, 8)}};
    FN_TRY(fn_arena_str(ctx, ctx->arena, catalog_sql_text(s, 1), &uuid));
    if (uuid.size != 36) return fn_fail(ctx, FN_CORRUPTED_DATA, "A table's row in the catalog is damaged");
    out->row.uuid = uuid.data;
    FN_TRY(fn_arena_str(ctx, ctx->arena, catalog_sql_text(s, 2), &out->row.database));
    FN_TRY(fn_arena_str(ctx, ctx->arena, catalog_sql_text(s, 3), &out->row.name));
    FN_TRY(fn_arena_str(ctx, ctx->arena, catalog_sql_text(s, 4), &out->row.create_sql));
    return fn_arena_str(ctx, ctx->arena, catalog_sql_text(s, 5), &out->row.column_ids);
}

typedef struct load_work {
    catalog_work base;
    catalog_build_fn *build;
    void *self;
    stored_table *tables;
    size_t count, capacity;
} load_work;

static fn_status read_tables(fn_ctx *ctx, catalog *c, load_work *w)
{
    sqlite3_stmt *s = catalog_sql_bind(c, SQL_TABLES, "");
    for (bool row = true;;) {
        FN_TRY(catalog_sql_step(ctx, c, s, &row));
        if (!row) return FN_OK;
        if (w->count == w->capacity) {
            w->capacity = w->capacity ? w->capacity * 2 : 64;
            stored_table *grown = FN_NEW_ARRAY(ctx, stored_table, w->capacity);
            FN_TRY_PTR(ctx, grown);
            if (w->count) memcpy(grown, w->tables, sizeof *grown * w->count);
            w->tables = grown;
        }
        FN_TRY(read_table(ctx, s, &w->tables[w->count++]));
    }
}

/* All parts, live or detached, in one pass: both lists are in the order of table ids. */
static fn_status read_all_parts(fn_ctx *ctx, catalog *c, load_work *w, catalog_sql which)
{
    enum { GROW = 8 };
    sqlite3_stmt *s = catalog_sql_bind(c, which, "");
    mt_part_row *rows = NULL;
    size_t count = 0, capacity = 0, at = 0;
    for (bool row = true;;) {
        FN_TRY(catalog_sql_step(ctx, c, s, &row));
        const int64_t id = row ? sqlite3_column_int64(s, 0) : INT64_MAX;
        while (at < w->count && w->tables[at].id < id) { /* that table's rows are complete */
            catalog_table_row *t = &w->tables[at++].row;
            *(which == SQL_PARTS ? &t->parts : &t->detached) = rows;
            *(which == SQL_PARTS ? &t->part_count : &t->detached_count) = count;
            rows = NULL;
            count = capacity = 0;
        }
        if (!row) return FN_OK;
        if (at == w->count || w->tables[at].id != id) continue; /* rows of no table */
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : GROW;
            mt_part_row *grown = FN_NEW_ARRAY(ctx, mt_part_row, capacity);
            FN_TRY_PTR(ctx, grown);
            if (count) memcpy(grown, rows, sizeof *grown * count);
            rows = grown;
        }
        FN_TRY(catalog_part_row(ctx, s, 1, &rows[count++]));
    }
}

static fn_status load_table(fn_ctx *ctx, catalog *c, const load_work *w, const stored_table *t, catalog_names *n)
{
    table_state *state;
    table *made = NULL;
    FN_TRY(state_add(ctx, c, t->row.uuid, t->id, t->next_block, &state));
    catalog_database *d = names_database(n, t->row.database);
    fn_status status = d || t->dropped_s || t->detached ? w->build(w->self, ctx, &t->row, &made) : fn_fail(ctx, FN_UNKNOWN_DATABASE, "its database does not exist");
    if (status != FN_OK) {
        fn_log(FN_LOG_ERROR, "catalog", "table " FN_STR_FMT "." FN_STR_FMT " cannot be loaded: %s", FN_STR_ARG(t->row.database), FN_STR_ARG(t->row.name),
               ctx->error.text);
        fn_error_clear(ctx);
        return FN_OK;
    }
    if (t->dropped_s) status = names_add_dropped(ctx, n, t->row.database, t->row.name, made, t->dropped_s);
    else if (t->detached) status = names_add_detached(ctx, n, t->row.database, t->row.name, made);
    else status = names_add_table(ctx, n, d, t->row.name, made);
    table_drop(made); /* the snapshot has its own reference */
    return status;
}

static fn_status run_load(catalog *c, catalog_work *work)
{
    load_work *w = (load_work *)work;
    catalog_names *n;
    FN_TRY(read_tables(work->ctx, c, w));
    FN_TRY(read_all_parts(work->ctx, c, w, SQL_PARTS));
    FN_TRY(read_all_parts(work->ctx, c, w, SQL_DETACHED_PARTS));
    FN_TRY(names_copy(work->ctx, c->base_names, &n));
    c->next_names = n;
    fn_ctx *ctx = work->ctx;
    fn_arena *const outer = ctx->arena, *own = fn_arena_new(ctx); /* what the building of one table leaves behind */
    FN_TRY_PTR(ctx, own);
    ctx->arena = own;
    fn_status status = FN_OK;
    for (size_t i = 0; i < w->count && status == FN_OK; i++) {
        status = load_table(ctx, c, w, &w->tables[i], n);
        fn_arena_reset(own);
    }
    ctx->arena = outer;
    fn_arena_free(own);
    return status;
}

fn_status catalog_load(fn_ctx *ctx, catalog *c, catalog_build_fn *build, void *self)
{
    load_work work = {.base = {.run = run_load}, .build = build, .self = self};
    return catalog_do(ctx, c, &work.base);
}

/* ---- single rows ---- */
typedef struct row_work {
    catalog_work base;
    const char *uuid;
    stored_table found;
} row_work;

static fn_status run_row(catalog *c, catalog_work *work)
{
    row_work *w = (row_work *)work;
    bool row;
    sqlite3_stmt *s = catalog_sql_bind(c, SQL_TABLE_BY_UUID, "t", fn_cstr(w->uuid));
    FN_TRY(catalog_sql_step(work->ctx, c, s, &row));
    if (!row) return fn_fail(work->ctx, FN_UNKNOWN_TABLE, "Table %s is not in the catalog", w->uuid);
    const fn_status status = read_table(work->ctx, s, &w->found);
    (void)sqlite3_reset(s);
    return status;
}

fn_status catalog_column_ids(fn_ctx *ctx, catalog *c, const char *uuid, fn_str *ids, uint32_t *next)
{
    row_work work = {.base = {.run = run_row}, .uuid = uuid};
    FN_TRY(catalog_do(ctx, c, &work.base));
    *ids = work.found.row.column_ids;
    *next = work.found.row.next_column_id;
    return FN_OK;
}

/* ---- a moment of all ---- */
typedef struct snapshot_work {
    catalog_work base;
    const catalog_reader *reader;
} snapshot_work;

static fn_status read_wanted(fn_ctx *ctx, catalog *c, const catalog_reader *r, const catalog_database *d, const catalog_entry *e)
{
    stored_table t;
    mt_part_row *parts;
    bool row;
    sqlite3_stmt *s = catalog_sql_bind(c, SQL_TABLE_BY_UUID, "t", fn_cstr(e->table->uuid));
    FN_TRY(catalog_sql_step(ctx, c, s, &row));
    if (!row) return fn_fail(ctx, FN_LOGICAL_ERROR, "Table %s is not in the catalog", e->table->uuid);
    const fn_status status = read_table(ctx, s, &t);
    (void)sqlite3_reset(s);
    FN_TRY(status);
    FN_TRY(catalog_read_parts(ctx, c, SQL_PARTS_OF, t.id, &parts, &t.row.part_count));
    t.row.parts = parts;
    t.row.database = d->name;
    t.row.name = e->name;
    return r->table(r->self, ctx, &t.row, e->table);
}

static fn_status run_snapshot(catalog *c, catalog_work *work)
{
    const catalog_reader *r = ((snapshot_work *)work)->reader;
    const catalog_names *n = c->base_names;
    r->begin(r->self);
    for (uint32_t d = 0; d < n->count; d++) {
        FN_TRY(r->database(r->self, work->ctx, &n->databases[d]));
        for (uint32_t i = 0; i < n->databases[d].count; i++) {
            const catalog_entry *e = &n->databases[d].entries[i];
            if (r->wants(r->self, n, &n->databases[d], e)) FN_TRY(read_wanted(work->ctx, c, r, &n->databases[d], e));
        }
    }
    return FN_OK;
}

fn_status catalog_snapshot(fn_ctx *ctx, catalog *c, const catalog_reader *reader)
{
    snapshot_work work = {.base = {.run = run_snapshot}, .reader = reader};
    return catalog_do(ctx, c, &work.base);
}
