/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/matcher/internal.h: what the files of the matcher share. Not for others: the door is
 * rules/matcher.h.
 *
 *   regex.c       pattern text -> relaxed regular expression over bytes
 *   plan.c        -> how the rule is found fast: by literals, by runs, or not
 *   terms.c       word rules: what an occurrence is, and which ones count
 *   literals.c    all literals to search for: terms and anchors
 *   vectorscan.c  searches literals with Vectorscan      automaton.c  ... with Aho-Corasick
 *   runs.c        stretches that hold enough digits
 *   candidate.c   offsets -> fields; PCRE2 in a window; never the same start twice
 *   scan.c        literals, runs and the rest, over one batch
 *   oracle.c      no candidates: everything by brute force, the definition of right
 *   cache.c       compiled databases on disk
 *   matcher.c     the door
 */
#ifndef ASSAY_RULES_MATCHER_INTERNAL_H
#define ASSAY_RULES_MATCHER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "rules/matcher.h"
#include "rules/matcher/plan.h"
#include "rules/matcher/runs.h"

/* ---- word rules ----------------------------------------------------------------------------- */

struct assay_word_term {
    uint32_t rule;
    uint32_t at; /* in assay_terms.text, ASCII in lower case */
    uint16_t len;
    uint16_t is_cjk;   /* substring; else whole word */
    const char *exact; /* as written, where case counts; borrowed; NULL: it does not */
};

struct assay_terms {
    struct assay_word_term *items;
    uint32_t count;
    char *text;
};

/* ---- the matcher ---------------------------------------------------------------------------- */

/* PCRE2 code of one rule, compiled by the first thread that needs it. */
struct assay_code {
    _Atomic(pcre2_code *) code;
    atomic_int jit; /* valid once `code` is set */
};

/* A literal to search for, ASCII in lower case. */
struct assay_needle {
    const char *text; /* borrowed from terms or plans */
    uint32_t len;
    uint32_t id; /* a term; or terms.count + rule */
};

struct assay_literal_table {
    struct assay_needle *items;
    uint32_t count;
};

struct assay_vs;        /* vectorscan.c */
struct assay_automaton; /* automaton.c */

struct assay_matcher {
    const struct assay_rule *const *rule; /* by index; borrowed rules, own table */
    uint32_t n_rules;
    enum assay_matcher_engine engine; /* never AUTO */
    int from_cache;
    struct assay_arena *arena;     /* plans and their literals */
    struct assay_rule_plan *plans; /* by rule */
    struct assay_code *codes;      /* by rule */
    pthread_mutex_t code_lock;
    struct assay_terms terms;
    struct assay_literal_table literals;
    struct assay_run_set runs;
    uint32_t *run_rules, *whole_rules; /* rules by plan */
    uint32_t n_run_rules, n_whole_rules;
    struct assay_vs *vs;
    struct assay_automaton *automaton;
};

/* ---- scratch -------------------------------------------------------------------------------- */

/* An end offset (in the batch text) reported for a rule. */
struct assay_candidate {
    uint32_t rule;
    uint32_t end;
};

/* How far one rule has come in the field it is in. */
struct assay_field_progress {
    uint64_t epoch; /* of the scan this belongs to */
    uint32_t field;
    uint32_t next; /* first start (batch offset) not tried yet */
    uint8_t dead;  /* a limit was hit in this field */
};

struct assay_scratch {
    const struct assay_matcher *m;
    const struct assay_batch *batch;
    struct assay_match_list *out;
    uint64_t epoch;
    uint32_t field_hint;
    enum assay_status status; /* sticky, of the running scan */
    struct assay_field_progress *progress;
    struct assay_match *matches;
    uint32_t n_matches, cap_matches;
    struct assay_match *occurrences; /* of terms, before resolution */
    uint32_t n_occurrences, cap_occurrences;
    struct assay_candidate *candidates;
    uint32_t n_candidates, cap_candidates;
    struct assay_run_list runs[ASSAY_RUN_GROUPS];
    pcre2_match_data *match_data;
    pcre2_match_context *match_context;
    pcre2_jit_stack *jit_stack;
    void *hs_scratch;
};

/* ---- matcher.c ------------------------------------------------------------------------------ */

/* assay_matcher_new for rules that are in no rule set (tests, benchmarks); they must outlive the
 * matcher. */
enum assay_status assay_matcher_new_rules(const struct assay_rule *rules, uint32_t n_rules,
                                          const struct assay_matcher_options *opt,
                                          struct assay_matcher **ret, struct assay_error *err);

/* ---- terms.c -------------------------------------------------------------------------------- */

/* The words of all word lists. ASSAY_LIMIT: more than ASSAY_LIMIT_WORDS; ASSAY_NOMEM. Released
 * whatever this says. */
enum assay_status assay_terms_build(const struct assay_rule *const *rule, uint32_t n_rules,
                                    struct assay_terms *ret);
void assay_terms_release(struct assay_terms *t);
/* Whether the term at [start, end) of the field value may count: the one definition, used by every
 * engine. */
int assay_term_stands(struct assay_bytes value, uint32_t start, uint32_t end, int is_cjk);
/* Whether the text of the term, found at `at` in some case, has the case that the rule wants. */
int assay_term_is(const struct assay_word_term *t, const char *at);
/* A term ends at batch offset `end`: checks and notes the occurrence. */
void assay_term_found(struct assay_scratch *s, uint32_t term, uint32_t end);
/* Notes [start, end) of a field's value; out of memory goes to s->status. */
void assay_term_note(struct assay_scratch *s, uint32_t rule, uint32_t field, uint32_t start,
                     uint32_t end);
/* Occurrences to matches: per rule and field leftmost, then longest, non-overlapping. */
void assay_terms_resolve(struct assay_scratch *s);
static inline unsigned char assay_ascii_lower(unsigned char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
}

/* ---- candidate.c ---------------------------------------------------------------------------- */

/* Index of the field that holds batch offset `pos`; ASSAY_NONE when none does, or it is of a kind
 * not matched. */
uint32_t assay_field_at(struct assay_scratch *s, uint32_t pos);
/* Whether fields of this kind are matched. */
int assay_field_is_matched(const struct assay_field *f);
/* A literal of an ANCHOR rule ends at batch offset `end`; ends must not decrease within one rule
 * and scan. */
void assay_candidate_try(struct assay_scratch *s, uint32_t rule, uint32_t end);
/* Tries PCRE2 at every start in [from, limit] (batch offsets within the field) not tried before. */
void assay_confirm_range(struct assay_scratch *s, uint32_t rule, uint32_t field, uint32_t from,
                         uint32_t limit);
/* The same over a whole field. */
void assay_confirm_field(struct assay_scratch *s, uint32_t rule, uint32_t field);
/* Adds a match, [start, end) of the field's value; out of memory goes to s->status. */
void assay_match_push(struct assay_scratch *s, uint32_t rule, uint32_t field, uint32_t start,
                      uint32_t end);

/* ---- literals.c ----------------------------------------------------------------------------- */

/* Literals of all plans and terms, each with whom it concerns. ASSAY_NOMEM. */
enum assay_status assay_literals_build(struct assay_matcher *m);
/* A literal ends at batch offset `end`. Any order. */
void assay_literal_found(struct assay_scratch *s, uint32_t id, uint32_t end);
/* Puts the collected candidates in order. */
void assay_candidates_sort(struct assay_scratch *s);

/* ---- engines -------------------------------------------------------------------------------- */

/* Vectorscan: whether this build has it and this CPU can run it. */
int assay_vs_available(void);
/* Compiles m->literals, or takes them from the cache. */
enum assay_status assay_vs_new(struct assay_matcher *m, const char *cache_dir,
                               struct assay_error *err);
void assay_vs_free(struct assay_vs *vs);
enum assay_status assay_vs_scratch(const struct assay_matcher *m, struct assay_scratch *s,
                                   struct assay_error *err);
void assay_vs_scratch_free(struct assay_scratch *s);
/* Every literal in the batch goes to assay_literal_found. The automaton below does the same. */
void assay_vs_search(struct assay_scratch *s);

/* Aho and Corasick, 1975, over m->literals. ASSAY_NOMEM. */
enum assay_status assay_automaton_new(struct assay_matcher *m, struct assay_error *err);
void assay_automaton_free(struct assay_automaton *a);
void assay_automaton_search(struct assay_scratch *s);

/* All matches of the batch: by plans, and by the definition (PCRE2 rule by rule, field by field).
 */
void assay_fast_scan(struct assay_scratch *s);
void assay_oracle_scan(struct assay_scratch *s);

#endif
