/* SPDX-License-Identifier: MIT */
/* files_asyncio DIR N TASKS - read the files DIR/0 to DIR/N-1 whole, of 4 KiB each, TASKS at a
 * time. Prints files a second. */
#include <asyncio.h>

#include <stdio.h>
#include <stdlib.h>

static const char *dir;
static int count, next, good;

ASYNC_DEF(reader)
{
    char path[512];
    while (next < count) {
        async_data_auto data = NULL;
        size_t size;
        snprintf(path, sizeof path, "%s/%d", dir, next++);
        ASYNC_TRY(await_read_file(path, &data, &size));
        good += size == 4096;
    }
    return 0;
}

ASYNC_DEF(amain, (int)tasks)
{
    int r;
    double start = async_time();
    await_group (r, g)
        for (int i = 0; i < tasks; i++)
            async_spawn(g, reader());
    if (r == 0 && good == count)
        printf("files_%s %.0f files/s\n", async_file_engine(), count / (async_time() - start));
    return r;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    dir = argv[1];
    count = atoi(argv[2]);
    return async_run(amain(atoi(argv[3]))) == 0 && good == count ? 0 : 1;
}
