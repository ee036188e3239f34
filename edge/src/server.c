/* SPDX-License-Identifier: PostgreSQL
 *
 * h2o's configuration, and where its requests come in.
 */
#include "edge.h"

typedef struct Endpoint
{
	const char *path;
	void (*run)(EdgeJob *job);
} Endpoint;

static const Endpoint endpoints[] = {
	{"/health", necp_edge_health},
	{"/ready", necp_edge_ready},
	{"/metrics", necp_edge_metrics},
};

static NecpSlice
value_of(const h2o_header_t *header)
{
	return (NecpSlice){header->value.base, header->value.len};
}

/* Takes what is needed of the headers in one pass. */
static void
read_headers(EdgeJob *job)
{
	const h2o_headers_t *headers = &job->req->headers;
	bool has_id = false;

	for (size_t i = 0; i < headers->size; i++)
	{
		const h2o_header_t *header = &headers->entries[i];

		if (header->name == &H2O_TOKEN_AUTHORIZATION->buf)
			job->authorization = value_of(header);
		else if (header->name == &H2O_TOKEN_CONTENT_TYPE->buf)
			job->content_type = value_of(header);
		else if (header->name == &H2O_TOKEN_USER_AGENT->buf)
			job->user_agent = value_of(header);
		else if (header->name == &H2O_TOKEN_X_FORWARDED_FOR->buf)
			job->forwarded_for = value_of(header);
		else if (h2o_memis(header->name->base, header->name->len, H2O_STRLIT("idempotency-key")))
			job->idempotency_key = value_of(header);
		else if (h2o_memis(header->name->base, header->name->len, H2O_STRLIT("origin")))
			necp_edge_take_origin(job, value_of(header));
		else if (h2o_memis(header->name->base, header->name->len, H2O_STRLIT("x-request-id")))
			has_id = necp_uuid_parse(&job->trace_id, header->value.base, header->value.len);
	}
	if (!has_id)
		necp_uuid_generate(&job->trace_id);
	job->client = necp_edge_client_address(job);
}

static void
run_endpoint(EdgeJob *job, const Endpoint *endpoint)
{
	const h2o_req_t *req = job->req;

	job->stats = necp_edge_stats(EDGE_PROBE);
	if (h2o_memis(req->method.base, req->method.len, H2O_STRLIT("GET")) ||
		h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD")))
		endpoint->run(job);
	else if (h2o_memis(req->method.base, req->method.len, H2O_STRLIT("OPTIONS")))
		necp_edge_answer_options(job, 1u << NECP_GET);
	else
		necp_edge_refuse_method(job, 1u << NECP_GET);
}

static void
dispatch(EdgeJob *job)
{
	NecpSlice path = necp_edge_path(job->req);
	size_t prefix = strlen(EDGE_PREFIX);

	if (path.len > prefix && memcmp(path.base, EDGE_PREFIX "/", prefix + 1) == 0)
	{
		necp_edge_api(job);
		return;
	}
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		if (necp_slice_is(path, endpoints[i].path))
		{
			run_endpoint(job, &endpoints[i]);
			return;
		}
	necp_edge_refuse_code(job, NECP_NOT_FOUND, NULL, "there is no such path");
}

static int
on_request(h2o_handler_t *self, h2o_req_t *req)
{
	EdgeThread *thread = (EdgeThread *) req->conn->ctx;
	EdgeJob *job = necp_edge_job_new(thread, req);
	const char *trouble = necp_edge_framing_trouble(req);

	job->stats = necp_edge_stats(EDGE_UNMATCHED);
	read_headers(job);
	if (trouble != NULL)
	{
		req->http1_is_persistent = 0;
		necp_edge_refuse_code(job, NECP_VALIDATION, NULL, trouble);
	}
	else
		dispatch(job);
	return 0;
}

static void
add_handler(h2o_pathconf_t *path)
{
	h2o_handler_t *handler = h2o_create_handler(path, sizeof(*handler));

	handler->on_req = on_request;
	necp_edge_add_problem_filter(path);
}

void
necp_edge_server_init(h2o_globalconf_t *conf)
{
	static const char *index_files[] = {"index.html", NULL};
	h2o_hostconf_t *host;

	h2o_config_init(conf);
	conf->server_name = h2o_iovec_init(H2O_STRLIT("necp-edge"));
	conf->max_request_entity_size = EDGE_MAX_BODY;
	conf->http1.upgrade_to_http2 = 0; /* h2o 2.2.5 is open to rapid reset */
	conf->http1.req_timeout = 10000;
	host = h2o_config_register_host(conf, h2o_iovec_init(H2O_STRLIT("default")), 65535);
	if (necp_edge_options.docs != NULL)
	{
		h2o_pathconf_t *docs = h2o_config_register_path(host, "/docs", 0);

		necp_edge_add_problem_filter(docs);
		h2o_file_register(docs, necp_edge_options.docs, index_files, NULL, 0);
	}
	add_handler(h2o_config_register_path(host, "/", 0));
	/* what h2o answers before it looks at the path goes through here */
	necp_edge_add_problem_filter(&host->fallback_path);
}
