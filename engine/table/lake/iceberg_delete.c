/* iceberg_delete.c - see iceberg_delete.h. SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/iceberg_delete.h"
#include "table/lake/file_table.h"
#include <firn/avro.h>
#include <firn/parquet.h>
#include <pthread.h>
#include <stdlib.h>

enum { FILE_PATH_ID = 2147483546, POS_ID = 2147483545, AVRO_MAX = 1 << 30 }; /* reserved field ids of position delete files */

typedef struct path_entry {
    fn_str path;
    uint64_t *rows;
    size_t count, capacity;
} path_entry;

struct lake_positions {
    path_entry *entries;
    size_t count, capacity;
    uint32_t *slots; /* entry + 1, 0 = free; twice as many as entries at least */
    size_t slot_count;
};

typedef struct loaded {
    const fn_iceberg_file *file;
    lake_positions *positions;
    lake_keys *keys;
    struct loaded *next;
} loaded;

struct lake_deletes {
    fn_arena *arena;
    fn_iceberg_files *files;
    const fn_iceberg_table *lake;
    pthread_mutex_t mutex;
    loaded *all;
};

/* ---- reading a delete file whole ---- */
typedef fn_status each_block(void *self, fn_ctx *ctx, const fn_block *block);

static fn_status read_groups(fn_ctx *ctx, const fn_parquet *p, const fn_parquet_want *wants, uint32_t count, each_block *each, void *self)
{
    fn_parquet_reader *reader;
    FN_TRY(fn_parquet_reader_open(ctx, p, wants, count, &reader));
    fn_status status = FN_OK;
    for (uint32_t g = 0; g < fn_parquet_group_count(p) && status == FN_OK; g++) {
        status = fn_parquet_reader_begin(ctx, reader, g, NULL, 0);
        for (fn_block *block = NULL; status == FN_OK;) {
            status = fn_parquet_reader_next(ctx, reader, FN_BLOCK_ROWS_MAX, &block);
            if (status != FN_OK || !block) break;
            status = each(self, ctx, block);
            fn_block_drop(block);
        }
    }
    fn_parquet_reader_close(reader);
    return status;
}

/* ---- position deletes ---- */
static fn_status grow_slots(fn_ctx *ctx, lake_deletes *d, lake_positions *p)
{
    const size_t count = fn_next_pow2(4 * (p->count + 8));
    uint32_t *slots = fn_arena_alloc_zero(ctx, d->arena, count * sizeof *slots);
    FN_TRY_PTR(ctx, slots);
    for (size_t i = 0; i < p->count; i++) {
        size_t at = fn_hash_bytes(p->entries[i].path.data, p->entries[i].path.size, 0) & (count - 1);
        while (slots[at]) at = (at + 1) & (count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    p->slots = slots;
    p->slot_count = count;
    return FN_OK;
}

static path_entry *find_entry(const lake_positions *p, fn_str path, size_t *at)
{
    *at = fn_hash_bytes(path.data, path.size, 0) & (p->slot_count - 1);
    for (; p->slots[*at]; *at = (*at + 1) & (p->slot_count - 1)) {
        path_entry *e = &p->entries[p->slots[*at] - 1];
        if (fn_str_eq(e->path, path)) return e;
    }
    return NULL;
}

/* The array in d->arena, twice as large when full. */
static fn_status grow_array(fn_ctx *ctx, lake_deletes *d, void *array_pointer, size_t count, size_t *capacity, size_t size)
{
    void **array = array_pointer;
    if (count < *capacity) return FN_OK;
    const size_t more = *capacity ? 2 * *capacity : 64;
    void *grown = fn_arena_alloc(ctx, d->arena, more * size);
    FN_TRY_PTR(ctx, grown);
    if (count) memcpy(grown, *array, count * size);
    *array = grown;
    *capacity = more;
    return FN_OK;
}

static fn_status entry_of(fn_ctx *ctx, lake_deletes *d, lake_positions *p, fn_str path, path_entry **out)
{
    size_t at;
    *out = find_entry(p, path, &at);
    if (*out) return FN_OK;
    FN_TRY(grow_array(ctx, d, &p->entries, p->count, &p->capacity, sizeof *p->entries));
    path_entry *e = &p->entries[p->count];
    *e = (path_entry){0};
    FN_TRY(fn_arena_str(ctx, d->arena, path, &e->path));
    p->slots[at] = (uint32_t)++p->count;
    if (2 * p->count > p->slot_count) FN_TRY(grow_slots(ctx, d, p));
    *out = e;
    return FN_OK;
}

typedef struct loading {
    lake_deletes *deletes;
    lake_positions *positions;
} loading;

static fn_status add_positions(void *self, fn_ctx *ctx, const fn_block *block)
{
    const loading *l = self;
    path_entry *e = NULL;
    for (uint32_t i = 0; i < block->rows; i++) {
        if (fn_column_is_null(block->columns[0], i) || fn_column_is_null(block->columns[1], i)) continue;
        const fn_str path = fn_column_str_at(block->columns[0], i);
        const int64_t row = fn_column_i64_at(block->columns[1], i);
        if (!e || !fn_str_eq(e->path, path)) FN_TRY(entry_of(ctx, l->deletes, l->positions, path, &e));
        if (row < 0) return fn_fail(ctx, FN_INCORRECT_DATA, "A position delete has the negative position %lld", (long long)row);
        FN_TRY(grow_array(ctx, l->deletes, &e->rows, e->count, &e->capacity, sizeof *e->rows));
        e->rows[e->count++] = (uint64_t)row;
    }
    return FN_OK;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void lake_rows_sort(uint64_t *rows, size_t count)
{
    if (count) qsort(rows, count, sizeof *rows, by_number);
}

/* Sorted by the specification, but not every writer keeps to it. */
static void sort_positions(const lake_positions *p)
{
    for (size_t i = 0; i < p->count; i++) lake_rows_sort(p->entries[i].rows, p->entries[i].count);
}

static fn_status load_positions(fn_ctx *ctx, lake_deletes *d, const fn_parquet *p, loaded *l)
{
    const bool ids = fn_parquet_has_field_ids(p);
    const fn_parquet_want wants[2] = {
        {.field_id = ids ? FILE_PATH_ID : -1, .name = FN_STR("file_path"), .type = fn_type_simple(FN_T_STRING)},
        {.field_id = ids ? POS_ID : -1, .name = FN_STR("pos"), .type = fn_type_simple(FN_T_INT64)},
    };
    for (size_t i = 0; i < FN_COUNT(wants); i++) {
        if ((ids ? fn_parquet_column_by_id(p, wants[i].field_id) : fn_schema_find(fn_parquet_schema(p), wants[i].name)) < 0)
            return fn_fail(ctx, FN_INCORRECT_DATA, "The position delete file " FN_STR_FMT " has no column " FN_STR_FMT, FN_STR_ARG(l->file->path), FN_STR_ARG(wants[i].name));
    }
    l->positions = fn_arena_alloc_zero(ctx, d->arena, sizeof *l->positions);
    FN_TRY_PTR(ctx, l->positions);
    FN_TRY(grow_slots(ctx, d, l->positions));
    loading state = {.deletes = d, .positions = l->positions};
    FN_TRY(read_groups(ctx, p, wants, 2, add_positions, &state));
    sort_positions(l->positions);
    return FN_OK;
}

const uint64_t *lake_positions_of(const lake_positions *p, fn_str path, size_t *count)
{
    size_t at;
    const path_entry *e = find_entry(p, path, &at);
    *count = e ? e->count : 0;
    return e ? e->rows : NULL;
}

/* ---- equality deletes ---- */
typedef struct blocks {
    fn_block **items;
    size_t count, capacity;
    lake_deletes *deletes;
} blocks;

static fn_status keep_block(void *self, fn_ctx *ctx, const fn_block *block)
{
    blocks *b = self;
    FN_TRY(grow_array(ctx, b->deletes, &b->items, b->count, &b->capacity, sizeof *b->items));
    b->items[b->count++] = fn_block_ref(block);
    return FN_OK;
}

/* All blocks as one, each column FLAT. */
static fn_status concat(fn_ctx *ctx, const blocks *b, uint32_t columns, fn_block **out)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < b->count; i++) rows += b->items[i]->rows;
    if (rows >= UINT32_MAX / 2) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "An equality delete file with %llu rows is not supported", (unsigned long long)rows);
    fn_column **parts = FN_NEW_ARRAY(ctx, fn_column *, b->count + 1);
    FN_TRY_PTR(ctx, parts);
    fn_block *whole = fn_block_new(ctx, columns, (uint32_t)rows);
    FN_TRY_PTR(ctx, whole);
    for (uint32_t c = 0; c < columns && b->count && ctx->error.code == FN_OK; c++) {
        for (size_t i = 0; i < b->count; i++) parts[i] = b->items[i]->columns[c];
        fn_column *all = fn_column_concat(ctx, parts, b->count);
        if (all) whole->columns[c] = fn_column_flatten(ctx, all);
        fn_column_drop(all);
    }
    if (ctx->error.code == FN_OK) *out = whole;
    else fn_block_drop(whole);
    return ctx->error.code;
}

static fn_status hash_rows(fn_ctx *ctx, fn_column *const *columns, uint32_t count, uint64_t *hashes)
{
    for (uint32_t c = 0; c < count; c++) FN_TRY(fn_column_hash(ctx, columns[c], hashes, c == 0));
    return FN_OK;
}

static bool same_key(const lake_keys *k, uint32_t row, fn_column *const *columns, uint32_t other)
{
    for (uint32_t c = 0; c < k->column_count; c++)
        if (!fn_column_equal_at(k->rows->columns[c], row, columns[c], other)) return false;
    return true;
}

static fn_status build_keys(fn_ctx *ctx, lake_deletes *d, lake_keys *k)
{
    const uint32_t rows = k->rows->rows;
    k->slot_mask = (uint32_t)fn_next_pow2(2 * (uint64_t)rows + 2) - 1;
    k->hashes = fn_arena_alloc(ctx, d->arena, ((size_t)rows + 1) * sizeof *k->hashes);
    k->slots = fn_arena_alloc_zero(ctx, d->arena, ((size_t)k->slot_mask + 1) * sizeof *k->slots);
    if (!k->hashes || !k->slots) return ctx->error.code;
    if (rows) FN_TRY(hash_rows(ctx, k->rows->columns, k->column_count, k->hashes));
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t at = (uint32_t)k->hashes[i] & k->slot_mask;
        while (k->slots[at]) at = (at + 1) & k->slot_mask;
        k->slots[at] = i + 1;
    }
    return FN_OK;
}

/* The type a key column is compared in: the table's, or the delete file's own when the column was dropped since. */
static fn_status key_type(fn_ctx *ctx, const lake_deletes *d, const fn_parquet *p, const fn_iceberg_file *file, int32_t id, const fn_type **out)
{
    const int column = fn_parquet_column_by_id(p, id);
    if (column < 0)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "The equality delete file " FN_STR_FMT " has no top-level column of field %d", FN_STR_ARG(file->path), id);
    const fn_iceberg_field *field = fn_iceberg_field_by_id(d->lake, id);
    *out = fn_type_nullable(field ? field->type : fn_parquet_schema(p)->fields[column].type);
    return FN_OK;
}

static fn_status load_keys(fn_ctx *ctx, lake_deletes *d, const fn_parquet *p, loaded *l)
{
    const uint32_t n = l->file->equality_count;
    lake_keys *k = fn_arena_alloc_zero(ctx, d->arena, sizeof *k);
    const fn_type **types = fn_arena_alloc_zero(ctx, d->arena, n * sizeof *types);
    fn_parquet_want *wants = FN_NEW_ARRAY(ctx, fn_parquet_want, n);
    if (!k || !types || !wants) return ctx->error.code;
    for (uint32_t i = 0; i < n; i++) {
        FN_TRY(key_type(ctx, d, p, l->file, l->file->equality_ids[i], &types[i]));
        wants[i] = (fn_parquet_want){.field_id = l->file->equality_ids[i], .type = types[i]};
    }
    *k = (lake_keys){.column_count = n, .field_ids = l->file->equality_ids, .types = types};
    blocks all = {.deletes = d};
    fn_status status = read_groups(ctx, p, wants, n, keep_block, &all);
    if (status == FN_OK) status = concat(ctx, &all, n, &k->rows);
    for (size_t i = 0; i < all.count; i++) fn_block_drop(all.items[i]);
    if (status == FN_OK) l->keys = k;
    return status == FN_OK ? build_keys(ctx, d, k) : status;
}

/* Rows of an Avro delete file appended to one builder per key column. */
static fn_status read_avro_keys(fn_ctx *ctx, const lake_deletes *d, fn_avro_file *avro, const lake_keys *k, fn_builder *builders)
{
    const fn_avro_value *record;
    for (;;) {
        FN_TRY(fn_avro_next(ctx, avro, &record));
        if (!record) return FN_OK;
        for (uint32_t i = 0; i < k->column_count; i++) {
            const fn_avro_value *v = fn_avro_field_by_id(record, k->field_ids[i]);
            fn_iceberg_field field = *fn_iceberg_field_by_id(d->lake, k->field_ids[i]);
            field.type = k->types[i];
            FN_TRY(v ? fn_iceberg_avro_value(ctx, &field, v, &builders[i]) : fn_builder_null(ctx, &builders[i]));
        }
    }
}

static fn_status collect_avro_keys(fn_ctx *ctx, lake_deletes *d, fn_avro_file *avro, lake_keys *k)
{
    fn_builder *builders = FN_NEW_ARRAY(ctx, fn_builder, k->column_count);
    FN_TRY_PTR(ctx, builders);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < k->column_count && status == FN_OK; i++) status = fn_builder_init(ctx, &builders[i], k->types[i]);
    if (status == FN_OK) status = read_avro_keys(ctx, d, avro, k, builders);
    if (status == FN_OK) k->rows = fn_block_new(ctx, k->column_count, builders[0].rows);
    for (uint32_t i = 0; i < k->column_count && k->rows && status == FN_OK; i++) status = fn_builder_finish(ctx, &builders[i], &k->rows->columns[i]);
    for (uint32_t i = 0; i < k->column_count; i++) fn_builder_release(&builders[i]);
    return status == FN_OK && !k->rows ? ctx->error.code : status;
}

static fn_status load_avro_keys(fn_ctx *ctx, lake_deletes *d, fn_avro_file *avro, loaded *l)
{
    const uint32_t n = l->file->equality_count;
    lake_keys *k = fn_arena_alloc_zero(ctx, d->arena, sizeof *k);
    const fn_type **types = fn_arena_alloc_zero(ctx, d->arena, n * sizeof *types);
    if (!k || !types) return ctx->error.code;
    for (uint32_t i = 0; i < n; i++) {
        const fn_iceberg_field *field = fn_iceberg_field_by_id(d->lake, l->file->equality_ids[i]);
        if (!field || field->kid_count)
            return fn_fail(ctx, FN_NOT_IMPLEMENTED, "The equality delete file " FN_STR_FMT " has a key of no plain column of the table", FN_STR_ARG(l->file->path));
        types[i] = fn_type_nullable(field->type);
    }
    *k = (lake_keys){.column_count = n, .field_ids = l->file->equality_ids, .types = types};
    l->keys = k;
    FN_TRY(collect_avro_keys(ctx, d, avro, k));
    return build_keys(ctx, d, k);
}

static fn_status load_avro_positions(fn_ctx *ctx, lake_deletes *d, fn_avro_file *avro, loaded *l)
{
    l->positions = fn_arena_alloc_zero(ctx, d->arena, sizeof *l->positions);
    FN_TRY_PTR(ctx, l->positions);
    FN_TRY(grow_slots(ctx, d, l->positions));
    for (;;) {
        const fn_avro_value *record;
        path_entry *e;
        FN_TRY(fn_avro_next(ctx, avro, &record));
        if (!record) break;
        const int64_t row = fn_avro_i64(fn_avro_field(record, "pos"), -1);
        if (row < 0) return fn_fail(ctx, FN_INCORRECT_DATA, "A position delete of " FN_STR_FMT " has no position", FN_STR_ARG(l->file->path));
        FN_TRY(entry_of(ctx, d, l->positions, fn_avro_str(fn_avro_field(record, "file_path")), &e));
        FN_TRY(grow_array(ctx, d, &e->rows, e->count, &e->capacity, sizeof *e->rows));
        e->rows[e->count++] = (uint64_t)row;
    }
    sort_positions(l->positions);
    return FN_OK;
}

static fn_status load_avro(fn_ctx *ctx, lake_deletes *d, loaded *l)
{
    fn_buf bytes = FN_BUF_INIT;
    fn_avro_file *avro;
    fn_status status = d->files->read(d->files, ctx, l->file->path, AVRO_MAX, &bytes);
    const char *name = fn_arena_copy(ctx, ctx->arena, l->file->path.data, l->file->path.size);
    if (status == FN_OK) status = name ? fn_avro_open(ctx, name, fn_buf_view(&bytes), &avro) : ctx->error.code;
    if (status == FN_OK)
        status = l->file->content == FN_ICEBERG_POSITION_DELETES ? load_avro_positions(ctx, d, avro, l) : load_avro_keys(ctx, d, avro, l);
    fn_buf_release(&bytes);
    return status;
}

fn_status lake_keys_drop(fn_ctx *ctx, const lake_keys *k, fn_column *const *columns, uint32_t rows, uint8_t *mask)
{
    if (!k->rows->rows) return FN_OK;
    uint64_t *hashes = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *hashes);
    FN_TRY_PTR(ctx, hashes);
    const fn_status status = hash_rows(ctx, columns, k->column_count, hashes);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        for (uint32_t at = (uint32_t)hashes[i] & k->slot_mask; k->slots[at]; at = (at + 1) & k->slot_mask) {
            const uint32_t row = k->slots[at] - 1;
            if (k->hashes[row] != hashes[i] || !same_key(k, row, columns, i)) continue;
            mask[i] = 0;
            break;
        }
    }
    fn_free(hashes);
    return status;
}

/* ---- the collection ---- */
fn_status lake_deletes_new(fn_ctx *ctx, fn_iceberg_files *files, const fn_iceberg_table *lake, lake_deletes **out)
{
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    *out = fn_arena_alloc_zero(ctx, arena, sizeof **out);
    if (!*out) {
        fn_arena_free(arena);
        return ctx->error.code;
    }
    **out = (lake_deletes){.arena = arena, .files = files, .lake = lake};
    pthread_mutex_init(&(*out)->mutex, NULL);
    return FN_OK;
}

void lake_deletes_free(lake_deletes *d)
{
    if (!d) return;
    for (loaded *l = d->all; l; l = l->next)
        if (l->keys) fn_block_drop(l->keys->rows);
    pthread_mutex_destroy(&d->mutex);
    fn_arena_free(d->arena);
}

static fn_status load(fn_ctx *ctx, lake_deletes *d, loaded *l)
{
    if (fn_str_eq_nocase(l->file->format, FN_STR("AVRO"))) return load_avro(ctx, d, l);
    if (!fn_str_eq_nocase(l->file->format, FN_STR("PARQUET")))
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Iceberg delete files of format " FN_STR_FMT " are not supported: " FN_STR_FMT, FN_STR_ARG(l->file->format), FN_STR_ARG(l->file->path));
    fn_blob *blob;
    fn_parquet *p = NULL;
    FN_TRY(d->files->open(d->files, ctx, l->file->path, &blob));
    fn_status status = file_open_parquet(ctx, blob, &p);
    if (status == FN_OK) status = l->file->content == FN_ICEBERG_POSITION_DELETES ? load_positions(ctx, d, p, l) : load_keys(ctx, d, p, l);
    fn_parquet_close(p);
    blob->close(blob);
    return status;
}

static fn_status find_or_load(fn_ctx *ctx, lake_deletes *d, const fn_iceberg_file *file, loaded **out)
{
    for (*out = d->all; *out; *out = (*out)->next)
        if ((*out)->file == file) return FN_OK;
    loaded *l = fn_arena_alloc_zero(ctx, d->arena, sizeof *l);
    FN_TRY_PTR(ctx, l);
    l->file = file;
    const fn_status status = load(ctx, d, l);
    if (status != FN_OK) {
        if (l->keys) fn_block_drop(l->keys->rows);
        return status;
    }
    l->next = d->all;
    d->all = *out = l;
    return FN_OK;
}

fn_status lake_deletes_get(fn_ctx *ctx, lake_deletes *d, const fn_iceberg_file *file, const lake_positions **positions, const lake_keys **keys)
{
    loaded *l = NULL;
    pthread_mutex_lock(&d->mutex);
    const fn_status status = find_or_load(ctx, d, file, &l);
    pthread_mutex_unlock(&d->mutex);
    if (status != FN_OK) return status;
    *positions = l->positions;
    *keys = l->keys;
    return FN_OK;
}
