-- What the specs are played by; the suite loads it before them. Players are made and taken away by
-- rehearsal, several in one transaction; what races in between is not rehearsed.
CREATE SCHEMA iso;
CREATE TABLE iso.who (name text PRIMARY KEY, email text, account bigint, session uuid, refresh text, character bigint);

-- The session of a player.
CREATE FUNCTION iso.s(who text) RETURNS uuid LANGUAGE sql RETURN (SELECT session FROM iso.who w WHERE w.name = who);

-- An account that is logged in; a hero has a selected character, who stands in its home zone once this
-- has committed.
CREATE PROCEDURE iso.make(name text, hero boolean DEFAULT false)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET necpgame.rehearsal = on AS $$
DECLARE
	tag text := translate(substr(md5(random()::text), 1, 8), '0123479', '5685685');
	me iso.who;
	tokens json;
BEGIN
	me.name := name;
	me.email := name || tag || '@example.com';
	me.account := (SELECT necp.auth_register(me.email, name || tag, 'hash', NULL) ->> 'account_id'
	               FROM necp.enter(NULL, NULL, NULL, NULL, 'p', -1));
	tokens := necp.auth_login(me.email, 'hash', NULL, NULL);
	me.session := tokens ->> 'session_id';
	me.refresh := tokens ->> 'refresh_token';
	IF hero THEN
		PERFORM necp.enter(me.session, NULL, NULL, NULL, 'a', -1);
		me.character := necp.character_create(name || ' ' || tag, 'breaker', 'street') ->> 'character_id';
		PERFORM necp.character_select(me.character);
	END IF;
	INSERT INTO iso.who SELECT me.*;
END
$$;

-- A drop of one pistol, and credits, at ann's feet.
CREATE PROCEDURE iso.lay_drop(drop bigint, credits bigint) LANGUAGE plpgsql AS $$
DECLARE
	container bigint;
	item game.character_items;
BEGIN
	INSERT INTO game.containers (kind, owner_id, capacity) VALUES ('DROP', drop, 1) RETURNING id INTO container;
	INSERT INTO game.character_items (container_id, slot, template_id, quantity, created_at)
	SELECT container, 0, id, 1, necp.now() FROM game.item_templates WHERE code = 'rust_pistol' RETURNING * INTO item;
	INSERT INTO game.item_moves (item_id, template_id, kind, quantity, to_container_id, cause, cause_id, moved_at)
	VALUES (item.id, item.template_id, 'CREATE', 1, container, 'TEST', 0, necp.now());
	INSERT INTO game.world_drops (id, place_id, x, y, z, source, source_id, container_id, credits, mode, created_at, expires_at)
	OVERRIDING SYSTEM VALUE
	SELECT drop, z.place_id, z.x, z.y, z.z, 'CONTAINER', drop, container, credits, 'FREE_FOR_ALL', necp.now(), necp.now() + interval '1 hour'
	FROM live.zone_players z JOIN iso.who w ON w.character = z.character_id WHERE w.name = 'ann';
END
$$;

-- Everybody goes, and what has a fixed name or number goes with them.
CREATE PROCEDURE iso.leave()
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET necpgame.rehearsal = on AS $$
DECLARE
	session uuid;
BEGIN
	FOR session IN SELECT p.id FROM game.player_sessions p JOIN iso.who w ON w.account = p.account_id WHERE p.closed_at IS NULL LOOP
		PERFORM necp.enter(session, NULL, NULL, NULL, 'a', -1);
		PERFORM necp.auth_logout();
	END LOOP;
	WITH gone AS (
		DELETE FROM game.character_items i USING game.containers c
		WHERE c.id = i.container_id AND c.kind = 'DROP' AND c.owner_id < 10 RETURNING i.*
	)
	INSERT INTO game.item_moves (item_id, template_id, kind, quantity, from_container_id, cause, cause_id, moved_at)
	SELECT id, template_id, 'DESTROY', quantity, container_id, 'TEST', 0, necp.now() FROM gone;
	DELETE FROM game.world_drops WHERE id < 10;
	DELETE FROM game.containers WHERE kind = 'DROP' AND owner_id < 10;
	UPDATE game.characters SET name = 'was ' || id WHERE name ILIKE 'iso %';
	UPDATE game.accounts SET email = id || '@example.org', username = 'was' || id WHERE username ILIKE 'iso_';
	DELETE FROM iso.who;
END
$$;

-- Drops of the game itself get numbers that are out of the way.
SELECT setval(pg_get_serial_sequence('game.world_drops', 'id'), 1000) \g /dev/null
INSERT INTO game.quests (code, name, description, kind, origin)
	SELECT 'iso_' || n, 'Iso', 'Of tests.', 'SIDE', 'operator' FROM generate_series(1, 25) n;
DO $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		EXIT WHEN EXISTS (SELECT FROM live.zone_load l JOIN game.zones z ON z.id = l.place_id WHERE z.code = 'lantern_ward');
		PERFORM pg_sleep(0.1);
	END LOOP;
END
$$;
