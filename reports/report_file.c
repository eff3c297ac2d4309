/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/report_file.h"

#include <errno.h>
#include <fcntl.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"

#define FILE_BUFFER ASSAY_KIB(256)

static enum assay_status file_error(struct assay_error *err, const char *name)
{
    return assay_fail_errno(err, errno, "cannot write %s; no report was published", name);
}

static enum assay_status file_flush(struct assay_report_file *f, struct assay_error *err)
{
    if (f->buf.len > 0 && assay_fs_write_all(f->fd, f->buf.ptr, f->buf.len) != 0) {
        return file_error(err, f->name);
    }
    assay_buf_clear(&f->buf);
    return ASSAY_OK;
}

enum assay_status assay_report_file_write(void *ctx, const void *data, size_t len,
                                          struct assay_error *err)
{
    struct assay_report_file *f = ctx;
    if (assay_sha256_update(f->hash, data, len) != ASSAY_OK) {
        return assay_fail(err, ASSAY_CRYPTO, "hashing %s failed", f->name);
    }
    if (f->buf.len + len > FILE_BUFFER) {
        enum assay_status s = file_flush(f, err);
        if (s != ASSAY_OK) {
            return s;
        }
    }
    if (len > FILE_BUFFER) {
        return assay_fs_write_all(f->fd, data, len) == 0 ? ASSAY_OK : file_error(err, f->name);
    }
    assay_buf_add(&f->buf, data, len);
    return assay_buf_status(&f->buf) == ASSAY_OK ? ASSAY_OK
                                                 : assay_fail(err, ASSAY_NOMEM, "out of memory");
}

enum assay_status assay_report_file_open(struct assay_report_file *f, int dir, const char *name,
                                         struct assay_error *err)
{
    *f = (struct assay_report_file){.name = name};
    f->fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (f->fd < 0) {
        return file_error(err, name);
    }
    assay_buf_init(&f->buf, FILE_BUFFER);
    f->hash = assay_sha256_new();
    if (f->hash == NULL || assay_sha256_start(f->hash) != ASSAY_OK) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    return ASSAY_OK;
}

enum assay_status assay_report_file_close(struct assay_report_file *f, enum assay_status s,
                                          uint8_t ret_sha256[32], struct assay_error *err)
{
    if (s == ASSAY_OK) {
        s = file_flush(f, err);
    }
    if (f->fd >= 0 && close(f->fd) != 0 && s == ASSAY_OK) {
        s = file_error(err, f->name);
    }
    if (s == ASSAY_OK && ret_sha256 != NULL &&
        assay_sha256_finish(f->hash, ret_sha256) != ASSAY_OK) {
        s = assay_fail(err, ASSAY_CRYPTO, "hashing %s failed", f->name);
    }
    assay_sha256_free(f->hash);
    assay_buf_release(&f->buf);
    return s;
}

enum assay_status assay_report_put(int dir, const char *name, struct assay_bytes content,
                                   struct assay_error *err)
{
    struct assay_report_file f;
    enum assay_status s = assay_report_file_open(&f, dir, name, err);
    if (s == ASSAY_OK) {
        s = assay_report_file_write(&f, content.ptr, content.len, err);
    }
    return assay_report_file_close(&f, s, NULL, err);
}
