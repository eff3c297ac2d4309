/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara.c: the compiled set: made, asked, freed.
 *
 * `targets` maps a compiled rule (by its index) to the rule set's index; compiled rules that
 * nothing names are evaluated, since others may refer to them, but not reported. yr_initialize and
 * yr_finalize count their callers, but not atomically: a mutex does.
 */
#include "rules/yara.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/status.h"
#include "rules/yara_set.h"

/* ---- libyara's global state ---------------------------------------------------------------- */

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

static int library_open(void)
{
    (void)pthread_mutex_lock(&library_lock);
    int rc = yr_initialize();
    (void)pthread_mutex_unlock(&library_lock);
    return rc == ERROR_SUCCESS;
}

static void library_close(void)
{
    (void)pthread_mutex_lock(&library_lock);
    (void)yr_finalize();
    (void)pthread_mutex_unlock(&library_lock);
}

/* ---- the compiled set ---------------------------------------------------------------------- */

static int by_compiled(const void *pa, const void *pb)
{
    const struct assay_yara_target *a = pa;
    const struct assay_yara_target *b = pb;
    if (a->compiled != b->compiled) {
        return a->compiled < b->compiled ? -1 : 1;
    }
    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

static enum assay_status map_targets(struct assay_yara *y, const struct assay_ruleset *rs,
                                     struct assay_error *err)
{
    for (uint32_t i = 0; i < assay_ruleset_count(rs); i++) {
        const struct assay_rule *rule = assay_ruleset_rule(rs, i);
        if (rule->detect != ASSAY_DETECT_YARA) {
            continue;
        }
        const YR_RULE *r = assay_yara_find(y->rules, rs, i);
        if (r == NULL) {
            (void)assay_fail(err, ASSAY_RULE,
                             "%s names YARA rule '%.100s', which %s does not define", rule->view.id,
                             rule->yara_rule, rule->yara_file);
            (void)assay_error_at(err, rule->file, rule->line, 0);
            return ASSAY_RULE;
        }
        y->targets[y->n_targets++] =
            (struct assay_yara_target){(uint32_t)(r - y->rules->rules_table), i};
    }
    qsort(y->targets, y->n_targets, sizeof y->targets[0], by_compiled);
    return ASSAY_OK;
}

static size_t count_rules(const struct assay_ruleset *rs)
{
    size_t n = 0;
    for (uint32_t i = 0; i < assay_ruleset_count(rs); i++) {
        n += assay_ruleset_rule(rs, i)->detect == ASSAY_DETECT_YARA;
    }
    return n;
}

enum assay_status assay_yara_new(const struct assay_ruleset *rs, const char *cache_dir,
                                 struct assay_yara **ret, struct assay_error *err)
{
    size_t n = count_rules(rs);
    *ret = NULL;
    if (n == 0) {
        return ASSAY_OK;
    }
    struct assay_yara *y = calloc(1, sizeof *y);
    if (y == NULL || !library_open()) {
        free(y);
        return assay_fail(err, ASSAY_NOMEM, "libyara does not start");
    }
    y->unanchored = ASSAY_NONE;
    y->targets = assay_alloc_array(n, sizeof y->targets[0]);
    enum assay_status st = y->targets == NULL
                               ? assay_fail(err, ASSAY_NOMEM, "no memory for the YARA rules")
                               : assay_yara_compile(rs, cache_dir, &y->rules, &y->from_cache, err);
    if (st == ASSAY_OK) {
        st = map_targets(y, rs, err);
    }
    if (st == ASSAY_OK) {
        st = assay_yara_derive_anchors(y, rs, err);
    }
    if (st != ASSAY_OK) {
        assay_yara_free(y);
        return st;
    }
    *ret = y;
    return ASSAY_OK;
}

void assay_yara_free(struct assay_yara *y)
{
    if (y == NULL) {
        return;
    }
    assay_literals_free(y->anchors);
    if (y->rules != NULL) {
        (void)yr_rules_destroy(y->rules);
    }
    free(y->targets);
    free(y);
    library_close();
}

int assay_yara_from_cache(const struct assay_yara *y)
{
    return y->from_cache;
}

uint32_t assay_yara_unanchored(const struct assay_yara *y)
{
    return y->unanchored;
}

size_t assay_yara_anchors(const struct assay_yara *y)
{
    return y->n_anchors;
}
