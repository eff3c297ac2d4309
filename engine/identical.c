/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/identical.c: see the header. A stage fills in `key` of the files that are left, on all
 * threads; sorting brings equals together; whoever stands alone leaves.
 */
#include "engine/identical.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/hash.h"
#include "core/limits.h"

#define HEAD  ASSAY_KIB(4)
#define BLOCK ASSAY_KIB(256)
#define TAKE  16 /* files taken at once by a thread */

struct same_file {
    uint64_t bytes;
    uint32_t file;
    uint8_t lost; /* could not be read, or is not what it was */
    uint8_t key[ASSAY_SHA256_LEN];
};

struct stage {
    const struct assay_inventory *inv;
    const atomic_int *cancel;
    struct same_file *files;
    size_t n;
    int whole; /* read all, not only the head */
    atomic_size_t next;
    atomic_int no_memory;
};

/* What one thread reads with. */
struct reading {
    struct assay_sha256 *sha;
    char *block;
};

static int is_cancelled(const atomic_int *cancel)
{
    return cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed) != 0;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Up to `cap` bytes; less at the end of the file only. -1 with errno. */
static ssize_t read_full(int fd, char *buf, size_t cap)
{
    size_t have = 0;
    while (have < cap) {
        ssize_t n = read(fd, buf + have, cap - have);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        have += n < 0 ? 0 : (size_t)n;
    }
    return (ssize_t)have;
}

static int hash_head(const struct reading *r, struct same_file *f, int fd)
{
    size_t want = f->bytes < HEAD ? (size_t)f->bytes : HEAD;
    ssize_t n = read_full(fd, r->block, HEAD);
    if (n < 0 || (size_t)n != want) {
        return -1;
    }
    memset(f->key, 0, sizeof f->key);
    if (f->bytes <= HEAD) {
        char more;
        return f->bytes == HEAD && read_full(fd, &more, 1) != 0      ? -1
               : assay_sha256_of(r->block, want, f->key) == ASSAY_OK ? 0
                                                                     : -1;
    }
    uint64_t h[2];
    assay_xxh3_128(r->block, want, 0, h);
    memcpy(f->key, h, sizeof h);
    return 0;
}

static int hash_whole(const struct reading *r, struct same_file *f, int fd)
{
    uint64_t total = 0;
    ssize_t n = 1;
    int bad = assay_sha256_start(r->sha) != ASSAY_OK;
    while (!bad && n > 0) {
        n = read_full(fd, r->block, BLOCK);
        total += n > 0 ? (uint64_t)n : 0;
        bad = n < 0 || total > f->bytes ||
              (n > 0 && assay_sha256_update(r->sha, r->block, (size_t)n) != ASSAY_OK);
    }
    bad = assay_sha256_finish(r->sha, f->key) != ASSAY_OK || bad;
    return bad || total != f->bytes ? -1 : 0;
}

static void read_file(const struct stage *s, const struct reading *r, struct same_file *f)
{
    struct stat st;
    if (s->whole && f->bytes <= HEAD) {
        return; /* its head was all */
    }
    int fd = assay_inventory_open(s->inv, f->file);
    f->lost = fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
              (s->whole ? hash_whole(r, f, fd) : hash_head(r, f, fd)) != 0;
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void *stage_main(void *arg)
{
    struct stage *s = arg;
    struct reading r = {assay_sha256_new(), malloc(BLOCK)};
    if (r.sha == NULL || r.block == NULL) {
        atomic_store(&s->no_memory, 1);
    }
    while (!atomic_load(&s->no_memory) && !is_cancelled(s->cancel)) {
        size_t from = atomic_fetch_add(&s->next, TAKE);
        if (from >= s->n) {
            break;
        }
        for (size_t i = from; i < s->n && i < from + TAKE; i++) {
            read_file(s, &r, &s->files[i]);
        }
    }
    assay_sha256_free(r.sha);
    free(r.block);
    return NULL;
}

static enum assay_status run_stage(struct stage *s, unsigned jobs, int whole)
{
    pthread_t threads[ASSAY_LIMIT_JOBS];
    unsigned started = 0;
    s->whole = whole;
    atomic_store(&s->next, 0);
    while (started + 1 < jobs && (size_t)started * TAKE < s->n &&
           pthread_create(&threads[started], NULL, stage_main, s) == 0) {
        started++;
    }
    (void)stage_main(s);
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return atomic_load(&s->no_memory) ? ASSAY_NOMEM : ASSAY_OK;
}

/* ---- who is left --------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const struct same_file *x = a, *y = b;
    int order = x->bytes != y->bytes ? (x->bytes < y->bytes ? -1 : 1)
                                     : memcmp(x->key, y->key, sizeof x->key);
    return order != 0 ? order : (x->file > y->file) - (x->file < y->file);
}

static int is_same(const struct same_file *a, const struct same_file *b)
{
    return a->bytes == b->bytes && memcmp(a->key, b->key, sizeof a->key) == 0;
}

/* Sorts, and takes out what is lost (counted) and what is like no other. */
static void keep_groups(struct stage *s, uint64_t *unread)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        *unread += s->files[i].lost;
        if (!s->files[i].lost) {
            s->files[n++] = s->files[i];
        }
    }
    if (n > 1) {
        qsort(s->files, n, sizeof *s->files, by_key);
    }
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && is_same(&s->files[from], &s->files[to]);) {
            to++;
        }
        if (to - from > 1) {
            memmove(s->files + kept, s->files + from, (to - from) * sizeof *s->files);
            kept += to - from;
        }
    }
    s->n = kept;
}

static enum assay_status list(struct stage *s, struct assay_error *err)
{
    size_t n = assay_inventory_count(s->inv);
    s->files = assay_alloc_array(n + 1, sizeof *s->files);
    if (s->files == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bytes = assay_inventory_get(s->inv, i)->bytes;
        if (!assay_inventory_seekable(s->inv, i)) {
            return assay_fail(err, ASSAY_USAGE, "standard input cannot be compared as a file");
        }
        if (bytes > 0) {
            s->files[s->n++] = (struct same_file){.bytes = bytes, .file = i};
        }
    }
    return ASSAY_OK;
}

/* ---- the result ---------------------------------------------------------------------------- */

static int by_file(const void *a, const void *b)
{
    const struct assay_redundant *x = a, *y = b;
    return x->file < y->file ? -1 : x->file > y->file;
}

static enum assay_status make_rows(const struct stage *s, struct assay_identical *ret)
{
    const struct same_file *first = s->files;
    ret->rows = assay_alloc_array(s->n + 1, sizeof *ret->rows);
    if (ret->rows == NULL) {
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct same_file *f = &s->files[i];
        if (i == 0 || !is_same(first, f)) {
            first = f;
            ret->groups++;
            continue;
        }
        ret->rows[ret->n++] = (struct assay_redundant){.record = ASSAY_NO_RECORD,
                                                       .keep_record = ASSAY_NO_RECORD,
                                                       .file = f->file,
                                                       .keep_file = first->file,
                                                       .similarity = 1000};
    }
    if (ret->n > 1) {
        qsort(ret->rows, ret->n, sizeof *ret->rows, by_file);
    }
    return ASSAY_OK;
}

static unsigned threads_for(unsigned jobs)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (jobs == 0) {
        jobs = sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
    }
    return jobs > ASSAY_LIMIT_JOBS ? ASSAY_LIMIT_JOBS : jobs;
}

enum assay_status assay_identical_find(const struct assay_inventory *inv, unsigned jobs,
                                       const atomic_int *cancel, struct assay_identical *ret,
                                       struct assay_error *err)
{
    struct stage s = {.inv = inv, .cancel = cancel};
    memset(ret, 0, sizeof *ret);
    enum assay_status status = list(&s, err);
    if (status != ASSAY_OK) {
        free(s.files);
        return status;
    }
    keep_groups(&s, &ret->unread);
    ret->read_some = s.n;
    for (int whole = 0; whole < 2 && status == ASSAY_OK; whole++) {
        status = run_stage(&s, threads_for(jobs), whole);
        keep_groups(&s, &ret->unread);
    }
    ret->cancelled = is_cancelled(cancel);
    if (ret->cancelled) {
        s.n = 0; /* what was compared says nothing of the rest */
    }
    status = status == ASSAY_OK ? make_rows(&s, ret) : status;
    free(s.files);
    return status == ASSAY_OK ? ASSAY_OK : assay_fail(err, status, "out of memory");
}

void assay_identical_release(struct assay_identical *r)
{
    free(r->rows);
    memset(r, 0, sizeof *r);
}
