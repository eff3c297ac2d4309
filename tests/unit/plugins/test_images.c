/* SPDX-License-Identifier: Apache-2.0
 * Pictures: decoding, the perceptual hash and its turned views, the search for pairs against brute
 * force, and what the scanner says. */
#include "tests/unit/plugins/scanner_rig.h"

#include <jpeglib.h>
#include <png.h>

#include "core/limits.h"
#include "plugins/scanners/images/decode.h"
#include "plugins/scanners/images/local.h"
#include "plugins/scanners/images/near.h"
#include "plugins/scanners/images/pdq.h"

extern const struct assay_scanner assay_scanner_images;
static const struct assay_scanner *const sc = &assay_scanner_images;

/* ---- pictures ---- */

struct canvas {
    unsigned width, height;
    uint8_t *rgb;
};

static uint32_t next_random(uint32_t *r)
{
    *r = *r * 1664525u + 1013904223u;
    return *r >> 8;
}

/* Coloured rectangles, the same for one seed whatever the size. */
static struct canvas paint(unsigned width, unsigned height, uint32_t seed)
{
    struct canvas c = {width, height, malloc((size_t)width * height * 3)};
    assert_non_null(c.rgb);
    memset(c.rgb, 90, (size_t)width * height * 3);
    for (unsigned n = 0; n < 24; n++) {
        const unsigned x = next_random(&seed) % 90, y = next_random(&seed) % 90;
        const unsigned w = 8 + next_random(&seed) % 40, h = 8 + next_random(&seed) % 40;
        const uint32_t colour = next_random(&seed);
        for (unsigned row = y * height / 100; row < (y + h) * height / 100 && row < height; row++) {
            for (unsigned col = x * width / 100; col < (x + w) * width / 100 && col < width;
                 col++) {
                for (unsigned k = 0; k < 3; k++) {
                    c.rgb[(row * width + col) * 3 + k] = (uint8_t)(colour >> (8 * k));
                }
            }
        }
    }
    return c;
}

/* A quarter turn, clockwise. */
static struct canvas turn_right(const struct canvas *c)
{
    struct canvas t = {c->height, c->width, malloc((size_t)c->width * c->height * 3)};
    assert_non_null(t.rgb);
    for (unsigned row = 0; row < t.height; row++) {
        for (unsigned col = 0; col < t.width; col++) {
            memcpy(t.rgb + (row * t.width + col) * 3,
                   c->rgb + ((c->height - 1 - col) * c->width + row) * 3, 3);
        }
    }
    return t;
}

static struct canvas mirror(const struct canvas *c)
{
    struct canvas t = {c->width, c->height, malloc((size_t)c->width * c->height * 3)};
    assert_non_null(t.rgb);
    for (unsigned row = 0; row < t.height; row++) {
        for (unsigned col = 0; col < t.width; col++) {
            memcpy(t.rgb + (row * t.width + col) * 3,
                   c->rgb + (row * c->width + c->width - 1 - col) * 3, 3);
        }
    }
    return t;
}

static void write_to(png_structp png, png_bytep data, size_t len)
{
    assay_buf_add(png_get_io_ptr(png), data, len);
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

static void to_png(const struct canvas *c, int interlaced, struct assay_buf *out)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_bytepp rows = calloc(c->height, sizeof *rows);
    assay_buf_init(out, ASSAY_MIB(16));
    assert_non_null(rows);
    for (unsigned y = 0; y < c->height; y++) {
        rows[y] = c->rgb + (size_t)y * c->width * 3;
    }
    png_set_write_fn(png, out, write_to, flush_nothing);
    png_set_IHDR(png, info, c->width, c->height, 8, PNG_COLOR_TYPE_RGB,
                 interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_rows(png, info, rows);
    png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_destroy_write_struct(&png, &info);
    free(rows);
}

static void to_jpeg(const struct canvas *c, int quality, int progressive, struct assay_buf *out)
{
    struct jpeg_compress_struct j;
    struct jpeg_error_mgr errors;
    unsigned char *mem = NULL;
    unsigned long len = 0;
    j.err = jpeg_std_error(&errors);
    jpeg_create_compress(&j);
    jpeg_mem_dest(&j, &mem, &len);
    j.image_width = c->width;
    j.image_height = c->height;
    j.input_components = 3;
    j.in_color_space = JCS_RGB;
    jpeg_set_defaults(&j);
    jpeg_set_quality(&j, quality, TRUE);
    if (progressive) {
        jpeg_simple_progression(&j);
    }
    jpeg_start_compress(&j, TRUE);
    while (j.next_scanline < c->height) {
        JSAMPROW row = c->rgb + (size_t)j.next_scanline * c->width * 3;
        (void)jpeg_write_scanlines(&j, &row, 1);
    }
    jpeg_finish_compress(&j);
    jpeg_destroy_compress(&j);
    assay_buf_init(out, ASSAY_MIB(16));
    assay_buf_add(out, (const char *)mem, len);
    free(mem);
}

static struct assay_buf png_of(struct canvas c)
{
    struct assay_buf b;
    to_png(&c, 0, &b);
    free(c.rgb);
    return b;
}

static struct assay_buf jpeg_of(struct canvas c, int quality)
{
    struct assay_buf b;
    to_jpeg(&c, quality, 0, &b);
    free(c.rgb);
    return b;
}

static enum assay_status hash_of(struct assay_bytes file, struct pdq_hash ret[PDQ_VIEWS],
                                 unsigned *ret_quality)
{
    struct pdq_picture p = {.luma = malloc(PDQ_SIDE * PDQ_SIDE * sizeof(float)),
                            .work = malloc(PDQ_SIDE * PDQ_SIDE * sizeof(float))};
    const enum assay_status st = image_decode(file, &p);
    *ret_quality = st == ASSAY_OK ? pdq_hash_views(&p, ret) : 0;
    free(p.luma);
    free(p.work);
    return st;
}

/* Hashes `b` and releases it. */
static void hash_buf(struct assay_buf b, struct pdq_hash ret[PDQ_VIEWS])
{
    unsigned quality;
    assert_int_equal(hash_of(assay_buf_bytes(&b), ret, &quality), ASSAY_OK);
    assert_true(quality >= PDQ_MIN_QUALITY);
    assay_buf_release(&b);
}

/* ---- the hash ---- */

/* What the reference implementation makes of the same pixels (most significant word first). */
static void the_hash_is_that_of_the_reference(void **state)
{
    static const struct {
        unsigned width, height;
        uint32_t seed;
        const char *hex;
    } known[] = {
        {200, 300, 11, "54ae000fbb61a5d20027fee65ee61089b991bfd2e446e66607b243a9fb1db19e"},
        {64, 64, 12, "1cc7ba0ce3181843f7e70cce980ef60d23f509f39c46f72c08cee3fef7210c91"},
        {512, 100, 13, "0f05f2f2063cf9c3186d0f05a0f81e03e1fc0f3df2c318cd96daf3639f2c01fc"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct pdq_hash h[PDQ_VIEWS];
        char hex[65];
        hash_buf(png_of(paint(known[i].width, known[i].height, known[i].seed)), h);
        for (int w = 0; w < 4; w++) {
            (void)snprintf(hex + 16 * w, 17, "%016llx", (unsigned long long)h[0].w[3 - w]);
        }
        assert_string_equal(hex, known[i].hex);
    }
}

static void copies_are_near_and_others_far(void **state)
{
    struct pdq_hash a[PDQ_VIEWS], b[PDQ_VIEWS];
    (void)state;
    hash_buf(png_of(paint(640, 480, 1)), a);
    hash_buf(jpeg_of(paint(640, 480, 1), 30), b);
    assert_true(pdq_distance(&a[0], &b[0]) <= PDQ_MAX_BITS);
    hash_buf(png_of(paint(160, 120, 1)), b);
    assert_true(pdq_distance(&a[0], &b[0]) <= PDQ_MAX_BITS);
    hash_buf(jpeg_of(paint(1600, 1200, 1), 80), b);
    assert_true(pdq_distance(&a[0], &b[0]) <= PDQ_MAX_BITS);
    hash_buf(png_of(paint(640, 480, 2)), b);
    assert_true(pdq_distance(&a[0], &b[0]) > 80);
}

static void turned_pictures_match_their_view(void **state)
{
    struct pdq_hash a[PDQ_VIEWS], b[PDQ_VIEWS];
    struct canvas c = paint(300, 200, 3);
    (void)state;
    hash_buf(png_of(paint(300, 200, 3)), a);
    for (unsigned quarter = 0; quarter < 4; quarter++) {
        struct canvas m = mirror(&c);
        struct assay_buf png;
        static const enum pdq_view turned[] = {PDQ_AS_IS, PDQ_ROTATE_90, PDQ_ROTATE_180,
                                               PDQ_ROTATE_270};
        static const enum pdq_view mirrored[] = {PDQ_FLIP_LEFT_RIGHT, PDQ_TRANSPOSE,
                                                 PDQ_FLIP_UP_DOWN, PDQ_ANTITRANSPOSE};
        to_png(&c, 0, &png);
        hash_buf(png, b);
        assert_true(pdq_distance(&a[turned[quarter]], &b[0]) <= PDQ_MAX_BITS);
        hash_buf(png_of(m), b);
        assert_true(pdq_distance(&a[mirrored[quarter]], &b[0]) <= PDQ_MAX_BITS);
        m = turn_right(&c);
        free(c.rgb);
        c = m;
    }
    free(c.rgb);
}

static void flat_and_tiny_pictures_have_no_quality(void **state)
{
    struct pdq_hash h[PDQ_VIEWS];
    struct canvas c = paint(100, 100, 1);
    struct assay_buf b;
    unsigned quality;
    (void)state;
    memset(c.rgb, 77, (size_t)100 * 100 * 3);
    b = png_of(c);
    assert_int_equal(hash_of(assay_buf_bytes(&b), h, &quality), ASSAY_OK);
    assert_int_equal(quality, 0);
    assay_buf_release(&b);
    b = png_of(paint(4, 300, 1));
    assert_int_equal(hash_of(assay_buf_bytes(&b), h, &quality), ASSAY_OK);
    assert_int_equal(quality, 0);
    assay_buf_release(&b);
}

/* ---- decoding ---- */

static void codings_of_one_picture_agree(void **state)
{
    struct pdq_hash a[PDQ_VIEWS], b[PDQ_VIEWS];
    struct canvas c = paint(700, 90, 4);
    struct assay_buf file;
    (void)state;
    to_png(&c, 0, &file);
    hash_buf(file, a);
    to_png(&c, 1, &file);
    hash_buf(file, b);
    assert_int_equal(pdq_distance(&a[0], &b[0]), 0);
    to_jpeg(&c, 95, 0, &file);
    hash_buf(file, a);
    to_jpeg(&c, 95, 1, &file);
    hash_buf(file, b);
    assert_int_equal(pdq_distance(&a[0], &b[0]), 0);
    free(c.rgb);
}

static void damage_is_a_status(void **state)
{
    struct pdq_hash h[PDQ_VIEWS];
    unsigned quality;
    struct assay_buf files[] = {png_of(paint(200, 200, 5)), jpeg_of(paint(200, 200, 5), 80)};
    (void)state;
    for (int i = 0; i < 2; i++) {
        for (size_t len = 9; len + 20 < files[i].len; len += 37) {
            assert_int_equal(hash_of(assay_bytes_make(files[i].ptr, len), h, &quality),
                             ASSAY_CORRUPT);
        }
    }
    memset(files[0].ptr + 16, 0xff, 8); /* the size in IHDR, whose checksum is then wrong too */
    assert_int_not_equal(hash_of(assay_buf_bytes(&files[0]), h, &quality), ASSAY_OK);
    assert_int_equal(hash_of(assay_bytes_str("GIF89a"), h, &quality), ASSAY_UNSUPPORTED);
    assay_buf_release(&files[0]);
    assay_buf_release(&files[1]);
}

static void large_pictures_meet_a_bound(void **state)
{
    struct pdq_hash h[PDQ_VIEWS];
    unsigned quality;
    struct assay_buf b = jpeg_of(paint(64, 64, 6), 80);
    (void)state;
    for (size_t i = 0; i + 9 < b.len; i++) { /* the frame header says 65,499 by 65,499 now */
        if ((uint8_t)b.ptr[i] == 0xff && (uint8_t)b.ptr[i + 1] == 0xc0) {
            memcpy(b.ptr + i + 5, "\xff\xdb\xff\xdb", 4);
            break;
        }
    }
    assert_int_equal(hash_of(assay_buf_bytes(&b), h, &quality), ASSAY_LIMIT);
    assay_buf_release(&b);
}

/* ---- pairs ---- */

static struct pdq_hash random_hash(uint32_t *r)
{
    struct pdq_hash h;
    for (int i = 0; i < 4; i++) {
        h.w[i] = (uint64_t)next_random(r) << 40 ^ (uint64_t)next_random(r) << 20 ^ next_random(r);
    }
    return h;
}

static void flip_bits(struct pdq_hash *h, unsigned n, uint32_t *r)
{
    while (n-- > 0) {
        const unsigned bit = next_random(r) % 256;
        h->w[bit / 64] ^= UINT64_C(1) << (bit % 64);
    }
}

#define MANY 600u

/* Random hashes, a third of them close to an earlier one. */
static struct image_entry *random_entries(void)
{
    uint32_t r = 99;
    struct image_entry *e = calloc(MANY, sizeof *e);
    assert_non_null(e);
    for (uint32_t i = 0; i < MANY; i++) {
        e[i].file = i;
        e[i].content = i;
        for (unsigned v = 0; v < PDQ_VIEWS; v++) {
            e[i].views[v] = random_hash(&r);
        }
        if (i > 0 && next_random(&r) % 3 == 0) {
            const uint32_t other = next_random(&r) % i;
            e[i].views[PDQ_AS_IS] = e[other].views[next_random(&r) % PDQ_VIEWS];
            flip_bits(&e[i].views[PDQ_AS_IS], next_random(&r) % 40, &r);
        }
    }
    return e;
}

static uint32_t root_of(const uint32_t *root, uint32_t i)
{
    while (root[i] != i) {
        i = root[i];
    }
    return i;
}

static void search_equals_brute_force(void **state)
{
    struct fake fake = {0};
    const struct assay_host host = fake_host(&fake);
    struct image_entry *e = random_entries();
    struct image_groups g;
    uint32_t root[MANY];
    size_t turned = 0;
    (void)state;
    assert_int_equal(image_groups_find(e, MANY, &host, &g), ASSAY_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        root[i] = i;
    }
    for (uint32_t a = 0; a < MANY; a++) {
        for (uint32_t b = a + 1; b < MANY; b++) {
            if (pdq_distance(&e[a].views[0], &e[b].views[0]) <= PDQ_MAX_BITS) {
                const uint32_t x = root_of(root, a), y = root_of(root, b);
                root[x < y ? y : x] = x < y ? x : y;
            }
            for (unsigned v = 1; v < PDQ_VIEWS; v++) {
                turned += pdq_distance(&e[a].views[v], &e[b].views[0]) <= PDQ_MAX_BITS;
            }
        }
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(g.root[i], root_of(root, i));
    }
    assert_true(turned > 50 && g.n_turned > 50 && g.n_turned <= turned);
    image_groups_release(&g);
    free(e);
}

static void a_cancelled_search_ends(void **state)
{
    struct fake fake = {.cancelled = 1};
    const struct assay_host host = fake_host(&fake);
    struct image_entry *e = random_entries();
    struct image_groups g;
    (void)state;
    assert_int_equal(image_groups_find(e, MANY, &host, &g), ASSAY_CANCELLED);
    image_groups_release(&g);
    free(e);
}

/* ---- the scanner ---- */

static const char *const file_names[] = {"img/a.png",      "img/b.jpg", "list.jsonl",
                                         "img/list.jsonl", "img/c.png", "img/flat.png"};
#define N_FILES (sizeof file_names / sizeof file_names[0])

static uint32_t find_name(void *ctx, const char *name, size_t len)
{
    (void)ctx;
    for (uint32_t i = 0; i < N_FILES; i++) {
        if (strlen(file_names[i]) == len && memcmp(file_names[i], name, len) == 0) {
            return i;
        }
    }
    return ASSAY_NONE;
}

/* A scanner, and the files it sees. */
struct gallery {
    struct rig rig;
    struct assay_buf files[N_FILES];
};

static void gallery_open(struct gallery *g, uint64_t budget, unsigned parts)
{
    *g = (struct gallery){.files = {{0}}};
    g->files[0] = png_of(paint(300, 200, 7));
    g->files[1] = jpeg_of(paint(900, 600, 7), 70);
    struct canvas c = paint(300, 200, 7);
    g->files[4] = png_of(mirror(&c));
    memset(c.rgb, 3, (size_t)300 * 200 * 3);
    g->files[5] = png_of(c);
    rig_init(&g->rig, sc, budget);
    g->rig.fake.files = file_names;
    g->rig.fake.n_files = N_FILES;
    g->rig.host.find_file = find_name;
    rig_start(&g->rig, parts);
}

static void gallery_close(struct gallery *g)
{
    rig_free(&g->rig);
    for (size_t i = 0; i < N_FILES; i++) {
        assay_buf_release(&g->files[i]);
    }
}

static void scan_bytes(struct gallery *g, unsigned part, uint32_t file, struct assay_bytes raw)
{
    rig_scan(&g->rig, part, &(struct rig_record){.file = file, .raw = raw});
}

static void scan_image(struct gallery *g, unsigned part, uint32_t file)
{
    scan_bytes(g, part, file, assay_buf_bytes(&g->files[file]));
}

static void scan_text(struct gallery *g, unsigned part, uint32_t file, uint64_t ordinal,
                      const char *value)
{
    rig_scan(&g->rig, part,
             &(struct rig_record){
                 .file = file, .ordinal = ordinal, .values = {value}, .paths = {"/image"}});
}

static void scan_some(struct gallery *g, unsigned part, int odd)
{
    for (uint32_t file = 0; file < N_FILES; file++) {
        if (g->files[file].len > 0 && (int)(file & 1) == odd) {
            scan_image(g, part, file);
        }
    }
    if (odd) {
        scan_text(g, part, 2, 5, "img/a.png");
        scan_text(g, part, 2, 6, "./img/b.jpg");
        scan_text(g, part, 3, 0, "b.jpg");
        scan_text(g, part, 3, 1, "nowhere.png");
        scan_text(g, part, 3, 2, "https://example.org/b.jpg"); /* none of these is a path */
        scan_text(g, part, 3, 3, "../img/b.jpg");
        scan_text(g, part, 3, 4, ".png");
    }
}

/* The distances depend on the encoders; what matters is who is in which group. */
static char *without_details(char *text)
{
    char *out = text;
    for (const char *p = text; *p != '\0'; p++) {
        const char *end = strncmp(p, " | ", 3) == 0 ? strchr(p, '\n') : NULL;
        p = end == NULL ? p : end;
        *out++ = *p;
    }
    *out = '\0';
    return text;
}

static void groups_name_files_and_records(void **state)
{
    struct gallery g;
    (void)state;
    gallery_open(&g, 1 << 20, 1);
    scan_some(&g, 0, 0);
    scan_some(&g, 0, 1);
    char *said = rig_finish(&g.rig);
    assert_non_null(strstr(said, "mirrored"));
    assert_string_equal(without_details(said),
                        "images.near 0 1 2:5 2:6 3:0\n"
                        "images.turned 0 2:5 4\n"
                        "~images.count 4/1\n~images.flat 1/1\n~images.near_ratio 1/4\n"
                        "~images.references 3/1\n~images.references_unresolved 1/1\n"
                        "~images.undecodable 0/1\n");
    free(said);
    gallery_close(&g);
}

/* Whoever takes pictures: writes down what is handed over, and answers. */
static struct {
    uint32_t aside; /* groups of this rule are accepted */
    const char *said;
} answer;

static enum assay_status on_hand(void *ctx, const struct assay_group *g, struct assay_reply *reply)
{
    struct assay_buf line;
    assay_buf_init(&line, 4096);
    assert_string_equal(g->topic, "pictures");
    assert_int_equal(g->members_total, g->n_members);
    assay_buf_addf(&line, "=%s", g->rule == ASSAY_NONE ? "plain" : sc->rules[g->rule].id);
    for (uint32_t i = 0; i < g->n_members; i++) {
        assay_buf_addf(&line, " %u", g->members[i].file);
        if (g->members[i].record != ASSAY_NO_RECORD) {
            assay_buf_addf(&line, ":%llu", (unsigned long long)g->members[i].record);
        }
    }
    record_line(ctx, &line);
    *reply = (struct assay_reply){.size = sizeof *reply, .set_aside = g->rule == answer.aside};
    (void)snprintf(reply->said, sizeof reply->said, "%s", answer.said);
    return ASSAY_OK;
}

/* What the gallery says to a taker that sets `aside` aside. The caller frees. */
static char *say_to_taker(uint32_t aside, const char *said)
{
    struct gallery g;
    gallery_open(&g, 1 << 20, 1);
    answer.aside = aside;
    answer.said = said;
    g.rig.sink.hand = on_hand;
    scan_some(&g, 0, 0);
    scan_some(&g, 0, 1);
    scan_text(&g, 0, 2, 7, "img/flat.png");
    scan_text(&g, 0, 2, 7, "./img/flat.png");
    char *all = rig_finish(&g.rig);
    gallery_close(&g);
    return all;
}

static void groups_are_handed_over_whole(void **state)
{
    (void)state;
    char *said = say_to_taker(0xfffffff0, "; splits: 2 train");
    assert_non_null(strstr(said, "=images.near 0 1 2:5 2:6 3:0\n"));
    assert_non_null(strstr(said, "=images.near 4\n")); /* alone */
    assert_non_null(strstr(said, "=images.turned 0 1 2:5 2:6 3:0 4\n"));
    assert_non_null(strstr(said, "=plain 2:7 5\n")); /* named twice by one record */
    const char *near = strstr(said, "from the first, median ");
    assert_non_null(near);
    assert_memory_equal(near + strcspn(near, ";\n"), "; splits: 2 train\n", 18);
    assert_non_null(strstr(said, "of 256 bits apart; splits: 2 train\n"));
    free(said);
}

static void accepted_groups_are_not_spoken_of(void **state)
{
    (void)state;
    char *said = say_to_taker(0, ""); /* images.near */
    assert_null(strstr(said, "\nimages.near "));
    assert_non_null(strstr(said, "~images.near_ratio 0/4\n"));
    assert_non_null(strstr(said, "=images.turned 0 4\n"));
    assert_non_null(strstr(said, "\nimages.turned 0 2:5 4 | "));
    free(said);
    said = say_to_taker(1, ""); /* images.turned */
    assert_non_null(strstr(said, "\nimages.near "));
    assert_null(strstr(said, "\nimages.turned "));
    free(said);
}

static void put_word(struct assay_buf *b, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) {
        assay_buf_addc(b, (char)(v >> (8 * i)));
    }
}

/* A picture of a saved state: its hash, as seen in every way, has `bits` bits less than the first. */
static void put_picture(struct assay_buf *b, uint32_t file, unsigned bits)
{
    for (unsigned v = 0; v < PDQ_VIEWS; v++) {
        for (unsigned i = 0; i < 4; i++) {
            put_word(b, v == PDQ_AS_IS ? (i == 0 ? UINT64_MAX << bits : UINT64_MAX) : 0);
        }
    }
    put_word(b, 100 + file);
    put_word(b, (uint64_t)file << 32 | 100);
}

static void a_finding_says_how_far_from_the_first(void **state)
{
    static const unsigned bits[] = {0, 20, 4, 10, 12};
    struct gallery g;
    struct assay_error err;
    struct assay_buf saved;
    (void)state;
    for (unsigned n = 2; n <= 5; n++) {
        static const char *const want[] = {
            "2 pictures, 20 to 20 of 256 bits from the first, median 20\n",
            "3 pictures, 4 to 20 of 256 bits from the first, median 20\n",
            "4 pictures, 4 to 20 of 256 bits from the first, median 10\n",
            "5 pictures, 4 to 20 of 256 bits from the first, median 12\n"};
        gallery_open(&g, 1 << 20, 1);
        assay_buf_init(&saved, 1 << 20);
        put_word(&saved, UINT64_C(0x32474d4959415341));
        for (unsigned i = 0; i < IMAGE_COUNTS + 3; i++) {
            put_word(&saved, i == IMAGE_COUNTS || i == 0 ? n : 0);
        }
        for (unsigned i = 0; i < n; i++) {
            put_picture(&saved, i, bits[i]);
        }
        assert_int_equal(sc->load(g.rig.shared, g.rig.locals[0], assay_buf_bytes(&saved), &err),
                         ASSAY_OK);
        char *said = rig_finish(&g.rig);
        assert_non_null(strstr(said, want[n - 2]));
        free(said);
        assay_buf_release(&saved);
        gallery_close(&g);
    }
}

/* Two workers, in another order, through save and load, say what one says. */
static void merging_and_saving_change_nothing(void **state)
{
    struct gallery one, two;
    struct assay_buf saved;
    struct assay_error err;
    (void)state;
    gallery_open(&one, 1 << 20, 1);
    scan_some(&one, 0, 0);
    scan_some(&one, 0, 1);
    char *want = rig_finish(&one.rig);
    for (int way = 0; way < 6; way++) {
        gallery_open(&two, 1 << 20, 2);
        scan_some(&two, 0, 1);
        scan_some(&two, 1, 0);
        rig_merge(&two.rig, &(struct rig_how){.reload = way / 2, .backwards = way & 1});
        char *got = rig_finish(&two.rig);
        assert_string_equal(got, want);
        free(got);
        gallery_close(&two);
    }
    free(want);
    assay_buf_init(&saved, ASSAY_MIB(1));
    gallery_open(&two, 1 << 20, 1);
    scan_some(&two, 0, 0);
    assert_int_equal(sc->save(two.rig.shared, two.rig.merged, rig_put, &saved), ASSAY_OK);
    for (size_t len = 0; len < saved.len; len += 11) {
        void *fresh;
        assert_int_equal(sc->local_init(two.rig.shared, &fresh, NULL), ASSAY_OK);
        assert_int_equal(sc->load(two.rig.shared, fresh, assay_bytes_make(saved.ptr, len), &err),
                         ASSAY_CORRUPT);
        sc->local_free(fresh);
    }
    assay_buf_release(&saved);
    gallery_close(&two);
    gallery_close(&one);
}

static void damaged_pictures_are_found_and_skipped(void **state)
{
    struct gallery g;
    (void)state;
    gallery_open(&g, 1 << 20, 1);
    scan_bytes(&g, 0, 0, assay_bytes_make(g.files[0].ptr, g.files[0].len / 2));
    assert_int_equal(g.rig.rec.skips, 1);
    char *said = rig_finish(&g.rig);
    assert_non_null(strstr(said, "images.undecodable file 0 | damaged or cut off\n"));
    assert_non_null(strstr(said, "~images.undecodable 1/1\n"));
    free(said);
    gallery_close(&g);
}

static void what_does_not_fit_is_a_skip(void **state)
{
    struct gallery g;
    (void)state;
    gallery_open(&g, 500, 1);
    scan_image(&g, 0, 0);
    assert_int_equal(g.rig.rec.skips, 0);
    scan_image(&g, 0, 1);
    assert_int_equal(g.rig.rec.skips, 1);
    char *said = rig_finish(&g.rig);
    assert_null(strstr(said, "images.near "));
    free(said);
    gallery_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_that_of_the_reference),
        cmocka_unit_test(copies_are_near_and_others_far),
        cmocka_unit_test(turned_pictures_match_their_view),
        cmocka_unit_test(flat_and_tiny_pictures_have_no_quality),
        cmocka_unit_test(codings_of_one_picture_agree),
        cmocka_unit_test(damage_is_a_status),
        cmocka_unit_test(large_pictures_meet_a_bound),
        cmocka_unit_test(search_equals_brute_force),
        cmocka_unit_test(a_cancelled_search_ends),
        cmocka_unit_test(groups_name_files_and_records),
        cmocka_unit_test(groups_are_handed_over_whole),
        cmocka_unit_test(accepted_groups_are_not_spoken_of),
        cmocka_unit_test(a_finding_says_how_far_from_the_first),
        cmocka_unit_test(merging_and_saving_change_nothing),
        cmocka_unit_test(damaged_pictures_are_found_and_skipped),
        cmocka_unit_test(what_does_not_fit_is_a_skip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
