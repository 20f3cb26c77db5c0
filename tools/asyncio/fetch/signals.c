/* SPDX-License-Identifier: MIT */
/* signals.c - turn SIGINT, SIGTERM and SIGHUP into a callback of the loop. */
#include "signals.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static int writing_end = -1;
static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };

static void handle_signal(int sig)
{
    int saved = errno;
    if (caught && sig != SIGUSR1)
        _exit(128 + sig);
    if (sig != SIGUSR1)
        caught = sig;
    char byte = (char)sig;
    async_ignore(write(writing_end, &byte, 1));
    errno = saved;
}

static void on_pipe_readable(void *arg, int events)
{
    (void)events;
    struct signals *s = arg;
    char byte;
    if (read(s->fd, &byte, 1) == 1)
        byte == SIGUSR1 ? s->report(s->arg) : s->fn(s->arg, byte);
}

/* Install the handler, unless the signal is ignored. */
static void catch_signal(int sig)
{
    struct sigaction old, ours = { .sa_handler = handle_signal, .sa_flags = SA_RESTART };
    if (sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
        return;
    sigaction(sig, &ours, NULL);
}

int signals_start(struct signals *s, void (*fn)(void *arg, int signal), void (*report)(void *arg),
                  void *arg)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    *s = (struct signals){ .fn = fn, .report = report, .arg = arg, .fd = ends[0] };
    int r = async_watch_start(&s->watch, s->fd, POLLIN, on_pipe_readable, s);
    if (r < 0) {
        close(ends[0]);
        close(ends[1]);
        return r;
    }
    writing_end = ends[1];
    caught = 0;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++)
        catch_signal(stop_signals[i]);
    return 0;
}

void signals_stop(struct signals *s)
{
    for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++) {
        struct sigaction now;
        if (sigaction(stop_signals[i], NULL, &now) == 0 && now.sa_handler == handle_signal)
            signal(stop_signals[i], SIG_DFL);
    }
    async_watch_stop(&s->watch);
    close(s->fd);
    close(writing_end);
    writing_end = -1;
}
