/* SPDX-License-Identifier: MIT */
/* Functions in other processes: what they are given and give back, and what becomes of it when they die. */
#include "run.h"

#include <asyncio/testing.h>

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#define SLOW (SANITIZED || getenv("TEST_WRAPPER"))

/* These need real time: the workers live in it. */
#define REAL(name)                                                                                 \
    ASYNC_CHECK static int await_##name##_case(void);                                              \
    ASYNC_CO(name##_case)                                                                          \
    START_TEST(name)                                                                               \
    {                                                                                              \
        is(run_heard(name##_case(), NULL), 0);                                                     \
        no_child_is_left();                                                                        \
    }                                                                                              \
    END_TEST                                                                                       \
    static int await_##name##_case(void)

static void no_child_is_left(void)
{
    siginfo_t info;
    is(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
    is(errno, ECHILD);
}

static int descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* --- what the workers do --- */

ASYNC_PROCESS(add_one, (const int *)n, (int *)sum)
{
    *sum = *n + 1;
    return 0;
}

ASYNC_PROCESS(refuse, (const int *)n, (int *)unused)
{
    *unused = 99;
    return async_fail(-*n, "no %d today", *n);
}

enum way { LIVES, SEGV, ABRT, FPE, KILLED, EXITS, HANGS, STOPS, CLOSES, WAYS };

struct order {
    enum way way;
    int number;
};

static void fall(int sig)
{
    signal(sig, SIG_DFL);
    raise(sig);
}

ASYNC_PROCESS(live_or_die, (const struct order *)o, (int *)answer)
{
    switch (o->way) {
    case SEGV:
        fall(SIGSEGV);
        break;
    case ABRT:
        fall(SIGABRT);
        break;
    case FPE:
        fall(SIGFPE);
        break;
    case KILLED:
        raise(SIGKILL);
        break;
    case EXITS:
        _exit(3);
    case HANGS:
        for (;;)
            pause();
    case STOPS:
        raise(SIGSTOP);
        break;
    case CLOSES:
        close(3);
        for (;;)
            pause();
    default:
        break;
    }
    *answer = o->number * 2;
    return 0;
}

typedef struct large {
    unsigned char bytes[3 * 1000 * 1000];
} large;

ASYNC_PROCESS(reverse, (const large *)in, (large *)out)
{
    for (size_t i = 0; i < sizeof in->bytes; i++)
        out->bytes[i] = in->bytes[sizeof in->bytes - 1 - i];
    return 7;
}

ASYNC_DEF(hang_in, (async_process_pool *)p)
{
    struct order o = { HANGS, 0 };
    int answer;
    return await_process_pool_run(p, live_or_die, &o, &answer);
}

ASYNC_PROCESS(nap, (const int *)ms, (pid_t *)pid)
{
    usleep((useconds_t)*ms * 1000);
    *pid = getpid();
    return 0;
}

/* --- arguments, results, errors --- */

REAL(a_function_runs_in_another_process)
{
    int ms = 0;
    pid_t pid = 0;
    ok(await_nap(&ms, &pid));
    is_true(pid > 0 && pid != getpid());
    return 0;
}

REAL(bytes_go_in_and_come_out)
{
    int sums[100];
    for (int i = 0; i < 100; i++) {
        ok(await_add_one(&i, &sums[i]));
        is(sums[i], i + 1);
    }
    return 0;
}

REAL(an_error_comes_back_with_its_sentence_and_leaves_the_result_alone)
{
    int n = EPROTO, result = 5;
    is(await_refuse(&n, &result), -EPROTO);
    is_text(async_fail_text(-EPROTO), "no 71 today");
    is(result, 5);
    return 0;
}

REAL(large_arguments_and_results_go_by_shared_memory)
{
    large *in = malloc(sizeof *in), *out = malloc(sizeof *out);
    for (size_t i = 0; i < sizeof in->bytes; i++)
        in->bytes[i] = (unsigned char)(i * 7);
    for (int round = 0; round < 3; round++) {
        memset(out, 0, sizeof *out);
        is(await_reverse(in, out), 7);
        for (size_t i = 0; i < sizeof in->bytes; i++)
            if (out->bytes[i] != in->bytes[sizeof in->bytes - 1 - i])
                ck_abort_msg("byte %zu", i);
    }
    free(in);
    free(out);
    return 0;
}

static int echo(const void *in, void *out)
{
    const size_t *size = in;
    if (*size > sizeof *size)
        memset(out, 0x5a, *size);
    return 0;
}

REAL(sizes_around_the_end_of_a_frame_arrive_whole)
{
    static const size_t sizes[] = { 0, 1, 32767, 32768, 32769, 65536, 100000 };
    unsigned char *in = calloc(1, 100000), *out = malloc(100001);
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    for (size_t i = 0; i < countof(sizes); i++)
        for (size_t j = 0; j < countof(sizes); j++) {
            memcpy(in, &sizes[j], sizeof sizes[j]);
            memset(out, 0xee, 100001);
            ok(await_process_pool_call(p, echo, in, sizes[i] < 8 ? 8 : sizes[i], out, sizes[j]));
            is(out[0], sizes[j] == 0 ? 0xee : sizes[j] > 8 ? 0x5a : 0);
            is(out[sizes[j] ? sizes[j] - 1 : 0], out[0]);
            is(out[sizes[j]], 0xee);
        }
    free(in);
    free(out);
    return 0;
}

static int written_at_start = 1;

__attribute__((constructor)) static void before_main(void)
{
    struct rlimit none = { 0, 0 };
    written_at_start = 2;
    setrlimit(RLIMIT_CORE, &none); /* many will die */
}

static int file_scope(const void *in, void *out)
{
    (void)in;
    *(int *)out = written_at_start;
    return 0;
}

REAL(constructors_have_run_and_main_has_not)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    int seen = 0;
    written_at_start = 3;
    ok(await_process_pool_call(p, file_scope, NULL, 0, &seen, sizeof seen));
    is(seen, 2);
    return 0;
}

static int surroundings(const void *in, void *out)
{
    int n = 0;
    for (int fd = 0; fd < 300; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    ((int *)out)[0] = n;
    ((int *)out)[1] = getsid(0) == getpid() && getenv("ASYNCIO_WORKER") == NULL;
    (void)in;
    return 0;
}

REAL(a_worker_has_no_descriptors_of_ours)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    int seen[2], fds[2];
    ok(pipe(fds)); /* not closed on exec */
    ok(await_process_pool_call(p, surroundings, NULL, 0, seen, sizeof seen));
    is(seen[0], 4);
    is(seen[1], 1);
    close(fds[0]);
    close(fds[1]);
    return 0;
}

static int prints(const void *in, void *out)
{
    (void)in;
    (void)out;
    printf("from the worker\n");
    return 0;
}

REAL(what_is_printed_is_there_with_the_answer_and_once)
{
    char said[256] = "";
    int memory = memfd_create("stdout", 0), real = dup(STDOUT_FILENO);
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    fflush(stdout);
    dup2(memory, STDOUT_FILENO);
    printf("not flushed\n");
    ok(await_process_pool_call(p, prints, NULL, 0, NULL, 0));
    is(pread(memory, said, sizeof said - 1, 0), strlen("from the worker\n"));
    fflush(stdout);
    dup2(real, STDOUT_FILENO);
    close(real);
    is_true(pread(memory, said, sizeof said - 1, 0) > 0);
    is_text(said, "from the worker\nnot flushed\n");
    close(memory);
    return 0;
}

static const void *volatile not_in_a_file;

REAL(a_function_that_lies_in_no_file_is_refused)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int (*fn)(const void *, void *);
    not_in_a_file = page;
    memcpy(&fn, (const void *)&not_in_a_file, sizeof fn);
    is(await_to_process(fn, NULL, 0, NULL, 0), -ENOEXEC);
    munmap(page, 4096);
    return 0;
}

/* --- death --- */

static int await_death(async_process_pool *p, enum way way, int code, const char *sentence)
{
    struct order o = { way, 1 };
    int answer = -1, r = await_process_pool_run(p, live_or_die, &o, &answer);
    is(r, code);
    has_text(async_fail_text(r), sentence);
    is(answer, -1);
    return 0;
}

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
    ok(await_death(p, CLOSES, -EOWNERDEAD, "killed by SIGKILL"));
    ok(await_process_pool_run(p, live_or_die, &fine, &answer));
    is(answer, 42);
    async_process_pool_stats(p, &s);
    is(s.lost, 6);
    is(s.done, 7);
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

struct tally {
    async_process_pool *pool;
    int answers, wrong;
    char what[200]; /* the first that was */
};

ASYNC_DEF(one_of_many, (struct tally *)t, (int)i, (int)way)
{
    static const char *const said[] = { "",        "SIGSEGV", "SIGABRT", "SIGFPE",
                                        "SIGKILL", "exit(3)", "longer" };
    struct order o = { (enum way)way, i };
    int answer = -1, r = await_process_pool_run(t->pool, live_or_die, &o, &answer);
    int expected = way == LIVES ? 0 : way == HANGS ? -ETIMEDOUT : -EOWNERDEAD;
    bool right = r == expected && answer == (way == LIVES ? 2 * i : -1) &&
                 (r == 0 || strstr(async_fail_text(r), said[way]));
    t->answers++;
    if (!right && t->wrong++ == 0)
        snprintf(t->what, sizeof t->what, "call %d, way %d: %s, %s", i, way, shown(r),
                 async_fail_text(r));
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
    ok(await_process_pool_close(t.pool));
    is(descriptors(), before);
    return 0;
}

REAL(a_call_behind_one_that_lasts_moves_to_a_worker_that_is_free)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 2);
    struct tally t = { p, 0, 0, "" };
    int g_result;
    await_group (g_result, g) {
        await_task_auto hangs = async_create_task(hang_in(p));
        ok(await_sleep(0));
        for (int i = 0; i < 40; i++)
            async_spawn(g, one_of_many(&t, i, LIVES));
    }
    ok(g_result);
    is(t.answers, 40);
    is_text(t.what, "");
    return 0;
}

/* --- cancellation, closing --- */

REAL(a_call_that_is_cancelled_is_stopped_and_others_do_not_notice)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct tally t = { p, 0, 0, "" };
    struct async_process_pool_stats s;
    int ms = 0;
    pid_t pid;
    ok(await_process_pool_run(p, nap, &ms, &pid));
    int g_result;
    await_group (g_result, g) {
        await_task_auto running = async_create_task(hang_in(p));
        await_task_auto behind = async_create_task(hang_in(p));
        ok(await_sleep(0));
        for (int i = 0; i < 30; i++)
            async_spawn(g, one_of_many(&t, i, LIVES));
        ok(await_sleep(0.02));
        async_task_cancel(behind);
        is(await_task(behind), -ECANCELED);
        async_process_pool_stats(p, &s);
        is(s.lost, 0); /* it had not begun */
        async_task_cancel(running);
        is(await_task(running), -ECANCELED);
    }
    ok(g_result);
    is(t.answers, 30);
    is_text(t.what, "");
    async_process_pool_stats(p, &s);
    is(s.lost, 1);
    is(s.started, 2);
    return 0;
}

ASYNC_DEF(fails_when_closed, (async_process_pool *)p, (int)code)
{
    struct order o = { HANGS, 0 };
    int answer;
    is(await_process_pool_run(p, live_or_die, &o, &answer), code);
    return 0;
}

REAL(close_waits_for_the_calls_and_drop_does_not)
{
    async_process_pool *p = async_process_pool_open(.max_workers = 1);
    struct tally t = { p, 0, 0, "" };
    int g_result;
    await_group (g_result, g) {
        for (int i = 0; i < 20; i++)
            async_spawn(g, one_of_many(&t, i, LIVES));
        ok(await_sleep(0));
        ok(await_process_pool_close(p));
        is(t.answers, 20);
        p = async_process_pool_open(.max_workers = 1);
        for (int i = 0; i < 12; i++)
            async_spawn(g, fails_when_closed(p, -EPIPE));
        ok(await_sleep(0));
        async_process_pool_drop(&p);
        is_true(p == NULL);
    }
    ok(g_result);
    return 0;
}

ASYNC_DEF(close_it, (async_process_pool *)p)
{
    return await_process_pool_close(p);
}

REAL(a_close_that_is_cancelled_drops_the_pool)
{
    async_process_pool *p = async_process_pool_open(.max_workers = 1);
    int g_result;
    await_group (g_result, g) {
        async_spawn(g, fails_when_closed(p, -EPIPE));
        ok(await_sleep(0));
        await_task_auto closer = async_create_task(close_it(p));
        ok(await_sleep(0));
        async_task_cancel(closer);
        is(await_task(closer), -ECANCELED);
    }
    ok(g_result);
    return 0;
}

ASYNC_DEF(many_and_an_early_end, (unsigned)moment)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 2);
    struct tally t = { p, 0, 0, "" };
    int r;
    await_timeout (r, moment * 0.0004) {
        int g_result;
        await_group (g_result, g) {
            for (int i = 0; i < 40; i++)
                async_spawn(g, one_of_many(&t, i, i % 10 == 9 ? (int)SEGV : LIVES));
        }
        ASYNC_TRY(g_result);
    }
    return r;
}

/* One worker or another is starting, working, dying at each of these moments. */
REAL(a_pool_may_end_at_any_moment)
{
    int before = descriptors();
    for (unsigned moment = 0; moment < (SLOW ? 10 : 60); moment++) {
        int r = await_many_and_an_early_end(moment);
        is_true(r == 0 || r == -ETIMEDOUT);
    }
    is(descriptors(), before);
    return 0;
}

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

START_TEST(a_pool_wants_a_loop)
{
    async_process_pool *p = async_process_pool_open(.max_workers = 1);
    is_true(p == NULL);
    is(errno, EPERM);
}
END_TEST

REAL(a_pool_wants_a_sensible_size)
{
    is_true(async_process_pool_open(.max_workers = 100000) == NULL);
    is(errno, EINVAL);
    is_true(async_process_pool_open(.timeout = -1) == NULL);
    is(errno, EINVAL);
    ok(await_process_pool_close(NULL));
    return 0;
}

static void drop_in_a_child(async_process_pool *p)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        async_process_pool_drop(&p);
        _exit(0);
    }
    is(waitpid(child, &status, 0), child);
    is(status, 0);
}

REAL(a_pool_that_is_dropped_in_a_child_goes_on_in_its_parent)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    int ms = 0;
    pid_t first, second;
    ok(await_process_pool_run(p, nap, &ms, &first));
    drop_in_a_child(p);
    ok(await_process_pool_run(p, nap, &ms, &second));
    is(first, second);
    return 0;
}

/* --- the sandbox --- */

enum attempt { COMPUTES, OPENS, CONNECTS, FORKS, TRACES, SIGNALS, ALLOCATES, LOOPS };

ASYNC_PROCESS(attempts, (const int *)what, (int *)ret)
{
    switch ((enum attempt) * what) {
    case OPENS:
        *ret = open("/etc/passwd", O_RDONLY);
        return *ret < 0 ? async_fail(-errno, "cannot open it") : 0;
    case CONNECTS:
        *ret = socket(AF_INET, SOCK_STREAM, 0);
        break;
    case FORKS:
        *ret = (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        break;
    case TRACES:
        *ret = (int)ptrace(PTRACE_TRACEME, 0, 0, 0);
        break;
    case SIGNALS:
        *ret = kill(getppid(), SIGTERM);
        break;
    case ALLOCATES: {
        char *volatile p = malloc((size_t)10 << 30);
        if (!p)
            return async_fail(-ENOMEM, "no such memory");
        *p = 1;
        break;
    }
    case LOOPS:
        for (volatile int i = 0;; i++)
            ;
    default: {
        char *p = malloc(1 << 20);
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        memset(p, 1, 1 << 20);
        *ret = printf("%d\n", p[1000]);
        free(p);
    }
    }
    return 0;
}

static int await_attempt(async_process_pool *p, enum attempt a, int code, const char *sentence)
{
    int what = (int)a, ret = -1, r = await_process_pool_run(p, attempts, &what, &ret);
    ck_assert_msg(r == code, "%d: %s %s", what, shown(r), async_fail_text(r));
    has_text(async_fail_text(r), sentence);
    return 0;
}

REAL(the_sandbox_contains)
{
    async_process_pool_auto p =
            async_process_pool_open(.max_workers = 1, .sandbox = true, .timeout = 10);
    ok(await_attempt(p, COMPUTES, 0, ""));
    ok(await_attempt(p, OPENS, -EACCES, "cannot open it"));
    ok(await_attempt(p, CONNECTS, -EOWNERDEAD, "killed by SIGSYS"));
    ok(await_attempt(p, FORKS, -EOWNERDEAD, "killed by SIGSYS"));
    ok(await_attempt(p, TRACES, -EOWNERDEAD, "killed by SIGSYS"));
    ok(await_attempt(p, SIGNALS, -EOWNERDEAD, "killed by SIGSYS"));
    ok(await_death(p, ABRT, -EOWNERDEAD, "killed by SIGABRT"));
    ok(await_attempt(p, COMPUTES, 0, ""));
    return 0;
}

REAL(memory_and_time_have_limits)
{
    if (!SANITIZED) { /* a sanitizer wants terabytes */
        async_process_pool_auto small = async_process_pool_open(.max_workers = 1, .sandbox = true,
                                                                .max_memory = (size_t)1 << 30);
        ok(await_attempt(small, ALLOCATES, -ENOMEM, "no such memory"));
        ok(await_attempt(small, COMPUTES, 0, ""));
    }
    async_process_pool_auto brief =
            async_process_pool_open(.max_workers = 1, .sandbox = true, .max_cpu = 1);
    ok(await_attempt(brief, LOOPS, -EOWNERDEAD, "killed by SIGXCPU"));
    return 0;
}

SUITE("process pools", a_function_runs_in_another_process, bytes_go_in_and_come_out,
      an_error_comes_back_with_its_sentence_and_leaves_the_result_alone,
      large_arguments_and_results_go_by_shared_memory, sizes_around_the_end_of_a_frame_arrive_whole,
      constructors_have_run_and_main_has_not, a_worker_has_no_descriptors_of_ours,
      what_is_printed_is_there_with_the_answer_and_once, a_function_that_lies_in_no_file_is_refused,
      who_dies_is_named_and_replaced, who_hangs_is_ended_by_the_limit_of_time,
      a_worker_that_was_stopped_before_its_call_is_replaced_and_the_call_made,
      of_many_calls_those_that_kill_their_worker_fail_alone,
      a_call_behind_one_that_lasts_moves_to_a_worker_that_is_free,
      a_call_that_is_cancelled_is_stopped_and_others_do_not_notice,
      close_waits_for_the_calls_and_drop_does_not, a_close_that_is_cancelled_drops_the_pool,
      a_pool_may_end_at_any_moment, workers_die_with_their_parent,
      a_pool_that_is_dropped_in_a_child_goes_on_in_its_parent, a_pool_wants_a_loop,
      a_pool_wants_a_sensible_size, the_sandbox_contains, memory_and_time_have_limits)
