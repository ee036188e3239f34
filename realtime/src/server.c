/* SPDX-License-Identifier: PostgreSQL
 *
 * libwebsockets on libuv. Dispatch only: sessions, frames and sending are elsewhere.
 *
 * lws can share a port among processes only with threads, which Debian's build has not, so the
 * listener is our own and its sockets are adopted. HTTP/1.1 without TLS: both end at HAProxy.
 * permessage-deflate is not offered (TECH C: closing on a limit fails with it).
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "command.h"
#include "http.h"
#include "log.h"
#include "server.h"
#include "session.h"
#include "settings.h"
#include "stats.h"
#include "turn.h"

#define RX_BUFFER 1024 /* per connection; larger frames come in pieces */
#define ACCEPT_BATCH 64
#define UNSENT_MAX (128 * 1024)
#define TICKET_MAX 256
#define NOT_YET_MAX 1000 /* sockets beyond the connections: handshakes, scrapes */

typedef struct Slot
{
	Client *client;
} Slot;

static struct lws_context *context;
static struct lws_vhost *vhost;
static uv_poll_t listener;
static int listen_fd = -1;
static int64_t sockets; /* WebSockets and what may become some */

/*
 * Any name in the protocol table could be asked for, so the choice is checked here. A client that
 * asks for none speaks STOMP over the first one.
 */
static int
filter(struct lws *wsi)
{
	char path[16] = "";
	bool asks = lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0;

	if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) <= 0 || strcmp(path, "/ws") != 0)
		return -1;
	return asks && lws_get_protocol(wsi)->id == 0 ? -1 : 0;
}

static int
open_client(struct lws *wsi, Slot *slot)
{
	char ticket[TICKET_MAX];
	const char *value = lws_get_urlarg_by_name(wsi, "ticket=", ticket, sizeof(ticket));

	slot->client = necp_client_new(wsi, lws_get_socket_fd(wsi), necp_turn_ms());
	if (value != NULL && *value != '\0')
		slot->client->ticket = necp_strdup(value);
	return 0;
}

static void
close_client(Slot *slot)
{
	Client *client = slot->client;

	if (client == NULL)
		return;
	slot->client = NULL;
	client->wsi = NULL;
	necp_session_closed(client);
	necp_client_closed(client);
}

/* The answer to our own close frame ends it; to the peer's, lws answers. */
static int
close_by_peer(Client *client)
{
	if (client == NULL || client->state == CLIENT_CLOSING)
		return -1;
	client->state = CLIENT_CLOSING;
	return 0;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	Slot *slot = user;

	switch (reason)
	{
		case LWS_CALLBACK_WSI_CREATE:
			sockets++;
			return 0;
		case LWS_CALLBACK_WSI_DESTROY:
			sockets--;
			return 0;
		case LWS_CALLBACK_HTTP:
			return necp_http_answer(wsi, in);
		case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
			return filter(wsi);
		case LWS_CALLBACK_ESTABLISHED:
			return open_client(wsi, slot);
		case LWS_CALLBACK_RECEIVE:
			if (slot->client != NULL)
				necp_command_receive(slot->client, in, len);
			return 0;
		case LWS_CALLBACK_RECEIVE_PONG:
			if (slot->client != NULL)
				slot->client->last_in_ms = necp_turn_ms();
			return 0;
		case LWS_CALLBACK_SERVER_WRITEABLE:
			if (slot->client != NULL)
				necp_client_writeable(slot->client);
			return 0;
		case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
			return close_by_peer(slot->client);
		case LWS_CALLBACK_CLOSED:
			close_client(slot);
			return 0;
		default:
			return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{"http", on_event, sizeof(Slot), RX_BUFFER, 0, NULL, 65536},
	{"v12.stomp", on_event, sizeof(Slot), RX_BUFFER, 12, NULL, 65536},
	{"v11.stomp", on_event, sizeof(Slot), RX_BUFFER, 11, NULL, 65536},
	{"v10.stomp", on_event, sizeof(Slot), RX_BUFFER, 10, NULL, 65536},
	{NULL, NULL, 0, 0, 0, NULL, 0},
};

static void
adopt(int fd)
{
	int on = 1;
	int unsent = UNSENT_MAX;

	if (necp_client_count >= necp_settings.max_connections ||
		sockets >= necp_settings.max_connections + NOT_YET_MAX)
	{
		necp_metric_add(necp_stats.refused_connections, 1);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* a slow reader's positions grow old here, where they can be replaced, not in the kernel */
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
	/* closes the socket itself if it fails */
	(void) lws_adopt_socket_vhost(vhost, fd);
}

static void
on_listener(uv_poll_t *poll, int status, int events)
{
	for (int i = 0; i < ACCEPT_BATCH; i++)
	{
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			adopt(fd);
		else if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static int
open_listener(const struct addrinfo *address)
{
	int on = 1;
	int off = 0;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, 4096) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
start_listening(const char *text)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *addresses = NULL;
	char host[256];
	char port[16];

	if (!necp_flags_split_address(text, host, sizeof(host), port, sizeof(port)) ||
		getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &addresses) != 0)
	{
		necp_log(NECP_LOG_ERROR, "cannot understand the address %s", text);
		return false;
	}
	for (struct addrinfo *a = addresses; a != NULL && listen_fd < 0; a = a->ai_next)
		listen_fd = open_listener(a);
	freeaddrinfo(addresses);
	if (listen_fd < 0)
	{
		necp_log(NECP_LOG_ERROR, "cannot listen on %s: %m", text);
		return false;
	}
	uv_poll_init(necp_turn_loop(), &listener, listen_fd);
	uv_poll_start(&listener, UV_READABLE, on_listener);
	return true;
}

static void
log_lws(int level, const char *line)
{
	size_t length = strlen(line);

	while (length > 0 && line[length - 1] == '\n')
		length--;
	necp_log(NECP_LOG_WARNING, "lws: %.*s", (int) length, line);
}

/* libuv would otherwise get lws's own signal handlers. */
static void
ignore_signal(void *handle, int signal)
{
}

bool
necp_server_start(const char *address)
{
	static void *loops[1];
	/*
	 * No pings by lws, which keeps a sorted list of everybody's next one: adding to it is linear.
	 * The hang-up time of 0 turns them off, the other one must not be 0 to be taken.
	 */
	static const lws_retry_bo_t no_pings = {.secs_since_valid_ping = 1,
											.secs_since_valid_hangup = 0};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_VALIDATE_UTF8,
		.foreign_loops = loops,
		.signal_cb = ignore_signal,
		.alpn = "http/1.1",
		.gid = -1,
		.uid = -1,
		.timeout_secs = 10,
		.keepalive_timeout = 60,
		.max_http_header_data = 8192,
		.max_http_header_pool = 64,
		.pt_serv_buf_size = 16384,
		.retry_and_idle_policy = &no_pings,
		.server_string = "necp-realtime",
	};

	loops[0] = necp_turn_loop();
	lws_set_log_level(LLL_ERR, log_lws);
	context = lws_create_context(&info);
	if (context == NULL)
		return false;
	vhost = lws_get_vhost_by_name(context, "default");
	return vhost != NULL && start_listening(address);
}

void
necp_server_stop_accepting(void)
{
	if (listen_fd < 0)
		return;
	uv_poll_stop(&listener);
	uv_close((uv_handle_t *) &listener, NULL);
	close(listen_fd);
	listen_fd = -1;
}

void
necp_server_stop(void)
{
	lws_context_destroy(context);
}
