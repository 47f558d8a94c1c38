/* agg_uniq_estimate.c - uniq, uniqHLL12, uniqCombined, uniqCombined64, uniqUpTo: counting distinct values by hashes, as ClickHouse does.
 *
 * uniq keeps up to 65536 32-bit hashes (Bar-Yossef et al., 2002): beyond, only those divisible by a growing power of two.
 * The others keep up to some thousands of keys, then HyperLogLog registers (Flajolet et al., 2007). With 2^17 registers the raw
 * estimate is freed of its bias by inverting the expectation of the registers' harmonic mean. Hash of a value: MurmurHash3's finalizer of
 * its bits, CityHash64 of strings. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"
#include <firn/codec.h>
#include <math.h>

/* ---- hashes ---- */
static uint64_t murmur_mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53u;
    return x ^ (x >> 33);
}
static uint32_t jenkins_mix(uint64_t x)
{
    x = ~x + (x << 18);
    x ^= x >> 31 | x << 33;
    x *= 21;
    x ^= x >> 11 | x << 53;
    x += x << 6;
    x ^= x >> 22 | x << 42;
    return (uint32_t)x;
}
/* CityHash's step from 128 to 64 bits. */
static uint64_t city_fold(uint64_t low, uint64_t high)
{
    const uint64_t factor = 0x9ddfea08eb382d69u;
    uint64_t a = (low ^ high) * factor;
    a ^= a >> 47;
    uint64_t b = (high ^ a) * factor;
    b ^= b >> 47;
    return b * factor;
}
static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}
static void sip_round(uint64_t *v)
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}
/* SipHash-2-4 with a zero key over whole words: numbers of 128 and 256 bits. */
static uint64_t sip_words(const char *words, size_t count)
{
    uint64_t v[4] = {0x736f6d6570736575u, 0x646f72616e646f6du, 0x6c7967656e657261u, 0x7465646279746573u};
    for (size_t i = 0; i <= count; i++) {
        const uint64_t word = i < count ? fn_load_u64(words + 8 * i) : (uint64_t)count * 8 << 56;
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
static fn_str bytes_at(const fn_column *c, size_t row)
{
    if (c->type->phys == FN_PHYS_STRING) return fn_column_str_at(c, row);
    return (fn_str){(const char *)fn_column_fixed_at(c, row), c->type->width};
}
static bool is_word(const fn_type *t)
{
    return t->width > 0 && t->width <= 8 && t->phys < FN_PHYS_FIXED;
}
/* The value's bits where they fit 64, sign-extended; a hash of its bytes otherwise, or of all arguments. */
static uint64_t key_of(const agg_call *call, fn_column *const *args, size_t row)
{
    const fn_column *c = args[0];
    uint64_t h = 0, bits = 0;
    if (call->arg_count == 1) {
        const fn_str s = bytes_at(c, row);
        if (fn_type_is_float(c->type)) {
            memcpy(&bits, s.data, s.size);
            return bits;
        }
        if (is_word(c->type)) return agg_u64(c, row);
        return c->type->phys == FN_PHYS_STRING || c->type->phys == FN_PHYS_FIXED ? fn_city_hash64(s.data, s.size) : sip_words(s.data, s.size / 8);
    }
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const fn_str s = bytes_at(args[i], row);
        const uint64_t one = fn_city_hash64(s.data, s.size);
        h = i ? city_fold(one, h) : one;
    }
    return h;
}
static bool is_hashed(const agg_call *call) /* key_of is a hash already */
{
    return call->arg_count > 1 || !is_word(call->arg_types[0]);
}
static fn_status need_plain(fn_ctx *ctx, const agg_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (call->arg_types[i]->phys > FN_PHYS_STRING)
            return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function %s of %s is not supported", call->def->name, call->arg_types[i]->name);
    return FN_OK;
}

/* ---- uniq ---- */
typedef struct thin_set {
    uint32_t *slots; /* 0: free */
    uint32_t capacity, count; /* count with the zero */
    uint8_t degree;  /* hashes not divisible by 2^degree are left out */
    uint8_t has_zero;
} thin_set;
enum { THIN_FIRST = 16, THIN_MAX = 1 << 16, THIN_SHIFT = 15 };

static fn_status thin_bind(fn_ctx *ctx, agg_call *call)
{
    FN_TRY(need_plain(ctx, call));
    call->type = fn_type_simple(FN_T_UINT64);
    call->state_size = sizeof(thin_set);
    call->state_align = 8;
    return FN_OK;
}
static bool is_good(const thin_set *s, uint32_t hash)
{
    return !(hash & (((uint64_t)1 << s->degree) - 1));
}
static uint32_t *thin_place(uint32_t *slots, uint32_t capacity, uint32_t hash)
{
    uint32_t i = (hash >> THIN_SHIFT) & (capacity - 1);
    while (slots[i] && slots[i] != hash) i = (i + 1) & (capacity - 1);
    return &slots[i];
}
static fn_status thin_resize(fn_ctx *ctx, fn_arena *arena, thin_set *s, uint32_t capacity)
{
    uint32_t *slots = fn_arena_alloc_zero(ctx, arena, (size_t)capacity * sizeof *slots);
    FN_TRY_PTR(ctx, slots);
    s->count = s->has_zero;
    for (uint32_t i = 0; i < s->capacity; i++) {
        if (!s->slots[i] || !is_good(s, s->slots[i])) continue;
        *thin_place(slots, capacity, s->slots[i]) = s->slots[i];
        s->count++;
    }
    s->slots = slots;
    s->capacity = capacity;
    return FN_OK;
}
static fn_status thin_insert(fn_ctx *ctx, fn_arena *arena, thin_set *s, uint32_t hash)
{
    if (!is_good(s, hash)) return FN_OK;
    if (hash == 0) {
        s->count += !s->has_zero;
        s->has_zero = 1;
        return FN_OK;
    }
    if (!s->capacity) FN_TRY(thin_resize(ctx, arena, s, THIN_FIRST));
    uint32_t *slot = thin_place(s->slots, s->capacity, hash);
    if (*slot) return FN_OK;
    *slot = hash;
    s->count++;
    if (s->count <= s->capacity / 2) return FN_OK;
    if (s->count <= THIN_MAX) return thin_resize(ctx, arena, s, s->capacity * 2);
    while (s->count > THIN_MAX) {
        s->degree++;
        FN_TRY(thin_resize(ctx, arena, s, s->capacity));
    }
    return FN_OK;
}
static inline fn_status thin_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    const uint64_t key = key_of(call, args, row);
    return thin_insert(ctx, arena, state, (uint32_t)(call->arg_count > 1 ? key : murmur_mix(key)));
}
#define OP thin
#include "aggregate/agg_by_row.inc"
static fn_status thin_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    thin_set *a = into;
    const thin_set *b = from;
    if (b->degree > a->degree) {
        a->degree = b->degree;
        if (a->capacity) FN_TRY(thin_resize(ctx, arena, a, a->capacity));
    }
    if (b->has_zero) FN_TRY(thin_insert(ctx, arena, a, 0));
    for (uint32_t i = 0; i < b->capacity; i++)
        if (b->slots[i]) FN_TRY(thin_insert(ctx, arena, a, b->slots[i]));
    return FN_OK;
}
/* CRC-32C of 8 bytes from all ones: noise in the bits that thinning has cut. */
static uint32_t crc_noise(uint64_t x)
{
    uint64_t crc = 0xffffffffu ^ x;
    for (int i = 0; i < 64; i++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    return (uint32_t)crc;
}
static fn_status thin_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)call;
    (void)arena;
    const thin_set *s = state;
    const uint64_t all = (uint64_t)1 << 32;
    uint64_t n = s->count;
    if (s->degree) {
        n = (n << s->degree) + (crc_noise(n) & (((uint64_t)1 << s->degree) - 1));
        n = FN_MIN(n, all - 1);
        n = (uint64_t)round((double)all * (log((double)all) - log((double)(all - n))));
    }
    return fn_builder_fixed(ctx, out, &n);
}
static fn_status thin_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    (void)call;
    const thin_set *s = state;
    static const uint32_t zero = 0;
    FN_TRY(fn_buf_byte(ctx, out, (char)s->degree));
    FN_TRY(fn_buf_leb(ctx, out, s->count));
    if (s->has_zero) FN_TRY(fn_buf_append(ctx, out, &zero, 4));
    for (uint32_t i = 0; i < s->capacity; i++)
        if (s->slots[i]) FN_TRY(fn_buf_append(ctx, out, &s->slots[i], 4));
    return FN_OK;
}
static fn_status thin_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)call;
    thin_set *s = state;
    uint64_t n = 0;
    FN_TRY(agg_take(ctx, &s->degree, 1, at, end));
    if (s->degree > 32 - THIN_SHIFT + 1) return fn_fail(ctx, FN_INCORRECT_DATA, "State of aggregate function uniq is broken");
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    for (; n; n--) {
        uint32_t hash = 0;
        FN_TRY(agg_take(ctx, &hash, 4, at, end));
        FN_TRY(thin_insert(ctx, arena, s, hash));
    }
    return FN_OK;
}

/* ---- keys, then registers ---- */
typedef struct estimate {
    agg_items keys;     /* of uint64_t, distinct, as met */
    uint32_t *slots;    /* number + 1, from SMALL_MAX keys on */
    uint32_t capacity;
    uint8_t *ranks;     /* one byte per register; NULL while the keys are kept */
} estimate;
typedef struct estimate_bound {
    uint8_t bits;       /* log2 of the registers */
    uint8_t hash_width; /* bytes: 4 or 8 */
    uint8_t key_width;  /* in the state */
    bool jenkins;       /* uniqHLL12: keys are values, hashed on their way into the registers */
    uint32_t keys_max;
} estimate_bound;
enum { SMALL_MAX = 16 };

static fn_status estimate_type(fn_ctx *ctx, agg_call *call, estimate_bound b)
{
    estimate_bound *kept = FN_NEW(ctx, estimate_bound);
    FN_TRY_PTR(ctx, kept);
    FN_TRY(need_plain(ctx, call));
    *kept = b;
    call->data = kept;
    call->type = fn_type_simple(FN_T_UINT64);
    call->state_size = sizeof(estimate);
    call->state_align = 8;
    return FN_OK;
}
static fn_status hll_bind(fn_ctx *ctx, agg_call *call)
{
    return estimate_type(ctx, call, (estimate_bound){.bits = 12, .hash_width = 4, .key_width = 8, .jenkins = true, .keys_max = SMALL_MAX});
}
static fn_status combined_bind(fn_ctx *ctx, agg_call *call)
{
    uint64_t bits = 17;
    if (call->param_count) {
        if (!fn_type_is_integer(call->params[0]->type))
            return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Parameter for aggregate function %s is out of range: [12, 20].", call->def->name);
        bits = fn_column_u64_at(call->params[0], 0);
    }
    if (bits < 12 || bits > 20) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Parameter for aggregate function %s is out of range: [12, 20].", call->def->name);
    const fn_type *t = call->arg_types[0];
    const bool text = call->arg_count == 1 && t->phys == FN_PHYS_STRING;
    const uint8_t width = strcmp(call->def->name, "uniqCombined64") == 0 || text ? 8 : 4;
    return estimate_type(ctx, call, (estimate_bound){.bits = (uint8_t)bits, .hash_width = width, .key_width = width,
                                                     .keys_max = (uint32_t)1 << (bits - 5 + (width == 4))});
}
static void to_register(const estimate_bound *b, uint8_t *ranks, uint64_t key)
{
    const uint64_t hash = b->jenkins ? jenkins_mix(key) : key;
    const unsigned rank_max = b->hash_width * 8u - b->bits + 1;
    const uint64_t tail = hash >> b->bits;
    const unsigned rank = tail ? FN_MIN((unsigned)__builtin_ctzll(tail) + 1, rank_max) : rank_max;
    uint8_t *r = &ranks[hash & (((uint64_t)1 << b->bits) - 1)];
    *r = (uint8_t)FN_MAX(*r, rank);
}
static fn_status use_registers(fn_ctx *ctx, fn_arena *arena, const estimate_bound *b, estimate *s)
{
    if (s->ranks) return FN_OK;
    s->ranks = fn_arena_alloc_zero(ctx, arena, (size_t)1 << b->bits);
    FN_TRY_PTR(ctx, s->ranks);
    for (uint32_t i = 0; i < s->keys.count; i++) to_register(b, s->ranks, ((const uint64_t *)(const void *)s->keys.data)[i]);
    s->keys.count = 0;
    return FN_OK;
}
static uint32_t key_slot(const estimate *s, uint64_t key)
{
    uint32_t i = (uint32_t)fn_hash_u64(key) & (s->capacity - 1);
    while (s->slots[i] && ((const uint64_t *)(const void *)s->keys.data)[s->slots[i] - 1] != key) i = (i + 1) & (s->capacity - 1);
    return i;
}
static fn_status rehash(fn_ctx *ctx, fn_arena *arena, estimate *s)
{
    s->capacity = s->capacity ? s->capacity * 2 : 64;
    s->slots = fn_arena_alloc_zero(ctx, arena, (size_t)s->capacity * sizeof *s->slots);
    FN_TRY_PTR(ctx, s->slots);
    for (uint32_t i = 0; i < s->keys.count; i++) s->slots[key_slot(s, ((const uint64_t *)(const void *)s->keys.data)[i])] = i + 1;
    return FN_OK;
}
static bool is_kept(const estimate *s, uint64_t key)
{
    if (s->capacity) return s->slots[key_slot(s, key)] != 0;
    for (uint32_t i = 0; i < s->keys.count; i++)
        if (((const uint64_t *)(const void *)s->keys.data)[i] == key) return true;
    return false;
}
static fn_status estimate_insert(fn_ctx *ctx, fn_arena *arena, const estimate_bound *b, estimate *s, uint64_t key)
{
    if (s->ranks) {
        to_register(b, s->ranks, key);
        return FN_OK;
    }
    const bool full = s->keys.count >= b->keys_max && s->keys.count > SMALL_MAX - (b->keys_max == SMALL_MAX);
    if (!full && is_kept(s, key)) return FN_OK;
    if (b->keys_max == SMALL_MAX && full && is_kept(s, key)) return FN_OK;
    if (full) {
        FN_TRY(use_registers(ctx, arena, b, s));
        to_register(b, s->ranks, key);
        return FN_OK;
    }
    FN_TRY(agg_items_push(ctx, arena, &s->keys, &key, sizeof key));
    if (s->keys.count <= SMALL_MAX) return FN_OK;
    if (2 * s->keys.count > s->capacity) return rehash(ctx, arena, s);
    s->slots[key_slot(s, key)] = s->keys.count;
    return FN_OK;
}
static inline fn_status estimate_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    const estimate_bound *b = call->data;
    uint64_t key = key_of(call, args, row);
    if (!b->jenkins) {
        if (!is_hashed(call)) key = murmur_mix(key);
        if (b->key_width == 4) key = (uint32_t)key;
    }
    return estimate_insert(ctx, arena, b, state, key);
}
#define OP estimate
#include "aggregate/agg_by_row.inc"
static fn_status estimate_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    const estimate_bound *b = call->data;
    estimate *a = into;
    const estimate *other = from;
    if (other->ranks) {
        FN_TRY(use_registers(ctx, arena, b, a));
        for (uint32_t i = 0; i < (uint32_t)1 << b->bits; i++) a->ranks[i] = FN_MAX(a->ranks[i], other->ranks[i]);
        return FN_OK;
    }
    for (uint32_t i = 0; i < other->keys.count; i++) FN_TRY(estimate_insert(ctx, arena, b, a, ((const uint64_t *)(const void *)other->keys.data)[i]));
    return FN_OK;
}
/* The expected raw estimate for n values over m registers: register r stays at rank <= k with probability exp(-n/m 2^-k). */
static double expected_raw(double n, double m, double alpha)
{
    const double load = n / m;
    double mean = exp(-load), below = mean;
    for (int k = 1; k < 40; k++) {
        const double upto = exp(-load * ldexp(1, -k));
        mean += (upto - below) * ldexp(1, -k);
        below = upto;
    }
    return alpha * m / mean;
}
static double without_bias(double raw, double m, double alpha)
{
    double low = 0, high = raw;
    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        if (expected_raw(middle, m, alpha) < raw) low = middle;
        else high = middle;
    }
    return low;
}
static uint64_t registers_estimate(const estimate_bound *b, const uint8_t *ranks)
{
    enum { LINEAR_MAX = 159499 };
    const uint32_t count = (uint32_t)1 << b->bits;
    const double m = count, alpha = 0.7213 / (1 + 1.079 / m);
    uint32_t of_rank[66] = {0};
    for (uint32_t i = 0; i < count; i++) of_rank[ranks[i]]++;
    double sum = 0;
    for (int k = 65; k >= 0; k--) sum = sum / 2 + of_rank[k];
    const double raw = alpha * m * m / sum, linear = of_rank[0] ? m * (log(m) - log((double)of_rank[0])) : raw;
    double v = raw;
    if (raw > 4294967296.0 / 30) return (uint64_t)(raw + 0.5);
    if (b->bits != 17) {
        if (raw <= 2.5 * m) v = linear;
    } else {
        if (raw <= 5 * m) v = without_bias(raw, m, alpha);
        const double small = of_rank[0] ? linear : v;
        if (small < LINEAR_MAX) v = small;
    }
    return (uint64_t)(v + 0.5);
}
static fn_status estimate_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    const estimate *s = state;
    const uint64_t n = s->ranks ? registers_estimate(call->data, s->ranks) : s->keys.count;
    return fn_builder_fixed(ctx, out, &n);
}
/* Registers are packed in 5 or 6 bits; behind them how many have each rank, and how many are 0. */
static fn_status write_registers(fn_ctx *ctx, const estimate_bound *b, const uint8_t *ranks, fn_buf *out)
{
    const uint32_t count = (uint32_t)1 << b->bits, width = b->hash_width == 4 ? 5 : 6, rank_max = b->hash_width * 8u - b->bits + 1;
    uint32_t of_rank[66] = {0}, held = 0;
    uint64_t bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        bits |= (uint64_t)ranks[i] << held;
        held += width;
        of_rank[ranks[i]]++;
        for (; held >= 8; held -= 8, bits >>= 8) FN_TRY(fn_buf_byte(ctx, out, (char)bits));
    }
    FN_TRY(fn_buf_append(ctx, out, of_rank, (rank_max + 1) * sizeof *of_rank));
    return fn_buf_append(ctx, out, of_rank, count >= 65536 ? 4 : 2);
}
static fn_status read_registers(fn_ctx *ctx, fn_arena *arena, const estimate_bound *b, estimate *s, const uint8_t **at, const uint8_t *end)
{
    const uint32_t count = (uint32_t)1 << b->bits, width = b->hash_width == 4 ? 5 : 6, rank_max = b->hash_width * 8u - b->bits + 1;
    const size_t packed = (size_t)count * width / 8, rest = (rank_max + 1) * sizeof(uint32_t) + (count >= 65536 ? 4 : 2);
    if ((size_t)(end - *at) < packed + rest) return fn_fail(ctx, FN_INCORRECT_DATA, "State of an aggregate function is cut");
    FN_TRY(use_registers(ctx, arena, b, s));
    for (uint32_t i = 0; i < count; i++) {
        const size_t bit = (size_t)i * width;
        const uint32_t word = (uint32_t)((*at)[bit / 8] | (*at)[bit / 8 + 1] << 8);
        s->ranks[i] = (uint8_t)FN_MIN(word >> (bit % 8) & ((1u << width) - 1), rank_max);
    }
    *at += packed + rest;
    return FN_OK;
}
static fn_status estimate_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const estimate_bound *b = call->data;
    const estimate *s = state;
    FN_TRY(fn_buf_byte(ctx, out, b->jenkins ? s->ranks != NULL : s->ranks ? 3 : s->keys.count > SMALL_MAX ? 2 : 1));
    if (s->ranks) return write_registers(ctx, b, s->ranks, out);
    FN_TRY(fn_buf_leb(ctx, out, s->keys.count));
    for (uint32_t i = 0; i < s->keys.count; i++) FN_TRY(fn_buf_append(ctx, out, s->keys.data + 8 * (size_t)i, b->key_width));
    return FN_OK;
}
static fn_status estimate_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    const estimate_bound *b = call->data;
    uint8_t kind = 0;
    uint64_t n = 0;
    FN_TRY(agg_take(ctx, &kind, 1, at, end));
    if (kind > 3) return fn_fail(ctx, FN_INCORRECT_DATA, "State of aggregate function %s is broken", call->def->name);
    if (kind == (b->jenkins ? 1 : 3)) return read_registers(ctx, arena, b, state, at, end);
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    for (; n; n--) {
        uint64_t key = 0;
        FN_TRY(agg_take(ctx, &key, b->key_width, at, end));
        FN_TRY(estimate_insert(ctx, arena, b, state, key));
    }
    return FN_OK;
}

/* ---- uniqUpTo(N): exact up to N, N + 1 beyond ---- */
static uint32_t limit_of(const agg_call *call)
{
    return call->state_size / 8 - 1;
}
static fn_status up_to_bind(fn_ctx *ctx, agg_call *call)
{
    uint64_t limit = 10;
    FN_TRY(need_plain(ctx, call));
    if (call->param_count) FN_TRY(agg_param_u64(ctx, call, 0, &limit));
    if (limit > 100) return fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "Too large parameter for aggregate function %s. Maximum: 100", call->def->name);
    call->type = fn_type_simple(FN_T_UINT64);
    call->state_size = (uint32_t)(limit + 1) * 8; /* values, and the count behind them */
    call->state_align = 8;
    return FN_OK;
}
static fn_status up_to_insert(const agg_call *call, uint64_t *s, uint64_t v)
{
    const uint32_t limit = limit_of(call);
    uint64_t *count = &s[limit];
    if (*count > limit) return FN_OK;
    for (uint64_t i = 0; i < *count; i++)
        if (s[i] == v) return FN_OK;
    if (*count < limit) s[*count] = v;
    ++*count;
    return FN_OK;
}
static fn_status up_to_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    (void)ctx;
    (void)arena;
    return up_to_insert(call, state, key_of(call, args, row));
}
#define OP up_to
#include "aggregate/agg_by_row.inc"
static fn_status up_to_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)ctx;
    (void)arena;
    const uint64_t *b = from;
    const uint32_t limit = limit_of(call);
    if (b[limit] > limit) ((uint64_t *)into)[limit] = limit + 1;
    for (uint64_t i = 0; i < FN_MIN(b[limit], (uint64_t)limit); i++) FN_TRY(up_to_insert(call, into, b[i]));
    return FN_OK;
}
static fn_status up_to_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    return fn_builder_fixed(ctx, out, (const uint64_t *)state + limit_of(call));
}
static uint32_t up_to_width(const agg_call *call)
{
    return is_hashed(call) ? 8 : call->arg_types[0]->width;
}
static fn_status up_to_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const uint64_t *s = state, count = s[limit_of(call)];
    FN_TRY(fn_buf_byte(ctx, out, (char)count));
    for (uint64_t i = 0; i < count && count <= limit_of(call); i++) FN_TRY(fn_buf_append(ctx, out, &s[i], up_to_width(call)));
    return FN_OK;
}
static fn_status up_to_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    (void)arena;
    uint8_t count = 0;
    FN_TRY(agg_take(ctx, &count, 1, at, end));
    if (count > limit_of(call)) {
        ((uint64_t *)state)[limit_of(call)] = limit_of(call) + 1;
        return FN_OK;
    }
    for (; count; count--) {
        uint64_t v = 0;
        const uint32_t width = up_to_width(call);
        FN_TRY(agg_take(ctx, &v, width, at, end));
        if (!is_hashed(call) && call->arg_types[0]->phys >= FN_PHYS_I8 && call->arg_types[0]->phys <= FN_PHYS_I64 && width < 8)
            v = (uint64_t)((int64_t)(v << (64 - 8 * width)) >> (64 - 8 * width));
        FN_TRY(up_to_insert(call, state, v));
    }
    return FN_OK;
}

#define OPS(op) .args_min = 1, .args_max = -1, .init = agg_zero_init, .add = op##_add, .add_one = op##_add_one, .merge = op##_merge, \
    .finish = op##_finish, .write = op##_write, .read = op##_read
static const agg_def rows_[] = {
    {.name = "uniq", OPS(thin), .flags = AGG_NO_NULL_RESULT, .bind = thin_bind, .about = "Number of distinct values, exact up to 65536, estimated beyond.", .example = "uniq(number % 3)", .gives = "3"},
    {.name = "uniqHLL12", OPS(estimate), .flags = AGG_NO_NULL_RESULT, .bind = hll_bind, .about = "Number of distinct values by a HyperLogLog of 4096 registers.", .example = "uniqHLL12(number % 3)",
     .gives = "3"},
    {.name = "uniqCombined", OPS(estimate), .params_max = 1, .bind = combined_bind,
     .about = "Number of distinct values by keys, then a HyperLogLog of 2^17 registers (the parameter says otherwise).", .example = "uniqCombined(number % 3)", .gives = "3"},
    {.name = "uniqCombined64", OPS(estimate), .params_max = 1, .bind = combined_bind, .about = "uniqCombined with 64-bit hashes for all types.",
     .example = "uniqCombined64(number % 3)", .gives = "3"},
    {.name = "uniqUpTo", OPS(up_to), .flags = AGG_NO_NULL_RESULT, .params_max = 1, .bind = up_to_bind, .about = "Number of distinct values up to N, N + 1 beyond.", .example = "uniqUpTo(2)(number)", .gives = "3"},
};
const agg_family agg_family_uniq_estimate = AGG_FAMILY("uniq_estimate", rows_);
