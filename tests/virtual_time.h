/* SPDX-License-Identifier: MIT */
/* virtual_time.h - included before a program, it makes async_main() use the virtual clock: the
 * program ends at once, and its times are exact. */
#include <asyncio.h>

#undef async_main
#define async_main(co) (async_run((co), .virtual_clock = true) < 0)
