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
 * Memory: 272 bytes a picture and 16 a reference, and 64 more a picture at the end, within
 * host->memory_budget; what does not fit is a skip.
 * State: entries and references in any order; finishing sorts them, so merging may append.
 */
#include "assay/plugin.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "../common/state.h"
#include "decode.h"
#include "near.h"

enum { RULE_NEAR, RULE_TURNED, RULE_UNDECODABLE, N_RULES };
enum { COUNT_IMAGES, COUNT_FLAT, COUNT_UNDECODABLE, COUNT_REFERENCES, COUNT_LOST, N_COUNTS };

#define STATE_MAGIC   UINT64_C(0x31474d4959415341) /* "ASAYIMG1" */
#define MEMBERS_MAX   1000                         /* listed in one finding */
#define REFERENCE_MAX 1024                         /* bytes of a path in a record */
#define REFERENCE_MIN 5                            /* "a.png" */
#define BYTES_A_IMAGE (sizeof(struct image_entry) + 64)
#define SEED_CONTENT  UINT64_C(3)

static const struct assay_rule_decl images_rules[] = {
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

/* A record that names a picture. */
struct reference {
    uint32_t image; /* file */
    uint32_t file;
    uint64_t record;
};

struct images_shared {
    const struct assay_host *host;
    uint32_t rule[N_RULES];
    atomic_uint_fast64_t *bytes; /* held by all workers together */
    uint64_t budget;
};

struct images_local {
    const struct images_shared *shared;
    struct image_entry *entries;
    size_t n, cap;
    struct reference *references;
    size_t n_references, cap_references;
    uint64_t counts[N_COUNTS];
    struct pdq_picture picture; /* buffers made with the first picture */
};

/* ---- set-up -------------------------------------------------------------------------------- */

static enum assay_status images_init(const struct assay_host *host, void **ret,
                                     struct assay_error *err)
{
    struct images_shared *s = calloc(1, sizeof *s);
    atomic_uint_fast64_t *bytes = malloc(sizeof *bytes);
    *ret = NULL;
    if (s == NULL || bytes == NULL) {
        free(s);
        free(bytes);
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'images'");
    }
    atomic_init(bytes, 0);
    s->host = host;
    s->bytes = bytes;
    s->budget = host->memory_budget(host->ctx);
    for (unsigned i = 0; i < N_RULES; i++) {
        s->rule[i] = host->rule_index(host->ctx, images_rules[i].id);
    }
    *ret = s;
    return ASSAY_OK;
}

static void images_free(void *shared)
{
    struct images_shared *s = shared;
    if (s != NULL) {
        free(s->bytes);
        free(s);
    }
}

static enum assay_status images_local_init(const void *shared, void **ret, struct assay_error *err)
{
    struct images_local *l = calloc(1, sizeof *l);
    *ret = l;
    if (l == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'images'");
    }
    l->shared = shared;
    return ASSAY_OK;
}

static void images_local_free(void *local)
{
    struct images_local *l = local;
    if (l != NULL) {
        free(l->entries);
        free(l->references);
        free(l->picture.luma);
        free(l->picture.work);
        free(l);
    }
}

/* One more item of `size` in a growing array, within the budget that all workers share. NULL: no
 * room. */
static void *push(const struct images_shared *s, void **array, size_t *n, size_t *cap, size_t size,
                  size_t cost)
{
    if (atomic_fetch_add(s->bytes, cost) + cost > s->budget) {
        (void)atomic_fetch_sub(s->bytes, cost);
        return NULL;
    }
    if (*n == *cap) {
        const size_t more = *cap == 0 ? 256 : 2 * *cap;
        void *p = realloc(*array, more * size);
        if (p == NULL) {
            return NULL;
        }
        *array = p;
        *cap = more;
    }
    return (char *)*array + (*n)++ * size;
}

/* ---- pictures ------------------------------------------------------------------------------ */

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
    const uint32_t rule = l->shared->rule[RULE_UNDECODABLE];
    l->counts[COUNT_UNDECODABLE]++;
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

static enum assay_status take_picture(struct images_local *l, uint32_t file,
                                      struct assay_bytes bytes, struct assay_sink *sink)
{
    const struct images_shared *s = l->shared;
    struct image_entry e = {.file = file};
    uint64_t hash[2];
    enum assay_status st = make_buffers(l);
    st = st == ASSAY_OK ? image_decode(bytes, &l->picture) : st;
    if (st == ASSAY_NOMEM) {
        return st;
    }
    l->counts[COUNT_IMAGES]++;
    if (st != ASSAY_OK) {
        return say_undecodable(l, file, bytes.len, st, sink);
    }
    e.quality = pdq_hash_views(&l->picture, e.views);
    if (e.quality < PDQ_MIN_QUALITY) {
        l->counts[COUNT_FLAT]++;
        return ASSAY_OK;
    }
    s->host->hash128(s->host->ctx, bytes.ptr, bytes.len, SEED_CONTENT, hash);
    e.content = hash[0];
    void *array = l->entries;
    struct image_entry *slot = push(s, &array, &l->n, &l->cap, sizeof e, BYTES_A_IMAGE);
    l->entries = array;
    if (slot == NULL) {
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 1, bytes.len);
        return ASSAY_OK;
    }
    *slot = e;
    return ASSAY_OK;
}

/* ---- references ---------------------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static int ends_with(struct assay_bytes v, const char *ending, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower(v.ptr[v.len - len + i]) != ending[i]) {
            return 0;
        }
    }
    return 1;
}

/* A relative path that stays within the dataset, and no address. */
static int names_picture(struct assay_bytes v)
{
    if (v.len < REFERENCE_MIN || v.len > REFERENCE_MAX || v.ptr[0] == '/' ||
        (v.ptr[v.len - 4] != '.' && v.ptr[v.len - 5] != '.')) {
        return 0;
    }
    if (!ends_with(v, ".jpg", 4) && !ends_with(v, ".png", 4) && !ends_with(v, ".jpeg", 5)) {
        return 0;
    }
    for (size_t i = 0; i < v.len; i++) {
        const int up = v.ptr[i] == '.' && i + 1 < v.len && v.ptr[i + 1] == '.';
        if ((unsigned char)v.ptr[i] < 0x20 || v.ptr[i] == ':' || v.ptr[i] == '\\' || up) {
            return 0;
        }
    }
    return 1;
}

/* The file that `v`, a field of a record in `file`, names: from the top, or beside `file`. */
static uint32_t resolve(const struct assay_host *host, uint32_t file, struct assay_bytes v)
{
    char path[4096];
    if (v.len > 2 && v.ptr[0] == '.' && v.ptr[1] == '/') {
        v = assay_bytes_make(v.ptr + 2, v.len - 2);
    }
    const uint32_t found = host->find_file(host->ctx, v.ptr, v.len);
    const char *name = found == ASSAY_NONE ? host->file_name(host->ctx, file) : NULL;
    const char *slash = name == NULL ? NULL : strrchr(name, '/');
    if (slash == NULL || (size_t)(slash - name) + 1 + v.len > sizeof path) {
        return found;
    }
    const size_t dir = (size_t)(slash - name) + 1;
    memcpy(path, name, dir);
    memcpy(path + dir, v.ptr, v.len);
    return host->find_file(host->ctx, path, dir + v.len);
}

static void take_reference(struct images_local *l, const struct assay_batch *b,
                           const struct assay_field *f, struct assay_sink *sink)
{
    const struct images_shared *s = l->shared;
    const struct assay_bytes v = assay_bytes_make(b->text + f->start, f->len);
    if (f->kind != ASSAY_FIELD_STRING || !names_picture(v)) {
        return;
    }
    const uint32_t image = resolve(s->host, b->file, v);
    l->counts[image == ASSAY_NONE ? COUNT_LOST : COUNT_REFERENCES]++;
    if (image == ASSAY_NONE) {
        return;
    }
    void *array = l->references;
    struct reference *slot = push(s, &array, &l->n_references, &l->cap_references,
                                  sizeof(struct reference), sizeof(struct reference));
    l->references = array;
    if (slot == NULL) {
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 1, 0);
        return;
    }
    *slot = (struct reference){image, b->file, b->records[f->record].ordinal};
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
        take_reference(l, b, &b->fields[i], sink);
    }
    return ASSAY_OK;
}

/* ---- merge --------------------------------------------------------------------------------- */

/* Appends `n` items of `size`. */
static enum assay_status append(void **array, size_t *n, size_t *cap, const void *from,
                                size_t count, size_t size)
{
    if (count == 0) {
        return ASSAY_OK;
    }
    if (*n + count > *cap) {
        void *p = realloc(*array, (*n + count) * size);
        if (p == NULL) {
            return ASSAY_NOMEM;
        }
        *array = p;
        *cap = *n + count;
    }
    memcpy((char *)*array + *n * size, from, count * size);
    *n += count;
    return ASSAY_OK;
}

static enum assay_status images_merge(const void *shared, void *into, void *from,
                                      struct assay_error *err)
{
    struct images_local *a = into;
    const struct images_local *b = from;
    void *entries = a->entries, *references = a->references;
    (void)shared;
    enum assay_status st =
        append(&entries, &a->n, &a->cap, b->entries, b->n, sizeof(struct image_entry));
    a->entries = entries;
    if (st == ASSAY_OK) {
        st = append(&references, &a->n_references, &a->cap_references, b->references,
                    b->n_references, sizeof(struct reference));
        a->references = references;
    }
    for (unsigned i = 0; i < N_COUNTS; i++) {
        a->counts[i] += b->counts[i];
    }
    return st == ASSAY_OK ? ASSAY_OK : assay_fail(err, st, "no memory for the scanner 'images'");
}

/* ---- speaking ------------------------------------------------------------------------------ */

static int order_entries(const void *x, const void *y)
{
    const struct image_entry *a = x, *b = y;
    return a->file < b->file ? -1 : a->file > b->file;
}

static int order_references(const void *x, const void *y)
{
    const struct reference *a = x, *b = y;
    if (a->image != b->image) {
        return a->image < b->image ? -1 : 1;
    }
    if (a->file != b->file) {
        return a->file < b->file ? -1 : 1;
    }
    return a->record < b->record ? -1 : a->record > b->record;
}

static int order_members(const void *x, const void *y)
{
    const struct assay_member *a = x, *b = y;
    if (a->file != b->file) {
        return a->file < b->file ? -1 : 1;
    }
    return a->record < b->record ? -1 : a->record > b->record;
}

/* Entries in the order of groups. */
struct rank {
    uint32_t root, entry;
    uint64_t content;
};

/* One group in the making. */
struct speech {
    struct images_local *l;
    struct image_groups groups;
    struct rank *order;
    struct assay_member *members;
    size_t n_members, cap_members;
    uint64_t pictures;          /* of different bytes */
    unsigned nearest, farthest; /* from the first, in bits */
    uint64_t extra;             /* over all groups */
    struct assay_sink *sink;
    enum assay_status status;
};

static void add_member(struct speech *s, struct assay_member m)
{
    void *array = s->members;
    if (s->n_members == s->cap_members) {
        const size_t cap = s->cap_members == 0 ? 64 : 2 * s->cap_members;
        array = realloc(array, cap * sizeof m);
        if (array == NULL) {
            s->status = ASSAY_NOMEM;
            return;
        }
        s->members = array;
        s->cap_members = cap;
    }
    s->members[s->n_members++] = m;
}

/* The file, and the records that name it. */
static void add_picture(struct speech *s, uint32_t file)
{
    const struct images_local *l = s->l;
    size_t low = 0, high = l->n_references;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (l->references[mid].image < file) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    add_member(s, (struct assay_member){file, ASSAY_NO_RECORD});
    for (; low < l->n_references && l->references[low].image == file; low++) {
        const struct reference *r = &l->references[low];
        add_member(s, (struct assay_member){r->file, r->record});
    }
}

static void say_members(struct speech *s, unsigned rule, const char *detail)
{
    const uint32_t index = s->l->shared->rule[rule];
    if (s->status != ASSAY_OK || index == ASSAY_NONE) {
        return;
    }
    if (s->n_members > 1) {
        qsort(s->members, s->n_members, sizeof s->members[0], order_members);
    }
    struct assay_finding f = assay_finding_init(index);
    f.members = s->members;
    f.n_members = (uint32_t)(s->n_members < MEMBERS_MAX ? s->n_members : MEMBERS_MAX);
    f.members_total = s->n_members;
    f.detail = assay_bytes_str(detail);
    s->status = s->sink->finding(s->sink->ctx, &f);
}

/* Every picture that is itself like the first by name can go; the far end of a chain cannot. Files
 * of the same bytes are the business of another scanner. */
static void say_copies(struct speech *s, uint32_t from, uint32_t to)
{
    const struct image_entry *e = s->l->entries, *keep = &e[s->order[from].entry];
    const uint32_t rule = s->l->shared->rule[RULE_NEAR];
    if (rule == ASSAY_NONE || s->sink->size < sizeof *s->sink || s->sink->member == NULL) {
        return;
    }
    for (uint32_t i = from; i < to; i++) {
        keep = e[s->order[i].entry].file < keep->file ? &e[s->order[i].entry] : keep;
    }
    for (uint32_t i = from; i < to && s->status == ASSAY_OK; i++) {
        const struct image_entry *here = &e[s->order[i].entry];
        const unsigned d = pdq_distance(&keep->views[PDQ_AS_IS], &here->views[PDQ_AS_IS]);
        const struct assay_membership m = {.size = sizeof m,
                                           .rule = rule,
                                           .place = {here->file, ASSAY_NO_RECORD},
                                           .keep = {keep->file, ASSAY_NO_RECORD},
                                           .similarity = (uint16_t)((256 - d) * 1000 / 256)};
        if (here->content != keep->content && d <= PDQ_MAX_BITS) {
            s->status = s->sink->member(s->sink->ctx, &m);
        }
    }
}

/* entries[from..to) of the order are one group. */
static void say_group(struct speech *s, uint32_t from, uint32_t to)
{
    const struct image_entry *e = s->l->entries;
    const struct image_entry *first = &e[s->order[from].root];
    char detail[160];
    s->n_members = 0;
    s->pictures = 0;
    s->nearest = 256;
    s->farthest = 0;
    for (uint32_t i = from; i < to; i++) {
        const struct image_entry *here = &e[s->order[i].entry];
        if (i > from && here->content == s->order[i - 1].content) {
            continue; /* the same bytes */
        }
        add_picture(s, here->file);
        s->pictures++;
        if (here->content != first->content) {
            const unsigned d = pdq_distance(&first->views[PDQ_AS_IS], &here->views[PDQ_AS_IS]);
            s->nearest = d < s->nearest ? d : s->nearest;
            s->farthest = d > s->farthest ? d : s->farthest;
        }
    }
    if (s->pictures < 2) {
        return;
    }
    s->extra += s->pictures - 1;
    (void)snprintf(detail, sizeof detail, "%llu pictures, %u to %u of 256 bits from the first%s",
                   (unsigned long long)s->pictures, s->nearest, s->farthest,
                   s->farthest > PDQ_MAX_BITS ? "; a chain: not all are alike" : "");
    say_members(s, RULE_NEAR, detail);
    say_copies(s, from, to);
}

static void say_turned(struct speech *s)
{
    const struct image_entry *e = s->l->entries;
    for (size_t i = 0; i < s->groups.n_turned && s->status == ASSAY_OK; i++) {
        const struct image_turned *t = &s->groups.turned[i];
        char detail[128];
        s->n_members = 0;
        add_picture(s, e[t->from].file);
        add_picture(s, e[t->to].file);
        (void)snprintf(detail, sizeof detail, "%s, %u of 256 bits apart", pdq_view_names[t->view],
                       (unsigned)t->distance);
        say_members(s, RULE_TURNED, detail);
    }
}

static int order_ranks(const void *x, const void *y)
{
    const struct rank *a = x, *b = y;
    if (a->root != b->root) {
        return a->root < b->root ? -1 : 1;
    }
    if (a->content != b->content) {
        return a->content < b->content ? -1 : 1;
    }
    return a->entry < b->entry ? -1 : a->entry > b->entry;
}

static void say_groups(struct speech *s)
{
    const uint32_t n = (uint32_t)s->l->n;
    for (uint32_t i = 0; i < n; i++) {
        s->order[i] = (struct rank){s->groups.root[i], i, s->l->entries[i].content};
    }
    if (n > 1) {
        qsort(s->order, n, sizeof s->order[0], order_ranks);
    }
    for (uint32_t from = 0, to; from < n && s->status == ASSAY_OK; from = to) {
        for (to = from + 1; to < n && s->order[to].root == s->order[from].root;) {
            to++;
        }
        if (to - from > 1) {
            say_group(s, from, to);
        }
    }
}

static enum assay_status say_metrics(const struct images_local *l, uint64_t extra,
                                     struct assay_sink *sink)
{
    static const char *const names[N_COUNTS] = {"images.count", "images.flat", "images.undecodable",
                                                "images.references",
                                                "images.references_unresolved"};
    enum assay_status st = ASSAY_OK;
    for (unsigned i = 0; i < N_COUNTS && st == ASSAY_OK; i++) {
        st = sink->metric(sink->ctx, names[i], l->counts[i], 1);
    }
    if (st == ASSAY_OK) {
        const uint64_t all = l->counts[COUNT_IMAGES];
        st = sink->metric(sink->ctx, "images.near_ratio", extra, all == 0 ? 1 : all);
    }
    return st;
}

static enum assay_status images_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    const struct images_shared *sh = shared;
    struct images_local *l = merged;
    struct speech s = {.l = l, .sink = sink};
    if (l->n > 1) {
        qsort(l->entries, l->n, sizeof l->entries[0], order_entries);
    }
    if (l->n_references > 1) {
        qsort(l->references, l->n_references, sizeof l->references[0], order_references);
    }
    s.order = malloc((l->n + 1) * sizeof s.order[0]);
    s.status = s.order == NULL ? ASSAY_NOMEM
                               : image_groups_find(l->entries, (uint32_t)l->n, sh->host, &s.groups);
    if (s.status == ASSAY_OK) {
        say_groups(&s);
        say_turned(&s);
    }
    enum assay_status st = s.status;
    if (st == ASSAY_CANCELLED) { /* the audit says so */
        st = ASSAY_OK;
    }
    image_groups_release(&s.groups);
    free(s.order);
    free(s.members);
    return st == ASSAY_OK ? say_metrics(l, s.extra, sink) : st;
}

/* ---- state --------------------------------------------------------------------------------- */

static void put_entry(struct state_out *out, const struct image_entry *e)
{
    for (unsigned v = 0; v < PDQ_VIEWS; v++) {
        for (unsigned i = 0; i < 4; i++) {
            state_put_u64(out, e->views[v].w[i]);
        }
    }
    state_put_u64(out, e->content);
    state_put_u64(out, (uint64_t)e->file << 32 | e->quality);
}

static void take_entry(struct state_in *in, struct image_entry *e)
{
    for (unsigned v = 0; v < PDQ_VIEWS; v++) {
        for (unsigned i = 0; i < 4; i++) {
            e->views[v].w[i] = state_take_u64(in);
        }
    }
    e->content = state_take_u64(in);
    const uint64_t both = state_take_u64(in);
    e->file = (uint32_t)(both >> 32);
    e->quality = (uint32_t)both;
}

static enum assay_status
images_save(const void *shared, const void *local,
            enum assay_status (*put)(void *ctx, const void *data, size_t len), void *ctx)
{
    const struct images_local *l = local;
    struct state_out out = {put, ctx, ASSAY_OK};
    (void)shared;
    state_put_u64(&out, STATE_MAGIC);
    for (unsigned i = 0; i < N_COUNTS; i++) {
        state_put_u64(&out, l->counts[i]);
    }
    state_put_u64(&out, l->n);
    state_put_u64(&out, l->n_references);
    for (size_t i = 0; i < l->n; i++) {
        put_entry(&out, &l->entries[i]);
    }
    for (size_t i = 0; i < l->n_references; i++) {
        state_put_u64(&out, (uint64_t)l->references[i].image << 32 | l->references[i].file);
        state_put_u64(&out, l->references[i].record);
    }
    return out.status;
}

static void take_reference_row(struct state_in *in, struct reference *r)
{
    const uint64_t both = state_take_u64(in);
    *r = (struct reference){(uint32_t)(both >> 32), (uint32_t)both, state_take_u64(in)};
}

/* Both arrays, sized by what the state holds and not by what it claims. */
static enum assay_status load_rows(struct images_local *l, struct state_in *in, uint64_t n,
                                   uint64_t n_references)
{
    const size_t row = 8 * (4 * PDQ_VIEWS + 2);
    if (in->bad || n > in->left.len / row || n_references > (in->left.len - n * row) / 16) {
        return ASSAY_CORRUPT;
    }
    l->entries = malloc((n + 1) * sizeof l->entries[0]);
    l->references = malloc((n_references + 1) * sizeof l->references[0]);
    if (l->entries == NULL || l->references == NULL) {
        return ASSAY_NOMEM;
    }
    for (l->n = 0; l->n < n; l->n++) {
        take_entry(in, &l->entries[l->n]);
    }
    for (l->n_references = 0; l->n_references < n_references; l->n_references++) {
        take_reference_row(in, &l->references[l->n_references]);
    }
    l->cap = l->n;
    l->cap_references = l->n_references;
    return state_is_complete(in) ? ASSAY_OK : ASSAY_CORRUPT;
}

static enum assay_status images_load(const void *shared, void *local, struct assay_bytes data,
                                     struct assay_error *err)
{
    struct images_local *l = local;
    struct state_in in = {data, 0};
    (void)shared;
    const uint64_t magic = state_take_u64(&in);
    for (unsigned i = 0; i < N_COUNTS; i++) {
        l->counts[i] = state_take_u64(&in);
    }
    const uint64_t n = state_take_u64(&in);
    const uint64_t n_references = state_take_u64(&in);
    enum assay_status st =
        magic == STATE_MAGIC ? load_rows(l, &in, n, n_references) : ASSAY_CORRUPT;
    if (st != ASSAY_OK) {
        l->n = l->n_references = 0;
        return assay_fail(err, st,
                          st == ASSAY_CORRUPT ? "not a saved state of the scanner 'images'"
                                              : "no memory for the scanner 'images'");
    }
    return ASSAY_OK;
}

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
};
