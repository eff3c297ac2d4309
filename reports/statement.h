/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/statement.h: pieces that the statements and the JSON writers share.
 * Each writes a key and its value into an open object, unless it says otherwise. Statements spell
 * keys in camel case (in-toto's way), lines of findings in snake case, so keys that differ are
 * arguments.
 */
#ifndef ASSAY_REPORTS_STATEMENT_H
#define ASSAY_REPORTS_STATEMENT_H

#include "core/json.h"
#include "reports/totals.h"

#define ASSAY_STATEMENT_TYPE  "https://in-toto.io/Statement/v1"
#define ASSAY_MANIFEST_FORMAT "sha256sum/1"

void assay_statement_open(struct assay_json *j); /* up to and into the predicate object */
void assay_statement_digest(struct assay_json *j, const void *sha256); /* value: {"sha256": ...} */
void assay_statement_subject(struct assay_json *j, const char *name,
                             const void *sha256); /* value */
/* Key and value each: name and version of this program; what was read and what was not; rules with
 * findings, sorted by id; the policy's terms. Keys that differ between documents are given. */
void assay_statement_tool(struct assay_json *j);
void assay_statement_coverage(struct assay_json *j, const struct assay_audit *a,
                              const char *text_key);
void assay_statement_rules(struct assay_json *j, const struct assay_ruleset *rs,
                           const struct assay_totals *t, const char *key);
void assay_statement_terms(struct assay_json *j, const struct assay_audit *a,
                           const char *limit_key);
/* The writer's status, with a sentence. */
enum assay_status assay_statement_finish(struct assay_json *j, struct assay_error *err);
/* Unix milliseconds as RFC 3339 in UTC: "2026-11-23T04:20:28.123Z". */
void assay_format_time(uint64_t ms, char out[32]);
/* "holds", "broken", "unknown". */
const char *assay_term_outcome(const struct assay_term_result *t);

#endif
