/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/members.c: see the header.
 */
#include "engine/members.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/status.h"

#define HELD 4096 /* rows in the buffer */

struct assay_members {
    int fd;
    size_t n;                     /* rows written */
    size_t held;                  /* rows in the buffer */
    struct assay_redundant *rows; /* mapped; NULL before sealing, and when there are none */
    struct assay_redundant buffer[HELD];
};

enum assay_status assay_members_new(struct assay_members **ret, struct assay_error *err)
{
    struct assay_members *m = calloc(1, sizeof *m);
    *ret = m;
    if (m == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    m->fd = assay_fs_tmpfile();
    if (m->fd < 0) {
        int os_errno = errno;
        assay_members_free(m);
        *ret = NULL;
        return assay_fail_errno(err, os_errno, "cannot make a temporary file");
    }
    return ASSAY_OK;
}

void assay_members_free(struct assay_members *m)
{
    if (m == NULL) {
        return;
    }
    if (m->rows != NULL) {
        (void)munmap(m->rows, m->n * sizeof *m->rows);
    }
    if (m->fd >= 0) {
        (void)close(m->fd);
    }
    free(m);
}

static enum assay_status write_out(struct assay_members *m)
{
    if (assay_fs_write_all(m->fd, m->buffer, m->held * sizeof m->buffer[0]) != 0) {
        return errno == ENOSPC ? ASSAY_FULL : ASSAY_IO;
    }
    m->n += m->held;
    m->held = 0;
    return ASSAY_OK;
}

enum assay_status assay_members_add(struct assay_members *m, const struct assay_redundant *row)
{
    enum assay_status status = m->held < HELD ? ASSAY_OK : write_out(m);
    if (status == ASSAY_OK) {
        m->buffer[m->held++] = *row;
    }
    return status;
}

#define ORDER(x, y)                                                                                \
    if ((x) != (y)) {                                                                              \
        return (x) < (y) ? -1 : 1;                                                                 \
    }

/* ASSAY_NO_RECORD plus one is 0: a whole file comes first. */
static int by_place(const void *a, const void *b)
{
    const struct assay_redundant *x = a, *y = b;
    ORDER(x->file, y->file)
    ORDER(x->record + 1, y->record + 1)
    ORDER(x->rule, y->rule)
    ORDER(x->keep_file, y->keep_file)
    ORDER(x->keep_record + 1, y->keep_record + 1)
    return 0;
}

enum assay_status assay_members_seal(struct assay_members *m, struct assay_error *err)
{
    enum assay_status status = write_out(m);
    if (status != ASSAY_OK) {
        return assay_fail_errno(err, errno, "cannot write a temporary file");
    }
    if (m->n == 0) {
        return ASSAY_OK;
    }
    void *at = mmap(NULL, m->n * sizeof *m->rows, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    if (at == MAP_FAILED) {
        return assay_fail_errno(err, errno, "cannot map a temporary file");
    }
    m->rows = at;
    qsort(m->rows, m->n, sizeof *m->rows, by_place);
    return ASSAY_OK;
}

const struct assay_redundant *assay_members_rows(const struct assay_members *m, size_t *ret_n)
{
    *ret_n = m == NULL || m->rows == NULL ? 0 : m->n;
    return *ret_n == 0 ? NULL : m->rows;
}
