/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/accepted.c: see the header.
 */
#include "accepted.h"

#include <stdlib.h>

#define SEED_GROUP UINT64_C(16) /* and the kind */
#define DIGITS     32

static const char *const kind_names[] = {"file",          "record",     "normalised", "near",
                                         "answers",       "preference", "delivered",  "span",
                                         "contamination", "image"};

/* ---- digests -----------------------------------------------------------------------------------
 */

static struct dup_digest digest_of(const struct dup_accepted *a, enum dup_group_kind kind,
                                   const uint64_t *words, size_t n)
{
    uint8_t le[8 * DUP_GROUP_WORDS];
    struct dup_digest d;
    for (size_t i = 0; i < 8 * n; i++) {
        le[i] = (uint8_t)(words[i / 8] >> (8 * (i % 8)));
    }
    a->host->hash128(a->host->ctx, le, 8 * n, SEED_GROUP + kind, d.word);
    return d;
}

struct dup_digest dup_group_digest(const struct dup_accepted *a, enum dup_group_kind kind,
                                   const uint64_t *key, size_t n)
{
    return digest_of(a, kind, key, n < DUP_GROUP_WORDS ? n : DUP_GROUP_WORDS);
}

struct dup_digest dup_digest_add(const struct dup_accepted *a, enum dup_group_kind kind,
                                 struct dup_digest so_far, uint64_t word)
{
    const uint64_t words[] = {so_far.word[0], so_far.word[1], word};
    return digest_of(a, kind, words, 3);
}

void dup_digest_say(const struct dup_accepted *a, enum dup_group_kind kind, struct dup_digest d,
                    char *detail, size_t cap)
{
    const size_t len = strlen(detail);
    if (a->shown) {
        (void)snprintf(detail + len, cap - len, "; group %s:%016llx%016llx", kind_names[kind],
                       (unsigned long long)d.word[0], (unsigned long long)d.word[1]);
    }
}

/* ---- what is accepted --------------------------------------------------------------------------
 */

static int by_digest(const void *pa, const void *pb)
{
    const struct dup_digest *a = pa, *b = pb;
    const unsigned w = a->word[0] == b->word[0];
    return a->word[w] < b->word[w] ? -1 : a->word[w] > b->word[w];
}

int dup_accepted_has(const struct dup_accepted *a, struct dup_digest d)
{
    return a->n > 0 && bsearch(&d, a->rows, a->n, sizeof a->rows[0], by_digest) != NULL;
}

int dup_accepted_group(const struct dup_accepted *a, enum dup_group_kind kind, const uint64_t *key,
                       size_t n, struct dup_digest *ret)
{
    if (!dup_accepted_asks(a)) {
        return 0;
    }
    const struct dup_digest d = dup_group_digest(a, kind, key, n);
    if (ret != NULL) {
        *ret = d;
    }
    return dup_accepted_has(a, d);
}

/* 32 lower-case digits at `text`. */
static int read_digest(const char *text, struct dup_digest *ret)
{
    static const char hex[] = "0123456789abcdef";
    *ret = (struct dup_digest){{0, 0}};
    for (unsigned i = 0; i < DIGITS; i++) {
        const char *digit = text[i] == '\0' ? NULL : strchr(hex, text[i]);
        if (digit == NULL) {
            return 0;
        }
        ret->word[i / 16] = ret->word[i / 16] << 4 | (uint64_t)(digit - hex);
    }
    return 1;
}

/* Digests with commas between. */
static enum assay_status read_list(struct dup_accepted *a, const char *text,
                                   struct assay_error *err)
{
    const size_t n = (strlen(text) + 1) / (DIGITS + 1);
    if (n > DUP_ACCEPTED_MOST) {
        return assay_fail(err, ASSAY_CONFIG, "duplicates.accepted: more than %d groups",
                          DUP_ACCEPTED_MOST);
    }
    a->rows = calloc(n + 1, sizeof *a->rows);
    if (a->rows == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'duplicates'");
    }
    for (const char *p = text; a->n < n; p += DIGITS + 1) {
        const int last = a->n + 1 == n;
        if (!read_digest(p, &a->rows[a->n++]) || p[DIGITS] != (last ? '\0' : ',')) {
            return assay_fail(err, ASSAY_CONFIG,
                              "duplicates.accepted: entry %zu is not a digest of 32 lower-case "
                              "hexadecimal digits, with a comma before the next",
                              a->n);
        }
    }
    qsort(a->rows, a->n, sizeof a->rows[0], by_digest);
    return ASSAY_OK;
}

enum assay_status dup_accepted_init(struct dup_accepted *a, const struct assay_host *host,
                                    struct assay_error *err)
{
    const char *list = host->option(host->ctx, "accepted");
    const char *shown = host->option(host->ctx, "group_digests");
    a->host = host;
    a->given = list != NULL;
    a->shown = shown != NULL && strcmp(shown, "true") == 0;
    if (list != NULL && *list != '\0' && (strlen(list) + 1) % (DIGITS + 1) != 0) {
        return assay_fail(err, ASSAY_CONFIG,
                          "duplicates.accepted takes digests of 32 hexadecimal digits, separated "
                          "by commas");
    }
    return list == NULL || *list == '\0' ? ASSAY_OK : read_list(a, list, err);
}

void dup_accepted_release(struct dup_accepted *a)
{
    free(a->rows);
    a->rows = NULL;
    a->n = 0;
}
