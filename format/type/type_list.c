/* type_list.c - all type families. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"

static const fn_type_class *const classes[] = {
    &type_nothing,    &type_bool,       &type_uint8,       &type_uint16,      &type_uint32,      &type_uint64,     &type_uint128,
    &type_uint256,    &type_int8,       &type_int16,       &type_int32,       &type_int64,       &type_int128,     &type_int256,
    &type_float32,    &type_float64,    &type_decimal,     &type_decimal32,   &type_decimal64,   &type_decimal128, &type_decimal256,
    &type_string,     &type_fixed_string, &type_date,      &type_date32,      &type_datetime,    &type_datetime64, &type_time,
    &type_time64,     &type_uuid,       &type_ipv4,        &type_ipv6,        &type_enum8,       &type_enum16,     &type_enum,
    &type_nullable,   &type_low_cardinality, &type_array,  &type_tuple,       &type_map,         &type_nested,
    &type_aggregate_function, &type_simple_aggregate_function, &type_intervals[0], &type_intervals[1], &type_intervals[2], &type_intervals[3],
    &type_intervals[4], &type_intervals[5], &type_intervals[6], &type_intervals[7], &type_intervals[8], &type_intervals[9], &type_intervals[10],
};

const fn_type_class *fn_type_class_at(size_t index)
{
    return index < FN_COUNT(classes) ? classes[index] : NULL;
}

const fn_type_class *type_class_find(fn_str name)
{
    for (size_t i = 0; i < FN_COUNT(classes); i++)
        if (fn_str_eq(name, fn_cstr(classes[i]->name))) return classes[i];
    for (size_t i = 0; i < FN_COUNT(classes); i++)
        for (const char *const *alias = classes[i]->aliases; alias && *alias; alias++)
            if (classes[i]->alias_nocase ? fn_str_eq_nocase(name, fn_cstr(*alias)) : fn_str_eq(name, fn_cstr(*alias))) return classes[i];
    return NULL;
}
