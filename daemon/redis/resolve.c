/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/redis/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/status.h"

struct assay_resolve {
    atomic_int holders;
    atomic_int done;
    int event_fd;
    int error; /* of getaddrinfo; written before `done` */
    struct addrinfo *list;
    char host[256], port[8];
};

/* The last of the two holders, thread and client, releases it. */
static void let_go(struct assay_resolve *r)
{
    if (atomic_fetch_sub(&r->holders, 1) == 1) {
        if (r->list != NULL) {
            freeaddrinfo(r->list);
        }
        (void)close(r->event_fd);
        free(r);
    }
}

static int look_up(struct assay_resolve *r, int flags)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    return getaddrinfo(r->host, r->port, &hints, &r->list);
}

static void announce(struct assay_resolve *r, int error)
{
    const uint64_t one = 1;
    r->error = error;
    atomic_store(&r->done, 1);
    (void)!write(r->event_fd, &one, sizeof one);
}

static void *resolver(void *arg)
{
    struct assay_resolve *r = arg;
    announce(r, look_up(r, AI_ADDRCONFIG));
    let_go(r);
    return NULL;
}

/* The thread takes no signal: they belong to the main loop. */
static int start_thread(struct assay_resolve *r)
{
    pthread_t thread;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_fetch_add(&r->holders, 1);
    int failed = pthread_create(&thread, NULL, resolver, r);
    if (failed != 0) {
        atomic_fetch_sub(&r->holders, 1);
    } else {
        (void)pthread_detach(thread);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

enum assay_status assay_resolve_start(const char *host, const char *port,
                                      struct assay_resolve **ret, struct assay_error *err)
{
    *ret = NULL;
    struct assay_resolve *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    (void)snprintf(r->host, sizeof r->host, "%s", host);
    (void)snprintf(r->port, sizeof r->port, "%s", port);
    atomic_init(&r->holders, 1);
    r->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->event_fd < 0) {
        free(r);
        return assay_fail_errno(err, errno, "cannot look up a host");
    }
    if (look_up(r, AI_NUMERICHOST) == 0) {
        announce(r, 0);
    } else {
        int failed = start_thread(r);
        if (failed != 0) {
            let_go(r);
            return assay_fail_errno(err, failed, "cannot look up a host");
        }
    }
    *ret = r;
    return ASSAY_OK;
}

int assay_resolve_fd(const struct assay_resolve *r)
{
    return r->event_fd;
}

enum assay_status assay_resolve_result(struct assay_resolve *r, const struct addrinfo **ret,
                                       struct assay_error *err)
{
    *ret = NULL;
    if (!atomic_load(&r->done)) {
        return ASSAY_END;
    }
    if (r->error != 0) {
        return assay_fail(err, ASSAY_UNREACHABLE, "cannot resolve host %.200s: %s", r->host,
                          gai_strerror(r->error));
    }
    *ret = r->list;
    return ASSAY_OK;
}

void assay_resolve_drop(struct assay_resolve *r)
{
    if (r != NULL) {
        let_go(r);
    }
}
