/* definition_codec.c - CODEC(...) of a column as ClickHouse shows it: parameters written out, combinations checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"

typedef struct codec_row {
    const char *name;
    const char *otherwise; /* parameter shown when none is written; "width": the column's; NULL: none */
    bool compresses, fixed; /* makes data smaller by itself; wants values of fixed size */
} codec_row;

static const codec_row codecs[] = {
    {"NONE", NULL, true, false},         {"Default", NULL, true, false}, {"LZ4", NULL, true, false},
    {"LZ4HC", "0", true, false},         {"ZSTD", "1", true, false},     {"Delta", "width", false, true},
    {"DoubleDelta", NULL, true, true},   {"Gorilla", "width", true, true}, {"T64", NULL, true, true},
    {"FPC", NULL, true, true},           {"GCD", NULL, false, true},
    {"AES_128_GCM_SIV", NULL, true, false}, {"AES_256_GCM_SIV", NULL, true, false}, /* declared only: without keys no row can be inserted */
};

static const codec_row *find_codec(fn_str name)
{
    for (size_t i = 0; i < FN_COUNT(codecs); i++)
        if (fn_str_eq_nocase(name, fn_cstr(codecs[i].name))) return &codecs[i];
    return NULL;
}

static bool encrypts(const codec_row *c)
{
    return fn_str_starts(fn_cstr(c->name), FN_STR("AES_"));
}

static fn_status put_codec(fn_ctx *ctx, const codec_row *c, const ast_expr *e, const fn_type *type, fn_buf *out)
{
    FN_TRY(fn_buf_cstr(ctx, out, c->name));
    const uint32_t count = e->kind == AST_FUNCTION ? e->args.count : 0;
    if (count == 0 && !c->otherwise) return FN_OK;
    if (count == 0 && strcmp(c->otherwise, "width") == 0) return fn_buf_printf(ctx, out, "(%u)", type->width);
    if (count == 0) return fn_buf_printf(ctx, out, "(%s)", c->otherwise);
    FN_TRY(fn_buf_byte(ctx, out, '('));
    for (uint32_t i = 0; i < count; i++) {
        if (i) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(sql_print_expr(ctx, e->args.items[i], out));
    }
    return fn_buf_byte(ctx, out, ')');
}

static fn_status check_codec(fn_ctx *ctx, const codec_row *c, const ast_expr *e, const fn_type *type)
{
    if (encrypts(c) && e->kind == AST_FUNCTION && e->args.count)
        return fn_fail(ctx, FN_ILLEGAL_SYNTAX_FOR_CODEC_TYPE, "Codec %s must not have parameters, given %u", c->name, e->args.count);
    if (c->fixed && type->width == 0)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Codec %s is not applicable for %s because the data type is not of fixed size", c->name, type->name);
    if (strcmp(c->name, "Delta") != 0 || e->kind != AST_FUNCTION || e->args.count == 0) return FN_OK;
    const uint64_t bytes = e->args.items[0]->u64;
    if (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_CODEC_PARAMETER, "Delta value for delta codec can be 1, 2, 4 or 8, given %llu", (unsigned long long)bytes);
}

static fn_status put_all(fn_ctx *ctx, const ast_expr *all, const fn_type *type, bool suspicious, fn_buf *out)
{
    bool compresses = false, generic = false, behind = false, encrypted = false, last = false;
    FN_TRY(fn_buf_cstr(ctx, out, "CODEC("));
    for (uint32_t i = 0; i < all->args.count; i++) {
        const ast_expr *e = all->args.items[i];
        const fn_str name = e->kind == AST_IDENTIFIER && e->part_count == 1 ? e->parts[0] : e->text;
        const codec_row *c = find_codec(name);
        if (!c) return fn_fail(ctx, FN_UNKNOWN_CODEC, "Unknown codec family: " FN_STR_FMT, FN_STR_ARG(name));
        FN_TRY(check_codec(ctx, c, e, type));
        compresses |= c->compresses;
        last |= encrypted && !encrypts(c);
        encrypted |= encrypts(c);
        behind |= generic && !encrypts(c); /* nothing makes sense behind a generic compression */
        generic |= fn_str_starts(fn_cstr(c->name), FN_STR("LZ4")) || strcmp(c->name, "ZSTD") == 0;
        if (i) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(put_codec(ctx, c, e, type, out));
    }
    FN_TRY(fn_buf_byte(ctx, out, ')'));
    const fn_str inner = {out->data + 6, out->size - 7};
    if (last && !suspicious)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "The combination of compression codecs " FN_STR_FMT " is meaningless, because it does not make sense to apply any "
                       "non-post-processing codecs after post-processing ones. (Note: you can enable setting 'allow_suspicious_codecs' to skip this check)", FN_STR_ARG(inner));
    if (behind && !suspicious)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "The combination of compression codecs " FN_STR_FMT " is meaningless, because it does not make sense to apply any "
                       "transformations after generic compression algorithm. (Note: you can enable setting 'allow_suspicious_codecs' to skip this check)", FN_STR_ARG(inner));
    if (compresses || suspicious) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Compression codec " FN_STR_FMT " does not compress anything. You may want to add generic compression algorithm after "
                   "other transformations, like: " FN_STR_FMT ", LZ4. (Note: you can enable setting 'allow_suspicious_codecs' to skip this check)",
                   FN_STR_ARG(inner), FN_STR_ARG(inner));
}

fn_status definition_codec(query *q, ast_column_def *def)
{
    ast_expr *all;
    const fn_type *type;
    fn_str allowed;
    fn_buf text = FN_BUF_INIT;
    if (!def->codec.size) return FN_OK;
    FN_TRY(sql_parse_expr(q->ctx, def->codec, &all));
    FN_TRY(fn_type_parse(q->ctx, def->type, &type));
    FN_TRY(settings_get(q->ctx, &q->settings, FN_STR("allow_suspicious_codecs"), &allowed));
    fn_status status = put_all(q->ctx, all, fn_type_base(type), fn_str_eq(allowed, FN_STR("1")), &text);
    if (status == FN_OK) status = fn_arena_str(q->ctx, q->ctx->arena, fn_buf_view(&text), &def->codec);
    fn_buf_release(&text);
    return status;
}
