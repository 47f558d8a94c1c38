/* exec/op_aggregate.h - the parts of the GROUP BY operator: op_aggregate.c takes rows in (aggregate_code.c: by dictionary code,
 * aggregate_few.c: by codes of few values, aggregate_coded.c: by codes of numbers, aggregate_limit.c: where few groups are enough, aggregate_top.c: where the best are),
 * aggregate_disk.c moves groups to temporary files, aggregate_emit.c merges and gives groups out, aggregate_totals.c is WITH TOTALS.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_OP_AGGREGATE_H
#define FIRN_EXEC_OP_AGGREGATE_H
#include "exec/group_key.h"
#include "exec/group_pages.h"
#include "exec/group_state.h"
#include "exec/run.h"
#include "exec/spill.h"

/* Only groups with the best values of one 64-bit counter are wanted. */
typedef struct aggregate_top {
    uint32_t rows;          /* 0: all groups are */
    uint32_t offset;        /* of the counter in the states */
    uint64_t flip;          /* counter ^ flip: larger is better */
    bool only_key;          /* of equal ones any will do */
} aggregate_top;

typedef struct op_aggregate {
    op head;
    expr_program *program;  /* keys, then arguments of all aggregates */
    uint32_t key_count;     /* as computed */
    uint32_t group_keys;    /* + 1 for the number of the grouping set */
    const fn_type **key_types;
    group_states states;
    pthread_mutex_t lock;   /* of the choice of key form */
    _Atomic bool keys_ready;
    group_keys keys;
    fn_arena *arena;        /* of the keys */
    uint32_t stride, state_at;
    bool inlined;           /* states lie in the slot; else the slot points at them */
    bool counts;            /* the only aggregate is count() */
    bool runs;              /* a chunk of one key alone may be added at once */
    bool counters;          /* all states are 64-bit counters in the slot */
    uint64_t enough;        /* LIMIT without ORDER BY: so many groups will do, others are not begun; 0 = all */
    spill_watch watch;
    _Atomic int writable;   /* can the states be written? 0: nobody has asked, 1, -1 */
    _Atomic bool on_disk;   /* groups of some worker are; in the end all */
    group_table chosen;     /* their keys; under the lock until is_chosen */
    _Atomic bool is_chosen;
    /* giving out */
    bool by_code;           /* from arrays of so many places */
    uint64_t places;
    bool partitioned;
    _Atomic uint32_t next_partition;
    _Atomic uint64_t next_slot;
    _Atomic uint64_t merged; /* groups of partitions so far */
    _Atomic bool single_given;
    aggregate_top top;
    /* WITH TOTALS */
    expr_program *having;
    uint8_t *totals;        /* states over all groups */
    fn_arena *totals_arena;
    block_list given;       /* with totals: all groups, made by finish */
    bool keeps;
} op_aggregate;

/* A worker's own. */
typedef struct group_worker {
    fn_arena *arena;        /* long texts of keys, states outside slots, what states hold */
    fn_arena *scratch;      /* what the worker needs besides */
    struct group_disk *disk; /* groups written to a file; NULL before the first */
    group_packer packer;
    group_table table;
    group_pages *pages;     /* NULL before the first */
    uint8_t **slots, **fresh; /* GROUP_CHUNK each */
    uint8_t *numbers;       /* partition numbers of a chunk */
    uint8_t *single;        /* no keys: the states */
    bool by_code;           /* groups lie in an array, by their place (aggregate_code.c) */
    uint64_t places, code_rows;
    group_table codes;      /* NUMBER form over places */
    uint32_t *tally;        /* or, for count() alone, the counts by place */
    fn_buffer *tally_memory;
    fn_buf wraps;           /* u64 each: the place of a count that went through 2^32 */
    fn_column *coded;       /* rows counted by entry of this dictionary are still to be added to their groups; NULL: none */
    fn_buffer *coded_counts; /* u32 per entry */
    uint64_t coded_rows;
    uint64_t table_rows;    /* rows the table has taken since it was empty */
    uint64_t pass_rows;     /* rows still to go straight into partitions */
    uint64_t rows_since;    /* rows taken since groups went to disk */
    uint64_t pages_limit;   /* bytes of partitions at which repeats of groups are merged */
    uint32_t *picked;       /* enough: rows and keys of chosen groups in a chunk */
    uint8_t *picked_keys;
    bool ready;
    /* giving out */
    group_table merged;
    fn_arena *merge_arena;
    uint32_t partition;     /* on disk: a partition too large for one pass, and the passes left */
    uint32_t pass, passes;
    uint64_t cursor;
    uint64_t *best;         /* top: heap of the best values given out, the least one first */
    uint32_t best_count;
} group_worker;

static inline group_worker *aggregate_worker(op_aggregate *o, unsigned worker)
{
    return op_worker(&o->head, worker);
}
static inline uint8_t *aggregate_state(const op_aggregate *o, uint8_t *slot)
{
    return o->inlined ? slot + o->state_at : (uint8_t *)(uintptr_t)fn_load_u64(slot + o->state_at);
}
/* Destroys what a slot's states own and forgets the slot; one already moved away is all zero. */
static inline void aggregate_drop(const op_aggregate *o, uint8_t *slot)
{
    uint8_t *state = aggregate_state(o, slot);
    if (state) group_states_destroy(&o->states, state);
    memset(slot, 0, o->stride);
}
void aggregate_drop_rows(op_aggregate *o, group_page *page); /* the rows not moved away */
/* Merges rows {key, states} that lie `stride` apart into the table; they are used up, also on failure. settle: where the texts of new
 * keys are copied to; NULL: they stay where they are. */
fn_status aggregate_merge(op_aggregate *o, fn_ctx *ctx, group_worker *w, group_table *t, fn_arena *arena, uint8_t *rows, uint32_t count, fn_arena *settle) FN_MUST_USE;
/* aggregate_code.c: rows of one String key by the ids of its numbering, in arrays. */
bool aggregate_codes_pay(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t rows); /* notes the rows; false: use the hash table */
fn_status aggregate_codes(op_aggregate *o, fn_ctx *ctx, group_worker *w, const fn_column *key, fn_column *const *args, uint32_t rows) FN_MUST_USE;
fn_status aggregate_codes_begin(op_aggregate *o, fn_ctx *ctx, group_worker *w) FN_MUST_USE; /* moves the worker's groups into its array */
fn_status aggregate_codes_end(op_aggregate *o, fn_ctx *ctx, group_worker *w) FN_MUST_USE; /* and back, into its partitions */
fn_status aggregate_codes_finish(op_aggregate *o, fn_ctx *ctx) FN_MUST_USE; /* if a worker has an array, all get one: o->by_code */
fn_status aggregate_codes_groups(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint8_t **slots, uint32_t room, uint32_t *count) FN_MUST_USE;
/* aggregate_few.c: rows whose keys' dictionaries have few entries. */
bool aggregate_few_fits(const op_aggregate *o, const group_worker *w, fn_column *const *keys, uint32_t rows);
fn_status aggregate_few(op_aggregate *o, fn_ctx *ctx, group_worker *w, fn_column *const *keys, fn_column *const *args, uint32_t rows) FN_MUST_USE;
/* aggregate_coded.c: rows of one number that comes as dictionary codes, counted or listed. False: not these. */
bool aggregate_coded_fits(const op_aggregate *o, fn_ctx *ctx, const fn_column *key);
fn_status aggregate_coded(op_aggregate *o, fn_ctx *ctx, group_worker *w, const fn_column *key) FN_MUST_USE;
fn_status aggregate_coded_finish(op_aggregate *o, fn_ctx *ctx) FN_MUST_USE; /* adds what the workers have counted */
void aggregate_coded_close(group_worker *w);
/* Makes room, then finds or makes the slots of `rows` <= GROUP_CHUNK keys: w->slots, or, `counted`, their counts go up by one. */
fn_status aggregate_empty_sets(op_aggregate *o, fn_ctx *ctx) FN_MUST_USE; /* no row has come */
fn_status aggregate_find(op_aggregate *o, fn_ctx *ctx, group_worker *w, const void *keys, size_t key_stride, uint32_t rows, bool counted) FN_MUST_USE;
/* Zeroed states of fresh slots become empty ones. */
fn_status aggregate_start(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint8_t *const *slots, uint32_t count) FN_MUST_USE;
/* Empties the worker's table if it has become too large. */
fn_status aggregate_relieve(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t rows) FN_MUST_USE;
/* aggregate_limit.c: rows (in the chunk) of keys that are among the chosen; w->picked lists them, or all if *count == rows. */
fn_status aggregate_pick(op_aggregate *o, fn_ctx *ctx, group_worker *w, const uint8_t *keys, size_t key_stride, uint32_t rows, uint32_t *count) FN_MUST_USE;
/* aggregate_top.c: slots of groups that may be among the best; the others are dropped. */
void aggregate_top_plan(op_aggregate *o);
fn_status aggregate_top_ready(const op_aggregate *o, fn_ctx *ctx, group_worker *w) FN_MUST_USE;
bool aggregate_top_takes(const op_aggregate *o, group_worker *w, uint64_t counter);
uint32_t aggregate_top_pick(op_aggregate *o, group_worker *w, uint8_t **slots, uint32_t count);
/* Merges repeats of groups inside each of the worker's partitions. */
fn_status aggregate_compact(op_aggregate *o, fn_ctx *ctx, group_worker *w) FN_MUST_USE;
/* aggregate_disk.c: moves the worker's groups to its file when memory is short. */
fn_status aggregate_watch(op_aggregate *o, fn_ctx *ctx, group_worker *w) FN_MUST_USE;
fn_status aggregate_disk_finish(op_aggregate *o, fn_ctx *ctx) FN_MUST_USE; /* if a worker has a file, all groups go to files: o->on_disk */
fn_status aggregate_disk_merge(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint32_t number) FN_MUST_USE; /* a partition, or the next pass over it */
void aggregate_disk_close(group_worker *w);
/* max_rows_to_group_by. */
fn_status aggregate_check(op_aggregate *o, fn_ctx *ctx, uint64_t groups) FN_MUST_USE;
fn_status aggregate_ready_pages(op_aggregate *o, fn_ctx *ctx, group_worker *w) FN_MUST_USE;
/* Moves all groups of the worker's table into its partitions. */
fn_status aggregate_flush(op_aggregate *o, fn_ctx *ctx, group_worker *w) FN_MUST_USE;
fn_status aggregate_finish(op *self, fn_ctx *ctx) FN_MUST_USE;
fn_status aggregate_next(op *self, fn_ctx *ctx, unsigned worker, fn_block **out) FN_MUST_USE;
/* Also without totals: the next groups. */
fn_status aggregate_groups(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint8_t **slots, uint32_t room, uint32_t *count) FN_MUST_USE;
fn_status aggregate_block(op_aggregate *o, fn_ctx *ctx, group_worker *w, uint8_t *const *slots, uint32_t count, fn_block **out) FN_MUST_USE;
fn_status aggregate_totals_finish(op_aggregate *o, fn_ctx *ctx) FN_MUST_USE;
/* aggregate_rewrite.c: builds the node in another shape if that is better; *done says so. */
fn_status aggregate_rewrite(fn_ctx *ctx, exec *e, const plan *node, pipeline *p, bool *done) FN_MUST_USE;
/* The condition of HAVING right above: groups that fail it are not in the totals. */
fn_status op_aggregate_having(op *self, fn_ctx *ctx, expr *condition) FN_MUST_USE;
#endif
