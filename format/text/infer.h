/* text/infer.h - schema inference: types of single fields, merged over rows, made into a schema.
 *
 * A format's infer function reads rows of the head of the data; each field gives an infer_type; infer_columns merges them
 * column by column. Scalars are shared constants, containers live in ctx->arena.
 * Rules are ClickHouse 26.9's (DESCRIBE format(...)), which differ by family: INFER_TEXT (CSV, TSV) falls back to String,
 * INFER_JSON and INFER_VALUES fail where types do not meet.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEXT_INFER_H
#define FIRN_TEXT_INFER_H
#include "type/type_text.h"
#include <firn/format.h>

typedef enum infer_kind {
    INFER_NOTHING, INFER_BOOL, INFER_INT, INFER_NEGATIVE, INFER_UINT, INFER_FLOAT, INFER_DATE, INFER_DATETIME, INFER_DATETIME64,
    INFER_STRING, INFER_ARRAY, INFER_TUPLE, INFER_MAP, INFER_OBJECT,
    INFER_MIXED /* items of a JSON array without common type */
} infer_kind;
enum { INFER_KINDS = INFER_MIXED + 1 };

typedef enum infer_family { INFER_TEXT, INFER_VALUES, INFER_JSON } infer_family;

typedef struct infer_type infer_type;
struct infer_type {
    infer_kind kind;
    uint32_t count;          /* ARRAY: 1, MAP: 2 (key, value), TUPLE and OBJECT: their fields */
    const infer_type **args;
    fn_str *names;           /* OBJECT */
};
extern const infer_type infer_scalars[INFER_KINDS]; /* by kind; for those without args */

/* Both in one type; *out NULL when there is none. */
fn_status infer_merge(fn_ctx *ctx, const fn_infer_options *o, infer_family family, const infer_type *a, const infer_type *b, const infer_type **out) FN_MUST_USE;
fn_status infer_container(fn_ctx *ctx, infer_kind kind, const infer_type *const *args, const fn_str *names, uint32_t count, const infer_type **out) FN_MUST_USE;
/* To a type of the engine. *out NULL: it cannot be told (only NULLs, empty containers). */
fn_status infer_to_type(fn_ctx *ctx, const fn_infer_options *o, infer_family family, const infer_type *t, bool nullable, const fn_type **out) FN_MUST_USE;

/* ---- single values ---- */
const infer_type *infer_number(const fn_infer_options *o, fn_str text, bool exponents); /* NULL: no number */
const infer_type *infer_time(const fn_infer_options *o, fn_str text);                   /* NULL: no date or time */
/* An SQL literal at in->at ([..], (..), {..}, '..', numbers); *out NULL when it is none. */
fn_status infer_literal(fn_ctx *ctx, const fn_infer_options *o, infer_family family, fn_text_in *in, const infer_type **out) FN_MUST_USE;
fn_status infer_json(fn_ctx *ctx, const fn_infer_options *o, const fn_text_options *t, fn_text_in *in, const infer_type **out) FN_MUST_USE;
/* A whole field of CSV (quoted: it stood in quotes) or TSV. */
fn_status infer_csv_field(fn_ctx *ctx, const fn_infer_options *o, fn_str text, bool quoted, const infer_type **out) FN_MUST_USE;
fn_status infer_tsv_field(fn_ctx *ctx, const fn_infer_options *o, fn_str text, const infer_type **out) FN_MUST_USE;

/* ---- columns ---- */
typedef struct infer_columns {
    const fn_infer_options *options;
    infer_family family;
    fn_str *names;           /* NULL data: unnamed, c1 c2 ... */
    const infer_type **types;
    bool *null_seen;
    uint64_t *last_row;      /* 1 + the row that last had the column; for infer_add_named */
    uint32_t count, capacity;
    uint64_t rows;
} infer_columns;
/* The column of this name, added if it is new. */
fn_status infer_column(fn_ctx *ctx, infer_columns *c, fn_str name, uint32_t *index) FN_MUST_USE;
/* One more value of a column. TYPE_MISMATCH (53). */
fn_status infer_add(fn_ctx *ctx, infer_columns *c, uint32_t index, const infer_type *type) FN_MUST_USE;
/* One field of a row that names its columns. INCORRECT_DATA when the row has it twice. */
fn_status infer_add_named(fn_ctx *ctx, infer_columns *c, fn_str name, const infer_type *type) FN_MUST_USE;
fn_status infer_finish(fn_ctx *ctx, const infer_columns *c, fn_schema *out) FN_MUST_USE;
/* The type a hint gives to a column; NULL if none does. */
fn_status infer_hint(fn_ctx *ctx, const fn_infer_options *o, fn_str name, const fn_type **out) FN_MUST_USE;

/* ---- rows of fields by position ---- */
typedef struct infer_fields {
    fn_str *texts;           /* in ctx->arena, when keep_texts */
    const infer_type **types;
    uint32_t count, capacity;
    bool keep_texts;
} infer_fields;
fn_status infer_push(fn_ctx *ctx, infer_fields *f, fn_str text, const infer_type *type) FN_MUST_USE;

/* How a format's rows are read. */
typedef struct infer_rows {
    infer_family family;
    bool names, types;       /* header lines */
    bool detect;             /* a header may be there */
    /* One row at in->at into `fields` (empty beforehand); *end: there is none. */
    fn_status (*row)(fn_ctx *ctx, const fn_format_settings *s, fn_text_in *in, infer_fields *fields, bool *end);
} infer_rows;
fn_status infer_from_rows(fn_ctx *ctx, const infer_rows *rows, fn_text_in *in, bool complete, const fn_format_settings *s, fn_schema *out) FN_MUST_USE;
#endif
