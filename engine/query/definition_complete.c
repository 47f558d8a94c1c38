/* definition_complete.c - a CREATE TABLE or VIEW as written becomes the full statement. See definition.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"
#include "query/facade.h"
#include "query/ttl.h"
#include <firn/format.h>

fn_status definition_print(fn_ctx *ctx, const ast_statement *s, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = sql_print_statement(ctx, s, false, &text);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

fn_status definition_ids_text(fn_ctx *ctx, const uint32_t *ids, uint32_t count, fn_str *out)
{
    fn_buf text = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = fn_buf_printf(ctx, &text, i ? ",%u" : "%u", ids[i]);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

/* ---- columns ---- */
static ast_column_def *push_column(fn_ctx *ctx, ast_create *c, uint32_t *capacity)
{
    if (c->column_count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 16;
        ast_column_def *grown = FN_NEW_ARRAY(ctx, ast_column_def, *capacity);
        if (!grown) return NULL;
        if (c->column_count) memcpy(grown, c->columns, sizeof *grown * c->column_count);
        c->columns = grown;
    }
    return &c->columns[c->column_count++];
}

/* n Nested(a T, b U) is n.a Array(T), n.b Array(U). */
static fn_status push_nested(fn_ctx *ctx, ast_create *c, uint32_t *capacity, const ast_column_def *def, const fn_type *type)
{
    const fn_type *tuple = type->args[0];
    for (uint16_t i = 0; i < tuple->arg_count; i++) {
        ast_column_def *to = push_column(ctx, c, capacity);
        FN_TRY_PTR(ctx, to);
        *to = *def;
        const char *name = fn_arena_printf(ctx, ctx->arena, "%.*s.%s", (int)def->name.size, def->name.data, tuple->arg_names[i]);
        FN_TRY_PTR(ctx, name);
        to->name = fn_cstr(name);
        to->type = fn_cstr(fn_type_array(tuple->args[i])->name);
    }
    return FN_OK;
}

static bool is_nested(fn_str type)
{
    static const char word[] = "Nested(";
    return type.size > sizeof word && fn_str_eq_nocase((fn_str){type.data, sizeof word - 1}, FN_STR("Nested("));
}

static fn_status flatten_nested(fn_ctx *ctx, ast_create *c)
{
    ast_create flat = {.columns = NULL};
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < c->column_count; i++) {
        const ast_column_def *def = &c->columns[i];
        if (is_nested(def->type)) {
            const fn_type *type;
            FN_TRY(fn_type_parse(ctx, def->type, &type));
            if (type->id == FN_T_ARRAY && type->args[0]->id == FN_T_TUPLE && type->args[0]->arg_names) {
                FN_TRY(push_nested(ctx, &flat, &capacity, def, type));
                continue;
            }
        }
        ast_column_def *to = push_column(ctx, &flat, &capacity);
        FN_TRY_PTR(ctx, to);
        *to = *def;
    }
    c->columns = flat.columns;
    c->column_count = flat.column_count;
    return FN_OK;
}

static fn_status canonical_type(query *q, ast_column_def *def)
{
    const fn_type *type;
    FN_TRY(fn_type_parse(q->ctx, def->type, &type));
    if (def->null_set && fn_type_is_nullable(type)) return fn_fail(q->ctx, FN_ILLEGAL_SYNTAX_FOR_DATA_TYPE, "Can't use [NOT] NULL modifier with Nullable type");
    const bool nullable = def->null_set ? def->null : q->settings.data_type_default_nullable;
    if (nullable && fn_type_can_be_nullable(fn_type_strip_low_cardinality(type))) type = fn_type_nullable(type);
    FN_TRY(definition_check_type(q, type));
    def->null_set = def->null = false;
    def->type = fn_cstr(type->name);
    return FN_OK;
}

/* The columns that have a type, as a schema to bind expressions over; one reference. */
static fn_status known_schema(fn_ctx *ctx, const ast_create *c, table_schema **out)
{
    fn_schema known = {FN_NEW_ARRAY(ctx, fn_field, FN_MAX(c->column_count, 1u)), 0};
    FN_TRY_PTR(ctx, known.fields);
    for (uint32_t i = 0; i < c->column_count; i++) {
        if (!c->columns[i].type.size) continue;
        known.fields[known.count].name = c->columns[i].name;
        FN_TRY(fn_type_parse(ctx, c->columns[i].type, &known.fields[known.count++].type));
    }
    return table_schema_make(ctx, &known, out);
}

/* Binds a default; without a type written its own is taken. */
static fn_status check_default(query *q, const ast_create *c, ast_column_def *def)
{
    if (!def->default_expr) {
        if (!def->type.size) def->type = FN_STR("String"); /* EPHEMERAL alone */
        return FN_OK;
    }
    table_schema *schema;
    expr *e, *cast;
    FN_TRY(known_schema(q->ctx, c, &schema));
    fn_status status = plan_bind_expr(q->ctx, &q->world.base, def->default_expr, schema, &e);
    const fn_type *type = NULL;
    if (status == FN_OK && def->type.size) {
        status = fn_type_parse(q->ctx, def->type, &type);
        if (status == FN_OK) status = expr_cast(q->ctx, e, type, &cast);
    } else if (status == FN_OK) {
        def->type = fn_cstr(fn_type_base(e->type)->id == FN_T_NOTHING ? "Nullable(Nothing)" : e->type->name);
    }
    table_schema_drop(schema);
    return status;
}

static fn_status check_names(fn_ctx *ctx, const ast_create *c)
{
    for (uint32_t i = 0; i < c->column_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (fn_str_eq(c->columns[k].name, c->columns[i].name))
                return fn_fail(ctx, FN_ILLEGAL_COLUMN, "Cannot add column " FN_STR_FMT ": column with this name already exists", FN_STR_ARG(c->columns[i].name));
        }
    }
    return FN_OK;
}

fn_status definition_check_columns(query *q, ast_create *c)
{
    FN_TRY(flatten_nested(q->ctx, c));
    FN_TRY(check_names(q->ctx, c));
    FN_TRY(definition_check_items(q->ctx, c));
    FN_TRY(definition_check_defaults(q->ctx, c));
    for (uint32_t i = 0; i < c->column_count; i++)
        if (c->columns[i].type.size) FN_TRY(canonical_type(q, &c->columns[i]));
    for (uint32_t i = 0; i < c->column_count; i++) FN_TRY(check_default(q, c, &c->columns[i]));
    for (uint32_t i = 0; i < c->column_count; i++) FN_TRY(definition_codec(q, &c->columns[i]));
    for (uint32_t i = 0; i < c->column_count; i++) FN_TRY(definition_statistics(q->ctx, &c->columns[i]));
    return FN_OK;
}

static fn_status take_schema(fn_ctx *ctx, ast_create *c, const fn_schema *columns)
{
    c->columns = FN_NEW_ARRAY(ctx, ast_column_def, FN_MAX(columns->count, 1u));
    FN_TRY_PTR(ctx, c->columns);
    c->column_count = columns->count;
    c->has_columns = true;
    for (uint32_t i = 0; i < columns->count; i++) {
        c->columns[i] = (ast_column_def){.type = fn_cstr(columns->fields[i].type->name)};
        FN_TRY(fn_arena_str(ctx, ctx->arena, columns->fields[i].name, &c->columns[i].name));
    }
    return FN_OK;
}

/* AS other_table: its columns and items, and its engine if none is written. */
static fn_status take_table(query *q, ast_create *c)
{
    fn_str database, name;
    table *other;
    ast_statement *s = NULL;
    FN_TRY(query_name(q, &c->as_table, &database, &name));
    FN_TRY(world_table(q, database, name, &other));
    fn_str sql;
    fn_status status = definition_text(q->ctx, q->engine, other, &sql);
    if (status == FN_OK && sql.size) {
        status = sql_parse(q->ctx, sql, &s);
    } else if (status == FN_OK) {
        status = fn_fail(q->ctx, FN_NOT_IMPLEMENTED, "CREATE TABLE AS a table of engine %s is not supported", other->ops->engine);
    }
    const bool view = other->is_view;
    table_drop(other);
    FN_TRY(status);
    if (!c->has_columns) {
        c->columns = s->create->columns;
        c->column_count = s->create->column_count;
        c->items = s->create->items;
        c->item_count = s->create->item_count;
        c->has_columns = true;
    }
    if (!c->engine.name.size && !view) {
        const ast_engine written = c->engine;
        c->engine = s->create->engine;
        if (written.order_by) {
            c->engine.order_by = written.order_by;
            c->engine.order_by_text = written.order_by_text;
            c->engine.order_descending = written.order_descending;
        }
        if (written.partition_by) {
            c->engine.partition_by = written.partition_by;
            c->engine.partition_by_text = written.partition_by_text;
        }
        if (written.setting_count) {
            c->engine.settings = written.settings;
            c->engine.setting_count = written.setting_count;
        }
    }
    c->as_table = (ast_name){.table = {NULL, 0}};
    return FN_OK;
}

static fn_status take_select(query *q, ast_create *c, bool view)
{
    plan_query *bound;
    if (c->has_columns) return FN_OK;
    fn_status status = plan_bind(q->ctx, &q->world.base, c->as_select, &bound);
    if (status == FN_UNKNOWN_QUERY_PARAMETER && view) { /* columns are known when it is called with parameters */
        fn_error_clear(q->ctx);
        return FN_OK;
    }
    FN_TRY(status);
    status = take_schema(q->ctx, c, &bound->schema);
    plan_query_release(bound);
    return status;
}

/* ---- engine ---- */
static bool is_merge_tree(fn_str engine)
{
    return fn_str_ends(engine, FN_STR("MergeTree"));
}

/* Columns marked PRIMARY KEY make the key tuple(a, b). */
static fn_status key_of_columns(query *q, ast_create *c)
{
    fn_ctx *ctx = q->ctx;
    ast_expr *key = NULL;
    for (uint32_t i = 0; i < c->column_count; i++) {
        if (!c->columns[i].primary_key) continue;
        if (!key) {
            key = FN_NEW(ctx, ast_expr);
            FN_TRY_PTR(ctx, key);
            *key = (ast_expr){.kind = AST_FUNCTION, .text = FN_STR("tuple")};
            key->args.items = FN_NEW_ARRAY(ctx, ast_expr *, c->column_count);
            FN_TRY_PTR(ctx, key->args.items);
        }
        ast_expr *column = FN_NEW(ctx, ast_expr);
        FN_TRY_PTR(ctx, column);
        *column = (ast_expr){.kind = AST_IDENTIFIER, .parts = &c->columns[i].name, .part_count = 1};
        key->args.items[key->args.count++] = column;
        c->columns[i].primary_key = false;
    }
    if (!key) return FN_OK;
    if (c->engine.primary_key) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Multiple primary keys are not allowed");
    c->engine.primary_key = key;
    return sql_expr_text(ctx, key, &c->engine.primary_key_text);
}

static bool has_setting(const ast_engine *e, const char *name)
{
    for (uint32_t i = 0; i < e->setting_count; i++)
        if (fn_str_eq(e->settings[i].name, fn_cstr(name))) return true;
    return false;
}

bool definition_has_setting(fn_str name)
{
    static const char *const names[] = {
#define X(setting) #setting,
#include "query/merge_tree_settings.def"
#undef X
    };
    for (size_t i = 0; i < FN_COUNT(names); i++)
        if (fn_str_eq(name, fn_cstr(names[i]))) return true;
    return false;
}

/* Settings of the storage stay in the definition; those of the statement only hold for it. */
static fn_status sort_settings(query *q, ast_engine *e)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < e->setting_count; i++) {
        ast_setting *s = &e->settings[i];
        if ((is_merge_tree(e->name) && definition_has_setting(s->name)) || definition_join_has_setting(e->name, s->name)) {
            e->settings[kept++] = *s;
            continue;
        }
        fn_str ignored;
        if (settings_get(q->ctx, &q->settings, s->name, &ignored) != FN_OK) {
            fn_error_clear(q->ctx);
            return fn_fail(q->ctx, FN_UNKNOWN_SETTING, "Unknown setting '" FN_STR_FMT "': for storage " FN_STR_FMT, FN_STR_ARG(s->name), FN_STR_ARG(e->name));
        }
    }
    e->setting_count = kept;
    return FN_OK;
}

/* Settings of the statement that stand behind ENGINE hold while it runs. */
static fn_status apply_engine_settings(query *q, const ast_create *c)
{
    for (uint32_t i = 0; i < c->engine.setting_count; i++) {
        const ast_setting *s = &c->engine.settings[i];
        fn_str ignored;
        if (definition_has_setting(s->name)) continue;
        if (settings_get(q->ctx, &q->settings, s->name, &ignored) == FN_OK) FN_TRY(query_apply_settings(q, s, 1));
        else fn_error_clear(q->ctx); /* refused later, by name of the engine */
    }
    if (!q->settings.allow_ddl) return fn_fail(q->ctx, FN_QUERY_IS_PROHIBITED, "Cannot execute query. DDL queries are prohibited for the user " FN_STR_FMT, FN_STR_ARG(q->session->user));
    return settings_check(q->ctx, &q->settings);
}

static fn_status add_granularity(fn_ctx *ctx, ast_engine *e)
{
    if (has_setting(e, "index_granularity")) return FN_OK;
    ast_setting *grown = FN_NEW_ARRAY(ctx, ast_setting, e->setting_count + 1);
    ast_expr *value = FN_NEW(ctx, ast_expr);
    FN_TRY_PTR(ctx, grown);
    FN_TRY_PTR(ctx, value);
    if (e->setting_count) memcpy(grown, e->settings, sizeof *grown * e->setting_count);
    *value = (ast_expr){.kind = AST_LITERAL, .literal_kind = LITERAL_UINT, .u64 = 8192};
    grown[e->setting_count++] = (ast_setting){.name = FN_STR("index_granularity"), .value = value};
    e->settings = grown;
    return FN_OK;
}

static fn_status complete_keys(query *q, ast_create *c)
{
    ast_engine *e = &c->engine;
    FN_TRY(key_of_columns(q, c));
    if (!e->order_by && e->primary_key) {
        e->order_by = e->primary_key;
        e->order_by_text = e->primary_key_text;
    } else if (!e->order_by) {
        e->order_by = FN_NEW(q->ctx, ast_expr);
        FN_TRY_PTR(q->ctx, e->order_by);
        *e->order_by = (ast_expr){.kind = AST_FUNCTION, .text = FN_STR("tuple")};
        e->order_by_text = FN_STR("tuple()");
    }
    return add_granularity(q->ctx, e);
}

/* File(CSV) is File('CSV'). */
static fn_status file_format(query *q, ast_engine *e)
{
    const ast_expr *was = e->args.items[0];
    ast_expr *text = FN_NEW(q->ctx, ast_expr), **args = FN_NEW(q->ctx, ast_expr *);
    FN_TRY_PTR(q->ctx, text);
    FN_TRY_PTR(q->ctx, args);
    *text = (ast_expr){.kind = AST_LITERAL, .literal_kind = LITERAL_STRING, .text = was->kind == AST_IDENTIFIER ? was->parts[0] : was->text};
    args[0] = text;
    e->args.items = args;
    if (fn_format_find(text->text)) return FN_OK;
    return fn_fail(q->ctx, FN_UNKNOWN_FORMAT, "Unknown format " FN_STR_FMT, FN_STR_ARG(text->text));
}

static fn_status complete_engine(query *q, ast_create *c, bool attach)
{
    ast_engine *e = &c->engine;
    if (c->as_function) return FN_OK;
    if (!e->name.size) e->name = c->temporary ? FN_STR("Memory") : q->settings.default_table_engine;
    FN_TRY(sort_settings(q, e));
    FN_TRY(definition_check_settings(q->ctx, e));
    FN_TRY(definition_join_settings(q->ctx, e));
    if (fn_str_eq(e->name, FN_STR("File")) && e->args.count == 1) FN_TRY(file_format(q, e));
    if (is_merge_tree(e->name)) {
        FN_TRY(complete_keys(q, c));
        if (!attach) FN_TRY(definition_check_family(q, c));
        return definition_check_projections(q->ctx, c, NULL);
    }
    bool key = e->partition_by || e->order_by || e->primary_key || e->sample_by;
    for (uint32_t i = 0; i < c->column_count; i++) key = key || c->columns[i].primary_key;
    for (uint32_t i = 0; i < c->item_count; i++) {
        if (c->items[i].kind == 'i' || c->items[i].kind == 'p')
            return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "Engine " FN_STR_FMT " doesn't support %s", FN_STR_ARG(e->name), c->items[i].kind == 'i' ? "skipping indices" : "projections");
    }
    if (key) {
        return fn_fail(q->ctx, FN_BAD_ARGUMENTS, "Engine " FN_STR_FMT " doesn't support PARTITION_BY, PRIMARY_KEY, ORDER_BY or SAMPLE_BY clauses",
                       FN_STR_ARG(e->name));
    }
    return FN_OK;
}

fn_status definition_complete(query *q, const ast_statement *s, fn_str database, fn_str name, definition *out)
{
    fn_ctx *ctx = q->ctx;
    ast_statement *full = FN_NEW(ctx, ast_statement);
    ast_create *c = FN_NEW(ctx, ast_create);
    FN_TRY_PTR(ctx, full);
    FN_TRY_PTR(ctx, c);
    *full = *s;
    *c = *s->create;
    full->create = c;
    full->format = full->into_outfile = (fn_str){NULL, 0};
    full->setting_count = 0;
    full->kind = s->what == 'v' ? STATEMENT_CREATE_VIEW : STATEMENT_CREATE_TABLE;
    c->if_not_exists = c->or_replace = c->replace = c->is_attach = c->empty = c->populate = false;
    c->on_cluster = c->uuid = (fn_str){NULL, 0};
    c->name = (ast_name){.database = c->temporary ? (fn_str){NULL, 0} : database, .table = name};
    FN_TRY(apply_engine_settings(q, c));
    if (c->as_table.table.size || c->as_table.table_param) FN_TRY(take_table(q, c));
    const bool plain_view = s->what == 'v' && !c->materialized;
    if (c->as_select) FN_TRY(take_select(q, c, plain_view));
    if (s->what != 'v') FN_TRY(facade_complete(q, c, database, name));
    if ((!c->has_columns || c->column_count == 0) && !(plain_view && c->as_select))
        return fn_fail(ctx, FN_INCORRECT_QUERY, "Incorrect CREATE query: required list of column descriptions or AS section or SELECT");
    FN_TRY(definition_check_columns(q, c));
    if (s->what != 'v') FN_TRY(definition_check_storable(ctx, c));
    if (s->what == 'v') FN_TRY(definition_qualify(ctx, q->database, c->as_select));
    else c->as_select = NULL;
    if (s->what != 'v' || (c->materialized && !c->to_table.table.size)) FN_TRY(complete_engine(q, c, s->create->is_attach));
    if (s->what != 'v') FN_TRY(ttl_check(q, c));
    if (c->materialized && c->to_table.table.size && !c->to_table.database.size) c->to_table.database = q->database;
    out->statement = full;
    uint32_t *ids = FN_NEW_ARRAY(ctx, uint32_t, c->column_count);
    FN_TRY_PTR(ctx, ids);
    for (uint32_t i = 0; i < c->column_count; i++) ids[i] = i + 1;
    out->next_column_id = c->column_count + 1;
    FN_TRY(definition_ids_text(ctx, ids, c->column_count, &out->column_ids));
    return definition_print(ctx, full, &out->sql);
}
