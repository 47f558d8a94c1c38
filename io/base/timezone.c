/* timezone.c - time zones from the system's tzdata (TZif files, RFC 8536), loaded once per name.
 *
 * A zone is one sorted list of (instant, offset that holds from there on). The rule in the file's footer (a POSIX TZ
 * string) is expanded into that list up to LAST_YEAR when the zone is loaded, so that a lookup is an index step plus
 * a short walk: buckets[] gives the transition that holds at the start of each 2^22 seconds (48 days).
 * Names are checked before they become paths: no "..", no leading '/', only characters that tzdata uses.
 * Zones live as long as the process; the list of loaded ones is guarded by a mutex.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/timezone_rule.h"
#include <firn/bits.h>
#include <firn/time.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FIRST_YEAR = 1900, LAST_YEAR = 2300, /* ClickHouse's calendar range */
    BUCKET_BITS = 22,
    NAME_MAX_BYTES = 64, FILE_MAX_BYTES = 1 << 18, TRANSITIONS_MAX = 4096
};

struct fn_tz {
    char name[NAME_MAX_BYTES + 1];
    fn_tz *next;
    size_t count;      /* transitions; at[0] is INT64_MIN */
    int64_t *at;
    int32_t *offset;
    uint16_t *buckets; /* NULL for a zone with one offset */
    int64_t bucket_base;
    size_t bucket_count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static fn_tz *loaded;
static int64_t utc_at[1] = {INT64_MIN};
static int32_t utc_offset[1];
static const fn_tz utc = {.name = "UTC", .count = 1, .at = utc_at, .offset = utc_offset};

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t big64(const uint8_t *p)
{
    return (int64_t)((uint64_t)big32(p) << 32 | big32(p + 4));
}

static bool add_transition(fn_tz *tz, int64_t at, int32_t offset)
{
    if (tz->count > 0 && at <= tz->at[tz->count - 1]) return at == tz->at[tz->count - 1] || tz->count == 1;
    if (tz->count >= TRANSITIONS_MAX) return false;
    tz->at[tz->count] = at;
    tz->offset[tz->count++] = offset;
    return true;
}

typedef struct tzif_counts {
    uint32_t isut, isstd, leap, time, type, chars;
} tzif_counts;

static bool read_counts(const uint8_t *p, const uint8_t *end, tzif_counts *c)
{
    if (end - p < 44 || memcmp(p, "TZif", 4) != 0) return false;
    *c = (tzif_counts){big32(p + 20), big32(p + 24), big32(p + 28), big32(p + 32), big32(p + 36), big32(p + 40)};
    return c->time < TRANSITIONS_MAX && c->type > 0 && c->type <= 256 && c->chars < 4096 && c->leap == 0 && c->isut <= 256 &&
           c->isstd <= 256;
}

static size_t body_size(const tzif_counts *c, size_t time_size)
{
    return c->time * (time_size + 1) + (size_t)c->type * 6 + c->chars + c->isstd + c->isut;
}

/* The 64-bit section of a version 2+ file, then the footer rule. */
static bool read_tzif(fn_tz *tz, const uint8_t *p, const uint8_t *end)
{
    tzif_counts c;
    if (!read_counts(p, end, &c) || p[4] < '2') return false;
    if ((size_t)(end - p) < 44 + body_size(&c, 4)) return false;
    p += 44 + body_size(&c, 4);
    if (!read_counts(p, end, &c)) return false;
    p += 44;
    if ((size_t)(end - p) < body_size(&c, 8)) return false;
    const uint8_t *types = p + (size_t)c.time * 8, *infos = types + c.time;
    unsigned first = 0; /* the type before the first transition: the first standard one */
    while (first < c.type && infos[(size_t)first * 6 + 4]) first++;
    if (first == c.type) first = 0;
    if (!add_transition(tz, INT64_MIN, (int32_t)big32(infos + (size_t)first * 6))) return false;
    for (uint32_t i = 0; i < c.time; i++) {
        if (types[i] >= c.type) return false;
        const int32_t offset = (int32_t)big32(infos + (size_t)types[i] * 6);
        if (offset < -93600 || offset > 93600) return false;
        if (!add_transition(tz, big64(p + (size_t)i * 8), offset)) return false;
    }
    p += body_size(&c, 8);
    if (p >= end || *p != '\n') return true;
    const uint8_t *footer = ++p;
    while (p < end && *p != '\n') p++;
    tz_rule rule;
    if (p == footer) return true;
    if (!tz_rule_parse((fn_str){(const char *)footer, (size_t)(p - footer)}, &rule)) return false;
    if (!rule.has_dst) return true; /* the last transition already says it */
    int64_t year = FIRST_YEAR;
    if (tz->count > 1) {
        fn_civil last;
        fn_civil_from_days(tz->at[tz->count - 1] / 86400, &last);
        year = FN_MAX(year, (int64_t)last.year);
    }
    for (; year <= LAST_YEAR; year++) {
        tz_change change[2];
        tz_rule_year(&rule, year, change);
        for (int i = 0; i < 2; i++)
            if (change[i].at > tz->at[tz->count - 1] && !add_transition(tz, change[i].at, change[i].offset)) return false;
    }
    return true;
}

static bool build_buckets(fn_tz *tz)
{
    if (tz->count == 1) return true;
    tz->bucket_base = fn_days_from_civil(FIRST_YEAR, 1, 1) * 86400;
    const int64_t last = fn_days_from_civil(LAST_YEAR + 1, 1, 1) * 86400;
    tz->bucket_count = (size_t)((last - tz->bucket_base) >> BUCKET_BITS) + 1;
    tz->buckets = calloc(tz->bucket_count, sizeof *tz->buckets);
    if (!tz->buckets) return false;
    size_t i = 0;
    for (size_t b = 0; b < tz->bucket_count; b++) {
        const int64_t start = tz->bucket_base + ((int64_t)b << BUCKET_BITS);
        while (i + 1 < tz->count && tz->at[i + 1] <= start) i++;
        tz->buckets[b] = (uint16_t)i;
    }
    return true;
}

static void free_zone(fn_tz *tz)
{
    if (!tz) return;
    free(tz->at);
    free(tz->offset);
    free(tz->buckets);
    free(tz);
}

static bool safe_name(fn_str name)
{
    if (name.size == 0 || name.size > NAME_MAX_BYTES || name.data[0] == '/' || name.data[0] == '.') return false;
    for (size_t i = 0; i < name.size; i++) {
        const char c = name.data[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '-' && c != '+' && c != '/') return false;
    }
    return true;
}

static fn_tz *load(fn_str name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", (int)name.size, name.data);
    FILE *file = fopen(path, "rbe");
    if (!file) return NULL;
    uint8_t *bytes = malloc(FILE_MAX_BYTES);
    const size_t size = bytes ? fread(bytes, 1, FILE_MAX_BYTES, file) : 0;
    (void)fclose(file);
    fn_tz *tz = calloc(1, sizeof *tz);
    if (tz) {
        memcpy(tz->name, name.data, name.size);
        tz->at = calloc(TRANSITIONS_MAX, sizeof *tz->at);
        tz->offset = calloc(TRANSITIONS_MAX, sizeof *tz->offset);
    }
    const bool good = tz && bytes && tz->at && tz->offset && read_tzif(tz, bytes, bytes + size) && build_buckets(tz);
    free(bytes);
    if (good) return tz;
    free_zone(tz);
    return NULL;
}

const fn_tz *fn_tz_find(fn_str name)
{
    if (fn_str_eq(name, FN_STR("UTC"))) return &utc;
    if (!safe_name(name)) return NULL;
    (void)pthread_mutex_lock(&lock);
    fn_tz *tz = loaded;
    while (tz && !fn_str_eq(name, fn_cstr(tz->name))) tz = tz->next;
    if (!tz && (tz = load(name)) != NULL) {
        tz->next = loaded;
        loaded = tz;
    }
    (void)pthread_mutex_unlock(&lock);
    return tz;
}

const fn_tz *fn_tz_utc(void)
{
    return &utc;
}

const fn_tz *fn_tz_system(void)
{
    const char *name = getenv("TZ");
    char target[PATH_MAX];
    if (name) {
        if (*name == ':') name++;
    } else {
        static const char folder[] = "/zoneinfo/";
        const ssize_t size = readlink("/etc/localtime", target, sizeof target - 1);
        if (size <= 0) return &utc;
        target[size] = 0;
        const char *found = strstr(target, folder);
        if (!found) return &utc;
        name = found + sizeof folder - 1;
    }
    const fn_tz *tz = fn_tz_find(fn_cstr(name));
    return tz ? tz : &utc;
}

const char *fn_tz_name(const fn_tz *tz)
{
    return tz->name;
}

/* The transition that holds at `t`. */
static size_t transition_at(const fn_tz *tz, int64_t t)
{
    if (tz->count == 1) return 0;
    size_t i = 0;
    if (t >= tz->bucket_base) {
        const uint64_t bucket = (uint64_t)(t - tz->bucket_base) >> BUCKET_BITS;
        i = tz->buckets[FN_MIN(bucket, tz->bucket_count - 1)];
    }
    while (i + 1 < tz->count && tz->at[i + 1] <= t) i++;
    return i;
}

int32_t fn_tz_offset(const fn_tz *tz, int64_t unix_seconds)
{
    return tz->offset[transition_at(tz, unix_seconds)];
}

int32_t fn_tz_span(const fn_tz *tz, int64_t unix_seconds, int64_t *from, int64_t *to)
{
    const size_t i = transition_at(tz, unix_seconds);
    *from = i == 0 ? INT64_MIN : tz->at[i];
    *to = i + 1 < tz->count ? tz->at[i + 1] : INT64_MAX;
    return tz->offset[i];
}

void fn_tz_civil(const fn_tz *tz, int64_t unix_seconds, fn_civil *out)
{
    const int64_t local = unix_seconds + fn_tz_offset(tz, unix_seconds);
    int64_t days = local / 86400, rest = local % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    fn_civil_from_days(days, out);
    out->hour = (uint8_t)(rest / 3600);
    out->minute = (uint8_t)(rest / 60 % 60);
    out->second = (uint8_t)(rest % 60);
}

int64_t fn_tz_instant(const fn_tz *tz, int64_t year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                      unsigned second)
{
    const int64_t local = fn_days_from_civil(year, month, day) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
    if (tz->count == 1) return local - tz->offset[0];
    /* Offsets differ by a day at most: the transition that holds a day before cannot be too late. */
    size_t i = transition_at(tz, local - 86400 * 2);
    while (i + 1 < tz->count && local - tz->offset[i] >= tz->at[i + 1]) i++;
    return local - tz->offset[i];
}
