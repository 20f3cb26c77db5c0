/* SPDX-License-Identifier: MIT */
/* producer.h - the task that reads the input and starts a job for each request. */
#ifndef FETCH_PRODUCER_H
#define FETCH_PRODUCER_H

#include "run.h"

/* Make the coroutine that reads all requests: the arguments, then the input. It starts them no
 * faster than jobs end. */
async_co producer_task(struct run *f);

#endif
