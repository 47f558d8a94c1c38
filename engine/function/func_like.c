/* func_like.c - LIKE, ILIKE and their negations.
 *
 * A pattern is cut at its % into segments of literal bytes and single-character marks (_). The longest literal is looked for in
 * the bytes of the whole column at once; only rows with a hit are looked at more closely, and not even those when the pattern is
 * %literal%. ILIKE works on a column folded to lower case. Patterns that are not constant are compiled when they change.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/utf8_case.h"
#include "kernel/kernel.h"

typedef struct segment {
    fn_str bytes;  /* escapes resolved; a 0 byte at marks */
    uint8_t *mark; /* per byte: 1 = any character; NULL: none */
} segment;

typedef struct pattern {
    segment *segments;
    uint32_t count;
    bool open_front, open_back; /* % at the ends */
    fn_str needle;              /* longest literal of a segment without marks; may be empty */
    bool contains;              /* %needle% and nothing else */
} pattern;

typedef struct like_kind {
    bool fold, negate;
    const pattern *constant; /* NULL: compiled per row */
} like_kind;

/* ---- patterns ---- */
static fn_status start_segment(fn_ctx *ctx, pattern *p, size_t room)
{
    segment *s = &p->segments[p->count++];
    s->bytes.data = FN_NEW_ARRAY(ctx, char, room + 1);
    FN_TRY_PTR(ctx, s->bytes.data);
    return FN_OK;
}

static fn_status add_byte(fn_ctx *ctx, segment *s, size_t room, char b, bool mark)
{
    char *bytes = (char *)(uintptr_t)s->bytes.data;
    if (mark && !s->mark) {
        s->mark = FN_NEW_ARRAY(ctx, uint8_t, room + 1);
        FN_TRY_PTR(ctx, s->mark);
    }
    if (mark) s->mark[s->bytes.size] = 1;
    bytes[s->bytes.size++] = b;
    return FN_OK;
}

static fn_status compile_like(fn_ctx *ctx, fn_str text, const pattern **out)
{
    pattern *p = FN_NEW(ctx, pattern);
    FN_TRY_PTR(ctx, p);
    p->segments = FN_NEW_ARRAY(ctx, segment, text.size + 2);
    FN_TRY_PTR(ctx, p->segments);
    bool inside = false;
    for (size_t i = 0; i < text.size; i++) {
        char b = text.data[i];
        const bool mark = b == '_';
        if (b == '%') {
            if (i == 0) p->open_front = true;
            p->open_back = true;
            inside = false;
            continue;
        }
        p->open_back = false;
        if (!inside) FN_TRY(start_segment(ctx, p, text.size - i));
        inside = true;
        if (b == '\\') {
            if (i + 1 == text.size)
                return fn_fail(ctx, FN_CANNOT_PARSE_ESCAPE_SEQUENCE, "Invalid escape sequence at the end of LIKE pattern '" FN_STR_FMT "'", FN_STR_ARG(text));
            const char next = text.data[i + 1];
            if (next == '%' || next == '_' || next == '\\') b = text.data[++i];
        }
        FN_TRY(add_byte(ctx, &p->segments[p->count - 1], text.size, b, mark));
    }
    for (uint32_t k = 0; k < p->count; k++)
        if (!p->segments[k].mark && p->segments[k].bytes.size > p->needle.size) p->needle = p->segments[k].bytes;
    p->contains = p->count == 1 && p->open_front && p->open_back && p->needle.size;
    *out = p;
    return FN_OK;
}

/* ---- matching one string ---- */

/* Size of the segment at s.data + at, or -1: it does not match there. */
static ptrdiff_t segment_at(const segment *g, fn_str s, size_t at)
{
    const size_t start = at;
    if (!g->mark) return s.size - at >= g->bytes.size && memcmp(s.data + at, g->bytes.data, g->bytes.size) == 0 ? (ptrdiff_t)g->bytes.size : -1;
    for (size_t i = 0; i < g->bytes.size; i++) {
        if (at >= s.size) return -1;
        if (g->mark[i]) {
            at = FN_MIN(at + utf8_width((uint8_t)s.data[at]), s.size);
        } else {
            if (s.data[at] != g->bytes.data[i]) return -1;
            at++;
        }
    }
    return (ptrdiff_t)(at - start);
}

static size_t step(const segment *g, fn_str s, size_t at)
{
    return g->bytes.size && g->mark[0] ? FN_MIN(at + utf8_width((uint8_t)s.data[at]), s.size) : at + 1;
}

/* Byte behind the first occurrence at or behind `at`, or -1. */
static ptrdiff_t segment_find(const segment *g, fn_str s, size_t at)
{
    if (!g->mark) {
        const ptrdiff_t hit = text_find(s, at, g->bytes);
        return hit < 0 ? -1 : hit + (ptrdiff_t)g->bytes.size;
    }
    for (; at <= s.size; at = step(g, s, at)) {
        const ptrdiff_t n = segment_at(g, s, at);
        if (n >= 0) return (ptrdiff_t)at + n;
        if (at == s.size) break;
    }
    return -1;
}

/* The segment as the very end of s, not before `at`. */
static bool segment_ends(const segment *g, fn_str s, size_t at)
{
    if (!g->mark) return s.size - at >= g->bytes.size && segment_at(g, s, s.size - g->bytes.size) >= 0;
    for (; at < s.size; at = utf8_is_continuation((uint8_t)s.data[at]) ? at + 1 : FN_MIN(at + utf8_width((uint8_t)s.data[at]), s.size))
        if (segment_at(g, s, at) == (ptrdiff_t)(s.size - at)) return true;
    return false;
}

static bool like_match(const pattern *p, fn_str s)
{
    size_t at = 0;
    uint32_t k = 0, end = p->count;
    if (p->count == 0) return p->open_back || s.size == 0;
    if (!p->open_front) {
        const ptrdiff_t n = segment_at(&p->segments[0], s, 0);
        if (n < 0 || (p->count == 1 && !p->open_back)) return n == (ptrdiff_t)s.size;
        at = (size_t)n;
        k = 1;
    }
    if (!p->open_back && k < end) end--;
    for (; k < end; k++) {
        const ptrdiff_t behind = segment_find(&p->segments[k], s, at);
        if (behind < 0) return false;
        at = (size_t)behind;
    }
    return p->open_back || segment_ends(&p->segments[p->count - 1], s, at);
}

/* ---- columns ---- */

/* mask[i] = the row holds the needle (not empty): one search over the bytes of the column. */
static void mark_rows(const fn_column *c, uint32_t rows, fn_str needle, uint8_t *mask)
{
    const uint32_t *o = c->offsets;
    const char *bytes = (const char *)c->values;
    const size_t end = o[rows];
    memset(mask, 0, rows);
    size_t at = o[0];
    for (uint32_t row = 0; row < rows;) {
        const size_t hit = at + kern.find(bytes + at, end - at, needle.data, needle.size);
        if (hit >= end) return;
        while (o[row + 1] <= hit) row++;
        mask[row] = hit + needle.size <= o[row + 1];
        at = o[++row]; /* a hit across the border: none begins later in this row */
    }
}

static void like_column(const pattern *p, const fn_column *c, uint32_t rows, uint8_t *mask)
{
    const bool marked = c->shape == FN_FLAT && c->offsets && p->needle.size && (p->open_front || p->count > 1);
    if (marked) mark_rows(c, rows, p->needle, mask);
    if (marked && p->contains) return;
    for (size_t i = 0; i < rows; i++)
        if (!marked || mask[i]) mask[i] = like_match(p, text_at(c, i));
}

static fn_status like_rows(fn_ctx *ctx, const fn_column *c, const fn_column *patterns, uint32_t rows, uint8_t *mask)
{
    fn_ctx local = *ctx; /* patterns of this block only */
    local.arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, local.arena);
    const pattern *p = NULL;
    fn_str before = {NULL, 0};
    fn_status status = FN_OK;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const fn_str text = text_at(patterns, i);
        if (!p || !fn_str_eq(text, before)) {
            fn_arena_reset(local.arena);
            status = compile_like(&local, text, &p);
            before = text;
        }
        if (status == FN_OK) mask[i] = like_match(p, text_at(c, i));
    }
    fn_arena_free(local.arena);
    if (status != FN_OK) ctx->error = local.error;
    return status;
}

/* ---- the functions ---- */
static bool needs_utf8(const fn_column *c)
{
    const size_t stored = c->shape == FN_CONST ? 1 : c->rows;
    if (!c->offsets) return true;
    return !utf8_is_ascii((fn_str){(const char *)c->values + c->offsets[0], c->offsets[stored] - c->offsets[0]});
}

static fn_status bind_like(fn_ctx *ctx, func_call *call)
{
    like_kind *k = FN_NEW(ctx, like_kind);
    FN_TRY_PTR(ctx, k);
    FN_TRY(text_need(ctx, call, "s"));
    k->fold = strstr(call->def->name, "ilike") || strstr(call->def->name, "ILike");
    k->negate = strncmp(call->def->name, "not", 3) == 0;
    if (call->consts[1]) {
        fn_str text;
        FN_TRY(func_const_str(ctx, call, 1, &text));
        if (k->fold) {
            fn_column *folded;
            FN_TRY(text_fold(ctx, call->consts[1], true, &folded));
            const fn_status status = fn_arena_str(ctx, ctx->arena, text_at(folded, 0), &text);
            fn_column_drop(folded);
            FN_TRY(status);
        }
        FN_TRY(compile_like(ctx, text, &k->constant));
    }
    call->data = k;
    return func_bind_u8(ctx, call);
}

static fn_status eval_like(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const like_kind *k = call->data;
    uint8_t *mask;
    fn_column *hay = NULL, *patterns = NULL, *result = NULL;
    fn_status status = FN_OK;
    if (k->fold) {
        const bool utf8 = needs_utf8(args[0]) || needs_utf8(args[1]);
        status = text_fold(ctx, args[0], utf8, &hay);
        if (status == FN_OK) status = text_fold(ctx, args[1], utf8, &patterns);
    } else {
        hay = fn_column_ref(args[0]);
        patterns = fn_column_ref(args[1]);
    }
    if (status == FN_OK) {
        result = func_new_fixed(ctx, call->type, rows, &mask);
        status = result ? FN_OK : ctx->error.code;
    }
    if (status == FN_OK && k->constant) like_column(k->constant, hay, rows, mask);
    else if (status == FN_OK) status = like_rows(ctx, hay, patterns, rows, mask);
    for (size_t i = 0; status == FN_OK && k->negate && i < rows; i++) mask[i] ^= 1;
    fn_column_drop(hay);
    fn_column_drop(patterns);
    if (status != FN_OK) fn_column_drop(result);
    else *out = result;
    return status;
}

#define LIKE(fn, what, ex, res)                                                                                                          \
    {.name = fn, .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_like, .eval = eval_like, .about = what, .example = ex, .gives = res}
static const func_def rows_[] = {
    LIKE("like", "1 if the string follows the pattern: % stands for any text, _ for one character, \\ escapes.", "like('abc', 'a%')", "1"),
    LIKE("notLike", "The opposite of like.", "notLike('abc', 'a%')", "0"),
    LIKE("ilike", "like ignoring case.", "ilike('ABC', 'a%')", "1"),
    LIKE("notILike", "The opposite of ilike.", "notILike('ABC', 'a%')", "0"),
};
const func_family func_family_like = FUNC_FAMILY("string search", rows_);
