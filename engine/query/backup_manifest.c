/* backup_manifest.c - the manifest of a backup as text, see backup.h.
 *
 * One record a line, fields separated by tabs; tab, line feed and backslash inside a field are \t, \n, \\. Records:
 *   firn-backup 1                             first
 *   backup    id, time in us, base
 *   database  name, engine, comment
 *   table     uuid, database, name, column ids, next column id, CREATE statement
 *   part      partition id, partition, file, footer, min block, max block, level, rows, bytes, raw bytes, created, of the table before
 *   rows      size, XXH3-128 of the rows of the table before
 *   file      id, footer, XXH3-128 of the bytes, size, "own" or "base"
 *   end       XXH3-128 of everything before                                              last
 * Ids and checksums are 32 hex digits. SPDX-License-Identifier: Apache-2.0 */
#include "query/backup.h"
#include <inttypes.h>
#include <stdlib.h>

#define FIRST_LINE "firn-backup 1\n"

/* ---- growing ---- */
static void *grow(fn_ctx *ctx, void *items, uint32_t *count, uint32_t *capacity, size_t size)
{
    if (*count == *capacity) {
        const uint32_t more = *capacity ? 2 * *capacity : 16;
        void *grown = fn_arena_alloc_zero(ctx, ctx->arena, size * more);
        if (!grown) return NULL;
        if (*count) memcpy(grown, items, size * *count);
        items = grown;
        *capacity = more;
    }
    ++*count;
    return items;
}

backup_database *backup_add_database(fn_ctx *ctx, backup_manifest *m)
{
    backup_database *items = grow(ctx, m->databases, &m->database_count, &m->database_capacity, sizeof *items);
    if (!items) return NULL;
    m->databases = items;
    return &items[m->database_count - 1];
}

backup_table *backup_add_table(fn_ctx *ctx, backup_manifest *m)
{
    backup_table *items = grow(ctx, m->tables, &m->table_count, &m->table_capacity, sizeof *items);
    if (!items) return NULL;
    m->tables = items;
    return &items[m->table_count - 1];
}

backup_file *backup_add_file(fn_ctx *ctx, backup_manifest *m)
{
    backup_file *items = grow(ctx, m->files, &m->file_count, &m->file_capacity, sizeof *items);
    if (!items) return NULL;
    m->files = items;
    return &items[m->file_count - 1];
}

static int compare_files(const void *a, const void *b)
{
    const backup_file *x = a, *y = b;
    if (x->id.high != y->id.high) return x->id.high < y->id.high ? -1 : 1;
    return (x->id.low > y->id.low) - (x->id.low < y->id.low);
}

void backup_sort_files(backup_manifest *m)
{
    if (m->file_count > 1) qsort(m->files, m->file_count, sizeof *m->files, compare_files);
}

backup_file *backup_find_file(const backup_manifest *m, fn_part_id id)
{
    const backup_file key = {.id = id};
    return m->file_count ? bsearch(&key, m->files, m->file_count, sizeof key, compare_files) : NULL;
}

/* ---- writing ---- */
static fn_status put_field(fn_ctx *ctx, fn_buf *out, fn_str text)
{
    FN_TRY(fn_buf_byte(ctx, out, '\t'));
    for (size_t i = 0; i < text.size; i++) {
        const char c = text.data[i];
        if (c == '\t') FN_TRY(fn_buf_cstr(ctx, out, "\\t"));
        else if (c == '\n') FN_TRY(fn_buf_cstr(ctx, out, "\\n"));
        else if (c == '\\') FN_TRY(fn_buf_cstr(ctx, out, "\\\\"));
        else FN_TRY(fn_buf_byte(ctx, out, c));
    }
    return FN_OK;
}

static fn_status put_hex(fn_ctx *ctx, fn_buf *out, uint64_t high, uint64_t low)
{
    return fn_buf_printf(ctx, out, "\t%016" PRIx64 "%016" PRIx64, high, low);
}

static fn_status put_part(fn_ctx *ctx, fn_buf *out, const mt_part_row *p)
{
    FN_TRY(fn_buf_cstr(ctx, out, "part"));
    FN_TRY(put_field(ctx, out, p->partition_id));
    FN_TRY(put_field(ctx, out, p->partition));
    FN_TRY(put_hex(ctx, out, p->file.high, p->file.low));
    FN_TRY(put_hex(ctx, out, p->checksum.high, p->checksum.low));
    return fn_buf_printf(ctx, out, "\t%" PRIu64 "\t%" PRIu64 "\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRId64 "\n", p->min_block, p->max_block, p->level, p->rows,
                         p->bytes, p->raw_bytes, p->created_s);
}

static fn_status put_table(fn_ctx *ctx, fn_buf *out, const backup_table *t)
{
    FN_TRY(fn_buf_printf(ctx, out, "table\t%s", t->uuid));
    FN_TRY(put_field(ctx, out, t->database));
    FN_TRY(put_field(ctx, out, t->name));
    FN_TRY(put_field(ctx, out, t->column_ids));
    FN_TRY(fn_buf_printf(ctx, out, "\t%u", t->next_column_id));
    FN_TRY(put_field(ctx, out, t->create_sql));
    FN_TRY(fn_buf_byte(ctx, out, '\n'));
    for (uint32_t i = 0; i < t->part_count; i++) FN_TRY(put_part(ctx, out, &t->parts[i]));
    if (!t->has_rows) return FN_OK;
    FN_TRY(fn_buf_printf(ctx, out, "rows\t%" PRIu64, t->rows_size));
    FN_TRY(put_hex(ctx, out, t->rows_bytes.high, t->rows_bytes.low));
    return fn_buf_byte(ctx, out, '\n');
}

fn_status backup_manifest_write(fn_ctx *ctx, const backup_manifest *m, fn_buf *out)
{
    FN_TRY(fn_buf_cstr(ctx, out, FIRST_LINE "backup"));
    FN_TRY(put_field(ctx, out, m->id));
    FN_TRY(fn_buf_printf(ctx, out, "\t%" PRId64, m->time_us));
    FN_TRY(put_field(ctx, out, m->base));
    FN_TRY(fn_buf_byte(ctx, out, '\n'));
    for (uint32_t i = 0; i < m->database_count; i++) {
        const fn_str fields[] = {m->databases[i].name, m->databases[i].engine, m->databases[i].comment};
        FN_TRY(fn_buf_cstr(ctx, out, "database"));
        for (size_t f = 0; f < FN_COUNT(fields); f++) FN_TRY(put_field(ctx, out, fields[f]));
        FN_TRY(fn_buf_byte(ctx, out, '\n'));
    }
    for (uint32_t i = 0; i < m->table_count; i++) FN_TRY(put_table(ctx, out, &m->tables[i]));
    for (uint32_t i = 0; i < m->file_count; i++) {
        const backup_file *f = &m->files[i];
        FN_TRY(fn_buf_cstr(ctx, out, "file"));
        FN_TRY(put_hex(ctx, out, f->id.high, f->id.low));
        FN_TRY(put_hex(ctx, out, f->footer.high, f->footer.low));
        FN_TRY(put_hex(ctx, out, f->bytes.high, f->bytes.low));
        FN_TRY(fn_buf_printf(ctx, out, "\t%" PRIu64 "\t%s\n", f->size, f->in_base ? "base" : "own"));
    }
    const fn_hash128 all = fn_hash_bytes128(out->data, out->size);
    FN_TRY(fn_buf_cstr(ctx, out, "end"));
    FN_TRY(put_hex(ctx, out, all.high, all.low));
    return fn_buf_byte(ctx, out, '\n');
}

/* ---- reading: the text is checked as a whole first, and still not trusted ---- */
typedef struct fields {
    fn_ctx *ctx;
    fn_str rest;  /* of the line */
    bool bad;
} fields;

static fn_str next_raw(fields *f)
{
    if (!f->rest.data) {
        f->bad = true;
        return (fn_str){"", 0};
    }
    const char *tab = f->rest.size ? memchr(f->rest.data, '\t', f->rest.size) : NULL;
    const fn_str word = {f->rest.data, tab ? (size_t)(tab - f->rest.data) : f->rest.size};
    f->rest = tab ? (fn_str){tab + 1, f->rest.size - word.size - 1} : (fn_str){NULL, 0};
    return word;
}

static fn_str next_text(fields *f)
{
    const fn_str raw = next_raw(f);
    char *out = fn_arena_alloc(f->ctx, f->ctx->arena, raw.size + 1);
    size_t n = 0;
    if (!out) {
        f->bad = true;
        return (fn_str){"", 0};
    }
    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.data[i];
        if (c == '\\' && i + 1 < raw.size) {
            c = raw.data[++i];
            c = c == 't' ? '\t' : c == 'n' ? '\n' : c;
        }
        out[n++] = c;
    }
    return (fn_str){out, n};
}

static uint64_t next_number(fields *f)
{
    const fn_str word = next_raw(f);
    uint64_t n = 0;
    if (!word.size || word.size > 18) f->bad = true;
    for (size_t i = 0; i < word.size && !f->bad; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') f->bad = true;
        else n = 10 * n + (uint64_t)(word.data[i] - '0');
    }
    return n;
}

static void next_hex(fields *f, uint64_t *high, uint64_t *low)
{
    const fn_str word = next_raw(f);
    uint64_t words[2] = {0, 0};
    if (word.size != 32) f->bad = true;
    for (size_t i = 0; i < 32 && !f->bad; i++) {
        const char c = word.data[i];
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) f->bad = true;
        words[i / 16] = words[i / 16] << 4 | (uint64_t)(digit & 15);
    }
    *high = words[0];
    *low = words[1];
}

static bool is_partition_id(fn_str id)
{
    for (size_t i = 0; i < id.size; i++) {
        const char c = id.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-')) return false;
    }
    return id.size != 0;
}

static void read_part(fields *f, backup_table *t, uint32_t *capacity)
{
    mt_part_row p = {.partition_id = next_text(f)};
    p.partition = next_text(f);
    next_hex(f, &p.file.high, &p.file.low);
    next_hex(f, &p.checksum.high, &p.checksum.low);
    p.min_block = next_number(f);
    p.max_block = next_number(f);
    p.level = (uint32_t)next_number(f);
    p.rows = next_number(f);
    p.bytes = next_number(f);
    p.raw_bytes = next_number(f);
    p.created_s = (int64_t)next_number(f);
    if (f->bad || !is_partition_id(p.partition_id)) {
        f->bad = true;
        return;
    }
    mt_part_row *rows = grow(f->ctx, t->parts, &t->part_count, capacity, sizeof *rows);
    if (!rows) {
        f->bad = true;
        return;
    }
    t->parts = rows;
    f->bad = mt_part_name(f->ctx, p.partition_id, p.min_block, p.max_block, p.level, 0, &p.name) != FN_OK;
    rows[t->part_count - 1] = p;
}

/* It becomes a part of paths. */
static bool is_uuid(fn_str s)
{
    if (s.size != 36) return false;
    for (size_t i = 0; i < s.size; i++) {
        const char c = s.data[i];
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    }
    return true;
}

static void read_table(fields *f, backup_manifest *m)
{
    const fn_str uuid = next_raw(f);
    backup_table *t = backup_add_table(f->ctx, m);
    if (!t || !is_uuid(uuid)) {
        f->bad = true;
        return;
    }
    memcpy(t->uuid, uuid.data, uuid.size);
    t->database = next_text(f);
    t->name = next_text(f);
    t->column_ids = next_text(f);
    t->next_column_id = (uint32_t)next_number(f);
    t->create_sql = next_text(f);
    f->bad = f->bad || !t->name.size || !t->database.size;
}

static void read_file(fields *f, backup_manifest *m)
{
    backup_file *file = backup_add_file(f->ctx, m);
    if (!file) {
        f->bad = true;
        return;
    }
    next_hex(f, &file->id.high, &file->id.low);
    next_hex(f, &file->footer.high, &file->footer.low);
    next_hex(f, &file->bytes.high, &file->bytes.low);
    file->size = next_number(f);
    file->in_base = fn_str_eq(next_raw(f), FN_STR("base"));
}

static void read_database(fields *f, backup_manifest *m)
{
    backup_database *d = backup_add_database(f->ctx, m);
    if (!d) {
        f->bad = true;
        return;
    }
    d->name = next_text(f);
    d->engine = next_text(f);
    d->comment = next_text(f);
}

static void read_line(fields *f, backup_manifest *m, uint32_t *part_capacity)
{
    const fn_str kind = next_raw(f);
    if (fn_str_eq(kind, FN_STR("part")) && m->table_count) {
        read_part(f, &m->tables[m->table_count - 1], part_capacity);
    } else if (fn_str_eq(kind, FN_STR("rows")) && m->table_count) {
        backup_table *t = &m->tables[m->table_count - 1];
        t->has_rows = true;
        t->rows_size = next_number(f);
        next_hex(f, &t->rows_bytes.high, &t->rows_bytes.low);
    } else if (fn_str_eq(kind, FN_STR("table"))) {
        *part_capacity = 0;
        read_table(f, m);
    } else if (fn_str_eq(kind, FN_STR("file"))) {
        read_file(f, m);
    } else if (fn_str_eq(kind, FN_STR("database"))) {
        read_database(f, m);
    } else if (fn_str_eq(kind, FN_STR("backup"))) {
        m->id = next_text(f);
        m->time_us = (int64_t)next_number(f);
        m->base = next_text(f);
    } else {
        f->bad = true;
    }
    f->bad = f->bad || f->rest.data != NULL;
}

/* Cuts the last line off and compares what it says. */
static bool check_end(fn_ctx *ctx, fn_str *text)
{
    enum { END_SIZE = 4 + 32 + 1 };
    uint64_t high, low;
    if (text->size < END_SIZE) return false;
    const fn_str body = {text->data, text->size - END_SIZE}, line = {text->data + body.size, END_SIZE - 1};
    fields f = {.ctx = ctx, .rest = line};
    if (text->data[text->size - 1] != '\n' || !fn_str_eq(next_raw(&f), FN_STR("end"))) return false;
    next_hex(&f, &high, &low);
    const fn_hash128 all = fn_hash_bytes128(body.data, body.size);
    *text = body;
    return !f.bad && all.high == high && all.low == low;
}

fn_status backup_manifest_parse(fn_ctx *ctx, fn_str text, backup_manifest *out)
{
    uint32_t part_capacity = 0;
    *out = (backup_manifest){.time_us = 0};
    if (fn_str_starts(text, FN_STR("firn-backup ")) && !fn_str_starts(text, FN_STR(FIRST_LINE)))
        return fn_fail(ctx, FN_BACKUP_VERSION_NOT_SUPPORTED, "The backup was made by a newer firn");
    if (!fn_str_starts(text, FN_STR(FIRST_LINE)) || !check_end(ctx, &text)) return fn_fail(ctx, FN_BACKUP_DAMAGED, "The manifest of the backup is damaged");
    size_t at = sizeof FIRST_LINE - 1;
    for (unsigned line = 2; at < text.size; line++) {
        const char *end = memchr(text.data + at, '\n', text.size - at);
        fields f = {.ctx = ctx, .rest = {text.data + at, end ? (size_t)(end - text.data) - at : 0}, .bad = !end};
        if (!f.bad) read_line(&f, out, &part_capacity);
        if (f.bad) return fn_fail(ctx, FN_BACKUP_DAMAGED, "The manifest of the backup is damaged in line %u", line);
        at = (size_t)(end - text.data) + 1;
    }
    backup_sort_files(out);
    return FN_OK;
}

fn_status backup_manifest_load(fn_ctx *ctx, const backup_place *p, backup_manifest *out)
{
    bool exists;
    fn_buf text = FN_BUF_INIT;
    FN_TRY(backup_exists(ctx, p, &exists));
    if (!exists) return fn_fail(ctx, FN_BACKUP_NOT_FOUND, "Backup " FN_STR_FMT " not found", FN_STR_ARG(p->path));
    fn_status status = backup_get(ctx, p, BACKUP_MANIFEST, BACKUP_MANIFEST_MAX, &text);
    if (status == FN_OK) status = backup_manifest_parse(ctx, fn_buf_view(&text), out);
    if (status != FN_OK) status = fn_error_prefix(ctx, "Backup " FN_STR_FMT ": ", FN_STR_ARG(p->path));
    fn_buf_release(&text);
    return status;
}
