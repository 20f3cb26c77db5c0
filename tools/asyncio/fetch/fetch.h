/* SPDX-License-Identifier: MIT */
/* fetch.h - `asyncio fetch`: request many URLs concurrently, and print a line of JSON for each. */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

/* Run the command line, and return its exit status. */
int fetch_main(int argc, char **argv);

#endif
