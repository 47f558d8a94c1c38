/* http/response.h - the answer to one request: status and headers, chunked and compressed body, errors before and
 * in the middle of the body.
 *
 * Bytes go: writer -> [native frames] -> [Content-Encoding] -> pending -> socket. The head leaves with the first bytes
 * sent, so an error that comes earlier still gets its own status. An answer that fits into `pending` leaves in one piece.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_HTTP_RESPONSE_H
#define FIRN_HTTP_RESPONSE_H
#include "http/conn.h"
#include "http/head.h"
#include <firn/codec.h>
#include <firn/engine.h>
#include <pthread.h>

enum { HTTP_TAG_SIZE = 16 };

typedef struct http_response {
    fn_response base;          /* what the engine writes to */
    fn_sink body;              /* entrance: chooses the outermost encoder */
    fn_sink tail;              /* exit: pending bytes */
    http_conn *conn;
    const http_head *head;
    fn_engine *engine;
    int status;
    pthread_mutex_t lock;      /* the socket and the next line: progress comes from other threads */
    bool status_sent, head_sent, broken; /* status_sent: the first line is out, with 200; broken: the socket failed, nothing more can be said */
    bool keep_alive;
    bool no_body;              /* HEAD */
    bool buffered;             /* wait_end_of_query: nothing leaves before the end */
    bool frames;               /* compress=1 */
    bool cors;
    fn_codec frames_codec, coding; /* coding: FN_CODEC_NONE without Content-Encoding */
    int coding_level;
    fn_encoder *frames_encoder, *encoder;
    unsigned flushes;
    fn_buf pending;
    const char *content_type, *format; /* format NULL: no X-ClickHouse-Format */
    char query_id[128], timezone[64];
    char tag[HTTP_TAG_SIZE + 1];
    char summary[512];
    fn_buf extra;              /* further header lines */
    int exception_code;
} http_response;

void http_response_init(http_response *r, http_conn *conn, const http_head *head, fn_engine *engine);
/* Picks the Content-Encoding from the request's Accept-Encoding. */
void http_response_accept(http_response *r, int level);
/* Sends X-ClickHouse-Progress headers while nothing else has been sent. */
void http_response_progress(http_response *r, unsigned interval_ms);
void http_response_summary(http_response *r, const fn_progress *p);
/* Ends the answer; with the whole body still pending it gets a Content-Length. */
fn_status http_response_finish(http_response *r, fn_ctx *ctx) FN_MUST_USE;
/* Ends it with an error: its own status if nothing has left yet, else the exception block in the body and a cut connection. */
void http_response_fail(http_response *r, fn_ctx *ctx, int code, const char *text);
/* A whole small answer. */
fn_status http_response_text(http_response *r, fn_ctx *ctx, int status, const char *content_type, fn_str body) FN_MUST_USE;
void http_response_release(http_response *r);
#endif
