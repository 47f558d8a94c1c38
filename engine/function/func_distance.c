/* func_distance.c - how alike two strings are: edit distances, Jaro, Jaccard, Hamming; soundex; statistics of bytes.
 * Edit distances take time and memory in proportion to the product of the sizes: strings above 64 Ki are refused, as in ClickHouse.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include "function/utf8.h"
#include <math.h>

enum { SIZE_MAX_EDIT = 65536 };

TEXT_BIND(bind_two_u64, "ss", func_bind_u64)
TEXT_BIND(bind_two_f64, "ss", func_bind_f64)

/* ---- code points of both strings in one array ---- */
typedef struct codes {
    uint32_t *a, *b;
    size_t n, m;
    fn_buf memory;
} codes;
static fn_status to_codes(fn_ctx *ctx, const func_call *call, fn_str s, bool utf8, uint32_t *out, size_t *n)
{
    *n = 0;
    for (size_t at = 0; at < s.size;) {
        uint32_t code = (uint8_t)s.data[at];
        const size_t width = utf8 ? utf8_decode(s, at, &code) : 1;
        if (!width) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Illegal UTF-8 sequence, while processing function %s", call->def->name);
        out[(*n)++] = code;
        at += width;
    }
    return FN_OK;
}
static fn_status both_codes(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, codes *c)
{
    const fn_str a = text_at(args[0], row), b = text_at(args[1], row);
    const bool utf8 = fn_str_ends(fn_cstr(call->def->name), FN_STR("UTF8"));
    if (a.size > SIZE_MAX_EDIT || b.size > SIZE_MAX_EDIT)
        return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "The string size is too big for function %s, should be at most %d", call->def->name, SIZE_MAX_EDIT);
    c->memory.size = 0;
    FN_TRY(fn_buf_reserve(ctx, &c->memory, (a.size + b.size) * sizeof(uint32_t)));
    c->a = (uint32_t *)(void *)c->memory.data;
    c->b = c->a + a.size;
    FN_TRY(to_codes(ctx, call, a, utf8, c->a, &c->n));
    return to_codes(ctx, call, b, utf8, c->b, &c->m);
}

/* Three rows of the table of distances; swaps: neighbours exchanged count once. */
static uint32_t edit_distance(const codes *c, bool swaps, uint32_t *rows)
{
    const size_t width = c->m + 1;
    uint32_t *before = rows, *above = rows + width, *here = rows + 2 * width;
    for (size_t j = 0; j < width; j++) above[j] = (uint32_t)j;
    for (size_t i = 1; i <= c->n; i++) {
        here[0] = (uint32_t)i;
        for (size_t j = 1; j < width; j++) {
            const uint32_t change = above[j - 1] + (c->a[i - 1] != c->b[j - 1]);
            uint32_t best = FN_MIN(FN_MIN(above[j], here[j - 1]) + 1, change);
            if (swaps && i > 1 && j > 1 && c->a[i - 1] == c->b[j - 2] && c->a[i - 2] == c->b[j - 1]) best = FN_MIN(best, before[j - 2] + 1);
            here[j] = best;
        }
        uint32_t *free_row = before;
        before = above;
        above = here;
        here = free_row;
    }
    return above[c->m];
}
static fn_status edit_run(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, bool swaps, fn_column **out)
{
    codes c = {.memory = FN_BUF_INIT};
    fn_buf table = FN_BUF_INIT;
    uint8_t *values;
    fn_column *made = func_new_fixed(ctx, call->type, rows, &values);
    fn_status status = made ? FN_OK : ctx->error.code;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        status = both_codes(ctx, call, args, i, &c);
        if (status == FN_OK) status = fn_buf_reserve(ctx, &table, 3 * (c.m + 1) * sizeof(uint32_t));
        if (status == FN_OK) fn_store_u64(values + 8 * i, edit_distance(&c, swaps, (uint32_t *)(void *)table.data));
        if (status == FN_OK && i % 64 == 63) status = fn_ctx_check(ctx);
    }
    fn_buf_release(&c.memory);
    fn_buf_release(&table);
    if (status != FN_OK) fn_column_drop(made);
    else *out = made;
    return status;
}
static fn_status eval_edit(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return edit_run(ctx, call, args, rows, false, out);
}
static fn_status eval_damerau(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return edit_run(ctx, call, args, rows, true, out);
}

/* ---- Hamming ---- */
static fn_status row_hamming(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    const fn_str a = text_at(args[0], row), b = text_at(args[1], row);
    const size_t n = FN_MIN(a.size, b.size);
    uint64_t different = FN_MAX(a.size, b.size) - n;
    for (size_t i = 0; i < n; i++) different += a.data[i] != b.data[i];
    fn_store_u64(to, different);
    return FN_OK;
}
TEXT_EVAL(eval_hamming, fixed_rows, row_hamming)

/* ---- Jaccard over the sets of bytes ---- */
static fn_status row_jaccard(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    const fn_str a = text_at(args[0], row), b = text_at(args[1], row);
    uint8_t seen[256] = {0};
    unsigned either = 0, both = 0;
    for (size_t i = 0; i < a.size; i++) seen[(uint8_t)a.data[i]] |= 1;
    for (size_t i = 0; i < b.size; i++) seen[(uint8_t)b.data[i]] |= 2;
    for (unsigned i = 0; i < 256; i++) {
        either += seen[i] != 0;
        both += seen[i] == 3;
    }
    fn_store_f64(to, either ? (double)both / either : 0);
    return FN_OK;
}
TEXT_EVAL(eval_jaccard, fixed_rows, row_jaccard)

/* ---- Jaro, Jaro-Winkler ---- */
static double jaro(fn_str a, fn_str b, uint8_t *used)
{
    const size_t longest = FN_MAX(a.size, b.size), window = longest / 2 > 0 ? longest / 2 - 1 : 0;
    uint8_t *used_a = used, *used_b = used + a.size;
    size_t matches = 0, moved = 0;
    memset(used, 0, a.size + b.size);
    for (size_t i = 0; i < a.size; i++) {
        const size_t from = i > window ? i - window : 0, end = FN_MIN(i + window + 1, b.size);
        for (size_t j = from; j < end; j++) {
            if (used_b[j] || a.data[i] != b.data[j]) continue;
            used_a[i] = used_b[j] = 1;
            matches++;
            break;
        }
    }
    if (!matches) return 0;
    for (size_t i = 0, j = 0; i < a.size; i++) {
        if (!used_a[i]) continue;
        while (!used_b[j]) j++;
        moved += a.data[i] != b.data[j++];
    }
    const double m = (double)matches;
    return (m / (double)a.size + m / (double)b.size + (m - (double)(moved / 2)) / m) * (1.0 / 3);
}
static fn_status eval_jaro(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool winkler = strcmp(call->def->name, "jaroWinklerSimilarity") == 0;
    fn_buf used = FN_BUF_INIT;
    uint8_t *values;
    fn_column *made = func_new_fixed(ctx, call->type, rows, &values);
    fn_status status = made ? FN_OK : ctx->error.code;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        const fn_str a = text_at(args[0], i), b = text_at(args[1], i);
        if (a.size > SIZE_MAX_EDIT || b.size > SIZE_MAX_EDIT)
            status = fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "The string size is too big for function %s, should be at most %d", call->def->name, SIZE_MAX_EDIT);
        if (status == FN_OK) status = fn_buf_reserve(ctx, &used, a.size + b.size);
        if (status != FN_OK) break;
        /* ClickHouse gives the length of the other where one is empty */
        double d = !a.size || !b.size ? (double)(a.size + b.size) : jaro(a, b, (uint8_t *)used.data);
        size_t prefix = 0;
        while (prefix < 4 && prefix < a.size && prefix < b.size && a.data[prefix] == b.data[prefix]) prefix++;
        if (winkler && a.size && b.size && d > 0.7) d += (double)prefix * 0.1 * (1 - d);
        fn_store_f64(values + 8 * i, d);
    }
    fn_buf_release(&used);
    if (status != FN_OK) fn_column_drop(made);
    else *out = made;
    return status;
}

/* ---- soundex ---- */
TEXT_BIND(bind_text, "s", func_bind_string)
static fn_status row_soundex(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    static const char digits[] = "01230120022455012623010202"; /* A to Z; 0: no code */
    (void)call;
    const fn_str s = text_at(args[0], row);
    char code[4] = {'0', '0', '0', '0'}, last = 0;
    size_t n = 0;
    for (size_t i = 0; i < s.size && n < 4; i++) {
        if (!text_is_alpha((uint8_t)s.data[i])) continue;
        const uint8_t b = text_upper((uint8_t)s.data[i]);
        const char digit = digits[b - 'A'];
        if (n == 0) code[n++] = (char)b;
        else if (digit != '0' && digit != last) code[n++] = digit;
        last = digit;
    }
    return fn_buf_append(ctx, to, code, 4);
}
TEXT_EVAL(eval_soundex, text_rows, row_soundex)

/* ---- bytes of a string ---- */
static fn_status bind_uniq(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    call->type = fn_type_simple(FN_T_UINT16);
    return FN_OK;
}
TEXT_BIND(bind_entropy, "s", func_bind_f64)
static void count_bytes(fn_str s, uint32_t counts[256])
{
    memset(counts, 0, 256 * sizeof *counts);
    for (size_t i = 0; i < s.size; i++) counts[(uint8_t)s.data[i]]++;
}
static fn_status row_uniq(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    uint32_t counts[256];
    uint16_t n = 0;
    count_bytes(text_at(args[0], row), counts);
    for (unsigned i = 0; i < 256; i++) n = (uint16_t)(n + (counts[i] != 0));
    fn_store_u16(to, n);
    return FN_OK;
}
static fn_status row_entropy(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    uint32_t counts[256];
    const fn_str s = text_at(args[0], row);
    double entropy = 0;
    count_bytes(s, counts);
    for (unsigned i = 0; i < 256; i++) {
        const double p = (double)counts[i] / (double)s.size;
        if (counts[i]) entropy -= p * log2(p);
    }
    fn_store_f64(to, entropy);
    return FN_OK;
}
TEXT_EVAL(eval_uniq, fixed_rows, row_uniq)
TEXT_EVAL(eval_entropy, fixed_rows, row_entropy)

#define TWO(fn, names, b, e, what, ex, res)                                                                                              \
    {.name = fn, .aliases = names, .args_min = 2, .args_max = 2, .bind = b, .eval = e, .about = what, .example = fn ex, .gives = res}
#define ONE(fn, more, b, e, what, ex, res) {.name = fn, .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY | (more), .bind = b, .eval = e, .about = what, .example = fn ex, .gives = res}
static const char *const edit_names[] = {"levenshteinDistance", NULL};
static const char *const edit_utf8_names[] = {"levenshteinDistanceUTF8", NULL};
static const char *const hamming_names[] = {"mismatches", NULL};
static const func_def rows_[] = {
    TWO("editDistance", edit_names, bind_two_u64, eval_edit, "Insertions, deletions and changes of bytes that turn one string into the other.", "('kitten', 'sitting')", "3"),
    TWO("editDistanceUTF8", edit_utf8_names, bind_two_u64, eval_edit, "editDistance by code points.", "('дом', 'том')", "1"),
    TWO("damerauLevenshteinDistance", NULL, bind_two_u64, eval_damerau, "editDistance in which exchanging two neighbours counts once.", "('ab', 'ba')", "1"),
    TWO("byteHammingDistance", hamming_names, bind_two_u64, eval_hamming, "Places at which the bytes differ.", "('abc', 'abd')", "1"),
    TWO("stringJaccardIndex", NULL, bind_two_f64, eval_jaccard, "Bytes that occur in both strings by those that occur in one of them.", "('abcd', 'abcd')", "1"),
    TWO("jaroSimilarity", NULL, bind_two_f64, eval_jaro, "Jaro's similarity.", "('abc', 'abc')", "1"),
    TWO("jaroWinklerSimilarity", NULL, bind_two_f64, eval_jaro, "Jaro's similarity with Winkler's weight on a common beginning.", "('abc', 'abc')", "1"),
    ONE("soundex", FUNC_CASE_INSENSITIVE, bind_text, eval_soundex, "The Soundex code.", "('Robert')", "R163"),
    ONE("stringBytesUniq", 0, bind_uniq, eval_uniq, "Number of different bytes.", "('Hello')", "4"),
    ONE("stringBytesEntropy", 0, bind_entropy, eval_entropy, "Shannon's entropy of the bytes.", "('ab')", "1"),
};
const func_family func_family_distance = FUNC_FAMILY("string similarity", rows_);
