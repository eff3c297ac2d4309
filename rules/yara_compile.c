/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara_compile.c: compiling the YARA texts of a rule set, once, and keeping what was compiled.
 *
 * Every text is compiled into a namespace of its own, however many rules name it. Texts come from
 * packs, so nothing may be included. What was compiled is code: the cache hands it out only under
 * the HMAC of its directory (rules/matcher/cache.h), and its name is a digest of the library's
 * version and of every text with its place.
 */
#include <inttypes.h>

#include "core/hash.h"
#include "core/limits.h"
#include "core/status.h"
#include "rules/matcher/cache.h"
#include "rules/yara_set.h"

#define CACHE_FORMAT "assay yara 1" /* of what is cached; changes with the names of name spaces */

/* ---- compiling ----------------------------------------------------------------------------- */

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

const YR_RULE *assay_yara_find(const YR_RULES *rules, const struct assay_ruleset *rs,
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

/* ---- the cache ----------------------------------------------------------------------------- */

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

enum assay_status assay_yara_compile(const struct assay_ruleset *rs, const char *cache_dir,
                                     YR_RULES **ret, int *ret_from_cache, struct assay_error *err)
{
    uint8_t id[ASSAY_SHA256_LEN];
    if (cache_dir != NULL && !cache_id(rs, id)) {
        cache_dir = NULL;
    }
    *ret_from_cache = cache_dir != NULL && load_compiled(cache_dir, id, ret);
    if (*ret_from_cache) {
        return ASSAY_OK;
    }
    *ret = NULL;
    enum assay_status st = compile(rs, ret, err);
    if (st == ASSAY_OK && cache_dir != NULL) {
        store_compiled(cache_dir, id, *ret);
    }
    return st;
}
