/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/hand.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "engine/audit.h"

#define SLOTS ASSAY_AUDIT_SLOTS(ASSAY_LIMIT_JOBS)

/* Begins with what no job begins with. */
struct assay_hand {
    char magic[8];
    _Atomic uint32_t lens[SLOTS]; /* 0: nothing in hand; written after the name */
    char names[SLOTS][ASSAY_LIMIT_NAME];
};

static const char board_magic[8] = "in hand\n";

_Static_assert(sizeof(_Atomic uint32_t) == sizeof(uint32_t), "the daemon reads them as numbers");

/* -- the worker -- */

struct assay_hand *assay_hand_open(int fd)
{
    /* Files that others see have seals, or know none. */
    if (fcntl(fd, F_GET_SEALS) != 0 || ftruncate(fd, 0) != 0 ||
        ftruncate(fd, (off_t)sizeof(struct assay_hand)) != 0) {
        return NULL;
    }
    struct assay_hand *h = mmap(NULL, sizeof *h, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (h == MAP_FAILED) {
        return NULL;
    }
    memcpy(h->magic, board_magic, sizeof h->magic);
    return h;
}

void assay_hand_tell(struct assay_hand *h, unsigned slot, const char *file)
{
    size_t len = file == NULL ? 0 : strlen(file);
    if (h == NULL || slot >= SLOTS) {
        return;
    }
    atomic_store_explicit(&h->lens[slot], 0, memory_order_relaxed);
    if (len > 0 && len <= ASSAY_LIMIT_NAME) {
        memcpy(h->names[slot], file, len);
        atomic_store_explicit(&h->lens[slot], (uint32_t)len, memory_order_release);
    }
}

void assay_hand_close(struct assay_hand *h)
{
    if (h != NULL) {
        (void)munmap(h, sizeof *h);
    }
}

/* -- the daemon -- */

static int read_at(int fd, void *out, size_t len, size_t at)
{
    return pread(fd, out, len, (off_t)at) == (ssize_t)len;
}

enum assay_status
assay_hand_read(int fd, enum assay_status (*each)(void *ctx, struct assay_bytes name), void *ctx)
{
    char magic[sizeof board_magic];
    uint32_t lens[SLOTS];
    char name[ASSAY_LIMIT_NAME];
    enum assay_status status = ASSAY_OK;
    if (fd < 0 || !read_at(fd, magic, sizeof magic, 0) ||
        memcmp(magic, board_magic, sizeof magic) != 0 ||
        !read_at(fd, lens, sizeof lens, offsetof(struct assay_hand, lens))) {
        return ASSAY_OK;
    }
    for (size_t i = 0; i < SLOTS && status == ASSAY_OK; i++) {
        size_t at = offsetof(struct assay_hand, names) + i * sizeof name;
        if (lens[i] > 0 && lens[i] <= sizeof name && read_at(fd, name, lens[i], at) &&
            memchr(name, '\0', lens[i]) == NULL) {
            status = each(ctx, assay_bytes_make(name, lens[i]));
        }
    }
    return status;
}
