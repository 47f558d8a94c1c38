/* type_ask.c - questions about types. SPDX-License-Identifier: Apache-2.0 */
#include "type/type_parse.h"

const fn_type *fn_type_value(const fn_type *t)
{
    return t->value ? t->value : t;
}

bool fn_type_is_nullable(const fn_type *t)
{
    return t->id == FN_T_NULLABLE || (t->id == FN_T_LOW_CARDINALITY && t->args[0]->id == FN_T_NULLABLE);
}

const fn_type *fn_type_strip_nullable(const fn_type *t)
{
    if (t->id == FN_T_NULLABLE) return t->args[0];
    if (t->id == FN_T_LOW_CARDINALITY && t->args[0]->id == FN_T_NULLABLE) return fn_type_low_cardinality(t->args[0]->args[0]);
    return t;
}

const fn_type *fn_type_strip_low_cardinality(const fn_type *t)
{
    return t->id == FN_T_LOW_CARDINALITY ? t->args[0] : t;
}

const fn_type *fn_type_base(const fn_type *t)
{
    if (t->id == FN_T_LOW_CARDINALITY) t = t->args[0];
    return t->id == FN_T_NULLABLE ? t->args[0] : t;
}

bool fn_type_is_integer(const fn_type *t)
{
    return t->id >= FN_T_UINT8 && t->id <= FN_T_INT256;
}

bool fn_type_is_unsigned(const fn_type *t)
{
    return t->id >= FN_T_UINT8 && t->id <= FN_T_UINT256;
}

bool fn_type_is_float(const fn_type *t)
{
    return t->id == FN_T_FLOAT32 || t->id == FN_T_FLOAT64;
}

bool fn_type_is_number(const fn_type *t)
{
    return fn_type_is_integer(t) || fn_type_is_float(t) || t->id == FN_T_DECIMAL || t->id == FN_T_BOOL;
}

bool fn_type_is_string(const fn_type *t)
{
    return t->id == FN_T_STRING || t->id == FN_T_FIXED_STRING;
}

bool fn_type_is_date_or_time(const fn_type *t)
{
    return t->id >= FN_T_DATE && t->id <= FN_T_DATETIME64;
}

int fn_type_tuple_field(const fn_type *t, fn_str name)
{
    for (int i = 0; t->arg_names && i < t->arg_count; i++)
        if (fn_str_eq(fn_cstr(t->arg_names[i]), name)) return i;
    int position = 0;
    for (size_t i = 0; i < name.size && i < 6; i++) {
        if (name.data[i] < '0' || name.data[i] > '9') return -1;
        position = position * 10 + (name.data[i] - '0');
    }
    return position >= 1 && position <= t->arg_count && name.size <= 5 ? position - 1 : -1;
}

const fn_enum_value *fn_enum_by_name(const fn_type *t, fn_str name)
{
    for (uint32_t i = 0; i < t->enum_count; i++)
        if (fn_str_eq(t->enum_values[i].name, name)) return &t->enum_values[i];
    return NULL;
}

const fn_enum_value *fn_enum_by_value(const fn_type *t, int value)
{
    uint32_t low = 0, high = t->enum_count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (t->enum_values[middle].value < value) low = middle + 1;
        else high = middle;
    }
    return low < t->enum_count && t->enum_values[low].value == value ? &t->enum_values[low] : NULL;
}
