/* mergetree/condition.h - the trees behind mt_conditions, shared by condition.c (makes them) and prune_granules.c (asks them).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MT_CONDITION_H
#define FIRN_MT_CONDITION_H
#include "table/mergetree/prune.h"

enum { MT_CONJUNCTS_MAX = 64, MT_OPERANDS_MAX = 32, MT_KEYS_MAX = 8 };

typedef enum mt_node_kind { MT_NODE_UNKNOWN, MT_NODE_AND, MT_NODE_OR, MT_NODE_RANGE, MT_NODE_SET, MT_NODE_NULL } mt_node_kind;

typedef struct mt_node mt_node;
struct mt_node {
    mt_node_kind kind;
    bool negated;            /* leaves only: the other rows, NULL excepted */
    bool weak;               /* rows inside may still fail: never "all" */
    bool open, open_max;     /* ends do not belong to the interval (open: both) */
    uint32_t operand;
    fn_column *min, *max;    /* RANGE: 1 row each, NULL = no end; referenced */
    fn_column *values;       /* SET: sorted; referenced */
    uint32_t value_count;
    mt_node **kids;
    uint32_t kid_count;
    mt_node *next_made;
};

typedef struct mt_operand {
    const expr *source;
    uint32_t column;         /* schema index; of an index: number of the value */
    const fn_type *type;     /* base type of the operand */
    expr_program *program;   /* of one column; NULL: the column itself */
} mt_operand;

typedef struct mt_bound {
    const fn_column *column; /* NULL: none */
    uint32_t row;
} mt_bound;
typedef struct mt_key_bound { /* inclusive ends of a key column */
    mt_bound low, high;
} mt_key_bound;

struct mt_conditions {
    const mt_index *index;   /* NULL: over the table's columns */
    uint32_t count;
    mt_node *roots[MT_CONJUNCTS_MAX];
    mt_node *made;
    mt_operand operands[MT_OPERANDS_MAX];
    uint32_t operand_count;
    mt_key_bound keys[MT_KEYS_MAX];
    uint32_t key_count;
};

/* The constant as a 1-row column of `type` (new reference), or NULL when it does not carry over unchanged. */
fn_column *mt_constant_as(fn_ctx *ctx, expr *constant, const fn_type *type, bool equality);
#endif
