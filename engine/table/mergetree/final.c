/* final.c - FINAL as a mask: for modes that choose among rows, which rows of each part are hidden by the others.
 *
 * Masks belong to a part list and are computed once for it. Only granules whose key range meets another part's need their rows
 * looked at (and those of parts that may hold equal keys themselves, or rows that hide themselves: is_deleted, sign -1); the sparse
 * index tells which. The keys of those granules are merged, each group of equal keys goes through mt_choose, what is not kept gets
 * a bit. An ordinary scan then shows the rest, with pruning and late reading as ever.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"
#include <stdlib.h>

/* ---- which granules have to be looked at ---- */

typedef struct interval { /* the keys of one granule: index rows [row, row + 1] of a part */
    const fn_block *index;
    uint32_t part, row;
} interval;

typedef struct sweep {
    uint32_t key_count;
} sweep;

static int compare_index(uint32_t key_count, const fn_block *a, uint32_t row_a, const fn_block *b, uint32_t row_b)
{
    for (uint32_t k = 0; k < key_count; k++) {
        const int order = fn_column_compare(a->columns[k], row_a, b->columns[k], row_b, true);
        if (order) return order;
    }
    return 0;
}

static int compare_starts(const void *a, const void *b, void *self)
{
    const interval *x = a, *y = b;
    const sweep *s = self;
    const int order = compare_index(s->key_count, x->index, x->row, y->index, y->row);
    if (order) return order;
    return x->part != y->part ? (x->part < y->part ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

/* Marks granules that meet one of another part. Sorted by first key: looking back, the farthest end of any other part is enough;
 * looking forward, the next interval of another part. */
static void mark_overlaps(const sweep *s, const interval *all, uint32_t count, uint8_t **wanted)
{
    int far = -1, second = -1; /* intervals with the farthest ends, of two different parts */
    for (uint32_t i = 0; i < count; i++) {
        const int other = far >= 0 && all[far].part != all[i].part ? far : second;
        if (other >= 0 && compare_index(s->key_count, all[other].index, all[other].row + 1, all[i].index, all[i].row) >= 0) wanted[all[i].part][all[i].row] = 1;
        if (far < 0 || compare_index(s->key_count, all[i].index, all[i].row + 1, all[far].index, all[far].row + 1) >= 0) {
            if (far >= 0 && all[far].part != all[i].part) second = far;
            far = (int)i;
        } else if (all[far].part != all[i].part &&
                   (second < 0 || compare_index(s->key_count, all[i].index, all[i].row + 1, all[second].index, all[second].row + 1) >= 0)) {
            second = (int)i;
        }
    }
    int next = -1, next_other = -1; /* the nearest later interval, and the nearest of another part than that */
    for (uint32_t i = count; i-- > 0;) {
        const int other = next >= 0 && all[next].part != all[i].part ? next : next_other;
        if (other >= 0 && compare_index(s->key_count, all[other].index, all[other].row, all[i].index, all[i].row + 1) <= 0) wanted[all[i].part][all[i].row] = 1;
        if (next < 0 || all[next].part != all[i].part) next_other = next;
        next = (int)i;
    }
}

/* Granules that may hold rows which hide themselves: is_deleted = 1, sign = -1. */
static fn_status mark_own(fn_ctx *ctx, const mt_shape *shape, const mt_reader *r, uint8_t *wanted)
{
    const mt_definition *d = shape->definition;
    const int column = d->mode == MT_REPLACING ? d->is_deleted_column : d->mode == MT_COLLAPSING ? d->sign_column : -1;
    const fn_part_zones *z = NULL;
    if (column < 0) return FN_OK;
    const int place = r->places[column];
    const uint32_t granules = fn_part_granules(r->data);
    if (place >= 0) FN_TRY(fn_part_zones_of(ctx, r->data, (uint32_t)place, &z));
    for (uint32_t g = 0; g < granules; g++) {
        const bool known = z && z->has_range && z->valid && z->valid[g];
        if (!known || (d->mode == MT_REPLACING ? fn_column_u64_at(z->max, g) != 0 : fn_column_i64_at(z->min, g) != 1)) wanted[g] = 1;
    }
    return FN_OK;
}

typedef struct finder {
    const mt_shape *shape;
    mt_part *const *parts; /* one group of parts that are merged with each other */
    uint32_t count;
    mt_reader *readers;
    uint8_t **wanted;
} finder;

static fn_status find_granules(fn_ctx *ctx, finder *f)
{
    uint32_t total = 0, n = 0;
    sweep s = {f->shape->key_count};
    f->readers = FN_NEW_ARRAY(ctx, mt_reader, f->count);
    f->wanted = FN_NEW_ARRAY(ctx, uint8_t *, f->count);
    if (!f->readers || !f->wanted) return ctx->error.code;
    for (uint32_t i = 0; i < f->count; i++) {
        FN_TRY(mt_reader_init(ctx, f->shape, f->parts[i], &f->readers[i]));
        const uint32_t granules = fn_part_granules(f->readers[i].data);
        const fn_block *index = fn_part_index(f->readers[i].data);
        f->wanted[i] = FN_NEW_ARRAY(ctx, uint8_t, FN_MAX(granules, 1));
        FN_TRY_PTR(ctx, f->wanted[i]);
        if (f->parts[i]->row.level == 0 && !f->parts[i]->collapsed) memset(f->wanted[i], 1, granules);
        FN_TRY(mark_own(ctx, f->shape, &f->readers[i], f->wanted[i]));
        s.key_count = index ? FN_MIN(s.key_count, index->count) : 0;
        total += granules;
    }
    if (s.key_count == 0) {
        for (uint32_t i = 0; i < f->count && f->count > 1; i++) memset(f->wanted[i], 1, fn_part_granules(f->readers[i].data));
        return FN_OK;
    }
    if (f->count < 2) return FN_OK;
    interval *all = FN_NEW_ARRAY(ctx, interval, FN_MAX(total, 1));
    FN_TRY_PTR(ctx, all);
    for (uint32_t i = 0; i < f->count; i++)
        for (uint32_t g = 0; g < fn_part_granules(f->readers[i].data); g++) all[n++] = (interval){fn_part_index(f->readers[i].data), i, g};
    qsort_r(all, n, sizeof *all, compare_starts, &s);
    mark_overlaps(&s, all, n, f->wanted);
    return FN_OK;
}

/* ---- hiding rows ---- */

typedef struct masker {
    const mt_shape *shape;
    mt_masks *masks;
    const mt_list *list;
    const uint32_t *list_index; /* per part of the group */
} masker;

static fn_status hide(fn_ctx *ctx, masker *m, uint32_t part, uint64_t row)
{
    const uint32_t at = m->list_index[part];
    const uint64_t rows = m->list->parts[at]->row.rows;
    if (!m->masks->hidden[at]) {
        m->masks->hidden[at] = fn_alloc_zero(ctx, ((size_t)rows / 64 + 1) * sizeof(uint64_t));
        m->masks->hidden_count[at] = fn_alloc_zero(ctx, ((size_t)rows / FN_GRANULE_ROWS + 1) * sizeof(uint32_t));
        if (!m->masks->hidden[at] || !m->masks->hidden_count[at]) return ctx->error.code;
    }
    m->masks->hidden[at][row / 64] |= (uint64_t)1 << (row % 64);
    m->masks->hidden_count[at][row / FN_GRANULE_ROWS]++;
    m->masks->visible--;
    return FN_OK;
}

static fn_status hide_batch(fn_ctx *ctx, masker *m, const mt_batch *b, const int *places)
{
    const mt_choice choice = {m->shape, places[0] < 0 ? NULL : b->block->columns[places[0]], places[1] < 0 ? NULL : b->block->columns[places[1]],
                              places[2] < 0 ? NULL : b->block->columns[places[2]], true};
    const uint32_t rows = b->block->rows;
    uint8_t *keep = fn_alloc(ctx, (size_t)rows + 1);
    FN_TRY_PTR(ctx, keep);
    mt_key key = b->key;
    key.count = FN_MIN(key.count, m->shape->group_count);
    fn_status status = FN_OK;
    for (uint32_t from = 0, to; from < rows; from = to) {
        for (to = from + 1; to < rows && mt_key_compare(&key, from, &key, to) == 0;) to++;
        mt_choose(&choice, from, to, keep);
    }
    for (uint32_t i = 0; i < rows && status == FN_OK; i++)
        if (!keep[i]) status = hide(ctx, m, (uint32_t)(b->origins[i] >> 40), b->origins[i] & (((uint64_t)1 << 40) - 1));
    fn_free(keep);
    return status;
}

/* Version, is_deleted and sign as columns of the merge; places[] -1 where the mode has none. */
static uint32_t choice_columns(const mt_definition *d, uint32_t *columns, int *places)
{
    const int all[3] = {d->version_column, d->mode == MT_REPLACING ? d->is_deleted_column : -1, d->mode == MT_REPLACING ? -1 : d->sign_column};
    uint32_t n = 0;
    for (int i = 0; i < 3; i++) {
        places[i] = all[i] < 0 ? -1 : (int)n;
        if (all[i] >= 0) columns[n++] = (uint32_t)all[i];
    }
    return n;
}

static fn_status merge_group(fn_ctx *ctx, masker *m, const finder *f)
{
    uint32_t columns[3];
    int places[3];
    const mt_merge_options options = {.shape = m->shape, .parts = f->parts, .part_count = f->count, .columns = columns,
                                      .column_count = choice_columns(m->shape->definition, columns, places), .whole_groups = true, .origins = true,
                                      .granules = (const uint8_t *const *)f->wanted};
    mt_merge *merge;
    FN_TRY(mt_merge_open(ctx, &options, &merge));
    fn_status status = FN_OK;
    for (bool more = true; more && status == FN_OK;) {
        mt_batch b;
        status = mt_merge_next(ctx, merge, &b);
        more = status == FN_OK && b.block;
        if (more) status = hide_batch(ctx, m, &b, places);
        mt_batch_release(&b);
        if (status == FN_OK) status = fn_ctx_check(ctx);
    }
    mt_merge_close(merge);
    return status;
}

static int compare_age(const void *a, const void *b, void *list)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    const mt_part *const *parts = (const mt_part *const *)((const mt_list *)list)->parts;
    if (parts[x]->row.min_block != parts[y]->row.min_block) return parts[x]->row.min_block < parts[y]->row.min_block ? -1 : 1;
    return (x > y) - (x < y);
}

/* Parts [from, to) of the list, oldest first. */
static fn_status mask_group(fn_ctx *ctx, const mt_shape *shape, mt_list *list, uint32_t from, uint32_t to, mt_masks *masks)
{
    const uint32_t count = to - from;
    uint32_t *order = FN_NEW_ARRAY(ctx, uint32_t, count);
    mt_part **parts = FN_NEW_ARRAY(ctx, mt_part *, count);
    if (!order || !parts) return ctx->error.code;
    for (uint32_t i = 0; i < count; i++) order[i] = from + i;
    qsort_r(order, count, sizeof *order, compare_age, list);
    for (uint32_t i = 0; i < count; i++) parts[i] = list->parts[order[i]];
    finder f = {.shape = shape, .parts = parts, .count = count};
    masker m = {shape, masks, list, order};
    FN_TRY(find_granules(ctx, &f));
    return merge_group(ctx, &m, &f);
}

static fn_status compute(fn_ctx *ctx, const mt_shape *shape, mt_list *list, bool apart, mt_masks **out)
{
    mt_masks *m = fn_alloc_zero(ctx, sizeof *m + list->count * (sizeof *m->hidden + sizeof *m->hidden_count));
    FN_TRY_PTR(ctx, m);
    m->count = list->count;
    m->visible = list->rows;
    m->hidden = (uint64_t **)(m + 1);
    m->hidden_count = (uint32_t **)(m->hidden + list->count);
    fn_status status = FN_OK;
    for (uint32_t from = 0, to; from < list->count && status == FN_OK; from = to) {
        for (to = from + 1; to < list->count && !(apart && !fn_str_eq(list->parts[from]->row.partition_id, list->parts[to]->row.partition_id));) to++;
        status = mask_group(ctx, shape, list, from, to, m);
    }
    if (status == FN_OK) *out = m;
    else mt_masks_free(m);
    return status;
}

void mt_masks_free(mt_masks *m)
{
    for (uint32_t i = 0; m && i < m->count; i++) {
        fn_free(m->hidden[i]);
        fn_free(m->hidden_count[i]);
    }
    fn_free(m);
}

fn_status mt_final_masks(fn_ctx *ctx, const mt_shape *shape, mt_list *list, bool apart, const mt_masks **out)
{
    *out = atomic_load_explicit(&list->masks[apart], memory_order_acquire);
    if (*out) return FN_OK;
    fn_arena *const query = ctx->arena, *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    ctx->arena = arena;
    fn_status status = FN_OK;
    pthread_mutex_lock(&list->mask_lock);
    mt_masks *made = atomic_load(&list->masks[apart]);
    if (!made) {
        status = compute(ctx, shape, list, apart, &made);
        if (status == FN_OK) atomic_store_explicit(&list->masks[apart], made, memory_order_release);
    }
    pthread_mutex_unlock(&list->mask_lock);
    ctx->arena = query;
    fn_arena_free(arena);
    *out = made;
    return status;
}

typedef struct key_check {
    const mt_shape *shape;
    bool inside;
} key_check;

static fn_status visit_key(void *self, fn_ctx *ctx, expr *e)
{
    key_check *k = self;
    (void)ctx;
    if (e->kind != EXPR_COLUMN) return FN_OK;
    bool found = false;
    for (uint32_t i = 0; i < k->shape->group_count && !found; i++) found = k->shape->sort_columns[i] == (int)e->column;
    k->inside = k->inside && found;
    return FN_OK;
}

bool mt_partitions_apart(const mt_shape *shape)
{
    const mt_definition *d = shape->definition;
    fn_ctx ctx = {0};
    key_check k = {shape, true};
    for (uint32_t i = 0; i < d->partition_count && k.inside; i++) {
        if (expr_walk(&ctx, d->partition_key[i], visit_key, &k) != FN_OK) return false;
    }
    return k.inside;
}
