/* route.c - from a request head to its handler, and errors to answers. SPDX-License-Identifier: Apache-2.0 */
#include "handler/handler.h"
#include <string.h>

enum { METHOD_READ = 1, METHOD_POST = 2, METHOD_OPTIONS = 4 };

typedef struct route {
    const char *path;
    unsigned methods;
    int query_string; /* 1: only with one, 0: only without, -1: either */
    handler_fn *run;
} route;

static const route routes[] = {
    {"/", METHOD_READ, 0, handle_page},          {"/ping", METHOD_READ, -1, handle_page},
    {"/replicas_status", METHOD_READ, -1, handle_page}, {"/play", METHOD_READ, -1, handle_page},
    {"/", METHOD_READ, 1, handle_query},         {"/", METHOD_POST | METHOD_OPTIONS, -1, handle_query},
    {"/query", METHOD_READ | METHOD_POST | METHOD_OPTIONS, -1, handle_query},
    {"", METHOD_READ | METHOD_POST | METHOD_OPTIONS, -1, handle_query},
};

static unsigned method_bit(fn_str method)
{
    static const struct {
        const char *name;
        unsigned bit;
    } methods[] = {{"GET", METHOD_READ}, {"HEAD", METHOD_READ}, {"POST", METHOD_POST}, {"PUT", METHOD_POST}, {"OPTIONS", METHOD_OPTIONS}};
    for (size_t i = 0; i < FN_COUNT(methods); i++)
        if (fn_str_eq(method, fn_cstr(methods[i].name))) return methods[i].bit;
    return 0;
}

static handler_fn *find_route(const http_head *head)
{
    const unsigned method = method_bit(head->method);
    const bool query_string = memchr(head->target.data, '?', head->target.size) != NULL;
    fn_str path = head->path;
    while (path.size > 1 && path.data[path.size - 1] == '/') path.size--;
    for (size_t i = 0; i < FN_COUNT(routes); i++) {
        const route *r = &routes[i];
        if (fn_str_eq(path, fn_cstr(r->path)) && (r->methods & method) && (r->query_string < 0 || r->query_string == (int)query_string))
            return r->run;
    }
    return NULL;
}

const char *exception_text(fn_ctx *ctx, int code, const char *text)
{
    const size_t n = strlen(text);
    const char *stop = n && strchr(".!?", text[n - 1]) ? "" : ".";
    const char *full = fn_arena_printf(ctx, ctx->arena, "Code: %d. DB::Exception: %s%s (%s) (version %s (official build))\n", code, text, stop,
                                       fn_error_name(code), fn_engine_version());
    return full ? full : "Code: 173. DB::Exception: Cannot allocate memory. (CANNOT_ALLOCATE_MEMORY)\n";
}

static fn_status no_route(http_exchange *x)
{
    const char *text = fn_arena_printf(x->ctx, x->ctx->arena,
                                       "There is no handle " FN_STR_FMT "\nUse / or /ping for health checks.\nOr /replicas_status for more "
                                       "sophisticated health checks.\nSend queries from your program with POST method or GET /?query=...\n\n"
                                       "Use clickhouse-client:\nFor interactive data analysis: open /play in a browser.\n",
                                       FN_STR_ARG(x->head->target));
    FN_TRY_PTR(x->ctx, text);
    return http_response_text(x->response, x->ctx, 404, "text/plain; charset=UTF-8", fn_cstr(text));
}

bool handle_request(fn_ctx *ctx, fn_engine *engine, http_conn *conn, const http_head *head)
{
    http_response response;
    http_exchange x = {.ctx = ctx, .engine = engine, .conn = conn, .head = head, .response = &response};
    http_response_init(&response, conn, head, engine);
    handler_fn *run = find_route(head);
    const fn_status status = run ? run(&x) : no_route(&x);
    if (status != FN_OK && !response.broken) {
        const char *text = exception_text(ctx, status, ctx->error.text);
        http_response_fail(&response, ctx, status, text);
    }
    const bool again = response.keep_alive && !response.broken;
    http_response_release(&response);
    return again;
}
