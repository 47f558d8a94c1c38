/* enc_decimal.c - floats that were decimal numbers once (prices, coordinates): integers over a power of ten, after ALP (Afroozeh,
 * Kuffo, Boncz, SIGMOD 2023). Division of an exact integer by an exact power of ten is correctly rounded, so every decimal number
 * of up to 15 digits comes back bit for bit; what does not (NaN, -0.0, long fractions) is an exception.
 * Payload: u8 exponent, u32 exceptions, u32 size of the integers, integers (nested), u16 position[exceptions], value[exceptions].
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/encoding.h"

enum { EXPONENTS = 18, SAMPLE = 64 };
static const double powers[EXPONENTS] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17};

/* The integer of a double, or of a float held in one; false: it does not come back. */
static bool to_integer(double value, double power, unsigned width, int64_t *out)
{
    const double scaled = value * power;
    if (!(scaled > -9e15 && scaled < 9e15)) return false;
    const int64_t n = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
    const double back = (double)n / power;
    *out = n;
    if (width == sizeof(double)) return memcmp(&back, &value, sizeof back) == 0;
    const float narrow = (float)back, wanted = (float)value;
    return memcmp(&narrow, &wanted, sizeof narrow) == 0;
}

static double value_at(const uint8_t *values, uint32_t i, unsigned width)
{
    return width == sizeof(double) ? fn_load_f64(values + (size_t)i * width) : (double)fn_load_f32(values + (size_t)i * width);
}

/* The smallest exponent that nearly all of a sample come back from; EXPONENTS: none. */
static unsigned choose_exponent(const uint8_t *values, uint32_t count, unsigned width)
{
    const uint32_t step = FN_MAX(count / SAMPLE, 1u);
    for (unsigned e = 0; e < EXPONENTS; e++) {
        uint32_t tried = 0, failed = 0;
        int64_t n;
        for (uint32_t i = 0; i < count && failed * 8 <= SAMPLE; i += step, tried++) failed += !to_integer(value_at(values, i, width), powers[e], width, &n);
        if (failed * 10 <= tried) return e;
    }
    return EXPONENTS;
}

fn_status enc_decimal_encode(fn_ctx *ctx, const uint8_t *values, uint32_t count, unsigned width, bool thorough, fn_buf *out, bool *done)
{
    const unsigned e = choose_exponent(values, count, width);
    const size_t start = out->size;
    *done = false;
    if (e == EXPONENTS) return FN_OK;
    int64_t v[BLOCK_ROWS], last = 0;
    uint16_t positions[BLOCK_ROWS];
    uint32_t exceptions = 0;
    for (uint32_t i = 0; i < count; i++) {
        v[i] = last; /* an exception must not widen the packing */
        if (to_integer(value_at(values, i, width), powers[e], width, &v[i])) last = v[i];
        else {
            v[i] = last;
            positions[exceptions++] = (uint16_t)i;
        }
    }
    uint32_t head[2] = {exceptions, 0};
    FN_TRY(fn_buf_byte(ctx, out, ENC_DECIMAL));
    FN_TRY(fn_buf_byte(ctx, out, (char)e));
    FN_TRY(fn_buf_append(ctx, out, head, sizeof head));
    FN_TRY(enc_ints_encode(ctx, v, count, sizeof(int64_t), ENC_OF_OTHER, thorough, out));
    fn_store_u32(out->data + start + 6, (uint32_t)(out->size - start - 10));
    FN_TRY(fn_buf_append(ctx, out, positions, exceptions * sizeof *positions));
    for (uint32_t i = 0; i < exceptions; i++) FN_TRY(fn_buf_append(ctx, out, values + (size_t)positions[i] * width, width));
    *done = out->size - start < (size_t)count * width * 7 / 8;
    if (!*done) out->size = start;
    return FN_OK;
}

static bool decode_rows(const uint8_t *in, size_t size, uint32_t count, unsigned width, unsigned depth, uint32_t from, uint32_t take, uint8_t *out)
{
    enc_in at = {in, in + size};
    const uint8_t *e = enc_take(&at, 1);
    uint32_t exceptions, int_size;
    if (!e || *e >= EXPONENTS || (width != 4 && width != 8) || !enc_take_u32(&at, &exceptions) || !enc_take_u32(&at, &int_size)) return false;
    const uint8_t *ints = enc_take(&at, int_size);
    int64_t v[BLOCK_ROWS];
    if (exceptions > count || !ints || !enc_decode_rows(ints, int_size, count, sizeof *v, depth + 1, from, take, (uint8_t *)v)) return false;
    pack_kernels_get()->divide(v, take, powers[*e], width, out);
    const uint8_t *positions = enc_take(&at, exceptions * sizeof(uint16_t)), *values = enc_take(&at, (uint64_t)exceptions * width);
    if (!positions || !values) return false;
    for (uint32_t i = 0; i < exceptions; i++) {
        const uint16_t row = fn_load_u16(positions + 2 * (size_t)i);
        if (row >= count) return false;
        if (row >= from && row < from + take) memcpy(out + (size_t)(row - from) * width, values + (size_t)i * width, width);
    }
    return true;
}

const enc_class enc_decimal = {"decimal", NULL, NULL, NULL, decode_rows};
