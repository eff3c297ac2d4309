# SPDX-License-Identifier: Apache-2.0
"""oracle.py: what the scanner `duplicates` must say, worked out the slow way.

Usage: oracle.py ASSAY DIRECTORY SEED...

For each seed a small dataset is made in DIRECTORY (oracle_data.py: JSON Lines, tables, text; English, Chinese and others; splits by
directory, file name, field or map; copies of every tier, passages around the border, records with hardly any text), and what docs/duplicates.md and docs/leakage.md promise about it is computed from their definitions alone: every record
against every other, with Python's own Unicode tables, no hashes, no sketches, nothing of the C code. `assay scan` and
`assay dedup` have to agree. Prints a TAP line a seed, and every difference.
"""
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction

from oracle_data import make
from oracle_text import LONG, gram_at, is_character, shingles, tokens, weight

# ---- what must be said -------------------------------------------------------------------------


class Wrong(list):
    def eq(self, got, want, what):
        if got != want:
            self.append(f'{what}: said {short(got)}, is {short(want)}')

    def holds(self, condition, what):
        if not condition:
            self.append(what)


def short(x):
    text = str(x)
    return text if len(text) < 600 else text[:600] + '...'


def share(num, den):
    return float(Fraction(num * 1000000 // max(den, 1), 1000000))


def close(got, want):
    return got is not None and abs(got - want) < 5e-7


def at(r):
    return (r.file.name, r.ordinal)


def groups_by(items, key):
    g = defaultdict(list)
    for x in items:
        g[key(x)].append(x)
    return [v for v in g.values()]


class Oracle:
    def __init__(self, files, opt):
        self.files = sorted(files, key=lambda f: f.name.encode())
        self.opt = opt
        self.records = [r for f in self.files for r in f.records]
        for r in self.records:
            r.settle(opt)
        self.by_place = {at(r): r for r in self.records}
        self.forms = groups_by(self.records, lambda r: r.form)
        self.benchmark = opt.get('benchmark')
        self.leaks = {t: defaultdict(set) for t in ('file', 'record', 'normalised', 'near', 'span')}

    # -- leakage: `members` are alike by a tier

    def leak(self, tier, members, split=lambda x: x.split):
        for b in members:
            to = split(b)
            for a in {split(x) for x in members}:
                if to != 'none' and a != to and (a != 'none' or to == self.benchmark):
                    self.leaks[tier][b].add(a)

    def crosses(self, members):
        splits = {m.split for m in members}
        return len(splits - {'none'}) > 1 or (self.benchmark in splits and len(splits) > 1)


def names(members):
    return sorted((m['file'], m.get('record')) for m in members)


def check_exact(o, said, metrics, w):
    """Files, records, records alike."""
    tiers = []
    files = [g for g in groups_by([f for f in o.files if f.data], lambda f: f.data)]
    tiers.append(('file', [[(f.name, None) for f in g] for g in files if len(g) > 1], len(o.files)))
    same = [s for g in o.forms for s in groups_by(g, lambda r: r.raw)]
    tiers.append(('record', [[at(r) for r in g] for g in same if len(g) > 1], len(o.records)))
    alike = [[s[0] for s in groups_by(g, lambda r: r.raw)] for g in o.forms] if o.opt['normalised'] else []
    tiers.append(('normalised', [[at(r) for r in g] for g in alike if len(g) > 1], len(o.records)))
    for tier, want, of in tiers:
        got = sorted(names(f['members']) for f in said['duplicates.' + tier])
        w.eq(got, sorted(sorted(g) for g in want), f'groups of tier {tier}')
        extra = sum(len(g) - 1 for g in want)
        w.holds(close(metrics[f'duplicates.{tier}_ratio'], share(extra, of)), f'{tier}_ratio is {extra}/{of}')
    for g in files:
        o.leak('file', g)
    for g in same:
        o.leak('record', g)
    for g in o.forms:
        o.leak('normalised', g)
    w.eq(metrics['duplicates.records'], len(o.records), 'records')
    w.eq(metrics['duplicates.short_records'] if o.opt['normalised'] else 0,
         sum(r.short for r in o.records) if o.opt['normalised'] else 0, 'short records')


def jaccard(a, b):
    return Fraction(len(a & b), len(a | b)) if a or b else Fraction(0)


def thousandths(x):
    return x.numerator * 1000 // x.denominator


def components(items, linked):
    """Sets of what is linked, step by step."""
    left, out = list(items), []
    while left:
        group, todo = [], [left.pop(0)]
        while todo:
            x = todo.pop()
            group.append(x)
            near = [y for y in left if linked(x, y)]
            left = [y for y in left if y not in near]
            todo += near
        out.append(group)
    return out


def check_near(o, said, metrics, w, stats):
    threshold = Fraction(o.opt['threshold'], 1000)
    texts = {g[0].place: g for g in o.forms if not g[0].short and g[0].tokens}
    sets = {p: shingles(g[0].tokens) for p, g in texts.items()}
    of = {at(g[0]): p for p, g in texts.items()}
    like = {}
    for a, b in itertools.combinations(sorted(texts), 2):
        j = jaccard(sets[a], sets[b])
        if j >= threshold:
            like[a, b] = like[b, a] = j
    cluster = {}
    w.eq(metrics['duplicates.near_records'], sum(not r.short and bool(r.tokens) for r in o.records), 'near_records')
    for k, f in enumerate(said['duplicates.near']):
        members = [of.get(x) for x in names(f['members'])]
        w.holds(None not in members, f'a near-duplicate that stands for no text: {f["members"]}')
        if None in members:
            continue
        members.sort()
        cluster.update({p: k for p in members})
        w.holds(len(components(members, lambda x, y: (x, y) in like)) == 1, f'unlike texts in one cluster: {members}')
        check_likeness(o, f, members, [sets[p] for p in members], threshold, w)
        everyone = [r for p in members for r in texts[p]]
        o.leak('near', everyone)
        o.clusters.append(everyone)
        check_splits(o, f, everyone, w)
    for (a, b), j in like.items():
        together = a in cluster and cluster.get(b) == cluster[a]
        if a < b:
            stats['sure' if j >= Fraction(9, 10) and j >= threshold + Fraction(1, 10) or j == 1 else 'likely'][not together] += 1
            if j >= max(Fraction(9, 10), threshold + Fraction(1, 20)) or j == 1:
                w.holds(together, f'not found: {a} and {b}, Jaccard index {float(j):.3f}')
    extra = sum(len(f['members']) - 1 for f in said['duplicates.near'])
    w.holds(close(metrics['duplicates.near_ratio'], share(extra, len(o.records))), f'near_ratio is {extra}/{len(o.records)}')


def check_likeness(o, f, members, sets, threshold, w):
    likes = sorted(jaccard(sets[0], s) for s in sets[1:])
    contained = min(Fraction(len(sets[0] & s), min(len(sets[0]), len(s))) for s in sets[1:])
    median = likes[(len(likes) - 1) // 2]
    files = len({p[0] for p in members})
    width = next(iter(sets[0]))[0]
    want = (f'{len(members)} near-duplicates in {files} file(s), shingles of {width} token(s), similarity to the first: least '
            f'{thousandths(likes[0])}, median {thousandths(median)} of 1000, containment at least {thousandths(contained)}'
            + (', chained' if thousandths(likes[0]) < o.opt['threshold'] else ''))
    w.eq(f['detail'].split('; splits')[0], want, 'detail of a cluster')


ORDER = ('none', 'train', 'validation', 'test')


def check_splits(o, f, records, w):
    said = re.search('; splits: (.*)$', f['detail'])
    want = defaultdict(int)
    for r in records:
        want[r.split] += 1
    got = {x.split(' ')[1]: int(x.split(' ')[0]) for x in said[1].split(', ')} if said else {}
    w.eq(got, dict(want) if o.apart else {}, f'splits of {f["rule"]} {names(f["members"])[0]}')


# ---- long passages -----------------------------------------------------------------------------

def runs(a, b):
    """Longest runs of equal tokens of two fields: where they begin in each, and how long they are."""
    where = defaultdict(list)
    for j, t in enumerate(b):
        where[t].append(j)
    for i, t in enumerate(a):
        for j in where[t]:
            if i and j and a[i - 1] == b[j - 1]:
                continue
            n = 0
            while i + n < len(a) and j + n < len(b) and a[i + n] == b[j + n]:
                n += 1
            yield i, j, n


class Match:
    """What item `a` shares with `b`."""

    def __init__(self, a, b):
        self.runs, covered = [], set()
        self.best = 0
        for fa, ta in a.spans:
            for fb, tb in b.spans:
                for i, _, n in runs(ta, tb):
                    if weight(ta[i:i + n]) >= LONG:
                        self.runs.append((fa, i, ta[i:i + n]))
                        covered |= {(fa, k) for k in range(i, i + n)}
                        self.best = max(self.best, weight(ta[i:i + n]))
        flat_tokens = {(f, k): t for f, ts in a.spans for k, t in enumerate(ts)}
        self.covered = weight([flat_tokens[k] for k in covered])
        self.total = weight(flat_tokens.values())


def rank(o, split):
    return 3 if split == o.benchmark else {'none': 0, 'train': 1}.get(split, 2)


def compared(o, a, b):
    if o.opt['spans'] == 'all':
        return True
    if a.split == b.split:
        return False
    return o.benchmark in (a.split, b.split) if 'none' in (a.split, b.split) else True


def item_of(o, a, b):
    """The pair with the item first."""
    ra, rb = rank(o, a.split), rank(o, b.split)
    return (a, b) if (ra > rb if ra != rb else a.place > b.place) else (b, a)


def check_spans(o, said, metrics, w):
    holders = defaultdict(list)  # of n-grams, in order
    for r in o.records:
        for g in {gram_at(ts, i) for _, ts in r.spans for i in range(len(ts))} - {None}:
            holders[g].append(r)
    common = {g for g, rs in holders.items() if len(rs) > 20}
    first = {}  # of each split, the first four
    for g, rs in holders.items():
        per = defaultdict(list)
        for r in rs:
            per[r.split].append(r)
        first[g] = {s: v[:4] for s, v in per.items()}
    crowded = {g for g, rs in holders.items() if any(len(v) > 4 for v in groups_by(rs, lambda r: r.split))} | common
    pairs = {}
    for rs in [v for g, v in holders.items() if g not in common]:
        for a, b in itertools.combinations(rs, 2):
            if compared(o, a, b):
                pairs.setdefault(item_of(o, a, b), None)
    long_pairs = {}
    for a, b in pairs:
        m = Match(a, b)
        if m.best:
            long_pairs[a, b] = m
    exact = not crowded
    for r in o.records:  # all that it shares was compared
        r.exact = exact or not any(gram_at(ts, i) in crowded for _, ts in r.spans for i in range(len(ts)))
    items = defaultdict(dict)
    for (a, b), m in long_pairs.items():
        items[a][b] = m
    seen = check_span_findings(o, said, items, w)
    if exact:
        check_span_metrics(o, metrics, items, w)
    for a, partners in items.items():
        for b, m in partners.items():
            if exact:
                o.leak('span', [a, b])
            sure = any(not common_in(run, common) and
                       all(any((a, y) in long_pairs
                               for y in first[g].get(b.split, [])) for g in grams_of(run)) for _, _, run in m.runs)
            w.holds(a in seen or not sure or a.exact, f'a passage is not found: {at(a)} and {at(b)}')
    w.eq(metrics['duplicates.span_short'],
         sum(all(weight(ts) < LONG for _, ts in r.spans) for r in o.records), 'records too short for spans')
    o.spans_exact = exact


def grams_of(run):
    return [g for g in (gram_at(run, i) for i in range(len(run))) if g]


def common_in(run, common):
    return any(g in common for g in grams_of(run))


def check_span_findings(o, said, items, w):
    seen = {}
    for f in said['duplicates.span'] + said['duplicates.contamination']:
        d = re.match(r'longest match (\d+) word\(s\) and (\d+) character\(s\), (\d+) of 1000 of the item contained; item \((\S+)\) is '
                     r'member ([12]): field (\d+), bytes (\d+) to (\d+); partner \((\S+)\): field (\d+), bytes (\d+) to (\d+); '
                     r'(\d+) partner', f['detail'])
        m = [o.by_place[x['file'], x['record']] for x in f['members']]
        a, b = m if d[5] == '1' else m[::-1]
        seen[a] = b
        w.eq((d[4], d[9]), (a.split, b.split), f'splits of the passage of {at(a)}')
        w.eq(f['rule'], 'duplicates.contamination' if a.split == o.benchmark else 'duplicates.span', f'rule for {at(a)}')
        if b not in items[a]:
            w.append(f'there is no long passage in {at(a)} and {at(b)}')
            continue
        match = items[a][b]
        x = cut(a, d[6], d[7], d[8])
        y = cut(b, d[10], d[11], d[12])
        run = said_run(match, int(d[1]), int(d[2]), x, y, a.exact)
        w.holds(run, f'no passage of {d[1]} words and {d[2]} characters at those bytes of {at(a)} and {at(b)}: {x}, {y}')
        w.holds(x == y or decomposed(a) or decomposed(b), f'bytes on both sides of {at(a)} and {at(b)}: {x}, {y}')
        if a.exact:
            best = max(items[a].values(), key=lambda m: (m.best, m.covered))
            first = min((p.place, p) for p, m in items[a].items() if (m.best, m.covered) == (best.best, best.covered))[1]
            w.eq(at(b), at(first), f'partner of {at(a)}')
            w.eq(weight(run or []), match.best, f'weight of the longest passage of {at(a)}')
            w.eq(int(d[3]), match.covered * 1000 // match.total, f'share of {at(a)}')
            w.eq(int(d[13]), len(items[a]), f'partners of {at(a)}')
    w.eq(sorted(at(a) for a in seen if a.exact), sorted(at(a) for a in items if items[a] and a.exact), 'items that hold long passages')
    return seen


def cut(r, field, start, end):
    return tokens(r.fields[int(field)][1].encode()[int(start):int(end)].decode(errors='replace'))


def said_run(match, words, characters, x, y, whole):
    """The run of that length that stands at what the bytes of both sides hold. Where n-grams were set aside, it is part of one."""
    n = sum(map(is_character, x))
    if not whole and (len(x) - n, n) == (words, characters) and any(within(x, run) for _, _, run in match.runs):
        return x
    for _, _, run in match.runs:
        n = sum(map(is_character, run))
        if (len(run) - n, n) == (words, characters) and within(run, x) and within(run, y):
            return run
    return None


def within(run, toks):
    return any(toks[i:i + len(run)] == run for i in range(len(toks) - len(run) + 1))


def decomposed(r):
    """Jamo are put together run by run (tokens.h), so bytes are those of the whole run."""
    return any('\u1100' <= c <= '\u11FF' for _, v in r.texts for c in v)


def contained_in(items, a):
    return [b for b, m in items[a].items() if b.place < a.place and m.covered == m.total]


def check_span_metrics(o, metrics, items, w):
    found = [a for a in items if items[a]]
    w.eq(metrics['duplicates.span_pairs'], sum(len(items[a]) for a in found), 'span_pairs')
    w.eq(metrics['duplicates.span_items'], len(found), 'span_items')
    w.holds(close(metrics['duplicates.span_ratio'], share(len(found), len(o.records))), 'span_ratio')
    o.contained = {at(a) for a in found if contained_in(items, a)}
    w.holds(close(metrics['duplicates.span_contained_ratio'], share(len(o.contained), len(o.records))),
            f'span_contained_ratio is {len(o.contained)}/{len(o.records)}, not {metrics["duplicates.span_contained_ratio"]}')


# ---- splits and sources ------------------------------------------------------------------------


def check_matrix(o, metrics, w):
    counts, files = defaultdict(int), defaultdict(int)
    for r in o.records:
        counts[r.split] += 1
    for f in o.files:
        files[f.split] += 1
    tiers = ['file', 'record'] + (['normalised'] if o.opt['normalised'] else []) + ['near', 'span']
    any_tier = defaultdict(set)
    for t in tiers[1:]:
        for r, splits in o.leaks[t].items():
            any_tier[r] |= splits
    want = {}
    for t, leaks in [(t + '.', o.leaks[t]) for t in tiers] + [('', any_tier)]:
        all_of = files if t == 'file.' else counts
        if (t == 'span.' or t == '') and not o.spans_exact:
            continue
        for a, b in itertools.permutations([s for s in all_of if s != 'none'], 2):
            n = sum(r.split == b and a in splits for r, splits in leaks.items())
            want[f'duplicates.leak.{t}{a}_{b}'] = share(n, all_of[b])
    got = {k: v for k, v in metrics.items() if k.startswith('duplicates.leak.')}
    if not o.spans_exact:
        got = {k: v for k, v in got.items() if k.count('.') == 3 and '.span.' not in k}
    if o.apart:
        w.eq(got, want, 'leaks between splits') if got.keys() != want.keys() else [
            w.holds(close(got[k], want[k]), f'{k}: said {got[k]}, is {want[k]}') for k in want]
    else:
        w.eq(got, {}, 'leaks where there are no splits')
    for s in counts:
        if o.apart:
            w.eq(metrics.get('duplicates.split.' + s), counts[s], f'records of split {s}')
    if o.benchmark and o.spans_exact:
        n = sum(r.split == o.benchmark and bool(v & {'train', 'none'}) for r, v in any_tier.items())
        w.holds(close(metrics['duplicates.contamination.quiz'], share(n, counts['quiz'])), f'contamination is {n}/{counts["quiz"]}')
    if o.benchmark:
        n = sum(r.split == o.benchmark and all(weight(ts) < LONG for _, ts in r.spans) for r in o.records)
        w.holds(close(metrics['duplicates.contamination_short.quiz'], share(n, counts['quiz'])), 'contamination_short')


def check_leakage(o, said, w):
    """The findings: one a group that crosses splits, by the strictest tier."""
    want = []

    def add(tier, members, whole=False):
        listed = []
        for s in {m.split for m in members}:
            listed += sorted((m for m in members if m.split == s), key=lambda m: m.name.encode() if whole else m.place)[:16]
        want.append((tier, sorted((m.name, None) if whole else at(m) for m in listed), len(members)))
    for g in groups_by([f for f in o.files if f.data], lambda f: f.data):
        if o.crosses(g):
            add('file', g, True)
    for g in o.forms:
        if o.crosses(g):
            add('record' if any(o.crosses(s) for s in groups_by(g, lambda r: r.raw)) else 'normalised', g)
    for g in o.clusters:
        if o.crosses(g):
            add('near', g)
    got = [(f['detail'].split(':')[0][5:], names(f['members']), f['members_total']) for f in said['duplicates.leakage']]
    key = lambda x: (x[0], [(n, -1 if r is None else r) for n, r in x[1]])
    w.eq(sorted(got, key=key), sorted(want, key=key) if o.apart else [], 'findings of leakage')


def check_sources(o, metrics, w):
    label = lambda f: re.sub('[^a-z0-9]', '-', f.name.split('/')[0].lower())[:31] if '/' in f.name else 'other'
    total, extra = defaultdict(int), defaultdict(int)
    for r in o.records:
        total[label(r.file)] += 1
    for g in o.forms:
        for r in g[1:]:
            extra[label(r.file)] += 1
    got = {k: v for k, v in metrics.items() if k.startswith('duplicates.source.')}
    want = {'duplicates.source.' + s: share(extra[s], n) for s, n in total.items()} if any(label(f) != 'other' for f in o.files) else {}
    w.eq({k: round(v, 6) for k, v in got.items()}, {k: round(v, 6) for k, v in want.items()}, 'redundancy by source')


# ---- lists -------------------------------------------------------------------------------------

TIERS = ('file', 'record', 'normalised', 'near', 'span')


def check_lists(o, keep, drop, chosen, w):
    kept = {(x['file'], x.get('record')) for x in keep}
    gone = {(x['file'], x.get('record')): x for x in drop}
    w.eq(len(kept), len(keep), 'lines to keep that are there twice')
    w.eq(len(gone), len(drop), 'lines to drop that are there twice')
    whole = {f for f, r in gone if r is None}
    for f in o.files:
        if f.name in whole:
            w.holds(not any(x[0] == f.name for x in kept), f'{f.name} is dropped, and kept in part')
            continue
        if chosen == {'file'}:  # of files alone there is no audit, and their records are not known
            w.holds((f.name, None) in kept, f'{f.name} is in no list')
            continue
        w.eq(sorted(r for n, r in kept | gone.keys() if n == f.name and r is not None), list(range(len(f.records))),
             f'records of {f.name} in both lists')
        w.holds(not any(x in gone for x in kept if x[0] == f.name), f'{f.name}: kept and dropped')
        w.holds(bool(f.records) or (f.name, None) in kept, f'{f.name} has no records and is in no list')
    for x in drop:
        check_dropped(o, x, kept, gone, chosen, w)
    gone_records = {at(r) for r in o.records if r.file.name in whole or at(r) in gone}
    if 'record' in chosen:
        for g in o.forms:
            for s in groups_by(g, lambda r: r.raw):
                w.holds(all(at(r) in gone_records for r in s[1:]), f'copies of {at(s[0])} are not dropped')
    if 'normalised' in chosen and 'record' in chosen:
        for g in o.forms:
            w.holds(all(at(r) in gone_records for r in g[1:]), f'records like {at(g[0])} are not dropped')
    if chosen == {'span'} and o.spans_exact and o.opt['spans'] == 'all':
        w.eq(set(gone), o.contained, 'records contained in earlier ones')


def check_dropped(o, x, kept, gone, chosen, w):
    me, rep = (x['file'], x.get('record')), (x['representative']['file'], x['representative'].get('record'))
    w.holds(x['tier'] in chosen, f'{me} is dropped by a tier nobody asked for')
    there = [at(r) for r in o.records if r.file.name == rep[0]]  # of a whole file each record is kept, or dropped for another
    w.holds(rep in kept or (rep[1] is None and there and all(r in kept or r in gone for r in there)),
            f'{me} is dropped for {rep}, which is not kept')
    if me[1] is None:
        data = {f.name: f.data for f in o.files}
        w.holds(data[me[0]] == data[rep[0]] and rep[0].encode() < me[0].encode(), f'{me} is no copy of {rep}')
        return
    a, b = o.by_place[me], o.by_place[rep]
    w.holds(b.place < a.place, f'{me} is dropped for {rep}, which is later')
    earlier = [r for r in o.records if r.place < a.place]
    if x['tier'] == 'record':
        w.holds(any(r.raw == a.raw and r.form == a.form for r in earlier), f'{me} is no copy')
    elif x['tier'] == 'normalised':
        w.holds(any(r.form == a.form for r in earlier), f'{me} is like none')
    elif x['tier'] == 'near':
        mine = shingles(a.tokens)
        likes = {thousandths(jaccard(mine, shingles(r.tokens))) for r in earlier if not r.short}
        w.holds(round(x['similarity'] * 1000) in likes and x['similarity'] * 1000 >= o.opt['threshold'], f'{me} is near none')
    elif x['tier'] == 'span':
        w.holds(any((m := Match(a, r)).total and m.covered == m.total for r in earlier), f'{me} is contained in none')


# ---- running -----------------------------------------------------------------------------------


def ask(command):
    p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    lines = [json.loads(x) for x in p.stdout.decode().split('\n') if x]
    return p.returncode, lines, p.stderr.decode()


def settings(opt, m):
    out = ['--jobs', str(opt['jobs']), '--quiet']
    args = list(opt['args'])
    if m.random() < .3:
        args.append('memory=1MiB')
    if opt['min_chars'] != 8:
        args.append(f"min_chars={opt['min_chars']}")
    return out, args


def check_scan(assay, where, o, m, w, stats):
    base, args = settings(o.opt, m)
    args += ['near=true', f"near_threshold={o.opt['threshold']}", f"spans={o.opt['spans']}"] + ([] if o.opt['normalised'] else ['normalised=false'])
    command = [assay, 'scan', where, '--policy', 'observe', '--scanner', 'duplicates', '--format', 'jsonl'] + base
    code, lines, err = ask(command + [y for x in args for y in ('--set', 'duplicates.' + x)])
    w.holds(code == 0, f'exit code {code}: {err}')
    if not lines or lines[-1].get('type') != 'summary':
        w.append('no summary')
        return
    said = defaultdict(list)
    for x in lines[:-1]:
        said[x.get('rule')].append(x)
    metrics = lines[-1]['metrics']
    o.clusters, o.contained = [], set()
    splits = {r.split for r in o.records} | {f.split for f in o.files}
    o.apart = len(splits - {'none'}) > 1 or o.benchmark in splits
    check_exact(o, said, metrics, w)
    check_near(o, said, metrics, w, stats)
    check_spans(o, said, metrics, w)
    check_matrix(o, metrics, w)
    check_leakage(o, said, w)
    check_sources(o, metrics, w)


def check_dedup(assay, where, o, m, w):
    chosen = set(m.choice((('file', 'record', 'normalised', 'near'), ('record',), ('file', 'record', 'normalised'), ('span',), TIERS,
                           ('record', 'normalised'), ('near',), ('file',), ('normalised', 'span'))))
    base, _ = settings(o.opt, m)
    command = [assay, 'dedup', where] + base + [y for t in TIERS if t in chosen for y in ('--tier', t)]
    lists = {}
    if 'fields' in o.opt:
        command += ['--fields', o.opt['fields']]
    if 'near' in chosen:
        command += ['--threshold', str(o.opt['threshold'] / 1000)]
    for which in ('keep', 'drop'):
        code, lists[which], err = ask(command + ['--emit', which])
        w.holds(code == 0, f'dedup --emit {which}: exit code {code}: {err}')
    check_lists(o, lists['keep'], lists['drop'], chosen, w)


def for_dedup(o):
    """What `assay dedup` goes by: it has no such options."""
    p = Oracle(o.files, dict(o.opt, min_chars=8, normalised=True))
    p.spans_exact, p.contained = False, set()
    return p


def run_seed(assay, where, seed, stats):
    files, opt = make(seed)
    w, m = Wrong(), random.Random(seed + 1)
    shutil.rmtree(where, ignore_errors=True)
    for f in files:
        path = os.path.join(where, f.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as out:
            out.write(f.data)
    if not files:
        return w
    o = Oracle(files, opt)
    check_scan(assay, where, o, m, w, stats)
    check_dedup(assay, where, for_dedup(o), m, w)
    return w


def main():
    assay, where, seeds = sys.argv[1], sys.argv[2], [int(x) for x in sys.argv[3:]]
    stats = {'sure': [0, 0], 'likely': [0, 0]}
    failed = 0
    for n, seed in enumerate(seeds, 1):
        wrong = run_seed(assay, os.path.join(where, 'set'), seed, stats)
        print(f"{'not ok' if wrong else 'ok'} {n} - seed {seed}", flush=True)
        for x in wrong:
            print(f'# {x}', file=sys.stderr)
        failed += bool(wrong)
    found, missed = (sum(x[k] for x in stats.values()) for k in (0, 1))
    print(f'# pairs at the threshold or above: {found} found, {missed} not', file=sys.stderr)
    ok = missed * 50 <= found + missed
    print(f"{'ok' if ok else 'not ok'} {len(seeds) + 1} - of pairs at the threshold or above all but a few are found")
    print(f'1..{len(seeds) + 1}')
    return failed + (not ok)


if __name__ == '__main__':
    sys.exit(min(main(), 100))
