/* SPDX-License-Identifier: MIT */
/* module.h - state that a higher layer keeps for each loop.
 *
 * A layer embeds struct loop_module as the first member of its own state, which it allocates when
 * it first needs it, and puts it into loop.module. The loop uses nothing of it but these two
 * operations. */
#ifndef LOOP_MODULE_H
#define LOOP_MODULE_H

struct loop;

/* Modules are closed in this order. Pools come first, because closing them runs release functions,
 * which may use what the other modules provide. */
enum loop_module_id {
    MODULE_POOLS,   /* pool/ */
    MODULE_FILES,   /* file/ */
    MODULE_STREAMS, /* testing/: streams in memory */
    MODULE_DEBUG,   /* observe/ */
    LOOP_MODULES
};

struct loop_module {
    /* Release the module's state. No task of l runs any more; some may still exist if l was
     * abandoned. */
    void (*close)(struct loop_module *m, struct loop *l);

    /* Warn about what the module still owns for l, which is about to close. NULL: there is nothing
     * to check. */
    void (*leak_check)(const struct loop_module *m, const struct loop *l);
};

#endif
