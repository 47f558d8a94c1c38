/* expr/function.h - scalar functions: one func_def row each, at the foot of engine/function/fn_<family>.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXPR_FUNCTION_H
#define FIRN_EXPR_FUNCTION_H
#include <firn/block.h>

struct expr_lambda;

/* A bound call: made once per query by func_bind, read-only at run time, shared by threads. */
typedef struct func_call {
    const struct func_def *def;
    const fn_type *type;                    /* result; set by def->bind */
    uint32_t arg_count;
    const fn_type *const *arg_types;        /* as def->bind and def->eval see them (see the null and LowCardinality rules) */
    fn_column *const *consts;               /* consts[i]: the 1-row value of a constant argument, or NULL */
    const struct expr_lambda *const *lambdas; /* lambdas[i]: argument i is a lambda, or NULL */
    void *data;                             /* def->bind's own, in ctx->arena; immutable at run time */
} func_call;

enum {
    /* Null rule. Default: arguments are seen without Nullable and without nulls, rows with any NULL argument give
     * NULL, a NULL literal argument gives NULL; the result becomes Nullable if an argument was. */
    FUNC_OWN_NULLS = 1u << 0,          /* function sees nullable arguments and decides itself */
    /* Constant rule. Arguments are FLAT or CONST. All constant (and deterministic): evaluated once at bind. */
    FUNC_NONDETERMINISTIC = 1u << 1,   /* rand(): never folded, evaluated per row */
    FUNC_QUERY_CONSTANT = 1u << 2,     /* now(): one value per query */
    /* Dictionary rule. Default: a single DICT argument with only constants beside it is evaluated on the dictionary
     * and the codes kept; anything else is flattened first. */
    FUNC_OWN_DICT = 1u << 3,           /* function sees DICT arguments */
    /* LowCardinality rule. Default: stripped from arguments; the result becomes LowCardinality again when exactly one
     * argument was and the others are constant (and the type allows it). */
    FUNC_NO_LOW_CARDINALITY = 1u << 4, /* result never LowCardinality */
    FUNC_CASE_INSENSITIVE = 1u << 5,   /* name and aliases found in any case */
    FUNC_LAZY = 1u << 6,               /* if, multiIf, and, or: expr/ evaluates arguments only where needed */
    FUNC_PER_ENTRY = 1u << 7,          /* may run on a dictionary larger than the block's rows (pure and total: cannot fail per value) */
    FUNC_INTERNAL = 1u << 8,           /* not listed in system.functions */
    FUNC_OWN_LOW_CARDINALITY = 1u << 9 /* argument types are seen with LowCardinality: toTypeName, materialize */
};

typedef struct func_def {
    const char *name;
    const char *const *aliases; /* NULL-terminated or NULL */
    int8_t args_min, args_max;  /* args_max -1: no upper bound; else NUMBER_OF_ARGUMENTS_DOESNT_MATCH (42) */
    uint32_t flags;
    /* Checks argument types (ILLEGAL_TYPE_OF_ARGUMENT 43 ...), sets call->type and call->data. */
    fn_status (*bind)(fn_ctx *ctx, func_call *call);
    /* Lambda arguments: the parameter types of lambda `index` given the other arguments' types; called before bind. */
    fn_status (*lambda)(fn_ctx *ctx, const func_call *call, uint32_t index, const fn_type **params, uint32_t param_count);
    /* args: call->arg_count columns (NULL for lambdas) of `rows` rows, FLAT or CONST. Gives one new reference of
     * type call->type, FLAT or CONST (DICT allowed), exactly `rows` rows. Any thread. */
    fn_status (*eval)(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out);
    const char *about;   /* one or two sentences for system.functions; required */
    const char *example; /* "plus(1, 2)"; required */
    const char *gives;   /* "3" */
} func_def;

typedef struct func_family {
    const char *name; /* category shown in system.functions: "arithmetic" */
    const func_def *defs;
    size_t count;
} func_family;
#define FUNC_FAMILY(title, rows) {(title), (rows), FN_COUNT(rows)}

const func_def *func_find(fn_str name); /* by name or alias; NULL if unknown */
/* Walks all functions; false behind the last. */
bool func_at(size_t index, const func_def **def, const func_family **family);
/* Closest known name for "Maybe you meant", or NULL. */
const char *func_suggest(fn_str name);
#endif
