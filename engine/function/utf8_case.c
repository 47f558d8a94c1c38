/* utf8_case.c - letter case of code points: tables of ranges, found by bisection; ASCII never gets there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/utf8_case.h"

typedef struct case_range {
    uint32_t first, last;
    uint8_t step; /* every code point, or every second one */
    int32_t delta;
} case_range;
typedef struct case_several {
    uint32_t code;
    uint32_t to[3]; /* 0: none */
} case_several;
#include "function/utf8_case.inc"

static uint32_t by_ranges(const case_range *rows, size_t count, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (rows[mid].last < code) low = mid + 1;
        else high = mid;
    }
    if (low == count || code < rows[low].first || (code - rows[low].first) % rows[low].step) return code;
    return (uint32_t)((int32_t)code + rows[low].delta);
}

static const case_several *by_several(const case_several *rows, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].code == code) return &rows[i];
    return NULL;
}

uint32_t utf8_case(uint32_t code, letter_case way)
{
    if (code < 0x80) return way == CASE_LOWER ? text_lower((uint8_t)code) : text_upper((uint8_t)code);
    return way == CASE_LOWER ? by_ranges(lower_ranges, FN_COUNT(lower_ranges), code) : by_ranges(upper_ranges, FN_COUNT(upper_ranges), code);
}

unsigned utf8_case_full(uint32_t code, letter_case way, uint32_t out[3])
{
    out[0] = utf8_case(code, way);
    if (out[0] != code || code < 0x80) return 1;
    const case_several *several = way == CASE_LOWER ? by_several(lower_several, FN_COUNT(lower_several), code)
                                                    : by_several(upper_several, FN_COUNT(upper_several), code);
    if (!several) return 1;
    memcpy(out, several->to, sizeof several->to);
    return several->to[2] ? 3 : 2;
}

static bool is_cased(uint32_t code)
{
    return utf8_case(code, CASE_LOWER) != code || utf8_case(code, CASE_UPPER) != code;
}

/* Greek sigma has a form of its own at the end of a word. */
static bool ends_word(fn_str s, size_t behind, uint32_t before)
{
    uint32_t next;
    return is_cased(before) && (behind >= s.size || utf8_decode(s, behind, &next) == 0 || !is_cased(next));
}

fn_status utf8_case_text(fn_ctx *ctx, fn_str s, letter_case way, fn_buf *to)
{
    FN_TRY(fn_buf_reserve(ctx, to, s.size));
    uint32_t before = 0;
    for (size_t at = 0; at < s.size;) {
        uint32_t code, out[3];
        const uint8_t b = (uint8_t)s.data[at];
        FN_TRY(fn_buf_reserve(ctx, to, 12));
        if (b < 0x80) {
            to->data[to->size++] = (char)(way == CASE_LOWER ? text_lower(b) : text_upper(b));
            before = b;
            at++;
            continue;
        }
        const size_t width = utf8_decode(s, at, &code);
        if (!width) {
            to->data[to->size++] = s.data[at++];
            before = 0;
            continue;
        }
        at += width;
        const unsigned n = utf8_case_full(code, way, out);
        if (code == 0x3A3 && way == CASE_LOWER && ends_word(s, at, before)) out[0] = 0x3C2;
        before = code;
        for (unsigned i = 0; i < n; i++) to->size += utf8_encode(out[i], to->data + to->size);
    }
    return FN_OK;
}

static fn_status fold_text(fn_ctx *ctx, fn_str s, fn_buf *to)
{
    FN_TRY(fn_buf_reserve(ctx, to, s.size * 2)); /* the longest growth: two bytes to three */
    for (size_t at = 0; at < s.size;) {
        uint32_t code;
        const size_t width = utf8_decode(s, at, &code);
        if (width && code == 0x17F) to->data[to->size++] = 's'; /* long s: equal to s without case */
        else if (width) to->size += utf8_encode(utf8_case(code, CASE_LOWER), to->data + to->size);
        else to->data[to->size++] = s.data[at];
        at += width ? width : 1;
    }
    return FN_OK;
}

static fn_status fold_ascii(fn_ctx *ctx, const fn_column *c, size_t stored, fn_column **out)
{
    const size_t width = c->offsets ? 0 : c->type->width, from = width ? 0 : c->offsets[0];
    const size_t size = width ? stored * width : c->offsets[stored] - from;
    fn_buffer *bytes = fn_buffer_new(ctx, size), *offsets = fn_buffer_new(ctx, (stored + 1) * 4);
    if (!bytes || !offsets) {
        fn_buffer_drop(bytes);
        fn_buffer_drop(offsets);
        return ctx->error.code;
    }
    for (size_t i = 0; i < size; i++) bytes->data[i] = text_lower(c->values[from + i]);
    for (size_t i = 0; i <= stored; i++) fn_store_u32(offsets->data + 4 * i, (uint32_t)(width ? i * width : c->offsets[i] - from));
    *out = fn_column_string(ctx, fn_type_simple(FN_T_STRING), (uint32_t)stored, bytes, offsets, NULL);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

static fn_status fold_utf8(fn_ctx *ctx, const fn_column *c, size_t stored, fn_column **out)
{
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, fn_type_simple(FN_T_STRING)));
    fn_status status = FN_OK;
    fn_buf text = FN_BUF_INIT;
    for (size_t i = 0; i < stored && status == FN_OK; i++) {
        text.size = 0;
        status = fold_text(ctx, text_at(c, i), &text);
        if (status == FN_OK) status = fn_builder_str(ctx, &b, fn_buf_view(&text));
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_buf_release(&text);
    fn_builder_release(&b);
    return status;
}

fn_status text_fold(fn_ctx *ctx, const fn_column *c, bool utf8, fn_column **out)
{
    const size_t stored = c->shape == FN_CONST ? 1 : c->rows;
    fn_column *made = NULL;
    FN_TRY(utf8 ? fold_utf8(ctx, c, stored, &made) : fold_ascii(ctx, c, stored, &made));
    *out = c->shape == FN_CONST ? fn_column_repeat(ctx, made, 0, c->rows) : fn_column_ref(made);
    fn_column_drop(made);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
