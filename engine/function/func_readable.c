/* func_readable.c - numbers for people: formatReadableSize, formatReadableDecimalSize, formatReadableQuantity,
 * formatReadableTimeDelta. SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include <math.h>
#include <stdio.h>

/* ---- sizes and quantities: divided by the base until below it ---- */
static const char *const binary_units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB", " ZiB", " YiB"};
static const char *const decimal_units[] = {" B", " KB", " MB", " GB", " TB", " PB", " EB", " ZB", " YB"};
static const char *const quantity_units[] = {"",           " thousand",    " million",    " billion",   " trillion", " quadrillion",
                                             " quintillion", " sextillion", " septillion", " octillion", " nonillion", " decillion"};
static fn_status scaled(fn_ctx *ctx, double v, double base, const char *const *units, size_t count, fn_buf *to)
{
    size_t unit = 0;
    for (; unit + 1 < count && fabs(v) >= base; unit++) v /= base;
    return fn_buf_printf(ctx, to, "%.2f%s", v, units[unit]);
}
static fn_status bind_number(fn_ctx *ctx, func_call *call)
{
    if (call->arg_types[0]->id != FN_T_DECIMAL) FN_TRY(text_need(ctx, call, "n"));
    return func_bind_string(ctx, call);
}
static fn_status in_floats(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, text_row_fn *row, fn_column **out)
{
    fn_column *floats;
    FN_TRY(expr_convert(ctx, args[0], fn_type_simple(FN_T_FLOAT64), CONVERT_CAST, &floats));
    const fn_status status = text_rows(ctx, call, &floats, rows, row, out);
    fn_column_drop(floats);
    return status;
}
static fn_status row_size(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return scaled(ctx, fn_column_f64_at(args[0], row), 1024, binary_units, FN_COUNT(binary_units), to);
}
static fn_status row_decimal(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return scaled(ctx, fn_column_f64_at(args[0], row), 1000, decimal_units, FN_COUNT(decimal_units), to);
}
static fn_status row_quantity(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return scaled(ctx, fn_column_f64_at(args[0], row), 1000, quantity_units, FN_COUNT(quantity_units), to);
}
TEXT_EVAL(eval_size, in_floats, row_size)
TEXT_EVAL(eval_decimal, in_floats, row_decimal)
TEXT_EVAL(eval_quantity, in_floats, row_quantity)

/* ---- time: years of 365 days, months of 30.5 days ---- */
typedef struct time_unit {
    const char *name;
    double seconds;
} time_unit;
static const time_unit time_units[] = {{"year", 31536000}, {"month", 2635200}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}, {"millisecond", 1e-3}, {"microsecond", 1e-6}, {"nanosecond", 1e-9}};
enum { UNIT_YEAR = 0, UNIT_SECOND = 5, UNIT_COUNT = FN_COUNT(time_units) };

typedef struct delta {
    unsigned largest, smallest;
} delta;
static fn_status unit_of(fn_ctx *ctx, fn_str text, unsigned *out)
{
    for (unsigned i = 0; i < UNIT_COUNT; i++) {
        const size_t n = strlen(time_units[i].name);
        if (text.size == n + 1 && memcmp(text.data, time_units[i].name, n) == 0 && text.data[n] == 's') {
            *out = i;
            return FN_OK;
        }
    }
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Unexpected value of a unit argument (" FN_STR_FMT ") for function formatReadableTimeDelta, the only allowed values are: 'nanoseconds', "
                   "'microseconds', 'milliseconds', 'seconds', 'minutes', 'hours', 'days', 'months', 'years'", FN_STR_ARG(text));
}
static fn_status bind_delta(fn_ctx *ctx, func_call *call)
{
    delta *d = FN_NEW(ctx, delta);
    FN_TRY_PTR(ctx, d);
    *d = (delta){UNIT_YEAR, UNIT_SECOND};
    FN_TRY(text_need(ctx, call, "ncc"));
    fn_str text;
    if (call->arg_count > 1) {
        FN_TRY(func_const_str(ctx, call, 1, &text));
        FN_TRY(unit_of(ctx, text, &d->largest));
        if (d->largest > UNIT_SECOND) d->smallest = d->largest;
    }
    if (call->arg_count > 2) {
        FN_TRY(func_const_str(ctx, call, 2, &text));
        FN_TRY(unit_of(ctx, text, &d->smallest));
        if (d->smallest < d->largest) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Explicit minimum unit value must be lower than maximum unit value in function formatReadableTimeDelta");
    }
    call->data = d;
    return func_bind_string(ctx, call);
}
static fn_status row_delta(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const delta *d = call->data;
    double v = fn_column_f64_at(args[0], row);
    if (isnan(v)) return fn_buf_cstr(ctx, to, "nan");
    if (isinf(v)) return fn_buf_cstr(ctx, to, v > 0 ? "+inf" : "-inf");
    uint64_t counts[UNIT_COUNT] = {0};
    unsigned last = d->smallest, shown = 0, left;
    if (v < 0) FN_TRY(fn_buf_byte(ctx, to, '-'));
    v = fabs(v) + time_units[d->smallest].seconds * 1e-6 * (d->smallest > UNIT_SECOND); /* so that 0.5 s is 500 ms, not 499 */
    for (unsigned i = d->largest; i <= d->smallest; i++) {
        const double n = floor(v / time_units[i].seconds);
        counts[i] = n < 1.8e19 ? (uint64_t)n : UINT64_MAX;
        v -= n * time_units[i].seconds;
        if (counts[i]) last = i;
    }
    bool zero = d->largest <= UNIT_SECOND && d->smallest >= UNIT_SECOND; /* "0 seconds" stands in front of fractions */
    for (unsigned i = 0; i <= UNIT_SECOND; i++) zero &= counts[i] == 0;
    left = zero;
    for (unsigned i = d->largest; i <= last; i++) left += counts[i] != 0;
    if (zero && last < UNIT_SECOND) last = UNIT_SECOND;
    if (!left) return fn_buf_printf(ctx, to, "0 %ss", time_units[d->smallest].name);
    for (unsigned i = d->largest; i <= last; i++) {
        if (!counts[i] && !(zero && i == UNIT_SECOND)) continue;
        if (shown) FN_TRY(fn_buf_cstr(ctx, to, ++shown == left ? " and " : ", "));
        else shown = 1;
        FN_TRY(fn_buf_printf(ctx, to, "%llu %s%s", (unsigned long long)counts[i], time_units[i].name, counts[i] == 1 ? "" : "s"));
    }
    return FN_OK;
}
TEXT_EVAL(eval_delta, text_rows, row_delta)

static const char *const size_names[] = {"FORMAT_BYTES", NULL};
static const func_def rows_[] = {
    {.name = "formatReadableSize", .aliases = size_names, .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, .bind = bind_number, .eval = eval_size,
     .about = "A number of bytes in KiB, MiB, ...", .example = "formatReadableSize(1536)", .gives = "1.50 KiB"},
    {.name = "formatReadableDecimalSize", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_number, .eval = eval_decimal,
     .about = "A number of bytes in KB, MB, ...", .example = "formatReadableDecimalSize(1500)", .gives = "1.50 KB"},
    {.name = "formatReadableQuantity", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_number, .eval = eval_quantity,
     .about = "A number in thousand, million, ...", .example = "formatReadableQuantity(1500)", .gives = "1.50 thousand"},
    {.name = "formatReadableTimeDelta", .args_min = 1, .args_max = 3, .flags = FUNC_PER_ENTRY, .bind = bind_delta, .eval = eval_delta,
     .about = "Seconds in years, months, days, hours, minutes and seconds, from the largest to the smallest unit given.", .example = "formatReadableTimeDelta(3661)", .gives = "1 hour, 1 minute and 1 second"},
};
const func_family func_family_readable = FUNC_FAMILY("other", rows_);
