/* convert_text.c - strings to every type and back. Integers have a fast way each; the rest goes through the types' text
 * forms. An integer that does not fit wraps, as ClickHouse's parser does.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert_internal.h"
#include <firn/wide.h>
#include <stdio.h>

static void bad_text(const convert_job *j, fn_str s, size_t parsed, char *text, size_t room)
{
    const char *name = j->to->name;
    const int size = (int)FN_MIN(s.size, (size_t)100), good = (int)FN_MIN(parsed, (size_t)100);
    if (parsed) (void)snprintf(text, room, "Cannot parse string '%.*s' as %.80s: syntax error at position %zu (parsed just '%.*s'). Note: there are to%.40sOrZero and to%.40sOrNull functions, which returns zero/NULL instead of throwing exception.", size, s.data, name, parsed, good, s.data, name, name);
    else (void)snprintf(text, room, "Cannot parse string '%.*s' as %.80s: syntax error at begin of string. Note: there are to%.40sOrZero and to%.40sOrNull functions, which returns zero/NULL instead of throwing exception.", size, s.data, name, name, name);
}

static fn_status lost_text(convert_job *j, uint32_t row, fn_str s, size_t parsed)
{
    char text[900];
    if (s.size == 0 && fn_type_is_float(j->to)) return convert_lost(j, row, FN_CANNOT_PARSE_NUMBER, "Cannot read floating point value");
    if (s.size == 0) {
        (void)snprintf(text, sizeof text, "Attempt to read after eof: Cannot parse %.80s from String, because value is too short", j->to->name);
        return convert_lost(j, row, FN_ATTEMPT_TO_READ_AFTER_EOF, text);
    }
    if (s.data[0] == '-' && fn_type_is_unsigned(j->to)) return convert_lost(j, row, FN_CANNOT_PARSE_NUMBER, "Unsigned type must not contain '-' symbol");
    bad_text(j, s, parsed, text, sizeof text);
    return convert_lost(j, row, fn_type_is_float(j->to) && !strchr("0123456789+-.", s.data[0]) ? FN_CANNOT_PARSE_NUMBER : FN_CANNOT_PARSE_TEXT, text);
}

/* Digits with a sign; how many bytes were taken (0: none). */
static size_t take_integer(fn_str s, bool is_signed, fn_u128 *out, bool *over)
{
    size_t i = 0;
    const bool minus = s.size && s.data[0] == '-';
    if (s.size && (s.data[0] == '+' || minus)) i = 1;
    const size_t first = i;
    fn_u128 v = 0;
    *over = false;
    for (; i < s.size && s.data[i] >= '0' && s.data[i] <= '9'; i++) {
        if (v > ((~(fn_u128)0) - 9) / 10) *over = true;
        v = v * 10 + (unsigned)(s.data[i] - '0');
    }
    if (i == first) return 0;
    if (minus && !is_signed) return 0; /* -0 as well */
    *out = minus ? 0 - v : v;
    return i;
}

static bool in_range(const fn_type *to, fn_u128 v, bool over)
{
    const unsigned bits = to->width * 8;
    if (over) return false;
    if (fn_type_is_unsigned(to)) return bits == 128 || v >> bits == 0;
    const fn_i128 x = (fn_i128)v;
    return bits == 128 || (x >> (bits - 1)) == 0 || (x >> (bits - 1)) == -1;
}

/* A FixedString of zero bytes is 0 for ClickHouse's reader of integers and decimals, which stops at the first of them. */
static bool no_digits(const convert_job *j, fn_str s)
{
    return s.size == 0 && j->from->phys == FN_PHYS_FIXED && j->from->width;
}

static fn_status parse_integers(convert_job *j, fn_column **out)
{
    const fn_type *to = j->to;
    fn_buffer *b = fn_buffer_new(j->ctx, (size_t)j->in->rows * to->width);
    FN_TRY_PTR(j->ctx, b);
    fn_status status = FN_OK;
    const bool exact = j->mode != CONVERT_CAST;
    for (uint32_t i = 0; i < j->in->rows && status == FN_OK; i++) {
        fn_u128 v = 0;
        if (!(j->nulls && j->nulls[i])) {
            fn_str s = fn_column_str_at(j->in, i);
            if (j->from->phys == FN_PHYS_FIXED)
                while (s.size && s.data[s.size - 1] == 0) s.size--;
            bool over;
            const size_t taken = take_integer(s, !fn_type_is_unsigned(to), &v, &over);
            if (no_digits(j, s)) v = 0;
            else if (taken == 0 || taken != s.size || (exact && !in_range(to, v, over))) {
                v = 0;
                status = lost_text(j, i, s, taken == s.size ? 0 : taken);
            }
        }
        memcpy(b->data + (size_t)i * to->width, &v, to->width);
    }
    if (status != FN_OK) {
        fn_buffer_drop(b);
        return status;
    }
    *out = fn_column_fixed(j->ctx, to, j->in->rows, b, NULL);
    return *out ? FN_OK : j->ctx->error.code;
}

static bool text_starts_word(fn_str s)
{
    return (s.data[0] | 32) >= 'a' && (s.data[0] | 32) <= 'z';
}

/* One value through the type's own reader; a failure is handled by the mode. */
static fn_status read_one(convert_job *j, uint32_t row, fn_str s, const fn_text_options *options, fn_builder *b)
{
    fn_ctx *ctx = j->ctx;
    const uint32_t before = b->rows;
    if (fn_type_is_integer(j->to) && s.size && text_starts_word(s)) { /* wide integers: true and false are no numbers here */
        FN_TRY(lost_text(j, row, s, 0));
        return fn_builder_default(ctx, b);
    }
    fn_text_in in = {.at = s.data, .end = s.data + s.size, .start = s.data};
    fn_status status = fn_text_read(ctx, &in, j->to, FN_TEXT_PLAIN, options, b);
    if (status == FN_OK && in.at == in.end) return FN_OK;
    fn_builder_truncate(b, before);
    if (status == FN_MEMORY_LIMIT_EXCEEDED || status == FN_CANNOT_ALLOCATE_MEMORY) return status;
    const bool own_words = status != FN_OK && !fn_type_is_float(j->to);
    if (own_words && (j->mode == CONVERT_CAST || j->mode == CONVERT_ACCURATE)) return status;
    fn_error_clear(ctx);
    FN_TRY(lost_text(j, row, s, status == FN_OK ? (size_t)(in.at - s.data) : 0));
    return fn_builder_default(ctx, b);
}

/* A FixedString(16) is the 16 bytes of a UUID or an IPv6, not its text. */
static fn_status take_bytes(convert_job *j, fn_column **out)
{
    fn_column *flat = fn_column_flatten(j->ctx, j->in);
    fn_buffer *b = flat ? fn_buffer_new(j->ctx, (size_t)flat->rows * 16) : NULL;
    if (b) {
        const size_t upper = j->to->id == FN_T_UUID ? 8 : 0; /* a UUID's upper half stands first in the bytes, last in a value */
        for (size_t i = 0; i < flat->rows; i++) {
            memcpy(b->data + i * 16 + upper, flat->values + i * 16, 8);
            memcpy(b->data + i * 16 + 8 - upper, flat->values + i * 16 + 8, 8);
        }
        *out = fn_column_fixed(j->ctx, j->to, flat->rows, b, NULL);
    }
    fn_column_drop(flat);
    return b && *out ? FN_OK : j->ctx->error.code;
}

fn_status convert_from_text(convert_job *j, fn_column **out)
{
    if (j->from->phys == FN_PHYS_FIXED && j->from->width == 16 && (j->to->id == FN_T_UUID || j->to->id == FN_T_IPV6)) return take_bytes(j, out);
    if (fn_type_is_integer(j->to) && j->to->width <= 16) return parse_integers(j, out);
    fn_ctx *ctx = j->ctx;
    fn_text_options options;
    fn_builder b;
    expr_text_options(ctx, &options);
    const bool lenient = j->mode == CONVERT_OR_ZERO || j->mode == CONVERT_TEXT_OR_NULL;
    if (lenient) options.best_effort_datetime = false; /* toDateTimeOrNull takes the plain form only */
    FN_TRY(fn_builder_init(ctx, &b, j->to));
    fn_status status = fn_builder_reserve(ctx, &b, j->in->rows);
    for (uint32_t i = 0; i < j->in->rows && status == FN_OK; i++) {
        if (j->nulls && j->nulls[i]) {
            status = fn_builder_default(ctx, &b);
            continue;
        }
        fn_str s = fn_column_str_at(j->in, i);
        if (j->from->phys == FN_PHYS_FIXED)
            while (s.size && s.data[s.size - 1] == 0) s.size--;
        const bool plain_time = j->to->id == FN_T_DATETIME && !options.best_effort_datetime;
        if (plain_time && s.size && (s.data[0] == '-' || memchr(s.data, '.', s.size))) {
            status = lost_text(j, i, s, 0);
            if (status == FN_OK) status = fn_builder_default(ctx, &b);
        } else if (lenient && j->to->id == FN_T_DATETIME64 && s.size == 0) { /* 1970, as ClickHouse reads it */
            status = fn_builder_default(ctx, &b);
        } else if (no_digits(j, s) && (fn_type_is_integer(j->to) || (j->to->id == FN_T_DECIMAL && !lenient))) {
            status = fn_builder_default(ctx, &b);
        } else if (lenient && j->to->id == FN_T_DECIMAL && j->from->phys == FN_PHYS_FIXED && s.size < j->from->width) { /* zero bytes are no part of a number here */
            status = lost_text(j, i, s, s.size);
            if (status == FN_OK) status = fn_builder_default(ctx, &b);
        } else if (j->to->id == FN_T_FIXED_STRING && s.size > j->to->width) {
            status = convert_lost(j, i, FN_TOO_LARGE_STRING_SIZE, "String too long for type FixedString");
            if (status == FN_OK) status = fn_builder_default(ctx, &b);
        } else if (j->to->id == FN_T_FIXED_STRING) {
            status = fn_builder_str(ctx, &b, s);
        } else {
            status = read_one(j, i, s, &options, &b);
        }
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

static size_t put_u64(uint64_t v, char *out)
{
    char text[20];
    size_t n = 0;
    do {
        text[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++) out[i] = text[n - 1 - i];
    return n;
}

static size_t put_integer(const fn_column *c, uint32_t row, char *out)
{
    const int64_t v = fn_column_i64_at(c, row);
    if (v >= 0 || fn_type_is_unsigned(c->type)) return put_u64((uint64_t)v, out);
    *out = '-';
    return 1 + put_u64(0 - (uint64_t)v, out + 1);
}

fn_status convert_to_text(convert_job *j, fn_column **out)
{
    fn_ctx *ctx = j->ctx;
    const uint32_t rows = j->in->rows;
    const bool integer = fn_type_is_integer(j->from) && j->from->width <= 8;
    fn_text_options options;
    fn_buf bytes = FN_BUF_INIT;
    expr_text_options(ctx, &options);
    fn_buffer *offsets = fn_buffer_new(ctx, ((size_t)rows + 1) * 4), *values = NULL;
    fn_status status = offsets ? FN_OK : ctx->error.code;
    if (status == FN_OK && integer) status = fn_buf_reserve(ctx, &bytes, (size_t)rows * 21);
    uint32_t *at = offsets ? (uint32_t *)(void *)offsets->data : NULL;
    if (at) at[0] = 0;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        if (!(j->nulls && j->nulls[i])) {
            if (integer) bytes.size += put_integer(j->in, i, bytes.data + bytes.size);
            else if (j->from->id == FN_T_FIXED_STRING) {
                fn_str s = fn_column_str_at(j->in, i);
                while (s.size && s.data[s.size - 1] == 0) s.size--;
                status = fn_buf_str(ctx, &bytes, s);
            } else {
                status = fn_text_write(ctx, j->in, i, FN_TEXT_PLAIN, &options, &bytes);
            }
        }
        if (bytes.size > UINT32_MAX && status == FN_OK) status = fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Too large text in conversion to String");
        at[i + 1] = (uint32_t)bytes.size;
    }
    if (status == FN_OK) {
        values = fn_buffer_new(ctx, bytes.size);
        if (!values) status = ctx->error.code;
    }
    if (status == FN_OK) {
        if (bytes.size) memcpy(values->data, bytes.data, bytes.size);
        *out = fn_column_string(ctx, j->to, rows, values, offsets, NULL);
        if (!*out) status = ctx->error.code;
    } else {
        fn_buffer_drop(offsets);
    }
    fn_buf_release(&bytes);
    return status;
}
