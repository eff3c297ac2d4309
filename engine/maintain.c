/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/maintain.c: see the header. A run without an inventory and without rules: the host then
 * answers that there are none.
 */
#include "engine/maintain.h"

#include "engine/host.h"

static int can_maintain(const struct assay_scanner *s)
{
    return s->size >= offsetof(struct assay_scanner, maintain) + sizeof s->maintain &&
           s->maintain != NULL;
}

static const struct assay_host *host_of(const struct assay_plugins *plugins,
                                        const struct assay_hosts *hosts,
                                        const struct assay_plugin *plugin)
{
    for (size_t i = 0; i < assay_plugins_count(plugins); i++) {
        if (assay_plugins_get(plugins, i) == plugin) {
            return assay_hosts_get(hosts, i);
        }
    }
    return NULL;
}

enum assay_status assay_scanner_maintain(const struct assay_audit_options *opt, const char *scanner,
                                         struct assay_error *err)
{
    struct assay_run run = {.opt = opt};
    struct assay_hosts *hosts;
    const struct assay_plugin *p = assay_plugins_find(opt->plugins, ASSAY_PLUGIN_SCANNER, scanner);
    if (p == NULL || !can_maintain(p->scanner)) {
        return assay_fail(err, ASSAY_CONFIG, "there is no scanner '%.64s' that keeps anything",
                          scanner);
    }
    enum assay_status status = assay_hosts_new(&run, &hosts, err);
    if (status != ASSAY_OK) {
        return status;
    }
    (void)assay_fail(err, ASSAY_PLUGIN, "scanner %.64s could not do it", scanner);
    status = p->scanner->maintain(host_of(opt->plugins, hosts, p), err);
    assay_hosts_free(hosts);
    return status;
}
