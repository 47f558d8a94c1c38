/* client.h - an engine on the sim's disk, and statements for it. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SIM_CLIENT_H
#define FIRN_SIM_CLIENT_H
#include "statement.h"
#include <firn/arena.h>
#include <firn/engine.h>

#define SIM_ROOT "/db"

/* NULL: it cannot be opened; why is in `error`. */
fn_engine *client_open(fn_error *error);
/* Runs a text. The answer goes to `out` (may be NULL), the message of a failure to `error` (may be NULL). */
fn_status client_run(fn_engine *e, const char *sql, fn_buf *out, fn_error *error);
/* Runs a statement; fills status, done and, for those that read, rows. */
void client_run_statement(fn_engine *e, statement *s, const world_shape *shape, bool verbose);
/* What all tables hold, by FINAL and by GROUP BY. An error of a table other than that it is not there, two answers: false. */
bool client_read_world(fn_engine *e, const world_shape *shape, world *out);
/* Rows whose life is over by now are not looked at any more. */
void client_set_age(const world_shape *shape);
/* Every part passes CHECK TABLE; as many rows as system.parts says; no file that no part names. `settled`: nothing runs. */
bool client_check_parts(fn_engine *e, const world *w);
/* Files of parts on the disk. */
size_t client_count_files(void);
/* Drops every table and looks whether all files go. */
bool client_drop_all(fn_engine *e, const world *w);
#endif
