/* SPDX-License-Identifier: Apache-2.0
 *
 * DSSE envelopes. See the header for the contract.
 *
 * The payload is decoded once, at parse; signatures are checked over those very bytes and the same
 * bytes are handed to the caller, so there is no second reading that could differ. keyid is parsed
 * for form and then ignored. Each trusted key counts once, however many signatures carry it and
 * however often it stands in the caller's list.
 */
#include "reports/envelope.h"

#include "core/json.h"
#include "core/limits.h"
#include "reports/internal.h"

#define SIGNATURE_MAX 512

struct assay_envelope {
    const char *type;
    struct assay_buf payload;
    size_t n_signatures;
    struct {
        uint8_t bytes[SIGNATURE_MAX];
        size_t len;
    } signatures[ASSAY_LIMIT_SIGNATURES];
};

void assay_pae(const char *type, struct assay_bytes body, struct assay_buf *out)
{
    assay_buf_addf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, body.len);
    assay_buf_addb(out, body);
}

/* ---- writing -------------------------------------------------------------------------------- */

static enum assay_status write_signature(struct assay_json *j, const struct assay_key *key,
                                         struct assay_bytes pae, struct assay_error *err)
{
    ASSAY_AUTO_BUF sig;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&sig, SIGNATURE_MAX);
    assay_buf_init(&text, 2 * SIGNATURE_MAX);
    enum assay_status s = assay_key_sign(key, pae, &sig, err);
    if (s != ASSAY_OK) {
        return s;
    }
    assay_base64_encode(assay_buf_bytes(&sig), &text);
    assay_json_object(j);
    assay_json_kv_str(j, "keyid", assay_key_id(key));
    assay_json_kv_str(j, "sig", assay_buf_str(&text));
    assay_json_end_object(j);
    return ASSAY_OK;
}

static enum assay_status write_signatures(struct assay_json *j, const char *type,
                                          struct assay_bytes payload, struct assay_key *const *keys,
                                          size_t n_keys, struct assay_error *err)
{
    ASSAY_AUTO_BUF pae;
    assay_buf_init(&pae, ASSAY_LIMIT_JSON_DOCUMENT + ASSAY_KIB(1));
    assay_pae(type, payload, &pae);
    enum assay_status s = assay_buf_status(&pae);
    if (s != ASSAY_OK) {
        return assay_fail(err, s, "the statement is too large to sign");
    }
    assay_json_key(j, "signatures");
    assay_json_array(j);
    for (size_t i = 0; i < n_keys && s == ASSAY_OK; i++) {
        s = write_signature(j, keys[i], assay_buf_bytes(&pae), err);
    }
    assay_json_end_array(j);
    return s;
}

enum assay_status assay_envelope_sign_type(const char *type, struct assay_bytes payload,
                                           struct assay_key *const *keys, size_t n_keys,
                                           struct assay_buf *out, struct assay_error *err)
{
    if (n_keys == 0 || n_keys > ASSAY_LIMIT_SIGNATURES) {
        return assay_fail(err, ASSAY_USAGE, "an envelope carries 1 to %d signatures",
                          ASSAY_LIMIT_SIGNATURES);
    }
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_LIMIT_JSON_DOCUMENT);
    assay_base64_encode(payload, &text);
    struct assay_json j;
    assay_json_init(&j, out, 1);
    assay_json_object(&j);
    assay_json_key(&j, "payload");
    assay_json_string(&j, assay_buf_bytes(&text));
    assay_json_kv_str(&j, "payloadType", type);
    enum assay_status s = write_signatures(&j, type, payload, keys, n_keys, err);
    assay_json_end_object(&j);
    assay_buf_addc(out, '\n');
    if (s == ASSAY_OK && (assay_buf_status(&text) != ASSAY_OK ||
                          assay_json_status(&j) != ASSAY_OK || assay_buf_status(out) != ASSAY_OK)) {
        s = assay_fail(err, ASSAY_LIMIT, "the envelope is too large");
    }
    return s;
}

enum assay_status assay_envelope_sign(struct assay_bytes payload, struct assay_key *const *keys,
                                      size_t n_keys, struct assay_buf *out, struct assay_error *err)
{
    return assay_envelope_sign_type(ASSAY_PAYLOAD_TYPE, payload, keys, n_keys, out, err);
}

/* ---- reading -------------------------------------------------------------------------------- */

static enum assay_status take_base64(const json_t *value, struct assay_buf *out, const char *what,
                                     struct assay_error *err)
{
    if (!json_is_string(value)) {
        return assay_fail(err, ASSAY_CORRUPT, "the envelope has no %s", what);
    }
    struct assay_bytes text = assay_bytes_make(json_string_value(value), json_string_length(value));
    enum assay_status s = assay_base64_decode(text, out);
    if (s != ASSAY_OK || out->len == 0) {
        return assay_fail(err, s == ASSAY_OK ? ASSAY_CORRUPT : s,
                          "the %s of the envelope is not valid base64", what);
    }
    return ASSAY_OK;
}

static enum assay_status take_signature(struct assay_envelope *e, const json_t *item,
                                        struct assay_error *err)
{
    const json_t *keyid = json_object_get(item, "keyid");
    if (!json_is_object(item) || (keyid != NULL && !json_is_string(keyid))) {
        return assay_fail(err, ASSAY_CORRUPT, "a signature of the envelope is malformed");
    }
    ASSAY_AUTO_BUF sig;
    assay_buf_init(&sig, SIGNATURE_MAX + 3);
    enum assay_status s = take_base64(json_object_get(item, "sig"), &sig, "signature", err);
    if (s != ASSAY_OK) {
        return s;
    }
    if (sig.len > SIGNATURE_MAX) {
        return assay_fail(err, ASSAY_LIMIT, "a signature of the envelope is too long");
    }
    memcpy(e->signatures[e->n_signatures].bytes, sig.ptr, sig.len);
    e->signatures[e->n_signatures].len = sig.len;
    e->n_signatures++;
    return ASSAY_OK;
}

static enum assay_status take_signatures(struct assay_envelope *e, const json_t *list,
                                         struct assay_error *err)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n == 0) {
        return assay_fail(err, ASSAY_CORRUPT, "the envelope has no signature");
    }
    if (n > ASSAY_LIMIT_SIGNATURES) {
        return assay_fail(err, ASSAY_LIMIT, "the envelope has more than %d signatures",
                          ASSAY_LIMIT_SIGNATURES);
    }
    for (size_t i = 0; i < n; i++) {
        enum assay_status s = take_signature(e, json_array_get(list, i), err);
        if (s != ASSAY_OK) {
            return s;
        }
    }
    return ASSAY_OK;
}

static enum assay_status take_envelope(struct assay_envelope *e, const json_t *root,
                                       struct assay_error *err)
{
    const char *type = json_string_value(json_object_get(root, "payloadType"));
    if (!json_is_object(root)) {
        return assay_fail(err, ASSAY_CORRUPT, "the envelope is not a JSON object");
    }
    if (type == NULL || strcmp(type, e->type) != 0) {
        return assay_fail(err, ASSAY_CORRUPT, "the envelope does not carry %s (payloadType)",
                          strcmp(e->type, ASSAY_PAYLOAD_TYPE) == 0 ? "an in-toto statement"
                                                                   : e->type);
    }
    enum assay_status s =
        take_base64(json_object_get(root, "payload"), &e->payload, "payload", err);
    return s == ASSAY_OK ? take_signatures(e, json_object_get(root, "signatures"), err) : s;
}

enum assay_status assay_envelope_parse_type(const char *type, struct assay_bytes json,
                                            struct assay_envelope **ret, struct assay_error *err)
{
    json_t *root = NULL;
    enum assay_status s = assay_json_strict(json, "envelope", &root, err);
    if (s != ASSAY_OK) {
        return s;
    }
    struct assay_envelope *e = calloc(1, sizeof *e);
    if (e == NULL) {
        json_decref(root);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    e->type = type;
    assay_buf_init(&e->payload, ASSAY_LIMIT_JSON_DOCUMENT);
    s = take_envelope(e, root, err);
    json_decref(root);
    if (s != ASSAY_OK) {
        assay_envelope_free(e);
        return s;
    }
    *ret = e;
    return ASSAY_OK;
}

enum assay_status assay_envelope_parse(struct assay_bytes json, struct assay_envelope **ret,
                                       struct assay_error *err)
{
    return assay_envelope_parse_type(ASSAY_PAYLOAD_TYPE, json, ret, err);
}

void assay_envelope_free(struct assay_envelope *e)
{
    if (e != NULL) {
        assay_buf_release(&e->payload);
        free(e);
    }
}

size_t assay_envelope_signatures(const struct assay_envelope *e)
{
    return e->n_signatures;
}

struct assay_bytes assay_envelope_payload(const struct assay_envelope *e)
{
    return assay_buf_bytes(&e->payload);
}

/* The same key earlier in the list. */
static int seen_before(struct assay_key *const *keys, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(assay_key_id(keys[k]), assay_key_id(keys[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

static int signed_by(const struct assay_envelope *e, struct assay_bytes pae,
                     const struct assay_key *key)
{
    for (size_t i = 0; i < e->n_signatures; i++) {
        struct assay_bytes sig =
            assay_bytes_make((const char *)e->signatures[i].bytes, e->signatures[i].len);
        if (assay_key_verify(key, pae, sig, NULL) == ASSAY_OK) {
            return 1;
        }
    }
    return 0;
}

enum assay_status assay_envelope_verify(const struct assay_envelope *e,
                                        struct assay_key *const *keys, size_t n_keys,
                                        size_t *ret_valid, struct assay_error *err)
{
    ASSAY_AUTO_BUF pae;
    *ret_valid = 0;
    assay_buf_init(&pae, ASSAY_LIMIT_JSON_DOCUMENT + ASSAY_KIB(1));
    assay_pae(e->type, assay_buf_bytes(&e->payload), &pae);
    if (assay_buf_status(&pae) != ASSAY_OK) {
        return assay_fail(err, assay_buf_status(&pae), "the envelope is too large");
    }
    for (size_t i = 0; i < n_keys; i++) {
        if (!seen_before(keys, i) && signed_by(e, assay_buf_bytes(&pae), keys[i])) {
            ++*ret_valid;
        }
    }
    return *ret_valid > 0 ? ASSAY_OK
                          : assay_fail(err, ASSAY_MISMATCH,
                                       "no signature of the envelope is by a trusted key");
}
