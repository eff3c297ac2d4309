/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/veil.c: a direct-mapped cache of paths over the matcher. A segment is unescaped (~1, ~0)
 * before it is matched and escaped again after. A masked segment is masked whole, by the rule that
 * matched first: what stands beside the match is likely to belong to it.
 */
#include "engine/veil.h"

#include "core/buf.h"
#include "core/hash.h"
#include "core/limits.h"

#define SLOTS           1024u
#define PATH_MAX_MASKED ((size_t)ASSAY_LIMIT_POINTER * 8)

struct slot {
    char *path; /* NULL: empty */
    size_t path_len;
    char *masked; /* NULL: as it is */
    size_t masked_len;
};

struct assay_veil {
    const struct assay_matcher *matcher;
    const struct assay_ruleset *rules;
    struct assay_scratch *scratch;
    struct assay_buf segment, out;
    struct slot slots[SLOTS];
};

enum assay_status assay_veil_new(const struct assay_matcher *m, const struct assay_ruleset *rules,
                                 struct assay_veil **ret, struct assay_error *err)
{
    *ret = NULL;
    struct assay_veil *v = calloc(1, sizeof *v);
    if (v == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    v->matcher = m;
    v->rules = rules;
    assay_buf_init(&v->segment, PATH_MAX_MASKED);
    assay_buf_init(&v->out, PATH_MAX_MASKED);
    enum assay_status status = m == NULL ? ASSAY_OK : assay_scratch_new(m, &v->scratch, err);
    if (status != ASSAY_OK) {
        assay_veil_free(v);
        return status;
    }
    *ret = v;
    return ASSAY_OK;
}

static void clear(struct slot *s)
{
    free(s->path);
    free(s->masked);
    memset(s, 0, sizeof *s);
}

void assay_veil_free(struct assay_veil *v)
{
    if (v == NULL) {
        return;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        clear(&v->slots[i]);
    }
    assay_scratch_free(v->scratch);
    assay_buf_release(&v->segment);
    assay_buf_release(&v->out);
    free(v);
}

/* The first match in `text` that its rule does not drop. `entities`: only of rules about an entity,
 * and with the confidence the rule asks for. */
static enum assay_status first_match(struct assay_veil *v, struct assay_bytes text, int entities,
                                     struct assay_match *ret, int *ret_found)
{
    struct assay_match_list list;
    *ret_found = 0;
    enum assay_status status = assay_matcher_scan_text(v->matcher, v->scratch, text, &list);
    for (size_t i = 0; status == ASSAY_OK && i < list.count && !*ret_found; i++) {
        const struct assay_rule *rule = assay_ruleset_rule(v->rules, list.items[i].rule);
        struct assay_assessment a;
        assay_rule_assess(rule, text, list.items[i].start, list.items[i].end, &a);
        int counts =
            !entities || (rule->view.entity != NULL && a.confidence >= rule->view.min_confidence);
        if (!a.dropped && counts) {
            *ret = list.items[i];
            *ret_found = 1;
        }
    }
    return status;
}

/* ---- paths --------------------------------------------------------------------------------- */

static void unescape(struct assay_buf *out, struct assay_bytes segment)
{
    assay_buf_clear(out);
    for (size_t i = 0; i < segment.len; i++) {
        char c = segment.ptr[i];
        if (c == '~' && i + 1 < segment.len &&
            (segment.ptr[i + 1] == '0' || segment.ptr[i + 1] == '1')) {
            c = segment.ptr[++i] == '0' ? '~' : '/';
        }
        assay_buf_addc(out, c);
    }
}

static void add_escaped(struct assay_buf *out, struct assay_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '~' || text.ptr[i] == '/') {
            assay_buf_adds(out, text.ptr[i] == '~' ? "~0" : "~1");
        } else {
            assay_buf_addc(out, text.ptr[i]);
        }
    }
}

/* Array indexes and short names need no matcher. */
static int is_plain(struct assay_bytes segment)
{
    if (segment.len < 4) {
        return 1;
    }
    for (size_t i = 0; i < segment.len; i++) {
        if (segment.ptr[i] < '0' || segment.ptr[i] > '9') {
            return 0;
        }
    }
    return segment.len < 7;
}

static enum assay_status add_segment(struct assay_veil *v, struct assay_bytes segment, int *masked)
{
    struct assay_match m;
    int found = 0;
    enum assay_status status = ASSAY_OK;
    if (!is_plain(segment)) {
        unescape(&v->segment, segment);
        status = assay_buf_status(&v->segment);
        if (status == ASSAY_OK) {
            status = first_match(v, assay_buf_bytes(&v->segment), 0, &m, &found);
        }
    }
    if (status != ASSAY_OK || !found) {
        assay_buf_addb(&v->out, segment);
        return status;
    }
    *masked = 1;
    ASSAY_AUTO_BUF preview;
    assay_buf_init(&preview, PATH_MAX_MASKED);
    assay_rule_mask(assay_ruleset_rule(v->rules, m.rule), assay_buf_bytes(&v->segment), &preview);
    add_escaped(&v->out, assay_buf_bytes(&preview));
    return assay_buf_status(&preview);
}

/* Writes `path` to v->out, segment by segment. */
static enum assay_status mask_path(struct assay_veil *v, struct assay_bytes path, int *masked)
{
    enum assay_status status = ASSAY_OK;
    assay_buf_clear(&v->out);
    for (size_t i = 0; i < path.len && status == ASSAY_OK;) {
        size_t end = i + 1;
        while (end < path.len && path.ptr[end] != '/') {
            end++;
        }
        size_t start = path.ptr[i] == '/' ? i + 1 : i;
        if (start > i) {
            assay_buf_addc(&v->out, '/');
        }
        status = add_segment(v, assay_bytes_make(path.ptr + start, end - start), masked);
        i = end;
    }
    return status == ASSAY_OK ? assay_buf_status(&v->out) : status;
}

static char *copy(struct assay_bytes b)
{
    char *p = malloc(b.len + 1);
    if (p != NULL) {
        memcpy(p, b.ptr, b.len);
        p[b.len] = '\0';
    }
    return p;
}

static enum assay_status fill(struct assay_veil *v, struct slot *s, struct assay_bytes path)
{
    int masked = 0;
    clear(s);
    enum assay_status status = mask_path(v, path, &masked);
    if (status != ASSAY_OK) {
        return status;
    }
    s->path = copy(path);
    s->masked = masked ? copy(assay_buf_bytes(&v->out)) : NULL;
    if (s->path == NULL || (masked && s->masked == NULL)) {
        clear(s);
        return ASSAY_NOMEM;
    }
    s->path_len = path.len;
    s->masked_len = v->out.len;
    return ASSAY_OK;
}

enum assay_status assay_veil_path(struct assay_veil *v, struct assay_bytes path,
                                  struct assay_bytes *ret)
{
    *ret = path;
    if (v->matcher == NULL || path.len == 0) {
        return ASSAY_OK;
    }
    struct slot *s = &v->slots[assay_xxh3_64(path.ptr, path.len, 0) % SLOTS];
    if (s->path == NULL || !assay_bytes_equal(assay_bytes_make(s->path, s->path_len), path)) {
        enum assay_status status = fill(v, s, path);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    *ret = s->masked == NULL ? assay_bytes_make(s->path, s->path_len)
                             : assay_bytes_make(s->masked, s->masked_len);
    return ASSAY_OK;
}

enum assay_status assay_veil_name(struct assay_veil *v, const char *name, uint32_t *ret_rule,
                                  struct assay_bytes *ret_value)
{
    struct assay_match m;
    int found = 0;
    *ret_rule = ASSAY_NONE;
    if (v->matcher == NULL) {
        return ASSAY_OK;
    }
    enum assay_status status = first_match(v, assay_bytes_str(name), 1, &m, &found);
    if (status == ASSAY_OK && found) {
        *ret_rule = m.rule;
        *ret_value = assay_bytes_make(name + m.start, m.end - m.start);
    }
    return status;
}
