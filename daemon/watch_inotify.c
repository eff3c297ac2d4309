/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch_inotify.c: events as the kernel gives them: one inotify instance.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/status.h"
#include "daemon/watch.h"

#define EVENT_BUFFER 65536

struct instance {
    int fd;
    size_t at, len;
    _Alignas(struct inotify_event) char buffer[EVENT_BUFFER];
};

static void instance_close(void *ctx)
{
    struct instance *in = ctx;
    if (in != NULL) {
        (void)close(in->fd); /* which takes it out of the epoll instance */
        free(in);
    }
}

static void *instance_open(int epoll_fd, struct assay_error *err)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    struct instance *in = fd < 0 ? NULL : malloc(sizeof *in);
    if (in == NULL || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        (void)assay_fail_errno(err, errno, "cannot watch directories%s",
                               errno == EMFILE ? " (raise fs.inotify.max_user_instances)" : "");
        if (fd >= 0) {
            (void)close(fd);
        }
        free(in);
        return NULL;
    }
    in->fd = fd;
    in->at = in->len = 0;
    return in;
}

static int instance_add(void *ctx, const char *path, uint32_t mask)
{
    return inotify_add_watch(((struct instance *)ctx)->fd, path, mask);
}

static void instance_remove(void *ctx, int wd)
{
    (void)inotify_rm_watch(((struct instance *)ctx)->fd, wd);
}

static int instance_next(void *ctx, struct watch_event *ret)
{
    struct instance *in = ctx;
    if (in->at >= in->len) {
        ssize_t n = read(in->fd, in->buffer, sizeof in->buffer);
        if (n <= 0) {
            return 0;
        }
        in->at = 0;
        in->len = (size_t)n;
    }
    const struct inotify_event *e = (const struct inotify_event *)(void *)(in->buffer + in->at);
    in->at += sizeof *e + e->len;
    *ret = (struct watch_event){e->wd, e->mask, e->len > 0 ? e->name : ""};
    return 1;
}

static long type_of(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 ? (long)fs.f_type : 0;
}

const struct watch_backend watch_inotify = {
    .open = instance_open,
    .add = instance_add,
    .remove = instance_remove,
    .next = instance_next,
    .close = instance_close,
    .file_system = type_of,
};
