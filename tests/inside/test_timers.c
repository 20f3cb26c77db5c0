/* SPDX-License-Identifier: MIT */
/* Tests of timers against a simple model: a sorted list of all timers, fast enough for a million
 * operations. */
#include "../frame/capture.h"
#include "../frame/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "loop/timers.h"

enum { MOST = 700 };

struct armed {
    int64_t when;
    uint32_t slot;
    _Alignas(8) char thing[8]; /* the timer refers to its address */
};

/* By time, then by order of arming. */
static struct armed *list[MOST];
static size_t count;
static struct armed things[MOST + 1];
static struct armed *unused[MOST + 1];
static size_t nunused;

static uint64_t random_state = 88172645463325252;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void model_arm(struct armed *a)
{
    size_t i = count++;
    for (; i > 0 && list[i - 1]->when > a->when; i--)
        list[i] = list[i - 1];
    list[i] = a;
}

static void model_remove(size_t i)
{
    unused[nunused++] = list[i];
    memmove(&list[i], &list[i + 1], (--count - i) * sizeof *list);
}

static void arm(struct timers *t, int64_t now)
{
    struct armed *a = unused[--nunused];
    uint64_t r = next_random();
    a->when = r % 50 == 0 ? NEVER - 1 : now + (int64_t)(r % 1000); /* often equal */
    a->slot = async__timer_arm(t, a->when, a->thing, (enum timer_tag)(a - things) % TIMER_FREE);
    expect_true(a->slot != 0);
    model_arm(a);
}

static void expire(struct timers *t, int64_t now)
{
    enum timer_tag tag;
    for (void *what; (what = async__timer_take(t, now, &tag));) {
        expect_true(count > 0);
        struct armed *first = list[0];
        expect_true(first->when <= now);
        expect_true(what == first->thing);
        expect_true((int)tag == (int)((first - things) % TIMER_FREE));
        model_remove(0);
    }
    expect_true(count == 0 || list[0]->when > now);
}

static void against_the_model(struct timers *t, long operations)
{
    int64_t now = 0;
    for (size_t i = 0; i <= MOST; i++)
        unused[nunused++] = &things[i];
    for (long i = 0; i < operations; i++) {
        uint64_t r = next_random() % 100;
        unsigned arming = i / 10000 % 2 ? 30 : 55;
        if (r < arming && count < MOST) {
            arm(t, now);
        } else if (r < 90 && count > 0) {
            size_t k = next_random() % count;
            async__timer_cancel(t, list[k]->slot);
            model_remove(k);
        } else {
            now += (int64_t)(next_random() % 20);
            expire(t, now);
        }
        expect_true(t->live == count);
        if (i % 97 == 0)
            expect_true(async__timer_next(t) == (count > 0 ? list[0]->when : NEVER));
        if (i % 1009 == 0)
            expect_true(async__timers_check(t));
        expect_true(t->count <= 2 * t->live + 80); /* cancelled ones do not pile up */
    }
    expire(t, NEVER - 1);
    expect_ok(t->live);
}

TEST(million_timer_operations_agree_with_model)
{
    struct timers t;
    expect_ok(async__timers_open(&t));
    against_the_model(&t, 1000000);
    async__timers_close(&t);
}

static void *map_little(size_t size)
{
    return size <= 64 * 1024 ? async__sys_kernel.map(size) : NULL;
}

/* The arrays start small, and move when they grow. */
TEST(timer_arrays_grow_where_address_space_is_short)
{
    struct timers t;
    async__sys.map = map_little;
    expect_ok(async__timers_open(&t));
    uint32_t room = t.room;
    expect_less(room, 10000);
    static char thing[8] __attribute__((aligned(8)));
    for (int64_t i = 0; i < 10000; i++)
        async__timer_arm(&t, i * 7919 % 10000, thing, TIMER_SLEEP);
    expect_greater(t.room, room);
    expect_true(async__timers_check(&t));
    enum timer_tag tag;
    for (int64_t i = 0; i < 10000; i++) {
        expect_true(async__timer_next(&t) == i);
        expect_true(async__timer_take(&t, i, &tag) == thing);
        expect_true(!async__timer_take(&t, i, &tag));
    }
    against_the_model(&t, 20000);
    async__timers_close(&t);
}

static void *no_map(size_t size)
{
    (void)size;
    return NULL;
}

TEST(timers_without_memory_cannot_be_opened)
{
    struct timers t;
    async__sys.map = no_map;
    expect_int(async__timers_open(&t), -ENOMEM);
}

TEST(last_timer_survives_removal_of_cancelled_ones)
{
    static char thing[256][8] __attribute__((aligned(8)));
    enum timer_tag tag;
    for (int n = 1; n < 256; n++) {
        struct timers t;
        uint32_t slot[256];
        expect_ok(async__timers_open(&t));
        expect_true(!async__timer_take(&t, NEVER, &tag));
        for (int i = 0; i < n; i++)
            slot[i] = async__timer_arm(&t, i, thing[i], TIMER_SLEEP);
        for (int i = 0; i < n - 1; i++)
            async__timer_cancel(&t, slot[i]);
        expect_true(async__timers_check(&t));
        expect_true(async__timer_next(&t) == n - 1);
        expect_true(async__timer_take(&t, NEVER, &tag) == thing[n - 1]);
        expect_true(!async__timer_take(&t, NEVER, &tag));
        async__timers_close(&t);
    }
}

/* Arming cannot fail. Without memory for it, the process aborts with a message. */
static int remaps_left;

static void *few_remaps(void *p, size_t old, size_t size)
{
    return remaps_left-- > 0 ? async__sys_kernel.remap(p, old, size) : NULL;
}

static void arm_until_the_end(void)
{
    static char thing[8] __attribute__((aligned(8)));
    struct timers t;
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    signal(SIGABRT, SIG_DFL);
    async__sys.map = map_little;
    expect_true(async__timers_open(&t) == 0);
    async__sys.remap = few_remaps;
    for (int i = 0; i < 100000; i++)
        async__timer_arm(&t, i, thing, TIMER_SLEEP);
    _exit(0);
}

TEST(arming_without_memory_aborts_with_message)
{
    for (int remaps = 0; remaps < 4; remaps++) {
        int status;
        capture_stderr_begin();
        pid_t pid = fork();
        expect_at_least(pid, 0);
        if (pid == 0) {
            remaps_left = remaps;
            arm_until_the_end();
        }
        expect_int(waitpid(pid, &status, 0), pid);
        expect_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        expect_text(captured_stderr(), "asyncio: out of memory: cannot arm another timer\n");
        capture_stderr_end();
    }
}

TEST(equal_deadlines_keep_order_when_counter_wraps)
{
    struct timers t;
    static char thing[256][8] __attribute__((aligned(8)));
    enum timer_tag tag;
    expect_ok(async__timers_open(&t));
    t.order = UINT32_MAX - 100;
    for (int i = 0; i < 256; i++)
        async__timer_arm(&t, 5, thing[i], TIMER_CALLBACK);
    for (int i = 0; i < 256; i++)
        expect_ptr(async__timer_take(&t, 5, &tag), thing[i]);
    async__timers_close(&t);
}

TEST(seconds_are_converted_upwards_and_saturate)
{
    expect_ok(ns_of(0));
    expect_ok(ns_of(-1));
    expect_ok(ns_of(__builtin_nan("")));
    expect_int(ns_of(1.5), INT64_C(1500000000));
    expect_int(ns_of(1e-12), 1); /* up: nothing is early */
    expect_int(ns_of(__builtin_inf()), NEVER);
    expect_int(ns_of(1e300), NEVER);
    expect_int(ns_after(NEVER - 1, 5), NEVER);
    expect_int(ns_after(5, NEVER), NEVER);
    expect_int(ns_after(5, 6), 11);
}

/* --- growing that fails for a while --- */

static int failing_remap; /* how many calls to let pass before the one that fails */

static void *one_remap_fails(void *p, size_t old, size_t size)
{
    return failing_remap-- == 0 ? NULL : async__sys_kernel.remap(p, old, size);
}

TEST(growing_that_failed_is_repeated)
{
    static char thing[8] __attribute__((aligned(8)));
    for (int call = 0; call < 2; call++) {
        struct timers t;
        expect_ok(async__timers_open(&t));
        uint32_t room = t.room;
        failing_remap = call;
        async__sys.remap = one_remap_fails;
        for (int64_t i = 0; i < room; i++)
            async__timer_arm(&t, i, thing, TIMER_SLEEP);
        expect_int(t.room, 2 * room);
        expect_less(failing_remap, 0);
        expect_true(async__timers_check(&t));
        async__timers_close(&t);
    }
}

static void *no_remap(void *p, size_t old, size_t size)
{
    (void)p, (void)old, (void)size;
    fail_test("the arrays grow");
    return NULL;
}

TEST(timers_do_not_grow_beyond_their_limit)
{
    static char thing[8] __attribute__((aligned(8)));
    struct timers t;
    expect_ok(async__timers_open(&t));
    uint32_t room = t.room;
    t.room = 1u << 30;
    t.grow_at = t.used;
    async__sys.remap = no_remap;
    async__timer_arm(&t, 1, thing, TIMER_SLEEP);
    expect_int(t.room, 1u << 30);
    t.room = room;
    async__timers_close(&t);
}

TEST(check_finds_entry_out_of_order)
{
    static char thing[8] __attribute__((aligned(8)));
    struct timers t;
    expect_ok(async__timers_open(&t));
    async__timer_arm(&t, 1, thing, TIMER_SLEEP);
    async__timer_arm(&t, 2, thing, TIMER_SLEEP);
    expect_true(async__timers_check(&t));
    t.heap[1].when = 0;
    expect_false(async__timers_check(&t));
    async__timers_close(&t);
}

SUITE("inside-timers", million_timer_operations_agree_with_model,
      timer_arrays_grow_where_address_space_is_short, last_timer_survives_removal_of_cancelled_ones,
      arming_without_memory_aborts_with_message, timers_without_memory_cannot_be_opened,
      equal_deadlines_keep_order_when_counter_wraps, seconds_are_converted_upwards_and_saturate,
      growing_that_failed_is_repeated, timers_do_not_grow_beyond_their_limit,
      check_finds_entry_out_of_order)
