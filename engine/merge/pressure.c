/* pressure.c - what an insert meets before its first row: is there room on the disk, do merges keep up. As ClickHouse has it: from
 * parts_to_delay_insert parts of a partition on it is delayed, from parts_to_throw_insert on refused. (Far before that, statements
 * share parts for longer: commit_writers.c.)
 * SPDX-License-Identifier: Apache-2.0 */
#include "merge/merge.h"
#include "settings/settings.h"
#include <firn/time.h>
#include <stdio.h>
#include <time.h>

typedef struct limits {
    uint64_t delay, refuse, min_free;
    double min_ratio;
} limits;

/* About parts the statement has the last word, about the disk the table. */
static limits limits_of(const fn_settings *s, const table_settings *t)
{
    return (limits){
        .delay = s->parts_to_delay_insert ? s->parts_to_delay_insert : t->parts_to_delay_insert,
        .refuse = s->parts_to_throw_insert ? s->parts_to_throw_insert : t->parts_to_throw_insert,
        .min_free = t->min_free_disk_bytes_to_perform_insert ? t->min_free_disk_bytes_to_perform_insert : s->min_free_disk_bytes_to_perform_insert,
        .min_ratio = t->min_free_disk_ratio_to_perform_insert > 0 ? t->min_free_disk_ratio_to_perform_insert : s->min_free_disk_ratio_to_perform_insert,
    };
}

/* ---- the disk ---- */
static fn_status check_disk(fn_ctx *ctx, mt_table *t, const limits *l)
{
    mt_store *store = t->store;
    uint64_t free_bytes, total;
    FN_TRY(mt_check_room(ctx, store, 0));
    if (!l->min_free && l->min_ratio <= 0) return FN_OK;
    FN_TRY(store->options.fs->space(store->options.fs, ctx, store->root, &free_bytes, &total));
    if (free_bytes >= l->min_free && (double)free_bytes >= l->min_ratio * (double)total) return FN_OK;
    return fn_fail(ctx, FN_NOT_ENOUGH_SPACE, "Could not perform insert. None of the disks in volume 'default' have enough free space to meet the configured threshold. "
                   "The threshold can be configured either in MergeTree settings or User settings, using the following settings: (1) "
                   "`min_free_disk_bytes_to_perform_insert` = %llu (2) `min_free_disk_ratio_to_perform_insert` = %g",
                   (unsigned long long)l->min_free, l->min_ratio);
}

/* ---- parts ---- */
static void readable_size(double bytes, char *out, size_t room)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < FN_COUNT(units); unit++) bytes /= 1024;
    (void)snprintf(out, room, "%.2f %s", bytes, units[unit]);
}

static fn_status refuse(fn_ctx *ctx, const mt_table *t, uint64_t parts, double average)
{
    char size[40];
    readable_size(average, size, sizeof size);
    return fn_fail(ctx, FN_TOO_MANY_PARTS, "Too many parts (%llu with average size of %s) in table '" FN_STR_FMT "." FN_STR_FMT " (%s)'. Merges are processing "
                   "significantly slower than inserts", (unsigned long long)parts, size, FN_STR_ARG(t->base.database), FN_STR_ARG(t->base.name), t->base.uuid);
}

static fn_status refuse_total(fn_ctx *ctx, const mt_table *t, uint64_t parts)
{
    return fn_fail(ctx, FN_TOO_MANY_PARTS, "Too many parts (%llu) in all partitions in total in table '" FN_STR_FMT "." FN_STR_FMT " (%s)'. This indicates wrong choice "
                   "of partition key. The threshold can be modified with 'max_parts_in_total' setting in <merge_tree> element in config.xml or with "
                   "per-table setting", (unsigned long long)parts, FN_STR_ARG(t->base.database), FN_STR_ARG(t->base.name), t->base.uuid);
}

/* In steps, so that a statement that is killed ends. */
static fn_status wait_ms(fn_ctx *ctx, uint64_t ms)
{
    enum { STEP_MS = 20 };
    const int64_t until = fn_clock_monotonic_ns() + (int64_t)FN_MIN(ms, (uint64_t)3600000) * 1000000;
    fn_thread_waits();
    for (int64_t left = until - fn_clock_monotonic_ns(); left > 0; left = until - fn_clock_monotonic_ns()) {
        const struct timespec pause = {0, (long)FN_MIN(left, (int64_t)STEP_MS * 1000000)};
        (void)nanosleep(&pause, NULL);
        FN_TRY(fn_ctx_check(ctx));
    }
    return FN_OK;
}

static uint64_t delay_ms(const limits *l, const table_settings *t, uint64_t parts)
{
    const double most = (double)t->max_delay_to_insert * 1000;
    if (l->refuse <= l->delay) return (uint64_t)most;
    const double part = (double)(parts - l->delay + 1) / (double)(l->refuse - l->delay);
    return FN_MAX(t->min_delay_to_insert_ms, (uint64_t)FN_MIN(most * part, most));
}

static fn_status check_parts(fn_ctx *ctx, mt_table *t, const limits *l, const table_settings *s)
{
    mt_list *list = mt_table_list(t);
    const uint64_t most = list->most, total = list->count;
    const double average = total ? (double)list->bytes / (double)total : 0;
    mt_list_drop(list);
    if (total >= s->max_parts_in_total) return refuse_total(ctx, t, total);
    if (s->max_avg_part_size_for_too_many_parts && average > (double)s->max_avg_part_size_for_too_many_parts) return FN_OK; /* few queries suffer */
    if (most >= l->refuse) {
        mt_merge_schedule(t);
        return refuse(ctx, t, most, average);
    }
    if (!l->delay || most < l->delay) return FN_OK;
    mt_merge_schedule(t);
    return wait_ms(ctx, delay_ms(l, s, most));
}

fn_status mt_merge_pressure(fn_ctx *ctx, mt_table *t)
{
    mt_shape *shape = mt_table_shape(t);
    const table_settings *s = &shape->definition->settings;
    const limits l = limits_of(settings_of(ctx), s);
    fn_status status = check_disk(ctx, t, &l);
    if (status == FN_OK && !shape->definition->log_name) status = check_parts(ctx, t, &l, s);
    mt_shape_drop(shape);
    return status;
}
