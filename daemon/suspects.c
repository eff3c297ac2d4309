/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/suspects.c: files that may have broken a worker.
 *
 * When a worker crashes, stalls, is killed or runs out of memory, the files it had in hand
 * (daemon/hand.h) become suspects of its run, in the store. The next attempt first tries each alone,
 * in a worker that opens no other file and writes no report. One that breaks its worker again, being
 * in hand, is poison: the audit sets it aside. One that does not is cleared and not tried again. All
 * of it happens while the run is `running`; a daemon that is killed in between begins with the
 * suspects that are left.
 *
 * A run has one attempt more than configured for each poison file, and one for suspects that are
 * not tried yet, so that poison costs no retries; at most ASSAY_LIMIT_POISON.
 */
#include <sys/wait.h>

#include "core/arena.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/hand.h"
#include "daemon/server.h"

struct noting {
    struct server *s;
    const struct server_run *run;
    struct assay_error *err;
};

static enum assay_status note_one(void *ctx, struct assay_bytes name)
{
    const struct noting *n = ctx;
    return assay_store_suspect(n->s->store, n->run->id, name, n->err);
}

enum assay_status server_note_suspects(struct server *s, const struct server_run *run,
                                       struct assay_error *err)
{
    struct noting n = {s, run, err};
    if (run->suspect_len > 0 || !assay_child_broke(&run->child)) {
        return ASSAY_OK;
    }
    return assay_hand_read(run->child.job_fd, note_one, &n);
}

/* ---- what there is ------------------------------------------------------------------------- */

struct tally {
    unsigned poison, untried;
};

static enum assay_status count_one(void *ctx, struct assay_bytes name,
                                   enum assay_suspect_state state)
{
    struct tally *t = ctx;
    (void)name;
    t->poison += state == ASSAY_SUSPECT_POISON;
    t->untried += state == ASSAY_SUSPECT_UNTRIED;
    return ASSAY_OK;
}

uint64_t server_attempts(struct server *s, const struct server_run *run)
{
    struct tally t = {0, 0};
    if (assay_store_suspects(s->store, run->id, count_one, &t, NULL) != ASSAY_OK ||
        t.poison >= ASSAY_LIMIT_POISON) {
        return s->config->retries;
    }
    return s->config->retries + t.poison + (t.untried > 0 ? 1 : 0);
}

struct choosing {
    struct server_run *run;
    struct assay_arena *arena;
    struct assay_bytes *aside;
    size_t n;
};

/* Poison goes aside; the first suspect that was not tried is the one to try. */
static enum assay_status choose_one(void *ctx, struct assay_bytes name,
                                    enum assay_suspect_state state)
{
    struct choosing *c = ctx;
    if (name.len == 0 || name.len > ASSAY_LIMIT_NAME) {
        return ASSAY_OK;
    }
    if (state == ASSAY_SUSPECT_POISON && c->n < ASSAY_LIMIT_POISON) {
        const char *copy = assay_arena_dup(c->arena, name);
        if (copy == NULL) {
            return ASSAY_NOMEM;
        }
        c->aside[c->n++] = assay_bytes_make(copy, name.len);
    } else if (state == ASSAY_SUSPECT_UNTRIED && c->run->suspect_len == 0) {
        memcpy(c->run->suspect, name.ptr, name.len);
        c->run->suspect_len = name.len;
    }
    return ASSAY_OK;
}

enum assay_status server_choose_suspect(struct server *s, struct server_run *run,
                                        struct assay_arena *arena, struct assay_job *job,
                                        struct assay_error *err)
{
    struct choosing c = {run, arena, NULL, 0};
    run->suspect_len = 0;
    c.aside = assay_arena_array(arena, ASSAY_LIMIT_POISON, sizeof *c.aside);
    if (c.aside == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    enum assay_status status = assay_store_suspects(s->store, run->id, choose_one, &c, err);
    job->aside = c.aside;
    job->n_aside = c.n;
    job->only = assay_bytes_make(run->suspect, run->suspect_len);
    return status;
}

/* ---- trying -------------------------------------------------------------------------------- */

struct looking {
    struct assay_bytes name;
    int found;
};

static enum assay_status look_at(void *ctx, struct assay_bytes name)
{
    struct looking *l = ctx;
    l->found |= name.len == l->name.len && memcmp(name.ptr, l->name.ptr, name.len) == 0;
    return ASSAY_OK;
}

enum assay_status server_suspect_tried(struct server *s, struct server_run *run, int *ret_known,
                                       struct assay_error *err)
{
    struct looking l = {assay_bytes_make(run->suspect, run->suspect_len), 0};
    const struct assay_child *c = &run->child;
    int passed = assay_child_succeeded(c);
    (void)assay_hand_read(c->job_fd, look_at, &l);
    *ret_known = passed || (l.found && assay_child_broke(c));
    if (!*ret_known) {
        return ASSAY_OK;
    }
    enum assay_suspect_state to = passed ? ASSAY_SUSPECT_CLEARED : ASSAY_SUSPECT_POISON;
    enum assay_status status = assay_store_suspect_tried(s->store, run->id, l.name, to, err);
    if (status == ASSAY_OK && passed) {
        assay_log(ASSAY_LOG_INFO, "runs", "a suspect file did no harm alone",
                  ASSAY_LOG_N("run", run->id));
    } else if (status == ASSAY_OK) {
        char how[200];
        assay_child_describe(c, how, sizeof how);
        assay_log(ASSAY_LOG_WARNING, "runs", "a file broke its worker twice: set aside",
                  ASSAY_LOG_N("run", run->id), ASSAY_LOG_S("why", how));
    }
    return status;
}
