/* SPDX-License-Identifier: MIT */
/* capture.h - read what a test writes to stderr.
 *
 *   capture_stderr_begin();
 *   ...
 *   expect_contains(captured_stderr(), "deadlock");
 *   capture_stderr_end();
 *
 * captured_stderr() returns what was written since the call before, so each message is compared
 * once. The text is valid until the next call. */
#ifndef TESTS_FRAME_CAPTURE_H
#define TESTS_FRAME_CAPTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "assertions.h"

static struct {
    int saved; /* a duplicate of stderr while it is captured, else -1 */
    int memory;
    char text[65536];
} capture = { -1, -1, "" };

static inline void capture_stderr_begin(void)
{
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
    if (capture.saved < 0)
        return;
    fflush(stderr);
    dup2(capture.saved, STDERR_FILENO);
    close(capture.saved);
    capture.saved = -1;
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
void __asan_on_error(void)
{
    capture_stderr_end();
}
#endif

#endif
