/* sigv4.c - see sigv4.h; HMAC and SHA-256 by OpenSSL. SPDX-License-Identifier: Apache-2.0 */
#include "object/sigv4.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

static void to_hex(const unsigned char *in, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * size] = 0;
}

void sigv4_hash_hex(fn_str bytes, char out[65])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    (void)SHA256((const unsigned char *)bytes.data, bytes.size, digest);
    to_hex(digest, sizeof digest, out);
}

fn_status sigv4_encode(fn_ctx *ctx, fn_str in, bool keep_slash, fn_buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    FN_TRY(fn_buf_reserve(ctx, out, 3 * in.size));
    for (size_t i = 0; i < in.size; i++) {
        const unsigned char c = (unsigned char)in.data[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                           c == '~' || (c == '/' && keep_slash);
        if (plain) {
            out->data[out->size++] = (char)c;
        } else {
            out->data[out->size++] = '%';
            out->data[out->size++] = digits[c >> 4];
            out->data[out->size++] = digits[c & 15];
        }
    }
    return FN_OK;
}

static fn_status hmac(fn_ctx *ctx, const unsigned char *key, size_t key_size, fn_str data, unsigned char out[SHA256_DIGEST_LENGTH])
{
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)data.data, data.size, out, &size))
        return fn_fail(ctx, FN_OPENSSL_ERROR, "HMAC failed");
    return FN_OK;
}

/* kSigning = HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request") */
static fn_status signing_key(fn_ctx *ctx, const sigv4_request *r, fn_str secret, fn_str region, unsigned char key[SHA256_DIGEST_LENGTH])
{
    fn_buf first = FN_BUF_INIT;
    fn_status status = fn_buf_printf(ctx, &first, "AWS4");
    if (status == FN_OK) status = fn_buf_str(ctx, &first, secret);
    unsigned char a[SHA256_DIGEST_LENGTH], b[SHA256_DIGEST_LENGTH];
    if (status == FN_OK) status = hmac(ctx, (const unsigned char *)first.data, first.size, (fn_str){r->date, 8}, a);
    if (status == FN_OK) status = hmac(ctx, a, sizeof a, region, b);
    if (status == FN_OK) status = hmac(ctx, b, sizeof b, fn_cstr(r->service), a);
    if (status == FN_OK) status = hmac(ctx, a, sizeof a, FN_STR("aws4_request"), key);
    fn_buf_release(&first);
    return status;
}

static fn_status canonical_request(fn_ctx *ctx, const sigv4_request *r, fn_buf *out)
{
    FN_TRY(fn_buf_printf(ctx, out, "%s\n", r->method));
    FN_TRY(fn_buf_str(ctx, out, r->path));
    FN_TRY(fn_buf_byte(ctx, out, '\n'));
    FN_TRY(fn_buf_str(ctx, out, r->query));
    FN_TRY(fn_buf_byte(ctx, out, '\n'));
    for (size_t i = 0; i < r->header_count; i++) {
        FN_TRY(fn_buf_printf(ctx, out, "%s:", r->headers[i].name));
        FN_TRY(fn_buf_str(ctx, out, fn_str_trim(r->headers[i].value)));
        FN_TRY(fn_buf_byte(ctx, out, '\n'));
    }
    FN_TRY(fn_buf_byte(ctx, out, '\n'));
    for (size_t i = 0; i < r->header_count; i++) FN_TRY(fn_buf_printf(ctx, out, "%s%s", i ? ";" : "", r->headers[i].name));
    FN_TRY(fn_buf_byte(ctx, out, '\n'));
    return fn_buf_str(ctx, out, r->payload_hash);
}

static fn_status write_authorization(fn_ctx *ctx, const sigv4_request *r, const fn_object_auth *auth, fn_str region, fn_buf *canonical, fn_buf *to_sign,
                                     fn_buf *out)
{
    char hash[65];
    unsigned char key[SHA256_DIGEST_LENGTH], signature[SHA256_DIGEST_LENGTH];
    FN_TRY(canonical_request(ctx, r, canonical));
    sigv4_hash_hex(fn_buf_view(canonical), hash);
    FN_TRY(fn_buf_printf(ctx, to_sign, "AWS4-HMAC-SHA256\n%s\n%.8s/" FN_STR_FMT "/%s/aws4_request\n%s", r->date, r->date, FN_STR_ARG(region), r->service,
                         hash));
    FN_TRY(signing_key(ctx, r, auth->secret, region, key));
    FN_TRY(hmac(ctx, key, sizeof key, fn_buf_view(to_sign), signature));
    to_hex(signature, sizeof signature, hash);
    FN_TRY(fn_buf_printf(ctx, out, "AWS4-HMAC-SHA256 Credential=" FN_STR_FMT "/%.8s/" FN_STR_FMT "/%s/aws4_request,SignedHeaders=", FN_STR_ARG(auth->key),
                         r->date, FN_STR_ARG(region), r->service));
    for (size_t i = 0; i < r->header_count; i++) FN_TRY(fn_buf_printf(ctx, out, "%s%s", i ? ";" : "", r->headers[i].name));
    return fn_buf_printf(ctx, out, ",Signature=%s", hash);
}

fn_status sigv4_authorization(fn_ctx *ctx, const sigv4_request *r, const fn_object_auth *auth, fn_str region, fn_buf *out)
{
    fn_buf canonical = FN_BUF_INIT, to_sign = FN_BUF_INIT;
    const fn_status status = write_authorization(ctx, r, auth, region, &canonical, &to_sign, out);
    fn_buf_release(&canonical);
    fn_buf_release(&to_sign);
    return status;
}
