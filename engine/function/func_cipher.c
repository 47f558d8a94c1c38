/* func_cipher.c - encrypt, decrypt, tryDecrypt and MySQL's aes_encrypt_mysql, aes_decrypt_mysql: AES through OpenSSL.
 * GCM appends its tag of 16 bytes to the text. MySQL's kin fold a longer key into the cipher's size.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"
#include <openssl/evp.h>

enum { TAG = 16, BLOCK = 16, KEY_MAX = 32 };

typedef struct cipher {
    const char *name;
    const EVP_CIPHER *(*algorithm)(void);
    uint8_t key, iv;  /* bytes; iv 0: takes none */
    bool gcm, blocks; /* blocks: padded to whole ones */
} cipher;
#define BITS(bits)                                                                                                                      \
    {"aes-" #bits "-ecb", EVP_aes_##bits##_ecb, (bits) / 8, 0, false, true}, {"aes-" #bits "-cbc", EVP_aes_##bits##_cbc, (bits) / 8, 16, false, true}, \
    {"aes-" #bits "-cfb", EVP_aes_##bits##_cfb128, (bits) / 8, 16, false, false}, {"aes-" #bits "-cfb1", EVP_aes_##bits##_cfb1, (bits) / 8, 16, false, false}, \
    {"aes-" #bits "-cfb8", EVP_aes_##bits##_cfb8, (bits) / 8, 16, false, false}, {"aes-" #bits "-ofb", EVP_aes_##bits##_ofb, (bits) / 8, 16, false, false}, \
    {"aes-" #bits "-ctr", EVP_aes_##bits##_ctr, (bits) / 8, 16, false, false}, {"aes-" #bits "-gcm", EVP_aes_##bits##_gcm, (bits) / 8, 12, true, false}
static const cipher ciphers[] = {BITS(128), BITS(192), BITS(256)};

typedef struct cipher_data {
    const cipher *cipher;
    bool mysql, decrypt, try;
} cipher_data;

static fn_status bind_cipher(fn_ctx *ctx, func_call *call)
{
    static const char *const names[] = {"mode", "input", "key", "iv", "aad"}, *const kinds[] = {"encryption mode string", "plaintext", "key", "IV", "AAD"};
    cipher_data *d = FN_NEW(ctx, cipher_data);
    fn_str mode;
    FN_TRY_PTR(ctx, d);
    d->decrypt = strstr(call->def->name, "ecrypt") != NULL;
    d->try = strcmp(call->def->name, "tryDecrypt") == 0;
    d->mysql = strstr(call->def->name, "mysql") != NULL;
    for (uint32_t i = 0; i < call->arg_count; i++)
        if (!fn_type_is_string(call->arg_types[i]))
            return fn_fail(ctx, FN_ILLEGAL_TYPE_OF_ARGUMENT, "A value of illegal type was provided as %u%s argument '%s' to function '%s'. Expected: %s, got: %s", i + 1, i == 0 ? "st" : i == 1 ? "nd" : i == 2 ? "rd" : "th", names[i], call->def->name, kinds[i], call->arg_types[i]->name);
    FN_TRY(func_const_str(ctx, call, 0, &mode));
    for (size_t i = 0; i < FN_COUNT(ciphers); i++)
        if (fn_str_eq(fn_cstr(ciphers[i].name), mode)) d->cipher = &ciphers[i];
    if (!d->cipher) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Invalid mode: " FN_STR_FMT, FN_STR_ARG(mode));
    if (d->mysql && d->cipher->gcm) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Unsupported cipher mode");
    if (call->arg_count > 3 && !d->cipher->iv) return fn_fail(ctx, FN_BAD_ARGUMENTS, "%s does not support IV", d->cipher->name);
    if (call->arg_count > 4 && !d->cipher->gcm) return fn_fail(ctx, FN_BAD_ARGUMENTS, "AAD can be only set for GCM-mode");
    call->data = d;
    call->type = fn_type_simple(FN_T_STRING);
    if (d->try) call->type = fn_type_nullable(call->type);
    return FN_OK;
}

/* The key and the initial vector of a row, checked. A missing vector is zero. */
static fn_status row_secrets(fn_ctx *ctx, const cipher_data *d, fn_str key, fn_str *iv, bool has_iv, uint8_t folded[KEY_MAX], uint8_t vector[BLOCK])
{
    const cipher *c = d->cipher;
    if (d->mysql ? key.size < c->key : key.size != c->key) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Invalid key size: %zu expected %u", key.size, c->key);
    memset(folded, 0, KEY_MAX);
    for (size_t i = 0; i < key.size; i++) folded[i % c->key] ^= (uint8_t)key.data[i];
    memset(vector, 0, BLOCK);
    if (c->gcm) {
        if (!iv->size) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Invalid IV size 0 != expected size 12");
        return FN_OK;
    }
    if (has_iv && (d->mysql ? iv->size < c->iv : iv->size != c->iv && iv->size)) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Invalid IV size: %zu expected %u", iv->size, c->iv);
    if (iv->size) memcpy(vector, iv->data, c->iv);
    *iv = (fn_str){(const char *)vector, c->iv};
    return FN_OK;
}

/* One text through OpenSSL; false where the text, its padding or its tag is wrong. Room for `in` and two blocks is there. */
static bool run_cipher(EVP_CIPHER_CTX *state, const cipher_data *d, const uint8_t *key, fn_str iv, fn_str aad, fn_str in, fn_buf *to)
{
    const cipher *c = d->cipher;
    const int encrypting = d->decrypt ? 0 : 1;
    int n = 0, end = 0;
    uint8_t *out = (uint8_t *)to->data + to->size;
    const uint8_t *tag = NULL;
    if (c->gcm && d->decrypt) {
        in.size -= TAG;
        tag = (const uint8_t *)in.data + in.size;
    }
    EVP_CIPHER_CTX_reset(state);
    if (!EVP_CipherInit_ex(state, c->algorithm(), NULL, NULL, NULL, encrypting)) return false;
    if (c->gcm && !EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.size, NULL)) return false;
    if (!EVP_CipherInit_ex(state, NULL, NULL, key, c->iv ? (const uint8_t *)iv.data : NULL, encrypting)) return false;
    if (aad.size && !EVP_CipherUpdate(state, NULL, &n, (const uint8_t *)aad.data, (int)aad.size)) return false;
    n = 0;
    if (in.size && !EVP_CipherUpdate(state, out, &n, (const uint8_t *)in.data, (int)in.size)) return false;
    if (tag) {
        uint8_t copy[TAG];
        memcpy(copy, tag, TAG);
        if (!EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_SET_TAG, TAG, copy)) return false;
    }
    if (!EVP_CipherFinal_ex(state, out + n, &end)) return false;
    n += end;
    if (c->gcm && !d->decrypt) {
        if (!EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_GET_TAG, TAG, out + n)) return false;
        n += TAG;
    }
    to->size += (size_t)n;
    return true;
}

static fn_status cipher_row(fn_ctx *ctx, EVP_CIPHER_CTX *state, const func_call *call, fn_column *const *args, size_t row, fn_buf *room, bool *good)
{
    const cipher_data *d = call->data;
    const fn_str in = text_at(args[1], row), key = text_at(args[2], row), none = {"", 0};
    const fn_str aad = call->arg_count > 4 ? text_at(args[4], row) : none;
    fn_str iv = call->arg_count > 3 ? text_at(args[3], row) : none;
    uint8_t folded[KEY_MAX], vector[BLOCK];
    room->size = 0;
    *good = true;
    FN_TRY(row_secrets(ctx, d, key, &iv, call->arg_count > 3, folded, vector));
    if (d->decrypt && !in.size) return FN_OK;
    if (in.size > INT32_MAX / 2 || aad.size > INT32_MAX / 2) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Text too large for function %s", call->def->name);
    if (d->decrypt && d->cipher->gcm && in.size < TAG) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Encrypted data is smaller than the size of additional data for AEAD mode, cannot decrypt");
    FN_TRY(fn_buf_reserve(ctx, room, in.size + 2 * BLOCK + TAG));
    const bool whole = !(d->decrypt && d->cipher->blocks) || in.size % BLOCK == 0;
    *good = whole && run_cipher(state, d, folded, iv, aad, in, room);
    if (*good || d->try) return FN_OK;
    if (!whole) return fn_fail(ctx, FN_OPENSSL_ERROR, "Cannot decrypt: data size %zu is not a multiple of the cipher block size %d", in.size, BLOCK);
    return fn_fail(ctx, FN_OPENSSL_ERROR, d->cipher->blocks ? "Cannot decrypt: invalid PKCS#7 padding" : "EVP_DecryptFinal_ex failed");
}

static fn_status eval_cipher(fn_ctx *ctx, const func_call *call, fn_column *const *args, uint32_t rows, fn_column **out)
{
    fn_builder b;
    fn_buf room = FN_BUF_INIT;
    FN_TRY(fn_builder_init(ctx, &b, call->type));
    EVP_CIPHER_CTX *state = EVP_CIPHER_CTX_new();
    fn_status status = state ? fn_builder_reserve(ctx, &b, rows) : fn_fail_memory(ctx, 64);
    for (size_t i = 0; i < rows && status == FN_OK; i++) {
        bool good;
        status = cipher_row(ctx, state, call, args, i, &room, &good);
        if (status == FN_OK) status = good ? fn_builder_str(ctx, &b, fn_buf_view(&room)) : fn_builder_null(ctx, &b);
    }
    if (status == FN_OK) status = fn_builder_finish(ctx, &b, out);
    EVP_CIPHER_CTX_free(state);
    fn_buf_release(&room);
    fn_builder_release(&b);
    return status;
}

#define CIPHER(fn, hi, what, ex, res) {.name = fn, .args_min = 3, .args_max = hi, .bind = bind_cipher, .eval = eval_cipher, .about = what, .example = ex, .gives = res}
#define KEY                      "'1234567890123456'"
static const func_def rows_[] = {
    CIPHER("encrypt", 5, "The text encrypted with AES: mode, text, key, initial vector, additional data (GCM).", "hex(encrypt('aes-128-ecb', 'text', " KEY "))", "A2E49F638D51A170D7DD63186BECD7D8"),
    CIPHER("decrypt", 5, "The text that encrypt was given.", "decrypt('aes-128-ecb', unhex('A2E49F638D51A170D7DD63186BECD7D8'), " KEY ")", "text"),
    CIPHER("tryDecrypt", 5, "As decrypt, NULL where that fails.", "tryDecrypt('aes-128-ecb', 'x', " KEY ")", "NULL"),
    CIPHER("aes_encrypt_mysql", 4, "The text encrypted as MySQL's AES_ENCRYPT does it.", "hex(aes_encrypt_mysql('aes-128-ecb', 'Secret', " KEY "))", "2E678DC8CDD4AC592BD4094C3499B4D7"),
    CIPHER("aes_decrypt_mysql", 4, "The text that aes_encrypt_mysql was given.", "aes_decrypt_mysql('aes-128-ecb', unhex('2E678DC8CDD4AC592BD4094C3499B4D7'), " KEY ")", "Secret"),
};
const func_family func_family_cipher = FUNC_FAMILY("encryption", rows_);
