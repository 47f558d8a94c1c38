/* test_string.c - string functions through expr_call. SPDX-License-Identifier: Apache-2.0 */
#include "expr/expr.h"
#include <stdio.h>

typedef struct sample {
    const char *name, *a, *b, *want;
} sample;
static const sample samples[] = {
    {"length", "abc", NULL, "3"},      {"empty", "", NULL, "1"},           {"notEmpty", "", NULL, "0"},         {"lower", "AZaz[@`{09", NULL, "azaz[@`{09"},
    {"upper", "AZaz[@`{", NULL, "AZAZ[@`{"}, {"startsWith", "abc", "ab", "1"}, {"startsWith", "a", "ab", "0"}, {"endsWith", "abc", "bc", "1"},
    {"endsWith", "abc", "ab", "0"},    {"LCASE", "Q", NULL, "q"},
};

int main(void)
{
    fn_ctx ctx = {0};
    int failures = 0;
    fn_text_options options;
    fn_text_options_default(&options);
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return 1;
    for (size_t i = 0; i < FN_COUNT(samples); i++) {
        const sample *s = &samples[i];
        const fn_type *string = fn_type_simple(FN_T_STRING);
        expr *args[2] = {expr_const(&ctx, fn_column_const_str(&ctx, string, fn_cstr(s->a), 1)), NULL}, *e;
        if (s->b) args[1] = expr_const(&ctx, fn_column_const_str(&ctx, string, fn_cstr(s->b), 1));
        fn_buf text = FN_BUF_INIT;
        fn_status status = expr_call(&ctx, s->name, args, s->b ? 2 : 1, &e);
        if (status == FN_OK) status = fn_text_write(&ctx, e->constant, 0, FN_TEXT_PLAIN, &options, &text);
        if (status != FN_OK || !fn_str_eq(fn_buf_view(&text), fn_cstr(s->want))) {
            printf("%s(%s): %.*s %s\n", s->name, s->a, (int)text.size, text.data ? text.data : "", ctx.error.text);
            failures++;
        }
        fn_buf_release(&text);
        fn_error_clear(&ctx);
    }
    fn_arena_free(ctx.arena);
    return failures != 0;
}
