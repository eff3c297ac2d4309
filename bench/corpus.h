/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus.h: a seeded corpus of training-data-like records, the same on every machine.
 *
 * English and Chinese prose (half of the records each way of 2:1, some mixed) from a vocabulary of
 * several thousand words drawn by Zipf's law; 0.2-4 KB of text per record, log-uniform; planted
 * personal data at about 0.1 items per KB, planted insults, exact duplicates, and a share of
 * records written with \uXXXX escapes.
 */
#ifndef ASSAY_BENCH_CORPUS_H
#define ASSAY_BENCH_CORPUS_H

#include "core/buf.h"

enum corpus_format { CORPUS_JSONL, CORPUS_CSV };

struct corpus_stats {
    uint64_t bytes, records, text_bytes;
    uint64_t planted, insults, duplicates, escaped, chinese;
};

struct corpus;

/* `pii_per_mib`: planted items per MiB of text. NULL: out of memory. */
struct corpus *corpus_new(uint64_t seed, enum corpus_format format, unsigned pii_per_mib);
void corpus_free(struct corpus *c);
/* CSV's header line; nothing for JSON Lines. */
void corpus_head(struct corpus *c, struct assay_buf *out);
/* Appends the next record as a line of the chosen format. */
void corpus_record(struct corpus *c, struct assay_buf *out);
/* The text of the record last made, unescaped; borrowed until the next one. */
struct assay_bytes corpus_text(const struct corpus *c);
const struct corpus_stats *corpus_stats(const struct corpus *c);

#endif
