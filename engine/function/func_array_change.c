/* func_array_change.c - arrays with other items: slice, resize, push, pop, concat, reverse, rotate, shift, compact, flatten,
 * zip, enumerate. All but flatten and zip pick numbers of items; the items are gathered once at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/array.h"

static fn_status bind_same(fn_ctx *ctx, func_call *call)
{
    FN_TRY(array_need(ctx, call, 0));
    for (uint32_t i = 1; i < call->arg_count; i++) {
        const fn_type *t = fn_type_strip_nullable(call->arg_types[i]);
        if (!fn_type_is_integer(t) && t->id != FN_T_NOTHING)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Argument %u for function %s must be integer. Actual type: %s", i + 1, call->def->name, t->name);
    }
    call->type = call->arg_types[0];
    return FN_OK;
}

/* ---- one array and numbers: which items stay ---- */

typedef struct span {
    uint32_t first, count; /* within the row */
} span;

static int64_t clamp_i64(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* arraySlice(a, from [, count]) */
static span slice_of(fn_column *const *args, uint32_t arg_count, size_t row, uint32_t n)
{
    const int64_t size = n;
    int64_t from = fn_column_is_null(args[1], row) ? 1 : fn_column_i64_at(args[1], row), begin;
    if (from == 0) return (span){0, 0};
    from = clamp_i64(from, -((int64_t)1 << 40), (int64_t)1 << 40);
    begin = from > 0 ? from - 1 : size + from;
    int64_t end = size;
    if (arg_count > 2 && !fn_column_is_null(args[2], row)) {
        const int64_t length = clamp_i64(fn_column_i64_at(args[2], row), -((int64_t)1 << 40), (int64_t)1 << 40);
        end = length < 0 ? size + length : begin + length;
    }
    begin = clamp_i64(begin, 0, size);
    end = clamp_i64(end, begin, size);
    return (span){(uint32_t)begin, (uint32_t)(end - begin)};
}

static fn_status eval_slice(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in a;
    array_pick p = {0};
    FN_TRY(array_open(ctx, args[0], &a));
    const bool slice = strcmp(call->def->name, "arraySlice") == 0, front = strcmp(call->def->name, "arrayPopFront") == 0;
    fn_status status = array_pick_open(ctx, &p, rows, a.total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint32_t n = a.offsets[i + 1] - a.offsets[i];
        span s = {front && n > 0, n ? n - 1 : 0};
        if (slice) s = slice_of(args, call->arg_count, i, n);
        for (uint32_t k = 0; k < s.count; k++) array_pick_put(&p, a.offsets[i] + s.first + k);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, a.items, out);
    array_close(&a);
    return status;
}

static fn_status eval_reverse(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in a;
    array_pick p = {0};
    FN_TRY(array_open(ctx, args[0], &a));
    fn_status status = array_pick_open(ctx, &p, rows, a.total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        for (uint32_t k = a.offsets[i + 1]; k-- > a.offsets[i];) array_pick_put(&p, k);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, a.items, out);
    array_close(&a);
    return status;
}

static fn_status eval_compact(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in a;
    array_pick p = {0};
    FN_TRY(array_open(ctx, args[0], &a));
    fn_status status = array_pick_open(ctx, &p, rows, a.total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        for (uint32_t k = a.offsets[i]; k < a.offsets[i + 1]; k++)
            if (k == a.offsets[i] || !fn_column_equal_at(a.items, k, a.items, k - 1)) array_pick_put(&p, k);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, a.items, out);
    array_close(&a);
    return status;
}

/* Rows moved left by n places around the end; right: by -n. */
static fn_status eval_rotate(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool right = strcmp(call->def->name, "arrayRotateRight") == 0;
    array_in a;
    array_pick p = {0};
    FN_TRY(array_open(ctx, args[0], &a));
    fn_status status = array_pick_open(ctx, &p, rows, a.total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const int64_t n = (int64_t)a.offsets[i + 1] - a.offsets[i];
        int64_t by = n ? fn_column_i64_at(args[1], i) % n : 0;
        if (right) by = -by;
        if (by < 0) by += n;
        for (int64_t k = 0; k < n; k++) array_pick_put(&p, a.offsets[i] + (uint32_t)((k + by) % n));
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, a.items, out);
    array_close(&a);
    return status;
}

/* ---- arrays with further values: resize, shift, push ---- */

/* call->data: the element type both sides are converted to. */
static fn_status bind_with_value(fn_ctx *ctx, func_call *call)
{
    FN_TRY(array_need(ctx, call, 0));
    const uint32_t value = call->arg_count - 1;
    const bool push = strncmp(call->def->name, "arrayPush", 9) == 0, has_value = push || call->arg_count == 3;
    if (!push && !fn_type_is_integer(call->arg_types[1]))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Argument 2 for function %s must be integer. Actual type: %s", call->def->name, call->arg_types[1]->name);
    const fn_type *sides[2] = {call->arg_types[0]->args[0], call->arg_types[value]}, *common = sides[0];
    if (has_value) FN_TRY(fn_type_common(ctx, sides, 2, &common));
    call->type = fn_type_array(common);
    return FN_OK;
}

/* The array's items with one more behind per row (its value) or one default behind all. */
typedef struct extended {
    array_in a;
    fn_column *all;
    bool per_row;
} extended;

static fn_status extend(fn_ctx *ctx, const func_call *call, fn_column *const *args, bool has_value, uint32_t value, extended *out)
{
    const fn_type *element = call->type->args[0];
    *out = (extended){.per_row = has_value};
    fn_column *more = NULL, *flat = NULL;
    FN_TRY(array_open(ctx, args[0], &out->a));
    fn_status status = array_convert_items(ctx, &out->a, element);
    if (status == FN_OK && has_value) status = expr_convert(ctx, args[value], element, CONVERT_CAST, &more);
    else if (status == FN_OK && !(more = fn_column_default(ctx, element, 1))) status = ctx->error.code;
    if (status == FN_OK && !(flat = fn_column_flatten(ctx, more))) status = ctx->error.code;
    if (status == FN_OK) {
        fn_column *parts[2] = {out->a.items, flat};
        out->all = fn_column_concat(ctx, parts, 2);
        if (!out->all) status = ctx->error.code;
    }
    fn_column_drop(more);
    fn_column_drop(flat);
    if (status != FN_OK) array_close(&out->a);
    return status;
}

static void extended_close(extended *e)
{
    fn_column_drop(e->all);
    array_close(&e->a);
}

static fn_status eval_push(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool front = strcmp(call->def->name, "arrayPushFront") == 0;
    extended e;
    array_pick p = {0};
    FN_TRY(extend(ctx, call, args, true, 1, &e));
    fn_status status = array_pick_open(ctx, &p, rows, (size_t)e.a.total + rows);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        if (front) array_pick_put(&p, e.a.total + i);
        for (uint32_t k = e.a.offsets[i]; k < e.a.offsets[i + 1]; k++) array_pick_put(&p, k);
        if (!front) array_pick_put(&p, e.a.total + i);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, e.all, out);
    extended_close(&e);
    return status;
}

static fn_status eval_resize(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    enum { LARGEST = 1 << 30 };
    extended e;
    array_pick p = {0};
    FN_TRY(extend(ctx, call, args, call->arg_count == 3, 2, &e));
    fn_status status = array_pick_open(ctx, &p, rows, e.a.total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const int64_t wanted = fn_column_i64_at(args[1], i), n = (int64_t)e.a.offsets[i + 1] - e.a.offsets[i];
        const uint32_t filler = e.a.total + (e.per_row ? i : 0);
        if (wanted > LARGEST || wanted < -LARGEST) status = fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "Too large array size: %lld, maximum: %d", (long long)wanted, LARGEST);
        if (status == FN_OK) status = array_pick_reserve(ctx, &p, (size_t)(wanted < 0 ? -wanted : wanted));
        if (status != FN_OK) break;
        for (int64_t k = 0; k < wanted; k++) array_pick_put(&p, k < n ? e.a.offsets[i] + (uint32_t)k : filler);
        for (int64_t k = wanted; k < 0; k++) array_pick_put(&p, n + k >= 0 ? (uint32_t)(e.a.offsets[i] + n + k) : filler);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, e.all, out);
    else array_pick_release(&p);
    extended_close(&e);
    return status;
}

static fn_status eval_shift(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const bool right = strcmp(call->def->name, "arrayShiftRight") == 0;
    extended e;
    array_pick p = {0};
    FN_TRY(extend(ctx, call, args, call->arg_count == 3, 2, &e));
    fn_status status = array_pick_open(ctx, &p, rows, e.a.total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const int64_t n = (int64_t)e.a.offsets[i + 1] - e.a.offsets[i], raw = clamp_i64(fn_column_i64_at(args[1], i), -n, n), by = right ? -raw : raw;
        const uint32_t filler = e.a.total + (e.per_row ? i : 0);
        for (int64_t k = 0; k < n; k++) array_pick_put(&p, k + by >= 0 && k + by < n ? (uint32_t)(e.a.offsets[i] + k + by) : filler);
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, e.all, out);
    extended_close(&e);
    return status;
}

/* ---- arrayConcat ---- */

static fn_status bind_concat(fn_ctx *ctx, func_call *call)
{
    for (uint32_t i = 0; i < call->arg_count; i++) FN_TRY(array_need(ctx, call, i));
    return fn_type_common(ctx, call->arg_types, call->arg_count, &call->type);
}

static fn_status eval_concat(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t n = call->arg_count;
    array_in *a = fn_alloc_zero(ctx, (n + 1) * sizeof *a);
    fn_column **items = fn_alloc_zero(ctx, (n + 1) * sizeof *items), *all = NULL;
    array_pick p = {0};
    size_t total = 0;
    fn_status status = a && items ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < n && status == FN_OK; k++) {
        status = array_open(ctx, args[k], &a[k]);
        if (status == FN_OK) status = array_convert_items(ctx, &a[k], call->type->args[0]);
        items[k] = a[k].items;
        total += a[k].total;
    }
    if (status == FN_OK && total > UINT32_MAX) status = fn_fail(ctx, FN_TOO_LARGE_ARRAY_SIZE, "Arrays of a block would hold more than 4294967295 items");
    if (status == FN_OK && !(all = fn_column_concat(ctx, items, n))) status = ctx->error.code;
    if (status == FN_OK) status = array_pick_open(ctx, &p, rows, total);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        uint32_t base = 0;
        for (uint32_t k = 0; k < n; k++) {
            for (uint32_t at = a[k].offsets[i]; at < a[k].offsets[i + 1]; at++) array_pick_put(&p, base + at);
            base += a[k].total;
        }
        array_pick_close_row(&p);
    }
    if (status == FN_OK) status = array_pick_finish(ctx, &p, call->type, all, out);
    for (uint32_t k = 0; a && k < n; k++) array_close(&a[k]);
    fn_column_drop(all);
    fn_free(items);
    fn_free(a);
    return status;
}

/* ---- arrayFlatten ---- */

static fn_status bind_flatten(fn_ctx *ctx, func_call *call)
{
    FN_TRY(array_need(ctx, call, 0));
    const fn_type *t = call->arg_types[0];
    while (t->args[0]->id == FN_T_ARRAY) t = t->args[0];
    call->type = t;
    return FN_OK;
}

static fn_status eval_flatten(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in a, inner;
    FN_TRY(array_open(ctx, args[0], &a));
    fn_status status = FN_OK;
    while (a.items->type->id == FN_T_ARRAY && status == FN_OK) { /* the bounds of the rows, counted in items one level deeper */
        status = array_open(ctx, a.items, &inner);
        if (status != FN_OK) break;
        uint32_t *to = (uint32_t *)(void *)a.bounds->data;
        for (uint32_t i = 0; i <= rows; i++) to[i] = inner.offsets[to[i]];
        fn_column_drop(a.items);
        a.items = fn_column_ref(inner.items);
        a.total = inner.total;
        array_close(&inner);
    }
    if (status == FN_OK) status = array_with_items(ctx, call->type, &a, fn_column_ref(a.items), out);
    array_close(&a);
    return status;
}

/* ---- arrayZip ---- */

static fn_status bind_zip(fn_ctx *ctx, func_call *call)
{
    const bool unaligned = strcmp(call->def->name, "arrayZipUnaligned") == 0;
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, call->arg_count + 1);
    FN_TRY_PTR(ctx, types);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        FN_TRY(array_need(ctx, call, i));
        types[i] = call->arg_types[i]->args[0];
        if (unaligned && fn_type_can_be_nullable(types[i])) types[i] = fn_type_nullable(types[i]);
    }
    call->type = fn_type_array(fn_type_tuple(types, NULL, call->arg_count));
    return FN_OK;
}

/* Longest of the arrays' rows; *same: all are equally long. */
static uint32_t longest(const array_in *a, uint32_t count, uint32_t row, bool *same)
{
    uint32_t most = 0;
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t n = a[k].offsets[row + 1] - a[k].offsets[row];
        if (k && n != most) *same = false;
        most = FN_MAX(most, n);
    }
    return most;
}

/* Fields of the result: each array's items, with NULL (or the default) where it is shorter. */
static fn_status zip_fields(fn_ctx *ctx, const fn_type *tuple, const array_in *a, uint32_t count, const fn_buffer *bounds, uint32_t rows, fn_column **fields)
{
    const uint32_t *to = (const uint32_t *)(const void *)bounds->data;
    uint32_t *index = fn_alloc(ctx, ((size_t)to[rows] + 16) * sizeof *index);
    fn_status status = index ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < count && status == FN_OK; k++) {
        fn_column *named = fn_column_retype(ctx, a[k].items, tuple->args[k]), *one = fn_column_default(ctx, tuple->args[k], 1), *all = NULL;
        if (named && one) all = fn_column_concat(ctx, (fn_column *const[]){named, one}, 2);
        for (uint32_t i = 0; i < rows; i++)
            for (uint32_t at = to[i]; at < to[i + 1]; at++) {
                const uint32_t item = a[k].offsets[i] + at - to[i];
                index[at] = item < a[k].offsets[i + 1] ? item : a[k].total;
            }
        if (all) fields[k] = fn_column_take(ctx, all, index, to[rows]);
        if (!fields[k]) status = ctx->error.code;
        fn_column_drop(named);
        fn_column_drop(one);
        fn_column_drop(all);
    }
    fn_free(index);
    return status;
}

static fn_status eval_zip(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    const uint32_t n = call->arg_count;
    const bool unaligned = strcmp(call->def->name, "arrayZipUnaligned") == 0;
    const fn_type *tuple = call->type->args[0];
    array_in *a = fn_alloc_zero(ctx, (n + 1) * sizeof *a);
    fn_column **fields = fn_alloc_zero(ctx, (n + 1) * sizeof *fields);
    fn_buffer *bounds = fn_buffer_new(ctx, ((size_t)rows + 1) * 4);
    fn_status status = a && fields && bounds ? FN_OK : ctx->error.code;
    for (uint32_t k = 0; k < n && status == FN_OK; k++) status = array_open(ctx, args[k], &a[k]);
    uint32_t total = 0;
    if (status == FN_OK) fn_store_u32(bounds->data, 0);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        bool same = true;
        total += longest(a, n, i, &same);
        if (!same && !unaligned) status = fn_fail(ctx, FN_SIZES_OF_ARRAYS_DONT_MATCH, "The arguments of function %s have different array sizes", call->def->name);
        fn_store_u32(bounds->data + ((size_t)i + 1) * 4, total);
    }
    if (status == FN_OK) status = zip_fields(ctx, tuple, a, n, bounds, rows, fields);
    const array_in shape = {.bounds = bounds, .rows = rows};
    if (status == FN_OK) status = array_with_items(ctx, call->type, &shape, fn_column_tuple(ctx, tuple, total, fields), out);
    for (uint32_t k = 0; k < n; k++) {
        if (a) array_close(&a[k]);
        if (fields) fn_column_drop(fields[k]);
    }
    fn_buffer_drop(bounds);
    fn_free(fields);
    fn_free(a);
    return status;
}

/* ---- arrayEnumerate ---- */

static fn_status bind_enumerate(fn_ctx *ctx, func_call *call)
{
    FN_TRY(array_need(ctx, call, 0));
    call->type = fn_type_array(fn_type_simple(FN_T_UINT32));
    return FN_OK;
}

static fn_status eval_enumerate(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in a;
    uint8_t *values = NULL;
    FN_TRY(array_open(ctx, args[0], &a));
    fn_column *numbers = func_new_fixed(ctx, fn_type_simple(FN_T_UINT32), a.total, &values);
    for (uint32_t i = 0; numbers && i < rows; i++)
        for (uint32_t k = a.offsets[i]; k < a.offsets[i + 1]; k++) fn_store_u32(values + (size_t)k * 4, k - a.offsets[i] + 1);
    const fn_status status = array_with_items(ctx, call->type, &a, numbers, out);
    array_close(&a);
    return status;
}

static const char *const flatten_names[] = {"flatten", NULL};
#define ROW(title, lo, hi, more, binder, evaluator, text, ex, res)                                 \
    {.name = title, .args_min = lo, .args_max = hi, .flags = more, .bind = binder, .eval = evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("arraySlice", 2, 3, FUNC_OWN_NULLS, bind_same, eval_slice, "Items from a place on (negative: from the end), so many; a negative number leaves as many off at the end.", "arraySlice([1, 2, 3], 2)", "[2,3]"),
    ROW("arrayPopBack", 1, 1, 0, bind_same, eval_slice, "The array without its last item.", "arrayPopBack([1, 2])", "[1]"),
    ROW("arrayPopFront", 1, 1, 0, bind_same, eval_slice, "The array without its first item.", "arrayPopFront([1, 2])", "[2]"),
    ROW("arrayPushBack", 2, 2, FUNC_OWN_NULLS, bind_with_value, eval_push, "The array with a further item at its end.", "arrayPushBack([1], 2)", "[1,2]"),
    ROW("arrayPushFront", 2, 2, FUNC_OWN_NULLS, bind_with_value, eval_push, "The array with a further item at its front.", "arrayPushFront([1], 2)", "[2,1]"),
    ROW("arrayResize", 2, 3, FUNC_OWN_NULLS, bind_with_value, eval_resize, "The array cut or filled up to a size; a negative size works at the front.", "arrayResize([1], 2)", "[1,0]"),
    ROW("arrayShiftLeft", 2, 3, FUNC_OWN_NULLS, bind_with_value, eval_shift, "Items moved to the left; what becomes free is filled with a default.", "arrayShiftLeft([1, 2], 1)", "[2,0]"),
    ROW("arrayShiftRight", 2, 3, FUNC_OWN_NULLS, bind_with_value, eval_shift, "Items moved to the right; what becomes free is filled with a default.", "arrayShiftRight([1, 2], 1)", "[0,1]"),
    ROW("arrayRotateLeft", 2, 2, 0, bind_same, eval_rotate, "Items moved to the left around the end.", "arrayRotateLeft([1, 2, 3], 1)", "[2,3,1]"),
    ROW("arrayRotateRight", 2, 2, 0, bind_same, eval_rotate, "Items moved to the right around the end.", "arrayRotateRight([1, 2, 3], 1)", "[3,1,2]"),
    ROW("arrayReverse", 1, 1, 0, bind_same, eval_reverse, "The items from last to first.", "arrayReverse([1, 2])", "[2,1]"),
    ROW("arrayCompact", 1, 1, 0, bind_same, eval_compact, "The array without items that equal the one before.", "arrayCompact([1, 1, 2])", "[1,2]"),
    ROW("arrayConcat", 1, -1, 0, bind_concat, eval_concat, "The items of all arrays, one array behind the other.", "arrayConcat([1], [2])", "[1,2]"),
    {.name = "arrayFlatten", .aliases = flatten_names, .args_min = 1, .args_max = 1, .bind = bind_flatten, .eval = eval_flatten,
     .about = "Arrays of arrays as one array.", .example = "arrayFlatten([[1], [2, 3]])", .gives = "[1,2,3]"},
    ROW("arrayZip", 1, -1, 0, bind_zip, eval_zip, "Tuples of the arrays' items at each place.", "arrayZip([1], ['a'])", "[(1,'a')]"),
    ROW("arrayZipUnaligned", 1, -1, 0, bind_zip, eval_zip, "As arrayZip, NULL where an array is shorter.", "arrayZipUnaligned([1], ['a'])", "[(1,'a')]"),
    ROW("arrayEnumerate", 1, 1, 0, bind_enumerate, eval_enumerate, "The places 1, 2, ... of the items.", "arrayEnumerate(['a', 'b'])", "[1,2]"),
};
const func_family func_family_array_change = FUNC_FAMILY("arrays", rows_);
