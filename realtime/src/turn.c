/* SPDX-License-Identifier: PostgreSQL
 *
 * libuv as the loop of common/'s pool and listener.
 */
#include <stdlib.h>

#include "buf.h"
#include "turn.h"

typedef struct Watch
{
	uv_poll_t poll;
	int events; /* asked for */
	NecpFdCallback callback;
	void *arg;
} Watch;

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	Watch *watch = poll->data;
	int seen = 0;

	/*
	 * libuv stops watching a socket that reports an error, but what came before it is read first and
	 * the error only after that: a backend killed with requests unread would be missed otherwise.
	 */
	if (status < 0)
		uv_poll_start(poll, watch->events, on_poll);
	if (status < 0 || (events & (UV_READABLE | UV_DISCONNECT)) != 0)
		seen |= NECP_READABLE;
	if ((events & UV_WRITABLE) != 0)
		seen |= NECP_WRITABLE;
	watch->callback(watch->arg, seen);
}

static void *
watch_fd(void *loop, int fd, NecpFdCallback callback, void *arg)
{
	Watch *watch = necp_alloc_zero(sizeof(*watch));

	watch->callback = callback;
	watch->arg = arg;
	watch->poll.data = watch;
	if (uv_poll_init(loop, &watch->poll, fd) != 0)
	{
		free(watch);
		return NULL;
	}
	watch->events = UV_READABLE;
	uv_poll_start(&watch->poll, watch->events, on_poll);
	return watch;
}

static void
want_write(void *handle, bool on)
{
	Watch *watch = handle;

	watch->events = on ? UV_READABLE | UV_WRITABLE : UV_READABLE;
	uv_poll_start(&watch->poll, watch->events, on_poll);
}

static void
free_watch(uv_handle_t *handle)
{
	free(handle->data);
}

static void
unwatch_fd(void *handle)
{
	Watch *watch = handle;

	uv_poll_stop(&watch->poll);
	uv_close((uv_handle_t *) &watch->poll, free_watch);
}

static const NecpLoopOps uv_ops = {watch_fd, want_write, unwatch_fd};

uv_loop_t *
necp_turn_loop(void)
{
	return uv_default_loop();
}

NecpLoop
necp_turn_ops(void)
{
	return (NecpLoop){&uv_ops, uv_default_loop()};
}

uint64_t
necp_turn_ms(void)
{
	return uv_now(uv_default_loop());
}
