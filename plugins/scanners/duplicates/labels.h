/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/labels.h: what a record belongs to: a split (splits.h), a source (sources.h).
 *
 * A label is a small number with a name that may appear in metrics; label 0 is "none". A file has a
 * label by its name, known before anything is read. A record may have one of its own, by the value
 * of a field; that one counts. Names come from this program, from its options or from names of
 * directories, never from values, so that no value reaches a report by way of a metric.
 *
 * Labels of records are marks, one byte a record in pages of 4,096, held only where a field was
 * asked for; the first record of a page pays for all of it. A table of pages is found by hashing.
 * How many pages there may be is a bound (the caller's), and what does not fit is the caller's to
 * count. Labels are immutable once built and may be shared; marks and sums have a single owner and
 * merge in any order.
 */
#ifndef ASSAY_DUPLICATES_LABELS_H
#define ASSAY_DUPLICATES_LABELS_H

#include "assay/plugin.h"

#include "../common/state.h"
#include "table.h"

#define DUP_LABELS     64 /* "none" included */
#define DUP_LABEL_NAME 32 /* bytes of a name, its end included */
#define DUP_LABEL_NONE 0
#define DUP_MARK_NONE  255 /* a mark that says: none, whatever the file is */
#define DUP_PAGE_BITS  12
#define DUP_PAGE       (1u << DUP_PAGE_BITS)

/* ---- labels ------------------------------------------------------------------------------------
 */

struct dup_labels {
    char names[DUP_LABELS][DUP_LABEL_NAME]; /* of n labels; names[0] is "none" */
    unsigned n;
    uint8_t *by_file; /* NULL: no file has a label */
    uint32_t n_files;
    const char *field; /* JSON Pointer, the host's; NULL: files only */
};

void dup_labels_release(struct dup_labels *l);
/* Whether `name` may be one: a-z, 0-9 and '-', no longer than fits, not "none". */
int dup_label_name_ok(struct assay_bytes name);
/* The label of that name; 0: there is none. */
unsigned dup_labels_find(const struct dup_labels *l, struct assay_bytes name);
/* The same, added when there is room; 0: there is none. */
unsigned dup_labels_add(struct dup_labels *l, struct assay_bytes name);
/* Fills by_file with what `of` says of each name the host has. ASSAY_NOMEM or ASSAY_OK. */
enum assay_status dup_labels_read_files(struct dup_labels *l, const struct assay_host *host,
                                        unsigned (*of)(const struct dup_labels *l, void *ctx,
                                                       const char *name),
                                        void *ctx);
/* One number for all that decides what a label means; states of different ones do not mix. */
uint64_t dup_labels_digest(const struct dup_labels *l, const struct assay_host *host);

static inline unsigned dup_labels_of_file(const struct dup_labels *l, uint32_t file)
{
    return file < l->n_files ? l->by_file[file] : DUP_LABEL_NONE;
}

/* The value of l->field in a record, a string; len 0 with a NULL ptr when there is none. */
struct assay_bytes dup_labels_value(const struct dup_labels *l, const struct assay_batch *b,
                                    const struct assay_record *r);

/* ---- marks -------------------------------------------------------------------------------------
 */

struct dup_page {
    uint64_t at; /* place >> DUP_PAGE_BITS */
    uint8_t *bytes;
};

/* Zeroed: empty. */
struct dup_marks {
    struct dup_page *pages; /* open addressing, `cap` a power of two */
    size_t n, cap;
};

void dup_marks_release(struct dup_marks *m);
/* Sets the mark (not 0) of a place. ASSAY_LIMIT: there would be more than `max` pages. */
enum assay_status dup_marks_set(struct dup_marks *m, uint64_t place, uint8_t mark, size_t max);
uint8_t dup_marks_get(const struct dup_marks *m, uint64_t place); /* 0: none was set */
/* Moves everything out of `from`. On ASSAY_NOMEM both stay releasable. */
enum assay_status dup_marks_join(struct dup_marks *into, struct dup_marks *from);

/* The label of a place: its mark, or else that of its file. */
static inline unsigned dup_label_at(const struct dup_labels *l, const struct dup_marks *m,
                                    uint64_t place)
{
    uint8_t mark = m->n == 0 ? 0 : dup_marks_get(m, place);
    if (mark != 0) {
        return mark == DUP_MARK_NONE ? DUP_LABEL_NONE : mark;
    }
    return dup_labels_of_file(l, dup_place_file(place));
}

/* ---- saved -------------------------------------------------------------------------------------
 */

void dup_marks_save(const struct dup_marks *m, struct state_out *out);
/* Adds what was saved; `n_labels` bounds the marks. ASSAY_CORRUPT when it is not that. */
enum assay_status dup_marks_load(struct dup_marks *m, unsigned n_labels, size_t max,
                                 struct state_in *in);

#endif
