/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_CO_H
#define ASYNCIO_CO_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

#define ASYNC_FRAME_MAX 64

/* A coroutine object: a call that has not been made. A value; copy it, drop it, nothing to free. */
typedef struct async_co {
    int (*run)(void *frame);
    const char *name;
    ASYNC__ALIGN(16) unsigned char frame[ASYNC_FRAME_MAX];
} async_co;

/* ASYNC_DEF(name, (type)param, ...) { body }    `async def name(param, ...)`; up to six parameters
 *   static int      await_name(params)          runs the body here, now
 *   static async_co name(params)                makes the object; forgetting it is a warning
 *
 * A type must stand before its name: a function pointer or an array needs a typedef.
 * Both names are ordinary identifiers: a coroutine cannot be called what a header that you include declares already
 * (read, send, connect, ...), nor what the library's calls are called behind await_ (sleep, gather, task, ...). */
#if defined __cplusplus && defined __STRICT_ANSI__
#define ASYNC_DEF(...) static_assert(false, "ASYNC_DEF needs GNU C++: compile with -std=gnu++17")
#else
#define ASYNC_DEF(name, ...)                                                                       \
    ASYNC__ASSERT(ASYNC__PARENTHESES(__VA_ARGS__), #name ASYNC__HOW_TO_WRITE);                     \
    ASYNC__CAT(ASYNC__DEF_, ASYNC__PARENTHESES(__VA_ARGS__))(name, ##__VA_ARGS__)
#endif
#define ASYNC__DEF_1(name, ...)                                                                    \
    ASYNC_CHECK static int await_##name(ASYNC__PARAMS(__VA_ARGS__));                               \
    ASYNC__MAKE_1(name, #name, await_##name, ##__VA_ARGS__)                                        \
    static int await_##name(ASYNC__PARAMS(__VA_ARGS__))
#define ASYNC__DEF_0(name, ...)                                                                    \
    ASYNC__MAKE_0(name, #name, await_##name, ##__VA_ARGS__)                                        \
    ASYNC_UNUSED static int await_##name(__VA_ARGS__)

/* Declare a coroutine of this file before it is defined, for two that call each other:
 *
 *   ASYNC_DECLARE(answer, (int)n)
 *   ASYNC_DEF(ask, (int)n) { return n > 0 ? await_answer(n) : 0; }
 *   ASYNC_DEF(answer, (int)n) { return await_ask(n - 1); } */
#define ASYNC_DECLARE(name, ...)                                                                   \
    ASYNC_CHECK static int await_##name(ASYNC__PARAMS(__VA_ARGS__));                               \
    ASYNC_UNUSED ASYNC_CHECK ASYNC__IN_PLACE async_co name(ASYNC__PARAMS(__VA_ARGS__));

/* name(params) for an await_name(params) that is declared elsewhere; checked against its prototype. So are coroutines
 * shared between files: in the header
 *     int await_fetch(int id);
 *     ASYNC_CO(fetch, (int)id)
 * and in one file: int await_fetch(int id) { body }. */
#define ASYNC_CO(name, ...) ASYNC__MAKE(name, #name, await_##name, ##__VA_ARGS__)

/* Make the call that co is, here and now: `await co`. Returns what it returns. */
int await_co(async_co co) ASYNC_CHECK;

/* The object without macros: for other languages, for callbacks. */
async_co async_call(int (*fn)(void *arg), void *arg, const char *name) ASYNC_CHECK;

/* A context manager for await_with: what runs when the block is entered, and when it is left. */
typedef struct async_context_manager {
    async_co enter, leave;
} async_context_manager;
typedef async_context_manager async_hold; /* its name before 0.2 */

/* How it works: a parameter is written (type)name; one macro takes the parentheses off, another eats
 * what is in them. make(params) copies the arguments into a frame, make_run_() calls fn with them. */
#define ASYNC__UNPAREN(...) __VA_ARGS__
#define ASYNC__EAT(...)
#define ASYNC__PARAM(p)  ASYNC__UNPAREN p
#define ASYNC__NAME(p)   ASYNC__EAT p
#define ASYNC__FIELD(p)  ASYNC__UNPAREN p;
#define ASYNC__STORED(p) async_f_->ASYNC__NAME(p)
#define ASYNC__MORE(p)   , ASYNC__PARAM(p)
#define ASYNC__GIVE(p)   , ASYNC__NAME(p)
#define ASYNC__COMMA()   ,
#define ASYNC__NONE()

/* 1 if each argument begins with parentheses, otherwise 0: ASYNC__PROBE disappears only before them. */
#define ASYNC__PARENTHESES(...)                                                                    \
    ASYNC__CAT(ASYNC__ALL_, ASYNC__COUNT(__VA_ARGS__))(__VA_ARGS__)
#define ASYNC__PROBE(...)              0, 1,
#define ASYNC__SECOND(...)             ASYNC__SECOND_(__VA_ARGS__)
#define ASYNC__SECOND_(a, b, ...)      b
#define ASYNC__ONE(a)                  ASYNC__SECOND(ASYNC__PROBE a, 0, 0)
#define ASYNC__AND(a, b)               ASYNC__CAT(ASYNC__AND_, ASYNC__CAT(a, b))
#define ASYNC__AND_00                  0
#define ASYNC__AND_01                  0
#define ASYNC__AND_10                  0
#define ASYNC__AND_11                  1
#define ASYNC__ALL_0(...)              1
#define ASYNC__ALL_1(a)                ASYNC__ONE(a)
#define ASYNC__ALL_2(a, b)             ASYNC__AND(ASYNC__ONE(a), ASYNC__ONE(b))
#define ASYNC__ALL_3(a, b, c)          ASYNC__AND(ASYNC__ALL_2(a, b), ASYNC__ONE(c))
#define ASYNC__ALL_4(a, b, c, d)       ASYNC__AND(ASYNC__ALL_2(a, b), ASYNC__ALL_2(c, d))
#define ASYNC__ALL_5(a, b, c, d, e)    ASYNC__AND(ASYNC__ALL_3(a, b, c), ASYNC__ALL_2(d, e))
#define ASYNC__ALL_6(a, b, c, d, e, f) ASYNC__AND(ASYNC__ALL_3(a, b, c), ASYNC__ALL_3(d, e, f))
#define ASYNC__ALL_7(...)              1 /* too many, which is refused elsewhere */
#define ASYNC__ALL_8(...)              1
#define ASYNC__ALL_9(...)              1

#define ASYNC__CAT(a, b)  ASYNC__CAT_(a, b)
#define ASYNC__CAT_(a, b) a##b
#define ASYNC__COUNT(...) ASYNC__COUNT_(0, ##__VA_ARGS__, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define ASYNC__COUNT_(z, a, b, c, d, e, f, g, h, i, n, ...) n
#define ASYNC__MAP(m, s, ...) ASYNC__CAT(ASYNC__MAP_, ASYNC__COUNT(__VA_ARGS__))(m, s, ##__VA_ARGS__)
#define ASYNC__MAP_0(m, s, ...)
#define ASYNC__MAP_1(m, s, a)                m(a)
#define ASYNC__MAP_2(m, s, a, b)             m(a) s() m(b)
#define ASYNC__MAP_3(m, s, a, b, c)          m(a) s() m(b) s() m(c)
#define ASYNC__MAP_4(m, s, a, b, c, d)       m(a) s() m(b) s() m(c) s() m(d)
#define ASYNC__MAP_5(m, s, a, b, c, d, e)    m(a) s() m(b) s() m(c) s() m(d) s() m(e)
#define ASYNC__MAP_6(m, s, a, b, c, d, e, f) m(a) s() m(b) s() m(c) s() m(d) s() m(e) s() m(f)
/* Seven to nine only so that a sentence can refuse them. */
#define ASYNC__MAP_7(m, s, a, ...) m(a) s() ASYNC__MAP_6(m, s, __VA_ARGS__)
#define ASYNC__MAP_8(m, s, a, ...) m(a) s() ASYNC__MAP_7(m, s, __VA_ARGS__)
#define ASYNC__MAP_9(m, s, a, ...) m(a) s() ASYNC__MAP_8(m, s, __VA_ARGS__)
#define ASYNC__VOID_0 void
#define ASYNC__VOID_1
#define ASYNC__VOID_2
#define ASYNC__VOID_3
#define ASYNC__VOID_4
#define ASYNC__VOID_5
#define ASYNC__VOID_6
#define ASYNC__VOID_7
#define ASYNC__VOID_8
#define ASYNC__VOID_9
#define ASYNC__PARAMS(...)                                                  \
    ASYNC__CAT(ASYNC__VOID_, ASYNC__COUNT(__VA_ARGS__))                     \
    ASYNC__MAP(ASYNC__PARAM, ASYNC__COMMA, ##__VA_ARGS__)

/* Not inlined: as a call, it writes the object where it is wanted; inlined, gcc makes a copy, in wide moves that wait
 * for the narrow ones before them. A third of the price of a task. */
#define ASYNC__IN_PLACE static __attribute__((noinline))

/* A coroutine object as an argument: its address. The conditional expression makes anything else an error, such as the result of
 * an await_ call: without it, a braced initialiser would take a number for the first member. */
#define ASYNC__REF(co) ASYNC__ITEM(const async_co, (1 ? (co) : async_co_none_()))
async_co async_co_none_(void);

#define ASYNC__MAKE(make, label, fn, ...)                                                          \
    ASYNC__ASSERT(ASYNC__PARENTHESES(__VA_ARGS__), label ASYNC__HOW_TO_WRITE);                     \
    ASYNC__CAT(ASYNC__MAKE_, ASYNC__PARENTHESES(__VA_ARGS__))(make, label, fn, ##__VA_ARGS__)

/* After the error that a parameter lacks the parentheses around its type, these avoid others: the
 * function is declared without a prototype, so that any call of it is accepted. */
#define ASYNC__HOW_TO_WRITE                 ": write each parameter as (type)name, for example (int)id"
#define ASYNC__MAKE_0(make, label, fn, ...) ASYNC_UNUSED static async_co make();

#define ASYNC__MAKE_1(make, label, fn, ...)                                                        \
    ASYNC__ASSERT(ASYNC__COUNT(__VA_ARGS__) <= 6,                           \
                  label ": at most six parameters; pass a pointer to a struct"); \
    struct make##_frame_ { ASYNC__MAP(ASYNC__FIELD, ASYNC__NONE, ##__VA_ARGS__) }; \
    ASYNC_UNUSED static int make##_run_(void *frame)                        \
    {                                                                       \
        struct make##_frame_ *async_f_ ASYNC_UNUSED = (struct make##_frame_ *)frame; \
        return fn(ASYNC__MAP(ASYNC__STORED, ASYNC__COMMA, ##__VA_ARGS__));  \
    }                                                                       \
    ASYNC_UNUSED ASYNC_CHECK ASYNC__IN_PLACE async_co make(ASYNC__PARAMS(__VA_ARGS__)) \
    {                                                                       \
        ASYNC__ASSERT(sizeof(struct make##_frame_) <= ASYNC_FRAME_MAX,      \
                      label ": arguments too large to copy, pass a pointer"); \
        ASYNC__ASSERT(ASYNC__ALIGNOF(struct make##_frame_) <= 16,                 \
                      label ": an argument is aligned to more than 16 bytes, pass a pointer"); \
        struct make##_frame_ async_f_ = {                                   \
            ASYNC__MAP(ASYNC__NAME, ASYNC__COMMA, ##__VA_ARGS__)            \
        };                                                                  \
        async_co async_c_ = { make##_run_, label, { 0 } };                  \
        memcpy(async_c_.frame, &async_f_, sizeof async_f_);                 \
        return async_c_;                                                    \
    }

ASYNC_END_DECLS

#endif
