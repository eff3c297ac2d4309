/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/turns.c: see the header.
 */
#include "turns.h"

#include <stdlib.h>

enum part { NOTHING, ASKED, ANSWERED, CHOSEN, REJECTED, SPOKEN, SPEAKER };

#define TURNS_MAX 100000 /* an index beyond it is not one of a turn */

/* ---- paths -------------------------------------------------------------------------------------
 */

static const struct {
    const char *path;
    enum part part;
} names[] = {
    {"/instruction", ASKED},   {"/input", ASKED},       {"/system", ASKED},
    {"/prompt", ASKED},        {"/question", ASKED},    {"/query", ASKED},
    {"/output", ANSWERED},     {"/response", ANSWERED}, {"/answer", ANSWERED},
    {"/completion", ANSWERED}, {"/chosen", CHOSEN},     {"/rejected", REJECTED},
};

static const struct {
    const char *list, *member;
    enum part part;
} turns[] = {
    {"/messages/", "/content", SPOKEN},
    {"/messages/", "/role", SPEAKER},
    {"/conversations/", "/value", SPOKEN},
    {"/conversations/", "/from", SPEAKER},
};

static int begins(struct assay_bytes text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.ptr, with, len) == 0;
}

/* Whether a path is LIST N MEMBER. */
static int is_turn(struct assay_bytes path, const char *list, const char *member, uint32_t *ret)
{
    size_t i = strlen(list), start = i;
    uint32_t n = 0;
    if (!begins(path, list)) {
        return 0;
    }
    for (; i < path.len && path.ptr[i] >= '0' && path.ptr[i] <= '9' && n < TURNS_MAX; i++) {
        n = 10 * n + (uint32_t)(path.ptr[i] - '0');
    }
    *ret = n;
    return i > start && n < TURNS_MAX &&
           assay_bytes_equal(assay_bytes_make(path.ptr + i, path.len - i), assay_bytes_str(member));
}

static enum part part_of(struct assay_bytes path, uint32_t *ret_index)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i].path);
        int deeper = names[i].part == CHOSEN || names[i].part == REJECTED;
        if (begins(path, names[i].path) && (path.len == len || (deeper && path.ptr[len] == '/'))) {
            return names[i].part;
        }
    }
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        if (is_turn(path, turns[i].list, turns[i].member, ret_index)) {
            return turns[i].part;
        }
    }
    return NOTHING;
}

static enum assay_status make_room(struct dup_turns *t, size_t paths)
{
    if (paths <= t->cap) {
        return ASSAY_OK;
    }
    size_t cap = paths + paths / 2 + 64;
    uint8_t *parts = realloc(t->parts, cap);
    t->parts = parts == NULL ? t->parts : parts;
    uint32_t *indexes = realloc(t->indexes, cap * sizeof *indexes);
    t->indexes = indexes == NULL ? t->indexes : indexes;
    if (parts == NULL || indexes == NULL) {
        return ASSAY_NOMEM;
    }
    t->cap = cap;
    return ASSAY_OK;
}

enum assay_status dup_turns_batch(struct dup_turns *t, const struct assay_batch *b)
{
    enum assay_status st = make_room(t, b->n_paths);
    t->any = 0;
    for (uint32_t i = 0; i < b->n_paths && st == ASSAY_OK; i++) {
        t->indexes[i] = 0;
        t->parts[i] = (uint8_t)part_of(b->paths[i], &t->indexes[i]);
        t->any |= t->parts[i] != NOTHING;
    }
    return st;
}

/* ---- records -----------------------------------------------------------------------------------
 */

static int is_assistant(struct assay_bytes who)
{
    return assay_bytes_equal(who, assay_bytes_str("assistant")) ||
           assay_bytes_equal(who, assay_bytes_str("gpt")) ||
           assay_bytes_equal(who, assay_bytes_str("model"));
}

/* The index of the last turn when an assistant speaks it; ASSAY_NONE. */
static uint32_t answering_turn(const struct dup_turns *t, const struct assay_batch *b,
                               const struct assay_record *r)
{
    uint32_t last = ASSAY_NONE, speaking = ASSAY_NONE;
    for (uint32_t i = r->first_field; i < r->first_field + r->n_fields; i++) {
        const struct assay_field *f = &b->fields[i];
        const uint32_t index = t->indexes[f->path];
        if (t->parts[f->path] == SPOKEN && (last == ASSAY_NONE || index > last)) {
            last = index;
        }
        if (t->parts[f->path] == SPEAKER && is_assistant(assay_batch_value(b, i)) &&
            (speaking == ASSAY_NONE || index > speaking)) {
            speaking = index;
        }
    }
    return last == speaking ? last : ASSAY_NONE;
}

static enum assay_status add(struct dup_text *to, const struct assay_host *host,
                             const struct assay_batch *b, uint32_t field)
{
    return b->fields[field].kind == ASSAY_FIELD_STRING
               ? dup_text_add(to, host, assay_batch_value(b, field))
               : ASSAY_OK;
}

/* Where a field of an instruction record belongs. */
static struct dup_text *side_of(struct dup_turns *t, uint32_t path, uint32_t answering)
{
    switch (t->parts[path]) {
    case ASKED:
        return &t->left;
    case ANSWERED:
        return &t->right;
    case SPOKEN:
        return answering == ASSAY_NONE        ? NULL
               : t->indexes[path] < answering ? &t->left
               : t->indexes[path] > answering ? NULL
                                              : &t->right;
    default:
        return NULL;
    }
}

enum assay_status dup_turns_answer(struct dup_turns *t, const struct assay_host *host,
                                   const struct assay_batch *b, const struct assay_record *r,
                                   int *ret)
{
    enum assay_status st = ASSAY_OK;
    *ret = 0;
    if (!t->any) {
        return ASSAY_OK;
    }
    dup_text_clear(&t->left);
    dup_text_clear(&t->right);
    const uint32_t answering = answering_turn(t, b, r);
    for (uint32_t i = r->first_field; i < r->first_field + r->n_fields && st == ASSAY_OK; i++) {
        struct dup_text *side = side_of(t, b->fields[i].path, answering);
        st = side == NULL ? ASSAY_OK : add(side, host, b, i);
    }
    *ret = t->left.len > 0 && t->right.len > 0;
    return st;
}

enum assay_status dup_turns_sides(struct dup_turns *t, const struct assay_host *host,
                                  const struct assay_batch *b, const struct assay_record *r,
                                  uint32_t *ret_field, int *ret_same)
{
    enum assay_status st = ASSAY_OK;
    uint32_t first = ASSAY_NONE;
    *ret_field = ASSAY_NONE;
    *ret_same = 0;
    if (!t->any) {
        return ASSAY_OK;
    }
    dup_text_clear(&t->left);
    dup_text_clear(&t->right);
    for (uint32_t i = r->first_field; i < r->first_field + r->n_fields && st == ASSAY_OK; i++) {
        const uint8_t part = t->parts[b->fields[i].path];
        if (part == CHOSEN) {
            st = add(&t->left, host, b, i);
        } else if (part == REJECTED) {
            first = first == ASSAY_NONE ? i : first;
            st = add(&t->right, host, b, i);
        }
    }
    *ret_field = t->left.len > 0 && t->right.len > 0 ? first : ASSAY_NONE;
    *ret_same = t->left.len > 0 && t->left.len == t->right.len &&
                memcmp(t->left.buf, t->right.buf, t->left.len) == 0;
    return st;
}

void dup_turns_release(struct dup_turns *t)
{
    dup_text_release(&t->left);
    dup_text_release(&t->right);
    free(t->parts);
    free(t->indexes);
    memset(t, 0, sizeof *t);
}
