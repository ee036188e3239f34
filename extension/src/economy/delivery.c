/* SPDX-License-Identifier: PostgreSQL
 *
 * Held deliveries: items that have an owner who could not take them, in one container of its own. A
 * job hands them over as soon as somebody plays the character and there is room.
 *
 * Lock order: containers by ascending id, their items.
 */
#include "postgres.h"

#include "economy/delivery.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#define HELD "HELD"
#define HELD_SLOTS 1000
#define HAND_OVER_S 5
#define AT_ONCE 40 /* a push tells of them all */

static NecpPlan is_played = NECP_PLAN(
	"SELECT FROM game.player_sessions WHERE character_id = $1 AND closed_at IS NULL LIMIT 1",
	INT8OID);
static NecpPlan list_waiting =
	NECP_PLAN0("SELECT c.owner_id FROM game.containers c WHERE c.kind = 'HELD'"
			   " AND EXISTS (SELECT FROM game.character_items i WHERE i.container_id = c.id)"
			   " AND EXISTS (SELECT FROM game.player_sessions s"
			   "  WHERE s.character_id = c.owner_id AND s.closed_at IS NULL)"
			   " ORDER BY c.owner_id LIMIT 500");

void
necp_delivery_open(NecpDelivery *delivery, int64 from_container, int64 character_id)
{
	int64 ids[] = {from_container,
				   necp_backpack(character_id),
				   necp_container_find(HELD, character_id)};
	NecpContainer *locked[3];

	if (ids[1] == 0)
		elog(ERROR, "character " INT64_FORMAT " has no backpack", character_id);
	necp_container_lock_all(ids, 3, locked);
	*delivery = (NecpDelivery){.character_id = character_id,
							   .away = necp_run(&is_played, character_id) == 0,
							   .from = locked[0],
							   .backpack = locked[1],
							   .held = locked[2]};
}

/* Whoever makes it holds the backpack, so there is one maker at a time. */
static void
make_held(NecpDelivery *delivery)
{
	int64 container_id;

	if (delivery->held != NULL)
		return;
	container_id = necp_container_find(HELD, delivery->character_id);
	if (container_id == 0)
		container_id = necp_container_create(HELD, delivery->character_id, HELD_SLOTS);
	delivery->held = necp_container_lock(container_id);
}

int32
necp_delivery_send(NecpDelivery *delivery, const NecpItem *item, const NecpTemplate *template,
				   const char *cause, int64 cause_id)
{
	double spare_kg = delivery->away ? 0 : necp_inventory_spare(delivery->character_id);
	bool too_heavy = false;
	NecpItem rest = *item;

	if (!delivery->away)
		rest.quantity -= necp_inventory_take(item,
											 item->quantity,
											 delivery->backpack,
											 template,
											 &spare_kg,
											 &too_heavy,
											 cause,
											 cause_id);
	if (rest.quantity < item->quantity)
		necp_inventory_push(delivery->character_id, &delivery->backpack, 1);
	if (rest.quantity == 0)
		return 0;
	make_held(delivery);
	if (necp_item_stow(&rest, rest.quantity, delivery->held, template->max_stack, cause, cause_id) <
		rest.quantity)
		elog(ERROR, "nothing more can be held for character " INT64_FORMAT, delivery->character_id);
	return rest.quantity;
}

/* Handing over --------------------------------------------------------------------------------- */

static void
hand_over(void *arg)
{
	int64 character_id = *(int64 *) arg;
	NecpDelivery delivery;
	double spare_kg;
	bool too_heavy = false;
	bool moved = false;

	necp_delivery_open(&delivery, 0, character_id);
	if (delivery.held == NULL || delivery.away)
		return;
	spare_kg = necp_inventory_spare(character_id);
	for (int i = 0; i < Min(delivery.held->nitems, AT_ONCE); i++)
	{
		const NecpItem *item = &delivery.held->items[i];
		NecpTemplate template = necp_template(item->template_id);

		moved |= necp_inventory_take(item,
									 item->quantity,
									 delivery.backpack,
									 &template,
									 &spare_kg,
									 &too_heavy,
									 "DELIVERY",
									 character_id) > 0;
	}
	if (moved)
		necp_inventory_push(character_id, &delivery.backpack, 1);
}

typedef struct Waiting
{
	uint64 n;
	int64 *character_ids; /* in the context of the caller */
} Waiting;

static void
find_waiting(void *arg)
{
	Waiting *waiting = arg;

	waiting->n = Min(necp_run0(&list_waiting), 500);
	for (uint64 row = 0; row < waiting->n; row++)
		waiting->character_ids[row] = necp_int8(row, 1);
}

/* A transaction each: nobody's locks wait for another's. */
static void
hand_over_all(void)
{
	int64 ids[500];
	Waiting waiting = {.character_ids = ids};

	if (!necp_worker_transaction(find_waiting, &waiting))
		return;
	for (uint64 i = 0; i < waiting.n; i++)
		(void) necp_worker_transaction(hand_over, &ids[i]);
}

NECP_ROOM_INIT(delivery)
{
	necp_schedule_steps("delivery_hand_over", HAND_OVER_S, hand_over_all);
}
