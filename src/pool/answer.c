/* SPDX-License-Identifier: MIT */
/* answer.c - what a worker says. It may have gone mad: a packet is looked at in all that is taken from it. */
#include "pool/process.h"

#include "base/sys.h"

/* The answer to the call that is next, of the size that was asked for. */
static bool makes_sense(const struct process_worker *w, const struct frame *f, size_t size)
{
    const struct call *c = w->window[w->first % WINDOW];
    if (size < sizeof *f || f->kind != FRAME_ANSWER || f->seq != w->first || !on_its_way(w))
        return false;
    if (f->sentence >= SENTENCE_MAX || f->out_size > INLINE_MAX ||
        size != sizeof *f + f->out_size + f->sentence)
        return false;
    if (f->skipped || !c)
        return f->skipped ? !c : true;
    return f->out_size == (f->result >= 0 && !c->shared ? c->out_size : 0);
}

static void take_sentence(char *text, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = bytes[i] < ' ' || bytes[i] == 0x7f ? '?' : (char)bytes[i];
    text[size] = '\0';
}

static void take_answer(struct process_worker *w)
{
    struct async_process_pool *p = w->pool;
    const struct frame *f = &p->in.head;
    const unsigned char *body = p->in.bytes + sizeof *f;
    struct call *c = *place(w, w->first);
    char text[SENTENCE_MAX];
    *place(w, w->first++) = NULL;
    w->full = false;
    if (!c)
        return;
    p->running--;
    if (f->result >= 0 && !c->shared && c->out_size)
        memcpy(c->out, body, c->out_size);
    take_sentence(text, body + f->out_size, f->sentence);
    async__call_end(p, c, f->result, text);
}

int async__worker_read(struct process_worker *w)
{
    struct async_process_pool *p = w->pool;
    ssize_t n = async__sys.read(w->process.wire, p->in.bytes, sizeof p->in.bytes);
    if (n < 0 && (errno == EINTR ||
                  errno == ECONNRESET)) /* said once, before what it had sent: it died with calls unread */
        return 1;
    if (n < 0 && errno == EAGAIN)
        return 0;
    w->mad = n > 0 && !makes_sense(w, &p->in.head, (size_t)n);
    if (n <= 0 || w->mad)
        return -EPIPE;
    take_answer(w);
    return 1;
}

void async__worker_limit(struct process_worker *w)
{
    async_callback_cancel(&w->limit);
    if (w->state == WORKER_ALIVE && w->pool->timeout > 0 && on_its_way(w))
        async_call_later(&w->limit, w->pool->timeout, async__worker_overdue, w);
}

/* Without asking once more when nothing can come. */
void async__worker_listen(struct process_worker *w)
{
    uint32_t first = w->first;
    int r = 1;
    while (r > 0 && (on_its_way(w) || w->first == first))
        r = async__worker_read(w);
    if (r < 0)
        async__worker_doom(w);
    else if (w->first != first)
        async__worker_limit(w);
}

void async__worker_heard(void *arg, int events)
{
    struct process_worker *w = arg;
    struct async_process_pool *p = w->pool;
    (void)events;
    if (w->state == WORKER_ALIVE)
        async__worker_listen(w);
    if (w->state == WORKER_ALIVE) {
        async__pool_dispatch(p);
    } else if (w->process.pidfd < 0) {
        async__worker_bury(w);
    } else if (w->wire.active) { /* its end comes by the other way */
        p->loop->poller.waiting++;
        async_watch_stop(&w->wire);
    }
}
