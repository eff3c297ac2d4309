/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/local.c: see the header.
 */
#include "local.h"

#include <stdlib.h>

enum assay_status dup_local_init(const void *shared, void **ret, struct assay_error *err)
{
    struct dup_local *l = calloc(1, sizeof *l);
    *ret = l;
    if (l == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'duplicates'");
    }
    l->shared = shared;
    for (unsigned i = 0; i < DUP_TABLES; i++) {
        l->tables[i].pairs = dup_words_of(i) == DUP_PAIR_WORDS;
    }
    dup_keep_init(&l->keep, atomic_fetch_add(&l->shared->sharers->made, 1));
    (void)atomic_fetch_add(&l->shared->sharers->locals, 1);
    return ASSAY_OK;
}

void dup_local_free(void *local)
{
    struct dup_local *l = local;
    if (l != NULL) {
        for (unsigned i = 0; i < DUP_TABLES; i++) {
            dup_table_release(&l->tables[i]);
        }
        dup_local_heard(l);
        dup_across_local_release(&l->across);
        dup_text_release(&l->text);
        dup_mask_release(&l->mask);
        dup_turns_release(&l->turns);
        dup_shingler_release(&l->shingler);
        dup_near_release(&l->near);
        dup_spots_release(&l->spots);
        dup_spans_release(&l->spans);
        dup_keep_release(&l->keep);
        (void)atomic_fetch_sub(&l->shared->sharers->locals, 1);
        free(l);
    }
}

enum assay_status dup_local_add(struct dup_local *l, unsigned table, const struct dup_entry *e)
{
    uint64_t words[DUP_ENTRY_WORDS];
    dup_entry_words(e, words);
    return dup_table_add(&l->tables[table], l->shared->host, dup_local_most(l, table), words);
}

enum assay_status dup_local_mark(struct dup_local *l, unsigned table, uint64_t place, uint8_t mark)
{
    return mark == 0 ? ASSAY_OK
                     : dup_marks_add(&l->tables[table], l->shared->host, dup_local_most(l, table),
                                     place, mark);
}

enum assay_status dup_local_settle_marks(struct dup_local *l)
{
    const struct dup_shared *s = l->shared;
    return dup_across_settle(&s->across, &l->across, &l->tables[DUP_TABLE_SPLITS],
                             &l->tables[DUP_TABLE_SOURCES], dup_fitting(s, DUP_PAIR_PARTS, 1, 1));
}

enum assay_status dup_local_listen(struct dup_local *l)
{
    const struct dup_shared *s = l->shared;
    if (dup_local_listens(l)) {
        return ASSAY_OK;
    }
    const enum assay_status st = dup_local_settle_marks(l);
    return st == ASSAY_OK ? dup_across_begin(&l->report, &s->across, &l->across,
                                             dup_fitting(s, DUP_PAIR_PARTS, 1, DUP_ENTRY_BYTES))
                          : st;
}

void dup_local_heard(struct dup_local *l)
{
    dup_across_report_release(&l->report);
    l->report.across = NULL;
}

enum assay_status dup_local_merge(const void *shared, void *into, void *from,
                                  struct assay_error *err)
{
    struct dup_local *a = into;
    struct dup_local *b = from;
    (void)shared;
    if (dup_local_listens(a) || dup_local_listens(b)) {
        return assay_fail(err, ASSAY_USAGE, "groups were handed over before all was read");
    }
    for (unsigned i = 0; i < DUP_TABLES; i++) {
        enum assay_status st = dup_table_join(&a->tables[i], &b->tables[i]);
        if (st != ASSAY_OK) {
            return assay_fail(err, st, "no memory to merge duplicate keys");
        }
    }
    if (dup_keep_join(&a->keep, &b->keep) != ASSAY_OK) {
        return assay_fail(err, ASSAY_IO, "cannot merge what is kept for the index");
    }
    for (unsigned i = 0; i < DUP_COUNTS; i++) {
        a->counts[i] += b->counts[i];
        b->counts[i] = 0;
    }
    dup_earlier_add(&a->delivered, &b->delivered);
    dup_across_join(&a->across, &b->across);
    return ASSAY_OK;
}
