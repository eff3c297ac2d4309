/* SPDX-License-Identifier: Apache-2.0
 *
 * images/members.h: private: who is in a group: files of pictures, and the records that name them.
 *
 * One list is filled anew for each group, so it allocates as often as groups grow. Errors stay: after
 * one nothing is added, and whoever hands the list on looks at `status` first. Single owner.
 */
#ifndef ASSAY_IMAGES_MEMBERS_H
#define ASSAY_IMAGES_MEMBERS_H

#include "local.h"

struct image_members {
    struct assay_member *rows;
    size_t n, cap;
    enum assay_status status;
};

void image_members_release(struct image_members *m);
static inline void image_members_clear(struct image_members *m)
{
    m->n = 0;
}
/* Adds the file. */
void image_members_add_file(struct image_members *m, uint32_t file);
/* Adds the file and all records that name it; the references of `l` are sorted. */
void image_members_add_picture(struct image_members *m, const struct images_local *l,
                               uint32_t file);
/* By file, then record, each once. */
void image_members_settle(struct image_members *m);

#endif
