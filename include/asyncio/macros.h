/* SPDX-License-Identifier: MIT */
/* macros.h - the preprocessor tools of the other headers. Nothing here is for users.
 *
 * Three groups: what C and C++ write differently, counting and mapping the arguments of a macro,
 * and coroutine parameters, which are written as (type)name. */
#ifndef ASYNCIO_MACROS_H
#define ASYNCIO_MACROS_H

#include <asyncio/cxx.h>

/* --- what C and C++ write differently; cxx.h has the C++ side of the first group --- */

#ifndef __cplusplus
#define ASYNC__VALUE(x)       x                           /* the value of a macro */
#define ASYNC__INIT(...)      { __VA_ARGS__ }             /* an initialiser */
#define ASYNC__OPTS(T, ...)   &(const T){ __VA_ARGS__ }   /* options, for one call */
#define ASYNC__ITEM(T, ...)   ((T[1]){ __VA_ARGS__ })     /* the address of a value, for one call */
#define ASYNC__LIST(T, ...)   (const T[]){ __VA_ARGS__ }  /* an array, for one call */
#define ASYNC__LENGTH(T, ...) (sizeof(ASYNC__LIST(T, __VA_ARGS__)) / sizeof(T))
/* The length of an array; message if it is a pointer. Without the addition compilers would warn of
 * the division in the second case, too. */
#define ASYNC__ARRAY_LENGTH(array, message)                                                        \
    ((0 + sizeof(array)) / sizeof((array)[0]) +                                                    \
     0 * sizeof(struct {                                                                           \
         _Static_assert(                                                                           \
                 !__builtin_types_compatible_p(__typeof__(array), __typeof__(&(array)[0])),        \
                 message);                                                                         \
         char none;                                                                                \
     }))
/* The number of slots of a queue whose storage is an array; 0 if it is a pointer. */
#define ASYNC__FIXED_ROOM(qp)                                                                      \
    (__builtin_types_compatible_p(__typeof__((qp)->slot), __typeof__(&(qp)->slot[0])) ?            \
             0 :                                                                                   \
             (0 + sizeof((qp)->slot)) / sizeof((qp)->slot[0]))
#endif

#ifdef __cplusplus
#define ASYNC__ASSERT     static_assert
#define ASYNC__ALIGN(n)   alignas(n)
#define ASYNC__ALIGNOF(T) alignof(T)
#define ASYNC__INFER      auto
#else
#define ASYNC__ASSERT     _Static_assert
#define ASYNC__ALIGN(n)   _Alignas(n)
#define ASYNC__ALIGNOF(T) _Alignof(T)
#define ASYNC__INFER      __auto_type
#endif

/* The variables that blocks declare shadow each other on purpose. */
#define ASYNC__SHADOWS                                                                             \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wshadow\"")
#define ASYNC__SHADOWED _Pragma("GCC diagnostic pop")

/* --- arguments: join two tokens, count, apply a macro m to each with s() between them --- */

#define ASYNC__CAT(a, b)  ASYNC__CAT_(a, b)
#define ASYNC__CAT_(a, b) a##b
#define ASYNC__COUNT(...) ASYNC__COUNT_(0, ##__VA_ARGS__, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define ASYNC__COUNT_(z, a, b, c, d, e, f, g, h, i, n, ...) n
#define ASYNC__MAP(m, s, ...)                                                                      \
    ASYNC__CAT(ASYNC__MAP_, ASYNC__COUNT(__VA_ARGS__))(m, s, ##__VA_ARGS__)
#define ASYNC__MAP_0(m, s, ...)
#define ASYNC__MAP_1(m, s, a)                m(a)
#define ASYNC__MAP_2(m, s, a, b)             m(a) s() m(b)
#define ASYNC__MAP_3(m, s, a, b, c)          m(a) s() m(b) s() m(c)
#define ASYNC__MAP_4(m, s, a, b, c, d)       m(a) s() m(b) s() m(c) s() m(d)
#define ASYNC__MAP_5(m, s, a, b, c, d, e)    m(a) s() m(b) s() m(c) s() m(d) s() m(e)
#define ASYNC__MAP_6(m, s, a, b, c, d, e, f) m(a) s() m(b) s() m(c) s() m(d) s() m(e) s() m(f)
/* Seven to nine exist so that a static assertion can refuse them with a message. */
#define ASYNC__MAP_7(m, s, a, ...) m(a) s() ASYNC__MAP_6(m, s, __VA_ARGS__)
#define ASYNC__MAP_8(m, s, a, ...) m(a) s() ASYNC__MAP_7(m, s, __VA_ARGS__)
#define ASYNC__MAP_9(m, s, a, ...) m(a) s() ASYNC__MAP_8(m, s, __VA_ARGS__)
#define ASYNC__COMMA()             ,
#define ASYNC__NONE()

/* --- coroutine parameters: for p = (int)id --- */

#define ASYNC__UNPAREN(...) __VA_ARGS__
#define ASYNC__EAT(...)
#define ASYNC__PARAM(p)  ASYNC__UNPAREN p           /* int id */
#define ASYNC__NAME(p)   ASYNC__EAT p               /* id */
#define ASYNC__FIELD(p)  ASYNC__UNPAREN p;          /* int id; */
#define ASYNC__STORED(p) async_f_->ASYNC__NAME(p)   /* async_f_->id */
#define ASYNC__MORE(p)   , ASYNC__PARAM(p)          /* , int id */
#define ASYNC__GIVE(p)   , ASYNC__NAME(p)           /* , id */

/* A parameter list; void if there are none. */
#define ASYNC__PARAMS(...)                                                                         \
    ASYNC__CAT(ASYNC__VOID_, ASYNC__COUNT(__VA_ARGS__))                                            \
    ASYNC__MAP(ASYNC__PARAM, ASYNC__COMMA, ##__VA_ARGS__)
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

/* 1 if each parameter begins with parentheses, otherwise 0. ASYNC__PROBE expands only in front of
 * parentheses; then the second argument of ASYNC__SECOND is 1. */
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
#define ASYNC__HOW_TO_WRITE            ": write each parameter as (type)name, for example (int)id"

#endif
