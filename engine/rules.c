/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/rules.c: the engine's own rules and the tables that lead to them.
 */
#include "engine/rules.h"

#include "engine/plugins.h"

const struct assay_rule_decl assay_engine_rules[] = {
#define RULE_ROW(sym, id, severity, ten, tzh, hen, hzh)                                            \
    {id, NULL, ASSAY_SEVERITY_##severity, ten, tzh, hen, hzh},
    ASSAY_ENGINE_RULE_MAP(RULE_ROW)
#undef RULE_ROW
        {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static const char *const skip_names[] = {
#define SKIP_NAME(sym, text) text,
    ASSAY_SKIP_MAP(SKIP_NAME)
#undef SKIP_NAME
};

static const struct {
    enum assay_skip why;
    enum assay_engine_rule rule;
} reported[] = {
    {ASSAY_SKIP_UNREADABLE, ASSAY_ENGINE_UNREADABLE},
    {ASSAY_SKIP_SYMLINK, ASSAY_ENGINE_SYMLINK},
    {ASSAY_SKIP_SPECIAL, ASSAY_ENGINE_SPECIAL_FILE},
    {ASSAY_SKIP_OUTSIDE, ASSAY_ENGINE_OUTSIDE},
    {ASSAY_SKIP_UNSUPPORTED, ASSAY_ENGINE_UNSUPPORTED},
    {ASSAY_SKIP_TOO_LONG, ASSAY_ENGINE_TOO_LONG},
    {ASSAY_SKIP_ENCODING, ASSAY_ENGINE_ENCODING},
    {ASSAY_SKIP_TRUNCATED, ASSAY_ENGINE_TRUNCATED},
    {ASSAY_SKIP_CORRUPT, ASSAY_ENGINE_CORRUPT},
    {ASSAY_SKIP_RATIO, ASSAY_ENGINE_RATIO},
    {ASSAY_SKIP_CHANGED, ASSAY_ENGINE_CHANGED},
    {ASSAY_SKIP_MATCH_LIMIT, ASSAY_ENGINE_MATCH_LIMIT},
    {ASSAY_SKIP_TIMEOUT, ASSAY_ENGINE_MATCH_LIMIT},
    {ASSAY_SKIP_PLUGIN, ASSAY_ENGINE_PLUGIN_FAILURE},
    {ASSAY_SKIP_LIMIT, ASSAY_ENGINE_LIMIT},
    {ASSAY_SKIP_POISON, ASSAY_ENGINE_POISON},
};

enum assay_engine_rule assay_engine_rule_of(enum assay_skip why)
{
    for (size_t i = 0; i < sizeof reported / sizeof reported[0]; i++) {
        if (reported[i].why == why) {
            return reported[i].rule;
        }
    }
    return ASSAY_ENGINE_RULE_MAX;
}

enum assay_skip assay_skip_of_status(enum assay_status status)
{
    switch (status) {
    case ASSAY_TRUNCATED:
        return ASSAY_SKIP_TRUNCATED;
    case ASSAY_CORRUPT:
        return ASSAY_SKIP_CORRUPT;
    case ASSAY_LIMIT:
        return ASSAY_SKIP_RATIO;
    case ASSAY_CHANGED:
        return ASSAY_SKIP_CHANGED;
    case ASSAY_UNSUPPORTED:
        return ASSAY_SKIP_UNSUPPORTED;
    case ASSAY_ENCODING:
        return ASSAY_SKIP_ENCODING;
    case ASSAY_PLUGIN:
        return ASSAY_SKIP_PLUGIN;
    case ASSAY_CANCELLED:
        return ASSAY_SKIP_CANCELLED;
    case ASSAY_TIMEOUT:
        return ASSAY_SKIP_TIMEOUT;
    default:
        return ASSAY_SKIP_UNREADABLE;
    }
}

const char *assay_skip_name(enum assay_skip why)
{
    return (unsigned)why < ASSAY_SKIP_MAX ? skip_names[why] : "unknown";
}
