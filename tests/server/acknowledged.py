"""acknowledged.py - writers that remember what a server acknowledged, for tests that kill it or cut its power.

Each writer works on tables of its own with one connection and keeps a model of them: the acknowledged state and, while a statement is
on its way, the state behind it. After a restart the tables must be in one of the two, nothing else: no row lost, doubled or half
visible. Rows are grouped by (partition, batch, value); a group is known by its count, sum and sum of squares of `id`, so that rows that
stand in for others are seen too.
SPDX-License-Identifier: Apache-2.0"""
import copy
import http.client
import threading

from http_ask import Client, Failure

PARTITIONS = 3


def sums(ids):
    return [len(ids), sum(ids), sum(i * i for i in ids)]


def add(groups, key, amount):
    """Adds rows to a group; groups of equal key become one."""
    old = groups.get(key, (0, 0, 0))
    groups[key] = tuple(a + b for a, b in zip(old, amount))


class Writer(threading.Thread):
    """One life between two crashes. model: acknowledged; pending: behind the statement on its way, or None.
    A statement that the server refuses is a problem: every statement here must succeed. Where faults are injected (`tolerant`) it ends
    this life of the writer, and its outcome is open."""

    def __init__(self, url, model, rng, tolerant=False):
        super().__init__(daemon=True)
        self.client, self.model, self.rng, self.tolerant = Client(url), model, rng, tolerant
        self.pending, self.done, self.problem, self.at = None, 0, None, ''
        self.kinds, self.refused = {}, None

    def run(self):
        try:
            while True:
                after = copy.deepcopy(self.model)
                kind, sql = self.step(after)
                if sql is None:
                    continue
                self.at, self.pending = sql, after
                self.client.ask(sql)
                self.model, self.pending = after, None
                self.done += 1
                self.kinds[kind] = self.kinds.get(kind, 0) + 1
        except Failure as e:
            self.refused = e.text
            if not self.tolerant:
                self.problem = '%s: %s' % (self.at, e.text)
        except (OSError, http.client.HTTPException):
            pass  # the server went away

    def step(self, after):
        """(kind, statement); `after` becomes the model behind it. Statement None: not possible now."""
        kind = self.rng.choice(self.KINDS)
        return kind, getattr(self, kind)(after)

    @classmethod
    def differences(cls, model, pending, found):
        """None if `found` is one of the two states, otherwise what differs."""
        wanted = [cls.comparable(model)] + ([cls.comparable(pending)] if pending is not None else [])
        found = cls.comparable(found)
        if found in wanted:
            return None
        lines = []
        for name, state in zip(('before', 'after'), wanted):
            for table in sorted(set(state) | set(found)):
                a, b = state.get(table), found.get(table)
                if a == b:
                    continue
                if isinstance(a, dict) and isinstance(b, dict):
                    for key in sorted(set(a) | set(b), key=str):
                        if a.get(key) != b.get(key):
                            lines.append('%s, %s, %s: wanted %s, found %s' % (name, table, key, a.get(key), b.get(key)))
                else:
                    lines.append('%s, %s: wanted %s, found %s' % (name, table, a, b))
        return '%s differ:\n  %s' % (cls.__name__, '\n  '.join(lines[:20]))

    @staticmethod
    def comparable(state):
        return state


class Rows(Writer):
    """Two tables of equal shape: inserts, mutations, merges, everything about partitions. {table: {'live': groups, 'off': groups}};
    'off' are the detached rows, compared when they come back."""
    KINDS = ['insert'] * 4 + ['many'] * 2 + ['exchange', 'replace', 'drop', 'truncate', 'optimize', 'update', 'update', 'delete', 'lightweight', 'detach', 'attach', 'move', 'attach_from']
    SHAPE = ('(id UInt64, p UInt8, batch UInt32, v UInt32, PROJECTION g (SELECT p, batch, v, count(), sum(id), sum(id * id) GROUP BY p, batch, v)) '
             "ENGINE = MergeTree PARTITION BY p ORDER BY id SETTINGS lightweight_mutation_projection_mode = 'rebuild', "
             'vertical_merge_algorithm_min_rows_to_activate = 0, vertical_merge_algorithm_min_columns_to_activate = 1')

    @classmethod
    def create(cls, client):
        for name in ('t', 's'):
            client.ask('CREATE TABLE %s %s' % (name, cls.SHAPE))
        return {'batch': 0, 't': {'live': {}, 'off': {}}, 's': {'live': {}, 'off': {}}}

    @staticmethod
    def look(client, model):
        found = {'batch': model['batch']}
        for name in ('t', 's'):
            groups = {}
            query = 'SELECT p, batch, v, count(), sum(id), sum(id * id) FROM %s GROUP BY p, batch, v ORDER BY p, batch, v' % name
            rows, projected = client.ask(query, optimize_use_projections=0), client.ask(query)
            assert rows == projected, 'the projection of %s says %s, its rows %s' % (name, projected, rows)
            for line in rows.splitlines():
                p, batch, v, *amount = (int(x) for x in line.split('\t'))
                groups[p, batch, v] = tuple(amount)
            found[name] = {'live': groups}
        return found

    @staticmethod
    def comparable(state):
        return {name: {'/'.join(map(str, k)): a for k, a in state[name]['live'].items() if a[0]} for name in ('t', 's')}

    @classmethod
    def settle(cls, model, pending, found):
        """What is acknowledged from now on: `found` knows no detached rows."""
        if pending is not None and cls.comparable(found) == cls.comparable(pending):
            return pending
        return model

    def size(self):
        return self.rng.choice([1, 10, 1000, 8192, 20000])

    def new_batch(self, after):
        after['batch'] += 1
        return after['batch']

    def insert(self, after):
        name, p, n, batch = self.rng.choice(['t', 't', 's']), self.rng.randrange(PARTITIONS), self.size(), self.new_batch(after)
        add(after[name]['live'], (p, batch, 0), sums(range(n)))
        return 'INSERT INTO %s SELECT number, %d, %d, 0 FROM numbers(%d)' % (name, p, batch, n)

    def many(self, after):
        name, n, batch = self.rng.choice(['t', 't', 's']), self.size() * PARTITIONS, self.new_batch(after)
        for p in range(PARTITIONS):
            add(after[name]['live'], (p, batch, 0), sums(range(p, n, PARTITIONS)))
        return 'INSERT INTO %s SELECT number, number %% %d, %d, 0 FROM numbers(%d)' % (name, PARTITIONS, batch, n)

    def exchange(self, after):
        after['t'], after['s'] = after['s'], after['t']
        return 'EXCHANGE TABLES t AND s'

    def truncate(self, after):
        after['s']['live'] = {}
        return 'TRUNCATE TABLE s'

    def optimize(self, after):
        return 'OPTIMIZE TABLE %s FINAL' % self.rng.choice(['t', 's'])

    @staticmethod
    def of(groups, p):
        return {k: a for k, a in groups.items() if k[0] == p}

    @staticmethod
    def without(groups, p):
        return {k: a for k, a in groups.items() if k[0] != p}

    def drop(self, after):
        p, name = self.rng.randrange(PARTITIONS), self.rng.choice(['t', 's'])
        after[name]['live'] = self.without(after[name]['live'], p)
        return 'ALTER TABLE %s DROP PARTITION %d' % (name, p)

    def replace(self, after):
        p = self.rng.randrange(PARTITIONS)
        if not self.of(after['s']['live'], p):
            return None
        after['t']['live'] = {**self.without(after['t']['live'], p), **self.of(after['s']['live'], p)}
        return 'ALTER TABLE t REPLACE PARTITION %d FROM s' % p

    def attach_from(self, after):
        p = self.rng.randrange(PARTITIONS)
        for k, a in self.of(after['s']['live'], p).items():
            add(after['t']['live'], k, a)
        return 'ALTER TABLE t ATTACH PARTITION %d FROM s' % p

    def move(self, after):
        p = self.rng.randrange(PARTITIONS)
        for k, a in self.of(after['t']['live'], p).items():
            add(after['s']['live'], k, a)
        after['t']['live'] = self.without(after['t']['live'], p)
        return 'ALTER TABLE t MOVE PARTITION %d TO TABLE s' % p

    def detach(self, after):
        p = self.rng.randrange(PARTITIONS)
        for k, a in self.of(after['t']['live'], p).items():
            add(after['t']['off'], k, a)
        after['t']['live'] = self.without(after['t']['live'], p)
        return 'ALTER TABLE t DETACH PARTITION %d' % p

    def attach(self, after):
        for p in range(PARTITIONS):
            back = self.of(after['t']['off'], p)
            if not back:
                continue
            for k, a in back.items():
                add(after['t']['live'], k, a)
            after['t']['off'] = self.without(after['t']['off'], p)
            return 'ALTER TABLE t ATTACH PARTITION %d' % p
        return None

    def some_batch(self, after, name):
        batches = sorted({k[1] for k in after[name]['live']})
        return self.rng.choice(batches) if batches else 0

    def update(self, after):
        name = self.rng.choice(['t', 's'])
        batch, v, groups = self.some_batch(after, name), self.rng.randrange(1000000), {}
        for (p, b, old), a in after[name]['live'].items():
            add(groups, (p, b, v if b == batch else old), a)
        after[name]['live'] = groups
        return 'ALTER TABLE %s UPDATE v = %d WHERE batch = %d' % (name, v, batch)

    def remove_batch(self, after, name):
        batch = self.some_batch(after, name)
        after[name]['live'] = {k: a for k, a in after[name]['live'].items() if k[1] != batch}
        return batch

    def delete(self, after):
        name = self.rng.choice(['t', 's'])
        return 'ALTER TABLE %s DELETE WHERE batch = %d' % (name, self.remove_batch(after, name))

    def lightweight(self, after):
        name = self.rng.choice(['t', 's'])
        return 'DELETE FROM %s WHERE batch = %d' % (name, self.remove_batch(after, name))


class Views(Writer):
    """A table with a materialized view: the rows of both come in one transaction. {'src': {batch: amount}, 'dst': {batch: [rows, sum]}}"""
    KINDS = ['insert'] * 6 + ['optimize', 'delete', 'recreate']

    @classmethod
    def create(cls, client):
        client.ask('CREATE TABLE src (id UInt64, p UInt8, batch UInt32) ENGINE = MergeTree PARTITION BY p ORDER BY id')
        client.ask('CREATE TABLE dst (batch UInt32, n UInt64, total UInt64) ENGINE = SummingMergeTree PARTITION BY batch % 2 ORDER BY batch')
        client.ask(cls.VIEW)
        return {'batch': 0, 'src': {}, 'dst': {}, 'view': True}

    VIEW = 'CREATE MATERIALIZED VIEW mv TO dst AS SELECT batch, count() AS n, sum(id) AS total FROM src GROUP BY batch'

    @staticmethod
    def look(client, model):
        found = {'batch': model['batch'], 'view': client.ask('EXISTS TABLE mv').strip() == '1'}
        for name, sql in (('src', 'SELECT batch, count(), sum(id) FROM src GROUP BY batch'), ('dst', 'SELECT batch, sum(n), sum(total) FROM dst GROUP BY batch')):
            found[name] = {int(b): (int(n), int(total)) for b, n, total in (line.split('\t') for line in client.ask(sql).splitlines())}
        return found

    @staticmethod
    def comparable(state):
        return {k: v for k, v in state.items() if k != 'batch'}

    @classmethod
    def settle(cls, model, pending, found):
        return {**found, 'batch': max(s['batch'] for s in (model, pending) if s is not None)}

    def insert(self, after):
        after['batch'] += 1
        n = self.rng.choice([1, 100, 5000])
        after['src'][after['batch']] = (n, n * (n - 1) // 2)
        if after['view']:
            after['dst'][after['batch']] = (n, n * (n - 1) // 2)
        return 'INSERT INTO src SELECT number, number %% %d, %d FROM numbers(%d)' % (self.rng.choice([1, PARTITIONS]), after['batch'], n)

    def optimize(self, after):
        return 'OPTIMIZE TABLE %s FINAL' % self.rng.choice(['src', 'dst'])

    def delete(self, after):
        name, least = self.rng.choice(['src', 'dst']), after['batch'] - 20
        after[name] = {b: a for b, a in after[name].items() if b >= least}
        return 'ALTER TABLE %s DELETE WHERE batch < %d' % (name, max(least, 0))

    def recreate(self, after):
        after['view'] = not after['view']
        return self.VIEW if after['view'] else 'DROP TABLE mv'


class Definitions(Writer):
    """Tables and databases that come, change and go. {table: {'columns': {name: sum}, 'rows': n}, ..., 'databases': set of names}"""
    KINDS = ['create', 'create', 'drop', 'rename', 'add_column', 'add_column', 'drop_column', 'rename_column', 'insert', 'insert', 'insert', 'replace', 'database', 'recall']
    NAMES = ['d0', 'd1', 'd2', 'd3']
    COLUMNS = ['c0', 'c1', 'c2', 'c3']

    @classmethod
    def create(cls, client):
        return {'databases': set(), 'away': set()}

    @classmethod
    def look(cls, client, model):
        there = client.ask("SELECT name FROM system.tables WHERE database = 'default' AND name LIKE 'd_' AND name != 'mv'").split()
        found = {'databases': {n for n in client.ask('SHOW DATABASES').split() if n.startswith('extra')}, 'away': set(model['away'])}
        for name in sorted(set(there) & set(cls.NAMES)):
            columns = client.ask("SELECT name FROM system.columns WHERE database = 'default' AND table = '%s' AND name != 'a'" % name).split()
            values = client.ask('SELECT count(), sum(a)%s FROM %s' % (''.join(', sum(%s)' % c for c in columns), name)).split()
            found[name] = {'rows': int(values[0]), 'columns': dict(zip(['a'] + columns, map(int, values[1:])))}
        return found

    @staticmethod
    def comparable(state):
        return {k: v for k, v in state.items() if k != 'away'}

    @classmethod
    def settle(cls, model, pending, found):
        """A table that is away (DETACH PERMANENTLY) is not seen: which one is, the models know."""
        return pending if pending is not None and cls.comparable(found) == cls.comparable(pending) else model

    def present(self, after):
        return [n for n in self.NAMES if n in after]

    def create_(self, name, after):
        after[name] = {'rows': 0, 'columns': {'a': 0, 'c0': 0}}
        return '%s (a UInt64, c0 UInt64) ENGINE = MergeTree ORDER BY a' % name

    def step(self, after):
        kind = self.rng.choice(self.KINDS)
        return kind, getattr(self, 'do_' + kind)(after)

    def do_create(self, after):
        free = [n for n in self.NAMES if n not in after and n not in {a[0] for a in after['away']}]
        return 'CREATE TABLE ' + self.create_(self.rng.choice(free), after) if free else None

    def do_replace(self, after):
        here = self.present(after)
        return 'CREATE OR REPLACE TABLE ' + self.create_(self.rng.choice(here), after) if here else None

    def do_drop(self, after):
        here = self.present(after)
        if len(here) < 2:
            return None
        name = self.rng.choice(here)
        del after[name]
        return 'DROP TABLE %s' % name

    def do_rename(self, after):
        here, free = self.present(after), [n for n in self.NAMES if n not in after and n not in {a[0] for a in after['away']}]
        if not here or not free:
            return None
        old, new = self.rng.choice(here), self.rng.choice(free)
        after[new] = after.pop(old)
        return 'RENAME TABLE %s TO %s' % (old, new)

    def do_add_column(self, after):
        here = self.present(after)
        name = self.rng.choice(here) if here else None
        free = [c for c in self.COLUMNS if c not in after[name]['columns']] if here else []
        if not free:
            return None
        column, value = self.rng.choice(free), self.rng.randrange(100)
        after[name]['columns'][column] = after[name]['rows'] * value
        return 'ALTER TABLE %s ADD COLUMN %s UInt64 DEFAULT %d' % (name, column, value)

    def do_drop_column(self, after):
        here = [n for n in self.present(after) if len(after[n]['columns']) > 2]
        if not here:
            return None
        name = self.rng.choice(here)
        column = self.rng.choice([c for c in after[name]['columns'] if c != 'a'])
        del after[name]['columns'][column]
        return 'ALTER TABLE %s DROP COLUMN %s' % (name, column)

    def do_rename_column(self, after):
        for name in self.present(after):
            columns = after[name]['columns']
            free = [c for c in self.COLUMNS if c not in columns]
            if free and len(columns) > 1:
                old = self.rng.choice([c for c in columns if c != 'a'])
                columns[free[0]] = columns.pop(old)
                return 'ALTER TABLE %s RENAME COLUMN %s TO %s' % (name, old, free[0])
        return None

    def do_insert(self, after):
        here = self.present(after)
        if not here:
            return None
        name, n = self.rng.choice(here), self.rng.choice([1, 10, 3000])
        columns, values = after[name]['columns'], []
        for c in columns:
            values.append(self.rng.randrange(1000))
            columns[c] += n * values[-1]
        after[name]['rows'] += n
        return 'INSERT INTO %s (%s) SELECT %s FROM numbers(%d)' % (name, ', '.join(columns), ', '.join(map(str, values)), n)

    def do_database(self, after):
        name = 'extra%d' % self.rng.randrange(2)
        after['databases'] ^= {name}
        return '%s DATABASE %s' % ('CREATE' if name in after['databases'] else 'DROP', name)

    def do_recall(self, after):
        """DETACH TABLE ... PERMANENTLY, and back: rows of a table that nobody loads must outlive a start too."""
        if after['away']:
            name, saved = after['away'].pop()
            after[name] = thaw(saved)
            return 'ATTACH TABLE %s' % name
        here = self.present(after)
        if len(here) < 2:
            return None
        name = self.rng.choice(here)
        after['away'].add((name, freeze(after.pop(name))))
        return 'DETACH TABLE %s PERMANENTLY' % name


def freeze(table):
    return (table['rows'], tuple(table['columns'].items()))


def thaw(saved):
    return {'rows': saved[0], 'columns': dict(saved[1])}


WRITERS = (Rows, Views, Definitions)


class Model:
    """All writers together over many lives of the server."""

    def __init__(self, client):
        self.states = [w.create(client) for w in WRITERS]
        self.statements, self.refused, self.kinds, self.writers = 0, 0, {}, []

    def start(self, url, rng, tolerant=False):
        self.writers = [w(url, s, rng, tolerant) for w, s in zip(WRITERS, self.states)]
        for w in self.writers:
            w.start()

    def join(self):
        for w in self.writers:
            w.join()

    def check(self, client):
        """Compares what the server has now; the problem, or None. Goes on from what was found."""
        problems = []
        for i, w in enumerate(self.writers):
            self.statements += w.done
            self.refused += w.refused is not None
            for kind, n in w.kinds.items():
                self.kinds[type(w).__name__, kind] = self.kinds.get((type(w).__name__, kind), 0) + n
            try:
                found = w.look(client, w.model)
            except Failure as e:
                problems.append('%s cannot be read: %s' % (type(w).__name__, e.text))
                continue
            problem = w.problem or w.differences(w.model, w.pending, found)
            if problem:
                problems.append('%s (last: %s)' % (problem, w.at))
            self.states[i] = w.settle(w.model, w.pending, found)
        return '\n'.join(problems) or None
