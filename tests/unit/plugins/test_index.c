/* SPDX-License-Identifier: Apache-2.0
 * Earlier deliveries in runs: which run a delivery is in changes neither answers nor, once merged,
 * a byte; what was dropped was never there; what does not belong together is refused. */
#include "tests/unit/plugins/scanner_host.h"

#include <dirent.h>
#include <unistd.h>

#include "plugins/scanners/duplicates/index.h"

extern const struct assay_scanner assay_scanner_duplicates;
static const struct assay_scanner *const sc = &assay_scanner_duplicates;

#define DELIVERIES 6
#define TEXTS      90
#define WORDS      80
#define FILES      3
#define PROBE      DELIVERIES /* the delivery that is checked */

static uint64_t random_state;

static unsigned next_random(unsigned below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % below);
}

/* ---- deliveries ---------------------------------------------------------------------------- */

static char texts[DELIVERIES + 1][TEXTS][1024];
static char dir[64];
static const char *const names[] = {"june", "april", "may.2", "may", "december", "august"};
static const char *const files[FILES] = {"a.jsonl", "b/c.jsonl", "z.jsonl"};

static void print_words(char *out, const unsigned *words)
{
    size_t len = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        len += (size_t)snprintf(out + len, 1024 - len, "word%u ", words[i]);
    }
}

/* A third new, a third like a text of any delivery, and a third from one template with one word of
 * its own: more of these share a band key than are compared. The probe repeats, too. */
static void make_texts(void)
{
    static unsigned pool[DELIVERIES * TEXTS + TEXTS][WORDS];
    unsigned n = 0;
    random_state = 88172645463325252u;
    for (unsigned d = 0; d <= DELIVERIES; d++) {
        for (unsigned t = 0; t < TEXTS; t++, n++) {
            const unsigned kind = n == 0 ? 0 : next_random(3);
            if (kind == 0) {
                for (unsigned i = 0; i < WORDS; i++) {
                    pool[n][i] = next_random(5000);
                }
            } else {
                const unsigned of = kind == 1 ? next_random(n) : 0;
                memcpy(pool[n], pool[of], sizeof pool[n]);
                for (unsigned k = of == 0 ? 1 : next_random(3); k > 0; k--) {
                    pool[n][next_random(WORDS)] = next_random(5000);
                }
            }
            print_words(texts[d][t], pool[n]);
            if (next_random(8) == 0) {
                texts[d][t][0] = 'W'; /* the same form in other bytes */
            }
        }
    }
}

static void path_of(const char *name, char out[128])
{
    (void)snprintf(out, 128, "%s/%s", dir, name);
}

struct audit {
    struct fake fake;
    struct assay_host host;
    struct recorder rec;
    struct assay_sink sink;
};

static void set(struct audit *a, const char *name, const char *value)
{
    for (size_t i = 0; i < 8; i++) {
        if (a->fake.options[i].name == NULL || strcmp(a->fake.options[i].name, name) == 0) {
            a->fake.options[i].name = name;
            a->fake.options[i].value = value;
            return;
        }
    }
    fail();
}

static void audit_init(struct audit *a)
{
    memset(a, 0, sizeof *a);
    a->fake.rules = a->rec.rules = sc->rules;
    a->fake.budget = 1 << 26;
    a->fake.files = files;
    a->fake.n_files = FILES;
    a->host = fake_host(&a->fake);
    a->sink = recorder_sink(&a->rec);
    set(a, "near", "true");
}

static void scan_text(struct audit *a, const void *shared, void *local, unsigned d, unsigned t)
{
    struct assay_field field = {.len = (uint32_t)strlen(texts[d][t]), .kind = ASSAY_FIELD_STRING};
    struct assay_bytes path = {"/t", 2};
    struct assay_record record = {
        .ordinal = t / FILES, .raw = assay_bytes_str(texts[d][t]), .n_fields = 1};
    struct assay_batch batch = {.size = sizeof batch,
                                .file = t % FILES,
                                .text = texts[d][t],
                                .text_len = field.len,
                                .n_records = 1,
                                .n_fields = 1,
                                .n_paths = 1,
                                .records = &record,
                                .fields = &field,
                                .paths = &path};
    const struct assay_scan_input in = {.size = sizeof in, .batch = &batch};
    assert_int_equal(sc->scan(shared, local, &in, &a->sink), ASSAY_OK);
}

/* Audits a delivery; what was said, for the caller to free. */
static char *run_audit(struct audit *a, unsigned d)
{
    void *shared, *local;
    int wanted = 0;
    assert_int_equal(sc->init(&a->host, &shared, NULL), ASSAY_OK);
    assert_int_equal(sc->local_init(shared, &local, NULL), ASSAY_OK);
    for (unsigned t = 0; t < TEXTS; t++) {
        scan_text(a, shared, local, d, t);
    }
    assert_int_equal(sc->review_begin(shared, local, &wanted, NULL), ASSAY_OK);
    assert_int_equal(sc->finish(shared, local, &a->sink), ASSAY_OK);
    sc->local_free(local);
    sc->free(shared);
    return recorder_take(&a->rec);
}

static void add(unsigned d, const char *run)
{
    struct audit a;
    char path[128];
    audit_init(&a);
    path_of(run, path);
    set(&a, "index_write", path);
    set(&a, "index_name", names[d]);
    free(run_audit(&a, d));
}

/* `runs`: names in the directory, separated by spaces; paths separated by colons. */
static void paths_of(const char *runs, char out[2048])
{
    char copy[512], *rest = NULL;
    size_t len = 0;
    (void)snprintf(copy, sizeof copy, "%s", runs);
    out[0] = '\0';
    for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
        len += (size_t)snprintf(out + len, 2048 - len, "%s%s/%s", len == 0 ? "" : ":", dir, w);
    }
}

/* Of the probe, only what was delivered before. */
static char *check(const char *runs)
{
    struct audit a;
    char paths[2048], *rest = NULL;
    struct assay_buf out;
    audit_init(&a);
    paths_of(runs, paths);
    set(&a, "index", paths);
    char *all = run_audit(&a, PROBE);
    assay_buf_init(&out, 1 << 20);
    for (char *line = strtok_r(all, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strstr(line, "duplicates.delivered") != NULL) {
            assay_buf_addf(&out, "%s\n", line);
        }
    }
    assay_buf_addc(&out, '\0');
    free(all);
    return assay_buf_take(&out);
}

static enum assay_status merge(const char *runs, const char *into, const char *drop,
                               struct assay_error *err)
{
    struct audit a;
    char paths[2048], path[128];
    audit_init(&a);
    paths_of(runs, paths);
    path_of(into, path);
    set(&a, "index", paths);
    set(&a, "index_write", path);
    if (drop != NULL) {
        set(&a, "index_drop", drop);
    }
    return sc->maintain(&a.host, err);
}

static void must_merge(const char *runs, const char *into, const char *drop)
{
    struct assay_error err = {0};
    if (merge(runs, into, drop, &err) != ASSAY_OK) {
        fail_msg("%s", err.message);
    }
}

static void read_run(const char *run, struct assay_buf *out)
{
    char path[128];
    path_of(run, path);
    assay_buf_init(out, (size_t)1 << 26);
    assert_int_equal(assay_fs_read_file(path, (size_t)1 << 26, out, NULL), ASSAY_OK);
}

static void assert_same_run(const char *a, const char *b)
{
    struct assay_buf x, y;
    read_run(a, &x);
    read_run(b, &y);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.ptr, y.ptr, x.len);
    assay_buf_release(&x);
    assay_buf_release(&y);
}

static void assert_same_answers(const char *runs, const char *expected)
{
    char *answers = check(runs);
    assert_string_equal(answers, expected);
    free(answers);
}

static int set_up(void **state)
{
    char name[8];
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/assay-index.XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    make_texts();
    for (unsigned d = 0; d < DELIVERIES; d++) {
        (void)snprintf(name, sizeof name, "%u", d);
        add(d, name);
    }
    must_merge("0 1 2 3 4 5", "all", NULL);
    return 0;
}

static int tear_down(void **state)
{
    char path[384];
    (void)state;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    (void)closedir(d);
    return rmdir(dir);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void answers_of_every_kind(void **state)
{
    (void)state;
    char *answers = check("0 1 2 3 4 5");
    assert_non_null(strstr(answers, "same bytes as record "));
    assert_non_null(strstr(answers, "same text as record "));
    assert_non_null(strstr(answers, "near-duplicate of record "));
    assert_non_null(strstr(answers, "of b/c.jsonl in delivery "));
    assert_non_null(strstr(answers, "~duplicates.delivered_deliveries 6/1"));
    assert_null(strstr(answers, "~duplicates.delivered_capped 0/1")); /* the bound is met */
    free(answers);
}

/* Of equally close partners the first is named: by delivery, not by run. */
static void first_partner(void **state)
{
    (void)state;
    char *answers = check("5 4 3 2 1 0");
    assert_non_null(strstr(answers, "in delivery april"));
    assert_same_answers("0 1 2 3 4 5", answers);
    free(answers);
}

struct runs {
    char name[DELIVERIES][16];
    unsigned n;
};

static void list_runs(const struct runs *r, char out[256])
{
    size_t len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < r->n; i++) {
        len += (size_t)snprintf(out + len, 256 - len, "%s ", r->name[i]);
    }
}

/* Merges two of them, whichever. */
static void merge_two(struct runs *r, const char *into)
{
    char list[64];
    const unsigned a = next_random(r->n), b = (a + 1 + next_random(r->n - 1)) % r->n;
    (void)snprintf(list, sizeof list, "%s %s", r->name[a], r->name[b]);
    must_merge(list, into, NULL);
    (void)snprintf(r->name[a], sizeof r->name[a], "%s", into);
    memmove(r->name[b], r->name[--r->n], sizeof r->name[b]);
}

/* However runs are merged, step by step, the answers stay; and the last run has the bytes of one
 * that was made at once. */
static void any_grouping(void **state)
{
    (void)state;
    char *expected = check("0 1 2 3 4 5"), list[256], into[16];
    random_state = 4101842887655102017u;
    for (unsigned trial = 0; trial < 8; trial++) {
        struct runs r = {.n = DELIVERIES};
        for (unsigned i = 0; i < DELIVERIES; i++) {
            (void)snprintf(r.name[i], sizeof r.name[i], "%u", i);
        }
        for (unsigned step = 0; r.n > 1; step++) {
            (void)snprintf(into, sizeof into, "m%u.%u", trial, step);
            merge_two(&r, into);
            list_runs(&r, list);
            assert_same_answers(list, expected);
        }
        assert_same_run(r.name[0], "all");
    }
    free(expected);
}

/* A delivery that is dropped, alone or while merging, leaves nothing behind. */
static void dropped_is_as_if_never_added(void **state)
{
    (void)state;
    must_merge("0 1 4 5", "four", NULL);
    must_merge("all", "dropped", "may.2,may");
    assert_same_run("dropped", "four");
    must_merge("2 0 3 1", "some", NULL);
    must_merge("some 4 5", "dropped", "may,may.2");
    assert_same_run("dropped", "four");
    char *expected = check("5 0 4 1");
    assert_same_answers("dropped", expected);
    free(expected);
}

static void assert_refused(const char *runs, const char *drop, enum assay_status status,
                           const char *because)
{
    struct assay_error err = {0};
    assert_int_equal(merge(runs, "refused", drop, &err), status);
    if (strstr(err.message, because) == NULL) {
        fail_msg("'%s' does not say '%s'", err.message, because);
    }
    char path[128];
    path_of("refused", path);
    assert_int_equal(access(path, F_OK), -1);
    path_of("refused.part", path);
    assert_int_equal(access(path, F_OK), -1);
}

static void what_does_not_belong_together(void **state)
{
    (void)state;
    struct audit a;
    char path[128];
    audit_init(&a);
    path_of("other", path);
    set(&a, "index_write", path);
    set(&a, "index_name", "other");
    set(&a, "near_threshold", "700");
    free(run_audit(&a, 0));
    assert_refused("1 other", NULL, ASSAY_CONFIG, "another near_threshold");
    assert_refused("1 2 1", NULL, ASSAY_CONFIG, "'april' is in two of the indexes");
    assert_refused("1 2", "april,may.2", ASSAY_CONFIG, "no delivery would be left");
    assert_refused("1 2", "may", ASSAY_NOTFOUND, "no delivery 'may'");
    assert_refused("", NULL, ASSAY_CONFIG, "no index to merge");
}

/* A run made with other parameters is refused before a delivery is read that would lie beside. */
static void new_beside_old(void **state)
{
    (void)state;
    struct audit a;
    struct assay_error err = {0};
    char path[128], old[2048];
    void *shared;
    audit_init(&a);
    path_of("beside", path);
    paths_of("1 2", old);
    set(&a, "index_write", path);
    set(&a, "index", old);
    set(&a, "min_chars", "9");
    assert_int_equal(sc->init(&a.host, &shared, &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "another min_chars"));
}

static void change_byte(const char *run, long at)
{
    char path[128];
    path_of(run, path);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    const int c = fgetc(f);
    assert_int_equal(fseek(f, -1, SEEK_CUR), 0);
    assert_int_equal(fputc(c ^ 1, f), c ^ 1);
    assert_int_equal(fclose(f), 0);
}

/* A damaged run never gets into a whole one. */
static void damage_is_not_merged(void **state)
{
    (void)state;
    static const long places[] = {3, 200, 5000, 20000, -9};
    must_merge("1", "hurt", NULL);
    assert_same_run("hurt", "1");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        change_byte("hurt", places[i]);
        assert_refused("2 hurt", NULL, i == 0 ? ASSAY_UNSUPPORTED : ASSAY_CORRUPT,
                       i == 0 ? "no index of this version" : "damaged");
        change_byte("hurt", places[i]);
    }
    must_merge("2 hurt", "whole", NULL);
}

static struct dup_index *open_run(const char *run)
{
    struct audit a;
    struct assay_error err = {0};
    struct dup_index *x;
    char path[128];
    static struct assay_host host;
    audit_init(&a);
    host = a.host;
    path_of(run, path);
    if (dup_index_open(path, NULL, &host, &x, &err) != ASSAY_OK) {
        fail_msg("%s", err.message);
    }
    return x;
}

/* The slow way. */
static size_t first_from(const struct dup_index *x, enum dup_index_section s, uint64_t key)
{
    const size_t n = dup_index_count(x, s);
    for (size_t i = 0; i < n; i++) {
        if (dup_index_item(x, s, i)[0] >= key) {
            return i;
        }
    }
    return n;
}

/* Keys that are there, beside them and elsewhere, alone and side by side. */
static void searching(void **state)
{
    (void)state;
    static const enum dup_index_section sections[] = {DUP_INDEX_ENTRIES, DUP_INDEX_BANDS,
                                                      DUP_INDEX_SETS};
    struct dup_index *x = open_run("all");
    random_state = 88172645463325252u;
    for (unsigned s = 0; s < 3; s++) {
        const size_t n = dup_index_count(x, sections[s]);
        assert_true(n > 100);
        for (unsigned round = 0; round < 40; round++) {
            uint64_t keys[DUP_INDEX_AT_ONCE] = {0, UINT64_MAX};
            size_t each[DUP_INDEX_AT_ONCE], one;
            for (unsigned i = 2; i < DUP_INDEX_AT_ONCE; i++) {
                const size_t at = i == 2 ? 0 : i == 3 ? n - 1 : next_random((unsigned)n);
                keys[i] = dup_index_item(x, sections[s], at)[0] + i % 3 - 1;
            }
            assert_int_equal(dup_index_from_each(x, sections[s], keys, DUP_INDEX_AT_ONCE, each),
                             ASSAY_OK);
            for (unsigned i = 0; i < DUP_INDEX_AT_ONCE; i++) {
                assert_int_equal(each[i], first_from(x, sections[s], keys[i]));
                assert_int_equal(dup_index_from(x, sections[s], keys[i], &one), ASSAY_OK);
                assert_int_equal(one, each[i]);
            }
        }
    }
    dup_index_close(x);
}

/* A block is checked when something of it is asked for, and what is damaged is not handed out. */
static void damage_is_met_where_it_is(void **state)
{
    (void)state;
    struct assay_error err = {0};
    must_merge("1 2 3", "hurt", NULL);
    struct dup_index *x = open_run("hurt");
    const size_t n = dup_index_count(x, DUP_INDEX_BANDS), in_block = DUP_INDEX_BLOCK / 16;
    const uint64_t last = dup_index_item(x, DUP_INDEX_BANDS, n - 1)[0];
    dup_index_close(x);
    assert_true(n > 3 * in_block);
    const size_t entries = 3 * TEXTS * DUP_ENTRY_WORDS * 8;
    const size_t block = (entries + n * 8) / DUP_INDEX_BLOCK; /* in the middle of the bands */
    change_byte("hurt", (long)(DUP_INDEX_HEAD + block * DUP_INDEX_BLOCK));
    x = open_run("hurt");
    size_t at;
    assert_int_equal(dup_index_from(x, DUP_INDEX_SETS, last, &at), ASSAY_OK);
    assert_non_null(dup_index_item(x, DUP_INDEX_BANDS, 0));
    assert_non_null(dup_index_item(x, DUP_INDEX_BANDS, n - 1));
    assert_int_equal(dup_index_damage(x, &err), ASSAY_OK);
    assert_null(dup_index_item(x, DUP_INDEX_BANDS, n / 2));
    assert_null(dup_index_item(x, DUP_INDEX_BANDS, n / 2));
    assert_int_equal(dup_index_damage(x, &err), ASSAY_CORRUPT);
    char named[64];
    (void)snprintf(named, sizeof named, "hurt: block %zu does not match", block);
    assert_non_null(strstr(err.message, named));
    dup_index_close(x);
    x = open_run("hurt");
    assert_int_equal(dup_index_verify(x, &err), ASSAY_CORRUPT);
    assert_non_null(strstr(err.message, named));
    dup_index_close(x);
}

static void without_a_place_to_write(void **state)
{
    (void)state;
    struct audit a;
    struct assay_error err = {0};
    char paths[2048];
    audit_init(&a);
    paths_of("0 1", paths);
    set(&a, "index", paths);
    assert_int_equal(sc->maintain(&a.host, &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "index_write"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_every_kind),
        cmocka_unit_test(first_partner),
        cmocka_unit_test(any_grouping),
        cmocka_unit_test(dropped_is_as_if_never_added),
        cmocka_unit_test(new_beside_old),
        cmocka_unit_test(what_does_not_belong_together),
        cmocka_unit_test(searching),
        cmocka_unit_test(damage_is_met_where_it_is),
        cmocka_unit_test(damage_is_not_merged),
        cmocka_unit_test(without_a_place_to_write),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
