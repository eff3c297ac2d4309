/* SPDX-License-Identifier: Apache-2.0
 *
 * images/saved.c: see the header.
 */
#include "saved.h"

#include <stdlib.h>

#include "../common/state.h"
#include "local.h"

#define STATE_MAGIC UINT64_C(0x32474d4959415341) /* "ASAYIMG2" */

static void put_entry(struct state_out *out, const struct image_entry *e)
{
    for (unsigned v = 0; v < PDQ_VIEWS; v++) {
        for (unsigned i = 0; i < 4; i++) {
            state_put_u64(out, e->views[v].w[i]);
        }
    }
    state_put_u64(out, e->content);
    state_put_u64(out, (uint64_t)e->file << 32 | e->quality);
}

static void take_entry(struct state_in *in, struct image_entry *e)
{
    for (unsigned v = 0; v < PDQ_VIEWS; v++) {
        for (unsigned i = 0; i < 4; i++) {
            e->views[v].w[i] = state_take_u64(in);
        }
    }
    e->content = state_take_u64(in);
    const uint64_t both = state_take_u64(in);
    e->file = (uint32_t)(both >> 32);
    e->quality = (uint32_t)both;
}

enum assay_status images_save(const void *shared, const void *local,
                              enum assay_status (*put)(void *ctx, const void *data, size_t len),
                              void *ctx)
{
    const struct images_local *l = local;
    struct state_out out = {put, ctx, ASSAY_OK};
    (void)shared;
    state_put_u64(&out, STATE_MAGIC);
    for (unsigned i = 0; i < IMAGE_COUNTS; i++) {
        state_put_u64(&out, l->counts[i]);
    }
    state_put_u64(&out, l->n);
    state_put_u64(&out, l->n_references);
    state_put_u64(&out, l->n_plain);
    for (size_t i = 0; i < l->n; i++) {
        put_entry(&out, &l->entries[i]);
    }
    for (size_t i = 0; i < l->n_references; i++) {
        state_put_u64(&out, (uint64_t)l->references[i].image << 32 | l->references[i].file);
        state_put_u64(&out, l->references[i].record);
    }
    for (size_t i = 0; i < l->n_plain; i++) {
        state_put_u64(&out, l->plain[i].content);
        state_put_u64(&out, l->plain[i].file);
    }
    return out.status;
}

static void take_reference_row(struct state_in *in, struct image_reference *r)
{
    const uint64_t both = state_take_u64(in);
    *r = (struct image_reference){(uint32_t)(both >> 32), (uint32_t)both, state_take_u64(in)};
}

struct sizes {
    uint64_t n, n_references, n_plain;
};

/* Whether the bytes that are left hold so many rows. */
static int sizes_are_sound(const struct sizes *z, const struct state_in *in)
{
    const size_t row = 8 * (4 * PDQ_VIEWS + 2);
    if (in->bad || z->n > in->left.len / row) {
        return 0;
    }
    const size_t rest = (in->left.len - (size_t)z->n * row) / 16;
    return z->n_references <= rest && z->n_plain <= rest - z->n_references;
}

/* All arrays, sized by what the state holds and not by what it claims. */
static enum assay_status load_rows(struct images_local *l, struct state_in *in,
                                   const struct sizes *z)
{
    if (!sizes_are_sound(z, in)) {
        return ASSAY_CORRUPT;
    }
    const size_t n = (size_t)z->n, n_references = (size_t)z->n_references;
    const size_t n_plain = (size_t)z->n_plain;
    l->entries = malloc((n + 1) * sizeof l->entries[0]);
    l->references = malloc((n_references + 1) * sizeof l->references[0]);
    l->plain = malloc((n_plain + 1) * sizeof l->plain[0]);
    if (l->entries == NULL || l->references == NULL || l->plain == NULL) {
        return ASSAY_NOMEM;
    }
    for (l->n = 0; l->n < n; l->n++) {
        take_entry(in, &l->entries[l->n]);
    }
    for (l->n_references = 0; l->n_references < n_references; l->n_references++) {
        take_reference_row(in, &l->references[l->n_references]);
    }
    for (l->n_plain = 0; l->n_plain < n_plain; l->n_plain++) {
        const uint64_t content = state_take_u64(in);
        l->plain[l->n_plain] = (struct image_plain){content, (uint32_t)state_take_u64(in)};
    }
    l->cap = l->n;
    l->cap_references = l->n_references;
    l->cap_plain = l->n_plain;
    return state_is_complete(in) ? ASSAY_OK : ASSAY_CORRUPT;
}

enum assay_status images_load(const void *shared, void *local, struct assay_bytes data,
                              struct assay_error *err)
{
    struct images_local *l = local;
    struct state_in in = {data, 0};
    (void)shared;
    const uint64_t magic = state_take_u64(&in);
    for (unsigned i = 0; i < IMAGE_COUNTS; i++) {
        l->counts[i] = state_take_u64(&in);
    }
    struct sizes z = {.n = state_take_u64(&in)};
    z.n_references = state_take_u64(&in);
    z.n_plain = state_take_u64(&in);
    enum assay_status st = magic == STATE_MAGIC ? load_rows(l, &in, &z) : ASSAY_CORRUPT;
    if (st != ASSAY_OK) {
        l->n = l->n_references = l->n_plain = 0;
        return assay_fail(err, st,
                          st == ASSAY_CORRUPT ? "not a saved state of the scanner 'images'"
                                              : "no memory for the scanner 'images'");
    }
    return ASSAY_OK;
}
