/* manifest.c - manifest list and manifests of the opened snapshot to data files with the delete files that apply to each
 * (Iceberg specification, "Manifests" and "Scan planning"). SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/metadata.h"
#include <firn/avro.h>

enum { MANIFEST_MAX = 1 << 30, STATUS_DELETED = 2, FILE_PATH_ID = 2147483546 };

typedef struct manifest_ref {
    fn_str path;
    int32_t spec_id;
    int64_t sequence;   /* -1: unknown (format 1) */
    bool deletes;
} manifest_ref;

/* Growing list of files; elements are found by pointer only after it is complete. */
typedef struct file_list {
    fn_iceberg_file **items;
    size_t count, capacity;
} file_list;

typedef struct plan_state {
    fn_ctx *ctx;
    fn_iceberg_files *files;
    iceberg_open_table *table;
    file_list data, deletes;
} plan_state;

static fn_status append(fn_ctx *ctx, file_list *l, fn_iceberg_file *f)
{
    if (l->count == l->capacity) {
        const size_t capacity = l->capacity ? l->capacity * 2 : 64;
        fn_iceberg_file **grown = FN_NEW_ARRAY(ctx, fn_iceberg_file *, capacity);
        FN_TRY_PTR(ctx, grown);
        if (l->count) memcpy(grown, l->items, l->count * sizeof *grown);
        l->items = grown;
        l->capacity = capacity;
    }
    l->items[l->count++] = f;
    return FN_OK;
}

/* A file's bytes, kept for the plan's life since values point into them. */
static fn_status read_avro(plan_state *p, fn_str path, fn_avro_file **out)
{
    fn_buf bytes = FN_BUF_INIT;
    fn_status status = p->files->read(p->files, p->ctx, path, MANIFEST_MAX, &bytes);
    const char *copy = status == FN_OK ? fn_arena_copy(p->ctx, p->ctx->arena, bytes.data, bytes.size) : NULL;
    const size_t size = bytes.size;
    fn_buf_release(&bytes);
    FN_TRY(status);
    FN_TRY_PTR(p->ctx, copy);
    const char *name = fn_arena_copy(p->ctx, p->ctx->arena, path.data, path.size);
    FN_TRY_PTR(p->ctx, name);
    return fn_avro_open(p->ctx, name, (fn_str){copy, size}, out);
}

static const fn_iceberg_spec *find_spec(const fn_iceberg_table *t, int64_t id)
{
    for (uint32_t i = 0; i < t->spec_count; i++)
        if (t->specs[i].id == id) return &t->specs[i];
    return NULL;
}

static fn_iceberg_bounds *bounds_of(fn_iceberg_file *f, int32_t id, uint32_t capacity)
{
    for (uint32_t i = 0; i < f->bound_count; i++)
        if (f->bounds[i].field_id == id) return &f->bounds[i];
    if (f->bound_count == capacity) return NULL;
    f->bounds[f->bound_count] = (fn_iceberg_bounds){.field_id = id, .null_count = -1, .value_count = -1};
    return &f->bounds[f->bound_count++];
}

/* Maps with integer keys are arrays of {key, value} records in Avro. */
static fn_status read_bounds(fn_ctx *ctx, const fn_avro_value *data, fn_iceberg_file *f)
{
    static const char *const maps[] = {"lower_bounds", "upper_bounds", "null_value_counts", "value_counts"};
    uint32_t capacity = 0;
    for (size_t m = 0; m < FN_COUNT(maps); m++) {
        const fn_avro_value *map = fn_avro_field(data, maps[m]);
        if (map && map->schema->kind == FN_AVRO_ARRAY) capacity += map->count;
    }
    f->bounds = FN_NEW_ARRAY(ctx, fn_iceberg_bounds, (size_t)capacity + 1);
    FN_TRY_PTR(ctx, f->bounds);
    for (size_t m = 0; m < FN_COUNT(maps); m++) {
        const fn_avro_value *map = fn_avro_field(data, maps[m]);
        for (uint32_t i = 0; map && map->schema->kind == FN_AVRO_ARRAY && i < map->count; i++) {
            const fn_avro_value *value = fn_avro_field(&map->items[i], "value");
            fn_iceberg_bounds *b = bounds_of(f, (int32_t)fn_avro_i64(fn_avro_field(&map->items[i], "key"), -1), capacity);
            if (!b || !value) continue;
            if (m == 0) b->lower = fn_avro_str(value);
            if (m == 1) b->upper = fn_avro_str(value);
            if (m == 2) b->null_count = fn_avro_i64(value, -1);
            if (m == 3) b->value_count = fn_avro_i64(value, -1);
        }
    }
    return FN_OK;
}

static fn_status read_equality_ids(fn_ctx *ctx, const fn_avro_value *data, fn_iceberg_file *f)
{
    const fn_avro_value *ids = fn_avro_field(data, "equality_ids");
    if (!ids || ids->schema->kind != FN_AVRO_ARRAY || ids->count == 0)
        return iceberg_bad(ctx, "The equality delete file " FN_STR_FMT " names no columns", FN_STR_ARG(f->path));
    f->equality_ids = FN_NEW_ARRAY(ctx, int32_t, ids->count);
    FN_TRY_PTR(ctx, f->equality_ids);
    f->equality_count = ids->count;
    for (uint32_t i = 0; i < ids->count; i++) f->equality_ids[i] = (int32_t)fn_avro_i64(&ids->items[i], -1);
    return FN_OK;
}

static fn_status read_entry(plan_state *p, const manifest_ref *m, const fn_avro_value *entry)
{
    const fn_avro_value *data = fn_avro_field(entry, "data_file");
    if (fn_avro_i64(fn_avro_field(entry, "status"), 0) == STATUS_DELETED) return FN_OK;
    fn_iceberg_file *f = FN_NEW(p->ctx, fn_iceberg_file);
    FN_TRY_PTR(p->ctx, f);
    const int64_t content = fn_avro_i64(fn_avro_field(data, "content"), 0);
    f->path = fn_avro_str(fn_avro_field(data, "file_path"));
    f->format = fn_avro_str(fn_avro_field(data, "file_format"));
    f->referenced = fn_avro_str(fn_avro_field(data, "referenced_data_file"));
    const int64_t size = fn_avro_i64(fn_avro_field(data, "file_size_in_bytes"), 0), rows = fn_avro_i64(fn_avro_field(data, "record_count"), -1);
    if (!f->path.size || content < 0 || content > 2 || size < 0 || rows < 0)
        return iceberg_bad(p->ctx, "The manifest " FN_STR_FMT " has a bad entry", FN_STR_ARG(m->path));
    f->content = (fn_iceberg_content)content;
    f->size = (uint64_t)size;
    f->rows = (uint64_t)rows;
    f->sequence = fn_avro_i64(fn_avro_field(entry, "sequence_number"), m->sequence); /* added entries inherit the manifest's */
    if (f->sequence < 0) f->sequence = 0;
    f->spec = find_spec(&p->table->base, m->spec_id);
    f->partition = fn_avro_field(data, "partition");
    if (!f->spec) return iceberg_bad(p->ctx, "Partition spec %d of the manifest " FN_STR_FMT " is not in the metadata", m->spec_id, FN_STR_ARG(m->path));
    FN_TRY(read_bounds(p->ctx, data, f));
    if (f->content == FN_ICEBERG_EQUALITY_DELETES) FN_TRY(read_equality_ids(p->ctx, data, f));
    if (f->content != FN_ICEBERG_DATA) return append(p->ctx, &p->deletes, f);
    p->table->base.total_rows += f->rows;
    return append(p->ctx, &p->data, f);
}

static fn_status read_manifest(plan_state *p, const manifest_ref *m)
{
    fn_avro_file *file;
    const fn_avro_value *entry;
    FN_TRY(fn_ctx_check(p->ctx));
    FN_TRY(read_avro(p, m->path, &file));
    for (;;) {
        FN_TRY(fn_avro_next(p->ctx, file, &entry));
        if (!entry) return FN_OK;
        FN_TRY(read_entry(p, m, entry));
    }
}

static fn_status read_manifest_list(plan_state *p)
{
    fn_avro_file *file;
    const fn_avro_value *entry;
    FN_TRY(read_avro(p, p->table->snapshot.manifest_list, &file));
    for (;;) {
        FN_TRY(fn_avro_next(p->ctx, file, &entry));
        if (!entry) return FN_OK;
        const manifest_ref m = {
            .path = fn_avro_str(fn_avro_field(entry, "manifest_path")),
            .spec_id = (int32_t)fn_avro_i64(fn_avro_field(entry, "partition_spec_id"), 0),
            .sequence = fn_avro_i64(fn_avro_field(entry, "sequence_number"), 0),
            .deletes = fn_avro_i64(fn_avro_field(entry, "content"), 0) == 1,
        };
        if (!m.path.size) return iceberg_bad(p->ctx, "The manifest list " FN_STR_FMT " has an entry without a path", FN_STR_ARG(p->table->snapshot.manifest_list));
        FN_TRY(read_manifest(p, &m));
    }
}

/* ---- deletes ---- */
static bool same_value(const fn_avro_value *a, const fn_avro_value *b)
{
    const bool null_a = a->schema->kind == FN_AVRO_NULL, null_b = b->schema->kind == FN_AVRO_NULL;
    if (null_a || null_b) return null_a && null_b;
    const fn_str x = fn_avro_str(a), y = fn_avro_str(b);
    if (x.data || y.data) return fn_str_eq(x, y);
    if (a->schema->kind == FN_AVRO_FLOAT || a->schema->kind == FN_AVRO_DOUBLE) return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    return a->i == b->i;
}

static bool same_partition(const fn_iceberg_file *a, const fn_iceberg_file *b)
{
    if (a->spec != b->spec) return false;
    const uint32_t n = a->partition ? a->partition->count : 0;
    if (n != (b->partition ? b->partition->count : 0)) return false;
    for (uint32_t i = 0; i < n; i++)
        if (!same_value(&a->partition->items[i], &b->partition->items[i])) return false;
    return true;
}

/* Position deletes whose file_path bounds leave the data file out do not touch it. Bounds may be cut: compare prefixes. */
static bool may_name(const fn_iceberg_file *d, fn_str path)
{
    for (uint32_t i = 0; i < d->bound_count; i++) {
        const fn_iceberg_bounds *b = &d->bounds[i];
        if (b->field_id != FILE_PATH_ID || !b->lower.data || !b->upper.data) continue;
        if (fn_str_compare(path, b->lower) < 0) return false;
        if (fn_str_compare((fn_str){path.data, FN_MIN(path.size, b->upper.size)}, b->upper) > 0) return false;
    }
    return true;
}

static bool applies(const fn_iceberg_file *d, const fn_iceberg_file *f)
{
    if (d->content == FN_ICEBERG_EQUALITY_DELETES) return d->sequence > f->sequence && (d->spec->count == 0 || same_partition(d, f));
    if (d->sequence < f->sequence) return false;
    return d->referenced.size ? fn_str_eq(d->referenced, f->path) : same_partition(d, f) && may_name(d, f->path);
}

static fn_status attach_deletes(plan_state *p, fn_iceberg_file *f)
{
    uint32_t n = 0;
    for (size_t i = 0; i < p->deletes.count; i++) n += applies(p->deletes.items[i], f);
    if (!n) return FN_OK;
    f->deletes = fn_arena_alloc(p->ctx, p->ctx->arena, n * sizeof *f->deletes);
    FN_TRY_PTR(p->ctx, f->deletes);
    for (size_t i = 0; i < p->deletes.count; i++)
        if (applies(p->deletes.items[i], f)) f->deletes[f->delete_count++] = p->deletes.items[i];
    return FN_OK;
}

fn_status fn_iceberg_plan(fn_ctx *ctx, fn_iceberg_files *files, fn_iceberg_table *t)
{
    iceberg_open_table *open = (iceberg_open_table *)t;
    plan_state p = {.ctx = ctx, .files = files, .table = open};
    t->total_rows = 0;
    t->file_count = 0;
    if (!open->snapshot.id) return FN_OK;
    if (open->snapshot.manifest_list.size) {
        FN_TRY(read_manifest_list(&p));
    } else {
        for (uint32_t i = 0; i < open->snapshot.manifest_count; i++) {
            const manifest_ref m = {.path = open->snapshot.manifests[i], .spec_id = t->specs[0].id};
            FN_TRY(read_manifest(&p, &m));
        }
    }
    t->files = FN_NEW_ARRAY(ctx, fn_iceberg_file, p.data.count + 1);
    FN_TRY_PTR(ctx, t->files);
    t->file_count = (uint32_t)p.data.count;
    t->has_deletes = p.deletes.count != 0;
    for (size_t i = 0; i < p.data.count; i++) {
        t->files[i] = *p.data.items[i];
        FN_TRY(attach_deletes(&p, &t->files[i]));
    }
    return FN_OK;
}
