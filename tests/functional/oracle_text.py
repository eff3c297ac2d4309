# SPDX-License-Identifier: Apache-2.0
"""oracle_text.py: texts as docs/duplicates.md and docs/leakage.md define them: normal form, tokens, shingles, weights of passages.

From the definitions alone, with Python's own Unicode tables; for oracle.py.
"""
import unicodedata

UNSEEN = {0xAD, 0x34F, 0x61C, 0xFEFF}


def unseen(c):
    o = ord(c)
    return (o in UNSEEN or 0x180B <= o <= 0x180F or 0x200B <= o <= 0x200F or 0x202A <= o <= 0x202E or 0x2060 <= o <= 0x206F
            or 0xFE00 <= o <= 0xFE0F or 0xE0000 <= o <= 0xE0FFF)


def script(c):
    """'han', 'kana', 'hangul', or nothing."""
    name = unicodedata.name(c, '')
    if name.startswith('CJK UNIFIED') or c in '々〇':
        return 'han'
    if name.startswith(('HIRAGANA LETTER', 'KATAKANA LETTER')) or c == 'ー':
        return 'kana'
    if name.startswith('HANGUL'):
        return 'hangul'
    return ''


def fold(text):
    """NFKC and full case folding."""
    text = unicodedata.normalize('NFKC', text).casefold()
    return unicodedata.normalize('NFKC', text)


def normal_form(text):
    """Only case, width, spacing and punctuation set aside."""
    out, gap, last = [], False, ''
    for c in fold(text):
        cat = unicodedata.category(c)
        if unseen(c):
            continue
        if cat[0] in 'PZ' or cat == 'Cc':
            gap = True
            continue
        kind = 'u' if script(c) in ('han', 'kana') else 'w'
        if gap and last == 'w' and kind == 'w':
            out.append(' ')
        out.append(c)
        gap, last = False, kind
    return ''.join(out)


def tokens(text):
    out, word = [], ''
    for c in fold(text):
        if unseen(c):
            continue
        single = script(c)
        if not single and unicodedata.category(c)[0] in 'LNM':
            word += c
            continue
        if word:
            out.append(word)
        word = ''
        if single:
            out.append(c)
    return out + [word] if word else out


def is_character(token):
    return len(token) == 1 and script(token) != ''


def shingles(toks):
    n = len(toks)
    width = n if n < 5 else 3 if n < 20 else 5
    return frozenset((width,) + tuple(toks[i:i + width]) for i in range(n + 1 - width)) if n else frozenset()


# Passages: a word weighs 26, a character 13; 13 words or 26 characters are long, 8 or 16 an n-gram.
WORD, CHARACTER, LONG, GRAM = 26, 13, 338, 208


def weight(toks):
    return sum(CHARACTER if is_character(t) else WORD for t in toks)


def gram_at(toks, i):
    n = i
    while n < len(toks):
        n += 1
        if weight(toks[i:n]) >= GRAM:
            return tuple(toks[i:n])
    return None
