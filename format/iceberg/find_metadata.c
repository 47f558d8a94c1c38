/* find_metadata.c - the newest metadata file of a table: vN.metadata.json (file-system tables) or NNNNN-uuid.metadata.json
 * (catalogs), also compressed. The listing is asked, not version-hint.text, which may be missing or stale. A table whose
 * metadata lies in another folder (write.metadata.path) is found by looking into all of its folders.
 * SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/metadata.h"
#include <firn/codec.h>
#include <stdarg.h>
#include <stdio.h>

enum { METADATA_MAX = 256 << 20 };

typedef struct newest {
    uint64_t version;
    fn_str name;
} newest;

/* The version in a metadata file's name; false for other files. */
static bool version_of(fn_str path, uint64_t *out)
{
    const char *slash = memrchr(path.data, '/', path.size);
    const fn_str name = slash ? (fn_str){slash + 1, path.size - (size_t)(slash + 1 - path.data)} : path;
    if (!fn_str_ends(name, FN_STR(".metadata.json")) && !fn_str_ends(name, FN_STR(".metadata.json.gz"))) return false;
    size_t i = name.size && name.data[0] == 'v';
    const size_t first = i;
    uint64_t v = 0;
    for (; i < name.size && name.data[i] >= '0' && name.data[i] <= '9' && i < 18; i++) v = v * 10 + (uint64_t)(name.data[i] - '0');
    if (i == first || i == name.size || (name.data[i] != '.' && name.data[i] != '-')) return false;
    *out = v;
    return true;
}

static fn_status see(void *self, fn_ctx *ctx, fn_str name)
{
    newest *n = self;
    uint64_t version;
    if (!version_of(name, &version) || (n->name.size && version < n->version)) return FN_OK;
    /* Two files of one version come from a lost commit race; the later name is as good as the other. */
    if (n->name.size && version == n->version && fn_str_compare(name, n->name) < 0) return FN_OK;
    n->version = version;
    return fn_arena_str(ctx, ctx->arena, name, &n->name);
}

static fn_status inflate(fn_ctx *ctx, fn_buf *packed, fn_buf *out)
{
    fn_memory_source memory;
    fn_source *source = NULL;
    fn_memory_source_init(&memory, fn_buf_view(packed));
    fn_status status = fn_codec_decoder(ctx, FN_CODEC_GZIP, &memory.base, &source);
    for (size_t got = 1; status == FN_OK && got;) {
        status = fn_buf_reserve(ctx, out, 1 << 16);
        if (status == FN_OK) status = source->read(source, ctx, out->data + out->size, 1 << 16, &got);
        if (status == FN_OK) out->size += got;
        if (status == FN_OK && out->size > METADATA_MAX) status = iceberg_bad(ctx, "Iceberg metadata is larger than %d bytes", METADATA_MAX);
    }
    if (source && source->close) source->close(source);
    return status;
}

fn_status iceberg_find_metadata(fn_ctx *ctx, fn_iceberg_files *files, fn_str *path, fn_buf *text)
{
    newest n = {0};
    const char *folder = "metadata/";
    FN_TRY(files->list(files, ctx, "metadata", false, see, &n));
    if (!n.name.size) {
        folder = "";
        FN_TRY(files->list(files, ctx, "", true, see, &n));
    }
    if (!n.name.size) return fn_fail(ctx, FN_FILE_DOESNT_EXIST, "There is no Iceberg metadata file (metadata/*.metadata.json) in the table's folder");
    const char *relative = fn_arena_printf(ctx, ctx->arena, "%s" FN_STR_FMT, folder, FN_STR_ARG(n.name));
    FN_TRY_PTR(ctx, relative);
    *path = fn_cstr(relative);
    const bool packed = fn_str_ends(n.name, FN_STR(".gz")) || fn_str_ends(n.name, FN_STR(".gz.metadata.json"));
    if (!packed) return files->read(files, ctx, *path, METADATA_MAX, text);
    fn_buf raw = FN_BUF_INIT;
    fn_status status = files->read(files, ctx, *path, METADATA_MAX, &raw);
    if (status == FN_OK) status = inflate(ctx, &raw, text);
    fn_buf_release(&raw);
    return status;
}

fn_status iceberg_bad(fn_ctx *ctx, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fn_fail(ctx, FN_ICEBERG_SPECIFICATION_VIOLATION, "%s", text);
}

fn_status iceberg_copy_text(fn_ctx *ctx, json_t *value, fn_str *out)
{
    *out = (fn_str){NULL, 0};
    if (!json_is_string(value)) return FN_OK;
    return fn_arena_str(ctx, ctx->arena, (fn_str){json_string_value(value), json_string_length(value)}, out);
}
