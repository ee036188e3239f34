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

-- The first item of a kind that a player has, in a slot where one is named; the lock of its container is
-- what the specs contend for, so it is looked up without one.
CREATE FUNCTION iso.item(who text, code text, slot int DEFAULT NULL) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT i.id FROM game.character_items i JOIN game.item_templates t ON t.id = i.template_id JOIN game.containers c ON c.id = i.container_id
	JOIN iso.who w ON c.owner_id = CASE c.kind WHEN 'BANK' THEN w.account ELSE w.character END AND c.kind IN ('BACKPACK', 'EQUIPPED', 'BANK')
	WHERE w.name = who AND t.code = item.code AND (item.slot IS NULL OR i.slot = item.slot) ORDER BY i.id LIMIT 1
$$;

-- Puts items into a slot of a backpack.
CREATE PROCEDURE iso.put(who text, code text, quantity int, slot int) LANGUAGE sql AS $$
	WITH made AS (
		INSERT INTO game.character_items (container_id, slot, template_id, quantity, created_at)
		SELECT b.container_id, put.slot, t.id, put.quantity, necp.now()
		FROM iso.who w JOIN game.character_inventory b ON b.character_id = w.character, game.item_templates t
		WHERE w.name = who AND t.code = put.code RETURNING *
	)
	INSERT INTO game.item_moves (item_id, template_id, kind, quantity, to_container_id, cause, cause_id, moved_at)
	SELECT id, template_id, 'CREATE', made.quantity, container_id, 'TEST', 0, necp.now() FROM made
$$;

-- Where what a player had of a kind is: with it, in its bank, in drops it laid, gone.
CREATE FUNCTION iso.items(who text, code text) RETURNS TABLE (place text, slot int, quantity bigint, durability int) LANGUAGE sql STABLE AS $$
	SELECT c.kind, i.slot, i.quantity, i.durability
	FROM iso.who w, game.character_items i JOIN game.item_templates t ON t.id = i.template_id JOIN game.containers c ON c.id = i.container_id
	WHERE w.name = who AND t.code = items.code
	  AND (c.kind IN ('BACKPACK', 'EQUIPPED') AND c.owner_id = w.character OR c.kind = 'BANK' AND c.owner_id = w.account
	       OR c.kind = 'DROP' AND c.owner_id IN (SELECT d.id FROM game.world_drops d WHERE d.source = 'PLAYER' AND d.source_id = w.character))
	UNION ALL
	SELECT 'destroyed', NULL, sum(m.quantity), NULL FROM iso.who w, game.item_moves m JOIN game.item_templates t ON t.id = m.template_id
	WHERE w.name = who AND t.code = items.code AND m.kind = 'DESTROY' AND m.cause = 'DESTROY' AND m.cause_id = w.character HAVING count(*) > 0
	ORDER BY 1, 2
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
