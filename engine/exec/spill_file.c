/* spill_file.c - see spill_file.h. Frames are gathered in memory and written in runs of WRITE_BYTES; nothing is synced, since no file
 * outlives its statement. SPDX-License-Identifier: Apache-2.0 */
#include "exec/spill_file.h"
#include "settings/settings.h"
#include <firn/time.h>
#include <stdio.h>

enum { WRITE_BYTES = 256 << 10, HEAD = 8 /* the checksum */ };

struct spill_file {
    spill_share *share;
    spill_use use;
    fn_codec codec;
    fn_file *file;
    char *path;
    uint64_t written;  /* bytes in the file; the tail follows */
    uint64_t charged;
    fn_buf tail;
};

/* ---- the folder ---- */

typedef struct sweep {
    fn_fs *fs;
    const char *dir;
} sweep;

static fn_status sweep_entry(void *self, fn_ctx *ctx, const char *name, bool is_dir)
{
    const sweep *s = self;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", s->dir, name) >= (int)sizeof path) return FN_OK;
    return is_dir ? s->fs->remove_tree(s->fs, ctx, path) : s->fs->remove(s->fs, ctx, path);
}

fn_status spill_area_open(fn_ctx *ctx, spill_area *a, fn_fs *fs, const char *dir)
{
    sweep s = {fs, dir};
    FN_TRY(fs->make_dir(fs, ctx, dir));
    FN_TRY(fs->list(fs, ctx, dir, sweep_entry, &s));
    a->fs = fs;
    a->dir = dir;
    return FN_OK;
}

/* ---- a file ---- */

static fn_status codec_of(fn_ctx *ctx, fn_codec *out)
{
    static const struct {
        const char *name;
        fn_codec codec;
    } codecs[] = {{"LZ4", FN_CODEC_LZ4_RAW}, {"NONE", FN_CODEC_NONE}, {"ZSTD", FN_CODEC_ZSTD}};
    const fn_str name = settings_of(ctx)->temporary_files_codec;
    for (size_t i = 0; i < FN_COUNT(codecs); i++)
        if (fn_str_eq_nocase(name, fn_cstr(codecs[i].name))) {
            *out = codecs[i].codec;
            return FN_OK;
        }
    return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Setting temporary_files_codec = '" FN_STR_FMT "' is not supported: LZ4, ZSTD and NONE are", FN_STR_ARG(name));
}

fn_status spill_file_open(fn_ctx *ctx, spill_share *share, spill_use use, spill_file **out)
{
    spill_area *a = share->area;
    fn_codec codec = FN_CODEC_NONE;
    FN_TRY(codec_of(ctx, &codec));
    const size_t room = strlen(a->dir) + 40;
    spill_file *f = fn_alloc_zero(ctx, sizeof *f + room);
    FN_TRY_PTR(ctx, f);
    *f = (spill_file){.share = share, .use = use, .codec = codec, .path = (char *)(f + 1)};
    (void)snprintf(f->path, room, "%s/tmp%016llx%016llx", a->dir, (unsigned long long)fn_random_u64(), (unsigned long long)fn_random_u64());
    const fn_status status = a->fs->open(a->fs, ctx, f->path, FN_OPEN_READ | FN_OPEN_WRITE | FN_OPEN_CREATE | FN_OPEN_EXCLUSIVE, &f->file);
    if (status != FN_OK) {
        fn_free(f);
        return status;
    }
    atomic_fetch_add_explicit(&a->files_made, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&a->files[use], 1, memory_order_relaxed);
    *out = f;
    return FN_OK;
}

void spill_file_close(spill_file *f)
{
    if (!f) return;
    spill_area *a = f->share->area;
    fn_ctx quiet = {.arena = NULL}; /* the statement's error is not to be touched; what cannot be removed goes at the next start */
    a->fs->close(a->fs, f->file);
    if (a->fs->remove(a->fs, &quiet, f->path) != FN_OK) fn_log(FN_LOG_WARN, "spill", "%s", quiet.error.text);
    atomic_fetch_sub_explicit(&a->files[f->use], 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&a->bytes, f->charged, memory_order_relaxed);
    atomic_fetch_sub_explicit(&f->share->bytes, f->charged, memory_order_relaxed);
    fn_buf_release(&f->tail);
    fn_free(f);
}

spill_events *spill_file_events(const spill_file *f)
{
    return &f->share->area->events[f->use];
}

/* ---- writing ---- */

/* Before bytes go to the disk: may they? */
static fn_status charge(fn_ctx *ctx, spill_file *f, uint64_t bytes)
{
    spill_area *a = f->share->area;
    const fn_settings *s = settings_of(ctx);
    const uint64_t own = atomic_fetch_add_explicit(&f->share->bytes, bytes, memory_order_relaxed) + bytes;
    const uint64_t all = atomic_fetch_add_explicit(&a->bytes, bytes, memory_order_relaxed) + bytes; /* there is one user */
    const uint64_t own_max = s->max_temporary_data_on_disk_size_for_query, all_max = s->max_temporary_data_on_disk_size_for_user;
    f->charged += bytes;
    const bool own_over = own_max && own > own_max;
    if (own_over || (all_max && all > all_max))
        return fn_fail(ctx, FN_TOO_MANY_ROWS_OR_BYTES, "Limit for temporary files size exceeded (would consume %llu / %llu bytes)",
                       (unsigned long long)(own_over ? own : all), (unsigned long long)(own_over ? own_max : all_max));
    if (!s->min_free_disk_space_for_temporary_data) return FN_OK;
    uint64_t free_bytes, total;
    FN_TRY(a->fs->space(a->fs, ctx, a->dir, &free_bytes, &total));
    if (free_bytes >= bytes && free_bytes - bytes >= s->min_free_disk_space_for_temporary_data) return FN_OK;
    return fn_fail(ctx, FN_NOT_ENOUGH_SPACE, "Not enough space on temporary disk: %llu bytes are free, min_free_disk_space_for_temporary_data is %llu",
                   (unsigned long long)free_bytes, (unsigned long long)s->min_free_disk_space_for_temporary_data);
}

fn_status spill_file_flush(fn_ctx *ctx, spill_file *f)
{
    fn_fs *fs = f->share->area->fs;
    if (!f->tail.size) return FN_OK;
    FN_TRY(fn_ctx_check(ctx));
    FN_TRY(charge(ctx, f, f->tail.size));
    FN_TRY(fs->write(fs, ctx, f->file, f->written, f->tail.data, f->tail.size));
    f->written += f->tail.size;
    f->tail.size = 0;
    return FN_OK;
}

fn_status spill_file_append(fn_ctx *ctx, spill_file *f, const void *bytes, size_t size, spill_frame *out)
{
    FN_ASSERT(size <= SPILL_FRAME_MAX);
    const size_t from = f->tail.size;
    *out = (spill_frame){.offset = f->written + from, .size = (uint32_t)size};
    FN_TRY(fn_buf_append(ctx, &f->tail, &(uint64_t){0}, HEAD));
    if (f->codec != FN_CODEC_NONE) FN_TRY(fn_codec_compress(ctx, f->codec, 0, (fn_str){bytes, size}, &f->tail));
    if (f->codec == FN_CODEC_NONE || f->tail.size - from - HEAD >= size) { /* it did not become smaller */
        f->tail.size = from + HEAD;
        FN_TRY(fn_buf_append(ctx, &f->tail, bytes, size));
    }
    out->stored = (uint32_t)(f->tail.size - from - HEAD);
    const uint64_t sum = fn_hash_bytes(f->tail.data + from + HEAD, out->stored, out->offset);
    memcpy(f->tail.data + from, &sum, sizeof sum);
    spill_events *e = spill_file_events(f);
    atomic_fetch_add_explicit(&e->plain, size, memory_order_relaxed);
    atomic_fetch_add_explicit(&e->stored, HEAD + (uint64_t)out->stored, memory_order_relaxed);
    return f->tail.size >= WRITE_BYTES ? spill_file_flush(ctx, f) : FN_OK;
}

/* ---- reading ---- */

static fn_status read_stored(fn_ctx *ctx, const spill_file *f, const spill_frame *frame, fn_buffer **out)
{
    fn_fs *fs = f->share->area->fs;
    fn_buffer *raw = fn_buffer_new(ctx, HEAD + (size_t)frame->stored);
    FN_TRY_PTR(ctx, raw);
    const fn_range range = {.offset = frame->offset, .size = raw->size, .out = raw->data};
    fn_status status = fs->read(fs, ctx, f->file, &range, 1);
    if (status == FN_OK && fn_load_u64(raw->data) != fn_hash_bytes(raw->data + HEAD, frame->stored, frame->offset))
        status = fn_fail(ctx, FN_CHECKSUM_DOESNT_MATCH, "Checksum doesn't match: temporary file %s is damaged at offset %llu", f->path,
                         (unsigned long long)frame->offset);
    if (status != FN_OK) fn_buffer_drop(raw);
    else *out = raw;
    return status;
}

fn_status spill_file_read(fn_ctx *ctx, const spill_file *f, const spill_frame *frame, fn_buffer **out)
{
    fn_buffer *raw = NULL, *plain;
    FN_DEBUG_ASSERT(frame->offset + HEAD + frame->stored <= f->written);
    FN_TRY(fn_ctx_check(ctx));
    FN_TRY(read_stored(ctx, f, frame, &raw));
    plain = fn_buffer_new(ctx, frame->size);
    fn_status status = plain ? FN_OK : ctx->error.code;
    const fn_str stored = {(const char *)raw->data + HEAD, frame->stored};
    if (status == FN_OK && frame->stored == frame->size) memcpy(plain->data, stored.data, frame->size);
    else if (status == FN_OK) status = fn_codec_decompress(ctx, f->codec, stored, plain->data, frame->size);
    fn_buffer_drop(raw);
    if (status != FN_OK) {
        fn_buffer_drop(plain);
        return status;
    }
    *out = plain;
    return FN_OK;
}

void spill_file_will_read(const spill_file *f, const spill_frame *frame)
{
    fn_fs *fs = f->share->area->fs;
    const fn_range range = {.offset = frame->offset, .size = HEAD + (uint64_t)frame->stored};
    fs->will_read(fs, f->file, &range, 1);
}
