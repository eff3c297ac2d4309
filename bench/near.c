/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/near: makes, judges and times what bench/duplicates measures.
 *
 *     bench/near generate DIR RECORDS [SEED]     part-NNN.jsonl in DIR, PART records each
 *     bench/near judge RECORDS SEED <FINDINGS    recall by Jaccard index and by change, precision
 *     bench/near sketch                          MB/s of sketching, against a textbook MinHash
 *
 * `judge` reads the lines of "assay scan -f jsonl". A planted pair counts as found when both records
 * are in one group of any tier; every member of a group of near-duplicates must really be like
 * another one. Exits with 1 when a goal is missed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/near_corpus.h"
#include "plugins/scanners/duplicates/bands.h"

#define PART      50000
#define THRESHOLD 800000
#define MEMBERS   1000

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

/* ---- generating --------------------------------------------------------------------------------
 */

static int generate(const char *dir, uint64_t records, uint64_t seed)
{
    struct assay_buf line;
    FILE *out = NULL;
    assay_buf_init(&line, 1 << 20);
    for (uint64_t i = 0; i < records; i++) {
        struct near_text t;
        uint64_t of;
        if (i % PART == 0) {
            char name[4096];
            (void)snprintf(name, sizeof name, "%s/part-%05llu.jsonl", dir,
                           (unsigned long long)(i / PART));
            if ((out != NULL && fclose(out) != 0) || (out = fopen(name, "w")) == NULL) {
                fail(name);
            }
        }
        (void)near_make(seed, i, &t, &of);
        assay_buf_clear(&line);
        assay_buf_addf(&line, "{\"id\":%llu,\"text\":\"", (unsigned long long)i);
        near_write(&t, &line);
        assay_buf_adds(&line, "\"}\n");
        if (fwrite(line.ptr, 1, line.len, out) != line.len) {
            fail(dir);
        }
    }
    assay_buf_release(&line);
    if (out != NULL && fclose(out) != 0) {
        fail(dir);
    }
    return 0;
}

/* ---- judging -----------------------------------------------------------------------------------
 */

struct judging {
    uint64_t records, seed;
    uint32_t *parent;
    uint64_t groups, members, wrong;
};

static uint32_t root_of(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* The number behind `label`, which the line begins with; NULL when it does not. */
static const char *read_number(const char *line, const char *label, uint64_t *ret)
{
    char *end;
    if (strncmp(line, label, strlen(label)) != 0) {
        return NULL;
    }
    *ret = strtoull(line + strlen(label), &end, 10);
    return end;
}

/* The members of a finding's line, by number; how many there are. */
static size_t read_members(const struct judging *j, const char *line, uint32_t *out)
{
    size_t n = 0;
    while (n < MEMBERS && (line = strstr(line, "{\"file\":\"part-")) != NULL) {
        uint64_t part, record;
        const char *at = read_number(line, "{\"file\":\"part-", &part);
        at = at == NULL ? NULL : read_number(at, ".jsonl\",\"record\":", &record);
        if (at != NULL && part * PART + record < j->records) {
            out[n++] = (uint32_t)(part * PART + record);
        }
        line++;
    }
    return n;
}

/* Whether every member is like another one. */
static void check_group(struct judging *j, const uint32_t *members, size_t n)
{
    struct near_text a, b;
    uint64_t of;
    j->groups++;
    j->members += n;
    for (size_t i = 0; i < n; i++) {
        int ok = 0;
        (void)near_make(j->seed, members[i], &a, &of);
        for (size_t k = 0; k < n && !ok; k++) {
            if (k != i) {
                (void)near_make(j->seed, members[k], &b, &of);
                ok = near_jaccard(&a, &b) >= THRESHOLD;
            }
        }
        j->wrong += !ok;
    }
}

static void read_findings(struct judging *j)
{
    static uint32_t members[MEMBERS];
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0) {
        if (strstr(line, "\"rule\":\"duplicates.hot_bucket\"") != NULL) {
            continue;
        }
        size_t n = read_members(j, line, members);
        for (size_t i = 1; i < n; i++) {
            uint32_t a = root_of(j->parent, members[0]), b = root_of(j->parent, members[i]);
            j->parent[a > b ? a : b] = a < b ? a : b;
        }
        if (n > 0 && strstr(line, "\"rule\":\"duplicates.near\"") != NULL) {
            check_group(j, members, n);
        }
    }
    free(line);
}

struct row {
    uint64_t planted, found;
};

static int say_row(const char *what, const struct row *r, double goal)
{
    double recall = r->planted == 0 ? 1 : (double)r->found / (double)r->planted;
    int missed = goal > 0 && recall < goal;
    (void)printf("%-14s %9llu planted %9llu found  %.4f", what, (unsigned long long)r->planted,
                 (unsigned long long)r->found, recall);
    (void)printf(goal > 0 ? "  goal %.2f %s\n" : "\n", goal, missed ? "short" : "PASS");
    return missed;
}

static int judge(uint64_t records, uint64_t seed)
{
    static const struct {
        const char *name;
        uint64_t from;
        double goal;
    } bins[] = {{"J 0", 0, 0},
                {"J 0.5", 500000, 0},
                {"J 0.6", 600000, 0},
                {"J 0.7", 700000, 0},
                {"J 0.75", 750000, 0},
                {"J 0.8", 800000, 0.97},
                {"J 0.85", 850000, 0.99},
                {"J 0.9", 900000, 0.99},
                {"J 0.95", 950000, 0.99},
                {"J 1", 1000000, 0.99}};
    enum { BINS = sizeof bins / sizeof bins[0] };
    struct row by_bin[BINS] = {{0, 0}}, by_change[NEAR_CHANGES] = {{0, 0}};
    struct judging j = {.records = records, .seed = seed};
    int missed = 0;
    j.parent = malloc((records + 1) * sizeof *j.parent);
    if (j.parent == NULL) {
        fail("judge");
    }
    for (uint64_t i = 0; i < records; i++) {
        j.parent[i] = (uint32_t)i;
    }
    read_findings(&j);
    for (uint64_t i = 9; i < records; i += 10) {
        struct near_text a, b;
        uint64_t of, none;
        enum near_change how = near_make(seed, i, &a, &of);
        (void)near_make(seed, of, &b, &none);
        uint64_t jaccard = near_jaccard(&a, &b);
        unsigned bin = BINS - 1;
        for (; jaccard < bins[bin].from; bin--) {
        }
        uint64_t found = root_of(j.parent, (uint32_t)i) == root_of(j.parent, (uint32_t)of);
        by_bin[bin].planted++;
        by_bin[bin].found += found;
        by_change[how].planted += jaccard >= THRESHOLD;
        by_change[how].found += jaccard >= THRESHOLD && found;
    }
    for (unsigned i = 0; i < BINS; i++) {
        missed |= say_row(bins[i].name, &by_bin[i], bins[i].goal);
    }
    for (unsigned i = 1; i < NEAR_CHANGES; i++) {
        missed |= say_row(near_change_names[i], &by_change[i], 0.97);
    }
    (void)printf("%llu groups of %llu near-duplicates, %llu of them unlike all others  %s\n",
                 (unsigned long long)j.groups, (unsigned long long)j.members,
                 (unsigned long long)j.wrong, j.wrong == 0 ? "PASS" : "short");
    free(j.parent);
    return missed || j.wrong > 0;
}

/* ---- sketching ---------------------------------------------------------------------------------
 */

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The MinHash of textbooks: (a x + b) mod p, p = 2^61 - 1. */
static void textbook(const uint64_t *x, size_t n, struct dup_sketch *ret)
{
    static uint64_t a[DUP_MINIMA], b[DUP_MINIMA];
    const uint64_t p = (UINT64_C(1) << 61) - 1;
    for (unsigned i = 0; a[DUP_MINIMA - 1] == 0 && i < DUP_MINIMA; i++) {
        a[i] = (i + 1) * UINT64_C(0x9E3779B97F4A7C15) % p;
        b[i] = (i + 1) * UINT64_C(0xD1342543DE82EF95) % p;
    }
    for (unsigned i = 0; i < DUP_MINIMA; i++) {
        uint64_t min = UINT64_MAX;
        for (size_t k = 0; k < n; k++) {
            __extension__ unsigned __int128 product =
                (unsigned __int128)a[i] * (uint32_t)x[k] + b[i];
            uint64_t h = (uint64_t)(product % p);
            min = h < min ? h : min;
        }
        ret->min[i] = (uint32_t)min;
    }
}

struct texts {
    struct assay_buf all;
    size_t ends[2500];
    size_t n;
};

static void make_texts(struct texts *t, int han)
{
    struct near_text text;
    uint64_t of;
    assay_buf_init(&t->all, 1 << 24);
    t->n = 0;
    for (uint64_t i = 0; t->n < 2500; i++) {
        if (near_make(1, i, &text, &of) == NEAR_NONE && text.han == han) {
            near_write(&text, &t->all);
            t->ends[t->n++] = t->all.len;
        }
    }
}

static uint32_t check; /* so that nothing is left out */

/* MB/s over `rounds` rounds; minhash NULL: tokens and shingles only. */
static double sketch_all(const struct texts *t, dup_minhash *minhash, unsigned rounds)
{
    static uint64_t shingles[4096];
    static const struct assay_host no_host;
    struct dup_tokens tokens = {0};
    struct dup_sketch sketch = {{0}};
    double began = cpu_seconds();
    for (unsigned r = 0; r < rounds; r++) {
        for (size_t i = 0; i < t->n; i++) {
            size_t from = i == 0 ? 0 : t->ends[i - 1];
            dup_tokens_clear(&tokens);
            if (dup_tokens_add(&tokens, &no_host,
                               assay_bytes_make(t->all.ptr + from, t->ends[i] - from)) !=
                ASSAY_OK) {
                fail("sketch");
            }
            dup_shingles(tokens.items, tokens.n, shingles);
            if (minhash != NULL) {
                minhash(shingles, dup_shingle_count(tokens.n), &sketch);
            }
            check += sketch.min[7] + (uint32_t)shingles[0];
        }
    }
    double took = cpu_seconds() - began;
    dup_tokens_release(&tokens);
    return (double)t->all.len * rounds / took / 1e6;
}

static double median_of(const struct texts *t, dup_minhash *minhash, unsigned rounds)
{
    double v[5];
    for (unsigned i = 0; i < 5; i++) {
        double x = sketch_all(t, minhash, rounds);
        unsigned at = i;
        for (; at > 0 && v[at - 1] > x; at--) {
            v[at] = v[at - 1];
        }
        v[at] = x;
    }
    return v[2];
}

static int sketch(void)
{
    static const struct {
        const char *name;
        double goal;
    } languages[] = {{"English", 250}, {"Chinese", 150}};
    int missed = 0;
    for (int han = 0; han < 2; han++) {
        struct texts t;
        make_texts(&t, han);
        double tokens = median_of(&t, NULL, 40), ours = median_of(&t, dup_minhash_get(0), 20);
        double book = median_of(&t, textbook, 1);
        int ok = ours >= languages[han].goal;
        missed |= !ok;
        (void)printf("%s: tokens and shingles %.0f MB/s, sketches %.0f MB/s (goal %.0f %s), "
                     "textbook %.1f MB/s, %.1f times\n",
                     languages[han].name, tokens, ours, languages[han].goal, ok ? "PASS" : "short",
                     book, ours / book);
        for (unsigned way = 1; dup_minhash_get(way) != NULL; way++) {
            (void)printf("%s: sketches by way %u %.0f MB/s\n", languages[han].name, way,
                         median_of(&t, dup_minhash_get(way), 4));
        }
        assay_buf_release(&t.all);
    }
    (void)fprintf(stderr, "(%08x)\n", check);
    return missed;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "generate") == 0) {
        return generate(argv[2], strtoull(argv[3], NULL, 10),
                        argc > 4 ? strtoull(argv[4], NULL, 10) : 1);
    }
    if (argc == 4 && strcmp(argv[1], "judge") == 0) {
        return judge(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    }
    if (argc == 2 && strcmp(argv[1], "sketch") == 0) {
        return sketch();
    }
    (void)fprintf(stderr, "usage: bench/near generate DIR RECORDS [SEED] | judge RECORDS SEED | "
                          "sketch\n");
    return 2;
}
