/* function/json.h - JSON text as a flat list of nodes, made for untrusted input: every byte is checked, depth is limited, nothing is
 * allocated per value. A document is parsed again and again into the same memory, row after row.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_FUNCTION_JSON_H
#define FIRN_FUNCTION_JSON_H
#include "function/text_rows.h"

enum { JSON_DEPTH_MAX = 1000 };
typedef enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_UINT, JSON_DOUBLE, JSON_BIG /* an integer beyond 64 bits */, JSON_STRING, JSON_ARRAY, JSON_OBJECT } json_kind;

/* Children follow their parent; an object's are key, value, key, value. */
typedef struct json_node {
    json_kind kind;
    bool escaped;    /* the string holds backslashes */
    uint32_t next;   /* index behind this value and all below it */
    uint32_t count;  /* items of an array, pairs of an object */
    fn_str text;     /* as written; strings without quotes */
    union {
        int64_t i64;
        uint64_t u64; /* also JSON_BOOL */
        double f64;
    };
} json_node;

typedef struct json_doc {
    json_node *nodes;
    uint32_t count, capacity;
    fn_buf scratch;
} json_doc;

/* *valid false: not JSON (then there are no nodes). Text is borrowed by the nodes. */
fn_status json_parse(fn_ctx *ctx, json_doc *doc, fn_str text, bool *valid) FN_MUST_USE;
void json_release(json_doc *doc);
/* The value of `key` in an object, or NULL. */
fn_status json_find(fn_ctx *ctx, json_doc *doc, const json_node *object, fn_str key, bool any_case, const json_node **out) FN_MUST_USE;
/* Item or value number index (from 1, negative from the end) of an array or object, or NULL; *key: its key node or NULL. */
const json_node *json_at(const json_doc *doc, const json_node *container, int64_t index, const json_node **key);
fn_status json_string(fn_ctx *ctx, const json_node *string, fn_buf *to) FN_MUST_USE;         /* without escapes */
fn_status json_write(fn_ctx *ctx, const json_doc *doc, const json_node *n, fn_buf *to) FN_MUST_USE; /* compact */
/* The first child; walk on by index n->next. */
static inline const json_node *json_first(const json_node *n)
{
    return n + 1;
}
static inline const json_node *json_next(const json_doc *doc, const json_node *n)
{
    return doc->nodes + n->next;
}
/* Appends the value to a builder of `type` (without Nullable around it: `to` may be nullable). *ok false: it does not fit and
 * nothing was appended. */
fn_status json_insert(fn_ctx *ctx, json_doc *doc, const json_node *n, const fn_type *type, fn_builder *to, bool *ok) FN_MUST_USE;
#endif
