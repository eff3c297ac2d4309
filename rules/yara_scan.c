/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara_scan.c: a worker's scan: the first stage over blocks as they are read, libyara over what
 * holds an anchor, and the list of hits.
 */
#include <stdlib.h>

#include "core/arena.h"
#include "core/limits.h"
#include "core/status.h"
#include "rules/yara_file.h"
#include "rules/yara_set.h"

struct hit {
    struct assay_file_match at;
    uint32_t rank; /* how many hits of the same rule stand before it */
};

struct assay_yara_scan {
    const struct assay_yara *y;
    YR_SCANNER *scanner;
    struct assay_literal_feed *feed; /* NULL: no first stage */
    struct assay_yara_file file;
    struct hit *hits;
    size_t n_hits, hits_cap;
    int overflow; /* hits were dropped */
    int nomem;
    struct assay_file_match *out;
};

/* ---- what libyara says ---------------------------------------------------------------------- */

static void add_hit(struct assay_yara_scan *s, uint32_t rule, uint64_t offset, uint32_t rank)
{
    if (rank >= ASSAY_LIMIT_FILE_HITS) {
        s->overflow = 1;
        return;
    }
    void *hits = assay_grown(s->hits, s->n_hits, &s->hits_cap, sizeof s->hits[0]);
    if (hits == NULL) {
        s->nomem = 1;
        return;
    }
    s->hits = hits;
    s->hits[s->n_hits++] = (struct hit){{rule, offset}, rank};
}

/* The hits of one matching rule, under the name of one target. libyara packs its YR_MATCHes behind
 * copies of the matched bytes, so they are not aligned as their type asks for. */
__attribute__((no_sanitize("alignment"))) static void
add_matches(struct assay_yara_scan *s, YR_SCAN_CONTEXT *context, const YR_RULE *r, uint32_t rule)
{
    const YR_STRING *string;
    const YR_MATCH *m;
    size_t before = s->n_hits;
    yr_rule_strings_foreach(r, string)
    {
        uint32_t rank = 0;
        yr_string_matches_foreach(context, string, m)
        {
            add_hit(s, rule, (uint64_t)(m->base + m->offset), rank++);
        }
    }
    if (s->n_hits == before) {
        add_hit(s, rule, 0, 0);
    }
}

static int on_scan_event(YR_SCAN_CONTEXT *context, int message, void *data, void *ctx)
{
    struct assay_yara_scan *s = ctx;
    if (message == CALLBACK_MSG_TOO_MANY_MATCHES) {
        s->overflow = 1;
    }
    if (message != CALLBACK_MSG_RULE_MATCHING) {
        return CALLBACK_CONTINUE;
    }
    const YR_RULE *r = data;
    uint32_t compiled = (uint32_t)(r - s->y->rules->rules_table);
    for (size_t i = 0; i < s->y->n_targets; i++) {
        if (s->y->targets[i].compiled == compiled) {
            add_matches(s, context, r, s->y->targets[i].rule);
        }
    }
    return s->nomem ? CALLBACK_ERROR : CALLBACK_CONTINUE;
}

/* ---- a worker's state ----------------------------------------------------------------------- */

enum assay_status assay_yara_scan_new(const struct assay_yara *y, struct assay_yara_scan **ret,
                                      struct assay_error *err)
{
    struct assay_yara_scan *s = calloc(1, sizeof *s);
    *ret = NULL;
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for a YARA scan");
    }
    s->y = y;
    s->out = assay_alloc_array(ASSAY_LIMIT_FILE_HITS, sizeof s->out[0]);
    int ready = assay_yara_file_init(&s->file) && s->out != NULL &&
                yr_scanner_create(y->rules, &s->scanner) == ERROR_SUCCESS;
    if (ready && y->anchors != NULL) {
        ready = assay_literal_feed_new(y->anchors, &s->feed, NULL) == ASSAY_OK;
    }
    if (!ready) {
        assay_yara_scan_free(s);
        return assay_fail(err, ASSAY_NOMEM, "no memory for a YARA scan");
    }
    yr_scanner_set_callback(s->scanner, on_scan_event, s);
    yr_scanner_set_timeout(s->scanner, ASSAY_LIMIT_YARA_SECONDS);
    yr_scanner_set_flags(s->scanner, SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING);
    *ret = s;
    return ASSAY_OK;
}

void assay_yara_scan_free(struct assay_yara_scan *s)
{
    if (s == NULL) {
        return;
    }
    assay_literal_feed_free(s->feed);
    if (s->scanner != NULL) {
        yr_scanner_destroy(s->scanner);
    }
    assay_yara_file_release(&s->file);
    free(s->hits);
    free(s->out);
    free(s);
}

/* ---- the first stage ------------------------------------------------------------------------ */

void assay_yara_start(struct assay_yara_scan *s)
{
    if (s->feed != NULL) {
        assay_literal_feed_start(s->feed);
    }
}

void assay_yara_block(struct assay_yara_scan *s, struct assay_bytes block)
{
    if (s->feed != NULL) {
        assay_literal_feed_block(s->feed, block);
    }
}

int assay_yara_wanted(const struct assay_yara_scan *s)
{
    return s->feed == NULL || assay_literal_feed_found(s->feed);
}

/* ---- the list of hits ----------------------------------------------------------------------- */

static int by_place(const void *pa, const void *pb)
{
    const struct hit *a = pa;
    const struct hit *b = pb;
    if (a->at.offset != b->at.offset) {
        return a->at.offset < b->at.offset ? -1 : 1;
    }
    return a->at.rule < b->at.rule ? -1 : a->at.rule > b->at.rule;
}

static int by_rank(const void *pa, const void *pb)
{
    const struct hit *a = pa;
    const struct hit *b = pb;
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return by_place(pa, pb);
}

static size_t drop_repeats(struct hit *hits, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || by_place(&hits[kept - 1], &hits[i]) != 0) {
            hits[kept++] = hits[i];
        }
    }
    return kept;
}

/* Sorts, drops repeats, and when there are too many keeps the first few of every rule rather than
 * the first rule. */
static enum assay_status list_hits(struct assay_yara_scan *s, const struct assay_file_match **ret,
                                   size_t *ret_n, struct assay_error *err)
{
    size_t n = s->n_hits;
    if (n > 0) {
        qsort(s->hits, n, sizeof s->hits[0], by_place);
        n = drop_repeats(s->hits, n);
    }
    if (n > ASSAY_LIMIT_FILE_HITS) {
        s->overflow = 1;
        qsort(s->hits, n, sizeof s->hits[0], by_rank);
        n = ASSAY_LIMIT_FILE_HITS;
        qsort(s->hits, n, sizeof s->hits[0], by_place);
    }
    for (size_t i = 0; i < n; i++) {
        s->out[i] = s->hits[i].at;
    }
    *ret = s->out;
    *ret_n = n;
    return s->overflow ? assay_fail(err, ASSAY_LIMIT, "more than %d YARA hits in one file",
                                    ASSAY_LIMIT_FILE_HITS)
                       : ASSAY_OK;
}

/* ---- the second stage ----------------------------------------------------------------------- */

static void forget_hits(struct assay_yara_scan *s)
{
    s->n_hits = 0;
    s->overflow = 0;
    s->nomem = 0;
}

static enum assay_status scan_result(struct assay_yara_scan *s, int rc, struct assay_error *err)
{
    if (rc == ERROR_SCAN_TIMEOUT) {
        return assay_fail(err, ASSAY_TIMEOUT, "the YARA scan took longer than %d seconds",
                          ASSAY_LIMIT_YARA_SECONDS);
    }
    if (rc == ERROR_INSUFFICIENT_MEMORY || s->nomem) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the YARA scan");
    }
    if (rc != ERROR_SUCCESS) {
        return assay_fail(err, ASSAY_INTERNAL, "the YARA scan failed with code %d", rc);
    }
    return ASSAY_OK;
}

static enum assay_status scan_pieces(struct assay_yara_scan *s, struct assay_error *err)
{
    YR_MEMORY_BLOCK_ITERATOR it = assay_yara_file_pieces(&s->file);
    int rc = yr_scanner_scan_mem_blocks(s->scanner, &it);
    enum assay_status st = assay_yara_file_read(&s->file, err);
    return st == ASSAY_OK ? scan_result(s, rc, err) : st;
}

enum assay_status assay_yara_finish(struct assay_yara_scan *s, int fd, const uint8_t sha256[32],
                                    const struct assay_file_match **ret, size_t *ret_n,
                                    struct assay_error *err)
{
    *ret = s->out;
    *ret_n = 0;
    forget_hits(s);
    enum assay_status st = assay_yara_file_start(&s->file, fd, err);
    if (st != ASSAY_OK) {
        return st;
    }
    st = scan_pieces(s, err);
    assay_yara_file_shrink(&s->file);
    if (st == ASSAY_OK) {
        st = assay_yara_file_compare(&s->file, sha256, err);
    }
    return st == ASSAY_OK ? list_hits(s, ret, ret_n, err) : st;
}

enum assay_status assay_yara_memory(struct assay_yara_scan *s, struct assay_bytes data,
                                    const struct assay_file_match **ret, size_t *ret_n,
                                    struct assay_error *err)
{
    *ret = s->out;
    *ret_n = 0;
    forget_hits(s);
    assay_yara_start(s);
    assay_yara_block(s, data);
    if (!assay_yara_wanted(s)) {
        return ASSAY_OK;
    }
    int rc = yr_scanner_scan_mem(s->scanner, (const uint8_t *)(data.ptr == NULL ? "" : data.ptr),
                                 data.len);
    enum assay_status st = scan_result(s, rc, err);
    return st == ASSAY_OK ? list_hits(s, ret, ret_n, err) : st;
}
