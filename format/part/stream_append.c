/* stream_append.c - columns taken apart into streams: nulls, values, lengths, strings (with or without dictionary).
 *
 * A string stream begins with a dictionary and gives it up when it does not pay: entries beyond a sixteenth of the memory (1 GiB at most), or new ones still
 * coming with every second string (judged at every doubling, so that 50,000 values in millions of rows are not mistaken), or in the
 * end more than half of them distinct. Values under a NULL are written as 0 or '', whatever they were.
 * SPDX-License-Identifier: Apache-2.0 */
#include "part/stream_write.h"
#include <unistd.h>

enum {
    DICT_JUDGE_ROWS = 32768, /* the first judgement, lenient; then at every doubling */
    DICT_BYTES_MAX = 1 << 30, DICT_BYTES_LEAST = 256 << 20,
    DICT_ENTRIES_MAX = 32 << 20,
};

/* What a reader holds in memory; in exchange codes are read 100 times faster than strings, and grouped 20 times faster. */
static uint64_t dict_bytes_max(void)
{
    enum { SHARE = 16 };
    return FN_MIN(FN_MAX(fn_memory_size() / SHARE, (uint64_t)DICT_BYTES_LEAST), (uint64_t)DICT_BYTES_MAX);
}

static fn_status init_node(fn_ctx *ctx, column_streams *c, const part_node *n)
{
    if (n->nullable) c->streams[n->null_stream] = (stream){.form = CHUNK_FIXED, .width = 1, .kind = ENC_UNSIGNED};
    stream *s = &c->streams[n->value_stream];
    switch (n->kind) {
    case NODE_FIXED: *s = (stream){.form = CHUNK_FIXED, .width = n->base->width, .kind = part_enc_kind(n->base)}; break;
    case NODE_ARRAY: *s = (stream){.form = CHUNK_LENGTHS, .width = sizeof(uint32_t), .kind = ENC_UNSIGNED}; break;
    case NODE_TEXT:
        *s = (stream){.form = CHUNK_TEXT, .dict_bytes_max = dict_bytes_max(), .keep_dict = fn_type_strip_low_cardinality(n->type) != n->type};
        s->dict = fn_alloc_zero(ctx, sizeof *s->dict);
        FN_TRY_PTR(ctx, s->dict);
        FN_TRY(text_dict_init(ctx, s->dict));
        s->dict_alive = n->base->id != FN_T_AGGREGATE_FUNCTION;
        break;
    case NODE_TUPLE:
    case NODE_NOTHING: break;
    }
    for (uint32_t i = 0; i < n->kid_count; i++) FN_TRY(init_node(ctx, c, &n->kids[i]));
    return FN_OK;
}

fn_status streams_init(fn_ctx *ctx, column_streams *c, const fn_type *type, fn_str codec, bool thorough)
{
    *c = (column_streams){.thorough = thorough};
    FN_TRY(part_codec_parse(ctx, codec, &c->outer));
    uint32_t count = 0;
    FN_TRY(part_node_build(ctx, type, &c->root, &count));
    c->streams = fn_alloc_zero(ctx, (count + 1u) * sizeof *c->streams);
    FN_TRY_PTR(ctx, c->streams);
    c->count = count;
    return init_node(ctx, c, &c->root);
}

void streams_release(column_streams *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        stream *s = &c->streams[i];
        fn_buf_release(&s->values);
        fn_buf_release(&s->lengths);
        fn_buf_release(&s->codes);
        fn_buf_release(&s->looks);
        if (s->dict) text_dict_release(s->dict);
        fn_free(s->dict);
    }
    fn_free(c->streams);
    c->streams = NULL;
    c->count = 0;
}

void streams_discard(column_streams *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        stream *s = &c->streams[i];
        fn_buf_release(&s->values);
        fn_buf_release(&s->lengths);
        fn_buf_release(&s->codes);
        fn_buf_release(&s->looks);
        if (!s->dict) continue;
        const uint32_t entries = s->dict->entries;
        text_dict_release(s->dict);
        s->dict->entries = entries;
    }
}

uint64_t streams_bytes(const column_streams *c)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < c->count; i++) bytes += c->streams[i].values.size + c->streams[i].lengths.size + c->streams[i].codes.size;
    return bytes;
}

static fn_status append_bytes(fn_ctx *ctx, stream *s, const void *values, size_t count)
{
    s->count += (uint32_t)count;
    return fn_buf_append(ctx, &s->values, values, count * s->width);
}

static fn_status append_nulls(fn_ctx *ctx, stream *s, const uint8_t *nulls, uint32_t rows)
{
    FN_TRY(fn_buf_reserve(ctx, &s->values, rows));
    char *to = s->values.data + s->values.size;
    if (!nulls) memset(to, 0, rows);
    else
        for (uint32_t i = 0; i < rows; i++) to[i] = nulls[i] != 0;
    s->values.size += rows;
    s->count += rows;
    return FN_OK;
}

static fn_status append_fixed(fn_ctx *ctx, column_streams *c, stream *s, const fn_column *flat, size_t from, uint32_t rows)
{
    const size_t at = s->values.size;
    FN_TRY(append_bytes(ctx, s, flat->values + from * s->width, rows));
    c->raw_bytes += (uint64_t)rows * s->width;
    if (!flat->nulls) return FN_OK;
    for (uint32_t i = 0; i < rows; i++)
        if (flat->nulls[from + i]) memset(s->values.data + at + (size_t)i * s->width, 0, s->width);
    return FN_OK;
}

/* ---- strings ---- */

/* The codes kept become strings; entries stay for chunks that refer to them. */
static fn_status give_up(fn_ctx *ctx, stream *s, const fn_buf *codes)
{
    s->dict_alive = false;
    for (size_t i = 0; i < codes->size; i += sizeof(uint32_t)) {
        const uint32_t code = fn_load_u32(codes->data + i);
        const fn_str text = code == DICT_NONE ? FN_STR("") : text_dict_at(s->dict, code);
        const uint32_t length = (uint32_t)text.size;
        FN_TRY(fn_buf_append(ctx, &s->lengths, &length, sizeof length));
        FN_TRY(fn_buf_append(ctx, &s->values, text.data, text.size));
    }
    return FN_OK;
}

static fn_status abandon_dictionary(fn_ctx *ctx, stream *s)
{
    fn_buf codes = s->codes;
    s->codes = FN_BUF_INIT;
    const fn_status status = give_up(ctx, s, &codes);
    fn_buf_release(&codes);
    if (s->dict_used || status != FN_OK) return status;
    text_dict_release(s->dict);
    s->dict_sorted = 0;
    return text_dict_init(ctx, s->dict);
}

static bool too_large(const stream *s)
{
    return s->dict->bytes > s->dict_bytes_max || s->dict->entries > DICT_ENTRIES_MAX;
}

/* distinct * 2 > strings: a code and half a string are hardly smaller than the string, and slower to make. */
bool stream_paid(const stream *s)
{
    return !too_large(s) && (uint64_t)s->dict->entries * (s->keep_dict ? 1 : 2) <= s->strings;
}

static bool promises(stream *s)
{
    if (too_large(s)) return false;
    if (s->strings < FN_MAX(s->judge_at, (uint64_t)DICT_JUDGE_ROWS)) return true;
    const uint64_t rows = s->strings - s->judged_strings, found = s->dict->entries - s->judged_entries;
    const bool first = s->judged_strings == 0;
    s->judged_strings = s->strings;
    s->judged_entries = s->dict->entries;
    s->judge_at = 2 * s->strings;
    return s->keep_dict || stream_paid(s) || found * 10 <= rows * (first ? 9 : 6);
}

static uint64_t text_bytes(const stream *s, const fn_column *col, size_t from, uint32_t rows, const uint32_t *codes)
{
    if (col->shape == FN_FLAT && !col->nulls) return rows + (uint64_t)(col->offsets[from + rows] - col->offsets[from]);
    uint64_t bytes = 0;
    if (s->dict->entries) /* NULL rows have code 0, which exists by now */
        for (uint32_t i = 0; i < rows; i++) bytes += 1 + text_dict_at(s->dict, codes[i]).size;
    return bytes;
}

/* Numbers of the values of rows [from, from + rows); NULLs have 0. */
static fn_status find_codes(fn_ctx *ctx, stream *s, const fn_column *col, size_t from, uint32_t rows, uint32_t *to)
{
    if (col->shape == FN_DICT) return text_dict_translate(ctx, s->dict, col, from, rows, to);
    if (col->shape == FN_CONST) {
        uint32_t code = 0;
        if (!col->nulls || !col->nulls[0]) FN_TRY(text_dict_add(ctx, s->dict, fn_column_str_at(col, 0), &code));
        for (uint32_t i = 0; i < rows; i++) to[i] = code;
        return FN_OK;
    }
    if (!col->nulls) return text_dict_add_all(ctx, s->dict, col, from, rows, to);
    for (uint32_t i = 0; i < rows; i++) {
        to[i] = 0;
        if (!col->nulls[from + i]) FN_TRY(text_dict_add(ctx, s->dict, fn_column_str_at(col, from + i), &to[i]));
    }
    return FN_OK;
}

static fn_status append_codes(fn_ctx *ctx, column_streams *c, stream *s, const fn_column *col, size_t from, uint32_t rows)
{
    FN_TRY(fn_buf_reserve(ctx, &s->codes, rows * sizeof(uint32_t)));
    uint32_t *to = (uint32_t *)(void *)(s->codes.data + s->codes.size);
    FN_TRY(find_codes(ctx, s, col, from, rows, to));
    c->raw_bytes += text_bytes(s, col, from, rows, to);
    s->codes.size += rows * sizeof(uint32_t);
    s->count += rows;
    s->strings += rows;
    return promises(s) ? FN_OK : abandon_dictionary(ctx, s);
}

/* Judged on the way, so that a column of distinct strings is not hashed to its end. */
fn_status stream_codes(fn_ctx *ctx, column_streams *c, stream *s, const fn_column *col, uint32_t *out, bool *alive)
{
    *alive = true;
    for (uint32_t from = 0, rows; from < col->rows && *alive; from += rows) {
        rows = FN_MIN(col->rows - from, (uint32_t)DICT_JUDGE_ROWS);
        FN_TRY(find_codes(ctx, s, col, from, rows, out + from));
        c->raw_bytes += text_bytes(s, col, from, rows, out + from);
        s->strings += rows;
        *alive = promises(s);
    }
    return FN_OK;
}

/* Numbers are decided about as rows that are appended are: the dictionary may be given up on the way. */
fn_status stream_append_codes(fn_ctx *ctx, column_streams *c, stream *s, const fn_part_pieces *rows, uint32_t index, uint32_t *out, bool *alive)
{
    const uint64_t raw_bytes = c->raw_bytes, strings = s->strings;
    for (uint32_t i = 0; i < rows->piece_count; i++) {
        const fn_column *col = rows->pieces[i]->columns[index];
        FN_TRY(find_codes(ctx, s, col, 0, col->rows, out));
        c->raw_bytes += text_bytes(s, col, 0, col->rows, out);
        s->strings += col->rows;
        out += col->rows;
    }
    *alive = promises(s);
    if (*alive) return FN_OK;
    c->raw_bytes = raw_bytes; /* the caller appends them as strings */
    s->strings = strings;
    return abandon_dictionary(ctx, s);
}

fn_status stream_without_dictionary(fn_ctx *ctx, column_streams *c, stream *s)
{
    c->raw_bytes = 0;
    s->strings = 0;
    s->dict_alive = false;
    text_dict_release(s->dict);
    return text_dict_init(ctx, s->dict);
}

static fn_status append_strings(fn_ctx *ctx, column_streams *c, stream *s, const fn_column *col, size_t from, uint32_t rows)
{
    FN_TRY(fn_buf_reserve(ctx, &s->lengths, rows * sizeof(uint32_t)));
    const size_t at = s->values.size;
    s->count += rows;
    s->strings += rows;
    if (col->shape == FN_FLAT && !col->nulls) { /* end to end already */
        const uint32_t *offsets = col->offsets + from;
        for (uint32_t i = 0; i < rows; i++) fn_store_u32(s->lengths.data + s->lengths.size + i * sizeof(uint32_t), offsets[i + 1] - offsets[i]);
        s->lengths.size += rows * sizeof(uint32_t);
        FN_TRY(fn_buf_append(ctx, &s->values, col->values + offsets[0], offsets[rows] - offsets[0]));
    } else {
        for (uint32_t i = 0; i < rows; i++) {
            const fn_str text = fn_column_is_null(col, from + i) ? FN_STR("") : fn_column_str_at(col, from + i);
            const uint32_t length = (uint32_t)text.size;
            FN_TRY(fn_buf_append(ctx, &s->lengths, &length, sizeof length));
            FN_TRY(fn_buf_append(ctx, &s->values, text.data, text.size));
        }
    }
    c->raw_bytes += rows + s->values.size - at;
    return FN_OK;
}

/* ---- the tree ---- */

static fn_status append_node(fn_ctx *ctx, column_streams *c, const part_node *n, const fn_column *col, size_t from, uint32_t rows);

static fn_status append_array(fn_ctx *ctx, column_streams *c, const part_node *n, const fn_column *flat, size_t from, uint32_t rows)
{
    stream *s = &c->streams[n->value_stream];
    FN_TRY(fn_buf_reserve(ctx, &s->values, rows * sizeof(uint32_t)));
    const uint32_t *offsets = flat->offsets + from;
    for (uint32_t i = 0; i < rows; i++) fn_store_u32(s->values.data + s->values.size + i * sizeof(uint32_t), offsets[i + 1] - offsets[i]);
    s->values.size += rows * sizeof(uint32_t);
    s->count += rows;
    c->raw_bytes += (uint64_t)rows * sizeof(uint64_t);
    return append_node(ctx, c, &n->kids[0], flat->kids[0], offsets[0], offsets[rows] - offsets[0]);
}

static fn_status append_flat(fn_ctx *ctx, column_streams *c, const part_node *n, const fn_column *flat, size_t from, uint32_t rows)
{
    if (n->nullable) {
        FN_TRY(append_nulls(ctx, &c->streams[n->null_stream], flat->nulls ? flat->nulls + from : NULL, rows));
        c->raw_bytes += rows;
    }
    switch (n->kind) {
    case NODE_FIXED: return append_fixed(ctx, c, &c->streams[n->value_stream], flat, from, rows);
    case NODE_ARRAY: return append_array(ctx, c, n, flat, from, rows);
    case NODE_TUPLE:
        for (uint32_t i = 0; i < n->kid_count; i++) FN_TRY(append_node(ctx, c, &n->kids[i], flat->kids[i], from, rows));
        return FN_OK;
    case NODE_TEXT: break;
    case NODE_NOTHING: return FN_OK;
    }
    stream *s = &c->streams[n->value_stream];
    return s->dict_alive ? append_codes(ctx, c, s, flat, from, rows) : append_strings(ctx, c, s, flat, from, rows);
}

/* Strings are taken in any shape; a constant one keeps its single null flag, so its nulls are spread here. */
static fn_status append_text(fn_ctx *ctx, column_streams *c, const part_node *n, const fn_column *col, size_t from, uint32_t rows)
{
    if (n->nullable) {
        stream *s = &c->streams[n->null_stream];
        if (col->shape == FN_CONST && col->nulls && col->nulls[0]) {
            FN_TRY(append_nulls(ctx, s, NULL, rows));
            memset(s->values.data + s->values.size - rows, 1, rows);
        } else {
            FN_TRY(append_nulls(ctx, s, col->shape != FN_CONST && col->nulls ? col->nulls + from : NULL, rows));
        }
        c->raw_bytes += rows;
    }
    stream *s = &c->streams[n->value_stream];
    return s->dict_alive ? append_codes(ctx, c, s, col, from, rows) : append_strings(ctx, c, s, col, from, rows);
}

static fn_status append_node(fn_ctx *ctx, column_streams *c, const part_node *n, const fn_column *col, size_t from, uint32_t rows)
{
    if (rows == 0) return FN_OK;
    if (n->kind == NODE_TEXT) return append_text(ctx, c, n, col, from, rows);
    if (col->shape == FN_FLAT) return append_flat(ctx, c, n, col, from, rows);
    fn_column *piece = fn_column_slice(ctx, col, from, rows);
    FN_TRY_PTR(ctx, piece);
    fn_column *flat = fn_column_flatten(ctx, piece);
    fn_column_drop(piece);
    FN_TRY_PTR(ctx, flat);
    const fn_status status = append_flat(ctx, c, n, flat, 0, rows);
    fn_column_drop(flat);
    return status;
}

fn_status streams_append(fn_ctx *ctx, column_streams *c, const fn_column *column, size_t from, uint32_t rows)
{
    return append_node(ctx, c, &c->root, column, from, rows);
}

/* All strings of a dictionary; codes: the number of each, DICT_NONE where it has got none. */
static fn_status seed_one(fn_ctx *ctx, stream *s, fn_column *d, uint32_t **codes)
{
    FN_ASSERT(d->shape == FN_FLAT && !d->nulls && d->type->phys == FN_PHYS_STRING);
    FN_TRY(text_dict_keep(ctx, s->dict, d));
    *codes = fn_alloc(ctx, FN_MAX(d->rows, 1u) * sizeof **codes);
    FN_TRY_PTR(ctx, *codes);
    memset(*codes, 0xff, d->rows * sizeof **codes);
    for (uint32_t k = 0; k < d->rows && !too_large(s); k++) FN_TRY(text_dict_add(ctx, s->dict, fn_column_str_at(d, k), *codes + k));
    return FN_OK;
}

/* The sources' numbers in order, as maps: rows of theirs need no look-up of their strings. */
static fn_status sort_seeds(fn_ctx *ctx, stream *s, fn_column *const *dictionaries, uint32_t count, uint32_t **codes)
{
    uint32_t *rank = fn_alloc(ctx, FN_MAX(s->dict->entries, 1u) * sizeof *rank);
    FN_TRY_PTR(ctx, rank);
    fn_status status = text_dict_sort(ctx, s->dict, rank);
    if (status == FN_OK) status = text_dict_seeded(ctx, s->dict);
    for (uint32_t i = 0; i < count && status == FN_OK; i++) {
        for (uint32_t k = 0; k < dictionaries[i]->rows; k++)
            if (codes[i][k] != DICT_NONE) codes[i][k] = rank[codes[i][k]] | DICT_UNMET;
        status = text_dict_set_map(ctx, s->dict, dictionaries[i], codes[i]);
        codes[i] = NULL;
    }
    fn_free(rank);
    return status;
}

fn_status streams_seed(fn_ctx *ctx, column_streams *c, const fn_part_dictionaries *from)
{
    stream *s = &c->streams[c->root.value_stream];
    if (c->root.kind != NODE_TEXT || !s->dict_alive || from->count == 0) return FN_OK;
    text_dict_expect(s->dict, from->count);
    if (from->mostly_unused) return FN_OK;
    uint32_t **codes = fn_alloc_zero(ctx, from->count * sizeof *codes);
    FN_TRY_PTR(ctx, codes);
    fn_status status = FN_OK;
    s->dict->borrows = true; /* who merges the sources holds their dictionaries anyway */
    for (uint32_t i = 0; i < from->count && status == FN_OK; i++) status = seed_one(ctx, s, from->list[i], &codes[i]);
    s->dict->borrows = false;
    if (status == FN_OK) status = sort_seeds(ctx, s, from->list, from->count, codes);
    for (uint32_t i = 0; i < from->count; i++) fn_free(codes[i]);
    fn_free(codes);
    s->judged_entries = s->dict_sorted = s->dict->entries;
    return status;
}

fn_status stream_ensure_entry(fn_ctx *ctx, stream *s)
{
    uint32_t code;
    return s->dict->entries ? FN_OK : text_dict_add(ctx, s->dict, FN_STR(""), &code);
}

fn_status stream_forget_unused(fn_ctx *ctx, stream *s)
{
    bool sorted = s->dict_sorted == s->dict->entries;
    FN_TRY(text_dict_forget_unused(ctx, s->dict, &sorted));
    if (!sorted) s->dict_sorted = 0;
    return FN_OK;
}

fn_status streams_settle(fn_ctx *ctx, column_streams *c, bool sort)
{
    for (uint32_t i = 0; i < c->count; i++) {
        stream *s = &c->streams[i];
        if (s->form != CHUNK_TEXT || !s->dict_alive || s->count == 0) continue;
        FN_TRY(stream_ensure_entry(ctx, s));
        if (s->dict_used) continue;
        if (!stream_paid(s)) {
            FN_TRY(abandon_dictionary(ctx, s));
            continue;
        }
        if (!sort || s->dict_sorted == s->dict->entries) continue;
        uint32_t *rank = fn_alloc(ctx, s->dict->entries * sizeof *rank);
        FN_TRY_PTR(ctx, rank);
        const fn_status status = text_dict_sort(ctx, s->dict, rank);
        for (size_t k = 0; k < s->codes.size && status == FN_OK; k += sizeof(uint32_t))
            fn_store_u32(s->codes.data + k, rank[fn_load_u32(s->codes.data + k)]);
        if (status == FN_OK) s->dict_sorted = s->dict->entries;
        fn_free(rank);
        FN_TRY(status);
    }
    return FN_OK;
}
