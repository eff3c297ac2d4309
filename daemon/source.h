/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/source.h: where datasets come from: one row per kind.
 *
 * A source of one kind serves all configured sources of that kind: it owns one descriptor that
 * becomes readable when there is something to do, and a deadline when it wants to be asked again.
 * `next` hands out deliveries that are complete (settled, or marked). The same delivery may come
 * again (after a restart, a rescan): what has been audited unchanged is recognised by its signature
 * in the store, so sources need not remember.
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
};

struct assay_source_counts {
    uint64_t datasets, pending, rescans;
    const char *problem; /* NULL: working */
    const char *note;    /* NULL: nothing else worth knowing */
};

struct assay_source_set; /* of one kind; each kind has its own members */

struct assay_source_kind {
    const char *name;
    const char *help;
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
    void (*stop)(struct assay_source_set *s); /* accepts NULL */
};

extern const struct assay_source_kind *const assay_source_kinds[];   /* ends with NULL */
const struct assay_source_kind *assay_source_find(const char *name); /* NULL: no such kind */
const char *const *assay_source_names(void);                         /* NULL-terminated */

extern const struct assay_source_kind assay_source_directory; /* daemon/watch.c; watch.h */

/* Signature of a tree or file by names, types, sizes and times. *ret_newest_ms: the newest change
 * (Unix ms). What cannot be read is part of the signature, not an error. ASSAY_NOTFOUND when it is
 * gone. */
enum assay_status assay_tree_signature(const char *path, uint8_t ret[ASSAY_SIGNATURE_LEN],
                                       uint64_t *ret_newest_ms);

#endif
