/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/handover, engine/speak: what one scanner hands to another arrives once, in the state that
 * comes of the same records; givers finish before takers; whoever fails to take is told.
 */
#include "tests/unit/engine/audit_fixture.h"

/* ---- two scanners that give and one that takes ------------------------------------------------ */

static const char *const topic_small[] = {"small", NULL};
static const char *const topic_great[] = {"great", NULL};
static const char *const topics[] = {"small", "great", NULL};

static int taker_gives_back;               /* the taker gives to the giver */
static enum assay_status taker_says;       /* what take() says */
static enum assay_status beta_last_answer; /* what the giver was told at the end */
static struct assay_reply beta_last_reply;
static int small_is_taken, other_is_taken; /* as a scanner heard at its start */
static int beta_is_late;                   /* hands over a topic that it did not announce */

/* Sums, so that the order in which records come does not matter. */
struct tally {
    uint64_t taken, sum;
    int has_finished;
};

static enum assay_status make_tally(const void *shared, void **ret, struct assay_error *err)
{
    (void)shared;
    (void)err;
    *ret = calloc(1, sizeof(struct tally));
    return *ret == NULL ? ASSAY_NOMEM : ASSAY_OK;
}

static enum assay_status merge_tally(const void *shared, void *into, void *from,
                                     struct assay_error *err)
{
    struct tally *a = into;
    const struct tally *b = from;
    (void)shared;
    (void)err;
    a->taken += b->taken;
    a->sum += b->sum;
    return ASSAY_OK;
}

static enum assay_status init_nothing(const struct assay_host *host, void **ret,
                                      struct assay_error *err)
{
    (void)err;
    small_is_taken = host->is_taken(host->ctx, "small");
    other_is_taken = host->is_taken(host->ctx, "smal");
    *ret = NULL;
    return ASSAY_OK;
}

static struct assay_group group_of(const char *topic, const struct assay_member *m)
{
    return (struct assay_group){.size = sizeof(struct assay_group),
                                .rule = ASSAY_NONE,
                                .topic = topic,
                                .members = m,
                                .n_members = 1,
                                .field = ASSAY_NONE,
                                .record = ASSAY_NONE,
                                .members_total = 1};
}

/* Hands every record over while it is scanned. */
static enum assay_status beta_scan(const void *shared, void *local,
                                   const struct assay_scan_input *in, struct assay_sink *sink)
{
    enum assay_status st = ASSAY_OK;
    (void)shared;
    (void)local;
    for (uint32_t i = 0; i < in->batch->n_records && (st == ASSAY_OK || st == ASSAY_NOTFOUND);
         i++) {
        const struct assay_member m = {in->batch->file, in->batch->records[i].ordinal};
        const struct assay_group g = group_of("small", &m);
        struct assay_reply reply;
        st = sink->hand(sink->ctx, &g, &reply);
    }
    return st == ASSAY_NOTFOUND ? ASSAY_OK : st;
}

static enum assay_status beta_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    const struct assay_member m = {0, ASSAY_NO_RECORD};
    const struct assay_group g = group_of("small", &m);
    (void)shared;
    (void)merged;
    beta_last_answer = sink->hand(sink->ctx, &g, &beta_last_reply);
    return ASSAY_OK;
}

static enum assay_status alpha_take(const void *shared, void *state, const struct assay_group *g,
                                    struct assay_reply *reply, struct assay_sink *sink)
{
    struct tally *t = state;
    (void)shared;
    (void)sink;
    assert_false(t->has_finished);
    if (taker_says != ASSAY_OK) {
        return taker_says;
    }
    t->taken++;
    t->sum += (g->members[0].record + 1) * (g->members[0].file + 3u);
    reply->set_aside |= g->members[0].record == ASSAY_NO_RECORD;
    (void)snprintf(reply->said, sizeof reply->said, "; %s", g->topic);
    return ASSAY_OK;
}

static enum assay_status alpha_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    struct tally *t = merged;
    (void)shared;
    t->has_finished = 1;
    (void)sink->metric(sink->ctx, "alpha.taken", t->taken, 1);
    return sink->metric(sink->ctx, "alpha.sum", t->sum, 1);
}

/* Speaks after alpha, and hands it something nevertheless. */
static enum assay_status gamma_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    const struct assay_member m = {0, 0};
    const struct assay_group g = group_of("great", &m);
    struct assay_reply reply;
    (void)shared;
    (void)merged;
    return beta_is_late ? sink->hand(sink->ctx, &g, &reply) : ASSAY_OK;
}

static struct assay_scanner scanner_of(const char *name)
{
    return (struct assay_scanner){.abi = ASSAY_PLUGIN_ABI,
                                  .size = sizeof(struct assay_scanner),
                                  .name = name,
                                  .version = "1",
                                  .license = "Apache-2.0",
                                  .summary = "hands over",
                                  .init = init_nothing,
                                  .local_init = make_tally,
                                  .scan = beta_scan,
                                  .merge = merge_tally,
                                  .local_free = free,
                                  .free = free};
}

static enum assay_status scan_nothing(const void *shared, void *local,
                                      const struct assay_scan_input *in, struct assay_sink *sink)
{
    (void)shared;
    (void)local;
    (void)in;
    (void)sink;
    return ASSAY_OK;
}

/* Taker first by name, so that the order of names would be wrong. */
static struct assay_scanner alpha, beta, gamma_late;

static void open_three(struct bench *b, int with_taker)
{
    taker_says = ASSAY_OK;
    alpha = scanner_of("alpha");
    alpha.scan = scan_nothing;
    alpha.finish = alpha_finish;
    alpha.takes = topics;
    alpha.take = alpha_take;
    alpha.gives = taker_gives_back ? topic_great : NULL;
    beta = scanner_of("beta");
    beta.finish = beta_finish;
    beta.gives = topic_small;
    beta.takes = taker_gives_back ? topic_great : NULL;
    beta.take = taker_gives_back ? alpha_take : NULL;
    gamma_late = scanner_of("gamma");
    gamma_late.scan = scan_nothing;
    gamma_late.finish = gamma_finish;
    bench_open(b, NULL);
    if (with_taker) {
        assert_int_equal(assay_plugins_add_scanner(b->plugins, &alpha, &b->err), ASSAY_OK);
    }
    assert_int_equal(assay_plugins_add_scanner(b->plugins, &beta, &b->err), ASSAY_OK);
    assert_int_equal(assay_plugins_add_scanner(b->plugins, &gamma_late, &b->err), ASSAY_OK);
}

static void make_dataset(void)
{
    struct assay_buf b;
    assay_buf_init(&b, ASSAY_MIB(16));
    for (unsigned i = 0; i < 5; i++) {
        char name[64];
        assay_buf_clear(&b);
        add_records(&b, i, i == 3 ? 2000 : 7);
        (void)snprintf(name, sizeof name, "data/f%u.jsonl", i);
        put_bytes(name, b.ptr, b.len);
    }
    assay_buf_release(&b);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void what_is_handed_over_arrives_once(void **state)
{
    (void)state;
    static const unsigned jobs[] = {1, 2, 7};
    struct bench b;
    char *first = NULL;
    make_dataset();
    open_three(&b, 1);
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        b.opt.jobs = jobs[i];
        b.tuning.chunk = 4096;
        b.tuning.large = 1;
        bench_run(&b);
        assert_true(small_is_taken);
        assert_false(other_is_taken);
        assert_int_equal(metric(&b, "alpha.taken"), 2000 + 4 * 7 + 1);
        assert_int_equal(beta_last_answer, ASSAY_OK);
        assert_true(beta_last_reply.set_aside);
        assert_string_equal(beta_last_reply.said, "; small");
        char *dump = bench_dump(&b);
        if (first != NULL) {
            assert_string_equal(dump, first);
            free(dump);
        } else {
            first = dump;
        }
    }
    free(first);
    bench_close(&b);
}

static void nobody_may_take(void **state)
{
    (void)state;
    struct bench b;
    make_dataset();
    open_three(&b, 0);
    bench_run(&b);
    assert_false(small_is_taken);
    assert_int_equal(beta_last_answer, ASSAY_NOTFOUND);
    assert_false(beta_last_reply.set_aside);
    assert_string_equal(beta_last_reply.said, "");
    bench_close(&b);
}

static void who_fails_to_take_is_told(void **state)
{
    (void)state;
    struct bench b;
    make_dataset();
    open_three(&b, 1);
    taker_says = ASSAY_INTERNAL;
    bench_run(&b);
    assert_int_equal(beta_last_answer, ASSAY_OK);
    assert_int_equal(metric(&b, "alpha.taken"), 0);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_INCOMPLETE);
    char *dump = bench_dump(&b);
    assert_non_null(strstr(dump, "scanner alpha, at the end"));
    assert_null(strstr(dump, "scanner beta"));
    free(dump);
    bench_close(&b);
}

static void nothing_is_handed_to_who_has_finished(void **state)
{
    (void)state;
    struct bench b;
    make_dataset();
    open_three(&b, 1);
    beta_is_late = 1;
    bench_run(&b);
    beta_is_late = 0;
    char *dump = bench_dump(&b);
    assert_non_null(strstr(dump, "scanner gamma, at the end"));
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_INCOMPLETE);
    free(dump);
    bench_close(&b);
}

static void a_circle_is_refused(void **state)
{
    (void)state;
    struct bench b;
    make_dataset();
    taker_gives_back = 1;
    open_three(&b, 1);
    taker_gives_back = 0;
    assert_int_equal(bench_try(&b), ASSAY_CONFIG);
    assert_non_null(strstr(b.err.message, "in a circle"));
    bench_close(&b);
}

static void taking_and_topics_come_together(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, NULL);
    struct assay_scanner half = scanner_of("half");
    half.finish = alpha_finish;
    half.takes = topics;
    assert_int_equal(assay_plugins_add_scanner(b.plugins, &half, &b.err), ASSAY_PLUGIN);
    assert_non_null(strstr(b.err.message, "'takes'"));
    half.takes = NULL;
    half.take = alpha_take;
    assert_int_equal(assay_plugins_add_scanner(b.plugins, &half, &b.err), ASSAY_PLUGIN);
    half.size = offsetof(struct assay_scanner, gives); /* from before there was such a thing */
    assert_int_equal(assay_plugins_add_scanner(b.plugins, &half, &b.err), ASSAY_OK);
    bench_close(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_handed_over_arrives_once),
        TEST(nobody_may_take),
        TEST(who_fails_to_take_is_told),
        TEST(nothing_is_handed_to_who_has_finished),
        TEST(a_circle_is_refused),
        TEST(taking_and_topics_come_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
