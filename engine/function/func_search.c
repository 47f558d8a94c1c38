/* func_search.c - position and its kin, countSubstrings, hasSubsequence, multiSearch*.
 *
 * A column against one constant is searched as one run of bytes, row borders looked at only for hits. CaseInsensitive kinds search
 * columns that were folded to lower case as a whole; UTF8 kinds count code points in front of the hit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/utf8_case.h"
#include "kernel/kernel.h"

typedef struct kind {
    bool fold, utf8;
    bool needle_first; /* locate */
} kind;

static fn_status set_kind(fn_ctx *ctx, func_call *call)
{
    kind *k = FN_NEW(ctx, kind);
    FN_TRY_PTR(ctx, k);
    const char *name = call->def->name;
    k->fold = strstr(name, "CaseInsensitive") != NULL;
    k->utf8 = strstr(name, "UTF8") != NULL;
    k->needle_first = strcmp(name, "locate") == 0;
    call->data = k;
    return FN_OK;
}

/* Haystack and needle columns as they are compared; drop both. */
static fn_status both_folded(fn_ctx *ctx, const kind *k, const fn_column *a, const fn_column *b, fn_column **hay, fn_column **needle)
{
    *hay = *needle = NULL;
    if (!k->fold) {
        *hay = fn_column_ref(a);
        *needle = fn_column_ref(b);
        return FN_OK;
    }
    fn_status status = text_fold(ctx, a, k->utf8, hay);
    if (status == FN_OK) status = text_fold(ctx, b, k->utf8, needle);
    if (status != FN_OK) fn_column_drop(*hay);
    return status;
}

/* Number from 1 of the hit at byte `at`, or 0 for -1. */
static uint64_t hit_number(const kind *k, fn_str s, ptrdiff_t at)
{
    if (at < 0) return 0;
    return 1 + (k->utf8 ? utf8_count((fn_str){s.data, (size_t)at}) : (uint64_t)at);
}

/* ---- position ---- */
static fn_status bind_position(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "ssi"));
    if (call->arg_count > 2 && !fn_type_is_unsigned(call->arg_types[2])) return func_illegal(ctx, call);
    FN_TRY(set_kind(ctx, call));
    return func_bind_u64(ctx, call);
}

/* All rows of a FLAT String column against one needle: the column's bytes are searched as one. */
static void position_column(const kind *k, const fn_column *c, uint32_t rows, fn_str needle, uint8_t *out)
{
    const uint32_t *o = c->offsets;
    const char *bytes = (const char *)c->values;
    memset(out, 0, (size_t)rows * 8);
    size_t at = o[0];
    const size_t end = o[rows];
    for (uint32_t row = 0; row < rows;) {
        const size_t hit = at + kern.find(bytes + at, end - at, needle.data, needle.size);
        if (hit >= end) return;
        while (o[row + 1] <= hit) row++;
        if (hit + needle.size <= o[row + 1])
            fn_store_u64(out + (size_t)row * 8, hit_number(k, (fn_str){bytes + o[row], o[row + 1] - o[row]}, (ptrdiff_t)(hit - o[row])));
        at = o[++row]; /* a hit across the border: none begins later in this row */
    }
}

static uint64_t position_row(const kind *k, fn_str s, fn_str needle, uint64_t start)
{
    size_t from = 0;
    if (start > 1) {
        if (start - 1 > s.size) return 0;
        from = k->utf8 ? utf8_skip(s, (size_t)start - 1) : (size_t)start - 1;
        if (k->utf8 && from == s.size && utf8_count(s) < start - 1) return 0;
    }
    return hit_number(k, s, text_find(s, from, needle));
}

static fn_status eval_position(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const kind *k = call->data;
    fn_column *hay, *needle;
    uint8_t *values;
    FN_TRY(both_folded(ctx, k, args[k->needle_first ? 1 : 0], args[k->needle_first ? 0 : 1], &hay, &needle));
    *out = func_new_fixed(ctx, call->type, rows, &values);
    if (*out) {
        if (hay->shape == FN_FLAT && hay->offsets && needle->shape == FN_CONST && text_at(needle, 0).size && call->arg_count == 2)
            position_column(k, hay, rows, text_at(needle, 0), values);
        else
            for (size_t i = 0; i < rows; i++)
                fn_store_u64(values + i * 8, position_row(k, text_at(hay, i), text_at(needle, i), call->arg_count > 2 ? fn_column_u64_at(args[2], i) : 0));
    }
    fn_column_drop(hay);
    fn_column_drop(needle);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- countSubstrings ---- */
static uint64_t count_row(const kind *k, fn_str s, fn_str needle, uint64_t start)
{
    uint64_t n = 0;
    if (needle.size == 0 || start > s.size + 1) return 0;
    size_t at = start > 1 ? (k->utf8 ? utf8_skip(s, (size_t)start - 1) : (size_t)start - 1) : 0;
    for (ptrdiff_t hit; (hit = text_find(s, at, needle)) >= 0; n++) at = (size_t)hit + needle.size;
    return n;
}
static fn_status eval_count(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const kind *k = call->data;
    fn_column *hay, *needle;
    uint8_t *values;
    FN_TRY(both_folded(ctx, k, args[0], args[1], &hay, &needle));
    *out = func_new_fixed(ctx, call->type, rows, &values);
    for (size_t i = 0; *out && i < rows; i++)
        fn_store_u64(values + i * 8, count_row(k, text_at(hay, i), text_at(needle, i), call->arg_count > 2 ? fn_column_u64_at(args[2], i) : 0));
    fn_column_drop(hay);
    fn_column_drop(needle);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- hasSubsequence ---- */
static fn_status bind_subsequence(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    FN_TRY(set_kind(ctx, call));
    return func_bind_u8(ctx, call);
}
/* Bytes do for UTF-8 too only if whole code points are matched; so they are taken unit by unit. */
static bool has_subsequence(const kind *k, fn_str s, fn_str needle)
{
    size_t at = 0;
    for (size_t n = 0; n < needle.size;) {
        const size_t width = k->utf8 ? utf8_next(needle, n) - n : 1;
        bool found = false;
        while (at < s.size && !found) {
            const size_t next = k->utf8 ? utf8_next(s, at) : at + 1;
            found = next - at == width && memcmp(s.data + at, needle.data + n, width) == 0;
            at = next;
        }
        if (!found) return false;
        n += width;
    }
    return true;
}
static fn_status eval_subsequence(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const kind *k = call->data;
    fn_column *hay, *needle;
    uint8_t *values;
    FN_TRY(both_folded(ctx, k, args[0], args[1], &hay, &needle));
    *out = func_new_fixed(ctx, call->type, rows, &values);
    for (size_t i = 0; *out && i < rows; i++) values[i] = has_subsequence(k, text_at(hay, i), text_at(needle, i));
    fn_column_drop(hay);
    fn_column_drop(needle);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- multiSearch*: an array of needles ---- */
typedef enum multi_way { MULTI_ANY, MULTI_FIRST_INDEX, MULTI_FIRST_POSITION, MULTI_ALL } multi_way;
static multi_way way_of(const func_call *call)
{
    const char *name = call->def->name + strlen("multiSearch");
    return strncmp(name, "Any", 3) == 0 ? MULTI_ANY : strncmp(name, "FirstIndex", 10) == 0 ? MULTI_FIRST_INDEX : strncmp(name, "FirstPosition", 13) == 0 ? MULTI_FIRST_POSITION : MULTI_ALL;
}
static fn_status bind_multi(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "sa"));
    if (call->arg_types[1]->args[0]->id == FN_T_NOTHING) return func_illegal(ctx, call);
    FN_TRY(set_kind(ctx, call));
    const multi_way way = way_of(call);
    if (way == MULTI_ANY) return func_bind_u8(ctx, call);
    if (way != MULTI_ALL) return func_bind_u64(ctx, call);
    call->type = fn_type_array(fn_type_simple(FN_T_UINT64));
    return FN_OK;
}
static fn_status multi_all(fn_ctx *ctx, const kind *k, fn_str s, const fn_column *needles, uint32_t first, uint32_t count, fn_builder *b)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t at = hit_number(k, s, text_find(s, 0, text_at(needles, first + i)));
        FN_TRY(fn_builder_fixed(ctx, &b->kids[0], &at));
    }
    return fn_builder_close_array(ctx, b);
}
static fn_status multi_one(fn_ctx *ctx, const kind *k, multi_way way, fn_str s, const fn_column *needles, uint32_t first, uint32_t count, fn_builder *b)
{
    uint64_t result = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t at = hit_number(k, s, text_find(s, 0, text_at(needles, first + i)));
        if (!at) continue;
        if (way == MULTI_FIRST_POSITION) {
            result = result && result < at ? result : at;
            continue;
        }
        result = way == MULTI_ANY ? 1 : i + 1;
        break;
    }
    return fn_builder_fixed(ctx, b, &result); /* little endian: UInt8 takes the first byte */
}
static fn_status eval_multi(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const kind *k = call->data;
    const multi_way way = way_of(call);
    fn_column *hay, *needles;
    fn_builder b;
    fn_column *items = fn_column_flatten(ctx, args[1]->kids[0]);
    FN_TRY_PTR(ctx, items);
    fn_status status = both_folded(ctx, k, args[0], items, &hay, &needles);
    fn_column_drop(items);
    FN_TRY(status);
    status = fn_builder_init(ctx, &b, call->type);
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const size_t at = args[1]->shape == FN_CONST ? 0 : i;
        const uint32_t first = args[1]->offsets[at], count = args[1]->offsets[at + 1] - first;
        status = way == MULTI_ALL ? multi_all(ctx, k, text_at(hay, i), needles, first, count, &b)
                                  : multi_one(ctx, k, way, text_at(hay, i), needles, first, count, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_column_drop(hay);
    fn_column_drop(needles);
    return status;
}

#define POSITION(fn, names, more, what, ex, res)                                                                                         \
    {.name = fn, .aliases = names, .args_min = 2, .args_max = 3, .flags = FUNC_PER_ENTRY | (more), .bind = bind_position, .eval = eval_position, .about = what, .example = ex, .gives = res}
#define COUNT(fn, more, what, ex, res)                                                                                                   \
    {.name = fn, .args_min = 2, .args_max = 3, .flags = FUNC_PER_ENTRY | (more), .bind = bind_position, .eval = eval_count, .about = what, .example = ex, .gives = res}
#define SUBSEQUENCE(fn, what, ex)                                                                                                        \
    {.name = fn, .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, .bind = bind_subsequence, .eval = eval_subsequence, .about = what, .example = ex, .gives = "1"}
#define MULTI(way, suffix, what, ex, res)                                                                                                \
    {.name = "multiSearch" way suffix, .args_min = 2, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_multi, .eval = eval_multi, .about = what, .example = "multiSearch" way suffix ex, .gives = res}
#define MULTI_KINDS(way, what, ex, res)                                                                                                  \
    MULTI(way, "", what ".", ex, res), MULTI(way, "CaseInsensitive", what ", ignoring ASCII case.", ex, res), \
    MULTI(way, "UTF8", what ", counting code points.", ex, res), MULTI(way, "CaseInsensitiveUTF8", what ", counting code points and ignoring case.", ex, res)

static const char *const instr_names[] = {"instr", NULL};
static const func_def rows_[] = {
    POSITION("position", NULL, FUNC_CASE_INSENSITIVE, "Byte from 1 where the second string first occurs in the first; 0 if it does not.", "position('hello', 'l')", "3"),
    POSITION("locate", NULL, FUNC_CASE_INSENSITIVE, "position with the two strings exchanged.", "locate('l', 'hello')", "3"),
    POSITION("positionCaseInsensitive", instr_names, FUNC_CASE_INSENSITIVE, "position ignoring ASCII case.", "positionCaseInsensitive('HELLO', 'l')", "3"),
    POSITION("positionUTF8", NULL, 0, "position counting code points.", "positionUTF8('дом', 'м')", "3"),
    POSITION("positionCaseInsensitiveUTF8", NULL, 0, "position counting code points and ignoring case.", "positionCaseInsensitiveUTF8('ДОМ', 'м')", "3"),
    COUNT("countSubstrings", FUNC_CASE_INSENSITIVE, "How often the second string occurs in the first, without overlap.", "countSubstrings('ababab', 'ab')", "3"),
    COUNT("countSubstringsCaseInsensitive", 0, "countSubstrings ignoring ASCII case.", "countSubstringsCaseInsensitive('aBAb', 'ab')", "2"),
    COUNT("countSubstringsCaseInsensitiveUTF8", 0, "countSubstrings ignoring case.", "countSubstringsCaseInsensitiveUTF8('ДОМдом', 'дом')", "2"),
    SUBSEQUENCE("hasSubsequence", "1 if the bytes of the second string occur in the first in order, with gaps.", "hasSubsequence('garbage', 'arg')"),
    SUBSEQUENCE("hasSubsequenceCaseInsensitive", "hasSubsequence ignoring ASCII case.", "hasSubsequenceCaseInsensitive('GARBAGE', 'arg')"),
    SUBSEQUENCE("hasSubsequenceUTF8", "hasSubsequence by code points.", "hasSubsequenceUTF8('привет', 'пвт')"),
    SUBSEQUENCE("hasSubsequenceCaseInsensitiveUTF8", "hasSubsequence by code points ignoring case.", "hasSubsequenceCaseInsensitiveUTF8('ПРИВЕТ', 'пвт')"),
    MULTI_KINDS("Any", "1 if one of the strings occurs", "('hello', ['z', 'l'])", "1"),
    MULTI_KINDS("FirstIndex", "Number of the first of the strings that occurs, 0 if none does", "('hello', ['z', 'l'])", "2"),
    MULTI_KINDS("FirstPosition", "The leftmost position at which one of the strings occurs, 0 if none does", "('hello', ['o', 'l'])", "3"),
    MULTI_KINDS("AllPositions", "The first position of each of the strings", "('hello', ['o', 'z'])", "[5,0]"),
};
const func_family func_family_search = FUNC_FAMILY("string search", rows_);
