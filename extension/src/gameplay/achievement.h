/* SPDX-License-Identifier: PostgreSQL */
#ifndef NECP_GAMEPLAY_ACHIEVEMENT_H
#define NECP_GAMEPLAY_ACHIEVEMENT_H

#include "postgres.h"

/* Detail of ACHIEVEMENT_UNLOCKED. */
typedef struct NecpUnlocked
{
	int64 character_id;
	int32 achievement_id;
	const char *code;
	const char *name;
	int32 points;
} NecpUnlocked;

#endif
