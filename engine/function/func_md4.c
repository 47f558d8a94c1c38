/* func_md4.c - the MD4 digest (RFC 1320), which OpenSSL no longer offers by default. SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"

static uint32_t turn(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

/* One block of 64 bytes into the four words of the state. */
static void md4_block(uint32_t state[4], const uint8_t *block)
{
    static const uint8_t order[3][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                         {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
                                         {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15}};
    static const uint8_t turns[3][4] = {{3, 7, 11, 19}, {3, 5, 9, 13}, {3, 9, 11, 15}};
    static const uint32_t constants[3] = {0, 0x5A827999u, 0x6ED9EBA1u}; /* 2^30 times the roots of 2 and 3 */
    uint32_t w[4] = {state[0], state[1], state[2], state[3]};
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 16; i++) {
            const uint32_t b = w[1], c = w[2], d = w[3];
            const uint32_t mixed = round == 0 ? (b & c) | (~b & d) : round == 1 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
            const uint32_t next = turn(w[0] + mixed + fn_load_u32(block + 4u * order[round][i]) + constants[round], turns[round][i % 4]);
            w[0] = d;
            w[3] = c;
            w[2] = b;
            w[1] = next;
        }
    for (unsigned i = 0; i < 4; i++) state[i] += w[i];
}

static fn_status bind_md4(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    call->type = fn_type_fixed_string(16);
    return FN_OK;
}

static fn_status row_md4(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    fn_str s = text_at(args[0], row);
    const uint64_t bits = (uint64_t)s.size * 8;
    uint32_t state[4] = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u};
    uint8_t last[128] = {0};
    for (; s.size >= 64; s = text_from(s, 64)) md4_block(state, (const uint8_t *)s.data);
    if (s.size) memcpy(last, s.data, s.size);
    last[s.size] = 0x80;
    const size_t blocks = s.size < 56 ? 1 : 2;
    fn_store_u64(last + 64 * blocks - 8, bits);
    for (size_t i = 0; i < blocks; i++) md4_block(state, last + 64 * i);
    for (unsigned i = 0; i < 4; i++) fn_store_u32(to + 4u * i, state[i]);
    return FN_OK;
}
TEXT_EVAL(eval_md4, fixed_rows, row_md4)

static const func_def rows_[] = {
    {.name = "MD4", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_md4, .eval = eval_md4,
     .about = "The MD4 digest, 16 bytes.", .example = "hex(MD4('abc'))", .gives = "A448017AAF21D8525FC10AE87AA6729D"},
};
const func_family func_family_md4 = FUNC_FAMILY("hash", rows_);
