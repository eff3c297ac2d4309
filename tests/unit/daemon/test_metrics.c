/* SPDX-License-Identifier: Apache-2.0
 * Counters, the histogram, and the text they become. */
#include "tests/unit/unit.h"

#include "daemon/metrics.h"

static struct assay_buf out;

static const char *text_of(const struct assay_metrics *m)
{
    assay_buf_release(&out);
    assay_buf_init(&out, 100000);
    assay_metrics_write(m, &out);
    assert_int_equal(assay_buf_status(&out), ASSAY_OK);
    return assay_buf_str(&out);
}

static void assert_line(const char *text, const char *line)
{
    const char *at = strstr(text, line);
    size_t len = strlen(line);
    if (at == NULL || at == text || at[-1] != '\n' || at[len] != '\n') {
        fail_msg("no line '%s'", line);
    }
}

static void counters_add_and_gauges_are_set(void **state)
{
    (void)state;
    struct assay_metrics m = {0};
    assay_metrics_add(&m, ASSAY_M_RUNS, 2, 3);
    assay_metrics_add(&m, ASSAY_M_RUNS, 2, 1);
    assay_metrics_set(&m, ASSAY_M_QUEUE_DEPTH, 0, 9);
    assay_metrics_set(&m, ASSAY_M_QUEUE_DEPTH, 0, 7);
    assay_metrics_set(&m, ASSAY_M_QUEUE_OLDEST_MILLIS, 0, 61005);
    const char *text = text_of(&m);
    assert_line(text, "# TYPE assay_runs_total counter");
    assert_line(text, "assay_runs_total{verdict=\"FAIL\"} 4");
    assert_line(text, "assay_runs_total{verdict=\"PASS\"} 0");
    assert_line(text, "assay_queue_depth 7");
    assert_line(text, "assay_queue_oldest_seconds 61.005");
}

static void a_label_out_of_range_counts_nothing(void **state)
{
    (void)state;
    struct assay_metrics m = {0};
    assay_metrics_add(&m, ASSAY_M_RUNS, 4, 1);
    assay_metrics_add(&m, ASSAY_M_RECORDS, 1, 1);
    const struct assay_metrics zero = {0};
    assert_memory_equal(&m, &zero, sizeof m);
}

static void buckets_are_cumulative_and_bounds_inclusive(void **state)
{
    (void)state;
    struct assay_metrics m = {0};
    assay_metrics_run(&m, 0);
    assay_metrics_run(&m, 100);
    assay_metrics_run(&m, 101);
    assay_metrics_run(&m, UINT64_C(90000000));
    const char *text = text_of(&m);
    assert_line(text, "assay_run_duration_seconds_bucket{le=\"0.1\"} 2");
    assert_line(text, "assay_run_duration_seconds_bucket{le=\"0.5\"} 3");
    assert_line(text, "assay_run_duration_seconds_bucket{le=\"86400\"} 3");
    assert_line(text, "assay_run_duration_seconds_bucket{le=\"+Inf\"} 4");
    assert_line(text, "assay_run_duration_seconds_count 4");
    assert_line(text, "assay_run_duration_seconds_sum 90000.201");
}

static void label_values_are_escaped(void **state)
{
    (void)state;
    assay_buf_release(&out);
    assay_buf_init(&out, 1000);
    assay_metrics_sample(&out, "x", "source", "a\\b\"c\nd", 1);
    assert_string_equal(assay_buf_str(&out), "x{source=\"a\\\\b\\\"c\\nd\"} 1\n");
}

static void the_process_is_measured(void **state)
{
    (void)state;
    struct assay_metrics m = {0};
    assay_metrics_process(&m);
    assert_true(m.value[ASSAY_M_RESIDENT][0] > 100000);
    assert_true(m.value[ASSAY_M_VIRTUAL][0] >= m.value[ASSAY_M_RESIDENT][0]);
    assert_true(m.value[ASSAY_M_OPEN_FDS][0] >= 3);
    assert_true(m.value[ASSAY_M_MAX_FDS][0] >= m.value[ASSAY_M_OPEN_FDS][0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_add_and_gauges_are_set),
        cmocka_unit_test(a_label_out_of_range_counts_nothing),
        cmocka_unit_test(buckets_are_cumulative_and_bounds_inclusive),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(the_process_is_measured),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    assay_buf_release(&out);
    return failed;
}
