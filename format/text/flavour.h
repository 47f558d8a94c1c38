/* text/flavour.h - the flavours of a format that differ by flags alone: entry points that call the file's own open_writer,
 * open_reader and infer with the flags. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEXT_FLAVOUR_H
#define FIRN_TEXT_FLAVOUR_H
#include <firn/format.h>

#define TEXT_WRITER(symbol, flags)                                                                                                        \
    static fn_status symbol##_writer(fn_ctx *ctx, const fn_schema *schema, fn_sink *out, const fn_format_settings *s, fn_writer **writer)   \
    {                                                                                                                                     \
        return open_writer(ctx, schema, out, s, flags, writer);                                                                           \
    }
#define TEXT_READER(symbol, flags)                                                                                                        \
    static fn_status symbol##_reader(fn_ctx *ctx, const fn_schema *schema, fn_source *in, const fn_format_settings *s, bool *missing,       \
                                     fn_reader **reader)                                                                                  \
    {                                                                                                                                     \
        return open_reader(ctx, schema, in, s, missing, flags, reader);                                                                   \
    }                                                                                                                                     \
    static fn_status symbol##_infer(fn_ctx *ctx, fn_str head, bool complete, const fn_format_settings *s, fn_schema *out)                   \
    {                                                                                                                                     \
        return infer(ctx, head, complete, s, flags, out);                                                                                 \
    }
/* A format both ways: format_<symbol>. */
#define TEXT_FLAVOUR(symbol, text, content, flags, words)                                                                                  \
    TEXT_WRITER(symbol, flags)                                                                                                            \
    TEXT_READER(symbol, flags)                                                                                                            \
    const fn_format format_##symbol = {.name = text, .content_type = content, .open_writer = symbol##_writer, .open_reader = symbol##_reader, \
                                       .infer = symbol##_infer, .about = words};
#endif
