/* SPDX-License-Identifier: Apache-2.0
 *
 * images/decode.h: JPEG and PNG bytes into luminance, no larger than a perceptual hash needs.
 *
 * A picture is decoded line by line by libjpeg or libpng, and of each line only the sampled pixels
 * are kept; only an interlaced PNG and a progressive JPEG are held whole while they are decoded,
 * up to IMAGE_MEMORY. Damage is a status, never an exit: both libraries' errors come back here. A
 * picture that breaks off in the middle is damaged, even where the library would pad it.
 * Source: luminance is that of ITU-R BT.601 (0.299, 0.587, 0.114). Transparency is ignored, as the
 * reference program of the hash does. Thread rule: pure.
 */
#ifndef ASSAY_IMAGES_DECODE_H
#define ASSAY_IMAGES_DECODE_H

#include "assay/base.h"

#include "pdq.h"

#define IMAGE_SIDE_MAX   65500u /* what JPEG can say */
#define IMAGE_PIXELS_MAX (UINT64_C(256) << 20)
#define IMAGE_MEMORY     ((size_t)256 << 20) /* of one picture while it is decoded */

enum image_kind { IMAGE_NONE, IMAGE_JPEG, IMAGE_PNG };

/* By signature. */
enum image_kind image_kind_of(struct assay_bytes file);
/* ASSAY_OK, ASSAY_CORRUPT (damaged), ASSAY_LIMIT (larger than the bounds above), ASSAY_UNSUPPORTED
 * (a coding that the library does not know), ASSAY_NOMEM. */
enum assay_status image_decode(struct assay_bytes file, struct pdq_picture *ret);

#endif
