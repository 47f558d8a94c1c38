/* test_string.c - functions over strings through expr_call: ClickHouse's answers in tests/data/text_functions.tsv, with all
 * arguments constant and with the first one a column; a column with NULLs and a dictionary; patterns that would run for hours.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/expr.h"
#include <stdio.h>
#include <stdlib.h>

enum { ARGS_MAX = 8, ROWS = 3 };
static int failures, checked;
static fn_ctx ctx;
static fn_text_options options;

typedef struct line {
    const char *name, *want;
    char *args[ARGS_MAX];
    uint32_t count;
} line;

/* Undoes the escapes of a field in place; gives its size. */
static size_t unescape(char *s)
{
    char *to = s;
    for (const char *p = s; *p; p++) {
        if (*p != '\\' || !p[1]) *to++ = *p;
        else switch (*++p) {
            case 'n': *to++ = '\n'; break;
            case 't': *to++ = '\t'; break;
            case 'r': *to++ = '\r'; break;
            case '0': *to++ = 0; break;
            default: *to++ = *p;
        }
    }
    *to = 0;
    return (size_t)(to - s);
}

static fn_column *argument(char *field)
{
    char copy[4096];
    (void)snprintf(copy, sizeof copy, "%s", field + 2);
    if (field[0] == 's') return fn_column_const_str(&ctx, fn_type_simple(FN_T_STRING), (fn_str){copy, unescape(copy)}, 1);
    if (copy[0] != '-') {
        const uint64_t u = strtoull(copy, NULL, 10);
        return fn_column_const_u64(&ctx, fn_type_simple(u < 256 ? FN_T_UINT8 : u < 65536 ? FN_T_UINT16 : u <= UINT32_MAX ? FN_T_UINT32 : FN_T_UINT64), u, 1);
    }
    const int64_t v = strtoll(copy, NULL, 10);
    return fn_column_const_u64(&ctx, fn_type_simple(v >= -128 ? FN_T_INT8 : FN_T_INT64), (uint64_t)v, 1);
}

/* Runs over a block whose first column is `first` repeated (or as it is); result in *out. */
static fn_status run(const line *l, fn_column *column, fn_column **out)
{
    expr *args[ARGS_MAX], *e;
    expr_program *program;
    for (uint32_t i = 0; i < l->count; i++) {
        fn_column *c = i == 0 && column ? NULL : argument(l->args[i]);
        args[i] = c ? expr_const(&ctx, c) : expr_column(&ctx, 0, column->type);
        FN_TRY_PTR(&ctx, args[i]);
    }
    FN_TRY(expr_call(&ctx, l->name, args, l->count, &e));
    if (e->kind == EXPR_CONST) {
        *out = fn_column_ref(e->constant);
        return FN_OK;
    }
    const column_id layout = 0;
    FN_TRY(expr_compile(&ctx, &e, 1, &layout, 1, &program));
    fn_block *block = fn_block_new(&ctx, 1, column->rows);
    FN_TRY_PTR(&ctx, block);
    block->columns[0] = fn_column_ref(column);
    const fn_status status = expr_run(&ctx, program, block, out);
    fn_block_drop(block);
    return status;
}

static void report(const line *l, const char *how, fn_status status, const fn_buf *got)
{
    char text[32];
    (void)snprintf(text, sizeof text, "!%d", (int)status);
    const bool same = status == FN_OK ? fn_str_eq(fn_buf_view(got), fn_cstr(l->want)) : strcmp(text, l->want) == 0;
    checked++;
    if (same) return;
    failures++;
    printf("%s(%s ...) %s: got %.*s%s, want %s\n", l->name, l->args[0] + 2, how, (int)got->size, got->data ? got->data : "", status == FN_OK ? "" : ctx.error.text, l->want);
}

static void check(const line *l, bool flat)
{
    fn_column *column = NULL, *out = NULL;
    fn_buf text = FN_BUF_INIT;
    fn_status status = FN_OK;
    if (flat) {
        fn_column *one = argument(l->args[0]), *three = one ? fn_column_repeat(&ctx, one, 0, ROWS) : NULL;
        column = three ? fn_column_flatten(&ctx, three) : NULL;
        fn_column_drop(one);
        fn_column_drop(three);
        if (!column) status = ctx.error.code;
    }
    if (status == FN_OK) status = run(l, column, &out);
    if (status == FN_OK) status = fn_column_check(&ctx, out);
    for (uint32_t i = 0; status == FN_OK && i < out->rows; i++) {
        text.size = 0;
        status = fn_text_write(&ctx, out, i, FN_TEXT_ESCAPED, &options, &text);
        if (status == FN_OK && i + 1 < out->rows && !fn_str_eq(fn_buf_view(&text), fn_cstr(l->want))) break;
    }
    /* arguments that have to be constant fail otherwise: that is right as well */
    if (!(flat && (status == FN_ILLEGAL_COLUMN || (l->want[0] == '!' && status != FN_OK)))) report(l, flat ? "over a column" : "of constants", status, &text);
    fn_column_drop(out);
    fn_column_drop(column);
    fn_buf_release(&text);
    fn_error_clear(&ctx);
}

static void check_file(void)
{
    static char row[65536];
    FILE *f = fopen(FN_TEST_DATA "/text_functions.tsv", "r");
    if (!f) {
        printf("no file of samples\n");
        failures++;
        return;
    }
    while (fgets(row, sizeof row, f)) {
        line l = {0};
        char *rest = row;
        row[strcspn(row, "\n")] = 0;
        if (row[0] == '#') continue;
        for (char *field; (field = strsep(&rest, "\t"));) {
            if (!l.name) l.name = field;
            else if (!l.want) l.want = field;
            else if (l.count < ARGS_MAX) l.args[l.count++] = field;
        }
        check(&l, false);
        check(&l, true);
    }
    (void)fclose(f);
}

/* A pattern that backtracks without end must give an error in good time. */
static void check_hostile(void)
{
    char subject[64], pattern[] = "s:^(a+)+$", name[] = "match";
    memset(subject, 'a', sizeof subject);
    memcpy(subject, "s:", 2);
    subject[60] = 'b';
    subject[61] = 0;
    const line l = {.name = name, .want = "", .args = {subject, pattern}, .count = 2};
    fn_column *out = NULL;
    const fn_status status = run(&l, NULL, &out);
    if (status != FN_LIMIT_EXCEEDED && status != FN_OK) {
        printf("hostile pattern: %d %s\n", status, ctx.error.text);
        failures++;
    }
    fn_column_drop(out);
    fn_error_clear(&ctx);
}

int main(void)
{
    fn_text_options_default(&options);
    ctx.arena = fn_arena_new(&ctx);
    if (!ctx.arena) return 1;
    check_file();
    check_hostile();
    fn_arena_free(ctx.arena);
    printf("%d checked, %d failed\n", checked, failures);
    return failures != 0;
}
