/* SPDX-License-Identifier: Apache-2.0
 *
 * scanners/common/state.h: saving and loading a scanner's state: little-endian integers through
 * `put`, and a cursor over what was saved whose error is sticky (read ten values, test once).
 */
#ifndef ASSAY_SCANNERS_COMMON_STATE_H
#define ASSAY_SCANNERS_COMMON_STATE_H

#include "assay/plugin.h"

/* Where state goes; `status` is sticky. */
struct state_out {
    enum assay_status (*put)(void *ctx, const void *data, size_t len);
    void *ctx;
    enum assay_status status;
};

static inline void state_put(struct state_out *out, const void *data, size_t len)
{
    if (out->status == ASSAY_OK) {
        out->status = out->put(out->ctx, data, len);
    }
}

static inline void state_put_u64(struct state_out *out, uint64_t v)
{
    uint8_t le[8];
    for (unsigned i = 0; i < 8; i++) {
        le[i] = (uint8_t)(v >> (8 * i));
    }
    state_put(out, le, sizeof le);
}

/* What was saved; `bad` is sticky: it ended early. */
struct state_in {
    struct assay_bytes left;
    int bad;
};

/* The next `len` bytes; NULL when there are not so many. */
static inline const uint8_t *state_take(struct state_in *in, size_t len)
{
    const char *p = in->left.ptr;
    if (in->bad || len > in->left.len) {
        in->bad = 1;
        return NULL;
    }
    in->left.ptr += len;
    in->left.len -= len;
    return (const uint8_t *)p;
}

static inline uint64_t state_take_u64(struct state_in *in)
{
    const uint8_t *p = state_take(in, 8);
    uint64_t v = 0;
    for (unsigned i = 0; p != NULL && i < 8; i++) {
        v |= (uint64_t)p[i] << (8 * i);
    }
    return v;
}

/* Whether everything was there and nothing is left over. */
static inline int state_is_complete(const struct state_in *in)
{
    return !in->bad && in->left.len == 0;
}

#endif
