/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/index_merge.c: `assay index merge|drop`, and see the header.
 */
#include "cli/index_merge.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/audit.h"
#include "cli/index.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "core/limits.h"
#include "core/status.h"
#include "engine/maintain.h"

/* ---- what the scanner does ----------------------------------------------------------------- */

static uint64_t size_of(const struct index_store *s, size_t run)
{
    struct stat st;
    ASSAY_AUTO_BUF path;
    assay_buf_init(&path, ASSAY_KIB(16));
    index_path(s, json_array_get(index_runs(s), run), &path);
    return stat(assay_buf_str(&path), &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Writes the runs `which` anew, as one, to where the next run is to be, without the deliveries
 * `drop` (separated by commas; NULL: none). */
static int write_anew(const struct cli_args *args, const struct index_store *s,
                      const struct cli_setup *setup, const size_t *which, size_t n,
                      const char *drop)
{
    uint64_t bytes = 0;
    struct cli_settings settings = {.n = 0};
    struct assay_error err = {0};
    ASSAY_AUTO_BUF from;
    ASSAY_AUTO_BUF to;
    assay_buf_init(&from, ASSAY_MIB(1));
    assay_buf_init(&to, ASSAY_MIB(1));
    for (size_t i = 0; i < n; i++) {
        index_path(s, json_array_get(index_runs(s), which[i]), &from);
        bytes += size_of(s, which[i]);
    }
    index_next_path(s, &to);
    int code = cli_set(&settings, "duplicates", "index", assay_buf_str(&from));
    code |= cli_set(&settings, "duplicates", "index_write", assay_buf_str(&to));
    code |= cli_set(&settings, "duplicates", "index_drop", drop);
    if (code != 0) {
        return code;
    }
    const struct assay_audit_options opt = {.plugins = setup->plugins,
                                            .plugin_options = settings.items,
                                            .n_plugin_options = settings.n,
                                            .cancel = cli_cancel_flag()};
    cli_progress_begin(args, drop == NULL ? "merging runs" : "writing what stays",
                       assay_buf_str(&to), bytes);
    const enum assay_status status = assay_scanner_maintain(&opt, "duplicates", &err);
    cli_progress_end();
    if (status == ASSAY_CANCELLED) {
        (void)cli_error("interrupted: %s holds what it held", s->dir);
        return assay_status_exit(status);
    }
    return status == ASSAY_OK ? 0 : cli_fail(&err);
}

/* ---- merging ------------------------------------------------------------------------------- */

/* The deliveries of the runs `which`; a new array, NULL: no memory. */
static json_t *all_of(const struct index_store *s, const size_t *which, size_t n)
{
    json_t *all = json_array();
    int bad = all == NULL;
    for (size_t i = 0; i < n; i++) {
        const json_t *run = json_array_get(index_runs(s), which[i]);
        bad |= json_array_extend(all, json_object_get(run, "deliveries"));
    }
    if (bad) {
        json_decref(all);
    }
    return bad ? NULL : all;
}

/* `which` ascends. */
static int merge_runs(const struct cli_args *args, struct index_store *s,
                      const struct cli_setup *setup, const size_t *which, size_t n)
{
    int code = write_anew(args, s, setup, which, n, NULL);
    code = code != 0 ? code : index_put(s, all_of(s, which, n), which, n);
    return code != 0 ? code : index_commit(s);
}

struct sized {
    size_t run;
    uint64_t bytes;
};

static int by_size(const void *pa, const void *pb)
{
    const struct sized *a = pa, *b = pb;
    return a->bytes < b->bytes ? -1 : a->bytes > b->bytes;
}

static int by_run(const void *pa, const void *pb)
{
    const size_t a = *(const size_t *)pa, b = *(const size_t *)pb;
    return a < b ? -1 : a > b;
}

/* How many of `n` runs, smallest first, are worth merging. */
static size_t choose(const struct sized *runs, size_t n)
{
    uint64_t sum = runs[0].bytes + runs[1].bytes;
    size_t k = 2;
    for (; k < n && runs[k].bytes / 2 <= sum; k++) {
        sum += runs[k].bytes;
    }
    return k;
}

int index_tidy(const struct cli_args *args, struct index_store *s, const struct cli_setup *setup)
{
    const size_t n = json_array_size(index_runs(s));
    if (n <= INDEX_RUNS_MAX) {
        return 0;
    }
    struct sized *runs = calloc(n, sizeof *runs);
    size_t *which = calloc(n, sizeof *which);
    int code = runs == NULL || which == NULL ? cli_error("out of memory") : 0;
    for (size_t i = 0; i < n && code == 0; i++) {
        runs[i] = (struct sized){i, size_of(s, i)};
    }
    if (code == 0) {
        qsort(runs, n, sizeof *runs, by_size);
        const size_t k = choose(runs, n);
        for (size_t i = 0; i < k; i++) {
            which[i] = runs[i].run;
        }
        qsort(which, k, sizeof *which, by_run);
        code = merge_runs(args, s, setup, which, k);
    }
    free(runs);
    free(which);
    return code;
}

static int merge_all(const struct cli_args *args, struct index_store *s,
                     const struct cli_setup *setup)
{
    const size_t n = json_array_size(index_runs(s));
    if (n < 2) {
        cli_note(args, "There is nothing to merge in %s.", s->dir);
        return 0;
    }
    size_t *which = calloc(n, sizeof *which);
    if (which == NULL) {
        return cli_error("out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        which[i] = i;
    }
    const int code = merge_runs(args, s, setup, which, n);
    free(which);
    if (code == 0) {
        cli_note(args, "Merged %zu runs.", n);
    }
    return code;
}

/* ---- dropping ------------------------------------------------------------------------------ */

static int is_operand(const struct cli_args *args, const char *name)
{
    for (size_t i = 0; i < cli_operands(args); i++) {
        if (strcmp(cli_operand(args, i), name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Splits a run's deliveries: names to drop, and a new array of what stays. */
static json_t *part(const struct cli_args *args, const json_t *run, struct assay_buf *drop)
{
    json_t *stay = json_array(), *d;
    size_t i;
    json_array_foreach(json_object_get(run, "deliveries"), i, d)
    {
        const char *name = json_string_value(json_object_get(d, "name"));
        if (is_operand(args, name)) {
            assay_buf_addf(drop, "%s%s", drop->len == 0 ? "" : ",", name);
        } else {
            (void)json_array_append(stay, d);
        }
    }
    return stay;
}

/* Drops what is to be dropped of one run. *ret: it is no longer listed. */
static int drop_from(const struct cli_args *args, struct index_store *s,
                     const struct cli_setup *setup, size_t run, int *ret)
{
    ASSAY_AUTO_BUF drop;
    assay_buf_init(&drop, ASSAY_MIB(1));
    json_t *stay = part(args, json_array_get(index_runs(s), run), &drop);
    int code = 0;
    *ret = drop.len > 0;
    if (drop.len > 0 && json_array_size(stay) > 0) {
        code = write_anew(args, s, setup, &run, 1, assay_buf_str(&drop));
    }
    if (drop.len == 0 || code != 0) {
        json_decref(stay);
        return code;
    }
    return index_put(s, stay, &run, 1);
}

/* All of them, or none. */
static int drop_all(const struct cli_args *args, struct index_store *s,
                    const struct cli_setup *setup)
{
    for (size_t i = 0; i < cli_operands(args); i++) {
        if (index_find(s, cli_operand(args, i)) == SIZE_MAX) {
            return cli_error("there is no delivery '%.100s' in %s, so nothing was dropped",
                             cli_operand(args, i), s->dir);
        }
    }
    int code = 0, gone = 0;
    for (size_t run = 0, seen = 0, n = json_array_size(index_runs(s)); seen < n && code == 0;
         seen++) {
        code = drop_from(args, s, setup, run, &gone);
        run += gone == 0; /* the next one took its place; what is new stands last */
    }
    code = code != 0 ? code : index_commit(s);
    if (code == 0) {
        cli_note(args, "Dropped %zu %s.", cli_operands(args),
                 cli_operands(args) == 1 ? "delivery" : "deliveries");
    }
    return code;
}

/* ---- the commands -------------------------------------------------------------------------- */

typedef int change(const struct cli_args *args, struct index_store *s,
                   const struct cli_setup *setup);

static int run_change(const struct cli_args *args, change *verb)
{
    struct index_store s;
    struct cli_setup setup = {.plugins = NULL};
    int code = index_open(args, INDEX_CHANGE, &s);
    code = code != 0 ? code : cli_setup_plugins(args, &setup);
    code = code != 0 ? code : verb(args, &s, &setup);
    cli_setup_release(&setup);
    index_close(&s);
    return code;
}

static int run_merge(const struct cli_args *args)
{
    return run_change(args, merge_all);
}

static int run_drop(const struct cli_args *args)
{
    return run_change(args, drop_all);
}

static const struct cli_option change_options[] = {
    INDEX_OPTION,
    CLI_QUIET_OPTION,
    CLI_PLUGIN_OPTIONS,
    CLI_NO_OPTION,
};
static const char *const merge_examples[] = {
    "assay index merge --index /srv/index",
    "all deliveries in one sorted run, which is searched fastest",
    NULL,
};
static const char *const drop_examples[] = {
    "assay index drop 2024-01",
    "forget a delivery",
    NULL,
};

const struct cli_command cli_index_merge = {
    .name = "index merge",
    .summary = "make one run of all",
    .operands = "",
    .options = change_options,
    .examples = merge_examples,
    .notes = "Answers do not change. Adding a delivery merges by itself once there are more than "
             "eight runs.",
    .run = run_merge,
};
const struct cli_command cli_index_drop = {
    .name = "index drop",
    .summary = "forget deliveries",
    .operands = "NAME...",
    .min_operands = 1,
    .max_operands = 1000,
    .options = change_options,
    .examples = drop_examples,
    .notes = "All of them, or none when one is not there.",
    .run = run_drop,
};
