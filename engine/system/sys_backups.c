/* sys_backups.c - system.backups: BACKUP and RESTORE statements since the server began. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static fn_status each_backup(void *self, fn_ctx *ctx, const system_backup *b)
{
    system_rows *r = self;
    (void)ctx;
    system_put_str(r, "id", b->id);
    system_put_str(r, "name", b->name);
    system_put_str(r, "base_backup_name", b->base);
    system_put_str(r, "query_id", b->query_id);
    system_put_u64(r, "status", b->status);
    system_put_str(r, "error", b->error);
    system_put_i64(r, "start_time", b->start_us);
    system_put_i64(r, "end_time", b->end_us);
    system_put_u64(r, "num_files", b->files);
    system_put_u64(r, "total_size", b->total_size);
    system_put_u64(r, "num_entries", b->entries);
    system_put_u64(r, "uncompressed_size", b->size);
    system_put_u64(r, "compressed_size", b->size);
    system_put_u64(r, "files_read", b->files_read);
    system_put_u64(r, "bytes_read", b->bytes_read);
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    return r->world->backups(r->world, r->ctx, each_backup, r);
}

const system_def system_backups = {"backups", fill, "BACKUP and RESTORE statements since the server began."};
