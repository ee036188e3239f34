/* SPDX-License-Identifier: PostgreSQL
 *
 * Failed logins, counted per e-mail address and per network address, and the locks that follow.
 */
#ifndef NECP_AUTH_THROTTLE_H
#define NECP_AUTH_THROTTLE_H

#include "postgres.h"

typedef struct NecpThrottle
{
	Datum email;   /* digests, bytea */
	Datum address; /* 0: not known */
} NecpThrottle;

/*
 * Begins an attempt with this e-mail address from there (inet; 0: not known). Those of one e-mail
 * address run one after another. RATE_LIMITED, ACCOUNT_LOCKED while a lock holds.
 */
extern NecpThrottle necp_throttle_enter(const char *email, Datum client_ip);
/* Counts a failure and sets the locks that it earns. True if the owner should be told of it. */
extern bool necp_throttle_fail(const NecpThrottle *throttle);
/* Forgets the failures of the e-mail address; those of the network address stay. */
extern void necp_throttle_clear(const char *email);

#endif
