/* SPDX-License-Identifier: MIT */
/* entry.c - how a worker begins. It is a new process of the same program, so it comes by here while its libraries are
 * initialised. It must get no further than main(), but as far as that: the calls that it is to make may rely on every
 * constructor, of libraries and of the program. So it takes the place of the last of the program's own constructors,
 * calls that one, and stays.
 *
 * The variable that tells it is believed only if descriptor 3 is a socket whose other end was made by our parent: what
 * a worker starts in its turn may inherit the variable, and is an ordinary program. */
#include "pool/worker.h"

#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

typedef void constructor(int argc, char **argv, char **envp);

const char async__worker_variable[] = "ASYNCIO_WORKER";

static void begin(int argc, char **argv, char **envp) __attribute__((constructor));

static struct worker_orders orders;
static constructor *last;

static void instead_of_last(int argc, char **argv, char **envp)
{
    last(argc, argv, envp);
    async__worker_serve(&orders);
}

/* What is in the dynamic section of the program under two tags. */
struct found {
    uintptr_t base;
    const ElfW(Dyn) * array, *size;
};

static int look_at_program(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct found *f = arg;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        const ElfW(Dyn) *d = (const void *)(info->dlpi_addr + p->p_vaddr);
        for (; p->p_type == PT_DYNAMIC && d->d_tag != DT_NULL; d++) {
            f->array = d->d_tag == DT_INIT_ARRAY ? d : f->array;
            f->size = d->d_tag == DT_INIT_ARRAYSZ ? d : f->size;
        }
    }
    f->base = info->dlpi_addr;
    return 1; /* the first is the program */
}

/* false: it has no constructors of its own, or this one is the last of them, or it does not say where they are. */
static bool take_the_last_place(void)
{
    struct found f = { 0 };
    dl_iterate_phdr(look_at_program, &f);
    if (!f.array || !f.size || f.size->d_un.d_val < sizeof last)
        return false;
    constructor **place = (constructor **)(f.base + f.array->d_un.d_ptr);
    place += f.size->d_un.d_val / sizeof *place - 1;
    if (*place == NULL || *place == (constructor *)begin)
        return false;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)place & ~(page - 1);
    if (mprotect((void *)start, page, PROT_READ | PROT_WRITE) < 0) /* it is read-only by now, and aligned */
        return false;
    last = *place;
    *place = instead_of_last;
    return true;
}

static bool was_sent(long parent)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(WORKER_SOCKET, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == parent;
}

/* Without the variables that made this process a worker: what it starts should see those that its parent has. */
static void restore_environment(unsigned ours)
{
    const char *preload = getenv("LD_PRELOAD");
    unsetenv(async__worker_variable);
    if (!preload || !ours || strlen(preload) < ours)
        return;
    if (preload[ours])
        setenv("LD_PRELOAD", preload + ours, 1);
    else
        unsetenv("LD_PRELOAD");
}

static void begin(int argc, char **argv, char **envp)
{
    const char *text = secure_getenv(async__worker_variable);
    long parent;
    unsigned sandbox, ours;
    (void)argc;
    (void)argv;
    (void)envp;
    struct worker_orders *o = &orders;
    if (!text || sscanf(text, "%ld:%u:%u:%zu:%u", &parent, &sandbox, &ours, &o->memory, &o->cpu) != 5 ||
        !was_sent(parent))
        return;
    o->sandbox = sandbox;
    restore_environment(ours);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)parent) /* it died before that */
        _exit(0);
    if (!take_the_last_place())
        async__worker_serve(o);
}
