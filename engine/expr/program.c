/* program.c - expressions compiled against a layout, and their run over blocks.
 *
 * Compiling numbers the distinct subexpressions (equal ones once). Running asks for the roots; each node is computed at
 * most once per block and kept in the run's memo. Lazy calls (if, multiIf, and, or over arguments that may fail or cost)
 * compute their branches in a child run over the rows that need them: its columns are the parent's, filtered on demand.
 * A program is read-only after compiling; a run lives on the caller's stack.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/convert.h"
#include "expr/node.h"
#include "kernel/kernel.h"

typedef struct program_node {
    const expr *e;
    uint32_t *args;      /* node numbers; for a lambda: of its captures */
    uint32_t arg_count;
    uint32_t column;     /* EXPR_COLUMN: place in the block */
    lazy_kind lazy;
    bool eager_ok;       /* cheap and cannot fail: computed for all rows rather than for some */
    bool has_lambda;
} program_node;

struct expr_program {
    program_node *nodes;
    uint32_t node_count, root_count, column_count;
    uint32_t *roots;
};

/* ---- compiling ---- */

/* Nodes whose expressions may be equal stand in one chain. */
typedef struct link {
    uint64_t hash;
    uint32_t next; /* node + 1; 0: none */
} link;

typedef struct compiler {
    fn_ctx *ctx;
    fn_buf nodes; /* program_node */
    fn_buf links; /* link, of each node */
    uint32_t *heads; /* head_count of them, a power of two: node + 1 */
    uint32_t head_count;
    const column_id *layout;
    uint32_t layout_count;
} compiler;

lazy_kind expr_lazy_kind(const func_def *def)
{
    static const struct {
        const char *name;
        lazy_kind kind;
    } rows[] = {{"if", LAZY_IF}, {"multiIf", LAZY_MULTI_IF}, {"and", LAZY_AND}, {"or", LAZY_OR}};
    for (size_t i = 0; (def->flags & FUNC_LAZY) && i < FN_COUNT(rows); i++)
        if (strcmp(def->name, rows[i].name) == 0) return rows[i].kind;
    return LAZY_NONE;
}

static fn_status compile_node(compiler *c, const expr *e, uint32_t *out);

static fn_status find_column(compiler *c, column_id id, uint32_t *out)
{
    for (uint32_t i = 0; i < c->layout_count; i++)
        if (c->layout[i] == id) {
            *out = i;
            return FN_OK;
        }
    return fn_fail(c->ctx, FN_LOGICAL_ERROR, "Column _%u is not in the block of the expression", id);
}

static fn_status compile_captures(compiler *c, const expr_lambda *l, program_node *node)
{
    node->arg_count = l->capture_count;
    for (uint32_t i = 0; i < l->capture_count; i++) {
        uint32_t place;
        FN_TRY(find_column(c, l->captures[i], &place));
        expr *column = expr_column(c->ctx, l->captures[i], l->body->type);
        FN_TRY_PTR(c->ctx, column);
        FN_TRY(compile_node(c, column, &node->args[i]));
    }
    return FN_OK;
}

static uint64_t hash_constant(const fn_column *c)
{
    const fn_type *t = fn_type_base(c->type);
    if (fn_column_is_null(c, 0)) return 1;
    if (t->phys == FN_PHYS_STRING) {
        const fn_str s = fn_column_str_at(c, 0);
        return fn_hash_bytes(s.data, s.size, 0);
    }
    return t->width ? fn_hash_bytes(fn_column_fixed_at(c, 0), t->width, 0) : 0;
}

/* Equal expressions have equal hashes; it looks at a few arguments of a few levels. */
static uint64_t hash_of(const expr *e, unsigned levels)
{
    enum { ARGS = 4 };
    uint64_t h = (uint64_t)e->kind + 1;
    switch (e->kind) {
    case EXPR_COLUMN: return fn_hash_mix(h, e->column);
    case EXPR_CONST: return fn_hash_mix(h, hash_constant(e->constant));
    case EXPR_CELL:
    case EXPR_LAMBDA: return h;
    case EXPR_CALL: break;
    }
    h = fn_hash_mix(h, (uint64_t)(uintptr_t)e->call->def + e->arg_count);
    for (uint32_t i = 0; levels && i < e->arg_count && i < ARGS; i++) h = fn_hash_mix(h, hash_of(e->args[i], levels - 1));
    return h;
}

static const program_node *node_at(const compiler *c, uint32_t n)
{
    return (const program_node *)(const void *)c->nodes.data + n;
}

static link *link_at(const compiler *c, uint32_t n)
{
    return (link *)(void *)c->links.data + n;
}

static bool find_node(const compiler *c, const expr *e, uint64_t hash, uint32_t *out)
{
    for (uint32_t n = c->head_count ? c->heads[hash & (c->head_count - 1)] : 0; n; n = link_at(c, n - 1)->next) {
        const expr *known = node_at(c, n - 1)->e;
        if (link_at(c, n - 1)->hash != hash) continue;
        if (!(e->kind == EXPR_COLUMN && known->kind == EXPR_COLUMN && known->column == e->column) && !expr_equal(known, e)) continue;
        *out = n - 1;
        return true;
    }
    return false;
}

static void chain_node(compiler *c, uint32_t n)
{
    link *l = link_at(c, n);
    uint32_t *head = &c->heads[l->hash & (c->head_count - 1)];
    l->next = *head;
    *head = n + 1;
}

static fn_status add_node(compiler *c, const program_node *node, uint64_t hash, uint32_t *out)
{
    const link l = {.hash = hash};
    *out = (uint32_t)(c->nodes.size / sizeof *node);
    FN_TRY(fn_buf_append(c->ctx, &c->nodes, node, sizeof *node));
    FN_TRY(fn_buf_append(c->ctx, &c->links, &l, sizeof l));
    if (*out < c->head_count) {
        chain_node(c, *out);
        return FN_OK;
    }
    c->head_count = c->head_count ? 4 * c->head_count : 16;
    c->heads = FN_NEW_ARRAY(c->ctx, uint32_t, c->head_count);
    FN_TRY_PTR(c->ctx, c->heads);
    for (uint32_t i = 0; i <= *out; i++) chain_node(c, i);
    return FN_OK;
}

static fn_status compile_node(compiler *c, const expr *e, uint32_t *out)
{
    enum { LEVELS = 3 };
    const uint64_t hash = hash_of(e, LEVELS);
    if (find_node(c, e, hash, out)) return FN_OK;
    program_node node = {.e = e, .eager_ok = true};
    const uint32_t args = e->kind == EXPR_LAMBDA ? e->lambda->capture_count : e->arg_count;
    node.args = FN_NEW_ARRAY(c->ctx, uint32_t, args + 1);
    FN_TRY_PTR(c->ctx, node.args);
    if (e->kind == EXPR_COLUMN) FN_TRY(find_column(c, e->column, &node.column));
    if (e->kind == EXPR_LAMBDA) FN_TRY(compile_captures(c, e->lambda, &node));
    if (e->kind == EXPR_CALL) {
        node.arg_count = e->arg_count;
        node.eager_ok = (e->call->def->flags & FUNC_PER_ENTRY) && fn_type_base(e->type)->phys != FN_PHYS_STRING;
        node.lazy = expr_lazy_kind(e->call->def);
        for (uint32_t i = 0; i < e->arg_count; i++) {
            FN_TRY(compile_node(c, e->args[i], &node.args[i]));
            const program_node *arg = node_at(c, node.args[i]);
            node.eager_ok &= arg->eager_ok;
            node.has_lambda |= arg->e->kind == EXPR_LAMBDA;
        }
    }
    return add_node(c, &node, hash, out);
}

fn_status expr_compile(fn_ctx *ctx, expr *const *exprs, uint32_t count, const column_id *layout, uint32_t layout_count, expr_program **out)
{
    compiler c = {.ctx = ctx, .layout = layout, .layout_count = layout_count};
    expr_program *p = FN_NEW(ctx, expr_program);
    if (!p) return ctx->error.code;
    p->roots = FN_NEW_ARRAY(ctx, uint32_t, count + 1);
    FN_TRY_PTR(ctx, p->roots);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = compile_node(&c, exprs[i], &p->roots[i]);
    if (status == FN_OK) {
        p->node_count = (uint32_t)(c.nodes.size / sizeof(program_node));
        p->root_count = count;
        p->column_count = layout_count;
        p->nodes = (program_node *)fn_arena_alloc(ctx, ctx->arena, c.nodes.size + 1);
        if (!p->nodes) status = ctx->error.code;
        else if (c.nodes.size) memcpy(p->nodes, c.nodes.data, c.nodes.size);
    }
    fn_buf_release(&c.nodes);
    fn_buf_release(&c.links);
    *out = p;
    return status;
}

/* ---- running ---- */

typedef struct run run;
struct run {
    const expr_program *program;
    fn_column *const *columns; /* of the block; NULL in a child */
    run *parent;
    const uint8_t *mask;       /* child: which of the parent's rows */
    uint32_t rows;
    fn_column **memo;          /* node_count */
};

static fn_status node_value(fn_ctx *ctx, run *r, uint32_t n, fn_column **out);

static fn_status run_begin(fn_ctx *ctx, run *r)
{
    r->memo = fn_alloc_zero(ctx, (r->program->node_count + 1) * sizeof *r->memo);
    return r->memo ? FN_OK : ctx->error.code;
}

static void run_end(run *r)
{
    for (uint32_t i = 0; r->memo && i < r->program->node_count; i++) fn_column_drop(r->memo[i]);
    fn_free(r->memo);
}

/* The node over the rows of the parent that mask marks (kept of them). */
static fn_status value_for_some(fn_ctx *ctx, run *r, uint32_t n, const uint8_t *mask, uint32_t kept, fn_column **out)
{
    if (kept == r->rows) return node_value(ctx, r, n, out);
    run child = {.program = r->program, .parent = r, .mask = mask, .rows = kept};
    fn_status status = run_begin(ctx, &child);
    if (status == FN_OK) status = node_value(ctx, &child, n, out);
    run_end(&child);
    return status;
}

static fn_status cell_value(fn_ctx *ctx, const expr_cell *cell, uint32_t rows, fn_column **out)
{
    if (cell->is_set) { /* IN reaches its set through the call's own data; this column only stands in its place */
        *out = fn_column_default(ctx, cell->type, rows);
        FN_TRY_PTR(ctx, *out);
        return FN_OK;
    }
    if (!cell->value) return fn_fail(ctx, FN_LOGICAL_ERROR, "Scalar subquery has not been computed");
    *out = fn_column_repeat(ctx, cell->value, 0, rows);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

/* All arguments, then the call. Lambdas become closures over their captured columns. */
static fn_status call_value(fn_ctx *ctx, run *r, const program_node *node, fn_column **out)
{
    const uint32_t n = node->arg_count;
    fn_column *some[17], **args = n < 17 ? some : fn_alloc_zero(ctx, (n + 1) * sizeof *args);
    expr_closure *closures = node->has_lambda ? fn_alloc_zero(ctx, n * sizeof *closures) : NULL;
    fn_status status = args && (closures || !node->has_lambda) ? FN_OK : ctx->error.code;
    uint32_t made = 0;
    for (; made < n && status == FN_OK; made++) {
        const program_node *arg = &r->program->nodes[node->args[made]];
        args[made] = NULL;
        if (arg->e->kind != EXPR_LAMBDA) {
            status = node_value(ctx, r, node->args[made], &args[made]);
            continue;
        }
        fn_column **captures = fn_alloc_zero(ctx, (arg->arg_count + 1) * sizeof *captures);
        closures[made] = (expr_closure){arg->e->lambda, captures};
        if (!captures) status = ctx->error.code;
        for (uint32_t k = 0; k < arg->arg_count && status == FN_OK; k++) status = node_value(ctx, r, arg->args[k], &captures[k]);
    }
    if (status == FN_OK) {
        args[n] = (fn_column *)(void *)closures;
        status = call_run(ctx, node->e->call, node->e->type, args, r->rows, out);
    }
    for (uint32_t i = 0; i < made; i++) {
        fn_column_drop(args[i]);
        if (!closures || !closures[i].lambda) continue;
        fn_column **captures = (fn_column **)(uintptr_t)closures[i].captures;
        for (uint32_t k = 0; captures && k < closures[i].lambda->capture_count; k++) fn_column_drop(captures[k]);
        fn_free(captures);
    }
    fn_free(closures);
    if (args != some) fn_free(args);
    return status;
}

/* ---- lazy calls ---- */

static uint8_t *new_mask(fn_ctx *ctx, uint32_t rows)
{
    return fn_alloc_zero(ctx, (size_t)rows + 64);
}

/* Branch values of the rows marked by their mask, put together in row order. */
typedef struct branches {
    fn_column *parts[64];
    uint32_t count;
    uint8_t *which; /* rows: branch of each row */
} branches;

static fn_status add_branch(fn_ctx *ctx, run *r, uint32_t node, const fn_type *type, const uint8_t *mask, uint32_t kept, branches *b)
{
    fn_column *value = NULL;
    if (kept == 0) return FN_OK;
    FN_TRY(value_for_some(ctx, r, node, mask, kept, &value));
    fn_status status = expr_convert(ctx, value, type, CONVERT_CAST, &b->parts[b->count]);
    fn_column_drop(value);
    if (status != FN_OK) return status;
    for (uint32_t i = 0; i < r->rows; i++)
        if (mask[i]) b->which[i] = (uint8_t)b->count;
    b->count++;
    return FN_OK;
}

static fn_status merge_branches(fn_ctx *ctx, const branches *b, uint32_t rows, fn_column **out)
{
    if (b->count == 1) {
        *out = fn_column_ref(b->parts[0]);
        return FN_OK;
    }
    fn_column *flat[64] = {0}, *all = NULL;
    uint32_t next[64], total = 0;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < b->count && status == FN_OK; i++) {
        flat[i] = b->parts[i]->shape == FN_FLAT ? fn_column_ref(b->parts[i]) : fn_column_flatten(ctx, b->parts[i]);
        if (!flat[i]) status = ctx->error.code;
        next[i] = total;
        total += b->parts[i]->rows;
    }
    fn_buffer *index = status == FN_OK ? fn_buffer_new(ctx, (size_t)rows * 4) : NULL;
    if (index) all = fn_column_concat(ctx, flat, b->count);
    if (all) {
        uint32_t *to = (uint32_t *)(void *)index->data;
        for (uint32_t i = 0; i < rows; i++) to[i] = next[b->which[i]]++;
        *out = fn_column_take(ctx, all, to, rows);
    }
    if (!all || !*out) status = ctx->error.code;
    for (uint32_t i = 0; i < b->count; i++) fn_column_drop(flat[i]);
    fn_column_drop(all);
    fn_buffer_drop(index);
    return status;
}

/* if(c, a, b) and multiIf(c1, a1, c2, a2, ..., b): conditions and branches only where no earlier condition held. */
static fn_status lazy_if(fn_ctx *ctx, run *r, const program_node *node, fn_column **out)
{
    branches b = {.which = new_mask(ctx, r->rows)};
    uint8_t *rest = new_mask(ctx, r->rows), *hit = new_mask(ctx, r->rows), *some = new_mask(ctx, r->rows);
    fn_status status = b.which && rest && hit && some ? FN_OK : ctx->error.code;
    uint32_t left = r->rows;
    if (status == FN_OK) memset(rest, 1, r->rows);
    for (uint32_t i = 0; i + 1 < node->arg_count && status == FN_OK && left; i += 2) {
        fn_column *c = NULL;
        uint32_t ones = 0;
        status = value_for_some(ctx, r, node->args[i], rest, left, &c);
        if (status == FN_OK) status = expr_mask_of(ctx, c, left, some, &ones);
        fn_column_drop(c);
        if (status != FN_OK) break;
        for (uint32_t k = 0, at = 0; k < r->rows; k++) {
            hit[k] = rest[k] && some[at];
            at += rest[k];
            rest[k] = rest[k] && !hit[k];
        }
        status = add_branch(ctx, r, node->args[i + 1], node->e->type, hit, ones, &b);
        left -= ones;
    }
    if (status == FN_OK && left) status = add_branch(ctx, r, node->args[node->arg_count - 1], node->e->type, rest, left, &b);
    if (status == FN_OK) status = merge_branches(ctx, &b, r->rows, out);
    for (uint32_t i = 0; i < b.count; i++) fn_column_drop(b.parts[i]);
    fn_free(b.which);
    fn_free(rest);
    fn_free(hit);
    fn_free(some);
    return status;
}

/* and/or: the next argument only for rows that are still open (and: not false yet; or: not true yet). */
static fn_status lazy_logic(fn_ctx *ctx, run *r, const program_node *node, bool is_and, fn_column **out)
{
    const bool nullable = fn_type_is_nullable(node->e->type);
    uint8_t *open = new_mask(ctx, r->rows);
    fn_buffer *values = fn_buffer_new(ctx, r->rows), *nulls = fn_buffer_new_zero(ctx, r->rows);
    fn_status status = open && values && nulls ? FN_OK : ctx->error.code;
    uint32_t left = r->rows;
    if (status == FN_OK) {
        memset(open, 1, r->rows);
        memset(values->data, is_and, r->rows);
    }
    for (uint32_t i = 0; i < node->arg_count && status == FN_OK && left; i++) {
        fn_column *c = NULL;
        uint8_t *some = new_mask(ctx, left);
        uint32_t ones = 0;
        status = some ? value_for_some(ctx, r, node->args[i], open, left, &c) : ctx->error.code;
        if (status == FN_OK) status = expr_mask_of(ctx, c, left, some, &ones);
        for (uint32_t k = 0, at = 0; status == FN_OK && k < r->rows; k++) {
            if (!open[k]) continue;
            if (fn_column_is_null(c, at)) nulls->data[k] = 1;
            else if (some[at] != is_and) {
                values->data[k] = !is_and;
                nulls->data[k] = 0;
                open[k] = 0;
                left--;
            }
            at++;
        }
        fn_column_drop(c);
        fn_free(some);
    }
    fn_free(open);
    if (status == FN_OK) {
        *out = fn_column_fixed(ctx, node->e->type, r->rows, values, nullable ? nulls : NULL);
        if (!nullable) fn_buffer_drop(nulls);
        return *out ? FN_OK : ctx->error.code;
    }
    fn_buffer_drop(values);
    fn_buffer_drop(nulls);
    return status;
}

/* True if some branch (not the first argument, which every row needs) should not run for all rows. */
static bool worth_lazy(const run *r, const program_node *node)
{
    if (node->lazy == LAZY_NONE || r->rows == 0 || node->arg_count > 63) return false;
    for (uint32_t i = 1; i < node->arg_count; i++)
        if (!r->program->nodes[node->args[i]].eager_ok) return true;
    return false;
}

static fn_status compute(fn_ctx *ctx, run *r, uint32_t n, fn_column **out)
{
    const program_node *node = &r->program->nodes[n];
    switch (node->e->kind) {
    case EXPR_COLUMN: *out = fn_column_ref(r->columns[node->column]); return FN_OK;
    case EXPR_CONST:
        *out = fn_column_repeat(ctx, node->e->constant, 0, r->rows);
        FN_TRY_PTR(ctx, *out);
        return FN_OK;
    case EXPR_CELL: return cell_value(ctx, node->e->cell, r->rows, out);
    case EXPR_LAMBDA: return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "A lambda can only be an argument of a higher-order function");
    case EXPR_CALL: break;
    }
    if (!worth_lazy(r, node)) return call_value(ctx, r, node, out);
    if (node->lazy == LAZY_AND || node->lazy == LAZY_OR) return lazy_logic(ctx, r, node, node->lazy == LAZY_AND, out);
    return lazy_if(ctx, r, node, out);
}

static fn_status node_value(fn_ctx *ctx, run *r, uint32_t n, fn_column **out)
{
    const program_node *node = &r->program->nodes[n];
    if (!r->memo[n]) {
        fn_column *above = NULL;
        if (r->parent && node->e->kind == EXPR_COLUMN) FN_TRY(node_value(ctx, r->parent, n, &above));
        else if (r->parent && r->parent->memo[n]) above = fn_column_ref(r->parent->memo[n]);
        if (above) {
            r->memo[n] = fn_column_filter(ctx, above, r->mask, r->rows);
            fn_column_drop(above);
            FN_TRY_PTR(ctx, r->memo[n]);
        } else {
            FN_TRY(compute(ctx, r, n, &r->memo[n]));
        }
    }
    *out = fn_column_ref(r->memo[n]);
    return FN_OK;
}

fn_status expr_run(fn_ctx *ctx, const expr_program *p, const fn_block *in, fn_column **out)
{
    run r = {.program = p, .columns = in->columns, .rows = in->rows};
    FN_TRY(run_begin(ctx, &r));
    fn_status status = FN_OK;
    uint32_t made = 0;
    for (; made < p->root_count && status == FN_OK; made++) status = node_value(ctx, &r, p->roots[made], &out[made]);
    run_end(&r);
    if (status == FN_OK) return FN_OK;
    for (uint32_t i = 0; i + 1 < made; i++) {
        fn_column_drop(out[i]);
        out[i] = NULL;
    }
    return status;
}

/* A conjunction under the rows still open; sparse masks evaluate the rest on those rows only. The mask holds once a row is closed. */
static fn_status mask_conjunct(fn_ctx *ctx, run *r, uint32_t n, uint8_t *mask, uint32_t *ones)
{
    const program_node *node = &r->program->nodes[n];
    if (node->e->kind == EXPR_CALL && node->lazy == LAZY_AND && *ones) {
        for (uint32_t i = 0; i < node->arg_count && *ones; i++) FN_TRY(mask_conjunct(ctx, r, node->args[i], mask, ones));
        return FN_OK;
    }
    fn_column *c = NULL;
    const bool some = *ones < r->rows && (!node->eager_ok || *ones < r->rows / 8);
    FN_TRY(some ? value_for_some(ctx, r, n, mask, *ones, &c) : node_value(ctx, r, n, &c));
    if (*ones == r->rows) { /* the first: its mask is the mask */
        const fn_status first = expr_mask_of(ctx, c, r->rows, mask, ones);
        fn_column_drop(c);
        return first;
    }
    uint8_t *part = fn_alloc(ctx, (size_t)r->rows + FN_BUFFER_PAD);
    uint32_t hits = 0;
    fn_status status = part ? expr_mask_of(ctx, c, c->rows, part, &hits) : ctx->error.code;
    if (status == FN_OK && some) {
        for (uint32_t i = 0, at = 0; i < r->rows; i++)
            if (mask[i]) mask[i] = part[at++];
        *ones = hits;
    } else if (status == FN_OK) {
        kern.mask_and(mask, part, r->rows);
        *ones = (uint32_t)kern.mask_count(mask, r->rows);
    }
    fn_free(part);
    fn_column_drop(c);
    return status;
}

fn_status expr_run_mask(fn_ctx *ctx, const expr_program *p, const fn_block *in, uint8_t *mask, uint32_t *ones)
{
    FN_ASSERT(p->root_count == 1);
    run r = {.program = p, .columns = in->columns, .rows = in->rows};
    FN_TRY(run_begin(ctx, &r));
    *ones = in->rows;
    const fn_status status = in->rows ? mask_conjunct(ctx, &r, p->roots[0], mask, ones) : FN_OK;
    run_end(&r);
    return status;
}

fn_status expr_run_mask_one(fn_ctx *ctx, const expr_program *p, fn_column *column_take, uint8_t *mask, uint32_t *ones)
{
    FN_TRY_PTR(ctx, column_take);
    fn_block *b = fn_block_new(ctx, 1, column_take->rows);
    if (!b) {
        fn_column_drop(column_take);
        return ctx->error.code;
    }
    b->columns[0] = column_take;
    const fn_status status = expr_run_mask(ctx, p, b, mask, ones);
    fn_block_drop(b);
    return status;
}

fn_status expr_fold(fn_ctx *ctx, const expr *e, fn_column **out)
{
    expr *root = (expr *)(uintptr_t)e;
    expr_program *p;
    FN_TRY(expr_compile(ctx, &root, 1, NULL, 0, &p));
    run r = {.program = p, .rows = 1};
    FN_TRY(run_begin(ctx, &r));
    fn_column *value = NULL;
    fn_status status = node_value(ctx, &r, p->roots[0], &value);
    run_end(&r);
    if (status != FN_OK) return status;
    *out = fn_column_repeat(ctx, value, 0, 1);
    fn_column_drop(value);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}
