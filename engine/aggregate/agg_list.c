/* agg_list.c - all families of aggregates (one X row each) and their lookup by name, with or without combinators.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_state.h"

/* One row per file engine/aggregate/agg_<family>.c; append. */
#define FAMILIES(X) \
    X(count) X(sum) X(extreme) X(uniq) X(array) X(window) X(moment) X(stable) X(bit) X(weighted) X(quantile_exact) X(quantile_weighted) X(quantile_digest) \
    X(quantile_timing) X(quantile_sketch) X(quantile_rank) X(map) X(distinct_list) X(funnel) X(sequence) X(uniq_estimate) X(pick) X(series) X(test) X(list_variants) \
    X(contingency) X(sorted) X(interval) X(bitmap)
#define X(name) extern const agg_family agg_family_##name;
FAMILIES(X)
#undef X
static const agg_family *const families[] = {
#define X(name) &agg_family_##name,
    FAMILIES(X)
#undef X
};

static bool same_name(const agg_def *def, const char *name, fn_str asked)
{
    return def->flags & AGG_CASE_INSENSITIVE ? fn_str_eq_nocase(fn_cstr(name), asked) : fn_str_eq(fn_cstr(name), asked);
}

const agg_def *agg_find(fn_str name)
{
    const agg_def *def;
    for (size_t i = 0; agg_at(i, &def); i++) {
        if (same_name(def, def->name, name)) return def;
        for (const char *const *alias = def->aliases; alias && *alias; alias++)
            if (same_name(def, *alias, name)) return def;
    }
    return NULL;
}

bool agg_at(size_t index, const agg_def **def)
{
    for (size_t f = 0; f < FN_COUNT(families); f++) {
        if (index < families[f]->count) {
            *def = &families[f]->defs[index];
            return true;
        }
        index -= families[f]->count;
    }
    return false;
}

bool agg_is_name(fn_str name)
{
    for (;;) {
        if (agg_find(name)) return true;
        const agg_combinator *c = agg_combinator_find(name);
        if (!c) return false;
        name.size -= strlen(c->suffix);
    }
}
