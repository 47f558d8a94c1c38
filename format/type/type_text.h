/* type/type_text.h - what the text forms of all types share: escaping and quoting by style, tokens of input.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TYPE_TEXT_H
#define FIRN_TYPE_TEXT_H
#include <firn/column.h>
#include <firn/type.h>

/* ---- output ---- */
fn_status text_put_quoted(fn_ctx *ctx, fn_str s, fn_buf *out) FN_MUST_USE;     /* 'it\'s' */
fn_status text_put_backquoted(fn_ctx *ctx, fn_str s, fn_buf *out) FN_MUST_USE; /* `name` */
fn_status text_put_escaped(fn_ctx *ctx, fn_str s, fn_buf *out) FN_MUST_USE;    /* TabSeparated */
fn_status text_put_csv(fn_ctx *ctx, fn_str s, fn_buf *out) FN_MUST_USE;        /* "say ""hi""" */
fn_status text_put_json(fn_ctx *ctx, fn_str s, bool escape_slashes, fn_buf *out) FN_MUST_USE; /* "..." */
/* Any string in a style. */
fn_status text_put_string(fn_ctx *ctx, fn_str s, fn_text_style style, const fn_text_options *o, fn_buf *out) FN_MUST_USE;
/* Text that needs no escaping (dates, UUIDs): quotes by style. */
fn_status text_put_bare(fn_ctx *ctx, const char *text, size_t size, fn_text_style style, fn_buf *out) FN_MUST_USE;

/* ---- input ---- */
/* One scalar's text, unescaped and unquoted. value points into the input or into the token. */
typedef struct text_token {
    fn_str value;
    bool quoted;       /* it stood in quotes */
    const char *begin; /* where it began in the input */
    fn_buf own;        /* memory of unescaped text */
} text_token;
fn_status text_token_read(fn_ctx *ctx, fn_text_in *in, fn_text_style style, const fn_text_options *o, text_token *t) FN_MUST_USE;
void text_token_release(text_token *t);
/* Fails with "Cannot parse ..." and puts in->at back to the token's begin. */
fn_status text_token_bad(fn_ctx *ctx, fn_text_in *in, const text_token *t, int code, const char *type_name) FN_MUST_USE;
static inline void text_skip_space(fn_text_in *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r')) in->at++;
}

/* ---- values ---- */
typedef struct fn_type_args fn_type_args;
fn_status type_make_simple(fn_ctx *ctx, fn_type_id id, const fn_type_args *args, fn_type *out) FN_MUST_USE;
/* Decimal digits with sign into a 256-bit number; `scale` digits behind the point are kept (truncated), *overflow when it needs more
 * than 256 bits. False if text is not a plain decimal number (exponents allowed). */
bool text_parse_decimal(fn_str text, unsigned scale, fn_i256 *out, bool *overflow);
bool text_parse_f64(fn_str text, double *out); /* "1.5e3", "inf", "nan"; whole text */
size_t text_f64(double v, char *out);          /* shortest; at most 32 bytes */
size_t text_f32(float v, char *out);
size_t text_date(int64_t days, char *out);                      /* YYYY-MM-DD, 10 bytes */
size_t text_time_of(const fn_civil *c, char *out);              /* YYYY-MM-DD hh:mm:ss, 19 bytes */
size_t text_ticks(uint64_t fraction, unsigned scale, char *out); /* ".123", 0 bytes for scale 0 */
bool text_parse_date(fn_str s, int64_t *days);                  /* whole text: YYYY-MM-DD, YYYYMMDD, also followed by a time */
/* Whole text: YYYY-MM-DD[ hh:mm:ss[.fraction]], unix seconds[.fraction]; best_effort: whatever fn_text_best_effort_time takes; fraction in
 * 10^-9 s. */
bool text_parse_datetime(fn_str s, const fn_tz *tz, bool best_effort, int64_t *seconds, uint32_t *nanos);
#endif
