/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index_write.c: see the header.
 */
#include "index_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define KEEP_BUFFER ((size_t)1 << 17) /* words */
#define KEEP_OFFSET 44                /* bits of a place that are its offset */
#define KEEP_MASK   ((UINT64_C(1) << KEEP_OFFSET) - 1)
#define NO_ID       UINT64_MAX

/* ---- the keep ------------------------------------------------------------------------------ */

void dup_keep_init(struct dup_keep *k, uint32_t number)
{
    memset(k, 0, sizeof *k);
    k->where.pairs = 1;
    k->number = number;
}

void dup_keep_release(struct dup_keep *k)
{
    for (size_t i = 0; i < k->n_files; i++) {
        (void)close(k->files[i].fd);
    }
    dup_table_release(&k->where);
    free(k->files);
    free(k->buf);
    memset(k, 0, sizeof *k);
}

static enum assay_status grow_files(struct dup_keep *k, size_t more)
{
    void *p = realloc(k->files, (k->n_files + more + 1) * sizeof k->files[0]);
    if (p == NULL) {
        return ASSAY_NOMEM;
    }
    k->files = p;
    return ASSAY_OK;
}

static enum assay_status begin_file(struct dup_keep *k, const struct assay_host *host)
{
    enum assay_status st = grow_files(k, 1);
    k->buf = k->buf == NULL ? malloc(KEEP_BUFFER * sizeof k->buf[0]) : k->buf;
    if (st != ASSAY_OK || k->buf == NULL) {
        return ASSAY_NOMEM;
    }
    k->cap = KEEP_BUFFER;
    const int fd = host->spill(host->ctx);
    if (fd < 0) {
        return errno == ENOSPC ? ASSAY_FULL : ASSAY_IO;
    }
    k->files[k->n_files++] = (struct dup_keep_file){k->number, fd};
    k->own = 1;
    return ASSAY_OK;
}

static enum assay_status flush(struct dup_keep *k)
{
    if (k->n == 0) {
        return ASSAY_OK;
    }
    enum assay_status st =
        dup_write_at(k->files[k->n_files - 1].fd, k->buf, k->n * 8, k->written * 8);
    k->written += k->n;
    k->n = 0;
    return st;
}

static enum assay_status keep_words(struct dup_keep *k, const uint64_t *words, size_t n)
{
    enum assay_status st = ASSAY_OK;
    while (n > 0 && st == ASSAY_OK) {
        const size_t room = k->cap - k->n, now = n < room ? n : room;
        memcpy(k->buf + k->n, words, now * 8);
        k->n += now;
        words += now;
        n -= now;
        st = k->n == k->cap ? flush(k) : st;
    }
    return st;
}

enum assay_status dup_keep_add(struct dup_keep *k, const struct assay_host *host, size_t max,
                               uint64_t id, const uint64_t *set, size_t n)
{
    enum assay_status st = k->own ? ASSAY_OK : begin_file(k, host);
    if (st != ASSAY_OK) {
        return st;
    }
    const uint64_t place[DUP_PAIR_WORDS] = {id, (uint64_t)k->number << KEEP_OFFSET |
                                                    (k->written + k->n)};
    const uint64_t count = n;
    st = keep_words(k, &count, 1);
    st = st == ASSAY_OK ? keep_words(k, set, n) : st;
    return st == ASSAY_OK ? dup_table_add(&k->where, host, max, place) : st;
}

enum assay_status dup_keep_join(struct dup_keep *into, struct dup_keep *from)
{
    enum assay_status st = from->own ? flush(from) : ASSAY_OK;
    st = st == ASSAY_OK && into->own ? flush(into) : st;
    st = st == ASSAY_OK ? grow_files(into, from->n_files) : st;
    st = st == ASSAY_OK ? dup_table_join(&into->where, &from->where) : st;
    if (st != ASSAY_OK) {
        return st;
    }
    /* In front, so that the file being written stays the last. */
    memmove(into->files + from->n_files, into->files, into->n_files * sizeof into->files[0]);
    if (from->n_files > 0) {
        memcpy(into->files, from->files, from->n_files * sizeof into->files[0]);
    }
    into->n_files += from->n_files;
    from->n_files = 0;
    from->own = 0;
    return ASSAY_OK;
}

static int file_of(const struct dup_keep *k, uint64_t place)
{
    for (size_t i = 0; i < k->n_files; i++) {
        if (k->files[i].number == place >> KEEP_OFFSET) {
            return k->files[i].fd;
        }
    }
    return -1;
}

/* ---- the file ------------------------------------------------------------------------------ */

struct writer {
    const struct assay_host *host;
    const struct dup_index_parts *parts;
    struct dup_index_head head;
    int fd;
    char *block; /* of DUP_INDEX_BLOCK */
    size_t n;
    uint64_t at; /* where the block begins */
    uint64_t *checks;
    size_t n_checks, cap_checks;
    uint64_t last_id; /* of sets; they come in order */
    uint64_t hashes;
    uint64_t *set;
    size_t set_cap;
};

static enum assay_status end_block(struct writer *w)
{
    uint64_t hash[2];
    if (w->n == 0) {
        return ASSAY_OK;
    }
    if (w->n_checks == w->cap_checks) {
        const size_t cap = w->cap_checks * 2 + 64;
        void *p = realloc(w->checks, cap * sizeof w->checks[0]);
        if (p == NULL) {
            return ASSAY_NOMEM;
        }
        w->checks = p;
        w->cap_checks = cap;
    }
    w->host->hash128(w->host->ctx, w->block, w->n, 0, hash);
    w->checks[w->n_checks++] = hash[0];
    const enum assay_status st = dup_write_at(w->fd, w->block, w->n, w->at);
    w->at += w->n;
    w->n = 0;
    return st;
}

static enum assay_status put(struct writer *w, const void *data, size_t len)
{
    const char *p = data;
    enum assay_status st = ASSAY_OK;
    while (len > 0 && st == ASSAY_OK) {
        const size_t room = DUP_INDEX_BLOCK - w->n, now = len < room ? len : room;
        memcpy(w->block + w->n, p, now);
        w->n += now;
        p += now;
        len -= now;
        st = w->n == DUP_INDEX_BLOCK ? end_block(w) : st;
    }
    return st;
}

static void begin_section(struct writer *w, enum dup_index_section s)
{
    w->head.sections[s].at = w->at + w->n;
}

static void end_section(struct writer *w, enum dup_index_section s)
{
    w->head.sections[s].bytes = w->at + w->n - w->head.sections[s].at;
}

static enum assay_status put_entry(void *ctx, const uint64_t *entry)
{
    return put(ctx, entry, DUP_ENTRY_WORDS * 8);
}

static enum assay_status put_pair(void *ctx, const uint64_t *entry)
{
    return put(ctx, entry, DUP_PAIR_WORDS * 8);
}

/* How long the set at `place` is. */
static enum assay_status set_count(const struct writer *w, uint64_t place, uint64_t *ret)
{
    return dup_read_at(file_of(w->parts->keep, place), ret, 8, (place & KEEP_MASK) * 8);
}

static enum assay_status put_set(void *ctx, const uint64_t *entry)
{
    struct writer *w = ctx;
    uint64_t count;
    if (entry[0] == w->last_id) {
        return ASSAY_OK; /* the same text again */
    }
    w->last_id = entry[0];
    enum assay_status st = set_count(w, entry[1], &count);
    const uint64_t row[3] = {entry[0], w->hashes, count};
    w->hashes += st == ASSAY_OK ? count : 0;
    return st == ASSAY_OK ? put(w, row, sizeof row) : st;
}

static enum assay_status put_hashes(void *ctx, const uint64_t *entry)
{
    struct writer *w = ctx;
    uint64_t count;
    if (entry[0] == w->last_id) {
        return ASSAY_OK;
    }
    w->last_id = entry[0];
    enum assay_status st = set_count(w, entry[1], &count);
    if (st == ASSAY_OK && count > w->set_cap) {
        void *p = realloc(w->set, count * 8);
        w->set = p == NULL ? w->set : p;
        w->set_cap = p == NULL ? w->set_cap : count;
        st = p == NULL ? ASSAY_NOMEM : ASSAY_OK;
    }
    if (st == ASSAY_OK) {
        st = dup_read_at(file_of(w->parts->keep, entry[1]), w->set, count * 8,
                         ((entry[1] & KEEP_MASK) + 1) * 8);
    }
    return st == ASSAY_OK ? put(w, w->set, count * 8) : st;
}

static enum assay_status put_files(struct writer *w)
{
    static const char zeroes[8];
    enum assay_status st = ASSAY_OK;
    const char *name;
    for (uint32_t i = 0; st == ASSAY_OK && (name = w->host->file_name(w->host->ctx, i)) != NULL;
         i++) {
        st = put(w, name, strlen(name) + 1);
        w->head.files++;
    }
    return st == ASSAY_OK ? put(w, zeroes, (8 - (w->at + w->n) % 8) % 8) : st;
}

static enum assay_status put_table(struct writer *w, enum dup_index_section s, struct dup_table *t,
                                   dup_each *each)
{
    begin_section(w, s);
    w->last_id = NO_ID;
    const enum assay_status st = dup_table_sorted(t, each, w);
    end_section(w, s);
    return st;
}

static enum assay_status put_sections(struct writer *w)
{
    const struct dup_index_parts *p = w->parts;
    enum assay_status st = flush(p->keep);
    st = st == ASSAY_OK ? put_table(w, DUP_INDEX_ENTRIES, p->entries, put_entry) : st;
    st = st == ASSAY_OK ? put_table(w, DUP_INDEX_BANDS, p->bands, put_pair) : st;
    st = st == ASSAY_OK ? put_table(w, DUP_INDEX_SETS, &p->keep->where, put_set) : st;
    st = st == ASSAY_OK ? put_table(w, DUP_INDEX_HASHES, &p->keep->where, put_hashes) : st;
    begin_section(w, DUP_INDEX_FILES);
    st = st == ASSAY_OK ? put_files(w) : st;
    end_section(w, DUP_INDEX_FILES);
    return st == ASSAY_OK ? end_block(w) : st;
}

static enum assay_status put_head(struct writer *w)
{
    struct dup_index_head *h = &w->head;
    uint64_t hash[2];
    h->sections[DUP_INDEX_CHECKS] = (struct dup_index_span){w->at, w->n_checks * 8};
    enum assay_status st = dup_write_at(w->fd, w->checks, w->n_checks * 8, w->at);
    h->magic = DUP_INDEX_MAGIC;
    h->records = w->parts->records;
    h->n_params = w->parts->params.n;
    memcpy(h->params, w->parts->params.values, w->parts->params.n * sizeof h->params[0]);
    (void)snprintf(h->name, sizeof h->name, "%.*s", (int)DUP_INDEX_NAME_MAX, w->parts->name);
    w->host->hash128(w->host->ctx, h, offsetof(struct dup_index_head, check), 0, hash);
    h->check = hash[0];
    return st == ASSAY_OK ? dup_write_at(w->fd, h, sizeof *h, 0) : st;
}

static enum assay_status write_all(struct writer *w)
{
    static const char zeroes[DUP_INDEX_HEAD];
    w->block = malloc(DUP_INDEX_BLOCK);
    if (w->block == NULL) {
        return ASSAY_NOMEM;
    }
    w->at = DUP_INDEX_HEAD;
    enum assay_status st = dup_write_at(w->fd, zeroes, sizeof zeroes, 0);
    st = st == ASSAY_OK ? put_sections(w) : st;
    st = st == ASSAY_OK ? put_head(w) : st;
    return st == ASSAY_OK && fsync(w->fd) != 0 ? ASSAY_IO : st;
}

enum assay_status dup_index_write(const struct dup_index_parts *parts,
                                  const struct assay_host *host, struct assay_error *err)
{
    char part[4096];
    struct writer w = {.host = host, .parts = parts};
    const int len = snprintf(part, sizeof part, "%s.part", parts->path);
    if (len < 0 || (size_t)len >= sizeof part) {
        return assay_fail(err, ASSAY_CONFIG, "the path of the index is too long");
    }
    w.fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w.fd < 0) {
        return assay_fail(err, ASSAY_IO, "cannot write the index %.200s: %s", part,
                          strerror(errno));
    }
    enum assay_status st = write_all(&w);
    (void)close(w.fd);
    if (st == ASSAY_OK && rename(part, parts->path) != 0) {
        st = ASSAY_IO;
    }
    free(w.block);
    free(w.checks);
    free(w.set);
    if (st != ASSAY_OK) {
        (void)unlink(part);
        return assay_fail(err, st, "the index %.200s could not be written%s", parts->path,
                          st == ASSAY_FULL ? ": no space left" : "");
    }
    return ASSAY_OK;
}
