/* SPDX-License-Identifier: Apache-2.0
 *
 * images/saved.h: private: a state as bytes: counts, then pictures, references and
 * pictures that are not compared, in any order.
 */
#ifndef ASSAY_IMAGES_SAVED_H
#define ASSAY_IMAGES_SAVED_H

#include "assay/plugin.h"

/* The verbs `save` and `load` of the scanner. */
enum assay_status images_save(const void *shared, const void *local,
                              enum assay_status (*put)(void *ctx, const void *data, size_t len),
                              void *ctx);
enum assay_status images_load(const void *shared, void *local, struct assay_bytes data,
                              struct assay_error *err);

#endif
