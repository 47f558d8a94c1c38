/* status.c - error codes, the context's error, assertions, the cancel check.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <firn/base.h>
#include <firn/time.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    fn_status code;
    int http_status;
    const char *name;
} codes[] = {
#define X(name, code, http) {code, http, #name},
#include <firn/errors.def>
#undef X
};

fn_status fn_fail_at(fn_ctx *ctx, fn_status code, const char *file, int line, const char *fmt, ...)
{
    FN_ASSERT(code != FN_OK);
    fn_error *e = &ctx->error;
    if (e->code != FN_OK) return e->code;
    e->code = code;
    e->file = file;
    e->line = line;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    return code;
}

fn_status fn_fail_memory(fn_ctx *ctx, size_t bytes)
{
    return fn_fail(ctx, FN_CANNOT_ALLOCATE_MEMORY, "Cannot allocate %zu bytes", bytes);
}

fn_status fn_fail_errno(fn_ctx *ctx, fn_status code, int err, const char *fmt, ...)
{
    char what[1024], reason[128];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    const char *text = strerror_r(err, reason, sizeof reason);
    if (err == ENOSPC || err == EDQUOT) code = FN_NOT_ENOUGH_SPACE;
    return fn_fail(ctx, code, "%s, errno: %d, strerror: %s", what, err, text);
}

fn_status fn_error_prefix(fn_ctx *ctx, const char *fmt, ...)
{
    fn_error *e = &ctx->error;
    if (e->code == FN_OK) return FN_OK;
    char text[sizeof e->text];
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const size_t used = n < 0 ? 0 : FN_MIN((size_t)n, sizeof text - 1);
    const size_t rest = strnlen(e->text, sizeof e->text - 1 - used);
    memcpy(text + used, e->text, rest);
    text[used + rest] = 0;
    memcpy(e->text, text, used + rest + 1);
    return e->code;
}

void fn_error_clear(fn_ctx *ctx)
{
    ctx->error.code = FN_OK;
    ctx->error.text[0] = 0;
}

const char *fn_error_name(fn_status code)
{
    for (size_t i = 0; i < FN_COUNT(codes); i++)
        if (codes[i].code == code) return codes[i].name;
    return "UNKNOWN_EXCEPTION";
}

int fn_error_http_status(fn_status code)
{
    for (size_t i = 0; i < FN_COUNT(codes); i++)
        if (codes[i].code == code) return codes[i].http_status;
    return 500;
}

fn_status fn_ctx_check(fn_ctx *ctx)
{
    if (!ctx->cancel) return FN_OK;
    const int reason = atomic_load_explicit(&ctx->cancel->reason, memory_order_relaxed);
    if (FN_UNLIKELY(reason != FN_OK))
        return fn_fail(ctx, reason, reason == FN_TIMEOUT_EXCEEDED ? "Timeout exceeded" : "Query was cancelled");
    const int64_t deadline = atomic_load_explicit(&ctx->cancel->deadline_ns, memory_order_relaxed);
    if (deadline != 0 && fn_clock_monotonic_ns() > deadline)
        return fn_fail(ctx, FN_TIMEOUT_EXCEEDED, "Timeout exceeded: maximum execution time is over");
    return FN_OK;
}

void fn_assert_failed(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "firn: assertion failed at %s:%d: %s\n", file, line, what);
    abort();
}
