/* partition.c - ClickHouse's partition ids and part names.
 *
 * Ids: values that are integers (up to 64 bits), enums, Bool, Date (as yyyymmdd), DateTime, Date32 (days) or IPv4 are written as
 * numbers joined by '-'. If any value is of another type, or NULL, the id is the hex of SipHash-2-4 with 128 bits over all values,
 * each as a type tag and its bytes (ClickHouse's FieldVisitorHash; checked against 26.9's _partition_id).
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"
#include <inttypes.h>

/* ---- SipHash-2-4 with ClickHouse's 128-bit result ---- */

static uint64_t rotate(uint64_t x, unsigned by)
{
    return (x << by) | (x >> (64 - by));
}

static void sip_rounds(uint64_t v[4], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
        v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
    }
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_rounds(v, 2);
    v[0] ^= word;
}

static fn_hash128 sip_hash128(fn_str bytes)
{
    uint64_t v[4] = {0x736f6d6570736575u, 0x646f72616e646f6du, 0x6c7967656e657261u, 0x7465646279746573u};
    size_t at = 0;
    for (; at + 8 <= bytes.size; at += 8) sip_word(v, fn_load_u64(bytes.data + at));
    uint64_t last = (uint64_t)bytes.size << 56;
    for (unsigned i = 0; at + i < bytes.size; i++) last |= (uint64_t)(uint8_t)bytes.data[at + i] << (8 * i);
    sip_word(v, last);
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return (fn_hash128){v[0] ^ v[1], v[2] ^ v[3]};
}

/* ---- values as ClickHouse's Field hashes them ---- */

enum { TAG_NULL = 0, TAG_UINT64 = 1, TAG_INT64 = 2, TAG_FLOAT64 = 3, TAG_UINT128 = 4, TAG_INT128 = 5, TAG_STRING = 16, TAG_ARRAY = 17,
       TAG_TUPLE = 18, TAG_DECIMAL32 = 19, TAG_DECIMAL64 = 20, TAG_DECIMAL128 = 21, TAG_DECIMAL256 = 23, TAG_UINT256 = 24,
       TAG_INT256 = 25, TAG_IPV4 = 30 };

static fn_status hash_field(fn_ctx *ctx, const fn_column *c, size_t row, fn_buf *out);

static fn_status put(fn_ctx *ctx, fn_buf *out, int tag, const void *bytes, size_t size)
{
    FN_TRY(fn_buf_byte(ctx, out, (char)tag));
    return fn_buf_append(ctx, out, bytes, size);
}

static fn_status put_text(fn_ctx *ctx, fn_buf *out, fn_str text)
{
    const uint64_t size = text.size;
    FN_TRY(put(ctx, out, TAG_STRING, &size, sizeof size));
    return fn_buf_append(ctx, out, text.data, text.size);
}

static fn_status hash_container(fn_ctx *ctx, const fn_column *c, size_t row, fn_buf *out)
{
    const bool is_array = c->type->phys == FN_PHYS_ARRAY;
    uint32_t first = (uint32_t)row, count = c->type->arg_count;
    if (is_array) (void)fn_column_items_at(c, row, &first, &count);
    const uint64_t size = count;
    FN_TRY(put(ctx, out, is_array ? TAG_ARRAY : TAG_TUPLE, &size, sizeof size));
    for (uint32_t i = 0; i < count; i++) FN_TRY(hash_field(ctx, is_array ? c->kids[0] : c->kids[i], is_array ? first + i : row, out));
    return FN_OK;
}

static fn_status hash_field(fn_ctx *ctx, const fn_column *column, size_t row, fn_buf *out)
{
    if (fn_column_is_null(column, row)) return fn_buf_byte(ctx, out, TAG_NULL);
    const fn_column *c = fn_column_at(column, &row);
    const fn_type *t = fn_type_base(c->type);
    if (t->phys == FN_PHYS_ARRAY || t->phys == FN_PHYS_TUPLE) return hash_container(ctx, c, row, out);
    if (t->phys == FN_PHYS_STRING || t->phys == FN_PHYS_FIXED) return put_text(ctx, out, fn_column_str_at(c, row));
    if (t->phys == FN_PHYS_NOTHING) return fn_buf_byte(ctx, out, TAG_NULL);
    const uint8_t *value = fn_column_fixed_at(c, row);
    if (t->id == FN_T_UUID) {
        const uint64_t halves[2] = {fn_load_u64(value + 8), fn_load_u64(value)};
        return put(ctx, out, TAG_UINT128, halves, sizeof halves);
    }
    if (fn_type_is_float(t)) {
        const double number = fn_column_f64_at(c, row);
        return put(ctx, out, TAG_FLOAT64, &number, sizeof number);
    }
    if (t->id == FN_T_DECIMAL || t->id == FN_T_DATETIME64)
        return put(ctx, out, t->width == 4 ? TAG_DECIMAL32 : t->width == 8 ? TAG_DECIMAL64 : t->width == 16 ? TAG_DECIMAL128 : TAG_DECIMAL256, value, t->width);
    if (t->id == FN_T_IPV4) return put(ctx, out, TAG_IPV4, value, t->width);
    const bool is_signed = t->phys >= FN_PHYS_I8 && t->phys <= FN_PHYS_I256;
    if (t->width == 16) return put(ctx, out, is_signed ? TAG_INT128 : TAG_UINT128, value, 16);
    if (t->width == 32) return put(ctx, out, is_signed ? TAG_INT256 : TAG_UINT256, value, 32);
    const uint64_t number = fn_column_u64_at(c, row);
    return put(ctx, out, is_signed ? TAG_INT64 : TAG_UINT64, &number, sizeof number);
}

/* ---- ids and texts ---- */

static bool is_plain_number(const fn_type *type)
{
    const fn_type *t = fn_type_base(type);
    if (t->id == FN_T_DATETIME64 || t->id == FN_T_DECIMAL || t->id == FN_T_UUID || fn_type_is_float(t)) return false;
    return t->phys != FN_PHYS_FIXED && t->width >= 1 && t->width <= 8;
}

static fn_status number_text(fn_ctx *ctx, const fn_column *c, size_t row, fn_buf *out)
{
    const fn_type *t = fn_type_base(c->type);
    if (t->id == FN_T_DATE) {
        fn_civil day;
        fn_civil_from_days((int64_t)fn_column_u64_at(c, row), &day);
        return fn_buf_printf(ctx, out, "%04d%02u%02u", day.year, day.month, day.day);
    }
    if (t->phys >= FN_PHYS_I8 && t->phys <= FN_PHYS_I64) return fn_buf_i64(ctx, out, fn_column_i64_at(c, row));
    return fn_buf_u64(ctx, out, fn_column_u64_at(c, row));
}

static fn_status make_id(fn_ctx *ctx, fn_column *const *values, uint32_t count, size_t row, fn_buf *out)
{
    bool plain = true;
    for (uint32_t i = 0; i < count; i++) plain = plain && is_plain_number(values[i]->type) && !fn_column_is_null(values[i], row);
    if (plain) {
        for (uint32_t i = 0; i < count; i++) {
            if (i) FN_TRY(fn_buf_byte(ctx, out, '-'));
            FN_TRY(number_text(ctx, values[i], row, out));
        }
        return FN_OK;
    }
    fn_buf fields = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = hash_field(ctx, values[i], row, &fields);
    const fn_hash128 h = sip_hash128(fn_buf_view(&fields));
    fn_buf_release(&fields);
    for (unsigned i = 0; i < 16 && status == FN_OK; i++)
        status = fn_buf_printf(ctx, out, "%02x", (unsigned)((i < 8 ? h.low >> (8 * i) : h.high >> (8 * (i - 8))) & 0xff));
    return status;
}

/* system.parts.partition: one value plain, several as a tuple of literals. */
static fn_status make_text(fn_ctx *ctx, fn_column *const *values, uint32_t count, size_t row, fn_buf *out)
{
    fn_text_options options;
    fn_text_options_default(&options);
    if (count == 1) return fn_text_write(ctx, values[0], row, FN_TEXT_PLAIN, &options, out);
    FN_TRY(fn_buf_byte(ctx, out, '('));
    for (uint32_t i = 0; i < count; i++) {
        if (i) FN_TRY(fn_buf_byte(ctx, out, ','));
        FN_TRY(fn_text_write(ctx, values[i], row, FN_TEXT_QUOTED, &options, out));
    }
    return fn_buf_byte(ctx, out, ')');
}

fn_status mt_partition_name(fn_ctx *ctx, fn_column *const *values, uint32_t count, size_t row, fn_str *id, fn_str *text)
{
    if (count == 0) {
        *id = FN_STR("all");
        *text = FN_STR("tuple()");
        return FN_OK;
    }
    fn_buf b = FN_BUF_INIT;
    fn_status status = make_id(ctx, values, count, row, &b);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&b), id);
    b.size = 0;
    if (status == FN_OK) status = make_text(ctx, values, count, row, &b);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&b), text);
    fn_buf_release(&b);
    return status;
}

fn_status mt_part_name(fn_ctx *ctx, fn_str partition_id, uint64_t min_block, uint64_t max_block, uint32_t level, uint64_t mutation, fn_str *out)
{
    const char *name = mutation ? fn_arena_printf(ctx, ctx->arena, FN_STR_FMT "_%" PRIu64 "_%" PRIu64 "_%u_%" PRIu64, FN_STR_ARG(partition_id), min_block,
                                                  max_block, level, mutation)
                                : fn_arena_printf(ctx, ctx->arena, FN_STR_FMT "_%" PRIu64 "_%" PRIu64 "_%u", FN_STR_ARG(partition_id), min_block, max_block, level);
    FN_TRY_PTR(ctx, name);
    *out = fn_cstr(name);
    return FN_OK;
}

bool mt_part_name_is(fn_str name)
{
    unsigned fields = 0, digits = 0;
    size_t i = 0;
    while (i < name.size && name.data[i] != '_') i++;
    if (i == 0) return false;
    for (; i < name.size; i++) {
        if (name.data[i] != '_') {
            if (name.data[i] < '0' || name.data[i] > '9' || ++digits > 19) return false;
            continue;
        }
        if (fields && digits == 0) return false;
        fields++;
        digits = 0;
    }
    return digits && (fields == 3 || fields == 4);
}

fn_status mt_part_name_check(fn_ctx *ctx, fn_str name)
{
    if (mt_part_name_is(name)) return FN_OK;
    return fn_fail(ctx, FN_BAD_DATA_PART_NAME, "Unexpected part name: " FN_STR_FMT " for format version: 1", FN_STR_ARG(name));
}

fn_status mt_partition_id(fn_ctx *ctx, const table *t, fn_column *const *values, uint32_t count, fn_str *out)
{
    fn_str text;
    const uint32_t wanted = mt_table_definition(t)->partition_count;
    if (count != wanted) {
        return fn_fail(ctx, FN_INVALID_PARTITION_VALUE, "Wrong number of fields in the partition expression: %u, must be: %u", count, wanted);
    }
    return mt_partition_name(ctx, values, count, 0, out, &text);
}
