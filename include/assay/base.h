/* SPDX-License-Identifier: Apache-2.0
 *
 * assay/base.h: the vocabulary every other header speaks: slices, status codes and errors.
 *
 * What:  plain data, no functions that allocate. A slice borrows; it never owns. A status says what
 *        class of thing went wrong (one table, below); an error adds where and a sentence a person
 *        can act on.
 * Why:   plugins link against nothing, so everything they share with the host is either data laid
 *        out here or a function pointer in the host table (host.h). C99 and C++ clean.
 * Rules: functions return enum assay_status; ASSAY_OK is zero. The struct assay_error * comes last
 *        and may be NULL. Nothing in a message may contain a value read from a dataset.
 */
#ifndef ASSAY_BASE_H
#define ASSAY_BASE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
#define ASSAY_BEGIN_DECLS extern "C" {
#define ASSAY_END_DECLS   }
#else
#define ASSAY_BEGIN_DECLS
#define ASSAY_END_DECLS
#endif

#if defined(__GNUC__)
#define ASSAY_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define ASSAY_MUST_CHECK         __attribute__((warn_unused_result))
#define ASSAY_EXPORT             __attribute__((visibility("default")))
#else
#define ASSAY_PRINTF(fmt, first)
#define ASSAY_MUST_CHECK
#define ASSAY_EXPORT
#endif

/* XX(symbol, name, exit code of the command line, text). The one list of status codes. */
#define ASSAY_STATUS_MAP(XX)                                                                       \
    XX(OK, "ok", 0, "success")                                                                     \
    XX(END, "end", 0, "no more data")                                                              \
    XX(NOMEM, "nomem", 3, "out of memory")                                                         \
    XX(IO, "io", 3, "input or output failed")                                                      \
    XX(FULL, "full", 3, "no space left")                                                           \
    XX(USAGE, "usage", 2, "wrong usage")                                                           \
    XX(CONFIG, "config", 2, "configuration error")                                                 \
    XX(SYNTAX, "syntax", 2, "syntax error")                                                        \
    XX(RULE, "rule", 2, "rule error")                                                              \
    XX(NOTFOUND, "notfound", 2, "not found")                                                       \
    XX(EXISTS, "exists", 2, "already exists")                                                      \
    XX(DENIED, "denied", 3, "permission denied")                                                   \
    XX(LIMIT, "limit", 3, "limit reached")                                                         \
    XX(CORRUPT, "corrupt", 3, "malformed data")                                                    \
    XX(TRUNCATED, "truncated", 3, "data ends early")                                               \
    XX(ENCODING, "encoding", 3, "undecodable text")                                                \
    XX(CHANGED, "changed", 3, "input changed while it was read")                                   \
    XX(UNSUPPORTED, "unsupported", 3, "not supported")                                             \
    XX(PLUGIN, "plugin", 2, "plugin error")                                                        \
    XX(CANCELLED, "cancelled", 130, "cancelled")                                                   \
    XX(TIMEOUT, "timeout", 3, "timed out")                                                         \
    XX(MISMATCH, "mismatch", 5, "verification failed")                                             \
    XX(CRYPTO, "crypto", 3, "cryptographic operation failed")                                      \
    XX(UNREACHABLE, "unreachable", 6, "peer not reachable")                                        \
    XX(INTERNAL, "internal", 3, "internal error")

enum assay_status {
#define ASSAY_STATUS_ENUM(sym, name, exit_code, text) ASSAY_##sym,
    ASSAY_STATUS_MAP(ASSAY_STATUS_ENUM)
#undef ASSAY_STATUS_ENUM
        ASSAY_STATUS_MAX
};

/* A borrowed run of bytes. Not NUL-terminated; may hold NUL bytes; ptr may be NULL when len is 0.
 */
struct assay_bytes {
    const char *ptr;
    size_t len;
};

static inline struct assay_bytes assay_bytes_make(const char *ptr, size_t len)
{
    struct assay_bytes b;
    b.ptr = ptr;
    b.len = len;
    return b;
}

static inline struct assay_bytes assay_bytes_str(const char *s)
{
    return assay_bytes_make(s, s == NULL ? 0 : strlen(s));
}

static inline int assay_bytes_equal(struct assay_bytes a, struct assay_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#define ASSAY_ERROR_MESSAGE_MAX 480
#define ASSAY_ERROR_WHERE_MAX   288

/* What went wrong: class, place, one clear sentence. Zeroes mean "not known" for line and column.
 */
struct assay_error {
    enum assay_status status;
    int os_errno;
    uint32_t line;   /* 1-based */
    uint32_t column; /* 1-based, in code points */
    uint64_t offset; /* bytes from the start of the file; meaningful with `where` */
    char where[ASSAY_ERROR_WHERE_MAX]; /* file, rule or option; printable text */
    char message[ASSAY_ERROR_MESSAGE_MAX];
};

/* Fills *err (if not NULL) and returns `status`, so that callers can `return assay_fail(err, ...)`.
 */
static inline enum assay_status assay_fail(struct assay_error *err, enum assay_status status,
                                           const char *fmt, ...) ASSAY_PRINTF(3, 4);
static inline enum assay_status assay_fail(struct assay_error *err, enum assay_status status,
                                           const char *fmt, ...)
{
    if (err != NULL) {
        va_list ap;
        memset(err, 0, sizeof *err);
        err->status = status;
        va_start(ap, fmt);
        (void)vsnprintf(err->message, sizeof err->message, fmt, ap);
        va_end(ap);
    }
    return status;
}

/* One configurable property of a plugin or of the product: listed once; validation, help, man page
 * and completion derive from it. A table ends with a row whose name is NULL. */
enum assay_option_type {
    ASSAY_OPT_BOOL,
    ASSAY_OPT_INT,      /* min..max */
    ASSAY_OPT_SIZE,     /* bytes; accepts KiB, MiB, GiB */
    ASSAY_OPT_DURATION, /* milliseconds; accepts ms, s, m, h */
    ASSAY_OPT_ENUM,     /* one of `choices`, separated by '|' */
    ASSAY_OPT_STRING,
    ASSAY_OPT_PATH, /* a place on this machine: text that stays out of statements */
    ASSAY_OPT_BULK  /* long text: statements hold its SHA-256 */
};

struct assay_option {
    const char *name;
    enum assay_option_type type;
    int64_t min, max;     /* INT, SIZE, DURATION */
    const char *choices;  /* ENUM */
    const char *fallback; /* default, as text; NULL: none */
    const char *help;     /* one line */
};

#endif
