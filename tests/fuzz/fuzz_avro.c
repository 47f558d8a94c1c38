/* fuzz_avro.c - any bytes as an Avro container (an Iceberg manifest): all records read. SPDX-License-Identifier: Apache-2.0 */
#include <firn/avro.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fn_tracker memory;
    fn_tracker_init(&memory, "query", NULL, (int64_t)256 << 20);
    fn_ctx ctx = {.memory = &memory};
    fn_avro_file *file;
    const fn_avro_value *record;
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return 0;
    fn_status status = fn_avro_open(&ctx, "input", (fn_str){(const char *)data, size}, &file);
    for (unsigned i = 0; i < 100000 && status == FN_OK; i++) {
        status = fn_avro_next(&ctx, file, &record);
        if (status != FN_OK || !record) break;
        (void)fn_avro_i64(fn_avro_field(record, "status"), 0);
        (void)fn_avro_field_by_id(record, 1);
    }
    if (status != FN_OK && ctx.error.code != status) abort();
    fn_arena_free(ctx.arena);
    return 0;
}
