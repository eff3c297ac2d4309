/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch_ready.c: is a dataset complete? Every rule of `ready` has to say so.
 *
 * A rule that does not hold says when to look again, or that only an event will tell. A look may be
 * dear (a large tree, a long manifest), so looks keep a distance of several times what the last one
 * took. Continuous change cannot put an audit off for ever: after `settle_max` the rules that wait
 * for quiet give in, and the audit says what it saw change.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "daemon/watch.h"

#define PAUSE_MS    UINT64_C(20) /* between two looks at one dataset, and */
#define PAUSE_TIMES UINT64_C(10) /* so many times what a look took */

struct look {
    struct assay_source_set *s;
    struct watch_root *r;
    struct watch_delivery *d;
    uint64_t now;
    int is_dir;
    int capped; /* it has been changing for too long to be waited for */
    int has_signature;
    uint64_t newest;
    uint8_t signature[ASSAY_SIGNATURE_LEN];
};

static void look_again(struct look *l, uint64_t at)
{
    l->d->due_ms = at < l->d->due_ms ? at : l->d->due_ms;
}

static int take_signature(struct look *l)
{
    l->has_signature =
        l->has_signature || assay_tree_signature(l->s->path, l->signature, &l->newest) == ASSAY_OK;
    return l->has_signature;
}

/* ---- the rules ----------------------------------------------------------------------------- */

static int marker_holds(struct look *l)
{
    struct stat st;
    struct assay_source_set *s = l->s;
    size_t len = strlen(s->path);
    int found = l->is_dir && watch_push_name(s, l->r->config->marker) && lstat(s->path, &st) == 0 &&
                S_ISREG(st.st_mode);
    s->path[len] = '\0';
    return found;
}

/* A manifest that is none is shown until it is mended. */
static void set_refused(struct look *l, const struct assay_error *err)
{
    char text[400] = "";
    struct watch_delivery *d = l->d;
    if (err != NULL) {
        (void)snprintf(text, sizeof text, "dataset %.100s waits: %.250s", d->name, err->message);
    }
    if (strcmp(text, d->refused == NULL ? "" : d->refused) == 0) {
        return;
    }
    free(d->refused);
    d->refused = err == NULL ? NULL : strdup(text);
    if (err != NULL) {
        assay_log(ASSAY_LOG_WARNING, "watch", "a dataset waits", ASSAY_LOG_S("dataset", l->s->path),
                  ASSAY_LOG_S("why", err->message));
    }
}

static int manifest_holds(struct look *l)
{
    struct assay_error err = {0};
    int fd = l->is_dir ? open(l->s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    enum assay_status status =
        fd < 0 ? ASSAY_END : watch_manifest_check(fd, l->r->config->manifest, &err);
    if (fd >= 0) {
        (void)close(fd);
    }
    set_refused(l, status == ASSAY_OK || status == ASSAY_END ? NULL : &err);
    return status == ASSAY_OK;
}

static int is_quiet(struct look *l)
{
    const struct watch_delivery *d = l->d;
    uint64_t settle = l->r->config->settle_ms;
    if (d->changed_ms != 0 && l->now - d->changed_ms < settle) {
        look_again(l, d->changed_ms + settle);
        return 0;
    }
    return 1;
}

/* Nothing changed for the settle time, by its own times or by two equal looks that far apart. */
static int is_settled(struct look *l)
{
    struct watch_delivery *d = l->d;
    uint64_t settle = l->r->config->settle_ms;
    uint64_t wall = assay_wall_ms();
    if (!take_signature(l)) {
        return 0;
    }
    int same = d->signed_ms != 0 && memcmp(d->signature, l->signature, ASSAY_SIGNATURE_LEN) == 0;
    uint64_t signed_ms = d->signed_ms;
    memcpy(d->signature, l->signature, ASSAY_SIGNATURE_LEN);
    d->signed_ms = same ? signed_ms : l->now;
    if ((l->newest <= wall && wall - l->newest >= settle) ||
        (same && l->now - signed_ms >= settle)) {
        return 1;
    }
    uint64_t left = l->newest <= wall ? settle - (wall - l->newest) : settle;
    look_again(l, l->now + (left > 0 ? left : 1));
    return 0;
}

static int settle_holds(struct look *l)
{
    return l->capped || (is_quiet(l) && is_settled(l));
}

static int close_holds(struct look *l)
{
    return l->capped || (l->d->n_open == 0 && is_quiet(l) && is_settled(l));
}

/* What was renamed into place and not touched since is complete; what was made in place is not,
 * until a scan finds it settled. */
static int rename_holds(struct look *l)
{
    switch (l->d->arrival) {
    case WATCH_RENAMED:
        return 1;
    case WATCH_CREATED:
        return 0;
    default:
        return settle_holds(l);
    }
}

/* Cheap ones first. */
static const struct {
    uint64_t bit;
    int (*holds)(struct look *l);
} rules[] = {
    {ASSAY_READY_MARKER, marker_holds},     {ASSAY_READY_CLOSE, close_holds},
    {ASSAY_READY_MANIFEST, manifest_holds}, {ASSAY_READY_RENAME, rename_holds},
    {ASSAY_READY_SETTLE, settle_holds},
};

static int all_hold(struct look *l)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if ((l->r->config->ready & rules[i].bit) != 0 && !rules[i].holds(l)) {
            return 0;
        }
    }
    return 1;
}

/* ---- a look -------------------------------------------------------------------------------- */

/* Whether it has been changing for longer than anyone waits; else that time is a time to look. */
static int is_capped(struct look *l)
{
    uint64_t waits = ASSAY_READY_SETTLE | ASSAY_READY_CLOSE;
    uint64_t most = l->r->config->settle_max_ms;
    if (most == 0 || (l->r->config->ready & waits) == 0) {
        return 0;
    }
    if (l->now - l->d->since_ms >= most) {
        return 1;
    }
    look_again(l, l->d->since_ms + most);
    return 0;
}

static int too_soon(struct look *l)
{
    uint64_t pause = PAUSE_TIMES * l->d->cost_ms;
    pause = pause < PAUSE_MS ? PAUSE_MS : pause;
    if (l->d->looked_ms == 0 || l->now - l->d->looked_ms >= pause) {
        return 0;
    }
    look_again(l, l->d->looked_ms + pause);
    return 1;
}

static void handed_out(struct look *l)
{
    if (l->capped) {
        assay_log(ASSAY_LOG_WARNING, "watch", "a dataset never settles: taken as it is",
                  ASSAY_LOG_S("dataset", l->s->path),
                  ASSAY_LOG_N("after_ms", l->now - l->d->since_ms));
    }
    l->d->state = WATCH_IDLE;
    l->d->since_ms = 0;
}

enum assay_status watch_examine(struct assay_source_set *s, struct watch_root *r,
                                struct watch_delivery *d, uint64_t now,
                                uint8_t signature[ASSAY_SIGNATURE_LEN])
{
    struct stat st;
    struct look l = {.s = s, .r = r, .d = d, .now = now};
    watch_set_path(s, r->config->path, d->name);
    if (lstat(s->path, &st) != 0 || !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))) {
        return ASSAY_NOTFOUND;
    }
    l.is_dir = S_ISDIR(st.st_mode);
    d->since_ms = d->since_ms == 0 ? now : d->since_ms;
    d->due_ms = WATCH_NEVER;
    if (too_soon(&l)) {
        return ASSAY_END;
    }
    d->looked_ms = now;
    uint64_t start = assay_monotonic_ms();
    l.capped = is_capped(&l);
    int ready = all_hold(&l);
    int gone = ready && !take_signature(&l);
    d->cost_ms = assay_monotonic_ms() - start;
    if (!ready || gone) {
        return gone ? ASSAY_NOTFOUND : ASSAY_END;
    }
    memcpy(signature, l.signature, ASSAY_SIGNATURE_LEN);
    handed_out(&l);
    return ASSAY_OK;
}
