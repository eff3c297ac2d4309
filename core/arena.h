/* SPDX-License-Identifier: Apache-2.0
 *
 * core/arena.h: bump allocation for things that die together (a rule set, a batch).
 *
 * assay_arena_alloc returns NULL and sets a sticky overflow flag when the maximum is reached or
 * memory is out; callers may test once at the end. Under ASan unused space is poisoned. `reset`
 * keeps the blocks for reuse. Single owner; no thread may share one while it changes.
 */
#ifndef ASSAY_CORE_ARENA_H
#define ASSAY_CORE_ARENA_H

#include "assay/base.h"

struct assay_arena;

struct assay_arena *assay_arena_new(size_t max); /* NULL: out of memory */
void assay_arena_free(struct assay_arena *a);    /* accepts NULL */
/* Forgets everything that was allocated, and the overflow; keeps the blocks. */
void assay_arena_reset(struct assay_arena *a);
/* Zeroed, aligned for any type. `n * size` is checked for overflow. */
void *assay_arena_alloc(struct assay_arena *a, size_t size);
void *assay_arena_array(struct assay_arena *a, size_t n, size_t size);
/* NUL-terminated copies. */
char *assay_arena_strdup(struct assay_arena *a, const char *s);
char *assay_arena_dup(struct assay_arena *a, struct assay_bytes s);
/* Whether some allocation failed since the last reset; bytes handed out since then. */
int assay_arena_overflowed(const struct assay_arena *a);
size_t assay_arena_used(const struct assay_arena *a);

/* malloc(n * size) and realloc with overflow checks; NULL when out of memory. */
void *assay_alloc_array(size_t n, size_t size);
void *assay_realloc_array(void *old, size_t n, size_t size);
/* `items` with room for one more than n; *cap doubles when it must. NULL (and items untouched)
 * without memory. */
void *assay_grown(void *items, size_t n, size_t *cap, size_t size);

#endif
