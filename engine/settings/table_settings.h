/* settings/table_settings.h - settings of a MergeTree table that the engine acts on: table_settings.def as a struct.
 * The others that ClickHouse knows are kept in the table's text only (query/merge_tree_settings.def, definition_check.c).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TABLE_SETTINGS_H
#define FIRN_TABLE_SETTINGS_H
#include <firn/bits.h>

/* What becomes of projections where rows go. */
typedef enum projection_mode { PROJECTION_IGNORE, PROJECTION_THROW, PROJECTION_DROP, PROJECTION_REBUILD } projection_mode;

typedef struct table_settings {
#define FN_SETTING_BOOL(name) bool name;
#define FN_SETTING_MODE(name) projection_mode name;
#define FN_SETTING_U64(name) uint64_t name;
#define FN_SETTING_F64(name) double name;
#define X(kind, name, value) FN_SETTING_##kind(name)
#include "settings/table_settings.def"
#undef X
#undef FN_SETTING_U64
#undef FN_SETTING_F64
#undef FN_SETTING_BOOL
#undef FN_SETTING_MODE
} table_settings;

table_settings table_settings_default(void);
/* A name that is not in the list changes nothing. Errors: CANNOT_CONVERT_TYPE (70), CANNOT_PARSE_INPUT_ASSERTION_FAILED (27),
 * CANNOT_PARSE_NUMBER (72). */
fn_status table_settings_set(fn_ctx *ctx, table_settings *s, fn_str name, fn_str value) FN_MUST_USE;
#endif
