/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/plugins/reader_harness.h: runs a reader as the engine does, over text that comes in
 * pieces of any size, and writes down what it said. Two runs over the same text must say the same,
 * whatever the pieces: tests and fuzz targets compare.
 *
 * On the way every promise of assay/reader.h and assay/record.h that can be checked from outside is
 * checked; `fault` says which one was broken. Chunks are copied to blocks of their own with 64 junk
 * bytes behind, so that sanitizers see any read beyond them.
 */
#ifndef ASSAY_TESTS_READER_HARNESS_H
#define ASSAY_TESTS_READER_HARNESS_H

#include "assay/plugin.h"
#include "core/buf.h"

struct harness_plan {
    const char *name;           /* of the file; NULL: "file" */
    uint32_t seed;              /* 0: everything at once */
    size_t max_piece;           /* pieces of 1..max_piece bytes */
    uint64_t max_record;        /* 0: 32 MiB */
    uint32_t max_depth;         /* 0: 512 */
    const char *const *options; /* name, value, ..., NULL; may be NULL */
};

struct harness_result {
    struct assay_buf
        records; /* "R ordinal offset raw-length" and "F path kind flags [value]" lines */
    struct assay_buf findings; /* "rule #ordinal @offset" lines; over-long records as "too-long" */
    uint64_t n_records;
    uint64_t skipped_records[ASSAY_SKIP_MAX], skipped_bytes[ASSAY_SKIP_MAX];
    size_t most_buffered; /* bytes that had to be held for split() at once */
    char fault[160];      /* "": none */
};

/* Runs `text`. The result must be released. */
void harness_run(const struct assay_reader *reader, struct assay_bytes text,
                 const struct harness_plan *plan, struct harness_result *ret);
void harness_release(struct harness_result *r);
/* Runs `text` at once and then in pieces by each of `n_seeds` seeds; NULL when all say the same and
 * nothing was broken, else what differs. `base` (may be NULL) receives the first result, to be
 * released by the caller. */
const char *harness_compare(const struct assay_reader *reader, struct assay_bytes text,
                            struct harness_plan plan, unsigned n_seeds,
                            struct harness_result *base);

#endif
