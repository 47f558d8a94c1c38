/* func_replace.c - replaceOne, replaceAll, replaceRegexpOne, replaceRegexpAll, translate.
 * Patterns and replacements may differ from row to row; what is constant is prepared once at bind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/regex.h"
#include "function/utf8.h"

static fn_status bind_replace(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    if (call->arg_types[0]->id == FN_T_FIXED_STRING && call->consts[0])
        return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Illegal column %s of first argument of function %s", call->arg_types[0]->name, call->def->name);
    return func_bind_string(ctx, call);
}

/* ---- plain text ---- */
static fn_status replace_text(fn_ctx *ctx, fn_str s, fn_str what, fn_str by, bool once, fn_buf *to)
{
    size_t at = 0;
    for (ptrdiff_t hit; what.size && (hit = text_find(s, at, what)) >= 0;) {
        FN_TRY(fn_buf_append(ctx, to, s.data + at, (size_t)hit - at));
        FN_TRY(fn_buf_str(ctx, to, by));
        at = (size_t)hit + what.size;
        if (once) break;
    }
    return fn_buf_str(ctx, to, text_from(s, at));
}
static fn_status row_one(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return replace_text(ctx, text_at(args[0], row), text_at(args[1], row), text_at(args[2], row), true, to);
}
static fn_status row_all(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return replace_text(ctx, text_at(args[0], row), text_at(args[1], row), text_at(args[2], row), false, to);
}
TEXT_EVAL(eval_one, text_rows, row_one)
TEXT_EVAL(eval_all, text_rows, row_all)

/* ---- regular expressions ---- */
typedef struct piece {
    fn_str text;
    int group; /* -1: text */
} piece;

typedef struct template {
    piece *pieces;
    uint32_t count;
    unsigned groups; /* spans needed */
} template;

typedef struct replacing {
    const regex *re;   /* NULL: pattern differs */
    const template *by; /* NULL: replacement or pattern differs */
} replacing;

/* \0 .. \9 are groups, \x any other byte x. */
static fn_status read_template(fn_ctx *ctx, fn_str by, unsigned groups, template *t)
{
    t->pieces = FN_NEW_ARRAY(ctx, piece, by.size + 1);
    FN_TRY_PTR(ctx, t->pieces);
    t->count = 0;
    t->groups = 1;
    for (size_t i = 0, text = 0; i < by.size;) {
        if (by.data[i] != '\\' || i + 1 == by.size) {
            if (++i == by.size) t->pieces[t->count++] = (piece){{by.data + text, i - text}, -1};
            continue;
        }
        if (i > text) t->pieces[t->count++] = (piece){{by.data + text, i - text}, -1};
        const uint8_t b = (uint8_t)by.data[i + 1];
        if (text_is_digit(b)) {
            const unsigned group = (unsigned)(b - '0');
            if (group > groups)
                return fn_fail(ctx, FN_BAD_ARGUMENTS, "Substitution '\\%u' in replacement argument is invalid, regexp has only %u capturing groups", group, groups);
            t->pieces[t->count++] = (piece){{NULL, 0}, (int)group};
            t->groups = FN_MAX(t->groups, group + 1);
            i += 2;
            text = i;
        } else {
            text = i + 1;
            i += 2;
            if (i == by.size) t->pieces[t->count++] = (piece){{by.data + text, i - text}, -1};
        }
    }
    return FN_OK;
}

static fn_status bind_regexp(fn_ctx *ctx, func_call *call)
{
    replacing *r = FN_NEW(ctx, replacing);
    FN_TRY_PTR(ctx, r);
    FN_TRY(bind_replace(ctx, call));
    call->data = r;
    if (!call->consts[1]) return FN_OK;
    fn_str text;
    FN_TRY(func_const_str(ctx, call, 1, &text));
    FN_TRY(regex_bind(ctx, text, 0, FN_BAD_ARGUMENTS, &r->re));
    if (!call->consts[2]) return FN_OK;
    template *t = FN_NEW(ctx, template);
    FN_TRY_PTR(ctx, t);
    FN_TRY(func_const_str(ctx, call, 2, &text));
    FN_TRY(read_template(ctx, text, regex_groups(r->re), t));
    r->by = t;
    return FN_OK;
}

static fn_status substitute(fn_ctx *ctx, const template *t, fn_str s, const regex_span *spans, fn_buf *to)
{
    for (uint32_t k = 0; k < t->count; k++) {
        const piece *p = &t->pieces[k];
        const regex_span *span = p->group < 0 ? NULL : &spans[p->group];
        if (!span) FN_TRY(fn_buf_str(ctx, to, p->text));
        else if (span->from != REGEX_NONE) FN_TRY(fn_buf_append(ctx, to, s.data + span->from, span->to - span->from));
    }
    return FN_OK;
}

static fn_status replace_matches(fn_ctx *ctx, regex_run *run, const regex *re, const template *t, fn_str s, bool once, fn_buf *to)
{
    regex_span spans[10];
    size_t copied = 0;
    for (size_t at = 0; at <= s.size;) {
        bool found;
        FN_TRY(regex_match(ctx, run, re, s, at, &found, spans, t->groups));
        if (!found) break;
        FN_TRY(fn_buf_append(ctx, to, s.data + copied, spans[0].from - copied));
        FN_TRY(substitute(ctx, t, s, spans, to));
        copied = spans[0].to;
        if (once) break;
        at = spans[0].to > spans[0].from ? copied : copied < s.size ? utf8_next(s, copied) : s.size + 1;
    }
    return fn_buf_str(ctx, to, text_from(s, copied));
}

typedef struct state {
    regex_run *run;
    regex *own;      /* the pattern of a row */
    fn_arena *arena; /* of `by` */
    template by;
} state;

/* One row whose pattern or replacement is its own. */
static fn_status replace_own(fn_ctx *ctx, const replacing *r, state *st, fn_column *const *args, size_t row, bool once, fn_buf *to)
{
    const fn_str pattern = text_at(args[1], row);
    const regex *re = r->re;
    if (!pattern.size) return fn_buf_str(ctx, to, text_at(args[0], row));
    if (!re) {
        regex_free(st->own);
        st->own = NULL;
        FN_TRY(regex_new(ctx, pattern, 0, FN_BAD_ARGUMENTS, &st->own));
        re = st->own;
    }
    fn_ctx local = *ctx;
    local.arena = st->arena;
    fn_arena_reset(st->arena);
    const fn_status status = read_template(&local, text_at(args[2], row), regex_groups(re), &st->by);
    if (status != FN_OK) {
        ctx->error = local.error;
        return status;
    }
    return replace_matches(ctx, st->run, re, &st->by, text_at(args[0], row), once, to);
}

static fn_status regexp_rows(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, bool once, fn_column **out)
{
    const replacing *r = call->data;
    state st = {.arena = fn_arena_new(ctx)};
    fn_builder b;
    fn_status status = st.arena ? regex_run_open(ctx, &st.run) : ctx->error.code;
    fn_buf text = FN_BUF_INIT;
    if (status == FN_OK) status = fn_builder_init(ctx, &b, call->type);
    if (status != FN_OK) {
        fn_arena_free(st.arena);
        regex_run_close(st.run);
        return status;
    }
    fn_str literal;
    const bool plain = r->re && r->by && regex_literal(r->re, &literal) && r->by->groups == 1 && r->by->count == 1 && r->by->pieces[0].group < 0;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        text.size = 0;
        const fn_str s = text_at(args[0], i);
        if (!r->by) status = replace_own(ctx, r, &st, args, i, once, &text);
        else if (plain) status = replace_text(ctx, s, literal, r->by->pieces[0].text, once, &text);
        else if (!text_at(args[1], i).size) status = fn_buf_str(ctx, &text, s);
        else status = replace_matches(ctx, st.run, r->re, r->by, s, once, &text);
        if (status == FN_OK) status = fn_builder_str(ctx, &b, fn_buf_view(&text));
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&text);
    regex_free(st.own);
    regex_run_close(st.run);
    fn_arena_free(st.arena);
    return status;
}
static fn_status eval_regexp_one(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return regexp_rows(ctx, call, args, rows, true, out);
}
static fn_status eval_regexp_all(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return regexp_rows(ctx, call, args, rows, false, out);
}

/* ---- translate ---- */
static fn_status translate_sizes(fn_ctx *ctx, const func_call *call, size_t from, size_t to)
{
    if (from >= to) return FN_OK;
    return fn_fail(ctx, FN_BAD_ARGUMENTS,
                   "Second argument of function %s must not be shorter than the third argument. Size of the second argument: %zu, size of the third argument: %zu",
                   call->def->name, from, to);
}
static fn_status row_translate(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const fn_str s = text_at(args[0], row), from = text_at(args[1], row), by = text_at(args[2], row);
    FN_TRY(translate_sizes(ctx, call, from.size, by.size));
    if (!utf8_is_ascii(from) || !utf8_is_ascii(by)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Second and third arguments must be ASCII strings");
    FN_TRY(fn_buf_reserve(ctx, to, s.size));
    for (size_t i = 0; i < s.size; i++) {
        const char *hit = from.size ? memchr(from.data, s.data[i], from.size) : NULL;
        const size_t at = hit ? (size_t)(hit - from.data) : 0;
        if (!hit) to->data[to->size++] = s.data[i];
        else if (at < by.size) to->data[to->size++] = by.data[at];
    }
    return FN_OK;
}
static fn_status row_translate_utf8(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const fn_str s = text_at(args[0], row), from = text_at(args[1], row), by = text_at(args[2], row);
    FN_TRY(translate_sizes(ctx, call, utf8_count(from), utf8_count(by)));
    for (size_t at = 0; at < s.size;) {
        const size_t next = utf8_next(s, at);
        const fn_str one = {s.data + at, next - at};
        size_t f = 0, b = 0;
        bool hit = false;
        while (f < from.size && !hit) {
            const size_t behind = utf8_next(from, f);
            hit = fn_str_eq(one, (fn_str){from.data + f, behind - f});
            f = behind;
            if (!hit && b < by.size) b = utf8_next(by, b);
        }
        if (!hit) FN_TRY(fn_buf_str(ctx, to, one));
        else if (b < by.size) FN_TRY(fn_buf_append(ctx, to, by.data + b, utf8_next(by, b) - b));
        at = next;
    }
    return FN_OK;
}
TEXT_EVAL(eval_translate, text_rows, row_translate)
TEXT_EVAL(eval_translate_utf8, text_rows, row_translate_utf8)

static const char *const all_names[] = {"replace", NULL};
static const char *const regexp_names[] = {"REGEXP_REPLACE", NULL};
static const func_def rows_[] = {
    {.name = "replaceOne", .args_min = 3, .args_max = 3, .flags = FUNC_PER_ENTRY, .bind = bind_replace, .eval = eval_one,
     .about = "The first occurrence of the second string replaced by the third.", .example = "replaceOne('aXbX', 'X', '-')", .gives = "a-bX"},
    {.name = "replaceAll", .aliases = all_names, .args_min = 3, .args_max = 3, .flags = FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, .bind = bind_replace, .eval = eval_all,
     .about = "All occurrences of the second string replaced by the third.", .example = "replaceAll('aXbX', 'X', '-')", .gives = "a-b-"},
    {.name = "replaceRegexpOne", .args_min = 3, .args_max = 3, .bind = bind_regexp, .eval = eval_regexp_one,
     .about = "The first match of a regular expression replaced; \\1 in the replacement stands for the first group.", .example = "replaceRegexpOne('hello', 'l+', 'L')", .gives = "heLo"},
    {.name = "replaceRegexpAll", .aliases = regexp_names, .args_min = 3, .args_max = 3, .flags = FUNC_CASE_INSENSITIVE, .bind = bind_regexp, .eval = eval_regexp_all,
     .about = "All matches of a regular expression replaced; \\1 in the replacement stands for the first group.", .example = "replaceRegexpAll('a1b22', '\\\\d+', '#')", .gives = "a#b#"},
    {.name = "translate", .args_min = 3, .args_max = 3, .bind = bind_replace, .eval = eval_translate,
     .about = "Each character of the second string replaced by the one at its place in the third, or dropped.", .example = "translate('hello', 'el', 'ip')", .gives = "hippo"},
    {.name = "translateUTF8", .args_min = 3, .args_max = 3, .bind = bind_replace, .eval = eval_translate_utf8,
     .about = "translate by code points.", .example = "translateUTF8('дом', 'о', 'а')", .gives = "дам"},
};
const func_family func_family_replace = FUNC_FAMILY("string replacement", rows_);
