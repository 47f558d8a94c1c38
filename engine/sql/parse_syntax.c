/* parse_syntax.c - calls with a syntax of their own: CAST, EXTRACT, SUBSTRING, POSITION, TRIM, EXISTS, date arithmetic, CASE, INTERVAL.
 *
 * Each is rewritten to the plain function ClickHouse's parser makes of it, so that nothing behind the parser knows them.
 * A row of `forms` is tried when its name stands before '('; a form that does not fit goes back to an ordinary call.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sql/operator.h"

typedef fn_status form_parser(sql_parser *p, const char *function, ast_expr **out);

static const struct {
    const char *word, *unit;
} units[] = {
    {"NANOSECOND", "Nanosecond"}, {"MICROSECOND", "Microsecond"}, {"MILLISECOND", "Millisecond"}, {"SECOND", "Second"},
    {"MINUTE", "Minute"}, {"HOUR", "Hour"}, {"DAY", "Day"}, {"WEEK", "Week"}, {"MONTH", "Month"}, {"QUARTER", "Quarter"},
    {"YEAR", "Year"}, {"SQL_TSI_SECOND", "Second"}, {"SQL_TSI_MINUTE", "Minute"}, {"SQL_TSI_HOUR", "Hour"}, {"SQL_TSI_DAY", "Day"},
    {"SQL_TSI_WEEK", "Week"}, {"SQL_TSI_MONTH", "Month"}, {"SQL_TSI_QUARTER", "Quarter"}, {"SQL_TSI_YEAR", "Year"},
    {"NS", "Nanosecond"}, {"US", "Microsecond"}, {"MS", "Millisecond"}, {"SS", "Second"}, {"S", "Second"}, {"MI", "Minute"},
    {"N", "Minute"}, {"M", "Minute"}, {"HH", "Hour"}, {"H", "Hour"}, {"DD", "Day"}, {"D", "Day"}, {"WW", "Week"}, {"WK", "Week"},
    {"W", "Week"}, {"MM", "Month"}, {"QQ", "Quarter"}, {"Q", "Quarter"}, {"YYYY", "Year"}, {"YY", "Year"}, {"Y", "Year"},
};

static const char *unit_of(fn_str word)
{
    for (size_t i = 0; i < FN_COUNT(units); i++) {
        const fn_str name = fn_cstr(units[i].word);
        if (fn_str_eq_nocase(word, name)) return units[i].unit;
        const bool plural = word.size == name.size + 1 && (word.data[name.size] | 0x20) == 's';
        if (plural && name.size > 3 && fn_str_eq_nocase((fn_str){word.data, name.size}, name)) return units[i].unit;
    }
    return NULL;
}

const char *sql_interval_unit(sql_parser *p)
{
    const sql_token *t = sql_token_at(p, 0);
    const char *unit = t->kind == TOKEN_WORD ? unit_of(sql_token_text(p, t)) : NULL;
    if (unit) p->at++;
    return unit;
}

static fn_status unit_call(sql_parser *p, const char *prefix, const char *unit, ast_expr *arg, ast_expr **out)
{
    const char *name = fn_arena_printf(p->ctx, p->ctx->arena, "%s%s", prefix, unit);
    FN_TRY_PTR(p->ctx, name);
    return sql_call1(p, name, arg, out);
}

static fn_status close_form(sql_parser *p)
{
    return sql_need_symbol(p, SQL_SYMBOL1(')'), "ClosingRoundBracket");
}

static fn_status comma(sql_parser *p)
{
    return sql_need_symbol(p, SQL_SYMBOL1(','), "Comma");
}

static fn_status form_cast(sql_parser *p, const char *function, ast_expr **out)
{
    ast_expr *value, *type;
    fn_str name;
    FN_TRY(sql_expr(p, &value));
    if (sql_words(p, "AS")) {
        const uint32_t before = p->at;
        fn_status status = sql_type(p, &name);
        if (status == FN_OK && sql_symbol(p, SQL_SYMBOL1(')'))) {
            FN_TRY(sql_string_node(p, name, &type));
            return sql_call2(p, function, value, type, out);
        }
        if (status != FN_OK && !sql_soft(p, status)) return status;
        p->at = before; /* CAST(x AS alias AS T), CAST(x AS alias, 'T') */
        FN_TRY(sql_name(p, &value->alias));
    }
    if (sql_words(p, "AS")) {
        FN_TRY(sql_type(p, &name));
        FN_TRY(sql_string_node(p, name, &type));
    } else {
        FN_TRY(comma(p));
        FN_TRY(sql_expr_alias(p, false, &type));
    }
    FN_TRY(close_form(p));
    return sql_call2(p, function, value, type, out);
}

static fn_status form_extract(sql_parser *p, const char *function, ast_expr **out)
{
    (void)function;
    ast_expr *from;
    const char *unit = sql_interval_unit(p);
    static const char *const more[][2] = {
        {"DOW", "toDayOfWeek"}, {"DOY", "toDayOfYear"}, {"EPOCH", "toUnixTimestamp"}, {"ISODOW", "toDayOfWeek"},
        {"ISOYEAR", "toISOYear"}, {"DECADE", "toDecade"}, {"CENTURY", "toCentury"}, {"MILLENNIUM", "toMillennium"}};
    const char *name = NULL;
    for (size_t i = 0; !unit && i < FN_COUNT(more); i++) {
        if (sql_word_is(p, 0, more[i][0]) && sql_word_is(p, 1, "FROM")) name = more[i][1];
    }
    if (name) p->at++;
    if (!unit && !name) return sql_expected(p, "interval unit");
    FN_TRY(sql_need_words(p, "FROM"));
    FN_TRY(sql_expr(p, &from));
    FN_TRY(close_form(p));
    if (name) return sql_call1(p, name, from, out);
    return strcmp(unit, "Week") == 0 ? sql_call1(p, "toISOWeek", from, out) : unit_call(p, "to", unit, from, out);
}

static fn_status form_substring(sql_parser *p, const char *function, ast_expr **out)
{
    ast_expr *text, *from, *count;
    FN_TRY(sql_expr_alias(p, false, &text));
    FN_TRY(sql_need_words(p, "FROM"));
    FN_TRY(sql_expr_alias(p, false, &from));
    const bool has_count = sql_words(p, "FOR");
    if (has_count) FN_TRY(sql_expr_alias(p, false, &count));
    FN_TRY(close_form(p));
    return has_count ? sql_call3(p, function, text, from, count, out) : sql_call2(p, function, text, from, out);
}

static fn_status form_position(sql_parser *p, const char *function, ast_expr **out)
{
    ast_expr *needle, *text;
    FN_TRY(sql_expr_above(p, SQL_PRECEDENCE_COMPARE + 1, &needle));
    FN_TRY(sql_need_words(p, "IN"));
    FN_TRY(sql_expr(p, &text));
    FN_TRY(close_form(p));
    return sql_call2(p, function, text, needle, out);
}

static fn_status form_trim(sql_parser *p, const char *function, ast_expr **out)
{
    ast_expr *text, *what = NULL;
    bool sided = true;
    if (sql_words(p, "BOTH")) function = "trimBoth";
    else if (sql_words(p, "LEADING")) function = "trimLeft";
    else if (sql_words(p, "TRAILING")) function = "trimRight";
    else sided = false;
    if (sided && sql_words(p, "FROM")) {
        FN_TRY(sql_expr(p, &text));
    } else {
        FN_TRY(sql_expr_alias(p, false, &text));
        if (sql_words(p, "FROM")) {
            what = text;
            FN_TRY(sql_expr(p, &text));
        } else if (sql_symbol(p, SQL_SYMBOL1(','))) {
            FN_TRY(sql_expr_alias(p, false, &what));
        }
    }
    FN_TRY(close_form(p));
    return what ? sql_call2(p, function, text, what, out) : sql_call1(p, function, text, out);
}

static fn_status form_exists(sql_parser *p, const char *function, ast_expr **out)
{
    ast_expr *sub;
    if (!sql_query_ahead(p, 0)) return sql_expected(p, "subquery");
    FN_TRY(sql_node(p, AST_SUBQUERY, &sub));
    FN_TRY(sql_query(p, &sub->subquery));
    FN_TRY(close_form(p));
    return sql_call1(p, function, sub, out);
}

/* DATE_ADD(unit, n, d) is d + toIntervalUnit(n); DATE_ADD(d, INTERVAL n unit) is d + interval. */
static fn_status form_date_add(sql_parser *p, const char *function, ast_expr **out)
{
    ast_expr *a, *b, *interval;
    const uint32_t before = p->at;
    const char *unit = sql_interval_unit(p);
    if (unit && !sql_is_symbol(p, SQL_SYMBOL1(','))) {
        unit = NULL;
        p->at = before;
    }
    if (unit) FN_TRY(comma(p));
    FN_TRY(sql_expr_alias(p, false, &a));
    FN_TRY(comma(p));
    FN_TRY(sql_expr_alias(p, false, &b));
    FN_TRY(close_form(p));
    if (!unit) return sql_call2(p, function, a, b, out);
    FN_TRY(unit_call(p, "toInterval", unit, a, &interval));
    return sql_call2(p, function, b, interval, out);
}

static fn_status form_date_diff(sql_parser *p, const char *function, ast_expr **out)
{
    ast_expr *a, *b, *name;
    const sql_token *t = sql_token_at(p, 0);
    const char *unit = sql_interval_unit(p);
    if (!unit) return sql_expected(p, "interval unit");
    (void)t;
    FN_TRY(comma(p));
    FN_TRY(sql_expr_alias(p, false, &a));
    FN_TRY(comma(p));
    FN_TRY(sql_expr_alias(p, false, &b));
    char *lower = fn_arena_printf(p->ctx, p->ctx->arena, "%s", unit);
    FN_TRY_PTR(p->ctx, lower);
    lower[0] = (char)(lower[0] | 0x20);
    FN_TRY(sql_string_node(p, fn_cstr(lower), &name));
    FN_TRY(sql_call3(p, function, name, a, b, out));
    if (sql_symbol(p, SQL_SYMBOL1(','))) { /* time zone */
        ast_expr *zone;
        FN_TRY(sql_expr_alias(p, false, &zone));
        FN_TRY(sql_push(p, &(*out)->args, zone));
    }
    return close_form(p);
}

static const struct {
    const char *word, *function;
    form_parser *parse;
} forms[] = {
    {"CAST", "CAST", form_cast},
    {"EXTRACT", "", form_extract},
    {"SUBSTRING", "substring", form_substring},
    {"POSITION", "position", form_position},
    {"TRIM", "trimBoth", form_trim},
    {"LTRIM", "trimLeft", form_trim},
    {"RTRIM", "trimRight", form_trim},
    {"EXISTS", "exists", form_exists},
    {"DATE_ADD", "plus", form_date_add},
    {"DATEADD", "plus", form_date_add},
    {"TIMESTAMP_ADD", "plus", form_date_add},
    {"TIMESTAMPADD", "plus", form_date_add},
    {"DATE_SUB", "minus", form_date_add},
    {"DATESUB", "minus", form_date_add},
    {"TIMESTAMP_SUB", "minus", form_date_add},
    {"TIMESTAMPSUB", "minus", form_date_add},
    {"DATE_DIFF", "dateDiff", form_date_diff},
    {"DATEDIFF", "dateDiff", form_date_diff},
    {"TIMESTAMP_DIFF", "dateDiff", form_date_diff},
    {"TIMESTAMPDIFF", "dateDiff", form_date_diff},
};

fn_status sql_special_call(sql_parser *p, ast_expr **out, bool *done)
{
    *done = false;
    for (size_t i = 0; i < FN_COUNT(forms); i++) {
        if (!sql_word_is(p, 0, forms[i].word)) continue;
        const uint32_t before = p->at;
        p->at += 2;
        const fn_status status = forms[i].parse(p, forms[i].function, out);
        if (!sql_soft(p, status)) {
            *done = status == FN_OK;
            return status;
        }
        p->at = before; /* an ordinary call: substring(s, 1), position(s, 'a') */
        return FN_OK;
    }
    return FN_OK;
}

fn_status sql_case(sql_parser *p, ast_expr **out)
{
    ast_expr *e, *part;
    FN_TRY(sql_need_words(p, "CASE"));
    FN_TRY(sql_node(p, AST_FUNCTION, &e));
    e->text = FN_STR("multiIf");
    if (!sql_is_words(p, "WHEN")) {
        e->text = FN_STR("caseWithExpression");
        FN_TRY(sql_expr_alias(p, false, &part));
        FN_TRY(sql_push(p, &e->args, part));
    }
    FN_TRY(sql_need_words(p, "WHEN"));
    do {
        FN_TRY(sql_expr_alias(p, false, &part));
        FN_TRY(sql_push(p, &e->args, part));
        FN_TRY(sql_need_words(p, "THEN"));
        FN_TRY(sql_expr_alias(p, false, &part));
        FN_TRY(sql_push(p, &e->args, part));
    } while (sql_words(p, "WHEN"));
    if (sql_words(p, "ELSE")) {
        FN_TRY(sql_expr_alias(p, false, &part));
    } else {
        FN_TRY(sql_node(p, AST_LITERAL, &part));
        part->literal_kind = LITERAL_NULL;
    }
    FN_TRY(sql_push(p, &e->args, part));
    FN_TRY(sql_need_words(p, "END"));
    *out = e;
    return FN_OK;
}

/* '1 day 2 hours': one interval, or a tuple of several. *out NULL: no such text. */
static fn_status interval_of_text(sql_parser *p, fn_str text, ast_expr **out)
{
    ast_list list = {0};
    size_t i = 0;
    *out = NULL;
    while (i < text.size) {
        while (i < text.size && text.data[i] == ' ') i++;
        const size_t start = i;
        if (i < text.size && (text.data[i] == '-' || text.data[i] == '+')) i++;
        uint64_t v = 0;
        const size_t digits = i;
        for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9' && v < UINT64_MAX / 20; i++) v = v * 10 + (uint64_t)(text.data[i] - '0');
        if (i == digits) return start == text.size && list.count ? FN_OK : sql_expected(p, "interval");
        while (i < text.size && text.data[i] == ' ') i++;
        const size_t word = i;
        while (i < text.size && sql_is_word_byte(text.data[i])) i++;
        const char *unit = unit_of((fn_str){text.data + word, i - word});
        if (!unit) return list.count ? sql_expected(p, "interval unit") : FN_OK;
        ast_expr *number, *e;
        FN_TRY(sql_uint_node(p, v, &number));
        if (text.data[start] == '-') {
            number->literal_kind = LITERAL_INT;
            number->u64 = 0 - v;
        }
        FN_TRY(unit_call(p, "toInterval", unit, number, &e));
        FN_TRY(sql_push(p, &list, e));
    }
    if (list.count == 0) return FN_OK;
    *out = list.items[0];
    if (list.count == 1) return FN_OK;
    FN_TRY(sql_node(p, AST_FUNCTION, out));
    (*out)->text = FN_STR("tuple");
    (*out)->is_operator = true;
    (*out)->args = list;
    return FN_OK;
}

fn_status sql_interval(sql_parser *p, ast_expr **out, bool *done)
{
    const uint32_t before = p->at++;
    *done = true;
    if (sql_token_at(p, 0)->kind == TOKEN_STRING) {
        fn_str text;
        FN_TRY(sql_string(p, &text));
        const fn_status status = interval_of_text(p, text, out);
        if (status != FN_OK || *out) return status;
        p->at = before + 1;
    }
    const sql_token *t = sql_token_at(p, 0);
    if (t->kind == TOKEN_SYMBOL && t->symbol != SQL_SYMBOL1('(') && t->symbol != SQL_SYMBOL1('-') && t->symbol != SQL_SYMBOL1('{')) {
        p->at = before;
        *done = false;
        return FN_OK;
    }
    ast_expr *number;
    const fn_status status = sql_expr(p, &number);
    const char *unit = status == FN_OK ? sql_interval_unit(p) : NULL;
    if (unit) return unit_call(p, "toInterval", unit, number, out);
    if (status != FN_OK && !sql_soft(p, status)) return status;
    if (t->kind == TOKEN_NUMBER) return sql_expected(p, "interval unit");
    p->at = before; /* a column called interval */
    *done = false;
    return FN_OK;
}
