/* SPDX-License-Identifier: MIT */
/* Where servers listen: Unix sockets, and sockets that a service manager has opened. */
#include "harness.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[100], path[sizeof folder + 10];

ASYNC_DEF(show_peer, (async_web_request *)rq)
{
    return async_web_text(rq, 200, "from [%s]", async_web_peer(rq));
}

static const async_web_route routes[] = { { "GET", "/", show_peer }, { 0 } };

static void make_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.80s/web-XXXXXX", tmp ? tmp : "/tmp");
    expect_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
}

static void remove_folder(void)
{
    unlink(path);
    expect_ok(rmdir(folder));
}

static bool exists(void)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* --- Unix sockets --- */

static void request_on_path(int port, void *arg)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    (void)arg;
    expect_int(port, 0);
    strcpy(a.sun_path, path);
    for (int i = 0; i < 3; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        expect_ok(connect(fd, (struct sockaddr *)&a, sizeof a));
        send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        struct response r = read_response(fd);
        expect_int(r.status, 200);
        expect_text(r.body, "from [unix]");
        expect_true(reads_end(fd));
        free(r.body);
        close(fd);
    }
}

TEST(unix_socket_is_served_and_removed_at_the_end)
{
    char host[sizeof path + 10];
    make_folder();
    snprintf(host, sizeof host, "unix:%s", path);
    serve(routes, (struct async_web_opts){ .host = host }, request_on_path, NULL);
    expect_false(exists());
    serve(routes, (struct async_web_opts){ .host = path }, request_on_path, NULL);
    remove_folder();
}

/* Leave a socket behind, as a server that is killed does. */
static void leave_socket(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    strcpy(a.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect_ok(bind(fd, (struct sockaddr *)&a, sizeof a));
    expect_ok(listen(fd, 1));
    close(fd);
}

ASYNC_DEF(start_on_path, (const char *)host)
{
    async_web_server *s;
    int r = async_web_server_start(routes, &s, .host = host);
    return r < 0 ? r : await_web_server_stop(&s, 0);
}

ASYNC_DEF(start_beside_another, (const char *)host)
{
    async_web_server *s;
    ASYNC_TRY(async_web_server_start(routes, &s, .host = host));
    expect_int(await_start_on_path(host), -EADDRINUSE);
    expect_true(exists());
    return await_web_server_stop(&s, 0);
}

TEST(stale_unix_socket_is_replaced_but_no_other_file)
{
    make_folder();
    leave_socket();
    expect_ok(async_run(start_on_path(path)));
    expect_ok(async_run(start_beside_another(path)));
    FILE *f = fopen(path, "w");
    expect_not_null(f);
    fclose(f);
    expect_int(async_run(start_on_path(path)), -EADDRINUSE);
    expect_true(exists());
    remove_folder();
}

TEST(unix_socket_with_a_bad_path_is_refused)
{
    char longest[300] = "unix:/";
    memset(longest + 6, 'x', sizeof longest - 7);
    expect_int(async_run(start_on_path("unix:")), -EINVAL);
    expect_int(async_run(start_on_path(longest)), -EINVAL);
    expect_int(async_run(start_on_path("/no/such/folder/socket")), -ENOENT);
}

/* --- socket activation --- */

enum { PASSED = 2 };

/* Open sockets that listen on free ports of loopback. */
static void open_listeners(int *fds, int *ports)
{
    for (int i = 0; i < PASSED; i++) {
        struct sockaddr_in a = { .sin_family = AF_INET };
        socklen_t size = sizeof a;
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        expect_ok(bind(fds[i], (struct sockaddr *)&a, sizeof a));
        expect_ok(listen(fds[i], 10));
        expect_ok(getsockname(fds[i], (struct sockaddr *)&a, &size));
        ports[i] = ntohs(a.sin_port);
    }
}

static void set_variables(int count, int pid)
{
    char text[20];
    snprintf(text, sizeof text, "%d", count);
    setenv("LISTEN_FDS", text, 1);
    snprintf(text, sizeof text, "%d", pid);
    setenv("LISTEN_PID", text, 1);
}

/* Start a server while the descriptors from 3 on are those of fds. Check uses some of these numbers
 * itself, so nothing is checked meanwhile, and they are put back at once: the server has
 * duplicates. */
static int start_with_passed(const int *fds, async_web_server **ret)
{
    int kept[PASSED];
    for (int i = 0; i < PASSED; i++) {
        kept[i] = fcntl(3 + i, F_DUPFD_CLOEXEC, 20);
        dup2(fds[i], 3 + i);
    }
    int r = async_web_server_start(routes, ret, .activation = true);
    for (int i = 0; i < PASSED; i++) {
        close(3 + i);
        if (kept[i] >= 0)
            dup2(kept[i], 3 + i);
        close(kept[i]);
    }
    return r;
}

struct passed {
    const int *fds, *ports;
};

static void request_on_passed(int port, void *arg)
{
    const struct passed *p = arg;
    expect_int(port, p->ports[0]);
    for (int i = 0; i < PASSED; i++)
        expect_response(p->ports[i], 200, NULL, "GET / HTTP/1.1");
}

static void request_on_own_port(int port, void *arg)
{
    const struct passed *p = arg;
    expect_int_not(port, p->ports[0]);
    expect_response(port, 200, NULL, "GET / HTTP/1.1");
}

ASYNC_DEF(serve_passed, (const struct passed *)p, (client_fn *)client)
{
    struct client c;
    async_web_server *s;
    ASYNC_TRY(start_with_passed(p->fds, &s));
    client_start(&c, async_web_server_port(s), client, (void *)(uintptr_t)p);
    ASYNC_TRY(await_client(&c));
    return await_web_server_stop(&s, 10);
}

TEST(passed_sockets_are_served_if_they_are_meant_for_the_process)
{
    int fds[PASSED], ports[PASSED], before = count_descriptors();
    struct passed p = { fds, ports };
    open_listeners(fds, ports);
    set_variables(PASSED, getpid());
    for (int i = 0; i < 2; i++) /* a second server of the process finds them again */
        expect_ok(async_run(serve_passed(&p, request_on_passed)));
    set_variables(PASSED, getpid() + 1);
    expect_ok(async_run(serve_passed(&p, request_on_own_port)));
    for (int i = 0; i < PASSED; i++)
        close(fds[i]);
    expect_int(count_descriptors(), before);
}

ASYNC_DEF(start_with_bad_passed, (const int *)fds, (int)error)
{
    async_web_server *s;
    expect_int(start_with_passed(fds, &s), error);
    return 0;
}

TEST(passed_descriptor_that_is_no_listening_socket_is_refused)
{
    int fds[PASSED], ports[PASSED];
    open_listeners(fds, ports);
    close(fds[1]);
    fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int before = count_descriptors();
    set_variables(PASSED, getpid());
    expect_ok(async_run(start_with_bad_passed(fds, -EINVAL)));
    set_variables(1000, getpid());
    expect_ok(async_run(start_with_bad_passed(fds, -E2BIG)));
    expect_int(count_descriptors(), before);
}

SUITE("web-listening", unix_socket_is_served_and_removed_at_the_end,
      stale_unix_socket_is_replaced_but_no_other_file, unix_socket_with_a_bad_path_is_refused,
      passed_sockets_are_served_if_they_are_meant_for_the_process,
      passed_descriptor_that_is_no_listening_socket_is_refused)
