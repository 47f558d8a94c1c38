/* firn/column.h - columns: immutable, reference-counted vectors of one type in a physical shape.
 *
 * A column is frozen once made: share it with fn_column_ref, change it only by building another.
 * Shapes: FLAT (rows values), CONST (1 stored value stands for `rows`), DICT (codes into kids[0]).
 * Shape and type are independent: a String column may be DICT (it usually is when it comes from a part),
 * a LowCardinality column may be FLAT.
 *
 * Where things lie, n = stored values (1 for CONST, rows else):
 *   fixed width   values: n x width bytes, little endian
 *   STRING        offsets: n+1 x u32; value i is values[offsets[i] .. offsets[i+1])   (offsets[0] may be > 0 in a slice)
 *   ARRAY         offsets: n+1 x u32 into kids[0] (offsets[0] may be > 0 in a slice)
 *   TUPLE         kids[i]: n rows each
 *   NOTHING       nothing
 *   DICT          values: rows x code_width codes; kids[0]: the dictionary, FLAT, same type without Nullable,
 *                 no nulls in it; every code < kids[0]->rows (unspecified but valid where the row is NULL)
 * nulls: NULL (no row is NULL) or n x u8, 1 = NULL; only on types with fn_type_is_nullable(). Values under a NULL
 * are valid but unspecified.
 * At least FN_BUFFER_PAD readable bytes lie behind values, offsets and nulls. A column holds less than
 * 4 GiB of string bytes or array items.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_COLUMN_H
#define FIRN_COLUMN_H
#include <firn/type.h>

typedef enum fn_shape { FN_FLAT, FN_CONST, FN_DICT } fn_shape;

typedef struct fn_column fn_column;
struct fn_column {
    const fn_type *type;
    uint32_t rows;
    uint8_t shape;      /* fn_shape */
    uint8_t code_width; /* DICT: 1, 2 or 4 */
    uint16_t kid_count;
    const uint8_t *values;
    const uint32_t *offsets;
    const uint8_t *nulls;
    fn_column **kids;   /* referenced */
    fn_buffer *own[3];  /* what keeps values, offsets, nulls alive (referenced; NULL where not needed) */
    _Atomic uint32_t refs;
    bool lasting;       /* a dictionary without equal entries that outlives queries: what is found out about it is worth keeping */
};

fn_column *fn_column_ref(const fn_column *c); /* one more reference; NULL gives NULL */
void fn_column_drop(fn_column *c);            /* gives one back; NULL is fine */

/* ---- making ---- */
/* FLAT column over given buffers, whose references it takes, also on failure (parameter suffix _take). */
fn_column *fn_column_fixed(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_buffer *values_take,
                           fn_buffer *nulls_take) FN_MUST_USE;
fn_column *fn_column_string(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_buffer *bytes_take,
                            fn_buffer *offsets_take, fn_buffer *nulls_take) FN_MUST_USE;
fn_column *fn_column_array(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_buffer *offsets_take,
                           fn_column *items_take) FN_MUST_USE; /* Array and Map */
fn_column *fn_column_tuple(fn_ctx *ctx, const fn_type *type, uint32_t rows, fn_column *const *kids_ref) FN_MUST_USE;
fn_column *fn_column_dict(fn_ctx *ctx, const fn_type *type, uint32_t rows, unsigned code_width, fn_buffer *codes_take,
                          fn_column *dictionary_ref, fn_buffer *nulls_take) FN_MUST_USE;
/* The value at `row` of `c` standing for `rows` rows. */
fn_column *fn_column_repeat(fn_ctx *ctx, const fn_column *c, size_t row, uint32_t rows) FN_MUST_USE;
fn_column *fn_column_default(fn_ctx *ctx, const fn_type *type, uint32_t rows) FN_MUST_USE;   /* CONST of the type's default */
fn_column *fn_column_null(fn_ctx *ctx, const fn_type *nullable, uint32_t rows) FN_MUST_USE;  /* CONST NULL */
fn_column *fn_column_const_u64(fn_ctx *ctx, const fn_type *integer_or_bool, uint64_t value, uint32_t rows) FN_MUST_USE;
fn_column *fn_column_const_str(fn_ctx *ctx, const fn_type *string, fn_str value, uint32_t rows) FN_MUST_USE;

/* ---- reshaping: each gives the caller one reference ---- */
fn_column *fn_column_flatten(fn_ctx *ctx, const fn_column *c) FN_MUST_USE;       /* FLAT, kids too; FLAT input: a ref */
fn_column *fn_column_slice(fn_ctx *ctx, const fn_column *c, size_t from, uint32_t rows) FN_MUST_USE; /* shares buffers */
fn_column *fn_column_take(fn_ctx *ctx, const fn_column *c, const uint32_t *rows, uint32_t count) FN_MUST_USE; /* gather; keeps DICT, CONST */
fn_column *fn_column_filter(fn_ctx *ctx, const fn_column *c, const uint8_t *mask, uint32_t kept) FN_MUST_USE; /* mask 0/1; kept = its ones */
fn_column *fn_column_concat(fn_ctx *ctx, fn_column *const *parts, size_t count) FN_MUST_USE; /* same type; keeps DICT if all share one dictionary */
/* The same data under another type of the same physical form (Nullable added or nulls dropped, LowCardinality, Enum...). */
fn_column *fn_column_retype(fn_ctx *ctx, const fn_column *c, const fn_type *type) FN_MUST_USE;
/* Adds (nulls != NULL) or removes (NULL) a null map; `nulls_take` has as many entries as stored values. */
fn_column *fn_column_with_nulls(fn_ctx *ctx, const fn_column *c, const fn_type *type, fn_buffer *nulls_take) FN_MUST_USE;
/* The DICT form, if it is worth it (distinct <= max_distinct); otherwise a ref of c itself. */
fn_column *fn_column_encode_dict(fn_ctx *ctx, const fn_column *c, uint32_t max_distinct) FN_MUST_USE;

/* ---- reading single rows (not for hot loops) ---- */
static inline size_t fn_column_stored(const fn_column *c, size_t row)
{
    return c->shape == FN_CONST ? 0 : row;
}
bool fn_column_is_null(const fn_column *c, size_t row);
static inline uint32_t fn_column_code(const fn_column *c, size_t row)
{
    return c->code_width == 1 ? c->values[row] : c->code_width == 2 ? fn_load_u16(c->values + 2 * row)
                                                                    : fn_load_u32(c->values + 4 * row);
}
/* Resolves CONST and DICT: the flat column and the row in it that holds the value. */
const fn_column *fn_column_at(const fn_column *c, size_t *row);
const uint8_t *fn_column_fixed_at(const fn_column *c, size_t row);  /* pointer to `width` bytes */
fn_str fn_column_str_at(const fn_column *c, size_t row);            /* STRING or FIXED */
uint64_t fn_column_u64_at(const fn_column *c, size_t row);          /* integers up to 64 bits, Bool, Date..., Enum; sign-extended */
int64_t fn_column_i64_at(const fn_column *c, size_t row);
double fn_column_f64_at(const fn_column *c, size_t row);            /* any number type but Decimal: converted */
/* The items of array/map row `row`: column c->kids[0] (returned), first and count out. */
const fn_column *fn_column_items_at(const fn_column *c, size_t row, uint32_t *first, uint32_t *count);

/* Total order of two values of one type as ORDER BY has it: NULL greater than all (nulls_last true), NaN with NULLs. */
int fn_column_compare(const fn_column *a, size_t row_a, const fn_column *b, size_t row_b, bool nulls_last);
bool fn_column_equal_at(const fn_column *a, size_t row_a, const fn_column *b, size_t row_b); /* NULL equals NULL */
/* Engine hash of every row, mixed into hashes[] (set, if first). Equal values hash equal in every shape; NULL has one hash.
 * The filters of skip indexes in part files are made of these hashes: they stay what they are. */
fn_status fn_column_hash(fn_ctx *ctx, const fn_column *c, uint64_t *hashes, bool first) FN_MUST_USE;
size_t fn_column_bytes(const fn_column *c); /* memory held, shared parts counted */
/* For tests and debug: checks every invariant above; INCORRECT_DATA with the broken one. */
fn_status fn_column_check(fn_ctx *ctx, const fn_column *c) FN_MUST_USE;

/* ---- builder: grows a FLAT column value by value ---- */
typedef struct fn_builder fn_builder;
struct fn_builder {
    const fn_type *type;
    uint32_t rows;
    bool any_null;
    fn_buf values;   /* fixed width values or string bytes */
    fn_buf offsets;  /* u32, rows+1 once the first row is there */
    fn_buf nulls;    /* u8 per row; kept for nullable types only */
    fn_builder *kids; /* ARRAY: 1 (items), TUPLE: one per field */
    uint16_t kid_count;
};
fn_status fn_builder_init(fn_ctx *ctx, fn_builder *b, const fn_type *type) FN_MUST_USE; /* any type; Map's kid is a Tuple builder */
void fn_builder_release(fn_builder *b);
fn_status fn_builder_reserve(fn_ctx *ctx, fn_builder *b, uint32_t rows) FN_MUST_USE;
/* The column so far; the builder is empty afterwards and can go on. */
fn_status fn_builder_finish(fn_ctx *ctx, fn_builder *b, fn_column **out) FN_MUST_USE;
void fn_builder_truncate(fn_builder *b, uint32_t rows); /* forgets the rows behind */
fn_status fn_builder_null(fn_ctx *ctx, fn_builder *b) FN_MUST_USE;          /* nullable types */
fn_status fn_builder_default(fn_ctx *ctx, fn_builder *b) FN_MUST_USE;       /* 0, '', [], NULL for Nullable, first Enum value */
fn_status fn_builder_fixed(fn_ctx *ctx, fn_builder *b, const void *value) FN_MUST_USE; /* type->width bytes */
fn_status fn_builder_str(fn_ctx *ctx, fn_builder *b, fn_str value) FN_MUST_USE;        /* STRING; FIXED: padded, too long = TOO_LARGE_STRING_SIZE (131) */
/* ARRAY/MAP: append items to &b->kids[0] first, then close the row; TUPLE: append to every kid, then close. */
fn_status fn_builder_close_array(fn_ctx *ctx, fn_builder *b) FN_MUST_USE;
fn_status fn_builder_close_tuple(fn_ctx *ctx, fn_builder *b) FN_MUST_USE;
fn_status fn_builder_copy(fn_ctx *ctx, fn_builder *b, const fn_column *c, size_t row) FN_MUST_USE; /* same type (Nullable-ness may be added) */
fn_status fn_builder_copy_range(fn_ctx *ctx, fn_builder *b, const fn_column *c, size_t from, uint32_t rows) FN_MUST_USE;
#endif
