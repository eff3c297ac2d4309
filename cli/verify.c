/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/verify.c: `assay verify`: is this report genuine, and is it about these bytes?
 */
#include "reports/verify.h"

#include <limits.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/setup.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/utf8.h"

/* Without --key the user's own key is the only one trusted; the report's signer.pub never is. */
static int load_keys(const struct cli_args *args, struct cli_keys *keys)
{
    char home[PATH_MAX];
    char own[PATH_MAX + 32];
    if (assay_fs_home(ASSAY_HOME_CONFIG, home, sizeof home, NULL) != ASSAY_OK) {
        home[0] = '\0';
    }
    (void)snprintf(own, sizeof own, "%s/keys/default.pem.pub", home);
    if (!cli_given(args, "key") && access(own, R_OK) != 0) {
        return cli_error(
            "no key to verify with: give --key PUB, the signer's public key, obtained from "
            "someone you trust (not the signer.pub beside the report)");
    }
    return cli_keys_load(args, "key", own, keys);
}

static void report_check(void *ctx, enum assay_check check, int ok, const char *subject,
                         const char *message)
{
    const struct cli_args *args = ctx;
    if (ok && cli_given(args, "quiet")) {
        return;
    }
    ASSAY_AUTO_BUF name;
    assay_buf_init(&name, (size_t)1 << 16);
    if (subject != NULL) {
        assay_buf_adds(&name, " ");
        assay_utf8_escape(&name, assay_bytes_str(subject));
    }
    (void)fprintf(ok ? stdout : stderr, "%s  %-15s%s%s%s\n", ok ? "ok  " : "FAIL",
                  assay_check_name(check), assay_buf_str(&name), message != NULL ? "  " : "",
                  message != NULL ? message : "");
}

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    unsigned percent = total > 0 ? (unsigned)(done * 100 / total) : 0;
    (void)fprintf(stderr, "\r\033[Kverifying %u%%  %llu/%llu MB", percent,
                  (unsigned long long)(done / 1000000), (unsigned long long)(total / 1000000));
    (void)fflush(stderr);
}

static int summarise(const struct cli_args *args, enum assay_status status,
                     const struct assay_verify_result *r, const struct assay_error *err)
{
    if (status == ASSAY_MISMATCH) {
        (void)fprintf(stderr, "NOT VERIFIED: %llu check%s failed\n",
                      (unsigned long long)r->failures, r->failures == 1 ? "" : "s");
        return 5;
    }
    if (status != ASSAY_OK) {
        return cli_fail(err);
    }
    if (!cli_given(args, "no-data")) {
        (void)printf("VERIFIED  verdict %s  %llu files  %llu bytes  dataset sha256:%s\n",
                     r->verdict, (unsigned long long)r->files, (unsigned long long)r->bytes,
                     r->manifest_sha256);
    } else {
        (void)printf("SIGNATURE VERIFIED, DATA NOT LOOKED AT  verdict %s  dataset sha256:%s\n",
                     r->verdict, r->manifest_sha256);
    }
    return 0;
}

static int check_usage(const struct cli_args *args)
{
    if (cli_given(args, "dataset") == cli_given(args, "no-data")) {
        return cli_usage(args, "give either --dataset DIR (check the data too) or --no-data "
                               "(signature and manifest only)");
    }
    return 0;
}

static int run_verify(const struct cli_args *args)
{
    struct cli_keys keys = {0};
    int64_t jobs = 0, threshold = 0;
    struct assay_verify_result result = {0};
    struct assay_error err = {0};
    struct assay_verify_options opt = {
        .envelope = cli_operand(args, 0),
        .manifest = cli_value(args, "manifest"),
        .dataset = cli_value(args, "dataset"),
        .report = report_check,
        .report_ctx = (void *)(uintptr_t)args,
        .progress = cli_progress_wanted(args) ? show_progress : NULL,
    };
    int code = check_usage(args);
    code = code != 0 ? code : cli_number(args, "jobs", 0, ASSAY_LIMIT_JOBS, &jobs);
    code = code != 0 ? code : cli_number(args, "threshold", 1, ASSAY_LIMIT_SIGNATURES, &threshold);
    code = code != 0 ? code : load_keys(args, &keys);
    if (code == 0) {
        opt.jobs = (unsigned)jobs;
        opt.threshold = (unsigned)threshold;
        opt.keys = keys.items;
        opt.n_keys = keys.n;
        enum assay_status status = assay_verify(&opt, &result, &err);
        if (opt.progress != NULL) {
            cli_progress_end();
        }
        code = summarise(args, status, &result, &err);
    }
    cli_keys_release(&keys);
    return code;
}

static const struct cli_option options[] = {
    {"dataset", 0, "PATH", NULL, "the data the report is about", 0},
    {"no-data", 0, NULL, NULL, "check signature and manifest only", 0},
    {"key", 0, "PUB", NULL, "public key (PEM) of a signer you trust; default: your own", 1},
    {"threshold", 0, "N", NULL, "how many different trusted keys must have signed; default: 1", 0},
    {"manifest", 0, "FILE", NULL, "the manifest; default: MANIFEST.sha256 beside the envelope", 0},
    CLI_JOBS_OPTION,
    CLI_QUIET_OPTION,
    CLI_NO_OPTION,
};

static const char *const examples[] = {
    "assay verify report/statement.dsse.json --dataset ./delivery --key vendor.pub",
    "check signature, manifest and every byte of the data",
    "assay verify report/statement.dsse.json --no-data --key vendor.pub",
    "check the signature and the manifest only",
    NULL,
};

const struct cli_command cli_verify = {
    .name = "verify",
    .summary = "check a report's signature, manifest and data",
    .operands = "ENVELOPE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .examples = examples,
    .notes =
        "Exit code 0: everything holds. 5: a check failed; each failure is named. The data must be "
        "exactly the tree that was audited: missing, extra and changed files are all failures.",
    .run = run_verify,
};
