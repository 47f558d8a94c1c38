/* run_insert.c - INSERT: rows from the statement's text and body in a format, or from a SELECT.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert.h"
#include "query/async_insert.h"
#include "query/async_timer.h"
#include "query/facade.h"
#include "query/file_output.h"
#include "query/format_input.h"
#include "query/insert.h"
#include "query/materialized.h"
#include "query/object_output.h"
#include "query/partitioned_output.h"
#include "query/result.h"
#include "query/table_function.h"
#include "query/url_output.h"
#include "sql/lex.h"

/* ---- data: what follows in the text, then the body ---- */
typedef struct data_source {
    fn_source base;
    fn_str text;
    fn_source *body;
    bool any;      /* a byte that is not white space has come */
    bool failed;   /* the body ended too early */
    uint64_t bytes;
} data_source;

static fn_status read_data(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    data_source *d = (data_source *)self;
    if (d->text.size) {
        *got = FN_MIN(capacity, d->text.size);
        memcpy(out, d->text.data, *got);
        d->text = (fn_str){d->text.data + *got, d->text.size - *got};
    } else if (d->body) {
        const fn_status status = d->body->read(d->body, ctx, out, capacity, got);
        d->failed |= status != FN_OK;
        FN_TRY(status);
    } else {
        *got = 0;
    }
    d->bytes += *got;
    for (size_t i = 0; i < *got && !d->any; i++) d->any = ((const unsigned char *)out)[i] > ' ';
    return FN_OK;
}

/* ---- expressions among VALUES ---- */
typedef struct value_eval {
    fn_value_eval base;
    query *query;
    fn_arena *scratch;  /* emptied after each value: there may be millions */
} value_eval;

/* The bytes of the expression at `text`: up to ',' or ')' outside of brackets. */
static size_t expression_end(fn_str text)
{
    sql_token token = {.kind = TOKEN_END};
    unsigned depth = 0;
    for (size_t at = 0; at < text.size;) {
        const sql_token previous = token;
        token = sql_lex(text, text.size, at, &previous);
        if (token.kind == TOKEN_END || token.kind == TOKEN_BAD) return at;
        if (token.kind == TOKEN_SYMBOL) {
            const bool open = token.symbol == SQL_SYMBOL1('(') || token.symbol == SQL_SYMBOL1('[') || token.symbol == SQL_SYMBOL1('{');
            const bool close = token.symbol == SQL_SYMBOL1(')') || token.symbol == SQL_SYMBOL1(']') || token.symbol == SQL_SYMBOL1('}');
            if (depth == 0 && (close || token.symbol == SQL_SYMBOL1(','))) return token.begin;
            depth += open;
            depth -= close;
        }
        at = token.end;
    }
    return text.size;
}

static fn_status append_value(fn_ctx *ctx, const fn_column *value, const fn_type *type, fn_builder *out)
{
    fn_column *converted = NULL;
    if (fn_column_is_null(value, 0) && !fn_type_is_nullable(type) && settings_of(ctx)->input_format_null_as_default) return fn_builder_default(ctx, out);
    FN_TRY(expr_convert(ctx, value, type, CONVERT_CAST, &converted));
    const fn_status status = fn_builder_copy(ctx, out, converted, 0);
    fn_column_drop(converted);
    return status;
}

static fn_status eval_one(value_eval *e, fn_ctx *ctx, fn_str text, const fn_type *type, fn_builder *out)
{
    static const table_schema none = {.count = 0};
    ast_expr *ast;
    expr *bound;
    fn_column *value;
    FN_TRY(sql_parse_expr(ctx, text, &ast));
    FN_TRY(plan_bind_expr(ctx, &e->query->world.base, ast, &none, &bound));
    FN_TRY(expr_fold(ctx, bound, &value));
    const fn_status status = append_value(ctx, value, type, out);
    fn_column_drop(value);
    return status;
}

static fn_status eval_value(fn_value_eval *self, fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_builder *out)
{
    value_eval *e = (value_eval *)self;
    const fn_str rest = {in->at, (size_t)(in->end - in->at)};
    const size_t size = expression_end(rest);
    if (!e->scratch) e->scratch = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, e->scratch);
    fn_arena *const outer = ctx->arena;
    ctx->arena = e->scratch;
    const fn_status status = eval_one(e, ctx, (fn_str){rest.data, size}, type, out);
    ctx->arena = outer;
    fn_arena_reset(e->scratch);
    if (status == FN_OK) in->at += size;
    return status;
}

/* ---- INSERT ... VALUES / FORMAT ---- */
static fn_status find_format(fn_ctx *ctx, fn_str name, const fn_format **out)
{
    *out = fn_format_find(name);
    if (!*out) return fn_fail(ctx, FN_UNKNOWN_FORMAT, "Unknown format " FN_STR_FMT, FN_STR_ARG(name));
    return format_input_check(ctx, *out);
}

static fn_status given_schema(const insert_target *in, fn_schema *out)
{
    fn_ctx *ctx = in->query->ctx;
    *out = (fn_schema){FN_NEW_ARRAY(ctx, fn_field, FN_MAX(in->given_count, 1u)), in->given_count};
    FN_TRY_PTR(ctx, out->fields);
    for (uint32_t i = 0; i < in->given_count; i++) out->fields[i] = (fn_field){in->schema->columns[in->given[i]].name, in->given_types[i]};
    return FN_OK;
}

/* *unread: it is the reader that failed. */
static fn_status pump(insert_target *in, fn_reader *reader, const bool *missing, uint64_t *rows, bool *unread)
{
    fn_ctx *ctx = in->query->ctx;
    bool *seen = FN_NEW_ARRAY(ctx, bool, FN_MAX(in->given_count, 1u));
    FN_TRY_PTR(ctx, seen);
    fn_arena *const outer = ctx->arena, *scratch = fn_arena_new(ctx); /* what a block needs goes with it */
    FN_TRY_PTR(ctx, scratch);
    fn_status status = FN_OK;
    while (status == FN_OK) {
        fn_block *block = NULL;
        status = reader->next(reader, ctx, &block);
        *unread = status != FN_OK;
        if (status != FN_OK || !block) break;
        *rows += block->rows;
        if (!in->program || memcmp(seen, missing, sizeof *seen * in->given_count) != 0) {
            memcpy(seen, missing, sizeof *seen * in->given_count);
            status = insert_compile(in, missing);
        }
        ctx->arena = scratch;
        if (status == FN_OK) status = insert_block(in, ctx, block);
        ctx->arena = outer;
        fn_arena_reset(scratch);
        fn_block_drop(block);
    }
    fn_arena_free(scratch);
    return status;
}

static fn_status read_format(insert_target *in, fn_source *data, const fn_format *format, uint64_t *rows, bool *unread)
{
    query *q = in->query;
    value_eval eval = {.base = {eval_value}, .query = q};
    fn_format_settings settings;
    fn_schema schema;
    fn_reader *reader;
    settings_format(&q->settings, &settings);
    settings.eval = &eval.base;
    format_input_spread(q, &settings);
    in->writer->overlaps = settings.worker_count > 1;
    bool *missing = FN_NEW_ARRAY(q->ctx, bool, FN_MAX(in->given_count, 1u));
    FN_TRY_PTR(q->ctx, missing);
    FN_TRY(given_schema(in, &schema));
    FN_TRY(format_input_open(q->ctx, format, &schema, data, &settings, missing, &reader));
    const fn_status status = pump(in, reader, missing, rows, unread);
    reader->close(reader);
    fn_arena_free(eval.scratch);
    return status;
}

/* The log of asynchronous inserts: those that came to their end, well or not; not those whose statement was ended. */
static void note(query *q, const table *t, const data_source *data, const async_data *what, fn_status status, bool unread)
{
    if (!q->settings.async_insert || data->failed || status == FN_QUERY_WAS_CANCELLED || status == FN_TIMEOUT_EXCEEDED) return;
    async_insert_note(q, t, what, status == FN_OK ? ASYNC_OK : unread ? ASYNC_PARSING_ERROR : ASYNC_FLUSH_ERROR);
}

static fn_status insert_data(query *q, const ast_statement *s, const ast_list *columns, table *t, table_claim *claim)
{
    const fn_str sql = q->request->sql;
    const fn_format *format;
    insert_target in = {.query = q};
    bool unread = false, queued = false;
    const size_t offset = FN_MIN(s->data_offset, sql.size);
    data_source data = {.base = {read_data, NULL}, .text = {sql.data + offset, sql.size - offset}, .body = q->request->body};
    FN_TRY(find_format(q->ctx, s->format, &format));
    async_data what = {.format = format->name};
    if (q->settings.async_insert) FN_TRY(async_timer_check(q->ctx, &q->settings));
    fn_status status = insert_open(q, t, claim, columns, NULL, 0, &in);
    if (status == FN_OK) status = insert_identity_begin(q, NULL, &in.identity);
    const bool begun = status == FN_OK;
    if (status == FN_OK) status = read_format(&in, &data.base, format, &what.rows, &unread);
    if (status == FN_OK && s->insert_values && !data.any) status = fn_fail(q->ctx, FN_NO_DATA_TO_INSERT, "No data to insert");
    what.bytes = data.bytes;
    const bool later = q->settings.async_insert && !q->settings.wait_for_async_insert;
    if (status == FN_OK) status = later ? insert_commit_later(&in, &what, &queued) : insert_commit(&in);
    if (begun && !queued && !s->function) note(q, t, &data, &what, status, unread);
    insert_close(&in);
    return status;
}

/* The structure among the arguments, that is a text of names and types; *given: there is one. */
static fn_status given_structure(query *q, const ast_expr *call, fn_schema *out, bool *given)
{
    table_call c = {.query = q, .ctx = q->ctx, .function = table_function_find(call->text), .ast = call};
    fn_object_url headers;
    uint32_t format_at = 1;
    fn_object_auth auth = {.unsigned_ = false};
    fn_str text;
    *given = false;
    if (!call->args.count) return FN_OK;
    if (fn_str_eq(call->text, FN_STR("s3"))) FN_TRY(call_s3_auth(&c, &auth, &format_at));
    if (fn_str_eq(call->text, FN_STR("url"))) FN_TRY(call_url_headers(&c, &c, &headers));
    if (format_at + 1 >= call_count(&c)) return FN_OK;
    FN_TRY(call_text(&c, format_at + 1, &text));
    *given = text.size && !fn_str_eq_nocase(text, FN_STR("auto"));
    return *given ? call_structure(q->ctx, text, out) : FN_OK;
}

/* Without a structure the file or object takes the columns of the SELECT. */
static fn_status find_output(query *q, const ast_statement *s, output_maker *make, table **out)
{
    plan_query *bound = NULL;
    fn_schema *columns = FN_NEW(q->ctx, fn_schema);
    bool given;
    FN_TRY_PTR(q->ctx, columns);
    FN_TRY(given_structure(q, s->function, columns, &given));
    if (!given && s->query) {
        FN_TRY(query_plan(q, s->query, &bound));
        *columns = bound->schema;
        given = true;
    }
    fn_status status;
    if (!s->partition.value) status = make(q, s->function, given ? columns : NULL, out);
    else if (given) status = partitioned_output_table(q, s->function, s->partition.value, columns, make, out);
    else status = fn_fail(q->ctx, FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "The structure of the file must be given");
    plan_query_release(bound);
    return status;
}

static fn_status find_target(query *q, const ast_statement *s, const ast_list **columns, table **out, table_claim **claim)
{
    *columns = &s->insert_columns;
    *claim = NULL;
    if (s->function) {
        if (fn_str_eq(s->function->text, FN_STR("file"))) return find_output(q, s, file_output_table, out);
        if (fn_str_eq(s->function->text, FN_STR("s3"))) return find_output(q, s, object_output_table, out);
        if (fn_str_eq(s->function->text, FN_STR("url"))) return find_output(q, s, url_output_table, out);
        if (s->partition.value) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "INSERT INTO FUNCTION " FN_STR_FMT " with PARTITION BY is not supported", FN_STR_ARG(s->function->text));
        return table_function_make(q, s->function, out);
    }
    fn_str database, name;
    FN_TRY(query_name(q, &s->name, &database, &name));
    FN_TRY(world_table(q, database, name, out));
    FN_TRY(materialized_claim(q, database, name, out, claim));
    const table *const named = *out;
    FN_TRY(facade_target(q, out, columns));
    if (*out != named) *claim = NULL; /* what it stands for is found by its own rules */
    return FN_OK;
}

fn_status run_insert(query *q, const ast_statement *s)
{
    table *t;
    const ast_list *columns;
    table_claim *claim;
    FN_TRY(find_target(q, s, &columns, &t, &claim));
    const fn_status status = s->query ? insert_from_query(q, t, claim, columns, s->query) : insert_data(q, s, columns, t, claim);
    table_drop(t);
    FN_TRY(status);
    return result_none(q);
}
