/* thrift.c - Thrift's compact protocol: varints, zigzag, field deltas. See thrift.h.
 * Source: the Thrift compact protocol specification.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/thrift.h"

static uint64_t varint(pq_thrift *t)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && t->at < t->end; shift += 7) {
        const uint8_t byte = *t->at++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return v;
    }
    t->bad = true;
    return 0;
}

bool pq_thrift_field(pq_thrift *t, pq_field_head *f)
{
    if (t->bad || t->at >= t->end) {
        t->bad = true;
        return false;
    }
    const uint8_t byte = *t->at++;
    f->type = byte & 15;
    if (f->type == PQ_STOP) return false;
    if (byte >> 4) {
        f->id += byte >> 4;
    } else {
        const uint64_t id = varint(t);
        f->id = (int)(int16_t)((id >> 1) ^ (~(id & 1) + 1));
    }
    return !t->bad;
}

int64_t pq_thrift_int(pq_thrift *t, int type)
{
    if (type == PQ_BYTE && t->at < t->end) return (int8_t)*t->at++;
    if (type != PQ_I16 && type != PQ_I32 && type != PQ_I64) {
        t->bad = true;
        return 0;
    }
    const uint64_t v = varint(t);
    return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

bool pq_thrift_bool(pq_thrift *t, int type)
{
    if (type != PQ_TRUE && type != PQ_FALSE) t->bad = true;
    return type == PQ_TRUE;
}

fn_str pq_thrift_binary(pq_thrift *t, int type)
{
    const uint64_t size = type == PQ_BINARY ? varint(t) : 0;
    if (type != PQ_BINARY || t->bad || size > (size_t)(t->end - t->at)) {
        t->bad = true;
        return (fn_str){NULL, 0};
    }
    const fn_str s = {(const char *)t->at, (size_t)size};
    t->at += size;
    return s;
}

uint32_t pq_thrift_list(pq_thrift *t, int type, int *item)
{
    if ((type != PQ_LIST && type != PQ_SET) || t->at >= t->end) {
        t->bad = true;
        return 0;
    }
    const uint8_t byte = *t->at++;
    *item = byte & 15;
    const uint64_t count = byte >> 4 == 15 ? varint(t) : byte >> 4;
    if (count > (size_t)(t->end - t->at)) t->bad = true; /* an item has at least one byte */
    return t->bad ? 0 : (uint32_t)count;
}

bool pq_thrift_enter(pq_thrift *t, int type)
{
    if (type != PQ_STRUCT) t->bad = true;
    return !t->bad;
}

static void skip_value(pq_thrift *t, int type, bool in_list, unsigned depth);

static void skip_items(pq_thrift *t, int type, unsigned depth)
{
    int item = 0;
    const uint32_t count = pq_thrift_list(t, type, &item);
    for (uint32_t i = 0; i < count && !t->bad; i++) skip_value(t, item, true, depth + 1);
}

static void skip_map(pq_thrift *t, unsigned depth)
{
    const uint64_t count = varint(t);
    if (count == 0 || t->bad) return;
    if (count > (size_t)(t->end - t->at)) {
        t->bad = true;
        return;
    }
    const uint8_t types = *t->at++;
    for (uint64_t i = 0; i < count && !t->bad; i++) {
        skip_value(t, types >> 4, true, depth + 1);
        skip_value(t, types & 15, true, depth + 1);
    }
}

static void skip_value(pq_thrift *t, int type, bool in_list, unsigned depth)
{
    if (depth > PQ_THRIFT_DEPTH) t->bad = true;
    if (t->bad) return;
    switch (type) {
    case PQ_TRUE:
    case PQ_FALSE:
        if (in_list) t->at++; /* a boolean field lies in its type, a list's item has a byte */
        break;
    case PQ_BYTE: t->at++; break;
    case PQ_I16:
    case PQ_I32:
    case PQ_I64: (void)varint(t); break;
    case PQ_DOUBLE:
        if (t->end - t->at < 8) t->bad = true;
        else t->at += 8;
        break;
    case PQ_BINARY: (void)pq_thrift_binary(t, type); break;
    case PQ_LIST:
    case PQ_SET: skip_items(t, type, depth); break;
    case PQ_MAP: skip_map(t, depth); break;
    case PQ_STRUCT:
        for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f);) skip_value(t, f.type, false, depth + 1);
        break;
    default: t->bad = true;
    }
    if (t->at > t->end) {
        t->at = t->end;
        t->bad = true;
    }
}

void pq_thrift_skip(pq_thrift *t, int type)
{
    skip_value(t, type, false, 0);
}
