/* SPDX-License-Identifier: PostgreSQL
 *
 * Shared memory by registration: a part names its size and its initialiser in its init function and
 * finds its piece afterwards. All of it is a cache: rebuilt from tables after a crash.
 */
#ifndef NECP_KERNEL_SHMEM_H
#define NECP_KERNEL_SHMEM_H

#include "postgres.h"

#include "storage/lwlock.h"

typedef struct NecpShmemPart
{
	const char *name;    /* also the tranche of its locks */
	Size (*size)(void);  /* bytes, at start */
	Size (*apart)(void); /* bytes of what the part allocates itself, a hash table; may be NULL */
	void (*init)(void *piece, LWLockPadded *locks); /* zeroed piece, first time */
	int locks;                                      /* LWLocks wanted */
	void **piece;                                   /* out: where it is, in every process */
	LWLockPadded **lock_array;                      /* out */
} NecpShmemPart;

/* Only while shared_preload_libraries are loaded; part must be static. */
extern void necp_shmem_register(NecpShmemPart *part);

#endif
