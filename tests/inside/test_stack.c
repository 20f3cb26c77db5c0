/* SPDX-License-Identifier: MIT */
/* Stacks: guards of both kinds, overflows with a name, refusals without memory. */
#include <asyncio.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

/* Above all stacks. */
ASYNC_DEF(goes_wild_high)
{
    nowhere = (volatile char *)&environ[0][0] + ((size_t)1 << 30);
    wild();
    return 0;
}

/* With a name that the loader knows. */
int overflows_by_name(int depth);

int overflows_by_name(int depth)
{
    volatile char frame[512];
    for (size_t i = 0; i < sizeof frame; i++) /* itself: no memset() */
        frame[i] = (char)depth;
    return depth == 0 ? frame[0] : overflows_by_name(depth - 1) + frame[100];
}

ASYNC_DEF(recurses_by_name)
{
    return overflows_by_name(1 << 20) ? 1 : 0;
}

ASYNC_DEF(starts_unnamed)
{
    async_co co = recurses_by_name();
    co.name = NULL;
    await_task_auto t = async_create_task_opt(&co, NULL);
    return await_task(t);
}

ASYNC_DEF(starts_with_a_long_name)
{
    char name[1000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    await_task_auto t = async_create_task(recurses(), .name = name);
    return await_task(t);
}

static void calls_wild(void *arg)
{
    (void)arg;
    wild();
}

ASYNC_DEF(calls_back)
{
    async_callback cb;
    async_call_soon(&cb, calls_wild, NULL);
    return await_sleep(1);
}

static void *runs_wild(void *arg)
{
    wild();
    return arg;
}

ASYNC_DEF(has_a_wild_thread)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, runs_wild, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
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

START_TEST(overflow_names_the_function)
{
    static char said[16384];
    last_words(starts_unnamed(), said, sizeof said);
    ck_assert_msg(strstr(said, "stack overflow in task \"task\" (?)"), "said: %s", said);
    ck_assert_msg(strstr(said, ", at overflows_by_name "), "said: %s", said);
}
END_TEST

START_TEST(overflow_of_a_task_with_a_long_name)
{
    static char said[16384];
    last_words(starts_with_a_long_name(), said, sizeof said);
    ck_assert_msg(strstr(said, "stack overflow in task \"xxxxx"), "said: %s", said);
    ck_assert_ptr_null(strstr(said, "65536 bytes")); /* the line is full */
}
END_TEST

/* Another fault is not called an overflow, and ends the process all the same. */
static void check_other_fault(async_co co)
{
    static char said[16384];
    int status = last_words(co, said, sizeof said);
    ck_assert_ptr_null(strstr(said, "stack overflow"));
    ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

START_TEST(other_faults)
{
    check_other_fault(goes_wild());
    check_other_fault(goes_wild_high());
    check_other_fault(calls_back());
    check_other_fault(has_a_wild_thread());
    signal(SIGSEGV, SIG_IGN);
    check_other_fault(goes_wild());
}
END_TEST

ASYNC_DEF(is_sent, (int)sig)
{
    kill(getpid(), sig);
    return 0;
}

START_TEST(sent_signal_stays_ignored)
{
    signal(SIGSEGV, SIG_IGN);
    signal(SIGBUS, SIG_IGN);
    ck_assert_int_eq(async_run(is_sent(SIGSEGV)), 0);
    ck_assert_int_eq(async_run(is_sent(SIGBUS)), 0);
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

static void on_segv_info(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    (void)!write(STDERR_FILENO, "at 16\n", info->si_addr == (void *)16 ? 6 : 2);
    _exit(3);
}

START_TEST(program_has_a_handler_that_asks_for_more)
{
    static char said[16384];
    struct sigaction sa = { .sa_sigaction = on_segv_info, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &sa, NULL);
    last_words(goes_wild(), said, sizeof said);
    ck_assert_str_eq(said, "at 16\n");
}
END_TEST

ASYNC_DEF(sets_a_handler)
{
    signal(SIGSEGV, on_segv);
    return await_sleep(0);
}

/* Nothing of the program's is put back over what it has set since. */
START_TEST(program_sets_a_handler_meanwhile)
{
    struct sigaction now;
    ck_assert_int_eq(async_run(sets_a_handler()), 0);
    sigaction(SIGSEGV, NULL, &now);
    ck_assert(now.sa_handler == on_segv);
}
END_TEST

static char signal_stack[64 * 1024];

static void is_our_signal_stack(void)
{
    stack_t now;
    ck_assert_int_eq(sigaltstack(NULL, &now), 0);
    ck_assert_ptr_eq(now.ss_sp, signal_stack);
}

ASYNC_DEF(sets_a_signal_stack)
{
    const stack_t ours = { .ss_sp = signal_stack, .ss_size = sizeof signal_stack };
    ck_assert_int_eq(sigaltstack(&ours, NULL), 0);
    return 0;
}

START_TEST(program_has_a_signal_stack)
{
    const stack_t none = { .ss_flags = SS_DISABLE };
    ck_assert_int_eq(sigaltstack(&none, NULL), 0); /* a sanitizer's */
    ck_assert_int_eq(async_run(sets_a_signal_stack()), 0);
    is_our_signal_stack();
    ck_assert_int_eq(async_run(async_sleep(0)), 0);
    is_our_signal_stack();
    check_overflow(false);
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

SUITE("stack", guards, guards_by_mprotect, classes, regions_of_many_sizes, largest_stack,
      pool_and_trim, overflow_by_recursion, overflow_by_a_big_frame, overflow_with_mprotect,
      overflow_names_the_function, overflow_of_a_task_with_a_long_name, other_faults,
      sent_signal_stays_ignored, program_has_a_handler, program_has_a_handler_that_asks_for_more,
      program_sets_a_handler_meanwhile, program_has_a_signal_stack, no_memory_for_a_stack,
      mappings_fail, guards_fail)
