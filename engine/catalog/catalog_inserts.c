/* catalog_inserts.c - which inserts a table has seen: deduplication.
 *
 * An insert is known by an id per partition (mt_insert_id). Its row stands in the transaction that lists its parts: both are durable
 * together, so an insert sent again after a crash is either in the table and known, or neither. Rows are numbered per table; the last
 * `window` numbers are kept. A row also names the block number its part had: what DROP PARTITION takes away may be inserted again,
 * what a merge or a mutation rewrites may not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog_store.h"

static fn_status is_known(fn_ctx *ctx, catalog *c, const table_state *state, const mt_change *change, const mt_insert_id *id, bool *out)
{
    const mt_part_row *part = &change->add[id->part];
    sqlite3_stmt *s = catalog_sql_bind(c, SQL_INSERT_ID, "ibt", state->id, id->id.low, id->id.high, part->partition_id);
    FN_TRY(catalog_sql_step(ctx, c, s, out));
    if (!*out) return FN_OK;
    const int64_t created_s = sqlite3_column_int64(s, 0);
    const uint64_t number = (uint64_t)sqlite3_column_int64(s, 1);
    (void)sqlite3_reset(s);
    if (change->window_s && part->created_s - created_s > (int64_t)FN_MIN(change->window_s, (uint64_t)INT64_MAX)) *out = false;
    if (number + change->window < state->next_insert) *out = false; /* the window was made smaller */
    if (*out) return FN_OK;
    return catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_INSERT_ID_REMOVE, "ibt", state->id, id->id.low, id->id.high, part->partition_id));
}

static fn_status find_next(fn_ctx *ctx, catalog *c, table_state *state)
{
    bool row;
    if (state->next_insert) return FN_OK;
    sqlite3_stmt *s = catalog_sql_bind(c, SQL_INSERT_ID_LAST, "i", state->id);
    FN_TRY(catalog_sql_step(ctx, c, s, &row));
    state->next_insert = 1 + (row ? (uint64_t)sqlite3_column_int64(s, 0) : 0);
    (void)sqlite3_reset(s);
    return FN_OK;
}

static fn_status remember(fn_ctx *ctx, catalog *c, table_state *state, const mt_change *change, const mt_insert_id *id)
{
    const mt_part_row *part = &change->add[id->part];
    return catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_INSERT_ID_ADD, "ibtuui", state->id, id->id.low, id->id.high, part->partition_id,
                                                    state->next_insert++, part->min_block, part->created_s));
}

fn_status catalog_inserts_check(fn_ctx *ctx, catalog *c, table_state *state, const mt_change *change)
{
    FN_TRY(find_next(ctx, c, state));
    for (size_t i = 0; i < change->id_count; i++) { /* all before any is remembered: the blocks of one insert do not hide each other */
        bool known;
        FN_TRY(is_known(ctx, c, state, change, &change->ids[i], &known));
        if (!known) continue;
        if (!change->skipped) return fn_fail(ctx, FN_INSERT_WAS_DEDUPLICATED, "The block was inserted before");
        change->skipped[change->ids[i].part] = true;
    }
    for (size_t i = 0; i < change->id_count; i++)
        if (!change->skipped || !change->skipped[change->ids[i].part]) FN_TRY(remember(ctx, c, state, change, &change->ids[i]));
    if (state->next_insert <= change->window + 1) return FN_OK;
    return catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_INSERT_IDS_TRIM, "iu", state->id, state->next_insert - 1 - change->window));
}

/* Of parts: one range of block numbers per run of one partition. An insert that commits at the same moment with a number inside the
 * range may be forgotten, too: it is then unknown, never wrongly known. */
fn_status catalog_inserts_forget(fn_ctx *ctx, catalog *c, const table_state *state, const mt_change *change)
{
    const fn_str *partition = change->forget_partition;
    if (partition && partition->data)
        FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_INSERT_IDS_FORGET, "itii", state->id, *partition, (int64_t)0, INT64_MAX)));
    else if (partition)
        FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_INSERT_IDS_REMOVE, "i", state->id)));
    for (size_t from = 0, end; from < change->forget_count; from = end) {
        const mt_part_row *first = &change->forget[from];
        uint64_t least = first->min_block, most = first->max_block;
        for (end = from + 1; end < change->forget_count && fn_str_eq(change->forget[end].partition_id, first->partition_id); end++) {
            least = FN_MIN(least, change->forget[end].min_block);
            most = FN_MAX(most, change->forget[end].max_block);
        }
        FN_TRY(catalog_sql_run(ctx, c, catalog_sql_bind(c, SQL_INSERT_IDS_FORGET, "ituu", state->id, first->partition_id, least, most)));
    }
    return FN_OK;
}
