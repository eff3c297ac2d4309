/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/key.c: `assay key new|show|export`.
 */
#include "reports/keys.h"

#include <limits.h>
#include <string.h>

#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "core/fs.h"

static int default_path(char *out, size_t cap)
{
    struct assay_error err = {0};
    char home[PATH_MAX];
    if (assay_fs_home(ASSAY_HOME_CONFIG, home, sizeof home, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    int n = snprintf(out, cap, "%s/keys", home);
    if (n < 0 || (size_t)n + 16 > cap || assay_fs_mkdirs(out, 0700, &err) != ASSAY_OK) {
        return err.status != ASSAY_OK ? cli_fail(&err) : 3;
    }
    (void)snprintf(out + n, cap - (size_t)n, "/default.pem");
    return 0;
}

static int ask_twice(const struct cli_args *args, const char *path, char *buf, size_t cap,
                     int *ret_n)
{
    char again[512];
    struct assay_passphrase pass = cli_passphrase(args);
    *ret_n = pass.ask(pass.ctx, path, buf, cap);
    if (*ret_n <= 0) {
        return cli_error("no passphrase: give --passphrase-file FILE or a terminal");
    }
    if (cli_given(args, "passphrase-file")) {
        return 0;
    }
    int m = pass.ask(pass.ctx, "the same key again", again, sizeof again);
    int same = m == *ret_n && memcmp(buf, again, (size_t)m) == 0;
    explicit_bzero(again, sizeof again);
    if (!same) {
        return cli_error("the two passphrases differ; no key was made");
    }
    return 0;
}

static int save_new(const struct cli_args *args, struct assay_key *key, const char *path)
{
    struct assay_error err = {0};
    char secret[512];
    int n = 0;
    const int encrypt = cli_given(args, "encrypt") || cli_given(args, "passphrase-file");
    int code = encrypt ? ask_twice(args, path, secret, sizeof secret, &n) : 0;
    if (code == 0 &&
        assay_key_save(key, path, assay_bytes_make(secret, (size_t)n), &err) != ASSAY_OK) {
        code = cli_fail(&err);
    }
    explicit_bzero(secret, sizeof secret);
    if (code == 0) {
        (void)printf("%s  %s  %s\npublic half: %s.pub\n", assay_key_type_name(assay_key_type(key)),
                     assay_key_id(key), path, path);
    }
    return code;
}

static int run_new(const struct cli_args *args)
{
    char own[PATH_MAX];
    const char *path = cli_operand(args, 0);
    if (path == NULL) {
        int code = default_path(own, sizeof own);
        if (code != 0) {
            return code;
        }
        path = own;
    }
    const char *type = cli_value(args, "type");
    struct assay_error err = {0};
    struct assay_key *key = NULL;
    enum assay_key_type kind =
        type != NULL && strcmp(type, "ecdsa-p256") == 0 ? ASSAY_KEY_P256 : ASSAY_KEY_ED25519;
    if (assay_key_generate(kind, &key, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    int code = save_new(args, key, path);
    assay_key_free(key);
    return code;
}

/* The key named by the operand, or the default one: its public half is enough. */
static int load_named(const struct cli_args *args, struct assay_key **ret, char *path, size_t cap)
{
    struct assay_error err = {0};
    if (cli_operand(args, 0) != NULL) {
        (void)snprintf(path, cap, "%s", cli_operand(args, 0));
    } else {
        int code = default_path(path, cap);
        if (code != 0) {
            return code;
        }
        (void)snprintf(path + strlen(path), cap - strlen(path), ".pub");
    }
    if (assay_key_load_public(path, ret, &err) == ASSAY_OK) {
        return 0;
    }
    struct assay_error ignored = {0};
    struct assay_passphrase pass = cli_passphrase(args);
    if (err.status != ASSAY_NOTFOUND &&
        assay_key_load_private(path, &pass, ret, &ignored) == ASSAY_OK) {
        return 0;
    }
    return cli_fail(&err);
}

static int run_show(const struct cli_args *args)
{
    char path[PATH_MAX];
    struct assay_key *key = NULL;
    int code = load_named(args, &key, path, sizeof path);
    if (code == 0) {
        (void)printf("%s  %s  %s\n", assay_key_type_name(assay_key_type(key)), assay_key_id(key),
                     path);
    }
    assay_key_free(key);
    return code;
}

static int run_export(const struct cli_args *args)
{
    char path[PATH_MAX];
    struct assay_key *key = NULL;
    struct assay_error err = {0};
    ASSAY_AUTO_BUF pem;
    assay_buf_init(&pem, (size_t)1 << 16);
    int code = load_named(args, &key, path, sizeof path);
    if (code == 0 && assay_key_public_pem(key, &pem) != ASSAY_OK) {
        (void)assay_fail(&err, ASSAY_CRYPTO, "cannot write the public key as PEM");
        code = cli_fail(&err);
    }
    if (code == 0 && fwrite(pem.ptr, 1, pem.len, stdout) != pem.len) {
        code = 3;
    }
    assay_key_free(key);
    return code;
}

static const struct cli_option new_options[] = {
    {"type", 0, "TYPE", "ed25519|ecdsa-p256", "kind of key; default: ed25519", 0},
    {"encrypt", 0, NULL, NULL,
     "encrypt the private key with a passphrase (--passphrase-file says so too)", 0},
    CLI_PASSPHRASE_OPTION,
    CLI_NO_OPTION,
};
static const struct cli_option read_options[] = {CLI_PASSPHRASE_OPTION, CLI_NO_OPTION};

static const char *const new_examples[] = {
    "assay key new vendor.pem --type ecdsa-p256 --encrypt",
    "a P-256 key, encrypted, and vendor.pem.pub beside it",
    NULL,
};
static const char *const show_examples[] = {
    "assay key show",
    "type and id of your own key",
    NULL,
};
static const char *const export_examples[] = {
    "assay key export > me.pub",
    "the public key to give to those who verify your reports",
    NULL,
};

const struct cli_command cli_key_new = {
    .name = "key new",
    .summary = "make a signing key",
    .operands = "[FILE]",
    .max_operands = 1,
    .options = new_options,
    .examples = new_examples,
    .notes = "The private key is written with mode 0600 and never overwritten. Without FILE it "
             "becomes the user's own key, which 'assay scan --out' signs with.",
    .run = run_new,
};
const struct cli_command cli_key_show = {
    .name = "key show",
    .summary = "type and id of a key",
    .operands = "[FILE]",
    .max_operands = 1,
    .options = read_options,
    .examples = show_examples,
    .run = run_show,
};
const struct cli_command cli_key_export = {
    .name = "key export",
    .summary = "print the public half of a key as PEM",
    .operands = "[FILE]",
    .max_operands = 1,
    .options = read_options,
    .examples = export_examples,
    .run = run_export,
};
