/* SPDX-License-Identifier: MIT */
/* spawn.c - a worker is the program itself, executed anew. A fork would be cheaper, but the child of a process with
 * threads may do next to nothing: any lock may be held by a thread that is not there. A copy that was made before there
 * are threads has what the program has given up since: privileges, directories, secrets. */
#include "pool/spawn.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/sanitize.h"
#include "base/alloc.h"
#include "base/sys.h"
#include "pool/module.h"

enum { LINE = 128 };

/* A worker's environment: ours and two variables. The library is preloaded, since a program that has opened it at run
 * time (a plugin's, another language's) would otherwise begin as itself. */
struct environment {
    char **all;
    char *preload;
    char order[LINE];
};

static bool is_variable(const char *entry, const char *name)
{
    size_t size = strlen(name);
    return !strncmp(entry, name, size) && entry[size] == '=';
}

/* What must be preloaded for this library to be in the worker: its path. "": nothing. It is part of the program, or was
 * loaded with it: then it stands before libc in the list. If it stands behind, it may still be there by itself, since
 * another library wants it; to be preloaded then does no harm. */
static const char *library_path(void)
{
    Dl_info info;
    struct link_map *map;
    if (async__module_is_before(async__worker_variable, (const void *)(uintptr_t)gnu_get_libc_version) ||
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
    snprintf(e->order, sizeof e->order, "%s=%ld:%u:%u:%zu:%u", async__worker_variable,
             (long)getpid(), o->sandbox, ours, o->memory, o->cpu);
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

/* Under valgrind the link leads to valgrind; the text of it is put right. */
static const char *program_path(char *room, size_t size)
{
    static const char link[] = "/proc/self/exe";
#if defined(HAVE_VALGRIND) && !SANITIZED
    ssize_t n = RUNNING_ON_VALGRIND ? readlink(link, room, size - 1) : 0;
    if (n > 0) {
        room[n] = '\0';
        return room;
    }
#endif
    (void)room;
    (void)size;
    return link;
}

/* Nothing of ours but stdout and stderr, and in a sandbox not these. Both lie beyond the places that they
are for, so that neither takes the other's. */
static int give_descriptors(posix_spawn_file_actions_t *a, int wire, int board, bool sandbox)
{
    int r = posix_spawn_file_actions_addopen(a, 0, "/dev/null", O_RDWR, 0);
    for (int fd = 1; fd < 3 && sandbox && r == 0; fd++)
        r = posix_spawn_file_actions_addopen(a, fd, "/dev/null", O_RDWR, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(a, wire, WORKER_SOCKET);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(a, board, WORKER_BOARD);
    return r ? r : posix_spawn_file_actions_addclosefrom_np(a, WORKER_FDS);
}

/* Signals as at a program's start, and a session of its own: Ctrl-C is for the program. */
static int give_signals(posix_spawnattr_t *at)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(at, &none);
    posix_spawnattr_setsigdefault(at, &all);
    return posix_spawnattr_setflags(at, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                POSIX_SPAWN_SETSID);
}

static int execute(struct process *p, int wire, int board, const struct worker_orders *o,
                   struct environment *e)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char path[FUNCTION_SIZE], *argv[] = { program_invocation_name, NULL };
    int err = posix_spawn_file_actions_init(&actions);
    if (err)
        return -err;
    posix_spawnattr_init(&attributes);
    err = give_signals(&attributes);
    if (!err)
        err = give_descriptors(&actions, wire, board, o->sandbox);
    if (!err)
        err = async__sys.spawn(&p->pid, program_path(path, sizeof path), &actions, &attributes,
                               argv, e->all);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -err;
}

/* A copy of fd beyond the worker's places, which then is closed. */
static int out_of_the_way(int fd)
{
    if (fd < 0 || fd >= WORKER_FDS)
        return fd;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, WORKER_FDS), err = errno;
    async__sys.close(fd);
    errno = err;
    return copy;
}

static int start(struct process *p, int wire, int board, const struct worker_orders *o)
{
    struct environment e;
    p->board = async__sys.map_shared(board, sizeof *p->board);
    if (!p->board)
        return -ENOMEM;
    int r = make_environment(&e, o);
    if (r == 0) {
        r = execute(p, wire, board, o, &e);
        free_environment(&e);
    }
    if (r < 0)
        async__sys.unmap(p->board, sizeof *p->board);
    return r;
}

/* The process cannot be another one yet: nobody has waited for it. Valgrind does not know the call, and says so. */
static int open_pidfd(pid_t pid)
{
#if defined(HAVE_VALGRIND) && !SANITIZED
    if (RUNNING_ON_VALGRIND)
        return -1;
#endif
    return async__sys.pidfd(pid);
}

int async__process_start(struct process *p, const struct worker_orders *o)
{
    int ends[2];
    if (getauxval(AT_SECURE)) /* a new process would not believe its environment, and be right */
        return -EPERM;
    if (async__sys.socketpair(ends) < 0)
        return -errno;
    int board = async__sys.memfd(sizeof *p->board);
    board = out_of_the_way(board);
    int r = board < 0 ? -errno : 0;
    ends[1] = out_of_the_way(ends[1]);
    if (r == 0 && ends[1] < 0)
        r = -errno;
    if (r == 0)
        r = start(p, ends[1], board, o);
    if (board >= 0)
        async__sys.close(board);
    if (ends[1] >= 0)
        async__sys.close(ends[1]);
    p->wire = ends[0];
    if (r < 0)
        async__sys.close(ends[0]);
    else
        p->pidfd = open_pidfd(p->pid);
    return r;
}

/* Nobody has waited for it: else its number may be somebody else's by now. */
static bool is_ours(const struct process *p)
{
    siginfo_t info;
    idtype_t what = p->pidfd < 0 ? P_PID : P_PIDFD;
    int number = p->pidfd < 0 ? p->pid : p->pidfd;
    return waitid(what, (id_t)number, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

void async__process_kill(const struct process *p)
{
    if (!is_ours(p))
        return;
    async__sys.kill(-p->pid, SIGKILL);
    async__sys.kill(p->pid, SIGKILL);
}

struct ending async__process_bury(struct process *p)
{
    int status = 0, r = -1;
    bool ours = is_ours(p);
    if (ours)
        async__sys.kill(-p->pid, SIGKILL); /* before: the number is its own as long as nobody has waited */
    while (ours && (r = async__sys.waitpid(p->pid, &status, 0)) < 0 && errno == EINTR)
        ;
    async__sys.unmap(p->board, sizeof *p->board);
    async__sys.close(p->wire);
    if (p->pidfd >= 0)
        async__sys.close(p->pidfd);
    if (r < 0)
        return (struct ending){ END_UNKNOWN, 0 };
    return WIFEXITED(status) ? (struct ending){ END_EXIT, WEXITSTATUS(status) }
                             : (struct ending){ END_SIGNAL, WTERMSIG(status) };
}
