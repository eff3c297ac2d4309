/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/handover.h: groups that one scanner hands to another. Internal to engine/.
 *
 * What:  assay_sink.hand finds the scanners that take a topic and gives each the group at once, into
 *        the state of the worker that speaks: nothing is stored, so nothing has to be bounded.
 * Why:   what is known of a group is known in different rooms: one scanner sees that pictures look
 *        alike, another of which split they are and what was accepted. Both stay apart.
 * Order: in a scan() any; at the end givers finish before takers (assay_handover_order). A descriptor
 *        that hands over what it does not list would be heard by some and not by others, so the
 *        end of a taker is remembered, and handing it more is a failure of the giver.
 */
#ifndef ASSAY_ENGINE_HANDOVER_H
#define ASSAY_ENGINE_HANDOVER_H

#include "engine/sink.h"

/* Fills order[] with the indexes of run->scanners, givers before takers, else by name. ASSAY_CONFIG
 * when some hand to each other in a circle. */
enum assay_status assay_handover_order(const struct assay_run *run, uint8_t *order,
                                       struct assay_error *err);
/* Whether a scanner takes groups of that topic. */
int assay_handover_is_taken(const struct assay_scanner *s, const char *topic);
/* assay_sink.hand; `ctx` is a collector whose `states` are set. */
enum assay_status assay_handover_give(void *ctx, const struct assay_group *g,
                                      struct assay_reply *reply);

#endif
