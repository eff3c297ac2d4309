/* SPDX-License-Identifier: Apache-2.0
 * Redis without a server: addresses, commands, replies, and what a job's fields may be. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/redis/address.h"
#include "daemon/redis/codec.h"
#include "daemon/redis/message.h"

static void addresses_are_read(void **state)
{
    (void)state;
    struct assay_redis_address a;
    assert_int_equal(assay_redis_address_parse("unix:///run/r.sock?db=3", &a, NULL), ASSAY_OK);
    assert_int_equal(a.link, ASSAY_REDIS_UNIX);
    assert_string_equal(a.path, "/run/r.sock");
    assert_int_equal(a.database, 3);
    assert_int_equal(assay_redis_address_parse("redis://me@[::1]:7000/2", &a, NULL), ASSAY_OK);
    assert_int_equal(a.link, ASSAY_REDIS_TCP);
    assert_string_equal(a.user, "me");
    assert_string_equal(a.host, "::1");
    assert_string_equal(a.port, "7000");
    assert_int_equal(a.database, 2);
    assert_int_equal(assay_redis_address_parse("rediss://cache.example", &a, NULL), ASSAY_OK);
    assert_int_equal(a.link, ASSAY_REDIS_TLS);
    assert_string_equal(a.port, "6379");
}

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "http://x",
                                      "redis://",
                                      "redis://:80",
                                      "redis://h:",
                                      "redis://h:0",
                                      "redis://h:70000",
                                      "redis://h/x",
                                      "unix://r",
                                      "unix:///r?user=1",
                                      "redis://h:1?db=2",
                                      "redis://@h",
                                      "redis://[::1"};
    struct assay_redis_address a;
    struct assay_error err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(assay_redis_address_parse(bad[i], &a, &err), ASSAY_CONFIG);
        assert_non_null(strstr(err.message, "unix:///path"));
    }
    assert_int_equal(assay_redis_address_parse("redis://u:s3cret@h", &a, &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "password_file"));
    assert_null(strstr(err.message, "s3cret"));
}

static void commands_are_length_prefixed(void **state)
{
    (void)state;
    struct assay_buf out;
    struct assay_redis_args a = {.n = 0};
    assay_buf_init(&out, 1000);
    assay_redis_argv(&a, "SET", "k", NULL);
    assay_redis_argb(&a, assay_bytes_make("a\r\n\0b", 5));
    assay_redis_argu(&a, 42);
    assert_int_equal(assay_redis_encode(&a, &out, NULL), ASSAY_OK);
    static const char want[] = "*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\n\0b\r\n$2\r\n42\r\n";
    assert_int_equal(out.len, sizeof want - 1);
    assert_memory_equal(out.ptr, want, sizeof want - 1);
    for (size_t i = 0; i < ASSAY_LIMIT_REDIS_ARGS; i++) {
        assay_redis_arg(&a, "x");
    }
    assert_int_equal(assay_redis_encode(&a, &out, NULL), ASSAY_LIMIT);
    assay_buf_release(&out);
}

/* Feeds `text` in pieces of `step`; the number of replies, or -1 after a refusal. */
static int replies_of(const char *text, size_t len, size_t step)
{
    int n = 0;
    redisReply *r;
    struct assay_codec *c = assay_codec_new();
    enum assay_status status = ASSAY_OK;
    assert_non_null(c);
    for (size_t i = 0; i < len && (status == ASSAY_OK || status == ASSAY_END); i += step) {
        status = assay_codec_feed(c, text + i, step < len - i ? step : len - i, NULL);
        while (status == ASSAY_OK && (status = assay_codec_next(c, &r, NULL)) == ASSAY_OK) {
            freeReplyObject(r);
            n++;
        }
    }
    assay_codec_free(c);
    return status == ASSAY_OK || status == ASSAY_END ? n : -1;
}

static void replies_come_in_any_pieces(void **state)
{
    (void)state;
    static const char text[] = "+OK\r\n:7\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n"
                               "*2\r\n$3\r\na\nb\r\n*2\r\n:1\r\n-ERR x\r\n$6\r\n*9\r\n$9\r\n";
    for (size_t step = 1; step < sizeof text; step++) {
        assert_int_equal(replies_of(text, sizeof text - 1, step), 8);
    }
}

static void what_exceeds_the_limits_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "HTTP/1.1 200 OK\r\n",
        "*2147483647\r\n",
        "*65537\r\n",
        "*40000\r\n*40000\r\n",
        "$536870912\r\n",
        "$-2\r\n",
        "*1x\r\n",
        "\r\n",
        "%1\r\n",
        "+bare\n",
        "+led apart\n$1000\r\n*1000\r\n",
        "*111111111111111111111111111111111111111111111111111111111111",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(replies_of(bad[i], strlen(bad[i]), 4096), -1);
        assert_int_equal(replies_of(bad[i], strlen(bad[i]), 1), -1);
    }
    size_t len = ASSAY_LIMIT_REDIS_LINE + 10;
    char *line = malloc(len);
    assert_non_null(line);
    memset(line, '+', len);
    assert_int_equal(replies_of(line, len, len), -1);
    free(line);
}

/* ---- jobs ---------------------------------------------------------------------------------- */

/* One entry with these fields (pairs up to NULL), parsed as it would come. */
static enum assay_status parse(const char *const *fields, struct assay_queue_job *job,
                               struct assay_error *err)
{
    struct assay_buf text;
    redisReply *r = NULL;
    size_t n = 0;
    assay_buf_init(&text, 4 << 20);
    while (fields[n] != NULL) {
        n++;
    }
    assay_buf_addf(&text, "*2\r\n$3\r\n1-0\r\n*%zu\r\n", n);
    for (size_t i = 0; i < n; i++) {
        assay_buf_addf(&text, "$%zu\r\n%s\r\n", strlen(fields[i]), fields[i]);
    }
    struct assay_codec *c = assay_codec_new();
    assert_int_equal(assay_codec_feed(c, text.ptr, text.len, NULL), ASSAY_OK);
    assert_int_equal(assay_codec_next(c, &r, NULL), ASSAY_OK);
    enum assay_status status = assay_queue_job_parse(r, job, err);
    freeReplyObject(r);
    assay_codec_free(c);
    assay_buf_release(&text);
    return status;
}

static void a_job_is_read(void **state)
{
    (void)state;
    struct assay_queue_job job;
    const char *const fields[] = {
        "v",       "1",        "job_id", "01H-a.b:c_d", "uri",      "file:///srv/a%20b/%E4%B8%AD",
        "policy",  "observe",  "packs",  "pii,secrets", "priority", "7",
        "unknown", "kept out", "labels", "{}",          NULL};
    assert_int_equal(parse(fields, &job, NULL), ASSAY_OK);
    assert_string_equal(job.entry, "1-0");
    assert_string_equal(job.id, "01H-a.b:c_d");
    assert_string_equal(job.path, "/srv/a b/\xE4\xB8\xAD");
    assert_string_equal(job.policy, "observe");
    assert_int_equal(job.n_packs, 2);
    assert_string_equal(job.packs[1], "secrets");
    assert_int_equal(job.priority, 7);
    assert_int_equal(strlen(job.request), 64);
    struct assay_buf uri;
    assay_buf_init(&uri, 1000);
    assay_queue_uri(&uri, job.path);
    assert_string_equal(assay_buf_str(&uri), "file:///srv/a%20b/%E4%B8%AD");
    assay_buf_release(&uri);
}

static void a_request_is_what_is_asked_for(void **state)
{
    (void)state;
    struct assay_queue_job a, b;
    const char *one[] = {"v", "1", "job_id", "x", "uri", "file:///srv/a", "priority", "1", NULL};
    const char *two[] = {"v", "1", "job_id", "x", "uri", "file:///srv/b", NULL};
    assert_int_equal(parse(one, &a, NULL), ASSAY_OK);
    one[7] = "9"; /* how urgent is not what */
    assert_int_equal(parse(one, &b, NULL), ASSAY_OK);
    assert_string_equal(a.request, b.request);
    assert_int_equal(parse(two, &b, NULL), ASSAY_OK);
    assert_string_not_equal(a.request, b.request);
}

static void hostile_fields_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *field, *value;
    } bad[] = {
        {"v", "2"},
        {"job_id", ""},
        {"job_id", "a b"},
        {"job_id", "x\r\ny"},
        {"uri", "/srv/a"},
        {"uri", "http://x/y"},
        {"uri", "file://host/x"},
        {"uri", "file:///srv/../etc"},
        {"uri", "file:///srv/%2e%2e/etc"},
        {"uri", "file:///srv/a%00b"},
        {"uri", "file:///srv/a%2"},
        {"uri", "file:///srv/a%zz"},
        {"uri", "file:///srv//a"},
        {"policy", "../p.yaml"},
        {"policy", "/etc/passwd"},
        {"policy", ".hidden"},
        {"packs", "pii,"},
        {"packs", "pii,../x"},
        {"priority", "101"},
        {"priority", "-1"},
        {"deadline_ms", "soon"},
        {"digest", "abc"},
        {"reply_to", "a{b}"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct assay_queue_job job;
        struct assay_error err;
        const char *fields[] = {"v",          "1",          "job_id", "ok", "uri", "file:///srv/a",
                                bad[i].field, bad[i].value, NULL};
        assert_int_equal(parse(fields, &job, &err), ASSAY_SYNTAX);
        assert_non_null(strstr(err.message, bad[i].field));
    }
}

static void a_job_has_bounds(void **state)
{
    (void)state;
    struct assay_queue_job job;
    struct assay_error err;
    const char *many[2 * ASSAY_LIMIT_REDIS_FIELDS + 3] = {NULL};
    for (size_t i = 0; i < 2 * ASSAY_LIMIT_REDIS_FIELDS + 2; i++) {
        many[i] = "f";
    }
    assert_int_equal(parse(many, &job, &err), ASSAY_LIMIT);
    char *large = malloc(ASSAY_LIMIT_REDIS_MESSAGE + 2);
    assert_non_null(large);
    memset(large, 'x', ASSAY_LIMIT_REDIS_MESSAGE + 1);
    large[ASSAY_LIMIT_REDIS_MESSAGE + 1] = '\0';
    const char *const fields[] = {"v", large, NULL};
    assert_int_equal(parse(fields, &job, &err), ASSAY_LIMIT);
    free(large);
}

static void a_path_must_lie_below_a_root(void **state)
{
    (void)state;
    char root[] = "/tmp/assay-roots-XXXXXX";
    char path[200];
    assert_non_null(mkdtemp(root));
    const char *const items[] = {"/nowhere", root};
    const struct assay_config_list roots = {items, 2};
    (void)snprintf(path, sizeof path, "%s/d", root);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(assay_queue_path_allowed(&roots, path, NULL), ASSAY_OK);
    assert_int_equal(assay_queue_path_allowed(&roots, root, NULL), ASSAY_OK);
    (void)snprintf(path, sizeof path, "%sx", root);
    assert_int_equal(assay_queue_path_allowed(&roots, path, NULL), ASSAY_DENIED);
    (void)snprintf(path, sizeof path, "%s/link", root);
    assert_int_equal(symlink("/etc", path), 0);
    assert_int_equal(assay_queue_path_allowed(&roots, path, NULL), ASSAY_DENIED);
    (void)snprintf(path, sizeof path, "%s/link/ssl", root);
    assert_int_equal(assay_queue_path_allowed(&roots, path, NULL), ASSAY_DENIED);
    (void)snprintf(path, sizeof path, "%s/none", root);
    assert_int_equal(assay_queue_path_allowed(&roots, path, NULL), ASSAY_NOTFOUND);
    (void)snprintf(path, sizeof path, "%s/d", root);
    int fd = assay_queue_open(&roots, path, O_RDONLY);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)snprintf(path, sizeof path, "%s/link/ssl", root);
    assert_int_equal(assay_queue_open(&roots, path, O_RDONLY), -1);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(assay_queue_open(&roots, "/etc", O_RDONLY), -1);
    assert_int_equal(errno, EXDEV);
    (void)snprintf(path, sizeof path, "%s/link", root);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/d", root);
    (void)rmdir(path);
    (void)rmdir(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read),
        cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(commands_are_length_prefixed),
        cmocka_unit_test(replies_come_in_any_pieces),
        cmocka_unit_test(what_exceeds_the_limits_is_refused),
        cmocka_unit_test(a_job_is_read),
        cmocka_unit_test(a_request_is_what_is_asked_for),
        cmocka_unit_test(hostile_fields_are_refused_by_name),
        cmocka_unit_test(a_job_has_bounds),
        cmocka_unit_test(a_path_must_lie_below_a_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
