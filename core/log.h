/* SPDX-License-Identifier: Apache-2.0
 *
 * core/log.h: structured logging that cannot print a field's value.
 *
 * A log line is a level, a module, a constant message and key=value pairs, each built by a typed
 * constructor: numbers, constants, names (escaped) and digests. There is no constructor for dataset
 * text. Libraries do not log; programs install one logger and pass it down.
 *
 * Under systemd a program may hand its lines to journald itself (assay_log_journal): each pair
 * becomes a field of the entry, ASSAY_RUN=7, that journalctl can select by. The protocol is the
 * public one of systemd.io/JOURNAL_NATIVE_PROTOCOL: one datagram an entry, one FIELD=value a line;
 * what we write has no line breaks, so the binary form is never needed. What journald does not take
 * is written as text instead: a line is never lost for want of a journal.
 * Thread rule: assay_log writes one whole line with one write(2), or sends one datagram.
 */
#ifndef ASSAY_CORE_LOG_H
#define ASSAY_CORE_LOG_H

#include "assay/base.h"
#include "assay/host.h" /* enum assay_log_level */

enum assay_log_format {
    ASSAY_LOG_TEXT,
    ASSAY_LOG_JSON,
    ASSAY_LOG_JOURNAL /* entries for journald; without one, text with <N> prefixes */
};

struct assay_log_pair {
    const char *key;
    enum { ASSAY_LOG_V_INT, ASSAY_LOG_V_CONST, ASSAY_LOG_V_NAME, ASSAY_LOG_V_HEX } kind;
    int64_t number;
    const char *text;
    size_t len;
};

#define ASSAY_LOG_N(key, n) ((struct assay_log_pair){key, ASSAY_LOG_V_INT, (int64_t)(n), NULL, 0})
#define ASSAY_LOG_C(key, constant)                                                                 \
    ((struct assay_log_pair){key, ASSAY_LOG_V_CONST, 0, "" constant, 0})
/* A file name, rule id or other identifier: escaped, cut at 200 bytes. */
#define ASSAY_LOG_S(key, name) ((struct assay_log_pair){key, ASSAY_LOG_V_NAME, 0, name, 0})
#define ASSAY_LOG_H(key, digest, n)                                                                \
    ((struct assay_log_pair){key, ASSAY_LOG_V_HEX, 0, (const char *)(digest), n})
#define ASSAY_LOG_END ((struct assay_log_pair){NULL, ASSAY_LOG_V_INT, 0, NULL, 0})

/* Where entries go, in what form, and the least urgent level that is written. Once, before threads
 * start; `fd` stays the caller's. */
void assay_log_setup(int fd, enum assay_log_format format, enum assay_log_level max_level);
/* Sends entries of format ASSAY_LOG_JOURNAL to the journal's socket at `path`; NULL: where systemd
 * has it, but only if standard error already is a stream to the journal ($JOURNAL_STREAM), so that
 * a redirected program is not robbed of its output. Non-zero: connected. */
int assay_log_journal(const char *path);
/* Writes one entry of one line. Any thread; a failed write is not reported. */
void assay_log_pairs(enum assay_log_level level, const char *module, const char *message,
                     const struct assay_log_pair *pairs);
/* assay_log(level, module, "constant message", pairs ...) */
#define assay_log(level, module, ...)                                                              \
    assay_log_pairs(level, module, "" ASSAY_LOG_FIRST(__VA_ARGS__, 0),                             \
                    (const struct assay_log_pair[]){ASSAY_LOG_REST(__VA_ARGS__, ASSAY_LOG_END)})
#define ASSAY_LOG_FIRST(first, ...) first
#define ASSAY_LOG_REST(first, ...)  __VA_ARGS__

#endif
