/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading statements back: for verification, and for the signer, which signs nothing it has not
 * looked at.
 *
 * The form is checked as far as somebody relies on it: types, subjects by name with lower-case
 * SHA-256 digests, a verdict from the known list that agrees with `complete`. Unknown members are
 * ignored, as in-toto asks.
 */
#include "reports/internal.h"

#include "reports/statement.h"

static int copy_digest(const json_t *holder, char ret[65])
{
    const json_t *hex = json_object_get(json_object_get(holder, "digest"), "sha256");
    const char *text = json_string_value(hex);
    if (text == NULL || json_string_length(hex) != 64 || strspn(text, "0123456789abcdef") != 64) {
        return 0;
    }
    memcpy(ret, text, 65);
    return 1;
}

/* The one element of `list` with that name; NULL when there is none, or more than one. */
static const json_t *find_named(const json_t *list, const char *name)
{
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = json_string_value(json_object_get(item, "name"));
        if (text == NULL || strcmp(text, name) != 0) {
            continue;
        }
        if (found != NULL) {
            return NULL;
        }
        found = item;
    }
    return found;
}

static int take_count(const json_t *holder, const char *key, uint64_t *ret)
{
    const json_t *v = json_object_get(holder, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0) {
        return 0;
    }
    *ret = (uint64_t)json_integer_value(v);
    return 1;
}

static enum assay_status read_audit(const json_t *predicate, struct assay_statement_view *ret,
                                    struct assay_error *err)
{
    static const char *const verdicts[] = {"PASS", "WARN", "FAIL", "INCOMPLETE"};
    const char *verdict = json_string_value(json_object_get(predicate, "verdict"));
    const json_t *complete = json_object_get(predicate, "complete");
    const json_t *dataset = json_object_get(predicate, "dataset");
    size_t v = 0;
    while (verdict != NULL && v < 4 && strcmp(verdict, verdicts[v]) != 0) {
        v++;
    }
    if (verdict == NULL || v == 4 || !json_is_boolean(complete)) {
        return assay_fail(err, ASSAY_CORRUPT, "the statement has no verdict of a known kind");
    }
    if (v != 2 && json_is_true(complete) != (v < 2)) {
        return assay_fail(err, ASSAY_CORRUPT,
                          "the statement contradicts itself: %s with \"complete\": %s", verdicts[v],
                          json_is_true(complete) ? "true" : "false");
    }
    if (!take_count(dataset, "fileCount", &ret->files) ||
        !take_count(dataset, "byteCount", &ret->bytes)) {
        return assay_fail(err, ASSAY_CORRUPT,
                          "the statement does not say how many files and bytes");
    }
    (void)snprintf(ret->verdict, sizeof ret->verdict, "%s", verdicts[v]);
    return ASSAY_OK;
}

static enum assay_status read_run(const json_t *root, const json_t *predicate,
                                  struct assay_statement_view *ret, struct assay_error *err)
{
    const json_t *files = json_object_get(predicate, "files");
    const json_t *findings = find_named(files, ASSAY_FINDINGS_NAME);
    const json_t *html = find_named(files, ASSAY_HTML_NAME);
    if (json_object_get(predicate, "run") != NULL && !take_count(predicate, "run", &ret->run)) {
        return assay_fail(err, ASSAY_CORRUPT, "the run statement has a malformed number");
    }
    if (!copy_digest(find_named(json_object_get(root, "subject"), ASSAY_STATEMENT_NAME),
                     ret->statement_sha256)) {
        return assay_fail(err, ASSAY_CORRUPT, "the run statement does not name its statement");
    }
    if ((findings != NULL && !copy_digest(findings, ret->findings_sha256)) ||
        (html != NULL && !copy_digest(html, ret->html_sha256))) {
        return assay_fail(err, ASSAY_CORRUPT, "the run statement has a malformed digest");
    }
    return ASSAY_OK;
}

static enum assay_status read_root(const json_t *root, const char *type,
                                   struct assay_statement_view *ret, struct assay_error *err)
{
    const char *kind = json_string_value(json_object_get(root, "_type"));
    const char *predicate_type = json_string_value(json_object_get(root, "predicateType"));
    const json_t *predicate = json_object_get(root, "predicate");
    if (kind == NULL || strcmp(kind, ASSAY_STATEMENT_TYPE) != 0 || !json_is_object(predicate)) {
        return assay_fail(err, ASSAY_CORRUPT, "this is not an in-toto statement");
    }
    if (predicate_type == NULL || strcmp(predicate_type, type) != 0) {
        return assay_fail(err, ASSAY_CORRUPT, "this statement is of another kind than %s", type);
    }
    if (!copy_digest(find_named(json_object_get(root, "subject"), ASSAY_MANIFEST_NAME),
                     ret->manifest_sha256)) {
        return assay_fail(err, ASSAY_CORRUPT, "the statement does not name a manifest");
    }
    return strcmp(type, ASSAY_PREDICATE_RUN) == 0 ? read_run(root, predicate, ret, err)
                                                  : read_audit(predicate, ret, err);
}

enum assay_status assay_statement_read(struct assay_bytes payload, const char *predicate,
                                       struct assay_statement_view *ret, struct assay_error *err)
{
    json_t *root = NULL;
    *ret = (struct assay_statement_view){0};
    enum assay_status s = assay_json_strict(payload, "statement", &root, err);
    if (s == ASSAY_OK) {
        s = read_root(root, predicate, ret, err);
        json_decref(root);
    }
    return s;
}
