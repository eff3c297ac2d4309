/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/codec.c: hiredis' formatter and parser behind a guard.
 *
 * The guard follows the protocol's frame only: a header line begins with a type; `$N` is followed
 * by N bytes and a line end, `*N` by N elements, the rest are lines. It counts open elements, so it
 * knows where a reply ends and starts its sums anew.
 * Source: the RESP2 protocol specification.
 */
#include "daemon/redis/codec.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/option.h"

struct guard {
    char header[32]; /* type and number, without the line end */
    size_t header_len;
    char last;    /* byte of the line */
    size_t line;  /* bytes of the line so far */
    size_t skip;  /* bytes of a string left, its line end included */
    size_t open;  /* elements of the reply still to come */
    size_t bytes; /* of the reply */
    size_t items;
};

struct assay_codec {
    redisReader *reader;
    struct guard guard;
};

/* ---- commands ------------------------------------------------------------------------------ */

void assay_redis_argb(struct assay_redis_args *a, struct assay_bytes word)
{
    if (a->n == ASSAY_LIMIT_REDIS_ARGS) {
        a->overflow = 1;
        return;
    }
    a->v[a->n] = word.ptr == NULL ? "" : word.ptr;
    a->len[a->n++] = word.len;
}

void assay_redis_arg(struct assay_redis_args *a, const char *word)
{
    assay_redis_argb(a, assay_bytes_str(word));
}

void assay_redis_argu(struct assay_redis_args *a, uint64_t number)
{
    if (a->n_numbers == sizeof a->numbers / sizeof a->numbers[0]) {
        a->overflow = 1;
        return;
    }
    char *text = a->numbers[a->n_numbers++];
    (void)snprintf(text, sizeof a->numbers[0], "%llu", (unsigned long long)number);
    assay_redis_arg(a, text);
}

void assay_redis_argv(struct assay_redis_args *a, ...)
{
    va_list ap;
    va_start(ap, a);
    for (const char *word; (word = va_arg(ap, const char *)) != NULL;) {
        assay_redis_arg(a, word);
    }
    va_end(ap);
}

enum assay_status assay_redis_encode(const struct assay_redis_args *a, struct assay_buf *out,
                                     struct assay_error *err)
{
    char *text = NULL;
    size_t total = 0;
    const char *v[ASSAY_LIMIT_REDIS_ARGS];
    for (size_t i = 0; i < a->n; i++) {
        total += a->len[i];
        v[i] = a->v[i];
    }
    if (a->overflow || a->n == 0 || total > ASSAY_LIMIT_REDIS_COMMAND) {
        return assay_fail(err, ASSAY_LIMIT, "a command for Redis is too large");
    }
    long long n = redisFormatCommandArgv(&text, (int)a->n, v, a->len);
    if (n <= 0 || text == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    assay_buf_add(out, text, (size_t)n);
    explicit_bzero(text, (size_t)n); /* it may be AUTH */
    redisFreeCommand(text);
    return assay_buf_status(out) == ASSAY_OK
               ? ASSAY_OK
               : assay_fail(err, assay_buf_status(out), "too much waits to be sent to Redis");
}

/* ---- the guard ----------------------------------------------------------------------------- */

static enum assay_status refuse(struct assay_error *err, const char *what)
{
    return assay_fail(err, ASSAY_CORRUPT, "Redis sent %s: is that a Redis server?", what);
}

static enum assay_status element_ends(struct guard *g)
{
    if (--g->open == 0) {
        g->bytes = g->items = 0;
    }
    return ASSAY_OK;
}

/* A header line is complete. */
static enum assay_status on_header(struct guard *g, struct assay_error *err)
{
    int64_t n = 0;
    char type = g->header[0];
    if (type == '+' || type == '-' || type == ':') {
        return element_ends(g);
    }
    if (type != '$' && type != '*') {
        return refuse(err, "something that is no reply");
    }
    int64_t most = type == '$' ? ASSAY_LIMIT_REDIS_STRING : ASSAY_LIMIT_REDIS_ITEMS;
    if (assay_parse_int(g->header + 1, -1, most, &n, NULL) != ASSAY_OK) {
        return refuse(err, "a length that is none or beyond the limit");
    }
    if (n < 0 || (n == 0 && type == '*')) {
        return element_ends(g);
    }
    if (type == '$') {
        g->skip = (size_t)n + 2;
        return ASSAY_OK;
    }
    g->items += (size_t)n;
    g->open += (size_t)n - 1;
    return g->items > ASSAY_LIMIT_REDIS_ITEMS ? refuse(err, "a reply of too many items") : ASSAY_OK;
}

/* A line ends: at CR LF and nothing else, as the parser sees it; else the two could be led apart. */
static enum assay_status on_line_end(struct guard *g, struct assay_error *err)
{
    if (g->line < 2 || g->last != '\r') {
        return refuse(err, "a line that is none");
    }
    g->header[g->header_len] = '\0';
    g->open = g->open == 0 ? 1 : g->open;
    enum assay_status status = on_header(g, err);
    g->line = g->header_len = 0;
    return status;
}

/* One byte of a header line. */
static enum assay_status on_line(struct guard *g, char c, struct assay_error *err)
{
    if (c == '\n') {
        return on_line_end(g, err);
    }
    g->last = c;
    if (c != '\r' && g->header_len + 1 < sizeof g->header) {
        g->header[g->header_len++] = c;
    }
    int counted = g->header[0] == '$' || g->header[0] == '*';
    if (++g->line > (counted ? sizeof g->header : ASSAY_LIMIT_REDIS_LINE)) {
        return refuse(err, "an endless line");
    }
    return ASSAY_OK;
}

/* Follows the reply as it comes in; ASSAY_OK as long as no bound is passed. */
static enum assay_status guard_pass(struct guard *g, const char *data, size_t len,
                                    struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    for (size_t i = 0; i < len && status == ASSAY_OK;) {
        size_t n = 1;
        if (g->skip > 0) {
            n = g->skip < len - i ? g->skip : len - i;
            g->skip -= n;
            if (g->skip == 0) {
                status = element_ends(g);
            }
        } else {
            status = on_line(g, data[i], err);
        }
        i += n;
        g->bytes += n;
        if (g->bytes > ASSAY_LIMIT_REDIS_REPLY) {
            return refuse(err, "a reply beyond the limit");
        }
    }
    return status;
}

/* ---- replies ------------------------------------------------------------------------------- */

struct assay_codec *assay_codec_new(void)
{
    struct assay_codec *c = calloc(1, sizeof *c);
    if (c != NULL && (c->reader = redisReaderCreate()) == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

void assay_codec_free(struct assay_codec *c)
{
    if (c != NULL) {
        redisReaderFree(c->reader);
        free(c);
    }
}

enum assay_status assay_codec_feed(struct assay_codec *c, const char *data, size_t len,
                                   struct assay_error *err)
{
    enum assay_status status = guard_pass(&c->guard, data, len, err);
    if (status == ASSAY_OK && redisReaderFeed(c->reader, data, len) != REDIS_OK) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    return status;
}

enum assay_status assay_codec_next(struct assay_codec *c, redisReply **ret, struct assay_error *err)
{
    void *reply = NULL;
    *ret = NULL;
    if (redisReaderGetReply(c->reader, &reply) != REDIS_OK) {
        return refuse(err, "something that is no reply");
    }
    *ret = reply;
    return reply == NULL ? ASSAY_END : ASSAY_OK;
}

struct assay_bytes assay_reply_text(const redisReply *r)
{
    if (r == NULL || (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS)) {
        return assay_bytes_make("", 0);
    }
    return assay_bytes_make(r->str, (size_t)r->len);
}

size_t assay_reply_count(const redisReply *r)
{
    return r == NULL || r->type != REDIS_REPLY_ARRAY ? 0 : r->elements;
}

const redisReply *assay_reply_at(const redisReply *array, size_t i)
{
    return i < assay_reply_count(array) ? array->element[i] : NULL;
}

int assay_reply_is(const redisReply *r, const char *text)
{
    return assay_bytes_equal(assay_reply_text(r), assay_bytes_str(text));
}

int assay_reply_failed(const redisReply *r)
{
    return r != NULL && r->type == REDIS_REPLY_ERROR;
}

int assay_reply_is_error(const redisReply *r, const char *code)
{
    size_t n = strlen(code);
    return assay_reply_failed(r) && (size_t)r->len >= n && memcmp(r->str, code, n) == 0 &&
           ((size_t)r->len == n || r->str[n] == ' ');
}

uint64_t assay_reply_number(const redisReply *r)
{
    int64_t n = 0;
    if (r != NULL && r->type == REDIS_REPLY_INTEGER) {
        return r->integer < 0 ? 0 : (uint64_t)r->integer;
    }
    struct assay_bytes text = assay_reply_text(r);
    if (text.len == 0 || strlen(text.ptr) != text.len) {
        return 0;
    }
    return assay_parse_int(text.ptr, 0, INT64_MAX, &n, NULL) == ASSAY_OK ? (uint64_t)n : 0;
}
