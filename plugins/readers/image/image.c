/* SPDX-License-Identifier: Apache-2.0
 *
 * image: a JPEG or PNG file, one record: the file's bytes as they are, with width and height as its
 * fields.
 *
 * Only the header is read here (ISO/IEC 10918-1 annex B; PNG specification, section 11.2): decoding
 * is for the scanner that looks at pixels. A file that bears the signature and has no readable
 * header is a malformed record: reported, counted, and still handed on, so that its bytes are
 * compared. Text inside an image (EXIF, XMP, comments) is no field: content rules do not see it.
 */
#include "assay/plugin.h"

#include "../common/batch.h"
#include "../common/probe.h"
#include "../common/report.h"

enum { RULE_MALFORMED };
enum { PATH_WIDTH, PATH_HEIGHT, N_PATHS };

static const struct assay_rule_decl image_rules[] = {
    {"image.malformed", NULL, ASSAY_SEVERITY_MEDIUM, "Image whose header cannot be read",
     "图像文件头无法读取",
     "The file begins like an image, but does not say how large it is. It is probably cut off or "
     "damaged: deliver it again.",
     "文件以图像签名开头，但无法得知其尺寸，可能被截断或已损坏，请重新交付。"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static const char image_extensions[] = "jpg jpeg png";

static const struct assay_bytes paths[N_PATHS] = {{"/width", 6}, {"/height", 7}};

struct image_size {
    uint32_t width, height;
};

struct image_local {
    struct reader_batch batch;
    struct reader_rules rules;
};

/* ---- headers ------------------------------------------------------------------------------- */

static uint32_t big_endian(const unsigned char *p, unsigned n)
{
    uint32_t v = 0;
    while (n-- > 0) {
        v = v << 8 | *p++;
    }
    return v;
}

static int is_png(struct assay_bytes b)
{
    return b.len >= 8 && memcmp(b.ptr, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static int is_jpeg(struct assay_bytes b)
{
    return b.len >= 3 && memcmp(b.ptr, "\xff\xd8\xff", 3) == 0;
}

static int png_size(struct assay_bytes b, struct image_size *ret)
{
    const unsigned char *p = (const unsigned char *)b.ptr;
    if (b.len < 24 || memcmp(p + 12, "IHDR", 4) != 0) {
        return 0;
    }
    ret->width = big_endian(p + 16, 4);
    ret->height = big_endian(p + 20, 4);
    return ret->width > 0 && ret->height > 0;
}

/* SOF0..SOF15 without DHT, JPG and DAC, which share their range. */
static int is_frame(unsigned marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static int jpeg_size(struct assay_bytes b, struct image_size *ret)
{
    const unsigned char *p = (const unsigned char *)b.ptr;
    size_t at = 2;
    while (at + 9 <= b.len && p[at] == 0xff) {
        const unsigned marker = p[at + 1];
        if (marker == 0xff) { /* fill */
            at++;
            continue;
        }
        if (is_frame(marker)) {
            ret->height = big_endian(p + at + 5, 2);
            ret->width = big_endian(p + at + 7, 2);
            return ret->width > 0 && ret->height > 0;
        }
        if (marker == 0xd9 || marker == 0xda) { /* the picture, or its end, before a frame */
            return 0;
        }
        at += 2 + big_endian(p + at + 2, 2);
    }
    return 0;
}

static int size_of(struct assay_bytes b, struct image_size *ret)
{
    return is_png(b) ? png_size(b, ret) : is_jpeg(b) && jpeg_size(b, ret);
}

/* ---- the reader ---------------------------------------------------------------------------- */

static int image_probe(struct assay_bytes head, const char *name)
{
    (void)name;
    return is_png(head) || is_jpeg(head) ? 95 : 0;
}

static enum assay_status image_open(const struct assay_host *host,
                                    const struct assay_reader_input *in, void **ret_self,
                                    struct assay_error *err)
{
    static char nothing; /* there is nothing to remember of a file */
    (void)host;
    (void)in;
    (void)err;
    *ret_self = &nothing;
    return ASSAY_OK;
}

static enum assay_status image_split(void *self, struct assay_bytes data,
                                     enum assay_split_mode mode, struct assay_split *ret)
{
    (void)self;
    ret->done = 0;
    ret->consumed = mode == ASSAY_SPLIT_MORE ? 0 : data.len;
    ret->records = mode == ASSAY_SPLIT_LAST && data.len > 0;
    return ASSAY_OK;
}

static enum assay_status image_local_init(const struct assay_host *host, void **ret_local,
                                          struct assay_error *err)
{
    struct image_local *l = (struct image_local *)calloc(1, sizeof *l);
    if (l == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    reader_rules_find(&l->rules, host, image_rules);
    *ret_local = l;
    return ASSAY_OK;
}

static enum assay_status add_number(struct image_local *l, uint32_t path, uint32_t value)
{
    char text[16];
    const int len = snprintf(text, sizeof text, "%u", (unsigned)value);
    return reader_batch_add(&l->batch, path, ASSAY_FIELD_NUMBER,
                            assay_bytes_make(text, (size_t)len), NULL);
}

static enum assay_status add_record(struct image_local *l, const struct assay_chunk *chunk,
                                    struct assay_sink *sink)
{
    struct image_size size;
    enum assay_status st = reader_batch_reserve(&l->batch, 64);
    if (st == ASSAY_OK) {
        st = reader_batch_begin(&l->batch, chunk->first_ordinal, chunk->offset, chunk->data);
    }
    if (st == ASSAY_OK && !size_of(chunk->data, &size)) {
        const struct reader_place at = {chunk->file, chunk->first_ordinal, chunk->offset};
        sink->skip(sink->ctx, ASSAY_SKIP_MALFORMED, 1, chunk->data.len);
        return reader_report(&l->rules, RULE_MALFORMED, at, sink);
    }
    st = st == ASSAY_OK ? add_number(l, PATH_WIDTH, size.width) : st;
    return st == ASSAY_OK ? add_number(l, PATH_HEIGHT, size.height) : st;
}

static enum assay_status image_next(const void *self, void *local, const struct assay_chunk *chunk,
                                    int restart, struct assay_batch *ret, struct assay_sink *sink,
                                    struct assay_error *err)
{
    struct image_local *l = (struct image_local *)local;
    (void)self;
    if (!restart || chunk->data.len == 0) {
        return ASSAY_END;
    }
    reader_batch_clear(&l->batch);
    const enum assay_status st = add_record(l, chunk, sink);
    if (st != ASSAY_OK) {
        return assay_fail(err, st, "cannot hold an image");
    }
    reader_batch_fill(&l->batch, chunk->file, paths, N_PATHS, ret);
    return ASSAY_OK;
}

static void image_local_free(void *local)
{
    if (local != NULL) {
        reader_batch_release(&((struct image_local *)local)->batch);
        free(local);
    }
}

static void image_close(void *self)
{
    (void)self;
}

ASSAY_READER_PLUGIN(image) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_reader),
    .name = "image",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "JPEG and PNG files, one record each",
    .extensions = image_extensions,
    .rules = image_rules,
    .probe = image_probe,
    .open = image_open,
    .split = image_split,
    .local_init = image_local_init,
    .next = image_next,
    .local_free = image_local_free,
    .close = image_close,
};
