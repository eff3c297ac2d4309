/* SPDX-License-Identifier: Apache-2.0
 *
 * The scanner of toxic language: pack rules whose scanner is toxicity, counted by category.
 *
 * As pii (see common/content.h), plus rates, because a few insults in a million records are another
 * matter than in a thousand. Metrics: toxicity.findings, .records, .record_ratio, .refused, .weak,
 * .overlap.POLICY.dropped, .findings_per_million_records and toxicity.category.NAME.
 */
#include "../common/content.h"

#define MILLION 1000000u

static enum assay_status toxicity_init(const struct assay_host *host, void **ret_shared,
                                       struct assay_error *err)
{
    return content_init(host, "toxicity", 0, ret_shared, err);
}

/* Findings times a million over records, reduced where the product would overflow. */
static enum assay_status report_rate(const struct content_local *l, struct assay_sink *sink)
{
    uint64_t num = l->tally[CONTENT_FINDINGS], den = l->tally[CONTENT_RECORDS_SEEN];
    if (num > UINT64_MAX / MILLION) {
        den = den / MILLION;
    } else {
        num *= MILLION;
    }
    return content_metric(sink, "toxicity", "findings_per_million_records", num, den);
}

static enum assay_status toxicity_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    const struct content_local *l = (const struct content_local *)merged;
    enum assay_status status =
        content_finish((const struct content_shared *)shared, l, "toxicity", "category", sink);
    return status == ASSAY_OK ? report_rate(l, sink) : status;
}

static const struct assay_option options[] = {CONTENT_OPTIONS, {.name = NULL}};

ASSAY_SCANNER_PLUGIN(toxicity) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "toxicity",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "toxic language, by the word lists of the loaded packs",
    .options = options,
    .init = toxicity_init,
    .local_init = content_local_init,
    .scan = content_scan,
    .merge = content_merge,
    .finish = toxicity_finish,
    .save = content_save,
    .load = content_load,
    .local_free = content_local_free,
    .free = content_free,
};
