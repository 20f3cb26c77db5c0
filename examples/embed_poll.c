/* SPDX-License-Identifier: MIT */
/* A program that has a loop of its own, here a plain poll(), runs tasks in it: the Runner has a
 * descriptor and a timeout for poll(). When the descriptor is readable or the timeout has passed,
 * the program calls async_runner_turn(), which runs what is ready. */
#include <asyncio.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static async_event answered;

ASYNC_DEF(worker, (int)host)
{
    for (int i = 1; i <= 3; i++) {
        ASYNC_TRY(await_sleep(0.05));
        printf("task: step %d\n", i);
    }
    ASYNC_TRY(await_fd_ready(host, POLLOUT));
    if (write(host, "ready", 5) != 5)
        return -errno;
    ASYNC_TRY(await_event_wait(&answered));
    printf("task: the host has answered\n");
    return 3;
}

static void read_pipe(int fd)
{
    char words[16];
    ssize_t n = read(fd, words, sizeof words);
    if (n <= 0)
        return;
    printf("host: read \"%.*s\"\n", (int)n, words);
    async_event_set(&answered); /* allowed, since this is the loop's thread, between two turns */
}

/* Return a timeout for poll() in milliseconds, rounded up; -1 if it is endless. */
static int to_poll_timeout(double seconds)
{
    return seconds < 1e6 ? (int)ceil(seconds * 1000) : -1;
}

int main(void)
{
    int pipes[2], result = 0, ended = 0;
    async_runner *rn = async_runner_open(NULL);
    if (!rn || pipe(pipes) < 0 || async_runner_start(rn, worker(pipes[1])) < 0)
        return 1;
    while (ended == 0) {
        struct pollfd fds[] = { { .fd = async_runner_fd(rn), .events = POLLIN },
                                { .fd = pipes[0], .events = POLLIN } };
        if (poll(fds, 2, to_poll_timeout(async_runner_timeout(rn))) < 0)
            return 1;
        if (fds[1].revents)
            read_pipe(pipes[0]);
        ended = async_runner_turn(rn, &result);
    }
    printf("host: the task has returned %d\n", result);
    async_runner_close(rn);
    return ended < 0;
}
