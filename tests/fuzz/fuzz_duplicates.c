/* SPDX-License-Identifier: Apache-2.0
 * A saved state of the scanner `duplicates`, as hostile as it comes: it is refused, or it loads,
 * saves the same number of bytes, and finishes. Also the normal form of the input and its tokens, by
 * every way there is. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "assay/plugin.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "plugins/scanners/duplicates/normalise.h"
#include "plugins/scanners/duplicates/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const struct assay_scanner assay_scanner_duplicates;

static int never(void *ctx)
{
    (void)ctx;
    return 0;
}

static const char *unset(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static uint32_t first_rule(void *ctx, const char *id)
{
    (void)ctx;
    (void)id;
    return 0;
}

static size_t fold(void *ctx, struct assay_bytes text, char *out, size_t cap)
{
    (void)ctx;
    return assay_utf8_fold(text, out, cap);
}

static void hash128(void *ctx, const void *data, size_t len, uint64_t seed, uint64_t ret[2])
{
    (void)ctx;
    assay_xxh3_128(data, len, seed, ret);
}

static int spill(void *ctx)
{
    (void)ctx;
    return assay_fs_tmpfile();
}

static uint64_t budget(void *ctx)
{
    (void)ctx;
    return 4096;
}

static const struct assay_host host = {.abi = ASSAY_PLUGIN_ABI,
                                       .size = sizeof host,
                                       .cancelled = never,
                                       .option = unset,
                                       .rule_index = first_rule,
                                       .hash128 = hash128,
                                       .fold = fold,
                                       .spill = spill,
                                       .memory_budget = budget};

/* Members must come in order, and no more of them than there are. */
static enum assay_status on_finding(void *ctx, const struct assay_finding *f)
{
    (void)ctx;
    for (uint32_t i = 1; i < f->n_members; i++) {
        const struct assay_member *a = &f->members[i - 1], *b = &f->members[i];
        if (a->file > b->file ||
            (a->file == b->file && a->record > b->record && b->record != ASSAY_NO_RECORD)) {
            abort();
        }
    }
    return f->n_members <= f->members_total ? ASSAY_OK : (abort(), ASSAY_INTERNAL);
}

static void on_skip(void *ctx, enum assay_skip why, uint64_t records, uint64_t bytes)
{
    (void)ctx;
    (void)why;
    (void)records;
    (void)bytes;
}

static enum assay_status on_metric(void *ctx, const char *name, uint64_t num, uint64_t den)
{
    (void)ctx;
    (void)name;
    (void)num;
    return den > 0 ? ASSAY_OK : (abort(), ASSAY_INTERNAL);
}

static enum assay_status count(void *ctx, const void *data, size_t len)
{
    (void)data;
    *(size_t *)ctx += len;
    return ASSAY_OK;
}

static void load(struct assay_bytes data)
{
    const struct assay_scanner *s = &assay_scanner_duplicates;
    struct assay_sink sink = {
        .size = sizeof sink, .finding = on_finding, .skip = on_skip, .metric = on_metric};
    void *shared, *local;
    size_t saved = 0;
    if (s->init(&host, &shared, NULL) != ASSAY_OK) {
        return;
    }
    if (s->local_init(shared, &local, NULL) == ASSAY_OK) {
        if (s->load(shared, local, data, NULL) == ASSAY_OK) {
            if (s->save(shared, local, count, &saved) == ASSAY_OK && saved != data.len) {
                abort();
            }
            (void)s->finish(shared, local, &sink);
        }
        s->local_free(local);
    }
    s->free(shared);
}

static void normalise(struct assay_bytes data)
{
    struct dup_text a = {0}, b = {0};
    char *copy = malloc(data.len + 1);
    if (copy != NULL) {
        memcpy(copy, data.ptr, data.len);
        (void)assay_utf8_repair(copy, data.len);
        struct assay_bytes text = assay_bytes_make(copy, data.len);
        if (dup_text_add(&a, &host, text) == ASSAY_OK &&
            dup_text_add_folded(&b, &host, text) == ASSAY_OK &&
            (a.len != b.len || memcmp(a.buf, b.buf, a.len) != 0)) {
            abort();
        }
    }
    dup_text_release(&a);
    dup_text_release(&b);
    free(copy);
}

/* Tokens stand in order, within the text, and are the same by `way` as when all is folded first. */
static void compare_tokens(const struct dup_tokens *t, const struct dup_tokens *folded, size_t len)
{
    if (t->n != folded->n) {
        abort();
    }
    for (size_t i = 0; i < t->n; i++) {
        const struct dup_token *a = &t->items[i];
        if (a->hash != folded->items[i].hash || a->len == 0 || a->start > len ||
            a->len > len - a->start || (i > 0 && a->start < t->items[i - 1].start)) {
            abort();
        }
    }
}

static void tokenise(struct assay_bytes data)
{
    struct dup_tokens folded = {.fold_all = 1};
    char *copy = malloc(data.len + 1);
    if (copy != NULL) {
        memcpy(copy, data.ptr, data.len);
        (void)assay_utf8_repair(copy, data.len);
        struct assay_bytes text = assay_bytes_make(copy, data.len);
        enum assay_status st = dup_tokens_add(&folded, &host, text);
        for (unsigned i = 0; st == ASSAY_OK && dup_tokens_way_get(i) != NULL; i++) {
            struct dup_tokens t = {.way = dup_tokens_way_get(i)};
            if (dup_tokens_add(&t, &host, text) == ASSAY_OK) {
                compare_tokens(&t, &folded, data.len);
            }
            dup_tokens_release(&t);
        }
    }
    dup_tokens_release(&folded);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_bytes bytes = assay_bytes_make((const char *)data, size);
    load(bytes);
    normalise(bytes);
    tokenise(bytes);
    return 0;
}
