/* SPDX-License-Identifier: MIT */
/* Tests of what must survive a stack switch: registers, errno, floating-point control. Each test
 * switches 10^5 times. */
#include "../frame/suite.h"

#include <asyncio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unwind.h>

#include "arch/fp.h"

enum { ROUNDS = 50000 };

/* Two tasks with different errno, 10^5 switches. */
ASYNC_DEF(keeps_errno, (int)mine)
{
    for (int i = 0; i < ROUNDS; i++) {
        errno = mine;
        expect_true(await_sleep(0) == 0);
        expect_true(errno == mine);
    }
    return 0;
}

ASYNC_DEF(spoils_errno)
{
    for (int i = 0; i < ROUNDS; i++) {
        errno = i;
        if (i % 1000 == 0)
            expect_true(await_sleep(0.001) == 0);
        else
            expect_true(await_sleep(0) == 0);
        expect_true(errno == i);
    }
    return 0;
}

ASYNC_DEF(errnos)
{
    return await_gather(NULL, keeps_errno(EDOM), keeps_errno(ERANGE), spoils_errno());
}

TEST(errno_survives_switches)
{
    expect_ok(async_run(errnos(), .virtual_clock = true));
}

/* One task rounds up and flushes to zero. The other task must not be affected. */
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
        expect_true(await_sleep(suspend && i % 100 == 0 ? 0.001 : 0) == 0);
        expect_true(fegetround() == mode);
        expect_true(third() == expected);
    }
    return 0;
}

ASYNC_DEF(new_tasks_are_plain)
{
    for (int i = 0; i < 1000; i++) {
        expect_true(await_sleep(0) == 0);
        expect_true(fegetround() == FE_TONEAREST);
    }
    return 0;
}

ASYNC_DEF(roundings)
{
    fesetround(FE_DOWNWARD); /* the rounding mode of this task is unchanged */
    int r = await_gather(NULL, rounds(FE_UPWARD, false), rounds(FE_DOWNWARD, true),
                         rounds(FE_TOWARDZERO, false), new_tasks_are_plain());
    expect_true(fegetround() == FE_DOWNWARD);
    expect_ok(r);
    return await_gather(NULL, new_tasks_are_plain()); /* on a stack whose last task rounded up */
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
    expect_true(await_sleep(0) == 0);
    expect_int(in_callback, FE_TONEAREST);
    return 0;
}

TEST(rounding_mode_survives_switches)
{
    expect_ok(async_run(roundings(), .virtual_clock = true));
    expect_true(fegetround() == FE_TONEAREST);
    expect_ok(async_run(callback_is_plain(), .virtual_clock = true));
    expect_true(fegetround() == FE_TONEAREST);
}

/* Set the two control words separately: x87 alone, mxcsr alone. */
#if defined(__x86_64__)
static void set_words(uint32_t mxcsr, uint16_t x87)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    __asm__ volatile("fldcw %0" : : "m"(x87));
}

ASYNC_DEF(keeps_control_words, (uint32_t)mxcsr, (uint16_t)x87)
{
    set_words(mxcsr, x87);
    for (int i = 0; i < ROUNDS; i++) {
        struct fp_control c;
        expect_true(await_sleep(i % 64 ? 0 : 0.001) == 0);
        fp_control_get(&c);
        expect_true(c.word == mxcsr);
        expect_true(c.x87 == x87);
    }
    return 0;
}

ASYNC_DEF(two_control_words)
{
    /* flush to zero */
    return await_gather(NULL, keeps_control_words(0x1f80, 0x37f),
                        keeps_control_words(0x9f80, 0x37f), keeps_control_words(0x1f80, 0x27f),
                        keeps_control_words(0x5f80, 0xf7f));
}

TEST(floating_point_control_words_survive_switches)
{
    if (UNDER_VALGRIND) /* valgrind emulates the rounding modes only */
        return;
    expect_ok(async_run(two_control_words(), .virtual_clock = true));
}
#else
TEST(floating_point_control_words_survive_switches) {}
#endif

/* More values than there are registers. The compiler must keep them across the call, in
 * callee-saved registers as far as possible. */
#define EIGHT(m) m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7)

ASYNC_DEF(keeps_registers, (uint64_t)seed)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
#define SET(n)                                                                                     \
    uint64_t a##n = (seed + n) * (i + 1);                                                          \
    double d##n = (double)(seed + i) / (n + 1);                                                    \
    __asm__ volatile("" : "+r"(a##n));
        EIGHT(SET)
        expect_true(await_sleep(0) == 0);
#define CHECK(n)                                                                                   \
    __asm__ volatile("" : "+r"(a##n));                                                             \
    expect_true(a##n == (seed + n) * (i + 1));                                                     \
    expect_true(d##n == (double)(seed + i) / (n + 1));
        EIGHT(CHECK)
    }
    return 0;
}

ASYNC_DEF(registers)
{
    return await_gather(NULL, keeps_registers(1), keeps_registers(UINT64_C(0x123456789abcdef)),
                        keeps_registers(77));
}

TEST(registers_survive_switches)
{
    expect_ok(async_run(registers(), .virtual_clock = true));
}

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
    /* rsp is saved in the slot of r15. Align the stack for the call, and skip the red zone. */
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
        expect_true(named_registers(seed + i, got) == 0);
        for (uint64_t k = 0; k < 5; k++)
            expect_true(got[k] == seed + i + k);
    }
    return 0;
}

ASYNC_DEF(named)
{
    return await_gather(NULL, keeps_named(UINT64_C(0x1111111111111111)),
                        keeps_named(UINT64_C(0x7777777777777777)));
}

TEST(callee_saved_registers_survive_switches)
{
    expect_ok(async_run(named(), .virtual_clock = true));
}
#else
TEST(callee_saved_registers_survive_switches) {}
#endif

/* The first stack frame of a task is aligned as the calling convention requires. */
ASYNC_DEF(aligned)
{
    _Alignas(64) volatile char big[64] = { 0 };
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    expect_ok(frame % 16);
    expect_ok((uintptr_t)big % 64);
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

TEST(first_stack_frame_is_aligned)
{
    expect_ok(async_run(alignment(), .virtual_clock = true));
}

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

TEST(signals_during_switches_do_no_harm)
{
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec every = { { 0, 100000 }, { 0, 100000 } };
    timer_t timer;
    signal(SIGUSR1, on_signal);
    expect_ok(timer_create(CLOCK_MONOTONIC, &ev, &timer));
    expect_ok(timer_settime(timer, 0, &every, NULL));
    expect_ok(async_run(interrupted()));
    timer_delete(timer);
}

#if defined __x86_64__ && !defined SWITCH_UCONTEXT
/* A profiler may interrupt the program between any two instructions and unwind the stack. So the
 * processor stops after each instruction, by the trap flag. */
enum { TRAP_FLAG = 0x100, FRAMES_MAX = 100 };

extern char __executable_start, etext; /* where the code of the program begins and ends */

static struct {
    bool stepping;
    int steps, lost; /* instructions; those from where the stack could not be unwound to its end */
} stepped;

static void set_trap_flag(bool set)
{
    stepped.stepping = set;
    if (set)
        __asm__ volatile("leaq -128(%%rsp), %%rsp; pushfq; orl $0x100, (%%rsp); popfq;"
                         "leaq 128(%%rsp), %%rsp" ::
                                 : "memory", "cc");
}

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *c, void *frames)
{
    Dl_info info;
    uintptr_t at = _Unwind_GetIP(c);
    bool known = at == 0 || dladdr((void *)at, &info);
    return known && ++*(int *)frames < FRAMES_MAX ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* What is interrupted has at least this function, the handler, and the function itself. */
static bool can_unwind(void)
{
    int frames = 0;
    _Unwind_Reason_Code code = _Unwind_Backtrace(count_frame, &frames);
    return code == _URC_END_OF_STACK && frames > 3 && frames < FRAMES_MAX;
}

static void on_step(int sig, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    char *at = (char *)regs[REG_RIP];
    (void)sig;
    (void)info;
    if (at >= &__executable_start && at < &etext) {
        stepped.steps++;
        stepped.lost += !can_unwind();
    }
    if (!stepped.stepping)
        regs[REG_EFL] &= ~TRAP_FLAG;
}

/* The flag is part of the state that a signal handler restores, but not of that of a task. */
ASYNC_DEF(is_stepped, (int)rounds)
{
    for (int i = 0; i < rounds; i++) {
        set_trap_flag(stepped.stepping);
        expect_ok(await_sleep(0));
    }
    return 0;
}

ASYNC_DEF(is_stepped_through)
{
    int r;
    set_trap_flag(true);
    await_group (r, g) {
        for (int i = 0; i < 3; i++)
            async_spawn(g, is_stepped(i));
        expect_ok(await_sleep(0.001));
    }
    set_trap_flag(false);
    return r;
}

static void step_through(void)
{
    struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
    expect_int(sigaction(SIGTRAP, &sa, NULL), 0);
    expect_int(async_run(is_stepped_through(), .stack_size = 256 * 1024), 0);
    expect_greater(stepped.steps, 1000);
    expect_int(stepped.lost, 0);
}
#else
static void step_through(void) {}
#endif

TEST(stack_can_be_unwound_at_each_instruction)
{
    if (!UNDER_VALGRIND) /* which has no trap flag */
        step_through();
}

SUITE("inside-switch", errno_survives_switches, rounding_mode_survives_switches,
      floating_point_control_words_survive_switches, registers_survive_switches,
      callee_saved_registers_survive_switches, first_stack_frame_is_aligned,
      signals_during_switches_do_no_harm, stack_can_be_unwound_at_each_instruction)
