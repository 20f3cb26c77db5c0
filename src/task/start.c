/* SPDX-License-Identifier: MIT */
/* start.c - start a child and wait until it is ready.
 *
 * Until it is ready the child lives in a group of its own, whose scope lies inside the starter's:
 * what cancels the starter cancels the child. async_started() moves it to the group for which it
 * was started. That group counts one more child from the beginning, so that it is not left
 * meanwhile. */
#include <asyncio/group.h>

#include "task/group.h"
#include "task/scope.h"
#include "task/task.h"

struct start {
    async_group group;   /* first, because a child finds its start by its group */
    async_group *target; /* to which the child moves */
    int value;
    bool ready;
};

static void release_target(async_group *target)
{
    if (--target->running == 0)
        async__wake_all(&target->idle, 0);
}

static int result_of(const struct start *s, int r, const async_co *co, const async_site *site)
{
    if (s->ready)
        return s->value;
    if (r < 0)
        return r;
    return async_fail_at(-EPROTO, site, "task \"%s\" has ended without calling async_started()",
                         async__co_name(co));
}

int await_group_start_opt(async_group *g, const async_co *co, const struct async_task_opts *opts)
{
    async_task *t;
    int r = await_begin(&t, "await_group_start");
    if (r == 0)
        r = async__group_check_spawn(g);
    if (r < 0) {
        async__task_opts_drop(opts);
        return r;
    }
    struct start s = { .group.scope = async_scope_group(&s.group, NULL), .target = g };
    g->running++;
    ASYNC__WITHIN(r, &s.group.scope)
    {
        s.group.policy = GROUP_START;
        s.group.scope.cause.site = opts->site;
        async_spawn_opt(&s.group, co, opts);
    }
    async_group_free(&s.group);
    release_target(g);
    return result_of(&s, r, co, opts->site);
}

/* The child, the only one of its start, leaves the starter's scope for that of the group, which may
 * be cancelled already. */
static void move_child(async_task *t, struct start *s)
{
    async__group_unlink(&s->group, t);
    async__group_link(s->target, t);
    t->group = s->target;
    async__scope_move(&t->body->root, &s->target->scope);
    s->group.running = 0;
    async__wake_all(&s->group.idle, 0);
}

int async_started(int value)
{
    async_task *t = async_current_task();
    if (!t)
        return async__not_in_task("async_started");
    if (!t->group || t->group->policy != GROUP_START) {
        async__warn(
                "task \"%s\" calls async_started(), but was not started by await_group_start(), "
                "or is ready already",
                async__task_label(t).text);
        return -EPERM;
    }
    struct start *s = (struct start *)t->group;
    if (value < 0)
        return -EINVAL;
    if (s->group.scope.effectively_cancelled)
        return -ECANCELED;
    s->value = value;
    s->ready = true;
    move_child(t, s);
    return 0;
}
