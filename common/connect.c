/* SPDX-License-Identifier: PostgreSQL
 *
 * The connecting thread. It is detached and shares its state with the loop by two references, so
 * that stopping never waits for a name server or a silent host.
 */
#include "connect.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"

#define FIRST_PAUSE_MS 50
#define LAST_PAUSE_MS 1000

typedef struct ReadyConn
{
	struct ReadyConn *next;
	PGconn *conn;
} ReadyConn;

struct NecpConnector
{
	/* the loop's */
	NecpLoop loop;
	NecpConnectCallback callback;
	void *arg;
	void *watch;

	/* constant */
	char *conninfo;
	char *application_name;
	char *options;
	int event_fd; /* wakes the loop */

	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int wanted;
	bool stopping;
	ReadyConn *ready;

	_Atomic int references;
};

static void
release(NecpConnector *connector)
{
	ReadyConn *next;

	if (atomic_fetch_sub(&connector->references, 1) != 1)
		return;
	for (ReadyConn *ready = connector->ready; ready != NULL; ready = next)
	{
		next = ready->next;
		PQfinish(ready->conn);
		free(ready);
	}
	close(connector->event_fd);
	pthread_mutex_destroy(&connector->lock);
	pthread_cond_destroy(&connector->changed);
	free(connector->conninfo);
	free(connector->application_name);
	free(connector->options);
	free(connector);
}

static void
log_notice(void *arg, const char *message)
{
	necp_log(NECP_LOG_DEBUG, "notice from the database: %s", message);
}

/* One attempt over all hosts of the conninfo; libpq applies connect_timeout to each. */
static PGconn *
connect_once(const NecpConnector *connector, bool log_failure)
{
	/* what stands before dbname yields to the conninfo, what stands after it does not */
	const char *keywords[] = {"connect_timeout",
							  "tcp_user_timeout",
							  "dbname",
							  "application_name",
							  "client_encoding",
							  "options",
							  NULL};
	const char *values[] = {"3",
							"7000",
							connector->conninfo,
							connector->application_name,
							"UTF8",
							connector->options,
							NULL};
	PGconn *conn = PQconnectdbParams(keywords, values, 1);

	if (PQstatus(conn) == CONNECTION_OK && PQsetnonblocking(conn, 1) == 0)
	{
		PQsetNoticeProcessor(conn, log_notice, NULL);
		return conn;
	}
	if (log_failure)
	{
		const char *message = PQerrorMessage(conn);
		size_t len = strlen(message);

		while (len > 0 && message[len - 1] == '\n')
			len--;
		necp_log(NECP_LOG_WARNING, "no connection to the database: %.*s", (int) len, message);
	}
	PQfinish(conn);
	return NULL;
}

static void
hand_over(NecpConnector *connector, PGconn *conn)
{
	ReadyConn *ready = necp_alloc(sizeof(ReadyConn));
	uint64_t one = 1;

	ready->conn = conn;
	pthread_mutex_lock(&connector->lock);
	ready->next = connector->ready;
	connector->ready = ready;
	connector->wanted--;
	pthread_mutex_unlock(&connector->lock);
	if (write(connector->event_fd, &one, sizeof(one)) < 0)
		necp_log(NECP_LOG_ERROR, "cannot wake the event loop");
}

/* Returns false when it is time to stop. */
static bool
wait_for_work(NecpConnector *connector, int pause_ms)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long) pause_ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&connector->lock);
	while (!connector->stopping && pause_ms > 0)
		if (pthread_cond_timedwait(&connector->changed, &connector->lock, &until) != 0)
			break;
	while (!connector->stopping && connector->wanted == 0)
		pthread_cond_wait(&connector->changed, &connector->lock);
	stopping = connector->stopping;
	pthread_mutex_unlock(&connector->lock);
	return !stopping;
}

static void *
run_connector(void *arg)
{
	NecpConnector *connector = arg;
	int pause_ms = 0;

	while (wait_for_work(connector, pause_ms))
	{
		PGconn *conn = connect_once(connector, pause_ms == 0);

		if (conn != NULL)
		{
			hand_over(connector, conn);
			pause_ms = 0;
		}
		else
			pause_ms = pause_ms == 0                  ? FIRST_PAUSE_MS
					   : pause_ms * 2 < LAST_PAUSE_MS ? pause_ms * 2
													  : LAST_PAUSE_MS;
	}
	release(connector);
	return NULL;
}

static void
on_wake(void *arg, int events)
{
	NecpConnector *connector = arg;
	ReadyConn *ready;
	ReadyConn *next;
	uint64_t count;

	if (read(connector->event_fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&connector->lock);
	ready = connector->ready;
	connector->ready = NULL;
	pthread_mutex_unlock(&connector->lock);
	for (; ready != NULL; ready = next)
	{
		next = ready->next;
		connector->callback(connector->arg, ready->conn);
		free(ready);
	}
}

NecpConnector *
necp_connector_new(NecpLoop loop, const char *conninfo, const char *application_name,
				   const char *options, NecpConnectCallback callback, void *arg)
{
	NecpConnector *connector = necp_alloc_zero(sizeof(NecpConnector));
	pthread_attr_t attr;
	pthread_t thread;

	connector->loop = loop;
	connector->callback = callback;
	connector->arg = arg;
	connector->conninfo = necp_strdup(conninfo);
	connector->application_name = necp_strdup(application_name);
	connector->options = options ? necp_strdup(options) : NULL;
	connector->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&connector->lock, NULL);
	pthread_cond_init(&connector->changed, NULL);
	atomic_init(&connector->references, 2);
	connector->watch = loop.ops->watch(loop.loop, connector->event_fd, on_wake, connector);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, run_connector, connector) != 0)
	{
		necp_log(NECP_LOG_ERROR, "cannot start the connecting thread");
		exit(1);
	}
	pthread_attr_destroy(&attr);
	return connector;
}

void
necp_connector_want(NecpConnector *connector, int n)
{
	pthread_mutex_lock(&connector->lock);
	connector->wanted += n;
	pthread_cond_signal(&connector->changed);
	pthread_mutex_unlock(&connector->lock);
}

void
necp_connector_free(NecpConnector *connector)
{
	connector->loop.ops->unwatch(connector->watch);
	pthread_mutex_lock(&connector->lock);
	connector->stopping = true;
	pthread_cond_signal(&connector->changed);
	pthread_mutex_unlock(&connector->lock);
	release(connector);
}
