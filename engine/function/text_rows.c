/* text_rows.c - loops that families over strings share. SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include "kernel/kernel.h"

static fn_status close_row(fn_ctx *ctx, fn_builder *b)
{
    if (b->values.size > UINT32_MAX) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "A column of strings may not hold more than 4 GiB");
    fn_store_u32(b->offsets.data + b->offsets.size, (uint32_t)b->values.size);
    b->offsets.size += sizeof(uint32_t);
    b->rows++;
    return FN_OK;
}

fn_status text_rows(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, text_row_fn *row, fn_column **out)
{
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, call->type));
    fn_status status = fn_builder_reserve(ctx, &b, rows); /* the offsets' room for all rows */
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        status = row(ctx, call, args, i, &b.values);
        if (status == FN_OK) status = close_row(ctx, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

fn_status fixed_rows(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fixed_row_fn *row, fn_column **out)
{
    uint8_t *values;
    fn_column *c = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, c);
    for (size_t i = 0; i < rows; i++) {
        const fn_status status = row(ctx, call, args, i, values + i * call->type->width);
        if (status == FN_OK) continue;
        fn_column_drop(c);
        return status;
    }
    *out = c;
    return FN_OK;
}

fn_status value_rows(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, value_row_fn *row, fn_column **out)
{
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, call->type));
    fn_status status = fn_builder_reserve(ctx, &b, rows);
    for (size_t i = 0; i < rows && status == FN_OK; i++) status = row(ctx, call, args, i, &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

static bool kind_fits(const fn_type *t, char kind)
{
    switch (kind) {
    case 's': return fn_type_is_string(t);
    case 'i': return fn_type_is_integer(t);
    case 'n': return fn_type_is_integer(t) || fn_type_is_float(t);
    case 'c': return fn_type_is_string(t);
    case 'a': return t->id == FN_T_ARRAY && (fn_type_is_string(t->args[0]) || t->args[0]->id == FN_T_NOTHING);
    default: return true;
    }
}

/* Functions that ClickHouse does not give to FixedString. */
static const char *const no_fixed[] = {"repeat", "extractURLParameter", "extractURLParameters", "extractURLParameterNames", "cutURLParameter", "port", "URLHierarchy", "URLPathHierarchy",
    "appendTrailingCharIfAbsent", "overlay", "overlayUTF8", "simpleJSONExtractString", "simpleJSONExtractRaw", "simpleJSONExtractInt", "simpleJSONExtractUInt", "simpleJSONExtractFloat",
    "simpleJSONExtractBool", "simpleJSONHas", "isIPv4String", "isIPv6String", "splitByChar", "splitByString", "splitByRegexp", "splitByWhitespace", "splitByNonAlpha", "alphaTokens",
    "substringIndex", "substringIndexUTF8", "multiSearchAny", "hasSubsequence", "extractAll", "substringUTF8", "leftUTF8", "rightUTF8", "levenshteinDistance", "startsWithUTF8", "endsWithUTF8",
    "convertCharset", "encodeXMLComponent", "IPv4StringToNum", "regexpExtract", "stringJaccardIndex"};
static const char *const no_fixed_column[] = {"countSubstrings", "hasToken", "reverseUTF8", "soundex", "toValidUTF8", "domain", "domainWithoutWWW", "path", "pathFull", "protocol", "cutQueryString",
    "cutFragment", "cutQueryStringAndFragment", "cutWWW", "netloc", "topLevelDomain", "queryString", "fragment", "encodeURLComponent", "decodeURLComponent"};

static bool is_named(const func_call *call, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], call->def->name) == 0) return true;
    return false;
}

static fn_status fixed_fits(fn_ctx *ctx, const func_call *call, const fn_type *t)
{
    if (t->id != FN_T_FIXED_STRING) return FN_OK;
    if (is_named(call, no_fixed, FN_COUNT(no_fixed))) return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument of function %s", t->name, call->def->name);
    if (is_named(call, no_fixed_column, FN_COUNT(no_fixed_column))) return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Column of type FixedString is not supported by function %s", call->def->name);
    return FN_OK;
}

fn_status text_need(fn_ctx *ctx, const func_call *call, const char *kinds)
{
    for (uint32_t i = 0; i < call->arg_count; i++) {
        if (!kind_fits(call->arg_types[i], *kinds))
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument %u of function %s", call->arg_types[i]->name, i + 1, call->def->name);
        FN_TRY(fixed_fits(ctx, call, call->arg_types[i]));
        if (*kinds == 'c' && !call->consts[i])
            return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Argument %u of function %s must be a constant string", i + 1, call->def->name);
        if (kinds[1]) kinds++;
    }
    return FN_OK;
}

fn_status text_bind_strings(fn_ctx *ctx, func_call *call)
{
    (void)ctx;
    call->type = fn_type_array(fn_type_simple(FN_T_STRING));
    return FN_OK;
}

ptrdiff_t text_find(fn_str s, size_t from, fn_str what)
{
    if (from > s.size) return -1;
    if (what.size == 0) return (ptrdiff_t)from;
    if (s.size - from < what.size) return -1;
    const size_t at = kern.find(s.data + from, s.size - from, what.data, what.size);
    return at == s.size - from ? -1 : (ptrdiff_t)(from + at);
}
