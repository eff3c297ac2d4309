/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/requests.c: telling sources how the runs ended that they asked for (see source.h).
 *
 * An outcome is offered when it is recorded. Everything that is not confirmed is offered once more
 * after the start and after a reload, whose sources have no memory, and a second after a source had
 * no room for it.
 */
#include "core/clock.h"
#include "core/log.h"
#include "daemon/server.h"

#define OFFER_AGAIN_MS UINT64_C(1000)

/* The set that serves the configured source of that name; NULL: it is configured no more. */
static struct assay_source_set *set_of(const struct server *s, const char *source,
                                       const struct assay_source_kind **ret_kind)
{
    for (size_t i = 0; i < s->config->n_sources; i++) {
        for (size_t k = 0; assay_source_kinds[k] != NULL; k++) {
            if (strcmp(s->config->sources[i].name, source) == 0 &&
                strcmp(s->config->sources[i].kind, assay_source_kinds[k]->name) == 0) {
                *ret_kind = assay_source_kinds[k];
                return s->sources[k];
            }
        }
    }
    return NULL;
}

void server_follow(const struct server *s, const struct assay_audit_news *news)
{
    const struct assay_source_kind *kind;
    struct assay_source_set *set = set_of(s, news->source, &kind);
    if (set != NULL && kind->follow != NULL) {
        kind->follow(set, news);
    }
}

/* Tells one source of one outcome; what it has no room for is offered again later. */
static int offer(void *ctx, uint64_t request, const struct assay_run_record *run)
{
    struct server *s = ctx;
    const struct assay_source_kind *kind;
    struct assay_source_set *set = set_of(s, run->spec.source, &kind);
    if (set == NULL || kind->finished == NULL || kind->finished(set, request, run)) {
        return 0;
    }
    s->answer_ms = assay_monotonic_ms() + OFFER_AGAIN_MS;
    return 0;
}

static void offer_those_of(struct server *s, uint64_t run)
{
    struct assay_error err;
    if (assay_store_untold(s->store, run, offer, s, &err) != ASSAY_OK) {
        assay_log(ASSAY_LOG_ERROR, "requests", "cannot read who asked; trying again",
                  ASSAY_LOG_S("why", err.message));
        s->answer_ms = assay_monotonic_ms() + OFFER_AGAIN_MS;
    }
}

void server_answer(struct server *s, uint64_t run)
{
    offer_those_of(s, run);
}

static void take_confirmations(struct server *s, const struct assay_source_kind *kind,
                               struct assay_source_set *set)
{
    uint64_t request;
    struct assay_error err;
    while (kind->confirmed(set, &request) == ASSAY_OK) {
        if (assay_store_told(s->store, request, &err) != ASSAY_OK) {
            assay_log(ASSAY_LOG_ERROR, "requests", "cannot record that a source knows",
                      ASSAY_LOG_N("request", request), ASSAY_LOG_S("why", err.message));
            s->answer_ms = assay_monotonic_ms() + OFFER_AGAIN_MS; /* it will say so again */
            return;
        }
    }
}

void server_answer_all(struct server *s)
{
    for (size_t k = 0; assay_source_kinds[k] != NULL; k++) {
        if (s->sources[k] != NULL && assay_source_kinds[k]->confirmed != NULL) {
            take_confirmations(s, assay_source_kinds[k], s->sources[k]);
        }
    }
    if (s->answer_ms <= assay_monotonic_ms()) {
        s->answer_ms = SERVER_NEVER;
        offer_those_of(s, 0);
    }
}

uint64_t server_answer_deadline(const struct server *s)
{
    return s->answer_ms;
}
