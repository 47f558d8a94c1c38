/* run_restore.c - RESTORE: tables that are missing are made, then all files are fetched and checked, then all parts of all tables join
 * in one transaction. A RESTORE that fails before it leaves empty tables at most; run again, it takes them as they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/backup.h"
#include "query/definition.h"
#include <firn/time.h>
#include <stdlib.h>

typedef struct restored_table {
    const backup_table *from;
    const ast_backup_element *element;
    fn_str database, name;
    fn_str sql;                /* with the new name */
    char uuid[37];             /* if it is made */
    table *table;              /* one reference */
    bool make;
    mt_part_row *rows;
    uint32_t row_count;
} restored_table;

typedef struct restore_run {
    query *query;
    const ast_backup *ast;
    const backup_options *options;
    backup_manifest manifest, base_manifest;
    backup_place place, base;
    restored_table *tables;
    uint32_t count;
    definition_rename *renames; /* one per table */
    struct mt_file **files;    /* held until the parts are listed */
    uint32_t file_count;
    backup_numbers numbers;
} restore_run;

/* ---- which tables, under which names ---- */
#define INNER ".inner_id."

/* The view whose own table t is; NULL: it is an ordinary one, or its view is not in the backup. */
static const backup_table *view_of(const backup_manifest *m, const backup_table *t)
{
    if (!fn_str_starts(t->name, FN_STR(INNER))) return NULL;
    const fn_str uuid = {t->name.data + sizeof INNER - 1, t->name.size - (sizeof INNER - 1)};
    for (uint32_t i = 0; i < m->table_count; i++)
        if (fn_str_eq(fn_cstr(m->tables[i].uuid), uuid)) return &m->tables[i];
    return NULL;
}

static fn_status choose_tables(restore_run *r)
{
    query *q = r->query;
    const backup_manifest *m = &r->manifest;
    r->tables = FN_NEW_ARRAY(q->ctx, restored_table, m->table_count + 1);
    FN_TRY_PTR(q->ctx, r->tables);
    for (uint32_t i = 0; i < m->table_count; i++) {
        const backup_table *from = &m->tables[i], *view = view_of(m, from);
        const ast_backup_element *e = backup_element_of(q, r->ast, view ? view->database : from->database, view ? view->name : from->name);
        if (!e) continue;
        restored_table *t = &r->tables[r->count++];
        *t = (restored_table){.from = from, .element = e};
        catalog_make_uuid(t->uuid);
        FN_TRY(backup_renamed(q, e, from->database, from->name, &t->database, &t->name));
        if (view && e->kind == BACKUP_TABLE && e->as.table.size) t->database = e->as.database.size ? e->as.database : q->database;
    }
    for (uint32_t i = 0; i < r->count; i++) { /* the own table of a view carries the view's new uuid */
        const backup_table *view = view_of(m, r->tables[i].from);
        for (uint32_t k = 0; k < r->count && view; k++) {
            if (r->tables[k].from != view) continue;
            const char *name = fn_arena_printf(q->ctx, q->ctx->arena, INNER "%s", r->tables[k].uuid);
            FN_TRY_PTR(q->ctx, name);
            r->tables[i].name = fn_cstr(name);
        }
    }
    return FN_OK;
}

static fn_status check_found(const restore_run *r)
{
    query *q = r->query;
    for (uint32_t i = 0; i < r->ast->count; i++) {
        const ast_backup_element *e = &r->ast->elements[i];
        bool found = e->kind == BACKUP_ALL;
        for (uint32_t k = 0; k < r->count; k++) found = found || r->tables[k].element == e;
        for (uint32_t k = 0; k < r->manifest.database_count; k++)
            found = found || (e->kind == BACKUP_DATABASE && fn_str_eq(r->manifest.databases[k].name, e->name.database));
        if (found) continue;
        if (e->kind == BACKUP_DATABASE) return fn_fail(q->ctx, FN_BACKUP_ENTRY_NOT_FOUND, "Database " FN_STR_FMT " not found in backup", FN_STR_ARG(e->name.database));
        return fn_fail(q->ctx, FN_BACKUP_ENTRY_NOT_FOUND, "Table " FN_STR_FMT "." FN_STR_FMT " not found in backup",
                       FN_STR_ARG(e->name.database.size ? e->name.database : q->database), FN_STR_ARG(e->name.table));
    }
    return FN_OK;
}

/* ---- databases ---- */
static fn_status make_databases(restore_run *r)
{
    query *q = r->query;
    for (uint32_t i = 0; i < r->manifest.database_count; i++) {
        const backup_database *d = &r->manifest.databases[i];
        for (uint32_t k = 0; k < r->ast->count; k++) {
            const ast_backup_element *e = &r->ast->elements[k];
            if (e->kind != BACKUP_ALL && !(e->kind == BACKUP_DATABASE && fn_str_eq(e->name.database, d->name))) continue;
            bool excepted = false;
            for (uint32_t x = 0; x < e->except_database_count; x++) excepted = excepted || fn_str_eq(e->except_databases[x].database, d->name);
            if (excepted || !r->options->create_database) continue;
            const catalog_action action = {.kind = CATALOG_CREATE_DATABASE, .name = e->as.database.size ? e->as.database : d->name, .engine = d->engine,
                                           .comment = d->comment, .may_exist = true};
            FN_TRY(catalog_apply(q->ctx, q->engine->catalog, &action, 1));
        }
    }
    return FN_OK;
}

/* ---- tables ---- */
static fn_status rename_sql(restore_run *r, restored_table *t)
{
    query *q = r->query;
    ast_statement *s;
    FN_TRY(sql_parse(q->ctx, t->from->create_sql, &s));
    if (s->kind != STATEMENT_CREATE_TABLE && s->kind != STATEMENT_CREATE_VIEW) return fn_fail(q->ctx, FN_BACKUP_DAMAGED, "The definition of table " FN_STR_FMT " in the backup is none", FN_STR_ARG(t->name));
    s->create->name = (ast_name){.database = t->database, .table = t->name};
    FN_TRY(definition_rename_tables(q->ctx, r->renames, r->count, s->create));
    return definition_print(q->ctx, s, &t->sql);
}

static fn_status check_existing(restore_run *r, restored_table *t)
{
    query *q = r->query;
    fn_ctx *ctx = q->ctx;
    fn_str sql, ids;
    uint32_t next;
    uint64_t rows = 0;
    table_snapshot *snapshot;
    FN_TRY(definition_text(ctx, q->engine, t->table, &sql));
    FN_TRY(catalog_column_ids(ctx, q->engine->catalog, t->table->uuid, &ids, &next));
    if (!fn_str_eq(sql, t->sql) || !fn_str_eq(ids, t->from->column_ids)) {
        return fn_fail(ctx, FN_CANNOT_RESTORE_TABLE, "The table has a different definition: " FN_STR_FMT " comparing to its definition in the backup: " FN_STR_FMT
                       "%s: While checking table " FN_STR_FMT "." FN_STR_FMT, FN_STR_ARG(sql), FN_STR_ARG(t->sql),
                       fn_str_eq(sql, t->sql) ? " (other columns have come and gone)" : "", FN_STR_ARG(t->database), FN_STR_ARG(t->name));
    }
    if (r->options->structure_only || r->options->allow_non_empty || (!t->from->part_count && !t->from->has_rows) || !t->table->ops->rows) return FN_OK;
    FN_TRY(t->table->ops->snapshot(t->table, ctx, &snapshot));
    const bool known = t->table->ops->rows(snapshot, false, &rows);
    t->table->ops->snapshot_drop(snapshot);
    if (known && rows == 0) return FN_OK;
    return fn_fail(ctx, FN_CANNOT_RESTORE_TABLE, "Cannot restore the table " FN_STR_FMT "." FN_STR_FMT " because it already contains some data. You can set "
                   "structure_only=true, restore_table_data=false or allow_non_empty_tables=true to overcome that in the way you want: While restoring data of table "
                   FN_STR_FMT "." FN_STR_FMT, FN_STR_ARG(t->database), FN_STR_ARG(t->name), FN_STR_ARG(t->database), FN_STR_ARG(t->name));
}

static fn_status find_table(query *q, restored_table *t)
{
    catalog_names *names = catalog_names_get(q->engine->catalog);
    const catalog_entry *e = catalog_names_table(names, t->database, t->name);
    t->table = e ? table_ref(e->table) : NULL;
    catalog_names_drop(names);
    return FN_OK;
}

static fn_status open_tables(restore_run *r)
{
    query *q = r->query;
    r->renames = FN_NEW_ARRAY(q->ctx, definition_rename, r->count + 1);
    FN_TRY_PTR(q->ctx, r->renames);
    for (uint32_t i = 0; i < r->count; i++) {
        const restored_table *t = &r->tables[i];
        r->renames[i] = (definition_rename){t->from->database, t->from->name, t->database, t->name};
    }
    for (uint32_t i = 0; i < r->count; i++) {
        restored_table *t = &r->tables[i];
        FN_TRY(rename_sql(r, t));
        FN_TRY(find_table(q, t));
        if (t->table) {
            FN_TRY(check_existing(r, t));
            continue;
        }
        if (!r->options->create_table)
            return fn_fail(q->ctx, FN_UNKNOWN_TABLE, "Table " FN_STR_FMT "." FN_STR_FMT " does not exist", FN_STR_ARG(t->database), FN_STR_ARG(t->name));
        const catalog_table_row row = {.uuid = t->uuid, .database = t->database, .name = t->name, .create_sql = t->sql, .column_ids = t->from->column_ids,
                                       .next_column_id = t->from->next_column_id, .created_s = fn_clock_realtime_ns() / 1000000000};
        FN_TRY(definition_build(q->engine, q->ctx, &row, &t->table));
        t->make = true;
    }
    return FN_OK;
}

/* All that are missing in one transaction. */
static fn_status make_tables(restore_run *r)
{
    query *q = r->query;
    uint32_t n = 0;
    catalog_action *actions = FN_NEW_ARRAY(q->ctx, catalog_action, r->count + 1);
    FN_TRY_PTR(q->ctx, actions);
    for (uint32_t i = 0; i < r->count; i++) {
        const restored_table *t = &r->tables[i];
        if (t->make)
            actions[n++] = (catalog_action){.kind = CATALOG_CREATE_TABLE, .database = t->database, .name = t->name, .table = t->table, .create_sql = t->sql,
                                            .column_ids = t->from->column_ids, .next_column_id = t->from->next_column_id};
    }
    return n ? catalog_apply(q->ctx, q->engine->catalog, actions, n) : FN_OK;
}

/* ---- files ---- */
typedef struct piece_reader {
    restore_run *run;
    const backup_place *place;
    const backup_file *file;
    fn_buf bytes;              /* of piece `at` */
    uint64_t at;
    fn_hash128 *hashes;
    uint64_t pieces;
} piece_reader;

static fn_status load_piece(piece_reader *p, fn_ctx *ctx, uint64_t piece)
{
    const char *name;
    const uint64_t size = FN_MIN((uint64_t)BACKUP_PIECE, p->file->size - piece * BACKUP_PIECE);
    p->bytes.size = 0;
    p->at = UINT64_MAX;
    FN_TRY(backup_piece_name(ctx, p->file->id, piece, &name));
    FN_TRY(backup_get(ctx, p->place, name, BACKUP_PIECE, &p->bytes));
    if (p->bytes.size != size)
        return fn_fail(ctx, FN_BACKUP_DAMAGED, "Backup " FN_STR_FMT ": %s has %zu bytes instead of %llu", FN_STR_ARG(p->place->path), name, p->bytes.size, (unsigned long long)size);
    p->hashes[piece] = fn_hash_bytes128(p->bytes.data, p->bytes.size);
    p->at = piece;
    p->run->numbers.bytes_read += size;
    if (piece + 1 < p->pieces) return FN_OK;
    const fn_hash128 all = fn_hash_bytes128(p->hashes, sizeof *p->hashes * (size_t)p->pieces);
    if (all.low == p->file->bytes.low && all.high == p->file->bytes.high) return FN_OK;
    return fn_fail(ctx, FN_CHECKSUM_DOESNT_MATCH, "Backup " FN_STR_FMT ": the checksum of %s doesn't match", FN_STR_ARG(p->place->path), name);
}

static fn_status read_bytes(void *self, fn_ctx *ctx, uint64_t offset, void *out, size_t size)
{
    piece_reader *p = self;
    for (uint8_t *to = out; size;) {
        const uint64_t piece = offset / BACKUP_PIECE, within = offset % BACKUP_PIECE;
        if (piece != p->at) FN_TRY(load_piece(p, ctx, piece));
        const size_t some = (size_t)FN_MIN((uint64_t)size, p->bytes.size - within);
        memcpy(to, p->bytes.data + within, some);
        to += some;
        offset += some;
        size -= some;
    }
    return FN_OK;
}

static fn_status fetch_file(restore_run *r, const mt_part_row *row)
{
    fn_ctx *ctx = r->query->ctx;
    const backup_file *f = backup_find_file(&r->manifest, row->file);
    const backup_place *place = &r->place;
    if (f && f->in_base) {
        f = backup_find_file(&r->base_manifest, row->file);
        place = &r->base;
        if (!f || f->in_base) return fn_fail(ctx, FN_WRONG_BASE_BACKUP, "Backup " FN_STR_FMT ": the base backup lacks a file", FN_STR_ARG(r->place.path));
    }
    if (!f || !f->size || f->size != row->bytes || f->footer.low != row->checksum.low || f->footer.high != row->checksum.high)
        return fn_fail(ctx, FN_BACKUP_DAMAGED, "Backup " FN_STR_FMT " has no file for part " FN_STR_FMT, FN_STR_ARG(r->place.path), FN_STR_ARG(row->name));
    piece_reader reader = {.run = r, .place = place, .file = f, .at = UINT64_MAX, .pieces = (f->size + BACKUP_PIECE - 1) / BACKUP_PIECE};
    reader.hashes = fn_alloc_zero(ctx, sizeof *reader.hashes * (size_t)reader.pieces);
    FN_TRY_PTR(ctx, reader.hashes);
    const mt_import_source source = {.read = read_bytes, .self = &reader, .size = f->size};
    const fn_status status = mt_import_file(ctx, r->query->engine->store, row, &source, &r->files[r->file_count]);
    if (status == FN_OK) {
        r->file_count++;
        r->numbers.files_read++;
    }
    fn_buf_release(&reader.bytes);
    fn_free(reader.hashes);
    return status;
}

static fn_status choose_parts(restore_run *r, restored_table *t, uint32_t *total)
{
    query *q = r->query;
    t->rows = FN_NEW_ARRAY(q->ctx, mt_part_row, t->from->part_count + 1);
    FN_TRY_PTR(q->ctx, t->rows);
    if (r->options->structure_only || !t->from->part_count) return FN_OK;
    if (!mt_has_parts(t->table))
        return fn_fail(q->ctx, FN_BACKUP_DAMAGED, "Backup " FN_STR_FMT " has parts for table " FN_STR_FMT " of engine %s", FN_STR_ARG(r->place.path), FN_STR_ARG(t->name),
                       t->table->ops->engine);
    for (uint32_t i = 0; i < t->from->part_count; i++) {
        bool taken = true;
        if (t->element->partition_count && mt_is(t->table)) FN_TRY(backup_takes_partition(q, t->element, t->table, t->from->parts[i].partition_id, &taken));
        if (taken) t->rows[t->row_count++] = t->from->parts[i];
    }
    *total += t->row_count;
    return FN_OK;
}

static int compare_rows(const void *a, const void *b)
{
    const mt_part_row *x = a, *y = b;
    if (x->min_block != y->min_block) return x->min_block < y->min_block ? -1 : 1;
    return fn_str_compare(x->name, y->name);
}

static fn_status restore_parts(restore_run *r)
{
    query *q = r->query;
    uint32_t total = 0, n = 0;
    mt_import *items = FN_NEW_ARRAY(q->ctx, mt_import, r->count + 1);
    FN_TRY_PTR(q->ctx, items);
    for (uint32_t i = 0; i < r->count; i++) FN_TRY(choose_parts(r, &r->tables[i], &total));
    r->files = FN_NEW_ARRAY(q->ctx, struct mt_file *, total + 1);
    FN_TRY_PTR(q->ctx, r->files);
    for (uint32_t i = 0; i < r->count; i++) {
        restored_table *t = &r->tables[i];
        for (uint32_t k = 0; k < t->row_count; k++) FN_TRY(fetch_file(r, &t->rows[k]));
        if (t->row_count > 1) qsort(t->rows, t->row_count, sizeof *t->rows, compare_rows);
        if (t->row_count) items[n++] = (mt_import){.table = t->table, .rows = t->rows, .count = t->row_count};
    }
    if (n) FN_TRY(mt_import_parts(q->ctx, q->engine->store, items, n));
    for (uint32_t i = 0; i < r->count && !r->options->structure_only; i++)
        if (r->tables[i].from->has_rows) FN_TRY(backup_rows_get(q, &r->place, r->tables[i].from, r->tables[i].table));
    return FN_OK;
}

/* ---- the statement ---- */
static fn_status open_base(restore_run *r)
{
    query *q = r->query;
    const ast_expr *place = r->options->base;
    bool needed = false;
    for (uint32_t i = 0; i < r->manifest.file_count; i++) needed = needed || r->manifest.files[i].in_base;
    if (!needed) return FN_OK;
    if (!place) { /* as the backup names it; its secrets come from the environment then */
        ast_statement *s;
        const char *sql = fn_arena_printf(q->ctx, q->ctx->arena, "SELECT " FN_STR_FMT, FN_STR_ARG(r->manifest.base));
        FN_TRY_PTR(q->ctx, sql);
        FN_TRY(sql_parse(q->ctx, fn_cstr(sql), &s));
        if (!s->query || !s->query->select || s->query->select->columns.count != 1) return fn_fail(q->ctx, FN_NO_BASE_BACKUP, "The base backup is not named");
        place = s->query->select->columns.items[0];
    }
    FN_TRY(backup_place_open(q, place, &r->base));
    FN_TRY(backup_manifest_load(q->ctx, &r->base, &r->base_manifest));
    return FN_OK;
}

static fn_status restore(restore_run *r)
{
    FN_TRY(backup_check_elements(r->query, r->ast));
    FN_TRY(backup_manifest_load(r->query->ctx, &r->place, &r->manifest));
    FN_TRY(open_base(r));
    r->numbers.files = r->manifest.file_count;
    for (uint32_t i = 0; i < r->manifest.file_count; i++) r->numbers.total_size += r->manifest.files[i].size;
    FN_TRY(choose_tables(r));
    FN_TRY(check_found(r));
    FN_TRY(make_databases(r));
    FN_TRY(open_tables(r));
    FN_TRY(make_tables(r));
    return restore_parts(r);
}

fn_status run_restore(query *q, const ast_statement *s)
{
    backup_options options;
    backup_entry *entry;
    FN_TRY(backup_options_read(q, s, &options));
    restore_run r = {.query = q, .ast = s->backup, .options = &options};
    fn_status status = backup_place_open(q, s->backup->place, &r.place);
    const fn_error failed = q->ctx->error;
    fn_error_clear(q->ctx);
    FN_TRY(backup_begin(q, &options, r.place.text.size ? r.place.text : s->backup->place->text, (fn_str){NULL, 0}, true, &entry));
    if (status != FN_OK) q->ctx->error = failed;
    if (status == FN_OK && options.async) {
        status = backup_run_apart(q, s, &options, entry);
        if (status == FN_OK) return backup_answer(q, s, options.id, BACKUP_RESTORING);
    } else if (status == FN_OK) {
        status = restore(&r);
    }
    for (uint32_t i = 0; i < r.file_count; i++) mt_file_drop(r.files[i]);
    for (uint32_t i = 0; i < r.count; i++) table_drop(r.tables[i].table);
    backup_end(q->engine, entry, q->ctx, status, &r.numbers);
    return status == FN_OK ? backup_answer(q, s, options.id, BACKUP_RESTORED) : status;
}
