/* test_spill.c - operators whose state goes to temporary files: frames and blocks come back as they were, sorts and joins answer as in
 * memory, every call of the file system made to fail in turn ends the statement with that error, and nothing is left: no bytes
 * charged, no file. SPDX-License-Identifier: Apache-2.0 */
#include "exec/spill.h"
#include "plan_maker.h"
#include "settings/settings.h"

static fn_fs *fs;
static spill_area area;
static spill_share share;
static fn_settings settings;

static fn_status count_file(void *self, fn_ctx *c, const char *name, bool is_dir)
{
    (void)c;
    (void)is_dir;
    printf("left: %s\n", name);
    ++*(int *)self;
    return FN_OK;
}

static void check_empty(const char *what)
{
    int files = 0;
    fn_ctx own = {.arena = ctx.arena};
    if (fs->list(fs, &own, "/tmp", count_file, &files) != FN_OK || files || atomic_load(&area.bytes) || atomic_load(&share.bytes)) {
        printf("%s: %d files and %llu bytes are left\n", what, files, (unsigned long long)atomic_load(&area.bytes));
        failures++;
    }
}

/* ---- frames and blocks ---- */

static void check_frames(void)
{
    spill_file *f;
    enum { COUNT = 200 };
    spill_frame frames[COUNT];
    char *bytes = fn_alloc(&ctx, 100000);
    if (spill_file_open(&ctx, &share, SPILL_SORT, &f) != FN_OK) maker_die("open");
    for (uint32_t i = 0; i < COUNT; i++) {
        const size_t size = i * 499;
        for (size_t k = 0; k < size; k++) bytes[k] = (char)(i % 2 ? fn_hash_u64(k * 7 + i) : i); /* some compress, some do not */
        if (spill_file_append(&ctx, f, bytes, size, &frames[i]) != FN_OK) maker_die("append");
    }
    if (spill_file_flush(&ctx, f) != FN_OK) maker_die("flush");
    for (uint32_t n = 0; n < COUNT; n++) {
        const uint32_t i = (n * 37) % COUNT;
        fn_buffer *got;
        if (spill_file_read(&ctx, f, &frames[i], &got) != FN_OK) maker_die("read");
        bool same = got->size == i * 499;
        for (size_t k = 0; k < got->size && same; k++) same = (char)got->data[k] == (char)(i % 2 ? fn_hash_u64(k * 7 + i) : i);
        if (!same) {
            printf("frame %u differs\n", i);
            failures++;
        }
        fn_buffer_drop(got);
    }
    fn_fs_memory_fault(fs, &(fn_fs_fault){.kinds = FN_FS_READS, .nth = 1, .flip = true});
    fn_buffer *got = NULL;
    if (spill_file_read(&ctx, f, &frames[COUNT - 1], &got) != FN_CHECKSUM_DOESNT_MATCH) {
        printf("a flipped bit was not noticed\n");
        failures++;
        fn_buffer_drop(got);
    }
    fn_error_clear(&ctx);
    fn_fs_memory_fail(fs, 0, FN_OK);
    spill_file_close(f);
    fn_free(bytes);
}

static void check_blocks(void)
{
    static const char *const names[] = {"UInt8", "Nullable(Int32)", "Float64", "String", "Nullable(String)", "FixedString(5)", "UInt64", "Int128"};
    spill_file *f;
    fn_buf scratch = FN_BUF_INIT;
    if (spill_file_open(&ctx, &share, SPILL_JOIN, &f) != FN_OK) maker_die("open");
    for (unsigned n = 0; n < 100; n++) {
        const uint32_t rows = (uint32_t)(next_random() % 500);
        fn_column *columns[FN_COUNT(names) + 2];
        const fn_type *types[FN_COUNT(names) + 2];
        for (size_t i = 0; i < FN_COUNT(names); i++) columns[i] = random_values(type_of(names[i]), rows, 1 + next_random() % 1000);
        fn_column *all[] = {columns[3], columns[1]};
        columns[FN_COUNT(names)] = fn_column_tuple(&ctx, type_of("Tuple(String, Nullable(Int32))"), rows, all);
        columns[FN_COUNT(names) + 1] = fn_column_default(&ctx, type_of("Array(Array(String))"), rows);
        fn_block *b = fn_block_new(&ctx, FN_COUNT(columns), rows), *got;
        for (size_t i = 0; i < FN_COUNT(columns); i++) {
            types[i] = columns[i]->type;
            b->columns[i] = next_random() % 3 ? fn_column_ref(columns[i]) : fn_column_encode_dict(&ctx, columns[i], 100);
        }
        const uint32_t from = rows ? (uint32_t)(next_random() % rows) : 0;
        fn_block *part = fn_block_slice(&ctx, b, from, rows - from); /* offsets do not begin at 0 */
        spill_frame frame;
        if (spill_block_write(&ctx, f, part, &scratch, &frame) != FN_OK || spill_file_flush(&ctx, f) != FN_OK) maker_die("write");
        if (spill_block_read(&ctx, f, &frame, types, FN_COUNT(types), &got) != FN_OK) maker_die("read");
        for (size_t i = 0; i < FN_COUNT(types); i++) {
            if (fn_column_check(&ctx, got->columns[i]) != FN_OK) maker_die("a column that is none");
            for (uint32_t r = 0; r < got->rows; r++)
                if (!fn_column_equal_at(got->columns[i], r, part->columns[i], r)) {
                    printf("%s differs at %u of %u\n", types[i]->name, r, got->rows);
                    failures++;
                    break;
                }
            fn_column_drop(columns[i]);
        }
        fn_block_drop(got);
        fn_block_drop(part);
        fn_block_drop(b);
    }
    fn_buf_release(&scratch);
    spill_file_close(f);
}

/* ---- operators ---- */

static plan *sort_plan(plan *values, uint64_t limit)
{
    plan *sort = plan_new(PLAN_SORT, 1, values, NULL);
    plan_pass(sort);
    sort->sort.keys = FN_NEW_ARRAY(&ctx, plan_sort_key, 2);
    sort->sort.key_count = 2;
    sort->sort.limit = limit;
    for (uint32_t k = 0; k < 2; k++) sort->sort.keys[k] = (plan_sort_key){.value = column_of(values, k), .descending = k == 1, .nulls_first = k == 0};
    return sort;
}

static plan *join_plan(plan *left, plan *right, plan_join_kind kind)
{
    plan *join = plan_new(PLAN_JOIN, 2, left, right);
    plan_pass(join);
    join->join.kind = kind;
    join->join.asof = -1;
    join->join.key_count = 1;
    join->join.left_keys = FN_NEW_ARRAY(&ctx, expr *, 1);
    join->join.right_keys = FN_NEW_ARRAY(&ctx, expr *, 1);
    join->join.left_keys[0] = column_of(left, 0);
    join->join.right_keys[0] = column_of(right, 0);
    return join;
}

/* The sum of hashes of the rows, which does not depend on their order; or, in order, which does. */
static uint64_t digest(fn_column *const *columns, uint32_t count, uint32_t rows, bool ordered)
{
    uint64_t *hashes = fn_alloc(&ctx, ((size_t)rows + 1) * sizeof *hashes), sum = rows;
    for (uint32_t i = 0; i < count; i++)
        if (fn_column_hash(&ctx, columns[i], hashes, i == 0) != FN_OK) maker_die("hash");
    for (uint32_t i = 0; i < rows; i++) sum += ordered ? fn_hash_u64(hashes[i] + i) : hashes[i];
    fn_free(hashes);
    return sum;
}

static uint64_t answer(plan *root, unsigned workers, bool ordered)
{
    uint32_t rows;
    fn_column **got = run_plan(root, workers, &rows);
    if (!got) maker_die("run");
    const uint64_t sum = digest(got, root->column_count, rows, ordered);
    drop_columns(got, root->column_count);
    return sum;
}

/* In memory, in files, and in files whose n-th call fails. */
static void check_plan(const char *what, plan *root, unsigned workers, bool ordered)
{
    maker_spill = NULL;
    const uint64_t expected = answer(root, workers, ordered);
    maker_spill = &share;
    const uint64_t before = fn_fs_memory_calls(fs);
    if (answer(root, workers, ordered) != expected) {
        printf("%s: another answer from files\n", what);
        failures++;
    }
    const uint64_t calls = fn_fs_memory_calls(fs) - before;
    if (calls < 3) { /* a file is made, written, removed */
        printf("%s: nothing was written\n", what);
        failures++;
    }
    check_empty(what);
    const int64_t held = atomic_load(&tracker.used);
    for (uint64_t nth = 1; nth <= calls; nth += 1 + calls / 20) {
        uint32_t rows;
        fn_fs_memory_fail(fs, nth, FN_NOT_ENOUGH_SPACE);
        fn_column **got = run_plan(root, workers, &rows);
        const bool failed = fn_fs_memory_failed(fs); /* a removal that fails fails nobody; workers may make fewer calls */
        fn_fs_memory_fail(fs, 0, FN_OK);
        if (!got && ctx.error.code != FN_NOT_ENOUGH_SPACE) maker_die("another error");
        if (got && failed) { /* the file that could not be removed goes when the engine opens again */
            int64_t files = 0;
            for (int i = 0; i < SPILL_USES; i++) files += atomic_load(&area.files[i]);
            if (files || digest(got, root->column_count, rows, ordered) != expected) {
                printf("%s: a wrong answer when call %llu fails\n", what, (unsigned long long)nth);
                failures++;
            }
        }
        drop_columns(got, root->column_count);
        fn_error_clear(&ctx);
        if (spill_area_open(&ctx, &area, fs, "/tmp") != FN_OK) maker_die("sweep");
        check_empty(what);
        if (atomic_load(&tracker.used) != held) {
            printf("%s: %lld bytes left when call %llu fails\n", what, (long long)(atomic_load(&tracker.used) - held), (unsigned long long)nth);
            failures++;
            return;
        }
    }
}

int main(int argc, char **argv)
{
    maker_open(argc, argv);
    fn_log_set_level(FN_LOG_ERROR); /* files that cannot be removed are warnings */
    fn_ctx own = {.arena = ctx.arena};
    if (fn_fs_memory(&own, &fs) != FN_OK || spill_area_open(&own, &area, fs, "/tmp") != FN_OK || settings_default(&own, &settings) != FN_OK) maker_die("files");
    share = (spill_share){.area = &area};
    ctx.settings = &settings;
    check_frames();
    check_blocks();
    check_empty("frames");
    settings.max_bytes_before_external_sort = settings.max_bytes_before_external_join = settings.max_bytes_before_external_distinct = 1;
    for (unsigned n = 0; n < 2; n++) {
        const uint32_t rows = 2000 + (uint32_t)(next_random() % 8000);
        fn_column *in[3] = {random_values(type_of("Nullable(Int32)"), rows, 500), random_values(type_of("String"), rows, 2000), random_values(type_of("UInt64"), rows, 100)};
        fn_column *other[2] = {random_values(type_of("Nullable(Int32)"), rows / 20, 700), random_values(type_of("String"), rows / 20, 100)};
        plan *values = plan_of_columns(in, 3), *right = plan_of_columns(other, 2);
        check_plan("sort", sort_plan(values, 0), 1, true);
        check_plan("first rows", sort_plan(values, 1000), 1, true);
        check_plan("inner join", join_plan(values, right, PLAN_JOIN_INNER), 1 + n % 3, false);
        check_plan("left join", join_plan(values, right, PLAN_JOIN_LEFT), 1 + n % 3, false);
        check_plan("full join", join_plan(values, right, PLAN_JOIN_FULL), 1 + n % 3, false);
        check_plan("anti join", join_plan(values, right, PLAN_JOIN_ANTI_RIGHT), 1 + n % 3, false);
        plan *distinct = plan_new(PLAN_DISTINCT, 1, values, NULL);
        plan_pass(distinct);
        check_plan("distinct", distinct, 1 + n % 3, false);
        drop_columns(in, 3);
        drop_columns(other, 2);
        plan_values_free(values);
        plan_values_free(right);
    }
    settings.max_temporary_data_on_disk_size_for_query = 1000;
    fn_column *in[2] = {random_values(type_of("UInt64"), 50000, 1000000), random_values(type_of("UInt64"), 50000, 1000000)};
    plan *values = plan_of_columns(in, 2);
    uint32_t rows;
    if (run_plan(sort_plan(values, 0), 2, &rows) || ctx.error.code != FN_TOO_MANY_ROWS_OR_BYTES) maker_die("the quota was passed");
    fn_error_clear(&ctx);
    check_empty("quota");
    drop_columns(in, 2);
    plan_values_free(values);
    fn_fs_memory_free(fs);
    return maker_close();
}
