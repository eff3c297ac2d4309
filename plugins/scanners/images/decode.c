/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <setjmp.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <png.h>

#include <jerror.h>

/* ---- sampling ------------------------------------------------------------------------------ */

/* From lines of decoded pixels to the picture. */
struct sampler {
    struct pdq_picture *to;
    unsigned width, height; /* of the image */
    unsigned channels;      /* 1: grey, 2: grey and alpha, 3: RGB, 4: RGB and alpha */
    unsigned next;          /* row of the picture to fill */
};

static enum assay_status sampler_start(struct sampler *s, uint64_t width, uint64_t height)
{
    if (width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX || width * height > IMAGE_PIXELS_MAX) {
        return ASSAY_LIMIT;
    }
    const int large = width > PDQ_SIDE || height > PDQ_SIDE;
    s->width = (unsigned)width;
    s->height = (unsigned)height;
    s->next = 0;
    s->to->cols = large ? PDQ_SIDE : s->width;
    s->to->rows = large ? PDQ_SIDE : s->height;
    return width == 0 || height == 0 ? ASSAY_CORRUPT : ASSAY_OK;
}

static float luma_of(const uint8_t *pixel, unsigned channels)
{
    if (channels < 3) {
        return (float)pixel[0];
    }
    return 0.299F * (float)pixel[0] + 0.587F * (float)pixel[1] + 0.114F * (float)pixel[2];
}

/* Takes line `y`; lines come in order. */
static void sampler_line(struct sampler *s, unsigned y, const uint8_t *line)
{
    struct pdq_picture *p = s->to;
    for (; s->next < p->rows && (uint64_t)s->next * s->height / p->rows == y; s->next++) {
        float *out = p->luma + (size_t)s->next * p->cols;
        for (unsigned j = 0; j < p->cols; j++) {
            const size_t x = (size_t)((uint64_t)j * s->width / p->cols);
            out[j] = luma_of(line + x * s->channels, s->channels);
        }
    }
}

/* ---- JPEG ---------------------------------------------------------------------------------- */

struct jpeg_job {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    enum assay_status status;
    uint8_t *line;
    struct sampler sampler;
};

static void jpeg_failed(j_common_ptr cinfo)
{
    struct jpeg_job *job = cinfo->client_data;
    const int code = cinfo->err->msg_code;
    job->status = code == JERR_OUT_OF_MEMORY || code == JERR_NO_BACKING_STORE ? ASSAY_LIMIT
                  : code == JERR_SOF_UNSUPPORTED || code == JERR_CONVERSION_NOTIMPL
                      ? ASSAY_UNSUPPORTED
                      : ASSAY_CORRUPT;
    longjmp(job->failed, 1);
}

/* Warnings are corrupt data too: what follows is invented. */
static void jpeg_says(j_common_ptr cinfo, int level)
{
    struct jpeg_job *job = cinfo->client_data;
    if (level < 0) {
        job->status = ASSAY_CORRUPT;
    }
}

static void jpeg_is_silent(j_common_ptr cinfo)
{
    (void)cinfo;
}

/* CMYK as Adobe writes it, inverted; in place. */
static void cmyk_to_rgb(uint8_t *line, unsigned width)
{
    uint8_t *out = line;
    for (unsigned x = 0; x < width; x++, line += 4, out += 3) {
        const unsigned k = line[3];
        for (int c = 0; c < 3; c++) {
            out[c] = (uint8_t)(line[c] * k / 255);
        }
    }
}

static void jpeg_lines(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *c = &job->cinfo;
    const int cmyk = c->out_color_space == JCS_CMYK;
    JSAMPROW rows[1] = {job->line};
    job->sampler.channels = cmyk ? 3 : (unsigned)c->output_components;
    while (c->output_scanline < c->output_height && job->status == ASSAY_OK) {
        const unsigned y = c->output_scanline;
        if (jpeg_read_scanlines(c, rows, 1) == 1) {
            if (cmyk) {
                cmyk_to_rgb(job->line, job->sampler.width);
            }
            sampler_line(&job->sampler, y, job->line);
        }
    }
}

static void jpeg_work(struct jpeg_job *job, struct assay_bytes file)
{
    struct jpeg_decompress_struct *c = &job->cinfo;
    c->mem->max_memory_to_use = (long)IMAGE_MEMORY;
    jpeg_mem_src(c, (const unsigned char *)file.ptr, (unsigned long)file.len);
    (void)jpeg_read_header(c, TRUE);
    job->status = sampler_start(&job->sampler, c->image_width, c->image_height);
    if (job->status != ASSAY_OK) {
        return;
    }
    const int four = c->jpeg_color_space == JCS_CMYK || c->jpeg_color_space == JCS_YCCK;
    c->out_color_space = c->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE
                         : four                               ? JCS_CMYK
                                                              : JCS_RGB;
    c->dct_method = JDCT_ISLOW;
    job->line = malloc((size_t)job->sampler.width * 4);
    if (job->line == NULL) {
        job->status = ASSAY_NOMEM;
        return;
    }
    (void)jpeg_start_decompress(c);
    jpeg_lines(job);
    if (job->status == ASSAY_OK) {
        (void)jpeg_finish_decompress(c);
    }
}

static enum assay_status decode_jpeg(struct assay_bytes file, struct pdq_picture *ret)
{
    struct jpeg_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return ASSAY_NOMEM;
    }
    job->sampler.to = ret;
    job->cinfo.client_data = job;
    job->cinfo.err = jpeg_std_error(&job->errors);
    job->errors.error_exit = jpeg_failed;
    job->errors.emit_message = jpeg_says;
    job->errors.output_message = jpeg_is_silent;
    if (setjmp(job->failed) == 0) {
        jpeg_create_decompress(&job->cinfo);
        jpeg_work(job, file);
    }
    jpeg_destroy_decompress(&job->cinfo);
    const enum assay_status status = job->status;
    free(job->line);
    free(job);
    return status;
}

/* ---- PNG ----------------------------------------------------------------------------------- */

struct png_job {
    png_structp png;
    png_infop info;
    struct assay_bytes left;
    enum assay_status status;
    uint8_t *pixels; /* one line; all of them where the image is interlaced */
    png_bytepp rows;
    struct sampler sampler;
};

static void png_failed(png_structp png, png_const_charp message)
{
    struct png_job *job = png_get_error_ptr(png);
    (void)message;
    job->status = job->status == ASSAY_OK ? ASSAY_CORRUPT : job->status;
    png_longjmp(png, 1);
}

static void png_is_silent(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void png_give(png_structp png, png_bytep out, size_t len)
{
    struct png_job *job = png_get_io_ptr(png);
    if (len > job->left.len) {
        png_error(png, "");
    }
    memcpy(out, job->left.ptr, len);
    job->left.ptr += len;
    job->left.len -= len;
}

/* Eight bits a channel, no palette. */
static void png_shape(struct png_job *job)
{
    png_set_expand(job->png);
    png_set_strip_16(job->png);
    png_set_strip_alpha(job->png);
    png_read_update_info(job->png, job->info);
    job->sampler.channels = png_get_channels(job->png, job->info);
}

/* Room for `lines` lines; 0 when it was refused. */
static int png_room(struct png_job *job, unsigned lines)
{
    const size_t line = png_get_rowbytes(job->png, job->info);
    if (line == 0 || lines > IMAGE_MEMORY / line) {
        job->status = ASSAY_LIMIT;
        return 0;
    }
    job->pixels = malloc(line * lines);
    job->rows = calloc(lines, sizeof *job->rows);
    if (job->pixels == NULL || job->rows == NULL) {
        job->status = ASSAY_NOMEM;
        return 0;
    }
    for (unsigned y = 0; y < lines; y++) {
        job->rows[y] = job->pixels + y * line;
    }
    return 1;
}

static void png_work(struct png_job *job)
{
    png_read_info(job->png, job->info);
    job->status = sampler_start(&job->sampler, png_get_image_width(job->png, job->info),
                                png_get_image_height(job->png, job->info));
    if (job->status != ASSAY_OK) {
        return;
    }
    const int interlaced = png_get_interlace_type(job->png, job->info) != PNG_INTERLACE_NONE;
    (void)png_set_interlace_handling(job->png);
    png_shape(job);
    if (!png_room(job, interlaced ? job->sampler.height : 1)) {
        return;
    }
    if (interlaced) {
        png_read_image(job->png, job->rows);
    }
    for (unsigned y = 0; y < job->sampler.height; y++) {
        if (!interlaced) {
            png_read_row(job->png, job->pixels, NULL);
        }
        sampler_line(&job->sampler, y, job->rows[interlaced ? y : 0]);
    }
    png_read_end(job->png, NULL);
}

/* A function of its own: nothing of it changes between setjmp and longjmp. */
static void png_guarded(struct png_job *job)
{
    if (setjmp(png_jmpbuf(job->png)) == 0) {
        png_set_user_limits(job->png, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
        png_set_chunk_cache_max(job->png, 1000);
        png_set_chunk_malloc_max(job->png, (png_alloc_size_t)8 << 20);
        png_set_read_fn(job->png, job, png_give);
        png_work(job);
    }
}

static enum assay_status decode_png(struct assay_bytes file, struct pdq_picture *ret)
{
    struct png_job job = {.left = file};
    job.sampler.to = ret;
    job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, png_failed, png_is_silent);
    job.info = job.png == NULL ? NULL : png_create_info_struct(job.png);
    job.status = job.info == NULL ? ASSAY_NOMEM : ASSAY_OK;
    if (job.status == ASSAY_OK) {
        png_guarded(&job);
    }
    png_destroy_read_struct(job.png == NULL ? NULL : &job.png, &job.info, NULL);
    free(job.pixels);
    free(job.rows);
    return job.status;
}

/* ---- the door ------------------------------------------------------------------------------ */

enum image_kind image_kind_of(struct assay_bytes file)
{
    if (file.len >= 8 && memcmp(file.ptr, "\x89PNG\r\n\x1a\n", 8) == 0) {
        return IMAGE_PNG;
    }
    return file.len >= 3 && memcmp(file.ptr, "\xff\xd8\xff", 3) == 0 ? IMAGE_JPEG : IMAGE_NONE;
}

enum assay_status image_decode(struct assay_bytes file, struct pdq_picture *ret)
{
    switch (image_kind_of(file)) {
    case IMAGE_JPEG:
        return decode_jpeg(file, ret);
    case IMAGE_PNG:
        return decode_png(file, ret);
    default:
        return ASSAY_UNSUPPORTED;
    }
}
