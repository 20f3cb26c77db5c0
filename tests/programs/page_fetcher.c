/* SPDX-License-Identifier: MIT */
/* page_fetcher.c HOST PORT PATH... - fetch many pages at once by HTTP/1.0 over plain streams. */
#include <asyncio.h>
#include <stdio.h>

struct page {
    const char *path;
    char status[64];
    size_t size;
};

ASYNC_DEF(get, (const char *)host, (const char *)port, (struct page *)page)
{
    char line[4096], buf[16384];
    async_stream_auto s = NULL;
    ASYNC_TRY(await_open_connection(host, port, &s));
    ASYNC_TRY(await_stream_printf(s, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", page->path, host));
    if (ASYNC_TRY(await_stream_readuntil(s, "\r\n", line, sizeof line)) == 0)
        return async_fail(-EPROTO, "no answer");
    snprintf(page->status, sizeof page->status, "%.*s", (int)strcspn(line, "\r"), line);
    while (ASYNC_TRY(await_stream_readuntil(s, "\r\n", line, sizeof line)) > 2)
        ; /* headers */
    for (ssize_t n; (n = ASYNC_TRY(await_stream_read(s, buf, sizeof buf))) > 0;)
        page->size += (size_t)n;
    return 0;
}

ASYNC_DEF(worker, (async_semaphore *)limit, (const char *)host, (const char *)port,
          (struct page *)page)
{
    int r;
    await_with (r, limit)
        r = await_wait_for(get(host, port, page), 10);
    printf("%8zu  %-24s %s\n", page->size, page->path, r < 0 ? strerror(-r) : page->status);
    return r == -ECANCELED ? r : 0; /* one bad page does not stop the others */
}

ASYNC_DEF(amain, (int)argc, (char **)argv)
{
    if (argc < 4)
        return async_fail(-EINVAL, "usage: %s host port path...", argv[0]);
    int r;
    struct page pages[argc];
    async_semaphore limit = ASYNC_SEMAPHORE(8);
    await_group (r, g)
        for (int i = 3; i < argc; i++) {
            pages[i] = (struct page){ .path = argv[i] };
            async_spawn(g, worker(&limit, argv[1], argv[2], &pages[i]));
        }
    return r;
}

int main(int argc, char *argv[])
{
    return async_main(amain(argc, argv));
}
