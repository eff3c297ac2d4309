/* SPDX-License-Identifier: Apache-2.0
 *
 * Masked previews.
 *
 * Whatever the rule asks for, at least half of a value's code points and at least four (all, where
 * it has fewer than five) are not shown: what the rule keeps beyond that is given up, the tail
 * first. Long values show at most MASK_STARS stars. Control characters, line separators and
 * bidirectional controls are never kept.
 */
#include "core/buf.h"
#include "core/utf8.h"
#include "rules/ruleset.h"

#define MASK_STARS  32
#define LABEL_MAX   8 /* a longer last label is not a public one; it stays hidden */
#define HIDDEN_MIN  4
#define EMAIL_BLANK "***@***"

/* How many code points of n may be shown. */
static size_t showable(size_t n)
{
    size_t half = n / 2;
    size_t rest = n > HIDDEN_MIN ? n - HIDDEN_MIN : 0;
    return half < rest ? half : rest;
}

static int is_plain(uint32_t cp)
{
    return cp >= 0x20 && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0) && assay_cp_width(cp) > 0;
}

/* A bad byte decodes to a code point longer than itself and is not kept. */
static void add_kept(struct assay_buf *out, const char *p, unsigned len, uint32_t cp)
{
    if (is_plain(cp) && !(len == 1 && cp >= 0x80)) {
        assay_buf_add(out, p, len);
    } else {
        assay_buf_addc(out, '*');
    }
}

static size_t count_points(struct assay_bytes s)
{
    size_t n = 0;
    uint32_t cp;
    for (const char *p = s.ptr, *end = s.ptr + s.len; p < end; n++) {
        p += assay_utf8_decode(p, end, &cp);
    }
    return n;
}

static void mask_plain(const struct assay_mask *mask, struct assay_bytes value,
                       struct assay_buf *out)
{
    size_t n = count_points(value);
    size_t room = showable(n);
    size_t first = mask->keep_first < room ? mask->keep_first : room;
    size_t last = mask->keep_last < room - first ? mask->keep_last : room - first;
    size_t stars = 0, i = 0;
    for (const char *p = value.ptr, *end = value.ptr + value.len; p < end; i++) {
        uint32_t cp;
        unsigned len = assay_utf8_decode(p, end, &cp);
        if (i < first || i >= n - last) {
            add_kept(out, p, len, cp);
        } else if (stars++ < MASK_STARS) {
            assay_buf_addc(out, '*');
        }
        p += len;
    }
}

/* The last label of a domain with its dot, when it is short and made of letters; else empty. */
static struct assay_bytes last_label(struct assay_bytes domain)
{
    size_t i = domain.len;
    while (i > 0 && ((domain.ptr[i - 1] | 32) >= 'a' && (domain.ptr[i - 1] | 32) <= 'z')) {
        i--;
    }
    size_t len = domain.len - i;
    int ok = len > 0 && len <= LABEL_MAX && i > 1 && domain.ptr[i - 1] == '.';
    return ok ? assay_bytes_make(domain.ptr + i - 1, len + 1) : assay_bytes_make(NULL, 0);
}

/* First letter of the local part (if it has more), and the last label. */
static void mask_email(struct assay_bytes value, struct assay_bytes domain, struct assay_buf *out)
{
    size_t n = count_points(value);
    struct assay_bytes label = last_label(domain);
    uint32_t cp;
    unsigned first = assay_utf8_decode(value.ptr, value.ptr + value.len, &cp);
    int alone = value.ptr + first == domain.ptr - 1;
    if (!alone && 2 + label.len <= showable(n)) {
        add_kept(out, value.ptr, first, cp);
    } else if (1 + label.len > showable(n)) {
        label.len = 0;
    }
    assay_buf_adds(out, EMAIL_BLANK);
    assay_buf_addb(out, label);
}

void assay_rule_mask(const struct assay_rule *rule, struct assay_bytes value, struct assay_buf *out)
{
    const char *at = value.len == 0 ? NULL : memrchr(value.ptr, '@', value.len);
    if (value.len == 0) {
        return;
    }
    if (rule->mask.email && at != NULL && at > value.ptr) {
        struct assay_bytes domain =
            assay_bytes_make(at + 1, value.len - (size_t)(at + 1 - value.ptr));
        mask_email(value, domain, out);
    } else {
        mask_plain(&rule->mask, value, out);
    }
}
