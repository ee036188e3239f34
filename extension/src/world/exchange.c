/* SPDX-License-Identifier: PostgreSQL
 *
 * necp.world_exchange(): one call per realtime process and tick (docs/interfaces.md §8). The request
 * is checked whole before anything is applied; inputs are applied place by place under one lock
 * each, then what changed is copied out under a shared one. Lock order in pool.h.
 */
#include "postgres.h"

#include "world/pool.h"

#include <math.h>

#include "fmgr.h"
#include "utils/memutils.h"

#include "kernel/clock.h"
#include "kernel/errors.h"

#ifdef WORDS_BIGENDIAN
#error "the world's wire format is copied as it lies in memory: little endian only"
#endif

#define VERSION 1
#define REQUEST_HEAD 8
#define REQUEST_PLACE 16
#define REQUEST_INPUT 28
#define ANSWER_HEAD 8
#define ANSWER_PLACE 32
#define ANSWER_ENTITY 48
#define FIRST_STEP_US 100000 /* how long a move from standing is taken to have lasted */

StaticAssertDecl(sizeof(NecpEntityState) == ANSWER_ENTITY, "an entity is copied as it goes out");

typedef struct Input
{
	int64 character_id;
	uint32 seq;
	float x, y, z, yaw;
} Input;

typedef struct Request
{
	uint16 nplaces;
	uint32 ninputs;
	const char *places; /* REQUEST_PLACE bytes each, unaligned */
	const char *inputs; /* REQUEST_INPUT bytes each, unaligned */
} Request;

/* The answer as it grows. */
typedef struct Answer
{
	char *data; /* a varlena */
	Size used;
	Size room;
} Answer;

/* Checking ------------------------------------------------------------------------------------- */

static void
malformed(const char *why)
{
	necp_fail(VALIDATION, "request", "malformed exchange: %s", why);
}

static void
parse(bytea *bytes, Request *request)
{
	const char *data = VARDATA_ANY(bytes);
	Size length = VARSIZE_ANY_EXHDR(bytes);
	uint32 version;
	uint16 reserved;
	Size inputs_at;

	if (length < REQUEST_HEAD)
		malformed("too short");
	memcpy(&version, data, 4);
	memcpy(&request->nplaces, data + 4, 2);
	memcpy(&reserved, data + 6, 2);
	if (version != VERSION || reserved != 0)
		malformed("unknown version");
	inputs_at = REQUEST_HEAD + (Size) request->nplaces * REQUEST_PLACE;
	if (length < inputs_at + 4)
		malformed("too short");
	memcpy(&request->ninputs, data + inputs_at, 4);
	if (length != inputs_at + 4 + (Size) request->ninputs * REQUEST_INPUT)
		malformed("length and counts differ");
	request->places = data + REQUEST_HEAD;
	request->inputs = data + inputs_at + 4;
}

static inline int64
id_at(const char *record)
{
	int64 id;

	memcpy(&id, record, sizeof(id));
	return id;
}

static void
validate(const Request *request)
{
	for (uint32 i = 0; i < request->nplaces; i++)
		if (id_at(request->places + (Size) i * REQUEST_PLACE) == 0)
			malformed("a place without id");
	for (uint32 i = 0; i < request->ninputs; i++)
		if (id_at(request->inputs + (Size) i * REQUEST_INPUT) <= 0)
			malformed("an input that is no character's");
}

/* Inputs --------------------------------------------------------------------------------------- */

static inline bool
within(const NecpBounds *bounds, const Input *input)
{
	/* written so that NaN is outside */
	return input->x >= bounds->min_x && input->x <= bounds->max_x && input->y >= bounds->min_y &&
		   input->y <= bounds->max_y && input->z >= bounds->min_z && input->z <= bounds->max_z &&
		   isfinite(input->yaw);
}

/* Allowance accrues with time, for a second at most: a late packet may catch up, a saved-up leap may not. */
static void
accrue(WorldEntity *entity, TimestampTz now)
{
	float limit = entity->self.max_speed * SPEED_TOLERANCE;
	int64 elapsed = now - entity->allowed_at;

	entity->allowed_at = now;
	if (elapsed <= 0)
		return;
	if (elapsed >= USECS_PER_SEC)
		entity->allowance = limit;
	else
		entity->allowance =
			Min(entity->allowance + limit * (float) elapsed / (float) USECS_PER_SEC, limit);
}

static void
refuse(WorldEntity *entity)
{
	entity->self.state.flags |= NECP_FLAG_REFUSED;
	entity->self.state.vx = entity->self.state.vy = 0;
}

/* Velocity since the entity's last move of an earlier exchange. */
static void
set_velocity(WorldEntity *entity, TimestampTz now)
{
	NecpEntityState *state = &entity->self.state;
	float limit = entity->self.max_speed * SPEED_TOLERANCE;
	float dx = state->x - entity->from_x;
	float dy = state->y - entity->from_y;
	float seconds = (float) Max(now - entity->from_at, 1000) / (float) USECS_PER_SEC;
	float speed = sqrtf(dx * dx + dy * dy) / seconds;
	float scale = (speed > limit ? limit / speed : 1.0f) / seconds;

	state->vx = dx * scale;
	state->vy = dy * scale;
	if (state->activity == NECP_ACTIVITY_COMBAT)
		return;
	state->activity = state->vx != 0 || state->vy != 0 ? NECP_ACTIVITY_MOVING : NECP_ACTIVITY_IDLE;
}

static void
start_step(WorldEntity *entity, TimestampTz now)
{
	bool still = entity->self.state.vx == 0 && entity->self.state.vy == 0;

	if (entity->self.moved_at == now)
		return;
	entity->from_x = entity->self.state.x;
	entity->from_y = entity->self.state.y;
	entity->from_at =
		still ? Max(entity->self.moved_at, now - FIRST_STEP_US) : entity->self.moved_at;
}

/* Applies one input (DOMAIN §13); false where it is stale. */
static bool
apply_input(const WorldPlace *place, WorldEntity *entity, const Input *input, TimestampTz now)
{
	NecpEntityState *state = &entity->self.state;
	float dx = input->x - state->x;
	float dy = input->y - state->y;
	float dz = input->z - state->z;
	float distance = sqrtf(dx * dx + dy * dy + dz * dz);

	if (input->seq <= state->seq)
		return false;
	state->seq = input->seq;
	if (state->activity == NECP_ACTIVITY_DEAD)
	{
		refuse(entity);
		return true;
	}
	accrue(entity, now);
	if (!within(&place->bounds, input) || !(distance <= entity->allowance))
	{
		refuse(entity);
		entity->self.violations++;
		return true;
	}
	entity->allowance -= distance;
	start_step(entity, now);
	state->x = input->x;
	state->y = input->y;
	state->z = input->z;
	state->yaw = input->yaw;
	state->flags &= ~NECP_FLAG_REFUSED;
	entity->self.moved_at = now;
	set_velocity(entity, now);
	return true;
}

/* Inputs by place: chains through next, one per place that has any. Kept between calls. */
typedef struct Batch
{
	int32 *first; /* by place slot: input, NO_SLOT */
	int32 *last;
	int32 *touched; /* place slots with inputs */
	int ntouched;
	int32 *slots; /* by input: entity */
	int32 *next;  /* by input */
	uint32 room;  /* inputs that slots and next hold */
} Batch;

static Batch batch;

static void
make_room(uint32 ninputs)
{
	if (batch.first == NULL)
	{
		int32 *memory = MemoryContextAlloc(TopMemoryContext, 3 * necp_max_places * sizeof(int32));

		memset(memory, 0xff, necp_max_places * sizeof(int32)); /* NO_SLOT */
		batch.last = memory + necp_max_places;
		batch.touched = batch.last + necp_max_places;
		batch.first = memory;
	}
	if (ninputs > batch.room)
	{
		uint32 room = Max(ninputs, 1024);
		int32 *memory = MemoryContextAllocHuge(TopMemoryContext, (Size) room * 2 * sizeof(int32));

		if (batch.slots != NULL)
			pfree(batch.slots);
		batch.slots = memory;
		batch.next = memory + room;
		batch.room = room;
	}
}

static void
chain_input(int32 input, int32 place)
{
	batch.next[input] = NO_SLOT;
	if (batch.first[place] == NO_SLOT)
	{
		batch.first[place] = input;
		batch.touched[batch.ntouched++] = place;
	}
	else
		batch.next[batch.last[place]] = input;
	batch.last[place] = input;
}

/* Finds who the inputs belong to; those of nobody here are dropped. */
static void
sort_inputs(const Request *request)
{
	batch.ntouched = 0;
	LWLockAcquire(DIRECTORY_LOCK, LW_SHARED);
	for (uint32 i = 0; i < request->ninputs; i++)
	{
		int64 id = id_at(request->inputs + (Size) i * REQUEST_INPUT);
		int32 slot = necp_pool_find(&necp_world->entities_by_id, id);

		batch.slots[i] = slot;
		if (slot != NO_SLOT)
			chain_input((int32) i, ENTITY(slot)->place);
	}
	LWLockRelease(DIRECTORY_LOCK);
}

static void
apply_to_place(const Request *request, int32 place_slot, TimestampTz now)
{
	WorldPlace *place = PLACE(place_slot);

	LWLockAcquire(PLACE_LOCK(place_slot), LW_EXCLUSIVE);
	place->stamp++;
	for (int32 i = batch.first[place_slot]; i != NO_SLOT; i = batch.next[i])
	{
		WorldEntity *entity = ENTITY(batch.slots[i]);
		Input input;

		memcpy(&input, request->inputs + (Size) i * REQUEST_INPUT, REQUEST_INPUT);
		/* it may have gone since the directory was read */
		if (entity->place == place_slot && entity->self.state.id == input.character_id &&
			apply_input(place, entity, &input, now))
			pool_touch(place, batch.slots[i]);
	}
	LWLockRelease(PLACE_LOCK(place_slot));
	batch.first[place_slot] = NO_SLOT;
}

static void
apply_inputs(const Request *request)
{
	TimestampTz now = necp_now();

	if (request->ninputs == 0)
		return;
	make_room(request->ninputs);
	sort_inputs(request);
	for (int i = 0; i < batch.ntouched; i++)
		apply_to_place(request, batch.touched[i], now);
}

/* The answer ----------------------------------------------------------------------------------- */

static void
ensure_room(Answer *answer, Size more)
{
	if (answer->used + more <= answer->room)
		return;
	answer->room = Max(answer->used + more, answer->room * 2);
	if (answer->room > MaxAllocSize)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("the answer to an exchange is too large"));
	answer->data =
		answer->data == NULL ? palloc(answer->room) : repalloc(answer->data, answer->room);
}

static inline void
put(Answer *answer, const void *bytes, Size length)
{
	memcpy(answer->data + answer->used, bytes, length);
	answer->used += length;
}

/* Head of a place in the answer, as it goes out. */
typedef struct PlaceHead
{
	int64 place_id;
	uint64 stamp;
	uint32 tick;
	uint8 full, gone;
	uint16 zero;
	uint32 changed, removed;
} PlaceHead;

StaticAssertDecl(sizeof(PlaceHead) == ANSWER_PLACE, "a place's head is copied as it goes out");

static void
put_changed(Answer *answer, const WorldPlace *place, uint64 since, PlaceHead *head)
{
	char *to = answer->data + answer->used;

	for (int32 i = place->newest; i != NO_SLOT; i = ENTITY(i)->older)
	{
		if (!head->full && ENTITY(i)->stamp <= since)
			break;
		memcpy(to, &ENTITY(i)->self.state, ANSWER_ENTITY);
		to += ANSWER_ENTITY;
		head->changed++;
	}
	answer->used = to - answer->data;
}

static void
put_removed(Answer *answer, const WorldPlace *place, uint64 since, PlaceHead *head)
{
	for (int i = 0; i < REMOVALS; i++)
	{
		if (place->removals[i].id == 0 || place->removals[i].stamp <= since)
			continue;
		put(answer, &place->removals[i].id, sizeof(int64));
		head->removed++;
	}
}

/* Under the place's lock, with room for all that is in it. */
static void
put_place(Answer *answer, const WorldPlace *place, uint64 since)
{
	Size head_at = answer->used;
	PlaceHead head = {.place_id = place->id, .stamp = place->stamp, .tick = place->tick};

	head.full = since < place->first_stamp || since < place->forgotten || since > place->stamp;
	answer->used += ANSWER_PLACE;
	put_changed(answer, place, since, &head);
	if (!head.full)
		put_removed(answer, place, since, &head);
	memcpy(answer->data + head_at, &head, ANSWER_PLACE);
}

static void
answer_place(Answer *answer, int64 place_id, uint64 since)
{
	PlaceHead gone = {.place_id = place_id, .gone = 1};

	for (;;)
	{
		int32 slot = necp_pool_lock_place(place_id, LW_SHARED);
		Size want;

		if (slot == NO_SLOT)
			break;
		want = ANSWER_PLACE + REMOVALS * sizeof(int64) +
			   (Size) (PLACE(slot)->players + PLACE(slot)->npcs) * ANSWER_ENTITY;
		if (answer->used + want <= answer->room)
		{
			put_place(answer, PLACE(slot), since);
			LWLockRelease(PLACE_LOCK(slot));
			return;
		}
		LWLockRelease(PLACE_LOCK(slot));
		ensure_room(answer, want + 16 * ANSWER_ENTITY); /* some may come meanwhile */
	}
	ensure_room(answer, ANSWER_PLACE);
	put(answer, &gone, ANSWER_PLACE);
}

static bytea *
answer_request(const Request *request)
{
	Answer answer = {.used = VARHDRSZ};
	uint32 version = VERSION;
	uint16 head[2] = {request->nplaces, 0};

	ensure_room(&answer, 1024);
	put(&answer, &version, 4);
	put(&answer, head, 4);
	for (uint32 i = 0; i < request->nplaces; i++)
	{
		const char *record = request->places + (Size) i * REQUEST_PLACE;
		uint64 since;

		memcpy(&since, record + 8, sizeof(since));
		answer_place(&answer, id_at(record), since);
	}
	SET_VARSIZE(answer.data, answer.used);
	return (bytea *) answer.data;
}

/* world_exchange(request bytea) → bytea: applies inputs, answers what changed (DOMAIN §13). */
PG_FUNCTION_INFO_V1(necp_world_exchange);
Datum
necp_world_exchange(PG_FUNCTION_ARGS)
{
	Request request;

	if (PG_ARGISNULL(0))
		necp_fail(VALIDATION, "request", "request is required");
	parse(PG_GETARG_BYTEA_PP(0), &request);
	validate(&request);
	apply_inputs(&request);
	PG_RETURN_BYTEA_P(answer_request(&request));
}
