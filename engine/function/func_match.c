/* func_match.c - does a regular expression match, where, how often: match, multiMatch*, countMatches, regexpPosition.
 * A constant pattern is compiled once at bind; others when they change from row to row. A pattern that is plain text is searched
 * for as such.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/regex.h"
#include "kernel/kernel.h"

typedef struct match_kind {
    bool negate;
    unsigned flags;
    const regex *constant;
} match_kind;

/* Pattern of the row at hand. */
typedef struct per_row {
    const match_kind *kind;
    regex_run *run;
    regex *own;
    fn_str text; /* own's pattern */
} per_row;

static fn_status pattern_of(fn_ctx *ctx, per_row *p, const fn_column *patterns, size_t row, const regex **out)
{
    if (p->kind->constant) {
        *out = p->kind->constant;
        return FN_OK;
    }
    const fn_str text = text_at(patterns, row);
    if (!p->own || !fn_str_eq(text, p->text)) {
        regex_free(p->own);
        p->own = NULL;
        FN_TRY(regex_new(ctx, text, p->kind->flags, FN_CANNOT_COMPILE_REGEXP, &p->own));
        p->text = text;
    }
    *out = p->own;
    return FN_OK;
}

static fn_status bind_kind(fn_ctx *ctx, func_call *call)
{
    match_kind *k = FN_NEW(ctx, match_kind);
    FN_TRY_PTR(ctx, k);
    FN_TRY(text_need(ctx, call, "s"));
    k->negate = strncmp(call->def->name, "not", 3) == 0;
    k->flags = strstr(call->def->name, "CaseInsensitive") ? REGEX_CASELESS : 0;
    call->data = k;
    if (!call->consts[1]) return FN_OK;
    fn_str text;
    FN_TRY(func_const_str(ctx, call, 1, &text));
    return regex_bind(ctx, text, k->flags, FN_CANNOT_COMPILE_REGEXP, &k->constant);
}

/* ---- match ---- */
static fn_status bind_match(fn_ctx *ctx, func_call *call)
{
    FN_TRY(bind_kind(ctx, call));
    return func_bind_u8(ctx, call);
}

static fn_status match_rows(fn_ctx *ctx, const match_kind *k, fn_column *const *args, uint32_t rows, uint8_t *values)
{
    per_row p = {.kind = k};
    fn_status status = regex_run_open(ctx, &p.run);
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const regex *re;
        bool found = false;
        status = pattern_of(ctx, &p, args[1], i, &re);
        if (status == FN_OK) status = regex_match(ctx, p.run, re, text_at(args[0], i), 0, &found, NULL, 0);
        values[i] = found != k->negate;
    }
    regex_free(p.own);
    regex_run_close(p.run);
    return status;
}

static fn_status eval_match(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const match_kind *k = call->data;
    uint8_t *values;
    fn_str text;
    fn_status status = FN_OK;
    fn_column *c = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, c);
    if (k->constant && regex_literal(k->constant, &text))
        for (size_t i = 0; i < rows; i++) values[i] = (text_find(text_at(args[0], i), 0, text) >= 0) != k->negate;
    else
        status = match_rows(ctx, k, args, rows, values);
    if (status != FN_OK) fn_column_drop(c);
    else *out = c;
    return status;
}

/* ---- countMatches, regexpPosition ---- */
static fn_status bind_number(fn_ctx *ctx, func_call *call)
{
    FN_TRY(bind_kind(ctx, call));
    return func_bind_u64(ctx, call);
}

static fn_status count_matches(fn_ctx *ctx, regex_run *run, const regex *re, fn_str s, uint64_t *count)
{
    *count = 0;
    for (size_t at = 0; at < s.size;) {
        bool found;
        regex_span span;
        FN_TRY(regex_match(ctx, run, re, s, at, &found, &span, 1));
        if (!found) break;
        *count += span.to > span.from;
        at = span.to > span.from ? span.to : span.to + 1;
    }
    return FN_OK;
}

static fn_status first_position(fn_ctx *ctx, regex_run *run, const regex *re, fn_str s, uint64_t *position)
{
    bool found;
    regex_span span;
    FN_TRY(regex_match(ctx, run, re, s, 0, &found, &span, 1));
    *position = found ? span.from + 1 : 0;
    return FN_OK;
}

typedef fn_status number_fn(fn_ctx *ctx, regex_run *run, const regex *re, fn_str s, uint64_t *value);
static fn_status numbers(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, number_fn *number, fn_column **out)
{
    per_row p = {.kind = call->data};
    uint8_t *values;
    FN_TRY(regex_run_open(ctx, &p.run));
    fn_column *c = func_new_fixed(ctx, call->type, rows, &values);
    fn_status status = c ? FN_OK : ctx->error.code;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const regex *re;
        uint64_t n = 0;
        status = pattern_of(ctx, &p, args[1], i, &re);
        if (status == FN_OK) status = number(ctx, p.run, re, text_at(args[0], i), &n);
        fn_store_u64(values + i * 8, n);
    }
    regex_free(p.own);
    regex_run_close(p.run);
    if (status != FN_OK) fn_column_drop(c);
    else *out = c;
    return status;
}
static fn_status eval_count(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return numbers(ctx, call, args, rows, count_matches, out);
}
static fn_status eval_position(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return numbers(ctx, call, args, rows, first_position, out);
}

/* ---- multiMatch*: an array of patterns ---- */
typedef enum multi_way { MULTI_ANY, MULTI_INDEX, MULTI_ALL } multi_way;
typedef struct multi {
    multi_way way;
    const regex **patterns;
    uint32_t count;
} multi;

static fn_status bind_multi(fn_ctx *ctx, func_call *call)
{
    fn_column *list;
    uint32_t first;
    multi *m = FN_NEW(ctx, multi);
    FN_TRY_PTR(ctx, m);
    FN_TRY(text_need(ctx, call, "sa"));
    FN_TRY(func_need_const(ctx, call, 1, &list));
    const fn_column *items = fn_column_items_at(list, 0, &first, &m->count);
    m->patterns = FN_NEW_ARRAY(ctx, const regex *, m->count + 1);
    FN_TRY_PTR(ctx, m->patterns);
    for (uint32_t i = 0; i < m->count; i++) FN_TRY(regex_bind(ctx, fn_column_str_at(items, first + i), 0, FN_BAD_ARGUMENTS, &m->patterns[i]));
    const char *name = call->def->name;
    m->way = fn_str_ends(fn_cstr(name), FN_STR("AnyIndex")) ? MULTI_INDEX : fn_str_ends(fn_cstr(name), FN_STR("AllIndices")) ? MULTI_ALL : MULTI_ANY;
    call->data = m;
    call->type = fn_type_simple(m->way == MULTI_ANY ? FN_T_UINT8 : FN_T_UINT64);
    if (m->way == MULTI_ALL) call->type = fn_type_array(call->type);
    return FN_OK;
}

static fn_status multi_row(fn_ctx *ctx, regex_run *run, const multi *m, fn_str s, fn_builder *b)
{
    uint64_t hit = 0;
    for (uint64_t i = 0; i < m->count && !(hit && m->way != MULTI_ALL); i++) {
        bool found;
        FN_TRY(regex_match(ctx, run, m->patterns[i], s, 0, &found, NULL, 0));
        if (!found) continue;
        hit = m->way == MULTI_ANY ? 1 : i + 1;
        if (m->way == MULTI_ALL) FN_TRY(fn_builder_fixed(ctx, &b->kids[0], &hit));
    }
    return m->way == MULTI_ALL ? fn_builder_close_array(ctx, b) : fn_builder_fixed(ctx, b, &hit); /* little endian: UInt8 is the first byte */
}

static fn_status eval_multi(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    regex_run *run;
    fn_builder b;
    FN_TRY(regex_run_open(ctx, &run));
    fn_status status = fn_builder_init(ctx, &b, call->type);
    for (size_t i = 0; i < rows && status == FN_OK; i++) status = multi_row(ctx, run, call->data, text_at(args[0], i), &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    regex_run_close(run);
    return status;
}

#define ROW(fn, names, more, b, e, what, ex, res)                                                                                        \
    {.name = fn, .aliases = names, .args_min = 2, .args_max = 2, .flags = more, .bind = b, .eval = e, .about = what, .example = ex, .gives = res}
static const char *const match_names[] = {"REGEXP_MATCHES", NULL};
static const char *const position_names[] = {"regexpInstr", "regexp_instr", NULL};
static const func_def rows_[] = {
    ROW("match", match_names, 0, bind_match, eval_match, "1 if the regular expression matches anywhere in the string.", "match('abc', 'b+')", "1"),
    ROW("notMatch", NULL, 0, bind_match, eval_match, "The opposite of match.", "notMatch('abc', 'b+')", "0"),
    ROW("matchCaseInsensitive", NULL, 0, bind_match, eval_match, "match ignoring case.", "matchCaseInsensitive('ABC', 'b+')", "1"),
    ROW("notMatchCaseInsensitive", NULL, 0, bind_match, eval_match, "The opposite of matchCaseInsensitive.", "notMatchCaseInsensitive('ABC', 'b+')", "0"),
    ROW("countMatches", NULL, 0, bind_number, eval_count, "How often the regular expression matches, without overlap and empty matches.", "countMatches('a.b.c', '[a-c]')", "3"),
    ROW("countMatchesCaseInsensitive", NULL, 0, bind_number, eval_count, "countMatches ignoring case.", "countMatchesCaseInsensitive('AbA', 'a')", "2"),
    ROW("regexpPosition", position_names, FUNC_CASE_INSENSITIVE, bind_number, eval_position, "Byte from 1 where the first match begins; 0 if there is none.", "regexpPosition('hello', 'l+')", "3"),
    ROW("multiMatchAny", NULL, 0, bind_multi, eval_multi, "1 if one of the regular expressions matches.", "multiMatchAny('abc', ['z', 'b.'])", "1"),
    ROW("multiMatchAnyIndex", NULL, 0, bind_multi, eval_multi, "Number of a regular expression that matches, 0 if none does.", "multiMatchAnyIndex('abc', ['z', 'b.'])", "2"),
    ROW("multiMatchAllIndices", NULL, 0, bind_multi, eval_multi, "Numbers of all regular expressions that match.", "multiMatchAllIndices('abc', ['a', 'z', 'b.'])", "[1,3]"),
};
const func_family func_family_match = FUNC_FAMILY("string search", rows_);
