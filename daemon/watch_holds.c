/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch_holds.c: what a watch descriptor stands for.
 *
 * The kernel gives one descriptor to a directory however often it is asked, so each has a list of
 * holds. Descriptors count up and do not come back, so a table by descriptor would grow for as long
 * as directories come and go.
 */
#include "daemon/watch.h"

#include <stdlib.h>

#include "core/arena.h"

struct watch_entry *watch_table_find(const struct watch_table *t, int wd)
{
    size_t low = 0;
    size_t high = t->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t->entries[mid].wd < wd) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < t->n && t->entries[low].wd == wd ? &t->entries[low] : NULL;
}

/* Drops entries out of use, once they are the larger half. */
static void compact(struct watch_table *t)
{
    size_t kept = 0;
    if (t->dead <= t->n / 2 || t->n < 64) {
        return;
    }
    for (size_t i = 0; i < t->n; i++) {
        if (t->entries[i].holds != NULL) {
            t->entries[kept++] = t->entries[i];
        }
    }
    t->n = kept;
    t->dead = 0;
}

static struct watch_entry *insert(struct watch_table *t, int wd)
{
    compact(t);
    struct watch_entry *entries = assay_grown(t->entries, t->n, &t->cap, sizeof *entries);
    if (entries == NULL) {
        return NULL;
    }
    t->entries = entries;
    size_t at = t->n;
    while (at > 0 && entries[at - 1].wd > wd) { /* they count up: at the end, as a rule */
        entries[at] = entries[at - 1];
        at--;
    }
    entries[at] = (struct watch_entry){wd, NULL};
    t->n++;
    t->dead++;
    return &entries[at];
}

static int is_held(const struct watch_entry *e, size_t root, enum watch_role role, const char *path)
{
    for (const struct watch_hold *h = e->holds; h != NULL; h = h->next) {
        if (h->root == root && h->role == role && strcmp(h->path, path) == 0) {
            return 1;
        }
    }
    return 0;
}

int watch_table_add(struct watch_table *t, int wd, size_t root, enum watch_role role,
                    const char *path)
{
    struct watch_entry *e = watch_table_find(t, wd);
    e = e == NULL ? insert(t, wd) : e;
    if (e == NULL) {
        return 0;
    }
    if (is_held(e, root, role, path)) {
        return 1;
    }
    size_t len = strlen(path) + 1;
    struct watch_hold *h = malloc(sizeof *h + len);
    if (h == NULL) {
        return 0;
    }
    *h = (struct watch_hold){.next = e->holds, .root = root, .role = role};
    memcpy(h->path, path, len);
    t->dead -= e->holds == NULL ? 1 : 0;
    e->holds = h;
    return 1;
}

void watch_table_drop(struct watch_table *t, struct watch_entry *e)
{
    for (struct watch_hold *next, *h = e->holds; h != NULL; h = next) {
        next = h->next;
        free(h);
    }
    t->dead += e->holds != NULL ? 1 : 0;
    e->holds = NULL;
}

static int lies_below(const char *path, const char *top, size_t len)
{
    return strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

void watch_table_release(struct watch_table *t, size_t root, const char *path,
                         void (*remove)(void *ctx, int wd), void *ctx)
{
    size_t len = path == NULL ? 0 : strlen(path);
    for (size_t i = 0; i < t->n; i++) {
        struct watch_entry *e = &t->entries[i];
        int had = e->holds != NULL;
        for (struct watch_hold **at = &e->holds; *at != NULL;) {
            struct watch_hold *h = *at;
            if (h->root == root && (path == NULL || lies_below(h->path, path, len))) {
                *at = h->next;
                free(h);
            } else {
                at = &h->next;
            }
        }
        if (had && e->holds == NULL) {
            t->dead++;
            remove(ctx, e->wd);
        }
    }
}

void watch_table_clear(struct watch_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        watch_table_drop(t, &t->entries[i]);
    }
    free(t->entries);
    *t = (struct watch_table){NULL, 0, 0, 0};
}
