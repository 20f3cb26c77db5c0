/* SPDX-License-Identifier: MIT */
#include "arch/overflow.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
    SIGNAL_STACK_SIZE = 64 * 1024,
    ADVICE_FACTOR = 4 /* the report suggests a stack this many times as large */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* protects the next three */
static int watchers;                                      /* number of open loops */
static overflow_finder *finder;
static struct sigaction before[2]; /* the actions of SIGSEGV and SIGBUS before the library's */
static _Thread_local void *signal_stack; /* the library's for this thread, or NULL */

/* --- the report --- */

static const void *faulting_instruction(const void *context)
{
    const ucontext_t *uc = context;
#if defined(__x86_64__)
    return (const void *)uc->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (const void *)uc->uc_mcontext.pc;
#else
    (void)uc;
    return NULL;
#endif
}

/* Write the report to stderr. This runs in a signal handler, so it allocates nothing and takes none
 * of the library's locks. */
static void report_overflow(const struct overflow *o, const void *code)
{
    char line[512], where[256] = "";
    Dl_info info;
    if (code && dladdr(code, &info))
        snprintf(where, sizeof where, ", at %s%s(%s+0x%zx)", info.dli_sname ? info.dli_sname : "",
                 info.dli_sname ? " " : "", info.dli_fname,
                 (size_t)((const char *)code - (const char *)info.dli_fbase));
    size_t n = (size_t)snprintf(
            line, sizeof line,
            "asyncio: stack overflow in task \"%s\": its stack has %zu bytes%s\n"
            "asyncio: give it a larger one with .stack_size = %zu, in the options of the task or "
            "of async_run()\n",
            o->task, o->size, where, ADVICE_FACTOR * o->size);
    (void)!write(STDERR_FILENO, line, n < sizeof line ? n : sizeof line - 1);
}

/* Let the process end in the usual way. A fault repeats when the handler has returned; a signal
 * that was sent does not. */
static void end_process_by(int sig, const siginfo_t *info)
{
    signal(sig, SIG_DFL);
    if (info->si_code <= 0)
        raise(sig);
}

/* --- the signal handler --- */

/* A fault that is not an overflow goes to the handler that the program had before. A real fault
 * cannot be ignored. */
static void call_previous_handler(int sig, siginfo_t *info, void *context)
{
    const struct sigaction *old = &before[sig == SIGBUS];
    if (old->sa_flags & SA_SIGINFO)
        old->sa_sigaction(sig, info, context);
    else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
        old->sa_handler(sig);
    else if (old->sa_handler == SIG_DFL || info->si_code > 0)
        end_process_by(sig, info);
}

static void handle_fault(int sig, siginfo_t *info, void *context)
{
    struct overflow o;
    if (!finder(info->si_addr, &o)) {
        call_previous_handler(sig, info, context);
        return;
    }
    report_overflow(&o, faulting_instruction(context));
    end_process_by(sig, info);
}

static void install_handler(int sig, struct sigaction *old)
{
    struct sigaction ours = { .sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigemptyset(&ours.sa_mask);
    sigaction(sig, &ours, old);
}

/* Restore the program's handler, unless the program has installed another one meanwhile. */
static void restore_handler(int sig, const struct sigaction *old)
{
    struct sigaction now;
    sigaction(sig, NULL, &now);
    if (now.sa_sigaction == handle_fault)
        sigaction(sig, old, NULL);
}

/* --- the stack for signal handlers --- */

/* Give this thread a stack for signal handlers, unless the program has given it one. A handler
 * cannot run on the stack that has just overflowed. */
static int set_signal_stack(void)
{
    stack_t now;
    sigaltstack(NULL, &now);
    if (!(now.ss_flags & SS_DISABLE))
        return 0;
    signal_stack = async__malloc(SIGNAL_STACK_SIZE);
    if (!signal_stack)
        return -ENOMEM;
    stack_t ours = { .ss_sp = signal_stack, .ss_size = SIGNAL_STACK_SIZE };
    sigaltstack(&ours, NULL);
    return 0;
}

static void remove_signal_stack(void)
{
    if (!signal_stack)
        return;
    stack_t now, none = { .ss_flags = SS_DISABLE };
    sigaltstack(NULL, &now);
    if (now.ss_sp == signal_stack)
        sigaltstack(&none, NULL);
    async__free(signal_stack);
    signal_stack = NULL;
}

/* --- beginning and end --- */

/* The handlers of signals belong to the process, so only the first open loop installs them. */
int async__overflow_watch(overflow_finder *find)
{
    int r = set_signal_stack();
    if (r < 0)
        return r;
    pthread_mutex_lock(&mutex);
    if (watchers++ == 0) {
        finder = find;
        install_handler(SIGSEGV, &before[0]);
        install_handler(SIGBUS, &before[1]);
    }
    pthread_mutex_unlock(&mutex);
    return 0;
}

void async__overflow_forget(void)
{
    pthread_mutex_lock(&mutex);
    if (--watchers == 0) {
        restore_handler(SIGSEGV, &before[0]);
        restore_handler(SIGBUS, &before[1]);
    }
    pthread_mutex_unlock(&mutex);
    remove_signal_stack();
}

void async__overflow_lock(bool lock)
{
    if (lock)
        pthread_mutex_lock(&mutex);
    else
        pthread_mutex_unlock(&mutex);
}
