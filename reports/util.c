/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/internal.h"

#include <errno.h>
#include <fcntl.h>

#include "core/limits.h"

static size_t dir_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

void assay_path_beside(struct assay_buf *out, const char *path, const char *name)
{
    assay_buf_add(out, path, dir_length(path));
    assay_buf_adds(out, name);
}

int assay_sync_parent(const char *path)
{
    ASSAY_AUTO_BUF dir;
    assay_buf_init(&dir, ASSAY_KIB(16));
    assay_path_beside(&dir, path, ".");
    if (assay_buf_status(&dir) != ASSAY_OK) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = open(assay_buf_str(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int rc = fsync(fd);
    int e = errno;
    (void)close(fd);
    errno = e;
    return rc;
}

enum assay_status assay_json_strict(struct assay_bytes text, const char *what, json_t **ret,
                                    struct assay_error *err)
{
    json_error_t je;
    if (text.len > ASSAY_LIMIT_JSON_DOCUMENT) {
        return assay_fail(err, ASSAY_LIMIT, "the %s is larger than %zu MiB", what,
                          ASSAY_LIMIT_JSON_DOCUMENT >> 20);
    }
    json_t *j = json_loadb(text.len == 0 ? "" : text.ptr, text.len, JSON_REJECT_DUPLICATES, &je);
    if (j == NULL) {
        /* jansson quotes the text near the fault after " near '": that is not ours to repeat. */
        char *near = strstr(je.text, " near '");
        if (near != NULL) {
            *near = '\0';
        }
        return assay_fail(err, ASSAY_CORRUPT, "the %s is not valid JSON (line %d, column %d): %s",
                          what, je.line, je.column, je.text);
    }
    *ret = j;
    return ASSAY_OK;
}
