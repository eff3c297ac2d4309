/* SPDX-License-Identifier: Apache-2.0
 *
 * images/finish.h: private: from the merged state to findings, members and metrics.
 *
 * What looks alike is found (near.h) and told, group by group, in the order of their first pictures;
 * then what is alike once turned, pair by pair; then the metrics.
 *
 * Before anything is told of a group it is handed over (topic "pictures"): every file of it, copies
 * of the same bytes included, and every record that names one, since whoever knows of splits must
 * see all; also a picture that is like no other, compared or not, which records may name. What comes
 * back stands at the end of the finding; a group that was accepted is not spoken of, and counts in
 * no ratio. A turned pair is handed over as all members of both groups; of a group that was accepted
 * only its first picture is.
 * The key is a hash over the contents of a group's pictures in ascending order (of a turned pair,
 * over the keys of both groups): neither names nor the number of copies enter.
 */
#ifndef ASSAY_IMAGES_FINISH_H
#define ASSAY_IMAGES_FINISH_H

#include "assay/plugin.h"

/* The verb `finish` of the scanner; `merged` is a struct images_local. */
enum assay_status images_finish(const void *shared, void *merged, struct assay_sink *sink);

#endif
