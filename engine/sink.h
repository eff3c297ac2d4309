/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/sink.h: where a finding is masked, fingerprinted, placed, sorted and counted.
 *
 * What:  a collector is the sink of one worker. Between begin and flush it gathers what is found in
 *        one chunk; flush sorts it, counts it, and writes it to the spool.
 * Why:   the raw value lives as long as the call that reports it, and no longer: what is gathered
 *        is already masked. Sorting by record and field makes the outcome independent of how
 *        scanners speak. Owned by one worker.
 */
#ifndef ASSAY_ENGINE_SINK_H
#define ASSAY_ENGINE_SINK_H

#include "core/buf.h"
#include "core/hash.h"
#include "engine/run.h"
#include "engine/tally.h"
#include "engine/veil.h"

/* What a chunk adds to what is known of its file. */
struct assay_delta {
    uint32_t skips;         /* bit per enum assay_skip */
    uint32_t missed;        /* those that the engine itself must report */
    uint64_t skipped_bytes; /* of decoded text */
    uint64_t skipped_records;
    uint64_t limit_hits; /* confirms that hit a match limit */
    uint64_t failed;     /* bit per scanner (the 64th: the reader) that failed */
    uint32_t *rules;     /* with a finding */
    size_t n_rules;
};

#define ASSAY_FAILED_READER (UINT64_C(1) << 63)

struct assay_found_entry;

struct assay_collector {
    struct assay_sink sink; /* what plugins are given */
    const struct assay_run *run;
    struct assay_veil *veil;
    struct assay_hmac *hmac;
    struct assay_tally tally;
    struct assay_delta delta;
    uint32_t file; /* ASSAY_NONE: findings name their own file (finish) */
    uint64_t seq;
    void *const *states;             /* of this worker, by scanner: what groups are handed into */
    uint64_t finished;               /* bit per scanner that had its last word */
    const struct assay_batch *batch; /* NULL between batches */
    int muted;                       /* a second look: findings were reported at the first */
    int open_files;                  /* findings may name any file; nothing is sorted (finish) */
    /* What was gathered. */
    struct assay_buf blobs, sorted;
    struct assay_found_entry *entries;
    size_t n_entries, cap_entries;
    int overflowed; /* more than could be held; counted, not kept */
    /* Scratch. */
    struct assay_buf masked, folded, detail;
    uint32_t key_record; /* record of batch that `key` is of; ASSAY_NONE */
    uint8_t key[16];
    uint64_t chunk;        /* number of this chunk, for rule_chunk */
    uint64_t *rule_chunk;  /* by rule: chunk in which it was last found */
    uint64_t **rule_files; /* by rule: bit per file named by findings about the dataset; made when
                              needed */
};

/* One worker's; `run` is borrowed. `states` are set by whoever has them. ASSAY_NOMEM, or ASSAY_CRYPTO for want of an HMAC. */
enum assay_status assay_collector_init(struct assay_collector *c, const struct assay_run *run,
                                       struct assay_error *err);
void assay_collector_release(struct assay_collector *c); /* accepts a zeroed struct */
/* What follows is about `file`; its pieces are numbered from `seq`. */
void assay_collector_begin(struct assay_collector *c, uint32_t file, uint64_t seq);
/* Findings may now name records and fields of `batch`; NULL: no longer. */
void assay_collector_batch(struct assay_collector *c, const struct assay_batch *batch);
/* Sorts, counts and writes what was gathered. */
enum assay_status assay_collector_flush(struct assay_collector *c, struct assay_error *err);
/* Flushes when much was gathered; between batches only. */
enum assay_status assay_collector_relieve(struct assay_collector *c, struct assay_error *err);
/* Counts what a scanner passed over. */
void assay_collector_skip(struct assay_collector *c, enum assay_skip why, uint64_t records,
                          uint64_t bytes);
/* The same, noticed by the engine: becomes a finding about the file when the file is done. */
void assay_collector_missed(struct assay_collector *c, enum assay_skip why, uint64_t records,
                            uint64_t bytes);
/* Raises one of the engine's own rules; f->rule is filled in. `detail` is copied; may be NULL. */
enum assay_status assay_collector_raise(struct assay_collector *c, enum assay_engine_rule rule,
                                        struct assay_finding *f, const char *detail);

#endif
