/* group_key.c - see group_key.h. SPDX-License-Identifier: Apache-2.0 */
#include "exec/group_key.h"
#include <math.h>

/* ---- the choice of a form ---- */

static bool is_packable(uint32_t width)
{
    return width == 1 || width == 2 || width == 4 || width == 8 || width == 16;
}

static fn_status plan_dicts(fn_ctx *ctx, fn_column *const *columns, group_keys *k)
{
    for (uint32_t i = 0; i < k->count; i++)
        if (k->keys[i].type->phys == FN_PHYS_STRING && columns[i]->shape == FN_DICT) FN_TRY(group_dict_open(ctx, columns[i], &k->keys[i].dict));
    return FN_OK;
}

/* Fields by falling width, so that each lies aligned; then the null bits. */
static void place_fields(group_keys *k)
{
    uint32_t at = 0, bits = 0;
    for (uint32_t width = 16; width; width /= 2)
        for (uint32_t i = 0; i < k->count; i++)
            if (k->keys[i].width == width) {
                k->keys[i].offset = at;
                at += width;
            }
    for (uint32_t i = 0; i < k->count; i++)
        if (k->keys[i].nullable) k->keys[i].null_bit = bits++;
    k->null_offset = at;
    k->width = at + (bits + 7) / 8;
}

fn_status group_keys_plan(fn_ctx *ctx, const fn_type *const *types, fn_column *const *columns, uint32_t count, group_keys *out)
{
    *out = (group_keys){.count = count, .form = GROUP_KEY_BYTES};
    out->keys = FN_NEW_ARRAY(ctx, group_key, count + 1);
    FN_TRY_PTR(ctx, out->keys);
    for (uint32_t i = 0; i < count; i++) out->keys[i] = (group_key){.type = types[i], .nullable = fn_type_is_nullable(types[i])};
    out->by_code = count == 1 && types[0]->phys == FN_PHYS_STRING && columns[0]->shape == FN_DICT;
    out->single_text = count == 1 && types[0]->phys == FN_PHYS_STRING && !out->by_code;
    if (out->single_text) return FN_OK;
    FN_TRY(plan_dicts(ctx, columns, out));
    bool packable = true;
    for (uint32_t i = 0; i < count; i++) {
        group_key *key = &out->keys[i];
        key->width = key->dict ? 4 : types[i]->width;
        packable &= is_packable(key->width);
    }
    if (packable) {
        place_fields(out);
        out->fixed_image = out->width > 16;
        if (!out->fixed_image) out->form = out->width == 1 ? GROUP_KEY_NUMBER : out->width <= 8 ? GROUP_KEY_8 : GROUP_KEY_16;
    }
    return FN_OK;
}

void group_keys_release(group_keys *k)
{
    bool any = false;
    for (uint32_t i = 0; k->keys && i < k->count; i++) {
        any = any || k->keys[i].dict;
        group_dict_close(k->keys[i].dict);
    }
    k->count = 0;
    if (any) group_dict_settle();
}

fn_status group_packer_init(fn_ctx *ctx, const group_keys *k, group_packer *p)
{
    memset(p, 0, sizeof *p);
    p->packed = fn_alloc(ctx, (size_t)GROUP_CHUNK * 16 + 64);
    p->ids = fn_alloc(ctx, GROUP_CHUNK * sizeof *p->ids);
    p->maps = fn_alloc_zero(ctx, (k->count + 1) * sizeof *p->maps);
    p->map_count = p->maps ? k->count : 0;
    return p->packed && p->ids && p->maps ? FN_OK : ctx->error.code;
}

void group_packer_release(group_packer *p)
{
    for (uint32_t i = 0; i < p->map_count; i++) group_dict_map_release(&p->maps[i]);
    fn_free(p->maps);
    fn_free(p->packed);
    fn_free(p->ids);
    fn_buf_release(&p->image);
    memset(p, 0, sizeof *p);
}

/* ---- packing ---- */

#define STORE(T)                                                                                                           \
    for (uint32_t i = 0; i < rows; i++) {                                                                                  \
        T v;                                                                                                               \
        memcpy(&v, from + i * step, sizeof v);                                                                             \
        memcpy(to + i * stride, &v, sizeof v);                                                                             \
    }                                                                                                                      \
    break
static void store_field(uint8_t *to, size_t stride, const uint8_t *from, size_t step, uint32_t width, uint32_t rows)
{
    switch (width) {
    case 1: STORE(uint8_t);
    case 2: STORE(uint16_t);
    case 4: STORE(uint32_t);
    case 8: STORE(uint64_t);
    default: STORE(fn_u128);
    }
}

/* All NaNs are one key. */
static void unify_nans(uint8_t *to, size_t stride, fn_phys phys, uint32_t rows)
{
    for (uint32_t i = 0; i < rows && phys == FN_PHYS_F32; i++) {
        const float v = fn_load_f32(to + i * stride);
        if (isnan(v)) fn_store_f32(to + i * stride, (float)NAN);
    }
    for (uint32_t i = 0; i < rows && phys == FN_PHYS_F64; i++) {
        const double v = fn_load_f64(to + i * stride);
        if (isnan(v)) fn_store_f64(to + i * stride, (double)NAN);
    }
}

#define STORE_CODED(bytes)                                                                                                 \
    for (uint32_t i = 0; i < rows; i++) memcpy(to + i * stride, values + (size_t)fn_column_code(c, from + i) * (bytes), (bytes)); \
    break
static void store_codes(uint8_t *to, size_t stride, const fn_column *c, uint32_t from, uint32_t width, uint32_t rows)
{
    const uint8_t *values = c->kids[0]->values;
    switch (width) {
    case 1: STORE_CODED(1);
    case 2: STORE_CODED(2);
    case 4: STORE_CODED(4);
    case 8: STORE_CODED(8);
    default: STORE_CODED(16);
    }
}

static void mark_nulls(const group_keys *k, const group_key *key, uint8_t *packed, size_t stride, const fn_column *c, uint32_t from, uint32_t rows)
{
    const uint8_t *nulls = c->shape == FN_CONST ? c->nulls : c->nulls + from;
    const size_t step = c->shape == FN_CONST ? 0 : 1;
    const uint32_t at = k->null_offset + key->null_bit / 8, bit = key->null_bit % 8;
    for (uint32_t i = 0; i < rows; i++) {
        if (!nulls[i * step]) continue;
        memset(packed + i * stride + key->offset, 0, key->width);
        packed[i * stride + at] |= (uint8_t)(1u << bit);
    }
}

static fn_status pack_fixed(fn_ctx *ctx, const group_keys *k, group_packer *p, uint8_t *packed, fn_column *const *columns, uint32_t from, uint32_t rows,
                            size_t stride)
{
    if (k->null_offset < stride) memset(packed, 0, rows * stride); /* null bits, and bytes of no field */
    for (uint32_t i = 0; i < k->count; i++) {
        const group_key *key = &k->keys[i];
        const fn_column *c = columns[i];
        uint8_t *to = packed + key->offset;
        if (key->dict) {
            FN_TRY(group_dict_ids(ctx, key->dict, &p->maps[i], c, from, rows, p->ids));
            store_field(to, stride, (const uint8_t *)p->ids, 4, 4, rows);
        } else if (c->shape == FN_DICT) {
            store_codes(to, stride, c, from, key->width, rows);
        } else {
            const size_t step = c->shape == FN_CONST ? 0 : key->width;
            store_field(to, stride, c->values + from * step, step, key->width, rows);
        }
        unify_nans(to, stride, key->type->phys, rows);
        if (c->nulls) mark_nulls(k, key, packed, stride, c, from, rows);
    }
    return FN_OK;
}

group_text group_text_at(const fn_column *c, size_t row)
{
    if (fn_column_is_null(c, row)) return group_text_null();
    const fn_str s = fn_column_str_at(c, row);
    return group_text_of((const uint8_t *)s.data, (uint32_t)s.size);
}

static void pack_text(group_text *to, const fn_column *c, uint32_t from, uint32_t rows)
{
    if (c->shape != FN_FLAT || c->nulls) {
        for (uint32_t i = 0; i < rows; i++) to[i] = group_text_at(c, from + i);
        return;
    }
    for (uint32_t i = 0; i < rows; i++) to[i] = group_text_of(c->values + c->offsets[from + i], c->offsets[from + i + 1] - c->offsets[from + i]);
}

fn_status group_keys_ids(fn_ctx *ctx, const group_keys *k, group_packer *p, const fn_column *c, uint32_t from, uint32_t rows, const uint32_t **out)
{
    *out = p->ids;
    return group_dict_ids(ctx, k->keys[0].dict, &p->maps[0], c, from, rows, p->ids);
}

/* The byte image of one value: null flag where the type has one, then the value; containers with their counts. */
static fn_status write_value(fn_ctx *ctx, fn_buf *out, const fn_column *c, size_t row)
{
    if (fn_type_is_nullable(c->type)) {
        const bool null = fn_column_is_null(c, row);
        FN_TRY(fn_buf_byte(ctx, out, null));
        if (null) return FN_OK;
    }
    const fn_column *flat = fn_column_at(c, &row);
    switch (flat->type->phys) {
    case FN_PHYS_NOTHING: return FN_OK;
    case FN_PHYS_STRING: {
        const fn_str s = fn_column_str_at(flat, row);
        const uint32_t size = (uint32_t)s.size;
        FN_TRY(fn_buf_append(ctx, out, &size, sizeof size));
        return fn_buf_append(ctx, out, s.data, s.size);
    }
    case FN_PHYS_ARRAY: {
        uint32_t first, count;
        const fn_column *items = fn_column_items_at(flat, row, &first, &count);
        FN_TRY(fn_buf_append(ctx, out, &count, sizeof count));
        for (uint32_t i = 0; i < count; i++) FN_TRY(write_value(ctx, out, items, first + i));
        return FN_OK;
    }
    case FN_PHYS_TUPLE:
        for (uint32_t i = 0; i < flat->kid_count; i++) FN_TRY(write_value(ctx, out, flat->kids[i], row));
        return FN_OK;
    case FN_PHYS_F32:
    case FN_PHYS_F64:
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: case FN_PHYS_U128: case FN_PHYS_U256:
    case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32: case FN_PHYS_I64: case FN_PHYS_I128: case FN_PHYS_I256:
    case FN_PHYS_FIXED: {
        const size_t at = out->size;
        FN_TRY(fn_buf_append(ctx, out, fn_column_fixed_at(flat, row), flat->type->width));
        unify_nans((uint8_t *)out->data + at, 0, flat->type->phys, 1);
        return FN_OK;
    }
    }
    FN_IMPOSSIBLE("physical form");
}

static fn_status pack_image(fn_ctx *ctx, const group_keys *k, group_packer *p, fn_column *const *columns, uint32_t from, uint32_t rows)
{
    group_text *to = (group_text *)(void *)p->packed;
    p->image.size = 0;
    for (uint32_t i = 0; i < rows; i++) {
        to[i].meta = p->image.size;
        for (uint32_t c = 0; c < k->count; c++) {
            const group_key *key = &k->keys[c];
            if (!key->dict) {
                FN_TRY(write_value(ctx, &p->image, columns[c], from + i));
                continue;
            }
            const bool null = fn_column_is_null(columns[c], from + i);
            uint32_t id = 0;
            if (!null) FN_TRY(group_dict_ids(ctx, key->dict, &p->maps[c], columns[c], from + i, 1, &id));
            if (key->nullable) FN_TRY(fn_buf_byte(ctx, &p->image, null));
            FN_TRY(fn_buf_append(ctx, &p->image, &id, sizeof id));
        }
    }
    for (uint32_t i = 0; i < rows; i++) {
        const size_t at = to[i].meta, end = i + 1 < rows ? to[i + 1].meta : p->image.size;
        to[i] = group_text_of((const uint8_t *)p->image.data + at, (uint32_t)(end - at));
    }
    return FN_OK;
}

static fn_status pack_fixed_image(fn_ctx *ctx, const group_keys *k, group_packer *p, fn_column *const *columns, uint32_t from, uint32_t rows)
{
    group_text *to = (group_text *)(void *)p->packed;
    p->image.size = 0;
    FN_TRY(fn_buf_reserve(ctx, &p->image, (size_t)GROUP_CHUNK * k->width));
    FN_TRY(pack_fixed(ctx, k, p, (uint8_t *)p->image.data, columns, from, rows, k->width));
    for (uint32_t i = 0; i < rows; i++) to[i] = group_text_of((const uint8_t *)p->image.data + (size_t)i * k->width, k->width);
    return FN_OK;
}

fn_status group_keys_pack(fn_ctx *ctx, const group_keys *k, group_packer *p, fn_column *const *columns, uint32_t from, uint32_t rows, const void **out,
                          size_t *stride)
{
    *out = p->packed;
    *stride = group_key_size(k->form);
    if (k->single_text) {
        pack_text((group_text *)(void *)p->packed, columns[0], from, rows);
        return FN_OK;
    }
    if (k->fixed_image) return pack_fixed_image(ctx, k, p, columns, from, rows);
    if (k->form == GROUP_KEY_BYTES) return pack_image(ctx, k, p, columns, from, rows);
    const fn_column *c = columns[0];
    if (k->count == 1 && k->width == *stride && c->shape == FN_FLAT && !fn_type_is_float(fn_type_base(c->type)) && !k->keys[0].dict) {
        *out = c->values + from * *stride; /* the column is the keys */
        return FN_OK;
    }
    return pack_fixed(ctx, k, p, p->packed, columns, from, rows, *stride);
}

fn_status group_keys_settle(fn_ctx *ctx, const group_keys *k, fn_arena *arena, uint8_t *const *fresh, uint32_t count)
{
    if (k->form != GROUP_KEY_BYTES) return FN_OK;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count; i++) {
        const fn_str s = group_text_view(fresh[i]);
        if (s.size <= 8 || s.size == GROUP_TEXT_NULL) continue;
        char *copy = status == FN_OK ? fn_arena_copy(ctx, arena, s.data, s.size) : NULL;
        if (!copy) status = ctx->error.code;
        else fn_store_u64(fresh[i] + 8, (uint64_t)(uintptr_t)copy);
    }
    return status;
}

/* ---- unpacking ---- */

static fn_buffer *unpack_nulls(fn_ctx *ctx, const group_keys *k, const group_key *key, uint8_t *const *slots, uint32_t rows, bool *any)
{
    fn_buffer *nulls = fn_buffer_new(ctx, rows);
    const uint32_t at = k->null_offset + key->null_bit / 8, bit = key->null_bit % 8;
    *any = false;
    for (uint32_t i = 0; nulls && i < rows; i++) {
        nulls->data[i] = slots[i][at] >> bit & 1;
        *any |= nulls->data[i];
    }
    return nulls;
}

#define GATHER(T)                                                                                                          \
    for (uint32_t i = 0; i < rows; i++) memcpy(to + i * sizeof(T), slots[i] + at, sizeof(T));                              \
    break
static void gather_field(uint8_t *to, uint8_t *const *slots, uint32_t at, uint32_t width, uint32_t rows)
{
    switch (width) {
    case 1: GATHER(uint8_t);
    case 2: GATHER(uint16_t);
    case 4: GATHER(uint32_t);
    case 8: GATHER(uint64_t);
    default: GATHER(fn_u128);
    }
}

static fn_status unpack_fixed(fn_ctx *ctx, const group_keys *k, const group_key *key, uint8_t *const *slots, uint32_t rows, fn_column **out)
{
    bool any_null = false;
    fn_buffer *nulls = key->nullable ? unpack_nulls(ctx, k, key, slots, rows, &any_null) : NULL;
    fn_buffer *values = fn_buffer_new(ctx, (size_t)rows * key->width);
    if (!values || (key->nullable && !nulls)) {
        fn_buffer_drop(nulls);
        fn_buffer_drop(values);
        return ctx->error.code;
    }
    if (!any_null) {
        fn_buffer_drop(nulls);
        nulls = NULL;
    }
    gather_field(values->data, slots, key->offset, key->width, rows);
    if (key->dict) return group_dict_column(ctx, key->dict, key->type, rows, values, nulls, out);
    *out = fn_column_fixed(ctx, key->type, rows, values, nulls);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

static fn_status read_value(fn_ctx *ctx, const fn_type *type, const uint8_t **at, fn_builder *out)
{
    if (fn_type_is_nullable(type) && *(*at)++) return fn_builder_null(ctx, out);
    switch (type->phys) {
    case FN_PHYS_NOTHING: return fn_builder_default(ctx, out);
    case FN_PHYS_STRING: {
        const uint32_t size = fn_load_u32(*at);
        const fn_str s = {(const char *)*at + 4, size};
        *at += 4 + size;
        return fn_builder_str(ctx, out, s);
    }
    case FN_PHYS_ARRAY: {
        uint32_t count = fn_load_u32(*at);
        for (*at += 4; count; count--) FN_TRY(read_value(ctx, type->items, at, &out->kids[0]));
        return fn_builder_close_array(ctx, out);
    }
    case FN_PHYS_TUPLE: {
        const fn_type *bare = fn_type_base(type);
        for (uint32_t i = 0; i < bare->arg_count; i++) FN_TRY(read_value(ctx, bare->args[i], at, &out->kids[i]));
        return fn_builder_close_tuple(ctx, out);
    }
    case FN_PHYS_F32:
    case FN_PHYS_F64:
    case FN_PHYS_U8: case FN_PHYS_U16: case FN_PHYS_U32: case FN_PHYS_U64: case FN_PHYS_U128: case FN_PHYS_U256:
    case FN_PHYS_I8: case FN_PHYS_I16: case FN_PHYS_I32: case FN_PHYS_I64: case FN_PHYS_I128: case FN_PHYS_I256:
    case FN_PHYS_FIXED: {
        const uint8_t *value = *at;
        *at += type->width;
        return fn_builder_fixed(ctx, out, value);
    }
    }
    FN_IMPOSSIBLE("physical form");
}

/* A coded value of an image: its id. */
static fn_status read_coded(fn_ctx *ctx, const group_key *key, const uint8_t **at, fn_builder *out)
{
    const bool null = key->nullable && *(*at)++;
    const uint32_t id = fn_load_u32(*at);
    *at += 4;
    return null ? fn_builder_null(ctx, out) : fn_builder_str(ctx, out, group_dict_at(key->dict, id));
}

static fn_status unpack_image(fn_ctx *ctx, const group_keys *k, uint8_t *const *slots, uint32_t rows, fn_column **out)
{
    fn_builder *b = fn_alloc_zero(ctx, k->count * sizeof *b);
    FN_TRY_PTR(ctx, b);
    fn_status status = FN_OK;
    for (uint32_t c = 0; c < k->count && status == FN_OK; c++) status = fn_builder_init(ctx, &b[c], k->keys[c].type);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        const uint8_t *at = (const uint8_t *)group_text_view(slots[i]).data;
        for (uint32_t c = 0; c < k->count && status == FN_OK; c++)
            status = k->keys[c].dict ? read_coded(ctx, &k->keys[c], &at, &b[c]) : read_value(ctx, k->keys[c].type, &at, &b[c]);
    }
    for (uint32_t c = 0; c < k->count && status == FN_OK; c++) status = fn_builder_finish(ctx, &b[c], &out[c]);
    for (uint32_t c = 0; c < k->count; c++) fn_builder_release(&b[c]);
    fn_free(b);
    return status;
}

static fn_status unpack_text(fn_ctx *ctx, const fn_type *type, uint8_t *const *slots, uint32_t rows, fn_column **out)
{
    uint64_t total = 0;
    bool any_null = false;
    for (uint32_t i = 0; i < rows; i++) {
        const bool null = group_text_is_null(slots[i]);
        any_null |= null;
        total += null ? 0 : fn_load_u32(slots[i]);
    }
    if (total > UINT32_MAX) return fn_fail(ctx, FN_LIMIT_EXCEEDED, "Too many bytes of strings in one block");
    fn_buffer *bytes = fn_buffer_new(ctx, total), *offsets = fn_buffer_new(ctx, ((size_t)rows + 1) * 4), *nulls = any_null ? fn_buffer_new(ctx, rows) : NULL;
    if (!bytes || !offsets || (any_null && !nulls)) {
        fn_buffer_drop(bytes);
        fn_buffer_drop(offsets);
        fn_buffer_drop(nulls);
        return ctx->error.code;
    }
    uint32_t *ends = (uint32_t *)(void *)offsets->data, at = 0;
    ends[0] = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const bool null = group_text_is_null(slots[i]);
        const fn_str s = group_text_view(slots[i]);
        if (any_null) nulls->data[i] = null;
        if (!null && s.size) memcpy(bytes->data + at, s.data, s.size);
        ends[i + 1] = at += null ? 0 : (uint32_t)s.size;
    }
    *out = fn_column_string(ctx, type, rows, bytes, offsets, nulls);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

fn_status group_keys_unpack(fn_ctx *ctx, const group_keys *k, uint8_t *const *slots, uint32_t rows, fn_column **out)
{
    if (k->single_text) return unpack_text(ctx, k->keys[0].type, slots, rows, &out[0]);
    if (k->form == GROUP_KEY_BYTES && !k->fixed_image) return unpack_image(ctx, k, slots, rows, out);
    uint8_t **images = k->fixed_image ? fn_alloc(ctx, ((size_t)rows + 1) * sizeof *images) : NULL;
    if (k->fixed_image) FN_TRY_PTR(ctx, images);
    for (uint32_t i = 0; images && i < rows; i++) images[i] = (uint8_t *)(uintptr_t)group_text_view(slots[i]).data;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < k->count && status == FN_OK; i++) status = unpack_fixed(ctx, k, &k->keys[i], images ? images : slots, rows, &out[i]);
    fn_free(images);
    return status;
}
