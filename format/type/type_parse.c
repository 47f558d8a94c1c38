/* type_parse.c - text of a type to the type: words, parameters, nesting. Input may come from anywhere (DDL, Native blocks,
 * part files), so depth and counts are bounded. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include <stdlib.h>

typedef struct parser {
    fn_ctx *ctx;
    const char *at, *end, *start;
} parser;

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

static void skip_space(parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')) p->at++;
}

static fn_status syntax(parser *p)
{
    return fn_fail(p->ctx, FN_SYNTAX_ERROR, "Cannot parse data type: Syntax error at position %zu of '%.*s'", (size_t)(p->at - p->start) + 1,
                   (int)FN_MIN((size_t)(p->end - p->start), (size_t)500), p->start);
}

static fn_status parse_quoted(parser *p, fn_str *out)
{
    const char quote = *p->at++;
    char *to = fn_arena_alloc(p->ctx, p->ctx->arena, (size_t)(p->end - p->at) + 1);
    FN_TRY_PTR(p->ctx, to);
    size_t n = 0;
    while (p->at < p->end) {
        if (*p->at == quote) {
            p->at++;
            if (quote == '\'' && p->at < p->end && *p->at == quote) {
                to[n++] = *p->at++;
                continue;
            }
            to[n] = 0;
            *out = (fn_str){to, n};
            return FN_OK;
        }
        if (*p->at == '\\' && p->at + 1 < p->end) {
            static const char from[] = "nrt0bf", into[] = "\n\r\t\0\b\f";
            p->at++;
            const char *code = memchr(from, *p->at, sizeof from - 1);
            to[n++] = code ? into[code - from] : *p->at;
            p->at++;
            continue;
        }
        to[n++] = *p->at++;
    }
    return syntax(p);
}

static fn_status parse_number(parser *p, int64_t *out)
{
    char text[32];
    size_t n = 0;
    while (p->at < p->end && n < sizeof text - 1 && (*p->at == '-' || *p->at == '+' || (*p->at >= '0' && *p->at <= '9'))) text[n++] = *p->at++;
    text[n] = 0;
    char *end;
    *out = strtoll(text, &end, 10);
    return n == 0 || *end ? syntax(p) : FN_OK;
}

static fn_status parse_type(parser *p, unsigned depth, const fn_type **out);

/* `name Type`: a word behind which another word stands, before , or ). */
static bool has_field_name(const parser *p)
{
    const char *q = p->at;
    if (q < p->end && *q == '`') return true;
    while (q < p->end && is_word(*q)) q++;
    const char *word_end = q;
    while (q < p->end && *q == ' ') q++;
    if (q == word_end || q >= p->end || !(is_word(*q) || *q == '`')) return false;
    /* Two-word type names (DOUBLE PRECISION ...) are no field names. */
    static const char *const second[] = {"PRECISION", "VARYING", "SIGNED", "UNSIGNED", "LARGE", "OBJECT", "CHARACTER", "CHAR", "BINARY"};
    for (size_t i = 0; i < FN_COUNT(second); i++) {
        const size_t n = strlen(second[i]);
        if ((size_t)(p->end - q) >= n && fn_str_eq_nocase((fn_str){q, n}, (fn_str){second[i], n}) && ((size_t)(p->end - q) == n || !is_word(q[n]))) return false;
    }
    return true;
}

static fn_status parse_arg(parser *p, unsigned depth, bool names, type_arg *a)
{
    skip_space(p);
    if (p->at >= p->end) return syntax(p);
    if (*p->at == '\'') {
        a->kind = TYPE_ARG_STRING;
        FN_TRY(parse_quoted(p, &a->text));
        skip_space(p);
        if (p->at < p->end && *p->at == '=') {
            p->at++;
            skip_space(p);
            a->has_value = true;
            FN_TRY(parse_number(p, &a->number));
        }
        return FN_OK;
    }
    if ((*p->at >= '0' && *p->at <= '9') || *p->at == '-' || *p->at == '+') {
        a->kind = TYPE_ARG_NUMBER;
        return parse_number(p, &a->number);
    }
    a->kind = TYPE_ARG_TYPE;
    if (names && has_field_name(p)) {
        const char *from = p->at;
        if (*p->at == '`') {
            FN_TRY(parse_quoted(p, &a->name));
        } else {
            while (p->at < p->end && is_word(*p->at)) p->at++;
            a->name = (fn_str){from, (size_t)(p->at - from)};
        }
        skip_space(p);
    }
    const char *from = p->at;
    FN_TRY(parse_type(p, depth + 1, &a->type));
    a->text = (fn_str){from, (size_t)(p->at - from)};
    return FN_OK;
}

/* AggregateFunction's first argument is a function, with or without parameters: sum, quantile(0.5). */
static fn_status parse_function_name(parser *p, type_arg *a)
{
    skip_space(p);
    const char *from = p->at;
    int depth = 0;
    while (p->at < p->end && (depth || (*p->at != ',' && *p->at != ')'))) {
        depth += *p->at == '(';
        depth -= *p->at == ')';
        p->at++;
    }
    a->kind = TYPE_ARG_TYPE;
    a->text = fn_str_trim((fn_str){from, (size_t)(p->at - from)});
    return a->text.size ? FN_OK : syntax(p);
}

static fn_status parse_args(parser *p, unsigned depth, fn_str family, fn_type_args *args)
{
    uint32_t capacity = 8, n = 0;
    type_arg *items = FN_NEW_ARRAY(p->ctx, type_arg, capacity);
    FN_TRY_PTR(p->ctx, items);
    const bool aggregate = fn_str_ends(family, FN_STR("AggregateFunction"));
    const bool names = fn_str_eq(family, FN_STR("Tuple")) || fn_str_eq(family, FN_STR("Nested"));
    args->parenthesized = true;
    p->at++;
    skip_space(p);
    while (p->at < p->end && *p->at != ')') {
        if (n == capacity) {
            type_arg *grown = FN_NEW_ARRAY(p->ctx, type_arg, (size_t)capacity * 2);
            FN_TRY_PTR(p->ctx, grown);
            memcpy(grown, items, n * sizeof *grown);
            items = grown;
            capacity *= 2;
        }
        if (n == TYPE_ARGS_MAX) return syntax(p);
        if (aggregate && n == 0) FN_TRY(parse_function_name(p, &items[n]));
        else FN_TRY(parse_arg(p, depth, names, &items[n]));
        n++;
        skip_space(p);
        if (p->at < p->end && *p->at == ',') {
            p->at++;
            skip_space(p);
        } else if (p->at >= p->end || *p->at != ')') {
            return syntax(p);
        }
    }
    if (p->at >= p->end) return syntax(p);
    p->at++;
    args->items = items;
    args->count = n;
    return FN_OK;
}

static fn_status unknown(parser *p, fn_str name)
{
    return fn_fail(p->ctx, FN_UNKNOWN_TYPE, "Unknown data type family: " FN_STR_FMT, FN_STR_ARG(name));
}

/* Longest run of words that is a type's name: "DOUBLE PRECISION", "INT UNSIGNED". */
static const fn_type_class *read_name(parser *p, fn_str *written)
{
    const char *from = p->at, *q = p->at;
    const fn_type_class *found = NULL;
    const char *found_end = NULL;
    for (int words = 0; words < 4 && q < p->end && is_word(*q); words++) {
        while (q < p->end && is_word(*q)) q++;
        const fn_type_class *c = type_class_find((fn_str){from, (size_t)(q - from)});
        if (c || words == 0) {
            found = c;
            found_end = q;
        }
        while (q < p->end && *q == ' ') q++;
    }
    *written = (fn_str){from, found_end ? (size_t)(found_end - from) : 0};
    if (found_end) p->at = found_end;
    return found;
}

static fn_status parse_type(parser *p, unsigned depth, const fn_type **out)
{
    if (depth > TYPE_DEPTH_MAX) return fn_fail(p->ctx, FN_TOO_DEEP_RECURSION, "Data type is nested deeper than %d levels", TYPE_DEPTH_MAX);
    skip_space(p);
    fn_str written;
    const fn_type_class *class = read_name(p, &written);
    if (!written.size) return syntax(p);
    if (!class) return unknown(p, written);
    fn_type_args args = {.written = written};
    const char *behind = p->at;
    skip_space(p);
    if (p->at < p->end && *p->at == '(') FN_TRY(parse_args(p, depth, (fn_str){class->name, strlen(class->name)}, &args));
    else p->at = behind;
    fn_type proto = {.class = class};
    FN_TRY(class->make(p->ctx, class, &args, &proto));
    *out = type_intern(&proto);
    return FN_OK;
}

fn_status fn_type_parse(fn_ctx *ctx, fn_str text, const fn_type **out)
{
    parser p = {ctx, text.data, text.data + text.size, text.data};
    FN_TRY(parse_type(&p, 0, out));
    skip_space(&p);
    return p.at == p.end ? FN_OK : syntax(&p);
}

fn_status type_arg_count(fn_ctx *ctx, const fn_type_args *args, const char *family, uint32_t min, uint32_t max)
{
    if (args->count >= min && args->count <= max) return FN_OK;
    if (max == 0) return fn_fail(ctx, FN_DATA_TYPE_CANNOT_HAVE_ARGUMENTS, "Data type %s cannot have arguments", family);
    return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "%s data type family must have %s%u argument%s", family, min == max ? "exactly " : "at least ", min,
                   min == 1 ? "" : "s");
}

fn_status type_arg_type(fn_ctx *ctx, const fn_type_args *args, const char *family, uint32_t i, const fn_type **out)
{
    *out = args->items[i].kind == TYPE_ARG_TYPE ? args->items[i].type : NULL;
    return *out ? FN_OK : fn_fail(ctx, FN_BAD_ARGUMENTS, "Argument %u of data type family %s must be a type", i + 1, family);
}
