/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.profile_view AS (
	account_id bigint,
	display_name text,
	bio text,
	show_online boolean,
	show_characters boolean,
	show_totals boolean,
	since timestamptz,
	characters int,
	highest_level int,
	kills bigint,
	deaths bigint,
	quests_completed bigint,
	achievement_points bigint,
	played_s bigint
);
COMMENT ON TYPE necp.profile_view IS 'The player behind the characters, with totals over those that are not deleted.';
COMMENT ON COLUMN necp.profile_view.account_id IS 'Identity.';
COMMENT ON COLUMN necp.profile_view.display_name IS 'Name shown to others.';
COMMENT ON COLUMN necp.profile_view.bio IS 'What the player says of itself: one line, plain text.';
COMMENT ON COLUMN necp.profile_view.show_online IS 'Others may see whether the player is online.';
COMMENT ON COLUMN necp.profile_view.show_characters IS 'Others may see which characters belong together.';
COMMENT ON COLUMN necp.profile_view.show_totals IS 'Others may see the totals.';
COMMENT ON COLUMN necp.profile_view.since IS 'First character or profile, or null.';
COMMENT ON COLUMN necp.profile_view.characters IS 'Characters.';
COMMENT ON COLUMN necp.profile_view.highest_level IS 'Highest level of one; 0 without any.';
COMMENT ON COLUMN necp.profile_view.kills IS 'NPCs killed.';
COMMENT ON COLUMN necp.profile_view.deaths IS 'Deaths.';
COMMENT ON COLUMN necp.profile_view.quests_completed IS 'Quests done.';
COMMENT ON COLUMN necp.profile_view.achievement_points IS 'Points of unlocked achievements.';
COMMENT ON COLUMN necp.profile_view.played_s IS 'Seconds played, up to the last time each was left.';

CREATE FUNCTION necp.player_profile() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_player_profile';
COMMENT ON FUNCTION necp.player_profile IS 'The own profile.';
SELECT necp.route('GET', '/player/profile', 'player_profile', auth => 'account', read_only => true, result => 'profile_view');

CREATE FUNCTION necp.player_profile_update(bio text DEFAULT NULL, show_online boolean DEFAULT NULL,
	show_characters boolean DEFAULT NULL, show_totals boolean DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_player_profile_update';
COMMENT ON FUNCTION necp.player_profile_update IS 'Changes the own profile; what is left out stays. bio has up to 500 characters.';
SELECT necp.route('PUT', '/player/profile', 'player_profile_update', auth => 'account', result => 'profile_view');
