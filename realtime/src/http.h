/* SPDX-License-Identifier: PostgreSQL
 *
 * GET /health, /ready, /metrics beside the WebSockets.
 */
#ifndef NECP_HTTP_H
#define NECP_HTTP_H

struct lws;

/* Answers a request; as an lws callback: 0, or -1 to close. */
int necp_http_answer(struct lws *wsi, const char *path);

#endif
