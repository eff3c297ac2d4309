/* SPDX-License-Identifier: Apache-2.0 */
#include "core/status.h"

#include <errno.h>

#include "core/utf8.h"
#include "core/buf.h"

static const struct {
    const char *name;
    const char *text;
    int exit_code;
} status_table[] = {
#define STATUS_ROW(sym, name, exit_code, text) {name, text, exit_code},
    ASSAY_STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

static unsigned status_index(enum assay_status s)
{
    return (unsigned)s < ASSAY_STATUS_MAX ? (unsigned)s : (unsigned)ASSAY_INTERNAL;
}

const char *assay_status_name(enum assay_status s)
{
    return status_table[status_index(s)].name;
}

const char *assay_status_text(enum assay_status s)
{
    return status_table[status_index(s)].text;
}

int assay_status_exit(enum assay_status s)
{
    return status_table[status_index(s)].exit_code;
}

enum assay_status assay_status_named(const char *name)
{
    for (unsigned i = 0; name != NULL && i < ASSAY_STATUS_MAX; i++) {
        if (strcmp(status_table[i].name, name) == 0) {
            return (enum assay_status)i;
        }
    }
    return ASSAY_INTERNAL;
}

static enum assay_status status_of_errno(int os_errno)
{
    static const struct {
        int os_errno;
        enum assay_status status;
    } map[] = {
        {ENOMEM, ASSAY_NOMEM},
        {ENOSPC, ASSAY_FULL},
        {EDQUOT, ASSAY_FULL},
        {EACCES, ASSAY_DENIED},
        {EPERM, ASSAY_DENIED},
        {EROFS, ASSAY_DENIED},
        {ENOENT, ASSAY_NOTFOUND},
        {ENOTDIR, ASSAY_NOTFOUND},
        {EEXIST, ASSAY_EXISTS},
        {ENOTEMPTY, ASSAY_EXISTS},
        {ECONNREFUSED, ASSAY_UNREACHABLE},
    };
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++) {
        if (map[i].os_errno == os_errno) {
            return map[i].status;
        }
    }
    return ASSAY_IO;
}

enum assay_status assay_fail_errno(struct assay_error *err, int os_errno, const char *fmt, ...)
{
    enum assay_status status = status_of_errno(os_errno);
    if (err == NULL) {
        return status;
    }
    char head[ASSAY_ERROR_MESSAGE_MAX];
    char reason[128];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    (void)assay_fail(err, status, "%.300s: %s", head, strerror_r(os_errno, reason, sizeof reason));
    err->os_errno = os_errno;
    return status;
}

enum assay_status assay_error_at(struct assay_error *err, const char *where, uint32_t line,
                                 uint32_t column)
{
    if (err == NULL) {
        return ASSAY_INTERNAL;
    }
    ASSAY_AUTO_BUF escaped;
    assay_buf_init(&escaped, 4 * ASSAY_ERROR_WHERE_MAX);
    assay_utf8_escape(&escaped, assay_bytes_str(where));
    (void)snprintf(err->where, sizeof err->where, "%s", assay_buf_str(&escaped));
    err->line = line;
    err->column = column;
    return err->status;
}

void assay_error_format(const struct assay_error *err, char *out, size_t cap)
{
    const char *message = err->message[0] != '\0' ? err->message : assay_status_text(err->status);
    if (err->where[0] == '\0') {
        (void)snprintf(out, cap, "%s", message);
    } else if (err->line == 0) {
        (void)snprintf(out, cap, "%s: %s", err->where, message);
    } else if (err->column == 0) {
        (void)snprintf(out, cap, "%s:%u: %s", err->where, err->line, message);
    } else {
        (void)snprintf(out, cap, "%s:%u:%u: %s", err->where, err->line, err->column, message);
    }
}
