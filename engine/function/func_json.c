/* func_json.c - JSON in strings: JSONExtract*, JSONHas, JSONLength, JSONKey, JSONType, isValidJSON, toJSONString.
 * Each row's text is parsed once into the same memory; then the path (keys and numbers, constant or not) is walked and the value
 * put into the result. What is not there, or not JSON, gives the type's default.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/json.h"

typedef enum json_way { WAY_VALUE, WAY_HAS, WAY_LENGTH, WAY_KEY, WAY_TYPE, WAY_VALID, WAY_RAW, WAY_KEYS, WAY_ARRAY_RAW, WAY_PAIRS, WAY_PAIRS_RAW, WAY_ARRAY_LENGTH } json_way;

typedef struct json_call {
    json_way way;
    bool any_case;
    bool strict_bool;     /* JSONExtractBool: true, false and whole numbers alone */
    uint32_t path_end;    /* arguments 1 .. path_end - 1 are the path */
    const fn_type *value; /* WAY_VALUE, WAY_PAIRS: what the JSON value is read as */
} json_call;

typedef struct json_row {
    const char *name;
    json_way way;
    fn_type_id type; /* WAY_VALUE with a type of its own */
} json_row;
static const json_row kinds[] = {
    {"JSONHas", WAY_HAS, 0}, {"JSONLength", WAY_LENGTH, 0}, {"JSONKey", WAY_KEY, 0}, {"JSONType", WAY_TYPE, 0}, {"isValidJSON", WAY_VALID, 0},
    {"JSONExtractInt", WAY_VALUE, FN_T_INT64}, {"JSONExtractUInt", WAY_VALUE, FN_T_UINT64}, {"JSONExtractFloat", WAY_VALUE, FN_T_FLOAT64},
    {"JSONExtractBool", WAY_VALUE, FN_T_BOOL}, {"JSONExtractString", WAY_VALUE, FN_T_STRING}, {"JSONExtract", WAY_VALUE, FN_T_NOTHING},
    {"JSONExtractRaw", WAY_RAW, 0}, {"JSONExtractArrayRaw", WAY_ARRAY_RAW, 0}, {"JSONExtractKeys", WAY_KEYS, 0},
    {"JSONExtractKeysAndValues", WAY_PAIRS, FN_T_NOTHING}, {"JSONExtractKeysAndValuesRaw", WAY_PAIRS_RAW, 0}, {"JSONArrayLength", WAY_ARRAY_LENGTH, 0},
};

static const json_row *kind_of(fn_str name)
{
    for (size_t i = 0; i < FN_COUNT(kinds); i++)
        if (fn_str_eq(fn_cstr(kinds[i].name), name)) return &kinds[i];
    return NULL;
}

static const fn_type *json_type_enum(void)
{
    static const fn_enum_value values[] = {{{"Null", 4}, 0},     {{"String", 6}, '"'}, {{"Array", 5}, '['}, {{"Bool", 4}, 'b'},
                                           {{"Double", 6}, 'd'}, {{"Int64", 5}, 'i'},  {{"UInt64", 6}, 'u'}, {{"Object", 6}, '{'}};
    return fn_type_enum(values, FN_COUNT(values), false);
}

static const fn_type *pair_array(const fn_type *value)
{
    const fn_type *two[2] = {fn_type_simple(FN_T_STRING), value};
    return fn_type_array(fn_type_tuple(two, NULL, 2));
}

static void result_type(func_call *call, json_call *j, const json_row *k)
{
    const fn_type *string = fn_type_simple(FN_T_STRING);
    switch (k->way) {
    case WAY_HAS: case WAY_VALID: call->type = fn_type_simple(FN_T_UINT8); break;
    case WAY_LENGTH: call->type = fn_type_simple(FN_T_UINT64); break;
    case WAY_ARRAY_LENGTH: call->type = fn_type_nullable(fn_type_simple(FN_T_UINT64)); break;
    case WAY_KEY: case WAY_RAW: call->type = string; break;
    case WAY_TYPE: call->type = json_type_enum(); break;
    case WAY_KEYS: case WAY_ARRAY_RAW: call->type = fn_type_array(string); break;
    case WAY_PAIRS_RAW: call->type = pair_array(string); break;
    case WAY_PAIRS: call->type = pair_array(j->value); break;
    case WAY_VALUE: call->type = j->value->id == FN_T_BOOL && k->type == FN_T_BOOL ? fn_type_simple(FN_T_UINT8) : j->value; break;
    }
}

static fn_status check_arguments(fn_ctx *ctx, const func_call *call, const json_call *j)
{
    if (!fn_type_is_string(call->arg_types[0]))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The first argument of function %s should be a string containing JSON or a JSON object, illegal type: %s",
                       call->def->name, call->arg_types[0]->name);
    for (uint32_t i = 1; i < j->path_end; i++)
        if (!fn_type_is_string(call->arg_types[i]) && !fn_type_is_integer(call->arg_types[i]))
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The argument %u of function %s should be a string specifying key or an integer specifying index, illegal type: %s",
                           i + 1, call->def->name, call->arg_types[i]->name);
    return FN_OK;
}

static fn_status bind_json(fn_ctx *ctx, func_call *call)
{
    json_call *j = FN_NEW(ctx, json_call);
    FN_TRY_PTR(ctx, j);
    fn_str name = fn_cstr(call->def->name);
    j->any_case = fn_str_ends(name, FN_STR("CaseInsensitive"));
    if (j->any_case) name.size -= strlen("CaseInsensitive");
    const json_row *k = kind_of(name);
    FN_ASSERT(k != NULL);
    j->way = k->way;
    j->path_end = call->arg_count;
    j->strict_bool = k->type == FN_T_BOOL;
    if (k->type != FN_T_NOTHING) j->value = fn_type_simple(k->type);
    if (k->way == WAY_PAIRS || (k->way == WAY_VALUE && !j->value)) {
        fn_str text;
        j->path_end--;
        if (!fn_type_is_string(call->arg_types[j->path_end]) || !call->consts[j->path_end])
            return fn_fail(ctx, FN_ILLEGAL_COLUMN, "The last argument of function %s must be a constant string with a type name", call->def->name);
        FN_TRY(func_const_str(ctx, call, j->path_end, &text));
        FN_TRY(fn_type_parse(ctx, text, &j->value));
    }
    FN_TRY(check_arguments(ctx, call, j));
    result_type(call, j, k);
    call->data = j;
    return FN_OK;
}

/* ---- one row ---- */
static fn_status walk_path(fn_ctx *ctx, const json_call *j, json_doc *doc, fn_column *const *args, size_t row, const json_node **value, const json_node **key)
{
    *value = doc->count ? doc->nodes : NULL;
    *key = NULL;
    for (uint32_t i = 1; i < j->path_end && *value; i++) {
        const json_node *from = *value;
        *key = NULL;
        if (fn_type_is_string(args[i]->type)) FN_TRY(json_find(ctx, doc, from, text_at(args[i], row), j->any_case, value));
        else *value = json_at(doc, from, fn_column_i64_at(args[i], row), key);
    }
    return FN_OK;
}

static fn_status put_raw(fn_ctx *ctx, json_doc *doc, const json_node *n, fn_builder *to)
{
    doc->scratch.size = 0;
    FN_TRY(json_write(ctx, doc, n, &doc->scratch));
    return fn_builder_str(ctx, to, fn_buf_view(&doc->scratch));
}

static fn_status put_key(fn_ctx *ctx, json_doc *doc, const json_node *key, fn_builder *to)
{
    doc->scratch.size = 0;
    FN_TRY(json_string(ctx, key, &doc->scratch));
    return fn_builder_str(ctx, to, fn_buf_view(&doc->scratch));
}

/* JSONExtractKeys, ArrayRaw, KeysAndValues(Raw). */
static fn_status put_list(fn_ctx *ctx, const json_call *j, json_doc *doc, const json_node *n, fn_builder *to)
{
    const bool object = j->way != WAY_ARRAY_RAW;
    const json_node *kid = n ? json_first(n) : NULL;
    for (uint32_t i = 0; n && n->kind == (object ? JSON_OBJECT : JSON_ARRAY) && i < n->count; i++) {
        const json_node *value = object ? json_next(doc, kid) : kid;
        fn_builder *item = &to->kids[0];
        if (j->way == WAY_KEYS) FN_TRY(put_key(ctx, doc, kid, item));
        else if (j->way == WAY_ARRAY_RAW) FN_TRY(put_raw(ctx, doc, value, item));
        else {
            bool ok = true;
            const uint32_t before = item->kids[1].rows;
            if (j->way == WAY_PAIRS_RAW) FN_TRY(put_raw(ctx, doc, value, &item->kids[1]));
            else FN_TRY(json_insert(ctx, doc, value, j->value, &item->kids[1], &ok));
            if (ok) FN_TRY(put_key(ctx, doc, kid, &item->kids[0]));
            if (ok) FN_TRY(fn_builder_close_tuple(ctx, item));
            else fn_builder_truncate(&item->kids[1], before);
        }
        kid = json_next(doc, value);
    }
    return fn_builder_close_array(ctx, to);
}

static int8_t type_code(const json_node *n)
{
    static const int8_t codes[] = {[JSON_NULL] = 0, [JSON_BOOL] = 'b', [JSON_INT] = 'i', [JSON_UINT] = 'u', [JSON_DOUBLE] = 'd', [JSON_BIG] = 'd', [JSON_STRING] = '"', [JSON_ARRAY] = '[', [JSON_OBJECT] = '{'};
    return n ? codes[n->kind] : 0;
}

static fn_status put_row(fn_ctx *ctx, const json_call *j, json_doc *doc, const json_node *n, const json_node *key, bool valid, fn_builder *to)
{
    const bool container = n && (n->kind == JSON_ARRAY || n->kind == JSON_OBJECT);
    const uint64_t length = container ? n->count : 0;
    const int8_t code = type_code(n);
    const uint8_t has = j->way == WAY_VALID ? valid : n != NULL;
    bool ok = false;
    switch (j->way) {
    case WAY_HAS:
    case WAY_VALID: return fn_builder_fixed(ctx, to, &has);
    case WAY_LENGTH: return fn_builder_fixed(ctx, to, &length);
    case WAY_ARRAY_LENGTH: return n && n->kind == JSON_ARRAY ? fn_builder_fixed(ctx, to, &length) : fn_builder_null(ctx, to);
    case WAY_KEY: return key ? put_key(ctx, doc, key, to) : fn_builder_default(ctx, to);
    case WAY_TYPE: return fn_builder_fixed(ctx, to, &code);
    case WAY_RAW: return n ? put_raw(ctx, doc, n, to) : fn_builder_default(ctx, to);
    case WAY_KEYS: case WAY_ARRAY_RAW: case WAY_PAIRS: case WAY_PAIRS_RAW: return put_list(ctx, j, doc, n, to);
    case WAY_VALUE: break;
    }
    if (n && !(j->strict_bool && (n->kind == JSON_STRING || n->kind == JSON_DOUBLE))) FN_TRY(json_insert(ctx, doc, n, j->value, to, &ok));
    return ok ? FN_OK : fn_builder_default(ctx, to);
}

static fn_status eval_json(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const json_call *j = call->data;
    json_doc doc = {0};
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, call->type));
    fn_status status = FN_OK;
    bool valid = false;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const json_node *value = NULL, *key = NULL;
        if (i == 0 || args[0]->shape != FN_CONST) status = json_parse(ctx, &doc, text_at(args[0], i), &valid);
        if (status == FN_OK) status = walk_path(ctx, j, &doc, args, i, &value, &key);
        if (status == FN_OK) status = put_row(ctx, j, &doc, value, key, valid, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    json_release(&doc);
    return status;
}

/* ---- toJSONString ---- */
static fn_status row_to_json(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    fn_text_options options;
    expr_text_options(ctx, &options);
    return fn_text_write(ctx, args[0], row, FN_TEXT_JSON, &options, to);
}
TEXT_EVAL(eval_to_json, text_rows, row_to_json)

#define JSON(fn, low, what, args, res)                                                                                                   \
    {.name = fn, .args_min = low, .args_max = -1, .flags = FUNC_NO_LOW_CARDINALITY, .bind = bind_json, .eval = eval_json, .about = what, .example = fn "(" args ")", .gives = res}
#define BOTH(fn, low, what, args, res) JSON(fn, low, what ".", args, res), JSON(fn "CaseInsensitive", low, what ", keys in any case.", args, res)
static const char *const length_names[] = {"JSON_ARRAY_LENGTH", NULL};
static const func_def rows_[] = {
    JSON("JSONHas", 1, "1 if there is a value at the path of keys and numbers (from 1; negative: from the end).", "'{\"a\":1}', 'a'", "1"),
    JSON("JSONLength", 1, "Number of items of the array or pairs of the object at the path.", "'[1,2]'", "2"),
    JSON("JSONKey", 2, "The key of the pair whose number ends the path.", "'{\"a\":1}', 1", "a"),
    JSON("JSONType", 1, "The kind of the value at the path.", "'{\"a\":1}', 'a'", "Int64"),
    {.name = "isValidJSON", .args_min = 1, .args_max = 1, .flags = FUNC_NO_LOW_CARDINALITY, .bind = bind_json, .eval = eval_json, .about = "1 if the text is JSON.", .example = "isValidJSON('[1]')", .gives = "1"},
    {.name = "JSONArrayLength", .aliases = length_names, .args_min = 1, .args_max = 1, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_json, .eval = eval_json,
     .about = "Number of items of an array, NULL for anything else.", .example = "JSONArrayLength('[1,2]')", .gives = "2"},
    BOTH("JSONExtractInt", 1, "The value at the path as Int64", "'{\"a\":-1}', 'a'", "-1"), BOTH("JSONExtractUInt", 1, "The value at the path as UInt64", "'{\"a\":1}', 'a'", "1"),
    BOTH("JSONExtractFloat", 1, "The value at the path as Float64", "'{\"a\":1.5}', 'a'", "1.5"), BOTH("JSONExtractBool", 1, "The value at the path as 0 or 1", "'{\"a\":true}', 'a'", "1"),
    BOTH("JSONExtractString", 1, "The value at the path as text", "'{\"a\":\"x\"}', 'a'", "x"), BOTH("JSONExtractRaw", 1, "The value at the path as JSON", "'{\"a\":[1, 2]}', 'a'", "[1,2]"),
    BOTH("JSONExtractArrayRaw", 1, "The items of the array at the path as JSON", "'[1, \"x\"]'", "['1','\"x\"']"), BOTH("JSONExtractKeys", 1, "The keys of the object at the path", "'{\"a\":1}'", "['a']"),
    BOTH("JSONExtractKeysAndValuesRaw", 1, "Keys and values (as JSON) of the object at the path", "'{\"a\":1}'", "[('a','1')]"),
    BOTH("JSONExtractKeysAndValues", 2, "Keys and values (of the type given last) of the object at the path", "'{\"a\":1}', 'UInt8'", "[('a',1)]"),
    BOTH("JSONExtract", 2, "The value at the path as the type given last", "'{\"a\":[1]}', 'a', 'Array(UInt8)'", "[1]"),
    {.name = "toJSONString", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = func_bind_string, .eval = eval_to_json,
     .about = "The value as JSON.", .example = "toJSONString([1, 2])", .gives = "[1,2]"},
};
const func_family func_family_json = FUNC_FAMILY("JSON", rows_);
