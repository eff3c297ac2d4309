/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/accepted.h: signed lists of accepted groups (suppressions.h), made into options of the
 * scanner.
 *
 * The scanner gets digests of groups only; signatures, dates and form are looked at here, before
 * anything is audited, by whoever audits: `assay scan` and `assay dedup`, the worker of a daemon,
 * and the check that a daemon runs before it starts. Whatever is wrong with one list is an error of
 * the whole; nothing that was named is left out. The two options are for this module alone: nobody
 * accepts a group by a setting.
 */
#ifndef ASSAY_REPORTS_ACCEPTED_H
#define ASSAY_REPORTS_ACCEPTED_H

#include "core/buf.h"
#include "engine/audit.h"
#include "reports/keys.h"

#define ASSAY_ACCEPTED_SETTINGS 2

/* Zeroed before use. */
struct assay_accepted {
    int given;                       /* some list was named, be it an empty one */
    struct assay_buf digests, lists; /* commas between */
};

/* Reads lists, each signed by one of the keys. `now_ms`: wall clock, for entries that expire.
 * Release in any case. */
enum assay_status assay_accepted_load(struct assay_accepted *a, const char *const *paths, size_t n,
                                      struct assay_key *const *keys, size_t n_keys, uint64_t now_ms,
                                      struct assay_error *err);
/* The same with keys from files. */
enum assay_status assay_accepted_load_files(struct assay_accepted *a, const char *const *paths,
                                            size_t n, const char *const *key_paths, size_t n_keys,
                                            uint64_t now_ms, struct assay_error *err);
/* How many settings were written; they point into `a`. */
size_t assay_accepted_settings(struct assay_accepted *a,
                               struct assay_plugin_option ret[ASSAY_ACCEPTED_SETTINGS]);
/* Whether a setting is one of those. */
int assay_accepted_is_setting(const struct assay_plugin_option *o);
void assay_accepted_release(struct assay_accepted *a);

#endif
