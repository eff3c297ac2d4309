/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/signer.h: assay-signer, the one process that holds the private key, and how assayd talks
 * to it.
 *
 * The signer is started by assayd with one end of a socket pair as standard input. It loads the
 * key, or makes it at the first use, sends a hello with the public half, and enters its sandbox: no
 * file can be opened, no process or socket made. Then it answers requests, one at a time: it is
 * handed three open files (both statements and the manifest), looks at what it is asked to sign,
 * and answers with two files in memory, the envelopes. It signs
 *     two statements that are ours, about this manifest, and belong together;
 *     whose run statement names the run that the request names;
 *     and for one attempt of a run only one content, and none for an attempt before the last (it
 *     remembers the last ASSAY_LIMIT_SIGNED runs; not across its own restarts).
 * A worker cannot reach it: it has no descriptor, no sockets, and may send no signals.
 * It logs nothing: whatever it has to say is in its answer, and assayd logs that with the run.
 * A signer that dies is started again, at once or by the next request; a request under way when it
 * dies is asked again, once.
 * Thread rule: a signer belongs to one thread; calls block, for at most SIGNER_PATIENCE_MS.
 * Messages are fixed structs: both ends are of one build.
 */
#ifndef ASSAY_DAEMON_SIGNER_H
#define ASSAY_DAEMON_SIGNER_H

#include <limits.h>
#include <sys/types.h>

#include "daemon/config.h"
#include "reports/keys.h"

/* ---- the client ---------------------------------------------------------------------------- */

struct assay_signer {
    pid_t pid;               /* 0: none runs */
    int fd;                  /* -1 */
    struct assay_key *key;   /* its public half */
    char program[PATH_MAX];  /* how it is started */
    char key_file[PATH_MAX]; /* borrowed from nobody: outlives the configuration */
    char passphrase_file[PATH_MAX];
    uint64_t sandbox;
    uint64_t started_ms; /* monotonic */
    int made_key;        /* at the last start */
};

/* Starts it and waits for its hello. On failure nothing is left, and *s can be stopped again. */
enum assay_status assay_signer_start(struct assay_signer *s, const char *program,
                                     const struct assay_config *c, struct assay_error *err);
void assay_signer_stop(struct assay_signer *s); /* ends it; frees the key */
/* Signs the report in `dir`: adds run.dsse.json, signer.pub and statement.dsse.json, not synced. */
enum assay_status assay_signer_sign(struct assay_signer *s, uint64_t run, uint64_t attempt,
                                    const char *dir, struct assay_error *err);
/* After SIGCHLD: starts it again if it died, unless it lived less than a second. Non-zero: it was
 * found dead. */
int assay_signer_revive(struct assay_signer *s);

/* ---- messages ------------------------------------------------------------------------------ */

#define ASSAY_SIGNER_PEM_MAX 1024

struct assay_signer_hello {
    uint32_t status; /* enum assay_status */
    uint32_t made;   /* a key was made */
    char text[ASSAY_ERROR_MESSAGE_MAX];
    char pem[ASSAY_SIGNER_PEM_MAX]; /* public key */
};

enum assay_signer_file {
    ASSAY_SIGNER_STATEMENT,
    ASSAY_SIGNER_RUN,
    ASSAY_SIGNER_MANIFEST,
    ASSAY_SIGNER_FILES
};

struct assay_signer_request { /* with ASSAY_SIGNER_FILES descriptors */
    uint64_t run, attempt;
};

struct assay_signer_reply { /* ASSAY_OK: with the envelopes of statement and run */
    uint32_t status;
    char text[ASSAY_ERROR_MESSAGE_MAX];
};

/* One message with up to ASSAY_SIGNER_FILES descriptors. 0, or -1 with errno (EPIPE: the other end
 * is gone; EPROTO: not a message of this size). Received descriptors are the caller's to close. */
int assay_signer_send(int fd, const void *message, size_t len, const int *fds, size_t n);
int assay_signer_receive(int fd, void *message, size_t len, int fds[ASSAY_SIGNER_FILES],
                         size_t *ret_n);

#endif
