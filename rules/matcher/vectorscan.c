/* SPDX-License-Identifier: Apache-2.0
 *
 * The Vectorscan engine. Three kinds of databases, scanned once per batch each:
 *   text    factors of ANCHOR and CLASS rules, authors' prefilters         over the whole batch
 *   words   the terms of word rules, as literals                           over the whole batch
 *   runs    one per run group: factors of RUN rules                        over its kept runs only
 * Patterns are bytes (no UTF-8 mode, no case folding: the derivation has spelled both out), every
 * end is reported (no SINGLEMATCH), and reports are only collected in the callback: Vectorscan
 * promises no order, so they are put in order first if it used another one.
 */
#include "rules/matcher/internal.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifndef HAVE_VECTORSCAN

int assay_vs_available(void)
{
    return 0;
}

enum assay_status assay_vs_new(struct assay_matcher *m, const char *cache_dir,
                               struct assay_error *err)
{
    (void)m;
    (void)cache_dir;
    return assay_fail(err, ASSAY_UNSUPPORTED, "this build has no Vectorscan");
}

void assay_vs_free(struct assay_vs *vs)
{
    (void)vs;
}

enum assay_status assay_vs_scratch(const struct assay_matcher *m, struct assay_scratch *s,
                                   struct assay_error *err)
{
    (void)m;
    (void)s;
    return assay_fail(err, ASSAY_UNSUPPORTED, "this build has no Vectorscan");
}

void assay_vs_scratch_free(struct assay_scratch *s)
{
    (void)s;
}

void assay_vs_scan(struct assay_scratch *s)
{
    s->status = ASSAY_UNSUPPORTED;
}

#else

#include <hs.h>

#include "core/limits.h"
#include "rules/matcher/cache.h"

enum { DB_TEXT, DB_WORDS, DB_RUNS, DB_MAX = DB_RUNS + ASSAY_RUN_GROUPS };

#define VS_FORMAT "assay vectorscan databases 1" /* bump when the derivation changes */

struct assay_vs {
    hs_database_t *db[DB_MAX]; /* NULL: no pattern of this kind */
    uint32_t *always;          /* rules with no candidates: PCRE2 over every field */
    uint32_t n_always;
};

/* Patterns of one database on their way to the compiler. */
struct pattern_list {
    char **text;
    unsigned *flags, *ids;
    size_t *lens;
    unsigned n;
};

int assay_vs_available(void)
{
    return hs_valid_platform() == HS_SUCCESS;
}

void assay_vs_free(struct assay_vs *vs)
{
    if (vs == NULL) {
        return;
    }
    for (int i = 0; i < DB_MAX; i++) {
        (void)hs_free_database(vs->db[i]);
    }
    free(vs->always);
    free(vs);
}

/* ---- which rule goes where ------------------------------------------------------------------ */

/* The database of a rule; -1: none. */
static int rule_db(const struct assay_matcher *m, uint32_t i)
{
    const struct assay_rule *r = m->rule[i];
    if (r->detect != ASSAY_DETECT_PATTERN) {
        return -1;
    }
    switch (m->plans[i].kind) {
    case ASSAY_PLAN_RUN:
        return DB_RUNS + (int)m->plans[i].group;
    case ASSAY_PLAN_WHOLE:
        return r->prefilter != NULL ? DB_TEXT : -1;
    case ASSAY_PLAN_ANCHOR:
    case ASSAY_PLAN_CLASS:
        break;
    }
    return DB_TEXT;
}

static enum assay_status collect_always(struct assay_matcher *m, struct assay_vs *vs)
{
    vs->n_always = 0;
    free(vs->always);
    vs->always = assay_alloc_array(m->n_rules + 1u, sizeof *vs->always);
    if (vs->always == NULL) {
        return ASSAY_NOMEM;
    }
    for (uint32_t i = 0; i < m->n_rules; i++) {
        const struct assay_rule *r = m->rule[i];
        if (r->detect == ASSAY_DETECT_PATTERN && rule_db(m, i) < 0) {
            vs->always[vs->n_always++] = i;
        }
    }
    return ASSAY_OK;
}

static void list_release(struct pattern_list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        free(l->text[i]);
    }
    free(l->text);
    free(l->flags);
    free(l->ids);
    free(l->lens);
    memset(l, 0, sizeof *l);
}

static int list_init(struct pattern_list *l, size_t cap)
{
    memset(l, 0, sizeof *l);
    l->text = assay_alloc_array(cap + 1, sizeof *l->text);
    l->flags = assay_alloc_array(cap + 1, sizeof *l->flags);
    l->ids = assay_alloc_array(cap + 1, sizeof *l->ids);
    l->lens = assay_alloc_array(cap + 1, sizeof *l->lens);
    return l->text != NULL && l->flags != NULL && l->ids != NULL && l->lens != NULL;
}

static int list_add_rule(struct pattern_list *l, const struct assay_matcher *m, uint32_t i)
{
    const struct assay_rule *r = m->rule[i];
    struct assay_buf b;
    assay_buf_init(&b, ASSAY_MIB(1));
    if (m->plans[i].kind == ASSAY_PLAN_WHOLE) {
        assay_buf_adds(&b, r->prefilter);
        l->flags[l->n] = HS_FLAG_PREFILTER | HS_FLAG_UTF8 | (r->caseless ? HS_FLAG_CASELESS : 0u);
    } else {
        assay_rx_print(m->plans[i].factor, &b);
        l->flags[l->n] = 0;
    }
    l->ids[l->n] = i;
    l->lens[l->n] = b.len;
    l->text[l->n] = assay_buf_take(&b);
    return l->text[l->n] != NULL && ++l->n;
}

static int list_add_db(struct pattern_list *l, const struct assay_matcher *m, int db)
{
    for (uint32_t i = 0; i < m->n_rules; i++) {
        if (rule_db(m, i) == db && !list_add_rule(l, m, i)) {
            return 0;
        }
    }
    return 1;
}

/* ---- compiling ------------------------------------------------------------------------------ */

/* A rule that Vectorscan refuses (too large, say) is matched by PCRE2 alone. */
static void demote(struct assay_matcher *m, uint32_t rule)
{
    m->plans[rule].kind = ASSAY_PLAN_WHOLE;
}

static enum assay_status compile_rules(struct assay_matcher *m, struct assay_vs *vs, int db,
                                       uint32_t *ret_refused, struct assay_error *err)
{
    struct pattern_list l;
    hs_compile_error_t *he = NULL;
    enum assay_status rc = ASSAY_OK;
    *ret_refused = ASSAY_NONE;
    if (!list_init(&l, m->n_rules) || !list_add_db(&l, m, db)) {
        rc = assay_fail(err, ASSAY_NOMEM, "out of memory while compiling rules");
    } else if (l.n > 0 && hs_compile_multi((const char *const *)l.text, l.flags, l.ids, l.n,
                                           HS_MODE_BLOCK, NULL, &vs->db[db], &he) != HS_SUCCESS) {
        if (he->expression >= 0 && m->plans[l.ids[he->expression]].kind != ASSAY_PLAN_WHOLE) {
            *ret_refused = l.ids[he->expression];
        } else if (he->expression >= 0) {
            rc = assay_fail(err, ASSAY_RULE, "rule %s: prefilter: %s",
                            m->rule[l.ids[he->expression]]->view.id, he->message);
        } else {
            rc = assay_fail(err, ASSAY_RULE, "cannot compile the rules: %s", he->message);
        }
        (void)hs_free_compile_error(he);
    }
    list_release(&l);
    return rc;
}

static enum assay_status compile_words(struct assay_matcher *m, struct assay_vs *vs,
                                       struct assay_error *err)
{
    const struct assay_terms *t = &m->terms;
    struct pattern_list l;
    hs_compile_error_t *he = NULL;
    enum assay_status rc = ASSAY_OK;
    if (t->count == 0) {
        return ASSAY_OK;
    }
    if (!list_init(&l, t->count)) {
        list_release(&l);
        return assay_fail(err, ASSAY_NOMEM, "out of memory while compiling words");
    }
    for (uint32_t i = 0; i < t->count; i++) {
        l.text[i] = t->text + t->items[i].at;
        l.lens[i] = t->items[i].len;
        l.ids[i] = i;
        l.flags[i] = HS_FLAG_CASELESS;
    }
    if (hs_compile_lit_multi((const char *const *)l.text, l.flags, l.ids, l.lens, t->count,
                             HS_MODE_BLOCK, NULL, &vs->db[DB_WORDS], &he) != HS_SUCCESS) {
        rc = assay_fail(err, ASSAY_RULE, "cannot compile the word lists: %s", he->message);
        (void)hs_free_compile_error(he);
    }
    list_release(&l); /* l.n is 0: the texts are borrowed */
    return rc;
}

static enum assay_status compile_all(struct assay_matcher *m, struct assay_vs *vs,
                                     struct assay_error *err)
{
    enum assay_status rc = compile_words(m, vs, err);
    for (int db = 0; rc == ASSAY_OK && db < DB_MAX; db++) {
        uint32_t refused = ASSAY_NONE;
        if (db == DB_WORDS) {
            continue;
        }
        rc = compile_rules(m, vs, db, &refused, err);
        if (refused != ASSAY_NONE) {
            demote(m, refused);
            db = -1; /* a demoted rule with a prefilter moves to DB_TEXT: start over */
            for (int i = 0; i < DB_MAX; i++) {
                (void)hs_free_database(i == DB_WORDS ? NULL : vs->db[i]);
                vs->db[i] = i == DB_WORDS ? vs->db[i] : NULL;
            }
        }
    }
    return rc;
}

/* ---- the cache ------------------------------------------------------------------------------ */

static void hash_u32(struct assay_sha256 *h, uint32_t v)
{
    (void)assay_sha256_update(h, &v, sizeof v);
}

static void hash_text(struct assay_sha256 *h, const char *s, size_t len)
{
    hash_u32(h, (uint32_t)len);
    (void)assay_sha256_update(h, s, len);
}

/* Everything that shapes the databases: library, CPU, derivation, and every pattern and term in
 * order. */
static int cache_id(const struct assay_matcher *m, uint8_t ret[ASSAY_SHA256_LEN])
{
    struct assay_sha256 *h = assay_sha256_new();
    hs_platform_info_t cpu;
    memset(&cpu, 0, sizeof cpu);
    int ok =
        h != NULL && hs_populate_platform(&cpu) == HS_SUCCESS && assay_sha256_start(h) == ASSAY_OK;
    if (ok) {
        hash_text(h, VS_FORMAT, sizeof VS_FORMAT);
        hash_text(h, hs_version(), strlen(hs_version()));
        (void)assay_sha256_update(h, &cpu, sizeof cpu);
        for (uint32_t i = 0; i < m->n_rules; i++) {
            const struct assay_rule *r = m->rule[i];
            hash_u32(h, (uint32_t)r->detect);
            if (r->detect == ASSAY_DETECT_PATTERN) {
                hash_u32(h, r->caseless);
                hash_text(h, r->pattern, strlen(r->pattern));
                hash_text(h, r->prefilter, r->prefilter == NULL ? 0 : strlen(r->prefilter));
            }
        }
        for (uint32_t i = 0; i < m->terms.count; i++) {
            const struct assay_term *t = &m->terms.items[i];
            hash_u32(h, t->rule);
            hash_text(h, m->terms.text + t->at, t->len);
        }
        ok = assay_sha256_finish(h, ret) == ASSAY_OK;
    }
    assay_sha256_free(h);
    return ok;
}

/* Content: u64 length of each database (0: none), u32 count of demoted rules, those rules, the
 * databases. */
static void store(const struct assay_matcher *m, const struct assay_vs *vs, const uint8_t *demoted,
                  const char *dir, const uint8_t *id)
{
    ASSAY_AUTO_BUF out;
    char *blob[DB_MAX] = {NULL};
    uint64_t len[DB_MAX] = {0};
    assay_buf_init(&out, ASSAY_LIMIT_CACHE_FILE - 64);
    for (int i = 0; i < DB_MAX; i++) {
        size_t n = 0;
        if (vs->db[i] != NULL && hs_serialize_database(vs->db[i], &blob[i], &n) != HS_SUCCESS) {
            goto out;
        }
        len[i] = n;
    }
    assay_buf_add(&out, len, sizeof len);
    assay_buf_add(&out, demoted, m->n_rules);
    for (int i = 0; i < DB_MAX; i++) {
        assay_buf_add(&out, blob[i], (size_t)len[i]);
    }
    if (assay_buf_status(&out) == ASSAY_OK) {
        assay_cache_store(dir, id, assay_buf_bytes(&out));
    }
out:
    for (int i = 0; i < DB_MAX; i++) {
        free(blob[i]);
    }
}

static int restore(struct assay_matcher *m, struct assay_vs *vs, struct assay_bytes in)
{
    uint64_t len[DB_MAX];
    size_t at = sizeof len + m->n_rules;
    if (in.len < at) {
        return 0;
    }
    memcpy(len, in.ptr, sizeof len);
    for (uint32_t i = 0; i < m->n_rules; i++) {
        if (in.ptr[sizeof len + i] != 0) {
            demote(m, i);
        }
    }
    for (int i = 0; i < DB_MAX; i++) {
        if (len[i] > in.len - at ||
            (len[i] > 0 &&
             hs_deserialize_database(in.ptr + at, (size_t)len[i], &vs->db[i]) != HS_SUCCESS)) {
            return 0;
        }
        at += (size_t)len[i];
    }
    return at == in.len;
}

static int load(struct assay_matcher *m, struct assay_vs *vs, const char *dir, const uint8_t *id)
{
    ASSAY_AUTO_BUF in;
    assay_buf_init(&in, ASSAY_LIMIT_CACHE_FILE);
    return assay_cache_load(dir, id, &in) && restore(m, vs, assay_buf_bytes(&in));
}

/* ---- new ------------------------------------------------------------------------------------ */

static enum assay_status compile_and_store(struct assay_matcher *m, struct assay_vs *vs,
                                           const char *cache_dir, const uint8_t *id,
                                           struct assay_error *err)
{
    uint8_t *demoted = calloc(m->n_rules + 1u, 1);
    if (demoted == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory while compiling rules");
    }
    for (uint32_t i = 0; i < m->n_rules; i++) {
        demoted[i] = m->plans[i].kind == ASSAY_PLAN_WHOLE;
    }
    enum assay_status rc = compile_all(m, vs, err);
    for (uint32_t i = 0; i < m->n_rules; i++) {
        demoted[i] = !demoted[i] && m->plans[i].kind == ASSAY_PLAN_WHOLE;
    }
    if (rc == ASSAY_OK && cache_dir != NULL) {
        store(m, vs, demoted, cache_dir, id);
    }
    free(demoted);
    return rc;
}

enum assay_status assay_vs_new(struct assay_matcher *m, const char *cache_dir,
                               struct assay_error *err)
{
    uint8_t id[ASSAY_SHA256_LEN];
    struct assay_vs *vs = calloc(1, sizeof *vs);
    enum assay_status rc = ASSAY_OK;
    m->vs = vs;
    if (vs == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory while compiling rules");
    }
    if (cache_dir != NULL && !cache_id(m, id)) {
        cache_dir = NULL;
    }
    m->from_cache = cache_dir != NULL && load(m, vs, cache_dir, id);
    if (!m->from_cache) {
        for (int i = 0; i < DB_MAX; i++) {
            (void)hs_free_database(vs->db[i]);
            vs->db[i] = NULL;
        }
        rc = compile_and_store(m, vs, cache_dir, id, err);
    }
    return rc != ASSAY_OK ? rc : collect_always(m, vs);
}

enum assay_status assay_vs_scratch(const struct assay_matcher *m, struct assay_scratch *s,
                                   struct assay_error *err)
{
    hs_scratch_t *scratch = NULL;
    for (int i = 0; i < DB_MAX; i++) {
        if (m->vs->db[i] != NULL && hs_alloc_scratch(m->vs->db[i], &scratch) != HS_SUCCESS) {
            (void)hs_free_scratch(scratch);
            return assay_fail(err, ASSAY_NOMEM, "out of memory for the matcher");
        }
    }
    s->hs_scratch = scratch;
    return ASSAY_OK;
}

void assay_vs_scratch_free(struct assay_scratch *s)
{
    (void)hs_free_scratch(s->hs_scratch);
}

/* ---- scanning ------------------------------------------------------------------------------- */

static int on_report(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                     void *ctx)
{
    struct assay_scratch *s = ctx;
    (void)from;
    (void)flags;
    assay_candidate_push(s, id, (uint32_t)to);
    return s->status != ASSAY_OK;
}

static int on_word(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                   void *ctx)
{
    struct assay_scratch *s = ctx;
    (void)from;
    (void)flags;
    assay_term_found(s, id, (uint32_t)to);
    return s->status != ASSAY_OK;
}

static int compare_candidates(const void *pa, const void *pb)
{
    const struct assay_candidate *a = pa, *b = pb;
    return a->end != b->end ? (a->end < b->end ? -1 : 1)
                            : (a->rule > b->rule) - (a->rule < b->rule);
}

static void sort_candidates(struct assay_scratch *s)
{
    for (uint32_t i = 1; i < s->n_candidates; i++) {
        if (s->candidates[i].end < s->candidates[i - 1].end) {
            qsort(s->candidates, s->n_candidates, sizeof *s->candidates, compare_candidates);
            return;
        }
    }
}

static void scan_db(struct assay_scratch *s, int db, const char *text, uint32_t len,
                    match_event_handler handler)
{
    s->n_candidates = 0;
    s->field_hint = 0;
    if (s->m->vs->db[db] == NULL || len == 0) {
        return;
    }
    hs_error_t rc = hs_scan(s->m->vs->db[db], text, len, 0, s->hs_scratch, handler, s);
    if (rc != HS_SUCCESS && s->status == ASSAY_OK) {
        s->status = ASSAY_INTERNAL;
    }
    sort_candidates(s);
}

static void try_candidate(struct assay_scratch *s, uint32_t rule, uint32_t end)
{
    const struct assay_plan *p = &s->m->plans[rule];
    if (p->kind != ASSAY_PLAN_WHOLE) {
        assay_candidate_try(s, rule, end, p->back_max, p->back_min);
        return;
    }
    uint32_t field = end == 0 ? ASSAY_NONE : assay_field_at(s, end - 1);
    if (field != ASSAY_NONE) { /* an author's prefilter: it says no more than "this field" */
        assay_confirm_field(s, rule, field);
    }
}

static void scan_runs(struct assay_scratch *s, unsigned g)
{
    const struct assay_run_list *l = &s->runs[g];
    uint32_t hint = 0;
    if (s->m->vs->db[DB_RUNS + g] == NULL) {
        return;
    }
    scan_db(s, DB_RUNS + (int)g, l->text, l->len, on_report);
    for (uint32_t i = 0; i < s->n_candidates; i++) {
        uint32_t end = assay_run_origin(l, s->candidates[i].end - 1, &hint) + 1;
        try_candidate(s, s->candidates[i].rule, end);
    }
}

static void scan_always(struct assay_scratch *s)
{
    for (uint32_t k = 0; k < s->m->vs->n_always; k++) {
        for (uint32_t i = 0; i < s->batch->n_fields; i++) {
            if (assay_field_is_matched(&s->batch->fields[i])) {
                assay_confirm_field(s, s->m->vs->always[k], i);
            }
        }
    }
}

void assay_vs_scan(struct assay_scratch *s)
{
    const struct assay_batch *b = s->batch;
    scan_db(s, DB_WORDS, b->text, b->text_len, on_word);
    scan_db(s, DB_TEXT, b->text, b->text_len, on_report);
    for (uint32_t i = 0; i < s->n_candidates; i++) {
        try_candidate(s, s->candidates[i].rule, s->candidates[i].end);
    }
    if (assay_runs_find(&s->m->runs, b->text, b->text_len, 1, s->runs) != ASSAY_OK) {
        s->status = ASSAY_NOMEM;
        return;
    }
    for (unsigned g = 0; g < ASSAY_RUN_GROUPS; g++) {
        scan_runs(s, g);
    }
    scan_always(s);
}

#endif
