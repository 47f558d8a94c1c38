/* firn/net.h - the HTTP server: an event loop for connections and request heads, threads for statements.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_NET_H
#define FIRN_NET_H
#include <firn/engine.h>

typedef struct fn_server fn_server;

typedef struct fn_server_options {
    const char *host;          /* address to listen on; "127.0.0.1" */
    unsigned port;             /* 0: any free one */
    unsigned connections_max;  /* more are refused; 0 = 4096 */
    unsigned requests_max;     /* statements at once; more wait; 0 = 100 */
    unsigned keep_alive_s;     /* idle time; 0 = 30 */
} fn_server_options;

/* Binds and listens. Errors: NETWORK_ERROR (210) naming address and port. The engine outlives the server. */
fn_status fn_server_open(fn_ctx *ctx, fn_engine *engine, const fn_server_options *options, fn_server **out) FN_MUST_USE;
unsigned fn_server_port(const fn_server *server);
/* Serves until fn_server_stop; returns when running requests have ended. */
fn_status fn_server_run(fn_ctx *ctx, fn_server *server) FN_MUST_USE;
void fn_server_stop(fn_server *server); /* from any thread or a signal handler */
void fn_server_close(fn_server *server);
#endif
