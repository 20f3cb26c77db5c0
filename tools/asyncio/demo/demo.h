/* SPDX-License-Identifier: MIT */
/* demo.h - `asyncio demo`: a web API and its client in one process. */
#ifndef DEMO_DEMO_H
#define DEMO_DEMO_H

/* Run the command line. Returns the exit status, which is 0 if every response was right. */
int demo_main(int argc, char **argv);

#endif
