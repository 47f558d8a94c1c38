/* type_container.c - Array, Tuple, Map, Nested: brackets around their elements' texts. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"

static fn_status make_array(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const fn_type *element;
    FN_TRY(type_arg_count(ctx, args, class->name, 1, 1));
    FN_TRY(type_arg_type(ctx, args, class->name, 0, &element));
    *out = *fn_type_array(element);
    return FN_OK;
}

static fn_status make_map(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const fn_type *key, *value;
    FN_TRY(type_arg_count(ctx, args, class->name, 2, 2));
    FN_TRY(type_arg_type(ctx, args, class->name, 0, &key));
    FN_TRY(type_arg_type(ctx, args, class->name, 1, &value));
    if (fn_type_is_nullable(key)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Map cannot have a key of type %s", key->name);
    *out = *fn_type_map(key, value);
    return FN_OK;
}

static fn_status tuple_of(fn_ctx *ctx, const fn_type_args *args, const char *family, const fn_type **out)
{
    const fn_type **types = fn_arena_alloc(ctx, ctx->arena, (args->count + 1) * sizeof *types);
    const char **names = fn_arena_alloc(ctx, ctx->arena, (args->count + 1) * sizeof *names);
    if (!types || !names) return ctx->error.code;
    uint32_t named = 0;
    for (uint32_t i = 0; i < args->count; i++) {
        FN_TRY(type_arg_type(ctx, args, family, i, &types[i]));
        named += args->items[i].name.size != 0;
        names[i] = fn_arena_copy(ctx, ctx->arena, args->items[i].name.data, args->items[i].name.size);
        FN_TRY_PTR(ctx, names[i]);
        for (uint32_t k = 0; k < i && named; k++)
            if (strcmp(names[k], names[i]) == 0) return fn_fail(ctx, FN_DUPLICATE_COLUMN, "Tuple names must be unique. Duplicate name: %s", names[i]);
    }
    if (named && named != args->count) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Names are specified not for all elements of %s type", family);
    if (args->count > UINT16_MAX) return fn_fail(ctx, FN_BAD_ARGUMENTS, "%s has too many elements", family);
    *out = fn_type_tuple(types, named ? names : NULL, args->count);
    return FN_OK;
}

static fn_status make_tuple(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const fn_type *t;
    FN_TRY(tuple_of(ctx, args, class->name, &t));
    *out = *t;
    return FN_OK;
}

/* Nested(a T) is Array(Tuple(a T)); CREATE TABLE turns it into one array column per field. */
static fn_status make_nested(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    const fn_type *t;
    FN_TRY(type_arg_count(ctx, args, class->name, 1, TYPE_ARGS_MAX));
    FN_TRY(tuple_of(ctx, args, class->name, &t));
    *out = *fn_type_array(t);
    return FN_OK;
}

/* ---- output ---- */
static fn_text_style inner_style(fn_text_style style)
{
    return style == FN_TEXT_JSON ? FN_TEXT_JSON : FN_TEXT_QUOTED;
}

typedef fn_status write_fn(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out);

/* CSV puts the whole text of a container into one quoted field. */
static fn_status in_csv(fn_ctx *ctx, const fn_column *c, size_t row, const fn_text_options *o, write_fn *write, fn_buf *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = write(ctx, c, row, FN_TEXT_QUOTED, o, &text);
    if (status == FN_OK) status = text_put_csv(ctx, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

static fn_status write_array(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    if (style == FN_TEXT_CSV) return in_csv(ctx, c, row, o, write_array, out);
    FN_TRY(fn_buf_byte(ctx, out, '['));
    for (uint32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++) {
        if (i > c->offsets[row]) FN_TRY(fn_buf_byte(ctx, out, ','));
        FN_TRY(fn_text_write(ctx, c->kids[0], i, inner_style(style), o, out));
    }
    return fn_buf_byte(ctx, out, ']');
}

static fn_status write_tuple(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    if (style == FN_TEXT_CSV) return in_csv(ctx, c, row, o, write_tuple, out);
    const fn_type *t = c->type;
    const bool json = style == FN_TEXT_JSON, object = json && t->arg_names && o->json_named_tuples_as_objects;
    FN_TRY(fn_buf_byte(ctx, out, object ? '{' : json ? '[' : '('));
    for (uint32_t i = 0; i < t->arg_count; i++) {
        if (i) FN_TRY(fn_buf_byte(ctx, out, ','));
        if (object) {
            FN_TRY(text_put_json(ctx, fn_cstr(t->arg_names[i]), o->json_escape_slashes, out));
            FN_TRY(fn_buf_byte(ctx, out, ':'));
        }
        FN_TRY(fn_text_write(ctx, c->kids[i], row, inner_style(style), o, out));
    }
    return fn_buf_byte(ctx, out, object ? '}' : json ? ']' : ')');
}

/* JSON keys are strings whatever their type. */
static fn_status write_json_key(fn_ctx *ctx, const fn_column *keys, size_t row, const fn_text_options *o, fn_buf *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = fn_text_write(ctx, keys, row, FN_TEXT_PLAIN, o, &text);
    if (status == FN_OK) status = text_put_json(ctx, fn_buf_view(&text), o->json_escape_slashes, out);
    fn_buf_release(&text);
    return status;
}

static fn_status write_map(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    if (style == FN_TEXT_CSV) return in_csv(ctx, c, row, o, write_map, out);
    const fn_column *items = c->kids[0];
    fn_column *flat = NULL;
    if (items->shape != FN_FLAT) {
        flat = fn_column_flatten(ctx, items);
        FN_TRY_PTR(ctx, flat);
        items = flat;
    }
    const bool pairs = style == FN_TEXT_JSON && o->json_map_as_array;
    fn_status status = fn_buf_byte(ctx, out, pairs ? '[' : '{');
    for (uint32_t i = c->offsets[row]; i < c->offsets[row + 1] && status == FN_OK; i++) {
        if (i > c->offsets[row]) status = fn_buf_byte(ctx, out, ',');
        if (status == FN_OK && pairs) {
            status = write_tuple(ctx, items, i, style, o, out);
            continue;
        }
        if (status == FN_OK)
            status = style == FN_TEXT_JSON ? write_json_key(ctx, items->kids[0], i, o, out) : fn_text_write(ctx, items->kids[0], i, FN_TEXT_QUOTED, o, out);
        if (status == FN_OK) status = fn_buf_byte(ctx, out, ':');
        if (status == FN_OK) status = fn_text_write(ctx, items->kids[1], i, inner_style(style), o, out);
    }
    fn_column_drop(flat);
    return status == FN_OK ? fn_buf_byte(ctx, out, pairs ? ']' : '}') : status;
}

/* ---- input ---- */
static bool take(fn_text_in *in, char c)
{
    text_skip_space(in);
    if (in->at >= in->end || *in->at != c) return false;
    in->at++;
    return true;
}

static fn_status expected(fn_ctx *ctx, fn_text_in *in, const char *what, const fn_type *t)
{
    const bool array = t->id == FN_T_ARRAY && in->at < in->end;
    return fn_fail(ctx, array ? FN_CANNOT_READ_ARRAY_FROM_TEXT : FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse %s: expected %s before: '%.*s'", t->name, what,
                   (int)FN_MIN((size_t)(in->end - in->at), (size_t)40), in->at);
}

typedef fn_status read_fn(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out);

/* CSV: the field's text is read first, then parsed. */
static fn_status from_csv(fn_ctx *ctx, fn_text_in *in, const fn_type *type, const fn_text_options *o, read_fn *read, fn_builder *out)
{
    text_token token;
    FN_TRY(text_token_read(ctx, in, FN_TEXT_CSV, o, &token));
    fn_text_in inner = {token.value.data, token.value.data + token.value.size, token.value.data};
    fn_status status = read(ctx, &inner, type, FN_TEXT_QUOTED, o, out);
    if (status == FN_OK && (text_skip_space(&inner), inner.at != inner.end)) status = expected(ctx, &inner, "the end of the field", type);
    if (status != FN_OK) in->at = token.begin;
    text_token_release(&token);
    return status;
}

static fn_status read_array(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    if (style == FN_TEXT_CSV) return from_csv(ctx, in, type, o, read_array, out);
    const uint32_t before = out->kids[0].rows;
    fn_status status = take(in, '[') ? FN_OK : expected(ctx, in, "'['", type);
    for (bool first = true; status == FN_OK && !take(in, ']'); first = false) {
        if (!first && !take(in, ',')) status = expected(ctx, in, "',' or ']'", type);
        text_skip_space(in);
        if (status == FN_OK) status = fn_text_read(ctx, in, type->args[0], inner_style(style), o, &out->kids[0]);
    }
    if (status == FN_OK) return fn_builder_close_array(ctx, out);
    fn_builder_truncate(&out->kids[0], before);
    return status;
}

/* {"name": value, ...} for named tuples; absent fields take defaults. */
static fn_status read_tuple_object(fn_ctx *ctx, fn_text_in *in, const fn_type *type, const fn_text_options *o, fn_builder *out)
{
    const uint32_t before = out->rows;
    for (bool first = true; !take(in, '}'); first = false) {
        text_token key;
        if (!first && !take(in, ',')) return expected(ctx, in, "',' or '}'", type);
        FN_TRY(text_token_read(ctx, in, FN_TEXT_JSON, o, &key));
        const int field = fn_type_tuple_field(type, key.value);
        text_token_release(&key);
        if (!take(in, ':')) return expected(ctx, in, "':'", type);
        if (field < 0 || out->kids[field].rows > before) return expected(ctx, in, "a field of the tuple", type);
        text_skip_space(in);
        FN_TRY(fn_text_read(ctx, in, type->args[field], FN_TEXT_JSON, o, &out->kids[field]));
    }
    for (uint32_t i = 0; i < type->arg_count; i++)
        if (out->kids[i].rows == before) FN_TRY(fn_builder_default(ctx, &out->kids[i]));
    return FN_OK;
}

static fn_status read_tuple_list(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    const char close = style == FN_TEXT_JSON ? ']' : ')';
    for (uint32_t i = 0; i < type->arg_count; i++) {
        if (i && !take(in, ',')) return expected(ctx, in, "','", type);
        text_skip_space(in);
        FN_TRY(fn_text_read(ctx, in, type->args[i], inner_style(style), o, &out->kids[i]));
    }
    if (type->arg_count == 1) (void)take(in, ',');
    return take(in, close) ? FN_OK : expected(ctx, in, "the end of the tuple", type);
}

static fn_status read_tuple(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    if (style == FN_TEXT_CSV) return from_csv(ctx, in, type, o, read_tuple, out);
    const uint32_t before = out->rows;
    fn_status status;
    if (style == FN_TEXT_JSON && type->arg_names && take(in, '{')) status = read_tuple_object(ctx, in, type, o, out);
    else if (take(in, style == FN_TEXT_JSON ? '[' : '(')) status = read_tuple_list(ctx, in, type, style, o, out);
    else status = expected(ctx, in, "the begin of a tuple", type);
    if (status == FN_OK) return fn_builder_close_tuple(ctx, out);
    for (uint32_t i = 0; i < type->arg_count; i++) fn_builder_truncate(&out->kids[i], before);
    return status;
}

/* A JSON key of a map with keys that are not strings is the quoted text of the key. */
static fn_status read_json_key(fn_ctx *ctx, fn_text_in *in, const fn_type *type, const fn_text_options *o, fn_builder *out)
{
    text_token key;
    FN_TRY(text_token_read(ctx, in, FN_TEXT_JSON, o, &key));
    fn_text_in inner = {key.value.data, key.value.data + key.value.size, key.value.data};
    const fn_status status = fn_text_read(ctx, &inner, type, FN_TEXT_PLAIN, o, out);
    text_token_release(&key);
    return status;
}

static fn_status read_map(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    if (style == FN_TEXT_CSV) return from_csv(ctx, in, type, o, read_map, out);
    fn_builder *items = &out->kids[0];
    const uint32_t before = items->rows;
    fn_status status = take(in, '{') ? FN_OK : expected(ctx, in, "'{'", type);
    for (bool first = true; status == FN_OK && !take(in, '}'); first = false) {
        if (!first && !take(in, ',')) status = expected(ctx, in, "',' or '}'", type);
        text_skip_space(in);
        if (status == FN_OK)
            status = style == FN_TEXT_JSON ? read_json_key(ctx, in, type->args[0], o, &items->kids[0])
                                           : fn_text_read(ctx, in, type->args[0], FN_TEXT_QUOTED, o, &items->kids[0]);
        if (status == FN_OK && !take(in, ':')) status = expected(ctx, in, "':'", type);
        text_skip_space(in);
        if (status == FN_OK) status = fn_text_read(ctx, in, type->args[1], inner_style(style), o, &items->kids[1]);
        if (status == FN_OK) status = fn_builder_close_tuple(ctx, items);
    }
    if (status == FN_OK) return fn_builder_close_array(ctx, out);
    for (int k = 0; k < 2; k++) fn_builder_truncate(&items->kids[k], FN_MIN(items->kids[k].rows, before));
    fn_builder_truncate(items, before);
    return status;
}

const fn_type_class type_array = {.name = "Array", .make = make_array, .write = write_array, .read = read_array, .about = "A list of values of one type."};
const fn_type_class type_tuple = {.name = "Tuple", .make = make_tuple, .write = write_tuple, .read = read_tuple, .about = "A fixed list of values of several types, with or without names."};
const fn_type_class type_map = {.name = "Map", .make = make_map, .write = write_map, .read = read_map, .about = "Pairs of key and value."};
const fn_type_class type_nested = {.name = "Nested", .make = make_nested, .write = write_array, .read = read_array, .about = "Several arrays of equal length, as columns of a table inside a table."};
