/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/reports/fake_audit.h: an audit made up by a test.
 *
 * fake_audit.c implements the accessors of engine/audit.h, engine/inventory.h, engine/plugins.h,
 * rules/ruleset.h and rules/policy.h that reports/ uses, over plain arrays, so that writers can be
 * shown anything at all: hostile names, no findings, a million findings, impossible numbers.
 * Programs that use it link the sources of reports/ and core/ and nothing of the engine.
 */
#ifndef ASSAY_TESTS_FAKE_AUDIT_H
#define ASSAY_TESTS_FAKE_AUDIT_H

#include "engine/audit.h"

struct assay_inventory {
    struct assay_entry *entries;
    size_t n;
    struct assay_skipped *skips;
    size_t n_skips;
};
struct assay_ruleset {
    struct assay_rule *rules;
    size_t n;
    struct assay_pack *packs;
    size_t n_packs;
};
struct assay_policy {
    const char *name, *version;
    uint8_t sha256[32];
};
struct assay_plugins {
    struct assay_plugin *items;
    size_t n;
};
struct fake_pair {
    const char *name, *value;
};

struct assay_audit {
    enum assay_verdict verdict;
    int cancelled;
    struct assay_inventory inventory;
    struct assay_coverage coverage;
    struct assay_ruleset rules;
    struct assay_policy policy;
    struct assay_plugins plugins;
    const char *name;
    struct assay_rule_tally *tally;
    struct assay_found *found;
    size_t n_found;
    uint64_t repeat; /* the list of findings is given this many times; 0: once */
    struct assay_term_result *terms;
    size_t n_terms;
    struct assay_metric *metrics;
    size_t n_metrics;
    struct fake_pair *versions;
    size_t n_versions;
    struct fake_pair *settings;
    size_t n_settings;
    uint64_t started_ms, elapsed_ms;
};

/* Two files, a handful of findings in English and Chinese, a broken policy term. Static storage: do
 * not free, copy to change. */
const struct assay_audit *fake_audit_small(void);
/* One empty file and nothing to say: PASS. */
const struct assay_audit *fake_audit_clean(void);
/* Names, previews and titles that attack terminals, spreadsheets and browsers. */
const struct assay_audit *fake_audit_hostile(void);
/* `rules` rules with findings, 40 findings each; heap. */
struct assay_audit *fake_audit_large(size_t rules);
void fake_audit_large_free(struct assay_audit *a);
/* Recounts tallies and coverage from the findings. */
void fake_audit_count(struct assay_audit *a);

#endif
