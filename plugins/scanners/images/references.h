/* SPDX-License-Identifier: Apache-2.0
 *
 * images/references.h: private: records that name a picture of the dataset.
 *
 * A reference is a field whose whole value is a path that ends in .jpg, .jpeg or .png, from the top
 * of the dataset or from the record's own directory. Whether the file is a picture is not known when
 * the record is read; at the end only those of pictures are looked up. Paths that lead to no file
 * are counted.
 */
#ifndef ASSAY_IMAGES_REFERENCES_H
#define ASSAY_IMAGES_REFERENCES_H

#include "local.h"

/* Takes the field if it names a picture. What does not fit is a skip. */
void image_reference_take(struct images_local *l, const struct assay_batch *b,
                          const struct assay_field *f, struct assay_sink *sink);
/* Sorts what was taken by picture, then by place. */
void image_references_sort(struct images_local *l);
/* Of references that are sorted: the first of a picture, which may be another's or n_references
 * when it has none. */
size_t image_references_of(const struct images_local *l, uint32_t image);

#endif
