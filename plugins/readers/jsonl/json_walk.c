/* SPDX-License-Identifier: Apache-2.0
 *
 * The index lists the first byte of every token; a token runs to the next one at most. So a string
 * ends at the last quote before the next token, and need not be searched for; it is copied whole
 * unless memchr finds a backslash in it. UTF-8, closed strings and control characters in strings
 * were checked when the index was made; everything else of the grammar is checked here.
 */
#include "json_walk.h"

#include "../common/lines.h"

static size_t token_start(const struct json_walk *w)
{
    return w->index[w->at];
}

static int more_tokens(const struct json_walk *w)
{
    return w->at < w->n && w->index[w->at] < w->end;
}

/* Where the token before w->at must have ended. */
static size_t token_limit(const struct json_walk *w)
{
    return more_tokens(w) ? w->index[w->at] : w->end;
}

static int only_space(const struct json_walk *w, size_t from, size_t to)
{
    while (from < to && reader_is_space(w->text[from])) {
        from++;
    }
    return from == to;
}

static int was_repaired(const struct json_walk *w, size_t from, size_t len)
{
    return w->original != w->text && memcmp(w->original + from, w->text + from, len) != 0;
}

static enum json_verdict closed(enum assay_status st)
{
    return st == ASSAY_OK ? JSON_GOOD : JSON_NOMEM;
}

static int too_many(const struct json_walk *w)
{
    return w->batch->records[w->batch->n_records - 1].n_fields >= JSON_FIELDS_MAX;
}

/* ---- strings ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Four hexadecimal digits; -1 when they are not. */
static int32_t hex4(const char *p, const char *end)
{
    int32_t v = 0;
    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        const int d = hex_value(p[i]);
        if (d < 0) {
            return -1;
        }
        v = v << 4 | d;
    }
    return v;
}

static char *put_utf8(char *to, uint32_t cp)
{
    if (cp < 0x80) {
        *to++ = (char)cp;
    } else if (cp < 0x800) {
        *to++ = (char)(0xc0 | cp >> 6);
        *to++ = (char)(0x80 | (cp & 0x3f));
    } else if (cp < 0x10000) {
        *to++ = (char)(0xe0 | cp >> 12);
        *to++ = (char)(0x80 | (cp >> 6 & 0x3f));
        *to++ = (char)(0x80 | (cp & 0x3f));
    } else {
        *to++ = (char)(0xf0 | cp >> 18);
        *to++ = (char)(0x80 | (cp >> 12 & 0x3f));
        *to++ = (char)(0x80 | (cp >> 6 & 0x3f));
        *to++ = (char)(0x80 | (cp & 0x3f));
    }
    return to;
}

struct unescape {
    const char *from, *end;
    char *to;
    int lone; /* half of a surrogate pair stood alone */
};

/* The escape behind "\u". 0: malformed. */
static int unescape_unicode(struct unescape *u)
{
    const int32_t hi = hex4(u->from, u->end);
    if (hi < 0) {
        return 0;
    }
    u->from += 4;
    if (hi < 0xd800 || hi > 0xdfff) {
        u->to = put_utf8(u->to, (uint32_t)hi);
        return 1;
    }
    if (hi < 0xdc00 && u->end - u->from >= 6 && u->from[0] == '\\' && u->from[1] == 'u') {
        const int32_t lo = hex4(u->from + 2, u->end);
        if (lo >= 0xdc00 && lo <= 0xdfff) {
            const uint32_t cp = 0x10000 + (((uint32_t)hi - 0xd800) << 10) + ((uint32_t)lo - 0xdc00);
            u->to = put_utf8(u->to, cp);
            u->from += 6;
            return 1;
        }
    }
    u->lone = 1;
    *u->to++ = '?';
    return 1;
}

/* The escape at from, which points behind the backslash. 0: malformed. */
static int unescape_one(struct unescape *u)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    if (u->from == u->end) {
        return 0;
    }
    const char c = *u->from++;
    if (c == 'u') {
        return unescape_unicode(u);
    }
    const char *p = c == '\0' ? NULL : strchr(names, c);
    if (p == NULL) {
        return 0;
    }
    *u->to++ = values[p - names];
    return 1;
}

/* Copies the inside of a string to u->to, which has as much room as it has bytes. 0: malformed. */
static int unescape(struct unescape *u)
{
    while (u->from < u->end) {
        const size_t left = (size_t)(u->end - u->from);
        const char *slash = (const char *)memchr(u->from, '\\', left);
        const size_t run = slash == NULL ? left : (size_t)(slash - u->from);
        memcpy(u->to, u->from, run);
        u->to += run;
        u->from += run;
        while (u->from < u->end && *u->from == '\\') {
            u->from++;
            if (!unescape_one(u)) {
                return 0;
            }
        }
    }
    return 1;
}

/* The inside of the string whose opening quote is at `start`; w->at stands at the token behind it.
 */
static int string_inside(const struct json_walk *w, size_t start, struct assay_bytes *ret)
{
    size_t close = token_limit(w) - 1;
    while (close > start && reader_is_space(w->text[close])) {
        close--;
    }
    if (close <= start || w->text[close] != '"') {
        return 0;
    }
    *ret = assay_bytes_make(w->text + start + 1, close - start - 1);
    return 1;
}

static enum json_verdict string_value(struct json_walk *w, size_t start, uint32_t node)
{
    struct assay_bytes s;
    if (!string_inside(w, start, &s)) {
        return JSON_MALFORMED;
    }
    struct unescape u = {s.ptr, s.ptr + s.len, reader_batch_end(w->batch), 0};
    const char *const to = u.to;
    if (!unescape(&u)) {
        return JSON_MALFORMED;
    }
    unsigned flags = was_repaired(w, start, s.len + 1) ? ASSAY_FIELD_REPAIRED : 0;
    if (u.lone) {
        flags |= ASSAY_FIELD_REPAIRED;
        w->notes |= JSON_NOTE_LONE_SURROGATE;
    }
    return closed(
        reader_batch_close(w->batch, node, ASSAY_FIELD_STRING, flags, (size_t)(u.to - to)));
}

/* ---- numbers and names ---- */

static size_t digits(const struct json_walk *w, size_t p)
{
    while (p < w->end && w->text[p] >= '0' && w->text[p] <= '9') {
        p++;
    }
    return p;
}

/* End of the JSON number at p; 0: it is none. */
static size_t number_end(const struct json_walk *w, size_t p)
{
    p += w->text[p] == '-';
    size_t e = digits(w, p);
    if (e == p || (w->text[p] == '0' && e > p + 1)) {
        return 0;
    }
    if (e < w->end && w->text[e] == '.') {
        p = e + 1;
        e = digits(w, p);
        if (e == p) {
            return 0;
        }
    }
    if (e < w->end && (w->text[e] | 0x20) == 'e') {
        p = e + 1;
        p += p < w->end && (w->text[p] == '+' || w->text[p] == '-');
        e = digits(w, p);
        if (e == p) {
            return 0;
        }
    }
    return e;
}

static const struct {
    const char *name;
    size_t len;
    enum assay_field_kind kind;
    size_t shown; /* bytes that go into the buffer */
    unsigned note;
} literals[] = {
    {"true", 4, ASSAY_FIELD_BOOL, 4, 0},
    {"false", 5, ASSAY_FIELD_BOOL, 5, 0},
    {"null", 4, ASSAY_FIELD_NULL, 0, 0},
    {"NaN", 3, ASSAY_FIELD_NUMBER, 3, JSON_NOTE_NONSTANDARD},
    {"Infinity", 8, ASSAY_FIELD_NUMBER, 8, JSON_NOTE_NONSTANDARD},
    {"-Infinity", 9, ASSAY_FIELD_NUMBER, 9, JSON_NOTE_NONSTANDARD},
};

static enum json_verdict put_token(struct json_walk *w, size_t start, size_t len, uint32_t node,
                                   enum assay_field_kind kind)
{
    memcpy(reader_batch_end(w->batch), w->text + start, len);
    return closed(reader_batch_close(w->batch, node, kind, 0, len));
}

static enum json_verdict literal_value(struct json_walk *w, size_t start, uint32_t node)
{
    const size_t limit = token_limit(w);
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        const size_t len = literals[i].len;
        if (limit - start >= len && memcmp(w->text + start, literals[i].name, len) == 0 &&
            only_space(w, start + len, limit)) {
            w->notes |= literals[i].note;
            return put_token(w, start, literals[i].shown, node, literals[i].kind);
        }
    }
    return JSON_MALFORMED;
}

static enum json_verdict number_value(struct json_walk *w, size_t start, uint32_t node)
{
    const size_t end = number_end(w, start);
    if (end == 0) {
        return literal_value(w, start, node);
    }
    return only_space(w, end, token_limit(w))
               ? put_token(w, start, end - start, node, ASSAY_FIELD_NUMBER)
               : JSON_MALFORMED;
}

/* ---- containers ---- */

static enum json_verdict open_container(struct json_walk *w, uint32_t node, int is_array)
{
    if (w->depth == w->max_depth) {
        return JSON_TOO_DEEP;
    }
    struct json_frame *f = &w->frames[w->depth++];
    f->node = node;
    f->guess = jsonl_trie_node(w->trie, node)->first;
    f->count = 0;
    f->is_array = (uint8_t)is_array;
    f->object = ++w->objects;
    return JSON_GOOD;
}

/* The value at w->at becomes the value of `node`. */
static enum json_verdict take_value(struct json_walk *w, uint32_t node)
{
    if (!more_tokens(w)) {
        return JSON_MALFORMED;
    }
    if (too_many(w)) {
        return JSON_TOO_MANY;
    }
    const size_t start = token_start(w);
    const char c = w->text[start];
    w->at++;
    switch (c) {
    case '"':
        return string_value(w, start, node);
    case '{':
    case '[':
        return open_container(w, node, c == '[');
    case ',':
    case ':':
    case ']':
    case '}':
        return JSON_MALFORMED;
    default:
        return c == '-' || (c >= '0' && c <= '9') ? number_value(w, start, node)
                                                  : literal_value(w, start, node);
    }
}

static enum json_verdict close_container(struct json_walk *w)
{
    const struct json_frame *f = &w->frames[--w->depth];
    w->at++;
    if (f->count > 0) {
        return JSON_GOOD;
    }
    return closed(reader_batch_close(w->batch, f->node, ASSAY_FIELD_EMPTY, 0, 0));
}

/* A key with escapes, decoded into the scratch. */
static enum json_verdict decode_key(struct json_walk *w, struct assay_bytes *key)
{
    if (key->len > w->key_cap) {
        char *p = (char *)realloc(w->key, key->len * 2);
        if (p == NULL) {
            return JSON_NOMEM;
        }
        w->key = p;
        w->key_cap = key->len * 2;
    }
    struct unescape u = {key->ptr, key->ptr + key->len, w->key, 0};
    if (!unescape(&u)) {
        return JSON_MALFORMED;
    }
    w->notes |= u.lone ? JSON_NOTE_LONE_SURROGATE : 0;
    *key = assay_bytes_make(w->key, (size_t)(u.to - w->key));
    return JSON_GOOD;
}

static enum json_verdict emit_key(struct json_walk *w, uint32_t node, struct assay_bytes key,
                                  int repaired)
{
    memcpy(reader_batch_end(w->batch), key.ptr, key.len);
    return closed(reader_batch_close(w->batch, node, ASSAY_FIELD_KEY,
                                     repaired ? ASSAY_FIELD_REPAIRED : 0, key.len));
}

/* The member's name at w->at: its node, and a field of its own where it could be sensitive. */
static enum json_verdict take_key(struct json_walk *w, struct json_frame *f, uint32_t *ret_node)
{
    if (!more_tokens(w) || w->text[token_start(w)] != '"') {
        return JSON_MALFORMED;
    }
    const size_t start = token_start(w);
    struct assay_bytes key;
    w->at++;
    if (!string_inside(w, start, &key)) {
        return JSON_MALFORMED;
    }
    const int repaired = was_repaired(w, start, key.len + 1);
    if (memchr(key.ptr, '\\', key.len) != NULL) {
        const enum json_verdict v = decode_key(w, &key);
        if (v != JSON_GOOD) {
            return v;
        }
    }
    const uint32_t node = jsonl_trie_member(w->trie, f->node, f->guess, key);
    if (node == JSON_TRIE_NONE) {
        return JSON_TOO_MANY;
    }
    *ret_node = node;
    struct jsonl_node *n = jsonl_trie_node(w->trie, node);
    if (node == f->node) { /* the pointer would be too long: the name goes with its object */
        return emit_key(w, node, key, repaired);
    }
    f->guess = n->next;
    if (n->seen == f->object) {
        w->notes |= JSON_NOTE_DUPLICATE_KEY;
    }
    n->seen = f->object;
    return n->sensitive ? emit_key(w, node, key, repaired) : JSON_GOOD;
}

static enum json_verdict step_object(struct json_walk *w, struct json_frame *f)
{
    char c = w->text[token_start(w)];
    if (c == '}') {
        return close_container(w);
    }
    if (f->count > 0) {
        if (c != ',') {
            return JSON_MALFORMED;
        }
        w->at++;
    }
    uint32_t node;
    const enum json_verdict v = take_key(w, f, &node);
    if (v != JSON_GOOD) {
        return v;
    }
    if (!more_tokens(w) || w->text[token_start(w)] != ':') {
        return JSON_MALFORMED;
    }
    w->at++;
    f->count++;
    return take_value(w, node);
}

static enum json_verdict step_array(struct json_walk *w, struct json_frame *f)
{
    const char c = w->text[token_start(w)];
    if (c == ']') {
        return close_container(w);
    }
    if (f->count > 0) {
        if (c != ',') {
            return JSON_MALFORMED;
        }
        w->at++;
    }
    const uint32_t node = jsonl_trie_element(w->trie, f->node, f->guess, f->count);
    if (node == JSON_TRIE_NONE) {
        return JSON_TOO_MANY;
    }
    f->guess = node == f->node ? JSON_TRIE_NONE : jsonl_trie_node(w->trie, node)->next;
    f->count++;
    return take_value(w, node);
}

enum json_verdict json_walk_record(struct json_walk *w)
{
    w->depth = 0;
    w->notes = 0;
    enum json_verdict v = take_value(w, JSON_TRIE_ROOT);
    while (v == JSON_GOOD && w->depth > 0) {
        struct json_frame *f = &w->frames[w->depth - 1];
        if (!more_tokens(w)) {
            return JSON_MALFORMED;
        }
        v = f->is_array ? step_array(w, f) : step_object(w, f);
    }
    return v == JSON_GOOD && more_tokens(w) ? JSON_MALFORMED : v;
}

void json_walk_release(struct json_walk *w)
{
    free(w->key);
    w->key = NULL;
    w->key_cap = 0;
}
