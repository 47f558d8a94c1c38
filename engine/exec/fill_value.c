/* fill_value.c - values and steps of WITH FILL columns. SPDX-License-Identifier: Apache-2.0 */
#include "exec/fill.h"
#include "expr/convert.h"
#include <firn/wide.h>

static bool is_datetime(const fn_type *t)
{
    return t->id == FN_T_DATETIME || t->id == FN_T_DATETIME64;
}

fill_value fill_value_at(const fill_column *c, const fn_column *column, size_t row)
{
    fill_value v = {.known = !fn_column_is_null(column, row)};
    if (!v.known) return v;
    if (c->is_float) {
        v.real = fn_column_f64_at(column, row);
        v.known = v.real == v.real;
        return v;
    }
    const fn_type *base = fn_type_base(column->type);
    if (base->phys == FN_PHYS_I128 || base->phys == FN_PHYS_U128) v.integer = fn_load_i128(fn_column_fixed_at(column, row));
    else if (base->phys <= FN_PHYS_U64) v.integer = (fn_i128)fn_column_u64_at(column, row);
    else v.integer = (fn_i128)fn_column_i64_at(column, row);
    return v;
}

bool fill_value_fits(const fill_column *c, const fill_value *v)
{
    if (!v->known || c->is_float || c->type->width > 8) return true;
    const unsigned bits = 8 * c->type->width;
    if (c->type->phys <= FN_PHYS_U64) return v->integer >= 0 && v->integer <= (fn_i128)(UINT64_MAX >> (64 - bits));
    const fn_i128 half = (fn_i128)1 << (bits - 1);
    return v->integer >= -half && v->integer < half;
}

fn_status fill_value_put(fn_ctx *ctx, const fill_column *c, const fill_value *v, fn_builder *out)
{
    uint8_t bytes[16];
    if (!v->known) return fn_builder_default(ctx, out);
    const float narrow = (float)v->real;
    if (!c->is_float) memcpy(bytes, &v->integer, sizeof v->integer); /* little endian: the low bytes are the value */
    else if (c->type->phys == FN_PHYS_F32) memcpy(bytes, &narrow, sizeof narrow);
    else memcpy(bytes, &v->real, sizeof v->real);
    return fn_builder_fixed(ctx, out, bytes);
}

bool fill_equal(const fill_column *c, const fill_value *a, const fill_value *b)
{
    if (!a->known || !b->known) return a->known == b->known;
    return c->is_float ? a->real <= b->real && a->real >= b->real : a->integer == b->integer;
}

bool fill_less(const fill_column *c, const fill_value *a, const fill_value *b)
{
    if (c->descending) {
        const fill_value *swap = a;
        a = b;
        b = swap;
    }
    return c->is_float ? a->real < b->real : a->integer < b->integer;
}

/* ---- steps ---- */

static void add_months(fn_civil *d, int64_t months)
{
    const int64_t all = (int64_t)d->year * 12 + (d->month - 1) + months, month = ((all % 12) + 12) % 12;
    d->year = (int32_t)((all - month) / 12);
    d->month = (uint8_t)(month + 1);
    d->day = (uint8_t)FN_MIN((unsigned)d->day, fn_days_in_month(d->year, d->month));
}

/* Months or days added to a date, or to the local date of an instant whose time of day stays. */
static fn_i128 add_calendar(const fill_column *c, fn_i128 value, const fill_step *s)
{
    fn_civil d;
    if (!is_datetime(c->type)) {
        if (!s->months) return value + s->days;
        fn_civil_from_days((int64_t)value, &d);
        add_months(&d, s->months);
        return fn_days_from_civil(d.year, d.month, d.day);
    }
    const fn_i128 unit = c->type->id == FN_T_DATETIME64 ? fn_i128_pow10(c->type->scale) : 1;
    const fn_i128 rest = ((value % unit) + unit) % unit;
    fn_tz_civil(c->zone, (int64_t)((value - rest) / unit), &d);
    if (s->months) {
        add_months(&d, s->months);
    } else {
        fn_civil day;
        fn_civil_from_days(fn_days_from_civil(d.year, d.month, d.day) + s->days, &day);
        d.year = day.year;
        d.month = day.month;
        d.day = day.day;
    }
    return (fn_i128)fn_tz_instant(c->zone, d.year, d.month, d.day, d.hour, d.minute, d.second) * unit + rest;
}

fill_value fill_add(const fill_column *c, const fill_value *v, const fill_step *s)
{
    fill_value out = *v;
    out.real += s->real;
    out.integer = s->months || s->days ? add_calendar(c, v->integer, s) : v->integer + s->integer;
    return out;
}

/* ---- bounds and steps as given ---- */

static fn_status incompatible(fn_ctx *ctx, const fn_type *type)
{
    return fn_fail(ctx, FN_INVALID_WITH_FILL_EXPRESSION, "Incompatible types of WITH FILL expression values with column type %s", type->name);
}

static fn_status interval_step(fn_ctx *ctx, const fill_column *c, int64_t count, int unit, fill_step *out)
{
    static const int64_t seconds[] = {[FN_INTERVAL_SECOND] = 1, [FN_INTERVAL_MINUTE] = 60, [FN_INTERVAL_HOUR] = 3600};
    static const unsigned digits[] = {[FN_INTERVAL_NANOSECOND] = 9, [FN_INTERVAL_MICROSECOND] = 6, [FN_INTERVAL_MILLISECOND] = 3};
    const bool whole_days = c->type->id == FN_T_DATE || c->type->id == FN_T_DATE32;
    *out = (fill_step){0};
    if (!whole_days && !is_datetime(c->type))
        return fn_fail(ctx, FN_INVALID_WITH_FILL_EXPRESSION, "STEP of Interval type can be used only with Date/DateTime types, but got %s", c->type->name);
    switch ((fn_interval_unit)unit) {
    case FN_INTERVAL_YEAR: out->months = 12 * count; return FN_OK;
    case FN_INTERVAL_QUARTER: out->months = 3 * count; return FN_OK;
    case FN_INTERVAL_MONTH: out->months = count; return FN_OK;
    case FN_INTERVAL_WEEK: out->days = 7 * count; return FN_OK;
    case FN_INTERVAL_DAY: out->days = count; return FN_OK;
    case FN_INTERVAL_HOUR: case FN_INTERVAL_MINUTE: case FN_INTERVAL_SECOND: {
        const fn_i128 all = (fn_i128)count * seconds[unit];
        if (whole_days && (all > -86400 && all < 86400))
            return fn_fail(ctx, FN_INVALID_WITH_FILL_EXPRESSION, "Value of step is too low (%lld seconds). Must be >= 1 day", (long long)all);
        out->integer = whole_days ? all / 86400 : all * (c->type->id == FN_T_DATETIME64 ? fn_i128_pow10(c->type->scale) : 1);
        return FN_OK;
    }
    case FN_INTERVAL_MILLISECOND: case FN_INTERVAL_MICROSECOND: case FN_INTERVAL_NANOSECOND:
        if (c->type->id == FN_T_DATETIME64) {
            out->integer = (fn_i128)count * fn_i128_pow10(c->type->scale) / fn_i128_pow10(digits[unit]);
            if (out->integer) return FN_OK;
        }
        return incompatible(ctx, c->type);
    }
    return incompatible(ctx, c->type);
}

static fn_status number_step(fn_ctx *ctx, const fill_column *c, const expr *e, fill_step *out)
{
    const fn_type *base = fn_type_base(e->type);
    *out = (fill_step){0};
    if (base->id == FN_T_INTERVAL) return interval_step(ctx, c, fn_column_i64_at(e->constant, 0), base->interval, out);
    if (!fn_type_is_integer(base) && !fn_type_is_float(base)) return incompatible(ctx, c->type);
    if (c->is_float) {
        out->real = fn_column_f64_at(e->constant, 0);
    } else if (c->type->id == FN_T_DATETIME64) {
        out->integer = (fn_i128)(fn_column_f64_at(e->constant, 0) * (double)fn_i128_pow10(c->type->scale));
    } else if (fn_type_is_float(base)) {
        return incompatible(ctx, c->type);
    } else {
        out->integer = fn_type_is_unsigned(base) ? (fn_i128)fn_column_u64_at(e->constant, 0) : (fn_i128)fn_column_i64_at(e->constant, 0);
    }
    return FN_OK;
}

static fn_status read_bound(fn_ctx *ctx, const fill_column *c, expr *e, fill_value *out)
{
    *out = (fill_value){0};
    if (!e) return FN_OK;
    const fn_type *base = fn_type_base(e->type);
    if (fn_column_is_null(e->constant, 0)) return FN_OK;
    if (c->is_float ? !fn_type_is_integer(base) && !fn_type_is_float(base) : !fn_type_is_integer(base) && !fn_type_is_date_or_time(base)) return incompatible(ctx, c->type);
    if (base == c->type || c->is_float || fn_type_is_integer(base)) {
        *out = fill_value_at(c, e->constant, 0);
    } else {
        expr *cast;
        fn_column *value;
        FN_TRY(expr_cast(ctx, e, c->type, &cast));
        FN_TRY(expr_fold(ctx, cast, &value));
        *out = fill_value_at(c, value, 0);
        fn_column_drop(value);
    }
    if (out->known && !c->is_float && out->integer < 0 && c->type->phys <= FN_PHYS_U64)
        return fn_fail(ctx, FN_INVALID_WITH_FILL_EXPRESSION, "WITH FILL bound values cannot be negative for unsigned type %s", c->type->name);
    return FN_OK;
}

static int direction_of(const fill_column *c, const fill_step *s)
{
    const double v = c->is_float ? s->real : (double)s->integer + (double)s->months + (double)s->days;
    return (v > 0) - (v < 0);
}

static fn_status check_bounds(fn_ctx *ctx, const fill_column *c)
{
    const int direction = direction_of(c, &c->step);
    if (direction == 0) return fn_fail(ctx, FN_INVALID_WITH_FILL_EXPRESSION, "STEP value cannot be zero");
    if (direction < 0 && !c->descending) return fn_fail(ctx, FN_INVALID_WITH_FILL_EXPRESSION, "STEP value cannot be negative for sorting in ascending direction");
    if (direction > 0 && c->descending) return fn_fail(ctx, FN_INVALID_WITH_FILL_EXPRESSION, "STEP value cannot be positive for sorting in descending direction");
    if (c->has_staleness && c->from.known) return fn_fail(ctx, FN_INVALID_WITH_FILL_EXPRESSION, "WITH FILL STALENESS cannot be used together with WITH FILL FROM");
    if (c->has_staleness && direction_of(c, &c->staleness) == -direction)
        return fn_fail(ctx, FN_INVALID_WITH_FILL_EXPRESSION, "WITH FILL STALENESS value cannot be %s for sorting in %s direction", c->descending ? "positive" : "negative",
                       c->descending ? "descending" : "ascending");
    if (!c->from.known || !c->to.known || !fill_less(c, &c->to, &c->from)) return FN_OK;
    return fn_fail(ctx, FN_INVALID_WITH_FILL_EXPRESSION,
                   c->descending ? "WITH FILL FROM value cannot be less than TO value for sorting in descending direction"
                                 : "WITH FILL TO value cannot be less than FROM value for sorting in ascending direction");
}

fn_status fill_column_init(fn_ctx *ctx, fill_column *c, const plan_sort_key *key, const plan_fill *fill, uint32_t column)
{
    *c = (fill_column){.column = column, .type = fn_type_base(key->value->type), .descending = key->descending};
    c->is_float = fn_type_is_float(c->type);
    if (!c->is_float && !fn_type_is_date_or_time(c->type) && (!fn_type_is_integer(c->type) || c->type->width > 16)) return incompatible(ctx, key->value->type);
    c->zone = expr_zone(ctx, c->type);
    c->step = (fill_step){.integer = key->descending ? -1 : 1, .real = key->descending ? -1 : 1};
    if (c->type->id == FN_T_DATETIME64) c->step.integer *= fn_i128_pow10(c->type->scale);
    if (fill->step_unit >= 0) FN_TRY(interval_step(ctx, c, fill->step_interval, fill->step_unit, &c->step));
    else if (fill->step) FN_TRY(number_step(ctx, c, fill->step, &c->step));
    c->has_staleness = fill->staleness != NULL;
    if (fill->staleness) FN_TRY(number_step(ctx, c, fill->staleness, &c->staleness));
    FN_TRY(read_bound(ctx, c, fill->from, &c->from));
    FN_TRY(read_bound(ctx, c, fill->to, &c->to));
    return check_bounds(ctx, c);
}
