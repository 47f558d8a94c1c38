/* part/text_dict.h - the part-wide dictionary of a string stream while it is written: string -> number, in order of appearance.
 * Open addressing over (hash tag, number) pairs; strings end to end. One thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEXT_DICT_H
#define FIRN_TEXT_DICT_H
#include <firn/arena.h>
#include <firn/bits.h>
#include <firn/column.h>

#define DICT_NONE UINT32_MAX

typedef struct text_dict {
    fn_buf bytes, ends; /* ends: u64 per entry */
    fn_buf prefixes;    /* u64 per entry: the first 8 bytes, big endian, so that numbers order as strings do */
    uint64_t *slots;    /* high half: 32 bits of the hash, whose low ones say where the slot should lie; low half: entry + 1; 0 = free */
    uint32_t mask, entries;
    uint32_t empty;     /* entry of '', DICT_NONE */
    /* DICT columns: their entries' numbers here, filled as they are met */
    struct dict_map {
        fn_column *dictionary; /* referenced, so that the address stays its own */
        uint32_t *codes;
    } maps[4];
    unsigned next_map;
} text_dict;

fn_status text_dict_init(fn_ctx *ctx, text_dict *d) FN_MUST_USE;
void text_dict_release(text_dict *d);
fn_status text_dict_add(fn_ctx *ctx, text_dict *d, fn_str s, uint32_t *out) FN_MUST_USE;
/* Rows [from, from + rows) of a FLAT column without NULLs. */
fn_status text_dict_add_all(fn_ctx *ctx, text_dict *d, const fn_column *c, size_t from, uint32_t rows, uint32_t *out) FN_MUST_USE;
/* Numbers of rows [from, from + rows) of a DICT column; rows that are NULL get 0. */
fn_status text_dict_translate(fn_ctx *ctx, text_dict *d, const fn_column *c, size_t from, uint32_t rows, uint32_t *out) FN_MUST_USE;
static inline fn_str text_dict_at(const text_dict *d, uint32_t entry)
{
    const uint64_t from = entry ? fn_load_u64(d->ends.data + (entry - 1u) * sizeof(uint64_t)) : 0;
    return (fn_str){d->bytes.data + from, (size_t)(fn_load_u64(d->ends.data + entry * sizeof(uint64_t)) - from)};
}
static inline uint64_t text_prefix(fn_str s)
{
    uint64_t v = 0;
    if (s.size >= sizeof v) memcpy(&v, s.data, sizeof v);
    else if (s.size) memcpy(&v, s.data, s.size);
    return __builtin_bswap64(v);
}
/* Entries in byte order: rank[old number] = new number (rank may be NULL). The dictionary is rebuilt in that order. */
fn_status text_dict_sort(fn_ctx *ctx, text_dict *d, uint32_t *rank) FN_MUST_USE;
#endif
