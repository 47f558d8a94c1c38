/* information_schema.c - the database information_schema (also INFORMATION_SCHEMA): SQL's standard description of tables, as views over
 * the tables of database system. Columns have ClickHouse's names in both cases. SPDX-License-Identifier: Apache-2.0 */
#include "query/definition.h"
#include "query/information_schema.h"

static const struct {
    const char *name, *sql;
} views[] = {
    {"schemata",
     "SELECT name AS catalog_name, name AS schema_name, 'default' AS schema_owner, CAST(NULL AS Nullable(String)) AS "
     "default_character_set_catalog, CAST(NULL AS Nullable(String)) AS default_character_set_schema, CAST(NULL AS "
     "Nullable(String)) AS default_character_set_name, CAST(NULL AS Nullable(String)) AS sql_path, catalog_name AS "
     "CATALOG_NAME, schema_name AS SCHEMA_NAME, schema_owner AS SCHEMA_OWNER, default_character_set_catalog AS "
     "DEFAULT_CHARACTER_SET_CATALOG, default_character_set_schema AS DEFAULT_CHARACTER_SET_SCHEMA, default_character_set_name "
     "AS DEFAULT_CHARACTER_SET_NAME, sql_path AS SQL_PATH, 'utf8mb4_0900_ai_ci' AS default_collation_name, 'NO' AS "
     "default_encryption, default_collation_name AS DEFAULT_COLLATION_NAME, default_encryption AS DEFAULT_ENCRYPTION FROM "
     "system.databases"},
    {"tables",
     "SELECT database AS table_catalog, database AS table_schema, name AS table_name, multiIf(is_temporary, 'LOCAL TEMPORARY', "
     "engine LIKE '%View', 'VIEW', engine LIKE 'System%', 'SYSTEM VIEW', has_own_data = 0, 'FOREIGN TABLE', 'BASE TABLE') AS "
     "table_type, total_rows AS table_rows, total_bytes AS data_length, CAST(NULL AS Nullable(UInt64)) AS index_length, "
     "CAST('utf8mb4_0900_ai_ci' AS Nullable(String)) AS table_collation, CAST(comment AS Nullable(String)) AS table_comment, "
     "table_catalog AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name AS TABLE_NAME, table_type AS TABLE_TYPE, "
     "table_rows AS TABLE_ROWS, data_length AS DATA_LENGTH, index_length AS INDEX_LENGTH, table_collation AS TABLE_COLLATION, "
     "table_comment AS TABLE_COMMENT, CAST(engine AS Nullable(String)) AS engine, CAST(NULL AS Nullable(UInt64)) AS version, "
     "CAST(NULL AS Nullable(String)) AS row_format, CAST(NULL AS Nullable(UInt64)) AS avg_row_length, CAST(NULL AS "
     "Nullable(UInt64)) AS max_data_length, CAST(NULL AS Nullable(UInt64)) AS data_free, CAST(NULL AS Nullable(UInt64)) AS "
     "auto_increment, CAST(NULL AS Nullable(DateTime)) AS create_time, CAST(NULL AS Nullable(DateTime)) "
     "AS update_time, CAST(NULL AS Nullable(DateTime)) AS check_time, CAST(NULL AS Nullable(Int64)) AS checksum, CAST(NULL AS "
     "Nullable(String)) AS create_options, engine AS ENGINE, version AS VERSION, row_format AS ROW_FORMAT, avg_row_length AS "
     "AVG_ROW_LENGTH, max_data_length AS MAX_DATA_LENGTH, data_free AS DATA_FREE, auto_increment AS AUTO_INCREMENT, "
     "create_time AS CREATE_TIME, update_time AS UPDATE_TIME, check_time AS CHECK_TIME, checksum AS CHECKSUM, create_options "
     "AS CREATE_OPTIONS FROM system.tables"},
    {"views",
     "SELECT database AS table_catalog, database AS table_schema, name AS table_name, as_select AS view_definition, 'NONE' AS "
     "check_option, CAST('NO' AS Enum8('NO' = 0, 'YES' = 1)) AS is_updatable, CAST(if(engine = 'MaterializedView', 'YES', "
     "'NO') AS Enum8('NO' = 0, 'YES' = 1)) AS is_insertable_into, CAST('NO' AS Enum8('NO' = 0, 'YES' = 1)) AS "
     "is_trigger_updatable, CAST('NO' AS Enum8('NO' = 0, 'YES' = 1)) AS is_trigger_deletable, CAST('NO' AS Enum8('NO' = 0, "
     "'YES' = 1)) AS is_trigger_insertable_into, table_catalog AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name AS "
     "TABLE_NAME, view_definition AS VIEW_DEFINITION, check_option AS CHECK_OPTION, is_updatable AS IS_UPDATABLE, "
     "is_insertable_into AS IS_INSERTABLE_INTO, is_trigger_updatable AS IS_TRIGGER_UPDATABLE, is_trigger_deletable AS "
     "IS_TRIGGER_DELETABLE, is_trigger_insertable_into AS IS_TRIGGER_INSERTABLE_INTO FROM system.tables WHERE engine IN "
     "('View', 'MaterializedView')"},
    {"columns",
     "SELECT database AS table_catalog, database AS table_schema, table AS table_name, name AS column_name, position AS "
     "ordinal_position, default_expression AS column_default, toString(CAST(startsWith(type, 'Nullable(') OR startsWith(type, "
     "'LowCardinality(Nullable(') AS UInt8)) AS is_nullable, type AS data_type, character_octet_length AS character_maximum_length, character_octet_length AS character_octet_length, numeric_precision AS numeric_precision, "
     "numeric_precision_radix AS numeric_precision_radix, numeric_scale AS numeric_scale, datetime_precision AS "
     "datetime_precision, CAST(NULL AS Nullable(String)) AS character_set_catalog, CAST(NULL AS Nullable(String)) AS "
     "character_set_schema, CAST(NULL AS Nullable(String)) AS character_set_name, CAST(NULL AS Nullable(String)) AS "
     "collation_catalog, CAST(NULL AS Nullable(String)) AS collation_schema, CAST(NULL AS Nullable(String)) AS collation_name, "
     "CAST(NULL AS Nullable(String)) AS domain_catalog, CAST(NULL AS Nullable(String)) AS domain_schema, CAST(NULL AS "
     "Nullable(String)) AS domain_name, CAST(multiIf(default_kind = 'DEFAULT', 'DEFAULT_GENERATED', default_kind = "
     "'MATERIALIZED', 'STORED GENERATED', default_kind = 'ALIAS', 'VIRTUAL GENERATED', '') AS Nullable(String)) AS extra, "
     "comment AS column_comment, type AS column_type, table_catalog AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name "
     "AS TABLE_NAME, column_name AS COLUMN_NAME, ordinal_position AS ORDINAL_POSITION, column_default AS COLUMN_DEFAULT, "
     "is_nullable AS IS_NULLABLE, data_type AS DATA_TYPE, character_maximum_length AS CHARACTER_MAXIMUM_LENGTH, "
     "character_octet_length AS CHARACTER_OCTET_LENGTH, numeric_precision AS NUMERIC_PRECISION, numeric_precision_radix AS "
     "NUMERIC_PRECISION_RADIX, numeric_scale AS NUMERIC_SCALE, datetime_precision AS DATETIME_PRECISION, character_set_catalog "
     "AS CHARACTER_SET_CATALOG, character_set_schema AS CHARACTER_SET_SCHEMA, character_set_name AS CHARACTER_SET_NAME, "
     "collation_catalog AS COLLATION_CATALOG, collation_schema AS COLLATION_SCHEMA, collation_name AS COLLATION_NAME, "
     "domain_catalog AS DOMAIN_CATALOG, domain_schema AS DOMAIN_SCHEMA, domain_name AS DOMAIN_NAME, extra AS EXTRA, "
     "column_comment AS COLUMN_COMMENT, column_type AS COLUMN_TYPE, if(is_in_primary_key, 'PRI', '') AS column_key, '' AS "
     "privileges, if(default_kind IN ('MATERIALIZED', 'ALIAS'), default_expression, '') AS generation_expression, CAST(NULL AS "
     "Nullable(UInt32)) AS srs_id, column_key AS COLUMN_KEY, privileges AS PRIVILEGES, generation_expression AS "
     "GENERATION_EXPRESSION, srs_id AS SRS_ID FROM system.columns"},
    {"key_column_usage",
     "SELECT 'def' AS constraint_catalog, database AS constraint_schema, CAST('PRIMARY' AS Nullable(String)) AS "
     "constraint_name, 'def' AS table_catalog, database AS table_schema, table AS table_name, CAST(name AS Nullable(String)) "
     "AS column_name, CAST(row_number() OVER (PARTITION BY database, table ORDER BY position) AS UInt32) AS ordinal_position, "
     "CAST(NULL AS Nullable(UInt32)) AS position_in_unique_constraint, CAST(NULL AS Nullable(String)) AS "
     "referenced_table_schema, CAST(NULL AS Nullable(String)) AS referenced_table_name, CAST(NULL AS Nullable(String)) AS "
     "referenced_column_name, constraint_catalog AS CONSTRAINT_CATALOG, constraint_schema AS CONSTRAINT_SCHEMA, "
     "constraint_name AS CONSTRAINT_NAME, table_catalog AS TABLE_CATALOG, table_schema AS TABLE_SCHEMA, table_name AS "
     "TABLE_NAME, column_name AS COLUMN_NAME, ordinal_position AS ORDINAL_POSITION, position_in_unique_constraint AS "
     "POSITION_IN_UNIQUE_CONSTRAINT, referenced_table_schema AS REFERENCED_TABLE_SCHEMA, referenced_table_name AS "
     "REFERENCED_TABLE_NAME, referenced_column_name AS REFERENCED_COLUMN_NAME FROM system.columns WHERE is_in_primary_key"},
    {"referential_constraints",
     "SELECT CAST('' AS String) AS constraint_catalog, CAST('' AS String) AS constraint_schema, CAST(NULL AS Nullable(String)) "
     "AS constraint_name, CAST('' AS String) AS unique_constraint_catalog, CAST('' AS String) AS unique_constraint_schema, "
     "CAST(NULL AS Nullable(String)) AS unique_constraint_name, CAST('' AS String) AS match_option, CAST('' AS String) AS "
     "update_rule, CAST('' AS String) AS delete_rule, CAST('' AS String) AS table_name, CAST('' AS String) AS "
     "referenced_table_name, constraint_catalog AS CONSTRAINT_CATALOG, constraint_schema AS CONSTRAINT_SCHEMA, constraint_name "
     "AS CONSTRAINT_NAME, unique_constraint_catalog AS UNIQUE_CONSTRAINT_CATALOG, unique_constraint_schema AS "
     "UNIQUE_CONSTRAINT_SCHEMA, unique_constraint_name AS UNIQUE_CONSTRAINT_NAME, match_option AS MATCH_OPTION, update_rule AS "
     "UPDATE_RULE, delete_rule AS DELETE_RULE, table_name AS TABLE_NAME, referenced_table_name AS REFERENCED_TABLE_NAME WHERE "
     "0"},
    {"engines",
     "SELECT name AS engine, if(name = 'MergeTree', 'DEFAULT', 'YES') AS support, engine AS ENGINE, support AS SUPPORT FROM "
     "system.table_engines"},
    {"character_sets",
     "SELECT arrayJoin(['utf8', 'utf8mb4', 'ascii', 'binary']) AS character_set_name, character_set_name AS CHARACTER_SET_NAME"},
};

bool information_schema_is(fn_str database)
{
    return fn_str_eq(database, FN_STR("information_schema")) || fn_str_eq(database, FN_STR("INFORMATION_SCHEMA"));
}

fn_status information_schema_table(query *q, fn_str database, fn_str name, table **out)
{
    size_t i = 0;
    plan_query *bound;
    ast_statement *select;
    *out = NULL;
    while (i < FN_COUNT(views) && !fn_str_eq_nocase(name, fn_cstr(views[i].name))) i++;
    if (i == FN_COUNT(views)) return FN_OK;
    const char *sql = fn_arena_printf(q->ctx, q->ctx->arena, "CREATE VIEW " FN_STR_FMT "." FN_STR_FMT " AS %s", FN_STR_ARG(database), FN_STR_ARG(name), views[i].sql);
    FN_TRY_PTR(q->ctx, sql);
    FN_TRY(sql_parse(q->ctx, fn_cstr(views[i].sql), &select));
    FN_TRY(plan_bind(q->ctx, &q->world.base, select->query, &bound));
    table head = {.database = database, .name = name, .uuid = "00000000-0000-0000-0000-000000000000", .create_sql = fn_cstr(sql), .engine_full = FN_STR("View"), .is_view = true};
    table_schema *schema;
    fn_status status = table_schema_make(q->ctx, &bound->schema, &schema);
    plan_query_release(bound);
    FN_TRY(status);
    atomic_store(&head.schema, schema);
    status = view_table_new(q->ctx, &head, out);
    if (status != FN_OK) table_schema_drop(schema);
    return status;
}
