/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/listen.c: the listening end of the control socket: made here, or handed over by the
 * service manager, which then owns its file, mode and group.
 */
#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/status.h"
#include "daemon/notify.h"
#include "daemon/server.h"

#define BACKLOG 128

/* Somebody answers at this address. */
static int is_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int alive = fd >= 0 &&
                connect(fd, (const struct sockaddr *)(const void *)address, sizeof *address) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return alive;
}

/* Nobody but the owner may connect, unless control.group names who else. */
static enum assay_status open_to_group(const char *path, const char *group, struct assay_error *err)
{
    char scratch[4096];
    struct group entry;
    struct group *found = NULL;
    if (group == NULL) {
        return ASSAY_OK;
    }
    if (getgrnam_r(group, &entry, scratch, sizeof scratch, &found) != 0 || found == NULL) {
        return assay_fail(err, ASSAY_CONFIG, "control.group: no group '%.100s'", group);
    }
    if (chown(path, (uid_t)-1, found->gr_gid) != 0 || chmod(path, 0660) != 0) {
        return assay_fail_errno(err, errno, "cannot give the control socket to group %.100s",
                                group);
    }
    return ASSAY_OK;
}

static enum assay_status bind_socket(struct server *s, const struct sockaddr_un *address,
                                     struct assay_error *err)
{
    s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listen_fd < 0) {
        return assay_fail_errno(err, errno, "cannot make the control socket");
    }
    mode_t old = umask(0177);
    int failed =
        bind(s->listen_fd, (const struct sockaddr *)(const void *)address, sizeof *address) != 0;
    int os_errno = errno;
    (void)umask(old);
    if (failed) {
        return assay_fail_errno(err, os_errno, "cannot bind the control socket %.150s",
                                address->sun_path);
    }
    enum assay_status status = open_to_group(address->sun_path, s->config->control_group, err);
    if (status == ASSAY_OK && listen(s->listen_fd, BACKLOG) != 0) {
        status = assay_fail_errno(err, errno, "cannot listen");
    }
    return status;
}

/* Makes the socket at control.socket. */
static enum assay_status make_socket(struct server *s, struct assay_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char dir[PATH_MAX];
    const char *path = s->config->control_socket;
    if (strlen(path) >= sizeof address.sun_path) {
        return assay_fail(err, ASSAY_CONFIG, "control.socket is longer than %zu bytes",
                          sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, strlen(path));
    (void)snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
    enum assay_status status = dir[0] == '\0' ? ASSAY_OK : assay_fs_mkdirs(dir, 0755, err);
    if (status != ASSAY_OK) {
        return status;
    }
    if (is_alive(&address)) {
        return assay_fail(err, ASSAY_EXISTS, "another assayd answers at %.150s", path);
    }
    (void)unlink(path);
    return bind_socket(s, &address, err);
}

enum assay_status server_listen(struct server *s, struct assay_error *err)
{
    enum assay_status status =
        assay_activated_socket(s->config->control_socket, &s->listen_fd, err);
    s->socket_is_lent = s->listen_fd >= 0;
    if (status == ASSAY_OK && !s->socket_is_lent) {
        status = make_socket(s, err);
    }
    if (status == ASSAY_OK) {
        s->listen_watcher.ready = server_accept;
        status = server_add(s, s->listen_fd, &s->listen_watcher, err);
    }
    return status;
}

void server_unlisten(struct server *s)
{
    if (s->listen_fd < 0) {
        return;
    }
    (void)close(s->listen_fd);
    s->listen_fd = -1;
    if (!s->socket_is_lent) {
        (void)unlink(s->config->control_socket);
    }
}
