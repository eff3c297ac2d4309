/* SPDX-License-Identifier: Apache-2.0
 *
 * The pack loader over arbitrary bytes. An input that starts with "pack:" is a pack.yaml, one that
 * starts with
 * "#terms" a word list, anything else a rule file; the other files of the pack are fixed. What
 * loads is linted and explained; loading twice gives the same digest.
 */
#include <stdlib.h>
#include <unistd.h>

#include "rules/explain.h"
#include "rules/ruleset.h"

#define PACK "pack: p\nversion: 1.0.0\ntitle: P\nlists: {l: [a, b]}\n"
#define RULES                                                                                      \
    "- {id: p.a, title: P, severity: low, detect: {words: {file: t.txt}}, tests: {hit: [a], "      \
    "miss: [b]}}\n"

static char dir[64];

static void clean_up(void)
{
    if (chdir(dir) == 0 && unlink("pack.yaml") + unlink("r.yaml") + unlink("t.txt") == 0 &&
        chdir("/") == 0) {
        (void)rmdir(dir);
    }
}

static void write_file(const char *name, const void *data, size_t len)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
        abort();
    }
}

static void write_pack(const uint8_t *data, size_t size)
{
    int is_pack = size >= 5 && memcmp(data, "pack:", 5) == 0;
    int is_terms = size >= 6 && memcmp(data, "#terms", 6) == 0;
    write_file("pack.yaml", is_pack ? (const void *)data : PACK, is_pack ? size : strlen(PACK));
    write_file("t.txt", is_terms ? (const void *)data : "a\n", is_terms ? size : 2);
    int fixed = is_pack || is_terms;
    write_file("r.yaml", fixed ? RULES : (const void *)data, fixed ? strlen(RULES) : size);
}

static void show(const struct assay_ruleset *rs, struct assay_diags *d)
{
    struct assay_buf out;
    assay_buf_init(&out, (size_t)1 << 22);
    if (rs != NULL) {
        assay_ruleset_lint(rs, d);
        assay_rules_list(rs, 1, &out);
    }
    for (uint32_t i = 0; rs != NULL && i < assay_ruleset_count(rs); i++) {
        assay_rule_explain(rs, i, (int)(i % 2), &out);
    }
    assay_diags_render(d, &out, 1);
    assay_buf_release(&out);
}

static int load(uint8_t digest[32])
{
    const char *const packs[] = {dir};
    struct assay_diags *d = assay_diags_new();
    struct assay_ruleset *rs = assay_ruleset_load(packs, 1, NULL, 0, d);
    if ((rs == NULL) != (assay_diags_errors(d) > 0)) {
        abort();
    }
    show(rs, d);
    if (rs != NULL) {
        memcpy(digest, assay_ruleset_pack(rs, 0)->sha256, 32);
    }
    assay_ruleset_free(rs);
    assay_diags_free(d);
    return rs != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t first[32] = {0}, second[32] = {0};
    if (dir[0] == '\0') {
        (void)snprintf(dir, sizeof dir, "/tmp/assay-fuzz-XXXXXX");
        if (mkdtemp(dir) == NULL || atexit(clean_up) != 0) {
            abort();
        }
    }
    write_pack(data, size);
    int loaded = load(first);
    if (load(second) != loaded || memcmp(first, second, 32) != 0) {
        abort();
    }
    return 0;
}
