/* test_text_dict.c - the dictionary of a string stream while it is written: numbers against a search, order against fn_str_compare,
 * strings added behind a sort, copies and borrowed strings, entries that no row has. FIRN_SEED repeats a run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/text_dict.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int failures;
static uint64_t state;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))
enum { STRINGS = 4000, LONGEST = 1200 };

static uint64_t next(void)
{
    state += 0x9e3779b97f4a7c15u;
    return fn_hash_u64(state);
}

/* How strings are made: what they have in common, and how they may end. */
typedef enum making { ANY_BYTES, FEW_BYTES, COMMON_START, ZEROS, NESTED, RISING, MAKINGS } making;

static fn_str make_string(making how, uint32_t number, char *out)
{
    size_t size = 0;
    switch (how) {
    case ANY_BYTES:
        for (size = next() % 30; size && next() % 30; size--) {}
        for (size_t i = 0; i < size; i++) out[i] = (char)next();
        break;
    case FEW_BYTES:
        size = next() % 20;
        for (size_t i = 0; i < size; i++) out[i] = (char)('a' + next() % 2);
        break;
    case COMMON_START: /* longer than what is compared by words */
        size = next() % 2 ? 700 : 40;
        memset(out, 'x', size);
        for (unsigned i = 0; i < 3; i++) out[size++] = (char)('0' + next() % 10);
        break;
    case ZEROS:
        size = next() % 40;
        memset(out, 0, size);
        if (size && next() % 3 == 0) out[next() % size] = 1;
        break;
    case NESTED: /* each the beginning of the next */
        size = number % LONGEST;
        memset(out, 'n', size);
        break;
    case RISING: size = (size_t)snprintf(out, LONGEST, "http://www.example.com/page/%08u", number); break;
    case MAKINGS: break;
    }
    return (fn_str){out, size};
}

static void check_order(fn_ctx *ctx, text_dict *d, const fn_str *given, const uint32_t *codes, uint32_t count)
{
    uint32_t *rank = fn_alloc(ctx, (d->entries + 1u) * sizeof *rank), code;
    const uint32_t entries = d->entries;
    CHECK(rank && text_dict_sort(ctx, d, rank) == FN_OK && d->entries == entries);
    for (uint32_t i = 1; i < entries; i++) CHECK(fn_str_compare(text_dict_at(d, i - 1), text_dict_at(d, i)) < 0);
    for (uint32_t i = 0; i < entries; i++) CHECK(fn_load_u64(d->prefixes.data + i * sizeof(uint64_t)) == text_prefix(text_dict_at(d, i)));
    for (uint32_t i = 0; i < count; i++) CHECK(fn_str_eq(text_dict_at(d, rank[codes[i]]), given[i]));
    CHECK(d->empty == DICT_NONE || text_dict_at(d, d->empty).size == 0);
    for (uint32_t i = 0; i < count; i += 7) CHECK(text_dict_add(ctx, d, given[i], &code) == FN_OK && code == rank[codes[i]]);
    CHECK(text_dict_add(ctx, d, FN_STR("behind the sort"), &code) == FN_OK && code == entries && d->entries == entries + 1);
    fn_free(rank);
}

static void check_making(fn_ctx *ctx, making how, uint32_t count, bool borrows)
{
    static char bytes[STRINGS][LONGEST + 8];
    static fn_str given[STRINGS];
    static uint32_t codes[STRINGS];
    text_dict d;
    uint64_t size = 0;
    CHECK(text_dict_init(ctx, &d) == FN_OK);
    d.borrows = borrows;
    for (uint32_t i = 0; i < count; i++) {
        given[i] = make_string(how, i, bytes[i]);
        const uint32_t before = d.entries;
        CHECK(text_dict_add(ctx, &d, given[i], &codes[i]) == FN_OK && codes[i] <= before && fn_str_eq(text_dict_at(&d, codes[i]), given[i]));
        if (d.entries > before) size += given[i].size;
        CHECK(!borrows || codes[i] != before || text_dict_at(&d, codes[i]).data == given[i].data);
    }
    CHECK(d.bytes == size);
    check_order(ctx, &d, given, codes, count);
    text_dict_release(&d);
}

/* A dictionary that begins with all strings, and rows that have every third of them. */
static void check_forgotten(fn_ctx *ctx, making how, uint32_t count)
{
    static char bytes[STRINGS][LONGEST + 8];
    text_dict d;
    uint32_t code, unused;
    CHECK(text_dict_init(ctx, &d) == FN_OK);
    for (uint32_t i = 0; i < count; i++) CHECK(text_dict_add(ctx, &d, make_string(how, i, bytes[i]), &code) == FN_OK);
    CHECK(text_dict_sort(ctx, &d, NULL) == FN_OK && text_dict_seeded(ctx, &d) == FN_OK);
    const uint32_t entries = d.entries;
    fn_str *before = fn_alloc(ctx, (entries + 1u) * sizeof *before);
    CHECK(before);
    for (uint32_t i = 0; i < entries; i++) before[i] = text_dict_at(&d, i);
    for (uint32_t i = 0; i < entries; i += 3) CHECK(text_dict_add(ctx, &d, before[i], &code) == FN_OK && code == i);
    unused = text_dict_unused(&d);
    CHECK(unused == entries - (entries + 2) / 3 && d.entries == entries);
    bool sorted = true;
    CHECK(text_dict_forget_unused(ctx, &d, &sorted) == FN_OK && d.entries == entries);
    for (uint32_t i = 0; i < entries; i++) {
        const fn_str now = text_dict_at(&d, i);
        CHECK(i % 3 ? !fn_str_eq(now, before[i]) : fn_str_eq(now, before[i]));
        CHECK(fn_load_u64(d.prefixes.data + i * sizeof(uint64_t)) == text_prefix(now));
        CHECK(!sorted || i == 0 || fn_str_compare(text_dict_at(&d, i - 1), now) < 0);
    }
    CHECK(sorted || how == ZEROS || how == NESTED || how == COMMON_START);
    for (uint32_t i = 0; i < entries; i++) CHECK(text_dict_add(ctx, &d, text_dict_at(&d, i), &code) == FN_OK && code == i); /* all differ */
    fn_free(before);
    text_dict_release(&d);
}

int main(void)
{
    const char *seed = getenv("FIRN_SEED");
    state = seed ? strtoull(seed, NULL, 10) : (uint64_t)getpid() * 7919;
    printf("seed %llu\n", (unsigned long long)state);
    fn_ctx ctx = {0};
    for (making how = ANY_BYTES; how < MAKINGS; how++) {
        for (uint32_t count = 0; count < 40; count++) check_making(&ctx, how, count, count % 2);
        for (uint32_t count = 0; count < 40; count++) check_forgotten(&ctx, how, count);
        check_forgotten(&ctx, how, STRINGS);
        check_making(&ctx, how, STRINGS, true);
        check_making(&ctx, how, STRINGS, false);
    }
    printf("%d failures\n", failures);
    return failures != 0;
}
