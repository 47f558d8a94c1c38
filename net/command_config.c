/* command_config.c - the server's configuration file: a YAML mapping of names to values, the same names as the options without
 * the dashes (path, http_port, listen_host, user, password, database, threads, max_memory). A name nobody knows is an error.
 * SPDX-License-Identifier: Apache-2.0 */
#include "command_config.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef struct config_key {
    const char *name;
    size_t place;
} config_key;

static const config_key keys[] = {
    {"path", offsetof(server_config, path)},
    {"http_port", offsetof(server_config, http_port)},
    {"listen_host", offsetof(server_config, listen_host)},
    {"display_name", offsetof(server_config, display_name)},
    {"user_files_path", offsetof(server_config, user_files)},
    {"user", offsetof(server_config, user)},
    {"password", offsetof(server_config, password)},
    {"database", offsetof(server_config, database)},
    {"threads", offsetof(server_config, threads)},
    {"max_connections", offsetof(server_config, connections)},
    {"max_concurrent_queries", offsetof(server_config, requests)},
    {"max_concurrent_insert_queries", offsetof(server_config, inserts)},
    {"max_concurrent_select_queries", offsetof(server_config, selects)},
    {"max_table_num_to_throw", offsetof(server_config, tables)},
    {"max_view_num_to_throw", offsetof(server_config, views)},
    {"max_database_num_to_throw", offsetof(server_config, databases)},
    {"keep_alive_timeout", offsetof(server_config, keep_alive)},
    {"max_server_memory_usage", offsetof(server_config, memory)},
    {"database_atomic_delay_before_drop_table_sec", offsetof(server_config, drop_delay)},
    {"backups.allowed_path", offsetof(server_config, backups_path)},
    {"backups.allowed_disk", offsetof(server_config, backups_disk)},
    {"log_level", offsetof(server_config, log_level)},
};

static const char **slot(server_config *c, const char *name)
{
    for (size_t i = 0; i < FN_COUNT(keys); i++)
        if (strcmp(keys[i].name, name) == 0) return (const char **)(void *)((char *)c + keys[i].place);
    return NULL;
}

/* One event; what is no scalar where one is wanted ends the reading. */
static fn_status next_scalar(fn_ctx *ctx, yaml_parser_t *p, const char *file, bool *end, char **out)
{
    yaml_event_t event;
    *end = false;
    for (;;) {
        if (!yaml_parser_parse(p, &event)) {
            return fn_fail(ctx, FN_CANNOT_LOAD_CONFIG, "%s:%zu: %s", file, p->problem_mark.line + 1, p->problem ? p->problem : "not YAML");
        }
        const yaml_event_type_t type = event.type;
        if (type == YAML_SCALAR_EVENT) {
            *out = fn_arena_copy(ctx, ctx->arena, event.data.scalar.value, event.data.scalar.length);
            yaml_event_delete(&event);
            FN_TRY_PTR(ctx, *out);
            return FN_OK;
        }
        yaml_event_delete(&event);
        *end = type == YAML_MAPPING_END_EVENT || type == YAML_STREAM_END_EVENT || type == YAML_DOCUMENT_END_EVENT;
        if (*end) return FN_OK;
        if (type == YAML_SEQUENCE_START_EVENT || type == YAML_ALIAS_EVENT)
            return fn_fail(ctx, FN_CANNOT_LOAD_CONFIG, "%s: lists are not expected", file);
    }
}

/* within: the name the mapping stands under, as in "backups: {allowed_path: /b}"; NULL: at the top. */
static fn_status read_pairs(fn_ctx *ctx, yaml_parser_t *p, const char *file, const char *within, server_config *out)
{
    for (;;) {
        char *name, *value;
        bool end;
        FN_TRY(next_scalar(ctx, p, file, &end, &name));
        if (end) return FN_OK;
        if (!within && strcmp(name, "backups") == 0) {
            FN_TRY(read_pairs(ctx, p, file, name, out));
            continue;
        }
        if (within) {
            name = fn_arena_printf(ctx, ctx->arena, "%s.%s", within, name);
            FN_TRY_PTR(ctx, name);
        }
        const char **at = slot(out, name);
        if (!at) return fn_fail(ctx, FN_UNKNOWN_ELEMENT_IN_CONFIG, "%s: there is no option '%s'", file, name);
        FN_TRY(next_scalar(ctx, p, file, &end, &value));
        if (end) return fn_fail(ctx, FN_CANNOT_LOAD_CONFIG, "%s: '%s' has no value", file, name);
        if (!*at) *at = value; /* an option on the command line goes before */
    }
}

fn_status server_config_load(fn_ctx *ctx, const char *file, server_config *out)
{
    yaml_parser_t parser;
    FILE *f = fopen(file, "rb");
    if (!f) return fn_fail(ctx, FN_CANNOT_LOAD_CONFIG, "Cannot open file %s", file);
    if (!yaml_parser_initialize(&parser)) {
        (void)fclose(f);
        return fn_fail_memory(ctx, sizeof parser);
    }
    yaml_parser_set_input_file(&parser, f);
    const fn_status status = read_pairs(ctx, &parser, file, NULL, out);
    yaml_parser_delete(&parser);
    (void)fclose(f);
    return status;
}
