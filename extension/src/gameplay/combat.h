/* SPDX-License-Identifier: PostgreSQL
 *
 * Combat, for its own files.
 */
#ifndef NECP_COMBAT_H
#define NECP_COMBAT_H

#include "postgres.h"

/* Ends a combat that the caller has locked: COMPLETED, FLED or ABORTED. */
extern void necp_combat_end(int64 combat_id, int64 place_id, const char *status);
/* necp.combat_view of a combat, with hit points from memory. */
extern Datum necp_combat_view(int64 combat_id);
/* Registers combat's job with the world worker. */
extern void necp_combat_work_init(void);

extern void necp_combat_init(void);

#endif
