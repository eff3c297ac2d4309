/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/plugins_internal.h: what the files of the plugin set share (internal to them).
 */
#ifndef ASSAY_ENGINE_PLUGINS_INTERNAL_H
#define ASSAY_ENGINE_PLUGINS_INTERNAL_H

#include "engine/plugins.h"

/* plugin_check.c: "reader" or "scanner". */
const char *assay_plugin_word(enum assay_plugin_kind kind);
/* plugin_check.c: how many bytes of `s` from its start make a plugin's name; 0: none. */
size_t assay_plugin_name_prefix(const char *s);
/* plugin_check.c: judges a descriptor and, when it will do, copies what the set keeps of it into
 * *ret. */
enum assay_status assay_plugin_check(enum assay_plugin_kind kind, const void *descriptor,
                                     struct assay_plugin *ret, struct assay_error *err);
/* plugins.c: takes in a judged entry. `path` (NULL: built in) is copied. ASSAY_EXISTS when its name
 * is taken. */
enum assay_status assay_plugins_insert(struct assay_plugins *ps, const struct assay_plugin *entry,
                                       const char *path, struct assay_error *err);

#endif
