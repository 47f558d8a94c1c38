/* prune.c - statistics of column chunks, and what they rule out: chunk ranges, Bloom filters, page ranges.
 *
 * Ranges are compared as values of the bound's type. What cannot be decided keeps the rows. The page index (column index:
 * least and greatest value per page; offset index: first row per page) gives row ranges within a group; ranges of several
 * conditions are intersected. Source: parquet-format's PageIndex.md and BloomFilter.md (split block filter, XXH64).
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/bloom.h"
#include "parquet/leaf_convert.h"
#include "parquet/thrift.h"
#include "parquet/values.h"

enum { PAGES_MAX = 1 << 20 };

/* The leaf of a plain top-level column; NULL for nested ones. */
static const pq_leaf *plain_leaf(const fn_parquet *p, uint32_t column, uint32_t *index)
{
    const pq_field *f = column < p->field_count ? p->fields[column] : NULL;
    if (!f || f->kind != PQ_LEAF) return NULL;
    *index = f->first_leaf;
    return &p->leaves[f->first_leaf];
}

/* The PLAIN bytes of a statistic as a 1-row column of `type` (base type); *out NULL when they cannot be that. */
static fn_status value_column(fn_ctx *ctx, const pq_leaf *leaf, const fn_type *type, fn_str bytes, fn_column **out)
{
    pq_convert c;
    uint8_t in[64] = {0}, value[64] = {0};
    *out = NULL;
    if (!pq_convert_find(leaf, type, &c)) return FN_OK;
    fn_builder b;
    FN_TRY(fn_builder_init(ctx, &b, type));
    fn_status status = FN_OK;
    bool good = true;
    if (type->phys == FN_PHYS_STRING) {
        status = fn_builder_str(ctx, &b, bytes);
    } else if (c.from_text) {
        good = c.width <= sizeof value && pq_decimal_bytes(bytes, c.width, value);
    } else if (bytes.size != leaf->width || leaf->width > 32 || c.width > 32) {
        good = false;
    } else {
        memcpy(in, bytes.data, bytes.size);
        if (c.run) c.run(&c, in, 1, value);
        else memcpy(value, in, bytes.size);
    }
    if (good && status == FN_OK && type->phys != FN_PHYS_STRING) status = fn_builder_fixed(ctx, &b, value);
    if (good && status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    return status;
}

/* Statistics in an order that is not the type's (INT96, Float16 and decimals' bytes in old files) are not used. */
static bool trusted(const pq_leaf *leaf)
{
    return leaf->element->phys != PQ_INT96 && leaf->element->meaning != PQ_M_FLOAT16 && leaf->element->meaning != PQ_M_UUID;
}

static bool is_nan(const fn_column *c)
{
    return fn_type_is_float(c->type) && !(fn_column_f64_at(c, 0) == fn_column_f64_at(c, 0));
}

static fn_status range_columns(fn_ctx *ctx, const pq_leaf *leaf, const fn_type *type, fn_str min, fn_str max, fn_parquet_stats *out)
{
    FN_TRY(value_column(ctx, leaf, type, min, &out->min));
    FN_TRY(value_column(ctx, leaf, type, max, &out->max));
    out->has_range = out->min && out->max && !is_nan(out->min) && !is_nan(out->max) && fn_column_compare(out->min, 0, out->max, 0, true) <= 0;
    if (!out->has_range) fn_parquet_stats_release(out);
    return FN_OK;
}

void fn_parquet_stats_release(fn_parquet_stats *s)
{
    fn_column_drop(s->min);
    fn_column_drop(s->max);
    s->min = s->max = NULL;
    s->has_range = false;
}

fn_status fn_parquet_column_stats(fn_ctx *ctx, const fn_parquet *p, uint32_t group, uint32_t column, const fn_type *type, fn_parquet_stats *out)
{
    uint32_t index;
    *out = (fn_parquet_stats){.has_range = false};
    const pq_leaf *leaf = plain_leaf(p, column, &index);
    if (!leaf) return FN_OK;
    const pq_chunk *c = &p->groups[group].chunks[index];
    out->has_nulls = c->has_nulls || leaf->max_def == 0;
    out->nulls = c->has_nulls ? c->nulls : 0;
    out->values = c->values;
    out->bytes = c->data.size;
    out->min_exact = c->min_exact;
    out->max_exact = c->max_exact;
    if (!c->has_min || !c->has_max || !trusted(leaf)) return FN_OK;
    return range_columns(ctx, leaf, fn_type_base(type ? type : leaf->type), c->min, c->max, out);
}

static bool may_match(const fn_parquet_stats *s, const fn_parquet_bound *b)
{
    if (!s->has_range) return true;
    if (b->min && fn_column_compare(s->max, 0, b->min, 0, true) < 0) return false;
    return !(b->max && fn_column_compare(s->min, 0, b->max, 0, true) > 0);
}

static const fn_type *bound_type(const fn_parquet_bound *b)
{
    return fn_type_base(b->min ? b->min->type : b->max->type);
}

static fn_status chunk_may_match(fn_ctx *ctx, const fn_parquet *p, uint32_t group, const fn_parquet_bound *b, bool *keep)
{
    fn_parquet_stats s;
    FN_TRY(fn_parquet_column_stats(ctx, p, group, b->column, bound_type(b), &s));
    *keep = may_match(&s, b) && !(s.has_nulls && s.values && s.nulls == s.values);
    fn_parquet_stats_release(&s);
    uint32_t index;
    const pq_leaf *leaf = plain_leaf(p, b->column, &index);
    if (*keep && leaf && b->min && b->max && fn_column_compare(b->min, 0, b->max, 0, true) == 0)
        return pq_bloom_may_have(ctx, p, &p->groups[group].chunks[index], leaf, b->min, keep);
    return FN_OK;
}

typedef struct pages {
    uint32_t count;
    bool *empty;          /* NULLs only */
    fn_str *min, *max;
    uint64_t *first_row;
} pages;

static fn_status parse_texts(fn_ctx *ctx, pq_thrift *t, int type, uint32_t *count, fn_str **out)
{
    int item = 0;
    *count = pq_thrift_list(t, type, &item);
    *out = FN_NEW_ARRAY(ctx, fn_str, FN_MAX(*count, 1));
    FN_TRY_PTR(ctx, *out);
    for (uint32_t i = 0; i < *count && !t->bad; i++) (*out)[i] = pq_thrift_binary(t, item);
    return FN_OK;
}

static fn_status parse_column_index(fn_ctx *ctx, fn_str bytes, pages *g, bool *good)
{
    const uint8_t *start = (const uint8_t *)bytes.data;
    pq_thrift t = {start, start, start + bytes.size, false};
    uint32_t empties = 0, mins = 0, maxes = 0;
    for (pq_field_head f = {0, 0}; pq_thrift_field(&t, &f);) {
        int item = 0;
        if (f.id == 1) {
            empties = pq_thrift_list(&t, f.type, &item);
            g->empty = FN_NEW_ARRAY(ctx, bool, FN_MAX(empties, 1));
            FN_TRY_PTR(ctx, g->empty);
            for (uint32_t i = 0; i < empties && !t.bad; i++) g->empty[i] = t.at < t.end && *t.at++ == PQ_TRUE;
        } else if (f.id == 2) {
            FN_TRY(parse_texts(ctx, &t, f.type, &mins, &g->min));
        } else if (f.id == 3) {
            FN_TRY(parse_texts(ctx, &t, f.type, &maxes, &g->max));
        } else {
            pq_thrift_skip(&t, f.type);
        }
    }
    g->count = mins;
    *good = !t.bad && mins && mins == maxes && mins == empties && mins <= PAGES_MAX;
    return FN_OK;
}

static fn_status parse_offset_index(fn_ctx *ctx, fn_str bytes, pages *g, bool *good)
{
    const uint8_t *start = (const uint8_t *)bytes.data;
    pq_thrift t = {start, start, start + bytes.size, false};
    uint32_t count = 0;
    g->first_row = FN_NEW_ARRAY(ctx, uint64_t, g->count);
    FN_TRY_PTR(ctx, g->first_row);
    for (pq_field_head f = {0, 0}; pq_thrift_field(&t, &f);) {
        int item = 0;
        if (f.id != 1) {
            pq_thrift_skip(&t, f.type);
            continue;
        }
        count = pq_thrift_list(&t, f.type, &item);
        for (uint32_t i = 0; i < count && !t.bad; i++) {
            if (!pq_thrift_enter(&t, item)) break;
            for (pq_field_head l = {0, 0}; pq_thrift_field(&t, &l);) {
                if (l.id == 3 && i < g->count) g->first_row[i] = (uint64_t)pq_thrift_int(&t, l.type);
                else pq_thrift_skip(&t, l.type);
            }
        }
    }
    *good = !t.bad && count == g->count && g->first_row[0] == 0;
    for (uint32_t i = 1; i < g->count && *good; i++) *good = g->first_row[i] >= g->first_row[i - 1];
    return FN_OK;
}

static fn_status read_pages(fn_ctx *ctx, const fn_parquet *p, const pq_chunk *c, pages *g, bool *good)
{
    *good = false;
    if (c->column_index.size == 0 || c->offset_index.size == 0) return FN_OK;
    char *a = fn_arena_alloc(ctx, ctx->arena, (size_t)c->column_index.size), *b = fn_arena_alloc(ctx, ctx->arena, (size_t)c->offset_index.size);
    FN_TRY_PTR(ctx, a);
    FN_TRY_PTR(ctx, b);
    const fn_range ranges[] = {{c->column_index.offset, c->column_index.size, a}, {c->offset_index.offset, c->offset_index.size, b}};
    FN_TRY(p->blob->read(p->blob, ctx, ranges, 2));
    FN_TRY(parse_column_index(ctx, (fn_str){a, (size_t)c->column_index.size}, g, good));
    if (*good) FN_TRY(parse_offset_index(ctx, (fn_str){b, (size_t)c->offset_index.size}, g, good));
    return FN_OK;
}

/* Cuts what the pages of one column rule out from the ranges (in place; a page that matches keeps its part). */
static fn_status cut_ranges(fn_ctx *ctx, const fn_parquet *p, uint32_t group, const fn_parquet_bound *b, fn_parquet_range **ranges, uint32_t *count)
{
    uint32_t index, made = 0;
    const pq_leaf *leaf = plain_leaf(p, b->column, &index);
    if (!leaf || !trusted(leaf)) return FN_OK;
    pages g = {0, NULL, NULL, NULL, NULL};
    bool good;
    FN_TRY(read_pages(ctx, p, &p->groups[group].chunks[index], &g, &good));
    if (!good) return FN_OK;
    const uint64_t rows = p->groups[group].rows;
    fn_parquet_range *out = FN_NEW_ARRAY(ctx, fn_parquet_range, (size_t)g.count + *count);
    FN_TRY_PTR(ctx, out);
    uint32_t r = 0;
    for (uint32_t i = 0; i < g.count && r < *count; i++) {
        const uint64_t first = g.first_row[i], end = FN_MIN(rows, i + 1 < g.count ? g.first_row[i + 1] : rows);
        fn_parquet_stats s = {.has_range = false};
        if (!g.empty[i]) FN_TRY(range_columns(ctx, leaf, bound_type(b), g.min[i], g.max[i], &s));
        const bool keep = !g.empty[i] && may_match(&s, b);
        fn_parquet_stats_release(&s);
        while (r < *count && (*ranges)[r].first < end) {
            const uint64_t from = FN_MAX(first, (*ranges)[r].first), to = FN_MIN(end, (*ranges)[r].first + (*ranges)[r].count);
            if (keep && from < to) {
                if (made && out[made - 1].first + out[made - 1].count == from) out[made - 1].count += to - from;
                else out[made++] = (fn_parquet_range){from, to - from};
            }
            if ((*ranges)[r].first + (*ranges)[r].count > end) break;
            r++;
        }
    }
    *ranges = out;
    *count = made;
    return FN_OK;
}

fn_status fn_parquet_prune(fn_ctx *ctx, const fn_parquet *p, uint32_t group, const fn_parquet_bound *bounds, uint32_t bound_count,
                           fn_parquet_range **out, uint32_t *count)
{
    *out = FN_NEW_ARRAY(ctx, fn_parquet_range, 1);
    FN_TRY_PTR(ctx, *out);
    (*out)[0] = (fn_parquet_range){0, p->groups[group].rows};
    *count = p->groups[group].rows ? 1 : 0;
    for (uint32_t i = 0; i < bound_count && *count; i++) {
        bool keep;
        if (!bounds[i].min && !bounds[i].max) continue;
        FN_TRY(chunk_may_match(ctx, p, group, &bounds[i], &keep));
        if (!keep) *count = 0;
    }
    for (uint32_t i = 0; i < bound_count && *count; i++) {
        if (bounds[i].min || bounds[i].max) FN_TRY(cut_ranges(ctx, p, group, &bounds[i], out, count));
    }
    return FN_OK;
}
