/* SPDX-License-Identifier: MIT */
/* Tests of stacks: guards of both kinds, and failures without memory. */
#include "../frame/suite.h"

#include <asyncio.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/stack.h"
#include "base/sys.h"
#include "old_kernel.h"

static void is_fault(int sig)
{
    (void)sig;
    _exit(1);
}

/* Returns true if reading this byte raises SIGSEGV. */
static bool faults(volatile char *at)
{
    int status;
    pid_t pid = fork();
    expect_at_least(pid, 0);
    if (pid == 0) {
        signal(SIGSEGV, is_fault);
        *at = 1;
        _exit(0);
    }
    expect_int(waitpid(pid, &status, 0), pid);
    expect_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 1;
}

static void check_guards(bool by_mprotect)
{
    struct stacks s = { 0 };
    struct stack k[3];
    uint8_t class;
    expect_true(async__stack_class(0, &class));
    for (int i = 0; i < 3; i++) {
        expect_ok(async__stack_take(&s, class, &k[i]));
        expect_int(stack_size(&k[i]), STACK_DEFAULT);
        memset(k[i].bottom, 0x5a, stack_size(&k[i]));
    }
    for (int i = 0; i < 3; i++) {
        expect_true(faults(k[i].bottom - 1));
        expect_true(faults(k[i].bottom - STACK_GUARD));
        expect_true(!faults(k[i].bottom));
        expect_true(!faults(k[i].bottom + stack_size(&k[i]) - 1));
        for (int j = 0; j < i; j++) /* apart */
            expect_at_least((size_t)(k[i].bottom > k[j].bottom ? k[i].bottom - k[j].bottom
                                                               : k[j].bottom - k[i].bottom),
                            STACK_DEFAULT + STACK_GUARD);
    }
    if (by_mprotect)
        expect_true(s.by_mprotect);
    expect_int(async__stacks_live(&s), 3);
    for (int i = 0; i < 3; i++)
        async__stack_give(&s, &k[i]);
    expect_ok(async__stacks_live(&s));
    async__stacks_close(&s);
}

TEST(guards_fault_on_both_sides)
{
    check_guards(false);
}

TEST(mprotect_guards_fault_on_both_sides)
{
    async__sys.madvise = old_madvise;
    check_guards(true);
}

TEST(stack_class_is_smallest_that_fits)
{
    uint8_t class;
    expect_true(async__stack_class(1, &class));
    expect_ok(class);
    expect_true(async__stack_class(1 << STACK_MIN_SHIFT, &class));
    expect_ok(class);
    expect_true(async__stack_class((1 << STACK_MIN_SHIFT) + 1, &class));
    expect_int(class, 1);
    expect_true(async__stack_class((size_t)1 << 30, &class));
    expect_int(class, STACK_CLASSES - 1);
    expect_true(!async__stack_class(((size_t)1 << 30) + 1, &class));
    expect_true(!async__stack_class(SIZE_MAX, &class));
}

static size_t largest_map = SIZE_MAX;

static void *small_maps(size_t size)
{
    return size <= largest_map ? async__sys_kernel.map(size) : NULL;
}

/* Address space was short when the first regions were mapped, and is not any more. */
TEST(stacks_in_regions_of_all_sizes_do_not_overlap)
{
    enum { N = 200 };
    static const size_t slots[] = { 4, 1, 9, 2, 100, 3 };
    struct stacks s = { 0 };
    static struct stack k[N];
    uint8_t class;
    expect_true(async__stack_class(0, &class));
    async__sys.map = small_maps;
    for (int i = 0; i < N; i++) {
        largest_map = slots[(size_t)i / 10 % 6] * (STACK_DEFAULT + STACK_GUARD);
        expect_ok(async__stack_take(&s, class, &k[i]));
        memset(k[i].bottom, i, 64);
        memset(k[i].bottom + STACK_DEFAULT - 64, i, 64);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) { /* no other stack has written here */
            expect_true(k[i].bottom[0] == (char)i);
            expect_true(k[i].bottom[STACK_DEFAULT - 1] == (char)i);
            async__stack_give(&s, &k[i]);
        }
        for (int i = 0; i < N; i++) {
            expect_true(async__stack_take(&s, class, &k[i]) == 0);
            k[i].bottom[0] = k[i].bottom[STACK_DEFAULT - 1] = (char)i;
        }
    }
    async__stacks_close(&s);
}

/* It is larger than a region. */
TEST(largest_stack_has_mapping_of_its_own)
{
    struct stacks s = { 0 };
    struct stack k;
    uint8_t class;
    expect_true(async__stack_class((size_t)1 << 30, &class));
    if (async__stack_take(&s, class, &k) == 0) { /* a small machine refuses */
        expect_int(stack_size(&k), (size_t)1 << 30);
        k.bottom[0] = k.bottom[((size_t)1 << 30) - 1] = 1;
        async__stack_give(&s, &k);
    }
    async__stacks_close(&s);
}

/* The stack that was freed last is still cached by the processor. */
TEST(freed_stack_is_reused_first_and_surplus_is_trimmed)
{
    enum { N = 300 };
    struct stacks s = { 0 };
    static struct stack k[N];
    struct stack again;
    uint8_t class;
    expect_true(async__stack_class(0, &class));
    for (int i = 0; i < N; i++) {
        expect_ok(async__stack_take(&s, class, &k[i]));
        k[i].bottom[100] = 1;
    }
    expect_true(!async__stacks_surplus(&s)); /* none is free */
    for (int i = 0; i < N; i++)
        async__stack_give(&s, &k[i]);
    expect_ok(async__stack_take(&s, class, &again));
    expect_ptr(again.bottom, k[N - 1].bottom);
    async__stack_give(&s, &again);
    int rounds = 0;
    for (; async__stacks_surplus(&s); async__stacks_trim(&s, 10))
        expect_less(++rounds, N);
    expect_greater(rounds, 3);
    int zero = 0;
    for (int i = 0; i < N; i++) {
        expect_ok(async__stack_take(&s, class, &k[i]));
        zero += k[i].bottom[100] == 0;
    }
    expect_greater(zero, 100); /* their pages were given back */
    expect_int(s.classes[class].used, N);
    async__stacks_close(&s);
}

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
            /* another stack class, so the stack is a new one */
            async_create_task(async_sleep(1), .stack_size = 1 << 20);
    expect_int(await_task(t), -ENOMEM);
    expect_text(async_fail_text(-ENOMEM), "no memory for a stack");
    await_group (r, g) {
        async_spawn(g, async_sleep(100), .stack_size = 1 << 21);
        async_spawn(g, async_sleep(100));
    }
    expect_int(r, -ENOMEM);
    expect_text(async_fail_text(-ENOMEM), "no memory for a stack");
    expect_ok(await_sleep(1));
    async__sys = async__sys_kernel;
    await_task_auto u = async_create_task(async_sleep(1), .stack_size = 1 << 20);
    expect_ok(await_task(u));
    return 0;
}

TEST(task_without_memory_for_stack_fails_with_enomem)
{
    maps_left = 100;
    async__sys.map = few_maps;
    expect_ok(async_run(needs_stacks(), .virtual_clock = true));
}

/* Each mapping of a run fails once, and then all from it on. The run returns -ENOMEM or succeeds,
 * but never hangs. */
ASYNC_DEF(some_tasks)
{
    int r[3];
    return await_gather(r, async_sleep(1), async_sleep(2), async_sleep(0));
}

TEST(run_with_failing_mappings_fails_or_succeeds_but_ends)
{
    int refused = 0, r = -1;
    for (int allowed = 0; r != 0; allowed++) {
        expect_less(allowed, 50);
        async__sys.map = few_maps;
        maps_left = allowed;
        r = async_run(some_tasks(), .virtual_clock = true);
        expect_that(r == 0 || r == -ENOMEM, "%d mappings: %d", allowed, r);
        refused += r < 0;
        async__sys = async__sys_kernel;
    }
    expect_greater(refused, 2);
}

TEST(run_without_guards_fails_with_enomem)
{
    async__sys.madvise = old_madvise;
    async__sys.mprotect = no_mprotect;
    expect_int(async_run(some_tasks(), .virtual_clock = true), -ENOMEM);
    async__sys.madvise = no_guards;
    expect_int(async_run(some_tasks(), .virtual_clock = true), -ENOMEM);
}

static int refusal;

/* A system-call filter may refuse an advice that it does not know. gVisor, Docker and systemd
 * return EPERM or ENOSYS. */
static int filtered_madvise(void *p, size_t size, int advice)
{
    if (advice == MADV_GUARD_INSTALL) {
        errno = refusal;
        return -1;
    }
    return async__sys_kernel.madvise(p, size, advice);
}

TEST(guards_use_mprotect_where_madvise_is_not_permitted)
{
    static const int refusals[] = { EPERM, ENOSYS };
    async__sys.madvise = filtered_madvise;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        refusal = refusals[i];
        check_guards(true);
        expect_ok(async_run(some_tasks(), .virtual_clock = true));
    }
}

SUITE("inside-stack", guards_use_mprotect_where_madvise_is_not_permitted,
      guards_fault_on_both_sides, mprotect_guards_fault_on_both_sides,
      stack_class_is_smallest_that_fits, stacks_in_regions_of_all_sizes_do_not_overlap,
      largest_stack_has_mapping_of_its_own, freed_stack_is_reused_first_and_surplus_is_trimmed,
      task_without_memory_for_stack_fails_with_enomem,
      run_with_failing_mappings_fails_or_succeeds_but_ends, run_without_guards_fails_with_enomem)
