/* SPDX-License-Identifier: PostgreSQL
 *
 * Loads the kernel and the rooms. Everything needs shared_preload_libraries; loaded otherwise, the
 * library refuses with a hint.
 */
#include "postgres.h"

#include "kernel/kernel.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

char *necp_database;
int necp_max_sessions;
int necp_push_ring_kb;
bool necp_rehearsal;
bool necp_mute;

/* A room without an init function is fine. */
#define NECP_ROOM(room) extern void necp_##room##_init(void) __attribute__((weak));
#include "rooms.inc"
#undef NECP_ROOM

static void
define_settings(void)
{
	DefineCustomStringVariable("necpgame.database",
							   "The one database whose world the workers run.",
							   NULL,
							   &necp_database,
							   "necpgame",
							   PGC_POSTMASTER,
							   0,
							   NULL,
							   NULL,
							   NULL);
	DefineCustomIntVariable("necpgame.max_sessions",
							"Sessions that fit into shared memory.",
							NULL,
							&necp_max_sessions,
							16384,
							16,
							1048576,
							PGC_POSTMASTER,
							0,
							NULL,
							NULL,
							NULL);
	DefineCustomIntVariable("necpgame.push_ring_kb",
							"Size of the ring that holds pushes until they are published.",
							NULL,
							&necp_push_ring_kb,
							8192,
							64,
							1048576,
							PGC_POSTMASTER,
							GUC_UNIT_KB,
							NULL,
							NULL,
							NULL);
	DefineCustomBoolVariable(
		"necpgame.rehearsal",
		"Allows several identities in one transaction and commands in subtransactions: for tests only.",
		NULL,
		&necp_rehearsal,
		false,
		PGC_SUSET,
		0,
		NULL,
		NULL,
		NULL);
	DefineCustomIntVariable(
		"necpgame.crash_at_statement",
		"Kills the session after so many statements of the rules: for tests only.",
		NULL,
		&necp_crash_at,
		0,
		0,
		1000000,
		PGC_SUSET,
		GUC_NOT_IN_SAMPLE,
		NULL,
		NULL,
		NULL);
	DefineCustomBoolVariable("necpgame.mute",
							 "Writes no event rows and no pushes: to measure what they cost.",
							 NULL,
							 &necp_mute,
							 false,
							 PGC_SUSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
}

static void
init_rooms(void)
{
#define NECP_ROOM(room)                                                                            \
	if (necp_##room##_init)                                                                        \
		necp_##room##_init();
#include "rooms.inc"
#undef NECP_ROOM
}

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		ereport(
			ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("necpgame must be loaded when the server starts"),
			errhint(
				"Add necpgame to shared_preload_libraries in postgresql.conf and restart the server."));
	define_settings();
	necp_xact_init();
	necp_clock_init();
	necp_random_init();
	necp_config_init();
	necp_content_init();
	necp_presence_init();
	necp_push_init();
	necp_workers_init();
	necp_install_init();
	init_rooms();
	MarkGUCPrefixReserved("necpgame");
}
