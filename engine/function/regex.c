/* regex.c - regular expressions: from re2's syntax to PCRE2, compiling, matching.
 *
 * Each pattern is compiled for bytes; one that could tell characters from bytes (., negated classes, anything beyond ASCII) is
 * compiled for UTF-8 as well, and ASCII subjects, for which both say the same, take the faster first one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/regex.h"
#include "function/utf8.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { STACK_MIN = 32 * 1024, STACK_MAX = 1024 * 1024, STEPS_MAX = 20000000, REPEAT_MAX = 1000 };

struct regex {
    pcre2_code *bytes, *utf8; /* utf8 NULL: never needed; bytes NULL: the pattern itself is not ASCII */
    unsigned groups;
    bool literal;
    char *text; /* the pattern; what regex_literal gives */
    size_t text_size;
};

struct regex_run {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

/* ---- syntax ---- */
typedef struct reader {
    fn_ctx *ctx;
    fn_str in;
    size_t at;
    fn_buf out;
    fn_status code;
    bool characters; /* bytes and characters may differ */
    bool literal;
    bool quantified; /* the last item has its quantifier */
    bool has_item;   /* there is something to quantify */
} reader;

static fn_status bad(reader *r, const char *what, size_t from, size_t size)
{
    const fn_str part = {r->in.data + FN_MIN(from, r->in.size), FN_MIN(size, r->in.size - FN_MIN(from, r->in.size))};
    if (r->code == FN_BAD_ARGUMENTS)
        return fn_fail(r->ctx, r->code, "The pattern argument is not a valid re2 pattern: %s: " FN_STR_FMT, what, FN_STR_ARG(part));
    return fn_fail(r->ctx, r->code,
                   "OptimizedRegularExpression: cannot compile re2: " FN_STR_FMT ", error: %s: " FN_STR_FMT
                   ". Look at https://github.com/google/re2/wiki/Syntax for reference.",
                   FN_STR_ARG(r->in), what, FN_STR_ARG(part));
}

static fn_status copy(reader *r, size_t n)
{
    FN_TRY(fn_buf_append(r->ctx, &r->out, r->in.data + r->at, n));
    r->at += n;
    return FN_OK;
}

static void item_done(reader *r)
{
    r->has_item = true;
    r->quantified = false;
}

/* \Q ... \E */
static fn_status quoted(reader *r)
{
    const ptrdiff_t end = text_find(r->in, r->at + 2, FN_STR("\\E"));
    const size_t stop = end < 0 ? r->in.size : (size_t)end;
    for (r->at += 2; r->at < stop; r->at++) {
        const uint8_t b = (uint8_t)r->in.data[r->at];
        if (b < 0x80 && !text_is_alpha(b) && !text_is_digit(b)) FN_TRY(fn_buf_byte(r->ctx, &r->out, '\\'));
        FN_TRY(fn_buf_byte(r->ctx, &r->out, (char)b));
    }
    r->at = FN_MIN(stop + 2, r->in.size);
    item_done(r);
    return FN_OK;
}

/* \x41 or \x{10FFFF} */
static fn_status hexadecimal(reader *r)
{
    const size_t start = r->at;
    size_t i = r->at + 2;
    const bool braces = i < r->in.size && r->in.data[i] == '{';
    uint32_t code = 0;
    size_t digits = 0;
    for (i += braces; i < r->in.size && text_hex((uint8_t)r->in.data[i]) >= 0 && (braces || digits < 2); i++, digits++)
        code = FN_MIN(code * 16 + (uint32_t)text_hex((uint8_t)r->in.data[i]), 0x110000u);
    if (digits == 0 || code > 0x10FFFF || (!braces && digits < 2)) return bad(r, "invalid escape sequence", start, i - start);
    if (braces && (i >= r->in.size || r->in.data[i] != '}')) return bad(r, "invalid escape sequence", start, i - start);
    if (code >= 0x80) r->characters = true;
    r->at = i + braces;
    return fn_buf_printf(r->ctx, &r->out, "\\x{%x}", code);
}

static fn_status escape(reader *r, bool in_class)
{
    if (r->at + 1 >= r->in.size) return bad(r, "trailing \\ at end of regexp", r->at, 1);
    const uint8_t b = (uint8_t)r->in.data[r->at + 1];
    if (b == 'x') return hexadecimal(r);
    if (b == 'v') {
        r->at += 2;
        return fn_buf_cstr(r->ctx, &r->out, "\\x0B");
    }
    if (b == 'p' || b == 'P' || b == 'D' || b == 'W' || b == 'S') r->characters = true;
    if (b == 'p' || b == 'P' || strchr(in_class ? "afnrtdDwWsS" : "afnrtdDwWsSbBAzC", b)) return copy(r, 2);
    if (b == '0' || (b >= '1' && b <= '7' && r->at + 2 < r->in.size && r->in.data[r->at + 2] >= '0' && r->in.data[r->at + 2] <= '7')) {
        unsigned code = 0;
        size_t n = 1;
        for (; n < 4 && r->at + n < r->in.size && r->in.data[r->at + n] >= '0' && r->in.data[r->at + n] <= '7'; n++)
            code = code * 8 + (unsigned)(r->in.data[r->at + n] - '0');
        r->at += n;
        if (code >= 0x80) r->characters = true;
        return fn_buf_printf(r->ctx, &r->out, "\\x{%x}", code);
    }
    if (text_is_alpha(b) || text_is_digit(b) || b >= 0x80) return bad(r, "invalid escape sequence", r->at, 2);
    return copy(r, 2);
}

/* [ ... ] */
static fn_status class(reader *r)
{
    const size_t start = r->at;
    FN_TRY(copy(r, 1));
    if (r->at < r->in.size && r->in.data[r->at] == '^') {
        r->characters = true;
        FN_TRY(copy(r, 1));
    }
    for (bool first = true;; first = false) {
        if (r->at >= r->in.size) return bad(r, "missing ]", start, r->in.size - start);
        const char b = r->in.data[r->at];
        if (b == ']' && !first) break;
        if (b == ']') {
            r->at++;
            FN_TRY(fn_buf_cstr(r->ctx, &r->out, "\\]"));
        } else if (b == '\\') {
            FN_TRY(escape(r, true));
        } else if (b == '[' && r->at + 1 < r->in.size && r->in.data[r->at + 1] == ':') {
            const ptrdiff_t end = text_find(r->in, r->at, FN_STR(":]"));
            if (end < 0) return bad(r, "missing ]", start, r->in.size - start);
            FN_TRY(copy(r, (size_t)end + 2 - r->at));
        } else if (b == '[') {
            r->at++;
            FN_TRY(fn_buf_cstr(r->ctx, &r->out, "\\["));
        } else {
            FN_TRY(copy(r, 1));
        }
    }
    item_done(r);
    return copy(r, 1);
}

/* ( and what may follow ? */
static fn_status group(reader *r)
{
    const size_t start = r->at;
    r->has_item = r->quantified = false;
    if (start + 1 < r->in.size && r->in.data[start + 1] == '*') return bad(r, "no argument for repetition operator", start + 1, 1);
    if (start + 1 >= r->in.size || r->in.data[start + 1] != '?') return copy(r, 1);
    size_t i = start + 2;
    const char b = i < r->in.size ? r->in.data[i] : 0;
    const char c = i + 1 < r->in.size ? r->in.data[i + 1] : 0;
    if (b == 'P' && c != '<') return bad(r, "invalid named capture", start, 4);
    if (b == 'P' || (b == '<' && c != '=' && c != '!')) {
        i += b == 'P' ? 2 : 1;
        const size_t name = i;
        while (i < r->in.size && (text_is_alpha((uint8_t)r->in.data[i]) || text_is_digit((uint8_t)r->in.data[i]) || r->in.data[i] == '_')) i++;
        if (i == name || i >= r->in.size || r->in.data[i] != '>') return bad(r, "invalid named capture group", start, i + 1 - start);
        r->at = i + 1; /* names are not used: a plain group */
        return fn_buf_byte(r->ctx, &r->out, '(');
    }
    while (i < r->in.size && strchr("imsU-", r->in.data[i])) i++;
    if (i >= r->in.size) return bad(r, "missing )", start, r->in.size - start);
    if (r->in.data[i] != ':' && r->in.data[i] != ')') return bad(r, "invalid perl operator", start, i == start + 2 ? (b == '<' ? 4 : 3) : i + 1 - start);
    return copy(r, i + 1 - start);
}

/* {n}, {n,}, {n,m}; anything else is text. */
static bool is_repeat(reader *r, size_t *end, bool *too_big)
{
    size_t i = r->at + 1;
    uint64_t n[2] = {0, 0};
    size_t digits = 0;
    unsigned part = 0;
    for (; i < r->in.size && r->in.data[i] != '}'; i++) {
        const uint8_t b = (uint8_t)r->in.data[i];
        if (b == ',' && part == 0 && digits) part = 1;
        else if (text_is_digit(b)) {
            n[part] = FN_MIN(n[part] * 10 + (uint64_t)(b - '0'), 100000u);
            digits++;
        } else return false;
    }
    *end = i + 1;
    *too_big = n[0] > REPEAT_MAX || n[1] > REPEAT_MAX;
    return digits && i < r->in.size;
}

static fn_status repetition(reader *r)
{
    const size_t start = r->at;
    size_t end = start + 1;
    bool too_big = false;
    if (r->in.data[start] == '{' && !is_repeat(r, &end, &too_big)) { /* PCRE2 would read {,3} as a repetition */
        r->at++;
        item_done(r);
        return fn_buf_cstr(r->ctx, &r->out, "\\{");
    }
    if (too_big) return bad(r, "invalid repetition size", start, end - start);
    if (!r->has_item) return bad(r, "no argument for repetition operator", start, end - start);
    if (r->quantified) return bad(r, "bad repetition operator", start - 1, end - start + 1);
    if (end < r->in.size && r->in.data[end] == '?') end++;
    r->quantified = true;
    return copy(r, end - start);
}

static fn_status translate(reader *r)
{
    r->literal = true;
    while (r->at < r->in.size) {
        const uint8_t b = (uint8_t)r->in.data[r->at];
        const bool special = strchr("\\[(|)*+?{}.^$", b) && b;
        if (special) r->literal = false;
        if (b >= 0x80) {
            r->characters = true;
            const size_t n = utf8_next(r->in, r->at) - r->at;
            FN_TRY(copy(r, n));
            item_done(r);
        } else if (b == '\\' && r->at + 1 < r->in.size && r->in.data[r->at + 1] == 'Q') {
            FN_TRY(quoted(r));
        } else if (b == '\\') {
            FN_TRY(escape(r, false));
            item_done(r);
        } else if (b == '[') {
            FN_TRY(class(r));
        } else if (b == '(') {
            FN_TRY(group(r));
        } else if (b == '*' || b == '+' || b == '?' || b == '{') {
            FN_TRY(repetition(r));
        } else if (b == '#' || b == ' ' || b == 0) {
            FN_TRY(copy(r, 1));
            item_done(r);
        } else {
            if (b == '.') r->characters = true;
            FN_TRY(copy(r, 1));
            item_done(r);
            if (b == '|') r->has_item = false;
        }
    }
    return FN_OK;
}

/* ---- compiling ---- */
static fn_status compile(reader *r, uint32_t options, pcre2_code **out)
{
    int error;
    PCRE2_SIZE offset;
    *out = pcre2_compile((PCRE2_SPTR)(r->out.data ? r->out.data : ""), r->out.size, options | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &error,
                         &offset, NULL);
    if (!*out) {
        PCRE2_UCHAR text[256] = {0};
        (void)pcre2_get_error_message(error, text, sizeof text);
        return bad(r, (const char *)text, 0, r->in.size);
    }
    (void)pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE); /* without it the interpreter runs */
    return FN_OK;
}

static fn_status compile_both(reader *r, unsigned flags, regex *re)
{
    const uint32_t options = flags & REGEX_CASELESS ? PCRE2_CASELESS : 0;
    const bool ascii = utf8_is_ascii(r->in) && text_find(r->in, 0, FN_STR("\\x{")) < 0 && text_find(r->in, 0, FN_STR("\\p")) < 0 && text_find(r->in, 0, FN_STR("\\P")) < 0;
    if (ascii) FN_TRY(compile(r, options, &re->bytes));
    if (r->characters || !ascii || options || text_find(r->in, 0, FN_STR("(?")) >= 0) FN_TRY(compile(r, options | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &re->utf8));
    uint32_t groups = 0;
    (void)pcre2_pattern_info(re->bytes ? re->bytes : re->utf8, PCRE2_INFO_CAPTURECOUNT, &groups);
    re->groups = groups;
    return FN_OK;
}

fn_status regex_new(fn_ctx *ctx, fn_str pattern, unsigned flags, fn_status code, regex **out)
{
    regex *re = fn_alloc_zero(ctx, sizeof *re);
    FN_TRY_PTR(ctx, re);
    reader r = {.ctx = ctx, .in = pattern, .code = code};
    fn_status status = translate(&r);
    if (status == FN_OK) status = compile_both(&r, flags, re);
    if (status == FN_OK) {
        re->text = fn_alloc(ctx, pattern.size + 1);
        if (!re->text) status = ctx->error.code;
        else if (pattern.size) memcpy(re->text, pattern.data, pattern.size);
        re->text_size = pattern.size;
        re->literal = r.literal && !(flags & REGEX_CASELESS);
    }
    fn_buf_release(&r.out);
    if (status != FN_OK) regex_free(re);
    else *out = re;
    return status;
}

void regex_free(regex *re)
{
    if (!re) return;
    pcre2_code_free(re->bytes);
    pcre2_code_free(re->utf8);
    fn_free(re->text);
    fn_free(re);
}

static void free_held(void *re)
{
    regex_free(re);
}

fn_status regex_bind(fn_ctx *ctx, fn_str pattern, unsigned flags, fn_status code, const regex **out)
{
    regex *re;
    FN_TRY(regex_new(ctx, pattern, flags, code, &re));
    *out = re;
    return fn_arena_defer(ctx, ctx->arena, free_held, re);
}

unsigned regex_groups(const regex *re)
{
    return re->groups;
}

bool regex_literal(const regex *re, fn_str *out)
{
    *out = (fn_str){re->text, re->text_size};
    return re->literal;
}

/* ---- matching ---- */
fn_status regex_run_open(fn_ctx *ctx, regex_run **out)
{
    regex_run *run = fn_alloc_zero(ctx, sizeof *run);
    FN_TRY_PTR(ctx, run);
    run->data = pcre2_match_data_create(REGEX_GROUPS_MAX, NULL);
    run->context = pcre2_match_context_create(NULL);
    run->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
    if (!run->data || !run->context || !run->stack) {
        regex_run_close(run);
        return fn_fail_memory(ctx, STACK_MIN);
    }
    (void)pcre2_set_match_limit(run->context, STEPS_MAX);
    pcre2_jit_stack_assign(run->context, NULL, run->stack);
    *out = run;
    return FN_OK;
}

void regex_run_close(regex_run *run)
{
    if (!run) return;
    pcre2_match_data_free(run->data);
    pcre2_match_context_free(run->context);
    pcre2_jit_stack_free(run->stack);
    fn_free(run);
}

fn_status regex_match(fn_ctx *ctx, regex_run *run, const regex *re, fn_str s, size_t from, bool *found, regex_span *spans, unsigned span_count)
{
    const bool bytes = re->bytes && (!re->utf8 || utf8_is_ascii(s));
    const int n = pcre2_match(bytes ? re->bytes : re->utf8, (PCRE2_SPTR)(s.data ? s.data : ""), s.size, from, 0, run->data, run->context);
    *found = n >= 0;
    if (n == PCRE2_ERROR_NOMATCH) return FN_OK;
    if (n < 0) {
        PCRE2_UCHAR text[256] = {0};
        (void)pcre2_get_error_message(n, text, sizeof text);
        return fn_fail(ctx, FN_LIMIT_EXCEEDED, "Regular expression '%.*s' takes too long on a value of %zu bytes: %s", (int)FN_MIN(re->text_size, 200u), re->text, s.size,
                       (const char *)text);
    }
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(run->data);
    for (unsigned i = 0; i < span_count && spans; i++) {
        const bool set = (n == 0 ? i < REGEX_GROUPS_MAX : i < (unsigned)n) && v[2 * i] != PCRE2_UNSET;
        spans[i] = set ? (regex_span){v[2 * i], v[2 * i + 1]} : (regex_span){REGEX_NONE, REGEX_NONE};
    }
    return FN_OK;
}
