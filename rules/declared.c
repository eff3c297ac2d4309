/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that plugins declare: id, severity and texts; what finds them is code. Their scanner and
 * category are the part of the id before its first dot.
 */
#include "rules/load.h"

static const char *prefix_of(struct assay_arena *a, const char *id)
{
    return assay_arena_dup(a, assay_bytes_make(id, strcspn(id, ".")));
}

static void add_one(struct assay_load *l, const struct assay_rule_decl *d)
{
    if (!assay_name_ok(d->id, "._-") || (unsigned)d->severity >= ASSAY_SEVERITY_MAX) {
        assay_diags_error(l->diags, NULL, NULL, "plugin rule '%s': malformed id or severity",
                          d->id);
        return;
    }
    struct assay_rule_slot *slot = assay_ruleset_grow(l);
    if (slot == NULL) {
        return;
    }
    struct assay_rule *r = &slot->rule;
    struct assay_arena *a = l->rs->arena;
    r->view.id = assay_arena_strdup(a, d->id);
    r->view.scanner = r->view.category = prefix_of(a, d->id);
    r->view.entity = d->entity == NULL ? NULL : assay_arena_strdup(a, d->entity);
    r->view.severity = d->severity;
    r->title_en = assay_arena_strdup(a, d->title_en == NULL ? d->id : d->title_en);
    r->title_zh = d->title_zh == NULL ? r->title_en : assay_arena_strdup(a, d->title_zh);
    r->help_en = d->help_en == NULL ? NULL : assay_arena_strdup(a, d->help_en);
    r->help_zh = d->help_zh == NULL ? r->help_en : assay_arena_strdup(a, d->help_zh);
    r->status = ASSAY_RULE_STABLE;
    r->detect = ASSAY_DETECT_CODE;
    r->pack = ASSAY_NONE;
    r->confidence_base = r->confidence_validated = 1000;
}

void assay_declared_add(struct assay_load *l, const struct assay_rule_decl *decls)
{
    for (; decls != NULL && decls->id != NULL; decls++) {
        add_one(l, decls);
    }
}
