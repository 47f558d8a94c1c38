/* func_comparison.c - equals, notEquals, less, greater, ... exact over mixed types.
 * The way is chosen at bind: kernels when both sides have one plain type after a lossless widening (a constant is converted
 * once), exact value-by-value comparison for signed against unsigned 64 bits, integers against floats, and decimals; strings
 * by bytes; dates and other types against a string constant parse the constant; tuples and arrays element by element.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/family.h"
#include "function/arith_number.h"
#include "kernel/kernel.h"
#include <firn/wide.h>
#include <math.h>

typedef enum compare_way { COMPARE_KERNEL, COMPARE_MIXED, COMPARE_STRING, COMPARE_COLUMNS, COMPARE_TUPLE } compare_way;

typedef struct compare_data {
    int op;                /* KERN_EQ ... */
    compare_way way;
    const fn_type *common; /* both sides are converted to it; NULL: as they are */
    const func_call **eq, **op_kids; /* COMPARE_TUPLE: per field equality and the operator */
    uint32_t fields;
} compare_data;

static bool is_plain_number(const fn_type *t)
{
    return fn_type_is_integer(t) || fn_type_is_float(t) || t->id == FN_T_BOOL;
}

static fn_status bind_pair(fn_ctx *ctx, const char *name, const fn_type *a, const fn_type *b, const func_call **out)
{
    func_call *kid = FN_NEW(ctx, func_call);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, 2);
    fn_column **consts = FN_NEW_ARRAY(ctx, fn_column *, 2);
    if (!kid || !types || !consts) return ctx->error.code;
    types[0] = fn_type_base(a);
    types[1] = fn_type_base(b);
    *out = NULL;
    if (types[0]->id == FN_T_NOTHING || types[1]->id == FN_T_NOTHING) return FN_OK;
    *kid = (func_call){.def = func_find(fn_cstr(name)), .arg_count = 2, .arg_types = types, .consts = consts};
    FN_TRY(kid->def->bind(ctx, kid));
    *out = kid;
    return FN_OK;
}

static fn_status bind_tuple(fn_ctx *ctx, func_call *call, compare_data *d, const fn_type *a, const fn_type *b)
{
    if (a->arg_count != b->arg_count) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot compare tuples of different sizes");
    d->way = COMPARE_TUPLE;
    d->fields = a->arg_count;
    d->eq = FN_NEW_ARRAY(ctx, const func_call *, a->arg_count + 1u);
    d->op_kids = FN_NEW_ARRAY(ctx, const func_call *, a->arg_count + 1u);
    if (!d->eq || !d->op_kids) return ctx->error.code;
    bool nullable = false;
    for (uint32_t i = 0; i < a->arg_count; i++) {
        nullable |= fn_type_is_nullable(a->args[i]) || fn_type_is_nullable(b->args[i]);
        FN_TRY(bind_pair(ctx, "equals", a->args[i], b->args[i], &d->eq[i]));
        FN_TRY(bind_pair(ctx, d->op == KERN_LE ? "less" : d->op == KERN_GE ? "greater" : call->def->name, a->args[i], b->args[i], &d->op_kids[i]));
    }
    if (nullable) call->type = fn_type_nullable(call->type);
    return FN_OK;
}

/* A type both plain numbers widen to without loss; NULL if there is none. */
static const fn_type *lossless(const fn_type *a, const fn_type *b)
{
    if (a->width > 8 || b->width > 8) return NULL;
    const bool fa = fn_type_is_float(a), fb = fn_type_is_float(b);
    if (fa || fb) {
        if ((!fa && a->width > 4) || (!fb && b->width > 4)) return NULL;
        return a->id == FN_T_FLOAT32 && b->id == FN_T_FLOAT32 ? a : fn_type_simple(FN_T_FLOAT64);
    }
    const bool ua = a->phys <= FN_PHYS_U256, ub = b->phys <= FN_PHYS_U256;
    if (ua == ub) return arith_integer(!ua, FN_MAX(a->width, b->width));
    const unsigned u = ua ? a->width : b->width, s = ua ? b->width : a->width;
    return u >= 8 ? NULL : arith_integer(true, FN_MAX(u * 2, s));
}

/* Does the integer constant fit into the integer type of the other side? Then that type is common to both. */
static const fn_type *type_of_other(const fn_column *constant, const fn_type *other)
{
    if (!constant || constant->nulls || constant->type->width > 8 || other->width > 8) return NULL;
    if (!fn_type_is_integer(constant->type) || !fn_type_is_integer(other)) return NULL;
    const int64_t v = fn_column_i64_at(constant, 0);
    const bool beyond = v < 0 && (constant->type->phys <= FN_PHYS_U256) != (other->phys <= FN_PHYS_U256); /* negative, or 2^63 and more */
    return !beyond && other->width == 8 ? other : NULL;
}

/* A constant string that is compared with numbers must be one. */
static fn_status check_number_text(fn_ctx *ctx, const fn_column *text, const fn_type *type)
{
    fn_column *number;
    FN_TRY(expr_convert(ctx, text, fn_type_nullable(type), CONVERT_OR_NULL, &number));
    const bool lost = fn_column_is_null(number, 0);
    fn_column_drop(number);
    if (!lost) return FN_OK;
    const fn_str s = fn_column_str_at(text, 0);
    return fn_fail(ctx, FN_TYPE_MISMATCH, "Cannot convert string '" FN_STR_FMT "' to type %s", FN_STR_ARG(s), type->name);
}

/* The way for two base types. */
static fn_status choose(fn_ctx *ctx, func_call *call, compare_data *d, const fn_type *a, const fn_type *b)
{
    const bool sa = fn_type_is_string(a), sb = fn_type_is_string(b);
    if (a->id == FN_T_TUPLE && b->id == FN_T_TUPLE) return bind_tuple(ctx, call, d, a, b);
    if (sa && sb) {
        d->way = COMPARE_STRING;
        return FN_OK;
    }
    if (a == b) {
        d->way = kern_type(a->phys) >= 0 ? COMPARE_KERNEL : COMPARE_COLUMNS;
        return FN_OK;
    }
    if (is_plain_number(a) && is_plain_number(b)) {
        const fn_type *t = lossless(a, b);
        if (!t) t = type_of_other(call->consts[1], a);
        if (!t) t = type_of_other(call->consts[0], b);
        d->way = t ? COMPARE_KERNEL : COMPARE_MIXED;
        d->common = t;
        return FN_OK;
    }
    if (fn_type_is_number(a) && fn_type_is_number(b)) {
        d->way = COMPARE_MIXED;
        return FN_OK;
    }
    if (sa != sb) { /* a constant string is read as the other type; a column of strings is not comparable */
        const fn_column *text = call->consts[sa ? 0 : 1];
        const fn_type *other = sa ? b : a;
        const bool enums = other->id == FN_T_ENUM8 || other->id == FN_T_ENUM16;
        if (!text && fn_type_is_number(other)) return fn_type_common(ctx, (const fn_type *const[]){a, b}, 2, &d->common); /* there is none */
        if (text && fn_type_is_number(other)) FN_TRY(check_number_text(ctx, text, other));
        if (!text && !enums && other->id != FN_T_UUID && other->id != FN_T_IPV4 && other->id != FN_T_IPV6) return func_illegal(ctx, call);
        d->common = other;
        if (enums && !text) d->common = fn_type_simple(FN_T_STRING);
        d->way = d->common->id == FN_T_STRING ? COMPARE_STRING : kern_type(other->phys) >= 0 ? COMPARE_KERNEL : COMPARE_COLUMNS;
        return FN_OK;
    }
    const bool enum_a = a->id == FN_T_ENUM8 || a->id == FN_T_ENUM16, enum_b = b->id == FN_T_ENUM8 || b->id == FN_T_ENUM16;
    if ((enum_a && fn_type_is_integer(b)) || (enum_b && fn_type_is_integer(a))) {
        d->common = fn_type_simple(FN_T_INT64);
        d->way = COMPARE_KERNEL;
        return FN_OK;
    }
    const bool date_a = fn_type_is_date_or_time(a), date_b = fn_type_is_date_or_time(b);
    if ((date_a && fn_type_is_integer(b)) || (date_b && fn_type_is_integer(a))) {
        d->common = fn_type_simple(FN_T_INT64);
        d->way = COMPARE_KERNEL;
        return FN_OK;
    }
    const fn_type *types[2] = {a, b};
    if ((a->id == FN_T_IPV4 && b->id == FN_T_IPV6) || (a->id == FN_T_IPV6 && b->id == FN_T_IPV4)) d->common = fn_type_simple(FN_T_IPV6);
    else if (fn_type_common(ctx, types, 2, &d->common) != FN_OK) {
        fn_error_clear(ctx);
        return func_illegal(ctx, call);
    }
    d->way = kern_type(d->common->phys) >= 0 ? COMPARE_KERNEL : COMPARE_COLUMNS;
    return FN_OK;
}

static fn_status bind_compare(fn_ctx *ctx, func_call *call, int op)
{
    compare_data *d = FN_NEW(ctx, compare_data);
    FN_TRY_PTR(ctx, d);
    d->op = op;
    call->data = d;
    call->type = fn_type_simple(FN_T_UINT8);
    const fn_type *a = call->arg_types[0], *b = call->arg_types[1];
    return choose(ctx, call, d, a, b);
}

/* ---- running ---- */

static const int swapped[] = {[KERN_EQ] = KERN_EQ, [KERN_NE] = KERN_NE, [KERN_LT] = KERN_GT, [KERN_LE] = KERN_GE, [KERN_GT] = KERN_LT, [KERN_GE] = KERN_LE};

static void run_kernel(int op, const fn_column *a, const fn_column *b, uint8_t *mask, uint32_t rows)
{
    const int k = kern_type(a->type->phys);
    if (b->shape == FN_CONST) kern.compare[op][k][KERN_VC](a->values, b->values, mask, rows);
    else if (a->shape == FN_CONST) kern.compare[swapped[op]][k][KERN_VC](b->values, a->values, mask, rows);
    else kern.compare[op][k][KERN_VV](a->values, b->values, mask, rows);
}

static bool holds(int op, int order)
{
    switch (op) {
    case KERN_EQ: return order == 0;
    case KERN_NE: return order != 0;
    case KERN_LT: return order < 0;
    case KERN_LE: return order <= 0;
    case KERN_GT: return order > 0;
    }
    return order >= 0;
}

/* Integer (or decimal, scaled) against float, exactly. 2: not comparable (NaN). */
static int compare_float(fn_i256 i, bool is_signed, unsigned scale, double f)
{
    if (isnan(f)) return 2;
    if (scale) {
        const double x = fn_i256_to_f64(i, is_signed) / fn_i256_to_f64(fn_i256_pow10(scale), true);
        return (x > f) - (x < f);
    }
    if (f >= 1.1579208923731620e77) return -1;
    if (f <= -5.7896044618658097e76) return 1;
    if (f < 0 && !is_signed) return 1;
    const double whole = floor(f);
    const fn_i256 w = fn_i256_from_f64(whole, is_signed);
    const int order = fn_i256_compare(i, w, is_signed);
    return order ? order : f > whole ? -1 : 0;
}

typedef struct mixed_side {
    const fn_type *t;
    const uint8_t *values;
    size_t step;
    bool is_float, is_unsigned;
    unsigned scale;
} mixed_side;

static mixed_side side_of(const fn_column *c)
{
    return (mixed_side){.t = c->type, .values = c->values, .step = func_step(c) * c->type->width, .is_float = fn_type_is_float(c->type),
                        .is_unsigned = c->type->phys <= FN_PHYS_U256, .scale = c->type->id == FN_T_DECIMAL ? c->type->scale : 0u};
}

static double side_f64(const mixed_side *s, const uint8_t *p)
{
    return s->t->width == 4 ? (double)fn_load_f32(p) : fn_load_f64(p);
}

static int compare_mixed(const mixed_side *a, const uint8_t *p, const mixed_side *b, const uint8_t *q)
{
    if (a->is_float && b->is_float) {
        const double x = side_f64(a, p), y = side_f64(b, q);
        return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
    }
    if (b->is_float) return compare_float(arith_wide_at(a->t, p), !(a->t->phys == FN_PHYS_U256), a->scale, side_f64(b, q));
    if (a->is_float) {
        const int order = compare_float(arith_wide_at(b->t, q), !(b->t->phys == FN_PHYS_U256), b->scale, side_f64(a, p));
        return order == 2 ? 2 : -order;
    }
    fn_i256 x = arith_wide_at(a->t, p), y = arith_wide_at(b->t, q);
    if (a->t->phys == FN_PHYS_U256 && fn_i256_is_negative(x) && b->t->phys != FN_PHYS_U256) return 1;
    if (b->t->phys == FN_PHYS_U256 && fn_i256_is_negative(y) && a->t->phys != FN_PHYS_U256) return -1;
    const unsigned scale = FN_MAX(a->scale, b->scale);
    if (scale > a->scale && fn_i256_mul_overflow(x, fn_i256_pow10(scale - a->scale), &x)) return fn_i256_is_negative(arith_wide_at(a->t, p)) ? -1 : 1;
    if (scale > b->scale && fn_i256_mul_overflow(y, fn_i256_pow10(scale - b->scale), &y)) return fn_i256_is_negative(arith_wide_at(b->t, q)) ? 1 : -1;
    return fn_i256_compare(x, y, !(a->t->phys == FN_PHYS_U256 && b->t->phys == FN_PHYS_U256));
}

/* Both of 64-bit storage: scales are brought together in 128 bits. */
static bool run_decimal_64(int op, const fn_column *a, const fn_column *b, uint8_t *mask, uint32_t rows)
{
    const mixed_side x = side_of(a), y = side_of(b);
    if (x.is_float || y.is_float || a->type->width > 8 || b->type->width > 8) return false;
    const unsigned scale = FN_MAX(x.scale, y.scale);
    if (scale - x.scale > 18 || scale - y.scale > 18) return false;
    const fn_i128 up_a = fn_i128_pow10(scale - x.scale), up_b = fn_i128_pow10(scale - y.scale);
    for (uint32_t i = 0; i < rows; i++) {
        const int64_t ra = fn_column_i64_at(a, i), rb = fn_column_i64_at(b, i);
        const fn_i128 u = (a->type->phys == FN_PHYS_U64 ? (fn_i128)(uint64_t)ra : ra) * up_a, v = (b->type->phys == FN_PHYS_U64 ? (fn_i128)(uint64_t)rb : rb) * up_b;
        mask[i] = holds(op, (u > v) - (u < v));
    }
    return true;
}

/* The constant in units of the column, where that is a whole number of at most 128 bits. */
static bool find_exact(const mixed_side *column, const mixed_side *constant, fn_i128 *out)
{
    if (constant->is_float || constant->t->width > 8 || constant->scale > column->scale || column->scale - constant->scale > 18) return false;
    const fn_i256 v = arith_wide_at(constant->t, constant->values);
    *out = (fn_i128)(fn_u128)((fn_u128)v.w[1] << 64 | v.w[0]) * fn_i128_pow10(column->scale - constant->scale);
    return true;
}

/* The smallest stored value of a decimal column that is at least (strict: above) the constant; false if there is none. Stored
 * values are ordered as what they stand for, so bisection over them needs as many comparisons as they have bits. */
static bool find_threshold(const mixed_side *column, const mixed_side *constant, bool strict, fn_i128 *out)
{
    const fn_i128 top = (fn_i128)(((fn_u128)1 << (8 * column->t->width - 1)) - 1);
    fn_i128 low = -top - 1, high = top;
    if (find_exact(column, constant, out)) {
        *out = FN_MAX(*out + strict, low);
        return *out <= top;
    }
    while (low <= high) {
        const fn_i128 middle = low + (fn_i128)(((fn_u128)high - (fn_u128)low) / 2);
        const bool reached = compare_mixed(column, (const uint8_t *)&middle, constant, constant->values) >= (strict ? 1 : 0);
        if (!reached && middle == top) return false;
        if (!reached) low = middle + 1;
        else if (middle == low) break;
        else high = middle;
    }
    *out = low;
    return true;
}

/* op: KERN_EQ, KERN_NE, KERN_LT or KERN_GE. */
static void run_bound(int op, const fn_column *a, fn_i128 bound, uint8_t *mask, uint32_t rows)
{
    if (a->type->width <= 8) {
        kern.compare[op][kern_type(a->type->phys)][KERN_VC](a->values, &bound, mask, rows); /* its low bytes are the narrower number */
        return;
    }
    const uint8_t negated = op == KERN_NE || op == KERN_LT;
    const bool equality = op == KERN_EQ || op == KERN_NE;
    for (size_t i = 0; i < rows; i++) {
        const fn_i128 v = fn_load_i128(a->values + i * sizeof v);
        mask[i] = (equality ? v == bound : v >= bound) != negated;
    }
}

/* A decimal of up to 128 bits against a constant of any number type: the constant becomes a bound over the stored values. */
static bool run_decimal_bound(int op, const fn_column *a, const fn_column *b, uint8_t *mask, uint32_t rows)
{
    static const int mirrored[] = {[KERN_EQ] = KERN_EQ, [KERN_NE] = KERN_NE, [KERN_LT] = KERN_GT, [KERN_LE] = KERN_GE, [KERN_GT] = KERN_LT, [KERN_GE] = KERN_LE};
    if (a->shape == FN_CONST && b->shape == FN_FLAT) return run_decimal_bound(mirrored[op], b, a, mask, rows);
    if (a->shape != FN_FLAT || b->shape != FN_CONST || a->type->id != FN_T_DECIMAL || a->type->width > 16 || rows < 256) return false;
    const mixed_side x = side_of(a), y = side_of(b);
    if (compare_mixed(&x, x.values, &y, y.values) == 2) return false; /* NaN */
    fn_i128 from, behind;
    const bool has_from = find_threshold(&x, &y, false, &from), has_behind = find_threshold(&x, &y, true, &behind);
    const bool strict = op == KERN_LE || op == KERN_GT, exists = strict ? has_behind : has_from, above = op == KERN_GE || op == KERN_GT;
    if (op == KERN_EQ || op == KERN_NE) {
        const bool one = has_from && has_behind && (fn_u128)behind - (fn_u128)from == 1;
        const bool none = !has_from || (has_behind && behind == from);
        if (!one && !none) return false; /* a double that several stored values stand for */
        if (none) memset(mask, op == KERN_NE, rows);
        else run_bound(op, a, from, mask, rows);
    } else if (!exists) {
        memset(mask, !above, rows);
    } else {
        run_bound(above ? KERN_GE : KERN_LT, a, strict ? behind : from, mask, rows);
    }
    return true;
}

static void run_mixed(int op, const fn_column *a, const fn_column *b, uint8_t *mask, uint32_t rows)
{
    if (run_decimal_bound(op, a, b, mask, rows)) return;
    if (run_decimal_64(op, a, b, mask, rows)) return;
    const mixed_side x = side_of(a), y = side_of(b);
    for (size_t i = 0; i < rows; i++) {
        const int order = compare_mixed(&x, x.values + i * x.step, &y, y.values + i * y.step);
        mask[i] = order == 2 ? op == KERN_NE : holds(op, order);
    }
}

/* Equality with a constant: sizes first. */
static void run_string_const(int op, const fn_column *a, fn_str s, uint8_t *mask, uint32_t rows)
{
    const uint8_t same = op == KERN_EQ;
    if (s.size == 0) {
        for (uint32_t i = 0; i < rows; i++) mask[i] = (a->offsets[i + 1] == a->offsets[i]) == same;
        return;
    }
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t at = a->offsets[i], size = a->offsets[i + 1] - at;
        mask[i] = (size == s.size && memcmp(a->values + at, s.data, s.size) == 0) == same;
    }
}

static fn_str text_at(const fn_column *c, uint32_t row)
{
    return fn_column_str_at(c, row);
}

/* FixedString pads with zero bytes, which do not count against a String. */
static int compare_text(fn_str a, fn_str b, bool fixed)
{
    if (fixed) {
        while (a.size && a.data[a.size - 1] == 0) a.size--;
        while (b.size && b.data[b.size - 1] == 0) b.size--;
    }
    return fn_str_compare(a, b);
}

static void run_string(int op, const fn_column *a, const fn_column *b, uint8_t *mask, uint32_t rows)
{
    const bool fixed = a->type->phys == FN_PHYS_FIXED || b->type->phys == FN_PHYS_FIXED;
    if ((op == KERN_EQ || op == KERN_NE) && !fixed && b->shape == FN_CONST && a->shape == FN_FLAT) {
        run_string_const(op, a, text_at(b, 0), mask, rows);
        return;
    }
    if ((op == KERN_EQ || op == KERN_NE) && !fixed && a->shape == FN_CONST && b->shape == FN_FLAT) {
        run_string_const(op, b, text_at(a, 0), mask, rows);
        return;
    }
    for (uint32_t i = 0; i < rows; i++) mask[i] = holds(op, compare_text(text_at(a, i), text_at(b, i), fixed));
}

/* Three-valued lexicographic comparison of tuples, field by field. */
static fn_status run_tuple(fn_ctx *ctx, const func_call *call, const compare_data *d, fn_column *const *args, uint32_t rows, fn_column **out);

static fn_status run_converted(fn_ctx *ctx, const func_call *call, const compare_data *d, const fn_column *a, const fn_column *b, uint32_t rows, fn_column **out)
{
    uint8_t *mask;
    *out = func_new_fixed(ctx, call->type, rows, &mask);
    FN_TRY_PTR(ctx, *out);
    switch (d->way) {
    case COMPARE_KERNEL: run_kernel(d->op, a, b, mask, rows); break;
    case COMPARE_MIXED: run_mixed(d->op, a, b, mask, rows); break;
    case COMPARE_STRING: run_string(d->op, a, b, mask, rows); break;
    case COMPARE_COLUMNS:
        for (uint32_t i = 0; i < rows; i++) mask[i] = holds(d->op, fn_column_compare(a, i, b, i, true));
        break;
    case COMPARE_TUPLE: break;
    }
    return FN_OK;
}

static fn_status eval_compare(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const compare_data *d = call->data;
    if (d->way == COMPARE_TUPLE) return run_tuple(ctx, call, d, args, rows, out);
    if (!d->common) return run_converted(ctx, call, d, args[0], args[1], rows, out);
    fn_column *a = NULL, *b = NULL;
    fn_status status = expr_convert(ctx, args[0], d->common, CONVERT_CAST, &a);
    if (status == FN_OK) status = expr_convert(ctx, args[1], d->common, CONVERT_CAST, &b);
    if (status == FN_OK) status = run_converted(ctx, call, d, a, b, rows, out);
    fn_column_drop(a);
    fn_column_drop(b);
    return status;
}

static fn_column *bare(fn_ctx *ctx, const fn_column *c)
{
    fn_column *named = fn_column_retype(ctx, c, fn_type_base(c->type));
    fn_column *plain = named && named->nulls ? fn_column_with_nulls(ctx, named, named->type, NULL) : fn_column_ref(named);
    fn_column_drop(named);
    return plain;
}

/* One field under both calls; null[i] where either side is NULL. */
static fn_status compare_field(fn_ctx *ctx, const compare_data *d, uint32_t f, const fn_column *a, const fn_column *b, uint32_t rows, fn_column **eq, fn_column **op, uint8_t *null)
{
    for (uint32_t i = 0; i < rows; i++) null[i] = fn_column_is_null(a, i) || fn_column_is_null(b, i);
    fn_column *pair[3] = {bare(ctx, a), bare(ctx, b), NULL};
    fn_status status = pair[0] && pair[1] ? FN_OK : ctx->error.code;
    if (status == FN_OK) status = d->eq[f]->def->eval(ctx, d->eq[f], pair, rows, eq);
    if (status == FN_OK) status = d->op_kids[f]->def->eval(ctx, d->op_kids[f], pair, rows, op);
    fn_column_drop(pair[0]);
    fn_column_drop(pair[1]);
    return status;
}

static fn_status run_tuple(fn_ctx *ctx, const func_call *call, const compare_data *d, fn_column *const *args, uint32_t rows, fn_column **out)
{
    for (uint32_t f = 0; f < d->fields; f++) {
        if (d->eq[f]) continue;
        *out = fn_column_null(ctx, call->type, rows); /* a NULL literal among the fields: NULL, whatever the others are */
        return *out ? FN_OK : ctx->error.code;
    }
    uint8_t *mask, *nulls = NULL, *open = fn_alloc(ctx, rows + 64u), *null = fn_alloc(ctx, rows + 64u);
    fn_column *a = fn_column_flatten(ctx, args[0]), *b = fn_column_flatten(ctx, args[1]);
    *out = fn_type_is_nullable(call->type) ? func_new_nullable(ctx, call->type, rows, &mask, &nulls) : func_new_fixed(ctx, call->type, rows, &mask);
    fn_status status = open && null && a && b && *out ? FN_OK : ctx->error.code;
    if (status == FN_OK) {
        memset(open, 1, rows);
        memset(mask, d->op == KERN_EQ || d->op == KERN_LE || d->op == KERN_GE, rows); /* all fields equal */
    }
    for (uint32_t f = 0; f < d->fields && status == FN_OK; f++) {
        fn_column *eq = NULL, *op = NULL;
        status = compare_field(ctx, d, f, a->kids[f], b->kids[f], rows, &eq, &op, null);
        for (uint32_t i = 0; status == FN_OK && i < rows; i++) {
            if (!open[i]) continue;
            if (null[i]) {
                if (nulls) nulls[i] = 1;
                if (d->op != KERN_EQ && d->op != KERN_NE) open[i] = 0;
            } else if (!fn_column_u64_at(eq, i)) {
                if (d->op == KERN_EQ || d->op == KERN_NE) mask[i] = d->op == KERN_NE;
                else mask[i] = fn_column_u64_at(op, i) != 0;
                if (nulls) nulls[i] = 0;
                open[i] = 0;
            }
        }
        fn_column_drop(eq);
        fn_column_drop(op);
    }
    fn_free(open);
    fn_free(null);
    fn_column_drop(a);
    fn_column_drop(b);
    if (status != FN_OK) {
        fn_column_drop(*out);
        *out = NULL;
    }
    return status;
}

#define BIND(name, op)                                                                             \
    static fn_status bind_##name(fn_ctx *ctx, func_call *call)                                     \
    {                                                                                              \
        return bind_compare(ctx, call, op);                                                        \
    }
BIND(equals, KERN_EQ)
BIND(notEquals, KERN_NE)
BIND(less, KERN_LT)
BIND(lessOrEquals, KERN_LE)
BIND(greater, KERN_GT)
BIND(greaterOrEquals, KERN_GE)

#define ROW(title, text, ex, res)                                                                  \
    {.name = #title, .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_##title, .eval = eval_compare, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW(equals, "1 if both values are equal.", "equals(1, 1)", "1"),
    ROW(notEquals, "1 if the values differ.", "notEquals(1, 2)", "1"),
    ROW(less, "1 if the first value is less.", "less(1, 2)", "1"),
    ROW(lessOrEquals, "1 if the first value is not greater.", "lessOrEquals(1, 2)", "1"),
    ROW(greater, "1 if the first value is greater.", "greater(1, 2)", "0"),
    ROW(greaterOrEquals, "1 if the first value is not less.", "greaterOrEquals(1, 2)", "0"),
};
const func_family func_family_comparison = FUNC_FAMILY("comparison", rows_);
