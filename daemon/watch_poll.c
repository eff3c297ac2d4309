/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch_poll.c: when events cannot be relied on, and what happens then.
 *
 * inotify(7) sees what this machine does. On a network or user-space file system others write, and
 * the kernel here never hears of it; and a machine has only so many watches. Such a root is scanned
 * every `poll` instead, and `assay status` says why.
 */
#include <errno.h>

#include "core/log.h"
#include "daemon/watch.h"

/* f_type of statfs(2), as Linux's magic.h and the file systems' own sources have them. */
static const struct {
    long type;
    const char *name;
} silent[] = {
    {0x6969, "NFS"},        {0x517B, "SMB"},       {0xFE534D42, "SMB2"},   {0xFF534D42, "CIFS"},
    {0x65735546, "FUSE"},   {0x01021997, "9p"},    {0x5346414F, "AFS"},    {0x6B414653, "AFS"},
    {0x00C36400, "Ceph"},   {0x73757245, "Coda"},  {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},
    {0x01161970, "GFS2"},   {0x7461636F, "OCFS2"}, {0x19830326, "BeeGFS"}, {0xAAD7AAEA, "PanFS"},
    {0x786F4256, "vboxsf"},
};

const char *watch_silent_file_system(long type)
{
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
        if ((uint32_t)silent[i].type == (uint32_t)type) {
            return silent[i].name;
        }
    }
    return NULL;
}

void watch_say_problem(struct watch_root *r)
{
    if (strcmp(r->said, r->problem) != 0 && r->problem[0] != '\0') {
        assay_log(ASSAY_LOG_WARNING, "watch", "source has a problem",
                  ASSAY_LOG_S("source", r->config->name), ASSAY_LOG_S("problem", r->problem));
    }
    memcpy(r->said, r->problem, sizeof r->said);
}

/* Why a source is polled, where that is no problem; logged when it changes. */
static void set_note(struct watch_root *r, const char *silent_name)
{
    char note[sizeof r->note] = "";
    unsigned long long every = r->config->poll_ms;
    if (silent_name != NULL) {
        (void)snprintf(note, sizeof note,
                       "on %s, changes made elsewhere cause no events: polled every %llu ms",
                       silent_name, every);
    } else if (r->config->watch == ASSAY_WATCH_POLL) {
        (void)snprintf(note, sizeof note, "polled every %llu ms, as configured", every);
    }
    if (strcmp(note, r->note) != 0 && note[0] != '\0') {
        assay_log(ASSAY_LOG_INFO, "watch", "source is polled",
                  ASSAY_LOG_S("source", r->config->name), ASSAY_LOG_S("why", note));
    }
    memcpy(r->note, note, sizeof note);
}

static void set_problem(struct watch_root *r)
{
    char reason[80];
    unsigned long long every = r->config->poll_ms;
    if (r->denied == ENOSPC) {
        (void)snprintf(r->problem, sizeof r->problem,
                       "no inotify watches left: raise the sysctl fs.inotify.max_user_watches; "
                       "until then the directory is polled every %llu ms",
                       every);
    } else if (r->denied != 0) {
        (void)snprintf(r->problem, sizeof r->problem,
                       "cannot watch: %s; the directory is polled every %llu ms",
                       strerror_r(r->denied, reason, sizeof reason), every);
    }
}

void watch_choose(struct assay_source_set *s, size_t root)
{
    struct watch_root *r = &s->roots[root];
    const char *silent_name =
        r->config->watch == ASSAY_WATCH_AUTO
            ? watch_silent_file_system(s->backend->file_system(r->config->path))
            : NULL;
    set_note(r, silent_name);
    set_problem(r);
    r->polled = r->note[0] != '\0' || r->denied != 0 || s->events == NULL;
}

void watch_failed(struct assay_source_set *s, size_t root, int os_errno)
{
    struct watch_root *r = &s->roots[root];
    r->polled = 1;
    r->denied = os_errno;
    r->scan_ms = 0;
    watch_table_release(&s->table, root, NULL, s->backend->remove, s->events);
    set_problem(r);
}
