/* SPDX-License-Identifier: MIT */
/* cxx.h - how C++ writes what macros make for one call; macros.h has the same for C. Nothing here
 * is for users. It counts as a system header, because g++ -Wextra would otherwise warn about each
 * option and each member that is not given. */
#ifndef ASYNCIO_CXX_H
#define ASYNCIO_CXX_H

#ifdef __cplusplus
#pragma GCC system_header

#include <stddef.h>

template <typename T> inline const T *async__given(const T &made) { return &made; }
template <typename T, size_t N> inline const T *async__given_list(const T (&made)[N])
{
    return made;
}
template <typename T, size_t N> char (&async__given_length(const T (&made)[N]))[N];
template <typename T> inline T async__value(T x) { return x; } /* clang++ warns of a plain x */
template <typename T> struct async__array_size { static const size_t value = 0; };
template <typename T, size_t N> struct async__array_size<T[N]> { static const size_t value = N; };
template <typename T> struct async__array_expected {
    static_assert(async__array_size<T>::value > 0,
                  "this initial value is for async_queue_of(); a queue of async_dynamic_queue_of() "
                  "needs ASYNC_DYNAMIC_QUEUE(q, capacity), or one of the others");
    static const size_t value = async__array_size<T>::value;
};
#define ASYNC__ARRAY_LENGTH(array, message) async__array_expected<__typeof__(array)>::value
#define ASYNC__FIXED_ROOM(qp) async__array_size<__typeof__((qp)->slot)>::value
#define ASYNC__VALUE(x)       async__value(x)
#define ASYNC__INIT(...)      { __VA_ARGS__ }
#define ASYNC__OPTS(T, ...)   async__given<T>({ __VA_ARGS__ })
#define ASYNC__ITEM(T, ...)   async__given<T>(__VA_ARGS__)
#define ASYNC__LIST(T, ...)   async__given_list<T>({ __VA_ARGS__ })
#define ASYNC__LENGTH(T, ...) sizeof(async__given_length<T>({ __VA_ARGS__ }))

#endif

#endif
