/* test_part.c - part files: every type and shape written and read back against the input, zone maps against a scan, sparse index,
 * dictionaries, statistics; every flipped byte and every cut of a small file is an error or the same data; every failing call of the
 * file system is an error. FIRN_SEED repeats a run.
 * SPDX-License-Identifier: Apache-2.0 */
#include <firn/part.h>
#include <firn/thread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int failures;
static uint64_t state;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))
static const char *const PATH = "/p/part";

static const char *const type_names[] = {
    "UInt8", "UInt16", "UInt32", "UInt64", "UInt128", "UInt256", "Int8", "Int16", "Int32", "Int64", "Int128", "Int256", "Float32", "Float64", "Bool",
    "Decimal(9, 2)", "Decimal(18, 4)", "Decimal(38, 10)", "Decimal(76, 20)", "String", "FixedString(3)", "FixedString(40)", "Date", "Date32", "DateTime",
    "DateTime64(3)", "UUID", "IPv4", "IPv6", "Enum8('a' = 1, 'b' = 2)", "Enum16('x' = -300, 'y' = 7)", "Nullable(Int32)", "Nullable(String)",
    "Nullable(Float64)", "LowCardinality(String)", "LowCardinality(Nullable(String))", "LowCardinality(UInt32)", "Array(UInt32)", "Array(String)",
    "Array(Nullable(String))", "Array(Array(Int64))", "Tuple(UInt8, String)", "Tuple(a Nullable(Int64), b Array(String))", "Map(String, UInt64)",
    "Array(Tuple(String, Array(UInt16)))", "Map(LowCardinality(String), Array(Map(String, Int8)))", "Nullable(UUID)", "IntervalDay", "Nullable(Nothing)",
    "Array(LowCardinality(Nullable(String)))",
};

static uint64_t next(void)
{
    state += 0x9e3779b97f4a7c15u;
    return fn_hash_u64(state);
}

/* How the values of a column are distributed. */
typedef enum spread { SAME, FEW, RISING, RUNS, ZEROS, DECIMALS, PAIRS, TAILS, AGAIN, ANY, SPREADS } spread;

static void make_fixed(fn_builder *b, spread how, uint32_t row, uint8_t *out)
{
    const fn_type *base = fn_type_base(b->type);
    const uint32_t width = base->width;
    uint64_t v = 0;
    memset(out, 0, width);
    switch (how) {
    case SAME: v = 42; break;
    case FEW: v = next() % 5; break;
    case RISING: v = 1000000 + (uint64_t)row * 3 + next() % 3; break;
    case RUNS: v = row / 100; break;
    case ZEROS: v = next() % 50 ? 0 : next(); break;
    case DECIMALS: v = next() % 100000; break;
    case PAIRS: v = fn_hash_u64((uint64_t)row * 3 / 5) >> (row / 30000) % 3 * 20; break; /* runs of one or two */
    case TAILS: v = next() % 9 ? next() % 100 : next(); break;
    case AGAIN: v = fn_hash_u64(next() % 700); break;
    case ANY:
    case SPREADS: v = next(); break;
    }
    if (base->phys == FN_PHYS_F64) fn_store_f64(out, how == ANY ? (double)(int64_t)v / 7 : how == DECIMALS ? (double)v / 100 : (double)v);
    else if (base->phys == FN_PHYS_F32) fn_store_f32(out, how == DECIMALS ? (float)v / 10 : (float)v);
    else memcpy(out, &v, FN_MIN(width, (uint32_t)sizeof v));
    if (how == ANY)
        for (uint32_t i = 8; i < width; i++) out[i] = (uint8_t)next();
    if (base->phys == FN_PHYS_F64 && next() % 100 == 0) fn_store_u64(out, next() % 2 ? 0x7ff8000000000000u : 0x8000000000000000u); /* NaN, -0.0 */
    if (base->id == FN_T_BOOL) out[0] &= 1;
}

static fn_status make_value(fn_ctx *ctx, fn_builder *b, spread how, uint32_t row)
{
    const fn_type *base = fn_type_base(b->type);
    if (fn_type_is_nullable(b->type) && (base->phys == FN_PHYS_NOTHING || next() % 7 == 0)) return fn_builder_null(ctx, b);
    if (base->phys == FN_PHYS_STRING) {
        char text[100];
        int n = snprintf(text, sizeof text, how == ANY ? "%llx a longer text than thirty-two bytes" : "v%llu", (unsigned long long)(how == SAME ? 1 : how == ANY ? next() : next() % 40));
        if (how == ANY && next() % 50 == 0) memset(text, 0xff, (size_t)n);
        return fn_builder_str(ctx, b, (fn_str){text, how == ZEROS && next() % 8 ? 0 : (size_t)n});
    }
    if (base->phys == FN_PHYS_ARRAY) {
        for (uint64_t i = next() % (how == SAME ? 1 : 5); i > 0; i--) FN_TRY(make_value(ctx, &b->kids[0], how, row));
        return fn_builder_close_array(ctx, b);
    }
    if (base->phys == FN_PHYS_TUPLE) {
        for (unsigned i = 0; i < b->kid_count; i++) FN_TRY(make_value(ctx, &b->kids[i], how, row));
        return fn_builder_close_tuple(ctx, b);
    }
    if (base->phys == FN_PHYS_NOTHING) return fn_builder_default(ctx, b);
    uint8_t value[64];
    make_fixed(b, how, row, value);
    return base->phys == FN_PHYS_FIXED ? fn_builder_str(ctx, b, (fn_str){(const char *)value, base->width}) : fn_builder_fixed(ctx, b, value);
}

static fn_column *make_column(fn_ctx *ctx, const fn_type *type, spread how, uint32_t rows)
{
    fn_builder b;
    fn_column *out = NULL;
    CHECK(fn_builder_init(ctx, &b, type) == FN_OK);
    for (uint32_t i = 0; i < rows; i++) CHECK(make_value(ctx, &b, how, i) == FN_OK);
    CHECK(fn_builder_finish(ctx, &b, &out) == FN_OK);
    fn_builder_release(&b);
    return out;
}

static fn_part_writer_options options_of(fn_fs *fs, const fn_part_column *columns, uint32_t count)
{
    static uint32_t keys[1]; /* any type may be the sort key */
    keys[0] = (uint32_t)(next() % count);
    return (fn_part_writer_options){.fs = fs, .path = PATH, .id = {next(), next()}, .columns = columns, .column_count = count, .key_columns = keys, .key_count = 1};
}

/* Writes `block` in pieces of random size. */
static fn_status write_part(fn_ctx *ctx, const fn_part_writer_options *options, const fn_block *block, uint32_t step, fn_part_summary *summary)
{
    fn_part_writer *w;
    FN_TRY(fn_part_writer_open(ctx, options, &w));
    fn_status status = FN_OK;
    for (uint32_t at = 0; at < block->rows && status == FN_OK;) {
        const uint32_t wish = 1 + (uint32_t)(next() % step), rows = FN_MIN(block->rows - at, wish);
        fn_block *piece = fn_block_slice(ctx, block, at, rows);
        status = piece ? fn_part_writer_write(ctx, w, piece) : ctx->error.code;
        fn_block_drop(piece);
        at += rows;
    }
    if (status == FN_OK) status = fn_part_writer_finish(ctx, w, summary);
    fn_part_writer_close(w);
    return status;
}

static bool same_rows(const fn_column *a, size_t from, const fn_column *b)
{
    for (uint32_t i = 0; i < b->rows; i++)
        if (!fn_column_equal_at(a, from + i, b, i)) return false;
    return true;
}

static void check_zones(fn_ctx *ctx, const fn_part *p, uint32_t index, const fn_column *c)
{
    const fn_part_zones *z;
    CHECK(fn_part_zones_of(ctx, p, index, &z) == FN_OK);
    for (uint32_t g = 0; g < fn_part_granules(p); g++) {
        uint32_t nulls = 0, beyond = 0, numbers = 0;
        for (uint32_t i = g * FN_GRANULE_ROWS; i < FN_MIN(c->rows, (g + 1) * FN_GRANULE_ROWS); i++) {
            const bool is_null = fn_column_is_null(c, i);
            nulls += is_null;
            if (is_null || !z->has_range) continue;
            if (fn_type_is_float(fn_type_base(c->type)) && fn_column_f64_at(c, i) != fn_column_f64_at(c, i)) continue;
            numbers++;
            beyond += !z->valid[g] || fn_column_compare(z->min, g, c, i, true) > 0 || fn_column_compare(z->max, g, c, i, true) < 0;
        }
        if (fn_type_base(c->type)->id != FN_T_NOTHING) CHECK(z->nulls[g] == nulls);
        CHECK(beyond == 0);
        CHECK(!z->has_range || z->valid[g] == (numbers > 0));
    }
}

/* A file gone through once more: nothing of it in the cache, what was loaded can go between two columns. */
static void check_again(fn_ctx *ctx, const fn_part *p, const fn_block *block)
{
    fn_part *again = NULL;
    fn_part_cache_clear();
    CHECK(fn_part_open_again(ctx, p, &again) == FN_OK);
    for (uint32_t i = 0; i < block->count; i++) {
        for (uint32_t g = 0; g < fn_part_granules(again); g += 3) {
            fn_block *got = NULL;
            const uint32_t count = FN_MIN(fn_part_granules(again) - g, 3u);
            CHECK(fn_part_read(ctx, again, &i, 1, g, count, &got) == FN_OK);
            CHECK(got && same_rows(block->columns[i], (size_t)g * FN_GRANULE_ROWS, got->columns[0]));
            fn_block_drop(got);
        }
        if (next() % 2) fn_part_unload(again);
    }
    CHECK(fn_part_cache_used() == 0);
    fn_part_drop(again);
}

static void check_part(fn_ctx *ctx, fn_fs *fs, const fn_part_writer_options *o, const fn_block *block, const fn_part_summary *summary)
{
    fn_part *p;
    const fn_status opened = fn_part_open(ctx, fs, PATH, o->id, &summary->checksum, &p);
    CHECK(opened == FN_OK);
    if (opened != FN_OK) return;
    CHECK(fn_part_rows(p) == block->rows && fn_part_column_count(p) == block->count);
    uint32_t *columns = FN_NEW_ARRAY(ctx, uint32_t, block->count);
    for (uint32_t i = 0; i < block->count; i++) {
        columns[i] = i;
        CHECK(fn_part_column_at(p, i)->type == o->columns[i].type && fn_part_find(p, o->columns[i].id) == (int)i);
        check_zones(ctx, p, i, block->columns[i]);
    }
    for (uint32_t round = 0; round < 12 && fn_part_granules(p); round++) {
        const uint32_t first = (uint32_t)(next() % fn_part_granules(p)), left = fn_part_granules(p) - first, granules = 1 + (uint32_t)(next() % FN_MIN(left, 8u));
        fn_block *got;
        fn_part_prefetch(p, columns, block->count, first, granules);
        const fn_status status = fn_part_read(ctx, p, columns, block->count, first, granules, &got);
        CHECK(status == FN_OK);
        if (status != FN_OK) break;
        for (uint32_t i = 0; i < block->count; i++) {
            CHECK(got->columns[i]->type == block->columns[i]->type);
            CHECK(fn_column_check(ctx, got->columns[i]) == FN_OK);
            const bool same = same_rows(block->columns[i], (size_t)first * FN_GRANULE_ROWS, got->columns[i]);
            if (!same) printf("type %s rows %u shape %u\n", got->columns[i]->type->name, block->rows, got->columns[i]->shape);
            CHECK(same);
        }
        uint32_t *picked = FN_NEW_ARRAY(ctx, uint32_t, got->rows), count = 0;
        const uint64_t rare = 1 + next() % 3000;
        for (uint32_t i = 0; i < got->rows; i++)
            if (next() % rare == 0) picked[count++] = i;
        fn_block *some;
        CHECK(fn_part_read_rows(ctx, p, columns, block->count, first, granules, picked, count, &some) == FN_OK && some->rows == count);
        for (uint32_t i = 0; i < block->count; i++) {
            CHECK(some->columns[i]->rows == count && fn_column_check(ctx, some->columns[i]) == FN_OK);
            for (uint32_t k = 0; k < count; k++) CHECK(fn_column_equal_at(got->columns[i], picked[k], some->columns[i], k));
        }
        fn_block_drop(some);
        fn_block_drop(got);
    }
    const fn_block *index = fn_part_index(p);
    CHECK(index->count == 1 && index->rows == (block->rows ? fn_part_granules(p) + 1 : 0));
    for (uint32_t g = 0; g < index->rows; g++) {
        const size_t row = g < fn_part_granules(p) ? (size_t)g * FN_GRANULE_ROWS : block->rows - 1;
        CHECK(fn_column_equal_at(index->columns[0], g, block->columns[o->key_columns[0]], row));
    }
    CHECK(fn_part_check(ctx, p) == FN_OK);
    if (o->merged) check_again(ctx, p, block);
    fn_part_drop(p);
}

/* The block's rows in another order and in pieces, some of whose strings bring a dictionary of their own. order[i]: where row i of the
 * block went. */
static fn_block **scatter(fn_ctx *ctx, const fn_block *block, uint32_t *order, uint32_t *count)
{
    enum { PIECES = 7 };
    uint32_t *from = FN_NEW_ARRAY(ctx, uint32_t, block->rows + 1u);
    fn_block **pieces = FN_NEW_ARRAY(ctx, fn_block *, PIECES);
    for (uint32_t i = 0; i < block->rows; i++) from[i] = i;
    for (uint32_t i = block->rows; i > 1; i--) {
        const uint32_t k = (uint32_t)(next() % i), row = from[k];
        from[k] = from[i - 1];
        from[i - 1] = row;
    }
    for (uint32_t i = 0; i < block->rows; i++) order[from[i]] = i;
    fn_block *mixed = fn_block_take(ctx, block, from, block->rows);
    *count = 0;
    for (uint32_t at = 0, rows; at < block->rows; at += rows, ++*count) {
        const uint32_t wish = *count == PIECES - 1 ? block->rows : 1 + (uint32_t)(next() % (block->rows / 3 + 1));
        rows = FN_MIN(block->rows - at, wish);
        fn_block *piece = pieces[*count] = fn_block_slice(ctx, mixed, at, rows);
        for (uint32_t i = 0; i < piece->count; i++) {
            if (piece->columns[i]->type->phys != FN_PHYS_STRING || piece->columns[i]->shape != FN_FLAT || next() % 2) continue;
            fn_column *dict = fn_column_encode_dict(ctx, piece->columns[i], 100);
            fn_column_drop(piece->columns[i]);
            piece->columns[i] = dict;
        }
    }
    fn_block_drop(mixed);
    return pieces;
}

/* The same part from scattered rows, or from rows in order. */
static void check_rows(fn_ctx *ctx, fn_fs *fs, fn_part_writer_options *o, const fn_block *block)
{
    for (unsigned sorted = 0; sorted < 2 && block->rows; sorted++) {
        uint32_t *order = FN_NEW_ARRAY(ctx, uint32_t, block->rows), count = 1;
        const fn_block *whole[] = {block};
        fn_block **pieces = sorted ? NULL : scatter(ctx, block, order, &count);
        const fn_part_pieces rows = {sorted ? whole : (const fn_block *const *)pieces, count, block->rows, sorted ? NULL : order};
        fn_part_writer *w = NULL;
        fn_part_summary summary = {0};
        o->merged = false;
        CHECK(fn_part_writer_open(ctx, o, &w) == FN_OK && fn_part_writer_write_rows(ctx, w, &rows) == FN_OK);
        CHECK(fn_part_writer_finish(ctx, w, &summary) == FN_OK && summary.rows == block->rows);
        fn_part_writer_close(w);
        check_part(ctx, fs, o, block, &summary);
        if (ctx->error.code) printf("%s\n", ctx->error.text);
        fn_error_clear(ctx);
        CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
        fn_part_cache_clear();
        for (uint32_t i = 0; pieces && i < count; i++) fn_block_drop(pieces[i]);
    }
}

/* A column in batches of random size, each scattered. */
typedef struct batches {
    fn_block *rows;      /* the column alone */
    uint32_t at, count;
    fn_block **pieces;   /* of the last batch */
} batches;

static void drop_batch(batches *b)
{
    for (uint32_t i = 0; i < b->count; i++) fn_block_drop(b->pieces[i]);
    b->count = 0;
}

static fn_status next_batch(void *self, fn_ctx *ctx, fn_part_pieces *out)
{
    batches *b = self;
    const uint32_t wish = 1 + (uint32_t)(next() % 70000), rows = FN_MIN(b->rows->rows - b->at, wish);
    drop_batch(b);
    fn_block *batch = fn_block_slice(ctx, b->rows, b->at, rows);
    uint32_t *order = FN_NEW_ARRAY(ctx, uint32_t, rows);
    b->pieces = scatter(ctx, batch, order, &b->count);
    fn_block_drop(batch);
    b->at += rows;
    *out = (fn_part_pieces){(const fn_block *const *)b->pieces, b->count, rows, order};
    return FN_OK;
}

static void write_by_column(fn_ctx *ctx, fn_part_writer *w, const fn_block *block, uint32_t column)
{
    fn_block *one = fn_block_new(ctx, 1, block->rows);
    one->columns[0] = fn_column_ref(block->columns[column]);
    batches b = {.rows = one};
    bool fits = false;
    fn_part_feed feed = {.next = next_batch, .self = &b};
    if (one->columns[0]->shape == FN_DICT && next() % 4)
        feed.dictionaries = (fn_part_dictionaries){.list = &one->columns[0]->kids[0], .count = 1, .mostly_unused = next() % 4 == 0};
    CHECK(fn_part_writer_column(ctx, w, column, &feed, &fits) == FN_OK && fits && b.at == block->rows);
    drop_batch(&b);
    fn_block_drop(one);
}

/* The same part once more, a column after the other, the last one first. */
static void check_by_column(fn_ctx *ctx, fn_fs *fs, fn_part_writer_options *o, const fn_block *block)
{
    fn_part_writer *w = NULL;
    fn_part_summary summary = {0};
    if (block->rows == 0) return;
    o->merged = true;
    CHECK(fn_part_writer_open(ctx, o, &w) == FN_OK && fn_part_writer_by_column(ctx, w, block->rows) == FN_OK);
    for (uint32_t i = block->count; i-- > 0;) write_by_column(ctx, w, block, i);
    CHECK(fn_part_writer_finish(ctx, w, &summary) == FN_OK && summary.rows == block->rows);
    fn_part_writer_close(w);
    check_part(ctx, fs, o, block, &summary);
    if (ctx->error.code) printf("%s\n", ctx->error.text);
    fn_error_clear(ctx);
    CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
    fn_part_cache_clear();
}

/* Several segments: a dictionary that pays, one that does not, one beyond the first segment, numbers. */
static void check_many_rows(fn_ctx *ctx, fn_fs *fs, fn_pool *pool)
{
    static const char *const types[] = {"String", "String", "LowCardinality(String)", "Int64", "Nullable(String)"};
    static const spread how[] = {FEW, ANY, ANY, PAIRS, ANY};
    enum { COUNT = FN_COUNT(types), ROWS = 300000 };
    fn_part_column columns[COUNT];
    fn_block *block = fn_block_new(ctx, COUNT, ROWS);
    for (uint32_t i = 0; i < COUNT; i++) {
        const fn_type *type = NULL;
        CHECK(fn_type_parse(ctx, fn_cstr(types[i]), &type) == FN_OK);
        columns[i] = (fn_part_column){.id = 7 + i, .type = type};
        block->columns[i] = make_column(ctx, type, how[i], ROWS);
    }
    fn_part_writer_options o = options_of(fs, columns, COUNT);
    o.workers = pool;
    check_rows(ctx, fs, &o, block);
    check_by_column(ctx, fs, &o, block);
    fn_block_drop(block);
}

static void check_all_types(fn_ctx *ctx, fn_fs *fs, fn_pool *pool, spread how, uint32_t rows, uint32_t step, const char *codec)
{
    enum { COUNT = FN_COUNT(type_names) };
    fn_part_column columns[COUNT];
    fn_block *block = fn_block_new(ctx, COUNT, rows);
    for (uint32_t i = 0; i < COUNT; i++) {
        const fn_type *type = NULL;
        CHECK(fn_type_parse(ctx, fn_cstr(type_names[i]), &type) == FN_OK);
        columns[i] = (fn_part_column){.id = 100 + i, .type = type, .codec = fn_cstr(codec)};
        block->columns[i] = make_column(ctx, type, how, rows);
        if (type->phys == FN_PHYS_STRING && next() % 2) { /* the same data in dictionary form */
            fn_column *dict = fn_column_encode_dict(ctx, block->columns[i], 100);
            fn_column_drop(block->columns[i]);
            block->columns[i] = dict;
        }
        if (rows && next() % 10 == 0) {
            fn_column *same = fn_column_repeat(ctx, block->columns[i], next() % rows, rows);
            fn_column_drop(block->columns[i]);
            block->columns[i] = same;
        }
    }
    fn_part_summary summary;
    fn_part_writer_options o = options_of(fs, columns, COUNT);
    o.workers = pool;
    o.merged = next() % 2;
    CHECK(write_part(ctx, &o, block, step, &summary) == FN_OK && summary.rows == rows);
    if (ctx->error.code) printf("%s\n", ctx->error.text);
    check_part(ctx, fs, &o, block, &summary);
    if (ctx->error.code) printf("%s\n", ctx->error.text);
    fn_error_clear(ctx);
    CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
    fn_part_cache_clear();
    check_rows(ctx, fs, &o, block);
    check_by_column(ctx, fs, &o, block);
    fn_block_drop(block);
}

/* Strings whose dictionary is given up in the fourth segment; one that is kept. */
static void check_dictionaries(fn_ctx *ctx, fn_fs *fs)
{
    enum { ROWS = 1200000, STEP = 60000 };
    const fn_type *text = fn_type_simple(FN_T_STRING);
    const fn_part_column columns[] = {{.id = 1, .type = text}, {.id = 2, .type = text}, {.id = 3, .type = fn_type_simple(FN_T_UINT64)}};
    fn_part_writer_options o = options_of(fs, columns, 3);
    fn_part_summary summary;
    fn_part_writer *w;
    CHECK(fn_part_writer_open(ctx, &o, &w) == FN_OK);
    for (uint32_t at = 0; at < ROWS; at += STEP) {
        fn_block *b = fn_block_new(ctx, 3, STEP);
        fn_builder s[3];
        for (int i = 0; i < 3; i++) CHECK(fn_builder_init(ctx, &s[i], columns[i].type) == FN_OK);
        for (uint64_t i = at; i < at + STEP; i++) {
            char t[32];
            CHECK(fn_builder_str(ctx, &s[0], (fn_str){t, (size_t)snprintf(t, sizeof t, "k%llu", (unsigned long long)(i < 300000 ? i % 1000 : i))}) == FN_OK);
            CHECK(fn_builder_str(ctx, &s[1], (fn_str){t, (size_t)snprintf(t, sizeof t, "k%llu", (unsigned long long)(i % 3000))}) == FN_OK);
            CHECK(fn_builder_fixed(ctx, &s[2], &i) == FN_OK);
        }
        for (int i = 0; i < 3; i++) {
            CHECK(fn_builder_finish(ctx, &s[i], &b->columns[i]) == FN_OK);
            fn_builder_release(&s[i]);
        }
        CHECK(fn_part_writer_write(ctx, w, b) == FN_OK);
        fn_block_drop(b);
    }
    CHECK(fn_part_writer_finish(ctx, w, &summary) == FN_OK);
    fn_part_writer_close(w);
    fn_part *p;
    fn_column *d;
    bool sorted;
    CHECK(fn_part_open(ctx, fs, PATH, o.id, NULL, &p) == FN_OK);
    CHECK(fn_part_dictionary(ctx, p, 0, &d, &sorted) == FN_OK && !d);
    CHECK(fn_part_dictionary(ctx, p, 1, &d, &sorted) == FN_OK && d && d->rows == 3000);
    CHECK(fn_part_distinct(p, 1) == 3000);
    const double d0 = (double)fn_part_distinct(p, 0), d2 = (double)fn_part_distinct(p, 2);
    CHECK(d0 > 901000 * 0.9 && d0 < 901000 * 1.1 && d2 > ROWS * 0.9 && d2 < ROWS * 1.1);
    const uint32_t all[] = {0, 1, 2};
    for (uint32_t g = 0; g < fn_part_granules(p); g += 8) {
        fn_block *b;
        CHECK(fn_part_read(ctx, p, all, 3, g, FN_MIN(8u, fn_part_granules(p) - g), &b) == FN_OK);
        CHECK(b->columns[1]->shape == FN_DICT && b->columns[1]->kids[0] == d && b->columns[1]->code_width == 2);
        for (uint32_t i = 0; i < b->rows; i += 97) {
            char t[32];
            const uint64_t row = fn_column_u64_at(b->columns[2], i);
            CHECK(row == (uint64_t)g * FN_GRANULE_ROWS + i);
            CHECK(fn_str_eq(fn_column_str_at(b->columns[0], i), (fn_str){t, (size_t)snprintf(t, sizeof t, "k%llu", (unsigned long long)(row < 300000 ? row % 1000 : row))}));
            CHECK(fn_str_eq(fn_column_str_at(b->columns[1], i), (fn_str){t, (size_t)snprintf(t, sizeof t, "k%llu", (unsigned long long)(row % 3000))}));
        }
        fn_block_drop(b);
    }
    CHECK(fn_part_cache_used() > 0);
    const fn_part_zones *z;
    CHECK(fn_part_zones_of(ctx, p, 2, &z) == FN_OK && z->has_sum && z->exact);
    CHECK(fn_column_u64_at(z->min, 3) == 3 * FN_GRANULE_ROWS && fn_column_u64_at(z->max, 3) == 4 * FN_GRANULE_ROWS - 1);
    CHECK(z->sums[0] == (fn_i128)FN_GRANULE_ROWS * (FN_GRANULE_ROWS - 1) / 2 && z->defaults[0] == 1 && z->defaults[1] == 0);
    fn_column_drop(d);
    fn_part_forget(p); /* the only part there is */
    CHECK(fn_part_cache_used() == 0);
    fn_block *again;
    CHECK(fn_part_read(ctx, p, all, 3, 0, 1, &again) == FN_OK && fn_part_cache_used() > 0);
    fn_block_drop(again);
    fn_part_drop(p);
    fn_part_cache_limit(1);
    CHECK(fn_part_cache_used() == 0);
    fn_part_cache_limit((uint64_t)256 << 20);
    CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
}

/* Two parts' dictionaries handed to the writer of a third: sorted, one for both. */
static void check_merged(fn_ctx *ctx, fn_fs *fs)
{
    const fn_type *text = fn_type_simple(FN_T_STRING);
    fn_column *halves[2], *dicts[2];
    for (int i = 0; i < 2; i++) {
        fn_column *plain = make_column(ctx, text, FEW, 5000);
        halves[i] = fn_column_encode_dict(ctx, plain, 100);
        fn_column_drop(plain);
        dicts[i] = halves[i]->kids[0];
    }
    const fn_part_column column = {.id = 1, .type = text};
    const fn_part_dictionaries seeds = {.list = dicts, .count = 2};
    fn_part_writer_options o = options_of(fs, &column, 1);
    fn_part_writer *w;
    fn_part_summary summary;
    fn_part *p;
    fn_column *d;
    bool sorted;
    o.dictionaries = &seeds;
    o.merged = true;
    CHECK(fn_part_writer_open(ctx, &o, &w) == FN_OK);
    for (int i = 0; i < 400; i++) {
        fn_block *b = fn_block_new(ctx, 1, 5000);
        b->columns[0] = fn_column_ref(halves[i % 2]);
        CHECK(fn_part_writer_write(ctx, w, b) == FN_OK);
        fn_block_drop(b);
    }
    CHECK(fn_part_writer_finish(ctx, w, &summary) == FN_OK);
    fn_part_writer_close(w);
    CHECK(fn_part_open(ctx, fs, PATH, o.id, NULL, &p) == FN_OK);
    CHECK(fn_part_dictionary(ctx, p, 0, &d, &sorted) == FN_OK && d && sorted && d->rows == 40);
    for (uint32_t i = 1; i < d->rows; i++) CHECK(fn_column_compare(d, i - 1, d, i, true) < 0);
    const uint32_t zero = 0;
    fn_block *b;
    CHECK(fn_part_read(ctx, p, &zero, 1, 200, 8, &b) == FN_OK && b->columns[0]->shape == FN_DICT);
    for (uint32_t i = 0; i < b->rows; i++) {
        const uint32_t row = 200 * FN_GRANULE_ROWS + i;
        CHECK(fn_column_equal_at(b->columns[0], i, halves[row / 5000 % 2], row % 5000));
    }
    fn_block_drop(b);
    fn_column_drop(d);
    fn_part_drop(p);
    for (int i = 0; i < 2; i++) fn_column_drop(halves[i]);
    CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
}

/* Many readers of one part at once, with a cache too small for it. */
typedef struct readers {
    const fn_part *part;
    const fn_block *block;
    const fn_column *dictionary[16];
    _Atomic unsigned wrong;
} readers;

static void read_some(void *arg, unsigned index)
{
    readers *r = arg;
    fn_ctx ctx = {0};
    fn_column *d;
    for (unsigned i = 0; i < 10; i++) {
        const uint32_t columns[] = {0, 1}, first = (index * 7 + i * 3) % (fn_part_granules(r->part) - 1);
        fn_block *b;
        const fn_part_zones *z;
        const bool ok = fn_part_zones_of(&ctx, r->part, i % 2, &z) == FN_OK && fn_part_read(&ctx, r->part, columns, 2, first, 2, &b) == FN_OK;
        if (!ok || fn_part_dictionary(&ctx, r->part, 1, &d, NULL) != FN_OK) {
            r->wrong++;
            return;
        }
        r->wrong += !same_rows(r->block->columns[0], (size_t)first * FN_GRANULE_ROWS, b->columns[0]) || b->columns[1]->kids[0] != d;
        r->dictionary[index] = d;
        fn_column_drop(d);
        fn_block_drop(b);
    }
}

static void check_threads(fn_ctx *ctx, fn_fs *fs, fn_pool *pool)
{
    enum { ROWS = 100000 };
    const fn_part_column columns[] = {{.id = 1, .type = fn_type_simple(FN_T_UINT64)}, {.id = 2, .type = fn_type_simple(FN_T_STRING)}};
    fn_part_writer_options o = options_of(fs, columns, 2);
    fn_part_summary summary;
    fn_part *p;
    fn_block *block = fn_block_new(ctx, 2, ROWS);
    block->columns[0] = make_column(ctx, columns[0].type, ANY, ROWS);
    block->columns[1] = make_column(ctx, columns[1].type, FEW, ROWS);
    CHECK(write_part(ctx, &o, block, 60000, &summary) == FN_OK);
    CHECK(fn_part_open(ctx, fs, PATH, o.id, NULL, &p) == FN_OK);
    readers r = {.part = p, .block = block};
    fn_part_cache_limit(1 << 20);
    CHECK(fn_pool_run(ctx, pool, read_some, &r, FN_COUNT(r.dictionary)) == FN_OK && r.wrong == 0);
    for (size_t i = 1; i < FN_COUNT(r.dictionary); i++) CHECK(r.dictionary[i] == r.dictionary[0]);
    fn_part_cache_limit((uint64_t)256 << 20);
    fn_part_drop(p);
    fn_block_drop(block);
    CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
}

/* A small file of several types for damage; its bytes in *file. */
static fn_block *small_part(fn_ctx *ctx, fn_fs *fs, fn_part_writer_options *o, fn_buf *file)
{
    static fn_part_column columns[5];
    static const char *const names[] = {"UInt32", "String", "Nullable(Float64)", "Array(String)", "LowCardinality(String)"};
    fn_block *block = fn_block_new(ctx, 5, 50);
    for (uint32_t i = 0; i < 5; i++) {
        CHECK(fn_type_parse(ctx, fn_cstr(names[i]), &columns[i].type) == FN_OK);
        columns[i].id = i + 1;
        block->columns[i] = make_column(ctx, columns[i].type, FEW, 50);
    }
    fn_part_summary summary;
    *o = options_of(fs, columns, 5);
    CHECK(write_part(ctx, o, block, 50, &summary) == FN_OK);
    CHECK(fn_fs_read_all(fs, ctx, PATH, file) == FN_OK && file->size == summary.file_bytes);
    return block;
}

static void put_file(fn_ctx *ctx, fn_fs *fs, const char *bytes, size_t size)
{
    fn_file *f;
    CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
    CHECK(fs->open(fs, ctx, PATH, FN_OPEN_WRITE | FN_OPEN_CREATE, &f) == FN_OK);
    CHECK(fs->write(fs, ctx, f, 0, bytes, size) == FN_OK);
    fs->close(fs, f);
}

/* FN_OK only with the very data. */
static fn_status read_small(fn_ctx *ctx, fn_fs *fs, fn_part_id id, const fn_block *block)
{
    static const uint32_t all[] = {0, 1, 2, 3, 4};
    fn_part *p;
    fn_block *got;
    fn_part_cache_clear();
    FN_TRY(fn_part_open(ctx, fs, PATH, id, NULL, &p));
    fn_status status = fn_part_check(ctx, p);
    if (status == FN_OK) {
        status = fn_part_read(ctx, p, all, 5, 0, fn_part_granules(p), &got);
        for (uint32_t i = 0; i < 5 && status == FN_OK; i++) CHECK(got->rows == 50 && same_rows(block->columns[i], 0, got->columns[i]));
        if (status == FN_OK) fn_block_drop(got);
    }
    fn_part_drop(p);
    return status;
}

static void check_damage(fn_ctx *ctx, fn_fs *fs)
{
    fn_buf file = FN_BUF_INIT;
    fn_part_writer_options o;
    fn_block *block = small_part(ctx, fs, &o, &file);
    CHECK(read_small(ctx, fs, o.id, block) == FN_OK);
    for (size_t at = 0; at < file.size; at++) {
        const char right = file.data[at];
        file.data[at] ^= (char)(1 << next() % 8);
        put_file(ctx, fs, file.data, file.size);
        CHECK(read_small(ctx, fs, o.id, block) == FN_OK || strstr(ctx->error.text, PATH));
        fn_error_clear(ctx);
        put_file(ctx, fs, file.data, at);
        CHECK(read_small(ctx, fs, o.id, block) != FN_OK && strstr(ctx->error.text, PATH));
        fn_error_clear(ctx);
        file.data[at] = right;
    }
    fn_buf_release(&file);
    fn_block_drop(block);
    CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
}

/* A part within a part: what is copied is what was written, or an error, whichever bit is wrong when it is read. */
static void check_inner(fn_ctx *ctx, fn_fs *fs)
{
    fn_buf file = FN_BUF_INIT;
    fn_part_writer_options o;
    fn_part_summary run, summary;
    fn_block *block = small_part(ctx, fs, &o, &file);
    fn_part_writer_options scratch = o;
    scratch.path = "/p/run";
    scratch.scratch = true;
    CHECK(write_part(ctx, &scratch, block, 50, &run) == FN_OK);
    for (int wrong = 0; wrong < 20; wrong++) {
        const fn_fs_fault flip = {.kinds = FN_FS_READS, .nth = wrong ? 1 : 0, .flip = true}, none = {.nth = 0};
        fn_part_writer *w = NULL;
        fn_part *p = NULL;
        const fn_part *inner = NULL;
        CHECK(fs->remove(fs, ctx, PATH) == FN_OK && fn_part_writer_open(ctx, &o, &w) == FN_OK && fn_part_writer_write(ctx, w, block) == FN_OK);
        fn_fs_memory_fault(fs, &flip);
        const fn_status status = fn_part_writer_embed(ctx, w, 7, scratch.path, scratch.id, &run);
        fn_fs_memory_fault(fs, &none);
        CHECK(status == (wrong ? FN_CHECKSUM_DOESNT_MATCH : FN_OK));
        fn_error_clear(ctx);
        if (!wrong) CHECK(fn_part_writer_finish(ctx, w, &summary) == FN_OK);
        fn_part_writer_close(w);
        if (wrong) continue;
        CHECK(fn_part_open(ctx, fs, PATH, o.id, &summary.checksum, &p) == FN_OK && fn_part_inner(ctx, p, 7, &inner) == FN_OK && inner);
        CHECK(fn_part_rows(inner) == block->rows && fn_part_check(ctx, p) == FN_OK);
        fn_part_drop(p);
    }
    fn_buf_release(&file);
    fn_block_drop(block);
    CHECK(fs->remove(fs, ctx, scratch.path) == FN_OK && fs->remove(fs, ctx, PATH) == FN_OK);
}

/* Each call of the file system fails in turn: an error, no file left, no leak. */
static void check_faults(fn_ctx *ctx, fn_fs *fs)
{
    fn_buf file = FN_BUF_INIT;
    fn_part_writer_options o;
    fn_part_summary summary;
    fn_block *block = small_part(ctx, fs, &o, &file);
    fn_buf_release(&file);
    for (uint64_t nth = 1;; nth++) {
        CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
        fn_fs_memory_fail(fs, nth, nth % 2 ? FN_NOT_ENOUGH_SPACE : FN_CANNOT_FSYNC);
        const fn_status status = write_part(ctx, &o, block, 20, &summary);
        fn_fs_memory_fail(fs, 0, FN_OK);
        if (status == FN_OK) break;
        CHECK(status == FN_NOT_ENOUGH_SPACE || status == FN_CANNOT_FSYNC);
        fn_error_clear(ctx);
        fn_file_info info;
        CHECK(fs->stat(fs, ctx, PATH, &info) == FN_OK && !info.exists);
    }
    for (uint64_t nth = 1;; nth++) {
        CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
        fn_fs_memory_fail(fs, nth, FN_NOT_ENOUGH_SPACE);
        const fn_block *pieces[] = {block};
        const fn_part_pieces rows = {pieces, 1, block->rows, NULL};
        fn_part_writer *w = NULL;
        fn_status status = fn_part_writer_open(ctx, &o, &w);
        if (status == FN_OK) status = fn_part_writer_write_rows(ctx, w, &rows);
        if (status == FN_OK) status = fn_part_writer_finish(ctx, w, &summary);
        if (w) fn_part_writer_close(w);
        fn_fs_memory_fail(fs, 0, FN_OK);
        if (status == FN_OK) break;
        CHECK(status == FN_NOT_ENOUGH_SPACE);
        fn_error_clear(ctx);
        fn_file_info info;
        CHECK(fs->stat(fs, ctx, PATH, &info) == FN_OK && !info.exists);
    }
    for (uint64_t nth = 1;; nth++) {
        fn_fs_memory_fail(fs, nth, FN_CANNOT_READ_FROM_FILE_DESCRIPTOR);
        const fn_status status = read_small(ctx, fs, o.id, block);
        fn_fs_memory_fail(fs, 0, FN_OK);
        if (status == FN_OK) break;
        CHECK(status == FN_CANNOT_READ_FROM_FILE_DESCRIPTOR);
        fn_error_clear(ctx);
    }
    const fn_part_id other = {o.id.high, o.id.low ^ 1};
    CHECK(read_small(ctx, fs, other, block) != FN_OK);
    fn_error_clear(ctx);
    fn_block_drop(block);
    CHECK(fs->remove(fs, ctx, PATH) == FN_OK);
}

int main(int argc, char **argv)
{
    static const char *const codecs[] = {"", "NONE", "CODEC(Delta(4), ZSTD(3))", "LZ4HC(9)", "Gorilla, LZ4", "T64"};
    const char *seed = getenv("FIRN_SEED");
    state = seed ? strtoull(seed, NULL, 10) : (uint64_t)getpid() * 7919;
    printf("seed %llu\n", (unsigned long long)state);
    fn_tracker memory;
    fn_tracker_init(&memory, "query", NULL, 0);
    fn_ctx ctx = {.memory = &memory};
    fn_fs *fs;
    ctx.arena = fn_arena_new(&ctx);
    CHECK(fn_fs_memory(&ctx, &fs) == FN_OK && fs->make_dir(fs, &ctx, "/p") == FN_OK);
    fn_pool *pool = fn_pool_new(&ctx, "test", 2);
    for (int how = 0; how < SPREADS; how++) check_all_types(&ctx, fs, how % 2 ? pool : NULL, (spread)how, 20000, 9000, codecs[how % 6]);
    for (unsigned i = 0; i < 30; i++) check_all_types(&ctx, fs, NULL, (spread)(next() % SPREADS), (uint32_t)(next() % (i < 20 ? 200 : 9000)), 300, codecs[i % 6]);
    check_all_types(&ctx, fs, NULL, ANY, 0, 1, "");
    check_many_rows(&ctx, fs, pool);
    check_dictionaries(&ctx, fs);
    check_merged(&ctx, fs);
    check_threads(&ctx, fs, pool);
    check_damage(&ctx, fs);
    check_inner(&ctx, fs);
    check_faults(&ctx, fs);
    if (argc > 1) { /* writes a seed for the fuzzer */
        fn_buf file = FN_BUF_INIT;
        fn_part_writer_options o;
        fn_block *block = small_part(&ctx, fs, &o, &file);
        FILE *out = fopen(argv[1], "wb");
        if (out) {
            (void)fwrite(file.data, 1, file.size, out);
            (void)fclose(out);
        }
        fn_buf_release(&file);
        fn_block_drop(block);
    }
    fn_pool_free(pool);
    fn_fs_memory_free(fs);
    fn_arena_free(ctx.arena);
    fn_part_cache_clear();
    CHECK(atomic_load(&memory.used) == 0);
    printf("%d failures\n", failures);
    return failures != 0;
}
