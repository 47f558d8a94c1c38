/* handle_page.c - fixed answers: health checks and the query page. SPDX-License-Identifier: Apache-2.0 */
#include "handler/handler.h"
#include "play_page.h"

static const struct {
    const char *path, *content_type;
    fn_str body;
} pages[] = {
    {"/", "text/html; charset=UTF-8", {"Ok.\n", 4}},
    {"/ping", "text/html; charset=UTF-8", {"Ok.\n", 4}},
    {"/replicas_status", "text/plain; charset=UTF-8", {"Ok.\n", 4}},
    {"/play", "text/html; charset=UTF-8", {(const char *)play_page, sizeof play_page}},
};

fn_status handle_page(http_exchange *x)
{
    fn_str path = x->head->path;
    while (path.size > 1 && path.data[path.size - 1] == '/') path.size--;
    size_t i = 0;
    while (i + 1 < FN_COUNT(pages) && !fn_str_eq(path, fn_cstr(pages[i].path))) i++;
    http_body body;
    if (http_body_open(x->ctx, x->conn, x->head, &body) != FN_OK || !http_body_drain(x->ctx, &body)) x->response->keep_alive = false;
    return http_response_text(x->response, x->ctx, 200, pages[i].content_type, pages[i].body);
}
