/* object_output.c - see object_output.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/object_output.h"
#include "query/file_output.h"
#include "query/table_function.h"
#include "table/lake/file_table.h"
#include <firn/format.h>

static const size_t PUT_BYTES_MAX = (size_t)5 << 30; /* S3's limit of one PUT */

typedef struct object_table {
    table base;
    fn_arena *arena;
    query *query;
    const fn_format *format;
    fn_object_store *store;
    fn_object_url url;       /* texts in the statement's arena, as those of auth */
    fn_object_auth auth;
} object_table;

typedef struct object_writer {
    table_writer base;
    object_table *table;
    fn_sink sink, raw;       /* before and behind the encoder */
    fn_encoder *encoder;
    fn_buf bytes;
    fn_writer *writer;
    fn_schema schema;
} object_writer;

static fn_status write_raw(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    object_writer *w = (object_writer *)(void *)((char *)self - offsetof(object_writer, raw));
    if (size > PUT_BYTES_MAX - w->bytes.size) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Writing an object of more than 5 GiB is not supported");
    return fn_buf_append(ctx, &w->bytes, bytes, size);
}

static fn_status write_any(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    object_writer *w = (object_writer *)(void *)((char *)self - offsetof(object_writer, sink));
    fn_sink *to = w->encoder ? fn_encoder_sink(w->encoder) : &w->raw;
    return to->write(to, ctx, bytes, size);
}

static fn_status write_block(table_writer *self, fn_ctx *ctx, const fn_block *block)
{
    object_writer *w = (object_writer *)self;
    return w->writer->block(w->writer, ctx, block);
}

static fn_status commit(table_writer *self, fn_ctx *ctx)
{
    object_writer *w = (object_writer *)self;
    const fn_format_stats stats = {.rows_read = 0};
    FN_TRY(w->writer->finish(w->writer, ctx, &stats));
    if (w->encoder) FN_TRY(fn_encoder_finish(ctx, w->encoder));
    return fn_object_put(ctx, w->table->store, &w->table->url, &w->table->auth, fn_buf_view(&w->bytes));
}

static void close_writer(table_writer *self)
{
    object_writer *w = (object_writer *)self;
    if (w->writer) w->writer->close(w->writer);
    if (w->encoder) fn_encoder_free(w->encoder);
    fn_buf_release(&w->bytes);
}

static fn_status open_writer(table *t, fn_ctx *ctx, table_writer **out)
{
    object_table *o = (object_table *)t;
    const table_schema *schema = atomic_load(&t->schema);
    const fn_codec codec = file_output_codec(o->url.key);
    fn_format_settings settings;
    object_writer *w = FN_NEW(ctx, object_writer);
    FN_TRY_PTR(ctx, w);
    *w = (object_writer){.base = {.write = write_block, .commit = commit, .close = close_writer}, .table = o, .sink = {write_any, NULL}, .raw = {write_raw, NULL},
                         .schema = {FN_NEW_ARRAY(ctx, fn_field, FN_MAX(schema->count, 1u)), schema->count}};
    FN_TRY_PTR(ctx, w->schema.fields);
    for (uint32_t i = 0; i < schema->count; i++) w->schema.fields[i] = (fn_field){schema->columns[i].name, schema->columns[i].type};
    settings_format(&o->query->settings, &settings);
    fn_status status = codec == FN_CODEC_NONE ? FN_OK : fn_encoder_open(ctx, codec, 0, &w->raw, &w->encoder);
    if (status == FN_OK) status = o->format->open_writer(ctx, &w->schema, &w->sink, &settings, &w->writer);
    if (status == FN_OK) *out = &w->base;
    else close_writer(&w->base);
    return status;
}

static void destroy(table *t)
{
    fn_arena_free(((object_table *)t)->arena);
}

static const table_ops object_ops = {.engine = "S3", .write = open_writer, .destroy = destroy};

/* ---- is there one? ---- */

typedef struct lookup {
    fn_str key;
    bool found;
} lookup;

/* Keys come in order: the wanted one is the first that begins with it. */
static fn_status look(void *self, fn_ctx *ctx, const fn_object_entry *entry)
{
    lookup *l = self;
    l->found = fn_str_eq(entry->key, l->key);
    return fn_fail(ctx, FN_QUERY_WAS_CANCELLED, "seen enough");
}

static fn_status exists(fn_ctx *ctx, const object_table *t, fn_str key, bool *out)
{
    lookup l = {.key = key};
    fn_object_url url = t->url;
    url.key = key;
    fn_status status = fn_object_list(ctx, t->store, &url, &t->auth, look, &l);
    *out = l.found;
    if (status != FN_QUERY_WAS_CANCELLED) return status;
    fn_error_clear(ctx);
    return fn_ctx_check(ctx); /* it was us, unless it was */
}

static fn_status is_on(query *q, const char *name, bool *out)
{
    fn_str text;
    FN_TRY(settings_get(q->ctx, &q->settings, fn_cstr(name), &text));
    return settings_parse_bool(q->ctx, text, out);
}

/* The next free name: a number before the first dot, as ClickHouse counts. */
static fn_status next_key(fn_ctx *ctx, object_table *t)
{
    const fn_str key = t->url.key;
    const char *dot = memchr(key.data, '.', key.size);
    const size_t stem = dot ? (size_t)(dot - key.data) : key.size;
    bool taken = true;
    for (unsigned long n = 1; taken; n++) {
        const char *next = fn_arena_printf(ctx, ctx->arena, "%.*s.%lu%.*s", (int)stem, key.data, n, (int)(key.size - stem), key.data + stem);
        FN_TRY_PTR(ctx, next);
        t->url.key = fn_cstr(next);
        FN_TRY(exists(ctx, t, t->url.key, &taken));
    }
    return FN_OK;
}

static fn_status check_key(query *q, object_table *t)
{
    fn_ctx *ctx = q->ctx;
    bool replaces, counts, taken;
    if (!t->url.key.size) return fn_fail(ctx, FN_BAD_ARGUMENTS, "There is no key in the URL to write to");
    if (glob_has(t->url.key)) return fn_fail(ctx, FN_DATABASE_ACCESS_DENIED, "S3 key '" FN_STR_FMT "' contains globs, so the table is in readonly mode", FN_STR_ARG(t->url.key));
    FN_TRY(is_on(q, "s3_truncate_on_insert", &replaces));
    FN_TRY(is_on(q, "s3_create_new_file_on_insert", &counts));
    if (replaces) return FN_OK;
    FN_TRY(exists(ctx, t, t->url.key, &taken));
    if (!taken) return FN_OK;
    if (counts) return next_key(ctx, t);
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Object in bucket " FN_STR_FMT " with key " FN_STR_FMT " already exists. If you want to overwrite it, enable setting "
                   "s3_truncate_on_insert, if you want to create a new file on each insert, enable setting s3_create_new_file_on_insert",
                   FN_STR_ARG(t->url.bucket), FN_STR_ARG(t->url.key));
}

static fn_status fill(query *q, const table_call *call, const fn_schema *otherwise, object_table *t, table_schema **schema)
{
    fn_ctx *ctx = q->ctx;
    fn_str url, format = {NULL, 0}, structure = {NULL, 0};
    fn_schema columns;
    uint32_t next;
    FN_TRY(call_text(call, 0, &url));
    FN_TRY(call_s3_auth(call, &t->auth, &next));
    if (next < call_count(call)) FN_TRY(call_text(call, next, &format));
    if (next + 1 < call_count(call)) FN_TRY(call_text(call, next + 1, &structure));
    if (next + 2 < call_count(call)) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "A compression method given by name is not supported: objects are compressed by their ending");
    FN_TRY(fn_object_url_parse(ctx, url, true, &t->url));
    FN_TRY(file_output_format(ctx, format, t->url.key, &t->format));
    if (structure.size && !fn_str_eq_nocase(structure, FN_STR("auto"))) FN_TRY(call_structure(ctx, structure, &columns));
    else if (otherwise) columns = *otherwise;
    else return fn_fail(ctx, FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "The structure of the object must be given");
    FN_TRY(engine_objects(ctx, q->engine, &t->store));
    FN_TRY(check_key(q, t));
    return table_schema_make(ctx, &columns, schema);
}

fn_status object_output_table(query *q, const ast_expr *ast, const fn_schema *otherwise, table **out)
{
    const table_call call = {.query = q, .ctx = q->ctx, .function = table_function_find(FN_STR("s3")), .ast = ast};
    if (ast->args.count == 0 || ast->args.count > 7) return fn_fail(q->ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "%s", call.function->signature);
    fn_arena *arena = fn_arena_new(&(fn_ctx){.arena = NULL});
    object_table *t = arena ? fn_arena_alloc_zero(q->ctx, arena, sizeof *t) : NULL;
    table_schema *schema = NULL;
    const fn_status status = t ? fill(q, &call, otherwise, t, &schema) : fn_fail_memory(q->ctx, sizeof *t);
    if (status != FN_OK) {
        fn_arena_free(arena);
        return status;
    }
    t->arena = arena;
    t->query = q;
    t->base.ops = &object_ops;
    t->base.is_temporary = true;
    t->base.name = FN_STR("s3");
    atomic_store(&t->base.schema, schema);
    atomic_store(&t->base.refs, 1);
    *out = &t->base;
    return FN_OK;
}
