/* SPDX-License-Identifier: MIT */
/* Tests of fork() in a loop: the child must not use its copy of the loop, and the parent is not
 * disturbed. */
#include "../frame/loop_test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

enum { GOOD = 42 };

/* Returns 0 if the child ended by _exit(GOOD). */
static int ended_well(pid_t child)
{
    int status = 0;
    expect_int(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == GOOD ? 0 : -status - 1000;
}

#define child_expect(expr)                                                                         \
    do {                                                                                           \
        if (!(expr))                                                                               \
            _exit(__LINE__ % 256 == GOOD ? 1 : __LINE__ % 256);                                    \
    } while (0)

static bool stderr_has(const char *words)
{
    return strstr(captured_stderr(), words);
}

ASYNC_DEF(seven)
{
    ASYNC_TRY(await_sleep(0.01));
    return 7;
}

static async_event never;

static void in_the_child(void)
{
    async_event e = { 0 };
    child_expect(await_sleep(0) == -EPERM);
    child_expect(
            stderr_has("await_sleep() in a child of fork(), whose loop belongs to the parent: call "
                       "exec or _exit()"));
    child_expect(await_event_wait(&e) == -EPERM);
    child_expect(async_create_task(seven()) == NULL);
    child_expect(async_spawn(async_background(), seven()) == -EPERM);
    child_expect(async_get_running_loop() == NULL);
    child_expect(async_current_task() == NULL);
    child_expect(await_fd_ready(0, POLLIN) == -EPERM);
    captured_stderr();
    child_expect(async_run(seven()) == 7);
    child_expect(async_run(seven(), .virtual_clock = true) == 7);
    child_expect(await_sleep(0) == -EPERM);
    captured_stderr();
    _exit(GOOD);
}

LOOP_TEST(child_forked_in_task_is_refused_by_await)
{
    pid_t child = fork();
    if (child == 0)
        in_the_child();
    expect_ok(ended_well(child));
    return await_sleep(1);
}

static void forks(void *ret)
{
    *(pid_t *)ret = fork();
    if (*(pid_t *)ret == 0)
        in_the_child();
}

LOOP_TEST(child_forked_in_callback_is_refused_by_await)
{
    async_callback cb = { 0 };
    pid_t child = -1;
    async_call_soon(&cb, forks, &child);
    expect_ok(await_sleep(1));
    return ended_well(child);
}

/* The waits of the parent stay as they are, whatever the child closes and however it ends. */
ASYNC_DEF(reads, (int)fd, (char *)ret)
{
    expect_int(await_fd_ready(fd, POLLIN), POLLIN);
    return (int)read(fd, ret, 1);
}

static async_watch w;

static void on_ready(void *times, int events)
{
    expect_int(events, POLLIN);
    ++*(int *)times;
    async_watch_stop(&w);
}

static void *posts(void *loop)
{
    expect_ok(async_call_soon_threadsafe(loop, (void (*)(void *))async_event_set, &never));
    return NULL;
}

LOOP_TEST(parent_keeps_its_waits_while_child_closes_descriptors)
{
    int r, fds[2], watched[2], times = 0;
    char c = 0;
    pthread_t thread;
    expect_ok(pipe(fds));
    expect_ok(pipe(watched));
    expect_ok(async_watch_start(&w, watched[0], POLLIN, on_ready, &times));
    await_group (r, g) {
        async_spawn(g, reads(fds[0], &c));
        expect_ok(await_sleep(0));
        pid_t child = fork();
        if (child == 0) {
            async_watch_stop(&w);
            async_ignore(async_fd_close(fds[0]));
            close(watched[0]);
            in_the_child();
        }
        expect_ok(ended_well(child));
        expect_ok(times);
        expect_int(write(fds[1], "x", 1), 1);
        expect_int(write(watched[1], "x", 1), 1);
    }
    expect_ok(r);
    expect_int(c, 'x');
    expect_ok(await_sleep(1));
    expect_int(times, 1);
    expect_ok(pthread_create(&thread, NULL, posts, async_get_running_loop()));
    expect_ok(await_event_wait(&never));
    expect_ok(pthread_join(thread, NULL));
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(watched[i]);
    }
    return 0;
}

/* --- a child that comes back --- */

static pid_t child, parent;
static async_lock lock;

ASYNC_DEF(waits)
{
    return await_event_wait(&never);
}

ASYNC_DEF(forks_and_returns, (bool)fails)
{
    int r;
    await_task_auto t = async_create_task(waits());
    await_group (r, g) {
        async_spawn(g, waits());
        ASYNC_TRY(await_sleep(0.01));
        await_timeout (r, 100)
            await_with (r, &lock) {
                child = fork();
                if (child == 0 && fails)
                    ASYNC_TRY(await_sleep(0));
            }
        if (child != 0)
            async_group_cancel(g);
    }
    return child ? r : 5;
}

static void expect_in_parent(async_task *t, void *arg)
{
    (void)t;
    (void)arg;
    child_expect(getpid() == parent);
}

ASYNC_DEF(forks_before_its_callbacks)
{
    await_task_auto t = async_create_task(seven());
    expect_int(await_task(t), 7);
    expect_ok(async_task_add_done_callback(t, expect_in_parent, NULL));
    child = fork();
    return 0;
}

static char temporary[64];

ASYNC_DEF(forks_with_a_file)
{
    async_file_auto f = NULL;
    ASYNC_TRY(await_named_temporary_file(NULL, &f));
    snprintf(temporary, sizeof temporary, "%s", async_file_path(f));
    child = fork();
    if (child == 0)
        return 0;
    siginfo_t info;
    expect_ok(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    expect_ok(access(temporary, F_OK));
    return await_close(f);
}

static void comes_back(async_co co)
{
    parent = getpid();
    capture_stderr_begin();
    int r = async_run(co);
    if (getpid() != parent) {
        child_expect(r == -EPERM);
        child_expect(stderr_has("a child of fork() has returned from a task of its parent"));
        child_expect(async_run(seven()) == 7);
        _exit(GOOD);
    }
    expect_ok(r);
    expect_ok(ended_well(child));
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

TEST(child_that_returns_from_task_leaves_run_with_eperm)
{
    comes_back(forks_and_returns(false));
    comes_back(forks_and_returns(true));
    comes_back(forks_before_its_callbacks());
}

ASYNC_DEF(has_a_child, (async_co *)co)
{
    int r;
    await_group (r, g) {
        async_spawn(g, waits());
        await_task_auto t = async_group_create_task(g, *co);
        ASYNC_TRY(await_task(t));
        async_group_cancel(g);
        t = NULL;
    }
    return r;
}

TEST(child_that_returns_from_nested_task_leaves_run_with_eperm)
{
    async_co co = forks_and_returns(false);
    comes_back(has_a_child(&co));
}

TEST(child_that_returns_does_not_remove_temporary_file_of_parent)
{
    comes_back(forks_with_a_file());
    expect_int(access(temporary, F_OK), -1);
}

/* Only in programs with AddressSanitizer or LeakSanitizer. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

static int leaks(void)
{
    return __lsan_do_recoverable_leak_check ? __lsan_do_recoverable_leak_check() : 0;
}

TEST(child_that_returns_has_no_leak)
{
    parent = getpid();
    capture_stderr_begin();
    int r = async_run(forks_and_returns(false));
    if (getpid() != parent) {
        child_expect(r == -EPERM);
        child_expect(stderr_has("a child of fork() has returned from a task of its parent"));
        child_expect(async_run(seven()) == 7);
        child_expect(leaks() == 0);
        _exit(GOOD);
    }
    expect_ok(r);
    expect_ok(ended_well(child));
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

/* --- other ways to fork --- */

static void *forks_in_a_thread(void *arg)
{
    pid_t c = fork();
    if (c == 0) {
        child_expect(await_sleep(0) == -EPERM);
        child_expect(stderr_has("await_sleep() outside of a task"));
        /* its thread does not exist here */
        child_expect(async_call_soon_threadsafe(arg, NULL, NULL) == -EPIPE);
        child_expect(async_run(seven()) == 7);
        _exit(GOOD);
    }
    child = c;
    expect_ok(async_call_soon_threadsafe(arg, (void (*)(void *))async_event_set, &never));
    return NULL;
}

/* The test checks nothing while the thread forks, because a check takes a lock and the child
 * checks, too. */
LOOP_TEST(child_forked_by_thread_without_loop_may_run_its_own)
{
    pthread_t thread;
    int err = pthread_create(&thread, NULL, forks_in_a_thread, async_get_running_loop());
    if (err)
        return -err;
    expect_ok(await_event_wait(&never));
    expect_ok(pthread_join(thread, NULL));
    return ended_well(child);
}

LOOP_TEST(fork_and_exec_works_in_task)
{
    pid_t c = fork();
    if (c == 0) {
        execl("/bin/sh", "sh", "-c", "exit 42", (char *)NULL);
        _exit(1);
    }
    expect_ok(ended_well(c));
    char *const argv[] = { (char *)"sh", (char *)"-c", (char *)"exit 42", NULL };
    expect_ok(posix_spawn(&c, "/bin/sh", NULL, NULL, argv, environ));
    expect_ok(ended_well(c));
    return await_sleep(1);
}

TEST(child_forked_beside_runner_is_refused_and_may_open_its_own)
{
    capture_stderr_begin();
    async_runner *rn = async_runner_open(NULL);
    expect_int(async_runner_run(rn, seven()), 7);
    pid_t c = fork();
    if (c == 0) {
        child_expect(async_runner_run(rn, seven()) == -EBUSY);
        child_expect(stderr_has("async_runner_run() in a child of fork()"));
        async_runner_close(rn);
        captured_stderr();
        async_runner *own = async_runner_open(NULL);
        child_expect(own && async_runner_run(own, seven()) == 7);
        async_runner_close(own);
        child_expect(!captured_stderr()[0]);
        _exit(GOOD);
    }
    expect_ok(ended_well(c));
    expect_int(async_runner_run(rn, seven()), 7);
    async_runner_close(rn);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

ASYNC_DEF(sets_in_the_child)
{
    await_task_auto t = async_create_task(waits());
    ASYNC_TRY(await_sleep(0.01));
    pid_t c = fork();
    if (c == 0) {
        signal(SIGABRT, SIG_DFL);
        async_event_set(&never);
        _exit(GOOD);
    }
    int status;
    expect_int(waitpid(c, &status, 0), c);
    expect_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    expect_contains(captured_stderr(),
                    "a child of fork() wakes task \"waits-2\" of its parent's loop");
    return 0;
}

TEST(child_that_wakes_task_of_parent_aborts_with_message)
{
    expect_run_ok(sets_in_the_child());
}

TEST(child_forked_in_driven_run_leaves_turn_with_eperm)
{
    int r = 0;
    parent = getpid();
    capture_stderr_begin();
    async_runner *rn = async_runner_open(&(struct async_run_opts){ .virtual_clock = true });
    expect_ok(async_runner_start(rn, forks_before_its_callbacks()));
    for (int ended = 0; ended == 0;) {
        ended = async_runner_turn(rn, &r);
        if (getpid() != parent) {
            child_expect(ended == -EPERM);
            child_expect(stderr_has("a child of fork() has returned from a task of its parent"));
            async_runner_close(rn);
            child_expect(stderr_has("async_runner_close() in a child of fork()"));
            child_expect(async_run(seven()) == 7);
            _exit(GOOD);
        }
    }
    expect_ok(r);
    expect_ok(ended_well(child));
    async_runner_close(rn);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

/* --- a child in the middle of an iteration: nothing else of the iteration happens in it --- */

static void forks_and_comes_back(void *arg ASYNC_UNUSED)
{
    child = fork();
}

static void is_only_in_the_parent(void *arg ASYNC_UNUSED)
{
    child_expect(getpid() == parent);
}

ASYNC_DEF(forks_in_a_post)
{
    async_loop *l = async_get_running_loop();
    expect_ok(async_call_soon_threadsafe(l, forks_and_comes_back, NULL));
    expect_ok(async_call_soon_threadsafe(l, is_only_in_the_parent, NULL));
    async_remote_auto r = async_create_task_threadsafe(l, seven());
    ASYNC_TRY(await_sleep(1));
    expect_int(async_remote_wait(r, 0), 7);
    return 0;
}

static async_watch watches[2];

static void forks_once(void *which, int events ASYNC_UNUSED)
{
    child_expect(getpid() == parent);
    if (!child)
        child = fork();
    if (child)
        async_watch_stop(which);
}

ASYNC_DEF(waits_for_input, (int)fd)
{
    return await_fd_ready(fd, POLLIN);
}

ASYNC_DEF(forks_in_a_watch)
{
    int r, fds[3][2];
    child = 0;
    await_group (r, g) {
        for (int i = 0; i < 3; i++)
            expect_ok(pipe(fds[i]));
        for (int i = 0; i < 2; i++)
            expect_ok(async_watch_start(&watches[i], fds[i][0], POLLIN, forks_once, &watches[i]));
        async_spawn(g, waits_for_input(fds[2][0]));
        ASYNC_TRY(await_sleep(0));
        for (int i = 0; i < 3; i++)
            expect_int(write(fds[i][1], "x", 1), 1);
    }
    for (int i = 0; i < 6; i++)
        close(fds[i / 2][i % 2]);
    return r;
}

TEST(child_of_a_post_or_a_watch_runs_nothing_else)
{
    comes_back(forks_in_a_post());
    comes_back(forks_in_a_watch());
}

ASYNC_DEF(forks_in_a_drop)
{
    int r;
    await_group (r, g) {
        async_spawn(g, waits());
        ASYNC_TRY(await_sleep(0));
        await_task_auto t =
                async_group_create_task(g, seven(), .owned = &child, .drop = forks_and_comes_back);
        expect_int(await_task(t), 7);
        is_only_in_the_parent(NULL);
        async_group_cancel(g);
    }
    return r;
}

/* The task was not created, so its drop function is called by the one that creates it. */
ASYNC_DEF(forks_in_the_drop_of_no_task)
{
    int r;
    await_group (r, g) {
        async_spawn(g, waits());
        ASYNC_TRY(await_sleep(0));
        async_group_cancel(g);
        expect_int(async_spawn(g, seven(), .owned = &child, .drop = forks_and_comes_back),
                   -ECANCELED);
    }
    return child ? r : 5;
}

TEST(child_of_a_drop_function_runs_nothing_else)
{
    comes_back(forks_in_a_drop());
    comes_back(forks_in_the_drop_of_no_task());
}

static int posts_run;

static void forks_as_number_65(void *arg ASYNC_UNUSED)
{
    if (++posts_run == 65)
        child = fork();
    else
        is_only_in_the_parent(NULL);
}

/* An iteration runs 64 posts. The others, and those that come after them, run when the loop is
 * closed. */
ASYNC_DEF(forks_in_a_post_at_the_end)
{
    async_loop *l = async_get_running_loop();
    posts_run = 0;
    for (int i = 0; i < 70; i++)
        expect_ok(async_call_soon_threadsafe(l, forks_as_number_65, NULL));
    while (posts_run == 0)
        ASYNC_TRY(await_sleep(0));
    expect_int(posts_run, 64);
    return async_call_soon_threadsafe(l, forks_as_number_65, NULL);
}

TEST(child_of_a_post_at_the_end_runs_no_other_post)
{
    comes_back(forks_in_a_post_at_the_end());
    expect_int(posts_run, 71);
}

static async_callback last;

static void reuses_its_memory_and_forks(void *arg ASYNC_UNUSED)
{
    memset(&last, 0x5a, sizeof last);
    child = fork();
}

ASYNC_DEF(leaves_a_callback)
{
    async_call_soon(&last, reuses_its_memory_and_forks, NULL);
    return 0;
}

/* The memory of a callback that has run belongs to its owner. */
TEST(child_of_a_callback_at_the_end_writes_to_no_callback)
{
    async_callback reused;
    memset(&reused, 0x5a, sizeof reused);
    parent = getpid();
    capture_stderr_begin();
    int r = async_run(leaves_a_callback(), .shutdown_timeout = 5);
    if (getpid() != parent) {
        child_expect(r == -EPERM);
        child_expect(memcmp(&last, &reused, sizeof last) == 0);
        child_expect(strcmp(captured_stderr(),
                            "asyncio: a child of fork() has returned from a task "
                            "of its parent: it should call exec or _exit()\n") == 0);
        _exit(GOOD);
    }
    expect_ok(r);
    expect_ok(ended_well(child));
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

/* --- a loop of the child --- */

static void awaits_in_callback(void *ret)
{
    *(int *)ret = await_sleep(0);
}

ASYNC_DEF(calls_back)
{
    int r = 0;
    async_callback cb = { 0 };
    async_call_soon(&cb, awaits_in_callback, &r);
    ASYNC_TRY(await_sleep(0));
    return r == -EPERM ? 7 : 0;
}

LOOP_TEST(await_in_callback_of_childs_own_loop_is_refused_as_such)
{
    pid_t c = fork();
    if (c == 0) {
        child_expect(async_run(calls_back()) == 7);
        child_expect(stderr_has("await_sleep() in a callback"));
        _exit(GOOD);
    }
    return ended_well(c);
}

static async_rwlock read_lock;

/* The child may leave a block that its parent has entered. */
LOOP_TEST(child_releases_its_copy_of_read_lock)
{
    expect_ok(await_rwlock_acquire_read(&read_lock));
    pid_t c = fork();
    if (c == 0) {
        child_expect(async_rwlock_release_read(&read_lock) == 0);
        child_expect(!captured_stderr()[0]);
        _exit(GOOD);
    }
    expect_ok(ended_well(c));
    return async_rwlock_release_read(&read_lock);
}

/* --- a wake-up on a thread that does not run the loop --- */

ASYNC_GEN(int, yields_once)
{
    return await_yield(1);
}

static yields_once_gen_ generator;

static void *drops_generator(void *arg)
{
    await_gen_drop(&generator.gen);
    return arg;
}

ASYNC_DEF(lets_a_thread_drop_its_generator)
{
    int item;
    pthread_t thread;
    generator = yields_once();
    child_expect(await_gen_next(&generator.gen, &item, sizeof item) == 1);
    child_expect(pthread_create(&thread, NULL, drops_generator, NULL) == 0);
    return pthread_join(thread, NULL);
}

/* In a child, because it aborts. */
TEST(thread_that_wakes_task_of_loop_aborts_with_message)
{
    int status;
    capture_stderr_begin();
    pid_t c = fork();
    if (c == 0) {
        signal(SIGABRT, SIG_DFL);
        async_ignore(async_run(lets_a_thread_drop_its_generator()));
        _exit(GOOD);
    }
    expect_int(waitpid(c, &status, 0), c);
    expect_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    expect_contains(captured_stderr(),
                    "a thread wakes task \"yields_once-2\" of another thread's loop");
    capture_stderr_end();
}

SUITE("core-fork", child_of_a_post_at_the_end_runs_no_other_post,
      child_of_a_callback_at_the_end_writes_to_no_callback,
      child_forked_in_driven_run_leaves_turn_with_eperm, child_forked_in_task_is_refused_by_await,
      child_forked_in_callback_is_refused_by_await,
      parent_keeps_its_waits_while_child_closes_descriptors,
      child_that_returns_from_task_leaves_run_with_eperm,
      child_that_returns_does_not_remove_temporary_file_of_parent, child_that_returns_has_no_leak,
      child_that_returns_from_nested_task_leaves_run_with_eperm,
      child_forked_by_thread_without_loop_may_run_its_own, fork_and_exec_works_in_task,
      child_forked_beside_runner_is_refused_and_may_open_its_own,
      child_that_wakes_task_of_parent_aborts_with_message,
      child_of_a_post_or_a_watch_runs_nothing_else, child_of_a_drop_function_runs_nothing_else,
      await_in_callback_of_childs_own_loop_is_refused_as_such, child_releases_its_copy_of_read_lock,
      thread_that_wakes_task_of_loop_aborts_with_message)
