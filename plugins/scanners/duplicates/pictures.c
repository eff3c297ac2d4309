/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/pictures.c: see the header.
 */
#include "pictures.h"

#include "local.h"

const char *const dup_takes[] = {"pictures", NULL};

/* What is there beyond the first picture. */
static uint64_t extra_files(const struct assay_group *g)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < g->n_members; i++) {
        n += g->members[i].record == ASSAY_NO_RECORD;
    }
    return n == 0 ? 0 : n - 1;
}

/* A record beyond what fits was counted as a skip when it was read. */
static enum assay_status hear_member(struct dup_across_report *r, const struct assay_member *m)
{
    const int whole = m->record == ASSAY_NO_RECORD;
    if (!dup_place_fits(m->file, whole ? 0 : m->record)) {
        return ASSAY_OK;
    }
    return dup_across_alike(r, whole ? dup_whole_file(m->file) : dup_place(m->file, m->record));
}

/* Splits and the digest go into the giver's finding; the digest into that of leakage, too. */
static enum assay_status hear_group(struct dup_local *l, const struct assay_group *g,
                                    struct dup_digest digest, struct assay_reply *reply,
                                    struct assay_sink *sink)
{
    enum assay_status st = dup_local_listen(l);
    char name[64] = "";
    for (uint32_t i = 0; i < g->n_members && st == ASSAY_OK; i++) {
        st = hear_member(&l->report, &g->members[i]);
    }
    if (st != ASSAY_OK) {
        return st;
    }
    dup_digest_say(&l->shared->accepted, DUP_GROUP_IMAGE, digest, name, sizeof name);
    dup_across_say(&l->report, 0, reply->said, sizeof reply->said);
    const size_t len = strlen(reply->said);
    (void)snprintf(reply->said + len, sizeof reply->said - len, "%s", name);
    return dup_across_alike_end(&l->report, DUP_TIER_IMAGE, name, sink);
}

enum assay_status dup_take(const void *shared, void *state, const struct assay_group *g,
                           struct assay_reply *reply, struct assay_sink *sink)
{
    const struct dup_shared *s = shared;
    struct dup_local *l = state;
    struct dup_digest digest = {{0, 0}};
    l->pictures = 1;
    if (g->members_total < 2) {
        return ASSAY_OK;
    }
    if (dup_accepted_group(&s->accepted, DUP_GROUP_IMAGE, g->key, 2, &digest)) {
        l->set_aside.groups++;
        l->set_aside.extra += extra_files(g);
        reply->set_aside = 1;
        return ASSAY_OK;
    }
    if (g->n_members < g->members_total) { /* the rest may leak, and nobody would know */
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, g->members_total - g->n_members, 0);
    }
    return hear_group(l, g, digest, reply, sink);
}
