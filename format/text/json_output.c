/* json_output.c - values, records, meta and figures of JSON output. The layout is ClickHouse's. See json_text.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/json_text.h"

static const char null_text[] = "\xe1\xb4\xba\xe1\xb5\x81\xe1\xb4\xb8\xe1\xb4\xb8";

fn_status json_put_name(text_writer *w, fn_ctx *ctx, fn_str name)
{
    return text_put_json(ctx, name, w->settings.text.json_escape_slashes, &w->buf);
}

fn_status json_put_value(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, uint32_t c)
{
    if (!(w->flavour & JSON_STRINGS)) return text_put_value(w, ctx, b, row, c, FN_TEXT_JSON);
    w->kept.size = 0;
    if (fn_column_is_null(b->columns[c], row)) FN_TRY(fn_buf_cstr(ctx, &w->kept, null_text));
    else FN_TRY(fn_text_write(ctx, b->columns[c], row, FN_TEXT_PLAIN, &w->settings.text, &w->kept));
    return json_put_name(w, ctx, fn_buf_view(&w->kept));
}

/* ---- over several lines ---- */
static bool is_container(const fn_type *t)
{
    return t->phys == FN_PHYS_ARRAY || t->phys == FN_PHYS_TUPLE;
}

typedef struct pretty_place {
    const fn_text_options *options;
    const char *unit;
    fn_buf *out;
} pretty_place;

static fn_status new_line(fn_ctx *ctx, const pretty_place *p, const char *before, unsigned depth)
{
    FN_TRY(fn_buf_cstr(ctx, p->out, before));
    FN_TRY(fn_buf_byte(ctx, p->out, '\n'));
    for (unsigned i = 0; i < depth; i++) FN_TRY(fn_buf_cstr(ctx, p->out, p->unit));
    return FN_OK;
}

static fn_status put_key(fn_ctx *ctx, const pretty_place *p, fn_str name)
{
    FN_TRY(text_put_json(ctx, name, p->options->json_escape_slashes, p->out));
    return fn_buf_cstr(ctx, p->out, ": ");
}

static fn_status put_map_key(fn_ctx *ctx, const pretty_place *p, const fn_column *keys, size_t row)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = fn_text_write(ctx, keys, row, FN_TEXT_PLAIN, p->options, &text);
    if (status == FN_OK) status = put_key(ctx, p, fn_buf_view(&text));
    fn_buf_release(&text);
    return status;
}

static fn_status put_pretty(fn_ctx *ctx, const pretty_place *p, const fn_column *c, size_t row, unsigned depth);

static fn_status pretty_tuple(fn_ctx *ctx, const pretty_place *p, const fn_column *c, size_t row, unsigned depth)
{
    const fn_type *t = c->type;
    const bool object = t->arg_names && p->options->json_named_tuples_as_objects;
    for (uint32_t i = 0; i < t->arg_count; i++) {
        FN_TRY(new_line(ctx, p, i ? "," : object ? "{" : "[", depth + 1));
        if (object) FN_TRY(put_key(ctx, p, fn_cstr(t->arg_names[i])));
        FN_TRY(put_pretty(ctx, p, c->kids[i], row, depth + 1));
    }
    if (t->arg_count == 0) return fn_buf_cstr(ctx, p->out, object ? "{}" : "[]");
    FN_TRY(new_line(ctx, p, "", depth));
    return fn_buf_byte(ctx, p->out, object ? '}' : ']');
}

static fn_status pretty_items(fn_ctx *ctx, const pretty_place *p, const fn_column *items, uint32_t first, uint32_t count, unsigned depth)
{
    for (uint32_t i = 0; i < count; i++) {
        FN_TRY(new_line(ctx, p, i ? "," : "[", depth + 1));
        FN_TRY(put_pretty(ctx, p, items, first + i, depth + 1));
    }
    FN_TRY(new_line(ctx, p, "", depth));
    return fn_buf_byte(ctx, p->out, ']');
}

static fn_status pretty_map(fn_ctx *ctx, const pretty_place *p, const fn_column *items, uint32_t first, uint32_t count, unsigned depth)
{
    fn_column *flat = fn_column_flatten(ctx, items);
    FN_TRY_PTR(ctx, flat);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        status = new_line(ctx, p, i ? "," : "{", depth + 1);
        if (status == FN_OK) status = put_map_key(ctx, p, flat->kids[0], first + i);
        if (status == FN_OK) status = put_pretty(ctx, p, flat->kids[1], first + i, depth + 1);
    }
    fn_column_drop(flat);
    if (status == FN_OK) status = new_line(ctx, p, "", depth);
    return status == FN_OK ? fn_buf_byte(ctx, p->out, '}') : status;
}

static fn_status put_pretty(fn_ctx *ctx, const pretty_place *p, const fn_column *c, size_t row, unsigned depth)
{
    const fn_type *t = fn_type_base(c->type);
    if (!is_container(t) || fn_column_is_null(c, row)) return fn_text_write(ctx, c, row, FN_TEXT_JSON, p->options, p->out);
    if (t->phys == FN_PHYS_TUPLE) {
        const fn_column *flat = fn_column_at(c, &row);
        return pretty_tuple(ctx, p, flat, row, depth);
    }
    uint32_t first, count;
    const fn_column *items = fn_column_items_at(c, row, &first, &count);
    const bool map = t->id == FN_T_MAP && !p->options->json_map_as_array;
    if (count == 0) return fn_buf_cstr(ctx, p->out, map ? "{}" : "[]");
    if (map) return pretty_map(ctx, p, items, first, count, depth);
    if (!is_container(fn_type_base(items->type))) return fn_text_write(ctx, c, row, FN_TEXT_JSON, p->options, p->out);
    return pretty_items(ctx, p, items, first, count, depth);
}

fn_status json_put_pretty(fn_ctx *ctx, const fn_column *c, size_t row, const fn_text_options *o, const char *unit, unsigned depth, fn_buf *out)
{
    const pretty_place p = {o, unit, out};
    return put_pretty(ctx, &p, c, row, depth);
}

/* ---- records and the document around them ---- */
fn_status json_put_record(text_writer *w, fn_ctx *ctx, const fn_block *b, uint32_t row, const char *indent)
{
    const bool compact = w->flavour & JSON_COMPACT;
    const unsigned depth = (unsigned)strlen(indent) + 1;
    FN_TRY(fn_buf_cstr(ctx, &w->buf, compact ? "[" : "{"));
    for (uint32_t c = 0; c < b->count; c++) {
        if (c) FN_TRY(fn_buf_cstr(ctx, &w->buf, compact ? ", " : ","));
        if (compact) {
            FN_TRY(json_put_value(w, ctx, b, row, c));
            continue;
        }
        FN_TRY(fn_buf_printf(ctx, &w->buf, "\n%s\t", indent));
        FN_TRY(json_put_name(w, ctx, w->schema.fields[c].name));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, ": "));
        if (w->flavour & (JSON_STRINGS | JSON_COLUMNS)) FN_TRY(json_put_value(w, ctx, b, row, c));
        else FN_TRY(json_put_pretty(ctx, b->columns[c], row, &w->settings.text, "\t", depth, &w->buf));
    }
    if (compact) return fn_buf_byte(ctx, &w->buf, ']');
    return fn_buf_printf(ctx, &w->buf, "\n%s}", indent);
}

fn_status json_put_meta(text_writer *w, fn_ctx *ctx, const char *data_open)
{
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "{\n\t\"meta\":\n\t[\n"));
    for (uint32_t c = 0; c < w->schema.count; c++) {
        FN_TRY(fn_buf_cstr(ctx, &w->buf, "\t\t{\n\t\t\t\"name\": "));
        FN_TRY(json_put_name(w, ctx, w->schema.fields[c].name));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, ",\n\t\t\t\"type\": "));
        FN_TRY(json_put_name(w, ctx, fn_cstr(w->schema.fields[c].type->name)));
        FN_TRY(fn_buf_cstr(ctx, &w->buf, c + 1 < w->schema.count ? "\n\t\t},\n" : "\n\t\t}\n"));
    }
    return fn_buf_printf(ctx, &w->buf, "\t],\n\n\t\"data\":\n\t%s\n", data_open);
}

static fn_status put_named_row(text_writer *w, fn_ctx *ctx, const char *name, const fn_block *b, uint32_t row, const char *indent)
{
    FN_TRY(fn_buf_printf(ctx, &w->buf, "%s\"%s\":%s", indent, name, w->flavour & JSON_COMPACT ? " " : "\n"));
    if (!(w->flavour & JSON_COMPACT)) FN_TRY(fn_buf_cstr(ctx, &w->buf, indent));
    return json_put_record(w, ctx, b, row, indent);
}

static fn_status put_extra(text_writer *w, fn_ctx *ctx, const fn_format_stats *stats)
{
    fn_block *flat;
    fn_status status = FN_OK;
    if (stats->totals && stats->totals->rows) {
        FN_TRY(text_flat_block(ctx, stats->totals, &flat));
        status = fn_buf_cstr(ctx, &w->buf, ",\n\n");
        if (status == FN_OK) status = put_named_row(w, ctx, "totals", flat, 0, "\t");
        fn_block_drop(flat);
    }
    if (status == FN_OK && stats->extremes && stats->extremes->rows == 2) {
        FN_TRY(text_flat_block(ctx, stats->extremes, &flat));
        status = fn_buf_cstr(ctx, &w->buf, ",\n\n\t\"extremes\":\n\t{\n");
        if (status == FN_OK) status = put_named_row(w, ctx, "min", flat, 0, "\t\t");
        if (status == FN_OK) status = fn_buf_cstr(ctx, &w->buf, ",\n");
        if (status == FN_OK) status = put_named_row(w, ctx, "max", flat, 1, "\t\t");
        if (status == FN_OK) status = fn_buf_cstr(ctx, &w->buf, "\n\t}");
        fn_block_drop(flat);
    }
    return status;
}

fn_status json_put_tail(text_writer *w, fn_ctx *ctx, const fn_format_stats *stats)
{
    FN_TRY(put_extra(w, ctx, stats));
    FN_TRY(fn_buf_printf(ctx, &w->buf, ",\n\n\t\"rows\": %llu", (unsigned long long)w->rows));
    if (stats->has_rows_before_limit)
        FN_TRY(fn_buf_printf(ctx, &w->buf, ",\n\n\t\"rows_before_limit_at_least\": %llu", (unsigned long long)stats->rows_before_limit));
    if (w->settings.write_statistics)
        FN_TRY(fn_buf_printf(ctx, &w->buf, ",\n\n\t\"statistics\":\n\t{\n\t\t\"elapsed\": %.9f,\n\t\t\"rows_read\": %llu,\n\t\t\"bytes_read\": %llu\n\t}",
                             (double)stats->elapsed_ns / 1e9, (unsigned long long)stats->rows_read, (unsigned long long)stats->bytes_read));
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "\n}\n"));
    return text_writer_flush(w, ctx, 0);
}

/* Closes the data and says what went wrong (http_write_exception_in_output_format). */
fn_status json_exception(fn_writer *base, fn_ctx *ctx, fn_str message)
{
    text_writer *w = (text_writer *)base;
    FN_TRY(fn_buf_printf(ctx, &w->buf, "\n\t],\n\n\t\"rows\": %llu,\n\n\t\"exception\": ", (unsigned long long)w->rows));
    FN_TRY(json_put_name(w, ctx, message));
    FN_TRY(fn_buf_cstr(ctx, &w->buf, "\n}\n"));
    return text_writer_flush(w, ctx, 0);
}
