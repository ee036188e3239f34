/* SPDX-License-Identifier: PostgreSQL
 *
 * The live world: who stands where, in shared memory (DOMAIN §13). Positions and hit points change
 * many times a second and are worth nothing a minute later, so they have no rows; everything here is
 * a cache that the world worker rebuilds from tables after a crash. No rule of the game lives here.
 *
 * place_id is the zone's id, or minus the instance's id; an entity's id is the character's id, or
 * minus the NPC instance's id. Units are metres, radians, seconds unless a name says otherwise.
 */
#ifndef NECP_WORLD_H
#define NECP_WORLD_H

#include "postgres.h"

#include "utils/timestamp.h"

#include "world/mind.h"

#define NECP_NAME_SIZE 64

#define NECP_ENTITY_CHARACTER 1
#define NECP_ENTITY_NPC 2

#define NECP_ACTIVITY_IDLE 0
#define NECP_ACTIVITY_MOVING 1
#define NECP_ACTIVITY_COMBAT 2
#define NECP_ACTIVITY_AFK 3
#define NECP_ACTIVITY_DEAD 4

#define NECP_FLAG_REFUSED 0x01 /* the last move was refused: take this position */

/* What clients see of an entity: exactly the 48 bytes of docs/interfaces.md §8. */
typedef struct NecpEntityState
{
	int64 id;
	uint32 seq; /* of the last input that was looked at */
	float x, y, z, yaw;
	float vx, vy;
	int32 hp, max_hp;
	uint8 kind, activity, flags, zero;
} NecpEntityState;

/* An entity as rooms give it to the world and read it back. */
typedef struct NecpEntity
{
	NecpEntityState state;
	float max_speed; /* 0: does not move by input */
	int32 violations;
	TimestampTz moved_at;
	int64 place_id;
	int64 combat_id;      /* 0: does not fight */
	TimestampTz acted_at; /* last hostile act, given or taken */
	TimestampTz shot_at;  /* last strike given */
	TimestampTz fled_at;  /* last attempt to flee */
	TimestampTz entered_at;
	int64 template_id; /* NPC */
	int64 life_id;     /* rises with every respawn; of a character while it is in the world */
	int32 level, body, reflexes, armor;
	int32 damage_percent, crit_percent; /* that it adds to its blows */
	uint8 tier;                         /* NPC: 5 is a boss */
	uint8 mind;                         /* NPC: NECP_MIND_… */
	int32 weak_percent;                 /* until then, damage taken is that much */
	TimestampTz weak_until;             /* 0: no weak point is open */
	char name[NECP_NAME_SIZE];
} NecpEntity;

typedef struct NecpBounds
{
	float min_x, min_y, min_z;
	float max_x, max_y, max_z;
} NecpBounds;

typedef struct NecpPlace
{
	int64 id;
	NecpBounds bounds;
	int32 capacity; /* characters */
	/* as read back: */
	int32 players, npcs;
	uint32 tick;
	uint64 stamp;
} NecpPlace;

extern int necp_max_places;   /* GUC necpgame.max_places */
extern int necp_max_entities; /* GUC necpgame.max_entities */

/* Defines the GUCs and registers the shared memory. */
extern void necp_world_init(void);

/* Puts a name into an entity, cut at a character's boundary. */
extern void necp_world_name(NecpEntity *entity, const char *name);
extern float necp_world_distance(const NecpEntity *a, const NecpEntity *b);

/*
 * Places. Opening one that is open sets its bounds and capacity; false where memory is full.
 * Closing removes whoever is in it.
 */
extern bool necp_world_open(const NecpPlace *place);
extern void necp_world_close(int64 place_id);
/*
 * Names the data that the world shows, by the oid of its schema; the world of other data, dropped or
 * restored since, is cleared.
 */
extern void necp_world_belong_to(Oid schema);
extern bool necp_world_place(int64 place_id, NecpPlace *out);
/* All open places, palloc'd. */
extern int necp_world_places(NecpPlace **out);
/* Asks the world worker to load places and NPCs anew once this transaction has committed. */
extern void necp_world_reload(void);
/* Rises with every such request. */
extern uint32 necp_world_generation(void);

/* Copies an entity; false where it is not in the world. */
extern bool necp_world_read(int64 entity_id, NecpEntity *out);
/* Entities of a kind (0: any) in a place, palloc'd. */
extern int necp_world_list(int64 place_id, uint8 kind, NecpEntity **out);
/* The entities named, all at once; one that is not in that place has the id 0 in out. */
extern void necp_world_look(int64 place_id, const int64 *entity_ids, int n, NecpEntity *out);

typedef enum NecpEntry
{
	NECP_ENTRY_OK,
	NECP_ENTRY_NO_PLACE,  /* the place is not in memory */
	NECP_ENTRY_FULL,      /* capacity */
	NECP_ENTRY_NO_MEMORY, /* necpgame.max_entities */
} NecpEntry;

/*
 * Reserves room for a character now; it stands there, and nowhere else, once this transaction has
 * committed.
 */
extern NecpEntry necp_world_enter(const NecpEntity *who);
/* The entity leaves the world once this transaction has committed. */
extern void necp_world_leave(int64 entity_id);
/* A client starts over: its inputs count from 1 again. */
extern void necp_world_restart_input(int64 entity_id);

/* The same at once, for the world worker: replaces an entity of that id, wherever it is. */
extern NecpEntry necp_world_spawn(const NecpEntity *who);
extern void necp_world_despawn(int64 entity_id);

/* Advances the tick of a place with players; characters who sent nothing for a while stand still. */
extern void necp_world_tick(int64 place_id, TimestampTz now);

/* Where an NPC goes next, and what it is about; the dead stay. */
typedef struct NecpMotion
{
	int64 entity_id;
	float x, y, z, yaw, vx, vy;
	uint8 mind;
} NecpMotion;
extern void necp_world_steer(int64 place_id, const NecpMotion *motions, int n);

/* These entities of a place fight in a combat, or no more (0), once this transaction has committed. */
extern void necp_world_engage(int64 place_id, int64 combat_id, const int64 *entity_ids, int n);
/* Whoever fights in this combat in that place does not, once this transaction has committed. */
extern void necp_world_disengage(int64 place_id, int64 combat_id);

/* A character dies, or stands at a point alive again, once this transaction has committed. */
extern void necp_world_fall(int64 entity_id);
extern void necp_world_rise(const NecpEntity *who);
/* It stands elsewhere in its place once this transaction has committed, as after a refused move. */
extern void necp_world_shift(const NecpEntity *who);

typedef struct NecpStrike
{
	int64 actor_id;
	int64 target_id;
	int64 combat_id; /* both must fight in it */
	int64 life_id;   /* the target's life that the damage was calculated for */
	int32 damage;
	float range;
	int32 interval_ms; /* least time between two strikes of the actor */
} NecpStrike;

typedef enum NecpStruck
{
	NECP_STRUCK_HIT,
	NECP_STRUCK_KILL,  /* claimed for this transaction: dead at its commit, unharmed at its abort */
	NECP_STRUCK_APART, /* one of them is not here, or not in this combat */
	NECP_STRUCK_ACTOR_DEAD,
	NECP_STRUCK_TARGET_DEAD,
	NECP_STRUCK_OUT_OF_RANGE,
	NECP_STRUCK_TOO_SOON,
} NecpStruck;

/*
 * Checks and applies one strike under one lock. A hit counts at once, so that concurrent strikes
 * add up, and is taken back if the transaction aborts. out: the target as it is then.
 */
extern NecpStruck necp_world_strike(const NecpStrike *strike, NecpEntity *out);

/*
 * A strike of the world worker, outside of transactions: a hit counts at once and for good. One that
 * would kill changes nothing and is answered so; the kill is claimed by necp_world_strike().
 */
extern NecpStruck necp_world_hit(const NecpStrike *strike, NecpEntity *out);

/*
 * One attempt to flee in that time; false where the last was sooner. It counts at once, also where
 * the transaction aborts.
 */
extern bool necp_world_try_flight(int64 entity_id, int32 interval_ms);

/* An NPC turns home: nobody strikes it any more. False where it is dead or about to die. */
extern bool necp_world_shelter(int64 entity_id, int64 life_id);
/* It is out of every fight, whole, and has forgiven all harm; it runs home untouchable. */
extern void necp_world_calm(int64 entity_id, int64 life_id);
/* Opens a weak point until then. */
extern void necp_world_expose(int64 entity_id, int64 life_id, TimestampTz until, int32 percent);

/* What a character did in the present life of an entity that it fought, or for who fought it. */
typedef struct NecpHarm
{
	int64 character_id;
	int64 damage;
	int64 healing;
} NecpHarm;

/* Everybody who harmed that life, who came first first; palloc'd. */
extern int necp_world_harms(int64 entity_id, int64 life_id, NecpHarm **out);
/* Healing of somebody who fights it counts as well. */
extern void necp_world_aid(int64 entity_id, int64 life_id, int64 character_id, int32 healing);
/* It is as if nobody had ever fought it. */
extern void necp_world_forgive(int64 entity_id);

/*
 * Heals an entity at once, up to its most, and takes it back if the transaction aborts. False where
 * it is dead or not here. out: as it is then.
 */
extern bool necp_world_heal(int64 entity_id, int32 points, NecpEntity *out);
typedef struct NecpFit
{
	int64 entity_id;
	int32 level, max_hp, body, reflexes, armor;
	int32 damage_percent, crit_percent;
} NecpFit;

/*
 * It fights with these numbers once this transaction has committed. Who lives and gets more hit points
 * at most has as many more; nobody keeps more than the most.
 */
extern void necp_world_refit(const NecpFit *fit);

/*
 * Jobs of the world worker (20 Hz), run in the order of registration; job must be static. load runs
 * in a transaction, when the worker starts and after necp_world_reload(); step runs outside one,
 * every period_ms (0: every step).
 */
typedef struct NecpWorldJob
{
	const char *name;
	int period_ms;
	void (*load)(void *unused);
	void (*step)(TimestampTz now);
	bool shed; /* left out of a step that begins late */
} NecpWorldJob;

/* How a job of the world worker fares; in shared memory. */
typedef struct NecpWorldWork
{
	char name[32];
	int64 runs;
	int64 total_us, most_us;
	int64 shed; /* runs that were left out */
} NecpWorldWork;

#define NECP_MAX_WORLD_JOBS 16
/* One for each job that has run; returns how many. */
extern int necp_world_work(NecpWorldWork out[NECP_MAX_WORLD_JOBS]);

extern void necp_world_job(const NecpWorldJob *job);
/* Registers the worker itself. */
extern void necp_world_worker_init(void);

#endif
