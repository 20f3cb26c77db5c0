/* SPDX-License-Identifier: MIT */
/* Tests of stack overflows: the report names the task. Other faults, and the signal handlers of a
 * program, stay as they were. */
#include "../frame/suite.h"

#include <asyncio.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "old_kernel.h"

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

/* An address above all stacks. */
ASYNC_DEF(goes_wild_high)
{
    nowhere = (volatile char *)&environ[0][0] + ((size_t)1 << 30);
    wild();
    return 0;
}

/* A function whose name the loader can find. */
int overflows_by_name(int depth);

/* The compiler must not clear the array either, which under ASan is a call of memset(). */
#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#else
#define UNINITIALIZED
#endif

int overflows_by_name(int depth)
{
    volatile char frame[512] UNINITIALIZED;
    /* written in a loop, so that memset() is not called */
    for (size_t i = 0; i < sizeof frame; i++)
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
    async_callback cb = { 0 };
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
    expect_ok(pthread_create(&thread, NULL, runs_wild, NULL));
    expect_ok(pthread_join(thread, NULL));
    return 0;
}

/* Run co in a child process. Returns its exit status and what it wrote to stderr. */
static int run_in_child(async_co co, char *output, size_t size)
{
    int status, fds[2];
    size_t n = 0;
    expect_ok(pipe2(fds, O_CLOEXEC));
    pid_t pid = fork();
    expect_at_least(pid, 0);
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        alarm(20);
        _exit(async_run(co, .virtual_clock = true) < 0);
    }
    close(fds[1]);
    for (ssize_t r; n < size - 1 && (r = read(fds[0], output + n, size - 1 - n)) > 0;)
        n += (size_t)r;
    output[n] = '\0';
    close(fds[0]);
    expect_int(waitpid(pid, &status, 0), pid);
    return status;
}

static void check_overflow(bool big)
{
    static char output[16384];
    int status = run_in_child(starts(big), output, sizeof output);
    expect_that(strstr(output, "stack overflow in task \"victim\""), "stderr: %s", output);
    expect_that(strstr(output, ", at "), "stderr: %s", output);
    expect_that(strstr(output, "65536 bytes"), "stderr: %s", output);
    expect_that(strstr(output, ".stack_size = 262144"), "stderr: %s", output);
    expect_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

TEST(overflow_by_recursion_is_reported)
{
    check_overflow(false);
}

TEST(overflow_by_large_stack_frame_is_reported)
{
    check_overflow(true);
}

TEST(overflow_into_mprotect_guard_is_reported)
{
    async__sys.madvise = old_madvise;
    check_overflow(false);
}

TEST(overflow_report_names_function)
{
    static char output[16384];
    run_in_child(starts_unnamed(), output, sizeof output);
    expect_that(strstr(output, "stack overflow in task \"task-2\": its stack"), "stderr: %s",
                output);
    expect_that(strstr(output, ", at overflows_by_name "), "stderr: %s", output);
}

TEST(overflow_report_cuts_long_task_name)
{
    static char output[16384];
    run_in_child(starts_with_a_long_name(), output, sizeof output);
    expect_that(strstr(output, "stack overflow in task \"xxxxx"), "stderr: %s", output);
    /* the name is truncated */
    expect_that(strstr(output, "x\": its stack has 65536 bytes"), "stderr: %s", output);
}

/* Another fault is not reported as an overflow, and ends the process all the same. */
static void check_other_fault(async_co co)
{
    static char output[16384];
    int status = run_in_child(co, output, sizeof output);
    expect_null(strstr(output, "stack overflow"));
    expect_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

TEST(other_fault_is_not_called_overflow_and_kills_process)
{
    check_other_fault(goes_wild());
    check_other_fault(goes_wild_high());
    check_other_fault(calls_back());
    check_other_fault(has_a_wild_thread());
    signal(SIGSEGV, SIG_IGN);
    check_other_fault(goes_wild());
}

ASYNC_DEF(is_sent, (int)sig)
{
    kill(getpid(), sig);
    return 0;
}

TEST(ignored_fault_signal_stays_ignored)
{
    signal(SIGSEGV, SIG_IGN);
    signal(SIGBUS, SIG_IGN);
    expect_ok(async_run(is_sent(SIGSEGV)));
    expect_ok(async_run(is_sent(SIGBUS)));
}

static void on_segv(int sig)
{
    (void)sig;
    (void)!write(STDERR_FILENO, "the program's own\n", 18);
    _exit(3);
}

/* The handler is put back when the loop closes. */
TEST(handler_of_program_receives_other_faults)
{
    static char output[16384];
    struct sigaction now;
    signal(SIGSEGV, on_segv);
    int status = run_in_child(goes_wild(), output, sizeof output);
    if (!UNDER_VALGRIND) /* which ends such a process in its own way */
        expect_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    expect_text(output, "the program's own\n");
    expect_ok(async_run(async_sleep(0)));
    sigaction(SIGSEGV, NULL, &now);
    expect_true(now.sa_handler == on_segv);
}

static void on_segv_info(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    (void)!write(STDERR_FILENO, "at 16\n", info->si_addr == (void *)16 ? 6 : 2);
    _exit(3);
}

TEST(siginfo_handler_of_program_receives_fault_address)
{
    static char output[16384];
    struct sigaction sa = { .sa_sigaction = on_segv_info, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &sa, NULL);
    run_in_child(goes_wild(), output, sizeof output);
    expect_text(output, "at 16\n");
}

ASYNC_DEF(sets_a_handler)
{
    signal(SIGSEGV, on_segv);
    return await_sleep(0);
}

TEST(handler_set_during_run_is_not_overwritten)
{
    struct sigaction now;
    expect_ok(async_run(sets_a_handler()));
    sigaction(SIGSEGV, NULL, &now);
    expect_true(now.sa_handler == on_segv);
}

static char signal_stack[64 * 1024];

static void expect_our_signal_stack(void)
{
    stack_t now;
    expect_ok(sigaltstack(NULL, &now));
    expect_ptr(now.ss_sp, signal_stack);
}

ASYNC_DEF(sets_a_signal_stack)
{
    const stack_t ours = { .ss_sp = signal_stack, .ss_size = sizeof signal_stack };
    expect_ok(sigaltstack(&ours, NULL));
    return 0;
}

TEST(signal_stack_of_program_is_kept)
{
    const stack_t none = { .ss_flags = SS_DISABLE };
    expect_ok(sigaltstack(&none, NULL)); /* a sanitizer's */
    expect_ok(async_run(sets_a_signal_stack()));
    expect_our_signal_stack();
    expect_ok(async_run(async_sleep(0)));
    expect_our_signal_stack();
    check_overflow(false);
}

SUITE("inside-overflow", overflow_by_recursion_is_reported,
      overflow_by_large_stack_frame_is_reported, overflow_into_mprotect_guard_is_reported,
      overflow_report_names_function, overflow_report_cuts_long_task_name,
      other_fault_is_not_called_overflow_and_kills_process, ignored_fault_signal_stays_ignored,
      handler_of_program_receives_other_faults, siginfo_handler_of_program_receives_fault_address,
      handler_set_during_run_is_not_overwritten, signal_stack_of_program_is_kept)
