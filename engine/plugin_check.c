/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/plugin_check.c: whether a descriptor is one of ours: `abi` and then `size` are read before
 * anything else, since they say whether the rest means what our headers say. Required members are
 * tables of offsets, one per kind.
 */
#include "engine/plugins_internal.h"

#include "core/option.h"
#include "rules/ruleset.h"

/* A member that must be set: its name for the message, its place in the descriptor. */
struct member {
    const char *name;
    size_t offset;
};

#define READER_MEMBER(m)                                                                           \
    {                                                                                              \
#m, offsetof(struct assay_reader, m)                                                       \
    }
#define SCANNER_MEMBER(m)                                                                          \
    {                                                                                              \
#m, offsetof(struct assay_scanner, m)                                                      \
    }

static const struct member reader_members[] = {
    READER_MEMBER(name),    READER_MEMBER(version),    READER_MEMBER(license),
    READER_MEMBER(summary), READER_MEMBER(extensions), READER_MEMBER(probe),
    READER_MEMBER(open),    READER_MEMBER(split),      READER_MEMBER(local_init),
    READER_MEMBER(next),    READER_MEMBER(local_free), READER_MEMBER(close),
};

static const struct member scanner_members[] = {
    SCANNER_MEMBER(name),    SCANNER_MEMBER(version), SCANNER_MEMBER(license),
    SCANNER_MEMBER(summary), SCANNER_MEMBER(init),    SCANNER_MEMBER(local_init),
    SCANNER_MEMBER(merge),   SCANNER_MEMBER(finish),  SCANNER_MEMBER(local_free),
    SCANNER_MEMBER(free),
};

/* Bytes of a descriptor up to and with a member. */
#define SIZE_UP_TO(type, m) (offsetof(type, m) + sizeof((type *)NULL)->m)

/* What is the same about both kinds, so that one check serves both. */
static const struct kind {
    const char *word;
    size_t size; /* the least: what the first plugins had */
    const struct member *members;
    size_t n_members;
} kinds[] = {
    [ASSAY_PLUGIN_READER] = {"reader", SIZE_UP_TO(struct assay_reader, close), reader_members,
                             sizeof reader_members / sizeof reader_members[0]},
    [ASSAY_PLUGIN_SCANNER] = {"scanner", SIZE_UP_TO(struct assay_scanner, free), scanner_members,
                              sizeof scanner_members / sizeof scanner_members[0]},
};

/* The guard both descriptors begin with. */
struct guard {
    uint32_t abi;
    uint32_t size;
};

const char *assay_plugin_word(enum assay_plugin_kind kind)
{
    return kinds[kind].word;
}

/* Length of the leading ^[a-z][a-z0-9_]*; 0 when there is none. */
size_t assay_plugin_name_prefix(const char *s)
{
    size_t n = 0;
    if (s[0] < 'a' || s[0] > 'z') {
        return 0;
    }
    while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= '0' && s[n] <= '9') || s[n] == '_') {
        n++;
    }
    return n;
}

static int name_is_valid(const char *s)
{
    size_t n = assay_plugin_name_prefix(s);
    return n > 0 && s[n] == '\0';
}

static enum assay_status check_guard(const struct kind *kind, const void *descriptor,
                                     struct assay_error *err)
{
    struct guard g;
    memcpy(&g, descriptor, sizeof g);
    if (g.abi != ASSAY_PLUGIN_ABI) {
        return assay_fail(err, ASSAY_PLUGIN,
                          "%s was built for plugin ABI %u, this program has ABI %u: rebuild it "
                          "against the installed headers",
                          kind->word, g.abi, ASSAY_PLUGIN_ABI);
    }
    if (g.size < kind->size) {
        return assay_fail(err, ASSAY_PLUGIN,
                          "%s descriptor has %u bytes, this program needs %zu: rebuild it against "
                          "the installed headers",
                          kind->word, g.size, kind->size);
    }
    return ASSAY_OK;
}

static enum assay_status check_members(const struct kind *kind, const void *descriptor,
                                       struct assay_error *err)
{
    static const char unset[sizeof(void *)];
    for (size_t i = 0; i < kind->n_members; i++) {
        const char *at = (const char *)descriptor + kind->members[i].offset;
        if (memcmp(at, unset, sizeof unset) == 0) {
            return assay_fail(err, ASSAY_PLUGIN, "%s does not set the required member '%s'",
                              kind->word, kind->members[i].name);
        }
    }
    return ASSAY_OK;
}

static enum assay_status check_options(const struct assay_option *options, struct assay_error *err)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (!name_is_valid(options->name) || options->help == NULL) {
            return assay_fail(err, ASSAY_PLUGIN, "option '%.64s' has a bad name or no help",
                              options->name);
        }
        if (options->fallback != NULL &&
            assay_option_check(options, options->fallback, err) != ASSAY_OK) {
            return assay_fail(err, ASSAY_PLUGIN, "the default of option '%.64s' is not valid",
                              options->name);
        }
    }
    return ASSAY_OK;
}

static enum assay_status check_rules(const struct assay_rule_decl *rules, struct assay_error *err)
{
    for (; rules != NULL && rules->id != NULL; rules++) {
        if (rules->title_en == NULL || rules->help_en == NULL ||
            (unsigned)rules->severity >= ASSAY_SEVERITY_MAX) {
            return assay_fail(err, ASSAY_PLUGIN,
                              "rule '%.64s' lacks a title or a help text, or has no such severity",
                              rules->id);
        }
    }
    return ASSAY_OK;
}

int assay_scanner_looks_twice(const struct assay_scanner *s)
{
    return s->size >= SIZE_UP_TO(struct assay_scanner, review_free) && s->review_begin != NULL;
}

int assay_scanner_may_look_twice(const struct assay_scanner *s, const void *shared)
{
    int asks = s->size >= SIZE_UP_TO(struct assay_scanner, review_may) && s->review_may != NULL;
    return assay_scanner_looks_twice(s) && (!asks || s->review_may(shared));
}

int assay_scanner_gives(const struct assay_scanner *s)
{
    return s->size >= SIZE_UP_TO(struct assay_scanner, gives) && s->gives != NULL;
}

int assay_scanner_takes(const struct assay_scanner *s)
{
    return s->size >= SIZE_UP_TO(struct assay_scanner, take) && s->takes != NULL;
}

static enum assay_status check_topics(const struct assay_scanner *s, struct assay_error *err)
{
    const int has_take = s->size >= SIZE_UP_TO(struct assay_scanner, take) && s->take != NULL;
    return assay_scanner_takes(s) == has_take
               ? ASSAY_OK
               : assay_fail(err, ASSAY_PLUGIN, "scanner sets only one of 'takes' and 'take'");
}

static enum assay_status check_review(const struct assay_scanner *s, struct assay_error *err)
{
    if (assay_scanner_looks_twice(s) &&
        (s->review_wants == NULL || s->review_local == NULL || s->review == NULL ||
         s->review_merge == NULL || s->review_free == NULL)) {
        return assay_fail(err, ASSAY_PLUGIN,
                          "scanner sets 'review_begin' but not every other 'review' member");
    }
    return ASSAY_OK;
}

/* scan, file and take may each be missing, but not all; save and load come together. */
static enum assay_status check_scanner(const struct assay_scanner *s, struct assay_error *err)
{
    if (s->scan == NULL && s->file == NULL && !assay_scanner_takes(s)) {
        return assay_fail(err, ASSAY_PLUGIN, "scanner sets none of 'scan', 'file' and 'take'");
    }
    if ((s->save == NULL) != (s->load == NULL)) {
        return assay_fail(err, ASSAY_PLUGIN, "scanner sets only one of 'save' and 'load'");
    }
    enum assay_status st = check_review(s, err);
    return st == ASSAY_OK ? check_topics(s, err) : st;
}

static void describe(struct assay_plugin *p, enum assay_plugin_kind kind, const void *descriptor)
{
    if (kind == ASSAY_PLUGIN_READER) {
        const struct assay_reader *r = descriptor;
        *p = (struct assay_plugin){.kind = kind,
                                   .name = r->name,
                                   .version = r->version,
                                   .license = r->license,
                                   .summary = r->summary,
                                   .reader = r,
                                   .options = r->options,
                                   .rules = r->rules};
    } else {
        const struct assay_scanner *s = descriptor;
        *p = (struct assay_plugin){.kind = kind,
                                   .name = s->name,
                                   .version = s->version,
                                   .license = s->license,
                                   .summary = s->summary,
                                   .scanner = s,
                                   .options = s->options,
                                   .rules = s->rules};
    }
}

enum assay_status assay_plugin_check(enum assay_plugin_kind kind, const void *descriptor,
                                     struct assay_plugin *ret, struct assay_error *err)
{
    enum assay_status st = check_guard(&kinds[kind], descriptor, err);
    if (st == ASSAY_OK) {
        st = check_members(&kinds[kind], descriptor, err);
    }
    if (st != ASSAY_OK) {
        return st;
    }
    describe(ret, kind, descriptor);
    if (!name_is_valid(ret->name)) {
        return assay_fail(err, ASSAY_PLUGIN, "%s name '%.64s' is not of the form [a-z][a-z0-9_]*",
                          kinds[kind].word, ret->name);
    }
    if (ret->scanner != NULL) {
        st = check_scanner(ret->scanner, err);
    }
    if (st == ASSAY_OK) {
        st = check_options(ret->options, err);
    }
    return st == ASSAY_OK ? check_rules(ret->rules, err) : st;
}
