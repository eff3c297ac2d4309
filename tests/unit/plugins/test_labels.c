/* SPDX-License-Identifier: Apache-2.0
 * Labels: what is said of answers and preferences that somebody hands over; that parts, saved and
 * loaded, say the same; that numbers which cannot be are refused. */
#include "tests/unit/plugins/scanner_rig.h"

#include "plugins/scanners/common/pairs.h"

extern const struct assay_scanner assay_scanner_labels;

static void set_up(struct rig *r, const char *majority, unsigned parts)
{
    rig_init(r, &assay_scanner_labels, 1 << 20);
    r->fake.options[0].name = majority == NULL ? NULL : "majority";
    r->fake.options[0].value = majority;
    rig_start(r, parts);
}

static enum assay_status take(struct rig *r, unsigned part, const struct assay_group *g)
{
    struct assay_reply reply = {.size = sizeof reply};
    return r->sc->take(r->shared, r->locals[part], g, &reply, &r->sink);
}

/* A prompt whose answers are given by so many records each; the first 0 ends them. */
static enum assay_status take_answers(struct rig *r, unsigned part, const uint64_t *weights,
                                      const char *said)
{
    static const struct assay_member members[] = {{0, 3}, {0, 8}, {1, 0}, {2, 5}};
    struct assay_group g = {.size = sizeof g,
                            .rule = ASSAY_NONE,
                            .topic = "answers",
                            .members = members,
                            .weights = weights,
                            .record = ASSAY_NONE,
                            .field = ASSAY_NONE,
                            .said = assay_bytes_str(said)};
    for (; weights[g.n_members] != 0; g.n_members++) {
        g.sums[0] += weights[g.n_members];
        g.sums[1] += pairs_among(weights[g.n_members]);
    }
    g.members_total = g.n_members;
    return take(r, part, &g);
}

static enum assay_status take_answered(struct rig *r, unsigned part, uint64_t n)
{
    static const struct assay_member first = {0, 0};
    return take(r, part,
                &(struct assay_group){.size = sizeof(struct assay_group),
                                      .rule = ASSAY_NONE,
                                      .topic = "answered",
                                      .members = &first,
                                      .n_members = 1,
                                      .members_total = n,
                                      .record = ASSAY_NONE,
                                      .field = ASSAY_NONE});
}

static enum assay_status take_preference(struct rig *r, unsigned part, uint32_t file, uint64_t same)
{
    const struct assay_member m = {file, 17};
    return take(r, part,
                &(struct assay_group){.size = sizeof(struct assay_group),
                                      .rule = ASSAY_NONE,
                                      .topic = "preferences",
                                      .members = &m,
                                      .n_members = 1,
                                      .members_total = 1,
                                      .record = 2,
                                      .field = 9,
                                      .sums = {same, 0},
                                      .said = assay_bytes_str("; group preference:00")});
}

/* ---- tests ----------------------------------------------------------------------------------- */

#define CONFLICT "labels.conflicting_answers 0:3 0:8"

static void answers_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *majority;
        uint64_t weights[5];
        const char *want;
    } rows[] = {
        {NULL, {1, 1}, CONFLICT " | 2 different answers to one prompt, in 2 records; each once\n"},
        {NULL,
         {1, 2},
         CONFLICT " | 2 different answers to one prompt, in 3 records; clear majority for member "
                  "2, in 2 records; likely errors: 1 record(s)\n"},
        {NULL,
         {2, 2, 1},
         CONFLICT " 1:0 | 3 different answers to one prompt, in 5 records; the most frequent one "
                  "in 2 records\n"},
        {NULL,
         {1, 1, 1, 5},
         CONFLICT " 1:0 2:5 | 4 different answers to one prompt, in 8 records; the most frequent "
                  "one in 5 records\n"},
        {"625",
         {1, 1, 1, 5},
         CONFLICT " 1:0 2:5 | 4 different answers to one prompt, in 8 records; clear majority for "
                  "member 4, in 5 records; likely errors: 3 record(s)\n"},
        {"667",
         {1, 2},
         CONFLICT " | 2 different answers to one prompt, in 3 records; the most frequent one in 2 "
                  "records\n"},
        {"1000",
         {999, 1},
         CONFLICT " | 2 different answers to one prompt, in 1000 records; the most frequent one "
                  "in 999 records\n"},
        {"999",
         {UINT64_C(999) << 40, UINT64_C(1) << 40},
         CONFLICT " | 2 different answers to one prompt, in 1099511627776000 records; clear "
                  "majority for member 1, in 1098412116148224 records; likely errors: "
                  "1099511627776 record(s)\n"},
        {NULL, {7}, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig r;
        set_up(&r, rows[i].majority, 1);
        assert_int_equal(take_answers(&r, 0, rows[i].weights, ""), ASSAY_OK);
        char *got = recorder_take(&r.rec);
        assert_string_equal(got, rows[i].want);
        free(got);
        rig_free(&r);
    }
}

static void a_preference_between_equals_is_a_finding(void **state)
{
    (void)state;
    struct rig r;
    set_up(&r, NULL, 1);
    assert_int_equal(take_preference(&r, 0, 5, 1), ASSAY_OK);
    assert_int_equal(take_preference(&r, 0, 6, 0), ASSAY_OK);
    char *got = recorder_take(&r.rec);
    assert_string_equal(got, "labels.equal_preference file 5 | both sides are the same; group "
                             "preference:00\n");
    free(got);
    rig_free(&r);
}

static void fold(struct rig *r)
{
    static const uint64_t clear[] = {3, 1, 0}, alike[] = {4, 0}, once[] = {1, 1, 0};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(take_preference(r, i % r->parts, i, i < 2), ASSAY_OK);
    }
    assert_int_equal(take_answers(r, 2 % r->parts, clear, "; group answers:11"), ASSAY_OK);
    assert_int_equal(take_answers(r, 1 % r->parts, alike, ""), ASSAY_OK);
    assert_int_equal(take_answers(r, 0, once, ""), ASSAY_OK);
    assert_int_equal(take_answered(r, 0, 12), ASSAY_OK);
}

static void parts_say_what_one_says(void **state)
{
    (void)state;
    static const struct rig_how hows[] = {
        {.parts = 1}, {.parts = 3}, {.parts = 3, .backwards = 1}, {.parts = 2, .reload = 2}};
    for (size_t h = 0; h < sizeof hows / sizeof hows[0]; h++) {
        struct rig r;
        set_up(&r, NULL, hows[h].parts);
        fold(&r);
        rig_merge(&r, &hows[h]);
        char *got = rig_finish(&r);
        assert_string_equal(
            got,
            "labels.conflicting_answers 0:3 0:8 | 2 different answers to one prompt, in 2 records; "
            "each once\n"
            "labels.conflicting_answers 0:3 0:8 | 2 different answers to one prompt, in 4 records; "
            "clear majority for member 1, in 3 records; likely errors: 1 record(s); group "
            "answers:11\n"
            "labels.equal_preference file 0 | both sides are the same; group preference:00\n"
            "labels.equal_preference file 1 | both sides are the same; group preference:00\n"
            "~labels.answer_agreement 9/13\n"
            "~labels.answered 12/1\n"
            "~labels.conflict_ratio 6/12\n"
            "~labels.conflicting_prompts 2/1\n"
            "~labels.equal_preferences 2/1\n"
            "~labels.equal_ratio 2/5\n"
            "~labels.minority_answers 1/1\n"
            "~labels.preferences 5/1\n"
            "~labels.repeated_prompts 3/1\n");
        free(got);
        rig_free(&r);
    }
}

static void nothing_judged_is_no_metric(void **state)
{
    (void)state;
    struct rig r;
    set_up(&r, NULL, 1);
    char *got = rig_finish(&r);
    assert_string_equal(got, "");
    free(got);
    assert_int_equal(take_answered(&r, 0, 3), ASSAY_OK);
    got = rig_finish(&r);
    assert_non_null(strstr(got, "~labels.answer_agreement 1/1\n")); /* no prompt is asked twice */
    assert_non_null(strstr(got, "~labels.equal_ratio 0/1\n"));
    free(got);
    rig_free(&r);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct assay_member members[] = {{0, 1}, {0, 2}};
    static const struct {
        const char *topic;
        uint64_t total, weights[2], sums[2];
    } rows[] = {{"answers", 2, {1, 1}, {1, 0}},   /* fewer records than answers */
                {"answers", 2, {9, 1}, {4, 0}},   /* an answer by more records than there are */
                {"answers", 2, {2, 1}, {3, 4}},   /* more pairs agree than there are */
                {"pictures", 2, {1, 1}, {2, 0}}}; /* not for us */
    struct rig r;
    set_up(&r, NULL, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct assay_group g = {.size = sizeof g,
                                      .rule = ASSAY_NONE,
                                      .topic = rows[i].topic,
                                      .members = members,
                                      .weights = rows[i].weights,
                                      .n_members = 2,
                                      .members_total = rows[i].total,
                                      .sums = {rows[i].sums[0], rows[i].sums[1]}};
        assert_int_equal(take(&r, 0, &g), ASSAY_PLUGIN);
    }
    char *got = rig_finish(&r);
    assert_string_equal(got, "");
    free(got);
    rig_free(&r);
}

static void a_damaged_state_is_refused(void **state)
{
    (void)state;
    struct rig r;
    struct assay_buf saved;
    struct assay_error err;
    set_up(&r, NULL, 1);
    fold(&r);
    assay_buf_init(&saved, 4096);
    assert_int_equal(r.sc->save(r.shared, r.locals[0], rig_put, &saved), ASSAY_OK);
    for (size_t len = 0; len < saved.len; len++) {
        assert_int_equal(r.sc->load(r.shared, r.locals[0], assay_bytes_make(saved.ptr, len), &err),
                         ASSAY_CORRUPT);
    }
    saved.ptr[0] ^= 1;
    assert_int_equal(r.sc->load(r.shared, r.locals[0], assay_buf_bytes(&saved), &err),
                     ASSAY_CORRUPT);
    saved.ptr[0] ^= 1;
    saved.ptr[saved.len - 1] = 1; /* more equal preferences than there are */
    assert_int_equal(r.sc->load(r.shared, r.locals[0], assay_buf_bytes(&saved), &err),
                     ASSAY_CORRUPT);
    assay_buf_release(&saved);
    rig_free(&r);
}

static void pairs_never_wrap(void **state)
{
    (void)state;
    static const uint64_t rows[][2] = {{0, 0},
                                       {1, 0},
                                       {2, 1},
                                       {3, 3},
                                       {1000, 499500},
                                       {UINT64_C(6074001000), UINT64_C(18446744070963499500)},
                                       {UINT64_C(6074001001), UINT64_MAX},
                                       {UINT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(pairs_among(rows[i][0]), rows[i][1]);
    }
    assert_int_equal(pairs_add(UINT64_MAX - 1, 1), UINT64_MAX);
    assert_int_equal(pairs_add(UINT64_MAX, 1), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(a_preference_between_equals_is_a_finding),
        cmocka_unit_test(parts_say_what_one_says),
        cmocka_unit_test(nothing_judged_is_no_metric),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_damaged_state_is_refused),
        cmocka_unit_test(pairs_never_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
