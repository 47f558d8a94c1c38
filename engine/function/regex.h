/* function/regex.h - regular expressions in the syntax of re2 (what ClickHouse takes), matched by PCRE2 with JIT.
 *
 * A pattern is checked and translated first: what re2 lacks (back references, look-around, possessive quantifiers, verbs ...) is
 * refused with its words, what the two read differently (\v, $ before a final line end) is rewritten. Subjects may hold any
 * bytes; bytes that are not UTF-8 match nothing but themselves are never read as part of a character. A match that takes too
 * many steps fails with LIMIT_EXCEEDED instead of running for hours.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_REGEX_H
#define FIRN_FUNCTION_REGEX_H
#include "function/text_rows.h"

enum { REGEX_CASELESS = 1u << 0, REGEX_GROUPS_MAX = 64 };
#define REGEX_NONE SIZE_MAX /* span of a group that took no part */

typedef struct regex regex; /* compiled; immutable, any thread */
typedef struct regex_run regex_run; /* match state: one per thread */
typedef struct regex_span {
    size_t from, to;
} regex_span;

/* Fails with `code` and re2's words: CANNOT_COMPILE_REGEXP or BAD_ARGUMENTS. Free with regex_free. */
fn_status regex_new(fn_ctx *ctx, fn_str pattern, unsigned flags, fn_status code, regex **out) FN_MUST_USE;
void regex_free(regex *re);
/* For bind: lives as long as ctx->arena. */
fn_status regex_bind(fn_ctx *ctx, fn_str pattern, unsigned flags, fn_status code, const regex **out) FN_MUST_USE;
unsigned regex_groups(const regex *re);      /* capturing groups, at most REGEX_GROUPS_MAX - 1 are reported */
/* True if the pattern is nothing but text (no case folding): *out is that text. */
bool regex_literal(const regex *re, fn_str *out);

fn_status regex_run_open(fn_ctx *ctx, regex_run **out) FN_MUST_USE;
void regex_run_close(regex_run *run);
/* The leftmost match in s that begins at or behind `from`; context before `from` counts for ^ and \b. *found false: none.
 * spans (may be NULL): span_count entries, 0 the whole match, then the groups. */
fn_status regex_match(fn_ctx *ctx, regex_run *run, const regex *re, fn_str s, size_t from, bool *found, regex_span *spans, unsigned span_count) FN_MUST_USE;
#endif
