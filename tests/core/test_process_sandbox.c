/* SPDX-License-Identifier: MIT */
/* What a call may do in a sandbox, and within limits: everything else is refused or ends its worker, and no other one. */
#include "processes.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

/* A system call, as it is: what came of it, or -errno. */
struct attempt {
    const char *name;
    long number, args[3];
};

ASYNC_PROCESS(attempts, (const struct attempt *)a, (long *)ret)
{
    *ret = syscall(a->number, a->args[0], a->args[1], a->args[2], 0L, 0L, 0L);
    return *ret < 0 ? -errno : 0;
}

#define FORBIDDEN(name, ...)                                                                       \
    {                                                                                              \
#name, SYS_##name,                                                                         \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const struct attempt forbidden[] = {
    /* the net */
    FORBIDDEN(socket, AF_INET, SOCK_STREAM),
    FORBIDDEN(socketpair, AF_UNIX, SOCK_STREAM),
    FORBIDDEN(connect, 3),
    FORBIDDEN(bind, 3),
    FORBIDDEN(sendmsg, 3),
    FORBIDDEN(accept4, 3),
    /* processes */
    FORBIDDEN(clone, SIGCHLD),
    FORBIDDEN(clone3),
    FORBIDDEN(execve),
    FORBIDDEN(execveat),
    FORBIDDEN(kill, 1, SIGTERM),
    FORBIDDEN(tgkill, 1, 1, SIGTERM),
    FORBIDDEN(rt_sigqueueinfo, 1, SIGTERM),
    FORBIDDEN(pidfd_open, 1),
    FORBIDDEN(pidfd_send_signal, 3, SIGTERM),
    FORBIDDEN(setsid),
    FORBIDDEN(ptrace),
    FORBIDDEN(process_vm_readv, 1),
    FORBIDDEN(process_vm_writev, 1),
    /* rights */
    FORBIDDEN(prctl, 38),
    FORBIDDEN(seccomp),
    FORBIDDEN(setuid),
    FORBIDDEN(setrlimit),
    FORBIDDEN(capset),
    FORBIDDEN(unshare),
    FORBIDDEN(setns, 3),
    FORBIDDEN(chroot),
    FORBIDDEN(mount),
    /* files, and descriptors of other kinds */
    FORBIDDEN(unlinkat),
    FORBIDDEN(renameat2),
    FORBIDDEN(mkdirat),
    FORBIDDEN(openat2),
    FORBIDDEN(open_by_handle_at),
    FORBIDDEN(memfd_create),
    FORBIDDEN(io_uring_setup, 8),
    FORBIDDEN(bpf),
    FORBIDDEN(userfaultfd),
    FORBIDDEN(perf_event_open),
    FORBIDDEN(epoll_create1),
    FORBIDDEN(eventfd2),
    FORBIDDEN(inotify_init1),
    FORBIDDEN(keyctl),
    FORBIDDEN(reboot),
    { "a call that does not exist", 4000, { 0 } },
#ifdef __x86_64__
    FORBIDDEN(fork),
    FORBIDDEN(vfork),
    FORBIDDEN(unlink),
    { "a call by the numbers of x32", 0x40000000 | SYS_getpid, { 0 } },
#endif
};

enum act { COMPUTES, OPENS, ALLOCATES, LOOPS, THREADS, RAISES };

static void *nothing(void *arg)
{
    return arg;
}

ASYNC_PROCESS(acts, (const enum act *)what, (int *)ret)
{
    switch (*what) {
    case OPENS:
        *ret = open("/etc/passwd", O_RDONLY);
        return *ret < 0 ? async_fail(-errno, "cannot open it") : 0;
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
    case THREADS: {
        pthread_t t;
        *ret = pthread_create(&t, NULL, nothing, NULL);
        break;
    }
    case RAISES:
        *ret = kill(getpid(), SIGTERM);
        break;
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

static int await_act(async_process_pool *p, enum act what, int code, const char *sentence)
{
    int ret = -1, r = await_process_pool_run(p, acts, &what, &ret);
    ck_assert_msg(r == code, "%d: %s %s", (int)what, shown(r), async_fail_text(r));
    has_text(async_fail_text(r), sentence);
    return 0;
}

REAL(a_call_may_compute_and_is_refused_files)
{
    async_process_pool_auto p =
            async_process_pool_open(.max_workers = 1, .sandbox = true, .timeout = 10);
    struct async_process_pool_stats s;
    ok(await_act(p, COMPUTES, 0, ""));
    ok(await_act(p, OPENS, -EACCES, "cannot open it"));
    ok(await_act(p, COMPUTES, 0, ""));
    async_process_pool_stats(p, &s);
    is(s.started, 1);
    ok(await_death(p, ABRT, -EOWNERDEAD, "killed by SIGABRT"));
    ok(await_act(p, THREADS, -EOWNERDEAD, "killed by SIGSYS"));
    ok(await_act(p, RAISES, -EOWNERDEAD, "killed by SIGSYS"));
    ok(await_act(p, COMPUTES, 0, ""));
    return 0;
}

ASYNC_DEF(breaks_out, (async_process_pool *)p, (const struct attempt *)a)
{
    long ret = -1;
    int r = await_process_pool_run(p, attempts, a, &ret);
    ck_assert_msg(r == -EOWNERDEAD && ret == -1, "%s: %s", a->name, shown(r));
    ck_assert_msg(strstr(async_fail_text(r), "killed by SIGSYS"), "%s: %s", a->name,
                  async_fail_text(r));
    return 0;
}

/* The honest calls stand before, beside and behind those that are killed for what they do. */
REAL(what_reaches_out_of_the_process_ends_it_and_no_other)
{
    async_process_pool_auto p =
            async_process_pool_open(.max_workers = 2, .sandbox = true, .timeout = SLOW ? 30 : 10);
    struct tally t = { p, 0, 0, "" };
    int r;
    await_group (r, g)
        for (size_t i = 0; i < countof(forbidden); i++) {
            async_spawn(g, one_of_many(&t, (int)i, LIVES));
            async_spawn(g, breaks_out(p, &forbidden[i]));
        }
    ok(r);
    is(t.answers, countof(forbidden));
    is_text(t.what, "");
    return 0;
}

/* What the kernel says of a process under that title, blanks as they are. */
static const char *kernel_says(pid_t pid, const char *file, const char *title)
{
    static char line[256];
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
    FILE *f = fopen(path, "re");
    is_true(f);
    bool found = false;
    while (!found && fgets(line, sizeof line, f))
        found = !strncmp(line, title, strlen(title));
    fclose(f);
    return found ? line + strlen(title) : "";
}

REAL(the_kernel_knows_that_a_worker_is_enclosed)
{
    async_process_pool_auto p =
            async_process_pool_open(.max_workers = 1, .sandbox = true, .max_cpu = 7);
    pid_t pid;
    int ms = 0;
    unsigned long soft, hard;
    ok(await_process_pool_run(p, nap, &ms, &pid));
    is(atoi(kernel_says(pid, "status", "NoNewPrivs:")), 1);
    is(atoi(kernel_says(pid, "status", "Seccomp:")), 2); /* by a filter */
    static const struct {
        const char *title;
        unsigned long most;
    } limits[] = { { "Max file size", 0 }, { "Max core file size", 0 }, { "Max open files", 16 } };
    for (size_t i = 0; i < countof(limits); i++) {
        is(sscanf(kernel_says(pid, "limits", limits[i].title), "%lu %lu", &soft, &hard), 2);
        is(soft, limits[i].most);
        is(hard, limits[i].most);
    }
    is(sscanf(kernel_says(pid, "limits", "Max cpu time"), "%lu", &soft), 1);
    is_true(soft >= 7 && soft < 60);
    return 0;
}

REAL(without_a_sandbox_nothing_of_it_is_there)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    pid_t pid;
    int ms = 0;
    ok(await_process_pool_run(p, nap, &ms, &pid));
    is(atoi(kernel_says(pid, "status", "NoNewPrivs:")),
       atoi(kernel_says(getpid(), "status", "NoNewPrivs:")));
    is(atoi(kernel_says(pid, "status", "Seccomp:")), atoi(kernel_says(getpid(), "status", "Seccomp:")));
    ok(await_act(p, OPENS, 0, ""));
    return 0;
}

REAL(memory_and_time_have_limits)
{
    if (!SANITIZED) { /* a sanitizer wants terabytes */
        async_process_pool_auto small = async_process_pool_open(.max_workers = 1, .sandbox = true,
                                                                .max_memory = (size_t)1 << 30);
        ok(await_act(small, ALLOCATES, -ENOMEM, "no such memory"));
        ok(await_act(small, COMPUTES, 0, ""));
    }
    async_process_pool_auto brief =
            async_process_pool_open(.max_workers = 1, .sandbox = true, .max_cpu = 1);
    ok(await_act(brief, LOOPS, -EOWNERDEAD, "killed by SIGXCPU"));
    ok(await_act(brief, COMPUTES, 0, ""));
    return 0;
}

ASYNC_DEF(loop_in, (async_process_pool *)p)
{
    enum act what = LOOPS;
    int ret;
    return await_process_pool_run(p, acts, &what, &ret);
}

/* Killed for lasting too long, taken back, and ended with the pool, as without one. */
REAL(a_call_in_a_sandbox_can_be_stopped)
{
    async_process_pool *p = async_process_pool_open(.max_workers = 1, .sandbox = true);
    await_task_auto running = async_create_task(loop_in(p));
    await_task_auto queued = async_create_task(loop_in(p));
    ok(await_sleep(0.05));
    async_task_cancel(running);
    is(await_task(running), -ECANCELED);
    async_process_pool_drop(&p);
    is(await_task(queued), -EPIPE);
    return 0;
}

SUITE("process sandbox", a_call_may_compute_and_is_refused_files,
      what_reaches_out_of_the_process_ends_it_and_no_other,
      the_kernel_knows_that_a_worker_is_enclosed, without_a_sandbox_nothing_of_it_is_there,
      memory_and_time_have_limits, a_call_in_a_sandbox_can_be_stopped)
