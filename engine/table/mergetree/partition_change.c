/* partition_change.c - DROP, REPLACE, ATTACH FROM and MOVE of partitions: one catalog transaction over shared files each.
 * Files can be shared only between tables that number their columns alike; otherwise the parts are written anew. Nobody adds parts
 * between the last look at them and the commit, so that the change is one of all the rows there are at one moment.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/mt.h"

fn_status mt_drop_partition(fn_ctx *ctx, table *t, fn_str partition_id)
{
    mt_table *m = (mt_table *)t;
    mt_selection s;
    mt_lock_change(m, NULL);
    mt_lock_adding(m, NULL);
    fn_status status = mt_select(ctx, mt_table_list(m), partition_id, (fn_str){NULL, 0}, &s);
    if (status == FN_OK) {
        const mt_edit edit = {.table = m, .remove = s.parts, .remove_count = s.count, .forget_partition = &partition_id};
        status = mt_apply(ctx, m->store, &edit, 1);
        mt_list_drop(s.list);
    }
    mt_unlock_adding(m, NULL);
    mt_unlock_change(m, NULL);
    return status;
}

fn_status mt_drop_part(fn_ctx *ctx, table *t, fn_str name)
{
    mt_table *m = (mt_table *)t;
    mt_selection s;
    FN_TRY(mt_part_name_check(ctx, name));
    mt_lock_change(m, NULL);
    fn_status status = mt_select(ctx, mt_table_list(m), (fn_str){NULL, 0}, name, &s);
    if (status == FN_OK) {
        const mt_edit edit = {.table = m, .remove = s.parts, .remove_count = s.count, .forget = true};
        if (s.count == 0) status = fn_fail(ctx, FN_NO_SUCH_DATA_PART, "No part " FN_STR_FMT " in committed state", FN_STR_ARG(name));
        else status = mt_apply(ctx, m->store, &edit, 1);
        mt_list_drop(s.list);
    }
    mt_unlock_change(m, NULL);
    return status;
}

fn_status mt_has_part(fn_ctx *ctx, table *t, fn_str name)
{
    mt_selection s;
    FN_TRY(mt_part_name_check(ctx, name));
    FN_TRY(mt_select(ctx, mt_table_list((mt_table *)t), (fn_str){NULL, 0}, name.data ? name : FN_STR(""), &s));
    mt_list_drop(s.list);
    return s.count ? FN_OK : fn_fail(ctx, FN_NO_SUCH_DATA_PART, "Part " FN_STR_FMT " is not exists or not active", FN_STR_ARG(name));
}

/* ---- from table to table ---- */

static bool same_expressions(expr *const *a, expr *const *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!expr_equal(a[i], b[i])) return false;
    return true;
}

/* The same numbers for the same columns: a table made AS another that had been altered counts from 1 again. */
static bool same_ids(const mt_shape *from, const mt_shape *to)
{
    for (uint32_t i = 0; i < from->stored_count; i++)
        if (from->schema->columns[from->stored[i]].id != to->schema->columns[to->stored[i]].id) return false;
    return true;
}

static fn_status check_same(fn_ctx *ctx, const mt_shape *from, const mt_shape *to)
{
    bool same = from->stored_count == to->stored_count;
    for (uint32_t i = 0; i < from->stored_count && same; i++) {
        const table_column *a = &from->schema->columns[from->stored[i]], *b = &to->schema->columns[to->stored[i]];
        same = fn_str_eq(a->name, b->name) && a->type == b->type;
    }
    if (!same) return fn_fail(ctx, FN_INCOMPATIBLE_COLUMNS, "Tables have different structure");
    const mt_definition *a = from->definition, *b = to->definition;
    if (a->sort_count != b->sort_count || !same_expressions(a->sort_key, b->sort_key, a->sort_count))
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Tables have different ordering");
    if (a->partition_count != b->partition_count || !same_expressions(a->partition_key, b->partition_key, a->partition_count))
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Tables have different partition key");
    return FN_OK;
}

typedef struct transfer_tables {
    mt_table *from, *to;
    mt_shape *from_shape, *to_shape;
} transfer_tables;

/* The part's rows in a file of the target's own. */
static fn_status rewrite_part(fn_ctx *ctx, const transfer_tables *t, mt_part *part, const mt_part_spec *spec, mt_part **out)
{
    enum { STEP = FN_BLOCK_ROWS_MAX / FN_GRANULE_ROWS };
    mt_reader r;
    mt_part_out writer;
    FN_TRY(mt_reader_init(ctx, t->from_shape, part, &r));
    fn_status status = mt_part_out_open(ctx, t->to->store, t->to_shape, NULL, 0, &writer);
    for (uint32_t g = 0; g < fn_part_granules(r.data) && status == FN_OK; g += STEP) {
        fn_block *b;
        status = mt_read(ctx, &r, t->from_shape->stored, t->from_shape->stored_count, g, FN_MIN((uint32_t)STEP, fn_part_granules(r.data) - g), &b);
        if (status != FN_OK) break;
        status = mt_part_out_write(ctx, &writer, b);
        fn_block_drop(b);
        if (status == FN_OK) status = fn_ctx_check(ctx);
    }
    if (status == FN_OK) status = mt_part_out_finish(ctx, &writer, spec, out);
    mt_part_out_close(&writer);
    return status;
}

static fn_status share_part(fn_ctx *ctx, const transfer_tables *t, mt_part *part, const mt_part_spec *spec, mt_part **out)
{
    mt_part_row row = part->row;
    row.min_block = spec->min_block;
    row.max_block = spec->max_block;
    FN_TRY(mt_part_name(ctx, row.partition_id, row.min_block, row.max_block, row.level, 0, &row.name));
    return mt_part_new(ctx, t->to->store, &row, out);
}

/* Has the file only columns that the target has too? One that was dropped from the source could meet a later column of the target
 * under the same number. */
static fn_status only_known(fn_ctx *ctx, const mt_shape *shape, mt_part *part, bool *out)
{
    const fn_part *data;
    FN_TRY(mt_file_open(ctx, part->file, &data));
    *out = true;
    for (uint32_t i = 0; i < fn_part_column_count(data) && *out; i++) {
        bool found = false;
        for (uint32_t k = 0; k < shape->stored_count && !found; k++) found = shape->schema->columns[shape->stored[k]].id == fn_part_column_at(data, i)->id;
        *out = found;
    }
    return FN_OK;
}

fn_status mt_parts_convert(fn_ctx *ctx, mt_table *from, mt_shape *from_shape, mt_table *to, mt_shape *to_shape, mt_part **parts, uint32_t count)
{
    const transfer_tables t = {from, to, from_shape, to_shape};
    FN_TRY(check_same(ctx, from_shape, to_shape));
    if (same_ids(from_shape, to_shape)) return FN_OK;
    mt_part **fresh = FN_NEW_ARRAY(ctx, mt_part *, count + 1);
    FN_TRY_PTR(ctx, fresh);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        const mt_part_row *row = &parts[i]->row;
        const mt_part_spec spec = {.partition_id = row->partition_id, .partition = row->partition, .min_block = row->min_block, .max_block = row->max_block};
        status = rewrite_part(ctx, &t, parts[i], &spec, &fresh[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        mt_part_drop(status == FN_OK ? parts[i] : fresh[i]);
        if (status == FN_OK) parts[i] = fresh[i];
    }
    return status;
}

/* Parts of the source, and each beside its clone under a name of the target. */
typedef struct clone_list {
    mt_part **parts, **clones;
    uint32_t count;
} clone_list;

static bool is_cloned(const clone_list *l, const mt_part *part)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (l->parts[i] == part) return true;
    return false;
}

static fn_status grow(fn_ctx *ctx, clone_list *l, uint32_t more)
{
    mt_part **parts = FN_NEW_ARRAY(ctx, mt_part *, l->count + more + 1), **clones = FN_NEW_ARRAY(ctx, mt_part *, l->count + more + 1);
    if (!parts || !clones) return ctx->error.code;
    if (l->count) memcpy(parts, l->parts, sizeof *parts * l->count);
    if (l->count) memcpy(clones, l->clones, sizeof *clones * l->count);
    l->parts = parts;
    l->clones = clones;
    return FN_OK;
}

/* Those parts of the partition that have no clone yet get one: first all, later what was inserted meanwhile. */
static fn_status clone_parts(fn_ctx *ctx, const transfer_tables *t, const mt_selection *from, clone_list *l)
{
    mt_catalog *catalog = t->to->store->options.catalog;
    const bool same = same_ids(t->from_shape, t->to_shape);
    FN_TRY(grow(ctx, l, from->count));
    for (uint32_t i = 0; i < from->count; i++) {
        mt_part *part = from->parts[i];
        const mt_part_row *row = &part->row;
        uint64_t number;
        bool shared = same;
        if (is_cloned(l, part)) continue;
        FN_TRY(catalog->block_numbers(catalog, ctx, t->to->base.uuid, 1, &number));
        if (same) FN_TRY(only_known(ctx, t->to_shape, part, &shared));
        const mt_part_spec spec = {.partition_id = row->partition_id, .partition = row->partition, .min_block = number, .max_block = number, .level = row->level};
        FN_TRY(shared ? share_part(ctx, t, part, &spec, &l->clones[l->count]) : rewrite_part(ctx, t, part, &spec, &l->clones[l->count]));
        l->parts[l->count++] = part; /* the source's list, or whoever listed it before, keeps it: nobody else removes parts */
    }
    return FN_OK;
}

static fn_status clone_partition(fn_ctx *ctx, const transfer_tables *t, fn_str partition_id, clone_list *l)
{
    mt_selection source;
    FN_TRY(mt_select(ctx, mt_table_list(t->from), partition_id, (fn_str){NULL, 0}, &source));
    const fn_status status = clone_parts(ctx, t, &source, l);
    mt_list_drop(source.list);
    return status;
}

static fn_status refuse_empty(fn_ctx *ctx, const mt_table *from, fn_str partition_id)
{
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Source table " FN_STR_FMT "." FN_STR_FMT " (%s) has no parts in partition " FN_STR_FMT ": refusing `REPLACE PARTITION` because "
                   "it would silently drop the destination partition's data. Set `allow_replace_partition_from_empty_source = 1` to restore the previous "
                   "behavior, or use `ALTER TABLE ... DROP PARTITION` if you intend to drop the destination data.",
                   FN_STR_ARG(from->base.database), FN_STR_ARG(from->base.name), from->base.uuid, FN_STR_ARG(partition_id));
}

typedef enum transfer { TRANSFER_ATTACH, TRANSFER_REPLACE, TRANSFER_MOVE } transfer;

/* Under the locks of both, against those who add parts too. */
static fn_status commit_transfer(fn_ctx *ctx, const transfer_tables *t, fn_str partition_id, transfer how, clone_list *l)
{
    mt_selection target;
    FN_TRY(mt_check_shape(ctx, t->from, t->from_shape));
    FN_TRY(mt_check_shape(ctx, t->to, t->to_shape));
    FN_TRY(clone_partition(ctx, t, partition_id, l));
    if (how == TRANSFER_REPLACE && l->count == 0 && !settings_of(ctx)->allow_replace_partition_from_empty_source) return refuse_empty(ctx, t->from, partition_id);
    FN_TRY(mt_select(ctx, mt_table_list(t->to), partition_id, (fn_str){NULL, 0}, &target));
    const mt_edit edits[2] = {
        {.table = t->to, .add = l->clones, .add_count = l->count, .remove = target.parts, .remove_count = how == TRANSFER_REPLACE ? target.count : 0, .alone = true},
        {.table = t->from, .remove = l->parts, .remove_count = l->count},
    };
    const fn_status status = mt_apply(ctx, t->to->store, edits, how == TRANSFER_MOVE ? 2 : 1);
    mt_list_drop(target.list);
    return status;
}

/* Under the change locks of both. What takes long is done before inserts have to wait. */
static fn_status transfer_parts(fn_ctx *ctx, const transfer_tables *t, fn_str partition_id, transfer how)
{
    clone_list l = {.count = 0};
    fn_status status = clone_partition(ctx, t, partition_id, &l);
    if (status == FN_OK) {
        mt_lock_adding(t->from, t->to);
        status = commit_transfer(ctx, t, partition_id, how, &l);
        mt_unlock_adding(t->from, t->to);
    }
    for (uint32_t i = 0; i < l.count; i++) mt_part_drop(l.clones[i]);
    return status;
}

static fn_status change_two(fn_ctx *ctx, table *from, table *to, fn_str partition_id, transfer how)
{
    mt_table *a = (mt_table *)from, *b = (mt_table *)to;
    if (!mt_is(from) || !mt_is(to))
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Partitions can be exchanged between MergeTree tables only");
    if (a == b && how == TRANSFER_MOVE) return FN_OK;
    mt_lock_change(a, b);
    const transfer_tables t = {a, b, mt_table_shape(a), mt_table_shape(b)};
    fn_status status = check_same(ctx, t.from_shape, t.to_shape);
    if (status == FN_OK) status = transfer_parts(ctx, &t, partition_id, how);
    mt_shape_drop(t.from_shape);
    mt_shape_drop(t.to_shape);
    mt_unlock_change(a, b);
    if (status == FN_OK) mt_merge_schedule(b);
    return status;
}

fn_status mt_copy_partition(fn_ctx *ctx, table *from, table *to, fn_str partition_id, bool replace)
{
    return change_two(ctx, from, to, partition_id, replace ? TRANSFER_REPLACE : TRANSFER_ATTACH);
}

fn_status mt_move_partition(fn_ctx *ctx, table *from, table *to, fn_str partition_id)
{
    return change_two(ctx, from, to, partition_id, TRANSFER_MOVE);
}
