/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/resolve.h: a host name to addresses, without making the caller wait.
 *
 * Numbers are answered at once. For names the C library has only a function that blocks, for as
 * long as a name server pleases; so it runs on a thread of its own that shares nothing but this
 * object, and announces the end through a descriptor. Whoever lets go last frees it: dropping a
 * lookup never waits for it.
 * Thread rule: an object belongs to the thread that started it.
 */
#ifndef ASSAY_DAEMON_REDIS_RESOLVE_H
#define ASSAY_DAEMON_REDIS_RESOLVE_H

#include "assay/base.h"

struct addrinfo;
struct assay_resolve;

enum assay_status assay_resolve_start(const char *host, const char *port,
                                      struct assay_resolve **ret, struct assay_error *err);
int assay_resolve_fd(const struct assay_resolve *r); /* readable at the end */
/* ASSAY_END: not yet. The list belongs to the lookup. */
enum assay_status assay_resolve_result(struct assay_resolve *r, const struct addrinfo **ret,
                                       struct assay_error *err);
void assay_resolve_drop(struct assay_resolve *r); /* accepts NULL */

#endif
