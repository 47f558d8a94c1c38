"""expressions.py - random expressions of a wanted kind over the columns in scope.

A template names what goes into it: {i} an expression of kind i, {#} any number, {D} date or time, {*} anything, {=} the kind that is asked for,
{ai} an array of kind i, {a} any array, {k} a small constant, {w} a constant string, {P} a condition; {v:i:P} a lambda body of kind P over v of kind i.
What depends on the order of rows, on time or on chance is not here. SPDX-License-Identifier: Apache-2.0"""
import re
import types_values as tv

SAME = ['if({P}, {=}, {=})', 'multiIf({P}, {=}, {P}, {=}, {=})', 'coalesce({=}, {=})', 'ifNull({=}, {=})', 'nullIf({=}, {=})', 'toNullable({=})',
        'CASE WHEN {P} THEN {=} ELSE {=} END', 'CASE WHEN {P} THEN {=} END', 'materialize({=})', 'identity({=})', '[{=}, {=}][{k}]', 'arrayElementOrNull([{=}, {=}], {k})', '({=}, {*}).1',
        'tupleElement(({*}, {=}), 2)', 'least({=}, {=})', 'greatest({=}, {=})', 'transform({=}, [{=}], [{=}], {=})', 'CASE {i} WHEN {k} THEN {=} WHEN {k} THEN {=} ELSE {=} END']
TEMPLATES = {
    'P': ['{#} = {#}', '{#} < {#}', '{#} >= {#}', '{#} != {k}', '{s} = {w}', '{s} < {s}', '{s} != {s}', '{D} <= {D}', '{d} > toDate({w2})', '{e} = \'a\'', '{e} < {e}', '{u} = {u}', '{p} < {p}', 'isNull({*})', '{*} IS NOT NULL',
          '{P} AND {P}', '{P} OR {P}', 'NOT {P}', 'xor({P}, {P})', '{i} IN ({k}, {k}, {k})', '{i} NOT IN ({k}, NULL)', '{s} IN ({w}, {w})', '{s} LIKE {l}', '{s} ILIKE {l}', '{s} NOT LIKE {l}',
          'startsWith({s}, {w})', 'endsWith({s}, {s})', 'match({s}, {r})', 'has({ai}, {i})', 'has({as}, {w})', 'hasAny({ai}, {ai})', 'hasAll({as}, {as})', 'empty({s})', 'notEmpty({a})', '{i} BETWEEN {k} AND {k}',
          'isNaN({f})', 'isFinite({f})', '{b}', '{m} = {m}', '({i}, {s}) = ({i}, {w})', '({i}, {s}) IN (({k}, {w}), ({k}, {w}))', '({i}, {d}) < ({i}, {d})', '{ai} = {ai}', '{as} < {as}', 'mapContains({m}, {w})',
          'arrayExists(v -> {v:i:P}, {ai})', 'arrayAll(v -> {v:s:P}, {as})', 'isNotDistinctFrom({i}, {i})', '{s} IS NOT DISTINCT FROM {s}', '{f} IN (1, nan, 0)', '{d} IN (\'2024-02-29\', {d1})', '{n} IN (1, 2.5, 0)',
          'hasSubstr({ai}, {ai})', 'hasToken({s}, \'abc\')', 'position({s}, {w}) > 0', 'multiSearchAny({s}, [\'a\', \'b\'])', '{u} IN ({u1}, {u1})', '{p} = {p}', 'isZeroOrNull({i})', '{n} < {n}', '{f} = {i}', '{n} > {f}', 'bitTest({i}, {k})',
          'startsWithUTF8({s}, {w})', 'isValidUTF8({s})', 'isIPv4String({s})', 'IPv4CIDRToRange(toIPv4(\'10.1.2.3\'), 8) = ({p}, {p})'],
    'i': ['{i} + {i}', '{i} - {i}', '{i} * {i}', 'intDiv({i}, {kk})', '{i} % {kk}', 'modulo({i}, {kk})', 'positiveModulo({i}, {kk})', 'intDivOrZero({i}, {i})', 'moduloOrZero({i}, {i})', '-{i}', 'abs({i})', 'sign({#})', 'gcd({i8}, {k})', 'lcm({k}, {k})', 'bitAnd({i}, {i})', 'bitOr({i}, {i})', 'bitXor({i}, {i})',
          'bitNot({i})', 'bitShiftLeft({i}, {k})', 'bitShiftRight({i}, {k})', 'bitCount({i})', 'length({s})', 'lengthUTF8({s})', 'length({a})', 'position({s}, {s})', 'positionCaseInsensitive({s}, {w})', 'locate({w}, {s})', 'countSubstrings({s}, {w})', 'toYear({D})', 'toMonth({D})', 'toDayOfMonth({D})',
          'toDayOfWeek({D})', 'toDayOfWeek({D}, {k})', 'toDayOfYear({D})', 'toHour({t})', 'toMinute({t})', 'toSecond({t})', 'toYYYYMM({D})', 'toYYYYMMDD({D})', 'toQuarter({D})', 'toISOWeek({D})', 'toWeek({D}, {k})', 'toISOYear({D})', 'toYearWeek({D})', 'toUnixTimestamp({t})', 'toRelativeDayNum({D})', 'toRelativeMonthNum({D})',
          'toRelativeHourNum({t})', 'dateDiff(\'day\', {D}, {D})', 'dateDiff(\'month\', {D}, {D})', 'dateDiff(\'hour\', {t}, {t})', 'age(\'year\', {D}, {D})', 'indexOf({ai}, {i})', 'countEqual({ai}, {k})', 'arraySum({ai})', 'arrayMin({ai})', 'arrayMax({ai})', 'arrayUniq({a})', 'arrayCount(v -> {v:i:P}, {ai})', 'arrayFirst(v -> {v:i:P}, {ai})', 'arrayLast(v -> {v:i:P}, {ai})',
          'arrayFirstIndex(v -> {v:i:P}, {ai})', 'arrayElement({ai}, {k})', '{ai}[{i}]', 'arrayReduce(\'sum\', {ai})', 'arrayReduce(\'uniqExact\', {as})', 'arrayReduce(\'max\', {ai})', 'arrayFold((q, v) -> q + v, arrayMap(z -> toInt64(length(z)), {as}), toInt64({k}))', 'toUInt8({i})', 'toInt8({i})', 'toUInt16({i})', 'toInt32({i})', 'toInt64({i})', 'toUInt64({i})', 'toInt128({i})', 'toUInt256({i})', 'toInt32OrZero({s})', 'toInt64OrNull({s})', 'toUInt8OrDefault({s}, toUInt8(7))',
          'toInt64({n})', 'CAST({e} AS Int8)', 'toInt32({d})', 'toInt64({b})', 'accurateCastOrNull({i}, \'UInt8\')', 'accurateCastOrNull({i}, \'Int32\')', 'accurateCastOrNull({f}, \'Int16\')', 'cityHash64({*})', 'cityHash64({x}, {x})', 'xxHash64({s})', 'sipHash64({x}, {s})', 'murmurHash3_32({s})', 'farmHash64({s})', 'intHash32({i8})', 'CRC32({s})', 'halfMD5({s})', 'javaHash({s})', 'metroHash64({x})', 'xxHash32({s})', 'murmurHash2_64({s})',
          'ascii({s})', 'empty({s})', 'isNull({*})', '{P}', 'mapKeys({m})[1] = {w}', 'length({m})', 'tupleElement(({i}, {*}), 1)', 'toUInt32({p4})', 'levenshteinDistance(substring({s}, 1, 20), {w})', 'bitHammingDistance({i8}, {k})', 'toUInt64OrZero({s})', 'least({i}, {k})', 'ngramDistance({w}, {w}) > 1', 'roundToExp2({i})', 'byteSwap({i8})', 'toStartOfDay({t}) = {t}', 'ignore({*})', 'rowNumberInAllBlocks() * 0', 'ceil({i}, -1)', 'round({i}, -1)', 'bitRotateLeft({i8}, {k})', 'JSONExtractInt({w}, \'a\')', 'toLastDayOfMonth({d}) = {d}', 'dictionaryless'][:-1],
    'f': ['{f} + {#}', '{f} - {f}', '{f} * {i}', '{#} / {#}', '{i} / {kk}', 'sqrt(abs({#}))', 'exp({k})', 'log({#})', 'log2({f})', 'sin({f})', 'cos({i})', 'atan({f})', 'atan2({f}, {f})', 'pow({k}, {k})', 'round({f}, {k})', 'floor({f})', 'ceil({f}, 1)', 'trunc({f})', 'abs({f})', '-{f}', 'toFloat64({#})', 'toFloat32({#})', 'toFloat64OrZero({s})', 'toFloat64OrNull({s})', 'arrayAvg({ai})', 'arraySum({af})',
          'if({P}, {f}, {i8})', 'ifNotFinite({f}, {k})', 'cbrt({f})', 'degrees({f})', 'tanh({f})', 'log1p({f})', 'sigmoid({f})', 'roundBankers({f}, 1)', 'hypot({f}, {k})', 'max2({f}, {i8})', 'erf({f})', 'arrayElement({af}, {k})', 'fmod({f}, {kk})', '{f} % {kk}', 'modulo({f}, 2.5)', 'arrayReduce(\'avg\', {ai})', 'dotProduct([{k}, {k}], [{k}, 1.5])', 'L2Norm([{f}, {k}])', 'toFloat64({n})', '{n} / {kk}', 'jaroSimilarity({w}, {w})'],
    'n': ['{n} + {n}', '{n} - {k}', '{n} * {k}', 'toDecimal64({k}, 2)', 'toDecimal32OrZero({s}, 2)', 'toDecimal128OrNull({s}, 5)', 'CAST({k} AS Decimal(20, 3))', 'round({n}, 1)', 'floor({n})', 'abs({n})', '-{n}', 'ceil({n})', 'trunc({n}, 1)', 'toDecimal64({i8}, 3)', '{n} / {kk}', 'divideDecimal({n}, toDecimal32({kk}, 1))', 'multiplyDecimal({n}, toDecimal32({k}, 1))'],
    's': ['concat({s}, {s})', '{s} || {w}', 'concat({*}, {s})', 'lower({s})', 'upper({s})', 'lowerUTF8({s})', 'upperUTF8({s})', 'reverse({s})', 'reverseUTF8({s})', 'substring({s}, {k})', 'substring({s}, {k}, {k})', 'substringUTF8({s}, {k}, {k})', 'left({s}, {k})', 'right({s}, {k})', 'leftPad({s}, 6, \'*\')', 'rightPad({s}, {k})', 'trim({s})', 'trimLeft({s})', 'trim(BOTH \'ab\' FROM {s})', 'replaceAll({s}, {w}, {w})', 'replaceOne({s}, \'a\', {w})', 'replaceRegexpAll({s}, {r}, \'<\\\\0>\')',
          'replaceRegexpOne({s}, {r}, \'_\')', 'extract({s}, {r})', 'toString({*})', 'toString({x})', 'CAST({x} AS String)', 'CAST({i} AS LowCardinality(String))', 'hex({s})', 'hex({i})', 'unhex(hex({s}))', 'base64Encode({s})', 'base64Decode(base64Encode({s}))', 'repeat({s}, {k2})', 'substringIndex({s}, {sc}, {k})', 'splitByChar(\',\', {s})[1]', 'arrayStringConcat({as}, \'|\')', 'arrayStringConcat({ai})', 'formatDateTime({t}, \'%Y-%m-%d %H:%i:%S\')', 'formatDateTime({D}, \'%a %b %e %j %y\')', 'toTypeName({*})',
          'dateName(\'month\', {D})', 'monthName({D})', 'char({k}, {k})', 'format(\'{{}}-{{}}\', {s}, {w})', 'domain({s})', 'path({w})', 'protocol({s})', 'cutQueryString({s})', 'MD5({s})', 'hex(SHA256({s}))', 'toFixedString(substring({s}, 1, 3), 3)', 'toValidUTF8({s})', 'initcap({s})', 'soundex({s})', 'arrayElement({as}, {k})', '{as}[-1]', 'arrayFirst(v -> {v:s:P}, {as})', 'arrayMax({as})', 'toJSONString({*})', 'IPv4NumToString({p4})', 'formatReadableSize({i8})', 'bin({i8})',
          'translate({s}, \'abc\', \'xyz\')', 'appendTrailingCharIfAbsent({s}, \'/\')', 'JSONExtractString({w}, \'a\')', 'JSONExtractRaw({s})', 'simpleJSONExtractString({w}, \'a\')', 'encodeURLComponent({s})', 'decodeURLComponent({s})', 'overlay({s}, {w}, {k1})', 'visitParamExtractRaw({s}, \'a\')', 'normalizeQuery({w})', 'punycodeEncode({w})', 'stringJaccardIndex({w}, \'ab\') > 0 ? {s} : {w}', 'if({P}, {s}, {w})', 'mapKeys({m})[1]', 'concatWithSeparator({w}, {s}, {s})', 'space({k2})', 'regexpExtract({s}, \'(a)(.)\', 1)', 'leftUTF8({s}, {k})', 'tupleElement(({s}, 1), 1)', 'ltrim({s})', 'normalizeUTF8NFC({s})', 'convertCharset({w}, \'utf-8\', \'utf-16\')', 'bitmapless'][:-1],
    'd': ['toDate({t})', 'toDate({D})', 'toDate32({D})', 'toStartOfMonth({D})', 'toStartOfYear({D})', 'toStartOfQuarter({D})', 'toMonday({D})', 'toStartOfWeek({D}, {k1})', 'toLastDayOfMonth({D})', '{d} + {k}', '{d} - {k}', 'addDays({d}, {k})', 'addMonths({d}, {k})', 'addWeeks({d}, {k})', 'addYears({d}, {k})', 'subtractDays({d}, {k})', '{d} + INTERVAL {k} MONTH', 'toDateOrNull({s})', 'toDateOrZero({s})', 'makeDate({y}, {k}, {k})', 'toDate({i8})', 'dateTrunc(\'month\', {D})', 'dateTrunc(\'week\', {D})', 'toISOYear({D}) > 2000 ? {d} : {d}', 'toDate32OrNull({s})', 'date_add(DAY, {k}, {d})', 'toStartOfInterval({d}, INTERVAL {kk} WEEK)', 'YYYYMMDDToDate({i8})', 'fromDaysSinceYearZero(739000 + {k})'],
    't': ['toDateTime({D})', 'toDateTime({D}, \'Asia/Tokyo\')', 'toDateTime64({D}, 3)', 'toStartOfHour({t})', 'toStartOfDay({t})', 'toStartOfMinute({t})', 'toStartOfFiveMinutes({t})', 'toStartOfInterval({t}, INTERVAL {kk} HOUR)', 'toStartOfInterval({t}, INTERVAL {kk} MINUTE)', '{t} + {k}', 'addHours({t}, {k})', 'addMinutes({t}, {k})', 'addSeconds({t}, {k})', 'addMonths({t}, {k})', 'addDays({t}, {k})', '{t} - INTERVAL {k} DAY', 'toTimeZone({t}, \'Asia/Kolkata\')', 'dateTrunc(\'hour\', {t})', 'dateTrunc(\'minute\', {t})', 'parseDateTimeBestEffortOrNull({s})', 'parseDateTimeBestEffortOrZero({s})', 'toDateTimeOrNull({s})', 'toDateTime({i8})', 'fromUnixTimestamp({i8})', 'toDateTime64OrNull({s}, 3)',
          'makeDateTime({y}, {k}, {k}, {k}, 5, 6)', 'toStartOfSecond(toDateTime64({t}, 3))', 'date_add(HOUR, {k}, {t})', 'parseDateTimeOrNull({s}, \'%Y-%m-%d %H:%i:%s\')', 'timeSlot({t})', 'addMilliseconds({t}, {k})', 'toStartOfFifteenMinutes({t})'],
    'e': [], 'u': ['toUUIDOrNull({s})', 'toUUID(\'61f0c404-5cb3-11e7-907b-a6006ad3dba0\')', 'toUUIDOrZero({s})'], 'p': ['toIPv4(\'1.2.3.4\')', 'toIPv4OrNull({s})', 'toIPv6({p})', 'toIPv4OrDefault({s})'],
    'b': ['true', 'false', '{P}', 'toBool({i})', 'not {b}', '{b} AND {P}'],
    'm': ['map({w}, {i})', 'map({w}, {s}, {w}, {s})', 'mapFilter((k, v) -> {k:s:P}, {m})', 'mapAdd(map({w}, {i}), map({w}, {i}))', 'mapUpdate({m}, {m})', 'mapSort({m})', 'mapFromArrays({as}, {as})'],
    'T': ['({i}, {s})', 'tuple({x}, {x}, {x})', '({d}, ({f}, {s}))', '({i}, {i}) + ({k}, {k})', 'untuple'][:-1],
}
ARRAYS = ['[{E}, {E}]', '[{E}]', 'arraySort({A})', 'arrayReverseSort({A})', 'arrayReverse({A})', 'arrayDistinct({A})', 'arrayConcat({A}, {A})', 'arraySlice({A}, {k1}, {k})', 'arrayFilter(v -> {v:E:P}, {A})', 'arrayPushBack({A}, {E})', 'arrayPushFront({A}, {E})', 'arrayPopBack({A})', 'arrayPopFront({A})',
          'arrayMap(v -> {v:E:E}, {A})', 'arrayMap(v -> {v:i:E}, {ai})', 'arrayMap(v -> {v:s:E}, {as})', 'arraySort(v -> {v:E:i}, arraySort({A}))', 'arrayIntersect({A}, {A})', 'arrayCompact({A})', 'arrayResize({A}, {k})', 'arrayFlatten([{A}, {A}])', 'if({P}, {A}, {A})', 'emptyArrayToSingle({A})', 'arrayWithConstant({k}, {E})', 'arrayFill(v -> {v:E:P}, {A})', 'arraySplit(v -> {v:E:P}, {A})[1]', 'arrayShiftLeft({A}, {k})', 'arrayRotateRight({A}, {k})', 'arrayUnion({A}, {A}) = [] ? {A} : {A}', 'arrayZip({A}, {A}).1']
ARRAYS_OF = {'i': ['range({k})', 'arrayEnumerate({a})', 'arrayEnumerateUniq({a})', 'arrayCumSum({ai})', 'arrayDifference({ai})', 'arrayMap((v, w) -> v + w, {ai}, arrayResize({ai}, 2))[1] = 0 ? {ai} : {ai}', 'arrayMap(v -> length(v), {as})', 'bitmapToArray(bitmapBuild([1, 2, {k}]))', 'arrayEnumerateDense({a})', 'arrayPartialSort(2, {ai})[1] > 0 ? {ai} : {ai}', 'mapValues(map({w}, {i}))', 'bitPositionsToArray({i8})'],
             's': ['splitByChar(\',\', {s})', 'splitByString({w}, {s})', 'mapKeys({m})', 'extractAll({s}, {r})', 'arrayMap(v -> toString(v), {a})', 'alphaTokens({s})', 'ngrams({s}, 2)', 'splitByRegexp({r}, {s})', 'splitByWhitespace({s})', 'tokens({s})', 'extractAllGroups({s}, \'(a)(.)\')[1]', 'JSONExtractKeys({w})', 'splitByNonAlpha({s})']}
SINGLE = 'ifnsdteupb'
HOLE = re.compile(r'\{([^{}]+)\}')
LIKES = ["'%a%'", "'a%'", "'%c'", "'_b%'", "'%\\\\%%'", "'abc'", "'%é%'", "''", "'%'", "'%l_o%'"]
REGEXPS = ["'a.'", "'^[a-z]+$'", "'[0-9]+'", "'(?i)ABC'", "'\\\\\\\\d'", "'o|l'", "'^$'", "'\\\\\\\\w+'"]


class Expressions:
    """`scope` holds (text, kind, inner kind) of what may be named."""

    def __init__(self, r, scope=(), budget=26):
        self.r, self.scope, self.names, self.budget = r, list(scope), 0, budget

    def constant(self, kind):
        r = self.r
        if kind == 'i':
            if r.random() < .8:
                return str(r.randint(-3, 12))
            name = r.choice(list(tv.INTEGERS))
            return "to%s('%s')" % (name, tv.integer(r, name))
        if kind == 'f':
            v = tv.floating(r)
            return v if v[0] in '0123456789' else 'toFloat64(\'%s\')' % v
        if kind in 'ab':
            return 'true' if kind == 'b' else '[1, 2]'
        made = {'n': lambda: "toDecimal64('%.2f', 2)" % r.uniform(-9, 99), 's': lambda: tv.string(r), 'd': lambda: 'toDate(%s)' % tv.date(r), 't': lambda: 'toDateTime(%s)' % tv.moment(r),
                'e': lambda: "CAST('%s' AS %s)" % (r.choice(['a', 'bb', '']), tv.ENUM), 'u': lambda: 'toUUID(%s)' % tv.value(r, 'UUID'), 'p': lambda: 'toIPv4(%s)' % tv.value(r, 'IPv4'),
                'm': lambda: "map('a', %d)" % r.randint(0, 9), 'T': lambda: "(1, 'a')", 'P': lambda: str(r.randint(0, 1))}
        return made[kind]()

    def leaf(self, kind):
        """A column of the kind if there is one, else a constant."""
        named = [t for t, k, _ in self.scope if k == kind or kind == 'P' and k == 'b']
        if named and self.r.random() < .85:
            return self.r.choice(named)
        if kind == 'P' and self.scope:
            text, k, _ = self.r.choice(self.scope)
            if k in SINGLE:
                return '%s %s %s' % (text, self.r.choice(['=', '<', '>', '!=', '<=', '>=']), self.constant(k) if self.r.random() < .9 else 'NULL')
        return self.constant(kind) if self.r.random() < .97 else 'NULL'

    def array(self, kind, depth):
        named = [t for t, k, inner in self.scope if k == 'a' and inner == kind]
        if depth <= 0 or self.budget <= 0 or named and self.r.random() < .4:
            if named and self.r.random() < .9:
                return self.r.choice(named)
            return '[%s]' % ', '.join(self.constant(kind) for _ in range(self.r.choice([1, 2, 3])))
        return self.fill(self.r.choice(ARRAYS + ARRAYS_OF.get(kind, []) * 2), kind, depth)

    def make(self, kind, depth):
        r = self.r
        self.budget -= 1
        if kind == '*':
            kind = r.choice(['i', 's', 'f', 'd', 't', 'n', 'e', 'u', 'p', 'b', 'a', 'm', 'T', 'x'])
        if kind == 'x':
            kind = r.choice(SINGLE)
        if kind == '#':
            kind = r.choice('iiifn')
        if kind == 'D':
            kind = r.choice('dt')
        if kind == 'a':
            return self.array(r.choice('iiisssfdt'), depth)
        if depth <= 0 or self.budget <= 0 or r.random() < .18:
            return self.leaf(kind)
        own = TEMPLATES[kind]
        if kind != 'P' and (not own or r.random() < .15):
            own = SAME
        return self.fill(r.choice(own), kind, depth)

    def lambda_body(self, spec, kind):
        name, over, result = spec.split(':')
        self.names += 1
        new = name + str(self.names)
        over, result = (kind if x == 'E' else x for x in (over, result))
        outer, self.scope = self.scope, [(new, over, '')] * 4 + self.scope
        body = self.make(result, 1)
        self.scope = outer
        return new, body

    def hole(self, what, kind, depth):
        r = self.r
        if what == '=':
            return self.make(kind, depth)
        if what in 'EA' and len(what) == 1:
            return self.make(kind, depth) if what == 'E' else self.array(kind, depth)
        if what == 'k':
            return str(r.choice([0, 1, 2, 3, 5, -1, -2, 10])) if r.random() < .9 else self.leaf('i')
        if what[0] == 'a' and len(what) == 2:
            return self.array(what[1], depth)
        simple = {'kk': lambda: str(r.choice([1, 2, 3, 7, -2])), 'k1': lambda: str(r.randint(1, 4)), 'k2': lambda: str(r.randint(0, 4)), 'w': lambda: "'%s'" % r.choice(tv.WORDS), 'w2': lambda: tv.date(r), 'l': lambda: r.choice(LIKES),
                  'r': lambda: r.choice(REGEXPS), 'sc': lambda: r.choice(["'.'", "' '", "'/'"]), 'i8': lambda: 'toInt64(ifNull(%s, 0) %% 100000)' % self.leaf('i') if r.random() < .5 else str(r.randint(0, 99999)), 'd1': lambda: tv.date(r),
                  'u1': lambda: tv.value(r, 'UUID'), 'p4': lambda: "toIPv4(%s)" % tv.value(r, 'IPv4'), 'y': lambda: str(r.choice([1970, 2000, 2024, 2100]))}
        return simple[what]() if what in simple else self.make(what, depth)

    def fill(self, template, kind, depth):
        renamed = {}

        def put(found):
            what = found.group(1)
            if ':' in what:
                new, body = self.lambda_body(what, kind)
                renamed[what[0]] = new
                return body
            text = self.hole(what, kind, depth - 1)
            return '(%s)' % text if ' ' in text and not text.endswith(')') or text.startswith('-') else text
        text = HOLE.sub(put, template.replace('{{}}', '\0')).replace('\0', '{}')
        for old, new in renamed.items():
            text = re.sub(r'(\(|, )%s( ->|, )' % old, r'\g<1>%s\g<2>' % new, text, count=1) if old + ' ->' in text or old + ', ' in text else text
        if '{' not in text and not text.startswith('(') and re.search(r' (AND|OR|IN|LIKE|BETWEEN|IS|\?|[-+*/%<>=]+|!=|\|\|) ', text) and not re.match(r'^\w+\([^()]*\)$', text):
            text = '(%s)' % text
        return text
