/* SPDX-License-Identifier: PostgreSQL
 *
 * NECP_ROOM_INIT(loot) { … } defines what _PG_init calls of a room that the Makefile lists: the place
 * to subscribe, to schedule and to register.
 */
#ifndef NECP_KERNEL_ROOM_H
#define NECP_KERNEL_ROOM_H

#define NECP_ROOM_INIT(room)                                                                       \
	extern void necp_##room##_init(void);                                                          \
	void necp_##room##_init(void)

#endif
