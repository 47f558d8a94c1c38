/* fuzz_manifest.c - any bytes as the manifest of a backup, as they are and with its first and last line made right. What is read is
 * written and read again: the same. SPDX-License-Identifier: Apache-2.0 */
#include "query/backup.h"
#include <inttypes.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(fn_str text)
{
    fn_ctx ctx = {.arena = NULL};
    backup_manifest m, again;
    fn_buf first = FN_BUF_INIT, second = FN_BUF_INIT;
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return;
    const fn_status status = backup_manifest_parse(&ctx, text, &m);
    FN_ASSERT((status == FN_OK) == (ctx.error.code == FN_OK));
    if (status == FN_OK) {
        FN_ASSERT(backup_manifest_write(&ctx, &m, &first) == FN_OK);
        FN_ASSERT(backup_manifest_parse(&ctx, fn_buf_view(&first), &again) == FN_OK);
        FN_ASSERT(backup_manifest_write(&ctx, &again, &second) == FN_OK);
        FN_ASSERT(fn_str_eq(fn_buf_view(&first), fn_buf_view(&second)));
        for (uint32_t i = 0; i < m.file_count; i++) FN_ASSERT(backup_find_file(&m, m.files[i].id) != NULL);
    }
    fn_buf_release(&first);
    fn_buf_release(&second);
    fn_arena_free(ctx.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fn_ctx ctx = {.arena = NULL};
    fn_buf mended = FN_BUF_INIT;
    try((fn_str){(const char *)data, size});
    fn_status status = fn_buf_cstr(&ctx, &mended, "firn-backup 1\n");
    if (status == FN_OK) status = fn_buf_append(&ctx, &mended, data, size);
    if (status == FN_OK) status = fn_buf_byte(&ctx, &mended, '\n');
    const fn_hash128 h = fn_hash_bytes128(mended.data, mended.size);
    if (status == FN_OK) status = fn_buf_printf(&ctx, &mended, "end\t%016" PRIx64 "%016" PRIx64 "\n", h.high, h.low);
    if (status == FN_OK) try(fn_buf_view(&mended));
    fn_buf_release(&mended);
    return 0;
}
