/* firn/type.h - ClickHouse's data types: logical type apart from physical form.
 *
 * Types are interned: equal types are the same pointer, they live as long as the process and need no
 * reference counting. Each type family is one file in format/type/ with one fn_type_class row (name
 * parser, printer, text forms, default); the list of classes is format/type/type_list.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TYPE_H
#define FIRN_TYPE_H
#include <firn/arena.h>
#include <firn/bits.h>
#include <firn/time.h>

/* How one value lies in memory. FIXED: `width` opaque bytes (FixedString). UUID is U128 (the number whose
 * high 64 bits are the text's first half), IPv6 is FIXED 16 in network order, IPv4 is U32 in host order. */
typedef enum fn_phys {
    FN_PHYS_U8, FN_PHYS_U16, FN_PHYS_U32, FN_PHYS_U64, FN_PHYS_U128, FN_PHYS_U256,
    FN_PHYS_I8, FN_PHYS_I16, FN_PHYS_I32, FN_PHYS_I64, FN_PHYS_I128, FN_PHYS_I256,
    FN_PHYS_F32, FN_PHYS_F64,
    FN_PHYS_FIXED,  /* rows x width bytes */
    FN_PHYS_STRING, /* offsets + bytes */
    FN_PHYS_ARRAY,  /* offsets + kids[0]; Array, and Map with kids[0] = Tuple(key, value) */
    FN_PHYS_TUPLE,  /* kids only */
    FN_PHYS_NOTHING /* no values at all */
} fn_phys;

typedef enum fn_type_id {
    FN_T_NOTHING,
    FN_T_BOOL, FN_T_UINT8, FN_T_UINT16, FN_T_UINT32, FN_T_UINT64, FN_T_UINT128, FN_T_UINT256,
    FN_T_INT8, FN_T_INT16, FN_T_INT32, FN_T_INT64, FN_T_INT128, FN_T_INT256,
    FN_T_FLOAT32, FN_T_FLOAT64,
    FN_T_DECIMAL,    /* precision, scale; phys I32/I64/I128/I256 by precision 9/18/38/76 */
    FN_T_STRING, FN_T_FIXED_STRING,
    FN_T_DATE,       /* U16 days */
    FN_T_DATE32,     /* I32 days */
    FN_T_DATETIME,   /* U32 seconds; timezone */
    FN_T_DATETIME64, /* I64 ticks of 10^-scale s; timezone */
    FN_T_TIME,       /* I32 seconds */
    FN_T_TIME64,     /* I64 ticks */
    FN_T_UUID, FN_T_IPV4, FN_T_IPV6,
    FN_T_ENUM8, FN_T_ENUM16,
    FN_T_INTERVAL,   /* I64 count of `interval` units */
    FN_T_NULLABLE,   /* args[0]; phys and width are those of args[0] */
    FN_T_LOW_CARDINALITY, /* args[0]; phys and width likewise; says nothing about a column's shape */
    FN_T_ARRAY,      /* args[0] */
    FN_T_TUPLE,      /* args, arg_names (NULL when unnamed) */
    FN_T_MAP,        /* args[0] key, args[1] value; items = Tuple(keys K, values V) */
    FN_T_AGGREGATE_FUNCTION,        /* phys STRING: serialized state; function_name, args */
    FN_T_SIMPLE_AGGREGATE_FUNCTION, /* never a column's type: replaced by args[0] with custom_name */
    FN_T_FUNCTION,   /* type of a lambda argument */
    FN_T_SET,        /* right side of IN */
    FN_T_OTHER       /* a type of a later file; told apart by class */
} fn_type_id;

typedef enum fn_interval_unit {
    FN_INTERVAL_NANOSECOND, FN_INTERVAL_MICROSECOND, FN_INTERVAL_MILLISECOND, FN_INTERVAL_SECOND, FN_INTERVAL_MINUTE,
    FN_INTERVAL_HOUR, FN_INTERVAL_DAY, FN_INTERVAL_WEEK, FN_INTERVAL_MONTH, FN_INTERVAL_QUARTER, FN_INTERVAL_YEAR
} fn_interval_unit;

typedef struct fn_enum_value {
    fn_str name;
    int16_t value;
} fn_enum_value;

typedef struct fn_type fn_type;
typedef struct fn_type_class fn_type_class;
struct fn_type {
    const fn_type_class *class;
    const char *name; /* canonical text as ClickHouse prints it: "Array(Nullable(UInt8))" */
    fn_type_id id;
    fn_phys phys;
    uint32_t width;   /* bytes per value; 0 for STRING, ARRAY, TUPLE, NOTHING */
    uint8_t precision, scale;
    uint8_t interval; /* fn_interval_unit */
    uint16_t arg_count;
    const fn_type *const *args;
    const char *const *arg_names; /* Tuple field names; NULL when unnamed */
    const fn_type *items;         /* Array: element; Map: Tuple(keys K, values V); else NULL */
    const fn_tz *timezone;        /* DateTime, DateTime64 with explicit zone; NULL = session's */
    const fn_enum_value *enum_values; /* sorted by value */
    uint32_t enum_count;
    const char *function_name;    /* AggregateFunction: "sum", or with parameters "quantile(0.5)" */
    const fn_type *value;         /* SimpleAggregateFunction: the type it is a name for; NULL otherwise */
    uint32_t serial;              /* dense number of the interned type */
};

/* ---- finding and making types (thread safe; the result is interned). Without memory too: never NULL unless it says so ---- */
/* Parses "Map(String, Array(UInt8))" and the aliases of system.data_type_families (INT, VARCHAR, ...).
 * Errors: UNKNOWN_TYPE (50), SYNTAX_ERROR (62), BAD_ARGUMENTS, ILLEGAL_TYPE_OF_ARGUMENT, TOO_DEEP_... */
fn_status fn_type_parse(fn_ctx *ctx, fn_str text, const fn_type **out) FN_MUST_USE;
const fn_type *fn_type_simple(fn_type_id id); /* types without parameters: integers, floats, String, Date, UUID, ... never NULL for those */
const fn_type *fn_type_nullable(const fn_type *inner);         /* already nullable: itself; LowCardinality(T) -> LowCardinality(Nullable(T)); containers: itself */
const fn_type *fn_type_low_cardinality(const fn_type *inner);
const fn_type *fn_type_array(const fn_type *element);
const fn_type *fn_type_map(const fn_type *key, const fn_type *value);
const fn_type *fn_type_tuple(const fn_type *const *args, const char *const *names, size_t count); /* names may be NULL */
const fn_type *fn_type_decimal(unsigned precision, unsigned scale);
const fn_type *fn_type_fixed_string(uint32_t width);
const fn_type *fn_type_datetime(const fn_tz *tz);              /* tz may be NULL */
const fn_type *fn_type_datetime64(unsigned scale, const fn_tz *tz);
const fn_type *fn_type_interval(fn_interval_unit unit);
const fn_type *fn_type_enum(const fn_enum_value *values, size_t count, bool wide); /* sorts a copy; wide: Enum16. NULL: no memory for more than 64 values */
const fn_type *fn_type_aggregate(const char *function_name, const fn_type *const *args, size_t count);

/* ---- asking ---- */
const fn_type *fn_type_value(const fn_type *t);        /* SimpleAggregateFunction(f, T) -> T; others are themselves */
bool fn_type_is_nullable(const fn_type *t);            /* Nullable(..) or LowCardinality(Nullable(..)) */
const fn_type *fn_type_strip_nullable(const fn_type *t);        /* Nullable(T) -> T; LowCardinality(Nullable(T)) -> LowCardinality(T) */
const fn_type *fn_type_strip_low_cardinality(const fn_type *t); /* LowCardinality(T) -> T, also inside nothing else */
const fn_type *fn_type_base(const fn_type *t);         /* without LowCardinality and Nullable */
bool fn_type_is_integer(const fn_type *t);             /* these look at the type itself, not inside wrappers */
bool fn_type_is_unsigned(const fn_type *t);            /* integer */
bool fn_type_is_float(const fn_type *t);
bool fn_type_is_number(const fn_type *t);              /* integer, float, decimal, Bool */
bool fn_type_is_string(const fn_type *t);              /* String, FixedString */
bool fn_type_is_date_or_time(const fn_type *t);        /* Date, Date32, DateTime, DateTime64 */
bool fn_type_can_be_nullable(const fn_type *t);        /* not Array, Map, Tuple, Nullable */
/* ClickHouse's least common supertype (joins, IN, array functions ...). NO_COMMON_TYPE (386). */
fn_status fn_type_common(fn_ctx *ctx, const fn_type *const *types, size_t count, const fn_type **out) FN_MUST_USE;
/* For if(), coalesce(), array(), map() and UNION, where ClickHouse makes a Variant of types without one: NOT_IMPLEMENTED (48). */
fn_status fn_type_common_or_variant(fn_ctx *ctx, const fn_type *const *types, size_t count, const fn_type **out) FN_MUST_USE;
uint32_t fn_phys_width(fn_phys phys); /* 0 for those without fixed width */
/* Field index by name or 1-based position; -1 if absent. */
int fn_type_tuple_field(const fn_type *t, fn_str name);
const fn_enum_value *fn_enum_by_name(const fn_type *t, fn_str name); /* NULL if absent */
const fn_enum_value *fn_enum_by_value(const fn_type *t, int value);

/* ---- text forms of single values; used by formats, CAST, toString ---- */
typedef enum fn_text_style {
    FN_TEXT_PLAIN,   /* toString: no quotes, no escapes */
    FN_TEXT_ESCAPED, /* TabSeparated field */
    FN_TEXT_QUOTED,  /* SQL literal: strings and dates in '...' (also inside arrays) */
    FN_TEXT_CSV,     /* strings in "..." */
    FN_TEXT_JSON     /* JSON value */
} fn_text_style;

/* The part of the settings that text forms look at. */
typedef struct fn_text_options {
    const fn_tz *timezone;             /* session's zone; never NULL */
    bool best_effort_datetime;         /* date_time_input_format (26.9: best_effort) */
    bool json_quote_64bit_integers;
    bool json_quote_denormals;
    bool json_escape_slashes;          /* default true */
    bool json_quote_decimals;
    bool json_named_tuples_as_objects; /* default true */
    bool json_map_as_array;            /* maps are arrays of {"keys", "values"} */
    bool null_as_default;              /* input_format_null_as_default, default true */
    bool skip_unknown_fields;          /* default true */
    bool bool_as_number;
    bool decimal_trailing_zeros;
    uint8_t datetime_output;           /* 0 simple, 1 iso, 2 unix_timestamp */
    char csv_delimiter;                /* ',' */
    bool csv_single_quotes;            /* strings of CSV input may stand in single quotes */
    fn_str tsv_null, csv_null;         /* NULL in ESCAPED and CSV output; empty: \N */
    fn_str true_text, false_text;      /* Bool in all but JSON; empty: true, false */
} fn_text_options;
void fn_text_options_default(fn_text_options *o); /* 26.9's defaults, time zone UTC */

struct fn_column;
struct fn_builder;
/* A cursor over text held wholly in memory. */
typedef struct fn_text_in {
    const char *at, *end, *start; /* start: for positions in messages */
} fn_text_in;

/* Appends the text of row `row`; NULL gives \N (ESCAPED, CSV), NULL (QUOTED, PLAIN inside containers), null (JSON). */
fn_status fn_text_write(fn_ctx *ctx, const struct fn_column *col, size_t row, fn_text_style style,
                        const fn_text_options *options, fn_buf *out) FN_MUST_USE;
/* Reads one value at in->at and appends it to the builder; stops behind it (ESCAPED: at tab/newline/end; CSV: at
 * delimiter/newline/end; PLAIN: takes all). On failure in->at is at the offending place and nothing was appended.
 * Errors: CANNOT_PARSE_TEXT (6), CANNOT_PARSE_NUMBER (72), CANNOT_PARSE_DATE (38), CANNOT_PARSE_DATETIME (41), ... */
fn_status fn_text_read(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style,
                       const fn_text_options *options, struct fn_builder *out) FN_MUST_USE;

/* The whole text as a time in any customary form (ClickHouse's best_effort; us: month before day); fraction in 10^-9 s. */
bool fn_text_best_effort_time(fn_str s, const fn_tz *tz, bool us, int64_t *seconds, uint32_t *nanos);

/* ---- one row per type family; at the foot of its file in format/type/ ---- */
typedef struct fn_type_args fn_type_args; /* parsed parameter list; format/type/type_parse.h */
struct fn_type_class {
    const char *name;           /* "Decimal" */
    const char *const *aliases; /* NULL-terminated list, or NULL */
    bool alias_nocase;
    /* Makes a type from its parsed arguments (interned by the caller). */
    fn_status (*make)(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out);
    fn_status (*write)(fn_ctx *ctx, const struct fn_column *flat, size_t row, fn_text_style style,
                       const fn_text_options *options, fn_buf *out); /* flat, non-null row */
    fn_status (*read)(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style,
                      const fn_text_options *options, struct fn_builder *out);
    const char *about;          /* documentation for system.data_type_families */
};
/* Walks all classes; index from 0; NULL behind the last. */
const fn_type_class *fn_type_class_at(size_t index);
#endif
