/* type_supertype.c - the least common type of several, as ClickHouse's getLeastSupertype: Nullable and LowCardinality are
 * taken off and put back, containers go element by element, numbers widen without loss. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"

static fn_status no_common(fn_ctx *ctx, const fn_type *const *types, size_t count, const char *why)
{
    fn_buf list = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (size_t i = 0; i < count && i < 20 && status == FN_OK; i++) status = fn_buf_printf(ctx, &list, "%s%s", i ? ", " : "", types[i]->name);
    if (status == FN_OK) status = fn_fail(ctx, FN_NO_COMMON_TYPE, "There is no supertype for types %.*s because %s", (int)list.size, list.data, why);
    fn_buf_release(&list);
    return status;
}

static unsigned bits_of(const fn_type *t)
{
    return t->width * 8;
}

static const fn_type *integer(bool is_signed, unsigned bits)
{
    static const fn_type_id u[] = {FN_T_UINT8, FN_T_UINT16, FN_T_UINT32, FN_T_UINT64, FN_T_UINT128, FN_T_UINT256};
    static const fn_type_id s[] = {FN_T_INT8, FN_T_INT16, FN_T_INT32, FN_T_INT64, FN_T_INT128, FN_T_INT256};
    unsigned i = 0;
    for (unsigned w = 8; w < bits && i < 5; w *= 2) i++;
    return fn_type_simple(is_signed ? s[i] : u[i]);
}

typedef struct number_kinds {
    unsigned max_unsigned, max_signed, max_float; /* bits; 0: none */
    unsigned scale, decimal_digits;               /* of the decimals: the most digits behind the point, the widest storage */
    bool decimal, boolean, other_than_bool;
} number_kinds;

static void note_number(number_kinds *k, const fn_type *t)
{
    if (t->id == FN_T_BOOL) {
        k->boolean = true;
        k->max_unsigned = FN_MAX(k->max_unsigned, 8u);
        return;
    }
    k->other_than_bool = true;
    if (t->id == FN_T_DECIMAL) {
        k->decimal = true;
        k->scale = FN_MAX(k->scale, (unsigned)t->scale);
        k->decimal_digits = FN_MAX(k->decimal_digits, (unsigned)t->precision);
    } else if (t->id == FN_T_ENUM8 || t->id == FN_T_ENUM16) { /* enums that differ have their numbers in common */
        k->max_signed = FN_MAX(k->max_signed, bits_of(t));
    } else if (fn_type_is_float(t)) {
        k->max_float = FN_MAX(k->max_float, bits_of(t));
    } else if (fn_type_is_unsigned(t)) {
        k->max_unsigned = FN_MAX(k->max_unsigned, bits_of(t));
    } else {
        k->max_signed = FN_MAX(k->max_signed, bits_of(t));
    }
}

static unsigned digits_of_integer(unsigned bits, bool is_signed)
{
    return bits == 0 ? 0 : bits <= 8 ? 3 : bits <= 16 ? 5 : bits <= 32 ? 10 : bits <= 64 ? 20u - is_signed : 77;
}

/* The widest storage of the decimals that holds the largest scale and the integers; digits of decimals are not counted beside another scale. */
static fn_status common_decimal(fn_ctx *ctx, const fn_type *const *types, size_t count, const number_kinds *k, const fn_type **out)
{
    if (k->max_float) return no_common(ctx, types, count, "some of them have no lossless conversion to Decimal");
    unsigned whole = FN_MAX(digits_of_integer(k->max_unsigned, false), digits_of_integer(k->max_signed, true));
    if (!k->scale && !k->max_unsigned && (k->max_signed == 32 || k->max_signed == 64)) whole = k->max_signed == 32 ? 9 : 18;
    const unsigned digits = FN_MAX(k->scale + whole, k->decimal_digits);
    if (k->scale + whole > 76) return no_common(ctx, types, count, "the decimal would need more than 76 digits");
    *out = fn_type_decimal(digits <= 9 ? 9 : digits <= 18 ? 18 : digits <= 38 ? 38 : 76, k->scale);
    return FN_OK;
}

static fn_status common_number(fn_ctx *ctx, const fn_type *const *types, size_t count, const fn_type **out)
{
    number_kinds k = {0};
    for (size_t i = 0; i < count; i++) note_number(&k, types[i]);
    if (k.boolean && !k.other_than_bool) {
        *out = fn_type_simple(FN_T_BOOL);
        return FN_OK;
    }
    const unsigned most = FN_MAX(k.max_signed, k.max_unsigned);
    if (k.decimal) return common_decimal(ctx, types, count, &k, out);
    if (k.max_float) {
        const unsigned least = most == 0 ? 0 : most <= 16 ? 32 : 64;
        if (most > 64) return no_common(ctx, types, count, "some of them are integers and some are floating point, but there is no floating point type, that can exactly represent all required integers");
        if (most == 64) return no_common(ctx, types, count, "some of them are integers and some are floating point, but there is no floating point type, that can exactly represent all required integers");
        *out = fn_type_simple(FN_MAX(k.max_float, least) == 64 ? FN_T_FLOAT64 : FN_T_FLOAT32);
        return FN_OK;
    }
    if (!k.max_signed) {
        *out = integer(false, k.max_unsigned);
        return FN_OK;
    }
    const unsigned bits = FN_MAX(k.max_signed, k.max_unsigned ? k.max_unsigned * 2 : 0);
    if (bits > 256 || (k.max_unsigned == 64 && k.max_signed <= 64))
        return no_common(ctx, types, count, "some of them are signed integers and some are unsigned integers, but there is no signed integer type, that can exactly represent all required unsigned integer values");
    *out = integer(true, bits);
    return FN_OK;
}

static fn_status common_date(fn_ctx *ctx, const fn_type *const *types, size_t count, const fn_type **out)
{
    bool time = false, wide_date = false, wide_time = false;
    unsigned scale = 0;
    const fn_type *zoned = NULL; /* the zone is that of the first DateTime64 of the largest scale, else of the first DateTime */
    for (size_t i = 0; i < count; i++) {
        const fn_type *t = types[i];
        if (!fn_type_is_date_or_time(t)) return no_common(ctx, types, count, "some of them are Date/Date32/DateTime/DateTime64 and some of them are not");
        wide_date |= t->id == FN_T_DATE32;
        time |= t->id == FN_T_DATETIME || t->id == FN_T_DATETIME64;
        wide_time |= t->id == FN_T_DATETIME64;
        scale = FN_MAX(scale, (unsigned)t->scale);
        if (t->id == FN_T_DATETIME && !zoned) zoned = t;
        if (t->id == FN_T_DATETIME64 && (!zoned || zoned->id == FN_T_DATETIME || t->scale > zoned->scale)) zoned = t;
    }
    const fn_tz *tz = zoned ? zoned->timezone : NULL;
    if (!time) *out = fn_type_simple(wide_date ? FN_T_DATE32 : FN_T_DATE);
    else if (wide_time || wide_date) *out = fn_type_datetime64(scale, tz);
    else *out = fn_type_datetime(tz);
    return FN_OK;
}

static fn_status common_args(fn_ctx *ctx, const fn_type *const *types, size_t count, uint32_t arg, const fn_type **out)
{
    const fn_type **args = fn_arena_alloc(ctx, ctx->arena, count * sizeof *args);
    FN_TRY_PTR(ctx, args);
    for (size_t i = 0; i < count; i++) args[i] = types[i]->args[arg];
    return fn_type_common(ctx, args, count, out);
}

static fn_status common_container(fn_ctx *ctx, const fn_type *const *types, size_t count, const fn_type **out)
{
    const fn_type *first = types[0], *element[2];
    for (size_t i = 1; i < count; i++)
        if (types[i]->id != first->id || types[i]->arg_count != first->arg_count)
            return no_common(ctx, types, count, "some of them are Array/Tuple/Map and some of them are not, or their sizes differ");
    if (first->id == FN_T_ARRAY) {
        FN_TRY(common_args(ctx, types, count, 0, &element[0]));
        *out = fn_type_array(element[0]);
        return FN_OK;
    }
    if (first->id == FN_T_MAP) {
        FN_TRY(common_args(ctx, types, count, 0, &element[0]));
        FN_TRY(common_args(ctx, types, count, 1, &element[1]));
        *out = fn_type_map(element[0], element[1]);
        return FN_OK;
    }
    const fn_type **fields = fn_arena_alloc(ctx, ctx->arena, (first->arg_count + 1u) * sizeof *fields);
    FN_TRY_PTR(ctx, fields);
    bool names = first->arg_names != NULL;
    for (size_t i = 1; i < count && names; i++) {
        names = types[i]->arg_names != NULL;
        for (uint32_t a = 0; a < first->arg_count && names; a++) names = strcmp(first->arg_names[a], types[i]->arg_names[a]) == 0;
    }
    for (uint32_t a = 0; a < first->arg_count; a++) FN_TRY(common_args(ctx, types, count, a, &fields[a]));
    *out = fn_type_tuple(fields, names ? first->arg_names : NULL, first->arg_count);
    return FN_OK;
}

/* All distinct, none Nothing, Nullable or LowCardinality. */
static fn_status common_plain(fn_ctx *ctx, const fn_type *const *types, size_t count, const fn_type **out)
{
    size_t strings = 0, enums = 0, numbers = 0, dates = 0, containers = 0;
    for (size_t i = 0; i < count; i++) {
        const fn_type_id id = types[i]->id;
        strings += fn_type_is_string(types[i]);
        enums += id == FN_T_ENUM8 || id == FN_T_ENUM16;
        numbers += fn_type_is_number(types[i]) || id == FN_T_ENUM8 || id == FN_T_ENUM16;
        dates += fn_type_is_date_or_time(types[i]);
        containers += id == FN_T_ARRAY || id == FN_T_TUPLE || id == FN_T_MAP;
    }
    if (strings && strings + enums == count) {
        *out = fn_type_simple(FN_T_STRING);
        return FN_OK;
    }
    if (strings) return no_common(ctx, types, count, "some of them are String/FixedString/Enum and some of them are not");
    if (numbers == count) return common_number(ctx, types, count, out);
    if (dates == count) return common_date(ctx, types, count, out);
    if (dates) return no_common(ctx, types, count, "some of them are Date/Date32/DateTime/DateTime64 and some of them are not");
    if (containers == count) return common_container(ctx, types, count, out);
    if (containers) return no_common(ctx, types, count, "some of them are Array/Tuple/Map and some of them are not");
    return no_common(ctx, types, count, numbers ? "some of them are numbers and some of them are not" : "they are of different kinds");
}

fn_status fn_type_common(fn_ctx *ctx, const fn_type *const *types, size_t count, const fn_type **out)
{
    const fn_type **plain = fn_arena_alloc(ctx, ctx->arena, (count + 1) * sizeof *plain);
    FN_TRY_PTR(ctx, plain);
    size_t n = 0;
    bool nullable = false, low = count > 0, one = true; /* a name for a type stays where all have it */
    for (size_t i = 1; i < count; i++) one &= types[i] == types[0];
    for (size_t i = 0; i < count; i++) {
        const fn_type *t = one ? types[i] : fn_type_value(types[i]);
        nullable |= fn_type_is_nullable(t);
        const fn_type *base = fn_type_base(t);
        low &= t->id == FN_T_LOW_CARDINALITY || base->id == FN_T_NOTHING;
        if (base->id == FN_T_NOTHING) continue;
        size_t k = 0;
        while (k < n && plain[k] != base) k++;
        if (k == n) plain[n++] = base;
    }
    if (n == 0) *out = fn_type_simple(FN_T_NOTHING);
    else if (n == 1) *out = plain[0];
    else FN_TRY(common_plain(ctx, plain, n, out));
    if (nullable && !fn_type_can_be_nullable(*out)) return no_common(ctx, types, count, "some of them are Nullable and the common type cannot be inside Nullable");
    if (nullable) *out = fn_type_nullable(*out);
    if (low && n) *out = fn_type_low_cardinality(*out);
    return FN_OK;
}

fn_status fn_type_common_or_variant(fn_ctx *ctx, const fn_type *const *types, size_t count, const fn_type **out)
{
    const fn_status status = fn_type_common(ctx, types, count, out);
    if (status != FN_NO_COMMON_TYPE) return status;
    fn_buf list = FN_BUF_INIT;
    fn_error_clear(ctx);
    fn_status failed = FN_OK;
    for (size_t i = 0; i < count && i < 20 && failed == FN_OK; i++) failed = fn_buf_printf(ctx, &list, "%s%s", i ? ", " : "", types[i]->name);
    if (failed == FN_OK) failed = fn_fail(ctx, FN_NOT_IMPLEMENTED, "Type Variant, here of %.*s, is not supported", (int)list.size, list.data);
    fn_buf_release(&list);
    return failed;
}
