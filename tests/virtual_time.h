/* SPDX-License-Identifier: MIT */
/* virtual_time.h - put in front of a program, it runs in virtual time: at once, and to the nanosecond. */
#include <asyncio.h>

#undef async_main
#define async_main(co) (async_run((co), .virtual_clock = true) < 0)
