/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/sources.c: see the header.
 */
#include "sources.h"

/* The label that a directory's name becomes. */
static struct assay_bytes label_of(const struct assay_host *host, struct assay_bytes dir,
                                   char out[DUP_LABEL_NAME])
{
    size_t n = 0;
    int said = 0;
    for (size_t i = 0; i < dir.len && n < DUP_LABEL_NAME - 1; i++) {
        char c = dir.ptr[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        int plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        said |= plain;
        out[n++] = plain ? c : '-';
    }
    if (!said) {
        uint64_t h[2];
        host->hash128(host->ctx, dir.ptr, dir.len, 0, h);
        n = (size_t)snprintf(out, DUP_LABEL_NAME, "x%08x", (unsigned)(h[0] & UINT32_MAX));
    }
    return assay_bytes_make(out, n);
}

struct by_directory {
    const struct assay_host *host;
    struct dup_labels *labels; /* the same ones, to add to */
};

/* The label of that name, which may be that of what has no source. */
static unsigned add_source(struct dup_labels *l, struct assay_bytes name)
{
    return assay_bytes_equal(name, assay_bytes_str(l->names[0])) ? DUP_LABEL_NONE
                                                                 : dup_labels_add(l, name);
}

static unsigned source_of_name(const struct dup_labels *l, void *ctx, const char *name)
{
    struct by_directory *d = ctx;
    char label[DUP_LABEL_NAME];
    const char *slash = strchr(name, '/');
    (void)l;
    if (slash == NULL) {
        return DUP_LABEL_NONE;
    }
    return add_source(d->labels,
                      label_of(d->host, assay_bytes_make(name, (size_t)(slash - name)), label));
}

static unsigned none(const struct dup_labels *l, void *ctx, const char *name)
{
    (void)l;
    (void)ctx;
    (void)name;
    return DUP_LABEL_NONE;
}

/* The values that are labels, separated by commas. */
static enum assay_status read_values(struct dup_labels *l, const char *values,
                                     struct assay_error *err)
{
    for (const char *p = values; *p != '\0';) {
        size_t n = strcspn(p, ",");
        struct assay_bytes name = assay_bytes_make(p, n);
        if (!dup_label_name_ok(name) || l->n == DUP_LABELS) {
            return assay_fail(
                err, ASSAY_CONFIG,
                "duplicates.source_values takes up to %d names of a to z, 0 to 9 and "
                "'-', up to %d characters each, separated by commas; '%.*s' is not one",
                DUP_LABELS - 1, DUP_LABEL_NAME - 1, (int)(n < 40 ? n : 40), p);
        }
        (void)add_source(l, name);
        p += n + (p[n] == ',');
    }
    return ASSAY_OK;
}

enum assay_status dup_sources_init(struct dup_labels *l, const struct assay_host *host,
                                   struct assay_error *err)
{
    const char *values = host->option(host->ctx, "source_values");
    struct by_directory d = {host, l};
    l->field = host->option(host->ctx, "source_field");
    if ((l->field == NULL) != (values == NULL) || (l->field != NULL && l->field[0] != '/')) {
        return assay_fail(err, ASSAY_CONFIG,
                          "duplicates.source_field, a JSON Pointer such as /source, and "
                          "duplicates.source_values, what that field may say, go together");
    }
    (void)snprintf(l->names[0], sizeof l->names[0], "other");
    l->n = 1;
    enum assay_status st = values == NULL ? ASSAY_OK : read_values(l, values, err);
    if (st != ASSAY_OK) {
        return st;
    }
    st = dup_labels_read_files(l, host, l->field == NULL ? source_of_name : none, &d);
    return st == ASSAY_OK ? st : assay_fail(err, st, "no memory for the sources of files");
}

uint8_t dup_source_mark(const struct dup_labels *l, const struct assay_batch *b,
                        const struct assay_record *r)
{
    struct assay_bytes value = dup_labels_value(l, b, r);
    return value.ptr == NULL ? 0 : (uint8_t)dup_labels_find(l, value);
}
