/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/plugins.h: the readers and scanners there are: built in, or loaded from a directory.
 *
 * Loading: the directory and each file must belong to root or to the caller and be writable by
 * nobody else; only names that match ^[a-z][a-z0-9_]*\.so$ are considered; RTLD_NOW | RTLD_LOCAL |
 * RTLD_NODELETE; `abi` then `size` are checked before any other member; required members must be
 * set; a name taken twice is refused. A bad plugin is an error value, never an abort. The SHA-256
 * of each loaded file is kept for the statement; built-in plugins are covered by the program's
 * version. Names are unique over both kinds, because options are addressed by plugin name. Plugins
 * stay loaded for the life of the process: unloading code that may have left pointers behind is a
 * crash in waiting.
 * Thread rule: built once, then read-only.
 */
#ifndef ASSAY_ENGINE_PLUGINS_H
#define ASSAY_ENGINE_PLUGINS_H

#include "assay/plugin.h"

enum assay_plugin_kind { ASSAY_PLUGIN_READER, ASSAY_PLUGIN_SCANNER };

struct assay_plugin {
    enum assay_plugin_kind kind;
    const char *name, *version, *license, *summary;
    const char *path;   /* NULL when built in */
    uint8_t sha256[32]; /* zeroes when built in */
    const struct assay_reader *reader;
    const struct assay_scanner *scanner;
    const struct assay_option *options;
    const struct assay_rule_decl *rules;
};

struct assay_plugins;
struct assay_ruleset;
struct assay_diags;

/* All built-in plugins. NULL: out of memory. */
struct assay_plugins *assay_plugins_new(void);
void assay_plugins_free(struct assay_plugins *ps);
/* Takes in a descriptor that lives as long as the set (the program's own tables, tests). Checked
 * like a loaded one: ASSAY_PLUGIN when it is not usable, ASSAY_EXISTS when its name is taken. */
enum assay_status assay_plugins_add_reader(struct assay_plugins *ps, const struct assay_reader *r,
                                           struct assay_error *err);
enum assay_status assay_plugins_add_scanner(struct assay_plugins *ps, const struct assay_scanner *s,
                                            struct assay_error *err);
/* Loads one shared object. It must export exactly one of assay_reader_plugin and
 * assay_scanner_plugin, named as the file. Errors: ASSAY_NOTFOUND, ASSAY_DENIED (owner, mode,
 * symlink), ASSAY_EXISTS, ASSAY_PLUGIN. */
enum assay_status assay_plugins_load_file(struct assay_plugins *ps, const char *path,
                                          struct assay_error *err);
/* Loads every plugin in a directory, by name order. A bad one does not keep the others out, but is
 * the error returned (the first, and how many more). */
enum assay_status assay_plugins_load_dir(struct assay_plugins *ps, const char *dir,
                                         struct assay_error *err);
size_t assay_plugins_count(const struct assay_plugins *ps);
const struct assay_plugin *assay_plugins_get(const struct assay_plugins *ps, size_t i);
const struct assay_plugin *assay_plugins_find(const struct assay_plugins *ps,
                                              enum assay_plugin_kind kind, const char *name);
/* Leaves out scanners: those named when `except`, else all that are not named. Readers stay. They
 * are then as if never loaded, but for assay_plugins_left_out. ASSAY_CONFIG: no such scanner, or
 * none would be left. */
enum assay_status assay_plugins_select(struct assay_plugins *ps, const char *const *names, size_t n,
                                       int except, struct assay_error *err);
/* Names of the scanners left out, sorted; *ret_n of them. */
const char *const *assay_plugins_left_out(const struct assay_plugins *ps, size_t *ret_n);
/* The rule tables of all plugins and of the engine itself, for assay_ruleset_load. Borrowed until
 * the next plugin is added; *ret_n tables. */
const struct assay_rule_decl *const *assay_plugins_decls(const struct assay_plugins *ps,
                                                         size_t *ret_n);
/* assay_ruleset_check_scanners against the scanners that are loaded. */
void assay_plugins_check_rules(const struct assay_plugins *ps, const struct assay_ruleset *rules,
                               struct assay_diags *diags);
/* Whether the scanner may ask for a second look: its descriptor holds those members, and sets them.
 */
int assay_scanner_looks_twice(const struct assay_scanner *s);
/* The same of one that was set up: it may not want to. */
int assay_scanner_may_look_twice(const struct assay_scanner *s, const void *shared);
/* Whether the scanner hands groups to others (assay_scanner.gives), and whether it takes some. */
int assay_scanner_gives(const struct assay_scanner *s);
int assay_scanner_takes(const struct assay_scanner *s);
/* The rules the engine itself raises (undecodable stream, truncated file ...): same form. */
extern const struct assay_rule_decl assay_engine_rules[];

#endif
