/* skip_index_build.c - MATERIALIZE and CLEAR of indexes and projections: parts that lack (or have) the data are written anew, all of them
 * exchanged in one commit; and the size of an index. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/projection.h"
#include "table/mergetree/skip_index.h"

enum { STEP_GRANULES = FN_BLOCK_ROWS_MAX / FN_GRANULE_ROWS };

typedef struct rebuilder {
    mt_rewrite base;
    const mt_rebuild *what;
} rebuilder;

static bool is_named(const mt_rebuild *r, fn_str name)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (fn_str_eq(r->names[i], name)) return true;
    return false;
}

static bool has_data(const fn_part *data, const mt_index *ix, uint64_t *bytes)
{
    for (uint32_t i = 0; i < fn_part_attachment_count(data); i++)
        if (fn_part_attachment_at(data, i, bytes) == ix->id) return true;
    return false;
}

/* Does the part have to change? */
static bool is_wanting(const rebuilder *r, const fn_part *data)
{
    const mt_definition *d = r->base.shape->definition;
    for (uint32_t i = 0; i < d->projection_count && r->what->projections; i++)
        if (is_named(r->what, d->projections[i].name) && mt_projection_has(data, d->projections[i].id, NULL) == r->what->clear) return true;
    for (uint32_t i = 0; i < d->index_count && !r->what->projections; i++)
        if (is_named(r->what, d->indexes[i].name) && has_data(data, &d->indexes[i], NULL) == r->what->clear) return true;
    return false;
}

/* Of the others the new part has what the old one had; so it would of projections in any case. */
static fn_status choose(fn_ctx *ctx, const rebuilder *r, mt_part *part, const fn_part *data, mt_part_out *out)
{
    const mt_definition *d = r->base.shape->definition;
    for (uint32_t i = 0; i < d->projection_count; i++)
        if (r->what->projections && is_named(r->what, d->projections[i].name)) FN_TRY(mt_part_out_project(ctx, out, i, !r->what->clear));
    FN_TRY(mt_part_out_merge_projections(ctx, out, &part, 1));
    for (uint32_t i = 0; i < d->index_count; i++) {
        const bool keep = !r->what->projections && is_named(r->what, d->indexes[i].name) ? !r->what->clear : has_data(data, &d->indexes[i], NULL);
        if (!keep) mt_part_out_without(out, i);
    }
    return FN_OK;
}

static fn_status copy_rows(fn_ctx *ctx, const rebuilder *r, const mt_reader *reader, mt_part_out *out)
{
    fn_arena *const outer = ctx->arena, *arena = fn_arena_new(ctx);
    fn_status status = arena ? FN_OK : ctx->error.code;
    const uint32_t granules = fn_part_granules(reader->data);
    for (uint32_t g = 0; g < granules && status == FN_OK; g += STEP_GRANULES) {
        fn_block *b = NULL;
        ctx->arena = arena;
        status = mt_read(ctx, reader, r->base.shape->stored, r->base.shape->stored_count, g, FN_MIN((uint32_t)STEP_GRANULES, granules - g), &b);
        if (status == FN_OK) status = mt_part_out_write(ctx, out, b);
        fn_block_drop(b);
        ctx->arena = outer;
        fn_arena_reset(arena);
        if (status == FN_OK) status = fn_ctx_check(ctx);
    }
    fn_arena_free(arena);
    return status;
}

static fn_status rebuild_part(fn_ctx *ctx, rebuilder *r, mt_part *part)
{
    mt_reader reader;
    if (r->what->partition_id.data && !fn_str_eq(r->what->partition_id, part->row.partition_id)) return FN_OK;
    FN_TRY(mt_rewrite_read(ctx, &r->base, part, &reader));
    if (!is_wanting(r, reader.data)) return FN_OK;
    FN_TRY(mt_rewrite_number(ctx, &r->base));
    mt_part_out out;
    fn_status status = mt_part_out_open(ctx, r->base.table->store, r->base.shape, &part, 1, &out);
    if (status == FN_OK) status = choose(ctx, r, part, reader.data, &out);
    if (status == FN_OK) status = copy_rows(ctx, r, &reader, &out);
    FN_TRY(mt_rewrite_finish(ctx, &r->base, part, &out, status));
    r->base.removed[r->base.removed_count++] = part;
    return FN_OK;
}

static fn_status rebuild_list(fn_ctx *ctx, mt_rewrite *r, const mt_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (!mt_rewrite_is_done(r, list->parts[i])) FN_TRY(rebuild_part(ctx, (rebuilder *)r, list->parts[i]));
    return FN_OK;
}

fn_status mt_rebuild_parts(fn_ctx *ctx, table *t, const mt_rebuild *rebuild)
{
    rebuilder r = {.what = rebuild};
    return mt_rewrite_parts(ctx, (mt_table *)t, &r.base, rebuild_list);
}

fn_status mt_index_bytes(fn_ctx *ctx, table *t, fn_str name, uint64_t *disk)
{
    mt_list *list = mt_table_list((mt_table *)t);
    mt_shape *shape = mt_table_shape((mt_table *)t);
    const mt_definition *d = shape->definition;
    fn_status status = FN_OK;
    *disk = 0;
    for (uint32_t i = 0; i < list->count && status == FN_OK; i++) {
        const fn_part *data;
        uint64_t bytes;
        status = mt_file_open(ctx, list->parts[i]->file, &data);
        for (uint32_t k = 0; k < d->index_count && status == FN_OK; k++)
            if (fn_str_eq(d->indexes[k].name, name) && has_data(data, &d->indexes[k], &bytes)) *disk += bytes;
    }
    mt_shape_drop(shape);
    mt_list_drop(list);
    return status;
}
