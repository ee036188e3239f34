/* SPDX-License-Identifier: PostgreSQL
 *
 * Live sessions in shared memory: what enter() needs of them, and who is there. A cache: entries are
 * read from the table where they are missing, and what only stands here (last action, last sign of
 * life) begins anew after a crash.
 *
 * An entry read from the table is inserted only if nothing was invalidated since before the read (a
 * partition's generation), or a look-up that races a ban would bring the dead session back. Locks:
 * one partition lock at a time, never across SPI; the free list's spinlock inside it. A reader of all
 * sessions holds one partition after the other, so nobody waits for the whole of it.
 */
#include "postgres.h"

#include "kernel/clock.h"
#include "kernel/kernel.h"
#include "kernel/presence.h"
#include "kernel/shmem.h"
#include "kernel/workers.h"

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "port/atomics.h"
#include "port/pg_bitutils.h"
#include "storage/spin.h"
#include "utils/memutils.h"

#define PARTITIONS 16
#define NOBODY (-1)

typedef struct SessionEntry
{
	int32 next; /* of its bucket, or of the free ones */
	bool valid; /* session is as in the table */
	pg_atomic_uint64 last_action;
	pg_atomic_uint64 last_seen;
	NecpPresence self; /* but for last_action and last_seen */
} SessionEntry;

typedef struct SharedSessions
{
	pg_atomic_uint64 generation[PARTITIONS];
	pg_atomic_uint64 limits[NECP_PRESENCE_LIMITS]; /* microseconds, 0: not known yet */
	slock_t free_mutex;
	int32 first_free;
	int32 first[FLEXIBLE_ARRAY_MEMBER]; /* by bucket; the entries follow */
} SharedSessions;

static SharedSessions *shared;
static LWLockPadded *locks;

/* A power of two and at least one per partition: the last bits of a hash tell its partition. */
static uint32
bucket_count(void)
{
	return pg_nextpower2_32((uint32) Max(necp_max_sessions, PARTITIONS));
}

static Size
entries_at(void)
{
	return MAXALIGN(
		add_size(offsetof(SharedSessions, first), mul_size(bucket_count(), sizeof(int32))));
}

static Size
sessions_size(void)
{
	return add_size(entries_at(), mul_size((Size) necp_max_sessions, sizeof(SessionEntry)));
}

static inline SessionEntry *
entry_at(int32 slot)
{
	return (SessionEntry *) ((char *) shared + entries_at()) + slot;
}

static void
sessions_start(void *piece, LWLockPadded *unused)
{
	shared = piece;
	for (int i = 0; i < PARTITIONS; i++)
		pg_atomic_init_u64(&shared->generation[i], 0);
	for (int i = 0; i < NECP_PRESENCE_LIMITS; i++)
		pg_atomic_init_u64(&shared->limits[i], 0);
	SpinLockInit(&shared->free_mutex);
	for (uint32 i = 0; i < bucket_count(); i++)
		shared->first[i] = NOBODY;
	for (int32 slot = 0; slot < necp_max_sessions; slot++)
	{
		pg_atomic_init_u64(&entry_at(slot)->last_action, 0);
		pg_atomic_init_u64(&entry_at(slot)->last_seen, 0);
		entry_at(slot)->next = slot + 1 < necp_max_sessions ? slot + 1 : NOBODY;
	}
	shared->first_free = 0;
}

static NecpShmemPart sessions_part = {
	.name = "necp sessions",
	.size = sessions_size,
	.init = sessions_start,
	.locks = PARTITIONS,
	.piece = (void **) &shared,
	.lock_array = &locks,
};

void
necp_presence_init(void)
{
	necp_shmem_register(&sessions_part);
}

/* The table -------------------------------------------------------------------------------- */

static inline uint32
hash_id(const pg_uuid_t *id)
{
	return hash_bytes(id->data, UUID_LEN);
}

static inline LWLock *
lock_of(uint32 hash)
{
	return &locks[hash % PARTITIONS].lock;
}

static inline int32 *
bucket_of(uint32 hash)
{
	return &shared->first[hash & (bucket_count() - 1)];
}

static SessionEntry *
find_entry(const pg_uuid_t *id, uint32 hash)
{
	for (int32 slot = *bucket_of(hash); slot != NOBODY; slot = entry_at(slot)->next)
		if (memcmp(entry_at(slot)->self.session.id.data, id->data, UUID_LEN) == 0)
			return entry_at(slot);
	return NULL;
}

static void
set_times(SessionEntry *entry, TimestampTz at)
{
	pg_atomic_write_u64(&entry->last_action, (uint64) at);
	pg_atomic_write_u64(&entry->last_seen, (uint64) at);
}

/* A new entry for who is not there; NULL where memory is full: the table answers instead. */
static SessionEntry *
add_entry(const NecpPresence *self, uint32 hash)
{
	SessionEntry *entry = NULL;
	int32 slot;

	SpinLockAcquire(&shared->free_mutex);
	slot = shared->first_free;
	if (slot != NOBODY)
		shared->first_free = entry_at(slot)->next;
	SpinLockRelease(&shared->free_mutex);
	if (slot == NOBODY)
		return NULL;
	entry = entry_at(slot);
	entry->self = *self;
	entry->self.since = necp_now();
	entry->valid = false;
	set_times(entry, entry->self.since);
	entry->next = *bucket_of(hash);
	*bucket_of(hash) = slot;
	return entry;
}

static void
remove_entry(const pg_uuid_t *id, uint32 hash)
{
	int32 *link = bucket_of(hash);
	int32 slot;

	while (*link != NOBODY &&
		   memcmp(entry_at(*link)->self.session.id.data, id->data, UUID_LEN) != 0)
		link = &entry_at(*link)->next;
	if (*link == NOBODY)
		return;
	slot = *link;
	*link = entry_at(slot)->next;
	SpinLockAcquire(&shared->free_mutex);
	entry_at(slot)->next = shared->first_free;
	shared->first_free = slot;
	SpinLockRelease(&shared->free_mutex);
}

/* Who acts --------------------------------------------------------------------------------- */

static inline TimestampTz
acted_at(SessionEntry *entry)
{
	return (TimestampTz) pg_atomic_read_u64(&entry->last_action);
}

static inline TimestampTz
seen_at(SessionEntry *entry)
{
	return Max((TimestampTz) pg_atomic_read_u64(&entry->last_seen), acted_at(entry));
}

static inline bool
passed(TimestampTz since, NecpPresenceLimit limit, TimestampTz now)
{
	int64 after = (int64) pg_atomic_read_u64(&shared->limits[limit]);

	return after > 0 && now - since >= after;
}

/* Has its time run out, though nobody has closed it yet? */
static bool
is_over(SessionEntry *entry, TimestampTz now)
{
	TimestampTz lost = entry->self.disconnected_at;

	if (passed(acted_at(entry), NECP_LIMIT_IDLE, now) ||
		passed(seen_at(entry), NECP_LIMIT_SILENT, now))
		return true;
	return lost != 0 && acted_at(entry) <= lost && passed(lost, NECP_LIMIT_LOST, now);
}

NecpFound
necp_presence_find(const pg_uuid_t *id, bool action, NecpSession *session)
{
	uint32 hash = hash_id(id);
	TimestampTz now = necp_now();
	NecpFound found = NECP_NOT_CACHED;
	SessionEntry *entry;

	LWLockAcquire(lock_of(hash), LW_SHARED);
	entry = find_entry(id, hash);
	if (entry != NULL && is_over(entry, now))
		found = NECP_OVER;
	else if (entry != NULL)
	{
		pg_atomic_write_u64(action ? &entry->last_action : &entry->last_seen, (uint64) now);
		if (entry->valid && entry->self.session.permissions_until > now)
		{
			*session = entry->self.session;
			found = NECP_FOUND;
		}
	}
	LWLockRelease(lock_of(hash));
	return found;
}

uint64
necp_presence_generation(const pg_uuid_t *id)
{
	uint64 generation = pg_atomic_read_u64(&shared->generation[hash_id(id) % PARTITIONS]);

	pg_read_barrier();
	return generation;
}

void
necp_presence_store(const NecpPresence *self, bool refresh, uint64 generation)
{
	uint32 hash = hash_id(&self->session.id);
	SessionEntry *entry;

	LWLockAcquire(lock_of(hash), LW_EXCLUSIVE);
	if (pg_atomic_read_u64(&shared->generation[hash % PARTITIONS]) == generation)
	{
		entry = find_entry(&self->session.id, hash);
		if (entry == NULL)
			entry = add_entry(self, hash);
		if (entry != NULL && refresh)
		{
			entry->self.session = self->session;
			entry->valid = true;
		}
	}
	LWLockRelease(lock_of(hash));
}

/* Changes, at commit ----------------------------------------------------------------------- */

typedef struct Change
{
	NecpPresence to;
	bool ended;
	bool opened;
	bool keeps_state;
} Change;

static void
apply_state(SessionEntry *entry, const NecpPresence *to)
{
	/* coming back is an action */
	if (entry->self.status == NECP_SESSION_DISCONNECTED && to->status != NECP_SESSION_DISCONNECTED)
		set_times(entry, necp_now());
	entry->self.session.character_id = to->session.character_id;
	entry->self.session.place_id = to->session.place_id;
	entry->self.status = to->status;
	entry->self.disconnected_at = to->disconnected_at;
	memcpy(entry->self.node, to->node, sizeof(to->node));
}

static void
apply(bool committed, void *arg)
{
	Change *change = arg;
	uint32 hash = hash_id(&change->to.session.id);
	SessionEntry *entry;

	if (!committed)
		return;
	LWLockAcquire(lock_of(hash), LW_EXCLUSIVE);
	if (change->ended)
	{
		pg_atomic_fetch_add_u64(&shared->generation[hash % PARTITIONS], 1);
		remove_entry(&change->to.session.id, hash);
	}
	else if ((entry = find_entry(&change->to.session.id, hash)) != NULL)
	{
		if (change->keeps_state)
		{
			pg_atomic_fetch_add_u64(&shared->generation[hash % PARTITIONS], 1);
			entry->valid = false;
		}
		else
			apply_state(entry, &change->to);
	}
	else if (change->keeps_state)
		pg_atomic_fetch_add_u64(&shared->generation[hash % PARTITIONS], 1);
	else if (change->opened)
		(void) add_entry(&change->to, hash);
	LWLockRelease(lock_of(hash));
}

static void
at_commit(const Change *change)
{
	Change *copy = MemoryContextAlloc(TopTransactionContext, sizeof(Change));

	*copy = *change;
	necp_at_xact_end(apply, copy);
}

void
necp_session_changed(const pg_uuid_t *id)
{
	at_commit(&(Change){.to.session.id = *id, .keeps_state = true});
}

void
necp_session_ended(const pg_uuid_t *id)
{
	at_commit(&(Change){.to.session.id = *id, .ended = true});
}

void
necp_presence_open(const NecpPresence *self)
{
	at_commit(&(Change){.to = *self, .opened = true});
}

void
necp_presence_set(const NecpPresence *self)
{
	at_commit(&(Change){.to = *self});
}

/* Signs of life ---------------------------------------------------------------------------- */

static void
raise_time(pg_atomic_uint64 *time, TimestampTz at)
{
	if ((TimestampTz) pg_atomic_read_u64(time) < at)
		pg_atomic_write_u64(time, (uint64) at);
}

void
necp_session_seen(const pg_uuid_t *id)
{
	uint32 hash = hash_id(id);
	TimestampTz now = necp_now();
	SessionEntry *entry;

	LWLockAcquire(lock_of(hash), LW_SHARED);
	entry = find_entry(id, hash);
	if (entry != NULL && !is_over(entry, now))
		raise_time(&entry->last_seen, now);
	LWLockRelease(lock_of(hash));
}

void
necp_session_acted(const pg_uuid_t *id, TimestampTz at)
{
	uint32 hash = hash_id(id);
	SessionEntry *entry;

	LWLockAcquire(lock_of(hash), LW_SHARED);
	entry = find_entry(id, hash);
	if (entry != NULL)
		raise_time(&entry->last_action, at);
	LWLockRelease(lock_of(hash));
}

void
necp_presence_warned(const pg_uuid_t *id, TimestampTz at)
{
	uint32 hash = hash_id(id);
	SessionEntry *entry;

	LWLockAcquire(lock_of(hash), LW_EXCLUSIVE);
	entry = find_entry(id, hash);
	if (entry != NULL)
		entry->self.warned_at = at;
	LWLockRelease(lock_of(hash));
}

void
necp_presence_limit(NecpPresenceLimit limit, int64 us)
{
	pg_atomic_write_u64(&shared->limits[limit], (uint64) us);
}

void
necp_presence_node(NecpPresence *self, const char *node)
{
	int length = pg_mbcliplen(node, (int) strlen(node), NAMEDATALEN - 1);

	memset(self->node, 0, sizeof(self->node));
	memcpy(self->node, node, (size_t) length);
}

/* Who is there ----------------------------------------------------------------------------- */

static void
copy_entry(SessionEntry *entry, NecpPresence *out)
{
	*out = entry->self;
	out->last_action = acted_at(entry);
	out->last_seen = seen_at(entry);
}

bool
necp_presence_read(const pg_uuid_t *id, NecpPresence *out)
{
	uint32 hash = hash_id(id);
	SessionEntry *entry;

	LWLockAcquire(lock_of(hash), LW_SHARED);
	entry = find_entry(id, hash);
	if (entry != NULL)
		copy_entry(entry, out);
	LWLockRelease(lock_of(hash));
	return entry != NULL;
}

void
necp_presence_forget(const pg_uuid_t *id)
{
	uint32 hash = hash_id(id);

	LWLockAcquire(lock_of(hash), LW_EXCLUSIVE);
	remove_entry(id, hash);
	LWLockRelease(lock_of(hash));
}

int
necp_presence_copy(NecpPresence *out)
{
	int count = 0;

	for (uint32 part = 0; part < PARTITIONS; part++)
	{
		LWLockAcquire(&locks[part].lock, LW_SHARED);
		for (uint32 i = part; i < bucket_count(); i += PARTITIONS)
			for (int32 slot = shared->first[i]; slot != NOBODY; slot = entry_at(slot)->next)
				/* one may have come twice, into a partition that is still to come */
				if (count < necp_max_sessions)
					copy_entry(entry_at(slot), &out[count++]);
		LWLockRelease(&locks[part].lock);
	}
	return count;
}
