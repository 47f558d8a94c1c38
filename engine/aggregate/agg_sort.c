/* agg_sort.c - see agg_sort.h. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_sort.h"

#define PAIR(name, type)                                                                                                                     \
    typedef struct pair_##name {                                                                                                             \
        type v;                                                                                                                              \
        uint64_t weight;                                                                                                                     \
    } pair_##name;
PAIR(u8, uint8_t)
PAIR(u16, uint16_t)
PAIR(u32, uint32_t)
PAIR(u64, uint64_t)
PAIR(u128, fn_u128)
PAIR(u256, fn_i256)
PAIR(i8, int8_t)
PAIR(i16, int16_t)
PAIR(i32, int32_t)
PAIR(i64, int64_t)
PAIR(i128, fn_i128)
PAIR(i256, fn_i256)
PAIR(f32, float)
PAIR(f64, double)

#define NAME u8
#define T    uint8_t
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_u8
#define T    pair_u8
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME u16
#define T    uint16_t
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_u16
#define T    pair_u16
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME u32
#define T    uint32_t
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_u32
#define T    pair_u32
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME u64
#define T    uint64_t
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_u64
#define T    pair_u64
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME u128
#define T    fn_u128
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_u128
#define T    pair_u128
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME u256
#define T    fn_i256
#define LESS(a, b) (fn_i256_compare(*(a), *(b), false) < 0)
#include "aggregate/agg_sort_width.inc"
#define NAME p_u256
#define T    pair_u256
#define LESS(a, b) (fn_i256_compare((a)->v, (b)->v, false) < 0)
#include "aggregate/agg_sort_width.inc"
#define NAME i8
#define T    int8_t
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_i8
#define T    pair_i8
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME i16
#define T    int16_t
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_i16
#define T    pair_i16
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME i32
#define T    int32_t
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_i32
#define T    pair_i32
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME i64
#define T    int64_t
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_i64
#define T    pair_i64
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME i128
#define T    fn_i128
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_i128
#define T    pair_i128
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME i256
#define T    fn_i256
#define LESS(a, b) (fn_i256_compare(*(a), *(b), true) < 0)
#include "aggregate/agg_sort_width.inc"
#define NAME p_i256
#define T    pair_i256
#define LESS(a, b) (fn_i256_compare((a)->v, (b)->v, true) < 0)
#include "aggregate/agg_sort_width.inc"
#define NAME f32
#define T    float
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_f32
#define T    pair_f32
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"
#define NAME f64
#define T    double
#define LESS(a, b) (*(a) < *(b))
#include "aggregate/agg_sort_width.inc"
#define NAME p_f64
#define T    pair_f64
#define LESS(a, b) ((a)->v < (b)->v)
#include "aggregate/agg_sort_width.inc"

typedef struct sort_kind {
    uint32_t pair_size, weight_at;
    void (*values)(void *data, size_t count, unsigned depth);
    void (*pairs)(void *data, size_t count, unsigned depth);
} sort_kind;
#define UNTYPED(name, type)                                                                                                                   \
    static void values_##name(void *data, size_t count, unsigned depth) { sort_##name((type *)data, count, depth); }                          \
    static void pairs_##name(void *data, size_t count, unsigned depth) { sort_p_##name((pair_##name *)data, count, depth); }
UNTYPED(u8, uint8_t)
UNTYPED(u16, uint16_t)
UNTYPED(u32, uint32_t)
UNTYPED(u64, uint64_t)
UNTYPED(u128, fn_u128)
UNTYPED(u256, fn_i256)
UNTYPED(i8, int8_t)
UNTYPED(i16, int16_t)
UNTYPED(i32, int32_t)
UNTYPED(i64, int64_t)
UNTYPED(i128, fn_i128)
UNTYPED(i256, fn_i256)
UNTYPED(f32, float)
UNTYPED(f64, double)
#define KIND(name) {sizeof(pair_##name), offsetof(pair_##name, weight), values_##name, pairs_##name}
static const sort_kind kinds[FN_PHYS_NOTHING + 1] = {
    [FN_PHYS_U8] = KIND(u8), [FN_PHYS_U16] = KIND(u16), [FN_PHYS_U32] = KIND(u32), [FN_PHYS_U64] = KIND(u64),
    [FN_PHYS_U128] = KIND(u128), [FN_PHYS_U256] = KIND(u256), [FN_PHYS_I8] = KIND(i8), [FN_PHYS_I16] = KIND(i16),
    [FN_PHYS_I32] = KIND(i32), [FN_PHYS_I64] = KIND(i64), [FN_PHYS_I128] = KIND(i128), [FN_PHYS_I256] = KIND(i256),
    [FN_PHYS_F32] = KIND(f32), [FN_PHYS_F64] = KIND(f64),
};

bool agg_sortable(const fn_type *t)
{
    return kinds[t->phys].values && (fn_type_is_number(t) || fn_type_is_date_or_time(t));
}
static unsigned depth_of(size_t count)
{
    return count < 2 ? 0 : 2 * (63 - (unsigned)__builtin_clzll(count)) + 2;
}
void agg_sort(fn_phys phys, void *data, size_t count)
{
    if (count > 1) kinds[phys].values(data, count, depth_of(count));
}
uint32_t agg_pair_size(fn_phys phys)
{
    return kinds[phys].pair_size;
}
uint32_t agg_pair_weight(fn_phys phys)
{
    return kinds[phys].weight_at;
}
void agg_sort_pairs(fn_phys phys, void *data, size_t count)
{
    if (count > 1) kinds[phys].pairs(data, count, depth_of(count));
}
