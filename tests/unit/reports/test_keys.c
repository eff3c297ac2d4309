/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "core/hash.h"
#include "core/limits.h"
#include "reports/keys.h"
#include "tests/unit/reports/scratch.h"

static struct assay_error err;
static const struct assay_bytes none = {NULL, 0};

static struct assay_bytes text(const char *s)
{
    return assay_bytes_str(s);
}

static void assert_message(const char *part)
{
    if (strstr(err.message, part) == NULL) {
        print_error("message: %s\nlacks:   %s\n", err.message, part);
        fail();
    }
}

static struct assay_key *make(enum assay_key_type type)
{
    struct assay_key *k = NULL;
    assert_int_equal(assay_key_generate(type, &k, &err), ASSAY_OK);
    return k;
}

static void both_types_sign_and_verify(void **state)
{
    (void)state;
    for (int t = ASSAY_KEY_ED25519; t <= ASSAY_KEY_P256; t++) {
        struct assay_key *k = make((enum assay_key_type)t);
        struct assay_key *other = make((enum assay_key_type)t);
        ASSAY_AUTO_BUF sig;
        assay_buf_init(&sig, 1024);
        assert_int_equal(assay_key_sign(k, text("message"), &sig, &err), ASSAY_OK);
        struct assay_bytes s = assay_buf_bytes(&sig);
        assert_int_equal(assay_key_verify(k, text("message"), s, &err), ASSAY_OK);
        assert_int_equal(assay_key_verify(k, text("massage"), s, &err), ASSAY_MISMATCH);
        assert_int_equal(assay_key_verify(other, text("message"), s, &err), ASSAY_MISMATCH);
        for (size_t bit = 0; bit < 8 * sig.len; bit++) {
            sig.ptr[bit / 8] = (char)(sig.ptr[bit / 8] ^ 1 << bit % 8);
            assert_int_equal(assay_key_verify(k, text("message"), s, &err), ASSAY_MISMATCH);
            sig.ptr[bit / 8] = (char)(sig.ptr[bit / 8] ^ 1 << bit % 8);
        }
        s.len--;
        assert_int_equal(assay_key_verify(k, text("message"), s, &err), ASSAY_MISMATCH);
        assay_key_free(k);
        assay_key_free(other);
    }
}

static void empty_message_and_signature(void **state)
{
    (void)state;
    struct assay_key *k = make(ASSAY_KEY_ED25519);
    ASSAY_AUTO_BUF sig;
    assay_buf_init(&sig, 1024);
    assert_int_equal(assay_key_sign(k, none, &sig, &err), ASSAY_OK);
    assert_int_equal(assay_key_verify(k, none, assay_buf_bytes(&sig), &err), ASSAY_OK);
    assert_int_equal(assay_key_verify(k, none, none, &err), ASSAY_MISMATCH);
    assay_key_free(k);
}

struct secret {
    const char *text;
    int asked;
};

static int tell(void *ctx, const char *path, char *buf, size_t cap)
{
    struct secret *s = ctx;
    size_t n = strlen(s->text);
    s->asked++;
    assert_non_null(strstr(path, "assay-test"));
    assert_true(n <= cap);
    memcpy(buf, s->text, n);
    return (int)n;
}

static int refuse(void *ctx, const char *path, char *buf, size_t cap)
{
    (void)ctx;
    (void)path;
    (void)buf;
    (void)cap;
    return -1;
}

static void a_saved_key_is_private_and_loads(void **state)
{
    (void)state;
    for (int t = ASSAY_KEY_ED25519; t <= ASSAY_KEY_P256; t++) {
        struct assay_key *k = make((enum assay_key_type)t), *back = NULL, *pub = NULL;
        const char *path = scratch(t == ASSAY_KEY_ED25519 ? "ed.pem" : "ec.pem");
        const char *pub_path = scratch(t == ASSAY_KEY_ED25519 ? "ed.pem.pub" : "ec.pem.pub");
        struct stat st;
        assert_int_equal(assay_key_save(k, path, none, &err), ASSAY_OK);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(assay_key_load_private(path, NULL, &back, &err), ASSAY_OK);
        assert_int_equal(assay_key_load_public(pub_path, &pub, &err), ASSAY_OK);
        assert_string_equal(assay_key_id(back), assay_key_id(k));
        assert_string_equal(assay_key_id(pub), assay_key_id(k));
        assert_int_equal(assay_key_type(back), t);
        assert_true(assay_key_is_private(back));
        assert_false(assay_key_is_private(pub));
        assert_int_equal(assay_key_save(k, path, none, &err), ASSAY_EXISTS);
        assert_message("never overwritten");
        ASSAY_AUTO_BUF sig;
        assay_buf_init(&sig, 1024);
        assert_int_equal(assay_key_sign(pub, text("x"), &sig, &err), ASSAY_USAGE);
        assay_key_free(k);
        assay_key_free(back);
        assay_key_free(pub);
    }
}

static void encrypted_keys_need_their_passphrase(void **state)
{
    (void)state;
    struct assay_key *k = make(ASSAY_KEY_ED25519), *back = NULL;
    const char *path = scratch("sealed.pem");
    struct secret right = {"open sesame", 0}, wrong = {"open barley", 0};
    const struct assay_passphrase ask_right = {tell, &right}, ask_wrong = {tell, &wrong},
                                  ask_none = {refuse, NULL};
    assert_int_equal(assay_key_save(k, path, text("open sesame"), &err), ASSAY_OK);
    assert_int_equal(assay_key_load_private(path, &ask_right, &back, &err), ASSAY_OK);
    assert_string_equal(assay_key_id(back), assay_key_id(k));
    assert_int_equal(right.asked, 1);
    assay_key_free(back);
    assert_int_equal(assay_key_load_private(path, &ask_wrong, &back, &err), ASSAY_DENIED);
    assert_message("wrong passphrase");
    assert_int_equal(assay_key_load_private(path, NULL, &back, &err), ASSAY_DENIED);
    assert_message("no passphrase was given");
    assert_int_equal(assay_key_load_private(path, &ask_none, &back, &err), ASSAY_DENIED);
    assert_message("could not be read");
    assay_key_free(k);
}

static void others_must_not_read_a_private_key(void **state)
{
    (void)state;
    struct assay_key *k = make(ASSAY_KEY_ED25519), *back = NULL;
    const char *path = scratch("open.pem");
    assert_int_equal(assay_key_save(k, path, none, &err), ASSAY_OK);
    static const mode_t bad[] = {0640, 0604, 0620, 0601};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(chmod(path, bad[i]), 0);
        assert_int_equal(assay_key_load_private(path, NULL, &back, &err), ASSAY_DENIED);
        assert_message("chmod 600");
        assert_string_equal(err.where, path);
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(assay_key_load_private(path, NULL, &back, &err), ASSAY_OK);
    assay_key_free(back);
    assay_key_free(k);
}

static void each_wrong_file_has_its_own_message(void **state)
{
    (void)state;
    struct assay_key *k = make(ASSAY_KEY_ED25519), *back = NULL;
    const char *path = scratch("k.pem"), *pub = scratch("k.pem.pub"), *odd = scratch("odd");
    assert_int_equal(assay_key_save(k, path, none, &err), ASSAY_OK);
    assert_int_equal(assay_key_load_private(scratch("absent"), NULL, &back, &err), ASSAY_NOTFOUND);
    assert_message("No such file");
    assert_int_equal(assay_key_load_public(scratch("absent"), &back, &err), ASSAY_NOTFOUND);
    assert_int_equal(assay_key_load_private(scratch_dir, NULL, &back, &err), ASSAY_DENIED);
    assert_message("not a regular file");
    assert_int_equal(assay_key_load_public(path, &back, &err), ASSAY_UNSUPPORTED);
    assert_message("this is a private key");
    assert_int_equal(chmod(pub, 0600), 0);
    assert_int_equal(assay_key_load_private(pub, NULL, &back, &err), ASSAY_UNSUPPORTED);
    assert_message("this is a public key");
    scratch_write(odd, "hello", 5);
    assert_int_equal(chmod(odd, 0600), 0);
    assert_int_equal(assay_key_load_private(odd, NULL, &back, &err), ASSAY_CORRUPT);
    assert_message("not a private key");
    assert_int_equal(assay_key_load_public(odd, &back, &err), ASSAY_CORRUPT);
    assert_message("not a public key");
    assay_key_free(k);
}

static const char rsa_pub[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDQaSYFth4rB51/XcdfiEKSkbYy\n"
                              "rGshwWye5J445/fBPBf+jrYNPrpl9psPzZtdStrOcGgQnVJdGsGz0DZ2xonF3NwJ\n"
                              "TjrISdbR7mW8UpthIjkFFlfQRWwI2WJgft+M9hrQ2fsdQ0bhflNaloU5L804yiun\n"
                              "Rk7XQYbErSrJCtzzCQIDAQAB\n"
                              "-----END PUBLIC KEY-----\n";

static void rsa_is_the_wrong_kind(void **state)
{
    (void)state;
    struct assay_key *k = NULL;
    assert_int_equal(assay_key_parse_public(text(rsa_pub), &k, &err), ASSAY_UNSUPPORTED);
    assert_message("wrong kind of key (RSA)");
}

/* PEM of an Ed25519 public key with the given point. */
static void ed25519_pem(const uint8_t point[32], struct assay_buf *out)
{
    static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t der[45] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    memcpy(der + 12, point, 32);
    assay_buf_adds(out, "-----BEGIN PUBLIC KEY-----\n");
    for (size_t i = 0; i < 42; i += 3) {
        unsigned v = (unsigned)der[i] << 16 | (unsigned)der[i + 1] << 8 | der[i + 2];
        assay_buf_addf(out, "%c%c%c%c", b64[v >> 18], b64[v >> 12 & 63], b64[v >> 6 & 63],
                       b64[v & 63]);
    }
    unsigned v = (unsigned)der[42] << 16 | (unsigned)der[43] << 8;
    assay_buf_addf(out, "%c%c%c=\n-----END PUBLIC KEY-----\n", b64[v >> 18], b64[v >> 12 & 63],
                   b64[v >> 6 & 63]);
}

static enum assay_status load_point(const char *hex, struct assay_key **ret)
{
    uint8_t point[32];
    ASSAY_AUTO_BUF pem;
    assay_buf_init(&pem, 4096);
    assert_true(assay_unhex(hex, strlen(hex), point, 32));
    ed25519_pem(point, &pem);
    return assay_key_parse_public(assay_buf_bytes(&pem), ret, &err);
}

/* Under the first of these, the signature R = identity, S = 0 is valid for every message in
 * OpenSSL 3.0. */
static void small_order_points_are_refused(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    };
    struct assay_key *k = NULL;
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        assert_int_equal(load_point(points[i], &k), ASSAY_CRYPTO);
        assert_message("small order");
    }
}

static void non_canonical_points_are_refused(void **state)
{
    (void)state;
    struct assay_key *k = NULL;
    for (unsigned low = 0xed; low <= 0xff; low++) {
        char hex[65];
        for (int top = 0; top < 2; top++) {
            (void)snprintf(hex, sizeof hex, "%02x%060d%s", low, 0, top ? "ff" : "7f");
            memset(hex + 2, 'f', 60);
            assert_int_equal(load_point(hex, &k), ASSAY_CRYPTO);
            assert_message("canonical");
        }
    }
}

static void an_ordinary_point_is_accepted(void **state)
{
    (void)state;
    struct assay_key *k = NULL; /* RFC 8032, section 7.1, test 1 */
    assert_int_equal(
        load_point("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", &k),
        ASSAY_OK);
    static const char sig_hex[] = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                                  "5fb8821590a33bacc61e39701cf9"
                                  "b46bd25bf5f0595bbe24655141438e7a100b";
    uint8_t sig[64];
    assert_true(assay_unhex(sig_hex, 128, sig, 64));
    assert_int_equal(assay_key_verify(k, none, assay_bytes_make((char *)sig, 64), &err), ASSAY_OK);
    assay_key_free(k);
}

static void two_keys_in_one_file_are_refused(void **state)
{
    (void)state;
    struct assay_key *k = make(ASSAY_KEY_P256), *back = NULL;
    ASSAY_AUTO_BUF pem;
    assay_buf_init(&pem, ASSAY_LIMIT_KEY_FILE);
    assert_int_equal(assay_key_public_pem(k, &pem), ASSAY_OK);
    assert_int_equal(assay_key_public_pem(k, &pem), ASSAY_OK);
    assert_int_equal(assay_key_parse_public(assay_buf_bytes(&pem), &back, &err), ASSAY_CORRUPT);
    assert_message("one key a file");
    assay_key_free(k);
}

static void default_keys_are_made_once(void **state)
{
    (void)state;
    struct assay_key *first = NULL, *second = NULL;
    uint8_t fp1[32], fp2[32];
    char path[4096];
    int made = 0;
    struct stat st;
    assert_int_equal(setenv("XDG_CONFIG_HOME", scratch("cfg"), 1), 0);
    assert_int_equal(assay_key_default(NULL, &first, &made, path, sizeof path, &err), ASSAY_OK);
    assert_true(made);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_string_equal(path, scratch("cfg/assay/keys/default.pem"));
    assert_int_equal(unlink(scratch("cfg/assay/keys/default.pem.pub")), 0);
    assert_int_equal(assay_key_default(NULL, &second, &made, path, sizeof path, &err), ASSAY_OK);
    assert_false(made);
    assert_int_equal(stat(scratch("cfg/assay/keys/default.pem.pub"), &st), 0);
    assert_string_equal(assay_key_id(first), assay_key_id(second));
    assert_int_equal(assay_fingerprint_key(NULL, fp1, &err), ASSAY_OK);
    assert_int_equal(assay_fingerprint_key(NULL, fp2, &err), ASSAY_OK);
    assert_memory_equal(fp1, fp2, 32);
    assert_int_equal(assay_fingerprint_key(scratch("fp.key"), fp2, &err), ASSAY_OK);
    assert_memory_not_equal(fp1, fp2, 32);
    assert_int_equal(stat(scratch("fp.key"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assay_key_free(first);
    assay_key_free(second);
}

static void a_damaged_fingerprint_key_is_refused(void **state)
{
    (void)state;
    uint8_t fp[32];
    const char *path = scratch("bad-fp.key");
    scratch_write(path, "abc\n", 4);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(assay_fingerprint_key(path, fp, &err), ASSAY_CORRUPT);
    assert_message("64 hexadecimal digits");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(assay_fingerprint_key(path, fp, &err), ASSAY_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_types_sign_and_verify),
        cmocka_unit_test(empty_message_and_signature),
        cmocka_unit_test(a_saved_key_is_private_and_loads),
        cmocka_unit_test(encrypted_keys_need_their_passphrase),
        cmocka_unit_test(others_must_not_read_a_private_key),
        cmocka_unit_test(each_wrong_file_has_its_own_message),
        cmocka_unit_test(rsa_is_the_wrong_kind),
        cmocka_unit_test(small_order_points_are_refused),
        cmocka_unit_test(non_canonical_points_are_refused),
        cmocka_unit_test(an_ordinary_point_is_accepted),
        cmocka_unit_test(two_keys_in_one_file_are_refused),
        cmocka_unit_test(default_keys_are_made_once),
        cmocka_unit_test(a_damaged_fingerprint_key_is_refused),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
