/* SPDX-License-Identifier: MIT */
/* f: children fail; the others are cancelled, and the group says why. */
#include "fetch.h"

ASYNC_DEF(child, (const char *)url)
{
    int r = await_fetch(url);
    printf("%-16s %s\n", url, r < 0 ? strerror(-r) : "ok");
    return r;
}

ASYNC_DEF(family)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("!broken"));
        async_spawn(g, child("/not/in/time"));
    }
    return r;
}

ASYNC_DEF(amain)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("/ok"));
        async_spawn(g, family(), .name = "the family");
        async_spawn(g, child("/much/too/late"));
    }
    printf("group: %s\n", strerror(-r));
    async_for_each_error (e, g)
        printf("%s%s: %s %s\n", e->parent ? "    " : "", e->task, strerror(-e->code), e->text);
    return r == -EIO ? 0 : r;
}

int main(void)
{
    return async_main(amain());
}
