/* SPDX-License-Identifier: Apache-2.0
 *
 * What validators, context words and allow phrases say of one match.
 *
 * Order: an allow phrase that covers the match drops it; any validator that says no drops it; then
 * the score is `base`, or `validated` when at least one validator said yes, plus `context` when a
 * context word stands near, at most 1000. With `required`, no context word means dropped. Windows
 * are counted in code points, decoded outward from the match, so they never cut a sequence and
 * never look at more than they may. Context words are looked for before and after the match, never
 * inside it or across its edge: a match cannot vouch for itself. The name of the field counts as
 * near: the column "home_phone" says what a bare number in it is. Nothing is allocated; the work is
 * bounded by ASSAY_LIMIT_CONTEXT_WINDOW and ASSAY_LIMIT_WORD.
 */
#include "core/limits.h"
#include "core/utf8.h"
#include "rules/validators.h"
#include "rules/words.h"

/* A window, plus one neighbour beyond it that only decides word boundaries. */
#define WINDOW_CPS (ASSAY_LIMIT_CONTEXT_WINDOW + 1)

/* Code points of an allow phrase's surroundings: a phrase on either side of where it could start.
 */
#define ALLOW_CPS (2 * ASSAY_LIMIT_WORD + 2)

static int is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Start of the code point before `at`. */
static size_t step_back(struct assay_bytes s, size_t at)
{
    size_t low = at > 4 ? at - 4 : 0;
    for (at--; at > low && is_continuation(s.ptr[at]);) {
        at--;
    }
    return at;
}

static size_t back_by(struct assay_bytes s, size_t at, size_t count)
{
    for (; count > 0 && at > 0; count--) {
        at = step_back(s, at);
    }
    return at;
}

/* Folds at most `max` code points of [from, to) into cps; returns how many. */
static size_t fold_run(struct assay_bytes s, size_t from, size_t to, uint32_t *cps, size_t max)
{
    size_t n = 0;
    while (from < to && n < max) {
        uint32_t cp;
        from += assay_utf8_decode(s.ptr + from, s.ptr + to, &cp);
        cps[n++] = assay_fold_cp(cp);
    }
    return n;
}

/* Whether a phrase lies wholly within [from, limit) of the run. */
static int any_phrase(const struct assay_phrases *set, struct assay_folded run, size_t from,
                      size_t limit)
{
    for (size_t at = from; at < limit; at++) {
        if (assay_phrases_at(set, run, at, 0, limit)) {
            return 1;
        }
    }
    return 0;
}

static int context_before(const struct assay_rule *rule, struct assay_bytes value, size_t start)
{
    uint32_t cps[WINDOW_CPS];
    size_t window = rule->context_window;
    size_t edge = back_by(value, start, window);
    size_t from = back_by(value, edge, 1);
    struct assay_folded run = {cps, fold_run(value, from, start, cps, WINDOW_CPS)};
    return any_phrase(rule->context_set, run, from < edge ? 1 : 0, run.n);
}

static int context_after(const struct assay_rule *rule, struct assay_bytes value, size_t end)
{
    uint32_t cps[WINDOW_CPS];
    size_t window = rule->context_window;
    struct assay_folded run = {cps, fold_run(value, end, value.len, cps, window + 1)};
    return any_phrase(rule->context_set, run, 0, run.n < window ? run.n : window);
}

static int is_ascii_lower(uint32_t cp)
{
    return cp >= 'a' && cp <= 'z';
}

/* Folds a name into words: "/user/homePhone_no" reads as " user home phone no". */
static size_t fold_name(struct assay_bytes name, uint32_t *cps, size_t max)
{
    size_t n = 0;
    uint32_t before = ' ';
    for (size_t at = 0; at < name.len && n + 2 <= max;) {
        uint32_t cp;
        at += assay_utf8_decode(name.ptr + at, name.ptr + name.len, &cp);
        if (cp >= 'A' && cp <= 'Z' && is_ascii_lower(before)) {
            cps[n++] = ' ';
        }
        before = cp;
        int separates = cp == '/' || cp == '_' || cp == '-' || cp == '.';
        cps[n++] = separates ? ' ' : assay_fold_cp(cp);
    }
    return n;
}

static int context_name(const struct assay_rule *rule, struct assay_bytes name)
{
    uint32_t cps[WINDOW_CPS];
    size_t from = name.len > WINDOW_CPS / 2 ? name.len - WINDOW_CPS / 2 : 0;
    while (from > 0 && from < name.len && is_continuation(name.ptr[from])) {
        from++;
    }
    name = assay_bytes_make(name.ptr + from, name.len - from);
    struct assay_folded run = {cps, fold_name(name, cps, WINDOW_CPS)};
    return any_phrase(rule->context_set, run, 0, run.n);
}

static int in_context(const struct assay_rule *rule, struct assay_bytes name,
                      struct assay_bytes value, size_t start, size_t end)
{
    return rule->context_set != NULL &&
           (context_before(rule, value, start) || context_after(rule, value, end) ||
            (name.len > 0 && context_name(rule, name)));
}

/* Whether [start, end) lies inside an occurrence of an allow phrase. */
static int is_allowed(const struct assay_rule *rule, struct assay_bytes value, size_t start,
                      size_t end)
{
    const struct assay_phrases *set = rule->allow_set;
    uint32_t cps[ALLOW_CPS];
    if (set == NULL || end - start > 4 * (size_t)set->longest) {
        return 0;
    }
    size_t from = back_by(value, start, set->longest);
    size_t head = fold_run(value, from, start, cps, ALLOW_CPS);
    size_t match = fold_run(value, start, end, cps + head, set->longest + 1u);
    if (match > set->longest) {
        return 0;
    }
    struct assay_folded run = {cps, head + match};
    run.n += fold_run(value, end, value.len, cps + run.n, ALLOW_CPS - run.n);
    for (size_t at = 0; at <= head && at < run.n; at++) {
        if (assay_phrases_at(set, run, at, head + match, run.n)) {
            return 1;
        }
    }
    return 0;
}

/* -1: ruled out; 1: confirmed; 0: no opinion. */
static int validate(const struct assay_rule *rule, struct assay_bytes text)
{
    int verdict = 0;
    for (size_t i = 0; i < rule->n_validators; i++) {
        enum assay_validity v = assay_validators[rule->validators[i]].check(text);
        if (v == ASSAY_INVALID) {
            return -1;
        }
        verdict = v == ASSAY_VALID ? 1 : verdict;
    }
    return verdict;
}

void assay_rule_assess(const struct assay_rule *rule, struct assay_bytes value, uint32_t start,
                       uint32_t end, struct assay_assessment *ret)
{
    assay_rule_assess_in(rule, assay_bytes_make(NULL, 0), value, start, end, ret);
}

void assay_rule_assess_in(const struct assay_rule *rule, struct assay_bytes name,
                          struct assay_bytes value, uint32_t start, uint32_t end,
                          struct assay_assessment *ret)
{
    memset(ret, 0, sizeof *ret);
    if (start > end || end > value.len || is_allowed(rule, value, start, end)) {
        ret->dropped = 1;
        return;
    }
    int verdict = validate(rule, assay_bytes_make(value.ptr + start, end - start));
    if (verdict < 0) {
        ret->dropped = 1;
        return;
    }
    ret->validated = (uint8_t)(verdict > 0);
    ret->in_context = (uint8_t)in_context(rule, name, value, start, end);
    ret->dropped = (uint8_t)(rule->context_required && !ret->in_context);
    unsigned score = ret->validated ? rule->confidence_validated : rule->confidence_base;
    score += ret->in_context ? rule->confidence_context : 0;
    ret->confidence = (uint16_t)(score < 1000 ? score : 1000);
}
