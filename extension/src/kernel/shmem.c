/* SPDX-License-Identifier: PostgreSQL
 *
 * Shared memory requests of all parts, made in one pass from the hooks (PostgreSQL 15 allows
 * requests only in shmem_request_hook).
 */
#include "postgres.h"

#include "kernel/shmem.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#define MAX_PARTS 16

static NecpShmemPart *parts[MAX_PARTS];
static int nparts;
static shmem_request_hook_type previous_request;
static shmem_startup_hook_type previous_startup;

static void
request_parts(void)
{
	if (previous_request)
		previous_request();
	for (int i = 0; i < nparts; i++)
	{
		RequestAddinShmemSpace(parts[i]->size());
		if (parts[i]->apart != NULL)
			RequestAddinShmemSpace(parts[i]->apart());
		if (parts[i]->locks > 0)
			RequestNamedLWLockTranche(parts[i]->name, parts[i]->locks);
	}
}

static void
start_parts(void)
{
	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < nparts; i++)
	{
		NecpShmemPart *part = parts[i];
		LWLockPadded *locks = part->locks > 0 ? GetNamedLWLockTranche(part->name) : NULL;
		bool found;

		*part->piece = ShmemInitStruct(part->name, part->size(), &found);
		if (part->lock_array != NULL)
			*part->lock_array = locks;
		if (!found)
		{
			MemSet(*part->piece, 0, part->size());
			part->init(*part->piece, locks);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

void
necp_shmem_register(NecpShmemPart *part)
{
	if (!process_shared_preload_libraries_in_progress)
		elog(ERROR,
			 "shared memory of \"%s\" must be registered while libraries preload",
			 part->name);
	if (nparts == MAX_PARTS)
		elog(ERROR, "too many parts of shared memory");
	if (nparts == 0)
	{
		previous_request = shmem_request_hook;
		shmem_request_hook = request_parts;
		previous_startup = shmem_startup_hook;
		shmem_startup_hook = start_parts;
	}
	parts[nparts++] = part;
}
