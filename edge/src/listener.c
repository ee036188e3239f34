/* SPDX-License-Identifier: PostgreSQL
 *
 * Listening sockets, one per thread on one port; accepting, and closing down.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#include "edge.h"
#include "log.h"

#define DRAIN_MS 10000
#define BACKLOG 1024

static int
open_socket(const struct addrinfo *info, bool shared)
{
	int fd = socket(info->ai_family,
					info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
					info->ai_protocol);
	int on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

/*
 * Opens one socket of the group; -1 after a message. The first is tried without SO_REUSEPORT
 * before, or two servers would share a port by mistake.
 */
int
necp_edge_listen_open(const char *address, bool first)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *info;
	char host[256];
	char port[8];
	int fd;
	int rc;

	if (!necp_flags_split_address(address, host, sizeof(host), port, sizeof(port)))
	{
		fprintf(stderr, "necp-edge: --listen wants HOST:PORT, not \"%s\"\n", address);
		return -1;
	}
	rc = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &info);
	if (rc != 0)
	{
		fprintf(stderr, "necp-edge: cannot listen on %s: %s\n", address, gai_strerror(rc));
		return -1;
	}
	fd = first ? open_socket(info, false) : 0;
	if (first && fd >= 0)
		close(fd);
	if (fd >= 0)
		fd = open_socket(info, true);
	if (fd < 0)
		fprintf(stderr, "necp-edge: cannot listen on %s: %s\n", address, strerror(errno));
	freeaddrinfo(info);
	return fd;
}

static void
on_closed(void *arg)
{
	EdgeThread *thread = arg;

	thread->connections--;
	necp_edge_measure_connections(-1);
}

static void
on_accept(h2o_socket_t *listener, const char *err)
{
	EdgeThread *thread = listener->data;
	h2o_socket_t *sock;

	if (err != NULL)
		return;
	for (int i = 0; i < 64 && (sock = h2o_evloop_socket_accept(listener)) != NULL; i++)
	{
		struct timeval now;

		if (thread->connections >= thread->settings->max_connections)
		{
			h2o_socket_close(sock);
			continue;
		}
		thread->connections++;
		necp_edge_measure_connections(1);
		sock->on_close.cb = on_closed;
		sock->on_close.data = thread;
		gettimeofday(&now, NULL);
		h2o_http1_accept(&thread->accept, sock, now);
	}
}

void
necp_edge_listen_start(EdgeThread *thread)
{
	thread->accept =
		(h2o_accept_ctx_t){.ctx = &thread->ctx, .hosts = thread->ctx.globalconf->hosts};
	thread->listener =
		h2o_evloop_socket_create(thread->ctx.loop, thread->listen_fd, H2O_SOCKET_FLAG_DONT_READ);
	thread->listener->data = thread;
	h2o_socket_read_start(thread->listener, on_accept);
}

/*
 * HTTP/1 has no goodbye: ending the reading side makes idle connections close at once and the
 * others after their answer, which says "Connection: close".
 */
static int
end_reading(h2o_req_t *req, void *arg)
{
	h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);

	shutdown(h2o_socket_get_fd(sock), SHUT_RD);
	return 0;
}

void
necp_edge_drain(EdgeThread *thread)
{
	if (thread->draining)
		return;
	thread->draining = true;
	thread->drain_until_ms = necp_now_ms() + DRAIN_MS;
	thread->ctx.shutdown_requested = 1;
	h2o_socket_read_stop(thread->listener);
	h2o_socket_close(thread->listener);
	thread->listener = NULL;
	H2O_HTTP1_CALLBACKS.foreach_request(&thread->ctx, end_reading, NULL);
}
