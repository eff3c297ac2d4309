/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/normalise.h: the form of a text in which only case, width, spacing and punctuation do
 * not count.
 *
 * Normal form, version 1: NFKC and full case folding; characters that are not seen (zero width,
 * bidirectional controls, variation selectors, soft hyphen) are dropped; runs of white space,
 * control characters and punctuation (Unicode P* of ASCII, Latin-1, General, Supplemental and CJK
 * Punctuation) separate words; a separator between two words becomes one space, one next to a
 * character of a script written without spaces (Han, kana, bopomofo) vanishes, so that "使用
 * Python。" equals "使用Python". Symbols (+ = < > $ ^ ~ | `) are content. Text of ASCII, Latin-1
 * letters, Han, their punctuation, full-width forms and pictographs is done in one pass without the
 * host; any other character sends the whole field through host->fold first. Both ways give the same
 * form.
 */
#ifndef ASSAY_DUPLICATES_NORMALISE_H
#define ASSAY_DUPLICATES_NORMALISE_H

#include "assay/plugin.h"

#include "runs.h"

#define DUP_FIELD_END '\x1f' /* behind every field */

/* Storage reused from record to record. Zeroed before the first use. */
struct dup_text {
    char *buf;
    size_t len, cap;
    char *folded;
    size_t folded_cap;
    const struct dup_runs *runs; /* NULL: the best */
};

static inline void dup_text_clear(struct dup_text *t)
{
    t->len = 0;
}
void dup_text_release(struct dup_text *t);
/* Appends the normal form of one field. ASSAY_NOMEM or ASSAY_OK. */
enum assay_status dup_text_add(struct dup_text *t, const struct assay_host *host,
                               struct assay_bytes field);
/* The same through host->fold whatever the text is; for tests. */
enum assay_status dup_text_add_folded(struct dup_text *t, const struct assay_host *host,
                                      struct assay_bytes field);
/* Whether there are at least `n` characters, ends of fields not counted. */
int dup_text_has(const struct dup_text *t, uint64_t n);

#endif
