/* SPDX-License-Identifier: Apache-2.0
 *
 * From candidates to matches.
 *
 * Why the result equals find-all: for one rule candidates come with ascending ends, so their
 * windows of possible starts [end - back_max, end - back_min] ascend as well. `next` is the first
 * start not yet tried. A start below it was tried by PCRE2 on the whole field (lookbehind sees real
 * text), or lies inside an earlier match, or belongs to no window and so to no match. Hence PCRE2
 * meets the possible starts in ascending order, each once, and after a match goes on at its end:
 * exactly what find-all does. The walk back over the bytes that may stand between a start and the
 * literal's end only skips starts that no candidate can have: a byte that breaks this walk breaks
 * it for every later candidate too.
 */
#include "rules/matcher/internal.h"

#include "rules/pattern.h"

int assay_field_is_matched(const struct assay_field *f)
{
    return f->len > 0 && (f->kind == ASSAY_FIELD_STRING || f->kind == ASSAY_FIELD_NUMBER ||
                          f->kind == ASSAY_FIELD_KEY);
}

/* The last field that starts at or before `pos` and is not empty. */
static uint32_t search_field(const struct assay_batch *b, uint32_t pos)
{
    uint32_t lo = 0, hi = b->n_fields;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (b->fields[mid].start <= pos) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    while (lo > 0 && b->fields[lo - 1].len == 0) {
        lo--;
    }
    return lo == 0 ? ASSAY_NONE : lo - 1;
}

uint32_t assay_field_at(struct assay_scratch *s, uint32_t pos)
{
    const struct assay_batch *b = s->batch;
    uint32_t i = s->field_hint;
    if (i >= b->n_fields || pos < b->fields[i].start ||
        pos - b->fields[i].start >= b->fields[i].len) {
        i = search_field(b, pos);
        if (i == ASSAY_NONE || pos - b->fields[i].start >= b->fields[i].len) {
            return ASSAY_NONE;
        }
        s->field_hint = i;
    }
    return assay_field_is_matched(&b->fields[i]) ? i : ASSAY_NONE;
}

void assay_match_push(struct assay_scratch *s, uint32_t rule, uint32_t field, uint32_t start,
                      uint32_t end)
{
    if (s->n_matches == s->cap_matches) {
        uint32_t cap = s->cap_matches == 0 ? 256 : s->cap_matches * 2;
        struct assay_match *p = assay_realloc_array(s->matches, cap, sizeof *p);
        if (p == NULL) {
            s->status = ASSAY_NOMEM;
            return;
        }
        s->matches = p;
        s->cap_matches = cap;
    }
    s->matches[s->n_matches++] = (struct assay_match){rule, field, start, end};
}

/* ---- PCRE2 ---------------------------------------------------------------------------------- */

/* As the loader checked it, plus what the windowed search needs. NULL: out of memory. */
static pcre2_code *compile(const struct assay_rule *r, int *ret_jit)
{
    int rc = 0;
    PCRE2_SIZE offset = 0;
    pcre2_compile_context *ctx = pcre2_compile_context_create(NULL);
    if (ctx == NULL) {
        return NULL;
    }
    (void)pcre2_set_newline(ctx, PCRE2_NEWLINE_LF);
    (void)pcre2_set_bsr(ctx, PCRE2_BSR_UNICODE);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)r->pattern, PCRE2_ZERO_TERMINATED,
                                     assay_pattern_options(r->caseless) | PCRE2_USE_OFFSET_LIMIT,
                                     &rc, &offset, ctx);
    pcre2_compile_context_free(ctx);
    *ret_jit = code != NULL && pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
    return code;
}

/* The rule's code; compiled on first use. NULL: out of memory (the loader proved that it compiles).
 */
static pcre2_code *rule_code(const struct assay_matcher *m, uint32_t rule)
{
    struct assay_code *c = &m->codes[rule];
    pcre2_code *code = atomic_load_explicit(&c->code, memory_order_acquire);
    if (code != NULL) {
        return code;
    }
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&m->code_lock;
    (void)pthread_mutex_lock(lock);
    code = atomic_load_explicit(&c->code, memory_order_relaxed);
    if (code == NULL) {
        const struct assay_rule *r = m->rule[rule];
        int jit = 0;
        code = compile(r, &jit);
        atomic_store_explicit(&c->jit, jit, memory_order_relaxed);
        atomic_store_explicit(&c->code, code, memory_order_release);
    }
    (void)pthread_mutex_unlock(lock);
    return code;
}

static int run_pcre2(struct assay_scratch *s, uint32_t rule, struct assay_bytes value,
                     uint32_t start, uint32_t limit)
{
    const pcre2_code *code = rule_code(s->m, rule);
    if (code == NULL) {
        return PCRE2_ERROR_NOMEMORY;
    }
    (void)pcre2_set_offset_limit(s->match_context, limit);
    if (atomic_load_explicit(&s->m->codes[rule].jit, memory_order_relaxed)) {
        return pcre2_jit_match(code, (PCRE2_SPTR)value.ptr, value.len, start, PCRE2_NO_UTF_CHECK,
                               s->match_data, s->match_context);
    }
    return pcre2_match(code, (PCRE2_SPTR)value.ptr, value.len, start, PCRE2_NO_UTF_CHECK,
                       s->match_data, s->match_context);
}

static int is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static struct assay_field_progress *progress_in(struct assay_scratch *s, uint32_t rule,
                                                uint32_t field)
{
    struct assay_field_progress *p = &s->progress[rule];
    if (p->epoch != s->epoch || p->field != field) {
        p->epoch = s->epoch;
        p->field = field;
        p->next = s->batch->fields[field].start;
        p->dead = 0;
    }
    return p;
}

/* A resource limit: the field counts as not fully scanned by this rule. */
static void give_up(struct assay_scratch *s, struct assay_field_progress *p, int rc, uint32_t bytes)
{
    p->dead = 1;
    s->out->limit_hits++;
    s->out->limit_bytes += bytes;
    if (rc == PCRE2_ERROR_NOMEMORY) {
        s->status = ASSAY_NOMEM;
    }
}

/* Takes the match in `match_data`; sets where the search goes on. */
static void accept(struct assay_scratch *s, struct assay_field_progress *p, uint32_t rule,
                   struct assay_bytes value)
{
    const PCRE2_SIZE *ov = pcre2_get_ovector_pointer(s->match_data);
    uint32_t base = s->batch->fields[p->field].start;
    if (ov[1] > ov[0] && base + ov[0] >= p->next) {
        assay_match_push(s, rule, p->field, (uint32_t)ov[0], (uint32_t)ov[1]);
        p->next = base + (uint32_t)ov[1];
        return;
    }
    uint32_t at = (p->next > base + (uint32_t)ov[0] ? p->next - base : (uint32_t)ov[0]) + 1;
    while (at < value.len && is_continuation(value.ptr[at])) {
        at++;
    }
    p->next = base + at;
}

void assay_confirm_range(struct assay_scratch *s, uint32_t rule, uint32_t field, uint32_t from,
                         uint32_t limit)
{
    struct assay_field_progress *p = progress_in(s, rule, field);
    struct assay_bytes value = assay_batch_value(s->batch, field);
    uint32_t base = s->batch->fields[field].start;

    from = from < p->next ? p->next : from;
    while (!p->dead && from <= limit && from - base <= value.len) {
        uint32_t start = from - base;
        while (start > 0 && start < value.len && is_continuation(value.ptr[start])) {
            start--;
        }
        int rc = run_pcre2(s, rule, value, start, limit - base);
        if (rc == PCRE2_ERROR_NOMATCH) {
            p->next = limit + 1;
        } else if (rc < 0) {
            give_up(s, p, rc, (uint32_t)value.len);
        } else {
            accept(s, p, rule, value);
        }
        from = p->next;
    }
}

void assay_confirm_field(struct assay_scratch *s, uint32_t rule, uint32_t field)
{
    const struct assay_field *f = &s->batch->fields[field];
    assay_confirm_range(s, rule, field, f->start, f->start + f->len);
}

/* The earliest start that belongs to a literal ending at `end`: as far back as bytes of `walk` go.
 */
static uint32_t walk_back(const struct assay_scratch *s, const struct assay_rule_plan *p,
                          uint32_t next, uint32_t end)
{
    uint32_t from = next, at = end;
    if (p->back_max != ASSAY_RX_INF && end - next > p->back_max) {
        from = end - p->back_max;
    }
    while (at > from && assay_byteset_has(&p->walk, (unsigned char)s->batch->text[at - 1])) {
        at--;
    }
    return at;
}

void assay_candidate_try(struct assay_scratch *s, uint32_t rule, uint32_t end)
{
    const struct assay_rule_plan *plan = &s->m->plans[rule];
    uint32_t field = assay_field_at(s, end - 1);
    if (field == ASSAY_NONE) {
        return;
    }
    const struct assay_field_progress *p = progress_in(s, rule, field);
    if (plan->weak) {
        assay_confirm_field(s, rule, field);
        return;
    }
    if (p->dead || end - s->batch->fields[field].start < plan->back_min ||
        end - plan->back_min < p->next) {
        return;
    }
    uint32_t from = walk_back(s, plan, p->next, end);
    if (from <= end - plan->back_min) {
        assay_confirm_range(s, rule, field, from, end - plan->back_min);
    }
}
