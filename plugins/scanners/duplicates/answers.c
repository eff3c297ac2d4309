/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/answers.c: see the header.
 *
 * Entries come prompt by prompt, answer by answer, and of one answer by place: so an answer's first
 * record is its first entry. Answers come in the order of a hash. Their first records are collected
 * in twice the room that is needed, which is sorted and cut in half whenever it is full.
 */
#include "answers.h"

#include <stddef.h>
#include <stdlib.h>

#include "../common/pairs.h"
#include "groups.h"

#define ASK_EVERY 65536 /* entries between two questions whether to stop */
#define SAID      96

const char *const dup_answers_topics[] = {"answers", "answered", "preferences", NULL};

static int is_taken(const struct assay_host *host, const char *topic)
{
    return host->size >= offsetof(struct assay_host, is_taken) + sizeof host->is_taken &&
           host->is_taken != NULL && host->is_taken(host->ctx, topic);
}

enum assay_status dup_answers_init(const struct assay_host *host, struct assay_error *err)
{
    for (const char *const *topic = dup_answers_topics; *topic != NULL; topic++) {
        if (!is_taken(host, *topic)) {
            return assay_fail(err, ASSAY_CONFIG,
                              "duplicates.answers is set, and no scanner judges '%s': the scanner "
                              "'labels' is left out",
                              *topic);
        }
    }
    return ASSAY_OK;
}

/* Whoever was to take it was there at the start. */
static enum assay_status hand(const struct assay_group *g, struct assay_sink *sink)
{
    struct assay_reply reply;
    return sink->hand(sink->ctx, g, &reply);
}

enum assay_status dup_answers_prefer(const struct dup_preference *p, struct assay_sink *sink)
{
    const struct assay_member m = {p->file, p->ordinal};
    return hand(&(struct assay_group){.size = sizeof(struct assay_group),
                                      .rule = ASSAY_NONE,
                                      .topic = "preferences",
                                      .members = &m,
                                      .n_members = 1,
                                      .members_total = 1,
                                      .record = p->record,
                                      .field = p->field,
                                      .sums = {(uint64_t)(p->same != 0), 0},
                                      .said = assay_bytes_str(p->said)},
                sink);
}

/* ---- the pass ----------------------------------------------------------------------------------
 */

struct row {
    uint64_t place, weight; /* where an answer is given first, and by how many */
};

struct pass {
    const struct assay_host *host;
    struct assay_sink *sink;
    const struct dup_accepted *accepted;
    struct dup_accepted_tally *set_aside;
    uint64_t records;    /* so far, of all prompts */
    uint64_t first;      /* the smallest place of all */
    uint64_t last_place; /* of the entry before */
    /* the prompt in hand */
    uint64_t key[2], variant;
    struct row answer, best; /* the one in hand; the most frequent one before it */
    uint64_t n_answers, n_records, n_agreeing;
    struct dup_digest digest;
    size_t n_rows;
    struct row rows[2 * DUP_MEMBERS];
};

static int by_place(const void *pa, const void *pb)
{
    const struct row *a = pa, *b = pb;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* Sorts the rows and keeps the first so many. */
static void cut(struct pass *p)
{
    qsort(p->rows, p->n_rows, sizeof p->rows[0], by_place);
    p->n_rows = p->n_rows < DUP_MEMBERS ? p->n_rows : DUP_MEMBERS;
}

/* The rows to be handed over: the most frequent answer takes the last place if it has none. */
static void choose(struct pass *p)
{
    cut(p);
    if (p->rows[p->n_rows - 1].place < p->best.place) {
        p->rows[p->n_rows - 1] = p->best;
    }
}

static enum assay_status hand_prompt(struct pass *p)
{
    struct assay_member members[DUP_MEMBERS];
    uint64_t weights[DUP_MEMBERS];
    char said[SAID] = "";
    choose(p);
    for (size_t i = 0; i < p->n_rows; i++) {
        members[i].file = dup_place_file(p->rows[i].place);
        members[i].record = dup_place_record(p->rows[i].place);
        weights[i] = p->rows[i].weight;
    }
    if (p->n_answers > 1) {
        dup_digest_say(p->accepted, DUP_GROUP_ANSWERS, p->digest, said, sizeof said);
    }
    return hand(&(struct assay_group){.size = sizeof(struct assay_group),
                                      .rule = ASSAY_NONE,
                                      .topic = "answers",
                                      .members = members,
                                      .weights = weights,
                                      .n_members = (uint32_t)p->n_rows,
                                      .members_total = p->n_answers,
                                      .record = ASSAY_NONE,
                                      .field = ASSAY_NONE,
                                      .key = {p->key[0], p->key[1]},
                                      .sums = {p->n_records, p->n_agreeing},
                                      .said = assay_bytes_str(said)},
                p->sink);
}

static enum assay_status hand_all(struct pass *p)
{
    const struct assay_member m = {dup_place_file(p->first), dup_place_record(p->first)};
    return hand(&(struct assay_group){.size = sizeof(struct assay_group),
                                      .rule = ASSAY_NONE,
                                      .topic = "answered",
                                      .members = &m,
                                      .n_members = 1,
                                      .members_total = p->records,
                                      .record = ASSAY_NONE,
                                      .field = ASSAY_NONE},
                p->sink);
}

static void end_answer(struct pass *p)
{
    const struct row *a = &p->answer;
    if (a->weight == 0) {
        return;
    }
    if (p->n_rows == sizeof p->rows / sizeof p->rows[0]) {
        cut(p);
    }
    p->rows[p->n_rows++] = *a;
    p->n_agreeing = pairs_add(p->n_agreeing, pairs_among(a->weight));
    if (a->weight > p->best.weight || (a->weight == p->best.weight && a->place < p->best.place)) {
        p->best = *a;
    }
}

static enum assay_status end_prompt(struct pass *p)
{
    end_answer(p);
    if (p->n_records < 2) {
        return ASSAY_OK;
    }
    if (p->n_answers > 1 && dup_accepted_has(p->accepted, p->digest)) {
        p->set_aside->groups++;
        return ASSAY_OK;
    }
    return hand_prompt(p);
}

static void begin_prompt(struct pass *p, const struct dup_entry *e)
{
    p->key[0] = e->key[0];
    p->key[1] = e->key[1];
    p->best.weight = 0;
    p->n_answers = p->n_records = p->n_agreeing = 0;
    p->n_rows = 0;
    if (dup_accepted_asks(p->accepted)) {
        p->digest = dup_group_digest(p->accepted, DUP_GROUP_ANSWERS, e->key, 2);
    }
}

static void begin_answer(struct pass *p, const struct dup_entry *e)
{
    p->variant = e->variant;
    p->answer = (struct row){e->place, 0};
    p->n_answers++;
    if (dup_accepted_asks(p->accepted)) {
        p->digest = dup_digest_add(p->accepted, DUP_GROUP_ANSWERS, p->digest, e->variant);
    }
}

static enum assay_status on_entry(void *ctx, const uint64_t *words)
{
    struct pass *p = ctx;
    const struct dup_entry entry = dup_entry_of(words), *e = &entry;
    enum assay_status st = ASSAY_OK;
    if (p->records == 0 || p->key[0] != e->key[0] || p->key[1] != e->key[1]) {
        st = end_prompt(p);
        begin_prompt(p, e);
        begin_answer(p, e);
    } else if (p->variant != e->variant) {
        end_answer(p);
        begin_answer(p, e);
    } else if (p->last_place == e->place) {
        return ASSAY_OK; /* the same thing twice, as when a state is loaded twice */
    }
    p->first = p->records == 0 || e->place < p->first ? e->place : p->first;
    p->last_place = e->place;
    p->answer.weight++;
    p->n_records++;
    if (++p->records % ASK_EVERY == 0 && st == ASSAY_OK && p->host->cancelled(p->host->ctx)) {
        st = ASSAY_CANCELLED;
    }
    return st;
}

enum assay_status dup_answers_hand(struct dup_table *t, const struct assay_host *host,
                                   const struct dup_accepted *a,
                                   struct dup_accepted_tally *set_aside, struct assay_sink *sink)
{
    struct pass *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return ASSAY_NOMEM;
    }
    p->host = host;
    p->sink = sink;
    p->accepted = a;
    p->set_aside = set_aside;
    enum assay_status st = dup_table_sorted(t, on_entry, p);
    st = st == ASSAY_OK ? end_prompt(p) : st;
    st = st == ASSAY_OK && p->records > 0 ? hand_all(p) : st;
    free(p);
    return st;
}
