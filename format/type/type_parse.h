/* type/type_parse.h - the parameter list of a type's text, and interning. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TYPE_PARSE_H
#define FIRN_TYPE_PARSE_H
#include <firn/type.h>

typedef enum type_arg_kind { TYPE_ARG_TYPE, TYPE_ARG_NUMBER, TYPE_ARG_STRING } type_arg_kind;

/* One argument: a type (named in tuples), a number, a string; strings of enums may carry "= number". */
typedef struct type_arg {
    type_arg_kind kind;
    const fn_type *type; /* NULL for a word that is no type (AggregateFunction's first argument): see text */
    fn_str name;         /* Tuple field name; empty: unnamed */
    fn_str text;         /* STRING: unescaped; TYPE: as written */
    int64_t number;
    bool has_value;      /* 'a' = 1: number is the value */
} type_arg;

enum { TYPE_DEPTH_MAX = 100, TYPE_ARGS_MAX = 65536 };
struct fn_type_args {
    const type_arg *items;
    uint32_t count;
    bool parenthesized;
    fn_str written; /* the family's name as written */
};

/* The type with proto's canonical name: the interned one, made from a copy of *proto and all it points to if it is new. Never NULL. */
const fn_type *type_intern(const fn_type *proto);
const fn_type_class *type_class_find(fn_str name);
const fn_type_class *type_class_of(fn_type_id id); /* first class row made for this id */
fn_status type_arg_count(fn_ctx *ctx, const fn_type_args *args, const char *family, uint32_t min, uint32_t max) FN_MUST_USE;
fn_status type_arg_type(fn_ctx *ctx, const fn_type_args *args, const char *family, uint32_t i, const fn_type **out) FN_MUST_USE;

/* Class rows, each at the foot of its file. */
extern const fn_type_class type_nothing, type_bool, type_uint8, type_uint16, type_uint32, type_uint64, type_uint128, type_uint256, type_int8,
    type_int16, type_int32, type_int64, type_int128, type_int256, type_float32, type_float64, type_decimal, type_decimal32, type_decimal64,
    type_decimal128, type_decimal256, type_string, type_fixed_string, type_date, type_date32, type_datetime, type_datetime64, type_time, type_time64,
    type_uuid, type_ipv4, type_ipv6, type_enum8, type_enum16, type_enum, type_nullable, type_low_cardinality, type_array, type_tuple, type_map,
    type_nested, type_aggregate_function, type_simple_aggregate_function, type_interval_second;
extern const fn_type_class type_intervals[11];
extern const fn_type_class type_function, type_set;
#endif
