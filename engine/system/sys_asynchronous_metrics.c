/* sys_asynchronous_metrics.c - system.asynchronous_metrics: sums over tables and the process, made when asked for. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"
#include "table/mergetree/mergetree.h"

typedef struct sums {
    double tables, parts, rows, bytes;
} sums;

static fn_status add_part(void *self, fn_ctx *ctx, const mt_part_row *row, bool active)
{
    sums *s = self;
    (void)ctx;
    if (!active) return FN_OK;
    s->parts++;
    s->rows += (double)(row->rows - row->deleted_rows);
    s->bytes += (double)row->bytes;
    return FN_OK;
}

static fn_status add_table(void *self, fn_ctx *ctx, table *t)
{
    sums *s = self;
    s->tables++;
    return mt_is(t) ? mt_parts(ctx, t, add_part, s) : FN_OK;
}

static fn_status count_database(void *self, fn_ctx *ctx, const system_database *database)
{
    double *count = self;
    (void)ctx;
    (void)database;
    ++*count;
    return FN_OK;
}

static fn_status put(system_rows *r, const char *name, double value, const char *about)
{
    system_put_text(r, "metric", name);
    system_put_f64(r, "value", value);
    system_put_text(r, "description", about);
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    sums s = {0};
    double databases = 0;
    system_counter c;
    FN_TRY(r->world->tables(r->world, r->ctx, FN_STR(""), add_table, &s));
    FN_TRY(r->world->databases(r->world, r->ctx, count_database, &databases));
    FN_TRY(put(r, "NumberOfDatabases", databases, "Databases, those of the server itself included."));
    FN_TRY(put(r, "NumberOfTables", s.tables, "Tables of all databases."));
    FN_TRY(put(r, "TotalPartsOfMergeTreeTables", s.parts, "Active parts."));
    FN_TRY(put(r, "TotalRowsOfMergeTreeTables", s.rows, "Rows of active parts."));
    FN_TRY(put(r, "TotalBytesOfMergeTreeTables", s.bytes, "Bytes of active parts."));
    for (size_t i = 0; r->world->counter(r->world, SYSTEM_PROCESS, i, &c); i++) FN_TRY(put(r, c.name, (double)c.value, c.about));
    return FN_OK;
}

const system_def system_asynchronous_metrics = {"asynchronous_metrics", fill, "Sums over tables and the process."};
