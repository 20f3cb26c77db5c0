/* SPDX-License-Identifier: MIT */
/* producer.h - the task that reads the input and makes a job for each request. */
#ifndef FETCH_PRODUCER_H
#define FETCH_PRODUCER_H

#include "run.h"

/* Make the coroutine that reads all requests: the arguments, then the input, no faster than they
 * are needed. It ends when all of them have their results. */
async_co producer_task(struct run *f);

#endif
