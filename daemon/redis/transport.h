/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/transport.h: a stream of bytes to a server that never makes anyone wait.
 *
 * What:  Unix socket, TCP or TLS over TCP behind one interface: step until connected, then read and
 *        write what can move now. The client libraries of Redis connect and read in ways that block
 *        or know no TLS in older versions; here only their formatter and parser are used (codec.h).
 * How:   the owner polls assay_transport_fd for assay_transport_events and calls again. The
 *        descriptor may change until the transport is connected (a name is looked up, the next
 *        address tried). Time limits are the owner's.
 * TLS:   1.2 or later; the server's certificate must be valid for the host, against ca_file or the
 *        system's authorities. There is no switch to turn that off.
 * Thread rule: one thread. SIGPIPE must be ignored by the program.
 */
#ifndef ASSAY_DAEMON_REDIS_TRANSPORT_H
#define ASSAY_DAEMON_REDIS_TRANSPORT_H

#include "daemon/redis/address.h"

struct assay_transport;

struct assay_redis_tls {
    const char *ca_file;              /* NULL: the system's */
    const char *cert_file, *key_file; /* of the client; NULL */
};

enum assay_status assay_transport_open(const struct assay_redis_address *a,
                                       const struct assay_redis_tls *tls,
                                       struct assay_transport **ret, struct assay_error *err);
/* ASSAY_OK: connected. ASSAY_END: wait and call again. Anything else: close it. */
enum assay_status assay_transport_step(struct assay_transport *t, struct assay_error *err);
int assay_transport_fd(const struct assay_transport *t);
short assay_transport_events(const struct assay_transport *t); /* POLLIN, POLLOUT or both */
/* *ret_n bytes moved; ASSAY_END: none now. A closed connection is ASSAY_UNREACHABLE. */
enum assay_status assay_transport_read(struct assay_transport *t, void *buf, size_t cap,
                                       size_t *ret_n, struct assay_error *err);
enum assay_status assay_transport_write(struct assay_transport *t, const void *data, size_t len,
                                        size_t *ret_n, struct assay_error *err);
void assay_transport_close(struct assay_transport *t); /* accepts NULL */

#endif
