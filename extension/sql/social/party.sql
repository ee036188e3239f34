/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.party_member_view AS (
	character_id bigint,
	name text,
	level int,
	role text,
	assistant boolean,
	hp int,
	max_hp int,
	place_id bigint,
	online boolean,
	afk boolean,
	ready boolean,
	joined_at timestamptz
);
COMMENT ON TYPE necp.party_member_view IS 'A member of a party.';
COMMENT ON COLUMN necp.party_member_view.character_id IS 'Character.';
COMMENT ON COLUMN necp.party_member_view.name IS 'Its name.';
COMMENT ON COLUMN necp.party_member_view.level IS 'Its level.';
COMMENT ON COLUMN necp.party_member_view.role IS 'TANK, HEALER, DPS or SUPPORT.';
COMMENT ON COLUMN necp.party_member_view.assistant IS 'May invite and ask who is ready.';
COMMENT ON COLUMN necp.party_member_view.hp IS 'Hit points at this moment.';
COMMENT ON COLUMN necp.party_member_view.max_hp IS 'Hit points at most.';
COMMENT ON COLUMN necp.party_member_view.place_id IS 'Zone where it stands, or minus the instance, or null.';
COMMENT ON COLUMN necp.party_member_view.online IS 'Is played, and connected as far as is known.';
COMMENT ON COLUMN necp.party_member_view.afk IS 'Has not acted for a while.';
COMMENT ON COLUMN necp.party_member_view.ready IS 'Answer to the last ready check, or null.';
COMMENT ON COLUMN necp.party_member_view.joined_at IS 'When it joined: who is longest present leads next.';

CREATE TYPE necp.party_loot_view AS (mode text, threshold text, master_looter_id bigint);
COMMENT ON TYPE necp.party_loot_view IS 'How a party shares what drops from now on.';
COMMENT ON COLUMN necp.party_loot_view.mode IS 'FREE_FOR_ALL, PERSONAL, NEED_GREED or MASTER_LOOTER.';
COMMENT ON COLUMN necp.party_loot_view.threshold IS 'Rarity below which nobody rolls.';
COMMENT ON COLUMN necp.party_loot_view.master_looter_id IS 'Member who gives out loot, in that mode; else null.';

CREATE TYPE necp.party_ready_view AS (status text, expires_at timestamptz);
COMMENT ON TYPE necp.party_ready_view IS 'The last ready check of a party.';
COMMENT ON COLUMN necp.party_ready_view.status IS 'RUNNING, READY or NOT_READY.';
COMMENT ON COLUMN necp.party_ready_view.expires_at IS 'Until when it is answered.';

CREATE TYPE necp.party_view AS (
	party_id bigint,
	leader_id bigint,
	raid boolean,
	capacity int,
	frozen boolean,
	members necp.party_member_view[],
	loot necp.party_loot_view,
	ready_check necp.party_ready_view,
	version bigint,
	created_at timestamptz
);
COMMENT ON TYPE necp.party_view IS 'A party, as its members see it.';
COMMENT ON COLUMN necp.party_view.party_id IS 'Identity.';
COMMENT ON COLUMN necp.party_view.leader_id IS 'Character that leads.';
COMMENT ON COLUMN necp.party_view.raid IS 'Was made a raid.';
COMMENT ON COLUMN necp.party_view.capacity IS 'Members at most.';
COMMENT ON COLUMN necp.party_view.frozen IS 'Nobody comes or goes while a match is pending.';
COMMENT ON COLUMN necp.party_view.members IS 'By character.';
COMMENT ON COLUMN necp.party_view.loot IS 'How loot is shared.';
COMMENT ON COLUMN necp.party_view.ready_check IS 'The last ready check, or null.';
COMMENT ON COLUMN necp.party_view.version IS 'Rises with every change; that of the messages of its topic.';
COMMENT ON COLUMN necp.party_view.created_at IS 'When it was formed.';

CREATE TYPE necp.party_invite_view AS (
	invite_id bigint,
	party_id bigint,
	character_id bigint,
	invited_by bigint,
	invited_by_name text,
	created_at timestamptz,
	expires_at timestamptz
);
COMMENT ON TYPE necp.party_invite_view IS 'An invitation to a party.';
COMMENT ON COLUMN necp.party_invite_view.invite_id IS 'Identity.';
COMMENT ON COLUMN necp.party_invite_view.party_id IS 'Into which party.';
COMMENT ON COLUMN necp.party_invite_view.character_id IS 'Who is invited.';
COMMENT ON COLUMN necp.party_invite_view.invited_by IS 'Character that invites.';
COMMENT ON COLUMN necp.party_invite_view.invited_by_name IS 'Its name.';
COMMENT ON COLUMN necp.party_invite_view.created_at IS 'When.';
COMMENT ON COLUMN necp.party_invite_view.expires_at IS 'Until when it can be accepted.';

CREATE FUNCTION necp.party_create() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_create';
COMMENT ON FUNCTION necp.party_create IS 'Forms a party, which the acting character leads. ALREADY_IN_PARTY.';
SELECT necp.route('POST', '/party', 'party_create', status => 201, result => 'party_view');

CREATE FUNCTION necp.party_get() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_get';
COMMENT ON FUNCTION necp.party_get IS 'The acting character''s party. NOT_FOUND where it is in none.';
SELECT necp.route('GET', '/party', 'party_get', result => 'party_view');

CREATE FUNCTION necp.party_delete() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_delete';
COMMENT ON FUNCTION necp.party_delete IS 'Disbands the party; only its leader may. NOT_FOUND, NOT_LEADER, FROZEN.';
SELECT necp.route('DELETE', '/party', 'party_delete', result => 'done_view');

CREATE FUNCTION necp.party_invite(character_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_invite';
COMMENT ON FUNCTION necp.party_invite IS 'Invites a character into the party for 60 s; the leader and assistants may. NOT_FOUND, NOT_LEADER, TARGET_IN_PARTY, PARTY_FULL, FROZEN; CONFLICT while an earlier invitation waits.';
SELECT necp.route('POST', '/party/invite', 'party_invite', status => 201, result => 'party_invite_view');

CREATE FUNCTION necp.party_invites("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_invites';
COMMENT ON FUNCTION necp.party_invites IS 'Invitations that the acting character can accept, oldest first.';
SELECT necp.route('GET', '/party/invites', 'party_invites', read_only => true, result => 'party_invite_view', list => true);

CREATE FUNCTION necp.party_accept(invite_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_accept';
COMMENT ON FUNCTION necp.party_accept IS 'Joins the party of an invitation. NOT_FOUND, INVITE_EXPIRED, ALREADY_IN_PARTY, PARTY_FULL, FROZEN; CONFLICT where it was answered before.';
SELECT necp.route('POST', '/party/invites/{invite_id}/accept', 'party_accept', result => 'party_view');

CREATE FUNCTION necp.party_decline(invite_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_decline';
COMMENT ON FUNCTION necp.party_decline IS 'Declines an invitation. NOT_FOUND, INVITE_EXPIRED; CONFLICT where it was answered before.';
SELECT necp.route('POST', '/party/invites/{invite_id}/decline', 'party_decline', result => 'done_view');

CREATE FUNCTION necp.party_leave() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_leave';
COMMENT ON FUNCTION necp.party_leave IS 'Leaves the party. After the leader the longest-present member who is online leads; who would be alone has no party. NOT_FOUND, FROZEN.';
SELECT necp.route('POST', '/party/leave', 'party_leave', result => 'done_view');

CREATE FUNCTION necp.party_kick(character_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_kick';
COMMENT ON FUNCTION necp.party_kick IS 'Puts a member out of the party; only the leader may. Its votes on loot stand. NOT_FOUND, NOT_LEADER, FROZEN.';
SELECT necp.route('POST', '/party/kick', 'party_kick', result => 'done_view');

CREATE FUNCTION necp.party_leader(character_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_leader';
COMMENT ON FUNCTION necp.party_leader IS 'Hands the lead to another member. NOT_FOUND, NOT_LEADER; CONFLICT where it is not online.';
SELECT necp.route('POST', '/party/leader', 'party_leader', result => 'party_view');

CREATE FUNCTION necp.party_loot(mode text DEFAULT NULL, threshold text DEFAULT NULL, master_looter_id bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_loot';
COMMENT ON FUNCTION necp.party_loot IS 'Changes what is named of how loot is shared, for what drops from now on; only the leader may. Without a master looter the leader is. NOT_FOUND, NOT_LEADER.';
SELECT necp.route('PUT', '/party/loot', 'party_loot', result => 'party_view');

CREATE FUNCTION necp.party_role(role text DEFAULT NULL, character_id bigint DEFAULT NULL, assistant boolean DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_role';
COMMENT ON FUNCTION necp.party_role IS 'Chooses a role: one''s own; the leader also chooses others'' and makes assistants. NOT_FOUND, NOT_LEADER.';
SELECT necp.route('PUT', '/party/role', 'party_role', result => 'party_view');

CREATE FUNCTION necp.party_ready_check() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_ready_check';
COMMENT ON FUNCTION necp.party_ready_check IS 'Asks for 30 s who is ready; the leader and assistants may. NOT_FOUND, NOT_LEADER; CONFLICT while one runs.';
SELECT necp.route('POST', '/party/ready-check', 'party_ready_check', result => 'party_view');

CREATE FUNCTION necp.party_ready_respond(ready boolean) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_ready_respond';
COMMENT ON FUNCTION necp.party_ready_respond IS 'Answers a ready check; the last answer of all ends it. NOT_FOUND; CONFLICT where none runs.';
SELECT necp.route('POST', '/party/ready-check/respond', 'party_ready_respond', result => 'party_view');

CREATE FUNCTION necp.party_convert() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_party_convert';
COMMENT ON FUNCTION necp.party_convert IS 'Makes the party a raid, with room for 15; only the leader may. NOT_FOUND, NOT_LEADER, FROZEN; CONFLICT where it is one.';
SELECT necp.route('POST', '/party/convert-raid', 'party_convert', result => 'party_view');

CREATE FUNCTION necp.party_topic(party_id bigint) RETURNS boolean
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_party_topic_allows';
COMMENT ON FUNCTION necp.party_topic IS 'Who may listen to a party''s topics: its members.';
SELECT necp.topic('/topic/party/{party_id}/state', 'party_topic',
	'PARTY_STATE: the whole party after each change; MEMBER_MOVED: character_id, place_id; PARTY_DISBANDED: party_id, reason.');
SELECT necp.topic('/topic/party/{party_id}/loot', 'party_topic',
	'Rolls of the party: roll_id, drop_id, item, deadline, voter, vote, value, winner.');

CREATE FUNCTION necp.party_freeze(party_id bigint, reason text) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_party_freeze_sql';
COMMENT ON FUNCTION necp.party_freeze IS 'Keeps everybody from joining and leaving a party until it is called without a reason: for rehearsals. NOT_FOUND, FROZEN.';

SELECT necp.integrity('party_leader', $$
	SELECT format('party %s is led by character %s, who is no member', p.id, p.leader_id)
	FROM game.parties p WHERE p.status = 'ACTIVE' AND NOT EXISTS (
		SELECT FROM game.party_members m WHERE m.party_id = p.id AND m.character_id = p.leader_id)$$,
	'An active party has one leader, a member; so it has a member.');
SELECT necp.integrity('party_members', $$
	SELECT format('party %s is %s, has %s members and %s seats', p.id, p.status, count(*), p.capacity)
	FROM game.parties p JOIN game.party_members m ON m.party_id = p.id
	GROUP BY p.id HAVING p.status <> 'ACTIVE' OR count(*) > p.capacity$$,
	'A party has no more members than seats, a disbanded one none.');
SELECT necp.integrity('party_one', $$
	SELECT format('character %s is in %s parties', character_id, count(*)) FROM game.party_members
	GROUP BY character_id HAVING count(*) > 1$$,
	'G6: a character is in one party.');
SELECT necp.integrity('party_character', $$
	SELECT format('member %s of party %s is deleted', m.character_id, m.party_id)
	FROM game.party_members m JOIN game.characters c ON c.id = m.character_id WHERE c.deleted_at IS NOT NULL$$,
	'Who is deleted is in no party.');
SELECT necp.integrity('party_presence', $$
	SELECT format('member %s of party %s is %s and nobody plays it', m.character_id, m.party_id, m.presence)
	FROM game.party_members m WHERE m.presence <> 'OFFLINE' AND NOT EXISTS (
		SELECT FROM game.player_sessions s WHERE s.character_id = m.character_id)$$,
	'A member who is there is played, so that the others get rid of who is not.');
