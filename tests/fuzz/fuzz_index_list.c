/* SPDX-License-Identifier: Apache-2.0
 *
 * index.json, as hostile as it comes. Invariants of a list that is taken: every run lies in the
 * directory of the list, none is there twice, the next one is new; written and read again, it is the
 * same list.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/index_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_runs(const json_t *list)
{
    const json_t *runs = json_object_get(list, "runs");
    const json_int_t next = json_integer_value(json_object_get(list, "next"));
    char name[INDEX_RUN_NAME];
    size_t i;
    json_t *run;
    index_run_name(next, name);
    json_array_foreach(runs, i, run)
    {
        const char *file = json_string_value(json_object_get(run, "file"));
        const json_t *deliveries = json_object_get(run, "deliveries");
        if (strchr(file, '/') != NULL || strlen(file) >= sizeof name || strcmp(file, name) == 0 ||
            !index_is_run_file(file) || json_array_size(deliveries) == 0) {
            abort();
        }
        for (size_t k = 0; k < i && k < 100; k++) {
            const json_t *other = json_object_get(json_array_get(runs, k), "file");
            if (strcmp(json_string_value(other), file) == 0) {
                abort();
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *list = index_list_parse(assay_bytes_make((const char *)data, size));
    if (list == NULL) {
        return 0;
    }
    check_runs(list);
    char *text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    json_t *again = text == NULL ? NULL : index_list_parse(assay_bytes_str(text));
    if (text == NULL || !json_equal(list, again)) {
        abort();
    }
    free(text);
    json_decref(again);
    json_decref(list);
    return 0;
}
