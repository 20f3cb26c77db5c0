/* SPDX-License-Identifier: MIT */
/* co.h - coroutines: functions whose calls can be made later, as values.
 *
 *   ASYNC_DEF              define a coroutine
 *   ASYNC_DECLARE          declare a coroutine of the same file before it is defined
 *   ASYNC_CO               make a coroutine of a function that is declared elsewhere
 *   await_co               call a coroutine object
 *   async_call             make a coroutine object of a function pointer and an argument
 *   async_context_manager  what await_with (with.h) enters and leaves
 *
 * A coroutine named fetch consists of two functions. await_fetch(url) runs its body at once, like
 * any call. fetch(url) returns an async_co, an object that holds the call and its arguments; other
 * functions run it, as in await_gather(results, fetch(a), fetch(b)). The object is a plain value:
 * it may be copied and forgotten, and nothing needs to be freed. */
#ifndef ASYNCIO_CO_H
#define ASYNCIO_CO_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* How many bytes of arguments a coroutine object can hold. */
#define ASYNC_FRAME_MAX 64

/* A coroutine object: a call that has not been made. Its members are private. */
typedef struct async_co {
    int (*run)(void *frame);
    const char *name;
    ASYNC__ALIGN(16) unsigned char frame[ASYNC_FRAME_MAX];
} async_co;

/* Define a coroutine, with the body behind the macro, as `async def` does in Python.
 *
 *   ASYNC_DEF(fetch, (const char *)url, (int)tries)
 *   {
 *       ASYNC_TRY(await_sleep(0.1));
 *       return tries;
 *   }
 *
 * name       an identifier. It defines `static int await_name(parameters)` and
 *            `static async_co name(parameters)`, so it must be none that a header declares (read,
 *            send, connect) and none that the library uses behind await_ (sleep, gather, task).
 * ...        up to six parameters, each written as (type)name; arguments of ASYNC_FRAME_MAX bytes
 *            in total, aligned to at most 16 bytes. The type stands in front of the name, so an
 *            array or a function pointer needs a typedef.
 * Returns    the body returns 0 or more, or a negative errno value. The compiler warns about a
 *            result that is not used, and about an object that is made and forgotten. */
#if defined __cplusplus && defined __STRICT_ANSI__
#define ASYNC_DEF(...) static_assert(false, "ASYNC_DEF needs GNU C++: compile with -std=gnu++17")
#else
#define ASYNC_DEF(name, ...)                                                                       \
    ASYNC__ASSERT(ASYNC__PARENTHESES(__VA_ARGS__), #name ASYNC__HOW_TO_WRITE);                     \
    ASYNC__CAT(ASYNC__DEF_, ASYNC__PARENTHESES(__VA_ARGS__))(name, ##__VA_ARGS__)
#endif

/* Declare a coroutine of the same file before it is defined, for two that call each other.
 *
 *   ASYNC_DECLARE(answer, (int)n)
 *   ASYNC_DEF(ask, (int)n) { return n > 0 ? await_answer(n) : 0; }
 *   ASYNC_DEF(answer, (int)n) { return await_ask(n - 1); } */
#define ASYNC_DECLARE(name, ...)                                                                   \
    ASYNC_CHECK static int await_##name(ASYNC__PARAMS(__VA_ARGS__));                               \
    ASYNC_UNUSED ASYNC_CHECK ASYNC__IN_PLACE async_co name(ASYNC__PARAMS(__VA_ARGS__));

/* Define name(parameters), which makes a coroutine object, for a function await_name(parameters)
 * that is declared elsewhere. So coroutines can be shared between files:
 *
 *   int await_fetch(int id);         // in the header
 *   ASYNC_CO(fetch, (int)id)
 *
 *   int await_fetch(int id) { ... }  // in one file
 *
 * The compiler checks the parameters against the declaration. */
#define ASYNC_CO(name, ...) ASYNC__MAKE(name, #name, await_##name, ##__VA_ARGS__)

/* Call a coroutine object, here and now.
 *
 *   async_co job = fetch(url, 3);
 *   int r = await_co(job);
 *
 * Returns    what the coroutine returns; -ECANCELED, -EPERM.
 * Cancelled  as the coroutine; a caller that is cancelled already does not begin it.
 * Suspends   as the coroutine. */
int await_co(async_co co) ASYNC_CHECK;

/* Make a coroutine object of a function and an argument, without macros: for other languages, for
 * callbacks, and for lambdas of C++ that capture nothing.
 *
 * fn, arg    the coroutine calls fn(arg). arg must stay valid until then.
 * name       what it is called in messages (copied, and cut to what fits); NULL for "task".
 * Returns    the object.
 * Suspends   no. */
async_co async_call(int (*fn)(void *arg), void *arg, const char *name) ASYNC_CHECK;

/* A context manager: what await_with (with.h) runs when its block is entered, and when it is
 * left. */
typedef struct async_context_manager {
    async_co enter; /* if it fails, the block is skipped */
    async_co leave; /* runs however the block was left, in a shield */
} async_context_manager;
typedef async_context_manager async_hold; /* its name before 0.2 */

/* --- private: how the macros work --- */

#define ASYNC__DEF_1(name, ...)                                                                    \
    ASYNC_CHECK static int await_##name(ASYNC__PARAMS(__VA_ARGS__));                               \
    ASYNC__MAKE_1(name, #name, await_##name, ##__VA_ARGS__)                                        \
    static int await_##name(ASYNC__PARAMS(__VA_ARGS__))
#define ASYNC__DEF_0(name, ...)                                                                    \
    ASYNC__MAKE_0(name, #name, await_##name, ##__VA_ARGS__)                                        \
    ASYNC_UNUSED static int await_##name(__VA_ARGS__)

/* The function that makes an object is not inlined. As a call, it writes the object to where it is
 * needed. When gcc inlines it, it makes a copy, by wide loads that must wait for the narrow stores
 * before them, which was a third of the time to create a task. */
#define ASYNC__IN_PLACE static __attribute__((noinline))

/* The address of a coroutine object that is an argument. The conditional expression refuses
 * anything else, such as a function, or the result of an await_ call, which would be taken for the
 * object's first member. The compiler's message shows this line, so the name of the function, which
 * is never called, states what is expected. */
#define ASYNC__REF(co)                                                                             \
    ASYNC__ITEM(const async_co, (1 ? (co) : async_coroutine_object_expected_such_as_job_1_()))
async_co async_coroutine_object_expected_such_as_job_1_(void);

/* Define make(parameters), which copies the arguments into the object, and make_run_(), which calls
 * fn with them. */
#define ASYNC__MAKE(make, label, fn, ...)                                                          \
    ASYNC__ASSERT(ASYNC__PARENTHESES(__VA_ARGS__), label ASYNC__HOW_TO_WRITE);                     \
    ASYNC__CAT(ASYNC__MAKE_, ASYNC__PARENTHESES(__VA_ARGS__))(make, label, fn, ##__VA_ARGS__)

/* A parameter lacks its parentheses. The assertion has reported it; so that this is all, any call
 * of the function is accepted. */
#define ASYNC__MAKE_0(make, label, fn, ...) ASYNC_UNUSED static async_co make();

#define ASYNC__MAKE_1(make, label, fn, ...)                                                        \
    ASYNC__ASSERT(ASYNC__COUNT(__VA_ARGS__) <= 6,                                                  \
                  label ": at most six parameters; pass a pointer to a struct");                   \
    struct make##_frame_ { ASYNC__MAP(ASYNC__FIELD, ASYNC__NONE, ##__VA_ARGS__) };                 \
    ASYNC_UNUSED static int make##_run_(void *frame)                                               \
    {                                                                                              \
        struct make##_frame_ *async_f_ ASYNC_UNUSED = (struct make##_frame_ *)frame;               \
        return fn(ASYNC__MAP(ASYNC__STORED, ASYNC__COMMA, ##__VA_ARGS__));                         \
    }                                                                                              \
    ASYNC_UNUSED ASYNC_CHECK ASYNC__IN_PLACE async_co make(ASYNC__PARAMS(__VA_ARGS__))             \
    {                                                                                              \
        ASYNC__ASSERT(sizeof(struct make##_frame_) <= ASYNC_FRAME_MAX,                             \
                      label ": arguments too large to copy, pass a pointer");                      \
        ASYNC__ASSERT(ASYNC__ALIGNOF(struct make##_frame_) <= 16,                                  \
                      label ": an argument is aligned to more than 16 bytes, pass a pointer");     \
        struct make##_frame_ async_f_ = {                                                          \
            ASYNC__MAP(ASYNC__NAME, ASYNC__COMMA, ##__VA_ARGS__)                                   \
        };                                                                                         \
        async_co async_c_ = { make##_run_, label, { 0 } };                                         \
        memcpy(async_c_.frame, &async_f_, sizeof async_f_);                                        \
        return async_c_;                                                                           \
    }

ASYNC_END_DECLS

#endif
