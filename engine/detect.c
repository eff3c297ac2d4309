/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/detect.c: content decides, the name is only compared with it. libmagic sees the raw first
 * bytes, readers see them decoded. libmagic's answer is filtered: it goes into signed documents,
 * and some of its tests quote the file.
 */
#include "engine/detect.h"

#include <ctype.h>
#include <magic.h>
#include <strings.h>

struct assay_magic {
    magic_t cookie;
};

struct assay_magic *assay_magic_new(void)
{
    struct assay_magic *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    m->cookie = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR);
    if (m->cookie == NULL || magic_load(m->cookie, NULL) != 0) {
        assay_magic_free(m);
        return NULL;
    }
    return m;
}

void assay_magic_free(struct assay_magic *m)
{
    if (m != NULL && m->cookie != NULL) {
        magic_close(m->cookie);
    }
    free(m);
}

static int is_type_char(char c)
{
    return isalnum((unsigned char)c) || strchr("/.+-_", c) != NULL;
}

void assay_magic_type(struct assay_magic *m, struct assay_bytes head, char out[ASSAY_MIME_MAX])
{
    const char *type =
        m == NULL || head.len == 0 ? NULL : magic_buffer(m->cookie, head.ptr, head.len);
    size_t n = 0;
    while (type != NULL && n + 1 < ASSAY_MIME_MAX && type[n] != '\0' && is_type_char(type[n])) {
        out[n] = type[n];
        n++;
    }
    out[n] = '\0';
}

int assay_detect_reader(const struct assay_plugins *ps, struct assay_bytes head, const char *name)
{
    int best = -1, best_score = 0;
    for (size_t i = 0; i < assay_plugins_count(ps); i++) {
        const struct assay_plugin *p = assay_plugins_get(ps, i);
        int score = p->kind == ASSAY_PLUGIN_READER ? p->reader->probe(head, name) : 0;
        int wins =
            score > best_score || (score > 0 && score == best_score &&
                                   strcmp(p->name, assay_plugins_get(ps, (size_t)best)->name) < 0);
        if (wins) {
            best = (int)i;
            best_score = score;
        }
    }
    return best;
}

static int lists(const char *words, const char *word)
{
    size_t len = strlen(word);
    while (len > 0 && words != NULL && *words != '\0') {
        size_t n = strcspn(words, " ");
        if (n == len && memcmp(words, word, n) == 0) {
            return 1;
        }
        words += n + strspn(words + n, " ");
    }
    return 0;
}

const char *assay_detect_expected(const struct assay_plugins *ps, const char *extension)
{
    const char *found = NULL;
    for (size_t i = 0; i < assay_plugins_count(ps); i++) {
        const struct assay_plugin *p = assay_plugins_get(ps, i);
        if (p->kind == ASSAY_PLUGIN_READER && lists(p->reader->extensions, extension) &&
            (found == NULL || strcmp(p->name, found) < 0)) {
            found = p->name;
        }
    }
    return found;
}

void assay_detect_plain_name(const char *name, enum assay_compression how, char *out, size_t cap)
{
    static const char *const suffixes[] = {".gz", ".zst", ".zstd"};
    size_t len = strlen(name);
    for (size_t i = 0; how != ASSAY_PLAIN && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        size_t n = strlen(suffixes[i]);
        if (len > n && strcasecmp(name + len - n, suffixes[i]) == 0) {
            len -= n;
            break;
        }
    }
    (void)snprintf(out, cap, "%.*s", (int)len, name);
}

void assay_detect_extension(const char *name, char out[ASSAY_EXTENSION_MAX])
{
    const char *slash = strrchr(name, '/');
    const char *base = slash == NULL ? name : slash + 1;
    const char *dot = strrchr(base, '.');
    size_t n = 0;
    out[0] = '\0';
    if (dot == NULL || dot == base || strlen(dot + 1) >= ASSAY_EXTENSION_MAX) {
        return;
    }
    for (dot++; *dot != '\0'; dot++) {
        out[n++] = (char)tolower((unsigned char)*dot);
    }
    out[n] = '\0';
}
