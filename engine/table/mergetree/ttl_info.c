/* ttl_info.c - when the rows of a part are due: computed while it is written, kept as an attachment of its file, read at first need.
 *
 *   attachment = u8 version (1), text codec, u32 clauses, clause[clauses]
 *   clause     = u8 kind (mt_ttl_kind), u8 1: some row is never due, u64 number, i64 min, max, due, text expression
 *   text       = u32 size, bytes
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/mergetree/part_ttl.h"
#include <stdlib.h>

#define TTL_ATTACHMENT 0x6669726e2074746cu /* "firn ttl" */
enum { INFO_VERSION = 1, CLAUSE_BYTES = 2 + 4 * 8 };

/* ---- programs ---- */
static fn_status compile_group(fn_ctx *ctx, const mt_shape *s, const mt_ttl_group *g, mt_ttl_programs *p)
{
    uint32_t value_count = 0;
    for (uint32_t i = 0; i < g->call_count; i++) p->arg_count += g->arg_counts[i];
    expr **args = FN_NEW_ARRAY(ctx, expr *, p->arg_count + 1), **values = FN_NEW_ARRAY(ctx, expr *, s->stored_count + 1);
    column_id *layout = FN_NEW_ARRAY(ctx, column_id, s->stored_count + g->call_count + 1);
    p->targets = FN_NEW_ARRAY(ctx, uint32_t, s->stored_count + 1);
    if (!args || !values || !layout || !p->targets) return ctx->error.code;
    for (uint32_t i = 0, n = 0; i < g->call_count; i++)
        for (uint32_t a = 0; a < g->arg_counts[i]; a++) args[n++] = g->args[i][a];
    if (p->arg_count) FN_TRY(expr_compile(ctx, args, p->arg_count, s->stored, s->stored_count, &p->args));
    for (uint32_t i = 0; i < s->stored_count; i++) {
        layout[i] = s->stored[i];
        if (!g->values[s->stored[i]]) continue;
        values[value_count] = g->values[s->stored[i]];
        p->targets[value_count++] = i;
    }
    p->target_count = value_count;
    for (uint32_t i = 0; i < g->call_count; i++) layout[s->stored_count + i] = s->schema->count + i;
    return value_count ? expr_compile(ctx, values, value_count, layout, s->stored_count + g->call_count, &p->values) : FN_OK;
}

fn_status mt_ttl_compile(fn_ctx *ctx, mt_shape *s)
{
    const mt_definition *d = s->definition;
    s->ttls = FN_NEW_ARRAY(ctx, mt_ttl_programs, d->ttl_count + 1);
    FN_TRY_PTR(ctx, s->ttls);
    for (uint32_t i = 0; i < d->ttl_count; i++) {
        const mt_ttl *t = &d->ttls[i];
        mt_ttl_programs *p = &s->ttls[i];
        FN_TRY(expr_compile(ctx, &t->when, 1, s->stored, s->stored_count, &p->when));
        if (t->where) FN_TRY(expr_compile(ctx, &t->where, 1, s->stored, s->stored_count, &p->where));
        if (t->kind == MT_TTL_COLUMN && d->defaults[t->column]) FN_TRY(expr_compile(ctx, &d->defaults[t->column], 1, s->stored, s->stored_count, &p->value));
        if (t->group) FN_TRY(compile_group(ctx, s, t->group, p));
    }
    return FN_OK;
}

/* ---- rows ---- */
fn_status mt_ttl_times(fn_ctx *ctx, const mt_ttl_programs *p, const fn_block *stored, int64_t **out)
{
    const struct fn_settings *given = ctx->settings;
    fn_column *times = NULL, *flat = NULL;
    int64_t *list = fn_alloc(ctx, ((size_t)stored->rows + 1) * sizeof *list);
    FN_TRY_PTR(ctx, list);
    ctx->settings = NULL;
    fn_status status = expr_run(ctx, p->when, stored, &times);
    ctx->settings = given;
    if (status == FN_OK) {
        flat = fn_column_flatten(ctx, times);
        if (!flat) status = ctx->error.code;
    }
    if (status == FN_OK && stored->rows) memcpy(list, flat->values, stored->rows * sizeof *list);
    fn_column_drop(flat);
    fn_column_drop(times);
    if (status == FN_OK) *out = list;
    else fn_free(list);
    return status;
}

static fn_status run_where(fn_ctx *ctx, const mt_ttl_programs *p, const fn_block *stored, uint8_t *mask, uint32_t *ones)
{
    const struct fn_settings *given = ctx->settings;
    ctx->settings = NULL;
    const fn_status status = expr_run_mask(ctx, p->where, stored, mask, ones);
    ctx->settings = given;
    return status;
}

fn_status mt_ttl_mask(fn_ctx *ctx, const mt_ttl_programs *p, const fn_block *stored, int64_t now_s, uint8_t *mask, uint32_t *ones)
{
    int64_t *times;
    *ones = stored->rows;
    if (p->where) FN_TRY(run_where(ctx, p, stored, mask, ones));
    else memset(mask, 1, stored->rows);
    if (*ones == 0) return FN_OK;
    FN_TRY(mt_ttl_times(ctx, p, stored, &times));
    *ones = 0;
    for (uint32_t i = 0; i < stored->rows; i++) *ones += mask[i] &= (times[i] != 0 && times[i] <= now_s);
    fn_free(times);
    return FN_OK;
}

/* applied_s: what was due until then has happened to the rows; a column that was reset has nothing to wait for. */
static void note_times(mt_ttl_info *info, const int64_t *times, const uint8_t *where, uint32_t rows, int64_t applied_s)
{
    for (uint32_t i = 0; i < rows; i++) {
        const int64_t t = times[i];
        info->never |= t == 0;
        if (t == 0 || (where && !where[i])) continue;
        const bool applied = t <= applied_s && applied_s != 0;
        if (applied && info->kind == MT_TTL_COLUMN) continue;
        if (!applied && (info->due == 0 || t < info->due)) info->due = t;
        if (info->min == 0 || t < info->min) info->min = t;
        info->max = info->max == 0 ? t : FN_MAX(info->max, t);
    }
}

static fn_status note_clause(fn_ctx *ctx, const mt_ttl_programs *p, const fn_block *stored, int64_t applied_s, uint8_t *mask, mt_ttl_info *info)
{
    int64_t *times;
    uint32_t ones = stored->rows;
    if (p->where) FN_TRY(run_where(ctx, p, stored, mask, &ones));
    if (ones == 0) return FN_OK;
    FN_TRY(mt_ttl_times(ctx, p, stored, &times));
    note_times(info, times, p->where ? mask : NULL, stored->rows, applied_s);
    fn_free(times);
    return FN_OK;
}

static fn_status note_block(fn_ctx *ctx, const mt_shape *s, const fn_block *stored, int64_t applied_s, mt_ttl_info *infos)
{
    uint8_t *mask = fn_alloc(ctx, (size_t)stored->rows + FN_BUFFER_PAD);
    FN_TRY_PTR(ctx, mask);
    fn_status status = FN_OK;
    for (uint32_t i = 0; i < s->definition->ttl_count && status == FN_OK; i++) status = note_clause(ctx, &s->ttls[i], stored, applied_s, mask, &infos[i]);
    fn_free(mask);
    return status;
}

static fn_status begin_infos(fn_ctx *ctx, const mt_definition *d, mt_ttl_info **out)
{
    *out = FN_NEW_ARRAY(ctx, mt_ttl_info, d->ttl_count + 1);
    FN_TRY_PTR(ctx, *out);
    for (uint32_t i = 0; i < d->ttl_count; i++) (*out)[i] = (mt_ttl_info){.kind = d->ttls[i].kind, .id = d->ttls[i].id, .text = d->ttls[i].text};
    return FN_OK;
}

fn_status mt_ttl_begin(fn_ctx *ctx, mt_part_out *out)
{
    const mt_definition *d = out->shape->definition;
    return d->ttl_count && !out->scratch ? begin_infos(ctx, d, &out->ttls) : FN_OK;
}

fn_status mt_ttl_note(fn_ctx *ctx, mt_part_out *out, const fn_block *stored)
{
    return out->ttls && stored->rows ? note_block(ctx, out->shape, stored, out->ttl_applied_s, out->ttls) : FN_OK;
}

/* ---- the attachment ---- */
static fn_status put_text(fn_ctx *ctx, fn_buf *out, fn_str text)
{
    const uint32_t size = (uint32_t)text.size;
    FN_TRY(fn_buf_append(ctx, out, &size, sizeof size));
    return fn_buf_str(ctx, out, text);
}

static fn_status put_infos(fn_ctx *ctx, const mt_part_out *out, fn_buf *bytes)
{
    const uint32_t count = out->shape->definition->ttl_count;
    FN_TRY(fn_buf_byte(ctx, bytes, INFO_VERSION));
    FN_TRY(put_text(ctx, bytes, out->codec));
    FN_TRY(fn_buf_append(ctx, bytes, &count, sizeof count));
    for (uint32_t i = 0; i < count; i++) {
        const mt_ttl_info *t = &out->ttls[i];
        const int64_t times[] = {t->min, t->max, t->due};
        FN_TRY(fn_buf_byte(ctx, bytes, (char)t->kind));
        FN_TRY(fn_buf_byte(ctx, bytes, t->never));
        FN_TRY(fn_buf_append(ctx, bytes, &t->id, sizeof t->id));
        FN_TRY(fn_buf_append(ctx, bytes, times, sizeof times));
        FN_TRY(put_text(ctx, bytes, t->text));
    }
    return FN_OK;
}

fn_status mt_ttl_attach(fn_ctx *ctx, mt_part_out *out)
{
    fn_buf bytes = FN_BUF_INIT;
    if (!out->ttls) return FN_OK;
    fn_status status = put_infos(ctx, out, &bytes);
    if (status == FN_OK) status = fn_part_writer_attach(ctx, out->writer, TTL_ATTACHMENT, bytes.data, bytes.size);
    fn_buf_release(&bytes);
    return status;
}

typedef struct info_in {
    const uint8_t *at, *end;
    char *texts; /* where the next text goes */
} info_in;

static bool take_text(info_in *in, fn_str *out)
{
    if (in->end - in->at < 4) return false;
    const uint32_t size = fn_load_u32(in->at);
    in->at += 4;
    if ((size_t)(in->end - in->at) < size) return false;
    *out = (fn_str){in->texts, size};
    if (size) memcpy(in->texts, in->at, size);
    in->at += size;
    in->texts += size;
    return true;
}

static bool take_clause(info_in *in, mt_ttl_info *out)
{
    if (in->end - in->at < CLAUSE_BYTES || in->at[0] > MT_TTL_MOVE || in->at[1] > 1) return false;
    out->kind = (mt_ttl_kind)in->at[0];
    out->never = in->at[1] != 0;
    out->id = fn_load_u64(in->at + 2);
    out->min = fn_load_i64(in->at + 10);
    out->max = fn_load_i64(in->at + 18);
    out->due = fn_load_i64(in->at + 26);
    in->at += CLAUSE_BYTES;
    return take_text(in, &out->text);
}

static bool take_infos(info_in *in, mt_ttl_infos *out, size_t room)
{
    if (in->end - in->at < 1 || *in->at++ != INFO_VERSION || !take_text(in, &out->codec) || in->end - in->at < 4) return false;
    const uint32_t count = fn_load_u32(in->at);
    in->at += 4;
    if (count > room) return false;
    for (; out->count < count; out->count++)
        if (!take_clause(in, &out->list[out->count])) return false;
    return in->at == in->end;
}

/* Lasting: charged to nobody. */
static fn_status read_infos(fn_ctx *ctx, const fn_part *data, mt_ttl_infos **out)
{
    fn_buffer *bytes = NULL;
    FN_TRY(fn_part_attachment(ctx, data, TTL_ATTACHMENT, &bytes));
    const size_t size = bytes ? bytes->size : 0, room = size / CLAUSE_BYTES;
    mt_ttl_infos *infos = fn_alloc_zero(&(fn_ctx){0}, sizeof *infos + room * sizeof infos->list[0] + size + 1);
    if (!infos) {
        fn_buffer_drop(bytes);
        return fn_fail_memory(ctx, sizeof *infos + size);
    }
    bool fine = true;
    if (bytes) {
        info_in in = {bytes->data, bytes->data + size, (char *)&infos->list[room]};
        fine = take_infos(&in, infos, room);
    }
    fn_buffer_drop(bytes);
    if (fine) {
        *out = infos;
        return FN_OK;
    }
    fn_free(infos);
    return fn_fail(ctx, FN_CORRUPTED_DATA, "Damaged part: what it says of TTL makes no sense");
}

fn_status mt_part_ttl(fn_ctx *ctx, mt_part *part, const mt_ttl_infos **out)
{
    const fn_part *data;
    mt_ttl_infos *known = atomic_load(&part->ttl), *fresh;
    *out = known;
    if (known) return FN_OK;
    FN_TRY(mt_file_open(ctx, part->file, &data));
    FN_TRY(read_infos(ctx, data, &fresh));
    if (atomic_compare_exchange_strong(&part->ttl, &known, fresh)) *out = fresh;
    else *out = known; /* another thread was first */
    if (*out != fresh) fn_free(fresh);
    return FN_OK;
}

const mt_ttl_info *mt_ttl_find(const mt_ttl_infos *infos, const mt_ttl *ttl)
{
    for (uint32_t i = 0; i < infos->count; i++)
        if (infos->list[i].id == ttl->id && infos->list[i].kind == ttl->kind) return &infos->list[i];
    return NULL;
}

/* ---- looking ---- */
static int compare_rows(const void *a, const void *b)
{
    const mt_ttl_row *x = a, *y = b;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : fn_str_compare(x->text, y->text);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static fn_status list_rows(fn_ctx *ctx, const mt_ttl_infos *infos, mt_ttl_row **out, uint32_t *count)
{
    mt_ttl_row *rows = FN_NEW_ARRAY(ctx, mt_ttl_row, infos->count + 1);
    FN_TRY_PTR(ctx, rows);
    for (uint32_t i = 0; i < infos->count; i++) {
        const mt_ttl_info *t = &infos->list[i];
        uint32_t at = 0;
        while (at < *count && !(rows[at].kind == t->kind && fn_str_eq(rows[at].text, t->text))) at++;
        if (at == *count) {
            rows[(*count)++] = (mt_ttl_row){.kind = t->kind, .min = t->min, .max = t->max};
            FN_TRY(fn_arena_str(ctx, ctx->arena, t->text, &rows[at].text));
        }
        rows[at].min = earlier(rows[at].min, t->min);
        if (rows[at].max == 0 || (t->max != 0 && t->max > rows[at].max)) rows[at].max = t->max;
    }
    if (*count > 1) qsort(rows, *count, sizeof *rows, compare_rows);
    *out = rows;
    return FN_OK;
}

fn_status mt_part_ttls(fn_ctx *ctx, table *t, fn_part_id file, fn_hash128 checksum, mt_ttl_row **out, uint32_t *count, fn_str *codec)
{
    mt_file *f;
    const fn_part *data;
    mt_ttl_infos *infos = NULL;
    *count = 0;
    FN_TRY(mt_file_get(ctx, ((mt_table *)t)->store, file, checksum, &f));
    fn_status status = mt_file_open(ctx, f, &data);
    if (status == FN_OK) status = read_infos(ctx, data, &infos);
    if (status == FN_OK) status = list_rows(ctx, infos, out, count);
    if (status == FN_OK) status = fn_arena_str(ctx, ctx->arena, infos->codec, codec);
    fn_free(infos);
    mt_file_drop(f);
    return status;
}

/* ---- a merge ---- */
/* Of several clauses whose last moment has come for all rows, the one whose came last; of equal ones the last written. */
static fn_status choose_codec(fn_ctx *ctx, const mt_definition *d, mt_part *const *parts, uint32_t count, int64_t now_s, fn_str *out)
{
    int64_t best = 0;
    for (uint32_t i = 0; i < d->ttl_count; i++) {
        int64_t max = 0;
        bool known = d->ttls[i].kind == MT_TTL_RECOMPRESS;
        for (uint32_t p = 0; p < count && known; p++) {
            const mt_ttl_infos *infos;
            FN_TRY(mt_part_ttl(ctx, parts[p], &infos));
            const mt_ttl_info *info = mt_ttl_find(infos, &d->ttls[i]);
            known = info != NULL;
            if (known) max = FN_MAX(max, info->max);
        }
        if (!known || max == 0 || max > now_s || max < best) continue;
        best = max;
        *out = d->ttls[i].codec;
    }
    return FN_OK;
}

static bool removes_or_changes(mt_ttl_kind kind)
{
    return kind <= MT_TTL_COLUMN;
}

fn_status mt_ttl_plan_of(fn_ctx *ctx, const mt_shape *shape, mt_part *const *parts, uint32_t count, int64_t now_s, mt_ttl_plan *out)
{
    const mt_definition *d = shape->definition;
    *out = (mt_ttl_plan){.all_gone = d->ttl_count && d->ttls[0].kind == MT_TTL_DELETE};
    for (uint32_t p = 0; p < count && d->ttl_count; p++) {
        const mt_ttl_infos *infos;
        FN_TRY(mt_part_ttl(ctx, parts[p], &infos));
        for (uint32_t i = 0; i < d->ttl_count; i++) {
            const mt_ttl_info *info = mt_ttl_find(infos, &d->ttls[i]);
            if (removes_or_changes(d->ttls[i].kind)) out->apply |= !info || (info->min != 0 && info->min <= now_s);
            if (i == 0) out->all_gone = out->all_gone && info && info->min != 0 && info->max <= now_s && !info->never;
        }
    }
    return choose_codec(ctx, d, parts, count, now_s, &out->codec);
}
