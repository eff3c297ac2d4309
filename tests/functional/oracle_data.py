# SPDX-License-Identifier: Apache-2.0
"""oracle_data.py: small random datasets for oracle.py, with copies of every tier, and what the audit is told about them.

A dataset depends on its seed alone. What is written is parsed here again, not by the code under test.
"""
import json
import os
import random
import re
import unicodedata

from oracle_text import normal_form, tokens

# ---- records -----------------------------------------------------------------------------------


class Record:
    def __init__(self, file, ordinal, raw, fields):
        self.file, self.ordinal, self.raw = file, ordinal, raw
        self.fields = fields  # path, value
        self.place = (file.name.encode(), ordinal)

    def settle(self, opt):
        chosen = opt.get('fields')
        self.texts = [(i, v) for i, (p, v) in enumerate(self.fields)
                      if isinstance(v, str) and (chosen is None or p == chosen or p.startswith(chosen + '/'))]
        form = tuple(normal_form(v) for _, v in self.texts)
        self.short = opt['normalised'] and sum(map(len, form)) < opt['min_chars']
        self.form = ('bytes', self.raw) if self.short or not opt['normalised'] else ('form', form)
        self.tokens = [t for _, v in self.texts for t in tokens(v)]
        self.spans = [(i, tokens(v)) for i, v in self.texts]
        self.split = self.file.split
        value = dict(self.fields).get(opt['split_field']) if 'split_field' in opt else None
        if isinstance(value, str) and not self.file.benchmark:
            self.split = opt['labels'].get(value.lower(), opt['labels'].get(value, 'none'))


class File:
    def __init__(self, name, data):
        self.name, self.data = name, data
        self.records, self.split, self.benchmark = [], 'none', False


# ---- making datasets ---------------------------------------------------------------------------

ENGLISH = ('river stone garden window paper letter doctor engine winter summer market bridge hollow copper silver thunder quiet '
           'meadow lantern harbour captain violin student planet forest teacher kitchen mirror candle ribbon shadow valley '
           'coffee orange button pocket ladder basket feather blanket whisper journey island castle dragon puzzle rocket').split()
OTHER = 'café naïve über straße señor été москва книга дорога зима город ёлка'.split()
HAN = [chr(c) for c in range(0x4E00, 0x4E00 + 900)]
KANA = 'がぎぐあいうえおかきくけこさしすせそたちつてとパピプアイウエオカキクケコサシスセソ'
HANGUL = '가나다라마바사아자차카타파하각난달람밥삿'


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def english(self, n):
        words = []
        for _ in range(n):
            p = self.r.random()
            words.append(self.r.choice(OTHER) if p < .05 else self.r.choice(ENGLISH) if p < .4 else
                         self.r.choice(ENGLISH)[:3] + self.r.choice(ENGLISH)[-3:] + str(self.r.randrange(100)))
        return ' '.join(words)

    def chinese(self, n):
        out = ''
        while n > 0:
            k = min(n, self.r.randint(4, 12))
            out += ''.join(self.r.choice(HAN) for _ in range(k)) + self.r.choice('，。、！')
            n -= k
        return out

    def other(self, n):
        pool = self.r.choice((KANA, HANGUL))
        return ''.join(self.r.choice(pool) for _ in range(n))

    def mixed(self, n):
        return ' '.join(self.r.choice((self.english, self.chinese, self.other))(self.r.randint(1, 6)) for _ in range(n // 3 + 1))

    def text(self, n):
        return self.r.choice((self.english, self.english, self.chinese, self.mixed, self.other))(n)

    def length(self):
        return self.r.choice((1, 2, 3, 4, 5, 8, 12, 18, 19, 20, 21, 25, 30, 40, 60, 90))

    # -- variants that the normalised tier sets aside

    def wide(self, t):
        return ''.join(chr(ord(c) + 0xFEE0) if '!' <= c <= '~' and c not in '$+<=>^`|~"' else c for c in t)

    def respaced(self, t):
        return re.sub(' ', lambda m: self.r.choice((' ', '  ', ', ', '. ', ' - ', '\u3000', '; ', ' (')), t)

    def punctuated(self, t):
        return self.r.choice('"([{¡「') + t + self.r.choice('!?.…」')

    def half_kana(self, t):
        half = {unicodedata.normalize('NFKC', chr(c)): chr(c) for c in range(0xFF66, 0xFF9E)}
        return ''.join(''.join({'\u3099': '\uFF9E', '\u309A': '\uFF9F'}.get(d, half.get(d, d))
                               for d in unicodedata.normalize('NFD', c)) if 'ァ' <= c <= 'ヺ' else c for c in t)

    def unseen(self, t):
        at = self.r.randrange(len(t) + 1)
        return t[:at] + self.r.choice('\u200B\u00AD\u2060') + t[at:]

    def variant(self, t):
        ways = (str.upper, str.title, self.wide, self.respaced, self.punctuated, self.unseen, self.half_kana,
                lambda s: unicodedata.normalize('NFD', s), lambda s: unicodedata.normalize('NFKC', s), str.swapcase)
        for _ in range(self.r.randint(1, 2)):
            t = self.r.choice(ways)(t)
        return t

    # -- edits

    def edited(self, t):
        pieces = re.findall(r'\S+\s*', t) if ' ' in t else list(t)
        for _ in range(self.r.choice((1, 1, 1, 2, 3, 5))):
            at = self.r.randrange(len(pieces) + 1)
            what = self.r.randrange(3)
            if what == 0:
                pieces.insert(at, self.text(1) + ' ')
            elif pieces:
                pieces[min(at, len(pieces) - 1):at + 1] = [self.text(1) + ' '] if what == 1 else []
        return ''.join(pieces)

    def passage(self):
        r = self.r
        return r.choice((self.english(r.randint(10, 16)), self.chinese(r.randint(23, 29)), self.mixed(r.randint(12, 24)),
                         self.other(r.randint(22, 30)), self.english(r.randint(4, 8)) + ' ' + self.chinese(r.randint(8, 18)),
                         self.english(30)))

    def around(self, p):
        r = self.r
        if r.random() < .15:
            return p
        return ' '.join((self.text(r.randint(1, 15)), p, self.text(r.randint(1, 15))))


def texts_of(m):
    """Texts, many of them made of one another."""
    r = m.r
    out, passages = [], [m.passage() for _ in range(r.randint(1, 5))]
    for _ in range(r.randint(20, 70)):
        p = r.random()
        old = r.choice(out) if out else ''
        if p < .30 or not out:
            out.append(m.text(m.length()))
        elif p < .42:
            out.append(old)
        elif p < .58:
            out.append(m.variant(old))
        elif p < .75:
            out.append(m.edited(old))
        elif p < .90:
            q = r.choice(passages)
            out.append(m.around(m.variant(q) if r.random() < .4 else q))
        elif p < .93:
            out.append(r.choice(('', ' ', '.', 'ok', 'yes', '好', 'no!', '7')))
        elif p < .96:
            out.append(m.around(old))
        else:
            out.append(m.text(r.randint(1, 6)))
    if r.random() < .12:  # boilerplate
        boiler = m.english(r.randint(14, 40))
        out = [t + ' ' + boiler if r.random() < .6 else t for t in out]
    return out


NAMES = {'train': ('train', 'train-{}', 'my_train_v{}'), 'validation': ('dev{}', 'val-{}', 'x_valid'),
         'test': ('test', 'test-0000{}', 'squad_test_v{}', '测试集'), 'none': ('latest{}', 'data{}', 'contest{}')}
DIRECTORIES = {'train': ('train', 'web/training'), 'validation': ('dev', 'val{}'), 'test': ('eval', 'b/test'), 'none': ('web', 'other', 'A b')}


def file_name(m, split, how, n):
    if how == 'directory':
        return f"{m.r.choice(DIRECTORIES[split])}/part{n}".format(n)
    name = m.r.choice(NAMES[split]).format(n)
    return name if m.r.random() < .6 else f"{m.r.choice(('web', 'books', 'other'))}/{name}"


def write_json(m, row):
    return json.dumps(row, ensure_ascii=m.r.random() < .15, separators=m.r.choice(((',', ':'), (', ', ': '), (',', ':')))).encode()


def parse_jsonl(data):
    for line in data.split(b'\n'):
        if line.strip():
            yield line, flat(json.loads(line), '')


def flat(v, path):
    if isinstance(v, dict):
        return [x for k, w in v.items() for x in flat(w, f'{path}/{k}')]
    if isinstance(v, list):
        return [x for k, w in enumerate(v) for x in flat(w, f'{path}/{k}')]
    return [(path, v)]


def make_file(m, name, kind, rows, splits):
    """rows: text and split. `splits`: the split is a field."""
    if kind == 'jsonl' or not rows:
        lines = []
        for t, s in rows:
            split, number = [('split', s)] if splits and s else [], [('n', m.r.randrange(9))] if m.r.random() < .1 else []
            lines.append(write_json(m, dict([('text', t)] + split + number)))
        f = File(name + '.jsonl', b''.join(line + b'\n' for line in lines))
        parsed = list(parse_jsonl(f.data))
    elif kind == 'csv':
        cells = [[t, s or ''] if splits else [t, m.r.choice(('', 'a'))] for t, s in rows]
        raw = [','.join('"' + c.replace('"', '""') + '"' for c in row).encode() for row in cells]
        f = File(name + '.csv', b'"text","' + (b'split' if splits else b'note') + b'"\n' + b''.join(line + b'\n' for line in raw))
        parsed = [(line, [('/text', row[0]), ('/split' if splits else '/note', row[1])]) for line, row in zip(raw, cells)]
        if parsed:  # the header's cells are the first record's, and no text
            parsed[0][1][:0] = [('/text', None), ('/split', None)]
    else:
        lines = [re.sub('[,;|\t"]', '', t) for t, _ in rows]
        lines = [t for t in lines if t.strip()]
        f = File(name + '.txt', b''.join(t.encode() + b'\n' for t in lines))
        parsed = [(t.encode(), [('', t)]) for t in lines]
    f.records = [Record(f, i, raw, fields) for i, (raw, fields) in enumerate(parsed)]
    return f


def make(seed):
    m = Maker(seed)
    r = m.r
    opt = {'min_chars': r.choice((8, 8, 8, 1, 20)), 'normalised': r.random() > .05, 'spans': r.choice(('all', 'across', 'all')),
           'threshold': r.choice((800, 800, 800, 700, 900, 1000)), 'jobs': r.choice((1, 2, 5)), 'args': [], 'near': True}
    how = r.choice(('directory', 'name', 'field', 'map'))
    labels = {'train': 'train', 'validation': 'validation', 'test': 'test', 'training': 'train', 'dev': 'validation', 'val': 'validation',
              'eval': 'test', '测试集': 'test'}
    texts = texts_of(m)
    kinds = r.choice((['jsonl'], ['csv'], ['txt'], ['jsonl', 'csv', 'txt'], ['jsonl', 'jsonl', 'txt']))
    files, used = [], set()
    for n in range(r.randint(1, 6)):
        split = r.choice(('train', 'train', 'test', 'validation', 'none'))
        name = file_name(m, split, how if how != 'map' else 'name', n)
        mine = [(r.choice(texts) if r.random() < .5 else t, r.choice(('train', 'test', 'dev', 'Training', 'nobody', '', None)))
                for t in r.sample(texts, r.randint(0, len(texts) // 2))]
        f = make_file(m, name, r.choice(kinds), mine, how == 'field')
        f.split = split
        if f.name in used:
            continue
        used.add(f.name)
        files.append(f)
    for f in list(files):
        if r.random() < .15:  # a copy of the whole file
            split = r.choice(('train', 'test', 'none'))
            name = file_name(m, split, how if how != 'map' else 'name', 90 + len(files)) + os.path.splitext(f.name)[1]
            if name not in used:
                used.add(name)
                g = File(name, f.data)
                g.records = [Record(g, x.ordinal, x.raw, x.fields) for x in f.records]
                g.split = split
                files.append(g)
    if how == 'map':
        split_map(m, files, opt, labels)
    if how == 'field':
        opt['split_field'] = '/split'
        opt['args'] += ['split_field=/split']
    if r.random() < .4 and files:
        benchmarks(m, files, opt, labels, used, texts)
    if r.random() < .15:
        opt['fields'] = '/text'
        opt['args'] += ['fields=/text']
    opt['labels'] = labels
    return files, opt


def glob_matches(glob, name):
    """'*' and '?' stay within a name, '**' does not, and '**/' may be nothing."""
    parts = {'**/': '(.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]'}
    pattern = re.sub(r'\*\*/|\*\*|\*|\?|.', lambda m: parts.get(m[0], re.escape(m[0])), glob)
    return re.fullmatch(pattern, name, re.S) is not None


def split_map(m, files, opt, labels):
    """Globs of two labels; the first that matches decides."""
    r, names = m.r, ['fit', 'held-out']
    globs = [f.name for f in files] + ['web/**', 'other/*', '*.csv', '**/*.txt', '**/train*', 'squad_test_v?.jsonl', 'books/**/x*']
    entries = [(n, r.sample(globs, r.randint(1, 4))) for n in names]
    labels.update({n: n for n in names})
    opt['args'].append('split_map=' + ';'.join(f"{n}={','.join(g)}" for n, g in entries))
    for f in files:
        f.split = next((n for n, gs in entries if any(glob_matches(g, f.name) for g in gs)), 'none')


def benchmarks(m, files, opt, labels, used, texts):
    rows = [(m.variant(t) if m.r.random() < .3 else t, None) for t in m.r.sample(texts, m.r.randint(1, 8))]
    rows += [(m.around(m.r.choice(texts)), None) for _ in range(m.r.randint(0, 3))]
    f = make_file(m, 'bench/quiz', m.r.choice(('jsonl', 'csv')), rows, False)
    f.split, f.benchmark = 'quiz', True
    opt['benchmark'] = 'quiz'
    opt['args'] += ['benchmarks=quiz=bench/*']
    files.append(f)
