/* func_vector.c - tuples and arrays as vectors: tuplePlus and its kin, dotProduct, norms, distances, normalization.
 * Over tuples each is a formula over the fields (formula.h), so that types widen field by field as plain arithmetic does;
 * over arrays it is one loop of Float64 (Float32 when all items are).
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"
#include "function/formula.h"
#include <math.h>

typedef enum vector_kind {
    VECTOR_DOT, VECTOR_L1_NORM, VECTOR_L2_NORM, VECTOR_L2_SQUARED_NORM, VECTOR_LINF_NORM, VECTOR_LP_NORM, VECTOR_L1_DISTANCE, VECTOR_L2_DISTANCE,
    VECTOR_L2_SQUARED_DISTANCE, VECTOR_LINF_DISTANCE, VECTOR_LP_DISTANCE, VECTOR_COSINE, VECTOR_HAMMING
} vector_kind;
static const struct {
    const char *name;
    vector_kind kind;
    uint8_t vectors;
} vectors[] = {
    {"dotProduct", VECTOR_DOT, 2},           {"L1Norm", VECTOR_L1_NORM, 1},         {"L2Norm", VECTOR_L2_NORM, 1},
    {"L2SquaredNorm", VECTOR_L2_SQUARED_NORM, 1}, {"LinfNorm", VECTOR_LINF_NORM, 1}, {"LpNorm", VECTOR_LP_NORM, 1},
    {"L1Distance", VECTOR_L1_DISTANCE, 2},   {"L2Distance", VECTOR_L2_DISTANCE, 2}, {"L2SquaredDistance", VECTOR_L2_SQUARED_DISTANCE, 2},
    {"LinfDistance", VECTOR_LINF_DISTANCE, 2}, {"LpDistance", VECTOR_LP_DISTANCE, 2}, {"cosineDistance", VECTOR_COSINE, 2},
    {"tupleHammingDistance", VECTOR_HAMMING, 2},
};

/* ---- over tuples: formulas ---- */

/* Field i of tuple argument k is column k * fields + i. */
static expr *field(fn_ctx *ctx, const func_call *call, uint32_t k, uint32_t i)
{
    const fn_type *t = call->arg_types[k];
    return formula_column(ctx, k * call->arg_types[0]->arg_count + i, t->args[i]);
}

static expr *constant_f64(fn_ctx *ctx, double v)
{
    uint8_t *values;
    fn_column *c = func_new_fixed(ctx, fn_type_simple(FN_T_FLOAT64), 1, &values);
    if (!c) return NULL;
    fn_store_f64(values, v);
    return expr_const(ctx, c);
}

static expr *power_of(fn_ctx *ctx, expr *x, double p)
{
    return p == 2 ? formula_call(ctx, "multiply", x, x) : formula_call(ctx, "pow", x, constant_f64(ctx, p));
}

/* What is added up for field i. */
static expr *term(fn_ctx *ctx, const func_call *call, vector_kind kind, uint32_t i, double p)
{
    expr *a = field(ctx, call, 0, i), *b = kind == VECTOR_DOT || kind >= VECTOR_L1_DISTANCE ? field(ctx, call, 1, i) : NULL;
    switch (kind) {
    case VECTOR_DOT:
    case VECTOR_COSINE: return formula_call(ctx, "multiply", a, b);
    case VECTOR_HAMMING: return formula_call(ctx, "notEquals", a, b);
    case VECTOR_L1_NORM:
    case VECTOR_LINF_NORM: return formula_call(ctx, "abs", a, NULL);
    case VECTOR_L2_NORM:
    case VECTOR_L2_SQUARED_NORM: return power_of(ctx, a, 2);
    case VECTOR_LP_NORM: return power_of(ctx, formula_call(ctx, "abs", a, NULL), p);
    case VECTOR_L1_DISTANCE:
    case VECTOR_LINF_DISTANCE: return formula_call(ctx, "abs", formula_call(ctx, "minus", a, b), NULL);
    case VECTOR_L2_DISTANCE:
    case VECTOR_L2_SQUARED_DISTANCE: return power_of(ctx, formula_call(ctx, "minus", a, b), 2);
    case VECTOR_LP_DISTANCE: return power_of(ctx, formula_call(ctx, "abs", formula_call(ctx, "minus", a, b), NULL), p);
    }
    return NULL;
}

static expr *norm2(fn_ctx *ctx, const func_call *call, uint32_t k)
{
    expr *sum = NULL;
    for (uint32_t i = 0; i < call->arg_types[0]->arg_count; i++) {
        expr *square = power_of(ctx, field(ctx, call, k, i), 2);
        sum = sum ? formula_call(ctx, "plus", sum, square) : square;
    }
    return formula_call(ctx, "sqrt", sum, NULL);
}

static expr *tuple_formula(fn_ctx *ctx, const func_call *call, vector_kind kind, double p)
{
    const bool largest = kind == VECTOR_LINF_NORM || kind == VECTOR_LINF_DISTANCE;
    expr *sum = NULL;
    for (uint32_t i = 0; i < call->arg_types[0]->arg_count; i++) {
        expr *one = term(ctx, call, kind, i, p);
        sum = sum ? formula_call(ctx, largest ? "max2" : "plus", sum, one) : one;
    }
    if (kind == VECTOR_L2_NORM || kind == VECTOR_L2_DISTANCE) sum = formula_call(ctx, "sqrt", sum, NULL);
    if (kind == VECTOR_LP_NORM || kind == VECTOR_LP_DISTANCE) sum = formula_call(ctx, "pow", sum, constant_f64(ctx, 1 / p));
    if (kind == VECTOR_COSINE)
        sum = formula_call(ctx, "minus", expr_const_u64(ctx, 1), formula_call(ctx, "divide", sum, formula_call(ctx, "multiply", norm2(ctx, call, 0), norm2(ctx, call, 1))));
    return sum;
}

static fn_status same_fields(fn_ctx *ctx, const func_call *call)
{
    const fn_type *a = call->arg_types[0], *b = call->arg_types[1];
    if (a->id != FN_T_TUPLE || b->id != FN_T_TUPLE) return func_illegal(ctx, call);
    if (a->arg_count != b->arg_count || !a->arg_count)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Expected tuples of the same size as arguments of function %s, got %s and %s", call->def->name, a->name, b->name);
    return FN_OK;
}

/* The fields of the first `tuples` arguments as the formula's columns. */
static fn_status eval_fields(fn_ctx *ctx, const func_call *call, const void *program, fn_column *const *args, uint32_t tuples, uint32_t rows, fn_column **out)
{
    fn_column *flat[2] = {0}, *columns[2 * 256];
    uint32_t n = 0;
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < tuples && status == FN_OK; k++) {
        if (args[k]->type->id != FN_T_TUPLE) {
            columns[n++] = args[k];
            continue;
        }
        flat[k] = fn_column_flatten(ctx, args[k]);
        if (!flat[k]) status = ctx->error.code;
        for (uint32_t i = 0; flat[k] && i < flat[k]->kid_count && n < FN_COUNT(columns); i++) columns[n++] = flat[k]->kids[i];
    }
    const func_call inner = {.def = call->def, .type = call->type, .data = (void *)(uintptr_t)program};
    if (status == FN_OK) status = formula_run(ctx, &inner, columns, n, rows, out);
    fn_column_drop(flat[0]);
    fn_column_drop(flat[1]);
    return status;
}

/* ---- the functions of one result ---- */

typedef struct vector_data {
    vector_kind kind;
    uint8_t vectors;
    double p;
    void *program; /* tuples; NULL: arrays */
} vector_data;

static fn_status read_p(fn_ctx *ctx, const func_call *call, uint32_t at, double *p)
{
    fn_column *c, *f;
    if (call->arg_count <= at) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Number of arguments for function %s doesn't match: passed %u, should be %u", call->def->name, call->arg_count, at + 1);
    FN_TRY(func_need_const(ctx, call, at, &c));
    if (!fn_type_is_number(c->type)) return func_illegal(ctx, call);
    FN_TRY(expr_convert(ctx, c, fn_type_simple(FN_T_FLOAT64), CONVERT_CAST, &f));
    *p = fn_column_f64_at(f, 0);
    fn_column_drop(f);
    if (!(*p >= 1 && isfinite(*p))) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Second argument for function %s must be not less than one and not be an infinity", call->def->name);
    return FN_OK;
}

static fn_status bind_arrays(fn_ctx *ctx, func_call *call, const vector_data *d)
{
    bool narrow = true;
    for (uint32_t k = 0; k < d->vectors; k++) {
        FN_TRY(array_need(ctx, call, k));
        const fn_type *t = call->arg_types[k]->args[0];
        if (!fn_type_is_number(t) && t->id != FN_T_NOTHING) return func_illegal(ctx, call);
        narrow &= t->phys == FN_PHYS_F32 || (fn_type_is_integer(t) && d->vectors == 2 && (call->arg_types[0]->args[0]->phys == FN_PHYS_F32 || call->arg_types[1]->args[0]->phys == FN_PHYS_F32) && t->width < 4);
    }
    call->type = fn_type_simple(narrow ? FN_T_FLOAT32 : FN_T_FLOAT64);
    if (d->kind != VECTOR_DOT) return FN_OK;
    /* dotProduct of integers stays an integer, of the product's type */
    expr *product = formula_call(ctx, "multiply", formula_column(ctx, 0, call->arg_types[0]->args[0]), formula_column(ctx, 1, call->arg_types[1]->args[0]));
    FN_TRY_PTR(ctx, product);
    call->type = product->type;
    return FN_OK;
}

static fn_status bind_vector(fn_ctx *ctx, func_call *call)
{
    vector_data *d = FN_NEW(ctx, vector_data);
    FN_TRY_PTR(ctx, d);
    for (size_t i = 0; i < FN_COUNT(vectors); i++)
        if (strcmp(vectors[i].name, call->def->name) == 0) *d = (vector_data){.kind = vectors[i].kind, .vectors = vectors[i].vectors};
    if (d->kind == VECTOR_LP_NORM || d->kind == VECTOR_LP_DISTANCE) FN_TRY(read_p(ctx, call, d->vectors, &d->p));
    else if (call->arg_count != d->vectors)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Number of arguments for function %s doesn't match: passed %u, should be %u", call->def->name, call->arg_count, d->vectors);
    const fn_type *t = call->arg_types[0];
    if (t->id == FN_T_ARRAY && d->kind != VECTOR_HAMMING) {
        FN_TRY(bind_arrays(ctx, call, d));
    } else {
        if (d->vectors == 2) FN_TRY(same_fields(ctx, call));
        if (t->id != FN_T_TUPLE || !t->arg_count || t->arg_count > 256) return func_illegal(ctx, call);
        FN_TRY(formula_bind(ctx, call, tuple_formula(ctx, call, d->kind, d->p), d->vectors * t->arg_count));
        d->program = call->data;
    }
    call->data = d;
    return FN_OK;
}

static double array_value(const vector_data *d, const double *x, const double *y, uint32_t n)
{
    double sum = 0, xx = 0, yy = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double v = d->kind >= VECTOR_L1_DISTANCE && d->kind <= VECTOR_LP_DISTANCE ? x[i] - y[i] : x[i];
        switch (d->kind) {
        case VECTOR_DOT: sum += x[i] * y[i]; break;
        case VECTOR_L1_NORM:
        case VECTOR_L1_DISTANCE: sum += fabs(v); break;
        case VECTOR_L2_NORM:
        case VECTOR_L2_SQUARED_NORM:
        case VECTOR_L2_DISTANCE:
        case VECTOR_L2_SQUARED_DISTANCE: sum += v * v; break;
        case VECTOR_LINF_NORM:
        case VECTOR_LINF_DISTANCE: sum = fmax(sum, fabs(v)); break;
        case VECTOR_LP_NORM:
        case VECTOR_LP_DISTANCE: sum += pow(fabs(v), d->p); break;
        case VECTOR_COSINE:
            sum += x[i] * y[i];
            xx += x[i] * x[i];
            yy += y[i] * y[i];
            break;
        case VECTOR_HAMMING: sum += x[i] != y[i]; break;
        }
    }
    if (d->kind == VECTOR_L2_NORM || d->kind == VECTOR_L2_DISTANCE) return sqrt(sum);
    if (d->kind == VECTOR_LP_NORM || d->kind == VECTOR_LP_DISTANCE) return pow(sum, 1 / d->p);
    return d->kind == VECTOR_COSINE ? 1 - sum / sqrt(xx * yy) : sum;
}

static fn_status eval_arrays(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const vector_data *d = call->data;
    array_in a[2] = {0};
    fn_column *made = NULL;
    uint8_t *values = NULL;
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < d->vectors && status == FN_OK; k++) {
        status = array_open(ctx, args[k], &a[k]);
        if (status == FN_OK) status = array_convert_items(ctx, &a[k], fn_type_simple(FN_T_FLOAT64));
    }
    if (status == FN_OK && d->vectors == 2 && memcmp(a[0].offsets, a[1].offsets, ((size_t)rows + 1) * 4) != 0)
        status = fn_fail(ctx, FN_SIZES_OF_ARRAYS_DONT_MATCH, "Array arguments for function %s must have equal sizes", call->def->name);
    if (status == FN_OK && !(made = func_new_fixed(ctx, fn_type_simple(FN_T_FLOAT64), rows, &values))) status = ctx->error.code;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint32_t from = a[0].offsets[i];
        const double *x = (const double *)(const void *)a[0].items->values + from, *y = d->vectors == 2 ? (const double *)(const void *)a[1].items->values + from : x;
        fn_store_f64(values + (size_t)i * 8, array_value(d, x, y, a[0].offsets[i + 1] - from));
    }
    if (status == FN_OK) status = expr_convert(ctx, made, call->type, CONVERT_CAST, out);
    fn_column_drop(made);
    array_close(&a[0]);
    array_close(&a[1]);
    return status;
}

static fn_status eval_vector(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const vector_data *d = call->data;
    return d->program ? eval_fields(ctx, call, d->program, args, d->vectors, rows, out) : eval_arrays(ctx, call, args, rows, out);
}

/* ---- tuple in, tuple out ---- */

static const struct {
    const char *name, *function;
    bool number; /* the second argument is one number */
} fieldwise[] = {
    {"tuplePlus", "plus", false},         {"tupleMinus", "minus", false},       {"tupleMultiply", "multiply", false}, {"tupleDivide", "divide", false},
    {"tupleModulo", "modulo", false},     {"tupleIntDiv", "intDiv", false},     {"tupleIntDivOrZero", "intDivOrZero", false},
    {"tupleMultiplyByNumber", "multiply", true}, {"tupleDivideByNumber", "divide", true}, {"tupleModuloByNumber", "modulo", true},
    {"tupleIntDivByNumber", "intDiv", true}, {"tupleIntDivOrZeroByNumber", "intDivOrZero", true},
};

static fn_status bind_tuple_of(fn_ctx *ctx, func_call *call, expr *const *fields, uint32_t columns)
{
    expr *root = NULL;
    for (uint32_t i = 0; i < call->arg_types[0]->arg_count; i++) FN_TRY_PTR(ctx, fields[i]);
    FN_TRY(expr_call(ctx, "tuple", fields, call->arg_types[0]->arg_count, &root));
    return formula_bind(ctx, call, root, columns);
}

static fn_status bind_fieldwise(fn_ctx *ctx, func_call *call)
{
    const fn_type *a = call->arg_types[0];
    expr *fields[256];
    size_t row = 0;
    while (strcmp(fieldwise[row].name, call->def->name) != 0) row++;
    if (a->id != FN_T_TUPLE || !a->arg_count || a->arg_count > FN_COUNT(fields)) return func_illegal(ctx, call);
    if (!fieldwise[row].number) FN_TRY(same_fields(ctx, call));
    const uint32_t n = a->arg_count;
    for (uint32_t i = 0; i < n; i++)
        fields[i] = formula_call(ctx, fieldwise[row].function, field(ctx, call, 0, i), fieldwise[row].number ? formula_column(ctx, n, call->arg_types[1]) : field(ctx, call, 1, i));
    return bind_tuple_of(ctx, call, fields, fieldwise[row].number ? n + 1 : 2 * n);
}

static fn_status eval_fieldwise(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return eval_fields(ctx, call, call->data, args, call->arg_count, rows, out);
}

/* tupleNegate, and the vector divided by its norm */
static fn_status bind_scaled(fn_ctx *ctx, func_call *call)
{
    const fn_type *a = call->arg_types[0];
    const char *name = call->def->name;
    expr *fields[256], *norm = NULL;
    double p = 2;
    if (a->id != FN_T_TUPLE || !a->arg_count || a->arg_count > FN_COUNT(fields)) return func_illegal(ctx, call);
    if (name[0] == 'L') {
        const vector_kind kind = name[1] == '1' ? VECTOR_L1_NORM : name[1] == '2' ? VECTOR_L2_NORM : name[1] == 'i' ? VECTOR_LINF_NORM : VECTOR_LP_NORM;
        if (kind == VECTOR_LP_NORM) FN_TRY(read_p(ctx, call, 1, &p));
        norm = tuple_formula(ctx, call, kind, p);
        FN_TRY_PTR(ctx, norm);
    }
    for (uint32_t i = 0; i < a->arg_count; i++)
        fields[i] = norm ? formula_call(ctx, "divide", field(ctx, call, 0, i), norm) : formula_call(ctx, "negate", field(ctx, call, 0, i), NULL);
    return bind_tuple_of(ctx, call, fields, a->arg_count);
}

static fn_status eval_scaled(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return eval_fields(ctx, call, call->data, args, 1, rows, out);
}

#define VECTOR(title, lo, hi, text, ex, res, ...)                                                  \
    {.name = title, .aliases = (const char *const[]){__VA_ARGS__}, .args_min = lo, .args_max = hi, .bind = bind_vector, .eval = eval_vector, .about = text, .example = title ex, .gives = res}
#define FIELDS(title, text, ex, res, ...)                                                          \
    {.name = title, .aliases = (const char *const[]){__VA_ARGS__}, .args_min = 2, .args_max = 2, .bind = bind_fieldwise, .eval = eval_fieldwise, .about = text, .example = title ex, .gives = res}
#define SCALED(title, hi, text, ex, res)                                                           \
    {.name = title, .args_min = 1, .args_max = hi, .bind = bind_scaled, .eval = eval_scaled, .about = text, .example = title ex, .gives = res}
static const func_def rows_[] = {
    VECTOR("dotProduct", 2, 2, "The sum of the products of the fields or items.", "((1, 2), (3, 4))", "11", "scalarProduct", "arrayDotProduct", NULL),
    VECTOR("L1Norm", 1, 1, "The sum of the absolute values.", "((1, -2))", "3", "normL1", NULL),
    VECTOR("L2Norm", 1, 1, "The square root of the sum of squares.", "((3, 4))", "5", "normL2", NULL),
    VECTOR("L2SquaredNorm", 1, 1, "The sum of squares.", "((3, 4))", "25", "normL2Squared", NULL),
    VECTOR("LinfNorm", 1, 1, "The largest absolute value.", "((1, -5))", "5", "normLinf", NULL),
    VECTOR("LpNorm", 2, 2, "The p-th root of the sum of p-th powers.", "((3, 4), 2)", "5", "normLp", NULL),
    VECTOR("L1Distance", 2, 2, "The sum of the absolute differences.", "((1, 2), (3, 4))", "4", "distanceL1", NULL),
    VECTOR("L2Distance", 2, 2, "The Euclidean distance.", "((1, 2), (4, 6))", "5", "distanceL2", NULL),
    VECTOR("L2SquaredDistance", 2, 2, "The square of the Euclidean distance.", "((1, 2), (4, 6))", "25", "distanceL2Squared", NULL),
    VECTOR("LinfDistance", 2, 2, "The largest absolute difference.", "((1, 2), (4, 6))", "4", "distanceLinf", NULL),
    VECTOR("LpDistance", 3, 3, "The p-norm of the difference.", "((1, 2), (4, 6), 2)", "5", "distanceLp", NULL),
    VECTOR("cosineDistance", 2, 2, "1 less the cosine of the angle.", "((1, 0), (0, 1))", "1", NULL),
    VECTOR("tupleHammingDistance", 2, 2, "How many fields differ.", "((1, 2), (1, 3))", "1", NULL),
    FIELDS("tuplePlus", "Sums of the fields.", "((1, 2), (3, 4))", "(4,6)", "vectorSum", NULL), FIELDS("tupleMinus", "Differences of the fields.", "((1, 2), (3, 4))", "(-2,-2)", "vectorDifference", NULL),
    FIELDS("tupleMultiply", "Products of the fields.", "((1, 2), (3, 4))", "(3,8)", NULL), FIELDS("tupleDivide", "Quotients of the fields.", "((1, 2), (4, 4))", "(0.25,0.5)", NULL),
    FIELDS("tupleModulo", "Remainders of the fields.", "((5, 6), (3, 4))", "(2,2)", NULL), FIELDS("tupleIntDiv", "Integer quotients of the fields.", "((5, 6), (2, 3))", "(2,2)", NULL),
    FIELDS("tupleIntDivOrZero", "Integer quotients of the fields; 0 for a zero divisor.", "((5, 6), (0, 3))", "(0,2)", NULL),
    FIELDS("tupleMultiplyByNumber", "The fields times a number.", "((1, 2), 3)", "(3,6)", NULL), FIELDS("tupleDivideByNumber", "The fields divided by a number.", "((1, 2), 2)", "(0.5,1)", NULL),
    FIELDS("tupleModuloByNumber", "Remainders of the fields by a number.", "((5, 6), 4)", "(1,2)", NULL), FIELDS("tupleIntDivByNumber", "Integer quotients of the fields by a number.", "((5, 6), 2)", "(2,3)", NULL),
    FIELDS("tupleIntDivOrZeroByNumber", "Integer quotients of the fields by a number; 0 for zero.", "((5, 6), 0)", "(0,0)", NULL),
    SCALED("tupleNegate", 1, "The fields with the other sign.", "((1, 2))", "(-1,-2)"), SCALED("L1Normalize", 1, "The vector divided by its L1 norm.", "((1, 1))", "(0.5,0.5)"),
    SCALED("L2Normalize", 1, "The vector divided by its L2 norm.", "((3, 4))", "(0.6,0.8)"), SCALED("LinfNormalize", 1, "The vector divided by its largest absolute value.", "((3, 4))", "(0.75,1)"),
    SCALED("LpNormalize", 2, "The vector divided by its p-norm.", "((3, 4), 2)", "(0.6,0.8)"),
};
const func_family func_family_vector = FUNC_FAMILY("vectors", rows_);
