/* SPDX-License-Identifier: MIT */
/* packet.h - what the loop's process and a worker process send each other.
 *
 * Both run the same program, so bytes travel as they are. A packet of the socket (SOCK_SEQPACKET)
 * arrives whole or not at all. A worker sends READY once, when it can take calls. The loop sends
 * CALLs; the worker answers each with a REPLY, in their order. At most WINDOW calls are on their
 * way to a worker, so that it need not sleep between two calls, and so that the socket is never
 * full for long. A function is named by the number of its ELF file and its offset there. Each CALL
 * carries the path of the file until a REPLY shows that the worker has received it, because any
 * CALL before may be taken back.
 *
 * Which calls have begun. The worker reads a CALL only after it has sent the REPLY to the one
 * before. So a call has not begun as long as its packet lies in the worker's end of the socket, and
 * has begun if the packet was read and no REPLY has come. The loop's process holds a descriptor of
 * the worker's end, too. It takes calls back by reading their packets from there, and the kernel
 * delivers each packet to one reader only. So nothing that a worker could write decides which calls
 * have begun. No memory is shared, but for the arguments and results of single calls.
 *
 * Workers are not trusted: a call may have taken its worker over. The loop's side acts on nothing
 * but
 *   - the packets that it reads, every field of which is validated (process_reply.c),
 *   - which packets were taken, as the kernel reports it (process_worker.c),
 *   - its own clock and the kernel's count of processor time (process_dispatch.c),
 *   - the end of the process, as the kernel reports it. */
#ifndef POOL_PACKET_H
#define POOL_PACKET_H

#include <stddef.h>
#include <stdint.h>

enum {
    /* Bytes of an argument or result in a packet; longer ones lie in shared memory. */
    INLINE_MAX = 32 * 1024,
    MESSAGE_MAX = 128, /* bytes of the message of an error, with its '\0' */
    WINDOW = 8,
    ELF_FILES_MAX = 64, /* of one pool */
};

enum packet_kind { PACKET_CALL = 0x61c10001, PACKET_REPLY, PACKET_READY };

/* The head of every packet. It is followed, in CALL, by the argument, unless that is shared, and by
 * the path of the file, if the worker needs it; in REPLY, by the result, unless that is shared, and
 * by the message of the error. */
struct packet {
    uint32_t kind;
    uint32_t seq;      /* of a CALL, and of its REPLY */
    uint32_t elf_file; /* the number of the file */
    int32_t result;
    uint64_t offset;   /* of the function in its file */
    uint64_t identity; /* of the file */
    uint64_t in_size, out_size;
    /* The argument, and behind it room for the result, lie in the memory whose descriptor comes
     * along. */
    uint32_t shared;
    uint32_t message_size;
    uint32_t path_size; /* of the path with its '\0'; 0: none */
    uint32_t unused;
};

_Static_assert(sizeof(struct packet) == 64,
               "no holes, and what follows is aligned to a cache line");

enum { PACKET_MAX = sizeof(struct packet) + INLINE_MAX + MESSAGE_MAX };

/* Where the result begins in shared memory. */
static inline size_t shared_result_offset(size_t in_size)
{
    return (in_size + 63) & ~(size_t)63;
}

/* The environment variable that makes a process a worker. Its numbers, with colons between them:
 * the parent's process number; whether there is a sandbox; how many bytes of LD_PRELOAD were put
 * there by the library; the bound of the memory. */
extern const char async__worker_variable[];

enum { WORKER_SOCKET = 3 };

#endif
