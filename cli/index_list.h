/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/index_list.h: index.json, the list of runs and of the deliveries in each, judged before it is
 * believed.
 *
 *     {"next": 8, "runs": [{"deliveries": [{"name": "2026-06", ...}, ...], "file": "run-000007.keys"}],
 *      "version": 2}
 *
 * The list says which files are opened, which are swept away and where the next run is written. So
 * of a list that is taken it always holds: a file is named as this program names runs, and lies in
 * the directory of the list; none is there twice, nor is a delivery; the next run has a number that
 * none has. Values are jansson's; the caller owns what is returned.
 */
#ifndef ASSAY_CLI_INDEX_LIST_H
#define ASSAY_CLI_INDEX_LIST_H

#include <jansson.h>

#include "assay/base.h"

#define INDEX_NAME_MAX 100                      /* of a delivery */
#define INDEX_NEXT_MAX INT64_C(999999999999999) /* number of a run */
#define INDEX_RUN_NAME 32                       /* bytes of a run's file name, its end included */

/* Whether `name` can be a delivery's: letters, digits, '.', '_', '-'; no dot in front. */
int index_is_name(const char *name);
/* The file name of run `n`, 1 to INDEX_NEXT_MAX. */
void index_run_name(json_int_t n, char out[INDEX_RUN_NAME]);
/* Whether a file of the directory is a run, or one that was being written: nobody else's. */
int index_is_run_file(const char *file);
/* A list without runs; NULL: no memory. */
json_t *index_list_new(void);
/* The list that `text` is; NULL: it is none, or not sound, or no memory. */
json_t *index_list_parse(struct assay_bytes text);

#endif
