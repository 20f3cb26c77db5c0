/* SPDX-License-Identifier: MIT */
/* Generators: lines of a file, and items of an API that has pages of them. The consumer stops
 * early, and the generator closes what it has opened.
 * Python: async for line in f: ...; async def items(): ... yield item */
#include <asyncio.h>
#include <stdio.h>

/* --- lines of a file --- */

ASYNC_DEF(print_lines, (const char *)path, (int)most)
{
    async_stream_auto f = NULL;
    int r, n = 0;
    ASYNC_TRY(await_open_file(path, "r", &f));
    await_for_each (r, line, async_lines(f)) {
        printf("%d %s\n", ++n, line);
        if (n == most)
            break;
    }
    return r;
}

/* --- a paginated API --- */

enum { PAGE = 3, ITEMS = 8 };

struct page {
    int count, item[PAGE];
    int next; /* the number of the next page; 0 after the last one */
};

ASYNC_DEF(get_page, (int)number, (struct page *)ret)
{
    ASYNC_TRY(await_sleep(0.1)); /* stands for the network */
    printf("(page %d)\n", number);
    *ret = (struct page){ .next = number * PAGE < ITEMS ? number + 1 : 0 };
    for (int i = (number - 1) * PAGE; i < ITEMS && ret->count < PAGE; i++)
        ret->item[ret->count++] = 100 + i;
    return 0;
}

static void leave(const int *page)
{
    printf("(left at page %d)\n", *page);
}

ASYNC_GEN(int, items, (int)first_page)
{
    ASYNC_AUTO(leave) int number = first_page;
    struct page page = { .next = first_page };
    while (page.next) {
        number = page.next;
        ASYNC_TRY(await_get_page(number, &page));
        for (int i = 0; i < page.count; i++)
            ASYNC_TRY(await_yield(page.item[i]));
    }
    return 0;
}

ASYNC_DEF(amain, (const char *)path)
{
    int r, n = 0, sum = 0;
    ASYNC_TRY(await_print_lines(path, 3));

    await_for_each (r, item, items(1)) {
        if (item == 104)
            break; /* the third page is never requested */
        sum += item;
    }
    ASYNC_TRY(r);
    printf("sum %d\n", sum);

    await_for_each (r, item, items(1))
        n += item > 0;
    ASYNC_TRY(r);
    printf("%d items\n", n);

    r = await_print_lines("/no/such/file", 1);
    printf("%s\n", async_fail_text(r));
    return 0;
}

int main(int argc, char *argv[])
{
    return async_main(amain(argc > 1 ? argv[1] : __FILE__));
}
