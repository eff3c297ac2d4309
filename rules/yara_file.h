/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara_file.h: a file read for libyara, piece by piece, and proof that it is the file that was
 * hashed before (private to rules/yara*.c).
 *
 * libyara runs over memory we own, never over a mapping, so its signal handlers are switched off
 * (SCAN_FLAGS_NO_TRYCATCH): a file that shrinks under us is a short read, not a SIGBUS. Each byte is
 * hashed the first time its piece is read, so what was scanned is what the digest is of. One per
 * worker, reused from file to file.
 */
#ifndef ASSAY_RULES_YARA_FILE_H
#define ASSAY_RULES_YARA_FILE_H

#include <yara.h>

#include "core/hash.h"
#include "rules/yara.h"

struct assay_yara_file {
    struct assay_sha256 *hash; /* owned */
    uint8_t *buf;              /* owned; one piece */
    size_t buf_cap;
    int fd; /* borrowed */
    uint64_t size;
    uint64_t loaded_base;
    size_t loaded; /* bytes of the piece at loaded_base that are in buf */
    uint64_t hashed;
    enum assay_status status; /* of reading */
    YR_MEMORY_BLOCK block;
};

/* 0 without memory. */
int assay_yara_file_init(struct assay_yara_file *f);
void assay_yara_file_release(struct assay_yara_file *f);
/* Begins with a file, which must be a regular one: ASSAY_UNSUPPORTED else. */
enum assay_status assay_yara_file_start(struct assay_yara_file *f, int fd, struct assay_error *err);
/* What libyara walks: pieces of ASSAY_LIMIT_YARA_WHOLE bytes that overlap by ASSAY_YARA_OVERLAP. */
YR_MEMORY_BLOCK_ITERATOR assay_yara_file_pieces(struct assay_yara_file *f);
/* After libyara returned: whether all could be read. ASSAY_CHANGED: there is less than there was. */
enum assay_status assay_yara_file_read(const struct assay_yara_file *f, struct assay_error *err);
/* After that: ASSAY_CHANGED unless the digest is `sha256`; ASSAY_INTERNAL when a byte was not
 * scanned. */
enum assay_status assay_yara_file_compare(struct assay_yara_file *f, const uint8_t sha256[32],
                                          struct assay_error *err);
/* Gives a large buffer back, so that one large file does not pin memory in every worker. */
void assay_yara_file_shrink(struct assay_yara_file *f);

#endif
