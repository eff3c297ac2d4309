/* SPDX-License-Identifier: Apache-2.0
 * An index of an earlier delivery, as hostile as it comes: the first byte chooses whether the input
 * is the file as it is, or the sections of one whose checksums are right. It is refused, or it can
 * be searched and merged. */
#include <stdlib.h>
#include <unistd.h>

#include "assay/plugin.h"
#include "core/fs.h"
#include "core/hash.h"
#include "plugins/scanners/duplicates/index_merge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hash128(void *ctx, const void *data, size_t len, uint64_t seed, uint64_t ret[2])
{
    (void)ctx;
    assay_xxh3_128(data, len, seed, ret);
}

static int cancelled(void *ctx)
{
    (void)ctx;
    return 0;
}

static const struct assay_host host = {.abi = ASSAY_PLUGIN_ABI,
                                       .size = sizeof(struct assay_host),
                                       .cancelled = cancelled,
                                       .hash128 = hash128};

static const char *const param_names[DUP_INDEX_PARAMS] = {""};

static uint64_t check_of(const void *data, size_t len)
{
    uint64_t hash[2];
    hash128(NULL, data, len, 0, hash);
    return hash[0];
}

/* A file around sections: their lengths are the first bytes, in units of 48 bytes or more. One
 * delivery or two are put in between, whose files may be wrong. */
static void wrap(struct assay_buf *out, const uint8_t *data, size_t size)
{
    struct dup_index_head head;
    struct dup_index_delivery d[2] = {{.files = data[0] % 4, .name = "a"},
                                      {.first_file = data[0] % 4, .files = 1, .name = "b"}};
    char padded[DUP_INDEX_HEAD] = {0};
    memset(&head, 0, sizeof head);
    head.magic = DUP_INDEX_MAGIC;
    head.deliveries = 1 + (data[0] >> 2 & 1);
    head.files = d[0].files + head.deliveries - 1;
    assay_buf_add(out, padded, sizeof padded);
    size_t taken = 8;
    for (unsigned i = 0; i < DUP_INDEX_CHECKS; i++) {
        const size_t left = (size - taken) / 48 * 48;
        const size_t want = (size_t)(data[1 + i] % 32) * (i == DUP_INDEX_ENTRIES ? 96 : 48);
        head.sections[i].at = out->len;
        if (i == DUP_INDEX_DELIVERIES) {
            assay_buf_add(out, (const char *)d, head.deliveries * sizeof d[0]);
        } else if (want <= left) {
            assay_buf_add(out, (const char *)data + taken, want);
            taken += want;
        }
        head.sections[i].bytes = out->len - head.sections[i].at;
    }
    const size_t end = out->len;
    for (size_t at = DUP_INDEX_HEAD; at < end; at += DUP_INDEX_BLOCK) {
        const size_t len = end - at < DUP_INDEX_BLOCK ? end - at : DUP_INDEX_BLOCK;
        const uint64_t check = check_of(out->ptr + at, len);
        assay_buf_add(out, (const char *)&check, sizeof check);
    }
    head.sections[DUP_INDEX_CHECKS] = (struct dup_index_span){end, out->len - end};
    head.check = check_of(&head, offsetof(struct dup_index_head, check));
    if (assay_buf_status(out) == ASSAY_OK) {
        memcpy(out->ptr, &head, sizeof head);
    }
}

static void search(const struct dup_lookup *l, const uint8_t *data, size_t size)
{
    uint64_t keys[8] = {0};
    struct dup_partner p;
    memcpy(keys, data, size < sizeof keys ? size : sizeof keys);
    const struct dup_entry e = {{keys[0], keys[1]}, keys[2], keys[3]};
    if (dup_lookup_same(l, &e, &p) == ASSAY_OK && p.likeness != DUP_UNLIKE) {
        (void)dup_index_file(l->runs[p.run], dup_place_file(p.place))[0];
    }
    if (dup_lookup_near(l, keys, 8, keys, 1, 500, &p) == ASSAY_OK && p.likeness != DUP_UNLIKE &&
        p.similarity < 500) {
        abort();
    }
}

/* What can be opened and verified can be merged, with one delivery dropped or with none, and then
 * be opened and verified again. */
static void merge(const char *path, const char *drop)
{
    char into[96];
    struct assay_error err;
    struct dup_lookup l = {.n = 0};
    struct dup_run_merge m = {.host = &host, .param_names = param_names, .drop = drop};
    (void)snprintf(into, sizeof into, "%s.merged", path);
    if (dup_run_merge_add(&m, path, &err) == ASSAY_OK) {
        const int whole = dup_index_verify(m.in.runs[0], &err) == ASSAY_OK;
        const enum assay_status st = dup_run_merge_write(&m, into, &err);
        if (st == ASSAY_OK && (dup_lookup_add(&l, into, NULL, &host, &err) != ASSAY_OK ||
                               dup_index_verify(l.runs[0], &err) != ASSAY_OK)) {
            abort();
        }
        if (whole && st == ASSAY_CORRUPT) {
            abort();
        }
    }
    dup_lookup_release(&l);
    dup_run_merge_release(&m);
    (void)unlink(into);
}

static void look_into(const char *path, const uint8_t *data, size_t size)
{
    struct assay_error err;
    struct dup_lookup l = {.n = 0};
    if (dup_lookup_add(&l, path, NULL, &host, &err) == ASSAY_OK &&
        dup_lookup_ready(&l, &err) == ASSAY_OK) {
        search(&l, data, size);
        merge(path, NULL);
        merge(path, "b");
    }
    dup_lookup_release(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
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
    if (assay_fs_write_file(path, file.ptr, file.len, 0600, &err) == ASSAY_OK) {
        look_into(path, data + 8, size - 8);
    }
    (void)unlink(path);
    return 0;
}
