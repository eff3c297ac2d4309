/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/envelope.h: DSSE v1.0 envelopes, around in-toto statements and around what a `type`
 * names.
 *
 * Writing: payload standard base64, signatures over PAE("application/vnd.in-toto+json", payload),
 * ECDSA in DER. Reading: strict JSON (duplicate keys and trailing data refused, sizes capped), both
 * base64 alphabets; keyid is a hint and decides nothing; what was verified is what is handed on,
 * never parsed again from elsewhere.
 * Sources: DSSE protocol and envelope v1.0.2; in-toto Statement v1.
 */
#ifndef ASSAY_REPORTS_ENVELOPE_H
#define ASSAY_REPORTS_ENVELOPE_H

#include "reports/keys.h"

#define ASSAY_PAYLOAD_TYPE "application/vnd.in-toto+json"

/* PAE: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body. */
void assay_pae(const char *type, struct assay_bytes body, struct assay_buf *out);
/* Signs `payload` with each key and writes the envelope JSON (one line, LF at the end). */
enum assay_status assay_envelope_sign(struct assay_bytes payload, struct assay_key *const *keys,
                                      size_t n_keys, struct assay_buf *out,
                                      struct assay_error *err);

/* The same around a payload of another type. The signature covers the type, so that what is signed
 * as one thing is never taken for another. */
enum assay_status assay_envelope_sign_type(const char *type, struct assay_bytes payload,
                                           struct assay_key *const *keys, size_t n_keys,
                                           struct assay_buf *out, struct assay_error *err);

struct assay_envelope; /* parsed, not yet trusted */
/* Reads an envelope around a statement: ASSAY_CORRUPT when it is not one, ASSAY_LIMIT, ASSAY_NOMEM.
 */
enum assay_status assay_envelope_parse(struct assay_bytes json, struct assay_envelope **ret,
                                       struct assay_error *err);
/* `type` lives as long as the envelope. */
enum assay_status assay_envelope_parse_type(const char *type, struct assay_bytes json,
                                            struct assay_envelope **ret, struct assay_error *err);
void assay_envelope_free(struct assay_envelope *e); /* accepts NULL */
/* How many signatures it carries, valid or not. */
size_t assay_envelope_signatures(const struct assay_envelope *e);
/* How many different keys of `keys` signed this payload; a key counts once. ASSAY_MISMATCH when
 * none did. */
enum assay_status assay_envelope_verify(const struct assay_envelope *e,
                                        struct assay_key *const *keys, size_t n_keys,
                                        size_t *ret_valid, struct assay_error *err);
/* The payload bytes. Trust them only after assay_envelope_verify. */
struct assay_bytes assay_envelope_payload(const struct assay_envelope *e);

#endif
