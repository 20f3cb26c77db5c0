/* SPDX-License-Identifier: MIT */
/* scheduler.h - explore the orders in which several threads can run.
 *
 * The threads are actors: contexts on one thread. Each operation that they share (an atomic access,
 * a mutex, a system call) first calls step(), where the scheduler chooses the actor that continues.
 * A run is the list of these choices, and the next run is the next list in lexical order, until all
 * lists with at most so many preemptions have been tried. */
#ifndef INSIDE_SCHEDULER_H
#define INSIDE_SCHEDULER_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(from, to) 0
#endif

#include "../frame/suite.h"

enum { ACTORS = 8, DEPTH = 4000, STACK = 64 * 1024 };
enum actor_state { ABSENT, ABLE, AT_MUTEX, AT_FUTEX, AT_EVENT, FINISHED };

static struct actor {
    ucontext_t context;
    enum actor_state state;
    const void *at; /* the mutex or word that it waits at */
    bool gave_way;  /* it has called sched_yield(), and waits by trying again */
    void *(*fn)(void *arg);
    void *arg;
    char *stack;
} actors[ACTORS];
static ucontext_t outside;
static int now_at; /* index of the actor that runs */

static struct {
    unsigned char choice[DEPTH], options[DEPTH];
    int depth, known; /* choices of this run; how many of them are repeated from the last run */
    int preemptions, most;
    bool timeouts;
} run;

static const void *held
        [2]; /* the mutexes that are locked: at most that of the pool, and that of the handles */
static bool event;
static long runs;

static unsigned choose(unsigned options)
{
    expect_true(run.depth < DEPTH);
    if (options == 1)
        return 0;
    if (run.depth >= run.known)
        run.choice[run.depth] = 0;
    run.options[run.depth] = (unsigned char)options;
    return run.choice[run.depth++];
}

/* Advance to the next list of choices: the last choice that has another option takes it. Returns
 * false if there is none, because all lists have been tried. */
static bool next_list(void)
{
    while (run.depth > 0 && run.choice[run.depth - 1] + 1 == run.options[run.depth - 1])
        run.depth--;
    if (run.depth == 0)
        return false;
    run.choice[run.depth - 1]++;
    run.known = run.depth;
    return true;
}

/* List the actors that may continue, the running one first. */
static int candidates(int *list)
{
    int n = 0;
    bool here = actors[now_at].state == ABLE && !actors[now_at].gave_way;
    if (here)
        list[n++] = now_at;
    if (here && run.preemptions >= run.most)
        return n;
    for (int i = 0; i < ACTORS; i++) {
        struct actor *a = &actors[i];
        bool wakes = a->state == AT_FUTEX && run.timeouts && i > 0;
        if (i != now_at && (a->state == ABLE || wakes))
            list[n++] = i;
    }
    if (n == 0 && actors[now_at].state == ABLE)
        list[n++] = now_at;
    return n;
}

static void go_on(void)
{
    int list[ACTORS], n = candidates(list), before = now_at;
    bool polite = actors[before].gave_way;
    if (n == 0)
        fail_test("run %ld: deadlock, no actor can continue", runs);
    int next = list[choose((unsigned)n)];
    actors[before].gave_way = false;
    if (next == before)
        return;
    if (actors[before].state == ABLE && !polite)
        run.preemptions++;
    actors[next].state = ABLE;
    now_at = next;
    swapcontext(&actors[before].context, &actors[next].context);
}

static void step(void)
{
    go_on();
}

static void wait_at(enum actor_state state, const void *at)
{
    actors[now_at].state = state;
    actors[now_at].at = at;
    go_on();
}

static void let_go_on(enum actor_state state, const void *at)
{
    for (int i = 0; i < ACTORS; i++)
        if (actors[i].state == state && actors[i].at == at)
            actors[i].state = ABLE;
}

static const void **place_of(const void *mutex)
{
    for (int i = 0; i < 2; i++)
        if (held[i] == mutex)
            return &held[i];
    return NULL;
}

static int model_lock(pthread_mutex_t *m)
{
    step();
    while (place_of(m))
        wait_at(AT_MUTEX, m);
    const void **free_place = place_of(NULL);
    expect_true(free_place);
    *free_place = m;
    return 0;
}

static int model_unlock(pthread_mutex_t *m)
{
    *place_of(m) = NULL;
    let_go_on(AT_MUTEX, m);
    step();
    return 0;
}

static int model_yield(void)
{
    actors[now_at].gave_way = true;
    go_on();
    return 0;
}

static void first_of_actor(void)
{
    struct actor *a = &actors[now_at];
    a->fn(a->arg);
    a->state = FINISHED;
    if (a == &actors[0])
        setcontext(&outside);
    go_on();
    abort();
}

static void add_actor(void *(*fn)(void *arg), void *arg)
{
    int i = 0;
    while (actors[i].state != ABSENT)
        expect_true(++i < ACTORS);
    struct actor *a = &actors[i];
    a->fn = fn;
    a->arg = arg;
    if (!a->stack) {
        a->stack = malloc(STACK);
        (void)VALGRIND_STACK_REGISTER(a->stack, a->stack + STACK);
    }
    getcontext(&a->context);
    a->context.uc_stack.ss_sp = a->stack;
    a->context.uc_stack.ss_size = STACK;
    makecontext(&a->context, first_of_actor, 0);
    a->state = ABLE;
}

#endif
