/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/status.h"
#include "core/yaml.h"

int cli_fail(const struct assay_error *err)
{
    char line[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX + 32];
    assay_error_format(err, line, sizeof line);
    (void)fprintf(stderr, "assay: %s\n", line);
    int code = assay_status_exit(err->status);
    return code != 0 ? code : 3;
}

int cli_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fputs("assay: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    return 2;
}

void cli_note(const struct cli_args *args, const char *fmt, ...)
{
    if (cli_given(args, "quiet")) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}

struct assay_diags *cli_diags_new(void)
{
    struct assay_diags *diags = assay_diags_new();
    if (diags == NULL) {
        (void)fputs("assay: out of memory\n", stderr);
    }
    return diags;
}

int cli_diags(const struct cli_args *args, const struct assay_diags *d, const char *consequence)
{
    size_t errors = assay_diags_errors(d);
    if (errors == 0 && assay_diags_warnings(d) == 0) {
        return 0;
    }
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, (size_t)1 << 20);
    assay_diags_render(d, &text, cli_colour(args, stderr));
    (void)fputs(assay_buf_str(&text), stderr);
    (void)fprintf(stderr, "%zu error%s, %zu warning%s%s%s\n", errors, errors == 1 ? "" : "s",
                  assay_diags_warnings(d), assay_diags_warnings(d) == 1 ? "" : "s",
                  errors > 0 ? "; " : "", errors > 0 ? consequence : "");
    return errors > 0 ? 2 : 0;
}

int cli_colour(const struct cli_args *args, FILE *f)
{
    const char *when = cli_value(args, "color");
    if (when != NULL && strcmp(when, "auto") != 0) {
        return strcmp(when, "always") == 0;
    }
    const char *term = getenv("TERM");
    return isatty(fileno(f)) && getenv("NO_COLOR") == NULL &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

int cli_chinese(const struct cli_args *args)
{
    const char *lang = cli_value(args, "lang");
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; lang == NULL && i < sizeof variables / sizeof variables[0]; i++) {
        const char *v = getenv(variables[i]);
        lang = v != NULL && *v != '\0' ? v : NULL;
    }
    return lang != NULL && strncmp(lang, "zh", 2) == 0;
}

unsigned cli_columns(FILE *f)
{
    struct winsize size;
    if (!isatty(fileno(f))) {
        return 0;
    }
    if (ioctl(fileno(f), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return 80;
    }
    return size.ws_col;
}

unsigned cli_rows(FILE *f)
{
    struct winsize size;
    return ioctl(fileno(f), TIOCGWINSZ, &size) != 0 || size.ws_row == 0 ? 24 : size.ws_row;
}

static enum assay_status write_stdio(void *ctx, const void *data, size_t len,
                                     struct assay_error *err)
{
    if (fwrite(data, 1, len, ctx) != len) {
        return assay_fail_errno(err, errno, "cannot write the output");
    }
    return ASSAY_OK;
}

/* The one operand; standard input is nobody's name. */
static const char *asked_for(const struct cli_args *args)
{
    const char *one = cli_operands(args) == 1 ? cli_operand(args, 0) : NULL;
    return one == NULL || strcmp(one, "-") == 0 ? NULL : one;
}

struct assay_out cli_out(const struct cli_args *args, FILE *f)
{
    return (struct assay_out){
        .write = write_stdio,
        .ctx = f,
        .colour = cli_colour(args, f),
        .columns = cli_columns(f),
        .chinese = cli_chinese(args),
        .report_dir = cli_value(args, "out"),
        .asked_for = asked_for(args),
    };
}

const char *cli_format_count(uint64_t n, char out[CLI_COUNT_MAX])
{
    char digits[24];
    const int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    size_t k = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            out[k++] = ',';
        }
        out[k++] = digits[i];
    }
    out[k] = '\0';
    return out;
}

static atomic_int cancelled;

static void on_signal(int sig)
{
    if (atomic_exchange(&cancelled, 1) != 0) {
        _exit(128 + sig);
    }
}

atomic_int *cli_cancel_flag(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &sa, NULL);
    (void)sigaction(SIGTERM, &sa, NULL);
    return &cancelled;
}

static int read_line(int fd, char *buf, size_t cap)
{
    size_t n = 0;
    while (n < cap) {
        ssize_t got = read(fd, buf + n, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || buf[n] == '\n') {
            break;
        }
        n++;
    }
    return (int)n;
}

static int ask_file(const char *path, char *buf, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)fprintf(stderr, "assay: cannot read the passphrase file %s: %s\n", path,
                      strerrordesc_np(errno));
        return -1;
    }
    int n = read_line(fd, buf, cap);
    (void)close(fd);
    return n;
}

static int ask_terminal(const char *key_path, char *buf, size_t cap)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    struct termios saved;
    struct termios quiet;
    int have = tcgetattr(fd, &saved) == 0;
    quiet = saved;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)dprintf(fd, "Passphrase for %s: ", key_path);
    if (have) {
        (void)tcsetattr(fd, TCSAFLUSH, &quiet);
    }
    int n = read_line(fd, buf, cap);
    if (have) {
        (void)tcsetattr(fd, TCSAFLUSH, &saved);
    }
    (void)dprintf(fd, "\n");
    (void)close(fd);
    return n;
}

static int ask_passphrase(void *ctx, const char *key_path, char *buf, size_t cap)
{
    const char *file = cli_value(ctx, "passphrase-file");
    return file != NULL ? ask_file(file, buf, cap) : ask_terminal(key_path, buf, cap);
}

struct assay_passphrase cli_passphrase(const struct cli_args *args)
{
    return (struct assay_passphrase){.ask = ask_passphrase, .ctx = (void *)(uintptr_t)args};
}
