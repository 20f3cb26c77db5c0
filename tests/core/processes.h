/* SPDX-License-Identifier: MIT */
/* processes.h - what the tests of processes share. They need real time: the workers live in it. */
#ifndef TESTS_PROCESSES_H
#define TESTS_PROCESSES_H

#include "run.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#define SLOW (SANITIZED || getenv("TEST_WRAPPER"))

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

static inline void no_child_is_left(void)
{
    siginfo_t info;
    is(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
    is(errno, ECHILD);
}

static inline int descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Many of them will die. */
__attribute__((constructor)) static void leave_no_cores(void)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
}

/* --- what the workers do --- */

enum way {
    LIVES,
    SEGV,
    ABRT,
    FPE,
    KILLED,
    EXITS,
    HANGS,
    STOPS,
    CLOSES,
    CLOSES_ALL,
    EXITS_WELL,
    FORKS
};

struct order {
    enum way way;
    int number;
};

static inline void fall(int sig)
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
    case CLOSES_ALL:
        close_range(0, ~0u, 0);
        break;
    case EXITS_WELL:
        exit(0);
    case FORKS:
        if (fork() < 0) /* both come back from the call */
            return -errno;
        break;
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

ASYNC_PROCESS(add_one, (const int *)n, (int *)sum)
{
    *sum = *n + 1;
    return 0;
}

ASYNC_PROCESS(nap, (const int *)ms, (pid_t *)pid)
{
    usleep((useconds_t)*ms * 1000);
    *pid = getpid();
    return 0;
}

/* --- calls --- */

ASYNC_DEF(hang_in, (async_process_pool *)p)
{
    struct order o = { HANGS, 0 };
    int answer;
    return await_process_pool_run(p, live_or_die, &o, &answer);
}

static inline int await_death(async_process_pool *p, enum way way, int code, const char *sentence)
{
    struct order o = { way, 1 };
    int answer = -1, r = await_process_pool_run(p, live_or_die, &o, &answer);
    is(r, code);
    has_text(async_fail_text(r), sentence);
    is(answer, -1);
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

#endif
