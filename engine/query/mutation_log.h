/* query/mutation_log.h - system.mutations: changes of rows under way and the last ones of each table since the server began. A mutation is a part of
 * its statement: what fails has changed nothing and is over; its row says why. KILL MUTATION ends the statement of one under way and takes
 * rows of others off the list, as ClickHouse does.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_QUERY_MUTATION_LOG_H
#define FIRN_QUERY_MUTATION_LOG_H
#include "query/query.h"

typedef struct mutation_entry mutation_entry;
fn_status mutation_log_open(fn_ctx *ctx, fn_engine *engine) FN_MUST_USE;
void mutation_log_close(fn_engine *engine);
/* command: as ClickHouse shows it, in parentheses. */
fn_status mutation_log_begin(query *q, const table *t, uint64_t number, fn_str command, mutation_entry **out) FN_MUST_USE;
/* With what became of it: the status to go on with. A failure is UNFINISHED (341) with the reason in its text, unless the statement was
 * ended or begins again; the entry is gone in the latter case. */
fn_status mutation_log_end(query *q, mutation_entry *e, fn_status status) FN_MUST_USE;
fn_status mutation_log_each(fn_ctx *ctx, fn_engine *engine, system_each_mutation *each, void *self) FN_MUST_USE;
/* False: there is none of that id. */
bool mutation_log_kill(fn_engine *engine, fn_str database, fn_str name, fn_str id);
#endif
