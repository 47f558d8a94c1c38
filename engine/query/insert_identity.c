/* insert_identity.c - see insert_identity.h. SPDX-License-Identifier: Apache-2.0 */
#include "query/insert_identity.h"
#include "query/insert.h"

/* ---- is it wanted ---- */
bool insert_identity_enabled(const fn_settings *s, bool asynchronous)
{
    if (!fn_str_eq(s->deduplicate_insert, FN_STR("backward_compatible_choice"))) return fn_str_eq(s->deduplicate_insert, FN_STR("enable"));
    return asynchronous ? s->async_insert_deduplicate : s->insert_deduplicate;
}

/* As ClickHouse sees it: one SELECT with ORDER BY ALL. */
static bool is_stable(const ast_query *select)
{
    return select->op == SET_NONE && select->select->order_by.all;
}

static fn_status select_wants(query *q, const ast_query *select, bool *out)
{
    const fn_settings *s = &q->settings;
    const bool stable = is_stable(select) || s->insert_deduplication_token.size;
    *out = false;
    if (fn_str_eq(s->deduplicate_insert_select, FN_STR("disable"))) return FN_OK;
    if (fn_str_eq(s->deduplicate_insert_select, FN_STR("force_enable"))) {
        *out = true;
        if (stable) return FN_OK;
        return fn_fail(q->ctx, FN_DEDUPLICATION_IS_NOT_POSSIBLE, "Deduplication for INSERT SELECT with non-stable SELECT is not possible (the SELECT part can return "
                       "different results on each execution). You can set `deduplicate_insert_select` to 'enable_when_possible' to skip deduplication for such "
                       "queries, or to 'disable' to turn it off. Or make SELECT query stable (for example, by adding ORDER BY all to the query) or provide "
                       "`insert_deduplication_token`.");
    }
    *out = insert_identity_enabled(s, false) && (stable || fn_str_eq(s->deduplicate_insert_select, FN_STR("enable_even_for_bad_queries")));
    return FN_OK;
}

fn_status insert_identity_begin(query *q, const ast_query *select, insert_identity *out)
{
    const fn_str token = q->settings.insert_deduplication_token;
    *out = (insert_identity){.named = token.size != 0};
    if (select) FN_TRY(select_wants(q, select, &out->wanted));
    else out->wanted = insert_identity_enabled(&q->settings, q->settings.async_insert);
    if (out->named) out->state = fn_hash_bytes128(token.data, token.size);
    return FN_OK;
}

/* ---- the rows ---- */
/* The stored columns that were given; all of them when one was given that is not stored, as its value shows only in others. */
static void mark_given(const insert_target *in, uint8_t *given)
{
    bool hidden = false;
    for (uint32_t i = 0; i < in->given_count; i++) hidden |= !table_column_is_stored(&in->schema->columns[in->given[i]]);
    for (uint32_t i = 0, stored = 0; i < in->schema->count; i++) {
        if (!table_column_is_stored(&in->schema->columns[i])) continue;
        given[stored] = hidden;
        for (uint32_t k = 0; k < in->given_count && !given[stored]; k++) given[stored] = in->given[k] == i;
        stored++;
    }
}

static void add_hash(fn_hash128 *state, uint64_t hash)
{
    state->low = fn_hash_mix(state->low, hash);
    state->high = fn_hash_mix(state->high ^ 0x9e3779b97f4a7c15u, hash);
}

static fn_status add_rows(insert_target *in, fn_ctx *ctx, const fn_block *stored, const uint8_t *given, uint64_t *hashes)
{
    bool first = true;
    insert_identity *identity = &in->identity;
    for (uint32_t c = 0; c < stored->count; c++) {
        if (!given[c]) continue;
        FN_TRY(fn_column_hash(ctx, stored->columns[c], hashes, first));
        first = false;
    }
    if (!identity->begun)
        for (uint32_t i = 0; i < in->given_count; i++) add_hash(&identity->state, in->schema->columns[in->given[i]].id);
    identity->begun = true;
    for (uint32_t i = 0; i < stored->rows; i++) add_hash(&identity->state, first ? 0 : hashes[i]);
    return FN_OK;
}

static fn_status hash_block(insert_target *in, fn_ctx *ctx, const fn_block *stored)
{
    uint8_t *given = fn_alloc_zero(ctx, stored->count + 1u);
    uint64_t *hashes = fn_alloc(ctx, ((size_t)stored->rows + 1) * sizeof *hashes);
    fn_status status = given && hashes ? FN_OK : ctx->error.code;
    if (status == FN_OK) mark_given(in, given);
    if (status == FN_OK) status = add_rows(in, ctx, stored, given, hashes);
    fn_free(given);
    fn_free(hashes);
    return status;
}

fn_status insert_identity_add(insert_target *in, fn_ctx *ctx, const fn_block *stored)
{
    if (!in->identity.wanted || !in->writer->identify) return FN_OK;
    if (!in->identity.named) FN_TRY(hash_block(in, ctx, stored));
    in->writer->identify(in->writer, in->identity.state);
    return FN_OK;
}

fn_status insert_identity_of_view(insert_target *from, const table *view, insert_identity *out)
{
    query *q = from->query;
    *out = (insert_identity){.wanted = from->identity.wanted && q->settings.deduplicate_blocks_in_dependent_materialized_views, .named = true};
    if (!out->wanted) return FN_OK;
    if (!from->identity.named && !from->identity.begun) /* the source remembers nothing itself */
        for (uint32_t i = 0; i < from->kept_count; i++) FN_TRY(hash_block(from, q->ctx, from->kept[i]));
    struct {
        fn_hash128 source;
        char uuid[36];
    } words = {.source = from->identity.state};
    memcpy(words.uuid, view->uuid, sizeof words.uuid);
    out->state = fn_hash_bytes128(&words, sizeof words.source + sizeof words.uuid);
    return FN_OK;
}
