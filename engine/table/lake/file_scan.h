/* lake/file_scan.h - shared between file_table.c, file_scan.c and file_bound.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_LAKE_FILE_SCAN_H
#define FIRN_LAKE_FILE_SCAN_H
#include "table/lake/file_table.h"
#include <firn/parquet.h>

typedef struct file_table {
    table base;
    file_set *set;
    const fn_format *format;   /* random_access: Parquet */
    fn_format_settings settings;
    uint32_t real_columns;     /* the virtual ones follow: _path, _file, _size, _time */
} file_table;
enum { FILE_VIRTUAL_PATH, FILE_VIRTUAL_FILE, FILE_VIRTUAL_SIZE, FILE_VIRTUAL_TIME, FILE_VIRTUALS };

/* A condition `column op constant` as an interval of the column's type; columns of 1 row, owned by file_bounds. */
typedef struct file_bound {
    uint32_t schema_column;
    fn_column *min, *max;
} file_bound;
/* Those conjuncts that are such conditions; ends are inclusive (a strict one keeps its end: rows are filtered later). */
fn_status file_bounds_find(fn_ctx *ctx, const table_schema *schema, expr *const *conjuncts, uint32_t count, file_bound **out,
                           uint32_t *found) FN_MUST_USE;
void file_bounds_drop(file_bound *bounds, uint32_t count);
fn_status file_scan_open(fn_ctx *ctx, const file_table *t, const table_scan_request *request, table_scan **out) FN_MUST_USE;
#endif
