/* SPDX-License-Identifier: PostgreSQL
 *
 * The one LISTEN connection of a process. After every (re)connection it listens first and then
 * loads everything, so nothing is missed in between; a notification reloads its part.
 */
#ifndef NECP_LISTEN_H
#define NECP_LISTEN_H

#include "config.h"
#include "loop.h"
#include "route.h"
#include "token.h"

/* All are called in the loop's thread; each may be NULL. Snapshots pass to the callee (one
 * reference each), and only when they are whole: a failed load is logged and tried again. */
typedef struct NecpListenerCallbacks
{
	void (*on_config)(void *arg, NecpConfig *config);
	void (*on_routes)(void *arg, NecpRoutes *routes); /* not called if nothing changed */
	void (*on_keys)(void *arg, NecpKeys *keys);
	/* A notification on one of the extra channels. */
	void (*on_notify)(void *arg, const char *channel, const char *payload);
	/* Listening (again): what was notified before may be lost. */
	void (*on_up)(void *arg);
	void (*on_down)(void *arg);
} NecpListenerCallbacks;

typedef struct NecpListenerConfig
{
	const char *conninfo;
	const char *application_name;
	const char *service;      /* wing for necp.edge_routes, or NULL */
	const char *const *extra; /* further channels, NULL-terminated, or NULL */
	NecpListenerCallbacks callbacks;
	void *arg;
} NecpListenerConfig;

typedef struct NecpListener NecpListener;

/* Texts in config are borrowed for the listener's life. Starts connecting at once. */
NecpListener *necp_listener_new(NecpLoop loop, const NecpListenerConfig *config);
/* To be called about every 100 ms: retries failed loads, notices a dead connection. */
void necp_listener_tick(NecpListener *listener);
bool necp_listener_is_up(const NecpListener *listener);
void necp_listener_free(NecpListener *listener);

#endif
