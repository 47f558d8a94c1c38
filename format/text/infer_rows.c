/* infer_rows.c - inferred columns: by name, by position with or without header, into a schema. See infer.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text/infer.h"

enum { COLUMNS_FIRST = 16, COLUMNS_MAX = 65536 };

/* ---- columns ---- */
static fn_status grow(fn_ctx *ctx, infer_columns *c)
{
    if (c->count < c->capacity) return FN_OK;
    if (c->count >= COLUMNS_MAX) return fn_fail(ctx, FN_INCORRECT_DATA, "The data has too many columns");
    const uint32_t more = c->capacity ? 2 * c->capacity : COLUMNS_FIRST;
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, more);
    const infer_type **types = FN_NEW_ARRAY(ctx, const infer_type *, more);
    bool *null_seen = FN_NEW_ARRAY(ctx, bool, more);
    uint64_t *last_row = FN_NEW_ARRAY(ctx, uint64_t, more);
    if (!names || !types || !null_seen || !last_row) return ctx->error.code;
    if (c->count) {
        memcpy(last_row, c->last_row, c->count * sizeof *last_row);
        memcpy(names, c->names, c->count * sizeof *names);
        memcpy(types, c->types, c->count * sizeof *types);
        memcpy(null_seen, c->null_seen, c->count * sizeof *null_seen);
    }
    c->names = names;
    c->types = types;
    c->null_seen = null_seen;
    c->last_row = last_row;
    c->capacity = more;
    return FN_OK;
}

static fn_status append(fn_ctx *ctx, infer_columns *c, fn_str name)
{
    FN_TRY(grow(ctx, c));
    FN_TRY(fn_arena_str(ctx, ctx->arena, name, &c->names[c->count]));
    c->types[c->count] = &infer_scalars[INFER_NOTHING];
    c->null_seen[c->count++] = c->rows > 0;
    return FN_OK;
}

fn_status infer_column(fn_ctx *ctx, infer_columns *c, fn_str name, uint32_t *index)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (!fn_str_eq(c->names[i], name)) continue;
        *index = i;
        return FN_OK;
    }
    *index = c->count;
    return append(ctx, c, name);
}

static const char *kind_name(const infer_type *t)
{
    static const char *const names[INFER_KINDS] = {"Nothing", "Bool", "Int64", "Int64", "UInt64", "Float64", "Date", "DateTime", "DateTime64(9)",
                                                   "String", "Array", "Tuple", "Map", "Tuple", "Array(Dynamic)"};
    return names[t->kind];
}

fn_status infer_add(fn_ctx *ctx, infer_columns *c, uint32_t index, const infer_type *type)
{
    const infer_type *both;
    if (type->kind == INFER_NOTHING) c->null_seen[index] = true;
    FN_TRY(infer_merge(ctx, c->options, c->family, c->types[index], type, &both));
    if (!both && c->family == INFER_TEXT) both = &infer_scalars[INFER_STRING];
    if (!both)
        return fn_fail(ctx, FN_TYPE_MISMATCH, "Automatically defined type %s for column '" FN_STR_FMT "' in row %llu differs from type defined by previous rows: %s. You "
                       "can specify the type for this column using setting schema_inference_hints", kind_name(type), FN_STR_ARG(c->names[index]),
                       (unsigned long long)c->rows, kind_name(c->types[index]));
    c->types[index] = both;
    return FN_OK;
}

fn_status infer_add_named(fn_ctx *ctx, infer_columns *c, fn_str name, const infer_type *type)
{
    uint32_t index;
    FN_TRY(infer_column(ctx, c, name, &index));
    if (c->last_row[index] == c->rows + 1)
        return fn_fail(ctx, FN_INCORRECT_DATA, "Duplicate column name found while schema inference: \"" FN_STR_FMT "\"", FN_STR_ARG(name));
    if (c->last_row[index] != c->rows) c->null_seen[index] = true;
    c->last_row[index] = c->rows + 1;
    return infer_add(ctx, c, index, type);
}

/* The next piece of `text` before `separator` outside of brackets and quotes. */
static fn_str next_piece(fn_str *text, char separator)
{
    int depth = 0;
    char quote = 0;
    size_t i = 0;
    for (; i < text->size; i++) {
        const char ch = text->data[i];
        if (quote) {
            if (ch == quote) quote = 0;
        } else if (ch == '\'' || ch == '`' || ch == '"') {
            quote = ch;
        } else if (ch == '(') {
            depth++;
        } else if (ch == ')') {
            depth--;
        } else if (ch == separator && depth == 0) {
            break;
        }
    }
    const fn_str piece = fn_str_trim((fn_str){text->data, i});
    i += i < text->size;
    *text = (fn_str){text->data + i, text->size - i};
    return piece;
}

fn_status infer_hint(fn_ctx *ctx, const fn_infer_options *o, fn_str name, const fn_type **out)
{
    fn_str rest = o->hints;
    *out = NULL;
    while (rest.size) {
        fn_str piece = next_piece(&rest, ',');
        fn_str hinted = next_piece(&piece, ' ');
        if (hinted.size >= 2 && (hinted.data[0] == '`' || hinted.data[0] == '"')) hinted = (fn_str){hinted.data + 1, hinted.size - 2};
        if (fn_str_eq(hinted, name)) return fn_type_parse(ctx, fn_str_trim(piece), out);
    }
    return FN_OK;
}

static fn_status finish_column(fn_ctx *ctx, const infer_columns *c, uint32_t i, const fn_type **out)
{
    const fn_infer_options *o = c->options;
    FN_TRY(infer_hint(ctx, o, c->names[i], out));
    if (*out) return FN_OK;
    const bool nullable = o->nullable == 1 || (o->nullable == 2 && c->null_seen[i]);
    FN_TRY(infer_to_type(ctx, o, c->family, c->types[i], nullable, out));
    if (*out) return FN_OK;
    if (c->family == INFER_VALUES)
        return fn_fail(ctx, FN_ONLY_NULLS_WHILE_READING_SCHEMA, "Cannot determine type for column '" FN_STR_FMT "' by first %llu rows of data, most likely this "
                       "column contains only Nulls or empty Arrays/Maps. You can specify the type for this column using setting schema_inference_hints",
                       FN_STR_ARG(c->names[i]), (unsigned long long)c->rows);
    *out = nullable ? fn_type_nullable(fn_type_simple(FN_T_STRING)) : fn_type_simple(FN_T_STRING);
    return FN_OK;
}

fn_status infer_finish(fn_ctx *ctx, const infer_columns *c, fn_schema *out)
{
    if (c->count == 0) return fn_fail(ctx, FN_EMPTY_DATA_PASSED, "Cannot read rows from the data");
    *out = (fn_schema){FN_NEW_ARRAY(ctx, fn_field, c->count), c->count};
    FN_TRY_PTR(ctx, out->fields);
    for (uint32_t i = 0; i < c->count; i++) {
        out->fields[i].name = c->names[i];
        FN_TRY(finish_column(ctx, c, i, &out->fields[i].type));
    }
    return FN_OK;
}

/* ---- rows of fields by position ---- */
fn_status infer_push(fn_ctx *ctx, infer_fields *f, fn_str text, const infer_type *type)
{
    if (f->count == f->capacity) {
        if (f->count >= COLUMNS_MAX) return fn_fail(ctx, FN_INCORRECT_DATA, "The data has too many columns");
        const uint32_t more = f->capacity ? 2 * f->capacity : COLUMNS_FIRST;
        fn_str *texts = FN_NEW_ARRAY(ctx, fn_str, more);
        const infer_type **types = FN_NEW_ARRAY(ctx, const infer_type *, more);
        if (!texts || !types) return ctx->error.code;
        if (f->count) {
            memcpy(texts, f->texts, f->count * sizeof *texts);
            memcpy(types, f->types, f->count * sizeof *types);
        }
        f->texts = texts;
        f->types = types;
        f->capacity = more;
    }
    f->types[f->count] = type;
    if (f->keep_texts) FN_TRY(fn_arena_str(ctx, ctx->arena, text, &f->texts[f->count]));
    f->count++;
    return FN_OK;
}

typedef struct row_walk {
    fn_ctx *ctx;
    const infer_rows *rows;
    const fn_format_settings *settings;
    fn_text_in *in;
    bool complete;
    infer_columns columns;
} row_walk;

/* A row that the end of the head cuts is none. */
static fn_status next_row(row_walk *w, infer_fields *f, bool *end)
{
    f->count = 0;
    *end = w->columns.rows >= w->settings->infer.rows_max;
    if (*end) return FN_OK;
    const fn_status status = w->rows->row(w->ctx, w->settings, w->in, f, end);
    if (w->complete || w->in->at < w->in->end) return status;
    if (status != FN_OK) fn_error_clear(w->ctx);
    *end = true;
    return FN_OK;
}

static bool all_strings(const infer_fields *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (f->types[i]->kind != INFER_STRING) return false;
    return f->count > 0;
}

static bool all_type_names(fn_ctx *ctx, const infer_fields *f)
{
    fn_ctx probe = {.arena = ctx->arena, .memory = ctx->memory, .settings = ctx->settings};
    const fn_type *t;
    for (uint32_t i = 0; i < f->count; i++)
        if (fn_type_parse(&probe, f->texts[i], &t) != FN_OK) return false;
    return f->count > 0;
}

static fn_status name_columns(row_walk *w, const fn_str *names, uint32_t count)
{
    infer_columns *c = &w->columns;
    if (c->count == 0) {
        fn_str given = w->settings->infer.column_names;
        for (uint32_t i = 0; i < count; i++) {
            const char *numbered = fn_arena_printf(w->ctx, w->ctx->arena, "c%u", i + 1);
            FN_TRY_PTR(w->ctx, numbered);
            const fn_str name = names ? names[i] : given.size ? next_piece(&given, ',') : fn_cstr(numbered);
            for (uint32_t k = 0; k < i; k++)
                if (fn_str_eq(c->names[k], name))
                    return fn_fail(w->ctx, FN_INCORRECT_DATA, "Duplicate column name found while schema inference: \"" FN_STR_FMT "\"", FN_STR_ARG(name));
            FN_TRY(append(w->ctx, c, name));
        }
    }
    return FN_OK;
}

static fn_status add_row(row_walk *w, const infer_fields *f, bool named)
{
    FN_TRY(name_columns(w, NULL, f->count));
    if (f->count != w->columns.count && named && w->columns.rows == 0)
        return fn_fail(w->ctx, FN_INCORRECT_DATA, "The number of column names %u differs with the number of types %u", w->columns.count, f->count);
    if (f->count != w->columns.count) return fn_fail(w->ctx, FN_INCORRECT_DATA, "Rows have different amount of values");
    for (uint32_t i = 0; i < f->count; i++) FN_TRY(infer_add(w->ctx, &w->columns, i, f->types[i]));
    w->columns.rows++;
    return FN_OK;
}

/* The schema from lines of names and types. */
static fn_status given_schema(row_walk *w, const infer_fields *names, const infer_fields *types, fn_schema *out)
{
    fn_ctx *ctx = w->ctx;
    if (names->count != types->count)
        return fn_fail(ctx, FN_INCORRECT_DATA, "The number of column names %u differs with the number of types %u", names->count, types->count);
    FN_TRY(name_columns(w, names->texts, names->count));
    *out = (fn_schema){FN_NEW_ARRAY(ctx, fn_field, FN_MAX(names->count, 1u)), names->count};
    FN_TRY_PTR(ctx, out->fields);
    for (uint32_t i = 0; i < names->count; i++) {
        out->fields[i].name = names->texts[i];
        FN_TRY(fn_type_parse(ctx, types->texts[i], &out->fields[i].type));
    }
    return FN_OK;
}

static fn_status add_rest(row_walk *w, bool named)
{
    infer_fields f = {.keep_texts = false};
    for (bool end = false;;) {
        FN_TRY(next_row(w, &f, &end));
        if (end) return FN_OK;
        FN_TRY(add_row(w, &f, named));
    }
}

/* The first row is a header when it is all strings and some column below it is not. A second row of type names belongs to it. */
static fn_status detect(row_walk *w, fn_schema *out)
{
    infer_fields first = {.keep_texts = true}, second = {.keep_texts = true};
    bool end, types = false;
    FN_TRY(next_row(w, &first, &end));
    if (end) return FN_OK;
    if (!all_strings(&first)) {
        FN_TRY(add_row(w, &first, false));
        return add_rest(w, false);
    }
    FN_TRY(next_row(w, &second, &end));
    if (end) return add_row(w, &first, false);
    types = all_strings(&second) && all_type_names(w->ctx, &second);
    if (!types) {
        FN_TRY(name_columns(w, NULL, second.count));
        FN_TRY(add_row(w, &second, false));
    }
    FN_TRY(add_rest(w, false));
    bool header = false;
    for (uint32_t i = 0; i < w->columns.count; i++) header |= w->columns.types[i]->kind != INFER_STRING && w->columns.types[i]->kind != INFER_NOTHING;
    if (!header) {
        FN_TRY(add_row(w, &first, false));
        return types ? add_row(w, &second, false) : FN_OK;
    }
    if (first.count != w->columns.count)
        return fn_fail(w->ctx, FN_INCORRECT_DATA, "The number of column names %u differs with the number of types %u", first.count, w->columns.count);
    infer_columns found = w->columns;
    w->columns = (infer_columns){.options = found.options, .family = found.family};
    FN_TRY(name_columns(w, first.texts, first.count));
    if (types) return given_schema(w, &first, &second, out);
    found.names = w->columns.names;
    w->columns = found;
    return FN_OK;
}

fn_status infer_from_rows(fn_ctx *ctx, const infer_rows *rows, fn_text_in *in, bool complete, const fn_format_settings *s, fn_schema *out)
{
    row_walk w = {ctx, rows, s, in, complete, {.options = &s->infer, .family = rows->family}};
    *out = (fn_schema){NULL, 0};
    if (rows->names) {
        infer_fields names = {.keep_texts = true}, types = {.keep_texts = true};
        bool end;
        FN_TRY(next_row(&w, &names, &end));
        if (!end && rows->types) FN_TRY(next_row(&w, &types, &end));
        if (end) return fn_fail(ctx, FN_EMPTY_DATA_PASSED, "Cannot read rows from the data");
        if (rows->types) return given_schema(&w, &names, &types, out);
        FN_TRY(name_columns(&w, names.texts, names.count));
        FN_TRY(add_rest(&w, true));
        if (w.columns.rows == 0) return fn_fail(ctx, FN_EMPTY_DATA_PASSED, "Cannot read rows from the data");
    } else if (rows->detect) {
        FN_TRY(detect(&w, out));
    } else {
        FN_TRY(add_rest(&w, false));
    }
    return out->fields ? FN_OK : infer_finish(ctx, &w.columns, out);
}

/* ---- the door ---- */
fn_status fn_format_infer(fn_ctx *ctx, const fn_format *format, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)
{
    if (!format->infer)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "%s file format doesn't support schema inference. You must specify the structure manually", format->name);
    const fn_status status = head.size ? format->infer(ctx, head, complete, s, out)
                                       : fn_fail(ctx, FN_EMPTY_DATA_PASSED, "The table structure cannot be extracted from a %s format file: the file is empty", format->name);
    if (status == FN_OK || status == FN_MEMORY_LIMIT_EXCEEDED || status == FN_NOT_IMPLEMENTED) return status;
    const fn_error cause = ctx->error;
    fn_error_clear(ctx);
    return fn_fail(ctx, FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "The table structure cannot be extracted from a %s format file. Error:\n%.600s.\nYou can specify the structure "
                   "manually", format->name, cause.text);
}
