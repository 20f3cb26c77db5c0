/* SPDX-License-Identifier: MIT */
/* worker_start.c - start a worker: the program itself, executed anew. A fork would be cheaper, but
 * the child of a process with threads may do next to nothing, because any lock may be held by a
 * thread that does not exist in it. A copy that was forked before there were threads has what the
 * program has given up since: privileges, directories, secrets. */
#include "pool/worker_start.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "arch/sanitize.h"
#include "base/alloc.h"
#include "base/sys.h"
#include "pool/elf_file.h"
#include "pool/packet.h"

enum { ORDER_MAX = 128 };

/* The environment of a worker: ours and two variables. The library is preloaded, because a program
 * that has opened it at run time (a plugin's, another language's) would otherwise begin as
 * itself. */
struct environment {
    char **all;
    char *preload;
    char order[ORDER_MAX];
};

static bool is_variable(const char *entry, const char *name)
{
    size_t size = strlen(name);
    return !strncmp(entry, name, size) && entry[size] == '=';
}

/* The path of this library if it must be preloaded to be in the worker; "" if not: it is part of
 * the program, or was loaded with it, and then it comes before libc in the list. If it comes after,
 * it may still be loaded without help, because another library needs it; preloading it then does no
 * harm. */
static const char *library_path(void)
{
    Dl_info info;
    struct link_map *map;
    if (async__elf_file_is_before(async__worker_variable,
                                  (const void *)(uintptr_t)gnu_get_libc_version) ||
        !dladdr1(async__worker_variable, &info, (void **)&map, RTLD_DL_LINKMAP) || !map->l_name)
        return "";
    return map->l_name;
}

static void free_environment(struct environment *e)
{
    async__free(e->all);
    async__free(e->preload);
}

static int make_preload(struct environment *e, unsigned *ret_ours)
{
    static const char name[] = "LD_PRELOAD";
    const char *library = library_path(), *before = getenv(name);
    *ret_ours = 0;
    if (!library[0])
        return 0;
    size_t size = sizeof name + strlen(library) + 2 + (before ? strlen(before) : 0);
    e->preload = async__malloc(size);
    if (!e->preload)
        return -ENOMEM;
    snprintf(e->preload, size, "%s=%s%s%s", name, library, before ? ":" : "", before ? before : "");
    *ret_ours = (unsigned)(strlen(library) + (before ? 1 : 0));
    return 0;
}

static int make_environment(struct environment *e, const struct worker_orders *o)
{
    unsigned ours;
    size_t n = 0, used = 0;
    *e = (struct environment){ 0 };
    int r = make_preload(e, &ours);
    if (r < 0)
        return r;
    while (environ[n])
        n++;
    e->all = async__malloc((n + 3) * sizeof *e->all);
    if (!e->all) {
        free_environment(e);
        return -ENOMEM;
    }
    snprintf(e->order, sizeof e->order, "%s=%ld:%u:%u:%zu", async__worker_variable, (long)getpid(),
             o->sandbox, ours, o->max_memory);
    for (size_t i = 0; i < n; i++)
        if (!is_variable(environ[i], async__worker_variable) &&
            !(e->preload && is_variable(environ[i], "LD_PRELOAD")))
            e->all[used++] = environ[i];
    e->all[used++] = e->order;
    if (e->preload)
        e->all[used++] = e->preload;
    e->all[used] = NULL;
    return 0;
}

/* The file of this program. Under valgrind the link leads to valgrind itself, but reading it gives
 * the right path. */
static const char *program_path(char *buf, size_t size)
{
    static const char link[] = "/proc/self/exe";
#if defined(HAVE_VALGRIND) && !SANITIZED
    ssize_t n = RUNNING_ON_VALGRIND ? readlink(link, buf, size - 1) : 0;
    if (n > 0) {
        buf[n] = '\0';
        return buf;
    }
#endif
    (void)buf;
    (void)size;
    return link;
}

/* What a worker gets in the place of stdout or stderr. One that is closed, or not to be inherited,
 * may be a descriptor of ours. */
static int inherited(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return flags >= 0 && !(flags & FD_CLOEXEC) ? fd : CHILD_DEV_NULL;
}

/* Start the program as a worker, with that end of its socket. It gets no descriptors of ours but
 * stdout and stderr, and in a sandbox not these. It has a session of its own, so that Ctrl-C is for
 * the program alone. */
static int execute_worker(struct child *c, int socket, const struct worker_orders *o,
                          char *const *environment)
{
    char path[ELF_PATH_MAX], *argv[] = { program_invocation_name, NULL };
    const struct child_fd fds[] = { { CHILD_DEV_NULL, 0 },
                                    { o->sandbox ? CHILD_DEV_NULL : inherited(1), 1 },
                                    { o->sandbox ? CHILD_DEV_NULL : inherited(2), 2 },
                                    { socket, WORKER_SOCKET } };
    struct child_opts opts = { .path = program_path(path, sizeof path),
                               .argv = argv,
                               .envp = environment,
                               .fds = fds,
                               .fd_count = sizeof fds / sizeof *fds,
                               .group = CHILD_OWN_SESSION,
                               .kill_group = true };
    return async__child_start(c, &opts);
}

int async__worker_start(struct child *c, const struct worker_orders *o, int ret_ends[2])
{
    struct environment e;
    /* A new process would not trust its environment, and would be right. */
    if (getauxval(AT_SECURE))
        return -EPERM;
    if (async__sys.socketpair(ret_ends) < 0)
        return -errno;
    int r = make_environment(&e, o);
    if (r == 0) {
        r = execute_worker(c, ret_ends[1], o, e.all);
        free_environment(&e);
    }
    if (r < 0) {
        async__sys.close(ret_ends[0]);
        async__sys.close(ret_ends[1]);
    }
    return r;
}
