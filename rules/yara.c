/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara.c: compiling the YARA texts of a rule set, and the second stage.
 *
 * Every .yar text is compiled once, into a namespace of its own, however many rules name it.
 * `targets` maps a compiled rule (by its index) to the rule set's index; compiled rules that
 * nothing names are evaluated, since others may refer to them, but not reported. libyara runs over
 * memory we own, never over a mapping, so its signal handlers are switched off
 * (SCAN_FLAGS_NO_TRYCATCH): a file that shrinks under us is a short read, not a SIGBUS.
 * yr_initialize and yr_finalize count their callers, but not atomically: a mutex does.
 */
#include "rules/yara.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yara.h>

#include "core/arena.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/status.h"
#include "rules/literals.h"
#include "rules/matcher/cache.h"
#include "rules/yara_condition.h"

#define CACHE_FORMAT "assay yara 1" /* of what is cached; changes with the names of name spaces */

/* Compiled rule `compiled` reports as rule `rule` of the rule set. */
struct target {
    uint32_t compiled;
    uint32_t rule;
};

struct assay_yara {
    YR_RULES *rules;
    struct target *targets; /* sorted */
    size_t n_targets;
    struct assay_literals *anchors; /* NULL: no first stage */
    size_t n_anchors;
    uint32_t unanchored;
    int from_cache;
};

struct hit {
    struct assay_file_match at;
    uint32_t rank; /* how many hits of the same rule stand before it */
};

struct assay_yara_scan {
    const struct assay_yara *y;
    YR_SCANNER *scanner;
    struct assay_literal_feed *feed;
    struct assay_sha256 *hash;
    uint8_t *buf;
    size_t buf_cap;
    struct hit *hits;
    size_t n_hits, hits_cap;
    int overflow; /* hits were dropped */
    int nomem;
    struct assay_file_match *out;
};

/* ---- libyara's global state --------------------------------------------------------------------
 */

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

/* ---- compiling ---------------------------------------------------------------------------------
 */

struct compile_error {
    struct assay_error *err;
    const char *file;
    int seen;
};

static void on_compile_error(int level, const char *file, int line, const YR_RULE *rule,
                             const char *message, void *ctx)
{
    struct compile_error *ce = ctx;
    (void)file;
    (void)rule;
    if (level == YARA_ERROR_LEVEL_ERROR && !ce->seen) {
        ce->seen = 1;
        (void)assay_fail(ce->err, ASSAY_RULE, "YARA: %.400s", message);
        (void)assay_error_at(ce->err, ce->file, line < 0 ? 0 : (uint32_t)line, 0);
    }
}

/* The first rule of the set with the same text. */
static uint32_t first_of_text(const struct assay_ruleset *rs, uint32_t index)
{
    const struct assay_rule *rule = assay_ruleset_rule(rs, index);
    for (uint32_t i = 0; i < index; i++) {
        const struct assay_rule *other = assay_ruleset_rule(rs, i);
        if (other->detect == ASSAY_DETECT_YARA && other->yara_source == rule->yara_source) {
            return i;
        }
    }
    return index;
}

/* The namespace of a text: the number of the first rule that has it. */
static void name_space(const struct assay_ruleset *rs, uint32_t index, char out[32])
{
    (void)snprintf(out, 32, "ns%" PRIu32, first_of_text(rs, index));
}

static enum assay_status compile_texts(const struct assay_ruleset *rs, YR_COMPILER *compiler,
                                       struct assay_error *err)
{
    for (uint32_t i = 0; i < assay_ruleset_count(rs); i++) {
        const struct assay_rule *rule = assay_ruleset_rule(rs, i);
        if (rule->detect != ASSAY_DETECT_YARA || first_of_text(rs, i) != i) {
            continue;
        }
        struct compile_error ce = {err, rule->yara_file, 0};
        char ns[32];
        name_space(rs, i, ns);
        yr_compiler_set_callback(compiler, on_compile_error, &ce);
        if (yr_compiler_add_string(compiler, rule->yara_source, ns) > 0) {
            return ce.seen ? ASSAY_RULE
                           : assay_fail(err, ASSAY_RULE, "YARA: the text does not compile");
        }
    }
    return ASSAY_OK;
}

static enum assay_status compile(const struct assay_ruleset *rs, YR_RULES **ret,
                                 struct assay_error *err)
{
    YR_COMPILER *compiler = NULL;
    if (yr_compiler_create(&compiler) != ERROR_SUCCESS) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the YARA compiler");
    }
    yr_compiler_set_include_callback(compiler, NULL, NULL, NULL);
    enum assay_status st = compile_texts(rs, compiler, err);
    if (st == ASSAY_OK && yr_compiler_get_rules(compiler, ret) != ERROR_SUCCESS) {
        st = assay_fail(err, ASSAY_NOMEM, "no memory for the YARA rules");
    }
    yr_compiler_destroy(compiler);
    return st;
}

/* ---- the cache ---------------------------------------------------------------------------------
 */

static int hash_text(struct assay_sha256 *h, const char *text)
{
    uint64_t n = strlen(text);
    return assay_sha256_update(h, &n, sizeof n) == ASSAY_OK &&
           assay_sha256_update(h, text, n) == ASSAY_OK;
}

/* Everything that shapes what is compiled: library, and every text with its place. */
static int cache_id(const struct assay_ruleset *rs, uint8_t ret[ASSAY_SHA256_LEN])
{
    struct assay_sha256 *h = assay_sha256_new();
    int ok = h != NULL && assay_sha256_start(h) == ASSAY_OK && hash_text(h, CACHE_FORMAT) &&
             hash_text(h, YR_VERSION);
    for (uint32_t i = 0; ok && i < assay_ruleset_count(rs); i++) {
        const struct assay_rule *rule = assay_ruleset_rule(rs, i);
        if (rule->detect == ASSAY_DETECT_YARA && first_of_text(rs, i) == i) {
            ok =
                assay_sha256_update(h, &i, sizeof i) == ASSAY_OK && hash_text(h, rule->yara_source);
        }
    }
    ok = ok && assay_sha256_finish(h, ret) == ASSAY_OK;
    assay_sha256_free(h);
    return ok;
}

struct reading {
    struct assay_bytes rest;
};

static size_t read_some(void *to, size_t size, size_t count, void *ctx)
{
    struct reading *r = ctx;
    if (size == 0 || count == 0 || r->rest.len / size < count) {
        return 0;
    }
    memcpy(to, r->rest.ptr, size * count);
    r->rest = assay_bytes_make(r->rest.ptr + size * count, r->rest.len - size * count);
    return count;
}

static size_t write_some(const void *from, size_t size, size_t count, void *ctx)
{
    struct assay_buf *out = ctx;
    assay_buf_add(out, from, size * count);
    return assay_buf_status(out) == ASSAY_OK ? count : 0;
}

static int load_compiled(const char *dir, const uint8_t *id, YR_RULES **ret)
{
    ASSAY_AUTO_BUF in;
    assay_buf_init(&in, ASSAY_LIMIT_CACHE_FILE);
    if (!assay_cache_load(dir, id, &in)) {
        return 0;
    }
    struct reading r = {assay_buf_bytes(&in)};
    YR_STREAM stream = {.user_data = &r, .read = read_some};
    return yr_rules_load_stream(&stream, ret) == ERROR_SUCCESS;
}

static void store_compiled(const char *dir, const uint8_t *id, YR_RULES *rules)
{
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, ASSAY_LIMIT_CACHE_FILE);
    YR_STREAM stream = {.user_data = &out, .write = write_some};
    if (yr_rules_save_stream(rules, &stream) == ERROR_SUCCESS &&
        assay_buf_status(&out) == ASSAY_OK) {
        assay_cache_store(dir, id, assay_buf_bytes(&out));
    }
}

static enum assay_status get_compiled(struct assay_yara *y, const struct assay_ruleset *rs,
                                      const char *cache_dir, struct assay_error *err)
{
    uint8_t id[ASSAY_SHA256_LEN];
    if (cache_dir != NULL && !cache_id(rs, id)) {
        cache_dir = NULL;
    }
    y->from_cache = cache_dir != NULL && load_compiled(cache_dir, id, &y->rules);
    if (y->from_cache) {
        return ASSAY_OK;
    }
    y->rules = NULL;
    enum assay_status st = compile(rs, &y->rules, err);
    if (st == ASSAY_OK && cache_dir != NULL) {
        store_compiled(cache_dir, id, y->rules);
    }
    return st;
}

/* The compiled, public rule that `rule` names; NULL. */
static const YR_RULE *find_compiled(const YR_RULES *rules, const struct assay_ruleset *rs,
                                    uint32_t index)
{
    const YR_RULE *r;
    const struct assay_rule *rule = assay_ruleset_rule(rs, index);
    char ns[32];
    name_space(rs, index, ns);
    yr_rules_foreach(rules, r)
    {
        if (!RULE_IS_PRIVATE(r) && strcmp(r->identifier, rule->yara_rule) == 0 &&
            strcmp(r->ns->name, ns) == 0) {
            return r;
        }
    }
    return NULL;
}

static int by_compiled(const void *pa, const void *pb)
{
    const struct target *a = pa;
    const struct target *b = pb;
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
        const YR_RULE *r = find_compiled(y->rules, rs, i);
        if (r == NULL) {
            (void)assay_fail(err, ASSAY_RULE,
                             "%s names YARA rule '%.100s', which %s does not define", rule->view.id,
                             rule->yara_rule, rule->yara_file);
            (void)assay_error_at(err, rule->file, rule->line, 0);
            return ASSAY_RULE;
        }
        y->targets[y->n_targets++] = (struct target){(uint32_t)(r - y->rules->rules_table), i};
    }
    qsort(y->targets, y->n_targets, sizeof y->targets[0], by_compiled);
    return ASSAY_OK;
}

/* ---- anchors -----------------------------------------------------------------------------------
 */

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

static enum assay_status derive_anchors(struct assay_yara *y, const struct assay_ruleset *rs,
                                        struct assay_error *err)
{
    struct anchor_list list = {.arena = assay_arena_new(ASSAY_MIB(64))};
    enum assay_status st = ASSAY_OK;
    list.nomem = list.arena == NULL;
    for (size_t i = 0; i < y->n_targets && !list.nomem && y->unanchored == ASSAY_NONE; i++) {
        const struct target *t = &y->targets[i];
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

/* ---- the compiled set --------------------------------------------------------------------------
 */

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
                               : get_compiled(y, rs, cache_dir, err);
    if (st == ASSAY_OK) {
        st = map_targets(y, rs, err);
    }
    if (st == ASSAY_OK) {
        st = derive_anchors(y, rs, err);
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

/* ---- a worker's scan ---------------------------------------------------------------------------
 */

static void add_hit(struct assay_yara_scan *s, uint32_t rule, uint64_t offset, uint32_t rank)
{
    if (rank >= ASSAY_LIMIT_FILE_HITS) {
        s->overflow = 1;
        return;
    }
    void *hits = assay_grown(s->hits, s->n_hits, &s->hits_cap, sizeof s->hits[0]);
    if (hits == NULL) {
        s->nomem = 1;
        return;
    }
    s->hits = hits;
    s->hits[s->n_hits++] = (struct hit){{rule, offset}, rank};
}

/* The hits of one matching rule, under the name of one target. libyara packs its YR_MATCHes behind
 * copies of the matched bytes, so they are not aligned as their type asks for. */
__attribute__((no_sanitize("alignment"))) static void
add_matches(struct assay_yara_scan *s, YR_SCAN_CONTEXT *context, const YR_RULE *r, uint32_t rule)
{
    const YR_STRING *string;
    const YR_MATCH *m;
    size_t before = s->n_hits;
    yr_rule_strings_foreach(r, string)
    {
        uint32_t rank = 0;
        yr_string_matches_foreach(context, string, m)
        {
            add_hit(s, rule, (uint64_t)(m->base + m->offset), rank++);
        }
    }
    if (s->n_hits == before) {
        add_hit(s, rule, 0, 0);
    }
}

static int on_scan_event(YR_SCAN_CONTEXT *context, int message, void *data, void *ctx)
{
    struct assay_yara_scan *s = ctx;
    if (message == CALLBACK_MSG_TOO_MANY_MATCHES) {
        s->overflow = 1;
    }
    if (message != CALLBACK_MSG_RULE_MATCHING) {
        return CALLBACK_CONTINUE;
    }
    const YR_RULE *r = data;
    uint32_t compiled = (uint32_t)(r - s->y->rules->rules_table);
    for (size_t i = 0; i < s->y->n_targets; i++) {
        if (s->y->targets[i].compiled == compiled) {
            add_matches(s, context, r, s->y->targets[i].rule);
        }
    }
    return s->nomem ? CALLBACK_ERROR : CALLBACK_CONTINUE;
}

enum assay_status assay_yara_scan_new(const struct assay_yara *y, struct assay_yara_scan **ret,
                                      struct assay_error *err)
{
    struct assay_yara_scan *s = calloc(1, sizeof *s);
    *ret = NULL;
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for a YARA scan");
    }
    s->y = y;
    s->hash = assay_sha256_new();
    s->out = assay_alloc_array(ASSAY_LIMIT_FILE_HITS, sizeof s->out[0]);
    int ready = s->hash != NULL && s->out != NULL &&
                yr_scanner_create(y->rules, &s->scanner) == ERROR_SUCCESS;
    if (ready && y->anchors != NULL) {
        ready = assay_literal_feed_new(y->anchors, &s->feed, NULL) == ASSAY_OK;
    }
    if (!ready) {
        assay_yara_scan_free(s);
        return assay_fail(err, ASSAY_NOMEM, "no memory for a YARA scan");
    }
    yr_scanner_set_callback(s->scanner, on_scan_event, s);
    yr_scanner_set_timeout(s->scanner, ASSAY_LIMIT_YARA_SECONDS);
    yr_scanner_set_flags(s->scanner, SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING);
    *ret = s;
    return ASSAY_OK;
}

void assay_yara_scan_free(struct assay_yara_scan *s)
{
    if (s == NULL) {
        return;
    }
    assay_literal_feed_free(s->feed);
    if (s->scanner != NULL) {
        yr_scanner_destroy(s->scanner);
    }
    assay_sha256_free(s->hash);
    free(s->buf);
    free(s->hits);
    free(s->out);
    free(s);
}

void assay_yara_start(struct assay_yara_scan *s)
{
    if (s->feed != NULL) {
        assay_literal_feed_start(s->feed);
    }
}

void assay_yara_block(struct assay_yara_scan *s, struct assay_bytes block)
{
    if (s->feed != NULL) {
        assay_literal_feed_block(s->feed, block);
    }
}

int assay_yara_wanted(const struct assay_yara_scan *s)
{
    return s->feed == NULL || assay_literal_feed_found(s->feed);
}

/* ---- the second stage --------------------------------------------------------------------------
 */

/* A file as libyara's iterator sees it: pieces of `piece` bytes, the next one starting `step`
 * further. */
struct pieces {
    struct assay_yara_scan *s;
    int fd;
    uint64_t size;
    uint64_t loaded_base;
    size_t loaded; /* bytes of the piece at loaded_base that are in s->buf */
    uint64_t hashed;
    enum assay_status status;
    YR_MEMORY_BLOCK block;
};

static size_t piece_size(const struct pieces *p, uint64_t base)
{
    uint64_t left = p->size - base;
    return left < ASSAY_LIMIT_YARA_WHOLE ? (size_t)left : ASSAY_LIMIT_YARA_WHOLE;
}

static enum assay_status read_exactly(int fd, uint8_t *buf, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pread(fd, buf, len, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? ASSAY_CHANGED : ASSAY_IO;
        }
        buf += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return ASSAY_OK;
}

/* Hashes what of the loaded piece was not hashed yet. Pieces come in order the first time. */
static enum assay_status hash_new(struct pieces *p)
{
    uint64_t end = p->loaded_base + p->loaded;
    if (end <= p->hashed) {
        return ASSAY_OK;
    }
    size_t skip = (size_t)(p->hashed - p->loaded_base);
    p->hashed = end;
    return assay_sha256_update(p->s->hash, p->s->buf + skip, p->loaded - skip);
}

static enum assay_status load_piece(struct pieces *p, uint64_t base)
{
    size_t len = piece_size(p, base);
    if (p->loaded == len && p->loaded_base == base && p->hashed > 0) {
        return ASSAY_OK;
    }
    if (len >= p->s->buf_cap) {
        uint8_t *grown = realloc(p->s->buf, len + 1); /* an empty file has a buffer, too */
        if (grown == NULL) {
            return ASSAY_NOMEM;
        }
        p->s->buf = grown;
        p->s->buf_cap = len + 1;
    }
    p->loaded = 0;
    enum assay_status st = read_exactly(p->fd, p->s->buf, len, base);
    if (st == ASSAY_OK) {
        p->loaded_base = base;
        p->loaded = len;
        st = hash_new(p);
    }
    return st;
}

static const uint8_t *fetch_piece(YR_MEMORY_BLOCK *block)
{
    struct pieces *p = block->context;
    if (p->status == ASSAY_OK) {
        p->status = load_piece(p, block->base);
    }
    return p->status == ASSAY_OK ? p->s->buf : NULL;
}

static YR_MEMORY_BLOCK *piece_at(YR_MEMORY_BLOCK_ITERATOR *it, uint64_t base)
{
    struct pieces *p = it->context;
    it->last_error = ERROR_SUCCESS;
    p->block = (YR_MEMORY_BLOCK){
        .size = piece_size(p, base), .base = base, .context = p, .fetch_data = fetch_piece};
    return &p->block;
}

static YR_MEMORY_BLOCK *first_piece(YR_MEMORY_BLOCK_ITERATOR *it)
{
    return piece_at(it, 0);
}

static YR_MEMORY_BLOCK *next_piece(YR_MEMORY_BLOCK_ITERATOR *it)
{
    struct pieces *p = it->context;
    it->last_error = ERROR_SUCCESS;
    if (p->block.base + p->block.size >= p->size) {
        return NULL;
    }
    return piece_at(it, p->block.base + ASSAY_LIMIT_YARA_WHOLE - ASSAY_YARA_OVERLAP);
}

static uint64_t whole_size(YR_MEMORY_BLOCK_ITERATOR *it)
{
    struct pieces *p = it->context;
    return p->size;
}

/* Large buffers go back, so that one large file does not pin memory in every worker. */
static void shrink_buffer(struct assay_yara_scan *s)
{
    if (s->buf_cap > ASSAY_MIB(4)) {
        free(s->buf);
        s->buf = NULL;
        s->buf_cap = 0;
    }
}

static void forget_hits(struct assay_yara_scan *s)
{
    s->n_hits = 0;
    s->overflow = 0;
    s->nomem = 0;
}

static enum assay_status scan_result(struct assay_yara_scan *s, int rc, struct assay_error *err)
{
    if (rc == ERROR_SCAN_TIMEOUT) {
        return assay_fail(err, ASSAY_TIMEOUT, "the YARA scan took longer than %d seconds",
                          ASSAY_LIMIT_YARA_SECONDS);
    }
    if (rc == ERROR_INSUFFICIENT_MEMORY || s->nomem) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the YARA scan");
    }
    if (rc != ERROR_SUCCESS) {
        return assay_fail(err, ASSAY_INTERNAL, "the YARA scan failed with code %d", rc);
    }
    return ASSAY_OK;
}

/* Scans all pieces, then makes sure that each was hashed. */
static enum assay_status scan_pieces(struct pieces *p, struct assay_error *err)
{
    YR_MEMORY_BLOCK_ITERATOR it = {
        .context = p, .first = first_piece, .next = next_piece, .file_size = whole_size};
    int rc = yr_scanner_scan_mem_blocks(p->s->scanner, &it);
    if (p->status == ASSAY_CHANGED) {
        return assay_fail(err, ASSAY_CHANGED, "the file changed while it was read");
    }
    if (p->status != ASSAY_OK) {
        return assay_fail(err, p->status, "the file cannot be read a second time for YARA");
    }
    enum assay_status st = scan_result(p->s, rc, err);
    if (st == ASSAY_OK && p->hashed != p->size) {
        st = assay_fail(err, ASSAY_INTERNAL, "the YARA scan left bytes unread");
    }
    return st;
}

static enum assay_status check_unchanged(struct assay_yara_scan *s, int fd, uint64_t size,
                                         const uint8_t sha256[32], struct assay_error *err)
{
    uint8_t now[ASSAY_SHA256_LEN];
    struct stat sb;
    enum assay_status st = assay_sha256_finish(s->hash, now);
    if (st != ASSAY_OK) {
        return assay_fail(err, st, "cannot hash the file");
    }
    if (memcmp(now, sha256, sizeof now) != 0 || fstat(fd, &sb) != 0 ||
        (uint64_t)sb.st_size != size) {
        return assay_fail(err, ASSAY_CHANGED, "the file changed while it was read");
    }
    return ASSAY_OK;
}

/* ---- hits --------------------------------------------------------------------------------------
 */

static int by_place(const void *pa, const void *pb)
{
    const struct hit *a = pa;
    const struct hit *b = pb;
    if (a->at.offset != b->at.offset) {
        return a->at.offset < b->at.offset ? -1 : 1;
    }
    return a->at.rule < b->at.rule ? -1 : a->at.rule > b->at.rule;
}

static int by_rank(const void *pa, const void *pb)
{
    const struct hit *a = pa;
    const struct hit *b = pb;
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return by_place(pa, pb);
}

static size_t drop_repeats(struct hit *hits, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || by_place(&hits[kept - 1], &hits[i]) != 0) {
            hits[kept++] = hits[i];
        }
    }
    return kept;
}

/* Sorts, drops repeats, and when there are too many keeps the first few of every rule rather than
 * the first rule. */
static enum assay_status list_hits(struct assay_yara_scan *s, const struct assay_file_match **ret,
                                   size_t *ret_n, struct assay_error *err)
{
    size_t n = s->n_hits;
    if (n > 0) {
        qsort(s->hits, n, sizeof s->hits[0], by_place);
        n = drop_repeats(s->hits, n);
    }
    if (n > ASSAY_LIMIT_FILE_HITS) {
        s->overflow = 1;
        qsort(s->hits, n, sizeof s->hits[0], by_rank);
        n = ASSAY_LIMIT_FILE_HITS;
        qsort(s->hits, n, sizeof s->hits[0], by_place);
    }
    for (size_t i = 0; i < n; i++) {
        s->out[i] = s->hits[i].at;
    }
    *ret = s->out;
    *ret_n = n;
    return s->overflow ? assay_fail(err, ASSAY_LIMIT, "more than %d YARA hits in one file",
                                    ASSAY_LIMIT_FILE_HITS)
                       : ASSAY_OK;
}

enum assay_status assay_yara_finish(struct assay_yara_scan *s, int fd, const uint8_t sha256[32],
                                    const struct assay_file_match **ret, size_t *ret_n,
                                    struct assay_error *err)
{
    struct stat sb;
    *ret = s->out;
    *ret_n = 0;
    forget_hits(s);
    if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
        return assay_fail(err, ASSAY_UNSUPPORTED, "this input cannot be read a second time");
    }
    struct pieces p = {.s = s, .fd = fd, .size = (uint64_t)sb.st_size, .status = ASSAY_OK};
    enum assay_status st = assay_sha256_start(s->hash);
    if (st != ASSAY_OK) {
        return assay_fail(err, st, "cannot hash the file");
    }
    st = scan_pieces(&p, err);
    shrink_buffer(s);
    if (st == ASSAY_OK) {
        st = check_unchanged(s, fd, p.size, sha256, err);
    }
    return st == ASSAY_OK ? list_hits(s, ret, ret_n, err) : st;
}

enum assay_status assay_yara_memory(struct assay_yara_scan *s, struct assay_bytes data,
                                    const struct assay_file_match **ret, size_t *ret_n,
                                    struct assay_error *err)
{
    *ret = s->out;
    *ret_n = 0;
    forget_hits(s);
    assay_yara_start(s);
    assay_yara_block(s, data);
    if (!assay_yara_wanted(s)) {
        return ASSAY_OK;
    }
    int rc = yr_scanner_scan_mem(s->scanner, (const uint8_t *)(data.ptr == NULL ? "" : data.ptr),
                                 data.len);
    enum assay_status st = scan_result(s, rc, err);
    return st == ASSAY_OK ? list_hits(s, ret, ret_n, err) : st;
}
