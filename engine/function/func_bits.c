/* func_bits.c - bits of numbers as arrays, and curves through space: Morton (bits of the coordinates in turn) and Hilbert (two coordinates
 * of 32 bits). SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"

enum { CURVE_MAX = 8 /* coordinates */, HILBERT_BITS = 32 };

/* ---- bitmaskToArray, bitPositionsToArray, bitmaskToList ---- */

static bool is_positions(const func_call *call)
{
    return strcmp(call->def->name, "bitPositionsToArray") == 0;
}

static fn_status bind_bits(fn_ctx *ctx, func_call *call)
{
    const fn_type *t = call->arg_types[0];
    if (!fn_type_is_integer(t) || t->width > 8) return func_illegal(ctx, call);
    if (strcmp(call->def->name, "bitmaskToList") == 0) return func_bind_string(ctx, call);
    call->type = fn_type_array(is_positions(call) ? fn_type_simple(FN_T_UINT64) : t);
    return FN_OK;
}

static fn_status put_bit(fn_ctx *ctx, const func_call *call, unsigned bit, fn_builder *b, fn_buf *text)
{
    const fn_type *t = call->arg_types[0];
    const uint64_t power = (uint64_t)1 << bit, place = bit;
    if (call->type->id == FN_T_ARRAY) return fn_builder_fixed(ctx, &b->kids[0], is_positions(call) ? &place : &power);
    if (text->size) FN_TRY(fn_buf_byte(ctx, text, ','));
    if (!fn_type_is_unsigned(t) && bit == t->width * 8 - 1) return fn_buf_printf(ctx, text, "%lld", (long long)((int64_t)(power << (64 - t->width * 8)) >> (64 - t->width * 8)));
    return fn_buf_printf(ctx, text, "%llu", (unsigned long long)power);
}

static fn_status eval_bits(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_builder b;
    fn_buf text = FN_BUF_INIT;
    fn_status status = fn_builder_init(ctx, &b, call->type);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint64_t x = fn_column_u64_at(args[0], i);
        text.size = 0;
        for (unsigned bit = 0; bit < args[0]->type->width * 8 && status == FN_OK; bit++)
            if (x >> bit & 1) status = put_bit(ctx, call, bit, &b, &text);
        if (status == FN_OK) status = call->type->id == FN_T_ARRAY ? fn_builder_close_array(ctx, &b) : fn_builder_str(ctx, &b, fn_buf_view(&text));
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&text);
    return status;
}

/* ---- curves ---- */

static bool is_hilbert(const func_call *call)
{
    return call->def->name[0] == 'h';
}

/* The mask tuple in front of the arguments stretches or shrinks coordinates. */
static fn_status no_mask(fn_ctx *ctx, const func_call *call)
{
    if (call->arg_types[0]->id != FN_T_TUPLE) return FN_OK;
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s with a tuple of masks or ratios is not supported", call->def->name);
}

static fn_status bind_encode(fn_ctx *ctx, func_call *call)
{
    const uint32_t most = is_hilbert(call) ? 2 : CURVE_MAX;
    FN_TRY(no_mask(ctx, call));
    if (call->arg_count > most) return fn_fail(ctx, FN_TOO_MANY_ARGUMENTS_FOR_FUNCTION, "Illegal number of UInt arguments of function %s, max: %u", call->def->name, most);
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (!fn_type_is_integer(call->arg_types[i]) || !fn_type_is_unsigned(call->arg_types[i]) || call->arg_types[i]->width > 8)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument of function %s, should be a native unsigned integer", call->arg_types[i]->name, call->def->name);
    return func_bind_u64(ctx, call);
}

/* Bit k of coordinate c is bit k * n + c. */
static uint64_t morton(const uint64_t *x, uint32_t n)
{
    uint64_t code = 0;
    for (uint32_t k = 0; k < 64 / n; k++)
        for (uint32_t c = 0; c < n; c++) code |= (x[c] >> k & 1) << (k * n + c);
    return code;
}

/* The quadrants a level passes through are turned so that the curve stays in one piece. */
static void turn(uint64_t side, bool right, bool up, uint64_t *x, uint64_t *y)
{
    if (up) return;
    if (right) {
        *x = side - 1 - *x;
        *y = side - 1 - *y;
    }
    const uint64_t other = *x;
    *x = *y;
    *y = other;
}

static uint64_t hilbert(uint64_t y, uint64_t x)
{
    uint64_t code = 0;
    x &= UINT32_MAX;
    y &= UINT32_MAX;
    for (uint64_t side = (uint64_t)1 << (HILBERT_BITS - 1); side; side >>= 1) {
        const bool right = x & side, up = y & side;
        code += side * side * ((3u * right) ^ up);
        x &= side - 1;
        y &= side - 1;
        turn(side, right, up, &x, &y);
    }
    return code;
}

static void from_hilbert(uint64_t code, uint64_t *out)
{
    uint64_t x = 0, y = 0;
    for (uint64_t side = 1; side < (uint64_t)1 << HILBERT_BITS; side <<= 1, code >>= 2) {
        const bool right = code >> 1 & 1, up = (code ^ right) & 1;
        turn(side, right, up, &x, &y);
        x += right ? side : 0;
        y += up ? side : 0;
    }
    out[0] = y;
    out[1] = x;
}

static fn_status eval_encode(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    uint64_t x[CURVE_MAX];
    uint8_t *values;
    *out = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, *out);
    for (size_t i = 0; i < rows; i++) {
        for (uint32_t c = 0; c < call->arg_count; c++) x[c] = fn_column_u64_at(args[c], i);
        fn_store_u64(values + i * 8, call->arg_count == 1 ? x[0] : is_hilbert(call) ? hilbert(x[0], x[1]) : morton(x, call->arg_count));
    }
    return FN_OK;
}

static fn_status bind_decode(fn_ctx *ctx, func_call *call)
{
    const uint32_t most = is_hilbert(call) ? 2 : CURVE_MAX;
    const fn_type *types[CURVE_MAX];
    fn_column *count;
    FN_TRY(no_mask(ctx, call));
    if (!fn_type_is_integer(call->arg_types[0]) || !fn_type_is_integer(call->arg_types[1]) || call->arg_types[1]->width > 8) return func_illegal(ctx, call);
    FN_TRY(func_need_const(ctx, call, 0, &count));
    const uint64_t n = fn_column_u64_at(count, 0);
    if (n < 1 || n > most) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "First argument for function %s should be a number in range 1-%u", call->def->name, most);
    for (uint32_t i = 0; i < n; i++) types[i] = fn_type_simple(FN_T_UINT64);
    call->type = fn_type_tuple(types, NULL, n);
    return FN_OK;
}

static fn_status eval_decode(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t n = call->type->arg_count;
    fn_column *fields[CURVE_MAX] = {0};
    uint8_t *values[CURVE_MAX];
    fn_status status = FN_OK;
    for (uint32_t c = 0; c < n && status == FN_OK; c++)
        if (!(fields[c] = func_new_fixed(ctx, fn_type_simple(FN_T_UINT64), rows, &values[c]))) status = ctx->error.code;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const uint64_t code = fn_column_u64_at(args[1], i);
        uint64_t x[CURVE_MAX] = {code};
        if (n > 1 && is_hilbert(call)) from_hilbert(code, x);
        for (uint32_t c = 0; c < n && n > 1 && !is_hilbert(call); c++) {
            x[c] = 0;
            for (uint32_t k = 0; k < 64 / n; k++) x[c] |= (code >> (k * n + c) & 1) << k;
        }
        for (uint32_t c = 0; c < n; c++) fn_store_u64(values[c] + i * 8, x[c]);
    }
    if (status == FN_OK && !(*out = fn_column_tuple(ctx, call->type, rows, fields))) status = ctx->error.code;
    for (uint32_t c = 0; c < n; c++) fn_column_drop(fields[c]);
    return status;
}

#define ROW(title, lo, hi, kind, text, ex, res)                                                    \
    {.name = title, .args_min = lo, .args_max = hi, .bind = bind_##kind, .eval = eval_##kind, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("bitmaskToArray", 1, 1, bits, "The powers of two that the number is a sum of.", "bitmaskToArray(50)", "[2,16,32]"),
    ROW("bitmaskToList", 1, 1, bits, "The powers of two that the number is a sum of, as text.", "bitmaskToList(50)", "2,16,32"),
    ROW("bitPositionsToArray", 1, 1, bits, "The places of the bits that are set.", "bitPositionsToArray(50)", "[1,4,5]"),
    ROW("mortonEncode", 1, -1, encode, "The bits of the coordinates in turn.", "mortonEncode(1, 2, 3)", "53"),
    ROW("mortonDecode", 2, 2, decode, "So many coordinates of a Morton code.", "mortonDecode(3, 53)", "(1,2,3)"),
    ROW("hilbertEncode", 1, -1, encode, "The place of a point on the Hilbert curve.", "hilbertEncode(3, 4)", "31"),
    ROW("hilbertDecode", 2, 2, decode, "The point at a place of the Hilbert curve.", "hilbertDecode(2, 31)", "(3,4)"),
};
const func_family func_family_bits = FUNC_FAMILY("bits", rows_);
