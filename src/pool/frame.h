/* SPDX-License-Identifier: MIT */
/* frame.h - what the loop's process and a worker say to each other. Both sides run the same program, so bytes travel as
 * they are; but a worker may have gone mad, so the loop's side believes nothing of what comes back.
 *
 * A frame is one packet (SOCK_SEQPACKET): it comes whole or not at all. The loop sends MODULE (a library, before the first
 * call into it) and CALL; the worker answers each CALL with an ANSWER, in order. At most WINDOW calls are on their way to
 * a worker, so that it need not sleep between two, and so that no socket is ever full for long.
 *
 * Which of them has begun is on the board, a page that both share: the worker must turn a call's mark from SENT to STARTED,
 * the loop takes the call back by turning it to REMOVED; whoever comes first has it. So a call that is withdrawn never
 * runs, and of the calls of a worker that dies it is known which one it died of. */
#ifndef POOL_FRAME_H
#define POOL_FRAME_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INLINE_MAX = 32 * 1024, /* bytes of an argument or a result that are part of the frame; more go by shared memory */
    SENTENCE_MAX = 128,
    WINDOW = 8,
    MODULES_MAX = 64,
};

enum frame_kind { FRAME_MODULE = 0x61c10001, FRAME_CALL, FRAME_ANSWER };

/* What follows it: of MODULE its path; of CALL the argument, or none and a descriptor; of ANSWER the result, unless it is
 * shared, and the sentence. */
struct frame {
    uint32_t kind;
    uint32_t seq;
    uint32_t module;
    int32_t result;
    uint64_t offset; /* of the function in its module; of MODULE its identity */
    uint64_t in_size, out_size;
    uint32_t shared; /* the argument, and behind it room for the result, are in the memory that comes along */
    uint32_t skipped; /* the call had been taken back */
    uint32_t sentence;
    uint32_t unused[3];
};

_Static_assert(sizeof(struct frame) == 64, "no holes, and one cache line");

enum { FUNCTION_SIZE = 4096 }; /* of a module's path */
enum { PACKET_MAX = sizeof(struct frame) + INLINE_MAX + SENTENCE_MAX };

enum mark { MARK_SENT = 1, MARK_STARTED, MARK_REMOVED };

struct board {
    atomic_uint alive; /* the worker has got as far as to listen */
    atomic_uint marks[WINDOW];
};

static inline unsigned mark_of(uint32_t seq, enum mark mark)
{
    return seq << 2 | (unsigned)mark;
}

/* Turn a call's mark from SENT to another. false: the other side was first. */
static inline _Bool mark_turn(struct board *b, uint32_t seq, enum mark mark)
{
    unsigned sent = mark_of(seq, MARK_SENT);
    return atomic_compare_exchange_strong(&b->marks[seq % WINDOW], &sent, mark_of(seq, mark));
}

/* Where the result begins in shared memory. */
static inline size_t shared_out(size_t in_size)
{
    return (in_size + 63) & ~(size_t)63;
}

/* How a worker knows that it is one: this is in its environment, and says as numbers, with a colon between: its parent;
 * whether it is in a sandbox; how many bytes of LD_PRELOAD are ours; the limits of memory and processor time. */
extern const char async__worker_variable[];

enum { WORKER_SOCKET = 3, WORKER_BOARD = 4, WORKER_FDS = 5 };

#endif
