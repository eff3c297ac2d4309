/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/labels.h: what a record belongs to: a split (splits.h), a source (sources.h).
 *
 * A label is a small number with a name that may appear in metrics; label 0 is "none". A file has a
 * label by its name, known before anything is read. A record may have one of its own, by the value
 * of a field; that one counts. Names come from this program, from its options or from names of
 * directories, never from values, so that no value reaches a report by way of a metric.
 *
 * Labels of records are marks, of which there are only where a field was asked for. While records
 * are read, eight of them that stand side by side are an entry of a table of pairs (table.h): so
 * they go to disk, merge and are saved as the keys of records are, at two bytes a record. Records
 * of a chunk come in order, hence the entry to add to is the last one; where two workers, or two
 * states, marked records of one block there are several entries for it, and their marks are put
 * together when they are read. At the end marks are asked for in no order: they are laid out once,
 * in the order of records, in rows (rows.h) that are found by where an unbroken stretch begins.
 *
 * Labels are immutable once built and may be shared; marks have a single owner and merge in any
 * order.
 */
#ifndef ASSAY_DUPLICATES_LABELS_H
#define ASSAY_DUPLICATES_LABELS_H

#include "assay/plugin.h"

#include "rows.h"
#include "table.h"

#define DUP_LABELS     64 /* "none" included */
#define DUP_LABEL_NAME 32 /* bytes of a name, its end included */
#define DUP_LABEL_NONE 0
#define DUP_MARK_NONE  255 /* a mark that says: none, whatever the file is */

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

/* Adds the mark (not 0) of a place; `max` as in dup_table_add. */
enum assay_status dup_marks_add(struct dup_table *t, const struct assay_host *host, size_t max,
                                uint64_t place, uint8_t mark);
/* Whether an entry, as it was saved, has marks, all of them of `n_labels` labels. */
int dup_marks_are_sound(const uint64_t *entry, unsigned n_labels);

/* Marks to be asked for. Zeroed: there are none. */
struct dup_marks {
    struct dup_rows words;     /* eight marks each, by place */
    struct dup_rows stretches; /* of blocks without a gap: the first block, the row of its marks */
};

/* Lays out the marks of a table, which is emptied; without any nothing changes. `bytes` may be held
 * in memory. */
enum assay_status dup_marks_settle(struct dup_marks *m, struct dup_table *t,
                                   const struct assay_host *host, size_t bytes);
/* 0: none was set, or dup_marks_status says why it cannot be told. */
uint8_t dup_marks_get(struct dup_marks *m, uint64_t place);
enum assay_status dup_marks_status(const struct dup_marks *m);
void dup_marks_release(struct dup_marks *m);

/* The label that a mark says, of a record of that file. */
static inline unsigned dup_label_of(const struct dup_labels *l, uint32_t file, uint8_t mark)
{
    if (mark == 0) {
        return dup_labels_of_file(l, file);
    }
    return mark == DUP_MARK_NONE ? DUP_LABEL_NONE : mark;
}

/* The label of a place: its mark, or else that of its file. */
static inline unsigned dup_label_at(const struct dup_labels *l, struct dup_marks *m, uint64_t place)
{
    return dup_label_of(l, dup_place_file(place), m->words.n == 0 ? 0 : dup_marks_get(m, place));
}

#endif
