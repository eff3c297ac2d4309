/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/corpus.h"

#include <math.h>

#include "bench/vocabulary.h"
#include "core/arena.h"

#define VOCABULARY 8192
#define ZIPF_SLOTS 65536
#define RECENT     512 /* texts an exact duplicate may repeat */
#define TEXT_MAX   8192

struct vocabulary {
    char *text;
    uint32_t at[VOCABULARY + 1];
    unsigned n;
    uint16_t zipf[ZIPF_SLOTS]; /* a word for each slot, as often as its rank deserves */
};

struct recent {
    char *text;
    uint32_t len;
    int is_chinese;
};

struct corpus {
    uint64_t rng[2];
    enum corpus_format format;
    unsigned pii_per_mib;
    int64_t debt; /* text bytes not yet paid for with planted items, times pii_per_mib */
    struct vocabulary en, zh;
    struct assay_buf text;
    int is_chinese;
    struct recent recent[RECENT];
    struct corpus_stats stats;
};

/* ---- randomness ----------------------------------------------------------------------------- */

/* xoroshiro128+ (Blackman and Vigna), seeded by splitmix64. */
static uint64_t next64(struct corpus *c)
{
    uint64_t a = c->rng[0], b = c->rng[1], sum = a + b;
    b ^= a;
    c->rng[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
    c->rng[1] = (b << 37) | (b >> 27);
    return sum;
}

static uint32_t below(struct corpus *c, uint32_t n)
{
    return (uint32_t)(((next64(c) >> 32) * n) >> 32);
}

static void seed_rng(struct corpus *c, uint64_t seed)
{
    for (int i = 0; i < 2; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        c->rng[i] = z ^ (z >> 31);
    }
}

/* ---- vocabulary ----------------------------------------------------------------------------- */

static int add_word(struct vocabulary *v, const char *a, size_t a_len, const char *b, size_t b_len)
{
    uint32_t at = v->at[v->n];
    if (v->n == VOCABULARY) {
        return 0;
    }
    memcpy(v->text + at, a, a_len);
    memcpy(v->text + at + a_len, b, b_len);
    v->at[++v->n] = at + (uint32_t)(a_len + b_len);
    return 1;
}

static void fill_zipf(struct vocabulary *v)
{
    double sum = 0, cumulated = 0;
    unsigned slot = 0;
    for (unsigned i = 0; i < v->n; i++) {
        sum += 1.0 / (i + 3.0);
    }
    for (unsigned i = 0; i < v->n; i++) {
        cumulated += 1.0 / (i + 3.0) / sum;
        while (slot < ZIPF_SLOTS && slot < (unsigned)(cumulated * ZIPF_SLOTS + 0.5)) {
            v->zipf[slot++] = (uint16_t)i;
        }
    }
    while (slot < ZIPF_SLOTS) {
        v->zipf[slot++] = (uint16_t)(v->n - 1);
    }
}

static void add_line(struct vocabulary *v, const char *line, const char *suffix)
{
    for (const char *p = line; *p != '\0'; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        (void)add_word(v, p, n, suffix, strlen(suffix));
        p += n;
    }
}

/* Every stem with every suffix, the plain stems first. */
static int fill_vocabulary(struct vocabulary *v, const char *const *stems,
                           const char *const *suffixes)
{
    v->text = malloc((size_t)VOCABULARY * 32);
    if (v->text == NULL) {
        return 0;
    }
    for (; *suffixes != NULL; suffixes++) {
        for (const char *const *line = stems; *line != NULL; line++) {
            add_line(v, *line, *suffixes);
        }
    }
    fill_zipf(v);
    return 1;
}

static const char *const english_suffixes[] = {"", "s", "ing", "ed", "er", "ly", "ment", NULL};
static const char *const chinese_suffixes[] = {"",   "的", "性", "者", "化",
                                               "率", "们", "力", "学", NULL};

/* ---- prose ---------------------------------------------------------------------------------- */

static void add_from(struct corpus *c, const struct vocabulary *v, uint16_t slot)
{
    unsigned w = v->zipf[slot];
    assay_buf_add(&c->text, v->text + v->at[w], v->at[w + 1] - v->at[w]);
}

static void add_number(struct corpus *c)
{
    unsigned k = below(c, 5);
    if (k == 4) {
        assay_buf_addf(&c->text, "20%02u", below(c, 30));
    } else if (k == 2) {
        assay_buf_addf(&c->text, "%u.%u", below(c, 100), below(c, 10));
    } else if (k == 3) {
        assay_buf_addf(&c->text, "%u,%03u", below(c, 100) + 1, below(c, 1000));
    } else {
        assay_buf_addf(&c->text, k == 0 ? "%u" : "%u%%", below(c, k == 0 ? 2000 : 100));
    }
}

static void add_english(struct corpus *c)
{
    static const char *const ends[] = {". ", ". ", ". ", "? ", "! ", ".\n", ": ", "; "};
    size_t at = c->text.len;
    unsigned words = 5 + below(c, 18);
    for (unsigned i = 0; i < words; i += 4) {
        uint64_t r = next64(c);
        for (unsigned k = 0; k < 4 && i + k < words; k++, r >>= 16) {
            if (i + k > 0) {
                assay_buf_add(&c->text, (r & 0x7c0) == 0x7c0 ? ", " : " ",
                              (r & 0x7c0) == 0x7c0 ? 2 : 1);
            }
            add_from(c, &c->en, (uint16_t)r);
        }
        if ((r = next64(c)) % 12 == 0) {
            assay_buf_addc(&c->text, ' ');
            add_number(c);
        }
    }
    if (c->text.len > at && c->text.ptr[at] >= 'a' && c->text.ptr[at] <= 'z') {
        c->text.ptr[at] = (char)(c->text.ptr[at] - 0x20);
    }
    assay_buf_adds(&c->text, ends[below(c, 8)]);
}

static void add_chinese(struct corpus *c)
{
    static const char *const ends[] = {"。", "。", "。", "！", "？", "。\n", "；"};
    unsigned words = 6 + below(c, 16);
    for (unsigned i = 0; i < words; i += 4) {
        uint64_t r = next64(c);
        for (unsigned k = 0; k < 4 && i + k < words; k++, r >>= 16) {
            add_from(c, &c->zh, (uint16_t)r);
        }
        r = next64(c);
        if (r % 9 == 0) {
            assay_buf_adds(&c->text, "，");
        } else if (r % 31 == 1) {
            add_number(c);
        } else if (r % 67 == 2) {
            add_from(c, &c->en, (uint16_t)(r >> 32));
        }
    }
    assay_buf_adds(&c->text, ends[below(c, 7)]);
}

/* ---- planted items -------------------------------------------------------------------------- */

static void add_digits(struct corpus *c, char *out, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        out[i] = (char)('0' + below(c, 10));
    }
    out[n] = '\0';
}

static void put_luhn(char *digits, unsigned n)
{
    unsigned sum = 0;
    for (unsigned i = 0; i + 1 < n; i++) {
        unsigned d = (unsigned)(digits[i] - '0');
        if ((n - i) % 2 == 0) {
            d = d * 2 > 9 ? d * 2 - 9 : d * 2;
        }
        sum += d;
    }
    digits[n - 1] = (char)('0' + (10 - sum % 10) % 10);
}

static void plant_email(struct corpus *c)
{
    static const char *const hosts[] = {"example.com", "mail.example.org", "corp.example.cn"};
    add_from(c, &c->en, (uint16_t)(next64(c) >> 48));
    assay_buf_addf(&c->text, ".%u@%s", below(c, 1000), hosts[below(c, 3)]);
}

static void plant_mobile(struct corpus *c)
{
    char d[16];
    add_digits(c, d, 8);
    assay_buf_addf(&c->text, "%s13%u%s", c->is_chinese ? "电话" : "+86 ", below(c, 10), d);
}

static void plant_us_phone(struct corpus *c)
{
    assay_buf_addf(&c->text, "(%u) %u-%04u", 201 + below(c, 700), 200 + below(c, 700),
                   below(c, 10000));
}

static void plant_card(struct corpus *c)
{
    char d[24];
    add_digits(c, d, 16);
    memcpy(d, "4539", 4);
    put_luhn(d, 16);
    if (below(c, 2) == 0) {
        assay_buf_adds(&c->text, d);
    } else {
        assay_buf_addf(&c->text, "%.4s %.4s %.4s %.4s", d, d + 4, d + 8, d + 12);
    }
}

static void plant_resident(struct corpus *c)
{
    static const unsigned weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    char d[24];
    unsigned sum = 0;
    (void)snprintf(d, sizeof d, "110101%u%02u%02u%03u", 1950 + below(c, 55), 1 + below(c, 12),
                   1 + below(c, 28), below(c, 1000));
    for (unsigned i = 0; i < 17; i++) {
        sum += (unsigned)(d[i] - '0') * weights[i];
    }
    assay_buf_addf(&c->text, "%s%s%c", c->is_chinese ? "身份证" : "id card ", d,
                   "10X98765432"[sum % 11]);
}

static void plant_ipv4(struct corpus *c)
{
    assay_buf_addf(&c->text, "%u.%u.%u.%u", 11 + below(c, 180), below(c, 256), below(c, 256),
                   1 + below(c, 254));
}

static void plant_ssn(struct corpus *c)
{
    assay_buf_addf(&c->text, "%03u-%02u-%04u", 100 + below(c, 500), 1 + below(c, 98),
                   1 + below(c, 9998));
}

static void plant_iban(struct corpus *c)
{
    char bban[24];
    unsigned r = 0;
    add_digits(c, bban, 18);
    for (const char *p = bban; *p != '\0'; p++) {
        r = (r * 10 + (unsigned)(*p - '0')) % 97;
    }
    r = (r * 10000 + 1314) % 97; /* "DE" */
    r = (r * 100) % 97;
    assay_buf_addf(&c->text, "DE%02u%s", 98 - r, bban);
}

static void plant_key(struct corpus *c)
{
    char id[17];
    for (unsigned i = 0; i < 16; i++) {
        id[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[below(c, 32)];
    }
    id[16] = '\0';
    assay_buf_addf(&c->text, "AKIA%s", id);
}

static void plant_mac(struct corpus *c)
{
    assay_buf_addf(&c->text, "%02x:%02x:%02x:%02x:%02x:%02x", below(c, 256), below(c, 256),
                   below(c, 256), below(c, 256), below(c, 256), below(c, 256));
}

static void plant(struct corpus *c)
{
    static void (*const kinds[])(struct corpus *) = {
        plant_email,    plant_email, plant_mobile, plant_mobile, plant_us_phone, plant_card,
        plant_resident, plant_ipv4,  plant_ssn,    plant_iban,   plant_key,      plant_mac};
    kinds[below(c, sizeof kinds / sizeof *kinds)](c);
    assay_buf_adds(&c->text, c->is_chinese ? "，" : " ");
    c->stats.planted++;
}

static void insult(struct corpus *c)
{
    static const char *const words[2][4] = {{"idiot ", "moron ", "bastard ", "shit "},
                                            {"白痴", "混蛋", "傻逼", "王八蛋"}};
    assay_buf_adds(&c->text, words[c->is_chinese][below(c, 4)]);
    c->stats.insults++;
}

/* ---- records -------------------------------------------------------------------------------- */

static void make_text(struct corpus *c)
{
    uint32_t octave = below(c, 1000), kind = below(c, 100);
    size_t want =
        (size_t)(200.0 * exp2((double)octave * 4.32 / 1000.0)); /* 0.2-4 KB, log-uniform */
    assay_buf_clear(&c->text);
    c->is_chinese = kind < 33;
    while (c->text.len < want) {
        size_t before = c->text.len;
        if (c->is_chinese != (kind >= 95 && below(c, 2) == 0)) {
            add_chinese(c);
        } else {
            add_english(c);
        }
        c->debt += (int64_t)(c->text.len - before) * c->pii_per_mib;
        if (c->debt > (int64_t)below(c, 2 << 20)) {
            plant(c);
            c->debt -= 1 << 20;
        }
        if (below(c, 500) == 0) {
            insult(c);
        }
    }
}

static void remember(struct corpus *c)
{
    struct recent *r = &c->recent[c->stats.records % RECENT];
    if (r->text == NULL) {
        r->text = malloc(TEXT_MAX);
    }
    if (r->text != NULL && c->text.len <= TEXT_MAX) {
        memcpy(r->text, c->text.ptr, c->text.len);
        r->len = (uint32_t)c->text.len;
        r->is_chinese = c->is_chinese;
    }
}

/* 1 when the text is now an exact repetition of an earlier one. */
static int repeat(struct corpus *c)
{
    const struct recent *r = &c->recent[below(c, RECENT)];
    if (below(c, 50) != 0 || r->text == NULL || r->len == 0) {
        return 0;
    }
    assay_buf_clear(&c->text);
    assay_buf_add(&c->text, r->text, r->len);
    c->is_chinese = r->is_chinese;
    c->stats.duplicates++;
    return 1;
}

static unsigned decode(const unsigned char *p, uint32_t *cp)
{
    if (*p < 0x80) {
        *cp = *p;
        return 1;
    }
    if (*p < 0xe0) {
        *cp = (uint32_t)(*p & 31) << 6 | (p[1] & 63);
        return 2;
    }
    *cp = (uint32_t)(*p & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63);
    return 3; /* the vocabulary has nothing longer */
}

static void write_escaped(const struct corpus *c, struct assay_buf *out)
{
    const unsigned char *p = (const unsigned char *)c->text.ptr, *end = p + c->text.len;
    while (p < end) {
        uint32_t cp = 0;
        p += decode(p, &cp);
        if (cp == '\n') {
            assay_buf_adds(out, "\\n");
        } else if (cp < 0x80) {
            assay_buf_addc(out, (char)cp);
        } else {
            assay_buf_addf(out, "\\u%04x", cp);
        }
    }
}

/* The text holds no quote and no backslash; only line ends need care in JSON, and nothing in quoted
 * CSV. */
static void write_plain(const struct corpus *c, struct assay_buf *out, int is_json)
{
    const char *p = c->text.ptr, *end = p + c->text.len;
    while (p < end) {
        const char *nl = is_json ? memchr(p, '\n', (size_t)(end - p)) : NULL;
        assay_buf_add(out, p, (size_t)((nl == NULL ? end : nl) - p));
        if (nl == NULL) {
            return;
        }
        assay_buf_adds(out, "\\n");
        p = nl + 1;
    }
}

void corpus_head(struct corpus *c, struct assay_buf *out)
{
    if (c->format == CORPUS_CSV) {
        assay_buf_adds(out, "id,text,source,lang\r\n");
    }
}

void corpus_record(struct corpus *c, struct assay_buf *out)
{
    static const char *const sources[] = {"web", "news", "forum", "book", "wiki"};
    size_t before = out->len;
    uint64_t id = c->stats.records;
    if (!repeat(c)) {
        make_text(c);
        remember(c);
    }
    int escaped = c->format == CORPUS_JSONL && below(c, 20) == 0;
    const char *source = sources[below(c, 5)], *lang = c->is_chinese ? "zh" : "en";
    if (c->format == CORPUS_CSV) {
        assay_buf_addf(out, "%llu,\"", (unsigned long long)id);
        write_plain(c, out, 0);
        assay_buf_addf(out, "\",%s,%s\r\n", source, lang);
    } else {
        assay_buf_addf(out, "{\"id\":%llu,\"text\":\"", (unsigned long long)id);
        if (escaped) {
            write_escaped(c, out);
        } else {
            write_plain(c, out, 1);
        }
        assay_buf_addf(out, "\",\"source\":\"%s\",\"lang\":\"%s\"}\n", source, lang);
    }
    c->stats.records++;
    c->stats.escaped += (uint64_t)escaped;
    c->stats.chinese += (uint64_t)c->is_chinese;
    c->stats.text_bytes += c->text.len;
    c->stats.bytes += out->len - before;
}

struct assay_bytes corpus_text(const struct corpus *c)
{
    return assay_bytes_make(c->text.ptr, c->text.len);
}

const struct corpus_stats *corpus_stats(const struct corpus *c)
{
    return &c->stats;
}

struct corpus *corpus_new(uint64_t seed, enum corpus_format format, unsigned pii_per_mib)
{
    struct corpus *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->format = format;
    c->pii_per_mib = pii_per_mib;
    assay_buf_init(&c->text, TEXT_MAX * 4);
    seed_rng(c, seed);
    if (!fill_vocabulary(&c->en, english_stems, english_suffixes) ||
        !fill_vocabulary(&c->zh, chinese_words, chinese_suffixes) ||
        assay_buf_reserve(&c->text, TEXT_MAX * 2) != ASSAY_OK) {
        corpus_free(c);
        return NULL;
    }
    return c;
}

void corpus_free(struct corpus *c)
{
    if (c == NULL) {
        return;
    }
    for (unsigned i = 0; i < RECENT; i++) {
        free(c->recent[i].text);
    }
    assay_buf_release(&c->text);
    free(c->en.text);
    free(c->zh.text);
    free(c);
}
