/* infer_type.c - inferred types: merging two, turning one into a type of the engine. See infer.h. SPDX-License-Identifier: Apache-2.0 */
#include "text/infer.h"

const infer_type infer_scalars[INFER_KINDS] = {
    [INFER_NOTHING] = {.kind = INFER_NOTHING},   [INFER_BOOL] = {.kind = INFER_BOOL},         [INFER_INT] = {.kind = INFER_INT},
    [INFER_NEGATIVE] = {.kind = INFER_NEGATIVE}, [INFER_UINT] = {.kind = INFER_UINT},         [INFER_FLOAT] = {.kind = INFER_FLOAT},
    [INFER_DATE] = {.kind = INFER_DATE},         [INFER_DATETIME] = {.kind = INFER_DATETIME}, [INFER_DATETIME64] = {.kind = INFER_DATETIME64},
    [INFER_STRING] = {.kind = INFER_STRING},     [INFER_MIXED] = {.kind = INFER_MIXED},
};

fn_status infer_container(fn_ctx *ctx, infer_kind kind, const infer_type *const *args, const fn_str *names, uint32_t count, const infer_type **out)
{
    infer_type *t = FN_NEW(ctx, infer_type);
    FN_TRY_PTR(ctx, t);
    *t = (infer_type){kind, count, FN_NEW_ARRAY(ctx, const infer_type *, FN_MAX(count, 1u)), names ? FN_NEW_ARRAY(ctx, fn_str, FN_MAX(count, 1u)) : NULL};
    if (!t->args || (names && !t->names)) return ctx->error.code;
    if (count) memcpy(t->args, args, count * sizeof *args);
    if (count && names) memcpy(t->names, names, count * sizeof *names);
    *out = t;
    return FN_OK;
}

static bool is_integer(infer_kind k)
{
    return k == INFER_INT || k == INFER_NEGATIVE || k == INFER_UINT;
}

static bool is_number(infer_kind k)
{
    return is_integer(k) || k == INFER_FLOAT;
}

static bool is_time(infer_kind k)
{
    return k == INFER_DATE || k == INFER_DATETIME || k == INFER_DATETIME64;
}

static bool is_scalar(infer_kind k)
{
    return k < INFER_ARRAY;
}

static infer_kind merge_integers(infer_family family, infer_kind a, infer_kind b, bool *ok)
{
    *ok = family != INFER_JSON || !((a == INFER_UINT && b == INFER_NEGATIVE) || (a == INFER_NEGATIVE && b == INFER_UINT));
    if (a == INFER_UINT || b == INFER_UINT) return INFER_UINT;
    return a == INFER_NEGATIVE || b == INFER_NEGATIVE ? INFER_NEGATIVE : INFER_INT;
}

/* Two different scalars; false: they have nothing in common. */
static bool merge_scalars(const fn_infer_options *o, infer_family family, infer_kind a, infer_kind b, infer_kind *out)
{
    bool ok = true;
    const bool json = family == INFER_JSON;
    const bool text = a == INFER_STRING || b == INFER_STRING || is_time(a) || is_time(b);
    if (is_integer(a) && is_integer(b)) *out = merge_integers(family, a, b, &ok);
    else if (is_number(a) && is_number(b)) *out = INFER_FLOAT;
    else if (is_time(a) && is_time(b)) *out = FN_MAX(a, b);
    else if ((a == INFER_STRING && is_time(b)) || (b == INFER_STRING && is_time(a))) *out = INFER_STRING;
    else if (json && o->json_bools_as_numbers && ((a == INFER_BOOL && is_number(b)) || (b == INFER_BOOL && is_number(a)))) *out = a == INFER_BOOL ? b : a;
    else if (json && o->json_bools_as_strings && (a == INFER_BOOL || b == INFER_BOOL) && text) *out = INFER_STRING;
    else if (json && o->json_numbers_as_strings && (is_number(a) || is_number(b)) && text) *out = INFER_STRING;
    else ok = false;
    return ok;
}

static fn_status merge_args(fn_ctx *ctx, const fn_infer_options *o, infer_family family, const infer_type *a, const infer_type *b, const infer_type **out)
{
    const infer_type **args = FN_NEW_ARRAY(ctx, const infer_type *, FN_MAX(a->count, 1u));
    FN_TRY_PTR(ctx, args);
    *out = NULL;
    if (a->count != b->count) return FN_OK;
    bool same_a = true, same_b = true;
    for (uint32_t i = 0; i < a->count; i++) {
        FN_TRY(infer_merge(ctx, o, family, a->args[i], b->args[i], &args[i]));
        if (!args[i]) return FN_OK;
        same_a &= args[i] == a->args[i];
        same_b &= args[i] == b->args[i];
    }
    if (same_a || same_b) {
        *out = same_a ? a : b;
        return FN_OK;
    }
    return infer_container(ctx, a->kind, args, NULL, a->count, out);
}

static uint32_t find_name(const infer_type *t, fn_str name, uint32_t guess)
{
    if (guess < t->count && fn_str_eq(t->names[guess], name)) return guess;
    for (uint32_t i = 0; i < t->count; i++)
        if (fn_str_eq(t->names[i], name)) return i;
    return UINT32_MAX;
}

/* The union of the fields, in order of first sight. */
static fn_status merge_objects(fn_ctx *ctx, const fn_infer_options *o, const infer_type *a, const infer_type *b, const infer_type **out)
{
    const infer_type **args = FN_NEW_ARRAY(ctx, const infer_type *, (size_t)a->count + b->count + 1);
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, (size_t)a->count + b->count + 1);
    if (!args || !names) return ctx->error.code;
    bool same = true;
    uint32_t n = a->count;
    for (uint32_t i = 0; i < n; i++) {
        args[i] = a->args[i];
        names[i] = a->names[i];
    }
    for (uint32_t i = 0; i < b->count; i++) {
        const uint32_t at = find_name(a, b->names[i], i);
        if (at == UINT32_MAX) {
            same = false;
            args[n] = b->args[i];
            names[n++] = b->names[i];
            continue;
        }
        const infer_type *both;
        FN_TRY(infer_merge(ctx, o, INFER_JSON, a->args[at], b->args[i], &both));
        if (!both) return fn_fail(ctx, FN_INCORRECT_DATA, "JSON objects have ambiguous data: path '" FN_STR_FMT "' has different types", FN_STR_ARG(b->names[i]));
        same &= both == args[at];
        args[at] = both;
    }
    if (same) {
        *out = a;
        return FN_OK;
    }
    return infer_container(ctx, INFER_OBJECT, args, names, n, out);
}

fn_status infer_merge(fn_ctx *ctx, const fn_infer_options *o, infer_family family, const infer_type *a, const infer_type *b, const infer_type **out)
{
    infer_kind kind;
    *out = a;
    if (a == b || b->kind == INFER_NOTHING) return FN_OK;
    *out = b;
    if (a->kind == INFER_NOTHING) return FN_OK;
    *out = NULL;
    if (a->kind == INFER_MIXED || b->kind == INFER_MIXED) {
        const infer_type *other = a->kind == INFER_MIXED ? b : a;
        *out = other->kind == INFER_MIXED ? a : is_scalar(other->kind) ? &infer_scalars[INFER_STRING] : NULL;
        return FN_OK;
    }
    if (a->kind == b->kind && is_scalar(a->kind)) {
        *out = a;
        return FN_OK;
    }
    if (a->kind == INFER_OBJECT && b->kind == INFER_OBJECT) return merge_objects(ctx, o, a, b, out);
    if (a->kind == b->kind) return merge_args(ctx, o, family, a, b, out);
    if (is_scalar(a->kind) && is_scalar(b->kind) && merge_scalars(o, family, a->kind, b->kind, &kind)) *out = &infer_scalars[kind];
    return FN_OK;
}

/* ---- to types of the engine ---- */
static fn_status to_tuple(fn_ctx *ctx, const fn_infer_options *o, infer_family family, const infer_type *t, bool nullable, const fn_type **out)
{
    const fn_type **args = FN_NEW_ARRAY(ctx, const fn_type *, FN_MAX(t->count, 1u));
    const char **names = t->names ? FN_NEW_ARRAY(ctx, const char *, FN_MAX(t->count, 1u)) : NULL;
    if (!args || (t->names && !names)) return ctx->error.code;
    *out = NULL;
    for (uint32_t i = 0; i < t->count; i++) {
        FN_TRY(infer_to_type(ctx, o, family, t->args[i], nullable, &args[i]));
        if (!args[i]) return FN_OK;
        if (!names) continue;
        if (t->names[i].size == 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Names of tuple elements cannot be empty");
        names[i] = fn_arena_copy(ctx, ctx->arena, t->names[i].data, t->names[i].size);
        FN_TRY_PTR(ctx, names[i]);
        if (memchr(names[i], 0, t->names[i].size)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Names of tuple elements cannot have zero bytes");
    }
    if (t->count > UINT16_MAX) return fn_fail(ctx, FN_BAD_ARGUMENTS, "An object has too many fields");
    *out = fn_type_tuple(args, names, t->count);
    return FN_OK;
}

static fn_status to_map(fn_ctx *ctx, const fn_infer_options *o, infer_family family, const infer_type *t, bool nullable, const fn_type **out)
{
    const fn_type *key, *value;
    FN_TRY(infer_to_type(ctx, o, family, t->args[0], false, &key));
    FN_TRY(infer_to_type(ctx, o, family, t->args[1], nullable, &value));
    *out = key && value ? fn_type_map(key, value) : NULL;
    return FN_OK;
}

static const fn_type *scalar_type(infer_kind kind)
{
    switch (kind) {
    case INFER_BOOL: return fn_type_simple(FN_T_BOOL);
    case INFER_INT:
    case INFER_NEGATIVE: return fn_type_simple(FN_T_INT64);
    case INFER_UINT: return fn_type_simple(FN_T_UINT64);
    case INFER_FLOAT: return fn_type_simple(FN_T_FLOAT64);
    case INFER_DATE: return fn_type_simple(FN_T_DATE);
    case INFER_DATETIME: return fn_type_datetime(NULL);
    case INFER_DATETIME64: return fn_type_datetime64(9, NULL);
    case INFER_STRING: return fn_type_simple(FN_T_STRING);
    case INFER_NOTHING:
    case INFER_ARRAY:
    case INFER_TUPLE:
    case INFER_MAP:
    case INFER_OBJECT:
    case INFER_MIXED: break;
    }
    return NULL;
}

fn_status infer_to_type(fn_ctx *ctx, const fn_infer_options *o, infer_family family, const infer_type *t, bool nullable, const fn_type **out)
{
    const fn_type *item;
    *out = NULL;
    if (t->kind == INFER_MIXED) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Arrays of values without a common type (Array(Dynamic)) are not supported");
    if (t->kind == INFER_ARRAY) {
        FN_TRY(infer_to_type(ctx, o, family, t->args[0], nullable, &item));
        *out = item ? fn_type_array(item) : NULL;
        return FN_OK;
    }
    if (t->kind == INFER_MAP) return to_map(ctx, o, family, t, nullable, out);
    if (t->kind == INFER_OBJECT && (t->count == 0 || !o->json_named_tuples)) t = &infer_scalars[INFER_STRING];
    if (t->kind == INFER_TUPLE || t->kind == INFER_OBJECT) return to_tuple(ctx, o, family, t, nullable, out);
    const fn_type *scalar = t->kind == INFER_NOTHING ? (family == INFER_JSON ? fn_type_simple(FN_T_STRING) : NULL) : scalar_type(t->kind);
    *out = scalar && nullable ? fn_type_nullable(scalar) : scalar;
    return FN_OK;
}
