/* ttl_group.c - TTL ... GROUP BY: rows come in key order; a stretch of rows that are due and equal in the leading keys becomes one row, as
 * ClickHouse does it: a row that is not due ends the stretch, another one of the same key may follow. One group is open at a time; it
 * may go on in the next block, then its first row and its states are kept. Settings are the server's: whoever merges, the same comes out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/part_ttl.h"

struct mt_ttl_grouping {
    const mt_shape *shape;
    const mt_ttl_group *def;
    const mt_ttl_programs *programs;
    fn_arena *arena;     /* of the open group's states */
    uint8_t *states;
    uint32_t *places;    /* per call, in states */
    bool open;
    uint32_t first;      /* row of the open group in the block being worked on (group_step.base) */
    fn_block *kept;      /* between blocks: that row */
};

/* One block. */
typedef struct group_step {
    mt_ttl_grouping *g;
    const fn_block *in;
    uint32_t offset;       /* where the block's rows begin in `base`: behind the kept row, if there is one */
    fn_block *base;        /* what rows are taken from */
    fn_column **args;      /* of all calls, over `in` */
    fn_builder *results;   /* per call, a row per ended group */
    uint32_t begun;        /* builders */
    uint32_t *groups, group_count; /* rows of base that began the ended groups */
    uint32_t *order, order_count;  /* what comes out: rows of base, then (from base->rows on) ended groups */
    mt_key key, kept_key;
} group_step;

fn_status mt_ttl_grouping_new(fn_ctx *ctx, const mt_shape *shape, uint32_t ttl, mt_ttl_grouping **out)
{
    const mt_ttl_group *def = shape->definition->ttls[ttl].group;
    mt_ttl_grouping *g = fn_alloc_zero(ctx, sizeof *g);
    FN_TRY_PTR(ctx, g);
    *g = (mt_ttl_grouping){.shape = shape, .def = def, .programs = &shape->ttls[ttl], .arena = fn_arena_new(ctx)};
    g->places = fn_alloc(ctx, ((size_t)def->call_count + 1) * sizeof *g->places);
    uint32_t size = 0;
    for (uint32_t i = 0; i < def->call_count && g->places; i++) {
        g->places[i] = size;
        size += (uint32_t)fn_round_up(FN_MAX(def->calls[i]->state_size, 1u), 16);
    }
    g->states = fn_alloc_zero(ctx, (size_t)size + 16);
    *out = g;
    if (g->arena && g->places && g->states) return FN_OK;
    mt_ttl_grouping_free(g);
    return ctx->error.code;
}

static void destroy_states(mt_ttl_grouping *g)
{
    for (uint32_t i = 0; i < g->def->call_count; i++)
        if (g->def->calls[i]->def->destroy) g->def->calls[i]->def->destroy(g->def->calls[i], g->states + g->places[i]);
    fn_arena_reset(g->arena);
    g->open = false;
}

void mt_ttl_grouping_free(mt_ttl_grouping *g)
{
    if (!g) return;
    if (g->open) destroy_states(g);
    fn_block_drop(g->kept);
    fn_arena_free(g->arena);
    fn_free(g->places);
    fn_free(g->states);
    fn_free(g);
}

/* ---- a block's values ---- */
static fn_status run_program(fn_ctx *ctx, const expr_program *p, const fn_block *in, fn_column **out)
{
    const struct fn_settings *given = ctx->settings;
    ctx->settings = NULL;
    const fn_status status = expr_run(ctx, p, in, out);
    ctx->settings = given;
    return status;
}

static fn_status compute_args(fn_ctx *ctx, group_step *s)
{
    const mt_ttl_programs *p = s->g->programs;
    s->args = FN_NEW_ARRAY(ctx, fn_column *, p->arg_count + 1);
    FN_TRY_PTR(ctx, s->args);
    if (!p->args) return FN_OK;
    FN_TRY(run_program(ctx, p->args, s->in, s->args));
    for (uint32_t i = 0; i < p->arg_count; i++) {
        if (s->args[i]->shape == FN_CONST) continue;
        fn_column *flat = fn_column_flatten(ctx, s->args[i]);
        FN_TRY_PTR(ctx, flat);
        fn_column_drop(s->args[i]);
        s->args[i] = flat;
    }
    return FN_OK;
}

static fn_column *concat(fn_ctx *ctx, fn_column *a, fn_column *b)
{
    fn_column *both[] = {a, b};
    return fn_column_concat(ctx, both, 2);
}

/* The kept row in front of the block. */
static fn_status make_base(fn_ctx *ctx, group_step *s)
{
    s->offset = s->g->kept ? 1 : 0;
    if (!s->g->kept || !s->in) {
        s->base = fn_block_ref(s->in ? s->in : s->g->kept);
        return FN_OK;
    }
    s->base = fn_block_new(ctx, s->in->count, s->in->rows + 1);
    FN_TRY_PTR(ctx, s->base);
    for (uint32_t i = 0; i < s->in->count; i++) {
        s->base->columns[i] = concat(ctx, s->g->kept->columns[i], s->in->columns[i]);
        FN_TRY_PTR(ctx, s->base->columns[i]);
    }
    return mt_key_of(ctx, s->g->shape, s->g->kept, &s->kept_key);
}

static fn_status begin_step(fn_ctx *ctx, group_step *s)
{
    const uint32_t rows = s->in ? s->in->rows : 0;
    FN_TRY(make_base(ctx, s));
    if (s->in) FN_TRY(mt_key_of(ctx, s->g->shape, s->in, &s->key));
    if (s->in) FN_TRY(compute_args(ctx, s));
    s->results = FN_NEW_ARRAY(ctx, fn_builder, s->g->def->call_count + 1);
    FN_TRY_PTR(ctx, s->results);
    for (; s->begun < s->g->def->call_count; s->begun++) FN_TRY(fn_builder_init(ctx, &s->results[s->begun], s->g->def->calls[s->begun]->type));
    s->groups = fn_alloc(ctx, ((size_t)rows + 2) * sizeof *s->groups);
    s->order = fn_alloc(ctx, ((size_t)rows + 2) * 2 * sizeof *s->order);
    s->g->first = 0;
    return s->groups && s->order ? FN_OK : ctx->error.code;
}

static void end_step(group_step *s)
{
    for (uint32_t i = 0; s->args && i < s->g->programs->arg_count; i++) fn_column_drop(s->args[i]);
    for (uint32_t i = 0; i < s->begun; i++) fn_builder_release(&s->results[i]);
    if (s->key.columns) mt_key_release(&s->key);
    if (s->kept_key.columns) mt_key_release(&s->kept_key);
    fn_block_drop(s->base);
    fn_free(s->groups);
    fn_free(s->order);
}

/* ---- groups ---- */
static fn_status end_group(fn_ctx *ctx, group_step *s)
{
    mt_ttl_grouping *g = s->g;
    if (!g->open) return FN_OK;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < g->def->call_count && status == FN_OK; i++)
        status = g->def->calls[i]->def->finish(ctx, g->def->calls[i], g->arena, g->states + g->places[i], &s->results[i]);
    destroy_states(g);
    s->order[s->order_count++] = s->base->rows + s->group_count;
    s->groups[s->group_count++] = g->first;
    return status;
}

static void begin_group(group_step *s, uint32_t row)
{
    mt_ttl_grouping *g = s->g;
    for (uint32_t i = 0; i < g->def->call_count; i++) {
        const agg_call *call = g->def->calls[i];
        memset(g->states + g->places[i], 0, call->state_size);
        call->def->init(call, g->states + g->places[i]);
    }
    g->open = true;
    g->first = s->offset + row;
}

static fn_status add_rows(fn_ctx *ctx, group_step *s, uint32_t from, uint32_t rows)
{
    mt_ttl_grouping *g = s->g;
    for (uint32_t i = 0, arg = 0; i < g->def->call_count; arg += g->def->arg_counts[i++]) {
        const agg_call *call = g->def->calls[i];
        FN_TRY(call->def->add_one(ctx, call, g->arena, g->states + g->places[i], s->args + arg, from, rows));
    }
    return FN_OK;
}

/* Has the row the key of the row in front of it (in front of the first: of the kept one)? */
static bool same_key(const group_step *s, uint32_t row)
{
    if (row == 0 && !s->kept_key.columns) return false;
    mt_key a = row ? s->key : s->kept_key, b = s->key;
    a.count = b.count = s->g->def->key_count;
    return mt_key_compare(&a, row ? row - 1 : 0, &b, row) == 0;
}

static fn_status walk(fn_ctx *ctx, group_step *s, const uint8_t *expired)
{
    const uint32_t rows = s->in->rows;
    for (uint32_t i = 0, end; i < rows; i = end) {
        end = i + 1;
        if (!expired[i] || !same_key(s, i)) FN_TRY(end_group(ctx, s));
        if (!expired[i]) {
            s->order[s->order_count++] = s->offset + i;
            continue;
        }
        if (!s->g->open) begin_group(s, i);
        while (end < rows && expired[end] && same_key(s, end)) end++;
        FN_TRY(add_rows(ctx, s, i, end - i));
    }
    return FN_OK;
}

/* ---- what comes out ---- */
/* A row per ended group: first rows, with the new values. */
static fn_status make_groups(fn_ctx *ctx, group_step *s, fn_block **out)
{
    const mt_ttl_grouping *g = s->g;
    const uint32_t stored = s->base->count;
    fn_block *all = fn_block_new(ctx, stored + g->def->call_count, s->group_count);
    fn_column **values = FN_NEW_ARRAY(ctx, fn_column *, g->programs->target_count + 1);
    fn_status status = all && values ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < stored && status == FN_OK; i++) {
        all->columns[i] = fn_column_take(ctx, s->base->columns[i], s->groups, s->group_count);
        if (!all->columns[i]) status = ctx->error.code;
    }
    for (uint32_t i = 0; i < g->def->call_count && status == FN_OK; i++) status = fn_builder_finish(ctx, &s->results[i], &all->columns[stored + i]);
    if (status == FN_OK && g->programs->values) status = run_program(ctx, g->programs->values, all, values);
    fn_block *b = status == FN_OK ? fn_block_new(ctx, stored, s->group_count) : NULL;
    if (status == FN_OK && !b) status = ctx->error.code;
    for (uint32_t i = 0; i < stored && b; i++) b->columns[i] = fn_column_ref(all->columns[i]);
    for (uint32_t i = 0; i < g->programs->target_count && values; i++) {
        if (!b) {
            fn_column_drop(values[i]);
            continue;
        }
        fn_column_drop(b->columns[g->programs->targets[i]]);
        b->columns[g->programs->targets[i]] = values[i];
    }
    fn_block_drop(all);
    *out = b;
    return status;
}

static fn_status emit(fn_ctx *ctx, group_step *s, fn_block **out)
{
    fn_block *groups = NULL;
    if (s->order_count == 0) return FN_OK;
    if (s->group_count) FN_TRY(make_groups(ctx, s, &groups));
    fn_block *b = fn_block_new(ctx, s->base->count, s->order_count);
    fn_status status = b ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < s->base->count && status == FN_OK; i++) {
        fn_column *all = groups ? concat(ctx, s->base->columns[i], groups->columns[i]) : fn_column_ref(s->base->columns[i]);
        b->columns[i] = all ? fn_column_take(ctx, all, s->order, s->order_count) : NULL;
        fn_column_drop(all);
        if (!b->columns[i]) status = ctx->error.code;
    }
    fn_block_drop(groups);
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}

/* The open group's first row, for the next block. */
static fn_status keep_first(fn_ctx *ctx, group_step *s)
{
    fn_block *first = NULL;
    if (s->g->open) {
        first = fn_block_take(ctx, s->base, &s->g->first, 1);
        FN_TRY_PTR(ctx, first);
    }
    fn_block_drop(s->g->kept);
    s->g->kept = first;
    return FN_OK;
}

fn_status mt_ttl_grouping_add(fn_ctx *ctx, mt_ttl_grouping *g, const fn_block *in, const uint8_t *expired, fn_block **out)
{
    group_step s = {.g = g, .in = in};
    *out = NULL;
    if (!g->open && memchr(expired, 1, in->rows) == NULL) {
        *out = fn_block_ref(in);
        return FN_OK;
    }
    fn_status status = begin_step(ctx, &s);
    if (status == FN_OK) status = walk(ctx, &s, expired);
    if (status == FN_OK) status = emit(ctx, &s, out);
    if (status == FN_OK) status = keep_first(ctx, &s);
    end_step(&s);
    return status;
}

fn_status mt_ttl_grouping_end(fn_ctx *ctx, mt_ttl_grouping *g, fn_block **out)
{
    group_step s = {.g = g};
    *out = NULL;
    if (!g->open) return FN_OK;
    fn_status status = begin_step(ctx, &s);
    if (status == FN_OK) status = end_group(ctx, &s);
    if (status == FN_OK) status = emit(ctx, &s, out);
    if (status == FN_OK) status = keep_first(ctx, &s);
    end_step(&s);
    return status;
}
