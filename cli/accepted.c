/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/accepted.h"

#include "cli/setup.h"
#include "cli/term.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/status.h"
#include "reports/suppressions.h"

/* What is wrong with a list is wrong with the set-up, whatever else its code would mean. */
static int list_error(const struct assay_error *err)
{
    (void)fputs("assay: suppressions: ", stderr);
    char line[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX + 32];
    assay_error_format(err, line, sizeof line);
    (void)fprintf(stderr, "%s\n", line);
    return 2;
}

static void add_list(struct cli_accepted *a, const struct assay_suppressions *s)
{
    assay_buf_addf(&a->lists, "%s%s", a->lists.len == 0 ? "" : ",", assay_suppressions_digest(s));
    for (size_t i = 0; i < assay_suppressions_count(s); i++) {
        assay_buf_addf(&a->digests, "%s%s", a->digests.len == 0 ? "" : ",",
                       assay_group_digits(assay_suppressions_get(s, i).group));
    }
}

static enum assay_status load_list(struct cli_accepted *a, const char *path,
                                   const struct cli_keys *keys, struct assay_error *err)
{
    struct assay_suppressions *s = NULL;
    enum assay_status status = assay_suppressions_load(path, keys->items, keys->n, &s, err);
    if (status == ASSAY_OK) {
        status = assay_suppressions_check(s, assay_wall_ms(), err);
        if (status != ASSAY_OK) {
            (void)assay_error_at(err, path, 0, 0);
        }
    }
    if (status == ASSAY_OK) {
        add_list(a, s);
    }
    assay_suppressions_free(s);
    return status;
}

static int load_lists(struct cli_accepted *a, const char *const *paths, size_t n,
                      const struct cli_keys *keys)
{
    struct assay_error err = {0};
    for (size_t i = 0; i < n; i++) {
        if (load_list(a, paths[i], keys, &err) != ASSAY_OK) {
            return list_error(&err);
        }
    }
    if (assay_buf_status(&a->digests) != ASSAY_OK || assay_buf_status(&a->lists) != ASSAY_OK) {
        (void)assay_fail(&err, ASSAY_LIMIT, "the lists have more than %d entries together",
                         ASSAY_LIMIT_ACCEPTED);
        return list_error(&err);
    }
    return 0;
}

int cli_accepted_load(const struct cli_args *args, struct cli_accepted *a)
{
    size_t n, n_keys;
    struct cli_keys keys = {0};
    const char *const *paths = cli_values(args, "suppressions", &n);
    (void)cli_values(args, "suppressions-key", &n_keys);
    if ((n == 0) != (n_keys == 0)) {
        return cli_usage(args, "--suppressions LIST and --suppressions-key PUB are given together: "
                               "a list counts only if it is signed");
    }
    if (n > ASSAY_LIMIT_ACCEPTED_LISTS) {
        return cli_usage(args, "--suppressions: more than %d lists", ASSAY_LIMIT_ACCEPTED_LISTS);
    }
    a->given = n > 0;
    assay_buf_init(&a->digests, (size_t)33 * ASSAY_LIMIT_ACCEPTED);
    assay_buf_init(&a->lists, (size_t)80 * ASSAY_LIMIT_ACCEPTED_LISTS);
    int code = n == 0 ? 0 : cli_keys_load(args, "suppressions-key", NULL, &keys);
    code = code != 0 ? code : load_lists(a, paths, n, &keys);
    cli_keys_release(&keys);
    return code;
}

int cli_accepted_set(struct cli_accepted *a, struct cli_settings *s)
{
    if (!a->given) {
        return 0;
    }
    int code = cli_set(s, "duplicates", "accepted", assay_buf_str(&a->digests));
    return code != 0 ? code : cli_set(s, "duplicates", "accepted_lists", assay_buf_str(&a->lists));
}

void cli_accepted_release(struct cli_accepted *a)
{
    assay_buf_release(&a->digests);
    assay_buf_release(&a->lists);
}
