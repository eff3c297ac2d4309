/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/sandbox.h: what a process that reads untrusted bytes, or holds the key, may still do.
 *
 * Three fences, each of use without the others:
 *   Landlock   files: nothing but the listed trees, each for reading or for writing; no TCP, no
 *              abstract sockets, no signals to others where the kernel knows how (ABI 4 and 6).
 *              Layers add up: a second call can only take away.
 *   seccomp    system calls: a list of what the engine needs. No sockets, no exec, no fork, no
 *              ptrace, no changing of owners, modes or times. What is known and refused gives
 *              EPERM; what is not known gives ENOSYS, so that newer C libraries fall back.
 *   network    a network namespace of its own, where the process may make one; never required.
 * Both others are required by `sandbox: require`; `prefer` takes what there is and says so; `off`
 * does nothing and says so. Landlock is spoken to by number: its ABI is asked of the kernel at run
 * time, the headers of the build machine do not matter.
 * Thread rule: call while the process has one thread; threads made later inherit.
 * Sources: landlock(7), Documentation/userspace-api/landlock.rst, seccomp(2).
 */
#ifndef ASSAY_DAEMON_SANDBOX_H
#define ASSAY_DAEMON_SANDBOX_H

#include "assay/base.h"

/* Sanitizers map terabytes for themselves, read /proc and trace their own process at exit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ASSAY_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ASSAY_SANITIZED 1
#endif
#endif
#ifndef ASSAY_SANITIZED
#define ASSAY_SANITIZED 0
#endif

#define ASSAY_SANDBOX_TEXT_MAX 80

/* As in the configuration: require|prefer|off. */
enum assay_sandbox_mode { ASSAY_SANDBOX_REQUIRE, ASSAY_SANDBOX_PREFER, ASSAY_SANDBOX_OFF };
#define ASSAY_SANDBOX_MODES "require|prefer|off"

/* Whose system calls. */
enum assay_sandbox_profile { ASSAY_SANDBOX_WORKER = 1, ASSAY_SANDBOX_SIGNER = 2 };

enum assay_sandbox_access { ASSAY_SANDBOX_READ = 1, ASSAY_SANDBOX_WRITE = 2 };

/* A tree, or a single file. */
struct assay_sandbox_tree {
    const char *path; /* one that does not exist is passed over; NULL: `fd` */
    int fd;
    unsigned access;
};

/* What is in force. */
struct assay_sandbox {
    enum assay_sandbox_mode mode;
    int landlock; /* its ABI; 0: none */
    int seccomp;
    int network; /* has a network namespace of its own */
};

const char *assay_sandbox_mode_name(enum assay_sandbox_mode mode);
/* What the kernel offers: its Landlock ABI, 0 for none; whether it has seccomp filters. */
int assay_sandbox_landlock_abi(void);
int assay_sandbox_has_seccomp(void);

/* Leaves nothing of the file system but `trees`. ASSAY_UNSUPPORTED where that is required and not
 * possible. */
enum assay_status assay_sandbox_files(struct assay_sandbox *s,
                                      const struct assay_sandbox_tree *trees, size_t n,
                                      struct assay_error *err);
/* Leaves nothing of the system calls but those of `profile`. Error as above. */
enum assay_status assay_sandbox_calls(struct assay_sandbox *s, enum assay_sandbox_profile profile,
                                      struct assay_error *err);
/* Leaves the network, where that is allowed. */
void assay_sandbox_network(struct assay_sandbox *s);
/* "landlock 7, seccomp, own network namespace", "no landlock, seccomp", "off". */
void assay_sandbox_describe(const struct assay_sandbox *s, char out[ASSAY_SANDBOX_TEXT_MAX]);

#endif
