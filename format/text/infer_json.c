/* infer_json.c - the type of a JSON value. Objects become named tuples, arrays without a common item type stay INFER_MIXED.
 * See infer.h. SPDX-License-Identifier: Apache-2.0 */
#include "text/infer.h"

enum { DEPTH_MAX = 100, FIELDS_FIRST = 8 };

typedef struct json_inferrer {
    fn_ctx *ctx;
    const fn_infer_options *options;
    const fn_text_options *text;
    fn_text_in *in;
    unsigned depth;
} json_inferrer;

static bool take(fn_text_in *in, char c)
{
    text_skip_space(in);
    if (in->at >= in->end || *in->at != c) return false;
    in->at++;
    return true;
}

static fn_status bad(const json_inferrer *r, const char *what)
{
    if (r->in->at >= r->in->end) return fn_fail(r->ctx, FN_INCORRECT_DATA, "Unexpected EOF while reading JSON object");
    return fn_fail(r->ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse input: expected %s before: '%.*s'", what,
                   (int)FN_MIN((size_t)(r->in->end - r->in->at), (size_t)40), r->in->at);
}

static fn_status value(json_inferrer *r, const infer_type **out);

static fn_status text_value(json_inferrer *r, const infer_type **out)
{
    text_token token;
    const fn_status status = text_token_read(r->ctx, r->in, FN_TEXT_JSON, r->text, &token);
    const infer_type *t = NULL;
    if (status == FN_OK && r->options->json_numbers_from_strings) t = infer_number(r->options, token.value, true);
    if (status == FN_OK && !t) t = infer_time(r->options, token.value);
    text_token_release(&token);
    *out = t ? t : &infer_scalars[INFER_STRING];
    return status;
}

/* Within one array numbers do not become strings: such items have no common type. */
static fn_status merge_items(json_inferrer *r, const infer_type *a, const infer_type *b, const infer_type **out)
{
    fn_infer_options apart = *r->options;
    apart.json_numbers_as_strings = false;
    if (a->kind == INFER_MIXED) {
        *out = a;
        return FN_OK;
    }
    FN_TRY(infer_merge(r->ctx, &apart, INFER_JSON, a, b, out));
    if (!*out) *out = &infer_scalars[INFER_MIXED];
    return FN_OK;
}

static fn_status array(json_inferrer *r, const infer_type **out)
{
    const infer_type *item = &infer_scalars[INFER_NOTHING];
    r->in->at++;
    for (bool first = true; !take(r->in, ']'); first = false) {
        const infer_type *next;
        if (!first && !take(r->in, ',')) return bad(r, "',' or ']'");
        FN_TRY(value(r, &next));
        FN_TRY(merge_items(r, item, next, &item));
    }
    return infer_container(r->ctx, INFER_ARRAY, &item, NULL, 1, out);
}

typedef struct field_list {
    const infer_type **types;
    fn_str *names;
    uint32_t count, capacity;
} field_list;

static fn_status push(fn_ctx *ctx, field_list *l, fn_str name, const infer_type *t)
{
    if (l->count == l->capacity) {
        const uint32_t more = l->capacity ? 2 * l->capacity : FIELDS_FIRST;
        const infer_type **types = FN_NEW_ARRAY(ctx, const infer_type *, more);
        fn_str *names = FN_NEW_ARRAY(ctx, fn_str, more);
        if (!types || !names) return ctx->error.code;
        if (l->count) memcpy(types, l->types, l->count * sizeof *types);
        if (l->count) memcpy(names, l->names, l->count * sizeof *names);
        *l = (field_list){types, names, l->count, more};
    }
    for (uint32_t i = 0; i < l->count; i++)
        if (fn_str_eq(l->names[i], name)) return fn_fail(ctx, FN_INCORRECT_DATA, "Duplicate path found during parsing JSON object: " FN_STR_FMT, FN_STR_ARG(name));
    l->types[l->count] = t;
    l->names[l->count++] = name;
    return FN_OK;
}

static fn_status object(json_inferrer *r, const infer_type **out)
{
    field_list fields = {NULL, NULL, 0, 0};
    r->in->at++;
    for (bool first = true; !take(r->in, '}'); first = false) {
        const infer_type *t;
        text_token key;
        fn_str name;
        if (!first && !take(r->in, ',')) return bad(r, "',' or '}'");
        text_skip_space(r->in);
        if (r->in->at >= r->in->end || *r->in->at != '"') return bad(r, "'\"'");
        FN_TRY(text_token_read(r->ctx, r->in, FN_TEXT_JSON, r->text, &key));
        const fn_status status = fn_arena_str(r->ctx, r->ctx->arena, key.value, &name);
        text_token_release(&key);
        FN_TRY(status);
        if (!take(r->in, ':')) return bad(r, "':'");
        FN_TRY(value(r, &t));
        FN_TRY(push(r->ctx, &fields, name, t));
    }
    return infer_container(r->ctx, INFER_OBJECT, fields.types, fields.names, fields.count, out);
}

static fn_status word(json_inferrer *r, const infer_type **out)
{
    const char *from = r->in->at;
    while (r->in->at < r->in->end && !memchr(",:]}[{\" \t\r\n", *r->in->at, 11)) r->in->at++;
    const fn_str text = {from, (size_t)(r->in->at - from)};
    *out = infer_number(r->options, text, true);
    if (fn_str_eq(text, FN_STR("null"))) *out = &infer_scalars[INFER_NOTHING];
    if (fn_str_eq(text, FN_STR("true")) || fn_str_eq(text, FN_STR("false"))) *out = &infer_scalars[INFER_BOOL];
    if (*out) return FN_OK;
    r->in->at = from;
    return bad(r, "a JSON value");
}

static fn_status value(json_inferrer *r, const infer_type **out)
{
    text_skip_space(r->in);
    if (r->in->at >= r->in->end) return bad(r, "a JSON value");
    if (*r->in->at == '"') return text_value(r, out);
    if (*r->in->at != '[' && *r->in->at != '{') return word(r, out);
    if (r->depth >= DEPTH_MAX) return fn_fail(r->ctx, FN_TOO_DEEP_RECURSION, "JSON is nested deeper than %d", DEPTH_MAX);
    r->depth++;
    const fn_status status = *r->in->at == '[' ? array(r, out) : object(r, out);
    r->depth--;
    return status;
}

fn_status infer_json(fn_ctx *ctx, const fn_infer_options *o, const fn_text_options *t, fn_text_in *in, const infer_type **out)
{
    json_inferrer r = {ctx, o, t, in, 0};
    return value(&r, out);
}
