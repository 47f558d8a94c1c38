/* definition_build.c - from a complete CREATE statement's text to a table: schema, keys, engine. See definition.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"
#include "query/facade.h"
#include "query/materialized.h"
#include "table/memory/memory_table.h"

/* ---- a world without tables: keys and defaults name columns only ---- */
static fn_status bare_table(plan_world *w, fn_ctx *ctx, fn_str database, fn_str name, table **out)
{
    (void)w;
    (void)database;
    (void)out;
    return fn_fail(ctx, FN_UNKNOWN_TABLE, "Unknown table expression identifier '" FN_STR_FMT "'", FN_STR_ARG(name));
}

static fn_status bare_function(plan_world *w, fn_ctx *ctx, const ast_expr *call, table **out)
{
    (void)w;
    (void)out;
    return fn_fail(ctx, FN_UNKNOWN_FUNCTION, "Unknown table function " FN_STR_FMT, FN_STR_ARG(call->text));
}

static fn_status bare_view(plan_world *w, fn_ctx *ctx, table *t, ast_query **out)
{
    (void)w;
    (void)ctx;
    (void)t;
    *out = NULL;
    return FN_OK;
}

static fn_status bare_parameter(plan_world *w, fn_ctx *ctx, fn_str name, fn_str *out)
{
    (void)w;
    (void)out;
    return fn_fail(ctx, FN_UNKNOWN_QUERY_PARAMETER, "Substitution `" FN_STR_FMT "` is not set", FN_STR_ARG(name));
}

plan_world definition_bare_world(void)
{
    return (plan_world){bare_table, bare_function, bare_view, bare_parameter, "default", NULL};
}

/* ---- schema ---- */
fn_status definition_ids(fn_ctx *ctx, fn_str text, uint32_t *ids, uint32_t count)
{
    size_t at = 0;
    uint32_t n = 0;
    while (at < text.size && n < count) {
        uint64_t v = 0;
        const size_t from = at;
        for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9' && v <= UINT32_MAX; at++) v = v * 10 + (uint64_t)(text.data[at] - '0');
        if (at == from || v == 0 || v > UINT32_MAX) break;
        ids[n++] = (uint32_t)v;
        if (at < text.size && text.data[at] == ',') at++;
        else break;
    }
    return n == count && at == text.size ? FN_OK : fn_fail(ctx, FN_CORRUPTED_DATA, "The catalog has other column numbers than columns");
}

static bool is_merge_tree(fn_str engine)
{
    return fn_str_ends(engine, FN_STR("MergeTree"));
}

static const char *const log_engines[] = {"Log", "TinyLog", "StripeLog", "Set", "Join", "File"};
/* The name of an engine whose rows are parts without a key; NULL for others. File over a path is a facade. */
static const char *log_name(const ast_engine *e)
{
    if (fn_str_eq(e->name, FN_STR("File")) && e->args.count != 1) return NULL;
    for (size_t i = 0; i < FN_COUNT(log_engines); i++)
        if (fn_str_eq(e->name, fn_cstr(log_engines[i]))) return log_engines[i];
    return NULL;
}

/* CODEC(ZSTD(3)) -> ZSTD(3) */
static fn_str inside_codec(fn_str text)
{
    static const char head[] = "CODEC(";
    const size_t n = sizeof head - 1;
    return text.size > n ? (fn_str){text.data + n, text.size - n - 1} : (fn_str){NULL, 0};
}

static fn_status fill_column(fn_ctx *ctx, const ast_column_def *def, uint32_t id, table_column *out)
{
    *out = (table_column){.id = id, .default_kind = (table_default_kind)def->default_kind};
    FN_TRY(fn_type_parse(ctx, def->type, &out->type));
    FN_TRY(fn_arena_str(ctx, ctx->arena, def->name, &out->name));
    FN_TRY(fn_arena_str(ctx, ctx->arena, def->default_text, &out->default_sql));
    FN_TRY(fn_arena_str(ctx, ctx->arena, def->comment, &out->comment));
    FN_TRY(fn_arena_str(ctx, ctx->arena, inside_codec(def->codec), &out->codec));
    return fn_arena_str(ctx, ctx->arena, def->ttl, &out->ttl);
}

static fn_status fill_schema(fn_ctx *ctx, const ast_create *c, fn_str column_ids, table_schema *s)
{
    uint32_t virtual_count = 0;
    const fn_field *virtuals = is_merge_tree(c->engine.name) && !c->materialized ? mt_virtual_columns(&virtual_count) : NULL;
    uint32_t *ids = FN_NEW_ARRAY(ctx, uint32_t, FN_MAX(c->column_count, 1u));
    s->columns = FN_NEW_ARRAY(ctx, table_column, FN_MAX(c->column_count + virtual_count, 1u));
    FN_TRY_PTR(ctx, ids);
    FN_TRY_PTR(ctx, s->columns);
    FN_TRY(definition_ids(ctx, column_ids, ids, c->column_count));
    for (uint32_t i = 0; i < c->column_count; i++) FN_TRY(fill_column(ctx, &c->columns[i], ids[i], &s->columns[i]));
    s->count = c->column_count;
    for (uint32_t i = 0; i < virtual_count; i++) {
        if (table_schema_find(s, virtuals[i].name) >= 0) continue; /* a real column hides it */
        s->columns[s->count++] = (table_column){.name = virtuals[i].name, .type = virtuals[i].type, .is_virtual = true};
    }
    return FN_OK;
}

/* The schema owns an arena of its own that is charged to nobody. */
static fn_status make_schema(fn_ctx *ctx, const ast_create *c, fn_str column_ids, table_schema **out)
{
    fn_ctx own = {.arena = NULL};
    own.arena = fn_arena_new_small(&own);
    if (!own.arena) return fn_fail_memory(ctx, sizeof(table_schema));
    table_schema *s = FN_NEW(&own, table_schema);
    const fn_status status = s ? fill_schema(&own, c, column_ids, s) : own.error.code;
    if (status != FN_OK) {
        fn_arena_free(own.arena);
        return fn_fail(ctx, status, "%s", own.error.text);
    }
    s->arena = own.arena;
    atomic_store(&s->refs, 1);
    *out = s;
    return FN_OK;
}

fn_status definition_plain_schema(fn_ctx *ctx, const ast_create *c, table_schema **out)
{
    fn_str text;
    uint32_t *ids = FN_NEW_ARRAY(ctx, uint32_t, c->column_count + 1u);
    FN_TRY_PTR(ctx, ids);
    for (uint32_t i = 0; i < c->column_count; i++) ids[i] = i + 1;
    FN_TRY(definition_ids_text(ctx, ids, c->column_count, &text));
    return make_schema(ctx, c, text, out);
}

/* ---- MergeTree ---- */
typedef struct family {
    const char *name;
    mt_mode mode;
    uint8_t params_min, params_max;
    const char *params; /* for the error */
} family;

static const family families[] = {
    {"MergeTree", MT_PLAIN, 0, 0, "no parameters"},
    {"ReplacingMergeTree", MT_REPLACING, 0, 2, "0 to 2 parameters: \n[is_deleted column],\n[version]\n"},
    {"SummingMergeTree", MT_SUMMING, 0, 1, "0 to 1 parameters: \n[list of columns to sum]\n"},
    {"CoalescingMergeTree", MT_COALESCING, 0, 1, "0 to 1 parameters: \n[list of columns to sum]\n"},
    {"AggregatingMergeTree", MT_AGGREGATING, 0, 0, "no parameters"},
    {"CollapsingMergeTree", MT_COLLAPSING, 1, 1, "1 parameters: \nsign column\n"},
    {"VersionedCollapsingMergeTree", MT_VERSIONED_COLLAPSING, 2, 2, "2 parameters: \nsign column,\nversion\n"},
};

typedef struct builder {
    fn_ctx ctx;          /* arena: the definition's */
    const ast_create *create;
    const table_schema *schema;
    plan_world world;
    mt_definition *mt;
    const family *family;
    ast_list params;     /* without the path and replica name of Replicated */
} builder;

static fn_status find_family(fn_ctx *ctx, const ast_engine *e, const family **out, ast_list *params)
{
    static const char *const prefixes[] = {"Replicated", "Shared"};
    fn_str name = e->name;
    *params = e->args;
    for (size_t i = 0; i < FN_COUNT(prefixes); i++) {
        const fn_str p = fn_cstr(prefixes[i]);
        if (!fn_str_starts(name, p)) continue;
        name = (fn_str){name.data + p.size, name.size - p.size};
        uint32_t texts = 0;
        while (texts < 2 && texts < params->count && params->items[texts]->kind == AST_LITERAL && params->items[texts]->literal_kind == LITERAL_STRING) texts++;
        params->items += texts;
        params->count -= texts;
        break;
    }
    for (size_t i = 0; i < FN_COUNT(families); i++) {
        if (!fn_str_eq(name, fn_cstr(families[i].name))) continue;
        *out = &families[i];
        return FN_OK;
    }
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Table engine " FN_STR_FMT " is not supported", FN_STR_ARG(e->name));
}

static fn_status need_column(builder *b, const ast_expr *e, const char *what, uint32_t *out)
{
    const int at = e->kind == AST_IDENTIFIER && e->part_count == 1 ? table_schema_find(b->schema, e->parts[0]) : -1;
    if (at >= 0) {
        *out = (uint32_t)at;
        return FN_OK;
    }
    if (e->kind != AST_IDENTIFIER || !e->part_count) return fn_fail(&b->ctx, FN_BAD_ARGUMENTS, "%s column name must be an identifier", what);
    return fn_fail(&b->ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "%s column " FN_STR_FMT " does not exist in table declaration", what, FN_STR_ARG(e->parts[0]));
}

static fn_status read_version(builder *b, const ast_expr *e)
{
    uint32_t at;
    FN_TRY(need_column(b, e, "Version", &at));
    const fn_type *t = b->schema->columns[at].type, *base = fn_type_strip_low_cardinality(t);
    const bool number = base->id == FN_T_BOOL || base->id == FN_T_TIME || base->id == FN_T_TIME64 || fn_type_is_integer(base) || fn_type_is_float(base);
    if (!number && !fn_type_is_date_or_time(base)) {
        return fn_fail(&b->ctx, FN_BAD_TYPE_OF_FIELD, "The column " FN_STR_FMT " cannot be used as a version column for storage %s because it is of type "
                       "%s (must be of an integer type or of type Date/DateTime/DateTime64)", FN_STR_ARG(b->schema->columns[at].name), b->family->name, t->name);
    }
    b->mt->version_column = (int)at;
    return FN_OK;
}

static fn_status read_sign(builder *b, const ast_expr *e)
{
    uint32_t at;
    FN_TRY(need_column(b, e, "Sign", &at));
    const fn_type *t = b->schema->columns[at].type;
    if (t->id != FN_T_INT8) {
        return fn_fail(&b->ctx, FN_BAD_TYPE_OF_FIELD, "Sign column (" FN_STR_FMT ") for storage %s must have type Int8. Provided column of type %s",
                       FN_STR_ARG(b->schema->columns[at].name), b->family->name, t->name);
    }
    b->mt->sign_column = (int)at;
    return FN_OK;
}

static fn_status read_is_deleted(builder *b, const ast_expr *e)
{
    uint32_t at;
    FN_TRY(need_column(b, e, "is_deleted", &at));
    const fn_type *t = b->schema->columns[at].type;
    if (t->id != FN_T_UINT8 && t->id != FN_T_BOOL) {
        return fn_fail(&b->ctx, FN_BAD_TYPE_OF_FIELD, "is_deleted column (" FN_STR_FMT ") for storage %s must have type UInt8. Provided column of type %s",
                       FN_STR_ARG(b->schema->columns[at].name), b->family->name, t->name);
    }
    b->mt->is_deleted_column = (int)at;
    return FN_OK;
}

static bool is_tuple(const ast_expr *e)
{
    return e->kind == AST_FUNCTION && fn_str_eq(e->text, FN_STR("tuple"));
}

/* There is a column "name.something". */
static bool has_nested(const table_schema *schema, fn_str name)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        const fn_str column = schema->columns[i].name;
        if (column.size > name.size && column.data[name.size] == '.' && fn_str_starts(column, name)) return true;
    }
    return false;
}

static fn_status read_sums(builder *b, ast_expr *e)
{
    const ast_list one = {&e, 1}, *list = is_tuple(e) ? &e->args : &one;
    b->mt->sum_columns = FN_NEW_ARRAY(&b->ctx, uint32_t, FN_MAX(list->count, 1u));
    FN_TRY_PTR(&b->ctx, b->mt->sum_columns);
    for (uint32_t i = 0; i < list->count; i++) {
        const ast_expr *item = list->items[i];
        const int at = item->kind == AST_IDENTIFIER && item->part_count == 1 ? table_schema_find(b->schema, item->parts[0]) : -1;
        fn_str text;
        if (at < 0 && item->kind == AST_IDENTIFIER && item->part_count == 1 && has_nested(b->schema, item->parts[0])) continue; /* maps are summed anyway */
        if (at >= 0) {
            b->mt->sum_columns[b->mt->sum_count++] = (uint32_t)at;
            continue;
        }
        FN_TRY(sql_expr_text(&b->ctx, item, &text));
        if (item->kind == AST_IDENTIFIER)
            return fn_fail(&b->ctx, FN_NO_SUCH_COLUMN_IN_TABLE, "Column " FN_STR_FMT " listed in columns to sum does not exist in table declaration", FN_STR_ARG(text));
        if (list != &one) return fn_fail(&b->ctx, FN_UNEXPECTED_AST_STRUCTURE, FN_STR_FMT " is not an identifier", FN_STR_ARG(text));
        return fn_fail(&b->ctx, FN_BAD_ARGUMENTS, "Wrong number of engine arguments");
    }
    return FN_OK;
}

static fn_status read_params(builder *b)
{
    const ast_list *p = &b->params;
    if (p->count < b->family->params_min || p->count > b->family->params_max) {
        return fn_fail(&b->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "With extended storage definition syntax storage %s requires %s", b->family->name,
                       b->family->params);
    }
    switch (b->family->mode) {
    case MT_PLAIN:
    case MT_AGGREGATING:
        return FN_OK;
    case MT_REPLACING:
        if (p->count >= 1) FN_TRY(read_version(b, p->items[0]));
        return p->count == 2 ? read_is_deleted(b, p->items[1]) : FN_OK;
    case MT_SUMMING:
    case MT_COALESCING:
        return p->count ? read_sums(b, p->items[0]) : FN_OK;
    case MT_COLLAPSING:
        return read_sign(b, p->items[0]);
    case MT_VERSIONED_COLLAPSING:
        FN_TRY(read_sign(b, p->items[0]));
        return read_version(b, p->items[1]);
    }
    FN_IMPOSSIBLE("mode");
}

/* ---- keys ---- */
static fn_status bind_key(builder *b, const ast_expr *key, const char *what, expr ***out, uint32_t *count)
{
    ast_expr *single = (ast_expr *)(uintptr_t)key;
    const ast_list one = {&single, 1}, *list = is_tuple(key) ? &key->args : &one;
    *out = FN_NEW_ARRAY(&b->ctx, expr *, FN_MAX(list->count, 1u));
    FN_TRY_PTR(&b->ctx, *out);
    for (uint32_t i = 0; i < list->count; i++) {
        FN_TRY(plan_bind_expr(&b->ctx, &b->world, list->items[i], b->schema, &(*out)[i]));
        if (!expr_is_deterministic((*out)[i])) {
            fn_buf text = FN_BUF_INIT;
            fn_status status = sql_print_expr(&b->ctx, list->items[i], &text);
            if (status == FN_OK) {
                status = fn_fail(&b->ctx, FN_BAD_ARGUMENTS, "Expression must be deterministic but it contains non-deterministic part `%.*s`: for %s",
                                 (int)FN_MIN(text.size, (size_t)500), text.data, what);
            }
            fn_buf_release(&text);
            return status;
        }
    }
    *count = list->count;
    return FN_OK;
}

static uint64_t setting_number(const ast_engine *e, const char *name, uint64_t otherwise)
{
    for (uint32_t i = 0; i < e->setting_count; i++) {
        const ast_expr *v = e->settings[i].value;
        if (fn_str_eq(e->settings[i].name, fn_cstr(name)) && v && v->kind == AST_LITERAL && v->literal_kind == LITERAL_UINT) return v->u64;
    }
    return otherwise;
}

static fn_status check_nullable(builder *b, expr *const *key, uint32_t count, const char *what)
{
    if (setting_number(&b->create->engine, "allow_nullable_key", 0)) return FN_OK;
    for (uint32_t i = 0; i < count; i++) {
        if (!fn_type_is_nullable(key[i]->type)) continue;
        return fn_fail(&b->ctx, FN_ILLEGAL_COLUMN, "%s key contains nullable columns, but merge tree setting `allow_nullable_key` is disabled", what);
    }
    return FN_OK;
}

static fn_status read_keys(builder *b)
{
    const ast_engine *e = &b->create->engine;
    mt_definition *mt = b->mt;
    FN_TRY(bind_key(b, e->order_by, "Sorting key", &mt->sort_key, &mt->sort_count));
    FN_TRY(check_nullable(b, mt->sort_key, mt->sort_count, "Sorting"));
    mt->primary_count = mt->sort_count;
    if (e->order_descending) {
        mt->sort_descending = FN_NEW_ARRAY(&b->ctx, bool, FN_MAX(mt->sort_count, 1u));
        FN_TRY_PTR(&b->ctx, mt->sort_descending);
        for (uint32_t i = 0; i < mt->sort_count; i++) mt->sort_descending[i] = true;
    }
    if (e->primary_key) {
        expr **primary;
        FN_TRY(bind_key(b, e->primary_key, "Primary key", &primary, &mt->primary_count));
        for (uint32_t i = 0; i < mt->primary_count; i++) {
            if (i < mt->sort_count && expr_equal(primary[i], mt->sort_key[i])) continue;
            return fn_fail(&b->ctx, FN_BAD_ARGUMENTS, "Primary key must be a prefix of the sorting key, but the column in the position %u differs", i);
        }
    }
    if (e->partition_by) {
        FN_TRY(bind_key(b, e->partition_by, "Partition key", &mt->partition_key, &mt->partition_count));
        FN_TRY(check_nullable(b, mt->partition_key, mt->partition_count, "Partition"));
    }
    return e->sample_by ? plan_bind_expr(&b->ctx, &b->world, e->sample_by, b->schema, &mt->sampling) : FN_OK;
}

/* The values that stand in for columns a part lacks. */
static fn_status read_defaults(builder *b)
{
    const ast_create *c = b->create;
    b->mt->defaults = FN_NEW_ARRAY(&b->ctx, expr *, FN_MAX(b->schema->count, 1u));
    FN_TRY_PTR(&b->ctx, b->mt->defaults);
    for (uint32_t i = 0; i < c->column_count; i++) {
        const ast_column_def *def = &c->columns[i];
        if (!def->default_expr || (def->default_kind != DEFAULT_DEFAULT && def->default_kind != DEFAULT_MATERIALIZED)) continue;
        expr *e;
        FN_TRY(plan_bind_expr(&b->ctx, &b->world, def->default_expr, b->schema, &e));
        FN_TRY(expr_cast(&b->ctx, e, b->schema->columns[i].type, &b->mt->defaults[i]));
    }
    return FN_OK;
}

/* A Log table is one MergeTree without a key. */
static fn_status read_log(builder *b)
{
    const ast_engine *e = &b->create->engine;
    if (fn_str_eq(e->name, FN_STR("Join"))) FN_TRY(definition_join(&b->ctx, e, b->schema, &b->mt->join));
    else if (e->args.count && !fn_str_eq(e->name, FN_STR("File")))
        return fn_fail(&b->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Engine " FN_STR_FMT " doesn't support any arguments (%u given)", FN_STR_ARG(e->name), e->args.count);
    b->mt->sort_key = b->mt->partition_key = FN_NEW(&b->ctx, expr *);
    FN_TRY_PTR(&b->ctx, b->mt->sort_key);
    return read_defaults(b);
}

fn_status definition_table_settings(fn_ctx *ctx, const ast_engine *e, table_settings *out)
{
    for (uint32_t i = 0; i < e->setting_count; i++) {
        fn_str value;
        if (e->settings[i].is_default) continue;
        FN_TRY(query_setting_text(ctx, &e->settings[i], &value));
        FN_TRY(table_settings_set(ctx, out, e->settings[i].name, value));
    }
    return FN_OK;
}

/* A Replicated or Shared table runs as a local one and remembers inserts as they do. */
static fn_status read_settings(builder *b)
{
    const ast_engine *e = &b->create->engine;
    mt_definition *mt = b->mt;
    FN_TRY(definition_table_settings(&b->ctx, e, &mt->settings));
    const bool replicated = fn_str_starts(e->name, FN_STR("Replicated")) || fn_str_starts(e->name, FN_STR("Shared"));
    mt->window = replicated ? mt->settings.replicated_deduplication_window : mt->settings.non_replicated_deduplication_window;
    mt->window_s = replicated ? mt->settings.replicated_deduplication_window_seconds : 0;
    return FN_OK;
}

static fn_status read_merge_tree(builder *b)
{
    b->mt->log_name = log_name(&b->create->engine);
    if (b->mt->log_name) return read_log(b);
    FN_TRY(read_settings(b));
    FN_TRY(find_family(&b->ctx, &b->create->engine, &b->family, &b->params));
    b->mt->mode = b->family->mode;
    FN_TRY(read_keys(b));
    FN_TRY(read_params(b));
    FN_TRY(definition_indexes(&b->ctx, &b->world, b->create, b->schema, b->mt));
    FN_TRY(definition_projections(&b->ctx, b->create, b->schema, b->mt));
    FN_TRY(definition_ttls(&b->ctx, &b->world, b->create, b->schema, b->mt));
    return read_defaults(b);
}

fn_status definition_merge_tree(fn_ctx *ctx, const ast_create *c, const table_schema *schema, mt_definition *out)
{
    fn_arena *arena = fn_arena_new_small(&(fn_ctx){.arena = NULL});
    if (!arena) return fn_fail_memory(ctx, sizeof *out);
    *out = (mt_definition){.version_column = -1, .is_deleted_column = -1, .sign_column = -1, .index_granularity = setting_number(&c->engine, "index_granularity", FN_GRANULE_ROWS), .settings = table_settings_default(), .arena = arena};
    builder b = {.ctx = {.arena = arena}, .create = c, .schema = schema, .world = definition_bare_world(), .mt = out};
    const fn_status status = read_merge_tree(&b);
    if (status == FN_OK) return FN_OK;
    (void)fn_fail(ctx, status, "%s", b.ctx.error.text);
    fn_arena_free(arena);
    out->arena = NULL;
    return status;
}

/* ---- the head ---- */
/* "a, b" of a key: a tuple without its parentheses. */
static fn_status key_text(fn_ctx *ctx, const ast_expr *key, fn_str written, fn_str *out)
{
    *out = written;
    if (!key || !is_tuple(key)) return FN_OK;
    fn_buf text = FN_BUF_INIT;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < key->args.count && status == FN_OK; i++) {
        if (i) status = fn_buf_cstr(ctx, &text, ", ");
        if (status == FN_OK) status = sql_print_expr(ctx, key->args.items[i], &text);
    }
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, fn_buf_view(&text), out);
    fn_buf_release(&text);
    return status;
}

/* "MergeTree ORDER BY a SETTINGS ...": what stands behind "ENGINE = " in the statement. */
static fn_str engine_text(fn_str sql, const ast_create *c)
{
    static const char word[] = " ENGINE = ";
    const size_t n = sizeof word - 1;
    for (size_t i = 0; c->engine.name.size && i + n < sql.size; i++) {
        if (memcmp(sql.data + i, word, n) != 0 || !fn_str_starts((fn_str){sql.data + i + n, sql.size - i - n}, c->engine.name)) continue;
        fn_str rest = {sql.data + i + n, sql.size - i - n};
        for (size_t k = 0; c->comment.data && k + 9 < rest.size; k++) {
            if (memcmp(rest.data + k, " COMMENT ", 9) == 0) rest.size = k;
        }
        return rest;
    }
    return c->engine.name;
}

static fn_status fill_head(fn_ctx *ctx, const catalog_table_row *row, const ast_statement *s, const mt_definition *mt, table *head)
{
    const ast_create *c = s->create;
    const ast_engine *e = &c->engine;
    *head = (table){.database = row->database, .name = row->name, .create_sql = row->create_sql, .comment = c->comment, .created_s = row->created_s,
                    .is_view = s->what == 'v', .is_temporary = c->temporary};
    memcpy(head->uuid, row->uuid, sizeof head->uuid);
    head->engine_full = engine_text(row->create_sql, c);
    if (!mt || mt->log_name) return FN_OK;
    head->partition_key_sql = e->partition_by_text;
    head->sampling_key_sql = e->sample_by_text;
    FN_TRY(key_text(ctx, e->partition_by, e->partition_by_text, &head->partition_key_sql));
    FN_TRY(key_text(ctx, e->order_by, e->order_by_text, &head->sorting_key_sql));
    FN_TRY(key_text(ctx, e->primary_key ? e->primary_key : e->order_by, e->primary_key ? e->primary_key_text : e->order_by_text, &head->primary_key_sql));
    uint32_t *key = FN_NEW_ARRAY(ctx, uint32_t, FN_MAX(mt->sort_count, 1u));
    FN_TRY_PTR(ctx, key);
    for (; head->sort_key_count < mt->sort_count && mt->sort_key[head->sort_key_count]->kind == EXPR_COLUMN; head->sort_key_count++)
        key[head->sort_key_count] = mt->sort_key[head->sort_key_count]->column;
    head->sort_key = key;
    return FN_OK;
}

fn_status definition_shape(fn_engine *engine, fn_ctx *ctx, const catalog_table_row *row, table_schema **schema, mt_definition *mt, table *head)
{
    ast_statement *s;
    (void)engine;
    FN_TRY(sql_parse(ctx, row->create_sql, &s));
    if (!s->create) return fn_fail(ctx, FN_CORRUPTED_DATA, "The catalog's text of a table is no CREATE statement");
    catalog_table_row named = *row;
    if (!fn_str_eq(s->create->name.database, row->database) || !fn_str_eq(s->create->name.table, row->name)) { /* renamed since */
        s->create->name = (ast_name){.database = row->database, .table = row->name};
        FN_TRY(definition_print(ctx, s, &named.create_sql));
    }
    FN_TRY(make_schema(ctx, s->create, row->column_ids, schema));
    fn_status status = FN_OK;
    const bool merge_tree = s->what != 'v' && (is_merge_tree(s->create->engine.name) || log_name(&s->create->engine));
    if (merge_tree) status = definition_merge_tree(ctx, s->create, *schema, mt);
    if (status == FN_OK) {
        status = fill_head(ctx, &named, s, merge_tree ? mt : NULL, head);
        if (status != FN_OK && merge_tree) fn_arena_free(mt->arena);
    }
    if (status != FN_OK) table_schema_drop(*schema);
    atomic_store(&head->schema, *schema);
    return status;
}

/* ---- engines ---- */
static fn_status find_facade(fn_ctx *ctx, const table *head, const facade_engine **out)
{
    ast_statement *s;
    FN_TRY(sql_parse(ctx, head->create_sql, &s));
    *out = facade_of(s->create);
    return FN_OK;
}

static fn_status make_table(fn_engine *engine, fn_ctx *ctx, const catalog_table_row *row, const table *head, fn_str name, mt_definition *mt, table **out)
{
    static const char *const known[] = {"Distributed", "Dictionary", "EmbeddedRocksDB", "Kafka", "MaterializedView", "KeeperMap", "Iceberg", "IcebergS3"};
    if (head->is_view) {
        ast_statement *s;
        FN_TRY(sql_parse(ctx, head->create_sql, &s));
        return s->create->materialized ? materialized_new(ctx, head, s->create, out) : view_table_new(ctx, head, out);
    }
    const facade_engine *facade;
    if (!mt->arena) FN_TRY(find_facade(ctx, head, &facade));
    if (!mt->arena && facade) return facade_new(ctx, facade, head, out);
    if (mt->arena) return mt_table_new(ctx, engine->store, head, mt, row->parts, row->part_count, out);
    if (fn_str_eq(name, FN_STR("Memory"))) return memory_table_new(ctx, head, out);
    if (fn_str_eq(name, FN_STR("Null"))) return null_table_new(ctx, head, out);
    if (fn_str_eq(name, FN_STR("View")))
        return fn_fail(ctx, FN_INCORRECT_QUERY, "Direct creation of tables with ENGINE View is not supported, use CREATE VIEW statement");
    for (size_t i = 0; i < FN_COUNT(known); i++)
        if (fn_str_eq(name, fn_cstr(known[i]))) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Table engine %s is not supported", known[i]);
    return fn_fail(ctx, FN_UNKNOWN_STORAGE, "Unknown table engine " FN_STR_FMT, FN_STR_ARG(name));
}

const char *definition_engine_at(size_t index)
{
    static const char *const others[] = {"Memory", "Null", "View"};
    if (index < FN_COUNT(families)) return families[index].name;
    index -= FN_COUNT(families);
    if (index < FN_COUNT(log_engines)) return log_engines[index];
    index -= FN_COUNT(log_engines);
    return index < FN_COUNT(others) ? others[index] : facade_engine_at(index - FN_COUNT(others));
}

/* The bare name in front of engine_full. */
static fn_str engine_name(fn_str full)
{
    size_t n = 0;
    while (n < full.size && full.data[n] != ' ' && full.data[n] != '(') n++;
    return (fn_str){full.data, n};
}

/* Texts of tables are never given back while the engine runs, since others may read them without a lock; so the same text is kept once
 * only, however often tables are exchanged or changed to and fro. In `room` bytes at least, zeroed behind it. Under texts_lock. */
static fn_status keep_text(fn_ctx *ctx, fn_engine *engine, fn_str text, size_t room, fn_str *out)
{
    kept_text **at = &engine->texts[fn_hash_bytes(text.data, text.size, room) % ENGINE_TEXT_SLOTS];
    while (*at && !((*at)->room >= room && fn_str_eq((*at)->text, text))) at = &(*at)->next;
    if (!*at) {
        kept_text *made = fn_arena_alloc_zero(ctx, engine->arena, sizeof *made);
        char *bytes = fn_arena_alloc_zero(ctx, engine->arena, FN_MAX(room, text.size + 1));
        if (!made || !bytes) return ctx->error.code;
        if (text.size) memcpy(bytes, text.data, text.size);
        *made = (kept_text){.text = {bytes, text.size}, .room = room};
        *at = made;
    }
    *out = (*at)->text;
    return FN_OK;
}

/* RENAME changes the names while others may read them: both words of a name are always valid for the larger size, because every name
 * lies in NAME_ROOM bytes. */
fn_status definition_name(fn_ctx *ctx, fn_engine *engine, table *t, fn_str database, fn_str name)
{
    enum { NAME_ROOM = 512 };
    const fn_str from[] = {database, name};
    fn_str copies[FN_COUNT(from)];
    fn_status status = FN_OK;
    FN_ASSERT(pthread_rwlock_wrlock(&engine->texts_lock) == 0); /* system tables read names under it */
    for (size_t i = 0; i < FN_COUNT(from) && status == FN_OK; i++) {
        if (from[i].size >= NAME_ROOM) {
            status = fn_fail(ctx, FN_ARGUMENT_OUT_OF_BOUND, "The name " FN_STR_FMT " is longer than %d bytes", FN_STR_ARG(from[i]), NAME_ROOM - 1);
            break;
        }
        status = keep_text(ctx, engine, from[i], NAME_ROOM, &copies[i]);
    }
    if (status == FN_OK) table_rename(t, copies[0], copies[1]);
    FN_ASSERT(pthread_rwlock_unlock(&engine->texts_lock) == 0);
    return status;
}

fn_status definition_text(fn_ctx *ctx, fn_engine *engine, table *t, fn_str *out)
{
    FN_ASSERT(pthread_rwlock_rdlock(&engine->texts_lock) == 0);
    const fn_status status = fn_arena_str(ctx, ctx->arena, t->create_sql, out);
    FN_ASSERT(pthread_rwlock_unlock(&engine->texts_lock) == 0);
    return status;
}

fn_status definition_set_sql(fn_ctx *ctx, fn_engine *engine, table *t, fn_str sql)
{
    fn_str copy;
    FN_ASSERT(pthread_rwlock_wrlock(&engine->texts_lock) == 0);
    const fn_status status = keep_text(ctx, engine, sql, 0, &copy);
    if (status == FN_OK) t->create_sql = copy;
    FN_ASSERT(pthread_rwlock_unlock(&engine->texts_lock) == 0);
    return status;
}

fn_status definition_retext(fn_ctx *ctx, fn_engine *engine, table *t, const table *head)
{
    const fn_str from[] = {head->create_sql, head->engine_full, head->comment, head->partition_key_sql, head->sorting_key_sql, head->primary_key_sql, head->sampling_key_sql};
    fn_str *const to[] = {&t->create_sql, &t->engine_full, &t->comment, &t->partition_key_sql, &t->sorting_key_sql, &t->primary_key_sql, &t->sampling_key_sql};
    fn_str copies[FN_COUNT(from)];
    fn_status status = FN_OK;
    FN_ASSERT(pthread_rwlock_wrlock(&engine->texts_lock) == 0);
    for (size_t i = 0; i < FN_COUNT(from) && status == FN_OK; i++) status = keep_text(ctx, engine, from[i], 0, &copies[i]);
    for (size_t i = 0; i < FN_COUNT(from) && status == FN_OK; i++) *to[i] = copies[i];
    FN_ASSERT(pthread_rwlock_unlock(&engine->texts_lock) == 0);
    return status;
}

fn_status definition_build(void *self, fn_ctx *ctx, const catalog_table_row *row, table **out)
{
    fn_engine *engine = self;
    table_schema *schema;
    mt_definition mt = {.arena = NULL};
    table head;
    FN_TRY(definition_shape(engine, ctx, row, &schema, &mt, &head));
    fn_status status = make_table(engine, ctx, row, &head, engine_name(head.engine_full), &mt, out);
    if (status != FN_OK) {
        table_schema_drop(schema);
        fn_arena_free(mt.arena);
        return status;
    }
    if (mt.arena) status = mt_table_set_detached(ctx, *out, row->detached, row->detached_count);
    if (status == FN_OK) status = definition_name(ctx, engine, *out, row->database, row->name);
    if (status != FN_OK) table_drop(*out);
    return status;
}
