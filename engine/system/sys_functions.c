/* sys_functions.c - system.functions: scalar functions and aggregates with their documentation, aliases as rows of their own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/aggregate.h"
#include "expr/function.h"
#include "system/system_list.h"

static fn_status put_function(system_rows *r, const func_def *f, const char *category, const char *name, const char *alias_to)
{
    system_put_text(r, "name", name);
    system_put_u64(r, "case_insensitive", (f->flags & FUNC_CASE_INSENSITIVE) != 0);
    system_put_text(r, "alias_to", alias_to);
    system_put_text(r, "description", f->about);
    system_put_text(r, "examples", f->example);
    system_put_text(r, "returned_value", f->gives);
    system_put_text(r, "categories", category);
    system_put_u64(r, "deterministic", !(f->flags & (FUNC_NONDETERMINISTIC | FUNC_QUERY_CONSTANT)));
    system_put_u64(r, "higher_order", f->lambda != NULL);
    return system_row(r);
}

static fn_status put_aggregate(system_rows *r, const agg_def *a, const char *name, const char *alias_to)
{
    system_put_text(r, "name", name);
    system_put_u64(r, "is_aggregate", !(a->flags & AGG_WINDOW_ONLY));
    system_put_u64(r, "case_insensitive", (a->flags & AGG_CASE_INSENSITIVE) != 0);
    system_put_text(r, "alias_to", alias_to);
    system_put_text(r, "description", a->about);
    system_put_text(r, "examples", a->example);
    system_put_text(r, "returned_value", a->gives);
    system_put_text(r, "categories", "Aggregate Functions");
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    const func_def *f;
    const func_family *family;
    const agg_def *a;
    for (size_t i = 0; func_at(i, &f, &family); i++) {
        if (f->flags & FUNC_INTERNAL) continue;
        FN_TRY(put_function(r, f, family->name, f->name, ""));
        for (const char *const *alias = f->aliases; alias && *alias; alias++) FN_TRY(put_function(r, f, family->name, *alias, f->name));
    }
    for (size_t i = 0; agg_at(i, &a); i++) {
        FN_TRY(put_aggregate(r, a, a->name, ""));
        for (const char *const *alias = a->aliases; alias && *alias; alias++) FN_TRY(put_aggregate(r, a, *alias, a->name));
    }
    return FN_OK;
}

const system_def system_functions = {"functions", fill, "Functions and aggregate functions."};
