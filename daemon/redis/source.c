/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/source.c: the `redis` source: its row of the table, over all configured streams.
 *
 * Streams take turns in offering what they took. The descriptor handed out is an epoll instance that
 * holds the connections of all of them.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/status.h"
#include "daemon/protocol.h"
#include "daemon/redis/stream.h"

struct assay_source_set {
    const struct assay_config *config;
    int epoll_fd;
    struct stream *streams;
    size_t n_streams;
    struct flight *offered;                          /* the last handed out */
    char origin[ASSAY_QUEUE_ENTRY + ASSAY_QUEUE_ID]; /* of it: entry and job id */
    size_t turn;
};

/* ---- checking ------------------------------------------------------------------------------- */

static enum assay_status check_name(const char *key, const char *value, struct assay_error *err)
{
    return assay_queue_is_name(assay_bytes_str(value), ASSAY_QUEUE_NAME - 1)
               ? ASSAY_OK
               : assay_fail(err, ASSAY_CONFIG, "%s must be 1 to %d letters, digits or ._:-", key,
                            ASSAY_QUEUE_NAME - 1);
}

static enum assay_status redis_check(const struct assay_config_source *c, struct assay_error *err)
{
    struct assay_redis_address address;
    if (c->roots.n == 0) {
        return assay_fail(err, ASSAY_CONFIG,
                          "roots is missing: which directories may jobs name? roots: [/srv/data]");
    }
    for (size_t i = 0; i < c->roots.n; i++) {
        if (c->roots.items[i] == NULL || !assay_path_is_plain(c->roots.items[i])) {
            return assay_fail(err, ASSAY_CONFIG, "roots must be absolute paths, without . or ..");
        }
    }
    enum assay_status status = assay_redis_address_parse(c->url, &address, err);
    if (status == ASSAY_OK) {
        status = check_name("tenant", c->tenant, err);
    }
    if (status == ASSAY_OK) {
        status = check_name("group", c->group, err);
    }
    return status == ASSAY_OK && c->consumer != NULL ? check_name("consumer", c->consumer, err)
                                                     : status;
}

/* ---- starting and stopping ------------------------------------------------------------------ */

static void redis_stop(struct assay_source_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->n_streams; i++) {
        struct stream *s = &set->streams[i];
        assay_redis_free(s->commands);
        assay_redis_free(s->reader);
        for (size_t j = 0; j < s->n_flights; j++) {
            free(s->flights[j]);
        }
    }
    free(set->streams);
    if (set->epoll_fd >= 0) {
        (void)close(set->epoll_fd);
    }
    free(set);
}

/* The same after a restart, so that its backlog is its own: the host's name and the source's. */
static void name_consumer(struct stream *s)
{
    char host[128] = "";
    if (s->config->consumer != NULL) {
        (void)snprintf(s->consumer, sizeof s->consumer, "%s", s->config->consumer);
        return;
    }
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(s->consumer, sizeof s->consumer, "%s-%.100s", host, s->config->name);
    for (char *p = s->consumer; *p != '\0'; p++) {
        if (!assay_queue_is_name(assay_bytes_make(p, 1), 1)) {
            *p = '_';
        }
    }
}

/* Names, keys and both connections of one configured source. */
static enum assay_status stream_start(struct assay_source_set *set, struct stream *s,
                                      const struct assay_config_source *c, struct assay_error *err)
{
    *s = (struct stream){.config = c, .epoll_fd = set->epoll_fd};
    (void)snprintf(s->tenant, sizeof s->tenant, "%s", c->tenant);
    (void)snprintf(s->group, sizeof s->group, "%s", c->group);
    name_consumer(s);
    assay_queue_key(s->jobs, s->tenant, "jobs", NULL);
    assay_queue_key(s->results, s->tenant, "results", NULL);
    assay_queue_key(s->events, s->tenant, "events", NULL);
    assay_queue_key(s->dead, s->tenant, "dead", NULL);
    const struct assay_redis_endpoint e = {.url = c->url,
                                           .password_file = c->password_file,
                                           .tls = {c->ca_file, c->cert_file, c->tls_key_file},
                                           .name = s->consumer,
                                           .timeout_ms = c->timeout_ms};
    enum assay_status status = assay_redis_new(&e, &s->commands, err);
    return status == ASSAY_OK ? assay_redis_new(&e, &s->reader, err) : status;
}

static enum assay_status redis_start(const struct assay_config *config,
                                     struct assay_source_set **ret, struct assay_error *err)
{
    *ret = NULL;
    struct assay_source_set *set = calloc(1, sizeof *set);
    if (set == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    set->config = config;
    set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    set->streams = calloc(config->n_sources + 1, sizeof set->streams[0]);
    enum assay_status status = set->epoll_fd < 0 || set->streams == NULL
                                   ? assay_fail(err, ASSAY_NOMEM, "out of memory or descriptors")
                                   : ASSAY_OK;
    for (size_t i = 0; i < config->n_sources && status == ASSAY_OK; i++) {
        if (strcmp(config->sources[i].kind, "redis") == 0) {
            status = stream_start(set, &set->streams[set->n_streams], &config->sources[i], err);
            set->n_streams++;
        }
    }
    if (status != ASSAY_OK) {
        redis_stop(set);
        return status;
    }
    *ret = set;
    return ASSAY_OK;
}

/* ---- being asked by the daemon -------------------------------------------------------------- */

static int redis_fd(const struct assay_source_set *set)
{
    return set->epoll_fd;
}

static uint64_t redis_deadline(const struct assay_source_set *set)
{
    uint64_t due = UINT64_MAX;
    for (size_t i = 0; i < set->n_streams; i++) {
        const uint64_t at = stream_deadline(&set->streams[i]);
        due = at < due ? at : due;
    }
    return due;
}

static void redis_room(struct assay_source_set *set, size_t workers)
{
    for (size_t i = 0; i < set->n_streams; i++) {
        set->streams[i].room = workers;
    }
}

/* ---- deliveries ----------------------------------------------------------------------------- */

/* The next flight that may be offered; NULL. */
static struct flight *next_offer(struct stream *s)
{
    for (size_t i = 0; i < s->n_flights; i++) {
        if (s->flights[i]->step == FLIGHT_OFFER) {
            return s->flights[i];
        }
    }
    return NULL;
}

/* Makes a delivery of a job; 0 when there is nothing any more where it points. */
static int offer(struct assay_source_set *set, struct flight *f, struct assay_delivery *ret)
{
    uint64_t newest;
    const struct assay_config_source *c = f->stream->config;
    const struct assay_queue_job *job = &f->job;
    if (assay_tree_signature(job->path, ret->signature, &newest) != ASSAY_OK) {
        flight_kill(f, "dead", "what the uri names is gone");
        return 0;
    }
    const char *slash = strrchr(job->path, '/');
    ret->source = c;
    ret->path = job->path;
    ret->name = slash[1] == '\0' ? "root" : slash + 1;
    ret->policy = job->policy[0] != '\0' ? job->policy : c->policy;
    ret->packs = job->n_packs > 0 ? (struct assay_config_list){job->packs, job->n_packs} : c->packs;
    ret->priority = (int64_t)job->priority - ASSAY_QUEUE_PRIORITY;
    ret->deadline_ms = job->deadline_ms;
    (void)snprintf(set->origin, sizeof set->origin, "%s %s", job->entry, job->id);
    ret->origin = set->origin;
    f->step = FLIGHT_RUNNING;
    f->stream->room -= f->stream->room > 0;
    set->offered = f;
    outcome_announce(f, "queued");
    return 1;
}

static enum assay_status redis_next(struct assay_source_set *set, uint64_t now,
                                    struct assay_delivery *ret)
{
    set->offered = NULL;
    for (size_t i = 0; i < set->n_streams; i++) {
        stream_turn(&set->streams[i], now);
    }
    for (size_t i = 0; i < set->n_streams; i++) {
        struct stream *s = &set->streams[(set->turn + i) % set->n_streams];
        for (struct flight *f; (f = next_offer(s)) != NULL;) {
            if (offer(set, f, ret)) {
                set->turn = (set->turn + i + 1) % set->n_streams;
                return ASSAY_OK;
            }
        }
    }
    return ASSAY_END;
}

/* Only after a delivery could not be queued: it is offered again. */
static void redis_rescan(struct assay_source_set *set)
{
    if (set->offered != NULL && set->offered->step == FLIGHT_RUNNING) {
        set->offered->step = FLIGHT_OFFER;
    }
    for (size_t i = 0; i < set->n_streams; i++) {
        set->streams[i].listed = 0;
    }
}

/* ---- outcomes ------------------------------------------------------------------------------- */

/* The flight of a request whose entry Redis has no more: what was found out is said all the same.
 * Not before the backlog was read: the entry may yet come. */
static struct flight *adopt(struct stream *s, const char *origin)
{
    struct assay_queue_job job = {.id = ""};
    const char *space = strchr(origin, ' ');
    if (!s->group_ready || !s->listed || s->list_asked || space == NULL) {
        return NULL;
    }
    (void)snprintf(job.entry, sizeof job.entry, "%.*s", (int)(space - origin), origin);
    (void)snprintf(job.id, sizeof job.id, "%s", space + 1);
    struct flight *f = flight_new(s, &job, 0);
    if (f != NULL) {
        f->step = FLIGHT_RUNNING;
    }
    return f;
}

/* Takes the outcome of a run to the flight that asked for it. Zero: not yet, offer it later. */
static int redis_finished(struct assay_source_set *set, uint64_t request,
                          const struct assay_run_record *run)
{
    char entry[ASSAY_QUEUE_ENTRY];
    struct stream *s = NULL;
    for (size_t i = 0; i < set->n_streams && s == NULL; i++) {
        s = strcmp(set->streams[i].config->name, run->spec.source) == 0 ? &set->streams[i] : NULL;
    }
    if (s == NULL || run->spec.origin == NULL) {
        return 0;
    }
    (void)snprintf(entry, sizeof entry, "%.*s", (int)strcspn(run->spec.origin, " "),
                   run->spec.origin);
    struct flight *f = flight_find(s, entry);
    f = f == NULL ? adopt(s, run->spec.origin) : f;
    if (f == NULL || f->step < FLIGHT_OFFER) {
        return 0;
    }
    f->request = request;
    if (f->step <= FLIGHT_RUNNING) {
        flight_ended(f, run);
    }
    return 1;
}

static enum assay_status redis_confirmed(struct assay_source_set *set, uint64_t *ret_request)
{
    for (size_t i = 0; i < set->n_streams; i++) {
        struct stream *s = &set->streams[i];
        for (size_t j = 0; j < s->n_flights; j++) {
            struct flight *f = s->flights[j];
            if (f->step == FLIGHT_GONE && f->request != 0) {
                *ret_request = f->request;
                f->request = 0;
                return ASSAY_OK;
            }
        }
    }
    return ASSAY_END;
}

/* One run may answer several jobs. Counts are said when the claim is renewed. */
static void redis_follow(struct assay_source_set *set, const struct assay_audit_news *news)
{
    for (size_t i = 0; i < set->n_streams; i++) {
        struct stream *s = &set->streams[i];
        for (size_t j = 0; j < s->n_flights && strcmp(s->config->name, news->source) == 0; j++) {
            struct flight *f = s->flights[j];
            if (f->step != FLIGHT_RUNNING) {
                continue;
            }
            if (news->path != NULL && strcmp(f->job.path, news->path) == 0) {
                f->outcome.run = news->run;
                outcome_announce(f, "running");
            } else if (news->path == NULL && f->outcome.run == news->run) {
                f->counts = *news->counts;
                f->has_news = 1;
            }
        }
    }
}

/* ---- the row -------------------------------------------------------------------------------- */

static int redis_open(const struct assay_config_source *s, const char *path, int flags)
{
    return assay_queue_open(&s->roots, path, flags);
}

static void redis_counts(const struct assay_source_set *set,
                         const struct assay_config_source *which, struct assay_source_counts *ret)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < set->n_streams; i++) {
        const struct stream *s = &set->streams[i];
        if (s->config == which) {
            ret->datasets = s->taken;
            ret->pending = s->n_flights;
            ret->rescans = s->reconnects;
            ret->problem = stream_problem_now(s);
        }
    }
}

const struct assay_source_kind assay_source_redis = {
    .name = "redis",
    .help = "jobs from a Redis stream, by a consumer group",
    .by_url = 1,
    .check = redis_check,
    .start = redis_start,
    .fd = redis_fd,
    .deadline = redis_deadline,
    .room = redis_room,
    .next = redis_next,
    .finished = redis_finished,
    .confirmed = redis_confirmed,
    .rescan = redis_rescan,
    .counts = redis_counts,
    .stop = redis_stop,
    .open = redis_open,
    .follow = redis_follow,
};
