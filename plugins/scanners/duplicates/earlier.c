/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/earlier.c: see the header.
 */
#include "earlier.h"

#include "index_merge.h"

#define PATH_BYTES 4096
#define SHOWN_MAX  160 /* bytes of a file's name in a finding */

/* What is done with each path of a list. */
typedef enum assay_status path_verb(void *ctx, const char *path, struct assay_error *err);

/* `list`: separated by colons; NULL: none. */
static enum assay_status each_path(const char *list, path_verb *verb, void *ctx,
                                   struct assay_error *err)
{
    char path[PATH_BYTES];
    enum assay_status st = ASSAY_OK;
    for (const char *p = list; p != NULL && *p != '\0' && st == ASSAY_OK;) {
        const size_t len = strcspn(p, ":");
        if (len >= sizeof path) {
            return assay_fail(err, ASSAY_LIMIT, "paths of indexes have at most %d bytes",
                              PATH_BYTES - 1);
        }
        memcpy(path, p, len);
        path[len] = '\0';
        st = len == 0 ? ASSAY_OK : verb(ctx, path, err);
        p += len + (p[len] == ':');
    }
    return st;
}

/* ---- set-up -------------------------------------------------------------------------------- */

struct opening {
    struct dup_earlier *e;
    const struct assay_host *host;
    const struct dup_params *params;
};

static enum assay_status open_run(void *ctx, const char *path, struct assay_error *err)
{
    const struct opening *o = ctx;
    return dup_lookup_add(&o->e->lookup, path, o->params, o->host, err);
}

static enum assay_status probe_run(void *ctx, const char *path, struct assay_error *err)
{
    const struct opening *o = ctx;
    return dup_index_probe(path, o->params, o->host, err);
}

enum assay_status dup_earlier_init(struct dup_earlier *e, const struct assay_host *host,
                                   const struct dup_params *params, struct assay_error *err)
{
    struct opening o = {e, host, params};
    memset(e, 0, sizeof *e);
    e->write = host->option(host->ctx, "index_write");
    e->name = host->option(host->ctx, "index_name");
    e->name = e->name == NULL ? "" : e->name;
    const enum assay_status st = each_path(host->option(host->ctx, "index"),
                                           e->write == NULL ? open_run : probe_run, &o, err);
    return st == ASSAY_OK ? dup_lookup_ready(&e->lookup, err) : st;
}

void dup_earlier_release(struct dup_earlier *e)
{
    dup_lookup_release(&e->lookup);
}

static enum assay_status list_run(void *ctx, const char *path, struct assay_error *err)
{
    return dup_run_merge_add(ctx, path, err);
}

static enum assay_status verify_run(void *ctx, const char *path, struct assay_error *err)
{
    const struct assay_host *host = ctx;
    struct dup_index *x;
    enum assay_status st = dup_index_open(path, NULL, host, &x, err);
    st = st == ASSAY_OK ? dup_index_verify(x, err) : st;
    dup_index_close(x);
    return st;
}

enum assay_status dup_earlier_maintain(const struct assay_host *host, const char *const *names,
                                       struct assay_error *err)
{
    const char *write = host->option(host->ctx, "index_write");
    const char *verify = host->option(host->ctx, "index_verify");
    struct dup_run_merge m = {.host = host, .param_names = names};
    if (verify != NULL && strcmp(verify, "true") == 0) {
        return each_path(host->option(host->ctx, "index"), verify_run, (void *)(uintptr_t)host,
                         err);
    }
    if (write == NULL) {
        return assay_fail(err, ASSAY_CONFIG, "index_write does not say where to write to");
    }
    m.drop = host->option(host->ctx, "index_drop");
    enum assay_status st = each_path(host->option(host->ctx, "index"), list_run, &m, err);
    st = st == ASSAY_OK ? dup_run_merge_write(&m, write, err) : st;
    dup_run_merge_release(&m);
    return st;
}

/* ---- looking up ---------------------------------------------------------------------------- */

/* Printable ASCII as it is, the rest as %XX; cut off with "..." when it is too long. */
static void show_name(const char *name, char out[SHOWN_MAX + 8])
{
    size_t n = 0;
    for (; *name != '\0' && n < SHOWN_MAX; name++) {
        const unsigned char c = (unsigned char)*name;
        if (c > 0x20 && c < 0x7f && c != '%') {
            out[n++] = *name;
        } else {
            n += (size_t)snprintf(out + n, 4, "%%%02X", c);
        }
    }
    memcpy(out + n, *name == '\0' ? "" : "...", *name == '\0' ? 1 : 4);
}

/* What is said of a record, its partner and their group. */
struct saying {
    const struct dup_lookup *l;
    const struct dup_accepted *a;
    const struct dup_partner *p;
    struct dup_digest digest;
};

/* "near-duplicate of record 5 of b.jsonl in delivery 2026-06; similarity 900 of 1000" */
static void describe(const struct saying *x, char *detail, size_t cap)
{
    static const char *const how[] = {"", "near-duplicate of", "same text as", "same bytes as"};
    char delivery[SHOWN_MAX + 8], file[SHOWN_MAX + 8];
    const struct dup_index *run = x->l->runs[x->p->run];
    const uint32_t in = dup_place_file(x->p->place);
    size_t n;
    show_name(dup_index_deliveries(run, &n)[dup_index_delivery_of(run, in)].name, delivery);
    show_name(dup_index_file(run, in), file);
    (void)snprintf(detail, cap, "%s record %llu of %s in delivery %s", how[x->p->likeness],
                   (unsigned long long)dup_place_record(x->p->place), file, delivery);
    const size_t len = strlen(detail);
    if (x->p->likeness == DUP_NEAR) {
        (void)snprintf(detail + len, cap - len, "; similarity %u of 1000", x->p->similarity);
    }
    dup_digest_say(x->a, DUP_GROUP_DELIVERED, x->digest, detail, cap);
}

static enum assay_status say(const struct saying *x, const struct assay_batch *b, uint32_t record,
                             uint32_t rule, struct assay_sink *sink)
{
    char detail[2 * SHOWN_MAX + 224];
    if (rule == ASSAY_NONE) {
        return ASSAY_OK;
    }
    describe(x, detail, sizeof detail);
    struct assay_finding f = assay_finding_init(rule);
    f.file = b->file;
    f.record = record;
    f.detail = assay_bytes_str(detail);
    return sink->finding(sink->ctx, &f);
}

enum assay_status dup_earlier_check(const struct dup_earlier *e, const struct dup_accepted *a,
                                    const struct dup_keys *keys, const struct assay_batch *b,
                                    uint32_t record, uint32_t rule,
                                    struct dup_earlier_counts *counts, struct assay_sink *sink)
{
    const struct dup_lookup *l = &e->lookup;
    const uint64_t *key = keys->entry->key;
    struct dup_partner p;
    struct saying x = {.l = l, .a = a, .p = &p};
    enum assay_status st = dup_lookup_same(l, keys->entry, &p);
    if (st == ASSAY_OK && p.likeness == DUP_UNLIKE && keys->n_bands > 0) {
        st = dup_lookup_near(l, keys->bands, keys->n_bands, keys->shingles, keys->n_shingles,
                             keys->threshold, &p);
    }
    if (st != ASSAY_OK) {
        return st;
    }
    counts->capped += (uint64_t)p.capped;
    const uint64_t group[] = {key[0], key[1], p.id};
    if (p.likeness != DUP_UNLIKE &&
        dup_accepted_group(a, DUP_GROUP_DELIVERED, group, 3, &x.digest)) {
        counts->set_aside++;
        return ASSAY_OK;
    }
    counts->by_likeness[p.likeness]++;
    return p.likeness == DUP_UNLIKE ? ASSAY_OK : say(&x, b, record, rule, sink);
}
