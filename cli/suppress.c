/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/suppress.c: `assay suppress new|show`: lists of groups of duplicates that somebody accepts.
 */
#include "reports/suppressions.h"

#include <stdlib.h>

#include "cli/accepted.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/utf8.h"
#include "reports/envelope.h"

/* ---- new ------------------------------------------------------------------------------------ */

static int check_new(const struct cli_args *args)
{
    static const char *const needed[] = {"out", "accept", "owner", "reason"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!cli_given(args, needed[i])) {
            return cli_usage(args, "--%s is missing", needed[i]);
        }
    }
    return 0;
}

/* The payload: every group with the same owner, reason and date. */
static enum assay_status write_payload(const struct cli_args *args, struct assay_buf *out,
                                       struct assay_error *err)
{
    size_t n;
    const char *const *groups = cli_values(args, "accept", &n);
    struct assay_acceptance *rows = assay_alloc_array(n, sizeof *rows);
    if (rows == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct assay_acceptance){groups[i], cli_value(args, "owner"),
                                            cli_value(args, "reason"), cli_value(args, "expires")};
    }
    enum assay_status s = assay_suppressions_write(rows, n, out, err);
    free(rows);
    return s;
}

static enum assay_status write_list(const struct cli_args *args, struct assay_bytes payload,
                                    struct assay_key *key, struct assay_error *err)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_LIMIT_JSON_DOCUMENT);
    enum assay_status s =
        assay_envelope_sign_type(ASSAY_SUPPRESSIONS_TYPE, payload, &key, 1, &text, err);
    return s == ASSAY_OK
               ? assay_fs_write_file(cli_value(args, "out"), text.ptr, text.len, 0644, err)
               : s;
}

static int run_new(const struct cli_args *args)
{
    struct assay_error err = {0};
    struct assay_key *key = NULL;
    ASSAY_AUTO_BUF payload;
    assay_buf_init(&payload, ASSAY_LIMIT_JSON_DOCUMENT / 2);
    int code = check_new(args);
    if (code == 0 && write_payload(args, &payload, &err) != ASSAY_OK) {
        (void)cli_fail(&err);
        code = 2;
    }
    code = code != 0 ? code : cli_signing_key(args, &key);
    if (code == 0 && write_list(args, assay_buf_bytes(&payload), key, &err) != ASSAY_OK) {
        code = cli_fail(&err);
    }
    if (code == 0) {
        size_t n;
        (void)cli_values(args, "accept", &n);
        cli_note(args, "%zu group%s accepted in %s, signed with %s", n, n == 1 ? "" : "s",
                 cli_value(args, "out"), assay_key_id(key));
    }
    assay_key_free(key);
    return code;
}

/* ---- show ----------------------------------------------------------------------------------- */

static void print_row(const struct assay_acceptance *a)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, (size_t)16 * ASSAY_LIMIT_ACCEPTED_TEXT);
    assay_utf8_escape(&text, assay_bytes_str(a->owner));
    assay_buf_adds(&text, "  ");
    assay_utf8_escape(&text, assay_bytes_str(a->reason));
    (void)printf("%-44s  %-10s%s  %s\n", a->group, a->expires == NULL ? "-" : a->expires,
                 assay_acceptance_expired(a, assay_wall_ms()) ? " (expired)" : "",
                 assay_buf_str(&text));
}

static int run_show(const struct cli_args *args)
{
    struct assay_error err = {0};
    struct cli_keys keys = {0};
    struct assay_suppressions *s = NULL;
    int code = cli_given(args, "key")
                   ? cli_keys_load(args, "key", NULL, &keys)
                   : cli_usage(args, "--key PUB is missing: a list says nothing before its "
                                     "signature was verified");
    if (code == 0 &&
        assay_suppressions_load(cli_operand(args, 0), keys.items, keys.n, &s, &err) != ASSAY_OK) {
        code = cli_fail(&err);
        code = err.status == ASSAY_CORRUPT ? 2 : code; /* it is no list: the wrong file */
    }
    if (code == 0) {
        (void)printf("%-44s  %-10s  %s\n", "group", "until", "owner  reason");
    }
    for (size_t i = 0; code == 0 && i < assay_suppressions_count(s); i++) {
        const struct assay_acceptance a = assay_suppressions_get(s, i);
        print_row(&a);
    }
    if (code == 0) {
        (void)printf("%zu accepted  %s\n", assay_suppressions_count(s),
                     assay_suppressions_digest(s));
    }
    assay_suppressions_free(s);
    cli_keys_release(&keys);
    return code;
}

/* ---- the commands --------------------------------------------------------------------------- */

static const struct cli_option new_options[] = {
    {"out", 'o', "LIST", NULL, "write the signed list to LIST", 0},
    {"accept", 'a', "GROUP", NULL, "accept this group, as its finding names it", 1},
    {"owner", 0, "NAME", NULL, "who answers for it", 0},
    {"reason", 0, "TEXT", NULL, "why it is accepted", 0},
    {"expires", 0, "DATE", NULL, "last day it holds, YYYY-MM-DD in UTC; default: no end", 0},
    CLI_KEY_OPTION,
    CLI_PASSPHRASE_OPTION,
    CLI_NO_OPTION,
};
static const struct cli_option show_options[] = {
    {"key", 0, "PUB", NULL, "public key (PEM) that must have signed the list", 1},
    CLI_NO_OPTION,
};

static const char *const new_examples[] = {
    "assay scan ./delivery --set duplicates.group_digests=true --format jsonl",
    "see the groups; the detail of each finding ends with its name",
    "assay suppress new --out accepted.json --accept near:GROUP --owner 'A. Lee' "
    "--reason 'licence text'",
    "accept one, and sign for it",
    "assay scan ./delivery --suppressions accepted.json --suppressions-key lee.pub",
    "audit, with that group set aside",
    NULL,
};
static const char *const show_examples[] = {
    "assay suppress show accepted.json --key lee.pub",
    "what is accepted, by whom, why, and until when",
    NULL,
};

const struct cli_command cli_suppress_new = {
    .name = "suppress new",
    .summary = "accept groups of duplicates, in a signed list",
    .operands = "",
    .options = new_options,
    .examples = new_examples,
    .notes = "A group is named by its kind (file:, record:, normalised:, near:, answers:, "
             "preference:, delivered:, span:, contamination:, image:) and 32 digits, a digest of "
             "what is "
             "in it: it is the same in the next delivery, wherever the copies are. Accepted groups "
             "are no findings and do not count in ratios; the metrics duplicates.accepted_* say "
             "how many there were.",
    .run = run_new,
};
const struct cli_command cli_suppress_show = {
    .name = "suppress show",
    .summary = "print a signed list of accepted groups",
    .operands = "LIST",
    .min_operands = 1,
    .max_operands = 1,
    .options = show_options,
    .examples = show_examples,
    .notes = "Exit code 0: signed by a key that was given, and well formed. Entries that have "
             "expired are marked; an audit refuses a list that has any.",
    .run = run_show,
};
