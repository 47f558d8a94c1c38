/* agg_sequence.c - sequenceMatch, sequenceCount: patterns over events in the order of their time.
 *
 * (?N) an event meeting condition N, . any event, .* any number of events, (?t>=N) an event that much later than the one before (with
 * < <= > >= ==; events between are skipped). Matching tries the shortest way first; dead ends are remembered per pattern part and
 * event, so that the work is bounded by parts x events. State as ClickHouse's: sorted flag, UInt64 count, {time, UInt64 mask}.
 * SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/agg_rows.h"

enum { CONDITIONS_MAX = 15, PARTS_MAX = 256 };
typedef enum part_kind { PART_EVENT, PART_ANY, PART_SKIP, TIME_LESS, TIME_LESS_EQUAL, TIME_GREATER, TIME_GREATER_EQUAL, TIME_EQUAL } part_kind;
typedef struct part {
    part_kind kind;
    uint64_t value; /* condition from 1; seconds */
} part;
typedef struct pattern {
    part parts[PARTS_MAX];
    uint32_t count;
} pattern;
typedef struct event {
    uint64_t time, met;
} event;
typedef struct events {
    agg_items list;
    bool unsorted;
} events;

/* ---- the pattern ---- */
static bool take_text(fn_str *rest, const char *text)
{
    const size_t n = strlen(text);
    if (!fn_str_starts(*rest, fn_cstr(text))) return false;
    rest->data += n;
    rest->size -= n;
    return true;
}
static bool take_number(fn_str *rest, uint64_t *out)
{
    const size_t had = rest->size;
    *out = 0;
    for (; rest->size && *rest->data >= '0' && *rest->data <= '9' && *out < UINT64_MAX / 20; rest->data++, rest->size--) *out = *out * 10 + (uint64_t)(*rest->data - '0');
    return rest->size < had && take_text(rest, ")");
}
static fn_status parse_part(fn_ctx *ctx, const agg_call *call, fn_str text, fn_str *rest, part *out)
{
    static const struct {
        const char *sign;
        part_kind kind;
    } signs[] = {{"<=", TIME_LESS_EQUAL}, {"<", TIME_LESS}, {">=", TIME_GREATER_EQUAL}, {">", TIME_GREATER}, {"==", TIME_EQUAL}};
    if (take_text(rest, ".*")) {
        out->kind = PART_SKIP;
        return FN_OK;
    }
    if (take_text(rest, ".")) {
        out->kind = PART_ANY;
        return FN_OK;
    }
    if (take_text(rest, "(?t")) {
        for (size_t i = 0; i < FN_COUNT(signs); i++) {
            if (!take_text(rest, signs[i].sign)) continue;
            out->kind = signs[i].kind;
            if (take_number(rest, &out->value)) return FN_OK;
            break;
        }
    } else if (take_text(rest, "(?")) {
        out->kind = PART_EVENT;
        if (take_number(rest, &out->value)) {
            if (out->value >= 1 && out->value < call->arg_count) return FN_OK;
            return fn_fail(ctx, FN_BAD_ARGUMENTS, "Event number %llu is out of range", (unsigned long long)out->value);
        }
    }
    return fn_fail(ctx, FN_SYNTAX_ERROR, "Could not parse pattern, unexpected starting symbol '" FN_STR_FMT "' at position %zu", FN_STR_ARG(*rest),
                   (size_t)(rest->data - text.data));
}
static fn_status sequence_bind(fn_ctx *ctx, agg_call *call)
{
    pattern *p = FN_NEW(ctx, pattern);
    const fn_type *t = call->arg_types[0];
    FN_TRY_PTR(ctx, p);
    if (!(fn_type_is_integer(t) && fn_type_is_unsigned(t) && t->width <= 8) && t->id != FN_T_DATE && t->id != FN_T_DATETIME)
        return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of first argument of aggregate function %s, must be DateTime, Date or Unsigned Integer", t->name,
                       call->def->name);
    for (uint32_t i = 1; i < call->arg_count; i++)
        if (call->arg_types[i]->id != FN_T_UINT8 && call->arg_types[i]->id != FN_T_BOOL)
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "Illegal type %s of argument %u of aggregate function %s, must be UInt8", call->arg_types[i]->name, i + 1,
                           call->def->name);
    if (!fn_type_is_string(call->params[0]->type)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Pattern of aggregate function %s must be a string", call->def->name);
    const fn_str text = fn_column_str_at(call->params[0], 0);
    p->parts[p->count++].kind = PART_SKIP; /* a match may begin anywhere */
    for (fn_str rest = text; rest.size;) {
        if (p->count == PARTS_MAX) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Pattern of aggregate function %s is too long", call->def->name);
        FN_TRY(parse_part(ctx, call, text, &rest, &p->parts[p->count]));
        p->count++;
    }
    call->data = p;
    call->type = fn_type_simple(strcmp(call->def->name, "sequenceMatch") == 0 ? FN_T_UINT8 : FN_T_UINT64);
    call->state_size = sizeof(events);
    call->state_align = 8;
    return FN_OK;
}

/* ---- events ---- */
static fn_status add_event(fn_ctx *ctx, fn_arena *arena, events *s, event e)
{
    const event *last = s->list.count ? (const event *)(const void *)s->list.data + s->list.count - 1 : NULL;
    if (last && last->time > e.time) s->unsorted = true;
    return agg_items_push(ctx, arena, &s->list, &e, sizeof e);
}
static fn_status sequence_row(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_column *const *args, size_t row)
{
    event e = {agg_u64(args[0], row), 0};
    for (uint32_t i = 1; i < call->arg_count; i++) e.met |= (uint64_t)(args[i]->values[fn_column_stored(args[i], row)] != 0) << (i - 1);
    return e.met ? add_event(ctx, arena, state, e) : FN_OK;
}
#define OP sequence
#include "aggregate/agg_by_row.inc"
static fn_status sequence_merge(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *into, const void *from)
{
    (void)call;
    const events *b = from;
    for (uint32_t i = 0; i < b->list.count; i++) FN_TRY(add_event(ctx, arena, into, ((const event *)(const void *)b->list.data)[i]));
    ((events *)into)->unsorted |= b->unsorted;
    return FN_OK;
}
#define ITEM event
#define SORT sort_events
#include "aggregate/agg_sort_time.inc"

/* ---- matching ---- */
typedef struct matcher {
    const pattern *p;
    const event *v;
    uint32_t count;
    uint8_t *dead; /* bit (part, event): no match from there */
} matcher;

static bool fits_time(part_kind kind, uint64_t gap, uint64_t value)
{
    return kind == TIME_LESS ? gap < value : kind == TIME_LESS_EQUAL ? gap <= value : kind == TIME_GREATER ? gap > value : kind == TIME_GREATER_EQUAL ? gap >= value : gap == value;
}
/* From part `k` at event `i`, the event before being `base`; *end is the event behind the match. Depth: at most PARTS_MAX. */
static bool match(const matcher *m, uint32_t k, uint32_t i, uint32_t base, uint32_t *end)
{
    while (k < m->p->count && (m->p->parts[k].kind == PART_EVENT || m->p->parts[k].kind == PART_ANY)) {
        const part *e = &m->p->parts[k];
        if (i == m->count || (e->kind == PART_EVENT && !(m->v[i].met >> (e->value - 1) & 1))) return false;
        base = i++;
        k++;
    }
    if (k == m->p->count) {
        *end = i;
        return true;
    }
    const size_t bit = (size_t)k * (m->count + 1) + i;
    const part *e = &m->p->parts[k];
    if (m->dead[bit / 8] >> (bit % 8) & 1) return false;
    for (uint32_t j = i; j < m->count || (j == m->count && e->kind == PART_SKIP); j++) {
        if (e->kind != PART_SKIP) {
            const uint64_t gap = m->v[j].time - m->v[base].time;
            if (!fits_time(e->kind, gap, e->value)) {
                if (e->kind == TIME_LESS || e->kind == TIME_LESS_EQUAL) break;
                continue;
            }
        }
        if (match(m, k + 1, j, FN_MIN(j, m->count - 1), end)) return true;
    }
    m->dead[bit / 8] |= (uint8_t)(1 << (bit % 8));
    return false;
}
static fn_status count_matches(fn_ctx *ctx, const agg_call *call, events *s, bool only_one, uint64_t *found)
{
    FN_TRY(sort_events(ctx, (event *)(void *)s->list.data, s->list.count, &s->unsorted));
    matcher m = {.p = call->data, .v = (const event *)(const void *)s->list.data, .count = s->list.count};
    *found = 0;
    if (m.count == 0) return FN_OK;
    m.dead = fn_alloc_zero(ctx, (size_t)m.p->count * (m.count + 1) / 8 + 1);
    FN_TRY_PTR(ctx, m.dead);
    for (uint32_t i = 0, end = 0; i < m.count && match(&m, 0, i, i, &end); i = end > i ? end : i + 1) {
        ++*found;
        if (only_one) break;
    }
    fn_free(m.dead);
    return FN_OK;
}
static fn_status match_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    uint64_t found;
    FN_TRY(count_matches(ctx, call, state, true, &found));
    return fn_builder_fixed(ctx, out, &found);
}
static fn_status count_finish(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, fn_builder *out)
{
    (void)arena;
    uint64_t found;
    FN_TRY(count_matches(ctx, call, state, false, &found));
    return fn_builder_fixed(ctx, out, &found);
}
static fn_status sequence_write(fn_ctx *ctx, const agg_call *call, const void *state, fn_buf *out)
{
    const events *s = state;
    const uint64_t n = s->list.count;
    FN_TRY(fn_buf_byte(ctx, out, 0));
    FN_TRY(fn_buf_append(ctx, out, &n, 8));
    for (uint32_t i = 0; i < n; i++) {
        const event *e = (const event *)(const void *)s->list.data + i;
        FN_TRY(fn_buf_append(ctx, out, &e->time, call->arg_types[0]->width));
        FN_TRY(fn_buf_append(ctx, out, &e->met, 8));
    }
    return FN_OK;
}
static fn_status sequence_read(fn_ctx *ctx, const agg_call *call, fn_arena *arena, void *state, const uint8_t **at, const uint8_t *end)
{
    uint8_t sorted = 0;
    uint64_t n = 0;
    FN_TRY(agg_take(ctx, &sorted, 1, at, end));
    FN_TRY(agg_take(ctx, &n, 8, at, end));
    for (; n; n--) {
        event e = {0, 0};
        FN_TRY(agg_take(ctx, &e.time, call->arg_types[0]->width, at, end));
        FN_TRY(agg_take(ctx, &e.met, 8, at, end));
        FN_TRY(add_event(ctx, arena, state, e));
    }
    return FN_OK;
}

#define SEQUENCE_ROW(op) .args_min = 2, .args_max = CONDITIONS_MAX, .params_min = 1, .params_max = 1, .flags = AGG_ORDER_DEPENDENT, .bind = sequence_bind, .init = agg_zero_init, \
    .add = sequence_add, .add_one = sequence_add_one, .merge = sequence_merge, .finish = op##_finish, .write = sequence_write, .read = sequence_read
static const agg_def rows_[] = {
    {.name = "sequenceMatch", SEQUENCE_ROW(match), .about = "1 if the events, in the order of the first argument, contain the pattern.",
     .example = "sequenceMatch('(?1)(?2)')(number, number = 1, number = 2)", .gives = "1"},
    {.name = "sequenceCount", SEQUENCE_ROW(count), .about = "How often the events contain the pattern, without overlaps.",
     .example = "sequenceCount('(?1).*(?2)')(number, number % 4 = 0, number % 4 = 2)", .gives = "2"},
};
const agg_family agg_family_sequence = AGG_FAMILY("sequence", rows_);
