/* avro_schema.c - JSON schemas to fn_avro_schema, by jansson. Named types may be referred to later by their name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "avro/avro_schema.h"
#include <jansson.h>

enum { DEPTH_MAX = 64, NAMED_MAX = 1024, KIDS_MAX = 20000 };

typedef struct parser {
    fn_ctx *ctx;
    const char *file;
    const fn_avro_schema *named[NAMED_MAX];
    size_t named_count;
} parser;

static const struct {
    const char *name;
    fn_avro_kind kind;
} primitives[] = {
    {"null", FN_AVRO_NULL},   {"boolean", FN_AVRO_BOOL}, {"int", FN_AVRO_INT},     {"long", FN_AVRO_LONG},
    {"float", FN_AVRO_FLOAT}, {"double", FN_AVRO_DOUBLE}, {"bytes", FN_AVRO_BYTES}, {"string", FN_AVRO_STRING},
};

static fn_status bad(parser *p, const char *why)
{
    return fn_fail(p->ctx, FN_INCORRECT_DATA, "Bad Avro schema in %s: %s", p->file, why);
}

static fn_status copy(parser *p, json_t *value, fn_str *out)
{
    const char *text = json_string_value(value);
    return text ? fn_arena_str(p->ctx, p->ctx->arena, (fn_str){text, json_string_length(value)}, out) : FN_OK;
}

static fn_status parse(parser *p, json_t *json, unsigned depth, const fn_avro_schema **out);

static fn_status parse_name(parser *p, const char *name, fn_avro_schema *s, const fn_avro_schema **out)
{
    for (size_t i = 0; i < FN_COUNT(primitives); i++)
        if (strcmp(primitives[i].name, name) == 0) {
            s->kind = primitives[i].kind;
            *out = s;
            return FN_OK;
        }
    for (size_t i = p->named_count; i-- > 0;)
        if (fn_str_eq(p->named[i]->name, fn_cstr(name))) {
            *out = p->named[i];
            return FN_OK;
        }
    return bad(p, "unknown type name");
}

static fn_status allocate_kids(parser *p, fn_avro_schema *s, size_t count)
{
    if (count > KIDS_MAX) return bad(p, "too many fields");
    s->count = (uint32_t)count;
    s->kids = fn_arena_alloc_zero(p->ctx, p->ctx->arena, (count + 1) * sizeof *s->kids);
    s->names = FN_NEW_ARRAY(p->ctx, fn_str, count + 1);
    s->field_ids = FN_NEW_ARRAY(p->ctx, int32_t, count + 1);
    return s->kids && s->names && s->field_ids ? FN_OK : p->ctx->error.code;
}

static fn_status parse_record(parser *p, json_t *json, unsigned depth, fn_avro_schema *s)
{
    json_t *fields = json_object_get(json, "fields");
    if (!json_is_array(fields)) return bad(p, "a record has no fields");
    FN_TRY(allocate_kids(p, s, json_array_size(fields)));
    for (uint32_t i = 0; i < s->count; i++) {
        json_t *field = json_array_get(fields, i), *id = json_object_get(field, "field-id");
        if (!json_is_string(json_object_get(field, "name"))) return bad(p, "a field has no name");
        FN_TRY(copy(p, json_object_get(field, "name"), &s->names[i]));
        s->field_ids[i] = json_is_integer(id) ? (int32_t)json_integer_value(id) : -1;
        FN_TRY(parse(p, json_object_get(field, "type"), depth, &s->kids[i]));
    }
    return FN_OK;
}

static fn_status parse_enum(parser *p, json_t *json, fn_avro_schema *s)
{
    json_t *symbols = json_object_get(json, "symbols");
    FN_TRY(allocate_kids(p, s, json_array_size(symbols)));
    for (uint32_t i = 0; i < s->count; i++) FN_TRY(copy(p, json_array_get(symbols, i), &s->names[i]));
    return FN_OK;
}

static fn_status parse_object(parser *p, json_t *json, unsigned depth, fn_avro_schema *s, const fn_avro_schema **out)
{
    json_t *type = json_object_get(json, "type");
    if (!json_is_string(type)) return parse(p, type, depth, out);
    const char *name = json_string_value(type);
    static const struct {
        const char *name;
        fn_avro_kind kind;
    } complex[] = {{"record", FN_AVRO_RECORD}, {"enum", FN_AVRO_ENUM}, {"array", FN_AVRO_ARRAY}, {"map", FN_AVRO_MAP}, {"fixed", FN_AVRO_FIXED}};
    size_t i = 0;
    while (i < FN_COUNT(complex) && strcmp(complex[i].name, name) != 0) i++;
    FN_TRY(copy(p, json_object_get(json, "logicalType"), &s->logical));
    if (i == FN_COUNT(complex)) return parse_name(p, name, s, out);
    s->kind = complex[i].kind;
    FN_TRY(copy(p, json_object_get(json, "name"), &s->name));
    if (s->name.size) {
        if (p->named_count == NAMED_MAX) return bad(p, "too many named types");
        p->named[p->named_count++] = s;
    }
    *out = s;
    if (s->kind == FN_AVRO_RECORD) return parse_record(p, json, depth, s);
    if (s->kind == FN_AVRO_ENUM) return parse_enum(p, json, s);
    if (s->kind == FN_AVRO_FIXED) {
        const json_int_t size = json_integer_value(json_object_get(json, "size"));
        if (size < 0 || size > 1 << 20) return bad(p, "bad size of a fixed type");
        s->count = (uint32_t)size;
        return FN_OK;
    }
    FN_TRY(allocate_kids(p, s, 1));
    return parse(p, json_object_get(json, s->kind == FN_AVRO_ARRAY ? "items" : "values"), depth, &s->kids[0]);
}

static fn_status parse(parser *p, json_t *json, unsigned depth, const fn_avro_schema **out)
{
    if (depth > DEPTH_MAX) return bad(p, "too deep");
    fn_avro_schema *s = FN_NEW(p->ctx, fn_avro_schema);
    FN_TRY_PTR(p->ctx, s);
    if (json_is_string(json)) return parse_name(p, json_string_value(json), s, out);
    if (json_is_object(json)) return parse_object(p, json, depth + 1, s, out);
    if (!json_is_array(json)) return bad(p, "a type is missing");
    s->kind = FN_AVRO_UNION;
    FN_TRY(allocate_kids(p, s, json_array_size(json)));
    for (uint32_t i = 0; i < s->count; i++) FN_TRY(parse(p, json_array_get(json, i), depth + 1, &s->kids[i]));
    *out = s;
    return FN_OK;
}

fn_status avro_schema_parse(fn_ctx *ctx, const char *file, fn_str text, const fn_avro_schema **out)
{
    json_error_t error;
    json_t *json = json_loadb(text.data, text.size, JSON_DECODE_ANY, &error);
    if (!json) return fn_fail(ctx, FN_INCORRECT_DATA, "Bad Avro schema in %s: %s", file, error.text);
    parser *p = FN_NEW(ctx, parser);
    fn_status status = p ? FN_OK : ctx->error.code;
    if (p) {
        p->ctx = ctx;
        p->file = file;
        status = parse(p, json, 0, out);
    }
    json_decref(json);
    return status;
}
