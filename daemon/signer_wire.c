/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/signer_wire.c: messages with descriptors over a sequenced-packet socket.
 */
#include "daemon/signer.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(ASSAY_SIGNER_FILES * sizeof(int))];
};

int assay_signer_send(int fd, const void *message, size_t len, const int *fds, size_t n)
{
    union control control = {.bytes = {0}};
    struct iovec iov = {(void *)(uintptr_t)message, len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t sent;
    if (n > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(n * sizeof fds[0]);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(n * sizeof fds[0]);
        memcpy(CMSG_DATA(&control.header), fds, n * sizeof fds[0]);
    }
    while ((sent = sendmsg(fd, &m, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
    }
    return sent == (ssize_t)len ? 0 : -1;
}

static size_t take_descriptors(struct msghdr *m, int fds[ASSAY_SIGNER_FILES])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
        return 0;
    }
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof fds[0];
    n = n < ASSAY_SIGNER_FILES ? n : ASSAY_SIGNER_FILES;
    memcpy(fds, CMSG_DATA(c), n * sizeof fds[0]);
    return n;
}

int assay_signer_receive(int fd, void *message, size_t len, int fds[ASSAY_SIGNER_FILES],
                         size_t *ret_n)
{
    union control control = {.bytes = {0}};
    struct iovec iov = {message, len};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n;
    *ret_n = 0;
    while ((n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
    }
    if (n < 0) {
        return -1;
    }
    *ret_n = n == 0 ? 0 : take_descriptors(&m, fds);
    if (n != (ssize_t)len || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        for (size_t i = 0; i < *ret_n; i++) {
            (void)close(fds[i]);
        }
        *ret_n = 0;
        errno = n == 0 ? EPIPE : EPROTO;
        return -1;
    }
    return 0;
}
