/* SPDX-License-Identifier: MIT */
/* What becomes of calls when their workers die, hang, or do what workers should not; and of workers when their parent dies. */
#include "processes.h"

#include <sys/prctl.h>

REAL(who_dies_is_named_and_replaced)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 2);
    struct order fine = { LIVES, 21 };
    struct async_process_pool_stats s;
    int answer;
    ok(await_death(p, SEGV, -EOWNERDEAD, "killed by SIGSEGV"));
    ok(await_death(p, ABRT, -EOWNERDEAD, "killed by SIGABRT"));
    ok(await_death(p, FPE, -EOWNERDEAD, "killed by SIGFPE"));
    ok(await_death(p, KILLED, -EOWNERDEAD, "killed by SIGKILL"));
    ok(await_death(p, EXITS, -EOWNERDEAD, "exit(3)"));
    ok(await_death(p, EXITS_WELL, -EOWNERDEAD, "exit(0)"));
    ok(await_death(p, CLOSES, -EOWNERDEAD, "killed by SIGKILL"));
    ok(await_death(p, CLOSES_ALL, -EOWNERDEAD,
                   "the worker ")); /* it sees what it has done, unless it is killed before */
    ok(await_process_pool_run(p, live_or_die, &fine, &answer));
    is(answer, 42);
    async_process_pool_stats(p, &s);
    is(s.lost, 8);
    is(s.done, 9);
    is(s.queued + s.running, 0);
    return 0;
}

REAL(who_hangs_is_ended_by_the_limit_of_time)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1, .timeout = 0.1);
    ok(await_death(p, HANGS, -ETIMEDOUT, "longer than 0.1 s"));
    ok(await_death(p, STOPS, -ETIMEDOUT, "longer than 0.1 s"));
    return 0;
}

REAL(a_worker_that_was_stopped_before_its_call_is_replaced_and_the_call_made)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1, .timeout = 0.3);
    int ms = 0, r = -ETIMEDOUT;
    pid_t first, second = 0;
    ok(await_process_pool_run(p, nap, &ms, &first));
    ok(kill(first, SIGSTOP));
    for (int i = 0; i < 10 && r == -ETIMEDOUT; i++) /* on a busy machine the second may be slow */
        r = await_process_pool_run(p, nap, &ms, &second);
    ok(r);
    is_true(second != first);
    return 0;
}

REAL(of_many_calls_those_that_kill_their_worker_fail_alone)
{
    int n = SLOW ? 400 : 10000, before = descriptors();
    struct tally t = { async_process_pool_open(.max_workers = 4, .timeout = SLOW ? 8 : 2), 0, 0, "" };
    unsigned seed = 1;
    int g_result;
    await_group (g_result, g) {
        for (int i = 0; i < n; i++) {
            seed = seed * 1103515245 + 12345;
            int way = (seed >> 16) % 20 ? LIVES : (int)(SEGV + (seed >> 8) % EXITS);
            if (i % (n / 4) == 7)
                way = HANGS;
            async_spawn(g, one_of_many(&t, i, way));
        }
    }
    ok(g_result);
    is(t.answers, n);
    is_text(t.what, "");
    is_true(descriptors() <= before + 4 * 2);
    ok(await_process_pool_close(&t.pool));
    is(descriptors(), before);
    return 0;
}

/* --- what is left of it --- */

static long pages(void)
{
    long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
        abort();
    fclose(f);
    return resident;
}

/* Every twentieth kills its worker, each time in another way. */
static int await_calls(async_process_pool *p, int n)
{
    enum { AT_ONCE = 50 };
    struct tally t = { p, 0, 0, "" };
    int r;
    for (int i = 0; i < n; i += AT_ONCE) {
        await_group (r, g)
            for (int k = i; k < i + AT_ONCE; k++)
                async_spawn(g, one_of_many(&t, k, k % 20 ? LIVES : SEGV + k / 20 % EXITS));
        ok(r);
    }
    is(t.answers, n);
    is_text(t.what, "");
    return 0;
}

static void no_child_has_ended(void)
{
    siginfo_t info = { 0 };
    ok(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT));
    is(info.si_pid, 0);
}

/* 2 x 64 pages are less than 14 bytes for each call, and 264 for each worker. */
REAL(calls_and_deaths_leave_no_memory_no_descriptor_and_no_zombie)
{
    enum { SLACK = 64 };
    async_process_pool_auto p = async_process_pool_open(.max_workers = 2);
    int n = SLOW ? 500 : 10000;
    ok(await_calls(p, n / 5));
    ok(await_sleep(0));
    long before = pages();
    int open = descriptors();
    ok(await_calls(p, n));
    no_child_has_ended();
    is_true(descriptors() <= open + 4); /* of a worker that was not there at that moment */
    if (!SLOW)                          /* else much is remembered */
        ck_assert_msg(pages() <= before + SLACK, "%ld pages, then %ld", before, pages());
    return 0;
}

ASYNC_PROCESS(own_pages, (const int *)unused, (long *)n)
{
    (void)unused;
    *n = pages();
    return 0;
}

REAL(a_worker_does_not_grow)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    large *in = malloc(sizeof *in), *out = malloc(sizeof *out);
    int n = SLOW ? 100 : 10000, zero = 0, answer;
    long before = 0, after;
    memset(in, 1, sizeof *in);
    for (int i = 0; i < n; i++) {
        struct order o = { LIVES, i };
        ok(await_process_pool_run(p, live_or_die, &o, &answer));
        if (i % 50 == 0)
            is(await_process_pool_run(p, reverse, in, out), 7);
        if (i == n / 10)
            ok(await_process_pool_run(p, own_pages, &zero, &before));
    }
    ok(await_process_pool_run(p, own_pages, &zero, &after));
    free(in);
    free(out);
    if (!SLOW)
        ck_assert_msg(after <= before + 16, "%ld pages, then %ld", before, after);
    return 0;
}

/* --- what it has started --- */

REAL(a_call_that_forks_has_one_answer)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct async_process_pool_stats s;
    int answer;
    for (int i = 0; i < 20; i++) {
        struct order o = { i % 2 ? LIVES : FORKS, i };
        ok(await_process_pool_run(p, live_or_die, &o, &answer));
        is(answer, 2 * i);
    }
    async_process_pool_stats(p, &s);
    is(s.done, 20);
    is(s.lost, 0);
    return 0;
}

enum later { ANSWERS, DIES_THEN, HANGS_THEN };

ASYNC_PROCESS(leaves_a_child, (const enum later *)what, (pid_t *)child)
{
    static pid_t pid;
    pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    *child = pid;
    if (*what == ANSWERS)
        return pid < 0 ? -errno : 0;
    printf("%ld\n", (long)pid);
    fflush(stdout);
    if (*what == DIES_THEN)
        fall(SIGSEGV);
    for (;;)
        pause();
}

/* Killed by the signal that is for the group of a worker. */
static void has_been_killed(pid_t pid)
{
    int status;
    is(waitpid(pid, &status, 0), pid);
    is_true(WIFSIGNALED(status));
    is(WTERMSIG(status), SIGKILL);
}

REAL(what_a_call_has_started_ends_with_its_worker)
{
    static const int expected[] = { 0, -EOWNERDEAD, -ETIMEDOUT };
    ok(prctl(PR_SET_CHILD_SUBREAPER, 1)); /* they become ours when the worker is gone */
    for (enum later what = ANSWERS; what <= HANGS_THEN; what++) {
        async_process_pool *p = async_process_pool_open(.max_workers = 1, .timeout = SLOW ? 5 : 1);
        int memory = memfd_create("stdout", 0), real = dup(STDOUT_FILENO);
        char said[32] = "";
        pid_t child = 0;
        fflush(stdout);
        dup2(memory, STDOUT_FILENO);
        int r = await_process_pool_run(p, leaves_a_child, &what, &child);
        dup2(real, STDOUT_FILENO);
        close(real);
        is(r, expected[what]);
        if (what != ANSWERS && pread(memory, said, sizeof said - 1, 0) > 0)
            child = (pid_t)atol(said);
        close(memory);
        is_true(child > 0);
        async_process_pool_drop(&p);
        has_been_killed(child);
    }
    return 0;
}

/* --- the end of the parent --- */

ASYNC_PROCESS(say_who_and_hang, (const int *)fd, (int *)unused)
{
    pid_t pid = getpid();
    *unused = write(*fd, &pid, sizeof pid) == sizeof pid;
    while (pause() < 0)
        ;
    return 0;
}

ASYNC_DEF(hang_with_words)
{
    int err = STDERR_FILENO, unused;
    return await_say_who_and_hang(&err, &unused);
}

START_TEST(workers_die_with_their_parent)
{
    int fds[2], status;
    pid_t worker, parent;
    ok(prctl(PR_SET_CHILD_SUBREAPER, 1));
    ok(pipe(fds));
    parent = fork();
    if (parent == 0) {
        dup2(fds[1], STDERR_FILENO);
        async_ignore(async_run(hang_with_words()));
        _exit(0);
    }
    is(read(fds[0], &worker, sizeof worker), sizeof worker);
    ok(kill(parent, SIGKILL));
    is(waitpid(parent, &status, 0), parent);
    is(waitpid(worker, &status, 0), worker);
    is(WTERMSIG(status), SIGKILL);
}
END_TEST

SUITE("process death", who_dies_is_named_and_replaced, who_hangs_is_ended_by_the_limit_of_time,
      a_worker_that_was_stopped_before_its_call_is_replaced_and_the_call_made,
      of_many_calls_those_that_kill_their_worker_fail_alone,
      calls_and_deaths_leave_no_memory_no_descriptor_and_no_zombie, a_worker_does_not_grow,
      a_call_that_forks_has_one_answer, what_a_call_has_started_ends_with_its_worker,
      workers_die_with_their_parent)
