/* SPDX-License-Identifier: Apache-2.0
 * An index of an earlier delivery, as hostile as it comes: the first byte chooses whether the input
 * is the file as it is, or the sections of one whose checksums are right. It is refused, or it can
 * be searched. */
#include <stdlib.h>
#include <unistd.h>

#include "assay/plugin.h"
#include "core/fs.h"
#include "core/hash.h"
#include "plugins/scanners/duplicates/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hash128(void *ctx, const void *data, size_t len, uint64_t seed, uint64_t ret[2])
{
    (void)ctx;
    assay_xxh3_128(data, len, seed, ret);
}

static const struct assay_host host = {
    .abi = ASSAY_PLUGIN_ABI, .size = sizeof(struct assay_host), .hash128 = hash128};

static uint64_t check_of(const void *data, size_t len)
{
    uint64_t hash[2];
    hash128(NULL, data, len, 0, hash);
    return hash[0];
}

/* A file around sections: their lengths are the first bytes, in units of 24 bytes. */
static void wrap(struct assay_buf *out, const uint8_t *data, size_t size)
{
    struct dup_index_head head;
    char padded[DUP_INDEX_HEAD] = {0};
    memset(&head, 0, sizeof head);
    head.magic = DUP_INDEX_MAGIC;
    head.files = data[0] % 4;
    uint64_t at = DUP_INDEX_HEAD;
    for (unsigned i = 0; i < DUP_INDEX_CHECKS; i++) {
        const size_t left = (size - 8) / 24 * 24 - (size_t)(at - DUP_INDEX_HEAD);
        const size_t want = (size_t)(data[1 + i] % 32) * (i == DUP_INDEX_ENTRIES ? 96 : 48);
        head.sections[i] = (struct dup_index_span){at, want < left ? want : 0};
        at += head.sections[i].bytes;
    }
    head.sections[DUP_INDEX_CHECKS] = (struct dup_index_span){at, at > DUP_INDEX_HEAD ? 8 : 0};
    head.check = check_of(&head, offsetof(struct dup_index_head, check));
    memcpy(padded, &head, sizeof head);
    assay_buf_add(out, padded, sizeof padded);
    assay_buf_add(out, (const char *)data + 8, (size_t)at - DUP_INDEX_HEAD);
    if (at > DUP_INDEX_HEAD) {
        const uint64_t check = check_of(data + 8, (size_t)at - DUP_INDEX_HEAD);
        assay_buf_add(out, (const char *)&check, 8);
    }
}

static void search(const struct dup_index *x, const uint8_t *data, size_t size)
{
    uint64_t keys[8] = {0};
    struct dup_partner p;
    memcpy(keys, data, size < sizeof keys ? size : sizeof keys);
    const struct dup_entry e = {{keys[0], keys[1]}, keys[2], keys[3]};
    dup_index_find(x, &e, &p);
    if (p.likeness != DUP_UNLIKE) {
        (void)dup_index_file(x, dup_place_file(p.place))[0];
    }
    dup_index_find_near(x, keys, 8, keys, 1, 500, &p);
    if (p.likeness != DUP_UNLIKE && p.similarity < 500) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct dup_index *x;
    struct assay_error err;
    ASSAY_AUTO_BUF file;
    assay_buf_init(&file, (size_t)1 << 22);
    if (size < 16) {
        return 0;
    }
    if ((data[0] & 0x80) != 0) {
        assay_buf_add(&file, (const char *)data + 1, size - 1);
    } else {
        wrap(&file, data, size);
    }
    (void)snprintf(path, sizeof path, "%s/fuzz_index.%ld", "/tmp", (long)getpid());
    const struct dup_params none = {NULL, NULL, 0};
    if (assay_fs_write_file(path, file.ptr, file.len, 0600, &err) == ASSAY_OK &&
        dup_index_open(path, &none, &host, &x, &err) == ASSAY_OK) {
        search(x, data + 8, size - 8);
        dup_index_close(x);
    }
    (void)unlink(path);
    return 0;
}
