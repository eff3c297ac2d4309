/* SPDX-License-Identifier: Apache-2.0
 *
 * The exact tree: what is on disk against what the manifest lists.
 *
 * The engine's inventory walks the disk (the same rules as the audit: beneath the root, nothing
 * followed, sorted), so the comparison is a merge of two sorted lists. Files in both are hashed by
 * several threads that take the next line from a shared counter; each writes only its own line's
 * outcome. Everything is reported afterwards, in the order of names, so output does not depend on
 * the threads.
 */
#include "reports/verify_internal.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/limits.h"
#include "engine/inventory.h"

#define READ_BUFFER   ASSAY_MIB(1)
#define PROGRESS_STEP ASSAY_MIB(16)

enum outcome { MISSING, THERE, SAME, CHANGED, UNREADABLE, REPLACED };

struct line_state {
    size_t entry; /* in the inventory */
    uint8_t outcome;
};

struct tree {
    struct assay_verifier *v;
    const struct assay_manifest *m;
    struct assay_inventory *inv;
    struct line_state *lines;
    atomic_size_t next;
    atomic_ullong bytes;
    pthread_mutex_t progress_lock;
};

/* ---- comparing lists ------------------------------------------------------------------------ */

static void compare_lists(struct tree *t)
{
    size_t n_lines = assay_manifest_count(t->m), n_entries = assay_inventory_count(t->inv);
    size_t line = 0, entry = 0;
    while (entry < n_entries) {
        const char *name = assay_inventory_get(t->inv, entry)->name;
        int c = line == n_lines ? 1 : strcmp(assay_manifest_get(t->m, line)->name, name);
        if (c == 0) {
            t->lines[line++] = (struct line_state){entry++, THERE};
        } else if (c < 0) {
            line++; /* stays MISSING */
        } else {
            assay_verifier_fail(t->v, ASSAY_CHECK_FILE_EXTRA, name,
                                "is not in the manifest: it was not audited");
            entry++;
        }
    }
}

/* Index of the line with that name; SIZE_MAX. */
static size_t find_line(const struct assay_manifest *m, const char *name)
{
    size_t low = 0, high = assay_manifest_count(m);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = strcmp(assay_manifest_get(m, mid)->name, name);
        if (c == 0) {
            return mid;
        }
        if (c < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return SIZE_MAX;
}

static const char *skip_message(enum assay_skip why, int listed)
{
    if (why == ASSAY_SKIP_SYMLINK) {
        return listed ? "is a symbolic link now, not the file that was audited"
                      : "is a symbolic link: no report speaks for it; replace it by the file, or "
                        "remove it, and audit again";
    }
    if (why == ASSAY_SKIP_SPECIAL) {
        return listed ? "is a special file now, not the file that was audited"
                      : "is a special file (device, socket or pipe): no report speaks for it; "
                        "remove it, and audit again";
    }
    return why == ASSAY_SKIP_UNREADABLE ? "cannot be read" : "cannot be examined";
}

static void report_skips(struct tree *t)
{
    for (size_t i = 0; i < assay_inventory_skips(t->inv); i++) {
        const struct assay_skipped *skip = assay_inventory_skip(t->inv, i);
        int odd = skip->why == ASSAY_SKIP_SYMLINK || skip->why == ASSAY_SKIP_SPECIAL;
        size_t line = find_line(t->m, skip->name);
        int listed = line != SIZE_MAX;
        if (listed) {
            t->lines[line].outcome = REPLACED;
        }
        assay_verifier_fail(t->v,
                            !odd     ? ASSAY_CHECK_FILE_UNREADABLE
                            : listed ? ASSAY_CHECK_FILE_CHANGED
                                     : ASSAY_CHECK_FILE_EXTRA,
                            skip->name, skip_message(skip->why, listed));
    }
}

/* ---- hashing -------------------------------------------------------------------------------- */

static void advance(void *ctx, uint64_t bytes)
{
    struct tree *t = ctx;
    unsigned long long before = atomic_fetch_add(&t->bytes, bytes);
    const struct assay_verify_options *opt = t->v->opt;
    if (opt->progress != NULL && before / PROGRESS_STEP != (before + bytes) / PROGRESS_STEP) {
        pthread_mutex_lock(&t->progress_lock);
        opt->progress(opt->report_ctx, before + bytes, assay_inventory_bytes(t->inv));
        pthread_mutex_unlock(&t->progress_lock);
    }
}

static enum outcome check_file(struct tree *t, size_t line, struct assay_sha256 *hash, void *buffer)
{
    uint8_t digest[32];
    int fd = assay_inventory_open(t->inv, t->lines[line].entry);
    if (fd < 0) {
        return UNREADABLE;
    }
    int rc = assay_hash_fd(fd, hash, buffer, READ_BUFFER, digest, advance, t);
    (void)close(fd);
    if (rc != 0) {
        return UNREADABLE;
    }
    return memcmp(digest, assay_manifest_get(t->m, line)->sha256, sizeof digest) == 0 ? SAME
                                                                                      : CHANGED;
}

static void *hash_lines(void *arg)
{
    struct tree *t = arg;
    struct assay_sha256 *hash = assay_sha256_new();
    void *buffer = aligned_alloc(4096, READ_BUFFER);
    size_t n = assay_manifest_count(t->m);
    if (hash != NULL && buffer != NULL) {
        for (size_t i = atomic_fetch_add(&t->next, 1); i < n; i = atomic_fetch_add(&t->next, 1)) {
            if (t->lines[i].outcome == THERE) {
                t->lines[i].outcome = (uint8_t)check_file(t, i, hash, buffer);
            }
        }
    }
    assay_sha256_free(hash);
    free(buffer);
    return NULL;
}

static unsigned thread_count(const struct tree *t)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = t->v->opt->jobs != 0 ? t->v->opt->jobs : cpus > 0 ? (size_t)cpus : 1;
    size_t files = assay_manifest_count(t->m);
    n = n > ASSAY_LIMIT_JOBS ? ASSAY_LIMIT_JOBS : n;
    return (unsigned)(n > files ? files : n);
}

/* The caller's thread works too; a thread that cannot be started is done without. */
static enum assay_status hash_all(struct tree *t, struct assay_error *err)
{
    pthread_t threads[ASSAY_LIMIT_JOBS];
    unsigned started = 0;
    for (unsigned n = thread_count(t); started + 1 < n; started++) {
        if (pthread_create(&threads[started], NULL, hash_lines, t) != 0) {
            break;
        }
    }
    (void)hash_lines(t);
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < assay_manifest_count(t->m); i++) {
        if (t->lines[i].outcome == THERE) {
            return assay_fail(err, ASSAY_NOMEM, "out of memory while hashing");
        }
    }
    return ASSAY_OK;
}

/* ---- reporting ------------------------------------------------------------------------------ */

static void report_lines(struct tree *t)
{
    static const struct {
        enum assay_check check;
        const char *message;
    } rows[] = {
        [MISSING] = {ASSAY_CHECK_FILE_MISSING, "is in the manifest and not on disk"},
        [CHANGED] = {ASSAY_CHECK_FILE_CHANGED, "has other content than was audited"},
        [UNREADABLE] = {ASSAY_CHECK_FILE_UNREADABLE, "cannot be read"},
    };
    for (size_t i = 0; i < assay_manifest_count(t->m); i++) {
        unsigned o = t->lines[i].outcome;
        if (o == MISSING || o == CHANGED || o == UNREADABLE) {
            assay_verifier_fail(t->v, rows[o].check, assay_manifest_get(t->m, i)->name,
                                rows[o].message);
        }
    }
}

static void report_good(struct assay_verifier *v)
{
    static const struct {
        enum assay_check check;
        const char *message;
    } rows[] = {
        {ASSAY_CHECK_FILE_MISSING, "none: every listed file is there"},
        {ASSAY_CHECK_FILE_EXTRA, "none: nothing else is there"},
        {ASSAY_CHECK_FILE_CHANGED, "none: every file has the audited content"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (v->failed[rows[i].check] == 0 && v->failed[ASSAY_CHECK_FILE_UNREADABLE] == 0) {
            assay_verifier_ok(v, rows[i].check, rows[i].message);
        }
    }
}

enum assay_status assay_verify_tree(struct assay_verifier *v, const struct assay_manifest *m,
                                    struct assay_error *err)
{
    struct tree t = {.v = v, .m = m};
    const char *const roots[] = {v->opt->dataset};
    enum assay_status s = assay_inventory_build(roots, NULL, 1, &t.inv, err);
    if (s != ASSAY_OK) {
        return s;
    }
    t.lines = calloc(assay_manifest_count(m) + 1, sizeof *t.lines);
    if (t.lines == NULL) {
        assay_inventory_free(t.inv);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    (void)pthread_mutex_init(&t.progress_lock, NULL);
    compare_lists(&t);
    report_skips(&t);
    s = hash_all(&t, err);
    report_lines(&t);
    if (s == ASSAY_OK) {
        report_good(v);
    }
    (void)pthread_mutex_destroy(&t.progress_lock);
    free(t.lines);
    assay_inventory_free(t.inv);
    return s;
}
