/* sys_columns.c - system.columns: the columns of all tables, the system tables among them. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"
#include "table/mergetree/mergetree.h"

static const char *const default_kinds[] = {"", "DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL"};

typedef struct key_set { /* of one table; schema indexes used by an expression */
    fn_buf partition, sorting, primary, sampling;
} key_set;

static fn_status add_keys(fn_ctx *ctx, expr *const *keys, uint32_t count, fn_buf *out)
{
    for (uint32_t i = 0; i < count; i++) FN_TRY(expr_columns(ctx, keys[i], out));
    return FN_OK;
}

static fn_status find_keys(fn_ctx *ctx, table *t, key_set *k)
{
    if (!mt_is(t)) return FN_OK;
    const mt_definition *d = mt_table_definition(t);
    FN_TRY(add_keys(ctx, d->partition_key, d->partition_count, &k->partition));
    FN_TRY(add_keys(ctx, d->sort_key, d->sort_count, &k->sorting));
    FN_TRY(add_keys(ctx, d->sort_key, d->primary_count, &k->primary));
    return d->sampling ? add_keys(ctx, &d->sampling, 1, &k->sampling) : FN_OK;
}

static bool has(const fn_buf *ids, column_id id)
{
    for (size_t i = 0; i < ids->size / sizeof id; i++)
        if (fn_load_u32(ids->data + i * sizeof id) == id) return true;
    return false;
}

/* Lengths and precisions as information_schema wants them. */
static void put_measures(system_rows *r, const fn_type *type)
{
    const fn_type *base = fn_type_strip_nullable(type); /* LowCardinality has none */
    if (base->id == FN_T_FIXED_STRING) system_put_u64(r, "character_octet_length", base->width);
    if (base->id == FN_T_DECIMAL) {
        system_put_u64(r, "numeric_precision", base->precision);
        system_put_u64(r, "numeric_precision_radix", 10);
        system_put_u64(r, "numeric_scale", base->scale);
    } else if (fn_type_is_integer(base) || base->id == FN_T_BOOL) {
        system_put_u64(r, "numeric_precision", (uint64_t)base->width * 8);
        system_put_u64(r, "numeric_precision_radix", 2);
        system_put_u64(r, "numeric_scale", 0);
    }
    if (base->id == FN_T_DATETIME64) system_put_u64(r, "datetime_precision", base->scale);
    if (base->id == FN_T_DATETIME || base->id == FN_T_DATE || base->id == FN_T_DATE32) system_put_u64(r, "datetime_precision", 0);
}

static fn_status put_column(system_rows *r, table *t, const table_schema *schema, uint32_t i, const key_set *keys, const uint64_t *disk, const uint64_t *raw)
{
    const table_column *c = &schema->columns[i];
    system_put_str(r, "database", t->is_temporary ? FN_STR("") : t->database);
    system_put_str(r, "table", t->name);
    system_put_str(r, "name", c->name);
    system_put_str(r, "column", c->name);
    system_put_text(r, "type", c->type->name);
    system_put_u64(r, "position", (uint64_t)i + 1);
    system_put_text(r, "default_kind", default_kinds[c->default_kind]);
    system_put_str(r, "default_expression", c->default_sql);
    system_put_str(r, "comment", c->comment);
    if (c->codec.size && system_wants(r, "compression_codec")) {
        const char *codec = fn_arena_printf(r->ctx, r->ctx->arena, "CODEC(%.*s)", (int)c->codec.size, c->codec.data);
        if (!codec) return r->ctx->error.code;
        system_put_text(r, "compression_codec", codec);
    }
    system_put_u64(r, "is_in_partition_key", has(&keys->partition, i));
    system_put_u64(r, "is_in_sorting_key", has(&keys->sorting, i));
    system_put_u64(r, "is_in_primary_key", has(&keys->primary, i));
    system_put_u64(r, "is_in_sampling_key", has(&keys->sampling, i));
    if (disk) system_put_u64(r, "data_compressed_bytes", disk[i]);
    if (raw) system_put_u64(r, "data_uncompressed_bytes", raw[i]);
    put_measures(r, c->type);
    return system_row(r);
}

static fn_status put_table(system_rows *r, fn_ctx *ctx, table *t)
{
    table_schema *schema = table_schema_ref(atomic_load(&t->schema));
    key_set keys = {FN_BUF_INIT, FN_BUF_INIT, FN_BUF_INIT, FN_BUF_INIT};
    uint64_t *disk = NULL, *raw = NULL;
    fn_status status = find_keys(ctx, t, &keys);
    if (status == FN_OK && mt_is(t) && (system_wants(r, "data_compressed_bytes") || system_wants(r, "data_uncompressed_bytes"))) {
        disk = FN_NEW_ARRAY(ctx, uint64_t, schema->count + 1);
        raw = FN_NEW_ARRAY(ctx, uint64_t, schema->count + 1);
        status = disk && raw ? mt_column_bytes(ctx, t, disk, raw) : ctx->error.code;
    }
    for (uint32_t i = 0; i < schema->count && status == FN_OK; i++)
        if (!schema->columns[i].is_virtual) status = put_column(r, t, schema, i, &keys, disk, raw);
    fn_buf_release(&keys.partition);
    fn_buf_release(&keys.sorting);
    fn_buf_release(&keys.primary);
    fn_buf_release(&keys.sampling);
    table_schema_drop(schema);
    return status;
}

static fn_status each(void *self, fn_ctx *ctx, table *t)
{
    system_rows *r = self;
    const fn_str name = system_hint(r, "table");
    return name.data && !fn_str_eq(name, t->name) ? FN_OK : put_table(r, ctx, t);
}

static fn_status system_columns_too(system_rows *r)
{
    const system_def *def;
    for (size_t i = 0; (def = system_def_at(i)); i++) {
        table *t;
        FN_TRY(system_table_find(r->ctx, r->world, fn_cstr(def->name), &t));
        const fn_status status = each(r, r->ctx, t);
        table_drop(t);
        if (status != FN_OK) return status;
    }
    return FN_OK;
}

static fn_status fill(system_rows *r)
{
    const fn_str database = system_hint(r, "database");
    if (!fn_str_eq(database, FN_STR("system"))) FN_TRY(r->world->tables(r->world, r->ctx, database, each, r));
    return !database.data || fn_str_eq(database, FN_STR("system")) ? system_columns_too(r) : FN_OK;
}

const system_def system_columns = {"columns", fill, "The columns of all tables."};
