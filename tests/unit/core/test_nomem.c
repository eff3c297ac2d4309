/* SPDX-License-Identifier: Apache-2.0
 * Every allocation of core fails once, in turn: the result is an error value, never a crash or a
 * leak. Linked with --wrap, so that only our own calls fail. */
#include "tests/unit/unit.h"

#include "core/arena.h"
#include "core/buf.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/yaml.h"

static long countdown = -1; /* the call that fails; negative: none */

static int fails(void)
{
    return countdown >= 0 && countdown-- == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

/* Runs `work` with the first, second, ... allocation failing, until it succeeds; says how many
 * failed. */
static long exhaust(int (*work)(void))
{
    for (long n = 0; n < 10000; n++) {
        countdown = n;
        int ok = work();
        int failed = countdown < 0;
        countdown = -1;
        if (!failed) {
            assert_true(ok);
            return n;
        }
        assert_false(ok);
    }
    fail_msg("does not succeed");
    return 0;
}

static int use_buffer(void)
{
    ASSAY_AUTO_BUF b;
    assay_buf_init(&b, 100000);
    for (int i = 0; i < 500; i++) {
        assay_buf_addf(&b, "%d", i);
    }
    return assay_buf_status(&b) == ASSAY_OK;
}

static int use_arena(void)
{
    struct assay_arena *a = assay_arena_new(1 << 20);
    if (a == NULL) {
        return 0;
    }
    for (int i = 0; i < 500; i++) {
        (void)assay_arena_alloc(a, 100);
    }
    int ok = !assay_arena_overflowed(a);
    assay_arena_free(a);
    return ok;
}

static int use_hmac(void)
{
    struct assay_hmac *h = assay_hmac_new("k", 1);
    struct assay_hmac *copy = h == NULL ? NULL : assay_hmac_clone(h);
    int ok = copy != NULL;
    assay_hmac_free(h);
    assay_hmac_free(copy);
    return ok;
}

static int use_yaml(void)
{
    static const char text[] = "a: 1\nb: [x, y, {z: 1}]\n";
    struct assay_diags *d = assay_diags_new();
    if (d == NULL) {
        return 0;
    }
    struct assay_yaml *y = assay_yaml_parse(assay_bytes_str(text), "n", d);
    assert_true((y == NULL) == (assay_diags_errors(d) > 0));
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, 10000);
    int errors = assay_diags_errors(d) > 0;
    if (!errors) {
        assay_diags_error(d, y, assay_yaml_root(y), "shown");
    }
    assay_diags_render(d, &out, 0);
    int complete = strstr(assay_buf_str(&out), "| a: 1") != NULL &&
                   strstr(assay_buf_str(&out), "n:1:1: error: shown") != NULL;
    assay_yaml_free(y);
    assay_diags_free(d);
    return complete;
}

static int use_atomic_file(void)
{
    struct assay_atomic_file *f;
    if (assay_atomic_open("/tmp/assay-nomem-test", 0600, &f, NULL) != ASSAY_OK) {
        return 0;
    }
    assay_atomic_abort(f);
    return 1;
}

static void buffers(void **state)
{
    (void)state;
    assert_true(exhaust(use_buffer) > 3);
}

static void arenas(void **state)
{
    (void)state;
    assert_true(exhaust(use_arena) > 3);
}

static void keyed_hashes(void **state)
{
    (void)state;
    assert_int_equal(exhaust(use_hmac), 2);
}

static void documents(void **state)
{
    (void)state;
    assert_true(exhaust(use_yaml) > 5);
}

static void atomic_files(void **state)
{
    (void)state;
    assert_true(exhaust(use_atomic_file) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers),   cmocka_unit_test(arenas),       cmocka_unit_test(keyed_hashes),
        cmocka_unit_test(documents), cmocka_unit_test(atomic_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
