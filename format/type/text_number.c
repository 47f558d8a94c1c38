/* text_number.c - decimal text of floats and decimals, both ways. Floats are printed with the fewest digits that read
 * back, in ClickHouse's form: plain between 1e-6 and 1e21, else with an exponent. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_text.h"
#include <firn/wide.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static size_t put(char *out, const char *text)
{
    const size_t n = strlen(text);
    memcpy(out, text, n);
    return n;
}

/* Digits d[0..n) with the point behind position `point` (may lie outside). */
static size_t place_point(const char *d, int n, int point, bool negative, char *out)
{
    char *to = out;
    if (negative) *to++ = '-';
    if (point > 21 || point < -5) { /* d.ddde[-]x */
        *to++ = d[0];
        if (n > 1) *to++ = '.';
        memcpy(to, d + 1, (size_t)n - 1);
        to += n - 1;
        to += snprintf(to, 8, "e%d", point - 1);
    } else if (point <= 0) {
        *to++ = '0';
        *to++ = '.';
        for (int i = point; i < 0; i++) *to++ = '0';
        memcpy(to, d, (size_t)n);
        to += n;
    } else {
        for (int i = 0; i < point; i++) *to++ = i < n ? d[i] : '0';
        if (n > point) {
            *to++ = '.';
            memcpy(to, d + point, (size_t)(n - point));
            to += n - point;
        }
    }
    return (size_t)(to - out);
}

static size_t special(double v, char *out)
{
    return isnan(v) ? put(out, "nan") : put(out, v < 0 ? "-inf" : "inf");
}

/* Shortest digits by trial: few values need more than the first try. */
static size_t shortest(double v, int least, int most, bool single, char *out)
{
    char text[40], digits[24];
    const double a = fabs(v);
    for (int precision = least; precision <= most; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision - 1, a);
        if (precision == most || (single ? strtof(text, NULL) == (float)a : strtod(text, NULL) == a)) break;
    }
    int n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p != '.') digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0') n--;
    const int exponent = *p == 'e' ? (int)strtol(p + 1, NULL, 10) : 0;
    return place_point(digits, n, exponent + 1, signbit(v) != 0, out);
}

size_t text_f64(double v, char *out)
{
    if (!isfinite(v)) return special(v, out);
    if (v == 0) return put(out, signbit(v) ? "-0" : "0");
    if (fabs(v) < 9007199254740992.0 && v == floor(v)) return fn_i128_text((fn_i128)v, out);
    return shortest(v, 15, 17, false, out);
}

size_t text_f32(float v, char *out)
{
    const double d = (double)v;
    if (!isfinite(d)) return special(d, out);
    if (v == 0) return put(out, signbit(d) ? "-0" : "0");
    if (fabs(d) < 16777216.0 && d == floor(d)) return fn_i128_text((fn_i128)d, out);
    return shortest(d, 6, 9, true, out);
}

/* mantissa x 10^exponent is exact in double arithmetic when both are small (Clinger's fast path). */
static bool fast_f64(fn_str s, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    size_t i = 0;
    uint64_t m = 0;
    int digits = 0, fraction = 0;
    const bool negative = s.size && s.data[0] == '-';
    if (s.size && (s.data[0] == '-' || s.data[0] == '+')) i++;
    bool point = false;
    for (; i < s.size; i++) {
        const char c = s.data[i];
        if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            if (++digits > 18) return false;
            m = m * 10 + (uint64_t)(c - '0');
            fraction += point;
        } else {
            return false;
        }
    }
    if (!digits || m > (uint64_t)1 << 53 || fraction > 22) return false;
    const double v = (double)m / powers[fraction];
    *out = negative ? -v : v;
    return true;
}

bool text_parse_f64(fn_str s, double *out)
{
    char copy[512];
    char *end;
    if (fast_f64(s, out)) return true;
    if (s.size == 0 || s.size >= sizeof copy || s.data[0] == ' ') return false;
    for (size_t i = 0; i < s.size; i++) /* strtod also reads hexadecimal */
        if (s.data[i] == 'x' || s.data[i] == 'X' || s.data[i] == '(' || s.data[i] == 0) return false;
    memcpy(copy, s.data, s.size);
    copy[s.size] = 0;
    *out = strtod(copy, &end);
    return *end == 0;
}

bool text_parse_decimal(fn_str s, unsigned scale, fn_i256 *out, bool *overflow)
{
    size_t i = 0;
    const bool negative = s.size && s.data[0] == '-';
    if (s.size && (s.data[0] == '-' || s.data[0] == '+')) i++;
    char digits[100];
    int n = 0, point = -1, exponent = 0;
    bool any = false;
    *overflow = false;
    for (; i < s.size && (s.data[i] == '.' || (s.data[i] >= '0' && s.data[i] <= '9')); i++) {
        if (s.data[i] == '.') {
            if (point < 0) point = n; /* ClickHouse passes over further points */
            continue;
        }
        any = true;
        if (n == 0 && s.data[i] == '0' && point < 0) continue; /* leading zeros */
        if (n < (int)sizeof digits) digits[n++] = s.data[i];
        else if (point < 0) *overflow = true;
    }
    if (!any) return false;
    if (point < 0) point = n;
    if (i < s.size && (s.data[i] == 'e' || s.data[i] == 'E')) {
        char text[12];
        const size_t left = s.size - i - 1;
        if (left == 0 || left >= sizeof text) return false;
        memcpy(text, s.data + i + 1, left);
        text[left] = 0;
        char *end;
        const long e = strtol(text, &end, 10);
        if (*end || e > 1000 || e < -1000) return false;
        exponent = (int)e;
        i = s.size;
    }
    if (i != s.size) return false;
    const int wanted = point + exponent + (int)scale; /* digits that count */
    fn_i256 v = fn_i256_from_u64(0);
    const fn_i256 ten = fn_i256_from_u64(10);
    int significant = 0;
    for (int d = 0; d < wanted; d++) {
        const unsigned digit = d < n ? (unsigned)(digits[d] - '0') : 0;
        if (significant || digit) significant++;
        if (significant > 76) {
            *overflow = true;
            break;
        }
        v = fn_i256_add(fn_i256_mul(v, ten), fn_i256_from_u64(digit));
    }
    *out = negative ? fn_i256_neg(v) : v;
    return true;
}
