/* run_check.c - CHECK TABLE t [PARTITION p | PART 'name'] and CHECK ALL TABLES: every part is read from the disk, past the caches, and
 * every checksum compared; one row per part, or with check_query_single_value_result = 1 one flag for all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/alter.h"
#include "query/result.h"

static const result_field all_fields[] = {{"database", "String"}, {"table", "String"}, {"part_path", "String"}, {"is_passed", "UInt8"}, {"message", "String"}};
enum { NAME_FIELDS = 2 }; /* at the beginning, of CHECK ALL TABLES alone */

typedef struct check_run {
    query *query;
    result_rows *rows;      /* NULL: only the flag is wanted */
    uint32_t first_field;   /* 0 or NAME_FIELDS */
    fn_str database, table; /* being checked */
    uint32_t parts;
    bool passed;
} check_run;

static fn_status add_row(check_run *c, fn_ctx *ctx, fn_str part, const fn_error *error)
{
    const char *message = "";
    const uint8_t passed = !error;
    if (error) {
        message = fn_arena_printf(ctx, ctx->arena, "Code: %d. DB::Exception: %s. (%s) (version %s)", error->code, error->text, fn_error_name(error->code), fn_engine_version());
        FN_TRY_PTR(ctx, message);
    }
    const fn_str texts[] = {c->database, c->table, part, {NULL, 0}, fn_cstr(message)};
    for (uint32_t i = c->first_field; i < FN_COUNT(all_fields); i++) {
        if (all_fields[i].type[0] == 'S') FN_TRY(result_rows_text(c->rows, i - c->first_field, texts[i]));
        else FN_TRY(fn_builder_fixed(ctx, &c->rows->builders[i - c->first_field], &passed));
    }
    return FN_OK;
}

static fn_status note_part(void *self, fn_ctx *ctx, const mt_part_row *row, const fn_error *error)
{
    check_run *c = self;
    c->parts++;
    c->passed &= !error;
    return c->rows ? add_row(c, ctx, row->name, error) : FN_OK;
}

static fn_status check_parts(check_run *c, table *t, fn_str partition_id, fn_str part)
{
    fn_ctx *ctx = c->query->ctx;
    FN_TRY(table_name(ctx, t, &c->database, &c->table));
    return mt_check(ctx, t, partition_id, part, note_part, c);
}

/* Of <partition>_<min block>_<max block>_<level>[_<mutation>]. */
static bool is_part_name(fn_str name)
{
    enum { NUMBERS = 3 };
    size_t end = name.size;
    for (int i = 0; i < NUMBERS; i++) {
        size_t at = end;
        while (at && name.data[at - 1] >= '0' && name.data[at - 1] <= '9') at--;
        if (at == end || at < 2 || name.data[at - 1] != '_') return false;
        end = at - 1;
    }
    return true;
}

static fn_status check_one(check_run *c, const ast_statement *s, table *t)
{
    query *q = c->query;
    fn_str id = {NULL, 0}, part = {NULL, 0};
    if (!mt_is(t)) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Check query is not supported for %s storage.", t->ops->engine);
    if (s->partition.present && s->partition.all)
        return fn_fail(q->ctx, FN_SUPPORT_IS_DISABLED, "Only Support DROP/DETACH/ATTACH PARTITION ALL currently.");
    if (s->partition.present) FN_TRY(alter_partition_id(q, t, &s->partition, s->partition.is_part ? &part : &id));
    if (part.data && !is_part_name(part)) return fn_fail(q->ctx, FN_BAD_DATA_PART_NAME, "Unexpected part name: " FN_STR_FMT " for format version: 1.", FN_STR_ARG(part));
    FN_TRY(check_parts(c, t, id, part));
    if (!part.data || c->parts) return FN_OK;
    return fn_fail(q->ctx, FN_NO_SUCH_DATA_PART, "No such data part '" FN_STR_FMT "' to check in table '" FN_STR_FMT "." FN_STR_FMT "'.", FN_STR_ARG(part),
                   FN_STR_ARG(c->database), FN_STR_ARG(c->table));
}

/* Tables that are being made and detached partitions have names that begin with a dot and are no ".inner" table of a view. */
static bool is_checked(const catalog_entry *e)
{
    return mt_is(e->table) && (!fn_str_starts(e->name, FN_STR(".")) || fn_str_starts(e->name, FN_STR(".inner")));
}

static fn_status check_all(check_run *c)
{
    catalog_names *names = catalog_names_get(c->query->engine->catalog);
    fn_status status = FN_OK;
    for (uint32_t d = 0; d < names->count; d++) {
        for (uint32_t i = 0; i < names->databases[d].count && status == FN_OK; i++) {
            const catalog_entry *e = &names->databases[d].entries[i];
            if (is_checked(e)) status = check_parts(c, e->table, (fn_str){NULL, 0}, (fn_str){NULL, 0});
        }
    }
    catalog_names_drop(names);
    return status;
}

static fn_status check(check_run *c, const ast_statement *s)
{
    query *q = c->query;
    fn_str database, name;
    table *t;
    if (s->what == 'a') return check_all(c);
    FN_TRY(query_name(q, &s->name, &database, &name));
    FN_TRY(world_table(q, database, name, &t));
    const fn_status status = check_one(c, s, t);
    table_drop(t);
    return status;
}

fn_status run_check(query *q, const ast_statement *s)
{
    const uint32_t first = s->what == 'a' ? 0 : NAME_FIELDS;
    result_rows rows;
    check_run c = {.query = q, .first_field = first, .passed = true};
    if (settings_of(q->ctx)->check_query_single_value_result) {
        FN_TRY(check(&c, s));
        return result_one_flag(q, s, "result", c.passed);
    }
    fn_status status = result_rows_init(q, all_fields + first, FN_COUNT(all_fields) - first, &rows);
    c.rows = &rows;
    if (status == FN_OK) status = check(&c, s);
    if (status == FN_OK) return result_rows_send(&rows, s);
    result_rows_release(&rows);
    return status;
}
