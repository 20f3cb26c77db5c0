/* SPDX-License-Identifier: MIT */
/* fake_clock.h - time for tests of timeouts: the clock that the loop and libmicrohttpd read.
 *
 * This file's clock_gettime() takes the place of the one in libc, because the program's symbols
 * come before those of its libraries. The monotonic clocks go on as ever until a test stops them.
 * Then they move only when the test moves them, so that hours pass at once and nothing depends on
 * the machine. */
#ifndef FAKE_CLOCK_H
#define FAKE_CLOCK_H

/* Stop the monotonic clocks. Timers fire no more, except by fake_clock_advance(). */
void fake_clock_stop(void);

/* Move the clocks forward. The loop has to be woken up to notice: see skip_seconds() in
 * harness.h. */
void fake_clock_advance(double seconds);

#endif
