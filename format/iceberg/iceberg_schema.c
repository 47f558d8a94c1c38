/* iceberg_schema.c - schema JSON to fields and firn's types (Iceberg specification, appendix C). Optional values become
 * Nullable where ClickHouse allows it; lists, maps and structs cannot be NULL and read as empty.
 * SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/metadata.h"
#include <stdio.h>

enum { DEPTH_MAX = 64, FIELDS_MAX = 50000 };

static fn_status parse_type(fn_ctx *ctx, json_t *type, json_t *mapping, unsigned depth, fn_iceberg_field *f);

/* Simple types by name. */
static const struct {
    const char *name;
    fn_iceberg_kind kind;
    fn_type_id id;
} primitives[] = {
    {"boolean", FN_ICEBERG_BOOLEAN, FN_T_BOOL},  {"int", FN_ICEBERG_INT, FN_T_INT32},        {"long", FN_ICEBERG_LONG, FN_T_INT64},
    {"float", FN_ICEBERG_FLOAT, FN_T_FLOAT32},   {"double", FN_ICEBERG_DOUBLE, FN_T_FLOAT64}, {"date", FN_ICEBERG_DATE, FN_T_DATE32},
    {"string", FN_ICEBERG_STRING, FN_T_STRING},  {"uuid", FN_ICEBERG_UUID, FN_T_UUID},       {"binary", FN_ICEBERG_BINARY, FN_T_STRING},
};

/* Types of time: ticks of 10^-scale seconds, in UTC when they have a zone. */
static const struct {
    const char *name;
    fn_iceberg_kind kind;
    unsigned scale;
    bool utc;
} times[] = {
    {"timestamp", FN_ICEBERG_TIMESTAMP, 6, false},       {"timestamptz", FN_ICEBERG_TIMESTAMPTZ, 6, true},
    {"timestamp_ns", FN_ICEBERG_TIMESTAMP_NS, 9, false}, {"timestamptz_ns", FN_ICEBERG_TIMESTAMPTZ_NS, 9, true},
};

static fn_status parse_primitive(fn_ctx *ctx, const char *name, fn_iceberg_field *f)
{
    for (size_t i = 0; i < FN_COUNT(primitives); i++)
        if (strcmp(primitives[i].name, name) == 0) {
            f->kind = primitives[i].kind;
            f->type = fn_type_simple(primitives[i].id);
            return FN_OK;
        }
    for (size_t i = 0; i < FN_COUNT(times); i++)
        if (strcmp(times[i].name, name) == 0) {
            f->kind = times[i].kind;
            f->type = fn_type_datetime64(times[i].scale, times[i].utc ? fn_tz_utc() : NULL);
            return FN_OK;
        }
    unsigned precision, scale;
    char rest;
    if (strcmp(name, "time") == 0) {
        f->kind = FN_ICEBERG_TIME;
        return fn_type_parse(ctx, FN_STR("Time64(6)"), &f->type);
    }
    if (sscanf(name, "decimal(%2u ,%2u%c", &precision, &scale, &rest) == 3 && rest == ')' && precision >= 1 && precision <= 38 && scale <= precision) {
        f->kind = FN_ICEBERG_DECIMAL;
        f->type = fn_type_decimal(precision, scale);
        return FN_OK;
    }
    if (sscanf(name, "fixed[%7u%c", &precision, &rest) == 2 && rest == ']' && precision >= 1) {
        f->kind = FN_ICEBERG_FIXED;
        f->type = fn_type_fixed_string(precision);
        return FN_OK;
    }
    return fn_fail(ctx, FN_UNKNOWN_TYPE, "Unknown Iceberg type: %.100s", name);
}

/* The entry of the name mapping for a field id; NULL if there is none. */
static json_t *mapping_entry(json_t *mapping, int32_t id)
{
    size_t i;
    json_t *entry;
    json_array_foreach(mapping, i, entry)
        if (json_integer_value(json_object_get(entry, "field-id")) == id) return entry;
    return NULL;
}

static fn_status set_file_names(fn_ctx *ctx, json_t *entry, fn_iceberg_field *f)
{
    json_t *names = json_object_get(entry, "names");
    const size_t count = json_array_size(names);
    if (!count) return FN_OK;
    fn_str *list = FN_NEW_ARRAY(ctx, fn_str, count);
    FN_TRY_PTR(ctx, list);
    for (size_t i = 0; i < count; i++) FN_TRY(iceberg_copy_text(ctx, json_array_get(names, i), &list[i]));
    f->file_names = list;
    f->file_name_count = (uint32_t)count;
    return FN_OK;
}

static fn_status parse_field(fn_ctx *ctx, int32_t id, fn_str name, bool required, json_t *type, json_t *mapping, unsigned depth, fn_iceberg_field *f)
{
    f->id = id;
    f->name = name;
    f->required = required;
    json_t *entry = mapping_entry(mapping, id);
    FN_TRY(set_file_names(ctx, entry, f));
    FN_TRY(parse_type(ctx, type, json_object_get(entry, "fields"), depth, f));
    if (!required && fn_type_can_be_nullable(f->type)) f->type = fn_type_nullable(f->type);
    return FN_OK;
}

/* A value as JSON text in ctx->arena. */
static fn_status json_text(fn_ctx *ctx, json_t *value, fn_str *out)
{
    const size_t size = json_dumpb(value, NULL, 0, JSON_ENCODE_ANY);
    char *text = fn_arena_alloc(ctx, ctx->arena, size + 1);
    FN_TRY_PTR(ctx, text);
    if (json_dumpb(value, text, size, JSON_ENCODE_ANY) != size) return iceberg_bad(ctx, "An Iceberg default value cannot be printed");
    *out = (fn_str){text, size};
    return FN_OK;
}

static fn_status parse_fields(fn_ctx *ctx, json_t *list, json_t *mapping, unsigned depth, fn_iceberg_field **fields, uint32_t *count)
{
    const size_t n = json_array_size(list);
    if (!json_is_array(list) || n > FIELDS_MAX) return iceberg_bad(ctx, "An Iceberg struct has no list of fields");
    *fields = FN_NEW_ARRAY(ctx, fn_iceberg_field, n + 1);
    FN_TRY_PTR(ctx, *fields);
    *count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        json_t *field = json_array_get(list, i), *initial = json_object_get(field, "initial-default");
        fn_str name;
        FN_TRY(iceberg_copy_text(ctx, json_object_get(field, "name"), &name));
        if (!name.data || !json_is_integer(json_object_get(field, "id"))) return iceberg_bad(ctx, "An Iceberg field has no name or id");
        fn_iceberg_field *f = &(*fields)[i];
        FN_TRY(parse_field(ctx, (int32_t)json_integer_value(json_object_get(field, "id")), name, json_is_true(json_object_get(field, "required")),
                           json_object_get(field, "type"), mapping, depth, f));
        if (initial && !json_is_null(initial)) {
            FN_TRY(json_text(ctx, initial, &f->initial_default));
        }
    }
    return FN_OK;
}

static fn_status parse_struct(fn_ctx *ctx, json_t *type, json_t *mapping, unsigned depth, fn_iceberg_field *f)
{
    f->kind = FN_ICEBERG_STRUCT;
    FN_TRY(parse_fields(ctx, json_object_get(type, "fields"), mapping, depth, &f->kids, &f->kid_count));
    const fn_type **args = fn_arena_alloc(ctx, ctx->arena, (f->kid_count + 1) * sizeof *args);
    const char **names = fn_arena_alloc(ctx, ctx->arena, (f->kid_count + 1) * sizeof *names);
    if (!args || !names) return ctx->error.code;
    for (uint32_t i = 0; i < f->kid_count; i++) {
        args[i] = f->kids[i].type;
        names[i] = f->kids[i].name.data; /* 0-terminated by the arena's copy */
    }
    f->type = fn_type_tuple(args, names, f->kid_count);
    return FN_OK;
}

static fn_status parse_container(fn_ctx *ctx, json_t *type, json_t *mapping, unsigned depth, bool map, fn_iceberg_field *f)
{
    json_t *id = json_object_get(type, map ? "value-id" : "element-id");
    f->kid_count = map ? 2 : 1;
    f->kids = FN_NEW_ARRAY(ctx, fn_iceberg_field, 2);
    FN_TRY_PTR(ctx, f->kids);
    if (!json_is_integer(id)) return iceberg_bad(ctx, "An Iceberg list or map has no element id");
    if (map)
        FN_TRY(parse_field(ctx, (int32_t)json_integer_value(json_object_get(type, "key-id")), FN_STR("key"), true, json_object_get(type, "key"), mapping,
                           depth, &f->kids[0]));
    FN_TRY(parse_field(ctx, (int32_t)json_integer_value(id), map ? FN_STR("value") : FN_STR("element"),
                       json_is_true(json_object_get(type, map ? "value-required" : "element-required")), json_object_get(type, map ? "value" : "element"),
                       mapping, depth, &f->kids[map]));
    f->kind = map ? FN_ICEBERG_MAP : FN_ICEBERG_LIST;
    f->type = map ? fn_type_map(f->kids[0].type, f->kids[1].type) : fn_type_array(f->kids[0].type);
    return FN_OK;
}

static fn_status parse_type(fn_ctx *ctx, json_t *type, json_t *mapping, unsigned depth, fn_iceberg_field *f)
{
    if (depth > DEPTH_MAX) return iceberg_bad(ctx, "An Iceberg schema is nested deeper than %d levels", DEPTH_MAX);
    if (json_is_string(type)) return parse_primitive(ctx, json_string_value(type), f);
    const char *kind = json_string_value(json_object_get(type, "type"));
    if (kind && strcmp(kind, "struct") == 0) return parse_struct(ctx, type, mapping, depth + 1, f);
    if (kind && strcmp(kind, "list") == 0) return parse_container(ctx, type, mapping, depth + 1, false, f);
    if (kind && strcmp(kind, "map") == 0) return parse_container(ctx, type, mapping, depth + 1, true, f);
    return iceberg_bad(ctx, "An Iceberg field has no type");
}

fn_status iceberg_schema_parse(fn_ctx *ctx, json_t *schema, json_t *name_mapping, fn_iceberg_field **fields, uint32_t *count)
{
    return parse_fields(ctx, json_object_get(schema, "fields"), name_mapping, 0, fields, count);
}

static const fn_iceberg_field *find_field(const fn_iceberg_field *fields, uint32_t count, int32_t id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fields[i].id == id) return &fields[i];
        const fn_iceberg_field *inner = find_field(fields[i].kids, fields[i].kid_count, id);
        if (inner) return inner;
    }
    return NULL;
}

const fn_iceberg_field *fn_iceberg_field_by_id(const fn_iceberg_table *t, int32_t id)
{
    return find_field(t->fields, t->field_count, id);
}
