/* time_scan.c - see firn/time_scan.h. SPDX-License-Identifier: Apache-2.0 */
#include <firn/time_scan.h>

bool fn_scan_number(fn_scan *c, unsigned least, unsigned most, int64_t *out)
{
    unsigned n = 0;
    int64_t v = 0;
    while (n < most && n < 18 && c->at + n < c->end && fn_is_digit(c->at[n])) v = v * 10 + (c->at[n++] - '0');
    if (n < least) return false;
    c->at += n;
    *out = v;
    return true;
}

bool fn_scan_fraction(fn_scan *c, unsigned most, int64_t *ns)
{
    unsigned n = 0;
    int64_t v = 0;
    for (; c->at < c->end && fn_is_digit(*c->at); c->at++, n++)
        if (n < most && n < 9) v = v * 10 + (*c->at - '0');
    if (!n) return false;
    for (unsigned i = FN_MIN(n, FN_MIN(most, 9u)); i < 9; i++) v *= 10;
    *ns = v;
    return true;
}

fn_str fn_scan_word(fn_scan *c)
{
    const char *from = c->at;
    while (c->at < c->end && fn_is_letter(*c->at)) c->at++;
    return (fn_str){from, (size_t)(c->at - from)};
}

bool fn_scan_offset(fn_scan *c, int64_t *seconds)
{
    const int64_t sign = *c->at == '-' ? -1 : 1;
    int64_t h, m = 0;
    c->at++;
    if (!fn_scan_number(c, 1, 2, &h)) return false;
    if (c->at < c->end && *c->at == ':') c->at++;
    if (c->at < c->end && fn_is_digit(*c->at) && !fn_scan_number(c, 2, 2, &m)) return false;
    if (h > 18 || m > 59) return false;
    *seconds = sign * (h * 3600 + m * 60);
    return true;
}

static int64_t named(fn_str word, const char *const *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const fn_str full = fn_cstr(list[i]);
        if (word.size != 3 && word.size != full.size) continue;
        if (fn_str_eq_nocase(word, (fn_str){full.data, word.size})) return i + 1;
    }
    return 0;
}

int64_t fn_month_by_name(fn_str word)
{
    static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
    return named(word, months, FN_COUNT(months));
}

int64_t fn_weekday_by_name(fn_str word)
{
    static const char *const weekdays[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    return named(word, weekdays, FN_COUNT(weekdays));
}
