/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara_anchor.c: the literals of which one must occur wherever a YARA rule matches.
 *
 * They come from the strings that the rule's condition needs (rules/yara_condition.h); a wide string
 * is searched for as UTF-16 holds it. One rule without any switches the first stage off.
 */
#include <stdlib.h>

#include "core/arena.h"
#include "core/limits.h"
#include "core/status.h"
#include "rules/yara_condition.h"
#include "rules/yara_set.h"

struct anchor_list {
    struct assay_literal *items;
    size_t count, cap;
    struct assay_arena *arena; /* holds widened texts */
    int nomem;
};

static void add_anchor(struct anchor_list *list, struct assay_bytes text, int caseless)
{
    void *items = assay_grown(list->items, list->count, &list->cap, sizeof list->items[0]);
    if (items == NULL) {
        list->nomem = 1;
        return;
    }
    list->items = items;
    list->items[list->count++] = (struct assay_literal){text, caseless != 0};
}

static void add_wide(struct anchor_list *list, struct assay_bytes text, int caseless)
{
    char *wide = assay_arena_alloc(list->arena, 2 * text.len); /* zeroed */
    if (wide == NULL) {
        list->nomem = 1;
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        wide[2 * i] = text.ptr[i];
    }
    add_anchor(list, assay_bytes_make(wide, 2 * text.len), caseless);
}

/* A string's literal, when it has one long enough. Long literals are cut: their head is anchor
 * enough. */
static struct assay_bytes string_literal(const YR_STRING *s)
{
    const uint32_t not_plain = STRING_FLAGS_XOR | STRING_FLAGS_BASE64 | STRING_FLAGS_BASE64_WIDE |
                               STRING_FLAGS_CHAIN_PART | STRING_FLAGS_CHAIN_TAIL;
    if (!STRING_IS_LITERAL(s) || (s->flags & not_plain) != 0 || s->length < ASSAY_LITERAL_MIN) {
        return assay_bytes_make(NULL, 0);
    }
    size_t len = (size_t)s->length;
    const size_t max = ASSAY_LIMIT_ANCHOR / 2;
    return assay_bytes_make((const char *)s->string, len < max ? len : max);
}

static void add_string(struct anchor_list *list, const YR_STRING *s)
{
    struct assay_bytes text = string_literal(s);
    if (STRING_IS_WIDE(s)) {
        add_wide(list, text, STRING_IS_NO_CASE(s) != 0);
    }
    if (STRING_IS_ASCII(s) || !STRING_IS_WIDE(s)) {
        add_anchor(list, text, STRING_IS_NO_CASE(s) != 0);
    }
}

/* Adds the anchors of one rule; 0 when it has none. */
static int add_rule_anchors(struct anchor_list *list, const char *source, const YR_RULE *rule)
{
    const YR_STRING *s;
    size_t n = 0;
    yr_rule_strings_foreach(rule, s)
    {
        n++;
    }
    struct assay_yara_string *strings = assay_arena_array(list->arena, n + 1, sizeof *strings);
    uint8_t *needed = assay_arena_array(list->arena, n + 1, sizeof *needed);
    if (strings == NULL || needed == NULL) {
        list->nomem = 1;
        return 0;
    }
    n = 0;
    yr_rule_strings_foreach(rule, s)
    {
        strings[n++] = (struct assay_yara_string){s->identifier, (uint32_t)string_literal(s).len};
    }
    int known = assay_yara_condition_needs(source, rule->identifier, strings, n, needed);
    n = 0;
    yr_rule_strings_foreach(rule, s)
    {
        if (known && needed[n++]) {
            add_string(list, s);
        }
    }
    return known;
}

enum assay_status assay_yara_derive_anchors(struct assay_yara *y, const struct assay_ruleset *rs,
                                            struct assay_error *err)
{
    struct anchor_list list = {.arena = assay_arena_new(ASSAY_MIB(64))};
    enum assay_status st = ASSAY_OK;
    list.nomem = list.arena == NULL;
    for (size_t i = 0; i < y->n_targets && !list.nomem && y->unanchored == ASSAY_NONE; i++) {
        const struct assay_yara_target *t = &y->targets[i];
        const struct assay_rule *rule = assay_ruleset_rule(rs, t->rule);
        if (!add_rule_anchors(&list, rule->yara_source, &y->rules->rules_table[t->compiled])) {
            y->unanchored = t->rule;
        }
    }
    if (list.nomem) {
        st = assay_fail(err, ASSAY_NOMEM, "no memory for the anchors of the YARA rules");
    } else if (y->unanchored == ASSAY_NONE) {
        y->n_anchors = list.count;
        st = assay_literals_new(list.items, list.count, ASSAY_LITERALS_AUTO, &y->anchors, err);
    }
    free(list.items);
    assay_arena_free(list.arena);
    return st;
}
