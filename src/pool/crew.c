/* SPDX-License-Identifier: MIT */
#include "pool/crew.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "loop/loop.h"

/* How long a worker waits for work before it ends. */
#define REST INT64_C(10000000000)

/* Who is to be called when the mutex has been let go. */
struct call {
    atomic_uint *word; /* wake who sleeps on it */
    bool make;         /* a new one */
};

static void *work(void *crew);

/* --- lists --- */

static void take_out(struct jobs *q, struct job *j)
{
    *(j->next ? &j->next->prev : &q->last) = j->prev;
    *(j->prev ? &j->prev->next : &q->first) = j->next;
}

static void join_crew(struct crew *c, struct worker *w)
{
    w->next = c->all;
    if (c->all)
        c->all->prev = w;
    c->all = w;
}

static void leave_crew(struct crew *c, struct worker *w)
{
    if (w->next)
        w->next->prev = w->prev;
    *(w->prev ? &w->prev->next : &c->all) = w->next;
}

/* --- calling a worker --- */

static struct worker *pop_idle(struct crew *c)
{
    struct worker *w = c->idle;
    c->idle = w->below;
    c->resting--;
    return w;
}

/* Under the mutex: its frame is there as long as it stands among the idle. */
static atomic_uint *call_idle(struct crew *c)
{
    struct worker *w = pop_idle(c);
    c->looking++;
    return atomic_exchange(&w->word, CALLED) == ASLEEP ? &w->word : NULL;
}

/* There is work. The one who rested last is the warmest. */
static struct call summon(struct crew *c)
{
    struct call call = { 0 };
    if (c->looking > 0)
        return call;
    if (c->idle) {
        call.word = call_idle(c);
    } else if (c->workers < c->most) {
        c->workers++;
        c->looking++;
        call.make = true;
    }
    return call;
}

/* Who sleeps may have gone on for another reason, and its frame with it: then an address is all that is used here, and
 * whoever sleeps there looks again. 0, or an errno. */
static int call_out(struct crew *c, struct call call)
{
    if (call.word)
        async__sys.futex_wake(call.word, 1);
    return call.make ? async__sys.thread(work, c) : 0;
}

/* A thread could not be made, and jobs that came meanwhile were left to it: somebody may have come to rest since. true:
 * there is no thread at all. */
static bool cannot_make(struct crew *c)
{
    pthread_mutex_lock(&c->mutex);
    c->looking--;
    bool nobody = --c->workers == 0;
    atomic_uint *word = c->queue.first && !c->looking && c->idle ? call_idle(c) : NULL;
    pthread_mutex_unlock(&c->mutex);
    if (word)
        async__sys.futex_wake(word, 1);
    return nobody;
}

/* --- the worker's side --- */

/* With the mutex: the next job. */
static struct job *take(struct crew *c, struct worker *w)
{
    struct job *j = c->queue.first;
    if (!j)
        return NULL;
    int64_t now = async__sys.clock(), waited = now - j->since;
    take_out(&c->queue, j);
    j->queued = false;
    c->queued--;
    c->busy++;
    c->begun++;
    c->waited += waited;
    if (waited > c->longest)
        c->longest = waited;
    w->job = j;
    w->since = now;
    return j;
}

/* On the loop's thread: everything that is done at this moment. */
static void tell(void *arg)
{
    struct crew *c = arg;
    pthread_mutex_lock(&c->mutex);
    struct jobs list = c->done;
    c->done = (struct jobs){ NULL, NULL };
    pthread_mutex_unlock(&c->mutex);
    for (struct job *j = list.first, *next; j; j = next) {
        next = j->next;
        async__job_done(j);
    }
}

static void tell_loop(struct crew *c)
{
    async_ignore(async__handle_post(c->home, &c->post)); /* refused: the loop is closing, and will look */
}

/* j is over; with the mutex. true: the loop must be told. */
static bool put_done(struct crew *c, struct worker *w, struct job *j)
{
    bool first = !c->done.first;
    w->job = NULL;
    if (c->closed) { /* nobody is told any more */
        pthread_mutex_unlock(&c->mutex);
        if (j->release)
            j->release(j);
        pthread_mutex_lock(&c->mutex);
    } else {
        jobs_append(&c->done, j);
    }
    c->busy--;
    return first && !c->closed;
}

/* With the mutex, until nothing is left to do. true: the loop must be told. */
static bool run_jobs(struct crew *c, struct worker *w)
{
    bool news = false;
    for (struct job *j; (j = take(c, w));) {
        struct call call = c->queue.first ? summon(c) : (struct call){ NULL, false };
        pthread_mutex_unlock(&c->mutex);
        if (news) /* before the next one, which may take long */
            tell_loop(c);
        if (call_out(c, call) != 0)
            cannot_make(c);
        j->work(j);
        pthread_mutex_lock(&c->mutex);
        news = put_done(c, w, j);
    }
    return news;
}

/* --- its rest --- */

static void put_idle(struct crew *c, struct worker *w)
{
    atomic_store(&w->word, CALLABLE);
    w->below = c->idle;
    c->idle = w;
    c->resting++;
}

static void take_from_idle(struct crew *c, struct worker *w)
{
    struct worker **at = &c->idle;
    while (*at != w)
        at = &(*at)->below;
    *at = w->below;
    c->resting--;
}

/* Until it is called, or has rested for too long. */
static void sleep_on(atomic_uint *word)
{
    unsigned expected = CALLABLE;
    if (!atomic_compare_exchange_strong(word, &expected, ASLEEP))
        return;
    while (atomic_load(word) == ASLEEP)
        if (async__sys.futex_wait(word, ASLEEP, REST) < 0 && errno == ETIMEDOUT)
            return;
}

/* It stands among the idle. Returns with the mutex; false: it is not needed any more. */
static bool rest(struct crew *c, struct worker *w)
{
    sleep_on(&w->word);
    pthread_mutex_lock(&c->mutex);
    if (atomic_load(&w->word) == CALLED) { /* at the last moment, perhaps */
        c->looking--;
        return true;
    }
    take_from_idle(c, w);
    return false;
}

static void free_crew(struct crew *c)
{
    pthread_mutex_destroy(&c->mutex);
    async__free(c);
    async__alloc_hold(-1);
}

/* With the mutex, which is let go. Whoever closes the crew is woken before that: afterwards it may be freed. */
static void leave(struct crew *c, struct worker *w)
{
    leave_crew(c, w);
    c->workers--;
    bool last = c->orphaned && c->workers == 0;
    if (c->closed && !last) {
        atomic_fetch_add(&c->left, 1);
        async__sys.futex_wake(&c->left, 1);
    }
    pthread_mutex_unlock(&c->mutex);
    if (last)
        free_crew(c);
}

/* It stands among the idle before it tells the loop, which may have more for it before it sleeps. */
static void *work(void *arg)
{
    struct crew *c = arg;
    struct worker w = { .word = CALLED };
    pthread_mutex_lock(&c->mutex);
    join_crew(c, &w);
    c->looking--;
    for (bool stays = true; stays;) {
        bool news = run_jobs(c, &w);
        if (c->closed)
            break;
        put_idle(c, &w);
        pthread_mutex_unlock(&c->mutex);
        if (news)
            tell_loop(c);
        stays = rest(c, &w);
    }
    leave(c, &w);
    return NULL;
}

/* --- the loop's side --- */

struct crew *async__crew_open(async_loop *home, unsigned most)
{
    struct crew *c = async__calloc(1, sizeof *c);
    if (!c)
        return NULL;
    async__alloc_hold(1);
    pthread_mutex_init(&c->mutex, NULL);
    c->most = most;
    c->home = home;
    c->post = (async_post){ .fn = tell, .arg = c, .borrowed = true };
    return c;
}

static void append_all(struct jobs *q, const struct jobs *list)
{
    list->first->prev = q->last;
    *(q->last ? &q->last->next : &q->first) = list->first;
    q->last = list->last;
}

/* No thread, and none can be made: what stands in the line is what was put there last. */
static void take_all_back(struct crew *c, struct jobs *ret)
{
    pthread_mutex_lock(&c->mutex);
    *ret = c->queue;
    c->queue = (struct jobs){ NULL, NULL };
    c->queued = 0;
    for (struct job *j = ret->first; j; j = j->next)
        j->queued = false;
    pthread_mutex_unlock(&c->mutex);
}

int async__crew_put(struct crew *c, struct jobs *list)
{
    int64_t now = async__sys.clock();
    unsigned n = 0;
    for (struct job *j = list->first; j; j = j->next, n++) {
        j->since = now;
        j->queued = true;
    }
    pthread_mutex_lock(&c->mutex);
    append_all(&c->queue, list);
    c->queued += n;
    struct call call = summon(c);
    pthread_mutex_unlock(&c->mutex);
    *list = (struct jobs){ NULL, NULL };
    int err = call_out(c, call);
    if (err == 0 || !cannot_make(c)) /* else those who are busy will find them */
        return 0;
    take_all_back(c, list);
    return list->first ? -err : 0;
}

bool async__crew_take_back(struct crew *c, struct job *j)
{
    pthread_mutex_lock(&c->mutex);
    bool queued = j->queued;
    if (queued) {
        take_out(&c->queue, j);
        c->queued--;
        j->queued = false;
    }
    pthread_mutex_unlock(&c->mutex);
    return queued;
}

/* --- its end --- */

static void call_all(struct crew *c)
{
    while (c->idle) {
        atomic_uint *word = call_idle(c);
        if (word)
            async__sys.futex_wake(word, 1);
    }
}

/* With the mutex. */
static void wait_for_workers(struct crew *c, int64_t until)
{
    for (;;) {
        int64_t left = until - async__sys.clock();
        if (c->workers == 0 || (c->workers == c->busy && left <= 0))
            return;
        unsigned seen = atomic_load(&c->left);
        pthread_mutex_unlock(&c->mutex);
        async__sys.futex_wait(&c->left, seen, left > 0 ? left : REST);
        pthread_mutex_lock(&c->mutex);
    }
}

static void name_busy(const struct crew *c)
{
    int64_t now = async__sys.clock();
    for (const struct worker *w = c->all; w; w = w->next)
        if (w->job)
            async__warn("the loop closes, and leaves \"%s\" to itself, which has been on a thread for "
                            "%.3f s",
                            w->job->name, 1e-9 * (double)(now - w->since));
}

void async__crew_close(struct crew *c, int64_t until, bool named)
{
    pthread_mutex_lock(&c->mutex);
    c->closed = true;
    c->queue = (struct jobs){ NULL, NULL }; /* of tasks that were abandoned, and will not go on */
    call_all(c);
    wait_for_workers(c, until);
    if (named)
        name_busy(c);
    struct job *done = c->done.first;
    c->orphaned = c->workers > 0;
    bool last = !c->orphaned;
    pthread_mutex_unlock(&c->mutex);
    for (struct job *next; done; done = next) {
        next = done->next;
        if (done->release)
            done->release(done);
    }
    if (last)
        free_crew(c);
}
