/* test_window.c - window functions against their definitions row by row: random partitions and orders with ties and NULLs, every
 * frame unit and bound, aggregates that can and cannot be merged, wide frames, one worker and many. SPDX-License-Identifier: Apache-2.0 */
#include "exec/sort.h"
#include "plan_maker.h"

/* Columns: 0 partition key, 1 order key, 2 value (may be NULL), 3 row number. */
enum { COLUMNS = 4 };

typedef struct frame {
    bool rows, groups, descending, nulls_first;
    plan_frame_bound start, end;
    uint32_t start_offset, end_offset;
} frame;

typedef struct sorted {
    fn_column *columns[COLUMNS]; /* in window order */
    uint32_t rows;
    uint32_t *from, *to, *peer_from, *peer_to; /* partition and peers of each row */
} sorted;

static void place_rows(sorted *s)
{
    s->from = FN_NEW_ARRAY(&ctx, uint32_t, 4 * (s->rows + 1));
    s->to = s->from + s->rows;
    s->peer_from = s->to + s->rows;
    s->peer_to = s->peer_from + s->rows;
    for (uint32_t i = 0; i < s->rows; i++) {
        const bool same = i && fn_column_equal_at(s->columns[0], i - 1, s->columns[0], i);
        s->from[i] = same ? s->from[i - 1] : i;
        s->peer_from[i] = same && fn_column_equal_at(s->columns[1], i - 1, s->columns[1], i) ? s->peer_from[i - 1] : i;
    }
    for (uint32_t i = s->rows; i-- > 0;) {
        s->to[i] = i + 1 < s->rows && s->from[i + 1] == s->from[i] ? s->to[i + 1] : i + 1;
        s->peer_to[i] = i + 1 < s->rows && s->peer_from[i + 1] == s->peer_from[i] ? s->peer_to[i + 1] : i + 1;
    }
}

static int64_t bound_row(int64_t row, plan_frame_bound b, int64_t offset)
{
    return b == FRAME_PRECEDING ? row - offset : b == FRAME_FOLLOWING ? row + offset : row;
}

static uint32_t group_number(const sorted *s, uint32_t row)
{
    uint32_t n = 0;
    for (uint32_t i = s->from[row]; i < row; i++) n += s->peer_to[i] == i + 1;
    return n;
}

/* Is row `other` of the same partition inside the frame of `row`? By the definition. */
static bool in_frame(const sorted *s, const frame *f, uint32_t row, uint32_t other)
{
    int64_t at = other, low = row, high = row;
    if (!f->rows && !f->groups) {
        const bool null_row = fn_column_is_null(s->columns[1], row), null_other = fn_column_is_null(s->columns[1], other);
        const bool peers = s->peer_from[row] == s->peer_from[other];
        const bool offset_low = f->start == FRAME_PRECEDING || f->start == FRAME_FOLLOWING, offset_high = f->end == FRAME_PRECEDING || f->end == FRAME_FOLLOWING;
        const int64_t sign = f->descending ? -1 : 1;
        const int64_t own = sign * fn_column_i64_at(s->columns[1], row), its = sign * fn_column_i64_at(s->columns[1], other);
        bool inside = true;
        if (f->start == FRAME_CURRENT || (offset_low && null_row)) inside &= other >= s->peer_from[row];
        else if (offset_low) inside &= null_other ? other > row : its >= bound_row(own, f->start, f->start_offset);
        if (f->end == FRAME_CURRENT || (offset_high && null_row)) inside &= other < s->peer_to[row];
        else if (offset_high) inside &= null_other ? other < row : its <= bound_row(own, f->end, f->end_offset);
        (void)peers;
        return inside;
    }
    if (f->groups) {
        at = group_number(s, other);
        low = high = group_number(s, row);
    }
    if (f->start != FRAME_UNBOUNDED_PRECEDING && at < bound_row(low, f->start, f->start_offset)) return false;
    return f->end == FRAME_UNBOUNDED_FOLLOWING || at <= bound_row(high, f->end, f->end_offset);
}

typedef struct item_case {
    const char *name;
    uint32_t args; /* 1: value; 2: value, offset; 3: and default */
} item_case;
static const item_case cases[] = {{"row_number", 0}, {"rank", 0},       {"dense_rank", 0},  {"count", 1},      {"sum", 1},        {"max", 1},
                                  {"groupArray", 1}, {"nth_value", 2},  {"lagInFrame", 3},  {"leadInFrame", 2}, {"lag", 3},       {"lead", 1}};

/* The answer as text, without looking at how the operator works. */
static void answer(const sorted *s, const frame *f, const item_case *c, uint32_t row, uint32_t offset, fn_buf *out)
{
    uint32_t count = 0, nth = UINT32_MAX, seen = 0, first = UINT32_MAX, last = 0;
    int64_t sum = 0, max = INT64_MIN;
    fn_buf list = FN_BUF_INIT;
    for (uint32_t i = s->from[row]; i < s->to[row]; i++) {
        if (!in_frame(s, f, row, i)) continue;
        if (first == UINT32_MAX) first = i;
        last = i;
        if (++seen == offset) nth = i;
        if (fn_column_is_null(s->columns[2], i)) continue;
        const int64_t v = fn_column_i64_at(s->columns[2], i);
        if (fn_buf_printf(&ctx, &list, "%s%lld", count ? "," : "", (long long)v) != FN_OK) maker_die("text");
        count++;
        sum += v;
        max = FN_MAX(max, v);
    }
    const bool whole = c->name[1] == 'a' ? strcmp(c->name, "lag") == 0 : strcmp(c->name, "lead") == 0;
    int64_t at = -1, value;
    bool is_null = false;
    if (strcmp(c->name, "lag") == 0 || strcmp(c->name, "lagInFrame") == 0) at = (int64_t)row - offset;
    else if (strcmp(c->name, "lead") == 0) at = (int64_t)row + 1;
    else if (strcmp(c->name, "leadInFrame") == 0) at = (int64_t)row + offset;
    else if (strcmp(c->name, "nth_value") == 0) at = nth == UINT32_MAX ? -1 : (int64_t)nth;
    switch (c->name[0]) {
    case 'r': value = c->name[1] == 'o' ? row - s->from[row] + 1 : s->peer_from[row] - s->from[row] + 1; break;
    case 'd': value = group_number(s, row) + 1; break;
    case 'c': value = count; break;
    case 's': value = sum; is_null = !count; break;
    case 'm': value = max; is_null = !count; break;
    case 'g':
        if (fn_buf_printf(&ctx, out, "[%.*s]", (int)list.size, list.data ? list.data : "") != FN_OK) maker_die("text");
        fn_buf_release(&list);
        return;
    default: {
        const bool inside = whole ? at >= (int64_t)s->from[row] && at < (int64_t)s->to[row] : first != UINT32_MAX && at >= (int64_t)first && at <= (int64_t)last;
        if (inside) is_null = fn_column_is_null(s->columns[2], (size_t)at);
        else is_null = c->args < 3;
        value = is_null ? 0 : inside ? fn_column_i64_at(s->columns[2], (size_t)at) : (int64_t)fn_column_u64_at(s->columns[3], row);
    }
    }
    fn_buf_release(&list);
    if (fn_buf_printf(&ctx, out, is_null ? "NULL" : "%lld", (long long)value) != FN_OK) maker_die("text");
}

static frame random_frame(bool range_offsets)
{
    frame f = {.start_offset = (uint32_t)(next_random() % 4), .end_offset = (uint32_t)(next_random() % 4), .descending = next_random() % 2, .nulls_first = next_random() % 2};
    const unsigned unit = (unsigned)(next_random() % 3);
    f.rows = unit == 0;
    f.groups = unit == 1;
    for (;;) {
        f.start = (plan_frame_bound)(next_random() % 4);
        f.end = (plan_frame_bound)(1 + next_random() % 4);
        const bool offsets = f.start == FRAME_PRECEDING || f.start == FRAME_FOLLOWING || f.end == FRAME_PRECEDING || f.end == FRAME_FOLLOWING;
        if (f.start > f.end || (unit == 2 && offsets && !range_offsets)) continue;
        if (f.start == f.end && f.start == FRAME_PRECEDING && f.start_offset < f.end_offset) continue;
        if (f.start == f.end && f.start == FRAME_FOLLOWING && f.start_offset > f.end_offset) continue;
        return f;
    }
}

static plan *make_window(plan *values, const frame *f, const item_case *const *items, uint32_t count, uint32_t offset)
{
    plan *p = plan_new(PLAN_WINDOW, 1, values, NULL);
    plan_pass(p);
    p->columns = FN_NEW_ARRAY(&ctx, plan_column, COLUMNS + count);
    memcpy(p->columns, values->columns, COLUMNS * sizeof *p->columns);
    p->window.partition_by = FN_NEW_ARRAY(&ctx, expr *, 1);
    p->window.partition_by[0] = column_of(values, 0);
    p->window.partition_count = 1;
    p->window.order_by = FN_NEW_ARRAY(&ctx, plan_sort_key, 1);
    p->window.order_by[0] = (plan_sort_key){.value = column_of(values, 1), .descending = f->descending, .nulls_first = f->nulls_first};
    p->window.order_count = 1;
    p->window.items = FN_NEW_ARRAY(&ctx, plan_window_item, count);
    p->window.item_count = count;
    for (uint32_t i = 0; i < count; i++) {
        plan_window_item *item = &p->window.items[i];
        const bool whole = strcmp(items[i]->name, "lag") == 0 || strcmp(items[i]->name, "lead") == 0;
        const fn_type *types[3];
        agg_call *call;
        *item = (plan_window_item){.id = next_id++, .rows = f->rows || whole, .groups = f->groups && !whole, .start = f->start, .end = f->end, .arg_count = items[i]->args};
        if (whole) item->start = FRAME_UNBOUNDED_PRECEDING, item->end = FRAME_UNBOUNDED_FOLLOWING;
        item->start_offset = expr_const_u64(&ctx, f->start_offset);
        item->end_offset = expr_const_u64(&ctx, f->end_offset);
        item->args = FN_NEW_ARRAY(&ctx, expr *, 3);
        item->args[0] = column_of(values, 2);
        item->args[1] = expr_const_u64(&ctx, offset);
        item->args[2] = column_of(values, 3);
        for (uint32_t k = 0; k < item->arg_count; k++) types[k] = item->args[k]->type;
        if (agg_bind(&ctx, fn_cstr(items[i]->name), types, item->arg_count, NULL, 0, &call) != FN_OK) maker_die(items[i]->name);
        item->call = call;
        p->columns[COLUMNS + i] = (plan_column){item->id, call->type, FN_STR("w")};
    }
    p->column_count = COLUMNS + count;
    return p;
}

static void run(uint32_t rows, uint64_t partitions, uint64_t orders, unsigned workers, bool limits)
{
    static const char *const order_types[] = {"Int32", "Nullable(UInt16)", "Date", "Nullable(Int64)"};
    const item_case *items[4];
    fn_column *in[COLUMNS];
    const frame f = random_frame(true);
    in[0] = random_values(type_of(next_random() % 2 ? "String" : "Nullable(UInt8)"), rows, partitions);
    in[1] = random_values(type_of(order_types[next_random() % 4]), rows, orders);
    in[2] = random_values(type_of("Nullable(Int64)"), rows, 100);
    in[3] = random_values(type_of("UInt16"), rows, 60000);
    plan *values = plan_of_columns(in, COLUMNS);
    const uint32_t count = 4, offset = (uint32_t)(1 + next_random() % 3);
    for (uint32_t i = 0; i < count; i++) items[i] = &cases[next_random() % FN_COUNT(cases)];
    plan *p = make_window(values, &f, items, count, offset);
    sorted s = {.rows = 0};
    fn_column **got = run_plan(p, workers, &s.rows);
    if (!got) maker_die("window");
    /* Rows come in window order for one worker; other orders are put right by sorting again, ties by what the operator kept. */
    fn_buffer *order;
    const sort_column keys[2] = {{got[0], false, false}, {got[1], f.descending, f.nulls_first}};
    if (sort_rows(&ctx, NULL, 1, keys, 2, s.rows, &order) != FN_OK) maker_die("sort");
    fn_column *results[4];
    for (uint32_t c = 0; c < COLUMNS; c++) s.columns[c] = fn_column_take(&ctx, got[c], (const uint32_t *)(const void *)order->data, s.rows);
    for (uint32_t i = 0; i < count; i++) results[i] = fn_column_take(&ctx, got[COLUMNS + i], (const uint32_t *)(const void *)order->data, s.rows);
    place_rows(&s);
    if (s.rows != rows) failures++;
    fn_text_options options;
    fn_text_options_default(&options);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t row = 0; row < s.rows; row++) {
            fn_buf want = FN_BUF_INIT, have = FN_BUF_INIT;
            answer(&s, &f, items[i], row, offset, &want);
            if (fn_text_write(&ctx, results[i], row, FN_TEXT_QUOTED, &options, &have) != FN_OK) maker_die("text");
            const bool same = fn_str_eq(fn_buf_view(&want), fn_buf_view(&have));
            if (!same)
                printf("%s, frame %s %d(%u)..%d(%u)%s over %s: row %u of %u: %.*s, want %.*s\n", items[i]->name, f.rows ? "rows" : f.groups ? "groups" : "range", (int)f.start,
                       f.start_offset, (int)f.end, f.end_offset, f.descending ? " desc" : "", in[1]->type->name, row, s.rows, (int)have.size, have.data, (int)want.size,
                       want.data);
            fn_buf_release(&want);
            fn_buf_release(&have);
            if (same) continue;
            failures++;
            break;
        }
    for (uint32_t c = 0; c < COLUMNS; c++) fn_column_drop(s.columns[c]);
    for (uint32_t i = 0; i < count; i++) fn_column_drop(results[i]);
    fn_buffer_drop(order);
    drop_columns(got, p->column_count);
    if (limits) run_under_limits(p, workers);
    drop_columns(in, COLUMNS);
    plan_values_free(values);
}

/* sum over ROWS frames too wide to add up: against prefix sums. */
static void run_wide(uint32_t rows, uint32_t before, uint32_t behind, unsigned workers)
{
    fn_column *in[COLUMNS];
    const item_case *item = &cases[4];
    const frame f = {.rows = true, .start = FRAME_PRECEDING, .end = FRAME_FOLLOWING, .start_offset = before, .end_offset = behind};
    in[0] = random_values(type_of("UInt8"), rows, 1);
    fn_buffer *numbers = fn_buffer_new(&ctx, (size_t)rows * 4), *order;
    for (uint32_t i = 0; i < rows; i++) fn_store_u32(numbers->data + 4 * (size_t)i, i);
    in[1] = fn_column_fixed(&ctx, fn_type_simple(FN_T_UINT32), rows, numbers, NULL);
    in[2] = random_values(type_of("Int64"), rows, 1000);
    in[3] = random_values(type_of("UInt16"), rows, 10);
    plan *values = plan_of_columns(in, COLUMNS), *p = make_window(values, &f, &item, 1, 1);
    uint32_t got_rows, wrong = 0;
    fn_column **got = run_plan(p, workers, &got_rows);
    if (!got) maker_die("wide");
    int64_t *sums = fn_alloc_zero(&ctx, (rows + 1) * sizeof *sums);
    const sort_column key = {got[1], false, false};
    if (sort_rows(&ctx, NULL, 1, &key, 1, got_rows, &order) != FN_OK) maker_die("sort");
    const uint32_t *at = (const uint32_t *)(const void *)order->data;
    for (uint32_t i = 0; i < rows; i++) sums[i + 1] = sums[i] + fn_column_i64_at(got[2], at[i]);
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t from = i > before ? i - before : 0, to = FN_MIN(i + behind + 1, rows);
        wrong += fn_column_i64_at(got[COLUMNS], at[i]) != sums[to] - sums[from];
    }
    fn_buffer_drop(order);
    if (wrong || got_rows != rows) {
        printf("sum over %u before and %u behind: %u of %u wrong\n", before, behind, wrong, rows);
        failures++;
    }
    fn_free(sums);
    drop_columns(got, p->column_count);
    drop_columns(in, COLUMNS);
    plan_values_free(values);
}

int main(int argc, char **argv)
{
    maker_open(argc, argv);
    for (unsigned i = 0; i < 300; i++)
        run((uint32_t)(next_random() % 120), 1 + next_random() % 5, 1 + next_random() % 12, i % 2 ? 1 : 3, i % 50 == 0);
    run_wide(50000, 700, 300, 1);
    run_wide(150000, 20000, 0, 3);
    run_wide(3000, 5000, 5000, 1);
    return maker_close();
}
