/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/handover.c: see the header.
 */
#include "engine/handover.h"

#include "core/status.h"
#include "engine/plugins.h"

static int has_topic(const char *const *list, const char *topic)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, topic) == 0) {
            return 1;
        }
    }
    return 0;
}

int assay_handover_is_taken(const struct assay_scanner *s, const char *topic)
{
    return assay_scanner_takes(s) && has_topic(s->takes, topic);
}

/* ---- order --------------------------------------------------------------------------------- */

static int gives_to(const struct assay_scanner *giver, const struct assay_scanner *taker)
{
    if (!assay_scanner_gives(giver) || !assay_scanner_takes(taker)) {
        return 0;
    }
    for (const char *const *topic = giver->gives; *topic != NULL; topic++) {
        if (has_topic(taker->takes, *topic)) {
            return 1;
        }
    }
    return 0;
}

/* Whether somebody who has not finished gives to scanner i; it may itself be the one. */
static int must_wait(const struct assay_run *run, uint64_t finished, size_t i)
{
    for (size_t k = 0; k < run->n_scanners; k++) {
        if ((finished >> k & 1) == 0 &&
            gives_to(run->scanners[k].scanner, run->scanners[i].scanner)) {
            return 1;
        }
    }
    return 0;
}

/* The first, by name, that need not wait; n_scanners: there is none. */
static size_t next_to_finish(const struct assay_run *run, uint64_t finished)
{
    size_t i = 0;
    while (i < run->n_scanners && ((finished >> i & 1) != 0 || must_wait(run, finished, i))) {
        i++;
    }
    return i;
}

static enum assay_status say_circle(const struct assay_run *run, uint64_t finished,
                                    struct assay_error *err)
{
    size_t i = 0;
    while ((finished >> i & 1) != 0) {
        i++;
    }
    return assay_fail(
        err, ASSAY_CONFIG,
        "scanners hand groups to each other in a circle, '%.64s' among them: leave one "
        "of them out",
        run->scanners[i].plugin->name);
}

enum assay_status assay_handover_order(const struct assay_run *run, uint8_t *order,
                                       struct assay_error *err)
{
    uint64_t finished = 0;
    for (size_t n = 0; n < run->n_scanners; n++) {
        const size_t i = next_to_finish(run, finished);
        if (i == run->n_scanners) {
            return say_circle(run, finished, err);
        }
        finished |= UINT64_C(1) << i;
        order[n] = (uint8_t)i;
    }
    return ASSAY_OK;
}

/* ---- handing over -------------------------------------------------------------------------- */

/* A taker that fails has not taken: that is its failure, not the giver's, and it is told as one. */
static enum assay_status give(struct assay_collector *c, size_t i, const struct assay_group *g,
                              struct assay_reply *reply)
{
    const struct assay_scanner_run *sr = &c->run->scanners[i];
    if ((c->finished >> i & 1) != 0) {
        return ASSAY_PLUGIN;
    }
    const enum assay_status status =
        sr->scanner->take(sr->shared, c->states[i], g, reply, &c->sink);
    if (status != ASSAY_OK && status != ASSAY_NOMEM && status != ASSAY_FULL) {
        c->delta.failed |= UINT64_C(1) << i;
        assay_collector_skip(c, ASSAY_SKIP_PLUGIN, 0, 0);
        return ASSAY_OK;
    }
    return status;
}

static int is_sound(const struct assay_collector *c, const struct assay_group *g)
{
    return g->size >= sizeof *g && g->topic != NULL && g->n_members > 0 && g->members != NULL &&
           g->n_members <= g->members_total && (g->rule < c->run->n_rules || g->rule == ASSAY_NONE);
}

enum assay_status assay_handover_give(void *ctx, const struct assay_group *g,
                                      struct assay_reply *reply)
{
    struct assay_collector *c = ctx;
    enum assay_status status = ASSAY_NOTFOUND;
    *reply = (struct assay_reply){.size = sizeof *reply};
    if (c->states == NULL || !is_sound(c, g)) {
        return ASSAY_PLUGIN;
    }
    for (size_t i = 0; i < c->run->n_scanners; i++) {
        if (assay_handover_is_taken(c->run->scanners[i].scanner, g->topic)) {
            const enum assay_status given = give(c, i, g, reply);
            if (given != ASSAY_OK) {
                return given;
            }
            status = ASSAY_OK;
        }
    }
    return status;
}
