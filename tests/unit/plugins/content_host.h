/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/plugins/content_host.h: a host with a handful of rules, and a sink that writes down
 * what it is told. Assessment is a table: what the test puts into `verdicts` for a rule.
 */
#ifndef ASSAY_TESTS_CONTENT_HOST_H
#define ASSAY_TESTS_CONTENT_HOST_H

#include "tests/unit/unit.h"

#include "assay/plugin.h"

#define FAKE_MAX 64

struct fake {
    const struct assay_rule_view *rules;
    uint32_t n_rules;
    struct assay_assessment verdicts[FAKE_MAX]; /* by rule */
    enum assay_status assess_status;
    const char *overlap, *min_confidence;
    struct assay_finding findings[FAKE_MAX];
    size_t n_findings;
    char metrics[FAKE_MAX][96]; /* "name=num/den" */
    size_t n_metrics;
    char state[4096];
    size_t state_len;
};

static inline const char *fake_option(void *ctx, const char *name)
{
    const struct fake *f = ctx;
    return strcmp(name, "overlap") == 0 ? f->overlap : f->min_confidence;
}

static inline const struct assay_rule_view *fake_rule(void *ctx, uint32_t index)
{
    const struct fake *f = ctx;
    return index < f->n_rules ? &f->rules[index] : NULL;
}

static inline uint32_t fake_rule_count(void *ctx)
{
    return ((const struct fake *)ctx)->n_rules;
}

static inline enum assay_status fake_assess(void *ctx, const struct assay_batch *batch,
                                            const struct assay_match *match,
                                            struct assay_assessment *ret)
{
    const struct fake *f = ctx;
    (void)batch;
    *ret = f->verdicts[match->rule];
    return f->assess_status;
}

static inline struct assay_host fake_host(struct fake *f)
{
    struct assay_host host = {.abi = ASSAY_PLUGIN_ABI, .size = sizeof host, .ctx = f};
    host.option = fake_option;
    host.rule = fake_rule;
    host.rule_count = fake_rule_count;
    host.assess = fake_assess;
    return host;
}

static inline enum assay_status fake_finding(void *ctx, const struct assay_finding *finding)
{
    struct fake *f = ctx;
    assert_true(f->n_findings < FAKE_MAX);
    f->findings[f->n_findings++] = *finding;
    return ASSAY_OK;
}

static inline enum assay_status fake_metric(void *ctx, const char *name, uint64_t num, uint64_t den)
{
    struct fake *f = ctx;
    assert_true(f->n_metrics < FAKE_MAX);
    (void)snprintf(f->metrics[f->n_metrics++], sizeof f->metrics[0], "%s=%llu/%llu", name,
                   (unsigned long long)num, (unsigned long long)den);
    return ASSAY_OK;
}

static inline enum assay_status fake_put(void *ctx, const void *data, size_t len)
{
    struct fake *f = ctx;
    assert_true(f->state_len + len <= sizeof f->state);
    memcpy(f->state + f->state_len, data, len);
    f->state_len += len;
    return ASSAY_OK;
}

static inline struct assay_sink fake_sink(struct fake *f)
{
    struct assay_sink sink = {.size = sizeof sink, .ctx = f};
    sink.finding = fake_finding;
    sink.metric = fake_metric;
    return sink;
}

static inline int fake_has_metric(const struct fake *f, const char *want)
{
    for (size_t i = 0; i < f->n_metrics; i++) {
        if (strcmp(f->metrics[i], want) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A batch of three records with one field each: 40 bytes of text apart. */
static inline struct assay_batch fake_batch(void)
{
    static const char text[] = "0123456789012345678901234567890123456789\n"
                               "abcdefghijabcdefghijabcdefghijabcdefghij\n"
                               "9876543210987654321098765432109876543210";
    static const struct assay_record records[3] = {{.ordinal = 0, .first_field = 0, .n_fields = 1},
                                                   {.ordinal = 1, .first_field = 1, .n_fields = 1},
                                                   {.ordinal = 2, .first_field = 2, .n_fields = 1}};
    static const struct assay_field fields[3] = {{.record = 0, .start = 0, .len = 40},
                                                 {.record = 1, .start = 41, .len = 40},
                                                 {.record = 2, .start = 82, .len = 40}};
    struct assay_batch b = {.size = sizeof b,
                            .file = 7,
                            .text = text,
                            .text_len = sizeof text - 1,
                            .n_records = 3,
                            .n_fields = 3,
                            .records = records,
                            .fields = fields};
    return b;
}

#endif
