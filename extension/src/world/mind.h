/* SPDX-License-Identifier: PostgreSQL
 *
 * What an NPC is about (DOMAIN §8); characters have none. Without PostgreSQL, for unit tests.
 */
#ifndef NECP_WORLD_MIND_H
#define NECP_WORLD_MIND_H

#define NECP_MIND_IDLE 0
#define NECP_MIND_PATROL 1
#define NECP_MIND_ALERT 2
#define NECP_MIND_COMBAT 3
#define NECP_MIND_FLEE 4
#define NECP_MIND_RETURN 5 /* untouchable */
#define NECP_MIND_DEAD 6

#endif
