/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/first_look.h: private: what a record, and a file, leave behind when they are read.
 *
 * A record leaves an entry with the hashes of its bytes and of its normal form; the keys of its
 * bands, where near-duplicates are looked for; its kept n-grams, where long passages are; and, of
 * instruction data, what is asked and answered. Two sides are handed over at once (answers.h). It is looked up in earlier deliveries at once. A file
 * leaves its digest. Nothing is said of groups here: that takes the merged state (finish.h).
 * Whatever is not compared (too long, too many files) is a skip and a count.
 */
#ifndef ASSAY_DUPLICATES_FIRST_LOOK_H
#define ASSAY_DUPLICATES_FIRST_LOOK_H

#include "assay/plugin.h"

/* The verbs `scan` and `file` of the scanner; `local` is a struct dup_local. */
enum assay_status dup_first_scan(const void *shared, void *local, const struct assay_scan_input *in,
                                 struct assay_sink *sink);
enum assay_status dup_first_file(const void *shared, void *local, const struct assay_file *file,
                                 struct assay_sink *sink);

#endif
