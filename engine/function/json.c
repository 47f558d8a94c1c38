/* json.c - JSON text to nodes (RFC 8259, strict), nodes to text. Open containers are kept on a stack of node numbers, so depth costs
 * no recursion here. SPDX-License-Identifier: Apache-2.0 */
#include "function/json.h"
#include "function/utf8.h"
#include <stdlib.h>

typedef struct parser {
    fn_ctx *ctx;
    json_doc *doc;
    const char *at, *end;
    uint32_t stack[JSON_DEPTH_MAX];
    uint32_t depth;
} parser;

static fn_status new_node(parser *p, json_kind kind, json_node **out)
{
    json_doc *d = p->doc;
    if (d->count == d->capacity) {
        const uint32_t capacity = d->capacity ? d->capacity * 2 : 64;
        json_node *grown = fn_realloc(p->ctx, d->nodes, (size_t)capacity * sizeof *grown);
        FN_TRY_PTR(p->ctx, grown);
        d->nodes = grown;
        d->capacity = capacity;
    }
    json_node *n = &d->nodes[d->count++];
    *n = (json_node){.kind = kind, .next = d->count, .text = {p->at, 0}};
    *out = n;
    return FN_OK;
}

static void skip_space(parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')) p->at++;
}

static int hex4(const char *s)
{
    int code = 0;
    for (int i = 0; i < 4; i++) {
        const int d = text_hex((uint8_t)s[i]);
        if (d < 0) return -1;
        code = code * 16 + d;
    }
    return code;
}

/* Checks the escape at p->at = '\'; moves behind it. */
static bool escape(parser *p)
{
    if (p->end - p->at < 2) return false;
    if (p->at[1] != 'u') {
        const bool good = p->at[1] && strchr("\"\\/bfnrt", p->at[1]);
        p->at += 2;
        return good;
    }
    if (p->end - p->at < 6) return false;
    const int code = hex4(p->at + 2);
    p->at += 6;
    if (code < 0 || (code >= 0xDC00 && code < 0xE000)) return false;
    if (code < 0xD800 || code >= 0xDC00) return true;
    if (p->end - p->at < 6 || p->at[0] != '\\' || p->at[1] != 'u') return false;
    const int low = hex4(p->at + 2);
    p->at += 6;
    return low >= 0xDC00 && low < 0xE000;
}

/* At the quote. */
static fn_status string(parser *p, bool *valid)
{
    json_node *n;
    p->at++;
    FN_TRY(new_node(p, JSON_STRING, &n));
    while (p->at < p->end && *p->at != '"') {
        if ((uint8_t)*p->at < 0x20) *valid = false;
        if (*p->at != '\\') {
            p->at++;
            continue;
        }
        n->escaped = true;
        if (!escape(p)) *valid = false;
        if (!*valid) return FN_OK;
    }
    if (p->at >= p->end) *valid = false;
    n->text.size = (size_t)(p->at - n->text.data);
    p->at++;
    return FN_OK;
}

/* The shape of a number: -?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?; *whole false if it has a fraction or exponent. */
static bool number_shape(parser *p, bool *whole)
{
    const char *s = p->at;
    *whole = true;
    if (s < p->end && *s == '-') s++;
    const char *digits = s;
    while (s < p->end && text_is_digit((uint8_t)*s)) s++;
    if (s == digits || (*digits == '0' && s - digits > 1)) return false;
    if (s < p->end && *s == '.') {
        *whole = false;
        const char *fraction = ++s;
        while (s < p->end && text_is_digit((uint8_t)*s)) s++;
        if (s == fraction) return false;
    }
    if (s < p->end && (*s == 'e' || *s == 'E')) {
        *whole = false;
        s++;
        if (s < p->end && (*s == '+' || *s == '-')) s++;
        const char *exponent = s;
        while (s < p->end && text_is_digit((uint8_t)*s)) s++;
        if (s == exponent) return false;
    }
    p->at = s;
    return true;
}

static void whole_number(json_node *n)
{
    const bool negative = n->text.data[0] == '-';
    uint64_t v = 0;
    for (size_t i = negative; i < n->text.size; i++) {
        const uint64_t d = (uint64_t)(n->text.data[i] - '0');
        if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, d, &v)) {
            n->kind = JSON_BIG;
            return;
        }
    }
    const uint64_t least = (uint64_t)INT64_MAX + 1;
    if (negative) {
        n->kind = v <= least ? JSON_INT : JSON_BIG;
        n->u64 = 0 - v;
    } else {
        n->kind = v < least ? JSON_INT : JSON_UINT;
        n->u64 = v;
    }
}

static fn_status number(parser *p, bool *valid)
{
    json_node *n;
    bool whole;
    FN_TRY(new_node(p, JSON_DOUBLE, &n));
    if (!number_shape(p, &whole)) {
        *valid = false;
        return FN_OK;
    }
    n->text.size = (size_t)(p->at - n->text.data);
    if (whole) {
        whole_number(n);
        return FN_OK;
    }
    fn_buf *scratch = &p->doc->scratch; /* strtod wants an end */
    scratch->size = 0;
    FN_TRY(fn_buf_str(p->ctx, scratch, n->text));
    FN_TRY(fn_buf_byte(p->ctx, scratch, 0));
    n->f64 = strtod(scratch->data, NULL);
    if (n->f64 - n->f64 != 0) *valid = false;
    return FN_OK;
}

static fn_status word(parser *p, bool *valid)
{
    static const struct {
        fn_str text;
        json_kind kind;
        uint64_t value;
    } words[] = {{{"true", 4}, JSON_BOOL, 1}, {{"false", 5}, JSON_BOOL, 0}, {{"null", 4}, JSON_NULL, 0}};
    const fn_str rest = {p->at, (size_t)(p->end - p->at)};
    for (size_t i = 0; i < FN_COUNT(words); i++) {
        if (!fn_str_starts(rest, words[i].text)) continue;
        json_node *n;
        FN_TRY(new_node(p, words[i].kind, &n));
        n->u64 = words[i].value;
        n->text = (fn_str){p->at, words[i].text.size};
        p->at += words[i].text.size;
        return FN_OK;
    }
    *valid = false;
    return FN_OK;
}

/* A value begins at p->at; containers are opened and left on the stack. *opened tells so. */
static fn_status begin_value(parser *p, bool *opened, bool *valid)
{
    *opened = false;
    if (p->at >= p->end) {
        *valid = false;
        return FN_OK;
    }
    const char b = *p->at;
    if (b == '"') return string(p, valid);
    if (b == '-' || text_is_digit((uint8_t)b)) return number(p, valid);
    if (b != '[' && b != '{') return word(p, valid);
    if (p->depth == JSON_DEPTH_MAX) {
        *valid = false;
        return FN_OK;
    }
    json_node *n;
    FN_TRY(new_node(p, b == '[' ? JSON_ARRAY : JSON_OBJECT, &n));
    p->stack[p->depth++] = p->doc->count - 1;
    p->at++;
    *opened = true;
    return FN_OK;
}

/* "key" : at p->at. */
static fn_status key(parser *p, bool *valid)
{
    skip_space(p);
    if (p->at >= p->end || *p->at != '"') {
        *valid = false;
        return FN_OK;
    }
    FN_TRY(string(p, valid));
    skip_space(p);
    if (p->at >= p->end || *p->at != ':') *valid = false;
    else p->at++;
    return FN_OK;
}

static void close_container(parser *p)
{
    json_node *n = &p->doc->nodes[p->stack[--p->depth]];
    p->at++;
    n->next = p->doc->count;
    n->text.size = (size_t)(p->at - n->text.data);
}

static fn_status parse_all(parser *p, bool *valid)
{
    bool opened = false;
    skip_space(p);
    FN_TRY(begin_value(p, &opened, valid));
    while (*valid && p->depth) {
        skip_space(p);
        json_node *open = &p->doc->nodes[p->stack[p->depth - 1]];
        const char close = open->kind == JSON_ARRAY ? ']' : '}';
        if (p->at >= p->end) {
            *valid = false;
            break;
        }
        if (*p->at == close && (opened || open->count)) {
            close_container(p);
            opened = false;
            continue;
        }
        if (!opened) {
            if (*p->at != ',') {
                *valid = false;
                break;
            }
            p->at++;
        }
        open->count++;
        if (open->kind == JSON_OBJECT) FN_TRY(key(p, valid));
        skip_space(p);
        if (*valid) FN_TRY(begin_value(p, &opened, valid));
    }
    skip_space(p);
    if (p->at != p->end) *valid = false;
    return FN_OK;
}

fn_status json_parse(fn_ctx *ctx, json_doc *doc, fn_str text, bool *valid)
{
    parser p = {.ctx = ctx, .doc = doc, .at = text.data, .end = text.data + text.size};
    doc->count = 0;
    *valid = text.size > 0 && utf8_is_valid(text);
    if (!*valid) return FN_OK;
    FN_TRY(parse_all(&p, valid));
    if (!*valid) doc->count = 0;
    return FN_OK;
}

void json_release(json_doc *doc)
{
    fn_free(doc->nodes);
    fn_buf_release(&doc->scratch);
    *doc = (json_doc){0};
}

/* ---- finding ---- */
fn_status json_find(fn_ctx *ctx, json_doc *doc, const json_node *object, fn_str name, bool any_case, const json_node **out)
{
    *out = NULL;
    if (object->kind != JSON_OBJECT) return FN_OK;
    const json_node *k = json_first(object);
    for (uint32_t i = 0; i < object->count; i++) {
        fn_str text = k->text;
        if (k->escaped) {
            doc->scratch.size = 0;
            FN_TRY(json_string(ctx, k, &doc->scratch));
            text = fn_buf_view(&doc->scratch);
        }
        const json_node *value = json_next(doc, k);
        if (any_case ? fn_str_eq_nocase(text, name) : fn_str_eq(text, name)) {
            *out = value;
            return FN_OK;
        }
        k = json_next(doc, value);
    }
    return FN_OK;
}

const json_node *json_at(const json_doc *doc, const json_node *c, int64_t index, const json_node **key_node)
{
    *key_node = NULL;
    if (c->kind != JSON_ARRAY && c->kind != JSON_OBJECT) return NULL;
    if (index < 0) index += (int64_t)c->count + 1;
    if (index < 1 || index > (int64_t)c->count) return NULL;
    const json_node *n = json_first(c);
    for (;; index--) {
        if (c->kind == JSON_OBJECT) {
            *key_node = n;
            n = json_next(doc, n);
        }
        if (index == 1) return n;
        n = json_next(doc, n);
    }
}

/* ---- text ---- */
fn_status json_string(fn_ctx *ctx, const json_node *n, fn_buf *to)
{
    if (!n->escaped) return fn_buf_str(ctx, to, n->text);
    FN_TRY(fn_buf_reserve(ctx, to, n->text.size));
    const char *s = n->text.data, *end = s + n->text.size;
    while (s < end) {
        if (*s != '\\') {
            to->data[to->size++] = *s++;
            continue;
        }
        static const char from[] = "bfnrt", by[] = "\b\f\n\r\t";
        const char *known = strchr(from, s[1]);
        if (s[1] != 'u') {
            to->data[to->size++] = known ? by[known - from] : s[1];
            s += 2;
            continue;
        }
        uint32_t code = (uint32_t)hex4(s + 2);
        s += 6;
        if (code >= 0xD800 && code < 0xDC00) { /* checked when parsed: the other half follows */
            code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)hex4(s + 2) - 0xDC00);
            s += 6;
        }
        to->size += utf8_encode(code, to->data + to->size);
    }
    return FN_OK;
}

static fn_status quoted(fn_ctx *ctx, const json_node *n, fn_buf *to)
{
    const size_t start = to->size;
    FN_TRY(fn_buf_byte(ctx, to, '"'));
    if (!n->escaped) {
        FN_TRY(fn_buf_str(ctx, to, n->text));
        return fn_buf_byte(ctx, to, '"');
    }
    fn_buf plain = FN_BUF_INIT;
    fn_status status = json_string(ctx, n, &plain);
    for (size_t i = 0; i < plain.size && status == FN_OK; i++) {
        static const char from[] = "\b\f\n\r\t\"\\", by[] = "bfnrt\"\\";
        const char b = plain.data[i], *known = b ? strchr(from, b) : NULL;
        if (known) {
            const char two[2] = {'\\', by[known - from]};
            status = fn_buf_append(ctx, to, two, 2);
        } else if ((uint8_t)b < 0x20) {
            status = fn_buf_printf(ctx, to, "\\u%04X", (unsigned)(uint8_t)b);
        } else {
            status = fn_buf_byte(ctx, to, b);
        }
    }
    fn_buf_release(&plain);
    if (status != FN_OK) to->size = start;
    return status == FN_OK ? fn_buf_byte(ctx, to, '"') : status;
}

static fn_status write_double(fn_ctx *ctx, double d, fn_buf *to)
{
    fn_text_options options;
    fn_text_options_default(&options);
    const fn_column one = {.type = fn_type_simple(FN_T_FLOAT64), .rows = 1, .shape = FN_FLAT, .values = (const uint8_t *)&d};
    return fn_text_write(ctx, &one, 0, FN_TEXT_PLAIN, &options, to);
}

/* Containers nest at most JSON_DEPTH_MAX deep. */
fn_status json_write(fn_ctx *ctx, const json_doc *doc, const json_node *n, fn_buf *to)
{
    switch (n->kind) {
    case JSON_NULL: return fn_buf_cstr(ctx, to, "null");
    case JSON_BOOL: return fn_buf_cstr(ctx, to, n->u64 ? "true" : "false");
    case JSON_INT: return fn_buf_i64(ctx, to, n->i64);
    case JSON_UINT: return fn_buf_u64(ctx, to, n->u64);
    case JSON_DOUBLE: return write_double(ctx, n->f64, to);
    case JSON_BIG: return fn_buf_printf(ctx, to, "\"%.*s\"", (int)n->text.size, n->text.data);
    case JSON_STRING: return quoted(ctx, n, to);
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    const bool object = n->kind == JSON_OBJECT;
    FN_TRY(fn_buf_byte(ctx, to, object ? '{' : '['));
    const json_node *kid = json_first(n);
    for (uint32_t i = 0; i < n->count; i++) {
        if (i) FN_TRY(fn_buf_byte(ctx, to, ','));
        if (object) {
            FN_TRY(quoted(ctx, kid, to));
            FN_TRY(fn_buf_byte(ctx, to, ':'));
            kid = json_next(doc, kid);
        }
        FN_TRY(json_write(ctx, doc, kid, to));
        kid = json_next(doc, kid);
    }
    return fn_buf_byte(ctx, to, object ? '}' : ']');
}
