/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors per validator: numbers invented for this test with right and wrong check digits, and the
 * vectors printed in the standards themselves (BIP 173, BIP 350, EIP-55, ISO 13616).
 */
#include "tests/unit/unit.h"

#include "rules/validators.h"

#define V ASSAY_VALID
#define U ASSAY_UNKNOWN
#define X ASSAY_INVALID

static const struct {
    const char *validator;
    enum assay_validity want;
    const char *text;
} vectors[] = {
    {"luhn", V, "4111222233334448"},
    {"luhn", V, "4111 2222-3333 4448"},
    {"luhn", X, "4111222233334449"},
    {"luhn", X, "0000000000000000"},
    {"luhn", X, "4111x22233334448"},
    {"card_issuer", V, "4567890123452"},
    {"card_issuer", V, "5200000012345671"},
    {"card_issuer", V, "378211112222333"},
    {"card_issuer", V, "6011123456789019"},
    {"card_issuer", V, "3530111333300000"},
    {"card_issuer", V, "30569309025904"},
    {"card_issuer", V, "6217990123456780"},
    {"card_issuer", V, "2221000000000009"},
    {"card_issuer", X, "2220000000000009"},
    {"card_issuer", X, "9111222233334448"},
    {"card_issuer", X, "37821111222233"},
    {"card_issuer", X, "41111222233344"},
    {"unionpay", V, "6217990123456780"},
    {"unionpay", V, "6228480012345678903"},
    {"unionpay", V, "8100000000000000"},
    {"unionpay", X, "6117990123456780"},
    {"unionpay", X, "622848001234567"},
    {"iban_mod97", V, "GB29NWBK60161331926819"},
    {"iban_mod97", V, "gb29 nwbk 6016 1331 9268 19"},
    {"iban_mod97", V, "DE60123456780012345678"},
    {"iban_mod97", V, "NO9386011117947"},
    {"iban_mod97", X, "GB29NWBK60161331926818"},
    {"iban_mod97", X, "GB29NWBK6016133192681"},
    {"iban_mod97", X, "QQ29NWBK60161331926819"},
    {"ipv4", V, "192.168.1.1"},
    {"ipv4", V, "10.0.0.0/8"},
    {"ipv4", V, "127.0.0.1"},
    {"ipv4", U, "0.0.0.0"},
    {"ipv4", V, "255.255.255.255"},
    {"ipv4", V, "0.0.0.0/0"},
    {"ipv4", U, "7.7.3.5"},
    {"ipv4", X, "192.168.1.256"},
    {"ipv4", X, "192.168.01.1"},
    {"ipv4", X, "192.168.1"},
    {"ipv4", X, "192.168.1.1.1"},
    {"ipv4", X, "10.0.0.0/33"},
    {"ipv4", X, "10.0.0.0/"},
    {"ipv6", V, "2001:db8::1"},
    {"ipv6", V, "2001:db8:0:0:0:0:0:1"},
    {"ipv6", V, "fe80::1%eth0/64"},
    {"ipv6", V, "::ffff:192.0.2.1"},
    {"ipv6", V, "0:0:0:0:0:FFFF:129.144.52.38"},
    {"ipv6", V, "2001:db8::/32"},
    {"ipv6", V, "64:ff9b::198.51.100.1/96"},
    {"ipv6", U, "::1"},
    {"ipv6", U, "0:0:0:0:0:0:0:0"},
    {"ipv6", X, "::"},
    {"ipv6", X, "dead::beef"},
    {"ipv6", X, "12:34:56"},
    {"ipv6", X, "1:2:3:4:5:6:7"},
    {"ipv6", X, "1:2:3:4:5:6:7:8:9"},
    {"ipv6", X, "1::2::3"},
    {"ipv6", X, "2001:db8::256.1.1.1"},
    {"ipv6", X, "2001:db8::1:"},
    {"ipv6", X, ":2001:db8::1"},
    {"ipv6", X, "2001:db8::1/129"},
    {"ipv6", X, "12345::1"},
    {"mac", V, "00:1A:2b:3C:4d:5E"},
    {"mac", V, "00-1a-2b-3c-4d-5e"},
    {"mac", V, "001a.2b3c.4d5e"},
    {"mac", X, "00:1a:2b:3c:4d"},
    {"mac", X, "00:1a-2b:3c:4d:5e"},
    {"mac", X, "00:00:00:00:00:00"},
    {"mac", X, "ff:ff:ff:ff:ff:ff"},
    {"mac", X, "001:a2:b3:c4:d5:e"},
    {"email_domain", V, "a.b+c@example.com"},
    {"email_domain", V, "a@xn--d1acufc.xn--p1ai"},
    {"email_domain", X, "a@example"},
    {"email_domain", X, "a@example.c"},
    {"email_domain", X, "a@-example.com"},
    {"email_domain", X, "a..b@example.com"},
    {"email_domain", X, "icon@2x.png"},
    {"email_domain", X, "a@127.0.0.1"},
    {"email_domain", X, "@example.com"},
    {"url", V, "https://example.com/a?b=c@d"},
    {"url", V, "postgres://u:p@10.0.0.5:5432/db"},
    {"url", V, "http://u:p@[2001:db8::1]:80/"},
    {"url", U, "redis://u:p@cache:6379"},
    {"url", X, "://example.com"},
    {"url", X, "http:///path"},
    {"url", X, "h ttp://example.com"},
    {"us_ssn", V, "536-22-1234"},
    {"us_ssn", V, "536221234"},
    {"us_ssn", X, "536-22.1234"},
    {"us_ssn", X, "000-22-1234"},
    {"us_ssn", X, "666-22-1234"},
    {"us_ssn", X, "900-22-1234"},
    {"us_ssn", X, "536-00-1234"},
    {"us_ssn", X, "536-22-0000"},
    {"us_ssn", X, "078-05-1120"},
    {"us_ssn", X, "111-11-1111"},
    {"us_itin", V, "912-70-1234"},
    {"us_itin", V, "912901234"},
    {"us_itin", X, "912-93-1234"},
    {"us_itin", X, "912-49-1234"},
    {"us_itin", X, "812-70-1234"},
    {"uk_nhs", V, "943 476 5919"},
    {"uk_nhs", V, "4505577104"},
    {"uk_nhs", X, "943 476 5918"},
    {"uk_nhs", X, "0000000000"},
    {"uk_nino", V, "AB 12 34 56 C"},
    {"uk_nino", V, "jg103759a"},
    {"uk_nino", X, "BG123456A"},
    {"uk_nino", X, "DA123456A"},
    {"uk_nino", X, "AO123456A"},
    {"uk_nino", X, "AB123456E"},
    {"de_tax_id", V, "65929970489"},
    {"de_tax_id", V, "86 571 093 462"},
    {"de_tax_id", U, "12345678903"},
    {"de_tax_id", U, "11123456786"},
    {"de_tax_id", X, "65929970480"},
    {"de_tax_id", X, "02345678901"},
    {"de_tax_id", X, "11111111111"},
    {"fr_insee", V, "1 85 05 78 006 084 91"},
    {"fr_insee", V, "185052A00608435"},
    {"fr_insee", V, "290112B03301295"},
    {"fr_insee", X, "185057800608492"},
    {"fr_insee", X, "185137800608491"},
    {"fr_insee", X, "585057800608491"},
    {"es_nif", V, "12345678Z"},
    {"es_nif", V, "40917236-y"},
    {"es_nif", X, "12345678A"},
    {"es_nif", X, "1234567Z8"},
    {"es_nie", V, "X1234567L"},
    {"es_nie", V, "y-7654321-g"},
    {"es_nie", X, "X1234567M"},
    {"es_nie", X, "W1234567L"},
    {"it_fiscal_code", V, "RSSMRA85T10A562S"},
    {"it_fiscal_code", V, "RSSMRAU5T10A56NE"},
    {"it_fiscal_code", X, "RSSMRA85T10A562T"},
    {"it_fiscal_code", X, "RSSMRA85Z10A562S"},
    {"gb11643", V, "11010519491231002X"},
    {"gb11643", V, "11010519491231002x"},
    {"gb11643", V, "1101 0119 9003 0745 14"},
    {"gb11643", V, "81000019900307004X"},
    {"gb11643", X, "110105194912310021"},
    {"gb11643", X, "110101199002307458"},
    {"gb11643", X, "010101199003074514"},
    {"gb11643_15", U, "110105491231002"},
    {"gb11643_15", X, "110105491331002"},
    {"region_gb2260", V, "110105"},
    {"region_gb2260", V, "830000198506150024"},
    {"region_gb2260", U, "110000199003074514"},
    {"region_gb2260", X, "160101199003074514"},
    {"region_gb2260", X, "990101199003074514"},
    {"gb32100", V, "91110108MA01ABCD1E"},
    {"gb32100", V, "91310115MA1K3ABC99"},
    {"gb32100", V, "51440300567890123E"},
    {"gb32100", X, "91110108MA01ABCD1F"},
    {"gb32100", X, "91110108MA01IBCD1E"},
    {"gb32100", X, "01110108MA01ABCD1E"},
    {"hkid", V, "A123456(3)"},
    {"hkid", V, "WX123456(9)"},
    {"hkid", V, "Z000001(A)"},
    {"hkid", X, "A123456(4)"},
    {"hkid", X, "1234567(3)"},
    {"tw_national_id", V, "A123456789"},
    {"tw_national_id", V, "F223456786"},
    {"tw_national_id", X, "A123456788"},
    {"tw_national_id", X, "A323456789"},
    {"cn_mobile", V, "13812345678"},
    {"cn_mobile", V, "+86 138-1234-5678"},
    {"cn_mobile", V, "008619912345678"},
    {"cn_mobile", U, "15412345678"},
    {"cn_mobile", X, "12812345678"},
    {"cn_mobile", X, "1381234567"},
    {"cn_mobile", X, "138123456789"},
    {"cn_landline", V, "010-62345678"},
    {"cn_landline", V, "0755 2345678"},
    {"cn_landline", V, "+86 21 5678 1234"},
    {"cn_landline", V, "400-820-1234"},
    {"cn_landline", X, "010-1234567"},
    {"cn_landline", X, "62345678"},
    {"cn_landline", X, "0123-4567890"},
    {"e164", V, "+8613812345678"},
    {"e164", V, "+44 (0)20 7946 0018"},
    {"e164", V, "+1 415 555 0132"},
    {"e164", V, "+39 06 678 4343"},
    {"e164", V, "0033 1 42 68 53 00"},
    {"e164", X, "+999 1234567"},
    {"e164", X, "+1 115 555 0132"},
    {"e164", X, "+44 20 7946"},
    {"e164", X, "+0 123456789"},
    {"e164", X, "13812345678"},
    {"us_phone", V, "(415) 555-0132"},
    {"us_phone", V, "+1-415-555-0132"},
    {"us_phone", X, "415-155-0132"},
    {"us_phone", X, "911-555-0132"},
    {"us_phone", X, "222-222-2222"},
    {"uk_phone", V, "020 7946 0018"},
    {"uk_phone", V, "+44 7700 900123"},
    {"uk_phone", X, "020 7946"},
    {"uk_phone", X, "0420 7946 0018"},
    {"de_phone", V, "030 1234567"},
    {"de_phone", V, "+49 171 2345678"},
    {"de_phone", X, "0110 12345"},
    {"de_phone", X, "+33 171 2345678"},
    {"fr_phone", V, "01 42 68 53 00"},
    {"fr_phone", V, "+33 6 12 34 56 78"},
    {"fr_phone", X, "00 42 68 53 00"},
    {"fr_phone", X, "01 42 68 53"},
    {"es_phone", V, "612 34 56 78"},
    {"es_phone", V, "+34 912 345 678"},
    {"es_phone", X, "512 34 56 78"},
    {"it_phone", V, "347 123 4567"},
    {"it_phone", V, "06 678 4343"},
    {"it_phone", V, "+39 02 1234567"},
    {"it_phone", X, "247 123 4567"},
    {"crypto_address", V, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
    {"crypto_address", V, "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"},
    {"crypto_address", X, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"},
    {"crypto_address", X, "1111111111111111111111111111111111"},
    {"crypto_address", V, "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"},
    {"crypto_address", V, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"},
    {"crypto_address", X, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"},
    {"crypto_address", X, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd"},
    {"crypto_address", V, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"},
    {"crypto_address", V, "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"},
    {"crypto_address", U, "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"},
    {"crypto_address", X, "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"},
    {"date_of_birth", V, "1985-03-12"},
    {"date_of_birth", V, "1985\345\271\2643\346\234\21012\346\227\245"},
    {"date_of_birth", V, "12/03/1985"},
    {"date_of_birth", V, "03/25/1985"},
    {"date_of_birth", V, "March 12, 1985"},
    {"date_of_birth", V, "12 mar 1985"},
    {"date_of_birth", V, "19850312"},
    {"date_of_birth", X, "1985-02-30"},
    {"date_of_birth", X, "1885-03-12"},
    {"date_of_birth", X, "25/25/1985"},
    {"date_of_birth", X, "1985"},
    {"geo", V, "31.2304, 121.4737"},
    {"geo", V, "121.4737,31.2304"},
    {"geo", V, "-33.8688 151.2093"},
    {"geo", X, "131.2304, 121.4737"},
    {"geo", X, "31.2304, 190.4737"},
    {"geo", X, "90.0001, 100.1"},
    {"geo", X, "0.0000, 0.0000"},
    {"geo", X, "31.2304"},
    {"jwt", V, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl"},
    {"jwt", X, "eyJmb28iOiJIUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl"},
    {"jwt", X, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0"},
    {"jwt", X, "hello.world.again"},
    {"secret_key", V, "AKIAQ3EGT7UJN2WZ5XKD"},
    {"secret_key", X, "AKIAAAAAAAAAAAAAAAAA"},
    {"secret_key", X, "AKIAQ3EGT7UJNEXAMPLE"},
};

static void vectors_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        int index = assay_validators_find(vectors[i].validator);
        if (index < 0) {
            fail_msg("no validator %s", vectors[i].validator);
        }
        enum assay_validity got = assay_validators[index].check(assay_bytes_str(vectors[i].text));
        if (got != vectors[i].want) {
            fail_msg("%s of %s is %d, not %d", vectors[i].validator, vectors[i].text, (int)got,
                     (int)vectors[i].want);
        }
    }
}

/* A validator without a vector that it accepts and one that it refuses is not tested. */
static void every_validator_has_vectors(void **state)
{
    (void)state;
    for (size_t v = 0; v < assay_validators_count(); v++) {
        int accepted = 0, refused = 0;
        for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
            if (strcmp(vectors[i].validator, assay_validators[v].name) == 0) {
                accepted |= vectors[i].want != X;
                refused |= vectors[i].want == X;
            }
        }
        if (!accepted || !refused) {
            fail_msg("%s lacks a vector", assay_validators[v].name);
        }
    }
}

/* Empty, over-long and binary text is refused, never read beyond its end. */
static void hostile_text_is_refused(void **state)
{
    (void)state;
    char *longest = malloc(4096);
    assert_non_null(longest);
    memset(longest, '1', 4096);
    for (size_t v = 0; v < assay_validators_count(); v++) {
        const struct assay_validator *row = &assay_validators[v];
        assert_true(strlen(row->source) > 0);
        assert_int_equal(row->check(assay_bytes_make(NULL, 0)), X);
        assert_int_equal(row->check(assay_bytes_make("", 0)), X);
        assert_int_equal(row->check(assay_bytes_make("\0\0\0\0", 4)), X);
        assert_int_equal(row->check(assay_bytes_make(longest, 4096)), X);
    }
    free(longest);
}

static void names_are_found(void **state)
{
    (void)state;
    assert_int_equal(assay_validators_find("nonsense"), -1);
    assert_int_equal(assay_validators_find(NULL), -1);
    assert_null(assay_validators[assay_validators_count()].name);
    for (size_t v = 0; v < assay_validators_count(); v++) {
        assert_int_equal(assay_validators_find(assay_validators[v].name), (int)v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold),
        cmocka_unit_test(every_validator_has_vectors),
        cmocka_unit_test(hostile_text_is_refused),
        cmocka_unit_test(names_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
