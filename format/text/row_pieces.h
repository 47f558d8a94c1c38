/* text/row_pieces.h - rows parsed by several threads: the data is cut behind rows into pieces, each piece is read by a reader of its own,
 * and the blocks are handed out in the order of the data. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_ROW_PIECES_H
#define FIRN_ROW_PIECES_H
#include "text/row_reader.h"

typedef struct row_pieces row_pieces;
/* The next block, if the data ahead is worth cutting; *serial: from here on the reader goes on by itself (what is left is a single piece,
 * or a piece did not parse as rows: the reader meets its error, at the right row, or finds that a row was cut). */
fn_status row_pieces_next(row_reader *r, fn_ctx *ctx, fn_block **out, bool *serial) FN_MUST_USE;
void row_pieces_free(row_pieces *p);

/* Ends of lines that end a row unless a value holds a line break in a form that only the format's parser can tell; then the piece before it
 * does not parse. [begin, end) begins with a row; the result is behind the first such end of a line at or behind `from`, NULL: none. */
const char *row_end_escaped(const char *begin, const char *from, const char *end); /* a backslash hides the line break */
const char *row_end_quoted(const char *begin, const char *from, const char *end);  /* so do double quotes */
const char *row_end_object(const char *begin, const char *from, const char *end);  /* behind '}', before '{' */
const char *row_end_list(const char *begin, const char *from, const char *end);    /* behind ']', before '[' */
const char *row_end_values(const char *begin, const char *from, const char *end);  /* a comma between ')' and '(', on one line or not */
#endif
