/* agg_combinator.c - what stands around an aggregate: the null rule, -If, -State, -Merge, -Array, -OrNull, -OrDefault.
 *
 * Each wrapper is an agg_def of its own whose call points at the wrapped call (`nested`). The null rule, -OrNull and
 * -OrDefault keep one flag ("a row was seen") in FLAG_SIZE bytes in front of the nested state.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"

enum { FLAG_SIZE = 16 };

/* ---- passing on ---- */
static void pass_init(const agg_call *c, void *s)
{
    c->nested->def->init(c->nested, s);
}
static fn_status pass_merge(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *into, const void *from)
{
    return c->nested->def->merge(ctx, c->nested, a, into, from);
}
static fn_status pass_finish(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_builder *out)
{
    return c->nested->def->finish(ctx, c->nested, a, s, out);
}
static fn_status pass_write(fn_ctx *ctx, const agg_call *c, const void *s, fn_buf *out)
{
    return c->nested->def->write(ctx, c->nested, s, out);
}
static fn_status pass_read(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, const uint8_t **at, const uint8_t *end)
{
    return c->nested->def->read(ctx, c->nested, a, s, at, end);
}
static void pass_destroy(const agg_call *c, void *s)
{
    if (c->nested->def->destroy) c->nested->def->destroy(c->nested, s);
}
static fn_status pass_add(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    return c->nested->def->add(ctx, c->nested, a, states, offset, args, rows);
}
static fn_status pass_add_one(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_column *const *args, size_t from, uint32_t rows)
{
    return c->nested->def->add_one(ctx, c->nested, a, s, args, from, rows);
}
#define PASS_STATE .init = pass_init, .merge = pass_merge, .write = pass_write, .read = pass_read, .destroy = pass_destroy

/* Rows of `mask` to the nested aggregate: of many states, or of one (states NULL). */
static fn_status add_masked(fn_ctx *ctx, const agg_call *n, fn_arena *a, uint8_t *const *states, size_t offset, void *one, fn_column *const *args,
                            const uint8_t *mask, uint32_t kept, uint32_t rows)
{
    if (kept == 0) return FN_OK;
    if (kept == rows)
        return states ? n->def->add(ctx, n, a, states, offset, args, rows) : n->def->add_one(ctx, n, a, one, args, 0, rows);
    agg_subset sub;
    fn_status status = agg_subset_make(ctx, mask, kept, rows, args, n->arg_count, states, &sub);
    if (status == FN_OK)
        status = states ? n->def->add(ctx, n, a, sub.states, offset, sub.args, kept) : n->def->add_one(ctx, n, a, one, sub.args, 0, kept);
    agg_subset_release(&sub);
    return status;
}

/* ---- -If ---- */
static uint32_t condition_mask(const fn_column *c, size_t from, uint32_t rows, uint8_t *mask)
{
    const size_t step = agg_step(c);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rows; i++) {
        mask[i] = c->values[(from + i) * step] != 0;
        kept += mask[i];
    }
    return kept;
}

static fn_status slice_args(fn_ctx *ctx, fn_column *const *args, uint32_t count, size_t from, uint32_t rows, fn_column **out, uint32_t *made)
{
    for (*made = 0; *made < count; ++*made) {
        out[*made] = fn_column_slice(ctx, args[*made], from, rows);
        FN_TRY_PTR(ctx, out[*made]);
    }
    return FN_OK;
}

static fn_status if_run(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, void *one, fn_column *const *args, uint32_t rows)
{
    uint8_t *mask = fn_alloc(ctx, (size_t)rows + 64);
    FN_TRY_PTR(ctx, mask);
    const uint32_t kept = condition_mask(args[c->arg_count - 1], 0, rows, mask);
    const fn_status status = add_masked(ctx, c->nested, a, states, offset, one, args, mask, kept, rows);
    fn_free(mask);
    return status;
}

static fn_status if_add(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    return if_run(ctx, c, a, states, offset, NULL, args, rows);
}

static fn_status if_add_one(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_column *const *args, size_t from, uint32_t rows)
{
    fn_column *part[AGG_ARGS_MAX];
    uint32_t made = 0;
    fn_status status = slice_args(ctx, args, c->arg_count, from, rows, part, &made);
    if (status == FN_OK) status = if_run(ctx, c, a, NULL, 0, s, part, rows);
    while (made) fn_column_drop(part[--made]);
    return status;
}
static const agg_def def_if = {.name = "If", PASS_STATE, .add = if_add, .add_one = if_add_one, .finish = pass_finish};

static fn_status bind_if(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    if (outer->arg_count == 0)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Aggregate function " FN_STR_FMT " requires at least one argument", FN_STR_ARG(outer->name));
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, outer->arg_count), *condition = fn_type_base(outer->arg_types[outer->arg_count - 1]);
    FN_TRY_PTR(ctx, types);
    if (condition->id != FN_T_UINT8 && condition->id != FN_T_BOOL && condition->id != FN_T_NOTHING)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of last argument for aggregate function with If suffix", condition->name);
    bool nullable = false, null_result = false;
    for (uint32_t i = 0; i < outer->arg_count; i++) {
        const fn_type *t = fn_type_strip_low_cardinality(outer->arg_types[i]);
        const bool literal = fn_type_is_nullable(t) && fn_type_base(t)->id == FN_T_NOTHING && i + 1 < outer->arg_count;
        nullable |= fn_type_is_nullable(t);
        null_result |= fn_type_is_nullable(t) && i + 1 < outer->arg_count;
        types[i] = literal ? t : fn_type_strip_nullable(t);
    }
    agg_call *nested;
    FN_TRY(agg_bind_inner(ctx, inner, types, outer->arg_count - 1, outer->params, outer->param_count, &nested));
    if (agg_is_nothing(nested)) return agg_bind_nothing(ctx, outer, nested->type, out);
    *out = agg_wrap(ctx, &def_if, outer, nested);
    FN_TRY_PTR(ctx, *out);
    (*out)->arg_types = types;
    return nullable ? agg_bind_nulls(ctx, outer, *out, null_result, out) : FN_OK;
}

/* ---- rows with a NULL are skipped ---- */
static bool keeps_flag(const agg_call *c)
{
    return c->state_size != c->nested->state_size;
}
static uint8_t *behind_flag(const agg_call *c, const void *s)
{
    return (uint8_t *)(uintptr_t)s + (keeps_flag(c) ? FLAG_SIZE : 0);
}
static void flag_init(const agg_call *c, void *s)
{
    *(uint8_t *)s = 0;
    c->nested->def->init(c->nested, behind_flag(c, s));
}
static fn_status flag_merge(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *into, const void *from)
{
    if (keeps_flag(c)) *(uint8_t *)into |= *(const uint8_t *)from;
    return c->nested->def->merge(ctx, c->nested, a, behind_flag(c, into), behind_flag(c, from));
}
static fn_status flag_write(fn_ctx *ctx, const agg_call *c, const void *s, fn_buf *out)
{
    if (keeps_flag(c)) FN_TRY(fn_buf_byte(ctx, out, *(const char *)s));
    if (keeps_flag(c) && !*(const uint8_t *)s) return FN_OK;
    return c->nested->def->write(ctx, c->nested, behind_flag(c, s), out);
}
static fn_status flag_read(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, const uint8_t **at, const uint8_t *end)
{
    if (keeps_flag(c)) {
        FN_TRY(agg_take(ctx, s, 1, at, end));
        if (!*(uint8_t *)s) return FN_OK;
    }
    return c->nested->def->read(ctx, c->nested, a, behind_flag(c, s), at, end);
}
static void flag_destroy(const agg_call *c, void *s)
{
    if (c->nested->def->destroy) c->nested->def->destroy(c->nested, behind_flag(c, s));
}
static fn_status null_finish(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_builder *out)
{
    if (keeps_flag(c) && !*(uint8_t *)s) return fn_builder_null(ctx, out);
    return c->nested->def->finish(ctx, c->nested, a, behind_flag(c, s), out);
}

/* Clears mask where a row of an argument is NULL; the argument without its null map in *bare. */
static fn_status strip_arg(fn_ctx *ctx, const fn_column *c, const fn_type *type, uint32_t rows, uint8_t *mask, fn_column **bare)
{
    if (c->nulls) {
        const size_t step = agg_step(c);
        for (uint32_t i = 0; i < rows; i++) mask[i] &= (uint8_t)!c->nulls[i * step];
        *bare = fn_column_with_nulls(ctx, c, type, NULL);
    } else {
        *bare = fn_column_retype(ctx, c, type);
    }
    FN_TRY_PTR(ctx, *bare);
    return FN_OK;
}

static fn_status null_run(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, uint8_t *one, fn_column *const *args, uint32_t rows)
{
    fn_column *bare[AGG_ARGS_MAX];
    uint32_t made = 0, kept = 0;
    uint8_t *mask = fn_alloc(ctx, (size_t)rows + 64);
    FN_TRY_PTR(ctx, mask);
    memset(mask, 1, rows);
    fn_status status = FN_OK;
    while (made < c->arg_count && status == FN_OK) {
        status = strip_arg(ctx, args[made], c->nested->arg_types[made], rows, mask, &bare[made]);
        if (status == FN_OK) made++;
    }
    if (status == FN_OK) {
        if (c->nested->def == &def_if) { /* a row that -If leaves out does not count as seen */
            const fn_column *condition = bare[c->arg_count - 1];
            const size_t step = agg_step(condition);
            for (uint32_t i = 0; i < rows; i++)
                if (mask[i]) mask[i] = condition->values[i * step] != 0; /* a constant NULL has no values */
        }
        const size_t shift = keeps_flag(c) ? FLAG_SIZE : 0;
        for (uint32_t i = 0; i < rows; i++) kept += mask[i];
        if (shift && states)
            for (uint32_t i = 0; i < rows; i++) states[i][offset] |= mask[i];
        if (shift && one && kept) *one = 1;
        status = add_masked(ctx, c->nested, a, states, offset + shift, one ? one + shift : NULL, bare, mask, kept, rows);
    }
    while (made) fn_column_drop(bare[--made]);
    fn_free(mask);
    return status;
}
static fn_status null_add(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    return null_run(ctx, c, a, states, offset, NULL, args, rows);
}
static fn_status null_add_one(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_column *const *args, size_t from, uint32_t rows)
{
    fn_column *part[AGG_ARGS_MAX];
    uint32_t made = 0;
    fn_status status = slice_args(ctx, args, c->arg_count, from, rows, part, &made);
    if (status == FN_OK) status = null_run(ctx, c, a, NULL, 0, s, part, rows);
    while (made) fn_column_drop(part[--made]);
    return status;
}
static const agg_def def_null = {.name = "Null", .init = flag_init, .add = null_add, .add_one = null_add_one, .merge = flag_merge, .finish = null_finish,
                                 .write = flag_write, .read = flag_read, .destroy = flag_destroy};

fn_status agg_bind_nulls(fn_ctx *ctx, const agg_call *outer, agg_call *nested, bool null_result, agg_call **out)
{
    const agg_call *base = nested;
    while (base->nested) base = base->nested;
    agg_call *c = agg_wrap(ctx, &def_null, outer, nested);
    FN_TRY_PTR(ctx, c);
    if (null_result && !(base->def->flags & (AGG_NO_NULL_RESULT | AGG_OWN_NULLS)) && fn_type_can_be_nullable(nested->type)) {
        c->type = fn_type_nullable(nested->type);
        c->state_size += FLAG_SIZE;
    }
    *out = c;
    return FN_OK;
}

/* ---- -OrNull, -OrDefault: a value even for no rows ---- */
/* For -OrNull, rows that -If leaves out are not seen; for -OrDefault they are: avgIfOrDefault gives nan. */
static bool is_seen(const agg_call *c, fn_column *const *args, size_t row)
{
    if (c->nested->def != &def_if || strcmp(c->def->name, "OrNull") != 0) return true;
    const fn_column *condition = args[c->arg_count - 1];
    return condition->values[row * agg_step(condition)] != 0;
}
static fn_status or_add(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) states[i][offset] |= is_seen(c, args, i);
    return c->nested->def->add(ctx, c->nested, a, states, offset + FLAG_SIZE, args, rows);
}
static fn_status or_add_one(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_column *const *args, size_t from, uint32_t rows)
{
    for (uint32_t i = 0; i < rows && !*(uint8_t *)s; i++) *(uint8_t *)s |= is_seen(c, args, from + i);
    return c->nested->def->add_one(ctx, c->nested, a, behind_flag(c, s), args, from, rows);
}
static fn_status default_finish(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_builder *out)
{
    if (!*(uint8_t *)s) return fn_builder_default(ctx, out);
    return c->nested->def->finish(ctx, c->nested, a, behind_flag(c, s), out);
}
/* Here the flag is written behind the state. */
static fn_status or_write(fn_ctx *ctx, const agg_call *c, const void *s, fn_buf *out)
{
    FN_TRY(c->nested->def->write(ctx, c->nested, behind_flag(c, s), out));
    return fn_buf_byte(ctx, out, *(const char *)s);
}
static fn_status or_read(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, const uint8_t **at, const uint8_t *end)
{
    FN_TRY(c->nested->def->read(ctx, c->nested, a, behind_flag(c, s), at, end));
    return agg_take(ctx, s, 1, at, end);
}
#define OR_STATE .init = flag_init, .add = or_add, .add_one = or_add_one, .merge = flag_merge, .write = or_write, .read = or_read, .destroy = flag_destroy
static const agg_def def_or_null = {.name = "OrNull", OR_STATE, .finish = null_finish};
static const agg_def def_or_default = {.name = "OrDefault", OR_STATE, .finish = default_finish};

static fn_status bind_or(fn_ctx *ctx, const agg_def *def, fn_str inner, const agg_call *outer, agg_call **out)
{
    agg_call *nested;
    FN_TRY(agg_bind_inner(ctx, inner, outer->arg_types, outer->arg_count, outer->params, outer->param_count, &nested));
    *out = agg_wrap(ctx, def, outer, nested);
    FN_TRY_PTR(ctx, *out);
    (*out)->state_size += FLAG_SIZE;
    if (def == &def_or_null && fn_type_can_be_nullable(nested->type)) (*out)->type = fn_type_nullable(nested->type);
    else if (def == &def_or_null) (*out)->def = &def_or_default;
    return FN_OK;
}
static fn_status bind_or_null(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    return bind_or(ctx, &def_or_null, inner, outer, out);
}
static fn_status bind_or_default(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    return bind_or(ctx, &def_or_default, inner, outer, out);
}

/* ---- -State ---- */
static fn_status state_finish(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_builder *out)
{
    (void)a;
    fn_buf bytes = FN_BUF_INIT;
    fn_status status = c->nested->def->write(ctx, c->nested, s, &bytes);
    if (status == FN_OK) status = fn_builder_str(ctx, out, fn_buf_view(&bytes));
    fn_buf_release(&bytes);
    return status;
}
static const agg_def def_state = {.name = "State", PASS_STATE, .add = pass_add, .add_one = pass_add_one, .finish = state_finish};
static const agg_def def_merge;

/* An alias by its own name, suffixes kept: "medianIf" is "quantileIf". */
static fn_str canonical(fn_ctx *ctx, fn_str name)
{
    fn_str base = name;
    const agg_def *def;
    while (!(def = agg_find(base))) {
        const agg_combinator *c = agg_combinator_find(base);
        if (!c) return name;
        base.size -= strlen(c->suffix);
    }
    char *text = fn_arena_printf(ctx, ctx->arena, "%s%.*s", def->name, (int)(name.size - base.size), name.data + base.size);
    return text ? fn_cstr(text) : name;
}

/* The function's name in the type, with its parameters: "quantile(0.5)". */
static fn_status state_name(fn_ctx *ctx, fn_str inner, const agg_call *outer, const char **out)
{
    fn_buf text = FN_BUF_INIT;
    fn_text_options options;
    fn_text_options_default(&options);
    fn_status status = fn_buf_str(ctx, &text, canonical(ctx, inner));
    for (uint32_t i = 0; i < outer->param_count && status == FN_OK; i++) {
        status = fn_buf_cstr(ctx, &text, i ? ", " : "(");
        if (status == FN_OK) status = fn_text_write(ctx, outer->params[i], 0, FN_TEXT_QUOTED, &options, &text);
    }
    if (status == FN_OK && outer->param_count) status = fn_buf_byte(ctx, &text, ')');
    if (status == FN_OK) {
        *out = fn_arena_copy(ctx, ctx->arena, text.data, text.size);
        if (!*out) status = ctx->error.code;
    }
    fn_buf_release(&text);
    return status;
}

static fn_status bind_state(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    agg_call *nested;
    const char *name;
    FN_TRY(agg_bind_inner(ctx, inner, outer->arg_types, outer->arg_count, outer->params, outer->param_count, &nested));
    if (agg_is_nothing(nested)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Aggregate function " FN_STR_FMT " of Nothing is not supported", FN_STR_ARG(outer->name));
    *out = agg_wrap(ctx, &def_state, outer, nested);
    FN_TRY_PTR(ctx, *out);
    if (nested->def == &def_merge) {
        (*out)->type = outer->arg_types[0];
        return FN_OK;
    }
    if (outer->arg_count && outer->arg_types[0]->id == FN_T_AGGREGATE_FUNCTION && strncmp(nested->def->name, "groupBitmap", 11) == 0) {
        (*out)->type = outer->arg_types[0]; /* a bitmap as those it is made of */
        return FN_OK;
    }
    FN_TRY(state_name(ctx, inner, outer, &name));
    (*out)->type = fn_type_aggregate(name, outer->arg_types, outer->arg_count);
    if (!(*out)->type) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Cannot make the type of the state of aggregate function %s", name);
    return FN_OK;
}

/* ---- -Merge ---- */
static fn_status merge_row(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *scratch, void *into, const fn_column *states, size_t row)
{
    const agg_call *n = c->nested;
    const fn_str bytes = fn_column_str_at(states, row);
    const uint8_t *at = (const uint8_t *)bytes.data, *end = at + bytes.size;
    n->def->init(n, scratch);
    fn_status status = bytes.size ? n->def->read(ctx, n, a, scratch, &at, end) : FN_OK;
    if (status == FN_OK) status = n->def->merge(ctx, n, a, into, scratch);
    if (n->def->destroy) n->def->destroy(n, scratch);
    return status;
}
static fn_status merge_add(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    void *scratch = fn_alloc(ctx, (size_t)c->state_size + 16);
    FN_TRY_PTR(ctx, scratch);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) status = merge_row(ctx, c, a, scratch, states[i] + offset, args[0], i);
    fn_free(scratch);
    return status;
}
static fn_status merge_add_one(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_column *const *args, size_t from, uint32_t rows)
{
    void *scratch = fn_alloc(ctx, (size_t)c->state_size + 16);
    FN_TRY_PTR(ctx, scratch);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < rows && status == FN_OK; i++) status = merge_row(ctx, c, a, scratch, s, args[0], from + i);
    fn_free(scratch);
    return status;
}
static const agg_def def_merge = {.name = "Merge", PASS_STATE, .add = merge_add, .add_one = merge_add_one, .finish = pass_finish};

/* States are shared by quantile and quantiles, and by f and fIf, whose condition is dropped. */
static bool same_state(fn_str wanted, fn_str have, uint32_t *args)
{
    static const char one[] = "quantile", many[] = "quantiles";
    if (fn_str_eq(wanted, have)) return true;
    if (fn_str_ends(have, FN_STR("If")) && *args > 0 && same_state(wanted, (fn_str){have.data, have.size - 2}, args)) {
        --*args;
        return true;
    }
    const bool from_many = fn_str_starts(wanted, fn_cstr(many)), to_many = fn_str_starts(have, fn_cstr(many));
    if (!fn_str_starts(wanted, fn_cstr(one)) || !fn_str_starts(have, fn_cstr(one)) || from_many == to_many) return false;
    const size_t cut = sizeof one - 1 + from_many, skip = sizeof one - 1 + to_many;
    return fn_str_eq((fn_str){wanted.data + cut, wanted.size - cut}, (fn_str){have.data + skip, have.size - skip});
}

static fn_status bind_merge(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    if (outer->arg_count != 1)
        return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Incorrect number of arguments for aggregate function with Merge suffix");
    const fn_type *t = outer->arg_types[0];
    agg_call *nested;
    fn_str name;
    fn_column **params;
    uint32_t count, args = t->arg_count;
    if (t->id == FN_T_AGGREGATE_FUNCTION) FN_TRY(agg_parse(ctx, fn_cstr(t->function_name), &name, &params, &count));
    const fn_str wanted = canonical(ctx, inner);
    if (t->id != FN_T_AGGREGATE_FUNCTION || !same_state(wanted, name, &args))
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument for aggregate function with Merge suffix, expected state of " FN_STR_FMT, t->name,
                       FN_STR_ARG(wanted));
    const bool own = outer->param_count > 0 || !count;
    FN_TRY(agg_bind_inner(ctx, inner, t->args, args, own ? outer->params : params, own ? outer->param_count : count, &nested));
    *out = agg_wrap(ctx, &def_merge, outer, nested);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

/* ---- -Array: every item of the arrays is a row ---- */
fn_status agg_array_items(fn_ctx *ctx, fn_column *const *args, uint32_t count, size_t from, uint32_t rows, fn_column **base, fn_column **items, uint32_t *made)
{
    *base = NULL;
    for (*made = 0; *made < count; ++*made) {
        fn_column *part = fn_column_slice(ctx, args[*made], from, rows), *flat = part ? fn_column_flatten(ctx, part) : NULL;
        fn_column_drop(part);
        FN_TRY_PTR(ctx, flat);
        bool fits = true;
        for (uint32_t i = 0; i < rows && *base; i++) fits &= flat->offsets[i + 1] - flat->offsets[0] == (*base)->offsets[i + 1] - (*base)->offsets[0];
        items[*made] = fits ? fn_column_slice(ctx, flat->kids[0], flat->offsets[0], flat->offsets[rows] - flat->offsets[0]) : NULL;
        if (!*base) *base = flat;
        else fn_column_drop(flat);
        if (!fits)
            return fn_fail(ctx, FN_SIZES_OF_ARRAYS_DONT_MATCH, "All arrays passed to aggregate function with Array suffix must have equal sizes");
        FN_TRY_PTR(ctx, items[*made]);
    }
    return FN_OK;
}
static fn_status array_run(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, void *one, fn_column *const *args, size_t from,
                           uint32_t rows)
{
    const agg_call *n = c->nested;
    fn_column *base, *items[AGG_ARGS_MAX];
    uint32_t made = 0;
    uint8_t **each = NULL;
    fn_status status = agg_array_items(ctx, args, c->arg_count, from, rows, &base, items, &made);
    if (status == FN_OK && !states) status = n->def->add_one(ctx, n, a, one, items, 0, items[0]->rows);
    if (status == FN_OK && states) {
        each = fn_alloc(ctx, ((size_t)items[0]->rows + 1) * sizeof *each);
        status = each ? FN_OK : ctx->error.code;
        for (uint32_t i = 0, k = 0; i < rows && each; i++)
            for (uint32_t left = base->offsets[i + 1] - base->offsets[i]; left; left--) each[k++] = states[i];
        if (each) status = n->def->add(ctx, n, a, each, offset, items, items[0]->rows);
    }
    fn_free(each);
    while (made) fn_column_drop(items[--made]);
    fn_column_drop(base);
    return status;
}
static fn_status array_add(fn_ctx *ctx, const agg_call *c, fn_arena *a, uint8_t *const *states, size_t offset, fn_column *const *args, uint32_t rows)
{
    return array_run(ctx, c, a, states, offset, NULL, args, 0, rows);
}
static fn_status array_add_one(fn_ctx *ctx, const agg_call *c, fn_arena *a, void *s, fn_column *const *args, size_t from, uint32_t rows)
{
    return array_run(ctx, c, a, NULL, 0, s, args, from, rows);
}
static const agg_def def_array = {.name = "Array", PASS_STATE, .add = array_add, .add_one = array_add_one, .finish = pass_finish};

fn_status agg_bind_over_items(fn_ctx *ctx, fn_str inner, const agg_call *outer, const char *suffix, agg_call **nested)
{
    if (outer->arg_count == 0) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "-%s aggregate functions require at least one argument", suffix);
    const fn_type **types = FN_NEW_ARRAY(ctx, const fn_type *, outer->arg_count);
    FN_TRY_PTR(ctx, types);
    for (uint32_t i = 0; i < outer->arg_count; i++) {
        if (outer->arg_types[i]->id != FN_T_ARRAY)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument for aggregate function with %s suffix. Must be array.", outer->arg_types[i]->name,
                           suffix);
        types[i] = outer->arg_types[i]->args[0];
    }
    return agg_bind_inner(ctx, inner, types, outer->arg_count, outer->params, outer->param_count, nested);
}
static fn_status bind_array(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    agg_call *nested;
    FN_TRY(agg_bind_over_items(ctx, inner, outer, "Array", &nested));
    *out = agg_wrap(ctx, &def_array, outer, nested);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

/* ---- -SimpleState: the value under a type that knows how to merge it ---- */
static const agg_def def_simple = {.name = "SimpleState", PASS_STATE, .add = pass_add, .add_one = pass_add_one, .finish = pass_finish};
static fn_status bind_simple(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    agg_call *nested;
    const char *name;
    FN_TRY(agg_bind_inner(ctx, inner, outer->arg_types, outer->arg_count, outer->params, outer->param_count, &nested));
    *out = agg_wrap(ctx, &def_simple, outer, nested);
    FN_TRY_PTR(ctx, *out);
    FN_TRY(state_name(ctx, inner, outer, &name));
    char *text = fn_arena_printf(ctx, ctx->arena, "SimpleAggregateFunction(%s, %s)", name, nested->type->name);
    FN_TRY_PTR(ctx, text);
    return fn_type_parse(ctx, fn_cstr(text), &(*out)->type);
}

static fn_status bind_distinct(fn_ctx *ctx, fn_str inner, const agg_call *outer, agg_call **out)
{
    agg_call *nested;
    FN_TRY(agg_bind_inner(ctx, inner, outer->arg_types, outer->arg_count, outer->params, outer->param_count, &nested));
    return agg_bind_distinct(ctx, nested, out);
}

static const agg_combinator combinators[] = {
    {"If", bind_if},
    {"State", bind_state},
    {"Merge", bind_merge},
    {"Array", bind_array},
    {"OrNull", bind_or_null},
    {"OrDefault", bind_or_default},
    {"SimpleState", bind_simple},
    {"Distinct", bind_distinct},
    {"ForEach", agg_bind_for_each},
    {"Map", agg_bind_map},
    {"ArgMin", agg_bind_arg_min},
    {"ArgMax", agg_bind_arg_max},
    {"Resample", agg_bind_resample},
};

const char *agg_combinator_at(size_t index)
{
    return index < FN_COUNT(combinators) ? combinators[index].suffix : NULL;
}

const agg_combinator *agg_combinator_find(fn_str name)
{
    const agg_combinator *best = NULL;
    for (size_t i = 0; i < FN_COUNT(combinators); i++) {
        const fn_str suffix = fn_cstr(combinators[i].suffix);
        if (suffix.size < name.size && fn_str_ends(name, suffix) && (!best || suffix.size > strlen(best->suffix))) best = &combinators[i];
    }
    return best;
}
