/* client.h - an engine on the sim's disk, and statements for it. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SIM_CLIENT_H
#define FIRN_SIM_CLIENT_H
#include "model.h"
#include <firn/arena.h>
#include <firn/engine.h>

#define SIM_ROOT "/db"

/* NULL: it cannot be opened; why is in `error`. */
fn_engine *client_open(fn_error *error);
/* Runs a text. The answer goes to `out` (may be NULL), the message of a failure to `error` (may be NULL). */
fn_status client_run(fn_engine *e, const char *sql, fn_buf *out, fn_error *error);
/* Runs a statement; fills status, done and, for READ, rows. */
void client_run_statement(fn_engine *e, statement *s, bool verbose);
/* The rows of a RowBinary answer; false: it is none. */
bool client_parse_rows(fn_str bytes, bool replacing, world_rows **out);
/* What all tables hold. An error of a table other than that it is not there: false. */
bool client_read_world(fn_engine *e, bool replacing, world *out);
/* Every part passes CHECK TABLE; as many rows as system.parts says; no file that no part names. `settled`: nothing runs. */
bool client_check_parts(fn_engine *e, const world *w);
/* Files of parts on the disk. */
size_t client_count_files(void);
/* Drops every table and looks whether all files go. */
bool client_drop_all(fn_engine *e, const world *w);
#endif
