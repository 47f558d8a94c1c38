/* text_forget.c - entries of a dictionary that no row has. A merged part's dictionary begins as the union of its sources', in order; the
 * strings of rows that are gone must not stay in it, because people remove rows to get rid of them. Numbers have been written by then, so
 * such entries get other strings, which keep the order. SPDX-License-Identifier: Apache-2.0 */
#include "part/text_dict.h"

enum { HEAD_MAX = 256, TAIL = 1 + sizeof(uint32_t) };

fn_status text_dict_seeded(fn_ctx *ctx, text_dict *d)
{
    d->used = fn_alloc_zero(ctx, FN_MAX(d->entries, 1u));
    FN_TRY_PTR(ctx, d->used);
    d->seeded = d->entries;
    return FN_OK;
}

static bool is_unused(const text_dict *d, uint32_t entry)
{
    return entry < d->seeded && !d->used[entry];
}

uint32_t text_dict_unused(const text_dict *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->seeded; i++) n += !d->used[i];
    return n;
}

/* The head, a zero byte, a number: behind the head, and the larger the number the further. */
static fn_status set_filler(fn_ctx *ctx, text_dict *d, uint32_t entry, fn_str head, uint32_t number)
{
    char text[HEAD_MAX + TAIL];
    const uint32_t swapped = __builtin_bswap32(number);
    FN_ASSERT(head.size <= HEAD_MAX);
    if (head.size) memcpy(text, head.data, head.size);
    text[head.size] = 0;
    memcpy(text + head.size + 1, &swapped, sizeof swapped);
    fn_str s = {text, head.size + TAIL};
    FN_TRY(text_dict_store(ctx, d, &s));
    const uint64_t prefix = text_prefix(s);
    d->bytes += s.size - text_dict_at(d, entry).size;
    memcpy(d->strings.data + entry * sizeof s, &s, sizeof s);
    memcpy(d->prefixes.data + entry * sizeof prefix, &prefix, sizeof prefix);
    return FN_OK;
}

/* Each filler behind the string in front of it. *fits false: some string would not lie behind the filler in front of it, or is too long. */
static fn_status fill_in_order(fn_ctx *ctx, text_dict *d, bool *fits)
{
    fn_str head = FN_STR("");
    uint32_t number = 0;
    *fits = true;
    for (uint32_t i = 0; i < d->entries && *fits; i++) {
        if (is_unused(d, i)) {
            *fits = head.size <= HEAD_MAX;
            if (*fits) FN_TRY(set_filler(ctx, d, i, head, ++number));
            continue;
        }
        head = text_dict_at(d, i);
        *fits = i == 0 || fn_str_compare(text_dict_at(d, i - 1), head) < 0;
        number = 0;
    }
    return FN_OK;
}

static fn_status fill_anyhow(fn_ctx *ctx, text_dict *d)
{
    const fn_str head = FN_STR("\1");
    uint32_t number = 0;
    for (uint32_t i = 0; i < d->entries; i++) { /* beyond the numbers that strings of rows happen to have */
        const fn_str text = text_dict_at(d, i);
        if (text.size == head.size + TAIL && text.data[0] == 1 && text.data[1] == 0) number = FN_MAX(number, __builtin_bswap32(fn_load_u32(text.data + 2)));
    }
    for (uint32_t i = 0; i < d->entries; i++)
        if (is_unused(d, i)) FN_TRY(set_filler(ctx, d, i, head, ++number));
    return FN_OK;
}

fn_status text_dict_forget_unused(fn_ctx *ctx, text_dict *d, bool *sorted)
{
    bool fits = false;
    if (text_dict_unused(d) == 0) return FN_OK;
    if (*sorted) FN_TRY(fill_in_order(ctx, d, &fits));
    if (!fits) {
        FN_TRY(fill_anyhow(ctx, d));
        *sorted = false;
    }
    if (d->empty != DICT_NONE && is_unused(d, d->empty)) d->empty = DICT_NONE;
    text_dict_forget_slots(d);
    text_dict_forget_maps(d);
    return FN_OK;
}
