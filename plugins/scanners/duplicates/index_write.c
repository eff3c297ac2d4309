/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index_write.c: see the header.
 */
#include "index_write.h"

#include <stdlib.h>

#include "index_out.h"

#define NO_ID UINT64_MAX

struct writer {
    struct dup_index_out out;
    const struct dup_index_parts *parts;
    uint64_t last_id; /* of sets; they come in order */
    uint64_t last_pair[DUP_PAIR_WORDS];
    int any_pair;
    uint64_t hashes;
    uint64_t *set;
    size_t set_cap;
};

static enum assay_status put_entry(void *ctx, const uint64_t *entry)
{
    struct writer *w = ctx;
    return dup_index_out_put(&w->out, entry, DUP_ENTRY_WORDS * 8);
}

static enum assay_status put_pair(void *ctx, const uint64_t *entry)
{
    struct writer *w = ctx;
    if (w->any_pair && memcmp(w->last_pair, entry, sizeof w->last_pair) == 0) {
        return ASSAY_OK; /* the same text again */
    }
    w->any_pair = 1;
    memcpy(w->last_pair, entry, sizeof w->last_pair);
    return dup_index_out_put(&w->out, entry, sizeof w->last_pair);
}

static enum assay_status put_set(void *ctx, const uint64_t *entry)
{
    struct writer *w = ctx;
    uint64_t count;
    if (entry[0] == w->last_id) {
        return ASSAY_OK; /* the same text again */
    }
    w->last_id = entry[0];
    enum assay_status st = dup_keep_count(w->parts->keep, entry[1], &count);
    const uint64_t row[DUP_SET_WORDS] = {entry[0], w->hashes, count};
    w->hashes += st == ASSAY_OK ? count : 0;
    return st == ASSAY_OK ? dup_index_out_put(&w->out, row, sizeof row) : st;
}

static enum assay_status put_hashes(void *ctx, const uint64_t *entry)
{
    struct writer *w = ctx;
    uint64_t count;
    if (entry[0] == w->last_id) {
        return ASSAY_OK;
    }
    w->last_id = entry[0];
    enum assay_status st = dup_keep_count(w->parts->keep, entry[1], &count);
    if (st == ASSAY_OK && count > w->set_cap) {
        void *p = realloc(w->set, count * 8);
        w->set = p == NULL ? w->set : p;
        w->set_cap = p == NULL ? w->set_cap : count;
        st = p == NULL ? ASSAY_NOMEM : ASSAY_OK;
    }
    st = st == ASSAY_OK ? dup_keep_read(w->parts->keep, entry[1], count, w->set) : st;
    return st == ASSAY_OK ? dup_index_out_put(&w->out, w->set, count * 8) : st;
}

static enum assay_status put_table(struct writer *w, enum dup_index_section s, struct dup_table *t,
                                   dup_each *each)
{
    dup_index_out_section(&w->out, s);
    w->last_id = NO_ID;
    const enum assay_status st = dup_table_sorted(t, each, w);
    dup_index_out_section_end(&w->out, s);
    return st;
}

static enum assay_status put_delivery(struct writer *w)
{
    struct dup_index_delivery d = {.files = w->out.head.files, .records = w->parts->records};
    (void)snprintf(d.name, sizeof d.name, "%.*s", (int)DUP_INDEX_NAME_MAX, w->parts->name);
    dup_index_out_section(&w->out, DUP_INDEX_DELIVERIES);
    const enum assay_status st = dup_index_out_put(&w->out, &d, sizeof d);
    dup_index_out_section_end(&w->out, DUP_INDEX_DELIVERIES);
    w->out.head.deliveries = 1;
    return st;
}

static enum assay_status put_files(struct writer *w)
{
    const struct assay_host *host = w->out.host;
    enum assay_status st = ASSAY_OK;
    const char *name;
    dup_index_out_section(&w->out, DUP_INDEX_FILES);
    for (uint32_t i = 0; st == ASSAY_OK && (name = host->file_name(host->ctx, i)) != NULL; i++) {
        st = dup_index_out_put(&w->out, name, strlen(name) + 1);
    }
    st = st == ASSAY_OK ? dup_index_out_pad(&w->out) : st;
    dup_index_out_section_end(&w->out, DUP_INDEX_FILES);
    return st;
}

static enum assay_status put_sections(struct writer *w)
{
    const struct dup_index_parts *p = w->parts;
    const struct assay_host *host = w->out.host;
    while (host->file_name(host->ctx, (uint32_t)w->out.head.files) != NULL) {
        w->out.head.files++;
    }
    enum assay_status st = dup_keep_flush(p->keep);
    st = st == ASSAY_OK ? put_table(w, DUP_INDEX_ENTRIES, p->entries, put_entry) : st;
    st = st == ASSAY_OK ? put_table(w, DUP_INDEX_BANDS, p->bands, put_pair) : st;
    st = st == ASSAY_OK ? put_table(w, DUP_INDEX_SETS, &p->keep->where, put_set) : st;
    st = st == ASSAY_OK ? put_table(w, DUP_INDEX_HASHES, &p->keep->where, put_hashes) : st;
    st = st == ASSAY_OK ? put_delivery(w) : st;
    return st == ASSAY_OK ? put_files(w) : st;
}

enum assay_status dup_index_write(const struct dup_index_parts *parts,
                                  const struct assay_host *host, struct assay_error *err)
{
    struct writer w = {.parts = parts};
    enum assay_status st = dup_index_out_begin(&w.out, parts->path, &parts->params, host, err);
    st = st == ASSAY_OK ? put_sections(&w) : st;
    free(w.set);
    return dup_index_out_end(&w.out, st, err);
}
