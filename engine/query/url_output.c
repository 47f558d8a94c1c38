/* url_output.c - see url_output.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/url_output.h"
#include "query/file_output.h"
#include "query/table_function.h"
#include <firn/format.h>
#include <firn/object.h>

enum { PIECE_BYTES = 256 << 10 };

typedef struct url_table {
    table base;
    fn_arena *arena;
    query *query;
    const fn_format *format;
    fn_codec codec;
    fn_object_url url;        /* texts in the statement's arena */
    fn_object_header own[2];  /* Content-Type and Content-Encoding, unless they are given */
    size_t own_count;
} url_table;

typedef struct url_writer {
    table_writer base;
    url_table *table;
    fn_sink sink, raw;        /* before and behind the encoder */
    fn_encoder *encoder;
    fn_buf bytes;             /* a piece, not sent yet */
    fn_writer *writer;
    fn_schema schema;
    fn_object_post *post;     /* NULL: nothing has been sent */
    fn_arena *arena;          /* the statement's, which the post lies in */
    bool any;
} url_writer;

static fn_status begin(url_writer *w, fn_ctx *ctx)
{
    const fn_settings *s = &w->table->query->settings;
    const fn_post_limits limits = {s->http_connection_timeout, s->http_send_timeout, s->http_receive_timeout};
    fn_arena *const outer = ctx->arena;
    ctx->arena = w->arena; /* it outlives the block at hand */
    const fn_status status = fn_object_post_open(ctx, &w->table->url, w->table->own, w->table->own_count, &limits, &w->post);
    ctx->arena = outer;
    return status;
}

static fn_status send(url_writer *w, fn_ctx *ctx)
{
    if (!w->post) FN_TRY(begin(w, ctx));
    const fn_status status = fn_object_post_write(ctx, w->post, w->bytes.data, w->bytes.size);
    w->bytes.size = 0;
    return status;
}

static fn_status write_raw(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    url_writer *w = (url_writer *)(void *)((char *)self - offsetof(url_writer, raw));
    FN_TRY(fn_buf_append(ctx, &w->bytes, bytes, size));
    return w->bytes.size < PIECE_BYTES ? FN_OK : send(w, ctx);
}

static fn_status write_any(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    url_writer *w = (url_writer *)(void *)((char *)self - offsetof(url_writer, sink));
    fn_sink *to = w->encoder ? fn_encoder_sink(w->encoder) : &w->raw;
    return to->write(to, ctx, bytes, size);
}

static fn_status write_block(table_writer *self, fn_ctx *ctx, const fn_block *block)
{
    url_writer *w = (url_writer *)self;
    w->any |= block->rows > 0;
    return w->writer->block(w->writer, ctx, block);
}

static fn_status commit(table_writer *self, fn_ctx *ctx)
{
    url_writer *w = (url_writer *)self;
    const fn_format_stats stats = {.rows_read = 0};
    if (!w->any) return FN_OK;
    FN_TRY(w->writer->finish(w->writer, ctx, &stats));
    if (w->encoder) FN_TRY(fn_encoder_finish(ctx, w->encoder));
    if (w->bytes.size || !w->post) FN_TRY(send(w, ctx));
    return fn_object_post_finish(ctx, w->post);
}

static void close_writer(table_writer *self)
{
    url_writer *w = (url_writer *)self;
    if (w->writer) w->writer->close(w->writer);
    if (w->encoder) fn_encoder_free(w->encoder);
    fn_object_post_close(w->post);
    fn_buf_release(&w->bytes);
}

static fn_status open_writer(table *t, fn_ctx *ctx, table_writer **out)
{
    url_table *u = (url_table *)t;
    const table_schema *schema = atomic_load(&t->schema);
    fn_format_settings settings;
    url_writer *w = FN_NEW(ctx, url_writer);
    FN_TRY_PTR(ctx, w);
    *w = (url_writer){.base = {.write = write_block, .commit = commit, .close = close_writer}, .table = u, .sink = {write_any, NULL}, .raw = {write_raw, NULL},
                      .schema = {FN_NEW_ARRAY(ctx, fn_field, FN_MAX(schema->count, 1u)), schema->count}, .arena = ctx->arena};
    FN_TRY_PTR(ctx, w->schema.fields);
    for (uint32_t i = 0; i < schema->count; i++) w->schema.fields[i] = (fn_field){schema->columns[i].name, schema->columns[i].type};
    settings_format(&u->query->settings, &settings);
    fn_status status = u->codec == FN_CODEC_NONE ? FN_OK : fn_encoder_open(ctx, u->codec, 0, &w->raw, &w->encoder);
    if (status == FN_OK) status = u->format->open_writer(ctx, &w->schema, &w->sink, &settings, &w->writer);
    if (status == FN_OK) *out = &w->base;
    else close_writer(&w->base);
    return status;
}

static void destroy(table *t)
{
    fn_arena_free(((url_table *)t)->arena);
}

static const table_ops url_ops = {.engine = "URL", .write = open_writer, .destroy = destroy};

/* ---- what is asked for ---- */

typedef struct url_method {
    const char *name, *ending; /* ClickHouse's names; they are the Content-Encoding, too */
    fn_codec codec;
    bool written;
} url_method;

static const url_method methods[] = {
    {"none", NULL, FN_CODEC_NONE, true}, {"gzip", ".gz", FN_CODEC_GZIP, true}, {"gz", NULL, FN_CODEC_GZIP, true}, {"deflate", NULL, FN_CODEC_ZLIB, true},
    {"zstd", ".zst", FN_CODEC_ZSTD, true}, {"zst", NULL, FN_CODEC_ZSTD, true}, {"lz4", ".lz4", FN_CODEC_LZ4_FRAME, true}, {"br", ".br", FN_CODEC_NONE, false},
    {"xz", ".xz", FN_CODEC_NONE, false}, {"bz2", ".bz2", FN_CODEC_NONE, false}, {"snappy", ".snappy", FN_CODEC_NONE, false},
};

/* The path of the address, without what the query says. */
static fn_str path_of(fn_str key)
{
    const char *mark = key.size ? memchr(key.data, '?', key.size) : NULL;
    return (fn_str){key.data, mark ? (size_t)(mark - key.data) : key.size};
}

static fn_status choose_method(fn_ctx *ctx, fn_str name, fn_str path, const url_method **out)
{
    const bool automatic = !name.size || fn_str_eq_nocase(name, FN_STR("auto"));
    *out = automatic ? &methods[0] : NULL;
    for (size_t i = 0; i < FN_COUNT(methods); i++) {
        const url_method *m = &methods[i];
        if (automatic ? m->ending && fn_str_ends(path, fn_cstr(m->ending)) : fn_str_eq_nocase(name, fn_cstr(m->name))) *out = m;
    }
    if (!*out)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Unknown compression method '" FN_STR_FMT "'. Only 'auto', 'none', 'gzip', 'deflate', 'br', 'xz', 'zstd', 'lz4', 'bz2', "
                       "'snappy' are supported as compression methods", FN_STR_ARG(name));
    if (!(*out)->written) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Compression method '%s' is not supported for output", (*out)->name);
    return FN_OK;
}

static bool is_given(const fn_object_url *url, fn_str name)
{
    for (size_t i = 0; i < url->header_count; i++)
        if (fn_str_eq_nocase(url->headers[i].name, name)) return true;
    return false;
}

static void add_own(url_table *t, const char *name, const char *value)
{
    if (value && !is_given(&t->url, fn_cstr(name))) t->own[t->own_count++] = (fn_object_header){fn_cstr(name), fn_cstr(value)};
}

static fn_status fill(query *q, const table_call *given, const fn_schema *otherwise, url_table *t, table_schema **schema)
{
    fn_ctx *ctx = q->ctx;
    fn_str url, format = {NULL, 0}, structure = {NULL, 0}, compression = {NULL, 0};
    fn_str *const texts[] = {&url, &format, &structure, &compression};
    const url_method *method;
    fn_schema columns;
    table_call call;
    fn_object_url headers;
    FN_TRY(call_url_headers(given, &call, &headers));
    for (uint32_t i = 0; i < call_count(&call); i++) FN_TRY(call_text(&call, i, texts[i]));
    FN_TRY(fn_object_url_parse(ctx, url, false, &t->url));
    t->url.headers = headers.headers;
    t->url.header_count = headers.header_count;
    FN_TRY(file_output_format(ctx, format, path_of(t->url.key), &t->format));
    FN_TRY(choose_method(ctx, compression, path_of(t->url.key), &method));
    t->codec = method->codec;
    add_own(t, "Content-Type", t->format->content_type);
    if (t->codec != FN_CODEC_NONE) add_own(t, "Content-Encoding", strcmp(method->name, "gz") == 0 ? "gzip" : strcmp(method->name, "zst") == 0 ? "zstd" : method->name);
    if (structure.size && !fn_str_eq_nocase(structure, FN_STR("auto"))) FN_TRY(call_structure(ctx, structure, &columns));
    else if (otherwise) columns = *otherwise;
    else return fn_fail(ctx, FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "The structure of what is written must be given");
    return table_schema_make(ctx, &columns, schema);
}

fn_status url_output_table(query *q, const ast_expr *ast, const fn_schema *otherwise, table **out)
{
    const table_call call = {.query = q, .ctx = q->ctx, .function = table_function_find(FN_STR("url")), .ast = ast};
    fn_arena *arena = fn_arena_new(&(fn_ctx){.arena = NULL});
    url_table *t = arena ? fn_arena_alloc_zero(q->ctx, arena, sizeof *t) : NULL;
    table_schema *schema = NULL;
    const fn_status status = t ? fill(q, &call, otherwise, t, &schema) : fn_fail_memory(q->ctx, sizeof *t);
    if (status != FN_OK) {
        fn_arena_free(arena);
        return status;
    }
    t->arena = arena;
    t->query = q;
    t->base.ops = &url_ops;
    t->base.is_temporary = true;
    t->base.name = FN_STR("url");
    atomic_store(&t->base.schema, schema);
    atomic_store(&t->base.refs, 1);
    *out = &t->base;
    return FN_OK;
}
