/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading: packs in, one frozen rule set out.
 *
 * Order never depends on how packs were named or files listed: packs are sorted by name, rules by
 * id, pack rules before declared ones. Everything is parsed even after an error, so that one run
 * shows all.
 */
#include "rules/ruleset.h"

#include "core/limits.h"
#include "core/option.h"
#include "rules/embedded.h"
#include "rules/load.h"

/* ---- life ---------------------------------------------------------------------------------- */

static struct assay_ruleset *ruleset_new(void)
{
    struct assay_ruleset *rs = calloc(1, sizeof *rs);
    if (rs == NULL) {
        return NULL;
    }
    rs->arena = assay_arena_new(ASSAY_LIMIT_RULE_MEMORY);
    if (rs->arena == NULL) {
        free(rs);
        return NULL;
    }
    return rs;
}

void assay_ruleset_free(struct assay_ruleset *rs)
{
    if (rs == NULL) {
        return;
    }
    for (size_t i = 0; i < rs->n_docs; i++) {
        assay_yaml_free(rs->docs[i]);
    }
    free(rs->docs);
    free(rs->slots);
    free(rs->packs);
    assay_arena_free(rs->arena);
    free(rs);
}

struct assay_rule_slot *assay_ruleset_grow(struct assay_load *l)
{
    struct assay_ruleset *rs = l->rs;
    if (rs->n_rules == ASSAY_LIMIT_RULES) {
        assay_diags_error(l->diags, NULL, NULL, "more than %d rules", ASSAY_LIMIT_RULES);
        return NULL;
    }
    struct assay_rule_slot *slots =
        assay_grown(rs->slots, rs->n_rules, &rs->cap_rules, sizeof *slots);
    if (slots == NULL) {
        assay_diags_error(l->diags, NULL, NULL, "out of memory for rules");
        return NULL;
    }
    rs->slots = slots;
    struct assay_rule_slot *slot = &rs->slots[rs->n_rules++];
    memset(slot, 0, sizeof *slot);
    return slot;
}

/* ---- packs --------------------------------------------------------------------------------- */

static int source_order(const void *a, const void *b)
{
    const struct assay_pack_source *x = a, *y = b;
    const char *nx = x->pack.name == NULL ? "" : x->pack.name;
    const char *ny = y->pack.name == NULL ? "" : y->pack.name;
    int c = strcmp(nx, ny);
    return c != 0 ? c : strcmp(x->shown, y->shown);
}

/* Opens pack `arg` and reads its header; only packs on by default when `filter`. */
static void add_source(struct assay_load *l, const char *arg, int filter,
                       struct assay_pack_source *sources, size_t *n)
{
    struct assay_pack_source *s = &sources[*n];
    int ok = assay_pack_open(l, arg, s) && assay_pack_header(l, s);
    if (!ok || (filter && !s->on_by_default)) {
        assay_pack_close(s);
        return;
    }
    (*n)++;
}

static int given_before(const char *const *packs, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(packs[k], packs[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static size_t open_sources(struct assay_load *l, const char *const *packs, size_t n_packs,
                           struct assay_pack_source *sources)
{
    size_t n = 0;
    for (size_t i = 0; i < n_packs; i++) {
        if (!given_before(packs, i)) {
            add_source(l, packs[i], 0, sources, &n);
        }
    }
    const char *const *embedded = assay_ruleset_embedded();
    for (size_t i = 0; n_packs == 0 && embedded[i] != NULL; i++) {
        add_source(l, embedded[i], 1, sources, &n);
    }
    if (n > 1) {
        qsort(sources, n, sizeof *sources, source_order);
    }
    return n;
}

static void load_rules(struct assay_load *l, struct assay_pack_source *s, uint32_t index)
{
    struct assay_ruleset *rs = l->rs;
    size_t before = rs->n_rules;
    l->source = s;
    l->pack = index;
    for (size_t i = 0; i < s->n_names; i++) {
        if (assay_pack_yaml(l, s->names[i]) != NULL) {
            assay_parse_rules(l);
        }
    }
    if (assay_pack_digest(s) != ASSAY_OK) {
        assay_diags_error(l->diags, NULL, NULL, "%s: cannot compute the digest", s->shown);
    }
    s->pack.n_rules = rs->n_rules - before;
    rs->packs[index] = s->pack;
}

static void load_sources(struct assay_load *l, struct assay_pack_source *sources, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(sources[i - 1].pack.name, sources[i].pack.name) == 0) {
            assay_diags_error(l->diags, NULL, NULL, "two packs are named '%s': %s and %s",
                              sources[i].pack.name, sources[i - 1].shown, sources[i].shown);
        }
        load_rules(l, &sources[i], (uint32_t)i);
        l->rs->n_packs++;
    }
}

static void load_packs(struct assay_load *l, const char *const *packs, size_t n_packs)
{
    size_t most = n_packs > ASSAY_LIMIT_PACKS ? n_packs : ASSAY_LIMIT_PACKS;
    struct assay_pack_source *sources = calloc(most, sizeof *sources);
    l->rs->packs = calloc(most, sizeof *l->rs->packs);
    if (sources == NULL || l->rs->packs == NULL || n_packs > ASSAY_LIMIT_PACKS) {
        assay_diags_error(l->diags, NULL, NULL, "%s",
                          n_packs > ASSAY_LIMIT_PACKS ? "too many packs"
                                                      : "out of memory for rules");
        free(sources);
        return;
    }
    size_t n = open_sources(l, packs, n_packs, sources);
    load_sources(l, sources, n);
    for (size_t i = 0; i < n; i++) {
        assay_pack_close(&sources[i]);
    }
    free(sources);
}

/* ---- freeze -------------------------------------------------------------------------------- */

static int is_declared(const struct assay_rule *r)
{
    return r->pack == ASSAY_NONE;
}

static int rule_order(const void *a, const void *b)
{
    const struct assay_rule *x = &((const struct assay_rule_slot *)a)->rule;
    const struct assay_rule *y = &((const struct assay_rule_slot *)b)->rule;
    if (is_declared(x) != is_declared(y)) {
        return is_declared(x) ? 1 : -1;
    }
    int c = strcmp(x->view.id, y->view.id);
    if (c != 0 || is_declared(x)) {
        return c;
    }
    if (x->pack != y->pack) {
        return x->pack < y->pack ? -1 : 1;
    }
    c = strcmp(x->file, y->file);
    return c != 0 ? c : (x->line > y->line) - (x->line < y->line);
}

static void report_duplicate(struct assay_load *l, const struct assay_rule_slot *first,
                             const struct assay_rule_slot *again)
{
    const struct assay_yaml_node *id = assay_yaml_get(again->node, "id");
    if (is_declared(&first->rule)) {
        assay_diags_error(l->diags, again->yaml, id, "rule id '%s' belongs to a plugin",
                          again->rule.view.id);
    } else {
        assay_diags_error(l->diags, again->yaml, id, "rule id '%s' is taken: %s:%u",
                          again->rule.view.id, first->rule.file, first->rule.line);
    }
}

/* Rules that lost their id to an error have been reported; they only must not crash the sort. */
static void name_the_nameless(struct assay_ruleset *rs)
{
    for (size_t i = 0; i < rs->n_rules; i++) {
        if (rs->slots[i].rule.view.id == NULL) {
            rs->slots[i].rule.view.id = "";
        }
    }
}

static void check_duplicates(struct assay_load *l)
{
    struct assay_rule_slot *slots = l->rs->slots;
    size_t n_pack_rules = 0;
    while (n_pack_rules < l->rs->n_rules && !is_declared(&slots[n_pack_rules].rule)) {
        n_pack_rules++;
    }
    for (size_t i = 1; i < l->rs->n_rules; i++) {
        if (*slots[i].rule.view.id != '\0' && i != n_pack_rules &&
            strcmp(slots[i - 1].rule.view.id, slots[i].rule.view.id) == 0) {
            report_duplicate(l, &slots[i - 1], &slots[i]);
        }
    }
    for (size_t i = n_pack_rules; i < l->rs->n_rules; i++) {
        uint32_t k = assay_ruleset_find(l->rs, slots[i].rule.view.id);
        if (k < n_pack_rules) {
            report_duplicate(l, &slots[i], &slots[k]);
        }
    }
}

static void freeze(struct assay_load *l)
{
    if (l->rs->n_rules > 0) {
        name_the_nameless(l->rs);
        qsort(l->rs->slots, l->rs->n_rules, sizeof *l->rs->slots, rule_order);
        check_duplicates(l);
    }
    if (assay_arena_overflowed(l->rs->arena)) {
        assay_diags_error(l->diags, NULL, NULL, "out of memory for rules");
    }
}

struct assay_ruleset *assay_ruleset_load(const char *const *packs, size_t n_packs,
                                         const struct assay_rule_decl *const *decls, size_t n_decls,
                                         struct assay_diags *diags)
{
    size_t before = assay_diags_errors(diags);
    struct assay_load l = {.rs = ruleset_new(), .diags = diags, .pack = ASSAY_NONE};
    if (l.rs == NULL) {
        assay_diags_error(diags, NULL, NULL, "out of memory for rules");
        return NULL;
    }
    load_packs(&l, packs, n_packs);
    for (size_t i = 0; i < n_decls; i++) {
        assay_declared_add(&l, decls[i]);
    }
    freeze(&l);
    if (assay_diags_errors(diags) != before) {
        assay_ruleset_free(l.rs);
        return NULL;
    }
    return l.rs;
}

static int is_left_out(const struct assay_rule *r, const char *const *scanners, size_t n)
{
    for (size_t i = 0; i < n && !is_declared(r); i++) {
        if (strcmp(scanners[i], r->view.scanner) == 0) {
            return 1;
        }
    }
    return 0;
}

void assay_ruleset_leave_out(struct assay_ruleset *rs, const char *const *scanners, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < rs->n_rules; i++) {
        if (!is_left_out(&rs->slots[i].rule, scanners, n)) {
            rs->slots[kept++] = rs->slots[i];
        }
    }
    rs->n_rules = kept;
}

/* ---- questions ----------------------------------------------------------------------------- */

size_t assay_ruleset_count(const struct assay_ruleset *rs)
{
    return rs->n_rules;
}

const struct assay_rule *assay_ruleset_rule(const struct assay_ruleset *rs, uint32_t index)
{
    return index < rs->n_rules ? &rs->slots[index].rule : NULL;
}

/* Binary search in the sorted run [lo, hi). */
static uint32_t find_in(const struct assay_ruleset *rs, size_t lo, size_t hi, const char *id)
{
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(rs->slots[mid].rule.view.id, id);
        if (c == 0) {
            return (uint32_t)mid;
        }
        if (c < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return ASSAY_NONE;
}

static size_t pack_rules(const struct assay_ruleset *rs)
{
    size_t lo = 0, hi = rs->n_rules;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (is_declared(&rs->slots[mid].rule)) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return lo;
}

uint32_t assay_ruleset_find(const struct assay_ruleset *rs, const char *id)
{
    size_t border = pack_rules(rs);
    uint32_t i = find_in(rs, 0, border, id);
    return i != ASSAY_NONE ? i : find_in(rs, border, rs->n_rules, id);
}

size_t assay_ruleset_packs(const struct assay_ruleset *rs)
{
    return rs->n_packs;
}

const struct assay_pack *assay_ruleset_pack(const struct assay_ruleset *rs, size_t i)
{
    return i < rs->n_packs ? &rs->packs[i] : NULL;
}

const char *assay_ruleset_suggest(const struct assay_ruleset *rs, const char *id)
{
    const char **names = assay_alloc_array(rs->n_rules + 1, sizeof *names);
    if (names == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < rs->n_rules; i++) {
        names[i] = rs->slots[i].rule.view.id;
    }
    names[rs->n_rules] = NULL;
    const char *near = assay_suggest(id, names);
    free(names);
    return near;
}

const char *const *assay_ruleset_embedded(void)
{
    return assay_embedded_packs;
}
