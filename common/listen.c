/* SPDX-License-Identifier: PostgreSQL
 *
 * The LISTEN connection: a queue of loads (one bit each), one query at a time.
 */
#include "listen.h"

#include "connect.h"
#include "log.h"

#define QUERY_TIMEOUT_MS 6000
#define RETRY_MS 1000
#define PROBE_MS 10000 /* an idle connection is asked for a sign of life this often */

typedef enum Load
{
	LOAD_LISTEN, /* before all others, so that no change falls between loading and listening */
	LOAD_CONFIG,
	LOAD_KEYS,
	LOAD_ROUTES,
	LOAD_PROBE,
	LOADS
} Load;

struct NecpListener
{
	NecpLoop loop;
	NecpListenerConfig config;
	NecpConnector *connector;
	PGconn *pg;
	void *watch;
	bool wants_write;
	bool up;
	unsigned due;      /* bit per load */
	int running;       /* a load, or -1 */
	bool failed;       /* the running one */
	PGresult *result;  /* of the running one */
	uint64_t since_ms; /* when the running one began, or the last one ended */
	uint64_t retry_at_ms;
	NecpRoutes *routes; /* the last ones handed out */
};

static const char *const load_names[LOADS] = {"listen", "config", "keys", "routes", "probe"};

static void start_next(NecpListener *listener);

static void
disconnect(NecpListener *listener, const char *reason)
{
	necp_log(NECP_LOG_WARNING,
			 "lost the listening connection: %.*s",
			 (int) strcspn(reason, "\n"),
			 reason);
	listener->loop.ops->unwatch(listener->watch);
	PQfinish(listener->pg);
	PQclear(listener->result);
	listener->watch = NULL;
	listener->pg = NULL;
	listener->result = NULL;
	listener->running = -1;
	if (listener->up && listener->config.callbacks.on_down != NULL)
		listener->config.callbacks.on_down(listener->config.arg);
	listener->up = false;
	necp_connector_want(listener->connector, 1);
}

static bool
deliver_config(NecpListener *listener, const PGresult *result)
{
	NecpConfig *config = NULL;

	if (PQntuples(result) == 1)
		config = necp_config_parse(PQgetvalue(result, 0, 0), (size_t) PQgetlength(result, 0, 0));
	if (config == NULL)
		return false;
	if (listener->config.callbacks.on_config != NULL)
		listener->config.callbacks.on_config(listener->config.arg, config);
	else
		necp_config_unref(config);
	return true;
}

static bool
deliver_keys(NecpListener *listener, const PGresult *result)
{
	NecpKeys *keys = necp_keys_build(result);

	if (keys == NULL)
		return false;
	if (listener->config.callbacks.on_keys != NULL)
		listener->config.callbacks.on_keys(listener->config.arg, keys);
	else
		necp_keys_unref(keys);
	return true;
}

static bool
deliver_routes(NecpListener *listener, const PGresult *result)
{
	NecpRoutes *routes = necp_routes_build(result);

	if (routes == NULL)
		return false;
	if (necp_routes_equal(routes, listener->routes))
	{
		/* keeping the old table keeps every prepared statement */
		necp_routes_unref(routes);
		return true;
	}
	necp_routes_unref(listener->routes);
	listener->routes = necp_routes_ref(routes);
	if (listener->config.callbacks.on_routes != NULL)
		listener->config.callbacks.on_routes(listener->config.arg, routes);
	else
		necp_routes_unref(routes);
	return true;
}

static bool
deliver(NecpListener *listener, Load load, const PGresult *result)
{
	switch (load)
	{
		case LOAD_LISTEN:
			listener->up = true;
			if (listener->config.callbacks.on_up != NULL)
				listener->config.callbacks.on_up(listener->config.arg);
			return true;
		case LOAD_CONFIG:
			return deliver_config(listener, result);
		case LOAD_KEYS:
			return deliver_keys(listener, result);
		case LOAD_ROUTES:
			return deliver_routes(listener, result);
		default:
			return true;
	}
}

static void
finish_running(NecpListener *listener)
{
	Load load = (Load) listener->running;
	PGresult *result = listener->result;
	bool ok = !listener->failed && result != NULL && deliver(listener, load, result);

	listener->running = -1;
	listener->result = NULL;
	listener->since_ms = necp_now_ms();
	if (!ok)
	{
		const char *message = result ? PQresultErrorMessage(result) : "";

		necp_log(NECP_LOG_ERROR,
				 "cannot load %s from the database, keeping the old: %.*s",
				 load_names[load],
				 (int) strcspn(message, "\n"),
				 message);
		listener->due |= 1u << load;
		listener->retry_at_ms = listener->since_ms + RETRY_MS;
	}
	PQclear(result);
	start_next(listener);
}

static void
add_listen(NecpBuf *sql, const char *channel)
{
	necp_buf_add_format(sql, "LISTEN %s;", channel);
}

static int
send_load(NecpListener *listener, Load load)
{
	NecpBuf sql = {0};
	int ok;

	switch (load)
	{
		case LOAD_CONFIG:
			return PQsendQuery(listener->pg, "SELECT necp.edge_config()");
		case LOAD_KEYS:
			return PQsendQuery(listener->pg, NECP_KEYS_QUERY);
		case LOAD_ROUTES:
			return PQsendQueryParams(listener->pg,
									 NECP_ROUTES_QUERY,
									 1,
									 (Oid[]){25},
									 &listener->config.service,
									 NULL,
									 NULL,
									 0);
		case LOAD_PROBE:
			return PQsendQuery(listener->pg, "SELECT 1");
		default:
			break;
	}
	add_listen(&sql, "necp_config");
	add_listen(&sql, "necp_keys");
	add_listen(&sql, "necp_routes");
	for (const char *const *channel = listener->config.extra; channel != NULL && *channel != NULL;
		 channel++)
		add_listen(&sql, *channel);
	ok = PQsendQuery(listener->pg, necp_buf_terminate(&sql));
	necp_buf_free(&sql);
	return ok;
}

static void
flush(NecpListener *listener)
{
	int left = PQflush(listener->pg);

	if (left < 0)
		disconnect(listener, PQerrorMessage(listener->pg));
	else if (listener->wants_write != (left > 0))
	{
		listener->wants_write = left > 0;
		listener->loop.ops->want_write(listener->watch, left > 0);
	}
}

static void
start_next(NecpListener *listener)
{
	if (listener->pg == NULL || listener->running >= 0 || listener->due == 0 ||
		necp_now_ms() < listener->retry_at_ms)
		return;
	for (int load = 0; load < LOADS; load++)
	{
		if ((listener->due & (1u << load)) == 0)
			continue;
		listener->due &= ~(1u << load);
		listener->running = load;
		listener->failed = false;
		listener->since_ms = necp_now_ms();
		if (!send_load(listener, (Load) load))
			disconnect(listener, PQerrorMessage(listener->pg));
		else
			flush(listener);
		return;
	}
}

static void
take_notification(NecpListener *listener, const PGnotify *notify)
{
	if (strcmp(notify->relname, "necp_config") == 0)
		listener->due |= 1u << LOAD_CONFIG;
	else if (strcmp(notify->relname, "necp_keys") == 0)
		listener->due |= 1u << LOAD_KEYS;
	else if (strcmp(notify->relname, "necp_routes") == 0)
		listener->due |= 1u << LOAD_ROUTES;
	else if (listener->config.callbacks.on_notify != NULL)
		listener->config.callbacks.on_notify(listener->config.arg, notify->relname, notify->extra);
}

static void
take_results(NecpListener *listener)
{
	while (listener->running >= 0 && !PQisBusy(listener->pg))
	{
		PGresult *result = PQgetResult(listener->pg);
		ExecStatusType status;

		if (result == NULL)
		{
			finish_running(listener);
			if (listener->pg == NULL)
				return;
			continue;
		}
		status = PQresultStatus(result);
		if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
			listener->failed = true;
		PQclear(listener->result);
		listener->result = result;
	}
}

static void
on_event(void *arg, int events)
{
	NecpListener *listener = arg;
	PGnotify *notify;

	if ((events & NECP_WRITABLE) != 0)
		flush(listener);
	if (listener->pg == NULL || (events & NECP_READABLE) == 0)
		return;
	if (!PQconsumeInput(listener->pg))
	{
		disconnect(listener, PQerrorMessage(listener->pg));
		return;
	}
	take_results(listener);
	if (listener->pg == NULL)
		return;
	(void) PQisBusy(listener->pg); /* parses what came without a query */
	while (listener->pg != NULL && (notify = PQnotifies(listener->pg)) != NULL)
	{
		take_notification(listener, notify);
		PQfreemem(notify);
	}
	start_next(listener);
}

static void
on_connected(void *arg, PGconn *pg)
{
	NecpListener *listener = arg;

	listener->watch =
		listener->loop.ops->watch(listener->loop.loop, PQsocket(pg), on_event, listener);
	if (listener->watch == NULL)
	{
		PQfinish(pg);
		necp_connector_want(listener->connector, 1);
		return;
	}
	listener->pg = pg;
	listener->wants_write = false;
	listener->retry_at_ms = 0;
	listener->due = 1u << LOAD_LISTEN | 1u << LOAD_CONFIG | 1u << LOAD_KEYS | 1u << LOAD_ROUTES;
	start_next(listener);
}

NecpListener *
necp_listener_new(NecpLoop loop, const NecpListenerConfig *config)
{
	NecpListener *listener = necp_alloc_zero(sizeof(NecpListener));

	listener->loop = loop;
	listener->config = *config;
	listener->running = -1;
	listener->connector = necp_connector_new(loop,
											 config->conninfo,
											 config->application_name,
											 "-c statement_timeout=5s",
											 on_connected,
											 listener);
	necp_connector_want(listener->connector, 1);
	return listener;
}

void
necp_listener_tick(NecpListener *listener)
{
	uint64_t now = necp_now_ms();

	if (listener->pg == NULL)
		return;
	if (listener->running >= 0 && now - listener->since_ms > QUERY_TIMEOUT_MS)
	{
		disconnect(listener, "no answer in time");
		return;
	}
	if (listener->running < 0 && listener->due == 0 && now - listener->since_ms > PROBE_MS)
		listener->due |= 1u << LOAD_PROBE;
	start_next(listener);
}

bool
necp_listener_is_up(const NecpListener *listener)
{
	return listener->up;
}

void
necp_listener_free(NecpListener *listener)
{
	necp_connector_free(listener->connector);
	if (listener->pg != NULL)
	{
		listener->loop.ops->unwatch(listener->watch);
		PQfinish(listener->pg);
	}
	PQclear(listener->result);
	necp_routes_unref(listener->routes);
	free(listener);
}
