/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/maintain: a scanner's work on what it keeps: who is asked, with which options, what a host
 * without a dataset answers, and what is said when it fails. */
#include "tests/unit/unit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/maintain.h"
#include "engine/plugins.h"

/* ---- a scanner that keeps something --------------------------------------------------------------
 */

static struct {
    unsigned calls;
    enum assay_status status; /* what it answers */
    const char *message;      /* what it says of that; NULL: nothing */
    char shelf[32], tidy[32]; /* its options, as the host said them */
    int cancelled;
} keeper;

static enum assay_status plain_init(const struct assay_host *host, void **ret,
                                    struct assay_error *err)
{
    (void)host;
    (void)err;
    *ret = NULL;
    fail_msg("no audit is run");
    return ASSAY_INTERNAL;
}

static enum assay_status plain_local(const void *shared, void **ret, struct assay_error *err)
{
    (void)shared;
    (void)err;
    *ret = NULL;
    return ASSAY_INTERNAL;
}

static enum assay_status plain_scan(const void *shared, void *local,
                                    const struct assay_scan_input *in, struct assay_sink *sink)
{
    (void)shared;
    (void)local;
    (void)in;
    (void)sink;
    return ASSAY_INTERNAL;
}

static enum assay_status plain_merge(const void *shared, void *into, void *from,
                                     struct assay_error *err)
{
    (void)shared;
    (void)into;
    (void)from;
    (void)err;
    return ASSAY_INTERNAL;
}

static enum assay_status plain_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    (void)shared;
    (void)merged;
    (void)sink;
    return ASSAY_INTERNAL;
}

static const struct assay_rule_decl keeper_rules[] = {
    {"keeper.rule", NULL, ASSAY_SEVERITY_LOW, "Rule", "规则", "x", "x"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static const struct assay_option keeper_options[] = {
    {"shelf", ASSAY_OPT_STRING, 0, 0, NULL, NULL, "where it keeps it"},
    {"tidy", ASSAY_OPT_INT, 1, 9, NULL, "3", "how tidy it is"},
    {NULL, ASSAY_OPT_BOOL, 0, 0, NULL, NULL, NULL},
};

/* There is no dataset, and there are no rules; the rest of the host works as in an audit. */
static void ask_host(const struct assay_host *host)
{
    uint64_t hash[2] = {0, 0};
    char folded[8];
    assert_int_equal(host->rule_count(host->ctx), 0);
    assert_int_equal(host->rule_index(host->ctx, "keeper.rule"), ASSAY_NONE);
    assert_null(host->rule(host->ctx, 0));
    assert_null(host->file_name(host->ctx, 0));
    assert_int_equal(host->find_file(host->ctx, "a", 1), ASSAY_NONE);
    assert_true(host->open_file(host->ctx, 0) < 0);
    host->hash128(host->ctx, "a", 1, 0, hash);
    assert_true(hash[0] != 0 && hash[1] != 0);
    assert_int_equal(host->fold(host->ctx, assay_bytes_str("A"), folded, sizeof folded), 1);
    assert_int_equal(folded[0], 'a');
    assert_true(host->memory_budget(host->ctx) > 0);
    const int fd = host->spill(host->ctx);
    assert_true(fd >= 0);
    (void)close(fd);
    host->log(host->ctx, ASSAY_LOG_INFO, "tidying");
}

static enum assay_status keeper_maintain(const struct assay_host *host, struct assay_error *err)
{
    const char *shelf = host->option(host->ctx, "shelf"), *tidy = host->option(host->ctx, "tidy");
    keeper.calls++;
    (void)snprintf(keeper.shelf, sizeof keeper.shelf, "%s", shelf == NULL ? "(none)" : shelf);
    (void)snprintf(keeper.tidy, sizeof keeper.tidy, "%s", tidy == NULL ? "(none)" : tidy);
    keeper.cancelled = host->cancelled(host->ctx);
    ask_host(host);
    return keeper.message == NULL ? keeper.status
                                  : assay_fail(err, keeper.status, "%s", keeper.message);
}

#define DESCRIPTOR                                                                                 \
    .abi = ASSAY_PLUGIN_ABI, .size = sizeof(struct assay_scanner), .version = "1",                 \
    .license = "Apache-2.0", .summary = "keeps", .init = plain_init, .local_init = plain_local,    \
    .scan = plain_scan, .merge = plain_merge, .finish = plain_finish, .local_free = free,          \
    .free = free

static const struct assay_scanner keeper_scanner = {
    DESCRIPTOR, .name = "keeper", .rules = keeper_rules, .options = keeper_options,
    .maintain = keeper_maintain};
static const struct assay_scanner keeps_nothing = {DESCRIPTOR, .name = "forgetful"};

/* ---- tests -------------------------------------------------------------------------------------
 */

struct logged {
    unsigned lines;
    char module[32], message[32];
};

static void note_log(void *ctx, enum assay_log_level level, const char *module, const char *message)
{
    struct logged *l = ctx;
    (void)level;
    l->lines++;
    (void)snprintf(l->module, sizeof l->module, "%s", module);
    (void)snprintf(l->message, sizeof l->message, "%s", message);
}

static struct assay_plugins *plugins;

static int setup(void **state)
{
    struct assay_error err;
    (void)state;
    memset(&keeper, 0, sizeof keeper);
    plugins = assay_plugins_new();
    return plugins == NULL ||
           assay_plugins_add_scanner(plugins, &keeps_nothing, &err) != ASSAY_OK ||
           assay_plugins_add_scanner(plugins, &keeper_scanner, &err) != ASSAY_OK;
}

static int teardown(void **state)
{
    (void)state;
    assay_plugins_free(plugins);
    return 0;
}

/* Asks `scanner`, with `option` of the scanner keeper when its name is not NULL. */
static enum assay_status ask(const char *scanner, const char *option, const char *value,
                             struct assay_error *err)
{
    const struct assay_plugin_option o = {"keeper", option, value};
    const struct assay_audit_options opt = {
        .plugins = plugins, .plugin_options = &o, .n_plugin_options = option != NULL};
    *err = (struct assay_error){0};
    return assay_scanner_maintain(&opt, scanner, err);
}

static void options_reach_the_scanner(void **state)
{
    (void)state;
    struct assay_error err;
    assert_int_equal(ask("keeper", NULL, NULL, &err), ASSAY_OK);
    assert_string_equal(keeper.shelf, "(none)");
    assert_string_equal(keeper.tidy, "3"); /* the default */
    assert_int_equal(ask("keeper", "shelf", "/srv/shelf", &err), ASSAY_OK);
    assert_string_equal(keeper.shelf, "/srv/shelf");
    assert_int_equal(keeper.calls, 2);
}

static void bad_options_are_refused_before_anything_is_done(void **state)
{
    (void)state;
    struct assay_error err;
    assert_int_equal(ask("keeper", "tidy", "10", &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "tidy"));
    assert_int_equal(ask("keeper", "untidy", "1", &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "untidy"));
    assert_int_equal(keeper.calls, 0);
}

static void who_keeps_nothing_is_not_asked(void **state)
{
    (void)state;
    struct assay_scanner older = keeper_scanner; /* from before there was such a verb */
    struct assay_error err;
    assert_int_equal(ask("nobody", NULL, NULL, &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "'nobody'"));
    assert_int_equal(ask("forgetful", NULL, NULL, &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "'forgetful'"));
    older.name = "older";
    older.size = offsetof(struct assay_scanner, maintain);
    assert_int_equal(assay_plugins_add_scanner(plugins, &older, &err), ASSAY_OK);
    assert_int_equal(ask("older", NULL, NULL, &err), ASSAY_CONFIG);
    assert_int_equal(keeper.calls, 0);
}

static void a_failure_has_a_sentence(void **state)
{
    (void)state;
    struct assay_error err;
    keeper.status = ASSAY_IO;
    assert_int_equal(ask("keeper", NULL, NULL, &err), ASSAY_IO);
    assert_string_equal(err.message, "scanner keeper could not do it"); /* it said nothing */
    keeper.message = "the shelf is full";
    assert_int_equal(ask("keeper", NULL, NULL, &err), ASSAY_IO);
    assert_string_equal(err.message, "the shelf is full");
}

static void it_can_be_cancelled_and_it_logs(void **state)
{
    (void)state;
    atomic_int cancel = 1;
    struct logged logged = {0};
    struct assay_error err;
    const struct assay_audit_options opt = {
        .plugins = plugins, .cancel = &cancel, .log = note_log, .log_ctx = &logged};
    assert_int_equal(assay_scanner_maintain(&opt, "keeper", &err), ASSAY_OK);
    assert_true(keeper.cancelled);
    assert_int_equal(logged.lines, 1);
    assert_string_equal(logged.module, "keeper");
    assert_string_equal(logged.message, "tidying");
    atomic_store(&cancel, 0);
    assert_int_equal(assay_scanner_maintain(&opt, "keeper", &err), ASSAY_OK);
    assert_false(keeper.cancelled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(options_reach_the_scanner, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_options_are_refused_before_anything_is_done, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_keeps_nothing_is_not_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_has_a_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(it_can_be_cancelled_and_it_logs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
