/* command_config.h - options of the server as texts; what is NULL was not given. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_COMMAND_CONFIG_H
#define FIRN_COMMAND_CONFIG_H
#include "command.h"
#include <firn/arena.h>

typedef struct server_config {
    const char *path, *http_port, *listen_host, *display_name, *user_files, *user, *password, *database, *threads, *connections, *requests, *keep_alive, *memory, *log_level, *drop_delay;
    const char *inserts, *selects, *tables, *views, *databases; /* limits */
    const char *backups_path, *backups_disk;
} server_config;

/* Fills what is still NULL; texts in ctx->arena. CANNOT_LOAD_CONFIG (347), UNKNOWN_ELEMENT_IN_CONFIG (137). */
fn_status server_config_load(fn_ctx *ctx, const char *file, server_config *out) FN_MUST_USE;
#endif
