/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/saved.c: see the header.
 */
#include "saved.h"

#include "../common/state.h"
#include "local.h"

#define STATE_MAGIC UINT64_C(0x3853505544594153) /* "SAYDUPS8" */

static enum assay_status save_words(struct state_out *out, const uint64_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        state_put_u64(out, words[i]);
    }
    return out->status;
}

static enum assay_status save_entry(void *ctx, const uint64_t *entry)
{
    return save_words(ctx, entry, DUP_ENTRY_WORDS);
}

static enum assay_status save_pair(void *ctx, const uint64_t *entry)
{
    return save_words(ctx, entry, DUP_PAIR_WORDS);
}

/* What stands before the entries. */
struct head {
    uint64_t magic;
    uint64_t params[DUP_PARAMS];
    uint64_t counts[DUP_COUNTS];
    uint64_t entries[DUP_TABLES];
    struct dup_earlier_counts delivered;
};

enum assay_status dup_save(const void *shared, const void *local,
                           enum assay_status (*put)(void *ctx, const void *data, size_t len),
                           void *ctx)
{
    const struct dup_local *l = local;
    struct state_out out = {put, ctx, ASSAY_OK};
    uint64_t params[DUP_PARAMS];
    if (l->near.found || l->spans.found || dup_across_is_settled(&l->across) ||
        dup_local_listens(l) || l->shared->earlier.write != NULL) {
        return ASSAY_USAGE; /* bands, n-grams or marks are gone, or sets would be missing */
    }
    dup_params_read(shared, params);
    state_put_u64(&out, STATE_MAGIC);
    (void)save_words(&out, params, DUP_PARAMS);
    (void)save_words(&out, l->counts, DUP_COUNTS);
    for (unsigned i = 0; i < DUP_TABLES; i++) {
        state_put_u64(&out, l->tables[i].total);
    }
    (void)save_words(&out, l->delivered.by_likeness, DUP_SAME_BYTES + 1);
    state_put_u64(&out, l->delivered.capped);
    state_put_u64(&out, l->delivered.set_aside);
    dup_across_save(&l->shared->across, &l->across, &out);
    for (unsigned i = 0; i < DUP_TABLES && out.status == ASSAY_OK; i++) {
        enum assay_status st = dup_table_walk(
            &l->tables[i], dup_words_of(i) == DUP_PAIR_WORDS ? save_pair : save_entry, &out);
        out.status = out.status == ASSAY_OK ? st : out.status;
    }
    return out.status;
}

static void load_words(struct state_in *in, uint64_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        words[i] = state_take_u64(in);
    }
}

/* Anything can be a key; marks cannot be anything. */
static int entry_is_sound(const struct dup_local *l, unsigned table, const uint64_t *words)
{
    const struct dup_across *a = &l->shared->across;
    return table == DUP_TABLE_SPLITS    ? dup_marks_are_sound(words, a->splits.n)
           : table == DUP_TABLE_SOURCES ? dup_marks_are_sound(words, a->sources.n)
                                        : 1;
}

static enum assay_status load_table(struct dup_local *l, unsigned table, uint64_t n,
                                    struct state_in *in)
{
    enum assay_status st = ASSAY_OK;
    for (uint64_t i = 0; i < n && st == ASSAY_OK; i++) {
        uint64_t words[DUP_ENTRY_WORDS];
        load_words(in, words, dup_words_of(table));
        st = in->bad || !entry_is_sound(l, table, words)
                 ? ASSAY_CORRUPT
                 : dup_table_add(&l->tables[table], l->shared->host, dup_local_most(l, table),
                                 words);
    }
    return st;
}

static struct head read_head(struct state_in *in)
{
    struct head h = {.magic = state_take_u64(in)};
    load_words(in, h.params, DUP_PARAMS);
    load_words(in, h.counts, DUP_COUNTS);
    load_words(in, h.entries, DUP_TABLES);
    load_words(in, h.delivered.by_likeness, DUP_SAME_BYTES + 1);
    h.delivered.capped = state_take_u64(in);
    h.delivered.set_aside = state_take_u64(in);
    return h;
}

/* Whether the numbers agree with each other and with the bytes that are left. */
static int head_is_sound(const struct head *h, const struct state_in *in)
{
    size_t left = in->left.len;
    if (in->bad || h->magic != STATE_MAGIC) {
        return 0;
    }
    for (unsigned i = 0; i < DUP_TABLES; i++) {
        const size_t bytes = 8 * dup_words_of(i);
        if (h->entries[i] > left / bytes) {
            return 0;
        }
        left -= (size_t)h->entries[i] * bytes;
    }
    for (unsigned i = 0; i <= DUP_SAME_BYTES; i++) {
        if (h->delivered.by_likeness[i] > h->counts[DUP_COUNT_RECORDS]) {
            return 0;
        }
    }
    return h->delivered.capped <= h->counts[DUP_COUNT_RECORDS] &&
           h->delivered.set_aside <= h->counts[DUP_COUNT_RECORDS] &&
           h->counts[DUP_COUNT_RECORDS] >= h->entries[DUP_TABLE_RECORDS] &&
           h->counts[DUP_COUNT_FILES] >= h->entries[DUP_TABLE_FILES] &&
           h->counts[DUP_COUNT_RECORDS] >= h->counts[DUP_COUNT_SKETCHED] &&
           h->counts[DUP_COUNT_RECORDS] >= h->counts[DUP_COUNT_ANSWERS] &&
           h->entries[DUP_TABLE_ANSWERS] == h->counts[DUP_COUNT_ANSWERS] &&
           (h->params[DUP_PARAM_ANSWERS] != 0 || h->entries[DUP_TABLE_ANSWERS] == 0) &&
           h->entries[DUP_TABLE_BANDS] ==
               h->counts[DUP_COUNT_SKETCHED] * h->params[DUP_PARAM_BANDS];
}

static enum assay_status check_params(const struct dup_shared *s, const struct head *h,
                                      struct assay_error *err)
{
    uint64_t params[DUP_PARAMS];
    dup_params_read(s, params);
    for (unsigned i = 0; i < DUP_PARAMS; i++) {
        if (params[i] != h->params[i]) {
            return assay_fail(err, ASSAY_CONFIG,
                              "saved with other options of the scanner 'duplicates': %s was %llu "
                              "and is %llu",
                              dup_param_names[i], (unsigned long long)h->params[i],
                              (unsigned long long)params[i]);
        }
    }
    return ASSAY_OK;
}

enum assay_status dup_load(const void *shared, void *local, struct assay_bytes data,
                           struct assay_error *err)
{
    struct dup_local *l = local;
    struct state_in in = {data, 0};
    struct head h = read_head(&in);
    if (!head_is_sound(&h, &in)) {
        return assay_fail(err, ASSAY_CORRUPT, "not a saved state of the scanner 'duplicates'");
    }
    enum assay_status st = check_params(shared, &h, err);
    if (st != ASSAY_OK) {
        return st;
    }
    st = dup_across_load(&l->shared->across, &l->across, &in);
    if (st == ASSAY_CONFIG) {
        return assay_fail(err, st,
                          "saved with other splits, benchmarks or sources of the scanner "
                          "'duplicates'");
    }
    for (unsigned i = 0; i < DUP_TABLES && st == ASSAY_OK; i++) {
        st = load_table(l, i, h.entries[i], &in);
    }
    for (unsigned i = 0; i < DUP_COUNTS; i++) {
        l->counts[i] += h.counts[i];
    }
    dup_earlier_add(&l->delivered, &h.delivered);
    if (st == ASSAY_OK && !state_is_complete(&in)) {
        st = ASSAY_CORRUPT;
    }
    return st == ASSAY_OK ? st : assay_fail(err, st, "cannot load duplicate keys");
}
