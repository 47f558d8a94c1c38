/* projection_group.c - a block of rows as the groups of an aggregate projection: keys and states as bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/projection.h"

typedef struct groups {
    uint32_t *of_row;  /* per row */
    uint32_t *first;   /* per group: a row of it */
    uint32_t count;
} groups;

static void groups_release(groups *g)
{
    fn_free(g->of_row);
    fn_free(g->first);
}

static bool same_key(fn_column *const *keys, uint32_t count, size_t a, size_t b)
{
    for (uint32_t i = 0; i < count; i++)
        if (!fn_column_equal_at(keys[i], a, keys[i], b)) return false;
    return true;
}

/* Open addressing over group + 1, as large as the rows may need. */
static fn_status find_groups(fn_ctx *ctx, fn_column *const *keys, uint32_t count, uint32_t rows, groups *g)
{
    const uint64_t room = fn_next_pow2(2 * (uint64_t)rows + 16);
    uint64_t *hashes = fn_alloc_zero(ctx, ((size_t)rows + 1) * sizeof *hashes);
    uint32_t *slots = fn_alloc_zero(ctx, room * sizeof *slots);
    g->of_row = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *g->of_row);
    g->first = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *g->first);
    fn_status status = hashes && slots && g->of_row && g->first ? FN_OK : ctx->error.code;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = fn_column_hash(ctx, keys[i], hashes, i == 0);
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) {
        uint64_t at = hashes[i] & (room - 1);
        while (slots[at]) {
            const uint32_t other = g->first[slots[at] - 1];
            if (hashes[other] == hashes[i] && same_key(keys, count, other, i)) break;
            at = (at + 1) & (room - 1);
        }
        if (!slots[at]) {
            g->first[g->count++] = i;
            slots[at] = g->count;
        }
        g->of_row[i] = slots[at] - 1;
    }
    fn_free(hashes);
    fn_free(slots);
    return status;
}

/* ---- states ---- */
typedef struct state_list {
    const agg_call *call;
    fn_arena *arena;
    uint8_t *memory;
    uint8_t **of_row;  /* per row: the state of its group */
    size_t step;
    uint32_t begun;
} state_list;

static void states_release(state_list *s)
{
    for (uint32_t i = 0; i < s->begun && s->call->def->destroy; i++) s->call->def->destroy(s->call, s->memory + s->step * i);
    fn_free(s->memory);
    fn_free(s->of_row);
    fn_arena_free(s->arena);
}

static fn_status states_begin(fn_ctx *ctx, const agg_call *call, const groups *g, uint32_t rows, state_list *s)
{
    *s = (state_list){.call = call, .arena = fn_arena_new(ctx), .step = fn_round_up(FN_MAX(call->state_size, 1), 16)};
    s->memory = fn_alloc_zero(ctx, s->step * g->count + 16);
    s->of_row = fn_alloc(ctx, ((size_t)rows + 1) * sizeof *s->of_row);
    if (!s->arena || !s->memory || !s->of_row) return ctx->error.code;
    for (; s->begun < g->count; s->begun++) call->def->init(call, s->memory + s->step * s->begun);
    for (uint32_t i = 0; i < rows; i++) s->of_row[i] = s->memory + s->step * g->of_row[i];
    return FN_OK;
}

static fn_status add_rows(fn_ctx *ctx, state_list *s, fn_column *const *args, uint32_t count, uint32_t rows)
{
    fn_column **flat = FN_NEW_ARRAY(ctx, fn_column *, count + 1);
    FN_TRY_PTR(ctx, flat);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        flat[i] = args[i]->shape == FN_CONST ? fn_column_ref(args[i]) : fn_column_flatten(ctx, args[i]);
        if (!flat[i]) status = ctx->error.code;
    }
    if (status == FN_OK) status = s->call->def->add(ctx, s->call, s->arena, s->of_row, 0, flat, rows);
    for (uint32_t i = 0; i < count; i++) fn_column_drop(flat[i]);
    return status;
}

static fn_status write_states(fn_ctx *ctx, const state_list *s, const fn_type *type, fn_column **out)
{
    fn_builder b;
    fn_buf bytes = FN_BUF_INIT;
    FN_TRY(fn_builder_init(ctx, &b, type));
    fn_status status = FN_OK;
    for (uint32_t g = 0; g < s->begun && status == FN_OK; g++) {
        bytes.size = 0;
        status = s->call->def->write(ctx, s->call, s->memory + s->step * g, &bytes);
        if (status == FN_OK) status = fn_builder_str(ctx, &b, fn_buf_view(&bytes));
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    fn_builder_release(&b);
    fn_buf_release(&bytes);
    return status;
}

static fn_status make_states(fn_ctx *ctx, const mt_projection_state *state, fn_column *const *args, const groups *g, uint32_t rows, const fn_type *type, fn_column **out)
{
    state_list s;
    fn_status status = states_begin(ctx, state->call, g, rows, &s);
    if (status == FN_OK) status = add_rows(ctx, &s, args, state->arg_count, rows);
    if (status == FN_OK) status = write_states(ctx, &s, type, out);
    states_release(&s);
    return status;
}

fn_status mt_projection_group(fn_ctx *ctx, const mt_projection *p, const table_schema *schema, fn_column *const *values, uint32_t rows, fn_block **out)
{
    groups g = {0};
    fn_column *const *args = values + p->value_count;
    fn_status status = find_groups(ctx, values, p->value_count, rows, &g);
    fn_block *b = status == FN_OK ? fn_block_new(ctx, p->value_count + p->state_count, g.count) : NULL;
    if (status == FN_OK && !b) status = ctx->error.code;
    for (uint32_t i = 0; i < p->value_count && status == FN_OK; i++) {
        b->columns[i] = fn_column_take(ctx, values[i], g.first, g.count);
        if (!b->columns[i]) status = ctx->error.code;
    }
    for (uint32_t i = 0; i < p->state_count && status == FN_OK; i++) {
        const uint32_t column = p->value_count + i;
        status = make_states(ctx, &p->states[i], args, &g, rows, schema->columns[column].type, &b->columns[column]);
        args += p->states[i].arg_count;
    }
    groups_release(&g);
    if (status == FN_OK) *out = b;
    else fn_block_drop(b);
    return status;
}
