/* exec/key_counter.h - a count per key, shared by workers: LIMIT BY, INTERSECT, EXCEPT. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_KEY_COUNTER_H
#define FIRN_EXEC_KEY_COUNTER_H
#include "exec/group_key.h"
#include "exec/op.h"

typedef struct key_counter {
    const fn_type **types;
    uint32_t key_count;
    pthread_mutex_t lock;   /* over everything below */
    bool ready;
    group_keys keys;
    group_table table;
    group_packer packer;
    fn_arena *arena;        /* of the keys and their texts */
    uint8_t **slots, **fresh;
} key_counter;

/* What happens to a key's count at each row, and what is told about it. */
typedef enum key_counting {
    COUNT_NUMBER,   /* told: the count before; then one more */
    COUNT_TAKE,     /* told: 1 and one less if there is any, else 0 */
    COUNT_LOOK      /* told: 1 if there is any; nothing changes */
} key_counting;

/* types live in ctx->arena or longer. */
fn_status key_counter_init(fn_ctx *ctx, key_counter *k, const fn_type **types, uint32_t key_count) FN_MUST_USE;
void key_counter_release(key_counter *k);
/* Row by row, in order, atomically for the whole call. told: `rows` numbers, or NULL. */
fn_status key_counter_count(fn_ctx *ctx, key_counter *k, fn_column *const *columns, uint32_t rows, key_counting how, uint64_t *told) FN_MUST_USE;
#endif
