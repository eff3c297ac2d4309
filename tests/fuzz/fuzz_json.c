/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON writer under arbitrary calls: what it calls well formed, an independent parser reads;
 * what it refuses stays refused; strings come back as they went in, or repaired. */
#include <jansson.h>
#include <stdlib.h>

#include "core/json.h"
#include "core/limits.h"
#include "core/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One call chosen by the byte; text comes from what follows. Returns bytes used. */
static size_t step(struct assay_json *j, const uint8_t *p, size_t left)
{
    size_t len = left > 1 ? p[1] % 16u : 0;
    len = len < left - 1 ? len : left - 1;
    char key[17] = {0};
    memcpy(key, p + 1, len);
    switch (p[0] % 9) {
    case 0:
        assay_json_object(j);
        return 1;
    case 1:
        assay_json_end_object(j);
        return 1;
    case 2:
        assay_json_array(j);
        return 1;
    case 3:
        assay_json_end_array(j);
        return 1;
    case 4:
        assay_json_key(j, key);
        return 1 + len;
    case 5:
        assay_json_string(j, assay_bytes_make((const char *)p + 1, len));
        return 1 + len;
    case 6:
        assay_json_int(j, (int64_t)p[0] * (len % 2 == 0 ? 1 : -1));
        return 1;
    case 7:
        assay_json_bool(j, p[0] & 16);
        return 1;
    default:
        assay_json_hex(j, p + 1, len);
        return 1 + len;
    }
}

static void check_string(const uint8_t *data, size_t size)
{
    struct assay_buf out;
    struct assay_json j;
    assay_buf_init(&out, 8 * size + 16);
    assay_json_init(&j, &out, 1);
    assay_json_string(&j, assay_bytes_make((const char *)data, size));
    json_t *back = json_loadb(out.ptr, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    int whole = assay_utf8_valid((const char *)data, size) == size;
    if (!json_is_string(back) ||
        (whole && (json_string_length(back) != size ||
                   (size > 0 && memcmp(json_string_value(back), data, size) != 0)))) {
        abort();
    }
    json_decref(back);
    assay_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_buf out;
    struct assay_json j;
    assay_buf_init(&out, ASSAY_MIB(1));
    check_string(data, size);
    assay_json_init(&j, &out, size > 0 && data[0] % 2 == 0);
    assay_json_array(&j);
    for (size_t at = 0; at < size;) {
        enum assay_status before = assay_json_status(&j);
        at += step(&j, data + at, size - at);
        if (before != ASSAY_OK && assay_json_status(&j) == ASSAY_OK) {
            abort();
        }
    }
    while (assay_json_status(&j) == ASSAY_OK && j.depth > 0) {
        if (j.after_key) {
            assay_json_null(&j);
        }
        if (j.stack[j.depth - 1].is_array) {
            assay_json_end_array(&j);
        } else {
            assay_json_end_object(&j);
        }
    }
    if (assay_json_status(&j) == ASSAY_OK) {
        size_t flags = JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL;
        json_t *back = json_loadb(out.ptr, out.len, flags, NULL);
        if (back == NULL) {
            abort();
        }
        json_decref(back);
    }
    assay_buf_release(&out);
    return 0;
}
