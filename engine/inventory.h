/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/inventory.h: what there is to audit: every file beneath the roots, sorted, nothing
 * followed.
 *
 * Directories are walked through descriptors (openat2 beneath the root). Regular files become
 * entries; symlinks, special files, unreadable directories and names that leave the root become
 * skips with a reason. Entries are sorted by name as bytes (LC_ALL=C), so any directory order gives
 * the same inventory. Names: relative to the root directory; a root that is a file is named by its
 * base name; with several roots, each name is prefixed by its root's base name (made unique or
 * refused).
 */
#ifndef ASSAY_ENGINE_INVENTORY_H
#define ASSAY_ENGINE_INVENTORY_H

#include "assay/finding.h"

struct assay_entry {
    const char *name;
    uint64_t bytes;
    uint32_t root;      /* which root */
    uint32_t root_name; /* offset in `name` where the path within the root starts */
    /* Filled while it is read: */
    uint8_t sha256[32];
    uint64_t records;
    enum assay_status status; /* ASSAY_OK once fully read and scanned */
    uint8_t hashed;           /* sha256 is valid */
    uint8_t aside;            /* to be hashed and nothing else: struct assay_audit_options */
    const char *reader;       /* NULL: none took it */
};

struct assay_skipped {
    const char *name;
    enum assay_skip why;
};

struct assay_inventory;

/* `roots`: directories or files; "-" is standard input, named "stdin". Errors that concern a root
 * itself are errors; errors below it are skips. `root_fds`, when not NULL, gives already opened
 * descriptors (taken over). */
enum assay_status assay_inventory_build(const char *const *roots, const int *root_fds, size_t n,
                                        struct assay_inventory **ret, struct assay_error *err);
void assay_inventory_free(struct assay_inventory *inv);
size_t assay_inventory_count(const struct assay_inventory *inv);
struct assay_entry *assay_inventory_entry(struct assay_inventory *inv, size_t i);
const struct assay_entry *assay_inventory_get(const struct assay_inventory *inv, size_t i);
size_t assay_inventory_skips(const struct assay_inventory *inv);
const struct assay_skipped *assay_inventory_skip(const struct assay_inventory *inv, size_t i);
uint64_t assay_inventory_bytes(const struct assay_inventory *inv);
/* 0 when entry i is standard input, which has no size and can be read once. */
int assay_inventory_seekable(const struct assay_inventory *inv, size_t i);
/* Opens entry i for reading, beneath its root, without blocking. -1 with errno. A root that is a
 * file is duplicated, so its readers share one offset: one at a time. */
int assay_inventory_open(const struct assay_inventory *inv, size_t i);
/* The same for readers beside the engine: a descriptor that shares its offset with no other. ESPIPE
 * for standard input. */
int assay_inventory_open_apart(const struct assay_inventory *inv, size_t i);
/* The entry with this name; ASSAY_NONE: there is none. */
uint32_t assay_inventory_find(const struct assay_inventory *inv, struct assay_bytes name);

#endif
