/* SPDX-License-Identifier: Apache-2.0
 *
 * json_detect.h: from the head of a file, whether it is JSON and how its records stand in it.
 */
#ifndef ASSAY_JSONL_JSON_DETECT_H
#define ASSAY_JSONL_JSON_DETECT_H

#include "assay/base.h"

enum json_mode {
    JSON_MODE_LINES,  /* one value a line */
    JSON_MODE_VALUES, /* values one after another, over any number of lines */
    JSON_MODE_ARRAY   /* one array; its elements are the records */
};

/* Lines, when at least half of the lines looked at hold exactly one value (or the first line is
 * longer than the head); but a lone line that holds an array is an array. Else by the first
 * character. */
enum json_mode json_detect_mode(struct assay_bytes head, int head_is_all);
/* Score of a probe, 0..100. `claimed`: the name's extension says JSON. */
int json_detect_score(struct assay_bytes head, int claimed);

#endif
