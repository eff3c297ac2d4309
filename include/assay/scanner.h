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
    /* Folds a batch. May be NULL when only files matter. */
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
};

#endif
