/* partitioned_output.c - see partitioned_output.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/partitioned_output.h"

enum { OUTPUTS_MAX = 1000 };
#define MARK "{_partition_id}"

typedef struct output {
    fn_str id;              /* in the table's arena */
    table *table;
    table_writer *writer;
    uint32_t *rows, count;  /* of the block at hand */
} output;

typedef struct partitioned_table {
    table base;
    query query;            /* a copy of the statement's: outputs are opened where blocks are written, under that thread's context */
    const ast_expr *call;
    const fn_schema *columns;
    output_maker *make;
    expr_program *program;  /* the partition's text over a block of the columns */
    fn_arena *arena;
} partitioned_table;

typedef struct partitioned_writer {
    table_writer base;
    partitioned_table *table;
    output outputs[OUTPUTS_MAX];
    uint32_t count;
} partitioned_writer;

static fn_status check_id(fn_ctx *ctx, fn_str id)
{
    for (size_t i = 0; i < id.size; i++)
        if ((unsigned char)id.data[i] < 0x20 || (id.data[i] && strchr("{}*?", id.data[i])))
            return fn_fail(ctx, FN_CANNOT_PARSE_TEXT, "Illegal character '\\x%02x' in partition id starting with '" FN_STR_FMT "'", (unsigned char)id.data[i], (int)i, id.data);
    return FN_OK;
}

static fn_status replace_all(fn_ctx *ctx, fn_str text, fn_str id, fn_str *out)
{
    fn_buf made = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (size_t at = 0; at < text.size && status == FN_OK;) {
        const bool here = text.size - at >= sizeof MARK - 1 && memcmp(text.data + at, MARK, sizeof MARK - 1) == 0;
        status = here ? fn_buf_str(ctx, &made, id) : fn_buf_byte(ctx, &made, text.data[at]);
        at += here ? sizeof MARK - 1 : 1;
    }
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&made), out);
    fn_buf_release(&made);
    return status;
}

/* The call with the partition's id in its first argument. */
static fn_status call_for(fn_ctx *ctx, const ast_expr *call, fn_str id, ast_expr **out)
{
    ast_expr *first = FN_NEW(ctx, ast_expr), *copy = FN_NEW(ctx, ast_expr), **items = FN_NEW_ARRAY(ctx, ast_expr *, call->args.count + 1);
    if (!first || !copy || !items) return ctx->error.code;
    memcpy(items, call->args.items, sizeof *items * call->args.count);
    *first = *call->args.items[0];
    FN_TRY(replace_all(ctx, first->text, id, &first->text));
    items[0] = first;
    *copy = *call;
    copy->args.items = items;
    *out = copy;
    return FN_OK;
}

static fn_status open_here(fn_ctx *ctx, partitioned_table *t, fn_str id, output *o)
{
    ast_expr *call = NULL;
    FN_TRY(check_id(ctx, id));
    FN_TRY(fn_arena_str(ctx, ctx->arena, id, &o->id));
    FN_TRY(call_for(ctx, t->call, o->id, &call));
    FN_TRY(t->make(&t->query, call, t->columns, &o->table));
    return o->table->ops->write(o->table, ctx, &o->writer);
}

/* What an output needs outlives the block at hand and its arena. */
static fn_status open_output(fn_ctx *ctx, partitioned_table *t, fn_str id, output *o)
{
    fn_arena *const outer = ctx->arena;
    ctx->arena = t->arena;
    t->query.ctx = ctx;
    const fn_status status = open_here(ctx, t, id, o);
    ctx->arena = outer;
    return status;
}

/* The rows of the block, output by output. */
static fn_status share_rows(fn_ctx *ctx, partitioned_writer *w, const fn_column *ids, fn_arena *block_arena)
{
    for (uint32_t row = 0; row < ids->rows; row++) {
        const fn_str id = fn_column_str_at(ids, row);
        uint32_t at = 0;
        while (at < w->count && !fn_str_eq(w->outputs[at].id, id)) at++;
        if (at == OUTPUTS_MAX) return fn_fail(ctx, FN_TOO_MANY_PARTS, "Too many partitions for a single INSERT (more than %d)", OUTPUTS_MAX);
        output *o = &w->outputs[at];
        if (at == w->count) {
            w->count++; /* closed in any case */
            FN_TRY(open_output(ctx, w->table, id, o));
        }
        if (!o->rows) o->rows = fn_arena_alloc(ctx, block_arena, sizeof *o->rows * ids->rows);
        FN_TRY_PTR(ctx, o->rows);
        o->rows[o->count++] = row;
    }
    return FN_OK;
}

static fn_status write_shares(fn_ctx *ctx, partitioned_writer *w, const fn_block *block)
{
    for (uint32_t i = 0; i < w->count; i++) {
        output *o = &w->outputs[i];
        if (!o->count) continue;
        fn_block *share = fn_block_take(ctx, block, o->rows, o->count);
        FN_TRY_PTR(ctx, share);
        const fn_status status = o->writer->write(o->writer, ctx, share);
        fn_block_drop(share);
        FN_TRY(status);
    }
    return FN_OK;
}

static fn_status write_block(table_writer *self, fn_ctx *ctx, const fn_block *block)
{
    partitioned_writer *w = (partitioned_writer *)self;
    fn_arena *const block_arena = fn_arena_new(ctx);
    fn_column *ids = NULL, *flat = NULL;
    FN_TRY_PTR(ctx, block_arena);
    for (uint32_t i = 0; i < w->count; i++) {
        w->outputs[i].rows = NULL;
        w->outputs[i].count = 0;
    }
    fn_status status = expr_run(ctx, w->table->program, block, &ids);
    if (status == FN_OK) {
        flat = fn_column_flatten(ctx, ids);
        status = flat ? share_rows(ctx, w, flat, block_arena) : ctx->error.code;
    }
    if (status == FN_OK) status = write_shares(ctx, w, block);
    fn_column_drop(flat);
    fn_column_drop(ids);
    fn_arena_free(block_arena);
    return status;
}

static fn_status commit(table_writer *self, fn_ctx *ctx)
{
    partitioned_writer *w = (partitioned_writer *)self;
    for (uint32_t i = 0; i < w->count; i++) FN_TRY(w->outputs[i].writer->commit(w->outputs[i].writer, ctx));
    return FN_OK;
}

static void close_writer(table_writer *self)
{
    partitioned_writer *w = (partitioned_writer *)self;
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->outputs[i].writer) w->outputs[i].writer->close(w->outputs[i].writer);
        if (w->outputs[i].table) table_drop(w->outputs[i].table);
    }
}

static fn_status open_writer(table *t, fn_ctx *ctx, table_writer **out)
{
    partitioned_writer *w = FN_NEW(ctx, partitioned_writer);
    FN_TRY_PTR(ctx, w);
    w->base = (table_writer){.write = write_block, .commit = commit, .close = close_writer};
    w->table = (partitioned_table *)t;
    *out = &w->base;
    return FN_OK;
}

static void destroy(table *t)
{
    fn_arena_free(((partitioned_table *)t)->arena);
}

static const table_ops partitioned_ops = {.engine = "Partitioned", .write = open_writer, .destroy = destroy};

static fn_status compile(query *q, const ast_expr *by, const table_schema *schema, expr_program **out)
{
    fn_ctx *ctx = q->ctx;
    expr *value, *text;
    column_id *columns = FN_NEW_ARRAY(ctx, column_id, schema->count + 1);
    FN_TRY_PTR(ctx, columns);
    for (uint32_t i = 0; i < schema->count; i++) columns[i] = i;
    FN_TRY(plan_bind_expr(ctx, &q->world.base, by, schema, &value));
    FN_TRY(expr_call(ctx, "toString", &value, 1, &text));
    if (fn_type_is_nullable(text->type)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "PARTITION BY an expression that may be NULL is not supported");
    return expr_compile(ctx, &text, 1, columns, schema->count, out);
}

fn_status partitioned_output_table(query *q, const ast_expr *call, const ast_expr *by, const fn_schema *columns, output_maker *make, table **out)
{
    fn_ctx *ctx = q->ctx;
    const ast_expr *first = call->args.count ? call->args.items[0] : NULL;
    const bool is_text = first && first->kind == AST_LITERAL && first->literal_kind == LITERAL_STRING;
    if (!is_text || !memmem(first->text.data, first->text.size, MARK, sizeof MARK - 1)) return make(q, call, columns, out);
    fn_arena *arena = fn_arena_new(&(fn_ctx){.arena = NULL});
    partitioned_table *t = arena ? fn_arena_alloc_zero(ctx, arena, sizeof *t) : NULL;
    table_schema *schema = NULL;
    fn_status status = t ? table_schema_make(ctx, columns, &schema) : fn_fail_memory(ctx, sizeof *t);
    if (status == FN_OK) status = compile(q, by, schema, &t->program);
    if (status != FN_OK) {
        if (schema) table_schema_drop(schema);
        fn_arena_free(arena);
        return status;
    }
    t->base.ops = &partitioned_ops;
    t->base.is_temporary = true;
    t->base.name = call->text;
    t->query = *q;
    t->call = call;
    t->columns = columns;
    t->make = make;
    t->arena = arena;
    atomic_store(&t->base.schema, schema);
    atomic_store(&t->base.refs, 1);
    *out = &t->base;
    return FN_OK;
}
