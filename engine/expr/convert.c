/* convert.c - conversion of columns: shapes, NULLs and containers; the values themselves are in convert_number.c,
 * convert_date.c and convert_text.c. SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert_internal.h"
#include "expr/expr.h"
#include "settings/settings.h"

const fn_tz *expr_zone(const fn_ctx *ctx, const fn_type *type)
{
    if (type && type->timezone) return type->timezone;
    return ctx->settings && ctx->settings->session_tz ? ctx->settings->session_tz : fn_tz_utc();
}

void expr_text_options(const fn_ctx *ctx, fn_text_options *out)
{
    fn_text_options_default(out);
    out->timezone = expr_zone(ctx, NULL);
}

fn_status convert_lost(convert_job *j, uint32_t row, fn_status code, const char *message)
{
    if (j->mode == CONVERT_OR_ZERO) return FN_OK;
    if (j->mode == CONVERT_CAST || j->mode == CONVERT_ACCURATE) return fn_fail(j->ctx, code, "%s", message);
    if (!j->lost) {
        j->lost = fn_buffer_new_zero(j->ctx, j->in->rows);
        FN_TRY_PTR(j->ctx, j->lost);
    }
    j->lost->data[row] = 1;
    return FN_OK;
}

static bool is_enum(const fn_type *t)
{
    return t->id == FN_T_ENUM8 || t->id == FN_T_ENUM16;
}

/* The error for two types without a conversion, as ClickHouse words and numbers them; FN_OK: not one of these. */
static fn_status never_convertible(fn_ctx *ctx, const fn_type *a, const fn_type *b)
{
    const bool number = fn_type_is_number(a) || is_enum(a);
    const bool dates = fn_type_is_date_or_time(a), container = a->phys == FN_PHYS_ARRAY || a->phys == FN_PHYS_TUPLE;
    const bool address = a->id == FN_T_UUID || a->id == FN_T_IPV4;
    if (b->id == FN_T_ARRAY && (number || dates || a->id == FN_T_TUPLE))
        return fn_fail(ctx, FN_TYPE_MISMATCH, "CAST AS Array can only be performed between same-dimensional Array, Map or String types");
    if (container && fn_type_is_number(b)) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument of conversion to %s", a->name, b->name);
    if (a->id == FN_T_STRING && b->id == FN_T_MAP) return fn_fail(ctx, FN_TYPE_MISMATCH, "Unsupported types to CAST AS Map. Left type: %s, right type: %s", a->name, b->name);
    if (a->id == FN_T_TUPLE && b->id == FN_T_TUPLE && a->arg_count != b->arg_count)
        return fn_fail(ctx, FN_TYPE_MISMATCH, "CAST AS Tuple can only be performed between tuple types with the same number of elements or from String. Left type: %s, right type: %s", a->name, b->name);
    if (b->id == FN_T_DATETIME64 && (a->id == FN_T_IPV4 || (fn_type_is_integer(a) && a->width > 8)))
        return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Conversion from %s to %s is not supported", a->name, b->name);
    const bool to_bytes = b->id == FN_T_FIXED_STRING && (number || dates || address) && a->id != FN_T_BOOL;
    const bool from_address = (a->id == FN_T_UUID && (convert_is_number(b) || fn_type_is_date_or_time(b)) && b->id != FN_T_UINT128 && b->id != FN_T_UUID) ||
                              (a->id == FN_T_IPV4 && ((fn_type_is_number(b) && (!fn_type_is_unsigned(b) || b->width < 4)) || fn_type_is_date_or_time(b)));
    const bool to_uuid = b->id == FN_T_UUID && number;
    if (to_bytes || from_address || to_uuid) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Conversion from %s to %s is not supported", a->name, b->name);
    const bool decimal_dates = (b->id == FN_T_DECIMAL && (a->id == FN_T_DATE || a->id == FN_T_DATE32 || a->id == FN_T_DATETIME)) ||
                               (a->id == FN_T_DECIMAL && (b->id == FN_T_DATE || b->id == FN_T_DATETIME));
    return decimal_dates ? fn_fail(ctx, FN_ILLEGAL_COLUMN, "Illegal column %s of conversion to %s", a->name, b->name) : FN_OK;
}

fn_status expr_convertible(fn_ctx *ctx, const fn_type *from, const fn_type *to)
{
    const fn_type *a = fn_type_base(from), *b = fn_type_base(to);
    if (a != b) FN_TRY(never_convertible(ctx, a, b));
    if (a == b || a->id == FN_T_NOTHING || a->id == FN_T_STRING || b->id == FN_T_STRING) return FN_OK;
    const bool date_a = fn_type_is_date_or_time(a), date_b = fn_type_is_date_or_time(b);
    if (a->id == FN_T_FIXED_STRING || (a->id == FN_T_BOOL && b->id == FN_T_FIXED_STRING)) return FN_OK;
    if (convert_is_number(a) && convert_is_number(b)) return FN_OK;
    if ((date_a && (date_b || fn_type_is_number(b))) || (date_b && (fn_type_is_number(a) || is_enum(a)))) return FN_OK;
    if ((a->id == FN_T_IPV4 && b->id == FN_T_IPV6) || (a->id == FN_T_IPV6 && (b->id == FN_T_IPV4 || b->id == FN_T_UINT128)) || (a->id == FN_T_UINT128 && b->id == FN_T_IPV6)) return FN_OK;
    if (a->id == b->id && a->id == FN_T_ARRAY) return expr_convertible(ctx, a->args[0], b->args[0]);
    if ((a->id == FN_T_MAP || a->id == FN_T_ARRAY) && (b->id == FN_T_MAP || b->id == FN_T_ARRAY)) return expr_convertible(ctx, a->items, b->items);
    if (a->id == b->id && a->id == FN_T_TUPLE && a->arg_count == b->arg_count) {
        for (uint32_t i = 0; i < a->arg_count; i++) FN_TRY(expr_convertible(ctx, a->args[i], b->args[i]));
        return FN_OK;
    }
    return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Conversion from %s to %s is not supported", from->name, to->name);
}

static fn_status convert_array(fn_ctx *ctx, const fn_column *in, const fn_type *to, convert_mode mode, fn_column **out)
{
    fn_column *items = NULL;
    FN_TRY(expr_convert(ctx, in->kids[0], to->items, mode, &items));
    fn_column *flat = fn_column_flatten(ctx, items);
    fn_column_drop(items);
    FN_TRY_PTR(ctx, flat);
    fn_buffer *offsets = fn_buffer_new(ctx, ((size_t)in->rows + 1) * 4);
    if (!offsets) {
        fn_column_drop(flat);
        return ctx->error.code;
    }
    memcpy(offsets->data, in->offsets, ((size_t)in->rows + 1) * 4);
    *out = fn_column_array(ctx, to, in->rows, offsets, flat);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status convert_tuple(fn_ctx *ctx, const fn_column *in, const fn_type *to, convert_mode mode, fn_column **out)
{
    const uint32_t n = to->arg_count;
    fn_column **fields = fn_alloc_zero(ctx, (n + 1) * sizeof *fields);
    fn_status status = fields ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < n && status == FN_OK; i++) {
        fn_column *c = NULL;
        const fn_type *field = to->args[i];
        status = expr_convert(ctx, in->kids[i], field, mode, &c);
        if (status == FN_OK) fields[i] = fn_column_flatten(ctx, c);
        fn_column_drop(c);
        if (status == FN_OK && !fields[i]) status = ctx->error.code;
    }
    if (status == FN_OK) {
        *out = fn_column_tuple(ctx, to, in->rows, fields);
        if (!*out) status = ctx->error.code;
    }
    for (uint32_t i = 0; fields && i < n; i++) fn_column_drop(fields[i]);
    fn_free(fields);
    return status;
}

static fn_status convert_ip(convert_job *j, fn_column **out)
{
    fn_buffer *b = fn_buffer_new_zero(j->ctx, (size_t)j->in->rows * j->to->width);
    FN_TRY_PTR(j->ctx, b);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < j->in->rows && status == FN_OK; i++) {
        const uint8_t *p = j->in->values + (size_t)i * j->from->width;
        uint8_t *q = b->data + (size_t)i * j->to->width;
        if (j->from->id == FN_T_IPV4) {
            q[10] = q[11] = 0xff;
            for (int k = 0; k < 4; k++) q[12 + k] = p[3 - k];
        } else if (j->to->id == FN_T_IPV4) {
            static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
            if (memcmp(p, mapped, 12) != 0 && !(j->nulls && j->nulls[i])) status = convert_lost(j, i, FN_CANNOT_CONVERT_TYPE, "IPv6 is not in IPv4-mapping block");
            for (int k = 0; k < 4; k++) q[k] = p[15 - k];
        } else {
            for (int k = 0; k < 16; k++) q[k] = p[15 - k];
        }
    }
    if (status != FN_OK) {
        fn_buffer_drop(b);
        return status;
    }
    *out = fn_column_fixed(j->ctx, j->to, j->in->rows, b, NULL);
    return *out ? FN_OK : j->ctx->error.code;
}

/* FLAT values of base types that differ. */
static fn_status convert_values(convert_job *j, fn_column **out)
{
    const fn_type *a = j->from, *b = j->to;
    if (a->id == FN_T_NOTHING) {
        fn_column *c = fn_column_default(j->ctx, b, j->in->rows);
        *out = c ? fn_column_flatten(j->ctx, c) : NULL;
        fn_column_drop(c);
        return *out ? FN_OK : j->ctx->error.code;
    }
    FN_TRY(expr_convertible(j->ctx, a, b));
    if (a->id == FN_T_STRING || (a->id == FN_T_FIXED_STRING && b->id != FN_T_STRING)) return convert_from_text(j, out);
    if (b->id == FN_T_STRING) return convert_to_text(j, out);
    if (fn_type_is_date_or_time(a) || fn_type_is_date_or_time(b)) return convert_date(j, out);
    if (a->id == FN_T_IPV6 || b->id == FN_T_IPV6) return convert_ip(j, out);
    if ((is_enum(a) && is_enum(b)) || (a->id == FN_T_BOOL && b->id == FN_T_FIXED_STRING)) { /* by name */
        fn_column *text = NULL;
        FN_TRY(expr_convert(j->ctx, j->in, fn_type_simple(FN_T_STRING), CONVERT_CAST, &text));
        convert_job next = *j;
        next.in = text;
        next.from = text->type;
        const fn_status status = convert_from_text(&next, out);
        j->lost = next.lost;
        fn_column_drop(text);
        return status;
    }
    if (a->phys == FN_PHYS_ARRAY) return convert_array(j->ctx, j->in, b, j->mode, out);
    if (a->phys == FN_PHYS_TUPLE) return convert_tuple(j->ctx, j->in, b, j->mode, out);
    return convert_number(j, out);
}

static bool any_null(const fn_column *c)
{
    if (fn_type_base(c->type)->id == FN_T_NOTHING) return c->rows > 0;
    const uint32_t n = c->shape == FN_CONST ? FN_MIN(c->rows, 1u) : c->rows;
    return c->nulls && memchr(c->nulls, 1, n) != NULL;
}

/* Nulls of the result: those of the input and the rows lost. */
static fn_status with_nulls(fn_ctx *ctx, fn_column *values, const fn_column *in, fn_buffer *lost, const fn_type *to, fn_column **out)
{
    fn_buffer *nulls = NULL;
    const bool nothing = fn_type_base(in->type)->id == FN_T_NOTHING;
    if (nothing || lost || in->nulls) {
        nulls = fn_buffer_new_zero(ctx, values->rows);
        FN_TRY_PTR(ctx, nulls);
        for (uint32_t i = 0; i < values->rows; i++) nulls->data[i] = nothing || (lost && lost->data[i]) || (in->nulls && in->nulls[i]);
    }
    fn_column *named = fn_column_retype(ctx, values, to);
    if (!named) {
        fn_buffer_drop(nulls);
        return ctx->error.code;
    }
    if (!nulls) {
        *out = named;
        return FN_OK;
    }
    *out = fn_column_with_nulls(ctx, named, to, nulls);
    fn_column_drop(named);
    return *out ? FN_OK : ctx->error.code;
}

/* ClickHouse 26.9: text cast to a Nullable type gives NULL where it cannot be read; not so to Bool and Enum. */
static convert_mode mode_of_text(const fn_type *from, const fn_type *to, convert_mode mode)
{
    const fn_type_id id = fn_type_base(to)->id;
    const bool forgives = fn_type_base(from)->id == FN_T_STRING && fn_type_is_nullable(to) && id != FN_T_BOOL && id != FN_T_ENUM8 && id != FN_T_ENUM16;
    return forgives && (mode == CONVERT_CAST || mode == CONVERT_ACCURATE) ? CONVERT_TEXT_OR_NULL : mode;
}

/* FLAT input. */
static fn_status convert_flat(fn_ctx *ctx, const fn_column *in, const fn_type *to, convert_mode mode, fn_column **out)
{
    const bool nullable = fn_type_is_nullable(to);
    fn_column *bare = NULL, *values = NULL;
    mode = mode_of_text(in->type, to, mode);
    convert_job j = {.ctx = ctx, .from = fn_type_base(in->type), .to = fn_type_base(to), .nulls = in->nulls, .mode = nullable || mode < CONVERT_OR_NULL ? mode : mode == CONVERT_OR_NULL ? CONVERT_ACCURATE : CONVERT_OR_ZERO};
    if (!nullable && any_null(in)) {
        if (mode != CONVERT_OR_ZERO) return fn_fail(ctx, FN_CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN, "Cannot convert NULL value to non-Nullable type");
    }
    fn_column *named = fn_column_retype(ctx, in, j.from->id == FN_T_NOTHING ? in->type : j.from);
    FN_TRY_PTR(ctx, named);
    bare = named->nulls ? fn_column_with_nulls(ctx, named, named->type, NULL) : fn_column_ref(named);
    fn_column_drop(named);
    FN_TRY_PTR(ctx, bare);
    j.in = bare;
    fn_status status = FN_OK;
    if (j.from == j.to) values = fn_column_ref(bare);
    else status = convert_values(&j, &values);
    if (status == FN_OK && nullable) {
        status = with_nulls(ctx, values, in, j.lost, to, out);
    } else if (status == FN_OK) {
        *out = fn_column_retype(ctx, values, to);
        if (!*out) status = ctx->error.code;
    }
    fn_column_drop(values);
    fn_column_drop(bare);
    fn_buffer_drop(j.lost);
    return status;
}

fn_status expr_convert(fn_ctx *ctx, const fn_column *in, const fn_type *to, convert_mode mode, fn_column **out)
{
    const fn_type *from = in->type;
    const bool same_base = fn_type_base(from) == fn_type_base(to), adds_null = fn_type_is_nullable(to) || !fn_type_is_nullable(from);
    if (from == to || (same_base && adds_null)) {
        *out = fn_column_retype(ctx, in, to);
        return *out ? FN_OK : ctx->error.code;
    }
    if (in->shape == FN_CONST) {
        fn_column *one = fn_column_slice(ctx, in, 0, FN_MIN(in->rows, 1u)), *flat = one ? fn_column_flatten(ctx, one) : NULL, *result = NULL;
        fn_status status = flat ? FN_OK : ctx->error.code;
        if (status == FN_OK) status = convert_flat(ctx, flat, to, mode, &result);
        if (status == FN_OK) {
            *out = in->rows ? fn_column_repeat(ctx, result, 0, in->rows) : fn_column_ref(result);
            if (!*out) status = ctx->error.code;
        }
        fn_column_drop(one);
        fn_column_drop(flat);
        fn_column_drop(result);
        return status;
    }
    fn_column *flat = fn_column_flatten(ctx, in);
    FN_TRY_PTR(ctx, flat);
    const fn_status status = convert_flat(ctx, flat, to, mode, out);
    fn_column_drop(flat);
    return status;
}
