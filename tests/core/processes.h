/* SPDX-License-Identifier: MIT */
/* processes.h - functions and helpers for the tests of process pools. They run in real time, as
 * workers do. */
#ifndef TESTS_PROCESSES_H
#define TESTS_PROCESSES_H

#include "../frame/loop_test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
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
    TEST(name)                                                                                     \
    {                                                                                              \
        expect_int(run_silently(name##_case(), NULL), 0);                                          \
        no_child_is_left();                                                                        \
    }                                                                                              \
    static int await_##name##_case(void)

static inline void no_child_is_left(void)
{
    siginfo_t info;
    expect_int(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
    expect_int(errno, ECHILD);
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

/* Many workers are killed by signals that write core files. */
__attribute__((constructor)) static void leave_no_cores(void)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
}

/* --- what the workers do --- */

enum act {
    LIVES,
    SEGV,
    ABRT,
    FPE,
    KILLED,
    EXITS,
    HANGS,
    STOPS,
    CLOSES,
    SHUTS_DOWN,
    CLOSES_ALL,
    EXITS_WELL,
    FORKS
};

struct task_order {
    enum act act;
    int number;
};

static inline void raise_default(int sig)
{
    signal(sig, SIG_DFL);
    raise(sig);
}

ASYNC_PROCESS(do_act, (const struct task_order *)o, (int *)answer)
{
    switch (o->act) {
    case SEGV:
        raise_default(SIGSEGV);
        break;
    case ABRT:
        raise_default(SIGABRT);
        break;
    case FPE:
        raise_default(SIGFPE);
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
    case SHUTS_DOWN:
        shutdown(3, SHUT_RDWR);
        for (;;)
            pause();
    case CLOSES_ALL:
        close_range(0, ~0u, 0);
        break;
    case EXITS_WELL:
        exit(0);
    case FORKS:
        if (fork() < 0) /* parent and child return from the call */
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
    struct task_order o = { HANGS, 0 };
    int answer;
    return await_process_pool_run(p, do_act, &o, &answer);
}

/* The call fails with that error and message, and leaves its result alone. */
static inline int await_death(async_process_pool *p, enum act act, int code, const char *message)
{
    struct task_order o = { act, 1 };
    int answer = -1, r = await_process_pool_run(p, do_act, &o, &answer);
    expect_int(r, code);
    expect_contains(async_fail_text(r), message);
    expect_int(answer, -1);
    return 0;
}

struct tally {
    async_process_pool *pool;
    int answers, wrong;
    char what[200]; /* the first wrong answer */
};

ASYNC_DEF(one_of_many, (struct tally *)t, (int)i, (int)act)
{
    static const char *const messages[] = { "",        "SIGSEGV",  "SIGABRT", "SIGFPE",
                                            "SIGKILL", "status 3", "longer" };
    struct task_order o = { (enum act)act, i };
    int answer = -1, r = await_process_pool_run(t->pool, do_act, &o, &answer);
    int expected = act == LIVES ? 0 : act == HANGS ? -ETIMEDOUT : -EOWNERDEAD;
    bool right = r == expected && answer == (act == LIVES ? 2 * i : -1) &&
                 (r == 0 || strstr(async_fail_text(r), messages[act]));
    t->answers++;
    if (!right && t->wrong++ == 0)
        snprintf(t->what, sizeof t->what, "call %d, act %d: %s, %s", i, act, result_text(r),
                 async_fail_text(r));
    return 0;
}

#endif
