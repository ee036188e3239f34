/* SPDX-License-Identifier: PostgreSQL
 *
 * h2o's event loop behind NecpLoopOps. h2o closes the descriptor of a socket it disposes of, so it
 * gets a duplicate.
 */
#include <fcntl.h>
#include <unistd.h>

#include "edge.h"

typedef struct Watch
{
	h2o_socket_t *sock;
	NecpFdCallback callback;
	void *arg;
	bool wants_write;
} Watch;

static void
on_read(h2o_socket_t *sock, const char *err)
{
	Watch *watch = sock->data;

	watch->callback(watch->arg, NECP_READABLE);
}

static void on_write(h2o_socket_t *sock, const char *err);

static void
arm_write(Watch *watch)
{
	if (watch->wants_write && !h2o_socket_is_writing(watch->sock))
		h2o_socket_notify_write(watch->sock, on_write);
}

/* h2o reports once; the owner of the watch may end it in the callback. */
static void
on_write(h2o_socket_t *sock, const char *err)
{
	Watch *watch = sock->data;

	if (!watch->wants_write)
		return;
	arm_write(watch);
	watch->callback(watch->arg, NECP_WRITABLE);
}

static void *
watch_fd(void *loop, int fd, NecpFdCallback callback, void *arg)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	Watch *watch;

	if (copy < 0)
		return NULL;
	watch = necp_alloc_zero(sizeof(Watch));
	watch->callback = callback;
	watch->arg = arg;
	watch->sock = h2o_evloop_socket_create(loop, copy, H2O_SOCKET_FLAG_DONT_READ);
	watch->sock->data = watch;
	h2o_socket_read_start(watch->sock, on_read);
	return watch;
}

static void
want_write(void *handle, bool on)
{
	Watch *watch = handle;

	watch->wants_write = on;
	arm_write(watch);
}

static void
unwatch(void *handle)
{
	Watch *watch = handle;

	h2o_socket_read_stop(watch->sock);
	h2o_socket_close(watch->sock);
	free(watch);
}

const NecpLoopOps necp_edge_loop_ops = {watch_fd, want_write, unwatch};
