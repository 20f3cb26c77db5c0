/* SPDX-License-Identifier: MIT */
/* asyncio.h - asyncio for C. One header a concept; this one includes them all. The convention that holds in
 * every one of them stands at the top of base.h. */
#ifndef ASYNCIO_H
#define ASYNCIO_H

#include <asyncio/base.h>
#include <asyncio/co.h>
#include <asyncio/cxx.h>
#include <asyncio/error.h>
#include <asyncio/file.h>
#include <asyncio/future.h>
#include <asyncio/gather.h>
#include <asyncio/gen.h>
#include <asyncio/group.h>
#include <asyncio/limiter.h>
#include <asyncio/local.h>
#include <asyncio/loop.h>
#include <asyncio/pool.h>
#include <asyncio/process_pool.h>
#include <asyncio/queue.h>
#include <asyncio/remote.h>
#include <asyncio/run.h>
#include <asyncio/rwlock.h>
#include <asyncio/scope.h>
#include <asyncio/stream.h>
#include <asyncio/sync.h>
#include <asyncio/task.h>
#include <asyncio/with.h>

#endif
