/* SPDX-License-Identifier: PostgreSQL
 *
 * A thread's life: its loop, and what is done once per turn.
 */
#include <time.h>

#include "edge.h"
#include "log.h"

#define TURN_MS 50
#define TICK_MS 100
#define TOKEN_CACHE 4096

EdgeOptions necp_edge_options = {.threads = 1, .connections = 24};
EdgeThread *necp_edge_threads;

static int
share(int total, int parts)
{
	int part = total / parts;

	return part < 1 ? 1 : part;
}

static NecpPool *
make_pool(NecpLoop loop)
{
	int connections = share(necp_edge_options.connections, necp_edge_options.threads);
	char name[64];
	NecpPoolConfig config;

	necp_pool_config_init(&config);
	snprintf(name, sizeof(name), "necp-edge %.40s", necp_edge_options.node);
	config.conninfo = necp_edge_options.db;
	config.application_name = name;
	/* few for reads: several requests on one wake a backend once; many for commands, which wait for
	 * locks, and whose commits share a flush only with company */
	config.connections[NECP_LANE_READ] = connections >= 6 ? 2 : 1;
	config.connections[NECP_LANE_COMMAND] =
		share(connections - config.connections[NECP_LANE_READ], 1);
	return necp_pool_new(loop, &config);
}

pthread_barrier_t necp_edge_all_ready;

/*
 * A context is made by the thread that runs it: the input buffers of its own sockets come from
 * spare ones that h2o keeps per thread, without a lock. The threads wait for each other, because the
 * first one sends to the others as soon as it runs.
 */
static void
make_context(EdgeThread *thread)
{
	h2o_context_init(&thread->ctx, h2o_evloop_create(), thread->conf);
	necp_edge_reload_init(thread);
	pthread_barrier_wait(&necp_edge_all_ready);
}

static void
set_up(EdgeThread *thread)
{
	NecpLoop loop = {&necp_edge_loop_ops, thread->ctx.loop};

	necp_log_buffered();
	thread->settings = necp_edge_settings_build(NULL);
	thread->tokens = necp_token_cache_new(TOKEN_CACHE);
	thread->pool = make_pool(loop);
	if (thread->index == 0)
		thread->loader = necp_edge_loader_new(loop);
	necp_edge_listen_start(thread);
}

static void
end_turn(EdgeThread *thread)
{
	uint64_t now = necp_now_ms();

	necp_pool_turn(thread->pool);
	necp_log_flush();
	thread->now_seconds = time(NULL);
	if (thread->loader != NULL && now >= thread->tick_at_ms)
	{
		thread->tick_at_ms = now + TICK_MS;
		necp_listener_tick(thread->loader);
	}
}

static bool
is_finished(const EdgeThread *thread)
{
	if (!thread->draining)
		return false;
	return (thread->connections == 0 && thread->jobs == 0) ||
		   necp_now_ms() > thread->drain_until_ms;
}

static void
tear_down(EdgeThread *thread)
{
	if (thread->connections > 0)
		necp_log(NECP_LOG_WARNING, "stopping with %d connections still open", thread->connections);
	if (thread->loader != NULL)
		necp_listener_free(thread->loader);
	necp_pool_free(thread->pool);
	necp_token_cache_free(thread->tokens);
	necp_routes_unref(thread->routes);
	necp_keys_unref(thread->keys);
	necp_edge_settings_unref(thread->settings);
	while (thread->free_jobs != NULL)
	{
		EdgeJob *job = thread->free_jobs;

		thread->free_jobs = job->next_free;
		free(job);
	}
	necp_log_end_thread();
}

void *
necp_edge_thread_run(void *arg)
{
	EdgeThread *thread = arg;

	make_context(thread);
	set_up(thread);
	while (!is_finished(thread))
	{
		h2o_evloop_run(thread->ctx.loop, TURN_MS);
		end_turn(thread);
	}
	tear_down(thread);
	return NULL;
}
