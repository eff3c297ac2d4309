/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/notify.h: what a service manager and its service tell each other, without its library:
 * sd_notify(3), the watchdog, and a listening socket handed over at the start.
 *
 * All of it is a handful of environment variables and datagrams that systemd documents as stable.
 * The watchdog is fed from the loop itself, not from a thread or a timer of its own: a loop that
 * hangs stops feeding it, which is its point. The status line is made at most once a second and
 * sent only when it differs, so an idle daemon sends nothing.
 * Thread rule: the daemon's one thread; the environment is read before any other exists.
 */
#ifndef ASSAY_DAEMON_NOTIFY_H
#define ASSAY_DAEMON_NOTIFY_H

#include "assay/base.h"

#define ASSAY_NOTICE_STATUS_MAX 400

/* Sends one or more NAME=VALUE lines. Does nothing unless $NOTIFY_SOCKET is set. */
void assay_notify(const char *state);
int assay_notify_wanted(void);

/* Milliseconds between two signs of life: half of what $WATCHDOG_USEC allows; 0 when there is no
 * watchdog, or $WATCHDOG_PID says that it watches another process. */
uint64_t assay_watchdog_interval(void);

/* The listening socket that $LISTEN_FDS hands to this process ($LISTEN_PID), or -1 when there is
 * none. ASSAY_CONFIG when what was handed over is anything but one listening Unix stream socket
 * bound to `path`. Takes the variables out of the environment, so that no child believes them. */
enum assay_status assay_activated_socket(const char *path, int *ret_fd, struct assay_error *err);

#endif
