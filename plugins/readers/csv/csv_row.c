/* SPDX-License-Identifier: Apache-2.0
 *
 * Narrow tables have a delimiter every few bytes, so calling memchr for each cell would cost more
 * than the cell. The parser marks delimiters, quotes and line ends of 64 bytes at a time in one
 * word and takes them out bit by bit; short cells are copied by one 16-byte store.
 */
#include "csv_row.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* ---- rows ---- */

static size_t find(struct assay_bytes data, size_t from, size_t to, char c)
{
    const char *p = from < to ? (const char *)memchr(data.ptr + from, c, to - from) : NULL;
    return p == NULL ? to : (size_t)(p - data.ptr);
}

/* Inside quotes at progress->pos: moves behind the closing quote. 0: it, or the byte behind it, is
 * not there yet. */
static int pass_quoted(const struct csv_dialect *d, struct assay_bytes data, int last,
                       struct csv_progress *progress)
{
    for (;;) {
        const size_t q = find(data, progress->pos, data.len, d->quote);
        progress->pos = q;
        if (q == data.len || (q + 1 == data.len && !last)) {
            return 0;
        }
        if (q + 1 == data.len || data.ptr[q + 1] != d->quote) {
            progress->pos = q + 1;
            progress->in_quotes = 0;
            return 1;
        }
        progress->pos = q + 2;
    }
}

size_t csv_row_end(const struct csv_dialect *d, struct assay_bytes data, size_t start, int last,
                   struct csv_progress *progress)
{
    size_t eol = 0; /* the first line end at or behind pos, once eol >= pos */
    int known = 0;
    if (progress->pos < start) {
        progress->pos = start;
    }
    for (;;) {
        if (progress->in_quotes && !pass_quoted(d, data, last, progress)) {
            return last ? data.len : CSV_NO_END;
        }
        if (!known || eol < progress->pos) {
            eol = find(data, progress->pos, data.len, d->eol);
            known = 1;
        }
        const size_t q = d->quote == '\0' ? eol : find(data, progress->pos, eol, d->quote);
        if (q == eol) {
            progress->pos = eol;
            return eol < data.len || last ? eol : CSV_NO_END;
        }
        progress->in_quotes = q == start || data.ptr[q - 1] == d->delimiter;
        progress->pos = q + 1;
    }
}

int csv_row_blank(struct assay_bytes data, size_t start, size_t end)
{
    while (start < end && (data.ptr[start] == ' ' || data.ptr[start] == '\r')) {
        start++;
    }
    return start == end;
}

/* ---- cells ---- */

#if defined(__SSE2__)
static uint64_t mark16(const char *at, const struct csv_dialect *d)
{
    const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
    const __m128i delimiter = _mm_cmpeq_epi8(v, _mm_set1_epi8(d->delimiter));
    const __m128i eol = _mm_cmpeq_epi8(v, _mm_set1_epi8(d->eol));
    const __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8(d->quote));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(delimiter, eol), quote));
}
#else
static uint64_t mark16(const char *at, const struct csv_dialect *d)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 16; i++) {
        const char c = at[i];
        mask |= (uint64_t)(c == d->delimiter || c == d->eol || c == d->quote) << i;
    }
    return mask;
}
#endif

static void mark_block(struct csv_parser *p, size_t block)
{
    const char *at = p->data.ptr + block;
    const struct csv_dialect *d = &p->dialect;
    p->block = block;
    p->mask = mark16(at, d) | mark16(at + 16, d) << 16 | mark16(at + 32, d) << 32 |
              mark16(at + 48, d) << 48;
}

/* The next delimiter, quote or line end at or behind pos; data.len when there is none. */
static size_t next_mark(struct csv_parser *p, size_t pos)
{
    size_t block = pos & ~(size_t)63;
    if (pos >= p->data.len) {
        return p->data.len;
    }
    if (block != p->block) {
        mark_block(p, block);
    }
    uint64_t mask = p->mask >> (pos & 63) << (pos & 63);
    while (mask == 0) {
        block += 64;
        if (block >= p->data.len) {
            return p->data.len;
        }
        mark_block(p, block);
        mask = p->mask;
    }
    const size_t at = block + (size_t)__builtin_ctzll(mask);
    return at < p->data.len ? at : p->data.len;
}

/* The next delimiter or line end at or behind pos; quotes in between are letters, and noted. */
static size_t cell_end(struct csv_parser *p, size_t pos)
{
    for (;;) {
        const size_t at = next_mark(p, pos);
        if (at == p->data.len || p->data.ptr[at] == p->dialect.delimiter ||
            p->data.ptr[at] == p->dialect.eol) {
            return at;
        }
        p->notes |= p->dialect.quote == '\0' ? 0 : CSV_NOTE_STRAY_QUOTE;
        pos = at + 1;
    }
}

/* The end of a cell's text that stops at `end`: the '\r' of "\r\n" is no part of it. */
static size_t text_end(const struct csv_parser *p, size_t start, size_t end)
{
    const int at_row_end = end == p->data.len || p->data.ptr[end] == p->dialect.eol;
    return at_row_end && p->dialect.eol == '\n' && end > start && p->data.ptr[end - 1] == '\r'
               ? end - 1
               : end;
}

static enum assay_status close_cell(struct csv_parser *p, size_t len)
{
    unsigned flags = 0;
    if (p->dirty) {
        const size_t bad = reader_utf8_repair(reader_batch_end(p->batch), len);
        p->bad += bad;
        flags = bad > 0 ? ASSAY_FIELD_REPAIRED : 0;
    }
    return reader_batch_close(p->batch, p->columns++, ASSAY_FIELD_STRING, flags, len);
}

static void copy_text(char *to, const char *from, size_t len)
{
    if (len <= 16) {
        memcpy(to, from, 16); /* both sides have slack */
    } else {
        memcpy(to, from, len);
    }
}

static enum assay_status plain_cell(struct csv_parser *p, size_t *pos)
{
    const size_t start = *pos;
    const size_t end = cell_end(p, start);
    const size_t len = text_end(p, start, end) - start;
    copy_text(reader_batch_end(p->batch), p->data.ptr + start, len);
    *pos = end;
    return close_cell(p, len);
}

/* Copies what stands between the quotes, doubled quotes once; *pos moves behind the closing quote.
 * Returns the length. */
static size_t copy_quoted(struct csv_parser *p, size_t *pos)
{
    char *const to = reader_batch_end(p->batch);
    size_t n = 0;
    size_t from = *pos;
    for (;;) {
        const size_t q = find(p->data, from, p->data.len, p->dialect.quote);
        memcpy(to + n, p->data.ptr + from, q - from);
        n += q - from;
        if (q == p->data.len) {
            p->notes |= CSV_NOTE_UNTERMINATED;
            *pos = q;
            return n;
        }
        if (q + 1 == p->data.len || p->data.ptr[q + 1] != p->dialect.quote) {
            *pos = q + 1;
            return n;
        }
        to[n++] = p->dialect.quote;
        from = q + 2;
    }
}

static enum assay_status quoted_cell(struct csv_parser *p, size_t *pos)
{
    (*pos)++;
    size_t n = copy_quoted(p, pos);
    const size_t end = cell_end(p, *pos);
    const size_t tail = text_end(p, *pos, end) - *pos;
    if (tail > 0) {
        p->notes |= CSV_NOTE_STRAY_QUOTE;
        memcpy(reader_batch_end(p->batch) + n, p->data.ptr + *pos, tail);
        n += tail;
    }
    *pos = end;
    return close_cell(p, n);
}

/* All that is left of the row, as written. */
static enum assay_status rest_of_row(struct csv_parser *p, size_t *pos)
{
    struct csv_progress progress = {*pos, 0};
    const size_t end = csv_row_end(&p->dialect, p->data, *pos, 1, &progress);
    const size_t len = text_end(p, *pos, end) - *pos;
    memcpy(reader_batch_end(p->batch), p->data.ptr + *pos, len);
    *pos = end;
    return close_cell(p, len);
}

void csv_parser_start(struct csv_parser *p, const struct csv_dialect *d, struct reader_batch *batch,
                      struct assay_bytes data, int dirty)
{
    memset(p, 0, sizeof *p);
    p->dialect = *d;
    p->batch = batch;
    p->data = data;
    p->dirty = dirty;
    p->block = SIZE_MAX;
}

int csv_skip_blank(const struct csv_parser *p, size_t *pos)
{
    while (*pos < p->data.len) {
        const char c = p->data.ptr[*pos];
        if (c != ' ' && c != '\r' && c != '\n') {
            return 1;
        }
        const size_t end = find(p->data, *pos, p->data.len, p->dialect.eol);
        if (!csv_row_blank(p->data, *pos, end)) {
            return 1;
        }
        *pos = end + (end < p->data.len);
    }
    return 0;
}

enum assay_status csv_parse_row(struct csv_parser *p, size_t *pos, struct assay_bytes *ret_raw)
{
    const size_t start = *pos;
    const char quote = p->dialect.quote;
    p->columns = 0;
    p->notes = 0;
    p->bad = 0;
    for (;;) {
        const int quoted = quote != '\0' && *pos < p->data.len && p->data.ptr[*pos] == quote;
        enum assay_status st;
        if (p->columns == CSV_COLUMNS_MAX - 1) {
            st = rest_of_row(p, pos);
        } else {
            st = quoted ? quoted_cell(p, pos) : plain_cell(p, pos);
        }
        if (st != ASSAY_OK) {
            return st;
        }
        if (*pos == p->data.len || p->data.ptr[*pos] == p->dialect.eol) {
            break;
        }
        (*pos)++; /* the delimiter */
    }
    *ret_raw = assay_bytes_make(p->data.ptr + start, text_end(p, start, *pos) - start);
    *pos += *pos < p->data.len;
    return ASSAY_OK;
}
