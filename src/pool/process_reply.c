/* SPDX-License-Identifier: MIT */
/* process_reply.c - read packets from a worker process. Workers are not trusted: every field of a
 * packet is validated before it is used. */
#include <stdio.h>

#include "base/sys.h"
#include "pool/process_pool.h"

enum { ERRNO_MAX = 4095 };

/* Is the packet, of that size, the reply to the first call of the window, with a result of the size
 * that was asked for? */
static bool is_valid_reply(const struct process_worker *w, const struct packet *head, size_t size)
{
    if (head->kind != PACKET_REPLY || !w->ready || w->count == 0 || head->seq != w->window[0]->seq)
        return false;
    if (head->message_size >= MESSAGE_MAX || head->out_size > INLINE_MAX ||
        size != sizeof *head + head->out_size + head->message_size)
        return false;
    const struct process_call *c = w->window[0];
    return head->out_size == (head->result >= 0 && !c->shared ? c->out_size : 0);
}

static bool is_valid_ready(const struct process_worker *w, const struct packet *head, size_t size)
{
    return head->kind == PACKET_READY && !w->ready && size == sizeof *head;
}

/* Copy a message of which each byte may be anything, so that it can be printed on a terminal:
 * control characters are replaced, also those behind 0xc2, which are the C1 controls in UTF-8. */
static void copy_message(char text[MESSAGE_MAX], const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool control = bytes[i] < ' ' || bytes[i] == 0x7f ||
                       (bytes[i] == 0xc2 && i + 1 < size && bytes[i + 1] < 0xa0);
        text[i] = control ? '?' : (char)bytes[i];
    }
    text[size] = '\0';
}

/* End a call with a negative result. It must be an errno, and -ECANCELED is only for a caller that
 * was cancelled: groups would take such a failure for none. */
static void end_failed_call(struct async_process_pool *p, struct process_call *c, int32_t result,
                            const char *message)
{
    char text[MESSAGE_MAX];
    if (result >= -ERRNO_MAX && result != -ECANCELED) {
        async__process_call_end(p, c, result, message);
        return;
    }
    snprintf(text, sizeof text, "the function returned %ld, which is not for its caller",
             (long)result);
    async__process_call_end(p, c, -EPROTO, text);
}

/* End the first call of the window by the packet that was read. */
static void take_reply(struct process_worker *w)
{
    struct async_process_pool *p = w->pool;
    const struct packet *head = &p->in.head;
    const unsigned char *body = p->in.bytes + sizeof *head;
    char message[MESSAGE_MAX];
    struct process_call *c = window_remove(w, 0);
    w->full = false;
    w->elf_files |= UINT64_C(1) << c->elf_file;
    copy_message(message, body + head->out_size, head->message_size);
    if (head->result < 0) {
        end_failed_call(p, c, head->result, message);
        return;
    }
    if (!c->shared && c->out_size)
        memcpy(c->out, body, c->out_size);
    async__process_call_end(p, c, head->result, message);
}

static void set_ready(struct process_worker *w)
{
    w->ready = true;
    w->head_since = 0;
}

/* Read one packet. Returns whether there was one, and in *ret why the worker must be killed. */
static bool read_packet(struct process_worker *w, enum kill_reason *ret)
{
    struct async_process_pool *p = w->pool;
    ssize_t n = async__sys.read(w->wire, p->in.bytes, sizeof p->in.bytes);
    if (n < 0 && errno == EAGAIN)
        return false;
    /* A reset is reported once, and before packets that came earlier. */
    if (n < 0 && (errno == EINTR || errno == ECONNRESET))
        return true;
    if (n <= 0)
        *ret = KILL_CLOSED;
    else if ((size_t)n >= sizeof p->in.head && is_valid_ready(w, &p->in.head, (size_t)n))
        set_ready(w);
    else if ((size_t)n >= sizeof p->in.head && is_valid_reply(w, &p->in.head, (size_t)n))
        take_reply(w);
    else
        *ret = KILL_INVALID;
    return true;
}

enum kill_reason async__process_read_replies(struct process_worker *w)
{
    enum kill_reason why = KILL_NONE;
    /* Without calls, nothing more can come. */
    while (read_packet(w, &why) && why == KILL_NONE && w->count > 0)
        ;
    return why;
}
