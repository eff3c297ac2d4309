/* SPDX-License-Identifier: Apache-2.0
 *
 * core/arena.c: a chain of blocks and a bump pointer.
 *
 * Blocks double in size up to 1 MiB; an allocation larger than that gets a block of its own. Reset
 * rewinds every block and keeps it. The maximum bounds what was handed out; memory held exceeds it
 * by at most one block. Unused space is poisoned under ASan, so that a write past an allocation's
 * block is caught.
 */
#include "core/arena.h"

#include <stdlib.h>
#include <stdalign.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define ARENA_POISON(p, n)   __asan_poison_memory_region(p, n)
#define ARENA_UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define ARENA_POISON(p, n)   ((void)(p), (void)(n))
#define ARENA_UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define ARENA_FIRST_BLOCK ((size_t)4096)
#define ARENA_LAST_BLOCK  ((size_t)1 << 20)

struct arena_block {
    struct arena_block *next;
    size_t cap;
    size_t used;
    alignas(max_align_t) char data[];
};

struct assay_arena {
    struct arena_block *first;
    struct arena_block *current;
    size_t next_cap;
    size_t used;
    size_t max;
    int overflowed;
};

struct assay_arena *assay_arena_new(size_t max)
{
    struct assay_arena *a = calloc(1, sizeof *a);
    if (a != NULL) {
        a->max = max;
        a->next_cap = ARENA_FIRST_BLOCK;
    }
    return a;
}

void assay_arena_free(struct assay_arena *a)
{
    if (a == NULL) {
        return;
    }
    for (struct arena_block *b = a->first, *next; b != NULL; b = next) {
        next = b->next;
        ARENA_UNPOISON(b->data, b->cap);
        free(b);
    }
    free(a);
}

void assay_arena_reset(struct assay_arena *a)
{
    for (struct arena_block *b = a->first; b != NULL; b = b->next) {
        b->used = 0;
        ARENA_POISON(b->data, b->cap);
    }
    a->current = a->first;
    a->used = 0;
    a->overflowed = 0;
}

/* A block with room for `size` behind the current one; NULL when out of memory. */
static struct arena_block *arena_grow(struct assay_arena *a, size_t size)
{
    size_t cap = size > a->next_cap ? size : a->next_cap;
    struct arena_block *b = calloc(1, sizeof *b + cap);
    if (b == NULL) {
        return NULL;
    }
    b->cap = cap;
    ARENA_POISON(b->data, cap);
    if (a->current == NULL) {
        b->next = a->first;
        a->first = b;
    } else {
        b->next = a->current->next;
        a->current->next = b;
    }
    a->next_cap = a->next_cap < ARENA_LAST_BLOCK ? a->next_cap * 2 : ARENA_LAST_BLOCK;
    return b;
}

static struct arena_block *arena_block_for(struct assay_arena *a, size_t size)
{
    for (struct arena_block *b = a->current; b != NULL; b = b->next) {
        if (b->cap - b->used >= size) {
            return b;
        }
    }
    return arena_grow(a, size);
}

void *assay_arena_alloc(struct assay_arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (a->overflowed || size > SIZE_MAX - align - sizeof(struct arena_block)) {
        a->overflowed = 1;
        return NULL;
    }
    size_t rounded = size == 0 ? align : (size + align - 1) / align * align;
    struct arena_block *b = NULL;
    if (rounded <= a->max - a->used) {
        b = arena_block_for(a, rounded);
    }
    if (b == NULL) {
        a->overflowed = 1;
        return NULL;
    }
    char *p = b->data + b->used;
    b->used += rounded;
    a->used += rounded;
    a->current = b;
    ARENA_UNPOISON(p, size);
    return memset(p, 0, size);
}

void *assay_arena_array(struct assay_arena *a, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        a->overflowed = 1;
        return NULL;
    }
    return assay_arena_alloc(a, total);
}

char *assay_arena_dup(struct assay_arena *a, struct assay_bytes s)
{
    char *p = s.len == SIZE_MAX ? NULL : assay_arena_alloc(a, s.len + 1);
    if (p != NULL && s.len > 0) {
        memcpy(p, s.ptr, s.len);
    }
    return p;
}

char *assay_arena_strdup(struct assay_arena *a, const char *s)
{
    return assay_arena_dup(a, assay_bytes_str(s));
}

int assay_arena_overflowed(const struct assay_arena *a)
{
    return a->overflowed;
}

size_t assay_arena_used(const struct assay_arena *a)
{
    return a->used;
}

void *assay_alloc_array(size_t n, size_t size)
{
    return assay_realloc_array(NULL, n, size);
}

void *assay_realloc_array(void *old, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        return NULL;
    }
    return realloc(old, total == 0 ? 1 : total);
}

void *assay_grown(void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) {
        return items;
    }
    size_t more = *cap == 0 ? 16 : 2 * *cap;
    void *grown = assay_realloc_array(items, more, size);
    *cap = grown == NULL ? *cap : more;
    return grown;
}
