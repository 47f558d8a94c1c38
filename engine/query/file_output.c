/* file_output.c - see file_output.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/file_output.h"
#include "query/table_function.h"
#include "table/lake/file_table.h"
#include <firn/format.h>
#include <firn/time.h>

enum { BUFFER_BYTES = 1 << 20 };

static fn_status drain(fn_ctx *ctx, file_output *f)
{
    if (!f->buffer.size) return FN_OK;
    FN_TRY(f->fs->write(f->fs, ctx, f->file, f->written, f->buffer.data, f->buffer.size));
    f->written += f->buffer.size;
    f->buffer.size = 0;
    return FN_OK;
}

static fn_status write_raw(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    file_output *f = (file_output *)(void *)((char *)self - offsetof(file_output, raw));
    FN_TRY(fn_buf_append(ctx, &f->buffer, bytes, size));
    return f->buffer.size < BUFFER_BYTES ? FN_OK : drain(ctx, f);
}

static fn_status write_any(fn_sink *self, fn_ctx *ctx, const void *bytes, size_t size)
{
    file_output *f = (file_output *)self;
    fn_sink *to = f->encoder ? fn_encoder_sink(f->encoder) : &f->raw;
    return to->write(to, ctx, bytes, size);
}

fn_codec file_output_codec(fn_str path)
{
    static const struct {
        const char *ending;
        fn_codec codec;
    } endings[] = {{".gz", FN_CODEC_GZIP}, {".zst", FN_CODEC_ZSTD}, {".lz4", FN_CODEC_LZ4_FRAME}};
    for (size_t i = 0; i < FN_COUNT(endings); i++)
        if (fn_str_ends(path, fn_cstr(endings[i].ending))) return endings[i].codec;
    return FN_CODEC_NONE;
}

fn_status file_output_open(fn_ctx *ctx, fn_fs *fs, fn_str path, bool append, file_output *out)
{
    *out = (file_output){.base = {write_any, NULL}, .raw = {write_raw, NULL}, .fs = fs};
    out->path = fn_arena_copy(ctx, ctx->arena, path.data, path.size);
    FN_TRY_PTR(ctx, out->path);
    out->temporary = fn_arena_printf(ctx, ctx->arena, "%s.tmp%016llx", out->path, (unsigned long long)fn_random_u64());
    FN_TRY_PTR(ctx, out->temporary);
    FN_TRY(fs->open(fs, ctx, out->temporary, FN_OPEN_WRITE | FN_OPEN_CREATE | FN_OPEN_EXCLUSIVE, &out->file));
    if (append) {
        fn_buf before = FN_BUF_INIT;
        fn_status status = fn_fs_read_all(fs, ctx, out->path, &before);
        if (status == FN_OK) status = write_raw(&out->raw, ctx, before.data, before.size);
        fn_buf_release(&before);
        FN_TRY(status);
    }
    const fn_codec codec = file_output_codec(path);
    return codec == FN_CODEC_NONE ? FN_OK : fn_encoder_open(ctx, codec, 0, &out->raw, &out->encoder);
}

fn_status file_output_commit(fn_ctx *ctx, file_output *f)
{
    if (f->encoder) FN_TRY(fn_encoder_finish(ctx, f->encoder));
    FN_TRY(drain(ctx, f));
    FN_TRY(f->fs->sync(f->fs, ctx, f->file));
    f->fs->close(f->fs, f->file);
    f->file = NULL;
    FN_TRY(f->fs->rename(f->fs, ctx, f->temporary, f->path));
    f->temporary = NULL;
    return FN_OK;
}

void file_output_close(file_output *f)
{
    fn_ctx own = {.arena = NULL};
    if (f->encoder) fn_encoder_free(f->encoder);
    if (f->file) f->fs->close(f->fs, f->file);
    if (f->fs && f->temporary && f->fs->remove(f->fs, &own, f->temporary) != FN_OK) fn_log(FN_LOG_WARN, "file", "%s", own.error.text);
    fn_buf_release(&f->buffer);
    *f = (file_output){.fs = NULL};
}

/* ---- INSERT INTO FUNCTION file ---- */
typedef struct output_table {
    table base;
    fn_arena *arena;
    query *query;
    const fn_format *format;
    fn_str path;
    bool append;
} output_table;

typedef struct output_writer {
    table_writer base;
    output_table *table;
    file_output file;
    fn_writer *writer;
    fn_schema schema;
} output_writer;

static fn_status write_block(table_writer *self, fn_ctx *ctx, const fn_block *block)
{
    output_writer *w = (output_writer *)self;
    return w->writer->block(w->writer, ctx, block);
}

static fn_status commit(table_writer *self, fn_ctx *ctx)
{
    output_writer *w = (output_writer *)self;
    const fn_format_stats stats = {.rows_read = 0};
    FN_TRY(w->writer->finish(w->writer, ctx, &stats));
    return file_output_commit(ctx, &w->file);
}

static void close_writer(table_writer *self)
{
    output_writer *w = (output_writer *)self;
    if (w->writer) w->writer->close(w->writer);
    file_output_close(&w->file);
}

static fn_status open_writer(table *t, fn_ctx *ctx, table_writer **out)
{
    output_table *o = (output_table *)t;
    const table_schema *schema = atomic_load(&t->schema);
    fn_format_settings settings;
    output_writer *w = FN_NEW(ctx, output_writer);
    FN_TRY_PTR(ctx, w);
    *w = (output_writer){.base = {.write = write_block, .commit = commit, .close = close_writer}, .table = o, .schema = {FN_NEW_ARRAY(ctx, fn_field, FN_MAX(schema->count, 1u)), schema->count}};
    FN_TRY_PTR(ctx, w->schema.fields);
    for (uint32_t i = 0; i < schema->count; i++) w->schema.fields[i] = (fn_field){schema->columns[i].name, schema->columns[i].type};
    settings_format(&o->query->settings, &settings);
    fn_status status = file_output_open(ctx, o->query->engine->fs, o->path, o->append, &w->file);
    if (status == FN_OK) status = o->format->open_writer(ctx, &w->schema, &w->file.base, &settings, &w->writer);
    if (status == FN_OK) *out = &w->base;
    else close_writer(&w->base);
    return status;
}

static void destroy(table *t)
{
    fn_arena_free(((output_table *)t)->arena);
}

static const table_ops output_ops = {.engine = "File", .write = open_writer, .destroy = destroy};

fn_status file_output_format(fn_ctx *ctx, fn_str name, fn_str path, const fn_format **out)
{
    const bool automatic = !name.size || fn_str_eq_nocase(name, FN_STR("auto"));
    *out = automatic ? fn_format_by_path(path) : fn_format_find(name);
    if (!*out && automatic) return fn_fail(ctx, FN_CANNOT_DETECT_FORMAT, "The data format cannot be detected by the file's name. You can specify the format manually");
    if (!*out) return fn_fail(ctx, FN_UNKNOWN_FORMAT, "Unknown format " FN_STR_FMT, FN_STR_ARG(name));
    if (!(*out)->open_writer && strcmp((*out)->name, "Parquet") == 0) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Output in format Parquet is not supported");
    if (!(*out)->open_writer) return fn_fail(ctx, FN_FORMAT_IS_NOT_SUITABLE_FOR_OUTPUT, "Format %s is not suitable for output", (*out)->name);
    return FN_OK;
}

/* Where the file lies: inside the user files. *exists: there is one. */
static fn_status check_path(const table_call *call, fn_str given, fn_str *path, bool *exists)
{
    query *q = call->query;
    fn_ctx *ctx = q->ctx;
    file_set *set;
    fn_file_info info;
    const char *root = q->engine->user_files;
    if (glob_has(given)) return fn_fail(ctx, FN_DATABASE_ACCESS_DENIED, "Cannot write to a file with a pattern in its name: " FN_STR_FMT, FN_STR_ARG(given));
    FN_TRY(call_local_path(call, given, &given));
    FN_TRY(file_set_local(ctx, q->engine->fs, fn_cstr(root), given, &set)); /* checks that it is inside */
    file_set_free(set);
    const char *full = given.size && given.data[0] == '/' ? fn_arena_copy(ctx, ctx->arena, given.data, given.size)
                                                          : fn_arena_printf(ctx, ctx->arena, "%s/%.*s", root, (int)given.size, given.data);
    FN_TRY_PTR(ctx, full);
    *path = fn_cstr(full);
    FN_TRY(q->engine->fs->stat(q->engine->fs, ctx, full, &info));
    *exists = info.exists && info.size > 0;
    return FN_OK;
}

/* May rows be added behind those that are there? */
static fn_status check_existing(query *q, const fn_format *format, fn_str path, bool *append)
{
    static const char *const appendable[] = {"CSV", "TabSeparated", "TSKV", "JSONEachRow", "Native", "RowBinary", "Values", "LineAsString"};
    fn_str truncate;
    *append = false;
    FN_TRY(settings_get(q->ctx, &q->settings, FN_STR("engine_file_truncate_on_insert"), &truncate));
    if (fn_str_eq(truncate, FN_STR("1"))) return FN_OK;
    for (size_t i = 0; i < FN_COUNT(appendable); i++) *append |= strcmp(format->name, appendable[i]) == 0;
    if (*append) return FN_OK;
    return fn_fail(q->ctx, FN_CANNOT_APPEND_TO_FILE, "File " FN_STR_FMT " already exists and data cannot be appended to this file as the %s format doesn't support "
                   "appends. You can enable truncate on insertion with the `engine_file_truncate_on_insert` setting", FN_STR_ARG(path), format->name);
}

fn_status file_output_table(query *q, const ast_expr *ast, const fn_schema *otherwise, table **out)
{
    fn_ctx *ctx = q->ctx;
    const table_call call = {.query = q, .ctx = ctx, .function = table_function_find(FN_STR("file")), .ast = ast};
    fn_str path, format_name = {NULL, 0}, structure = {NULL, 0};
    fn_schema columns;
    bool exists = false;
    if (ast->args.count == 0 || ast->args.count > 4) return fn_fail(ctx, FN_NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "%s", call.function->signature);
    FN_TRY(call_text(&call, 0, &path));
    if (ast->args.count > 1) FN_TRY(call_text(&call, 1, &format_name));
    if (ast->args.count > 2) FN_TRY(call_text(&call, 2, &structure));
    if (ast->args.count > 3) return fn_fail(ctx, FN_NOT_IMPLEMENTED, "A compression method given by name is not supported: files are compressed by their ending");
    fn_arena *arena = fn_arena_new(&(fn_ctx){.arena = NULL});
    output_table *t = arena ? fn_arena_alloc_zero(ctx, arena, sizeof *t) : NULL;
    fn_status status = t ? check_path(&call, path, &t->path, &exists) : fn_fail_memory(ctx, sizeof *t);
    if (status == FN_OK) status = file_output_format(ctx, format_name, path, &t->format);
    if (status == FN_OK && exists) status = check_existing(q, t->format, path, &t->append);
    if (status == FN_OK && structure.size && !fn_str_eq_nocase(structure, FN_STR("auto"))) status = call_structure(ctx, structure, &columns);
    else if (status == FN_OK && otherwise) columns = *otherwise;
    else if (status == FN_OK) status = fn_fail(ctx, FN_CANNOT_EXTRACT_TABLE_STRUCTURE, "The structure of the file must be given");
    table_schema *schema = NULL;
    if (status == FN_OK) status = table_schema_make(ctx, &columns, &schema);
    if (status != FN_OK) {
        fn_arena_free(arena);
        return status;
    }
    t->arena = arena;
    t->query = q;
    t->base.ops = &output_ops;
    t->base.is_temporary = true;
    t->base.name = FN_STR("file");
    atomic_store(&t->base.schema, schema);
    atomic_store(&t->base.refs, 1);
    *out = &t->base;
    return FN_OK;
}
