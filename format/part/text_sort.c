/* text_sort.c - the entries of a dictionary in byte order.
 *
 * Quicksort by 8 bytes at a time: strings are compared as numbers, those that are equal so far by their next 8 bytes, so that what
 * many of them begin with ("https://www.") is looked at once per string and not with every comparison. Long equal beginnings, and
 * pivots that divide badly again and again, are left to qsort, so that no input costs more than n log n comparisons.
 * Source: Bentley, Sedgewick, Fast Algorithms for Sorting and Searching Strings, 1997, with words as characters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/text_dict.h"
#include <stdlib.h>

enum { WORD = 8, WORDS_MAX = 64, FEW = 12 };

typedef struct item {
    uint64_t word; /* at the depth of the range it is in, big endian */
    uint32_t entry;
} item;

/* Bytes from `depth` on; what is behind the end counts as 0. */
static uint64_t word_at(fn_str s, size_t depth)
{
    if (s.size <= depth) return 0;
    return text_prefix((fn_str){s.data + depth, s.size - depth});
}

static int by_text(const void *a, const void *b, void *self)
{
    const item *x = a, *y = b;
    const fn_str *strings = self;
    return fn_str_compare(strings[x->entry], strings[y->entry]);
}

static void sort_few(const fn_str *strings, item *v, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        const item one = v[i];
        uint32_t at = i;
        for (; at > 0; at--) {
            const item *before = &v[at - 1];
            if (before->word < one.word || (before->word == one.word && fn_str_compare(strings[before->entry], strings[one.entry]) <= 0)) break;
            v[at] = *before;
        }
        v[at] = one;
    }
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
    return a < b ? (b < c ? b : FN_MAX(a, c)) : (a < c ? a : FN_MAX(b, c));
}

/* v[0, *below) less than the pivot, v[*below, *above) equal, the rest greater. */
static void divide(item *v, uint32_t n, uint32_t *below, uint32_t *above)
{
    const uint64_t pivot = median(v[n / 4].word, v[n / 2].word, v[n / 4 * 3].word);
    uint32_t low = 0, at = 0, high = n;
    while (at < high) {
        const item one = v[at];
        if (one.word < pivot) {
            v[at++] = v[low];
            v[low++] = one;
        } else if (one.word > pivot) {
            v[at] = v[--high];
            v[high] = one;
        } else {
            at++;
        }
    }
    *below = low;
    *above = high;
}

/* Strings that end within the word that all have: they differ in zeros at their ends and come first, by size. Returns how many. */
static uint32_t part_ended(const fn_str *strings, item *v, uint32_t n, size_t end)
{
    uint32_t ended = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (strings[v[i].entry].size > end) continue;
        const item one = v[i];
        v[i] = v[ended];
        v[ended++] = one;
    }
    if (ended > 1) sort_few(strings, v, ended); /* entries differ: 9 at most */
    return ended;
}

/* bad: how many more uneven divisions are taken. */
static void sort_words(const fn_str *strings, item *v, uint32_t n, unsigned words, unsigned bad)
{
    while (n > FEW && words < WORDS_MAX && bad) {
        uint32_t below, above;
        divide(v, n, &below, &above);
        if (FN_MAX(below, n - above) > n / 8 * 7) bad--;
        sort_words(strings, v, below, words, bad);
        sort_words(strings, v + above, n - above, words, bad);
        v += below;
        n = above - below;
        words++;
        if (n < 2) return;
        const uint32_t ended = part_ended(strings, v, n, (size_t)words * WORD);
        v += ended;
        n -= ended;
        for (uint32_t i = 0; i < n; i++) v[i].word = word_at(strings[v[i].entry], (size_t)words * WORD);
    }
    if (n <= FEW) sort_few(strings, v, n);
    else qsort_r(v, n, sizeof *v, by_text, (void *)(uintptr_t)strings);
}

/* Entries, prefixes, marks and the number of '' in the order of `v`. */
static fn_status reorder(fn_ctx *ctx, text_dict *d, const item *v, uint32_t *rank)
{
    fn_buf strings = FN_BUF_INIT, prefixes = FN_BUF_INIT;
    uint8_t *used = d->used ? fn_alloc(ctx, d->entries) : NULL;
    fn_status status = d->used && !used ? ctx->error.code : fn_buf_reserve(ctx, &strings, d->strings.size);
    if (status == FN_OK) status = fn_buf_reserve(ctx, &prefixes, d->prefixes.size);
    if (status != FN_OK) {
        fn_buf_release(&strings);
        fn_free(used);
        return status;
    }
    fn_str *to = (fn_str *)(void *)strings.data;
    for (uint32_t i = 0; i < d->entries; i++) {
        const uint32_t entry = v[i].entry;
        to[i] = text_dict_at(d, entry);
        memcpy(prefixes.data + i * sizeof(uint64_t), d->prefixes.data + entry * sizeof(uint64_t), sizeof(uint64_t));
        if (used) used[i] = entry >= d->seeded || d->used[entry];
        if (rank) rank[entry] = i;
    }
    strings.size = d->strings.size;
    prefixes.size = d->prefixes.size;
    fn_buf_release(&d->strings);
    fn_buf_release(&d->prefixes);
    d->strings = strings;
    d->prefixes = prefixes;
    if (used) d->seeded = d->entries;
    fn_free(d->used);
    d->used = used;
    if (d->empty != DICT_NONE) d->empty = 0; /* before all others */
    return FN_OK;
}

fn_status text_dict_sort(fn_ctx *ctx, text_dict *d, uint32_t *rank)
{
    enum { BAD_MAX = 24 };
    const uint32_t n = d->entries;
    item *v = fn_alloc(ctx, FN_MAX(n, 1u) * sizeof *v);
    FN_TRY_PTR(ctx, v);
    for (uint32_t i = 0; i < n; i++) v[i] = (item){fn_load_u64(d->prefixes.data + i * sizeof(uint64_t)), i};
    sort_words(text_dict_strings(d), v, n, 0, BAD_MAX);
    const fn_status status = n ? reorder(ctx, d, v, rank) : FN_OK;
    fn_free(v);
    FN_TRY(status);
    text_dict_forget_slots(d);
    text_dict_forget_maps(d);
    return FN_OK;
}
