/* schema.c - from the flattened schema elements to the logical tree and ClickHouse's types.
 *
 * Helper groups of LIST and MAP vanish (both the three-level form and the older two-level ones). Levels are counted on the
 * way down. A leaf is Nullable when its definition level can fall below that of a present value inside an existing slot;
 * so an optional struct passes its NULLs to its leaves, and a NULL list reads as an empty one, as in ClickHouse.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/parquet_file.h"

enum { DEPTH_MAX = 32 };

typedef struct builder {
    fn_parquet *p;
    uint32_t at;      /* next element */
    uint32_t leaf;    /* next leaf */
    unsigned depth;
    const char *why;  /* set on malformed schemas */
} builder;

/* Levels reached by an element, and those of the slot that encloses it. */
typedef struct levels {
    uint8_t def, rep, slot_def, slot_rep;
} levels;

static fn_status build_field(fn_ctx *ctx, builder *b, levels l, bool ignore_repeated, pq_field **out);

static const fn_type *int_type(const pq_element *e, unsigned natural)
{
    static const fn_type_id ids[2][4] = {{FN_T_UINT8, FN_T_UINT16, FN_T_UINT32, FN_T_UINT64},
                                         {FN_T_INT8, FN_T_INT16, FN_T_INT32, FN_T_INT64}};
    unsigned bits = natural;
    bool is_signed = true;
    if (e->meaning == PQ_M_INT && e->bits >= 8 && e->bits <= natural) {
        bits = e->bits;
        is_signed = e->is_signed;
    }
    return fn_type_simple(ids[is_signed][bits <= 8 ? 0 : bits <= 16 ? 1 : bits <= 32 ? 2 : 3]);
}

static const fn_type *bytes_type(const pq_element *e)
{
    if (e->phys == PQ_BYTE_ARRAY) return fn_type_simple(FN_T_STRING);
    if (e->meaning == PQ_M_UUID && e->length == 16) return fn_type_simple(FN_T_UUID);
    if (e->meaning == PQ_M_FLOAT16 && e->length == 2) return fn_type_simple(FN_T_FLOAT32);
    return e->length ? fn_type_fixed_string(e->length) : NULL;
}

/* Without Nullable; NULL: malformed. */
static const fn_type *leaf_type(const pq_element *e)
{
    if (e->meaning == PQ_M_DECIMAL && e->phys != PQ_BOOLEAN && e->phys != PQ_FLOAT && e->phys != PQ_DOUBLE_ && e->phys != PQ_INT96) {
        if (e->precision == 0 || e->precision > 76 || e->scale > e->precision) return NULL;
        return fn_type_decimal(e->precision, e->scale);
    }
    switch (e->phys) {
    case PQ_BOOLEAN: return fn_type_simple(FN_T_BOOL);
    case PQ_INT32:
        if (e->meaning == PQ_M_DATE) return fn_type_simple(FN_T_DATE32);
        if (e->meaning == PQ_M_TIME) return fn_type_datetime64(3, fn_tz_utc());
        return int_type(e, 32);
    case PQ_INT64:
        if ((e->meaning == PQ_M_TIME || e->meaning == PQ_M_TIMESTAMP) && e->scale) return fn_type_datetime64(e->scale, fn_tz_utc());
        return int_type(e, 64);
    case PQ_INT96: return fn_type_datetime64(9, fn_tz_utc());
    case PQ_FLOAT: return fn_type_simple(FN_T_FLOAT32);
    case PQ_DOUBLE_: return fn_type_simple(FN_T_FLOAT64);
    case PQ_BYTE_ARRAY:
    case PQ_FIXED: return bytes_type(e);
    case PQ_GROUP: break;
    }
    return NULL;
}

static fn_status build_leaf(fn_ctx *ctx, builder *b, const pq_element *e, levels l, pq_field *f)
{
    static const uint32_t widths[] = {[PQ_BOOLEAN] = 1, [PQ_INT32] = 4, [PQ_INT64] = 8, [PQ_INT96] = 12, [PQ_FLOAT] = 4, [PQ_DOUBLE_] = 8};
    const fn_type *type = leaf_type(e);
    if (!type) {
        b->why = "a column has a malformed type";
        return FN_OK;
    }
    (void)ctx;
    pq_leaf *leaf = &b->p->leaves[b->leaf++];
    *leaf = (pq_leaf){.element = e, .max_def = l.def, .max_rep = l.rep, .slot_def = l.slot_def};
    leaf->width = e->phys == PQ_BYTE_ARRAY ? 0 : e->phys == PQ_FIXED ? e->length : widths[e->phys];
    leaf->type = l.def > l.slot_def ? fn_type_nullable(type) : type;
    if (leaf->width > 1 << 20) b->why = "a fixed-length column is too wide";
    f->kind = PQ_LEAF;
    f->type = leaf->type;
    f->leaf_count = 1;
    return FN_OK;
}

static fn_status build_tuple(fn_ctx *ctx, builder *b, const pq_element *e, levels l, pq_field *f)
{
    f->kind = PQ_TUPLE;
    f->kid_count = e->kids;
    if (e->kids == 0 || e->kids > b->p->element_count - b->at) {
        b->why = "a group without fields, or with too many";
        return FN_OK;
    }
    f->kids = fn_arena_alloc_zero(ctx, b->p->arena, sizeof *f->kids * e->kids);
    FN_TRY_PTR(ctx, f->kids);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, e->kids);
    const char **names = FN_NEW_ARRAY(ctx, const char *, e->kids);
    FN_TRY_PTR(ctx, types);
    FN_TRY_PTR(ctx, names);
    for (uint32_t i = 0; i < e->kids; i++) {
        FN_TRY(build_field(ctx, b, l, false, &f->kids[i]));
        if (b->why) return FN_OK;
        types[i] = f->kids[i]->type;
        names[i] = fn_arena_copy(ctx, b->p->arena, f->kids[i]->name.data, f->kids[i]->name.size);
        FN_TRY_PTR(ctx, names[i]);
    }
    f->type = fn_type_tuple(types, names, e->kids);
    return FN_OK;
}

/* Array around one item that is built with the levels of the repeated element. */
static fn_status build_array(fn_ctx *ctx, builder *b, levels l, bool two_level, pq_field *f)
{
    const levels item = {(uint8_t)(l.def + 1), (uint8_t)(l.rep + 1), (uint8_t)(l.def + 1), (uint8_t)(l.rep + 1)};
    f->kind = PQ_ARRAY_;
    f->item_def = item.def;
    f->item_rep = item.rep;
    f->kid_count = 1;
    f->kids = fn_arena_alloc_zero(ctx, b->p->arena, sizeof *f->kids);
    FN_TRY_PTR(ctx, f->kids);
    if (!two_level) b->at++; /* the repeated helper group */
    FN_TRY(build_field(ctx, b, item, two_level, &f->kids[0]));
    if (!b->why) f->type = fn_type_array(f->kids[0]->type);
    return FN_OK;
}

static fn_status build_map(fn_ctx *ctx, builder *b, levels l, pq_field *f)
{
    FN_TRY(build_array(ctx, b, l, true, f));
    if (b->why) return FN_OK;
    const pq_field *pair = f->kids[0];
    f->kind = PQ_MAP_;
    f->type = fn_type_map(fn_type_strip_nullable(pair->kids[0]->type), pair->kids[1]->type);
    return FN_OK;
}

static bool is_two_level(const pq_element *list, const pq_element *repeated)
{
    if (repeated->phys != PQ_GROUP || repeated->kids != 1) return true;
    if (fn_str_eq(repeated->name, FN_STR("array"))) return true;
    return repeated->name.size == list->name.size + 6 && fn_str_starts(repeated->name, list->name) &&
           fn_str_ends(repeated->name, FN_STR("_tuple"));
}

static fn_status build_group(fn_ctx *ctx, builder *b, const pq_element *e, levels l, pq_field *f)
{
    const pq_element *kid = b->at < b->p->element_count ? &b->p->elements[b->at] : NULL;
    const bool one_repeated = kid && e->kids == 1 && kid->repetition == 2;
    if (e->meaning == PQ_M_LIST && one_repeated) return build_array(ctx, b, l, is_two_level(e, kid), f);
    if (e->meaning == PQ_M_MAP && one_repeated && kid->phys == PQ_GROUP && kid->kids == 2) return build_map(ctx, b, l, f);
    return build_tuple(ctx, b, e, l, f);
}

static fn_status build_field(fn_ctx *ctx, builder *b, levels l, bool ignore_repeated, pq_field **out)
{
    if (b->at >= b->p->element_count || ++b->depth > DEPTH_MAX) {
        b->why = "the schema is cut or too deep";
        return FN_OK;
    }
    const pq_element *e = &b->p->elements[b->at];
    pq_field *f = fn_arena_alloc_zero(ctx, b->p->arena, sizeof *f);
    FN_TRY_PTR(ctx, f);
    *out = f;
    f->name = e->name;
    f->field_id = e->field_id;
    f->first_leaf = b->leaf;
    f->slot_def = l.slot_def;
    f->slot_rep = l.slot_rep;
    if (l.def >= PQ_LEVEL_MAX) b->why = "the schema is too deep";
    else if (e->repetition == 2 && !ignore_repeated) FN_TRY(build_array(ctx, b, l, true, f)); /* a bare repeated field */
    else {
        b->at++;
        if (e->repetition == 1) l.def++;
        if (e->phys == PQ_GROUP) FN_TRY(build_group(ctx, b, e, l, f));
        else FN_TRY(build_leaf(ctx, b, e, l, f));
    }
    f->leaf_count = b->leaf - f->first_leaf;
    b->depth--;
    return FN_OK;
}

fn_status pq_schema_build(fn_ctx *ctx, fn_parquet *p)
{
    builder b = {.p = p, .at = 1};
    const uint32_t count = p->elements[0].kids;
    if (count >= p->element_count && count > 0) b.why = "the schema is cut";
    p->leaves = fn_arena_alloc_zero(ctx, p->arena, sizeof *p->leaves * FN_MAX(p->leaf_count, 1));
    FN_TRY_PTR(ctx, p->leaves);
    p->fields = fn_arena_alloc_zero(ctx, p->arena, sizeof *p->fields * FN_MAX(b.why ? 1 : count, 1));
    FN_TRY_PTR(ctx, p->fields);
    p->schema.fields = fn_arena_alloc_zero(ctx, p->arena, sizeof *p->schema.fields * FN_MAX(b.why ? 1 : count, 1));
    FN_TRY_PTR(ctx, p->schema.fields);
    for (uint32_t i = 0; i < count && !b.why; i++) {
        FN_TRY(build_field(ctx, &b, (levels){0, 0, 0, 0}, false, &p->fields[i]));
        if (!b.why) p->schema.fields[i] = (fn_field){p->fields[i]->name, p->fields[i]->type};
    }
    if (!b.why && (b.leaf != p->leaf_count || b.at != p->element_count)) b.why = "the schema does not add up";
    if (b.why) return pq_bad(ctx, p, p->blob->size, b.why);
    p->field_count = p->schema.count = count;
    return FN_OK;
}
