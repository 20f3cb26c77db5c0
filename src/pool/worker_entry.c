/* SPDX-License-Identifier: MIT */
/* worker_entry.c - how a worker begins. It is a new process of the same program, so this
 * constructor of the library runs while its libraries are initialised. It must get no further than
 * main(), but as far as that: the calls that it is to make may rely on every constructor of the
 * libraries and of the program. So the worker puts itself in the place of the last of the program's
 * own constructors, calls that one, and stays.
 *
 * The environment variable that makes a process a worker is trusted only if descriptor 3 is a
 * socket whose other end was made by the parent: what a worker starts in its turn may inherit the
 * variable, and is an ordinary program. */
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

#include "pool/packet.h"

typedef void constructor(int argc, char **argv, char **envp);

const char async__worker_variable[] = "ASYNCIO_WORKER";

static void become_worker(int argc, char **argv, char **envp) __attribute__((constructor));

static struct worker_orders orders;
static constructor *last; /* of the program's constructors */

static void replace_last(int argc, char **argv, char **envp)
{
    last(argc, argv, envp);
    async__worker_main(&orders);
}

/* Two entries of the dynamic section of the program. */
struct init_array {
    uintptr_t base;
    const ElfW(Dyn) * array, *size;
};

static int read_dynamic_section(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct init_array *f = arg;
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
    return 1; /* the first file is the program, and no other one is of interest */
}

/* Put replace_last() in the place of the last constructor of the program. Returns false if the
 * program has no constructors of its own, if this one is the last of them, or if the file does not
 * tell where they are. */
static bool take_last_place(void)
{
    struct init_array f = { 0 };
    dl_iterate_phdr(read_dynamic_section, &f);
    if (!f.array || !f.size || f.size->d_un.d_val < sizeof last)
        return false;
    constructor **place = (constructor **)(f.base + f.array->d_un.d_ptr);
    place += f.size->d_un.d_val / sizeof *place - 1;
    if (*place == NULL || *place == (constructor *)become_worker)
        return false;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)place & ~(page - 1);
    /* Read-only by now, but aligned. */
    if (mprotect((void *)start, page, PROT_READ | PROT_WRITE) < 0)
        return false;
    last = *place;
    *place = replace_last;
    return true;
}

static bool has_socket_of(long parent)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(WORKER_SOCKET, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.pid == parent;
}

/* Remove the variables that made this process a worker, so that what it starts sees those of its
 * parent. */
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

static void become_worker(int argc, char **argv, char **envp)
{
    const char *text = secure_getenv(async__worker_variable);
    long parent;
    unsigned sandbox, ours;
    (void)argc;
    (void)argv;
    (void)envp;
    struct worker_orders *o = &orders;
    if (!text || sscanf(text, "%ld:%u:%u:%zu", &parent, &sandbox, &ours, &o->max_memory) != 4 ||
        !has_socket_of(parent))
        return;
    o->sandbox = sandbox;
    restore_environment(ours);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)parent) /* the parent has ended before that */
        _exit(0);
    if (!take_last_place())
        async__worker_main(o);
}
