/* SPDX-License-Identifier: PostgreSQL
 *
 * An API request: route, authorise, bind, call, answer.
 */
#include <arpa/inet.h>
#include <strings.h>

#include "edge.h"
#include "log.h"

#define MAX_USER_AGENT 256

NecpSlice
necp_edge_path(const h2o_req_t *req)
{
	return (NecpSlice){req->path.base, req->query_at != SIZE_MAX ? req->query_at : req->path.len};
}

NecpSlice
necp_edge_query(const h2o_req_t *req)
{
	if (req->query_at == SIZE_MAX)
		return (NecpSlice){NULL, 0};
	return (NecpSlice){req->path.base + req->query_at + 1, req->path.len - req->query_at - 1};
}

/* Finds the route, or answers 404, 405, 503 or a preflight. */
static bool
find_route(EdgeJob *job)
{
	h2o_req_t *req = job->req;
	NecpSlice method_name = {req->method.base, req->method.len};
	NecpSlice path = necp_edge_path(req);
	NecpMethod method = NECP_GET;
	bool known = necp_method_by_name(method_name, &method);
	NecpMatchResult result;

	if (job->thread->routes == NULL)
	{
		necp_edge_refuse_code(job, NECP_UNAVAILABLE, NULL, "the routes are not loaded yet");
		return false;
	}
	path.base += strlen(EDGE_PREFIX);
	path.len -= strlen(EDGE_PREFIX);
	result = necp_routes_match(job->thread->routes, method, path, &job->match);
	if (known && result == NECP_MATCH)
	{
		job->routes = necp_routes_ref(job->thread->routes);
		job->stats = job->match.route->user;
		return true;
	}
	if (result == NECP_MATCH_NOT_FOUND)
		necp_edge_refuse_code(job, NECP_NOT_FOUND, NULL, "there is no such path");
	else if (necp_slice_is(method_name, "OPTIONS"))
		necp_edge_answer_options(job, job->match.allowed);
	else
		necp_edge_refuse_method(job, job->match.allowed);
	return false;
}

static bool
is_json_type(NecpSlice type)
{
	static const char json[] = "application/json";
	size_t len = sizeof(json) - 1;

	if (type.len < len || strncasecmp(type.base, json, len) != 0)
		return false;
	while (len < type.len && type.base[len] == ' ')
		len++;
	return len == type.len || type.base[len] == ';';
}

static bool
check_content_type(EdgeJob *job)
{
	if (job->req->entity.len == 0 || is_json_type(job->content_type))
		return true;
	necp_edge_refuse_code(job,
						  NECP_UNSUPPORTED_MEDIA_TYPE,
						  NULL,
						  "the body must be application/json");
	return false;
}

static bool
check_key(EdgeJob *job)
{
	if (!job->match.route->idempotent ||
		(job->idempotency_key.base != NULL &&
		 necp_uuid_parse(&job->key, job->idempotency_key.base, job->idempotency_key.len)))
		return true;
	necp_edge_refuse_code(job, NECP_VALIDATION, "Idempotency-Key", "the header must be a UUID");
	return false;
}

static void
bind_edge_values(EdgeJob *job)
{
	NecpBound *bound = &job->bound;
	size_t len = necp_utf8_cut(job->user_agent.base, job->user_agent.len, MAX_USER_AGENT);
	char ip[INET6_ADDRSTRLEN];

	necp_bind_fixed(bound,
					job->claims.account_id != 0 ? job->claims.session.text : NULL,
					job->match.route->idempotent ? job->key.text : NULL,
					job->trace_id.text);
	for (int i = 0; i < bound->route->nparams; i++)
		if (bound->route->params[i].source == NECP_FROM_EDGE)
		{
			necp_edge_address_format(&job->client, ip);
			necp_bind_edge(bound, "client_ip", ip, strlen(ip));
			if (job->user_agent.base != NULL && necp_utf8_valid(job->user_agent.base, len))
				necp_bind_edge(bound, "user_agent", job->user_agent.base, len);
			return;
		}
}

static bool
bind_request(EdgeJob *job)
{
	NecpInput input = {&job->match,
					   necp_edge_query(job->req),
					   {job->req->entity.base, job->req->entity.len}};
	NecpProblem problem;

	job->bound_used = true;
	if (necp_bind(&job->bound, &input, &problem))
	{
		bind_edge_values(job);
		return true;
	}
	necp_edge_refuse(job, &problem);
	return false;
}

void
necp_edge_refuse_outcome(EdgeJob *job, NecpOutcome outcome, const PGresult *result)
{
	NecpProblem problem;

	if (outcome == NECP_OUTCOME_TIMEOUT)
		necp_problem_set(&problem, NECP_TIMEOUT, NULL, "the database did not answer in time");
	else if (outcome == NECP_OUTCOME_UNAVAILABLE)
		necp_problem_set(&problem, NECP_UNAVAILABLE, NULL, NULL);
	else
		necp_problem_from_result(&problem, result);
	if (problem.code == NECP_INTERNAL)
	{
		/* the client is told nothing, so the log has to tell all */
		NecpBuf *line = necp_log_begin(NECP_LOG_ERROR, "the database reports an unforeseen error");
		const char *message = result ? PQresultErrorMessage(result) : "";

		necp_log_text(line, "trace_id", job->trace_id.text, NECP_UUID_LEN);
		necp_log_text(line, "error", message, strlen(message));
		necp_log_end(NECP_LOG_ERROR);
	}
	necp_edge_refuse(job, &problem);
}

/*
 * A refusal that commits what it noted comes as an answer (docs/interfaces.md §5). Returns whether
 * it was one, and has then refused the request.
 */
static bool
refuse_returned(EdgeJob *job, const json_t *answer)
{
	const json_t *returned = json_object_get(answer, "problem");
	const char *name = json_string_value(json_object_get(returned, "code"));
	const char *detail = json_string_value(json_object_get(returned, "detail"));
	json_int_t retry_after = json_integer_value(json_object_get(returned, "retry_after"));
	NecpErrorCode code = name ? necp_error_by_name(name) : NECP_NO_ERROR;
	NecpProblem problem;

	if (returned == NULL)
		return false;
	necp_problem_set(&problem,
					 code != NECP_NO_ERROR ? code : NECP_INTERNAL,
					 json_string_value(json_object_get(returned, "field")),
					 detail ? "%s" : NULL,
					 detail);
	if (retry_after > 0 && retry_after <= 86400)
		problem.retry_after = (int) retry_after;
	necp_edge_refuse(job, &problem);
	return true;
}

/* Adds access_token, token_type and expires_in to what the route returned; false if that fails. */
static bool
add_token(EdgeJob *job, json_t *answer)
{
	EdgeThread *thread = job->thread;
	int64_t seconds = thread->settings->access_token_seconds;
	char *token = necp_token_sign(thread->keys, answer, thread->now_seconds, seconds);

	if (token == NULL)
		return false;
	json_object_set_new(answer, "access_token", json_string(token));
	json_object_set_new(answer, "token_type", json_string("Bearer"));
	json_object_set_new(answer, "expires_in", json_integer(seconds));
	free(token);
	return true;
}

/* The answer of a route that has to do with passwords or tokens: looked into before it goes out. */
static void
answer_inspected(EdgeJob *job, const char *body, size_t len)
{
	const NecpRoute *route = job->match.route;
	json_t *answer = json_loadb(body, len, JSON_DECODE_ANY, NULL);
	char *text;

	if (refuse_returned(job, answer))
	{
		json_decref(answer);
		return;
	}
	if (!route->issues_token)
		necp_edge_answer_json(job, route->status, body, len);
	else if (add_token(job, answer) && (text = json_dumps(answer, JSON_COMPACT)) != NULL)
	{
		necp_edge_answer_json(job, route->status, text, strlen(text));
		free(text);
	}
	else
	{
		necp_log(NECP_LOG_ERROR, "cannot sign a token for what %s returned", route->function);
		necp_edge_refuse_code(job, NECP_INTERNAL, NULL, NULL);
	}
	json_decref(answer);
}

static void
answer_rows(EdgeJob *job, const PGresult *result)
{
	const NecpRoute *route = job->match.route;
	const char *body;
	size_t len;

	if (PQntuples(result) != 1 || PQnfields(result) != 1)
	{
		necp_log(NECP_LOG_ERROR, "route %s did not return one value", route->function);
		necp_edge_refuse_code(job, NECP_INTERNAL, NULL, NULL);
		return;
	}
	body = PQgetisnull(result, 0, 0) ? "null" : PQgetvalue(result, 0, 0);
	len = strlen(body);
	if (route->issues_token || route->password != NECP_PASSWORD_NONE)
		answer_inspected(job, body, len);
	else
		necp_edge_answer_json(job, route->status, body, len);
}

static void
on_called(NecpRequest *request, NecpOutcome outcome, const PGresult *result)
{
	EdgeJob *job = (EdgeJob *) request;

	if (!necp_edge_job_resume(job))
		return;
	if (outcome == NECP_OUTCOME_ROWS)
		answer_rows(job, result);
	else
		necp_edge_refuse_outcome(job, outcome, result);
}

void
necp_edge_submit(EdgeJob *job, const NecpStatement *statement, NecpLane lane, bool repeatable,
				 NecpDone done)
{
	NecpRequest *request = &job->request;

	request->statement = statement;
	request->values = job->bound.values;
	request->lengths = NULL;
	request->formats = NULL;
	request->lane = lane;
	request->repeatable = repeatable;
	request->done = done;
	necp_edge_job_hold(job);
	if (necp_pool_submit(job->thread->pool, request))
		return;
	job->waiting = false;
	necp_edge_refuse_outcome(job, NECP_OUTCOME_UNAVAILABLE, NULL);
}

void
necp_edge_call(EdgeJob *job)
{
	const NecpRoute *route = job->match.route;

	necp_edge_submit(job,
					 &route->statement,
					 route->read_only ? NECP_LANE_READ : NECP_LANE_COMMAND,
					 route->read_only || route->idempotent,
					 on_called);
}

void
necp_edge_proceed(EdgeJob *job)
{
	if (!necp_edge_authorize(job, job->match.route) || !check_content_type(job) ||
		!check_key(job) || !bind_request(job))
		return;
	if (job->match.route->password != NECP_PASSWORD_NONE)
		necp_edge_password_start(job);
	else
		necp_edge_call(job);
}

void
necp_edge_api(EdgeJob *job)
{
	if (find_route(job))
		necp_edge_proceed(job);
}
