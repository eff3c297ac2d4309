/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "core/limits.h"
#include "reports/envelope.h"
#include "reports/internal.h"

static struct assay_error err;

static struct assay_key *make(enum assay_key_type type)
{
    struct assay_key *k = NULL;
    assert_int_equal(assay_key_generate(type, &k, &err), ASSAY_OK);
    return k;
}

static void pae_counts_bytes(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, 1024);
    assay_pae("a/b", assay_bytes_str("\xE4\xB8\xAD\xC3\xA9"), &out);
    assert_string_equal(assay_buf_str(&out), "DSSEv1 3 a/b 5 \xE4\xB8\xAD\xC3\xA9");
    assay_buf_clear(&out);
    assay_pae("", assay_bytes_make(NULL, 0), &out);
    assert_string_equal(assay_buf_str(&out), "DSSEv1 0  0 ");
}

static const struct {
    const char *plain, *text;
} base64_vectors[] = {{"", ""},
                      {"f", "Zg=="},
                      {"fo", "Zm8="},
                      {"foo", "Zm9v"},
                      {"foob", "Zm9vYg=="},
                      {"fooba", "Zm9vYmE="},
                      {"foobar", "Zm9vYmFy"}}; /* RFC 4648, section 10 */

static void base64_round_trips(void **state)
{
    (void)state;
    for (size_t i = 0; i < 7; i++) {
        ASSAY_AUTO_BUF out;
        ASSAY_AUTO_BUF back;
        assay_buf_init(&out, 64);
        assay_buf_init(&back, 64);
        assay_base64_encode(assay_bytes_str(base64_vectors[i].plain), &out);
        assert_string_equal(assay_buf_str(&out), base64_vectors[i].text);
        assert_int_equal(assay_base64_decode(assay_buf_bytes(&out), &back), ASSAY_OK);
        assert_string_equal(assay_buf_str(&back), base64_vectors[i].plain);
    }
}

static void base64_takes_both_alphabets_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum assay_status status;
    } rows[] = {
        {"+/+/", ASSAY_OK},        {"-_-_", ASSAY_OK},     {"+_+/", ASSAY_CORRUPT},
        {"Zg", ASSAY_OK},          {"Zg=", ASSAY_CORRUPT}, {"Zg===", ASSAY_CORRUPT},
        {"Zh==", ASSAY_CORRUPT}, /* bits behind the end */
        {"Zm9=", ASSAY_CORRUPT},   {"Z", ASSAY_CORRUPT},   {"Zm 9v", ASSAY_CORRUPT},
        {"Zm9v\n", ASSAY_CORRUPT}, {"=", ASSAY_CORRUPT},   {"Zg==Zg==", ASSAY_CORRUPT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ASSAY_AUTO_BUF out;
        assay_buf_init(&out, 64);
        assert_int_equal(assay_base64_decode(assay_bytes_str(rows[i].text), &out), rows[i].status);
    }
}

static void an_envelope_round_trips(void **state)
{
    (void)state;
    struct assay_key *keys[3] = {make(ASSAY_KEY_ED25519), make(ASSAY_KEY_P256),
                                 make(ASSAY_KEY_ED25519)};
    struct assay_bytes payload = assay_bytes_str("{\"\xE4\xB8\xAD\":1}");
    struct assay_envelope *e = NULL;
    size_t valid = 0;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 65536);
    assert_int_equal(assay_envelope_sign(payload, keys, 2, &text, &err), ASSAY_OK);
    assert_int_equal(text.ptr[text.len - 1], '\n');
    assert_null(memchr(text.ptr, '\n', text.len - 1));
    assert_int_equal(assay_envelope_parse(assay_buf_bytes(&text), &e, &err), ASSAY_OK);
    assert_int_equal(assay_envelope_signatures(e), 2);
    assert_true(assay_bytes_equal(assay_envelope_payload(e), payload));
    assert_int_equal(assay_envelope_verify(e, keys, 3, &valid, &err), ASSAY_OK);
    assert_int_equal(valid, 2);
    assert_int_equal(assay_envelope_verify(e, keys + 2, 1, &valid, &err), ASSAY_MISMATCH);
    assert_int_equal(valid, 0);
    assert_int_equal(assay_envelope_verify(e, keys, 0, &valid, &err), ASSAY_MISMATCH);
    /* One key, however often it is given, counts once. */
    struct assay_key *same[3] = {keys[0], keys[0], keys[0]};
    assert_int_equal(assay_envelope_verify(e, same, 3, &valid, &err), ASSAY_OK);
    assert_int_equal(valid, 1);
    assay_envelope_free(e);
    /* And however often it signed. */
    assay_buf_clear(&text);
    assert_int_equal(assay_envelope_sign(payload, same, 3, &text, &err), ASSAY_OK);
    assert_int_equal(assay_envelope_parse(assay_buf_bytes(&text), &e, &err), ASSAY_OK);
    assert_int_equal(assay_envelope_verify(e, keys, 3, &valid, &err), ASSAY_OK);
    assert_int_equal(valid, 1);
    assay_envelope_free(e);
    for (int i = 0; i < 3; i++) {
        assay_key_free(keys[i]);
    }
}

#define TYPE "\"payloadType\":\"" ASSAY_PAYLOAD_TYPE "\""

static void malformed_envelopes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "not valid JSON"},
        {"[]", "not a JSON object"},
        {"{}", "payloadType"},
        {"{\"payload\":\"e30=\",\"payload\":\"e30=\"," TYPE ",\"signatures\":[{\"sig\":\"AAAA\"}]}",
         "not valid JSON"},
        {"{\"payload\":\"e30=\"," TYPE ",\"signatures\":[{\"sig\":\"AAAA\"}]} x", "not valid JSON"},
        {"{\"payload\":\"e30=\"," TYPE ",\"signatures\":[{\"sig\":\"AAAA\"}]}{}", "not valid JSON"},
        {"{\"payload\":\"e30=\",\"payloadType\":\"text/"
         "plain\",\"signatures\":[{\"sig\":\"AAAA\"}]}",
         "payloadType"},
        {"{\"payload\":\"e 30\"," TYPE ",\"signatures\":[{\"sig\":\"AAAA\"}]}", "payload"},
        {"{\"payload\":\"\"," TYPE ",\"signatures\":[{\"sig\":\"AAAA\"}]}", "payload"},
        {"{\"payload\":7," TYPE ",\"signatures\":[{\"sig\":\"AAAA\"}]}", "no payload"},
        {"{\"payload\":\"e30=\"," TYPE "}", "no signature"},
        {"{\"payload\":\"e30=\"," TYPE ",\"signatures\":[]}", "no signature"},
        {"{\"payload\":\"e30=\"," TYPE ",\"signatures\":{}}", "no signature"},
        {"{\"payload\":\"e30=\"," TYPE ",\"signatures\":[7]}", "malformed"},
        {"{\"payload\":\"e30=\"," TYPE ",\"signatures\":[{}]}", "no signature"},
        {"{\"payload\":\"e30=\"," TYPE ",\"signatures\":[{\"sig\":\"A\"}]}", "not valid base64"},
        {"{\"payload\":\"e30=\"," TYPE ",\"signatures\":[{\"keyid\":7,\"sig\":\"AAAA\"}]}",
         "malformed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct assay_envelope *e = NULL;
        assert_int_equal(assay_envelope_parse(assay_bytes_str(rows[i].text), &e, &err),
                         ASSAY_CORRUPT);
        if (strstr(err.message, rows[i].message) == NULL) {
            print_error("row %zu: %s\n", i, err.message);
            fail();
        }
    }
}

static void too_many_signatures_are_refused(void **state)
{
    (void)state;
    struct assay_envelope *e = NULL;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 65536);
    assay_buf_adds(&text, "{\"payload\":\"e30=\"," TYPE ",\"signatures\":[{\"sig\":\"AAAA\"}");
    for (int i = 0; i < ASSAY_LIMIT_SIGNATURES; i++) {
        assay_buf_adds(&text, ",{\"sig\":\"AAAA\"}");
    }
    assay_buf_adds(&text, "]}");
    assert_int_equal(assay_envelope_parse(assay_buf_bytes(&text), &e, &err), ASSAY_LIMIT);
}

static void errors_do_not_repeat_the_document(void **state)
{
    (void)state;
    struct assay_envelope *e = NULL;
    assert_int_equal(
        assay_envelope_parse(assay_bytes_str("{\"payload\": secret13800138000}"), &e, &err),
        ASSAY_CORRUPT);
    assert_null(strstr(err.message, "138"));
}

/* Raw r||s, as JOSE and some DSSE examples use, is not DER. */
static void raw_ecdsa_signatures_are_refused(void **state)
{
    (void)state;
    struct assay_key *k = make(ASSAY_KEY_P256);
    ASSAY_AUTO_BUF sig;
    assay_buf_init(&sig, 256);
    assert_int_equal(assay_key_sign(k, assay_bytes_str("m"), &sig, &err), ASSAY_OK);
    const uint8_t *p = (const uint8_t *)sig.ptr;
    char raw[64] = {0};
    size_t rn = p[3], sn = p[5 + rn];
    size_t r_skip = rn > 32 ? rn - 32 : 0, s_skip = sn > 32 ? sn - 32 : 0;
    memcpy(raw + 32 - (rn - r_skip), p + 4 + r_skip, rn - r_skip);
    memcpy(raw + 64 - (sn - s_skip), p + 6 + rn + s_skip, sn - s_skip);
    assert_int_equal(assay_key_verify(k, assay_bytes_str("m"), assay_bytes_make(raw, 64), &err),
                     ASSAY_MISMATCH);
    assay_key_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pae_counts_bytes),
        cmocka_unit_test(base64_round_trips),
        cmocka_unit_test(base64_takes_both_alphabets_and_nothing_else),
        cmocka_unit_test(an_envelope_round_trips),
        cmocka_unit_test(malformed_envelopes_are_refused),
        cmocka_unit_test(too_many_signatures_are_refused),
        cmocka_unit_test(errors_do_not_repeat_the_document),
        cmocka_unit_test(raw_ecdsa_signatures_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
