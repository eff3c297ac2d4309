/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara.h: YARA rules over the raw bytes of files, behind a literal first stage.
 *
 * libyara costs about as much per byte as the whole rest of an audit. So every rule should have an
 * anchor: a set of literals of at least 4 bytes of which one must occur wherever the rule matches
 * (derived from its strings and its condition; rules/yara_condition.h). A multi-literal search
 * (rules/literals.h) looks for all anchors in the blocks as they are read, the same bytes that are
 * hashed; only a file that holds one is given to libyara, whole, and hashed again to prove that it
 * did not change in between. One rule without an anchor switches the first stage off for all:
 * nothing is missed, every file is read twice (assay_yara_unanchored names it). Files up to
 * ASSAY_LIMIT_YARA_WHOLE are scanned in one piece. Larger ones are scanned in pieces of that size
 * that overlap by ASSAY_YARA_OVERLAP: a single match longer than the overlap that straddles pieces
 * is not found, and a match in the overlap counts twice in "#a" conditions.
 * Limits: ASSAY_LIMIT_YARA_SECONDS a file, ASSAY_LIMIT_FILE_HITS hits a file.
 * Thread rule: struct assay_yara is immutable; struct assay_yara_scan is one per worker.
 */
#ifndef ASSAY_RULES_YARA_H
#define ASSAY_RULES_YARA_H

#include "assay/scanner.h"
#include "rules/ruleset.h"

struct assay_yara;
struct assay_yara_scan;

/* Compiles the YARA rules of `rs`; *ret is NULL with ASSAY_OK when there are none. ASSAY_RULE with
 * file, line and sentence when a text does not compile, or does not hold the rule that is asked
 * for. Includes are refused. What was compiled is kept in `cache_dir` (NULL: nowhere) and loaded
 * from there next time, if it is ours (rules/matcher/cache.h): compiled rules are code. */
enum assay_status assay_yara_new(const struct assay_ruleset *rs, const char *cache_dir,
                                 struct assay_yara **ret, struct assay_error *err);
int assay_yara_from_cache(const struct assay_yara *y);
void assay_yara_free(struct assay_yara *y); /* accepts NULL */
/* The first rule (index into the rule set) for which no anchor could be derived, so that the first
 * stage is off; ASSAY_NONE when every rule has one. */
uint32_t assay_yara_unanchored(const struct assay_yara *y);
size_t assay_yara_anchors(const struct assay_yara *y);
enum assay_status assay_yara_scan_new(const struct assay_yara *y, struct assay_yara_scan **ret,
                                      struct assay_error *err);
void assay_yara_scan_free(struct assay_yara_scan *s); /* accepts NULL */

/* First stage, one file at a time: start, then every block of the file in order. */
void assay_yara_start(struct assay_yara_scan *s);
void assay_yara_block(struct assay_yara_scan *s, struct assay_bytes block);
/* Whether the second stage must run. */
int assay_yara_wanted(const struct assay_yara_scan *s);
/* Second stage: reads the file again from `fd` (pread), compares with `sha256`, scans, and lists
 * hits sorted by (offset, rule), borrowed until the next start, finish or memory call. Offsets are
 * those of the matches of a rule's public strings; a rule that matched without any has one hit at
 * 0. ASSAY_CHANGED: the bytes differ from those hashed (no hits then). ASSAY_LIMIT: there were more
 * hits than ASSAY_LIMIT_FILE_HITS; the list holds so many, every rule that matched among them.
 * ASSAY_TIMEOUT, ASSAY_IO, ASSAY_UNSUPPORTED (a pipe cannot be read twice), ASSAY_NOMEM: not
 * scanned. */
enum assay_status assay_yara_finish(struct assay_yara_scan *s, int fd, const uint8_t sha256[32],
                                    const struct assay_file_match **ret, size_t *ret_n,
                                    struct assay_error *err);
/* The same for bytes in memory, both stages (rule tests, input that cannot be read twice). */
enum assay_status assay_yara_memory(struct assay_yara_scan *s, struct assay_bytes data,
                                    const struct assay_file_match **ret, size_t *ret_n,
                                    struct assay_error *err);

/* Runs the hit and miss tests of every YARA rule (or of `only`, a rule index; ASSAY_NONE: all) over
 * their texts as files; calls `report` (may be NULL) for each and adds the failures to *failed. An
 * error: the rules do not compile, or no memory. */
enum assay_status assay_yara_self_test(const struct assay_ruleset *rs, uint32_t only,
                                       void (*report)(void *ctx, const struct assay_rule *rule,
                                                      const struct assay_rule_test *test,
                                                      int passed, const char *why),
                                       void *ctx, size_t *failed, struct assay_error *err);
/* Warns of the first rule without an anchor; an error when the rules do not compile. */
void assay_yara_lint(const struct assay_ruleset *rs, struct assay_diags *diags);

#endif
