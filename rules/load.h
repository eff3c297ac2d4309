/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/load.h: what the files that build a rule set share. Private to rules/.
 *
 * A load goes: pack.c finds packs and reads their files, parse.c turns YAML nodes into rules,
 * words.c reads term lists, pattern.c checks patterns, declared.c adds plugin rules, ruleset.c
 * sorts and freezes. Every step reports to one struct assay_diags and goes on, so that all errors
 * show at once.
 * Ownership: the arena owns strings and tables; `docs` own what YAML nodes point to; both live as
 *        long as the rule set, so rules may point into either.
 */
#ifndef ASSAY_RULES_LOAD_H
#define ASSAY_RULES_LOAD_H

#include "core/arena.h"
#include "core/hash.h"
#include "core/limits.h"
#include "rules/ruleset.h"

/* A rule and the node it came from (NULL for declared rules). */
struct assay_rule_slot {
    struct assay_rule rule;
    const struct assay_yaml *yaml;
    const struct assay_yaml_node *node;
};

struct assay_ruleset {
    struct assay_arena *arena;
    struct assay_rule_slot *slots;
    size_t n_rules, cap_rules;
    struct assay_pack *packs; /* sorted by name */
    size_t n_packs;
    struct assay_yaml **docs;
    size_t n_docs, cap_docs;
    size_t n_words; /* terms over all word rules */
};

/* A file of a pack that was read. */
struct assay_pack_file {
    const char *name; /* within the pack */
    struct assay_bytes bytes;
    uint8_t sha256[ASSAY_SHA256_LEN];
};

/* Where one pack comes from, while it is loaded. */
struct assay_pack_source {
    const char *shown;    /* name or path, put before file names in messages */
    const char *embedded; /* "packs/NAME/"; NULL: a directory */
    int dir_fd;           /* -1 for embedded packs */
    const char **names;   /* its *.yaml files without pack.yaml, sorted; arena */
    size_t n_names, cap_names;
    struct assay_pack_file *files; /* those read so far */
    size_t n_files, cap_files;
    const struct assay_yaml *yaml; /* pack.yaml */
    const struct assay_yaml_node *lists;
    int on_by_default;
    struct assay_pack pack;
};

/* What every parsing function needs. */
struct assay_load {
    struct assay_ruleset *rs;
    struct assay_diags *diags;
    struct assay_pack_source *source;
    uint32_t pack;                 /* index */
    const struct assay_yaml *yaml; /* document in hand */
    const char *file;              /* its name as shown */
};

/* pack.c */
/* Opens an embedded pack or a pack directory; 0 with a diagnostic when it cannot. */
int assay_pack_open(struct assay_load *l, const char *arg, struct assay_pack_source *ret);
void assay_pack_close(struct assay_pack_source *s);
/* Reads and checks pack.yaml into s->pack; 0 with diagnostics. */
int assay_pack_header(struct assay_load *l, struct assay_pack_source *s);
/* The bytes of file `name` of the pack in hand, kept in the arena and NUL-terminated; NULL with
 * err. */
const struct assay_pack_file *assay_pack_read(struct assay_load *l, const char *name,
                                              struct assay_error *err);
/* Reads and parses a YAML file of the pack in hand; the rule set owns the document. */
const struct assay_yaml *assay_pack_yaml(struct assay_load *l, const char *name);
/* Digest over the files read, in s->pack.sha256. */
enum assay_status assay_pack_digest(struct assay_pack_source *s);
/* "1.2.3" against ">=1.0 <2"; -1 when `wanted` is malformed. */
int assay_version_satisfies(const char *version, const char *wanted);

/* parse.c */
/* Parses the list of rules in the document in hand. */
void assay_parse_rules(struct assay_load *l);
/* A text in one or two languages: a scalar (English) or {en, zh}; strings borrowed from the
 * document. */
void assay_parse_text2(struct assay_load *l, const struct assay_yaml_node *n, const char *what,
                       const char **ret_en, const char **ret_zh);

/* declared.c: the rules that plugins declare (id NULL ends them) join the set. */
void assay_declared_add(struct assay_load *l, const struct assay_rule_decl *decls);

/* ruleset.c: room for one more rule, zeroed; NULL with a diagnostic. */
struct assay_rule_slot *assay_ruleset_grow(struct assay_load *l);

/* Whether `s` is made of the characters of an identifier: lower case, digits and `extra`, a letter
 * first. */
int assay_name_ok(const char *s, const char *extra);

/* ", did you mean '$near'?", with the sigil before the name; empty when near is NULL. */
struct assay_hint {
    char text[ASSAY_LIMIT_RULE_ID + 32];
};
struct assay_hint assay_hint(const char *near, const char *sigil);

/* Key tables, for the manual page's completeness test. */
struct assay_key_table {
    const char *what;
    const char *const *keys;
};
extern const struct assay_key_table assay_rule_key_tables[]; /* ends with what NULL */
extern const char *const assay_pack_keys[];
extern const char *const assay_text2_keys[];

#endif
