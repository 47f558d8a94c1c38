/* mergetree/scan.h - the state of one scan, shared by scan_open.c (plans it) and scan_rows.c (runs it).
 *
 * Planning prunes parts and granules and lays what is left out as ranges of up to 8 granules of one part. Workers take ranges from
 * a counter. A range is read in stages: the columns of one conjunct (or the one of a filter), its evaluation, then the next one on
 * the granules that still have rows; the other columns are read last and only where rows are left.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_MT_SCAN_H
#define FIRN_MT_SCAN_H
#include "table/mergetree/prune.h"
#include "table/scan_bound.h"

enum { SCAN_GRANULES_MAX = FN_BLOCK_ROWS_MAX / FN_GRANULE_ROWS };
#define SCAN_FILTER UINT32_MAX

typedef struct scan_verdict scan_verdict;

typedef struct scan_part {
    mt_reader reader;
    scan_verdict **verdicts;      /* per stage: decided by dictionary entry; NULL (also per stage): row by row */
    const uint64_t *hidden;       /* FINAL: bit i = row i is not shown; NULL: all are */
    const uint32_t *hidden_count; /* per granule */
    const fn_part_zones *bound_zones; /* of the threshold's column; NULL: cannot be used */
    fn_column *bound_dictionary;  /* likewise, its sorted dictionary, referenced; NULL: it has none */
} scan_part;

typedef struct scan_range {
    uint32_t part, first, granules;
    uint64_t need;                /* conjuncts to evaluate */
} scan_range;

typedef struct scan_stage {
    uint32_t conjunct;            /* SCAN_FILTER: none, a filter of the request's */
    expr_program *program;
    scan_filter *filter;
    uint32_t column_count;
    uint32_t *slots;              /* where its columns are among scan.slots, in the program's order */
    double cost;                  /* of a row */
    bool total;                   /* cannot fail, whatever the values */
    _Atomic uint64_t tested, passed; /* rows, so far */
    bool by_entry;                /* depends on one column's value alone and is worth deciding once per value */
} scan_stage;

typedef struct mt_scan mt_scan;
typedef struct scan_worker {
    fn_block *ready[SCAN_GRANULES_MAX]; /* made, not yet given */
    uint32_t ready_first, ready_count;
    uint8_t *mask, *piece;        /* FN_BLOCK_ROWS_MAX + pad each */
    fn_column **columns;          /* per slot: of the range at hand, NULL: not read */
    uint32_t *starts;             /* per slot: the granule (in the range) its column begins at */
    uint32_t *order;              /* of the stages */
} scan_worker;

struct mt_scan {
    table_scan base;
    fn_arena *arena;
    mt_table *table;
    mt_list *list;
    mt_shape *shape;
    mt_masks *masks;              /* FINAL's of the chosen granules; NULL: they are the list's */
    uint32_t slot_count;
    uint32_t *slots;              /* distinct schema columns needed */
    uint32_t output_count;
    uint32_t *outputs;            /* slot of each wanted column */
    scan_stage *stages;           /* cheapest first, those that can fail last */
    uint32_t stage_count;
    scan_part *parts;
    uint32_t part_count;
    scan_range *ranges;
    uint32_t range_count, range_capacity;
    _Atomic uint32_t next_range;
    uint64_t limit;               /* rows enough; 0: all */
    _Atomic uint64_t given;
    scan_threshold *threshold;
    uint32_t threshold_slot;      /* of its column; UINT32_MAX: rows are not tested, only granules */
    unsigned worker_count;
    scan_worker *workers;
};

/* ---- scan_order.c ---- */
void scan_order_plan(mt_scan *s);
void scan_order_now(const mt_scan *s, scan_worker *worker); /* worker->order, by cost and what passed so far */

/* ---- scan_verdict.c ---- */
/* For a stage over a column with a dictionary not larger than `rows`; *out NULL otherwise. */
fn_status scan_verdict_plan(fn_ctx *ctx, const mt_scan *s, const scan_stage *stage, const mt_reader *reader, uint64_t rows, scan_verdict **out) FN_MUST_USE;
void scan_verdict_free(scan_verdict *v);
/* Decides what is undecided, together with other workers. *usable false: go row by row. */
fn_status scan_verdict_ready(fn_ctx *ctx, const mt_scan *s, const scan_stage *stage, scan_verdict *v, bool *usable) FN_MUST_USE;
bool scan_verdict_none(const scan_verdict *v); /* no row of the part can pass */
bool scan_verdict_mask(const scan_verdict *v, const fn_column *c, uint8_t *mask, uint32_t *ones); /* false: c is not over that dictionary */

fn_status mt_scan_next(table_scan *self, fn_ctx *ctx, unsigned worker, fn_block **out) FN_MUST_USE;

/* ---- scan_sample.c ---- */
enum { SCAN_SAMPLE_CONDITIONS = 3 }; /* room for them, and one more */
/* Conditions over schema indexes that SAMPLE stands for, in ctx->arena; `rows` are the table's. SAMPLING_NOT_SUPPORTED. */
fn_status mt_sample_conditions(fn_ctx *ctx, const mt_table *t, const mt_shape *shape, uint64_t rows, const table_scan_request *r, expr **out, uint32_t *count) FN_MUST_USE;

/* ---- scan_early.c: FINAL ---- */
/* The conditions to ask before rows with equal keys meet; those of the request's conjuncts that are among them are marked as applied. */
fn_status mt_early_conditions(fn_ctx *ctx, const mt_table *t, const mt_shape *shape, uint64_t rows, const table_scan_request *r, expr ***out, uint32_t *count) FN_MUST_USE;
/* wanted[part][granule]: may rows of it pass all conditions? left[part] (begins at 0): how many. In ctx->arena. */
fn_status mt_early_granules(fn_ctx *ctx, const mt_shape *shape, expr *const *conditions, uint32_t count, const mt_reader *readers, uint32_t reader_count,
                            uint8_t **wanted, uint32_t *left) FN_MUST_USE;
/* The parts that conditions on _part and _partition_id leave, as a list; one reference. */
fn_status mt_early_parts(fn_ctx *ctx, const mt_shape *shape, const table_scan_request *r, mt_list *all, mt_list **out) FN_MUST_USE;

/* FINAL where rows are computed (Summing, Aggregating) or PREWHERE may hide some from the others: the merged rows of the
 * list's parts, one worker. scan_merged.c */
fn_status mt_scan_merged_open(fn_ctx *ctx, mt_snapshot *s, mt_list *list, const table_scan_request *request, table_scan **out) FN_MUST_USE;
#endif
