/* SPDX-License-Identifier: Apache-2.0
 *
 * The literal search by Vectorscan: one database of all terms and anchors, one scan per batch.
 *
 * Only its literal matching is used. Its engines for expressions lose matches on some CPUs (5.4.9
 * with AVX-512 misses '@' and a class, depending on alignment), and the plans need no expressions.
 * Every end is reported (no SINGLEMATCH); ASCII case is ignored, as everywhere in the plans.
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

void assay_vs_search(struct assay_scratch *s)
{
    s->status = ASSAY_UNSUPPORTED;
}

#else

#include <hs.h>

#include "core/limits.h"
#include "rules/matcher/cache.h"

#define VS_FORMAT "assay vectorscan literals 1"

struct assay_vs {
    hs_database_t *db; /* NULL: nothing to search for */
};

int assay_vs_available(void)
{
    return hs_valid_platform() == HS_SUCCESS;
}

void assay_vs_free(struct assay_vs *vs)
{
    if (vs != NULL) {
        (void)hs_free_database(vs->db);
        free(vs);
    }
}

/* ---- compiling ------------------------------------------------------------------------------ */

/* The table as the columns that Vectorscan takes. */
struct columns {
    const char **text;
    size_t *len;
    unsigned *id, *flags;
};

static void columns_release(struct columns *c)
{
    free(c->text);
    free(c->len);
    free(c->id);
    free(c->flags);
}

static int columns_fill(struct columns *c, const struct assay_literal_table *t)
{
    c->text = assay_alloc_array(t->count, sizeof *c->text);
    c->len = assay_alloc_array(t->count, sizeof *c->len);
    c->id = assay_alloc_array(t->count, sizeof *c->id);
    c->flags = assay_alloc_array(t->count, sizeof *c->flags);
    if (c->text == NULL || c->len == NULL || c->id == NULL || c->flags == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < t->count; i++) {
        c->text[i] = t->items[i].text;
        c->len[i] = t->items[i].len;
        c->id[i] = t->items[i].id;
        c->flags[i] = HS_FLAG_CASELESS;
    }
    return 1;
}

static enum assay_status compile(const struct assay_literal_table *t, hs_database_t **ret,
                                 struct assay_error *err)
{
    struct columns c = {.text = NULL};
    hs_compile_error_t *he = NULL;
    enum assay_status rc = ASSAY_OK;
    if (!columns_fill(&c, t)) {
        rc = assay_fail(err, ASSAY_NOMEM, "out of memory while compiling rules");
    } else if (hs_compile_lit_multi(c.text, c.flags, c.id, c.len, t->count, HS_MODE_BLOCK, NULL,
                                    ret, &he) != HS_SUCCESS) {
        rc = assay_fail(err, ASSAY_RULE, "cannot compile the rules: %s", he->message);
        (void)hs_free_compile_error(he);
    }
    columns_release(&c);
    return rc;
}

/* ---- the cache ------------------------------------------------------------------------------ */

static int hash_bytes(struct assay_sha256 *h, const void *data, size_t len)
{
    uint64_t n = len;
    return assay_sha256_update(h, &n, sizeof n) == ASSAY_OK &&
           assay_sha256_update(h, data, len) == ASSAY_OK;
}

/* Everything that shapes the database: format, library, CPU, and every literal in order. */
static int cache_id(const struct assay_literal_table *t, uint8_t ret[ASSAY_SHA256_LEN])
{
    struct assay_sha256 *h = assay_sha256_new();
    hs_platform_info_t cpu;
    memset(&cpu, 0, sizeof cpu);
    int ok = h != NULL && hs_populate_platform(&cpu) == HS_SUCCESS &&
             assay_sha256_start(h) == ASSAY_OK && hash_bytes(h, VS_FORMAT, sizeof VS_FORMAT) &&
             hash_bytes(h, hs_version(), strlen(hs_version())) && hash_bytes(h, &cpu, sizeof cpu);
    for (uint32_t i = 0; ok && i < t->count; i++) {
        ok = hash_bytes(h, &t->items[i].id, sizeof t->items[i].id) &&
             hash_bytes(h, t->items[i].text, t->items[i].len);
    }
    ok = ok && assay_sha256_finish(h, ret) == ASSAY_OK;
    assay_sha256_free(h);
    return ok;
}

static int load(const char *dir, const uint8_t *id, hs_database_t **ret)
{
    ASSAY_AUTO_BUF in;
    assay_buf_init(&in, ASSAY_LIMIT_CACHE_FILE);
    return assay_cache_load(dir, id, &in) &&
           hs_deserialize_database(in.ptr, in.len, ret) == HS_SUCCESS;
}

static void store(const char *dir, const uint8_t *id, const hs_database_t *db)
{
    char *bytes = NULL;
    size_t len = 0;
    if (hs_serialize_database(db, &bytes, &len) == HS_SUCCESS) {
        assay_cache_store(dir, id, assay_bytes_make(bytes, len));
        free(bytes);
    }
}

enum assay_status assay_vs_new(struct assay_matcher *m, const char *cache_dir,
                               struct assay_error *err)
{
    uint8_t id[ASSAY_SHA256_LEN];
    m->vs = calloc(1, sizeof *m->vs);
    if (m->vs == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory while compiling rules");
    }
    if (m->literals.count == 0) {
        return ASSAY_OK;
    }
    if (cache_dir != NULL && !cache_id(&m->literals, id)) {
        cache_dir = NULL;
    }
    m->from_cache = cache_dir != NULL && load(cache_dir, id, &m->vs->db);
    if (m->from_cache) {
        return ASSAY_OK;
    }
    enum assay_status rc = compile(&m->literals, &m->vs->db, err);
    if (rc == ASSAY_OK && cache_dir != NULL) {
        store(cache_dir, id, m->vs->db);
    }
    return rc;
}

/* ---- searching ------------------------------------------------------------------------------ */

enum assay_status assay_vs_scratch(const struct assay_matcher *m, struct assay_scratch *s,
                                   struct assay_error *err)
{
    hs_scratch_t *scratch = NULL;
    if (m->vs->db != NULL && hs_alloc_scratch(m->vs->db, &scratch) != HS_SUCCESS) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory for the matcher");
    }
    s->hs_scratch = scratch;
    return ASSAY_OK;
}

void assay_vs_scratch_free(struct assay_scratch *s)
{
    (void)hs_free_scratch(s->hs_scratch);
}

static int on_literal(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                      void *ctx)
{
    struct assay_scratch *s = ctx;
    (void)from;
    (void)flags;
    assay_literal_found(s, id, (uint32_t)to);
    return s->status != ASSAY_OK;
}

void assay_vs_search(struct assay_scratch *s)
{
    const struct assay_batch *b = s->batch;
    if (s->m->vs->db != NULL && b->text_len > 0 &&
        hs_scan(s->m->vs->db, b->text, b->text_len, 0, s->hs_scratch, on_literal, s) !=
            HS_SUCCESS &&
        s->status == ASSAY_OK) {
        s->status = ASSAY_INTERNAL;
    }
}

#endif
