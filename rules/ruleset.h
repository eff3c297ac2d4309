/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/ruleset.h: packs of rules, loaded, checked and frozen.
 *
 * What:  a pack is a directory (or the embedded copy of one) with `pack.yaml`, `*.yaml` rule files
 *        and the term lists (`*.txt`) and `*.yar` files they name. A rule set is the union of packs
 *        plus the rules that plugins declare; indexes are dense and stable: pack rules first,
 *        sorted by id, then declared rules, sorted by id.
 * Why:   one immutable object that a run pins from start to end; its digests go into the statement.
 * Ownership: the rule set owns every string; views and rules are borrowed. Immutable after load, so
 *        any thread may read it.
 */
#ifndef ASSAY_RULES_RULESET_H
#define ASSAY_RULES_RULESET_H

#include "assay/finding.h"
#include "assay/host.h"
#include "core/yaml.h"

enum assay_detect {
    ASSAY_DETECT_PATTERN,
    ASSAY_DETECT_WORDS,
    ASSAY_DETECT_YARA,
    ASSAY_DETECT_CODE /* declared by a plugin */
};

enum assay_rule_status { ASSAY_RULE_EXPERIMENTAL, ASSAY_RULE_STABLE, ASSAY_RULE_DEPRECATED };

struct assay_clause {
    const char *standard;
    const char *ref;
};

/* Written in YAML under tests: {hit: [...], miss: [...]}. */
struct assay_rule_test {
    const char *text;
    int hit;
    uint32_t line;
};

struct assay_mask {
    uint8_t keep_first; /* code points kept at the start; never more than 8 */
    uint8_t keep_last;
    uint8_t email; /* keep first letter and the domain's last label */
};

struct assay_word {
    struct assay_bytes text; /* as written */
    uint8_t is_cjk;          /* holds a CJK code point: matched as substring, else as whole word */
};

struct assay_phrases; /* words.h: folded and indexed for assay_rule_assess */

struct assay_rule {
    struct assay_rule_view view; /* id, scanner, entity, category, severity, min_confidence, rank */
    const char *title_en, *title_zh; /* zh falls back to en */
    const char *help_en, *help_zh;   /* may be NULL */
    enum assay_rule_status status;   /* stable unless said otherwise; stable rules carry tests */
    enum assay_detect detect;
    uint32_t pack; /* index; ASSAY_NONE for declared rules */
    const char *file;
    uint32_t line;
    const struct assay_clause *clauses;
    size_t n_clauses;
    /* PATTERN */
    const char *pattern; /* PCRE2 syntax */
    const char
        *prefilter; /* NULL: derived; else a Vectorscan pattern matching wherever `pattern` does */
    uint8_t caseless;
    /* WORDS */
    const struct assay_word *words;
    size_t n_words;
    const struct assay_word *allow; /* allow phrases: a hit inside one of them is dropped */
    size_t n_allow;
    /* YARA: the text of the .yar file (one pointer for all rules of a file), its name, the
     * identifier in it */
    const char *yara_source;
    const char *yara_file;
    const char *yara_rule;
    /* Assessment */
    const uint16_t *validators; /* indexes into the validator table (validators.h) */
    size_t n_validators;
    const struct assay_word *context;
    size_t n_context;
    const struct assay_phrases *context_set, *allow_set; /* the same, compiled; NULL when empty */
    uint16_t context_window;                             /* code points on each side */
    uint8_t context_required; /* without a context word the match is dropped */
    uint16_t confidence_base; /* thousandths */
    uint16_t confidence_validated;
    uint16_t confidence_context; /* added when a context word stands near */
    struct assay_mask mask;
    const struct assay_rule_test *tests;
    size_t n_tests;
};

struct assay_pack {
    const char *name;
    const char *version;
    const char *title_en, *title_zh;
    const char *licence; /* SPDX; may be NULL */
    uint8_t sha256[32];  /* over "sha256  name\n" lines of its files, sorted by name */
    size_t n_rules;
    int embedded; /* built in, not read from a directory */
};

struct assay_ruleset;

/* Loads packs. Each of `packs` is the name of an embedded pack ("pii") or a path of a pack
 * directory; n_packs 0: every embedded pack that is on by default. `decls` are the tables plugins
 * declare (n_decls of them, each sentinel-terminated). All errors go to `diags`; NULL when there is
 * one. */
struct assay_ruleset *assay_ruleset_load(const char *const *packs, size_t n_packs,
                                         const struct assay_rule_decl *const *decls, size_t n_decls,
                                         struct assay_diags *diags);
void assay_ruleset_free(struct assay_ruleset *rs); /* accepts NULL */
/* Takes out the pack rules of these scanners, which are not to run. Before anything was built from
 * the rule set: indexes change. */
void assay_ruleset_leave_out(struct assay_ruleset *rs, const char *const *scanners, size_t n);
size_t assay_ruleset_count(const struct assay_ruleset *rs);
const struct assay_rule *assay_ruleset_rule(const struct assay_ruleset *rs, uint32_t index);
uint32_t assay_ruleset_find(const struct assay_ruleset *rs, const char *id); /* ASSAY_NONE: none */
size_t assay_ruleset_packs(const struct assay_ruleset *rs);
const struct assay_pack *assay_ruleset_pack(const struct assay_ruleset *rs, size_t i);
/* Nearest rule id, for "did you mean"; NULL. */
const char *assay_ruleset_suggest(const struct assay_ruleset *rs, const char *id);

/* Style checks beyond validity (untested rules, patterns without a literal, nested unbounded
 * quantifiers ...): warnings into `diags`. */
void assay_ruleset_lint(const struct assay_ruleset *rs, struct assay_diags *diags);

/* What a loaded scanner can receive. */
struct assay_scanner_role {
    const char *name;
    int records; /* matches in records: rules by pattern and words */
    int files;   /* hits in the bytes of files: rules by yara */
};

/* Rules whose matches nobody would receive: their scanner is not among `roles`, or does not take
 * what they detect. Such a rule would never report anything: an error, or a warning for a rule of
 * an embedded pack (a program built without that scanner still runs). */
void assay_ruleset_check_scanners(const struct assay_ruleset *rs,
                                  const struct assay_scanner_role *roles, size_t n,
                                  struct assay_diags *diags);

/* Names of the embedded packs, NULL-terminated. */
const char *const *assay_ruleset_embedded(void);

/* Runs validators, context words and allow phrases of `rule` on the match [start, end) of `value`.
 * Pure; any thread. */
void assay_rule_assess(const struct assay_rule *rule, struct assay_bytes value, uint32_t start,
                       uint32_t end, struct assay_assessment *ret);
/* The same for a value that stands in a field of that name (a JSON Pointer): words of the name are
 * context too. */
void assay_rule_assess_in(const struct assay_rule *rule, struct assay_bytes name,
                          struct assay_bytes value, uint32_t start, uint32_t end,
                          struct assay_assessment *ret);

/* Appends the masked preview of `value` by the rule's mask: at most keep_first + keep_last code
 * points survive, at least half of the value and never fewer than 4 code points are starred. */
void assay_rule_mask(const struct assay_rule *rule, struct assay_bytes value,
                     struct assay_buf *out);

const char *assay_severity_name(enum assay_severity s); /* "high" */
extern const char *const assay_severity_names[];        /* NULL-terminated, in order */

#endif
