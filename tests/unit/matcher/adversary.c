/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/matcher/adversary.h"

#include "core/limits.h"
#include "core/utf8.h"

#define MAX_FIELDS 65536
#define MAX_PIECE  400

struct adversary {
    const struct assay_matcher *m;
    uint64_t rng;
    struct assay_arena *arena;
    struct assay_rx **trees; /* by rule; NULL: no pattern, or not understood */
    struct assay_buf text;
    struct assay_batch batch;
    struct assay_field *fields;
    struct assay_record record;
};

static uint32_t below(struct adversary *a, uint32_t n)
{
    a->rng += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = a->rng;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(((z ^ (z >> 31)) >> 32) * n >> 32);
}

struct adversary *adversary_new(const struct assay_matcher *m, uint64_t seed)
{
    struct adversary *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    a->m = m;
    a->rng = seed;
    a->arena = assay_arena_new(ASSAY_MIB(64));
    a->trees = calloc(m->n_rules + 1u, sizeof *a->trees);
    a->fields = calloc(MAX_FIELDS, sizeof *a->fields);
    assay_buf_init(&a->text, ASSAY_MIB(64));
    if (a->arena == NULL || a->trees == NULL || a->fields == NULL) {
        adversary_free(a);
        return NULL;
    }
    for (uint32_t i = 0; i < m->n_rules; i++) {
        if (m->rule[i]->detect == ASSAY_DETECT_PATTERN) {
            a->trees[i] = assay_rx_parse(a->arena, m->rule[i]->pattern, m->rule[i]->caseless);
        }
    }
    return a;
}

void adversary_free(struct adversary *a)
{
    if (a != NULL) {
        assay_arena_free(a->arena);
        assay_buf_release(&a->text);
        free(a->trees);
        free(a->fields);
        free(a);
    }
}

/* ---- pieces --------------------------------------------------------------------------------- */

static void put_class(struct adversary *a, const struct assay_byteset *set)
{
    uint32_t k = below(a, assay_byteset_count(set));
    for (unsigned c = 0; c < 256; c++) {
        if (assay_byteset_has(set, (unsigned char)c) && k-- == 0) {
            assay_buf_addc(&a->text, (char)c);
            return;
        }
    }
}

/* A random text of the tree's language, roughly. */
static void put_tree(struct adversary *a, const struct assay_rx *n, size_t stop)
{
    uint32_t k = 0;
    if (a->text.len > stop) {
        return;
    }
    switch (n->kind) {
    case ASSAY_RX_CLASS:
        put_class(a, &n->set);
        break;
    case ASSAY_RX_CAT:
        for (const struct assay_rx *c = n->first; c != NULL; c = c->next) {
            put_tree(a, c, stop);
        }
        break;
    case ASSAY_RX_ALT:
        for (const struct assay_rx *c = n->first; c != NULL; c = c->next) {
            k++;
        }
        k = below(a, k);
        for (const struct assay_rx *c = n->first; c != NULL; c = c->next) {
            if (k-- == 0) {
                put_tree(a, c, stop);
            }
        }
        break;
    case ASSAY_RX_REP:
        k = n->rmax == ASSAY_RX_INF ? n->rmin + 9 : n->rmax;
        k = n->rmin + below(a, k - n->rmin + 1);
        while (k-- > 0) {
            put_tree(a, n->first, stop);
        }
        break;
    case ASSAY_RX_EMPTY:
    case ASSAY_RX_OPAQUE:
        break;
    }
}

static void put_term(struct adversary *a)
{
    const struct assay_terms *t = &a->m->terms;
    if (t->count == 0) {
        return;
    }
    const struct assay_word_term *w = &t->items[below(a, t->count)];
    int shout = below(a, 4) == 0;
    for (uint32_t i = 0; i < w->len; i++) {
        char c = t->text[w->at + i];
        assay_buf_addc(&a->text, (char)(shout && c >= 'a' && c <= 'z' ? c - 0x20 : c));
    }
}

static void put_digits(struct adversary *a)
{
    static const char separators[] = " -./:+()x";
    uint32_t n = 1 + below(a, below(a, 8) == 0 ? 60 : 12);
    for (uint32_t i = 0; i < n; i++) {
        assay_buf_addc(&a->text, (char)('0' + below(a, 10)));
        if (below(a, 6) == 0) {
            assay_buf_addc(&a->text, separators[below(a, sizeof separators - 1)]);
        }
    }
}

static void put_glue(struct adversary *a)
{
    static const char *const glue[] = {" ",  " ",    "电话",     "，",     "。", "号", "a",  "Z",
                                       "0",  "-",    "_",        ".",      "\n", "\t", "@",  ":",
                                       "/",  "é",    "я",        "K",      "ſ",  "１", "：", "😀",
                                       "中", "国",   "\xc2\xa0", "(",      ")",  "\"", "\0", "no ",
                                       "元", "the ", "of ",      "身份证", "id", "=",  "+",  "'"};
    const char *g = glue[below(a, sizeof glue / sizeof *glue)];
    assay_buf_add(&a->text, g, *g == '\0' ? 1 : strlen(g));
}

static void put_pattern(struct adversary *a)
{
    const struct assay_rx *tree = a->trees[below(a, a->m->n_rules)];
    size_t at = a->text.len;
    if (tree == NULL) {
        return;
    }
    put_tree(a, tree, at + MAX_PIECE);
    if (a->text.len == at) {
        return;
    }
    uint32_t len = (uint32_t)(a->text.len - at), how = below(a, 8);
    if (how == 0) { /* cut short */
        a->text.len = at + below(a, len);
    } else if (how == 1) { /* one byte changed */
        a->text.ptr[at + below(a, len)] = (char)(' ' + below(a, 95));
    } else if (how == 2) { /* cut at the front */
        uint32_t cut = below(a, len);
        memmove(a->text.ptr + at, a->text.ptr + at + cut, len - cut);
        a->text.len -= cut;
    }
}

static void put_repeat(struct adversary *a, size_t from)
{
    size_t len = a->text.len - from;
    len = len > 40 ? 40 : len;
    for (uint32_t n = below(a, 4); n > 0 && len > 0; n--) {
        assay_buf_reserve(&a->text, len);
        assay_buf_add(&a->text, a->text.ptr + from, len);
    }
}

static void put_field(struct adversary *a, size_t bytes)
{
    size_t start = a->text.len, piece = start;
    while (a->text.len - start < bytes) {
        uint32_t how = below(a, 20);
        size_t before = a->text.len;
        if (how < 8) {
            put_glue(a);
        } else if (how < 14) {
            put_pattern(a);
        } else if (how < 16) {
            put_digits(a);
        } else if (how < 19) {
            put_term(a);
        } else {
            put_repeat(a, piece);
        }
        piece = before;
    }
    (void)assay_utf8_repair(a->text.ptr + start, a->text.len - start);
}

/* ---- batches -------------------------------------------------------------------------------- */

static int pick_kind(struct adversary *a)
{
    static const int kinds[] = {ASSAY_FIELD_NUMBER, ASSAY_FIELD_BOOL, ASSAY_FIELD_NULL,
                                ASSAY_FIELD_KEY, ASSAY_FIELD_EMPTY};
    return below(a, 4) != 0 ? ASSAY_FIELD_STRING : kinds[below(a, 5)];
}

static void add_field(struct adversary *a)
{
    struct assay_field *f = &a->fields[a->batch.n_fields];
    uint32_t size = below(a, 30);
    size_t start = a->text.len;
    int kind = pick_kind(a);
    if (kind != ASSAY_FIELD_NULL && kind != ASSAY_FIELD_EMPTY) {
        put_field(a, size == 0 ? 0 : size == 1 ? 20000 : 1 + below(a, size * 20));
    }
    *f = (struct assay_field){.record = 0,
                              .start = (uint32_t)start,
                              .len = (uint32_t)(a->text.len - start),
                              .kind = (uint8_t)kind};
    for (uint32_t n = 1 + (below(a, 10) == 0); n > 0; n--) {
        assay_buf_addc(&a->text, ASSAY_FIELD_SEPARATOR);
    }
    a->batch.n_fields++;
}

const struct assay_batch *adversary_batch(struct adversary *a, size_t bytes)
{
    static const struct assay_bytes path = {"/text", 5};
    assay_buf_clear(&a->text);
    memset(&a->batch, 0, sizeof a->batch);
    while (a->text.len < bytes && a->batch.n_fields < MAX_FIELDS) {
        add_field(a);
    }
    a->record = (struct assay_record){.n_fields = a->batch.n_fields};
    a->batch.size = sizeof a->batch;
    a->batch.text = a->text.ptr;
    a->batch.text_len = (uint32_t)a->text.len;
    a->batch.n_records = 1;
    a->batch.n_paths = 1;
    a->batch.records = &a->record;
    a->batch.fields = a->fields;
    a->batch.paths = &path;
    return &a->batch;
}
