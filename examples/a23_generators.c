/* SPDX-License-Identifier: MIT */
/* A23: async iteration: the lines of a file, the items of an API that gives them a page at a time. The consumer stops
 * early, and what the generator holds is closed.
 * Python: async for line in lines(path): ...; async def lines(path): ... yield line */
#include <asyncio.h>
#include <stdio.h>

/* --- lines of a file --- */

ASYNC_DEF(file_open, (const char *)path, (FILE **)ret)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return async_fail(-errno, "%s", path);
    *ret = f;
    return 0;
}

ASYNC_DEF(file_close, (FILE **)f)
{
    puts("(file closed)");
    return fclose(*f) ? -errno : 0;
}

/* A local file is read as it is, between the awaits: a slow disk would hold up the others. */
ASYNC_GEN(char *, lines, (const char *)path)
{
    FILE *f = NULL;
    int r;
    await_with (r, (async_hold){ file_open(path, &f), file_close(&f) }) {
        char line[256];
        while (fgets(line, sizeof line, f))
            ASYNC_TRY(await_yield(line));
        r = ferror(f) ? -EIO : 0;
    }
    return r;
}

/* --- a paginated API --- */

enum { PAGE = 3, ITEMS = 8 };

struct page {
    int count, item[PAGE];
    int next; /* the number of the next page; 0: this was the last one */
};

ASYNC_DEF(get_page, (int)number, (struct page *)ret)
{
    ASYNC_TRY(await_sleep(0.1)); /* here be the network */
    printf("(page %d)\n", number);
    *ret = (struct page){ .next = number * PAGE < ITEMS ? number + 1 : 0 };
    for (int i = (number - 1) * PAGE; i < ITEMS && ret->count < PAGE; i++)
        ret->item[ret->count++] = 100 + i;
    return 0;
}

ASYNC_GEN(int, items, (int)first_page)
{
    struct page page = { .next = first_page };
    while (page.next) {
        ASYNC_TRY(await_get_page(page.next, &page));
        for (int i = 0; i < page.count; i++)
            ASYNC_TRY(await_yield(page.item[i]));
    }
    return 0;
}

ASYNC_DEF(amain, (const char *)path)
{
    int r, n = 0, sum = 0;
    await_for_each (r, line, lines(path)) {
        printf("%d %s", ++n, line);
        if (n == 3)
            break;
    }
    ASYNC_TRY(r);

    await_for_each (r, item, items(1)) {
        if (item == 104)
            break; /* the third page is never asked for */
        sum += item;
    }
    ASYNC_TRY(r);
    printf("sum %d\n", sum);

    n = 0;
    await_for_each (r, item, items(1))
        n += item > 0;
    printf("%d items\n", n);
    ASYNC_TRY(r);

    await_for_each (r, line, lines("/no/such/file"))
        puts(line);
    printf("%s: %s\n", async_fail_text(r), strerror(-r));
    return 0;
}

int main(int argc, char *argv[])
{
    return async_main(amain(argc > 1 ? argv[1] : __FILE__));
}
