/* SPDX-License-Identifier: PostgreSQL
 *
 * The operators' endpoints.
 */
#include <stdio.h>

#include <libwebsockets.h>

#include "db.h"
#include "http.h"
#include "metrics.h"

static int
answer(struct lws *wsi, int status, const char *type, NecpSlice body)
{
	NecpBuf out = {0};
	int written;

	necp_buf_reserve(&out, LWS_PRE);
	out.len = LWS_PRE;
	necp_buf_add_format(&out,
						"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
						"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n",
						status,
						status == 200   ? "OK"
						: status == 404 ? "Not Found"
						: status == 405 ? "Method Not Allowed"
										: "Service Unavailable",
						type,
						body.len);
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI))
		necp_buf_add(&out, body.base, body.len);
	written = lws_write(wsi,
						(unsigned char *) out.data + LWS_PRE,
						out.len - LWS_PRE,
						LWS_WRITE_HTTP_FINAL);
	necp_buf_free(&out);
	return written < 0 || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int
answer_problem(struct lws *wsi, NecpErrorCode code)
{
	NecpProblem problem;
	NecpBuf body = {0};
	int result;

	necp_problem_set(&problem, code, NULL, NULL);
	necp_problem_write(&problem, NULL, &body);
	result = answer(wsi,
					necp_problem_status(&problem),
					"application/problem+json",
					(NecpSlice){body.data, body.len});
	necp_buf_free(&body);
	return result;
}

static int
answer_metrics(struct lws *wsi)
{
	NecpBuf body = {0};
	int result;

	necp_metrics_write(&body);
	result = answer(wsi,
					200,
					"text/plain; version=0.0.4; charset=utf-8",
					(NecpSlice){body.data, body.len});
	necp_buf_free(&body);
	return result;
}

int
necp_http_answer(struct lws *wsi, const char *path)
{
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) &&
		!lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI))
		return answer_problem(wsi, NECP_METHOD_NOT_ALLOWED);
	if (strcmp(path, "/health") == 0)
		return answer(wsi, 200, "application/json", NECP_SLICE("{\"status\":\"ok\"}"));
	if (strcmp(path, "/ready") == 0)
		return necp_db_is_ready()
				   ? answer(wsi, 200, "application/json", NECP_SLICE("{\"status\":\"ready\"}"))
				   : answer_problem(wsi, NECP_UNAVAILABLE);
	if (strcmp(path, "/metrics") == 0)
		return answer_metrics(wsi);
	return answer_problem(wsi, NECP_NOT_FOUND);
}
