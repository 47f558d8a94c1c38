/* system_rows.c - values of system tables by column name, see system.h. A failure stays in ctx->error and is given by system_row.
 * SPDX-License-Identifier: Apache-2.0 */
#include "system/system.h"
#include <inttypes.h>

static fn_builder *builder_of(system_rows *r, const char *column)
{
    if (r->ctx->error.code != FN_OK) return NULL;
    for (uint32_t i = 0; i < r->count; i++)
        if (fn_str_eq(r->names[i], fn_cstr(column))) return r->builders[i].rows == r->rows ? &r->builders[i] : NULL;
    return NULL;
}

bool system_wants(const system_rows *r, const char *column)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (fn_str_eq(r->names[i], fn_cstr(column))) return true;
    return false;
}

/* A failed append is recorded in ctx, whose status system_row returns. */
static void noted(fn_status status)
{
    (void)status;
}

void system_put_i64(system_rows *r, const char *column, int64_t value)
{
    fn_builder *b = builder_of(r, column);
    if (!b) return;
    const fn_i128 wide = value; /* little endian: the low bytes are the narrower number */
    FN_ASSERT(fn_type_base(b->type)->width <= sizeof wide && fn_type_base(b->type)->width > 0);
    noted(fn_builder_fixed(r->ctx, b, &wide));
}

void system_put_u64(system_rows *r, const char *column, uint64_t value)
{
    system_put_i64(r, column, (int64_t)value);
}

void system_put_f64(system_rows *r, const char *column, double value)
{
    fn_builder *b = builder_of(r, column);
    if (b) noted(fn_builder_fixed(r->ctx, b, &value));
}

static fn_status put_str(fn_ctx *ctx, fn_builder *b, fn_str value)
{
    if (fn_type_base(b->type)->phys == FN_PHYS_STRING) return fn_builder_str(ctx, b, value);
    fn_text_in in = {value.data, value.data + value.size, value.data};
    fn_text_options options;
    fn_text_options_default(&options);
    return fn_text_read(ctx, &in, b->type, FN_TEXT_PLAIN, &options, b);
}

void system_put_str(system_rows *r, const char *column, fn_str value)
{
    fn_builder *b = builder_of(r, column);
    if (b) noted(put_str(r->ctx, b, value));
}

void system_put_text(system_rows *r, const char *column, const char *value)
{
    system_put_str(r, column, fn_cstr(value));
}

void system_put_strs(system_rows *r, const char *column, const fn_str *values, size_t count)
{
    fn_builder *b = builder_of(r, column);
    if (!b) return;
    fn_status status = FN_OK;
    for (size_t i = 0; i < count && status == FN_OK; i++) status = fn_builder_str(r->ctx, &b->kids[0], values[i]);
    if (status == FN_OK) noted(fn_builder_close_array(r->ctx, b));
}

void system_put_i64s(system_rows *r, const char *column, const int64_t *values, size_t count)
{
    fn_builder *b = builder_of(r, column);
    if (!b) return;
    FN_ASSERT(b->kids[0].type->width <= sizeof *values); /* little endian: the low bytes are the narrower number */
    fn_status status = FN_OK;
    for (size_t i = 0; i < count && status == FN_OK; i++) status = fn_builder_fixed(r->ctx, &b->kids[0], &values[i]);
    if (status == FN_OK) noted(fn_builder_close_array(r->ctx, b));
}

fn_status system_row(system_rows *r)
{
    if (r->ctx->error.code != FN_OK) return r->ctx->error.code;
    if (r->rows == UINT32_MAX) return fn_fail(r->ctx, FN_TOO_MANY_ROWS, "A system table has too many rows");
    for (uint32_t i = 0; i < r->count; i++)
        if (r->builders[i].rows == r->rows) FN_TRY(fn_builder_default(r->ctx, &r->builders[i]));
    r->rows++;
    return FN_OK;
}

fn_str system_hint(const system_rows *r, const char *column)
{
    for (uint32_t i = 0; i < r->conjunct_count; i++) {
        const expr *e = r->conjuncts[i];
        if (e->kind != EXPR_CALL || e->arg_count != 2 || strcmp(e->call->def->name, "equals") != 0) continue;
        const bool swapped = e->args[0]->kind == EXPR_CONST;
        const expr *c = e->args[swapped], *value = e->args[!swapped];
        if (c->kind != EXPR_COLUMN || value->kind != EXPR_CONST || c->column >= r->schema->count) continue;
        if (!fn_str_eq(r->schema->columns[c->column].name, fn_cstr(column)) || fn_type_base(value->type)->id != FN_T_STRING) continue;
        if (!fn_column_is_null(value->constant, 0)) return fn_column_str_at(value->constant, 0);
    }
    return (fn_str){NULL, 0};
}

void system_put_part_path(system_rows *r, fn_part_id file)
{
    if (!system_wants(r, "path")) return;
    const char *path = fn_arena_printf(r->ctx, r->ctx->arena, "%s/store/%02x/%016" PRIx64 "%016" PRIx64 ".part", r->world->data_path,
                                       (unsigned)(file.high >> 56), file.high, file.low);
    if (path) system_put_text(r, "path", path);
}
