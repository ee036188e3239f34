/* SPDX-License-Identifier: PostgreSQL
 *
 * SEND to /app/<path>: the same route, the same binding and the same statement as
 * POST /api/v1/<path>, with the connection's session.
 */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "bind.h"
#include "command.h"
#include "db.h"
#include "log.h"
#include "rate.h"
#include "stats.h"
#include "turn.h"

#define RETRIES 3 /* of serialization failures and deadlocks (ARCHITECTURE §4) */

typedef struct RouteCall
{
	NecpRequest request;
	struct RouteCall *next; /* of the client; the first one is under way */
	NecpBound bound;
	NecpRoutes *routes;
	const NecpRoute *route;
	Client *client;
	char *correlation;
	char *receipt;
	bool has_key;
	NecpUuid key;
	NecpUuid trace;
	int tries;
	uint64_t started_us;
} RouteCall;

static void
refuse(RouteCall *call, const NecpProblem *problem)
{
	necp_client_refuse(call->client, call->correlation, problem, NULL, call->trace.text);
}

static void
free_call(RouteCall *call)
{
	Client *client = call->client;

	necp_bound_free(&call->bound);
	necp_routes_unref(call->routes);
	free(call->correlation);
	free(call->receipt);
	free(call);
	client->commands--;
	necp_command_leave(client);
	necp_client_unref(client);
}

/* Submits the client's first command; those that cannot be are refused, the next one follows. */
static void
run_first(Client *client)
{
	NecpProblem problem;

	while (client->first_command != NULL)
	{
		RouteCall *call = client->first_command;

		if (client->wsi != NULL && necp_pool_submit(necp_db_pool, &call->request))
			return;
		client->first_command = call->next;
		necp_problem_set(&problem, NECP_UNAVAILABLE, NULL, NULL);
		problem.retry_after = 1;
		refuse(call, &problem);
		free_call(call);
	}
}

/* Takes the finished command off and starts the next one. */
static void
finish(RouteCall *call)
{
	Client *client = necp_client_ref(call->client);

	client->first_command = call->next;
	free_call(call);
	run_first(client);
	necp_client_unref(client);
}

static void
reply(RouteCall *call, const PGresult *result)
{
	NecpSlice body = NECP_SLICE("null");

	if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
		body = (NecpSlice){PQgetvalue(result, 0, 0), (size_t) PQgetlength(result, 0, 0)};
	necp_client_reply(call->client, call->correlation, call->route->status, body);
	necp_command_receipt(call->client, call->receipt);
}

static bool
try_again(RouteCall *call, NecpOutcome outcome, const PGresult *result)
{
	const char *state =
		outcome == NECP_OUTCOME_ERROR ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;

	return state != NULL && necp_sqlstate_is_transient(state) && call->tries++ < RETRIES &&
		   necp_pool_submit(necp_db_pool, &call->request);
}

static void
on_done(NecpRequest *request, NecpOutcome outcome, const PGresult *result)
{
	RouteCall *call = (RouteCall *) (void *) request;
	NecpProblem problem;

	if (try_again(call, outcome, result))
		return;
	necp_metric_observe_us(necp_stats.command, necp_now_us() - call->started_us);
	if (outcome == NECP_OUTCOME_ROWS)
		reply(call, result);
	else
	{
		necp_db_problem(&problem, outcome, result);
		if (problem.code == NECP_INTERNAL)
			necp_log(NECP_LOG_ERROR,
					 "%s: %s (trace %s)",
					 call->route->function,
					 result != NULL ? PQresultErrorMessage(result) : "",
					 call->trace.text);
		refuse(call, &problem);
	}
	finish(call);
}

/* Parameters the server fills; the address is the peer's. */
static void
bind_edge(RouteCall *call)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t size = sizeof(address);
	char text[INET6_ADDRSTRLEN] = "";

	if (getpeername(call->client->fd, (struct sockaddr *) &address, &size) != 0)
		return;
	if (address.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *) &address)->sin_addr, text, sizeof(text));
	else if (address.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *) &address)->sin6_addr, text, sizeof(text));
	if (text[0] != '\0')
		necp_bind_edge(&call->bound, "client_ip", text, strlen(text));
}

static bool
find_route(RouteCall *call, const StompFrame *frame, const char *path, NecpMatch *match,
		   NecpProblem *problem)
{
	const char *query = strchr(path, '?');
	NecpSlice name = {path, query != NULL ? (size_t) (query - path) : strlen(path)};

	if (necp_db_routes == NULL)
	{
		necp_problem_set(problem, NECP_UNAVAILABLE, NULL, NULL);
		return false;
	}
	if (necp_routes_match(necp_db_routes, NECP_POST, name, match) != NECP_MATCH)
	{
		necp_problem_set(problem, NECP_NOT_FOUND, NULL, "no such command");
		return false;
	}
	call->routes = necp_routes_ref(necp_db_routes);
	call->route = match->route;
	/* passwords and tokens stay with the edge, which can hash and sign */
	if (call->route->password == NECP_PASSWORD_NONE && !call->route->issues_token)
		return true;
	necp_problem_set(problem, NECP_FORBIDDEN, NULL, "only over HTTP");
	return false;
}

static bool
take_key(RouteCall *call, const StompFrame *frame, NecpProblem *problem)
{
	const char *key = necp_stomp_header(frame, "idempotency-key");

	if (key == NULL && !call->route->idempotent)
		return true;
	call->has_key = key != NULL && necp_uuid_parse(&call->key, key, strlen(key));
	if (call->has_key)
		return true;
	necp_problem_set(problem,
					 NECP_VALIDATION,
					 "Idempotency-Key",
					 key == NULL ? "is required" : "is not a UUID");
	return false;
}

static bool
bind_values(RouteCall *call, const StompFrame *frame, const char *path, const NecpMatch *match,
			NecpProblem *problem)
{
	const char *query = strchr(path, '?');
	NecpInput input = {
		.match = match,
		.query = necp_slice(query != NULL ? query + 1 : NULL),
		.body = {frame->body, frame->body_length},
	};

	if (!necp_bind(&call->bound, &input, problem))
		return false;
	bind_edge(call);
	necp_bind_fixed(&call->bound,
					call->client->session.text,
					call->has_key ? call->key.text : NULL,
					call->trace.text);
	return true;
}

static bool
is_allowed(const RouteCall *call, NecpProblem *problem)
{
	int retry_after = 1;

	if (call->client->commands <= (uint32_t) necp_settings.max_commands &&
		necp_rate_take(call->client, call->route->rate, &retry_after))
		return true;
	necp_problem_set(problem, NECP_RATE_LIMITED, NULL, NULL);
	problem->retry_after = retry_after;
	return false;
}

static void
enqueue(RouteCall *call)
{
	Client *client = call->client;
	bool idle = client->first_command == NULL;

	call->request = (NecpRequest){
		.statement = &call->route->statement,
		.values = call->bound.values,
		.lane = call->route->read_only ? NECP_LANE_READ : NECP_LANE_COMMAND,
		.repeatable = call->route->read_only || call->has_key,
		.done = on_done,
	};
	if (idle)
		client->first_command = call;
	else
		client->last_command->next = call;
	client->last_command = call;
	if (idle)
		run_first(client);
}

void
necp_command_run(Client *client, const StompFrame *frame, const char *path)
{
	RouteCall *call = necp_alloc_zero(sizeof(*call));
	const char *correlation = necp_command_correlation(frame);
	const char *receipt = necp_stomp_header(frame, "receipt");
	NecpMatch match;
	NecpProblem problem;

	call->client = necp_client_ref(client);
	client->commands++;
	call->correlation = correlation != NULL ? necp_strdup(correlation) : NULL;
	call->receipt = receipt != NULL ? necp_strdup(receipt) : NULL;
	call->started_us = necp_now_us();
	necp_uuid_generate(&call->trace);
	if (find_route(call, frame, path, &match, &problem) && is_allowed(call, &problem) &&
		take_key(call, frame, &problem) && bind_values(call, frame, path, &match, &problem))
	{
		enqueue(call);
		return;
	}
	refuse(call, &problem);
	free_call(call);
}
