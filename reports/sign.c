/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing a report: the envelopes and the public keys beside them.
 *
 * assay_report_sign serves a signer that did not write the report: it reads the statements back,
 * insists that they are ours, about this manifest and about each other, and only then lends its
 * key.
 */
#include "reports/sign.h"

#include "core/fs.h"
#include "core/hash.h"
#include "core/limits.h"
#include "reports/envelope.h"
#include "reports/internal.h"
#include "reports/statement.h"

static enum assay_status sign_payload(struct assay_bytes payload, struct assay_key *const *keys,
                                      size_t n_keys, struct assay_buf *out, struct assay_error *err)
{
    assay_buf_init(out, ASSAY_LIMIT_JSON_DOCUMENT);
    return assay_envelope_sign(payload, keys, n_keys, out, err);
}

static enum assay_status put_signers(assay_put_fn put, void *where, struct assay_key *const *keys,
                                     size_t n_keys, struct assay_error *err)
{
    enum assay_status s = ASSAY_OK;
    for (size_t i = 0; i < n_keys && s == ASSAY_OK; i++) {
        char name[40] = "signer.pub";
        ASSAY_AUTO_BUF pem;
        assay_buf_init(&pem, ASSAY_LIMIT_KEY_FILE);
        if (i > 0) {
            (void)snprintf(name, sizeof name, "signer-%zu.pub", i + 1);
        }
        s = assay_key_public_pem(keys[i], &pem);
        s = s == ASSAY_OK ? put(where, name, assay_buf_bytes(&pem), err)
                          : assay_fail(err, s, "cannot encode the public key");
    }
    return s;
}

enum assay_status assay_report_put_signed(assay_put_fn put, void *where,
                                          const struct assay_bytes payloads[2],
                                          struct assay_key *const *keys, size_t n_keys,
                                          struct assay_error *err)
{
    static const char *const names[2] = {ASSAY_RUN_ENVELOPE_NAME, ASSAY_ENVELOPE_NAME};
    enum assay_status s = put_signers(put, where, keys, n_keys, err);
    for (int i = 0; i < 2 && s == ASSAY_OK; i++) {
        ASSAY_AUTO_BUF text;
        s = sign_payload(payloads[i], keys, n_keys, &text, err);
        if (s == ASSAY_OK) {
            s = put(where, names[i], assay_buf_bytes(&text), err);
        }
    }
    return s;
}

/* ---- signing later -------------------------------------------------------------------------- */

static enum assay_status put_beside(void *where, const char *name, struct assay_bytes content,
                                    struct assay_error *err)
{
    ASSAY_AUTO_BUF path;
    assay_buf_init(&path, ASSAY_KIB(16));
    assay_buf_addf(&path, "%s/%s", (const char *)where, name);
    if (assay_buf_status(&path) != ASSAY_OK) {
        return assay_fail(err, ASSAY_LIMIT, "the path of the report is too long");
    }
    return assay_fs_write_file(assay_buf_str(&path), content.ptr, content.len, 0644, err);
}

static enum assay_status read_in(const char *dir, const char *name, size_t max,
                                 struct assay_buf *out, struct assay_error *err)
{
    ASSAY_AUTO_BUF path;
    assay_buf_init(&path, ASSAY_KIB(16));
    assay_buf_init(out, max + 1);
    assay_buf_addf(&path, "%s/%s", dir, name);
    return assay_buf_status(&path) == ASSAY_OK
               ? assay_fs_read_file(assay_buf_str(&path), max, out, err)
               : assay_fail(err, ASSAY_LIMIT, "the path of the report is too long");
}

static enum assay_status digest_is(const char *what, struct assay_bytes content, const char *hex,
                                   struct assay_error *err)
{
    uint8_t digest[32];
    char text[65];
    if (assay_sha256_of(content.ptr, content.len, digest) != ASSAY_OK) {
        return assay_fail(err, ASSAY_CRYPTO, "SHA-256 is not available");
    }
    assay_hex(digest, sizeof digest, text);
    return strcmp(text, hex) == 0
               ? ASSAY_OK
               : assay_fail(err, ASSAY_MISMATCH,
                            "refused to sign: %s is not what the statement names", what);
}

enum assay_status assay_report_check(struct assay_bytes statement, struct assay_bytes run,
                                     struct assay_report_claim *ret, struct assay_error *err)
{
    struct assay_statement_view audit_view, run_view;
    enum assay_status s = assay_statement_read(statement, ASSAY_PREDICATE_AUDIT, &audit_view, err);
    if (s == ASSAY_OK) {
        s = assay_statement_read(run, ASSAY_PREDICATE_RUN, &run_view, err);
    }
    if (s != ASSAY_OK) {
        return s;
    }
    if (strcmp(audit_view.manifest_sha256, run_view.manifest_sha256) != 0) {
        return assay_fail(err, ASSAY_MISMATCH,
                          "refused to sign: the two statements are about different manifests");
    }
    memcpy(ret->manifest_sha256, audit_view.manifest_sha256, sizeof ret->manifest_sha256);
    memcpy(ret->verdict, audit_view.verdict, sizeof ret->verdict);
    ret->run = run_view.run;
    return digest_is(ASSAY_STATEMENT_NAME, statement, run_view.statement_sha256, err);
}

/* What the signer insists on: both statements are ours, about this manifest, and belong together.
 */
static enum assay_status check_unsigned(const char *dir, struct assay_bytes statement,
                                        struct assay_bytes run, struct assay_error *err)
{
    struct assay_report_claim claim;
    ASSAY_AUTO_BUF manifest = {0};
    enum assay_status s = assay_report_check(statement, run, &claim, err);
    if (s == ASSAY_OK) {
        s = read_in(dir, ASSAY_MANIFEST_NAME, ASSAY_LIMIT_MANIFEST, &manifest, err);
    }
    return s == ASSAY_OK ? digest_is(ASSAY_MANIFEST_NAME, assay_buf_bytes(&manifest),
                                     claim.manifest_sha256, err)
                         : s;
}

enum assay_status assay_report_sign(const char *dir, struct assay_key *const *keys, size_t n_keys,
                                    struct assay_error *err)
{
    ASSAY_AUTO_BUF statement = {0};
    ASSAY_AUTO_BUF run = {0};
    enum assay_status s =
        read_in(dir, ASSAY_STATEMENT_NAME, ASSAY_LIMIT_JSON_DOCUMENT, &statement, err);
    if (s == ASSAY_OK) {
        s = read_in(dir, ASSAY_RUN_NAME, ASSAY_LIMIT_JSON_DOCUMENT, &run, err);
    }
    if (s == ASSAY_OK) {
        s = assay_at(
            err, check_unsigned(dir, assay_buf_bytes(&statement), assay_buf_bytes(&run), err), dir);
    }
    if (s == ASSAY_OK) {
        const struct assay_bytes payloads[2] = {assay_buf_bytes(&run), assay_buf_bytes(&statement)};
        ASSAY_AUTO_BUF where;
        assay_buf_init(&where, ASSAY_KIB(8));
        assay_buf_adds(&where, dir);
        s = assay_report_put_signed(put_beside, where.ptr, payloads, keys, n_keys, err);
    }
    return s;
}
