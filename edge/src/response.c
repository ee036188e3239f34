/* SPDX-License-Identifier: PostgreSQL
 *
 * Answers: headers, problem documents, CORS.
 */
#include "edge.h"

#define JSON_TYPE "application/json; charset=utf-8"
#define PROBLEM_TYPE "application/problem+json"

static h2o_generator_t no_generator = {NULL, NULL};

static const char *
reason_of(int status)
{
	switch (status)
	{
		case 200:
			return "OK";
		case 201:
			return "Created";
		case 202:
			return "Accepted";
		case 204:
			return "No Content";
		case 400:
			return "Bad Request";
		case 401:
			return "Unauthorized";
		case 403:
			return "Forbidden";
		case 404:
			return "Not Found";
		case 405:
			return "Method Not Allowed";
		case 409:
			return "Conflict";
		case 410:
			return "Gone";
		case 413:
			return "Payload Too Large";
		case 415:
			return "Unsupported Media Type";
		case 422:
			return "Unprocessable Entity";
		case 423:
			return "Locked";
		case 429:
			return "Too Many Requests";
		case 503:
			return "Service Unavailable";
		case 504:
			return "Gateway Timeout";
		default:
			return status < 400 ? "OK" : status < 500 ? "Error" : "Internal Server Error";
	}
}

static void
add_header(h2o_req_t *req, const char *name, size_t name_len, const char *value, size_t len)
{
	h2o_add_header_by_str(&req->pool, &req->res.headers, name, name_len, 0, NULL, value, len);
}

static void
add_token_header(h2o_req_t *req, const h2o_token_t *token, const char *value, size_t len)
{
	h2o_add_header(&req->pool, &req->res.headers, token, NULL, value, len);
}

static void
add_cors_headers(const EdgeJob *job)
{
	h2o_req_t *req = job->req;
	h2o_iovec_t origin = h2o_strdup(&req->pool, job->origin.base, job->origin.len);

	add_header(req, H2O_STRLIT("access-control-allow-origin"), origin.base, origin.len);
	add_header(req,
			   H2O_STRLIT("access-control-expose-headers"),
			   H2O_STRLIT("X-Request-Id, Retry-After"));
	add_token_header(req, H2O_TOKEN_VARY, H2O_STRLIT("Origin"));
}

/* What every answer carries; the status line and the content's headers as well. */
static void
begin(EdgeJob *job, int status, const char *content_type, size_t len)
{
	h2o_req_t *req = job->req;
	h2o_iovec_t id = h2o_strdup(&req->pool, job->trace_id.text, NECP_UUID_LEN);

	req->res.status = status;
	req->res.reason = reason_of(status);
	req->res.content_length = len;
	if (content_type != NULL)
		add_token_header(req, H2O_TOKEN_CONTENT_TYPE, content_type, strlen(content_type));
	add_token_header(req, H2O_TOKEN_CACHE_CONTROL, H2O_STRLIT("no-store"));
	add_header(req, H2O_STRLIT("x-content-type-options"), H2O_STRLIT("nosniff"));
	add_header(req, H2O_STRLIT("x-request-id"), id.base, id.len);
	if (job->origin.base != NULL)
		add_cors_headers(job);
	if (job->thread->draining)
		req->http1_is_persistent = 0;
}

/* The body is copied: h2o may still be writing it when its owner has gone on. */
static void
finish(EdgeJob *job, const char *body, size_t len)
{
	h2o_req_t *req = job->req;
	h2o_iovec_t copy = h2o_strdup(&req->pool, body, len);
	bool head = h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"));

	necp_edge_measure_answer(job, req->res.status);
	necp_edge_job_release_socket(job);
	necp_edge_job_end(job);
	h2o_start_response(req, &no_generator);
	h2o_send(req, &copy, head || len == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
}

void
necp_edge_answer(EdgeJob *job, int status, const char *content_type, const char *body, size_t len)
{
	begin(job, status, content_type, len);
	finish(job, body, len);
}

void
necp_edge_answer_json(EdgeJob *job, int status, const char *body, size_t len)
{
	necp_edge_answer(job, status, JSON_TYPE, body, len);
}

static void
add_problem_headers(h2o_req_t *req, const NecpProblem *problem)
{
	if (problem->retry_after > 0)
	{
		char *text = h2o_mem_alloc_pool(&req->pool, 24);

		add_token_header(req,
						 H2O_TOKEN_RETRY_AFTER,
						 text,
						 necp_format_int(text, problem->retry_after));
	}
	if (necp_problem_status(problem) == 401)
		add_token_header(req, H2O_TOKEN_WWW_AUTHENTICATE, H2O_STRLIT("Bearer"));
}

void
necp_edge_refuse(EdgeJob *job, const NecpProblem *problem)
{
	NecpBuf body = {0};

	necp_problem_write(problem, job->trace_id.text, &body);
	begin(job, necp_problem_status(problem), PROBLEM_TYPE, body.len);
	add_problem_headers(job->req, problem);
	finish(job, body.data, body.len);
	necp_buf_free(&body);
}

void
necp_edge_refuse_code(EdgeJob *job, NecpErrorCode code, const char *field, const char *detail)
{
	NecpProblem problem;

	necp_problem_set(&problem, code, field, detail ? "%s" : NULL, detail);
	necp_edge_refuse(job, &problem);
}

static void
add_allow(h2o_req_t *req, unsigned allowed, const char *name, size_t name_len)
{
	char *list = h2o_mem_alloc_pool(&req->pool, 64);

	necp_method_list(allowed, list);
	strcat(list, list[0] != '\0' ? ", OPTIONS" : "OPTIONS");
	add_header(req, name, name_len, list, strlen(list));
}

void
necp_edge_refuse_method(EdgeJob *job, unsigned allowed)
{
	add_allow(job->req, allowed, H2O_STRLIT("allow"));
	necp_edge_refuse_code(job, NECP_METHOD_NOT_ALLOWED, NULL, NULL);
}

void
necp_edge_answer_options(EdgeJob *job, unsigned allowed)
{
	h2o_req_t *req = job->req;

	job->stats = necp_edge_stats(EDGE_PREFLIGHT);
	add_allow(req, allowed, H2O_STRLIT("allow"));
	if (job->origin.base != NULL)
	{
		add_allow(req, allowed, H2O_STRLIT("access-control-allow-methods"));
		add_header(req,
				   H2O_STRLIT("access-control-allow-headers"),
				   H2O_STRLIT("Authorization, Content-Type, Idempotency-Key, X-Request-Id"));
		add_header(req, H2O_STRLIT("access-control-max-age"), H2O_STRLIT("600"));
	}
	/* 204 has no body, and h2o leaves the length out for SIZE_MAX */
	begin(job, 204, NULL, SIZE_MAX);
	finish(job, "", 0);
}

void
necp_edge_take_origin(EdgeJob *job, NecpSlice origin)
{
	const EdgeSettings *settings = job->thread->settings;
	bool allowed = settings->any_origin;

	for (int i = 0; i < settings->norigins && !allowed; i++)
		allowed = necp_slice_is(origin, settings->origins[i]);
	if (allowed && origin.len > 0)
		job->origin = origin;
}

static NecpErrorCode
code_of_status(int status)
{
	switch (status)
	{
		case 403:
			return NECP_FORBIDDEN;
		case 404:
			return NECP_NOT_FOUND;
		case 405:
			return NECP_METHOD_NOT_ALLOWED;
		case 413:
			return NECP_BODY_TOO_LARGE;
		default:
			return status >= 500 ? NECP_INTERNAL : NECP_VALIDATION;
	}
}

typedef struct ProblemStream
{
	h2o_ostream_t super;
	h2o_iovec_t body;
} ProblemStream;

static void
send_problem(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t nbufs,
			 h2o_send_state_t state)
{
	ProblemStream *stream = (ProblemStream *) self;
	bool final = !h2o_send_state_is_in_progress(state);

	h2o_ostream_send_next(self, req, &stream->body, final ? 1 : 0, state);
}

/* Replaces the text/plain body h2o gives its own errors (413 above all, sent before any handler). */
static void
on_setup_ostream(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
	ssize_t type = h2o_find_header(&req->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);
	NecpBuf body = {0};
	NecpProblem problem;
	ProblemStream *stream;
	h2o_iovec_t trace;
	NecpUuid id;

	if (req->res.status < 400 || type < 0 ||
		!h2o_memis(req->res.headers.entries[type].value.base,
				   req->res.headers.entries[type].value.len,
				   H2O_STRLIT("text/plain; charset=utf-8")))
	{
		h2o_setup_next_ostream(req, slot);
		return;
	}
	necp_uuid_generate(&id);
	necp_problem_set(&problem, code_of_status(req->res.status), NULL, NULL);
	necp_problem_write(&problem, id.text, &body);
	stream = (ProblemStream *) h2o_add_ostream(req, sizeof(*stream), slot);
	stream->super.do_send = send_problem;
	stream->body = h2o_strdup(&req->pool, body.data, body.len);
	necp_buf_free(&body);
	req->res.content_length = stream->body.len;
	req->res.headers.entries[type].value = h2o_iovec_init(H2O_STRLIT(PROBLEM_TYPE));
	trace = h2o_strdup(&req->pool, id.text, NECP_UUID_LEN);
	add_token_header(req, H2O_TOKEN_CACHE_CONTROL, H2O_STRLIT("no-store"));
	add_header(req, H2O_STRLIT("x-content-type-options"), H2O_STRLIT("nosniff"));
	add_header(req, H2O_STRLIT("x-request-id"), trace.base, trace.len);
	h2o_setup_next_ostream(req, &stream->super.next);
}

void
necp_edge_add_problem_filter(h2o_pathconf_t *path)
{
	h2o_filter_t *filter = h2o_create_filter(path, sizeof(*filter));

	filter->on_setup_ostream = on_setup_ostream;
}
