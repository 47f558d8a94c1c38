/* func_utf8.c - functions that count or change code points: lengthUTF8, lowerUTF8, upperUTF8, initcapUTF8, validity, width on a
 * terminal. Text that is all ASCII takes the bytewise way.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/utf8_case.h"

bool utf8_is_valid(fn_str s)
{
    uint32_t code;
    for (size_t at = 0; at < s.size;) {
        if (at + 8 <= s.size && !(fn_load_u64(s.data + at) & 0x8080808080808080u)) {
            at += 8;
            continue;
        }
        const size_t width = utf8_decode(s, at, &code);
        if (!width) return false;
        at += width;
    }
    return true;
}

TEXT_BIND(bind_count, "s", func_bind_u64)
TEXT_BIND(bind_flag, "s", func_bind_u8)
TEXT_BIND(bind_text, "s", func_bind_string)

static fn_status row_length(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    fn_store_u64(to, utf8_count(text_at(args[0], row)));
    return FN_OK;
}
TEXT_EVAL(eval_length, fixed_rows, row_length)

static fn_status row_is_valid(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    *to = utf8_is_valid(text_at(args[0], row));
    return FN_OK;
}
TEXT_EVAL(eval_is_valid, fixed_rows, row_is_valid)

static fn_status row_is_ascii(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    *to = utf8_is_ascii(text_at(args[0], row));
    return FN_OK;
}
TEXT_EVAL(eval_is_ascii, fixed_rows, row_is_ascii)

/* ---- letter case ---- */
static fn_status row_lower(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return utf8_case_text(ctx, text_at(args[0], row), CASE_LOWER, to);
}
static fn_status row_upper(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return utf8_case_text(ctx, text_at(args[0], row), CASE_UPPER, to);
}
TEXT_EVAL(eval_lower, text_rows, row_lower)
TEXT_EVAL(eval_upper, text_rows, row_upper)

static bool is_word(uint32_t code)
{
    if (code < 0x80) return text_is_alpha((uint8_t)code) || text_is_digit((uint8_t)code);
    return code >= 0xAA && code != 0xD7 && code != 0xF7 && !(code >= 0x2000 && code < 0x2070) && !(code >= 0x3000 && code < 0x3005);
}
static fn_status row_initcap(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    bool inside = false;
    FN_TRY(fn_buf_reserve(ctx, to, s.size * 2));
    for (size_t at = 0; at < s.size;) {
        uint32_t code;
        const size_t width = utf8_decode(s, at, &code);
        if (!width) {
            to->data[to->size++] = s.data[at++];
            inside = false;
            continue;
        }
        at += width;
        to->size += utf8_encode(utf8_case(code, inside ? CASE_LOWER : CASE_UPPER), to->data + to->size);
        inside = is_word(code);
    }
    return FN_OK;
}
TEXT_EVAL(eval_initcap, text_rows, row_initcap)

/* ---- toValidUTF8 ---- */
static fn_status row_to_valid(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    bool bad = false; /* a run of bad bytes gives one U+FFFD */
    for (size_t at = 0; at < s.size;) {
        uint32_t code;
        const size_t width = utf8_decode(s, at, &code);
        if (width) FN_TRY(fn_buf_append(ctx, to, s.data + at, width));
        else if (!bad) FN_TRY(fn_buf_str(ctx, to, FN_STR("\xEF\xBF\xBD")));
        if (!width && utf8_width((uint8_t)s.data[at]) > s.size - at) break; /* a sequence cut by the end takes the rest with it */
        bad = width == 0;
        at += width ? width : 1;
    }
    return FN_OK;
}
TEXT_EVAL(eval_to_valid, text_rows, row_to_valid)

/* ---- visibleWidth ---- */
typedef struct code_range {
    uint32_t first, last;
} code_range;
/* East Asian wide and full-width blocks, two columns each; emoji count as one, as in ClickHouse. */
static const code_range wide[] = {{0x1100, 0x115F}, {0x231A, 0x231B}, {0x2329, 0x232A}, {0x23E9, 0x23EC}, {0x2E80, 0x303E}, {0x3041, 0xA4CF}, {0xA960, 0xA97C},
                                  {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE10, 0xFE19}, {0xFE30, 0xFE6F}, {0xFF01, 0xFF60}, {0xFFE0, 0xFFE6},
                                  {0x20000, 0x3FFFD}};
/* Combining marks and joiners: no column. */
static const code_range narrow[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
static bool within(const code_range *rows, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count && code >= rows[i].first; i++)
        if (code <= rows[i].last) return true;
    return false;
}
static uint64_t visible_width(fn_str s)
{
    uint64_t columns = 0;
    for (size_t at = 0; at < s.size;) {
        uint32_t code;
        const size_t width = utf8_decode(s, at, &code);
        at += width ? width : 1;
        if (width && code == '\t') columns += 8 - columns % 8;
        else if (width && within(wide, FN_COUNT(wide), code)) columns += 2;
        else if (!(width && within(narrow, FN_COUNT(narrow), code))) columns++;
    }
    return columns;
}
static fn_status eval_width(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    uint8_t *values;
    fn_text_options options;
    fn_buf text = FN_BUF_INIT;
    expr_text_options(ctx, &options);
    fn_column *c = func_new_fixed(ctx, call->type, rows, &values);
    FN_TRY_PTR(ctx, c);
    fn_status status = FN_OK;
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        text.size = 0;
        const bool null = fn_column_is_null(args[0], i);
        status = null ? fn_buf_cstr(ctx, &text, "NULL") : fn_text_write(ctx, args[0], i, FN_TEXT_PLAIN, &options, &text);
        if (status == FN_OK) fn_store_u64(values + 8 * i, visible_width(fn_buf_view(&text)));
    }
    fn_buf_release(&text);
    if (status != FN_OK) fn_column_drop(c);
    else *out = c;
    return status;
}

static const char *const length_names[] = {"CHAR_LENGTH", "CHARACTER_LENGTH", NULL};
static const char *const ascii_names[] = {"isASCII", NULL};
static const func_def rows_[] = {
    {.name = "lengthUTF8", .aliases = length_names, .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, .bind = bind_count, .eval = eval_length,
     .about = "Code points of a string.", .example = "lengthUTF8('дом')", .gives = "3"},
    {.name = "lowerUTF8", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_text, .eval = eval_lower,
     .about = "Letters in lower case by the rules of Unicode.", .example = "lowerUTF8('ДОМ')", .gives = "дом"},
    {.name = "upperUTF8", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_text, .eval = eval_upper,
     .about = "Letters in upper case by the rules of Unicode.", .example = "upperUTF8('дом')", .gives = "ДОМ"},
    {.name = "initcapUTF8", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_text, .eval = eval_initcap,
     .about = "First letters of words in upper case, the others in lower case.", .example = "initcapUTF8('мой дом')", .gives = "Мой Дом"},
    {.name = "isValidUTF8", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_flag, .eval = eval_is_valid,
     .about = "1 if the bytes are well-formed UTF-8.", .example = "isValidUTF8('дом')", .gives = "1"},
    {.name = "isValidASCII", .aliases = ascii_names, .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY | FUNC_CASE_INSENSITIVE, .bind = bind_flag, .eval = eval_is_ascii,
     .about = "1 if all bytes are below 128.", .example = "isValidASCII('abc')", .gives = "1"},
    {.name = "toValidUTF8", .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_text, .eval = eval_to_valid,
     .about = "Runs of bytes that are not UTF-8 replaced by U+FFFD.", .example = "toValidUTF8('abc')", .gives = "abc"},
    {.name = "visibleWidth", .args_min = 1, .args_max = 1, .flags = FUNC_OWN_NULLS, .bind = func_bind_u64, .eval = eval_width,
     .about = "Columns the value's text takes on a terminal.", .example = "visibleWidth('日本')", .gives = "4"},
};
const func_family func_family_utf8 = FUNC_FAMILY("string", rows_);
