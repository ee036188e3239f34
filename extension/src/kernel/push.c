/* SPDX-License-Identifier: PostgreSQL
 *
 * Pushes: collected per transaction, appended to the ring at commit, sent by the publisher worker.
 *
 * The ring is bytes: each record is its length and a RingRecord followed by its strings. Writers
 * append whole records under the ring's lock; the publisher copies what is there, notifies, and
 * moves the tail after its commit. A record that finds no room is lost and the publisher tells every
 * topic to resync. Nobody sends NOTIFY inside a game transaction: its lock serialises commits.
 */
#include "postgres.h"

#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/errors.h"
#include "kernel/kernel.h"
#include "kernel/push.h"
#include "kernel/shmem.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#include "access/xact.h"
#include "commands/async.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#define CHANNEL "necp_push"
#define PAYLOAD_MAX 7990 /* NOTIFY takes 7999 bytes */
#define TOPIC_LENGTH 128
#define TOPICS_KEPT 200000
#define BATCH_MAX (256 * 1024) /* bytes of one publishing transaction */

typedef enum PushKind
{
	PUSH_MESSAGE = 'M', /* text: "<type> <topic>", tail: json */
	PUSH_CONTROL = 'C', /* text: a whole line */
} PushKind;

typedef struct RingRecord
{
	uint32 length; /* whole record, rounded up to 8 */
	uint16 head;   /* bytes of "<type> <topic>" */
	uint16 tail;   /* bytes of json */
	char kind;
	int64 version;
	int64 sent_ms;
} RingRecord;

typedef struct Ring
{
	uint64 head; /* bytes ever written */
	uint64 tail; /* bytes ever published */
	bool lost;
	bool sleeping;
	Latch *publisher;
	uint64 capacity;
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} Ring;

typedef struct Pending
{
	RingRecord record;
	SubTransactionId subxact;
	struct Pending *next;
	char bytes[FLEXIBLE_ARRAY_MEMBER];
} Pending;

static Ring *ring;
static LWLockPadded *ring_lock;

/* of this transaction, in TopTransactionContext */
static Pending *first;
static Pending *last;

/* Collecting --------------------------------------------------------------------------------- */

static void
collect(char kind, const char *head, const char *tail, int64 version)
{
	Size head_length = strlen(head);
	Size tail_length = tail != NULL ? strlen(tail) : 0;
	Pending *pending;

	if (head_length + tail_length > NECP_PUSH_MAX)
		elog(ERROR,
			 "push \"%.60s\" is larger than %d bytes: push what changed, not the whole",
			 head,
			 NECP_PUSH_MAX);
	if (strpbrk(head, "\n\r") != NULL || (tail != NULL && strpbrk(tail, "\n\r") != NULL))
		elog(ERROR, "push \"%.60s\" holds a line break", head);
	pending = MemoryContextAlloc(TopTransactionContext,
								 offsetof(Pending, bytes) + head_length + tail_length);
	pending->record.length = MAXALIGN(sizeof(RingRecord) + head_length + tail_length);
	pending->record.head = (uint16) head_length;
	pending->record.tail = (uint16) tail_length;
	pending->record.kind = kind;
	pending->record.version = version;
	pending->record.sent_ms = 0;
	pending->subxact = GetCurrentSubTransactionId();
	pending->next = NULL;
	memcpy(pending->bytes, head, head_length);
	if (tail_length > 0)
		memcpy(pending->bytes + head_length, tail, tail_length);
	if (last != NULL)
		last->next = pending;
	else
		first = pending;
	last = pending;
}

/* Line breaks in JSON stand between its tokens only: a blank does as well. */
static char *
one_line(char *json)
{
	for (char *c = json; *c != '\0'; c++)
	{
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	}
	return json;
}

void
necp_push(const char *topic, const char *type, int64 version, const char *data)
{
	char *head;

	if (necp_mute)
		return;
	head = psprintf("%s %s", type, topic);
	collect(PUSH_MESSAGE, head, data, version);
	pfree(head);
}

static void
control(char *line)
{
	collect(PUSH_CONTROL, line, NULL, 0);
	pfree(line);
}

static char *
uuid_text(const pg_uuid_t *id)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}

void
necp_push_unsubscribe(const char *topic, const char *who, int64 id)
{
	control(psprintf("U %s %s " INT64_FORMAT, topic, who, id));
}

void
necp_push_binding(const pg_uuid_t *session, int64 binding, int64 character_id, int64 place_id)
{
	control(psprintf("B " INT64_FORMAT " %s " INT64_FORMAT " " INT64_FORMAT,
					 binding,
					 uuid_text(session),
					 character_id,
					 place_id));
}

void
necp_push_close(const pg_uuid_t *session, const char *reason)
{
	control(psprintf("K %s %s", uuid_text(session), reason));
}

/* push(topic text, type text, data json): for operators. */
NECP_FUNCTION(necp_push_sql)
{
	char *topic = necp_arg_text(fcinfo, 0, "topic", 8, TOPIC_LENGTH - 1);
	char *type = necp_arg_text(fcinfo, 1, "type", 1, 64);

	necp_arg_required(fcinfo, 2, "data");
	if (strncmp(topic, "/topic/", 7) != 0 || strpbrk(topic, " \t") != NULL)
		necp_fail(VALIDATION, "topic", "this is not the name of a topic");
	if (strspn(type, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(type))
		necp_fail(VALIDATION, "type", "a type has upper case letters, digits and underscores");
	necp_push(topic, type, 0, one_line(text_to_cstring(PG_GETARG_TEXT_PP(2))));
	PG_RETURN_VOID();
}

/* The ring ----------------------------------------------------------------------------------- */

static Size
ring_size(void)
{
	return add_size(offsetof(Ring, bytes), (Size) necp_push_ring_kb * 1024);
}

static void
ring_start(void *piece, LWLockPadded *locks)
{
	((Ring *) piece)->capacity = (uint64) necp_push_ring_kb * 1024;
}

static NecpShmemPart ring_part = {
	.name = "necp push ring",
	.size = ring_size,
	.init = ring_start,
	.locks = 1,
	.piece = (void **) &ring,
	.lock_array = &ring_lock,
};

static void
copy_in(uint64 position, const void *data, Size length)
{
	uint64 at = position % ring->capacity;
	Size first_part = Min(length, ring->capacity - at);

	memcpy(ring->bytes + at, data, first_part);
	if (length > first_part)
		memcpy(ring->bytes, (const char *) data + first_part, length - first_part);
}

static void
copy_out(uint64 position, void *data, Size length)
{
	uint64 at = position % ring->capacity;
	Size first_part = Min(length, ring->capacity - at);

	memcpy(data, ring->bytes + at, first_part);
	if (length > first_part)
		memcpy((char *) data + first_part, ring->bytes, length - first_part);
}

static void
append(const Pending *pending)
{
	const RingRecord *record = &pending->record;

	if (ring->head + record->length - ring->tail > ring->capacity)
	{
		ring->lost = true;
		return;
	}
	copy_in(ring->head, record, sizeof(RingRecord));
	copy_in(ring->head + sizeof(RingRecord), pending->bytes, (Size) record->head + record->tail);
	ring->head += record->length;
}

/* Runs after the commit is visible: nothing here may fail. */
void
necp_push_xact_end(bool committed)
{
	int64 now_ms;

	if (committed && first != NULL)
	{
		now_ms = (int64) (necp_now() / 1000) +
				 (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400000);
		LWLockAcquire(&ring_lock->lock, LW_EXCLUSIVE);
		for (Pending *pending = first; pending != NULL; pending = pending->next)
		{
			pending->record.sent_ms = now_ms;
			append(pending);
		}
		if (ring->sleeping && ring->publisher != NULL)
		{
			ring->sleeping = false;
			SetLatch(ring->publisher);
		}
		LWLockRelease(&ring_lock->lock);
	}
	first = last = NULL;
}

bool
necp_push_pending(void)
{
	return first != NULL;
}

void
necp_push_subxact_abort(uint32 subxact)
{
	Pending **link = &first;

	last = NULL;
	while (*link != NULL)
	{
		if ((*link)->subxact >= subxact)
			*link = (*link)->next;
		else
		{
			last = *link;
			link = &last->next;
		}
	}
}

/* The publisher -------------------------------------------------------------------------------- */

typedef struct Topic
{
	char name[TOPIC_LENGTH];
	int64 seq;
} Topic;

static HTAB *topics;
static int64 seq_floor; /* above every seq of a topic that was forgotten */
static int64 epoch;
static int64 batch;
static StringInfoData payload;

static void
reset_topics(void)
{
	HASHCTL hash = {.keysize = TOPIC_LENGTH, .entrysize = sizeof(Topic), .hcxt = TopMemoryContext};

	if (topics != NULL)
		hash_destroy(topics);
	topics = hash_create("necp topics", 4096, &hash, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static int64
next_seq(const char *name)
{
	bool found;
	Topic *topic;

	if (hash_get_num_entries(topics) >= TOPICS_KEPT)
		reset_topics();
	topic = hash_search(topics, name, HASH_ENTER, &found);
	if (!found)
		topic->seq = seq_floor;
	topic->seq++;
	seq_floor = Max(seq_floor, topic->seq);
	return topic->seq;
}

static void
send_payload(void)
{
	if (payload.len == 0)
		return;
	Async_Notify(CHANNEL, payload.data);
	resetStringInfo(&payload);
}

/* Adds a line to the payload, sending the one that is full. */
static void
add_line(const char *line, int length)
{
	if (payload.len + length + 1 > PAYLOAD_MAX)
		send_payload();
	if (payload.len == 0)
		appendStringInfo(&payload, INT64_FORMAT " " INT64_FORMAT, epoch, ++batch);
	appendStringInfoChar(&payload, '\n');
	appendBinaryStringInfo(&payload, line, length);
}

static void
publish_record(const RingRecord *record, char *bytes, StringInfo line)
{
	const char *topic;

	resetStringInfo(line);
	if (record->kind == PUSH_CONTROL)
	{
		add_line(bytes, record->head);
		return;
	}
	appendBinaryStringInfo(line, bytes, record->head);
	topic = strchr(line->data, ' ') + 1;
	topic = psprintf("M " INT64_FORMAT " " INT64_FORMAT " " INT64_FORMAT " ",
					 next_seq(topic),
					 record->version,
					 record->sent_ms);
	resetStringInfo(line);
	appendStringInfoString(line, topic);
	appendBinaryStringInfo(line, bytes, record->head);
	appendStringInfoChar(line, ' ');
	if (record->tail > 0)
		appendBinaryStringInfo(line, bytes + record->head, record->tail);
	else
		appendStringInfoString(line, "{}");
	add_line(line->data, line->len);
}

/* Publishes the records from tail to head; runs inside a transaction. */
static void
publish(uint64 tail, uint64 head, bool lost)
{
	StringInfoData line;
	char *bytes = palloc(NECP_PUSH_MAX + 1);

	initStringInfo(&line);
	resetStringInfo(&payload);
	while (tail < head)
	{
		RingRecord record;

		copy_out(tail, &record, sizeof(record));
		copy_out(tail + sizeof(record), bytes, (Size) record.head + record.tail);
		publish_record(&record, bytes, &line);
		tail += record.length;
	}
	if (lost)
		add_line("R *", 3);
	send_payload();
}

/* Where a batch that starts at the tail ends: whole records, BATCH_MAX bytes or so. */
static uint64
batch_end(uint64 tail, uint64 head)
{
	uint64 end = tail;

	while (end < head && end - tail < BATCH_MAX)
	{
		RingRecord record;

		copy_out(end, &record, sizeof(record));
		end += record.length;
	}
	return end;
}

static bool
publish_batch(void)
{
	uint64 tail;
	uint64 head;
	bool lost;

	LWLockAcquire(&ring_lock->lock, LW_EXCLUSIVE);
	tail = ring->tail;
	head = batch_end(tail, ring->head);
	lost = ring->lost;
	ring->sleeping = head == tail && !lost;
	LWLockRelease(&ring_lock->lock);
	if (head == tail && !lost)
		return false;
	StartTransactionCommand();
	publish(tail, head, lost);
	CommitTransactionCommand();
	LWLockAcquire(&ring_lock->lock, LW_EXCLUSIVE);
	ring->tail = head; /* writers never pass it, so the bytes stood still meanwhile */
	if (lost)
		ring->lost = false;
	LWLockRelease(&ring_lock->lock);
	return true;
}

static void
forget_publisher(int code, Datum arg)
{
	LWLockAcquire(&ring_lock->lock, LW_EXCLUSIVE);
	ring->publisher = NULL;
	LWLockRelease(&ring_lock->lock);
}

static void
publisher_start(void)
{
	static bool registered;

	if (!registered)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		before_shmem_exit(forget_publisher, (Datum) 0);
		initStringInfo(&payload);
		reset_topics();
		registered = true;
		MemoryContextSwitchTo(old);
	}
	epoch = GetCurrentTimestamp() / 1000;
	batch = 0;
	seq_floor = epoch; /* rises across restarts too */
	LWLockAcquire(&ring_lock->lock, LW_EXCLUSIVE);
	ring->publisher = MyLatch;
	LWLockRelease(&ring_lock->lock);
}

static void
publisher_step(void)
{
	while (publish_batch())
		CHECK_FOR_INTERRUPTS();
}

static const NecpWorker publisher = {
	.name = "publisher",
	.period_ms = NECP_WORKER_LATCH,
	.start = publisher_start,
	.step = publisher_step,
};

void
necp_push_init(void)
{
	necp_shmem_register(&ring_part);
	necp_worker_register(&publisher);
}
