/* bloom.c - asks a chunk's Bloom filter for one value.
 *
 * Split block filter: blocks of eight 32-bit words; the hash's upper half chooses the block, its lower half times eight odd
 * constants one bit per word. The hash is XXH64 (seed 0) of the value's PLAIN form. Only one block is read, not the filter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/bloom.h"
#include "parquet/thrift.h"

static const uint64_t P1 = 0x9E3779B185EBCA87u, P2 = 0xC2B2AE3D27D4EB4Fu, P3 = 0x165667B19E3779F9u, P4 = 0x85EBCA77C2B2AE63u, P5 = 0x27D4EB2F165667C5u;

static uint64_t rotl(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static uint64_t lane(uint64_t acc, uint64_t in)
{
    return rotl(acc + in * P2, 31) * P1;
}

uint64_t pq_xxh64(const void *data, size_t size)
{
    const uint8_t *p = data, *end = p + size;
    uint64_t h = P5;
    if (size >= 32) {
        uint64_t v[4] = {P1 + P2, P2, 0, 0 - P1};
        for (; end - p >= 32; p += 32) {
            for (unsigned i = 0; i < 4; i++) v[i] = lane(v[i], fn_load_u64(p + 8 * i));
        }
        h = rotl(v[0], 1) + rotl(v[1], 7) + rotl(v[2], 12) + rotl(v[3], 18);
        for (unsigned i = 0; i < 4; i++) h = (h ^ lane(0, v[i])) * P1 + P4;
    }
    h += size;
    for (; end - p >= 8; p += 8) h = rotl(h ^ lane(0, fn_load_u64(p)), 27) * P1 + P4;
    if (end - p >= 4) {
        h = rotl(h ^ fn_load_u32(p) * P1, 23) * P2 + P3;
        p += 4;
    }
    for (; p < end; p++) h = rotl(h ^ *p * P5, 11) * P1;
    h = (h ^ h >> 33) * P2;
    h = (h ^ h >> 29) * P3;
    return h ^ h >> 32;
}

/* The value's hash where its bytes are the file's bytes: strings and integers and floats of the physical width. */
static bool hash_value(const pq_leaf *leaf, const fn_column *value, uint64_t *hash)
{
    const pq_phys phys = leaf->element->phys;
    if (phys == PQ_BYTE_ARRAY && value->type->id == FN_T_STRING) {
        const fn_str s = fn_column_str_at(value, 0);
        *hash = pq_xxh64(s.data, s.size);
        return true;
    }
    if (!fn_type_is_integer(value->type) || (phys != PQ_INT32 && phys != PQ_INT64)) return false;
    if (value->type->width > 8 || leaf->element->meaning == PQ_M_DECIMAL || leaf->element->meaning == PQ_M_TIMESTAMP) return false;
    const uint64_t v = fn_column_u64_at(value, 0);
    *hash = pq_xxh64(&v, leaf->width);
    return true;
}

static const uint32_t salts[8] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du, 0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

fn_status pq_bloom_may_have(fn_ctx *ctx, const fn_parquet *p, const pq_chunk *c, const pq_leaf *leaf, const fn_column *value, bool *keep)
{
    uint8_t head[128] = {0}, block[32];
    uint64_t hash;
    if (c->bloom.offset == 0 || !hash_value(leaf, value, &hash)) return FN_OK;
    fn_range range = {c->bloom.offset, FN_MIN(sizeof head, p->blob->size - c->bloom.offset), head};
    FN_TRY(p->blob->read(p->blob, ctx, &range, 1));
    pq_thrift t = {head, head, head + range.size, false};
    int64_t bytes = 0;
    bool known = true;
    for (pq_field_head f = {0, 0}; pq_thrift_field(&t, &f);) {
        if (f.id == 1) {
            bytes = pq_thrift_int(&t, f.type);
        } else if (f.id >= 2 && f.id <= 4) { /* unions with one known member each */
            if (!pq_thrift_enter(&t, f.type)) break;
            for (pq_field_head u = {0, 0}; pq_thrift_field(&t, &u); pq_thrift_skip(&t, u.type)) known &= u.id == 1;
        } else {
            pq_thrift_skip(&t, f.type);
        }
    }
    const uint64_t start = c->bloom.offset + (uint64_t)(t.at - head);
    if (t.bad || !known || bytes < 32 || bytes % 32 || (uint64_t)bytes > p->blob->size - FN_MIN(start, p->blob->size)) return FN_OK;
    const uint64_t which = ((hash >> 32) * ((uint64_t)bytes / 32)) >> 32;
    range = (fn_range){start + which * 32, sizeof block, block};
    FN_TRY(p->blob->read(p->blob, ctx, &range, 1));
    for (unsigned i = 0; i < 8; i++) {
        const uint32_t bit = ((uint32_t)hash * salts[i]) >> 27;
        if (!(fn_load_u32(block + 4 * i) >> bit & 1)) *keep = false;
    }
    return FN_OK;
}
