/* SPDX-License-Identifier: MIT */
/* capture.h - read what a test writes to stderr.
 *
 *   capture_stderr_begin();
 *   ...
 *   expect_contains(captured_stderr(), "deadlock");
 *   capture_stderr_end();
 *
 * captured_stderr() returns what was written since the call before, so each message is compared
 * once. The text is valid until the next call. A capture may be nested in another one, of a
 * LOOP_TEST for example; both share the text. */
#ifndef TESTS_FRAME_CAPTURE_H
#define TESTS_FRAME_CAPTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "assertions.h"

/* Weak, so that the files of a program share it. */
__attribute__((weak)) struct {
    int depth; /* how many captures are open */
    int saved; /* a duplicate of stderr while it is captured */
    int memory;
    char text[65536];
} capture;

static inline void capture_stderr_begin(void)
{
    if (capture.depth++ > 0)
        return;
    fflush(stderr);
    capture.memory = memfd_create("stderr", MFD_CLOEXEC);
    capture.saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 200);
    frame_expects(capture.memory >= 0 && capture.saved >= 0 &&
                          fcntl(capture.memory, F_SETFL, O_APPEND) == 0,
                  "stderr cannot be captured");
    dup2(capture.memory, STDERR_FILENO);
}

static inline void capture_stderr_end(void)
{
    if (capture.depth == 0 || --capture.depth > 0)
        return;
    fflush(stderr);
    dup2(capture.saved, STDERR_FILENO);
    close(capture.saved);
    close(capture.memory);
}

static inline const char *captured_stderr(void)
{
    fflush(stderr);
    ssize_t n = pread(capture.memory, capture.text, sizeof capture.text - 1, 0);
    capture.text[n > 0 ? n : 0] = '\0';
    frame_expects(ftruncate(capture.memory, 0) == 0, "the capture of stderr cannot be emptied");
    return capture.text;
}

#if defined(__SANITIZE_ADDRESS__)
/* The sanitizer's report must reach the real stderr. */
void __asan_on_error(void);
__attribute__((weak)) void __asan_on_error(void)
{
    if (capture.depth > 0)
        capture.depth = 1;
    capture_stderr_end();
}
#endif

#endif
