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

/* Without a file yet. */
static mt_part *part_of_row(fn_ctx *ctx, const mt_part_row *row)
{
    mt_part *p = fn_alloc_zero(ctx, sizeof *p + row->name.size + row->partition_id.size + row->partition.size + row->reason.size + 1);
    if (!p) return NULL;
    char *texts = (char *)(p + 1);
    p->row = *row;
    p->row.name = place_text(&texts, row->name);
    p->row.partition_id = place_text(&texts, row->partition_id);
    p->row.partition = place_text(&texts, row->partition);
    p->row.reason = place_text(&texts, row->reason);
    atomic_store(&p->refs, 1);
    return p;
}

fn_status mt_part_new(fn_ctx *ctx, mt_store *store, const mt_part_row *row, mt_part **out)
{
    mt_part *p = part_of_row(ctx, row);
    FN_TRY_PTR(ctx, p);
    if (mt_file_get(ctx, store, row->file, row->checksum, &p->file) != FN_OK) {
        fn_free(p);
        return ctx->error.code;
    }
    *out = p;
    return FN_OK;
}

fn_status mt_part_within(fn_ctx *ctx, mt_part *outer, const mt_part_row *row, const fn_part *data, mt_part **out)
{
    mt_store *store = outer->file->store;
    mt_file *f = fn_alloc_zero(ctx, sizeof *f);
    mt_part *p = f ? part_of_row(ctx, row) : NULL;
    if (!p || mt_file_get(ctx, store, outer->file->id, outer->file->checksum, &f->outer) != FN_OK) {
        fn_free(p);
        fn_free(f);
        return ctx->error.code;
    }
    f->store = store;
    atomic_store(&f->part, (fn_part *)(uintptr_t)data); /* immutable, and not dropped through here */
    p->file = f;
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
    fn_free(atomic_load(&p->ttl));
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

static mt_list *list_with_room(fn_ctx *ctx, uint32_t capacity)
{
    mt_list *l = fn_alloc_zero(ctx, sizeof *l + capacity * sizeof *l->parts);
    if (!l) return NULL;
    atomic_store(&l->refs, 1);
    pthread_mutex_init(&l->mask_lock, NULL);
    return l;
}

static void list_add(mt_list *l, mt_part *p)
{
    l->parts[l->count++] = mt_part_ref(p);
    l->rows += p->row.rows;
    l->bytes += p->row.bytes;
}

/* When all are in it. */
static void list_finish(mt_list *l)
{
    if (l->count > 1) qsort(l->parts, l->count, sizeof *l->parts, compare_parts);
    for (uint32_t from = 0, end; from < l->count; from = end) {
        for (end = from + 1; end < l->count && fn_str_eq(l->parts[end]->row.partition_id, l->parts[from]->row.partition_id);) end++;
        l->most = FN_MAX(l->most, end - from);
    }
}

fn_status mt_list_new(fn_ctx *ctx, mt_part *const *parts, uint32_t count, mt_list **out)
{
    mt_list *l = list_with_room(ctx, count);
    FN_TRY_PTR(ctx, l);
    for (uint32_t i = 0; i < count; i++) list_add(l, parts[i]);
    list_finish(l);
    *out = l;
    return FN_OK;
}

fn_status mt_list_load(fn_ctx *ctx, mt_store *store, const mt_part_row *rows, size_t count, mt_list **out)
{
    mt_part **parts = fn_alloc_zero(ctx, sizeof *parts * (count + 1));
    FN_TRY_PTR(ctx, parts);
    fn_status status = FN_OK;
    for (size_t i = 0; i < count && status == FN_OK; i++) status = mt_part_new(ctx, store, &rows[i], &parts[i]);
    if (status == FN_OK) status = mt_list_new(ctx, parts, (uint32_t)count, out);
    for (size_t i = 0; i < count && status == FN_OK; i++) mt_file_list(parts[i]->file, 1);
    for (size_t i = 0; i < count; i++) mt_part_drop(parts[i]);
    fn_free(parts);
    return status;
}

void mt_list_forget(mt_list *l)
{
    for (uint32_t i = 0; l && i < l->count; i++) mt_file_list(l->parts[i]->file, -1);
}

fn_status mt_select(fn_ctx *ctx, mt_list *list_take, fn_str partition_id, fn_str name, mt_selection *out)
{
    *out = (mt_selection){.list = list_take};
    out->parts = FN_NEW_ARRAY(ctx, mt_part *, list_take->count + 1);
    if (!out->parts) {
        mt_list_drop(list_take);
        return ctx->error.code;
    }
    for (uint32_t i = 0; i < list_take->count; i++) {
        mt_part *p = list_take->parts[i];
        if (partition_id.data && !fn_str_eq(p->row.partition_id, partition_id)) continue;
        if (name.data && !fn_str_eq(p->row.name, name)) continue;
        out->parts[out->count++] = p;
    }
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

fn_status mt_check_shape(fn_ctx *ctx, mt_table *t, const mt_shape *shape)
{
    pthread_mutex_lock(&t->lock);
    const bool same = t->shape == shape;
    pthread_mutex_unlock(&t->lock);
    return same ? FN_OK : fn_fail(ctx, FN_TABLE_UUID_MISMATCH, "The table has another structure meanwhile");
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

/* ---- the swap ---- */
enum { SPARE = 256 }; /* parts that others may add between the reservation and the swap */

/* Room for the lists behind an edit, taken while it can still fail. NULL: that list does not change. */
typedef struct edit_room {
    mt_list *live, *detached;
    uint32_t live_capacity, detached_capacity;
    mt_list *old, *old_detached; /* what they replaced */
} edit_room;

static bool changes_detached(const mt_edit *e)
{
    return e->detach_count || e->take_back_count;
}

static bool changes_live(const mt_edit *e)
{
    return e->add_count || e->remove_count;
}

static fn_status reserve(fn_ctx *ctx, const mt_edit *e, edit_room *out)
{
    mt_table *t = e->table;
    pthread_mutex_lock(&t->lock);
    out->live_capacity = t->list->count + e->add_count + SPARE;
    out->detached_capacity = (t->detached ? t->detached->count : 0) + e->detach_count + SPARE;
    pthread_mutex_unlock(&t->lock);
    if (changes_live(e)) {
        out->live = list_with_room(ctx, out->live_capacity);
        FN_TRY_PTR(ctx, out->live);
    }
    if (changes_detached(e)) {
        out->detached = list_with_room(ctx, out->detached_capacity);
        FN_TRY_PTR(ctx, out->detached);
    }
    return FN_OK;
}

/* Fills `fresh` with *at without `out` and with `in` (but for the skipped ones) and puts it in its place; the old one is returned. The
 * catalog has committed: nothing may fail any more. Only if more than SPARE parts came meanwhile and memory is out, nothing but the
 * crash is left, from which the catalog recovers. */
static mt_list *swap_list(mt_list **at, mt_list *fresh_take, uint32_t capacity, mt_part *const *in, uint32_t in_count, const bool *skipped,
                          mt_part *const *out, uint32_t out_count)
{
    mt_list *old = *at, *fresh = fresh_take;
    const uint32_t old_count = old ? old->count : 0;
    if (old_count + in_count > capacity) {
        mt_list_drop(fresh);
        fresh = list_with_room(&(fn_ctx){0}, old_count + in_count);
        FN_ASSERT(fresh != NULL);
    }
    for (uint32_t i = 0; i < old_count; i++)
        if (!is_among(out, out_count, old->parts[i])) list_add(fresh, old->parts[i]);
    for (uint32_t i = 0; i < in_count; i++) {
        if (skipped && skipped[i]) continue;
        list_add(fresh, in[i]);
        mt_file_list(in[i]->file, 1);
    }
    list_finish(fresh);
    for (uint32_t i = 0; i < out_count; i++) mt_file_list(out[i]->file, -1);
    *at = fresh;
    return old;
}

/* The lists of the room are in their places afterwards; the old ones wait for whoever has time to remove files. */
static void swap_lists(const mt_edit *e, edit_room *r)
{
    mt_table *t = e->table;
    pthread_mutex_lock(&t->lock);
    if (r->live) r->old = swap_list(&t->list, r->live, r->live_capacity, e->add, e->add_count, e->skipped, e->remove, e->remove_count);
    if (r->detached) r->old_detached = swap_list(&t->detached, r->detached, r->detached_capacity, e->detach, e->detach_count, NULL, e->take_back, e->take_back_count);
    pthread_mutex_unlock(&t->lock);
    r->live = r->detached = NULL;
}

typedef struct edit_set {
    const mt_edit *edits;
    edit_room *rooms;
    uint32_t count;
} edit_set;

static void swap_all(void *self)
{
    const edit_set *s = self;
    for (uint32_t i = 0; i < s->count; i++) swap_lists(&s->edits[i], &s->rooms[i]);
}

static fn_status rows_of(fn_ctx *ctx, mt_part *const *parts, uint32_t count, const mt_part_row **out)
{
    mt_part_row *rows = FN_NEW_ARRAY(ctx, mt_part_row, count + 1);
    FN_TRY_PTR(ctx, rows);
    for (uint32_t i = 0; i < count; i++) rows[i] = parts[i]->row;
    *out = rows;
    return FN_OK;
}

static fn_status names_of(fn_ctx *ctx, mt_part *const *parts, uint32_t count, const fn_str **out)
{
    fn_str *names = FN_NEW_ARRAY(ctx, fn_str, count + 1);
    FN_TRY_PTR(ctx, names);
    for (uint32_t i = 0; i < count; i++) names[i] = parts[i]->row.name;
    *out = names;
    return FN_OK;
}

static fn_status fill_change(fn_ctx *ctx, const mt_edit *e, mt_change *out)
{
    *out = (mt_change){.table_uuid = e->table->base.uuid, .add_count = e->add_count, .remove_count = e->remove_count, .detach_count = e->detach_count,
                       .take_back_count = e->take_back_count, .forget_count = e->forget ? e->remove_count : 0, .forget_partition = e->forget_partition,
                       .ids = e->ids, .id_count = e->id_count, .skipped = e->skipped};
    if (e->definition) {
        out->window = e->definition->window;
        out->window_s = e->definition->window_s;
    }
    FN_TRY(rows_of(ctx, e->add, e->add_count, &out->add));
    FN_TRY(names_of(ctx, e->remove, e->remove_count, &out->remove));
    FN_TRY(rows_of(ctx, e->remove, e->forget ? e->remove_count : 0, &out->forget));
    FN_TRY(rows_of(ctx, e->detach, e->detach_count, &out->detach));
    return names_of(ctx, e->take_back, e->take_back_count, &out->take_back);
}

static fn_status commit_edits(fn_ctx *ctx, mt_store *store, edit_set *s)
{
    mt_change *changes = FN_NEW_ARRAY(ctx, mt_change, s->count);
    FN_TRY_PTR(ctx, changes);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const mt_edit *e = &s->edits[i];
        if (changes_live(e) || changes_detached(e) || e->forget_partition) FN_TRY(fill_change(ctx, e, &changes[n++]));
    }
    if (n == 0 && !ctx->claims) return FN_OK;
    const fn_status status = store->options.catalog->commit(store->options.catalog, ctx, changes, n, swap_all, s);
    if (status == FN_CANNOT_WRITE_TO_FILE || status == FN_CORRUPTED_DATA) atomic_store(&store->keeps_files, true);
    return status;
}

static int compare_tables(const void *a, const void *b)
{
    const mt_table *const *x = a, *const *y = b;
    return (*x > *y) - (*x < *y);
}

/* Whoever only adds parts lets others add too, but not those who replace what they have looked at; in the order of addresses. Returns
 * how many tables are locked. */
static uint32_t lock_adding(const mt_edit *edits, uint32_t count, mt_table **out)
{
    uint32_t n = 0, kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (edits[i].add_count && !edits[i].alone && !edits[i].remove_count && !edits[i].take_back_count) out[n++] = edits[i].table;
    if (n > 1) qsort(out, n, sizeof *out, compare_tables);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || out[kept - 1] != out[i]) out[kept++] = out[i];
    for (uint32_t i = 0; i < kept; i++) pthread_rwlock_rdlock(&out[i]->adding);
    return kept;
}

void mt_lock_adding(mt_table *a, mt_table *b)
{
    mt_table *const first = b && b < a ? b : a, *const second = b && b < a ? a : b;
    pthread_rwlock_wrlock(&first->adding);
    if (second && second != first) pthread_rwlock_wrlock(&second->adding);
}

void mt_unlock_adding(mt_table *a, mt_table *b)
{
    if (b && b != a) pthread_rwlock_unlock(&b->adding);
    pthread_rwlock_unlock(&a->adding);
}

fn_status mt_apply(fn_ctx *ctx, mt_store *store, const mt_edit *edits, uint32_t count)
{
    edit_set s = {edits, FN_NEW_ARRAY(ctx, edit_room, count), count};
    mt_table **adding = FN_NEW_ARRAY(ctx, mt_table *, count);
    if (!s.rooms || !adding) return ctx->error.code;
    const uint32_t adding_count = lock_adding(edits, count, adding);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = reserve(ctx, &edits[i], &s.rooms[i]);
    if (status == FN_OK) status = commit_edits(ctx, store, &s);
    for (uint32_t i = 0; i < adding_count; i++) pthread_rwlock_unlock(&adding[i]->adding);
    for (uint32_t i = 0; i < count; i++) {
        mt_list_drop(s.rooms[i].live); /* those that were not needed */
        mt_list_drop(s.rooms[i].detached);
        mt_list_drop(s.rooms[i].old);
        mt_list_drop(s.rooms[i].old_detached);
    }
    return status;
}
