/* SPDX-License-Identifier: MIT */
/* listen_unix.c - listening sockets that are files, or that a service manager has opened. */
#include "listen.h"

#include <asyncio/error.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Unix sockets --- */

/* Is there a socket at the address on which no process listens? */
static bool refuses_connections(const struct sockaddr_un *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refuses = connect(fd, (const struct sockaddr *)a, sizeof *a) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refuses;
}

/* A server that was killed leaves its socket behind, and could not be started again. Remove such a
 * socket, but never another kind of file. */
static bool remove_stale_socket(const struct sockaddr_un *a)
{
    struct stat st;
    return lstat(a->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) && refuses_connections(a) &&
           unlink(a->sun_path) == 0;
}

static int bind_path(int fd, const struct sockaddr_un *a)
{
    const struct sockaddr *any = (const struct sockaddr *)a;
    if (bind(fd, any, sizeof *a) == 0)
        return 0;
    int err = errno;
    if (err == EADDRINUSE && remove_stale_socket(a) && bind(fd, any, sizeof *a) == 0)
        return 0;
    return -err;
}

/* Remember which file the path is: when the server stops, the path may belong to its successor. */
static void remember_path(const char *path, struct web_sockets *ret)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return;
    strcpy(ret->path, path);
    ret->device = st.st_dev;
    ret->inode = st.st_ino;
}

int web_listen_unix(const char *path, int backlog, struct web_sockets *ret)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof a.sun_path)
        return async_fail(-EINVAL, "the path of a Unix socket is empty or too long: %s", path);
    memcpy(a.sun_path, path, size + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int r = bind_path(fd, &a);
    if (r == 0) {
        remember_path(path, ret);
        r = listen(fd, backlog) < 0 ? -errno : 0;
    }
    if (r == 0)
        return fd;
    close(fd);
    return async_fail(r, "cannot listen on %s", path);
}

/* --- socket activation --- */

enum { FIRST_PASSED = 3 }; /* SD_LISTEN_FDS_START */

/* Return the value of a variable of the environment that is a decimal number, or 0. */
static long variable_number(const char *name)
{
    const char *text = getenv(name);
    if (!text || !*text || strlen(text) > 9 || text[strspn(text, "0123456789")] != '\0')
        return 0;
    return atol(text);
}

static bool is_listening_stream(int fd)
{
    int type = 0, listens = 0;
    socklen_t size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens;
}

/* Returns a non-blocking duplicate, or a negative errno. The passed descriptor itself is closed by
 * exec() from now on, as the protocol demands. */
static int take_passed(int fd)
{
    if (!is_listening_stream(fd))
        return async_fail(-EINVAL, "descriptor %d of LISTEN_FDS is no listening socket", fd);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return -errno;
    fcntl(copy, F_SETFL, fcntl(copy, F_GETFL) | O_NONBLOCK);
    return copy;
}

int web_listen_activated(struct web_sockets *ret)
{
    long n = variable_number("LISTEN_FDS");
    if (n == 0 || variable_number("LISTEN_PID") != getpid())
        return 0;
    if (n > WEB_SOCKETS_MAX)
        return async_fail(-E2BIG, "LISTEN_FDS has %ld sockets, more than %d", n, WEB_SOCKETS_MAX);
    for (int i = 0; i < n; i++) {
        int fd = take_passed(FIRST_PASSED + i);
        if (fd < 0) {
            web_unlisten(ret);
            return fd;
        }
        ret->fds[ret->count++] = fd;
    }
    return (int)n;
}
