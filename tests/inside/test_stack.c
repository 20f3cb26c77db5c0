/* SPDX-License-Identifier: MIT */
/* Stacks: guards of both kinds, overflows with a name, refusals without memory. */
#include <asyncio.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/stack.h"
#include "base/sys.h"
#include "suite.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static int old_madvise(void *p, size_t size, int advice)
{
    if (advice == MADV_GUARD_INSTALL) {
        errno = EINVAL;
        return -1;
    }
    return async__sys_kernel.madvise(p, size, advice);
}

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

/* --- overflow --- */

static int burn(int depth)
{
    volatile char frame[512];
    memset((char *)frame, depth, sizeof frame);
    return depth == 0 ? frame[0] : burn(depth - 1) + frame[100];
}

ASYNC_DEF(recurses)
{
    return burn(1 << 20) ? 1 : 0;
}

ASYNC_DEF(big_frame)
{
    char frame[200 * 1024];
    memset(frame, 1, sizeof frame);
    __asm__ volatile("" : : "r"(frame) : "memory");
    return 0;
}

ASYNC_DEF(starts, (bool)big)
{
    await_task_auto t = async_create_task(big ? big_frame() : recurses(), .name = "victim");
    return await_task(t);
}

static volatile char *volatile nowhere = NULL;

static void wild(void)
{
    *(nowhere + 16) = 1;
}

ASYNC_DEF(goes_wild)
{
    wild();
    return 0;
}

/* What the process says that runs co, and how it ends. */
static int last_words(async_co co, char *said, size_t size)
{
    int status, fds[2];
    size_t n = 0;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        alarm(20);
        _exit(async_run(co, .virtual_clock = true) < 0);
    }
    close(fds[1]);
    for (ssize_t r; n < size - 1 && (r = read(fds[0], said + n, size - 1 - n)) > 0;)
        n += (size_t)r;
    said[n] = '\0';
    close(fds[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static void check_overflow(bool big)
{
    static char said[16384];
    int status = last_words(starts(big), said, sizeof said);
    ck_assert_msg(strstr(said, "stack overflow in task \"victim\""), "said: %s", said);
    ck_assert_msg(strstr(said, big ? "(big_frame)" : "(recurses)"), "said: %s", said);
    ck_assert_msg(strstr(said, "65536 bytes"), "said: %s", said);
    ck_assert_msg(strstr(said, ".stack_size = 262144"), "said: %s", said);
    ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

START_TEST(overflow_by_recursion)
{
    check_overflow(false);
}
END_TEST

START_TEST(overflow_by_a_big_frame)
{
    check_overflow(true);
}
END_TEST

START_TEST(overflow_with_mprotect)
{
    async__sys.madvise = old_madvise;
    check_overflow(false);
}
END_TEST

/* Another fault is not called an overflow, and ends the process all the same. */
START_TEST(other_faults)
{
    static char said[16384];
    int status = last_words(goes_wild(), said, sizeof said);
    ck_assert_ptr_null(strstr(said, "stack overflow"));
    ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}
END_TEST

static void on_segv(int sig)
{
    (void)sig;
    (void)!write(STDERR_FILENO, "the program's own\n", 18);
    _exit(3);
}

/* Whoever had the signal before gets what is not ours; the handler is put back. */
START_TEST(program_has_a_handler)
{
    static char said[16384];
    struct sigaction now;
    signal(SIGSEGV, on_segv);
    int status = last_words(goes_wild(), said, sizeof said);
    if (!UNDER_VALGRIND) /* which has its own opinion of such a process */
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    ck_assert_str_eq(said, "the program's own\n");
    ck_assert_int_eq(async_run(async_sleep(0)), 0);
    sigaction(SIGSEGV, NULL, &now);
    ck_assert(now.sa_handler == on_segv);
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
    await_group (r, g) {
        async_spawn(g, async_sleep(100), .stack_size = 1 << 21);
        async_spawn(g, async_sleep(100));
    }
    ck_assert_int_eq(r, -ENOMEM);
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

SUITE("stack", guards, guards_by_mprotect, classes, pool_and_trim, overflow_by_recursion,
      overflow_by_a_big_frame, overflow_with_mprotect, other_faults, program_has_a_handler,
      no_memory_for_a_stack, mappings_fail, guards_fail)
