/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/watch.c: `assay status --watch`: what assayd does, as it does it.
 *
 * The daemon tells; nothing here asks twice. On a terminal a table is drawn over itself: what runs,
 * what is next, what ended last. Elsewhere there is one line for each change, and one for each tenth
 * of a phase. SIGINT and SIGTERM are read from a descriptor beside the socket, so that none is lost
 * between looking and waiting.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/runs.h"
#include "cli/term.h"
#include "core/status.h"
#include "core/utf8.h"

#define ENDED_ROWS   10
#define WAITING_ROWS 5
#define FRAME_MAX    ((size_t)1 << 20)
#define LINE_MAX     ((size_t)1 << 17) /* a path and a reason, escaped */
#define BAR_WIDTH    24
#define STILL_MS     10000 /* that long without progress is worth a word */
#define ACTIVE_MAX   64

/* How far a run was when a line said so. */
struct step {
    uint64_t id;
    char phase[16];
    unsigned tenth;
};

struct watch {
    struct assay_client *client;
    int json, table;
    int has_target, code; /* the exit code, once the target is judged; -1 before */
    int begun;
    uint64_t ended_ms; /* when the last run ended that was told */
    struct step steps[ACTIVE_MAX];
    size_t n_steps;
    char ended[ENDED_ROWS][400]; /* the last at (n_ended - 1) % ENDED_ROWS */
    size_t n_ended;
    unsigned drawn; /* rows of the table that is on the screen */
};

static void print_run(const struct assay_run_view *r)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, LINE_MAX);
    cli_run_line(&text, r);
    (void)puts(assay_buf_str(&text));
}

/* ---- changes, oldest first ----------------------------------------------------------------- */

/* Whether a run is news. What had ended before the watch began is not, unless it was asked for. */
static int is_news(const struct watch *w, const struct assay_watch_view *v,
                   const struct assay_run_view *r)
{
    return !v->all || w->has_target || !r->is_final || (w->begun && r->finished_ms > w->ended_ms);
}

static void each_change(struct watch *w, const struct assay_watch_view *v,
                        void (*each)(struct watch *w, const struct assay_run_view *r, int is_news))
{
    uint64_t newest = w->ended_ms;
    for (size_t i = 0; i < v->n_changed; i++) {
        const struct assay_run_view *r = &v->changed[v->all ? v->n_changed - 1 - i : i];
        each(w, r, is_news(w, v, r));
        newest = r->is_final && r->finished_ms > newest ? r->finished_ms : newest;
    }
    w->ended_ms = newest;
}

/* ---- lines --------------------------------------------------------------------------------- */

static struct step step_of(const struct assay_run_view *r)
{
    struct step s = {.id = r->id, .tenth = cli_run_percent(r) / 10};
    (void)snprintf(s.phase, sizeof s.phase, "%s", r->phase == NULL ? "" : r->phase);
    return s;
}

static int is_told(const struct watch *w, const struct assay_watch_view *v, const struct step *s)
{
    for (size_t i = 0; i < w->n_steps; i++) {
        if (w->steps[i].id == s->id) {
            return w->steps[i].tenth == s->tenth && strcmp(w->steps[i].phase, s->phase) == 0;
        }
    }
    for (size_t i = 0; i < v->n_changed; i++) { /* its own line has just said it */
        if (v->changed[i].id == s->id) {
            return 1;
        }
    }
    return 0;
}

static void line(struct watch *w, const struct assay_run_view *r, int is_news)
{
    (void)w;
    if (is_news) {
        print_run(r);
    }
}

static void lines(struct watch *w, const struct assay_watch_view *v)
{
    struct step now[ACTIVE_MAX];
    size_t n = v->n_active < ACTIVE_MAX ? v->n_active : ACTIVE_MAX;
    if (v->missed > 0) {
        (void)printf("%llu changes came too fast; this is how it stands:\n",
                     (unsigned long long)v->missed);
    }
    each_change(w, v, line);
    for (size_t i = 0; i < n; i++) {
        now[i] = step_of(&v->active[i]);
        if (!is_told(w, v, &now[i])) {
            print_run(&v->active[i]);
        }
    }
    memcpy(w->steps, now, n * sizeof now[0]);
    w->n_steps = n;
}

/* ---- the table ----------------------------------------------------------------------------- */

struct frame {
    struct assay_buf text;
    unsigned columns, rows, used;
};

/* The beginning of `s` that fits, so that one row stays one row. */
static size_t fitting(const char *s, size_t len, unsigned columns)
{
    size_t at = 0;
    int width = 0;
    while (at < len) {
        uint32_t cp;
        unsigned n = assay_utf8_decode(s + at, s + len, &cp);
        width += assay_cp_width(cp);
        if (width > (int)columns) {
            break;
        }
        at += n;
    }
    return at;
}

static void row(struct frame *f, const char *text)
{
    if (f->used < f->rows) {
        assay_buf_add(&f->text, text, fitting(text, strlen(text), f->columns));
        assay_buf_adds(&f->text, "\033[K\n");
        f->used++;
    }
}

static void add_bar(struct assay_buf *out, const struct assay_run_view *r)
{
    char bar[BAR_WIDTH + 1];
    unsigned filled = cli_run_percent(r) * BAR_WIDTH / 100;
    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', filled);
    bar[BAR_WIDTH] = '\0';
    assay_buf_addf(out, "%6llu  [%s]  ", (unsigned long long)r->id, bar);
}

static void active_row(struct frame *f, const struct assay_run_view *r)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, LINE_MAX);
    add_bar(&text, r);
    cli_run_progress(&text, r);
    assay_buf_addf(&text, "%llu records  ", (unsigned long long)r->records);
    if (r->still_ms >= STILL_MS) {
        assay_buf_addf(&text, "still for %llus  ", (unsigned long long)(r->still_ms / 1000));
    }
    assay_utf8_escape(&text, assay_bytes_str(r->name));
    row(f, assay_buf_str(&text));
}

static void waiting_row(struct frame *f, const struct assay_run_view *r)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, LINE_MAX);
    assay_buf_addf(&text, "%6llu  ", (unsigned long long)r->id);
    assay_utf8_escape(&text, assay_bytes_str(r->name));
    if (r->reason != NULL) {
        assay_buf_adds(&text, "  (tried before: ");
        assay_utf8_escape(&text, assay_bytes_str(r->reason));
        assay_buf_adds(&text, ")");
    }
    row(f, assay_buf_str(&text));
}

static void more_row(struct frame *f, uint64_t shown, uint64_t all)
{
    char text[80];
    if (all > shown) {
        (void)snprintf(text, sizeof text, "        and %llu more",
                       (unsigned long long)(all - shown));
        row(f, text);
    }
}

static void section(struct frame *f, const char *title, const struct assay_run_view *runs, size_t n,
                    uint64_t all, void (*one)(struct frame *f, const struct assay_run_view *r))
{
    if (all == 0) {
        return;
    }
    row(f, title);
    for (size_t i = 0; i < n; i++) {
        one(f, &runs[i]);
    }
    more_row(f, n, all);
}

static void remember(struct watch *w, const struct assay_run_view *r, int is_news)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, LINE_MAX);
    if (!r->is_final || (w->begun && !is_news)) {
        return;
    }
    cli_run_line(&text, r);
    size_t len = fitting(assay_buf_str(&text), text.len, sizeof w->ended[0] / 4);
    (void)snprintf(w->ended[w->n_ended % ENDED_ROWS], sizeof w->ended[0], "%.*s", (int)len,
                   assay_buf_str(&text));
    w->n_ended++;
}

static void ended_section(struct frame *f, const struct watch *w)
{
    if (w->n_ended > 0) {
        row(f, "ended last:");
    }
    for (size_t i = 1; i <= w->n_ended && i <= ENDED_ROWS; i++) {
        row(f, w->ended[(w->n_ended - i) % ENDED_ROWS]);
    }
}

/* Back over the table that is there; the next one may be shorter. */
static void erase(struct watch *w)
{
    if (w->drawn > 0) {
        (void)printf("\r\033[%uA\033[J", w->drawn);
    }
    w->drawn = 0;
}

static void draw(struct watch *w, const struct assay_watch_view *v)
{
    char head[160];
    unsigned columns = cli_columns(stdout);
    unsigned rows = cli_rows(stdout);
    struct frame f = {.columns = columns > 1 ? columns - 1 : 1, .rows = rows > 1 ? rows - 1 : 1};
    assay_buf_init(&f.text, FRAME_MAX);
    each_change(w, v, remember);
    (void)snprintf(head, sizeof head, "assayd %s: %llu of %llu workers busy, %llu queued", v->state,
                   (unsigned long long)v->busy, (unsigned long long)v->workers,
                   (unsigned long long)v->queued);
    row(&f, head);
    size_t room = f.rows > 10 ? f.rows - 10 : 1;
    size_t n = v->n_active < room ? v->n_active : room;
    section(&f, "running:", v->active, n, v->n_active, active_row);
    n = v->n_waiting < WAITING_ROWS ? v->n_waiting : WAITING_ROWS;
    section(&f, "next:", v->waiting, n, w->has_target ? v->n_waiting : v->queued, waiting_row);
    ended_section(&f, w);
    erase(w);
    (void)fwrite(f.text.ptr, 1, f.text.len, stdout);
    w->drawn = f.used;
    assay_buf_release(&f.text);
}

/* ---- watching ------------------------------------------------------------------------------ */

/* Ends with the run that was asked for, and says how it ended. */
static void look_for_end(struct watch *w, const struct assay_watch_view *v)
{
    for (size_t i = 0; w->has_target && w->code < 0 && i < v->n_changed; i++) {
        const struct assay_run_view *r = &v->changed[i];
        if (!r->is_final) {
            continue;
        }
        w->code = cli_run_exit(r);
        if (w->table) {
            erase(w);
            print_run(r);
        }
    }
}

static void print_raw(const struct assay_client *c)
{
    struct assay_bytes raw = assay_client_raw(c);
    (void)fwrite(raw.ptr, 1, raw.len, stdout);
    (void)fputc('\n', stdout);
}

static int on_event(void *ctx, const struct assay_watch_view *v)
{
    struct watch *w = ctx;
    if (w->json) {
        print_raw(w->client);
    } else if (w->table) {
        draw(w, v);
    } else {
        lines(w, v);
    }
    w->begun = 1;
    look_for_end(w, v);
    if (fflush(stdout) != 0) { /* nobody reads on */
        w->code = 3;
    }
    return w->code >= 0;
}

static int is_drawable(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int cli_watch(const struct cli_args *args, struct assay_client *c, const char *dataset,
              uint64_t run)
{
    struct assay_error err = {0};
    struct watch w = {.client = c,
                      .json = cli_given(args, "json"),
                      .table = is_drawable(),
                      .has_target = dataset != NULL || run != 0,
                      .code = -1};
    const struct assay_watch what = {
        .dataset = dataset, .run = run, .stop_fd = open_signals(), .event = on_event, .ctx = &w};
    enum assay_status status = assay_client_watch(c, &what, &err);
    if (what.stop_fd >= 0) {
        (void)close(what.stop_fd);
    }
    if (status == ASSAY_CANCELLED) {
        return assay_status_exit(status);
    }
    return status == ASSAY_OK ? w.code : cli_fail(&err);
}
