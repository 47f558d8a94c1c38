/* expr/aggregate.h - aggregate functions: one agg_def row each, at the foot of engine/aggregate/agg_<family>.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXPR_AGGREGATE_H
#define FIRN_EXPR_AGGREGATE_H
#include <firn/block.h>

/* A bound aggregate: read-only at run time. */
typedef struct agg_call agg_call;
struct agg_call {
    const struct agg_def *def;
    const fn_type *type;             /* of the result */
    uint32_t arg_count;
    const fn_type *const *arg_types; /* as the function sees them */
    uint32_t param_count;
    fn_column *const *params;        /* quantile(0.5): 1-row constants */
    uint32_t state_size, state_align; /* bytes; set by bind; align <= 16 */
    const agg_call *nested;          /* combinators (-If, -Array, -State, Null handling ...): what they wrap */
    void *data;                      /* bind's own, in ctx->arena */
    fn_str name;                     /* as written: "sumIf" */
};

enum {
    AGG_OWN_NULLS = 1u << 0,     /* sees nullable arguments (count(x), any_respect_nulls); default: rows with NULL are skipped,
                                    result Nullable (NULL for an empty state) when an argument is Nullable */
    AGG_NO_NULL_RESULT = 1u << 1, /* skips NULLs but never returns NULL (count, uniq, groupArray) */
    AGG_ORDER_DEPENDENT = 1u << 2,
    AGG_CASE_INSENSITIVE = 1u << 3,
    AGG_WINDOW_ONLY = 1u << 4    /* row_number, rank ...: evaluated by the window operator */
};

/* Rows of a block by the few groups they belong to. */
enum { AGG_FEW_MAX = 256 };
typedef struct agg_few {
    const uint8_t *places;  /* of each row, below place_count */
    const uint32_t *counts; /* rows of each place */
    uint32_t place_count;
} agg_few;

/* States may be moved with memcpy: they hold no pointers into themselves. Variable-size memory of states comes from `arena`, which lives as long as the states. */
typedef struct agg_def {
    const char *name;
    const char *const *aliases;
    int8_t args_min, args_max, params_min, params_max; /* -1: no bound */
    uint32_t flags;
    fn_status (*bind)(fn_ctx *ctx, agg_call *call);
    void (*init)(const agg_call *call, void *state);
    /* Adds row i of args to the state at states[i] + offset. args FLAT or CONST, without nulls unless OWN_NULLS. */
    fn_status (*add)(fn_ctx *ctx, const agg_call *call, fn_arena *arena, uint8_t *const *states, size_t offset,
                     fn_column *const *args, uint32_t rows);
    /* Adds rows [from, from+rows) to one state. */
    fn_status (*add_one)(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t from,
                         uint32_t rows);
    /* Adds all rows of args by place: states[p] is the group of place p, NULL where it has no rows. False, and nothing is added, where
     * `add` has to do it. May be NULL. */
    bool (*add_few)(const agg_call *call, uint8_t *const *states, size_t offset, const agg_few *few, fn_column *const *args, uint32_t rows);
    fn_status (*merge)(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from);
    fn_status (*finish)(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out); /* appends one value */
    fn_status (*write)(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out); /* ClickHouse's state encoding where known */
    fn_status (*read)(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end);
    void (*destroy)(const agg_call *call, void *state); /* NULL: nothing outside the arena */
    const char *about, *example, *gives;
} agg_def;

typedef struct agg_family {
    const char *name;
    const agg_def *defs;
    size_t count;
} agg_family;

const agg_def *agg_find(fn_str name); /* base name without combinators; NULL if unknown */
bool agg_at(size_t index, const agg_def **def);
const char *agg_combinator_at(size_t index); /* "If" ...; NULL behind the last */
/* True if the name is an aggregate with or without combinators. */
bool agg_is_name(fn_str name);
/* Resolves combinators, checks counts and types. Errors: UNKNOWN_AGGREGATE_FUNCTION (63), 42, 43. All in ctx->arena. */
fn_status agg_bind(fn_ctx *ctx, fn_str name, const fn_type *const *arg_types, uint32_t arg_count, fn_column *const *params,
                   uint32_t param_count, agg_call **out) FN_MUST_USE;
/* "quantile(0.5)": the name and its literal parameters, which live as long as ctx->arena. Errors: BAD_ARGUMENTS, of the text reader. */
fn_status agg_parse(fn_ctx *ctx, fn_str text, fn_str *name, fn_column ***params, uint32_t *count) FN_MUST_USE;
/* The aggregate whose state an AggregateFunction type is. */
fn_status agg_bind_state(fn_ctx *ctx, const fn_type *state, agg_call **out) FN_MUST_USE;
/* f(DISTINCT ...): `call` over every different row of arguments once. NOT_IMPLEMENTED for arrays and tuples. */
fn_status agg_bind_distinct(fn_ctx *ctx, const agg_call *call, agg_call **out) FN_MUST_USE;
#endif
