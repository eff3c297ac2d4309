/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/accepted.h: groups by a digest of their content, and those that somebody accepted.
 *
 * A digest says what is in a group, not where: of the bytes that its files or records share, of the
 * normal form that its records share, of all the texts of a cluster, in the order of their ids, of a
 * prompt with all its answers or with what both sides say, of a text and its partner in an earlier
 * delivery, or of all long passages that two records share.
 * So it is the same in another delivery, under other names, in another order, and for any number of
 * copies; a cluster that gained or lost a text is another one. It is not keyed, so a short text
 * could be guessed from it: findings show it only when the option `group_digests` asks for that.
 * It is XXH3 as everything here: it tells contents apart, it does not withstand whoever makes two
 * contents of one digest on purpose.
 *
 * An accepted group raises no finding, has no members, and is not counted with the others, but
 * apart. Accepting what is alike in normal form accepts its identical copies, too. Immutable once
 * built; any thread.
 */
#ifndef ASSAY_DUPLICATES_ACCEPTED_H
#define ASSAY_DUPLICATES_ACCEPTED_H

#include "assay/plugin.h"

#define DUP_ACCEPTED_MOST 10000 /* groups */
#define DUP_GROUP_WORDS   4     /* of a key */

/* Lists that were signed depend on the numbers: new kinds stand behind. */
enum dup_group_kind {
    DUP_GROUP_FILE,
    DUP_GROUP_RECORD,
    DUP_GROUP_NORMALISED,
    DUP_GROUP_NEAR,
    DUP_GROUP_ANSWERS,       /* a prompt and all its answers */
    DUP_GROUP_PREFERENCE,    /* a prompt, and what both sides say */
    DUP_GROUP_DELIVERED,     /* a text and its partner in an earlier delivery */
    DUP_GROUP_SPAN,          /* all long passages that two records share */
    DUP_GROUP_CONTAMINATION, /* the same, with an item of a benchmark */
    DUP_GROUP_IMAGE          /* pictures that look alike */
};

struct dup_digest {
    uint64_t word[2];
};

struct dup_accepted {
    const struct assay_host *host;
    struct dup_digest *rows; /* ascending */
    size_t n;
    int given; /* a list was given, be it an empty one */
    int shown; /* findings name their digest */
};

/* Groups set aside, and what they have beyond the first of each. */
struct dup_accepted_tally {
    uint64_t groups, extra;
};

static inline void dup_accepted_tally_add(struct dup_accepted_tally *to,
                                          struct dup_accepted_tally what)
{
    to->groups += what.groups;
    to->extra += what.extra;
}

/* Reads the options `accepted` and `group_digests`. */
enum assay_status dup_accepted_init(struct dup_accepted *a, const struct assay_host *host,
                                    struct assay_error *err);
void dup_accepted_release(struct dup_accepted *a);
/* Whether anybody asks for digests; `a` may be NULL. */
static inline int dup_accepted_asks(const struct dup_accepted *a)
{
    return a != NULL && (a->n > 0 || a->shown);
}
/* The digest of a group: of the key that its members share, of at most DUP_GROUP_WORDS words. */
struct dup_digest dup_group_digest(const struct dup_accepted *a, enum dup_group_kind kind,
                                   const uint64_t *key, size_t n);
/* The digest of a group word by word: of a cluster, the ids of its texts in ascending order, from
 * zeroes on. */
struct dup_digest dup_digest_add(const struct dup_accepted *a, enum dup_group_kind kind,
                                 struct dup_digest so_far, uint64_t word);
int dup_accepted_has(const struct dup_accepted *a, struct dup_digest d);
/* Whether the group of a key is accepted. *ret: its digest, left alone where nobody asks; NULL: it
 * is of no interest. */
int dup_accepted_group(const struct dup_accepted *a, enum dup_group_kind kind, const uint64_t *key,
                       size_t n, struct dup_digest *ret);
/* Appends "; group KIND:DIGITS" to the detail of a finding, where that is wanted. */
void dup_digest_say(const struct dup_accepted *a, enum dup_group_kind kind, struct dup_digest d,
                    char *detail, size_t cap);

#endif
