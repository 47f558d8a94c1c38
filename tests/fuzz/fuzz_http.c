/* fuzz_http.c - any bytes as the head of a request. SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fn_ctx ctx = {.memory = NULL};
    const fn_str bytes = {(const char *)data, size};
    http_head *head = malloc(sizeof *head);
    ctx.arena = fn_arena_new(&ctx);
    const size_t whole = http_head_size(bytes, 0);
    if (whole > size) abort();
    if (head && ctx.arena && whole && http_head_parse(&ctx, (fn_str){bytes.data, whole}, head) == FN_OK) {
        fn_str decoded;
        if (head->header_count > HTTP_HEADERS_MAX || head->param_count > HTTP_PARAMS_MAX) abort();
        (void)http_header(head, "Content-Encoding");
        (void)http_param(head, "query");
        if (http_decode(&ctx, head->path, &decoded) != FN_OK) fn_error_clear(&ctx);
    }
    fn_arena_free(ctx.arena);
    free(head);
    return 0;
}
