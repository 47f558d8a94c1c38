/* settings.c - the values of query settings: typed fields for those the engine acts on (settings.def), texts for the others.
 *
 * settings.def is included several times: as struct fields (settings.h), as rows of names, types and places here.
 * settings_known.def holds every other name of ClickHouse 26.9; such a value is kept as text. settings_acted.def names those of them that are looked at,
 * settings_refused.def those that are not done, settings_ignored.def says why the others need not be.
 * SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"
#include <firn/format.h>
#include <firn/time.h>
#include <pthread.h>
#include <stdlib.h>

typedef enum setting_kind { KIND_BOOL, KIND_U64, KIND_I64, KIND_F64, KIND_SECONDS, KIND_TEXT } setting_kind;

typedef struct setting_def {
    const char *name, *value, *about;
    setting_kind kind;
    size_t place;
} setting_def;

static const setting_def defs[] = {
#define X(kind, name, value, about) {#name, value, about, KIND_##kind, offsetof(fn_settings, name)},
#include "settings/settings.def"
#undef X
};
static const struct known_def {
    const char *name, *type, *value;
} known[] = {
#define X(name, type, value) {#name, type, value},
#include "settings/settings_known.def"
#undef X
};
static const char *const refused[] = {
#define X(name) #name,
#include "settings/settings_refused.def"
#undef X
};
static const struct noted_def {
    const char *names, *about; /* names: one, or its beginning and a '*' */
} acted[] = {
#define X(name, about) {#name, about},
#include "settings/settings_acted.def"
#undef X
}, ignored[] = {
#define X(names, why) {names, why},
#include "settings/settings_ignored.def"
#undef X
};
static const char *const type_names[] = {"Bool", "UInt64", "Int64", "Double", "Seconds", "String"};
_Static_assert(FN_COUNT(defs) <= 512, "fn_settings.changed has 512 bits");

static fn_settings defaults_of_text;

static void *place(fn_settings *s, const setting_def *d)
{
    return (char *)s + d->place;
}

static uint16_t by_name[FN_COUNT(defs)]; /* places in defs, ascending by name */
static pthread_once_t sorted = PTHREAD_ONCE_INIT;

static int compare_names(const void *a, const void *b)
{
    return strcmp(defs[*(const uint16_t *)a].name, defs[*(const uint16_t *)b].name);
}

static void sort_defs(void)
{
    for (uint16_t i = 0; i < FN_COUNT(defs); i++) by_name[i] = i;
    qsort(by_name, FN_COUNT(defs), sizeof *by_name, compare_names);
}

static const setting_def *find_def(fn_str name)
{
    FN_ASSERT(pthread_once(&sorted, sort_defs) == 0);
    size_t low = 0, high = FN_COUNT(defs); /* a few of these lookups are in every request */
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const setting_def *d = &defs[by_name[mid]];
        const int order = fn_str_compare(fn_cstr(d->name), name);
        if (order == 0) return d;
        if (order < 0) low = mid + 1;
        else high = mid;
    }
    return NULL;
}

static const struct known_def *find_known(fn_str name)
{
    size_t low = 0, high = FN_COUNT(known);
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const int order = fn_str_compare(fn_cstr(known[mid].name), name);
        if (order == 0) return &known[mid];
        if (order < 0) low = mid + 1;
        else high = mid;
    }
    return NULL;
}

/* Second names; in system.settings both are shown. */
static const struct {
    const char *name, *real;
} aliases[] = {
    {"allow_experimental_lightweight_delete", "enable_lightweight_delete"},
    {"allow_experimental_lightweight_update", "enable_lightweight_update"},
    {"async_insert_busy_timeout_ms", "async_insert_busy_timeout_max_ms"},
    {"max_insert_block_size_rows", "max_insert_block_size"},
};

static fn_str real_name(fn_str name)
{
    for (size_t i = 0; i < FN_COUNT(aliases); i++)
        if (fn_str_eq(name, fn_cstr(aliases[i].name))) return fn_cstr(aliases[i].real);
    return name;
}

/* ---- names nearly right ---- */

static size_t distance(fn_str a, fn_str b, size_t most)
{
    size_t row[128];
    if (a.size >= FN_COUNT(row) || b.size >= FN_COUNT(row)) return most + 1;
    for (size_t j = 0; j <= b.size; j++) row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            const size_t up = row[j], change = diagonal + (a.data[i - 1] != b.data[j - 1]);
            row[j] = FN_MIN(change, FN_MIN(up, row[j - 1]) + 1);
            diagonal = up;
        }
    }
    return row[b.size];
}

static void consider(fn_str name, const char *candidate, const char **best, size_t *least)
{
    const fn_str c = fn_cstr(candidate);
    const size_t gap = c.size > name.size ? c.size - name.size : name.size - c.size;
    if (gap >= *least) return;
    const size_t d = distance(name, c, *least);
    if (d >= *least) return;
    *least = d;
    *best = candidate;
}

static fn_status fail_unknown(fn_ctx *ctx, fn_str name)
{
    const char *best = NULL;
    size_t least = name.size < 5 ? 2 : name.size < 10 ? 3 : 4;
    for (size_t i = 0; i < FN_COUNT(defs); i++) consider(name, defs[i].name, &best, &least);
    for (size_t i = 0; i < FN_COUNT(known); i++) consider(name, known[i].name, &best, &least);
    if (!best) return fn_fail(ctx, FN_UNKNOWN_SETTING, "Unknown setting '" FN_STR_FMT "'", FN_STR_ARG(name));
    return fn_fail(ctx, FN_UNKNOWN_SETTING, "Unknown setting '" FN_STR_FMT "': Maybe you meant ['%s']", FN_STR_ARG(name), best);
}

/* ---- values from text ---- */

fn_status settings_parse_bool(fn_ctx *ctx, fn_str text, bool *out)
{
    static const char *const yes[] = {"1", "true", "on", "yes"}, *const no[] = {"0", "false", "off", "no"};
    for (size_t i = 0; i < FN_COUNT(yes); i++) {
        const bool t = fn_str_eq_nocase(text, fn_cstr(yes[i])), f = fn_str_eq_nocase(text, fn_cstr(no[i]));
        if (!t && !f) continue;
        *out = t;
        return FN_OK;
    }
    if (text.size && text.data[0] >= '0' && text.data[0] <= '9') {
        return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Field value " FN_STR_FMT " is out of range of bool type", FN_STR_ARG(text));
    }
    return fn_fail(ctx, FN_CANNOT_PARSE_BOOL, "Cannot parse bool from string '" FN_STR_FMT "'", FN_STR_ARG(text));
}

/* Bytes may be written with a suffix: 10K, 1Gi. */
static uint64_t suffix_factor(fn_str suffix)
{
    static const char letters[] = "KMGTP";
    if (suffix.size == 0) return 1;
    const char upper = (char)(suffix.data[0] & ~0x20);
    const char *hit = upper ? strchr(letters, upper) : NULL;
    const bool binary = suffix.size == 2 && (suffix.data[1] | 0x20) == 'i';
    if (!hit || (suffix.size != 1 && !binary)) return 0;
    uint64_t factor = 1;
    for (const char *c = letters; c <= hit; c++) factor *= binary ? 1024 : 1000;
    return factor;
}

fn_status settings_parse_unsigned(fn_ctx *ctx, fn_str name, fn_str text, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;
    if (fn_str_eq(name, FN_STR("max_threads")) && fn_str_starts(text, FN_STR("auto"))) {
        *out = 0;
        return FN_OK;
    }
    if (text.size && text.data[0] == '-') {
        return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Field value " FN_STR_FMT " is out of range of unsigned long type", FN_STR_ARG(text));
    }
    for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) || __builtin_add_overflow(v, (uint64_t)(text.data[i] - '0'), &v)) {
            return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Field value " FN_STR_FMT " is out of range of unsigned long type", FN_STR_ARG(text));
        }
    }
    const uint64_t factor = suffix_factor((fn_str){text.data + i, text.size - i});
    if (i == 0 || factor == 0 || __builtin_mul_overflow(v, factor, out)) {
        return fn_fail(ctx, FN_CANNOT_PARSE_INPUT_ASSERTION_FAILED, "Cannot parse input: expected 'eof' before: '" FN_STR_FMT "' (setting " FN_STR_FMT ")",
                       FN_STR_ARG(text), FN_STR_ARG(name));
    }
    return FN_OK;
}

fn_status settings_parse_number(fn_ctx *ctx, fn_str text, double *out)
{
    char copy[64], *end = copy;
    if (text.size && text.size < sizeof copy) {
        memcpy(copy, text.data, text.size);
        copy[text.size] = '\0';
        *out = strtod(copy, &end);
        if (end == copy + text.size) return FN_OK;
    }
    return fn_fail(ctx, FN_CANNOT_PARSE_NUMBER, "Cannot read floating point value here: " FN_STR_FMT, FN_STR_ARG(text));
}

static fn_status parse_signed(fn_ctx *ctx, fn_str name, fn_str text, int64_t *out)
{
    const bool negative = text.size && text.data[0] == '-';
    uint64_t v;
    FN_TRY(settings_parse_unsigned(ctx, name, negative ? (fn_str){text.data + 1, text.size - 1} : text, &v));
    if (v > (uint64_t)INT64_MAX) return fn_fail(ctx, FN_CANNOT_CONVERT_TYPE, "Field value " FN_STR_FMT " is out of range of long type", FN_STR_ARG(text));
    *out = negative ? -(int64_t)v : (int64_t)v;
    return FN_OK;
}

/* Settings with a closed list of values. */
static const struct {
    const char *name, *class, *values[6];
    fn_status code;
} choices[] = {
    {"union_default_mode", "SetOperationMode", {"DISTINCT", "ALL", ""}, FN_UNKNOWN_UNION},
    {"except_default_mode", "SetOperationMode", {"DISTINCT", "ALL", ""}, FN_UNKNOWN_UNION},
    {"intersect_default_mode", "SetOperationMode", {"DISTINCT", "ALL", ""}, FN_UNKNOWN_UNION},
    {"date_time_input_format", "DateTimeInputFormat", {"best_effort_us", "best_effort", "basic"}, FN_BAD_ARGUMENTS},
    {"date_time_output_format", "DateTimeOutputFormat", {"simple", "iso", "unix_timestamp"}, FN_BAD_ARGUMENTS},
    {"result_overflow_mode", "OverflowMode", {"throw", "break"}, FN_UNKNOWN_OVERFLOW_MODE},
    {"read_overflow_mode", "OverflowMode", {"throw", "break"}, FN_UNKNOWN_OVERFLOW_MODE},
    {"timeout_overflow_mode", "OverflowMode", {"throw", "break"}, FN_UNKNOWN_OVERFLOW_MODE},
    {"sort_overflow_mode", "OverflowMode", {"throw", "break"}, FN_UNKNOWN_OVERFLOW_MODE},
    {"join_overflow_mode", "OverflowMode", {"throw", "break"}, FN_UNKNOWN_OVERFLOW_MODE},
    {"set_overflow_mode", "OverflowMode", {"throw", "break"}, FN_UNKNOWN_OVERFLOW_MODE},
    {"distinct_overflow_mode", "OverflowMode", {"throw", "break"}, FN_UNKNOWN_OVERFLOW_MODE},
    {"group_by_overflow_mode", "OverflowModeGroupBy", {"any", "break", "throw"}, FN_UNKNOWN_OVERFLOW_MODE},
    {"join_default_strictness", "JoinStrictness", {"", "ALL", "ANY"}, FN_UNKNOWN_JOIN},
    {"lightweight_delete_mode", "LightweightDeleteMode", {"lightweight_update_force", "lightweight_update", "alter_update"}, FN_BAD_ARGUMENTS},
    {"alter_update_mode", "AlterUpdateMode", {"lightweight_force", "lightweight", "heavy"}, FN_BAD_ARGUMENTS},
    {"deduplicate_insert", "DeduplicateInsertMode", {"disable", "enable", "backward_compatible_choice"}, FN_BAD_ARGUMENTS},
    {"deduplicate_insert_select", "DeduplicateInsertSelectMode", {"enable_even_for_bad_queries", "force_enable", "disable", "enable_when_possible"}, FN_BAD_ARGUMENTS},
};

static fn_status check_choice(fn_ctx *ctx, fn_str name, fn_str value)
{
    for (size_t i = 0; i < FN_COUNT(choices); i++) {
        if (!fn_str_eq(name, fn_cstr(choices[i].name))) continue;
        char list[256];
        size_t n = 0;
        for (size_t k = 0; k < FN_COUNT(choices[i].values) && choices[i].values[k]; k++) {
            const char *v = choices[i].values[k];
            if (fn_str_eq(value, fn_cstr(v))) return FN_OK;
            const size_t size = strlen(v);
            if (n + size + 5 > sizeof list) break;
            if (n) n = (size_t)(stpcpy(list + n, ", ") - list);
            list[n++] = '\'';
            memcpy(list + n, v, size);
            n += size;
            list[n++] = '\'';
        }
        list[n] = '\0';
        return fn_fail(ctx, choices[i].code, "Unexpected value of %s: '" FN_STR_FMT "'. Must be one of [%s]", choices[i].class, FN_STR_ARG(value), list);
    }
    return FN_OK;
}

/* A list of names, of which each must be known. */
static fn_status check_algorithms(fn_ctx *ctx, fn_str value)
{
    static const char *const names[] = {"default", "auto", "hash", "parallel_hash", "grace_hash", "direct", "full_sorting_merge", "parallel_full_sorting_merge",
                                        "partial_merge", "prefer_partial_merge", "ie_join"};
    for (size_t at = 0, end; at < value.size; at = end + 1) {
        for (end = at; end < value.size && value.data[end] != ','; end++) {}
        const fn_str one = fn_str_trim((fn_str){value.data + at, end - at});
        bool found = false;
        for (size_t i = 0; i < FN_COUNT(names); i++) found |= fn_str_eq_nocase(one, fn_cstr(names[i]));
        if (!found) return fn_fail(ctx, FN_UNKNOWN_JOIN, "Unexpected value of JoinAlgorithm: '" FN_STR_FMT "'", FN_STR_ARG(one));
    }
    return FN_OK;
}

static fn_status set_text(fn_ctx *ctx, fn_settings *s, const setting_def *d, fn_str value, fn_str *out)
{
    FN_TRY(check_choice(ctx, fn_cstr(d->name), value));
    if (strcmp(d->name, "join_algorithm") == 0) FN_TRY(check_algorithms(ctx, value));
    if (strcmp(d->name, "session_timezone") == 0) {
        const fn_tz *tz = value.size ? fn_tz_find(value) : fn_tz_system();
        if (!tz) return fn_fail(ctx, FN_BAD_ARGUMENTS, "Invalid time zone: " FN_STR_FMT, FN_STR_ARG(value));
        s->session_tz = tz;
    }
    return fn_arena_str(ctx, ctx->arena, value, out);
}

static fn_status set_def(fn_ctx *ctx, fn_settings *s, const setting_def *d, fn_str value)
{
    const fn_str name = fn_cstr(d->name);
    switch (d->kind) {
    case KIND_BOOL:
        return settings_parse_bool(ctx, value, place(s, d));
    case KIND_U64:
        return settings_parse_unsigned(ctx, name, value, place(s, d));
    case KIND_I64:
        return parse_signed(ctx, name, value, place(s, d));
    case KIND_F64:
    case KIND_SECONDS:
        return settings_parse_number(ctx, value, place(s, d));
    case KIND_TEXT:
        return set_text(ctx, s, d, value, place(s, d));
    }
    FN_IMPOSSIBLE("setting kind");
}

/* The defaults; texts point at literals, so this needs no arena and cannot fail. */
static void fill_defaults(fn_settings *s)
{
    *s = (fn_settings){0};
    for (size_t i = 0; i < FN_COUNT(defs); i++) {
        const setting_def *d = &defs[i];
        void *at = place(s, d);
        switch (d->kind) {
        case KIND_BOOL:
            *(bool *)at = d->value[0] == '1';
            break;
        case KIND_U64:
            *(uint64_t *)at = strtoull(d->value, NULL, 10);
            break;
        case KIND_I64:
            *(int64_t *)at = strtoll(d->value, NULL, 10);
            break;
        case KIND_F64:
        case KIND_SECONDS:
            *(double *)at = strtod(d->value, NULL);
            break;
        case KIND_TEXT:
            *(fn_str *)at = fn_cstr(d->value);
            break;
        }
    }
    s->session_tz = fn_tz_system();
}

fn_status settings_default(fn_ctx *ctx, fn_settings *out)
{
    (void)ctx;
    *out = defaults_of_text; /* filled before main: a request needs no parsing of defaults */
    return FN_OK;
}

fn_status settings_copy(fn_ctx *ctx, const fn_settings *from, fn_settings *out)
{
    fn_settings copy = *from;
    for (size_t i = 0; i < FN_COUNT(defs); i++) {
        if (defs[i].kind != KIND_TEXT) continue;
        fn_str *text = place(&copy, &defs[i]);
        FN_TRY(fn_arena_str(ctx, ctx->arena, *text, text));
    }
    if (from->other_count) {
        copy.others = FN_NEW_ARRAY(ctx, fn_setting_value, from->other_count);
        FN_TRY_PTR(ctx, copy.others);
        for (uint32_t i = 0; i < from->other_count; i++) {
            FN_TRY(fn_arena_str(ctx, ctx->arena, from->others[i].name, &copy.others[i].name));
            FN_TRY(fn_arena_str(ctx, ctx->arena, from->others[i].value, &copy.others[i].value));
        }
    }
    *out = copy;
    return FN_OK;
}

static fn_setting_value *find_other(const fn_settings *s, fn_str name)
{
    for (uint32_t i = 0; i < s->other_count; i++) {
        if (fn_str_eq(s->others[i].name, name)) return &s->others[i];
    }
    return NULL;
}

static fn_status set_other(fn_ctx *ctx, fn_settings *s, fn_str name, fn_str value)
{
    fn_setting_value *at = find_other(s, name);
    if (!at) {
        fn_setting_value *grown = FN_NEW_ARRAY(ctx, fn_setting_value, (size_t)s->other_count + 1);
        FN_TRY_PTR(ctx, grown);
        if (s->other_count) memcpy(grown, s->others, sizeof *grown * s->other_count);
        s->others = grown;
        at = &grown[s->other_count++];
        FN_TRY(fn_arena_str(ctx, ctx->arena, name, &at->name));
    }
    return fn_arena_str(ctx, ctx->arena, value, &at->value);
}

static void mark(fn_settings *s, const setting_def *d, bool changed)
{
    const size_t i = (size_t)(d - defs);
    const uint64_t bit = (uint64_t)1 << (i & 63);
    if (changed) s->changed[i / 64] |= bit;
    else s->changed[i / 64] &= ~bit;
}

fn_status settings_set(fn_ctx *ctx, fn_settings *s, fn_str name, fn_str value)
{
    name = real_name(name);
    const setting_def *d = find_def(name);
    if (d) {
        FN_TRY(set_def(ctx, s, d, value));
        mark(s, d, true);
        return FN_OK;
    }
    const struct known_def *k = find_known(name);
    if (!k) return fail_unknown(ctx, name);
    FN_TRY(check_choice(ctx, name, value));
    if (strcmp(k->type, "Bool") == 0) {
        bool checked;
        FN_TRY(settings_parse_bool(ctx, value, &checked));
        value = checked ? FN_STR("1") : FN_STR("0");
    }
    return set_other(ctx, s, name, value);
}

fn_status settings_reset(fn_ctx *ctx, fn_settings *s, fn_str name)
{
    name = real_name(name);
    const setting_def *d = find_def(name);
    if (d) {
        FN_TRY(set_def(ctx, s, d, fn_cstr(d->value)));
        mark(s, d, false);
        return FN_OK;
    }
    if (!find_known(name)) return fail_unknown(ctx, name);
    fn_setting_value *at = find_other(s, name);
    if (at) *at = s->others[--s->other_count];
    return FN_OK;
}

static fn_status value_text(fn_ctx *ctx, const fn_settings *s, const setting_def *d, fn_str *out)
{
    const void *at = (const char *)s + d->place;
    const char *text = NULL;
    switch (d->kind) {
    case KIND_BOOL:
        *out = *(const bool *)at ? FN_STR("1") : FN_STR("0");
        return FN_OK;
    case KIND_U64:
        text = fn_arena_printf(ctx, ctx->arena, "%llu", (unsigned long long)*(const uint64_t *)at);
        break;
    case KIND_I64:
        text = fn_arena_printf(ctx, ctx->arena, "%lld", (long long)*(const int64_t *)at);
        break;
    case KIND_F64:
    case KIND_SECONDS:
        text = fn_arena_printf(ctx, ctx->arena, "%.15g", *(const double *)at);
        break;
    case KIND_TEXT:
        *out = *(const fn_str *)at;
        return FN_OK;
    }
    FN_TRY_PTR(ctx, text);
    *out = fn_cstr(text);
    return FN_OK;
}

fn_status settings_check(fn_ctx *ctx, const fn_settings *s)
{
    for (uint32_t i = 0; i < s->other_count; i++) {
        const fn_setting_value *v = &s->others[i];
        for (size_t k = 0; k < FN_COUNT(refused); k++) {
            if (!fn_str_eq(v->name, fn_cstr(refused[k]))) continue;
            const struct known_def *d = find_known(v->name);
            if (d && fn_str_eq(v->value, fn_cstr(d->value))) continue;
            return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Setting %s = " FN_STR_FMT " is not supported", refused[k], FN_STR_ARG(v->value));
        }
    }
    return FN_OK;
}

fn_status settings_get(fn_ctx *ctx, const fn_settings *s, fn_str name, fn_str *out)
{
    name = real_name(name);
    const setting_def *d = find_def(name);
    if (d) return value_text(ctx, s, d, out);
    const struct known_def *k = find_known(name);
    if (!k) return fail_unknown(ctx, name);
    const fn_setting_value *at = find_other(s, name);
    *out = at ? at->value : fn_cstr(k->value);
    return FN_OK;
}

static bool is_refused(const char *name)
{
    for (size_t i = 0; i < FN_COUNT(refused); i++)
        if (strcmp(refused[i], name) == 0) return true;
    return false;
}

static const char *noted(const struct noted_def *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const size_t n = strlen(rows[i].names);
        if (rows[i].names[n - 1] == '*' ? strncmp(rows[i].names, name, n - 1) == 0 : strcmp(rows[i].names, name) == 0) return rows[i].about;
    }
    return NULL;
}

/* What a setting of settings_known.def does, or why nothing. */
static const char *about_known(const char *name)
{
    if (is_refused(name)) return "Not done: a statement under another value than the default is refused.";
    const char *about = noted(acted, FN_COUNT(acted), name);
    if (!about) about = noted(ignored, FN_COUNT(ignored), name);
    return about ? about : "";
}

bool settings_at(fn_ctx *ctx, const fn_settings *s, size_t index, settings_row *out)
{
    if (index < FN_COUNT(defs)) {
        const setting_def *d = &defs[index];
        *out = (settings_row){.name = d->name, .type = type_names[d->kind], .default_value = d->value, .about = d->about};
        out->changed = (s->changed[index / 64] >> (index & 63) & 1) != 0;
        return value_text(ctx, s, d, &out->value) == FN_OK;
    }
    index -= FN_COUNT(defs);
    if (index >= FN_COUNT(known)) return false;
    const fn_setting_value *at = find_other(s, fn_cstr(known[index].name));
    *out = (settings_row){.name = known[index].name, .type = known[index].type, .default_value = known[index].value, .about = about_known(known[index].name)};
    out->value = at ? at->value : fn_cstr(known[index].value);
    out->changed = at != NULL;
    const setting_def *real = find_def(real_name(fn_cstr(known[index].name)));
    if (!real) return true;
    out->about = real->about;
    out->changed = (s->changed[(real - defs) / 64] >> ((real - defs) & 63) & 1) != 0;
    return value_text(ctx, s, real, &out->value) == FN_OK;
}

__attribute__((constructor)) static void fill_once(void)
{
    fill_defaults(&defaults_of_text);
}

const fn_settings *settings_of(const fn_ctx *ctx)
{
    return ctx->settings ? ctx->settings : &defaults_of_text;
}

/* Empty where it is the usual text. */
static fn_str own_text(fn_str text, const char *usual)
{
    return fn_str_eq(text, fn_cstr(usual)) ? (fn_str){NULL, 0} : text;
}

static fn_text_style style_of_rule(fn_str rule)
{
    static const struct {
        const char *name;
        fn_text_style style;
    } rules[] = {{"Escaped", FN_TEXT_ESCAPED}, {"Quoted", FN_TEXT_QUOTED}, {"CSV", FN_TEXT_CSV}, {"JSON", FN_TEXT_JSON}, {"Raw", FN_TEXT_PLAIN}};
    for (size_t i = 0; i < FN_COUNT(rules); i++)
        if (fn_str_eq_nocase(rule, fn_cstr(rules[i].name))) return rules[i].style;
    return FN_TEXT_ESCAPED;
}

static void format_tables(const fn_settings *s, fn_format_settings *out)
{
    out->pretty = (fn_pretty_options){
        .max_rows = s->output_format_pretty_max_rows,
        .max_pad_width = s->output_format_pretty_max_column_pad_width,
        .max_value_width = s->output_format_pretty_max_value_width,
        .tip_threshold = s->output_format_pretty_single_large_number_tip_threshold,
        .footer_min_rows = s->output_format_pretty_display_footer_column_names ? s->output_format_pretty_display_footer_column_names_min_rows : 0,
        .vertical_min_columns = s->output_format_pretty_fallback_to_vertical ? s->output_format_pretty_fallback_to_vertical_min_columns : 0,
        .vertical_min_width = s->output_format_pretty_fallback_to_vertical_min_table_width,
        .vertical_max_rows = s->output_format_pretty_fallback_to_vertical_max_rows_per_chunk,
        .row_numbers = s->output_format_pretty_row_numbers,
        .ascii = fn_str_eq_nocase(s->output_format_pretty_grid_charset, FN_STR("ASCII")),
        .multiline = s->output_format_pretty_multiline_fields,
    };
    out->custom = (fn_custom_options){
        .style = style_of_rule(s->format_custom_escaping_rule),
        .field_delimiter = s->format_custom_field_delimiter,
        .row_before = s->format_custom_row_before_delimiter,
        .row_after = s->format_custom_row_after_delimiter,
        .row_between = s->format_custom_row_between_delimiter,
        .result_before = s->format_custom_result_before_delimiter,
        .result_after = s->format_custom_result_after_delimiter,
    };
    out->sql_insert = (fn_sql_insert_options){
        .batch_rows = s->output_format_sql_insert_max_batch_size,
        .table = s->output_format_sql_insert_table_name,
        .names = s->output_format_sql_insert_include_column_names,
        .replace = s->output_format_sql_insert_use_replace,
        .quote = s->output_format_sql_insert_quote_names,
    };
}

static void format_infer(const fn_settings *s, fn_infer_options *out)
{
    const fn_str nullable = s->schema_inference_make_columns_nullable;
    out->rows_max = s->input_format_max_rows_to_read_for_schema_inference;
    out->hints = s->schema_inference_hints;
    out->column_names = s->column_names_for_schema_inference;
    out->nullable = fn_str_eq(nullable, FN_STR("auto")) ? 2 : fn_str_eq(nullable, FN_STR("0")) || fn_str_eq(nullable, FN_STR("false")) ? 0 : 1;
    out->integers = s->input_format_try_infer_integers;
    out->dates = s->input_format_try_infer_dates;
    out->datetimes = s->input_format_try_infer_datetimes;
    out->only_datetime64 = s->input_format_try_infer_datetimes_only_datetime64;
    out->exponent_floats = s->input_format_try_infer_exponent_floats;
    out->csv_best_effort = s->input_format_csv_use_best_effort_in_schema_inference;
    out->tsv_best_effort = s->input_format_tsv_use_best_effort_in_schema_inference;
    out->csv_detect_header = s->input_format_csv_detect_header;
    out->tsv_detect_header = s->input_format_tsv_detect_header;
    out->custom_detect_header = s->input_format_custom_detect_header;
    out->json_numbers_from_strings = s->input_format_json_try_infer_numbers_from_strings;
    out->json_named_tuples = s->input_format_json_try_infer_named_tuples_from_objects;
    out->json_numbers_as_strings = s->input_format_json_read_numbers_as_strings;
    out->json_bools_as_numbers = s->input_format_json_read_bools_as_numbers;
    out->json_bools_as_strings = s->input_format_json_read_bools_as_strings;
}

void settings_format(const fn_settings *s, struct fn_format_settings *out)
{
    fn_format_settings_default(out);
    out->text.timezone = s->session_tz;
    out->text.best_effort_datetime = fn_str_starts(s->date_time_input_format, FN_STR("best_effort"));
    out->text.json_quote_64bit_integers = s->output_format_json_quote_64bit_integers;
    out->text.json_quote_denormals = s->output_format_json_quote_denormals;
    out->text.json_escape_slashes = s->output_format_json_escape_forward_slashes;
    out->text.json_quote_decimals = s->output_format_json_quote_decimals;
    out->text.json_named_tuples_as_objects = s->output_format_json_named_tuples_as_objects;
    out->text.null_as_default = s->input_format_null_as_default;
    out->text.skip_unknown_fields = s->input_format_skip_unknown_fields;
    out->text.decimal_trailing_zeros = s->output_format_decimal_trailing_zeros;
    out->text.datetime_output = fn_str_eq(s->date_time_output_format, FN_STR("iso"))              ? 1
                                : fn_str_eq(s->date_time_output_format, FN_STR("unix_timestamp")) ? 2
                                                                                                  : 0;
    out->text.csv_delimiter = s->format_csv_delimiter.size ? s->format_csv_delimiter.data[0] : ',';
    out->text.csv_single_quotes = s->format_csv_allow_single_quotes;
    out->text.json_map_as_array = s->output_format_json_map_as_array_of_tuples;
    out->text.tsv_null = own_text(s->format_tsv_null_representation, "\\N");
    out->text.csv_null = own_text(s->format_csv_null_representation, "\\N");
    out->text.true_text = own_text(s->bool_true_representation, "true");
    out->text.false_text = own_text(s->bool_false_representation, "false");
    out->json_array_of_rows = s->output_format_json_array_of_rows;
    out->max_block_rows = s->max_block_size;
    out->errors_allowed = s->input_format_allow_errors_num;
    out->errors_allowed_ratio = s->input_format_allow_errors_ratio;
    out->write_statistics = s->output_format_write_statistics;
    out->with_names_use_header = s->input_format_with_names_use_header;
    out->json_exception_in_output = s->http_write_exception_in_output_format;
    out->csv_crlf = s->output_format_csv_crlf_end_of_line;
    out->tsv_crlf = s->output_format_tsv_crlf_end_of_line;
    out->csv_tuples_apart = s->output_format_csv_serialize_tuple_into_separate_columns;
    out->markdown_escape = s->output_format_markdown_escape_special_characters;
    format_tables(s, out);
    format_infer(s, &out->infer);
    out->csv_skip_lines = s->input_format_csv_skip_first_lines;
    out->tsv_skip_lines = s->input_format_tsv_skip_first_lines;
}
