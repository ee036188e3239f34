/* SPDX-License-Identifier: PostgreSQL
 *
 * What reaches a character that may not be there, or has no room: it is held for it.
 */
#ifndef NECP_ECONOMY_DELIVERY_H
#define NECP_ECONOMY_DELIVERY_H

#include "postgres.h"

#include "economy/inventory.h"

/* Where items of one container go to one character. */
typedef struct NecpDelivery
{
	int64 character_id;
	bool away; /* nobody plays it: everything is held */
	NecpContainer *from;
	NecpContainer *backpack;
	NecpContainer *held; /* NULL: nothing was ever held for it */
} NecpDelivery;

/* Locks what is needed, ascending; the aggregate that the items are in is locked by the caller. */
extern void necp_delivery_open(NecpDelivery *delivery, int64 from_container, int64 character_id);
/*
 * Moves an item of the container whole: into the backpack what fits by room and weight, the rest
 * is held. Tells the character. Returns how many are held.
 */
extern int32 necp_delivery_send(NecpDelivery *delivery, const NecpItem *item,
								const NecpTemplate *template, const char *cause, int64 cause_id);

#endif
