/* SPDX-License-Identifier: PostgreSQL
 *
 * necp-realtime: STOMP over WebSocket in front of the database. One thread, one loop; start one
 * process per core on the same port.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "client.h"
#include "db.h"
#include "log.h"
#include "outbox.h"
#include "server.h"
#include "session.h"
#include "settings.h"
#include "stats.h"
#include "subscription.h"
#include "turn.h"
#include "world.h"

#define SWEEP_MS 250
#define DRAIN_MS 3000
#define GOING_AWAY 1001

static uv_timer_t tick_timer;
static uv_timer_t sweep_timer;
static uv_timer_t drain_timer;
static uv_timer_t pause_timer;
static uv_prepare_t turn_end;
static uv_signal_t signals[2];
static uint64_t last_touch_ms;
static int64_t tick_ms;
static bool stopping;

/* The turn it begins does the flushing. */
static void
on_paused(uv_timer_t *timer)
{
}

/* Everything a turn queued leaves here, just before the loop waits. */
static void
on_turn_end(uv_prepare_t *handle)
{
	uint64_t pause = necp_clients_pause();

	if (pause == 0)
		necp_clients_flush();
	else if (!uv_is_active((uv_handle_t *) &pause_timer))
		uv_timer_start(&pause_timer, on_paused, pause, 0);
	necp_db_turn();
	necp_log_flush();
	if (stopping && necp_client_count == 0)
		uv_stop(necp_turn_loop());
}

static void
on_tick(uv_timer_t *timer)
{
	necp_world_tick();
	necp_session_verify_step();
	if (tick_ms == necp_settings.tick_ms)
		return;
	tick_ms = necp_settings.tick_ms;
	uv_timer_set_repeat(timer, (uint64_t) tick_ms);
}

static void
on_sweep(uv_timer_t *timer)
{
	uint64_t now = necp_turn_ms();

	necp_db_tick();
	necp_session_sweep(now);
	necp_topics_sweep(now);
	if (now - last_touch_ms < (uint64_t) necp_settings.touch_ms)
		return;
	last_touch_ms = now;
	necp_session_touch();
}

static void
on_drained(uv_timer_t *timer)
{
	uv_stop(necp_turn_loop());
}

static void
on_signal(uv_signal_t *handle, int number)
{
	if (stopping)
		return;
	stopping = true;
	necp_log(NECP_LOG_INFO, "stopping");
	necp_server_stop_accepting();
	for (Client *client = necp_clients; client != NULL; client = client->next)
		necp_client_close(client, GOING_AWAY, "going away");
	uv_timer_start(&drain_timer, on_drained, DRAIN_MS, 0);
}

/* lws sizes its tables by the limit, so it is what we can use and no more. */
static void
set_file_limit(void)
{
	struct rlimit limit;
	rlim_t wanted = 65536;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void
start_timers(void)
{
	uv_loop_t *loop = necp_turn_loop();

	tick_ms = necp_settings.tick_ms;
	uv_timer_init(loop, &tick_timer);
	uv_timer_start(&tick_timer, on_tick, (uint64_t) tick_ms, (uint64_t) tick_ms);
	uv_timer_init(loop, &sweep_timer);
	uv_timer_start(&sweep_timer, on_sweep, SWEEP_MS, SWEEP_MS);
	uv_timer_init(loop, &drain_timer);
	uv_timer_init(loop, &pause_timer);
	uv_prepare_init(loop, &turn_end);
	uv_prepare_start(&turn_end, on_turn_end);
	last_touch_ms = necp_turn_ms();
}

static void
catch_signals(void)
{
	static const int numbers[] = {SIGTERM, SIGINT};

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2; i++)
	{
		uv_signal_init(necp_turn_loop(), &signals[i]);
		uv_signal_start(&signals[i], on_signal, numbers[i]);
	}
}

static void
close_handle(uv_handle_t *handle, void *arg)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* In order of dependence: sockets first, since their ends call the database. */
static void
stop_everything(void)
{
	uv_loop_t *loop = necp_turn_loop();

	necp_world_stop();
	necp_db_stop();
	uv_close((uv_handle_t *) &tick_timer, NULL);
	uv_close((uv_handle_t *) &sweep_timer, NULL);
	uv_close((uv_handle_t *) &drain_timer, NULL);
	uv_close((uv_handle_t *) &pause_timer, NULL);
	uv_close((uv_handle_t *) &turn_end, NULL);
	uv_close((uv_handle_t *) &signals[0], NULL);
	uv_close((uv_handle_t *) &signals[1], NULL);
	necp_server_stop();
	/* lws closes its handles through the loop */
	for (int i = 0; i < 100 && uv_run(loop, UV_RUN_NOWAIT) != 0; i++)
		;
	uv_walk(loop, close_handle, NULL);
	(void) uv_run(loop, UV_RUN_NOWAIT);
	necp_log_flush();
}

int
main(int argc, char **argv)
{
	static const DbEvents events = {necp_outbox_notify, necp_outbox_listening};
	Options options;

	if (!necp_options_parse(&options, argc, argv))
		return 2;
	set_file_limit();
	necp_log_buffered();
	necp_settings_load(NULL);
	necp_stats_init();
	necp_metrics_add_process();
	necp_session_init(options.node);
	catch_signals();
	if (!necp_server_start(options.listen))
	{
		necp_log_flush();
		return 1;
	}
	necp_db_start(&options, &events);
	start_timers();
	necp_log(NECP_LOG_INFO, "%s listens on %s", options.node, options.listen);
	uv_run(necp_turn_loop(), UV_RUN_DEFAULT);
	stop_everything();
	return 0;
}
