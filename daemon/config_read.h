/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_read.h: reading a configuration (private to daemon/config*.c).
 *
 * Whatever is wrong becomes a diagnostic at its place, and reading goes on, so that all faults are
 * told at once. Strings are copied into the arena of the configuration.
 */
#ifndef ASSAY_DAEMON_CONFIG_READ_H
#define ASSAY_DAEMON_CONFIG_READ_H

#include "core/yaml.h"
#include "daemon/config.h"

#define CONFIG_KEYS_MAX 96 /* rows of assay_config_keys */

struct config_loader {
    struct assay_yaml *y;
    struct assay_diags *d;
    struct assay_config *c;
};

/* config.c */
/* Reads every key of `section` from mapping `n` (NULL: absent) into `base`. */
void config_read_section(struct config_loader *l, const char *section, void *base,
                         const struct assay_yaml_node *n);

/* config_source.c */
void config_read_sources(struct config_loader *l, const struct assay_yaml_node *n);
/* A list counts only if it is signed, and a key only if there is a list. */
void config_check_suppressions(struct config_loader *l, const struct assay_config_source *s,
                               const struct assay_yaml_node *n);

#endif
