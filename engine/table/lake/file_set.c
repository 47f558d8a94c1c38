/* file_set.c - which files a pattern names, and how to open them: local files below a root, or objects.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/lake/file_table.h"
#include <firn/codec.h>
#include <stdlib.h>

enum { FILES_MAX = 1000000, DEPTH_MAX = 64 };

static fn_status new_set(fn_ctx *ctx, file_set **out)
{
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    *out = fn_arena_alloc_zero(ctx, arena, sizeof **out);
    if (*out) (*out)->arena = arena;
    else fn_arena_free(arena);
    return *out ? FN_OK : ctx->error.code;
}

void file_set_free(file_set *set)
{
    if (set) fn_arena_free(set->arena);
}

static fn_status add_entry(fn_ctx *ctx, file_set *s, fn_str path, uint64_t size, int64_t modified_s)
{
    if (s->count == FILES_MAX) return fn_fail(ctx, FN_BAD_ARGUMENTS, "The pattern matches more than %d files", FILES_MAX);
    if (s->count == s->capacity) {
        const uint32_t capacity = s->capacity ? s->capacity * 2 : 16;
        file_entry *more = fn_arena_alloc(ctx, s->arena, sizeof *more * capacity);
        FN_TRY_PTR(ctx, more);
        if (s->count) memcpy(more, s->entries, sizeof *more * s->count);
        s->entries = more;
        s->capacity = capacity;
    }
    file_entry *e = &s->entries[s->count];
    FN_TRY(fn_arena_str(ctx, s->arena, path, &e->path));
    e->size = size;
    e->modified_s = modified_s;
    s->count++;
    return FN_OK;
}

typedef struct walk {
    file_set *set;
    fn_str pattern;
    const char *dir;
    unsigned depth;
} walk;

static fn_status walk_dir(fn_ctx *ctx, file_set *s, fn_str pattern, const char *dir, unsigned depth);

static fn_status visit(void *self, fn_ctx *ctx, const char *name, bool is_dir)
{
    const walk *w = self;
    const char *path = fn_arena_printf(ctx, ctx->arena, "%s%s", w->dir, name);
    FN_TRY_PTR(ctx, path);
    if (is_dir) {
        const char *inner = fn_arena_printf(ctx, ctx->arena, "%s/", path);
        FN_TRY_PTR(ctx, inner);
        return walk_dir(ctx, w->set, w->pattern, inner, w->depth + 1);
    }
    if (!glob_match(w->pattern, fn_cstr(path))) return FN_OK;
    fn_file_info info;
    FN_TRY(w->set->fs->stat(w->set->fs, ctx, path, &info));
    return info.exists ? add_entry(ctx, w->set, fn_cstr(path), info.size, info.modified_ns / 1000000000) : FN_OK; /* gone meanwhile */
}

/* Is `dir` (with final slash) on the way to a match? Compares component by component up to **. */
static bool leads_to(fn_str pattern, fn_str dir)
{
    size_t i = 0, k = 0;
    while (k < dir.size) {
        const char *pe = memchr(pattern.data + i, '/', pattern.size - i), *de = memchr(dir.data + k, '/', dir.size - k);
        if (!de) return false;
        const fn_str one = {dir.data + k, (size_t)(de - dir.data) - k};
        const fn_str part = {pattern.data + i, pe ? (size_t)(pe - pattern.data) - i : pattern.size - i};
        if (memmem(part.data, part.size, "**", 2)) return true;
        if (!pe || !glob_match(part, one)) return false;
        i += part.size + 1;
        k += one.size + 1;
    }
    return true;
}

static fn_status walk_dir(fn_ctx *ctx, file_set *s, fn_str pattern, const char *dir, unsigned depth)
{
    if (depth > DEPTH_MAX || !leads_to(pattern, fn_cstr(dir))) return FN_OK;
    walk w = {s, pattern, dir, depth};
    return s->fs->list(s->fs, ctx, dir, visit, &w);
}

static fn_status add_local(fn_ctx *ctx, file_set *s, fn_str pattern)
{
    fn_file_info info;
    const char *text = fn_arena_copy(ctx, ctx->arena, pattern.data, pattern.size);
    FN_TRY_PTR(ctx, text);
    if (!glob_has(pattern)) {
        FN_TRY(s->fs->stat(s->fs, ctx, text, &info));
        return info.exists && !info.is_dir ? add_entry(ctx, s, pattern, info.size, info.modified_ns / 1000000000) : FN_OK;
    }
    size_t fixed = 0; /* up to the last slash before the first wildcard */
    for (size_t i = 0; i < pattern.size && pattern.data[i] != '*' && pattern.data[i] != '?'; i++) {
        if (pattern.data[i] == '/') fixed = i + 1;
    }
    const char *dir = fn_arena_copy(ctx, ctx->arena, pattern.data, fixed);
    FN_TRY_PTR(ctx, dir);
    FN_TRY(s->fs->stat(s->fs, ctx, dir, &info));
    return info.exists && info.is_dir ? walk_dir(ctx, s, pattern, dir, 0) : FN_OK;
}

static int by_path(const void *a, const void *b)
{
    const file_entry *x = a, *y = b;
    return fn_str_compare(x->path, y->path);
}

fn_status file_check_inside(fn_ctx *ctx, fn_str root, fn_str path)
{
    bool escapes = !fn_str_starts(path, root);
    for (size_t i = 0; i + 3 <= path.size; i++) { /* a ".." component */
        const bool begins = i == 0 || path.data[i - 1] == '/';
        escapes |= begins && path.data[i] == '.' && path.data[i + 1] == '.' && path.data[i + 2] == '/';
    }
    if (!escapes) return FN_OK;
    return fn_fail(ctx, FN_DATABASE_ACCESS_DENIED, "File `" FN_STR_FMT "` is not inside `" FN_STR_FMT "`", FN_STR_ARG(path), FN_STR_ARG(root));
}

fn_status file_set_local(fn_ctx *ctx, fn_fs *fs, fn_str root, fn_str pattern, file_set **out)
{
    *out = NULL;
    const bool absolute = pattern.size && pattern.data[0] == '/';
    const char *slash = root.size && root.data[root.size - 1] == '/' ? "" : "/";
    const char *base = fn_arena_printf(ctx, ctx->arena, "%.*s%s", (int)root.size, root.data, slash);
    FN_TRY_PTR(ctx, base);
    const char *whole = fn_arena_printf(ctx, ctx->arena, "%s%.*s", absolute ? "" : base, (int)pattern.size, pattern.data);
    FN_TRY_PTR(ctx, whole);
    FN_TRY(file_check_inside(ctx, fn_cstr(base), fn_cstr(whole)));
    fn_str *patterns;
    uint32_t count;
    FN_TRY(glob_expand(ctx, fn_cstr(whole), &patterns, &count));
    file_set *s;
    FN_TRY(new_set(ctx, &s));
    s->fs = fs;
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = add_local(ctx, s, patterns[i]);
    if (status != FN_OK) {
        file_set_free(s);
        return status;
    }
    if (s->count) qsort(s->entries, s->count, sizeof *s->entries, by_path);
    *out = s;
    return FN_OK;
}

typedef struct object_walk {
    file_set *set;
    fn_str pattern;
} object_walk;

static fn_status visit_object(void *self, fn_ctx *ctx, const fn_object_entry *entry)
{
    const object_walk *w = self;
    return glob_match(w->pattern, entry->key) ? add_entry(ctx, w->set, entry->key, entry->size, entry->modified_s) : FN_OK;
}

static fn_status add_objects(fn_ctx *ctx, file_set *s, fn_str pattern)
{
    if (!s->url.is_s3 || !glob_has(pattern)) return add_entry(ctx, s, pattern, UINT64_MAX, INT64_MIN);
    object_walk w = {s, pattern};
    fn_object_url prefix = s->url;
    prefix.key = pattern;
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] != '*' && pattern.data[i] != '?') continue;
        prefix.key.size = i;
        break;
    }
    return fn_object_list(ctx, s->store, &prefix, &s->auth, visit_object, &w);
}

static fn_status copy_texts(fn_ctx *ctx, fn_arena *arena, fn_str **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) FN_TRY(fn_arena_str(ctx, arena, *texts[i], texts[i]));
    return FN_OK;
}

static fn_status copy_headers(fn_ctx *ctx, file_set *s)
{
    fn_object_header *to = fn_arena_alloc(ctx, s->arena, sizeof *to * (s->url.header_count + 1));
    FN_TRY_PTR(ctx, to);
    for (size_t i = 0; i < s->url.header_count; i++) {
        FN_TRY(fn_arena_str(ctx, s->arena, s->url.headers[i].name, &to[i].name));
        FN_TRY(fn_arena_str(ctx, s->arena, s->url.headers[i].value, &to[i].value));
    }
    s->url.headers = to;
    return FN_OK;
}

fn_status file_set_object(fn_ctx *ctx, fn_object_store *store, const fn_object_url *url, const fn_object_auth *auth, file_set **out)
{
    *out = NULL;
    fn_str *patterns;
    uint32_t count;
    FN_TRY(glob_expand(ctx, url->key, &patterns, &count));
    file_set *s;
    FN_TRY(new_set(ctx, &s));
    s->store = store;
    s->url = *url;
    s->auth = *auth;
    fn_str *texts[] = {&s->url.scheme, &s->url.host, &s->url.bucket, &s->url.key, &s->auth.key, &s->auth.secret, &s->auth.token, &s->auth.region};
    fn_status status = copy_texts(ctx, s->arena, texts, FN_COUNT(texts));
    if (status == FN_OK) status = copy_headers(ctx, s);
    for (uint32_t i = 0; i < count && status == FN_OK; i++) status = add_objects(ctx, s, patterns[i]);
    if (status == FN_OK) *out = s;
    else file_set_free(s);
    return status;
}

fn_status file_set_open(fn_ctx *ctx, const file_set *s, uint32_t index, fn_blob **out)
{
    const fn_str path = s->entries[index].path;
    if (s->fs) {
        const char *text = fn_arena_copy(ctx, ctx->arena, path.data, path.size);
        FN_TRY_PTR(ctx, text);
        return fn_fs_blob(s->fs, ctx, text, out);
    }
    fn_object_url url = s->url;
    url.key = path;
    return fn_object_open(ctx, s->store, &url, &s->auth, out);
}

fn_status file_open_parquet(fn_ctx *ctx, fn_blob *blob, fn_parquet **out)
{
    return settings_of(ctx)->use_parquet_metadata_cache ? fn_parquet_open_cached(ctx, blob, out) : fn_parquet_open(ctx, blob, out);
}

typedef struct blob_source {
    fn_source base;
    fn_blob *blob;
    uint64_t at;
} blob_source;

static fn_status blob_source_read(fn_source *self, fn_ctx *ctx, void *out, size_t capacity, size_t *got)
{
    blob_source *b = (blob_source *)self;
    *got = (size_t)FN_MIN((uint64_t)capacity, b->blob->size - b->at);
    if (*got == 0) return FN_OK;
    const fn_range range = {b->at, *got, out};
    FN_TRY(b->blob->read(b->blob, ctx, &range, 1));
    b->at += *got;
    return FN_OK;
}

static void blob_source_close(fn_source *self)
{
    blob_source *b = (blob_source *)self;
    b->blob->close(b->blob);
    fn_free(b);
}

fn_status file_source(fn_ctx *ctx, fn_blob *blob_take, fn_str path, fn_source **out)
{
    static const struct {
        const char *ending;
        fn_codec codec;
    } codecs[] = {{".gz", FN_CODEC_GZIP}, {".zst", FN_CODEC_ZSTD}, {".lz4", FN_CODEC_LZ4_FRAME}, {".br", FN_CODEC_BROTLI}};
    *out = NULL;
    blob_source *b = fn_alloc_zero(ctx, sizeof *b);
    if (!b) {
        blob_take->close(blob_take);
        return ctx->error.code;
    }
    b->base = (fn_source){blob_source_read, blob_source_close};
    b->blob = blob_take;
    for (size_t i = 0; i < FN_COUNT(codecs); i++) {
        if (fn_str_ends(path, fn_cstr(codecs[i].ending))) return fn_codec_decoder(ctx, codecs[i].codec, &b->base, out);
    }
    *out = &b->base;
    return FN_OK;
}
