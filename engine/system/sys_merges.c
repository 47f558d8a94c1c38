/* sys_merges.c - system.merges: the merges that run at this moment. Mutations are done by their statement and are not among them. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"
#include "table/mergetree/mergetree.h"

static fn_status put(void *self, fn_ctx *ctx, const mt_merge_row *m)
{
    system_rows *r = self;
    (void)ctx;
    system_put_str(r, "database", m->database);
    system_put_str(r, "table", m->table);
    system_put_f64(r, "elapsed", m->elapsed_s);
    system_put_f64(r, "progress", m->rows ? FN_MIN((double)m->rows_written / (double)m->rows, 1.0) : 1.0);
    system_put_u64(r, "num_parts", m->source_count);
    system_put_strs(r, "source_part_names", m->sources, m->source_count);
    system_put_str(r, "result_part_name", m->result);
    system_put_str(r, "partition_id", m->partition_id);
    system_put_str(r, "partition", m->partition);
    system_put_u64(r, "total_size_bytes_compressed", m->bytes);
    system_put_u64(r, "total_size_bytes_uncompressed", m->raw_bytes);
    system_put_u64(r, "rows_written", m->rows_written);
    system_put_text(r, "merge_type", "Regular");
    system_put_text(r, "merge_algorithm", m->vertical ? "Vertical" : "Horizontal");
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    return r->world->store ? mt_merges(r->ctx, r->world->store, put, r) : FN_OK;
}

const system_def system_merges = {"merges", fill, "Merges that run now."};
