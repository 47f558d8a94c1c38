/* handler/handler.h - one request on its handler thread: routing, pages, the query endpoint.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_NET_HANDLER_H
#define FIRN_NET_HANDLER_H
#include "http/body.h"
#include "http/response.h"

typedef struct http_exchange {
    fn_ctx *ctx;            /* arena: the request's */
    fn_engine *engine;
    http_conn *conn;
    const http_head *head;
    http_response *response;
} http_exchange;

/* Answers the request whose head is complete. True: the connection can take another one. */
bool handle_request(fn_ctx *ctx, fn_engine *engine, http_conn *conn, const http_head *head);

/* Handlers: send the whole answer, or fail before anything has been sent (the caller then answers with the error). */
typedef fn_status handler_fn(http_exchange *x);
handler_fn handle_query;
handler_fn handle_page;   /* static answers: /, /ping, /replicas_status, /play */
/* "Code: N. DB::Exception: text (NAME) (version V)\n" into the arena. */
const char *exception_text(fn_ctx *ctx, int code, const char *text);
#endif
