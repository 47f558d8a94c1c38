/* test_glob.c - file name patterns: wildcards per component, ** across them, braces.
 * SPDX-License-Identifier: Apache-2.0 */
#include "table/lake/file_table.h"
#include <stdio.h>

static int failures;
#define CHECK(cond) ((cond) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE_NAME__, __LINE__, #cond)))

static bool match(const char *pattern, const char *path)
{
    return glob_match(fn_cstr(pattern), fn_cstr(path));
}

static void check_expand(fn_ctx *ctx, const char *pattern, const char *expected)
{
    fn_str *items;
    uint32_t count;
    fn_buf b = FN_BUF_INIT;
    CHECK(glob_expand(ctx, fn_cstr(pattern), &items, &count) == FN_OK);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(fn_buf_str(ctx, &b, items[i]) == FN_OK);
        CHECK(fn_buf_byte(ctx, &b, ' ') == FN_OK);
    }
    CHECK(fn_str_eq(fn_buf_view(&b), fn_cstr(expected)));
    fn_buf_release(&b);
}

int main(void)
{
    fn_ctx ctx = {0};
    ctx.arena = fn_arena_new(&ctx);
    CHECK(match("/a/*.csv", "/a/b.csv"));
    CHECK(match("/a/*.csv", "/a/.csv"));
    CHECK(!match("/a/*.csv", "/a/b/c.csv"));
    CHECK(!match("/a/*.csv", "/a/b.csv.gz"));
    CHECK(match("/a/**", "/a/b/c.csv"));
    CHECK(match("/a/**/c.csv", "/a/c.csv"));
    CHECK(match("/a/**/c.csv", "/a/x/y/c.csv"));
    CHECK(!match("/a/**/c.csv", "/a/x/y/d.csv"));
    CHECK(match("/a/?.p*t", "/a/q.parquet"));
    CHECK(!match("/a?b", "/a/b"));
    CHECK(match("*a*b*c", "xxaxxbxxabc"));
    CHECK(!match("*a*b*c", "xxaxxbxxab"));
    CHECK(match("", "") && !match("", "a") && !match("a", "") && match("*", ""));
    check_expand(&ctx, "f", "f ");
    check_expand(&ctx, "f{a,bc,}x", "fax fbcx fx ");
    check_expand(&ctx, "f{8..10}", "f8 f9 f10 ");
    check_expand(&ctx, "f{08..10}_{x,y}", "f08_x f08_y f09_x f09_y f10_x f10_y ");
    check_expand(&ctx, "f{3..1}", "f3 f2 f1 ");
    fn_str *items;
    uint32_t count;
    CHECK(glob_expand(&ctx, FN_STR("{1..99999}"), &items, &count) == FN_BAD_ARGUMENTS);
    fn_arena_free(ctx.arena);
    printf("%d failures\n", failures);
    return failures != 0;
}
