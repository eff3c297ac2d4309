/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/speak.h: the scanners' last word. Internal to engine/.
 *
 * When all states are merged each scanner speaks of the whole dataset: findings that name files,
 * metrics, members of groups. They speak one after another on one thread, those that hand groups to
 * others before those (handover.h), so what is said is in one order.
 */
#ifndef ASSAY_ENGINE_SPEAK_H
#define ASSAY_ENGINE_SPEAK_H

#include "engine/worker.h"

/* `w` holds the merged states. A scanner that fails is a finding and a skip; ASSAY_NOMEM and
 * ASSAY_FULL end the audit, with a sentence. */
enum assay_status assay_speak(struct assay_worker *w, struct assay_error *err);

#endif
