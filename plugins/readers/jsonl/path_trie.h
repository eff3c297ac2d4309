/* SPDX-License-Identifier: Apache-2.0
 *
 * path_trie.h: JSON Pointers, each made once. A node is a path; its index is the path's index in
 * batches.
 *
 * What:  the trie of all member names and array indexes seen, with the finished pointer text (RFC
 *        6901 escapes) in every node.
 * Why:   records repeat their keys in the same order, so the node after the one just found is
 *        nearly always the next one wanted: one memcmp a key, no hashing, no allocation. The hash
 *        table is for the rest.
 * Bounds: jsonl_trie_full() says when the reader should cut the batch and clear the trie; a pointer
 *        over JSON_POINTER_MAX bytes is not made: its member is addressed by the nearest ancestor.
 * Stability: pointer text stays where it is until the trie is cleared.
 */
#ifndef ASSAY_JSONL_PATH_TRIE_H
#define ASSAY_JSONL_PATH_TRIE_H

#include "assay/base.h"

#define JSON_POINTER_MAX 4096
#define JSON_TRIE_NODES  ((uint32_t)1 << 20)
#define JSON_TRIE_BYTES  ((size_t)32 << 20)
#define JSON_TRIE_ROOT   0u
#define JSON_TRIE_NONE   UINT32_MAX

struct jsonl_node {
    uint32_t parent;
    uint32_t first;   /* child made first; JSON_TRIE_NONE */
    uint32_t last;    /* child made last */
    uint32_t next;    /* sibling made after this one; JSON_TRIE_NONE */
    uint32_t element; /* array index it stands for; JSON_TRIE_NONE where it is a member name */
    uint32_t key_len;
    const char *key;   /* decoded name; inside the pointer text where no escape was needed */
    uint64_t seen;     /* the object in which the name was seen last */
    uint8_t sensitive; /* the name itself should be scanned */
};

struct jsonl_trie;

struct jsonl_trie *jsonl_trie_new(void);    /* NULL: out of memory */
void jsonl_trie_free(struct jsonl_trie *t); /* accepts NULL */
/* Forgets all paths but the root. */
void jsonl_trie_clear(struct jsonl_trie *t);
/* No node can be added. */
int jsonl_trie_full(const struct jsonl_trie *t);
/* Enough is held that the next batch should start afresh. */
int jsonl_trie_heavy(const struct jsonl_trie *t);
struct jsonl_node *jsonl_trie_node(struct jsonl_trie *t, uint32_t node);
/* The child of `parent` for a member name or an array index; `guess` (a node or NONE) is tried
 * first. Returns `parent` itself where the pointer would be too long, NONE when the trie is full or
 * memory is out. */
uint32_t jsonl_trie_member(struct jsonl_trie *t, uint32_t parent, uint32_t guess,
                           struct assay_bytes key);
uint32_t jsonl_trie_element(struct jsonl_trie *t, uint32_t parent, uint32_t guess, uint32_t index);
/* The pointers, by node; *ret_n of them. */
const struct assay_bytes *jsonl_trie_paths(const struct jsonl_trie *t, uint32_t *ret_n);

#endif
