/* list.c - ListObjectsV2 with continuation (Amazon S3 API reference). The answer is XML of a fixed, flat shape: elements
 * are found by name inside <Contents>; text is unescaped. SPDX-License-Identifier: Apache-2.0 */
#include "object/request.h"
#include "object/sigv4.h"
#include <firn/time.h>

enum { PAGE_MAX = 16 << 20, PAGES_MAX = 1000000 };

/* The text of the first <name>..</name> in *in; moves *in behind it. */
static bool next_element(fn_str *in, const char *name, fn_str *out)
{
    char open[64], close[64];
    const size_t n = strlen(name);
    if (n > 50) return false;
    open[0] = close[0] = '<';
    close[1] = '/';
    memcpy(open + 1, name, n);
    memcpy(close + 2, name, n);
    open[n + 1] = close[n + 2] = '>';
    const char *from = in->size ? memmem(in->data, in->size, open, n + 2) : NULL;
    if (!from) return false;
    from += n + 2;
    const char *to = memmem(from, (size_t)(in->data + in->size - from), close, n + 3);
    if (!to) return false;
    *out = (fn_str){from, (size_t)(to - from)};
    const char *rest = to + n + 3;
    *in = (fn_str){rest, (size_t)(in->data + in->size - rest)};
    return true;
}

static fn_status unescape(fn_ctx *ctx, fn_str in, fn_str *out)
{
    static const struct {
        fn_str entity;
        char byte;
    } entities[] = {{{"&amp;", 5}, '&'}, {{"&lt;", 4}, '<'}, {{"&gt;", 4}, '>'}, {{"&quot;", 6}, '"'}, {{"&apos;", 6}, '\''},
                    {{"&#39;", 5}, '\''}, {{"&#34;", 5}, '"'}, {{"&#13;", 5}, '\r'}, {{"&#xD;", 5}, '\r'}, {{"&#10;", 5}, '\n'}};
    char *to = fn_arena_alloc(ctx, ctx->arena, in.size + 1);
    FN_TRY_PTR(ctx, to);
    size_t n = 0;
    for (size_t i = 0; i < in.size;) {
        size_t e = 0;
        const fn_str rest = {in.data + i, in.size - i};
        while (e < FN_COUNT(entities) && !(in.data[i] == '&' && fn_str_starts(rest, entities[e].entity))) e++;
        to[n++] = e < FN_COUNT(entities) ? entities[e].byte : in.data[i];
        i += e < FN_COUNT(entities) ? entities[e].entity.size : 1;
    }
    to[n] = 0;
    *out = (fn_str){to, n};
    return FN_OK;
}

/* 2024-01-02T03:04:05.000Z */
static int64_t parse_time(fn_str s)
{
    int part[6] = {0};
    size_t i = 0;
    for (int p = 0; p < 6; p++) {
        for (; i < s.size && s.data[i] >= '0' && s.data[i] <= '9' && part[p] < 100000; i++) part[p] = part[p] * 10 + (s.data[i] - '0');
        i++;
    }
    if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31) return 0;
    return fn_days_from_civil(part[0], (unsigned)part[1], (unsigned)part[2]) * 86400 + part[3] * 3600 + part[4] * 60 + part[5];
}

static fn_status read_page(fn_ctx *ctx, const fn_object_url *url, fn_str page, fn_object_each *each, void *self, fn_str *token, bool *more)
{
    fn_str rest = page, contents, text;
    while (next_element(&rest, "Contents", &contents)) {
        fn_object_entry e = {0};
        fn_str at = contents;
        if (!next_element(&at, "Key", &text)) return fn_fail(ctx, FN_S3_ERROR, "The listing of bucket " FN_STR_FMT " has an entry without a key", FN_STR_ARG(url->bucket));
        FN_TRY(unescape(ctx, text, &e.key));
        at = contents;
        if (next_element(&at, "Size", &text))
            for (size_t i = 0; i < text.size && i < 18; i++) e.size = e.size * 10 + (uint64_t)(unsigned char)(text.data[i] - '0');
        at = contents;
        if (next_element(&at, "LastModified", &text)) e.modified_s = parse_time(text);
        FN_TRY(each(self, ctx, &e));
    }
    rest = page;
    *more = next_element(&rest, "IsTruncated", &text) && fn_str_eq(text, FN_STR("true"));
    rest = page;
    if (*more && !next_element(&rest, "NextContinuationToken", &text))
        return fn_fail(ctx, FN_S3_ERROR, "The listing of bucket " FN_STR_FMT " is cut without a continuation token", FN_STR_ARG(url->bucket));
    return *more ? unescape(ctx, text, token) : FN_OK;
}

static fn_status fetch_page(fn_ctx *ctx, fn_object_store *s, const fn_object_url *url, const fn_object_auth *auth, fn_str token, fn_buf *query, fn_buf *page)
{
    query->size = page->size = 0;
    if (token.size) {
        FN_TRY(fn_buf_cstr(ctx, query, "continuation-token="));
        FN_TRY(sigv4_encode(ctx, token, false, query));
        FN_TRY(fn_buf_byte(ctx, query, '&'));
    }
    FN_TRY(fn_buf_cstr(ctx, query, "list-type=2&max-keys=1000&prefix="));
    FN_TRY(sigv4_encode(ctx, url->key, false, query));
    const object_request request = {.method = "GET", .url = url, .query = fn_buf_view(query), .whole_bucket = true};
    transfer t = {.text = page, .text_limit = PAGE_MAX};
    fn_status status = object_request_prepare(ctx, &request, auth, &t);
    if (status == FN_OK) status = transfer_run(ctx, s, &t, 1);
    if (status == FN_OK) status = object_request_check(ctx, url, &t);
    transfer_release(&t);
    return status;
}

fn_status fn_object_list(fn_ctx *ctx, fn_object_store *s, const fn_object_url *url, const fn_object_auth *auth, fn_object_each *each, void *self)
{
    if (!url->is_s3) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Listing of a plain web server is not supported");
    fn_buf query = FN_BUF_INIT, page = FN_BUF_INIT;
    fn_str token = {NULL, 0};
    bool more = true;
    fn_status status = FN_OK;
    for (unsigned n = 0; more && status == FN_OK && n < PAGES_MAX; n++) {
        status = fetch_page(ctx, s, url, auth, token, &query, &page);
        if (status == FN_OK) status = read_page(ctx, url, fn_buf_view(&page), each, self, &token, &more);
    }
    fn_buf_release(&query);
    fn_buf_release(&page);
    return status;
}
