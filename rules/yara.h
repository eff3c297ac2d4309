/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara.h: YARA rules over the raw bytes of files, behind a literal first stage.
 *
 * libyara costs about as much per byte as the whole rest of an audit. So every string of every YARA rule
 * must be an anchor: a literal of at least 4 bytes. A multi-literal matcher looks for the anchors in the blocks as
 * they are read (the same bytes that are hashed); only a file that holds one is given to libyara, whole,
 * and hashed again to prove that it did not change in between. Rules whose strings are not all literals switch
 * the first stage off (assay rules lint warns).
 * Thread rule: struct assay_yara is immutable; struct assay_yara_scan is one per worker.
 */
#ifndef ASSAY_RULES_YARA_H
#define ASSAY_RULES_YARA_H

#include "assay/scanner.h"
#include "rules/ruleset.h"

struct assay_yara;
struct assay_yara_scan;

/* Compiles the YARA rules of `rs`; *ret is NULL with ASSAY_OK when there are none. */
enum assay_status assay_yara_new(const struct assay_ruleset *rs, struct assay_yara **ret,
                                 struct assay_error *err);
void assay_yara_free(struct assay_yara *y);
enum assay_status assay_yara_scan_new(const struct assay_yara *y, struct assay_yara_scan **ret,
                                      struct assay_error *err);
void assay_yara_scan_free(struct assay_yara_scan *s);

/* First stage, one file at a time: start, then every block of the file in order. */
void assay_yara_start(struct assay_yara_scan *s);
void assay_yara_block(struct assay_yara_scan *s, struct assay_bytes block);
/* Whether the second stage must run. */
int assay_yara_wanted(const struct assay_yara_scan *s);
/* Second stage: reads the file again from `fd` (pread), compares with `sha256`, scans, and lists hits (borrowed until
 * the next start). ASSAY_CHANGED when the bytes differ from those hashed. */
enum assay_status assay_yara_finish(struct assay_yara_scan *s, int fd, const uint8_t sha256[32],
                                    const struct assay_file_match **ret, size_t *ret_n,
                                    struct assay_error *err);

#endif
