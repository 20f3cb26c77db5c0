/* SPDX-License-Identifier: MIT */
/* fuzz.h - what all fuzz targets share.
 *
 *   LLVMFuzzerTestOneInput   the function that each target defines
 *   fuzz_check               check an invariant
 *   fuzz_copy, fuzz_text     copy bytes, so that the address sanitizer notices a read behind them
 *   fuzz_random_init, _below pseudo-random numbers that depend on the input only
 *
 * A target is a program of one file. libFuzzer calls it with inputs that it generates
 * (`./run fuzz`), and the test suite with the files in corpus/TARGET (replay.c). A target does not
 * only have to survive an input. It also checks what must hold for every input, for example that a
 * reader returns the same bytes however they were split. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Run the code under test on one input. libFuzzer prescribes the name. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Check an invariant. If it does not hold, print the condition and the message, which is a format
 * of printf() and its arguments, and abort, so that libFuzzer saves the input. */
#define fuzz_check(condition, ...)                                                                 \
    ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition, __VA_ARGS__))
void fuzz_fail(const char *file, int line, const char *condition, const char *fmt, ...)
        __attribute__((noreturn, format(printf, 4, 5)));

/* Copy n bytes to memory of exactly this size. Free it with free(). */
void *fuzz_copy(const void *bytes, size_t n);

/* Copy n bytes and put a NUL behind them. Free the text with free(). */
char *fuzz_text(const void *bytes, size_t n);

/* A generator of pseudo-random numbers. Numbers that an input does not contain itself, such as the
 * places where it is split, come from here, so that each input always behaves in the same way. */
struct fuzz_random {
    uint64_t state;
};

/* Seed the generator with a hash of the input. */
void fuzz_random_init(struct fuzz_random *r, const uint8_t *data, size_t size);

/* Return a number from 0 to n - 1; n is at least 1. */
size_t fuzz_random_below(struct fuzz_random *r, size_t n);

/* Return the length of the next piece of an input of which n > 0 bytes are left: mostly a few
 * bytes, sometimes many. */
size_t fuzz_random_piece(struct fuzz_random *r, size_t n);

#endif
