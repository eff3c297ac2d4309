/* SPDX-License-Identifier: Apache-2.0
 *
 * assay/scanner.h: the scanner contract: a fold over records.
 *
 * What:  init builds immutable shared state from options; local_init builds one mutable state per
 *        worker; scan folds a batch into a local state; merge folds one local state into another;
 *        finish speaks about the whole dataset.
 * Why:   because every scanner merges, the same code serves two threads, forty shards and a fleet;
 *        because state saves and loads, a later audit can start from an earlier one.
 * Invariants: merge is associative and commutative up to what finish() says; load(save(x)) behaves
 *        as x; no locks, no shared mutable state, and no allocation per record on the scan path.
 * Order: findings of scan() may come in any order; the host sorts them. finish() must speak in an
 *        order that depends on the data alone.
 * Second look: what cannot be decided on a first reading (two records whose sketches agree: are they
 *        alike?) may be looked at once more; see review_begin. Between the looks only what the
 *        scanner chose to keep is in memory.
 * Handing over: what one scanner finds another may know more about; see take. Scanners that give
 *        finish before those that take.
 * Growth: members are only ever appended. A descriptor that is as long as it was when scanner plugins
 *        began is accepted; what it is too short to hold counts as NULL.
 */
#ifndef ASSAY_SCANNER_H
#define ASSAY_SCANNER_H

#include "base.h"
#include "finding.h"
#include "host.h"
#include "record.h"

struct assay_scan_input {
    uint32_t size;
    uint32_t n_matches;
    const struct assay_batch *batch;
    const struct assay_match
        *matches; /* of rules whose scanner is this one, by (field, start, rule) */
};

/* A rule hit in a file's raw bytes (detection kind yara). */
struct assay_file_match {
    uint32_t rule;
    uint64_t offset;
};

/* What is known of a file once it was read to its end. */
struct assay_file {
    uint32_t size_of; /* sizeof (struct assay_file) */
    uint32_t index;   /* inventory index */
    const char *name; /* path within the dataset */
    uint64_t bytes;
    uint8_t sha256[32];
    const char *mime;      /* from content (libmagic) */
    const char *reader;    /* name of the reader that took it; NULL: none did */
    const char *extension; /* lower case, without dot; "" when none */
    const char *expected;  /* reader whose extension list claims the name; NULL: none */
    uint64_t records;
    enum assay_status status; /* ASSAY_OK, or why it could not be read to its end */
    uint32_t n_matches;
    const struct assay_file_match *matches;
};

struct assay_scanner {
    uint32_t abi;  /* ASSAY_PLUGIN_ABI */
    uint32_t size; /* sizeof (struct assay_scanner) */
    const char *name;
    const char *version;
    const char *license;
    const char *summary;
    const struct assay_option *options;  /* may be NULL */
    const struct assay_rule_decl *rules; /* may be NULL */

    /* Builds the immutable state. `host` stays valid until free(). */
    enum assay_status (*init)(const struct assay_host *host, void **ret_shared,
                              struct assay_error *err);
    enum assay_status (*local_init)(const void *shared, void **ret_local, struct assay_error *err);
    /* Folds a batch. May be NULL when only files, or groups of others, matter. */
    enum assay_status (*scan)(const void *shared, void *local, const struct assay_scan_input *in,
                              struct assay_sink *sink);
    /* Folds a finished file. May be NULL. */
    enum assay_status (*file)(const void *shared, void *local, const struct assay_file *file,
                              struct assay_sink *sink);
    /* Folds `from` into `into`; `from` may be left empty but must stay freeable. */
    enum assay_status (*merge)(const void *shared, void *into, void *from, struct assay_error *err);
    /* Speaks about the whole: group findings and metrics. */
    enum assay_status (*finish)(const void *shared, void *merged, struct assay_sink *sink);
    /* Writes the state through `put`; reads it back from one run of bytes. May be NULL together. */
    enum assay_status (*save)(const void *shared, const void *local,
                              enum assay_status (*put)(void *ctx, const void *data, size_t len),
                              void *ctx);
    enum assay_status (*load)(const void *shared, void *local, struct assay_bytes data,
                              struct assay_error *err);
    void (*local_free)(void *local); /* accepts NULL */
    void (*free)(void *shared);      /* accepts NULL */

    /* A second look at records: all of these, or none.
     *
     *     merge -> review_begin -> review_local, review ..., review_merge -> review_begin -> finish
     *
     * Once all states are merged the host asks review_begin. Where it sets *ret_wanted to non-zero,
     * the host reads once more those files for which review_wants says non-zero, with the same
     * readers, so that records keep their ordinals and offsets, and calls review with every batch
     * of them, on many threads, in no order. Each thread has a state from review_local; when all is
     * read, review_merge folds those into `merged`, one at a time, in no order. Then review_begin
     * is asked again, until it wants nothing; it is given at most ASSAY_LIMIT_REVIEWS looks.
     * Scanners that want a look at the same time share the reading.
     *
     * Only files that were read to their end are shown again. One whose bytes are no longer those
     * of the first reading is reported as changed by the host, and makes the audit INCOMPLETE; its
     * batches were shown up to where it differed, and beyond. A cancelled audit goes straight to
     * finish. */
    enum assay_status (*review_begin)(const void *shared, void *merged, int *ret_wanted,
                                      struct assay_error *err);
    /* Pure, and cheap: asked once for every file and again for every batch. */
    int (*review_wants)(const void *shared, const void *merged, uint32_t file);
    enum assay_status (*review_local)(const void *shared, const void *merged, void **ret_local,
                                      struct assay_error *err);
    enum assay_status (*review)(const void *shared, const void *merged, void *local,
                                const struct assay_batch *batch);
    /* `local` is freed afterwards by review_free. */
    enum assay_status (*review_merge)(const void *shared, void *merged, void *local,
                                      struct assay_error *err);
    void (*review_free)(void *local); /* accepts NULL */
    /* Whether the scanner, as it is set up, may ever want a look; asked before the first reading,
     * since standard input must then be kept for the second. May be NULL: it may. */
    int (*review_may)(const void *shared);
    /* Work on what the scanner keeps between audits, an index for one, without a dataset: its
     * options say what. There are no files, rules or other members called; what it writes is whole
     * or not there. May be NULL. */
    enum assay_status (*maintain)(const struct assay_host *host, struct assay_error *err);
    /* Topics of groups (struct assay_group) that the scanner may hand over, and those that it takes;
     * each a list that ends with NULL, or NULL. Nobody may take, by whatever detour, what comes of
     * what it gives. */
    const char *const *gives;
    const char *const *takes;
    /* Folds a group into `state`: in a scan() the local state of the same worker, in a finish() the
     * merged one, whose own finish() comes later. Adds to what other takers left in `reply`. Set
     * together with `takes`. */
    enum assay_status (*take)(const void *shared, void *state, const struct assay_group *g,
                              struct assay_reply *reply, struct assay_sink *sink);
};

/* Looks beyond the first that one audit grants. */
#define ASSAY_LIMIT_REVIEWS 4u

#endif
