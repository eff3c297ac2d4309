/* SPDX-License-Identifier: Apache-2.0
 * Digests of groups, which must never change, and the option that lists accepted ones. */
#include "tests/unit/plugins/scanner_host.h"

#include "plugins/scanners/duplicates/accepted.h"

#define A "00112233445566778899aabbccddeeff"
#define B "ffeeddccbbaa99887766554433221100"

static enum assay_status read_list(struct fake *f, struct assay_host *host, const char *list,
                                   struct dup_accepted *a, struct assay_error *err)
{
    *f = (struct fake){.options = {{"accepted", list}, {"group_digests", "true"}}};
    *host = fake_host(f);
    memset(a, 0, sizeof *a);
    return dup_accepted_init(a, host, err);
}

static int has(const struct dup_accepted *a, uint64_t hi, uint64_t lo)
{
    return dup_accepted_has(a, (struct dup_digest){{hi, lo}});
}

static void a_list_is_read(void **state)
{
    (void)state;
    struct fake f;
    struct assay_host host;
    struct dup_accepted a;
    struct assay_error err = {0};
    assert_int_equal(read_list(&f, &host, B "," A, &a, &err), ASSAY_OK);
    assert_int_equal(a.n, 2);
    assert_true(has(&a, 0x0011223344556677, 0x8899aabbccddeeff));
    assert_true(has(&a, 0xffeeddccbbaa9988, 0x7766554433221100));
    assert_false(has(&a, 0x0011223344556677, 0x7766554433221100));
    assert_false(has(&a, 0, 0));
    dup_accepted_release(&a);
    assert_int_equal(read_list(&f, &host, "", &a, &err), ASSAY_OK);
    assert_true(a.given && a.n == 0);
    assert_false(has(&a, 0, 0));
    dup_accepted_release(&a);
    assert_int_equal(read_list(&f, &host, NULL, &a, &err), ASSAY_OK);
    assert_false(a.given);
    dup_accepted_release(&a);
}

static void a_list_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const lists[] = {"x",
                                        A ",",
                                        "," A,
                                        A "," A ",",
                                        A A,
                                        A ";" B,
                                        A ", " B,
                                        "00112233445566778899AABBCCDDEEFF",
                                        "0011223344556677"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct fake f;
        struct assay_host host;
        struct dup_accepted a;
        struct assay_error err = {0};
        assert_int_equal(read_list(&f, &host, lists[i], &a, &err), ASSAY_CONFIG);
        assert_non_null(strstr(err.message, "duplicates.accepted"));
        dup_accepted_release(&a);
    }
}

static void too_many_are_refused(void **state)
{
    (void)state;
    struct fake f;
    struct assay_host host;
    struct dup_accepted a;
    struct assay_error err = {0};
    char *list = malloc((size_t)33 * (DUP_ACCEPTED_MOST + 1));
    assert_non_null(list);
    for (size_t i = 0; i <= DUP_ACCEPTED_MOST; i++) {
        memcpy(list + 33 * i, A ",", 33);
    }
    list[33 * (DUP_ACCEPTED_MOST + 1) - 1] = '\0';
    assert_int_equal(read_list(&f, &host, list, &a, &err), ASSAY_CONFIG);
    dup_accepted_release(&a);
    list[33 * DUP_ACCEPTED_MOST - 1] = '\0';
    assert_int_equal(read_list(&f, &host, list, &a, &err), ASSAY_OK);
    assert_int_equal(a.n, DUP_ACCEPTED_MOST);
    dup_accepted_release(&a);
    free(list);
}

/* Lists that were signed name them: another value for the same content would void every list. */
static void digests_stay_what_they_are(void **state)
{
    (void)state;
    struct fake f;
    struct assay_host host;
    struct dup_accepted a;
    struct assay_error err = {0};
    const uint64_t key[] = {0x0123456789abcdef, 42};
    static const char *const names[] = {"answers:4e95b879b3da78a037373b8068fcf708",
                                        "preference:e98a2d0f2a2b7c464832fd43951d2b72",
                                        "delivered:d632b141e21e601193d6c60b98390d83",
                                        "span:4db54bd5cad07e34a5ebbe3b70a4dc1d",
                                        "contamination:d7bb33627c3ba4cc3dd21c6551478fb9",
                                        "image:9edaa786e4af818e5f024ea0700da86b"};
    char detail[160] = "x";
    assert_int_equal(read_list(&f, &host, NULL, &a, &err), ASSAY_OK);
    dup_digest_say(&a, DUP_GROUP_FILE, dup_group_digest(&a, DUP_GROUP_FILE, key, 2), detail,
                   sizeof detail);
    dup_digest_say(&a, DUP_GROUP_RECORD, dup_group_digest(&a, DUP_GROUP_RECORD, key, 1), detail,
                   sizeof detail);
    assert_string_equal(detail, "x; group file:80b15e1b4e79604333deac4745e3eb25; group "
                                "record:f1877610ca0f5fcf5d6db399eac11ac9");
    (void)snprintf(detail, sizeof detail, "y");
    struct dup_digest d = {{0, 0}};
    d = dup_digest_add(&a, DUP_GROUP_NEAR, dup_digest_add(&a, DUP_GROUP_NEAR, d, 1), 2);
    dup_digest_say(&a, DUP_GROUP_NEAR, d, detail, sizeof detail);
    dup_digest_say(&a, DUP_GROUP_NORMALISED, dup_group_digest(&a, DUP_GROUP_NORMALISED, key, 2),
                   detail, sizeof detail);
    assert_string_equal(detail, "y; group near:98a05ef6b15a6dddd1b4c57dfe2eb457; "
                                "group normalised:fd00d70656063182b992a24e8bea8b29");
    for (unsigned kind = DUP_GROUP_ANSWERS; kind <= DUP_GROUP_IMAGE; kind++) {
        struct dup_digest named = {{0, 0}};
        assert_false(dup_accepted_group(&a, kind, key, 2, &named));
        (void)snprintf(detail, sizeof detail, "z");
        dup_digest_say(&a, kind, named, detail, sizeof detail);
        assert_string_equal(detail + 9, names[kind - DUP_GROUP_ANSWERS]);
    }
    a.shown = 0;
    dup_digest_say(&a, DUP_GROUP_NEAR, d, detail, sizeof detail);
    assert_null(strstr(detail, "bea8b29; group"));
    dup_accepted_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read),
        cmocka_unit_test(a_list_that_is_none_is_refused),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(digests_stay_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
