"""queries.py - random tables, their data, and random statements over them.

A round is a seed: `Round(seed)` has the set-up statements, and statement(k) is the k-th statement whatever was asked before, so that one can
be asked again alone; change(k) is what is done to the tables before it, or None. SPDX-License-Identifier: Apache-2.0"""
import random
import types_values as tv
from expressions import Expressions, SINGLE

AGGREGATES = ['count()', 'count({x})', 'countIf({P})', 'sum({i})', 'sum({n})', 'min({x})', 'max({x})', 'avg({i})', 'uniqExact({x})', 'uniq({x})', 'count(DISTINCT {x})', 'sumIf({i}, {P})', 'minIf({x}, {P})', 'avgIf({n}, {P})', 'arraySort(groupArray({x}))', 'arraySort(groupUniqArray({x}))',
              'groupBitAnd({i8})', 'groupBitOr({i8})', 'groupBitXor({i8})', 'argMin({x}, {id})', 'argMax({s}, {id})', 'argMax({x}, ({x}, {id}))', 'anyIf({k}, {P})', 'quantileExact(0.3)({i})', 'median({i8})', 'quantilesExact(0.1, 0.9)({n})', 'sumOrNull({i})', 'maxOrDefault({s})', 'sumArray({ai})', 'maxArray({as})', 'uniqExactArray({ai})', 'sumMap({m})', 'sumDistinct({i8})',
              'groupArraySorted(3)({i})', 'topK(1)({k})', 'stddevPop({i8})', 'varSamp({i8})', 'corr({i8}, {i8})', 'entropy({s})', 'uniqCombined({x})', 'uniqHLL12({s})', 'groupBitmap({i8})', 'sumWithOverflow({i})', 'min({a})', 'max(({i}, {s}))', 'sumForEach([{i8}, {i8}])', 'countIf({x}, {P})', 'quantileExactLow(0.5)({t})', 'minOrNullIf({D}, {P})', 'arraySort(groupArrayDistinct({s}))',
              'uniqExact({x}, {x})', 'avgWeighted({i8}, {k})', 'any(1)', 'boundingRatio({i8}, {i8})', 'skewPop({i8})', 'sumKahan({i8})', 'maxMap(map({s}, {i}))', 'finalizeAggregation(sumState({i}))', 'length(groupArray({x}))', 'maxIntersections({i8}, {i8})', 'quantileTiming(0.5)({i8})', 'exponentialMovingAverage(1)({i8}, 1) > 0', 'singleValueOrNull(1)', 'groupConcat({k})', 'quantileDeterministic(0.5)({i8}, {id})',
              'uniqMerge(uniqState({i}))'][:-1]
WINDOWS = ['row_number()', 'rank()', 'dense_rank()', 'percent_rank()', 'cume_dist()', 'ntile(3)', 'lag({x})', 'lag({x}, 2)', 'lead({i}, 1, {i})', 'lagInFrame({x})', 'leadInFrame({x}, 2)', 'first_value({x})', 'last_value({x})', 'nth_value({x}, 2)', 'sum({i})', 'min({x})', 'max({x})', 'count()', 'count({x})', 'avg({i8})', 'uniqExact({s})', 'groupArray({k})', 'sumIf({i}, {P})', 'any({x})', 'argMax({x}, {id})', 'first_value({x}) IGNORE NULLS']
FRAMES = ['', '', 'ROWS BETWEEN 1 PRECEDING AND CURRENT ROW', 'ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING', 'ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING', 'ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING', 'RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW', 'ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING', 'ROWS 2 PRECEDING', 'ROWS BETWEEN 3 PRECEDING AND 2 PRECEDING']
INDEXES = ['minmax', 'set(10)', 'bloom_filter', 'set(0)', 'tokenbf_v1(256, 2, 0)', 'ngrambf_v1(3, 256, 2, 0)']
FORMATS = ['TSVWithNamesAndTypes', 'CSVWithNamesAndTypes', 'JSON', 'JSONCompact', 'JSONEachRow', 'JSONCompactEachRow', 'JSONStringsEachRow', 'JSONColumns', 'Values', 'TSKV', 'Markdown', 'XML', 'TSVRaw', 'SQLInsert', 'CustomSeparated',
           'JSONObjectEachRow', 'RowBinaryWithNamesAndTypes']
JOINS = ['INNER', 'INNER', 'LEFT', 'LEFT', 'RIGHT', 'FULL', 'LEFT ANY', 'RIGHT ANY', 'LEFT SEMI', 'RIGHT SEMI', 'LEFT ANTI', 'RIGHT ANTI', 'CROSS', 'ASOF', 'LEFT ASOF', 'USING', 'LEFT USING', 'FULL USING', ',']


class Table:
    """`columns`: (name, type, kind, inner kind). Not SummingMergeTree: which rows of zeros its FINAL leaves out depends in ClickHouse on the columns read."""

    def __init__(self, r, name):
        self.name, self.engine = name, r.choice(['MergeTree'] * 7 + ['ReplacingMergeTree(ver)', 'ReplacingMergeTree(ver, gone)', 'CollapsingMergeTree(sign)', 'VersionedCollapsingMergeTree(sign, ver)', 'AggregatingMergeTree', 'ReplacingMergeTree', 'Memory'])
        self.folds = self.engine not in ('MergeTree', 'Memory')
        self.columns = [('k', r.choice(['UInt32', 'Int32', 'UInt8', 'Int64', 'Nullable(Int32)']), 'i', ''), ('g', r.choice(['String', 'LowCardinality(String)', 'Nullable(String)', 'String']), 's', ''), ('id', 'UInt32', 'i', '')]
        for i in range(r.randint(3, 8)):
            self.columns.append(('c%d' % i, *tv.column(r)))
        if self.engine == 'AggregatingMergeTree':
            self.columns = self.columns[:2] + [(n, 'SimpleAggregateFunction(%s, %s)' % (r.choice(['max', 'min']), t), k, i) for n, t, k, i in self.columns[2:] if k not in 'amT' and 'LowC' not in t]
        if 'sign' in self.engine:
            self.columns.append(('sign', 'Int8', 'i', ''))
        if 'ver' in self.engine:
            self.columns.append(('ver', 'UInt32', 'i', ''))
        if 'gone' in self.engine:
            self.columns.append(('gone', 'UInt8', 'i', ''))
        scalars = [n for n, t, k, _ in self.columns if k in 'isdteu' and n not in ('sign', 'ver', 'gone') and 'Simple' not in t]
        self.key = r.choice([['k', 'g'], ['g'], ['k'], ['g', 'k'], ['toInt64(k) % 5', 'g']] if self.folds else [['k'], ['g', 'k'], [], ['id'], ['k', 'id'], r.sample(scalars, min(3, len(scalars))), r.sample(scalars, 1), ['intDiv(id, 7)', 'g'], ['cityHash64(g)', 'k']])
        if self.key == ['toInt64(k) % 5', 'g'] or self.engine == 'AggregatingMergeTree':
            self.key = ['k', 'g']
        self.partition = r.choice(['', '', 'k % 3', 'length(g) % 2'] + [n if k != 't' else 'toYYYYMM(%s)' % n for n, t, k, _ in self.columns if k in 'te' and not self.folds][:2])
        if self.folds:
            self.partition = ''
        self.next_id = 0
        self.create_text(r)

    def create_text(self, r):
        parts = ['%s %s' % c[:2] for c in self.columns]
        if self.engine != 'Memory':
            for n, t, k, i in self.columns:
                if r.random() < .2 and k in 'isdtenup':
                    parts.append('INDEX ix_%s %s TYPE %s GRANULARITY %d' % (n, n, r.choice(INDEXES if k == 's' and 'Fixed' not in t else INDEXES[:4]), r.choice([1, 1, 2])))
        self.create = 'CREATE TABLE %s (%s) ENGINE = %s' % (self.name, ', '.join(parts), self.engine)
        if self.engine != 'Memory':
            if self.partition:
                self.create += ' PARTITION BY ' + self.partition
            self.create += ' ORDER BY %s' % ('(%s)' % ', '.join(self.key) if self.key else 'tuple()')
            self.create += ' SETTINGS allow_nullable_key = 1, index_granularity = %d' % r.choice([1, 4, 8, 8192])

    def row(self, r):
        values = []
        for name, kind, _, _ in self.columns:
            if name == 'id':
                self.next_id += 1
                values.append(str(self.next_id))
            elif name == 'k':
                values.append('NULL' if 'Null' in kind and r.random() < .1 else str(r.randint(0, 9)))
            elif name == 'g':
                values.append('NULL' if 'Null' in kind and r.random() < .1 else r.choice(["''", "'a'", "'b'", "'abc'", "'é'"]))
            elif name in ('sign', 'ver', 'gone'):
                values.append(str({'sign': r.choice([1, -1]), 'ver': r.randint(0, 3), 'gone': r.choice([0, 0, 1])}[name]))
            else:
                values.append(tv.value(r, kind[kind.index(', ') + 2:-1] if kind.startswith('Simple') else kind))
        return '(%s)' % ', '.join(values)

    def insert(self, r, rows):
        return 'INSERT INTO %s VALUES %s' % (self.name, ', '.join(self.row(r) for _ in range(rows)))


class Round:
    def __init__(self, seed, changes_every=15):
        self.seed, self.every = seed, changes_every
        r = random.Random('tables %d' % seed)
        self.tables = [Table(r, 't%d' % i) for i in range(3)]
        self.setup = [t.create for t in self.tables]
        for t in self.tables:
            self.setup += [t.insert(r, r.choice([1, 5, 20, 40])) for _ in range(r.randint(1, 3))]
        plain = [t for t in self.tables if not t.folds]
        if plain and r.random() < .3:
            t = r.choice(plain)
            self.setup.append('INSERT INTO {0} SELECT {1} FROM {0} CROSS JOIN numbers(1, 40) AS n'.format(t.name, ', '.join('toUInt32(id + 1000 * n.number)' if c[0] == 'id' else c[0] for c in t.columns)))

    def change(self, k):
        """A mutation, a lightweight delete, an insert or a merge, every so many statements."""
        if k == 0 or k % self.every:
            return None
        r = random.Random('change %d %d' % (self.seed, k))
        t = r.choice(self.tables)
        made = Expressions(r, [(n, kind, inner) for n, _, kind, inner in t.columns], 8)
        if t.engine == 'Memory' or t.folds:
            return r.choice([t.insert(r, 5), 'OPTIMIZE TABLE %s FINAL' % t.name if t.folds else t.insert(r, 3)])
        loose = [(n, ty, kind) for n, ty, kind, _ in t.columns if n not in ('k', 'g', 'id') and n not in t.partition and kind in SINGLE and not any(n in key for key in t.key)]
        x = r.random()
        if x < .3:
            return 'DELETE FROM %s WHERE %s' % (t.name, made.make('P', 2))
        if x < .45:
            return 'ALTER TABLE %s DELETE WHERE %s' % (t.name, made.make('P', 2))
        if x < .75 and loose:
            n, ty, kind = r.choice(loose)
            return 'ALTER TABLE %s UPDATE %s = %s WHERE %s' % (t.name, n, r.choice([made.constant(kind), made.leaf(kind), 'CAST(%s AS %s)' % (made.leaf(kind), ty)]), made.make('P', 2))
        return r.choice(['OPTIMIZE TABLE %s FINAL' % t.name, t.insert(r, 5), 'INSERT INTO {0} SELECT * FROM {0} WHERE {1}'.format(t.name, made.make('P', 1))])

    def statement(self, k):
        """(text, whether its order is total)."""
        return Query(random.Random('statement %d %d' % (self.seed, k)), self.tables).text()


class Query:
    def __init__(self, r, tables):
        self.r, self.tables, self.ctes, self.aliases = r, tables, [], 0

    def alias(self):
        self.aliases += 1
        return 'x%d' % self.aliases

    def text(self):
        r, x = self.r, self.r.random()
        if x < .1:
            text, ordered = self.functions(), False
        elif x < .2:
            text, ordered = self.combined(), False
        elif x < .24:
            return self.written(), True
        elif x < .28:
            text, ordered = self.scalar(), False
        else:
            text, ordered = self.select(top=True)[0], self.ordered
        if self.ctes:
            text = 'WITH ' + ', '.join(self.ctes) + ' ' + text
        if r.random() < .1:
            text += ' SETTINGS ' + r.choice(['join_use_nulls = 1', 'join_use_nulls = 1', 'group_by_use_nulls = 1', 'max_threads = 1', 'optimize_move_to_prewhere = 0', 'transform_null_in = 1', 'max_block_size = 5', 'final = 1', 'aggregate_functions_null_for_empty = 1', 'prefer_column_name_to_alias = 1', 'union_default_mode = \'DISTINCT\'', 'max_bytes_before_external_group_by = 1', 'max_bytes_before_external_sort = 1', 'join_algorithm = \'grace_hash\'',
                                            'max_bytes_before_external_group_by = 1, max_bytes_before_external_sort = 1, max_block_size = 7', 'group_by_two_level_threshold = 1', 'optimize_read_in_order = 0', 'optimize_aggregation_in_order = 1'])
        return text, ordered

    def functions(self):
        """One row per row: functions alone, nothing that filters."""
        t = self.r.choice(self.tables)
        made = Expressions(self.r, [(n, k, i) for n, _, k, i in t.columns], 12)
        items = [made.make('*', 3) for _ in range(self.r.randint(1, 3))]
        return 'SELECT %s FROM %s%s' % (', '.join(items), t.name, ' FINAL' if t.folds else '')

    def written(self):
        """A table in a text format, in the order of all its columns that have one."""
        t = self.r.choice(self.tables)
        return 'SELECT * FROM %s%s ORDER BY %s FORMAT %s SETTINGS output_format_write_statistics = 0' % (t.name, ' FINAL' if t.folds else '', ', '.join('toString(%s)' % n if k in 'mT' else n for n, _, k, _ in t.columns), self.r.choice(FORMATS))

    def scalar(self):
        """Subqueries that give one value, some of them about the row outside."""
        r, t, u = self.r, self.r.choice(self.tables), self.r.choice(self.tables)
        made = Expressions(r, [('a.' + n, k, i) for n, _, k, i in t.columns], 6)
        inside = Expressions(r, [('b.' + n, k, i) for n, _, k, i in u.columns], 6)
        kind = r.choice('iiisdtf')
        row = r.choice(['', ' WHERE b.%s = a.%s' % (('k',) * 2), ' WHERE b.g = a.g'])
        value = '(SELECT %s FROM %s AS b%s%s)' % (r.choice(['max(%s)', 'min(%s)', 'count(%s)', 'uniqExact(%s)']) % inside.make(kind, 1), u.name, ' FINAL' if u.folds else '', row)
        return 'SELECT %s, %s AS v FROM %s AS a%s%s' % (made.make(kind, 1), value, t.name, ' FINAL' if t.folds else '', r.choice(['', ' WHERE ' + made.make('P', 1), ' WHERE v IS NOT NULL']))

    def combined(self):
        kinds = [self.r.choice('isfdt') for _ in range(self.r.randint(1, 2))]
        parts = []
        for _ in range(self.r.randint(2, 3)):
            t = self.r.choice(self.tables)
            made = Expressions(self.r, [(n, k, i) for n, _, k, i in t.columns], 8)
            parts.append('SELECT %s FROM %s%s WHERE %s' % (', '.join(made.make(k, 2) for k in kinds), t.name, ' FINAL' if t.folds else '', made.make('P', 1)))
        text = parts[0]
        for p in parts[1:]:
            if self.r.random() < .2:
                text = '(%s)' % text
            text += ' %s %s' % (self.r.choice(['UNION ALL', 'UNION ALL', 'UNION DISTINCT', 'INTERSECT', 'EXCEPT', 'INTERSECT DISTINCT', 'EXCEPT DISTINCT']), p)
        return text if self.r.random() < .5 else 'SELECT * FROM (%s)' % text

    def source(self, depth):
        """(text, scope) of one table, subquery or table function."""
        r, name = self.r, self.alias()
        x = r.random()
        if depth > 0 and x < .15:
            text, out = self.select(depth=depth - 1)
            if r.random() < .25 and depth == 2:
                cte = 'w%d' % len(self.ctes)
                self.ctes.append('%s AS (%s)' % (cte, text))
                return '%s AS %s' % (cte, name), [('%s.%s' % (name, n), k, i) for n, k, i in out]
            return '(%s) AS %s' % (text, name), [('%s.%s' % (name, n), k, i) for n, k, i in out]
        if x < .19:
            return 'numbers(%d) AS %s' % (r.randint(0, 12), name), [(name + '.number', 'i', '')]
        t = r.choice(self.tables)
        return '%s AS %s%s' % (t.name, name, ' FINAL' if t.folds else ' FINAL' if r.random() < .02 else ''), [('%s.%s' % (name, n), k, i) for n, _, k, i in t.columns]

    def joined(self, depth):
        r = self.r
        left, a = self.source(depth)
        right, b = self.source(depth)
        kind = r.choice(JOINS)
        if kind in ('CROSS', ','):
            return '%s%s %s' % (left, ', ' if kind == ',' else ' CROSS JOIN', right), a + b
        if 'USING' in kind:
            shared = [n for n in {t.split('.')[1] for t, _, _ in a} & {t.split('.')[1] for t, _, _ in b} if n in ('k', 'g', 'id')]
            if shared:
                return '%s %s JOIN %s USING (%s)' % (left, kind.replace('USING', '').strip() or 'INNER', right, ', '.join(sorted(r.sample(sorted(shared), min(len(shared), r.randint(1, 2)))))), a + b
            kind = 'LEFT'
        pairs = []
        for _ in range(r.choice([1, 1, 2])):
            k = r.choice('iiiisssdtfneupb')
            pairs.append((k, Expressions(r, a, 4).make(k, r.choice([0, 0, 0, 1])), Expressions(r, b, 4).make(k, r.choice([0, 0, 0, 1]))))
        own = [(t, k, i) for t, k, i in a if k == pairs[0][0]]
        other = [(t, k, i) for t, k, i in b if k == pairs[0][0]]
        if own and other:
            pairs[0] = (pairs[0][0], r.choice(own)[0], r.choice(other)[0])
        on = ' AND '.join('%s %s %s' % (x, r.choice(['='] * 12 + ['<=>', 'IS NOT DISTINCT FROM']), y) for _, x, y in pairs)
        if 'ASOF' in kind:
            on += ' AND %s %s %s' % (r.choice([t for t, k, _ in a if k in 'idtf'] or ['1']), r.choice(['>=', '>', '<=', '<']), r.choice([t for t, k, _ in b if k in 'idtf'] or ['1']))
        elif r.random() < .2:
            on += ' AND ' + Expressions(r, r.choice([a, b, a + b]), 4).make('P', 1)
        elif r.random() < .05:
            on = '(%s) OR (%s)' % (on, Expressions(r, a + b, 4).make('P', 1))
        if depth == 2 and kind in ('INNER', 'LEFT', 'RIGHT', 'FULL', 'LEFT SEMI', 'LEFT ANTI') and r.random() < .25:  # a third one
            third, c = self.source(1)
            shared = r.choice('iisd')
            kept = a if kind in ('LEFT SEMI', 'LEFT ANTI') else a + b
            more = r.choice(['INNER', 'LEFT', 'RIGHT', 'FULL', 'LEFT SEMI', 'LEFT ANTI'])
            text = '%s %s JOIN %s ON %s %s JOIN %s ON %s = %s' % (left, kind, right, on, more, third, Expressions(r, kept, 2).leaf(shared), Expressions(r, c, 2).leaf(shared))
            return text, kept if more in ('LEFT SEMI', 'LEFT ANTI') else kept + c
        scope = a if kind in ('LEFT SEMI', 'LEFT ANTI', 'LEFT ANY') else b if kind in ('RIGHT SEMI', 'RIGHT ANTI', 'RIGHT ANY') else a + b  # which row ANY takes is open
        return '%s %s JOIN %s ON %s' % (left, kind, right, on), scope

    def subquery_condition(self, made, depth):
        r = self.r
        text, scope = self.source(0)
        inside = Expressions(r, scope, 6)
        where = inside.make('P', 1)
        x, kind = r.random(), r.choice('iiissd')
        if x < .4:
            return '%s %s (SELECT %s FROM %s WHERE %s)' % (made.leaf(kind), r.choice(['IN', 'NOT IN']), inside.leaf(kind), text, where)
        if x < .6:
            return '%s %s (SELECT %s(%s) FROM %s WHERE %s)' % (made.leaf(kind), r.choice(['=', '<', '>=']), r.choice(['max', 'min', 'max']), inside.leaf(kind), text, where)
        if x < .85:
            return '%sEXISTS (SELECT 1 FROM %s WHERE %s = %s%s)' % (r.choice(['', 'NOT ']), text, inside.leaf(kind), made.leaf(kind), r.choice(['', ' AND ' + where]))
        return '(%s, %s) IN (SELECT %s, %s FROM %s)' % (made.leaf(kind), made.leaf('s'), inside.leaf(kind), inside.leaf('s'), text)

    def select(self, depth=2, top=False):
        """(text, what it gives as (name, kind, inner kind))."""
        r = self.r
        self.ordered = False
        joined = r.random() < (.3 if depth == 2 else .1)
        source, scope = self.joined(depth) if joined else self.source(depth)
        clauses = ' FROM ' + source
        arrays = [(t, i) for t, k, i in scope if k == 'a' and i in SINGLE and i]
        if arrays and r.random() < .15:
            text, kind = r.choice(arrays)
            clauses += ' %sARRAY JOIN %s AS e1' % (r.choice(['', 'LEFT ']), text)
            scope = scope + [('e1', kind, '')] * 3
        made = Expressions(r, scope, 30)
        if not joined and r.random() < .12 and ' AS x' in source and source.startswith('t'):
            clauses += ' PREWHERE ' + made.make('P', 2)
        if r.random() < .55:
            clauses += ' WHERE ' + (self.subquery_condition(made, depth) if depth and r.random() < .2 else made.make('P', 3))
        mode = r.random()
        if mode < .35:
            return self.grouped(made, clauses, top)
        if mode < .45 and depth == 2:
            return self.windowed(made, clauses, scope)
        return self.plain(made, clauses, scope, top)

    def named(self, items):
        return ', '.join('%s AS %s' % (text, n) for text, n, _, _ in items), [(n, k, i) for _, n, k, i in items]

    def order(self, items, total=True):
        r = self.r
        names = [n for _, n, _, _ in items]
        r.shuffle(names)
        return ' ORDER BY ' + ', '.join(n + r.choice(['', '', ' DESC']) + r.choice(['', '', '', ' NULLS FIRST', ' NULLS LAST']) for n in names)

    def plain(self, made, clauses, scope, top):
        r, items = self.r, []
        for i in range(r.randint(1, 4)):
            kind = r.choice('iiisssfdtnexa')
            if kind == 'x':
                text, k, inner = r.choice(scope)
                items.append((text, 'o%d' % i, k, inner))
            elif kind == 'a':
                inner = r.choice('isd')
                items.append((made.array(inner, 2), 'o%d' % i, 'a', inner))
            else:
                items.append((made.make(kind, r.choice([0, 1, 2])), 'o%d' % i, kind, ''))
        listed, out = self.named(items)
        if r.random() < .06:
            inner = r.choice('isd')
            listed, out = listed + ', arrayJoin(%s) AS j' % made.array(inner, 1), out + [('j', inner, '')]
            items.append(('', 'j', inner, ''))
        text = 'SELECT %s%s%s' % ('DISTINCT ' if r.random() < .15 else '', listed, clauses)
        x = r.random()
        if x < .4:
            text += self.order(items)
            self.ordered = self.ordered or top
            if r.random() < .2 and 'DISTINCT' not in text[:16]:
                text += ' LIMIT %d%s BY %s' % (r.randint(1, 3), r.choice(['', '', ' OFFSET 1']), r.choice(items)[1])
            if r.random() < .5:
                text += r.choice([' LIMIT %d' % r.randint(0, 9), ' LIMIT 3, 5', ' LIMIT 4 OFFSET 1', ' LIMIT 3 WITH TIES' if 'LIMIT' not in text[-16:] else '', ' LIMIT -3', ' LIMIT 0.5'][:r.choice([4, 4, 4, 6])])
        elif x < .43 and top and 'DISTINCT' not in text[:16]:
            text = 'SELECT * FROM (SELECT toInt64(ifNull(%s, 0)) %% 20 AS f, count() AS n%s GROUP BY f) ORDER BY f%s WITH FILL%s' % (made.leaf('i'), clauses, '', r.choice(['', ' FROM -2 TO 12', ' STEP 2', ' FROM 0 TO 20 STEP 3']))
            self.ordered = True
        return text, out

    def grouped(self, made, clauses, top):
        r = self.r
        keys = [(made.make(k, r.choice([0, 0, 1])), 'g%d' % i, k, '') for i, k in enumerate(r.choice('iiisssdtenufb') for _ in range(r.choice([0, 1, 1, 2, 2, 3])))]
        ids = [t for t, _, _ in made.scope if t.endswith('.id')]
        items = []
        for i in range(r.randint(1, 3)):
            template = r.choice(AGGREGATES)
            if '{id}' in template:
                template = template.replace('{id}', ids[0]) if ids and 'JOIN' not in clauses and ' (SELECT' not in clauses else 'count()'
            items.append((made.fill(template, 'i', 1), 'a%d' % i, 'i' if template.startswith(('count', 'sum(', 'uniq')) else '?', ''))
        listed, out = self.named(keys + items)
        text = 'SELECT ' + listed + clauses
        names = [n for _, n, _, _ in keys]
        if names:
            x = r.random()
            sets = ' GROUP BY GROUPING SETS (%s)' % ', '.join('(%s)' % ', '.join(r.sample(names, r.randint(0, len(names)))) for _ in range(2))
            text += ' GROUP BY ROLLUP(%s)' % ', '.join(names) if x < .06 else ' GROUP BY CUBE(%s)' % ', '.join(names) if x < .11 else sets if x < .16 else ' GROUP BY ' + ', '.join(names) + (' WITH TOTALS' if x < .22 and top else '')
        if names and ('ROLLUP' in text or 'CUBE' in text or 'SETS' in text) and r.random() < .5:
            text = text.replace(clauses, ', grouping(%s) AS gr' % ', '.join(r.sample(names, r.randint(1, len(names)))) + clauses, 1)
            items.append(('', 'gr', 'i', ''))
            out.append(('gr', 'i', ''))
        if r.random() < .15:
            text += ' HAVING ' + r.choice(['count() > 1', 'a0 IS NOT NULL', 'count() < 5'])
        if r.random() < .3:
            text += self.order(keys + items)
            self.ordered = self.ordered or (top and 'TOTALS' not in text and 'ROLLUP' not in text and 'CUBE' not in text and 'SETS' not in text)
            if r.random() < .4:
                text += ' LIMIT %d' % r.randint(1, 6)
        return text, [x for x in out if x[1] != '?'] or [('a0', 'i', '')]

    def windowed(self, made, clauses, scope):
        r = self.r
        all_columns = [t for t, k, _ in scope if t != 'e1']
        items = []
        for i in range(r.randint(1, 3)):
            template = r.choice(WINDOWS).replace('{id}', all_columns[0])
            by = 'PARTITION BY %s ' % made.make(r.choice('iisd'), r.choice([0, 0, 1])) if r.random() < .7 else ''
            order = 'ORDER BY %s%s' % (made.leaf(r.choice('iisdtf')), r.choice(['', ' DESC'])) + ''.join(', ' + c for c in all_columns)
            frame = r.choice(FRAMES)
            if r.random() < .1:
                order, frame = 'ORDER BY ' + made.leaf('i'), 'RANGE BETWEEN %d PRECEDING AND %d FOLLOWING' % (r.randint(0, 3), r.randint(0, 3))
                template = r.choice(['sum({i})', 'count()', 'min({x})', 'max({s})'])
            items.append(('%s OVER (%s%s %s)' % (made.fill(template, 'i', 1), by, order, frame), 'v%d' % i, '?', ''))
        listed, _ = self.named(items)
        return 'SELECT %s, %s%s' % (all_columns[0] + ' AS o0', listed, clauses), [('o0', 'i' if scope[0][1] == 'i' else scope[0][1], scope[0][2])]
