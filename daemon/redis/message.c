/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/message.c: one table of a job's fields.
 */
#include "daemon/redis/message.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/option.h"
#include "core/status.h"
#include "daemon/protocol.h"

#define PRIORITY_MAX 100
#define DEADLINE_MAX INT64_C(604800000) /* a week */

void assay_queue_key(char out[ASSAY_QUEUE_KEY], const char *tenant, const char *suffix,
                     const char *rest)
{
    (void)snprintf(out, ASSAY_QUEUE_KEY, "assay:{%s}:%s%s%s", tenant, suffix,
                   rest == NULL ? "" : ":", rest == NULL ? "" : rest);
}

int assay_queue_is_name(struct assay_bytes text, size_t max)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '_' && c != ':' && c != '-') {
            return 0;
        }
    }
    return text.len > 0 && text.len <= max;
}

static int copy(char *out, size_t cap, struct assay_bytes v)
{
    if (v.len >= cap || memchr(v.ptr, '\0', v.len) != NULL) {
        return 0;
    }
    memcpy(out, v.ptr, v.len);
    out[v.len] = '\0';
    return 1;
}

/* ---- fields: each returns 1 when the value is good ------------------------------------------- */

static int read_version(struct assay_queue_job *job, struct assay_bytes v)
{
    (void)job;
    return assay_bytes_equal(v, assay_bytes_str("1"));
}

static int read_id(struct assay_queue_job *job, struct assay_bytes v)
{
    return assay_queue_is_name(v, sizeof job->id - 1) && copy(job->id, sizeof job->id, v);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes %XX; 0 when it is malformed, holds a NUL or does not fit. */
static int unescape(struct assay_bytes v, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < v.len; i++, n++) {
        int c = (unsigned char)v.ptr[i];
        if (c == '%') {
            int high = i + 2 < v.len ? hex_value(v.ptr[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_value(v.ptr[i + 2]);
            c = low < 0 ? 0 : high * 16 + low;
            i += 2;
        }
        if (c == 0 || n + 1 >= cap) {
            return 0;
        }
        out[n] = (char)c;
    }
    out[n] = '\0';
    return 1;
}

static int read_uri(struct assay_queue_job *job, struct assay_bytes v)
{
    static const char scheme[] = "file://";
    size_t n = sizeof scheme - 1;
    return v.len > n && memcmp(v.ptr, scheme, n) == 0 &&
           unescape(assay_bytes_make(v.ptr + n, v.len - n), job->path, sizeof job->path) &&
           assay_path_is_plain(job->path);
}

/* A built-in name: a path would let a producer read files of the daemon. */
static int read_policy(struct assay_queue_job *job, struct assay_bytes v)
{
    return assay_queue_is_name(v, sizeof job->policy - 1) &&
           copy(job->policy, sizeof job->policy, v) && v.ptr[0] != '.';
}

static int read_packs(struct assay_queue_job *job, struct assay_bytes v)
{
    if (!copy(job->packs_text, sizeof job->packs_text, v)) {
        return 0;
    }
    for (char *at = job->packs_text; at != NULL;) {
        char *comma = strchr(at, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        if (job->n_packs == ASSAY_QUEUE_PACKS || at[0] == '.' ||
            !assay_queue_is_name(assay_bytes_str(at), ASSAY_QUEUE_NAME - 1)) {
            return 0;
        }
        job->packs[job->n_packs++] = at;
        at = comma == NULL ? NULL : comma + 1;
    }
    return 1;
}

static int read_number(struct assay_bytes v, int64_t max, uint64_t *ret)
{
    char text[24];
    int64_t n;
    if (!copy(text, sizeof text, v) || assay_parse_int(text, 0, max, &n, NULL) != ASSAY_OK) {
        return 0;
    }
    *ret = (uint64_t)n;
    return 1;
}

static int read_priority(struct assay_queue_job *job, struct assay_bytes v)
{
    return read_number(v, PRIORITY_MAX, &job->priority);
}

static int read_deadline(struct assay_queue_job *job, struct assay_bytes v)
{
    return read_number(v, DEADLINE_MAX, &job->deadline_ms);
}

static int read_digest(struct assay_queue_job *job, struct assay_bytes v)
{
    uint8_t bytes[32];
    char lower[65];
    int ok = copy(job->digest, sizeof job->digest, v) &&
             assay_unhex(job->digest, v.len, bytes, sizeof bytes);
    if (ok) {
        assay_hex(bytes, sizeof bytes, lower);
        memcpy(job->digest, lower, sizeof lower);
    }
    return ok;
}

static int read_reply_to(struct assay_queue_job *job, struct assay_bytes v)
{
    return assay_queue_is_name(v, sizeof job->reply_to - 1) &&
           copy(job->reply_to, sizeof job->reply_to, v);
}

static const struct {
    const char *name;
    int required;
    int (*read)(struct assay_queue_job *job, struct assay_bytes value);
    const char *rule;
} fields[] = {
    {"job_id", 1, read_id, "1 to 64 letters, digits or ._:-"},
    {"v", 1, read_version, "1"},
    {"uri", 1, read_uri, "file:// and an absolute path without . or .. in it"},
    {"policy", 0, read_policy, "the name of a built-in policy"},
    {"packs", 0, read_packs, "names of built-in packs, with commas between them"},
    {"priority", 0, read_priority, "a number from 0 to 100"},
    {"deadline_ms", 0, read_deadline, "milliseconds, up to a week"},
    {"digest", 0, read_digest, "64 hexadecimal digits"},
    {"reply_to", 0, read_reply_to, "letters, digits or ._:-"},
};

/* The last field called `name`, as a map would keep it; ptr NULL: absent. */
static struct assay_bytes find_field(const redisReply *list, const char *name)
{
    struct assay_bytes found = {NULL, 0};
    for (size_t i = 0; i + 1 < assay_reply_count(list); i += 2) {
        if (assay_reply_is(assay_reply_at(list, i), name)) {
            found = assay_reply_text(assay_reply_at(list, i + 1));
        }
    }
    return found;
}

static enum assay_status check_size(const redisReply *list, struct assay_error *err)
{
    size_t n = assay_reply_count(list);
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        bytes += assay_reply_text(assay_reply_at(list, i)).len;
    }
    if (n > 2 * ASSAY_LIMIT_REDIS_FIELDS) {
        return assay_fail(err, ASSAY_LIMIT, "the job has more than %d fields",
                          ASSAY_LIMIT_REDIS_FIELDS);
    }
    return bytes > ASSAY_LIMIT_REDIS_MESSAGE
               ? assay_fail(err, ASSAY_LIMIT, "the job is larger than 1 MiB: name data by its uri")
               : ASSAY_OK;
}

/* What the job asks for, apart from when and how urgently. */
static enum assay_status digest_request(struct assay_queue_job *job, struct assay_error *err)
{
    uint8_t hash[ASSAY_SHA256_LEN];
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_MIB(1));
    assay_buf_addf(&text, "%s\n%s\n%s\n", job->path, job->policy, job->digest);
    for (size_t i = 0; i < job->n_packs; i++) {
        assay_buf_addf(&text, "%s\n", job->packs[i]);
    }
    if (assay_buf_status(&text) != ASSAY_OK ||
        assay_sha256_of(text.ptr, text.len, hash) != ASSAY_OK) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    assay_hex(hash, sizeof hash, job->request);
    return ASSAY_OK;
}

enum assay_status assay_queue_job_parse(const redisReply *entry, struct assay_queue_job *ret,
                                        struct assay_error *err)
{
    *ret = (struct assay_queue_job){.priority = ASSAY_QUEUE_PRIORITY};
    const redisReply *list = assay_reply_at(entry, 1);
    struct assay_bytes id = assay_reply_text(assay_reply_at(entry, 0));
    if (!assay_queue_is_name(id, sizeof ret->entry - 1) ||
        !copy(ret->entry, sizeof ret->entry, id)) {
        return assay_fail(err, ASSAY_CORRUPT, "the entry has no id");
    }
    enum assay_status status = check_size(list, err);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && status == ASSAY_OK; i++) {
        struct assay_bytes value = find_field(list, fields[i].name);
        if (value.ptr == NULL && fields[i].required) {
            return assay_fail(err, ASSAY_SYNTAX, "field %s is missing", fields[i].name);
        }
        if (value.ptr != NULL && !fields[i].read(ret, value)) {
            return assay_fail(err, ASSAY_SYNTAX, "field %s must be %s", fields[i].name,
                              fields[i].rule);
        }
    }
    return status == ASSAY_OK ? digest_request(ret, err) : status;
}

/* ---- paths --------------------------------------------------------------------------------- */

/* What of `path` lies below `root`; NULL: it is elsewhere. */
static const char *below(const char *path, const char *root)
{
    size_t n = strlen(root);
    while (n > 0 && root[n - 1] == '/') {
        n--;
    }
    if (strncmp(path, root, n) != 0 || (path[n] != '\0' && path[n] != '/')) {
        return NULL;
    }
    return path + n + (path[n] == '/');
}

/* The first root that `path` lies below, and what of it is below; NULL. */
static const char *root_of(const struct assay_config_list *roots, const char *path,
                           const char **ret_rest)
{
    const char *root = NULL;
    *ret_rest = NULL;
    for (size_t i = 0; i < roots->n && *ret_rest == NULL; i++) {
        root = roots->items[i];
        *ret_rest = below(path, root);
    }
    return *ret_rest == NULL ? NULL : root;
}

int assay_queue_open(const struct assay_config_list *roots, const char *path, int flags)
{
    const char *rest;
    const char *root = root_of(roots, path, &rest);
    if (root == NULL) {
        errno = EXDEV;
        return -1;
    }
    if (rest[0] == '\0') {
        return open(root, flags | O_CLOEXEC);
    }
    int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = dir < 0 ? -1 : assay_fs_open_beneath(dir, rest, flags);
    int os_errno = errno;
    if (dir >= 0) {
        (void)close(dir);
    }
    errno = os_errno;
    return fd;
}

enum assay_status assay_queue_path_allowed(const struct assay_config_list *roots, const char *path,
                                           struct assay_error *err)
{
    const char *rest;
    if (root_of(roots, path, &rest) == NULL) {
        return assay_fail(err, ASSAY_DENIED, "the uri lies outside the allowed roots");
    }
    int fd = assay_queue_open(roots, path, O_PATH);
    if (fd >= 0) {
        (void)close(fd);
        return ASSAY_OK;
    }
    if (errno == ELOOP || errno == EXDEV) {
        return assay_fail(err, ASSAY_DENIED, "a symbolic link is on the way to the uri");
    }
    return assay_fail_errno(err, errno, "cannot open what the uri names");
}

void assay_queue_uri(struct assay_buf *out, const char *path)
{
    assay_buf_adds(out, "file://");
    for (const char *p = path; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c > 0x20 && c < 0x7F && c != '%') {
            assay_buf_addc(out, *p);
        } else {
            assay_buf_addf(out, "%%%02X", c);
        }
    }
}
