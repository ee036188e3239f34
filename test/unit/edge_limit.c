/* SPDX-License-Identifier: PostgreSQL
 *
 * Rate limits and client addresses.
 */
#include <arpa/inet.h>
#include <unistd.h>

#include "common_tap.h"
#include "edge.h"

static bool
takes(const EdgeRate *rate, int64_t account)
{
	return necp_edge_limit_take(rate, 1, 2, &account, sizeof(account)) == 0;
}

static void
test_bucket(void)
{
	const EdgeRate rate = {.window_us = 200000, .interval_us = 40000}; /* 5 in 0.2 s */
	const EdgeRate slow = {.window_us = 10000000, .interval_us = 5000000};
	const EdgeRate none = {0};
	int64_t account = 9;
	int taken = 0;

	necp_edge_limit_init();
	for (int i = 0; i < 20; i++)
		taken += takes(&rate, 1);
	ok(taken == 5, "a full bucket");
	ok(takes(&rate, 2), "another account has its own");
	usleep(90000);
	taken = 0;
	for (int i = 0; i < 20; i++)
		taken += takes(&rate, 1);
	ok(taken == 2 || taken == 3, "it fills again");
	taken = 0;
	for (int i = 0; i < 1000; i++)
		taken += takes(&none, 1);
	ok(taken == 1000, "no limit");
	ok(takes(&slow, 9) && takes(&slow, 9) && !takes(&slow, 9), "two in ten seconds");
	ok(necp_edge_limit_take(&slow, 1, 2, &account, sizeof(account)) == 5, "and how long to wait");
	ok(necp_edge_limit_take(&slow, 2, 2, &account, sizeof(account)) == 0,
	   "another class has its own");
	taken = 0;
	for (int64_t i = 100; i < 200100; i++)
		taken += takes(&slow, i);
	ok(taken == 200000, "a flood of strangers does not block strangers");
}

static bool
parses_to(const char *text, const char *expected)
{
	EdgeAddress address;
	char out[INET6_ADDRSTRLEN];

	if (!necp_edge_address_parse(&address, text, strlen(text)))
		return expected == NULL;
	necp_edge_address_format(&address, out);
	return expected != NULL && strcmp(out, expected) == 0;
}

static void
test_address(void)
{
	EdgeNetwork network;

	ok(parses_to("10.1.2.3", "10.1.2.3") && parses_to("2001:DB8::1", "2001:db8::1"), "addresses");
	ok(parses_to("::ffff:1.2.3.4", "1.2.3.4"), "mapped IPv4 is IPv4");
	ok(parses_to("", NULL) && parses_to("x", NULL) && parses_to("1.2.3", NULL), "what is none");
	ok(necp_edge_network_parse(&network, "10.0.0.0/8") && network.bits == 104, "a network");
	ok(necp_edge_network_parse(&network, "::1") && network.bits == 128, "a single host");
	ok(!necp_edge_network_parse(&network, "10.0.0.0/33") &&
		   !necp_edge_network_parse(&network, "10.0.0.0/"),
	   "no networks");
}

static socklen_t
fake_peer(h2o_conn_t *conn, struct sockaddr *sa)
{
	struct sockaddr_in *in = (struct sockaddr_in *) sa;

	memset(in, 0, sizeof(*in));
	in->sin_family = AF_INET;
	inet_pton(AF_INET, "10.0.0.1", &in->sin_addr);
	return sizeof(*in);
}

static bool
client_is(EdgeSettings *settings, const char *forwarded, const char *expected)
{
	const h2o_conn_callbacks_t callbacks = {.get_peername = fake_peer};
	h2o_conn_t conn = {.callbacks = &callbacks};
	static h2o_req_t req;
	static EdgeThread thread;
	static EdgeJob job;
	EdgeAddress address;
	char out[INET6_ADDRSTRLEN];

	req.conn = &conn;
	thread.settings = settings;
	job.thread = &thread;
	job.req = &req;
	job.forwarded_for = necp_slice(forwarded);
	address = necp_edge_client_address(&job);
	necp_edge_address_format(&address, out);
	return strcmp(out, expected) == 0;
}

static void
test_forwarded(void)
{
	static const char trusting[] = "{\"edge.trusted_proxies\":[\"10.0.0.0/8\"]}";
	EdgeSettings *wary = necp_edge_settings_build(NULL);
	EdgeSettings *trusts =
		necp_edge_settings_build(necp_config_parse(trusting, sizeof(trusting) - 1));

	ok(client_is(wary, "1.2.3.4", "10.0.0.1"), "a stranger's X-Forwarded-For counts for nothing");
	ok(client_is(trusts, NULL, "10.0.0.1"), "no header");
	ok(client_is(trusts, "1.2.3.4", "1.2.3.4"), "a trusted proxy is believed");
	ok(client_is(trusts, "6.6.6.6, 1.2.3.4 , 10.9.9.9", "1.2.3.4"), "back to the first stranger");
	ok(client_is(trusts, "6.6.6.6, junk", "10.0.0.1"), "junk ends it");
	necp_edge_settings_unref(wary);
	necp_edge_settings_unref(trusts);
}

int
main(void)
{
	test_bucket();
	test_address();
	test_forwarded();
	return done_testing();
}
