/* store.c - what all MergeTree tables share: the map of part files, their life on disk, the folder sweep at start.
 *
 * A file is known by id while any table's part refers to it. `listed` counts the tables whose catalog rows name it; when the last
 * reference goes and nobody lists it, the file is removed: aborted inserts, merged-away parts and dropped tables end here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/mt.h"
#include <inttypes.h>
#include <stdlib.h>

static size_t slot_of(fn_part_id id)
{
    return (size_t)(fn_hash_mix(id.high, id.low) % MT_FILE_SLOTS);
}

static unsigned folder_of(fn_part_id id)
{
    return (unsigned)(id.high >> 56);
}

fn_status mt_file_path(fn_ctx *ctx, const mt_store *store, fn_part_id id, const char **out)
{
    *out = fn_arena_printf(ctx, ctx->arena, "%s/store/%02x/%016" PRIx64 "%016" PRIx64 ".part", store->root, folder_of(id), id.high, id.low);
    FN_TRY_PTR(ctx, *out);
    return FN_OK;
}

fn_part_id mt_new_id(void)
{
    return (fn_part_id){fn_random_u64(), fn_random_u64()};
}

/* Folders that were there before this process may have been left by one that died between making and syncing them. */
static fn_status sync_found(fn_ctx *ctx, mt_store *store, const char *parent)
{
    fn_fs *fs = store->options.fs;
    if (atomic_load(&store->dirs_durable)) return FN_OK;
    FN_TRY(fs->sync_dir(fs, ctx, parent));
    FN_TRY(fs->sync_dir(fs, ctx, store->root)); /* which names the parent */
    atomic_store(&store->dirs_durable, true);
    return FN_OK;
}

/* True: nobody else makes the folder now, and the caller has to. */
static bool begin_dir(mt_store *store, unsigned folder)
{
    const uint64_t bit = (uint64_t)1 << (folder % 64);
    pthread_mutex_lock(&store->lock);
    while (store->dirs_begun[folder / 64] & bit && !(atomic_load(&store->dirs_made[folder / 64]) & bit)) pthread_cond_wait(&store->gone, &store->lock);
    const bool made = atomic_load(&store->dirs_made[folder / 64]) & bit;
    store->dirs_begun[folder / 64] |= bit;
    pthread_mutex_unlock(&store->lock);
    return !made;
}

static void end_dir(mt_store *store, unsigned folder, bool made)
{
    const uint64_t bit = (uint64_t)1 << (folder % 64);
    pthread_mutex_lock(&store->lock);
    if (made) atomic_fetch_or(&store->dirs_made[folder / 64], bit);
    else store->dirs_begun[folder / 64] &= ~bit;
    pthread_cond_broadcast(&store->gone);
    pthread_mutex_unlock(&store->lock);
}

fn_status mt_store_make_dir(fn_ctx *ctx, mt_store *store, fn_part_id id)
{
    const unsigned folder = folder_of(id);
    if (atomic_load(&store->dirs_made[folder / 64]) >> (folder % 64) & 1) return FN_OK;
    fn_fs *fs = store->options.fs;
    const char *dir = fn_arena_printf(ctx, ctx->arena, "%s/store/%02x", store->root, folder);
    const char *parent = fn_arena_printf(ctx, ctx->arena, "%s/store", store->root);
    if (!dir || !parent) return ctx->error.code;
    if (!begin_dir(store, folder)) return FN_OK;
    fn_status status = fs->make_dir(fs, ctx, dir); /* durable when it returns, if it was not there */
    if (status == FN_OK) status = sync_found(ctx, store, parent);
    if (status != FN_OK) atomic_store(&store->dirs_durable, false); /* it may be there by now, made but not synced */
    end_dir(store, folder, status == FN_OK);
    return status;
}

fn_status mt_store_sync_dir(fn_ctx *ctx, mt_store *store, fn_part_id id)
{
    const char *dir = fn_arena_printf(ctx, ctx->arena, "%s/store/%02x", store->root, folder_of(id));
    FN_TRY_PTR(ctx, dir);
    return store->options.fs->sync_dir(store->options.fs, ctx, dir);
}

fn_status mt_file_get(fn_ctx *ctx, mt_store *store, fn_part_id id, fn_hash128 checksum, mt_file **out)
{
    mt_file *made = fn_alloc_zero(ctx, sizeof *made);
    FN_TRY_PTR(ctx, made);
    *made = (mt_file){.store = store, .id = id, .checksum = checksum, .refs = 1};
    pthread_mutex_init(&made->open_lock, NULL);
    pthread_mutex_lock(&store->lock);
    mt_file **slot = &store->files[slot_of(id)], *f;
    for (;;) {
        f = *slot;
        while (f && (f->id.high != id.high || f->id.low != id.low)) f = f->next;
        if (!f || !f->going) break;
        pthread_cond_wait(&store->gone, &store->lock); /* the file of that name is about to vanish */
    }
    if (f) {
        f->refs++;
    } else {
        made->next = *slot;
        *slot = made;
    }
    pthread_mutex_unlock(&store->lock);
    if (f) {
        pthread_mutex_destroy(&made->open_lock);
        fn_free(made);
    }
    *out = f ? f : made;
    return FN_OK;
}

static void remove_file(mt_store *store, fn_part_id id)
{
    fn_ctx ctx = {0};
    const char *path;
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return; /* the next start sweeps it */
    if (mt_file_path(&ctx, store, id, &path) == FN_OK && store->options.fs->remove(store->options.fs, &ctx, path) != FN_OK)
        fn_log(FN_LOG_WARN, "mergetree", "cannot remove %s: %s", path, ctx.error.text);
    fn_arena_free(ctx.arena);
}

/* Under the lock. */
static void forget_file(mt_store *store, const mt_file *f)
{
    mt_file **at = &store->files[slot_of(f->id)];
    while (*at != f) at = &(*at)->next;
    *at = f->next;
}

void mt_file_drop(mt_file *f)
{
    if (!f) return;
    if (f->outer) { /* has one owner */
        mt_file_drop(f->outer);
        fn_free(f);
        return;
    }
    mt_store *store = f->store;
    pthread_mutex_lock(&store->lock);
    const bool last = --f->refs == 0;
    const bool remove = last && f->listed == 0 && !atomic_load(&store->keeps_files);
    f->going = remove;
    if (last && !remove) forget_file(store, f);
    pthread_mutex_unlock(&store->lock);
    if (!last) return;
    fn_part *part = atomic_load(&f->part);
    if (part && remove) fn_part_forget(part);
    if (part) fn_part_drop(part);
    if (remove) {
        remove_file(store, f->id);
        pthread_mutex_lock(&store->lock);
        forget_file(store, f);
        pthread_cond_broadcast(&store->gone);
        pthread_mutex_unlock(&store->lock);
    }
    pthread_mutex_destroy(&f->open_lock);
    fn_free(f);
}

void mt_file_list(mt_file *f, int by)
{
    pthread_mutex_lock(&f->store->lock);
    FN_ASSERT(by > 0 || f->listed > 0);
    f->listed = by > 0 ? f->listed + 1 : f->listed - 1;
    pthread_mutex_unlock(&f->store->lock);
}

fn_status mt_file_open(fn_ctx *ctx, mt_file *f, const fn_part **out)
{
    fn_part *part = atomic_load_explicit(&f->part, memory_order_acquire);
    if (part) {
        *out = part;
        return FN_OK;
    }
    const char *path;
    FN_TRY(mt_file_path(ctx, f->store, f->id, &path));
    pthread_mutex_lock(&f->open_lock);
    fn_status status = FN_OK;
    part = atomic_load(&f->part);
    if (!part) {
        fn_tracker *const query = ctx->memory; /* the opened part outlives the query */
        ctx->memory = NULL;
        status = fn_part_open(ctx, f->store->options.fs, path, f->id, &f->checksum, &part);
        ctx->memory = query;
        if (status == FN_OK) atomic_store_explicit(&f->part, part, memory_order_release);
    }
    pthread_mutex_unlock(&f->open_lock);
    *out = part;
    return status;
}

/* ---- the store ---- */

fn_status mt_store_open(fn_ctx *ctx, const mt_store_options *options, mt_store **out)
{
    mt_store *s = fn_alloc_zero(ctx, sizeof *s);
    FN_TRY_PTR(ctx, s);
    const size_t size = strlen(options->root);
    s->options = *options;
    s->root = fn_alloc(ctx, size + 1);
    if (!s->root) {
        fn_free(s);
        return ctx->error.code;
    }
    memcpy(s->root, options->root, size + 1);
    s->options.root = s->root;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    pthread_cond_init(&s->gone, NULL);
    *out = s;
    return FN_OK;
}

/* What the tasks of a sweep share. */
typedef struct sweep_all {
    mt_store *store;
    fn_ctx *ctx;           /* the caller's, under the lock while tasks run */
    pthread_mutex_t lock;
    fn_part_id *files;     /* of the catalog, sorted; NULL until a file turns up that no loaded table lists */
    size_t file_count;
    const char **folders;
    fn_status status;      /* the first failure, whose message is in ctx */
} sweep_all;

/* A folder that is listed. */
typedef struct sweep {
    sweep_all *all;
    const char *dir;
    fn_buf names;          /* paths, each 0-terminated: of folders, or of files that nobody lists */
    size_t count;
    bool folders;
} sweep;

bool mt_file_name(const char *name, fn_part_id *out)
{
    uint64_t words[2] = {0, 0};
    if (strlen(name) != 37 || strcmp(name + 32, ".part") != 0) return false;
    for (int i = 0; i < 32; i++) {
        const char c = name[i];
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return false;
        words[i / 16] = words[i / 16] << 4 | (uint64_t)digit;
    }
    *out = (fn_part_id){words[0], words[1]};
    return true;
}

static bool is_known(mt_store *store, fn_part_id id)
{
    pthread_mutex_lock(&store->lock);
    const mt_file *f = store->files[slot_of(id)];
    while (f && (f->id.high != id.high || f->id.low != id.low)) f = f->next;
    pthread_mutex_unlock(&store->lock);
    return f != NULL;
}

int mt_file_compare(const void *a, const void *b)
{
    const fn_part_id *x = a, *y = b;
    return x->high != y->high ? (x->high < y->high ? -1 : 1) : (x->low > y->low) - (x->low < y->low);
}

/* The tables that are loaded do not say it all: those that are detached or damaged have files too. */
static fn_status is_listed(fn_ctx *ctx, sweep *s, fn_part_id id, bool *out)
{
    sweep_all *a = s->all;
    fn_status status = FN_OK;
    *out = is_known(a->store, id);
    if (*out) return FN_OK;
    mt_catalog *catalog = a->store->options.catalog;
    pthread_mutex_lock(&a->lock);
    if (!a->files) {
        status = catalog->files(catalog, a->ctx, &a->files, &a->file_count);
        if (status != FN_OK) status = fn_fail(ctx, status, "%s", a->ctx->error.text);
        if (status == FN_OK && a->file_count > 1) qsort(a->files, a->file_count, sizeof *a->files, mt_file_compare);
    }
    pthread_mutex_unlock(&a->lock);
    *out = status == FN_OK && a->file_count && bsearch(&id, a->files, a->file_count, sizeof id, mt_file_compare);
    return status;
}

static fn_status sweep_entry(void *self, fn_ctx *ctx, const char *name, bool is_dir)
{
    sweep *s = self;
    fn_part_id id;
    bool listed = false;
    if (is_dir != s->folders) return FN_OK;
    if (!s->folders) {
        if (!mt_file_name(name, &id)) return FN_OK;
        FN_TRY(is_listed(ctx, s, id, &listed));
        if (listed) return FN_OK;
    }
    s->count++;
    FN_TRY(fn_buf_printf(ctx, &s->names, "%s/%s", s->dir, name));
    return fn_buf_byte(ctx, &s->names, 0);
}

static void sweep_folder(void *arg, unsigned index)
{
    sweep_all *a = arg;
    fn_fs *fs = a->store->options.fs;
    fn_ctx ctx = {.memory = a->ctx->memory};
    sweep s = {.all = a, .dir = a->folders[index]};
    fn_status status = fs->list(fs, &ctx, s.dir, sweep_entry, &s);
    for (size_t at = 0; status == FN_OK && at < s.names.size; at += strlen(s.names.data + at) + 1) status = fs->remove(fs, &ctx, s.names.data + at);
    fn_buf_release(&s.names);
    if (status == FN_OK) return;
    pthread_mutex_lock(&a->lock);
    if (a->status == FN_OK) a->status = fn_fail(a->ctx, status, "%s", ctx.error.text);
    pthread_mutex_unlock(&a->lock);
}

/* The folders at the same time: where each call takes its while, as on network disks, a start would wait for hundreds of them. */
static fn_status sweep_folders(fn_ctx *ctx, sweep_all *a, const sweep *folders)
{
    size_t count = 0;
    a->folders = FN_NEW_ARRAY(ctx, const char *, folders->count + 1);
    FN_TRY_PTR(ctx, a->folders);
    for (const char *at = folders->names.data; count < folders->count; at += strlen(at) + 1) a->folders[count++] = at;
    FN_TRY(fn_pool_run(ctx, a->store->options.workers, sweep_folder, a, (unsigned)count));
    return a->status;
}

fn_status mt_store_sweep(fn_ctx *ctx, mt_store *store)
{
    fn_fs *fs = store->options.fs;
    fn_file_info info;
    const char *dir = fn_arena_printf(ctx, ctx->arena, "%s/store", store->root);
    FN_TRY_PTR(ctx, dir);
    FN_TRY(fs->stat(fs, ctx, dir, &info));
    if (!info.exists) return FN_OK;
    sweep_all all = {.store = store, .ctx = ctx, .lock = PTHREAD_MUTEX_INITIALIZER};
    sweep folders = {.all = &all, .dir = dir, .folders = true};
    fn_status status = fs->list(fs, ctx, dir, sweep_entry, &folders);
    if (status == FN_OK) status = sweep_folders(ctx, &all, &folders);
    fn_buf_release(&folders.names);
    return status;
}

void mt_store_stop(mt_store *store)
{
    if (!store) return;
    atomic_store(&store->closing, true);
    pthread_mutex_lock(&store->lock);
    while (store->tasks) pthread_cond_wait(&store->idle, &store->lock);
    pthread_mutex_unlock(&store->lock);
}

void mt_store_close(mt_store *store)
{
    if (!store) return;
    mt_store_stop(store);
    for (size_t i = 0; i < MT_FILE_SLOTS; i++) FN_ASSERT(store->files[i] == NULL); /* all tables are gone */
    pthread_cond_destroy(&store->idle);
    pthread_cond_destroy(&store->gone);
    pthread_mutex_destroy(&store->lock);
    fn_free(store->root);
    fn_free(store);
}

/* ---- room on the disk ---- */

/* What is left alone so that the catalog can still write: a hundredth of the disk, between 1 MiB and 64 MiB. */
static uint64_t reserve_of(uint64_t total)
{
    return FN_MIN(FN_MAX(total / 100, (uint64_t)1 << 20), (uint64_t)64 << 20);
}

fn_status mt_check_room(fn_ctx *ctx, mt_store *store, uint64_t bytes)
{
    uint64_t free_bytes, total;
    FN_TRY(store->options.fs->space(store->options.fs, ctx, store->root, &free_bytes, &total));
    const uint64_t reserve = reserve_of(total);
    if (bytes <= free_bytes && reserve <= free_bytes - bytes) return FN_OK;
    return fn_fail(ctx, FN_NOT_ENOUGH_SPACE, "Cannot reserve %llu bytes in %s: %llu are free, and %llu of them are kept for the catalog", (unsigned long long)bytes,
                   store->root, (unsigned long long)free_bytes, (unsigned long long)reserve);
}
