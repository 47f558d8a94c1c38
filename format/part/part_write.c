/* part_write.c - the writer of part files: collects rows, and for every full segment encodes all columns (on the workers of
 * options->workers, if given) and writes them out in one go. Where all rows are there from the beginning, each column is encoded and
 * written by itself, all its segments one after another. So is each column of a part that is written column by column, whose rows a
 * feed brings in their order. See part_layout.h for the bytes.
 *
 * Memory: one segment of every column, unencoded, and the dictionaries (all rows at once, and column by column: those of the columns
 * that are being written). A segment ends early where a column holds SEGMENT_BYTES_MAX; column by column it cannot. Nothing is durable before finish; close without finish removes the file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/part_layout.h"
#include "part/zone_write.h"
#include <firn/thread.h>

enum { SEGMENT_BYTES_MAX = 256 << 20, VALUES_ALONE = 4096, COPY_PIECE = 1 << 20 };

typedef struct writer_column {
    fn_part_column info;
    uint32_t type_number;
    column_streams streams;
    zone_writer zones;
    fn_buf encoded;    /* the segment; at the end the sections */
    size_t *sections;  /* sizes: a dictionary per stream (0: none), the zones */
    uint64_t distinct;
    fn_buf references; /* part_reference per segment */
    uint64_t disk_bytes;
    bool written;      /* by column: all of it */
    fn_ctx ctx;        /* of the task that works on the column */
    fn_status status;
} writer_column;

struct fn_part_writer {
    fn_part_writer_options options;
    fn_arena *arena;
    char *path;
    uint32_t *key_columns;
    fn_builder *keys; /* sparse index */
    writer_column *columns;
    uint32_t column_count;
    fn_file *file;
    fn_hash_stream *hash; /* of the file so far; scratch alone */
    uint64_t file_at, rows;
    uint32_t kept; /* rows in the streams */
    uint32_t segments;
    fn_buf segment_granules;
    fn_buf attachments; /* as in the footer */
    fn_buf inner;       /* likewise */
    fn_block *last; /* 1 row: the end of the index */
    /* the running write, for the tasks */
    const fn_block *block;
    size_t from;
    uint32_t count;
    bool done, finishing;
    /* all rows at once */
    const fn_part_pieces *whole;
    bool by_column;
    uint32_t *column_order; /* the columns that take longest first, so that workers end together */
    pthread_mutex_t file_lock; /* file_at, and one write at a time */
};

void fn_part_writer_close(fn_part_writer *w)
{
    if (!w) return;
    if (w->hash) fn_hash_stream_free(w->hash);
    if (w->file) w->options.fs->close(w->options.fs, w->file);
    if (w->file && !w->done) {
        fn_ctx ctx = {0}; /* the error that led here is what counts */
        (void)w->options.fs->remove(w->options.fs, &ctx, w->path);
    }
    for (uint32_t i = 0; i < w->column_count; i++) {
        writer_column *c = &w->columns[i];
        streams_release(&c->streams);
        zones_release(&c->zones);
        fn_buf_release(&c->encoded);
        fn_buf_release(&c->references);
    }
    for (uint32_t i = 0; i < w->options.key_count && w->keys; i++) fn_builder_release(&w->keys[i]);
    fn_buf_release(&w->segment_granules);
    fn_buf_release(&w->attachments);
    fn_buf_release(&w->inner);
    fn_block_drop(w->last);
    fn_arena_free(w->arena);
    (void)pthread_mutex_destroy(&w->file_lock);
    fn_free(w);
}

/* At the end of the file. */
static fn_status append(fn_ctx *ctx, fn_part_writer *w, const void *bytes, size_t size)
{
    FN_TRY(w->options.fs->write(w->options.fs, ctx, w->file, w->file_at, bytes, size));
    if (w->hash) fn_hash_stream_add(w->hash, bytes, size);
    w->file_at += size;
    return FN_OK;
}

static fn_status open_column(fn_ctx *own, fn_part_writer *w, uint32_t index)
{
    writer_column *c = &w->columns[index];
    c->info = w->options.columns[index];
    FN_TRY(fn_arena_str(own, own->arena, c->info.codec, &c->info.codec));
    w->column_count = index + 1;
    FN_TRY(streams_init(own, &c->streams, c->info.type, c->info.codec, w->options.merged));
    const fn_part_dictionaries *seeds = w->options.dictionaries ? &w->options.dictionaries[index] : NULL;
    if (seeds) FN_TRY(streams_seed(own, &c->streams, seeds));
    c->sections = FN_NEW_ARRAY(own, size_t, c->streams.count + 1u);
    FN_TRY_PTR(own, c->sections);
    return zones_init(own, &c->zones, &c->streams.root);
}

static fn_status open_parts(fn_ctx *own, fn_part_writer *w)
{
    const fn_part_writer_options *o = &w->options;
    w->path = fn_arena_copy(own, own->arena, o->path, strlen(o->path));
    w->columns = FN_NEW_ARRAY(own, writer_column, o->column_count + 1u);
    w->keys = FN_NEW_ARRAY(own, fn_builder, o->key_count + 1u);
    w->key_columns = FN_NEW_ARRAY(own, uint32_t, o->key_count + 1u);
    if (!w->path || !w->columns || !w->keys || !w->key_columns) return own->error.code;
    for (uint32_t i = 0; i < o->column_count; i++) FN_TRY(open_column(own, w, i));
    for (uint32_t i = 0; i < o->key_count; i++) {
        FN_ASSERT(o->key_columns[i] < o->column_count);
        w->key_columns[i] = o->key_columns[i];
        FN_TRY(fn_builder_init(own, &w->keys[i], w->columns[o->key_columns[i]].info.type));
    }
    if (o->scratch && !(w->hash = fn_hash_stream_new())) return fn_fail(own, FN_CANNOT_ALLOCATE_MEMORY, "No memory for a hash");
    FN_TRY(o->fs->open(o->fs, own, o->path, FN_OPEN_WRITE | FN_OPEN_CREATE | FN_OPEN_EXCLUSIVE | (o->scratch ? 0 : FN_OPEN_SYNCED), &w->file));
    return append(own, w, PART_MAGIC, MAGIC_SIZE);
}

fn_status fn_part_writer_open(fn_ctx *ctx, const fn_part_writer_options *options, fn_part_writer **out)
{
    fn_part_writer *w = fn_alloc_zero(ctx, sizeof *w);
    FN_TRY_PTR(ctx, w);
    w->options = *options;
    FN_ASSERT(pthread_mutex_init(&w->file_lock, NULL) == 0);
    fn_ctx own = {.memory = ctx->memory, .cancel = ctx->cancel, .settings = ctx->settings};
    own.arena = w->arena = fn_arena_new(&own);
    fn_status status = w->arena ? open_parts(&own, w) : own.error.code;
    if (status != FN_OK) {
        status = fn_fail(ctx, status, "%s", own.error.text);
        fn_part_writer_close(w);
        return status;
    }
    *out = w;
    return FN_OK;
}

/* ---- work on every column ---- */

static fn_status append_rows(fn_ctx *ctx, fn_part_writer *w, writer_column *c)
{
    return streams_append(ctx, &c->streams, w->block->columns[c - w->columns], w->from, w->count);
}

static fn_status encode_kept(fn_ctx *ctx, const fn_part_writer *w, writer_column *c, uint32_t kept, bool last)
{
    if (last) FN_TRY(streams_settle(ctx, &c->streams, w->options.merged || w->rows <= SEGMENT_ROWS));
    for (uint32_t at = 0; at < kept; at += FN_GRANULE_ROWS)
        FN_TRY(zones_add(ctx, &c->zones, &c->streams, at, FN_MIN(kept - at, (uint32_t)FN_GRANULE_ROWS)));
    c->encoded.size = 0;
    return streams_encode(ctx, &c->streams, kept, &c->encoded);
}

static fn_status encode_rows(fn_ctx *ctx, fn_part_writer *w, writer_column *c)
{
    return encode_kept(ctx, w, c, w->kept, w->finishing);
}

/* What stands behind the segments, into c->encoded. */
static fn_status encode_sections(fn_ctx *ctx, fn_part_writer *w, writer_column *c)
{
    (void)w;
    c->encoded.size = 0;
    for (uint32_t i = 0; i <= c->streams.count; i++) {
        const size_t before = c->encoded.size;
        if (i == c->streams.count) FN_TRY(zones_finish(ctx, &c->zones, &c->encoded));
        else if (c->streams.streams[i].form == CHUNK_TEXT && c->streams.streams[i].dict_used) {
            FN_TRY(stream_forget_unused(ctx, &c->streams.streams[i]));
            FN_TRY(streams_dictionary(ctx, &c->streams, &c->streams.streams[i], &c->encoded));
        }
        c->sections[i] = c->encoded.size - before;
    }
    c->distinct = zones_distinct(&c->zones, &c->streams);
    return FN_OK;
}

typedef fn_status column_work(fn_ctx *ctx, fn_part_writer *w, writer_column *c);
typedef struct column_tasks {
    fn_part_writer *w;
    column_work *work;
} column_tasks;

static void run_column(void *arg, unsigned index)
{
    const column_tasks *t = arg;
    writer_column *c = &t->w->columns[t->w->column_order ? t->w->column_order[index] : index];
    c->status = t->work(&c->ctx, t->w, c);
}

static fn_status each_column(fn_ctx *ctx, fn_part_writer *w, column_work *work)
{
    column_tasks tasks = {w, work};
    for (uint32_t i = 0; i < w->column_count; i++) w->columns[i].ctx = (fn_ctx){.memory = ctx->memory, .cancel = ctx->cancel, .settings = ctx->settings};
    const bool few = (w->rows + w->count) * w->column_count < VALUES_ALONE; /* done before another thread wakes up */
    FN_TRY(fn_pool_run(ctx, few ? NULL : w->options.workers, run_column, &tasks, w->column_count));
    for (uint32_t i = 0; i < w->column_count; i++)
        if (w->columns[i].status != FN_OK) return fn_fail(ctx, w->columns[i].status, "%s", w->columns[i].ctx.error.text);
    return FN_OK;
}

/* ---- segments ---- */

static fn_status write_section(fn_ctx *ctx, fn_part_writer *w, writer_column *c, uint32_t number, fn_str bytes, part_reference *out)
{
    *out = (part_reference){w->file_at, bytes.size, part_checksum(bytes.data, bytes.size, w->options.id, c->info.id, number)};
    FN_TRY(append(ctx, w, bytes.data, bytes.size));
    c->disk_bytes += bytes.size;
    return FN_OK;
}

static fn_status flush(fn_ctx *ctx, fn_part_writer *w)
{
    if (w->kept == 0) return FN_OK;
    FN_TRY(fn_ctx_check(ctx));
    FN_TRY(each_column(ctx, w, encode_rows));
    const uint32_t granules = (w->kept + FN_GRANULE_ROWS - 1) / FN_GRANULE_ROWS;
    for (uint32_t i = 0; i < w->column_count; i++) {
        writer_column *c = &w->columns[i];
        part_reference ref;
        FN_TRY(write_section(ctx, w, c, w->segments, fn_buf_view(&c->encoded), &ref));
        FN_TRY(fn_buf_append(ctx, &c->references, &ref, sizeof ref));
    }
    FN_TRY(fn_buf_append(ctx, &w->segment_granules, &granules, sizeof granules));
    w->segments++;
    w->kept = 0;
    return FN_OK;
}

/* ---- all rows at once ---- */

static fn_status write_shared(fn_ctx *ctx, fn_part_writer *w, writer_column *c, uint32_t segment)
{
    part_reference ref = {0, c->encoded.size, part_checksum(c->encoded.data, c->encoded.size, w->options.id, c->info.id, segment)};
    FN_ASSERT(pthread_mutex_lock(&w->file_lock) == 0);
    ref.offset = w->file_at;
    const fn_status status = append(ctx, w, c->encoded.data, c->encoded.size);
    FN_ASSERT(pthread_mutex_unlock(&w->file_lock) == 0);
    FN_TRY(status);
    c->disk_bytes += ref.size;
    return fn_buf_append(ctx, &c->references, &ref, sizeof ref);
}

static fn_status write_segments(fn_ctx *ctx, fn_part_writer *w, writer_column *c, const column_rows *rows)
{
    for (uint32_t at = 0, segment = 0; at < w->rows; at += SEGMENT_ROWS, segment++) {
        const uint32_t count = (uint32_t)FN_MIN(w->rows - at, (uint64_t)SEGMENT_ROWS);
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(column_rows_append(ctx, &c->streams, rows, at, count));
        FN_TRY(encode_kept(ctx, w, c, count, at + (uint64_t)count == w->rows));
        FN_TRY(write_shared(ctx, w, c, segment));
    }
    return FN_OK;
}

static fn_status write_column(fn_ctx *ctx, fn_part_writer *w, writer_column *c)
{
    column_rows rows;
    fn_status status = column_rows_open(ctx, &c->streams, w->whole, (uint32_t)(c - w->columns), &rows);
    if (status == FN_OK) status = write_segments(ctx, w, c, &rows);
    column_rows_close(&rows);
    if (status == FN_OK) status = encode_sections(ctx, w, c);
    streams_discard(&c->streams);
    return status;
}

static fn_status copy_key(fn_ctx *ctx, const fn_part_pieces *rows, const uint32_t *ends, uint32_t row, uint32_t column, fn_builder *out)
{
    uint32_t low = 0, high = rows->piece_count - 1;
    if (rows->order) row = rows->order[row];
    while (low < high) { /* the first piece that ends behind the row */
        const uint32_t middle = low + (high - low) / 2;
        if (ends[middle] > row) high = middle;
        else low = middle + 1;
    }
    return fn_builder_copy(ctx, out, rows->pieces[low]->columns[column], row - (low ? ends[low - 1] : 0));
}

/* Keys of each granule's first row, and of the last row. */
static fn_status index_rows(fn_ctx *ctx, fn_part_writer *w, const fn_part_pieces *rows)
{
    uint32_t *ends = fn_alloc(ctx, rows->piece_count * sizeof *ends), end = 0;
    FN_TRY_PTR(ctx, ends);
    for (uint32_t i = 0; i < rows->piece_count; i++) ends[i] = end += rows->pieces[i]->rows;
    FN_ASSERT(end == rows->rows);
    fn_status status = FN_OK;
    for (uint32_t k = 0; k < w->options.key_count; k++) {
        for (uint32_t at = 0; at < rows->rows && status == FN_OK; at += FN_GRANULE_ROWS) status = copy_key(ctx, rows, ends, at, w->key_columns[k], &w->keys[k]);
        if (status == FN_OK) status = copy_key(ctx, rows, ends, rows->rows - 1, w->key_columns[k], &w->keys[k]);
    }
    fn_free(ends);
    return status;
}

static fn_status order_columns(fn_ctx *ctx, fn_part_writer *w)
{
    w->column_order = fn_arena_alloc(ctx, w->arena, (w->column_count + 1u) * sizeof *w->column_order);
    FN_TRY_PTR(ctx, w->column_order);
    uint32_t n = 0;
    for (unsigned simple = 0; simple < 2; simple++)
        for (uint32_t i = 0; i < w->column_count; i++)
            if ((w->columns[i].streams.root.kind == NODE_FIXED) == simple) w->column_order[n++] = i;
    return FN_OK;
}

static fn_status number_segments(fn_ctx *ctx, fn_part_writer *w)
{
    for (uint64_t at = 0; at < w->rows; at += SEGMENT_ROWS, w->segments++) {
        const uint32_t granules = (uint32_t)((FN_MIN(w->rows - at, (uint64_t)SEGMENT_ROWS) + FN_GRANULE_ROWS - 1) / FN_GRANULE_ROWS);
        FN_TRY(fn_buf_append(ctx, &w->segment_granules, &granules, sizeof granules));
    }
    return FN_OK;
}

fn_status fn_part_writer_write_rows(fn_ctx *ctx, fn_part_writer *w, const fn_part_pieces *rows)
{
    FN_ASSERT(w->rows == 0 && rows->rows > 0 && rows->piece_count > 0 && rows->pieces[0]->count == w->column_count);
    FN_TRY(index_rows(ctx, w, rows));
    FN_TRY(order_columns(ctx, w));
    w->whole = rows;
    w->rows = rows->rows;
    FN_TRY(each_column(ctx, w, write_column));
    return number_segments(ctx, w);
}

/* ---- column by column ---- */

fn_status fn_part_writer_by_column(fn_ctx *ctx, fn_part_writer *w, uint64_t rows)
{
    FN_ASSERT(w->rows == 0 && rows > 0 && !w->options.dictionaries);
    w->by_column = true;
    w->rows = rows;
    return number_segments(ctx, w);
}

/* Where a column is. */
typedef struct column_place {
    uint64_t rows; /* so far */
    uint32_t kept, segment;
    bool fits;
} column_place;

/* Keys of the granules that begin in the next rows, and of the last row, if the column is one of the key's. */
static fn_status index_column(fn_ctx *ctx, fn_part_writer *w, uint32_t column, const fn_part_pieces *rows, uint64_t before)
{
    uint32_t key = 0, end = 0;
    fn_status status = FN_OK;
    while (key < w->options.key_count && w->key_columns[key] != column) key++;
    if (key == w->options.key_count) return FN_OK;
    uint32_t *ends = fn_alloc(ctx, rows->piece_count * sizeof *ends);
    FN_TRY_PTR(ctx, ends);
    for (uint32_t i = 0; i < rows->piece_count; i++) ends[i] = end += rows->pieces[i]->rows;
    FN_ASSERT(end == rows->rows);
    for (; key < w->options.key_count; key++) {
        if (w->key_columns[key] != column) continue;
        const uint32_t first = (uint32_t)((FN_GRANULE_ROWS - before % FN_GRANULE_ROWS) % FN_GRANULE_ROWS);
        for (uint32_t at = first; at < rows->rows && status == FN_OK; at += FN_GRANULE_ROWS) status = copy_key(ctx, rows, ends, at, 0, &w->keys[key]);
        if (status == FN_OK && before + rows->rows == w->rows) status = copy_key(ctx, rows, ends, rows->rows - 1, 0, &w->keys[key]);
    }
    fn_free(ends);
    return status;
}

static fn_status append_fed(fn_ctx *ctx, fn_part_writer *w, writer_column *c, const column_rows *rows, uint32_t count, column_place *at)
{
    for (uint32_t from = 0; from < count && at->fits;) {
        const uint32_t n = FN_MIN(count - from, (uint32_t)SEGMENT_ROWS - at->kept);
        FN_TRY(column_rows_append(ctx, &c->streams, rows, from, n));
        from += n;
        at->rows += n;
        at->kept += n;
        if (at->kept == SEGMENT_ROWS || at->rows == w->rows) {
            FN_TRY(encode_kept(ctx, w, c, at->kept, at->rows == w->rows));
            FN_TRY(write_shared(ctx, w, c, at->segment++));
            at->kept = 0;
        }
        at->fits = streams_bytes(&c->streams) <= SEGMENT_BYTES_MAX;
    }
    return FN_OK;
}

static fn_status write_fed(fn_ctx *ctx, fn_part_writer *w, writer_column *c, const fn_part_feed *feed, column_place *at)
{
    while (at->rows < w->rows && at->fits) {
        fn_part_pieces pieces;
        column_rows rows;
        FN_TRY(fn_ctx_check(ctx));
        FN_TRY(feed->next(feed->self, ctx, &pieces));
        FN_ASSERT(pieces.rows > 0 && pieces.rows <= w->rows - at->rows);
        FN_TRY(index_column(ctx, w, (uint32_t)(c - w->columns), &pieces, at->rows));
        fn_status status = column_rows_next(ctx, &c->streams, &pieces, &rows);
        if (status == FN_OK) status = append_fed(ctx, w, c, &rows, pieces.rows, at);
        column_rows_close(&rows);
        FN_TRY(status);
    }
    return at->fits ? encode_sections(ctx, w, c) : FN_OK;
}

fn_status fn_part_writer_column(fn_ctx *ctx, fn_part_writer *w, uint32_t column, const fn_part_feed *feed, bool *fits)
{
    writer_column *c = &w->columns[column];
    column_place at = {.fits = true};
    FN_ASSERT(w->by_column && !c->written);
    fn_status status = streams_seed(ctx, &c->streams, &feed->dictionaries);
    if (status == FN_OK) status = write_fed(ctx, w, c, feed, &at);
    streams_discard(&c->streams);
    c->written = status == FN_OK && at.fits;
    *fits = at.fits;
    return status;
}

/* ---- block by block ---- */

static bool is_full(const fn_part_writer *w)
{
    if (w->kept >= SEGMENT_ROWS) return true;
    for (uint32_t i = 0; i < w->column_count; i++)
        if (streams_bytes(&w->columns[i].streams) > SEGMENT_BYTES_MAX) return true;
    return false;
}

static fn_status append_index(fn_ctx *ctx, fn_part_writer *w, const fn_block *block, size_t row)
{
    for (uint32_t i = 0; i < w->options.key_count; i++) FN_TRY(fn_builder_copy(ctx, &w->keys[i], block->columns[w->key_columns[i]], row));
    return FN_OK;
}

fn_status fn_part_writer_write(fn_ctx *ctx, fn_part_writer *w, const fn_block *block)
{
    FN_ASSERT(block->count == w->column_count && !w->whole && !w->by_column);
    for (uint32_t from = 0; from < block->rows;) {
        const uint32_t room = FN_GRANULE_ROWS - w->kept % FN_GRANULE_ROWS;
        if (room == FN_GRANULE_ROWS) FN_TRY(append_index(ctx, w, block, from));
        /* up to the segment's end at once while strings are short enough; then granule by granule */
        uint32_t count = FN_MIN(block->rows - from, room);
        while (from + count < block->rows && w->kept + count + FN_GRANULE_ROWS <= SEGMENT_ROWS && fn_block_bytes(block) < SEGMENT_BYTES_MAX / 4) {
            FN_TRY(append_index(ctx, w, block, from + count));
            count = FN_MIN(block->rows - from, count + FN_GRANULE_ROWS);
        }
        w->block = block;
        w->from = from;
        w->count = count;
        FN_TRY(each_column(ctx, w, append_rows));
        w->kept += count;
        w->rows += count;
        from += count;
        if (w->kept % FN_GRANULE_ROWS == 0 && is_full(w)) FN_TRY(flush(ctx, w));
    }
    if (block->rows == 0 || w->options.key_count == 0) return FN_OK;
    fn_block_drop(w->last);
    w->last = fn_block_slice(ctx, block, block->rows - 1, 1);
    return w->last ? FN_OK : ctx->error.code;
}

/* ---- footer ---- */

static fn_status put_u32(fn_ctx *ctx, fn_buf *out, uint32_t v)
{
    return fn_buf_append(ctx, out, &v, sizeof v);
}

static fn_status put_u64(fn_ctx *ctx, fn_buf *out, uint64_t v)
{
    return fn_buf_append(ctx, out, &v, sizeof v);
}

static fn_status put_text(fn_ctx *ctx, fn_buf *out, fn_str s)
{
    FN_TRY(put_u32(ctx, out, (uint32_t)s.size));
    return fn_buf_str(ctx, out, s);
}

static fn_status put_reference(fn_ctx *ctx, fn_buf *out, const part_reference *r)
{
    const uint64_t words[4] = {r->offset, r->size, r->checksum.low, r->checksum.high};
    return fn_buf_append(ctx, out, words, sizeof words);
}

/* section: the dictionary's bytes, empty if there is none. */
static fn_status put_dictionary(fn_ctx *ctx, fn_part_writer *w, writer_column *c, uint32_t number, fn_str section, fn_buf *out)
{
    const stream *s = &c->streams.streams[number];
    part_reference ref = {0};
    uint32_t entries = 0;
    uint8_t flags = 0;
    if (section.size) {
        FN_TRY(write_section(ctx, w, c, REF_DICTIONARY + number, section, &ref));
        entries = s->dict->entries;
        flags = (uint8_t)((s->dict_partial ? 0 : DICTIONARY_COMPLETE) | (s->dict_sorted == s->dict->entries ? DICTIONARY_SORTED : 0));
    }
    FN_TRY(put_reference(ctx, out, &ref));
    FN_TRY(put_u32(ctx, out, entries));
    return fn_buf_byte(ctx, out, (char)flags);
}

static fn_status put_column(fn_ctx *ctx, fn_part_writer *w, writer_column *c, fn_buf *out)
{
    part_reference zones;
    fn_str section = {c->encoded.data, 0};
    FN_TRY(put_u32(ctx, out, c->info.id));
    FN_TRY(put_u32(ctx, out, c->type_number));
    FN_TRY(put_text(ctx, out, c->info.codec));
    const size_t disk_at = out->size;
    FN_TRY(put_u64(ctx, out, 0));
    FN_TRY(put_u64(ctx, out, c->streams.raw_bytes));
    FN_TRY(put_u64(ctx, out, c->distinct));
    FN_TRY(fn_buf_byte(ctx, out, (char)((c->zones.has_range ? COLUMN_HAS_RANGE : 0) | (c->zones.has_sum ? COLUMN_HAS_SUM : 0))));
    FN_TRY(put_u32(ctx, out, c->streams.count));
    for (uint32_t i = 0; i < c->streams.count; i++, section.data += section.size) {
        section.size = c->sections[i];
        FN_TRY(put_dictionary(ctx, w, c, i, section, out));
    }
    section.size = c->sections[c->streams.count];
    FN_TRY(write_section(ctx, w, c, REF_ZONES, section, &zones));
    FN_TRY(put_reference(ctx, out, &zones));
    fn_store_u64(out->data + disk_at, c->disk_bytes);
    return fn_buf_append(ctx, out, c->references.data, c->references.size); /* same layout in memory as on disk */
}

static fn_status put_types(fn_ctx *ctx, fn_part_writer *w, uint32_t count_at, fn_buf *out)
{
    uint32_t types = 0;
    for (uint32_t i = 0; i < w->column_count; i++) {
        uint32_t before = 0;
        while (w->columns[before].info.type != w->columns[i].info.type) before++;
        if (before < i) {
            w->columns[i].type_number = w->columns[before].type_number;
            continue;
        }
        w->columns[i].type_number = types++;
        FN_TRY(put_text(ctx, out, fn_cstr(w->columns[i].info.type->name)));
    }
    fn_store_u32(out->data + count_at, types);
    return FN_OK;
}

static fn_status put_index(fn_ctx *ctx, fn_part_writer *w, fn_buf *out)
{
    for (uint32_t i = 0; i < w->options.key_count; i++) {
        fn_column *column;
        if (w->last) FN_TRY(fn_builder_copy(ctx, &w->keys[i], w->last->columns[w->key_columns[i]], 0));
        FN_TRY(put_u32(ctx, out, w->key_columns[i]));
        FN_TRY(fn_builder_finish(ctx, &w->keys[i], &column));
        const fn_status status = w->rows ? part_column_save(ctx, column, out) : FN_OK;
        fn_column_drop(column);
        FN_TRY(status);
    }
    return FN_OK;
}

static fn_status put_footer(fn_ctx *ctx, fn_part_writer *w, uint64_t raw_bytes, fn_buf *out)
{
    uint32_t granules = 0;
    for (uint32_t i = 0; i < w->segments; i++) granules += fn_load_u32(w->segment_granules.data + i * sizeof(uint32_t));
    FN_TRY(put_u64(ctx, out, w->options.id.high));
    FN_TRY(put_u64(ctx, out, w->options.id.low));
    FN_TRY(put_u64(ctx, out, w->rows));
    FN_TRY(put_u64(ctx, out, raw_bytes));
    FN_TRY(put_u32(ctx, out, granules));
    FN_TRY(put_u32(ctx, out, w->segments));
    const uint32_t types_at = (uint32_t)out->size;
    FN_TRY(put_u32(ctx, out, 0));
    FN_TRY(put_u32(ctx, out, w->column_count));
    FN_TRY(put_u32(ctx, out, w->options.key_count));
    FN_TRY(put_types(ctx, w, types_at, out));
    FN_TRY(fn_buf_append(ctx, out, w->segment_granules.data, w->segment_granules.size));
    for (uint32_t i = 0; i < w->column_count; i++) FN_TRY(put_column(ctx, w, &w->columns[i], out));
    return put_index(ctx, w, out);
}

fn_status fn_part_writer_attach(fn_ctx *ctx, fn_part_writer *w, uint64_t id, const void *bytes, size_t size)
{
    const part_reference ref = {w->file_at, size, part_checksum(bytes, size, w->options.id, (uint32_t)id, (uint32_t)(id >> 32))};
    FN_TRY(append(ctx, w, bytes, size));
    FN_TRY(put_u64(ctx, &w->attachments, id));
    return put_reference(ctx, &w->attachments, &ref);
}

static fn_status copy_piece(fn_ctx *ctx, fn_part_writer *w, fn_file *from, uint64_t at, size_t size, void *piece, fn_hash_stream *hash)
{
    fn_fs *fs = w->options.fs;
    const fn_range range = {at, size, piece};
    FN_TRY(fn_ctx_check(ctx));
    FN_TRY(fs->read(fs, ctx, from, &range, 1));
    fn_hash_stream_add(hash, piece, size);
    return append(ctx, w, piece, size);
}

static fn_status copy_file(fn_ctx *ctx, fn_part_writer *w, const char *path, const fn_part_summary *summary, void *piece, fn_hash_stream *hash)
{
    fn_fs *fs = w->options.fs;
    fn_file *from;
    fn_status status = fs->open(fs, ctx, path, FN_OPEN_READ, &from);
    FN_TRY(status);
    for (uint64_t at = 0; at < summary->file_bytes && status == FN_OK; at += COPY_PIECE)
        status = copy_piece(ctx, w, from, at, (size_t)FN_MIN(summary->file_bytes - at, (uint64_t)COPY_PIECE), piece, hash);
    fs->close(fs, from);
    FN_TRY(status);
    const fn_hash128 is = fn_hash_stream_end(hash);
    if (is.low == summary->bytes.low && is.high == summary->bytes.high) return FN_OK;
    return fn_fail(ctx, FN_CHECKSUM_DOESNT_MATCH, "Part file %s: what is read is not what was written", path);
}

fn_status fn_part_writer_embed(fn_ctx *ctx, fn_part_writer *w, uint64_t number, const char *path, fn_part_id id, const fn_part_summary *summary)
{
    const part_reference ref = {w->file_at, summary->file_bytes, summary->checksum};
    void *piece = fn_alloc(ctx, COPY_PIECE);
    fn_hash_stream *hash = piece ? fn_hash_stream_new() : NULL;
    FN_TRY_PTR(ctx, piece);
    fn_status status = hash ? copy_file(ctx, w, path, summary, piece, hash) : fn_fail(ctx, FN_CANNOT_ALLOCATE_MEMORY, "No memory for a hash");
    if (hash) fn_hash_stream_free(hash);
    fn_free(piece);
    FN_TRY(status);
    FN_TRY(put_u64(ctx, &w->inner, number));
    FN_TRY(put_u64(ctx, &w->inner, id.high));
    FN_TRY(put_u64(ctx, &w->inner, id.low));
    return put_reference(ctx, &w->inner, &ref);
}

static fn_status put_attachments(fn_ctx *ctx, const fn_part_writer *w, fn_buf *out)
{
    if (w->attachments.size == 0 && w->inner.size == 0) return FN_OK;
    FN_TRY(put_u32(ctx, out, (uint32_t)(w->attachments.size / ATTACHMENT_SIZE)));
    FN_TRY(fn_buf_append(ctx, out, w->attachments.data, w->attachments.size));
    if (w->inner.size == 0) return FN_OK;
    FN_TRY(put_u32(ctx, out, (uint32_t)(w->inner.size / INNER_SIZE)));
    return fn_buf_append(ctx, out, w->inner.data, w->inner.size);
}

static fn_status finish(fn_ctx *ctx, fn_part_writer *w, fn_part_summary *out, fn_buf *footer)
{
    w->finishing = true;
    for (uint32_t i = 0; i < w->column_count && w->by_column; i++) FN_ASSERT(w->columns[i].written);
    if (!w->whole && !w->by_column) {
        FN_TRY(flush(ctx, w));
        FN_TRY(each_column(ctx, w, encode_sections));
    }
    *out = (fn_part_summary){.rows = w->rows};
    for (uint32_t i = 0; i < w->column_count; i++) out->raw_bytes += w->columns[i].streams.raw_bytes;
    FN_TRY(put_footer(ctx, w, out->raw_bytes, footer));
    FN_TRY(put_attachments(ctx, w, footer));
    if (footer->size > FOOTER_MAX) return fn_fail(ctx, FN_LOGICAL_ERROR, "The footer of part %s would have %zu bytes", w->path, footer->size);
    out->checksum = part_checksum(footer->data, footer->size, w->options.id, UINT32_MAX, 0);
    FN_TRY(put_u32(ctx, footer, (uint32_t)footer->size));
    FN_TRY(put_u32(ctx, footer, w->inner.size ? PART_VERSION : PART_VERSION_PLAIN));
    FN_TRY(fn_buf_append(ctx, footer, &out->checksum, sizeof out->checksum));
    FN_TRY(fn_buf_append(ctx, footer, PART_MAGIC, MAGIC_SIZE));
    fn_fs *fs = w->options.fs;
    FN_TRY((w->options.scratch ? fs->write : fs->write_sync)(fs, ctx, w->file, w->file_at, footer->data, footer->size));
    w->file_at += footer->size;
    if (w->hash) {
        fn_hash_stream_add(w->hash, footer->data, footer->size);
        out->bytes = fn_hash_stream_end(w->hash);
    }
    out->file_bytes = w->file_at;
    w->done = true;
    return FN_OK;
}

fn_status fn_part_writer_finish(fn_ctx *ctx, fn_part_writer *w, fn_part_summary *out)
{
    fn_buf footer = FN_BUF_INIT;
    const fn_status status = finish(ctx, w, out, &footer);
    fn_buf_release(&footer);
    return status;
}
