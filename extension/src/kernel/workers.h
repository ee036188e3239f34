/* SPDX-License-Identifier: PostgreSQL
 *
 * Background workers by registration. The kernel starts them for necpgame.database, connects, waits
 * until the extension stands there, and calls step() every period; an error is logged and tried
 * again. step() runs outside a transaction; necp_worker_transaction() runs one.
 */
#ifndef NECP_KERNEL_WORKERS_H
#define NECP_KERNEL_WORKERS_H

#include "postgres.h"

#define NECP_WORKER_LATCH (-1)

typedef struct NecpWorker
{
	const char *name; /* "world" */
	long period_ms; /* between the starts of two steps; NECP_WORKER_LATCH: when its latch is set */
	void (*start)(void); /* once after (re)connecting, may be NULL; outside a transaction */
	void (*step)(void);  /* outside a transaction */
} NecpWorker;

extern void necp_worker_register(const NecpWorker *worker);

/*
 * Runs body(arg) in a transaction of its own with an SPI connection; false if it failed (logged). Where
 * there is a transaction, in necp.run_job(), in that one.
 */
extern bool necp_worker_transaction(void (*body)(void *arg), void *arg);

/* A job of the scheduler worker: body runs in its own transaction every period_s by the game's clock. */
extern void necp_schedule(const char *name, int period_s, void (*body)(void *arg));

/*
 * One that runs transactions of its own; necp.run_job() calls it inside one, where it has to make do
 * with that.
 */
extern void necp_schedule_steps(const char *name, int period_s, void (*step)(void));

/* Called after the commit or abort of the top transaction that registered it (memory: the caller's). */
typedef void (*NecpXactCallback)(bool committed, void *arg);
extern void necp_at_xact_end(NecpXactCallback callback, void *arg);

#endif
