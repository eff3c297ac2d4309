/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/server.h: the inside of assayd, shared by its own files and nobody else.
 *
 * One thread, one epoll instance, no blocking call but the signing and syncing of reports. server.c
 * holds the loop and the life of the process; intake.c the sources; queueing.c, runs.c and finish.c
 * audits from beginning to end; listen.c and control.c the socket; status.c what is shown of it all;
 * publish.c what happens to a report; adopt.c what an earlier life left; retention.c what is too
 * old; notify.c what the service manager is told; gauges.c what is counted.
 */
#ifndef ASSAY_DAEMON_SERVER_H
#define ASSAY_DAEMON_SERVER_H

#include <limits.h>

#include "core/arena.h"
#include "core/limits.h"
#include "daemon/child.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/protocol.h"
#include "daemon/rules_digest.h"
#include "daemon/signer.h"
#include "reports/verify.h"

#define SERVER_WORKERS_MAX    64
#define SERVER_KINDS_MAX      8
#define SERVER_NEVER          UINT64_MAX
#define SERVER_STORE_RETRY_MS UINT64_C(5000)
#define SERVER_GROUP_MAX      16 /* reports that are synced together */

struct server;

/* What epoll points at: embedded first in everything that waits. */
struct server_watcher {
    void (*ready)(struct server *s, struct server_watcher *w);
};

/* Why a worker was told to end. */
enum server_ending { SERVER_NOT_ENDED, SERVER_CANCELLED, SERVER_OVERDUE };

/* A worker slot, from start to the durable record of its outcome. */
struct server_run {
    struct server_watcher watcher; /* the pipe */
    int busy;
    uint64_t id;
    unsigned attempt;
    uint64_t generation; /* whose rules it began with */
    uint64_t started_ms; /* monotonic */
    uint64_t due_ms;     /* monotonic; its deadline; SERVER_NEVER: none */
    enum server_ending ending;
    uint64_t kill_ms; /* monotonic; when what was told to end is killed */
    char source[256]; /* its name, as far as it fits */
    struct assay_child child;
    char staging[PATH_MAX]; /* the worker's directory, with the report in the making */
    char final[PATH_MAX];   /* the report's final name, */
    int is_published;       /* which it has */
    int is_recorded;        /* in the commit under way */
    char verdict[16];
    char manifest[65];
    char suspect[ASSAY_LIMIT_NAME]; /* the file that is tried alone, and nothing audited */
    size_t suspect_len;             /* 0: none, it is the audit */
    int again;                      /* the suspect was tried: on with the same attempt */
    uint64_t
        record_ms; /* monotonic; when to try again to record the outcome; 0: nothing to record */
};

/* A client that watches: status.c. */
struct server_watch {
    int on;
    int all;          /* to be told of everything next, not of what changed */
    uint64_t at;      /* the first change it was not told of */
    uint64_t seen;    /* news.stirred at the last push */
    uint64_t next_ms; /* monotonic; not before */
    uint64_t interval_ms;
    uint64_t run;  /* only this run, or with a dataset, those with a greater number; 0: any */
    char *dataset; /* NULL: any */
};

/* What has changed: the last of so many runs, by number. */
#define SERVER_NEWS 1024
struct server_news {
    uint64_t run[SERVER_NEWS];
    uint64_t n;       /* changes ever */
    uint64_t stirred; /* and those of progress, which have no place in the ring */
};

struct server_client {
    struct server_watcher watcher;
    int fd; /* -1: free */
    struct assay_buf in, out;
    int waits;          /* a `wait` is open: */
    uint64_t wait_run;  /* this run; or with a dataset, a run with a greater number */
    char *wait_dataset; /* NULL */
    struct server_watch watch;
    int waits_reload; /* is to be answered at the end of so many reloads from now; 0: is not */
    int closing;      /* after the output is gone */
};

/* What the service manager was told, and when (monotonic). */
struct server_notice {
    int wanted, dirty;    /* somebody listens; something may have changed since */
    uint64_t watchdog_ms; /* 0: no watchdog */
    uint64_t fed_ms, told_ms;
    char line[ASSAY_NOTICE_STATUS_MAX];
};

/* A reload under way. */
struct server_reload {
    struct server_watcher watcher;
    pid_t pid; /* 0: none */
    int fd;    /* what it says */
    struct assay_buf said;
    uint64_t number; /* of the generation in the making */
    uint64_t due_ms;
    int expired, again; /* was ended for taking too long; another was asked for meanwhile */
};

enum server_state { SERVER_RUNNING, SERVER_DRAINING, SERVER_STOPPED };

struct server {
    const char *config_path;
    struct assay_config *config;
    struct assay_store *store;
    struct assay_signer signer;
    uint8_t fingerprint_key[32];
    char signer_program[PATH_MAX];
    const char *worker;                                 /* program */
    struct assay_source_set *sources[SERVER_KINDS_MAX]; /* by row of assay_source_kinds */
    struct server_watcher source_watcher, signal_watcher, timer_watcher, listen_watcher;
    int epoll_fd, signal_fd, timer_fd, listen_fd, lock_fd;
    struct server_run runs[SERVER_WORKERS_MAX];
    struct server_client clients[ASSAY_LIMIT_CLIENTS];
    int socket_is_lent; /* the service manager's: its file is not ours to remove */
    struct server_notice notice;
    struct server_news news;
    struct assay_metrics metrics;
    uint64_t work_ms; /* monotonic; the next thing due that is not a notice */
    struct server_reload reload;
    uint64_t generation, last_generation; /* in force; newest number given */
    size_t generations;                   /* on the disk, as far as known */
    char reload_problem[256];             /* why the last reload failed; empty: it did not */
    enum server_state state;
    uint64_t started_ms; /* Unix */
    uint64_t drain_ms;   /* monotonic deadline while draining */
    struct assay_rules_memory rules;
    uint64_t rules_ms;                   /* monotonic; when rules are compared next */
    uint64_t stale[ASSAY_LIMIT_SOURCES]; /* datasets judged under other rules, by source */
    uint64_t schedule_ms;     /* monotonic; no run starts before (the store failed); 0: at once */
    uint64_t retention_ms;    /* monotonic; when to look for what is too old */
    uint64_t retention_after; /* the last run that was looked at; 0: a pass begins */
    uint64_t retention_elsewhere; /* old reports that this pass left alone */
    uint64_t answer_ms; /* monotonic; when every outcome nobody confirmed is offered again */
};

enum assay_status server_add(struct server *s, int fd, struct server_watcher *w,
                             struct assay_error *err);
/* To be called before a watched descriptor is closed: a worker that is just being forked holds a
 * copy of it, so that closing alone would not take it out of the epoll instance. */
void server_unwatch(struct server *s, int fd);

/* server.c */
enum assay_status server_check_unchangeable(const struct assay_config *old,
                                            const struct assay_config *new,
                                            struct assay_error *err);
/* Puts `config` in force, and owns it then; what fails changes nothing. */
enum assay_status server_switch(struct server *s, struct assay_config *config,
                                struct assay_error *err);

/* reload.c */
/* Makes generation 1, and takes the configuration from it. Errors of its parts are on stderr. */
enum assay_status server_first_generation(struct server *s, struct assay_error *err);
void server_reload_start(struct server *s); /* server_reload_answer tells how it ended */
void server_reload_check(struct server *s); /* ends one that takes too long */
uint64_t server_reload_deadline(const struct server *s);
void server_reload_stop(struct server *s);
void server_generations_sweep(struct server *s); /* removes those that nobody uses */
/* Where the generation in force (of the server `s`) has its copy; 0: there is none. */
int server_copy_of(void *s, enum assay_rules_part part, const char *name, char ret[PATH_MAX]);
/* Makes `job` use the generation in force, and `run` keep it. Strings come from `arena`. */
enum assay_status server_pin(struct server *s, struct server_run *run, struct assay_job *job,
                             struct assay_arena *arena, struct assay_error *err);
/* Puts the originals' paths wherever `text` (of `cap` bytes) names copies that `run` uses. */
void server_name_originals(const struct server *s, const struct server_run *run, char *text,
                           size_t cap);

/* check.c */
struct server_options;
int server_check_main(const struct server_options *opt); /* the exit code */

/* intake.c */
/* Starts every kind for `config` into `ret`; all or none. */
enum assay_status server_start_sources(struct server *s, const struct assay_config *config,
                                       struct assay_source_set *ret[SERVER_KINDS_MAX],
                                       struct assay_error *err);
void server_stop_sources(struct assay_source_set *sources[SERVER_KINDS_MAX]);
/* Before sources are asked, and before their deadlines count: one without room wants no turn. */
void server_tell_room(struct server *s);
void server_ask_sources(struct server *s); /* queues what they deliver */
struct assay_source_counts server_source_counts(const struct server *s,
                                                const struct assay_config_source *which);

/* queueing.c */
/* What became of a delivery: to be told once that is committed. */
struct server_offered {
    uint64_t id;
    int is_new;   /* a run was queued, else an earlier one answers */
    int is_asked; /* somebody waits to hear of it */
    char *path;   /* owned by an arena of the turn */
    const char *source;
};
/* Queues a delivery, unless this very state of it was audited or is queued already. Within a commit;
 * server_offered then has the effects. Strings are kept in `arena`. */
enum assay_status server_offer(struct server *s, const struct assay_delivery *d,
                               struct assay_arena *arena, struct server_offered *ret);
void server_offered(struct server *s, const struct server_offered *o);
/* A run of its own, unless one of the same state waits or runs already: *ret_run is either. */
enum assay_status server_submit(struct server *s, const struct assay_request *r, uint64_t *ret_run,
                                struct assay_error *err);

/* runs.c */
void server_schedule(struct server *s); /* starts what can start, finishes what has ended */
void server_reap(struct server *s);
void server_check_stalls(struct server *s);
uint64_t server_runs_deadline(const struct server *s);
size_t server_busy(const struct server *s);
const struct server_run *server_find_run(const struct server *s, uint64_t id);
void server_end_runs(struct server *s); /* kills the workers; their runs are queued again */
/* A worker for a run that is recorded as running. */
void server_launch(struct server *s, struct server_run *slot);

/* finish.c: what follows the end of a worker */
void server_finish_ended(struct server *s); /* publishes; records what leaves no report */
void server_finish(struct server *s, struct server_run *run); /* one without a report */
int server_has_published(const struct server *s);             /* that is not recorded yet */
/* Within a commit; server_recorded tells how that ended (`why` NULL: well), and counts them. */
void server_record_published(struct server *s);
size_t server_recorded(struct server *s, const struct assay_error *why);
void server_postpone_published(struct server *s, const struct assay_error *why);
/* In a commit of its own. */
enum assay_status server_record_alone(struct server *s, struct server_run *run,
                                      struct assay_error *err);

/* ending.c: runs that end before they are done: cancelled, or past their deadline */
enum assay_status server_cancel(struct server *s, uint64_t id, struct assay_error *err);
void server_check_ends(struct server *s);
uint64_t server_ends_deadline(const struct server *s);
enum assay_status server_record_ending(struct server *s, struct server_run *run,
                                       struct assay_error *err);

/* suspects.c: files that may have broken a worker */
/* The worker of `run` has failed: records what it had in hand, where that may be why. */
enum assay_status server_note_suspects(struct server *s, const struct server_run *run,
                                       struct assay_error *err);
/* Attempts that a run has besides the first. */
uint64_t server_attempts(struct server *s, const struct server_run *run);
/* What the next worker is to do: try a suspect alone, or audit with the poison set aside. Names live
 * in `arena` and in the slot. */
enum assay_status server_choose_suspect(struct server *s, struct server_run *run,
                                        struct assay_arena *arena, struct assay_job *job,
                                        struct assay_error *err);
/* The worker that tried a suspect has ended; *ret_known: and the outcome is recorded. If not, it
 * failed for another reason. */
enum assay_status server_suspect_tried(struct server *s, struct server_run *run, int *ret_known,
                                       struct assay_error *err);

/* requests.c: what sources want to hear of */
void server_answer(struct server *s, uint64_t run); /* offers the outcome, if it is final */
void server_answer_all(struct server *s);           /* every turn: confirmations; what is due */
uint64_t server_answer_deadline(const struct server *s);
/* Hands news of an audit to the source that wanted it. */
void server_follow(const struct server *s, const struct assay_audit_news *news);

/* reaudit.c */
/* What a source of that name, or `submit`, has besides packs and policy; nothing is set when there
 * is none. */
void server_source_lists(const struct server *s, const char *source,
                         struct assay_config_list *ret_settings,
                         struct assay_config_list *ret_suppressions,
                         struct assay_config_list *ret_keys);
/* Fills in the digest of the rules of `spec`. */
void server_set_rules(struct server *s, struct assay_run_spec *spec);
/* ASSAY_OK and the run that judged, or will judge, a delivery as it is; ASSAY_NOTFOUND: none. */
enum assay_status server_known(struct server *s, const struct assay_run_spec *spec,
                               uint64_t *ret_id, struct assay_error *err);
void server_check_rules(struct server *s); /* when it is time */
/* Answers with the datasets that were judged under other rules; queues them unless only_list. */
enum assay_status server_reaudit(struct server *s, int only_list, struct assay_buf *out,
                                 struct assay_error *err);

/* adopt.c: what an earlier life of the daemon left behind: reports it published are recorded, all
 * other runs it had begun are queued again. Needs the keys. */
enum assay_status server_recover(struct server *s, struct assay_error *err);

/* publish.c */
enum assay_status server_staging_prepare(const struct assay_config *c, struct server_run *run,
                                         struct assay_error *err);
/* Signs the reports of up to SERVER_GROUP_MAX runs whose workers succeeded, syncs them together and
 * gives them their final names; `errs` has what prevented it where `is_published` is not set. */
void server_publish(const struct assay_config *c, struct assay_signer *signer,
                    struct server_run *const *runs, size_t n, struct assay_error *errs);
/* The final name of the report of a run of `dataset` (a name). */
enum assay_status server_report_path(const struct assay_config *c, const char *dataset, uint64_t id,
                                     char ret[PATH_MAX], struct assay_error *err);
/* Moves what stands at `path` in the reports directory out of the way, if there is something. */
enum assay_status server_set_aside(const struct assay_config *c, const char *path,
                                   const char *reason, struct assay_error *err);
/* Verifies the report in `dir`, without the data; what is wrong with it is logged. */
enum assay_status server_verify_report(const char *dir, struct assay_key *key,
                                       struct assay_verify_result *ret, struct assay_error *err);
#define SERVER_STAGING ".staging" /* in reports.dir; emptied at the start */
void server_remove_tree(const char *path);
void server_staging_clear(const struct assay_config *c); /* leftovers of an earlier life */
/* The secret of fingerprints, and a signer of its own for the signing key. */
enum assay_status server_load_keys(const struct assay_config *c, const char *signer,
                                   struct assay_signer *ret_signer, uint8_t ret_fingerprint[32],
                                   struct assay_error *err);

/* retention.c */
void server_retain(struct server *s); /* when it is time; a slice of it a turn */
uint64_t server_retention_deadline(const struct server *s);

/* control.c */
/* Tells all who asked for a reload how it ended; NULL: well. */
void server_reload_answer(struct server *s, const struct assay_error *err);
void server_accept(struct server *s, struct server_watcher *w);
void server_control_close(struct server *s);
void server_tell(struct server *s, uint64_t run);          /* this run is in another state */
void server_tell_progress(struct server *s, uint64_t run); /* its worker got on */
void server_flush(struct server *s);

/* status.c */
struct assay_run_progress server_progress(const struct server *s, uint64_t run);
enum assay_status server_put_status(struct server *s, struct assay_buf *out,
                                    struct assay_error *err);
void server_news(struct server *s, uint64_t run);
void server_stir(struct server *s); /* something else changed that watchers may show */
enum assay_status server_watch_start(struct server *s, struct server_watch *w,
                                     const struct assay_request *r, struct assay_error *err);
void server_watch_stop(struct server_watch *w);
void server_watch_turn(struct server *s); /* tells those whose time has come */
uint64_t server_watch_deadline(const struct server *s);

/* listen.c */
enum assay_status server_listen(struct server *s, struct assay_error *err);
void server_unlisten(struct server *s);

/* gauges.c */
void server_count_done(struct server *s, const struct server_run *run);
void server_count_fault(struct server *s, const struct server_run *run, int is_last);
enum assay_status server_metrics(struct server *s, struct assay_buf *out, struct assay_error *err);

/* notify.c */
void server_notice_start(struct server *s);
void server_notice_turn(struct server *s); /* feeds the watchdog, sends the status line */
uint64_t server_notice_deadline(const struct server *s);

/* What assayd was asked for on its command line. */
struct server_options {
    const char *config_path;
    int check_only;
    const char *copy_to; /* with check_only: leave a generation here; NULL: do not */
};
/* Runs until SIGTERM. Returns the exit code. */
int server_run_main(const struct server_options *opt);

#endif
