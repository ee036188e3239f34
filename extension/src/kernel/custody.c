/* SPDX-License-Identifier: PostgreSQL
 *
 * Custody of items. Lock order: containers ascending id (the caller), then their items, which
 * nobody touches without the container's lock.
 */
#include "postgres.h"

#include "kernel/clock.h"
#include "kernel/custody.h"
#include "kernel/errors.h"
#include "kernel/spi.h"

#include "utils/builtins.h"

static NecpPlan insert_container = NECP_PLAN(
	"INSERT INTO game.containers (kind, owner_id, capacity) VALUES ($1, $2, $3) RETURNING id",
	TEXTOID, INT8OID, INT4OID);
static NecpPlan find_container =
	NECP_PLAN("SELECT id FROM game.containers WHERE kind = $1 AND owner_id = $2", TEXTOID, INT8OID);
static NecpPlan lock_container =
	NECP_PLAN("SELECT capacity, kind FROM game.containers WHERE id = $1 FOR NO KEY UPDATE",
			  INT8OID);
static NecpPlan load_items = NECP_PLAN(
	"SELECT id, slot, template_id, quantity, durability, binding, attributes IS NULL"
	" AND quality = 'NORMAL' AND upgrade = 0 AND durability = 100,"
	" lock_ref IS NOT NULL FROM game.character_items WHERE container_id = $1 ORDER BY slot",
	INT8OID);
static NecpPlan insert_item = NECP_PLAN(
	"INSERT INTO game.character_items (container_id, slot, template_id, quantity, binding,"
	" created_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
	INT8OID, INT4OID, INT4OID, INT4OID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan move_item = NECP_PLAN("UPDATE game.character_items SET container_id = $2, slot = $3"
									  " WHERE id = $1 AND container_id = $4 AND lock_ref IS NULL",
									  INT8OID, INT8OID, INT4OID, INT8OID);
static NecpPlan swap_items =
	NECP_PLAN("UPDATE game.character_items SET container_id = CASE id WHEN $1 THEN $5 ELSE $3 END,"
			  " slot = CASE id WHEN $1 THEN $6 ELSE $4 END"
			  " WHERE id IN ($1, $2) AND lock_ref IS NULL",
			  INT8OID, INT8OID, INT8OID, INT4OID, INT8OID, INT4OID);
static NecpPlan split_item = NECP_PLAN(
	"INSERT INTO game.character_items (container_id, slot, template_id, quantity, durability,"
	" binding, quality, upgrade, attributes, created_at)"
	" SELECT $3, $4, template_id, $2, durability, binding, quality, upgrade, attributes, $5"
	" FROM game.character_items WHERE id = $1 RETURNING id",
	INT8OID, INT4OID, INT8OID, INT4OID, TIMESTAMPTZOID);
static NecpPlan bind_item =
	NECP_PLAN("UPDATE game.character_items SET binding = $2 WHERE id = $1 AND binding = 'NONE'",
			  INT8OID, TEXTOID);
static NecpPlan repair_item =
	NECP_PLAN("UPDATE game.character_items SET durability = 100 WHERE id = $1 AND lock_ref IS NULL",
			  INT8OID);
static NecpPlan wear_items =
	NECP_PLAN("UPDATE game.character_items SET durability = greatest(durability - $2, 0)"
			  " WHERE container_id = $1 AND durability > 0",
			  INT8OID, INT4OID);
static NecpPlan change_quantity =
	NECP_PLAN("UPDATE game.character_items SET quantity = quantity + $2"
			  " WHERE id = $1 AND lock_ref IS NULL",
			  INT8OID, INT4OID);
static NecpPlan delete_item =
	NECP_PLAN("DELETE FROM game.character_items WHERE id = $1 AND lock_ref IS NULL", INT8OID);
static NecpPlan insert_move =
	NECP_PLAN("INSERT INTO game.item_moves (item_id, other_item_id, template_id, kind, quantity,"
			  " from_container_id, to_container_id, cause, cause_id, moved_at)"
			  " VALUES ($1, nullif($2, 0), $3, $4, $5, nullif($6, 0), nullif($7, 0), $8, $9, $10)",
			  INT8OID, INT8OID, INT4OID, TEXTOID, INT4OID, INT8OID, INT8OID, TEXTOID, INT8OID,
			  TIMESTAMPTZOID);

static void
append_move(const char *kind, const NecpItem *item, int64 other_item, int32 quantity, int64 from,
			int64 to, const char *cause, int64 cause_id)
{
	necp_run(&insert_move,
			 item->id,
			 other_item,
			 item->template_id,
			 necp_cstring_datum(kind),
			 quantity,
			 from,
			 to,
			 necp_cstring_datum(cause),
			 cause_id,
			 TimestampTzGetDatum(necp_now()));
}

int64
necp_container_create(const char *kind, int64 owner_id, int32 capacity)
{
	necp_run(&insert_container, necp_cstring_datum(kind), owner_id, capacity);
	return necp_int8(0, 1);
}

int64
necp_container_find(const char *kind, int64 owner_id)
{
	return necp_run(&find_container, necp_cstring_datum(kind), owner_id) > 0 ? necp_int8(0, 1) : 0;
}

static void
read_item(NecpItem *item, int64 container_id, uint64 row)
{
	item->container_id = container_id;
	item->id = necp_int8(row, 1);
	item->slot = necp_int4(row, 2);
	item->template_id = necp_int4(row, 3);
	item->quantity = necp_int4(row, 4);
	item->durability = necp_int4(row, 5);
	item->binding = necp_text(row, 6);
	item->plain = necp_bool(row, 7);
	item->locked = necp_bool(row, 8);
}

void
necp_container_reload(NecpContainer *container)
{
	container->nitems = (int) necp_run(&load_items, container->id);
	/* room for what arrives as well, also where more is in it than it should hold */
	container->items = palloc(sizeof(NecpItem) * (Size) (container->capacity + container->nitems));
	for (int i = 0; i < container->nitems; i++)
		read_item(&container->items[i], container->id, (uint64) i);
}

NecpContainer *
necp_container_lock(int64 container_id)
{
	NecpContainer *container = palloc(sizeof(NecpContainer));

	if (necp_run(&lock_container, container_id) == 0)
		elog(ERROR, "container " INT64_FORMAT " is gone", container_id);
	container->id = container_id;
	container->capacity = necp_int4(0, 1);
	container->kind = necp_text(0, 2);
	/* read in a later statement than the lock, so that it shows what the last holder left */
	necp_container_reload(container);
	container->nbefore = container->nitems;
	container->before = palloc(sizeof(NecpItem) * (Size) (container->nitems + 1));
	memcpy(container->before, container->items, sizeof(NecpItem) * (Size) container->nitems);
	return container;
}

void
necp_container_lock_all(const int64 *ids, int n, NecpContainer **containers)
{
	int64 last = 0;

	memset(containers, 0, sizeof(NecpContainer *) * (Size) n);
	for (int locked = 0; locked < n; locked++)
	{
		int next = -1;

		for (int i = 0; i < n; i++)
			if (ids[i] > last && (next < 0 || ids[i] < ids[next]))
				next = i;
		if (next < 0)
			return;
		containers[next] = necp_container_lock(ids[next]);
		last = ids[next];
	}
}

NecpItem *
necp_container_item(const NecpContainer *container, int64 item_id)
{
	for (int i = 0; container != NULL && i < container->nitems; i++)
		if (container->items[i].id == item_id)
			return &container->items[i];
	return NULL;
}

NecpItem *
necp_container_at(const NecpContainer *container, int32 slot)
{
	for (int i = 0; i < container->nitems; i++)
		if (container->items[i].slot == slot)
			return &container->items[i];
	return NULL;
}

int64
necp_item_create(int64 container_id, int32 slot, int32 template_id, int32 quantity,
				 const char *binding, const char *cause, int64 cause_id)
{
	NecpItem item = {.template_id = template_id};

	necp_run(&insert_item,
			 container_id,
			 slot,
			 template_id,
			 quantity,
			 necp_cstring_datum(binding),
			 TimestampTzGetDatum(necp_now()));
	item.id = necp_int8(0, 1);
	append_move("CREATE", &item, 0, quantity, 0, container_id, cause, cause_id);
	return item.id;
}

/* What a statement guards with lock_ref IS NULL changed nothing: the item is pinned by a trade. */
static void
require_changed(uint64 rows, const NecpItem *item)
{
	if (rows == 0)
		necp_fail(ITEM_LOCKED, NULL, "item " INT64_FORMAT " is not free to move", item->id);
}

void
necp_item_move(const NecpItem *item, int64 to_container, int32 to_slot, const char *cause,
			   int64 cause_id)
{
	require_changed(necp_run(&move_item, item->id, to_container, to_slot, item->container_id),
					item);
	append_move("MOVE", item, 0, item->quantity, item->container_id, to_container, cause, cause_id);
}

void
necp_item_merge(const NecpItem *from, const NecpItem *to, int32 quantity, const char *cause,
				int64 cause_id)
{
	require_changed(necp_run(&change_quantity, to->id, quantity), to);
	if (quantity == from->quantity)
		require_changed(necp_run(&delete_item, from->id), from);
	else
		require_changed(necp_run(&change_quantity, from->id, -quantity), from);
	append_move("MERGE",
				from,
				to->id,
				quantity,
				from->container_id,
				to->container_id,
				cause,
				cause_id);
}

void
necp_item_destroy(const NecpItem *item, const char *cause, int64 cause_id)
{
	require_changed(necp_run(&delete_item, item->id), item);
	append_move("DESTROY", item, 0, item->quantity, item->container_id, 0, cause, cause_id);
}

void
necp_item_swap(const NecpItem *one, const NecpItem *other, const char *cause, int64 cause_id)
{
	uint64 rows = necp_run(&swap_items,
						   one->id,
						   other->id,
						   one->container_id,
						   one->slot,
						   other->container_id,
						   other->slot);

	if (rows != 2)
		require_changed(0, one->locked ? one : other);
	append_move("MOVE",
				one,
				0,
				one->quantity,
				one->container_id,
				other->container_id,
				cause,
				cause_id);
	append_move("MOVE",
				other,
				0,
				other->quantity,
				other->container_id,
				one->container_id,
				cause,
				cause_id);
}

int64
necp_item_split(const NecpItem *item, int32 quantity, int64 to_container, int32 to_slot,
				const char *cause, int64 cause_id)
{
	NecpItem part = *item;

	require_changed(necp_run(&change_quantity, item->id, -quantity), item);
	necp_run(&split_item,
			 item->id,
			 quantity,
			 to_container,
			 to_slot,
			 TimestampTzGetDatum(necp_now()));
	part.id = necp_int8(0, 1);
	append_move("SPLIT",
				&part,
				item->id,
				quantity,
				item->container_id,
				to_container,
				cause,
				cause_id);
	return part.id;
}

void
necp_item_reduce(const NecpItem *item, int32 quantity, const char *cause, int64 cause_id)
{
	if (quantity == item->quantity)
	{
		necp_item_destroy(item, cause, cause_id);
		return;
	}
	require_changed(necp_run(&change_quantity, item->id, -quantity), item);
	append_move("DESTROY", item, 0, quantity, item->container_id, 0, cause, cause_id);
}

void
necp_item_bind(const NecpItem *item, const char *binding)
{
	necp_run(&bind_item, item->id, necp_cstring_datum(binding));
}

void
necp_item_repair(const NecpItem *item)
{
	require_changed(necp_run(&repair_item, item->id), item);
}

void
necp_container_wear(int64 container_id, int32 points)
{
	necp_run(&wear_items, container_id, points);
}

bool
necp_item_joins(const NecpItem *item, const NecpItem *stack)
{
	return stack->template_id == item->template_id && stack->plain && item->plain &&
		   strcmp(stack->binding, item->binding) == 0;
}

/* First free slot of a container whose items are sorted by slot; -1 when it is full. */
static int32
free_slot(const NecpContainer *container, int *position)
{
	int32 slot = 0;

	for (*position = 0; *position < container->nitems; (*position)++)
	{
		if (container->items[*position].slot != slot)
			break;
		slot++;
	}
	return slot < container->capacity ? slot : -1;
}

int32
necp_container_free_slot(const NecpContainer *container)
{
	int position;

	return free_slot(container, &position);
}

static void
note_arrival(NecpContainer *container, const NecpItem *item, int32 slot, int position)
{
	memmove(&container->items[position + 1],
			&container->items[position],
			sizeof(NecpItem) * (Size) (container->nitems - position));
	container->items[position] = *item;
	container->items[position].container_id = container->id;
	container->items[position].slot = slot;
	container->nitems++;
}

/* Fills stacks with at most quantity of an item, whose rest is told; returns how many went. */
static int32
join_stacks(NecpItem *rest, int32 quantity, NecpContainer *into, int32 max_stack, const char *cause,
			int64 cause_id)
{
	int32 left = quantity;

	for (int i = 0; i < into->nitems && left > 0; i++)
	{
		NecpItem *stack = &into->items[i];
		int32 joined = Min(left, max_stack - stack->quantity);

		if (joined <= 0 || stack->locked || !necp_item_joins(rest, stack))
			continue;
		necp_item_merge(rest, stack, joined, cause, cause_id);
		stack->quantity += joined;
		rest->quantity -= joined;
		left -= joined;
	}
	return quantity - left;
}

int32
necp_item_stow(const NecpItem *item, int32 quantity, NecpContainer *into, int32 max_stack,
			   const char *cause, int64 cause_id)
{
	NecpItem rest = *item;
	int32 joined = join_stacks(&rest, quantity, into, max_stack, cause, cause_id);
	int32 left = quantity - joined;
	int position;
	int32 slot;

	if (left == 0)
		return quantity;
	slot = free_slot(into, &position);
	if (slot < 0)
		return joined;
	if (left == rest.quantity)
		necp_item_move(&rest, into->id, slot, cause, cause_id);
	else
	{
		rest.id = necp_item_split(&rest, left, into->id, slot, cause, cause_id);
		rest.quantity = left;
	}
	note_arrival(into, &rest, slot, position);
	return quantity;
}
