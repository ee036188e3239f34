/* SPDX-License-Identifier: PostgreSQL
 *
 * The event loop as common/ sees it: the edge drives it with h2o's loop, realtime with libuv.
 */
#ifndef NECP_LOOP_H
#define NECP_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum
{
	NECP_READABLE = 1,
	NECP_WRITABLE = 2
};

typedef void (*NecpFdCallback)(void *arg, int events);

typedef struct NecpLoopOps
{
	/*
	 * Watches fd for reading until unwatch and returns a handle, NULL on failure. The fd stays the
	 * caller's; a loop that closes what it watches (h2o) has to dup it.
	 */
	void *(*watch)(void *loop, int fd, NecpFdCallback callback, void *arg);
	/* Reports NECP_WRITABLE as well, as long as it is on. */
	void (*want_write)(void *handle, bool on);
	/* Ends it; the callback is not called again. Allowed inside the callback. */
	void (*unwatch)(void *handle);
} NecpLoopOps;

typedef struct NecpLoop
{
	const NecpLoopOps *ops;
	void *loop;
} NecpLoop;

/* Milliseconds of the monotonic clock. */
static inline uint64_t
necp_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}

/* Microseconds of the monotonic clock. */
static inline uint64_t
necp_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

#endif
