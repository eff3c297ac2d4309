/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/hand.h: which files a worker has in hand, so that it is known of a worker that broke.
 *
 * What:  the anonymous file that brought the job is emptied once it is read, and becomes a board:
 *        one slot for each file that may be in hand at once. The worker writes to it through a shared
 *        mapping; the daemon, which kept a descriptor, reads it when the worker has ended.
 * Why:   a line on the pipe for each of a million small files would cost both sides more than the
 *        files; this costs a copy of the name, and is there however the worker ended.
 * Trust: the worker may write anything. The daemon reads with pread (a mapping of a file that others
 *        can cut short may fault), once, within bounds. What it can learn from it is which files not
 *        to open, and that makes an audit INCOMPLETE.
 * Thread rule: a slot belongs to one thread at a time; see struct assay_audit_options, in_hand.
 */
#ifndef ASSAY_DAEMON_HAND_H
#define ASSAY_DAEMON_HAND_H

#include "assay/base.h"

struct assay_hand;

/* Worker: makes the job file `fd` the board. NULL when it is not the kind of file that assayd gives,
 * which is left as it is: then nothing is told. */
struct assay_hand *assay_hand_open(int fd);
/* `file` is begun; NULL: what is in the slot is done with. A name beyond ASSAY_LIMIT_NAME is not
 * told. Accepts NULL as `h`. */
void assay_hand_tell(struct assay_hand *h, unsigned slot, const char *file);
void assay_hand_close(struct assay_hand *h); /* accepts NULL; what was told stays in the file */

/* Daemon: calls `each` with every file in hand, in order of slots, as long as it returns ASSAY_OK;
 * returns what it returned last. Nothing is in hand of a worker that made no board. */
enum assay_status
assay_hand_read(int fd, enum assay_status (*each)(void *ctx, struct assay_bytes name), void *ctx);

#endif
