/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/plugins/scanner_rig.h: a scanner's life from init to free, in as many parts as a test
 * wants, each saved and loaded on the way if it wants that. One rule for all tests: whatever the
 * parts, what is said must be the same. */
#ifndef ASSAY_TESTS_SCANNER_RIG_H
#define ASSAY_TESTS_SCANNER_RIG_H

#include "tests/unit/plugins/scanner_host.h"

#define RIG_PARTS  8
#define RIG_FIELDS 4
#define RIG_TEXT   2048

struct rig {
    const struct assay_scanner *sc;
    struct fake fake; /* options, files and budget: set between rig_init and rig_start */
    struct assay_host host;
    struct recorder rec;
    struct assay_sink sink;
    void *shared;
    void *locals[RIG_PARTS];
    unsigned parts;
    void *merged; /* one of `locals` */
    void *reviews[RIG_PARTS];
};

/* How the work is divided. */
struct rig_how {
    uint64_t budget;
    unsigned parts;
    int reload; /* every part is saved and loaded into a fresh one, and what they make together */
    int backwards; /* into the last part, not the first */
};

static inline void rig_init(struct rig *r, const struct assay_scanner *sc, uint64_t budget)
{
    *r = (struct rig){.sc = sc};
    r->fake.rules = r->rec.rules = sc->rules;
    r->fake.budget = budget;
    r->host = fake_host(&r->fake);
    r->sink = recorder_sink(&r->rec);
}

static inline void rig_start(struct rig *r, unsigned parts)
{
    assert_true(parts <= RIG_PARTS);
    struct assay_error err = {0};
    if (r->sc->init(&r->host, &r->shared, &err) != ASSAY_OK) {
        fail_msg("%s", err.message);
    }
    for (r->parts = 0; r->parts < parts; r->parts++) {
        assert_int_equal(r->sc->local_init(r->shared, &r->locals[r->parts], NULL), ASSAY_OK);
    }
    r->merged = r->locals[0];
}

/* One record of string fields, each with its path; the first value that is NULL ends them. */
struct rig_record {
    uint32_t file;
    uint64_t ordinal;
    const char *values[RIG_FIELDS], *paths[RIG_FIELDS];
    struct assay_bytes raw; /* empty: the text in braces */
};

/* Hands the record to `each`, in a batch of its own that holds a field a line. */
static inline void rig_with_batch(const struct rig_record *rec,
                                  void (*each)(void *ctx, const struct assay_batch *b), void *ctx)
{
    char text[RIG_TEXT] = "", raw[RIG_TEXT + 3];
    struct assay_field fields[RIG_FIELDS];
    struct assay_bytes paths[RIG_FIELDS];
    struct assay_record record = {.ordinal = rec->ordinal};
    size_t len = 0;
    for (uint32_t i = 0; i < RIG_FIELDS && rec->values[i] != NULL; i++, record.n_fields++) {
        const size_t n = strlen(rec->values[i]);
        assert_true(len + n + 2 < sizeof text);
        fields[i] = (struct assay_field){
            .path = i, .start = (uint32_t)len, .len = (uint32_t)n, .kind = ASSAY_FIELD_STRING};
        paths[i] = assay_bytes_str(rec->paths[i]);
        memcpy(text + len, rec->values[i], n + 1);
        text[len + n] = '\n';
        len += n + 1;
    }
    (void)snprintf(raw, sizeof raw, "{%.*s}", (int)len, text);
    record.raw = rec->raw.len > 0 ? rec->raw : assay_bytes_str(raw);
    const struct assay_batch batch = {.size = sizeof batch,
                                      .file = rec->file,
                                      .text = text,
                                      .text_len = (uint32_t)len,
                                      .n_records = 1,
                                      .n_fields = record.n_fields,
                                      .n_paths = record.n_fields,
                                      .records = &record,
                                      .fields = fields,
                                      .paths = paths};
    each(ctx, &batch);
}

struct rig_part {
    struct rig *rig;
    unsigned part;
};

static inline void rig_scan_batch(void *ctx, const struct assay_batch *b)
{
    const struct rig_part *p = ctx;
    const struct assay_scan_input in = {.size = sizeof in, .batch = b};
    struct rig *r = p->rig;
    assert_int_equal(r->sc->scan(r->shared, r->locals[p->part], &in, &r->sink), ASSAY_OK);
}

static inline void rig_scan(struct rig *r, unsigned part, const struct rig_record *rec)
{
    rig_with_batch(rec, rig_scan_batch, &(struct rig_part){r, part});
}

static inline enum assay_status rig_put(void *ctx, const void *data, size_t len)
{
    assay_buf_add(ctx, data, len);
    return assay_buf_status(ctx);
}

/* Replaces a state by what it saved. */
static inline void rig_reload(struct rig *r, void **local)
{
    struct assay_buf saved;
    void *fresh;
    assay_buf_init(&saved, 1 << 26);
    assert_int_equal(r->sc->save(r->shared, *local, rig_put, &saved), ASSAY_OK);
    assert_int_equal(r->sc->local_init(r->shared, &fresh, NULL), ASSAY_OK);
    assert_int_equal(r->sc->load(r->shared, fresh, assay_buf_bytes(&saved), NULL), ASSAY_OK);
    assay_buf_release(&saved);
    r->sc->local_free(*local);
    *local = fresh;
}

static inline void rig_merge(struct rig *r, const struct rig_how *how)
{
    const unsigned into = how->backwards ? r->parts - 1 : 0;
    for (unsigned p = 0; how->reload && p < r->parts; p++) {
        rig_reload(r, &r->locals[p]);
    }
    for (unsigned p = 0; p < r->parts; p++) {
        if (p != into) {
            assert_int_equal(r->sc->merge(r->shared, r->locals[into], r->locals[p], NULL),
                             ASSAY_OK);
        }
    }
    if (how->reload > 1) {
        rig_reload(r, &r->locals[into]);
    }
    r->merged = r->locals[into];
}

/* The second look: whether one is wanted, and then as many workers as there are parts. */
static inline int rig_review_begin(struct rig *r)
{
    int wanted;
    assert_int_equal(r->sc->review_begin(r->shared, r->merged, &wanted, NULL), ASSAY_OK);
    for (unsigned p = 0; wanted && p < r->parts; p++) {
        assert_int_equal(r->sc->review_local(r->shared, r->merged, &r->reviews[p], NULL), ASSAY_OK);
    }
    return wanted;
}

/* Shows a batch again; `ctx`: a rig_part. */
static inline void rig_review_batch(void *ctx, const struct assay_batch *b)
{
    const struct rig_part *p = ctx;
    struct rig *r = p->rig;
    if (r->sc->review_wants(r->shared, r->merged, b->file)) {
        assert_int_equal(r->sc->review(r->shared, r->merged, r->reviews[p->part], b), ASSAY_OK);
    }
}

static inline void rig_review_end(struct rig *r, int backwards)
{
    int wanted;
    for (unsigned p = 0; p < r->parts; p++) {
        const unsigned q = backwards ? r->parts - 1 - p : p;
        assert_int_equal(r->sc->review_merge(r->shared, r->merged, r->reviews[q], NULL), ASSAY_OK);
        r->sc->review_free(r->reviews[q]);
    }
    assert_int_equal(r->sc->review_begin(r->shared, r->merged, &wanted, NULL), ASSAY_OK);
    assert_int_equal(wanted, 0);
}

/* All that was said, and that the end says. The caller frees. */
static inline char *rig_finish(struct rig *r)
{
    assert_int_equal(r->sc->finish(r->shared, r->merged, &r->sink), ASSAY_OK);
    return recorder_take(&r->rec);
}

static inline void rig_free(struct rig *r)
{
    for (unsigned p = 0; p < r->parts; p++) {
        r->sc->local_free(r->locals[p]);
    }
    r->sc->free(r->shared);
    free(recorder_take(&r->rec));
}

#endif
