/* SPDX-License-Identifier: MIT */
/* counters.c - linked into each Check program of a build that measures coverage. gcov counts in
 * memory and writes the counters at exit(), so a process that ends by _exit(), abort() or a signal
 * would lose its counts. The linker replaces these calls (--wrap) by functions that write the
 * counters first. */
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

void __gcov_dump(void);
void __gcov_reset(void);

_Noreturn void __real__exit(int status);
_Noreturn void __real_abort(void);
int __real_kill(pid_t pid, int sig);
int __real_raise(int sig);
sighandler_t __real_signal(int sig, sighandler_t handler);

_Noreturn void __wrap__exit(int status);
_Noreturn void __wrap_abort(void);
int __wrap_kill(pid_t pid, int sig);
int __wrap_raise(int sig);
sighandler_t __wrap_signal(int sig, sighandler_t handler);

/* Counting continues from zero, because this may not be the end. A sandboxed worker may not open
 * files. */
static void write_counters(void)
{
    if (access("/", X_OK) < 0)
        return;
    __gcov_dump();
    __gcov_reset();
}

void __wrap__exit(int status)
{
    write_counters();
    __real__exit(status);
}

void __wrap_abort(void)
{
    write_counters();
    __real_abort();
}

int __wrap_raise(int sig)
{
    write_counters();
    return __real_raise(sig);
}

int __wrap_kill(pid_t pid, int sig)
{
    if (pid == getpid())
        write_counters();
    return __real_kill(pid, sig);
}

static void last_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    write_counters();
    __real_signal(sig, SIG_DFL);
    if (info->si_code <= 0)
        __real_raise(sig);
}

/* A fault without a handler ends the process at once. Where the default action is requested,
 * install a handler that writes the counters and then dies of the signal. */
sighandler_t __wrap_signal(int sig, sighandler_t handler)
{
    if (handler != SIG_DFL || (sig != SIGSEGV && sig != SIGBUS))
        return __real_signal(sig, handler);
    struct sigaction was, sa = { .sa_sigaction = last_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaction(sig, &sa, &was);
    return was.sa_handler;
}
