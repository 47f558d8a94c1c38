/* definition_codec.c - CODEC(...) of a column as ClickHouse shows it: parameters written out, combinations checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"

typedef struct codec_row codec_row;
struct codec_row {
    const char *name;
    const char *otherwise; /* parameter shown when none is written; "width": the column's; NULL: none */
    bool compresses, fixed; /* makes data smaller by itself; wants values of fixed size */
    fn_status (*check)(fn_ctx *ctx, const codec_row *c, const ast_list *args, const fn_type *type); /* NULL: nothing more */
};

/* ---- parameters and types ---- */
static fn_status no_args(fn_ctx *ctx, const codec_row *c, const ast_list *args, const fn_type *type)
{
    (void)type;
    if (!args->count) return FN_OK;
    return fn_fail(ctx, FN_DATA_TYPE_CANNOT_HAVE_ARGUMENTS, "Compression codec %s cannot have arguments", c->name);
}

static fn_status one_arg(fn_ctx *ctx, const codec_row *c, const ast_list *args, const fn_type *type)
{
    (void)type;
    if (args->count <= 1) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_SYNTAX_FOR_CODEC_TYPE, "%s codec must have 1 parameter, given %u", c->name, args->count);
}

static fn_status number_of(fn_ctx *ctx, const ast_expr *e, uint64_t *out)
{
    if (e->kind != AST_LITERAL || e->literal_kind != LITERAL_UINT) return fn_fail(ctx, FN_BAD_GET, "Bad get: the parameter of a codec must be a UInt64");
    *out = e->u64;
    return FN_OK;
}

static fn_status check_zstd(fn_ctx *ctx, const codec_row *c, const ast_list *args, const fn_type *type)
{
    uint64_t level = 0, window = 10;
    (void)type;
    if (args->count > 2) return fn_fail(ctx, FN_ILLEGAL_SYNTAX_FOR_CODEC_TYPE, "%s codec must have 1 or 2 parameters, given %u", c->name, args->count);
    if (args->count > 0) FN_TRY(number_of(ctx, args->items[0], &level));
    if (args->count > 1) FN_TRY(number_of(ctx, args->items[1], &window));
    if (level > 22) return fn_fail(ctx, FN_ILLEGAL_CODEC_PARAMETER, "ZSTD codec can't have level more than 22, given %llu", (unsigned long long)level);
    if (window >= 10 && window <= 31) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_CODEC_PARAMETER, "ZSTD codec can't have window log more than 31 and lower than 10, given %llu", (unsigned long long)window);
}

static fn_status check_delta(fn_ctx *ctx, const codec_row *c, const ast_list *args, const fn_type *type)
{
    FN_TRY(one_arg(ctx, c, args, type));
    if (args->count == 0) return FN_OK;
    const uint64_t bytes = args->items[0]->u64;
    if (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_CODEC_PARAMETER, "Delta value for delta codec can be 1, 2, 4 or 8, given %llu", (unsigned long long)bytes);
}

static bool is_float(const fn_type *type)
{
    return type->id == FN_T_FLOAT32 || type->id == FN_T_FLOAT64;
}

static fn_status check_fpc(fn_ctx *ctx, const codec_row *c, const ast_list *args, const fn_type *type)
{
    uint64_t level = 12;
    (void)c;
    if (!is_float(type)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Codec 'FPC' is not applicable for %s because the data type is not Float*", type->name);
    if (args->count > 0) FN_TRY(number_of(ctx, args->items[0], &level));
    if (level >= 1 && level <= 28) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_CODEC_PARAMETER, "Codec 'FPC' level must be between 1 and 28");
}

/* Integers and what lies as one, up to 64 bits. */
static bool is_integral(const fn_type *type)
{
    return fn_type_is_integer(type) || fn_type_is_date_or_time(type) || type->id == FN_T_DECIMAL || type->id == FN_T_ENUM8 || type->id == FN_T_ENUM16;
}

static fn_status check_t64(fn_ctx *ctx, const codec_row *c, const ast_list *args, const fn_type *type)
{
    (void)c;
    if ((!is_integral(type) && type->id != FN_T_IPV4 && type->id != FN_T_BOOL) || type->width > 8)
        return fn_fail(ctx, FN_ILLEGAL_SYNTAX_FOR_CODEC_TYPE, "T64 codec is not supported for specified type %s", type->name);
    if (args->count > 1) return fn_fail(ctx, FN_ILLEGAL_SYNTAX_FOR_CODEC_TYPE, "T64 support zero or one parameter, given %u", args->count);
    if (args->count == 0 || fn_str_eq(args->items[0]->text, FN_STR("bit")) || fn_str_eq(args->items[0]->text, FN_STR("byte"))) return FN_OK;
    return fn_fail(ctx, FN_ILLEGAL_CODEC_PARAMETER, "Wrong modification for T64: " FN_STR_FMT, FN_STR_ARG(args->items[0]->text));
}

static fn_status check_gcd(fn_ctx *ctx, const codec_row *c, const ast_list *args, const fn_type *type)
{
    (void)c;
    (void)args;
    if (is_integral(type)) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Codec GCD cannot be applied to column %s because it can only be used with Int*, UInt*, Decimal*, Date* or DateTime* types",
                   type->name);
}

static const codec_row codecs[] = {
    {"NONE", NULL, true, false, no_args},    {"Default", NULL, true, false, NULL},  {"LZ4", NULL, true, false, no_args},
    {"LZ4HC", "0", true, false, one_arg},    {"ZSTD", "1", true, false, check_zstd}, {"Delta", "width", false, true, check_delta},
    {"DoubleDelta", NULL, true, true, NULL}, {"Gorilla", "width", true, true, NULL}, {"T64", NULL, true, false, check_t64},
    {"FPC", "12", true, false, check_fpc},   {"GCD", NULL, false, false, check_gcd},
    {"AES_128_GCM_SIV", NULL, true, false, NULL}, {"AES_256_GCM_SIV", NULL, true, false, NULL}, /* declared only: without keys no row can be inserted */
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
    const uint32_t shown = strcmp(c->name, "FPC") == 0 ? 1 : count; /* its second one is the column's width */
    FN_TRY(fn_buf_byte(ctx, out, '('));
    for (uint32_t i = 0; i < shown; i++) {
        if (i) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(sql_print_expr(ctx, e->args.items[i], out));
    }
    return fn_buf_byte(ctx, out, ')');
}

static fn_status check_codec(fn_ctx *ctx, const codec_row *c, const ast_expr *e, const fn_type *type)
{
    static const ast_list none = {NULL, 0};
    if (encrypts(c) && e->kind == AST_FUNCTION && e->args.count)
        return fn_fail(ctx, FN_ILLEGAL_SYNTAX_FOR_CODEC_TYPE, "Codec %s must not have parameters, given %u", c->name, e->args.count);
    if (c->fixed && type->width == 0)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Codec %s is not applicable for %s because the data type is not of fixed size", c->name, type->name);
    return c->check ? c->check(ctx, c, e->kind == AST_FUNCTION ? &e->args : &none, type) : FN_OK;
}

/* What the codecs of a column are, together. */
typedef struct codec_mix {
    bool compresses, generic, encrypted, none, delta, float_series;
    bool behind, behind_encryption, delta_before_float; /* combinations that make no sense */
} codec_mix;

static void add_codec(codec_mix *m, const codec_row *c)
{
    const bool float_series = strcmp(c->name, "Gorilla") == 0 || strcmp(c->name, "FPC") == 0;
    m->compresses |= c->compresses;
    m->behind_encryption |= m->encrypted && !encrypts(c);
    m->encrypted |= encrypts(c);
    m->behind |= m->generic && !encrypts(c); /* nothing makes sense behind a generic compression */
    m->generic |= fn_str_starts(fn_cstr(c->name), FN_STR("LZ4")) || strcmp(c->name, "ZSTD") == 0 || strcmp(c->name, "Default") == 0;
    m->none |= strcmp(c->name, "NONE") == 0;
    m->delta_before_float |= m->delta && float_series;
    m->delta |= strcmp(c->name, "Delta") == 0 || strcmp(c->name, "DoubleDelta") == 0;
    m->float_series |= float_series;
}

static fn_status check_mix(fn_ctx *ctx, const codec_mix *m, uint32_t count, const fn_type *type, fn_str inner)
{
    static const char note[] = "(Note: you can enable setting 'allow_suspicious_codecs' to skip this check)";
    const char *why = NULL;
    if (m->none && count > 1)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "It does not make sense to have codec NONE along with other compression codecs: " FN_STR_FMT ". %s", FN_STR_ARG(inner), note);
    if (m->behind_encryption) why = "it does not make sense to apply any non-post-processing codecs after post-processing ones.";
    else if (m->behind) why = "it does not make sense to apply any transformations after generic compression algorithm.";
    else if (m->float_series && !is_float(type)) why = "it does not make sense to apply a floating-point time series codec to non-floating-point columns";
    else if (m->delta_before_float) why = "floating point time series codecs do delta compression implicitly by themselves.";
    if (why) return fn_fail(ctx, FN_BAD_ARGUMENTS, "The combination of compression codecs " FN_STR_FMT " is meaningless, because %s %s", FN_STR_ARG(inner), why, note);
    if (m->compresses) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Compression codec " FN_STR_FMT " does not compress anything. You may want to add generic compression algorithm after "
                   "other transformations, like: " FN_STR_FMT ", LZ4. %s", FN_STR_ARG(inner), FN_STR_ARG(inner), note);
}

static fn_status put_all(fn_ctx *ctx, const ast_expr *all, const fn_type *type, bool suspicious, fn_buf *out)
{
    codec_mix mix = {false};
    FN_TRY(fn_buf_cstr(ctx, out, "CODEC("));
    for (uint32_t i = 0; i < all->args.count; i++) {
        const ast_expr *e = all->args.items[i];
        const fn_str name = e->kind == AST_IDENTIFIER && e->part_count == 1 ? e->parts[0] : e->text;
        const codec_row *c = find_codec(name);
        if (!c) return fn_fail(ctx, FN_UNKNOWN_CODEC, "Unknown codec family: " FN_STR_FMT, FN_STR_ARG(name));
        FN_TRY(check_codec(ctx, c, e, type));
        add_codec(&mix, c);
        if (i) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(put_codec(ctx, c, e, type, out));
    }
    FN_TRY(fn_buf_byte(ctx, out, ')'));
    return suspicious ? FN_OK : check_mix(ctx, &mix, all->args.count, type, (fn_str){out->data + 6, out->size - 7});
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
    for (type = fn_type_base(type); type->id == FN_T_ARRAY;) type = fn_type_base(type->args[0]); /* it is about the elements */
    fn_status status = put_all(q->ctx, all, type, fn_str_eq(allowed, FN_STR("1")), &text);
    if (status == FN_OK) status = fn_arena_str(q->ctx, q->ctx->arena, fn_buf_view(&text), &def->codec);
    fn_buf_release(&text);
    return status;
}

fn_status definition_codec_text(fn_ctx *ctx, const ast_expr *codec, const fn_type *type, bool suspicious, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = put_all(ctx, codec, type, suspicious, &text);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, (fn_str){text.data + 6, text.size - 7}, out);
    fn_buf_release(&text);
    return status;
}
