/* system/system_list.h - every system table by name; a new one is a line here and its file sys_<name>.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SYSTEM_LIST_H
#define FIRN_SYSTEM_LIST_H
#include "system/system.h"

/* Each in its file sys_<name>.c. */
#define SYSTEM_TABLES(X)                                                                                                        \
    X(one) X(databases) X(tables) X(columns) X(parts) X(settings) X(functions) X(formats) X(processes) X(query_log)             \
    X(table_engines) X(table_functions) X(database_engines) X(data_type_families) X(aggregate_function_combinators)             \
    X(build_options) X(disks) X(storage_policies) X(users) X(clusters) X(data_skipping_indices) X(projections) X(codecs) X(licenses)      \
    X(projection_parts) X(projection_parts_columns) X(time_zones) X(merges) X(detached_parts) X(dropped_tables) X(backups) X(events) X(metrics) X(errors) X(asynchronous_metrics) X(asynchronous_inserts) X(asynchronous_insert_log) X(mutations)

/* Tables without rows, in sys_empty.c. */
#define SYSTEM_EMPTY_TABLES(X)                                                                                                  \
    X(macros, "Substitutions for replicated tables: none.")                                                                    \
    X(replicas, "Replicated tables: none, a Replicated engine runs as the local one.")                                         \
    X(replication_queue, "Work of replicated tables: none.")                                                                   \
    X(distribution_queue, "Inserts waiting in distributed tables: none.")                                                      \
    X(dictionaries, "Dictionaries: none.")                                                                                     \
    X(settings_profiles, "Settings profiles: none.")                                                                           \
    X(settings_profile_elements, "Settings of profiles: none.")                                                                \
    X(enabled_roles, "Roles in effect: none.")                                                                                 \
    X(current_roles, "Roles of the session: none.")                                                                            \
    X(quota_usage, "Use of quotas: none.")                                                                                     \
    X(quota_limits, "Limits of quotas: none.")                                                                                 \
    X(quotas_usage, "Use of quotas of all users: none.")                                                                       \
    X(schema_inference_cache, "Kept results of schema inference: none.")                                                       \
    X(query_cache, "Kept results of queries: none.")                                                                           \
    X(graphite_retentions, "Rollup rules of GraphiteMergeTree: none.")                                                         \
    X(replicated_fetches, "Parts being fetched from replicas: none.")                                                          \
    X(part_moves_between_shards, "Parts being moved between shards: none.")                                                    \
    X(certificates, "TLS certificates: none.")                                                                                 \
    X(iceberg_history, "Snapshots of Iceberg tables in databases: none, Iceberg is read by table functions.")                  \
    X(roles, "Roles: none.")                                                                                                   \
    X(role_grants, "Roles granted: none.")                                                                                     \
    X(named_collections, "Named collections: none.")                                                                           \
    X(view_refreshes, "Refreshable views: none.")                                                                              \
    X(row_policies, "Row policies: none.")                                                                                     \
    X(quotas, "Quotas: none.")                                                                                                 \
    X(user_defined_functions, "Functions made by users: none.")                                                                \
    X(kafka_consumers, "Kafka consumers: none.")                                                                               \
    X(detached_tables, "Detached tables: none.")                                                                               \
    X(moves, "Parts being moved between disks: none.")                                                                         \
    X(distributed_ddl_queue, "Statements ON CLUSTER under way: none.")

#define X(name) extern const system_def system_##name;
SYSTEM_TABLES(X)
#undef X
#define X(name, about) extern const system_def system_##name;
SYSTEM_EMPTY_TABLES(X)
#undef X
#endif
