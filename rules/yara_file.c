/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara_file.c: pieces of a file for libyara; see yara_file.h.
 */
#include "rules/yara_file.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"

#define SMALL_BUFFER ASSAY_MIB(4) /* is kept */

int assay_yara_file_init(struct assay_yara_file *f)
{
    *f = (struct assay_yara_file){.hash = assay_sha256_new(), .fd = -1};
    return f->hash != NULL;
}

void assay_yara_file_release(struct assay_yara_file *f)
{
    assay_sha256_free(f->hash);
    free(f->buf);
}

void assay_yara_file_shrink(struct assay_yara_file *f)
{
    if (f->buf_cap > SMALL_BUFFER) {
        free(f->buf);
        f->buf = NULL;
        f->buf_cap = 0;
    }
}

enum assay_status assay_yara_file_start(struct assay_yara_file *f, int fd, struct assay_error *err)
{
    struct stat sb;
    if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
        return assay_fail(err, ASSAY_UNSUPPORTED, "this input cannot be read a second time");
    }
    f->fd = fd;
    f->size = (uint64_t)sb.st_size;
    f->loaded_base = 0;
    f->loaded = 0;
    f->hashed = 0;
    f->status = ASSAY_OK;
    enum assay_status st = assay_sha256_start(f->hash);
    return st == ASSAY_OK ? st : assay_fail(err, st, "cannot hash the file");
}

/* ---- as libyara walks it -------------------------------------------------------------------- */

static size_t piece_size(const struct assay_yara_file *f, uint64_t base)
{
    uint64_t left = f->size - base;
    return left < ASSAY_LIMIT_YARA_WHOLE ? (size_t)left : ASSAY_LIMIT_YARA_WHOLE;
}

static enum assay_status read_again(struct assay_yara_file *f, size_t len, uint64_t base)
{
    enum assay_status st = assay_fs_read_at(f->fd, f->buf, len, base);
    return st == ASSAY_END ? ASSAY_CHANGED : st;
}

/* Hashes what of the loaded piece was not hashed yet. Pieces come in order the first time. */
static enum assay_status hash_new(struct assay_yara_file *f)
{
    uint64_t end = f->loaded_base + f->loaded;
    if (end <= f->hashed) {
        return ASSAY_OK;
    }
    size_t skip = (size_t)(f->hashed - f->loaded_base);
    f->hashed = end;
    return assay_sha256_update(f->hash, f->buf + skip, f->loaded - skip);
}

static enum assay_status load_piece(struct assay_yara_file *f, uint64_t base)
{
    size_t len = piece_size(f, base);
    if (f->loaded == len && f->loaded_base == base && f->hashed > 0) {
        return ASSAY_OK;
    }
    if (len >= f->buf_cap) {
        uint8_t *grown = realloc(f->buf, len + 1); /* an empty file has a buffer, too */
        if (grown == NULL) {
            return ASSAY_NOMEM;
        }
        f->buf = grown;
        f->buf_cap = len + 1;
    }
    f->loaded = 0;
    enum assay_status st = read_again(f, len, base);
    if (st == ASSAY_OK) {
        f->loaded_base = base;
        f->loaded = len;
        st = hash_new(f);
    }
    return st;
}

static const uint8_t *fetch_piece(YR_MEMORY_BLOCK *block)
{
    struct assay_yara_file *f = block->context;
    if (f->status == ASSAY_OK) {
        f->status = load_piece(f, block->base);
    }
    return f->status == ASSAY_OK ? f->buf : NULL;
}

static YR_MEMORY_BLOCK *piece_at(YR_MEMORY_BLOCK_ITERATOR *it, uint64_t base)
{
    struct assay_yara_file *f = it->context;
    it->last_error = ERROR_SUCCESS;
    f->block = (YR_MEMORY_BLOCK){
        .size = piece_size(f, base), .base = base, .context = f, .fetch_data = fetch_piece};
    return &f->block;
}

static YR_MEMORY_BLOCK *first_piece(YR_MEMORY_BLOCK_ITERATOR *it)
{
    return piece_at(it, 0);
}

static YR_MEMORY_BLOCK *next_piece(YR_MEMORY_BLOCK_ITERATOR *it)
{
    struct assay_yara_file *f = it->context;
    it->last_error = ERROR_SUCCESS;
    if (f->block.base + f->block.size >= f->size) {
        return NULL;
    }
    return piece_at(it, f->block.base + ASSAY_LIMIT_YARA_WHOLE - ASSAY_YARA_OVERLAP);
}

static uint64_t whole_size(YR_MEMORY_BLOCK_ITERATOR *it)
{
    struct assay_yara_file *f = it->context;
    return f->size;
}

YR_MEMORY_BLOCK_ITERATOR assay_yara_file_pieces(struct assay_yara_file *f)
{
    return (YR_MEMORY_BLOCK_ITERATOR){
        .context = f, .first = first_piece, .next = next_piece, .file_size = whole_size};
}

/* ---- what became of it ---------------------------------------------------------------------- */

static enum assay_status fail_changed(struct assay_error *err)
{
    return assay_fail(err, ASSAY_CHANGED, "the file changed while it was read");
}

enum assay_status assay_yara_file_read(const struct assay_yara_file *f, struct assay_error *err)
{
    if (f->status == ASSAY_CHANGED) {
        return fail_changed(err);
    }
    return f->status == ASSAY_OK
               ? ASSAY_OK
               : assay_fail(err, f->status, "the file cannot be read a second time for YARA");
}

enum assay_status assay_yara_file_compare(struct assay_yara_file *f, const uint8_t sha256[32],
                                          struct assay_error *err)
{
    uint8_t now[ASSAY_SHA256_LEN];
    struct stat sb;
    if (f->hashed != f->size) {
        return assay_fail(err, ASSAY_INTERNAL, "the YARA scan left bytes unread");
    }
    enum assay_status st = assay_sha256_finish(f->hash, now);
    if (st != ASSAY_OK) {
        return assay_fail(err, st, "cannot hash the file");
    }
    int same = memcmp(now, sha256, sizeof now) == 0 && fstat(f->fd, &sb) == 0 &&
               (uint64_t)sb.st_size == f->size;
    return same ? ASSAY_OK : fail_changed(err);
}
