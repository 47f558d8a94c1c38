/* iceberg_prune.c - data files that cannot hold matching rows: by the bounds and null counts of their columns, by identity and
 * time partitions. Bounds of strings may be cut, the upper ones rounded up: comparing with them is safe.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/iceberg_scan.h"
#include <firn/avro.h>

static const fn_iceberg_bounds *bounds_of(const fn_iceberg_file *file, int32_t field_id)
{
    for (uint32_t i = 0; i < file->bound_count; i++)
        if (file->bounds[i].field_id == field_id) return &file->bounds[i];
    return NULL;
}

/* A serialized bound as one row of the field's type without Nullable; NULL if there is none or it cannot be compared. */
static fn_status bound_column(fn_ctx *ctx, const fn_iceberg_field *field, fn_str bytes, fn_column **out)
{
    fn_builder b;
    fn_iceberg_field plain = *field;
    *out = NULL;
    if (!bytes.data || field->kind >= FN_ICEBERG_STRUCT) return FN_OK;
    plain.type = fn_type_base(field->type);
    FN_TRY(fn_builder_init(ctx, &b, plain.type));
    fn_status status = fn_iceberg_value(ctx, &plain, bytes, &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    else fn_error_clear(ctx); /* a statistic that cannot be read prunes nothing */
    fn_builder_release(&b);
    return ctx->error.code;
}

static fn_status outside_bounds(fn_ctx *ctx, const fn_iceberg_field *field, const fn_iceberg_bounds *have, const file_bound *want, bool *out)
{
    fn_column *low, *high = NULL;
    *out = false;
    if (field->kind == FN_ICEBERG_FLOAT || field->kind == FN_ICEBERG_DOUBLE) return FN_OK; /* bounds say nothing about NaN and -0.0 */
    if (have->null_count >= 0 && have->null_count == have->value_count) {
        *out = true;
        return FN_OK;
    }
    FN_TRY(bound_column(ctx, field, have->lower, &low));
    const fn_status status = bound_column(ctx, field, have->upper, &high);
    if (status == FN_OK) {
        *out = (want->max && low && want->max->type == low->type && fn_column_compare(want->max, 0, low, 0, true) < 0) ||
               (want->min && high && want->min->type == high->type && fn_column_compare(want->min, 0, high, 0, true) > 0);
    }
    fn_column_drop(low);
    fn_column_drop(high);
    return status;
}

static fn_status outside_identity(fn_ctx *ctx, const fn_iceberg_file *file, const fn_iceberg_field *field, const file_bound *want, bool *out)
{
    fn_builder b;
    fn_column *value = NULL;
    bool found;
    *out = false;
    FN_TRY(fn_builder_init(ctx, &b, field->type));
    fn_status status = fn_iceberg_identity(ctx, file, field, &b, &found);
    if (status == FN_OK && found) status = fn_builder_finish(ctx, &b, &value);
    fn_builder_release(&b);
    if (status != FN_OK || !value) return status;
    if (fn_column_is_null(value, 0)) *out = true;
    else *out = (want->max && fn_column_compare(want->max, 0, value, 0, true) < 0) || (want->min && fn_column_compare(want->min, 0, value, 0, true) > 0);
    fn_column_drop(value);
    return FN_OK;
}

/* Seconds since 1970 of a date or time value; false for other types. */
static bool seconds_of(const fn_column *c, int64_t *out)
{
    const fn_type *t = fn_type_base(c->type);
    if (t->id == FN_T_DATE || t->id == FN_T_DATE32) {
        *out = fn_column_i64_at(c, 0) * 86400;
        return true;
    }
    if (t->id != FN_T_DATETIME64) return false;
    int64_t ticks = fn_column_i64_at(c, 0), scale = 1;
    for (unsigned i = 0; i < t->scale; i++) scale *= 10;
    *out = ticks / scale - (ticks % scale < 0);
    return true;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The value of a time transform at an instant; false for other transforms. */
static bool time_transform(fn_str transform, int64_t seconds, int64_t *out)
{
    fn_civil civil;
    const int64_t days = floor_div(seconds, 86400);
    fn_civil_from_days(days, &civil);
    if (fn_str_eq(transform, FN_STR("year"))) *out = civil.year - 1970;
    else if (fn_str_eq(transform, FN_STR("month"))) *out = (civil.year - 1970) * 12 + civil.month - 1;
    else if (fn_str_eq(transform, FN_STR("day"))) *out = days;
    else if (fn_str_eq(transform, FN_STR("hour"))) *out = floor_div(seconds, 3600);
    else return false;
    return true;
}

static bool outside_time(const fn_iceberg_file *file, const fn_iceberg_field *field, const file_bound *want)
{
    for (uint32_t i = 0; i < file->spec->count; i++) {
        const fn_iceberg_partition_field *p = &file->spec->fields[i];
        const fn_avro_value *v = p->source_id == field->id ? fn_avro_field_by_id(file->partition, p->field_id) : NULL;
        int64_t seconds, low, high;
        if (!v || (v->schema->kind != FN_AVRO_INT && v->schema->kind != FN_AVRO_LONG)) continue;
        if (want->min && seconds_of(want->min, &seconds) && time_transform(p->transform, seconds, &low) && v->i < low) return true;
        if (want->max && seconds_of(want->max, &seconds) && time_transform(p->transform, seconds, &high) && v->i > high) return true;
    }
    return false;
}

fn_status lake_may_match(fn_ctx *ctx, const iceberg_table *t, const fn_iceberg_file *file, const file_bound *bounds, uint32_t count, bool *out)
{
    *out = true;
    for (uint32_t i = 0; i < count && *out; i++) {
        if (bounds[i].schema_column >= t->lake->field_count) continue;
        const fn_iceberg_field *field = &t->lake->fields[bounds[i].schema_column];
        const fn_iceberg_bounds *have = bounds_of(file, field->id);
        bool outside = false;
        if (have) FN_TRY(outside_bounds(ctx, field, have, &bounds[i], &outside));
        if (!outside && file->partition) FN_TRY(outside_identity(ctx, file, field, &bounds[i], &outside));
        if (!outside && file->partition) outside = outside_time(file, field, &bounds[i]);
        *out = !outside;
    }
    return FN_OK;
}
