/* iceberg_files.c - where the files of an Iceberg table are: a local folder or a bucket. See iceberg_table.h.
 *
 * `folder` is the place of the table in the form of the metadata's paths without scheme: "/data/lake/t" or "bucket/lake/t".
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/file_table.h"
#include "table/lake/iceberg_table.h"

typedef struct lake_files {
    fn_iceberg_files base;
    fn_arena *arena;
    fn_str folder;          /* without trailing slash */
    fn_fs *fs;              /* local, or: */
    fn_str root;            /* local: nothing outside may be read; ends with a slash */
    fn_object_store *store;
    fn_object_url url;
    fn_object_auth auth;
} lake_files;

static fn_str without_slashes(fn_str s)
{
    while (s.size > 1 && s.data[s.size - 1] == '/') s.size--;
    return s;
}

/* Cuts what both end with, in whole components, off both; false if that is nothing. */
static bool cut_same_end(fn_str *a, fn_str *b)
{
    size_t same = 0, whole = 0;
    while (same < a->size && same < b->size && a->data[a->size - 1 - same] == b->data[b->size - 1 - same]) {
        if (a->data[a->size - 1 - same] == '/') whole = same;
        same++;
    }
    if ((same == a->size || a->data[a->size - 1 - same] == '/') && (same == b->size || b->data[b->size - 1 - same] == '/')) whole = same;
    a->size -= whole;
    b->size -= whole;
    return whole > 0;
}

static fn_status joined(fn_ctx *ctx, fn_str a, const char *between, fn_str b, fn_str *out)
{
    const char *text = fn_arena_printf(ctx, ctx->arena, "%.*s%s%.*s", (int)a.size, a.data, between, (int)b.size, b.data);
    FN_TRY_PTR(ctx, text);
    *out = fn_cstr(text);
    return FN_OK;
}

/* The real place of a path that the metadata names. */
static fn_status resolve(const lake_files *f, fn_ctx *ctx, fn_str path, fn_str *out)
{
    fn_str rest = fn_iceberg_without_scheme(path), relative;
    if (rest.data == path.data && path.size && path.data[0] != '/') return joined(ctx, f->folder, "/", path, out);
    if (f->base.location.size && fn_iceberg_relative(f->base.location, path, &relative)) return joined(ctx, f->folder, "/", relative, out);
    fn_str from = without_slashes(fn_iceberg_without_scheme(f->base.location)), to = f->folder;
    if (from.size && cut_same_end(&from, &to) && fn_str_starts(rest, from))
        return joined(ctx, to, "", (fn_str){rest.data + from.size, rest.size - from.size}, out);
    *out = rest;
    return FN_OK;
}

static fn_object_url object_at(const lake_files *f, fn_str place)
{
    fn_object_url url = f->url;
    const char *slash = memchr(place.data, '/', place.size);
    const size_t bucket = slash ? (size_t)(slash - place.data) : place.size;
    url.bucket = (fn_str){place.data, bucket};
    url.key = slash ? (fn_str){slash + 1, place.size - bucket - 1} : FN_STR("");
    return url;
}

static fn_status local_path(const lake_files *f, fn_ctx *ctx, fn_str place, const char **out)
{
    FN_TRY(file_check_inside(ctx, f->root, place));
    *out = fn_arena_copy(ctx, ctx->arena, place.data, place.size);
    return *out ? FN_OK : ctx->error.code;
}

typedef struct listing {
    const lake_files *files;
    fn_iceberg_each *each;
    void *self;
    bool deep;
    size_t prefix;    /* objects: bytes of the key before the name */
    const char *path; /* local: of the folder, with slash */
    fn_str sub;       /* local: "sub/" while in a folder below */
} listing;

static fn_status see_local(void *self, fn_ctx *ctx, const char *name, bool is_dir)
{
    const listing *l = self;
    fn_str shown;
    if (!is_dir) {
        FN_TRY(joined(ctx, l->sub, "", fn_cstr(name), &shown));
        return l->each(l->self, ctx, shown);
    }
    if (!l->deep || l->sub.size) return FN_OK;
    listing below = *l;
    FN_TRY(joined(ctx, fn_cstr(name), "/", FN_STR(""), &below.sub));
    const char *path = fn_arena_printf(ctx, ctx->arena, "%s%s/", l->path, name);
    FN_TRY_PTR(ctx, path);
    return l->files->fs->list(l->files->fs, ctx, path, see_local, &below);
}

static fn_status see_object(void *self, fn_ctx *ctx, const fn_object_entry *entry)
{
    const listing *l = self;
    if (entry->key.size <= l->prefix) return FN_OK;
    const fn_str name = {entry->key.data + l->prefix, entry->key.size - l->prefix};
    const char *slash = memchr(name.data, '/', name.size);
    const bool below = slash && memchr(slash + 1, '/', name.size - (size_t)(slash + 1 - name.data));
    return below || (slash && !l->deep) ? FN_OK : l->each(l->self, ctx, name);
}

static fn_status files_list(fn_iceberg_files *self, fn_ctx *ctx, const char *folder, bool deep, fn_iceberg_each *each, void *each_self)
{
    const lake_files *f = (const lake_files *)self;
    listing l = {.files = f, .each = each, .self = each_self, .deep = deep};
    fn_str place = {0};
    FN_TRY(joined(ctx, f->folder, "/", fn_cstr(folder), &place));
    if (*folder) FN_TRY(joined(ctx, place, "/", FN_STR(""), &place));
    if (!f->fs) {
        const fn_object_url url = object_at(f, place);
        l.prefix = url.key.size;
        return fn_object_list(ctx, f->store, &url, &f->auth, see_object, &l);
    }
    const char *path;
    fn_file_info info;
    FN_TRY(local_path(f, ctx, place, &path));
    l.path = path;
    FN_TRY(f->fs->stat(f->fs, ctx, path, &info));
    return info.exists && info.is_dir ? f->fs->list(f->fs, ctx, path, see_local, &l) : FN_OK;
}

static fn_status files_open(fn_iceberg_files *self, fn_ctx *ctx, fn_str path, fn_blob **out)
{
    const lake_files *f = (const lake_files *)self;
    fn_str place = {0};
    FN_TRY(resolve(f, ctx, path, &place));
    if (!f->fs) {
        const fn_object_url url = object_at(f, place);
        return fn_object_open(ctx, f->store, &url, &f->auth, out);
    }
    const char *text;
    FN_TRY(local_path(f, ctx, place, &text));
    return fn_fs_blob(f->fs, ctx, text, out);
}

static fn_status read_blob(fn_ctx *ctx, fn_blob *blob, size_t limit, fn_buf *out)
{
    if (blob->size > limit)
        return fn_fail(ctx, FN_INCORRECT_DATA, "The file %s has %llu bytes, at most %zu are expected", blob->name, (unsigned long long)blob->size, limit);
    FN_TRY(fn_buf_reserve(ctx, out, blob->size));
    const fn_range range = {0, blob->size, out->data};
    if (blob->size) FN_TRY(blob->read(blob, ctx, &range, 1));
    out->size = blob->size;
    return FN_OK;
}

static fn_status files_read(fn_iceberg_files *self, fn_ctx *ctx, fn_str path, size_t limit, fn_buf *out)
{
    const lake_files *f = (const lake_files *)self;
    if (!f->fs) { /* one request instead of two */
        fn_str place;
        FN_TRY(resolve(f, ctx, path, &place));
        const fn_object_url url = object_at(f, place);
        return fn_object_get(ctx, f->store, &url, &f->auth, limit, out);
    }
    fn_blob *blob;
    FN_TRY(files_open(self, ctx, path, &blob));
    const fn_status status = read_blob(ctx, blob, limit, out);
    blob->close(blob);
    return status;
}

static fn_status files_new(fn_ctx *ctx, lake_files **out)
{
    fn_arena *arena = fn_arena_new(ctx);
    FN_TRY_PTR(ctx, arena);
    *out = fn_arena_alloc_zero(ctx, arena, sizeof **out);
    if (!*out) {
        fn_arena_free(arena);
        return ctx->error.code;
    }
    (*out)->arena = arena;
    (*out)->base = (fn_iceberg_files){.list = files_list, .read = files_read, .open = files_open};
    return FN_OK;
}

void iceberg_files_free(fn_iceberg_files *files)
{
    if (files) fn_arena_free(((lake_files *)files)->arena);
}

static fn_status keep_local(fn_ctx *ctx, lake_files *f, fn_str root, fn_str folder)
{
    const bool absolute = folder.size && folder.data[0] == '/';
    FN_TRY(joined(ctx, root, root.size && root.data[root.size - 1] == '/' ? "" : "/", FN_STR(""), &root));
    if (!absolute) FN_TRY(joined(ctx, root, "", folder, &folder));
    FN_TRY(fn_arena_str(ctx, f->arena, root, &f->root));
    FN_TRY(fn_arena_str(ctx, f->arena, without_slashes(folder), &f->folder));
    fn_str inside;
    FN_TRY(joined(ctx, f->folder, "/", FN_STR(""), &inside));
    return file_check_inside(ctx, f->root, inside);
}

fn_status iceberg_files_local(fn_ctx *ctx, fn_fs *fs, fn_str root, fn_str folder, fn_iceberg_files **out)
{
    lake_files *f;
    *out = NULL;
    FN_TRY(files_new(ctx, &f));
    f->fs = fs;
    const fn_status status = keep_local(ctx, f, root, folder);
    if (status == FN_OK) *out = &f->base;
    else iceberg_files_free(&f->base);
    return status;
}

static fn_status keep_object(fn_ctx *ctx, lake_files *f, const fn_object_url *url, const fn_object_auth *auth)
{
    f->url = *url;
    f->auth = *auth;
    fn_str *const texts[] = {&f->url.scheme, &f->url.host, &f->url.bucket, &f->auth.key, &f->auth.secret, &f->auth.token, &f->auth.region};
    for (size_t i = 0; i < FN_COUNT(texts); i++) FN_TRY(fn_arena_str(ctx, f->arena, *texts[i], texts[i]));
    fn_str folder = {0};
    FN_TRY(joined(ctx, url->bucket, "/", without_slashes(url->key), &folder));
    return fn_arena_str(ctx, f->arena, without_slashes(folder), &f->folder);
}

fn_status iceberg_files_object(fn_ctx *ctx, fn_object_store *store, const fn_object_url *url, const fn_object_auth *auth, fn_iceberg_files **out)
{
    lake_files *f;
    *out = NULL;
    FN_TRY(files_new(ctx, &f));
    f->store = store;
    const fn_status status = keep_object(ctx, f, url, auth);
    if (status == FN_OK) *out = &f->base;
    else iceberg_files_free(&f->base);
    return status;
}
