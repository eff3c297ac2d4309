/* SPDX-License-Identifier: Apache-2.0
 * Requests, replies, jobs and worker messages: strict in, exact out. */
#include "tests/unit/unit.h"

#include "core/buf.h"
#include "daemon/protocol.h"

static struct assay_error err;

static enum assay_status parse(const char *line, struct assay_request *r)
{
    return assay_request_parse(assay_bytes_str(line), r, &err);
}

static void requests_round_trip(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"op\":\"ping\"}\n",
        "{\"op\":\"submit\",\"path\":\"/a b\",\"policy\":\"p\",\"packs\":[\"x\",\"/y\"]}\n",
        "{\"op\":\"wait\",\"dataset\":\"/d\",\"run\":7}\n",
        "{\"op\":\"report\",\"run\":7}\n",
        "{\"op\":\"submit\",\"path\":\"/a\",\"priority\":5,\"deadline_ms\":60000}\n",
        "{\"op\":\"cancel\",\"run\":7}\n",
        "{\"op\":\"watch\"}\n",
        "{\"op\":\"watch\",\"dataset\":\"/d\",\"run\":7,\"interval_ms\":500}\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct assay_request r;
        ASSAY_AUTO_BUF out;
        assay_buf_init(&out, 10000);
        assert_int_equal(parse(lines[i], &r), ASSAY_OK);
        assert_int_equal(assay_request_encode(&r, &out), ASSAY_OK);
        assert_string_equal(assay_buf_str(&out), lines[i]);
        assay_request_release(&r);
    }
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"op\":1}",
        "{\"op\":\"stop\"}",
        "{\"op\":\"ping\",\"op\":\"ping\"}",
        "{\"op\":\"ping\",\"run\":1}",
        "{\"op\":\"submit\"}",
        "{\"op\":\"submit\",\"path\":\"relative\"}",
        "{\"op\":\"submit\",\"path\":\"/a/../b\"}",
        "{\"op\":\"submit\",\"path\":\"/a/\"}",
        "{\"op\":\"submit\",\"path\":\"/a\\u0000b\"}",
        "{\"op\":\"submit\",\"path\":\"/a\",\"packs\":\"x\"}",
        "{\"op\":\"submit\",\"path\":\"/a\",\"packs\":[1]}",
        "{\"op\":\"submit\",\"path\":\"/a\",\"packs\":[\"a\\nb\"]}",
        "{\"op\":\"submit\",\"path\":7}",
        "{\"op\":\"wait\"}",
        "{\"op\":\"cancel\"}",
        "{\"op\":\"cancel\",\"dataset\":\"/a\"}",
        "{\"op\":\"submit\",\"path\":\"/a\",\"priority\":101}",
        "{\"op\":\"submit\",\"path\":\"/a\",\"priority\":-1}",
        "{\"op\":\"submit\",\"path\":\"/a\",\"deadline_ms\":\"5\"}",
        "{\"op\":\"wait\",\"run\":-1}",
        "{\"op\":\"watch\",\"interval_ms\":3600001}",
        "{\"op\":\"watch\",\"dataset\":\"d\"}",
        "{\"op\":\"watch\",\"path\":\"/d\"}",
        "{\"op\":\"wait\",\"run\":1,\"interval_ms\":5}",
        "{\"op\":\"wait\",\"run\":\"1\"}",
        "{\"op\":\"wait\",\"dataset\":\"/a/./b\"}",
        "{\"op\":\"ping\"} trailing",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct assay_request r;
        assert_int_not_equal(parse(lines[i], &r), ASSAY_OK);
        assert_true(strlen(err.message) > 0);
        assay_request_release(&r);
    }
}

static void paths_are_plain(void **state)
{
    (void)state;
    assert_true(assay_path_is_plain("/a"));
    assert_true(assay_path_is_plain("/a/...b/.c"));
    assert_false(assay_path_is_plain("/"));
    assert_false(assay_path_is_plain(""));
    assert_false(assay_path_is_plain("/a//b"));
    assert_false(assay_path_is_plain("/a/."));
    assert_false(assay_path_is_plain("/.."));
}

static void a_failed_run_reads_incomplete(void **state)
{
    (void)state;
    const struct assay_worker_message said = {.records = 12};
    const struct assay_run_progress progress = {.said = &said};
    struct assay_run_record run = {.id = 3,
                                   .state = ASSAY_RUN_FAILED,
                                   .spec = {.path = "/d", .name = "d", .source = "s"},
                                   .reason = "crashed"};
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, 10000);
    assay_reply_run(&out, &run, &progress);
    assert_non_null(strstr(assay_buf_str(&out), "\"state\":\"failed\",\"final\":true,"
                                                "\"verdict\":\"INCOMPLETE\""));
    assert_non_null(strstr(assay_buf_str(&out), "\"records\":12"));
    assert_int_equal(out.ptr[out.len - 1], '\n');
}

static void pace_is_that_of_the_phase(void **state)
{
    (void)state;
    struct assay_worker_message said = {
        .phase = ASSAY_PHASE_READING, .bytes_done = 3000000, .bytes_total = 9000000};
    struct assay_run_progress p = {&said, 1500, 20};
    const struct assay_run_record run = {
        .id = 3, .state = ASSAY_RUN_RUNNING, .spec = {.path = "/d", .name = "d", .source = "s"}};
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, 10000);
    assay_reply_run(&out, &run, &p);
    assert_non_null(strstr(assay_buf_str(&out), "\"phase\":\"reading\""));
    assert_non_null(strstr(assay_buf_str(&out), "\"phase_ms\":1500,\"still_ms\":20,"
                                                "\"bytes_per_second\":2000000,\"eta_ms\":3000"));
    p.phase_ms = 10; /* too early to say */
    assert_true(assay_run_rate(&p) == UINT64_MAX);
    assert_true(assay_run_eta(&p) == UINT64_MAX);
    p.phase_ms = 1500;
    said.bytes_total = 0;
    assert_true(assay_run_eta(&p) == UINT64_MAX);
    said.phase = ASSAY_PHASE_REPORTING; /* no bytes go by */
    assert_true(assay_run_rate(&p) == UINT64_MAX);
    assay_buf_clear(&out);
    assay_reply_run(&out, &run, &p);
    assert_non_null(strstr(assay_buf_str(&out), "\"bytes_per_second\":null,\"eta_ms\":null"));
    p.said = NULL;
    assay_buf_clear(&out);
    assay_reply_run(&out, &run, &p);
    assert_null(strstr(assay_buf_str(&out), "phase"));
}

static void jobs_round_trip(void **state)
{
    (void)state;
    static const char *const packs[] = {"a", "b"};
    struct assay_job job = {.run = 9,
                            .path = "/d\n\"x",
                            .name = "x",
                            .staging = "/s",
                            .cache_dir = "/c",
                            .jobs = 2,
                            .log_format = ASSAY_LOG_JSON,
                            .log_level = ASSAY_LOG_DEBUG,
                            .begun_us = 123456789012,
                            .packs = {packs, 2},
                            .settings = {packs, 1},
                            .suppressions = {packs + 1, 1},
                            .suppressions_keys = {packs, 2}};
    struct assay_job back;
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, 10000);
    memset(job.fingerprint_key, 0xA5, sizeof job.fingerprint_key);
    assert_int_equal(assay_job_encode(&job, &out), ASSAY_OK);
    assert_int_equal(assay_job_decode(assay_buf_bytes(&out), &back, &err), ASSAY_OK);
    assert_int_equal(back.run, 9);
    assert_string_equal(back.path, "/d\n\"x");
    assert_null(back.policy);
    assert_int_equal(back.packs.n, 2);
    assert_int_equal(back.log_format, ASSAY_LOG_JSON);
    assert_int_equal(back.log_level, ASSAY_LOG_DEBUG);
    assert_int_equal(back.begun_us, 123456789012);
    assert_int_equal(back.settings.n, 1);
    assert_string_equal(back.settings.items[0], "a");
    assert_int_equal(back.suppressions.n, 1);
    assert_string_equal(back.suppressions.items[0], "b");
    assert_int_equal(back.suppressions_keys.n, 2);
    assert_memory_equal(back.fingerprint_key, job.fingerprint_key, 32);
    assay_job_release(&back);
    assert_int_not_equal(assay_job_decode(assay_bytes_str("{\"run\":1}"), &back, &err), ASSAY_OK);
    assert_int_not_equal(assay_job_decode(assay_bytes_str("{\"key\":1}"), &back, &err), ASSAY_OK);
}

static void messages_round_trip(void **state)
{
    (void)state;
    struct assay_worker_message m = {
        .type = ASSAY_MESSAGE_ERROR, .status = ASSAY_RULE, .bytes_done = 5, .text = "no \"rule\""};
    struct assay_worker_message back;
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, 10000);
    assert_int_equal(assay_worker_message_encode(&m, &out), ASSAY_OK);
    assert_int_equal(assay_worker_message_decode(assay_buf_bytes(&out), &back, &err), ASSAY_OK);
    assert_int_equal(back.type, ASSAY_MESSAGE_ERROR);
    assert_int_equal(back.status, ASSAY_RULE);
    assert_int_equal(back.bytes_done, 5);
    assert_string_equal(back.text, "no \"rule\"");
    m = (struct assay_worker_message){.type = ASSAY_MESSAGE_PROGRESS, .phase = ASSAY_PHASE_REVIEW};
    assay_buf_clear(&out);
    assert_int_equal(assay_worker_message_encode(&m, &out), ASSAY_OK);
    assert_int_equal(assay_worker_message_decode(assay_buf_bytes(&out), &back, &err), ASSAY_OK);
    assert_int_equal(back.phase, ASSAY_PHASE_REVIEW);
    assert_int_not_equal(
        assay_worker_message_decode(
            assay_bytes_str("{\"type\":\"progress\",\"phase\":\"a secret\"}"), &back, &err),
        ASSAY_OK);
    assert_int_not_equal(
        assay_worker_message_decode(assay_bytes_str("{\"type\":\"progress\"}"), &back, &err),
        ASSAY_OK);
    assert_int_not_equal(assay_worker_message_decode(assay_bytes_str("{}"), &back, &err), ASSAY_OK);
    assert_int_not_equal(assay_worker_message_decode(assay_bytes_str("hello"), &back, &err),
                         ASSAY_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_round_trip),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(paths_are_plain),
        cmocka_unit_test(a_failed_run_reads_incomplete),
        cmocka_unit_test(jobs_round_trip),
        cmocka_unit_test(messages_round_trip),
        cmocka_unit_test(pace_is_that_of_the_phase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
