/* skip_index_prune.c - the skip indexes of a scan: which can tell something, and what they say about a part's granules. An entry of an
 * index is decided once and remembered. SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "table/mergetree/skip_index.h"
#include <stdlib.h>

typedef struct skip_use {
    const mt_index *ix;
    mt_conditions *conditions; /* minmax */
    skip_set *set;
    skip_match *match;         /* filters */
} skip_use;

struct mt_skip {
    skip_use *uses;
    uint32_t count;
};

typedef enum entry_state { ENTRY_OPEN, ENTRY_MAY, ENTRY_NEVER } entry_state;
typedef struct part_use {
    bool asked, absent;        /* its data was looked for; the part has none */
    fn_skip_data data;
    mt_pruner *pruner;
    uint8_t *state;            /* per entry: entry_state */
} part_use;

struct mt_skip_part {
    const mt_skip *skip;
    const fn_part *data;
    part_use *uses;
};

/* ---- names in settings ---- */

static fn_str trimmed(fn_str s)
{
    while (s.size && (s.data[0] == ' ' || s.data[0] == '`' || s.data[0] == '"')) s = (fn_str){s.data + 1, s.size - 1};
    while (s.size && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '`' || s.data[s.size - 1] == '"')) s.size--;
    return s;
}

/* Takes the first name off a list; false: none is left. */
static bool next_name(fn_str *list, fn_str *name)
{
    while (list->size) {
        const char *comma = memchr(list->data, ',', list->size);
        const size_t n = comma ? (size_t)(comma - list->data) : list->size;
        *name = trimmed((fn_str){list->data, n});
        *list = (fn_str){list->data + n + (comma != NULL), list->size - n - (comma != NULL)};
        if (name->size) return true;
    }
    return false;
}

bool mt_skip_names(fn_str list, fn_str name)
{
    fn_str one;
    while (next_name(&list, &one))
        if (fn_str_eq(one, name)) return true;
    return false;
}

/* ---- for a scan ---- */

static fn_status make_use(fn_ctx *ctx, const mt_index *ix, expr *const *conjuncts, uint32_t count, skip_use *out)
{
    *out = (skip_use){.ix = ix};
    switch (ix->kind) {
    case MT_INDEX_MINMAX: return mt_conditions_make_index(ctx, ix, conjuncts, count, &out->conditions);
    case MT_INDEX_SET: return skip_set_make(ctx, ix, conjuncts, count, &out->set);
    case MT_INDEX_BLOOM: case MT_INDEX_TOKENS: case MT_INDEX_NGRAMS: return skip_match_make(ctx, ix, conjuncts, count, &out->match);
    }
    FN_IMPOSSIBLE("kind of an index");
}

static bool tells(const skip_use *u)
{
    return u->set || u->match || (u->conditions && mt_conditions_tell(u->conditions));
}

/* Small data first: bounds, then the coarser ones, then fixed sizes. */
static int compare_uses(const void *a, const void *b)
{
    const skip_use *x = a, *y = b;
    const bool bounds_x = x->ix->kind == MT_INDEX_MINMAX, bounds_y = y->ix->kind == MT_INDEX_MINMAX;
    if (bounds_x != bounds_y) return bounds_x ? -1 : 1;
    if (x->ix->granularity != y->ix->granularity) return x->ix->granularity > y->ix->granularity ? -1 : 1;
    const uint64_t size_x = x->ix->shape.bytes ? x->ix->shape.bytes : UINT64_MAX, size_y = y->ix->shape.bytes ? y->ix->shape.bytes : UINT64_MAX;
    if (size_x != size_y) return size_x < size_y ? -1 : 1;
    return (x->ix > y->ix) - (x->ix < y->ix);
}

static fn_status check_forced(fn_ctx *ctx, const mt_skip *s)
{
    fn_str list = settings_of(ctx)->force_data_skipping_indices, name;
    while (next_name(&list, &name)) {
        bool found = false;
        for (uint32_t i = 0; i < s->count && !found; i++) found = fn_str_eq(s->uses[i].ix->name, name);
        if (!found)
            return fn_fail(ctx, FN_INDEX_NOT_USED, "Index `" FN_STR_FMT "` is not used and setting 'force_data_skipping_indices' contains it", FN_STR_ARG(name));
    }
    return FN_OK;
}

fn_status mt_skip_make(fn_ctx *ctx, const mt_shape *shape, expr *const *conjuncts, uint32_t count, bool final, mt_skip **out)
{
    const fn_settings *settings = settings_of(ctx);
    const mt_definition *d = shape->definition;
    const bool wanted = settings->use_skip_indexes && (!final || settings->use_skip_indexes_if_final);
    mt_skip *s = FN_NEW(ctx, mt_skip);
    FN_TRY_PTR(ctx, s);
    *out = s;
    s->uses = FN_NEW_ARRAY(ctx, skip_use, d->index_count + 1u);
    FN_TRY_PTR(ctx, s->uses);
    for (uint32_t i = 0; i < d->index_count && wanted; i++) {
        skip_use use;
        if (mt_skip_names(settings->ignore_data_skipping_indices, d->indexes[i].name)) continue;
        FN_TRY(make_use(ctx, &d->indexes[i], conjuncts, count, &use));
        if (tells(&use)) s->uses[s->count++] = use;
        else mt_conditions_release(use.conditions);
    }
    if (s->count > 1) qsort(s->uses, s->count, sizeof *s->uses, compare_uses);
    return wanted ? check_forced(ctx, s) : FN_OK;
}

void mt_skip_release(mt_skip *s)
{
    for (uint32_t i = 0; s && i < s->count; i++) mt_conditions_release(s->uses[i].conditions);
    if (s) s->count = 0;
}

uint32_t mt_skip_count(const mt_skip *s)
{
    return s->count;
}

const mt_index *mt_skip_index(const mt_skip *s, uint32_t at)
{
    return s->uses[at].ix;
}

/* ---- for a part ---- */

fn_status mt_skip_part_make(fn_ctx *ctx, const mt_skip *s, const fn_part *data, mt_skip_part **out)
{
    mt_skip_part *p = FN_NEW(ctx, mt_skip_part);
    FN_TRY_PTR(ctx, p);
    p->skip = s;
    p->data = data;
    p->uses = FN_NEW_ARRAY(ctx, part_use, s->count + 1u);
    FN_TRY_PTR(ctx, p->uses);
    *out = p;
    return FN_OK;
}

void mt_skip_part_release(mt_skip_part *p)
{
    for (uint32_t i = 0; p && i < p->skip->count; i++) {
        if (p->uses[i].pruner) mt_pruner_release(p->uses[i].pruner);
        p->uses[i].pruner = NULL;
        fn_skip_data_release(&p->uses[i].data);
    }
}

static fn_status open_data(fn_ctx *ctx, const skip_use *u, mt_skip_part *p, part_use *out)
{
    fn_buffer *bytes;
    out->asked = true;
    FN_TRY(fn_part_attachment(ctx, p->data, u->ix->id, &bytes));
    out->absent = !bytes;
    if (!bytes) return FN_OK;
    fn_status status = fn_skip_data_load(ctx, &u->ix->shape, bytes, &out->data);
    fn_buffer_drop(bytes);
    FN_TRY(status);
    const uint32_t granules = fn_part_granules(p->data), step = u->ix->granularity;
    if (out->data.granules != granules / step + (granules % step != 0))
        return fn_fail(ctx, FN_CORRUPTED_DATA, "The data of skip index " FN_STR_FMT " does not fit its part: %u entries for %u granules", FN_STR_ARG(u->ix->name),
                       out->data.granules, granules);
    out->state = FN_NEW_ARRAY(ctx, uint8_t, out->data.granules + 1u);
    FN_TRY_PTR(ctx, out->state);
    if (u->conditions) return mt_pruner_make_index(ctx, u->conditions, p->data, &out->data, &out->pruner);
    if (!u->set) return FN_OK;
    FN_TRY(skip_set_run(ctx, u->set, &out->data, out->state));
    for (uint32_t i = 0; i < out->data.granules; i++) out->state[i] = out->state[i] ? ENTRY_MAY : ENTRY_NEVER;
    return FN_OK;
}

fn_status mt_skip_granule_of(fn_ctx *ctx, mt_skip_part *p, uint32_t at, uint32_t granule, bool *may)
{
    const skip_use *u = &p->skip->uses[at];
    part_use *own = &p->uses[at];
    *may = true;
    if (!own->asked) FN_TRY(open_data(ctx, u, p, own));
    if (own->absent) return FN_OK;
    const uint32_t entry = granule / u->ix->granularity;
    uint64_t need;
    if (own->state[entry] == ENTRY_OPEN) {
        const bool open = u->match ? skip_match_may(u->match, &own->data, entry) : mt_prune_granule(own->pruner, entry, &need) != MT_NEVER;
        own->state[entry] = open ? ENTRY_MAY : ENTRY_NEVER;
    }
    *may = own->state[entry] == ENTRY_MAY;
    return FN_OK;
}

fn_status mt_skip_granule(fn_ctx *ctx, mt_skip_part *p, uint32_t granule, bool *may)
{
    *may = true;
    for (uint32_t i = 0; i < p->skip->count && *may; i++) FN_TRY(mt_skip_granule_of(ctx, p, i, granule, may));
    return FN_OK;
}
