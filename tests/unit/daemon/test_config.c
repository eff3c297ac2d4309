/* SPDX-License-Identifier: Apache-2.0
 * Configuration: defaults, strict keys, all errors at once; and the manual page knows every key. */
#include "tests/unit/unit.h"
#include "tests/unit/diags.h"

#include <stdio.h>

#include "core/fs.h"
#include "core/limits.h"
#include "daemon/config.h"
#include "daemon/source.h"

static struct assay_config *parse(const char *text)
{
    return assay_config_parse(assay_bytes_str(text), "c.yaml", diags);
}

static const char *errors_of(const char *text)
{
    assert_null(parse(text));
    return diags_text();
}

static void defaults(void **state)
{
    (void)state;
    struct assay_config *c = parse("version: 1\nstate_dir: /s\n");
    assert_non_null(c);
    assert_string_equal(c->cache_dir, "/s/cache");
    assert_string_equal(c->reports_dir, "/s/reports");
    assert_string_equal(c->key_file, "/s/keys/signing.pem");
    assert_string_equal(c->fingerprint_file, "/s/keys/fingerprint.key");
    assert_string_equal(c->control_socket, ASSAY_RUNDIR "/control.sock");
    assert_null(c->passphrase_file);
    assert_int_equal(c->workers, 1);
    assert_int_equal(c->retries, 2);
    assert_int_equal(c->drain_ms, 60000);
    assert_int_equal(c->worker_memory, ASSAY_MIB(4096));
    assert_int_equal(c->log_level, ASSAY_LOG_INFO);
    assert_int_equal(c->formats.n, 3);
    assert_int_equal(c->n_sources, 0);
    assert_int_equal(c->retention.reports_keep | c->retention.reports_age_ms, 0);
    assert_int_equal(c->retention.runs_keep | c->retention.runs_age_ms, 0);
    assert_int_equal(c->retention.interval_ms, 3600000);
    assay_config_free(c);
}

static void retention_is_read(void **state)
{
    (void)state;
    struct assay_config *c =
        parse("version: 1\nstate_dir: /s\nretention:\n  reports_keep: 3\n  reports_age: 90d\n"
              "  runs_keep: 3\n  runs_age: 730d\n  interval: 10m\n");
    assert_non_null(c);
    assert_int_equal(c->retention.reports_keep, 3);
    assert_true(c->retention.reports_age_ms == UINT64_C(90) * 86400000);
    assert_int_equal(c->retention.runs_keep, 3);
    assert_true(c->retention.runs_age_ms == UINT64_C(730) * 86400000);
    assert_int_equal(c->retention.interval_ms, 600000);
    assay_config_free(c);
    const char *text = errors_of("version: 1\nretention: {runs_keep: 2, reports_keep: 3,\n"
                                 "  runs_age: 5d}\n");
    assert_non_null(strstr(text, "c.yaml:2:24"));
    assert_non_null(strstr(text, "runs_keep needs reports_keep"));
    assert_non_null(strstr(text, "c.yaml:3:13"));
    assert_non_null(strstr(text, "runs_age needs reports_age"));
}

static void sources_are_read(void **state)
{
    (void)state;
    struct assay_config *c = parse("version: 1\nstate_dir: /s\nreports: {dir: /r, formats: [csv]}\n"
                                   "log: {format: json, level: debug}\n"
                                   "submit: {suppressions: [/s], suppressions_keys: [/t]}\n"
                                   "sources:\n"
                                   "  - {kind: directory, path: /in/a/, settle: 250ms}\n"
                                   "  - kind: directory\n    path: /in/b\n    name: bee\n"
                                   "    ready: marker\n    marker: DONE\n    dataset: self\n"
                                   "    policy: observe\n    packs: [pii, /p]\n"
                                   "    settings: [duplicates.near=true]\n"
                                   "    suppressions: [/l]\n    suppressions_keys: [/k, /m]\n"
                                   "  - {kind: directory, path: /in/c, ready: [manifest, settle],\n"
                                   "     manifest: LIST, watch: poll, poll: 3s}\n");
    assert_non_null(c);
    assert_int_equal(c->n_sources, 3);
    assert_string_equal(c->sources[0].name, "a");
    assert_int_equal(c->sources[0].settle_ms, 250);
    assert_int_equal(c->sources[0].ready, ASSAY_READY_SETTLE);
    assert_string_equal(c->sources[0].marker, "_READY");
    assert_string_equal(c->sources[1].name, "bee");
    assert_int_equal(c->sources[1].ready, ASSAY_READY_MARKER);
    assert_int_equal(c->sources[1].dataset, ASSAY_DATASET_SELF);
    assert_int_equal(c->sources[1].packs.n, 2);
    assert_string_equal(c->sources[1].packs.items[1], "/p");
    assert_string_equal(c->sources[1].settings.items[0], "duplicates.near=true");
    assert_string_equal(c->sources[1].suppressions.items[0], "/l");
    assert_int_equal(c->sources[1].suppressions_keys.n, 2);
    assert_int_equal(c->sources[0].suppressions.n + c->sources[0].settings.n, 0);
    assert_string_equal(c->submit.name, "submit");
    assert_string_equal(c->submit.suppressions.items[0], "/s");
    assert_string_equal(c->submit.suppressions_keys.items[0], "/t");
    assert_ptr_equal(assay_config_party(c, 2), &c->sources[2]);
    assert_ptr_equal(assay_config_party(c, 3), &c->submit);
    assert_int_equal(c->sources[2].ready, ASSAY_READY_SETTLE | ASSAY_READY_MANIFEST);
    assert_string_equal(c->sources[2].manifest, "LIST");
    assert_int_equal(c->sources[2].watch, ASSAY_WATCH_POLL);
    assert_int_equal(c->sources[2].poll_ms, 3000);
    assert_int_equal(c->sources[2].settle_max_ms, 3600000);
    assert_int_equal(c->log_format, ASSAY_LOG_JSON);
    assert_int_equal(c->log_level, ASSAY_LOG_DEBUG);
    assay_config_free(c);
}

static void errors_come_together_with_places(void **state)
{
    (void)state;
    const char *all =
        errors_of("version: 2\nstate_dir: relative\nworker: {stal: 1s, memory: lots}\n"
                  "reports: {formats: [pdf]}\nsources:\n  - {kind: directry, path: /x}\n"
                  "  - {path: /y}\n");
    assert_non_null(strstr(all, "c.yaml:1:10: error: option version: 2 is out of range"));
    assert_non_null(strstr(all, "c.yaml:2:12: error: state_dir must be an absolute path"));
    assert_non_null(
        strstr(all, "c.yaml:3:10: error: unknown worker key 'stal', did you mean 'stall'?"));
    assert_non_null(strstr(all, "c.yaml:3:28: error: option memory: 'lots' is not a size"));
    assert_non_null(strstr(all, "c.yaml:4:21: error: unknown format 'pdf'"));
    assert_non_null(strstr(all, "did you mean 'directory'?"));
    assert_non_null(strstr(all, "c.yaml:7:5: error: kind is missing"));
}

static void names_of_sources_tell_them_apart(void **state)
{
    (void)state;
    const char *all = errors_of("version: 1\nsources:\n  - {kind: directory, path: /a/in}\n"
                                "  - {kind: directory, path: /b/in}\n"
                                "  - {kind: directory, path: /c/submit}\n"
                                "  - {kind: directory, path: /d/submit, name: other}\n");
    assert_non_null(strstr(all, "c.yaml:4:5: error: two sources are named 'in': set name"));
    assert_non_null(strstr(all, "c.yaml:5:5: error: no source can be named 'submit'"));
    assert_null(strstr(all, "c.yaml:6"));
}

static void a_list_of_accepted_groups_comes_with_keys(void **state)
{
    static const struct {
        const char *keys, *says;
    } wrong[] = {
        {"suppressions: [/l]", "given together"},
        {"suppressions_keys: [/k]", "given together"},
        {"suppressions: [l], suppressions_keys: [/k]", "must be absolute paths"},
        {"suppressions: [/l], suppressions_keys: [k]", "must be absolute paths"},
        {"suppressions: /l, suppressions_keys: [/k]", "must be a list"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[200];
        diags_again();
        (void)snprintf(text, sizeof text,
                       "version: 1\nsources: [{kind: directory, path: /d, %s}]\n", wrong[i].keys);
        assert_non_null(strstr(errors_of(text), wrong[i].says));
    }
}

static void what_is_watched_and_written_stays_apart(void **state)
{
    (void)state;
    static const char *const paths[] = {"/s", "/s/reports", "/s/keys/x", "/", "/s/reports/deep"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char text[200];
        diags_again();
        (void)snprintf(text, sizeof text,
                       "version: 1\nstate_dir: /s\nsources: [{kind: directory, path: %s}]\n",
                       paths[i]);
        assert_non_null(strstr(errors_of(text), "overlap"));
    }
    struct assay_config *c = NULL;
    diags_again();
    c = parse("version: 1\nstate_dir: /s\nsources: [{kind: directory, path: /srv}]\n");
    assert_non_null(c);
    assay_config_free(c);
}

static void odd_documents_are_refused(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "",
        "[]\n",
        "x\n",
        "version: 1\nsources: {}\n",
        "version: 1\nsources: [x]\n",
        "version: 1\nworker: 3\n",
        "version: [1]\n",
        "version: 1\ncontrol: {socket: ''}\n",
        "version: 1\nsources:\n  - {kind: directory, path: /a, marker: a/b}\n",
        "version: 1\nsources:\n  - {kind: directory, path: /a, manifest: a/b}\n",
        "version: 1\nsources:\n  - {kind: directory, path: /a, ready: []}\n",
        "version: 1\nsources:\n  - {kind: directory, path: /a, ready: [settle, mark]}\n",
        "version: 1\nsources:\n  - {kind: directory, path: /a, ready: [[settle]]}\n",
        "version: 1\nsources:\n  - {kind: directory, path: /a, ready: rename, dataset: self}\n",
        "version: 1\nsources:\n  - {kind: directory, path: /a, settle: 10s, settle_max: 1s}\n",
        "version: 1\nstate_dir: ''\nsources: [{kind: directory, path: /a}]\n",
        "version: 1\nsources: [{kind: directory, path: /a}, {kind: directory, path: /b/a}]\n"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        diags_again();
        assert_true(strlen(errors_of(odd[i])) > 0);
    }
}

/* The table is the single source: each of its keys has an entry in the manual page. */
static void the_manual_has_every_key(void **state)
{
    (void)state;
    char path[4096];
    const char *top = getenv("ASSAY_SRCDIR");
    ASSAY_AUTO_BUF page;
    assay_buf_init(&page, ASSAY_MIB(1));
    (void)snprintf(path, sizeof path, "%s/docs/assayd.yaml.5", top == NULL ? "." : top);
    assert_int_equal(assay_fs_read_file(path, ASSAY_MIB(1), &page, NULL), ASSAY_OK);
    for (const struct assay_config_key *k = assay_config_keys; k->option.name != NULL; k++) {
        char entry[100];
        char section[100];
        (void)snprintf(section, sizeof section, ".Ss %s\n",
                       k->section[0] == '\0' ? "Top level" : k->section);
        (void)snprintf(entry, sizeof entry, ".It Ic %s\n", k->option.name);
        const char *in = strstr(assay_buf_str(&page), section);
        assert_non_null(in);
        const char *at = strstr(in, entry);
        const char *next = strstr(in + 1, ".Ss ");
        if (at == NULL || (next != NULL && at > next)) {
            fail_msg("docs/assayd.yaml.5 lacks %s in %s", k->option.name, section);
        }
    }
}

static void the_example_is_valid(void **state)
{
    (void)state;
    char path[4096];
    const char *top = getenv("ASSAY_SRCDIR");
    (void)snprintf(path, sizeof path, "%s/dist/assayd.yaml", top == NULL ? "." : top);
    struct assay_config *c = assay_config_load(path, diags);
    assert_non_null(c);
    assay_config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults, diags_setup, diags_teardown),
        cmocka_unit_test_setup_teardown(sources_are_read, diags_setup, diags_teardown),
        cmocka_unit_test_setup_teardown(errors_come_together_with_places, diags_setup,
                                        diags_teardown),
        cmocka_unit_test_setup_teardown(names_of_sources_tell_them_apart, diags_setup,
                                        diags_teardown),
        cmocka_unit_test_setup_teardown(a_list_of_accepted_groups_comes_with_keys, diags_setup,
                                        diags_teardown),
        cmocka_unit_test_setup_teardown(what_is_watched_and_written_stays_apart, diags_setup,
                                        diags_teardown),
        cmocka_unit_test_setup_teardown(odd_documents_are_refused, diags_setup, diags_teardown),
        cmocka_unit_test_setup_teardown(retention_is_read, diags_setup, diags_teardown),
        cmocka_unit_test_setup_teardown(the_manual_has_every_key, diags_setup, diags_teardown),
        cmocka_unit_test_setup_teardown(the_example_is_valid, diags_setup, diags_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
