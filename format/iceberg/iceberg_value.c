/* iceberg_value.c - single values: bounds (specification, appendix D "Single-value serialization") and identity partition
 * values, which Avro holds in its own types. SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/metadata.h"
#include <firn/avro.h>
#include <firn/wide.h>

/* Big-endian two's complement of up to 16 bytes. */
static bool big_endian(fn_str bytes, fn_i128 *out)
{
    if (!bytes.size || bytes.size > 16) return false;
    fn_u128 v = (signed char)bytes.data[0] < 0 ? ~(fn_u128)0 : 0;
    for (size_t i = 0; i < bytes.size; i++) v = v << 8 | (unsigned char)bytes.data[i];
    *out = (fn_i128)v;
    return true;
}

static fn_status append_i128(fn_ctx *ctx, const fn_type *type, fn_i128 v, fn_builder *out)
{
    uint8_t bytes[32];
    const fn_i256 wide = fn_i256_from_i128(v);
    memcpy(bytes, &wide, sizeof wide);
    return fn_type_base(type)->width <= 32 ? fn_builder_fixed(ctx, out, bytes) : FN_OK;
}

static fn_status append_uuid(fn_ctx *ctx, fn_str bytes, fn_builder *out)
{
    fn_u128 v = 0;
    for (size_t i = 0; i < 16; i++) v = v << 8 | (unsigned char)bytes.data[i];
    return fn_builder_fixed(ctx, out, &v);
}

static fn_status wrong_size(fn_ctx *ctx, const fn_iceberg_field *f, size_t size)
{
    return iceberg_bad(ctx, "A value of the Iceberg column " FN_STR_FMT " has %zu bytes", FN_STR_ARG(f->name), size);
}

/* Little-endian integers; an int column may have been widened to long since. */
static fn_status append_integer(fn_ctx *ctx, const fn_iceberg_field *f, fn_str bytes, fn_builder *out)
{
    int64_t v;
    if (bytes.size == 4) v = fn_load_i32(bytes.data);
    else if (bytes.size == 8) v = fn_load_i64(bytes.data);
    else return wrong_size(ctx, f, bytes.size);
    return append_i128(ctx, f->type, v, out);
}

static fn_status append_float(fn_ctx *ctx, const fn_iceberg_field *f, fn_str bytes, fn_builder *out)
{
    if (f->kind == FN_ICEBERG_DOUBLE && bytes.size == 4) {
        const double v = (double)fn_load_f32(bytes.data);
        return fn_builder_fixed(ctx, out, &v);
    }
    if (bytes.size != fn_type_base(f->type)->width) return wrong_size(ctx, f, bytes.size);
    return fn_builder_fixed(ctx, out, bytes.data);
}

fn_status fn_iceberg_value(fn_ctx *ctx, const fn_iceberg_field *f, fn_str bytes, fn_builder *out)
{
    fn_i128 wide;
    switch (f->kind) {
    case FN_ICEBERG_BOOLEAN: return bytes.size == 1 ? append_i128(ctx, f->type, bytes.data[0] != 0, out) : wrong_size(ctx, f, bytes.size);
    case FN_ICEBERG_INT:
    case FN_ICEBERG_LONG:
    case FN_ICEBERG_DATE:
    case FN_ICEBERG_TIME:
    case FN_ICEBERG_TIMESTAMP:
    case FN_ICEBERG_TIMESTAMPTZ:
    case FN_ICEBERG_TIMESTAMP_NS:
    case FN_ICEBERG_TIMESTAMPTZ_NS: return append_integer(ctx, f, bytes, out);
    case FN_ICEBERG_FLOAT:
    case FN_ICEBERG_DOUBLE: return append_float(ctx, f, bytes, out);
    case FN_ICEBERG_DECIMAL: return big_endian(bytes, &wide) ? append_i128(ctx, f->type, wide, out) : wrong_size(ctx, f, bytes.size);
    case FN_ICEBERG_STRING:
    case FN_ICEBERG_BINARY:
    case FN_ICEBERG_FIXED: return fn_builder_str(ctx, out, bytes);
    case FN_ICEBERG_UUID: return bytes.size == 16 ? append_uuid(ctx, bytes, out) : wrong_size(ctx, f, bytes.size);
    case FN_ICEBERG_STRUCT:
    case FN_ICEBERG_LIST:
    case FN_ICEBERG_MAP: break;
    }
    return iceberg_bad(ctx, "The Iceberg column " FN_STR_FMT " cannot have a single value", FN_STR_ARG(f->name));
}

fn_status fn_iceberg_avro_value(fn_ctx *ctx, const fn_iceberg_field *f, const fn_avro_value *v, fn_builder *out)
{
    switch (v->schema->kind) {
    case FN_AVRO_BOOL:
    case FN_AVRO_INT:
    case FN_AVRO_LONG: return append_i128(ctx, f->type, v->i, out);
    case FN_AVRO_FLOAT:
    case FN_AVRO_DOUBLE: {
        const float single = (float)v->f;
        return fn_builder_fixed(ctx, out, f->kind == FN_ICEBERG_FLOAT ? (const void *)&single : (const void *)&v->f);
    }
    case FN_AVRO_BYTES:
    case FN_AVRO_STRING:
    case FN_AVRO_FIXED: return fn_iceberg_value(ctx, f, v->bytes, out); /* decimals and uuids are big-endian in both */
    case FN_AVRO_NULL:
    case FN_AVRO_RECORD:
    case FN_AVRO_ENUM:
    case FN_AVRO_ARRAY:
    case FN_AVRO_MAP:
    case FN_AVRO_UNION: break;
    }
    return iceberg_bad(ctx, "The partition value of column " FN_STR_FMT " has a wrong type", FN_STR_ARG(f->name));
}

fn_status fn_iceberg_identity(fn_ctx *ctx, const fn_iceberg_file *file, const fn_iceberg_field *field, fn_builder *out, bool *found)
{
    *found = false;
    for (uint32_t i = 0; i < file->spec->count; i++) {
        const fn_iceberg_partition_field *p = &file->spec->fields[i];
        if (p->source_id != field->id || !fn_str_eq(p->transform, FN_STR("identity"))) continue;
        const fn_avro_value *v = fn_avro_field_by_id(file->partition, p->field_id);
        *found = true;
        if (v) return fn_iceberg_avro_value(ctx, field, v, out);
        return fn_type_is_nullable(field->type) ? fn_builder_null(ctx, out) : fn_builder_default(ctx, out);
    }
    return FN_OK;
}
