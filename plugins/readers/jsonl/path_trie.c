/* SPDX-License-Identifier: Apache-2.0 */
#include "path_trie.h"

#include <stdlib.h>

#define BLOCK_SIZE ((size_t)64 << 10)

struct block {
    struct block *next;
    size_t used, cap;
    char data[];
};

struct jsonl_trie {
    struct jsonl_node *nodes;
    struct assay_bytes *paths; /* of each node */
    uint32_t n, cap;
    uint32_t *table; /* node + 1 by hash; 0: free; at most half full */
    uint32_t mask;
    struct block *blocks; /* newest first */
    size_t bytes;
};

static int grow_nodes(struct jsonl_trie *t)
{
    const uint32_t cap = t->cap == 0 ? 256 : t->cap * 2;
    void *nodes = realloc(t->nodes, cap * sizeof *t->nodes);
    if (nodes == NULL) {
        return 0;
    }
    t->nodes = (struct jsonl_node *)nodes;
    void *paths = realloc(t->paths, cap * sizeof *t->paths);
    if (paths == NULL) {
        return 0;
    }
    t->paths = (struct assay_bytes *)paths;
    t->cap = cap;
    return 1;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint32_t hash_key(uint32_t parent, struct assay_bytes key)
{
    uint64_t h = mix(0x2545f4914f6cdd1du, parent);
    size_t i = 0;
    uint64_t v;
    for (; key.len - i >= 8; i += 8) {
        memcpy(&v, key.ptr + i, 8);
        h = mix(h, v);
    }
    v = 0;
    if (key.len > i) {
        memcpy(&v, key.ptr + i, key.len - i);
    }
    h = mix(mix(h, v), key.len);
    return (uint32_t)(h ^ h >> 32);
}

static struct assay_bytes node_key(const struct jsonl_node *n)
{
    return assay_bytes_make(n->key, n->key_len);
}

static void table_put(struct jsonl_trie *t, uint32_t node)
{
    uint32_t i = hash_key(t->nodes[node].parent, node_key(&t->nodes[node])) & t->mask;
    while (t->table[i] != 0) {
        i = (i + 1) & t->mask;
    }
    t->table[i] = node + 1;
}

static int grow_table(struct jsonl_trie *t)
{
    const uint32_t size = t->mask == 0 ? 512 : (t->mask + 1) * 2;
    uint32_t *table = (uint32_t *)calloc(size, sizeof *table);
    if (table == NULL) {
        return 0;
    }
    free(t->table);
    t->table = table;
    t->mask = size - 1;
    for (uint32_t i = 1; i < t->n; i++) {
        table_put(t, i);
    }
    return 1;
}

static char *reserve_text(struct jsonl_trie *t, size_t len)
{
    struct block *b = t->blocks;
    if (b == NULL || b->cap - b->used < len) {
        const size_t cap = len > BLOCK_SIZE ? len : BLOCK_SIZE;
        b = (struct block *)malloc(sizeof *b + cap);
        if (b == NULL) {
            return NULL;
        }
        b->used = 0;
        b->cap = cap;
        b->next = t->blocks;
        t->blocks = b;
        t->bytes += cap;
    }
    return b->data + b->used;
}

static void free_blocks(struct jsonl_trie *t)
{
    while (t->blocks != NULL) {
        struct block *b = t->blocks;
        t->blocks = b->next;
        free(b);
    }
    t->bytes = 0;
}

static void add_root(struct jsonl_trie *t)
{
    struct jsonl_node *n = &t->nodes[JSON_TRIE_ROOT];
    memset(n, 0, sizeof *n);
    n->first = n->last = n->next = n->element = JSON_TRIE_NONE;
    n->key = "";
    t->paths[JSON_TRIE_ROOT] = assay_bytes_make("", 0);
    t->n = 1;
}

struct jsonl_trie *jsonl_trie_new(void)
{
    struct jsonl_trie *t = (struct jsonl_trie *)calloc(1, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    if (!grow_nodes(t) || !grow_table(t)) {
        jsonl_trie_free(t);
        return NULL;
    }
    add_root(t);
    return t;
}

void jsonl_trie_free(struct jsonl_trie *t)
{
    if (t != NULL) {
        free_blocks(t);
        free(t->nodes);
        free(t->paths);
        free(t->table);
        free(t);
    }
}

void jsonl_trie_clear(struct jsonl_trie *t)
{
    free_blocks(t);
    memset(t->table, 0, ((size_t)t->mask + 1) * sizeof *t->table);
    add_root(t);
}

int jsonl_trie_full(const struct jsonl_trie *t)
{
    return t->n >= JSON_TRIE_NODES || t->bytes >= JSON_TRIE_BYTES;
}

int jsonl_trie_heavy(const struct jsonl_trie *t)
{
    return t->n >= JSON_TRIE_NODES / 16 || t->bytes >= JSON_TRIE_BYTES / 8;
}

struct jsonl_node *jsonl_trie_node(struct jsonl_trie *t, uint32_t node)
{
    return &t->nodes[node];
}

const struct assay_bytes *jsonl_trie_paths(const struct jsonl_trie *t, uint32_t *ret_n)
{
    *ret_n = t->n;
    return t->paths;
}

/* A name that could itself be personal data: an address, a number, a person's name, free text. */
static int is_sensitive(struct assay_bytes key)
{
    size_t digits = 0;
    for (size_t i = 0; i < key.len; i++) {
        const unsigned char c = (unsigned char)key.ptr[i];
        digits += c >= '0' && c <= '9';
        if (c == '@' || c == ' ' || c >= 0x80 || c < 0x20) {
            return 1;
        }
    }
    return digits >= 6 || key.len > 64;
}

static size_t escaped_length(struct assay_bytes key)
{
    size_t n = key.len;
    for (size_t i = 0; i < key.len; i++) {
        n += key.ptr[i] == '~' || key.ptr[i] == '/';
    }
    return n;
}

static void write_escaped(char *to, struct assay_bytes key)
{
    for (size_t i = 0; i < key.len; i++) {
        const char c = key.ptr[i];
        if (c == '~' || c == '/') {
            *to++ = '~';
            *to++ = c == '~' ? '0' : '1';
        } else {
            *to++ = c;
        }
    }
}

/* Writes parent's pointer, '/', the escaped key, and the key itself where it differs. */
static int write_path(struct jsonl_trie *t, uint32_t node, struct assay_bytes key, size_t escaped)
{
    struct jsonl_node *n = &t->nodes[node];
    const struct assay_bytes up = t->paths[n->parent];
    const size_t path_len = up.len + 1 + escaped;
    const size_t total = path_len + (escaped != key.len ? key.len : 0);
    char *p = reserve_text(t, total);
    if (p == NULL) {
        return 0;
    }
    memcpy(p, up.ptr, up.len);
    p[up.len] = '/';
    write_escaped(p + up.len + 1, key);
    n->key = p + up.len + 1;
    if (escaped != key.len) {
        memcpy(p + path_len, key.ptr, key.len);
        n->key = p + path_len;
    }
    t->paths[node] = assay_bytes_make(p, path_len);
    t->blocks->used += total;
    return 1;
}

static uint32_t add_node(struct jsonl_trie *t, uint32_t parent, struct assay_bytes key)
{
    const size_t escaped = escaped_length(key);
    if (t->paths[parent].len + 1 + escaped > JSON_POINTER_MAX) {
        return parent;
    }
    if (jsonl_trie_full(t) || (t->n == t->cap && !grow_nodes(t)) ||
        (t->n > t->mask / 2 && !grow_table(t))) {
        return JSON_TRIE_NONE;
    }
    struct jsonl_node *n = &t->nodes[t->n];
    memset(n, 0, sizeof *n);
    n->parent = parent;
    n->first = n->last = n->next = n->element = JSON_TRIE_NONE;
    n->key_len = (uint32_t)key.len;
    n->sensitive = (uint8_t)is_sensitive(key);
    if (!write_path(t, t->n, key, escaped)) {
        return JSON_TRIE_NONE;
    }
    struct jsonl_node *up = &t->nodes[parent];
    if (up->last == JSON_TRIE_NONE) {
        up->first = t->n;
    } else {
        t->nodes[up->last].next = t->n;
    }
    up->last = t->n;
    table_put(t, t->n);
    return t->n++;
}

static uint32_t find_or_add(struct jsonl_trie *t, uint32_t parent, struct assay_bytes key)
{
    for (uint32_t i = hash_key(parent, key) & t->mask; t->table[i] != 0; i = (i + 1) & t->mask) {
        const struct jsonl_node *n = &t->nodes[t->table[i] - 1];
        if (n->parent == parent && assay_bytes_equal(node_key(n), key)) {
            return t->table[i] - 1;
        }
    }
    return add_node(t, parent, key);
}

uint32_t jsonl_trie_member(struct jsonl_trie *t, uint32_t parent, uint32_t guess,
                           struct assay_bytes key)
{
    if (guess != JSON_TRIE_NONE && assay_bytes_equal(node_key(&t->nodes[guess]), key)) {
        return guess;
    }
    return find_or_add(t, parent, key);
}

uint32_t jsonl_trie_element(struct jsonl_trie *t, uint32_t parent, uint32_t guess, uint32_t index)
{
    if (guess != JSON_TRIE_NONE && t->nodes[guess].element == index) {
        return guess;
    }
    char digits[10];
    size_t n = sizeof digits;
    uint32_t left = index;
    do {
        digits[--n] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    const uint32_t node = find_or_add(t, parent, assay_bytes_make(digits + n, sizeof digits - n));
    if (node != JSON_TRIE_NONE && node != parent) {
        t->nodes[node].element = index;
    }
    return node;
}
