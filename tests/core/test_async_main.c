/* SPDX-License-Identifier: MIT */
/* Tests of async_main(): Ctrl-C, other signals, and the exit status. */
#include "../frame/loop_test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

ASYNC_DEF(returns, (int)r)
{
    return r;
}

static void on_signal(int sig)
{
    log_event("handler%d", sig == SIGINT);
}

/* A loop that is never idle notices the signal, too. */
ASYNC_DEF(interrupted_while_busy)
{
    int r;
    long steps = 0;
    raise(SIGINT);
    while ((r = await_sleep(0)) == 0)
        if (++steps > 10000000)
            return -ELOOP;
    return r;
}

static int main_heard(async_co co)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    if (now.sa_handler != on_signal)
        signal(SIGINT, SIG_DFL); /* Check has a handler of its own */
    capture_stderr_begin();
    int r = async_main(co);
    const char *report = captured_stderr();
    log_event("report:%s", report);
    capture_stderr_end();
    return r;
}

ASYNC_DEF(interrupted_alone, (int)how)
{
    raise(SIGINT);
    int r = await_sleep(1000);
    async_cause c = async_cancel_cause();
    log_event("%s/%d/%d", result_text(r), c.kind, async_cancelling());
    if (how == 3) {
        expect_ok(async_uncancel());
        expect_ok(await_sleep(0.001));
    }
    return how == 0 ? r : how == 2 ? -EIO : 0;
}

/* It is reported as an interrupt only if main ended because of it. */
TEST(interrupt_cancels_main_and_exit_status_is_130)
{
    expect_int(main_heard(interrupted_alone(0)), 130);
    expect_events("-ECANCELED/5/1 report:"); /* ASYNC_CANCEL_SIGNAL; no traceback */
    struct sigaction now;
    expect_ok(sigaction(SIGINT, NULL, &now));
    expect_true(now.sa_handler == SIG_DFL); /* put back */
}

TEST(interrupt_ends_loop_that_is_never_idle)
{
    expect_int(main_heard(interrupted_while_busy()), 130);
}

TEST(interrupt_that_main_answers_with_value_is_success)
{
    expect_ok(main_heard(interrupted_alone(1)));
    expect_events("-ECANCELED/5/1 report:");
}

TEST(interrupt_that_main_answers_with_error_reports_error)
{
    expect_int(main_heard(interrupted_alone(2)), 1);
    expect_contains(event_log, "interrupted_alone: Input/output error");
}

TEST(interrupt_that_main_withdraws_is_success)
{
    expect_ok(main_heard(interrupted_alone(3)));
    expect_events("-ECANCELED/5/1 report:");
}

ASYNC_DEF(interrupted_twice)
{
    int s;
    raise(SIGINT);
    expect_int(await_sleep(1000), -ECANCELED);
    await_shield (s) {
        raise(SIGINT); /* the second one kills the program */
        async_ignore(await_sleep(1000));
    }
    return 0;
}

static void dies_by(int sig, async_co co)
{
    int status;
    pid_t pid = fork();
    expect_true(pid >= 0);
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        alarm(20);
        _exit(async_main(co));
    }
    expect_true(waitpid(pid, &status, 0) == pid);
    expect_true(WIFSIGNALED(status));
    expect_int(WTERMSIG(status), sig);
}

TEST(second_interrupt_kills_program)
{
    dies_by(SIGINT, interrupted_twice());
}

ASYNC_DEF(interrupts_late)
{
    int s;
    await_shield (s) {
        ASYNC_TRY(await_sleep(0.01));
        raise(SIGINT);
        ASYNC_TRY(await_sleep(20));
    }
    return s;
}

ASYNC_DEF(leaves_work)
{
    async_spawn(async_background(), interrupts_late());
    return await_sleep(0);
}

/* Main has returned, so there is no task left to cancel. */
TEST(interrupt_during_shutdown_kills_program)
{
    dies_by(SIGINT, leaves_work());
}

ASYNC_DEF(sends, (int)sig)
{
    kill(getpid(), sig);
    return 0;
}

/* A signal that was sent, unlike a fault, does not repeat. */
TEST(fault_signal_sent_by_process_kills_program)
{
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    if (now.sa_handler != SIG_DFL)
        return; /* a sanitizer's */
    dies_by(SIGSEGV, sends(SIGSEGV));
    dies_by(SIGBUS, sends(SIGBUS));
}

ASYNC_DEF(interrupted_elsewhere)
{
    raise(SIGINT);
    return await_sleep(0.001);
}

TEST(existing_interrupt_handler_stays)
{
    struct sigaction now;
    signal(SIGINT, on_signal);
    expect_ok(main_heard(interrupted_elsewhere()));
    expect_events("handler1 report:");
    expect_ok(sigaction(SIGINT, NULL, &now));
    expect_true(now.sa_handler == on_signal);
}

TEST(async_run_installs_no_interrupt_handler)
{
    signal(SIGINT, on_signal);
    expect_ok(async_run(interrupted_elsewhere()));
    expect_events("handler1");
}

ASYNC_DEF(sets_a_handler)
{
    signal(SIGINT, on_signal);
    return await_sleep(0.001);
}

TEST(interrupt_handler_set_by_main_stays)
{
    struct sigaction now;
    expect_ok(main_heard(sets_a_handler()));
    expect_ok(sigaction(SIGINT, NULL, &now));
    expect_true(now.sa_handler == on_signal);
}

static void (*library_handler)(int sig);

ASYNC_DEF(finds_the_handler)
{
    struct sigaction now;
    expect_ok(sigaction(SIGINT, NULL, &now));
    library_handler = now.sa_handler;
    return now.sa_handler == SIG_DFL ? 1 : 0;
}

/* Another thread was about to run the handler when main ended. */
TEST(interrupt_handler_that_runs_after_end_raises_signal_again)
{
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    expect_ok(main_heard(finds_the_handler()));
    expect_ok(sigprocmask(SIG_BLOCK, &set, NULL));
    library_handler(SIGINT);
    expect_ok(sigpending(&pending));
    expect_true(sigismember(&pending, SIGINT)); /* it will end the program when it is unblocked */
    struct sigaction now;
    expect_ok(sigaction(SIGINT, NULL, &now));
    expect_true(now.sa_handler == SIG_DFL);
}

static void *has_a_main(void *arg)
{
    return async_main(finds_the_handler()) == 0 && library_handler == SIG_DFL ? arg : NULL;
}

/* A signal concerns the whole program, so only the first thread handles it. */
TEST(async_main_of_another_thread_installs_no_handler)
{
    pthread_t t;
    void *r = NULL;
    signal(SIGINT, SIG_DFL); /* Check has a handler of its own */
    expect_ok(pthread_create(&t, NULL, has_a_main, &r));
    expect_ok(pthread_join(t, &r));
    expect_true(r != NULL);
}

ASYNC_DEF(stuck, (int)result)
{
    async_event e = { 0 };
    int r = await_event_wait(&e);
    return result ? result : r;
}

/* If main, cancelled because of a deadlock, returns another error, that error is reported. The
 * cancellation itself is reported as a deadlock. */
TEST(deadlock_is_reported_unless_main_returns_another_error)
{
    expect_int(main_heard(stuck(-EIO)), 1);
    expect_contains(event_log, "stuck: Input/output error");
    clear_events();
    expect_int(main_heard(stuck(0)), 1);
    expect_contains(event_log, "stuck: Resource deadlock avoided");
    clear_events();
    /* main returned a value, but it was a deadlock nevertheless */
    expect_int(main_heard(stuck(3)), 1);
}

static int raw(void *frame)
{
    (void)frame;
    log_event("%s", async_task_name(async_current_task()));
    return 0;
}

TEST(coroutine_without_name_is_called_main)
{
    expect_ok(async_run((async_co){ .run = raw }));
    expect_events("main");
}

TEST(exit_status_is_one_only_for_errors)
{
    expect_ok(main_heard(returns(0)));
    expect_ok(main_heard(returns(9)));
    expect_int(main_heard(returns(-EIO)), 1);
    expect_int(main_heard(returns(-ECANCELED)), 1); /* cancelled, but by no Ctrl-C */
}

SUITE("core-async_main", interrupt_cancels_main_and_exit_status_is_130,
      interrupt_ends_loop_that_is_never_idle, interrupt_that_main_answers_with_value_is_success,
      interrupt_that_main_answers_with_error_reports_error,
      interrupt_that_main_withdraws_is_success, second_interrupt_kills_program,
      interrupt_during_shutdown_kills_program, fault_signal_sent_by_process_kills_program,
      existing_interrupt_handler_stays, async_run_installs_no_interrupt_handler,
      interrupt_handler_set_by_main_stays,
      interrupt_handler_that_runs_after_end_raises_signal_again,
      async_main_of_another_thread_installs_no_handler,
      deadlock_is_reported_unless_main_returns_another_error, coroutine_without_name_is_called_main,
      exit_status_is_one_only_for_errors)
