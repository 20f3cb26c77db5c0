/* SPDX-License-Identifier: MIT */
/* process.h - the loop's side of a process pool: calls, the workers that have them, what becomes of both.
 *
 * A call waits in the pool's queue or stands in the window of one worker. Each worker is given one call before any is given
 * two; those that stand behind another are on their way only so that no worker need sleep, and are taken back when another
 * worker has nothing to do, when their own dies, or when the one before them has to be stopped. */
#ifndef POOL_PROCESS_H
#define POOL_PROCESS_H

#include <asyncio/process_pool.h>

#include "loop/loop.h"
#include "pool/module.h"
#include "pool/spawn.h"

enum { MOVES_MAX = 3 }; /* how often a call may lose its worker before it has begun */

/* In the frame of the task that awaits it. */
struct call {
    struct call *next, *prev; /* in the queue */
    async_task *task;
    struct process_worker *worker; /* in whose window it stands, or NULL */
    uint32_t seq;
    unsigned module, moves;
    uint64_t offset;
    int (*fn)(const void *in, void *out);
    const char *name; /* of fn, or NULL */
    const void *in;
    void *out;
    size_t in_size, out_size;
    unsigned char *shared; /* argument and result, if they are too long for a frame */
    int shared_fd;
    bool queued, done;
    int result;
    char text[SENTENCE_MAX];
};

enum worker_state { WORKER_NONE, WORKER_ALIVE, WORKER_DYING };

struct process_worker {
    struct async_process_pool *pool;
    struct process process;
    enum worker_state state;
    async_watch wire, life;
    uint32_t first, next;        /* the window: sent, and not yet answered */
    struct call *window[WINDOW]; /* NULL: was taken back, its frame is still on its way */
    uint64_t modules;            /* bits: which it has been told */
    bool full;                   /* its socket, until the next answer */
    bool mad;                    /* what it says makes no sense */
    async_callback limit;
};

/* A file with functions that were called. */
struct known {
    struct module module;
    char *path; /* ours */
};

struct async_process_pool {
    struct loop *loop;
    struct async_process_pool *next; /* among the loop's */
    struct worker_orders orders;
    char *name; /* ours, or NULL */
    double timeout;
    unsigned max_workers;
    bool closing;
    struct call *head, *tail;
    async_waitq idle; /* who waits for the end of all calls */
    size_t queued, running;
    uint64_t done, started, lost;
    struct known known[MODULES_MAX];
    unsigned knows;
    uint64_t unloads;
    union {
        struct frame head;
        unsigned char bytes[PACKET_MAX + 1]; /* one more than may come */
    } in;
    struct process_worker workers[];
};

/* --- calls (send.c) --- */

/* Where its function is, for any worker. 0, or -ENOEXEC with a sentence, -ENOMEM. */
int async__call_locate(struct async_process_pool *p, struct call *c);

/* Put it into w's window and on its way, or into that of one that is as good as dead. 0; -EAGAIN: its socket is full; another
 * error is the call's own. */
int async__call_send(struct process_worker *w, struct call *c);

void async__call_enqueue(struct async_process_pool *p, struct call *c, bool in_front);
void async__call_dequeue(struct async_process_pool *p, struct call *c);

/* It stands nowhere any more: what of shared memory it has goes. */
void async__call_unload(struct call *c);

/* Its end: the task is woken. */
void async__call_end(struct async_process_pool *p, struct call *c, int result, const char *text);

/* --- a worker (worker_life.c, answer.c) --- */

static inline unsigned on_its_way(const struct process_worker *w)
{
    return w->next - w->first;
}

static inline struct call **place(struct process_worker *w, uint32_t seq)
{
    return &w->window[seq % WINDOW];
}

/* 0, or a negative errno and w is no worker. */
int async__worker_start(struct async_process_pool *p, struct process_worker *w);

/* Kill it: it will be buried. Nothing, if it was. */
void async__worker_doom(struct process_worker *w);

/* It has ended: its calls fail, or go back to the queue. */
void async__worker_bury(struct process_worker *w);
void async__worker_unwatch(struct process_worker *w);

/* Read one packet: 1; 0: none is there; negative: it is not to be listened to any more. */
int async__worker_read(struct process_worker *w);

/* Read all that has come. */
void async__worker_listen(struct process_worker *w);
void async__worker_heard(void *arg, int events);

/* The limit of time is for the call at the head of its window. */
void async__worker_limit(struct process_worker *w);
void async__worker_overdue(void *arg); /* process.c */

/* --- reports (who.c) --- */

struct process_wait {
    const char *function, *pool; /* pool: NULL if it has no name */
    pid_t pid;                   /* 0: the call has not begun */
};

/* Which call t waits for. false: none. */
bool async__process_wait_of(const async_task *t, struct process_wait *ret);

/* --- all of them (process.c) --- */

/* Give calls to workers, and start some if need be. */
void async__pool_dispatch(struct async_process_pool *p);

/* Its awaiter goes away. */
void async__pool_withdraw(struct async_process_pool *p, struct call *c);

/* The loop closes: its own, and those that were left open, with a word of it. */
struct pools;
void async__process_pools_close(struct pools *p);

/* No worker is left, no call waits. */
void async__pool_end(struct async_process_pool *p);

#endif
