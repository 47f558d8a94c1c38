/* fuzz_sql.c - any bytes as a statement: parsed, printed, and the printed text parses again to the same text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include "sql/ast.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The canonical text of a statement; false if it cannot be had. */
static bool canonical(fn_ctx *ctx, fn_str text, fn_buf *out)
{
    ast_statement *s;
    return sql_parse(ctx, text, &s) == FN_OK && !s->has_data_offset && sql_print_statement(ctx, s, false, out) == FN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fn_tracker memory;
    fn_tracker_init(&memory, "query", NULL, (int64_t)256 << 20);
    fn_ctx ctx = {.memory = &memory};
    fn_settings settings;
    fn_buf once = FN_BUF_INIT, twice = FN_BUF_INIT;
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena || settings_default(&ctx, &settings) != FN_OK) return 0;
    ctx.settings = &settings;
    if (canonical(&ctx, (fn_str){(const char *)data, size}, &once)) (void)canonical(&ctx, fn_buf_view(&once), &twice);
    fn_buf_release(&once);
    fn_buf_release(&twice);
    fn_arena_free(ctx.arena);
    return 0;
}
