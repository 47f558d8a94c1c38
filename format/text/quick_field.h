/* text/quick_field.h - the usual values of the usual types, straight from text into builders: integers of up to 64 bits, floats of few
 * digits, Date, DateTime, DateTime64, String, also Nullable and LowCardinality of them.
 *
 * A quick function takes a value only if fn_text_read would append the same bytes and stop at the same place, and if the builder has room
 * for it; else it leaves everything as it was and the caller goes the general way, which grows the builder and words the errors. So it
 * allocates nothing and cannot fail. It reads up to QUICK_AHEAD bytes behind the value's begin and takes nothing that ends nearer than
 * that to the end of the text. tests/unit/text/test_quick.c holds both ways against each other.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEXT_QUICK_FIELD_H
#define FIRN_TEXT_QUICK_FIELD_H
#include <firn/block.h>
#include <firn/type.h>

enum { QUICK_AHEAD = 48, QUICK_KEY = 32 };

typedef enum quick_kind { QUICK_NONE, QUICK_INTEGER, QUICK_FLOAT, QUICK_DATE, QUICK_DATETIME, QUICK_STRING } quick_kind;
typedef enum quick_style { QUICK_OFF, QUICK_CSV, QUICK_TSV, QUICK_JSON, QUICK_VALUES } quick_style;

/* One position of a row (JSON: one column of the schema). */
typedef struct quick_field {
    fn_builder *out;
    const fn_tz *zone;   /* DATETIME */
    uint64_t day_text;   /* the date read last, YYYY-MM- and DD, and its days since 1970: dates come in runs */
    int64_t day;
    int64_t midnight;    /* DATETIME: the instant the day begins at, if its clock runs from 0 to 24 without a jump */
    uint16_t day_tail;
    bool smooth;         /* it does */
    uint8_t kind, width; /* quick_kind; bytes of a value */
    uint8_t scale;       /* DateTime64 */
    bool is_signed, nullable, ticks; /* ticks: DateTime64 */
} quick_field;

/* JSON: `"name":` as it usually stands in the data; size 0: longer than QUICK_KEY, or has bytes that may be escaped. */
typedef struct quick_key {
    char text[QUICK_KEY];
    uint32_t size;
    uint32_t next; /* the column that followed this one in the row before */
} quick_key;

typedef struct quick_fields {
    quick_style style;
    uint32_t count; /* positions; 0: the options ask for what only the general way knows */
    char delimiter;
    bool single_quotes; /* CSV: a ' opens a string */
    quick_field *list;
    quick_key *keys;    /* JSON objects: one per column, and a last one for the row's begin */
} quick_fields;

/* columns: column of each position, -1 for none; NULL: as they stand in the schema. */
fn_status quick_fields_new(fn_ctx *ctx, quick_style style, const fn_schema *schema, fn_builder *builders, const int *columns, uint32_t count,
                           const fn_text_options *o, quick_fields **out) FN_MUST_USE;
void quick_fields_free(quick_fields *q);

/* CSV, TSV, JSON lists and VALUES: takes the fields of a row from position `from` on, whose text begins at in->at, with the delimiters behind
 * them, until one is not plain; returns its position. Behind the last of the row in->at stands at the end of the line or at the bracket. */
uint32_t quick_row(quick_fields *q, fn_text_in *in, uint32_t from);
/* JSON objects: takes members from in->at on, which is behind '{' (before: q->count) or behind the value of column `before`; stops behind the
 * last value taken and returns its column. Marks them in `seen`; a column that has more than `row` rows is not taken again. Which key comes
 * next is told by q->keys[before].next: who reads a member the general way keeps that up. */
uint32_t quick_members(quick_fields *q, fn_text_in *in, uint32_t before, uint32_t row, bool *seen);
/* One value and nothing behind it but `stop` (JSON: also '}', ']'; VALUES: also ')'); for tests. */
bool quick_value(quick_fields *q, fn_text_in *in, uint32_t position, char stop);
#endif
