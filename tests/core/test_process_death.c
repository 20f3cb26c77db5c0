/* SPDX-License-Identifier: MIT */
/* Calls whose workers die, hang, fork or close their sockets; workers whose parent dies. */
#include "processes.h"

#include <malloc.h>
#include <sys/prctl.h>

REAL(worker_that_dies_is_described_and_replaced)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 2);
    struct task_order fine = { LIVES, 21 };
    struct async_process_pool_stats s;
    int answer;
    expect_ok(await_death(p, SEGV, -EOWNERDEAD, "killed by SIGSEGV"));
    expect_ok(await_death(p, ABRT, -EOWNERDEAD, "killed by SIGABRT"));
    expect_ok(await_death(p, FPE, -EOWNERDEAD, "killed by SIGFPE"));
    expect_ok(await_death(p, KILLED, -EOWNERDEAD, "killed by SIGKILL"));
    expect_ok(await_death(p, EXITS, -EOWNERDEAD, "exited with status 3"));
    expect_ok(await_death(p, EXITS_WELL, -EOWNERDEAD, "exited with status 0"));
    expect_ok(await_death(p, SHUTS_DOWN, -EOWNERDEAD, "closed its connection and was killed"));
    expect_ok(await_death(p, CLOSES_ALL, -EOWNERDEAD,
                          "the worker ")); /* it ends by itself, unless the pool kills it before */
    expect_ok(await_process_pool_run(p, do_act, &fine, &answer));
    expect_int(answer, 42);
    async_process_pool_stats(p, &s);
    expect_true(s.killed == 1 || s.killed == 2);
    expect_int(s.lost + s.killed, 8);
    expect_int(s.done, 9);
    expect_int(s.queued + s.running, 0);
    return 0;
}

REAL(call_that_exceeds_the_timeout_is_killed)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1, .timeout = 0.1);
    expect_ok(await_death(p, HANGS, -ETIMEDOUT, "longer than 0.1 s"));
    expect_ok(await_death(p, STOPS, -ETIMEDOUT, "longer than 0.1 s"));
    expect_ok(await_death(p, CLOSES, -ETIMEDOUT, "longer than 0.1 s"));
    return 0;
}

REAL(worker_stopped_before_its_call_is_replaced_and_the_call_succeeds)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1, .timeout = 0.3);
    int ms = 0, r = -ETIMEDOUT;
    pid_t first, second = 0;
    expect_ok(await_process_pool_run(p, nap, &ms, &first));
    expect_ok(kill(first, SIGSTOP));
    for (int i = 0; i < 10 && r == -ETIMEDOUT; i++) /* on a busy machine the second may be slow */
        r = await_process_pool_run(p, nap, &ms, &second);
    expect_ok(r);
    expect_true(second != first);
    return 0;
}

REAL(call_that_kills_its_worker_spares_the_others)
{
    int n = SLOW ? 400 : 3000, before = descriptors();
    struct tally t = { async_process_pool_open(.max_workers = 4, .timeout = SLOW ? 8 : 1), 0, 0,
                       "" };
    unsigned seed = 1;
    int g_result;
    await_group (g_result, g) {
        for (int i = 0; i < n; i++) {
            seed = seed * 1103515245 + 12345;
            int act = (seed >> 16) % 20 ? LIVES : (int)(SEGV + (seed >> 8) % EXITS);
            if (i % (n / 4) == 7)
                act = HANGS;
            async_spawn(g, one_of_many(&t, i, act));
        }
    }
    expect_ok(g_result);
    expect_int(t.answers, n);
    expect_text(t.what, "");
    expect_true(descriptors() <= before + 4 * 3 + 1); /* three for each worker, and a timer */
    expect_ok(await_process_pool_close(&t.pool));
    expect_int(descriptors(), before);
    return 0;
}

/* --- memory and descriptors --- */

static long pages(void)
{
    long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
        abort();
    fclose(f);
    return resident;
}

/* Every twentieth call kills its worker, each time in another way. */
static int await_calls(async_process_pool *p, int n)
{
    enum { AT_ONCE = 50 };
    struct tally t = { p, 0, 0, "" };
    int r;
    for (int i = 0; i < n; i += AT_ONCE) {
        await_group (r, g)
            for (int k = i; k < i + AT_ONCE; k++)
                async_spawn(g, one_of_many(&t, k, k % 20 ? LIVES : SEGV + k / 20 % EXITS));
        expect_ok(r);
    }
    expect_int(t.answers, n);
    expect_text(t.what, "");
    return 0;
}

static void no_child_has_ended(void)
{
    siginfo_t info = { 0 };
    expect_ok(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT));
    expect_int(info.si_pid, 0);
}

/* Bytes that the program has allocated and not freed. The resident set would not do: how much of it
 * is free memory that the allocator keeps depends on the order in which calls end. */
static long allocated_bytes(void)
{
    struct mallinfo2 m = mallinfo2();
    return (long)(m.uordblks + m.hblkhd);
}

/* A leak of 9 bytes for each call, or of 164 for each worker, is found. */
REAL(calls_and_deaths_leave_no_memory_descriptor_or_zombie)
{
    enum { SLACK = 32 * 1024 };
    async_process_pool_auto p = async_process_pool_open(.max_workers = 2);
    int n = SLOW ? 500 : 4000;
    expect_ok(await_calls(p, n));
    expect_ok(await_sleep(0));
    long before = allocated_bytes();
    int open = descriptors();
    expect_ok(await_calls(p, n));
    no_child_has_ended();
    expect_true(descriptors() <=
                open + 6); /* those of a worker that was not running at that moment */
    if (!SLOW)             /* valgrind and sanitizers keep memory that was freed */
        expect_at_most(allocated_bytes(), before + SLACK);
    return 0;
}

ASYNC_PROCESS(own_pages, (const int *)unused, (long *)n)
{
    (void)unused;
    *n = pages();
    return 0;
}

REAL(worker_does_not_grow_by_its_calls)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    large *in = malloc(sizeof *in), *out = malloc(sizeof *out);
    int n = SLOW ? 100 : 5000, zero = 0, answer;
    long before = 0, after;
    memset(in, 1, sizeof *in);
    for (int i = 0; i < n; i++) {
        struct task_order o = { LIVES, i };
        expect_ok(await_process_pool_run(p, do_act, &o, &answer));
        if (i % 50 == 0)
            expect_int(await_process_pool_run(p, reverse, in, out), 7);
        if (i == n / 10)
            expect_ok(await_process_pool_run(p, own_pages, &zero, &before));
    }
    expect_ok(await_process_pool_run(p, own_pages, &zero, &after));
    free(in);
    free(out);
    if (!SLOW)
        expect_that(after <= before + 16, "%ld pages, then %ld", before, after);
    return 0;
}

/* --- children of calls --- */

REAL(call_that_forks_has_one_reply)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct async_process_pool_stats s;
    int answer;
    for (int i = 0; i < 20; i++) {
        struct task_order o = { i % 2 ? LIVES : FORKS, i };
        expect_ok(await_process_pool_run(p, do_act, &o, &answer));
        expect_int(answer, 2 * i);
    }
    async_process_pool_stats(p, &s);
    expect_int(s.done, 20);
    expect_int(s.lost, 0);
    return 0;
}

enum later { REPLIES_THEN, DIES_THEN, HANGS_THEN };

ASYNC_PROCESS(leave_child, (const enum later *)what, (pid_t *)child)
{
    static pid_t pid;
    pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    *child = pid;
    if (*what == REPLIES_THEN)
        return pid < 0 ? -errno : 0;
    printf("%ld\n", (long)pid);
    fflush(stdout);
    if (*what == DIES_THEN)
        raise_default(SIGSEGV);
    for (;;)
        pause();
}

/* The signal is that which the pool sends to the group of a worker. */
static void is_killed(pid_t pid)
{
    int status;
    expect_int(waitpid(pid, &status, 0), pid);
    expect_true(WIFSIGNALED(status));
    expect_int(WTERMSIG(status), SIGKILL);
}

REAL(child_of_a_call_is_killed_with_its_worker)
{
    static const int expected[] = { 0, -EOWNERDEAD, -ETIMEDOUT };
    expect_ok(prctl(PR_SET_CHILD_SUBREAPER, 1)); /* orphans become children of this process */
    for (enum later what = REPLIES_THEN; what <= HANGS_THEN; what++) {
        async_process_pool *p =
                async_process_pool_open(.max_workers = 1, .timeout = SLOW ? 5 : 0.3);
        int memory = memfd_create("stdout", 0), real = dup(STDOUT_FILENO);
        char text[32] = "";
        pid_t child = 0;
        fflush(stdout);
        dup2(memory, STDOUT_FILENO);
        int r = await_process_pool_run(p, leave_child, &what, &child);
        dup2(real, STDOUT_FILENO);
        close(real);
        expect_int(r, expected[what]);
        if (what != REPLIES_THEN && pread(memory, text, sizeof text - 1, 0) > 0)
            child = (pid_t)atol(text);
        close(memory);
        expect_true(child > 0);
        async_process_pool_drop(&p);
        is_killed(child);
    }
    return 0;
}

/* --- the end of the parent --- */

ASYNC_PROCESS(report_and_hang, (const int *)fd, (int *)unused)
{
    pid_t pid = getpid();
    *unused = write(*fd, &pid, sizeof pid) == sizeof pid;
    while (pause() < 0)
        ;
    return 0;
}

ASYNC_DEF(hang_and_report)
{
    int err = STDERR_FILENO, unused;
    return await_report_and_hang(&err, &unused);
}

TEST(worker_dies_with_its_parent)
{
    int fds[2], status;
    pid_t worker, parent;
    expect_ok(prctl(PR_SET_CHILD_SUBREAPER, 1));
    expect_ok(pipe(fds));
    parent = fork();
    if (parent == 0) {
        dup2(fds[1], STDERR_FILENO);
        async_ignore(async_run(hang_and_report()));
        _exit(0);
    }
    expect_int(read(fds[0], &worker, sizeof worker), sizeof worker);
    expect_ok(kill(parent, SIGKILL));
    expect_int(waitpid(parent, &status, 0), parent);
    expect_int(waitpid(worker, &status, 0), worker);
    expect_int(WTERMSIG(status), SIGKILL);
}

SUITE("process death", worker_that_dies_is_described_and_replaced,
      call_that_exceeds_the_timeout_is_killed,
      worker_stopped_before_its_call_is_replaced_and_the_call_succeeds,
      call_that_kills_its_worker_spares_the_others,
      calls_and_deaths_leave_no_memory_descriptor_or_zombie, worker_does_not_grow_by_its_calls,
      call_that_forks_has_one_reply, child_of_a_call_is_killed_with_its_worker,
      worker_dies_with_its_parent)
