#!/usr/bin/env python3
"""Synthetic generator of the ClickBench `hits` table (105 columns) as Parquet.

Same column names, order and physical Parquet types as the public hits.parquet (EventDate is a UINT16 day number,
the three times are INT64 Unix seconds, texts are plain BYTE_ARRAY). Rows come out ordered by
(CounterID, EventDate, UserID, EventTime). Everything is a pure function of (--seed, --rows).

The work goes in batches of whole (CounterID, EventDate) units, so memory does not grow with --rows; user
attributes and text are derived by hashing ids, never kept in per-user tables.
SPDX-License-Identifier: Apache-2.0
"""
import argparse, json, os, sys, time
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

U64 = np.uint64
DAY0 = 15888  # 2013-07-02, the first day that occurs in the real data
DAYS = 30     # ..2013-07-31

# ---------------------------------------------------------------- hashing
def mix(x):
    """splitmix64 finaliser on a uint64 array"""
    x = np.asarray(x, dtype=np.uint64)
    with np.errstate(over='ignore'):
        x = x + U64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> U64(30))) * U64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> U64(27))) * U64(0x94D049BB133111EB)
        return x ^ (x >> U64(31))

def hs(key, salt):
    with np.errstate(over='ignore'):
        return mix(np.asarray(key, dtype=np.uint64) ^ U64((salt * 0xD6E8FEB86659FD93) & 0xFFFFFFFFFFFFFFFF))

def lut(values, weights, n=65536, dtype=None):
    """table of n slots in which value i takes a share of weights[i]; index it with 16 hash bits"""
    w = np.asarray(weights, dtype=float)
    c = np.cumsum(w / w.sum()) * n
    idx = np.searchsorted(c, np.arange(n) + 0.5)
    return np.asarray(values, dtype=dtype)[np.minimum(idx, len(values) - 1)]

def pick(table, h, shift=0):
    return table[((h >> U64(shift)) & U64(len(table) - 1)).astype(np.int64)]

# ---------------------------------------------------------------- vocabulary
COMMON = ('и в на для купить цена смотреть онлайн бесплатно скачать видео фото новости сайт форум магазин каталог отзывы '
          'продажа недвижимость квартира авто запчасти работа вакансии погода карта расписание игры фильмы сериал музыка '
          'мобильные телефоны одежда обувь детская мебель ремонт своими руками рецепты здоровье женский журнал знакомства '
          'гороскоп объявления москва санкт-петербург украина киев область дешево доставка скидки распродажа интернет '
          'главная страница поиск результаты список описание характеристики модель размер цвет новый сезон серия').split()
ONS = 'б в г д ж з к л м н п р с т ф х ц ч ш ст пр кр тр гр бл сл кв'.split()
VOW = 'а е и о у ы я ю'.split()
COD = ['', '', '', 'н', 'р', 'л', 'к', 'т', 'й', 'сь', 'ть', 'м']
LAT = dict(zip('абвгдежзийклмнопрстуфхцчшщыьэюя-',
               'a b v g d e zh z i j k l m n o p r s t u f h c ch sh sch y  e yu ya -'.split(' ')))

def make_vocab(rng, n):
    words = list(COMMON)
    seen = set(words)
    while len(words) < n:
        k = int(rng.choice([1, 2, 2, 3, 3, 4]))
        w = ''.join(ONS[int(rng.integers(len(ONS)))] + VOW[int(rng.integers(len(VOW)))] for _ in range(k))
        w += COD[int(rng.integers(len(COD)))]
        if w not in seen:
            seen.add(w); words.append(w)
    lat = [''.join(LAT.get(ch, '') for ch in w) for w in words]
    enc = [''.join('%%%02X' % b for b in w.encode()) for w in words]
    B = lambda l: pa.array([x if isinstance(x, bytes) else x.encode() for x in l], pa.binary())
    return B(words), B([w.capitalize() for w in words]), B(lat), B(enc)

def zipf_lut(n, s, slots=1 << 18):
    return lut(np.arange(n), (np.arange(n) + 2.7) ** -s, n=slots, dtype=np.int32)

def B(x): return x.encode()
def take(arr, idx): return arr.take(pa.array(idx))
def join(*parts): return pc.binary_join_element_wise(*parts, b'')
def const(v): return pa.scalar(v, pa.binary())
def itos(a): return pc.cast(pa.array(a), pa.string()).cast(pa.binary())

# ---------------------------------------------------------------- the counters
HEAVY = {  # id: (share of rows, mean URL bytes)
    3922: (.0853, 88), 199550: (.0712, 70), 105857: (.0506, 78), 122612: (.0357, 238), 233773: (.0294, 460),
    245438: (.0251, 270), 38: (.0201, 75), 46429: (.0173, 62), 1302: (.0142, 95), 97467: (.0131, 66),
    52: (.0118, 58), 114157: (.0113, 142), 256004: (.0106, 125), 786: (.0102, 180), 62: (.00738, 93),
    95427: (.0037, 120), 1634: (.0032, 197), 234004: (.0024, 199), 515: (.0015, 126),
}

def counters(rng, rows):
    nt = 6500
    ids = rng.choice(np.setdiff1d(np.arange(1, 262000), list(HEAVY)), nt, replace=False)
    w = (np.arange(nt) + 8.0) ** -1.05
    rest = 1 - sum(v[0] for v in HEAVY.values())
    share = {int(k): float(v) for k, v in zip(ids, w / w.sum() * rest)}
    share.update({k: v[0] for k, v in HEAVY.items()})
    c = np.array(sorted(share))
    p = np.array([share[int(k)] for k in c]); p /= p.sum()
    n = np.maximum(np.floor(p * rows), 1).astype(np.int64)
    i62 = int(np.where(c == 62)[0][0])
    n[i62] = max(n[i62], min(70000, rows // 8))       # keeps the OFFSET queries on CounterID 62 non-empty at small scale
    left = int(rows - n.sum())
    for i in np.argsort(-n, kind='stable'):           # the largest takes the rest; at small scale several give some of theirs
        step = max(left, 1 - int(n[i])) if int(i) != i62 or left >= 0 else 0
        n[i] += step; left -= step
        if left == 0: break
    if left: raise SystemExit('at least 20000 rows: there are %d counters' % len(n))
    return c.astype(np.int32), n

# ---------------------------------------------------------------- generator
class Gen:
    def __init__(self, rows, seed):
        self.rows, self.rng = rows, np.random.default_rng(seed)
        self.seed = seed
        rng = self.rng
        self.words, self.caps, self.lat, self.enc = make_vocab(rng, 24000)
        self.wz = zipf_lut(24000, 0.92)
        self.wz_steep = zipf_lut(24000, 1.12)
        self.cid, self.cn = counters(rng, rows)
        dw = np.array([1.0 if (DAY0 + d + 3) % 7 < 5 else .82 for d in range(DAYS)])
        self.dw = dw / dw.sum()
        self.users = int(17.63e6 * (rows / 1e8) ** .95 * 1.42)   # id space; ~70% of it gets drawn
        self.domains = self.make_domains()
        self.phr_space = max(2000, int(6.0e6 * (rows / 1e8) ** .93 * 1.25))
        self.tables()

    def make_domains(self):
        tld = ['ru', 'ru', 'ru', 'ru', 'com', 'com.ua', 'ua', 'net', 'org', 'рф', 'kz', 'by']
        out = []
        for c in self.cid:
            h = int(hs(np.array([c]), 11)[0])
            w1 = self.lat[40 + h % 9000].as_py().decode(); w2 = self.lat[40 + (h >> 20) % 9000].as_py().decode()
            sep = ['', '-', '', ''][(h >> 40) & 3]
            t = tld[(h >> 44) % len(tld)]
            if t == 'рф': t = 'xn--p1ai'
            out.append((('https://' if h >> 50 & 15 == 0 else 'http://') + ('www.' if h >> 54 & 3 == 0 else '') + w1 + sep + w2 + '.' + t).encode())
        return pa.array(out, pa.binary())

    def tables(self):
        rng = self.rng
        reg = {229: .183, 2: .0669, 208: .0426, 169: .0332, 32: .0184, 34: .0179, 184: .0176, 42: .0154, 107: .0152, 51: .0144}
        tail = rng.choice(np.setdiff1d(np.arange(1, 135000), list(reg)), 9030, replace=False)
        tw = (np.arange(9030) + 12.0) ** -1.05
        rest = 1 - sum(reg.values())
        self.t_region = lut(list(reg) + list(tail), list(reg.values()) + list(tw / tw.sum() * rest), n=1 << 20, dtype=np.int32)
        self.t_os = lut([44, 2, 79, 15, 42, 107, 83, 35, 111, 38, 0, 27, 5, 9] + list(range(112, 180)),
                        [40, 18, 9, 8, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1] + [.03] * 68, dtype=np.int16)
        self.t_ua = lut([7, 5, 3, 82, 1, 4, 57, 2, 55, 11] + list(range(83, 150)), [38, 20, 15, 8, 6, 4, 3, 2, 2, 1] + [.02] * 67, dtype=np.int16)
        self.t_uamaj = lut([27, 22, 12, 10, 9, 28, 6, 8, 5, 0] + list(range(13, 22)), [25, 20, 14, 10, 8, 7, 5, 4, 3, 2] + [.3] * 9, dtype=np.int16)
        res = [(1366, 768), (1280, 1024), (1920, 1080), (1024, 768), (1600, 900), (1440, 900), (1680, 1050), (1280, 800), (1638, 1658),
               (1996, 1781), (1750, 768), (1368, 554), (1304, 978), (2560, 1440), (0, 0), (360, 640), (768, 1024), (1087, 1368)]
        rw = [18, 9, 14, 6, 8, 6, 6, 5, 9, 8, 5, 3, 2, 3, 1.2, 2, 1.5, 1]
        self.t_res = lut(np.arange(len(res)), rw, dtype=np.int16)
        self.res_w = np.array([r[0] for r in res], np.int16); self.res_h = np.array([r[1] for r in res], np.int16)
        self.t_depth = lut([37, 23, 15, 22, 24], [62, 20, 12, 5, 1], dtype=np.int16)
        self.t_flash = lut([15, 14, 0, 13, 11, 10], [60, 16, 14, 6, 3, 1], dtype=np.int16)
        self.t_flmin = lut([7, 0, 8, 2, 5, 4, 1], [52, 20, 14, 8, 3, 2, 1], dtype=np.int16)
        self.flmin2 = pa.array([b'700', b'0', b'', b'800.94', b'700.224', b'600.3', b'502.146', b'202.233', b'180', b'34'], pa.binary())
        self.t_flmin2 = lut(np.arange(10), [46, 20, 14, 6, 5, 3, 2, 2, 1, 1], dtype=np.int32)
        models = ['', 'iPad', 'iPhone', 'A500', 'N8-00', 'ONE TOUCH 6030A', 'GT-P7300B', 'GT-I9500', 'GT-I9300', 'GT-N7000', 'GT-P5100', 'eagle75', 'HTC Desire', 'LT26i']
        models += ['%s%d' % (p, int(rng.integers(100, 9999))) for p in ['GT-S', 'SM-T', 'C', 'E', 'X', 'LG-P', 'U'] for _ in range(22)]
        mw = [93.3, 4.9, .45, .16, .11, .1, .09, .08, .08, .07, .06, .05, .04, .04] + list(.45 * (w := (np.arange(154) + 3.) ** -1.2) / w.sum())
        self.models = pa.array([m.encode() for m in models], pa.binary())
        self.t_model = lut(np.arange(len(models)), mw, n=1 << 18, dtype=np.int32)
        self.model_phone = np.array([0] + [int(x) for x in rng.integers(1, 90, len(models) - 1)], np.int16)
        self.t_tz = lut([135, 120, 180, 240, 300, 60, 0, 360, 420, -1], [55, 12, 12, 6, 5, 3, 2, 2, 2, 1], dtype=np.int16)
        self.t_age = lut([0, 31, 16, 22, 26, 39, 50], [46, 14, 6, 12, 11, 7, 4], dtype=np.int16)
        self.t_sex = lut([0, 1, 2], [46, 25, 29], dtype=np.int16)
        self.t_inc = lut([0, 1, 2, 3], [50, 12, 28, 10], dtype=np.int16)
        self.t_rob = lut([0, 1, 10, 21, 29, 35, 60], [80, 4, 5, 4, 3, 2, 2], dtype=np.int16)
        intr = np.concatenate([[0], rng.integers(1, 32000, 400)])
        self.t_int = lut(intr, [55] + list(45 / 400 * np.ones(400)), dtype=np.int16)
        self.lang = pa.array([B(x) for x in ('S\ufffd', 'en', 'uk', '\u0418i', 'm\x1b', 'y\ufffd', 'ru')], pa.binary())
        self.t_lang = lut(np.arange(7), [70, 8, 6, 6, 5, 3, 2], dtype=np.int32)
        self.country = pa.array([B(x) for x in ('h1', '\n\x03', 'u', '8c', 'kz', '\x03d', 'G\ufffd', 'US')], pa.binary())
        self.t_country = lut(np.arange(8), [60, 14, 8, 6, 5, 3, 2, 2], dtype=np.int32)
        self.t_se = lut([2, 3, 4, 13, 1, 24, 5, 33, 83, 28], [62, 24, 5, 3, 2, 1.5, 1, .6, .5, .4], dtype=np.int16)
        self.t_adv = lut([2, 27, 13, 45, 44, 3, 62, 52, 50, 28, 53, 25, 61, 21, 42, 16, 7, 22],
                         [404602, 113167, 45631, 38960, 9730, 6896, 5266, 3554, 938, 836, 350, 343, 158, 38, 20, 7, 3, 1], dtype=np.int16)
        self.charset = pa.array([b'windows', b'utf-8;charset', b'', b'windows-1251;charset', b'koi8-r', b'utf8'], pa.binary())
        self.t_charset = lut(np.arange(6), [48, 38, 8, 4, 1, 1], dtype=np.int32)
        self.t_code = lut([1601, 291, 324, 15, 1602, 1500, 247, 0], [30, 25, 20, 12, 6, 4, 2, 1], dtype=np.int32)
        self.hitcol = pa.array([b'5', b'D', b'F', b'E', b'c', b'g', b'5'], pa.binary())
        self.t_hit = lut(np.arange(7), [62, 14, 10, 7, 4, 2, 1], dtype=np.int32)
        self.keys = pa.array([b'id', b'page', b'cat', b'q', b'showtopic', b'category_id', b'product', b'state', b'item', b'view', b'from', b'sort'], pa.binary())
        self.sep1 = pa.array([b'/', b'/', b'/', b'-', b'_', b'/index.php?', b'/', b'.php?'], pa.binary())
        self.exts = pa.array([b'.html', b'/', b'', b'.htm', b'.php', b'.aspx', b'/?from=main', b'#comments'], pa.binary())
        self.engines = pa.array([b'http://yandex.ru/yandsearch?clid=9582&text=', b'http://www.google.ru/url?sa=t&rct=j&esrc=s&source=web&cd=1&q=',
                                 b'http://go.mail.ru/search?rch=l&q=', b'http://nova.rambler.ru/search?btnG=&query=', b'http://www.google.com.ua/search?hl=ru&q=',
                                 b'http://www.bing.com/search?form=MSN&q='], pa.binary())
        self.t_eng = lut(np.arange(6), [62, 14, 10, 4, 8, 2], dtype=np.int32)
        self.utmS = pa.array([b'', b'yandex_direct', b'direct', b'vkontakte', b'newsletter', b'mixmarket', b'adwords'], pa.binary())
        self.utmM = pa.array([b'', b'cpc', b'banner', b'email', b'cpa'], pa.binary())
        self.social = pa.array([b'', b'VKontakte', b'Odnoklassniki', b'facebook', b'twitter'], pa.binary())
        self.socact = pa.array([b'', b'like', b'share'], pa.binary())

    # -------- text from ids
    def word_idx(self, h, shift, steep=False):
        t = self.wz_steep if steep else self.wz
        return pick(t, h, shift)

    def phrase_words(self, pid):
        h1, h2 = hs(pid, 71), hs(pid, 72)
        n = np.array([1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 3, 4, 2, 4])[(h2 & U64(15)).astype(int)]
        idx = [self.word_idx(hs(pid, 80 + k), 3, steep=k > 1) for k in range(7)]
        return n, idx

    def phrases(self, pid, vocab, sep):
        n, idx = self.phrase_words(pid)
        out = take(vocab, idx[0])
        s = const(sep)
        for k in range(1, 7):
            m = n > k
            piece = join(s, take(vocab, idx[k]))
            out = join(out, pc.if_else(pa.array(m), piece, const(b'')))
        return out

    def urls(self, ci, rank):
        """text of page `rank` of counter index `ci` (both arrays, distinct pairs)"""
        key = (ci.astype(np.uint64) << U64(34)) | rank.astype(np.uint64)
        h, h2, h3 = hs(key, 21), hs(key, 22), hs(key, 23)
        dom = take(self.domains, ci.astype(np.int32))
        hc = hs(ci.astype(np.uint64), 31)                    # per-site shape
        hsec = hs((ci.astype(np.uint64) << U64(8)) | (h & U64(31)), 32)   # one of 32 sections of the site
        w1 = take(self.lat, self.word_idx(hsec, 0)); w2 = take(self.lat, self.word_idx(h, 8)); w3 = take(self.lat, self.word_idx(h2, 0))
        s1 = take(self.sep1, (hc & U64(7)).astype(np.int32)); s2 = take(self.sep1, ((hc >> U64(3)) & U64(3)).astype(np.int32))
        k1 = take(self.keys, ((hc >> U64(8)) % U64(12)).astype(np.int32)); k2 = take(self.keys, ((hc >> U64(14)) % U64(12)).astype(np.int32))
        idn = itos(((h3 >> U64(7)) % np.where(((hc >> U64(20)) & U64(1)) == 0, U64(90000), U64(99999999))).astype(np.int64))
        ext = take(self.exts, ((hc >> U64(24)) & U64(7)).astype(np.int32))
        body = join(dom, const(b'/'), w1, s1, w2, s2, w3)
        kind = (hc >> U64(30)) % U64(4)
        qa = join(const(b'?'), k1, const(b'='), idn)
        qb = join(const(b'/'), idn, ext)
        qc = join(const(b'/?'), k1, const(b'='), idn, const(b'&'), k2, const(b'='), w2)
        qd = join(const(b'-'), idn, const(b'.html?'), k2, const(b'='), w1, const(b'&lr=213'))
        tail = pc.if_else(pa.array(kind == 0), qa, pc.if_else(pa.array(kind == 1), qb, pc.if_else(pa.array(kind == 2), qc, qd)))
        out = join(body, tail)
        # the few sites with very long addresses
        want = self.url_len[ci]
        if (want > 110).any():
            q = const(b'&')
            filler = join(q, const(b'search_filter%5B'), take(self.enc, self.word_idx(h, 20, True)), const(b'%5D='), take(self.lat, self.word_idx(h2, 20)))
            filler2 = join(q, k2, const(b'_params='), take(self.enc, self.word_idx(h3, 20, True)), const(b'%2C'), take(self.enc, self.word_idx(h3, 40, True)), const(b'&hash='), itos((h2 >> U64(24)).astype(np.int64)))
            out = join(out, pc.if_else(pa.array(want > 110), filler, const(b'')))
            out = join(out, pc.if_else(pa.array(want > 170), filler2, const(b'')))
            out = join(out, pc.if_else(pa.array(want > 220), filler, const(b'')))
            out = join(out, pc.if_else(pa.array(want > 400), join(filler2, filler, filler2), const(b'')))
        root = (h % U64(97) == 0) | (rank == 0)
        out = pc.if_else(pa.array(root & (rank == 0)), join(dom, const(b'/')), out)
        # addresses that mention google: about 1 distinct page in 3000
        g = (h2 >> U64(5)) % U64(2600) == 0
        if g.any():
            g1 = join(dom, const(b'/'), w1, const(b'?from=www.google.ru&q='), w2, const(b'&'), k1, const(b'='), idn)
            g2 = join(body, const(b'?utm_source=google&utm_campaign='), w3, idn)
            which = (h3 & U64(3)) == 0
            out = pc.if_else(pa.array(g & which & (rank > 50)), g1, pc.if_else(pa.array(g & ~which & (rank > 50)), g2, out))
        return out

    def titles(self, ci, tid):
        key = (ci.astype(np.uint64) << U64(34)) | tid.astype(np.uint64)
        h = hs(key, 41)
        n = np.array([2, 3, 4, 5, 6, 7, 7, 8, 8, 9, 9, 10, 6, 5, 11, 12])[(h & U64(15)).astype(int)]
        sp, out = const(b' '), None
        for k in range(12):
            w = take(self.caps if k == 0 else self.words, self.word_idx(hs(key, 42 + k), 5, steep=(k & 1) == 1))
            out = w if out is None else join(out, pc.if_else(pa.array(n > k), join(sp, w), const(b'')))
        site = take(self.caps, ((hs(ci.astype(np.uint64), 61) % U64(9000)) + U64(40)).astype(np.int32))
        suf = (hs(ci.astype(np.uint64), 62) & U64(1)) == 0
        out = join(out, pc.if_else(pa.array(suf), join(const(' — '.encode()), site), join(const(b' | '), site)))
        g = (h >> U64(9)) % U64(1400) == 0
        if g.any():
            out = pc.if_else(pa.array(g), join(out, const(' - Поиск в Google'.encode())), out)
        return out

    # -------- one batch of (counter, date) units
    def batch(self, ci_u, d_u, n_u, rng):
        n = int(n_u.sum())
        unit = np.repeat(np.arange(len(n_u)), n_u)
        first = np.zeros(n, bool); first[np.concatenate([[0], np.cumsum(n_u)[:-1]])] = True
        start = first | (rng.random(n, dtype=np.float32) < .30)
        sid = np.cumsum(start) - 1
        ns = int(sid[-1]) + 1
        spos = np.flatnonzero(start)
        # session level
        su = np.minimum((self.users * rng.random(ns) ** 1.6).astype(np.int64), self.users - 1)
        hot = rng.random(ns) < .0016                           # a few robots with very many hits
        su[hot] = (rng.zipf(1.6, int(hot.sum())) % 997)
        ssec = (rng.beta(2.6, 1.7, ns) * 86000).astype(np.int64)
        ssearch = rng.random(ns) < .372
        sdirect = ~ssearch & (rng.random(ns) < .62)
        # row level, in session order
        u = su[sid]
        within = np.arange(n) - spos[sid]
        step = np.where(start, 0, rng.exponential(45, n)).astype(np.int64)
        cs = np.cumsum(step)
        sec = np.minimum(ssec[sid] + cs - cs[spos][sid], 86399)
        ci = ci_u[unit].astype(np.int64)
        # page rank: Zipf head or uniform tail over the pages of the site
        npages = self.npages[ci]
        r = rng.random(n)
        head = np.minimum((np.exp(r * np.log(np.minimum(npages, 4000) + 1.0)) - 1).astype(np.int64), npages - 1)
        tailp = rng.random(n) < .36
        rank = np.where(tailp, (rng.random(n) * npages).astype(np.int64), head)
        is62 = self.cid[ci] == 62
        k = int(is62.sum())
        if k:
            m = np.flatnonzero(is62 & (rng.random(n) < .30)); rank[m] = 0
        prev = np.empty(n, np.int64); prev[0] = 0; prev[1:] = rank[:-1]
        # where the visit comes from
        kind = np.full(n, 1, np.int8)                          # 1 inner page
        st_search, st_dir = start & ssearch[sid], start & sdirect[sid]
        kind[st_search] = 2; kind[st_dir] = 0
        ext = start & ~st_search & ~st_dir; kind[ext] = 3
        kind[~start & (rng.random(n) < .05)] = 0
        again = rng.random(n) < .15                            # search result opened again
        pid_head = (np.exp(rng.random(ns) * np.log(20000.0)) - 1).astype(np.int64)
        pid_tail = 20000 + (self.phr_space * rng.random(ns) ** 1.25).astype(np.int64)
        spid = np.where(rng.random(ns) < .24, pid_head, pid_tail)
        eid = rng.integers(0, 1 << 30, n)
        uid = (hs(u, 101) >> U64(1)).astype(np.int64)
        uid[u == 5] = 1313338681122956954
        # the order of the table
        o = np.lexsort((sec, uid, unit))
        (u, uid, sec, ci, unit, rank, prev, kind, sid, start, within) = (a[o] for a in (u, uid, sec, ci, unit, rank, prev, kind, sid, start, within))
        spidr = spid[sid]; cnt = self.cid[ci]; date = (DAY0 + d_u[unit]).astype(np.int64)
        et = date * 86400 + sec
        R = lambda *a: rng.integers(*a, size=n)
        F = lambda p: rng.random(n, dtype=np.float32) < p
        uh = [hs(u, 110 + j) for j in range(9)]
        sh = hs(sid.astype(np.uint64) ^ (u.astype(np.uint64) << U64(20)), 130)
        i16 = lambda x: pa.array(np.asarray(x).astype(np.int16)); i32 = lambda x: pa.array(np.asarray(x).astype(np.int32)); i64 = lambda x: pa.array(np.asarray(x).astype(np.int64))
        Z16, Z32, Z64 = i16(np.zeros(n)), i32(np.zeros(n)), i64(np.zeros(n))
        E = pa.array([b''], pa.binary()).take(pa.array(np.zeros(n, np.int32)))
        def sparse(p, arr_nonempty, seed_h=None):
            m = F(p)
            if not m.any(): return E
            return arr_nonempty.take(pa.array(np.where(m, 1 + (R(1 << 30) % (len(arr_nonempty) - 1)), 0).astype(np.int32)))
        # distinct addresses of this batch
        kU = (ci << 34) | rank
        refpage = np.where(kind == 1, prev, 0)
        kR = (ci << 34) | refpage
        keys, inv = np.unique(np.concatenate([kU, kR]), return_inverse=True)
        kci, krank = (keys >> 34), keys & ((1 << 34) - 1)
        utext = self.urls(kci, krank)
        uhash = (hs(keys, 201)).view(np.int64).copy()
        uhash[(self.cid[kci] == 62) & (krank == 0)] = 2868770270353813622
        iU, iR = inv[:n], inv[n:]
        URL = utext.take(pa.array(iU)); URLHash = uhash[iU]
        URL = pc.if_else(pa.array(F(.0012)), const(b''), URL)
        # titles: fewer than addresses
        kT = (ci << 34) | (rank // 2)
        tk, tinv = np.unique(kT, return_inverse=True)
        ttext = self.titles(tk >> 34, tk & ((1 << 34) - 1))
        Title = ttext.take(pa.array(tinv)); Title = pc.if_else(pa.array((uh[8] & U64(15)) == 0), const(b''), Title)
        # search phrases
        has = kind == 2
        hp = np.flatnonzero(has)
        pk, pinv = np.unique(spidr[hp], return_inverse=True)
        ptext = self.phrases(pk, self.words, b' ')
        penc = join(take(self.engines, pick(self.t_eng, hs(pk, 77))), self.phrases(pk, self.enc, b'+'), const(b'&lr='), itos((hs(pk, 78) % U64(300)).astype(np.int64)))
        slot = np.full(n, len(pk), np.int64); slot[hp] = pinv
        plus = lambda a: pa.concat_arrays([a, pa.array([b''], pa.binary())])
        SP = plus(ptext).take(pa.array(slot))
        refS = plus(penc).take(pa.array(slot))
        refE = take(self.domains, (hs(eid % 4000, 91) % U64(len(self.domains))).astype(np.int32))
        refE = join(refE, const(b'/'), take(self.lat, self.word_idx(hs(eid % 40000, 92), 0)), const(b'/'), itos(hs(eid % 40000, 93).astype(np.int64) % 100000 & 0xFFFF))
        Ref = utext.take(pa.array(iR))
        Ref = pc.if_else(pa.array(kind == 2), refS, pc.if_else(pa.array(kind == 3), refE, pc.if_else(pa.array(kind == 0), const(b''), Ref)))
        rh = uhash[iR] ^ np.int64(0x5bd1e995)
        m0 = (cnt == 62) & (kind == 1) & (refpage == 0); rh[m0] = 3594120000172545465
        rh = np.where(kind == 2, hs(spidr, 205).view(np.int64), np.where(kind == 3, hs(eid, 206).view(np.int64), np.where(kind == 0, np.int64(-296158784638538920), rh)))
        adv = np.where((kind == 2) & F(.0475), pick(self.t_adv, hs(eid, 95)), 0).astype(np.int16)
        se = np.where(kind == 2, pick(self.t_se, hs(spidr, 96)), 0).astype(np.int16)
        ts = np.select([kind == 2, kind == 0, kind == 3], [np.where(adv != 0, 3, 2), 0, 1], -1).astype(np.int16)
        ts[(kind == 1) & F(.02)] = 6
        ri = pick(self.t_res, uh[0], 0); rw, rhh = self.res_w[ri], self.res_h[ri]
        mi = pick(self.t_model, uh[1], 0); mobile = mi > 0
        tz = pick(self.t_tz, uh[0], 16)
        ipk = u.astype(np.uint64) * U64(8) + (sh & U64(7)) * ((uh[1] >> U64(40)) & U64(1))     # half of the users change address
        ip = hs(ipk, 140); cip = (ip & U64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)
        refresh = F(.117)
        wcw = np.maximum(rw.astype(np.int64) - np.array([0, 17, 20, 34, 110])[(sh >> U64(3)).astype(np.int64) % 5] - (hs(sid, 150) % U64(160)).astype(np.int64) * ((sh >> U64(50)) & U64(1)).astype(np.int64), 0)
        wch = np.maximum(rhh.astype(np.int64) - 60 - (hs(sid, 151) % U64(260)).astype(np.int64), 0)
        timing = F(.36)
        T = lambda mu, s: np.where(timing, np.minimum(rng.lognormal(mu, s, n), 30000), 0).astype(np.int32)
        uk = hs(keys, 210)
        cols = {
            'WatchID': i64((hs(np.arange(n, dtype=np.uint64) + U64(self.base), 160) >> U64(1)).astype(np.int64)),
            'JavaEnable': i16((uh[2] & U64(7)) > U64(1)), 'Title': Title, 'GoodEvent': i16(np.ones(n)),
            'EventTime': i64(et), 'EventDate': pa.array(date.astype(np.uint16)), 'CounterID': i32(cnt), 'ClientIP': pa.array(cip),
            'RegionID': pa.array(pick(self.t_region, uh[3], 0)), 'UserID': i64(uid),
            'CounterClass': i16((hs(cnt, 33) % U64(3)).astype(np.int64) - 1),
            'OS': pa.array(pick(self.t_os, uh[0], 32)), 'UserAgent': pa.array(pick(self.t_ua, uh[0], 48)),
            'URL': URL, 'Referer': Ref, 'IsRefresh': i16(refresh),
            'RefererCategoryID': i16(np.where((kind == 1), (uk[iR] % U64(2) * (uk[iR] >> U64(8)) % U64(15000)).astype(np.int64), 0)),
            'RefererRegionID': i32(np.where(kind == 1, (hs(cnt, 34) % U64(900)).astype(np.int64), 0)),
            'URLCategoryID': i16(np.where((uk[iU] & U64(1)) == 0, 0, (hs(cnt, 35) % U64(15500)).astype(np.int64))),
            'URLRegionID': i32((hs(cnt, 36) % U64(900)).astype(np.int64)),
            'ResolutionWidth': pa.array(rw), 'ResolutionHeight': pa.array(rhh), 'ResolutionDepth': pa.array(pick(self.t_depth, uh[2], 16)),
            'FlashMajor': pa.array(pick(self.t_flash, uh[2], 32)), 'FlashMinor': pa.array(pick(self.t_flmin, uh[2], 48)),
            'FlashMinor2': take(self.flmin2, pick(self.t_flmin2, uh[4], 0)),
            'NetMajor': i16((uh[4] >> U64(16)) % U64(12) == U64(0)), 'NetMinor': i16(np.where((uh[4] >> U64(16)) % U64(12) == U64(0), 1, 0)),
            'UserAgentMajor': pa.array(pick(self.t_uamaj, uh[4], 32)),
            'UserAgentMinor': take(self.uamin, pick(self.t_uami, uh[4], 48)),
            'CookieEnable': i16((uh[5] & U64(255)) != U64(0)), 'JavascriptEnable': i16(np.ones(n)), 'IsMobile': i16(mobile),
            'MobilePhone': pa.array(self.model_phone[mi]), 'MobilePhoneModel': take(self.models, mi),
            'Params': sparse(.012, self.params), 'IPNetworkID': i32((uh[5] >> U64(8)) % U64(4100000)),
            'TraficSourceID': pa.array(ts), 'SearchEngineID': pa.array(se), 'SearchPhrase': SP, 'AdvEngineID': pa.array(adv),
            'IsArtifical': i16(F(.015)), 'WindowClientWidth': i16(wcw), 'WindowClientHeight': i16(wch), 'ClientTimeZone': pa.array(tz),
            'ClientEventTime': i64(et + (uh[5] >> U64(40)).astype(np.int64) % 4000 - 600),
            'SilverlightVersion1': i16(np.where((uh[6] & U64(3)) == 0, 0, 4 + ((uh[6] >> U64(2)) & U64(1)).astype(np.int64))),
            'SilverlightVersion2': i16(np.where((uh[6] & U64(3)) == 0, 0, 1)), 'SilverlightVersion3': i32(np.where((uh[6] & U64(3)) == 0, 0, 19832)),
            'SilverlightVersion4': Z16, 'PageCharset': take(self.charset, pick(self.t_charset, hs(cnt, 37), 0)),
            'CodeVersion': pa.array(pick(self.t_code, hs(cnt, 38), 0)),
            'IsLink': i16(F(.03) | ((cnt == 62) & F(.09))), 'IsDownload': i16(F(.004)), 'IsNotBounce': i16(F(.04)),
            'FUniqID': i64(np.where((uh[6] >> U64(8)) & U64(1) == U64(0), 0, (hs(u, 170) >> U64(1)).astype(np.int64))),
            'OriginalURL': pc.if_else(pa.array(F(.11)), URL, const(b'')), 'HID': i32(R(0, 1 << 30)),
            'IsOldCounter': Z16, 'IsEvent': i16(F(.07)), 'IsParameter': i16(F(.01)), 'DontCountHits': i16(F(.13)), 'WithHash': i16(F(.04)),
            'HitColor': take(self.hitcol, pick(self.t_hit, hs(eid, 99), 0)), 'LocalEventTime': i64(et + tz.astype(np.int64) * 60 - 8100),
            'Age': pa.array(pick(self.t_age, uh[6], 16)), 'Sex': pa.array(pick(self.t_sex, uh[6], 32)), 'Income': pa.array(pick(self.t_inc, uh[6], 48)),
            'Interests': pa.array(pick(self.t_int, uh[7], 0)), 'Robotness': pa.array(pick(self.t_rob, uh[7], 16)),
            'RemoteIP': pa.array((hs(ipk, 141) & U64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)),
            'WindowName': i32(np.where((sh >> U64(9)) & U64(3) == U64(0), (sh >> U64(33)).astype(np.int64), -1)),
            'OpenerName': i32(np.where((sh >> U64(11)) & U64(7) == U64(0), (sh >> U64(34)).astype(np.int64), -1)),
            'HistoryLength': i16(np.minimum(within + 1 + (sh >> U64(20)).astype(np.int64) % 4, 50)),
            'BrowserLanguage': take(self.lang, pick(self.t_lang, uh[7], 32)), 'BrowserCountry': take(self.country, pick(self.t_country, uh[7], 48)),
            'SocialNetwork': sparse(.0012, self.social), 'SocialAction': sparse(.0009, self.socact), 'HTTPError': Z16,
            'SendTiming': T(3.2, 1.6), 'DNSTiming': T(1.2, 1.8), 'ConnectTiming': T(3.4, 1.2), 'ResponseStartTiming': T(5.4, 1.0),
            'ResponseEndTiming': T(5.0, 1.3), 'FetchTiming': T(6.4, 1.1), 'SocialSourceNetworkID': i16(np.where(F(.002), 3, 0)),
            'SocialSourcePage': sparse(.0012, self.socpage), 'ParamPrice': Z64, 'ParamOrderID': sparse(.0006, self.params),
            'ParamCurrency': pa.array([b'NH\x1c'], pa.binary()).take(pa.array(np.zeros(n, np.int32))), 'ParamCurrencyID': Z16,
            'OpenstatServiceName': sparse(.006, self.utmS), 'OpenstatCampaignID': sparse(.006, self.params), 'OpenstatAdID': sparse(.006, self.params),
            'OpenstatSourceID': sparse(.006, self.params), 'UTMSource': sparse(.02, self.utmS), 'UTMMedium': sparse(.02, self.utmM),
            'UTMCampaign': sparse(.019, self.params), 'UTMContent': sparse(.007, self.params), 'UTMTerm': sparse(.006, self.params),
            'FromTag': sparse(.004, self.params), 'HasGCLID': i16(F(.0026)), 'RefererHash': i64(rh), 'URLHash': i64(URLHash),
            'CLID': i32(np.where(F(.002), R(1, 3000000), 0)),
        }
        self.base += n
        t = pa.table(cols)
        return t

    def run(self, out, group, codec, level, verbose=True):
        self.base = 0
        ul = np.array([HEAVY.get(int(c), (0, 70))[1] for c in self.cid]); self.url_len = ul
        self.npages = np.maximum((self.cn * (.42 + .3 * ((hs(self.cid, 39) & U64(255)).astype(float) / 255))).astype(np.int64), 3)
        self.params = pa.array([b''] + [b'%s=%d' % (self.lat[50 + i].as_py(), i * 37) for i in range(600)], pa.binary())
        self.socpage = pa.array([b''] + [b'/%s/%d' % (self.lat[80 + i].as_py(), i) for i in range(300)], pa.binary())
        self.uamin = pa.array([B(x) for x in ('D\ufffd', 'sO', '2', '\u0414', '', '0', 'D', 'sH', '7', 'Wt')], pa.binary())
        self.t_uami = lut(np.arange(10), [30, 18, 12, 10, 8, 8, 6, 4, 2, 2], dtype=np.int32)
        rng = np.random.default_rng([self.seed, 7])
        per = np.empty((len(self.cid), DAYS), np.int64)
        for i, n in enumerate(self.cn):
            per[i] = rng.multinomial(n, self.dw)
        ci_u, d_u = [a.ravel() for a in np.meshgrid(np.arange(len(self.cid)), np.arange(DAYS), indexing='ij')]
        n_u = per.ravel(); m = n_u > 0; ci_u, d_u, n_u = ci_u[m], d_u[m], n_u[m]
        edges, acc = [0], 0
        for i, k in enumerate(n_u):
            acc += k
            if acc >= group: edges.append(i + 1); acc = 0
        if edges[-1] != len(n_u): edges.append(len(n_u))
        if len(edges) > 2 and n_u[edges[-2]:].sum() < group // 3: edges.pop(-2)
        w, t0, done = None, time.time(), 0
        planted = 0
        for b in range(len(edges) - 1):
            a, z = edges[b], edges[b + 1]
            t = self.batch(ci_u[a:z], d_u[a:z], n_u[a:z], np.random.default_rng([self.seed, 1000 + b]))
            if b in (1, (len(edges) - 1) // 2, len(edges) - 2) and planted < 4:
                t, k = plant(t, 2 if planted == 0 else 1); planted += k
            if w is None:
                fields = [f.with_nullable(False) for f in t.schema]
                schema = pa.schema(fields)
                w = pq.ParquetWriter(out, schema, compression=codec, compression_level=level, version='2.6', data_page_version='1.0', write_statistics=True)
            w.write_table(t.cast(schema), row_group_size=1 << 30)
            done += t.num_rows
            if verbose and (b % 5 == 0 or b == len(edges) - 2):
                print('%9d rows  %5.1fs' % (done, time.time() - t0), file=sys.stderr, flush=True)
        w.close()
        return done, time.time() - t0

def plant(t, k):
    """give k rows of this batch the user that the point query looks for, kept at a place where the order holds"""
    want = 435090932899640449
    u = t['UserID'].to_numpy().copy(); c = t['CounterID'].to_numpy(); d = t['EventDate'].to_numpy()
    same = np.empty(len(u), bool); same[0] = False; same[1:] = (c[1:] == c[:-1]) & (d[1:] == d[:-1])
    up = np.empty(len(u), np.int64); up[:-1] = u[1:]; up[-1] = np.iinfo(np.int64).max
    last = np.empty(len(u), bool); last[-1] = True; last[:-1] = ~same[1:]
    ok = np.flatnonzero((~same | (np.concatenate([[0], u[:-1]]) <= want)) & (last | (up >= want)))
    ok = ok[len(ok) // 2: len(ok) // 2 + k]
    u[ok] = want
    i = t.schema.get_field_index('UserID')
    return t.set_column(i, 'UserID', pa.array(u)), len(ok)

def main():
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--rows', type=int, default=10_000_000, help='rows to make; 10,000,000')
    ap.add_argument('--seed', type=int, default=1, help='another seed gives other data of the same shape')
    ap.add_argument('--out', default='hits.parquet', help='file to write')
    ap.add_argument('--row-group', type=int, default=500_000, help='rows of a row group')
    ap.add_argument('--codec', default='zstd', choices=['zstd', 'snappy', 'none'], help='compression of the pages')
    ap.add_argument('--level', type=int, default=None, help='level of the compression')
    a = ap.parse_args()
    os.makedirs(os.path.dirname(a.out) or '.', exist_ok=True)
    tmp = a.out + '.part'
    n, s = Gen(a.rows, a.seed).run(tmp, min(a.row_group, max(a.rows // 8, 1000)), a.codec, a.level)
    os.replace(tmp, a.out)
    print(json.dumps({'rows': n, 'seconds': round(s, 1), 'bytes': os.path.getsize(a.out), 'file': a.out}))

if __name__ == '__main__':
    main()
