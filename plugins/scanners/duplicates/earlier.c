/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/earlier.c: see the header.
 */
#include "earlier.h"

#define PATH_BYTES 4096
#define SHOWN_MAX  160 /* bytes of a file's name in a finding */

static enum assay_status open_next(struct dup_earlier *e, const struct assay_host *host,
                                   const struct dup_params *params, struct assay_bytes path,
                                   struct assay_error *err)
{
    char text[PATH_BYTES];
    if (e->n == DUP_INDEX_MAX || path.len >= sizeof text) {
        return assay_fail(err, ASSAY_LIMIT, "at most %d indexes with paths of at most %d bytes",
                          DUP_INDEX_MAX, PATH_BYTES - 1);
    }
    memcpy(text, path.ptr, path.len);
    text[path.len] = '\0';
    const enum assay_status st = dup_index_open(text, params, host, &e->open[e->n], err);
    e->n += st == ASSAY_OK;
    return st;
}

enum assay_status dup_earlier_init(struct dup_earlier *e, const struct assay_host *host,
                                   const struct dup_params *params, struct assay_error *err)
{
    const char *paths = host->option(host->ctx, "index");
    enum assay_status st = ASSAY_OK;
    memset(e, 0, sizeof *e);
    e->write = host->option(host->ctx, "index_write");
    e->name = host->option(host->ctx, "index_name");
    e->name = e->name == NULL ? "" : e->name;
    for (const char *p = paths; p != NULL && *p != '\0' && st == ASSAY_OK;) {
        const size_t len = strcspn(p, ":");
        if (len > 0) {
            st = open_next(e, host, params, assay_bytes_make(p, len), err);
        }
        p += len + (p[len] == ':');
    }
    return st;
}

void dup_earlier_release(struct dup_earlier *e)
{
    for (unsigned i = 0; i < e->n; i++) {
        dup_index_close(e->open[i]);
    }
    memset(e, 0, sizeof *e);
}

/* ---- looking up ---------------------------------------------------------------------------- */

static int is_closer(const struct dup_partner *a, const struct dup_partner *b)
{
    return a->likeness > b->likeness ||
           (a->likeness == b->likeness && a->similarity > b->similarity);
}

static struct dup_partner look(const struct dup_index *x, const struct dup_keys *keys)
{
    struct dup_partner p;
    dup_index_find(x, keys->entry, &p);
    if (p.likeness == DUP_UNLIKE && keys->n_bands > 0) {
        dup_index_find_near(x, keys->bands, keys->n_bands, keys->set, keys->n_set, keys->threshold,
                            &p);
    }
    return p;
}

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

static enum assay_status say(const struct dup_index *x, const struct dup_partner *p,
                             const struct assay_batch *b, uint32_t record, uint32_t rule,
                             struct assay_sink *sink)
{
    static const char *const how[] = {"", "near-duplicate of", "same text as", "same bytes as"};
    char delivery[SHOWN_MAX + 8], file[SHOWN_MAX + 8], detail[2 * SHOWN_MAX + 160];
    if (rule == ASSAY_NONE) {
        return ASSAY_OK;
    }
    show_name(dup_index_name(x), delivery);
    show_name(dup_index_file(x, dup_place_file(p->place)), file);
    int n = snprintf(detail, sizeof detail, "%s record %llu of %s in delivery %s", how[p->likeness],
                     (unsigned long long)dup_place_record(p->place), file, delivery);
    if (p->likeness == DUP_NEAR && n > 0) {
        (void)snprintf(detail + n, sizeof detail - (size_t)n, "; similarity %u of 1000",
                       p->similarity);
    }
    struct assay_finding f = assay_finding_init(rule);
    f.file = b->file;
    f.record = record;
    f.detail = assay_bytes_str(detail);
    return sink->finding(sink->ctx, &f);
}

enum assay_status dup_earlier_check(const struct dup_earlier *e, const struct dup_keys *keys,
                                    const struct assay_batch *b, uint32_t record, uint32_t rule,
                                    struct dup_earlier_counts *counts, struct assay_sink *sink)
{
    struct dup_partner best = {.likeness = DUP_UNLIKE};
    const struct dup_index *in = NULL;
    int capped = 0;
    for (unsigned i = 0; i < e->n; i++) {
        const struct dup_partner p = look(e->open[i], keys);
        capped |= p.capped;
        if (is_closer(&p, &best)) {
            best = p;
            in = e->open[i];
        }
    }
    counts->by_likeness[best.likeness]++;
    counts->capped += (uint64_t)capped;
    return in == NULL ? ASSAY_OK : say(in, &best, b, record, rule, sink);
}
