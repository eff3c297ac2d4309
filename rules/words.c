/* SPDX-License-Identifier: Apache-2.0
 *
 * Term lists: parsing (YAML lists, named lists, text files) and the compiled form used by assess.c.
 *
 * A text file holds one term a line, UTF-8, blank lines and lines starting with '#' ignored; a term
 * that starts with '#' is written '\#'. Terms of a file are slices of the file's bytes in the
 * arena, so a lexicon of 100,000 terms costs its own size plus one table.
 */
#include "rules/words.h"

#include <utf8proc.h>

#include "core/limits.h"
#include "core/option.h"
#include "core/utf8.h"

const char *const assay_words_keys[] = {"file", NULL};

/* ---- parsing ------------------------------------------------------------------------------- */

/* Terms while they are gathered; `set` is an open-addressing hash of indexes + 1, for exact
 * repetitions. */
struct gather {
    struct assay_load *l;
    const char *what;
    size_t max;
    struct assay_word *items;
    size_t n, cap;
    uint32_t *set;
    size_t set_size;
    int full;
};

static int has_cjk(struct assay_bytes s)
{
    const char *p = s.ptr, *end = s.ptr + s.len;
    while (p < end) {
        uint32_t cp;
        p += assay_utf8_decode(p, end, &cp);
        if (assay_cp_is_cjk(cp)) {
            return 1;
        }
    }
    return 0;
}

/* Where `s` is, or would go, in the hash. */
static uint32_t *set_slot(const struct gather *g, struct assay_bytes s)
{
    size_t i = (size_t)assay_xxh3_64(s.ptr, s.len, 0) & (g->set_size - 1);
    while (g->set[i] != 0 && !assay_bytes_equal(g->items[g->set[i] - 1].text, s)) {
        i = (i + 1) & (g->set_size - 1);
    }
    return &g->set[i];
}

static int gather_grow(struct gather *g)
{
    size_t cap = g->cap == 0 ? 16 : 2 * g->cap;
    struct assay_word *items = assay_realloc_array(g->items, cap, sizeof *items);
    if (items == NULL) {
        return 0;
    }
    g->items = items;
    g->cap = cap;
    free(g->set);
    g->set_size = 2 * cap;
    g->set = calloc(g->set_size, sizeof *g->set);
    if (g->set == NULL) {
        return 0;
    }
    for (size_t i = 0; i < g->n; i++) {
        *set_slot(g, g->items[i].text) = (uint32_t)i + 1;
    }
    return 1;
}

static void gather_full(struct gather *g, const struct assay_yaml_node *at, const char *why)
{
    if (!g->full) {
        assay_diags_error(g->l->diags, g->l->yaml, at, "%s: %s", g->what, why);
    }
    g->full = 1;
}

static void gather_add(struct gather *g, struct assay_bytes s, const struct assay_yaml_node *at)
{
    if (g->full) {
        return;
    }
    if (g->n == g->max) {
        char why[64];
        (void)snprintf(why, sizeof why, "more than %zu terms", g->max);
        gather_full(g, at, why);
        return;
    }
    if (g->n == g->cap && !gather_grow(g)) {
        gather_full(g, at, "out of memory");
        return;
    }
    uint32_t *slot = set_slot(g, s);
    if (*slot == 0) {
        g->items[g->n].text = s;
        g->items[g->n].is_cjk = (uint8_t)has_cjk(s);
        *slot = (uint32_t)++g->n;
    }
}

/* NULL when the term is fine. */
static const char *term_fault(struct assay_bytes s)
{
    if (s.len == 0) {
        return "empty term";
    }
    if (s.len > ASSAY_LIMIT_WORD) {
        return "term longer than 256 bytes";
    }
    if (assay_utf8_valid(s.ptr, s.len) != s.len) {
        return "not valid UTF-8";
    }
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f) {
            return "control character in a term";
        }
    }
    return NULL;
}

static struct assay_bytes trim(struct assay_bytes s)
{
    while (s.len > 0 && strchr(" \t\r", s.ptr[0]) != NULL && s.ptr[0] != '\0') {
        s = assay_bytes_make(s.ptr + 1, s.len - 1);
    }
    while (s.len > 0 && strchr(" \t\r", s.ptr[s.len - 1]) != NULL && s.ptr[s.len - 1] != '\0') {
        s.len--;
    }
    return s;
}

static void add_line(struct gather *g, struct assay_bytes line, uint32_t number, const char *file,
                     const struct assay_yaml_node *at)
{
    line = trim(line);
    if (line.len == 0 || line.ptr[0] == '#') {
        return;
    }
    if (line.len > 1 && line.ptr[0] == '\\' && line.ptr[1] == '#') {
        line = assay_bytes_make(line.ptr + 1, line.len - 1);
    }
    const char *fault = term_fault(line);
    if (fault != NULL) {
        assay_diags_error(g->l->diags, g->l->yaml, at, "%s:%u: %s", file, number, fault);
        return;
    }
    gather_add(g, line, at);
}

static void add_file(struct gather *g, const struct assay_yaml_node *at)
{
    struct assay_error err;
    const char *name = assay_yaml_text(at);
    const struct assay_pack_file *f = name == NULL ? NULL : assay_pack_read(g->l, name, &err);
    if (f == NULL) {
        assay_diags_error(g->l->diags, g->l->yaml, at, "%s",
                          name == NULL ? "a file name is wanted" : err.message);
        return;
    }
    struct assay_bytes rest = f->bytes;
    if (rest.len >= 3 && memcmp(rest.ptr, "\xef\xbb\xbf", 3) == 0) {
        rest = assay_bytes_make(rest.ptr + 3, rest.len - 3);
    }
    for (uint32_t number = 1; rest.len > 0 && !g->full; number++) {
        const char *nl = memchr(rest.ptr, '\n', rest.len);
        size_t len = nl == NULL ? rest.len : (size_t)(nl - rest.ptr);
        add_line(g, assay_bytes_make(rest.ptr, len), number, name, at);
        len += nl != NULL;
        rest = assay_bytes_make(rest.ptr + len, rest.len - len);
    }
    if (g->n == 0) {
        assay_diags_error(g->l->diags, g->l->yaml, at, "%s holds no term", name);
    }
}

static void add_term(struct gather *g, const struct assay_yaml *y, const struct assay_yaml_node *n)
{
    const char *text = assay_yaml_text(n);
    const char *fault = text == NULL ? "a term is text" : NULL;
    struct assay_bytes s = trim(assay_bytes_str(text));
    if (fault == NULL && s.len > 1 && s.ptr[0] == '$' && s.ptr[1] == '$') {
        s = assay_bytes_make(s.ptr + 1, s.len - 1);
    }
    fault = fault != NULL ? fault : term_fault(s);
    if (fault != NULL) {
        assay_diags_error(g->l->diags, y, n, "%s: %s", g->what, fault);
        return;
    }
    gather_add(g, s, NULL);
}

static const char *nearest_list(const struct assay_yaml_node *lists, const char *name)
{
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < assay_yaml_count(lists) && n < 63; i++) {
        names[n++] = assay_yaml_text(assay_yaml_pair_key(lists, i));
    }
    names[n] = NULL;
    return assay_suggest(name, names);
}

/* `$name`: the terms of a named list; lists do not refer to lists. */
static void add_named(struct gather *g, const struct assay_yaml_node *at, const char *name)
{
    const struct assay_pack_source *s = g->l->source;
    const struct assay_yaml_node *list = assay_yaml_get(s->lists, name);
    if (list == NULL) {
        const char *near = nearest_list(s->lists, name);
        assay_diags_error(g->l->diags, g->l->yaml, at, "no list '%s' in pack.yaml%s", name,
                          assay_hint(near, "$").text);
        return;
    }
    for (size_t i = 0; i < assay_yaml_count(list); i++) {
        add_term(g, s->yaml, assay_yaml_item(list, i));
    }
}

static int is_list_name(const char *text)
{
    return text != NULL && text[0] == '$' && text[1] != '$';
}

static void add_node(struct gather *g, const struct assay_yaml_node *n)
{
    const char *text = assay_yaml_text(n);
    if (is_list_name(text)) {
        add_named(g, n, text + 1);
    } else {
        add_term(g, g->l->yaml, n);
    }
}

static void add_all(struct gather *g, const struct assay_yaml_node *n)
{
    if (assay_yaml_node_kind(n) == ASSAY_YAML_MAPPING) {
        assay_yaml_check_keys(g->l->yaml, n, assay_words_keys, g->what, g->l->diags);
        const struct assay_yaml_node *file = assay_yaml_get(n, "file");
        if (file != NULL) {
            add_file(g, file);
        } else {
            assay_diags_error(g->l->diags, g->l->yaml, n, "missing key 'file' in %s", g->what);
        }
    } else if (assay_yaml_node_kind(n) == ASSAY_YAML_SEQUENCE) {
        for (size_t i = 0; i < assay_yaml_count(n); i++) {
            add_node(g, assay_yaml_item(n, i));
        }
    } else if (is_list_name(assay_yaml_text(n))) {
        add_node(g, n);
    } else {
        assay_diags_error(g->l->diags, g->l->yaml, n,
                          "%s: a list of terms, a $list or {file: NAME} is wanted", g->what);
    }
}

void assay_words_parse(struct assay_load *l, const struct assay_yaml_node *n, const char *what,
                       size_t max, struct assay_words *ret)
{
    struct gather g = {.l = l, .what = what, .max = max};
    ret->items = NULL;
    ret->n = 0;
    if (n == NULL) {
        return;
    }
    add_all(&g, n);
    struct assay_word *kept = assay_arena_array(l->rs->arena, g.n, sizeof *kept);
    if (kept != NULL && g.n > 0) {
        memcpy(kept, g.items, g.n * sizeof *kept);
        ret->items = kept;
        ret->n = g.n;
    }
    free(g.items);
    free(g.set);
}

/* ---- compiled form ------------------------------------------------------------------------- */

static uint32_t fold_wide(uint32_t cp)
{
    utf8proc_int32_t out[8];
    int last = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(
        (utf8proc_int32_t)cp, out, 8,
        (utf8proc_option_t)(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD), &last);
    uint32_t one = n == 1 ? (uint32_t)out[0] : (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)one);
    int space = category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
                category == UTF8PROC_CATEGORY_ZP;
    return space ? ' ' : one;
}

uint32_t assay_fold_cp(uint32_t cp)
{
    if (cp < 0x80) {
        if (cp >= 'A' && cp <= 'Z') {
            return cp + 32;
        }
        return cp >= '\t' && cp <= '\r' ? ' ' : cp;
    }
    if (cp >= 0x4e00 && cp <= 0x9fff) {
        return cp;
    }
    return fold_wide(cp);
}

static int compile_phrase(struct assay_arena *a, struct assay_bytes s, struct assay_phrase *ret)
{
    uint32_t *cps = assay_arena_array(a, s.len, sizeof *cps);
    size_t n = 0;
    if (cps == NULL) {
        return 0;
    }
    for (const char *p = s.ptr, *end = s.ptr + s.len; p < end;) {
        uint32_t cp;
        p += assay_utf8_decode(p, end, &cp);
        cps[n++] = assay_fold_cp(cp);
    }
    ret->cps = cps;
    ret->n = (uint16_t)n;
    ret->bound_head = (uint8_t)assay_cp_is_word(cps[0]);
    ret->bound_tail = (uint8_t)assay_cp_is_word(cps[n - 1]);
    return 1;
}

static int phrase_order(const void *a, const void *b)
{
    const struct assay_phrase *x = a, *y = b;
    if (x->cps[0] != y->cps[0]) {
        return x->cps[0] < y->cps[0] ? -1 : 1;
    }
    return (x->n > y->n) - (x->n < y->n);
}

const struct assay_phrases *assay_phrases_new(struct assay_arena *a, const struct assay_word *words,
                                              size_t n, int *ret_ok)
{
    *ret_ok = 1;
    if (n == 0) {
        return NULL;
    }
    struct assay_phrases *set = assay_arena_alloc(a, sizeof *set);
    struct assay_phrase *items = assay_arena_array(a, n, sizeof *items);
    *ret_ok = set != NULL && items != NULL;
    for (size_t i = 0; *ret_ok && i < n; i++) {
        *ret_ok = compile_phrase(a, words[i].text, &items[i]);
        if (*ret_ok) {
            set->filter |= (uint64_t)1 << (items[i].cps[0] & 63);
            set->longest = items[i].n > set->longest ? items[i].n : set->longest;
        }
    }
    if (!*ret_ok) {
        return NULL;
    }
    qsort(items, n, sizeof *items, phrase_order);
    set->items = items;
    set->n = n;
    return set;
}

static size_t first_of(const struct assay_phrases *set, uint32_t cp)
{
    size_t lo = 0, hi = set->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (set->items[mid].cps[0] < cp) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static int stands_at(const struct assay_phrase *p, struct assay_folded run, size_t at)
{
    if (memcmp(p->cps, run.cps + at, p->n * sizeof *p->cps) != 0) {
        return 0;
    }
    size_t end = at + p->n;
    int head_ok = !p->bound_head || at == 0 || !assay_cp_is_word(run.cps[at - 1]);
    int tail_ok = !p->bound_tail || end == run.n || !assay_cp_is_word(run.cps[end]);
    return head_ok && tail_ok;
}

int assay_phrases_at(const struct assay_phrases *set, struct assay_folded run, size_t at,
                     size_t least, size_t limit)
{
    uint32_t cp = run.cps[at];
    if ((set->filter >> (cp & 63) & 1) == 0) {
        return 0;
    }
    for (size_t i = first_of(set, cp); i < set->n && set->items[i].cps[0] == cp; i++) {
        size_t end = at + set->items[i].n;
        if (end >= least && end <= limit && stands_at(&set->items[i], run, at)) {
            return 1;
        }
    }
    return 0;
}
