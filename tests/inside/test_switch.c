/* SPDX-License-Identifier: MIT */
/* What must survive a switch: registers, errno, floating point control; 10^5 of them. */
#include <asyncio.h>

#include <check.h>
#include <errno.h>
#include <fenv.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "arch/fp.h"
#include "suite.h"

enum { ROUNDS = 50000 };

/* Two tasks with different errno, 10^5 switches. */
ASYNC_DEF(keeps_errno, (int)mine)
{
    for (int i = 0; i < ROUNDS; i++) {
        errno = mine;
        must(await_sleep(0) == 0);
        must(errno == mine);
    }
    return 0;
}

ASYNC_DEF(spoils_errno)
{
    for (int i = 0; i < ROUNDS; i++) {
        errno = i;
        if (i % 1000 == 0)
            must(await_sleep(0.001) == 0);
        else
            must(await_sleep(0) == 0);
        must(errno == i);
    }
    return 0;
}

ASYNC_DEF(errnos)
{
    return await_gather(NULL, keeps_errno(EDOM), keeps_errno(ERANGE), spoils_errno());
}

START_TEST(errno_is_each_tasks)
{
    ck_assert_int_eq(async_run(errnos(), .virtual_clock = true), 0);
}
END_TEST

/* One task rounds up and flushes to zero, another must not see it. */
static double third(void)
{
    volatile double one = 1, three = 3;
    return one / three;
}

ASYNC_DEF(rounds, (int)mode, (bool)suspend)
{
    fesetround(mode);
    double expected = third();
    for (int i = 0; i < ROUNDS; i++) {
        must(await_sleep(suspend && i % 100 == 0 ? 0.001 : 0) == 0);
        must(fegetround() == mode);
        must(third() == expected);
    }
    return 0;
}

ASYNC_DEF(new_tasks_are_plain)
{
    for (int i = 0; i < 1000; i++) {
        must(await_sleep(0) == 0);
        must(fegetround() == FE_TONEAREST);
    }
    return 0;
}

ASYNC_DEF(roundings)
{
    fesetround(FE_DOWNWARD); /* ours is not theirs */
    int r = await_gather(NULL, rounds(FE_UPWARD, false), rounds(FE_DOWNWARD, true),
                         rounds(FE_TOWARDZERO, false), new_tasks_are_plain());
    must(fegetround() == FE_DOWNWARD);
    ck_assert_int_eq(r, 0);
    return await_gather(NULL, new_tasks_are_plain()); /* on a stack whose last owner rounded up */
}

static int in_callback = -1;

static void looks(void *arg)
{
    (void)arg;
    in_callback = fegetround();
}

ASYNC_DEF(callback_is_plain)
{
    async_callback cb = { 0 };
    fesetround(FE_UPWARD);
    async_call_soon(&cb, looks, NULL);
    must(await_sleep(0) == 0);
    ck_assert_int_eq(in_callback, FE_TONEAREST);
    return 0;
}

START_TEST(rounding_is_each_tasks)
{
    ck_assert_int_eq(async_run(roundings(), .virtual_clock = true), 0);
    must(fegetround() == FE_TONEAREST);
    ck_assert_int_eq(async_run(callback_is_plain(), .virtual_clock = true), 0);
    must(fegetround() == FE_TONEAREST);
}
END_TEST

/* The two control words apart: the x87 one alone, mxcsr alone. */
#if defined(__x86_64__)
static void set_words(uint32_t mxcsr, uint16_t x87)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    __asm__ volatile("fldcw %0" : : "m"(x87));
}

ASYNC_DEF(keeps_words, (uint32_t)mxcsr, (uint16_t)x87)
{
    set_words(mxcsr, x87);
    for (int i = 0; i < ROUNDS; i++) {
        struct fp_control c;
        must(await_sleep(i % 64 ? 0 : 0.001) == 0);
        fp_control_get(&c);
        must(c.word == mxcsr);
        must(c.x87 == x87);
    }
    return 0;
}

ASYNC_DEF(words)
{
    return await_gather(NULL, keeps_words(0x1f80, 0x37f), keeps_words(0x9f80, 0x37f), /* flush to zero */
                        keeps_words(0x1f80, 0x27f), keeps_words(0x5f80, 0xf7f));
}

START_TEST(control_words)
{
    if (UNDER_VALGRIND) /* it knows the rounding modes and nothing else of them */
        return;
    ck_assert_int_eq(async_run(words(), .virtual_clock = true), 0);
}
END_TEST
#else
START_TEST(control_words) {}
END_TEST
#endif

/* Callee-saved registers: values that the compiler must keep across the call, more than there are registers, held
 * there as long as it can. */
#define EIGHT(m) m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7)

ASYNC_DEF(keeps_registers, (uint64_t)seed)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
#define SET(n)                                                                                     \
    uint64_t a##n = (seed + n) * (i + 1);                                                          \
    double d##n = (double)(seed + i) / (n + 1);                                                    \
    __asm__ volatile("" : "+r"(a##n));
        EIGHT(SET)
        must(await_sleep(0) == 0);
#define TEST(n)                                                                                    \
    __asm__ volatile("" : "+r"(a##n));                                                             \
    must(a##n == (seed + n) * (i + 1));                                                            \
    must(d##n == (double)(seed + i) / (n + 1));
        EIGHT(TEST)
    }
    return 0;
}

ASYNC_DEF(registers)
{
    return await_gather(NULL, keeps_registers(1), keeps_registers(UINT64_C(0x123456789abcdef)),
                        keeps_registers(77));
}

START_TEST(registers_survive)
{
    ck_assert_int_eq(async_run(registers(), .virtual_clock = true), 0);
}
END_TEST

/* The calling convention's own registers, by name. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static int yield(void)
{
    return await_sleep(0);
}

static __attribute__((noinline)) int named_registers(uint64_t v, uint64_t got[5])
{
    int r;
    int (*call)(void) = yield;
    uint64_t out[5];
    /* rsp is kept in r15's place on the stack: align it for the call, and leave the red zone alone. */
    __asm__ volatile("movq  %%rsp, %%r8\n\t"
                     "subq  $256, %%rsp\n\t"
                     "andq  $-16, %%rsp\n\t"
                     "pushq %%r8\n\t"
                     "pushq %[out]\n\t"
                     "movq  %[v], %%rbx\n\t"
                     "leaq  1(%[v]), %%r12\n\t"
                     "leaq  2(%[v]), %%r13\n\t"
                     "leaq  3(%[v]), %%r14\n\t"
                     "leaq  4(%[v]), %%r15\n\t"
                     "call  *%[call]\n\t"
                     "popq  %%rcx\n\t"
                     "popq  %%r8\n\t"
                     "movq  %%rbx, 0(%%rcx)\n\t"
                     "movq  %%r12, 8(%%rcx)\n\t"
                     "movq  %%r13, 16(%%rcx)\n\t"
                     "movq  %%r14, 24(%%rcx)\n\t"
                     "movq  %%r15, 32(%%rcx)\n\t"
                     "movq  %%r8, %%rsp"
                     : "=&a"(r)
                     : [v] "D"(v), [out] "S"(out), [call] "d"(call)
                     : "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
                       "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    memcpy(got, out, sizeof out);
    return r;
}

ASYNC_DEF(keeps_named, (uint64_t)seed)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t got[5];
        must(named_registers(seed + i, got) == 0);
        for (uint64_t k = 0; k < 5; k++)
            must(got[k] == seed + i + k);
    }
    return 0;
}

ASYNC_DEF(named)
{
    return await_gather(NULL, keeps_named(UINT64_C(0x1111111111111111)),
                        keeps_named(UINT64_C(0x7777777777777777)));
}

START_TEST(callee_saved_registers)
{
    ck_assert_int_eq(async_run(named(), .virtual_clock = true), 0);
}
END_TEST
#else
START_TEST(callee_saved_registers) {}
END_TEST
#endif

/* A task's first frame is aligned as the calling convention says. */
ASYNC_DEF(aligned)
{
    _Alignas(64) volatile char big[64] = { 0 };
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    ck_assert_uint_eq(frame % 16, 0);
    ck_assert_uint_eq((uintptr_t)big % 64, 0);
    volatile long double x = 1.5L;
    return await_sleep(x > 1 ? 0 : 1);
}

ASYNC_DEF(alignment)
{
    int r;
    await_group (r, g)
        for (int i = 0; i < 10; i++)
            async_spawn(g, aligned(), .stack_size = (size_t)20000 << i);
    return r;
}

START_TEST(stacks_are_aligned)
{
    ck_assert_int_eq(async_run(alignment(), .virtual_clock = true), 0);
}
END_TEST

/* Signals that arrive on a task's stack, at any moment of a switch. */
static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
    volatile char frame[1024];
    (void)sig;
    memset((char *)frame, 0xff, sizeof frame);
    signals++;
}

ASYNC_DEF(yields)
{
    while (signals < 200)
        if (await_sleep(0) < 0)
            return -ECANCELED;
    return 0;
}

ASYNC_DEF(interrupted)
{
    return await_gather(NULL, yields(), yields(), yields());
}

START_TEST(signals_during_switches)
{
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec every = { { 0, 100000 }, { 0, 100000 } };
    timer_t timer;
    signal(SIGUSR1, on_signal);
    ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &ev, &timer), 0);
    ck_assert_int_eq(timer_settime(timer, 0, &every, NULL), 0);
    ck_assert_int_eq(async_run(interrupted()), 0);
    timer_delete(timer);
}
END_TEST

SUITE("switch", errno_is_each_tasks, rounding_is_each_tasks, control_words, registers_survive,
      callee_saved_registers, stacks_are_aligned, signals_during_switches)
