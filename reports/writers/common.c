/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/writers/common.h"

#include "core/limits.h"
#include "core/utf8.h"

#define PIECE ASSAY_KIB(64)

void assay_printer_init(struct assay_printer *p, struct assay_out *out, struct assay_error *err)
{
    assay_buf_init(&p->buf, ASSAY_LIMIT_JSON_DOCUMENT);
    p->out = out;
    p->err = err;
}

enum assay_status assay_printer_flush(struct assay_printer *p, int all)
{
    if (assay_buf_status(&p->buf) != ASSAY_OK) {
        return assay_fail(p->err, assay_buf_status(&p->buf), "out of memory while writing");
    }
    if (p->buf.len == 0 || (!all && p->buf.len < PIECE)) {
        return ASSAY_OK;
    }
    enum assay_status s = p->out->write(p->out->ctx, p->buf.ptr, p->buf.len, p->err);
    assay_buf_clear(&p->buf);
    return s;
}

void assay_printer_release(struct assay_printer *p)
{
    assay_buf_release(&p->buf);
}

void assay_put_count(struct assay_buf *b, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            assay_buf_addc(b, ',');
        }
        assay_buf_addc(b, digits[i]);
    }
}

void assay_put_size(struct assay_buf *b, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        assay_buf_addf(b, "%u B", (unsigned)bytes);
        return;
    }
    unsigned u = 0;
    while (u < 5 && bytes >> (10 * (u + 1)) >= 1024) {
        u++;
    }
    uint64_t tenths = (bytes >> (10 * u)) * 10 / 1024;
    assay_buf_addf(b, "%llu.%llu %s", (unsigned long long)(tenths / 10),
                   (unsigned long long)(tenths % 10), units[u]);
}

/* numerator * scale / denominator without overflow; saturates. */
static uint64_t scaled(uint64_t num, uint64_t den, uint64_t scale)
{
    __extension__ unsigned __int128 wide = (unsigned __int128)num * scale / den;
    return wide > UINT64_MAX ? UINT64_MAX : (uint64_t)wide;
}

static void put_decimal(struct assay_buf *b, uint64_t num, uint64_t den, unsigned places,
                        uint64_t factor)
{
    uint64_t one = 1;
    for (unsigned i = 0; i < places; i++) {
        one *= 10;
    }
    uint64_t v = scaled(num, den, one * factor);
    char frac[24];
    (void)snprintf(frac, sizeof frac, "%0*llu", (int)places, (unsigned long long)(v % one));
    size_t n = places;
    while (n > 0 && frac[n - 1] == '0') {
        n--;
    }
    assay_buf_addf(b, "%llu", (unsigned long long)(v / one));
    if (n > 0) {
        assay_buf_addc(b, '.');
        assay_buf_add(b, frac, n);
    }
}

void assay_put_ratio(struct assay_buf *b, uint64_t num, uint64_t den, unsigned places)
{
    if (den == 0) {
        assay_buf_addc(b, '?');
    } else {
        put_decimal(b, num, den, places, 1);
    }
}

void assay_put_percent(struct assay_buf *b, uint64_t num, uint64_t den)
{
    if (den == 0) {
        assay_buf_addc(b, '?');
        return;
    }
    put_decimal(b, num, den, 2, 100);
    assay_buf_addc(b, '%');
}

void assay_put_observed(struct assay_buf *b, const struct assay_term_result *t)
{
    if (!t->known) {
        assay_buf_addc(b, '?');
    } else if (strchr(t->expr, '%') != NULL) {
        assay_put_percent(b, t->num, t->den);
    } else if (t->den == 1) {
        assay_put_count(b, t->num);
    } else {
        assay_put_ratio(b, t->num, t->den, 4);
    }
}

void assay_put_cut(struct assay_buf *b, const char *s, size_t max)
{
    size_t len = strlen(s);
    if (len <= max) {
        assay_buf_add(b, s, len);
        return;
    }
    while (max > 0 && ((uint8_t)s[max] & 0xC0) == 0x80) {
        max--;
    }
    assay_buf_add(b, s, max);
    assay_buf_adds(b, "\xE2\x80\xA6");
}

void assay_put_cut_path(struct assay_buf *b, const char *s, size_t max)
{
    const size_t len = strlen(s), head = max / 3;
    size_t from = len > max ? len - (max - head) : 0;
    if (len <= max) {
        assay_buf_add(b, s, len);
        return;
    }
    while (from < len && ((uint8_t)s[from] & 0xC0) == 0x80) {
        from++;
    }
    assay_put_cut(b, s, head);
    assay_buf_add(b, s + from, len - from);
}

const char *assay_rule_title(const struct assay_rule *r, int chinese)
{
    const char *t = chinese && r->title_zh != NULL ? r->title_zh : r->title_en;
    return t == NULL ? r->view.id : t;
}

const char *assay_rule_category(const struct assay_rule *r)
{
    if (r->view.category != NULL && r->view.category[0] != '\0') {
        return r->view.category;
    }
    return r->view.scanner == NULL ? "-" : r->view.scanner;
}

const char *assay_rule_tier(const char *rule)
{
    static const char *const tiers[][2] = {
        {"duplicates.file", "file"},
        {"duplicates.record", "record"},
        {"duplicates.normalised", "normalised"},
        {"duplicates.near", "near"},
        {"duplicates.span", "span"},
        {"images.near", "image"},
    };
    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++) {
        if (strcmp(tiers[i][0], rule) == 0) {
            return tiers[i][1];
        }
    }
    return NULL;
}
