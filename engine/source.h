/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/source.h: one file in hand, and the blocks it is cut into.
 *
 * What:  a source is opened on a file, gives block after block of whole records with exact ordinals
 *        and offsets, and at the end knows the file's digest. It is used again for the next file.
 * Thread rule: open, feed and end are called by one worker at a time (the feeder). Meanwhile other
 *        workers may parse blocks that were fed: they read `reader`, `self`, `host` and `file`,
 *        which feeding does not change. What blocks add (assay_source_fold) needs the scheduler's
 *        lock, or a single worker.
 */
#ifndef ASSAY_ENGINE_SOURCE_H
#define ASSAY_ENGINE_SOURCE_H

#include "engine/detect.h"
#include "engine/run.h"
#include "engine/sink.h"
#include "engine/stream.h"

/* A chunk of whole records and the memory it is in. */
struct assay_block {
    char *mem; /* aligned to 64 */
    size_t cap;
    struct assay_chunk chunk;
    uint64_t records;
    uint64_t seq;
    struct assay_source *source;
    /* Scheduler's. */
    struct assay_block *next;
    uint8_t is_long; /* holds the turn of long records */
};

/* A block for chunks of `chunk` bytes; ASSAY_NOMEM. */
enum assay_status assay_block_init(struct assay_block *b, size_t chunk);
void assay_block_release(struct assay_block *b);
/* Gives back what a long record made it grow to. */
enum assay_status assay_block_shrink(struct assay_block *b, size_t chunk);
/* Bytes that a block may grow to without a turn (below). */
#define ASSAY_BLOCK_FREE_GROWTH(chunk) (4 * (chunk))

struct assay_source {
    const struct assay_run *run;
    struct assay_stream *stream;
    struct assay_yara_scan *yara; /* NULL: no such rules */
    char *carry;                  /* the start of a record whose end was not read yet */
    size_t carry_len, carry_cap;
    uint64_t *rules; /* bit per rule with a finding in this file */
    unsigned slot;   /* struct assay_audit_options, in_hand */
    /* The file. */
    uint32_t file;
    const char *name;
    const struct assay_reader *reader; /* NULL: none */
    const char *reader_name;
    size_t reader_index;
    const struct assay_host *host;
    void *self;
    enum assay_status status; /* the first thing that went wrong */
    uint8_t opened, stream_ended, text_ended, ended, discarding, hashed;
    uint8_t aside;            /* only hashed */
    uint64_t ordinal, offset; /* of the next record and byte to be fed */
    uint64_t seq;
    uint64_t discarded; /* bytes of the over-long record so far */
    uint64_t raw_bytes, raw_counted, undecodable;
    uint8_t sha256[ASSAY_SHA256_LEN];
    char mime[ASSAY_MIME_MAX];
    char plain_name[4352]; /* without the suffix of its compression */
    char extension[ASSAY_EXTENSION_MAX];
    const char *expected;
    uint64_t copied; /* bytes of standard input kept for a second look */
    int copy_errno;  /* why no more are */
    const struct assay_file_match *hits;
    size_t n_hits;
    /* What its blocks added. */
    uint32_t skips, missed;
    uint64_t skipped_bytes, limit_hits, failed;
    /* Scheduler's. */
    unsigned blocks_out;
    uint8_t busy, fed_up; /* being fed; fed to the end */
    /* A record that needs a block of more than ordinary size waits for its turn: one at a time in
     * the whole audit, so that memory holds one long record and not one per block. */
    uint8_t needs_turn, has_turn;
    struct assay_source *next;
};

/* What one file at a time is read with; `run` is borrowed. ASSAY_NOMEM. */
enum assay_status assay_source_init(struct assay_source *s, const struct assay_run *run,
                                    struct assay_error *err);
void assay_source_release(struct assay_source *s); /* accepts a zeroed struct */
/* Makes ready for a file; nothing is opened yet. */
void assay_source_begin(struct assay_source *s, uint32_t file);
/* One step: opens the file when it is not, reads, cuts. Puts at most one chunk into `b`
 * (chunk.data.len 0: none this time; s->needs_turn: none before its turn); when s->ended the file
 * is read, hashed and closed. What was skipped goes to `c`. Only what ends the audit (memory) is a
 * failure; what is wrong with the file is in s->status. */
enum assay_status assay_source_feed(struct assay_source *s, struct assay_magic *magic,
                                    struct assay_block *b, struct assay_collector *c,
                                    struct assay_error *err);
/* Adds what a chunk found out; counts files per rule and reason in `t`. */
void assay_source_fold(struct assay_source *s, const struct assay_delta *d, struct assay_tally *t);
/* Lets go of the reader's state; no block of it may be in use. */
void assay_source_close(struct assay_source *s);

#endif
