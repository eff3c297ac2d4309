/* SPDX-License-Identifier: Apache-2.0
 *
 * images: pictures that look the same: scaled, recompressed, converted; turned or mirrored told
 * apart.
 *
 * Each picture that the reader `image` hands on becomes a perceptual hash (pdq.h) while it is
 * scanned; at the end, hashes are compared (near.h) and groups reported. Files of the same bytes
 * are one picture here: the scanner `duplicates` speaks of those. Pictures too flat to have a
 * meaningful hash (quality below 50) are counted, not compared. A picture that cannot be decoded is
 * a finding and a skip: it was not looked at.
 * Records that name a picture of the dataset (a field whose whole value is a path that ends in
 * .jpg, .jpeg or .png, from the top of the dataset or from the record's own directory) are members
 * of the picture's group beside its file. Paths that lead to no file are counted.
 * What looks alike is handed to whoever takes the topic "pictures" (finish.h).
 * Memory: 272 bytes a picture (16 when it is not compared) and 16 a reference, and 64 more a picture
 * at the end, within host->memory_budget; what does not fit is a skip.
 */
#include "assay/plugin.h"

#include <stdlib.h>

#include "decode.h"
#include "finish.h"
#include "references.h"
#include "saved.h"

#define BYTES_A_IMAGE (sizeof(struct image_entry) + 64)
#define SEED_CONTENT  UINT64_C(3)

const struct assay_rule_decl images_rules[] = {
    {"images.near", NULL, ASSAY_SEVERITY_LOW, "Pictures that look the same", "看起来相同的图片",
     "These picture files differ in bytes but look the same: scaled, recompressed or converted "
     "copies. Keep the best one, or keep all of them in one split.",
     "这些图片文件字节不同但看起来相同，可能是缩放、重新压缩或格式转换的副本。请保留最好的一张，或"
     "将它们放在同一数据划分中。"},
    {"images.turned", NULL, ASSAY_SEVERITY_LOW, "Pictures that are turned or mirrored copies",
     "旋转或镜像的重复图片",
     "One picture is the other, rotated or mirrored. Where that is augmentation, keep both in one "
     "split; else keep one.",
     "其中一张图片是另一张的旋转或镜像。若为数据增强，请放在同一数据划分中，否则只保留一张。"},
    {"images.undecodable", NULL, ASSAY_SEVERITY_MEDIUM, "Picture that cannot be decoded",
     "无法解码的图片",
     "The picture is damaged, cut off, or larger than the limits, and was not compared with the "
     "others. Deliver it again.",
     "图片损坏、被截断或超出限制，未能与其他图片比较，请重新交付。"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static enum assay_status make_buffers(struct images_local *l)
{
    const size_t bytes = (size_t)PDQ_SIDE * PDQ_SIDE * sizeof(float);
    l->picture.luma = l->picture.luma == NULL ? malloc(bytes) : l->picture.luma;
    l->picture.work = l->picture.work == NULL ? malloc(bytes) : l->picture.work;
    return l->picture.luma == NULL || l->picture.work == NULL ? ASSAY_NOMEM : ASSAY_OK;
}

static enum assay_status say_undecodable(struct images_local *l, uint32_t file, size_t bytes,
                                         enum assay_status why, struct assay_sink *sink)
{
    const uint32_t rule = l->shared->rule[IMAGE_RULE_UNDECODABLE];
    l->counts[IMAGE_COUNT_UNDECODABLE]++;
    sink->skip(sink->ctx, why == ASSAY_CORRUPT ? ASSAY_SKIP_CORRUPT : ASSAY_SKIP_LIMIT, 1, bytes);
    if (rule == ASSAY_NONE) {
        return ASSAY_OK;
    }
    struct assay_finding f = assay_finding_init(rule);
    f.file = file;
    f.detail = assay_bytes_str(why == ASSAY_CORRUPT ? "damaged or cut off"
                               : why == ASSAY_LIMIT ? "larger than the limits"
                                                    : "a coding that is not known");
    return sink->finding(sink->ctx, &f);
}

static uint64_t content_of(const struct assay_host *host, struct assay_bytes bytes)
{
    uint64_t hash[2];
    host->hash128(host->ctx, bytes.ptr, bytes.len, SEED_CONTENT, hash);
    return hash[0];
}

/* 0: no room. */
static int keep_plain(struct images_local *l, uint32_t file, struct assay_bytes bytes)
{
    void *array = l->plain;
    struct image_plain *slot =
        images_push(l->shared, &array, &l->n_plain, &l->cap_plain, sizeof *slot, sizeof *slot);
    l->plain = array;
    if (slot != NULL) {
        *slot = (struct image_plain){content_of(l->shared->host, bytes), file};
    }
    return slot != NULL;
}

static int keep_entry(struct images_local *l, const struct image_entry *e)
{
    void *array = l->entries;
    struct image_entry *slot =
        images_push(l->shared, &array, &l->n, &l->cap, sizeof *e, BYTES_A_IMAGE);
    l->entries = array;
    if (slot != NULL) {
        *slot = *e;
    }
    return slot != NULL;
}

static enum assay_status take_picture(struct images_local *l, uint32_t file,
                                      struct assay_bytes bytes, struct assay_sink *sink)
{
    struct image_entry e = {.file = file};
    int kept;
    enum assay_status st = make_buffers(l);
    st = st == ASSAY_OK ? image_decode(bytes, &l->picture) : st;
    if (st == ASSAY_NOMEM) {
        return st;
    }
    l->counts[IMAGE_COUNT_IMAGES]++;
    if (st != ASSAY_OK) {
        (void)keep_plain(l, file, bytes); /* a skip as it is */
        return say_undecodable(l, file, bytes.len, st, sink);
    }
    e.quality = pdq_hash_views(&l->picture, e.views);
    if (e.quality < PDQ_MIN_QUALITY) {
        l->counts[IMAGE_COUNT_FLAT]++;
        kept = keep_plain(l, file, bytes);
    } else {
        e.content = content_of(l->shared->host, bytes);
        kept = keep_entry(l, &e);
    }
    if (!kept) {
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 1, bytes.len);
    }
    return ASSAY_OK;
}

static enum assay_status images_scan(const void *shared, void *local,
                                     const struct assay_scan_input *in, struct assay_sink *sink)
{
    struct images_local *l = local;
    const struct assay_batch *b = in->batch;
    (void)shared;
    if (b->n_records == 1 && image_kind_of(b->records[0].raw) != IMAGE_NONE) {
        return take_picture(l, b->file, b->records[0].raw, sink);
    }
    for (uint32_t i = 0; i < b->n_fields; i++) {
        image_reference_take(l, b, &b->fields[i], sink);
    }
    return ASSAY_OK;
}

static const char *const images_gives[] = {"pictures", NULL};

ASSAY_SCANNER_PLUGIN(images) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "images",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "pictures that look the same: scaled, recompressed, converted, turned",
    .rules = images_rules,
    .init = images_init,
    .local_init = images_local_init,
    .scan = images_scan,
    .merge = images_merge,
    .finish = images_finish,
    .save = images_save,
    .load = images_load,
    .local_free = images_local_free,
    .free = images_free,
    .gives = images_gives,
};
