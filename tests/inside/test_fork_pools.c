/* SPDX-License-Identifier: MIT */
/* A fork() while another thread holds the mutex of a thread pool: the child has a copy of the mutex
 * that is locked for ever, and must never wait for it. */
#include "../frame/suite.h"

#include <asyncio.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/pools.h"
#include "pool/thread_pool.h"

static sem_t locked, may_unlock;

static void *holds_the_mutex(void *arg)
{
    struct thread_pool *p = arg;
    pthread_mutex_lock(&p->mutex);
    sem_post(&locked);
    sem_wait(&may_unlock);
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

static int three(void *arg)
{
    (void)arg;
    return 3;
}

static bool is_child;

/* Fork while the mutex is held. The child does what programs do on their way out, and returns from
 * its task. */
ASYNC_DEF(forks_while_the_mutex_is_held)
{
    pthread_t thread;
    struct async_pool_stats s;
    async_thread_pool_auto own = async_thread_pool_open(.threads = 1);
    expect_true(await_to_thread(async_call(three, NULL, "three")) == 3);
    expect_true(await_thread_pool_call(own, async_call(three, NULL, "three")) == 3);
    struct thread_pool *p = pools_of(async__loop)->by_kind[ASYNC_POOL_THREADS];
    expect_true(pthread_create(&thread, NULL, holds_the_mutex, p) == 0);
    sem_wait(&locked);
    pid_t child = fork();
    is_child = child == 0;
    if (is_child) {
        alarm(20); /* kills a child that waits */
        expect_true(async_pool_stats(ASYNC_POOL_THREADS, &s) == -EPERM);
        expect_true(await_to_thread(async_call(three, NULL, "three")) == -EPERM);
        async_print_tasks();
        return 0;
    }
    sem_post(&may_unlock);
    pthread_join(thread, NULL);
    int status;
    expect_true(waitpid(child, &status, 0) == child);
    expect_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}

TEST(child_does_not_wait_for_a_mutex_held_at_the_fork)
{
    sem_init(&locked, 0, 0);
    sem_init(&may_unlock, 0, 0);
    int r = async_run(forks_while_the_mutex_is_held());
    if (is_child)
        _exit(async_run(async_call(three, NULL, "three")) == 3 ? 0 : 1);
    expect_int(r, 0);
}

SUITE("fork and pools", child_does_not_wait_for_a_mutex_held_at_the_fork)
