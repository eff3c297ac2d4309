/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/job.h"

#include "core/arena.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/status.h"
#include "daemon/json_in.h"

static void put_list(struct assay_json *j, const char *key, struct assay_config_list list)
{
    assay_json_key(j, key);
    assay_json_array(j);
    for (size_t i = 0; i < list.n; i++) {
        assay_json_cstr(j, list.items[i]);
    }
    assay_json_end_array(j);
}

/* Names of files are bytes: in hexadecimal. */
static void put_names(struct assay_json *j, const struct assay_job *job)
{
    assay_json_key(j, "aside");
    assay_json_array(j);
    for (size_t i = 0; i < job->n_aside; i++) {
        assay_json_hex(j, job->aside[i].ptr, job->aside[i].len);
    }
    assay_json_end_array(j);
    assay_json_key(j, "only");
    assay_json_hex(j, job->only.ptr, job->only.len);
}

enum assay_status assay_job_encode(const struct assay_job *job, struct assay_buf *out)
{
    struct assay_json j;
    assay_json_init(&j, out, 0);
    assay_json_object(&j);
    assay_json_kv_uint(&j, "run", job->run);
    assay_json_kv_str(&j, "path", job->path);
    assay_json_kv_str(&j, "name", job->name);
    assay_json_kv_str(&j, "policy", job->policy);
    put_list(&j, "packs", job->packs);
    put_list(&j, "settings", job->settings);
    put_list(&j, "suppressions", job->suppressions);
    put_list(&j, "suppressions_keys", job->suppressions_keys);
    assay_json_kv_str(&j, "plugins_dir", job->plugins_dir);
    assay_json_kv_str(&j, "cache_dir", job->cache_dir);
    assay_json_kv_str(&j, "staging", job->staging);
    put_list(&j, "formats", job->formats);
    assay_json_kv_uint(&j, "jobs", job->jobs);
    assay_json_kv_uint(&j, "sandbox", job->sandbox);
    assay_json_kv_uint(&j, "log_format", job->log_format);
    assay_json_kv_uint(&j, "log_level", job->log_level);
    assay_json_kv_uint(&j, "begun_us", job->begun_us);
    assay_json_key(&j, "fingerprint_key");
    assay_json_hex(&j, job->fingerprint_key, sizeof job->fingerprint_key);
    put_names(&j, job);
    assay_json_end_object(&j);
    return assay_json_status(&j);
}

static struct assay_config_list take_list(struct assay_job *job, const json_t *object,
                                          const char *key)
{
    const json_t *array = json_object_get(object, key);
    struct assay_config_list list = {NULL, json_array_size(array)};
    const char **items = assay_arena_array(job->arena, list.n + 1, sizeof items[0]);
    for (size_t i = 0; items != NULL && i < list.n; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        items[i] = assay_arena_strdup(job->arena, text == NULL ? "" : text);
    }
    list.items = items;
    return list;
}

static int take_name(struct assay_job *job, const char *hex, struct assay_bytes *ret)
{
    size_t len = hex == NULL ? 0 : strlen(hex) / 2;
    char *name = assay_arena_array(job->arena, len + 1, 1);
    *ret = assay_bytes_make(name, len);
    return hex != NULL && name != NULL && assay_unhex(hex, strlen(hex), (uint8_t *)name, len);
}

static int take_names(struct assay_job *job, const json_t *object)
{
    const json_t *array = json_object_get(object, "aside");
    struct assay_bytes *items =
        assay_arena_array(job->arena, json_array_size(array) + 1, sizeof items[0]);
    int ok = items != NULL && take_name(job, assay_json_in_str(object, "only"), &job->only);
    job->aside = items;
    for (job->n_aside = 0; ok && job->n_aside < json_array_size(array); job->n_aside++) {
        const char *hex = json_string_value(json_array_get(array, job->n_aside));
        ok = take_name(job, hex, &items[job->n_aside]);
    }
    return ok;
}

enum assay_status assay_job_decode(struct assay_bytes text, struct assay_job *ret,
                                   struct assay_error *err)
{
    static const char *const known[] = {
        "run",      "path",        "name",         "policy",
        "packs",    "plugins_dir", "cache_dir",    "staging",
        "formats",  "jobs",        "sandbox",      "fingerprint_key",
        "aside",    "only",        "log_format",   "log_level",
        "begun_us", "settings",    "suppressions", "suppressions_keys",
        NULL};
    *ret = (struct assay_job){0};
    json_t *object = assay_json_in(text, known, err);
    if (object == NULL) {
        return ASSAY_SYNTAX;
    }
    ret->arena = assay_arena_new(4 * text.len + ASSAY_MIB(1));
    if (ret->arena == NULL) {
        json_decref(object);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    ret->run = assay_json_in_uint(object, "run");
    ret->path = assay_json_in_copy(ret->arena, object, "path");
    ret->name = assay_json_in_copy(ret->arena, object, "name");
    ret->policy = assay_json_in_copy(ret->arena, object, "policy");
    ret->packs = take_list(ret, object, "packs");
    ret->settings = take_list(ret, object, "settings");
    ret->suppressions = take_list(ret, object, "suppressions");
    ret->suppressions_keys = take_list(ret, object, "suppressions_keys");
    ret->plugins_dir = assay_json_in_copy(ret->arena, object, "plugins_dir");
    ret->cache_dir = assay_json_in_copy(ret->arena, object, "cache_dir");
    ret->staging = assay_json_in_copy(ret->arena, object, "staging");
    ret->formats = take_list(ret, object, "formats");
    ret->jobs = assay_json_in_uint(object, "jobs");
    ret->sandbox = assay_json_in_uint(object, "sandbox");
    ret->log_format = assay_json_in_uint(object, "log_format");
    ret->log_level = assay_json_in_uint(object, "log_level");
    ret->begun_us = assay_json_in_uint(object, "begun_us");
    const char *key = assay_json_in_str(object, "fingerprint_key");
    int ok = key != NULL && assay_unhex(key, strlen(key), ret->fingerprint_key, 32) &&
             take_names(ret, object) && ret->path != NULL && ret->name != NULL &&
             ret->staging != NULL && !assay_arena_overflowed(ret->arena);
    json_decref(object);
    if (!ok) {
        assay_job_release(ret);
        return assay_fail(err, ASSAY_USAGE, "the job lacks a member");
    }
    return ASSAY_OK;
}

void assay_job_release(struct assay_job *job)
{
    assay_arena_free(job->arena);
    *job = (struct assay_job){0};
}

/* ---- messages ------------------------------------------------------------------------------ */

static const char *const message_types[] = {"progress", "result", "error"};
static const char *const phase_names[ASSAY_PHASES] = {"starting", "reading", "second look",
                                                      "reporting"};

const char *assay_worker_phase_name(enum assay_worker_phase phase)
{
    return phase_names[phase];
}

enum assay_worker_phase assay_worker_phase_named(const char *name)
{
    int i = 0;
    while (i < ASSAY_PHASES && (name == NULL || strcmp(name, phase_names[i]) != 0)) {
        i++;
    }
    return (enum assay_worker_phase)i;
}

static const struct {
    const char *key;
    size_t offset;
} message_counters[] = {
    {"files_done", offsetof(struct assay_worker_message, files_done)},
    {"files_total", offsetof(struct assay_worker_message, files_total)},
    {"bytes_done", offsetof(struct assay_worker_message, bytes_done)},
    {"bytes_total", offsetof(struct assay_worker_message, bytes_total)},
    {"records", offsetof(struct assay_worker_message, records)},
    {"findings", offsetof(struct assay_worker_message, findings)},
};

enum assay_status assay_worker_message_encode(const struct assay_worker_message *m,
                                              struct assay_buf *out)
{
    struct assay_json j;
    assay_json_init(&j, out, 0);
    assay_json_object(&j);
    assay_json_kv_str(&j, "type", message_types[m->type]);
    for (size_t i = 0; i < sizeof message_counters / sizeof message_counters[0]; i++) {
        uint64_t value;
        memcpy(&value, (const char *)m + message_counters[i].offset, sizeof value);
        assay_json_kv_uint(&j, message_counters[i].key, value);
    }
    if (m->type == ASSAY_MESSAGE_PROGRESS) {
        assay_json_kv_str(&j, "phase", assay_worker_phase_name(m->phase));
    }
    if (m->type == ASSAY_MESSAGE_ERROR) {
        assay_json_kv_str(&j, "status", assay_status_name(m->status));
        assay_json_kv_str(&j, "text", m->text);
    }
    assay_json_end_object(&j);
    assay_buf_addc(out, '\n');
    return assay_json_status(&j);
}

enum assay_status assay_worker_message_decode(struct assay_bytes line,
                                              struct assay_worker_message *ret,
                                              struct assay_error *err)
{
    memset(ret, 0, sizeof *ret);
    json_t *object = assay_json_in(line, NULL, err);
    if (object == NULL) {
        return ASSAY_SYNTAX;
    }
    const char *type = assay_json_in_str(object, "type");
    int found = 0;
    for (int i = 0; type != NULL && i < 3; i++) {
        if (strcmp(type, message_types[i]) == 0) {
            ret->type = (enum assay_message_type)i;
            found = 1;
        }
    }
    for (size_t i = 0; i < sizeof message_counters / sizeof message_counters[0]; i++) {
        uint64_t value = assay_json_in_uint(object, message_counters[i].key);
        memcpy((char *)ret + message_counters[i].offset, &value, sizeof value);
    }
    if (ret->type == ASSAY_MESSAGE_PROGRESS && found) {
        ret->phase = assay_worker_phase_named(assay_json_in_str(object, "phase"));
        found = ret->phase < ASSAY_PHASES;
    }
    const char *text = assay_json_in_str(object, "text");
    ret->status = assay_status_named(assay_json_in_str(object, "status"));
    (void)snprintf(ret->text, sizeof ret->text, "%s", text == NULL ? "" : text);
    json_decref(object);
    return found ? ASSAY_OK : assay_fail(err, ASSAY_USAGE, "a message of unknown type or phase");
}
