/* func_bitmap.c - bitmaps, the states of groupBitmap: made from arrays, asked, combined, cut. SPDX-License-Identifier: Apache-2.0 */
#include "expr/bitmap.h"
#include "function/array.h"

static const fn_type *item_of(const fn_type *t)
{
    const bool fits = t->id == FN_T_AGGREGATE_FUNCTION && t->arg_count == 1 && strcmp(t->function_name, "groupBitmap") == 0;
    return fits ? fn_type_strip_nullable(t->args[0]) : NULL;
}

static fn_status need_bitmaps(fn_ctx *ctx, const func_call *call, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!item_of(call->arg_types[i]))
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "%s argument for function %s must be a bitmap but it has type %s", i ? "Second" : "First", call->def->name, call->arg_types[i]->name);
    if (count == 2 && call->arg_types[0] != call->arg_types[1])
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "The nested type in bitmaps must be the same, but one is %s, and the other is %s", item_of(call->arg_types[0])->name,
                       item_of(call->arg_types[1])->name);
    return FN_OK;
}

static fn_status need_numbers(fn_ctx *ctx, const func_call *call, uint32_t from)
{
    for (uint32_t i = from; i < call->arg_count; i++)
        if (!fn_type_is_integer(call->arg_types[i]) || call->arg_types[i]->width > 8)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument %u of function %s", call->arg_types[i]->name, i + 1, call->def->name);
    return FN_OK;
}

static fn_status open_bitmap(fn_ctx *ctx, const fn_column *c, size_t row, bitmap *b)
{
    const fn_str bytes = fn_column_str_at(c, row);
    const uint8_t *at = (const uint8_t *)bytes.data;
    *b = (bitmap){0};
    return bytes.size ? bitmap_read(ctx, item_of(c->type), &at, at + bytes.size, b) : FN_OK;
}

static fn_status put_bitmap(fn_ctx *ctx, const fn_type *type, const bitmap *b, fn_builder *out)
{
    fn_buf bytes = FN_BUF_INIT;
    fn_status status = bitmap_write(ctx, item_of(type), b, &bytes);
    if (status == FN_OK) status = fn_builder_str(ctx, out, fn_buf_view(&bytes));
    fn_buf_release(&bytes);
    return status;
}

static uint64_t number_at(const fn_column *c, size_t row)
{
    return fn_type_is_unsigned(c->type) ? fn_column_u64_at(c, row) : (uint64_t)fn_column_i64_at(c, row);
}

/* A function of one row's bitmaps: `a`, and `b` where the second argument is one. Appends a value to `out`. */
typedef struct bitmap_row {
    const func_call *call;
    fn_column *const *args;
    uint32_t row;
    bitmap a, b;
} bitmap_row;
typedef fn_status row_function(fn_ctx *ctx, bitmap_row *r, fn_builder *out);

static fn_status each_row(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, row_function *one, fn_column **out)
{
    fn_builder built;
    FN_TRY(fn_builder_init(ctx, &built, call->type));
    fn_status status = fn_builder_reserve(ctx, &built, rows);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        bitmap_row r = {.call = call, .args = args, .row = i};
        status = open_bitmap(ctx, args[0], i, &r.a);
        if (status == FN_OK && call->arg_count > 1 && item_of(call->arg_types[1])) status = open_bitmap(ctx, args[1], i, &r.b);
        if (status == FN_OK) status = one(ctx, &r, &built);
        bitmap_release(&r.a);
        bitmap_release(&r.b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &built, out);
    fn_builder_release(&built);
    return status;
}

/* ---- bitmapBuild ---- */
static fn_status bind_build(fn_ctx *ctx, func_call *call)
{
    const fn_type *item = call->arg_types[0]->id == FN_T_ARRAY ? call->arg_types[0]->args[0] : NULL;
    if (!item || !fn_type_is_integer(item) || item->width > 8)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Unexpected type %s of argument of function %s", call->arg_types[0]->name, call->def->name);
    call->type = fn_type_aggregate("groupBitmap", &item, 1);
    return call->type ? FN_OK : fn_fail(ctx, FN_CANNOT_ALLOCATE_MEMORY, "No memory for a type");
}

static fn_status eval_build(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in a;
    fn_builder built;
    FN_TRY(array_open(ctx, args[0], &a));
    fn_status status = fn_builder_init(ctx, &built, call->type);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        bitmap b = {0};
        for (uint32_t k = a.offsets[i]; k < a.offsets[i + 1] && status == FN_OK; k++) status = bitmap_add(ctx, &b, number_at(a.items, k));
        bitmap_settle(&b);
        if (status == FN_OK) status = put_bitmap(ctx, call->type, &b, &built);
        bitmap_release(&b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &built, out);
    fn_builder_release(&built);
    array_close(&a);
    return status;
}

/* ---- one bitmap ---- */
static fn_status bind_number(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_bitmaps(ctx, call, 1));
    return func_bind_u64(ctx, call);
}

static fn_status put_u64(fn_ctx *ctx, uint64_t v, fn_builder *out)
{
    return fn_builder_fixed(ctx, out, &v);
}

static fn_status cardinality(fn_ctx *ctx, bitmap_row *r, fn_builder *out)
{
    return put_u64(ctx, r->a.count, out);
}

/* bitmapMin, bitmapMax; of none: the largest and the least number there is. */
static fn_status extreme(fn_ctx *ctx, bitmap_row *r, fn_builder *out)
{
    const bool least = strcmp(r->call->def->name, "bitmapMin") == 0;
    uint64_t v = least ? UINT64_MAX : 0;
    for (uint32_t i = 0; i < r->a.count; i++) v = least ? FN_MIN(v, r->a.values[i]) : FN_MAX(v, r->a.values[i]);
    const bool narrow = item_of(r->call->arg_types[0])->width < 8;
    return put_u64(ctx, !r->a.count && least && narrow ? UINT32_MAX : v, out);
}

static fn_status bind_to_array(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_bitmaps(ctx, call, 1));
    call->type = fn_type_array(item_of(call->arg_types[0]));
    return FN_OK;
}

static fn_status to_array(fn_ctx *ctx, bitmap_row *r, fn_builder *out)
{
    for (uint32_t i = 0; i < r->a.count; i++) FN_TRY(fn_builder_fixed(ctx, &out->kids[0], &r->a.values[i]));
    return fn_builder_close_array(ctx, out);
}

static fn_status bind_contains(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_bitmaps(ctx, call, 1));
    FN_TRY(need_numbers(ctx, call, 1));
    return func_bind_u8(ctx, call);
}

static fn_status contains(fn_ctx *ctx, bitmap_row *r, fn_builder *out)
{
    const uint8_t v = bitmap_has(&r->a, number_at(r->args[1], r->row));
    return fn_builder_fixed(ctx, out, &v);
}

/* ---- two bitmaps ---- */
static fn_status bind_pair(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_bitmaps(ctx, call, 2));
    call->type = call->arg_types[0];
    if (strstr(call->def->name, "Cardinality")) return func_bind_u64(ctx, call);
    return strncmp(call->def->name, "bitmapHas", 9) == 0 ? func_bind_u8(ctx, call) : FN_OK;
}

static bitmap_op op_of(const func_call *call)
{
    const char *name = call->def->name + strlen("bitmap");
    return strncmp(name, "Andnot", 6) == 0 ? BITMAP_ANDNOT : name[0] == 'A' ? BITMAP_AND : name[0] == 'O' ? BITMAP_OR : BITMAP_XOR;
}

static fn_status combined(fn_ctx *ctx, bitmap_row *r, fn_builder *out)
{
    FN_TRY(bitmap_combine(ctx, &r->a, &r->b, op_of(r->call)));
    return r->call->type->id == FN_T_UINT64 ? put_u64(ctx, r->a.count, out) : put_bitmap(ctx, r->call->type, &r->a, out);
}

static fn_status has_many(fn_ctx *ctx, bitmap_row *r, fn_builder *out)
{
    const bool all = strcmp(r->call->def->name, "bitmapHasAll") == 0;
    uint8_t v = all;
    for (uint32_t i = 0; i < r->b.count && v == all; i++) v = bitmap_has(&r->a, r->b.values[i]);
    return fn_builder_fixed(ctx, out, &v);
}

/* ---- parts of a bitmap: by value, or by place in ascending order ---- */
static fn_status bind_part(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_bitmaps(ctx, call, 1));
    FN_TRY(need_numbers(ctx, call, 1));
    call->type = call->arg_types[0];
    return FN_OK;
}

static fn_status part(fn_ctx *ctx, bitmap_row *r, fn_builder *out)
{
    const char *name = r->call->def->name;
    const bool range = strcmp(name, "bitmapSubsetInRange") == 0, by_place = name[0] == 's';
    const uint64_t from = number_at(r->args[1], r->row), second = number_at(r->args[2], r->row);
    bitmap kept = {0};
    const bool large = r->a.large;
    r->a.large = r->a.loose = true; /* in ascending order */
    bitmap_settle(&r->a);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < r->a.count && status == FN_OK; i++) {
        const uint64_t v = r->a.values[i];
        const bool inside = by_place ? i >= from : v >= from;
        if (inside && (range ? v < second : kept.count < second)) status = bitmap_add(ctx, &kept, v);
    }
    bitmap_settle(&kept);
    if (status == FN_OK && large && kept.count) kept.large = true;
    if (status == FN_OK) status = put_bitmap(ctx, r->call->type, &kept, out);
    bitmap_release(&kept);
    return status;
}

/* ---- bitmapTransform(b, from, to) ---- */
static fn_status bind_transform(fn_ctx *ctx, func_call *call)
{
    FN_TRY(need_bitmaps(ctx, call, 1));
    for (uint32_t i = 1; i < 3; i++)
        if (call->arg_types[i]->id != FN_T_ARRAY || !fn_type_is_integer(call->arg_types[i]->args[0]) || call->arg_types[i]->args[0]->width > 8) return func_illegal(ctx, call);
    call->type = call->arg_types[0];
    return FN_OK;
}

static fn_status transform_row(fn_ctx *ctx, bitmap *b, const array_in *from, const array_in *to, uint32_t row)
{
    bitmap gone = {0}, come = {0};
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < from->offsets[row + 1] - from->offsets[row] && status == FN_OK; k++) {
        const uint64_t v = number_at(from->items, from->offsets[row] + k);
        if (!bitmap_has(b, v) || bitmap_has(&gone, v)) continue;
        status = bitmap_add(ctx, &gone, v);
        bitmap_settle(&gone);
        if (status == FN_OK) status = bitmap_add(ctx, &come, number_at(to->items, to->offsets[row] + k));
    }
    bitmap_settle(&come);
    if (status == FN_OK) status = bitmap_combine(ctx, b, &gone, BITMAP_ANDNOT);
    if (status == FN_OK) status = bitmap_combine(ctx, b, &come, BITMAP_OR);
    bitmap_release(&gone);
    bitmap_release(&come);
    return status;
}

static fn_status eval_transform(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    array_in from, to;
    fn_builder built;
    FN_TRY(array_open(ctx, args[1], &from));
    fn_status status = array_open(ctx, args[2], &to);
    if (status != FN_OK) {
        array_close(&from);
        return status;
    }
    status = fn_builder_init(ctx, &built, call->type);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        bitmap b;
        if (from.offsets[i + 1] - from.offsets[i] != to.offsets[i + 1] - to.offsets[i]) status = fn_fail(ctx, FN_BAD_ARGUMENTS, "From array size and to array size mismatch");
        if (status == FN_OK) {
            status = open_bitmap(ctx, args[0], i, &b);
            if (status == FN_OK) status = transform_row(ctx, &b, &from, &to, i);
            if (status == FN_OK) status = put_bitmap(ctx, call->type, &b, &built);
            bitmap_release(&b);
        }
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &built, out);
    fn_builder_release(&built);
    array_close(&from);
    array_close(&to);
    return status;
}

#define EVAL(name)                                                                                 \
    static fn_status eval_##name(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out) \
    {                                                                                              \
        return each_row(ctx, call, args, rows, name, out);                                         \
    }
EVAL(cardinality)
EVAL(extreme)
EVAL(to_array)
EVAL(contains)
EVAL(combined)
EVAL(has_many)
EVAL(part)

#define ROW(title, args, binder, evaluator, text, ex, res)                                         \
    {.name = title, .args_min = args, .args_max = args, .bind = bind_##binder, .eval = eval_##evaluator, .about = text, .example = ex, .gives = res}
static const func_def rows_[] = {
    ROW("bitmapBuild", 1, build, build, "The integers of an array as a bitmap.", "bitmapToArray(bitmapBuild([1, 2, 2]))", "[1,2]"),
    ROW("bitmapToArray", 1, to_array, to_array, "The integers of a bitmap.", "bitmapToArray(bitmapBuild([1, 2]))", "[1,2]"),
    ROW("bitmapCardinality", 1, number, cardinality, "How many integers are in a bitmap.", "bitmapCardinality(bitmapBuild([1, 2]))", "2"),
    ROW("bitmapMin", 1, number, extreme, "The least integer of a bitmap.", "bitmapMin(bitmapBuild([1, 2]))", "1"),
    ROW("bitmapMax", 1, number, extreme, "The largest integer of a bitmap.", "bitmapMax(bitmapBuild([1, 2]))", "2"),
    ROW("bitmapContains", 2, contains, contains, "1 if the integer is in the bitmap.", "bitmapContains(bitmapBuild([1, 2]), 1)", "1"),
    ROW("bitmapHasAny", 2, pair, has_many, "1 if the bitmaps have an integer in common.", "bitmapHasAny(bitmapBuild([1, 2]), bitmapBuild([2]))", "1"),
    ROW("bitmapHasAll", 2, pair, has_many, "1 if the first bitmap has all integers of the second.", "bitmapHasAll(bitmapBuild([1, 2]), bitmapBuild([2]))", "1"),
    ROW("bitmapAnd", 2, pair, combined, "The integers in both bitmaps.", "bitmapToArray(bitmapAnd(bitmapBuild([1, 2]), bitmapBuild([2])))", "[2]"),
    ROW("bitmapOr", 2, pair, combined, "The integers in any of the bitmaps.", "bitmapToArray(bitmapOr(bitmapBuild([1, 2]), bitmapBuild([2])))", "[1,2]"),
    ROW("bitmapXor", 2, pair, combined, "The integers in one bitmap alone.", "bitmapToArray(bitmapXor(bitmapBuild([1, 2]), bitmapBuild([2])))", "[1]"),
    ROW("bitmapAndnot", 2, pair, combined, "The integers of the first bitmap that are not in the second.", "bitmapToArray(bitmapAndnot(bitmapBuild([1, 2]), bitmapBuild([2])))", "[1]"),
    ROW("bitmapAndCardinality", 2, pair, combined, "How many integers are in both bitmaps.", "bitmapAndCardinality(bitmapBuild([1, 2]), bitmapBuild([2]))", "1"),
    ROW("bitmapOrCardinality", 2, pair, combined, "How many integers are in any of the bitmaps.", "bitmapOrCardinality(bitmapBuild([1, 2]), bitmapBuild([2]))", "2"),
    ROW("bitmapXorCardinality", 2, pair, combined, "How many integers are in one bitmap alone.", "bitmapXorCardinality(bitmapBuild([1, 2]), bitmapBuild([2]))", "1"),
    ROW("bitmapAndnotCardinality", 2, pair, combined, "How many integers of the first bitmap are not in the second.", "bitmapAndnotCardinality(bitmapBuild([1, 2]), bitmapBuild([2]))", "1"),
    ROW("bitmapSubsetInRange", 3, part, part, "The integers from the second argument on and below the third.", "bitmapToArray(bitmapSubsetInRange(bitmapBuild([1, 5, 9]), 5, 9))", "[5]"),
    ROW("bitmapSubsetLimit", 3, part, part, "So many integers from the second argument on.", "bitmapToArray(bitmapSubsetLimit(bitmapBuild([1, 5, 9]), 5, 1))", "[5]"),
    ROW("subBitmap", 3, part, part, "So many integers behind as many others, in ascending order.", "bitmapToArray(subBitmap(bitmapBuild([1, 5, 9]), 1, 1))", "[5]"),
    ROW("bitmapTransform", 3, transform, transform, "The bitmap with integers of the second argument replaced by those of the third.", "bitmapToArray(bitmapTransform(bitmapBuild([1, 2]), [1], [7]))", "[2,7]"),
};
const func_family func_family_bitmap = FUNC_FAMILY("bitmaps", rows_);
