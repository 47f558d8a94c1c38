/* test_sigv4.c - Signature Version 4 against the examples published in the Amazon S3 API reference.
 * SPDX-License-Identifier: Apache-2.0 */
#include "object/sigv4.h"
#include <stdio.h>
#include <string.h>

static int failures;

static void check(const char *what, bool ok)
{
    if (ok) return;
    failures++;
    printf("FAIL %s\n", what);
}

static bool signature_is(const sigv4_request *r, const char *signature)
{
    static const fn_object_auth auth = {.key = {"AKIAIOSFODNN7EXAMPLE", 20}, .secret = {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40}};
    fn_ctx ctx = {0};
    fn_buf out = FN_BUF_INIT;
    bool ok = sigv4_authorization(&ctx, r, &auth, FN_STR("us-east-1"), &out) == FN_OK && fn_str_ends(fn_buf_view(&out), fn_cstr(signature));
    if (!ok) printf("%.*s\n", (int)out.size, out.data);
    fn_buf_release(&out);
    return ok;
}

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HOST {"host", FN_STR("examplebucket.s3.amazonaws.com")}
#define DATE {"x-amz-date", FN_STR("20130524T000000Z")}

static void published_vectors(void)
{
    const sigv4_header get[] = {HOST, {"range", FN_STR("bytes=0-9")}, {"x-amz-content-sha256", FN_STR(EMPTY)}, DATE};
    const sigv4_request get_object = {.method = "GET", .path = FN_STR("/test.txt"), .headers = get, .header_count = 4, .payload_hash = FN_STR(EMPTY),
                                      .service = "s3", .date = "20130524T000000Z"};
    check("GET object", signature_is(&get_object, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));

    char hash[65];
    sigv4_hash_hex(FN_STR("Welcome to Amazon S3."), hash);
    check("hash", strcmp(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072") == 0);
    const sigv4_header put[] = {{"date", FN_STR("Fri, 24 May 2013 00:00:00 GMT")}, HOST, {"x-amz-content-sha256", fn_cstr(hash)}, DATE,
                                {"x-amz-storage-class", FN_STR("REDUCED_REDUNDANCY")}};
    const sigv4_request put_object = {.method = "PUT", .path = FN_STR("/test%24file.text"), .headers = put, .header_count = 5, .payload_hash = fn_cstr(hash),
                                      .service = "s3", .date = "20130524T000000Z"};
    check("PUT object", signature_is(&put_object, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));

    const sigv4_header plain[] = {HOST, {"x-amz-content-sha256", FN_STR(EMPTY)}, DATE};
    const sigv4_request lifecycle = {.method = "GET", .path = FN_STR("/"), .query = FN_STR("lifecycle="), .headers = plain, .header_count = 3,
                                     .payload_hash = FN_STR(EMPTY), .service = "s3", .date = "20130524T000000Z"};
    check("GET lifecycle", signature_is(&lifecycle, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
    const sigv4_request list = {.method = "GET", .path = FN_STR("/"), .query = FN_STR("max-keys=2&prefix=J"), .headers = plain, .header_count = 3,
                                .payload_hash = FN_STR(EMPTY), .service = "s3", .date = "20130524T000000Z"};
    check("list", signature_is(&list, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

static void encoding(void)
{
    fn_ctx ctx = {0};
    fn_buf out = FN_BUF_INIT;
    check("encode", sigv4_encode(&ctx, FN_STR("a b/c~\xc3\xa9+"), true, &out) == FN_OK && fn_str_eq(fn_buf_view(&out), FN_STR("a%20b/c~%C3%A9%2B")));
    out.size = 0;
    check("encode slash", sigv4_encode(&ctx, FN_STR("a/b"), false, &out) == FN_OK && fn_str_eq(fn_buf_view(&out), FN_STR("a%2Fb")));
    fn_buf_release(&out);
}

static void urls(void)
{
    fn_ctx ctx = {0};
    ctx.arena = fn_arena_new(&ctx);
    fn_object_url u;
    check("path style", fn_object_url_parse(&ctx, FN_STR("http://127.0.0.1:9000/bucket/a/b*.parquet"), true, &u) == FN_OK && u.path_style &&
                            fn_str_eq(u.bucket, FN_STR("bucket")) && fn_str_eq(u.key, FN_STR("a/b*.parquet")) && fn_str_eq(u.host, FN_STR("127.0.0.1:9000")));
    check("virtual host", fn_object_url_parse(&ctx, FN_STR("https://data.s3.eu-west-1.amazonaws.com/k"), true, &u) == FN_OK && !u.path_style &&
                              fn_str_eq(u.bucket, FN_STR("data")) && fn_str_eq(u.key, FN_STR("k")));
    check("regional path", fn_object_url_parse(&ctx, FN_STR("https://s3.eu-west-1.amazonaws.com/data/k"), true, &u) == FN_OK && u.path_style &&
                               fn_str_eq(u.bucket, FN_STR("data")));
    check("plain", fn_object_url_parse(&ctx, FN_STR("http://h/x?y=1"), false, &u) == FN_OK && fn_str_eq(u.key, FN_STR("x?y=1")));
    check("credentials refused", fn_object_url_parse(&ctx, FN_STR("http://u:p@h/x"), false, &u) == FN_BAD_ARGUMENTS);
    fn_error_clear(&ctx);
    check("no scheme", fn_object_url_parse(&ctx, FN_STR("bucket/key"), true, &u) == FN_BAD_ARGUMENTS);
    fn_error_clear(&ctx);
    check("no bucket", fn_object_url_parse(&ctx, FN_STR("http://host/"), true, &u) == FN_BAD_ARGUMENTS);
    fn_arena_free(ctx.arena);
}

int main(void)
{
    published_vectors();
    encoding();
    urls();
    return failures ? 1 : 0;
}
