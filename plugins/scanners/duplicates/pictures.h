/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/pictures.h: private: pictures that look alike, as another scanner found them.
 *
 * Topic "pictures": members are files of pictures (ASSAY_NO_RECORD) and the records that name them,
 * all of them; the key is a hash of what the pictures are. Handed over at the end, before this
 * scanner finishes; also a picture that is like no other, since records of two splits may name it.
 * Who finds them knows nothing of splits or lists, so it is told here: how many members each split
 * has, the digest of the group, whether it was accepted. A group that crosses splits is leakage, in
 * a tier of its own.
 */
#ifndef ASSAY_DUPLICATES_PICTURES_H
#define ASSAY_DUPLICATES_PICTURES_H

#include "assay/plugin.h"

/* The topics, and the verb `take` of the scanner; `state` is a merged struct dup_local. */
extern const char *const dup_takes[];
enum assay_status dup_take(const void *shared, void *state, const struct assay_group *g,
                           struct assay_reply *reply, struct assay_sink *sink);

#endif
