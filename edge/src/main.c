/* SPDX-License-Identifier: PostgreSQL
 *
 * Starts the threads, waits for SIGTERM, lets the threads finish what is in flight.
 */
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "edge.h"
#include "log.h"

static bool
parse_options(int argc, char **argv)
{
	EdgeOptions *options = &necp_edge_options;
	const NecpFlag flags[] =
		{{"--db", NECP_FLAG_TEXT, &options->db, "CONNINFO", "database to connect to", true, 0, 0},
		 {"--listen",
		  NECP_FLAG_TEXT,
		  &options->listen,
		  "HOST:PORT",
		  "address to serve",
		  true,
		  0,
		  0},
		 {"--threads",
		  NECP_FLAG_INT,
		  &options->threads,
		  "N",
		  "event loops (default: one per core)",
		  false,
		  1,
		  64},
		 {"--connections",
		  NECP_FLAG_INT,
		  &options->connections,
		  "N",
		  "database connections (default: 24)",
		  false,
		  2,
		  512},
		 {"--service",
		  NECP_FLAG_TEXT,
		  &options->service,
		  "WING",
		  "serve the routes of one wing only",
		  false,
		  0,
		  0},
		 {"--node",
		  NECP_FLAG_TEXT,
		  &options->node,
		  "NAME",
		  "name of this process (default: host name)",
		  false,
		  0,
		  0},
		 {"--docs",
		  NECP_FLAG_TEXT,
		  &options->docs,
		  "DIR",
		  "folder served under /docs",
		  false,
		  0,
		  0},
		 {0}};

	options->threads = 0;
	if (!necp_flags_parse(flags, "necp-edge", argc, argv))
		return false;
	if (options->threads == 0)
	{
		long cores = sysconf(_SC_NPROCESSORS_ONLN);

		options->threads = cores < 1 ? 1 : cores > 16 ? 16 : (int) cores;
	}
	if (options->docs != NULL && access(options->docs, R_OK | X_OK) != 0)
	{
		fprintf(stderr, "necp-edge: cannot read --docs %s\n", options->docs);
		return false;
	}
	return true;
}

static void
raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max)
	{
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool
open_listeners(void)
{
	for (int i = 0; i < necp_edge_options.threads; i++)
	{
		necp_edge_threads[i].listen_fd = necp_edge_listen_open(necp_edge_options.listen, i == 0);
		if (necp_edge_threads[i].listen_fd < 0)
			return false;
	}
	return true;
}

static bool
start_threads(h2o_globalconf_t *conf)
{
	pthread_barrier_init(&necp_edge_all_ready, NULL, (unsigned) necp_edge_options.threads + 1);
	for (int i = 0; i < necp_edge_options.threads; i++)
	{
		EdgeThread *thread = &necp_edge_threads[i];

		thread->index = i;
		thread->conf = conf;
		if (pthread_create(&thread->id, NULL, necp_edge_thread_run, thread) != 0)
		{
			fputs("necp-edge: cannot start a thread\n", stderr);
			return false;
		}
	}
	pthread_barrier_wait(&necp_edge_all_ready);
	return true;
}

int
main(int argc, char **argv)
{
	static h2o_globalconf_t conf;
	sigset_t signals;
	char host[64];
	int got;

	if (!parse_options(argc, argv))
		return 2;
	if (sodium_init() < 0)
		return 1;
	if (necp_edge_options.node == NULL)
		necp_edge_options.node = gethostname(host, sizeof(host)) == 0 ? host : "edge";
	/* many arenas would cost memory and gain nothing: only the loops allocate much */
	mallopt(M_ARENA_MAX, necp_edge_options.threads + 1);
	raise_fd_limit();
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	necp_edge_threads = necp_alloc_zero((size_t) necp_edge_options.threads * sizeof(EdgeThread));
	if (!open_listeners())
		return 1;
	necp_edge_limit_init();
	necp_edge_measure_init();
	necp_edge_password_init();
	necp_edge_server_init(&conf);
	if (!start_threads(&conf))
		return 1;
	necp_log(NECP_LOG_INFO,
			 "serving %s with %d threads",
			 necp_edge_options.listen,
			 necp_edge_options.threads);

	sigwait(&signals, &got);
	necp_log(NECP_LOG_INFO, "stopping: finishing what is in flight");
	for (int i = 0; i < necp_edge_options.threads; i++)
		necp_edge_thread_stop(&necp_edge_threads[i]);
	for (int i = 0; i < necp_edge_options.threads; i++)
		pthread_join(necp_edge_threads[i].id, NULL);
	necp_log(NECP_LOG_INFO, "stopped");
	/* connecting and password threads may still run: no exit handler may pull OpenSSL away from them */
	_exit(0);
}
