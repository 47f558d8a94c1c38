/* func_extract.c - parts of strings by regular expressions: extract, extractAll, extractGroups, extractAllGroups*, regexpExtract,
 * splitByRegexp, regexpQuoteMeta. The pattern is a constant.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/regex.h"
#include "function/utf8.h"

typedef struct extraction {
    const regex *re;
    unsigned groups; /* spans asked for, at least 1 */
    int64_t limit;   /* splitByRegexp: pieces at most, 0: all */
    unsigned index;  /* regexpExtract: group, unless it is a column */
    bool by_char;    /* splitByRegexp with an empty pattern */
} extraction;

static fn_status bind_at(fn_ctx *ctx, func_call *call, uint32_t pattern, bool need_groups)
{
    fn_str text;
    extraction *e = FN_NEW(ctx, extraction);
    FN_TRY_PTR(ctx, e);
    FN_TRY(func_const_str(ctx, call, pattern, &text));
    FN_TRY(regex_bind(ctx, text, 0, FN_CANNOT_COMPILE_REGEXP, &e->re));
    if (need_groups && regex_groups(e->re) == 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "There are no groups in regexp: " FN_STR_FMT, FN_STR_ARG(text));
    if (regex_groups(e->re) >= REGEX_GROUPS_MAX) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Too many groups in regexp: %u, at most %d", regex_groups(e->re), REGEX_GROUPS_MAX - 1);
    e->groups = regex_groups(e->re) + 1;
    e->by_char = text.size == 0;
    call->data = e;
    return FN_OK;
}

static fn_str part_of(fn_str s, const regex_span *span)
{
    return span->from == REGEX_NONE ? (fn_str){s.data, 0} : (fn_str){s.data + span->from, span->to - span->from};
}

/* Runs `row` for every row with one match state. */
typedef fn_status extract_row(fn_ctx *ctx, const extraction *e, regex_run *run, fn_column *const *args, size_t row, fn_builder *to);
static fn_status run_rows(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, extract_row *row, fn_column **out)
{
    regex_run *run;
    fn_builder b;
    FN_TRY(regex_run_open(ctx, &run));
    fn_status status = fn_builder_init(ctx, &b, call->type);
    for (size_t i = 0; i < rows && status == FN_OK; i++) status = row(ctx, call->data, run, args, i, &b);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    regex_run_close(run);
    return status;
}
#define EXTRACT_EVAL(name, row)                                                                                                          \
    static fn_status name(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)                    \
    {                                                                                                                                    \
        return run_rows(ctx, call, args, rows, row, out);                                                                                \
    }

/* ---- extract, extractAll ---- */
static fn_status bind_extract(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "sc"));
    if (call->arg_types[0]->id == FN_T_FIXED_STRING) return func_illegal(ctx, call);
    FN_TRY(bind_at(ctx, call, 1, false));
    return func_bind_string(ctx, call);
}
static fn_status extract_one(fn_ctx *ctx, const extraction *e, regex_run *run, fn_column *const *args, size_t row, fn_builder *to)
{
    const fn_str s = text_at(args[0], row);
    regex_span spans[2];
    bool found;
    const unsigned n = FN_MIN(e->groups, 2u);
    FN_TRY(regex_match(ctx, run, e->re, s, 0, &found, spans, n));
    return fn_builder_str(ctx, to, found ? part_of(s, &spans[n - 1]) : (fn_str){s.data, 0});
}
EXTRACT_EVAL(eval_extract, extract_one)

static fn_status bind_extract_all(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "sc"));
    FN_TRY(bind_at(ctx, call, 1, false));
    return text_bind_strings(ctx, call);
}
static fn_status extract_all(fn_ctx *ctx, const extraction *e, regex_run *run, fn_column *const *args, size_t row, fn_builder *to)
{
    const fn_str s = text_at(args[0], row);
    const unsigned n = FN_MIN(e->groups, 2u);
    for (size_t at = 0; at < s.size;) {
        regex_span spans[2];
        bool found;
        FN_TRY(regex_match(ctx, run, e->re, s, at, &found, spans, n));
        if (!found || spans[0].to == spans[0].from) break;
        FN_TRY(fn_builder_str(ctx, &to->kids[0], part_of(s, &spans[n - 1])));
        at = spans[0].to;
    }
    return fn_builder_close_array(ctx, to);
}
EXTRACT_EVAL(eval_extract_all, extract_all)

/* ---- groups ---- */
static fn_status bind_groups(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "sc"));
    FN_TRY(bind_at(ctx, call, 1, true));
    FN_TRY(text_bind_strings(ctx, call));
    if (strcmp(call->def->name, "extractGroups") != 0) call->type = fn_type_array(call->type);
    return FN_OK;
}
static fn_status extract_groups(fn_ctx *ctx, const extraction *e, regex_run *run, fn_column *const *args, size_t row, fn_builder *to)
{
    const fn_str s = text_at(args[0], row);
    regex_span spans[REGEX_GROUPS_MAX];
    bool found;
    FN_TRY(regex_match(ctx, run, e->re, s, 0, &found, spans, e->groups));
    for (unsigned g = 1; found && g < e->groups; g++) FN_TRY(fn_builder_str(ctx, &to->kids[0], part_of(s, &spans[g])));
    return fn_builder_close_array(ctx, to);
}
EXTRACT_EVAL(eval_groups, extract_groups)

/* The next match at or behind *at; steps over empty ones. */
static fn_status next_groups(fn_ctx *ctx, const extraction *e, regex_run *run, fn_str s, size_t *at, bool *found, regex_span *spans)
{
    *found = false;
    if (*at >= s.size) return FN_OK;
    FN_TRY(regex_match(ctx, run, e->re, s, *at, found, spans, e->groups));
    if (*found) *at = spans[0].to > spans[0].from ? spans[0].to : spans[0].to < s.size ? utf8_next(s, spans[0].to) : s.size;
    return FN_OK;
}
static fn_status groups_vertical(fn_ctx *ctx, const extraction *e, regex_run *run, fn_column *const *args, size_t row, fn_builder *to)
{
    const fn_str s = text_at(args[0], row);
    fn_builder *list = &to->kids[0];
    regex_span spans[REGEX_GROUPS_MAX];
    for (size_t at = 0;;) {
        bool found;
        FN_TRY(next_groups(ctx, e, run, s, &at, &found, spans));
        if (!found) return fn_builder_close_array(ctx, to);
        for (unsigned g = 1; g < e->groups; g++) FN_TRY(fn_builder_str(ctx, &list->kids[0], part_of(s, &spans[g])));
        FN_TRY(fn_builder_close_array(ctx, list));
    }
}
static fn_status groups_horizontal(fn_ctx *ctx, const extraction *e, regex_run *run, fn_column *const *args, size_t row, fn_builder *to)
{
    const fn_str s = text_at(args[0], row);
    fn_builder *list = &to->kids[0];
    regex_span spans[REGEX_GROUPS_MAX];
    for (unsigned g = 1; g < e->groups; g++) { /* one pass per group: groups are few, and nothing has to be kept */
        for (size_t at = 0;;) {
            bool found;
            FN_TRY(next_groups(ctx, e, run, s, &at, &found, spans));
            if (!found) break;
            FN_TRY(fn_builder_str(ctx, &list->kids[0], part_of(s, &spans[g])));
        }
        FN_TRY(fn_builder_close_array(ctx, list));
    }
    return fn_builder_close_array(ctx, to);
}
EXTRACT_EVAL(eval_vertical, groups_vertical)
EXTRACT_EVAL(eval_horizontal, groups_horizontal)

/* ---- regexpExtract ---- */
static fn_status bind_index(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "sci"));
    FN_TRY(bind_at(ctx, call, 1, false));
    return func_bind_string(ctx, call);
}
static fn_status extract_index(fn_ctx *ctx, const extraction *e, regex_run *run, fn_column *const *args, size_t row, fn_builder *to)
{
    const fn_str s = text_at(args[0], row), pattern = text_at(args[1], 0);
    const int64_t index = args[2] ? fn_column_i64_at(args[2], row) : FN_MIN(e->groups - 1, 1u);
    regex_span spans[REGEX_GROUPS_MAX];
    bool found;
    if (index < 0 || index >= e->groups)
        return fn_fail(ctx, FN_INDEX_OF_POSITIONAL_ARGUMENT_IS_OUT_OF_RANGE,
                       "Index value %lld for regexp pattern `" FN_STR_FMT "` in function regexpExtract is out-of-range, should be in [0, %u)", (long long)index,
                       FN_STR_ARG(pattern), e->groups);
    FN_TRY(regex_match(ctx, run, e->re, s, 0, &found, spans, e->groups));
    return fn_builder_str(ctx, to, found ? part_of(s, &spans[index]) : (fn_str){s.data, 0});
}
static fn_status eval_index(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_column *three[3] = {args[0], args[1], call->arg_count > 2 ? args[2] : NULL};
    return run_rows(ctx, call, three, rows, extract_index, out);
}

/* ---- splitByRegexp ---- */
static fn_status bind_split(fn_ctx *ctx, func_call *call)
{
    fn_column *limit;
    FN_TRY(text_need(ctx, call, "csi"));
    FN_TRY(bind_at(ctx, call, 0, false));
    if (call->arg_count > 2) {
        FN_TRY(func_need_const(ctx, call, 2, &limit));
        ((extraction *)call->data)->limit = FN_MAX(fn_column_i64_at(limit, 0), 0);
    }
    return text_bind_strings(ctx, call);
}
static fn_status split(fn_ctx *ctx, const extraction *e, regex_run *run, fn_column *const *args, size_t row, fn_builder *to)
{
    const fn_str s = text_at(args[1], row);
    int64_t left = e->limit ? e->limit : INT64_MAX;
    if (e->by_char) {
        for (size_t at = 0; at < s.size && left > 0; left--, at = utf8_next(s, at))
            FN_TRY(fn_builder_str(ctx, &to->kids[0], (fn_str){s.data + at, utf8_next(s, at) - at}));
        return fn_builder_close_array(ctx, to);
    }
    size_t at = 0;
    for (; left > 0; left--) {
        regex_span span;
        bool found;
        FN_TRY(regex_match(ctx, run, e->re, s, at, &found, &span, 1));
        if (!found || span.to == span.from) break;
        FN_TRY(fn_builder_str(ctx, &to->kids[0], (fn_str){s.data + at, span.from - at}));
        at = span.to;
    }
    if (left > 0) FN_TRY(fn_builder_str(ctx, &to->kids[0], text_from(s, at)));
    return fn_builder_close_array(ctx, to);
}
EXTRACT_EVAL(eval_split, split)

/* ---- regexpQuoteMeta ---- */
TEXT_BIND(bind_quote, "s", func_bind_string)
static fn_status row_quote(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    FN_TRY(fn_buf_reserve(ctx, to, s.size * 2));
    for (size_t i = 0; i < s.size; i++) {
        if (strchr("()\\|[]{^$.*+?:-", s.data[i])) to->data[to->size++] = '\\'; /* as well in front of a zero byte */
        to->data[to->size++] = s.data[i];
    }
    return FN_OK;
}
TEXT_EVAL(eval_quote, text_rows, row_quote)

static const char *const vertical_names[] = {"extractAllGroups", NULL};
static const char *const index_names[] = {"REGEXP_EXTRACT", "REGEXP_SUBSTR", NULL};
static const func_def rows_[] = {
    {.name = "extract", .args_min = 2, .args_max = 2, .bind = bind_extract, .eval = eval_extract,
     .about = "The first match of a regular expression: its first group if it has one.", .example = "extract('key=value', '=(.*)')", .gives = "value"},
    {.name = "extractAll", .args_min = 2, .args_max = 2, .bind = bind_extract_all, .eval = eval_extract_all,
     .about = "All matches of a regular expression: their first groups if it has one.", .example = "extractAll('a1b22', '\\\\d+')", .gives = "['1','22']"},
    {.name = "extractGroups", .args_min = 2, .args_max = 2, .bind = bind_groups, .eval = eval_groups,
     .about = "All groups of the first match.", .example = "extractGroups('a=1', '(\\\\w)=(\\\\w)')", .gives = "['a','1']"},
    {.name = "extractAllGroupsVertical", .aliases = vertical_names, .args_min = 2, .args_max = 2, .bind = bind_groups, .eval = eval_vertical,
     .about = "The groups of all matches, one array per match.", .example = "extractAllGroupsVertical('a=1,b=2', '(\\\\w)=(\\\\w)')", .gives = "[['a','1'],['b','2']]"},
    {.name = "extractAllGroupsHorizontal", .args_min = 2, .args_max = 2, .bind = bind_groups, .eval = eval_horizontal,
     .about = "The groups of all matches, one array per group.", .example = "extractAllGroupsHorizontal('a=1,b=2', '(\\\\w)=(\\\\w)')", .gives = "[['a','b'],['1','2']]"},
    {.name = "regexpExtract", .aliases = index_names, .args_min = 2, .args_max = 3, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_index, .eval = eval_index,
     .about = "Group number n of the first match; 0 is the whole match.", .example = "regexpExtract('100-200', '(\\\\d+)-(\\\\d+)', 2)", .gives = "200"},
    {.name = "splitByRegexp", .args_min = 2, .args_max = 3, .bind = bind_split, .eval = eval_split,
     .about = "The parts between matches of a regular expression; single characters for an empty one.", .example = "splitByRegexp('\\\\d', 'a1b2c')", .gives = "['a','b','c']"},
    {.name = "regexpQuoteMeta", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_quote, .eval = eval_quote,
     .about = "The string as a regular expression that matches just it.", .example = "regexpQuoteMeta('1+1')", .gives = "1\\+1"},
};
const func_family func_family_extract = FUNC_FAMILY("string search", rows_);
