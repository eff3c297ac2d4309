/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/index_list.c: see the header.
 */
#include "cli/index_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_VERSION 2
#define RUN_PREFIX   "run-"
#define RUN_SUFFIX   ".keys"

/* ---- names --------------------------------------------------------------------------------- */

int index_is_name(const char *s)
{
    const size_t len = strlen(s);
    for (size_t i = 0; i < len; i++) {
        const int letter = (s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z';
        const int other = (s[i] >= '0' && s[i] <= '9') || strchr("_-.", s[i]) != NULL;
        if ((!letter && !other) || (i == 0 && s[i] == '.')) {
            return 0;
        }
    }
    return len > 0 && len <= INDEX_NAME_MAX;
}

void index_run_name(json_int_t n, char out[INDEX_RUN_NAME])
{
    (void)snprintf(out, INDEX_RUN_NAME, RUN_PREFIX "%06lld" RUN_SUFFIX, (long long)n);
}

/* How many digits stand where a run's number does; 0: it is no run's name. */
static size_t digits_of(const char *s)
{
    const size_t prefix = sizeof RUN_PREFIX - 1;
    const size_t n = strncmp(s, RUN_PREFIX, prefix) == 0 ? strspn(s + prefix, "0123456789") : 0;
    if (n < 6 || n > 15 || strncmp(s + prefix + n, RUN_SUFFIX, sizeof RUN_SUFFIX - 1) != 0) {
        return 0;
    }
    return n;
}

int index_is_run_file(const char *file)
{
    return digits_of(file) > 0;
}

/* The number of the run that a list names; 0: that is no name of one. */
static json_int_t run_number(const char *file)
{
    char name[INDEX_RUN_NAME];
    if (file == NULL || digits_of(file) == 0) {
        return 0;
    }
    const json_int_t n = strtoll(file + sizeof RUN_PREFIX - 1, NULL, 10);
    index_run_name(n, name);
    return strcmp(name, file) == 0 ? n : 0;
}

/* ---- judging ------------------------------------------------------------------------------- */

/* What was there already. */
struct judging {
    json_t *files, *names; /* objects, as sets */
    json_int_t next;
};

/* Whether `key` is new. */
static int is_new(json_t *set, const char *key)
{
    return json_object_get(set, key) == NULL && json_object_set_new(set, key, json_true()) == 0;
}

static int deliveries_are_sound(const struct judging *j, const json_t *deliveries)
{
    size_t i;
    json_t *d;
    json_array_foreach(deliveries, i, d)
    {
        const char *name = json_string_value(json_object_get(d, "name"));
        if (name == NULL || !index_is_name(name) || !is_new(j->names, name)) {
            return 0;
        }
    }
    return json_array_size(deliveries) > 0;
}

static int run_is_sound(const struct judging *j, const json_t *run)
{
    const char *file = json_string_value(json_object_get(run, "file"));
    const json_int_t n = run_number(file);
    return n > 0 && n < j->next && is_new(j->files, file) &&
           deliveries_are_sound(j, json_object_get(run, "deliveries"));
}

static int runs_are_sound(const struct judging *j, const json_t *runs)
{
    size_t i;
    json_t *run;
    json_array_foreach(runs, i, run)
    {
        if (!run_is_sound(j, run)) {
            return 0;
        }
    }
    return json_is_array(runs);
}

static int list_is_sound(const json_t *list)
{
    struct judging j = {json_object(), json_object(),
                        json_integer_value(json_object_get(list, "next"))};
    const int sound = j.next > 0 && j.next <= INDEX_NEXT_MAX &&
                      json_integer_value(json_object_get(list, "version")) == LIST_VERSION &&
                      runs_are_sound(&j, json_object_get(list, "runs"));
    json_decref(j.files);
    json_decref(j.names);
    return sound;
}

json_t *index_list_new(void)
{
    return json_pack("{s:i, s:[], s:i}", "next", 1, "runs", "version", LIST_VERSION);
}

json_t *index_list_parse(struct assay_bytes text)
{
    json_t *list = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (list != NULL && !list_is_sound(list)) {
        json_decref(list);
        return NULL;
    }
    return list;
}
