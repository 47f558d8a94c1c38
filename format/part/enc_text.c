/* enc_text.c - strings without a dictionary. ENC_TEXT payload: u32 size of the lengths, lengths (nested), bytes.
 * All equal: ENC_CONSTANT with the one string as payload. SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

static bool all_equal(const uint32_t *lengths, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (lengths[i] != lengths[0]) return false;
    const size_t size = count ? lengths[0] : 0;
    return count && (size == 0 || memcmp(bytes, bytes + size, size * (count - 1)) == 0);
}

/* All but the bytes. */
static fn_status encode_lengths(fn_ctx *ctx, const int64_t *lengths, uint32_t count, fn_buf *out)
{
    const size_t start = out->size;
    const uint32_t zero = 0;
    FN_TRY(fn_buf_byte(ctx, out, ENC_TEXT));
    FN_TRY(fn_buf_append(ctx, out, &zero, sizeof zero));
    FN_TRY(enc_ints_encode(ctx, lengths, count, sizeof(uint32_t), ENC_OF_OTHER, false, out));
    fn_store_u32(out->data + start + 1, (uint32_t)(out->size - start - 5));
    return FN_OK;
}

fn_status enc_text_encode(fn_ctx *ctx, const uint32_t *lengths, const uint8_t *bytes, uint32_t count, fn_buf *out)
{
    if (all_equal(lengths, bytes, count)) {
        FN_TRY(fn_buf_byte(ctx, out, ENC_CONSTANT));
        return fn_buf_append(ctx, out, bytes, lengths[0]);
    }
    int64_t v[BLOCK_ROWS];
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        v[i] = lengths[i];
        total += lengths[i];
    }
    FN_TRY(encode_lengths(ctx, v, count, out));
    return fn_buf_append(ctx, out, bytes, total);
}

fn_status enc_text_encode_strings(fn_ctx *ctx, const fn_str *strings, uint32_t count, fn_buf *out)
{
    enum { AHEAD = 16 }; /* strings lie anywhere */
    if (count == 1) {
        FN_TRY(fn_buf_byte(ctx, out, ENC_CONSTANT));
        return fn_buf_str(ctx, out, strings[0]);
    }
    int64_t v[BLOCK_ROWS];
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        v[i] = (int64_t)strings[i].size;
        total += strings[i].size;
    }
    FN_TRY(encode_lengths(ctx, v, count, out));
    FN_TRY(fn_buf_reserve(ctx, out, total));
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(strings[FN_MIN(i + AHEAD, count - 1)].data);
        if (strings[i].size) memcpy(out->data + out->size, strings[i].data, strings[i].size);
        out->size += strings[i].size;
    }
    return FN_OK;
}

bool enc_text_decode(const uint8_t *in, size_t size, uint32_t count, uint32_t *lengths, const uint8_t **bytes, uint64_t *total, bool *constant)
{
    enc_in at = {in, in + size};
    const uint8_t *id = enc_take(&at, 1);
    if (!id) return false;
    *constant = *id == ENC_CONSTANT;
    if (*constant) {
        const size_t one = (size_t)(at.end - at.at);
        if (one > UINT32_MAX) return false;
        for (uint32_t i = 0; i < count; i++) lengths[i] = (uint32_t)one;
        *bytes = at.at;
        *total = (uint64_t)one * count;
        return true;
    }
    uint32_t length_size;
    if (*id != ENC_TEXT || !enc_take_u32(&at, &length_size)) return false;
    const uint8_t *packed = enc_take(&at, length_size);
    if (!packed || !enc_decode(packed, length_size, count, sizeof *lengths, 1, (uint8_t *)lengths)) return false;
    *bytes = at.at;
    *total = 0;
    for (uint32_t i = 0; i < count; i++) *total += lengths[i];
    return *total == (uint64_t)(at.end - at.at);
}
