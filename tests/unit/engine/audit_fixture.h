/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/engine/audit_fixture.h: a temporary dataset, a scanner that finds CANARY tokens, and
 * the whole result of an audit as text. */
#ifndef ASSAY_TESTS_AUDIT_FIXTURE_H
#define ASSAY_TESTS_AUDIT_FIXTURE_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/status.h"
#include "engine/result.h"
#include "engine/run.h"

/* ---- files --------------------------------------------------------------------------------- */

static char fixture_dir[64];

static int fixture_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* Every test starts in an empty directory with an empty `data`. */
static int fixture_setup(void **state)
{
    (void)state;
    (void)snprintf(fixture_dir, sizeof fixture_dir, "/tmp/assay-audit-XXXXXX");
    return mkdtemp(fixture_dir) == NULL || chdir(fixture_dir) != 0 ? -1 : mkdir("data", 0777);
}

static int fixture_teardown(void **state)
{
    (void)state;
    return chdir("/") != 0 ? -1 : nftw(fixture_dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Root may read everything: what must fail is done as somebody else. */
static inline void fixture_as_nobody(int on)
{
    if (on && geteuid() == 0) {
        assert_int_equal(chmod(fixture_dir, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
    } else if (!on && getuid() == 0) {
        assert_int_equal(seteuid(0), 0);
    }
}

static inline void put_bytes(const char *name, const void *data, size_t len)
{
    char path[2048];
    for (const char *slash = name; (slash = strchr(slash, '/')) != NULL; slash++) {
        (void)snprintf(path, sizeof path, "%.*s", (int)(slash - name), name);
        assert_true(mkdir(path, 0777) == 0 || errno == EEXIST);
    }
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(fd >= 0);
    for (size_t i = 0; i < len;) {
        ssize_t n = write(fd, (const char *)data + i, len - i);
        assert_true(n > 0);
        i += (size_t)n;
    }
    assert_int_equal(close(fd), 0);
}

static inline void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

/* Records of 100 to 600 bytes, every third of which holds a token. */
static inline void add_records(struct assay_buf *b, unsigned seed, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned r = (seed + i) * 2654435761u;
        assay_buf_addf(b, "{\"id\":%u,\"text\":\"", i);
        for (unsigned k = 0; k < 6 + r % 50; k++) {
            assay_buf_addf(b, "w%u 字 ", (r >> (k % 20)) & 255u);
        }
        if (i % 3 == 0) {
            assay_buf_addf(b, "CANARY%06u and CANARY%06u", i % 1000000, (i * 7) % 1000000);
        }
        assay_buf_adds(b, "\",\"nested\":{\"list\":[\"a\",\"CANARY777777\"]}}\n");
    }
    assert_int_equal(assay_buf_status(b), ASSAY_OK);
}

/* ---- a scanner ------------------------------------------------------------------------------ */

/* Finds CANARY and six digits by itself, counts records, and speaks of the whole at the end. */
struct spot {
    uint64_t records, files;
    uint64_t first_seen[4]; /* files with index < 256 that hold a token */
};

static int spot_fail_at_end;         /* finish() fails, having said all it had to say */
static int spot_mixed_group;         /* its group has records as well as files */
static int spot_fail_on_record = -1; /* scan() fails on a batch that holds this ordinal */

static const struct assay_rule_decl spot_rules[] = {
    {"spot.canary", "CANARY", ASSAY_SEVERITY_HIGH, "Canary", "金丝雀", "x", "x"},
    {"spot.group", NULL, ASSAY_SEVERITY_LOW, "Files with a canary", "文件", "x", "x"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

struct spot_shared {
    uint32_t canary, group;
};

static enum assay_status spot_init(const struct assay_host *host, void **ret,
                                   struct assay_error *err)
{
    struct spot_shared *s = calloc(1, sizeof *s);
    (void)err;
    s->canary = host->rule_index(host->ctx, "spot.canary");
    s->group = host->rule_index(host->ctx, "spot.group");
    *ret = s;
    return ASSAY_OK;
}

static enum assay_status spot_local(const void *shared, void **ret, struct assay_error *err)
{
    (void)shared;
    (void)err;
    *ret = calloc(1, sizeof(struct spot));
    return ASSAY_OK;
}

static enum assay_status spot_field(const struct spot_shared *s, struct spot *l,
                                    const struct assay_batch *b, uint32_t i,
                                    struct assay_sink *sink)
{
    struct assay_bytes v = assay_batch_value(b, i);
    const char *p = v.ptr, *end = v.ptr + v.len;
    while ((p = memmem(p, (size_t)(end - p), "CANARY", 6)) != NULL && end - p >= 12) {
        struct assay_finding f = assay_finding_init(s->canary);
        f.field = i;
        f.start = (uint32_t)(p - v.ptr);
        f.end = f.start + 12;
        f.confidence = (uint16_t)(p[11] == '7' ? 400 : 950);
        f.value = assay_bytes_make(p, 12);
        enum assay_status status = sink->finding(sink->ctx, &f);
        if (status != ASSAY_OK) {
            return status;
        }
        l->first_seen[b->file / 64 % 4] |= UINT64_C(1) << b->file % 64;
        p += 12;
    }
    return ASSAY_OK;
}

static enum assay_status spot_scan(const void *shared, void *local,
                                   const struct assay_scan_input *in, struct assay_sink *sink)
{
    enum assay_status status = ASSAY_OK;
    struct spot *l = local;
    for (uint32_t r = 0; r < in->batch->n_records; r++) {
        if (spot_fail_on_record >= 0 &&
            in->batch->records[r].ordinal == (uint64_t)spot_fail_on_record) {
            return ASSAY_INTERNAL;
        }
    }
    /* Backwards, so that the order of findings is the engine's doing. */
    for (uint32_t i = in->batch->n_fields; i-- > 0 && status == ASSAY_OK;) {
        status = spot_field(shared, l, in->batch, i, sink);
    }
    l->records += in->batch->n_records;
    return status;
}

static enum assay_status spot_file(const void *shared, void *local, const struct assay_file *file,
                                   struct assay_sink *sink)
{
    (void)shared;
    (void)file;
    (void)sink;
    ((struct spot *)local)->files++;
    return ASSAY_OK;
}

static enum assay_status spot_merge(const void *shared, void *into, void *from,
                                    struct assay_error *err)
{
    (void)shared;
    (void)err;
    struct spot *a = into, *b = from;
    a->records += b->records;
    a->files += b->files;
    for (int i = 0; i < 4; i++) {
        a->first_seen[i] |= b->first_seen[i];
    }
    return ASSAY_OK;
}

static enum assay_status spot_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    const struct spot_shared *s = shared;
    const struct spot *l = merged;
    struct assay_member members[256];
    struct assay_finding f = assay_finding_init(s->group);
    for (uint32_t i = 0; i < 256; i++) {
        if ((l->first_seen[i / 64] >> i % 64 & 1) != 0) {
            const uint64_t record = spot_mixed_group && i == 0 ? 0 : ASSAY_NO_RECORD;
            members[f.n_members++] = (struct assay_member){i, record};
        }
    }
    f.members = members;
    f.members_total = f.n_members;
    enum assay_status status = f.n_members == 0 ? ASSAY_OK : sink->finding(sink->ctx, &f);
    status = status == ASSAY_OK ? sink->metric(sink->ctx, "spot.records", l->records, 1) : status;
    status = status == ASSAY_OK ? sink->metric(sink->ctx, "spot.files", l->files, 1) : status;
    return status == ASSAY_OK && spot_fail_at_end ? ASSAY_INTERNAL : status;
}

static const struct assay_scanner spot_scanner = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "spot",
    .version = "1",
    .license = "Apache-2.0",
    .summary = "finds canaries",
    .rules = spot_rules,
    .init = spot_init,
    .local_init = spot_local,
    .scan = spot_scan,
    .file = spot_file,
    .merge = spot_merge,
    .finish = spot_finish,
    .local_free = free,
    .free = free,
};

/* ---- an audit -------------------------------------------------------------------------------- */

struct bench {
    struct assay_plugins *plugins;
    struct assay_ruleset *rules;
    struct assay_matcher *matcher;
    struct assay_policy *policy;
    struct assay_audit_options opt;
    struct assay_tuning tuning;
    struct assay_audit *audit;
    struct assay_error err;
};

static const uint8_t fixture_key[32] = {1, 2, 3};
static const char *const fixture_roots[] = {"data"};

static void assert_no_diags(struct assay_diags *d)
{
    if (assay_diags_errors(d) > 0) {
        struct assay_error err;
        (void)assay_diags_first(d, &err);
        fail_msg("%s", err.message);
    }
    assay_diags_free(d);
}

/* The built-in readers, the scanner above and nothing else; one pack with one pattern rule. */
static inline void bench_open(struct bench *b, const char *policy)
{
    memset(b, 0, sizeof *b);
    static const char *const packs[] = {"pack"};
    put("pack/pack.yaml", "pack: p\nversion: 1.0.0\ntitle: {en: P, zh: 包}\n");
    put("pack/r.yaml", "- id: p.token\n  entity: TOKEN\n  scanner: spot\n"
                       "  title: {en: Token, zh: 令牌}\n  severity: high\n"
                       "  detect: {pattern: 'TOKEN[0-9]{6}', confidence: {base: 0.9}}\n"
                       "  mask: {keep_first: 2}\n"
                       "  tests: {hit: ['TOKEN123456'], miss: ['TOKEN12345']}\n");
    put("policy.yaml", policy != NULL ? policy
                                      : "policy: p\nversion: 1.0.0\ntitle: {en: P, zh: 策}\n"
                                        "fail:\n  - {id: F1, expr: 'count(severity >= critical) "
                                        "== 0'}\n");
    b->plugins = assay_plugins_new();
    size_t n = 0;
    assert_int_equal(assay_plugins_add_scanner(b->plugins, &spot_scanner, &b->err), ASSAY_OK);
    const struct assay_rule_decl *const *decls = assay_plugins_decls(b->plugins, &n);
    struct assay_diags *d = assay_diags_new();
    b->rules = assay_ruleset_load(packs, 1, decls, n, d);
    b->policy = b->rules == NULL ? NULL : assay_policy_load("policy.yaml", b->rules, d);
    assert_no_diags(d);
    const struct assay_matcher_options mo = {ASSAY_ENGINE_AUTO, NULL};
    assert_int_equal(assay_matcher_new(b->rules, &mo, &b->matcher, &b->err), ASSAY_OK);
    b->opt = (struct assay_audit_options){.roots = fixture_roots,
                                          .n_roots = 1,
                                          .plugins = b->plugins,
                                          .rules = b->rules,
                                          .matcher = b->matcher,
                                          .policy = b->policy,
                                          .jobs = 2,
                                          .fingerprint_key = fixture_key};
}

static inline enum assay_status bench_try(struct bench *b)
{
    assay_audit_free(b->audit);
    return assay_audit_run_tuned(&b->opt, &b->tuning, &b->audit, &b->err);
}

static inline void bench_run(struct bench *b)
{
    if (bench_try(b) != ASSAY_OK) {
        fail_msg("%s", b->err.message);
    }
}

static inline void bench_close(struct bench *b)
{
    assay_audit_free(b->audit);
    assay_policy_free(b->policy);
    assay_matcher_free(b->matcher);
    assay_ruleset_free(b->rules);
    assay_plugins_free(b->plugins);
}

/* ---- the result as text ---------------------------------------------------------------------- */

static inline void dump_found(struct assay_buf *out, const struct bench *b,
                              const struct assay_found *f)
{
    assay_buf_addf(out, "%s|%s|%lld|%s|%llu-%llu|%llu-%llu|%llu|%u|%s|%s|",
                   assay_ruleset_rule(b->rules, f->rule)->view.id, f->file == NULL ? "-" : f->file,
                   (long long)f->record, f->field == NULL ? "-" : f->field,
                   (unsigned long long)f->start, (unsigned long long)f->end,
                   (unsigned long long)f->byte_start, (unsigned long long)f->byte_end,
                   (unsigned long long)f->offset, f->confidence,
                   f->masked == NULL ? "-" : f->masked, f->detail == NULL ? "-" : f->detail);
    assay_buf_addhex(out, f->fingerprint, sizeof f->fingerprint);
    for (size_t i = 0; i < f->n_members; i++) {
        assay_buf_addf(out, " %s:%lld", f->members[i].file, (long long)f->members[i].record);
    }
    assay_buf_addc(out, '\n');
}

static inline void dump_counts(struct assay_buf *out, const struct bench *b)
{
    const struct assay_coverage *c = assay_audit_coverage(b->audit);
    assay_buf_addf(out, "files %llu/%llu records %llu/%llu bytes %llu/%llu text %llu verdict %d\n",
                   (unsigned long long)c->files_scanned, (unsigned long long)c->files_total,
                   (unsigned long long)c->records_scanned, (unsigned long long)c->records_total,
                   (unsigned long long)c->bytes_scanned, (unsigned long long)c->bytes_total,
                   (unsigned long long)c->text_bytes, (int)assay_audit_verdict(b->audit));
    for (unsigned i = 0; i < ASSAY_SKIP_MAX; i++) {
        const struct assay_skip_count *s = &c->skipped[i];
        if (s->files + s->records + s->bytes > 0) {
            assay_buf_addf(out, "skip %s %llu %llu %llu\n", assay_skip_name((enum assay_skip)i),
                           (unsigned long long)s->files, (unsigned long long)s->records,
                           (unsigned long long)s->bytes);
        }
    }
    for (uint32_t r = 0; r < assay_ruleset_count(b->rules); r++) {
        const struct assay_rule_tally *t = assay_audit_tally(b->audit, r);
        assay_buf_addf(
            out, "rule %s: records %llu files %llu:", assay_ruleset_rule(b->rules, r)->view.id,
            (unsigned long long)t->records, (unsigned long long)t->files);
        for (unsigned k = 0; k < ASSAY_CONFIDENCE_BANDS; k++) {
            assay_buf_addf(out, " %llu", (unsigned long long)t->findings[k]);
        }
        assay_buf_addc(out, '\n');
    }
    for (size_t i = 0; i < assay_audit_terms(b->audit); i++) {
        const struct assay_term_result *t = assay_audit_term(b->audit, i);
        assay_buf_addf(out, "term %s ok %d %llu/%llu\n", t->id, t->ok, (unsigned long long)t->num,
                       (unsigned long long)t->den);
    }
    for (size_t i = 0; i < assay_audit_metrics(b->audit); i++) {
        const struct assay_metric *m = assay_audit_metric(b->audit, i);
        assay_buf_addf(out, "metric %s %llu/%llu\n", m->name, (unsigned long long)m->num,
                       (unsigned long long)m->den);
    }
}

static inline void dump_entries(struct assay_buf *out, const struct bench *b)
{
    const struct assay_inventory *inv = assay_audit_inventory(b->audit);
    for (size_t i = 0; i < assay_inventory_count(inv); i++) {
        const struct assay_entry *e = assay_inventory_get(inv, i);
        assay_buf_addf(out, "%s %llu %llu %s %s ", e->name, (unsigned long long)e->bytes,
                       (unsigned long long)e->records, assay_status_name(e->status),
                       e->reader == NULL ? "-" : e->reader);
        assay_buf_addhex(out, e->sha256, sizeof e->sha256);
        assay_buf_addc(out, '\n');
    }
    for (size_t i = 0; i < assay_inventory_skips(inv); i++) {
        const struct assay_skipped *s = assay_inventory_skip(inv, i);
        assay_buf_addf(out, "%s %s\n", s->name, assay_skip_name(s->why));
    }
}

/* Everything that can reach a report. The caller frees it. */
static inline char *bench_dump(const struct bench *b)
{
    struct assay_buf out;
    struct assay_cursor *c;
    struct assay_found f;
    struct assay_error err;
    uint64_t n = 0;
    assay_buf_init(&out, (size_t)1 << 30);
    assert_int_equal(assay_cursor_open(b->audit, &c, &err), ASSAY_OK);
    while (assay_cursor_next(c, &f, &err) == ASSAY_OK) {
        dump_found(&out, b, &f);
        n++;
    }
    assay_cursor_close(c);
    assert_int_equal(n, assay_audit_findings(b->audit));
    dump_counts(&out, b);
    dump_entries(&out, b);
    assert_int_equal(assay_buf_status(&out), ASSAY_OK);
    return assay_buf_take(&out);
}

/* The numerator of a metric that must be there. */
static inline uint64_t metric(const struct bench *b, const char *name)
{
    for (size_t i = 0; i < assay_audit_metrics(b->audit); i++) {
        if (strcmp(assay_audit_metric(b->audit, i)->name, name) == 0) {
            return assay_audit_metric(b->audit, i)->num;
        }
    }
    fail_msg("no metric %s", name);
    return 0;
}

static inline const struct assay_skip_count *skipped(const struct bench *b, enum assay_skip why)
{
    return &assay_audit_coverage(b->audit)->skipped[why];
}

static inline uint64_t found(const struct bench *b, const char *rule)
{
    const struct assay_rule_tally *t =
        assay_audit_tally(b->audit, assay_ruleset_find(b->rules, rule));
    uint64_t n = 0;
    assert_non_null(t);
    for (unsigned i = 0; i < ASSAY_CONFIDENCE_BANDS; i++) {
        n += t->findings[i];
    }
    return n;
}

#endif
