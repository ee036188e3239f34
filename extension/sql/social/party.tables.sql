/* SPDX-License-Identifier: PostgreSQL
 *
 * A member takes a seat from 1 to the party's capacity, which the foreign key keeps equal to the
 * party's own: more members than seats cannot be written, and a disbanded party, whose capacity is
 * null, cannot have any.
 */
CREATE TABLE game.parties (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'DISBANDED')),
	leader_id bigint,
	capacity smallint CHECK (capacity BETWEEN 1 AND 25),
	raid boolean NOT NULL DEFAULT false,
	loot_mode text NOT NULL DEFAULT 'NEED_GREED' CHECK (loot_mode IN ('FREE_FOR_ALL', 'PERSONAL', 'NEED_GREED', 'MASTER_LOOTER')),
	loot_threshold text NOT NULL DEFAULT 'UNCOMMON' CHECK (loot_threshold IN ('COMMON', 'UNCOMMON', 'RARE', 'EPIC', 'LEGENDARY', 'UNIQUE')),
	master_looter_id bigint CHECK (master_looter_id IS NULL OR loot_mode = 'MASTER_LOOTER'),
	frozen_reason text CHECK (frozen_reason <> ''),
	ready_open boolean NOT NULL DEFAULT false,
	ready_until timestamptz CHECK (ready_until IS NOT NULL OR NOT ready_open),
	version bigint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL,
	disbanded_at timestamptz,
	CONSTRAINT parties_capacity_key UNIQUE (id, capacity),
	CHECK ((status = 'ACTIVE') = (disbanded_at IS NULL)),
	CONSTRAINT parties_led CHECK ((status = 'ACTIVE') = (leader_id IS NOT NULL)),
	CHECK ((status = 'ACTIVE') = (capacity IS NOT NULL)),
	CHECK (status = 'ACTIVE' OR (master_looter_id IS NULL AND frozen_reason IS NULL AND NOT ready_open))
) WITH (fillfactor = 70);
CREATE INDEX parties_ready ON game.parties (ready_until) WHERE ready_open;
COMMENT ON TABLE game.parties IS 'Groups of characters; disbanded ones have no members and stay as history.';
COMMENT ON COLUMN game.parties.id IS 'Identity.';
COMMENT ON COLUMN game.parties.status IS 'State.';
COMMENT ON COLUMN game.parties.leader_id IS 'Character that leads, a member.';
COMMENT ON COLUMN game.parties.capacity IS 'Seats; null once disbanded.';
COMMENT ON COLUMN game.parties.raid IS 'Was made a raid.';
COMMENT ON COLUMN game.parties.loot_mode IS 'Who gets what drops from now on.';
COMMENT ON COLUMN game.parties.loot_threshold IS 'Rarity below which nobody rolls.';
COMMENT ON COLUMN game.parties.master_looter_id IS 'Member who gives out loot; null: the leader.';
COMMENT ON COLUMN game.parties.frozen_reason IS 'Why nobody may come or go at the moment.';
COMMENT ON COLUMN game.parties.ready_open IS 'A ready check runs.';
COMMENT ON COLUMN game.parties.ready_until IS 'End of the last ready check.';
COMMENT ON COLUMN game.parties.version IS 'Rises with every change.';
COMMENT ON COLUMN game.parties.created_at IS 'When it was formed.';
COMMENT ON COLUMN game.parties.disbanded_at IS 'When it was disbanded.';

CREATE TABLE game.party_members (
	character_id bigint PRIMARY KEY REFERENCES game.characters (id),
	party_id bigint NOT NULL,
	capacity smallint NOT NULL,
	seat smallint NOT NULL,
	role text NOT NULL DEFAULT 'DPS' CHECK (role IN ('TANK', 'HEALER', 'DPS', 'SUPPORT')),
	assistant boolean NOT NULL DEFAULT false,
	presence text NOT NULL DEFAULT 'ONLINE' CHECK (presence IN ('ONLINE', 'AFK', 'OFFLINE')),
	leaves_at timestamptz,
	ready boolean,
	joined_at timestamptz NOT NULL,
	CONSTRAINT party_members_party_key UNIQUE (party_id, character_id),
	CONSTRAINT party_members_seat_key UNIQUE (party_id, seat),
	CONSTRAINT party_members_seat_range CHECK (seat BETWEEN 1 AND capacity),
	CONSTRAINT party_members_party_fkey FOREIGN KEY (party_id, capacity)
		REFERENCES game.parties (id, capacity) ON UPDATE CASCADE,
	CHECK ((presence = 'ONLINE') = (leaves_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX party_members_away ON game.party_members (leaves_at) WHERE leaves_at IS NOT NULL;
COMMENT ON TABLE game.party_members IS 'Who is in which party: a character is in one.';
COMMENT ON COLUMN game.party_members.character_id IS 'Member.';
COMMENT ON COLUMN game.party_members.party_id IS 'Party.';
COMMENT ON COLUMN game.party_members.capacity IS 'The party''s, kept equal by the foreign key.';
COMMENT ON COLUMN game.party_members.seat IS 'Seat from 1 to the capacity.';
COMMENT ON COLUMN game.party_members.role IS 'What it is good for.';
COMMENT ON COLUMN game.party_members.assistant IS 'May invite and ask who is ready.';
COMMENT ON COLUMN game.party_members.presence IS 'Is somebody there: changed with the session that plays it.';
COMMENT ON COLUMN game.party_members.leaves_at IS 'When it is out of the party unless it comes back.';
COMMENT ON COLUMN game.party_members.ready IS 'Answer to the last ready check.';
COMMENT ON COLUMN game.party_members.joined_at IS 'When it joined.';

ALTER TABLE game.parties
	ADD CONSTRAINT parties_leader_fkey FOREIGN KEY (id, leader_id)
		REFERENCES game.party_members (party_id, character_id) DEFERRABLE INITIALLY DEFERRED,
	ADD CONSTRAINT parties_master_looter_fkey FOREIGN KEY (id, master_looter_id)
		REFERENCES game.party_members (party_id, character_id) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE game.party_invites (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	party_id bigint NOT NULL REFERENCES game.parties (id),
	character_id bigint NOT NULL REFERENCES game.characters (id),
	invited_by bigint NOT NULL REFERENCES game.characters (id),
	status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'ACCEPTED', 'DECLINED', 'EXPIRED')),
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX party_invites_pending_key ON game.party_invites (party_id, character_id) WHERE status = 'PENDING';
CREATE INDEX party_invites_character ON game.party_invites (character_id, id) WHERE status = 'PENDING';
CREATE INDEX party_invites_expiry ON game.party_invites (expires_at);
COMMENT ON TABLE game.party_invites IS 'Invitations to parties; kept for a day.';
COMMENT ON COLUMN game.party_invites.id IS 'Identity.';
COMMENT ON COLUMN game.party_invites.party_id IS 'Into which party.';
COMMENT ON COLUMN game.party_invites.character_id IS 'Who is invited.';
COMMENT ON COLUMN game.party_invites.invited_by IS 'By whom.';
COMMENT ON COLUMN game.party_invites.status IS 'PENDING also past its time, which decides.';
COMMENT ON COLUMN game.party_invites.created_at IS 'When.';
COMMENT ON COLUMN game.party_invites.expires_at IS 'Until when it can be accepted.';

INSERT INTO game.config (key, value, description) VALUES
	('party.size', '5', 'Members of a party at most.'),
	('party.raid_size', '15', 'Members of a raid at most; no more than 25.'),
	('party.invite_s', '60', 'Life of an invitation.'),
	('party.ready_s', '30', 'Time to answer a ready check.'),
	('party.away_s', '300', 'Time without connection or session after which a member is out.'),
	('party.afk_s', '900', 'Time of being AFK after which a member is out.');
