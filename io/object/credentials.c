/* credentials.c - S3 credentials from the environment and the profile file. SPDX-License-Identifier: Apache-2.0 */
#include <firn/object.h>
#include <stdio.h>
#include <stdlib.h>

static fn_status from_environment(fn_ctx *ctx, const char *name, fn_str *out)
{
    const char *value = getenv(name);
    if (out->size || !value || !*value) return FN_OK;
    return fn_arena_str(ctx, ctx->arena, fn_cstr(value), out);
}

/* Reads `name = value` lines of [section] of an INI file; a missing file is not an error. */
static fn_status from_profile(fn_ctx *ctx, const char *path, const char *section, fn_object_auth *auth)
{
    FILE *f = fopen(path, "r");
    if (!f) return FN_OK;
    char line[4096];
    bool inside = false;
    fn_status status = FN_OK;
    while (status == FN_OK && fgets(line, sizeof line, f)) {
        const fn_str text = fn_str_trim(fn_cstr(line));
        if (text.size > 2 && text.data[0] == '[') {
            inside = fn_str_eq(fn_str_trim((fn_str){text.data + 1, text.size - 2}), fn_cstr(section));
            continue;
        }
        const char *equals = inside ? memchr(text.data, '=', text.size) : NULL;
        if (!equals) continue;
        const fn_str name = fn_str_trim((fn_str){text.data, (size_t)(equals - text.data)});
        const fn_str value = fn_str_trim((fn_str){equals + 1, text.size - name.size - (size_t)(equals + 1 - (name.data + name.size))});
        fn_str *into = fn_str_eq(name, FN_STR("aws_access_key_id"))       ? &auth->key
                       : fn_str_eq(name, FN_STR("aws_secret_access_key")) ? &auth->secret
                       : fn_str_eq(name, FN_STR("aws_session_token"))     ? &auth->token
                       : fn_str_eq(name, FN_STR("region"))                ? &auth->region
                                                                          : NULL;
        if (into && !into->size) status = fn_arena_str(ctx, ctx->arena, value, into);
    }
    (void)fclose(f);
    return status;
}

fn_status fn_object_auth_default(fn_ctx *ctx, fn_object_auth *auth)
{
    if (!auth->region.size) {
        FN_TRY(from_environment(ctx, "AWS_REGION", &auth->region));
        FN_TRY(from_environment(ctx, "AWS_DEFAULT_REGION", &auth->region));
    }
    if (auth->unsigned_ || auth->key.size) return FN_OK;
    FN_TRY(from_environment(ctx, "AWS_ACCESS_KEY_ID", &auth->key));
    if (auth->key.size) {
        FN_TRY(from_environment(ctx, "AWS_SECRET_ACCESS_KEY", &auth->secret));
        return from_environment(ctx, "AWS_SESSION_TOKEN", &auth->token);
    }
    const char *profile = getenv("AWS_PROFILE"), *file = getenv("AWS_SHARED_CREDENTIALS_FILE"), *home = getenv("HOME");
    const char *path = file ? file : home ? fn_arena_printf(ctx, ctx->arena, "%s/.aws/credentials", home) : NULL;
    return path ? from_profile(ctx, path, profile && *profile ? profile : "default", auth) : ctx->error.code;
}
