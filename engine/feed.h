/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/feed.h: cutting decoded text at record boundaries. Internal to source.c.
 */
#ifndef ASSAY_ENGINE_FEED_H
#define ASSAY_ENGINE_FEED_H

#include "engine/source.h"

/* Reads on and puts the next whole records into `b` (none when only an over-long record was passed
 * over). Sets s->text_ended with the last. */
enum assay_status assay_feed_step(struct assay_source *s, struct assay_block *b,
                                  struct assay_collector *c, struct assay_error *err);
/* Makes room in `b` for `want` bytes of text and the padding, keeping `keep` bytes from `from` on.
 */
enum assay_status assay_block_grow(struct assay_block *b, size_t want, size_t from, size_t keep);

#endif
