/* multipart.c - see multipart.h. SPDX-License-Identifier: Apache-2.0 */
#include "http/multipart.h"
#include <string.h>

/* The value of `name=` in a header like `form-data; name="a"; filename="b"`. */
static bool header_parameter(fn_str header, const char *name, fn_str *out)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < header.size; i++) {
        if (header.data[i] != ';') continue;
        size_t at = i + 1;
        while (at < header.size && header.data[at] == ' ') at++;
        if (at + n >= header.size || header.data[at + n] != '=' || !fn_str_eq_nocase((fn_str){header.data + at, n}, (fn_str){name, n})) continue;
        at += n + 1;
        const bool quoted = at < header.size && header.data[at] == '"';
        if (quoted) at++;
        size_t end = at;
        while (end < header.size && (quoted ? header.data[end] != '"' : header.data[end] != ';')) end++;
        *out = (fn_str){header.data + at, end - at};
        return true;
    }
    return false;
}

fn_str multipart_boundary(fn_str content_type)
{
    static const fn_str kind = {"multipart/form-data", 19};
    fn_str boundary = {NULL, 0};
    if (content_type.size < kind.size || !fn_str_eq_nocase((fn_str){content_type.data, kind.size}, kind)) return boundary;
    return header_parameter(content_type, "boundary", &boundary) && boundary.size <= 200 ? boundary : (fn_str){NULL, 0};
}

static fn_status parse_part(fn_ctx *ctx, fn_str bytes, size_t number, http_part *out)
{
    bool named = false;
    for (;;) {
        const char *newline = bytes.size ? memmem(bytes.data, bytes.size, "\r\n", 2) : NULL;
        if (!newline) return fn_fail(ctx, FN_INCORRECT_DATA, "Part %zu of the multipart body has no end of its header", number);
        const fn_str line = {bytes.data, (size_t)(newline - bytes.data)};
        bytes = (fn_str){newline + 2, bytes.size - line.size - 2};
        if (line.size == 0) break;
        static const fn_str disposition = {"Content-Disposition:", 20};
        if (line.size < disposition.size || !fn_str_eq_nocase((fn_str){line.data, disposition.size}, disposition)) continue;
        fn_str file;
        named = header_parameter(line, "name", &out->name);
        out->is_file = header_parameter(line, "filename", &file);
    }
    if (!named) return fn_fail(ctx, FN_INCORRECT_DATA, "Part %zu of the multipart body has no name", number);
    out->data = bytes;
    return FN_OK;
}

fn_status multipart_parse(fn_ctx *ctx, fn_str body, fn_str boundary, http_part **parts, size_t *count)
{
    char *mark = fn_arena_printf(ctx, ctx->arena, "\r\n--" FN_STR_FMT, FN_STR_ARG(boundary));
    FN_TRY_PTR(ctx, mark);
    const size_t mark_size = strlen(mark);
    *count = 0;
    *parts = FN_NEW_ARRAY(ctx, http_part, MULTIPART_PARTS_MAX);
    FN_TRY_PTR(ctx, *parts);
    /* The first boundary has no line end before it. */
    const char *at = body.data, *end = body.data + body.size;
    if (body.size + 2 >= mark_size && memcmp(at, mark + 2, mark_size - 2) == 0) at += mark_size - 2;
    else if ((at = body.size ? memmem(at, body.size, mark, mark_size) : NULL) != NULL) at += mark_size;
    else return fn_fail(ctx, FN_INCORRECT_DATA, "The multipart body does not have its boundary");
    while (end - at >= 2 && memcmp(at, "--", 2) != 0) {
        if (memcmp(at, "\r\n", 2) != 0) return fn_fail(ctx, FN_INCORRECT_DATA, "Bad boundary in the multipart body at offset %zu", (size_t)(at - body.data));
        at += 2;
        const char *next = memmem(at, (size_t)(end - at), mark, mark_size);
        if (!next) return fn_fail(ctx, FN_INCORRECT_DATA, "Part %zu of the multipart body is cut off", *count);
        if (*count == MULTIPART_PARTS_MAX) return fn_fail(ctx, FN_INCORRECT_DATA, "Too many parts in the multipart body");
        FN_TRY(parse_part(ctx, (fn_str){at, (size_t)(next - at)}, *count, &(*parts)[*count]));
        ++*count;
        at = next + mark_size;
    }
    return FN_OK;
}
