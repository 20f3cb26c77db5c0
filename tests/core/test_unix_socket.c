/* SPDX-License-Identifier: MIT */
/* Servers and connections by Unix sockets: the ownership of the path, and a backlog that is
 * full. */
#include "server.h"

#include <sys/stat.h>
#include <sys/un.h>

static char dir[] = "/tmp/asyncio-test-XXXXXX", path[64];

static void make_folder(void)
{
    expect_true(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/socket", dir);
}

static int remove_folder(void)
{
    return rmdir(dir) < 0 ? -errno : 0;
}

static struct sockaddr_un address_of(const char *file)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    snprintf(a.sun_path, sizeof a.sun_path, "%s", file);
    return a;
}

static int plain_bind(const char *file, int type)
{
    struct sockaddr_un a = address_of(file);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    expect_true(fd >= 0);
    expect_ok(bind(fd, (struct sockaddr *)&a, sizeof a));
    return fd;
}

static bool exists(const char *file)
{
    struct stat st;
    return lstat(file, &st) == 0;
}

/* --- the path --- */

LOOP_TEST(server_is_reached_by_path_and_removes_the_path_at_its_end)
{
    char named[80];
    make_folder();
    snprintf(named, sizeof named, "unix:%s", path);
    struct server v = { .handler = echo, .host = path };
    await_task_auto t = NULL;
    expect_ok(await_started(&v, &t));
    expect_ok(await_asks(path, 0, "by path"));
    expect_ok(await_asks(named, 0, "by name"));
    async_stream_auto s = NULL;
    char name[ASYNC_ADDRESS_MAX] = "";
    expect_ok(await_open_connection(path, NULL, &s));
    expect_int(async_stream_peername(s, name, sizeof name), (int)strlen(path));
    expect_text(name, path);
    expect_int(async_stream_sockname(s, name, sizeof name), 0);
    async_stream_drop(&s);
    await_task_drop(&t);
    expect_false(exists(path));
    expect_int(await_asks(path, 0, "gone"), -ENOENT);
    expect_contains(async_fail_text(-ENOENT), path);
    return remove_folder();
}

LOOP_TEST(path_with_a_slash_may_be_relative)
{
    make_folder();
    expect_ok(chdir(dir));
    struct server v = { .handler = echo, .host = "./socket" };
    await_task_auto t = NULL;
    expect_ok(await_started(&v, &t));
    expect_ok(await_asks("./socket", 0, "relative"));
    expect_ok(await_asks("unix:socket", 0, "relative"));
    await_task_drop(&t);
    expect_ok(chdir("/"));
    return remove_folder();
}

LOOP_TEST(socket_that_a_killed_server_has_left_is_removed)
{
    make_folder();
    expect_ok(close(plain_bind(path, SOCK_STREAM)));
    expect_true(exists(path));
    struct server v = { .handler = echo, .host = path };
    await_task_auto t = NULL;
    expect_ok(await_started(&v, &t));
    expect_ok(await_asks(path, 0, "again"));
    await_task_drop(&t);
    expect_false(exists(path));
    return remove_folder();
}

LOOP_TEST(socket_of_a_running_server_is_not_removed)
{
    make_folder();
    struct server first = { .handler = echo, .host = path }, second = first;
    await_task_auto t = NULL;
    expect_ok(await_started(&first, &t));
    expect_int(await_server(&second), -EADDRINUSE);
    expect_contains(async_fail_text(-EADDRINUSE), path);
    expect_ok(await_asks(path, 0, "still there"));
    await_task_drop(&t);
    return remove_folder();
}

LOOP_TEST(other_files_in_the_place_of_the_socket_are_not_removed)
{
    char other[80];
    make_folder();
    snprintf(other, sizeof other, "%s/other", dir);
    struct server v = { .handler = echo, .host = path };
    for (int kind = 0; kind < 5; kind++) {
        int fd = -1;
        if (kind == 0)
            expect_ok(mknod(path, S_IFREG | 0600, 0));
        else if (kind == 1)
            expect_ok(mkfifo(path, 0600));
        else if (kind == 2)
            expect_ok(mkdir(path, 0700));
        else if (kind == 3)
            fd = plain_bind(path, SOCK_DGRAM);
        else /* a link to a socket on which nothing listens */
            expect_ok(close(plain_bind(other, SOCK_STREAM)) + symlink("other", path));
        expect_int(await_server(&v), -EADDRINUSE);
        expect_true(exists(path));
        if (fd >= 0)
            expect_ok(close(fd));
        expect_ok(remove(path));
    }
    expect_ok(unlink(other));
    return remove_folder();
}

LOOP_TEST(path_that_belongs_to_a_successor_stays)
{
    make_folder();
    struct server v = { .handler = echo, .host = path };
    await_task_auto t = NULL;
    expect_ok(await_started(&v, &t));
    expect_ok(unlink(path));
    int successor = plain_bind(path, SOCK_STREAM);
    await_task_drop(&t);
    expect_true(exists(path));
    expect_ok(close(successor));
    expect_ok(unlink(path));
    return remove_folder();
}

LOOP_TEST(message_has_the_end_of_a_long_path)
{
    char longer[108];
    make_folder();
    snprintf(longer, sizeof longer, "%s/%060d/the-socket", dir, 0);
    struct server v = { .handler = echo, .host = longer };
    expect_int(await_server(&v), -ENOENT);
    expect_contains(async_fail_text(-ENOENT), "cannot listen on ...00000");
    expect_contains(async_fail_text(-ENOENT), "00000/the-socket");
    return remove_folder();
}

/* --- a backlog that is full --- */

/* A socket that listens, and connections that fill its backlog. */
static struct {
    int fd, connections[8], count;
} full;

static void fill_backlog(void)
{
    struct sockaddr_un a = address_of(path);
    full.count = 0;
    full.fd = plain_bind(path, SOCK_STREAM);
    expect_ok(listen(full.fd, 1));
    for (;;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
            expect_int(errno, EAGAIN);
            expect_ok(close(fd));
            return;
        }
        full.connections[full.count++] = fd;
    }
}

static void close_backlog(void)
{
    while (full.count > 0)
        expect_ok(close(full.connections[--full.count]));
    expect_ok(close(full.fd));
    expect_ok(unlink(path));
}

ASYNC_DEF(connects, (async_stream **)ret)
{
    return await_open_connection(path, NULL, ret);
}

LOOP_TEST(connection_waits_while_the_backlog_is_full)
{
    async_stream_auto s = NULL;
    make_folder();
    fill_backlog();
    await_task_auto t = async_create_task(connects(&s));
    expect_ok(await_sleep(10));
    expect_false(async_task_done(t));
    expect_ok(close(accept(full.fd, NULL, NULL)));
    expect_ok(await_task(t));
    expect_true(async_time() < 10.2); /* of virtual time */
    async_stream_drop(&s);
    close_backlog();
    return remove_folder();
}

LOOP_TEST(connection_that_is_cancelled_while_the_backlog_is_full_leaves_nothing)
{
    async_stream *s = NULL;
    make_folder();
    fill_backlog();
    int next = dup(0);
    expect_ok(close(next));
    expect_int(await_wait_for(connects(&s), 3), -ETIMEDOUT);
    expect_true(!s);
    expect_int(dup(0), next);
    expect_ok(close(next));
    close_backlog();
    return remove_folder();
}

SUITE("unix_socket", server_is_reached_by_path_and_removes_the_path_at_its_end,
      path_with_a_slash_may_be_relative, socket_that_a_killed_server_has_left_is_removed,
      socket_of_a_running_server_is_not_removed,
      other_files_in_the_place_of_the_socket_are_not_removed,
      path_that_belongs_to_a_successor_stays, message_has_the_end_of_a_long_path,
      connection_waits_while_the_backlog_is_full,
      connection_that_is_cancelled_while_the_backlog_is_full_leaves_nothing)
