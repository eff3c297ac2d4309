/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification: from the envelope inwards. See the header for the order of checks.
 *
 * Trust flows one way: keys of the caller -> envelope -> statement -> manifest -> files. Nothing is
 * read from a document before what vouches for it has been checked, except the envelope itself. The
 * bytes whose signature was verified are the bytes that are parsed.
 */
#include "reports/verify_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "core/fs.h"
#include "core/limits.h"
#include "reports/envelope.h"
#include "reports/statement.h"

#define HASH_BUFFER ASSAY_KIB(256)

const char *assay_check_name(enum assay_check c)
{
    static const char *const names[] = {"envelope",   "signature",    "statement",
                                        "manifest",   "beside it",    "missing file",
                                        "extra file", "changed file", "unreadable file"};
    return (unsigned)c < ASSAY_CHECK_MAX ? names[c] : "unknown";
}

static void tell(struct assay_verifier *v, enum assay_check check, int ok, const char *subject,
                 const char *message)
{
    if (v->opt->report != NULL) {
        v->opt->report(v->opt->report_ctx, check, ok, subject, message);
    }
}

void assay_verifier_ok(struct assay_verifier *v, enum assay_check check, const char *message)
{
    tell(v, check, 1, NULL, message);
}

void assay_verifier_fail(struct assay_verifier *v, enum assay_check check, const char *subject,
                         const char *message)
{
    v->ret->failures++;
    if (v->failed[check]++ < ASSAY_LIMIT_DIFFERENCES) {
        tell(v, check, 0, subject, message);
    }
}

/* Says how many of each kind were not listed. */
static void tell_rest(struct assay_verifier *v)
{
    for (int c = 0; c < ASSAY_CHECK_MAX; c++) {
        if (v->failed[c] > ASSAY_LIMIT_DIFFERENCES) {
            char message[64];
            (void)snprintf(message, sizeof message, "and %" PRIu64 " more like these",
                           v->failed[c] - ASSAY_LIMIT_DIFFERENCES);
            tell(v, (enum assay_check)c, 0, NULL, message);
        }
    }
}

/* ---- what was signed ------------------------------------------------------------------------ */

/* A document that is not in order is a failed check; running out of memory is not. */
static enum assay_status failed_or(struct assay_verifier *v, enum assay_check check,
                                   const char *subject, enum assay_status s,
                                   const struct assay_error *e, struct assay_error *err)
{
    if (s == ASSAY_NOMEM || s == ASSAY_CRYPTO || s == ASSAY_INTERNAL) {
        return assay_fail(err, s, "%s", e->message);
    }
    assay_verifier_fail(v, check, subject, e->message);
    return ASSAY_MISMATCH;
}

static enum assay_status check_signature(struct assay_verifier *v, const struct assay_envelope *e,
                                         struct assay_error *err)
{
    struct assay_error why = {0};
    char message[96];
    size_t valid = 0;
    size_t need = v->opt->threshold == 0 ? 1 : v->opt->threshold;
    enum assay_status s = assay_envelope_verify(e, v->opt->keys, v->opt->n_keys, &valid, &why);
    if (s != ASSAY_OK) {
        return failed_or(v, ASSAY_CHECK_SIGNATURE, NULL, s, &why, err);
    }
    if (valid < need) {
        (void)snprintf(message, sizeof message, "%zu trusted key%s signed, %zu are required", valid,
                       valid == 1 ? "" : "s", need);
        assay_verifier_fail(v, ASSAY_CHECK_SIGNATURE, NULL, message);
        return ASSAY_MISMATCH;
    }
    (void)snprintf(message, sizeof message, "signed by %zu trusted key%s", valid,
                   valid == 1 ? "" : "s");
    assay_verifier_ok(v, ASSAY_CHECK_SIGNATURE, message);
    return ASSAY_OK;
}

/* Envelope, signature and form of the statement at `path`. */
static enum assay_status open_envelope(struct assay_verifier *v, const char *path,
                                       struct assay_envelope **ret, struct assay_error *err)
{
    ASSAY_AUTO_BUF text;
    struct assay_error why = {0};
    assay_buf_init(&text, ASSAY_LIMIT_JSON_DOCUMENT + 1);
    enum assay_status s = assay_fs_read_file(path, ASSAY_LIMIT_JSON_DOCUMENT, &text, err);
    if (s != ASSAY_OK) {
        return s;
    }
    s = assay_envelope_parse(assay_buf_bytes(&text), ret, &why);
    if (s != ASSAY_OK) {
        return failed_or(v, ASSAY_CHECK_ENVELOPE, NULL, s, &why, err);
    }
    assay_verifier_ok(v, ASSAY_CHECK_ENVELOPE, "well formed");
    return ASSAY_OK;
}

static enum assay_status check_statement(struct assay_verifier *v, const struct assay_envelope *e,
                                         struct assay_statement_view *view, struct assay_error *err)
{
    struct assay_error why = {0};
    char message[64];
    enum assay_status s =
        assay_statement_read(assay_envelope_payload(e), ASSAY_PREDICATE_AUDIT, view, &why);
    if (s != ASSAY_OK) {
        return failed_or(v, ASSAY_CHECK_STATEMENT, NULL, s, &why, err);
    }
    (void)snprintf(v->ret->verdict, sizeof v->ret->verdict, "%s", view->verdict);
    (void)snprintf(v->ret->manifest_sha256, sizeof v->ret->manifest_sha256, "%s",
                   view->manifest_sha256);
    v->ret->files = view->files;
    v->ret->bytes = view->bytes;
    (void)snprintf(message, sizeof message, "verdict %s", view->verdict);
    assay_verifier_ok(v, ASSAY_CHECK_STATEMENT, message);
    return ASSAY_OK;
}

/* ---- the manifest --------------------------------------------------------------------------- */

static int digest_matches(struct assay_bytes content, const char *hex)
{
    uint8_t digest[32];
    char text[65];
    if (assay_sha256_of(content.ptr, content.len, digest) != ASSAY_OK) {
        return 0;
    }
    assay_hex(digest, sizeof digest, text);
    return strcmp(text, hex) == 0;
}

static enum assay_status parse_manifest(struct assay_verifier *v,
                                        const struct assay_statement_view *view,
                                        struct assay_bytes text, struct assay_manifest **ret,
                                        struct assay_error *err)
{
    struct assay_error why = {0};
    if (!digest_matches(text, view->manifest_sha256)) {
        assay_verifier_fail(
            v, ASSAY_CHECK_MANIFEST, NULL,
            "this is not the manifest that the statement names (its digest differs)");
        return ASSAY_MISMATCH;
    }
    enum assay_status s = assay_manifest_parse(text, ret, &why);
    if (s != ASSAY_OK) {
        return failed_or(v, ASSAY_CHECK_MANIFEST, NULL, s, &why, err);
    }
    if (assay_manifest_count(*ret) != view->files) {
        assay_verifier_fail(v, ASSAY_CHECK_MANIFEST, NULL,
                            "the manifest lists another number of files than the statement");
        return ASSAY_MISMATCH;
    }
    assay_verifier_ok(v, ASSAY_CHECK_MANIFEST, "is the one the statement names");
    return ASSAY_OK;
}

static enum assay_status check_manifest(struct assay_verifier *v,
                                        const struct assay_statement_view *view,
                                        struct assay_manifest **ret, struct assay_error *err)
{
    ASSAY_AUTO_BUF path;
    ASSAY_AUTO_BUF text;
    struct assay_error why = {0};
    assay_buf_init(&path, ASSAY_KIB(16));
    assay_buf_init(&text, ASSAY_LIMIT_MANIFEST + 1);
    if (v->opt->manifest == NULL) {
        assay_path_beside(&path, v->opt->envelope, ASSAY_MANIFEST_NAME);
    }
    enum assay_status s =
        assay_fs_read_file(v->opt->manifest == NULL ? assay_buf_str(&path) : v->opt->manifest,
                           ASSAY_LIMIT_MANIFEST, &text, &why);
    if (s != ASSAY_OK) {
        return failed_or(v, ASSAY_CHECK_MANIFEST, NULL, s, &why, err);
    }
    return parse_manifest(v, view, assay_buf_bytes(&text), ret, err);
}

/* ---- files beside the envelope -------------------------------------------------------------- */

int assay_hash_fd(int fd, struct assay_sha256 *hash, void *buffer, size_t cap, uint8_t ret[32],
                  void (*advance)(void *ctx, uint64_t bytes), void *ctx)
{
    if (assay_sha256_start(hash) != ASSAY_OK) {
        errno = ENOMEM;
        return -1;
    }
    for (;;) {
        ssize_t n = read(fd, buffer, cap);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        if (assay_sha256_update(hash, buffer, (size_t)n) != ASSAY_OK) {
            errno = EIO;
            return -1;
        }
        if (advance != NULL) {
            advance(ctx, (uint64_t)n);
        }
    }
    if (assay_sha256_finish(hash, ret) != ASSAY_OK) {
        errno = EIO;
        return -1;
    }
    return 0;
}

/* 1: the file is there and has this digest; 0: there, and differs, cannot be read, or has nothing to
 * be compared with; -1: not there. */
static int companion_matches(const char *envelope, const char *name, const char *hex)
{
    ASSAY_AUTO_BUF path;
    uint8_t digest[32];
    char text[65] = "";
    assay_buf_init(&path, ASSAY_KIB(16));
    assay_path_beside(&path, envelope, name);
    int fd = open(assay_buf_str(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return errno == ENOENT ? -1 : 0;
    }
    struct assay_sha256 *hash = assay_sha256_new();
    void *buffer = malloc(HASH_BUFFER);
    if (hash != NULL && buffer != NULL &&
        assay_hash_fd(fd, hash, buffer, HASH_BUFFER, digest, NULL, NULL) == 0) {
        assay_hex(digest, sizeof digest, text);
    }
    assay_sha256_free(hash);
    free(buffer);
    (void)close(fd);
    return text[0] != '\0' && strcmp(text, hex) == 0;
}

static void check_companion(struct assay_verifier *v, const char *name, const char *hex)
{
    int rc = companion_matches(v->opt->envelope, name, hex);
    if (rc == 0 && hex[0] == '\0') {
        assay_verifier_fail(v, ASSAY_CHECK_COMPANION, name,
                            "nothing signed vouches for it (run.dsse.json is missing, or does not "
                            "name it): do not rely on what it says");
    } else if (rc == 0) {
        assay_verifier_fail(v, ASSAY_CHECK_COMPANION, name,
                            "is not the file that was signed: do not rely on what it says");
    } else if (rc == 1) {
        ASSAY_AUTO_BUF message;
        assay_buf_init(&message, 256);
        assay_buf_addf(&message, "%s is as signed", name);
        assay_verifier_ok(v, ASSAY_CHECK_COMPANION, assay_buf_str(&message));
    }
}

/* What the signed run statement says, and its own digest. Empty: not there. */
struct run_seal {
    struct assay_statement_view view;
    char sha256[65];
};

static enum assay_status digest_payload(const struct assay_envelope *e, char ret_hex[65])
{
    struct assay_bytes payload = assay_envelope_payload(e);
    uint8_t digest[32];
    enum assay_status s = assay_sha256_of(payload.ptr, payload.len, digest);
    if (s == ASSAY_OK) {
        assay_hex(digest, sizeof digest, ret_hex);
    }
    return s;
}

/* The run statement must be signed as the other is, and be about it. Fills the digests it vouches
 * for. */
static const char *read_run(struct assay_verifier *v, struct assay_bytes text,
                            const char *statement, struct run_seal *run, struct assay_error *why)
{
    struct assay_envelope *e = NULL;
    size_t valid = 0;
    size_t need = v->opt->threshold == 0 ? 1 : v->opt->threshold;
    const char *wrong = NULL;
    if (assay_envelope_parse(text, &e, why) != ASSAY_OK) {
        return why->message;
    }
    if (assay_envelope_verify(e, v->opt->keys, v->opt->n_keys, &valid, why) != ASSAY_OK ||
        valid < need) {
        wrong = "is not signed by the trusted keys";
    } else if (assay_statement_read(assay_envelope_payload(e), ASSAY_PREDICATE_RUN, &run->view,
                                    why) != ASSAY_OK) {
        wrong = why->message;
    } else if (strcmp(run->view.statement_sha256, statement) != 0) {
        wrong = "is about another statement";
    } else if (digest_payload(e, run->sha256) != ASSAY_OK) {
        wrong = "cannot be hashed";
    }
    assay_envelope_free(e);
    return wrong;
}

static void check_run(struct assay_verifier *v, const char *statement)
{
    ASSAY_AUTO_BUF path;
    ASSAY_AUTO_BUF text;
    struct assay_error why = {0};
    struct run_seal run = {0};
    assay_buf_init(&path, ASSAY_KIB(16));
    assay_buf_init(&text, ASSAY_LIMIT_JSON_DOCUMENT + 1);
    assay_path_beside(&path, v->opt->envelope, ASSAY_RUN_ENVELOPE_NAME);
    enum assay_status s =
        assay_fs_read_file(assay_buf_str(&path), ASSAY_LIMIT_JSON_DOCUMENT, &text, &why);
    const char *wrong = NULL;
    if (s != ASSAY_NOTFOUND) {
        wrong = s == ASSAY_OK ? read_run(v, assay_buf_bytes(&text), statement, &run, &why)
                              : why.message;
    }
    if (wrong != NULL) {
        assay_verifier_fail(v, ASSAY_CHECK_COMPANION, ASSAY_RUN_ENVELOPE_NAME, wrong);
        return;
    }
    if (s == ASSAY_OK) {
        assay_verifier_ok(v, ASSAY_CHECK_COMPANION,
                          ASSAY_RUN_ENVELOPE_NAME " is signed and about this statement");
    }
    check_companion(v, ASSAY_RUN_NAME, run.sha256);
    check_companion(v, ASSAY_FINDINGS_NAME, run.view.findings_sha256);
    check_companion(v, ASSAY_HTML_NAME, run.view.html_sha256);
}

static enum assay_status check_companions(struct assay_verifier *v, const struct assay_envelope *e,
                                          struct assay_error *err)
{
    char hex[65];
    if (digest_payload(e, hex) != ASSAY_OK) {
        return assay_fail(err, ASSAY_CRYPTO, "SHA-256 is not available");
    }
    check_companion(v, ASSAY_STATEMENT_NAME, hex);
    check_run(v, hex);
    return ASSAY_OK;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static enum assay_status verify_inner(struct assay_verifier *v, const struct assay_envelope *e,
                                      struct assay_manifest **manifest, struct assay_error *err)
{
    struct assay_statement_view view;
    enum assay_status s = check_signature(v, e, err);
    if (s == ASSAY_OK) {
        s = check_statement(v, e, &view, err);
    }
    if (s == ASSAY_OK) {
        s = check_manifest(v, &view, manifest, err);
    }
    if (s == ASSAY_OK) {
        s = check_companions(v, e, err);
    }
    if (s == ASSAY_OK && v->opt->dataset != NULL) {
        s = assay_verify_tree(v, *manifest, err);
    }
    return s;
}

enum assay_status assay_verify(const struct assay_verify_options *opt,
                               struct assay_verify_result *ret, struct assay_error *err)
{
    struct assay_verifier v = {.opt = opt, .ret = ret};
    struct assay_envelope *e = NULL;
    struct assay_manifest *manifest = NULL;
    *ret = (struct assay_verify_result){0};
    if (opt->n_keys == 0) {
        return assay_fail(err, ASSAY_USAGE, "verifying needs at least one trusted public key");
    }
    if (opt->dataset != NULL && strcmp(opt->dataset, "-") == 0) {
        return assay_fail(err, ASSAY_USAGE, "a dataset to verify is a directory or a file");
    }
    enum assay_status s = open_envelope(&v, opt->envelope, &e, err);
    if (s == ASSAY_OK) {
        s = verify_inner(&v, e, &manifest, err);
    }
    assay_manifest_free(manifest);
    assay_envelope_free(e);
    tell_rest(&v);
    if ((s == ASSAY_OK || s == ASSAY_MISMATCH) && ret->failures > 0) {
        return assay_fail(err, ASSAY_MISMATCH, "verification failed");
    }
    return s;
}
