/* iceberg_open.c - metadata JSON to an opened table: version, schema, partition specs, the chosen snapshot.
 * A tag, snapshot id or time is read with the schema the snapshot was written with; the current state and branches with
 * the table's current schema, as Spark and the Java library do. SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/metadata.h"

enum { SPECS_MAX = 10000, VERSION_MAX = 3 };

static fn_status parse_spec(fn_ctx *ctx, json_t *fields, int32_t id, fn_iceberg_spec *out)
{
    const size_t n = json_array_size(fields);
    if (n > SPECS_MAX) return iceberg_bad(ctx, "An Iceberg partition spec has too many fields");
    *out = (fn_iceberg_spec){.id = id, .count = (uint32_t)n, .fields = FN_NEW_ARRAY(ctx, fn_iceberg_partition_field, n + 1)};
    FN_TRY_PTR(ctx, out->fields);
    for (size_t i = 0; i < n; i++) {
        json_t *field = json_array_get(fields, i), *field_id = json_object_get(field, "field-id");
        fn_iceberg_partition_field *f = &out->fields[i];
        f->source_id = (int32_t)json_integer_value(json_object_get(field, "source-id"));
        f->field_id = json_is_integer(field_id) ? (int32_t)json_integer_value(field_id) : 1000 + (int32_t)i; /* format 1 may leave it out */
        FN_TRY(iceberg_copy_text(ctx, json_object_get(field, "name"), &f->name));
        FN_TRY(iceberg_copy_text(ctx, json_object_get(field, "transform"), &f->transform));
    }
    return FN_OK;
}

static fn_status parse_specs(fn_ctx *ctx, json_t *root, fn_iceberg_table *t)
{
    json_t *specs = json_object_get(root, "partition-specs"), *single = json_object_get(root, "partition-spec");
    const size_t n = json_is_array(specs) ? json_array_size(specs) : json_is_array(single) ? 1 : 0;
    if (n == 0 || n > SPECS_MAX) return iceberg_bad(ctx, "Iceberg metadata has no partition specs");
    t->specs = FN_NEW_ARRAY(ctx, fn_iceberg_spec, n);
    FN_TRY_PTR(ctx, t->specs);
    t->spec_count = (uint32_t)n;
    if (!json_is_array(specs)) return parse_spec(ctx, single, 0, &t->specs[0]);
    for (size_t i = 0; i < n; i++) {
        json_t *spec = json_array_get(specs, i);
        FN_TRY(parse_spec(ctx, json_object_get(spec, "fields"), (int32_t)json_integer_value(json_object_get(spec, "spec-id")), &t->specs[i]));
    }
    return FN_OK;
}

/* The schema with that id; id < 0 or a table of format 1 without ids: the only one. */
static json_t *find_schema(json_t *root, int64_t id)
{
    json_t *schemas = json_object_get(root, "schemas"), *schema;
    size_t i;
    json_array_foreach(schemas, i, schema)
        if (json_integer_value(json_object_get(schema, "schema-id")) == id) return schema;
    return json_is_array(schemas) ? NULL : json_object_get(root, "schema");
}

static json_t *find_snapshot(json_t *root, int64_t id)
{
    json_t *snapshot;
    size_t i;
    json_array_foreach(json_object_get(root, "snapshots"), i, snapshot)
        if (json_integer_value(json_object_get(snapshot, "snapshot-id")) == id) return snapshot;
    return NULL;
}

/* The snapshot that was current at that time, by the snapshot log. */
static fn_status snapshot_at(fn_ctx *ctx, json_t *root, int64_t timestamp_ms, int64_t *id)
{
    json_t *entry;
    size_t i;
    int64_t best = INT64_MIN;
    json_array_foreach(json_object_get(root, "snapshot-log"), i, entry)
    {
        const int64_t at = json_integer_value(json_object_get(entry, "timestamp-ms"));
        if (at > timestamp_ms || at < best) continue;
        best = at;
        *id = json_integer_value(json_object_get(entry, "snapshot-id"));
    }
    if (best == INT64_MIN) return fn_fail(ctx, FN_BAD_ARGUMENTS, "No snapshot found in snapshot log before requested timestamp %lld", (long long)timestamp_ms);
    return FN_OK;
}

static fn_status ref_snapshot(fn_ctx *ctx, json_t *root, fn_str name, int64_t *id, bool *tag)
{
    const char *text = fn_arena_copy(ctx, ctx->arena, name.data, name.size);
    FN_TRY_PTR(ctx, text);
    json_t *ref = json_object_get(json_object_get(root, "refs"), text);
    const char *type = json_string_value(json_object_get(ref, "type"));
    if (!ref && fn_str_eq(name, FN_STR("main"))) {
        *id = json_integer_value(json_object_get(root, "current-snapshot-id"));
        return FN_OK;
    }
    if (!ref) return fn_fail(ctx, FN_BAD_ARGUMENTS, "The Iceberg table has no branch or tag '" FN_STR_FMT "'", FN_STR_ARG(name));
    *id = json_integer_value(json_object_get(ref, "snapshot-id"));
    *tag = type && strcmp(type, "tag") == 0;
    return FN_OK;
}

/* *json: NULL for a table without snapshots. own_schema: read with the snapshot's schema. */
static fn_status choose_snapshot(fn_ctx *ctx, json_t *root, const fn_iceberg_options *o, json_t **json, bool *own_schema)
{
    const int given = (o->snapshot_id != 0) + (o->timestamp_ms != 0) + (o->ref.size != 0);
    json_t *current = json_object_get(root, "current-snapshot-id");
    int64_t id = json_is_integer(current) ? json_integer_value(current) : -1;
    *json = NULL;
    *own_schema = o->snapshot_id != 0 || o->timestamp_ms != 0;
    if (given > 1)
        return fn_fail(ctx, FN_BAD_ARGUMENTS, "Only one of iceberg_snapshot_id, iceberg_timestamp_ms and iceberg_ref may be given");
    if (o->snapshot_id) id = o->snapshot_id;
    if (o->timestamp_ms) FN_TRY(snapshot_at(ctx, root, o->timestamp_ms, &id));
    if (o->ref.size) FN_TRY(ref_snapshot(ctx, root, o->ref, &id, own_schema));
    if (id == -1) return FN_OK;
    *json = find_snapshot(root, id);
    if (*json) return FN_OK;
    if (given) return fn_fail(ctx, FN_BAD_ARGUMENTS, "No snapshot with id %lld in the Iceberg table: it has expired or never existed", (long long)id);
    return iceberg_bad(ctx, "The current snapshot %lld of the Iceberg table is not in its list of snapshots", (long long)id);
}

static fn_status parse_snapshot(fn_ctx *ctx, json_t *json, iceberg_snapshot *out)
{
    json_t *manifests = json_object_get(json, "manifests");
    out->id = json_integer_value(json_object_get(json, "snapshot-id"));
    FN_TRY(iceberg_copy_text(ctx, json_object_get(json, "manifest-list"), &out->manifest_list));
    if (out->manifest_list.size) return FN_OK;
    const size_t n = json_array_size(manifests);
    if (!json_is_array(manifests)) return iceberg_bad(ctx, "Snapshot %lld has no manifest list", (long long)out->id);
    fn_str *list = FN_NEW_ARRAY(ctx, fn_str, n + 1);
    FN_TRY_PTR(ctx, list);
    for (size_t i = 0; i < n; i++) FN_TRY(iceberg_copy_text(ctx, json_array_get(manifests, i), &list[i]));
    out->manifests = list;
    out->manifest_count = (uint32_t)n;
    return FN_OK;
}

static fn_status parse_schema(fn_ctx *ctx, json_t *root, json_t *snapshot, bool own_schema, fn_iceberg_table *t)
{
    json_t *id = own_schema ? json_object_get(snapshot, "schema-id") : NULL;
    if (!json_is_integer(id)) id = json_object_get(root, "current-schema-id");
    json_t *schema = find_schema(root, json_integer_value(id));
    if (!schema) return iceberg_bad(ctx, "Schema %lld of the Iceberg table is not in its metadata", (long long)json_integer_value(id));
    const char *text = json_string_value(json_object_get(json_object_get(root, "properties"), "schema.name-mapping.default"));
    json_error_t error;
    json_t *mapping = text ? json_loads(text, 0, &error) : NULL;
    const fn_status status = iceberg_schema_parse(ctx, schema, mapping, &t->fields, &t->field_count);
    json_decref(mapping);
    return status;
}

static fn_status parse_table(fn_ctx *ctx, json_t *root, const fn_iceberg_options *options, iceberg_open_table *t)
{
    json_t *version = json_object_get(root, "format-version");
    t->base.format_version = (int)json_integer_value(version);
    if (!json_is_integer(version) || t->base.format_version < 1) return iceberg_bad(ctx, "Iceberg metadata has no format-version");
    if (t->base.format_version > VERSION_MAX)
        return fn_fail(ctx, FN_NOT_IMPLEMENTED, "Iceberg format version %d is not supported", t->base.format_version);
    FN_TRY(iceberg_copy_text(ctx, json_object_get(root, "table-uuid"), &t->base.uuid));
    FN_TRY(iceberg_copy_text(ctx, json_object_get(root, "location"), &t->base.location));
    if (!t->base.location.size) return iceberg_bad(ctx, "Iceberg metadata has no location");
    json_t *snapshot;
    bool own_schema;
    FN_TRY(choose_snapshot(ctx, root, options, &snapshot, &own_schema));
    if (snapshot) FN_TRY(parse_snapshot(ctx, snapshot, &t->snapshot));
    t->base.snapshot_id = t->snapshot.id;
    FN_TRY(parse_specs(ctx, root, &t->base));
    return parse_schema(ctx, root, snapshot, own_schema, &t->base);
}

fn_status fn_iceberg_open(fn_ctx *ctx, fn_iceberg_files *files, const fn_iceberg_options *options, fn_iceberg_table **out)
{
    iceberg_open_table *t = FN_NEW(ctx, iceberg_open_table);
    FN_TRY_PTR(ctx, t);
    fn_buf text = FN_BUF_INIT;
    json_error_t error;
    fn_status status = iceberg_find_metadata(ctx, files, &t->base.metadata_path, &text);
    json_t *root = status == FN_OK ? json_loadb(text.data, text.size, 0, &error) : NULL;
    fn_buf_release(&text);
    if (status == FN_OK && !json_is_object(root))
        status = iceberg_bad(ctx, "Bad JSON in " FN_STR_FMT ": %s at line %d", FN_STR_ARG(t->base.metadata_path), root ? "not an object" : error.text,
                             root ? 1 : error.line);
    if (status == FN_OK && (status = parse_table(ctx, root, options, t)) != FN_OK)
        (void)fn_error_prefix(ctx, FN_STR_FMT ": ", FN_STR_ARG(t->base.metadata_path));
    json_decref(root);
    if (status == FN_OK) {
        files->location = t->base.location;
        *out = &t->base;
    }
    return status;
}

fn_str fn_iceberg_without_scheme(fn_str s)
{
    const char *mark = s.size > 3 ? memmem(s.data, FN_MIN(s.size, (size_t)12), "://", 3) : NULL;
    if (mark) {
        const size_t n = (size_t)(mark - s.data) + 3;
        return (fn_str){s.data + n, s.size - n};
    }
    return fn_str_starts(s, FN_STR("file:")) ? (fn_str){s.data + 5, s.size - 5} : s;
}

bool fn_iceberg_relative(fn_str location, fn_str path, fn_str *out)
{
    location = fn_iceberg_without_scheme(location);
    path = fn_iceberg_without_scheme(path);
    while (location.size && location.data[location.size - 1] == '/') location.size--;
    if (!fn_str_starts(path, location) || path.size <= location.size || path.data[location.size] != '/') return false;
    *out = (fn_str){path.data + location.size + 1, path.size - location.size - 1};
    while (out->size && out->data[0] == '/') *out = (fn_str){out->data + 1, out->size - 1};
    return true;
}
