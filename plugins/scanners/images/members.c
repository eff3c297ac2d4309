/* SPDX-License-Identifier: Apache-2.0
 *
 * images/members.c: see the header.
 */
#include "members.h"

#include <stdlib.h>

#include "references.h"

void image_members_release(struct image_members *m)
{
    free(m->rows);
    *m = (struct image_members){.rows = NULL};
}

static void add(struct image_members *m, struct assay_member row)
{
    if (m->n == m->cap) {
        const size_t cap = m->cap == 0 ? 64 : 2 * m->cap;
        void *p = realloc(m->rows, cap * sizeof row);
        if (p == NULL) {
            m->status = ASSAY_NOMEM;
            return;
        }
        m->rows = p;
        m->cap = cap;
    }
    m->rows[m->n++] = row;
}

void image_members_add_file(struct image_members *m, uint32_t file)
{
    add(m, (struct assay_member){file, ASSAY_NO_RECORD});
}

void image_members_add_picture(struct image_members *m, const struct images_local *l, uint32_t file)
{
    size_t i = image_references_of(l, file);
    image_members_add_file(m, file);
    for (; i < l->n_references && l->references[i].image == file && m->status == ASSAY_OK; i++) {
        const struct image_reference *r = &l->references[i];
        add(m, (struct assay_member){r->file, r->record});
    }
}

static int by_place(const void *x, const void *y)
{
    const struct assay_member *a = x, *b = y;
    if (a->file != b->file) {
        return a->file < b->file ? -1 : 1;
    }
    return a->record < b->record ? -1 : a->record > b->record;
}

void image_members_settle(struct image_members *m)
{
    size_t kept = 0;
    if (m->n > 1) {
        qsort(m->rows, m->n, sizeof m->rows[0], by_place);
    }
    for (size_t i = 0; i < m->n; i++) {
        if (kept == 0 || by_place(&m->rows[kept - 1], &m->rows[i]) != 0) {
            m->rows[kept++] = m->rows[i];
        }
    }
    m->n = kept;
}
