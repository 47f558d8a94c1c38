/* exec/group_key.h - GROUP BY and DISTINCT keys in the form the tables take.
 *
 * Fixed-width keys are packed side by side into 8 or 16 bytes, with a bit per nullable key; strings that come as dictionary
 * codes are 4 bytes of a shared numbering. One plain String is a key by itself; what remains is written out as a byte image.
 * The form is chosen once, by the shapes of the first block. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_GROUP_KEY_H
#define FIRN_EXEC_GROUP_KEY_H
#include "exec/group_dict.h"
#include "exec/group_table.h"

typedef struct group_key {
    const fn_type *type;
    uint32_t offset, width; /* in the packed key */
    uint32_t null_bit;
    bool nullable;
    group_dict *dict;       /* coded by it; NULL: by value */
} group_key;

typedef struct group_keys {
    group_key *keys;
    uint32_t count;
    group_form form;
    bool single_text;       /* BYTES: the key is the string itself, or NULL */
    bool fixed_image;       /* BYTES: packed like the packed forms, only wider */
    bool by_code;           /* a single text that comes as codes of dictionaries: its ids are the keys */
    uint32_t null_offset;   /* of the null bits; packed forms */
    uint32_t width;         /* bytes used; packed forms */
} group_keys;

/* A worker's scratch. */
typedef struct group_packer {
    uint8_t *packed;        /* GROUP_CHUNK x 16 */
    uint32_t *ids;          /* GROUP_CHUNK */
    fn_buf image;
    group_dict_map *maps;   /* per key */
    uint32_t map_count;
} group_packer;

/* types: of the outputs; shapes from `columns`. Arrays in ctx->arena: it must live as long as the keys. */
fn_status group_keys_plan(fn_ctx *ctx, const fn_type *const *types, fn_column *const *columns, uint32_t count, group_keys *out) FN_MUST_USE;
void group_keys_release(group_keys *k);
fn_status group_packer_init(fn_ctx *ctx, const group_keys *k, group_packer *p) FN_MUST_USE;
void group_packer_release(group_packer *p);
/* The keys of rows [from, from + rows), rows <= GROUP_CHUNK: *out with *stride bytes between them, valid until the next call;
 * those of the BYTES form point into the columns or the packer. */
fn_status group_keys_pack(fn_ctx *ctx, const group_keys *k, group_packer *p, fn_column *const *columns, uint32_t from, uint32_t rows, const void **out,
                          size_t *stride) FN_MUST_USE;
/* A string, or NULL, as a key of the single_text form; the bytes stay where they are. */
group_text group_text_at(const fn_column *c, size_t row);
/* by_code: the ids of rows, GROUP_CHUNK at most. */
fn_status group_keys_ids(fn_ctx *ctx, const group_keys *k, group_packer *p, const fn_column *c, uint32_t from, uint32_t rows, const uint32_t **out) FN_MUST_USE;
/* Columns of the keys that lie at the head of `rows` slots. Coded keys come out as DICT. */
fn_status group_keys_unpack(fn_ctx *ctx, const group_keys *k, uint8_t *const *slots, uint32_t rows, fn_column **out) FN_MUST_USE;
/* Puts texts of fresh slots into the arena (BYTES form; nothing to do otherwise). */
fn_status group_keys_settle(fn_ctx *ctx, const group_keys *k, fn_arena *arena, uint8_t *const *fresh, uint32_t count) FN_MUST_USE;
#endif
