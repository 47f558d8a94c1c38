/* json_input.c - tokens, values and rows of JSON input. See json_text.h. SPDX-License-Identifier: Apache-2.0 */
#include "text/json_text.h"

enum { DEPTH_MAX = 500, META_MAX = 65536 };
static const char null_text[] = "\xe1\xb4\xba\xe1\xb5\x81\xe1\xb4\xb8\xe1\xb4\xb8";

fn_status json_expected(fn_ctx *ctx, const fn_text_in *in, const char *what)
{
    if (in->at >= in->end) return fn_fail(ctx, FN_CANNOT_READ_ALL_DATA, "Cannot parse JSON: unexpected end of data, expected %s", what);
    return fn_fail(ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse JSON: expected %s before: '%.*s'", what,
                   (int)FN_MIN((size_t)(in->end - in->at), (size_t)40), in->at);
}

bool json_take(fn_text_in *in, char c)
{
    text_skip_space(in);
    if (in->at >= in->end || *in->at != c) return false;
    in->at++;
    return true;
}

static bool skip_string(fn_text_in *in)
{
    for (in->at++; in->at < in->end && *in->at != '"'; in->at++)
        if (*in->at == '\\') in->at++;
    if (in->at >= in->end) {
        in->at = in->end;
        return false;
    }
    in->at++;
    return true;
}

bool json_skip_value(fn_text_in *in)
{
    int depth = 0;
    do {
        text_skip_space(in);
        if (in->at >= in->end) return false;
        const char c = *in->at;
        if (c == '"') {
            if (!skip_string(in)) return false;
        } else if (c == '{' || c == '[') {
            if (++depth > DEPTH_MAX) return false;
            in->at++;
        } else if (c == '}' || c == ']') {
            depth--;
            in->at++;
        } else if (c == ',' || c == ':') {
            if (depth == 0) return false;
            in->at++;
        } else {
            while (in->at < in->end && !memchr(",:]}[{\" \t\r\n", *in->at, 11)) in->at++;
        }
    } while (depth > 0);
    return depth == 0;
}

bool json_between_rows(fn_text_in *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\r' || *in->at == '\t' || *in->at == ',' || *in->at == ';')) in->at++;
    return in->at >= in->end;
}

bool json_skip_row(fn_text_in *in)
{
    return !json_between_rows(in) && row_skip_line(in);
}

fn_status json_take_key(fn_ctx *ctx, fn_text_in *in, const fn_text_options *o, text_token *key)
{
    *key = (text_token){.begin = in->at};
    text_skip_space(in);
    if (in->at >= in->end || *in->at != '"') return json_expected(ctx, in, "a key");
    FN_TRY(text_token_read(ctx, in, FN_TEXT_JSON, o, key));
    return json_take(in, ':') ? FN_OK : json_expected(ctx, in, "':'");
}

/* The text of a value in a string. */
static fn_status take_text(row_reader *r, fn_ctx *ctx, fn_text_in *in, const fn_type *t, fn_builder *out)
{
    text_token token;
    FN_TRY(text_token_read(ctx, in, FN_TEXT_JSON, &r->settings.text, &token));
    fn_text_in text = {token.value.data, token.value.data + token.value.size, token.value.data};
    const bool null = (!token.quoted && fn_str_eq(token.value, FN_STR("null"))) || (fn_type_is_nullable(t) && fn_str_eq(token.value, fn_cstr(null_text)));
    const fn_status status = null ? (fn_type_is_nullable(t) ? fn_builder_null(ctx, out) : fn_builder_default(ctx, out))
                                  : fn_text_read(ctx, &text, t, FN_TEXT_PLAIN, &r->settings.text, out);
    text_token_release(&token);
    return status;
}

fn_status json_take_value(row_reader *r, fn_ctx *ctx, fn_text_in *in, int c)
{
    const fn_type *t = r->schema.fields[c].type;
    fn_status status;
    text_skip_space(in);
    if (r->flavour & JSON_STRINGS) {
        status = take_text(r, ctx, in, t, &r->builders[c]);
    } else if (fn_type_base(t)->id == FN_T_STRING && in->at < in->end && *in->at != '"' && *in->at != 'n') { /* numbers, objects: their text */
        const char *from = in->at;
        if (!json_skip_value(in)) return json_expected(ctx, in, "a JSON value");
        return fn_builder_str(ctx, &r->builders[c], (fn_str){from, (size_t)(in->at - from)});
    } else {
        status = fn_text_read(ctx, in, t, FN_TEXT_JSON, &r->settings.text, &r->builders[c]);
    }
    if (status != FN_OK) (void)fn_error_prefix(ctx, "(while reading the value of key " FN_STR_FMT "): ", FN_STR_ARG(r->schema.fields[c].name));
    return status;
}

/* The column of a key; keys usually come in the order of the columns. */
static fn_status find_column(const row_reader *r, fn_ctx *ctx, fn_str key, uint32_t guess, uint32_t row, int *out)
{
    const int c = guess < r->schema.count && fn_str_eq(r->schema.fields[guess].name, key) ? (int)guess : fn_schema_find(&r->schema, key);
    *out = c;
    if (c < 0 && !r->settings.text.skip_unknown_fields)
        return fn_fail(ctx, FN_INCORRECT_DATA, "Unknown field found while parsing JSONEachRow format: " FN_STR_FMT, FN_STR_ARG(key));
    if (c >= 0 && r->builders[c].rows > row)
        return fn_fail(ctx, FN_INCORRECT_DATA, "Duplicate field found while parsing JSONEachRow format: " FN_STR_FMT, FN_STR_ARG(key));
    return FN_OK;
}

fn_status json_take_object(row_reader *r, fn_ctx *ctx, fn_text_in *in)
{
    const uint32_t row = r->schema.count ? r->builders[0].rows : 0;
    const bool quick = r->quick && r->quick->count;
    uint32_t before = r->schema.count;
    if (!json_take(in, '{')) return json_expected(ctx, in, "'{'");
    for (bool first = true;; first = false) {
        text_token key;
        int c = -1;
        if (quick && (first || before < r->schema.count)) {
            before = quick_members(r->quick, in, before, row, r->seen);
            first = first && before == r->schema.count;
        }
        if (json_take(in, '}')) break;
        if (!first && !json_take(in, ',')) return json_expected(ctx, in, "',' or '}'");
        fn_status status = json_take_key(ctx, in, &r->settings.text, &key);
        if (status == FN_OK) status = find_column(r, ctx, key.value, before == r->schema.count ? 0 : before + 1, row, &c);
        text_token_release(&key);
        FN_TRY(status);
        if (c < 0) {
            if (!json_skip_value(in)) return json_expected(ctx, in, "a JSON value");
            continue;
        }
        FN_TRY(json_take_value(r, ctx, in, c));
        r->seen[c] = true;
        if (quick) r->quick->keys[before].next = (uint32_t)c;
        before = (uint32_t)c;
    }
    for (uint32_t c = 0; c < r->schema.count; c++)
        if (r->builders[c].rows == row) FN_TRY(fn_builder_default(ctx, &r->builders[c]));
    return FN_OK;
}

fn_status json_take_list(row_reader *r, fn_ctx *ctx, fn_text_in *in)
{
    if (!json_take(in, '[')) return json_expected(ctx, in, "'['");
    const uint32_t count = r->columns ? r->column_count : r->schema.count;
    for (uint32_t i = r->quick ? quick_row(r->quick, in, 0) : 0; i < count; i = r->quick ? quick_row(r->quick, in, i) : i) {
        const int c = r->columns ? r->columns[i] : (int)i;
        if (c >= 0) FN_TRY(json_take_value(r, ctx, in, c));
        else if (!json_skip_value(in)) return json_expected(ctx, in, "a JSON value");
        if (++i == count) break;
        if (!json_take(in, ',')) return json_expected(ctx, in, "','");
    }
    if (!json_take(in, ']')) return json_expected(ctx, in, "']'");
    return r->columns ? row_reader_fill(r, ctx) : FN_OK;
}

/* {"name": "a", "type": "UInt8"} */
static fn_status take_field(fn_ctx *ctx, fn_text_in *in, const fn_text_options *o, fn_field *out)
{
    *out = (fn_field){.type = NULL};
    if (!json_take(in, '{')) return json_expected(ctx, in, "'{'");
    for (bool first = true; !json_take(in, '}'); first = false) {
        text_token key, value;
        if (!first && !json_take(in, ',')) return json_expected(ctx, in, "','");
        fn_status status = json_take_key(ctx, in, o, &key);
        if (status == FN_OK) {
            status = text_token_read(ctx, in, FN_TEXT_JSON, o, &value);
            if (status == FN_OK && fn_str_eq(key.value, FN_STR("name"))) status = fn_arena_str(ctx, ctx->arena, value.value, &out->name);
            if (status == FN_OK && fn_str_eq(key.value, FN_STR("type"))) status = fn_type_parse(ctx, value.value, &out->type);
            text_token_release(&value);
        }
        text_token_release(&key);
        FN_TRY(status);
    }
    return out->type ? FN_OK : fn_fail(ctx, FN_INCORRECT_DATA, "A column of \"meta\" has no type");
}

fn_status json_take_meta(fn_ctx *ctx, fn_text_in *in, const fn_text_options *o, fn_schema *out)
{
    uint32_t capacity = 0;
    *out = (fn_schema){NULL, 0};
    if (!json_take(in, '[')) return json_expected(ctx, in, "'['");
    for (bool first = true; !json_take(in, ']'); first = false) {
        if ((!first && !json_take(in, ',')) || out->count == META_MAX) return json_expected(ctx, in, "',' or ']'");
        if (out->count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            fn_field *grown = FN_NEW_ARRAY(ctx, fn_field, capacity);
            FN_TRY_PTR(ctx, grown);
            if (out->count) memcpy(grown, out->fields, out->count * sizeof *grown);
            out->fields = grown;
        }
        FN_TRY(take_field(ctx, in, o, &out->fields[out->count]));
        out->count++;
    }
    return FN_OK;
}

/* ---- inference ---- */
static fn_status infer_value(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, bool strings, const infer_type **out)
{
    if (!strings) return infer_json(ctx, &s->infer, &s->text, in, out);
    *out = &infer_scalars[INFER_STRING];
    return json_skip_value(in) ? FN_OK : json_expected(ctx, in, "a JSON value");
}

fn_status json_infer_object(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, bool strings, infer_columns *columns)
{
    if (!json_take(in, '{')) return json_expected(ctx, in, "'{'");
    for (bool first = true; !json_take(in, '}'); first = false) {
        text_token key;
        const infer_type *type;
        if (in->at >= in->end) return fn_fail(ctx, FN_INCORRECT_DATA, "Unexpected EOF while reading JSON object");
        if (!first && !json_take(in, ',')) return json_expected(ctx, in, "',' or '}'");
        fn_status status = json_take_key(ctx, in, &s->text, &key);
        if (status == FN_OK) status = infer_value(ctx, s, in, strings, &type);
        if (status == FN_OK) status = infer_add_named(ctx, columns, key.value, type);
        text_token_release(&key);
        FN_TRY(status);
    }
    columns->rows++;
    return FN_OK;
}

fn_status json_infer_objects(fn_ctx *ctx, fn_text_in *in, bool complete, const fn_format_settings *s, bool strings, fn_schema *out)
{
    infer_columns columns = {.options = &s->infer, .family = INFER_JSON};
    const bool list = json_take(in, '[');
    while (columns.rows < s->infer.rows_max && !json_between_rows(in)) {
        if (list && *in->at == ']') break;
        const infer_columns before = columns;
        const fn_status status = json_infer_object(ctx, s, in, strings, &columns);
        if (status == FN_OK) continue;
        if (complete || in->at < in->end || before.rows == 0) return status;
        fn_error_clear(ctx); /* cut by the end of what was read */
        break;
    }
    return infer_finish(ctx, &columns, out);
}
