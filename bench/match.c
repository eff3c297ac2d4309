/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/match: how fast the match stage is, and whether every engine finds the same.
 *
 *     bench/match [-m MIB] [-r ROUNDS] [-s SEED] [-d PII_PER_MIB] [-R packs|sample|patterns|words]
 * [-o ORACLE_MIB] [-e vfo]
 *
 * Decoded text of generated records in batches of 256 KiB, as readers yield them. Engines run
 * interleaved; medians of the rounds are printed, in MB (10^6 bytes) of text per second on one
 * thread. The oracle is slow, so it gets the first ORACLE_MIB only and all engines are compared on
 * these.
 */
#include <time.h>

#include "bench/corpus.h"
#include "core/hash.h"
#include "core/limits.h"
#include "rules/matcher/internal.h"
#include "tests/unit/matcher/sample_rules.h"

#define MAX_ROUNDS 31

struct options {
    size_t mib, oracle_mib;
    unsigned rounds, pii;
    uint64_t seed;
    const char *rules;
    const char *engines; /* letters: v, f, o */
};

struct stored {
    struct assay_batch batch;
    struct assay_buf text;
    struct assay_field *fields;
    struct assay_record *records;
};

struct bench {
    struct stored *batches;
    size_t n, n_oracle, text_bytes, oracle_bytes;
};

struct result {
    uint64_t matches;
    uint64_t digest;
    uint64_t limits;
    double seconds;
};

static double cpu_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* other load on the machine does not count */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- batches -------------------------------------------------------------------------------- */

static void add_field(struct stored *s, uint32_t record, struct assay_bytes value, int kind)
{
    struct assay_field *f = &s->fields[s->batch.n_fields++];
    *f = (struct assay_field){.record = record,
                              .start = (uint32_t)s->text.len,
                              .len = (uint32_t)value.len,
                              .kind = (uint8_t)kind};
    assay_buf_addb(&s->text, value);
    assay_buf_addc(&s->text, ASSAY_FIELD_SEPARATOR);
}

static void add_record(struct stored *s, struct assay_bytes text, uint64_t ordinal)
{
    char id[24];
    uint32_t r = s->batch.n_records++;
    s->records[r] =
        (struct assay_record){.ordinal = ordinal, .first_field = s->batch.n_fields, .n_fields = 4};
    (void)snprintf(id, sizeof id, "%llu", (unsigned long long)ordinal);
    add_field(s, r, assay_bytes_str(id), ASSAY_FIELD_NUMBER);
    add_field(s, r, text, ASSAY_FIELD_STRING);
    add_field(s, r, assay_bytes_str("forum"), ASSAY_FIELD_STRING);
    add_field(s, r, assay_bytes_str("en"), ASSAY_FIELD_STRING);
}

static int fill(struct stored *s, struct corpus *c, struct assay_buf *line)
{
    size_t cap = ASSAY_CHUNK / 100;
    assay_buf_init(&s->text, ASSAY_MIB(2));
    s->records = calloc(cap, sizeof *s->records);
    s->fields = calloc(cap * 4, sizeof *s->fields);
    if (s->records == NULL || s->fields == NULL) {
        return 0;
    }
    while (s->text.len < ASSAY_CHUNK && s->batch.n_records < cap) {
        assay_buf_clear(line);
        corpus_record(c, line);
        add_record(s, corpus_text(c), corpus_stats(c)->records - 1);
    }
    s->batch.size = sizeof s->batch;
    s->batch.text = s->text.ptr;
    s->batch.text_len = (uint32_t)s->text.len;
    s->batch.records = s->records;
    s->batch.fields = s->fields;
    return assay_buf_status(&s->text) == ASSAY_OK;
}

static int make_batches(struct bench *b, const struct options *o)
{
    struct corpus *c = corpus_new(o->seed, CORPUS_JSONL, o->pii);
    struct assay_buf line;
    size_t n = o->mib * 4;
    int ok = c != NULL;
    assay_buf_init(&line, ASSAY_MIB(1));
    b->batches = calloc(n, sizeof *b->batches);
    for (b->n = 0; ok && b->batches != NULL && b->n < n; b->n++) {
        ok = fill(&b->batches[b->n], c, &line);
        b->text_bytes += b->batches[b->n].text.len;
        if (b->n < o->oracle_mib * 4) {
            b->oracle_bytes += b->batches[b->n].text.len;
            b->n_oracle++;
        }
    }
    assay_buf_release(&line);
    corpus_free(c);
    return ok && b->batches != NULL;
}

static void release_batches(struct bench *b)
{
    for (size_t i = 0; i < b->n; i++) {
        assay_buf_release(&b->batches[i].text);
        free(b->batches[i].fields);
        free(b->batches[i].records);
    }
    free(b->batches);
}

/* ---- runs ----------------------------------------------------------------------------------- */

static void run(const struct assay_matcher *m, struct assay_scratch *s, const struct bench *b,
                size_t n_batches, struct result *r)
{
    double start = cpu_now();
    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < n_batches; i++) {
        struct assay_match_list list;
        if (assay_matcher_scan(m, s, &b->batches[i].batch, &list) != ASSAY_OK) {
            fprintf(stderr, "scan failed\n");
            exit(1);
        }
        r->matches += list.count;
        r->limits += list.limit_hits;
        if (list.count > 0) {
            r->digest = assay_xxh3_64(list.items, list.count * sizeof *list.items, r->digest + 1);
        }
    }
    r->seconds = cpu_now() - start;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
    qsort(v, n, sizeof *v, compare_doubles);
    return v[n / 2];
}

enum { VECTORSCAN, FALLBACK, ORACLE, ENGINES };

struct engine {
    struct assay_matcher *m;
    struct assay_scratch *s;
    double rate[MAX_ROUNDS], rate_part[MAX_ROUNDS];
    struct result all, part;
};

static int open_engine(struct engine *e, int which, const struct options *o,
                       const struct assay_ruleset *rs)
{
    static const enum assay_matcher_engine engines[] = {
        ASSAY_ENGINE_VECTORSCAN, ASSAY_ENGINE_PREFILTER, ASSAY_ENGINE_ORACLE};
    struct assay_matcher_options opt = {engines[which], getenv("ASSAY_BENCH_CACHE")};
    struct assay_error err;
    const struct assay_rule *rules = NULL;
    uint32_t n = strcmp(o->rules, "sample") == 0  ? sample_pack_rules(&rules)
                 : strcmp(o->rules, "words") == 0 ? sample_word_rules(&rules)
                                                  : sample_pattern_rules(&rules);
    double start = cpu_now();
    enum assay_status rc = rs != NULL ? assay_matcher_new(rs, &opt, &e->m, &err)
                                      : assay_matcher_new_rules(rules, n, &opt, &e->m, &err);
    if (rc != ASSAY_OK || assay_scratch_new(e->m, &e->s, &err) != ASSAY_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 0;
    }
    printf("%-10s ready in %.1f ms%s\n", assay_matcher_engine_name(e->m), (cpu_now() - start) * 1e3,
           assay_matcher_from_cache(e->m) ? " (cache)" : "");
    return 1;
}

static void measure(struct engine *e, const struct bench *b, const struct options *o)
{
    for (unsigned r = 0; r < o->rounds; r++) {
        for (int k = 0; k < ENGINES; k++) {
            if (e[k].m == NULL) {
                continue;
            }
            if (k != ORACLE) {
                run(e[k].m, e[k].s, b, b->n, &e[k].all);
                e[k].rate[r] = (double)b->text_bytes / e[k].all.seconds / 1e6;
            }
            run(e[k].m, e[k].s, b, b->n_oracle, &e[k].part);
            e[k].rate_part[r] = (double)b->oracle_bytes / e[k].part.seconds / 1e6;
        }
    }
}

static int print(struct engine *e, const struct bench *b, const struct options *o)
{
    int same = 1;
    double part[ENGINES] = {0};
    printf("text %.1f MB (%.1f MB with the oracle), %u rounds, rules: %s\n",
           (double)b->text_bytes / 1e6, (double)b->oracle_bytes / 1e6, o->rounds, o->rules);
    for (int k = 0; k < ENGINES; k++) {
        if (e[k].m == NULL) {
            continue;
        }
        part[k] = median(e[k].rate_part, o->rounds);
        printf("%-10s %8.1f MB/s all, %8.1f MB/s part, %llu matches in part, %llu limits\n",
               assay_matcher_engine_name(e[k].m), k == ORACLE ? 0 : median(e[k].rate, o->rounds),
               part[k], (unsigned long long)e[k].part.matches,
               (unsigned long long)e[k].part.limits);
        same = same && e[k].part.digest == e[ORACLE].part.digest &&
               e[k].part.matches == e[ORACLE].part.matches;
    }
    if (e[ORACLE].m == NULL) {
        return 1;
    }
    printf("vectorscan/oracle %.1f  prefilter/oracle %.1f  identical: %s\n",
           part[VECTORSCAN] / part[ORACLE], part[FALLBACK] / part[ORACLE], same ? "yes" : "NO");
    return same;
}

static int parse_options(int argc, char **argv, struct options *o)
{
    int c = 0;
    while ((c = getopt(argc, argv, "m:r:s:d:R:o:e:")) != -1) {
        unsigned long v = optarg == NULL ? 0 : strtoul(optarg, NULL, 10);
        switch (c) {
        case 'm':
            o->mib = v;
            break;
        case 'r':
            o->rounds = (unsigned)(v < MAX_ROUNDS ? v : MAX_ROUNDS);
            break;
        case 's':
            o->seed = v;
            break;
        case 'd':
            o->pii = (unsigned)v;
            break;
        case 'o':
            o->oracle_mib = v;
            break;
        case 'R':
            o->rules = optarg;
            break;
        case 'e':
            o->engines = optarg;
            break;
        default:
            return 0;
        }
    }
    o->oracle_mib = o->oracle_mib < o->mib ? o->oracle_mib : o->mib;
    return o->mib > 0 && o->rounds > 0;
}

int main(int argc, char **argv)
{
    struct options o = {50, 5, 5, 100, 1, "packs", "vfo"};
    static struct engine e[ENGINES];
    struct bench b = {.n = 0};
    struct assay_ruleset *rs = NULL;
    if (!parse_options(argc, argv, &o)) {
        fprintf(stderr,
                "usage: %s [-m MIB] [-r ROUNDS] [-s SEED] [-d PII_PER_MIB] [-o ORACLE_MIB] "
                "[-R packs|sample|patterns|words] [-e vfo]\n",
                argv[0]);
        return 2;
    }
    if (strcmp(o.rules, "packs") == 0) {
        struct assay_diags *d = assay_diags_new();
        rs = assay_ruleset_load(NULL, 0, NULL, 0, d);
        assay_diags_free(d);
        if (rs == NULL) {
            fprintf(stderr, "the embedded packs do not load\n");
            return 1;
        }
    }
    int ok = make_batches(&b, &o);
    for (int k = 0; ok && k < ENGINES; k++) {
        int wanted = strchr(o.engines, "vfo"[k]) != NULL;
        ok = !wanted || (k == VECTORSCAN && !assay_vs_available()) || open_engine(&e[k], k, &o, rs);
    }
    if (ok) {
        measure(e, &b, &o);
        ok = print(e, &b, &o);
    }
    for (int k = 0; k < ENGINES; k++) {
        assay_scratch_free(e[k].s);
        assay_matcher_free(e[k].m);
    }
    release_batches(&b);
    assay_ruleset_free(rs);
    return ok ? 0 : 1;
}
