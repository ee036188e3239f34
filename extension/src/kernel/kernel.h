/* SPDX-License-Identifier: PostgreSQL
 *
 * What the parts of the kernel offer each other. Rooms do not include this.
 */
#ifndef NECP_KERNEL_KERNEL_H
#define NECP_KERNEL_KERNEL_H

#include "postgres.h"

#include "utils/timestamp.h"

/* Version of the tables that this code wants: the number of the newest migration. */
#define NECP_SCHEMA_VERSION 1

/* GUCs */
extern char *necp_database;
extern int necp_max_sessions;
extern int necp_push_ring_kb;
extern int necp_crash_at;   /* tests: statements until this process kills itself; 0: never */
extern bool necp_rehearsal; /* tests: several identities in one transaction */
extern bool necp_mute;      /* measurements: no event rows, no pushes */

/* Initialisers, called once from _PG_init. */
extern void necp_clock_init(void);
extern void necp_random_init(void);
extern void necp_config_init(void);
extern void necp_content_init(void);
extern void necp_presence_init(void);
extern void necp_push_init(void);
extern void necp_workers_init(void);
extern void necp_install_init(void);

/* xact.c */
extern void necp_xact_init(void);
/* subtransaction id now; what was done in one that aborts is undone */
extern void necp_push_xact_end(bool committed);
extern bool necp_push_pending(void);
extern void necp_push_subxact_abort(uint32 subxact);
extern void necp_identity_xact_end(void);
extern void necp_event_xact_end(void);

/* Is the extension in this database, with its tables installed? Inside a transaction. */
extern bool necp_installed(void);
/* Fails as UNAVAILABLE where code and tables do not fit; checked once per backend. Inside SPI. */
extern void necp_require_schema(void);

#endif
