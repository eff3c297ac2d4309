/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/source.c: the life of a source: open, end, close; and what its blocks add up to. How it is
 * cut is in feed.c.
 */
#include "engine/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"
#include "engine/feed.h"
#include "engine/host.h"

/* ---- blocks -------------------------------------------------------------------------------- */

enum assay_status assay_block_init(struct assay_block *b, size_t chunk)
{
    memset(b, 0, sizeof *b);
    return assay_block_grow(b, chunk, 0, 0);
}

void assay_block_release(struct assay_block *b)
{
    free(b->mem);
    memset(b, 0, sizeof *b);
}

enum assay_status assay_block_shrink(struct assay_block *b, size_t chunk)
{
    if (b->cap <= ASSAY_BLOCK_FREE_GROWTH(chunk) + ASSAY_KIB(4)) {
        return ASSAY_OK;
    }
    free(b->mem);
    b->mem = NULL;
    b->cap = 0;
    return assay_block_grow(b, chunk, 0, 0);
}

/* ---- life ---------------------------------------------------------------------------------- */

static size_t rule_words(const struct assay_run *run)
{
    return run->n_rules / 64u + 1;
}

/* Standard input is kept on disk while it is read, where somebody may want to look twice. */
static int is_copied(const struct assay_source *s)
{
    return s->run->input_copy >= 0 && s->run->review == NULL &&
           !assay_inventory_seekable(s->run->inventory, s->file);
}

static void copy_input(struct assay_source *s, struct assay_bytes raw)
{
    s->copied += raw.len;
    if (s->copied > ASSAY_LIMIT_INPUT_COPY) {
        s->copy_errno = EFBIG;
    } else if (assay_fs_write_all(s->run->input_copy, raw.ptr, raw.len) != 0) {
        s->copy_errno = errno;
    }
}

static enum assay_status copy_failed(const struct assay_source *s, struct assay_error *err)
{
    if (s->copy_errno == EFBIG) {
        return assay_fail(err, ASSAY_LIMIT,
                          "standard input is longer than the %zu GiB that are kept of it for a "
                          "second look: audit it as a file",
                          (size_t)(ASSAY_LIMIT_INPUT_COPY >> 30));
    }
    char text[64];
    return assay_fail(err, s->copy_errno == ENOSPC ? ASSAY_FULL : ASSAY_IO,
                      "cannot keep a copy of standard input for a second look (%s): set TMPDIR to "
                      "a directory with room for it, or audit it as a file",
                      strerror_r(s->copy_errno, text, sizeof text));
}

static void observe(void *ctx, struct assay_bytes raw)
{
    struct assay_source *s = ctx;
    if (s->yara != NULL && !s->aside) {
        assay_yara_block(s->yara, raw);
    }
    if (is_copied(s) && s->copy_errno == 0) {
        copy_input(s, raw);
    }
}

static int is_stopping(void *ctx)
{
    const struct assay_source *s = ctx;
    return assay_run_stopping(s->run);
}

enum assay_status assay_source_init(struct assay_source *s, const struct assay_run *run,
                                    struct assay_error *err)
{
    memset(s, 0, sizeof *s);
    s->run = run;
    s->rules = calloc(rule_words(run), sizeof *s->rules);
    enum assay_status status = s->rules == NULL ? ASSAY_NOMEM : ASSAY_OK;
    if (status == ASSAY_OK && run->yara != NULL && run->review == NULL) {
        status = assay_yara_scan_new(run->yara, &s->yara, err);
    }
    const struct assay_stream_options opt = {
        .max_ratio = run->tuning.max_ratio,
        .ratio_floor = run->tuning.ratio_floor,
        .observe = s->yara == NULL && run->input_copy < 0 ? NULL : observe,
        .observe_ctx = s,
        .stop = is_stopping,
        .stop_ctx = s};
    if (status == ASSAY_OK) {
        s->stream = assay_stream_new(&opt);
    }
    if (s->stream == NULL) {
        assay_source_release(s);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    return ASSAY_OK;
}

void assay_source_release(struct assay_source *s)
{
    assay_source_close(s);
    assay_stream_free(s->stream);
    assay_yara_scan_free(s->yara);
    free(s->carry);
    free(s->rules);
    memset(s, 0, sizeof *s);
}

void assay_source_begin(struct assay_source *s, uint32_t file)
{
    struct assay_source fresh = {.run = s->run,
                                 .stream = s->stream,
                                 .yara = s->yara,
                                 .carry = s->carry,
                                 .carry_cap = s->carry_cap,
                                 .rules = s->rules,
                                 .slot = s->slot,
                                 .file = file,
                                 .aside = assay_inventory_get(s->run->inventory, file)->aside,
                                 .name = assay_inventory_name(s->run->inventory, file)};
    *s = fresh;
    memset(s->rules, 0, rule_words(s->run) * sizeof *s->rules);
}

void assay_source_close(struct assay_source *s)
{
    if (s->reader != NULL && s->self != NULL) {
        s->reader->close(s->self);
    }
    s->self = NULL;
    if (s->stream != NULL) {
        assay_stream_close(s->stream);
    }
}

static void note(struct assay_source *s, enum assay_status status)
{
    if (s->status == ASSAY_OK) {
        s->status = status;
    }
}

/* ---- open ---------------------------------------------------------------------------------- */

/* A name that is no longer what the inventory saw is a change, whatever open(2) calls it. */
static enum assay_status status_of_open(int os_errno)
{
    switch (os_errno) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:
    case ENXIO:
        return ASSAY_CHANGED;
    case EACCES:
    case EPERM:
        return ASSAY_DENIED;
    default:
        return ASSAY_IO;
    }
}

/* Standard input, for the second time. */
static int open_copy(const struct assay_run *run)
{
    int fd = fcntl(run->input_copy, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Opens the file; looks whether it is still a file. */
static int open_file(struct assay_source *s)
{
    const struct assay_inventory *inv = s->run->inventory;
    int again = s->run->review != NULL && !assay_inventory_seekable(inv, s->file);
    int fd = again ? open_copy(s->run) : assay_inventory_open(inv, s->file);
    if (fd < 0) {
        note(s, status_of_open(errno));
        return -1;
    }
    struct stat st;
    if (assay_inventory_seekable(inv, s->file) && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        note(s, ASSAY_CHANGED);
        (void)close(fd);
        return -1;
    }
    if (s->run->tuning.opened != NULL) {
        s->run->tuning.opened(s->run->tuning.ctx, s->name);
    }
    return fd;
}

/* Finds the reader that takes the file: the one asked for, or the best probe. */
static void choose_reader(struct assay_source *s, struct assay_bytes head)
{
    const struct assay_plugins *ps = s->run->opt->plugins;
    const char *forced = s->run->opt->reader;
    int best = -1;
    if (forced == NULL) {
        best = assay_detect_reader(ps, head, s->plain_name);
    }
    for (size_t i = 0; forced != NULL && i < assay_plugins_count(ps); i++) {
        const struct assay_plugin *p = assay_plugins_get(ps, i);
        best = p->reader != NULL && strcmp(p->name, forced) == 0 ? (int)i : best;
    }
    if (best >= 0) {
        s->reader_index = (size_t)best;
        s->reader = assay_plugins_get(ps, (size_t)best)->reader;
        s->reader_name = assay_plugins_get(ps, (size_t)best)->name;
        s->host = assay_hosts_get(s->run->hosts, (size_t)best);
    }
}

/* There is no text: the file is empty, or breaks before its first character. */
static void note_empty(struct assay_source *s)
{
    char text[64];
    size_t n;
    struct assay_error err;
    enum assay_status status = assay_stream_read(s->stream, text, sizeof text, &n, &err);
    if (status != ASSAY_OK && status != ASSAY_END) {
        note(s, status);
    }
}

static void open_reader(struct assay_source *s)
{
    int all = 0;
    struct assay_bytes head = assay_stream_head(s->stream, &all);
    if (all && head.len == 0) {
        note_empty(s);
        return;
    }
    choose_reader(s, head);
    if (s->reader == NULL) {
        note(s, ASSAY_UNSUPPORTED);
        return;
    }
    const struct assay_reader_input in = {.size = sizeof in,
                                          .file = s->file,
                                          .name = s->plain_name,
                                          .head = head,
                                          .head_is_all = all,
                                          .max_record = s->run->max_record,
                                          .max_depth = ASSAY_LIMIT_DEPTH};
    struct assay_error err;
    memset(&err, 0, sizeof err);
    enum assay_status status = s->reader->open(s->host, &in, &s->self, &err);
    if (status != ASSAY_OK) {
        s->self = NULL;
        s->reader = NULL;
        note(s, status == ASSAY_NOMEM ? ASSAY_PLUGIN : status);
        assay_run_log(s->run, ASSAY_LOG_WARNING, s->reader_name, "the reader cannot open a file");
    }
}

/* Of a file that is set aside: nothing looks into it, but the manifest has it. */
static void open_aside(struct assay_source *s, int fd)
{
    struct assay_error err;
    int seekable = assay_inventory_seekable(s->run->inventory, s->file);
    enum assay_status status = assay_stream_open_raw(s->stream, fd, seekable, &err);
    note(s, status == ASSAY_OK ? ASSAY_PLUGIN : status);
}

/* Opens file and stream, and decides what reads it. What fails is noted: the file is then only
 * hashed, or not even that. */
static void source_open(struct assay_source *s, struct assay_magic *magic)
{
    s->opened = 1;
    int fd = open_file(s);
    if (fd < 0) {
        return;
    }
    if (s->aside) {
        open_aside(s, fd);
        return;
    }
    if (s->yara != NULL) {
        assay_yara_start(s->yara);
    }
    struct assay_error err;
    int seekable = assay_inventory_seekable(s->run->inventory, s->file);
    enum assay_status status = assay_stream_open(s->stream, fd, seekable, &err);
    if (status != ASSAY_OK) {
        note(s, status);
    }
    assay_magic_type(magic, assay_stream_raw_head(s->stream), s->mime);
    assay_detect_plain_name(s->name, assay_stream_compression(s->stream), s->plain_name,
                            sizeof s->plain_name);
    assay_detect_extension(s->plain_name, s->extension);
    s->expected = assay_detect_expected(s->run->opt->plugins, s->extension);
    if (assay_stream_fd(s->stream) >= 0) {
        open_reader(s);
    }
}

/* ---- end ----------------------------------------------------------------------------------- */

/* The second stage of rules over raw bytes, while the file is still open. */
static void finish_yara(struct assay_source *s, struct assay_collector *c)
{
    if (s->yara == NULL || s->aside || !assay_yara_wanted(s->yara) || !s->hashed) {
        return;
    }
    struct assay_error err;
    enum assay_status status = assay_yara_finish(s->yara, assay_stream_fd(s->stream), s->sha256,
                                                 &s->hits, &s->n_hits, &err);
    if (status == ASSAY_LIMIT) { /* a full list is still a list */
        assay_collector_missed(c, ASSAY_SKIP_LIMIT, 0, 0);
    } else if (status != ASSAY_OK) {
        s->n_hits = 0;
        note(s, status);
    }
}

/* The stream compares before and after; the inventory looked earlier still. */
static int is_other_size(const struct assay_source *s)
{
    const struct assay_inventory *inv = s->run->inventory;
    return assay_inventory_seekable(inv, s->file) &&
           s->raw_bytes != assay_inventory_get(inv, s->file)->bytes;
}

/* Everything was read, or nothing more can be: digest, comparison, close. */
static void source_end(struct assay_source *s, struct assay_collector *c)
{
    struct assay_error err;
    s->ended = 1;
    if (assay_stream_fd(s->stream) < 0) {
        return;
    }
    if (s->status == ASSAY_CANCELLED) {
        s->raw_bytes = assay_stream_raw_bytes(s->stream);
        assay_stream_close(s->stream);
        return;
    }
    enum assay_status status = assay_stream_finish(s->stream, s->sha256, &s->raw_bytes, &err);
    s->hashed = status == ASSAY_OK || status == ASSAY_CHANGED;
    if (status != ASSAY_OK && (s->status == ASSAY_OK || status == ASSAY_CHANGED)) {
        s->status = status;
    }
    if (s->hashed && is_other_size(s)) {
        s->status = ASSAY_CHANGED;
    }
    finish_yara(s, c);
    s->undecodable = assay_stream_undecodable(s->stream);
    if (s->undecodable > 0) {
        assay_collector_missed(c, ASSAY_SKIP_ENCODING, 0, s->undecodable);
    }
    assay_stream_close(s->stream);
}

enum assay_status assay_source_feed(struct assay_source *s, struct assay_magic *magic,
                                    struct assay_block *b, struct assay_collector *c,
                                    struct assay_error *err)
{
    b->source = s;
    b->chunk = (struct assay_chunk){.file = s->file};
    b->records = 0;
    enum assay_status status = ASSAY_OK;
    if (!s->opened) {
        source_open(s, magic);
    }
    if (assay_run_stopping(s->run)) {
        note(s, ASSAY_CANCELLED);
    } else if (s->reader != NULL && s->self != NULL) {
        status = assay_feed_step(s, b, c, err);
    }
    if (status == ASSAY_OK && s->copy_errno != 0) {
        status = copy_failed(s, err);
    }
    int more =
        s->reader != NULL && s->self != NULL && !s->text_ended && s->status != ASSAY_CANCELLED;
    if (status == ASSAY_OK && !more) {
        source_end(s, c);
        status = s->copy_errno == 0 ? ASSAY_OK : copy_failed(s, err);
    }
    return status;
}

/* ---- what blocks add ----------------------------------------------------------------------- */

void assay_source_fold(struct assay_source *s, const struct assay_delta *d, struct assay_tally *t)
{
    uint32_t fresh = d->skips & ~s->skips;
    for (unsigned why = 0; why < ASSAY_SKIP_MAX; why++) {
        t->skipped[why].files += fresh >> why & 1;
        t->skipped[why].noted |= (uint8_t)(fresh >> why & 1);
    }
    s->skips |= d->skips;
    s->missed |= d->missed;
    s->skipped_bytes += d->skipped_bytes;
    s->limit_hits += d->limit_hits;
    s->failed |= d->failed;
    for (size_t i = 0; i < d->n_rules; i++) {
        uint64_t bit = UINT64_C(1) << d->rules[i] % 64;
        uint64_t *word = &s->rules[d->rules[i] / 64];
        t->rules[d->rules[i]].files += (*word & bit) == 0;
        *word |= bit;
    }
}
