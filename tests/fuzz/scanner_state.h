/* SPDX-License-Identifier: Apache-2.0
 * tests/fuzz/scanner_state.h: a saved state, as hostile as it comes: a scanner refuses it, or loads
 * it, saves the same number of bytes, and finishes, with members in order. */
#ifndef ASSAY_TESTS_FUZZ_SCANNER_STATE_H
#define ASSAY_TESTS_FUZZ_SCANNER_STATE_H

#include <stdlib.h>

#include "assay/plugin.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/utf8.h"

/* ---- a host ------------------------------------------------------------------------------------ */

static int state_never(void *ctx)
{
    (void)ctx;
    return 0;
}

static const char *state_unset(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static uint32_t state_first_rule(void *ctx, const char *id)
{
    (void)ctx;
    (void)id;
    return 0;
}

static size_t state_fold(void *ctx, struct assay_bytes text, char *out, size_t cap)
{
    (void)ctx;
    return assay_utf8_fold(text, out, cap);
}

static void state_hash128(void *ctx, const void *data, size_t len, uint64_t seed, uint64_t ret[2])
{
    (void)ctx;
    assay_xxh3_128(data, len, seed, ret);
}

static int state_spill(void *ctx)
{
    (void)ctx;
    return assay_fs_tmpfile();
}

static uint64_t state_budget(void *ctx)
{
    (void)ctx;
    return 4096;
}

static const struct assay_host state_host = {.abi = ASSAY_PLUGIN_ABI,
                                             .size = sizeof state_host,
                                             .cancelled = state_never,
                                             .option = state_unset,
                                             .rule_index = state_first_rule,
                                             .hash128 = state_hash128,
                                             .fold = state_fold,
                                             .spill = state_spill,
                                             .memory_budget = state_budget};

/* ---- a sink ------------------------------------------------------------------------------------ */

/* Members must come in order, and no more of them than there are. */
static void state_check_members(const struct assay_member *m, uint32_t n, uint64_t total)
{
    for (uint32_t i = 1; i < n; i++) {
        const struct assay_member *a = &m[i - 1], *b = &m[i];
        if (a->file > b->file ||
            (a->file == b->file && a->record > b->record && b->record != ASSAY_NO_RECORD)) {
            abort();
        }
    }
    if (n > total) {
        abort();
    }
}

static enum assay_status state_finding(void *ctx, const struct assay_finding *f)
{
    (void)ctx;
    state_check_members(f->members, f->n_members, f->members_total);
    return ASSAY_OK;
}

static void state_skip(void *ctx, enum assay_skip why, uint64_t records, uint64_t bytes)
{
    (void)ctx;
    (void)why;
    (void)records;
    (void)bytes;
}

static enum assay_status state_metric(void *ctx, const char *name, uint64_t num, uint64_t den)
{
    (void)ctx;
    (void)name;
    (void)num;
    return den > 0 ? ASSAY_OK : (abort(), ASSAY_INTERNAL);
}

static enum assay_status state_member(void *ctx, const struct assay_membership *m)
{
    (void)ctx;
    return m->similarity <= 1000 ? ASSAY_OK : (abort(), ASSAY_INTERNAL);
}

static enum assay_status state_hand(void *ctx, const struct assay_group *g,
                                    struct assay_reply *reply)
{
    (void)ctx;
    state_check_members(g->members, g->n_members, g->members_total);
    *reply = (struct assay_reply){.size = sizeof *reply, .set_aside = (uint32_t)(g->key[0] & 1)};
    return ASSAY_OK;
}

/* ---- loading ----------------------------------------------------------------------------------- */

static enum assay_status state_count(void *ctx, const void *data, size_t len)
{
    (void)data;
    *(size_t *)ctx += len;
    return ASSAY_OK;
}

static void state_load(const struct assay_scanner *s, struct assay_bytes data)
{
    struct assay_sink sink = {.size = sizeof sink,
                              .finding = state_finding,
                              .skip = state_skip,
                              .metric = state_metric,
                              .member = state_member,
                              .hand = state_hand};
    void *shared, *local;
    size_t saved = 0;
    if (s->init(&state_host, &shared, NULL) != ASSAY_OK) {
        return;
    }
    if (s->local_init(shared, &local, NULL) == ASSAY_OK) {
        if (s->load(shared, local, data, NULL) == ASSAY_OK) {
            if (s->save(shared, local, state_count, &saved) != ASSAY_OK || saved != data.len) {
                abort();
            }
            (void)s->finish(shared, local, &sink);
        }
        s->local_free(local);
    }
    s->free(shared);
}

#endif
