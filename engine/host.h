/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/host.h: the host table of assay/host.h, one per plugin, and the plugins' options, checked.
 */
#ifndef ASSAY_ENGINE_HOST_H
#define ASSAY_ENGINE_HOST_H

#include "engine/run.h"

struct assay_hosts;

/* Checks the options in run->opt against the plugins' tables; all tables are valid until
 * hosts_free. */
enum assay_status assay_hosts_new(struct assay_run *run, struct assay_hosts **ret,
                                  struct assay_error *err);
void assay_hosts_free(struct assay_hosts *h); /* accepts NULL */
/* The table for plugin `i` of run->opt->plugins. */
const struct assay_host *assay_hosts_get(const struct assay_hosts *h, size_t i);

#endif
