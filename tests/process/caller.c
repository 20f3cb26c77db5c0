/* SPDX-License-Identifier: MIT */
/* caller [cd DIR] [load LIBRARY] [run COMMAND] [preload] call NAME... - call functions in worker
 * processes, in surroundings that a script prepares. The arguments are executed in order. A call
 * prints its result or its error. */
#include <asyncio.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int remote_fn(const void *in, void *out);

static async_process_pool *pool;
static void *library;

ASYNC_PROCESS(double_it, (const int *)n, (int *)twice)
{
    *twice = 2 * *n;
    return 0;
}

/* What a preloaded library has changed is changed in the worker, and its environment is ours. */
ASYNC_PROCESS(look_around, (const int *)unused, (int *)seen)
{
    const char *preload = getenv("LD_PRELOAD");
    (void)unused;
    *seen = getpagesize() == 12345;
    printf("LD_PRELOAD=%s\n", preload ? preload : "");
    return 0;
}

static int await_find_and_call(const char *name)
{
    int n = 21, out = 0, r;
    if (!strcmp(name, "double"))
        r = await_process_pool_run(pool, double_it, &n, &out);
    else if (!strcmp(name, "around"))
        r = await_process_pool_run(pool, look_around, &n, &out);
    else {
        remote_fn *fn;
        void *address = library ? dlsym(library, name) : NULL;
        memcpy(&fn, &address, sizeof fn);
        r = await_process_pool_call(pool, fn, &n, sizeof n, &out, sizeof out);
    }
    if (r < 0)
        printf("%s: %s: %s\n", name, strerrorname_np(-r), async_fail_text(r));
    else
        printf("%s: %d\n", name, out);
    return 0;
}

ASYNC_DEF(obey, (char **)words)
{
    pool = async_process_pool_open(.max_workers = 1);
    for (; words[0]; words += 2) {
        int r = 0;
        if (!strcmp(words[0], "cd"))
            r = chdir(words[1]);
        else if (!strcmp(words[0], "run"))
            r = system(words[1]);
        else if (!strcmp(words[0], "load"))
            r = (library = dlopen(words[1], RTLD_NOW)) ? 0 : -1;
        else
            r = await_find_and_call(words[1]);
        if (r != 0)
            return async_fail(-EINVAL, "%s %s", words[0], words[1]);
    }
    return await_process_pool_close(&pool);
}

int main(int argc, char *argv[])
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return argc > 1 ? async_main(obey(argv + 1)) : 2;
}
