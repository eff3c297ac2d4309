/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/plugins/scanner_host.h: a host and a sink for scanners that declare their own rules:
 * findings become lines of text, in an order of their own, so that two runs can be compared. */
#ifndef ASSAY_TESTS_SCANNER_HOST_H
#define ASSAY_TESTS_SCANNER_HOST_H

#include "tests/unit/unit.h"

#include <errno.h>

#include "assay/plugin.h"
#include "core/buf.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/utf8.h"

#define FAKE_OPTIONS 12

struct fake {
    const struct assay_rule_decl *rules;
    uint64_t budget;
    int spills;      /* how often spill() was called */
    int spill_errno; /* not zero: spill() fails with it */
    int cancelled;
    int is_alone; /* nobody takes what is handed over */
    struct {
        const char *name, *value;
    } options[FAKE_OPTIONS];
    const char *const *files; /* names by index; NULL: there are no files */
    uint32_t n_files;
};

static inline void fake_log(void *ctx, enum assay_log_level level, const char *message)
{
    (void)ctx;
    (void)level;
    (void)message;
}

static inline int fake_cancelled(void *ctx)
{
    return ((struct fake *)ctx)->cancelled;
}

static inline const char *fake_option(void *ctx, const char *name)
{
    struct fake *f = ctx;
    for (size_t i = 0; i < FAKE_OPTIONS && f->options[i].name != NULL; i++) {
        if (strcmp(f->options[i].name, name) == 0) {
            return f->options[i].value;
        }
    }
    return NULL;
}

static inline uint32_t fake_rule_index(void *ctx, const char *id)
{
    struct fake *f = ctx;
    for (uint32_t i = 0; f->rules[i].id != NULL; i++) {
        if (strcmp(f->rules[i].id, id) == 0) {
            return i;
        }
    }
    return ASSAY_NONE;
}

static inline void fake_hash128(void *ctx, const void *data, size_t len, uint64_t seed,
                                uint64_t ret[2])
{
    (void)ctx;
    assay_xxh3_128(data, len, seed, ret);
}

static inline size_t fake_fold(void *ctx, struct assay_bytes text, char *out, size_t cap)
{
    (void)ctx;
    return assay_utf8_fold(text, out, cap);
}

static inline int fake_spill(void *ctx)
{
    struct fake *f = ctx;
    f->spills++;
    if (f->spill_errno != 0) {
        errno = f->spill_errno;
        return -1;
    }
    return assay_fs_tmpfile();
}

static inline uint64_t fake_budget(void *ctx)
{
    return ((struct fake *)ctx)->budget;
}

static inline const char *fake_file_name(void *ctx, uint32_t file)
{
    const struct fake *f = ctx;
    return file < f->n_files ? f->files[file] : NULL;
}

/* Whatever is handed over: the recorder takes it. */
static inline int fake_is_taken(void *ctx, const char *topic)
{
    (void)topic;
    return !((struct fake *)ctx)->is_alone;
}

static inline struct assay_host fake_host(struct fake *f)
{
    return (struct assay_host){.abi = ASSAY_PLUGIN_ABI,
                               .size = sizeof(struct assay_host),
                               .ctx = f,
                               .log = fake_log,
                               .cancelled = fake_cancelled,
                               .option = fake_option,
                               .rule_index = fake_rule_index,
                               .hash128 = fake_hash128,
                               .fold = fake_fold,
                               .spill = fake_spill,
                               .memory_budget = fake_budget,
                               .file_name = fake_file_name,
                               .is_taken = fake_is_taken};
}

/* ---- the sink ----------------------------------------------------------------------------------
 */

struct recorder {
    const struct assay_rule_decl *rules; /* indexes beyond it print as #N */
    char **lines;
    size_t n, cap;
    uint64_t skips;
};

static inline void record_line(struct recorder *r, struct assay_buf *line)
{
    if (r->n == r->cap) {
        r->cap = 2 * r->cap + 64;
        r->lines = realloc(r->lines, r->cap * sizeof r->lines[0]);
        assert_non_null(r->lines);
    }
    assert_int_equal(assay_buf_status(line), ASSAY_OK);
    r->lines[r->n++] = assay_buf_take(line);
}

static inline enum assay_status on_finding(void *ctx, const struct assay_finding *f)
{
    struct recorder *r = ctx;
    struct assay_buf line;
    assay_buf_init(&line, 1 << 20);
    uint32_t known = 0;
    while (r->rules[known].id != NULL) {
        known++;
    }
    if (f->rule < known) {
        assay_buf_adds(&line, r->rules[f->rule].id);
    } else {
        assay_buf_addf(&line, "#%u", f->rule);
    }
    if (f->file != ASSAY_NONE) {
        assay_buf_addf(&line, " file %u", f->file);
    }
    if (f->offset != 0) {
        assay_buf_addf(&line, " at %llu", (unsigned long long)f->offset);
    }
    for (uint32_t i = 0; i < f->n_members; i++) {
        assay_buf_addf(&line, " %u", f->members[i].file);
        if (f->members[i].record != ASSAY_NO_RECORD) {
            assay_buf_addf(&line, ":%llu", (unsigned long long)f->members[i].record);
        }
    }
    if (f->members_total != f->n_members) {
        assay_buf_addf(&line, " of %llu", (unsigned long long)f->members_total);
    }
    assay_buf_adds(&line, f->detail.len > 0 ? " | " : "");
    assay_buf_addb(&line, f->detail);
    record_line(r, &line);
    return ASSAY_OK;
}

static inline void on_skip(void *ctx, enum assay_skip why, uint64_t records, uint64_t bytes)
{
    (void)why;
    (void)records;
    (void)bytes;
    ((struct recorder *)ctx)->skips++;
}

static inline enum assay_status on_metric(void *ctx, const char *name, uint64_t num, uint64_t den)
{
    struct assay_buf line;
    assay_buf_init(&line, 1024);
    assay_buf_addf(&line, "~%s %llu/%llu", name, (unsigned long long)num, (unsigned long long)den);
    record_line(ctx, &line);
    return ASSAY_OK;
}

/* For whoever sets it as `hand` of a sink: "> TOPIC file:record*weight ... of N | sums of all, what is said". */
static inline enum assay_status on_group(void *ctx, const struct assay_group *g,
                                         struct assay_reply *reply)
{
    struct assay_buf line;
    assay_buf_init(&line, 1 << 20);
    assay_buf_addf(&line, "> %s", g->topic);
    for (uint32_t i = 0; i < g->n_members; i++) {
        assay_buf_addf(&line, " %u:%llu*%llu", g->members[i].file,
                       (unsigned long long)g->members[i].record,
                       (unsigned long long)(g->weights == NULL ? 1 : g->weights[i]));
    }
    assay_buf_addf(&line, " of %llu | %llu %llu", (unsigned long long)g->members_total,
                   (unsigned long long)g->sums[0], (unsigned long long)g->sums[1]);
    assay_buf_addb(&line, g->said);
    record_line(ctx, &line);
    *reply = (struct assay_reply){.size = sizeof *reply};
    return ASSAY_OK;
}

static inline struct assay_sink recorder_sink(struct recorder *r)
{
    return (struct assay_sink){.size = sizeof(struct assay_sink),
                               .ctx = r,
                               .finding = on_finding,
                               .skip = on_skip,
                               .metric = on_metric};
}

static inline int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All lines in order, each ended by a newline; empties the recorder. The caller frees. */
static inline char *recorder_take(struct recorder *r)
{
    struct assay_buf all;
    assay_buf_init(&all, 1 << 28);
    if (r->n > 1) {
        qsort(r->lines, r->n, sizeof r->lines[0], by_text);
    }
    for (size_t i = 0; i < r->n; i++) {
        assay_buf_adds(&all, r->lines[i]);
        assay_buf_addc(&all, '\n');
        free(r->lines[i]);
    }
    free(r->lines);
    r->lines = NULL;
    r->n = r->cap = 0;
    assay_buf_addc(&all, '\0');
    return assay_buf_take(&all);
}

#endif
