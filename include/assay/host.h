/* SPDX-License-Identifier: Apache-2.0
 *
 * assay/host.h: what the host offers to a plugin. A plugin links against nothing else.
 *
 * What:  a versioned table of functions. `ctx` is passed back to every one of them.
 * Thread rule: every function here may be called from any thread, at any time between init and
 *        free.
 * Growth: members are only ever appended; check `size` before using one newer than your headers.
 */
#ifndef ASSAY_HOST_H
#define ASSAY_HOST_H

#include "base.h"
#include "finding.h"
#include "record.h"

/* Bumped on an incompatible change. First member of every descriptor, checked before all others. */
#define ASSAY_PLUGIN_ABI 1u

/* A confirmed occurrence of a pack rule in a batch, as delivered to the scanner the rule names. */
struct assay_match {
    uint32_t rule;  /* index into the rule set */
    uint32_t field; /* index into batch->fields */
    uint32_t start; /* bytes within the field's value */
    uint32_t end;
};

/* What validators, context words and allow phrases say of a match. */
struct assay_assessment {
    uint16_t confidence; /* thousandths */
    uint8_t dropped;     /* a validator or an allow phrase rules it out */
    uint8_t validated;   /* a validator confirmed it */
    uint8_t in_context;  /* a context word stands in the window */
    uint8_t reserved[3];
};

/* The part of a pack rule that a scanner may need. Strings live as long as the rule set. */
struct assay_rule_view {
    const char *id;
    const char *scanner;
    const char *entity;   /* NULL where none */
    const char *category; /* NULL where none */
    enum assay_severity severity;
    uint16_t min_confidence; /* thousandths; below it a match is not reported */
    uint16_t rank;           /* overlap resolution: the higher rank wins at equal confidence */
};

enum assay_log_level { ASSAY_LOG_ERROR, ASSAY_LOG_WARNING, ASSAY_LOG_INFO, ASSAY_LOG_DEBUG };

struct assay_host {
    uint32_t abi;
    uint32_t size;
    void *ctx;
    /* Writes one log line. `message` must not hold dataset text. */
    void (*log)(void *ctx, enum assay_log_level level, const char *message);
    /* Non-zero when the audit is being cancelled; long loops outside scan() should ask, every
     * second or so: it also tells whoever watches that the audit is alive. */
    int (*cancelled)(void *ctx);
    /* The value of one of the plugin's own options, as validated text; NULL when unset. */
    const char *(*option)(void *ctx, const char *name);
    /* Index of a declared or pack rule; ASSAY_NONE when there is no such rule. */
    uint32_t (*rule_index)(void *ctx, const char *id);
    /* The view of rule `index`; NULL when out of range. */
    const struct assay_rule_view *(*rule)(void *ctx, uint32_t index);
    /* Number of rules; indexes run from 0. */
    uint32_t (*rule_count)(void *ctx);
    /* Runs validators, context and scoring of a match. */
    enum assay_status (*assess)(void *ctx, const struct assay_batch *batch,
                                const struct assay_match *match, struct assay_assessment *ret);
    /* 128-bit XXH3 of a run of bytes. */
    void (*hash128)(void *ctx, const void *data, size_t len, uint64_t seed, uint64_t ret[2]);
    /* Unicode NFKC, full case folding; appends UTF-8 to `out` (capacity `cap`), returns the length
     * needed, which may exceed `cap` (then nothing useful was written). */
    size_t (*fold)(void *ctx, struct assay_bytes text, char *out, size_t cap);
    /* An unlinked temporary file for spilling, opened read-write; -1 with errno set on failure.
     * The caller closes it. */
    int (*spill)(void *ctx);
    /* Bytes of memory this plugin may hold over all workers together before it must spill. */
    uint64_t (*memory_budget)(void *ctx);
    /* Path of inventory entry `file` within the dataset, '/' separated; NULL when out of range. */
    const char *(*file_name)(void *ctx, uint32_t file);
    /* Inventory index of the file with this path within the dataset; ASSAY_NONE: there is none. */
    uint32_t (*find_file)(void *ctx, const char *name, size_t len);
    /* Opens file `file` of the dataset for reading, beneath its root and with an offset of its own;
     * the caller closes it. -1 with errno: EINVAL out of range, ESPIPE for standard input. The
     * bytes are those on disk, neither inflated nor decoded, and may have changed since. */
    int (*open_file)(void *ctx, uint32_t file);
    /* Whether any scanner of this audit takes groups of that topic (assay_sink.hand). */
    int (*is_taken)(void *ctx, const char *topic);
};

#endif
