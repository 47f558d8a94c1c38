/* function_list.c - all families of functions: one extern row each (X in the list), found by name through a hash table
 * that is filled once. Names are matched exactly first, then without case for FUNC_CASE_INSENSITIVE rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "expr/function.h"
#include <pthread.h>

/* One row per file engine/function/func_<family>.c; append. */
#define FAMILIES(X)                                                                                                   \
    X(arithmetic)                                                                                                     \
    X(interval)                                                                                                       \
    X(conversion)                                                                                                     \
    X(comparison)                                                                                                     \
    X(logical)                                                                                                        \
    X(set)                                                                                                            \
    X(conditional)                                                                                                    \
    X(string)                                                                                                         \
    X(array_make)                                                                                                     \
    X(tuple)                                                                                                          \
    X(substring)                                                                                                      \
    X(concat)                                                                                                         \
    X(printf)                                                                                                         \
    X(array_access)                                                                                                   \
    X(array_change)                                                                                                   \
    X(higher)                                                                                                         \
    X(utf8)                                                                                                           \
    X(search)                                                                                                         \
    X(token)                                                                                                          \
    X(date_part)                                                                                                      \
    X(like)                                                                                                           \
    X(match)                                                                                                          \
    X(date_trunc)                                                                                                     \
    X(replace)                                                                                                        \
    X(extract)                                                                                                        \
    X(rounding)                                                                                                       \
    X(math)                                                                                                           \
    X(now)                                                                                                            \
    X(encoding)                                                                                                       \
    X(introspect)                                                                                                     \
    X(date_add)                                                                                                       \
    X(extreme)                                                                                                        \
    X(array_sum)                                                                                                      \
    X(array_sort)                                                                                                     \
    X(array_set)                                                                                                      \
    X(hash)                                                                                                           \
    X(map)                                                                                                            \
    X(date_text)                                                                                                      \
    X(digest)                                                                                                         \
    X(session)                                                                                                        \
    X(date_convert)                                                                                                   \
    X(transform)                                                                                                      \
    X(split)                                                                                                          \
    X(url)                                                                                                            \
    X(url_parameter)                                                                                                  \
    X(date_parse)                                                                                                     \
    X(array_reduce)                                                                                                   \
    X(aggregate_state)                                                                                                \
    X(random)                                                                                                         \
    X(vector)                                                                                                         \
    X(json)                                                                                                           \
    X(address)                                                                                                        \
    X(simple_json)                                                                                                    \
    X(readable)                                                                                                       \
    X(distance)                                                                                                       \
    X(clock)                                                                                                          \
    X(array_compare)                                                                                                  \
    X(digits)                                                                                                         \
    X(json_path)                                                                                                      \
    X(bitmap)                                                                                                         \
    X(bits)                                                                                                           \
    X(map_like)                                                                                                       \
    X(query_text)                                                                                                     \
    X(charset)                                                                                                        \
    X(block)                                                                                                          \
    X(first)                                                                                                          \
    X(cipher)                                                                                                         \
    X(date_joda)                                                                                                      \
    X(time_window)                                                                                                    \
    X(julian)                                                                                                         \
    X(size_text)                                                                                                      \
    X(array_rank)                                                                                                     \
    X(nested)                                                                                                         \
    X(key_value)                                                                                                      \
    X(md4)

#define X(name) extern const func_family func_family_##name;
FAMILIES(X)
#undef X
static const func_family *const families[] = {
#define X(name) &func_family_##name,
    FAMILIES(X)
#undef X
};

enum { TABLE_SIZE = 16384 }; /* power of two, several times the number of names */
typedef struct name_row {
    const char *name;
    const func_def *def;
} name_row;
static name_row table[TABLE_SIZE];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

/* Lower-case hash, so that both ways of matching meet in one chain. */
static uint32_t slot_of(fn_str name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.size; i++) {
        const unsigned char c = (unsigned char)name.data[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 16777619u;
    }
    return (h ^ (h >> 15)) & (TABLE_SIZE - 1);
}

static void insert(const char *name, const func_def *def)
{
    uint32_t i = slot_of(fn_cstr(name));
    while (table[i].name) i = (i + 1) & (TABLE_SIZE - 1);
    table[i] = (name_row){name, def};
}

static void fill_table(void)
{
    for (size_t f = 0; f < FN_COUNT(families); f++)
        for (size_t i = 0; i < families[f]->count; i++) {
            const func_def *def = &families[f]->defs[i];
            insert(def->name, def);
            for (const char *const *alias = def->aliases; alias && *alias; alias++) insert(*alias, def);
        }
}

const func_def *func_find(fn_str name)
{
    pthread_once(&table_once, fill_table);
    const func_def *loose = NULL;
    for (uint32_t i = slot_of(name); table[i].name; i = (i + 1) & (TABLE_SIZE - 1)) {
        if (fn_str_eq(fn_cstr(table[i].name), name)) return table[i].def;
        if (!loose && (table[i].def->flags & FUNC_CASE_INSENSITIVE) && fn_str_eq_nocase(fn_cstr(table[i].name), name)) loose = table[i].def;
    }
    return loose;
}

bool func_at(size_t index, const func_def **def, const func_family **family)
{
    for (size_t f = 0; f < FN_COUNT(families); f++) {
        if (index < families[f]->count) {
            *def = &families[f]->defs[index];
            *family = families[f];
            return true;
        }
        index -= families[f]->count;
    }
    return false;
}

/* Edit distance, given up above `limit`. Names are short. */
static size_t distance(fn_str a, fn_str b, size_t limit)
{
    enum { LONGEST = 64 };
    uint8_t row[LONGEST + 1];
    if (a.size > LONGEST || b.size > LONGEST || (a.size > b.size ? a.size - b.size : b.size - a.size) > limit) return limit + 1;
    for (size_t j = 0; j <= b.size; j++) row[j] = (uint8_t)j;
    for (size_t i = 1; i <= a.size; i++) {
        uint8_t diagonal = row[0];
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b.size; j++) {
            const uint8_t above = row[j];
            const uint8_t change = (uint8_t)(diagonal + (a.data[i - 1] != b.data[j - 1]));
            const uint8_t step = (uint8_t)(FN_MIN(row[j], row[j - 1]) + 1);
            row[j] = FN_MIN(change, step);
            diagonal = above;
        }
    }
    return row[b.size];
}

const char *func_suggest(fn_str name)
{
    pthread_once(&table_once, fill_table);
    size_t best = 3;
    const char *found = NULL;
    for (uint32_t i = 0; i < TABLE_SIZE; i++) {
        if (!table[i].name) continue;
        const size_t d = distance(name, fn_cstr(table[i].name), best - 1);
        if (d < best) {
            best = d;
            found = table[i].name;
        }
    }
    return found;
}
