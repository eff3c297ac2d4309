/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/doctor.c: `assay doctor`: is this machine fit, and what would mend it. One table of checks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <iconv.h>
#include <limits.h>
#include <magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <hiredis/hiredis.h>
#include <openssl/crypto.h>
#include <pcre2.h>
#include <sqlite3.h>
#include <yara.h>
#include <zlib.h>
#include <zstd.h>

#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "config.h"
#include "core/fs.h"
#include "core/option.h"

#ifdef HAVE_VECTORSCAN
#include <hs.h>
#endif

enum health { WELL, WEAK, ILL };

struct finding {
    char text[256];
    const char *cure; /* NULL when well */
};

static enum health say(struct finding *f, enum health h, const char *cure, const char *fmt, ...)
    ASSAY_PRINTF(4, 5);
static enum health say(struct finding *f, enum health h, const char *cure, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    f->cure = h == WELL ? NULL : cure;
    return h;
}

static enum health check_libraries(struct finding *f)
{
    char pcre2[64] = "?";
    (void)pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
    return say(f, WELL, NULL,
               "pcre2 %.20s, yara %s, zlib %s, zstd %s, hiredis %d.%d.%d, sqlite %s, openssl %s",
               pcre2, YR_VERSION, zlibVersion(), ZSTD_versionString(), HIREDIS_MAJOR, HIREDIS_MINOR,
               HIREDIS_PATCH, sqlite3_libversion(), OpenSSL_version(OPENSSL_VERSION_STRING));
}

static enum health check_matcher(struct finding *f)
{
#ifdef HAVE_VECTORSCAN
    if (hs_valid_platform() == HS_SUCCESS) {
        return say(f, WELL, NULL, "vectorscan %s", hs_version());
    }
    return say(f, WEAK, "run on a CPU with SSSE3 or newer; results are the same, scans are slower",
               "vectorscan is built in, but this CPU cannot run it");
#else
    return say(f, WEAK, "install libvectorscan-dev and configure again; results are the same",
               "built without vectorscan: scans are slower");
#endif
}

static enum health check_jit(struct finding *f)
{
    uint32_t jit = 0;
    (void)pcre2_config(PCRE2_CONFIG_JIT, &jit);
    if (jit == 1) {
        return say(f, WELL, NULL, "PCRE2 JIT works");
    }
    return say(f, WEAK, "install a PCRE2 that is built with JIT", "PCRE2 has no JIT");
}

static enum health check_magic(struct finding *f)
{
    magic_t m = magic_open(MAGIC_MIME_TYPE);
    int ok = m != NULL && magic_load(m, NULL) == 0;
    if (m != NULL) {
        magic_close(m);
    }
    return ok ? say(f, WELL, NULL, "libmagic %d loads its database", magic_version())
              : say(f, ILL, "apt-get install libmagic-mgc", "libmagic cannot load its database");
}

static enum health check_iconv(struct finding *f)
{
    iconv_t cd = iconv_open("UTF-8", "GB18030");
    if (cd == (iconv_t)-1) {
        return say(f, WEAK, "install the C library's gconv modules (package libc6)",
                   "GB18030 input cannot be decoded; such files are reported as not scanned");
    }
    (void)iconv_close(cd);
    return say(f, WELL, NULL, "GB18030 and UTF-16 input can be decoded");
}

static enum health check_fonts(struct finding *f)
{
    static const char *const patterns[] = {
        "/usr/share/fonts/*/*/*CJK*", "/usr/share/fonts/*/*/wqy*", "/usr/share/fonts/*/wqy*/*",
        "/usr/share/fonts/*/*/DroidSansFallback*", "/usr/share/fonts/*/noto*/*CJK*"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        glob_t g;
        int found = glob(patterns[i], GLOB_NOSORT, NULL, &g) == 0 && g.gl_pathc > 0;
        globfree(&g);
        if (found) {
            return say(f, WELL, NULL, "a Chinese font is installed");
        }
    }
    return say(f, WEAK, "apt-get install fonts-wqy-microhei (only needed where reports are viewed)",
               "no Chinese font found: HTML reports opened here may show empty boxes");
}

static enum health check_private_dir(struct finding *f, enum assay_fs_home which, const char *what)
{
    char path[PATH_MAX];
    struct stat st;
    struct assay_error err = {0};
    if (assay_fs_home(which, path, sizeof path, &err) != ASSAY_OK) {
        return say(f, ILL, "set HOME", "no %s directory: %s", what, err.message);
    }
    if (stat(path, &st) != 0) {
        return say(f, WELL, NULL, "%s directory will be made on first use", what);
    }
    if ((st.st_mode & 022) != 0 || (st.st_uid != geteuid() && st.st_uid != 0)) {
        return say(f, ILL, "chmod go-w it, and make it yours: others could replace what is in it",
                   "%s directory %.150s can be changed by others", what, path);
    }
    if (access(path, W_OK) != 0) {
        return say(f, ILL, "make it writable for you", "%s directory %.150s is read-only", what,
                   path);
    }
    return say(f, WELL, NULL, "%s directory %.150s is private", what, path);
}

static enum health check_config_dir(struct finding *f)
{
    return check_private_dir(f, ASSAY_HOME_CONFIG, "key");
}

static enum health check_cache_dir(struct finding *f)
{
    return check_private_dir(f, ASSAY_HOME_CACHE, "rule cache");
}

static enum health check_files(struct finding *f)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= 256) {
        return say(f, WELL, NULL, "enough open files allowed");
    }
    return say(f, WEAK, "ulimit -n 1024", "only %llu open files allowed",
               (unsigned long long)limit.rlim_cur);
}

static enum health check_watches(struct finding *f)
{
    int64_t watches = 0;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 256);
    if (assay_fs_read_file("/proc/sys/fs/inotify/max_user_watches", 128, &text, NULL) != ASSAY_OK) {
        return say(f, WEAK, "mount /proc, or expect assayd to poll", "inotify limits are unknown");
    }
    text.ptr[strcspn(text.ptr, "\n")] = '\0';
    if (assay_parse_int(text.ptr, 0, INT64_MAX, &watches, NULL) == ASSAY_OK && watches >= 65536) {
        return say(f, WELL, NULL, "inotify watches: %lld", (long long)watches);
    }
    return say(f, WEAK, "sysctl fs.inotify.max_user_watches=524288", "inotify watches: only %lld",
               (long long)watches);
}

static enum health check_kernel(struct finding *f)
{
#ifdef SYS_openat2
    long fd = syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0);
    if (fd < 0 && errno == ENOSYS) {
        return say(f, WEAK, "run Linux 5.6 or newer",
                   "no openat2: a slower, equally safe walk is used");
    }
#endif
    return say(f, WELL, NULL, "openat2 is there");
}

static enum health check_cpu(struct finding *f)
{
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2")) {
        return say(f, WEAK, "a CPU with AVX2 scans faster", "this CPU has no AVX2");
    }
#endif
    return say(f, WELL, NULL, "vector instructions are there");
}

static enum health check_tmp(struct finding *f)
{
    int fd = assay_fs_tmpfile();
    if (fd < 0) {
        return say(f, ILL, "free space in $TMPDIR or /tmp, or point TMPDIR elsewhere",
                   "no temporary file can be made");
    }
    (void)close(fd);
    return say(f, WELL, NULL, "temporary files can be made");
}

static const struct {
    const char *name;
    enum health (*check)(struct finding *f);
} checks[] = {
    {"libraries", check_libraries}, {"matcher", check_matcher},  {"regex", check_jit},
    {"file types", check_magic},    {"encodings", check_iconv},  {"cpu", check_cpu},
    {"kernel", check_kernel},       {"keys", check_config_dir},  {"rule cache", check_cache_dir},
    {"temporary", check_tmp},       {"open files", check_files}, {"watching", check_watches},
    {"fonts", check_fonts},
};

static int run_doctor(const struct cli_args *args)
{
    static const char *const marks[] = {"ok  ", "weak", "ILL "};
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    int colour = cli_colour(args, stdout);
    int worst = WELL;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct finding f = {.cure = NULL};
        enum health h = checks[i].check(&f);
        (void)printf("%s%s%s  %-11s %s\n", colour ? colours[h] : "", marks[h],
                     colour ? "\033[0m" : "", checks[i].name, f.text);
        if (f.cure != NULL) {
            (void)printf("                  cure: %s\n", f.cure);
        }
        worst = (int)h > worst ? (int)h : worst;
    }
    return worst == ILL ? 3 : 0;
}

static const struct cli_option options[] = {CLI_NO_OPTION};
static const char *const examples[] = {
    "assay doctor",
    "check libraries, fonts, permissions and limits, each with its cure",
    NULL,
};

const struct cli_command cli_doctor = {
    .name = "doctor",
    .summary = "check this machine, and say what would mend it",
    .operands = "",
    .options = options,
    .examples = examples,
    .notes = "Exit code 0 when Assay can work here, 3 when something must be mended first.",
    .run = run_doctor,
};
