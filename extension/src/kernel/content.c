/* SPDX-License-Identifier: PostgreSQL
 *
 * The generation of content: raised by a change, so that its own transaction reads what it
 * wrote, and again when that transaction has ended: then everybody else does, or, after an abort,
 * forgets it.
 */
#include "postgres.h"

#include "kernel/content.h"
#include "kernel/kernel.h"
#include "kernel/shmem.h"
#include "kernel/workers.h"

#include "fmgr.h"
#include "port/atomics.h"

static pg_atomic_uint32 *shared_generation;

static Size
content_size(void)
{
	return sizeof(pg_atomic_uint32);
}

static void
content_start(void *piece, LWLockPadded *locks)
{
	pg_atomic_init_u32(piece, 1);
}

static NecpShmemPart content_part = {
	.name = "necp content",
	.size = content_size,
	.init = content_start,
	.piece = (void **) &shared_generation,
};

void
necp_content_init(void)
{
	necp_shmem_register(&content_part);
}

uint32
necp_content_generation(void)
{
	return pg_atomic_read_u32(shared_generation);
}

static void
raise_generation(bool committed, void *arg)
{
	pg_atomic_fetch_add_u32(shared_generation, 1);
}

/* At once for this transaction, and once more at its end for those that read before it. */
PG_FUNCTION_INFO_V1(necp_content_changed);
Datum
necp_content_changed(PG_FUNCTION_ARGS)
{
	raise_generation(true, NULL);
	necp_at_xact_end(raise_generation, NULL);
	PG_RETURN_VOID();
}
