/* agg_binary.c - see agg_binary.h. SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_binary.h"
#include "aggregate/agg_sort.h"

static bool is_text(const fn_type *t)
{
    return t->phys == FN_PHYS_STRING;
}

fn_status agg_binary_write(fn_ctx *ctx, const fn_column *c, size_t row, fn_buf *out)
{
    if (fn_type_is_nullable(c->type)) {
        const bool null = fn_column_is_null(c, row);
        FN_TRY(fn_buf_byte(ctx, out, null));
        if (null) return FN_OK;
    }
    if (c->type->width > 0) return fn_buf_append(ctx, out, fn_column_fixed_at(c, row), c->type->width);
    if (is_text(c->type)) {
        const fn_str s = fn_column_str_at(c, row);
        FN_TRY(fn_buf_leb(ctx, out, s.size));
        return fn_buf_str(ctx, out, s);
    }
    if (c->type->phys == FN_PHYS_ARRAY) {
        uint32_t first, count;
        const fn_column *items = fn_column_items_at(c, row, &first, &count);
        FN_TRY(fn_buf_leb(ctx, out, count));
        for (uint32_t i = 0; i < count; i++) FN_TRY(agg_binary_write(ctx, items, first + i, out));
        return FN_OK;
    }
    size_t at = row;
    const fn_column *flat = fn_column_at(c, &at);
    for (uint32_t i = 0; i < flat->kid_count; i++) FN_TRY(agg_binary_write(ctx, flat->kids[i], at, out));
    return FN_OK;
}

static fn_status cut(fn_ctx *ctx)
{
    return fn_fail(ctx, FN_INCORRECT_DATA, "State of an aggregate function is cut");
}

fn_status agg_binary_read(fn_ctx *ctx, const fn_type *type, fn_builder *out, const uint8_t **at, const uint8_t *end)
{
    uint64_t n = 0;
    if (fn_type_is_nullable(type)) {
        uint8_t null = 0;
        FN_TRY(agg_take(ctx, &null, 1, at, end));
        if (null) return fn_builder_null(ctx, out);
    }
    if (type->width > 0) {
        if ((size_t)(end - *at) < type->width) return cut(ctx);
        FN_TRY(type->phys == FN_PHYS_FIXED && type->id == FN_T_FIXED_STRING ? fn_builder_str(ctx, out, (fn_str){(const char *)*at, type->width})
                                                                             : fn_builder_fixed(ctx, out, *at));
        *at += type->width;
        return FN_OK;
    }
    if (type->phys == FN_PHYS_TUPLE) {
        const uint32_t count = out->kid_count;
        for (uint32_t i = 0; i < count; i++) FN_TRY(agg_binary_read(ctx, out->kids[i].type, &out->kids[i], at, end));
        return fn_builder_close_tuple(ctx, out);
    }
    if (type->phys == FN_PHYS_NOTHING) return fn_builder_default(ctx, out);
    FN_TRY(agg_take_leb(ctx, &n, at, end));
    if (n > (uint64_t)(end - *at)) return cut(ctx);
    if (is_text(type)) {
        FN_TRY(fn_builder_str(ctx, out, (fn_str){(const char *)*at, n}));
        *at += n;
        return FN_OK;
    }
    for (; n; n--) FN_TRY(agg_binary_read(ctx, out->kids[0].type, &out->kids[0], at, end));
    return fn_builder_close_array(ctx, out);
}

/* ---- keys ---- */
static bool is_plain(const fn_type *t)
{
    return !fn_type_is_nullable(t) && (t->width > 0 || is_text(t));
}

fn_status agg_key_bytes(fn_ctx *ctx, const fn_column *c, size_t row, fn_buf *scratch, fn_str *out)
{
    if (is_plain(c->type)) {
        *out = is_text(c->type) ? fn_column_str_at(c, row) : (fn_str){(const char *)fn_column_fixed_at(c, row), c->type->width};
        return FN_OK;
    }
    scratch->size = 0;
    FN_TRY(agg_binary_write(ctx, c, row, scratch));
    *out = fn_buf_view(scratch);
    return FN_OK;
}

static const agg_key *key_at(const agg_keys *k, uint32_t number)
{
    return (const agg_key *)(const void *)k->list.data + number;
}
static uint32_t slot_of(const agg_keys *k, fn_str bytes, uint32_t hash)
{
    uint32_t i = hash & (k->capacity - 1);
    for (; k->slots[i]; i = (i + 1) & (k->capacity - 1)) {
        const agg_key *key = key_at(k, k->slots[i] - 1);
        if (key->hash == hash && key->size == bytes.size && (bytes.size == 0 || memcmp(key->bytes, bytes.data, bytes.size) == 0)) break;
    }
    return i;
}
static fn_status grow(fn_ctx *ctx, fn_arena *arena, agg_keys *k)
{
    const uint32_t capacity = k->capacity ? k->capacity * 2 : 16;
    uint32_t *slots = fn_arena_alloc_zero(ctx, arena, (size_t)capacity * sizeof *slots);
    FN_TRY_PTR(ctx, slots);
    for (uint32_t n = 0; n < k->list.count; n++) {
        uint32_t i = key_at(k, n)->hash & (capacity - 1);
        while (slots[i]) i = (i + 1) & (capacity - 1);
        slots[i] = n + 1;
    }
    k->slots = slots;
    k->capacity = capacity;
    return FN_OK;
}
bool agg_keys_find(const agg_keys *k, fn_str bytes, uint32_t *number)
{
    if (!k->capacity) return false;
    const uint32_t slot = k->slots[slot_of(k, bytes, (uint32_t)fn_hash_bytes(bytes.data, bytes.size, 0))];
    *number = slot - 1;
    return slot != 0;
}
fn_status agg_keys_insert(fn_ctx *ctx, fn_arena *arena, agg_keys *k, fn_str bytes, uint32_t *number, bool *is_new)
{
    const uint32_t hash = (uint32_t)fn_hash_bytes(bytes.data, bytes.size, 0);
    if (2 * (k->list.count + 1) > k->capacity) FN_TRY(grow(ctx, arena, k));
    const uint32_t i = slot_of(k, bytes, hash);
    *is_new = k->slots[i] == 0;
    if (*is_new) {
        agg_key key = {.size = (uint32_t)bytes.size, .hash = hash};
        if (bytes.size > INT32_MAX) return fn_fail(ctx, FN_TOO_LARGE_STRING_SIZE, "Value is too large for the state of an aggregate function");
        key.bytes = fn_arena_copy(ctx, arena, bytes.data, bytes.size);
        FN_TRY_PTR(ctx, key.bytes);
        FN_TRY(agg_items_push(ctx, arena, &k->list, &key, sizeof key));
        k->slots[i] = k->list.count;
    }
    *number = k->slots[i] - 1;
    return FN_OK;
}

fn_status agg_key_put(fn_ctx *ctx, const fn_type *type, fn_str bytes, fn_builder *out)
{
    if (is_plain(type)) {
        if (is_text(type) || type->id == FN_T_FIXED_STRING) return fn_builder_str(ctx, out, bytes);
        return fn_builder_fixed(ctx, out, bytes.data);
    }
    const uint8_t *at = (const uint8_t *)bytes.data;
    return agg_binary_read(ctx, type, out, &at, at + bytes.size);
}
fn_status agg_key_write(fn_ctx *ctx, const fn_type *type, fn_str bytes, fn_buf *out)
{
    if (is_text(type) && is_plain(type)) FN_TRY(fn_buf_leb(ctx, out, bytes.size));
    return fn_buf_str(ctx, out, bytes);
}
fn_status agg_key_take(fn_ctx *ctx, const fn_type *type, fn_str *out, const uint8_t **at, const uint8_t *end)
{
    uint64_t size = type->width;
    if (!is_plain(type)) { /* read it to know where it ends */
        fn_builder scratch;
        const uint8_t *start = *at;
        FN_TRY(fn_builder_init(ctx, &scratch, type));
        const fn_status status = agg_binary_read(ctx, type, &scratch, at, end);
        fn_builder_release(&scratch);
        *out = (fn_str){(const char *)start, (size_t)(*at - start)};
        return status;
    }
    if (is_text(type)) FN_TRY(agg_take_leb(ctx, &size, at, end));
    if (size > (uint64_t)(end - *at)) return cut(ctx);
    *out = (fn_str){(const char *)*at, size};
    *at += size;
    return FN_OK;
}

/* Stable merge sort of row numbers. */
static void sort_rows(const fn_column *c, uint32_t *v, uint32_t *scratch, uint32_t n)
{
    for (uint32_t run = 1; run < n; run *= 2) {
        for (uint32_t at = 0; at < n; at += 2 * run) {
            const uint32_t middle = FN_MIN(at + run, n), end = FN_MIN(at + 2 * run, n);
            uint32_t i = at, j = middle;
            for (uint32_t k = at; k < end; k++) scratch[k] = i < middle && (j >= end || fn_column_compare(c, v[i], c, v[j], true) <= 0) ? v[i++] : v[j++];
        }
        memcpy(v, scratch, n * sizeof *v);
    }
}
fn_status agg_keys_sorted(fn_ctx *ctx, const fn_type *type, const agg_keys *k, fn_column **column, uint32_t **order)
{
    const uint32_t n = k->list.count;
    fn_builder b;
    *column = NULL;
    *order = fn_alloc(ctx, ((size_t)n * 2 + 1) * sizeof **order);
    FN_TRY_PTR(ctx, *order);
    fn_status status = fn_builder_init(ctx, &b, type);
    for (uint32_t i = 0; i < n && status == FN_OK; i++) {
        (*order)[i] = i;
        status = agg_key_put(ctx, type, agg_keys_at(k, i), &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, column);
    fn_builder_release(&b);
    if (status == FN_OK) {
        sort_rows(*column, *order, *order + n, n);
        return FN_OK;
    }
    fn_free(*order);
    *order = NULL;
    return status;
}
