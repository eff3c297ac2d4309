/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/sandbox.c: Landlock through its three system calls, seccomp through libseccomp.
 */
#include "daemon/sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/status.h"

/* ---- Landlock ------------------------------------------------------------------------------ */

/* The numbers are those of every architecture. */
#define LL_CREATE        444
#define LL_ADD_RULE      445
#define LL_RESTRICT_SELF 446
#define LL_VERSION       1U
#define LL_PATH_BENEATH  1

#define LL_BIT(n)     (UINT64_C(1) << (n))
#define LL_WRITE_FILE LL_BIT(1)
#define LL_READ_FILE  LL_BIT(2)
#define LL_TRUNCATE   LL_BIT(14)
#define LL_READ       (LL_READ_FILE | LL_BIT(3))
/* write and truncate files; remove and make files and directories; nothing else */
#define LL_WRITE    (LL_WRITE_FILE | LL_BIT(4) | LL_BIT(5) | LL_BIT(7) | LL_BIT(8) | LL_TRUNCATE)
#define LL_OF_FILES (LL_READ_FILE | LL_WRITE_FILE | LL_TRUNCATE)
#define LL_TCP      (LL_BIT(0) | LL_BIT(1)) /* bind, connect */
#define LL_SCOPES   (LL_BIT(0) | LL_BIT(1)) /* abstract sockets, signals */

struct ll_ruleset {
    uint64_t files, network, scopes;
};

struct ll_beneath {
    uint64_t access;
    int32_t fd;
} __attribute__((packed));

int assay_sandbox_landlock_abi(void)
{
    long abi = syscall(LL_CREATE, NULL, 0UL, LL_VERSION);
    return abi < 0 ? 0 : (int)abi;
}

/* How many rights over files an ABI knows: bits 0 to this, exclusive. */
static unsigned known_rights(int abi)
{
    static const unsigned by_abi[] = {0, 13, 14, 15, 15, 16};
    return by_abi[abi < 5 ? abi : 5];
}

static int new_ruleset(int abi, uint64_t files)
{
    const struct ll_ruleset r = {files, abi >= 4 ? LL_TCP : 0, abi >= 6 ? LL_SCOPES : 0};
    size_t size = abi >= 6   ? sizeof r
                  : abi >= 4 ? offsetof(struct ll_ruleset, scopes)
                             : sizeof r.files;
    return (int)syscall(LL_CREATE, &r, size, 0U);
}

/* Adds one tree to a Landlock ruleset, with the rights that make sense for what it is. */
static int allow_tree(int ruleset, const struct assay_sandbox_tree *t, uint64_t files)
{
    struct stat st;
    uint64_t access = ((t->access & ASSAY_SANDBOX_READ) != 0 ? LL_READ : 0) |
                      ((t->access & ASSAY_SANDBOX_WRITE) != 0 ? LL_WRITE : 0);
    int fd = t->path == NULL ? t->fd : open(t->path, O_PATH | O_CLOEXEC);
    if (fd < 0 && t->path != NULL && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) {
        return 0; /* what cannot be found need not be allowed */
    }
    if (fd < 0 || fstat(fd, &st) != 0) {
        return -1;
    }
    access &= S_ISDIR(st.st_mode) ? files : files & LL_OF_FILES;
    const struct ll_beneath rule = {access, fd};
    int failed = syscall(LL_ADD_RULE, ruleset, LL_PATH_BENEATH, &rule, 0U) != 0;
    int os_errno = errno;
    if (t->path != NULL) {
        (void)close(fd);
    }
    errno = os_errno;
    return failed ? -1 : 0;
}

static int restrict_files(int abi, const struct assay_sandbox_tree *trees, size_t n)
{
    uint64_t files = LL_BIT(known_rights(abi)) - 1;
    int ruleset = new_ruleset(abi, files);
    int failed = ruleset < 0;
    for (size_t i = 0; i < n && !failed; i++) {
        failed = allow_tree(ruleset, &trees[i], files) != 0;
    }
    failed = failed || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
             syscall(LL_RESTRICT_SELF, ruleset, 0U) != 0;
    int os_errno = errno;
    if (ruleset >= 0) {
        (void)close(ruleset);
    }
    errno = os_errno;
    return failed ? -1 : 0;
}

enum assay_status assay_sandbox_files(struct assay_sandbox *s,
                                      const struct assay_sandbox_tree *trees, size_t n,
                                      struct assay_error *err)
{
    if (s->mode == ASSAY_SANDBOX_OFF) {
        return ASSAY_OK;
    }
    int abi = assay_sandbox_landlock_abi();
    if (abi > 0 && restrict_files(abi, trees, n) == 0) {
        s->landlock = abi;
        return ASSAY_OK;
    }
    if (s->mode == ASSAY_SANDBOX_PREFER) {
        return ASSAY_OK;
    }
    if (abi > 0) {
        return assay_fail_errno(err, errno, "the sandbox: Landlock refuses its rules");
    }
    return assay_fail(err, ASSAY_UNSUPPORTED,
                      "the sandbox needs Landlock, and this kernel does not offer it: use Linux "
                      "5.13 or newer with landlock among its LSMs, or set sandbox: prefer");
}

/* ---- seccomp ------------------------------------------------------------------------------- */

static const char common_calls[] =
    "arch_prctl brk clock_getres clock_gettime clock_nanosleep close dup exit exit_group "
    "fcntl fstat fstatfs ftruncate futex getcpu getegid geteuid getgid getpid getppid "
    "getrandom getrusage gettid gettimeofday getuid lseek madvise membarrier memfd_create "
    "mincore mlock mmap mprotect mremap msync munlock munmap nanosleep newfstatat poll ppoll "
    "pread64 preadv pwrite64 pwritev read readv restart_syscall rseq rt_sigaction "
    "rt_sigprocmask rt_sigreturn sched_getaffinity sched_yield set_robust_list sigaltstack "
    "statx sysinfo time uname write writev";

static const char worker_calls[] =
    "access copy_file_range dup2 dup3 eventfd2 faccessat faccessat2 fadvise64 fallocate "
    "fchmod fdatasync flock fstatat64 fsync getcwd getdents64 lstat mkdir mkdirat open openat "
    "openat2 pipe pipe2 readahead readlink readlinkat rename renameat renameat2 rmdir "
    "sched_setaffinity select pselect6 sendfile set_tid_address stat statfs sync_file_range "
    "umask unlink unlinkat";

static const char signer_calls[] = "recvmsg sendmsg";

/* What an attacker would reach for: EPERM, while what nobody thought of gives ENOSYS. */
static const char refused_calls[] =
    "accept accept4 add_key bind bpf chmod chown chroot connect execve execveat fchmodat "
    "fchown fchownat fork init_module io_uring_setup ioperm iopl keyctl kill lchown link "
    "linkat listen mknod mknodat mount name_to_handle_at open_by_handle_at perf_event_open "
    "pidfd_getfd pidfd_open pivot_root process_vm_readv process_vm_writev request_key sendto "
    "setns setresuid setuid setxattr socket socketpair symlink symlinkat tkill truncate "
    "umount2 unshare userfaultfd utimensat vfork";

/* Leak checkers stop the other threads from a child that shares their memory and traces them. */
static const char sanitizer_calls[] = "getdents prctl ptrace wait4 tgkill";

/* Adds a rule for each of the names that is a call of this architecture. */
static int add_calls(scmp_filter_ctx f, uint32_t action, const char *names)
{
    char name[32];
    int failed = 0;
    for (size_t len; *names != '\0'; names += len + (names[len] == ' ')) {
        len = strcspn(names, " ");
        (void)snprintf(name, sizeof name, "%.*s", (int)len, names);
        int nr = seccomp_syscall_resolve_name(name);
        failed |= nr < 0 ? 0 : seccomp_rule_add_array(f, action, nr, 0, NULL);
    }
    return failed;
}

/* Allows call `nr` where argument `arg`, masked, has a value. */
static int allow_where(scmp_filter_ctx f, int nr, unsigned arg, uint64_t mask, uint64_t value)
{
    const struct scmp_arg_cmp compare = {arg, SCMP_CMP_MASKED_EQ, mask, value};
    return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, nr, 1, &compare);
}

/* Calls that are allowed for some arguments only: a terminal may be asked for, own limits read. */
static int add_by_argument(scmp_filter_ctx f)
{
    return allow_where(f, SCMP_SYS(ioctl), 1, UINT32_MAX, TCGETS) |
           allow_where(f, SCMP_SYS(prlimit64), 0, UINT32_MAX, 0);
}

/* Threads may be made, processes not; signals go to ourselves. */
static int add_of_process(scmp_filter_ctx f)
{
    static const unsigned of_prctl[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE,
                                        PR_SET_NO_NEW_PRIVS};
    int failed = allow_where(f, SCMP_SYS(tgkill), 0, UINT32_MAX, (uint64_t)getpid()) |
                 allow_where(f, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
    for (size_t i = 0; i < sizeof of_prctl / sizeof of_prctl[0]; i++) {
        failed |= allow_where(f, SCMP_SYS(prctl), 0, UINT32_MAX, of_prctl[i]);
    }
    return failed;
}

static int add_for_sanitizers(scmp_filter_ctx f)
{
    return add_calls(f, SCMP_ACT_ALLOW, sanitizer_calls) |
           allow_where(f, SCMP_SYS(clone), 0, CLONE_VM, CLONE_VM);
}

/* A worker gives up rights in two steps; the second needs Landlock once more. */
static int add_landlock(scmp_filter_ctx f)
{
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, LL_CREATE, 0) |
           seccomp_rule_add(f, SCMP_ACT_ALLOW, LL_ADD_RULE, 0) |
           seccomp_rule_add(f, SCMP_ACT_ALLOW, LL_RESTRICT_SELF, 0);
}

static int fill_filter(scmp_filter_ctx f, enum assay_sandbox_profile profile)
{
    int is_worker = profile == ASSAY_SANDBOX_WORKER;
    int failed = add_calls(f, SCMP_ACT_ALLOW, common_calls) |
                 add_calls(f, SCMP_ACT_ALLOW, is_worker ? worker_calls : signer_calls) |
                 add_calls(f, SCMP_ACT_ERRNO(EPERM), refused_calls);
    failed |= add_by_argument(f) | (ASSAY_SANITIZED ? add_for_sanitizers(f) : add_of_process(f));
    return failed | (is_worker ? add_landlock(f) : 0);
}

int assay_sandbox_has_seccomp(void)
{
    const uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0U, &action) == 0;
}

enum assay_status assay_sandbox_calls(struct assay_sandbox *s, enum assay_sandbox_profile profile,
                                      struct assay_error *err)
{
    if (s->mode == ASSAY_SANDBOX_OFF) {
        return ASSAY_OK;
    }
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (f == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: reads are many */
    s->seccomp = fill_filter(f, profile) == 0 && seccomp_load(f) == 0;
    seccomp_release(f);
    if (s->seccomp || s->mode == ASSAY_SANDBOX_PREFER) {
        return ASSAY_OK;
    }
    return assay_fail(err, ASSAY_UNSUPPORTED,
                      "the sandbox needs seccomp filters, and this kernel does not offer them: use "
                      "one built with CONFIG_SECCOMP_FILTER, or set sandbox: prefer");
}

/* ---- the rest ------------------------------------------------------------------------------ */

void assay_sandbox_network(struct assay_sandbox *s)
{
    s->network = s->mode != ASSAY_SANDBOX_OFF && unshare(CLONE_NEWNET) == 0;
}

const char *assay_sandbox_mode_name(enum assay_sandbox_mode mode)
{
    static const char *const names[] = {"require", "prefer", "off"};
    return names[mode];
}

void assay_sandbox_describe(const struct assay_sandbox *s, char out[ASSAY_SANDBOX_TEXT_MAX])
{
    char landlock[24] = "no landlock";
    if (s->mode == ASSAY_SANDBOX_OFF) {
        (void)snprintf(out, ASSAY_SANDBOX_TEXT_MAX, "off");
        return;
    }
    if (s->landlock > 0) {
        (void)snprintf(landlock, sizeof landlock, "landlock %d", s->landlock);
    }
    (void)snprintf(out, ASSAY_SANDBOX_TEXT_MAX, "%s, %s%s", landlock,
                   s->seccomp ? "seccomp" : "no seccomp",
                   s->network ? ", own network namespace" : "");
}
