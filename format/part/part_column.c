/* part_column.c - a column put together again from its streams: for a range of rows of several segments, the tree of part_node is
 * walked once; each node fills one output buffer from all segments. The column itself comes as CONST where everything read is one
 * stored constant, as DICT where the part has a complete dictionary; inside arrays and tuples everything is FLAT.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/part_reader.h"

/* Rows [from, from + count) of a node in one segment. */
typedef struct node_range {
    const segment_view *segment;
    uint32_t from, count;
} node_range;

enum { RANGES_MAX = FN_BLOCK_ROWS_MAX / PACK_ROWS + 1 }; /* picked vectors, or segments */

typedef struct tree_reader {
    chunk_reader chunks;
    uint32_t column;
    uint32_t range_count;
} tree_reader;

static fn_status read_node(tree_reader *t, const part_node *n, const node_range *ranges, uint32_t rows, fn_column **out);

static fn_status read_fixed(tree_reader *t, uint32_t stream, const node_range *ranges, unsigned width, uint8_t *out)
{
    for (uint32_t i = 0; i < t->range_count; i++) {
        chunk_view c;
        if (ranges[i].count == 0) continue;
        FN_TRY(chunk_of_stream(&t->chunks, ranges[i].segment, stream, &c));
        FN_TRY(chunk_read_fixed(&t->chunks, ranges[i].segment, &c, ranges[i].from, ranges[i].count, width, out));
        out += (size_t)ranges[i].count * width;
    }
    return FN_OK;
}

/* All values of the ranges are one constant. */
static fn_status constant_of(tree_reader *t, uint32_t stream, const node_range *ranges, bool *is_constant, fn_str *value, chunk_form *form)
{
    bool any = false;
    *is_constant = true;
    for (uint32_t i = 0; i < t->range_count && *is_constant; i++) {
        chunk_view c;
        fn_str found;
        if (ranges[i].count == 0) continue;
        FN_TRY(chunk_of_stream(&t->chunks, ranges[i].segment, stream, &c));
        *is_constant = chunk_constant(&c, ranges[i].from, ranges[i].count, &found) && (!any || (c.form == *form && fn_str_eq(found, *value)));
        *value = found;
        *form = c.form;
        any = true;
    }
    *is_constant &= any;
    return FN_OK;
}

/* The null map, NULL if no row is. */
static fn_status read_nulls(tree_reader *t, const part_node *n, const node_range *ranges, uint32_t rows, fn_buffer **out)
{
    fn_str value;
    bool is_constant;
    chunk_form form;
    *out = NULL;
    if (!n->nullable) return FN_OK;
    FN_TRY(constant_of(t, n->null_stream, ranges, &is_constant, &value, &form));
    if (is_constant && value.size == 1 && value.data[0] == 0) return FN_OK;
    fn_buffer *nulls = fn_buffer_new(t->chunks.ctx, rows);
    FN_TRY_PTR(t->chunks.ctx, nulls);
    const fn_status status = read_fixed(t, n->null_stream, ranges, 1, nulls->data);
    if (status == FN_OK) *out = nulls;
    else fn_buffer_drop(nulls);
    return status;
}

static fn_status read_text(tree_reader *t, const part_node *n, const node_range *ranges, uint32_t rows, fn_buffer *nulls_take, fn_column **out)
{
    fn_ctx *ctx = t->chunks.ctx;
    const fn_column *dictionary = NULL;
    uint8_t flags;
    text_out text = {0};
    fn_buffer *offsets = fn_buffer_new(ctx, ((size_t)rows + 1) * sizeof(uint32_t));
    fn_status status = offsets ? part_dictionary(ctx, t->chunks.part, t->column, n->value_stream, &dictionary, &flags) : ctx->error.code;
    if (status == FN_OK) {
        text.offsets = (uint32_t *)(void *)offsets->data;
        text.offsets[0] = 0;
    }
    for (uint32_t i = 0; i < t->range_count && status == FN_OK; i++) {
        chunk_view c;
        if (ranges[i].count == 0) continue;
        status = chunk_of_stream(&t->chunks, ranges[i].segment, n->value_stream, &c);
        if (status == FN_OK) status = chunk_read_text(&t->chunks, ranges[i].segment, &c, ranges[i].from, ranges[i].count, dictionary, &text);
    }
    if (status == FN_OK && !text.bytes && !(text.bytes = fn_buffer_new(ctx, 0))) status = ctx->error.code;
    if (status != FN_OK) {
        fn_buffer_drop(text.bytes);
        fn_buffer_drop(offsets);
        fn_buffer_drop(nulls_take);
        return status;
    }
    text.bytes->size = text.used;
    *out = fn_column_string(ctx, n->type, rows, text.bytes, offsets, nulls_take);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status read_fixed_column(tree_reader *t, const part_node *n, const node_range *ranges, uint32_t rows, fn_buffer *nulls_take, fn_column **out)
{
    fn_ctx *ctx = t->chunks.ctx;
    fn_buffer *values = fn_buffer_new(ctx, (size_t)rows * n->base->width);
    const fn_status status = values ? read_fixed(t, n->value_stream, ranges, n->base->width, values->data) : ctx->error.code;
    if (status != FN_OK) {
        fn_buffer_drop(values);
        fn_buffer_drop(nulls_take);
        return status;
    }
    *out = fn_column_fixed(ctx, n->type, rows, values, nulls_take);
    return *out ? FN_OK : ctx->error.code;
}

/* ---- arrays ---- */

/* Where the items of row `from` begin. */
static fn_status items_before(tree_reader *t, const segment_view *s, const chunk_view *c, uint32_t from, uint64_t *out)
{
    uint32_t lengths[BLOCK_ROWS];
    const uint32_t block = from / BLOCK_ROWS, skip = from % BLOCK_ROWS;
    if (c->form != CHUNK_LENGTHS || block >= c->blocks) return part_damaged(t->chunks.ctx, t->chunks.part, t->chunks.column, s->offset, "damaged lengths of arrays");
    *out = fn_load_u32(c->items_before + block * sizeof(uint32_t));
    if (skip == 0) return FN_OK;
    FN_TRY(chunk_read_fixed(&t->chunks, s, c, from - skip, skip, sizeof *lengths, (uint8_t *)lengths));
    for (uint32_t i = 0; i < skip; i++) *out += lengths[i];
    return FN_OK;
}

/* Lengths of one range become offsets behind `at`; its items' range. */
static fn_status read_lengths(tree_reader *t, const part_node *n, const node_range *range, uint32_t *offsets, uint64_t *at, node_range *items)
{
    chunk_view c;
    uint64_t before;
    FN_TRY(chunk_of_stream(&t->chunks, range->segment, n->value_stream, &c));
    FN_TRY(items_before(t, range->segment, &c, range->from, &before));
    FN_TRY(chunk_read_fixed(&t->chunks, range->segment, &c, range->from, range->count, sizeof *offsets, (uint8_t *)offsets));
    const uint64_t first = *at;
    for (uint32_t i = 0; i < range->count; i++) {
        *at += offsets[i];
        offsets[i] = (uint32_t)*at;
    }
    if (*at > UINT32_MAX || before + (*at - first) > UINT32_MAX)
        return part_damaged(t->chunks.ctx, t->chunks.part, t->chunks.column, range->segment->offset, "too many array items");
    *items = (node_range){range->segment, (uint32_t)before, (uint32_t)(*at - first)};
    return FN_OK;
}

static fn_status read_array(tree_reader *t, const part_node *n, const node_range *ranges, uint32_t rows, fn_column **out)
{
    fn_ctx *ctx = t->chunks.ctx;
    fn_buffer *buffer = fn_buffer_new(ctx, ((size_t)rows + 1) * sizeof(uint32_t));
    FN_TRY_PTR(ctx, buffer);
    uint32_t *offsets = (uint32_t *)(void *)buffer->data;
    node_range items[RANGES_MAX] = {0};
    fn_column *kid = NULL;
    uint64_t at = 0;
    fn_status status = FN_OK;
    offsets[0] = 0;
    for (uint32_t i = 0, done = 1; i < t->range_count && status == FN_OK; done += ranges[i++].count) {
        items[i] = (node_range){ranges[i].segment, 0, 0};
        if (ranges[i].count) status = read_lengths(t, n, &ranges[i], offsets + done, &at, &items[i]);
    }
    if (status == FN_OK) status = read_node(t, &n->kids[0], items, (uint32_t)at, &kid);
    if (status != FN_OK) {
        fn_buffer_drop(buffer);
        return status;
    }
    *out = fn_column_array(ctx, n->type, rows, buffer, kid);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status read_tuple(tree_reader *t, const part_node *n, const node_range *ranges, uint32_t rows, fn_column **out)
{
    fn_ctx *ctx = t->chunks.ctx;
    fn_column **kids = fn_alloc_zero(ctx, (n->kid_count + 1u) * sizeof *kids);
    FN_TRY_PTR(ctx, kids);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < n->kid_count && status == FN_OK; i++) status = read_node(t, &n->kids[i], ranges, rows, &kids[i]);
    if (status == FN_OK) {
        *out = fn_column_tuple(ctx, n->type, rows, kids);
        if (!*out) status = ctx->error.code;
    }
    for (uint32_t i = 0; i < n->kid_count; i++) fn_column_drop(kids[i]);
    fn_free(kids);
    return status;
}

static fn_status read_node(tree_reader *t, const part_node *n, const node_range *ranges, uint32_t rows, fn_column **out)
{
    fn_buffer *nulls = NULL;
    FN_TRY(read_nulls(t, n, ranges, rows, &nulls));
    switch (n->kind) {
    case NODE_FIXED: return read_fixed_column(t, n, ranges, rows, nulls, out);
    case NODE_TEXT: return read_text(t, n, ranges, rows, nulls, out);
    case NODE_ARRAY: fn_buffer_drop(nulls); return read_array(t, n, ranges, rows, out);
    case NODE_TUPLE: fn_buffer_drop(nulls); return read_tuple(t, n, ranges, rows, out);
    case NODE_NOTHING: break;
    }
    fn_buffer_drop(nulls);
    *out = fn_column_default(t->chunks.ctx, n->type, rows);
    return *out ? FN_OK : t->chunks.ctx->error.code;
}

/* ---- the column itself: CONST and DICT ---- */

static fn_status repeat(fn_ctx *ctx, const part_node *n, fn_str value, uint32_t rows, fn_column **out)
{
    fn_builder b;
    fn_column *one = NULL;
    FN_TRY(fn_builder_init(ctx, &b, n->type));
    const bool text = n->kind == NODE_TEXT || n->base->phys == FN_PHYS_FIXED;
    fn_status status = text ? fn_builder_str(ctx, &b, value) : fn_builder_fixed(ctx, &b, value.data);
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, &one);
    fn_builder_release(&b);
    if (status != FN_OK) return status;
    *out = fn_column_repeat(ctx, one, 0, rows);
    fn_column_drop(one);
    return *out ? FN_OK : ctx->error.code;
}

/* *out stays NULL if the column is not constant. */
static fn_status try_constant(tree_reader *t, const part_node *n, const node_range *ranges, uint32_t rows, fn_column **out)
{
    fn_ctx *ctx = t->chunks.ctx;
    bool is_constant;
    fn_str value;
    chunk_form form;
    if (n->kind != NODE_FIXED && n->kind != NODE_TEXT) return FN_OK;
    if (n->nullable) {
        FN_TRY(constant_of(t, n->null_stream, ranges, &is_constant, &value, &form));
        if (!is_constant || value.size != 1) return FN_OK;
        if (value.data[0]) {
            *out = fn_column_null(ctx, n->type, rows);
            return *out ? FN_OK : ctx->error.code;
        }
    }
    FN_TRY(constant_of(t, n->value_stream, ranges, &is_constant, &value, &form));
    if (!is_constant) return FN_OK;
    if (n->kind == NODE_FIXED) return value.size == n->base->width ? repeat(ctx, n, value, rows, out) : FN_OK;
    if (form != CHUNK_CODES) return form == CHUNK_TEXT ? repeat(ctx, n, value, rows, out) : FN_OK;
    const fn_column *dictionary;
    uint8_t flags;
    FN_TRY(part_dictionary(ctx, t->chunks.part, t->column, n->value_stream, &dictionary, &flags));
    if (value.size != sizeof(uint32_t) || !dictionary || fn_load_u32(value.data) >= dictionary->rows) return FN_OK; /* named as damage by what follows */
    return repeat(ctx, n, fn_column_str_at(dictionary, fn_load_u32(value.data)), rows, out);
}

static fn_status read_codes(tree_reader *t, const part_node *n, const node_range *ranges, uint32_t rows, const fn_column *dictionary, fn_column **out)
{
    fn_ctx *ctx = t->chunks.ctx;
    const unsigned width = dictionary->rows <= 1u << 8 ? 1 : dictionary->rows <= 1u << 16 ? 2 : 4;
    fn_buffer *nulls, *codes;
    for (uint32_t i = 0; i < t->range_count; i++) {
        chunk_view c;
        FN_TRY(chunk_of_stream(&t->chunks, ranges[i].segment, n->value_stream, &c));
        if (ranges[i].count && c.form != CHUNK_CODES) return part_damaged(ctx, t->chunks.part, t->chunks.column, ranges[i].segment->offset, "strings where codes should be");
    }
    FN_TRY(read_nulls(t, n, ranges, rows, &nulls));
    codes = fn_buffer_new(ctx, (size_t)rows * width);
    fn_status status = codes ? read_fixed(t, n->value_stream, ranges, width, codes->data) : ctx->error.code;
    const bool any_code_fits = width < 4 && dictionary->rows == 1u << (8 * width);
    if (status == FN_OK && rows && !any_code_fits && pack_kernels_get()->max_code(codes->data, rows, width) >= dictionary->rows)
        status = part_damaged(ctx, t->chunks.part, t->chunks.column, ranges[0].segment->offset, "a code beyond the dictionary");
    if (status != FN_OK) {
        fn_buffer_drop(codes);
        fn_buffer_drop(nulls);
        return status;
    }
    fn_column *shared = (fn_column *)(uintptr_t)dictionary; /* a reference is added, nothing else changes */
    *out = fn_column_dict(ctx, n->type, rows, width, codes, shared, nulls);
    return *out ? FN_OK : ctx->error.code;
}

static fn_status read_top(tree_reader *t, const part_node *n, const node_range *ranges, uint32_t rows, fn_column **out)
{
    *out = NULL;
    FN_TRY(try_constant(t, n, ranges, rows, out));
    if (*out) return FN_OK;
    if (n->kind == NODE_TEXT) {
        const fn_column *dictionary;
        uint8_t flags;
        FN_TRY(part_dictionary(t->chunks.ctx, t->chunks.part, t->column, n->value_stream, &dictionary, &flags));
        if (dictionary && (flags & DICTIONARY_COMPLETE)) return read_codes(t, n, ranges, rows, dictionary, out);
    }
    return read_node(t, n, ranges, rows, out);
}

/* ---- which rows ---- */

/* The segment of a granule among those given. */
static const segment_view *segment_at(const fn_part *p, const segment_view *segments, uint32_t granule)
{
    while (p->first_granule[segments->number + 1] <= granule) segments++;
    return segments;
}

static uint32_t row_in_segment(const fn_part *p, const segment_view *s, uint32_t first, uint32_t row)
{
    return (first - p->first_granule[s->number]) * FN_GRANULE_ROWS + row; /* wraps back where the segment begins behind `first` */
}

static void all_ranges(tree_reader *t, const fn_part *p, const segment_view *segments, uint32_t first, uint32_t granules, uint32_t rows, node_range *ranges)
{
    for (uint32_t g = first; g < first + granules;) {
        const segment_view *s = segment_at(p, segments, g);
        const uint32_t end = FN_MIN(p->first_granule[s->number + 1], first + granules);
        const uint32_t from = (g - first) * FN_GRANULE_ROWS, to = FN_MIN((end - first) * (uint32_t)FN_GRANULE_ROWS, rows);
        ranges[t->range_count++] = (node_range){s, row_in_segment(p, s, first, from), to - from};
        g = end;
    }
}

/* The vectors that hold picked rows, neighbours joined; places[i]: where row i lies in what is read. Returns the rows read. */
static uint32_t picked_ranges(tree_reader *t, const fn_part *p, const segment_view *segments, uint32_t first, uint32_t rows, const row_pick *pick,
                              node_range *ranges, uint32_t *places)
{
    uint32_t read = 0, end = 0; /* end: row behind the last range */
    for (uint32_t i = 0; i < pick->count; i++) {
        const uint32_t row = pick->rows[i], vector = row / PACK_ROWS * PACK_ROWS;
        if (row >= end || i == 0) {
            const segment_view *s = segment_at(p, segments, first + row / FN_GRANULE_ROWS);
            const uint32_t from = row_in_segment(p, s, first, vector), count = FN_MIN(rows - vector, (uint32_t)PACK_ROWS);
            node_range *last = t->range_count ? &ranges[t->range_count - 1] : NULL;
            if (last && last->segment == s && last->from + last->count == from) last->count += count;
            else ranges[t->range_count++] = (node_range){s, from, count};
            read += count;
            end = vector + count;
        }
        places[i] = read - (end - row);
    }
    return read;
}

static fn_status read_picked(tree_reader *t, const part_node *root, const node_range *ranges, uint32_t read, const uint32_t *places, uint32_t count,
                             fn_column **out)
{
    fn_column *vectors;
    FN_TRY(read_top(t, root, ranges, read, &vectors));
    *out = fn_column_take(t->chunks.ctx, vectors, places, count);
    fn_column_drop(vectors);
    return *out ? FN_OK : t->chunks.ctx->error.code;
}

fn_status part_column_read(fn_ctx *ctx, const fn_part *p, uint32_t column, const segment_view *segments, uint32_t first, uint32_t granules, uint32_t rows,
                           const row_pick *pick, fn_column **out)
{
    const part_column *c = &p->columns[column];
    tree_reader t = {.chunks = {.ctx = ctx, .part = p, .column = c}, .column = column};
    node_range ranges[RANGES_MAX];
    fn_status status;
    if (pick) {
        uint32_t *places = fn_alloc(ctx, (pick->count + 1u) * sizeof *places);
        FN_TRY_PTR(ctx, places);
        const uint32_t read = picked_ranges(&t, p, segments, first, rows, pick, ranges, places);
        status = read_picked(&t, &c->root, ranges, read, places, pick->count, out);
        fn_free(places);
    } else {
        all_ranges(&t, p, segments, first, granules, rows, ranges);
        status = read_top(&t, &c->root, ranges, rows, out);
    }
    chunk_reader_release(&t.chunks);
    return status;
}
