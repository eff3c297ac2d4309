/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/json_in.h: small JSON objects from a peer: strict keys, typed members.
 */
#ifndef ASSAY_DAEMON_JSON_IN_H
#define ASSAY_DAEMON_JSON_IN_H

#include <jansson.h>

#include "core/arena.h"

/* Parses one object whose keys are all in `known` (NULL: any), none twice. NULL with `err`. The
 * caller json_decrefs it. */
json_t *assay_json_in(struct assay_bytes text, const char *const *known, struct assay_error *err);
const char *assay_json_in_str(const json_t *object, const char *key); /* NULL: absent or not text */
/* The same, copied into the arena, which tells when memory is out. */
const char *assay_json_in_copy(struct assay_arena *a, const json_t *object, const char *key);
uint64_t assay_json_in_uint(const json_t *object, const char *key); /* 0: absent or not that */
/* Whether `key` is in `known` (NULL-terminated; NULL: any is). */
int assay_json_in_known(const char *key, const char *const *known);
/* Members that are there have the type; else an error that names the key. */
enum assay_status assay_json_in_types(const json_t *object, const char *const *texts,
                                      const char *const *numbers, struct assay_error *err);

#endif
