/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.character_stats_view AS (
	character_id bigint,
	level int,
	xp bigint,
	body int,
	reflexes int,
	technical_ability int,
	intelligence int,
	cool int,
	empathy int,
	hp int,
	max_hp int,
	max_energy int,
	luck int,
	capacity_kg double precision,
	kills int,
	deaths int,
	quests_active int,
	quests_completed int,
	achievements int,
	achievement_points int,
	played_s bigint
);
COMMENT ON TYPE necp.character_stats_view IS 'What a character can and what it has done.';
COMMENT ON COLUMN necp.character_stats_view.character_id IS 'Identity.';
COMMENT ON COLUMN necp.character_stats_view.level IS 'Level from 1.';
COMMENT ON COLUMN necp.character_stats_view.xp IS 'Experience towards the next level.';
COMMENT ON COLUMN necp.character_stats_view.body IS 'Attribute.';
COMMENT ON COLUMN necp.character_stats_view.reflexes IS 'Attribute.';
COMMENT ON COLUMN necp.character_stats_view.technical_ability IS 'Attribute.';
COMMENT ON COLUMN necp.character_stats_view.intelligence IS 'Attribute.';
COMMENT ON COLUMN necp.character_stats_view.cool IS 'Attribute.';
COMMENT ON COLUMN necp.character_stats_view.empathy IS 'Attribute.';
COMMENT ON COLUMN necp.character_stats_view.hp IS 'Hit points when last saved.';
COMMENT ON COLUMN necp.character_stats_view.max_hp IS 'Hit points at most.';
COMMENT ON COLUMN necp.character_stats_view.max_energy IS 'Energy at most.';
COMMENT ON COLUMN necp.character_stats_view.luck IS 'Luck.';
COMMENT ON COLUMN necp.character_stats_view.capacity_kg IS 'What it can carry.';
COMMENT ON COLUMN necp.character_stats_view.kills IS 'NPCs killed.';
COMMENT ON COLUMN necp.character_stats_view.deaths IS 'Deaths.';
COMMENT ON COLUMN necp.character_stats_view.quests_active IS 'Quests being played.';
COMMENT ON COLUMN necp.character_stats_view.quests_completed IS 'Quests done.';
COMMENT ON COLUMN necp.character_stats_view.achievements IS 'Achievements unlocked.';
COMMENT ON COLUMN necp.character_stats_view.achievement_points IS 'Their points.';
COMMENT ON COLUMN necp.character_stats_view.played_s IS 'Seconds played.';

CREATE TYPE necp.character_history_view AS (entry_id bigint, kind text, data json, at timestamptz);
COMMENT ON TYPE necp.character_history_view IS 'Something that a character went through.';
COMMENT ON COLUMN necp.character_history_view.entry_id IS 'Identity; rises with time.';
COMMENT ON COLUMN necp.character_history_view.kind IS 'CREATED, LEVEL_UP, DIED, RESPAWNED, DELETED, RESTORED or PURGED.';
COMMENT ON COLUMN necp.character_history_view.data IS 'More about it: an object.';
COMMENT ON COLUMN necp.character_history_view.at IS 'When.';

CREATE FUNCTION necp.character_stats(character_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_stats';
COMMENT ON FUNCTION necp.character_stats IS 'Attributes, what follows from them, and counters of one of the account''s characters.';
SELECT necp.route('GET', '/characters/{character_id}/stats', 'character_stats', read_only => true, result => 'character_stats_view');

CREATE FUNCTION necp.character_history(character_id bigint, "limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_history';
COMMENT ON FUNCTION necp.character_history IS 'What one of the account''s characters went through, newest first.';
SELECT necp.route('GET', '/characters/{character_id}/history', 'character_history', read_only => true, result => 'character_history_view', list => true);
