/* SPDX-License-Identifier: MIT */
/* Child processes, with pidfds and on a kernel without them; timers of real time. */
#include "../frame/suite.h"

#include <asyncio.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "child/child.h"
#include "task/scope.h"

/* --- helpers --- */

static char shell[] = "/bin/sh", dash_c[] = "-c";

/* Start a shell that runs text, with nothing but a descriptor 1 and its own 0 and 2. */
static int start_shell(struct child *c, char *text, int out, struct child_opts o)
{
    char *argv[] = { shell, dash_c, text, NULL };
    const struct child_fd fds[] = { { CHILD_DEV_NULL, 0 }, { out, 1 }, { CHILD_DEV_NULL, 2 } };
    o.path = shell;
    o.argv = argv;
    o.fds = fds;
    o.fd_count = 3;
    return async__child_start(c, &o);
}

static int await_end(struct child *c)
{
    async_task *t;
    ASYNC_TRY(await_begin(&t, "await_end"));
    return async__child_wait(t, c);
}

/* Read from fd until its end, as text. */
static int await_text(int fd, char *text, size_t size)
{
    size_t used = 0;
    for (ssize_t n = 1; n > 0 && used + 1 < size; used += (size_t)n) {
        ASYNC_TRY(await_fd_ready(fd, POLLIN));
        n = read(fd, text + used, size - 1 - used);
        expect_true(n >= 0);
    }
    text[used] = '\0';
    return 0;
}

static int count_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 200; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int no_pidfd(pid_t pid)
{
    (void)pid;
    errno = ENOSYS;
    return -1;
}

static void no_child_is_left(void)
{
    expect_true(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

#define RUNS(name)                                                                                 \
    TEST(name##_test)                                                                              \
    {                                                                                              \
        expect_true(async_run(name()) == 0);                                                       \
        no_child_is_left();                                                                        \
    }                                                                                              \
    TEST(name##_without_pidfds_test)                                                               \
    {                                                                                              \
        async__sys.pidfd = no_pidfd;                                                               \
        expect_true(async_run(name()) == 0);                                                       \
        no_child_is_left();                                                                        \
    }

/* --- the end of a child --- */

static int await_outcome(char *text, enum child_end end, int code, const char *description)
{
    struct child c;
    char buf[64];
    ASYNC_TRY(start_shell(&c, text, CHILD_DEV_NULL, (struct child_opts){ 0 }));
    ASYNC_TRY(async__child_watch(&c, NULL, NULL));
    ASYNC_TRY(await_end(&c));
    expect_true(c.end == end && c.code == code && child_was_reaped(&c));
    expect_text(async__child_describe_end(&c, buf, sizeof buf), description);
    expect_true(async__child_signal(&c, SIGTERM) == -ESRCH);
    async__child_kill(&c);
    async__child_reap(&c);
    return await_end(&c); /* at once */
}

ASYNC_DEF(end_of_a_child_is_reported)
{
    char exits[] = "exit 3", dies[] = "kill -KILL $$", real_time[] = "kill -40 $$";
    ASYNC_TRY(await_outcome(exits, CHILD_EXITED, 3, "exited with status 3"));
    ASYNC_TRY(await_outcome(dies, CHILD_KILLED, SIGKILL, "was killed by SIGKILL"));
    return await_outcome(real_time, CHILD_KILLED, 40, "was killed by signal 40");
}

ASYNC_DEF(wait_until_end, (struct child *)c)
{
    return await_end(c);
}

static void count_end(void *arg)
{
    ++*(int *)arg;
}

ASYNC_DEF(every_waiter_is_woken_and_a_cancelled_one_leaves_the_child)
{
    struct child c;
    int ends = 0;
    char text[] = "kill -STOP $$; sleep 60";
    ASYNC_TRY(
            start_shell(&c, text, CHILD_DEV_NULL, (struct child_opts){ .group = CHILD_OWN_GROUP }));
    ASYNC_TRY(async__child_watch(&c, count_end, &ends));
    await_task_auto a = async_create_task(wait_until_end(&c));
    await_task_auto b = async_create_task(wait_until_end(&c));
    await_task_auto cancelled = async_create_task(wait_until_end(&c));
    ASYNC_TRY(await_sleep(0));
    async_task_cancel(cancelled);
    expect_true(await_task(cancelled) == -ECANCELED && !child_was_reaped(&c) && ends == 0);
    expect_true(async__child_signal(&c, SIGTERM) == 0 && async__child_signal(&c, SIGCONT) == 0);
    expect_true(await_task(a) == 0 && await_task(b) == 0 && ends == 1);
    expect_true(c.end == CHILD_KILLED && c.code == SIGTERM);
    return 0;
}

ASYNC_DEF(child_reaped_by_the_program_has_ended_in_an_unknown_way)
{
    struct child c;
    char buf[64], text[] = "exit 3";
    ASYNC_TRY(start_shell(&c, text, CHILD_DEV_NULL, (struct child_opts){ 0 }));
    expect_true(waitpid(c.pid, NULL, 0) == c.pid);
    ASYNC_TRY(async__child_watch(&c, NULL, NULL));
    ASYNC_TRY(await_end(&c));
    expect_true(c.end == CHILD_UNKNOWN);
    expect_text(async__child_describe_end(&c, buf, sizeof buf), "has ended");
    return 0;
}

/* Both processes have the pipe: it ends when both have ended. */
ASYNC_DEF(kill_reaches_the_group)
{
    struct child c;
    int fds[2];
    char buf[64], text[] = "sleep 600 & echo started; wait";
    expect_true(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
    ASYNC_TRY(start_shell(&c, text, fds[1], (struct child_opts){ .group = CHILD_OWN_SESSION }));
    close(fds[1]);
    ASYNC_TRY(await_fd_ready(fds[0], POLLIN)); /* it has a group by now, and a child */
    async__child_kill(&c);
    async__child_reap(&c); /* without a watch */
    expect_true(c.end == CHILD_KILLED && c.code == SIGKILL);
    ASYNC_TRY(await_text(fds[0], buf, sizeof buf));
    expect_text(buf, "started\n");
    close(fds[0]);
    return 0;
}

ASYNC_DEF(end_kills_what_is_left_in_the_group)
{
    struct child c;
    int fds[2];
    char buf[64], text[] = "sleep 600 & echo started";
    expect_true(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
    ASYNC_TRY(start_shell(&c, text, fds[1],
                          (struct child_opts){ .group = CHILD_OWN_GROUP, .kill_group = true }));
    close(fds[1]);
    ASYNC_TRY(async__child_watch(&c, NULL, NULL));
    ASYNC_TRY(await_end(&c));
    expect_true(c.end == CHILD_EXITED && c.code == 0);
    ASYNC_TRY(await_text(fds[0], buf, sizeof buf));
    expect_text(buf, "started\n");
    close(fds[0]);
    return 0;
}

/* --- starting --- */

/* Open a pipe whose numbers are out of the way. */
static void open_pipe(int fds[2])
{
    expect_true(pipe2(fds, O_CLOEXEC) == 0);
    for (int i = 0; i < 2; i++) {
        int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 20);
        expect_true(fd >= 20 && close(fds[i]) == 0);
        fds[i] = fd;
    }
}

/* The numbers of the pipes are exchanged: each would overwrite the other if it were copied
 * first. */
ASYNC_DEF(child_has_the_descriptors_that_it_was_given_and_no_others)
{
    struct child c;
    int in[2], out[2], before = count_descriptors();
    char buf[64], text[] = "cat <&9 >&8; for n in `seq 0 30`; do "
                           "[ ! -e /proc/$$/fd/$n ] || echo $n >&8; done";
    char *argv[] = { shell, dash_c, text, NULL }, *envp[] = { NULL };
    open_pipe(in);
    open_pipe(out);
    expect_true(fcntl(8, F_GETFD) < 0 && fcntl(9, F_GETFD) < 0);
    expect_true(dup2(in[0], 8) == 8 && dup2(out[1], 9) == 9);
    const struct child_fd fds[] = { { 8, 9 }, { 9, 8 }, { CHILD_DEV_NULL, 2 } };
    expect_true(write(in[1], "text\n", 5) == 5);
    ASYNC_TRY(async__child_start(&c, &(const struct child_opts){ .path = shell,
                                                                 .argv = argv,
                                                                 .envp = envp,
                                                                 .directory = "/",
                                                                 .fds = fds,
                                                                 .fd_count = 3 }));
    const int ours[] = { in[0], in[1], out[1], 8, 9 };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        close(ours[i]);
    ASYNC_TRY(async__child_watch(&c, NULL, NULL));
    ASYNC_TRY(await_end(&c));
    ASYNC_TRY(await_text(out[0], buf, sizeof buf));
    close(out[0]);
    expect_text(buf, "text\n2\n8\n9\n");
    expect_true(count_descriptors() == before);
    return 0;
}

ASYNC_DEF(start_that_fails_leaves_nothing)
{
    struct child c;
    char nowhere[] = "/nowhere", *argv[] = { nowhere, NULL };
    if (UNDER_VALGRIND) /* where posix_spawn() does not return the error of the child */
        return 0;
    int before = count_descriptors();
    const struct child_fd fds[] = { { 2, 1 }, { 1, 2 } };
    struct child_opts o = { .path = nowhere, .argv = argv, .fds = fds, .fd_count = 2 };
    expect_true(async__child_start(&c, &o) == -ENOENT);
    o.directory = nowhere;
    o.path = shell;
    expect_true(async__child_start(&c, &o) == -ENOENT);
    o.fd_count = 1000;
    expect_true(async__child_start(&c, &o) == -EMFILE);
    expect_true(count_descriptors() == before);
    return 0;
}

ASYNC_DEF(processor_time_of_a_child_grows)
{
    struct child c;
    char text[] = "while :; do :; done";
    ASYNC_TRY(start_shell(&c, text, CHILD_DEV_NULL, (struct child_opts){ 0 }));
    int64_t first = async__child_cpu_time(&c);
    while (async__child_cpu_time(&c) < first + 1000000)
        ASYNC_TRY(await_sleep(0.001));
    async__child_kill(&c);
    async__child_reap(&c);
    return 0;
}

RUNS(end_of_a_child_is_reported)
RUNS(every_waiter_is_woken_and_a_cancelled_one_leaves_the_child)
RUNS(child_reaped_by_the_program_has_ended_in_an_unknown_way)
RUNS(kill_reaches_the_group)
RUNS(end_kills_what_is_left_in_the_group)
RUNS(child_has_the_descriptors_that_it_was_given_and_no_others)
RUNS(start_that_fails_leaves_nothing)
RUNS(processor_time_of_a_child_grows)

/* --- timers of real time --- */

/* The loop would otherwise end as deadlocked: a task that waits for the timer counts. */
static int await_count(const int *count, int wanted)
{
    async__loop->poller.waiting++;
    while (*count < wanted)
        ASYNC_TRY(await_sleep(0));
    async__loop->poller.waiting--;
    return 0;
}

ASYNC_DEF(use_real_timer)
{
    struct real_timer t;
    int count = 0;
    ASYNC_TRY(async__real_timer_open(&t, count_end, &count));
    async__real_timer_set(&t, async__sys.clock() + 1000000);
    ASYNC_TRY(await_count(&count, 1));
    expect_true(t.when == NEVER);
    async__real_timer_set(&t, 0); /* in the past */
    ASYNC_TRY(await_count(&count, 2));
    async__real_timer_set(&t, async__sys.clock() + 60 * INT64_C(1000000000));
    async__real_timer_set(&t, NEVER);
    async__real_timer_set(&t, async__sys.clock() + 1000000);
    ASYNC_TRY(await_count(&count, 3));
    async__real_timer_set(&t, 0);
    async__real_timer_close(&t);
    async__real_timer_close(&t);
    ASYNC_TRY(await_sleep(0));
    expect_true(count == 3 && t.fd < 0);
    return 0;
}

TEST(timer_expires_once_for_each_time_that_it_is_set)
{
    expect_true(async_run(use_real_timer()) == 0);
    expect_true(async_run(use_real_timer(), .virtual_clock = true) == 0);
}

/* --- a child of fork() --- */

ASYNC_DEF(child_is_forgotten_in_a_forked_copy)
{
    struct child c;
    int status;
    char text[] = "kill -STOP $$";
    ASYNC_TRY(start_shell(&c, text, CHILD_DEV_NULL, (struct child_opts){ 0 }));
    ASYNC_TRY(async__child_watch(&c, NULL, NULL));
    pid_t pid = fork();
    if (pid == 0) {
        async__child_forget(&c);
        _exit(child_was_reaped(&c) && c.pidfd < 0 ? 0 : 1);
    }
    expect_true(waitpid(pid, &status, 0) == pid && status == 0);
    async__child_kill(&c);
    ASYNC_TRY(await_end(&c));
    expect_true(c.end == CHILD_KILLED);
    return 0;
}

RUNS(child_is_forgotten_in_a_forked_copy)

#define BOTH(name) name##_test, name##_without_pidfds_test

SUITE("children", BOTH(end_of_a_child_is_reported),
      BOTH(every_waiter_is_woken_and_a_cancelled_one_leaves_the_child),
      BOTH(child_reaped_by_the_program_has_ended_in_an_unknown_way), BOTH(kill_reaches_the_group),
      BOTH(end_kills_what_is_left_in_the_group),
      BOTH(child_has_the_descriptors_that_it_was_given_and_no_others),
      BOTH(start_that_fails_leaves_nothing), BOTH(processor_time_of_a_child_grows),
      timer_expires_once_for_each_time_that_it_is_set, BOTH(child_is_forgotten_in_a_forked_copy))
