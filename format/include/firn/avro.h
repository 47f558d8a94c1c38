/* firn/avro.h - Avro object container files (Apache Avro 1.11 specification), read into generic values.
 * Made for Iceberg's manifests: small files, few records, hostile bytes. avro-c is not used because it has no zstandard
 * codec and allocates whatever sizes a file claims.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_AVRO_H
#define FIRN_AVRO_H
#include <firn/arena.h>
#include <firn/bits.h>

typedef enum fn_avro_kind {
    FN_AVRO_NULL, FN_AVRO_BOOL, FN_AVRO_INT, FN_AVRO_LONG, FN_AVRO_FLOAT, FN_AVRO_DOUBLE, FN_AVRO_BYTES, FN_AVRO_STRING,
    FN_AVRO_RECORD, FN_AVRO_ENUM, FN_AVRO_ARRAY, FN_AVRO_MAP, FN_AVRO_UNION, FN_AVRO_FIXED
} fn_avro_kind;

typedef struct fn_avro_schema fn_avro_schema;
struct fn_avro_schema {
    fn_avro_kind kind;
    fn_str name;                   /* of named types */
    fn_str logical;                /* logicalType; empty: none */
    uint32_t count;                /* RECORD: fields, UNION: branches, ENUM: symbols, FIXED: bytes */
    fn_str *names;                 /* RECORD, ENUM */
    int32_t *field_ids;            /* RECORD: Iceberg's field-id of each field, -1 if absent */
    const fn_avro_schema **kids;   /* RECORD, UNION; ARRAY and MAP: one */
};

/* A decoded value; a union is replaced by the value of its branch. */
typedef struct fn_avro_value fn_avro_value;
struct fn_avro_value {
    const fn_avro_schema *schema;
    union {
        int64_t i;      /* BOOL, INT, LONG, ENUM (symbol number) */
        double f;       /* FLOAT, DOUBLE */
        fn_str bytes;   /* BYTES, STRING, FIXED; points into the file's decoded block */
        struct {
            fn_avro_value *items; /* RECORD: fields in order; ARRAY: items; MAP: key, value, key, value ... */
            uint32_t count;
        };
    };
};

typedef struct fn_avro_file fn_avro_file;
/* bytes are borrowed for the file's life; name is for messages. Everything lives in ctx->arena.
 * Errors: INCORRECT_DATA (117) naming file and offset. */
fn_status fn_avro_open(fn_ctx *ctx, const char *name, fn_str bytes, fn_avro_file **out) FN_MUST_USE;
fn_str fn_avro_meta(const fn_avro_file *f, const char *key); /* header metadata; empty if absent */
/* The next record; *out = NULL at the end. */
fn_status fn_avro_next(fn_ctx *ctx, fn_avro_file *f, const fn_avro_value **out) FN_MUST_USE;
/* A record's field; NULL if it is absent or null. */
const fn_avro_value *fn_avro_field(const fn_avro_value *record, const char *name);
const fn_avro_value *fn_avro_field_by_id(const fn_avro_value *record, int32_t field_id);
int64_t fn_avro_i64(const fn_avro_value *v, int64_t otherwise); /* v may be NULL */
fn_str fn_avro_str(const fn_avro_value *v);
#endif
