/* SPDX-License-Identifier: Apache-2.0
 *
 * The board on which a worker says what it has in hand: what is told is read, and whatever else a
 * worker may write there is harmless. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/limits.h"
#include "daemon/hand.h"
#include "engine/audit.h"

#define LENS  8                                                       /* behind the magic */
#define NAMES (LENS + 4 * (off_t)ASSAY_AUDIT_SLOTS(ASSAY_LIMIT_JOBS)) /* behind the lengths */

static int fd = -1;
static struct assay_hand *hand;
static char heard[65536];

static int setup(void **state)
{
    (void)state;
    fd = memfd_create("job", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    hand = NULL;
    return fd < 0 || write(fd, "{\"run\":1}", 9) != 9;
}

static int teardown(void **state)
{
    (void)state;
    assay_hand_close(hand);
    return close(fd);
}

static enum assay_status hear(void *ctx, struct assay_bytes name)
{
    size_t len = strlen(heard);
    (void)ctx;
    (void)snprintf(heard + len, sizeof heard - len, "%.*s|", (int)name.len, name.ptr);
    return ASSAY_OK;
}

static const char *in_hand(void)
{
    heard[0] = '\0';
    assert_int_equal(assay_hand_read(fd, hear, NULL), ASSAY_OK);
    return heard;
}

static void open_board(void)
{
    hand = assay_hand_open(fd);
    assert_non_null(hand);
}

static void put_at(off_t at, const void *data, size_t len)
{
    assert_int_equal(pwrite(fd, data, len, at), (ssize_t)len);
}

static void what_is_told_is_read(void **state)
{
    (void)state;
    assert_string_equal(in_hand(), ""); /* still a job */
    open_board();
    assert_string_equal(in_hand(), "");
    assay_hand_tell(hand, 3, "train/c.jsonl");
    assay_hand_tell(hand, 0, "a \xff b");
    assert_string_equal(in_hand(), "a \xff b|train/c.jsonl|");
    assay_hand_tell(hand, 3, "d");
    assert_string_equal(in_hand(), "a \xff b|d|");
    assay_hand_tell(hand, 0, NULL);
    assert_string_equal(in_hand(), "d|");
    assay_hand_close(hand); /* as when the worker has ended */
    hand = NULL;
    assert_string_equal(in_hand(), "d|");
}

static void what_has_no_room_is_not_told(void **state)
{
    char name[ASSAY_LIMIT_NAME + 2];
    (void)state;
    open_board();
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assay_hand_tell(hand, 0, "before");
    assay_hand_tell(hand, 0, name); /* the slot holds something else now, not what was before */
    assert_string_equal(in_hand(), "");
    name[ASSAY_LIMIT_NAME] = '\0';
    assay_hand_tell(hand, 0, name);
    assert_int_equal(strlen(in_hand()), ASSAY_LIMIT_NAME + 1);
    assay_hand_tell(hand, ASSAY_AUDIT_SLOTS(ASSAY_LIMIT_JOBS), "beyond");
    assay_hand_tell(hand, 0, "");
    assert_string_equal(in_hand(), "");
    assay_hand_tell(NULL, 0, "nobody listens");
}

static void whatever_a_worker_writes_is_harmless(void **state)
{
    static const uint32_t lengths[] = {UINT32_MAX, ASSAY_LIMIT_NAME + 1, 3};
    (void)state;
    open_board();
    assay_hand_tell(hand, 9, "honest");
    put_at(LENS, lengths, sizeof lengths);
    put_at(NAMES + 2 * (off_t)ASSAY_LIMIT_NAME, "a\0b", 3); /* no name has a zero */
    assert_string_equal(in_hand(), "honest|");
    put_at(0, "other", 5);
    assert_string_equal(in_hand(), "");
    put_at(0, "in hand\n", 8);
    assert_string_equal(in_hand(), "honest|");
    assay_hand_close(hand);
    hand = NULL;
    for (off_t len = NAMES + 9 * (off_t)ASSAY_LIMIT_NAME + 6; len > 0; len = len / 2 - 1) {
        assert_int_equal(ftruncate(fd, len), 0); /* a name, names, lengths, the magic cut off */
        (void)in_hand();
    }
    assert_string_equal(in_hand(), "");
}

static enum assay_status refuse(void *ctx, struct assay_bytes name)
{
    unsigned *n = ctx;
    (void)name;
    ++*n;
    return ASSAY_FULL;
}

static void who_reads_may_stop(void **state)
{
    unsigned n = 0;
    (void)state;
    open_board();
    assay_hand_tell(hand, 0, "a");
    assay_hand_tell(hand, 1, "b");
    assert_int_equal(assay_hand_read(fd, refuse, &n), ASSAY_FULL);
    assert_int_equal(n, 1);
    assert_int_equal(assay_hand_read(-1, refuse, &n), ASSAY_OK);
}

/* Started by hand with a real file as standard input, a worker must not empty it. */
static void a_file_that_others_see_is_left_alone(void **state)
{
    char path[] = "/var/tmp/assay-hand-XXXXXX";
    char content[8] = "";
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    (void)unlink(path);
    assert_int_equal(write(file, "mine", 4), 4);
    assert_null(assay_hand_open(file));
    assert_int_equal(pread(file, content, sizeof content, 0), 4);
    assert_string_equal(content, "mine");
    (void)close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_told_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_no_room_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(whatever_a_worker_writes_is_harmless, setup, teardown),
        cmocka_unit_test_setup_teardown(who_reads_may_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_others_see_is_left_alone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
