/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch_manifest.c: a list of what has to be there before a dataset is complete.
 *
 * One file a line, as sha256sum(1) writes it (digest, two spaces or a space and a star, path) or
 * with a decimal size instead of the digest. `#` begins a comment. Digests are not compared here:
 * the audit reads the files, this only waits for them. Paths stay beneath the dataset, and no link
 * is followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"
#include "daemon/watch.h"

#define DIGEST_DIGITS 64
#define SIZE_DIGITS   18 /* any that fits, without overflow */

static size_t count_digits(const char *text, size_t len, int hex)
{
    size_t n = 0;
    for (; n < len; n++) {
        char c = text[n];
        int decimal = c >= '0' && c <= '9';
        int letter = hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
        if (!decimal && !letter) {
            break;
        }
    }
    return n;
}

/* Beneath the dataset, no matter what: relative, without "..". */
static int is_inside(const char *path)
{
    if (path[0] == '/' || path[0] == '\0') {
        return 0;
    }
    for (const char *p = path; *p != '\0';) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            return 0;
        }
        p += n;
        p += strspn(p, "/");
    }
    return 1;
}

/* sha256sum writes a backslash before the line when it had to escape the name. */
static int copy_path(const char *text, size_t len, int escaped, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (escaped && c == '\\' && i + 1 < len) {
            c = text[++i];
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c;
        }
        if (c == '\0' || n >= ASSAY_LIMIT_NAME) {
            return 0;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return is_inside(out);
}

int watch_manifest_line(const char *line, size_t len, struct watch_manifest_entry *ret)
{
    int escaped = len > 0 && line[0] == '\\';
    const char *p = line + escaped;
    size_t left = len - (size_t)escaped;
    if (left > 0 && p[left - 1] == '\r') {
        left--;
    }
    if (left == 0 || (!escaped && p[0] == '#')) {
        return 0;
    }
    size_t digits = count_digits(p, left, 1);
    ret->has_size = digits != DIGEST_DIGITS;
    ret->size = 0;
    if (ret->has_size) {
        digits = count_digits(p, left, 0);
        for (size_t i = 0; i < digits && digits <= SIZE_DIGITS; i++) {
            ret->size = ret->size * 10 + (uint64_t)(p[i] - '0');
        }
    }
    if (digits == 0 || (ret->has_size && digits > SIZE_DIGITS) || left - digits < 3 ||
        p[digits] != ' ' || (p[digits + 1] != ' ' && p[digits + 1] != '*')) {
        return -1;
    }
    return copy_path(p + digits + 2, left - digits - 2, escaped, ret->path) ? 1 : -1;
}

/* A regular file beneath the dataset, of the size that is listed. */
static int is_there(int dir_fd, const struct watch_manifest_entry *e)
{
    struct stat st;
    int fd = assay_fs_open_beneath(dir_fd, e->path, O_PATH);
    int found = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                (!e->has_size || (uint64_t)st.st_size == e->size);
    if (fd >= 0) {
        (void)close(fd);
    }
    return found;
}

/* ASSAY_OK: all that is listed is there. ASSAY_END: not yet. */
static enum assay_status check_lines(int dir_fd, const char *name, struct assay_bytes text,
                                     struct assay_error *err)
{
    struct watch_manifest_entry entry;
    size_t listed = 0;
    unsigned long number = 1;
    for (size_t at = 0; at < text.len; number++) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t len = end == NULL ? text.len - at : (size_t)(end - (text.ptr + at));
        int kind = watch_manifest_line(text.ptr + at, len, &entry);
        if (kind < 0 && end == NULL) {
            return ASSAY_END; /* its last line is still being written */
        }
        if (kind < 0) {
            return assay_fail(err, ASSAY_SYNTAX,
                              "%.60s line %lu is not \"DIGEST  path\" or \"SIZE  path\"", name,
                              number);
        }
        if (kind > 0 && !is_there(dir_fd, &entry)) {
            return ASSAY_END;
        }
        listed += kind > 0 ? 1 : 0;
        at += len + 1;
    }
    return listed > 0 ? ASSAY_OK : ASSAY_END;
}

enum assay_status watch_manifest_check(int dir_fd, const char *name, struct assay_error *err)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_LIMIT_READY_MANIFEST);
    int fd = assay_fs_open_beneath(dir_fd, name, O_RDONLY);
    if (fd < 0) {
        return errno == ENOENT ? ASSAY_END
                               : assay_fail_errno(err, errno, "cannot open %.60s", name);
    }
    enum assay_status status = assay_fs_read_fd(fd, ASSAY_LIMIT_READY_MANIFEST, &text, err);
    (void)close(fd);
    return status == ASSAY_OK ? check_lines(dir_fd, name, assay_buf_bytes(&text), err) : status;
}
