/* SPDX-License-Identifier: MIT */
/* child.c - start, signal and reap a child process. */
#include "child/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arch/sanitize.h"
#include "base/sys.h"

/* --- descriptors --- */

enum { FDS_MAX = 16 };

/* Copies of descriptors whose numbers lie where the child's descriptors go: otherwise one might
 * overwrite another before that is copied. */
struct fd_plan {
    struct child_fd fds[FDS_MAX];
    int copies[FDS_MAX];
    size_t count, copy_count;
    int end; /* the first number behind those of the child */
};

static void close_copies(struct fd_plan *plan)
{
    while (plan->copy_count > 0)
        async__sys.close(plan->copies[--plan->copy_count]);
}

static bool is_in_the_way(const struct fd_plan *plan, const struct child_fd *f)
{
    return f->from >= 0 && f->from < plan->end && f->from != f->to;
}

static int plan_descriptors(struct fd_plan *plan, const struct child_opts *o)
{
    *plan = (struct fd_plan){ .count = o->fd_count };
    if (o->fd_count > FDS_MAX)
        return -EMFILE;
    for (size_t i = 0; i < o->fd_count; i++) {
        plan->fds[i] = o->fds[i];
        plan->end = o->fds[i].to >= plan->end ? o->fds[i].to + 1 : plan->end;
    }
    for (size_t i = 0; i < plan->count; i++) {
        if (!is_in_the_way(plan, &plan->fds[i]))
            continue;
        int copy = fcntl(plan->fds[i].from, F_DUPFD_CLOEXEC, plan->end), err = errno;
        if (copy < 0) {
            close_copies(plan);
            return -err;
        }
        plan->copies[plan->copy_count++] = plan->fds[i].from = copy;
    }
    return 0;
}

static bool is_given(const struct fd_plan *plan, int number)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->fds[i].to == number)
            return true;
    return false;
}

/* Open the planned descriptors in the child and close all others. Returns 0 or an errno. */
static int add_descriptors(posix_spawn_file_actions_t *a, const struct fd_plan *plan)
{
    int err = 0;
    for (size_t i = 0; i < plan->count && !err; i++) {
        const struct child_fd *f = &plan->fds[i];
        if (f->from == CHILD_DEV_NULL)
            err = posix_spawn_file_actions_addopen(a, f->to, "/dev/null", O_RDWR, 0);
        else /* of equal numbers: only the flag is cleared that would close it */
            err = posix_spawn_file_actions_adddup2(a, f->from, f->to);
    }
    for (int fd = 0; fd < plan->end && !err; fd++)
        if (!is_given(plan, fd))
            err = posix_spawn_file_actions_addclose(a, fd);
    return err ? err : posix_spawn_file_actions_addclosefrom_np(a, plan->end);
}

/* --- starting --- */

static int set_attributes(posix_spawnattr_t *at, const struct child_opts *o)
{
    sigset_t none, all;
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(at, &none);
    posix_spawnattr_setsigdefault(at, &all);
    if (o->group == CHILD_OWN_SESSION)
        flags |= POSIX_SPAWN_SETSID;
    else if (o->group == CHILD_OWN_GROUP)
        flags |= POSIX_SPAWN_SETPGROUP; /* the default of the group is a new one */
    return posix_spawnattr_setflags(at, (short)flags);
}

/* Returns 0 or an errno. */
static int spawn_with(struct child *c, const struct child_opts *o, const struct fd_plan *plan,
                      posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
    int err = set_attributes(attributes, o);
    if (!err && o->directory)
        err = posix_spawn_file_actions_addchdir_np(actions, o->directory);
    if (!err)
        err = add_descriptors(actions, plan);
    return err ? err
               : async__sys.spawn(&c->pid, o->path, actions, attributes, o->argv,
                                  o->envp ? o->envp : environ);
}

static int spawn_child(struct child *c, const struct child_opts *o, const struct fd_plan *plan)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int err = posix_spawn_file_actions_init(&actions);
    if (err)
        return -err;
    posix_spawnattr_init(&attributes);
    err = spawn_with(c, o, plan, &actions, &attributes);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -err;
}

/* The number cannot be that of another process yet, because the child has not been reaped. Valgrind
 * does not know the call, and warns about it. */
static int open_pidfd(pid_t pid)
{
#if defined(HAVE_VALGRIND) && !SANITIZED
    if (RUNNING_ON_VALGRIND)
        return -1;
#endif
    return async__sys.pidfd(pid);
}

int async__child_start(struct child *c, const struct child_opts *o)
{
    struct fd_plan plan;
    *c = (struct child){ .pidfd = -1,
                         .poll.fd = -1,
                         .group = o->group,
                         .kill_group = o->kill_group };
    int r = plan_descriptors(&plan, o);
    if (r < 0)
        return r;
    r = spawn_child(c, o, &plan);
    close_copies(&plan);
    if (r == 0)
        c->pidfd = open_pidfd(c->pid);
    return r;
}

/* --- signals --- */

/* Is c still a child of this process that was not reaped, so that its number is its own? */
static bool is_ours(const struct child *c)
{
    siginfo_t info;
    return !child_was_reaped(c) &&
           (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
            errno != ECHILD);
}

int async__child_signal(struct child *c, int sig)
{
    if (!is_ours(c))
        return -ESRCH;
    return async__sys.kill(c->pid, sig) < 0 ? -errno : 0;
}

void async__child_kill(struct child *c)
{
    if (!is_ours(c))
        return;
    if (c->group != CHILD_SAME_GROUP)
        async__sys.kill(-c->pid, SIGKILL);
    async__sys.kill(c->pid, SIGKILL);
}

/* --- the end --- */

static void record_end(struct child *c, int status)
{
    c->end = WIFEXITED(status) ? CHILD_EXITED : CHILD_KILLED;
    c->code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

void async__child_collect(struct child *c)
{
    int status = 0, r = -1;
    bool ours = is_ours(c);
    if (ours && c->kill_group)
        /* Now, because the number is its own only until it is reaped. */
        async__sys.kill(-c->pid, SIGKILL);
    while (ours && (r = async__sys.waitpid(c->pid, &status, 0)) < 0 && errno == EINTR)
        ;
    if (r < 0)
        c->end = CHILD_UNKNOWN;
    else
        record_end(c, status);
    if (c->pidfd >= 0)
        async__sys.close(c->pidfd);
    c->pidfd = -1;
}

void async__child_forget(struct child *c)
{
    if (c->pidfd >= 0)
        async__sys.close(c->pidfd);
    c->pidfd = -1;
    c->end = CHILD_UNKNOWN;
    async__real_timer_close(&c->poll);
}

int64_t async__child_cpu_time(const struct child *c)
{
    clockid_t clock;
    struct timespec ts;
    if (clock_getcpuclockid(c->pid, &clock) != 0 || clock_gettime(clock, &ts) < 0)
        return async__sys.clock();
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

char *async__child_describe_end(const struct child *c, char *text, size_t size)
{
    const char *name = c->end == CHILD_KILLED ? sigabbrev_np(c->code) : NULL;
    if (c->end == CHILD_EXITED)
        snprintf(text, size, "exited with status %d", c->code);
    else if (name)
        snprintf(text, size, "was killed by SIG%s", name);
    else if (c->end == CHILD_KILLED)
        snprintf(text, size, "was killed by signal %d", c->code);
    else
        snprintf(text, size, "has ended");
    return text;
}
