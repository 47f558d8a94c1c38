/* part/text_dict.h - the part-wide dictionary of a string stream while it is written: string -> number, in order of appearance.
 * Open addressing over (hash tag, number) pairs. One thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEXT_DICT_H
#define FIRN_TEXT_DICT_H
#include <firn/arena.h>
#include <firn/bits.h>
#include <firn/column.h>

#define DICT_NONE UINT32_MAX
#define DICT_UNMET 0x80000000u /* in a map, beside a number: there in advance, no row has it yet. Numbers are below it */

typedef struct text_dict {
    fn_buf strings;     /* fn_str per entry */
    fn_buf prefixes;    /* u64 per entry: the first 8 bytes, big endian, so that numbers order as strings do */
    uint64_t bytes;     /* of all entries */
    bool borrows;       /* new entries point to where strings were given, which outlives the dictionary; false: into `store` */
    fn_column **kept;   /* columns that entries point into */
    uint32_t kept_count;
    fn_buf *store;      /* copies, end to end; what is in them never moves */
    uint32_t store_count;
    fn_buffer *slot_memory;
    uint64_t *slots;    /* high half: 32 bits of the hash, whose low ones say where the slot should lie; low half: entry + 1; 0 = free */
                        /* NULL: to be made again, of mask + 1, before anything is looked up */
    uint32_t mask, entries;
    uint32_t empty;     /* entry of '', DICT_NONE */
    uint32_t seeded;    /* the first so many entries were there before the rows: */
    uint8_t *used;      /* ... 1 where one of them has been met. NULL: none were */
    /* DICT columns: their entries' numbers here, filled as they are met */
    struct dict_map {
        fn_column *dictionary; /* referenced, so that the address stays its own */
        uint32_t *codes;
    } *maps;
    uint32_t map_count, maps_max, next_map; /* so many at once; next_map: which one goes next */
} text_dict;

fn_status text_dict_init(fn_ctx *ctx, text_dict *d) FN_MUST_USE;
void text_dict_release(text_dict *d);
fn_status text_dict_add(fn_ctx *ctx, text_dict *d, fn_str s, uint32_t *out) FN_MUST_USE;
fn_status text_dict_keep(fn_ctx *ctx, text_dict *d, fn_column *c) FN_MUST_USE; /* c lives as long as the dictionary, which may borrow from it */
/* Rows [from, from + rows) of a FLAT column without NULLs. */
fn_status text_dict_add_all(fn_ctx *ctx, text_dict *d, const fn_column *c, size_t from, uint32_t rows, uint32_t *out) FN_MUST_USE;
/* Numbers of rows [from, from + rows) of a DICT column; rows that are NULL get 0. */
fn_status text_dict_translate(fn_ctx *ctx, text_dict *d, const fn_column *c, size_t from, uint32_t rows, uint32_t *out) FN_MUST_USE;
static inline const fn_str *text_dict_strings(const text_dict *d)
{
    return (const fn_str *)(const void *)d->strings.data;
}
static inline fn_str text_dict_at(const text_dict *d, uint32_t entry)
{
    return text_dict_strings(d)[entry];
}
static inline uint64_t text_prefix(fn_str s)
{
    uint64_t v = 0;
    if (s.size >= sizeof v) memcpy(&v, s.data, sizeof v);
    else if (s.size) memcpy(&v, s.data, s.size);
    return __builtin_bswap64(v);
}
void text_dict_forget_maps(text_dict *d);
void text_dict_forget_slots(text_dict *d); /* strings or numbers have changed: they are made again when they are needed */
void text_dict_expect(text_dict *d, uint32_t dictionaries); /* DICT columns of so many dictionaries will come by turns */
/* The map of a dictionary that is known in advance; codes: numbers with DICT_UNMET, DICT_NONE where there is none. Taken in any case. */
fn_status text_dict_set_map(fn_ctx *ctx, text_dict *d, const fn_column *dictionary, uint32_t *codes_take) FN_MUST_USE;
/* Puts the entries into byte order: rank[old number] = new number (rank may be NULL). text_sort.c */
fn_status text_dict_sort(fn_ctx *ctx, text_dict *d, uint32_t *rank) FN_MUST_USE;
fn_status text_dict_store(fn_ctx *ctx, text_dict *d, fn_str *s) FN_MUST_USE; /* *s becomes a copy that lives as long as the dictionary */

/* ---- text_forget.c ---- */
/* What is in it by now is there in advance of the rows: it is noted which of it they have. */
fn_status text_dict_seeded(fn_ctx *ctx, text_dict *d) FN_MUST_USE;
uint32_t text_dict_unused(const text_dict *d); /* entries that no row has */
/* Those entries lose their strings and get others that no entry has and that, if *sorted, leave the entries in order as far as there are such
 * (*sorted false: they are not any more). */
fn_status text_dict_forget_unused(fn_ctx *ctx, text_dict *d, bool *sorted) FN_MUST_USE;
#endif
