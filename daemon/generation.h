/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/generation.h: configuration, packs, policies, plugins and lists of accepted groups as they
 * were when they were checked.
 *
 * What is in force is a copy. `assayd --check-config --copy-to DIR`, a process of its own, copies
 * everything that the configuration names into DIR and checks the copies; if all is well the daemon
 * reads the configuration from there and hands the copies to its workers. So what was checked is
 * what is used: a pack that is edited, or half edited, changes nothing until the next reload, and
 * an audit never sees two states of it. Where each copy lies follows from the configuration alone
 * (the place of its first mention), so there is no index to keep in step:
 *
 *     state_dir/generations/N/assayd.yaml   packs/SOURCE-PACK/   policies/SOURCE/NAME   plugins/
 *                             suppressions/SOURCE-LIST   suppressions/SOURCE-key-KEY
 *
 * (lists of `submit` stand behind those of the last source)
 *
 * What is built in is not copied. A generation is immutable; it is removed when a newer one is in
 * force and no run uses it any more, and all that an earlier life left are removed at the start.
 */
#ifndef ASSAY_DAEMON_GENERATION_H
#define ASSAY_DAEMON_GENERATION_H

#include <limits.h>

#include "core/buf.h"
#include "daemon/config.h"

#define ASSAY_GENERATION_CONFIG "assayd.yaml"

/* Where the copy of a pack or policy lies that the configuration names; 0 when there is none: it is
 * built in, NULL, or not named by any source. */
int assay_generation_pack(const struct assay_config *c, const char *dir, const char *pack,
                          char ret[PATH_MAX]);
int assay_generation_policy(const struct assay_config *c, const char *dir, const char *policy,
                            char ret[PATH_MAX]);
/* The same of a list of accepted groups, or of a key that signs them. */
int assay_generation_suppressions(const struct assay_config *c, const char *dir, const char *path,
                                  char ret[PATH_MAX]);
void assay_generation_plugins(const char *dir, char ret[PATH_MAX]);

/* Copies everything into `dir`, made here. What cannot be opened is left out: loading the copy says
 * so. Errors are those of writing, and of what passes a bound. */
enum assay_status assay_generation_copy(const struct assay_config *c, const char *config_path,
                                        const char *dir, struct assay_error *err);
/* Puts the original's path wherever the text names a copy. */
void assay_generation_rename(const struct assay_config *c, const char *config_path, const char *dir,
                             struct assay_buf *text);

#endif
