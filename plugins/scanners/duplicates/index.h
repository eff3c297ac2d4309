/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index.h: the keys of a delivery, kept in a file, and a later delivery looked up in it.
 *
 * What:  a file of sorted runs: an entry for every record (dup_entry, so that identical and
 *        normalised-identical records are told), band keys, the set of shingle hashes of every
 *        text, and the names of the files. So a near-duplicate of a record delivered long ago is
 *        verified exactly, and its partner named, without the old text.
 * Why:   no text is kept, only hashes; and a lookup is a search in sorted numbers, done while the
 *        new delivery is scanned, without a second look.
 * Format 1, little-endian: a head of DUP_INDEX_HEAD bytes (magic, parameters, counts, places of the
 *        sections, checksum); the sections, each a run of 64-bit words or bytes; the checksums: 64
 *        bits of XXH3-128 of every MiB of the sections. All of them are checked when the file is
 *        opened. An index that was made with other parameters is refused, with the parameter's
 *        name.
 * Ownership: the file is mapped and never written in place; writers put a new one beside it and
 *        rename. An open index is immutable: any thread may search.
 */
#ifndef ASSAY_DUPLICATES_INDEX_H
#define ASSAY_DUPLICATES_INDEX_H

#include "assay/plugin.h"

#include "table.h"

#define DUP_INDEX_MAGIC    UINT64_C(0x3158444959415341) /* "ASAYIDX1" */
#define DUP_INDEX_HEAD     4096u
#define DUP_INDEX_BLOCK    ((size_t)1 << 20)
#define DUP_INDEX_NAME_MAX 200u
#define DUP_INDEX_PARAMS   16u
#define DUP_INDEX_BUCKET   64u /* texts of one band key that are compared */
#define DUP_INDEX_MAX      64  /* indexes searched at once */

/* What must be the same in the index and now; `names` says which one is not. */
struct dup_params {
    const uint64_t *values;
    const char *const *names;
    unsigned n; /* at most DUP_INDEX_PARAMS */
};

enum dup_index_section {
    DUP_INDEX_ENTRIES, /* dup_entry, ascending */
    DUP_INDEX_BANDS,   /* band key, id; ascending. An id is the first word of an entry's key */
    DUP_INDEX_SETS,    /* id, first hash, number of hashes; ascending */
    DUP_INDEX_HASHES,
    DUP_INDEX_FILES, /* names, each ended by NUL, in the order of the inventory */
    DUP_INDEX_CHECKS,
    DUP_INDEX_SECTIONS
};

struct dup_index_span {
    uint64_t at;    /* bytes from the start of the file */
    uint64_t bytes; /* of the section */
};

struct dup_index_head {
    uint64_t magic;
    uint64_t n_params;
    uint64_t params[DUP_INDEX_PARAMS];
    uint64_t records;
    uint64_t files;
    struct dup_index_span sections[DUP_INDEX_SECTIONS];
    char name[DUP_INDEX_NAME_MAX + 8]; /* of the delivery; ended by NUL */
    uint64_t check;                    /* of everything before */
};

struct dup_index;

/* `shown` names the file in messages. ASSAY_CORRUPT, ASSAY_UNSUPPORTED (another format), ASSAY_CONFIG (another parameter), ASSAY_IO,
 * ASSAY_NOTFOUND, ASSAY_NOMEM. */
enum assay_status dup_index_open(const char *path, const struct dup_params *params,
                                 const struct assay_host *host, struct dup_index **ret,
                                 struct assay_error *err);
void dup_index_close(struct dup_index *x); /* accepts NULL */

const char *dup_index_name(const struct dup_index *x);
/* Name of a file of the delivery; "" when there is no such file. */
const char *dup_index_file(const struct dup_index *x, uint32_t file);

enum dup_likeness { DUP_UNLIKE, DUP_NEAR, DUP_SAME_FORM, DUP_SAME_BYTES };

/* The closest record of the delivery. */
struct dup_partner {
    enum dup_likeness likeness;
    uint64_t place;
    unsigned similarity; /* thousandths, rounded down */
    int capped;          /* a band key has more texts than were compared */
};

/* A record with the same normal form, or even the same bytes; the first of several. */
void dup_index_find(const struct dup_index *x, const struct dup_entry *e, struct dup_partner *ret);
/* The text with the largest Jaccard index of at least `threshold` thousandths among those that
 * share a band key; of several, the one with the first place. `set` is sorted, without repeats. */
void dup_index_find_near(const struct dup_index *x, const uint64_t *band_keys, unsigned n_bands,
                         const uint64_t *set, size_t n, unsigned threshold,
                         struct dup_partner *ret);

#endif
