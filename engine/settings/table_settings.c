/* table_settings.c - see table_settings.h. SPDX-License-Identifier: Apache-2.0 */
#include "settings/table_settings.h"
#include "settings/settings.h"

typedef enum setting_kind { KIND_U64, KIND_F64, KIND_BOOL, KIND_MODE } setting_kind;

static const struct {
    const char *name;
    setting_kind kind;
    size_t place;
} defs[] = {
#define X(kind, name, value) {#name, KIND_##kind, offsetof(table_settings, name)},
#include "settings/table_settings.def"
#undef X
};

table_settings table_settings_default(void)
{
    return (table_settings){
#define X(kind, name, value) .name = value,
#include "settings/table_settings.def"
#undef X
    };
}

static fn_status set_u64(fn_ctx *ctx, fn_str name, fn_str value, uint64_t *out)
{
    double number;
    for (size_t i = 1; i < value.size; i++) { /* ClickHouse takes 1.5 for 1 */
        if (value.data[i] != '.') continue;
        FN_TRY(settings_parse_number(ctx, value, &number));
        value.size = i;
    }
    return settings_parse_unsigned(ctx, name, value, out);
}

/* `ignore` is for merges alone. */
static fn_status set_mode(fn_ctx *ctx, fn_str name, fn_str value, projection_mode *out)
{
    static const char *const modes[] = {[PROJECTION_IGNORE] = "ignore", [PROJECTION_THROW] = "throw", [PROJECTION_DROP] = "drop", [PROJECTION_REBUILD] = "rebuild"};
    const bool merges = fn_str_starts(name, FN_STR("deduplicate"));
    for (size_t i = merges ? PROJECTION_IGNORE : PROJECTION_THROW; i < FN_COUNT(modes); i++) {
        if (!fn_str_eq(value, fn_cstr(modes[i]))) continue;
        *out = (projection_mode)i;
        return FN_OK;
    }
    return fn_fail(ctx, FN_BAD_ARGUMENTS, "Unexpected value of %sProjectionMode: '" FN_STR_FMT "'. Must be one of [%s'throw', 'drop', 'rebuild']",
                   merges ? "DeduplicateMerge" : "LightweightMutation", FN_STR_ARG(value), merges ? "'ignore', " : "");
}

fn_status table_settings_set(fn_ctx *ctx, table_settings *s, fn_str name, fn_str value)
{
    for (size_t i = 0; i < FN_COUNT(defs); i++) {
        if (!fn_str_eq(name, fn_cstr(defs[i].name))) continue;
        void *at = (char *)s + defs[i].place;
        switch (defs[i].kind) {
        case KIND_U64:
            return set_u64(ctx, name, value, at);
        case KIND_F64:
            return settings_parse_number(ctx, value, at);
        case KIND_BOOL:
            return settings_parse_bool(ctx, value, at);
        case KIND_MODE:
            return set_mode(ctx, name, value, at);
        }
    }
    return FN_OK;
}
