/* SPDX-License-Identifier: PostgreSQL
 *
 * Load client of the realtime server: many WebSockets with STOMP in one thread.
 *
 *	loadclient --url HOST:PORT --tokens FILE --connections N --seconds S
 *		--mode fanout|move|idle [--topic T] [--binary] [--rate INPUTS]
 *
 * fanout	subscribes every connection to one topic; messages carry "sent_us" (CLOCK_REALTIME) in
 *			their data, by which latency is measured.
 * move		sends inputs of a random walk from where the character stands, and measures from an input
 *			to the frame that confirms it; the server's tick is read from its /metrics.
 * idle		connects and waits.
 *
 * FILE has one "jwt character_id" per line. Prints one JSON object.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HANDSHAKES 100 /* under way at once */
#define READ_SIZE (1 << 20)
#define SEQS 64
#define BUCKETS (64 * 32)

typedef enum Mode
{
	MODE_FANOUT,
	MODE_MOVE,
	MODE_IDLE
} Mode;

typedef enum State
{
	STATE_CONNECTING,
	STATE_UPGRADING,
	STATE_LOGIN,
	STATE_SUBSCRIBING,
	STATE_READY,
	STATE_CLOSED
} State;

typedef struct Conn
{
	int fd;
	State state;
	char *token;
	int64_t character;
	char *rest; /* the beginning of a frame */
	size_t rest_length;
	size_t rest_size;
	uint32_t seq;
	uint32_t confirmed;
	bool placed; /* the server has said where it stands */
	float x, y, z, heading;
	uint64_t next_input_us;
	uint64_t sent_us[SEQS]; /* by sequence number */
	uint64_t bytes;
} Conn;

static const char *host;
static const char *port;
static const char *topic = "/topic/server/announcements";
static Mode mode;
static bool binary;
static int connection_count = 1;
static int seconds = 5;
static double input_rate = 10.0;
static Conn *conns;
static int poll_fd;
static int handshakes;
static int ready;
static bool measuring;
static char *input_buffer;

static uint64_t deliveries;
static uint64_t first_us; /* of the deliveries */
static uint64_t last_us;
static uint64_t bytes_in;
static uint64_t errors;
static uint64_t resyncs;
static uint64_t closed;
static uint64_t inputs;
static uint64_t refused_moves;
static uint64_t histogram[BUCKETS];
static uint64_t samples;
static uint64_t longest;

static uint64_t
clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

/* 16 buckets per power of two: exact to 6 %. */
static void
note_latency(uint64_t us)
{
	unsigned exponent = us < 32 ? 0 : 59u - (unsigned) __builtin_clzll(us);
	unsigned bucket = us < 32 ? (unsigned) us : (exponent << 5) + (unsigned) (us >> exponent);

	histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	samples++;
	if (us > longest)
		longest = us;
}

/* In milliseconds. */
static double
percentile(double share)
{
	uint64_t wanted = (uint64_t) ceil((double) samples * share);
	uint64_t seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++)
	{
		seen += histogram[i];
		if (seen >= wanted && seen > 0)
			return (double) ((uint64_t) (i & 31) << (i >> 5)) / 1e3;
	}
	return 0;
}

static void
drop(Conn *conn)
{
	if (conn->state == STATE_CLOSED)
		return;
	if (conn->state != STATE_READY)
		handshakes--;
	else
		ready--;
	conn->state = STATE_CLOSED;
	closed++;
	close(conn->fd);
}

static void
write_all(Conn *conn, const void *data, size_t length)
{
	/* what a client sends here always fits the socket's buffer */
	if (send(conn->fd, data, length, MSG_NOSIGNAL) != (ssize_t) length)
		drop(conn);
}

/* One masked frame; the mask is zero, which masks nothing and costs nothing. */
static void
send_frame(Conn *conn, int opcode, const char *payload, size_t length)
{
	char frame[4096];
	size_t head = length < 126 ? 6 : 8;

	frame[0] = (char) (0x80 | opcode);
	frame[1] = (char) (0x80 | (length < 126 ? length : 126));
	if (length >= 126)
	{
		frame[2] = (char) (length >> 8);
		frame[3] = (char) length;
	}
	memset(frame + head - 4, 0, 4);
	memcpy(frame + head, payload, length);
	write_all(conn, frame, head + length);
}

static void
open_conn(Conn *conn, const struct addrinfo *address)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = conn};
	int on = 1;

	handshakes++;
	conn->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	conn->state = STATE_CONNECTING;
	if (connect(conn->fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
	{
		drop(conn);
		return;
	}
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, conn->fd, &event);
}

static void
upgrade(Conn *conn)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
	char request[512];
	int length = snprintf(request,
						  sizeof(request),
						  "GET /ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
						  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
						  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
						  "Sec-WebSocket-Protocol: v12.stomp\r\n\r\n",
						  host);

	epoll_ctl(poll_fd, EPOLL_CTL_MOD, conn->fd, &event);
	conn->state = STATE_UPGRADING;
	write_all(conn, request, (size_t) length);
}

static void
login(Conn *conn)
{
	char frame[3072];
	int length = snprintf(frame,
						  sizeof(frame),
						  "CONNECT\naccept-version:1.2\nhost:x\nheart-beat:0,0\n"
						  "Authorization:Bearer %s\n\n",
						  conn->token);

	conn->state = STATE_LOGIN;
	send_frame(conn, 1, frame, (size_t) length + 1);
}

static void
become_ready(Conn *conn)
{
	conn->state = STATE_READY;
	handshakes--;
	ready++;
	conn->next_input_us = clock_us(CLOCK_MONOTONIC) + (uint64_t) (drand48() * 1e6 / input_rate);
}

static void
subscribe(Conn *conn)
{
	char frame[512];
	char own[64];
	int length;

	if (mode == MODE_IDLE)
	{
		become_ready(conn);
		return;
	}
	snprintf(own, sizeof(own), "/topic/character/%" PRId64 "/position", conn->character);
	length = snprintf(frame,
					  sizeof(frame),
					  "SUBSCRIBE\nid:0\nreceipt:s\ndestination:%s\n%s\n",
					  mode == MODE_MOVE ? own : topic,
					  binary ? "content-type:application/x-necp-position\n" : "");
	conn->state = STATE_SUBSCRIBING;
	send_frame(conn, 1, frame, (size_t) length + 1);
}

static void
note_delivery(uint64_t now_us)
{
	if (first_us == 0)
		first_us = now_us;
	last_us = now_us;
	deliveries++;
}

static void
take_fanout(const char *frame, size_t length, uint64_t now_us)
{
	static const char mark[] = "\"sent_us\"";
	const char *at = memmem(frame, length, mark, sizeof(mark) - 1);
	uint64_t sent;

	note_delivery(now_us);
	if (at == NULL)
	{
		resyncs += memmem(frame, length, "\"RESYNC\"", 8) != NULL;
		return;
	}
	/* json_build_object writes spaces around the colon */
	at += sizeof(mark) - 1;
	sent = strtoull(at + strspn(at, " :"), NULL, 10);
	note_latency(now_us > sent ? now_us - sent : 0);
}

/* What a position frame says of the character itself, which comes first in it. */
typedef struct Own
{
	uint32_t seq;
	bool there;
	bool refused;
	float x, y, z;
} Own;

static bool
read_binary(const Conn *conn, const char *body, size_t length, Own *own)
{
	int64_t id = 0;

	if (length < 12)
		return false;
	memcpy(&own->seq, body + 4, 4);
	if (length < 12 + 36)
		return true;
	memcpy(&id, body + 12, 8);
	memcpy(&own->x, body + 20, 4);
	memcpy(&own->y, body + 24, 4);
	memcpy(&own->z, body + 28, 4);
	own->refused = (body[12 + 35] & 1) != 0;
	own->there = id == conn->character;
	return true;
}

static bool
read_json(const Conn *conn, const char *body, size_t length, Own *own)
{
	const char *seq = memmem(body, length, "\"last_seq\":", 11);
	const char *entity = memmem(body, length, "{\"id\":", 6);
	int64_t id = 0;

	if (seq == NULL)
		return false;
	own->seq = (uint32_t) strtoul(seq + 11, NULL, 10);
	own->there =
		entity != NULL &&
		sscanf(entity, "{\"id\":%" SCNd64 ",\"p\":[%f,%f,%f]", &id, &own->x, &own->y, &own->z) ==
			4 &&
		id == conn->character;
	if (own->there)
		own->refused = memmem(entity, strcspn(entity, "}"), "\"reset\":true", 12) != NULL;
	return true;
}

static void
take_position(Conn *conn, const char *frame, size_t length, uint64_t now_us)
{
	const char *body = memmem(frame, length, "\n\n", 2);
	Own own = {0};
	size_t size;

	if (body == NULL)
		return;
	body += 2;
	size = (size_t) (frame + length - body) - 1;
	if (!(binary ? read_binary(conn, body, size, &own) : read_json(conn, body, size, &own)))
		return;
	if (measuring)
		note_delivery(now_us);
	if (own.there && (!conn->placed || own.refused))
	{
		conn->x = own.x;
		conn->y = own.y;
		conn->z = own.z;
		if (conn->placed)
			refused_moves++;
		else
			conn->seq = conn->confirmed = own.seq;
		conn->placed = true;
	}
	if (own.seq <= conn->confirmed || own.seq > conn->seq || own.seq + SEQS <= conn->seq)
		return;
	conn->confirmed = own.seq;
	if (measuring)
		note_latency(now_us - conn->sent_us[own.seq % SEQS]);
}

static void
take_frame(Conn *conn, const char *frame, size_t length, uint64_t now_us)
{
	if (length > 8 && memcmp(frame, "MESSAGE\n", 8) == 0)
	{
		if (mode == MODE_MOVE)
			take_position(conn, frame, length, now_us);
		else if (measuring)
			take_fanout(frame, length, now_us);
	}
	else if (length > 10 && memcmp(frame, "CONNECTED\n", 10) == 0)
		subscribe(conn);
	else if (length > 8 && memcmp(frame, "RECEIPT\n", 8) == 0)
		become_ready(conn);
	else if (length > 6 && memcmp(frame, "ERROR\n", 6) == 0)
	{
		if (errors++ == 0)
			fprintf(stderr, "%.*s\n", (int) length, frame);
		drop(conn);
	}
}

/* Takes the WebSocket frames off the input; returns what is consumed. */
static size_t
take_frames(Conn *conn, char *data, size_t length, uint64_t now_us)
{
	size_t at = 0;

	while (length - at >= 2 && conn->state != STATE_CLOSED)
	{
		unsigned char *p = (unsigned char *) data + at;
		size_t head = p[1] < 126 ? 2 : p[1] == 126 ? 4 : 10;
		size_t size = p[1];

		if (length - at < head)
			break;
		if (p[1] == 126)
			size = (size_t) p[2] << 8 | p[3];
		else if (p[1] == 127)
			size = (size_t) p[6] << 24 | (size_t) p[7] << 16 | (size_t) p[8] << 8 | p[9];
		if (length - at - head < size)
			break;
		if ((p[0] & 15) == 8)
			drop(conn);
		else if ((p[0] & 15) == 9)
			send_frame(conn, 10, (char *) p + head, size);
		else
			take_frame(conn, (char *) p + head, size, now_us);
		at += head + size;
	}
	return at;
}

static void
keep_rest(Conn *conn, const char *data, size_t length)
{
	if (length > conn->rest_size)
	{
		conn->rest_size = length * 2;
		free(conn->rest);
		conn->rest = malloc(conn->rest_size);
	}
	memcpy(conn->rest, data, length);
	conn->rest_length = length;
}

static void
read_conn(Conn *conn)
{
	size_t length = conn->rest_length;
	ssize_t got = recv(conn->fd, input_buffer + length, READ_SIZE - 1, 0);
	uint64_t now_us;
	size_t used = 0;

	if (got <= 0)
	{
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			drop(conn);
		return;
	}
	if (measuring)
	{
		bytes_in += (uint64_t) got;
		conn->bytes += (uint64_t) got;
	}
	memcpy(input_buffer, conn->rest, length);
	length += (size_t) got;
	input_buffer[length] = '\0';
	now_us = clock_us(mode == MODE_MOVE ? CLOCK_MONOTONIC : CLOCK_REALTIME);
	if (conn->state == STATE_UPGRADING)
	{
		const char *end = memmem(input_buffer, length, "\r\n\r\n", 4);

		if (end == NULL || strncmp(input_buffer, "HTTP/1.1 101", 12) != 0)
		{
			drop(conn);
			return;
		}
		used = (size_t) (end + 4 - input_buffer);
		login(conn);
	}
	used += take_frames(conn, input_buffer + used, length - used, now_us);
	keep_rest(conn, input_buffer + used, length - used);
}

/* A random walk at 4 m/s that turns back at the borders of 1000 x 1000 m around the middle. */
static void
step(Conn *conn, uint64_t now_us)
{
	char frame[256];
	float distance = (float) (4.0 / input_rate);
	int length;

	conn->heading += (float) (drand48() - 0.5);
	if (fabsf(conn->x) > 490 || fabsf(conn->y) > 490)
		conn->heading = atan2f(-conn->y, -conn->x);
	conn->x += cosf(conn->heading) * distance;
	conn->y += sinf(conn->heading) * distance;
	conn->sent_us[++conn->seq % SEQS] = now_us;
	length = snprintf(frame,
					  sizeof(frame),
					  "SEND\ndestination:/app/input\n\n"
					  "{\"seq\":%" PRIu32 ",\"x\":%.2f,\"y\":%.2f,\"z\":%.2f,\"yaw\":%.3f}",
					  conn->seq,
					  (double) conn->x,
					  (double) conn->y,
					  (double) conn->z,
					  (double) conn->heading);
	send_frame(conn, 1, frame, (size_t) length + 1);
	inputs++;
	conn->next_input_us += (uint64_t) (1e6 / input_rate);
}

static void
send_inputs(void)
{
	uint64_t now_us = clock_us(CLOCK_MONOTONIC);

	if (mode != MODE_MOVE)
		return;
	for (int i = 0; i < connection_count; i++)
	{
		if (conns[i].state == STATE_READY && conns[i].placed && conns[i].next_input_us <= now_us)
			step(&conns[i], now_us);
	}
}

static void
turn(void)
{
	struct epoll_event events[256];
	int count = epoll_wait(poll_fd, events, 256, mode == MODE_MOVE ? 1 : 20);

	for (int i = 0; i < count; i++)
	{
		Conn *conn = events[i].data.ptr;

		if (conn->state == STATE_CLOSED)
			continue;
		if (conn->state == STATE_CONNECTING)
			upgrade(conn);
		else
			read_conn(conn);
	}
	send_inputs();
}

static void
connect_all(const struct addrinfo *address)
{
	uint64_t give_up = clock_us(CLOCK_MONOTONIC) + 60000000;
	int opened = 0;

	while ((opened < connection_count || handshakes > 0) && clock_us(CLOCK_MONOTONIC) < give_up)
	{
		while (opened < connection_count && handshakes < HANDSHAKES)
			open_conn(&conns[opened++], address);
		turn();
	}
}

/* Character ids count up from 1 if a line has none. */
static bool
read_tokens(const char *path)
{
	FILE *file = fopen(path, "r");
	char token[2048];
	char line[2304];
	int count = 0;

	while (file != NULL && count < connection_count && fgets(line, sizeof(line), file) != NULL)
	{
		Conn *conn = &conns[count++];

		conn->character = count;
		if (sscanf(line, "%2047s %" SCNd64, token, &conn->character) < 1)
			break;
		conn->token = strdup(token);
	}
	if (file != NULL)
		fclose(file);
	for (int i = count; count > 0 && i < connection_count; i++)
		conns[i] = conns[i % count];
	return count > 0;
}

#define TICK_BUCKETS 64

typedef struct Ticks
{
	int count;
	double bound[TICK_BUCKETS]; /* seconds */
	double seen[TICK_BUCKETS];  /* cumulative */
} Ticks;

/* The histogram of ticks from the server's /metrics, a blocking call. */
static void
read_ticks(const struct addrinfo *address, Ticks *ticks)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	static const char mark[] = "necp_realtime_tick_seconds_bucket{le=\"";
	static char text[1 << 20];
	struct timeval patience = {0, 500000};
	size_t length = 0;
	ssize_t got;
	int fd = socket(address->ai_family, SOCK_STREAM, 0);

	ticks->count = 0;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0 &&
		send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0)
	{
		while (length < sizeof(text) - 1 &&
			   (got = recv(fd, text + length, sizeof(text) - 1 - length, 0)) > 0)
			length += (size_t) got;
	}
	close(fd);
	text[length] = '\0';
	for (char *p = text; ticks->count < TICK_BUCKETS && (p = strstr(p, mark)) != NULL;)
	{
		p += sizeof(mark) - 1;
		ticks->bound[ticks->count] = strtod(p, &p);
		ticks->seen[ticks->count++] = strtod(p + strcspn(p, " "), &p);
	}
}

/* As Prometheus' histogram_quantile, in milliseconds. */
static double
tick_quantile(const Ticks *before, const Ticks *after, double share)
{
	double below = 0;
	double from = 0;

	if (after->count == 0 || before->count != after->count ||
		after->seen[after->count - 1] <= before->seen[after->count - 1])
		return 0;
	for (int i = 0; i < after->count; i++)
	{
		double wanted = share * (after->seen[after->count - 1] - before->seen[after->count - 1]);
		double seen = after->seen[i] - before->seen[i];

		if (seen >= wanted && seen > below && isfinite(after->bound[i]))
			return 1000 * (from + (after->bound[i] - from) * (wanted - below) / (seen - below));
		below = seen;
		from = isfinite(after->bound[i]) ? after->bound[i] : from;
	}
	return 1000 * from;
}

static void
print_result(double elapsed, int connected, const Ticks *before, const Ticks *after)
{
	double active = deliveries > 1 ? (double) (last_us - first_us) / 1e6 : elapsed;

	printf("{\"mode\":\"%s\",\"connections\":%d,\"connected\":%d,\"closed\":%" PRIu64
		   ",\"errors\":%" PRIu64 ",\"seconds\":%.2f",
		   mode == MODE_FANOUT ? "fanout"
		   : mode == MODE_MOVE ? "move"
							   : "idle",
		   connection_count,
		   connected,
		   closed,
		   errors,
		   elapsed);
	if (mode == MODE_FANOUT)
		printf(",\"deliveries\":%" PRIu64 ",\"deliveries_per_second\":%.0f,\"resyncs\":%" PRIu64,
			   deliveries,
			   (double) deliveries / active,
			   resyncs);
	if (mode == MODE_MOVE)
		printf(",\"inputs\":%" PRIu64 ",\"refused_moves\":%" PRIu64 ",\"frames\":%" PRIu64
			   ",\"frames_per_second\":%.0f,\"tick_ms\":{\"p50\":%.1f,\"p99\":%.1f}",
			   inputs,
			   refused_moves,
			   deliveries,
			   (double) deliveries / active,
			   tick_quantile(before, after, 0.5),
			   tick_quantile(before, after, 0.99));
	if (mode != MODE_IDLE)
		printf(
			",\"bytes\":%" PRIu64 ",\"bytes_per_client_second\":%.0f,\"samples\":%" PRIu64
			",\"latency_ms\":{\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p999\":%.2f,\"max\":%.2f}",
			bytes_in,
			connected > 0 ? (double) bytes_in / active / connected : 0.0,
			samples,
			percentile(0.5),
			percentile(0.9),
			percentile(0.99),
			percentile(0.999),
			(double) longest / 1e3);
	printf("}\n");
}

static void
usage(void)
{
	fprintf(stderr,
			"loadclient --url HOST:PORT --tokens FILE [--connections N] [--seconds S]\n"
			"	[--mode fanout|move|idle] [--topic T] [--binary] [--rate INPUTS]\n");
	exit(2);
}

static const char *
read_options(int argc, char **argv)
{
	static const struct option options[] = {{"url", 1, NULL, 'u'},
											{"tokens", 1, NULL, 't'},
											{"connections", 1, NULL, 'c'},
											{"seconds", 1, NULL, 's'},
											{"topic", 1, NULL, 'o'},
											{"mode", 1, NULL, 'm'},
											{"binary", 0, NULL, 'b'},
											{"rate", 1, NULL, 'r'},
											{0}};
	const char *tokens = NULL;
	char *url = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
	{
		switch (option)
		{
			case 'u':
				url = optarg;
				break;
			case 't':
				tokens = optarg;
				break;
			case 'c':
				connection_count = atoi(optarg);
				break;
			case 's':
				seconds = atoi(optarg);
				break;
			case 'o':
				topic = optarg;
				break;
			case 'm':
				mode = strcmp(optarg, "move") == 0   ? MODE_MOVE
					   : strcmp(optarg, "idle") == 0 ? MODE_IDLE
													 : MODE_FANOUT;
				break;
			case 'b':
				binary = true;
				break;
			case 'r':
				input_rate = atof(optarg);
				break;
			default:
				usage();
		}
	}
	if (url == NULL || tokens == NULL || strrchr(url, ':') == NULL || connection_count < 1 ||
		seconds < 1 || input_rate <= 0)
		usage();
	host = url;
	port = strrchr(url, ':') + 1;
	*strrchr(url, ':') = '\0';
	return tokens;
}

int
main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *address = NULL;
	struct rlimit limit;
	const char *tokens = read_options(argc, argv);
	Ticks before = {0};
	Ticks after = {0};
	uint64_t start;
	double elapsed;
	int connected;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	conns = calloc((size_t) connection_count, sizeof(*conns));
	input_buffer = malloc(2 * READ_SIZE);
	poll_fd = epoll_create1(0);
	if (!read_tokens(tokens) || getaddrinfo(host, port, &hints, &address) != 0)
	{
		fprintf(stderr, "loadclient: no tokens or no such host\n");
		return 2;
	}
	connect_all(address);
	connected = ready;
	if (mode == MODE_MOVE)
		read_ticks(address, &before);
	measuring = true;
	start = clock_us(CLOCK_MONOTONIC);
	while (clock_us(CLOCK_MONOTONIC) < start + (uint64_t) seconds * 1000000)
		turn();
	elapsed = (double) (clock_us(CLOCK_MONOTONIC) - start) / 1e6;
	if (mode == MODE_MOVE)
		read_ticks(address, &after);
	print_result(elapsed, connected, &before, &after);
	return connected == connection_count ? 0 : 1;
}
