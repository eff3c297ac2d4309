/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/setting.h: one option of a plugin, as people write it: PLUGIN.OPTION=VALUE.
 *
 * The command line and the daemon's configuration take settings in this form; an audit checks each
 * against the table of the plugin that it names, and so does whoever wants to know before.
 */
#ifndef ASSAY_ENGINE_SETTING_H
#define ASSAY_ENGINE_SETTING_H

#include "core/arena.h"
#include "engine/audit.h"

/* Splits `text`; names are kept in `arena`, the value is borrowed. ASSAY_USAGE with a sentence,
 * ASSAY_NOMEM. */
enum assay_status assay_setting_parse(const char *text, struct assay_arena *arena,
                                      struct assay_plugin_option *ret, struct assay_error *err);
/* *ret: its row in the plugin's table. ASSAY_CONFIG: there is no such plugin or option, with the
 * nearest name there is, or the value is none of it. */
enum assay_status assay_setting_check(const struct assay_plugins *ps,
                                      const struct assay_plugin_option *o,
                                      const struct assay_option **ret, struct assay_error *err);

#endif
