/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bare FILE: parses JSON Lines with simdjson alone, on one thread, and prints the number of
 * records. The file is mapped, not copied, with readable bytes behind it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bare_simdjson.h"

#define PADDING ((size_t)1 << 16)

/* The file over the front of empty memory, which is what lies behind it. */
static const char *map(const char *name, size_t *ret_len)
{
    struct stat st;
    const int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size <= 0) {
        return NULL;
    }
    *ret_len = (size_t)st.st_size;
    void *p = mmap(NULL, *ret_len + PADDING, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p != MAP_FAILED) {
        p = mmap(p, *ret_len, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
    }
    (void)close(fd);
    return p == MAP_FAILED ? NULL : p;
}

int main(int argc, char **argv)
{
    size_t len = 0, records = 0;
    const char *text = argc == 2 ? map(argv[1], &len) : NULL;
    if (text == NULL || bare_simdjson(text, len, &records) == 0) {
        (void)fprintf(stderr, "usage: bench/bare FILE (JSON Lines)\n");
        return 1;
    }
    (void)printf("%zu\n", records);
    return 0;
}
