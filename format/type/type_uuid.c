/* type_uuid.c - UUID, IPv4, IPv6. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"
#include <arpa/inet.h>
#include <stdio.h>

static fn_status make(fn_ctx *ctx, const fn_type_class *class, const fn_type_args *args, fn_type *out)
{
    return type_make_simple(ctx, class == &type_uuid ? FN_T_UUID : class == &type_ipv4 ? FN_T_IPV4 : FN_T_IPV6, args, out);
}

static fn_status write_uuid(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    static const char hex[] = "0123456789abcdef";
    (void)o;
    fn_u128 v = fn_load_u128(c->values + 16 * row);
    char text[36];
    for (int i = 35; i >= 0; i--) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            text[i] = '-';
            continue;
        }
        text[i] = hex[(unsigned)v & 15];
        v >>= 4;
    }
    return text_put_bare(ctx, text, sizeof text, style, out);
}

static bool parse_uuid(fn_str s, fn_u128 *out)
{
    *out = 0;
    int n = 0;
    for (size_t i = 0; i < s.size; i++) {
        const char ch = s.data[i];
        if (ch == '-' && s.size == 36 && (i == 8 || i == 13 || i == 18 || i == 23)) continue;
        const char lower = (char)(ch | 32);
        const int d = ch >= '0' && ch <= '9' ? ch - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
        if (d < 0 || ++n > 32) return false;
        *out = *out << 4 | (unsigned)d;
    }
    return n == 32;
}

static fn_status read_uuid(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    (void)type;
    text_token token;
    fn_u128 v;
    FN_TRY(text_token_read(ctx, in, style, o, &token));
    const fn_status status = parse_uuid(token.value, &v) ? fn_builder_fixed(ctx, out, &v) : text_token_bad(ctx, in, &token, FN_CANNOT_PARSE_UUID, "UUID");
    text_token_release(&token);
    return status;
}

static fn_status write_ipv4(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    char text[20];
    (void)o;
    const uint32_t v = fn_load_u32(c->values + 4 * row);
    const int n = snprintf(text, sizeof text, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
    return text_put_bare(ctx, text, (size_t)n, style, out);
}

static fn_status write_ipv6(fn_ctx *ctx, const fn_column *c, size_t row, fn_text_style style, const fn_text_options *o, fn_buf *out)
{
    char text[INET6_ADDRSTRLEN];
    (void)o;
    if (!inet_ntop(AF_INET6, c->values + 16 * row, text, sizeof text)) text[0] = 0;
    return text_put_bare(ctx, text, strlen(text), style, out);
}

static fn_status read_ip(fn_ctx *ctx, fn_text_in *in, const fn_type *type, fn_text_style style, const fn_text_options *o, fn_builder *out)
{
    const bool v6 = fn_type_base(type)->id == FN_T_IPV6;
    text_token token;
    char text[64];
    uint8_t address[16] = {0};
    FN_TRY(text_token_read(ctx, in, style, o, &token));
    bool ok = token.value.size > 0 && token.value.size < sizeof text;
    if (ok) {
        memcpy(text, token.value.data, token.value.size);
        text[token.value.size] = 0;
        ok = inet_pton(v6 ? AF_INET6 : AF_INET, text, address) == 1;
        if (!ok && v6 && inet_pton(AF_INET, text, address + 12) == 1) { /* IPv4-mapped */
            address[10] = address[11] = 0xff;
            ok = true;
        }
    }
    if (ok && !v6) {
        const uint32_t host = ntohl(fn_load_u32(address));
        fn_store_u32(address, host);
    }
    const fn_status status = ok ? fn_builder_fixed(ctx, out, address)
                                : text_token_bad(ctx, in, &token, v6 ? FN_CANNOT_PARSE_IPV6 : FN_CANNOT_PARSE_IPV4, v6 ? "IPv6" : "IPv4");
    text_token_release(&token);
    return status;
}

static const char *const inet4[] = {"INET4", NULL};
static const char *const inet6[] = {"INET6", NULL};
const fn_type_class type_uuid = {.name = "UUID", .make = make, .write = write_uuid, .read = read_uuid, .about = "Universally unique identifier, 16 bytes."};
const fn_type_class type_ipv4 = {.name = "IPv4", .aliases = inet4, .alias_nocase = true, .make = make, .write = write_ipv4, .read = read_ip, .about = "IPv4 address, four bytes."};
const fn_type_class type_ipv6 = {.name = "IPv6", .aliases = inet6, .alias_nocase = true, .make = make, .write = write_ipv6, .read = read_ip, .about = "IPv6 address, 16 bytes."};
