/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/json_in.h"

int assay_json_in_known(const char *key, const char *const *known)
{
    for (; known != NULL && *known != NULL; known++) {
        if (strcmp(key, *known) == 0) {
            return 1;
        }
    }
    return known == NULL;
}

json_t *assay_json_in(struct assay_bytes text, const char *const *known, struct assay_error *err)
{
    json_error_t why;
    const char *key;
    json_t *value;
    json_t *object =
        json_loadb(text.ptr == NULL ? "" : text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(object)) {
        (void)assay_fail(err, ASSAY_SYNTAX, "not a JSON object on one line");
        json_decref(object);
        return NULL;
    }
    json_object_foreach(object, key, value)
    {
        if (!assay_json_in_known(key, known)) {
            (void)assay_fail(err, ASSAY_USAGE, "unknown member \"%.40s\"", key);
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

const char *assay_json_in_str(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

const char *assay_json_in_copy(struct assay_arena *a, const json_t *object, const char *key)
{
    const char *text = assay_json_in_str(object, key);
    return text == NULL ? NULL : assay_arena_strdup(a, text);
}

uint64_t assay_json_in_uint(const json_t *object, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(object, key));
    return n > 0 ? (uint64_t)n : 0;
}

enum assay_status assay_json_in_types(const json_t *object, const char *const *texts,
                                      const char *const *numbers, struct assay_error *err)
{
    for (; *texts != NULL; texts++) {
        const json_t *v = json_object_get(object, *texts);
        if (v != NULL && !json_is_string(v) && !json_is_null(v)) {
            return assay_fail(err, ASSAY_USAGE, "member \"%s\" must be text", *texts);
        }
    }
    for (; *numbers != NULL; numbers++) {
        const json_t *v = json_object_get(object, *numbers);
        if (v != NULL && (!json_is_integer(v) || json_integer_value(v) < 0)) {
            return assay_fail(err, ASSAY_USAGE, "member \"%s\" must be a number, 0 or more",
                              *numbers);
        }
    }
    return ASSAY_OK;
}
