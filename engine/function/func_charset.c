/* func_charset.c - convertCharset, through the C library's iconv. What a charset cannot express becomes the control character SUB, as ICU has it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include "function/utf8.h"
#include <errno.h>
#include <iconv.h>
#include <stdio.h>

static bool open_pair(fn_str from, fn_str to, iconv_t *out)
{
    char names[2][64];
    if (from.size >= sizeof names[0] || to.size >= sizeof names[1] || !from.size || !to.size) return false;
    (void)snprintf(names[0], sizeof names[0], FN_STR_FMT, FN_STR_ARG(from));
    (void)snprintf(names[1], sizeof names[1], FN_STR_FMT, FN_STR_ARG(to));
    *out = iconv_open(names[1], names[0]);
    return *out != (iconv_t)-1;
}
static fn_status bind_charset(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "scc"));
    fn_str utf8 = FN_STR("UTF-8");
    for (uint32_t i = 1; i < 3; i++) {
        fn_str name;
        iconv_t pair;
        FN_TRY(func_const_str(ctx, call, i, &name));
        if (!open_pair(name, utf8, &pair)) return fn_fail(ctx, FN_CANNOT_CREATE_CHARSET_CONVERTER, "Cannot create UConverter with charset " FN_STR_FMT ", error: U_FILE_ACCESS_ERROR", FN_STR_ARG(name));
        (void)iconv_close(pair);
    }
    return func_bind_string(ctx, call);
}
static fn_status convert(fn_ctx *ctx, iconv_t pair, fn_str s, fn_buf *to)
{
    char *in = (char *)(uintptr_t)s.data;
    size_t left = s.size;
    (void)iconv(pair, NULL, NULL, NULL, NULL);
    for (;;) {
        FN_TRY(fn_buf_reserve(ctx, to, left * 4 + 16));
        char *out = to->data + to->size;
        size_t room = left * 4 + 16;
        const size_t start = room, n = iconv(pair, left ? &in : NULL, &left, &out, &room);
        to->size += start - room;
        if (n != (size_t)-1) return FN_OK;
        if (errno == E2BIG) continue;
        char mark[] = "\x1A", *one = mark; /* EILSEQ, EINVAL: pass over a character */
        size_t one_left = left ? 1 : 0;
        if (!left) return FN_OK;
        do {
            in++;
            left--;
        } while (left && utf8_is_continuation((uint8_t)*in));
        FN_TRY(fn_buf_reserve(ctx, to, 16));
        out = to->data + to->size;
        room = 16;
        (void)iconv(pair, &one, &one_left, &out, &room);
        to->size += 16 - room;
    }
}
static fn_status eval_charset(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    iconv_t pair;
    fn_builder b;
    fn_buf text = FN_BUF_INIT;
    if (!open_pair(text_at(call->consts[1], 0), text_at(call->consts[2], 0), &pair)) return fn_fail(ctx, FN_CANNOT_CREATE_CHARSET_CONVERTER, "Cannot convert between these charsets");
    fn_status status = fn_builder_init(ctx, &b, call->type);
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        text.size = 0;
        status = convert(ctx, pair, text_at(args[0], i), &text);
        if (status == FN_OK) status = fn_builder_str(ctx, &b, fn_buf_view(&text));
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&text);
    (void)iconv_close(pair);
    return status;
}
static const func_def rows_[] = {
    {.name = "convertCharset", .args_min = 3, .args_max = 3, .bind = bind_charset, .eval = eval_charset,
     .about = "The string from one charset into another.", .example = "hex(convertCharset('é', 'UTF-8', 'ISO-8859-1'))", .gives = "E9"},
};
const func_family func_family_charset = FUNC_FAMILY("encoding", rows_);
