/* func_printf.c - printf(format, ...): C's conversions over columns.
 * The format is cut once, at bind, into constant text and conversions; digits are made here and padded here, so that no format
 * string from outside ever reaches the C library.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include <stdio.h>

enum { WIDTH_MAX = 10000, PRECISION_MAX = 500 };

typedef struct conversion {
    fn_str text;      /* constant text (escapes resolved), if kind is 0 */
    fn_str source;    /* the conversion as written, for messages */
    char kind;        /* d i u x X o c s f F e E g G a A */
    bool left, plus, blank, zero, alternate;
    int32_t width, precision; /* precision -1: none */
    uint32_t arg;
} conversion;

typedef struct plan {
    conversion *items;
    uint32_t count;
} plan;

static int32_t small_number(fn_str f, size_t *i, int32_t max)
{
    int32_t n = 0;
    for (; *i < f.size && text_is_digit((uint8_t)f.data[*i]); ++*i) n = FN_MIN(n * 10 + (f.data[*i] - '0'), max);
    return n;
}

static bool flag(conversion *c, char b)
{
    switch (b) {
    case '-': c->left = true; return true;
    case '+': c->plus = true; return true;
    case ' ': c->blank = true; return true;
    case '0': c->zero = true; return true;
    case '#': c->alternate = true; return true;
    default: return false;
    }
}

/* Reads the conversion at f.data[*i] = '%'. */
static fn_status read_conversion(fn_ctx *ctx, fn_str f, size_t *i, conversion *c)
{
    const size_t start = (*i)++;
    c->precision = -1;
    while (*i < f.size && flag(c, f.data[*i])) ++*i;
    c->width = small_number(f, i, WIDTH_MAX);
    if (*i < f.size && f.data[*i] == '.') {
        ++*i;
        c->precision = small_number(f, i, PRECISION_MAX);
    }
    while (*i < f.size && strchr("hlqjzt", f.data[*i]) && *i + 1 < f.size) ++*i; /* C's length modifiers mean nothing here */
    if (*i >= f.size) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Bad format " FN_STR_FMT " in function printf without input argument, reason: invalid format string", FN_STR_ARG(f));
    c->kind = f.data[(*i)++];
    c->source = (fn_str){f.data + start, *i - start};
    return FN_OK;
}

static fn_status bad_argument(fn_ctx *ctx, const conversion *c, const fn_type *type)
{
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Bad format " FN_STR_FMT " in function printf with an input argument of type %s, reason: invalid format specifier",
                   FN_STR_ARG(c->source), type->name);
}

static fn_status check_argument(fn_ctx *ctx, const conversion *c, const fn_type *type)
{
    const bool whole = fn_type_is_integer(type) && type->width <= 8;
    const bool fits = strchr("diuxXoc", c->kind) ? whole : c->kind == 's' ? fn_type_is_string(type) : strchr("fFeEgGaA", c->kind) ? fn_type_is_float(type) : false;
    if (fits && strchr("fFeEgGaA", c->kind) && c->alternate) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Flag # of printf with floating point conversions is not supported");
    return fits ? FN_OK : bad_argument(ctx, c, type);
}

static fn_status bind_printf(fn_ctx *ctx, func_call *call)
{
    fn_str f;
    plan *p = FN_NEW(ctx, plan);
    if (!fn_type_is_string(call->arg_types[0])) return func_illegal(ctx, call);
    FN_TRY(func_const_str(ctx, call, 0, &f));
    FN_TRY_PTR(ctx, p);
    p->items = FN_NEW_ARRAY(ctx, conversion, FN_MIN(f.size, (size_t)1 << 20) + 1);
    FN_TRY_PTR(ctx, p->items);
    if (f.size > (size_t)1 << 20) return fn_fail(ctx, FN_BAD_ARGUMENTS, "The format of function printf is too long");
    uint32_t arg = 1;
    for (size_t i = 0, text = 0; i <= f.size;) {
        if (i < f.size && f.data[i] != '%') {
            i++;
            continue;
        }
        if (i > text) p->items[p->count++] = (conversion){.text = {f.data + text, i - text}};
        if (i == f.size) break;
        if (i + 1 < f.size && f.data[i + 1] == '%') {
            p->items[p->count++] = (conversion){.text = {f.data + i, 1}};
            i += 2;
        } else {
            conversion *c = &p->items[p->count++];
            FN_TRY(read_conversion(ctx, f, &i, c));
            c->arg = arg++;
            if (c->arg < call->arg_count) FN_TRY(check_argument(ctx, c, call->arg_types[c->arg]));
        }
        text = i;
    }
    if (arg != call->arg_count)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Number of arguments for function printf doesn't match: passed %u, but format is " FN_STR_FMT,
                       call->arg_count, FN_STR_ARG(f));
    call->data = p;
    return func_bind_string(ctx, call);
}

/* sign, prefix, zeros and digits within the width. */
static fn_status put_padded(fn_ctx *ctx, const conversion *c, fn_str head, fn_str body, bool zeros_allowed, fn_buf *to)
{
    const size_t size = head.size + body.size, fill = (size_t)c->width > size ? (size_t)c->width - size : 0;
    const bool zeros = c->zero && !c->left && zeros_allowed;
    for (size_t i = 0; i < fill && !c->left && !zeros; i++) FN_TRY(fn_buf_byte(ctx, to, ' '));
    FN_TRY(fn_buf_str(ctx, to, head));
    for (size_t i = 0; i < fill && zeros; i++) FN_TRY(fn_buf_byte(ctx, to, '0'));
    FN_TRY(fn_buf_str(ctx, to, body));
    for (size_t i = 0; i < fill && c->left; i++) FN_TRY(fn_buf_byte(ctx, to, ' '));
    return FN_OK;
}

static fn_str sign_of(const conversion *c, bool negative)
{
    return negative ? FN_STR("-") : c->plus ? FN_STR("+") : c->blank ? FN_STR(" ") : (fn_str){NULL, 0};
}

static fn_status put_integer(fn_ctx *ctx, const conversion *c, const fn_column *arg, size_t row, fn_buf *to)
{
    char digits[PRECISION_MAX + 24];
    size_t at = sizeof digits;
    uint64_t v = fn_column_u64_at(arg, row);
    const bool is_signed = c->kind == 'd' || c->kind == 'i', negative = is_signed && (int64_t)v < 0 && !fn_type_is_unsigned(arg->type);
    const unsigned base = c->kind == 'x' || c->kind == 'X' ? 16 : c->kind == 'o' ? 8 : 10;
    const char *letters = c->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    fn_str head = is_signed ? sign_of(c, negative) : (fn_str){NULL, 0};
    if (c->alternate && base == 16 && v) head = c->kind == 'X' ? FN_STR("0X") : FN_STR("0x");
    if (negative) v = 0 - v;
    do digits[--at] = letters[v % base];
    while (v /= base);
    while ((int32_t)(sizeof digits - at) < c->precision) digits[--at] = '0';
    if (c->alternate && base == 8 && digits[at] != '0') digits[--at] = '0';
    return put_padded(ctx, c, head, (fn_str){digits + at, sizeof digits - at}, c->precision < 0, to);
}

static fn_status put_float(fn_ctx *ctx, const conversion *c, double v, fn_buf *to)
{
    char digits[PRECISION_MAX + 350];
    const bool negative = __builtin_signbit(v) != 0;
    const double a = negative ? -v : v;
    const int p = c->precision < 0 ? 6 : c->precision;
    int n = 0;
    switch (c->kind) {
    case 'f': n = snprintf(digits, sizeof digits, "%.*f", p, a); break;
    case 'F': n = snprintf(digits, sizeof digits, "%.*F", p, a); break;
    case 'e': n = snprintf(digits, sizeof digits, "%.*e", p, a); break;
    case 'E': n = snprintf(digits, sizeof digits, "%.*E", p, a); break;
    case 'g': n = snprintf(digits, sizeof digits, "%.*g", p, a); break;
    case 'G': n = snprintf(digits, sizeof digits, "%.*G", p, a); break;
    case 'a': n = c->precision < 0 ? snprintf(digits, sizeof digits, "%a", a) : snprintf(digits, sizeof digits, "%.*a", p, a); break;
    case 'A': n = c->precision < 0 ? snprintf(digits, sizeof digits, "%A", a) : snprintf(digits, sizeof digits, "%.*A", p, a); break;
    default: FN_IMPOSSIBLE("kinds were checked");
    }
    FN_ASSERT(n > 0 && (size_t)n < sizeof digits);
    return put_padded(ctx, c, sign_of(c, negative), (fn_str){digits, (size_t)n}, a - a == 0, to);
}

static fn_status row_printf(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const plan *p = call->data;
    for (uint32_t k = 0; k < p->count; k++) {
        const conversion *c = &p->items[k];
        if (c->kind == 0) {
            FN_TRY(fn_buf_str(ctx, to, c->text));
        } else if (c->kind == 's') {
            fn_str s = text_at(args[c->arg], row);
            if (c->precision >= 0) s.size = FN_MIN(s.size, (size_t)c->precision);
            FN_TRY(put_padded(ctx, c, (fn_str){NULL, 0}, s, false, to));
        } else if (c->kind == 'c') {
            const char b = (char)fn_column_u64_at(args[c->arg], row);
            FN_TRY(put_padded(ctx, c, (fn_str){NULL, 0}, (fn_str){&b, 1}, false, to));
        } else if (fn_type_is_float(args[c->arg]->type)) {
            FN_TRY(put_float(ctx, c, fn_column_f64_at(args[c->arg], row), to));
        } else {
            FN_TRY(put_integer(ctx, c, args[c->arg], row, to));
        }
    }
    return FN_OK;
}
TEXT_EVAL(eval_printf, text_rows, row_printf)

static const func_def rows_[] = {
    {.name = "printf", .args_min = 1, .args_max = -1, .bind = bind_printf, .eval = eval_printf,
     .about = "Text by a format as in C: %d %u %x %o %s %c %f %e %g with flags, width and precision.", .example = "printf('%03d %s', 7, 'a')", .gives = "007 a"},
};
const func_family func_family_printf = FUNC_FAMILY("string", rows_);
