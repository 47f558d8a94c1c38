/* definition_index.c - INDEX clauses: what CREATE and ALTER check of them, and what the table makes of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"
#include <math.h>

enum { GRANULARITY_MAX = 128 /* coarser ones are kept as finely as this: an entry's rows are held while a part is written */ };

/* ---- kinds ---- */
typedef struct index_reader {
    fn_ctx *ctx;
    const ast_index_def *def;
    mt_index *ix;
} index_reader;
typedef fn_status read_kind(index_reader *r);

static fn_status bad(const index_reader *r, fn_status code, const char *what)
{
    return fn_fail(r->ctx, code, "%s: When validating secondary index `" FN_STR_FMT "`", what, FN_STR_ARG(r->def->name));
}

static fn_status need_type(const index_reader *r, bool fits, fn_status code, const fn_type *t)
{
    if (fits) return FN_OK;
    return fn_fail(r->ctx, code, "Unexpected type %s of bloom filter index: When validating secondary index `" FN_STR_FMT "`", t->name, FN_STR_ARG(r->def->name));
}

static bool take_uint(const ast_expr *e, uint64_t *out)
{
    if (e->kind != AST_LITERAL || e->literal_kind != LITERAL_UINT) return false;
    *out = e->u64;
    return true;
}

static fn_status value_types(index_reader *r, bool plain)
{
    const fn_type **types = FN_NEW_ARRAY(r->ctx, const fn_type *, r->ix->value_count + 1u);
    FN_TRY_PTR(r->ctx, types);
    for (uint32_t i = 0; i < r->ix->value_count; i++) types[i] = plain ? fn_type_base(r->ix->values[i]->type) : r->ix->values[i]->type;
    r->ix->shape.types = types;
    r->ix->shape.value_count = r->ix->value_count;
    return FN_OK;
}

static fn_status read_minmax(index_reader *r)
{
    r->ix->kind = MT_INDEX_MINMAX;
    r->ix->shape.form = FN_SKIP_BOUNDS;
    for (uint32_t i = 0; i < r->ix->value_count; i++) {
        const fn_type_id id = fn_type_base(r->ix->values[i]->type)->id;
        if (id == FN_T_AGGREGATE_FUNCTION || id == FN_T_OTHER) return bad(r, FN_BAD_ARGUMENTS, "Data type of minmax index is not comparable");
    }
    return value_types(r, true);
}

static fn_status read_set(index_reader *r)
{
    const ast_list *args = &r->def->type->args;
    r->ix->kind = MT_INDEX_SET;
    r->ix->shape.form = FN_SKIP_SETS;
    if (args->count != 1) return bad(r, FN_INCORRECT_QUERY, "Set index must have exactly one argument");
    if (!take_uint(args->items[0], &r->ix->shape.rows_max)) return bad(r, FN_INCORRECT_QUERY, "Set index argument must be positive integer");
    return value_types(r, false);
}

static bool take_probability(const ast_expr *e, double *out)
{
    if (e->kind != AST_LITERAL || e->literal_kind != LITERAL_FLOAT) return false;
    *out = e->f64;
    return e->f64 > 0 && e->f64 < 1;
}

static bool bloom_type(const fn_type *t)
{
    t = fn_type_base(t);
    return (fn_type_is_number(t) && (fn_type_is_integer(t) || fn_type_is_float(t) || t->id == FN_T_BOOL)) || fn_type_is_string(t) || (fn_type_is_date_or_time(t) && t->id != FN_T_DATE32) || t->id == FN_T_ENUM8 || t->id == FN_T_ENUM16 ||
           t->id == FN_T_UUID || t->id == FN_T_IPV4 || t->id == FN_T_IPV6;
}

/* Bits and functions that give the wanted share of wrong answers: m/n = -ln p / ln2^2, k = m/n ln 2. */
static fn_status read_bloom(index_reader *r)
{
    const ast_list *args = &r->def->type->args;
    double wrong = 0.025;
    r->ix->kind = MT_INDEX_BLOOM;
    r->ix->shape.form = FN_SKIP_FILTERS;
    if (args->count > 1) return bad(r, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "BloomFilter index cannot have more than one parameter");
    if (args->count && !take_probability(args->items[0], &wrong))
        return bad(r, FN_BAD_ARGUMENTS, "The BloomFilter false positive must be a double number between 0 and 1");
    for (uint32_t i = 0; i < r->ix->value_count; i++) {
        const fn_type *t = r->ix->values[i]->type, *base = fn_type_base(t);
        if (base->id == FN_T_ARRAY) FN_TRY(need_type(r, bloom_type(base->items), fn_type_base(base->items)->id == FN_T_DATE32 ? FN_ILLEGAL_COLUMN : FN_BAD_ARGUMENTS, t));
        else FN_TRY(need_type(r, bloom_type(base), FN_ILLEGAL_COLUMN, t));
    }
    const double ln2 = 0.69314718055994531;
    r->ix->shape.bits_per_hash = -log(wrong) / (ln2 * ln2);
    r->ix->shape.hashes = (uint32_t)FN_MAX(1, FN_MIN(r->ix->shape.bits_per_hash * ln2 + 0.5, (double)FN_SKIP_HASHES_MAX));
    return FN_OK;
}

/* size, hashes, seed: as ClickHouse takes them. The seed changes nothing here. */
static fn_status read_filter(index_reader *r, const ast_list *args, uint32_t from)
{
    uint64_t size, hashes, seed;
    if (!take_uint(args->items[from], &size) || !take_uint(args->items[from + 1], &hashes) || !take_uint(args->items[from + 2], &seed))
        return bad(r, FN_BAD_ARGUMENTS, "Parameters of a bloom filter index must be unsigned integers");
    if (size == 0) return bad(r, FN_BAD_ARGUMENTS, "The size of bloom filter cannot be zero");
    if (hashes == 0) return bad(r, FN_BAD_ARGUMENTS, "The number of hash functions for bloom filter cannot be zero");
    for (uint32_t i = 0; i < r->ix->value_count; i++) {
        const fn_type *t = fn_type_strip_low_cardinality(r->ix->values[i]->type);
        if (fn_type_is_string(t) || (t->id == FN_T_ARRAY && fn_type_is_string(fn_type_strip_low_cardinality(t->items)))) continue;
        return bad(r, FN_BAD_ARGUMENTS, "Ngram and token bloom filter indexes can only be used with column types `String`, `FixedString`, `LowCardinality(String)`, "
                   "`LowCardinality(FixedString)`, `Array(String)` or `Array(FixedString)`");
    }
    r->ix->shape.form = FN_SKIP_FILTERS;
    r->ix->shape.bytes = size;
    r->ix->shape.hashes = (uint32_t)FN_MIN(hashes, (uint64_t)FN_SKIP_HASHES_MAX);
    return FN_OK;
}

static fn_status read_tokens(index_reader *r)
{
    const ast_list *args = &r->def->type->args;
    r->ix->kind = MT_INDEX_TOKENS;
    if (args->count != 3) return bad(r, FN_BAD_ARGUMENTS, "`tokenbf` index must have exactly 3 arguments");
    return read_filter(r, args, 0);
}

static fn_status read_ngrams(index_reader *r)
{
    const ast_list *args = &r->def->type->args;
    uint64_t n;
    r->ix->kind = MT_INDEX_NGRAMS;
    if (args->count != 4) return bad(r, FN_BAD_ARGUMENTS, "`ngrambf` index must have exactly 4 arguments");
    if (!take_uint(args->items[0], &n) || n == 0 || n > 1024) return bad(r, FN_BAD_ARGUMENTS, "The size of ngrams must be between 1 and 1024");
    r->ix->ngram = (uint32_t)n;
    return read_filter(r, args, 1);
}

static const struct index_kind {
    const char *name;
    read_kind *read; /* NULL: ClickHouse has it, firn has not */
} kinds[] = {
    {"minmax", read_minmax}, {"set", read_set}, {"bloom_filter", read_bloom}, {"ngrambf_v1", read_ngrams}, {"tokenbf_v1", read_tokens},
    {"sparse_grams", NULL}, {"text", NULL}, {"vector_similarity", NULL},
};

static const struct index_kind *find_kind(const ast_index_def *def)
{
    for (size_t i = 0; i < FN_COUNT(kinds); i++)
        if (fn_str_eq(def->type->text, fn_cstr(kinds[i].name))) return &kinds[i];
    return NULL;
}

fn_status definition_check_index(fn_ctx *ctx, const ast_table_item *item)
{
    const ast_index_def *def = &item->index;
    const struct index_kind *kind = find_kind(def);
    if (def->granularity == 0) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Index GRANULARITY must be a positive integer");
    if (fn_str_eq(def->type->text, FN_STR("hypothesis")))
        return fn_fail(ctx, FN_ILLEGAL_INDEX, "Index of type 'hypothesis' is no longer supported. Please drop the index: When validating secondary index `" FN_STR_FMT "`",
                       FN_STR_ARG(def->name));
    if (!kind) {
        return fn_fail(ctx, FN_INCORRECT_QUERY, "Unknown Index type '" FN_STR_FMT "'. Available index types: hypothesis, text, vector_similarity, bloom_filter, "
                       "sparse_grams, tokenbf_v1, ngrambf_v1, set, minmax: When validating secondary index `" FN_STR_FMT "`", FN_STR_ARG(def->type->text), FN_STR_ARG(def->name));
    }
    return kind->read ? FN_OK : fn_fail(ctx, FN_NOT_IMPLEMENTED, "Index type %s is not supported", kind->name);
}

/* ---- the number of an index's data: a hash of what it is over ---- */
typedef struct id_walk {
    fn_ctx *ctx;
    const table_schema *schema;
    uint64_t hash;
} id_walk;

static void mix_bytes(id_walk *w, const void *bytes, size_t size)
{
    w->hash = fn_hash_bytes(bytes, size, w->hash);
}

static fn_status mix_expr(id_walk *w, const expr *e)
{
    uint64_t constant;
    mix_bytes(w, &e->kind, sizeof e->kind);
    mix_bytes(w, e->type->name, strlen(e->type->name));
    switch (e->kind) {
    case EXPR_COLUMN:
        mix_bytes(w, e->column < w->schema->count ? &w->schema->columns[e->column].id : &e->column, sizeof(uint32_t));
        return FN_OK;
    case EXPR_CONST:
        FN_TRY(fn_column_hash(w->ctx, e->constant, &constant, true));
        mix_bytes(w, &constant, sizeof constant);
        return FN_OK;
    case EXPR_CALL:
        mix_bytes(w, e->call->def->name, strlen(e->call->def->name));
        for (uint32_t i = 0; i < e->arg_count; i++) FN_TRY(mix_expr(w, e->args[i]));
        return FN_OK;
    case EXPR_LAMBDA: return mix_expr(w, e->lambda->body);
    case EXPR_CELL: return FN_OK;
    }
    FN_IMPOSSIBLE("kind of an expression");
}

fn_status definition_hash_expr(fn_ctx *ctx, const table_schema *schema, const expr *e, uint64_t *hash)
{
    id_walk w = {ctx, schema, *hash};
    FN_TRY(mix_expr(&w, e));
    *hash = w.hash;
    return FN_OK;
}

static fn_status make_id(fn_ctx *ctx, const table_schema *schema, mt_index *ix)
{
    id_walk w = {ctx, schema, 1};
    const uint64_t numbers[] = {(uint64_t)ix->kind, ix->granularity, ix->ngram, ix->shape.rows_max, ix->shape.bytes, ix->shape.hashes,
                                (uint64_t)(ix->shape.bits_per_hash * 1e6), ix->value_count};
    mix_bytes(&w, ix->name.data, ix->name.size);
    mix_bytes(&w, numbers, sizeof numbers);
    for (uint32_t i = 0; i < ix->value_count; i++) FN_TRY(mix_expr(&w, ix->values[i]));
    ix->id = w.hash;
    return FN_OK;
}

/* ---- making ---- */
/* Parts have only stored columns. */
static fn_status check_stored(const index_reader *r, const table_schema *schema, const expr *e)
{
    fn_buf ids = FN_BUF_INIT;
    fn_status status = expr_columns(r->ctx, e, &ids);
    for (size_t i = 0; i + sizeof(column_id) <= ids.size && status == FN_OK; i += sizeof(column_id)) {
        const table_column *c = &schema->columns[fn_load_u32(ids.data + i)];
        if (!table_column_is_stored(c)) status = fn_fail(r->ctx, FN_UNKNOWN_IDENTIFIER, "Missing columns: '" FN_STR_FMT "' while processing: '" FN_STR_FMT "'",
                                                         FN_STR_ARG(c->name), FN_STR_ARG(r->def->expr_text));
    }
    fn_buf_release(&ids);
    return status;
}

static fn_status bind_values(index_reader *r, plan_world *world, const table_schema *schema)
{
    ast_expr *single = r->def->expr;
    const bool tuple = single->kind == AST_FUNCTION && fn_str_eq(single->text, FN_STR("tuple"));
    const ast_list one = {&single, 1}, *list = tuple ? &single->args : &one;
    mt_index *ix = r->ix;
    ix->values = FN_NEW_ARRAY(r->ctx, expr *, list->count + 1u);
    FN_TRY_PTR(r->ctx, ix->values);
    if (list->count > FN_SKIP_VALUES_MAX) return bad(r, FN_NOT_IMPLEMENTED, "An index over so many expressions is not supported");
    for (uint32_t i = 0; i < list->count; i++) {
        expr *e;
        FN_TRY(plan_bind_expr(r->ctx, world, list->items[i], schema, &e));
        if (!expr_is_deterministic(e)) return bad(r, FN_BAD_ARGUMENTS, "Expression must be deterministic but it contains non-deterministic part");
        if (e->kind == EXPR_CONST) {
            return fn_fail(r->ctx, FN_INCORRECT_QUERY, "Secondary index '" FN_STR_FMT "' cannot contain constants: When validating secondary index `" FN_STR_FMT "`",
                           FN_STR_ARG(r->def->name), FN_STR_ARG(r->def->name));
        }
        FN_TRY(check_stored(r, schema, e));
        for (uint32_t k = 0; k < i; k++)
            if (expr_equal(ix->values[k], e)) return bad(r, FN_BAD_ARGUMENTS, "Primary key or secondary index contains a duplicate expression");
        ix->values[ix->value_count++] = e;
    }
    return FN_OK;
}

fn_status definition_indexes(fn_ctx *ctx, plan_world *world, const ast_create *c, const table_schema *schema, mt_definition *mt)
{
    mt->indexes = FN_NEW_ARRAY(ctx, mt_index, c->item_count + 1u);
    FN_TRY_PTR(ctx, mt->indexes);
    for (uint32_t i = 0; i < c->item_count; i++) {
        const struct index_kind *kind = c->items[i].kind == 'i' ? find_kind(&c->items[i].index) : NULL;
        mt_index *ix = &mt->indexes[mt->index_count];
        if (!kind || !kind->read) continue;
        *ix = (mt_index){.name = c->items[i].index.name};
        ix->granularity = (uint32_t)FN_MAX(1, FN_MIN(c->items[i].index.granularity, (uint64_t)GRANULARITY_MAX));
        index_reader r = {ctx, &c->items[i].index, ix};
        FN_TRY(bind_values(&r, world, schema));
        FN_TRY(kind->read(&r));
        FN_TRY(make_id(ctx, schema, ix));
        FN_TRY(fn_arena_str(ctx, ctx->arena, ix->name, &ix->name));
        mt->index_count++;
    }
    return FN_OK;
}
