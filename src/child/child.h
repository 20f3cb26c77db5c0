/* SPDX-License-Identifier: MIT */
/* child.h - child processes: start a program, signal it, wait for its end.
 *
 * A child is known by its process number and, where the kernel has them (Linux 5.3), by a pidfd,
 * which becomes readable when the child ends. Without a pidfd the child is polled. A child is
 * reaped by its number: children of others in the same program are never touched, SIGCHLD is left
 * alone, and no thread waits. A program that ignores SIGCHLD, or that waits for any child, takes
 * the exit status away; then the child has ended in an unknown way.
 *
 * A process number can pass to another process only after the child has been reaped. Nothing here
 * signals a child that was reaped, here or by others.
 *
 * Starting and signalling never suspend. A started child must be watched, waited for or reaped;
 * otherwise it stays as a zombie. Every child must be reaped before its loop closes. */
#ifndef CHILD_CHILD_H
#define CHILD_CHILD_H

#include <sys/types.h>

#include "child/real_timer.h"
#include "loop/loop.h"

enum { CHILD_DEV_NULL = -1 };

/* A descriptor that the child gets. */
struct child_fd {
    int from; /* a descriptor of this process, or CHILD_DEV_NULL */
    int to;   /* its number in the child */
};

enum child_group {
    CHILD_SAME_GROUP,  /* Ctrl-C in the terminal is for the child, too */
    CHILD_OWN_GROUP,   /* it can be stopped and killed together with what it starts */
    CHILD_OWN_SESSION, /* the same, and without a terminal */
};

/* How to start a child. All signals are at their defaults in it, and none is blocked. */
struct child_opts {
    const char *path;      /* of the program; not searched for in $PATH */
    char *const *argv;     /* ends with NULL */
    char *const *envp;     /* ends with NULL; NULL: the environment of this process */
    const char *directory; /* where it starts; NULL: the working directory of this process */
    /* The only descriptors that are open in it, with different numbers. */
    const struct child_fd *fds;
    size_t fd_count;
    enum child_group group;
    bool kill_group; /* when it ends, kill what it has started and what is still in its group */
};

enum child_end {
    CHILD_RUNNING, /* or it has ended, but that is not known yet */
    CHILD_EXITED,  /* code is its exit status */
    CHILD_KILLED,  /* code is the signal */
    CHILD_UNKNOWN, /* it has ended, and something else in the program has reaped it */
};

struct child {
    pid_t pid; /* stays after the end, for messages */
    int pidfd; /* -1: the kernel has none, or the child was reaped */
    enum child_group group;
    bool kill_group;
    enum child_end end;
    int code;
    void (*ended)(void *arg); /* NULL: not watched */
    void *arg;
    async_watch watch;      /* of the pidfd */
    struct real_timer poll; /* without a pidfd: polls the child */
    int64_t interval;       /* of these polls, ns */
    async_waitq waiters;    /* tasks that wait for the end */
};

/* Start a program. Returns 0; or a negative errno, and nothing is left. */
int async__child_start(struct child *c, const struct child_opts *o);

/* Watch for the end of c, on the loop of this thread. When c has ended and was reaped, the tasks
 * that wait for it are woken, and then ended(arg), which may be NULL, is called on the loop's own
 * stack. The watch itself does not keep the loop waiting, see real_timer.h. Returns 0 or a negative
 * errno. */
int async__child_watch(struct child *c, void (*ended)(void *arg), void *arg);

/* Wait for the end of c, which is watched; any number of tasks may. t has passed its checkpoint.
 * Returns 0, and c->end is how c has ended; or -ECANCELED, and c goes on. */
int async__child_wait(async_task *t, struct child *c);

/* Send a signal to c. Returns 0; -ESRCH if it has been reaped; or another negative errno. */
int async__child_signal(struct child *c, int sig);

/* Kill c, and its group if it has one of its own. Its end still has to be waited for, but is
 * near. */
void async__child_kill(struct child *c);

/* Stop watching c, and reap it: wait, without suspending, until it has ended. For children that
 * were killed. Does nothing if c was reaped. */
void async__child_reap(struct child *c);

/* In a child of fork(): forget c, a copy of the parent's, and close its descriptors. */
void async__child_forget(struct child *c);

/* The processor time that c has used so far, ns. If the kernel does not report it, the time of the
 * clock, which passes at least as fast for a program with one thread. */
int64_t async__child_cpu_time(const struct child *c);

/* Describe how c has ended: "was killed by SIGSEGV", "exited with status 3", "has ended". Returns
 * text. */
char *async__child_describe_end(const struct child *c, char *text, size_t size);

/* Reap c, which has ended or was killed, and is not watched any more. For child_wait.c. */
void async__child_collect(struct child *c);

static inline bool child_was_reaped(const struct child *c)
{
    return c->end != CHILD_RUNNING;
}

#endif
