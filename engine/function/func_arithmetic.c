/* func_arithmetic.c - plus, minus, multiply, divide, intDiv, modulo, gcd, lcm, bit operators and unary operators.
 * Which loop runs is decided at bind by the argument types: numbers, decimals, decimals with floats (as Float64), dates with
 * numbers or intervals, differences of dates; arrays and tuples go element by element through nested calls.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/arith_number.h"
#include "function/arith_unary.h"

typedef enum arith_way { WAY_NUMBER, WAY_DECIMAL, WAY_FLOAT, WAY_DATE_NUMBER, WAY_DATE_INTERVAL, WAY_DATE_DIFFERENCE, WAY_ELEMENTS, WAY_INTERVALS } arith_way;

typedef struct arith_data {
    arith_op op;
    arith_zero zero;
    arith_way way;
    bool swapped;          /* date is the second argument */
    const func_call **kids; /* WAY_ELEMENTS: one call per field, or one for array items */
} arith_data;

static bool is_date(const fn_type *t)
{
    return fn_type_is_date_or_time(t);
}

static const fn_type *plain(const fn_type *t)
{
    return t->id == FN_T_BOOL ? fn_type_simple(FN_T_UINT8) : t;
}

static fn_status bind_elements(fn_ctx *ctx, func_call *call, arith_data *d, const fn_type *a, const fn_type *b)
{
    d->way = WAY_ELEMENTS;
    if (a->id == FN_T_ARRAY || b->id == FN_T_ARRAY) {
        d->kids = FN_NEW_ARRAY(ctx, const func_call *, 1);
        FN_TRY_PTR(ctx, d->kids);
        const fn_type *item, *sides[2] = {a->id == FN_T_ARRAY ? a->args[0] : a, b->id == FN_T_ARRAY ? b->args[0] : b};
        FN_TRY(func_over_elements(ctx, call, sides, 2, &d->kids[0], &item));
        call->type = fn_type_array(item);
        return FN_OK;
    }
    const fn_type *shape = a->id == FN_T_TUPLE ? a : b;
    if (a->id == b->id && a->arg_count != b->arg_count) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Expected tuples of the same size as arguments 0 and 1 of function %s, got %s and %s", call->def->name, a->name, b->name);
    d->kids = FN_NEW_ARRAY(ctx, const func_call *, shape->arg_count + 1u);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, shape->arg_count + 1u);
    if (!d->kids || !types) return ctx->error.code;
    for (uint32_t i = 0; i < shape->arg_count; i++) {
        const fn_type *sides[2] = {a->id == FN_T_TUPLE ? a->args[i] : a, b->id == FN_T_TUPLE ? b->args[i] : b};
        FN_TRY(func_over_elements(ctx, call, sides, 2, &d->kids[i], &types[i]));
    }
    call->type = fn_type_tuple(types, NULL, shape->arg_count);
    return FN_OK;
}

static fn_status bind_dates(fn_ctx *ctx, func_call *call, arith_data *d, const fn_type *a, const fn_type *b)
{
    const bool plus = d->op == ARITH_PLUS, minus = d->op == ARITH_MINUS;
    if (!plus && !minus) return func_illegal(ctx, call);
    d->swapped = !is_date(a);
    const fn_type *date = d->swapped ? b : a, *other = d->swapped ? a : b;
    if (d->swapped && minus) return func_illegal(ctx, call);
    if (is_date(other)) {
        const bool days_a = a->id <= FN_T_DATE32, days_b = b->id <= FN_T_DATE32;
        if (plus || days_a != days_b) return func_illegal(ctx, call);
        d->way = WAY_DATE_DIFFERENCE;
        const unsigned scale = FN_MAX(a->scale, b->scale);
        call->type = a->id == FN_T_DATETIME64 || b->id == FN_T_DATETIME64 ? fn_type_decimal(18, scale) : fn_type_simple(FN_T_INT32);
        return FN_OK;
    }
    if (other->id == FN_T_INTERVAL) {
        d->way = WAY_DATE_INTERVAL;
        return interval_result(ctx, call, date, other, &call->type);
    }
    if (!fn_type_is_integer(other) && !fn_type_is_float(other)) return func_illegal(ctx, call);
    d->way = WAY_DATE_NUMBER;
    call->type = date;
    return FN_OK;
}

static fn_status bind_numbers(fn_ctx *ctx, func_call *call, arith_data *d, const fn_type *a, const fn_type *b)
{
    const bool decimal = a->id == FN_T_DECIMAL || b->id == FN_T_DECIMAL;
    if (decimal && (fn_type_is_float(a) || fn_type_is_float(b))) {
        d->way = WAY_FLOAT;
        call->type = arith_number_type(d->op, fn_type_simple(FN_T_FLOAT64), fn_type_simple(FN_T_FLOAT64));
        return call->type ? FN_OK : func_illegal(ctx, call);
    }
    if (decimal) {
        d->way = WAY_DECIMAL;
        if (d->op > ARITH_MODULO_LEGACY) return func_illegal(ctx, call);
        return arith_decimal_type(ctx, d->op, a, b, &call->type);
    }
    d->way = WAY_NUMBER;
    call->type = arith_number_type(d->op, a, b);
    return call->type ? FN_OK : func_illegal(ctx, call);
}

static fn_status bind_op(fn_ctx *ctx, func_call *call, arith_op op, arith_zero zero)
{
    const fn_type *a = plain(call->arg_types[0]), *b = plain(call->arg_types[1]);
    arith_data *d = FN_NEW(ctx, arith_data);
    FN_TRY_PTR(ctx, d);
    *d = (arith_data){.op = op, .zero = zero};
    call->data = d;
    const bool containers = a->id == FN_T_ARRAY || b->id == FN_T_ARRAY || a->id == FN_T_TUPLE || b->id == FN_T_TUPLE;
    const bool both = a->id == b->id || ((fn_type_is_number(a) || fn_type_is_number(b)) && (op == ARITH_MULTIPLY || op == ARITH_DIVIDE || op == ARITH_MODULO || op == ARITH_INT_DIV));
    if (containers && both && op <= ARITH_MODULO) return bind_elements(ctx, call, d, a, b);
    if (a->id == FN_T_INTERVAL && a == b && op <= ARITH_MINUS) {
        d->way = WAY_INTERVALS;
        call->type = a;
    } else if (is_date(a) || is_date(b)) {
        FN_TRY(bind_dates(ctx, call, d, a, b));
    } else if ((a->id == FN_T_IPV4 || a->id == FN_T_ENUM8 || a->id == FN_T_ENUM16) && fn_type_is_integer(b) && op == ARITH_MODULO) {
        d->way = WAY_NUMBER;
        call->type = arith_number_type(op, arith_integer(a->id != FN_T_IPV4, a->width), b);
    } else if (fn_type_is_number(a) && fn_type_is_number(b)) {
        FN_TRY(bind_numbers(ctx, call, d, a, b));
    } else {
        return func_illegal(ctx, call);
    }
    if (zero == ARITH_ZERO_GIVES_NULL) call->type = fn_type_nullable(call->type);
    return FN_OK;
}

/* ---- running ---- */

static fn_status run_date_number(fn_ctx *ctx, const func_call *call, const arith_data *d, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_column *date = args[d->swapped], *number = args[!d->swapped];
    const fn_interval_unit unit = call->type->id <= FN_T_DATE32 ? FN_INTERVAL_DAY : FN_INTERVAL_SECOND;
    return interval_shift(ctx, date, number, unit, d->op == ARITH_MINUS ? -1 : 1, call->type, rows, out);
}

static fn_status run_difference(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    int64_t up[2] = {1, 1};
    for (int k = 0; k < 2 && call->type->id == FN_T_DECIMAL; k++)
        for (unsigned i = args[k]->type->scale; i < call->type->scale; i++) up[k] *= 10;
    for (uint32_t i = 0; i < rows; i++) {
        const int64_t v = fn_column_i64_at(args[0], i) * up[0] - fn_column_i64_at(args[1], i) * up[1];
        memcpy(values + (size_t)i * call->type->width, &v, call->type->width);
    }
    return FN_OK;
}

static fn_status run_float(fn_ctx *ctx, const func_call *call, const arith_data *d, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *x = NULL, *y = NULL;
    fn_status status = expr_convert(ctx, args[0], fn_type_simple(FN_T_FLOAT64), CONVERT_CAST, &x);
    if (status == FN_OK) status = expr_convert(ctx, args[1], fn_type_simple(FN_T_FLOAT64), CONVERT_CAST, &y);
    if (status == FN_OK) status = arith_number_run(ctx, d->op, d->zero, call->type, x, y, rows, out);
    fn_column_drop(x);
    fn_column_drop(y);
    return status;
}

/* Items of an array argument, or the scalar repeated for each item. */
static fn_status array_operand(fn_ctx *ctx, const fn_column *c, const fn_column *shape, fn_column **out)
{
    const uint32_t first = shape->offsets[0], items = shape->offsets[shape->rows] - first;
    if (c->type->id == FN_T_ARRAY) {
        *out = fn_column_slice(ctx, c->kids[0], c->offsets[0], items);
        return *out ? FN_OK : ctx->error.code;
    }
    uint32_t *row = fn_alloc(ctx, ((size_t)items + 1) * sizeof *row);
    FN_TRY_PTR(ctx, row);
    for (uint32_t i = 0, at = 0; i < shape->rows; i++)
        for (uint32_t k = shape->offsets[i]; k < shape->offsets[i + 1]; k++) row[at++] = i;
    *out = fn_column_take(ctx, c, row, items);
    fn_free(row);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status run_array(fn_ctx *ctx, const func_call *call, const arith_data *d, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *flat[2] = {0}, *items[3] = {0}, *result = NULL;
    fn_status status = FN_OK;
    for (int k = 0; k < 2 && status == FN_OK; k++) {
        flat[k] = fn_column_flatten(ctx, args[k]);
        if (!flat[k]) status = ctx->error.code;
    }
    const fn_column *shape = status == FN_OK && flat[0]->type->id == FN_T_ARRAY ? flat[0] : flat[1];
    for (uint32_t i = 0; status == FN_OK && i < rows && flat[0]->type->id == flat[1]->type->id; i++)
        if (flat[0]->offsets[i + 1] - flat[0]->offsets[0] != flat[1]->offsets[i + 1] - flat[1]->offsets[0])
            status = fn_fail(ctx, FN_SIZES_OF_ARRAYS_DONT_MATCH, "Arrays must have equal sizes as arguments of function %s", call->def->name);
    for (int k = 0; k < 2 && status == FN_OK; k++) status = array_operand(ctx, flat[k], shape, &items[k]);
    if (status == FN_OK) {
        status = func_run_elements(ctx, d->kids[0], call->type->args[0], items, items[0]->rows, &result);
    }
    if (status == FN_OK) {
        fn_column *all = fn_column_flatten(ctx, result);
        fn_buffer *offsets = all ? fn_buffer_new(ctx, ((size_t)rows + 1) * 4) : NULL;
        for (uint32_t i = 0; offsets && i <= rows; i++) ((uint32_t *)(void *)offsets->data)[i] = shape->offsets[i] - shape->offsets[0];
        if (offsets) *out = fn_column_array(ctx, call->type, rows, offsets, all);
        if (!offsets || !*out) status = ctx->error.code;
    }
    fn_column_drop(result);
    for (int k = 0; k < 2; k++) {
        fn_column_drop(flat[k]);
        fn_column_drop(items[k]);
    }
    return status;
}

static fn_status run_tuple(fn_ctx *ctx, const func_call *call, const arith_data *d, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t n = call->type->arg_count;
    fn_column **fields = fn_alloc_zero(ctx, (n + 1) * sizeof *fields), *flat[2] = {0};
    fn_status status = fields ? FN_OK : ctx->error.code;
    for (int k = 0; k < 2 && status == FN_OK; k++) {
        flat[k] = fn_column_flatten(ctx, args[k]);
        if (!flat[k]) status = ctx->error.code;
    }
    for (uint32_t i = 0; i < n && status == FN_OK; i++) {
        fn_column *pair[3] = {flat[0]->type->id == FN_T_TUPLE ? flat[0]->kids[i] : flat[0], flat[1]->type->id == FN_T_TUPLE ? flat[1]->kids[i] : flat[1], NULL}, *field = NULL;
        status = func_run_elements(ctx, d->kids[i], call->type->args[i], pair, rows, &field);
        if (status == FN_OK) fields[i] = fn_column_flatten(ctx, field);
        fn_column_drop(field);
        if (status == FN_OK && !fields[i]) status = ctx->error.code;
    }
    if (status == FN_OK) {
        *out = fn_column_tuple(ctx, call->type, rows, fields);
        if (!*out) status = ctx->error.code;
    }
    for (uint32_t i = 0; fields && i < n; i++) fn_column_drop(fields[i]);
    fn_free(fields);
    fn_column_drop(flat[0]);
    fn_column_drop(flat[1]);
    return status;
}

static fn_status eval_op(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const arith_data *d = call->data;
    switch (d->way) {
    case WAY_NUMBER: return arith_number_run(ctx, d->op, d->zero, call->type, args[0], args[1], rows, out);
    case WAY_DECIMAL: return arith_decimal_run(ctx, d->op, d->zero, call->type, args[0], args[1], rows, out);
    case WAY_FLOAT: return run_float(ctx, call, d, args, rows, out);
    case WAY_DATE_NUMBER: return run_date_number(ctx, call, d, args, rows, out);
    case WAY_DATE_INTERVAL:
        return interval_shift(ctx, args[d->swapped], args[!d->swapped], (fn_interval_unit)args[!d->swapped]->type->interval, d->op == ARITH_MINUS ? -1 : 1, call->type, rows, out);
    case WAY_DATE_DIFFERENCE: return run_difference(ctx, call, args, rows, out);
    case WAY_INTERVALS: return arith_number_run(ctx, d->op, d->zero, call->type, args[0], args[1], rows, out);
    case WAY_ELEMENTS: return call->type->id == FN_T_ARRAY ? run_array(ctx, call, d, args, rows, out) : run_tuple(ctx, call, d, args, rows, out);
    }
    return FN_OK;
}

#define BIND(name, op, zero)                                                                       \
    static fn_status bind_##name(fn_ctx *ctx, func_call *call)                                     \
    {                                                                                              \
        return bind_op(ctx, call, op, zero);                                                       \
    }
BIND(plus, ARITH_PLUS, ARITH_ZERO_FAILS)
BIND(minus, ARITH_MINUS, ARITH_ZERO_FAILS)
BIND(multiply, ARITH_MULTIPLY, ARITH_ZERO_FAILS)
BIND(divide, ARITH_DIVIDE, ARITH_ZERO_FAILS)
BIND(divide_or_null, ARITH_DIVIDE, ARITH_ZERO_GIVES_NULL)
BIND(int_div, ARITH_INT_DIV, ARITH_ZERO_FAILS)
BIND(int_div_or_zero, ARITH_INT_DIV, ARITH_ZERO_GIVES_ZERO)
BIND(int_div_or_null, ARITH_INT_DIV, ARITH_ZERO_GIVES_NULL)
BIND(modulo, ARITH_MODULO, ARITH_ZERO_FAILS)
BIND(modulo_or_zero, ARITH_MODULO, ARITH_ZERO_GIVES_ZERO)
BIND(modulo_or_null, ARITH_MODULO, ARITH_ZERO_GIVES_NULL)
BIND(modulo_legacy, ARITH_MODULO_LEGACY, ARITH_ZERO_FAILS)
BIND(positive_modulo, ARITH_POSITIVE_MODULO, ARITH_ZERO_FAILS)
BIND(positive_modulo_or_null, ARITH_POSITIVE_MODULO, ARITH_ZERO_GIVES_NULL)
BIND(gcd, ARITH_GCD, ARITH_ZERO_FAILS)
BIND(lcm, ARITH_LCM, ARITH_ZERO_FAILS)
BIND(bit_and, ARITH_BIT_AND, ARITH_ZERO_FAILS)
BIND(bit_or, ARITH_BIT_OR, ARITH_ZERO_FAILS)
BIND(bit_xor, ARITH_BIT_XOR, ARITH_ZERO_FAILS)
BIND(shift_left, ARITH_SHIFT_LEFT, ARITH_ZERO_FAILS)
BIND(shift_right, ARITH_SHIFT_RIGHT, ARITH_ZERO_FAILS)
BIND(rotate_left, ARITH_ROTATE_LEFT, ARITH_ZERO_FAILS)
BIND(rotate_right, ARITH_ROTATE_RIGHT, ARITH_ZERO_FAILS)
static fn_status bind_bit_test(fn_ctx *ctx, func_call *call)
{
    FN_TRY(bind_op(ctx, call, ARITH_BIT_TEST, ARITH_ZERO_FAILS));
    if (call->arg_types[0]->width <= 8 && call->arg_types[1]->width <= 8) return FN_OK;
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "bitTest is not implemented for big integers as second argument");
}
BIND(hamming, ARITH_HAMMING, ARITH_ZERO_FAILS)

#define UNARY(name, op)                                                                            \
    static fn_status bind_##name(fn_ctx *ctx, func_call *call)                                     \
    {                                                                                              \
        return unary_bind(ctx, call, op);                                                          \
    }                                                                                              \
    static fn_status eval_##name(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out) \
    {                                                                                              \
        return unary_eval(ctx, call, args, rows, op, out);                                         \
    }
UNARY(negate, UNARY_NEGATE)
UNARY(abs, UNARY_ABS)
UNARY(sign, UNARY_SIGN)
UNARY(bit_not, UNARY_BIT_NOT)
UNARY(bit_count, UNARY_BIT_COUNT)
UNARY(byte_swap, UNARY_BYTE_SWAP)

#define TWO(title, binder, more, text, ex, res)                                                    \
    {.name = title, .args_min = 2, .args_max = 2, .flags = more, .bind = bind_##binder, .eval = eval_op, .about = text, .example = ex, .gives = res}
#define ONE(title, binder, more, text, ex, res)                                                    \
    {.name = title, .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY | more, .bind = bind_##binder, .eval = eval_##binder, .about = text, .example = ex, .gives = res}
#define ALIASES(...) .aliases = (const char *const[]){__VA_ARGS__, NULL}

static const func_def rows_[] = {
    TWO("plus", plus, FUNC_PER_ENTRY, "Sum of two numbers, or a date shifted by an interval or number.", "plus(1, 2)", "3"),
    TWO("minus", minus, FUNC_PER_ENTRY, "Difference of two numbers or dates; the result of integers is signed.", "minus(1, 2)", "-1"),
    TWO("multiply", multiply, FUNC_PER_ENTRY, "Product of two numbers.", "multiply(3, 4)", "12"),
    TWO("divide", divide, 0, "Quotient as Float64; decimals keep the scale of the dividend.", "divide(1, 2)", "0.5"),
    TWO("divideOrNull", divide_or_null, 0, "As divide, NULL for division by zero.", "divideOrNull(1, 0)", "NULL"),
    TWO("intDiv", int_div, 0, "Integer quotient, rounded towards zero; fails for a zero divisor.", "intDiv(7, 2)", "3"),
    TWO("intDivOrZero", int_div_or_zero, 0, "As intDiv, 0 for a zero divisor.", "intDivOrZero(7, 0)", "0"),
    TWO("intDivOrNull", int_div_or_null, 0, "As intDiv, NULL for a zero divisor.", "intDivOrNull(7, 0)", "NULL"),
    {.name = "modulo", ALIASES("mod"), .args_min = 2, .args_max = 2, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_modulo, .eval = eval_op,
     .about = "Remainder of the division with the sign of the dividend.", .example = "modulo(7, 3)", .gives = "1"},
    TWO("moduloOrZero", modulo_or_zero, 0, "As modulo, 0 for a zero divisor.", "moduloOrZero(7, 0)", "0"),
    TWO("moduloOrNull", modulo_or_null, 0, "As modulo, NULL for a zero divisor.", "moduloOrNull(7, 0)", "NULL"),
    TWO("moduloLegacy", modulo_legacy, FUNC_INTERNAL, "As modulo with the result type of old partition keys.", "moduloLegacy(7, 3)", "1"),
    {.name = "positiveModulo", ALIASES("positive_modulo", "pmod"), .args_min = 2, .args_max = 2, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_positive_modulo, .eval = eval_op,
     .about = "Remainder that is never negative.", .example = "positiveModulo(-1, 10)", .gives = "9"},
    TWO("positiveModuloOrNull", positive_modulo_or_null, 0, "As positiveModulo, NULL for a zero divisor.", "positiveModuloOrNull(1, 0)", "NULL"),
    TWO("gcd", gcd, FUNC_PER_ENTRY, "Greatest common divisor.", "gcd(12, 18)", "6"),
    TWO("lcm", lcm, FUNC_PER_ENTRY, "Least common multiple.", "lcm(4, 6)", "12"),
    TWO("bitAnd", bit_and, FUNC_PER_ENTRY, "Bitwise and.", "bitAnd(6, 3)", "2"),
    TWO("bitOr", bit_or, FUNC_PER_ENTRY, "Bitwise or.", "bitOr(6, 3)", "7"),
    TWO("bitXor", bit_xor, FUNC_PER_ENTRY, "Bitwise exclusive or.", "bitXor(6, 3)", "5"),
    TWO("bitShiftLeft", shift_left, FUNC_PER_ENTRY, "Shifts bits to the left.", "bitShiftLeft(1, 3)", "8"),
    TWO("bitShiftRight", shift_right, FUNC_PER_ENTRY, "Shifts bits to the right.", "bitShiftRight(8, 3)", "1"),
    TWO("bitRotateLeft", rotate_left, FUNC_PER_ENTRY, "Rotates bits to the left.", "bitRotateLeft(1, 9)", "2"),
    TWO("bitRotateRight", rotate_right, FUNC_PER_ENTRY, "Rotates bits to the right.", "bitRotateRight(2, 1)", "1"),
    TWO("bitTest", bit_test, 0, "The bit at a place, counted from the lowest.", "bitTest(5, 2)", "1"),
    TWO("bitHammingDistance", hamming, FUNC_PER_ENTRY, "Number of different bits.", "bitHammingDistance(1, 7)", "2"),
    ONE("negate", negate, 0, "The number with the other sign.", "negate(1)", "-1"),
    ONE("abs", abs, FUNC_CASE_INSENSITIVE, "Absolute value.", "abs(-1)", "1"),
    ONE("sign", sign, FUNC_CASE_INSENSITIVE, "-1, 0 or 1.", "sign(-5)", "-1"),
    ONE("bitNot", bit_not, 0, "All bits inverted.", "bitNot(toUInt8(1))", "254"),
    ONE("bitCount", bit_count, 0, "Number of one bits.", "bitCount(7)", "3"),
    ONE("byteSwap", byte_swap, FUNC_CASE_INSENSITIVE, "The bytes of the number in reverse order.", "byteSwap(toUInt16(1))", "256"),
};
const func_family func_family_arithmetic = FUNC_FAMILY("arithmetic", rows_);
