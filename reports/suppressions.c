/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/suppressions.c: see the header.
 */
#include "reports/suppressions.h"

#include "core/fs.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/limits.h"
#include "reports/envelope.h"
#include "reports/internal.h"
#include "reports/statement.h"

#define DIGITS 32

struct assay_suppressions {
    json_t *root; /* holds the strings */
    const json_t *rows;
    char digest[8 + 2 * ASSAY_SHA256_LEN];
};

/* ---- entries -------------------------------------------------------------------------------- */

/* What scanners name groups by. */
static const char *const kinds[] = {"file",          "record",     "normalised", "near",
                                    "answers",       "preference", "delivered",  "span",
                                    "contamination", "image"};

const char *assay_group_digits(const char *group)
{
    return strchr(group, ':') + 1;
}

int assay_group_is_named(const char *group)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const size_t n = strlen(kinds[i]);
        if (strncmp(group, kinds[i], n) == 0 && group[n] == ':') {
            const char *digits = group + n + 1;
            return strlen(digits) == DIGITS && strspn(digits, "0123456789abcdef") == DIGITS;
        }
    }
    return 0;
}

static unsigned number_at(const char *text, unsigned digits)
{
    unsigned n = 0;
    for (unsigned i = 0; i < digits; i++) {
        n = 10 * n + (unsigned)(text[i] - '0');
    }
    return n;
}

static int is_date(const char *text)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof form; i++) {
        const int digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == 'd' ? !digit : text[i] != form[i]) {
            return 0;
        }
    }
    const unsigned year = number_at(text, 4), month = number_at(text + 5, 2);
    const unsigned day = number_at(text + 8, 2);
    const int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (unsigned)(month == 2 && leap);
}

static int is_text(const char *text)
{
    return text != NULL && *text != '\0' && strlen(text) <= ASSAY_LIMIT_ACCEPTED_TEXT;
}

int assay_acceptance_expired(const struct assay_acceptance *a, uint64_t now_ms)
{
    char today[32];
    assay_format_time(now_ms, today);
    return a->expires != NULL && strncmp(today, a->expires, 10) > 0;
}

static enum assay_status fail_name(size_t i, struct assay_error *err)
{
    ASSAY_AUTO_BUF names;
    assay_buf_init(&names, 32 * sizeof kinds / sizeof kinds[0]);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        assay_buf_addf(&names, "%s%s:", k == 0 ? "" : ", ", kinds[k]);
    }
    return assay_fail(err, ASSAY_CORRUPT,
                      "entry %zu: a group is one of %s and 32 lower-case hexadecimal digits, as "
                      "the finding has it",
                      i + 1, assay_buf_str(&names));
}

static enum assay_status check_row(const struct assay_acceptance *a, size_t i,
                                   struct assay_error *err)
{
    if (a->group == NULL || !assay_group_is_named(a->group)) {
        return fail_name(i, err);
    }
    if (!is_text(a->owner) || !is_text(a->reason)) {
        return assay_fail(err, ASSAY_CORRUPT,
                          "entry %zu (%s): needs an owner and a reason, of at most %d bytes each",
                          i + 1, a->group, ASSAY_LIMIT_ACCEPTED_TEXT);
    }
    if (a->expires != NULL && !is_date(a->expires)) {
        return assay_fail(err, ASSAY_CORRUPT, "entry %zu (%s): 'expires' is a date, YYYY-MM-DD",
                          i + 1, a->group);
    }
    return ASSAY_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

static struct assay_acceptance row_of(const json_t *row)
{
    return (struct assay_acceptance){json_string_value(json_object_get(row, "group")),
                                     json_string_value(json_object_get(row, "owner")),
                                     json_string_value(json_object_get(row, "reason")),
                                     json_string_value(json_object_get(row, "expires"))};
}

/* `seen` has the groups before. */
static enum assay_status read_row(const json_t *row, size_t i, json_t *seen,
                                  struct assay_error *err)
{
    const json_t *expires = json_object_get(row, "expires");
    const struct assay_acceptance a = row_of(row);
    if (!json_is_object(row) || json_object_size(row) != (expires != NULL ? 4u : 3u) ||
        (expires != NULL && a.expires == NULL)) {
        return assay_fail(err, ASSAY_CORRUPT,
                          "entry %zu: has group, owner, reason, perhaps expires, and nothing else",
                          i + 1);
    }
    enum assay_status s = check_row(&a, i, err);
    if (s != ASSAY_OK) {
        return s;
    }
    if (json_object_get(seen, a.group) != NULL) {
        return assay_fail(err, ASSAY_CORRUPT, "entry %zu (%s): the group is in the list twice",
                          i + 1, a.group);
    }
    return json_object_set_new(seen, a.group, json_true()) == 0
               ? ASSAY_OK
               : assay_fail(err, ASSAY_NOMEM, "out of memory");
}

static enum assay_status read_rows(const json_t *root, struct assay_error *err)
{
    const json_t *version = json_object_get(root, "version");
    const json_t *rows = json_object_get(root, "accepted");
    const size_t n = json_array_size(rows);
    if (!json_is_array(rows) || !json_is_integer(version) || json_integer_value(version) != 1 ||
        json_object_size(root) != 2) {
        return assay_fail(err, ASSAY_CORRUPT,
                          "the list has \"accepted\", \"version\": 1, and nothing else");
    }
    if (n > ASSAY_LIMIT_ACCEPTED) {
        return assay_fail(err, ASSAY_LIMIT, "the list has more than %d entries",
                          ASSAY_LIMIT_ACCEPTED);
    }
    json_t *seen = json_object();
    enum assay_status s = seen == NULL ? assay_fail(err, ASSAY_NOMEM, "out of memory") : ASSAY_OK;
    for (size_t i = 0; i < n && s == ASSAY_OK; i++) {
        s = read_row(json_array_get(rows, i), i, seen, err);
    }
    json_decref(seen);
    return s;
}

static enum assay_status digest_payload(struct assay_suppressions *s, struct assay_bytes payload,
                                        struct assay_error *err)
{
    uint8_t sha256[ASSAY_SHA256_LEN];
    if (assay_sha256_of(payload.ptr, payload.len, sha256) != ASSAY_OK) {
        return assay_fail(err, ASSAY_CRYPTO, "SHA-256 is not available");
    }
    memcpy(s->digest, "sha256:", 7);
    assay_hex(sha256, sizeof sha256, s->digest + 7);
    return ASSAY_OK;
}

enum assay_status assay_suppressions_parse(struct assay_bytes payload,
                                           struct assay_suppressions **ret, struct assay_error *err)
{
    struct assay_suppressions *s = calloc(1, sizeof *s);
    *ret = NULL;
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    enum assay_status status = assay_json_strict(payload, "list", &s->root, err);
    status = status == ASSAY_OK ? read_rows(s->root, err) : status;
    status = status == ASSAY_OK ? digest_payload(s, payload, err) : status;
    if (status != ASSAY_OK) {
        assay_suppressions_free(s);
        return status;
    }
    s->rows = json_object_get(s->root, "accepted");
    *ret = s;
    return ASSAY_OK;
}

enum assay_status assay_suppressions_load(const char *path, struct assay_key *const *keys,
                                          size_t n_keys, struct assay_suppressions **ret,
                                          struct assay_error *err)
{
    ASSAY_AUTO_BUF text;
    struct assay_envelope *e = NULL;
    size_t valid;
    *ret = NULL;
    assay_buf_init(&text, ASSAY_LIMIT_JSON_DOCUMENT);
    enum assay_status s = assay_fs_read_file(path, ASSAY_LIMIT_JSON_DOCUMENT, &text, err);
    if (s != ASSAY_OK) {
        return s;
    }
    s = assay_envelope_parse_type(ASSAY_SUPPRESSIONS_TYPE, assay_buf_bytes(&text), &e, err);
    s = s == ASSAY_OK ? assay_envelope_verify(e, keys, n_keys, &valid, err) : s;
    s = s == ASSAY_OK ? assay_suppressions_parse(assay_envelope_payload(e), ret, err) : s;
    assay_envelope_free(e);
    return assay_at(err, s, path);
}

void assay_suppressions_free(struct assay_suppressions *s)
{
    if (s != NULL) {
        json_decref(s->root);
        free(s);
    }
}

size_t assay_suppressions_count(const struct assay_suppressions *s)
{
    return json_array_size(s->rows);
}

struct assay_acceptance assay_suppressions_get(const struct assay_suppressions *s, size_t i)
{
    return row_of(json_array_get(s->rows, i));
}

const char *assay_suppressions_digest(const struct assay_suppressions *s)
{
    return s->digest;
}

enum assay_status assay_suppressions_check(const struct assay_suppressions *s, uint64_t now_ms,
                                           struct assay_error *err)
{
    for (size_t i = 0; i < assay_suppressions_count(s); i++) {
        const struct assay_acceptance a = assay_suppressions_get(s, i);
        if (assay_acceptance_expired(&a, now_ms)) {
            return assay_fail(err, ASSAY_CONFIG,
                              "entry %zu (%s) expired on %s: have the list renewed and signed "
                              "again, with the entry or without it",
                              i + 1, a.group, a.expires);
        }
    }
    return ASSAY_OK;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void write_row(struct assay_json *j, const struct assay_acceptance *a)
{
    assay_json_object(j);
    if (a->expires != NULL) {
        assay_json_kv_str(j, "expires", a->expires);
    }
    assay_json_kv_str(j, "group", a->group);
    assay_json_kv_str(j, "owner", a->owner);
    assay_json_kv_str(j, "reason", a->reason);
    assay_json_end_object(j);
}

enum assay_status assay_suppressions_write(const struct assay_acceptance *rows, size_t n,
                                           struct assay_buf *out, struct assay_error *err)
{
    struct assay_json j;
    struct assay_suppressions *back = NULL;
    assay_json_init(&j, out, 1);
    assay_json_object(&j);
    assay_json_key(&j, "accepted");
    assay_json_array(&j);
    for (size_t i = 0; i < n; i++) {
        write_row(&j, &rows[i]);
    }
    assay_json_end_array(&j);
    assay_json_kv_uint(&j, "version", 1);
    assay_json_end_object(&j);
    if (assay_json_status(&j) != ASSAY_OK || assay_buf_status(out) != ASSAY_OK) {
        return assay_fail(err, ASSAY_LIMIT, "the list is too large");
    }
    enum assay_status s = assay_suppressions_parse(assay_buf_bytes(out), &back, err);
    assay_suppressions_free(back);
    return s;
}
