/* SPDX-License-Identifier: PostgreSQL
 *
 * Who is asking: the peer, or the client a trusted proxy speaks for.
 */
#include <arpa/inet.h>

#include "edge.h"

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool
necp_edge_address_parse(EdgeAddress *address, const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];

	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	memcpy(address->bytes, mapped_prefix, sizeof(mapped_prefix));
	return inet_pton(AF_INET, copy, address->bytes + 12) == 1 ||
		   inet_pton(AF_INET6, copy, address->bytes) == 1;
}

bool
necp_edge_network_parse(EdgeNetwork *network, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t) (slash - text) : strlen(text);
	bool v4 = memchr(text, ':', len) == NULL;
	int bits = v4 ? 32 : 128;

	if (!necp_edge_address_parse(&network->address, text, len))
		return false;
	if (slash != NULL)
	{
		char *end;
		long given = strtol(slash + 1, &end, 10);

		if (end == slash + 1 || *end != '\0' || given < 0 || given > bits)
			return false;
		bits = (int) given;
	}
	network->bits = v4 ? bits + 96 : bits;
	return true;
}

void
necp_edge_address_format(const EdgeAddress *address, char *out)
{
	if (memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0)
		inet_ntop(AF_INET, address->bytes + 12, out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, address->bytes, out, INET6_ADDRSTRLEN);
}

static bool
in_network(const EdgeNetwork *network, const EdgeAddress *address)
{
	size_t bytes = (size_t) network->bits / 8;
	int rest = network->bits % 8;

	if (memcmp(network->address.bytes, address->bytes, bytes) != 0)
		return false;
	return rest == 0 ||
		   ((network->address.bytes[bytes] ^ address->bytes[bytes]) >> (8 - rest)) == 0;
}

static bool
is_trusted(const EdgeSettings *settings, const EdgeAddress *address)
{
	for (int i = 0; i < settings->nproxies; i++)
		if (in_network(&settings->proxies[i], address))
			return true;
	return false;
}

static EdgeAddress
peer_address(h2o_conn_t *conn)
{
	struct sockaddr_storage storage;
	EdgeAddress address = {{0}};

	if (conn->callbacks->get_peername(conn, (struct sockaddr *) &storage) == 0)
		return address;
	if (storage.ss_family == AF_INET6)
		memcpy(address.bytes, &((struct sockaddr_in6 *) &storage)->sin6_addr, 16);
	else if (storage.ss_family == AF_INET)
	{
		memcpy(address.bytes, mapped_prefix, sizeof(mapped_prefix));
		memcpy(address.bytes + 12, &((struct sockaddr_in *) &storage)->sin_addr, 4);
	}
	return address;
}

/* The last element before *end of a comma-separated list, without spaces; moves *end before it. */
static NecpSlice
last_element(NecpSlice list, size_t *end)
{
	size_t stop = *end;
	size_t start;

	while (stop > 0 && (list.base[stop - 1] == ' ' || list.base[stop - 1] == '\t'))
		stop--;
	start = stop;
	while (start > 0 && list.base[start - 1] != ',')
		start--;
	*end = start > 0 ? start - 1 : 0;
	while (start < stop && (list.base[start] == ' ' || list.base[start] == '\t'))
		start++;
	return (NecpSlice){list.base + start, stop - start};
}

EdgeAddress
necp_edge_client_address(EdgeJob *job)
{
	const EdgeSettings *settings = job->thread->settings;
	EdgeAddress address = peer_address(job->req->conn);
	size_t end = job->forwarded_for.len;

	/* each trusted proxy appended who it got the request from: walk back to the first stranger */
	while (end > 0 && is_trusted(settings, &address))
	{
		NecpSlice element = last_element(job->forwarded_for, &end);
		EdgeAddress hop;

		if (!necp_edge_address_parse(&hop, element.base, element.len))
			break;
		address = hop;
	}
	return address;
}
