/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of a manifest that a dataset waits for. Invariants: a path that is accepted is relative,
 * holds no NUL and never leads upwards.
 */
#include <stdlib.h>

#include "daemon/watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const char *path)
{
    size_t len = strlen(path);
    if (len == 0 || len > ASSAY_LIMIT_NAME || path[0] == '/' || strcmp(path, "..") == 0 ||
        strncmp(path, "../", 3) == 0 || strstr(path, "/../") != NULL ||
        (len > 2 && strcmp(path + len - 3, "/..") == 0)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct watch_manifest_entry entry;
    const char *text = (const char *)data;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t len = end == NULL ? size - at : (size_t)(end - (text + at));
        if (watch_manifest_line(text + at, len, &entry) == 1) {
            check_path(entry.path);
        }
        at += len + 1;
    }
    return 0;
}
