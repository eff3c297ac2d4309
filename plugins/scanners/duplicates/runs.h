/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/runs.h: the two kinds of runs that make up nearly all text, ASCII and Han, into normal
 * form (normalise.h), as fast as the processor allows.
 *
 * Several implementations give the same bytes; which of them there are depends on the processor.
 */
#ifndef ASSAY_DUPLICATES_RUNS_H
#define ASSAY_DUPLICATES_RUNS_H

#include "assay/plugin.h"

#define DUP_AHEAD 80 /* bytes that may be written beyond the end of the form */

enum dup_kind { DUP_SEPARATOR, DUP_DROPPED, DUP_WORD, DUP_UNSPACED };

/* Where the form stands. `last` is the kind of the last character written to this field; `gap`: a
 * word, then a separator came before. */
struct dup_writer {
    char *out;
    enum dup_kind last;
    unsigned gap;
};

/* Both are called at the first byte of such a run, read nothing at or behind `end`, and return one
 * past what they wrote the form of: at least one character. */
struct dup_runs {
    const char *(*ascii)(struct dup_writer *w, const char *p, const char *end);
    /* Three bytes each, from E4 to E9; at least three bytes are left. */
    const char *(*han)(struct dup_writer *w, const char *p, const char *end);
};

extern const uint8_t dup_ascii[128]; /* what a character becomes; 0: a separator */

/* The i-th implementation that this processor runs, the best first; NULL: there are no more. */
const struct dup_runs *dup_runs_get(unsigned i);

#endif
