/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch_set.c: the datasets of a watched root, sorted by name.
 */
#include "daemon/watch.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/limits.h"

/* Names that say "not finished": temporary files of copy and download tools, and hidden ones. */
static int is_unfinished_name(const char *name)
{
    static const char *const endings[] = {".tmp", ".part", ".partial", ".crdownload", "~"};
    size_t len = strlen(name);
    if (name[0] == '.') {
        return 1;
    }
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(endings[i]);
        if (len > n && strcmp(name + len - n, endings[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

size_t watch_find(const struct watch_root *r, const char *name, int *ret_found)
{
    size_t low = 0;
    size_t high = r->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(r->deliveries[mid]->name, name);
        if (order == 0) {
            *ret_found = 1;
            return mid;
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    *ret_found = 0;
    return low;
}

static struct watch_delivery *insert(struct watch_root *r, size_t at, const char *name)
{
    struct watch_delivery **deliveries =
        assay_grown(r->deliveries, r->n, &r->cap, sizeof(struct watch_delivery *));
    if (deliveries == NULL) {
        return NULL;
    }
    r->deliveries = deliveries;
    struct watch_delivery *d = calloc(1, sizeof *d);
    if (d == NULL || (d->name = strdup(name)) == NULL) {
        free(d);
        return NULL;
    }
    memmove(deliveries + at + 1, deliveries + at, (r->n - at) * sizeof(struct watch_delivery *));
    deliveries[at] = d;
    r->n++;
    r->at += at < r->at ? 1 : 0;
    d->state = WATCH_IDLE;
    return d;
}

void watch_remove(struct watch_root *r, size_t at)
{
    free(r->deliveries[at]->open);
    free(r->deliveries[at]->refused);
    free(r->deliveries[at]->name);
    free(r->deliveries[at]);
    r->n--;
    r->at -= at < r->at ? 1 : 0;
    memmove(r->deliveries + at, r->deliveries + at + 1,
            (r->n - at) * sizeof(struct watch_delivery *));
}

/* What waits for quiet is not looked at before it can have been quiet, or has been waited for long
 * enough; all else at once. */
static uint64_t first_look(const struct watch_root *r, const struct watch_delivery *d, uint64_t now)
{
    uint64_t waits = ASSAY_READY_SETTLE | ASSAY_READY_CLOSE;
    waits |= d->arrival != WATCH_RENAMED ? ASSAY_READY_RENAME : 0;
    if (now == 0 || (r->config->ready & waits) == 0) {
        return 0;
    }
    uint64_t quiet = now + r->config->settle_ms;
    uint64_t most = d->since_ms + r->config->settle_max_ms;
    return r->config->settle_max_ms != 0 && most < quiet ? most : quiet;
}

struct watch_delivery *watch_touch(struct watch_root *r, const char *name, uint64_t now)
{
    int found;
    int whole = r->config->dataset == ASSAY_DATASET_SELF;
    name = whole ? "" : name;
    if (!whole && is_unfinished_name(name)) {
        return NULL;
    }
    size_t at = watch_find(r, name, &found);
    struct watch_delivery *d = found ? r->deliveries[at] : insert(r, at, name);
    if (d == NULL) {
        (void)snprintf(r->problem, sizeof r->problem, "out of memory");
        return NULL;
    }
    if (d->state == WATCH_IDLE) {
        d->state = WATCH_PENDING;
        d->since_ms = now;
    }
    d->since_ms = d->since_ms == 0 ? now : d->since_ms;
    d->changed_ms = now > d->changed_ms ? now : d->changed_ms;
    d->arrival = now != 0 && d->arrival == WATCH_CREATED ? WATCH_CREATED : WATCH_FOUND;
    d->due_ms = first_look(r, d, now);
    r->due_ms = d->due_ms < r->due_ms ? d->due_ms : r->due_ms;
    return d;
}

void watch_arrived(struct watch_root *r, struct watch_delivery *d, enum watch_arrival arrival,
                   uint64_t now)
{
    d->arrival = arrival;
    d->due_ms = first_look(r, d, now);
    r->due_ms = d->due_ms < r->due_ms ? d->due_ms : r->due_ms;
}

void watch_forget(struct watch_root *r, const char *name)
{
    int found;
    size_t at = watch_find(r, name, &found);
    if (found) {
        watch_remove(r, at);
    }
}

void watch_closed(struct watch_delivery *d, uint64_t hash)
{
    for (size_t i = 0; i < d->n_open; i++) {
        if (d->open[i] == hash) {
            d->open[i] = d->open[--d->n_open];
            return;
        }
    }
}

void watch_opened(struct watch_delivery *d, uint64_t hash)
{
    for (size_t i = 0; i < d->n_open; i++) {
        if (d->open[i] == hash) {
            return;
        }
    }
    uint64_t *open = d->n_open >= ASSAY_LIMIT_OPEN_FILES
                         ? NULL
                         : assay_grown(d->open, d->n_open, &d->cap_open, sizeof *open);
    if (open != NULL) { /* beyond the bound the settle time alone has to tell */
        d->open = open;
        d->open[d->n_open++] = hash;
    }
}
