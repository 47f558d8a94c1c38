"""types_values.py - random types of columns and random values of them as SQL literals, edge values often.

A kind is what the expression generator distinguishes: i(nteger), f(loat), n (decimal), s(tring), d(ate), t(ime), e(num), u(uid), p (IP), b(ool),
a(rray), m(ap), T(uple). SPDX-License-Identifier: Apache-2.0"""

INTEGERS = {'UInt8': (0, 8), 'UInt16': (0, 16), 'UInt32': (0, 32), 'UInt64': (0, 64), 'UInt128': (0, 128), 'UInt256': (0, 256),
            'Int8': (1, 8), 'Int16': (1, 16), 'Int32': (1, 32), 'Int64': (1, 64), 'Int128': (1, 128), 'Int256': (1, 256)}
ENUM = "Enum8('a' = -1, 'bb' = 0, 'c c' = 3, '' = 7)"
SCALARS = [(n, 'i') for n in INTEGERS] + [
    ('UInt8', 'i'), ('Int32', 'i'), ('UInt64', 'i'), ('Int64', 'i'), ('Float32', 'f'), ('Float64', 'f'), ('Float64', 'f'), ('Decimal(9, 2)', 'n'), ('Decimal(18, 4)', 'n'), ('Decimal(38, 10)', 'n'),
    ('Decimal(60, 20)', 'n'), ('String', 's'), ('String', 's'), ('String', 's'), ('FixedString(3)', 's'), ('FixedString(8)', 's'), ('Date', 'd'), ('Date32', 'd'),
    ('DateTime', 't'), ("DateTime('Europe/Berlin')", 't'), ('DateTime64(3)', 't'), ("DateTime64(6, 'America/New_York')", 't'), (ENUM, 'e'), ('UUID', 'u'),
    ('IPv4', 'p'), ('IPv6', 'p'), ('Bool', 'b')]
WORDS = ['', 'a', 'b', 'abc', 'Abc', 'hello world', ' x ', '0', '-1', '12', '3.5', '1e3', 'nan', 'NULL', 'ab%c_d', "it''s", '\\\\', '\\t', '\\n', '\\0', '\\xFF', 'a\\x80b', 'é', 'привет',
         '日本', '2024-02-29', '2023-01-01 12:34:56', 'http://ex.com/p?q=1#f', '[1,2]', '{"a":1}', 'aaaaaaaaaaaaaaaa', 'zzz', 'x,y,z', '127.0.0.1', 'key7', 'key8']


def integer(r, name):
    signed, bits = INTEGERS[name]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    x = r.random()
    if x < .55:
        v = r.randint(0, 12)
    elif x < .7:
        v = r.choice([low, high, low + 1, high - 1, 0])
    elif x < .85:
        v = r.randint(-100, 1000)
    else:
        v = r.randint(low, high)
    return str(min(max(v, low), high))


def floating(r):
    x = r.random()
    if x < .6:
        return str(r.choice([0, 1, -1, 2, 0.5, 0.25, -3.75, 10, 100]))
    if x < .8:
        return repr(round(r.uniform(-1000, 1000), 3))
    return r.choice(['nan', 'inf', '-inf', '-0.', '1e20', '-1e-7', '3.4e38', '1e-300', '0.1'])


def string(r):
    return "'" + (r.choice(WORDS) if r.random() < .92 else r.choice(['ab', 'xyz ', 'é', 'Q7']) * r.randint(10, 90)) + "'"


def date(r, wide=False):
    if r.random() < .15:
        return r.choice(["'1900-01-01'", "'2299-12-31'", "'1925-06-07'"] if wide else ["'1970-01-01'", "'2149-06-06'", "'2106-02-07'"])
    return "'%d-%02d-%02d'" % (r.choice([1999, 2020, 2023, 2024]), r.randint(1, 12), r.randint(1, 28))


def moment(r, wide=False):
    if r.random() < .1:
        return r.choice(["'1900-01-01 00:00:00'", "'2298-12-31 23:59:59'", "'1969-12-31 23:59:59'"] if wide else ["'1970-01-01 00:00:00'", "'2106-02-07 06:28:15'", "'2024-03-31 02:30:00'"])
    return "'%d-%02d-%02d %02d:%02d:%02d'" % (r.choice([1999, 2020, 2023, 2024]), r.randint(1, 12), r.randint(1, 28), r.randint(0, 23), r.choice([0, 15, 59]), r.choice([0, 30, 59]))


def decimal(r, name):
    precision, scale = (int(x) for x in name[8:-1].split(','))
    if r.random() < .1:
        return r.choice(['', '-']) + '9' * (precision - scale) + '.' + '9' * scale
    return r.choice(['0', '1', '-1', '2.5', '100.01', '-0.01', '%.2f' % r.uniform(-999, 999)])


def value(r, name):
    """A literal that INSERT ... VALUES takes for a column of that type."""
    if name.startswith('Nullable('):
        return 'NULL' if r.random() < .25 else value(r, name[9:-1])
    if name.startswith('LowCardinality('):
        return value(r, name[15:-1])
    if name.startswith('Array('):
        return '[' + ', '.join(value(r, name[6:-1]) for _ in range(r.choice([0, 0, 1, 2, 3, 5]))) + ']'
    if name.startswith('Map('):
        key, item = inner(name)
        keys = sorted({value(r, key) for _ in range(r.choice([0, 1, 2, 4]))})
        return '{' + ', '.join(k + ': ' + value(r, item) for k in keys) + '}'
    if name.startswith('Tuple('):
        return '(' + ', '.join(value(r, x.split(' ', 1)[1]) for x in inner(name)) + ')'
    if name in INTEGERS:
        return integer(r, name)
    if name.startswith('Float'):
        return floating(r)
    if name.startswith('Decimal'):
        return decimal(r, name)
    if name == 'String':
        return string(r)
    if name.startswith('FixedString'):
        return r.choice(["''", "'a'", "'abc'", "'\\xFF\\0\\x01'", "'12'", "'zz'"])
    if name.startswith('DateTime'):
        return moment(r, name.startswith('DateTime64'))
    if name.startswith('Date'):
        return date(r, name == 'Date32')
    if name.startswith('Enum'):
        return r.choice(["'a'", "'bb'", "'c c'", "''"])
    if name == 'UUID':
        return "'%s'" % r.choice(['00000000-0000-0000-0000-000000000000', '61f0c404-5cb3-11e7-907b-a6006ad3dba0', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '00000001-0000-0000-8000-000000000002'])
    if name == 'IPv4':
        return r.choice(["'0.0.0.0'", "'127.0.0.1'", "'255.255.255.255'", "'10.1.2.3'"])
    if name == 'IPv6':
        return r.choice(["'::'", "'::1'", "'2001:db8::ff00:42:8329'", "'::ffff:10.1.2.3'"])
    assert name == 'Bool', name
    return r.choice(['true', 'false'])


def inner(name):
    """The arguments of a type, cut at its outer commas."""
    text, parts, depth, at, quoted = name[name.index('(') + 1:-1], [], 0, 0, False
    for i, c in enumerate(text):
        quoted ^= c == "'"
        depth += 0 if quoted else (c == '(') - (c == ')')
        if c == ',' and not depth and not quoted:
            parts.append(text[at:i].strip())
            at = i + 1
    return parts + [text[at:].strip()]


def scalar(r):
    """(type, kind) of one value, perhaps Nullable or LowCardinality."""
    name, kind = r.choice(SCALARS)
    x = r.random()
    if kind == 's' and x < .2:
        return 'LowCardinality(%s)' % (name if x < .12 else 'Nullable(%s)' % name), kind
    if name in ('UInt32', 'Date') and x < .1:
        return 'LowCardinality(%s)' % name, kind
    return ('Nullable(%s)' % name if x > .65 else name), kind


def column(r):
    """(type, kind, kinds of what is in it)."""
    x = r.random()
    if x < .72:
        return (*scalar(r), '')
    if x < .88:
        name, kind = scalar(r)
        if x > .85:
            return 'Array(Array(%s))' % name, 'a', 'a'
        return 'Array(%s)' % name, 'a', kind
    if x < .94:
        key = r.choice(['String', 'UInt32', 'LowCardinality(String)'])
        name, kind = scalar(r)
        return 'Map(%s, %s)' % (key, name), 'm', kind
    a, b = scalar(r), scalar(r)
    return 'Tuple(x %s, y %s)' % (a[0], b[0]), 'T', a[1]
