/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/rules_digest.h: whether rules are still the rules a dataset was judged by.
 *
 * A digest over what a policy, packs, plugins and lists of accepted groups hold, by their bytes and
 * names, over settings, and the version of the program, whose scanners bring rules of their own. Packs and policies are not parsed for it:
 * that is the worker's business. It only ever serves to be compared with another.
 * Why a memory: a thousand deliveries at once ask for the same digest. What was read within
 *        RULES_FRESH_MS is not read again.
 * Thread rule: one thread.
 */
#ifndef ASSAY_DAEMON_RULES_DIGEST_H
#define ASSAY_DAEMON_RULES_DIGEST_H

#include <limits.h>

#include "core/hash.h"
#include "daemon/config.h"

#define RULES_FRESH_MS UINT64_C(1000)
#define RULES_MEMORY   16

enum assay_rules_part {
    ASSAY_RULES_POLICY,
    ASSAY_RULES_PACK,
    ASSAY_RULES_PLUGINS,
    ASSAY_RULES_SUPPRESSIONS /* a list, or a key */
};

/* The rules of a run, by the names they are configured by; `copy_of`, when not NULL, tells where the
 * copy lies that is used in their stead (0: there is none). Where copies lie is no part of a digest.
 */
struct assay_rules_ref {
    const char *policy; /* NULL: the embedded default */
    struct assay_config_list packs;
    const char *plugins_dir; /* NULL */
    struct assay_config_list settings, suppressions, suppressions_keys;
    int (*copy_of)(void *ctx, enum assay_rules_part part, const char *name, char ret[PATH_MAX]);
    void *ctx;
    uint64_t generation; /* of the copies: what was read of another is not remembered */
};

/* ASSAY_NOMEM, ASSAY_CRYPTO. */
enum assay_status assay_rules_digest(const struct assay_rules_ref *rules,
                                     uint8_t ret[ASSAY_SHA256_LEN]);

/* Digests read a moment ago. */
struct assay_rules_memory {
    struct {
        uint64_t key, read_ms;
        uint8_t digest[ASSAY_SHA256_LEN];
    } slots[RULES_MEMORY];
    size_t next;
};

/* The same, at most RULES_FRESH_MS old. All zeroes, "not known", when it cannot be computed. */
void assay_rules_recall(struct assay_rules_memory *m, const struct assay_rules_ref *rules,
                        uint64_t now_ms, uint8_t ret[ASSAY_SHA256_LEN]);

#endif
