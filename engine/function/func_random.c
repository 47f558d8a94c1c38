/* func_random.c - random numbers and strings: rand, rand64, randCanonical, randConstant, randUniform and other distributions,
 * randomString and its kin. A generator (splitmix64) is seeded per block from the system, so rows are evaluated anew each time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/family.h"
#include <math.h>

static uint64_t next_u64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double next_f64(uint64_t *state) /* [0, 1) */
{
    return (double)(next_u64(state) >> 11) * 0x1p-53;
}

static double next_normal(uint64_t *state)
{
    const double u = 1 - next_f64(state), v = next_f64(state);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* ---- plain numbers ---- */

static fn_status bind_number(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    const char *name = call->def->name;
    call->type = fn_type_simple(strcmp(name, "rand64") == 0 ? FN_T_UINT64 : strcmp(name, "randCanonical") == 0 ? FN_T_FLOAT64 : FN_T_UINT32);
    return FN_OK;
}

static fn_status eval_number(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    uint64_t state = fn_random_u64();
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        if (call->type->phys == FN_PHYS_F64) fn_store_f64(values + i * 8, next_f64(&state));
        else if (call->type->width == 8) fn_store_u64(values + i * 8, next_u64(&state));
        else fn_store_u32(values + i * 4, (uint32_t)(next_u64(&state) >> 32));
    }
    return FN_OK;
}

/* One number for the whole query: drawn at bind. */
static fn_status bind_constant(fn_ctx *ctx, func_call *call)
{
    uint32_t *v = FN_NEW(ctx, uint32_t);
    FN_TRY_PTR(ctx, v);
    *v = (uint32_t)fn_random_u64();
    call->data = v;
    call->type = fn_type_simple(FN_T_UINT32);
    return FN_OK;
}

static fn_status eval_constant(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    *out = fn_column_const_u64(ctx, call->type, *(const uint32_t *)call->data, rows);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- distributions ---- */

typedef enum draw_kind { DRAW_UNIFORM, DRAW_NORMAL, DRAW_LOG_NORMAL, DRAW_EXPONENTIAL, DRAW_CHI_SQUARED, DRAW_STUDENT_T, DRAW_FISHER_F, DRAW_BERNOULLI, DRAW_BINOMIAL, DRAW_NEGATIVE_BINOMIAL, DRAW_POISSON } draw_kind;
typedef struct draw_row {
    const char *name;
    draw_kind kind;
    uint8_t params;
    fn_type_id type;
} draw_row;
static const draw_row draws[] = {
    {"randUniform", DRAW_UNIFORM, 2, FN_T_FLOAT64},       {"randNormal", DRAW_NORMAL, 2, FN_T_FLOAT64},     {"randLogNormal", DRAW_LOG_NORMAL, 2, FN_T_FLOAT64},
    {"randExponential", DRAW_EXPONENTIAL, 1, FN_T_FLOAT64}, {"randChiSquared", DRAW_CHI_SQUARED, 1, FN_T_FLOAT64}, {"randStudentT", DRAW_STUDENT_T, 1, FN_T_FLOAT64},
    {"randFisherF", DRAW_FISHER_F, 2, FN_T_FLOAT64},      {"randBernoulli", DRAW_BERNOULLI, 1, FN_T_UINT8}, {"randBinomial", DRAW_BINOMIAL, 2, FN_T_UINT64},
    {"randNegativeBinomial", DRAW_NEGATIVE_BINOMIAL, 2, FN_T_UINT64}, {"randPoisson", DRAW_POISSON, 1, FN_T_UINT64},
};

typedef struct draw_data {
    draw_kind kind;
    double a, b;
} draw_data;

static fn_status check_draw(fn_ctx *ctx, const func_call *call, const draw_data *d)
{
    const char *bad = NULL;
    const bool probability = d->kind == DRAW_BERNOULLI, second = d->kind == DRAW_BINOMIAL || d->kind == DRAW_NEGATIVE_BINOMIAL;
    if (!isfinite(d->a) || !isfinite(d->b)) bad = "must be finite";
    else if (probability && (d->a < 0 || d->a > 1)) bad = "should be between 0 and 1 (it is a probability)";
    else if (second && (d->b < 0 || d->b > 1 || d->a < 0 || d->a > 1e6)) bad = "should be a count up to 1000000 and a probability";
    else if (d->kind >= DRAW_EXPONENTIAL && d->kind <= DRAW_FISHER_F && d->a <= 0) bad = "should be greater than zero";
    else if (d->kind == DRAW_POISSON && (d->a < 0 || d->a > 1e6)) bad = "should be between 0 and 1000000";
    return bad ? fn_fail(ctx, FN_BAD_ARGUMENTS, "Parameters of function %s %s", call->def->name, bad) : FN_OK;
}

static fn_status number_param(fn_ctx *ctx, const func_call *call, uint32_t i, double *out)
{
    fn_column *c, *f;
    FN_TRY(func_need_const(ctx, call, i, &c));
    if (!fn_type_is_number(c->type)) return func_illegal(ctx, call);
    FN_TRY(expr_convert(ctx, c, fn_type_simple(FN_T_FLOAT64), CONVERT_CAST, &f));
    *out = fn_column_f64_at(f, 0);
    fn_column_drop(f);
    return FN_OK;
}

static fn_status bind_draw(fn_ctx *ctx, func_call *call)
{
    draw_data *d = FN_NEW(ctx, draw_data);
    const draw_row *row = NULL;
    FN_TRY_PTR(ctx, d);
    for (size_t i = 0; i < FN_COUNT(draws); i++)
        if (strcmp(draws[i].name, call->def->name) == 0) row = &draws[i];
    FN_ASSERT(row != NULL);
    if (call->arg_count < row->params)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Wrong number of arguments for function %s: %u, should be %u or %u", call->def->name, call->arg_count, row->params, row->params + 1u);
    d->kind = row->kind;
    FN_TRY(number_param(ctx, call, 0, &d->a));
    if (row->params > 1) FN_TRY(number_param(ctx, call, 1, &d->b));
    FN_TRY(check_draw(ctx, call, d));
    call->data = d;
    call->type = fn_type_simple(row->type);
    return FN_OK;
}

static uint64_t draw_poisson(double mean, uint64_t *state)
{
    uint64_t n = 0;
    while (mean > 0) { /* in steps whose exponential does not vanish */
        const double part = fmin(mean, 500), limit = exp(-part);
        double product = next_f64(state);
        for (; product > limit; product *= next_f64(state)) n++;
        mean -= part;
    }
    return n;
}

static double draw_chi_squared(double freedom, uint64_t *state)
{
    double sum = 0;
    for (double k = 0; k < freedom; k++) {
        const double x = next_normal(state);
        sum += x * x;
    }
    return sum;
}

static uint64_t draw_count(const draw_data *d, uint64_t *state)
{
    uint64_t n = 0;
    if (d->kind == DRAW_POISSON) return draw_poisson(d->a, state);
    if (d->kind == DRAW_BERNOULLI) return next_f64(state) < d->a;
    if (d->kind == DRAW_BINOMIAL) {
        for (double k = 0; k < d->a; k++) n += next_f64(state) < d->b;
        return n;
    }
    for (double k = 0; k < d->a && d->b > 0; k++) /* failures before each success */
        n += d->b >= 1 ? 0 : (uint64_t)fmin(floor(log(1 - next_f64(state)) / log(1 - d->b)), 1e15);
    return n;
}

static double draw_real(const draw_data *d, uint64_t *state)
{
    switch (d->kind) {
    case DRAW_UNIFORM: return d->a + (d->b - d->a) * next_f64(state);
    case DRAW_NORMAL: return d->a + d->b * next_normal(state);
    case DRAW_LOG_NORMAL: return exp(d->a + d->b * next_normal(state));
    case DRAW_EXPONENTIAL: return -log(1 - next_f64(state)) / d->a;
    case DRAW_CHI_SQUARED: return draw_chi_squared(d->a, state);
    case DRAW_STUDENT_T: return next_normal(state) / sqrt(draw_chi_squared(d->a, state) / d->a);
    case DRAW_FISHER_F: return draw_chi_squared(d->a, state) / d->a / (draw_chi_squared(d->b, state) / d->b);
    case DRAW_BERNOULLI:
    case DRAW_BINOMIAL:
    case DRAW_NEGATIVE_BINOMIAL:
    case DRAW_POISSON: break;
    }
    return (double)draw_count(d, state);
}

static fn_status eval_draw(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    (void)args;
    const draw_data *d = call->data;
    uint64_t state = fn_random_u64();
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        if (call->type->phys == FN_PHYS_F64) {
            fn_store_f64(values + i * 8, draw_real(d, &state));
        } else {
            const uint64_t n = draw_count(d, &state);
            memcpy(values + i * call->type->width, &n, call->type->width);
        }
    }
    return FN_OK;
}

/* ---- strings ---- */

static fn_status bind_string(fn_ctx *ctx, func_call *call)
{
    if (!fn_type_is_integer(call->arg_types[0])) return func_illegal(ctx, call);
    if (strcmp(call->def->name, "randomFixedString") != 0) return func_bind_string(ctx, call);
    fn_column *c;
    FN_TRY(func_need_const(ctx, call, 0, &c));
    const int64_t n = fn_column_i64_at(c, 0);
    if (n <= 0 || n > 0xffffff) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "FixedString size must be from 1 to 16777215");
    call->type = fn_type_fixed_string((uint32_t)n);
    return FN_OK;
}

static void fill_random(char *to, size_t size, bool printable, uint64_t *state)
{
    for (size_t i = 0; i < size; i++) {
        const uint64_t v = next_u64(state) >> 32;
        to[i] = printable ? (char)(' ' + (v * 95 >> 32)) : (char)(v >> 24);
    }
}

/* n code points of up to three bytes, none of them a surrogate. */
static size_t fill_utf8(char *to, int64_t n, uint64_t *state)
{
    size_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        const uint64_t r = next_u64(state) >> 32;
        uint32_t c = (uint32_t)(r * (0x10000 - 0x800) >> 32);
        if (c >= 0xd800) c += 0x800;
        if (c < 0x80) {
            to[at++] = (char)c;
        } else if (c < 0x800) {
            to[at++] = (char)(0xc0 | c >> 6);
            to[at++] = (char)(0x80 | (c & 63));
        } else {
            to[at++] = (char)(0xe0 | c >> 12);
            to[at++] = (char)(0x80 | (c >> 6 & 63));
            to[at++] = (char)(0x80 | (c & 63));
        }
    }
    return at;
}

static fn_status eval_string(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    enum { LARGEST = 1 << 24 };
    const char *name = call->def->name;
    const bool utf8 = strcmp(name, "randomStringUTF8") == 0, printable = strcmp(name, "randomPrintableASCII") == 0;
    uint64_t state = fn_random_u64();
    fn_buf text = FN_BUF_INIT;
    fn_builder b;
    fn_status status = fn_builder_init(ctx, &b, call->type);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const int64_t n = fn_column_i64_at(args[0], i);
        if (n < 0 || n > LARGEST) {
            status = fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Too large string size in function %s, maximum is %d", name, LARGEST);
            break;
        }
        text.size = 0;
        status = fn_buf_reserve(ctx, &text, (size_t)n * (utf8 ? 3 : 1) + 1);
        if (status != FN_OK) break;
        if (utf8) text.size = fill_utf8(text.data, n, &state);
        else fill_random(text.data, text.size = (size_t)n, printable, &state);
        status = fn_builder_str(ctx, &b, fn_buf_view(&text));
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&text);
    return status;
}

#define NUMBER(title, alias, text, res)                                                            \
    {.name = title, .aliases = (const char *const[]){alias, NULL}, .args_min = 0, .args_max = 1, .flags = FUNC_NONDETERMINISTIC | FUNC_CASE_INSENSITIVE, .bind = bind_number, .eval = eval_number, \
     .about = text, .example = title "()", .gives = res}
#define DRAW(title, hi, text, ex)                                                                  \
    {.name = title, .args_min = 1, .args_max = hi, .flags = FUNC_NONDETERMINISTIC, .bind = bind_draw, .eval = eval_draw, .about = text, .example = title ex, .gives = ""}
#define STRING(title, text, ex)                                                                    \
    {.name = title, .args_min = 1, .args_max = 2, .flags = FUNC_NONDETERMINISTIC, .bind = bind_string, .eval = eval_string, .about = text, .example = title ex, .gives = ""}
static const func_def rows_[] = {
    NUMBER("rand", "rand32", "A random UInt32.", ""),
    NUMBER("rand64", NULL, "A random UInt64.", ""),
    NUMBER("randCanonical", NULL, "A random Float64 from 0 up to but without 1.", ""),
    {.name = "randConstant", .args_min = 0, .args_max = 1, .flags = FUNC_QUERY_CONSTANT, .bind = bind_constant, .eval = eval_constant,
     .about = "One random UInt32 for the whole query.", .example = "randConstant()", .gives = ""},
    DRAW("randUniform", 3, "Uniform between two bounds.", "(0, 1)"), DRAW("randNormal", 3, "Normal with mean and deviation.", "(0, 1)"),
    DRAW("randLogNormal", 3, "Log-normal with mean and deviation of the logarithm.", "(0, 1)"), DRAW("randExponential", 2, "Exponential with rate.", "(1)"),
    DRAW("randChiSquared", 2, "Chi-squared with degrees of freedom.", "(3)"), DRAW("randStudentT", 2, "Student's t with degrees of freedom.", "(3)"),
    DRAW("randFisherF", 3, "Fisher's F with two degrees of freedom.", "(3, 4)"), DRAW("randBernoulli", 2, "0 or 1 with the probability of 1.", "(0.5)"),
    DRAW("randBinomial", 3, "Successes among so many trials.", "(10, 0.5)"), DRAW("randNegativeBinomial", 3, "Failures before so many successes.", "(10, 0.5)"),
    DRAW("randPoisson", 2, "Poisson with mean.", "(3)"),
    STRING("randomString", "So many random bytes.", "(5)"), STRING("randomFixedString", "So many random bytes as FixedString.", "(5)"),
    STRING("randomPrintableASCII", "So many random printable ASCII characters.", "(5)"), STRING("randomStringUTF8", "So many random code points in UTF-8.", "(5)"),
};
const func_family func_family_random = FUNC_FAMILY("random", rows_);
