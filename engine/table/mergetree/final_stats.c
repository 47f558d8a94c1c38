/* final_stats.c - minimum, maximum and sum of a column over the rows that FINAL shows, for aggregates of a whole table (rule_metadata.c).
 *
 * Granules without hidden rows are known from the part's zone maps. The others are read, once for a column and a mask: what is found
 * is kept with the part's mask, which the next part list shares as long as no row of that part is hidden or shown anew. Only when the
 * masks are there: the first FINAL over a list is a scan. Numbers up to 64 bits that cannot be NULL; NaN makes floats another matter.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kernel.h"
#include "table/mergetree/mt.h"

/* More than that is left to a scan, which is run by all workers and can be cancelled. */
enum { READ_ROWS_MAX = 32 << 20, RUN_GRANULES_MAX = FN_BLOCK_ROWS_MAX / FN_GRANULE_ROWS };

struct mt_visible {
    mt_visible *next;
    uint32_t column_id;
    const fn_type *type;
    uint64_t sum;         /* modulo 2^64 */
    bool has_sum;
    fn_column *min, *max; /* 1 row each; NULL: no row is visible */
};

static pthread_mutex_t visible_lock = PTHREAD_MUTEX_INITIALIZER; /* of the lists of all masks; never held while reading */

void mt_visible_free(mt_visible *v)
{
    while (v) {
        mt_visible *next = v->next;
        fn_column_drop(v->min);
        fn_column_drop(v->max);
        fn_free(v);
        v = next;
    }
}

static const mt_visible *find(const mt_part_mask *mask, const table_column *c)
{
    pthread_mutex_lock(&visible_lock);
    const mt_visible *v = mask->visible;
    while (v && (v->column_id != c->id || v->type != c->type)) v = v->next;
    pthread_mutex_unlock(&visible_lock);
    return v;
}

/* Another thread may have found the same: then there are two of them, and the first is seen. */
static void keep(mt_part_mask *mask, mt_visible *v_take)
{
    pthread_mutex_lock(&visible_lock);
    mt_visible **end = &mask->visible;
    while (*end) end = &(*end)->next;
    *end = v_take;
    pthread_mutex_unlock(&visible_lock);
}

static fn_status widen(fn_ctx *ctx, mt_visible *v, const fn_column *min, uint32_t min_row, const fn_column *max, uint32_t max_row)
{
    const struct {
        fn_column **best;
        const fn_column *from;
        uint32_t row;
        int better;
    } ends[] = {{&v->min, min, min_row, -1}, {&v->max, max, max_row, 1}};
    for (size_t i = 0; i < FN_COUNT(ends); i++) {
        if (*ends[i].best && fn_column_compare(ends[i].from, ends[i].row, *ends[i].best, 0, true) * ends[i].better <= 0) continue;
        fn_column *one = fn_column_take(ctx, ends[i].from, &ends[i].row, 1);
        FN_TRY_PTR(ctx, one);
        fn_column_drop(*ends[i].best);
        *ends[i].best = one;
    }
    return FN_OK;
}

/* The values of a column that has some. */
static fn_status add_values(fn_ctx *ctx, mt_visible *v, const fn_column *flat)
{
    const int t = kern_type(v->type->phys);
    fn_buffer *ends = fn_buffer_new(ctx, (size_t)2 * v->type->width);
    FN_TRY_PTR(ctx, ends);
    kern.min_max[t](flat->values, flat->rows, ends->data, ends->data + v->type->width);
    v->sum += (uint64_t)kern.sum_int[t](flat->values, flat->rows);
    fn_column *pair = fn_column_fixed(ctx, v->type, 2, ends, NULL);
    FN_TRY_PTR(ctx, pair);
    const fn_status status = widen(ctx, v, pair, 0, pair, 1);
    fn_column_drop(pair);
    return status;
}

static fn_status add_visible_of(fn_ctx *ctx, mt_visible *v, const fn_column *c, const uint64_t *hidden, uint64_t first_row, uint32_t kept)
{
    uint8_t *mask = fn_alloc(ctx, (size_t)c->rows + 64); /* kernels read in steps */
    FN_TRY_PTR(ctx, mask);
    for (uint32_t i = 0; i < c->rows; i++) {
        const uint64_t row = first_row + i;
        mask[i] = (hidden[row / 64] >> (row % 64) & 1) == 0;
    }
    fn_column *some = fn_column_filter(ctx, c, mask, kept), *flat = some ? fn_column_flatten(ctx, some) : NULL;
    const fn_status status = flat ? add_values(ctx, v, flat) : ctx->error.code;
    fn_column_drop(some);
    fn_column_drop(flat);
    fn_free(mask);
    return status;
}

/* Granules [from, to), each with hidden rows. */
static fn_status add_run(fn_ctx *ctx, mt_visible *v, const mt_reader *r, uint32_t column, const mt_part_mask *mask, uint32_t from, uint32_t to)
{
    fn_block *b = NULL;
    const uint64_t first = (uint64_t)from * FN_GRANULE_ROWS;
    uint32_t kept = (uint32_t)(FN_MIN((uint64_t)to * FN_GRANULE_ROWS, r->part->row.rows) - first);
    for (uint32_t g = from; g < to; g++) kept -= mask->counts[g];
    if (!kept) return FN_OK;
    FN_TRY(mt_read(ctx, r, &column, 1, from, to - from, &b));
    const fn_status status = add_visible_of(ctx, v, b->columns[0], mask->bits, first, kept);
    fn_block_drop(b);
    return status;
}

static fn_status add_granules(fn_ctx *ctx, mt_visible *v, const mt_reader *r, uint32_t column, const fn_part_zones *z, const mt_part_mask *mask)
{
    const uint32_t granules = fn_part_granules(r->data);
    for (uint32_t g = 0, to; g < granules; g = to) {
        to = g + 1;
        if (!mask || mask->counts[g] == 0) {
            v->has_sum = v->has_sum && z->has_sum && z->sums;
            if (v->has_sum) v->sum += (uint64_t)z->sums[g];
            if (z->valid[g]) FN_TRY(widen(ctx, v, z->min, g, z->max, g));
            continue;
        }
        while (to < granules && to - g < RUN_GRANULES_MAX && mask->counts[to]) to++;
        FN_TRY(add_run(ctx, v, r, column, mask, g, to));
    }
    return FN_OK;
}

/* Does the part hold the column as it is declared, with zone maps that say it all? */
static fn_status zones_of(fn_ctx *ctx, const mt_shape *shape, mt_part *part, uint32_t column, const fn_part_zones **out)
{
    const fn_part *data;
    const table_column *c = &shape->schema->columns[column];
    *out = NULL;
    FN_TRY(mt_file_open(ctx, part->file, &data));
    const int place = fn_part_find(data, c->id);
    if (place < 0 || fn_part_column_at(data, (uint32_t)place)->type != c->type) return FN_OK;
    FN_TRY(fn_part_zones_of(ctx, data, (uint32_t)place, out));
    if (!(*out)->has_range || !(*out)->exact || !(*out)->valid) *out = NULL;
    return FN_OK;
}

static fn_status add_part(fn_ctx *ctx, const mt_snapshot *s, uint32_t part, uint32_t column, mt_part_mask *mask, mt_visible *all)
{
    const table_column *c = &s->shape->schema->columns[column];
    const fn_part_zones *z;
    mt_reader r;
    mt_visible here = {.column_id = c->id, .type = c->type, .has_sum = true};
    const mt_visible *known = mask ? find(mask, c) : NULL;
    fn_status status = FN_OK;
    if (!known) {
        FN_TRY(zones_of(ctx, s->shape, s->list->parts[part], column, &z));
        FN_TRY(mt_reader_init(ctx, s->shape, s->list->parts[part], &r));
        status = add_granules(ctx, &here, &r, column, z, mask);
        known = &here;
    }
    if (status == FN_OK && known->min) status = widen(ctx, all, known->min, 0, known->max, 0);
    all->sum += known->sum;
    all->has_sum = all->has_sum && known->has_sum;
    if (known != &here) return status;
    mt_visible *kept = mask && status == FN_OK ? fn_alloc(ctx, sizeof *kept) : NULL;
    if (kept) {
        *kept = here;
        keep(mask, kept);
        return FN_OK;
    }
    fn_column_drop(here.min);
    fn_column_drop(here.max);
    return status;
}

/* Is everything known, or near enough at hand? */
static fn_status worth_it(fn_ctx *ctx, const mt_snapshot *s, const mt_masks *masks, uint32_t column, bool *out)
{
    const fn_part_zones *z;
    uint64_t to_read = 0;
    *out = true;
    for (uint32_t i = 0; i < s->list->count && *out; i++) {
        const mt_part_mask *mask = masks->parts[i];
        if (mask && find(mask, &s->shape->schema->columns[column])) continue;
        const uint32_t granules = (uint32_t)((s->list->parts[i]->row.rows + FN_GRANULE_ROWS - 1) / FN_GRANULE_ROWS);
        for (uint32_t g = 0; mask && g < granules; g++) to_read += mask->counts[g] ? FN_GRANULE_ROWS : 0;
        FN_TRY(zones_of(ctx, s->shape, s->list->parts[i], column, &z));
        *out = z && to_read <= READ_ROWS_MAX;
    }
    return FN_OK;
}

bool mt_final_stats(mt_snapshot *s, const mt_masks *masks, uint32_t column, table_column_stats *out)
{
    const table_column *c = &s->shape->schema->columns[column];
    fn_ctx ctx = {0};
    mt_visible all = {.column_id = c->id, .type = c->type, .has_sum = true};
    bool known = false;
    const int t = fn_type_is_nullable(c->type) || fn_type_base(c->type) != c->type ? -1 : kern_type(c->type->phys);
    if (t < 0 || !kern.sum_int[t] || s->shape->stored_at[column] < 0) return false;
    ctx.arena = fn_arena_new(&ctx);
    fn_status status = ctx.arena ? worth_it(&ctx, s, masks, column, &known) : ctx.error.code;
    for (uint32_t i = 0; i < s->list->count && status == FN_OK && known; i++) status = add_part(&ctx, s, i, column, masks->parts[i], &all);
    known = known && status == FN_OK; /* a part that cannot be read is reported by the scan */
    if (known) {
        known = mt_snapshot_keep(&ctx, s, all.min) == FN_OK && mt_snapshot_keep(&ctx, s, all.max) == FN_OK;
        *out = (table_column_stats){.has_range = all.min != NULL, .exact = true, .has_sum = all.has_sum, .sum = (fn_i128)all.sum, .min = all.min, .max = all.max};
    }
    fn_column_drop(all.min);
    fn_column_drop(all.max);
    fn_arena_free(ctx.arena);
    return known;
}
