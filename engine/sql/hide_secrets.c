/* hide_secrets.c - a statement's text as it may be shown: secret keys, passwords and keys of encryption become '[HIDDEN]', as ClickHouse shows
 * them in system.query_log, SHOW CREATE, system.tables and messages. It works on tokens, so that text that is no valid statement is
 * covered as well. SPDX-License-Identifier: Apache-2.0 */
#include "sql/ast.h"
#include "sql/lex.h"
#include <firn/format.h>

typedef enum secret_kind {
    SECRET_S3,     /* url, key, SECRET [, TOKEN] [, format ...] */
    SECRET_URL,    /* the password in 'http://user:password@host' */
    SECRET_CRYPT,  /* mode, ALL THE REST */
    SECRET_HEADERS, /* 'name' = VALUE, ... */
    SECRET_REMOTE, /* address, database.table | database, table, user, PASSWORD */
} secret_kind;

static const struct {
    const char *name;
    secret_kind kind;
} callers[] = {
    {"s3", SECRET_S3}, {"iceberg", SECRET_S3}, {"icebergS3", SECRET_S3}, {"deltaLake", SECRET_S3}, {"hudi", SECRET_S3}, {"gcs", SECRET_S3}, {"oss", SECRET_S3},
    {"cosn", SECRET_S3}, {"url", SECRET_URL}, {"headers", SECRET_HEADERS}, {"encrypt", SECRET_CRYPT}, {"decrypt", SECRET_CRYPT}, {"tryDecrypt", SECRET_CRYPT}, {"aes_encrypt_mysql", SECRET_CRYPT},
    {"aes_decrypt_mysql", SECRET_CRYPT}, {"remote", SECRET_REMOTE}, {"remoteSecure", SECRET_REMOTE},
};

enum { ARGS_MAX = 16 };

typedef struct call_args {
    struct {
        size_t begin, end;   /* without white space around */
        unsigned tokens;
        bool string;         /* the first token is one */
        size_t string_end;   /* of that token */
    } at[ARGS_MAX];
    unsigned count;
} call_args;

typedef struct hider {
    fn_ctx *ctx;
    fn_str text;
    size_t copied;
    fn_buf out;
} hider;

static int caller_of(fn_str word)
{
    for (size_t i = 0; i < FN_COUNT(callers); i++)
        if (fn_str_eq_nocase(word, fn_cstr(callers[i].name))) return (int)i;
    return -1;
}

/* Is one of the names in front of a parenthesis? Most statements end here. */
static bool may_have(fn_str text)
{
    const char *const end = text.data + text.size;
    for (const char *at = text.data; at < end && (at = memchr(at, '(', (size_t)(end - at))); at++) {
        const char *last = at;
        while (last > text.data && (last[-1] == ' ' || last[-1] == '\n')) last--;
        const char *first = last;
        while (first > text.data && sql_is_word_byte(first[-1])) first--;
        if (first < last && caller_of((fn_str){first, (size_t)(last - first)}) >= 0) return true;
    }
    return false;
}

/* The arguments behind the parenthesis that ends at `at`. */
static void read_args(fn_str text, size_t at, call_args *a)
{
    sql_token token = {.kind = TOKEN_SYMBOL, .symbol = SQL_SYMBOL1('('), .end = at};
    unsigned depth = 0;
    *a = (call_args){.count = 0};
    for (bool inside = false;; at = token.end) {
        const sql_token before = token;
        token = sql_lex(text, text.size, at, &before);
        if (token.kind == TOKEN_END || token.kind == TOKEN_BAD) return;
        const uint32_t symbol = token.kind == TOKEN_SYMBOL ? token.symbol : 0;
        if (depth == 0 && symbol == SQL_SYMBOL1(')')) return;
        if (depth == 0 && symbol == SQL_SYMBOL1(',')) {
            inside = false;
            continue;
        }
        depth += symbol == SQL_SYMBOL1('(') || symbol == SQL_SYMBOL1('[');
        depth -= depth && (symbol == SQL_SYMBOL1(')') || symbol == SQL_SYMBOL1(']'));
        if (!inside) {
            if (a->count == ARGS_MAX) return;
            a->at[a->count].begin = token.begin;
            a->at[a->count].string = token.kind == TOKEN_STRING;
            a->at[a->count++].string_end = token.end;
            inside = true;
        }
        a->at[a->count - 1].end = token.end;
        a->at[a->count - 1].tokens++;
    }
}

static fn_status replace(hider *h, size_t begin, size_t end, const char *with)
{
    if (begin < h->copied) return FN_OK;
    FN_TRY(fn_buf_append(h->ctx, &h->out, h->text.data + h->copied, begin - h->copied));
    h->copied = end;
    return fn_buf_cstr(h->ctx, &h->out, with);
}

static fn_str text_of(const hider *h, const call_args *a, unsigned i)
{
    return i < a->count ? (fn_str){h->text.data + a->at[i].begin, a->at[i].end - a->at[i].begin} : (fn_str){NULL, 0};
}

static bool is_secret_name(fn_str name)
{
    static const char *const names[] = {"secret_access_key", "session_token", "password"};
    for (size_t i = 0; i < FN_COUNT(names); i++)
        if (fn_str_starts(name, fn_cstr(names[i])) && name.size > strlen(names[i]) && !sql_is_word_byte(name.data[strlen(names[i])])) return true;
    return false;
}

/* The words between quotes: a name of a format, or what stands for one. */
static bool is_format(fn_str quoted)
{
    const fn_str name = quoted.size >= 2 && *quoted.data == '\'' ? (fn_str){quoted.data + 1, quoted.size - 2} : quoted;
    return fn_str_eq_nocase(name, FN_STR("auto")) || fn_str_eq_nocase(name, FN_STR("NOSIGN")) || fn_format_find(name);
}

static fn_status hide_s3(hider *h, const call_args *a)
{
    const bool plain = a->count > 2 && !is_format(text_of(h, a, 1)) && a->at[1].tokens == 1 && a->at[2].tokens == 1;
    for (unsigned i = 1; i < a->count; i++) {
        const fn_str text = text_of(h, a, i);
        const bool token = i == 3 && a->at[i].string && !is_format(text);
        if ((plain && i == 2) || (plain && token)) {
            FN_TRY(replace(h, a->at[i].begin, a->at[i].end, "'[HIDDEN]'"));
        } else if (is_secret_name(text) && memchr(text.data, '=', text.size)) {
            const char *equals = memchr(text.data, '=', text.size);
            FN_TRY(replace(h, (size_t)(equals + 1 - h->text.data), a->at[i].end, " '[HIDDEN]'"));
        }
    }
    return FN_OK;
}

static fn_status hide_password_in_url(hider *h, const call_args *a)
{
    const fn_str url = text_of(h, a, 0);
    const char *scheme = a->count && a->at[0].string ? memmem(url.data, url.size, "://", 3) : NULL;
    if (!scheme) return FN_OK;
    const char *const end = url.data + url.size, *host = scheme + 3, *slash = memchr(host, '/', (size_t)(end - host));
    const char *sign = memrchr(host, '@', (size_t)((slash ? slash : end) - host));
    const char *colon = sign ? memchr(host, ':', (size_t)(sign - host)) : NULL;
    return colon ? replace(h, (size_t)(colon + 1 - h->text.data), (size_t)(sign - h->text.data), "[HIDDEN]") : FN_OK;
}

static fn_status hide_headers(hider *h, const call_args *a)
{
    for (unsigned i = 0; i < a->count; i++) {
        const size_t from = a->at[i].string_end, size = a->at[i].end - from;
        const char *equals = size ? memchr(h->text.data + from, '=', size) : NULL;
        if (equals) FN_TRY(replace(h, (size_t)(equals + 1 - h->text.data), a->at[i].end, " '[HIDDEN]'"));
    }
    return FN_OK;
}

static fn_status hide_args(hider *h, secret_kind kind, const call_args *a)
{
    switch (kind) {
    case SECRET_S3: return hide_s3(h, a);
    case SECRET_URL: return hide_password_in_url(h, a);
    case SECRET_HEADERS: return hide_headers(h, a);
    case SECRET_CRYPT: return a->count > 1 ? replace(h, a->at[1].begin, a->at[a->count - 1].end, "'[HIDDEN]'") : FN_OK;
    case SECRET_REMOTE: {
        const unsigned password = a->count > 1 && a->at[1].tokens > 1 ? 3 : 4;
        return password < a->count ? replace(h, a->at[password].begin, a->at[password].end, "'[HIDDEN]'") : FN_OK;
    }
    }
    FN_IMPOSSIBLE("kind of secret");
}

static fn_status walk(hider *h)
{
    sql_token token = {.kind = TOKEN_END};
    for (size_t at = 0; at < h->text.size; at = FN_MAX(token.end, at + 1)) {
        const sql_token before = token;
        token = sql_lex(h->text, h->text.size, at, &before);
        if (token.kind == TOKEN_END) break;
        if (token.kind != TOKEN_SYMBOL || token.symbol != SQL_SYMBOL1('(') || before.kind != TOKEN_WORD) continue;
        const int caller = caller_of((fn_str){h->text.data + before.begin, before.end - before.begin});
        if (caller < 0) continue;
        call_args args;
        read_args(h->text, token.end, &args);
        FN_TRY(hide_args(h, callers[caller].kind, &args));
    }
    return fn_buf_append(h->ctx, &h->out, h->text.data + h->copied, h->text.size - h->copied);
}

fn_status sql_hide_secrets(fn_ctx *ctx, fn_str text, fn_str *out)
{
    *out = text;
    if (!text.size || !may_have(text)) return FN_OK;
    hider h = {.ctx = ctx, .text = text, .out = FN_BUF_INIT};
    fn_status status = walk(&h);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&h.out), out);
    fn_buf_release(&h.out);
    return status;
}
