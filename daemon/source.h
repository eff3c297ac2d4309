/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/source.h: where datasets come from: one row per kind.
 *
 * A source of one kind serves all configured sources of that kind: it owns one descriptor that
 * becomes readable when there is something to do, and a deadline when it wants to be asked again.
 * `next` hands out deliveries that are complete (settled, or marked). The same delivery may come
 * again (after a restart, a rescan): what has been audited unchanged is recognised by its signature
 * in the store, so sources need not remember.
 * A source whose deliveries somebody waits for gives them an `origin` (and, to be found again, a
 * `job`): the store keeps both, and `finished` is called when the outcome is durable. The source
 * passes it on in its own time and says so by `confirmed`; until then the daemon offers it again,
 * after a restart too. So an outcome may be offered more than once, and passing it on must be
 * idempotent by request number or origin.
 * Thread rule: everything on the daemon's one thread; nothing here may block.
 */
#ifndef ASSAY_DAEMON_SOURCE_H
#define ASSAY_DAEMON_SOURCE_H

#include "daemon/config.h"

#define ASSAY_SIGNATURE_LEN 32

struct assay_delivery {
    const struct assay_config_source *source;
    const char *path;                       /* absolute; until the next call */
    const char *name;                       /* last component */
    uint8_t signature[ASSAY_SIGNATURE_LEN]; /* of names, sizes and times; equal: unchanged */
    /* What a delivery may bring of its own; zeroes: as its source is configured. */
    const char *policy;
    struct assay_config_list packs;
    int64_t priority;
    uint64_t deadline_ms;
    /* A request to hear of the outcome (ASSAY_LIMIT_ORIGIN bytes at most); NULL: nobody asks. A
     * delivery of the same origin twice is one request. One of a job that was delivered before, or
     * of a dataset that is unchanged since it was judged (or waits to be), is answered by that run
     * instead of a new one. */
    const char *origin;
    const char *job; /* NULL, or with origin; ASSAY_LIMIT_ORIGIN bytes at most */
};

struct assay_run_record; /* daemon/store.h */

struct assay_source_counts {
    uint64_t datasets, pending, rescans;
    const char *problem; /* NULL: working */
    const char *note;    /* NULL: nothing else worth knowing */
};

struct assay_worker_message; /* daemon/job.h */

struct assay_audit_news {
    const char *source, *path; /* path NULL: a worker's counts; else an attempt has begun */
    uint64_t run;
    const struct assay_worker_message *counts; /* NULL, or with path NULL */
};

struct assay_source_set; /* of one kind; each kind has its own members */

struct assay_source_kind {
    const char *name;
    const char *help;
    int by_url; /* its place is a url, not a path */
    /* What the table of keys cannot say about one configured source. */
    enum assay_status (*check)(const struct assay_config_source *s, struct assay_error *err);
    /* `config` outlives the source. Problems of single sources are shown in counts, not errors. */
    enum assay_status (*start)(const struct assay_config *config, struct assay_source_set **ret,
                               struct assay_error *err);
    int (*fd)(const struct assay_source_set *s);
    /* Monotonic milliseconds at which `next` should be called even if the descriptor is quiet. */
    uint64_t (*deadline)(const struct assay_source_set *s);
    /* ASSAY_OK with a delivery, or ASSAY_END when there is none now. */
    enum assay_status (*next)(struct assay_source_set *s, uint64_t now_ms,
                              struct assay_delivery *ret);
    /* Asks for a reconciling scan at the next call of `next`. */
    void (*rescan)(struct assay_source_set *s);
    void (*counts)(const struct assay_source_set *s, const struct assay_config_source *which,
                   struct assay_source_counts *ret);
    /* Both or neither. finished: a run that answers a request of this kind has ended, and its
     * outcome is recorded: run->state, ->verdict, ->report, ->reason; run->spec.origin, .job and
     * .source are the request's. Strings live during the call. Zero: not now, offer it later. */
    int (*finished)(struct assay_source_set *s, uint64_t request,
                    const struct assay_run_record *run);
    /* ASSAY_OK with a request that is known to whoever asked, once; ASSAY_END: none now. */
    enum assay_status (*confirmed)(struct assay_source_set *s, uint64_t *ret_request);
    void (*stop)(struct assay_source_set *s); /* accepts NULL */
    /* How many workers could start now: more deliveries than that are better left where they are.
     * Asked before `next`; may be NULL. */
    void (*room)(struct assay_source_set *s, size_t workers);
    /* News of an audit under way: nothing hangs on it, and it may be passed on or not. May be NULL. */
    void (*follow)(struct assay_source_set *s, const struct assay_audit_news *news);
    /* Opens a dataset of one configured source, when its audit begins: -1 with errno. NULL: a path
     * is all there is to it. */
    int (*open)(const struct assay_config_source *s, const char *path, int flags);
};

extern const struct assay_source_kind *const assay_source_kinds[];   /* ends with NULL */
const struct assay_source_kind *assay_source_find(const char *name); /* NULL: no such kind */
const char *const *assay_source_names(void);                         /* NULL-terminated */

extern const struct assay_source_kind assay_source_directory; /* daemon/watch.c; watch.h */
extern const struct assay_source_kind assay_source_redis;     /* daemon/redis/source.c */

/* Signature of a tree or file by names, types, sizes and times. *ret_newest_ms: the newest change
 * (Unix ms). What cannot be read is part of the signature, not an error. ASSAY_NOTFOUND when it is
 * gone. */
enum assay_status assay_tree_signature(const char *path, uint8_t ret[ASSAY_SIGNATURE_LEN],
                                       uint64_t *ret_newest_ms);
/* Adds what lies at `path` to a digest: names, types and bytes of a directory and all below it, or
 * one file. What cannot be read is part of it, not an error; no more than ASSAY_LIMIT_RULE_MEMORY
 * is read. */
struct assay_sha256;
void assay_tree_content(const char *path, struct assay_sha256 *hash);

#endif
