/* func_concat.c - concat, concatWithSeparator, format.
 * Arguments of other types are converted to text as whole columns first; then each row is put together piece by piece. A call is
 * bound to a list of pieces: constant text or an argument.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"

typedef struct piece {
    fn_str text;
    int32_t arg; /* >= 0: the text of that argument, -1: `text` */
} piece;

typedef struct plan {
    piece *pieces;
    uint32_t count;
    func_call *inner; /* concat of arrays, maps, tuples: the function that does it; else NULL */
} plan;

static fn_status new_plan(fn_ctx *ctx, func_call *call, uint32_t pieces, plan **out)
{
    plan *p = FN_NEW(ctx, plan);
    FN_TRY_PTR(ctx, p);
    p->pieces = FN_NEW_ARRAY(ctx, piece, pieces + 1);
    FN_TRY_PTR(ctx, p->pieces);
    call->data = p;
    *out = p;
    return FN_OK;
}

/* Argument columns as String (FixedString stays as it is): texts[i], one reference each. */
static fn_status as_texts(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t first, fn_column **texts)
{
    for (uint32_t i = first; i < call->arg_count; i++) {
        if (fn_type_is_string(args[i]->type)) texts[i] = fn_column_ref(args[i]);
        else FN_TRY(expr_convert(ctx, args[i], fn_type_simple(FN_T_STRING), CONVERT_CAST, &texts[i]));
    }
    return FN_OK;
}

static fn_status join_row(fn_ctx *ctx, const plan *p, fn_column *const *texts, size_t row, fn_builder *b)
{
    for (uint32_t k = 0; k < p->count; k++) {
        const piece *at = &p->pieces[k];
        FN_TRY(fn_buf_str(ctx, &b->values, at->arg < 0 ? at->text : text_at(texts[at->arg], row)));
    }
    if (b->values.size > UINT32_MAX) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "A column of strings may not hold more than 4 GiB");
    const uint32_t end = (uint32_t)b->values.size;
    FN_TRY(fn_buf_append(ctx, &b->offsets, &end, sizeof end));
    b->rows++;
    return FN_OK;
}

static fn_status eval_pieces(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const plan *p = call->data;
    if (p->inner) return p->inner->def->eval(ctx, p->inner, args, rows, out);
    fn_column **texts = fn_alloc_zero(ctx, (call->arg_count + 1) * sizeof *texts);
    FN_TRY_PTR(ctx, texts);
    fn_builder b;
    fn_status status = fn_builder_init(ctx, &b, call->type);
    if (status == FN_OK) status = fn_builder_reserve(ctx, &b, rows);
    if (status == FN_OK) status = as_texts(ctx, call, args, 0, texts);
    for (size_t i = 0; i < rows && status == FN_OK; i++) status = join_row(ctx, p, texts, i, &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    for (uint32_t i = 0; i < call->arg_count; i++) fn_column_drop(texts[i]);
    fn_free(texts);
    return status;
}

/* ---- concat ---- */

/* The function that joins containers of the kind all arguments have, or NULL. */
static const char *container_join(const func_call *call)
{
    if (call->arg_count == 0) return NULL;
    const fn_type_id id = call->arg_types[0]->id;
    for (uint32_t i = 1; i < call->arg_count; i++)
        if (call->arg_types[i]->id != id) return NULL;
    return id == FN_T_ARRAY ? "arrayConcat" : id == FN_T_MAP ? "mapConcat" : id == FN_T_TUPLE ? "tupleConcat" : NULL;
}

static fn_status bind_concat(fn_ctx *ctx, func_call *call)
{
    plan *p = NULL;
    FN_TRY(new_plan(ctx, call, call->arg_count, &p));
    const char *other = container_join(call);
    if (other) {
        p->inner = FN_NEW(ctx, func_call);
        FN_TRY_PTR(ctx, p->inner);
        *p->inner = *call;
        p->inner->def = func_find(fn_cstr(other));
        if (!p->inner->def) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s is not supported", other);
        FN_TRY(p->inner->def->bind(ctx, p->inner));
        call->type = p->inner->type;
        return FN_OK;
    }
    for (uint32_t i = 0; i < call->arg_count; i++) {
        FN_TRY(expr_convertible(ctx, call->arg_types[i], fn_type_simple(FN_T_STRING)));
        p->pieces[p->count++].arg = (int32_t)i;
    }
    return func_bind_string(ctx, call);
}

static fn_status bind_separated(fn_ctx *ctx, func_call *call)
{
    plan *p = NULL;
    fn_str separator;
    if (!fn_type_is_string(call->arg_types[0]))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of first argument of function %s", call->arg_types[0]->name, call->def->name);
    FN_TRY(func_const_str(ctx, call, 0, &separator));
    FN_TRY(new_plan(ctx, call, call->arg_count * 2, &p));
    for (uint32_t i = 1; i < call->arg_count; i++) {
        FN_TRY(expr_convertible(ctx, call->arg_types[i], fn_type_simple(FN_T_STRING)));
        if (i > 1) p->pieces[p->count++] = (piece){.text = separator, .arg = -1};
        p->pieces[p->count++].arg = (int32_t)i;
    }
    return func_bind_string(ctx, call);
}

/* ---- format ---- */

/* Reads "{}" or "{n}" at pattern[*at] = '{'; gives the argument's index. next counts automatic fields, -1: numbered ones. */
static fn_status placeholder(fn_ctx *ctx, fn_str pattern, size_t *at, uint32_t args, int64_t *next, int32_t *arg)
{
    size_t i = *at + 1;
    uint64_t n = 0;
    const size_t digits = i;
    for (; i < pattern.size && pattern.data[i] != '}'; i++) {
        if (!text_is_digit((uint8_t)pattern.data[i])) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Not a number in curly braces at position %zu", i);
        n = FN_MIN(n * 10 + (uint64_t)(pattern.data[i] - '0'), UINT32_MAX);
    }
    if (i == pattern.size) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Last open curly brace is not closed");
    *at = i + 1;
    if (i == digits) {
        if (*next < 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot switch from manual field specification to automatic field numbering");
        if (*next >= args) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Not enough arguments to fill the placeholders in the format string");
        *arg = (int32_t)(*next)++ + 1;
        return FN_OK;
    }
    if (*next > 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot switch from automatic field numbering to manual field specification");
    if (n >= args) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Too big number for arguments, must be at most %u", args - 1);
    *next = -1;
    *arg = (int32_t)n + 1;
    return FN_OK;
}

static fn_status bind_format(fn_ctx *ctx, func_call *call)
{
    fn_str pattern;
    plan *p = NULL;
    if (!fn_type_is_string(call->arg_types[0]))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument 1 of function format, expected String", call->arg_types[0]->name);
    FN_TRY(func_const_str(ctx, call, 0, &pattern));
    for (uint32_t i = 1; i < call->arg_count; i++) FN_TRY(expr_convertible(ctx, call->arg_types[i], fn_type_simple(FN_T_STRING)));
    FN_TRY(new_plan(ctx, call, (uint32_t)FN_MIN(pattern.size + 1, UINT32_MAX / 2), &p));
    int64_t next = 0;
    size_t text = 0, i = 0; /* text: where the constant run began */
    while (i < pattern.size) {
        const char c = pattern.data[i];
        if (c != '{' && c != '}') {
            i++;
            continue;
        }
        const bool twice = i + 1 < pattern.size && pattern.data[i + 1] == c;
        if (i + twice > text) p->pieces[p->count++] = (piece){.text = {pattern.data + text, i + twice - text}, .arg = -1};
        if (twice) {
            i += 2;
        } else if (c == '}') {
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Closed curly brace without open one at position %zu", i);
        } else {
            int32_t arg = 0;
            FN_TRY(placeholder(ctx, pattern, &i, call->arg_count - 1, &next, &arg));
            p->pieces[p->count++] = (piece){.arg = arg};
        }
        text = i;
    }
    if (i > text) p->pieces[p->count++] = (piece){.text = {pattern.data + text, i - text}, .arg = -1};
    return func_bind_string(ctx, call);
}

static const char *const separated_names[] = {"concat_ws", NULL};
static const func_def rows_[] = {
    {.name = "concat", .args_min = 0, .args_max = -1, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_concat, .eval = eval_pieces,
     .about = "The arguments' texts joined; arrays, maps or tuples are joined as such.", .example = "concat('a', 1)", .gives = "a1"},
    {.name = "concatAssumeInjective", .args_min = 0, .args_max = -1, .bind = bind_concat, .eval = eval_pieces,
     .about = "concat with the promise that different arguments give different results.", .example = "concatAssumeInjective('a', 'b')", .gives = "ab"},
    {.name = "concatWithSeparator", .aliases = separated_names, .args_min = 1, .args_max = -1, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_separated,
     .eval = eval_pieces, .about = "The arguments' texts joined with the first one between them.", .example = "concatWithSeparator(',', 'a', 'b')", .gives = "a,b"},
    {.name = "concatWithSeparatorAssumeInjective", .args_min = 1, .args_max = -1, .bind = bind_separated, .eval = eval_pieces,
     .about = "concatWithSeparator with the promise that different arguments give different results.",
     .example = "concatWithSeparatorAssumeInjective('#', 'a', 'b')", .gives = "a#b"},
    {.name = "format", .args_min = 2, .args_max = -1, .bind = bind_format, .eval = eval_pieces,
     .about = "The pattern with {} or {0}, {1}, ... replaced by the arguments' texts.", .example = "format('{1}-{0}', 'a', 'b')", .gives = "b-a"},
};
const func_family func_family_concat = FUNC_FAMILY("string", rows_);
