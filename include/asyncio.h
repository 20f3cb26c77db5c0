/* SPDX-License-Identifier: MIT */
/* asyncio.h - asyncio for C: includes the header of each subject.
 *
 * The conventions that hold in all of them are described in base.h. Not included are
 * <asyncio/testing.h>, for tests, and <asyncio/strict.h>, which makes the compiler warn of calls
 * that block. */
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
#include <asyncio/stream_ops.h>
#include <asyncio/sync.h>
#include <asyncio/task.h>
#include <asyncio/with.h>

#endif
