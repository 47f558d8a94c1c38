/* func_size_text.c - sizes as people write them to numbers: parseReadableSize('10 MiB') with its OrNull and OrZero kinds.
 * A number, spaces, a unit of powers of 1000 or 1024 in any case; fractions of a byte are rounded up.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include <math.h>
#include <stdlib.h>

static const char *const units[] = {"b", "kb", "mb", "gb", "tb", "pb", "eb", "zb", "yb"}, *const binary_units[] = {"b", "kib", "mib", "gib", "tib", "pib", "eib", "zib", "yib"};

static fn_status bind_size(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    call->type = fn_type_simple(FN_T_UINT64);
    if (fn_str_ends(fn_cstr(call->def->name), FN_STR("OrNull"))) call->type = fn_type_nullable(call->type);
    return FN_OK;
}

static double unit_size(fn_str unit)
{
    for (size_t i = 0; i < FN_COUNT(units); i++) {
        if (fn_str_eq_nocase(unit, fn_cstr(units[i]))) return pow(1000, (double)i);
        if (fn_str_eq_nocase(unit, fn_cstr(binary_units[i]))) return pow(1024, (double)i);
    }
    return 0;
}

static fn_status bad(fn_ctx *ctx, const func_call *call, fn_status code, const char *what, fn_str s)
{
    return fn_fail(ctx, code, "Invalid expression for function %s - %s (\"" FN_STR_FMT "\")", call->def->name, what, FN_STR_ARG(s));
}

static fn_status parse(fn_ctx *ctx, const func_call *call, fn_str s, uint64_t *out)
{
    char number[64];
    size_t n = 0, at = 0;
    if (s.size && strchr(" \t\n\r\v\f", s.data[0]) && s.data[0]) return bad(ctx, call, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Leading whitespace is not allowed", s);
    for (; at < s.size && n + 1 < sizeof number; at++) { /* sign, digits, point; an exponent with its own sign */
        const char b = s.data[at];
        const bool sign = (b == '-' || b == '+') && (at == 0 || (s.data[at - 1] | 32) == 'e');
        const bool exponent = (b | 32) == 'e' && at + 1 < s.size && (text_is_digit((uint8_t)s.data[at + 1]) || s.data[at + 1] == '-' || s.data[at + 1] == '+');
        if (!text_is_digit((uint8_t)b) && b != '.' && !sign && !exponent) break;
        number[n++] = b;
    }
    number[n] = 0;
    char *end;
    const double v = strtod(number, &end);
    if (!n || *end || end == number) return bad(ctx, call, FN_CANNOT_PARSE_NUMBER, "Unable to parse readable size numeric component", s);
    if (v < 0) return bad(ctx, call, FN_BAD_ARGUMENTS, "Negative sizes are not allowed", s);
    while (at < s.size && s.data[at] == ' ') at++;
    const size_t from = at;
    while (at < s.size && text_is_alpha((uint8_t)s.data[at])) at++;
    const double size = unit_size((fn_str){s.data + from, at - from});
    if (size == 0) return bad(ctx, call, FN_CANNOT_PARSE_TEXT, "Unknown readable size unit", (fn_str){s.data + from, at - from});
    if (at < s.size) return bad(ctx, call, FN_UNEXPECTED_DATA_AFTER_PARSED_VALUE, "Found trailing characters after readable size string", s);
    if (!(v * size < 18446744073709551616.0)) return bad(ctx, call, FN_BAD_ARGUMENTS, "Result is too big for output type", s);
    *out = (uint64_t)ceil(v * size);
    return FN_OK;
}

static fn_status value_size(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    uint64_t v = 0;
    const bool fails = strcmp(call->def->name, "parseReadableSize") == 0;
    const fn_status status = parse(ctx, call, text_at(args[0], row), &v);
    if (status == FN_OK) return fn_builder_fixed(ctx, to, &v);
    if (fails) return status;
    fn_error_clear(ctx);
    return fn_builder_default(ctx, to); /* NULL or 0 */
}
TEXT_EVAL(eval_size, value_rows, value_size)

#define SIZE(fn, what, ex, res)  {.name = fn, .args_min = 1, .args_max = 1, .bind = bind_size, .eval = eval_size, .about = what, .example = ex, .gives = res}
static const func_def rows_[] = {
    SIZE("parseReadableSize", "The number of bytes a text like '10 MiB' means.", "parseReadableSize('10 MiB')", "10485760"),
    SIZE("parseReadableSizeOrNull", "As parseReadableSize, NULL for what is no size.", "parseReadableSizeOrNull('x')", "NULL"),
    SIZE("parseReadableSizeOrZero", "As parseReadableSize, 0 for what is no size.", "parseReadableSizeOrZero('x')", "0"),
};
const func_family func_family_size_text = FUNC_FAMILY("other", rows_);
