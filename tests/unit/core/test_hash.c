/* SPDX-License-Identifier: Apache-2.0
 * Vectors: FIPS 180-4 examples (SHA-256), RFC 4231 sections 4.2 to 4.8 (HMAC-SHA-256). */
#include "tests/unit/unit.h"

#include "core/hash.h"

static void assert_hex(const uint8_t digest[ASSAY_SHA256_LEN], const char *hex)
{
    char text[2 * ASSAY_SHA256_LEN + 1];
    assay_hex(digest, ASSAY_SHA256_LEN, text);
    assert_string_equal(text, hex);
}

static void sha256_standard_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *message, *digest;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t digest[ASSAY_SHA256_LEN];
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        assert_int_equal(assay_sha256_of(vectors[i].message, strlen(vectors[i].message), digest),
                         ASSAY_OK);
        assert_hex(digest, vectors[i].digest);
    }
}

static void sha256_a_million_times_a(void **state)
{
    (void)state;
    char block[1000];
    uint8_t digest[ASSAY_SHA256_LEN];
    struct assay_sha256 *h = assay_sha256_new();
    memset(block, 'a', sizeof block);
    for (int reuse = 0; reuse < 2; reuse++) {
        assert_int_equal(assay_sha256_start(h), ASSAY_OK);
        for (int i = 0; i < 1000; i++) {
            assert_int_equal(assay_sha256_update(h, block, sizeof block), ASSAY_OK);
        }
        assert_int_equal(assay_sha256_finish(h, digest), ASSAY_OK);
        assert_hex(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    assay_sha256_free(h);
}

static void hmac_of(struct assay_hmac *h, const void *data, size_t len, const char *hex)
{
    uint8_t digest[ASSAY_SHA256_LEN];
    assert_int_equal(assay_hmac_start(h), ASSAY_OK);
    assert_int_equal(assay_hmac_update(h, data, len / 2), ASSAY_OK);
    assert_int_equal(assay_hmac_update(h, (const char *)data + len / 2, len - len / 2), ASSAY_OK);
    assert_int_equal(assay_hmac_finish(h, digest), ASSAY_OK);
    assert_hex(digest, hex);
}

static void hmac_standard_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *key_hex, *data, *mac;
        uint8_t key_fill;
        size_t key_len;
    } vectors[] = {
        {"", "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 0x0b,
         20},
        {"4a656665", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 0, 4},
        {"", "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 0xaa, 131},
        {"",
         "This is a test using a larger than block-size key and a larger than block-size data. "
         "The key needs to be hashed before being used by the HMAC algorithm.",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2", 0xaa, 131},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t key[131];
        memset(key, vectors[i].key_fill, sizeof key);
        if (vectors[i].key_hex[0] != '\0') {
            assert_true(assay_unhex(vectors[i].key_hex, strlen(vectors[i].key_hex), key,
                                    vectors[i].key_len));
        }
        struct assay_hmac *h = assay_hmac_new(key, vectors[i].key_len);
        assert_non_null(h);
        struct assay_hmac *copy = assay_hmac_clone(h);
        for (int again = 0; again < 2; again++) {
            hmac_of(h, vectors[i].data, strlen(vectors[i].data), vectors[i].mac);
        }
        assay_hmac_free(h);
        hmac_of(copy, vectors[i].data, strlen(vectors[i].data), vectors[i].mac);
        assay_hmac_free(copy);
    }
}

static void xxh3_is_the_published_function(void **state)
{
    (void)state;
    uint64_t h[2];
    assay_xxh3_128("", 0, 0, h);
    assert_true(h[1] == UINT64_C(0x99aa06d3014798d8) && h[0] == UINT64_C(0x6001c324468d497f));
    assert_true(assay_xxh3_64("", 0, 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(assay_xxh3_64("", 0, 1) != assay_xxh3_64("", 0, 0));
}

static void hex_round_trips_and_refuses(void **state)
{
    (void)state;
    uint8_t out[2];
    assert_true(assay_unhex("aB09", 4, out, 2));
    assert_int_equal(out[0], 0xab);
    assert_int_equal(out[1], 0x09);
    assert_false(assay_unhex("aB0", 3, out, 2));
    assert_false(assay_unhex("aB0g", 4, out, 2));
    assert_false(assay_unhex("aB091", 5, out, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_standard_vectors),
        cmocka_unit_test(sha256_a_million_times_a),
        cmocka_unit_test(hmac_standard_vectors),
        cmocka_unit_test(xxh3_is_the_published_function),
        cmocka_unit_test(hex_round_trips_and_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
