/* SPDX-License-Identifier: MIT */
/* Stacks: guards of both kinds, refusals without memory. */
#include <asyncio.h>

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/stack.h"
#include "base/sys.h"
#include "old_kernel.h"
#include "suite.h"

static void is_fault(int sig)
{
    (void)sig;
    _exit(1);
}

/* Does a touch of this byte raise SIGSEGV? */
static bool faults(volatile char *at)
{
    int status;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        signal(SIGSEGV, is_fault);
        *at = 1;
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status) == 1;
}

static void check_guards(bool by_mprotect)
{
    struct stacks s = { 0 };
    struct stack k[3];
    uint8_t class;
    ck_assert(async__stack_class(0, &class));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(async__stack_take(&s, class, &k[i]), 0);
        ck_assert_uint_eq(stack_size(&k[i]), STACK_DEFAULT);
        memset(k[i].bottom, 0x5a, stack_size(&k[i]));
    }
    for (int i = 0; i < 3; i++) {
        ck_assert(faults(k[i].bottom - 1));
        ck_assert(faults(k[i].bottom - STACK_GUARD));
        ck_assert(!faults(k[i].bottom));
        ck_assert(!faults(k[i].bottom + stack_size(&k[i]) - 1));
        for (int j = 0; j < i; j++) /* apart */
            ck_assert_uint_ge((size_t)(k[i].bottom > k[j].bottom ? k[i].bottom - k[j].bottom
                                                                 : k[j].bottom - k[i].bottom),
                              STACK_DEFAULT + STACK_GUARD);
    }
    if (by_mprotect)
        ck_assert(s.by_mprotect);
    ck_assert_uint_eq(async__stacks_live(&s), 3);
    for (int i = 0; i < 3; i++)
        async__stack_give(&s, &k[i]);
    ck_assert_uint_eq(async__stacks_live(&s), 0);
    async__stacks_close(&s);
}

START_TEST(guards)
{
    check_guards(false);
}
END_TEST

START_TEST(guards_by_mprotect)
{
    async__sys.madvise = old_madvise;
    check_guards(true);
}
END_TEST

START_TEST(classes)
{
    uint8_t class;
    ck_assert(async__stack_class(1, &class));
    ck_assert_uint_eq(class, 0);
    ck_assert(async__stack_class(1 << STACK_MIN_SHIFT, &class));
    ck_assert_uint_eq(class, 0);
    ck_assert(async__stack_class((1 << STACK_MIN_SHIFT) + 1, &class));
    ck_assert_uint_eq(class, 1);
    ck_assert(async__stack_class((size_t)1 << 30, &class));
    ck_assert_uint_eq(class, STACK_CLASSES - 1);
    ck_assert(!async__stack_class(((size_t)1 << 30) + 1, &class));
    ck_assert(!async__stack_class(SIZE_MAX, &class));
}
END_TEST

static size_t largest_map = SIZE_MAX;

static void *small_maps(size_t size)
{
    return size <= largest_map ? async__sys_kernel.map(size) : NULL;
}

/* Address space was short when the first were made, and is not any more: regions of all sizes, in any order. */
START_TEST(regions_of_many_sizes)
{
    enum { N = 200 };
    static const size_t slots[] = { 4, 1, 9, 2, 100, 3 };
    struct stacks s = { 0 };
    static struct stack k[N];
    uint8_t class;
    ck_assert(async__stack_class(0, &class));
    async__sys.map = small_maps;
    for (int i = 0; i < N; i++) {
        largest_map = slots[(size_t)i / 10 % 6] * (STACK_DEFAULT + STACK_GUARD);
        ck_assert_int_eq(async__stack_take(&s, class, &k[i]), 0);
        memset(k[i].bottom, i, 64);
        memset(k[i].bottom + STACK_DEFAULT - 64, i, 64);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) { /* nobody else's */
            must(k[i].bottom[0] == (char)i);
            must(k[i].bottom[STACK_DEFAULT - 1] == (char)i);
            async__stack_give(&s, &k[i]);
        }
        for (int i = 0; i < N; i++) {
            must(async__stack_take(&s, class, &k[i]) == 0);
            k[i].bottom[0] = k[i].bottom[STACK_DEFAULT - 1] = (char)i;
        }
    }
    async__stacks_close(&s);
}
END_TEST

/* Larger than a region is elsewhere. */
START_TEST(largest_stack)
{
    struct stacks s = { 0 };
    struct stack k;
    uint8_t class;
    ck_assert(async__stack_class((size_t)1 << 30, &class));
    if (async__stack_take(&s, class, &k) == 0) { /* a small machine refuses */
        ck_assert_uint_eq(stack_size(&k), (size_t)1 << 30);
        k.bottom[0] = k.bottom[((size_t)1 << 30) - 1] = 1;
        async__stack_give(&s, &k);
    }
    async__stacks_close(&s);
}
END_TEST

/* The latest one that was given back is the first to be taken: it is warm. */
START_TEST(pool_and_trim)
{
    enum { N = 300 };
    struct stacks s = { 0 };
    static struct stack k[N];
    struct stack again;
    uint8_t class;
    ck_assert(async__stack_class(0, &class));
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(async__stack_take(&s, class, &k[i]), 0);
        k[i].bottom[100] = 1;
    }
    ck_assert(!async__stacks_surplus(&s)); /* none is free */
    for (int i = 0; i < N; i++)
        async__stack_give(&s, &k[i]);
    ck_assert_int_eq(async__stack_take(&s, class, &again), 0);
    ck_assert_ptr_eq(again.bottom, k[N - 1].bottom);
    async__stack_give(&s, &again);
    int rounds = 0;
    for (; async__stacks_surplus(&s); async__stacks_trim(&s, 10))
        ck_assert_int_lt(++rounds, N);
    ck_assert_int_gt(rounds, 3);
    int zero = 0;
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(async__stack_take(&s, class, &k[i]), 0);
        zero += k[i].bottom[100] == 0;
    }
    ck_assert_int_gt(zero, 100); /* their pages went back */
    ck_assert_uint_eq(s.classes[class].used, N);
    async__stacks_close(&s);
}
END_TEST

/* --- no memory --- */

static int maps_left;

static void *few_maps(size_t size)
{
    if (maps_left <= 0)
        return NULL;
    maps_left--;
    return async__sys_kernel.map(size);
}

static int no_mprotect(void *p, size_t size, int prot)
{
    (void)p;
    (void)size;
    (void)prot;
    errno = ENOMEM;
    return -1;
}

static int no_guards(void *p, size_t size, int advice)
{
    if (advice == MADV_GUARD_INSTALL) {
        errno = ENOMEM;
        return -1;
    }
    return async__sys_kernel.madvise(p, size, advice);
}

ASYNC_DEF(needs_stacks)
{
    int r;
    maps_left = 0;
    async__sys.mprotect = no_mprotect;
    async__sys.madvise = no_guards;
    await_task_auto t =
            async_create_task(async_sleep(1), .stack_size = 1 << 20); /* another class: fresh */
    ck_assert_int_eq(await_task(t), -ENOMEM);
    ck_assert_str_eq(async_fail_text(-ENOMEM), "no memory for a stack");
    await_group (r, g) {
        async_spawn(g, async_sleep(100), .stack_size = 1 << 21);
        async_spawn(g, async_sleep(100));
    }
    ck_assert_int_eq(r, -ENOMEM);
    ck_assert_str_eq(async_fail_text(-ENOMEM), "no memory for a stack");
    ck_assert_int_eq(await_sleep(1), 0);
    async__sys = async__sys_kernel;
    await_task_auto u = async_create_task(async_sleep(1), .stack_size = 1 << 20);
    ck_assert_int_eq(await_task(u), 0);
    return 0;
}

START_TEST(no_memory_for_a_stack)
{
    maps_left = 100;
    async__sys.map = few_maps;
    ck_assert_int_eq(async_run(needs_stacks(), .virtual_clock = true), 0);
}
END_TEST

/* Every mapping of a run fails once, and all from it on: -ENOMEM or success, never a hang. */
ASYNC_DEF(some_tasks)
{
    int r[3];
    return await_gather(r, async_sleep(1), async_sleep(2), async_sleep(0));
}

START_TEST(mappings_fail)
{
    int refused = 0, r = -1;
    for (int allowed = 0; r != 0; allowed++) {
        ck_assert_int_lt(allowed, 50);
        async__sys.map = few_maps;
        maps_left = allowed;
        r = async_run(some_tasks(), .virtual_clock = true);
        ck_assert_msg(r == 0 || r == -ENOMEM, "%d mappings: %d", allowed, r);
        refused += r < 0;
        async__sys = async__sys_kernel;
    }
    ck_assert_int_gt(refused, 2);
}
END_TEST

START_TEST(guards_fail)
{
    async__sys.madvise = old_madvise;
    async__sys.mprotect = no_mprotect;
    ck_assert_int_eq(async_run(some_tasks(), .virtual_clock = true), -ENOMEM);
    async__sys.madvise = no_guards;
    ck_assert_int_eq(async_run(some_tasks(), .virtual_clock = true), -ENOMEM);
}
END_TEST

static int refusal;

/* A system call filter may refuse an advice that it does not know: gVisor, Docker and systemd answer
 * EPERM or ENOSYS. */
static int filtered_madvise(void *p, size_t size, int advice)
{
    if (advice == MADV_GUARD_INSTALL) {
        errno = refusal;
        return -1;
    }
    return async__sys_kernel.madvise(p, size, advice);
}

START_TEST(guards_are_made_by_mprotect_where_madvise_is_not_permitted)
{
    static const int refusals[] = { EPERM, ENOSYS };
    async__sys.madvise = filtered_madvise;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        refusal = refusals[i];
        check_guards(true);
        ck_assert_int_eq(async_run(some_tasks(), .virtual_clock = true), 0);
    }
}
END_TEST

SUITE("stack", guards_are_made_by_mprotect_where_madvise_is_not_permitted,
      guards, guards_by_mprotect, classes, regions_of_many_sizes, largest_stack,
      pool_and_trim, no_memory_for_a_stack, mappings_fail, guards_fail)
