/* footer.c - the footer of a Parquet file: schema elements, row groups, column chunks.
 *
 * Field numbers are those of parquet.thrift (parquet-format 2.11). What is not needed is skipped. Offsets and counts are
 * checked here against the size of the file, so that later code may trust them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "parquet/parquet_file.h"
#include "parquet/thrift.h"

fn_status pq_bad(fn_ctx *ctx, const fn_parquet *p, uint64_t offset, const char *why)
{
    return fn_fail(ctx, FN_INCORRECT_DATA, "Cannot read Parquet file '%s' at offset %llu: %s", p->blob->name,
                   (unsigned long long)offset, why);
}

/* TimeUnit: a union of empty structs. */
static uint8_t parse_unit(pq_thrift *t, int type)
{
    uint8_t digits = 0;
    if (!pq_thrift_enter(t, type)) return 0;
    for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f); pq_thrift_skip(t, f.type)) {
        if (f.id >= 1 && f.id <= 3) digits = (uint8_t)(3 * f.id);
    }
    return digits;
}

/* The body of one member of the LogicalType union. */
static void parse_logical_body(pq_thrift *t, int type, int which, pq_element *e)
{
    if (!pq_thrift_enter(t, type)) return;
    for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f);) {
        if (which == 5 && f.id == 1) e->scale = (uint8_t)pq_thrift_int(t, f.type);
        else if (which == 5 && f.id == 2) e->precision = (uint8_t)pq_thrift_int(t, f.type);
        else if ((which == 7 || which == 8) && f.id == 2) e->scale = parse_unit(t, f.type);
        else if (which == 10 && f.id == 1) e->bits = (uint8_t)pq_thrift_int(t, f.type);
        else if (which == 10 && f.id == 2) e->is_signed = pq_thrift_bool(t, f.type);
        else pq_thrift_skip(t, f.type);
    }
}

static void parse_logical(pq_thrift *t, int type, pq_element *e)
{
    static const pq_meaning meanings[] = {
        [1] = PQ_M_STRING, [2] = PQ_M_MAP,  [3] = PQ_M_LIST,       [4] = PQ_M_STRING, [5] = PQ_M_DECIMAL,
        [6] = PQ_M_DATE,   [7] = PQ_M_TIME, [8] = PQ_M_TIMESTAMP, [10] = PQ_M_INT,   [11] = PQ_M_NONE,
        [12] = PQ_M_STRING, [13] = PQ_M_STRING, [14] = PQ_M_UUID, [15] = PQ_M_FLOAT16};
    if (!pq_thrift_enter(t, type)) return;
    for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f);) {
        if (f.id > 0 && f.id < (int)FN_COUNT(meanings)) e->meaning = meanings[f.id];
        parse_logical_body(t, f.type, f.id, e);
    }
}

/* ConvertedType, used when there is no logical type. */
static void apply_converted(pq_element *e, int64_t converted)
{
    static const struct {
        pq_meaning meaning;
        uint8_t bits;
        bool is_signed;
        uint8_t scale;
    } rows[] = {{PQ_M_STRING, 0, 0, 0}, {PQ_M_MAP, 0, 0, 0},  {PQ_M_NONE, 0, 0, 0},      {PQ_M_LIST, 0, 0, 0},
                {PQ_M_STRING, 0, 0, 0}, {PQ_M_DECIMAL, 0, 0, 0}, {PQ_M_DATE, 0, 0, 0},   {PQ_M_TIME, 0, 0, 3},
                {PQ_M_TIME, 0, 0, 6},   {PQ_M_TIMESTAMP, 0, 0, 3}, {PQ_M_TIMESTAMP, 0, 0, 6}, {PQ_M_INT, 8, 0, 0},
                {PQ_M_INT, 16, 0, 0},   {PQ_M_INT, 32, 0, 0}, {PQ_M_INT, 64, 0, 0},      {PQ_M_INT, 8, 1, 0},
                {PQ_M_INT, 16, 1, 0},   {PQ_M_INT, 32, 1, 0}, {PQ_M_INT, 64, 1, 0},      {PQ_M_STRING, 0, 0, 0},
                {PQ_M_STRING, 0, 0, 0}, {PQ_M_NONE, 0, 0, 0}};
    if (converted < 0 || converted >= (int64_t)FN_COUNT(rows)) return;
    e->meaning = rows[converted].meaning;
    e->bits = rows[converted].bits;
    e->is_signed = rows[converted].is_signed;
    if (rows[converted].scale) e->scale = rows[converted].scale;
}

static void parse_element(pq_thrift *t, pq_element *e)
{
    int64_t converted = -1;
    bool logical = false;
    *e = (pq_element){.phys = PQ_GROUP, .field_id = -1};
    for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f);) {
        switch (f.id) {
        case 1: {
            const int64_t phys = pq_thrift_int(t, f.type);
            if (phys < 0 || phys > 7) t->bad = true;
            else e->phys = (pq_phys)phys;
            break;
        }
        case 2: e->length = (uint32_t)(pq_thrift_int(t, f.type) & INT32_MAX); break;
        case 3: e->repetition = (uint8_t)(pq_thrift_int(t, f.type) & 3); break;
        case 4: e->name = pq_thrift_binary(t, f.type); break;
        case 5: e->kids = (uint32_t)(pq_thrift_int(t, f.type) & INT32_MAX); break;
        case 6: converted = pq_thrift_int(t, f.type); break;
        case 7: e->scale = (uint8_t)pq_thrift_int(t, f.type); break;
        case 8: e->precision = (uint8_t)pq_thrift_int(t, f.type); break;
        case 9: e->field_id = (int32_t)pq_thrift_int(t, f.type); break;
        case 10:
            logical = true;
            parse_logical(t, f.type, e);
            break;
        default: pq_thrift_skip(t, f.type);
        }
    }
    if (!logical) apply_converted(e, converted);
}

static void parse_statistics(pq_thrift *t, int type, pq_chunk *c)
{
    fn_str old_min = {NULL, 0}, old_max = {NULL, 0};
    bool has_old_min = false, has_old_max = false;
    c->min_exact = c->max_exact = true;
    if (!pq_thrift_enter(t, type)) return;
    for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f);) {
        switch (f.id) {
        case 1: old_max = pq_thrift_binary(t, f.type), has_old_max = true; break;
        case 2: old_min = pq_thrift_binary(t, f.type), has_old_min = true; break;
        case 3: c->nulls = (uint64_t)pq_thrift_int(t, f.type), c->has_nulls = true; break;
        case 5: c->max = pq_thrift_binary(t, f.type), c->has_max = true; break;
        case 6: c->min = pq_thrift_binary(t, f.type), c->has_min = true; break;
        case 7: c->max_exact = pq_thrift_bool(t, f.type); break;
        case 8: c->min_exact = pq_thrift_bool(t, f.type); break;
        default: pq_thrift_skip(t, f.type);
        }
    }
    /* The first form of the statistics was defined by signed bytes: good for numbers only; pq_leaf decides by `min` of fixed
     * width whether to believe it. */
    if (!c->has_min && has_old_min && (old_min.size == 4 || old_min.size == 8)) c->min = old_min, c->has_min = true;
    if (!c->has_max && has_old_max && (old_max.size == 4 || old_max.size == 8)) c->max = old_max, c->has_max = true;
}

typedef struct chunk_offsets {
    int64_t data, dictionary, size;
} chunk_offsets;

static void parse_codec(pq_thrift *t, int type, pq_chunk *c)
{
    static const fn_codec codecs[] = {FN_CODEC_NONE, FN_CODEC_SNAPPY, FN_CODEC_GZIP, FN_CODEC_NONE, FN_CODEC_BROTLI,
                                      FN_CODEC_LZ4_HADOOP, FN_CODEC_ZSTD, FN_CODEC_LZ4_RAW};
    const int64_t codec = pq_thrift_int(t, type);
    if (codec < 0 || codec >= (int64_t)FN_COUNT(codecs) || codec == 3) t->bad = true; /* 3: LZO, no free library */
    else c->codec = codecs[codec];
}

/* PageEncodingStats: is every data page one of dictionary codes? */
static bool parse_only_codes(pq_thrift *t, int type)
{
    int item = 0;
    uint32_t coded = 0, others = 0;
    const uint32_t count = pq_thrift_list(t, type, &item);
    for (uint32_t i = 0; i < count && !t->bad && pq_thrift_enter(t, item); i++) {
        int64_t kind = -1, encoding = -1, pages = 0;
        for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f);) {
            if (f.id == 1) kind = pq_thrift_int(t, f.type);
            else if (f.id == 2) encoding = pq_thrift_int(t, f.type);
            else if (f.id == 3) pages = pq_thrift_int(t, f.type);
            else pq_thrift_skip(t, f.type);
        }
        if ((kind != 0 && kind != 3) || pages == 0) continue;
        if (encoding == PQ_PLAIN_DICTIONARY || encoding == PQ_RLE_DICTIONARY) coded++;
        else others++;
    }
    return coded && !others;
}

static void parse_column_metadata(pq_thrift *t, int type, pq_chunk *c, chunk_offsets *o)
{
    if (!pq_thrift_enter(t, type)) return;
    for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f);) {
        switch (f.id) {
        case 4: parse_codec(t, f.type, c); break;
        case 5: c->values = (uint64_t)pq_thrift_int(t, f.type); break;
        case 7: o->size = pq_thrift_int(t, f.type); break;
        case 9: o->data = pq_thrift_int(t, f.type); break;
        case 11: o->dictionary = pq_thrift_int(t, f.type); break;
        case 12: parse_statistics(t, f.type, c); break;
        case 13: c->only_codes = parse_only_codes(t, f.type); break;
        case 14: c->bloom.offset = (uint64_t)pq_thrift_int(t, f.type); break;
        case 15: c->bloom.size = (uint64_t)pq_thrift_int(t, f.type); break;
        default: pq_thrift_skip(t, f.type);
        }
    }
}

static bool inside(const fn_parquet *p, pq_extent e)
{
    return e.offset <= p->blob->size && e.size <= p->blob->size - e.offset;
}

static void parse_chunk(pq_thrift *t, const fn_parquet *p, pq_chunk *c)
{
    chunk_offsets o = {0, 0, 0};
    for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f);) {
        switch (f.id) {
        case 3: parse_column_metadata(t, f.type, c, &o); break;
        case 4: c->offset_index.offset = (uint64_t)pq_thrift_int(t, f.type); break;
        case 5: c->offset_index.size = (uint64_t)pq_thrift_int(t, f.type); break;
        case 6: c->column_index.offset = (uint64_t)pq_thrift_int(t, f.type); break;
        case 7: c->column_index.size = (uint64_t)pq_thrift_int(t, f.type); break;
        default: pq_thrift_skip(t, f.type);
        }
    }
    const int64_t start = o.dictionary > 0 && o.dictionary < o.data ? o.dictionary : o.data;
    c->data = (pq_extent){(uint64_t)start, (uint64_t)o.size};
    if (start < 0 || o.size < 0 || !inside(p, c->data) || c->values > INT64_MAX) t->bad = true;
    if (!inside(p, c->offset_index)) c->offset_index = (pq_extent){0, 0};
    if (!inside(p, c->column_index)) c->column_index = (pq_extent){0, 0};
    if (!inside(p, c->bloom)) c->bloom = (pq_extent){0, 0};
}

static fn_status parse_group(fn_ctx *ctx, pq_thrift *t, fn_parquet *p, pq_group *g)
{
    for (pq_field_head f = {0, 0}; pq_thrift_field(t, &f);) {
        int item;
        if (f.id == 1) {
            const uint32_t count = pq_thrift_list(t, f.type, &item);
            if (count != p->leaf_count || (count && item != PQ_STRUCT)) t->bad = true;
            if (t->bad) break;
            g->chunks = fn_arena_alloc_zero(ctx, p->arena, sizeof *g->chunks * FN_MAX(count, 1));
            FN_TRY_PTR(ctx, g->chunks);
            for (uint32_t i = 0; i < count && !t->bad; i++) parse_chunk(t, p, &g->chunks[i]);
        } else if (f.id == 3) {
            const int64_t rows = pq_thrift_int(t, f.type);
            if (rows < 0) t->bad = true;
            g->rows = (uint64_t)rows;
        } else {
            pq_thrift_skip(t, f.type);
        }
    }
    if (!g->chunks) t->bad = true;
    return FN_OK;
}

static fn_status parse_elements(fn_ctx *ctx, pq_thrift *t, fn_parquet *p, int type)
{
    int item = 0;
    const uint32_t count = pq_thrift_list(t, type, &item);
    if (t->bad || count == 0 || item != PQ_STRUCT || p->elements) {
        t->bad = true;
        return FN_OK;
    }
    p->elements = fn_arena_alloc_zero(ctx, p->arena, sizeof *p->elements * count);
    FN_TRY_PTR(ctx, p->elements);
    p->element_count = count;
    for (uint32_t i = 0; i < count && !t->bad; i++) {
        parse_element(t, &p->elements[i]);
        p->leaf_count += p->elements[i].phys != PQ_GROUP;
    }
    return FN_OK;
}

static fn_status parse_groups(fn_ctx *ctx, pq_thrift *t, fn_parquet *p, int type)
{
    int item = 0;
    const uint32_t count = pq_thrift_list(t, type, &item);
    if (t->bad || (count && item != PQ_STRUCT) || !p->elements || p->groups) {
        t->bad = true;
        return FN_OK;
    }
    p->groups = fn_arena_alloc_zero(ctx, p->arena, sizeof *p->groups * FN_MAX(count, 1));
    FN_TRY_PTR(ctx, p->groups);
    p->group_count = count;
    for (uint32_t i = 0; i < count && !t->bad; i++) {
        p->groups[i].first_row = p->rows;
        FN_TRY(parse_group(ctx, t, p, &p->groups[i]));
        p->rows += p->groups[i].rows;
    }
    return FN_OK;
}

fn_status pq_footer_parse(fn_ctx *ctx, fn_parquet *p, fn_str bytes, uint64_t offset)
{
    const uint8_t *start = (const uint8_t *)bytes.data;
    pq_thrift t = {start, start, start + bytes.size, false};
    for (pq_field_head f = {0, 0}; pq_thrift_field(&t, &f);) {
        switch (f.id) {
        case 2: FN_TRY(parse_elements(ctx, &t, p, f.type)); break;
        case 4: FN_TRY(parse_groups(ctx, &t, p, f.type)); break;
        default: pq_thrift_skip(&t, f.type);
        }
    }
    if (t.bad || !p->elements || !p->groups)
        return pq_bad(ctx, p, offset + (uint64_t)(t.at - t.start), "malformed file metadata");
    return FN_OK;
}
