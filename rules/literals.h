/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/literals.h: is any of these byte strings in this stream? The first stage of the YARA scan.
 *
 * What:  a yes-or-no search for a set of literals, fed block by block; a literal that straddles
 *        blocks is found. It answers no more than that, so it runs at the speed of memory and stops
 *        at the first hit.
 * How:   three engines with the same answer. NIBBLE: the shuffle-mask filter known as Teddy
 *        (Hyperscan, fdr/teddy; Rust aho-corasick, packed/teddy): three bytes of each literal,
 *        eight buckets, 32 positions per step (AVX2). PAIR: a bitmap of byte pairs, one position
 *        per step, any CPU. VECTORSCAN: for sets too large for eight buckets. AUTO picks by CPU and
 *        size.
 * Thread rule: struct assay_literals is immutable; struct assay_literal_feed is one per worker.
 */
#ifndef ASSAY_RULES_LITERALS_H
#define ASSAY_RULES_LITERALS_H

#include "assay/base.h"

#define ASSAY_LITERAL_MIN 4 /* shortest literal accepted, in bytes */

struct assay_literal {
    struct assay_bytes text;
    uint8_t caseless; /* ASCII letters match in either case */
};

enum assay_literal_engine {
    ASSAY_LITERALS_AUTO,
    ASSAY_LITERALS_NIBBLE,
    ASSAY_LITERALS_PAIR,
    ASSAY_LITERALS_VECTORSCAN
};

struct assay_literals;
struct assay_literal_feed;

/* Copies the literals. ASSAY_USAGE: none given, or one is too short or longer than
 * ASSAY_LIMIT_ANCHOR; ASSAY_UNSUPPORTED: this CPU or build lacks the engine asked for; ASSAY_NOMEM.
 */
enum assay_status assay_literals_new(const struct assay_literal *literals, size_t n,
                                     enum assay_literal_engine engine, struct assay_literals **ret,
                                     struct assay_error *err);
void assay_literals_free(struct assay_literals *ls); /* accepts NULL */

/* What one thread searches with; `ls` must outlive it. ASSAY_NOMEM. */
enum assay_status assay_literal_feed_new(const struct assay_literals *ls,
                                         struct assay_literal_feed **ret, struct assay_error *err);
void assay_literal_feed_free(struct assay_literal_feed *f); /* accepts NULL */
/* Begins a stream. */
void assay_literal_feed_start(struct assay_literal_feed *f);
/* Feeds the next block; once something was found further blocks are not looked at. */
void assay_literal_feed_block(struct assay_literal_feed *f, struct assay_bytes block);
/* Whether a literal was found since the start. */
int assay_literal_feed_found(const struct assay_literal_feed *f);

#endif
