/* type_make.c - types from parts: each maker prints the canonical name and interns it. Without memory too (type_intern.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"
#include "type/type_text.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

uint32_t fn_phys_width(fn_phys phys)
{
    static const uint8_t widths[] = {
        [FN_PHYS_U8] = 1,   [FN_PHYS_U16] = 2,  [FN_PHYS_U32] = 4,   [FN_PHYS_U64] = 8,   [FN_PHYS_U128] = 16,
        [FN_PHYS_U256] = 32, [FN_PHYS_I8] = 1,  [FN_PHYS_I16] = 2,   [FN_PHYS_I32] = 4,   [FN_PHYS_I64] = 8,
        [FN_PHYS_I128] = 16, [FN_PHYS_I256] = 32, [FN_PHYS_F32] = 4, [FN_PHYS_F64] = 8,   [FN_PHYS_FIXED] = 0,
        [FN_PHYS_STRING] = 0, [FN_PHYS_ARRAY] = 0, [FN_PHYS_TUPLE] = 0, [FN_PHYS_NOTHING] = 0};
    return widths[phys];
}

static const struct simple_type {
    const fn_type_class *class;
    fn_phys phys;
    uint32_t width;
} simples[] = {
    [FN_T_NOTHING] = {&type_nothing, FN_PHYS_NOTHING, 0},   [FN_T_BOOL] = {&type_bool, FN_PHYS_U8, 1},
    [FN_T_UINT8] = {&type_uint8, FN_PHYS_U8, 1},            [FN_T_UINT16] = {&type_uint16, FN_PHYS_U16, 2},
    [FN_T_UINT32] = {&type_uint32, FN_PHYS_U32, 4},         [FN_T_UINT64] = {&type_uint64, FN_PHYS_U64, 8},
    [FN_T_UINT128] = {&type_uint128, FN_PHYS_U128, 16},     [FN_T_UINT256] = {&type_uint256, FN_PHYS_U256, 32},
    [FN_T_INT8] = {&type_int8, FN_PHYS_I8, 1},              [FN_T_INT16] = {&type_int16, FN_PHYS_I16, 2},
    [FN_T_INT32] = {&type_int32, FN_PHYS_I32, 4},           [FN_T_INT64] = {&type_int64, FN_PHYS_I64, 8},
    [FN_T_INT128] = {&type_int128, FN_PHYS_I128, 16},       [FN_T_INT256] = {&type_int256, FN_PHYS_I256, 32},
    [FN_T_FLOAT32] = {&type_float32, FN_PHYS_F32, 4},       [FN_T_FLOAT64] = {&type_float64, FN_PHYS_F64, 8},
    [FN_T_STRING] = {&type_string, FN_PHYS_STRING, 0},      [FN_T_DATE] = {&type_date, FN_PHYS_U16, 2},
    [FN_T_DATE32] = {&type_date32, FN_PHYS_I32, 4},         [FN_T_DATETIME] = {&type_datetime, FN_PHYS_U32, 4},
    [FN_T_TIME] = {&type_time, FN_PHYS_I32, 4},             [FN_T_UUID] = {&type_uuid, FN_PHYS_U128, 16},
    [FN_T_IPV4] = {&type_ipv4, FN_PHYS_U32, 4},             [FN_T_IPV6] = {&type_ipv6, FN_PHYS_FIXED, 16},
    [FN_T_FUNCTION] = {&type_function, FN_PHYS_NOTHING, 0}, [FN_T_SET] = {&type_set, FN_PHYS_NOTHING, 0},
};

fn_status type_make_simple(fn_ctx *ctx, fn_type_id id, const fn_type_args *args, fn_type *out)
{
    const struct simple_type *s = &simples[id];
    if (args) FN_TRY(type_arg_count(ctx, args, s->class->name, 0, 0));
    *out = (fn_type){.class = s->class, .name = s->class->name, .id = id, .phys = s->phys, .width = s->width};
    return FN_OK;
}

const fn_type *fn_type_simple(fn_type_id id)
{
    static const fn_type *_Atomic cache[FN_COUNT(simples)];
    FN_ASSERT(id < (fn_type_id)FN_COUNT(simples) && simples[id].class);
    const fn_type *t = atomic_load(&cache[id]);
    if (t) return t;
    fn_type proto = {.class = simples[id].class, .name = simples[id].class->name, .id = id, .phys = simples[id].phys, .width = simples[id].width};
    t = type_intern(&proto);
    FN_ASSERT(t);
    atomic_store(&cache[id], t);
    return t;
}

/* ---- names ---- */
static bool plain_name(const char *name)
{
    if (!*name || (*name >= '0' && *name <= '9')) return false;
    for (; *name; name++)
        if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || (*name >= '0' && *name <= '9') || *name == '_')) return false;
    return true;
}

static fn_status print_args(fn_ctx *ctx, const fn_type *t, fn_buf *out)
{
    for (size_t i = 0; i < t->arg_count; i++) {
        if (i) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        if (t->arg_names) {
            FN_TRY(plain_name(t->arg_names[i]) ? fn_buf_cstr(ctx, out, t->arg_names[i]) : text_put_backquoted(ctx, fn_cstr(t->arg_names[i]), out));
            FN_TRY(fn_buf_byte(ctx, out, ' '));
        }
        FN_TRY(fn_buf_cstr(ctx, out, t->args[i]->name));
    }
    return FN_OK;
}

static fn_status print_values(fn_ctx *ctx, const fn_type *t, fn_buf *out)
{
    for (size_t i = 0; i < t->enum_count; i++) {
        if (i) FN_TRY(fn_buf_cstr(ctx, out, ", "));
        FN_TRY(text_put_quoted(ctx, t->enum_values[i].name, out));
        FN_TRY(fn_buf_printf(ctx, out, " = %d", t->enum_values[i].value));
    }
    return FN_OK;
}

/* Family(arguments), ends with 0. */
static fn_status print_name(fn_ctx *ctx, const fn_type *t, const char *family, fn_buf *out)
{
    FN_TRY(fn_buf_cstr(ctx, out, family));
    FN_TRY(fn_buf_byte(ctx, out, '('));
    if (t->function_name) FN_TRY(fn_buf_cstr(ctx, out, t->function_name));
    if (t->function_name && t->arg_count) FN_TRY(fn_buf_cstr(ctx, out, ", "));
    FN_TRY(print_args(ctx, t, out));
    FN_TRY(print_values(ctx, t, out));
    FN_TRY(fn_buf_byte(ctx, out, ')'));
    return fn_buf_byte(ctx, out, 0);
}

/* Bytes of a name at most: quoting makes four of one. */
static size_t name_bound(const fn_type *t)
{
    size_t bytes = 128 + (t->function_name ? strlen(t->function_name) : 0);
    for (size_t i = 0; i < t->arg_count; i++) bytes += strlen(t->args[i]->name) + (t->arg_names ? 4 * strlen(t->arg_names[i]) : 0) + 8;
    for (size_t i = 0; i < t->enum_count; i++) bytes += 4 * t->enum_values[i].name.size + 24;
    return bytes;
}

/* There is no memory for the name: it is printed into the program's own. */
static const fn_type *finish_without_memory(fn_type *proto, const char *family)
{
    enum { ROOM = 1 << 20 };
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char room[ROOM + 64];
    fn_ctx ctx = {0};
    FN_ASSERT(name_bound(proto) < ROOM);
    FN_ASSERT(pthread_mutex_lock(&lock) == 0);
    fn_buf name = {room, 0, ROOM};
    FN_ASSERT(print_name(&ctx, proto, family, &name) == FN_OK);
    proto->name = name.data;
    const fn_type *t = type_intern(proto);
    FN_ASSERT(pthread_mutex_unlock(&lock) == 0);
    return t;
}

/* What proto points to is the caller's. */
static const fn_type *finish(fn_type *proto, const char *family)
{
    fn_ctx ctx = {0};
    fn_buf name = FN_BUF_INIT;
    const fn_type *t;
    if (print_name(&ctx, proto, family, &name) == FN_OK) {
        proto->name = name.data;
        t = type_intern(proto);
    } else {
        t = finish_without_memory(proto, family);
    }
    fn_buf_release(&name);
    return t;
}

/* "Family(inner)" over one argument. */
static const fn_type *wrap(fn_type *proto, const char *family, const fn_type *inner)
{
    proto->args = &inner;
    proto->arg_count = 1;
    return finish(proto, family);
}

bool fn_type_can_be_nullable(const fn_type *t)
{
    return t->id != FN_T_ARRAY && t->id != FN_T_MAP && t->id != FN_T_TUPLE && t->id != FN_T_NULLABLE && t->id != FN_T_LOW_CARDINALITY &&
           t->id != FN_T_AGGREGATE_FUNCTION && t->id != FN_T_FUNCTION && t->id != FN_T_SET;
}

const fn_type *fn_type_nullable(const fn_type *inner)
{
    if (inner->id == FN_T_LOW_CARDINALITY) return fn_type_low_cardinality(fn_type_nullable(inner->args[0]));
    if (!fn_type_can_be_nullable(inner)) return inner;
    fn_type proto = {.class = &type_nullable, .id = FN_T_NULLABLE, .phys = inner->phys, .width = inner->width};
    return wrap(&proto, "Nullable", inner);
}

const fn_type *fn_type_low_cardinality(const fn_type *inner)
{
    if (inner->id == FN_T_LOW_CARDINALITY) return inner;
    fn_type proto = {.class = &type_low_cardinality, .id = FN_T_LOW_CARDINALITY, .phys = inner->phys, .width = inner->width};
    return wrap(&proto, "LowCardinality", inner);
}

const fn_type *fn_type_array(const fn_type *element)
{
    fn_type proto = {.class = &type_array, .id = FN_T_ARRAY, .phys = FN_PHYS_ARRAY, .items = element};
    return wrap(&proto, "Array", element);
}

const fn_type *fn_type_map(const fn_type *key, const fn_type *value)
{
    const fn_type *args[2] = {key, value};
    static const char *const names[2] = {"keys", "values"};
    fn_type proto = {.class = &type_map, .id = FN_T_MAP, .phys = FN_PHYS_ARRAY, .items = fn_type_tuple(args, names, 2), .args = args, .arg_count = 2};
    return finish(&proto, "Map");
}

const fn_type *fn_type_tuple(const fn_type *const *args, const char *const *names, size_t count)
{
    fn_type proto = {.class = &type_tuple, .id = FN_T_TUPLE, .phys = FN_PHYS_TUPLE, .args = args, .arg_names = count ? names : NULL, .arg_count = (uint16_t)count};
    return finish(&proto, "Tuple");
}

const fn_type *fn_type_decimal(unsigned precision, unsigned scale)
{
    char name[40];
    (void)snprintf(name, sizeof name, "Decimal(%u, %u)", precision, scale);
    const fn_phys phys = precision <= 9 ? FN_PHYS_I32 : precision <= 18 ? FN_PHYS_I64 : precision <= 38 ? FN_PHYS_I128 : FN_PHYS_I256;
    fn_type proto = {.class = &type_decimal, .name = name, .id = FN_T_DECIMAL, .phys = phys, .width = fn_phys_width(phys), .precision = (uint8_t)precision,
                     .scale = (uint8_t)scale};
    return type_intern(&proto);
}

const fn_type *fn_type_fixed_string(uint32_t width)
{
    char name[40];
    (void)snprintf(name, sizeof name, "FixedString(%u)", width);
    fn_type proto = {.class = &type_fixed_string, .name = name, .id = FN_T_FIXED_STRING, .phys = FN_PHYS_FIXED, .width = width};
    return type_intern(&proto);
}

const fn_type *fn_type_datetime(const fn_tz *tz)
{
    if (!tz) return fn_type_simple(FN_T_DATETIME);
    char name[100];
    (void)snprintf(name, sizeof name, "DateTime('%s')", fn_tz_name(tz));
    fn_type proto = {.class = &type_datetime, .name = name, .id = FN_T_DATETIME, .phys = FN_PHYS_U32, .width = 4, .timezone = tz};
    return type_intern(&proto);
}

const fn_type *fn_type_datetime64(unsigned scale, const fn_tz *tz)
{
    char name[100];
    if (tz) (void)snprintf(name, sizeof name, "DateTime64(%u, '%s')", scale, fn_tz_name(tz));
    else (void)snprintf(name, sizeof name, "DateTime64(%u)", scale);
    fn_type proto = {.class = &type_datetime64, .name = name, .id = FN_T_DATETIME64, .phys = FN_PHYS_I64, .width = 8, .scale = (uint8_t)scale, .timezone = tz};
    return type_intern(&proto);
}

const fn_type *fn_type_interval(fn_interval_unit unit)
{
    fn_type proto = {.class = &type_intervals[unit], .name = type_intervals[unit].name, .id = FN_T_INTERVAL, .phys = FN_PHYS_I64, .width = 8, .interval = (uint8_t)unit};
    return type_intern(&proto);
}

static int by_value(const void *a, const void *b)
{
    const fn_enum_value *x = a, *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

const fn_type *fn_type_enum(const fn_enum_value *values, size_t count, bool wide)
{
    enum { FEW = 64 };
    fn_ctx ctx = {0};
    fn_enum_value few[FEW], *sorted = count <= FEW ? few : fn_alloc(&ctx, count * sizeof *sorted);
    if (!sorted) return NULL;
    if (count) memcpy(sorted, values, count * sizeof *sorted);
    if (count > 1) qsort(sorted, count, sizeof *sorted, by_value);
    fn_type proto = {.class = wide ? &type_enum16 : &type_enum8, .id = wide ? FN_T_ENUM16 : FN_T_ENUM8, .phys = wide ? FN_PHYS_I16 : FN_PHYS_I8,
                     .width = wide ? 2 : 1, .enum_values = sorted, .enum_count = (uint32_t)count};
    const fn_type *t = finish(&proto, wide ? "Enum16" : "Enum8");
    if (sorted != few) fn_free(sorted);
    return t;
}

const fn_type *fn_type_aggregate(const char *function_name, const fn_type *const *args, size_t count)
{
    fn_type proto = {.class = &type_aggregate_function, .id = FN_T_AGGREGATE_FUNCTION, .phys = FN_PHYS_STRING, .args = args, .arg_count = (uint16_t)count,
                     .function_name = function_name};
    return finish(&proto, "AggregateFunction");
}
