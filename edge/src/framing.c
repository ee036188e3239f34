/* SPDX-License-Identifier: PostgreSQL
 *
 * A second look at the raw head of a request. h2o takes the first of two Content-Lengths and prefers
 * Transfer-Encoding silently; a proxy in front may choose otherwise, and then the two disagree where
 * a request ends. Such requests are refused. The head is still at the start of the socket's input
 * buffer while its request is handled.
 */
#include "edge.h"

typedef struct HeadCount
{
	int content_lengths;
	int transfer_encodings;
	int hosts;
	bool folded;
} HeadCount;

static bool
line_is(const char *line, size_t len, const char *name, size_t name_len)
{
	/* h2o has lower-cased the names in place; trailing spaces before the colon it refuses itself */
	return len > name_len && line[name_len] == ':' && memcmp(line, name, name_len) == 0;
}

static void
count_line(HeadCount *count, const char *line, size_t len)
{
	switch (line[0])
	{
		case ' ':
		case '\t':
			count->folded = true;
			break;
		case 'c':
			count->content_lengths += line_is(line, len, H2O_STRLIT("content-length"));
			break;
		case 't':
			count->transfer_encodings += line_is(line, len, H2O_STRLIT("transfer-encoding"));
			break;
		case 'h':
			count->hosts += line_is(line, len, H2O_STRLIT("host"));
			break;
		default:
			break;
	}
}

static HeadCount
count_head(const char *head, size_t size)
{
	const char *end = head + size;
	const char *line = memchr(head, '\n', size);
	HeadCount count = {0};

	while (line != NULL && ++line < end)
	{
		const char *next = memchr(line, '\n', (size_t) (end - line));
		size_t len = (size_t) ((next ? next : end) - line);

		if (len == 0 || line[0] == '\r')
			break;
		count_line(&count, line, len);
		line = next;
	}
	return count;
}

const char *
necp_edge_framing_trouble(h2o_req_t *req)
{
	h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);
	HeadCount count = count_head(sock->input->bytes, sock->input->size);

	if (count.folded)
		return "a header is folded";
	if (count.content_lengths + count.transfer_encodings > 1)
		return "the length of the body is given more than once";
	if (count.hosts > 1 || (count.hosts == 0 && req->version >= 0x101))
		return "there must be one Host header";
	return NULL;
}
