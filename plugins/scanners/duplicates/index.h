/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index.h: a run: the keys of one or more deliveries, sorted, in one file.
 *
 * What:  an entry for every record (dup_entry, so that identical and normalised-identical records
 *        are told), band keys, the set of shingle hashes of every text, the deliveries, and the
 *        names of their files. So a near-duplicate of a record delivered long ago is verified
 *        exactly, and its partner named, without the old text.
 * Why:   no text is kept, only hashes; a lookup is a search in sorted numbers, done while the new
 *        delivery is scanned, without a second look; and sorted runs merge in one pass
 *        (index_merge.h). A run's bytes depend on its deliveries alone, not on how it came about.
 * Format 3, little-endian: a head of DUP_INDEX_HEAD bytes (magic, parameters, counts, places of the
 *        sections, checksum); the sections, each of 64-bit words or bytes; the checksums: 64 bits of
 *        XXH3-128 of every DUP_INDEX_BLOCK bytes of the sections. Deliveries stand in the order of
 *        their names; files are numbered through, delivery by delivery, each in the order of its
 *        inventory; so places (table.h) are in the same order in any run. A run made with other
 *        parameters is refused, with the parameter's name.
 * Trust: nothing is used that did not match its checksum. Head, deliveries and names are checked when
 *        a run is opened, any other block when something of it is first asked for, and an item, whether
 *        it points inside the run. So opening costs the same for a run of any size, and looking up
 *        what it touches; dup_index_verify reads everything. Two threads may check a block at once:
 *        both find the same. Damage is a status, kept with the run for its sentence.
 * Ownership: the file is mapped and never written in place; writers put a new one beside it and
 *        rename. An open run is immutable: any thread may search. Searching several: lookup.h.
 */
#ifndef ASSAY_DUPLICATES_INDEX_H
#define ASSAY_DUPLICATES_INDEX_H

#include "assay/plugin.h"

#include "table.h"

#define DUP_INDEX_MAGIC    UINT64_C(0x3358444959415341) /* "ASAYIDX3" */
#define DUP_INDEX_HEAD     4096u
#define DUP_INDEX_BLOCK    ((size_t)1 << 14)
#define DUP_INDEX_NAME_MAX 200u
#define DUP_INDEX_AT_ONCE  32u
#define DUP_INDEX_PARAMS   16u

/* What must be the same in the index and now; `names` says which one is not. */
struct dup_params {
    const uint64_t *values;
    const char *const *names;
    unsigned n; /* at most DUP_INDEX_PARAMS */
};

enum dup_index_section {
    DUP_INDEX_ENTRIES, /* dup_entry, ascending */
    DUP_INDEX_BANDS, /* band key, id; ascending, each once. An id is the first word of an entry's key */
    DUP_INDEX_SETS, /* id, first hash, number of hashes; ascending */
    DUP_INDEX_HASHES,
    DUP_INDEX_DELIVERIES, /* dup_index_delivery, by name */
    DUP_INDEX_FILES,      /* names, each ended by NUL */
    DUP_INDEX_CHECKS,
    DUP_INDEX_SECTIONS
};

#define DUP_SET_WORDS 3u

struct dup_index_span {
    uint64_t at;    /* bytes from the start of the file */
    uint64_t bytes; /* of the section */
};

struct dup_index_delivery {
    uint64_t first_file, files; /* its files are first_file .. first_file + files - 1 */
    uint64_t records;
    char name[DUP_INDEX_NAME_MAX + 8]; /* ended by NUL, zeroes behind it */
};

#define DUP_DELIVERY_WORDS (sizeof(struct dup_index_delivery) / 8)

struct dup_index_head {
    uint64_t magic;
    uint64_t n_params;
    uint64_t params[DUP_INDEX_PARAMS];
    uint64_t deliveries;
    uint64_t files;
    struct dup_index_span sections[DUP_INDEX_SECTIONS];
    uint64_t check; /* of everything before */
};

struct dup_index;

/* ASSAY_CORRUPT, ASSAY_UNSUPPORTED (another format),
 * ASSAY_CONFIG (another parameter), ASSAY_IO, ASSAY_NOTFOUND, ASSAY_NOMEM. `params` NULL: whichever
 * it was made with. `host` is borrowed. */
enum assay_status dup_index_open(const char *path, const struct dup_params *params,
                                 const struct assay_host *host, struct dup_index **ret,
                                 struct assay_error *err);
/* Only the head and the parameters are checked, and nothing is kept. */
enum assay_status dup_index_probe(const char *path, const struct dup_params *params,
                                  const struct assay_host *host, struct assay_error *err);
void dup_index_close(struct dup_index *x); /* accepts NULL */

/* What it was made with; valid as long as the run. */
const uint64_t *dup_index_params(const struct dup_index *x, unsigned *ret_n);
const struct dup_index_delivery *dup_index_deliveries(const struct dup_index *x, size_t *ret_n);
/* The delivery that a file is of: an index into the deliveries. */
size_t dup_index_delivery_of(const struct dup_index *x, uint32_t file);
/* Name of a file, as it stands in its delivery's manifest; "" when there is no such file. */
const char *dup_index_file(const struct dup_index *x, uint32_t file);
/* How many items a section has; not of the names of files. */
size_t dup_index_count(const struct dup_index *x, enum dup_index_section s);
/* The words of an item, which is there; NULL: it is damaged. */
const uint64_t *dup_index_item(const struct dup_index *x, enum dup_index_section s, size_t i);
/* `n` hashes from `first`, as an item of DUP_INDEX_SETS says; NULL: damaged. */
const uint64_t *dup_index_hashes(const struct dup_index *x, uint64_t first, uint64_t n);
/* The first of the items of a section whose first word is at least `key`. All that is asked of a
 * damaged run may be ASSAY_CORRUPT; dup_index_damage has the sentence. */
enum assay_status dup_index_from(const struct dup_index *x, enum dup_index_section s, uint64_t key,
                                 size_t *ret);
/* The same for several keys, DUP_INDEX_AT_ONCE at most, side by side: a search is a row of waits for
 * memory, and these wait together. */
enum assay_status dup_index_from_each(const struct dup_index *x, enum dup_index_section s,
                                      const uint64_t *keys, unsigned n, size_t *ret);
/* The set of the text `id`; *ret NULL: there is none. */
enum assay_status dup_index_set(const struct dup_index *x, uint64_t id, const uint64_t **ret,
                                size_t *ret_n);
/* Two different sets of one id would be a collision of 64 bits; then the shorter counts, or the one
 * that differs by a smaller hash, so that it does not matter where they are. Less than 0: a does. */
int dup_index_set_order(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b);
/* The first place of the text `id`; UINT64_MAX: it is not there. */
enum assay_status dup_index_place(const struct dup_index *x, uint64_t id, uint64_t *ret);
/* ASSAY_CORRUPT, with the first damage that was met so far: file and block. */
enum assay_status dup_index_damage(const struct dup_index *x, struct assay_error *err);
/* Checks every block and every item. ASSAY_CORRUPT, ASSAY_CANCELLED. */
enum assay_status dup_index_verify(const struct dup_index *x, struct assay_error *err);

#endif
