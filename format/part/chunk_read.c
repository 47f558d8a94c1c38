/* chunk_read.c - values of one stream out of a segment's chunk: whole blocks are decoded straight into the output, a piece of a block
 * by way of a scratch buffer. SPDX-License-Identifier: Apache-2.0 */
#include "part/part_reader.h"

void chunk_reader_release(chunk_reader *r)
{
    fn_buf_release(&r->scratch);
    fn_buf_release(&r->block);
}

bool chunk_open(const uint8_t *data, size_t size, chunk_view *out)
{
    enc_in in = {data, data + size};
    if (!enc_take_u32(&in, &out->values) || !enc_take_u32(&in, &out->blocks)) return false;
    const uint8_t *form = enc_take(&in, 1);
    if (!form || *form > CHUNK_CODES) return false;
    out->form = (chunk_form)*form;
    const uint32_t step = chunk_block_rows(out->form);
    if (out->blocks != ((uint64_t)out->values + step - 1) / step) return false;
    out->ends = enc_take(&in, (uint64_t)out->blocks * sizeof(uint32_t));
    out->items_before = out->form == CHUNK_LENGTHS ? enc_take(&in, (uint64_t)out->blocks * sizeof(uint32_t)) : in.at;
    if (!out->ends || !out->items_before) return false;
    out->payload = in.at;
    out->payload_size = (size_t)(in.end - in.at);
    uint32_t before = 0;
    for (uint32_t i = 0; i < out->blocks; i++) {
        const uint32_t end = fn_load_u32(out->ends + i * sizeof end);
        if (end < before) return false;
        before = end;
    }
    return before == out->payload_size;
}

static fn_status damaged(chunk_reader *r, const segment_view *s, const char *what)
{
    return part_damaged(r->ctx, r->part, r->column, s->offset, what);
}

fn_status chunk_of_stream(chunk_reader *r, const segment_view *s, uint32_t stream, chunk_view *out)
{
    enc_in in = {s->data, s->data + s->size};
    uint32_t rows, streams;
    if (!enc_take_u32(&in, &rows) || !enc_take_u32(&in, &streams) || streams != r->column->streams) return damaged(r, s, "damaged segment head");
    const uint8_t *sizes = enc_take(&in, (uint64_t)streams * sizeof(uint32_t)), *chunk = NULL;
    for (uint32_t i = 0; sizes && i <= stream; i++) {
        const uint32_t size = fn_load_u32(sizes + i * sizeof size);
        chunk = enc_take(&in, size);
        if (!chunk) break;
        if (i == stream) return chunk_open(chunk, size, out) ? FN_OK : damaged(r, s, "damaged chunk head");
    }
    return damaged(r, s, "damaged segment head");
}

static const uint8_t *block_at(const chunk_view *c, uint32_t block, size_t *size)
{
    const uint32_t from = block ? fn_load_u32(c->ends + (block - 1) * sizeof from) : 0;
    *size = fn_load_u32(c->ends + block * sizeof from) - from;
    return c->payload + from;
}

static fn_status open_block(chunk_reader *r, const segment_view *s, const chunk_view *c, uint32_t block, fn_str *inner)
{
    size_t size;
    const uint8_t *bytes = block_at(c, block, &size);
    const fn_status status = enc_block_open(r->ctx, bytes, size, &r->scratch, inner);
    if (status != FN_OK)
        (void)fn_error_prefix(r->ctx, "Part file %s, column %u, offset %llu: ", r->part->path, r->column->info.id, (unsigned long long)s->offset);
    return status;
}

fn_status chunk_read_fixed(chunk_reader *r, const segment_view *s, const chunk_view *c, uint32_t from, uint32_t count, unsigned width, uint8_t *out)
{
    if (c->form == CHUNK_TEXT || from > c->values || count > c->values - from) return damaged(r, s, "a chunk has fewer values than it should");
    for (uint32_t done = 0; done < count;) {
        const uint32_t block = (from + done) / BLOCK_ROWS, skip = (from + done) % BLOCK_ROWS;
        const uint32_t rows = FN_MIN(c->values - block * BLOCK_ROWS, (uint32_t)BLOCK_ROWS), take = FN_MIN(rows - skip, count - done);
        fn_str inner;
        FN_TRY(open_block(r, s, c, block, &inner));
        uint8_t *to = out + (size_t)done * width;
        const bool whole = take == rows;
        if (!whole) {
            r->block.size = 0;
            FN_TRY(fn_buf_reserve(r->ctx, &r->block, (size_t)rows * width));
        }
        const uint8_t *packed = (const uint8_t *)inner.data;
        if (whole ? !enc_decode(packed, inner.size, rows, width, 0, to) : !enc_decode_some(packed, inner.size, rows, width, skip, take, (uint8_t *)r->block.data))
            return damaged(r, s, "damaged block");
        if (!whole) memcpy(to, r->block.data + (size_t)skip * width, (size_t)take * width);
        done += take;
    }
    return FN_OK;
}

bool chunk_constant(const chunk_view *c, uint32_t from, uint32_t count, fn_str *value)
{
    if (count == 0 || from > c->values || count > c->values - from) return false;
    const uint32_t step = chunk_block_rows(c->form);
    for (uint32_t block = from / step; block <= (from + count - 1) / step; block++) {
        size_t size;
        const uint8_t *bytes = block_at(c, block, &size);
        if (size < 2 || bytes[0] != 0 || bytes[1] != ENC_CONSTANT) return false;
        const fn_str found = {(const char *)bytes + 2, size - 2};
        if (block > from / step && !fn_str_eq(found, *value)) return false;
        *value = found;
    }
    return true;
}

/* ---- strings ---- */

static fn_status make_room(chunk_reader *r, text_out *out, uint64_t more)
{
    if (out->used + more > UINT32_MAX)
        return fn_fail(r->ctx, FN_TOO_LARGE_STRING_SIZE, "Strings of more than 4 GiB in one block of rows; read fewer rows at once");
    if (out->bytes && out->bytes->size >= out->used + more) return FN_OK;
    fn_buffer *larger = fn_buffer_new(r->ctx, out->used + more + out->used / 2);
    FN_TRY_PTR(r->ctx, larger);
    if (out->used) memcpy(larger->data, out->bytes->data, out->used);
    fn_buffer_drop(out->bytes);
    out->bytes = larger;
    return FN_OK;
}

static void append_offsets(text_out *out, const uint32_t *lengths, uint32_t count)
{
    uint32_t at = (uint32_t)out->used;
    for (uint32_t i = 0; i < count; i++) out->offsets[out->rows + 1 + i] = at += lengths[i];
    out->rows += count;
    out->used = at;
}

static fn_status read_coded(chunk_reader *r, const segment_view *s, const chunk_view *c, uint32_t from, uint32_t count, const fn_column *dictionary,
                            text_out *out)
{
    if (!dictionary) return damaged(r, s, "codes without a dictionary");
    uint32_t codes[PACK_ROWS], lengths[PACK_ROWS];
    for (uint32_t done = 0; done < count; done += PACK_ROWS) {
        const uint32_t n = FN_MIN(count - done, (uint32_t)PACK_ROWS);
        uint64_t bytes = 0;
        FN_TRY(chunk_read_fixed(r, s, c, from + done, n, sizeof *codes, (uint8_t *)codes));
        for (uint32_t i = 0; i < n; i++) {
            if (codes[i] >= dictionary->rows) return damaged(r, s, "a code beyond the dictionary");
            lengths[i] = dictionary->offsets[codes[i] + 1] - dictionary->offsets[codes[i]];
            bytes += lengths[i];
        }
        FN_TRY(make_room(r, out, bytes));
        uint8_t *to = out->bytes->data + out->used;
        for (uint32_t i = 0; i < n; to += lengths[i++]) memcpy(to, dictionary->values + dictionary->offsets[codes[i]], lengths[i]);
        append_offsets(out, lengths, n);
    }
    return FN_OK;
}

fn_status chunk_read_text(chunk_reader *r, const segment_view *s, const chunk_view *c, uint32_t from, uint32_t count, const fn_column *dictionary,
                          text_out *out)
{
    if (c->form == CHUNK_CODES) return read_coded(r, s, c, from, count, dictionary, out);
    if (c->form != CHUNK_TEXT || from > c->values || count > c->values - from) return damaged(r, s, "a chunk has fewer strings than it should");
    enum { ROWS = TEXT_BLOCK_ROWS };
    uint32_t lengths[ROWS];
    for (uint32_t done = 0; done < count;) {
        const uint32_t block = (from + done) / ROWS, skip = (from + done) % ROWS;
        const uint32_t rows = FN_MIN(c->values - block * ROWS, (uint32_t)ROWS), take = FN_MIN(rows - skip, count - done);
        fn_str inner;
        const uint8_t *bytes;
        uint64_t total, before = 0, wanted = 0;
        bool constant;
        FN_TRY(open_block(r, s, c, block, &inner));
        if (!enc_text_decode((const uint8_t *)inner.data, inner.size, rows, lengths, &bytes, &total, &constant)) return damaged(r, s, "damaged block of strings");
        for (uint32_t i = 0; i < skip; i++) before += lengths[i];
        for (uint32_t i = 0; i < take; i++) wanted += lengths[skip + i];
        FN_TRY(make_room(r, out, wanted));
        uint8_t *to = out->bytes->data + out->used;
        if (!constant && wanted) memcpy(to, bytes + before, wanted);
        for (uint32_t i = 0; constant && lengths[0] && i < take; i++) memcpy(to + (size_t)i * lengths[0], bytes, lengths[0]);
        append_offsets(out, lengths + skip, take);
        done += take;
    }
    return FN_OK;
}
