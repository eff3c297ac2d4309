/* SPDX-License-Identifier: Apache-2.0
 *
 * labels: whether what a dataset teaches agrees with itself.
 *
 * Nothing is read here. Whoever reads records hands over what there is to judge (assay_sink.hand):
 *     answers      a prompt that several records ask: its different answers, how many records give
 *                  each, how many pairs of records agree
 *     answered     all records with a prompt and an answer
 *     preferences  a record with two sides, and whether they say the same
 * (docs/plugin-tutorial.md has the topics in full.) What was accepted is not handed over.
 *
 * An answer that `majority` of the records give, by default two of three, is the clear one; records
 * that say otherwise are likely errors. Agreement is observed agreement: of all pairs of records
 * that ask the same, those that answer the same, in integers and exact; it is not corrected for
 * chance, for answers are no fixed set of classes. Where no prompt is asked twice it is 1/1. Without
 * anything handed over there are no metrics, so that a policy cannot pass by what was not judged.
 * State: counters. Merging adds them. Findings are raised as groups come, in the giver's order.
 */
#include "assay/plugin.h"

#include <stdlib.h>

#include "../common/pairs.h"
#include "../common/say.h"
#include "../common/state.h"

#define DETAIL           320 /* bytes of what is said here; TEXT: and behind it */
#define TEXT             640
#define DEFAULT_MAJORITY "666"

enum { RULE_ANSWERS, RULE_SIDES, N_RULES };

enum {
    COUNT_PROMPTS,     /* that are asked by several records */
    COUNT_CONFLICTING, /* of them */
    COUNT_CONTESTED,   /* records that ask those */
    COUNT_ANSWERED,    /* records with a prompt and an answer */
    COUNT_MINORITY,    /* records against a clear majority */
    COUNT_PAIRS,       /* of records that ask the same */
    COUNT_AGREEING,    /* of those */
    COUNT_PREFERENCES,
    COUNT_EQUAL, /* of them */
    N_COUNTS
};

#define STATE_MAGIC UINT64_C(0x31534c424c594153) /* "SAYLBLS1" */

static const struct assay_rule_decl labels_rules[] = {
    {"labels.conflicting_answers", NULL, ASSAY_SEVERITY_LOW, "One prompt, different answers",
     "同一提示，不同回答",
     "These records ask the same and answer differently; each stands for one answer. Keep the "
     "right "
     "one, unless several are meant. Where most records agree, look at the others first.",
     "这些记录的提示相同而回答不同，每条代表一种回答。除非有意保留多个回答，请只保留正确的一个；若"
     "多"
     "数记录一致，请先检查其余记录。"},
    {"labels.equal_preference", NULL, ASSAY_SEVERITY_MEDIUM, "A preference between equals",
     "偏好数据两侧相同",
     "The chosen and the rejected side of this record are the same once case, width, spacing and "
     "punctuation are set aside. It teaches nothing; remove it.",
     "忽略大小写、全半角、空白和标点后，这条记录的 chosen 与 rejected "
     "相同，没有训练价值，请删除。"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static const struct assay_option labels_options[] = {
    {"majority", ASSAY_OPT_INT, 501, 1000, NULL, DEFAULT_MAJORITY,
     "share of a prompt's records, in thousandths, that makes an answer the clear one"},
    {NULL, ASSAY_OPT_BOOL, 0, 0, NULL, NULL, NULL},
};

struct labels_shared {
    uint32_t rule[N_RULES]; /* indexes; ASSAY_NONE where the rule set lacks it */
    uint64_t majority;
};

struct labels_local {
    uint64_t count[N_COUNTS];
};

static enum assay_status labels_init(const struct assay_host *host, void **ret,
                                     struct assay_error *err)
{
    struct labels_shared *s = malloc(sizeof *s);
    *ret = s;
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'labels'");
    }
    const char *majority = host->option(host->ctx, "majority");
    s->majority = strtoull(majority == NULL ? DEFAULT_MAJORITY : majority, NULL, 10);
    for (unsigned i = 0; i < N_RULES; i++) {
        s->rule[i] = host->rule_index(host->ctx, labels_rules[i].id);
    }
    return ASSAY_OK;
}

static enum assay_status labels_local_init(const void *shared, void **ret, struct assay_error *err)
{
    (void)shared;
    *ret = calloc(1, sizeof(struct labels_local));
    return *ret == NULL ? assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'labels'")
                        : ASSAY_OK;
}

/* ---- answers -----------------------------------------------------------------------------------
 */

static uint64_t weight_of(const struct assay_group *g, uint32_t i)
{
    return g->weights == NULL ? 1 : g->weights[i];
}

/* The first of the answers that most records give. */
static uint32_t most_frequent(const struct assay_group *g)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < g->n_members; i++) {
        best = weight_of(g, i) > weight_of(g, best) ? i : best;
    }
    return best;
}

static int is_clear(const struct labels_shared *s, uint64_t weight, uint64_t records)
{
    return weight >= records / 1000 * s->majority + (records % 1000 * s->majority + 999) / 1000;
}

/* Appends; what does not fit is left out at the end. */
static void say_how(const struct labels_shared *s, const struct assay_group *g, uint32_t best,
                    char *detail, size_t cap)
{
    const uint64_t records = g->sums[0], weight = weight_of(g, best);
    const size_t len = strlen(detail);
    if (weight < 2) {
        (void)snprintf(detail + len, cap - len, "; each once");
    } else if (!is_clear(s, weight, records)) {
        (void)snprintf(detail + len, cap - len, "; the most frequent one in %llu records",
                       (unsigned long long)weight);
    } else {
        (void)snprintf(detail + len, cap - len,
                       "; clear majority for member %u, in %llu records; likely errors: %llu "
                       "record(s)",
                       (unsigned)best + 1, (unsigned long long)weight,
                       (unsigned long long)(records - weight));
    }
}

/* Raises a finding with what the giver wants to be said behind it. */
static enum assay_status raise(const struct labels_shared *s, unsigned rule,
                               struct assay_finding *f, const struct assay_group *g,
                               const char *detail, struct assay_sink *sink)
{
    char text[TEXT];
    (void)snprintf(text, sizeof text, "%s%.*s", detail, (int)g->said.len,
                   g->said.len == 0 ? "" : g->said.ptr);
    f->rule = s->rule[rule];
    f->detail = assay_bytes_str(text);
    return f->rule == ASSAY_NONE ? ASSAY_OK : sink->finding(sink->ctx, f);
}

static enum assay_status say_conflict(const struct labels_shared *s, struct labels_local *l,
                                      const struct assay_group *g, struct assay_sink *sink)
{
    const uint32_t best = most_frequent(g);
    const uint64_t records = g->sums[0], weight = weight_of(g, best);
    char detail[DETAIL];
    l->count[COUNT_CONFLICTING]++;
    l->count[COUNT_CONTESTED] += records;
    l->count[COUNT_MINORITY] += is_clear(s, weight, records) ? records - weight : 0;
    (void)snprintf(detail, sizeof detail, "%llu different answers to one prompt, in %llu records",
                   (unsigned long long)g->members_total, (unsigned long long)records);
    say_how(s, g, best, detail, sizeof detail);
    struct assay_finding f = assay_finding_init(ASSAY_NONE);
    f.members = g->members;
    f.n_members = g->n_members;
    f.members_total = g->members_total;
    return raise(s, RULE_ANSWERS, &f, g, detail, sink);
}

static enum assay_status take_answers(const struct labels_shared *s, struct labels_local *l,
                                      const struct assay_group *g, struct assay_sink *sink)
{
    const uint64_t records = g->sums[0], pairs = pairs_among(records);
    const uint32_t best = most_frequent(g);
    if (records < g->members_total || weight_of(g, best) > records || g->sums[1] > pairs) {
        return ASSAY_PLUGIN;
    }
    l->count[COUNT_PROMPTS]++;
    l->count[COUNT_PAIRS] = pairs_add(l->count[COUNT_PAIRS], pairs);
    l->count[COUNT_AGREEING] = pairs_add(l->count[COUNT_AGREEING], g->sums[1]);
    return g->members_total > 1 ? say_conflict(s, l, g, sink) : ASSAY_OK;
}

static enum assay_status take_answered(const struct labels_shared *s, struct labels_local *l,
                                       const struct assay_group *g, struct assay_sink *sink)
{
    (void)s;
    (void)sink;
    l->count[COUNT_ANSWERED] += g->members_total;
    return ASSAY_OK;
}

/* ---- preferences -------------------------------------------------------------------------------
 */

static enum assay_status take_preference(const struct labels_shared *s, struct labels_local *l,
                                         const struct assay_group *g, struct assay_sink *sink)
{
    l->count[COUNT_PREFERENCES]++;
    if (g->sums[0] == 0) {
        return ASSAY_OK;
    }
    l->count[COUNT_EQUAL]++;
    struct assay_finding f = assay_finding_init(ASSAY_NONE);
    f.file = g->members[0].file;
    f.record = g->record;
    f.field = g->field;
    return raise(s, RULE_SIDES, &f, g, "both sides are the same", sink);
}

/* ---- the fold ----------------------------------------------------------------------------------
 */

static const struct topic {
    const char *name;
    enum assay_status (*take)(const struct labels_shared *s, struct labels_local *l,
                              const struct assay_group *g, struct assay_sink *sink);
} topics[] = {
    {"answers", take_answers}, {"answered", take_answered}, {"preferences", take_preference}};

static const char *const labels_takes[] = {"answers", "answered", "preferences", NULL};

static enum assay_status labels_take(const void *shared, void *state, const struct assay_group *g,
                                     struct assay_reply *reply, struct assay_sink *sink)
{
    (void)reply;
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        if (strcmp(topics[i].name, g->topic) == 0) {
            return topics[i].take(shared, state, g, sink);
        }
    }
    return ASSAY_PLUGIN;
}

static void add_counts(struct labels_local *into, const struct labels_local *from)
{
    for (unsigned i = 0; i < N_COUNTS; i++) {
        into->count[i] = pairs_add(into->count[i], from->count[i]);
    }
}

static enum assay_status labels_merge(const void *shared, void *into, void *from,
                                      struct assay_error *err)
{
    (void)shared;
    (void)err;
    add_counts(into, from);
    return ASSAY_OK;
}

static enum assay_status labels_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    const uint64_t *n = ((const struct labels_local *)merged)->count;
    const int agreed = n[COUNT_PAIRS] == 0; /* nobody had anybody to disagree with */
    const struct say_metric rows[] = {
        {"labels.answered", n[COUNT_ANSWERED], 1},
        {"labels.repeated_prompts", n[COUNT_PROMPTS], 1},
        {"labels.conflicting_prompts", n[COUNT_CONFLICTING], 1},
        {"labels.conflict_ratio", n[COUNT_CONTESTED], n[COUNT_ANSWERED]},
        {"labels.minority_answers", n[COUNT_MINORITY], 1},
        {"labels.answer_agreement", agreed ? 1 : n[COUNT_AGREEING], n[COUNT_PAIRS]},
        {"labels.preferences", n[COUNT_PREFERENCES], 1},
        {"labels.equal_preferences", n[COUNT_EQUAL], 1},
        {"labels.equal_ratio", n[COUNT_EQUAL], n[COUNT_PREFERENCES]},
    };
    (void)shared;
    if (n[COUNT_ANSWERED] == 0 && n[COUNT_PREFERENCES] == 0) {
        return ASSAY_OK;
    }
    return say_metric_rows(sink, rows, sizeof rows / sizeof rows[0]);
}

static enum assay_status
labels_save(const void *shared, const void *local,
            enum assay_status (*put)(void *ctx, const void *data, size_t len), void *ctx)
{
    const struct labels_local *l = local;
    struct state_out out = {put, ctx, ASSAY_OK};
    (void)shared;
    state_put_u64(&out, STATE_MAGIC);
    for (unsigned i = 0; i < N_COUNTS; i++) {
        state_put_u64(&out, l->count[i]);
    }
    return out.status;
}

static enum assay_status labels_load(const void *shared, void *local, struct assay_bytes data,
                                     struct assay_error *err)
{
    struct state_in in = {data, 0};
    const uint64_t magic = state_take_u64(&in);
    struct labels_local read;
    (void)shared;
    for (unsigned i = 0; i < N_COUNTS; i++) {
        read.count[i] = state_take_u64(&in);
    }
    if (magic != STATE_MAGIC || !state_is_complete(&in) ||
        read.count[COUNT_EQUAL] > read.count[COUNT_PREFERENCES] ||
        read.count[COUNT_AGREEING] > read.count[COUNT_PAIRS]) {
        return assay_fail(err, ASSAY_CORRUPT, "not a saved state of the scanner 'labels'");
    }
    add_counts(local, &read);
    return ASSAY_OK;
}

ASSAY_SCANNER_PLUGIN(labels) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "labels",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "prompts with conflicting answers, preferences between equals",
    .options = labels_options,
    .rules = labels_rules,
    .init = labels_init,
    .local_init = labels_local_init,
    .merge = labels_merge,
    .finish = labels_finish,
    .save = labels_save,
    .load = labels_load,
    .local_free = free,
    .free = free,
    .takes = labels_takes,
    .take = labels_take,
};
