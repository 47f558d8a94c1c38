/* func_substring.c - pieces of strings: substring, left, right, substringIndex, overlay, padding, trimming, repeating, reversing.
 * Most come in two kinds: counting bytes, and counting code points (name ends in UTF8; text that is all ASCII takes the first way).
 * Positions count from 1, negative ones from the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include "function/utf8.h"

enum { REPEAT_MAX = 1000000 }; /* ClickHouse's limit of repeat, space and padding */

/* call->data of the UTF8 kinds. */
static bool utf8_yes = true;
static void note_utf8(func_call *call)
{
    call->data = fn_str_ends(fn_cstr(call->def->name), FN_STR("UTF8")) ? &utf8_yes : NULL;
}
static bool by_code(const func_call *call, fn_str s)
{
    return call->data && !utf8_is_ascii(s);
}
static size_t units(const func_call *call, fn_str s)
{
    return by_code(call, s) ? utf8_count(s) : s.size;
}
static size_t unit_byte(const func_call *call, fn_str s, size_t n)
{
    return by_code(call, s) ? utf8_skip(s, n) : FN_MIN(n, s.size);
}
/* The units [from, to) as bytes. */
static fn_str unit_slice(const func_call *call, fn_str s, size_t from, size_t to)
{
    const size_t first = unit_byte(call, s, from), last = unit_byte(call, s, to);
    return first < last ? (fn_str){s.data + first, last - first} : (fn_str){s.data, 0};
}
static fn_status bind_text(fn_ctx *ctx, func_call *call, const char *kinds)
{
    FN_TRY(text_need(ctx, call, kinds));
    note_utf8(call);
    return func_bind_string(ctx, call);
}

/* ---- substring, left, right ---- */
static fn_status bind_substring(fn_ctx *ctx, func_call *call)
{
    if (call->arg_types[0]->id == FN_T_ENUM8 || call->arg_types[0]->id == FN_T_ENUM16)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Function %s of an Enum is not supported; convert it by toString", call->def->name);
    return bind_text(ctx, call, "sn");
}
static int64_t number_at(const fn_column *c, size_t row)
{
    return fn_type_is_float(c->type) ? (int64_t)FN_MAX(FN_MIN(fn_column_f64_at(c, row), 9e18), -9e18) : fn_column_i64_at(c, row);
}
/* Units [*from, *to) of n: `offset` from 1 or from the end; a negative length drops as many at the end. */
static void bounds(int64_t n, int64_t offset, int64_t length, bool bounded, int64_t *from, int64_t *to)
{
    *from = offset > 0 ? offset - 1 : n + FN_MAX(offset, -INT64_MAX / 2);
    *to = n;
    if (bounded) *to = length < 0 ? n + FN_MAX(length, -INT64_MAX / 2) : length >= n - *from ? n : *from + length;
    if (*from < 0) *from = 0;
    if (offset == 0 || *to < *from || *from > n) *to = *from = 0;
}
static fn_status row_substring(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const fn_str s = text_at(args[0], row);
    int64_t from, end;
    bounds((int64_t)units(call, s), number_at(args[1], row), call->arg_count > 2 ? number_at(args[2], row) : 0, call->arg_count > 2, &from, &end);
    return fn_buf_str(ctx, to, unit_slice(call, s, (size_t)from, (size_t)end));
}
static fn_status bind_left(fn_ctx *ctx, func_call *call)
{
    return bind_text(ctx, call, "si");
}
static fn_status row_left(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const fn_str s = text_at(args[0], row);
    int64_t from, end;
    bounds((int64_t)units(call, s), 1, fn_column_i64_at(args[1], row), true, &from, &end);
    return fn_buf_str(ctx, to, unit_slice(call, s, (size_t)from, (size_t)end));
}
static fn_status row_right(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const fn_str s = text_at(args[0], row);
    const int64_t n = (int64_t)units(call, s), count = fn_column_i64_at(args[1], row);
    const int64_t from = count >= 0 ? n - FN_MIN(count, n) : -FN_MAX(count, -n);
    return fn_buf_str(ctx, to, unit_slice(call, s, (size_t)from, (size_t)n));
}

/* substring(s, offset, length) over bytes with the same offset (from 1) and length for all rows: short pieces are copied 16 bytes at a
 * time, over the end; what lies behind is written again by the next row or is room. */
static fn_status substring_same(fn_ctx *ctx, const func_call *call, const fn_column *c, uint32_t rows, uint64_t skip, uint64_t most, fn_column **out)
{
    enum { STEP = 16 };
    const uint64_t total = c->offsets[rows] - c->offsets[0], room = most < UINT32_MAX ? FN_MIN(total, (uint64_t)rows * most) : total;
    fn_buffer *bytes = fn_buffer_new(ctx, room + STEP), *offsets = fn_buffer_new(ctx, ((size_t)rows + 1) * 4);
    if (!bytes || !offsets) {
        fn_buffer_drop(bytes);
        fn_buffer_drop(offsets);
        return ctx->error.code;
    }
    uint32_t *at = (uint32_t *)(void *)offsets->data, end = 0;
    at[0] = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t size = c->offsets[i + 1] - c->offsets[i];
        const uint64_t n = size > skip ? FN_MIN(size - skip, most) : 0;
        const uint8_t *from = c->values + c->offsets[i] + (n ? skip : 0);
        if (n <= STEP) memcpy(bytes->data + end, from, STEP); /* columns have readable bytes behind */
        else memcpy(bytes->data + end, from, n);
        end += (uint32_t)n;
        at[i + 1] = end;
    }
    *out = fn_column_string(ctx, call->type, rows, bytes, offsets, NULL);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status eval_substring(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const fn_column *c = args[0];
    const bool bounded = call->arg_count > 2;
    if (call->data || c->shape != FN_FLAT || c->type->phys != FN_PHYS_STRING || !call->consts[1] || (bounded && !call->consts[2]) || !rows)
        return text_rows(ctx, call, args, rows, row_substring, out);
    const int64_t offset = number_at(args[1], 0), length = bounded ? number_at(args[2], 0) : UINT32_MAX;
    if (offset < 1 || length < 0 || c->offsets[rows] == c->offsets[0]) return text_rows(ctx, call, args, rows, row_substring, out);
    return substring_same(ctx, call, c, rows, (uint64_t)offset - 1, (uint64_t)FN_MIN(length, (int64_t)UINT32_MAX), out);
}
TEXT_EVAL(eval_left, text_rows, row_left)
TEXT_EVAL(eval_right, text_rows, row_right)

/* ---- substringIndex ---- */
static fn_status bind_index(fn_ctx *ctx, func_call *call)
{
    fn_str separator;
    FN_TRY(bind_text(ctx, call, "sci"));
    FN_TRY(func_const_str(ctx, call, 1, &separator));
    if ((call->data ? utf8_count(separator) : separator.size) != 1)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Second argument to %s must be a single %scharacter", call->def->name, call->data ? "UTF-8 " : "");
    return FN_OK;
}
static fn_status row_index(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row), separator = text_at(args[1], 0);
    int64_t count = fn_column_i64_at(args[2], row);
    if (count > 0) {
        size_t at = 0;
        for (;; count--) {
            const ptrdiff_t hit = text_find(s, at, separator);
            if (hit < 0) return fn_buf_str(ctx, to, s);
            if (count == 1) return fn_buf_append(ctx, to, s.data, (size_t)hit);
            at = (size_t)hit + separator.size;
        }
    }
    if (count == 0 || s.size < separator.size) return count ? fn_buf_str(ctx, to, s) : FN_OK;
    for (size_t at = s.size - separator.size + 1; at-- > 0;)
        if (memcmp(s.data + at, separator.data, separator.size) == 0 && ++count == 0) return fn_buf_str(ctx, to, text_from(s, at + separator.size));
    return fn_buf_str(ctx, to, s);
}
TEXT_EVAL(eval_index, text_rows, row_index)

/* ---- overlay ---- */
static fn_status bind_overlay(fn_ctx *ctx, func_call *call)
{
    return bind_text(ctx, call, "ssi");
}
static fn_status row_overlay(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const fn_str s = text_at(args[0], row), part = text_at(args[1], row);
    const int64_t n = (int64_t)units(call, s), offset = fn_column_i64_at(args[2], row);
    int64_t length = call->arg_count > 3 ? fn_column_i64_at(args[3], row) : -1;
    if (length < 0) length = (int64_t)units(call, part);
    const int64_t from = offset > 0 ? FN_MIN(offset - 1, n) : offset == 0 ? n : offset < -n ? 0 : n + offset;
    const int64_t end = length > n - from ? n : from + length;
    FN_TRY(fn_buf_str(ctx, to, unit_slice(call, s, 0, (size_t)from)));
    FN_TRY(fn_buf_str(ctx, to, part));
    return fn_buf_str(ctx, to, unit_slice(call, s, (size_t)end, (size_t)n));
}
TEXT_EVAL(eval_overlay, text_rows, row_overlay)

/* ---- padding ---- */
static fn_status bind_pad(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "sis"));
    if (call->arg_count > 2 && !call->consts[2]) return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Third argument of function %s must be a constant string", call->def->name);
    return bind_text(ctx, call, "sis");
}
static fn_status pad_row(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, bool front, fn_buf *to)
{
    const fn_str s = text_at(args[0], row);
    const int64_t wanted = fn_column_i64_at(args[1], row), n = (int64_t)units(call, s);
    fn_str pad = call->arg_count > 2 ? text_at(args[2], 0) : FN_STR(" ");
    if (pad.size == 0) pad = FN_STR(" ");
    if (wanted < 0) return fn_fail(ctx, FN_INDEX_OF_POSITIONAL_ARGUMENT_IS_OUT_OF_RANGE, "New padded length (%lld) is negative", (long long)wanted);
    if (wanted > REPEAT_MAX) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "New padded length (%lld) is too big, maximum is: %d", (long long)wanted, REPEAT_MAX);
    if (wanted <= n) return fn_buf_str(ctx, to, unit_slice(call, s, 0, (size_t)wanted));
    if (!front) FN_TRY(fn_buf_str(ctx, to, s));
    const size_t missing = (size_t)(wanted - n), width = units(call, pad);
    for (size_t i = 0; i < missing / width; i++) FN_TRY(fn_buf_str(ctx, to, pad));
    FN_TRY(fn_buf_str(ctx, to, unit_slice(call, pad, 0, missing % width)));
    return front ? fn_buf_str(ctx, to, s) : FN_OK;
}
static fn_status row_left_pad(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    return pad_row(ctx, call, args, row, true, to);
}
static fn_status row_right_pad(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    return pad_row(ctx, call, args, row, false, to);
}
TEXT_EVAL(eval_left_pad, text_rows, row_left_pad)
TEXT_EVAL(eval_right_pad, text_rows, row_right_pad)

/* ---- trimming ---- */
TEXT_BIND(bind_trim, "sc", func_bind_string)
static fn_str trimmed(const func_call *call, fn_column *const *args, size_t row, bool front, bool back)
{
    fn_str s = text_at(args[0], row);
    const fn_str set = call->arg_count > 1 ? text_at(args[1], 0) : FN_STR(" ");
    if (set.size == 0) return s;
    while (front && s.size && memchr(set.data, s.data[0], set.size)) s = text_from(s, 1);
    while (back && s.size && memchr(set.data, s.data[s.size - 1], set.size)) s.size--;
    return s;
}
static fn_status row_trim_left(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    return fn_buf_str(ctx, to, trimmed(call, args, row, true, false));
}
static fn_status row_trim_right(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    return fn_buf_str(ctx, to, trimmed(call, args, row, false, true));
}
static fn_status row_trim_both(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    return fn_buf_str(ctx, to, trimmed(call, args, row, true, true));
}
TEXT_EVAL(eval_trim_left, text_rows, row_trim_left)
TEXT_EVAL(eval_trim_right, text_rows, row_trim_right)
TEXT_EVAL(eval_trim_both, text_rows, row_trim_both)

/* ---- repeat, space ---- */
TEXT_BIND(bind_repeat, "si", func_bind_string)
TEXT_BIND(bind_space, "i", func_bind_string)
static fn_status repeated(fn_ctx *ctx, fn_str s, const fn_column *count, size_t row, fn_buf *to)
{
    const bool big = fn_type_is_unsigned(count->type) && fn_column_u64_at(count, row) > INT64_MAX;
    int64_t n = big ? INT64_MAX : fn_column_i64_at(count, row);
    if (n > REPEAT_MAX) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Too many times to repeat (%lld), maximum is: %d", (long long)n, REPEAT_MAX);
    if (n <= 0 || s.size == 0) return FN_OK;
    FN_TRY(fn_buf_reserve(ctx, to, s.size * (size_t)n));
    for (; n > 0; n--) {
        memcpy(to->data + to->size, s.data, s.size);
        to->size += s.size;
    }
    return fn_ctx_check(ctx);
}
static fn_status row_repeat(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return repeated(ctx, text_at(args[0], row), args[1], row, to);
}
static fn_status row_space(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    return repeated(ctx, FN_STR(" "), args[0], row, to);
}
TEXT_EVAL(eval_repeat, text_rows, row_repeat)
TEXT_EVAL(eval_space, text_rows, row_space)

/* ---- reverse ---- */
static bool is_reversible_array(const func_call *call)
{
    return call->arg_types[0]->id == FN_T_ARRAY;
}
static fn_status bind_reverse(fn_ctx *ctx, func_call *call)
{
    if (!is_reversible_array(call)) {
        FN_TRY(text_need(ctx, call, "s"));
        call->type = call->arg_types[0];
        return FN_OK;
    }
    call->type = call->arg_types[0];
    return FN_OK;
}
static fn_status reverse_arrays(fn_ctx *ctx, const func_call *call, const fn_column *c, uint32_t rows, fn_column **out)
{
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, call->type));
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        uint32_t first, count;
        const fn_column *items = fn_column_items_at(c, i, &first, &count);
        for (uint32_t k = count; k-- > 0 && status == FN_OK;) status = fn_builder_copy(ctx, &b.kids[0], items, first + k);
        if (status == FN_OK) status = fn_builder_close_array(ctx, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}
static fn_status value_reverse(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_builder *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    FN_TRY(fn_builder_str(ctx, to, s));
    uint8_t *end = (uint8_t *)to->values.data + to->values.size;
    for (size_t i = 0; i < s.size; i++) end[-1 - (ptrdiff_t)i] = (uint8_t)s.data[i];
    return FN_OK;
}
static fn_status eval_reverse(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    return is_reversible_array(call) ? reverse_arrays(ctx, call, args[0], rows, out) : value_rows(ctx, call, args, rows, value_reverse, out);
}
TEXT_BIND(bind_string, "s", func_bind_string)
static fn_status row_reverse_utf8(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    FN_TRY(fn_buf_reserve(ctx, to, s.size));
    char *end = to->data + to->size + s.size;
    for (size_t at = 0; at < s.size;) {
        const size_t width = FN_MIN(utf8_width((uint8_t)s.data[at]), s.size - at);
        end -= width;
        memcpy(end, s.data + at, width);
        at += width;
    }
    to->size += s.size;
    return FN_OK;
}
TEXT_EVAL(eval_reverse_utf8, text_rows, row_reverse_utf8)
TEXT_BIND(bind_reverse_by, "sc", func_bind_string)
static fn_status row_reverse_by(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    fn_str s = text_at(args[0], row);
    const fn_str separator = call->arg_count > 1 ? text_at(args[1], 0) : FN_STR(".");
    FN_TRY(fn_buf_reserve(ctx, to, s.size));
    char *end = to->data + to->size + s.size;
    to->size += s.size;
    for (size_t at = 0; separator.size;) {
        const ptrdiff_t hit = text_find(s, at, separator);
        if (hit < 0) {
            s = text_from(s, at);
            break;
        }
        end -= (size_t)hit - at;
        memcpy(end, s.data + at, (size_t)hit - at);
        end -= separator.size;
        memcpy(end, separator.data, separator.size);
        at = (size_t)hit + separator.size;
    }
    if (s.size) memcpy(end - s.size, s.data, s.size);
    return FN_OK;
}
TEXT_EVAL(eval_reverse_by, text_rows, row_reverse_by)

/* ---- ends of strings ---- */
static fn_status bind_trailing(fn_ctx *ctx, func_call *call)
{
    fn_str tail;
    FN_TRY(text_need(ctx, call, "sc"));
    FN_TRY(func_const_str(ctx, call, 1, &tail));
    if (tail.size != 1) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Second argument of function %s must be a one-character string", call->def->name);
    return func_bind_string(ctx, call);
}
static fn_status row_trailing(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row), tail = text_at(args[1], 0);
    FN_TRY(fn_buf_str(ctx, to, s));
    return s.size && s.data[s.size - 1] != tail.data[0] ? fn_buf_byte(ctx, to, tail.data[0]) : FN_OK;
}
TEXT_EVAL(eval_trailing, text_rows, row_trailing)
static fn_status row_first_line(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    size_t n = 0;
    while (n < s.size && s.data[n] != '\n' && s.data[n] != '\r') n++;
    return fn_buf_append(ctx, to, s.data, n);
}
TEXT_EVAL(eval_first_line, text_rows, row_first_line)
static fn_status row_cut_to_zero(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    const char *zero = s.size ? memchr(s.data, 0, s.size) : NULL;
    return fn_buf_append(ctx, to, s.data, zero ? (size_t)(zero - s.data) : s.size);
}
TEXT_EVAL(eval_cut_to_zero, text_rows, row_cut_to_zero)
static fn_status row_basename(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    size_t at = s.size;
    while (at > 0 && s.data[at - 1] != '/' && s.data[at - 1] != '\\') at--;
    return fn_buf_str(ctx, to, text_from(s, at));
}
TEXT_EVAL(eval_basename, text_rows, row_basename)

/* ---- ascii, initcap ---- */
static fn_status bind_ascii(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    call->type = fn_type_simple(FN_T_INT32);
    return FN_OK;
}
static fn_status row_ascii(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    (void)call;
    const fn_str s = text_at(args[0], row);
    fn_store_i32(to, s.size ? (uint8_t)s.data[0] : 0);
    return FN_OK;
}
TEXT_EVAL(eval_ascii, fixed_rows, row_ascii)
static fn_status row_initcap(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    (void)call;
    const fn_str s = text_at(args[0], row);
    FN_TRY(fn_buf_reserve(ctx, to, s.size));
    bool inside = false;
    for (size_t i = 0; i < s.size; i++) {
        const uint8_t b = (uint8_t)s.data[i];
        to->data[to->size++] = (char)(inside ? text_lower(b) : text_upper(b));
        inside = text_is_alpha(b) || text_is_digit(b);
    }
    return FN_OK;
}
TEXT_EVAL(eval_initcap, text_rows, row_initcap)

static const char *const substring_names[] = {"substr", "mid", "byteSlice", NULL};
static const char *const left_pad_names[] = {"lpad", NULL};
static const char *const right_pad_names[] = {"rpad", NULL};
static const char *const trim_left_names[] = {"ltrim", NULL};
static const char *const trim_right_names[] = {"rtrim", NULL};
static const char *const trim_both_names[] = {"trim", NULL};
static const char *const index_names[] = {"SUBSTRING_INDEX", NULL};
enum { ANY_CASE = FUNC_CASE_INSENSITIVE, TOTAL = FUNC_PER_ENTRY };
static const func_def rows_[] = {
    {.name = "substring", .aliases = substring_names, .args_min = 2, .args_max = 3, .flags = ANY_CASE | TOTAL, .bind = bind_substring, .eval = eval_substring,
     .about = "Bytes of a string from a position on, at most as many as the length says.", .example = "substring('hello', 2, 3)", .gives = "ell"},
    {.name = "substringUTF8", .args_min = 2, .args_max = 3, .flags = TOTAL, .bind = bind_substring, .eval = eval_substring,
     .about = "Code points of a string from a position on, at most as many as the length says.", .example = "substringUTF8('дом', 2)", .gives = "ом"},
    {.name = "left", .args_min = 2, .args_max = 2, .flags = ANY_CASE | TOTAL, .bind = bind_left, .eval = eval_left,
     .about = "The first bytes; a negative count leaves out as many at the end.", .example = "left('hello', 2)", .gives = "he"},
    {.name = "leftUTF8", .args_min = 2, .args_max = 2, .flags = TOTAL, .bind = bind_left, .eval = eval_left,
     .about = "The first code points; a negative count leaves out as many at the end.", .example = "leftUTF8('дом', 2)", .gives = "до"},
    {.name = "right", .args_min = 2, .args_max = 2, .flags = ANY_CASE | TOTAL, .bind = bind_left, .eval = eval_right,
     .about = "The last bytes; a negative count leaves out as many at the front.", .example = "right('hello', 2)", .gives = "lo"},
    {.name = "rightUTF8", .args_min = 2, .args_max = 2, .flags = TOTAL, .bind = bind_left, .eval = eval_right,
     .about = "The last code points; a negative count leaves out as many at the front.", .example = "rightUTF8('дом', 2)", .gives = "ом"},
    {.name = "substringIndex", .aliases = index_names, .args_min = 3, .args_max = 3, .flags = FUNC_CASE_INSENSITIVE | TOTAL, .bind = bind_index, .eval = eval_index,
     .about = "What stands before the n-th separator; behind the n-th from the end for a negative n.", .example = "substringIndex('a.b.c', '.', 2)", .gives = "a.b"},
    {.name = "substringIndexUTF8", .args_min = 3, .args_max = 3, .flags = TOTAL, .bind = bind_index, .eval = eval_index,
     .about = "substringIndex with any code point as separator.", .example = "substringIndexUTF8('a→b→c', '→', 2)", .gives = "a→b"},
    {.name = "overlay", .args_min = 3, .args_max = 4, .flags = ANY_CASE | TOTAL, .bind = bind_overlay, .eval = eval_overlay,
     .about = "Replaces bytes from a position on by another string, as many as that is long unless a length is given.", .example = "overlay('abcdef', 'XY', 2, 3)", .gives = "aXYef"},
    {.name = "overlayUTF8", .args_min = 3, .args_max = 4, .flags = ANY_CASE | TOTAL, .bind = bind_overlay, .eval = eval_overlay,
     .about = "overlay counting code points.", .example = "overlayUTF8('дом', 'а', 2, 1)", .gives = "дам"},
    {.name = "leftPad", .aliases = left_pad_names, .args_min = 2, .args_max = 3, .flags = ANY_CASE, .bind = bind_pad, .eval = eval_left_pad,
     .about = "Fills up on the left to a length in bytes; a longer string is cut.", .example = "leftPad('7', 3, '0')", .gives = "007"},
    {.name = "leftPadUTF8", .args_min = 2, .args_max = 3, .bind = bind_pad, .eval = eval_left_pad,
     .about = "Fills up on the left to a length in code points; a longer string is cut.", .example = "leftPadUTF8('ж', 3, '*')", .gives = "**ж"},
    {.name = "rightPad", .aliases = right_pad_names, .args_min = 2, .args_max = 3, .flags = ANY_CASE, .bind = bind_pad, .eval = eval_right_pad,
     .about = "Fills up on the right to a length in bytes; a longer string is cut.", .example = "rightPad('7', 3, '0')", .gives = "700"},
    {.name = "rightPadUTF8", .args_min = 2, .args_max = 3, .bind = bind_pad, .eval = eval_right_pad,
     .about = "Fills up on the right to a length in code points; a longer string is cut.", .example = "rightPadUTF8('ж', 3, '*')", .gives = "ж**"},
    {.name = "trimLeft", .aliases = trim_left_names, .args_min = 1, .args_max = 2, .flags = TOTAL, .bind = bind_trim, .eval = eval_trim_left,
     .about = "Without the spaces (or the given characters) in front.", .example = "trimLeft('  a')", .gives = "a"},
    {.name = "trimRight", .aliases = trim_right_names, .args_min = 1, .args_max = 2, .flags = TOTAL, .bind = bind_trim, .eval = eval_trim_right,
     .about = "Without the spaces (or the given characters) at the end.", .example = "trimRight('a  ')", .gives = "a"},
    {.name = "trimBoth", .aliases = trim_both_names, .args_min = 1, .args_max = 2, .flags = TOTAL, .bind = bind_trim, .eval = eval_trim_both,
     .about = "Without the spaces (or the given characters) on both sides.", .example = "trimBoth('  a  ')", .gives = "a"},
    {.name = "repeat", .args_min = 2, .args_max = 2, .flags = ANY_CASE, .bind = bind_repeat, .eval = eval_repeat,
     .about = "The string as many times as said.", .example = "repeat('ab', 3)", .gives = "ababab"},
    {.name = "space", .args_min = 1, .args_max = 1, .flags = ANY_CASE, .bind = bind_space, .eval = eval_space,
     .about = "As many spaces as said.", .example = "concat('[', space(2), ']')", .gives = "[  ]"},
    {.name = "reverse", .args_min = 1, .args_max = 1, .flags = ANY_CASE | TOTAL, .bind = bind_reverse, .eval = eval_reverse,
     .about = "The bytes of a string or the items of an array in reverse order.", .example = "reverse('abc')", .gives = "cba"},
    {.name = "reverseUTF8", .args_min = 1, .args_max = 1, .flags = TOTAL, .bind = bind_string, .eval = eval_reverse_utf8,
     .about = "The code points of a string in reverse order.", .example = "reverseUTF8('дом')", .gives = "мод"},
    {.name = "reverseBySeparator", .args_min = 1, .args_max = 2, .flags = TOTAL, .bind = bind_reverse_by, .eval = eval_reverse_by,
     .about = "The parts between separators (a dot unless given) in reverse order.", .example = "reverseBySeparator('a.b.c')", .gives = "c.b.a"},
    {.name = "appendTrailingCharIfAbsent", .args_min = 2, .args_max = 2, .flags = TOTAL, .bind = bind_trailing, .eval = eval_trailing,
     .about = "Appends the character to a string that is not empty and does not end with it.", .example = "appendTrailingCharIfAbsent('a', '/')", .gives = "a/"},
    {.name = "firstLine", .args_min = 1, .args_max = 1, .flags = TOTAL, .bind = bind_string, .eval = eval_first_line,
     .about = "The string up to its first line end.", .example = "firstLine('a\\nb')", .gives = "a"},
    {.name = "toStringCutToZero", .args_min = 1, .args_max = 1, .flags = TOTAL, .bind = bind_string, .eval = eval_cut_to_zero,
     .about = "The string up to its first zero byte.", .example = "toStringCutToZero(toFixedString('ab', 4))", .gives = "ab"},
    {.name = "basename", .args_min = 1, .args_max = 1, .flags = TOTAL, .bind = bind_string, .eval = eval_basename,
     .about = "What stands behind the last slash or backslash.", .example = "basename('/a/b.txt')", .gives = "b.txt"},
    {.name = "ascii", .args_min = 1, .args_max = 1, .flags = ANY_CASE | TOTAL, .bind = bind_ascii, .eval = eval_ascii,
     .about = "The number of the first byte; 0 for an empty string.", .example = "ascii('A')", .gives = "65"},
    {.name = "initcap", .args_min = 1, .args_max = 1, .flags = ANY_CASE | TOTAL, .bind = bind_string, .eval = eval_initcap,
     .about = "First letters of words in upper case, the others in lower case (ASCII).", .example = "initcap('hello world')", .gives = "Hello World"},
};
const func_family func_family_substring = FUNC_FAMILY("string", rows_);
