/* writer.c - INSERT: rows are collected up to max_insert_block_size, cut by partition, sorted, collapsed and written as parts beside
 * the live ones; commit lists all of them in one catalog transaction. Where a sort is all that is to be done, the key columns alone are
 * put together for it, and the part's writer takes the other columns from the blocks one by one.
 *
 * Deduplication: every part gets the id of the block it was cut from (what the statement says its rows are known by, and the number
 * of the flush); the commit leaves out parts whose id is known for their partition.
 *
 * A part's name needs a block number, which is asked for at commit so that an aborted insert uses none up: parts wait with their
 * file written and get their row then.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/writer.h"

static void drop_blocks(mt_writer *w)
{
    for (uint32_t i = 0; i < w->block_count; i++) fn_block_drop(w->blocks[i]);
    w->block_count = 0;
    w->rows = w->bytes = 0;
}

/* A column that nobody else holds goes as soon as it was copied, so that a flush holds its rows once, and one column twice. */
static void give_back(fn_block *b, uint32_t column)
{
    if (atomic_load(&b->refs) != 1) return;
    fn_column_drop(b->columns[column]);
    b->columns[column] = NULL;
}

/* All waiting blocks as one; their own columns are gone. */
static fn_status join_blocks(fn_ctx *ctx, mt_writer *w, fn_block **out)
{
    if (w->block_count == 1) {
        *out = fn_block_ref(w->blocks[0]);
        return FN_OK;
    }
    fn_block *b = fn_block_new(ctx, w->shape->stored_count, (uint32_t)w->rows);
    fn_column **pieces = fn_alloc(ctx, sizeof(fn_column *) * (w->block_count + 1));
    fn_status status = b && pieces ? FN_OK : ctx->error.code;
    for (uint32_t c = 0; c < w->shape->stored_count && status == FN_OK; c++) {
        for (uint32_t i = 0; i < w->block_count; i++) pieces[i] = w->blocks[i]->columns[c];
        b->columns[c] = fn_column_concat(ctx, pieces, w->block_count);
        if (!b->columns[c]) status = ctx->error.code;
        for (uint32_t i = 0; i < w->block_count; i++) give_back(w->blocks[i], c);
    }
    fn_free(pieces);
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

/* The rows in another order; those of `in` are gone if nobody else holds it. */
static fn_status reorder(fn_ctx *ctx, fn_block *in, const uint32_t *order, fn_block **out)
{
    fn_block *b = fn_block_new(ctx, in->count, in->rows);
    FN_TRY_PTR(ctx, b);
    for (uint32_t c = 0; c < in->count; c++) {
        b->columns[c] = fn_column_take(ctx, in->columns[c], order, in->rows);
        if (!b->columns[c]) {
            fn_block_drop(b);
            return ctx->error.code;
        }
        give_back(in, c);
    }
    *out = b;
    return FN_OK;
}

/* The values a program gives for all waiting rows: made block by block, then joined. */
static fn_status run_over_blocks(fn_ctx *ctx, const mt_writer *w, const expr_program *program, uint32_t count, fn_column **out)
{
    const uint32_t blocks = w->block_count;
    fn_column **made = FN_NEW_ARRAY(ctx, fn_column *, (size_t)count * blocks + 1), **results = FN_NEW_ARRAY(ctx, fn_column *, count + 1u);
    if (!made || !results) return ctx->error.code;
    fn_status status = FN_OK;
    for (uint32_t b = 0; b < blocks && status == FN_OK; b++) {
        status = expr_run(ctx, program, w->blocks[b], results);
        for (uint32_t i = 0; i < count && status == FN_OK; i++) made[(size_t)i * blocks + b] = results[i];
    }
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        out[i] = fn_column_concat(ctx, made + (size_t)i * blocks, blocks);
        if (!out[i]) status = ctx->error.code;
    }
    for (size_t i = 0; i < (size_t)count * blocks; i++) fn_column_drop(made[i]);
    return status;
}

static fn_status sort_block(fn_ctx *ctx, const mt_shape *shape, fn_block *in, fn_block **out)
{
    mt_key key;
    bool sorted;
    FN_TRY(mt_key_of(ctx, shape, in, &key));
    uint32_t *order = fn_alloc(ctx, ((size_t)in->rows + 1) * sizeof *order);
    fn_status status = order ? mt_sort_rows(ctx, &key, in->rows, order, &sorted) : ctx->error.code;
    if (status == FN_OK && sorted) *out = fn_block_ref(in);
    if (status == FN_OK && !sorted) status = reorder(ctx, in, order, out);
    fn_free(order);
    mt_key_release(&key);
    return status;
}

static fn_status collapse_block(fn_ctx *ctx, const mt_shape *shape, bool collapses, const fn_block *sorted, fn_block **out)
{
    if (shape->definition->mode == MT_PLAIN || !collapses) {
        *out = fn_block_ref(sorted);
        return FN_OK;
    }
    mt_key key;
    FN_TRY(mt_key_of(ctx, shape, sorted, &key));
    const fn_status status = mt_collapse(ctx, shape, &key, sorted, false, out);
    mt_key_release(&key);
    return status;
}

fn_hash128 mt_writer_id(const mt_writer *w)
{
    const uint64_t words[] = {w->id.low, w->id.high, w->flushes};
    return fn_hash_bytes128(words, sizeof words);
}

fn_status mt_writer_add_id(fn_ctx *ctx, mt_writer *w, fn_hash128 id)
{
    if (w->id_count == w->id_capacity) {
        const uint32_t capacity = w->id_capacity ? 2 * w->id_capacity : 8;
        mt_insert_id *ids = fn_realloc(ctx, w->ids, capacity * sizeof *ids);
        FN_TRY_PTR(ctx, ids);
        w->ids = ids;
        w->id_capacity = capacity;
    }
    w->ids[w->id_count++] = (mt_insert_id){id, w->part_count};
    return FN_OK;
}

/* The ids of the part that is kept next: the writer's, or those of the statements with a row in it. */
static fn_status add_ids(fn_ctx *ctx, mt_writer *w, const uint32_t *order, uint32_t rows)
{
    if (w->identified) return mt_writer_add_id(ctx, w, mt_writer_id(w));
    for (uint32_t m = 0, at = 0; m < w->member_count; m++) { /* both ascend: rows of a group stand in the order of the block */
        const mt_writer_member *member = &w->members[m];
        while (order && at < rows && order[at] < member->first) at++;
        const bool present = order ? at < rows && order[at] < member->first + member->rows : true;
        if (present && member->identified) FN_TRY(mt_writer_add_id(ctx, w, member->id));
    }
    return FN_OK;
}

fn_status mt_writer_keep_part(fn_ctx *ctx, mt_writer *w, mt_part *part_take)
{
    if (w->part_count == w->part_capacity) {
        const uint32_t capacity = w->part_capacity ? 2 * w->part_capacity : 8;
        mt_part **more = fn_realloc(ctx, w->parts, capacity * sizeof *more);
        if (!more) {
            mt_part_drop(part_take);
            return ctx->error.code;
        }
        w->parts = more;
        w->part_capacity = capacity;
    }
    w->parts[w->part_count++] = part_take;
    return FN_OK;
}

static fn_status write_part(fn_ctx *ctx, mt_writer *w, const fn_block *rows, const mt_part_spec *spec)
{
    if (rows->rows == 0) return FN_OK; /* everything collapsed */
    mt_part_out out;
    mt_part *part = NULL;
    fn_status status = mt_part_out_open(ctx, w->table->store, w->shape, NULL, 0, &out);
    if (status == FN_OK) status = mt_part_out_write(ctx, &out, rows);
    if (status == FN_OK) status = mt_part_out_finish(ctx, &out, spec, &part);
    mt_part_out_close(&out);
    return status == FN_OK ? mt_writer_keep_part(ctx, w, part) : status;
}

/* Rows of one partition: sort, collapse, write. order: which rows of the whole block they are; NULL: all. */
static fn_status write_partition(fn_ctx *ctx, mt_writer *w, fn_block *rows, fn_column *const *values, size_t row, const uint32_t *order)
{
    mt_part_spec spec = {.level = w->collapses && w->shape->definition->mode != MT_PLAIN};
    fn_block *sorted = NULL, *collapsed = NULL;
    FN_TRY(mt_partition_name(ctx, values, w->shape->definition->partition_count, row, &spec.partition_id, &spec.partition));
    fn_status status = sort_block(ctx, w->shape, rows, &sorted);
    if (status == FN_OK) status = collapse_block(ctx, w->shape, w->collapses, sorted, &collapsed);
    fn_block_drop(sorted);
    if (status == FN_OK && collapsed->rows) status = add_ids(ctx, w, order, rows->rows);
    if (status == FN_OK) status = write_part(ctx, w, collapsed, &spec);
    fn_block_drop(collapsed);
    return status;
}

/* ---- partitions of a block: rows grouped by the hash of the key, then by value ---- */

typedef struct partition_group {
    uint32_t first;    /* a row of it */
    uint32_t rows;
    uint32_t at;       /* where its rows begin in the order */
} partition_group;

typedef struct partition_split {
    partition_group *groups;
    uint32_t count, capacity;
    uint32_t *group_of, *order;
    bool limited; /* max_partitions_per_insert_block holds */
} partition_split;

static bool same_values(fn_column *const *values, uint32_t count, size_t a, size_t b)
{
    for (uint32_t i = 0; i < count; i++)
        if (!fn_column_equal_at(values[i], a, values[i], b)) return false;
    return true;
}

static fn_status add_group(fn_ctx *ctx, partition_split *s, uint32_t row)
{
    const uint64_t most = settings_of(ctx)->max_partitions_per_insert_block;
    if (s->limited && most && s->count >= most && settings_of(ctx)->throw_on_max_partitions_per_insert_block) {
        return fn_fail(ctx, FN_TOO_MANY_PARTS, "Too many partitions for single INSERT block (more than %llu). The limit is controlled by "
                       "'max_partitions_per_insert_block' setting. Large number of partitions is a common misconception. It will lead to severe "
                       "negative performance impact, including slow server startup, slow INSERT queries and slow SELECT queries. Recommended total "
                       "number of partitions for a table is under 1000..10000. Please note, that partitioning is not intended to speed up SELECT "
                       "queries (ORDER BY key is sufficient to make range queries fast). Partitions are intended for data manipulation (DROP "
                       "PARTITION, etc).", (unsigned long long)most);
    }
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 16;
        partition_group *more = fn_realloc(ctx, s->groups, s->capacity * sizeof *more);
        FN_TRY_PTR(ctx, more);
        s->groups = more;
    }
    s->groups[s->count++] = (partition_group){.first = row};
    return FN_OK;
}

/* The group of a row: the last row's, or a search through the table of hashes. slots: group + 1. */
static fn_status assign_groups(fn_ctx *ctx, partition_split *s, fn_column *const *values, uint32_t count, uint32_t rows, const uint64_t *hashes)
{
    uint32_t mask = 63;
    uint32_t *slots = fn_alloc_zero(ctx, (mask + 1) * sizeof *slots);
    FN_TRY_PTR(ctx, slots);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        if (i && hashes[i] == hashes[i - 1] && same_values(values, count, i, i - 1)) {
            s->group_of[i] = s->group_of[i - 1];
            continue;
        }
        uint32_t at = (uint32_t)hashes[i] & mask;
        while (slots[at] && !(hashes[s->groups[slots[at] - 1].first] == hashes[i] && same_values(values, count, s->groups[slots[at] - 1].first, i))) at = (at + 1) & mask;
        if (!slots[at]) {
            status = add_group(ctx, s, i);
            if (status != FN_OK) break;
            slots[at] = s->count;
        }
        s->group_of[i] = slots[at] - 1;
        if (2 * s->count > mask) { /* grow: put all groups in again */
            fn_free(slots);
            mask = 4 * mask + 3;
            slots = fn_alloc_zero(ctx, ((size_t)mask + 1) * sizeof *slots);
            if (!slots) return ctx->error.code;
            for (uint32_t g = 0; g < s->count; g++) {
                at = (uint32_t)hashes[s->groups[g].first] & mask;
                while (slots[at]) at = (at + 1) & mask;
                slots[at] = g + 1;
            }
        }
    }
    fn_free(slots);
    return status;
}

static void order_by_group(partition_split *s, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) s->groups[s->group_of[i]].rows++;
    for (uint32_t g = 1; g < s->count; g++) s->groups[g].at = s->groups[g - 1].at + s->groups[g - 1].rows;
    for (uint32_t i = 0; i < rows; i++) s->order[s->groups[s->group_of[i]].at++] = i;
    for (uint32_t g = 0; g < s->count; g++) s->groups[g].at -= s->groups[g].rows;
}

static fn_status split(fn_ctx *ctx, fn_column *const *values, uint32_t count, uint32_t rows, partition_split *s)
{
    uint64_t *hashes = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *hashes);
    s->group_of = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *s->group_of);
    s->order = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *s->order);
    fn_status status = hashes && s->group_of && s->order ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = fn_column_hash(ctx, values[i], hashes, i == 0);
    if (status == FN_OK) status = assign_groups(ctx, s, values, count, rows, hashes);
    if (status == FN_OK) order_by_group(s, rows);
    fn_free(hashes);
    return status;
}

static fn_status write_groups(fn_ctx *ctx, mt_writer *w, fn_block *b, fn_column *const *values, const partition_split *s)
{
    if (s->count == 1) return write_partition(ctx, w, b, values, 0, NULL);
    for (uint32_t g = 0; g < s->count; g++) {
        fn_block *rows = fn_block_take(ctx, b, s->order + s->groups[g].at, s->groups[g].rows);
        FN_TRY_PTR(ctx, rows);
        const fn_status status = write_partition(ctx, w, rows, values, s->groups[g].first, s->order + s->groups[g].at);
        fn_block_drop(rows);
        FN_TRY(status);
    }
    return FN_OK;
}

/* ---- all waiting rows as one part, without joining their blocks ---- */

/* Indexes, projections and collapsing want to see sorted blocks; very long strings may need shorter segments. */
static bool is_direct(const mt_writer *w)
{
    const mt_definition *d = w->shape->definition;
    return d->index_count == 0 && d->projection_count == 0 && (d->mode == MT_PLAIN || !w->collapses) && w->bytes <= 2 * (uint64_t)MT_LOT_BYTES;
}

/* *sorted: the rows are in order as they wait, `order` says nothing. */
static fn_status sort_waiting(fn_ctx *ctx, const mt_writer *w, uint32_t *order, bool *sorted)
{
    const mt_definition *d = w->shape->definition;
    mt_key key = {.count = d->sort_count, .descending = d->sort_descending, .columns = FN_NEW_ARRAY(ctx, fn_column *, FN_MAX(d->sort_count, 1u))};
    FN_TRY_PTR(ctx, key.columns);
    fn_status status = w->shape->sort_program ? run_over_blocks(ctx, w, w->shape->sort_program, key.count, key.columns) : FN_OK;
    if (status == FN_OK) status = mt_sort_rows(ctx, &key, (uint32_t)w->rows, order, sorted);
    mt_key_release(&key);
    return status;
}

static fn_status write_direct(fn_ctx *ctx, mt_writer *w, fn_column *const *values)
{
    mt_part_spec spec = {.level = 0};
    mt_part_out out;
    mt_part *part = NULL;
    bool sorted = true;
    FN_TRY(mt_partition_name(ctx, values, w->shape->definition->partition_count, 0, &spec.partition_id, &spec.partition));
    uint32_t *order = fn_alloc(ctx, (size_t)w->rows * sizeof *order);
    FN_TRY_PTR(ctx, order);
    fn_status status = sort_waiting(ctx, w, order, &sorted);
    if (status == FN_OK) status = add_ids(ctx, w, NULL, (uint32_t)w->rows);
    if (status == FN_OK) {
        const fn_part_pieces rows = {(const fn_block *const *)w->blocks, w->block_count, (uint32_t)w->rows, sorted ? NULL : order};
        status = mt_part_out_open(ctx, w->table->store, w->shape, NULL, 0, &out);
        if (status == FN_OK) status = mt_part_out_write_rows(ctx, &out, &rows);
        if (status == FN_OK) status = mt_part_out_finish(ctx, &out, &spec, &part);
        mt_part_out_close(&out);
    }
    fn_free(order);
    return status == FN_OK ? mt_writer_keep_part(ctx, w, part) : status;
}

static fn_status write_joined(fn_ctx *ctx, mt_writer *w, fn_column *const *values, const partition_split *s)
{
    fn_block *all;
    FN_TRY(join_blocks(ctx, w, &all));
    drop_blocks(w);
    const fn_status status = w->shape->definition->partition_count ? write_groups(ctx, w, all, values, s) : write_partition(ctx, w, all, NULL, 0, NULL);
    fn_block_drop(all);
    return status;
}

static fn_status write_waiting(fn_ctx *ctx, mt_writer *w)
{
    const uint32_t count = w->shape->definition->partition_count;
    partition_split s = {.limited = !w->unlimited};
    if (count == 0) return is_direct(w) ? write_direct(ctx, w, NULL) : write_joined(ctx, w, NULL, &s);
    fn_column **values = FN_NEW_ARRAY(ctx, fn_column *, count);
    FN_TRY_PTR(ctx, values);
    fn_status status = run_over_blocks(ctx, w, w->shape->partition_program, count, values);
    if (status == FN_OK) status = split(ctx, values, count, (uint32_t)w->rows, &s);
    if (status == FN_OK) status = s.count == 1 && is_direct(w) ? write_direct(ctx, w, values) : write_joined(ctx, w, values, &s);
    for (uint32_t i = 0; i < count; i++) fn_column_drop(values[i]);
    fn_free(s.groups);
    fn_free(s.group_of);
    fn_free(s.order);
    return status;
}

fn_status mt_writer_write_rows(fn_ctx *ctx, mt_writer *w)
{
    if (w->rows == 0) return FN_OK;
    fn_arena *const query = ctx->arena;
    ctx->arena = w->arena;
    const fn_status status = write_waiting(ctx, w);
    drop_blocks(w);
    w->flushes++;
    ctx->arena = query;
    fn_arena_reset(w->arena);
    return status;
}

fn_status mt_writer_keep(fn_ctx *ctx, mt_writer *w, const fn_block *block)
{
    if (w->block_count == w->block_capacity) {
        const uint32_t capacity = w->block_capacity ? 2 * w->block_capacity : 16;
        fn_block **more = fn_realloc(ctx, w->blocks, capacity * sizeof *more);
        FN_TRY_PTR(ctx, more);
        w->blocks = more;
        w->block_capacity = capacity;
    }
    w->blocks[w->block_count++] = fn_block_ref(block);
    w->rows += block->rows;
    w->bytes += fn_block_bytes(block);
    return FN_OK;
}

static fn_status write_locked(fn_ctx *ctx, mt_writer *w, const fn_block *block)
{
    if (!w->pressed) {
        w->pressed = true;
        FN_TRY(mt_merge_pressure(ctx, w->table));
    }
    FN_TRY(mt_writer_keep(ctx, w, block));
    return mt_lots_write(ctx, w);
}

static fn_status writer_write(table_writer *self, fn_ctx *ctx, const fn_block *block)
{
    mt_writer *w = (mt_writer *)self;
    FN_ASSERT(block->count == w->shape->stored_count);
    if (block->rows == 0) return FN_OK;
    FN_ASSERT(pthread_mutex_lock(&w->lock) == 0);
    const fn_status status = write_locked(ctx, w, block);
    FN_ASSERT(pthread_mutex_unlock(&w->lock) == 0);
    return status;
}

/* Block numbers and names for the written parts: the part objects are made anew with complete rows. */
fn_status mt_writer_number(fn_ctx *ctx, mt_writer *w)
{
    mt_store *store = w->table->store;
    uint64_t first;
    FN_TRY(store->options.catalog->block_numbers(store->options.catalog, ctx, w->table->base.uuid, w->part_count, &first));
    for (uint32_t i = 0; i < w->part_count; i++) {
        mt_part_row row = w->parts[i]->row;
        mt_part *named;
        row.min_block = row.max_block = first + i;
        FN_TRY(mt_part_name(ctx, row.partition_id, row.min_block, row.max_block, row.level, 0, &row.name));
        FN_TRY(mt_part_new(ctx, store, &row, &named));
        mt_part_drop(w->parts[i]); /* the file lives on in the new one */
        w->parts[i] = named;
    }
    return FN_OK;
}

static fn_status writer_commit(table_writer *self, fn_ctx *ctx)
{
    return mt_writers_commit(&self, 1, ctx);
}

static void writer_identify(table_writer *self, fn_hash128 id)
{
    mt_writer *w = (mt_writer *)self;
    w->identified = true;
    w->id = id;
}

void mt_writer_forget(mt_writer *w)
{
    mt_lots_drop(w);
    drop_blocks(w);
    for (uint32_t i = 0; i < w->part_count; i++) mt_part_drop(w->parts[i]);
    w->part_count = w->id_count = 0;
}

static void writer_close(table_writer *self)
{
    mt_writer *w = (mt_writer *)self;
    mt_writer_forget(w); /* what is not listed goes with its file */
    fn_free(w->parts);
    fn_free(w->ids);
    fn_free(w->blocks);
    fn_arena_free(w->arena);
    mt_shape_drop(w->shape);
    table_drop(&w->table->base);
    (void)pthread_cond_destroy(&w->flushed);
    (void)pthread_mutex_destroy(&w->lock);
    fn_free(w);
}

fn_status mt_writer_new(fn_ctx *ctx, mt_table *t, mt_shape *shape_take, bool collapses, mt_writer **out)
{
    mt_writer *w = fn_alloc_zero(ctx, sizeof *w);
    fn_arena *arena = w ? fn_arena_new(ctx) : NULL;
    if (!arena) {
        fn_free(w);
        mt_shape_drop(shape_take);
        return ctx->error.code;
    }
    w->arena = arena;
    FN_ASSERT(pthread_mutex_init(&w->lock, NULL) == 0 && pthread_cond_init(&w->flushed, NULL) == 0);
    w->table = (mt_table *)table_ref(&t->base);
    w->shape = shape_take;
    w->collapses = collapses;
    w->base = (table_writer){.schema = shape_take->schema, .write = writer_write, .commit = writer_commit, .close = writer_close, .commit_together = mt_writers_commit,
                             .identify = shape_take->definition->window ? writer_identify : NULL, .is_shared = true};
    *out = w;
    return FN_OK;
}

fn_status mt_writer_move(fn_ctx *ctx, table_writer *self, table *to)
{
    mt_writer *w = (mt_writer *)self;
    if (self->write != writer_write || !mt_has_parts(to)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Rows of storage %s cannot be moved", to->ops->engine);
    mt_table *t = (mt_table *)to;
    mt_shape *shape = mt_table_shape(t);
    fn_status status = mt_writer_flush(ctx, w);
    if (status == FN_OK) status = mt_parts_convert(ctx, w->table, w->shape, t, shape, w->parts, w->part_count);
    if (status != FN_OK) {
        mt_shape_drop(shape);
        return status;
    }
    mt_shape_drop(w->shape);
    table_drop(&w->table->base);
    w->shape = shape;
    w->base.schema = shape->schema;
    w->table = (mt_table *)table_ref(to);
    return FN_OK;
}

fn_status mt_writer_open(table *t, fn_ctx *ctx, table_writer **out)
{
    mt_table *m = (mt_table *)t;
    mt_writer *w;
    FN_TRY(mt_writer_new(ctx, m, mt_table_shape(m), settings_of(ctx)->optimize_on_insert, &w));
    *out = &w->base;
    return FN_OK;
}
