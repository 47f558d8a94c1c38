/* table_function_iceberg.c - iceberg(), icebergS3(), icebergLocal(): see table/lake/iceberg_table.h. The snapshot is chosen by the
 * settings iceberg_snapshot_id, iceberg_timestamp_ms and firn's own iceberg_ref (branch or tag).
 * SPDX-License-Identifier: Apache-2.0 */
#include "query/table_function.h"
#include "table/lake/iceberg_table.h"

/* [format [, structure]] from argument `at` on: the format is the table's own business, a structure of one's own is not done. */
static fn_status check_rest(const table_call *call, uint32_t at)
{
    fn_str text;
    if (at < call_count(call)) {
        FN_TRY(call_text(call, at, &text));
        if (!fn_str_eq_nocase(text, FN_STR("Parquet")) && !fn_str_eq_nocase(text, FN_STR("auto")))
            return fn_fail(call->ctx, FN_NOT_IMPLEMENTED, "Iceberg data files of format " FN_STR_FMT " are not supported", FN_STR_ARG(text));
    }
    if (at + 1 >= call_count(call)) return FN_OK;
    FN_TRY(call_text(call, at + 1, &text));
    if (fn_str_eq_nocase(text, FN_STR("auto"))) return FN_OK;
    return fn_fail(call->ctx, FN_NOT_IMPLEMENTED, "A structure given to table function %s is not supported: it is read from the table's metadata",
                   call->function->name);
}

static fn_status make(const table_call *call, fn_iceberg_files *files_take, table **out)
{
    const fn_settings *s = settings_of(call->ctx);
    const fn_iceberg_options options = {.snapshot_id = s->iceberg_snapshot_id, .timestamp_ms = s->iceberg_timestamp_ms, .ref = s->iceberg_ref};
    return iceberg_table_new(call->ctx, files_take, &options, out);
}

fn_status table_function_iceberg_local(const table_call *call, table **out)
{
    fn_engine *e = call->query->engine;
    fn_str path;
    fn_iceberg_files *files;
    FN_TRY(call_text(call, 0, &path));
    FN_TRY(check_rest(call, 1));
    FN_TRY(call_local_path(call, path, &path));
    FN_TRY(iceberg_files_local(call->ctx, e->fs, fn_cstr(e->user_files), path, &files));
    return make(call, files, out);
}

fn_status table_function_iceberg(const table_call *call, table **out)
{
    fn_str text;
    fn_object_auth auth = {.unsigned_ = false};
    fn_object_store *store;
    fn_object_url url;
    fn_iceberg_files *files;
    uint32_t next;
    FN_TRY(call_text(call, 0, &text));
    FN_TRY(call_s3_auth(call, &auth, &next));
    FN_TRY(check_rest(call, next));
    FN_TRY(engine_objects(call->ctx, call->query->engine, &store));
    FN_TRY(fn_object_url_parse(call->ctx, text, true, &url));
    FN_TRY(iceberg_files_object(call->ctx, store, &url, &auth, &files));
    return make(call, files, out);
}
