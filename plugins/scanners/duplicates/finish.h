/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/finish.h: private: from the merged state to findings, metrics and the index.
 *
 * In this order: groups of files and records (groups.h); answers, handed over (answers.h); what was delivered before; the
 * index of this delivery; clusters (clusters.h); long passages (spans.h); and what `across` has
 * gathered from all of them, and from what other scanners handed over (pictures.h). Texts that were to be seen again and were not are skips.
 */
#ifndef ASSAY_DUPLICATES_FINISH_H
#define ASSAY_DUPLICATES_FINISH_H

#include "assay/plugin.h"

/* The verb `finish` of the scanner; `merged` is a struct dup_local. */
enum assay_status dup_finish(const void *shared, void *merged, struct assay_sink *sink);

#endif
