/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/protocol.h: requests on the control socket: one JSON object a line, strict members.
 *
 *     {"op":"ping"}   {"op":"status"}   {"op":"reload"}   {"op":"metrics"}
 *     {"op":"submit","path":"/abs","policy":"...","packs":["..."],"priority":N,"deadline_ms":N}
 *     {"op":"cancel","run":N}
 *     {"op":"reaudit","dry_run":true}
 *     {"op":"wait","run":N}  or  {"op":"wait","dataset":"/abs","run":AFTER}
 *     {"op":"watch","run":N,"dataset":"/abs","interval_ms":N}
 *     {"op":"report","run":N}  or  {"op":"report","dataset":"/abs"}
 *
 * Replies: {"ok":true,...} or {"ok":false,"status":"usage","message":"..."}; `wait` sends a reply
 * at every change, the last one with run.final true; `watch` is answered until the client
 * closes: daemon/status.c.
 */
#ifndef ASSAY_DAEMON_PROTOCOL_H
#define ASSAY_DAEMON_PROTOCOL_H

#include "core/buf.h"
#include "daemon/config.h"
#include "daemon/job.h"
#include "daemon/store.h"

enum assay_request_op {
    ASSAY_OP_PING,
    ASSAY_OP_STATUS,
    ASSAY_OP_SUBMIT,
    ASSAY_OP_WAIT,
    ASSAY_OP_REPORT,
    ASSAY_OP_RELOAD,
    ASSAY_OP_METRICS,
    ASSAY_OP_REAUDIT,
    ASSAY_OP_CANCEL,
    ASSAY_OP_WATCH,
    ASSAY_OP_MAX
};

struct assay_request {
    enum assay_request_op op;
    const char *path;    /* submit: absolute, no "." or ".." in it, no "/" at the end */
    const char *dataset; /* wait, report, watch: likewise */
    const char *policy;
    struct assay_config_list packs;
    uint64_t run;
    int dry_run;                    /* reaudit: only list */
    uint64_t priority, deadline_ms; /* submit */
    uint64_t interval_ms;           /* watch: at least this long between two replies */
    struct assay_arena *arena;
};

/* Release with assay_request_release, also after a failure. */
enum assay_status assay_request_parse(struct assay_bytes line, struct assay_request *ret,
                                      struct assay_error *err);
void assay_request_release(struct assay_request *r);
enum assay_status assay_request_encode(const struct assay_request *r, struct assay_buf *out);

/* Replies. Each appends one line. */
void assay_reply_ok(struct assay_buf *out);
void assay_reply_error(struct assay_buf *out, const struct assay_error *err);
/* How far the worker of a run is: what it says, and since when by the daemon's clock. */
struct assay_run_progress {
    const struct assay_worker_message *said; /* NULL: no worker */
    uint64_t phase_ms;                       /* how long it has been in this phase */
    uint64_t still_ms;                       /* since it last got on */
};
/* Bytes a second in this phase, and when it ends at this pace; UINT64_MAX: unknown. */
uint64_t assay_run_rate(const struct assay_run_progress *p);
uint64_t assay_run_eta(const struct assay_run_progress *p);
/* `progress` may be NULL. */
void assay_reply_run(struct assay_buf *out, const struct assay_run_record *run,
                     const struct assay_run_progress *progress);
/* The same object as a value inside a larger reply. */
struct assay_json;
void assay_json_run(struct assay_json *j, const struct assay_run_record *run,
                    const struct assay_run_progress *progress);
int assay_run_is_final(const struct assay_run_record *run);

/* Absolute, normalised: fit to name a dataset. */
int assay_path_is_plain(const char *path);

#endif
