/* SPDX-License-Identifier: Apache-2.0
 *
 * wordcount: a scanner built outside the tree, against the installed SDK. It counts words, and
 * reports records that have more than `max_words` of them. docs/plugin-tutorial.md walks through it
 * line by line.
 */
#include <assay/plugin.h>

#include <stdlib.h>

static const struct assay_rule_decl wordcount_rules[] = {
    {"wordcount.long_record", NULL, ASSAY_SEVERITY_LOW, "Record with too many words",
     "词数过多的记录", "The record has more words than max_words. Split it, or raise the option.",
     "该记录的词数超过 max_words。请拆分记录或调高该选项。"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static const struct assay_option wordcount_options[] = {
    {"max_words", ASSAY_OPT_INT, 1, 1000000, NULL, "5000",
     "records with more words than this are reported"},
    {NULL, ASSAY_OPT_BOOL, 0, 0, NULL, NULL, NULL},
};

/* Made once, read by every worker. */
struct shared {
    uint32_t rule;
    uint64_t max_words;
};

/* One per worker: nobody else touches it, so there are no locks. */
struct local {
    uint64_t words;
    uint64_t records;
};

static enum assay_status wordcount_init(const struct assay_host *host, void **ret_shared,
                                        struct assay_error *err)
{
    struct shared *s = malloc(sizeof *s);
    const char *max_words = host->option(host->ctx, "max_words");
    *ret_shared = s;
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'wordcount'");
    }
    s->rule = host->rule_index(host->ctx, wordcount_rules[0].id);
    s->max_words = max_words == NULL ? 5000 : strtoull(max_words, NULL, 10);
    return ASSAY_OK;
}

static enum assay_status wordcount_local_init(const void *shared, void **ret_local,
                                              struct assay_error *err)
{
    (void)shared;
    *ret_local = calloc(1, sizeof(struct local));
    return *ret_local != NULL ? ASSAY_OK
                              : assay_fail(err, ASSAY_NOMEM, "no memory for 'wordcount'");
}

static uint64_t count_words(struct assay_bytes text)
{
    uint64_t words = 0;
    int inside = 0;
    for (size_t i = 0; i < text.len; i++) {
        int is_space = text.ptr[i] == ' ' || (text.ptr[i] >= '\t' && text.ptr[i] <= '\r');
        words += !is_space && !inside;
        inside = !is_space;
    }
    return words;
}

static uint64_t count_record(const struct assay_batch *batch, const struct assay_record *record)
{
    uint64_t words = 0;
    for (uint32_t i = 0; i < record->n_fields; i++) {
        uint32_t field = record->first_field + i;
        if (batch->fields[field].kind == ASSAY_FIELD_STRING) {
            words += count_words(assay_batch_value(batch, field));
        }
    }
    return words;
}

static enum assay_status report(const struct shared *s, uint32_t record, uint64_t words,
                                struct assay_sink *sink)
{
    char detail[64];
    struct assay_finding f = assay_finding_init(s->rule);
    (void)snprintf(detail, sizeof detail, "%llu words", (unsigned long long)words);
    f.record = record;
    f.detail = assay_bytes_str(detail);
    return sink->finding(sink->ctx, &f);
}

static enum assay_status wordcount_scan(const void *shared, void *local,
                                        const struct assay_scan_input *in, struct assay_sink *sink)
{
    const struct shared *s = shared;
    struct local *l = local;
    enum assay_status status = ASSAY_OK;
    for (uint32_t i = 0; i < in->batch->n_records && status == ASSAY_OK; i++) {
        uint64_t words = count_record(in->batch, &in->batch->records[i]);
        l->words += words;
        l->records++;
        if (words > s->max_words) {
            status = report(s, i, words, sink);
        }
    }
    return status;
}

static enum assay_status wordcount_merge(const void *shared, void *into, void *from,
                                         struct assay_error *err)
{
    struct local *a = into;
    const struct local *b = from;
    (void)shared;
    (void)err;
    a->words += b->words;
    a->records += b->records;
    return ASSAY_OK;
}

static enum assay_status wordcount_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    const struct local *l = merged;
    enum assay_status status = sink->metric(sink->ctx, "wordcount.words", l->words, 1);
    (void)shared;
    if (status == ASSAY_OK && l->records > 0) {
        status = sink->metric(sink->ctx, "wordcount.per_record", l->words, l->records);
    }
    return status;
}

ASSAY_SCANNER_PLUGIN(wordcount) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "wordcount",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "counts words and reports very long records",
    .options = wordcount_options,
    .rules = wordcount_rules,
    .init = wordcount_init,
    .local_init = wordcount_local_init,
    .scan = wordcount_scan,
    .merge = wordcount_merge,
    .finish = wordcount_finish,
    .local_free = free,
    .free = free,
};
