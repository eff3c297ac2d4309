/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/feed.c: cutting.
 *
 *     carry (start of a record) | newly read ........ | held back byte
 *     \________________ whole records _______/\_ the next carry _____/
 *
 * New bytes are read behind the carry, and the carry is placed so that they begin at a multiple of
 * 64: read(2) into an unaligned buffer is five times slower. One byte is always held back until the
 * stream has ended, so that the reader is told exactly once which data runs to the end of the file,
 * and that data is never empty. A record longer than the limit is passed over in pieces of one
 * block: memory stays bounded whatever the length of a line.
 */
#include "engine/feed.h"

#include "core/limits.h"

#define ALIGN      64u
#define READ_LEAST 16u /* what assay_stream_read may ask for */

/* What became of the text that was read. */
enum outcome { CUT, TOO_LONG, BROKEN, WAITS };

/* The block being filled. */
struct filling {
    struct assay_source *source;
    struct assay_block *block;
    size_t start; /* of the text in block->mem */
    size_t len;   /* of the text */
};

enum assay_status assay_block_grow(struct assay_block *b, size_t want, size_t from, size_t keep)
{
    size_t cap = (want + 2 * ALIGN + ASSAY_CHUNK_PADDING + ALIGN - 1) / ALIGN * ALIGN;
    if (cap <= b->cap) {
        return ASSAY_OK;
    }
    char *mem = aligned_alloc(ALIGN, cap);
    if (mem == NULL) {
        return ASSAY_NOMEM;
    }
    if (keep > 0) {
        memcpy(mem + from, b->mem + from, keep);
    }
    free(b->mem);
    b->mem = mem;
    b->cap = cap;
    return ASSAY_OK;
}

static enum assay_status keep_carry(struct assay_source *s, const char *data, size_t len)
{
    if (len > s->carry_cap || s->carry_cap > 4 * s->run->tuning.chunk + len) {
        size_t cap = len < s->run->tuning.chunk ? s->run->tuning.chunk : len;
        free(s->carry);
        s->carry_cap = 0;
        s->carry = malloc(cap);
        if (s->carry == NULL) {
            return ASSAY_NOMEM;
        }
        s->carry_cap = cap;
    }
    if (len > 0) {
        memcpy(s->carry, data, len);
    }
    s->carry_len = len;
    return ASSAY_OK;
}

/* Puts the carry into the block so that it ends at a multiple of 64. */
static enum assay_status begin(struct filling *f, size_t want)
{
    struct assay_source *s = f->source;
    f->start = (ALIGN - s->carry_len % ALIGN) % ALIGN;
    f->len = s->carry_len;
    enum assay_status status = assay_block_grow(f->block, want + s->carry_len, 0, 0);
    if (status == ASSAY_OK && s->carry_len > 0) {
        memcpy(f->block->mem + f->start, s->carry, s->carry_len);
        s->carry_len = 0;
    }
    return status;
}

/* Reads until the text has `want` bytes (or a little more: a decoder needs room for a character) or
 * the stream ends. A stream that breaks ends too; why is noted. */
static void read_text(struct filling *f, size_t want)
{
    struct assay_source *s = f->source;
    while (f->len < want && !s->stream_ended && !assay_run_stopping(s->run)) {
        struct assay_error err;
        size_t n = 0, room = want - f->len;
        enum assay_status status =
            assay_stream_read(s->stream, f->block->mem + f->start + f->len,
                              room < READ_LEAST ? READ_LEAST : room, &n, &err);
        f->len += n;
        if (status != ASSAY_OK && status != ASSAY_END && s->status == ASSAY_OK) {
            s->status = status;
        }
        s->stream_ended = status != ASSAY_OK && status != ASSAY_CANCELLED;
    }
}

/* What the reader may see: not the byte held back, and no more than one byte over the limit on
 * records, which makes that limit exact. */
static struct assay_bytes visible(const struct filling *f)
{
    size_t len = f->source->stream_ended || f->len == 0 ? f->len : f->len - 1;
    uint64_t most = f->source->run->max_record + 1;
    return assay_bytes_make(f->block->mem + f->start, len < most ? len : (size_t)most);
}

/* Whether the file ends with what is visible. */
static uint8_t is_last(const struct filling *f, struct assay_bytes data)
{
    return f->source->stream_ended && data.len == f->len;
}

/* The rest of the file cannot be cut: passes over it. */
static void give_up(struct filling *f, struct assay_collector *c)
{
    struct assay_source *s = f->source;
    s->text_ended = 1;
    s->status = s->status == ASSAY_OK ? ASSAY_PLUGIN : s->status;
    assay_collector_missed(c, ASSAY_SKIP_PLUGIN, 0, f->len);
    f->len = 0;
}

/* ---- over-long records --------------------------------------------------------------------- */

/* The over-long record ended: it counts, keeps its ordinal, and is reported. */
static enum assay_status report_long(struct assay_source *s, struct assay_collector *c)
{
    struct assay_finding found = assay_finding_init(0);
    char detail[96];
    (void)snprintf(detail, sizeof detail, "%llu bytes; the limit is %llu",
                   (unsigned long long)s->discarded, (unsigned long long)s->run->max_record);
    found.ordinal = s->ordinal++;
    found.offset = s->offset - s->discarded;
    assay_collector_skip(c, ASSAY_SKIP_TOO_LONG, 1, s->discarded);
    c->tally.records_total++;
    s->discarding = 0;
    s->discarded = 0;
    return assay_collector_raise(c, ASSAY_ENGINE_TOO_LONG, &found, detail);
}

/* Passes over what is visible of an over-long record; what follows its end becomes the carry. */
static enum assay_status discard(struct filling *f, struct assay_collector *c)
{
    struct assay_source *s = f->source;
    struct assay_bytes data = visible(f);
    struct assay_split sp = {0, 0, 0};
    int last = is_last(f, data);
    enum assay_status status = s->reader->split(s->self, data, ASSAY_SPLIT_DISCARD, &sp);
    if (status != ASSAY_OK || sp.consumed > data.len) {
        give_up(f, c);
        return ASSAY_OK;
    }
    if (!sp.done && (sp.consumed == 0 || last)) {
        sp.consumed = data.len;
    }
    s->discarded += sp.consumed;
    s->offset += sp.consumed;
    s->text_ended = last && sp.consumed == data.len;
    status = sp.done || s->text_ended ? report_long(s, c) : ASSAY_OK;
    return status == ASSAY_OK ? keep_carry(s, data.ptr + sp.consumed, f->len - sp.consumed)
                              : status;
}

/* ---- whole records ------------------------------------------------------------------------- */

/* Makes the block a chunk of the `sp->consumed` bytes at the start of `data`. */
static enum assay_status cut(struct filling *f, const struct assay_split *sp,
                             struct assay_bytes data, struct assay_collector *c)
{
    struct assay_source *s = f->source;
    struct assay_block *b = f->block;
    enum assay_status status = ASSAY_OK;
    s->text_ended = is_last(f, data);
    if (!s->text_ended) {
        status = keep_carry(s, data.ptr + sp->consumed, f->len - sp->consumed);
    } else if (sp->consumed < data.len) {
        assay_collector_skip(c, ASSAY_SKIP_MALFORMED, 0, data.len - sp->consumed);
    }
    memset(b->mem + f->start + sp->consumed, 0, ASSAY_CHUNK_PADDING);
    b->chunk.data = assay_bytes_make(data.ptr, sp->consumed);
    b->chunk.offset = s->offset;
    b->chunk.first_ordinal = s->ordinal;
    b->chunk.last = s->text_ended;
    b->records = sp->records;
    s->offset += sp->consumed;
    s->ordinal += sp->records;
    c->tally.records_total += sp->records;
    return status;
}

static size_t smaller(size_t a, uint64_t b)
{
    return a < b ? a : (size_t)b;
}

/* Reads more and more until a record is whole, ends with the file, or is too long. */
static enum assay_status fill(struct filling *f, struct assay_split *sp, struct assay_bytes *data,
                              enum outcome *ret)
{
    struct assay_source *s = f->source;
    const uint64_t most = s->run->max_record + 2;
    size_t want = smaller(f->len + s->run->tuning.chunk, most);
    for (;;) {
        enum assay_status status = assay_block_grow(f->block, want, f->start, f->len);
        if (status != ASSAY_OK) {
            return status;
        }
        read_text(f, want);
        *data = visible(f);
        *sp = (struct assay_split){0, 0, 0};
        *ret = CUT;
        if (data->len == 0 || assay_run_stopping(s->run)) {
            return ASSAY_OK;
        }
        int last = is_last(f, *data);
        status = s->reader->split(s->self, *data, last ? ASSAY_SPLIT_LAST : ASSAY_SPLIT_MORE, sp);
        if (status != ASSAY_OK || sp->consumed > data->len) {
            *ret = BROKEN;
        } else if (sp->consumed == 0 && !last && data->len > s->run->max_record) {
            *ret = TOO_LONG;
        } else if (sp->consumed == 0 && !last) {
            want = smaller(f->len * 2, most);
            *ret = WAITS;
            if (s->has_turn || want <= ASSAY_BLOCK_FREE_GROWTH(s->run->tuning.chunk)) {
                continue;
            }
        }
        return ASSAY_OK;
    }
}

enum assay_status assay_feed_step(struct assay_source *s, struct assay_block *b,
                                  struct assay_collector *c, struct assay_error *err)
{
    struct filling f = {.source = s, .block = b};
    struct assay_split sp = {0, 0, 0};
    struct assay_bytes data = {NULL, 0};
    enum outcome outcome = TOO_LONG;
    enum assay_status status = begin(&f, s->run->tuning.chunk);
    b->seq = s->seq;
    s->seq += UINT64_C(1) << 16;
    if (status == ASSAY_OK && s->discarding) {
        read_text(&f, f.len + s->run->tuning.chunk);
    } else if (status == ASSAY_OK) {
        status = fill(&f, &sp, &data, &outcome);
    }
    if (status == ASSAY_OK && outcome == BROKEN) {
        give_up(&f, c);
    } else if (status == ASSAY_OK && outcome == TOO_LONG) {
        s->discarding = 1;
        status = discard(&f, c);
    } else if (status == ASSAY_OK && outcome == WAITS) {
        s->needs_turn = 1;
        status = keep_carry(s, f.block->mem + f.start, f.len);
    } else if (status == ASSAY_OK) {
        status = cut(&f, &sp, data, c);
    }
    return status == ASSAY_OK ? ASSAY_OK : assay_fail(err, status, "out of memory while reading");
}
