/* result.c - result blocks to bytes. See result.h.
 * The head goes out with the first block, so that a statement that fails before it has rows is a clean error.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/result.h"
#include <firn/time.h>
#include <stdio.h>

static fn_status find_format(query *q, const ast_statement *s, const fn_format **out)
{
    fn_str name = s->format.size ? s->format : q->request->default_format;
    if (!name.size) name = FN_STR("TabSeparated");
    const fn_format *f = fn_format_find(name);
    if (!f) return fn_fail(q->ctx, FN_UNKNOWN_FORMAT, "Unknown format " FN_STR_FMT, FN_STR_ARG(name));
    if (!f->open_writer && strcmp(f->name, "Parquet") == 0) return fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "Output in format Parquet is not supported");
    if (!f->open_writer) return fn_fail(q->ctx, FN_FORMAT_IS_NOT_SUITABLE_FOR_OUTPUT, "Format %s is not suitable for output", f->name);
    *out = f;
    return FN_OK;
}

/* ClickHouse's readable quantities: 5.00, 20.00 thousand. */
static void put_quantity(double value, char *out, size_t size)
{
    static const char *const units[] = {"", " thousand", " million", " billion", " trillion"};
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < FN_COUNT(units)) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(out, size, "%.2f%s", value, units[unit]);
}

static void put_bytes(double value, char *out, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < FN_COUNT(units)) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(out, size, "%.2f %s", value, units[unit]);
}

/* max_result_rows, max_result_bytes. */
static fn_status check_limits(result *r, fn_ctx *ctx)
{
    const fn_settings *s = &r->query->settings;
    const bool rows = s->max_result_rows && r->rows > s->max_result_rows, bytes = s->max_result_bytes && r->bytes > s->max_result_bytes;
    if (!rows && !bytes) return FN_OK;
    if (fn_str_eq(s->result_overflow_mode, FN_STR("break"))) {
        r->full = true;
        return FN_OK;
    }
    char most[48], now[48];
    if (rows) {
        put_quantity((double)s->max_result_rows, most, sizeof most);
        put_quantity((double)r->rows, now, sizeof now);
    } else {
        put_bytes((double)s->max_result_bytes, most, sizeof most);
        put_bytes((double)r->bytes, now, sizeof now);
    }
    return fn_fail(ctx, FN_TOO_MANY_ROWS_OR_BYTES, "Limit for result exceeded, max %s: %s, current %s: %s", rows ? "rows" : "bytes", most,
                   rows ? "rows" : "bytes", now);
}

/* ---- extremes ---- */
static fn_status widen(fn_ctx *ctx, fn_column **have, const fn_column *c)
{
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, c->type));
    size_t low = 0, high = 0;
    for (size_t row = 1; row < c->rows; row++) {
        if (fn_column_compare(c, row, c, low, true) < 0) low = row;
        if (fn_column_compare(c, row, c, high, false) > 0) high = row;
    }
    const bool keep_low = *have && fn_column_compare(*have, 0, c, low, true) <= 0;
    const bool keep_high = *have && fn_column_compare(*have, 1, c, high, false) >= 0;
    fn_status status = fn_builder_copy(ctx, &b, keep_low ? *have : c, keep_low ? 0 : low);
    if (status == FN_OK) status = fn_builder_copy(ctx, &b, keep_high ? *have : c, keep_high ? 1 : high);
    fn_column *made = NULL;
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, &made);
    fn_builder_release(&b);
    if (status != FN_OK) return status;
    fn_column_drop(*have);
    *have = made;
    return FN_OK;
}

static fn_status extremes_block(const result *r, fn_ctx *ctx, fn_block **out)
{
    *out = NULL;
    if (!r->extremes || r->rows == 0) return FN_OK;
    fn_block *b = fn_block_new(ctx, r->schema.count, 2);
    FN_TRY_PTR(ctx, b);
    for (uint32_t i = 0; i < r->schema.count; i++) b->columns[i] = fn_column_ref(r->extremes[i]);
    *out = b;
    return FN_OK;
}

/* ---- the stream ---- */
static fn_status begin(result *r, fn_ctx *ctx)
{
    query *q = r->query;
    if (r->writer) return FN_OK;
    const fn_result_head head = {.query_id = q->process->id,
                                 .timezone = fn_tz_name(q->settings.session_tz),
                                 .has_result = true,
                                 .format = r->format->name,
                                 .content_type = r->format->content_type};
    FN_TRY(q->response->begin(q->response, ctx, &head));
    fn_arena *const outer = ctx->arena;
    ctx->arena = r->arena; /* the writer lives longer than the run */
    const fn_status status = r->format->open_writer(ctx, &r->schema, q->response->body, &r->settings, &r->writer);
    ctx->arena = outer;
    return status;
}

static fn_status take_block(exec_output *self, fn_ctx *ctx, const fn_block *block)
{
    result *r = (result *)self;
    if (r->full || block->rows == 0) return FN_OK;
    const size_t bytes = fn_block_bytes(block);
    r->rows += block->rows;
    r->bytes += bytes;
    atomic_store_explicit(&r->query->progress.result_rows, r->rows, memory_order_relaxed);
    atomic_store_explicit(&r->query->progress.result_bytes, r->bytes, memory_order_relaxed);
    FN_TRY(check_limits(r, ctx));
    FN_TRY(begin(r, ctx));
    for (uint32_t i = 0; r->extremes && i < r->schema.count; i++) FN_TRY(widen(ctx, &r->extremes[i], block->columns[i]));
    FN_TRY(r->writer->block(r->writer, ctx, block));
    fn_sink *body = r->query->response->body;
    return body->flush ? body->flush(body, ctx) : FN_OK;
}

fn_status result_open(query *q, const ast_statement *s, const fn_schema *schema, result *r)
{
    *r = (result){.base = {take_block}, .query = q, .schema = *schema, .arena = q->ctx->arena, .open = true};
    FN_TRY(find_format(q, s, &r->format));
    settings_format(&q->settings, &r->settings);
    r->settings.native_revision = q->request->native_revision;
    if (q->settings.extremes) {
        r->extremes = FN_NEW_ARRAY(q->ctx, fn_column *, FN_MAX(schema->count, 1u));
        FN_TRY_PTR(q->ctx, r->extremes);
    }
    return FN_OK;
}

fn_status result_finish(result *r, const fn_block *totals, bool has_rows_before_limit, uint64_t rows_before_limit)
{
    query *q = r->query;
    fn_block *extremes = NULL;
    FN_TRY(begin(r, q->ctx));
    FN_TRY(extremes_block(r, q->ctx, &extremes));
    const fn_format_stats stats = {.rows_before_limit = rows_before_limit,
                                   .has_rows_before_limit = has_rows_before_limit,
                                   .rows_read = atomic_load(&q->progress.rows_read),
                                   .bytes_read = atomic_load(&q->progress.bytes_read),
                                   .elapsed_ns = (uint64_t)(fn_clock_monotonic_ns() - q->process->started_ns),
                                   .totals = totals,
                                   .extremes = extremes};
    const fn_status status = r->writer->finish(r->writer, q->ctx, &stats);
    fn_block_drop(extremes);
    return status;
}

/* Formats that have a place for it get the late exception as part of their output. */
static void write_exception(result *r)
{
    fn_ctx *ctx = r->query->ctx;
    if (ctx->error.code == FN_OK || !r->settings.json_exception_in_output || !r->writer->exception) return;
    fn_ctx own = {.arena = ctx->arena, .memory = ctx->memory, .settings = ctx->settings};
    const char *text = fn_arena_printf(&own, own.arena, "Code: %d. DB::Exception: %s. (%s)", ctx->error.code, ctx->error.text,
                                       fn_error_name(ctx->error.code));
    if (text && r->writer->exception(r->writer, &own, fn_cstr(text)) == FN_OK) r->query->response->exception_in_body = true;
}

void result_close(result *r)
{
    if (!r->open) return;
    r->open = false;
    if (r->writer) {
        write_exception(r);
        r->writer->close(r->writer);
    }
    for (uint32_t i = 0; r->extremes && i < r->schema.count; i++) fn_column_drop(r->extremes[i]);
}

fn_status result_none(query *q)
{
    const fn_result_head head = {.query_id = q->process->id, .timezone = fn_tz_name(q->settings.session_tz)};
    return q->response->begin(q->response, q->ctx, &head);
}

/* ---- rows built by hand ---- */
fn_status result_rows_init(query *q, const result_field *fields, uint32_t count, result_rows *out)
{
    *out = (result_rows){.query = q, .schema = {FN_NEW_ARRAY(q->ctx, fn_field, count), count}};
    FN_TRY_PTR(q->ctx, out->schema.fields);
    out->builders = FN_NEW_ARRAY(q->ctx, fn_builder, count);
    FN_TRY_PTR(q->ctx, out->builders);
    for (uint32_t i = 0; i < count; i++) {
        out->schema.fields[i].name = fn_cstr(fields[i].name);
        FN_TRY(fn_type_parse(q->ctx, fn_cstr(fields[i].type), &out->schema.fields[i].type));
        FN_TRY(fn_builder_init(q->ctx, &out->builders[i], out->schema.fields[i].type));
    }
    return FN_OK;
}

fn_status result_rows_text(result_rows *r, uint32_t column, fn_str value)
{
    return fn_builder_str(r->query->ctx, &r->builders[column], value);
}

void result_rows_release(result_rows *r)
{
    for (uint32_t i = 0; r->builders && i < r->schema.count; i++) fn_builder_release(&r->builders[i]);
    r->builders = NULL;
}

static fn_status send_rows(result_rows *r, const ast_statement *s)
{
    fn_ctx *ctx = r->query->ctx;
    result out;
    FN_TRY(result_open(r->query, s, &r->schema, &out));
    fn_block *block = fn_block_new(ctx, r->schema.count, r->builders[0].rows);
    fn_status status = block ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < r->schema.count && status == FN_OK; i++) status = fn_builder_finish(ctx, &r->builders[i], &block->columns[i]);
    if (status == FN_OK) status = out.base.block(&out.base, ctx, block);
    if (status == FN_OK) status = result_finish(&out, NULL, false, 0);
    result_close(&out);
    fn_block_drop(block);
    return status;
}

fn_status result_rows_send(result_rows *r, const ast_statement *s)
{
    const fn_status status = send_rows(r, s);
    result_rows_release(r);
    return status;
}

fn_status result_one_text(query *q, const ast_statement *s, const char *name, fn_str value)
{
    const result_field field = {name, "String"};
    result_rows rows;
    fn_status status = result_rows_init(q, &field, 1, &rows);
    if (status == FN_OK) status = result_rows_text(&rows, 0, value);
    if (status == FN_OK) return result_rows_send(&rows, s);
    result_rows_release(&rows);
    return status;
}

fn_status result_one_flag(query *q, const ast_statement *s, const char *name, bool value)
{
    const result_field field = {name, "UInt8"};
    const uint8_t byte = value;
    result_rows rows;
    fn_status status = result_rows_init(q, &field, 1, &rows);
    if (status == FN_OK) status = fn_builder_fixed(q->ctx, &rows.builders[0], &byte);
    if (status == FN_OK) return result_rows_send(&rows, s);
    result_rows_release(&rows);
    return status;
}
