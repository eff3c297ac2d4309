/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/matcher/sample_rules.h"

#define NOT_ALNUM_LEFT  "(?<![0-9A-Za-z])"
#define NOT_ALNUM_RIGHT "(?![0-9A-Za-z])"

struct sample {
    const char *id, *pattern;
    int caseless;
    const char *prefilter;
};

/* clang-format off */
static const struct sample pack[] = {
    {"email", "(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z]{2,24}" NOT_ALNUM_RIGHT, 0, NULL},
    {"phone.e164", "(?<![0-9A-Za-z+])\\+[1-9]\\d{0,2}[ .-]?(?:\\(?\\d{1,4}\\)?[ .-]?){2,5}\\d{2,4}(?![0-9A-Za-z])", 0, NULL},
    {"phone.us", "(?<![0-9A-Za-z])(?:\\+?1[ .-]?)?\\(?[2-9]\\d{2}\\)?[ .-]?[2-9]\\d{2}[ .-]?\\d{4}" NOT_ALNUM_RIGHT, 0, NULL},
    {"phone.cn", "(?<![0-9A-Za-z])(?:(?:\\+|00)?86[- ]?)?1[3-9]\\d[- ]?\\d{4}[- ]?\\d{4}" NOT_ALNUM_RIGHT, 0, NULL},
    {"phone.cn.landline", NOT_ALNUM_LEFT "0\\d{2,3}[- ]?\\d{7,8}" NOT_ALNUM_RIGHT, 0, NULL},
    {"phone.de", NOT_ALNUM_LEFT "(?:\\+49|0049|0)[ ]?[1-9]\\d{1,4}[ /-]?\\d{3,4}[ -]?\\d{2,5}" NOT_ALNUM_RIGHT, 0, NULL},
    {"phone.fr", NOT_ALNUM_LEFT "(?:\\+33|0033|0)[ ]?[1-9](?:[ .-]?\\d{2}){4}" NOT_ALNUM_RIGHT, 0, NULL},
    {"phone.uk", NOT_ALNUM_LEFT "(?:\\+44|0044|0)[ ]?(?:7\\d{3}|[12]\\d{2,3})[ ]?\\d{3}[ ]?\\d{3,4}" NOT_ALNUM_RIGHT, 0, NULL},
    {"phone.es", NOT_ALNUM_LEFT "(?:\\+34[ ]?)?[6789]\\d{2}[ .-]?\\d{3}[ .-]?\\d{3}" NOT_ALNUM_RIGHT, 0, NULL},
    {"phone.it", NOT_ALNUM_LEFT "(?:\\+39[ ]?)?3\\d{2}[ .-]?\\d{6,7}" NOT_ALNUM_RIGHT, 0, NULL},
    {"card", "(?<![0-9A-Za-z.-])(?:4\\d{3}|5[1-5]\\d{2}|2[2-7]\\d{2}|3[47]\\d{2}|6(?:011|5\\d{2}))[ -]?\\d{4}[ -]?\\d{4}[ -]?\\d{3,4}" NOT_ALNUM_RIGHT, 0, NULL},
    {"card.unionpay", NOT_ALNUM_LEFT "62\\d{2}[ -]?\\d{4}[ -]?\\d{4}[ -]?\\d{4}(?:[ -]?\\d{1,3})?" NOT_ALNUM_RIGHT, 0, NULL},
    {"iban", NOT_ALNUM_LEFT "[A-Z]{2}\\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?" NOT_ALNUM_RIGHT, 0, NULL},
    {"ipv4", "(?<![0-9A-Za-z.])(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?![0-9A-Za-z]|\\.\\d)", 0, NULL},
    {"ipv6", "(?<![0-9A-Za-z:.])(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,7}:|(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}|::(?:[0-9A-Fa-f]{1,4}:){0,5}[0-9A-Fa-f]{1,4})(?![0-9A-Za-z:])", 0, NULL},
    {"mac", "(?<![0-9A-Za-z:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Za-z:-])", 0, NULL},
    {"url.credentials", "\\b[a-z][a-z0-9+.-]{1,15}://[^\\s:/@]{1,64}:[^\\s:/@]{1,128}@[^\\s/@]{1,255}", 1, NULL},
    {"us.ssn", "(?<![0-9A-Za-z-])(?!000|666|9\\d{2})\\d{3}[- ](?!00)\\d{2}[- ](?!0000)\\d{4}(?![0-9A-Za-z-])", 0, NULL},
    {"us.itin", "(?<![0-9A-Za-z-])9\\d{2}[- ]?[5-9]\\d[- ]?\\d{4}(?![0-9A-Za-z-])", 0, NULL},
    {"uk.nhs", NOT_ALNUM_LEFT "\\d{3}[- ]?\\d{3}[- ]?\\d{4}" NOT_ALNUM_RIGHT, 0, NULL},
    {"uk.nino", NOT_ALNUM_LEFT "[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ ]?\\d{2}[ ]?\\d{2}[ ]?\\d{2}[ ]?[A-D]" NOT_ALNUM_RIGHT, 0, NULL},
    {"de.tax", NOT_ALNUM_LEFT "[1-9]\\d{10}" NOT_ALNUM_RIGHT, 0, NULL},
    {"fr.insee", NOT_ALNUM_LEFT "[12][ ]?\\d{2}[ ]?(?:0[1-9]|1[0-2])[ ]?(?:\\d{2}|2[AB])[ ]?\\d{3}[ ]?\\d{3}(?:[ ]?\\d{2})?" NOT_ALNUM_RIGHT, 0, NULL},
    {"es.nif", NOT_ALNUM_LEFT "\\d{8}[- ]?[A-HJ-NP-TV-Z]" NOT_ALNUM_RIGHT, 0, NULL},
    {"es.nie", NOT_ALNUM_LEFT "[XYZ][- ]?\\d{7}[- ]?[A-HJ-NP-TV-Z]" NOT_ALNUM_RIGHT, 0, NULL},
    {"it.fiscal", NOT_ALNUM_LEFT "[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]" NOT_ALNUM_RIGHT, 1, NULL},
    {"cn.resident", NOT_ALNUM_LEFT "[1-9]\\d{5}(?:18|19|20)\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])\\d{3}[\\dXx]" NOT_ALNUM_RIGHT, 0, NULL},
    {"cn.uscc", NOT_ALNUM_LEFT "[0-9A-HJ-NPQRTUWXY]{2}\\d{6}[0-9A-HJ-NPQRTUWXY]{10}" NOT_ALNUM_RIGHT, 0, NULL},
    {"cn.passport", NOT_ALNUM_LEFT "(?:[EGK]\\d{8}|E[A-HJ-NP-Z]\\d{7}|[DSP]E?\\d{7}|1[45]\\d{7})" NOT_ALNUM_RIGHT, 0, NULL},
    {"hk.id", NOT_ALNUM_LEFT "[A-Z]{1,2}\\d{6}[(（]?[0-9A][)）]?" NOT_ALNUM_RIGHT, 0, NULL},
    {"tw.id", NOT_ALNUM_LEFT "[A-Z][1289]\\d{8}" NOT_ALNUM_RIGHT, 0, NULL},
    {"bank.cn", NOT_ALNUM_LEFT "[3-9]\\d{15,18}" NOT_ALNUM_RIGHT, 0, NULL},
    {"btc.legacy", NOT_ALNUM_LEFT "[13][a-km-zA-HJ-NP-Z1-9]{25,34}" NOT_ALNUM_RIGHT, 0, NULL},
    {"btc.bech32", NOT_ALNUM_LEFT "bc1[ac-hj-np-z02-9]{11,71}" NOT_ALNUM_RIGHT, 0, NULL},
    {"eth", NOT_ALNUM_LEFT "0x[0-9a-fA-F]{40}" NOT_ALNUM_RIGHT, 0, NULL},
    {"birth", NOT_ALNUM_LEFT "(?:19|20)\\d{2}[-/.年](?:0?[1-9]|1[0-2])[-/.月](?:0?[1-9]|[12]\\d|3[01])日?" NOT_ALNUM_RIGHT, 0, NULL},
    {"birth.us", NOT_ALNUM_LEFT "(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\\d|3[01])/(?:19|20)\\d{2}" NOT_ALNUM_RIGHT, 0, NULL},
    {"geo", "(?<![0-9A-Za-z.])[-+]?(?:90|[1-8]?\\d)\\.\\d{4,}[,，]\\s*[-+]?(?:180|1[0-7]\\d|[1-9]?\\d)\\.\\d{4,}" NOT_ALNUM_RIGHT, 0, NULL},
    {"plate.cn", "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·. ]?(?:[A-HJ-NP-Z0-9]{5}[A-HJ-NP-Z0-9挂学警港澳]?)(?![A-Za-z0-9])", 0, NULL},
    {"jwt", "(?<![0-9A-Za-z_-])eyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}", 0, NULL},
    {"private-key", "-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----", 0, NULL},
    {"key.aws", NOT_ALNUM_LEFT "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}" NOT_ALNUM_RIGHT, 0, NULL},
    {"key.google", NOT_ALNUM_LEFT "AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])", 0, NULL},
    {"key.github", NOT_ALNUM_LEFT "gh[pousr]_[0-9A-Za-z]{36}" NOT_ALNUM_RIGHT, 0, NULL},
    {"key.aliyun", NOT_ALNUM_LEFT "LTAI[0-9A-Za-z]{12,20}" NOT_ALNUM_RIGHT, 0, NULL},
    {"key.generic", "(?i)(?:api[_-]?key|secret|token|passw(?:or)?d|密码|口令)[\"' ]{0,3}[:=：][\"' ]{0,3}[^\\s\"',;]{8,64}", 0, NULL},
};

/* Corners of the derivation; few of these would be good rules. */
static const struct sample corners[] = {
    {"x.alt", "cat|category|dog(?:ma)?", 0, NULL},
    {"x.alt.empty", "ab(?:c|)d?e", 0, NULL},
    {"x.caseless.kelvin", "k[a-s]ss", 1, NULL},
    {"x.caseless.sharp", "\\bstra(?:ss|ß)e\\b", 1, NULL},
    {"x.caseless.greek", "αβγ", 1, NULL},
    {"x.negated", "<[^>一]{1,8}>", 0, NULL},
    {"x.dot", "a.{0,3}z\\d", 0, NULL},
    {"x.dotall", "(?s)q.{1,2}q", 0, NULL},
    {"x.unbounded.left", "[a-z]+7[a-z]+", 0, NULL},
    {"x.unbounded.digits", "\\d+-\\d+", 0, NULL},
    {"x.lookbehind.wide", "(?<=no |nr )\\d{3,5}", 0, NULL},
    {"x.lookahead", "\\d{2,6}(?=元)", 0, NULL},
    {"x.anchor.start", "^[A-Z][a-z]{3,}", 0, NULL},
    {"x.anchor.end", "[0-9a-z]{3}$", 0, NULL},
    {"x.possessive", "\\d++[a-f]", 0, NULL},
    {"x.atomic", "(?>1|12)3", 0, NULL},
    {"x.lazy", "\"[^\"]{1,9}?\"", 0, NULL},
    {"x.property", "\\p{Lu}\\p{Ll}+\\d", 0, NULL},
    {"x.horizontal", "x\\h+y", 0, NULL},
    {"x.named", "(?<year>\\d{4})(?:-(?<rest>\\d\\d)){1,2}", 0, NULL},
    {"x.inline", "(?i:ABC)(?-i)d|(?i)efg", 0, NULL},
    {"x.posix", "[[:upper:]]{2}[[:digit:]]{2,3}[[:punct:]]", 0, NULL},
    {"x.word", "\\b\\w{9}\\b", 0, NULL},
    {"x.space.newline", "\\d{2}\\s+\\d{2}", 0, NULL},
    {"x.han.range", "[一-龥]{2}\\d[一-龥]", 0, NULL},
    {"x.han.set", "[甲乙丙丁]方[:：]\\S{2,6}", 0, NULL},
    {"x.overlap", "aXbX|bXc", 0, NULL},
    {"x.nested", "(?:[0-9]{1,3}(?:[-:][0-9a-f]{2}){2,3};){1,2}", 0, NULL},
    {"x.weak", "(?=.*5)[0-9]{3}(?#note)[a-z]", 0, "[0-9]{3}[a-z]"},
    {"x.quoted", "\\Qa.b\\E+", 0, NULL},
    {"x.extended", "(?x) 4 2 [ ] 4 2 # answer", 0, NULL},
    {"x.hex", "\\x{4f60}\\x{597d}|\\x41\\x{42}\\d", 0, NULL},
    {"x.single", "@", 0, NULL},
    {"x.wide", "[0-9a-f]{200,300}", 0, NULL},
};
/* clang-format on */

static const char words[] =
    "idiot moron bastard shit fuck bitch asshole dumbass jackass scumbag wanker twat prick slut "
    "whore "
    "retard cretin imbecile dickhead bullshit motherfucker cocksucker douchebag arsehole bollocks "
    "bugger cunt damn dyke faggot goddamn nigger spic chink kike gook wetback tranny shemale "
    "pussy cock tits boobs blowjob handjob cum jizz porn hentai milf gangbang creampie dildo "
    "rapist pedo pedophile molester incest bestiality necrophilia murderer terrorist nazi hitler "
    "genocide lynch suicide cutter anorexic junkie crackhead meth heroin cocaine overdose "
    "loser stupid dumb ugly fatso pig cow vermin subhuman savage filth trash garbage worthless "
    "pathetic disgusting kill_yourself hang_yourself go_to_hell piece_of_shit son_of_a_bitch "
    "white_trash drop_dead shut_up fuck_off screw_you 白痴 混蛋 傻逼 王八蛋 他妈的 妈的 操你妈 "
    "去死 贱人 婊子 妓女 狗屎 垃圾人 蠢货 笨蛋 废物 人渣 畜生 禽兽 杂种 狗杂种 狗娘养的 "
    "滚蛋 滚开 脑残 智障 弱智 变态 色狼 淫荡 淫秽 荡妇 骚货 强奸 轮奸 猥亵 乱伦 "
    "嫖娼 卖淫 援交 裸聊 约炮 色情 黄片 毛片 成人电影 吸毒 毒品 冰毒 海洛因 可卡因 大麻 "
    "赌博 赌场 博彩 六合彩 自杀 自残 割腕 跳楼 砍人 杀人 杀了你 弄死你 砍死 恐怖分子 "
    "炸弹 爆炸物 枪支 弹药 汽油弹 黑鬼 洋鬼子 小日本 支那 棒子 阿三 乡巴佬 土包子 穷鬼 "
    "老不死 丑八怪 死胖子 肥猪 死肥宅 娘炮 人妖 死变态 恶心 恶棍 流氓 无赖 骗子 败类 叛徒 汉奸 "
    "走狗 "
    "卖国贼 狗官 贪官 草泥马 尼玛 你妹 卧槽 我靠 屌丝 装逼 牛逼 逗比 二逼 傻叉 沙雕 绿茶婊 "
    "caseé ÉCOLE naïve привет";

#define MAX_WORDS 400
#define MAX_RULES 128

static struct assay_word word_items[MAX_WORDS];
static char word_text[sizeof words];
static struct assay_rule rules[MAX_RULES];
static uint32_t n_pack, n_all;

static int holds_han(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)s[i] >= 0xe4 && (unsigned char)s[i] <= 0xe9) {
            return 1;
        }
    }
    return 0;
}

static size_t make_words(void)
{
    size_t n = 0;
    memcpy(word_text, words, sizeof words);
    for (char *p = word_text; *p != '\0' && n < MAX_WORDS; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        for (size_t i = 0; i < len; i++) {
            p[i] = p[i] == '_' ? ' ' : p[i];
        }
        word_items[n++] = (struct assay_word){{p, len}, (uint8_t)holds_han(p, len)};
        p += len + (p[len] != '\0');
    }
    return n;
}

static void add_pattern(const struct sample *s)
{
    struct assay_rule *r = &rules[n_all++];
    r->view.id = s->id;
    r->detect = ASSAY_DETECT_PATTERN;
    r->pattern = s->pattern;
    r->prefilter = s->prefilter;
    r->caseless = (uint8_t)s->caseless;
}

static void add_words(const char *id, const struct assay_word *items, size_t n)
{
    struct assay_rule *r = &rules[n_all++];
    r->view.id = id;
    r->detect = ASSAY_DETECT_WORDS;
    r->caseless = 1;
    r->words = items;
    r->n_words = n;
}

/* Order: one word rule, the pack's patterns, the corners, a second word rule of nested terms. */
static void build(void)
{
    static const struct assay_word nested[] = {
        {{"an", 2}, 0}, {{"an a", 4}, 0},   {{"a", 1}, 0},   {{"A an", 4}, 0}, {{"中国", 6}, 1},
        {{"国", 3}, 1}, {{"中国人", 9}, 1}, {{"x中", 4}, 1}, {{"2", 1}, 0},    {{"-a-", 3}, 0}};
    if (n_all > 0) {
        return;
    }
    add_words("words", word_items, make_words());
    for (size_t i = 0; i < sizeof pack / sizeof *pack; i++) {
        add_pattern(&pack[i]);
    }
    n_pack = n_all;
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++) {
        add_pattern(&corners[i]);
    }
    add_words("words.nested", nested, sizeof nested / sizeof *nested);
}

uint32_t sample_pack_rules(const struct assay_rule **ret)
{
    build();
    *ret = rules;
    return n_pack;
}

uint32_t sample_all_rules(const struct assay_rule **ret)
{
    build();
    *ret = rules;
    return n_all;
}

uint32_t sample_word_rules(const struct assay_rule **ret)
{
    build();
    *ret = rules;
    return 1;
}

uint32_t sample_pattern_rules(const struct assay_rule **ret)
{
    build();
    *ret = rules + 1;
    return n_pack - 1;
}
