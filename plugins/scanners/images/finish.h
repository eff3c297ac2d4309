/* SPDX-License-Identifier: Apache-2.0
 *
 * images/finish.h: private: from the merged state to findings, members and metrics.
 *
 * What looks alike is found (near.h) and told, group by group, in the order of their first pictures;
 * then what is alike once turned, pair by pair; then the metrics.
 */
#ifndef ASSAY_IMAGES_FINISH_H
#define ASSAY_IMAGES_FINISH_H

#include "assay/plugin.h"

/* The verb `finish` of the scanner; `merged` is a struct images_local. */
enum assay_status images_finish(const void *shared, void *merged, struct assay_sink *sink);

#endif
