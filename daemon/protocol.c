/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/protocol.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/status.h"
#include "daemon/json_in.h"
#include "engine/audit.h"

static const struct {
    const char *name;
    const char *members[8]; /* allowed besides op */
} ops[ASSAY_OP_MAX] = {
    [ASSAY_OP_PING] = {"ping", {"op", NULL}},
    [ASSAY_OP_STATUS] = {"status", {"op", NULL}},
    [ASSAY_OP_SUBMIT] = {"submit",
                         {"op", "path", "policy", "packs", "priority", "deadline_ms", NULL}},
    [ASSAY_OP_WAIT] = {"wait", {"op", "run", "dataset", NULL}},
    [ASSAY_OP_REPORT] = {"report", {"op", "run", "dataset", NULL}},
    [ASSAY_OP_RELOAD] = {"reload", {"op", NULL}},
    [ASSAY_OP_METRICS] = {"metrics", {"op", NULL}},
    [ASSAY_OP_REAUDIT] = {"reaudit", {"op", "dry_run", NULL}},
    [ASSAY_OP_CANCEL] = {"cancel", {"op", "run", NULL}},
    [ASSAY_OP_WATCH] = {"watch", {"op", "run", "dataset", "interval_ms", NULL}},
};

int assay_path_is_plain(const char *path)
{
    if (path[0] != '/' || strlen(path) >= ASSAY_LIMIT_NAME) {
        return 0;
    }
    for (const char *p = path; *p != '\0';) {
        size_t n = strcspn(++p, "/");
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.')) {
            return 0;
        }
        p += n;
    }
    return 1;
}

static int find_op(const char *name)
{
    for (int i = 0; name != NULL && i < ASSAY_OP_MAX; i++) {
        if (strcmp(ops[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static enum assay_status take_packs(struct assay_request *r, const json_t *array,
                                    struct assay_error *err)
{
    size_t n = json_array_size(array);
    if (array != NULL && (!json_is_array(array) || n > ASSAY_LIMIT_PACKS)) {
        return assay_fail(err, ASSAY_USAGE, "\"packs\" must be a list of at most %d names",
                          ASSAY_LIMIT_PACKS);
    }
    const char **items = assay_arena_array(r->arena, n + 1, sizeof items[0]);
    for (size_t i = 0; items != NULL && i < n; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text == NULL || text[0] == '\0' || strchr(text, '\n') != NULL) {
            return assay_fail(err, ASSAY_USAGE, "\"packs\" must be a list of names");
        }
        items[i] = assay_arena_strdup(r->arena, text);
    }
    r->packs = (struct assay_config_list){items, n};
    return ASSAY_OK;
}

/* What the types of the members cannot say. */
static enum assay_status check_request(const struct assay_request *r, struct assay_error *err)
{
    if (r->op == ASSAY_OP_SUBMIT && (r->path == NULL || !assay_path_is_plain(r->path))) {
        return assay_fail(err, ASSAY_USAGE,
                          "submit needs \"path\": absolute, without . or .. or a final /");
    }
    if (r->dataset != NULL && !assay_path_is_plain(r->dataset)) {
        return assay_fail(err, ASSAY_USAGE, "\"dataset\" must be an absolute path without . or ..");
    }
    if (r->op == ASSAY_OP_CANCEL && r->run == 0) {
        return assay_fail(err, ASSAY_USAGE, "cancel needs \"run\"");
    }
    if (r->priority > ASSAY_LIMIT_PRIORITY || r->deadline_ms > ASSAY_LIMIT_DEADLINE_MS) {
        return assay_fail(err, ASSAY_USAGE,
                          "\"priority\" is at most %d, \"deadline_ms\" at most %llu",
                          ASSAY_LIMIT_PRIORITY, (unsigned long long)ASSAY_LIMIT_DEADLINE_MS);
    }
    if (r->interval_ms > ASSAY_LIMIT_WATCH_MAX_MS) {
        return assay_fail(err, ASSAY_USAGE, "\"interval_ms\" is at most %d",
                          ASSAY_LIMIT_WATCH_MAX_MS);
    }
    if ((r->op == ASSAY_OP_WAIT || r->op == ASSAY_OP_REPORT) && r->dataset == NULL && r->run == 0) {
        return assay_fail(err, ASSAY_USAGE, "%s needs \"run\" or \"dataset\"", ops[r->op].name);
    }
    return ASSAY_OK;
}

static enum assay_status read_members(struct assay_request *r, const json_t *object,
                                      struct assay_error *err)
{
    static const char *const texts[] = {"path", "policy", "dataset", NULL};
    static const char *const numbers[] = {"run", "priority", "deadline_ms", "interval_ms", NULL};
    const json_t *dry_run = json_object_get(object, "dry_run");
    if (dry_run != NULL && !json_is_boolean(dry_run)) {
        return assay_fail(err, ASSAY_USAGE, "member \"dry_run\" must be true or false");
    }
    r->dry_run = json_is_true(dry_run);
    enum assay_status status = assay_json_in_types(object, texts, numbers, err);
    if (status == ASSAY_OK) {
        r->path = assay_json_in_copy(r->arena, object, "path");
        r->policy = assay_json_in_copy(r->arena, object, "policy");
        r->dataset = assay_json_in_copy(r->arena, object, "dataset");
        r->run = assay_json_in_uint(object, "run");
        r->priority = assay_json_in_uint(object, "priority");
        r->deadline_ms = assay_json_in_uint(object, "deadline_ms");
        r->interval_ms = assay_json_in_uint(object, "interval_ms");
        status = take_packs(r, json_object_get(object, "packs"), err);
    }
    if (status == ASSAY_OK && assay_arena_overflowed(r->arena)) {
        status = assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    return status == ASSAY_OK ? check_request(r, err) : status;
}

static enum assay_status check_members(json_t *object, enum assay_request_op op,
                                       struct assay_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!assay_json_in_known(key, ops[op].members)) {
            return assay_fail(err, ASSAY_USAGE, "%s takes no member \"%.40s\"", ops[op].name, key);
        }
    }
    return ASSAY_OK;
}

enum assay_status assay_request_parse(struct assay_bytes line, struct assay_request *ret,
                                      struct assay_error *err)
{
    *ret = (struct assay_request){0};
    if (line.len > ASSAY_LIMIT_CONTROL_MESSAGE) {
        return assay_fail(err, ASSAY_LIMIT, "a request is at most %zu bytes",
                          ASSAY_LIMIT_CONTROL_MESSAGE);
    }
    json_t *object = assay_json_in(line, NULL, err);
    if (object == NULL) {
        return ASSAY_SYNTAX;
    }
    enum assay_status status = ASSAY_OK;
    int op = find_op(assay_json_in_str(object, "op"));
    ret->arena = assay_arena_new(8 * line.len + ASSAY_KIB(64));
    if (ret->arena == NULL) {
        status = assay_fail(err, ASSAY_NOMEM, "out of memory");
    } else if (op < 0) {
        status = assay_fail(err, ASSAY_USAGE, "unknown \"op\": see CONTROL SOCKET in assayd(8)");
    } else {
        ret->op = (enum assay_request_op)op;
        status = check_members(object, ret->op, err);
    }
    if (status == ASSAY_OK) {
        status = read_members(ret, object, err);
    }
    json_decref(object);
    return status;
}

void assay_request_release(struct assay_request *r)
{
    assay_arena_free(r->arena);
    *r = (struct assay_request){0};
}

enum assay_status assay_request_encode(const struct assay_request *r, struct assay_buf *out)
{
    struct assay_json j;
    assay_json_init(&j, out, 0);
    assay_json_object(&j);
    assay_json_kv_str(&j, "op", ops[r->op].name);
    if (r->path != NULL) {
        assay_json_kv_str(&j, "path", r->path);
    }
    if (r->policy != NULL) {
        assay_json_kv_str(&j, "policy", r->policy);
    }
    if (r->packs.n > 0) {
        assay_json_key(&j, "packs");
        assay_json_array(&j);
        for (size_t i = 0; i < r->packs.n; i++) {
            assay_json_cstr(&j, r->packs.items[i]);
        }
        assay_json_end_array(&j);
    }
    if (r->dataset != NULL) {
        assay_json_kv_str(&j, "dataset", r->dataset);
    }
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"run", r->run},
                   {"priority", r->priority},
                   {"deadline_ms", r->deadline_ms},
                   {"interval_ms", r->interval_ms}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].value != 0) {
            assay_json_kv_uint(&j, numbers[i].name, numbers[i].value);
        }
    }
    if (r->dry_run) {
        assay_json_kv_bool(&j, "dry_run", 1);
    }
    assay_json_end_object(&j);
    assay_buf_addc(out, '\n');
    return assay_json_status(&j);
}

/* ---- replies ------------------------------------------------------------------------------- */

void assay_reply_ok(struct assay_buf *out)
{
    assay_buf_adds(out, "{\"ok\":true}\n");
}

void assay_reply_error(struct assay_buf *out, const struct assay_error *err)
{
    struct assay_json j;
    char line[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX + 32];
    assay_error_format(err, line, sizeof line);
    assay_json_init(&j, out, 0);
    assay_json_object(&j);
    assay_json_kv_bool(&j, "ok", 0);
    assay_json_kv_str(&j, "status", assay_status_name(err->status));
    assay_json_kv_str(&j, "message", line);
    assay_json_end_object(&j);
    assay_buf_addc(out, '\n');
}

int assay_run_is_final(const struct assay_run_record *run)
{
    return assay_run_state_is_final(run->state);
}

/* Only where files are read do bytes go by. */
static int has_pace(const struct assay_run_progress *p)
{
    return p->said->phase == ASSAY_PHASE_READING || p->said->phase == ASSAY_PHASE_REVIEW;
}

uint64_t assay_run_rate(const struct assay_run_progress *p)
{
    return has_pace(p) ? assay_progress_rate(p->phase_ms, p->said->bytes_done) : UINT64_MAX;
}

uint64_t assay_run_eta(const struct assay_run_progress *p)
{
    return has_pace(p) ? assay_progress_eta(p->phase_ms, p->said->bytes_done, p->said->bytes_total)
                       : UINT64_MAX;
}

static void put_known(struct assay_json *j, const char *key, uint64_t value)
{
    assay_json_key(j, key);
    if (value == UINT64_MAX) {
        assay_json_null(j);
    } else {
        assay_json_uint(j, value);
    }
}

/* Of what a worker said: numbers, and a phase from the fixed list. */
static void put_progress(struct assay_json *j, const struct assay_run_progress *p)
{
    assay_json_kv_str(j, "phase", assay_worker_phase_name(p->said->phase));
    assay_json_kv_uint(j, "files_done", p->said->files_done);
    assay_json_kv_uint(j, "files_total", p->said->files_total);
    assay_json_kv_uint(j, "bytes_done", p->said->bytes_done);
    assay_json_kv_uint(j, "bytes_total", p->said->bytes_total);
    assay_json_kv_uint(j, "records", p->said->records);
    assay_json_kv_uint(j, "findings", p->said->findings);
    assay_json_kv_uint(j, "phase_ms", p->phase_ms);
    assay_json_kv_uint(j, "still_ms", p->still_ms);
    put_known(j, "bytes_per_second", assay_run_rate(p));
    put_known(j, "eta_ms", assay_run_eta(p));
}

void assay_json_run(struct assay_json *j, const struct assay_run_record *run,
                    const struct assay_run_progress *progress)
{
    int unjudged = assay_run_is_final(run) && run->state != ASSAY_RUN_DONE;
    assay_json_object(j);
    assay_json_kv_uint(j, "id", run->id);
    assay_json_kv_str(j, "state", assay_run_state_name(run->state));
    assay_json_kv_bool(j, "final", assay_run_is_final(run));
    assay_json_kv_str(j, "verdict", unjudged ? "INCOMPLETE" : run->verdict);
    assay_json_kv_str(j, "dataset", run->spec.path);
    assay_json_kv_str(j, "name", run->spec.name);
    assay_json_kv_str(j, "source", run->spec.source);
    assay_json_kv_str(j, "reason", run->reason);
    assay_json_kv_str(j, "report", run->report);
    assay_json_kv_bool(j, "report_removed", run->report_removed);
    assay_json_kv_str(j, "manifest", run->manifest);
    assay_json_kv_uint(j, "attempt", run->attempt);
    assay_json_kv_uint(j, "priority", (uint64_t)run->spec.priority);
    assay_json_kv_uint(j, "deadline_ms", run->spec.deadline_ms);
    assay_json_kv_uint(j, "not_before_ms", run->not_before_ms);
    assay_json_kv_uint(j, "created_ms", run->created_ms);
    assay_json_kv_uint(j, "started_ms", run->started_ms);
    assay_json_kv_uint(j, "finished_ms", run->finished_ms);
    if (progress != NULL && progress->said != NULL) {
        put_progress(j, progress);
    }
    assay_json_end_object(j);
}

void assay_reply_run(struct assay_buf *out, const struct assay_run_record *run,
                     const struct assay_run_progress *progress)
{
    struct assay_json j;
    assay_json_init(&j, out, 0);
    assay_json_object(&j);
    assay_json_kv_bool(&j, "ok", 1);
    assay_json_key(&j, "run");
    assay_json_run(&j, run, progress);
    assay_json_end_object(&j);
    assay_buf_addc(out, '\n');
}
