/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/tokens.h: text into tokens: what two texts must share to be called alike.
 *
 * A token is a run of letters and digits in folded case, or a single character of a script written
 * without spaces or, like Hangul, compared better by syllables: every Han, kana and Hangul code
 * point is one. Everything else (white space, punctuation, symbols, pictographs) only separates.
 * Characters that are not seen (zero width, variation selectors) leave no trace, full-width letters
 * and digits are those of ASCII. So "Don't PANIC！" is don, t, panic, and "使用Python" is 使, 用,
 * python. A token's hash is of its folded UTF-8 (dup_token_hash); hashes are part of saved states,
 * hence DUP_TOKENS_VERSION.
 *
 * ASCII, Latin-1, basic Cyrillic, Han, kana and Hangul syllables are folded here; a run that holds
 * any other character goes through host->fold (NFKC, full case folding) as a whole, and if that
 * makes several tokens of it, each has the span of the run. Both ways give the same hashes, and so
 * do the implementations for different processors.
 *
 * Tokens of several fields stand one behind the other; the caller notes `n` in between when it
 * wants to know where a field ends. Input is valid UTF-8 (record.h), `start` counts its bytes.
 */
#ifndef ASSAY_DUPLICATES_TOKENS_H
#define ASSAY_DUPLICATES_TOKENS_H

#include "assay/plugin.h"

#define DUP_TOKENS_VERSION 1
#define DUP_TOKENS_MAX     (UINT64_C(1) << 22) /* of one record: 64 MiB of tokens */

#define DUP_TOKEN_LEN 0x7FFFFFFFu

struct dup_token {
    uint64_t hash;
    uint32_t start, len : 31; /* bytes of the field */
    uint32_t single : 1;      /* a character of such a script, however it was spelled */
};

struct dup_tokens_way; /* an implementation */

/* Storage reused from record to record. Zeroed before the first use. Single owner. */
struct dup_tokens {
    struct dup_token *items;
    size_t n, cap;
    char *word; /* the run being folded here */
    size_t word_cap;
    char *folded; /* by the host */
    size_t folded_cap;
    const struct dup_tokens_way *way; /* NULL: the best */
    int fold_all;                     /* send every run through the host; for tests */
};

static inline void dup_tokens_clear(struct dup_tokens *t)
{
    t->n = 0;
}
void dup_tokens_release(struct dup_tokens *t);
/* Appends the tokens of one field. ASSAY_OK, ASSAY_NOMEM, or ASSAY_LIMIT when there would be more
 * than DUP_TOKENS_MAX (the tokens before that are there). */
enum assay_status dup_tokens_add(struct dup_tokens *t, const struct assay_host *host,
                                 struct assay_bytes field);
/* The hash of a token by its folded UTF-8. */
uint64_t dup_token_hash(const char *folded, size_t len);
/* The i-th implementation that this processor runs, the best first; NULL: there are no more. */
const struct dup_tokens_way *dup_tokens_way_get(unsigned i);

#endif
