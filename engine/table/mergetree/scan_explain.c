/* scan_explain.c - the granules of a scan counted after each index, for EXPLAIN. The scan itself asks in another order: ranges of columns
 * before skip indexes, whose data it then need not read. SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/condition.h"
#include "table/mergetree/scan_explain.h"
#include "table/mergetree/skip_index.h"

typedef struct counting {
    fn_ctx *ctx;
    const mt_shape *shape;
    const mt_list *list;
    mt_reader *readers;
    mt_conditions *conditions;
    mt_skip *skip;
    uint8_t **left;          /* per part and granule: 1 = still to be read */
    uint32_t parts, granules; /* with any left; left */
    uint32_t before_parts, before_granules;
    unsigned indent;
    fn_buf *out;
} counting;

static fn_status line(counting *c, unsigned deeper, const char *text)
{
    return fn_buf_printf(c->ctx, c->out, "%*s%s\n", (int)(c->indent + deeper), "", text);
}

static void count_left(counting *c)
{
    c->before_parts = c->parts;
    c->before_granules = c->granules;
    c->parts = c->granules = 0;
    for (uint32_t i = 0; i < c->list->count; i++) {
        uint32_t n = 0;
        for (uint32_t g = 0; g < fn_part_granules(c->readers[i].data); g++) n += c->left[i][g];
        c->parts += n != 0;
        c->granules += n;
    }
}

static fn_status put_counts(counting *c)
{
    count_left(c);
    return fn_buf_printf(c->ctx, c->out, "%*sParts: %u/%u\n%*sGranules: %u/%u\n", (int)c->indent + 4, "", c->parts, c->before_parts, (int)c->indent + 4, "",
                         c->granules, c->before_granules);
}

/* ---- the primary key ---- */

static fn_status put_value(counting *c, const mt_bound *b, const char *otherwise)
{
    if (!b->column) return fn_buf_cstr(c->ctx, c->out, otherwise);
    const size_t at = (size_t)b->row;
    fn_column *one = fn_column_repeat(c->ctx, b->column, at, 1);
    FN_TRY_PTR(c->ctx, one);
    expr *constant = expr_const(c->ctx, one);
    return constant ? expr_text(c->ctx, constant, c->out) : c->ctx->error.code;
}

static fn_status put_bound(counting *c, fn_str name, const mt_key_bound *b)
{
    FN_TRY(fn_buf_printf(c->ctx, c->out, "(" FN_STR_FMT " in %s", FN_STR_ARG(name), b->low.column ? "[" : "("));
    FN_TRY(put_value(c, &b->low, "-Inf"));
    FN_TRY(fn_buf_cstr(c->ctx, c->out, ", "));
    FN_TRY(put_value(c, &b->high, "+Inf"));
    return fn_buf_cstr(c->ctx, c->out, b->high.column ? "])" : "))");
}

static fn_status put_key(counting *c)
{
    uint32_t used = 0, put = 0;
    const mt_conditions *m = c->conditions;
    for (uint32_t k = 0; k < m->key_count; k++) used += m->keys[k].low.column || m->keys[k].high.column;
    FN_TRY(line(c, 2, "PrimaryKey"));
    if (used) FN_TRY(line(c, 4, "Keys:"));
    for (uint32_t k = 0; k < m->key_count; k++) {
        const fn_str name = c->shape->schema->columns[c->shape->stored[c->shape->part_keys[k]]].name;
        if (m->keys[k].low.column || m->keys[k].high.column) FN_TRY(fn_buf_printf(c->ctx, c->out, "%*s" FN_STR_FMT "\n", (int)c->indent + 6, "", FN_STR_ARG(name)));
    }
    FN_TRY(fn_buf_printf(c->ctx, c->out, "%*sCondition: %s", (int)c->indent + 4, "", used == 0 ? "true" : used > 1 ? "and(" : ""));
    for (uint32_t k = 0; k < m->key_count; k++) {
        if (!m->keys[k].low.column && !m->keys[k].high.column) continue;
        if (put++) FN_TRY(fn_buf_cstr(c->ctx, c->out, ", "));
        FN_TRY(put_bound(c, c->shape->schema->columns[c->shape->stored[c->shape->part_keys[k]]].name, &m->keys[k]));
    }
    FN_TRY(fn_buf_cstr(c->ctx, c->out, used > 1 ? ")\n" : "\n"));
    FN_TRY(put_counts(c));
    return used ? line(c, 4, "Search Algorithm: binary search") : FN_OK;
}

/* ---- the others ---- */

static fn_status put_skip(counting *c, mt_skip_part *const *parts, uint32_t at)
{
    static const char *const names[] = {"minmax", "set", "bloom_filter", "tokenbf_v1", "ngrambf_v1"}; /* by mt_index_kind */
    const mt_index *ix = mt_skip_index(c->skip, at);
    for (uint32_t i = 0; i < c->list->count; i++) {
        for (uint32_t g = 0; g < fn_part_granules(c->readers[i].data); g++) {
            bool may = true;
            if (c->left[i][g]) FN_TRY(mt_skip_granule_of(c->ctx, parts[i], at, g, &may));
            c->left[i][g] = c->left[i][g] && may;
        }
    }
    FN_TRY(line(c, 2, "Skip"));
    FN_TRY(fn_buf_printf(c->ctx, c->out, "%*sName: " FN_STR_FMT "\n%*sDescription: %s GRANULARITY %u\n", (int)c->indent + 4, "", FN_STR_ARG(ix->name),
                         (int)c->indent + 4, "", names[ix->kind], ix->granularity));
    return put_counts(c);
}

static fn_status put_zones(counting *c, mt_pruner *const *pruners)
{
    uint64_t need;
    for (uint32_t i = 0; i < c->list->count; i++)
        for (uint32_t g = 0; g < fn_part_granules(c->readers[i].data); g++) c->left[i][g] = c->left[i][g] && mt_prune_granule(pruners[i], g, &need) != MT_NEVER;
    FN_TRY(line(c, 2, "Zones"));
    return put_counts(c);
}

static fn_status put_ranges(counting *c)
{
    uint32_t ranges = 0;
    for (uint32_t i = 0; i < c->list->count; i++)
        for (uint32_t g = 0; g < fn_part_granules(c->readers[i].data); g++) ranges += c->left[i][g] && !(g && c->left[i][g - 1]);
    return fn_buf_printf(c->ctx, c->out, "%*sRanges: %u\n", (int)c->indent + 2, "", ranges);
}

static fn_status put_all(counting *c, mt_pruner **pruners, mt_skip_part **parts)
{
    for (uint32_t i = 0; i < c->list->count; i++) {
        uint32_t first, end;
        FN_TRY(mt_reader_init(c->ctx, c->shape, c->list->parts[i], &c->readers[i]));
        const fn_part *data = c->readers[i].data;
        FN_TRY(mt_pruner_make(c->ctx, c->conditions, &c->readers[i], &pruners[i]));
        FN_TRY(mt_skip_part_make(c->ctx, c->skip, data, &parts[i]));
        c->left[i] = FN_NEW_ARRAY(c->ctx, uint8_t, fn_part_granules(data) + 1u);
        FN_TRY_PTR(c->ctx, c->left[i]);
        mt_prune_index(pruners[i], &first, &end);
        c->granules += fn_part_granules(data);
        for (uint32_t g = first; g < end; g++) c->left[i][g] = 1;
    }
    c->parts = c->list->count;
    FN_TRY(line(c, 0, "Indexes:"));
    FN_TRY(put_key(c));
    for (uint32_t i = 0; i < mt_skip_count(c->skip); i++) FN_TRY(put_skip(c, parts, i));
    if (mt_conditions_tell(c->conditions)) FN_TRY(put_zones(c, pruners));
    return put_ranges(c);
}

fn_status mt_explain_indexes(fn_ctx *ctx, table_snapshot *snapshot, const table_scan_request *request, unsigned indent, fn_buf *out)
{
    const mt_snapshot *s = (const mt_snapshot *)snapshot;
    const uint32_t count = s->list->count;
    counting c = {.ctx = ctx, .shape = s->shape, .list = s->list, .indent = indent, .out = out};
    mt_pruner **pruners = FN_NEW_ARRAY(ctx, mt_pruner *, count + 1);
    mt_skip_part **parts = FN_NEW_ARRAY(ctx, mt_skip_part *, count + 1);
    c.readers = FN_NEW_ARRAY(ctx, mt_reader, count + 1);
    c.left = FN_NEW_ARRAY(ctx, uint8_t *, count + 1);
    if (!pruners || !parts || !c.readers || !c.left) return ctx->error.code;
    FN_TRY(mt_conditions_make(ctx, s->shape, request->conjuncts, request->conjunct_count, &c.conditions));
    fn_status status = mt_skip_make(ctx, s->shape, request->conjuncts, request->conjunct_count, request->final, &c.skip);
    if (status == FN_OK) status = put_all(&c, pruners, parts);
    for (uint32_t i = 0; i < count; i++) {
        if (pruners[i]) mt_pruner_release(pruners[i]);
        mt_skip_part_release(parts[i]);
    }
    mt_skip_release(c.skip);
    mt_conditions_release(c.conditions);
    return status;
}
