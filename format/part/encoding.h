/* part/encoding.h - blocks: up to 8,192 values of one stream, encoded on their own. Each encoding is one file enc_<name>.c with one
 * row in the table of encoding.c; for each block the one that is read fastest from a disk is chosen, by exact size, not by a sample.
 *
 * A block is    u8 outer codec (0 none, 1 LZ4, 2 ZSTD) [u32 size unpacked, if a codec] inner
 * and inner is  u8 encoding (enc_id) payload; the number of values and their width come from outside.
 * Inside an inner block other inner blocks may be nested (run lengths, positions). Numbers are little endian.
 * Values of 1, 2, 4 and 8 bytes are seen as 64-bit integers, whatever their type; arithmetic wraps.
 * Decoders trust nothing: false means damaged bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_ENCODING_H
#define FIRN_ENCODING_H
#include "part/pack_kernel.h"
#include <firn/arena.h>
#include <firn/codec.h>

enum { BLOCK_ROWS = 8192, BLOCK_VECTORS = BLOCK_ROWS / PACK_ROWS, NEST_MAX = 3, VALUE_WIDTH_MAX = 1 << 20 };

/* On disk: never renumber. */
typedef enum enc_id {
    ENC_CONSTANT, /* one value */
    ENC_RAW,
    ENC_PACKED,   /* frame of reference: base and bit-packed differences, per vector */
    ENC_DELTA,    /* differences of neighbours, packed */
    ENC_RUNS,     /* run values and lengths */
    ENC_SPARSE,   /* all 0 but some */
    ENC_DECIMAL,  /* floats that are short decimal numbers: integers over a power of ten */
    ENC_NARROW,   /* 128- and 256-bit integers that fit into 64 bits */
    ENC_TEXT,     /* lengths and bytes of strings */
    ENC_REPEATS,  /* a bit per row: another value than the one before; the values of the runs */
    ENC_PATCHED,  /* packed, but for some larger ones */
    ENC_DISTINCT, /* the distinct values in order, and which of them */
    ENC_COUNT
} enc_id;

typedef enum enc_kind { ENC_SIGNED, ENC_UNSIGNED, ENC_FLOAT, ENC_OPAQUE } enc_kind;

/* Where integers stand decides which encodings they may have, so that nesting ends. */
typedef enum enc_place {
    ENC_OF_BLOCK,  /* any */
    ENC_OF_OTHER,  /* integers of decimals, lengths of strings, codes of ENC_DISTINCT: not ENC_DISTINCT, which would nest too deeply */
    ENC_OF_RUNS,   /* values of ENC_REPEATS: the plain ones and ENC_PATCHED */
    ENC_PLAIN      /* CONSTANT, RAW, PACKED, DELTA */
} enc_place;

/* What the choice and the zones need to know of integers: one pass over them in their own width. */
typedef struct enc_look {
    int64_t min[BLOCK_VECTORS], max[BLOCK_VECTORS]; /* as signed numbers if they have 8 bytes */
    int64_t sum; /* wrapping: only numbers of 8 bytes can */
    uint32_t changes, zeros;
} enc_look;
/* count (1 .. BLOCK_ROWS) of width 1, 2, 4 or 8. */
void enc_look_at(const uint8_t *values, uint32_t count, unsigned width, bool is_signed, enc_look *out);

/* An integer block and what the cost functions need to know of it. */
typedef struct enc_ints enc_ints;
struct enc_ints {
    const int64_t *v;
    uint32_t count; /* 1 .. BLOCK_ROWS */
    unsigned width; /* of the values as stored raw: 1, 2, 4, 8 */
    enc_place place;
    bool thorough;  /* worth encodings that are slow to find */
    const enc_look *known; /* what min, max, changes and zeros come from; NULL: it is made */
    unsigned vectors;
    int64_t min[BLOCK_VECTORS], max[BLOCK_VECTORS];
    uint32_t changes, zeros;
    bool has_deltas; /* ENC_DELTA may be the best: */
    int64_t delta_min[BLOCK_VECTORS], delta_max[BLOCK_VECTORS]; /* between neighbours within the vector */
    /* what the encodings that consist of others made of the block; NULL: not tried */
    const enc_ints *runs;     /* its values without repeats */
    const enc_ints *distinct; /* ascending */
    const enc_ints *codes;    /* which of them each value is */
    unsigned patch_bits;      /* ENC_PATCHED: numbers of more bits above the smallest are patches */
    uint32_t patches;         /* as many as count: none */
    uint64_t patch_bytes;
    unsigned best;            /* enc_id */
    uint64_t best_cost;
};

typedef struct enc_class {
    const char *name;
    uint64_t (*cost)(const enc_ints *b); /* enc_cost, or ENC_NEVER for this block; NULL: not for integers */
    fn_status (*encode)(fn_ctx *ctx, const enc_ints *b, fn_buf *out); /* appends the payload */
    /* count (not 0) values of width bytes; NULL: decode_rows does that, too. */
    bool (*decode)(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint8_t *out);
    /* Rows [from, from + take) of them alone, from a multiple of PACK_ROWS, out: where the first of these goes. NULL: only whole blocks. */
    bool (*decode_rows)(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out);
} enc_class;
#define ENC_NEVER UINT64_MAX
/* What reading a block costs in picoseconds: a byte from the disk takes 400 (2.4 GB/s), `per_row` is decoding (measured with
 * tests/kernels/check_pack --bench and on the hits table), `extra` what comes on top. */
enum { ENC_BYTE_PS = 700 };
static inline uint64_t enc_cost(uint64_t bytes, uint64_t rows, uint64_t per_row, uint64_t extra)
{
    return bytes * ENC_BYTE_PS + rows * per_row + extra;
}
extern const enc_class enc_constant, enc_raw, enc_packed, enc_delta, enc_runs, enc_sparse, enc_decimal, enc_narrow, enc_repeats, enc_patched,
    enc_distinct;
const enc_class *enc_class_at(unsigned id); /* NULL: unknown */

/* Cursor over untrusted bytes. */
typedef struct enc_in {
    const uint8_t *at, *end;
} enc_in;
static inline const uint8_t *enc_take(enc_in *in, uint64_t size)
{
    if (size > (uint64_t)(in->end - in->at)) return NULL;
    const uint8_t *p = in->at;
    in->at += size;
    return p;
}
static inline bool enc_take_u32(enc_in *in, uint32_t *out)
{
    const uint8_t *p = enc_take(in, sizeof *out);
    if (p) *out = fn_load_u32(p);
    return p != NULL;
}
static inline unsigned enc_bits(uint64_t range) /* bits that hold 0 .. range */
{
    return range ? 64 - (unsigned)__builtin_clzll(range) : 0;
}

/* ---- inner blocks ---- */
/* Appends the cheapest inner block of `count` integers (0 allowed: nothing is appended but the byte of ENC_RAW). */
fn_status enc_ints_encode(fn_ctx *ctx, const int64_t *v, uint32_t count, unsigned width, enc_place place, bool thorough, fn_buf *out) FN_MUST_USE;
/* The same in steps: v, count (not 0), width, place and thorough given, the cheapest of the encodings that stand alone is found; an
 * encoding that consists of others is considered by its enc_<name>_find; the best so far is written. */
void enc_ints_judge(enc_ints *b);
void enc_ints_consider(enc_ints *b, unsigned id);
fn_status enc_ints_write(fn_ctx *ctx, const enc_ints *b, fn_buf *out) FN_MUST_USE;
bool enc_is_allowed(enc_place place, unsigned id);
void enc_patched_find(enc_ints *b);
void enc_delta_find(enc_ints *b); /* ends as soon as it is known that the best so far is as good */
/* Memory of what ENC_REPEATS is made of, alive until the block is written. */
typedef struct enc_repeats_work {
    int64_t values[BLOCK_ROWS];
    enc_ints runs;
} enc_repeats_work;
void enc_repeats_find(enc_ints *b, enc_repeats_work *w);
typedef struct enc_distinct_work {
    int64_t values[BLOCK_ROWS], codes[BLOCK_ROWS];
    enc_ints distinct, coded;
    enc_repeats_work repeats;
} enc_distinct_work;
void enc_distinct_find(enc_ints *b, enc_distinct_work *w);
/* As enc_decode, but values before the vector of `from` and behind the vector of `from + take - 1` may be left undefined. */
bool enc_decode_some(const uint8_t *in, size_t size, uint32_t count, unsigned width, uint32_t from, uint32_t take, uint8_t *out) FN_MUST_USE;
/* Rows [from, from + take) of a nested block, from a multiple of PACK_ROWS; the first goes to out[0]. Width 8 at most. */
bool enc_decode_rows(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out) FN_MUST_USE;
bool enc_decode(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint8_t *out) FN_MUST_USE;
/* Values of any width and kind. known: integers that have been looked at; may be NULL. */
fn_status enc_values_encode(fn_ctx *ctx, const uint8_t *values, uint32_t count, unsigned width, enc_kind kind, bool thorough, const enc_look *known,
                            fn_buf *out) FN_MUST_USE;
fn_status enc_decimal_encode(fn_ctx *ctx, const uint8_t *values, uint32_t count, unsigned width, bool thorough, fn_buf *out, bool *done) FN_MUST_USE;
fn_status enc_narrow_encode(fn_ctx *ctx, const uint8_t *values, uint32_t count, unsigned width, bool thorough, fn_buf *out, bool *done) FN_MUST_USE;
/* Strings: lengths and the bytes they add up to. */
fn_status enc_text_encode(fn_ctx *ctx, const uint32_t *lengths, const uint8_t *bytes, uint32_t count, fn_buf *out) FN_MUST_USE;
/* The same of strings that lie anywhere and are all different. */
fn_status enc_text_encode_strings(fn_ctx *ctx, const fn_str *strings, uint32_t count, fn_buf *out) FN_MUST_USE;
/* lengths: count of them; *bytes points into `in`, or for a constant string at the one value (*constant). */
bool enc_text_decode(const uint8_t *in, size_t size, uint32_t count, uint32_t *lengths, const uint8_t **bytes, uint64_t *total,
                     bool *constant) FN_MUST_USE;

/* ---- blocks: the outer codec ---- */
typedef struct enc_outer {
    fn_codec codec; /* FN_CODEC_NONE, FN_CODEC_LZ4_RAW, FN_CODEC_ZSTD */
    int level;
    bool chosen;    /* by CODEC(...): kept whenever it saves anything; otherwise tried on the first block of a chunk */
    bool raw;       /* the trial: the codec does better than the encodings */
} enc_outer;
/* Appends inner as a block. */
fn_status enc_block_finish(fn_ctx *ctx, const enc_outer *outer, const fn_buf *inner, fn_buf *out) FN_MUST_USE;
/* The inner bytes of a block: *inner points into `in` or into scratch (unpacked). CORRUPTED_DATA when damaged. */
fn_status enc_block_open(fn_ctx *ctx, const uint8_t *in, size_t size, fn_buf *scratch, fn_str *inner) FN_MUST_USE;
#endif
