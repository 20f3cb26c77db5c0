/* SPDX-License-Identifier: MIT */
/* process_pool.h - the loop's side of a process pool: its calls and its workers.
 *
 * A call waits in the queue of the pool, or lies in the window of one worker. Each worker is given
 * one call before any is given two; calls behind the first of a window are there only so that the
 * worker need not sleep between two. They are taken back when another worker has nothing to do,
 * when their own ends, or when the call before them has to be stopped. */
#ifndef POOL_PROCESS_POOL_H
#define POOL_PROCESS_POOL_H

#include <asyncio/process_pool.h>

#include "child/child.h"
#include "loop/loop.h"
#include "pool/elf_file.h"
#include "pool/packet.h"
#include "pool/worker.h"

enum {
    MOVES_MAX = 3,  /* how often a call may lose its worker before it has begun */
    STARTS_MAX = 2, /* how many workers may fail to start for a call */
};

/* Lies in the stack frame of the task that waits for it. */
struct process_call {
    struct process_call *next, *prev; /* in the queue */
    async_task *task;
    struct process_worker *worker; /* in whose window it is, or NULL */
    uint32_t seq;
    unsigned elf_file, moves;
    uint64_t offset;
    int (*fn)(const void *in, void *out);
    const char *name; /* of fn, or NULL */
    const void *in;
    void *out;
    size_t in_size, out_size;
    /* The memory with argument and result if they are too long for a packet, or NULL. */
    unsigned char *shared;
    int shared_fd;
    bool queued, done;
    int result;
    char message[MESSAGE_MAX]; /* of the error; "": none */
};

enum worker_state { WORKER_NONE, WORKER_ALIVE, WORKER_DYING };

/* Why the pool has killed a worker. */
enum kill_reason {
    KILL_NONE,    /* it has not: the worker has ended by itself, or something else has killed it */
    KILL_START,   /* it did not become ready in time */
    KILL_TIMEOUT, /* a call has exceeded its time */
    KILL_CANCEL,  /* a call was cancelled */
    KILL_STOPPED, /* it did not take a call in time: it was stopped, or hangs between two calls */
    KILL_INVALID, /* it has sent an invalid packet */
    KILL_CLOSED,  /* it has shut down its socket */
};

struct process_worker {
    struct async_process_pool *pool;
    struct child child;
    enum worker_state state;
    enum kill_reason killed;
    int wire; /* our end of the socket */
    int peer; /* the worker's end, to take calls back */
    async_watch wire_watch;
    uint32_t next_seq;
    /* Calls that were sent and not answered, the oldest first. */
    struct process_call *window[WINDOW];
    unsigned count;
    uint64_t elf_files; /* bits: the files whose paths it has received for certain */
    bool ready;         /* its packet READY has come */
    bool full;          /* its socket was full, and no reply has come since */
    /* When to look at it again: for its start, or for its first call; NEVER: no need. */
    int64_t deadline;
    int64_t started_at; /* ns */
    int64_t head_since; /* when its first call could begin, ns; 0: not measured yet */
    int64_t head_cpu;   /* processor time that the worker had used by then, ns */
};

/* An ELF file with functions that were called. */
struct known_file {
    struct elf_file file;
    char *path; /* a copy */
};

/* What a pool does when something happens to a worker. */
struct worker_events {
    void (*readable)(void *worker, int events); /* packets have come */
    void (*ended)(void *worker);                /* its process has ended */
};

struct async_process_pool {
    struct loop *loop;
    struct async_process_pool *next; /* in the list of the loop */
    struct worker_orders orders;
    char *name; /* a copy, or NULL */
    double timeout, start_timeout;
    unsigned max_cpu;
    unsigned max_workers;
    bool closing;
    struct process_call *head, *tail; /* the queue */
    async_waitq idle;                 /* the task that waits for the end of all calls */
    size_t queued, running;
    uint64_t done, started, lost, killed;
    struct real_timer timer; /* for the deadlines of the workers; opened with the first one */
    struct known_file known[ELF_FILES_MAX];
    unsigned known_count;
    uint64_t unloads;
    union {
        struct packet head;
        unsigned char bytes[PACKET_MAX + 1]; /* one byte more than a valid packet has */
    } in;
    struct process_worker workers[];
};

/* Take the i-th call out of the window of w. */
static inline struct process_call *window_remove(struct process_worker *w, unsigned i)
{
    struct process_call *c = w->window[i];
    w->count--;
    memmove(&w->window[i], &w->window[i + 1], (w->count - i) * sizeof *w->window);
    if (i == 0)
        w->head_since = 0;
    w->pool->running--;
    return c;
}

/* --- calls (process_call.c) --- */

/* Find out where the function of c is, for any worker. Returns 0; -ENOEXEC with a message, or
 * -ENOMEM. */
int async__process_call_locate(struct async_process_pool *p, struct process_call *c);

/* Put c into the queue, at its front or at its end, or take it out. */
void async__process_call_enqueue(struct async_process_pool *p, struct process_call *c,
                                 bool in_front);
void async__process_call_dequeue(struct async_process_pool *p, struct process_call *c);

/* Copy the argument of c to shared memory if it, or the result, is too long for a packet. Returns 0
 * or a negative errno. */
int async__process_call_share(struct process_call *c);

/* Release the shared memory of c, if it has any. */
void async__process_call_unshare(struct process_call *c);

/* End c, which is neither in the queue nor in a window, and wake its task. */
void async__process_call_end(struct async_process_pool *p, struct process_call *c, int result,
                             const char *message);

/* --- sending (process_send.c) --- */

/* Send c to w and put it into its window. Returns 0; -EAGAIN if the socket is full; -EPIPE if the
 * worker has shut the socket down; another error concerns the call itself. */
int async__process_send(struct process_worker *w, struct process_call *c);

/* --- replies (process_reply.c) --- */

/* Read all packets that have come, and end the calls that they answer. Returns KILL_NONE, or why
 * the worker must be killed. */
enum kill_reason async__process_read_replies(struct process_worker *w);

/* --- one worker (process_worker.c) --- */

/* Start a worker. Returns 0; or a negative errno, and w is no worker. */
int async__process_worker_start(struct async_process_pool *p, struct process_worker *w,
                                const struct worker_events *e);

/* Kill w, unless it was killed. Its calls stay in its window until its end is reported. */
void async__process_worker_kill(struct process_worker *w, enum kill_reason why);

/* Take back the calls that w has not read, at most that many, and put them at the front of the
 * queue. Returns how many. */
unsigned async__process_worker_recall(struct process_worker *w, unsigned most);

/* The process of w has ended: end the calls that it had begun, put the others back into the queue,
 * forget w. */
void async__process_worker_ended(struct process_worker *w);

/* End w without waiting for an event: it was killed. Its calls fail with -EPIPE. */
void async__process_worker_close(struct process_worker *w, const char *message);

/* In a child of fork(): forget w, a copy of the parent's. */
void async__process_worker_forget(struct process_worker *w);

/* --- all workers (process_dispatch.c) --- */

/* Give calls to workers, and start workers if need be. */
void async__process_dispatch(struct async_process_pool *p);

/* The task that waits for c was cancelled. */
void async__process_withdraw(struct async_process_pool *p, struct process_call *c);

/* Kill all workers and fail all calls. */
void async__process_pool_end(struct async_process_pool *p);

/* --- reports (process_report.c) --- */

struct process_wait {
    const char *function, *pool; /* pool: NULL if it has no name */
    pid_t pid;                   /* 0: the call has not begun */
};

/* Find out for which call t waits. Returns false if it waits for none. */
bool async__process_wait_of(const async_task *t, struct process_wait *ret);

#endif
