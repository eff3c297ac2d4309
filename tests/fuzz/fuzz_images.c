/* SPDX-License-Identifier: Apache-2.0
 * A picture, as hostile as it comes: it is decoded and hashed, or refused; twice the same. The same
 * bytes as a saved state of the scanner `images`: refused, or it loads, saves the same number of
 * bytes, and finishes. */
#include <stdlib.h>

#include "assay/plugin.h"
#include "core/hash.h"
#include "plugins/scanners/images/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const struct assay_scanner assay_scanner_images;

/* ---- a host and a sink -------------------------------------------------------------------------- */

static int never(void *ctx)
{
    (void)ctx;
    return 0;
}

static uint32_t first_rule(void *ctx, const char *id)
{
    (void)ctx;
    (void)id;
    return 0;
}

static void hash128(void *ctx, const void *data, size_t len, uint64_t seed, uint64_t ret[2])
{
    (void)ctx;
    assay_xxh3_128(data, len, seed, ret);
}

static uint64_t budget(void *ctx)
{
    (void)ctx;
    return 1 << 20;
}

static const struct assay_host host = {.abi = ASSAY_PLUGIN_ABI,
                                       .size = sizeof host,
                                       .cancelled = never,
                                       .rule_index = first_rule,
                                       .hash128 = hash128,
                                       .memory_budget = budget};

/* Members come in order, and no more of them than there are. */
static void check_members(const struct assay_member *m, uint32_t n, uint64_t total)
{
    for (uint32_t i = 1; i < n; i++) {
        if (m[i - 1].file > m[i].file) {
            abort();
        }
    }
    if (n > total) {
        abort();
    }
}

static enum assay_status on_finding(void *ctx, const struct assay_finding *f)
{
    (void)ctx;
    check_members(f->members, f->n_members, f->members_total);
    return ASSAY_OK;
}

static enum assay_status on_metric(void *ctx, const char *name, uint64_t num, uint64_t den)
{
    (void)ctx;
    (void)name;
    (void)num;
    return den > 0 ? ASSAY_OK : (abort(), ASSAY_INTERNAL);
}

static enum assay_status on_member(void *ctx, const struct assay_membership *m)
{
    (void)ctx;
    return m->similarity <= 1000 ? ASSAY_OK : (abort(), ASSAY_INTERNAL);
}

static enum assay_status on_hand(void *ctx, const struct assay_group *g, struct assay_reply *reply)
{
    (void)ctx;
    check_members(g->members, g->n_members, g->members_total);
    *reply = (struct assay_reply){.size = sizeof *reply, .set_aside = (uint32_t)(g->key[0] & 1)};
    return ASSAY_OK;
}

static enum assay_status count(void *ctx, const void *data, size_t len)
{
    (void)data;
    *(size_t *)ctx += len;
    return ASSAY_OK;
}

/* ---- states ------------------------------------------------------------------------------------- */

static void load(struct assay_bytes data)
{
    const struct assay_scanner *s = &assay_scanner_images;
    struct assay_sink sink = {.size = sizeof sink,
                              .finding = on_finding,
                              .metric = on_metric,
                              .member = on_member,
                              .hand = on_hand};
    void *shared, *local;
    size_t saved = 0;
    if (s->init(&host, &shared, NULL) != ASSAY_OK) {
        return;
    }
    if (s->local_init(shared, &local, NULL) == ASSAY_OK) {
        if (s->load(shared, local, data, NULL) == ASSAY_OK) {
            if (s->save(shared, local, count, &saved) != ASSAY_OK || saved != data.len) {
                abort();
            }
            (void)s->finish(shared, local, &sink);
        }
        s->local_free(local);
    }
    s->free(shared);
}

/* ---- pictures ----------------------------------------------------------------------------------- */

static void decode(struct assay_bytes file)
{
    struct pdq_hash first[PDQ_VIEWS], again[PDQ_VIEWS];
    enum assay_status status[2];
    for (int i = 0; i < 2; i++) {
        const size_t bytes = (size_t)PDQ_SIDE * PDQ_SIDE * sizeof(float);
        struct pdq_picture p = {.luma = malloc(bytes), .work = malloc(bytes)};
        if (p.luma == NULL || p.work == NULL) {
            abort();
        }
        memset(p.luma, i, bytes);
        memset(i == 0 ? first : again, 0, sizeof first);
        status[i] = image_decode(file, &p);
        if (status[i] == ASSAY_OK && pdq_hash_views(&p, i == 0 ? first : again) > 100) {
            abort();
        }
        free(p.luma);
        free(p.work);
    }
    if (status[0] != status[1] || memcmp(first, again, sizeof first) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct assay_bytes bytes = assay_bytes_make((const char *)data, size);
    decode(bytes);
    load(bytes);
    return 0;
}
