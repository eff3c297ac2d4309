/* SPDX-License-Identifier: Apache-2.0
 *
 * readers/common/probe.h: what every probe asks: is it text at all, and what does the name claim.
 */
#ifndef ASSAY_READERS_COMMON_PROBE_H
#define ASSAY_READERS_COMMON_PROBE_H

#include <string.h>

#include "assay/plugin.h"

/* More control characters than a text with a few stray ones has: no text reader takes it. */
static inline int reader_is_binary(struct assay_bytes head)
{
    size_t odd = 0;
    for (size_t i = 0; i < head.len; i++) {
        const unsigned char c = (unsigned char)head.ptr[i];
        odd += c < 0x20 && (c < 0x08 || c > 0x0d) && c != 0x1b && c != 0x1e;
    }
    return odd > 2 + head.len / 32;
}

/* Whether the extension of `name`, in any case, is one of the space-separated `list`. */
static inline int reader_has_extension(const char *name, const char *list)
{
    const char *dot = strrchr(name, '.');
    const char *slash = strrchr(name, '/');
    if (dot == NULL || (slash != NULL && dot < slash)) {
        return 0;
    }
    const size_t len = strlen(dot + 1);
    for (const char *p = list; len > 0 && *p != '\0';) {
        const size_t n = strcspn(p, " ");
        size_t i = 0;
        while (i < n && i < len && (dot[1 + i] | 0x20) == p[i]) {
            i++;
        }
        if (i == n && n == len) {
            return 1;
        }
        p += n + (p[n] == ' ');
    }
    return 0;
}

#endif
