/* final.c - FINAL as a mask: for modes that choose among rows, which rows of each part are hidden by the others.
 *
 * Only granules whose keys another part may have need their rows looked at (and those of parts that may hold equal keys themselves,
 * or rows that hide themselves: is_deleted, sign -1); the sparse index tells which. The keys of those granules are merged, each group
 * of equal keys goes through mt_choose, what is not kept gets a bit. An ordinary scan then shows the rest, with pruning and late
 * reading as ever.
 *
 * Masks belong to a part list, but the next list begins with them: only groups that have a row in a part the base does not know are
 * decided again, so a small insert costs the granules its keys fall into. That holds while every key of a part that has gone
 * lives on in a merged one (mt_part.keeps_keys); otherwise all is computed anew.
 *
 * A query whose conditions on the key leave a few granules does not wait for all that: it gets masks of these granules alone, and
 * those of the list are made in the background, as they are after inserts and merges of a table that FINAL is asked of.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"
#include <stdlib.h>

enum { BY_KEY_ROWS = 65536 }; /* new parts up to this size say by their keys, larger ones by their granules' ranges, what they meet */

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
    const bool *is_new;    /* per part: the base does not know it */
    const mt_granules *within; /* per part: only these granules matter; NULL: all */
    uint32_t count, key_count;
    mt_reader *readers;
    uint8_t **wanted;
    mt_key keys;           /* of all new parts, when they are small: nothing else has to be looked at */
    uint32_t key_rows;
    bool *by_key;          /* per part: only rows with one of these keys matter */
} finder;

/* Marks the granules of part `other` that may hold one of the keys (they ascend). */
static void mark_keys(const finder *f, uint32_t other)
{
    const fn_block *index = fn_part_index(f->readers[other].data);
    const uint32_t granules = fn_part_granules(f->readers[other].data);
    const fn_block keys = {.columns = f->keys.columns, .count = f->keys.count, .rows = f->key_rows};
    uint32_t at = 0;
    for (uint32_t row = 0; row < f->key_rows && at < granules; row++) {
        while (at < granules && compare_index(f->key_count, index, at + 1, &keys, row) < 0) at++;
        for (uint32_t g = at; g < granules && compare_index(f->key_count, index, g, &keys, row) <= 0; g++) f->wanted[other][g] = 1;
    }
}

static fn_status add_keys(fn_ctx *ctx, finder *f, const mt_batch *b)
{
    for (uint32_t k = 0; k < f->keys.count; k++) {
        fn_column *pair[2] = {f->keys.columns[k], b->key.columns[k]};
        fn_column *joined = pair[0] ? fn_column_concat(ctx, pair, 2) : fn_column_flatten(ctx, pair[1]);
        FN_TRY_PTR(ctx, joined);
        fn_column_drop(pair[0]);
        f->keys.columns[k] = joined;
    }
    f->key_rows += b->block->rows;
    return FN_OK;
}

/* The keys of the new parts, in order. */
static fn_status read_keys(fn_ctx *ctx, finder *f, mt_part *const *parts, uint32_t count)
{
    const mt_merge_options options = {.shape = f->shape, .parts = parts, .part_count = count};
    const mt_definition *d = f->shape->definition;
    mt_merge *m;
    f->keys = (mt_key){.count = d->sort_count, .descending = d->sort_descending};
    f->keys.columns = FN_NEW_ARRAY(ctx, fn_column *, FN_MAX(d->sort_count, 1));
    FN_TRY_PTR(ctx, f->keys.columns);
    FN_TRY(mt_merge_open(ctx, &options, &m));
    fn_status status = FN_OK;
    for (bool more = true; more && status == FN_OK;) {
        mt_batch b;
        status = mt_merge_next(ctx, m, &b);
        more = status == FN_OK && b.block;
        if (more) status = add_keys(ctx, f, &b);
        mt_batch_release(&b);
    }
    mt_merge_close(m);
    f->keys.count = FN_MIN(f->keys.count, f->shape->group_count); /* rows of all versions are meant */
    return status;
}

/* All new parts are small: granules and rows with their keys, of every other part. */
static fn_status mark_by_keys(fn_ctx *ctx, finder *f)
{
    mt_part **fresh = FN_NEW_ARRAY(ctx, mt_part *, f->count);
    f->by_key = FN_NEW_ARRAY(ctx, bool, f->count);
    uint32_t n = 0;
    if (!fresh || !f->by_key) return ctx->error.code;
    for (uint32_t i = 0; i < f->count; i++) {
        f->by_key[i] = !f->is_new[i];
        if (!f->is_new[i]) continue;
        fresh[n++] = f->parts[i];
        memset(f->wanted[i], 1, fn_part_granules(f->readers[i].data));
    }
    FN_TRY(read_keys(ctx, f, fresh, n));
    f->key_count = FN_MIN(f->key_count, f->keys.count);
    for (uint32_t i = 0; i < f->count; i++)
        if (f->by_key[i]) mark_keys(f, i);
    return FN_OK;
}

static mt_granules granules_of(const finder *f, uint32_t part)
{
    return f->within ? f->within[part] : (mt_granules){0, fn_part_granules(f->readers[part].data)};
}

static fn_status mark_by_ranges(fn_ctx *ctx, const finder *f)
{
    uint32_t total = 0, n = 0;
    sweep s = {f->key_count};
    for (uint32_t i = 0; i < f->count; i++) total += granules_of(f, i).end - granules_of(f, i).first;
    interval *all = FN_NEW_ARRAY(ctx, interval, FN_MAX(total, 1));
    FN_TRY_PTR(ctx, all);
    for (uint32_t i = 0; i < f->count; i++)
        for (uint32_t g = granules_of(f, i).first; g < granules_of(f, i).end; g++) all[n++] = (interval){fn_part_index(f->readers[i].data), i, g};
    qsort_r(all, n, sizeof *all, compare_starts, &s);
    mark_overlaps(&s, all, n, f->wanted);
    return FN_OK;
}

static fn_status prepare(fn_ctx *ctx, finder *f)
{
    f->readers = FN_NEW_ARRAY(ctx, mt_reader, f->count);
    f->wanted = FN_NEW_ARRAY(ctx, uint8_t *, f->count);
    f->key_count = f->shape->key_count;
    if (!f->readers || !f->wanted) return ctx->error.code;
    for (uint32_t i = 0; i < f->count; i++) {
        FN_TRY(mt_reader_init(ctx, f->shape, f->parts[i], &f->readers[i]));
        const uint32_t granules = fn_part_granules(f->readers[i].data);
        const fn_block *index = fn_part_index(f->readers[i].data);
        f->key_count = index ? FN_MIN(f->key_count, index->count) : 0;
        f->wanted[i] = FN_NEW_ARRAY(ctx, uint8_t, FN_MAX(granules, 1));
        FN_TRY_PTR(ctx, f->wanted[i]);
        if (!f->is_new[i]) continue;
        if (f->parts[i]->row.level == 0) memset(f->wanted[i], 1, granules);
        FN_TRY(mark_own(ctx, f->shape, &f->readers[i], f->wanted[i]));
    }
    return FN_OK;
}

static void leave_within(const finder *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        const mt_granules inside = f->within[i];
        memset(f->wanted[i], 0, inside.first);
        memset(f->wanted[i] + inside.end, 0, fn_part_granules(f->readers[i].data) - inside.end);
    }
}

static fn_status find_granules(fn_ctx *ctx, finder *f)
{
    bool any_large = false;
    FN_TRY(prepare(ctx, f));
    if (f->within) leave_within(f);
    if (f->count < 2) return FN_OK;
    if (f->within && f->key_count) return mark_by_ranges(ctx, f);
    if (f->key_count == 0) {
        for (uint32_t i = 0; i < f->count; i++) memset(f->wanted[i], 1, fn_part_granules(f->readers[i].data));
        return FN_OK;
    }
    for (uint32_t i = 0; i < f->count; i++) any_large = any_large || (f->is_new[i] && f->parts[i]->row.rows > BY_KEY_ROWS);
    return any_large ? mark_by_ranges(ctx, f) : mark_by_keys(ctx, f);
}

/* ---- masks ---- */

static void part_mask_drop(mt_part_mask *m)
{
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
    mt_visible_free(m->visible);
    fn_free(m->bits);
    fn_free(m->counts);
    fn_free(m);
}

static fn_status part_mask_new(fn_ctx *ctx, uint64_t rows, const mt_part_mask *copy, mt_part_mask **out)
{
    const size_t words = (size_t)rows / 64 + 1, granules = (size_t)rows / FN_GRANULE_ROWS + 1;
    mt_part_mask *m = fn_alloc_zero(ctx, sizeof *m);
    if (m) m->bits = fn_alloc_zero(ctx, words * sizeof *m->bits);
    if (m) m->counts = fn_alloc_zero(ctx, granules * sizeof *m->counts);
    if (!m || !m->bits || !m->counts) {
        if (m) fn_free(m->bits);
        fn_free(m);
        return ctx->error.code;
    }
    atomic_store(&m->refs, 1);
    if (copy) {
        m->rows = copy->rows;
        memcpy(m->bits, copy->bits, words * sizeof *m->bits);
        memcpy(m->counts, copy->counts, granules * sizeof *m->counts);
    }
    *out = m;
    return FN_OK;
}

void mt_masks_drop(mt_masks *m)
{
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t i = 0; i < m->count; i++) part_mask_drop(m->parts[i]);
    fn_free(m);
}

static fn_status masks_new(fn_ctx *ctx, const mt_shape *shape, const mt_list *list, mt_masks **out)
{
    mt_masks *m = fn_alloc_zero(ctx, sizeof *m + list->count * (sizeof *m->parts + sizeof *m->sources));
    FN_TRY_PTR(ctx, m);
    m->count = list->count;
    m->shape = shape;
    m->sources = (mt_mask_source *)(m + 1);
    m->parts = (mt_part_mask **)(m->sources + list->count);
    atomic_store(&m->refs, 1);
    for (uint32_t i = 0; i < list->count; i++) {
        const mt_part_row *r = &list->parts[i]->row;
        m->sources[i] = (mt_mask_source){r->file, r->min_block, r->max_block, fn_hash_bytes(r->partition_id.data, r->partition_id.size, 0)};
    }
    *out = m;
    return FN_OK;
}

/* ---- hiding rows ---- */

typedef struct masker {
    const mt_shape *shape;
    mt_masks *masks;
    const mt_list *list;
    uint32_t first;             /* part of the list that is the group's first */
    const bool *is_new;         /* per part of the group */
    bool *own;                  /* per part of the list: its mask is not shared with the base any more */
} masker;

static fn_status set_hidden(fn_ctx *ctx, masker *m, uint32_t part, uint64_t row, bool hidden)
{
    const uint32_t at = m->first + part;
    mt_part_mask *mask = m->masks->parts[at];
    const uint64_t bit = (uint64_t)1 << (row % 64);
    if ((mask && (mask->bits[row / 64] & bit) != 0) == hidden) return FN_OK;
    if (!m->own[at]) {
        mt_part_mask *fresh = NULL;
        FN_TRY(part_mask_new(ctx, m->list->parts[at]->row.rows, mask, &fresh));
        part_mask_drop(mask);
        m->masks->parts[at] = mask = fresh;
        m->own[at] = true;
    }
    mask->bits[row / 64] ^= bit;
    if (hidden) {
        mask->rows++;
        mask->counts[row / FN_GRANULE_ROWS]++;
    } else {
        mask->rows--;
        mask->counts[row / FN_GRANULE_ROWS]--;
    }
    return FN_OK;
}

static uint32_t part_of(uint64_t origin)
{
    return (uint32_t)(origin >> 40);
}

static bool any_new(const masker *m, const uint64_t *origins, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        if (m->is_new[part_of(origins[i])]) return true;
    return false;
}

static fn_status hide_batch(fn_ctx *ctx, masker *m, const mt_batch *b, const int *places)
{
    const mt_choice choice = {m->shape, places[0] < 0 ? NULL : b->block->columns[places[0]], places[1] < 0 ? NULL : b->block->columns[places[1]],
                              places[2] < 0 ? NULL : b->block->columns[places[2]], true, b->origins, m->list->parts + m->first};
    const uint32_t rows = b->block->rows;
    uint8_t *keep = fn_alloc(ctx, (size_t)rows + 1);
    FN_TRY_PTR(ctx, keep);
    mt_key key = b->key;
    key.count = FN_MIN(key.count, m->shape->group_count);
    fn_status status = FN_OK;
    for (uint32_t from = 0, to; from < rows && status == FN_OK; from = to) {
        for (to = from + 1; to < rows && mt_key_compare(&key, from, &key, to) == 0;) to++;
        if (!any_new(m, b->origins, from, to)) continue; /* as the base has it; some of its rows may not even be here */
        mt_choose(&choice, from, to, keep);
        for (uint32_t i = from; i < to && status == FN_OK; i++)
            status = set_hidden(ctx, m, part_of(b->origins[i]), b->origins[i] & (((uint64_t)1 << 40) - 1), !keep[i]);
    }
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
                                      .granules = (const uint8_t *const *)f->wanted, .only = f->by_key ? &f->keys : NULL,
                                      .only_rows = f->key_rows, .only_for = f->by_key};
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

/* Parts [from, to) of the list: partition by partition, oldest first, as ClickHouse puts rows with equal keys. */
static fn_status mask_group(fn_ctx *ctx, const mt_shape *shape, mt_list *list, uint32_t from, uint32_t to, const bool *is_new, const mt_granules *within,
                            bool *own, mt_masks *masks)
{
    bool any = false;
    for (uint32_t i = from; i < to; i++) any = any || is_new[i];
    if (!any) return FN_OK;
    finder f = {.shape = shape, .parts = list->parts + from, .is_new = is_new + from, .count = to - from, .within = within ? within + from : NULL};
    masker m = {shape, masks, list, from, is_new + from, own};
    fn_status status = find_granules(ctx, &f);
    if (status == FN_OK) status = merge_group(ctx, &m, &f);
    if (f.keys.columns) f.keys.count = shape->definition->sort_count;
    mt_key_release(&f.keys);
    return status;
}

/* Is every key of this part, which the list does not have any more, in a merged part of the list? */
static bool lives_on(const mt_list *list, const mt_mask_source *gone)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const mt_part *p = list->parts[i];
        if (p->keeps_keys && p->row.min_block <= gone->min_block && p->row.max_block >= gone->max_block &&
            fn_hash_bytes(p->row.partition_id.data, p->row.partition_id.size, 0) == gone->partition)
            return true;
    }
    return false;
}

/* Takes over the base's masks for the parts it knows. False: the base is of no use. */
static bool begin_with(const mt_masks *base, const mt_shape *shape, const mt_list *list, bool *is_new, mt_masks *masks)
{
    if (!base || base->shape != shape) return false;
    for (uint32_t b = 0; b < base->count; b++) {
        uint32_t i = 0;
        while (i < list->count && !(list->parts[i]->row.file.high == base->sources[b].file.high && list->parts[i]->row.file.low == base->sources[b].file.low)) i++;
        if (i == list->count) {
            if (!lives_on(list, &base->sources[b])) return false;
            continue;
        }
        if (masks->parts[i] || base->sources[b].min_block != masks->sources[i].min_block) return false; /* a file listed twice */
        is_new[i] = false;
        masks->parts[i] = base->parts[b];
        if (base->parts[b]) atomic_fetch_add_explicit(&base->parts[b]->refs, 1, memory_order_relaxed);
    }
    return true;
}

static fn_status compute(fn_ctx *ctx, const mt_shape *shape, mt_list *list, const mt_masks *base, bool apart, const mt_granules *within, mt_masks **out)
{
    mt_masks *m = NULL;
    bool *is_new = FN_NEW_ARRAY(ctx, bool, list->count + 1), *own = FN_NEW_ARRAY(ctx, bool, list->count + 1);
    if (!is_new || !own) return ctx->error.code;
    for (uint32_t i = 0; i < list->count; i++) is_new[i] = true;
    FN_TRY(masks_new(ctx, shape, list, &m));
    if (!begin_with(base, shape, list, is_new, m)) {
        for (uint32_t i = 0; i < list->count; i++) {
            part_mask_drop(m->parts[i]);
            m->parts[i] = NULL;
            is_new[i] = true;
        }
    }
    fn_status status = FN_OK;
    for (uint32_t from = 0, to; from < list->count && status == FN_OK; from = to) {
        for (to = from + 1; to < list->count && !(apart && !fn_str_eq(list->parts[from]->row.partition_id, list->parts[to]->row.partition_id));) to++;
        status = mask_group(ctx, shape, list, from, to, is_new, within, own, m);
    }
    m->visible = list->rows;
    for (uint32_t i = 0; i < list->count; i++) m->visible -= m->parts[i] ? m->parts[i]->rows : 0;
    if (status == FN_OK) *out = m;
    else mt_masks_drop(m);
    return status;
}

static mt_masks *masks_ref(mt_masks *m)
{
    if (m) atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

/* Under list->mask_lock. */
static fn_status compute_for(fn_ctx *ctx, mt_table *t, const mt_shape *shape, mt_list *list, bool apart, mt_masks **out)
{
    pthread_mutex_lock(&t->lock);
    mt_masks *base = masks_ref(t->latest_masks[apart]);
    pthread_mutex_unlock(&t->lock);
    const fn_status status = compute(ctx, shape, list, base, apart, NULL, out);
    mt_masks_drop(base);
    if (status != FN_OK) return status;
    atomic_store_explicit(&list->masks[apart], *out, memory_order_release);
    pthread_mutex_lock(&t->lock);
    mt_masks *old = NULL;
    if (t->list == list) { /* an old reader's list is no base for the next one */
        old = t->latest_masks[apart];
        t->latest_masks[apart] = masks_ref(*out);
    }
    pthread_mutex_unlock(&t->lock);
    mt_masks_drop(old);
    return FN_OK;
}

const mt_masks *mt_final_known(const mt_list *list, bool apart)
{
    return atomic_load_explicit(&((mt_list *)(uintptr_t)list)->masks[apart], memory_order_acquire);
}

fn_status mt_final_masks(fn_ctx *ctx, mt_table *t, const mt_shape *shape, mt_list *list, bool apart, const mt_masks **out)
{
    *out = mt_final_known(list, apart);
    if (*out) return FN_OK;
    atomic_store(&t->masks_wanted[apart], true);
    fn_arena *const query = ctx->arena, *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    ctx->arena = arena;
    fn_status status = FN_OK;
    pthread_mutex_lock(&list->mask_lock);
    mt_masks *made = atomic_load(&list->masks[apart]);
    if (!made) status = compute_for(ctx, t, shape, list, apart, &made);
    pthread_mutex_unlock(&list->mask_lock);
    ctx->arena = query;
    fn_arena_free(arena);
    *out = made;
    return status;
}

/* Rows of parts that the base does not know: a small number is looked at as fast by whoever asks first. */
static bool has_much_new(const mt_masks *base, const mt_list *list)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const mt_part_row *r = &list->parts[i]->row;
        uint32_t b = 0;
        while (base && b < base->count && !(r->file.high == base->sources[b].file.high && r->file.low == base->sources[b].file.low)) b++;
        if (!base || b == base->count) rows += r->rows;
    }
    return rows > BY_KEY_ROWS;
}

bool mt_final_is_far(mt_table *t, const mt_list *list, bool apart)
{
    pthread_mutex_lock(&t->lock);
    mt_masks *base = masks_ref(t->latest_masks[apart]);
    pthread_mutex_unlock(&t->lock);
    const bool far = has_much_new(base, list);
    mt_masks_drop(base);
    return far;
}

fn_status mt_final_masks_within(fn_ctx *ctx, mt_table *t, const mt_shape *shape, mt_list *list, bool apart, const mt_granules *within, mt_masks **out)
{
    atomic_store(&t->masks_wanted[apart], true);
    mt_merge_schedule(t);
    return compute(ctx, shape, list, NULL, apart, within, out);
}

void mt_final_prepare(fn_ctx *ctx, mt_table *t)
{
    for (unsigned apart = 0; apart < FN_COUNT(t->masks_wanted); apart++) {
        const mt_masks *masks;
        if (!atomic_load(&t->masks_wanted[apart])) continue;
        pthread_mutex_lock(&t->lock);
        mt_list *list = mt_list_ref(t->list);
        mt_shape *shape = mt_shape_ref(t->shape);
        mt_masks *base = masks_ref(t->latest_masks[apart]);
        pthread_mutex_unlock(&t->lock);
        if (mt_chooses_rows(shape->definition->mode) && has_much_new(base, list) && mt_final_masks(ctx, t, shape, list, apart, &masks) != FN_OK)
            fn_error_clear(ctx); /* the query that needs them says it */
        mt_masks_drop(base);
        mt_list_drop(list);
        mt_shape_drop(shape);
    }
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
