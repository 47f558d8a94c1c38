/* print_literal.c - literals: shortest decimal that reads back as the same double, as ClickHouse writes it ("1.", "1e-7").
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/print.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Digits without point of the shortest form; the value is 0.d1d2d3... * 10^*point. */
static size_t shortest(double v, char digits[32], int *point)
{
    char text[48];
    for (int precision = 0; precision < 17; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, v);
        if (strtod(text, NULL) == v) break;
    }
    size_t n = 0;
    const char *c = text;
    for (; *c && *c != 'e'; c++) {
        if (*c != '.') digits[n++] = *c;
    }
    while (n > 1 && digits[n - 1] == '0') n--;
    digits[n] = '\0';
    *point = *c ? (int)strtol(c + 1, NULL, 10) + 1 : 1;
    return n;
}

static fn_status put_double(sql_printer *w, double v)
{
    fn_ctx *ctx = w->ctx;
    if (isnan(v)) return sql_put(w, "nan");
    if (signbit(v)) {
        FN_TRY(sql_put(w, "-"));
        v = -v;
    }
    if (isinf(v)) return sql_put(w, "inf");
    if (v == 0) return sql_put(w, "0.");
    char digits[32];
    int point;
    const size_t n = shortest(v, digits, &point);
    if (point > 21 || point < -5) {
        FN_TRY(fn_buf_append(ctx, w->out, digits, 1));
        if (n > 1) FN_TRY(fn_buf_printf(ctx, w->out, ".%s", digits + 1));
        return fn_buf_printf(ctx, w->out, "e%d", point - 1);
    }
    if (point <= 0) {
        FN_TRY(sql_put(w, "0."));
        for (int i = point; i < 0; i++) FN_TRY(sql_put(w, "0"));
        return sql_put(w, digits);
    }
    const size_t whole = (size_t)point;
    for (size_t i = 0; i < whole; i++) FN_TRY(fn_buf_byte(ctx, w->out, i < n ? digits[i] : '0'));
    return fn_buf_printf(ctx, w->out, ".%s", whole < n ? digits + whole : "");
}

fn_status sql_put_literal(sql_printer *w, const ast_expr *e)
{
    switch ((ast_literal_kind)e->literal_kind) {
    case LITERAL_NULL:
        return sql_put(w, "NULL");
    case LITERAL_BOOL:
        return sql_put(w, e->u64 ? "true" : "false");
    case LITERAL_UINT:
        return fn_buf_u64(w->ctx, w->out, e->u64);
    case LITERAL_INT:
        return fn_buf_i64(w->ctx, w->out, (int64_t)e->u64);
    case LITERAL_FLOAT:
        return put_double(w, e->f64);
    case LITERAL_STRING:
        return sql_quote_string(w->ctx, e->text, w->out);
    case LITERAL_WIDE:
    case LITERAL_DECIMAL:
        return fn_buf_str(w->ctx, w->out, e->text);
    }
    FN_IMPOSSIBLE("literal kind");
}
