/* SPDX-License-Identifier: MIT */
/* sanitize.h - report changes of the stack to AddressSanitizer, ThreadSanitizer and valgrind, which
 * otherwise take them for errors. In a build without these tools the functions do nothing. */
#ifndef ARCH_SANITIZE_H
#define ARCH_SANITIZE_H

#include <stddef.h>

#include "base/compiler.h"

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if defined(HAVE_VALGRIND) && !defined(WITH_ASAN) && !defined(WITH_TSAN)
#include <valgrind/valgrind.h>
#endif

/* The data that sanitizers keep about a stack. */
struct sanitizer_stack {
#ifdef WITH_ASAN
    const void *bottom;
    size_t size;
    void *fake; /* while the stack is suspended: where ASan keeps its checked local variables */
#endif
#ifdef WITH_TSAN
    void *fiber;
#endif
    char unused; /* C has no empty structs */
};

/* Like sanitizer_switch_end(), for the first task that runs on a thread. ASan reports where the
 * switch came from, which is how the bounds of the thread's own stack become known. */
static inline void sanitizer_switch_end_first(struct sanitizer_stack *here,
                                              struct sanitizer_stack *thread)
{
#ifdef WITH_ASAN
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(here->fake, &bottom, &size);
    here->fake = NULL;
    if (!thread->bottom) {
        thread->bottom = bottom;
        thread->size = size;
    }
#endif
    (void)here;
    (void)thread;
}

/* A slot for stacks was created, or is about to be unmapped. The id that valgrind returns for a
 * stack is not kept, because valgrind finds a stack by its range of addresses. */
static inline void sanitizer_stack_created(char *bottom, size_t size)
{
#if defined(HAVE_VALGRIND) && !defined(WITH_ASAN) && !defined(WITH_TSAN)
    (void)VALGRIND_STACK_REGISTER(bottom, bottom + size);
#endif
    (void)bottom;
    (void)size;
}

static inline void sanitizer_stack_released(char *bottom, size_t size)
{
#ifdef WITH_ASAN
    __asan_unpoison_memory_region(bottom, size);
#endif
    (void)bottom;
    (void)size;
}

/* The memory at p is kept until the process ends, so nothing that it points to is a leak. The leak
 * checker does not search memory that comes from mmap(), unless it is registered here. */
static inline void sanitizer_keep(const void *p, size_t size)
{
#ifdef WITH_ASAN
    __lsan_register_root_region(p, size);
#endif
    (void)p;
    (void)size;
}

/* A stack is about to be used by another task. */
static inline void sanitizer_stack_init(struct sanitizer_stack *n, char *bottom, size_t size)
{
#ifdef WITH_ASAN
    n->bottom = bottom;
    n->size = size;
    n->fake = NULL;
    __asan_unpoison_memory_region(bottom, (size_t)((char *)n - bottom));
#endif
#ifdef WITH_TSAN
    /* The fiber is kept with the stack, because TSan misses races if fibers are recycled. */
    if (!n->fiber)
        n->fiber = __tsan_create_fiber(0);
#endif
    (void)n;
    (void)bottom;
    (void)size;
}

/* The thread's own stack, on which the loop runs. */
static inline void sanitizer_thread_init(struct sanitizer_stack *n)
{
#ifdef WITH_ASAN
    n->fake = NULL;
#endif
#ifdef WITH_TSAN
    n->fiber = __tsan_get_current_fiber();
#endif
    (void)n;
}

/* Call these around each switch: begin before it, on the old stack; end after it, on the new one.
 * gone is true if nothing will switch back to the old stack. */
static inline void sanitizer_switch_begin(struct sanitizer_stack *from, struct sanitizer_stack *to,
                                          int gone)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(gone ? NULL : &from->fake, to->bottom, to->size);
#endif
#ifdef WITH_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    (void)from;
    (void)to;
    (void)gone;
}

static inline void sanitizer_switch_end(struct sanitizer_stack *here)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(here->fake, NULL, NULL);
    here->fake = NULL;
#endif
    (void)here;
}

#endif
