/* SPDX-License-Identifier: PostgreSQL
 *
 * Configuration, routes and keys: the first thread loads them, every thread gets its own reference
 * by message and swaps it between two requests.
 */
#include "edge.h"
#include "log.h"

typedef enum MessageKind
{
	TAKE_SETTINGS,
	TAKE_ROUTES,
	TAKE_KEYS,
	STOP
} MessageKind;

typedef struct Message
{
	h2o_multithread_message_t super;
	MessageKind kind;
	void *payload;
} Message;

static void
send_message(EdgeThread *thread, MessageKind kind, void *payload)
{
	Message *message = necp_alloc_zero(sizeof(Message));

	message->kind = kind;
	message->payload = payload;
	h2o_multithread_send_message(&thread->messages, &message->super);
}

static void
take_settings(EdgeThread *thread, EdgeSettings *settings)
{
	necp_edge_settings_unref(thread->settings);
	thread->settings = settings;
	thread->ctx.http1.req_timeout.timeout = settings->header_timeout_ms;
}

static void
take_message(EdgeThread *thread, const Message *message)
{
	switch (message->kind)
	{
		case TAKE_SETTINGS:
			take_settings(thread, message->payload);
			break;
		case TAKE_ROUTES:
			necp_routes_unref(thread->routes);
			thread->routes = message->payload;
			break;
		case TAKE_KEYS:
			necp_keys_unref(thread->keys);
			thread->keys = message->payload;
			break;
		case STOP:
			necp_edge_drain(thread);
			break;
	}
}

static void
on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	EdgeThread *thread = H2O_STRUCT_FROM_MEMBER(EdgeThread, messages, receiver);
	h2o_linklist_t *link = messages->next;

	while (link != messages)
	{
		Message *message = H2O_STRUCT_FROM_MEMBER(Message, super, link);

		link = link->next;
		take_message(thread, message);
		free(message);
	}
	h2o_linklist_init_anchor(messages); /* each of them is gone */
}

void
necp_edge_reload_init(EdgeThread *thread)
{
	h2o_multithread_register_receiver(thread->ctx.queue, &thread->messages, on_messages);
	h2o_multithread_register_receiver(thread->ctx.queue,
									  &thread->password_results,
									  necp_edge_password_receive);
}

void
necp_edge_thread_stop(EdgeThread *thread)
{
	send_message(thread, STOP, NULL);
}

static void
on_config(void *arg, NecpConfig *config)
{
	EdgeSettings *settings = necp_edge_settings_build(config);

	necp_edge_password_configure(settings);
	for (int i = 0; i < necp_edge_options.threads; i++)
		send_message(&necp_edge_threads[i], TAKE_SETTINGS, necp_edge_settings_ref(settings));
	necp_edge_settings_unref(settings);
	necp_log(NECP_LOG_INFO, "configuration loaded");
}

static void
on_routes(void *arg, NecpRoutes *routes)
{
	for (int i = 0; i < necp_routes_count(routes); i++)
		necp_edge_measure_route(necp_routes_at(routes, i));
	for (int i = 0; i < necp_edge_options.threads; i++)
		send_message(&necp_edge_threads[i], TAKE_ROUTES, necp_routes_ref(routes));
	necp_log(NECP_LOG_INFO, "%d routes loaded", necp_routes_count(routes));
	necp_routes_unref(routes);
}

static void
on_keys(void *arg, NecpKeys *keys)
{
	if (!necp_keys_can_sign(keys))
		necp_log(NECP_LOG_WARNING, "no signing key: nobody can log in");
	for (int i = 0; i < necp_edge_options.threads; i++)
		send_message(&necp_edge_threads[i], TAKE_KEYS, necp_keys_ref(keys));
	necp_keys_unref(keys);
}

NecpListener *
necp_edge_loader_new(NecpLoop loop)
{
	NecpListenerConfig config = {
		.conninfo = necp_edge_options.db,
		.application_name = "necp-edge listen",
		.service = necp_edge_options.service,
		.callbacks = {.on_config = on_config, .on_routes = on_routes, .on_keys = on_keys},
	};

	return necp_listener_new(loop, &config);
}
