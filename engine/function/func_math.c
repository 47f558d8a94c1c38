/* func_math.c - functions of real numbers: roots, powers, logarithms, angles, special functions; tests of floats; factorial,
 * intExp2, intExp10, widthBucket, max2, min2. Arguments are read as Float64; the result is Float64.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/family.h"
#include <math.h>

/* ---- one argument ---- */

static double degrees_of(double x)
{
    return x * (180.0 / M_PI);
}
static double radians_of(double x)
{
    return x * (M_PI / 180.0);
}
static double sigmoid_of(double x)
{
    return 1.0 / (1.0 + exp(-x));
}
static double exp10_of(double x)
{
    return pow(10, x);
}
static double cbrt_of(double x)
{
    return (double)cbrtl((long double)x); /* cbrt() is an ulp off at whole cubes */
}
static double lgamma_of(double x)
{
    int sign; /* lgamma() itself writes a global */
    return lgamma_r(x, &sign);
}

typedef struct math_row {
    const char *name;
    double (*one)(double);
    double (*two)(double, double);
} math_row;
static const math_row maths[] = {
    {"sqrt", sqrt, NULL},        {"cbrt", cbrt_of, NULL},     {"exp", exp, NULL},           {"exp2", exp2, NULL},       {"exp10", exp10_of, NULL},
    {"log", log, NULL},          {"log2", log2, NULL},     {"log10", log10, NULL},       {"log1p", log1p, NULL},     {"sin", sin, NULL},
    {"cos", cos, NULL},          {"tan", tan, NULL},       {"asin", asin, NULL},         {"acos", acos, NULL},       {"atan", atan, NULL},
    {"sinh", sinh, NULL},        {"cosh", cosh, NULL},     {"tanh", tanh, NULL},         {"asinh", asinh, NULL},     {"acosh", acosh, NULL},
    {"atanh", atanh, NULL},      {"erf", erf, NULL},       {"erfc", erfc, NULL},         {"tgamma", tgamma, NULL},   {"lgamma", lgamma_of, NULL},
    {"degrees", degrees_of, NULL}, {"radians", radians_of, NULL}, {"sigmoid", sigmoid_of, NULL}, {"pow", NULL, pow}, {"atan2", NULL, atan2},
    {"hypot", NULL, hypot},      {"max2", NULL, fmax},     {"min2", NULL, fmin},
};

static fn_status bind_math(fn_ctx *ctx, func_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (!fn_type_is_number(call->arg_types[i])) return func_illegal(ctx, call);
    for (size_t i = 0; i < FN_COUNT(maths); i++)
        if (strcmp(maths[i].name, call->def->name) == 0) call->data = (void *)(uintptr_t)&maths[i];
    FN_ASSERT(call->data != NULL);
    return func_bind_f64(ctx, call);
}

/* An argument as Float64, FLAT or CONST. */
static fn_status as_f64(fn_ctx *ctx, const fn_column *c, fn_column **out)
{
    return expr_convert(ctx, c, fn_type_simple(FN_T_FLOAT64), CONVERT_CAST, out);
}

static fn_status eval_math(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const math_row *m = call->data;
    fn_column *a = NULL, *b = NULL;
    uint8_t *values = NULL;
    fn_status status = as_f64(ctx, args[0], &a);
    if (status == FN_OK && m->two) status = as_f64(ctx, args[1], &b);
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    if (status == FN_OK) {
        const double *x = (const double *)(const void *)a->values, *y = b ? (const double *)(const void *)b->values : NULL;
        double *to = (double *)(void *)values;
        const size_t step_x = func_step(a), step_y = b ? func_step(b) : 0;
        if (m->one == sqrt) { /* the one that the CPU has as an instruction */
            for (size_t i = 0; i < rows; i++) to[i] = sqrt(x[i * step_x]);
        } else if (m->one) {
            for (size_t i = 0; i < rows; i++) to[i] = m->one(x[i * step_x]);
        } else {
            for (size_t i = 0; i < rows; i++) to[i] = m->two(x[i * step_x], y[i * step_y]);
        }
    }
    fn_column_drop(a);
    fn_column_drop(b);
    return status;
}

/* ---- constants ---- */

static fn_status eval_constant(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) fn_store_f64(values + i * 8, call->def->name[0] == 'p' ? M_PI : M_E);
    return FN_OK;
}

/* ---- isNaN, isFinite, isInfinite, ifNotFinite ---- */

static fn_status bind_float_test(fn_ctx *ctx, func_call *call)
{
    if (!fn_type_is_number(call->arg_types[0])) return func_illegal(ctx, call);
    return func_bind_u8(ctx, call);
}

static fn_status eval_float_test(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const char kind = call->def->name[2]; /* N, F, I */
    const fn_column *c = args[0];
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    memset(values, kind == 'F', rows);
    if (!fn_type_is_float(c->type)) return FN_OK;
    for (size_t i = 0; i < rows; i++) {
        const double x = fn_column_f64_at(c, i);
        const bool yes = kind == 'N' ? isnan(x) : kind == 'F' ? isfinite(x) : isinf(x);
        values[i] = yes;
    }
    return FN_OK;
}

static fn_status bind_if_not_finite(fn_ctx *ctx, func_call *call)
{
    return fn_type_is_number(call->arg_types[0]) ? fn_type_common(ctx, call->arg_types, 2, &call->type) : func_illegal(ctx, call);
}

static fn_status eval_if_not_finite(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *a = NULL, *b = NULL;
    uint8_t *values = NULL;
    const size_t width = call->type->width;
    fn_status status = expr_convert(ctx, args[0], call->type, CONVERT_CAST, &a);
    if (status == FN_OK) status = expr_convert(ctx, args[1], call->type, CONVERT_CAST, &b);
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    for (size_t i = 0; status == FN_OK && i < rows; i++) {
        const bool good = !fn_type_is_float(args[0]->type) || isfinite(fn_column_f64_at(args[0], i));
        const fn_column *from = good ? a : b;
        memcpy(values + i * width, from->values + i * func_step(from) * width, width);
    }
    fn_column_drop(a);
    fn_column_drop(b);
    return status;
}

/* ---- whole numbers ---- */

static fn_status bind_whole(fn_ctx *ctx, func_call *call)
{
    const bool any = strncmp(call->def->name, "intExp", 6) == 0;
    if (!fn_type_is_integer(call->arg_types[0]) && !(any && fn_type_is_number(call->arg_types[0]))) return func_illegal(ctx, call);
    return func_bind_u64(ctx, call);
}

static uint64_t int_power(uint64_t base, double exponent)
{
    uint64_t v = 1;
    if (exponent < 0) return 0;
    if (exponent >= (base == 2 ? 64 : 20)) return UINT64_MAX;
    for (int64_t k = (int64_t)exponent; k > 0; k--) v *= base;
    return v;
}

static fn_status eval_whole(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const char *name = call->def->name;
    const bool factorial = name[0] == 'f';
    const uint64_t base = strcmp(name, "intExp2") == 0 ? 2 : 10;
    fn_column *a = NULL;
    uint8_t *values = NULL;
    fn_status status = as_f64(ctx, args[0], &a);
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const double x = fn_column_f64_at(a, i);
        uint64_t v = 1;
        if (factorial && x > 20) status = fn_fail(ctx, FN_BAD_ARGUMENTS, "The maximum value for the input argument of function factorial is 20");
        for (int k = 2; factorial && status == FN_OK && k <= (int)x; k++) v *= (uint64_t)k;
        fn_store_u64(values + i * 8, factorial ? v : int_power(base, x));
    }
    fn_column_drop(a);
    if (status == FN_OK) return FN_OK;
    fn_column_drop(*out);
    *out = NULL;
    return status;
}

/* ---- widthBucket(x, low, high, count) ---- */

static fn_status bind_bucket(fn_ctx *ctx, func_call *call)
{
    for (uint32_t i = 0; i < 4; i++)
        if (!fn_type_is_number(call->arg_types[i])) return func_illegal(ctx, call);
    const fn_type *n = call->arg_types[3];
    if (!fn_type_is_unsigned(n) || n->width > 8) return func_illegal(ctx, call);
    call->type = fn_type_simple(n->width == 1 ? FN_T_UINT16 : n->width == 2 ? FN_T_UINT32 : FN_T_UINT64);
    return FN_OK;
}

static fn_status bucket_of(fn_ctx *ctx, const func_call *call, double x, double low, double high, uint64_t count, uint64_t *out)
{
    if (count == 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "In function %s the number of buckets must be positive", call->def->name);
    if (isnan(x)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "The first argument (operand) of function %s cannot be NaN", call->def->name);
    if (!isfinite(low) || !isfinite(high)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "The second argument (low) and the third argument (high) of function %s must be finite", call->def->name);
    *out = x < low || low >= high ? 0 : x >= high ? count + 1 : (uint64_t)((x - low) * (double)count / (high - low)) + 1;
    return FN_OK;
}

static fn_status eval_bucket(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *f[3] = {0};
    uint8_t *values = NULL;
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < 3 && status == FN_OK; k++) status = as_f64(ctx, args[k], &f[k]);
    if (status == FN_OK && !(*out = func_new_fixed(ctx, call->type, rows, &values))) status = ctx->error.code;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        uint64_t v = 0;
        status = bucket_of(ctx, call, fn_column_f64_at(f[0], i), fn_column_f64_at(f[1], i), fn_column_f64_at(f[2], i), fn_column_u64_at(args[3], i), &v);
        memcpy(values + i * call->type->width, &v, call->type->width);
    }
    for (uint32_t k = 0; k < 3; k++) fn_column_drop(f[k]);
    if (status == FN_OK) return FN_OK;
    fn_column_drop(*out);
    *out = NULL;
    return status;
}

#define MATH(title, n, text, ex, res, ...)                                                         \
    {.name = title, .aliases = (const char *const[]){__VA_ARGS__}, .args_min = n, .args_max = n, .flags = FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, \
     .bind = bind_math, .eval = eval_math, .about = text, .example = ex, .gives = res}
#define ROW(title, n, more, binder, evaluator, text, ex, res)                                      \
    {.name = title, .args_min = n, .args_max = n, .flags = more, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    MATH("sqrt", 1, "Square root.", "sqrt(4)", "2", NULL),
    MATH("cbrt", 1, "Cubic root.", "cbrt(27)", "3", NULL),
    MATH("exp", 1, "e to the power of x.", "exp(0)", "1", NULL),
    MATH("exp2", 1, "2 to the power of x.", "exp2(3)", "8", NULL),
    MATH("exp10", 1, "10 to the power of x.", "exp10(2)", "100", NULL),
    MATH("log", 1, "Natural logarithm.", "log(1)", "0", "ln", NULL),
    MATH("log2", 1, "Logarithm to base 2.", "log2(8)", "3", NULL),
    MATH("log10", 1, "Logarithm to base 10.", "log10(100)", "2", NULL),
    MATH("log1p", 1, "Logarithm of 1 + x.", "log1p(0)", "0", NULL),
    MATH("sin", 1, "Sine.", "sin(0)", "0", NULL),
    MATH("cos", 1, "Cosine.", "cos(0)", "1", NULL),
    MATH("tan", 1, "Tangent.", "tan(0)", "0", NULL),
    MATH("asin", 1, "Arc sine.", "asin(0)", "0", NULL),
    MATH("acos", 1, "Arc cosine.", "acos(1)", "0", NULL),
    MATH("atan", 1, "Arc tangent.", "atan(0)", "0", NULL),
    MATH("sinh", 1, "Hyperbolic sine.", "sinh(0)", "0", NULL),
    MATH("cosh", 1, "Hyperbolic cosine.", "cosh(0)", "1", NULL),
    MATH("tanh", 1, "Hyperbolic tangent.", "tanh(0)", "0", NULL),
    MATH("asinh", 1, "Inverse hyperbolic sine.", "asinh(0)", "0", NULL),
    MATH("acosh", 1, "Inverse hyperbolic cosine.", "acosh(1)", "0", NULL),
    MATH("atanh", 1, "Inverse hyperbolic tangent.", "atanh(0)", "0", NULL),
    MATH("erf", 1, "Error function.", "erf(0)", "0", NULL),
    MATH("erfc", 1, "1 less the error function.", "erfc(0)", "1", NULL),
    MATH("tgamma", 1, "Gamma function.", "tgamma(5)", "24", NULL),
    MATH("lgamma", 1, "Logarithm of the gamma function.", "lgamma(1)", "0", NULL),
    MATH("degrees", 1, "Radians to degrees.", "degrees(0)", "0", NULL),
    MATH("radians", 1, "Degrees to radians.", "radians(0)", "0", NULL),
    MATH("sigmoid", 1, "1 / (1 + exp(-x)).", "sigmoid(0)", "0.5", NULL),
    MATH("pow", 2, "x to the power of y.", "pow(2, 10)", "1024", "power", NULL),
    MATH("atan2", 2, "The angle of the point (y, x).", "atan2(0, 1)", "0", NULL),
    MATH("hypot", 2, "Length of the hypotenuse.", "hypot(3, 4)", "5", NULL),
    MATH("max2", 2, "The larger of two numbers as Float64.", "max2(1, 2)", "2", NULL),
    MATH("min2", 2, "The smaller of two numbers as Float64.", "min2(1, 2)", "1", NULL),
    ROW("pi", 0, FUNC_CASE_INSENSITIVE, func_bind_f64, eval_constant, "The circle number.", "pi()", "3.141592653589793"),
    ROW("e", 0, 0, func_bind_f64, eval_constant, "Euler's number.", "e()", "2.718281828459045"),
    ROW("isNaN", 1, FUNC_PER_ENTRY, bind_float_test, eval_float_test, "1 for not-a-number.", "isNaN(nan)", "1"),
    ROW("isFinite", 1, FUNC_PER_ENTRY, bind_float_test, eval_float_test, "1 unless infinite or not-a-number.", "isFinite(1)", "1"),
    ROW("isInfinite", 1, FUNC_PER_ENTRY, bind_float_test, eval_float_test, "1 for the infinities.", "isInfinite(inf)", "1"),
    ROW("ifNotFinite", 2, 0, bind_if_not_finite, eval_if_not_finite, "The first number if it is finite, else the second.", "ifNotFinite(nan, 5)", "5"),
    ROW("factorial", 1, FUNC_CASE_INSENSITIVE, bind_whole, eval_whole, "n!, up to 20.", "factorial(5)", "120"),
    ROW("intExp2", 1, FUNC_PER_ENTRY, bind_whole, eval_whole, "2 to the power of x as UInt64.", "intExp2(10)", "1024"),
    ROW("intExp10", 1, FUNC_PER_ENTRY, bind_whole, eval_whole, "10 to the power of x as UInt64.", "intExp10(3)", "1000"),
    {.name = "widthBucket", .aliases = (const char *const[]){"WIDTH_BUCKET", NULL}, .args_min = 4, .args_max = 4, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_bucket, .eval = eval_bucket,
     .about = "The number of the bucket a value falls into.", .example = "widthBucket(5, 0, 10, 5)", .gives = "3"},
};
const func_family func_family_math = FUNC_FAMILY("math", rows_);
