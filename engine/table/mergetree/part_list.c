/* part_list.c - parts, immutable part lists, and the one way to change them: a catalog transaction, then a swap.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"
#include <stdlib.h>

/* Moves a text behind the struct. */
static fn_str place_text(char **at, fn_str text)
{
    char *to = *at;
    if (text.size) memcpy(to, text.data, text.size);
    *at += text.size;
    return (fn_str){to, text.size};
}

fn_status mt_part_new(fn_ctx *ctx, mt_store *store, const mt_part_row *row, mt_part **out)
{
    mt_part *p = fn_alloc_zero(ctx, sizeof *p + row->name.size + row->partition_id.size + row->partition.size + 1);
    FN_TRY_PTR(ctx, p);
    char *texts = (char *)(p + 1);
    p->row = *row;
    p->row.name = place_text(&texts, row->name);
    p->row.partition_id = place_text(&texts, row->partition_id);
    p->row.partition = place_text(&texts, row->partition);
    atomic_store(&p->refs, 1);
    if (mt_file_get(ctx, store, row->file, row->checksum, &p->file) != FN_OK) {
        fn_free(p);
        return ctx->error.code;
    }
    *out = p;
    return FN_OK;
}

mt_part *mt_part_ref(mt_part *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void mt_part_drop(mt_part *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
    mt_file_drop(p->file);
    fn_free(p);
}

mt_list *mt_list_ref(mt_list *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void mt_list_drop(mt_list *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < FN_COUNT(l->masks); i++) mt_masks_drop(atomic_load(&l->masks[i]));
    for (uint32_t i = 0; i < l->count; i++) mt_part_drop(l->parts[i]);
    pthread_mutex_destroy(&l->mask_lock);
    fn_free(l);
}

static int compare_parts(const void *a, const void *b)
{
    const mt_part *const *x = a, *const *y = b;
    const int order = fn_str_compare((*x)->row.partition_id, (*y)->row.partition_id);
    if (order) return order;
    if ((*x)->row.min_block != (*y)->row.min_block) return (*x)->row.min_block < (*y)->row.min_block ? -1 : 1;
    return fn_str_compare((*x)->row.name, (*y)->row.name);
}

fn_status mt_list_new(fn_ctx *ctx, mt_part *const *parts, uint32_t count, mt_list **out)
{
    mt_list *l = fn_alloc_zero(ctx, sizeof *l + count * sizeof *l->parts);
    FN_TRY_PTR(ctx, l);
    atomic_store(&l->refs, 1);
    pthread_mutex_init(&l->mask_lock, NULL);
    for (uint32_t i = 0; i < count; i++) {
        l->parts[i] = mt_part_ref(parts[i]);
        l->rows += parts[i]->row.rows;
    }
    l->count = count;
    if (count > 1) qsort(l->parts, count, sizeof *l->parts, compare_parts);
    *out = l;
    return FN_OK;
}

mt_list *mt_table_list(mt_table *t)
{
    pthread_mutex_lock(&t->lock);
    mt_list *l = mt_list_ref(t->list);
    pthread_mutex_unlock(&t->lock);
    return l;
}

mt_shape *mt_table_shape(mt_table *t)
{
    pthread_mutex_lock(&t->lock);
    mt_shape *s = mt_shape_ref(t->shape);
    pthread_mutex_unlock(&t->lock);
    return s;
}

void mt_lock_change(mt_table *a, mt_table *b)
{
    mt_table *const first = b && b < a ? b : a, *const second = b && b < a ? a : b;
    pthread_mutex_lock(&first->change);
    if (second && second != first) pthread_mutex_lock(&second->change);
}

void mt_unlock_change(mt_table *a, mt_table *b)
{
    if (b && b != a) pthread_mutex_unlock(&b->change);
    pthread_mutex_unlock(&a->change);
}

static bool is_among(mt_part *const *parts, uint32_t count, const mt_part *p)
{
    for (uint32_t i = 0; i < count; i++)
        if (parts[i] == p) return true;
    return false;
}

static bool is_skipped(const mt_edit *e, uint32_t part)
{
    return e->skipped && e->skipped[part];
}

/* The list behind the edit in place of the current one. The catalog has committed: nothing may fail any more, and running out of
 * memory for a list of pointers leaves only the crash, from which the catalog recovers. */
static void swap_list(const mt_edit *e)
{
    fn_ctx ctx = {0};
    mt_table *t = e->table;
    pthread_mutex_lock(&t->lock);
    mt_list *old = t->list, *fresh = NULL;
    mt_part **parts = fn_alloc(&ctx, (old->count + e->add_count + 1) * sizeof *parts);
    FN_ASSERT(parts != NULL);
    uint32_t n = 0;
    for (uint32_t i = 0; i < old->count; i++)
        if (!is_among(e->remove, e->remove_count, old->parts[i])) parts[n++] = old->parts[i];
    for (uint32_t i = 0; i < e->add_count; i++)
        if (!is_skipped(e, i)) parts[n++] = e->add[i];
    const fn_status status = mt_list_new(&ctx, parts, n, &fresh);
    FN_ASSERT(status == FN_OK);
    for (uint32_t i = 0; i < e->add_count; i++)
        if (!is_skipped(e, i)) mt_file_list(e->add[i]->file, 1);
    for (uint32_t i = 0; i < e->remove_count; i++) mt_file_list(e->remove[i]->file, -1);
    t->list = fresh;
    pthread_mutex_unlock(&t->lock);
    fn_free(parts);
    mt_list_drop(old);
}

static fn_status fill_change(fn_ctx *ctx, const mt_edit *e, mt_change *out)
{
    mt_part_row *add = FN_NEW_ARRAY(ctx, mt_part_row, FN_MAX(e->add_count, 1));
    fn_str *remove = FN_NEW_ARRAY(ctx, fn_str, FN_MAX(e->remove_count, 1));
    mt_part_row *forget = FN_NEW_ARRAY(ctx, mt_part_row, e->forget ? e->remove_count + 1 : 1);
    if (!add || !remove || !forget) return ctx->error.code;
    for (uint32_t i = 0; i < e->add_count; i++) add[i] = e->add[i]->row;
    for (uint32_t i = 0; i < e->remove_count; i++) remove[i] = e->remove[i]->row.name;
    for (uint32_t i = 0; e->forget && i < e->remove_count; i++) forget[i] = e->remove[i]->row;
    *out = (mt_change){.table_uuid = e->table->base.uuid, .add = add, .add_count = e->add_count, .remove = remove,
                       .remove_count = e->remove_count, .forget = forget, .forget_count = e->forget ? e->remove_count : 0,
                       .forget_partition = e->forget_partition, .ids = e->ids, .id_count = e->id_count, .skipped = e->skipped};
    if (e->definition) {
        out->window = e->definition->window;
        out->window_s = e->definition->window_s;
    }
    return FN_OK;
}

fn_status mt_apply(fn_ctx *ctx, mt_store *store, const mt_edit *edits, uint32_t count)
{
    mt_change *changes = FN_NEW_ARRAY(ctx, mt_change, count);
    FN_TRY_PTR(ctx, changes);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (edits[i].add_count || edits[i].remove_count || edits[i].forget_partition) FN_TRY(fill_change(ctx, &edits[i], &changes[n++]));
    }
    if (n == 0) return FN_OK;
    FN_TRY(store->options.catalog->commit(store->options.catalog, ctx, changes, n));
    for (uint32_t i = 0; i < count; i++) {
        if (edits[i].add_count || edits[i].remove_count) swap_list(&edits[i]);
    }
    return FN_OK;
}
