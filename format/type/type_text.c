/* type_text.c - escaping, quoting and tokens. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_text.h"

/* What a byte turns into behind a backslash in TSV and SQL literals; 0: stays. */
static char escape_code(char c)
{
    switch (c) {
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\0': return '0';
    case '\\': return '\\';
    case '\'': return '\'';
    default: return 0;
    }
}

static fn_status put_backslashed(fn_ctx *ctx, fn_str s, char also, fn_buf *out)
{
    FN_TRY(fn_buf_reserve(ctx, out, 2 * s.size));
    char *to = out->data + out->size;
    for (size_t i = 0; i < s.size; i++) {
        const char c = s.data[i];
        const char code = (unsigned char)c > '\\' ? (char)0 : escape_code(c);
        if (FN_UNLIKELY(code || c == also)) {
            *to++ = '\\';
            *to++ = code ? code : c;
        } else {
            *to++ = c;
        }
    }
    out->size = (size_t)(to - out->data);
    return FN_OK;
}

fn_status text_put_quoted(fn_ctx *ctx, fn_str s, fn_buf *out)
{
    FN_TRY(fn_buf_byte(ctx, out, '\''));
    FN_TRY(put_backslashed(ctx, s, '\'', out));
    return fn_buf_byte(ctx, out, '\'');
}

fn_status text_put_backquoted(fn_ctx *ctx, fn_str s, fn_buf *out)
{
    FN_TRY(fn_buf_byte(ctx, out, '`'));
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] == '`' || s.data[i] == '\\') FN_TRY(fn_buf_byte(ctx, out, '\\'));
        FN_TRY(fn_buf_byte(ctx, out, s.data[i]));
    }
    return fn_buf_byte(ctx, out, '`');
}

fn_status text_put_escaped(fn_ctx *ctx, fn_str s, fn_buf *out)
{
    return put_backslashed(ctx, s, '\'', out);
}

fn_status text_put_csv(fn_ctx *ctx, fn_str s, fn_buf *out)
{
    FN_TRY(fn_buf_reserve(ctx, out, 2 * s.size + 2));
    char *to = out->data + out->size;
    *to++ = '"';
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] == '"') *to++ = '"';
        *to++ = s.data[i];
    }
    *to++ = '"';
    out->size = (size_t)(to - out->data);
    return FN_OK;
}

/* Length of the valid UTF-8 sequence at s (1..4), 0 if it is not one. */
static unsigned utf8_length(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80) return 1;
    const unsigned n = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : 0;
    if (n == 0 || n > left) return 0;
    for (unsigned i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    return n;
}

fn_status text_put_json(fn_ctx *ctx, fn_str s, bool escape_slashes, fn_buf *out)
{
    static const char hex[] = "0123456789ABCDEF";
    FN_TRY(fn_buf_reserve(ctx, out, 6 * s.size + 2));
    char *to = out->data + out->size;
    *to++ = '"';
    for (size_t i = 0; i < s.size;) {
        const unsigned char c = (unsigned char)s.data[i];
        const unsigned n = c < 0x80 ? 1 : utf8_length((const unsigned char *)s.data + i, s.size - i);
        if (c >= 0x20 && c != '"' && c != '\\' && c != '/' && n) {
            memcpy(to, s.data + i, n);
            to += n;
            i += n;
            continue;
        }
        i++;
        if (n == 0) { /* not UTF-8: the replacement character */
            memcpy(to, "\xef\xbf\xbd", 3);
            to += 3;
        } else if (c == '"' || c == '\\' || (c == '/' && escape_slashes)) {
            *to++ = '\\';
            *to++ = (char)c;
        } else if (c == '/') {
            *to++ = '/';
        } else if (c == '\n' || c == '\t' || c == '\r' || c == '\b' || c == '\f') {
            *to++ = '\\';
            *to++ = escape_code((char)c);
        } else {
            memcpy(to, "\\u00", 4);
            to[4] = hex[c >> 4];
            to[5] = hex[c & 15];
            to += 6;
        }
    }
    *to++ = '"';
    out->size = (size_t)(to - out->data);
    return FN_OK;
}

fn_status text_put_string(fn_ctx *ctx, fn_str s, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    switch (style) {
    case FN_TEXT_PLAIN: return fn_buf_str(ctx, out, s);
    case FN_TEXT_ESCAPED: return text_put_escaped(ctx, s, out);
    case FN_TEXT_QUOTED: return text_put_quoted(ctx, s, out);
    case FN_TEXT_CSV: return text_put_csv(ctx, s, out);
    case FN_TEXT_JSON: return text_put_json(ctx, s, o->json_escape_slashes, out);
    }
    FN_IMPOSSIBLE("style");
}

fn_status text_put_bare(fn_ctx *ctx, const char *text, size_t size, fn_text_style style, fn_buf *out)
{
    const char quote = style == FN_TEXT_QUOTED ? '\'' : style == FN_TEXT_CSV || style == FN_TEXT_JSON ? '"' : 0;
    FN_TRY(fn_buf_reserve(ctx, out, size + 2));
    if (quote) out->data[out->size++] = quote;
    memcpy(out->data + out->size, text, size);
    out->size += size;
    if (quote) out->data[out->size++] = quote;
    return FN_OK;
}

/* ---- input ---- */
/* The first of three bytes in [at, end), eight bytes at a time; end if there is none. A byte of x is zero where the word has the
 * byte looked for; the lowest one found is always a true one. */
static const char *find_any(const char *at, const char *end, char a, char b, char c)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    const uint64_t wa = ones * (unsigned char)a, wb = ones * (unsigned char)b, wc = ones * (unsigned char)c;
    for (; end - at >= 8; at += 8) {
        const uint64_t v = fn_load_u64(at), x = v ^ wa, y = v ^ wb, z = v ^ wc;
        const uint64_t hit = (((x - ones) & ~x) | ((y - ones) & ~y) | ((z - ones) & ~z)) & highs;
        if (hit) return at + (unsigned)__builtin_ctzll(hit) / 8;
    }
    while (at < end && *at != a && *at != b && *at != c) at++;
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The byte behind a backslash; in->at stands behind the backslash and moves on. */
static fn_status put_unescaped(fn_ctx *ctx, fn_text_in *in, fn_buf *out)
{
    if (in->at >= in->end) return fn_fail(ctx, FN_CANNOT_PARSE_ESCAPE_SEQUENCE, "Cannot parse escape sequence");
    const char c = *in->at++;
    if (c == 'x' && in->end - in->at >= 2 && hex_digit(in->at[0]) >= 0 && hex_digit(in->at[1]) >= 0) {
        const char byte = (char)(hex_digit(in->at[0]) * 16 + hex_digit(in->at[1]));
        in->at += 2;
        return fn_buf_byte(ctx, out, byte);
    }
    static const char from[] = "abefnrtv0N", into[] = "\a\b\x1b\f\n\r\t\v\0";
    const char *at = c == 'N' ? NULL : memchr(from, c, sizeof from - 2);
    if (c == 'N') return FN_OK; /* \N inside a string is nothing */
    if (at) return fn_buf_byte(ctx, out, into[at - from]);
    /* Before other bytes the backslash stays, but for control characters, the quotes and itself. */
    if ((unsigned char)c > 31 && c != '\\' && c != '\'' && c != '"' && c != '`' && c != '/' && c != '=') FN_TRY(fn_buf_byte(ctx, out, '\\'));
    return fn_buf_byte(ctx, out, c);
}

static fn_status put_utf8(fn_ctx *ctx, uint32_t code, fn_buf *out)
{
    char b[4];
    size_t n = 0;
    if (code < 0x80) {
        b[n++] = (char)code;
    } else if (code < 0x800) {
        b[n++] = (char)(0xc0 | code >> 6);
        b[n++] = (char)(0x80 | (code & 63));
    } else if (code < 0x10000) {
        b[n++] = (char)(0xe0 | code >> 12);
        b[n++] = (char)(0x80 | (code >> 6 & 63));
        b[n++] = (char)(0x80 | (code & 63));
    } else {
        b[n++] = (char)(0xf0 | code >> 18);
        b[n++] = (char)(0x80 | (code >> 12 & 63));
        b[n++] = (char)(0x80 | (code >> 6 & 63));
        b[n++] = (char)(0x80 | (code & 63));
    }
    return fn_buf_append(ctx, out, b, n);
}

static bool hex4(fn_text_in *in, uint32_t *out)
{
    if (in->end - in->at < 4) return false;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        const int d = hex_digit(in->at[i]);
        if (d < 0) return false;
        *out = *out << 4 | (uint32_t)d;
    }
    in->at += 4;
    return true;
}

static fn_status put_json_escape(fn_ctx *ctx, fn_text_in *in, fn_buf *out)
{
    uint32_t code, low;
    if (in->at >= in->end || *in->at != 'u') return put_unescaped(ctx, in, out);
    in->at++;
    if (!hex4(in, &code)) return fn_fail(ctx, FN_CANNOT_PARSE_ESCAPE_SEQUENCE, "Cannot parse escape sequence: bad \\u");
    if (code >= 0xd800 && code < 0xdc00 && in->end - in->at >= 6 && in->at[0] == '\\' && in->at[1] == 'u') {
        in->at += 2;
        if (!hex4(in, &low) || low < 0xdc00 || low > 0xdfff) return fn_fail(ctx, FN_CANNOT_PARSE_ESCAPE_SEQUENCE, "Cannot parse escape sequence: bad surrogate");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    return put_utf8(ctx, code, out);
}

/* Text in quotes; in->at stands on the quote. */
static fn_status read_quoted(fn_ctx *ctx, fn_text_in *in, bool json, bool backslash, bool doubled, text_token *t)
{
    const char quote = *in->at++;
    const char *from = in->at;
    const char other = backslash ? '\\' : quote;
    in->at = find_any(in->at, in->end, quote, other, other);
    const bool more_doubled = doubled && in->at + 1 < in->end && in->at[0] == quote && in->at[1] == quote;
    t->quoted = true;
    if (in->at < in->end && *in->at == quote && !more_doubled) {
        t->value = (fn_str){from, (size_t)(in->at - from)};
        in->at++;
        return FN_OK;
    }
    t->own.size = 0;
    FN_TRY(fn_buf_append(ctx, &t->own, from, (size_t)(in->at - from)));
    while (in->at < in->end) {
        if (backslash && *in->at == '\\') {
            in->at++;
            FN_TRY(json ? put_json_escape(ctx, in, &t->own) : put_unescaped(ctx, in, &t->own));
        } else if (*in->at == quote) {
            in->at++;
            if (!doubled || in->at >= in->end || *in->at != quote) {
                t->value = fn_buf_view(&t->own);
                return FN_OK;
            }
            FN_TRY(fn_buf_byte(ctx, &t->own, *in->at++));
        } else {
            const char *run = in->at;
            in->at = find_any(in->at, in->end, quote, other, other);
            FN_TRY(fn_buf_append(ctx, &t->own, run, (size_t)(in->at - run)));
        }
    }
    in->at = t->begin;
    return fn_fail(ctx, FN_CANNOT_PARSE_QUOTED_STRING, "Cannot parse quoted string: expected closing quote");
}

static fn_status read_escaped(fn_ctx *ctx, fn_text_in *in, text_token *t)
{
    const char *from = in->at;
    in->at = find_any(in->at, in->end, '\t', '\n', '\\');
    if (in->at >= in->end || *in->at != '\\') {
        t->value = (fn_str){from, (size_t)(in->at - from)};
        if (in->at < in->end && *in->at == '\n' && t->value.size && in->at[-1] == '\r') t->value.size--;
        return FN_OK;
    }
    t->own.size = 0;
    FN_TRY(fn_buf_append(ctx, &t->own, from, (size_t)(in->at - from)));
    while (in->at < in->end && *in->at != '\t' && *in->at != '\n') {
        if (*in->at == '\\') {
            in->at++;
            FN_TRY(put_unescaped(ctx, in, &t->own));
        } else {
            const char *run = in->at;
            while (in->at < in->end && *in->at != '\t' && *in->at != '\n' && *in->at != '\\') in->at++;
            FN_TRY(fn_buf_append(ctx, &t->own, run, (size_t)(in->at - run)));
        }
    }
    t->value = fn_buf_view(&t->own);
    return FN_OK;
}

static bool ends_bare(char c)
{
    return c == ',' || c == ')' || c == ']' || c == '}' || c == ':' || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ';';
}

static fn_status take_token(fn_ctx *ctx, fn_text_in *in, fn_text_style style, const fn_text_options *o, text_token *t)
{
    switch (style) {
    case FN_TEXT_PLAIN:
        t->value = (fn_str){in->at, (size_t)(in->end - in->at)};
        in->at = in->end;
        return FN_OK;
    case FN_TEXT_ESCAPED: return read_escaped(ctx, in, t);
    case FN_TEXT_CSV: {
        if (in->at < in->end && (*in->at == '"' || (*in->at == '\'' && o->csv_single_quotes))) return read_quoted(ctx, in, false, false, true, t);
        const char *from = in->at;
        in->at = find_any(in->at, in->end, o->csv_delimiter, '\n', '\r');
        t->value = fn_str_trim((fn_str){from, (size_t)(in->at - from)});
        return FN_OK;
    }
    case FN_TEXT_QUOTED:
    case FN_TEXT_JSON: break;
    }
    text_skip_space(in);
    t->begin = in->at;
    if (in->at < in->end && (*in->at == '"' || (*in->at == '\'' && style == FN_TEXT_QUOTED)))
        return read_quoted(ctx, in, style == FN_TEXT_JSON, true, style == FN_TEXT_QUOTED, t);
    while (in->at < in->end && !ends_bare(*in->at)) in->at++;
    t->value = (fn_str){t->begin, (size_t)(in->at - t->begin)};
    return FN_OK;
}

fn_status text_token_read(fn_ctx *ctx, fn_text_in *in, fn_text_style style, const fn_text_options *o, text_token *t)
{
    *t = (text_token){.begin = in->at};
    const fn_status status = take_token(ctx, in, style, o, t);
    if (status != FN_OK) text_token_release(t);
    return status;
}

void text_token_release(text_token *t)
{
    fn_buf_release(&t->own);
}

fn_status text_token_bad(fn_ctx *ctx, fn_text_in *in, const text_token *t, int code, const char *type_name)
{
    in->at = t->begin;
    return fn_fail(ctx, code, "Cannot parse string '" FN_STR_FMT "' as %s", (int)FN_MIN(t->value.size, (size_t)200), t->value.data ? t->value.data : "", type_name);
}
