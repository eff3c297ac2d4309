/* SPDX-License-Identifier: Apache-2.0
 *
 * MANIFEST.sha256: one line a file, "HEX  NAME\n", byte for byte what coreutils sha256sum prints.
 *
 * A name that holds a backslash, a line feed or a carriage return is escaped (\\, \n, \r) and its
 * line starts with a backslash, as coreutils 9 does. Lines are sorted by the raw name's bytes,
 * which the inventory guarantees. Reading is stricter than coreutils: what a verifier walks the
 * disk by must not say
 * "..", and two lines must not name one file.
 */
#include "reports/internal.h"

#include "core/arena.h"
#include "core/hash.h"
#include "core/limits.h"

static int needs_escape(const char *name)
{
    return strpbrk(name, "\\\n\r") != NULL;
}

static void add_escaped(struct assay_buf *line, const char *name)
{
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '\\' || *p == '\n' || *p == '\r') {
            assay_buf_addc(line, '\\');
            assay_buf_addc(line, *p == '\\' ? '\\' : *p == '\n' ? 'n' : 'r');
        } else {
            assay_buf_addc(line, *p);
        }
    }
}

static void format_line(struct assay_buf *line, const struct assay_entry *e)
{
    assay_buf_clear(line);
    if (needs_escape(e->name)) {
        assay_buf_addc(line, '\\');
    }
    assay_buf_addhex(line, e->sha256, sizeof e->sha256);
    assay_buf_adds(line, "  ");
    add_escaped(line, e->name);
    assay_buf_addc(line, '\n');
}

static enum assay_status write_lines(const struct assay_inventory *inv, struct assay_sha256 *hash,
                                     struct assay_out *out, struct assay_error *err)
{
    ASSAY_AUTO_BUF line;
    assay_buf_init(&line, 4 * ASSAY_LIMIT_NAME);
    for (size_t i = 0; i < assay_inventory_count(inv); i++) {
        const struct assay_entry *e = assay_inventory_get(inv, i);
        if (!e->hashed) {
            continue; /* counted as a skip; the audit is INCOMPLETE */
        }
        format_line(&line, e);
        enum assay_status s = assay_buf_status(&line);
        if (s != ASSAY_OK) {
            return assay_fail(err, s, "a file name is too long for the manifest");
        }
        s = assay_sha256_update(hash, line.ptr, line.len);
        if (s != ASSAY_OK) {
            return assay_fail(err, s, "hashing the manifest failed");
        }
        s = out == NULL ? ASSAY_OK : out->write(out->ctx, line.ptr, line.len, err);
        if (s != ASSAY_OK) {
            return s;
        }
    }
    return ASSAY_OK;
}

enum assay_status assay_manifest_write(const struct assay_inventory *inv, struct assay_out *out,
                                       uint8_t ret_sha256[32], struct assay_error *err)
{
    struct assay_sha256 *hash = assay_sha256_new();
    if (hash == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    enum assay_status s = assay_sha256_start(hash);
    if (s == ASSAY_OK) {
        s = write_lines(inv, hash, out, err);
    }
    if (s == ASSAY_OK && assay_sha256_finish(hash, ret_sha256) != ASSAY_OK) {
        s = assay_fail(err, ASSAY_CRYPTO, "hashing the manifest failed");
    }
    assay_sha256_free(hash);
    return s;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct assay_manifest {
    struct assay_arena *arena;
    struct assay_manifest_line *lines;
    size_t count;
};

static int safe_component(const char *p, size_t len)
{
    return len > 0 && !(len == 1 && p[0] == '.') && !(len == 2 && p[0] == '.' && p[1] == '.');
}

/* Relative, every component a real name. */
static int safe_name(const char *name)
{
    for (const char *p = name;;) {
        const char *slash = strchr(p, '/');
        size_t len = slash == NULL ? strlen(p) : (size_t)(slash - p);
        if (!safe_component(p, len)) {
            return 0;
        }
        if (slash == NULL) {
            return strlen(name) <= ASSAY_LIMIT_NAME;
        }
        p = slash + 1;
    }
}

/* Undoes the escapes of `text` in place. Returns the length; SIZE_MAX when it is not what coreutils
 * writes. */
static size_t unescape(char *text, size_t len, int escaped)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++, n++) {
        if (text[i] == '\0' || text[i] == '\r' || (text[i] == '\\' && !escaped)) {
            return SIZE_MAX;
        }
        text[n] = text[i];
        if (text[i] == '\\') {
            const char *kind = ++i < len ? strchr("\\nr", text[i]) : NULL;
            if (kind == NULL || *kind == '\0') {
                return SIZE_MAX;
            }
            text[n] = "\\\n\r"[kind - "\\nr"];
        }
    }
    return n;
}

static int lower_hex(const char *p)
{
    for (int i = 0; i < 64; i++) {
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f'))) {
            return 0;
        }
    }
    return 1;
}

static const char *parse_line(struct assay_manifest *m, struct assay_bytes line)
{
    int escaped = line.len > 0 && line.ptr[0] == '\\';
    const char *p = line.ptr + escaped;
    size_t len = line.len - (size_t)escaped;
    struct assay_manifest_line *row = &m->lines[m->count];
    if (len < 67 || !lower_hex(p) || p[64] != ' ' || p[65] != ' ' ||
        !assay_unhex(p, 64, row->sha256, 32)) {
        return "is not \"SHA256  NAME\"";
    }
    char *name = assay_arena_dup(m->arena, assay_bytes_make(p + 66, len - 66));
    if (name == NULL) {
        return "does not fit in memory";
    }
    size_t n = unescape(name, len - 66, escaped);
    if (n == SIZE_MAX || escaped != (n < len - 66)) {
        return "has a malformed name";
    }
    name[n] = '\0';
    if (!safe_name(name)) {
        return "has a name that leads out of the dataset, or is not a plain relative path";
    }
    if (m->count > 0 && strcmp(m->lines[m->count - 1].name, name) >= 0) {
        return "is out of order, or names a file twice";
    }
    row->name = name;
    m->count++;
    return NULL;
}

static enum assay_status parse_lines(struct assay_manifest *m, struct assay_bytes text,
                                     struct assay_error *err)
{
    const char *p = text.ptr;
    const char *end = p + text.len;
    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        const char *wrong = lf == NULL ? "has no line feed at its end"
                                       : parse_line(m, assay_bytes_make(p, (size_t)(lf - p)));
        if (wrong != NULL) {
            return assay_fail(err, ASSAY_CORRUPT, "line %zu of the manifest %s", m->count + 1,
                              wrong);
        }
        p = lf + 1;
    }
    return ASSAY_OK;
}

static size_t count_lines(struct assay_bytes text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n += text.ptr[i] == '\n';
    }
    return n;
}

enum assay_status assay_manifest_parse(struct assay_bytes text, struct assay_manifest **ret,
                                       struct assay_error *err)
{
    size_t lines = count_lines(text);
    if (lines > ASSAY_LIMIT_FILES) {
        return assay_fail(err, ASSAY_LIMIT, "the manifest lists more than %d files",
                          ASSAY_LIMIT_FILES);
    }
    struct assay_manifest *m = calloc(1, sizeof *m);
    if (m != NULL) {
        m->arena = assay_arena_new(text.len + ASSAY_MIB(16) + 32 * lines);
        m->lines = assay_alloc_array(lines + 1, sizeof *m->lines);
    }
    if (m == NULL || m->arena == NULL || m->lines == NULL) {
        assay_manifest_free(m);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    enum assay_status s = parse_lines(m, text, err);
    if (s != ASSAY_OK) {
        assay_manifest_free(m);
        return s;
    }
    *ret = m;
    return ASSAY_OK;
}

void assay_manifest_free(struct assay_manifest *m)
{
    if (m != NULL) {
        assay_arena_free(m->arena);
        free(m->lines);
        free(m);
    }
}

size_t assay_manifest_count(const struct assay_manifest *m)
{
    return m->count;
}

const struct assay_manifest_line *assay_manifest_get(const struct assay_manifest *m, size_t i)
{
    return &m->lines[i];
}
