/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/json.h"
#include "core/utf8.h"

#define LOG_LINE_MAX ((size_t)16 << 10)
#define LOG_NAME_MAX 200
#define JOURNAL      "/run/systemd/journal/socket"

static const struct {
    const char *text;
    const char *priority; /* sd-daemon(3) */
} log_levels[] = {
    [ASSAY_LOG_ERROR] = {"error", "<3>"},
    [ASSAY_LOG_WARNING] = {"warning", "<4>"},
    [ASSAY_LOG_INFO] = {"info", "<6>"},
    [ASSAY_LOG_DEBUG] = {"debug", "<7>"},
};

static struct {
    int fd;
    enum assay_log_format format;
    enum assay_log_level max_level;
    int journal_fd; /* -1: none */
} log_state = {.fd = 2, .journal_fd = -1, .format = ASSAY_LOG_TEXT, .max_level = ASSAY_LOG_INFO};

void assay_log_setup(int fd, enum assay_log_format format, enum assay_log_level max_level)
{
    log_state.fd = fd;
    log_state.format = format;
    log_state.max_level = max_level;
}

/* Whether standard error is the stream that systemd says it connected to the journal. */
static int stderr_is_journal(void)
{
    struct stat st;
    char here[64];
    const char *stream = getenv("JOURNAL_STREAM");
    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0) {
        return 0;
    }
    (void)snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, here) == 0;
}

int assay_log_journal(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (log_state.journal_fd >= 0) {
        (void)close(log_state.journal_fd);
        log_state.journal_fd = -1;
    }
    if (path == NULL && !stderr_is_journal()) {
        return 0;
    }
    path = path == NULL ? JOURNAL : path;
    if (strlen(path) >= sizeof to.sun_path) {
        return 0;
    }
    memcpy(to.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&to, sizeof to) != 0) {
        (void)close(fd);
        fd = -1;
    }
    log_state.journal_fd = fd;
    return fd >= 0;
}

/* UTC, RFC 3339 with milliseconds. */
static void log_time(char *out, size_t cap)
{
    struct timespec now;
    struct tm tm;
    char seconds[32] = "";
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &tm) != NULL) {
        (void)strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
    }
    (void)snprintf(out, cap, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

/* At most LOG_NAME_MAX bytes of a name, escaped, "..." where it was cut. */
static void log_name(struct assay_buf *out, const char *name)
{
    size_t len = name == NULL ? 0 : strlen(name);
    size_t cut = len > LOG_NAME_MAX ? LOG_NAME_MAX : len;
    while (cut < len && cut > 0 && ((uint8_t)name[cut] & 0xC0) == 0x80) {
        cut--;
    }
    assay_utf8_escape(out, assay_bytes_make(name, cut));
    if (cut < len) {
        assay_buf_adds(out, "...");
    }
}

static void log_text_value(struct assay_buf *out, const struct assay_log_pair *pair)
{
    ASSAY_AUTO_BUF name;
    assay_buf_init(&name, LOG_LINE_MAX);
    switch (pair->kind) {
    case ASSAY_LOG_V_INT:
        assay_buf_addf(out, "%lld", (long long)pair->number);
        break;
    case ASSAY_LOG_V_HEX:
        assay_buf_addhex(out, pair->text, pair->len);
        break;
    case ASSAY_LOG_V_CONST:
        assay_buf_adds(out, pair->text);
        break;
    case ASSAY_LOG_V_NAME:
        log_name(&name, pair->text);
        if (strpbrk(assay_buf_str(&name), " =\"") != NULL || name.len == 0) {
            struct assay_json quoted;
            assay_json_init(&quoted, out, 0);
            assay_json_string(&quoted, assay_buf_bytes(&name));
        } else {
            assay_buf_addb(out, assay_buf_bytes(&name));
        }
        break;
    }
}

static void log_json_value(struct assay_json *j, const struct assay_log_pair *pair)
{
    ASSAY_AUTO_BUF name;
    assay_buf_init(&name, LOG_LINE_MAX);
    switch (pair->kind) {
    case ASSAY_LOG_V_INT:
        assay_json_int(j, pair->number);
        break;
    case ASSAY_LOG_V_HEX:
        assay_json_hex(j, pair->text, pair->len);
        break;
    case ASSAY_LOG_V_CONST:
        assay_json_cstr(j, pair->text);
        break;
    case ASSAY_LOG_V_NAME:
        log_name(&name, pair->text);
        assay_json_string(j, assay_buf_bytes(&name));
        break;
    }
}

static void log_as_text(struct assay_buf *out, enum assay_log_level level, const char *module,
                        const char *message, const struct assay_log_pair *pairs)
{
    char now[48];
    if (log_state.format == ASSAY_LOG_JOURNAL) {
        assay_buf_addf(out, "%s%s: %s", log_levels[level].priority, module, message);
    } else {
        log_time(now, sizeof now);
        assay_buf_addf(out, "%s %s %s: %s", now, log_levels[level].text, module, message);
    }
    for (; pairs->key != NULL; pairs++) {
        assay_buf_addf(out, " %s=", pairs->key);
        log_text_value(out, pairs);
    }
}

static void log_as_json(struct assay_buf *out, enum assay_log_level level, const char *module,
                        const char *message, const struct assay_log_pair *pairs)
{
    char now[48];
    struct assay_json j;
    log_time(now, sizeof now);
    assay_json_init(&j, out, 0);
    assay_json_object(&j);
    assay_json_kv_str(&j, "time", now);
    assay_json_kv_str(&j, "level", log_levels[level].text);
    assay_json_kv_str(&j, "module", module);
    assay_json_kv_str(&j, "message", message);
    for (; pairs->key != NULL; pairs++) {
        assay_json_key(&j, pairs->key);
        log_json_value(&j, pairs);
    }
    assay_json_end_object(&j);
}

/* ASSAY_ and the key in capitals; what is not a letter or digit becomes "_". */
static void journal_field(struct assay_buf *out, const char *key)
{
    assay_buf_adds(out, "\nASSAY_");
    for (; *key != '\0'; key++) {
        int lower = *key >= 'a' && *key <= 'z';
        int plain = (*key >= 'A' && *key <= 'Z') || (*key >= '0' && *key <= '9');
        assay_buf_addc(out, lower ? (char)(*key - 'a' + 'A') : plain ? *key : '_');
    }
    assay_buf_addc(out, '=');
}

static void journal_value(struct assay_buf *out, const struct assay_log_pair *pair)
{
    if (pair->kind == ASSAY_LOG_V_NAME) {
        log_name(out, pair->text); /* escaped, so it has no line breaks; quotes are not needed */
    } else {
        log_text_value(out, pair);
    }
}

/* One entry; 0 when the journal did not take it. */
static int log_to_journal(enum assay_log_level level, const char *module, const char *message,
                          const struct assay_log_pair *pairs)
{
    ASSAY_AUTO_BUF entry;
    assay_buf_init(&entry, LOG_LINE_MAX);
    assay_buf_addf(&entry, "PRIORITY=%c\nSYSLOG_IDENTIFIER=assayd\nASSAY_MODULE=%s",
                   log_levels[level].priority[1], module);
    for (const struct assay_log_pair *p = pairs; p->key != NULL; p++) {
        journal_field(&entry, p->key);
        journal_value(&entry, p);
    }
    assay_buf_addf(&entry, "\nMESSAGE=%s: %s", module, message);
    for (; pairs->key != NULL; pairs++) { /* the message is whole without the fields */
        assay_buf_addf(&entry, " %s=", pairs->key);
        log_text_value(&entry, pairs);
    }
    assay_buf_addc(&entry, '\n');
    return assay_buf_status(&entry) == ASSAY_OK &&
           send(log_state.journal_fd, entry.ptr, entry.len, MSG_NOSIGNAL) == (ssize_t)entry.len;
}

void assay_log_pairs(enum assay_log_level level, const char *module, const char *message,
                     const struct assay_log_pair *pairs)
{
    int saved = errno;
    if (level > log_state.max_level) {
        return;
    }
    if (log_state.format == ASSAY_LOG_JOURNAL && log_state.journal_fd >= 0 &&
        log_to_journal(level, module, message, pairs)) {
        errno = saved;
        return;
    }
    ASSAY_AUTO_BUF line;
    assay_buf_init(&line, LOG_LINE_MAX);
    if (log_state.format == ASSAY_LOG_JSON) {
        log_as_json(&line, level, module, message, pairs);
    } else {
        log_as_text(&line, level, module, message, pairs);
    }
    if (assay_buf_status(&line) == ASSAY_OK) {
        assay_buf_addc(&line, '\n');
    }
    if (assay_buf_status(&line) != ASSAY_OK) { /* too long, or no memory: say at least this */
        assay_buf_clear(&line);
        assay_buf_addf(&line, "%s: %s (details did not fit)\n", module, message);
    }
    (void)assay_fs_write_all(log_state.fd, assay_buf_str(&line), line.len);
    errno = saved;
}
