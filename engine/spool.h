/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/spool.h: where findings wait until they are reported: one unlinked temporary file.
 *
 * What:  workers write pieces: the sorted findings of one chunk of one file. A piece carries its
 *        place (file, then sequence within the file); the index of places is sorted once, at the
 *        end, and a cursor reads the pieces in that order. So findings come out in canonical order
 *        although workers finish in any.
 * Why:   no worker ever waits for another's turn, and memory holds 24 bytes per piece that has
 *        findings, not the findings.
 * Invariant: what is written here was masked before; no raw value is ever encoded.
 */
#ifndef ASSAY_ENGINE_SPOOL_H
#define ASSAY_ENGINE_SPOOL_H

#include "core/buf.h"
#include "engine/audit.h"

/* What follows the head: members, then field, masked and detail, each NUL-terminated; padded to 8
 * bytes. */
#define ASSAY_KEPT_SPAN   0x01u
#define ASSAY_KEPT_OFFSET 0x02u
#define ASSAY_KEPT_FIELD  0x04u
#define ASSAY_KEPT_MASKED 0x08u
#define ASSAY_KEPT_DETAIL 0x10u

struct assay_kept {
    uint32_t len; /* of the whole, a multiple of 8 */
    uint32_t rule;
    uint32_t file; /* index as assay_run_name; ASSAY_NONE */
    uint16_t confidence;
    uint16_t flags;
    uint64_t record, start, end, byte_start, byte_end, offset, members_total;
    uint32_t n_members, field_len, masked_len, detail_len;
    uint8_t fingerprint[16];
};

struct assay_kept_member {
    uint32_t file;
    uint32_t reserved;
    uint64_t record;
};

/* The variable parts of a finding to encode. */
struct assay_kept_parts {
    struct assay_bytes field, masked, detail; /* present as the flags say */
    const struct assay_member *members;
};

/* Appends an encoded finding; `head->len` and the lengths are filled in. */
void assay_kept_encode(struct assay_kept *head, const struct assay_kept_parts *parts,
                       struct assay_buf *out);

/* Sequence numbers: findings of records first, in chunk order; then those of the file as a whole.
 */
#define ASSAY_SEQ_FILE (UINT64_C(1) << 63)

struct assay_spool;

/* Opens an unlinked file; ASSAY_NOMEM, or why it cannot be had. */
enum assay_status assay_spool_new(struct assay_spool **ret, struct assay_error *err);
void assay_spool_free(struct assay_spool *s); /* accepts NULL */
/* Writes one piece. Any thread. */
enum assay_status assay_spool_write(struct assay_spool *s, uint32_t file, uint64_t seq,
                                    struct assay_bytes data, struct assay_error *err);
/* Sorts the index; no more writes. */
void assay_spool_seal(struct assay_spool *s);
/* A spool is read piece by piece, `i` from 0; ASSAY_END past the last. */
enum assay_status assay_spool_piece(const struct assay_spool *s, size_t i, uint64_t *ret_offset,
                                    uint32_t *ret_len);
/* Reads `len` bytes at `offset`. */
enum assay_status assay_spool_read(const struct assay_spool *s, uint64_t offset, void *buf,
                                   size_t len, struct assay_error *err);

#endif
