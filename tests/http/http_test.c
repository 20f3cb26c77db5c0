/* SPDX-License-Identifier: MIT */
/* http_test.c - run a test as a task, and check what it leaves open. */
#include "http_test.h"

#include <dirent.h>

int open_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    expect_not_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

const char *at(const struct server *sv, const char *fmt, ...)
{
    static char urls[8][4096];
    static int next;
    char *url = urls[next++ % 8];
    int n = snprintf(url, sizeof *urls, "%s", sv->url);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(url + n, sizeof *urls - (size_t)n, fmt, ap);
    va_end(ap);
    return url;
}

/* Closing the session closes all its connections. Then no descriptor is left but the server's, as
 * soon as threads of libcurl's resolver have ended. */
ASYNC_DEF(with_session, (http_body)body)
{
    struct server sv;
    server_start(&sv);
    int before = open_fds();
    async_http_session *s = NULL;
    expect_ok(async_http_session_open(&s));
    int r = body(&sv, s);
    async_http_session_close(s);
    atomic_store(&sv.released, true);
    expect_eventually(atomic_load(&sv.open) == 0);
    expect_eventually(open_fds() == before);
    server_stop(&sv);
    return r;
}

void http_run(http_body body)
{
    expect_ok(async_run(with_session(body)));
}

int main(void)
{
    const char *missing = http_missing ? http_missing() : NULL;
    if (missing) {
        printf("1..0 # SKIP %s\n", missing);
        return 0;
    }
    return suite_run(http_suite, 30 * slowdown(), http_cases);
}
