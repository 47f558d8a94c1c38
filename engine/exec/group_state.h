/* exec/group_state.h - the states of all aggregates of one operator, laid out behind each other.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_GROUP_STATE_H
#define FIRN_EXEC_GROUP_STATE_H
#include "plan/plan.h"

/* What merging and finishing need not ask the function for. */
typedef enum group_kind { GROUP_ANY, GROUP_ADD_U64 /* count, integer sums */, GROUP_ADD_F64 /* float sums */ } group_kind;

typedef struct group_agg {
    const agg_call *call;
    uint32_t offset;     /* from the group's states */
    uint32_t first_arg;  /* among the operator's argument columns */
    group_kind kind;
    bool zero_init;      /* init of zeroed memory changes nothing */
    bool plain;          /* the state is its bytes: it points at nothing */
} group_agg;

typedef struct group_states {
    group_agg *aggs;
    uint32_t count, arg_count;
    uint32_t size, align;
    bool zero_init;      /* of all */
    bool destroys;       /* some state owns memory outside the arena */
    bool small;          /* fixed-size states that own nothing: cheap to have many of */
} group_states;

fn_status group_states_plan(fn_ctx *ctx, const plan_aggregate_item *items, uint32_t count, group_states *out) FN_MUST_USE;
void group_states_init(const group_states *g, uint8_t *state); /* zeroed memory */
/* Adds rows [from, from + rows) of the arguments: states[i] + base belongs to row from + i. */
fn_status group_states_add(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *const *states, size_t base, fn_column *const *args,
                           uint32_t from, uint32_t rows) FN_MUST_USE;
/* Adds all rows of the arguments by place; states[p] is where place p's states begin. slots: scratch, GROUP_CHUNK of them. */
fn_status group_states_add_few(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *const *states, const agg_few *few, fn_column *const *args,
                               uint32_t rows, uint8_t **slots) FN_MUST_USE;
/* Rows [from, from + rows) of the arguments, all of one group. */
fn_status group_states_add_one(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *state, fn_column *const *args, uint32_t from,
                               uint32_t rows) FN_MUST_USE;
bool group_states_in_any_order(const group_states *g); /* adding rows at once gives what adding them one by one gives: no floats are summed */
/* `from` is dead afterwards, also on failure. */
fn_status group_states_merge(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *into, uint8_t *from) FN_MUST_USE;
fn_status group_states_merge_kept(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *into, const uint8_t *from) FN_MUST_USE; /* from lives on */
/* States as bytes, for other memory or a file. NOT_IMPLEMENTED: the function cannot (it says so of an empty state, too). */
fn_status group_states_write(fn_ctx *ctx, const group_states *g, const uint8_t *state, fn_buf *out) FN_MUST_USE;
/* Into states that have been begun. */
fn_status group_states_read(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *state, const uint8_t **at, const uint8_t *end) FN_MUST_USE;
/* out[i]: result column of aggregate i over `rows` groups. States live on. */
fn_status group_states_finish(fn_ctx *ctx, const group_states *g, fn_arena *arena, uint8_t *const *states, uint32_t rows, fn_column **out) FN_MUST_USE;
void group_states_destroy(const group_states *g, uint8_t *state);
#endif
