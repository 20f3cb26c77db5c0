/* SPDX-License-Identifier: MIT */
#include "testing/trial.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "task/scope.h"
#include "task/task.h"

enum { STEPS = 100000, PUSHES = 1000 };

_Thread_local struct trial *async__trial;

static void choose_variant(struct fault *f)
{
    while (!(f->variants & 1u << f->variant))
        f->variant = (f->variant + 1) % VARIANTS;
}

struct fault *async__trial_hits(struct trial *x, enum sweep kind, unsigned variants)
{
    struct fault *f = &x->faults[x->due];
    x->seen[kind]++;
    x->after[kind] += x->due > 0;
    if (x->due == FAULTS || f->kind != kind || ++f->points != f->point)
        return NULL;
    f->variants = variants;
    if (f->any_variant)
        choose_variant(f);
    if (!(variants & 1u << f->variant))
        return NULL;
    f->struck = true;
    x->due++;
    return f;
}

void async__trial_wrong(struct trial *x, const char *fmt, ...)
{
    va_list ap;
    if (x->wrong[0])
        return;
    va_start(ap, fmt);
    vsnprintf(x->wrong, sizeof x->wrong, fmt, ap);
    va_end(ap);
}

/* --- a run that does not end --- */

static void fail_everything(void *record, void *arg)
{
    async_task *t = record;
    (void)arg;
    if (!t->node.kind || t->node.state == TASK_DONE)
        return;
    if (t->node.kind == NODE_NEW) {
        t->node.flags |= TASK_CANCELLED_EARLY;
        return;
    }
    for (async_scope *s = t->scope; s; s = s->outer) /* shields too */
        s->effectively_cancelled = true;
    update_needs_check(t);
    if (t->node.state != TASK_PARKED)
        return;
    disarm(t);
    async__wake(t, INTERRUPTED);
}

static void name_parked(void *record, void *arg)
{
    const async_task *t = record;
    char *names = arg;
    size_t used = strlen(names);
    if (t->node.kind == NODE_TASK && t->node.state == TASK_PARKED && used < 100)
        snprintf(names + used, 128 - used, "%s\"%.24s\"", used ? ", " : "", t->name);
}

/* Say so, and make an end of it: what it waits for fails, behind shields too. One that goes on
 * nevertheless cannot be helped. */
static void hang(struct trial *x, struct loop *l, const char *why)
{
    char names[128] = "";
    async__slab_each(&l->tasks, name_parked, names);
    async__trial_wrong(x, "it does not end: %s%s%s", why, names[0] ? "; these wait: " : "", names);
    if (++x->hangs > PUSHES) {
        async__sweep_report(x);
        fputs("asyncio: and it cannot be ended\n", stderr);
        abort();
    }
    async__slab_each(&l->tasks, fail_everything, NULL);
}

/* --- cancelling --- */

struct search {
    uint64_t id;
    async_task *found;
};

static void find_task(void *record, void *arg)
{
    async_task *t = record;
    struct search *s = arg;
    if (t->node.kind && t->node.state != TASK_DONE && task_id(t) == s->id)
        s->found = t;
}

static void cancel(void *arg)
{
    static const char why[] = "a sweep";
    struct fault *f = arg;
    struct trial *x = async__trial;
    struct loop *l = async__loop;
    unsigned ask = 1u << f->variant % ASK_LATER;
    struct search s = { .id = f->who };
    if (ask == ASK_LIMIT && x->limit) {
        x->limit->deadline = loop_now(l);
        async__scope_expire(x->limit);
    } else if (ask == ASK_SCENARIO) {
        async__task_request_cancel(l->root_task, ASYNC_CANCEL_TASK, why, NULL);
    } else if (ask == ASK_TASK) {
        async__slab_each(&l->tasks, find_task, &s);
        async__task_request_cancel(s.found, ASYNC_CANCEL_TASK, why, NULL);
    }
}

static void describe(struct fault *f, const async_task *t, bool waits)
{
    static const char *const asked[] = { "the scenario", "a limit around the scenario",
                                         "the task" };
    snprintf(f->what, sizeof f->what, "cancelled by %s%s when task \"%.40s\" %s%s",
             f->variant % ASK_LATER == 1 ? "" : "a request to ", asked[f->variant % ASK_LATER],
             t->name, waits ? "waits in await " : "passes await ",
             !waits                   ? ""
             : f->variant < ASK_LATER ? "(at once) "
                                      : "(when the others have run) ");
    size_t used = strlen(f->what);
    snprintf(f->what + used, sizeof f->what - used, "%zu", f->point);
}

static void strike(struct trial *x, struct loop *l, async_task *t, bool waits)
{
    unsigned ask = t == l->root_task ? ASK_SCENARIO | ASK_LIMIT : ASK_ALL;
    struct fault *f = async__trial_hits(x, SWEEP_CANCEL, waits ? ask | ask << ASK_LATER : ask);
    if (!f)
        return;
    f->who = (uint32_t)task_id(t);
    describe(f, t, waits);
    if (!waits) {
        cancel(f);
        return;
    }
    async_call_soon(&f->later, cancel, f);
    if (f->variant < ASK_LATER &&
        l->sched.ready.head != l->sched.ready.tail) { /* it comes before all others */
        struct async_waiter *w = l->sched.ready.tail;
        waitq_remove(&l->sched.ready, w);
        w->prev = NULL;
        w->next = l->sched.ready.head;
        l->sched.ready.head = l->sched.ready.head->prev = w;
    }
}

static void look(struct probe *p, struct loop *l, async_task *t, enum probe_point point)
{
    struct trial *x = (struct trial *)p;
    size_t limit = x->opts->steps ? x->opts->steps : STEPS;
    if (point == AT_STANDSTILL)
        hang(x, l, "all that is left to do is to wait");
    else if (++x->steps % limit == 0)
        hang(x, l, "too many awaits");
    else if (point != AT_REFUSAL)
        strike(x, l, t, point == AT_WAIT);
}

/* --- the run --- */

static int run_scenario(void *frame)
{
    struct trial *x = *(struct trial **)frame;
    struct loop *l = async__loop;
    async_scope limit = async_scope_timeout(ASYNC_FOREVER, NULL, ASYNC_HERE);
    async_co co = *x->co;
    x->probe.at = look;
    l->probe = &x->probe;
    l->no_deadline = -1;
    l->coarse.usable = false;
    l->coarse.per_tick = 0;
    l->tasks.per_chunk = l->starts.per_chunk =
            1; /* each task asks for memory, and none that is gone is at hand */
    async__scope_enter(&limit, l->sched.current);
    x->limit = &limit;
    int r = co.run(co.frame);
    x->limit = NULL;
    return async__scope_leave(&limit, r, false);
}

/* It is struck, and this is what may come of it. */
static bool explains(const struct fault *f, int r)
{
    switch (f->struck ? f->kind : SWEEP_NONE) {
    case SWEEP_CANCEL:
        switch (1 << f->variant % ASK_LATER) {
        case ASK_LIMIT:
            return r >= 0 || r == -ETIMEDOUT;
        case ASK_SCENARIO:
            return r >= 0 || r == -ECANCELED;
        default: /* what it means to the others that one of them goes is the scenario's business */
            return true;
        }
    case SWEEP_ALLOC:
    case SWEEP_ALLOC_REST:
        return r >= 0 || r == -ENOMEM;
    case SWEEP_SYSCALL:
        return !f->harmless;
    default:
        return false;
    }
}

static bool explained(const struct trial *x, int r)
{
    if (r == x->opts->expect || (r >= 0 && !x->opts->expect))
        return true;
    for (int i = 0; i < FAULTS; i++)
        if (explains(&x->faults[i], r))
            return true;
    return false;
}

static void hear(const char *line)
{
    static const char closes[] = "the loop closes with";
    if (async__trial && !strncmp(line, closes, sizeof closes - 1))
        async__trial_wrong(async__trial, "%s", line);
}

static void judge(struct trial *x)
{
    const struct async_sweep_opts *o = x->opts;
    const char *name = x->result < 0 ? strerrorname_np(-x->result) : NULL;
    const char *said = o->check ? o->check(o->arg, x->result) : NULL;
    if (said)
        async__trial_wrong(x, "%s", said);
    if (!explained(x, x->result) && name)
        async__trial_wrong(x, "the result is -%s", name);
    else if (!explained(x, x->result))
        async__trial_wrong(x, "the result is %d", x->result);
}

void async__trial_run(struct trial *x)
{
    const struct async_sweep_opts *o = x->opts;
    struct async_run_opts run = { .virtual_clock = !o->real_clock,
                                  .seed = x->sweep == SWEEP_ORDER ? x->seed : 0 };
    async_co co = { .run = run_scenario, .name = x->co->name };
    memcpy(co.frame, &x, sizeof x);
    if (o->before)
        o->before(o->arg);
    if (o->ret_runs)
        ++*o->ret_runs;
    async__log.line = hear;
    async__trial = x;
    async__leak_check_open();
    x->result = async_run_opt(co, &run);
    async__leak_check_close(x);
    async__trial = NULL;
    async__log.line = NULL;
    judge(x);
}
