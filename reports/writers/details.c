/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/writers/details.h"

#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "reports/writers/common.h"

#define CAPTURES 8
#define DOT      " \xC2\xB7 "

/* A pattern is literal but for '#', a number, and '*', any text up to what follows. In the words for
 * it $1 is the first of these as it stands, %1 a number of thousandths as a share, @1 a name in which
 * %XX stands for a byte, and {a|b} is a where the number before it is 1. */
struct phrase {
    const char *pattern;
    enum assay_said part;
    const char *en, *zh;
};

#define NEAR                                                                                       \
    "# near-duplicates in # file(s), shingles of # token(s), similarity to the first: least #, "   \
    "median # of 1000, containment at least #"
#define NEAR_EN "at least %4, median %5"
#define NEAR_ZH "最低 %4，中位 %5"

#define PICTURES "# pictures, # to # of 256 bits from the first, median #"

/* clang-format off */
static const struct phrase phrases[] = {
    {"# identical files", ASSAY_SAID_SIZE, "$1 file{|s}", "$1 个文件"},
    {"# identical records in # file(s)", ASSAY_SAID_SIZE, "$1 record{|s} in $2 file{|s}", "$2 个文件中的 $1 条记录"},
    {"# different records alike, # with their copies", ASSAY_SAID_SIZE, "$2 record{|s} of $1 form{|s}",
     "$2 条记录，$1 种写法"},
    {"# different answers to one prompt, in # records", ASSAY_SAID_SIZE, "$1 answer{|s} in $2 record{|s}",
     "$2 条记录，$1 种回答"},
    {"each once", ASSAY_SAID_REST, "each once", "各出现一次"},
    {"the most frequent one in # records", ASSAY_SAID_REST, "the most frequent in $1 record{|s}", "最常见的一种见于 $1 条记录"},
    {"clear majority for member #, in # records", ASSAY_SAID_REST, "clear majority: $1 of these, in $2 record{|s}",
     "明显多数：所列第 $1 条，见于 $2 条记录"},
    {"likely errors: # record(s)", ASSAY_SAID_REST, "likely errors: $1 record{|s}", "可能有误：$1 条记录"},
    {"both sides are the same", ASSAY_SAID_REST, "both sides are the same", "两侧相同"},
    {NEAR, ASSAY_SAID_SIZE, "$1 text{|s} in $2 file{|s}", "$2 个文件中的 $1 段文字"},
    {NEAR, ASSAY_SAID_ALIKE, NEAR_EN, NEAR_ZH},
    {NEAR, ASSAY_SAID_REST, "contained at least %6", "包含度最低 %6"},
    {NEAR ", chained", ASSAY_SAID_REST, "contained at least %6", "包含度最低 %6"},
    {NEAR ", chained", ASSAY_SAID_SIZE, "$1 text{|s} in $2 file{|s}", "$2 个文件中的 $1 段文字"},
    {NEAR ", chained", ASSAY_SAID_ALIKE, NEAR_EN "; chained: some are unlike the first",
     NEAR_ZH "；链式：有的与第一条并不相似"},
    {"splits: *", ASSAY_SAID_SPLITS, "$1", "$1"},
    {"tier *: *", ASSAY_SAID_SPLITS, "$2", "$2"},
    {"tier image: *", ASSAY_SAID_ALIKE, "pictures that look the same", "看起来相同的图片"},
    {"tier file: *", ASSAY_SAID_ALIKE, "identical files", "相同的文件"},
    {"tier record: *", ASSAY_SAID_ALIKE, "identical", "相同"},
    {"tier normalised: *", ASSAY_SAID_ALIKE, "alike once normalised", "规范化后相同"},
    {"tier near: *", ASSAY_SAID_ALIKE, "near-duplicates", "近似重复"},
    {"tier span: *", ASSAY_SAID_ALIKE, "a long passage", "共有长段"},
    {PICTURES, ASSAY_SAID_SIZE, "$1 picture{|s}", "$1 张图片"},
    {PICTURES, ASSAY_SAID_ALIKE, "$2 to $3 of 256 bits from the first, median $4",
     "与第一张相差 $2 至 $3 位，中位 $4（共 256 位）"},
    {"rotated by 90 degrees, # of 256 bits apart", ASSAY_SAID_ALIKE, "rotated by 90 degrees, $1 of 256 bits apart", "旋转 90 度，相差 $1 位（共 256 位）"},
    {"rotated by 180 degrees, # of 256 bits apart", ASSAY_SAID_ALIKE, "rotated by 180 degrees, $1 of 256 bits apart", "旋转 180 度，相差 $1 位（共 256 位）"},
    {"rotated by 270 degrees, # of 256 bits apart", ASSAY_SAID_ALIKE, "rotated by 270 degrees, $1 of 256 bits apart", "旋转 270 度，相差 $1 位（共 256 位）"},
    {"flipped upside down, # of 256 bits apart", ASSAY_SAID_ALIKE, "flipped upside down, $1 of 256 bits apart", "上下翻转，相差 $1 位（共 256 位）"},
    {"mirrored, # of 256 bits apart", ASSAY_SAID_ALIKE, "mirrored, $1 of 256 bits apart", "左右翻转，相差 $1 位（共 256 位）"},
    {"a chain: not all are alike", ASSAY_SAID_ALIKE, "chained: some are unlike the first",
     "链式：有的与第一张并不相似"},
    {"longest match # word(s) and 0 character(s)*, # of 1000 of the item contained", ASSAY_SAID_ALIKE,
     "%3 of the item, longest match $1 word{|s}$2", "占条目的 %3，最长匹配 $1 个词"},
    {"longest match 0 word(s) and # character(s)*, # of 1000 of the item contained", ASSAY_SAID_ALIKE,
     "%3 of the item, longest match $1 character{|s}$2", "占条目的 %3，最长匹配 $1 个字符"},
    {"longest match # word(s) and # character(s)*, # of 1000 of the item contained", ASSAY_SAID_ALIKE,
     "%4 of the item, longest match $1 word{|s} and $2 character{|s}$3", "占条目的 %4，最长匹配 $1 个词、$2 个字符"},
    {"item (*) is member #: field #, bytes # to #", ASSAY_SAID_SPLITS, "item in $1", "条目属于 $1"},
    {"item (*) is member #: field #, bytes # to #", ASSAY_SAID_WHERE, "item: record $2 of these, bytes $4 to $5 of field $3",
     "条目：第 $2 条，字段 $3 的第 $4 至 $5 字节"},
    {"partner (*): field #, bytes # to #", ASSAY_SAID_SPLITS, "partner in $1", "对应记录属于 $1"},
    {"partner (*): field #, bytes # to #", ASSAY_SAID_WHERE, "partner: bytes $3 to $4 of field $2",
     "对应记录：字段 $2 的第 $3 至 $4 字节"},
    {"# partner(s) compared", ASSAY_SAID_REST, "$1 partner{|s} compared", "比较了 $1 条对应记录"},
    {"# different texts agree in one band", ASSAY_SAID_SIZE, "$1 different text{|s}", "$1 段不同的文字"},
    {"each was compared with # of them", ASSAY_SAID_REST, "each was compared with $1 of them", "每段只与其中 $1 段比较"},
    {"the most frequent one is in # records", ASSAY_SAID_SIZE, "$1 record{|s}", "$1 条记录"},
    {"# kept n-grams set aside", ASSAY_SAID_REST, "$1 n-gram{|s} set aside", "搁置了 $1 个 n-gram"},
    {"same bytes as record # of * in delivery *", ASSAY_SAID_ALIKE, "identical", "相同"},
    {"same text as record # of * in delivery *", ASSAY_SAID_ALIKE, "alike once normalised", "规范化后相同"},
    {"similarity # of 1000", ASSAY_SAID_ALIKE, "%1", "%1"},
    {"same bytes as record # of * in delivery *", ASSAY_SAID_WHERE, "delivery @3: @2#$1", "交付 @3：@2#$1"},
    {"same text as record # of * in delivery *", ASSAY_SAID_WHERE, "delivery @3: @2#$1", "交付 @3：@2#$1"},
    {"near-duplicate of record # of * in delivery *", ASSAY_SAID_WHERE, "delivery @3: @2#$1",
     "交付 @3：@2#$1"},
};
/* clang-format on */

#define N_PHRASES (sizeof phrases / sizeof phrases[0])

/* ---- matching ------------------------------------------------------------------------------ */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The end of what '*' takes: where `next` stands first, or the end of the text. NULL: nowhere. */
static const char *find_next(const char *text, const char *end, const char *next)
{
    if (*next == '\0') {
        return end;
    }
    const size_t len = strcspn(next, "#*");
    for (const char *p = text; (size_t)(end - p) >= len; p++) {
        if (memcmp(p, next, len) == 0) {
            return p;
        }
    }
    return NULL;
}

/* Whether [text, end) is as `pattern` says; what '#' and '*' took is in `got`. */
static int matches(const char *pattern, const char *text, const char *end,
                   struct assay_bytes got[CAPTURES])
{
    size_t n = 0;
    for (; *pattern != '\0'; pattern++) {
        const char *start = text;
        if (*pattern == '#') {
            while (text < end && is_digit(*text)) {
                text++;
            }
        } else if (*pattern == '*') {
            text = find_next(text, end, pattern + 1);
        } else if (text < end && *text == *pattern) {
            text++;
            continue;
        } else {
            return 0;
        }
        if (text == NULL || n == CAPTURES || (*pattern == '#' && text == start)) {
            return 0;
        }
        got[n++] = assay_bytes_make(start, (size_t)(text - start));
    }
    return text == end;
}

/* ---- saying -------------------------------------------------------------------------------- */

static int hex_value(char c)
{
    return is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void add_name(struct assay_buf *out, struct assay_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        const int high = name.len - i > 2 && name.ptr[i] == '%' ? hex_value(name.ptr[i + 1]) : -1;
        const int low = high < 0 ? -1 : hex_value(name.ptr[i + 2]);
        if (low < 0 || high * 16 + low == 0) {
            assay_buf_addc(out, name.ptr[i]);
        } else {
            assay_buf_addc(out, (char)(high * 16 + low));
            i += 2;
        }
    }
}

static void add_capture(struct assay_buf *out, char how, struct assay_bytes got)
{
    if (how == '%') {
        assay_put_ratio(out, strtoull(got.ptr, NULL, 10) * 100, 1000, 1);
        assay_buf_addc(out, '%');
    } else if (how == '@') {
        add_name(out, got);
    } else if (got.len > 0 && is_digit(got.ptr[0]) && strspn(got.ptr, "0123456789") >= got.len) {
        assay_put_count(out, strtoull(got.ptr, NULL, 10));
    } else {
        assay_buf_addb(out, got);
    }
}

/* {one|many} at `p`: adds what applies, and returns its last character. */
static const char *add_choice(struct assay_buf *out, const char *p, int one)
{
    const char *bar = strchr(p, '|'), *close = strchr(p, '}');
    const char *from = one ? p + 1 : bar + 1, *to = one ? bar : close;
    assay_buf_add(out, from, (size_t)(to - from));
    return close;
}

static void say(struct assay_buf *out, const char *words, const struct assay_bytes *got)
{
    int one = 0;
    for (const char *p = words; *p != '\0'; p++) {
        if (strchr("$%@", *p) != NULL && is_digit(p[1])) {
            const struct assay_bytes g = got[p[1] - '1'];
            add_capture(out, *p, g);
            one = g.len == 1 && g.ptr[0] == '1';
            p++;
        } else if (*p == '{') {
            p = add_choice(out, p, one);
        } else {
            assay_buf_addc(out, *p);
        }
    }
}

static struct assay_buf *begin_part(struct assay_details *d, enum assay_said part)
{
    struct assay_buf *b = &d->part[part];
    if (b->len > 0) {
        assay_buf_adds(b, "; ");
    }
    return b;
}

/* Of the rows that speak of one part the first that matches counts. */
static void read_clause(struct assay_details *d, const char *text, const char *end, int chinese)
{
    uint8_t said[ASSAY_SAID_PARTS] = {0};
    int known = 0;
    for (size_t i = 0; i < N_PHRASES; i++) {
        const struct phrase *f = &phrases[i];
        struct assay_bytes got[CAPTURES] = {{NULL, 0}};
        if (!said[f->part] && matches(f->pattern, text, end, got)) {
            say(begin_part(d, f->part), chinese ? f->zh : f->en, got);
            said[f->part] = 1;
            known = 1;
        }
    }
    if (!known) {
        assay_buf_add(begin_part(d, ASSAY_SAID_REST), text, (size_t)(end - text));
    }
}

void assay_details_read(struct assay_details *d, const char *detail, int chinese)
{
    for (size_t i = 0; i < ASSAY_SAID_PARTS; i++) {
        assay_buf_init(&d->part[i], ASSAY_KIB(64));
    }
    while (detail != NULL && *detail != '\0') {
        const char *next = strstr(detail, "; ");
        const char *end = next == NULL ? detail + strlen(detail) : next;
        read_clause(d, detail, end, chinese);
        detail = next == NULL ? NULL : next + 2;
    }
}

void assay_details_release(struct assay_details *d)
{
    for (size_t i = 0; i < ASSAY_SAID_PARTS; i++) {
        assay_buf_release(&d->part[i]);
    }
}

void assay_details_say(const char *detail, int chinese, struct assay_buf *out)
{
    struct assay_details d;
    const size_t start = out->len;
    assay_details_read(&d, detail, chinese);
    for (size_t i = 0; i < ASSAY_SAID_PARTS; i++) {
        if (d.part[i].len > 0) {
            assay_buf_adds(out, out->len == start ? "" : DOT);
            assay_buf_addb(out, assay_buf_bytes(&d.part[i]));
        }
    }
    assay_details_release(&d);
}
