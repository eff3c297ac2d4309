/* SPDX-License-Identifier: Apache-2.0
 *
 * The scanner of personal data and secrets: pack rules whose scanner is pii, counted by entity.
 *
 * All of the work is in common/content.h (assessment, thresholds, overlaps, counts); all of the
 * knowledge is in the packs. Metrics: pii.findings, pii.records, pii.record_ratio, pii.refused,
 * pii.weak, pii.overlap.POLICY.dropped, and pii.entity.NAME for every entity that a loaded rule can
 * find.
 */
#include "../common/content.h"

static enum assay_status pii_init(const struct assay_host *host, void **ret_shared,
                                  struct assay_error *err)
{
    return content_init(host, "pii", 1, ret_shared, err);
}

static enum assay_status pii_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    return content_finish((const struct content_shared *)shared,
                          (const struct content_local *)merged, "pii", "entity", sink);
}

static const struct assay_option options[] = {CONTENT_OPTIONS, {.name = NULL}};

ASSAY_SCANNER_PLUGIN(pii) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "pii",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "personal data and secrets, by the rules of the loaded packs",
    .options = options,
    .init = pii_init,
    .local_init = content_local_init,
    .scan = content_scan,
    .merge = content_merge,
    .finish = pii_finish,
    .save = content_save,
    .load = content_load,
    .local_free = content_local_free,
    .free = content_free,
};
