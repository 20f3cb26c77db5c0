/* SPDX-License-Identifier: MIT */
/* compiler.h - attributes of gcc and clang, and which sanitizer the build uses. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define NOINLINE    __attribute__((noinline))
#define COLD        __attribute__((cold, noinline))

/* For a large local variable of which little is used, on a path that must be fast: do not clear it.
 * The build clears all others (-ftrivial-auto-var-init). */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define NOT_CLEARED __attribute__((uninitialized))
#endif
#endif
#ifndef NOT_CLEARED
#define NOT_CLEARED
#endif

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

#if defined(WITH_ASAN) || defined(WITH_TSAN)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#endif
