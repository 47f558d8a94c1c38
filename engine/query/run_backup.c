/* run_backup.c - BACKUP: one moment of the catalog, then the files of its parts.
 *
 * The moment is taken while no commit can happen (catalog_snapshot): definitions, part lists and a reference to every file, so that
 * the backup has all tables as they were at once, however many inserts, merges and exchanges go on while the files are copied.
 * A file is read through before it is copied (check_parts): a damaged part fails the BACKUP instead of being kept as if it were good.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/backup.h"
#include "query/materialized.h"
#include <firn/time.h>

/* The moment of a table whose rows are not in parts. */
typedef struct held_rows {
    struct held_rows *next;
    table *table;              /* one reference */
    table_snapshot *snapshot;
    uint32_t at;               /* in the manifest's tables */
} held_rows;

typedef struct backup_run {
    query *query;
    const ast_backup *ast;
    const backup_options *options;
    backup_manifest manifest, base;
    backup_place place;
    backup_numbers numbers;
    held_rows *rows;
    bool *found;               /* per element */
    bool fresh;                /* there was nothing at the place: what is there now is ours */
    bool named;                /* a manifest there is ours */
} backup_run;

/* ---- the moment ---- */
static void drop_rows(backup_run *r)
{
    for (const held_rows *h = r->rows; h; h = h->next) {
        h->table->ops->snapshot_drop(h->snapshot);
        table_drop(h->table);
    }
    r->rows = NULL;
}

static void begin_moment(void *self)
{
    backup_run *r = self;
    backup_manifest *m = &r->manifest;
    for (uint32_t i = 0; i < m->file_count; i++) mt_file_drop(m->files[i].held);
    m->database_count = m->table_count = m->file_count = 0;
    drop_rows(r);
}

static fn_status take_database(void *self, fn_ctx *ctx, const catalog_database *d)
{
    backup_run *r = self;
    bool wanted = false;
    fn_str name = d->name;
    for (uint32_t i = 0; i < r->ast->count; i++) {
        const ast_backup_element *e = &r->ast->elements[i];
        const bool all = e->kind == BACKUP_ALL;
        if (!all && !(e->kind == BACKUP_DATABASE && fn_str_eq(e->name.database, d->name))) continue;
        bool excepted = false;
        for (uint32_t k = 0; k < e->except_database_count; k++) excepted = excepted || fn_str_eq(e->except_databases[k].database, d->name);
        if (excepted) continue;
        r->found[i] = wanted = true;
        if (e->as.database.size) name = e->as.database;
    }
    if (!wanted) return FN_OK;
    backup_database *out = backup_add_database(ctx, &r->manifest);
    FN_TRY_PTR(ctx, out);
    FN_TRY(fn_arena_str(ctx, ctx->arena, name, &out->name));
    FN_TRY(fn_arena_str(ctx, ctx->arena, d->engine, &out->engine));
    return fn_arena_str(ctx, ctx->arena, d->comment, &out->comment);
}

/* The element that takes the table; a materialized view's own table goes with the view. */
static const ast_backup_element *element_of(backup_run *r, const catalog_database *d, const catalog_entry *e)
{
    const fn_str inner = FN_STR(".inner_id.");
    if (fn_str_starts(e->name, FN_STR(".tmp."))) return NULL; /* being filled by CREATE ... AS SELECT */
    for (uint32_t i = 0; i < d->count && fn_str_starts(e->name, inner); i++) {
        const table *view = d->entries[i].table;
        if (fn_str_eq(fn_cstr(view->uuid), (fn_str){e->name.data + inner.size, e->name.size - inner.size})) return backup_element_of(r->query, r->ast, d->name, d->entries[i].name);
    }
    return backup_element_of(r->query, r->ast, d->name, e->name);
}

static bool wants(void *self, const catalog_names *names, const catalog_database *d, const catalog_entry *e)
{
    (void)names;
    return element_of(self, d, e) != NULL;
}

static fn_status hold_file(backup_run *r, fn_ctx *ctx, const mt_part_row *row)
{
    backup_file *f = backup_add_file(ctx, &r->manifest);
    FN_TRY_PTR(ctx, f);
    *f = (backup_file){.id = row->file, .footer = row->checksum, .size = row->bytes};
    return mt_file_get(ctx, r->query->engine->store, row->file, row->checksum, &f->held);
}

static fn_status take_parts(backup_run *r, fn_ctx *ctx, const ast_backup_element *e, const catalog_table_row *row, table *t, backup_table *out)
{
    if (e->partition_count && !mt_is(t))
        return fn_fail(ctx, FN_CANNOT_BACKUP_TABLE, "Table engine %s doesn't support partitions, cannot backup table " FN_STR_FMT "." FN_STR_FMT, t->ops->engine,
                       FN_STR_ARG(row->database), FN_STR_ARG(row->name));
    out->parts = FN_NEW_ARRAY(ctx, mt_part_row, row->part_count + 1);
    FN_TRY_PTR(ctx, out->parts);
    for (size_t i = 0; i < row->part_count && !r->options->structure_only; i++) {
        bool taken;
        FN_TRY(backup_takes_partition(r->query, e, t, row->parts[i].partition_id, &taken));
        if (!taken) continue;
        out->parts[out->part_count++] = row->parts[i];
        FN_TRY(hold_file(r, ctx, &row->parts[i]));
    }
    return FN_OK;
}

/* Rows of engines that keep none in parts: their moment is a snapshot of the table, which is held until they are written. */
static fn_status take_rows(backup_run *r, fn_ctx *ctx, table *t)
{
    const uint32_t at = r->manifest.table_count - 1;
    if (r->options->structure_only || mt_has_parts(t) || t->is_view || materialized_is(t) || !t->ops->rows) return FN_OK;
    held_rows *h = FN_NEW(ctx, held_rows);
    FN_TRY_PTR(ctx, h);
    FN_TRY(t->ops->snapshot(t, ctx, &h->snapshot));
    h->table = table_ref(t);
    h->at = at;
    h->next = r->rows;
    r->rows = h;
    return FN_OK;
}

static fn_status take_table(void *self, fn_ctx *ctx, const catalog_table_row *row, table *t)
{
    backup_run *r = self;
    const ast_backup_element *e = backup_element_of(r->query, r->ast, row->database, row->name);
    static const ast_backup_element whole = {.kind = BACKUP_ALL}; /* a view's own table */
    backup_table *out = backup_add_table(ctx, &r->manifest);
    FN_TRY_PTR(ctx, out);
    for (uint32_t i = 0; i < r->ast->count; i++)
        if (&r->ast->elements[i] == e) r->found[i] = true;
    if (!e) e = &whole;
    memcpy(out->uuid, row->uuid, sizeof out->uuid);
    FN_TRY(backup_renamed(r->query, e, row->database, row->name, &out->database, &out->name));
    FN_TRY(fn_arena_str(ctx, ctx->arena, out->database, &out->database));
    FN_TRY(fn_arena_str(ctx, ctx->arena, out->name, &out->name));
    out->create_sql = row->create_sql;
    out->column_ids = row->column_ids;
    out->next_column_id = row->next_column_id;
    FN_TRY(take_rows(r, ctx, t));
    return take_parts(r, ctx, e, row, t, out);
}

static fn_status check_found(const backup_run *r)
{
    fn_ctx *ctx = r->query->ctx;
    for (uint32_t i = 0; i < r->ast->count; i++) {
        const ast_backup_element *e = &r->ast->elements[i];
        if (r->found[i] || e->kind == BACKUP_ALL) continue;
        const fn_str database = e->name.database.size ? e->name.database : r->query->database;
        if (e->kind == BACKUP_DATABASE) FN_TRY(world_check_database(r->query, database)); /* `system` is there and has nothing to keep */
        else return fn_fail(ctx, FN_UNKNOWN_TABLE, "Table " FN_STR_FMT "." FN_STR_FMT " was not found", FN_STR_ARG(database), FN_STR_ARG(e->name.table));
    }
    return FN_OK;
}

/* A file listed by several parts is kept once. */
static void unite_files(backup_manifest *m)
{
    uint32_t kept = 0;
    backup_sort_files(m);
    for (uint32_t i = 0; i < m->file_count; i++) {
        backup_file *last = kept ? &m->files[kept - 1] : NULL;
        if (last && last->id.high == m->files[i].id.high && last->id.low == m->files[i].id.low) mt_file_drop(m->files[i].held);
        else m->files[kept++] = m->files[i];
    }
    m->file_count = kept;
}

/* ---- the files ---- */
static bool is_in_base(const backup_run *r, backup_file *f)
{
    const backup_file *other = backup_find_file(&r->base, f->id);
    if (!other || other->footer.low != f->footer.low || other->footer.high != f->footer.high) return false;
    f->in_base = true;
    f->bytes = other->bytes;
    f->size = other->size;
    return true;
}

static fn_status copy_file(backup_run *r, backup_file *f)
{
    query *q = r->query;
    fn_ctx *ctx = q->ctx;
    fn_fs *fs = q->engine->parts_fs;
    const char *path;
    fn_file *file;
    FN_TRY(mt_file_path(ctx, q->engine->store, f->id, &path));
    FN_TRY(fs->open(fs, ctx, path, FN_OPEN_READ, &file));
    f->size = fn_fs_file_size(file);
    const uint64_t pieces = FN_MAX((f->size + BACKUP_PIECE - 1) / BACKUP_PIECE, 1u);
    const size_t room = (size_t)FN_MIN(f->size, (uint64_t)BACKUP_PIECE) + 1;
    uint8_t *bytes = fn_alloc(ctx, room);
    fn_hash128 *hashes = fn_alloc_zero(ctx, sizeof *hashes * (size_t)pieces);
    fn_status status = bytes && hashes ? FN_OK : ctx->error.code;
    for (uint64_t i = 0; i < pieces && status == FN_OK; i++) {
        const char *name;
        const fn_range range = {.offset = i * BACKUP_PIECE, .size = FN_MIN((uint64_t)BACKUP_PIECE, f->size - i * BACKUP_PIECE), .out = bytes};
        status = fs->read(fs, ctx, file, &range, 1);
        if (status == FN_OK) status = backup_piece_name(ctx, f->id, i, &name);
        if (status != FN_OK) break;
        hashes[i] = fn_hash_bytes128(bytes, range.size);
        status = backup_put(ctx, &r->place, name, (fn_str){(const char *)bytes, range.size});
        if (status == FN_OK) status = fn_ctx_check(ctx);
    }
    if (status == FN_OK) f->bytes = fn_hash_bytes128(hashes, sizeof *hashes * (size_t)pieces);
    fn_free(bytes);
    fn_free(hashes);
    fs->close(fs, file);
    return status;
}

static fn_status copy_files(backup_run *r)
{
    backup_manifest *m = &r->manifest;
    for (uint32_t i = 0; i < m->file_count; i++) {
        backup_file *f = &m->files[i];
        r->numbers.files++;
        if (!is_in_base(r, f)) {
            if (r->options->check_parts) FN_TRY(mt_file_check(r->query->ctx, f->held));
            FN_TRY(copy_file(r, f));
            r->numbers.entries++;
            r->numbers.size += f->size;
        }
        r->numbers.total_size += f->size;
        mt_file_drop(f->held);
        f->held = NULL;
    }
    return FN_OK;
}

static fn_status write_rows(backup_run *r)
{
    for (const held_rows *h = r->rows; h; h = h->next) {
        backup_table *t = &r->manifest.tables[h->at];
        FN_TRY(backup_rows_put(r->query, &r->place, h->table, h->snapshot, t));
        r->numbers.files++;
        r->numbers.entries++;
        r->numbers.size += t->rows_size;
        r->numbers.total_size += t->rows_size;
    }
    return FN_OK;
}

static fn_status write_manifest(backup_run *r)
{
    fn_ctx *ctx = r->query->ctx;
    fn_buf text = FN_BUF_INIT;
    fn_status status = backup_sync(ctx, &r->place);
    if (status == FN_OK) status = backup_manifest_write(ctx, &r->manifest, &text);
    if (status == FN_OK) r->named = true;
    if (status == FN_OK) status = backup_put(ctx, &r->place, BACKUP_MANIFEST, fn_buf_view(&text));
    if (status == FN_OK) status = backup_sync(ctx, &r->place);
    r->numbers.size += text.size;
    r->numbers.total_size += text.size;
    fn_buf_release(&text);
    return status;
}

static fn_status make(backup_run *r, const backup_entry *entry)
{
    query *q = r->query;
    bool exists;
    FN_TRY(backup_check_elements(q, r->ast));
    FN_TRY(backup_exists(q->ctx, &r->place, &exists));
    if (exists || (!r->place.nowhere && backup_is_written(q->engine, entry, r->place.text)))
        return fn_fail(q->ctx, FN_BACKUP_ALREADY_EXISTS, "Backup " FN_STR_FMT " already exists", FN_STR_ARG(r->place.path));
    FN_TRY(backup_is_fresh(q->ctx, &r->place, &r->fresh));
    const catalog_reader reader = {begin_moment, take_database, wants, take_table, r};
    FN_TRY(catalog_snapshot(q->ctx, q->engine->catalog, &reader));
    unite_files(&r->manifest);
    FN_TRY(check_found(r));
    FN_TRY(copy_files(r));
    FN_TRY(write_rows(r));
    return write_manifest(r);
}

static fn_status open_base(backup_run *r)
{
    backup_place place;
    if (!r->options->base) return FN_OK;
    FN_TRY(backup_place_open(r->query, r->options->base, &place));
    FN_TRY(backup_manifest_load(r->query->ctx, &place, &r->base));
    r->manifest.base = place.text;
    return FN_OK;
}

fn_status run_backup(query *q, const ast_statement *s)
{
    backup_options options;
    backup_entry *entry;
    FN_TRY(backup_options_read(q, s, &options));
    backup_run r = {.query = q, .ast = s->backup, .options = &options, .manifest = {.id = options.id, .time_us = fn_clock_realtime_ns() / 1000}};
    r.found = FN_NEW_ARRAY(q->ctx, bool, s->backup->count);
    FN_TRY_PTR(q->ctx, r.found);
    fn_status status = backup_place_open(q, s->backup->place, &r.place);
    if (status == FN_OK) status = open_base(&r);
    const fn_error failed = q->ctx->error;
    fn_error_clear(q->ctx);
    FN_TRY(backup_begin(q, &options, r.place.text.size ? r.place.text : s->backup->place->text, r.manifest.base, false, &entry));
    if (status != FN_OK) q->ctx->error = failed;
    if (status == FN_OK && options.async) {
        status = backup_run_apart(q, s, &options, entry);
        if (status == FN_OK) return backup_answer(q, s, options.id, BACKUP_CREATING);
    } else if (status == FN_OK) {
        status = make(&r, entry);
    }
    for (uint32_t i = 0; i < r.manifest.file_count; i++) mt_file_drop(r.manifest.files[i].held);
    drop_rows(&r);
    if (status != FN_OK && (r.fresh || r.named)) backup_undo(&r.place, r.fresh);
    backup_end(q->engine, entry, q->ctx, status, &r.numbers);
    return status == FN_OK ? backup_answer(q, s, options.id, BACKUP_CREATED) : status;
}
