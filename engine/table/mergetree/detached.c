/* detached.c - parts set aside: DETACH takes them out of the live list, ATTACH brings them back under a new number, DROP DETACHED
 * lets them go. They are rows of the catalog like the live ones and keep their files; no reader of the table sees them.
 *
 * An attached part is read through the table's shape of then: columns that came, went or changed their type meanwhile are no
 * obstacle, because part files know columns by number. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"

fn_status mt_table_set_detached(fn_ctx *ctx, table *t, const mt_part_row *rows, size_t count)
{
    mt_table *m = (mt_table *)t;
    mt_list *list;
    if (count == 0) return FN_OK;
    FN_TRY(mt_list_load(ctx, m->store, rows, count, &list));
    mt_list_drop(m->detached);
    m->detached = list;
    return FN_OK;
}

mt_list *mt_table_detached(mt_table *t)
{
    pthread_mutex_lock(&t->lock);
    mt_list *l = t->detached ? mt_list_ref(t->detached) : NULL;
    pthread_mutex_unlock(&t->lock);
    return l;
}

fn_status mt_detached_parts(fn_ctx *ctx, table *t, mt_each_part *each, void *self)
{
    mt_list *list = mt_table_detached((mt_table *)t);
    fn_status status = FN_OK;
    for (uint32_t i = 0; list && i < list->count && status == FN_OK; i++) status = each(self, ctx, &list->parts[i]->row, false);
    mt_list_drop(list);
    return status;
}

/* ---- DETACH ---- */

/* The same parts as detached ones: they lose nothing but their place. */
static fn_status set_aside(fn_ctx *ctx, mt_table *m, const mt_selection *s, fn_str reason, mt_part **out)
{
    for (uint32_t i = 0; i < s->count; i++) {
        mt_part_row row = s->parts[i]->row;
        row.reason = reason;
        FN_TRY(mt_part_new(ctx, m->store, &row, &out[i]));
    }
    const mt_edit edit = {.table = m, .remove = s->parts, .remove_count = s->count, .detach = out, .detach_count = s->count,
                          .forget = true};
    return mt_apply(ctx, m->store, &edit, 1);
}

fn_status mt_detach(fn_ctx *ctx, table *t, fn_str partition_id, fn_str name)
{
    mt_table *m = (mt_table *)t;
    mt_selection s;
    if (name.data) FN_TRY(mt_part_name_check(ctx, name));
    mt_lock_change(m, NULL);
    mt_lock_adding(m, NULL);
    fn_status status = mt_select(ctx, mt_table_list(m), partition_id, name, &s);
    if (status == FN_OK) {
        mt_part **moved = FN_NEW_ARRAY(ctx, mt_part *, s.count + 1);
        if (!moved) status = ctx->error.code;
        else if (name.data && s.count == 0) status = fn_fail(ctx, FN_NO_SUCH_DATA_PART, "No part " FN_STR_FMT " in committed state", FN_STR_ARG(name));
        else status = set_aside(ctx, m, &s, (fn_str){NULL, 0}, moved);
        for (uint32_t i = 0; moved && i < s.count; i++) mt_part_drop(moved[i]);
        mt_list_drop(s.list);
    }
    mt_unlock_adding(m, NULL);
    mt_unlock_change(m, NULL);
    return status;
}

/* ---- ATTACH, DROP DETACHED ---- */

/* Under the change lock, which also keeps others off the detached parts. NULL list: none was chosen. */
static fn_status select_detached(fn_ctx *ctx, mt_table *m, fn_str partition_id, fn_str name, mt_selection *out)
{
    mt_list *list = mt_table_detached(m);
    *out = (mt_selection){.list = NULL};
    if (list) FN_TRY(mt_select(ctx, list, partition_id, name, out));
    if (!name.data || out->count) return FN_OK;
    mt_list_drop(out->list);
    return fn_fail(ctx, FN_BAD_DATA_PART_NAME, "Detached part \"" FN_STR_FMT "\" not found", FN_STR_ARG(name));
}

static fn_status bring_back(fn_ctx *ctx, mt_table *m, const mt_selection *s, mt_part **fresh)
{
    mt_catalog *catalog = m->store->options.catalog;
    uint64_t first;
    FN_TRY(catalog->block_numbers(catalog, ctx, m->base.uuid, s->count, &first));
    for (uint32_t i = 0; i < s->count; i++) {
        mt_part_row row = s->parts[i]->row;
        row.min_block = row.max_block = first + i;
        if (mt_table_definition(&m->base)->mode == MT_PLAIN) row.level = 0; /* elsewhere it says that rows are collapsed */
        row.reason = (fn_str){NULL, 0};
        FN_TRY(mt_part_name(ctx, row.partition_id, row.min_block, row.max_block, row.level, 0, &row.name));
        FN_TRY(mt_part_new(ctx, m->store, &row, &fresh[i]));
    }
    const mt_edit edit = {.table = m, .add = fresh, .add_count = s->count, .take_back = s->parts, .take_back_count = s->count};
    return mt_apply(ctx, m->store, &edit, 1);
}

fn_status mt_attach(fn_ctx *ctx, table *t, fn_str partition_id, fn_str name, mt_each_attached *each, void *self)
{
    mt_table *m = (mt_table *)t;
    mt_selection s;
    if (name.data) FN_TRY(mt_part_name_check(ctx, name));
    mt_lock_change(m, NULL);
    fn_status status = select_detached(ctx, m, partition_id, name, &s);
    if (status == FN_OK && s.list) {
        mt_part **fresh = FN_NEW_ARRAY(ctx, mt_part *, s.count + 1);
        status = fresh ? FN_OK : ctx->error.code;
        if (status == FN_OK && s.count) status = bring_back(ctx, m, &s, fresh);
        for (uint32_t i = 0; i < s.count && status == FN_OK; i++) status = each(self, ctx, &s.parts[i]->row, &fresh[i]->row);
        for (uint32_t i = 0; fresh && i < s.count; i++) mt_part_drop(fresh[i]);
        mt_list_drop(s.list);
    }
    mt_unlock_change(m, NULL);
    if (status == FN_OK) mt_merge_schedule(m);
    return status;
}

fn_status mt_drop_detached(fn_ctx *ctx, table *t, fn_str partition_id, fn_str name)
{
    mt_table *m = (mt_table *)t;
    mt_selection s;
    mt_lock_change(m, NULL);
    fn_status status = select_detached(ctx, m, partition_id, name, &s);
    if (status == FN_OK && s.list) {
        const mt_edit edit = {.table = m, .take_back = s.parts, .take_back_count = s.count};
        status = mt_apply(ctx, m->store, &edit, 1);
        mt_list_drop(s.list);
    }
    mt_unlock_change(m, NULL);
    return status;
}
