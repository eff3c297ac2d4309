/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/message.h: the contract of the queue: names of keys, fields of a job
 * (docs/queue.md).
 *
 * Everything a producer writes is hostile until it is checked here: sizes, characters, numbers, and
 * that the path lies beneath an allowed root with no symbolic link on the way. A refusal is one
 * sentence without any value in it: it becomes the reason of a dead letter.
 */
#ifndef ASSAY_DAEMON_REDIS_MESSAGE_H
#define ASSAY_DAEMON_REDIS_MESSAGE_H

#include <limits.h>

#include "daemon/config.h"
#include "daemon/redis/codec.h"

#define ASSAY_QUEUE_ENTRY    48 /* "1700000000000-0" */
#define ASSAY_QUEUE_ID       65
#define ASSAY_QUEUE_NAME     101
#define ASSAY_QUEUE_PACKS    16
#define ASSAY_QUEUE_PRIORITY 50 /* usual */
#define ASSAY_QUEUE_KEY      (2 * ASSAY_LIMIT_REDIS_KEY)
#define ASSAY_QUEUE_KEEP_S   UINT64_C(2592000) /* a job's state is kept for 30 days */
#define ASSAY_QUEUE_OUTPUTS  UINT64_C(100000)  /* about so many entries in results, events, dead */

struct assay_queue_job {
    char entry[ASSAY_QUEUE_ENTRY];
    char id[ASSAY_QUEUE_ID];
    char path[PATH_MAX];
    char policy[ASSAY_QUEUE_NAME]; /* "": the source's */
    char packs_text[1024];
    const char *packs[ASSAY_QUEUE_PACKS]; /* into packs_text; n_packs 0: the source's */
    size_t n_packs;
    uint64_t priority, deadline_ms;
    char digest[65];                 /* expected; "": none */
    char reply_to[ASSAY_QUEUE_NAME]; /* end of the key of a stream; "": nowhere */
    char request[65]; /* SHA-256 of what is asked for: a job id stands for one request */
};

/* "assay:{TENANT}:SUFFIX"; the braces keep a tenant's keys in one slot of a cluster. */
void assay_queue_key(char out[ASSAY_QUEUE_KEY], const char *tenant, const char *suffix,
                     const char *rest);
/* Letters, digits and "._:-", at most `max` of them: fit for ids, tenants, groups and consumers. */
int assay_queue_is_name(struct assay_bytes text, size_t max);

/* Checks one entry ([id, [field, value, ...]]). ret->entry and, where they could be read, ret->id
 * are set even when the job is refused. */
enum assay_status assay_queue_job_parse(const redisReply *entry, struct assay_queue_job *ret,
                                        struct assay_error *err);
/* Opens a path beneath the root that it names, with no link on the way below it: -1 with errno, EXDEV
 * when it names none. Whoever can write below a root may put a link where a directory was, at any
 * time: so a dataset is opened like this, however well its path was looked at before. */
int assay_queue_open(const struct assay_config_list *roots, const char *path, int flags);
/* Whether it could be opened, as a sentence for the producer. */
enum assay_status assay_queue_path_allowed(const struct assay_config_list *roots, const char *path,
                                           struct assay_error *err);
/* file:// and the path, escaped. */
void assay_queue_uri(struct assay_buf *out, const char *path);

#endif
