-- Characters: names, slots, attributes, selection (DOMAIN §5).
\ir ../helpers.psql
SELECT plan(90);
SELECT pg_temp.account('ann') \g /dev/null
SELECT pg_temp.account('bob') \g /dev/null
INSERT INTO game.character_classes (code, name, description, attributes, origin)
	VALUES ('strong_' || :'tag', 'Strong', 'Of tests.', '{"body": 7, "cool": 3}', 'operator');
INSERT INTO game.item_templates (code, name, description, type, rarity, max_stack, weight, vendor_price, origin)
	VALUES ('kit_' || :'tag', 'Kit', 'Of tests.', 'CONSUMABLE', 'COMMON', 5, 2.5, 1, 'operator');
INSERT INTO game.character_origins (code, name, description, attribute, zone_code, credits, kit, origin)
	VALUES ('rich_' || :'tag', 'Rich', 'Of tests.', 'body', 'no_such_zone', 1000, format('[{"item": "kit_%1$s"}, {"item": "kit_%1$s", "quantity": 99}, {"item": "no_such"}]', :'tag')::jsonb, 'operator');
CREATE FUNCTION pg_temp.named(name text, class text DEFAULT 'test_class', origin text DEFAULT 'test_origin') RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal('ann', 'POST', '/characters', jsonb_build_object('name', name, 'class', class, 'origin', origin));

-- Names ----------------------------------------------------------------------------------------------------

SELECT is(pg_temp.named(NULL), 'NC001 name', 'VALIDATION: no name');
SELECT is(pg_temp.named(bad), 'NC020 name', 'INVALID_NAME: ' || to_json(bad))
FROM unnest(ARRAY['', 'ab', '123456789012345678901', ' abc', 'abc ', '-abc', 'abc-', 'a  b', 'a--b', 'a -b', 'a_b', 'Zoë', '名前名前', E'a\tb', E'a\nb', E'abc\u200b']) bad;
SELECT matches(pg_temp.named(good), '^ok', 'a name: "' || good || '"')
FROM unnest(ARRAY['a b', '1-2', 'Z' || :'tag', 'a b-c ' || :'tag', rpad(:'tag', 20, 'x')]) good;

-- Creation -------------------------------------------------------------------------------------------------

SELECT is(pg_temp.named('Who ' || :'tag', 'no_such'), 'NC001 class', 'VALIDATION: no such class');
SELECT is(pg_temp.named('Who ' || :'tag', 'test_class', 'no_such'), 'NC001 origin', 'VALIDATION: no such origin');
SELECT is(pg_temp.named('Who ' || :'tag', NULL), 'NC001 class', 'VALIDATION: no class');
SELECT is((SELECT count(*) FROM game.character_slots WHERE account_id = pg_temp.a('ann')), 0::bigint, 'nothing was made by these');
SELECT pg_temp.call('ann', 'POST', '/characters', jsonb_build_object('name', 'Ann ' || :'tag', 'class', 'strong_' || :'tag', 'origin', 'rich_' || :'tag')) AS view \gset
SELECT :'view'::json ->> 'character_id' AS c1 \gset
SELECT is(:'view'::jsonb - 'character_id' - 'created_at', jsonb_build_object('name', 'Ann ' || :'tag', 'class', 'strong_' || :'tag', 'origin', 'rich_' || :'tag',
	'status', 'ACTIVE', 'level', 1, 'xp', 0, 'body', 8, 'reflexes', 5, 'technical_ability', 5, 'intelligence', 5, 'cool', 3, 'empathy', 5,
	'hp', 130, 'max_hp', 130, 'zone_id', NULL, 'last_played_at', NULL, 'respawn_at', NULL, 'deleted_at', NULL, 'restore_until', NULL, 'appearance', '{}'::json, 'settings', '{}'::json), 'attributes are 5, what the class says, and one more of the origin');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'CHARACTER_CREATED' AND character_id = :c1), 1::bigint, 'CHARACTER_CREATED');
SELECT is(pg_temp.balance('WALLET', :c1), 1000::bigint, 'with the origin''s credits');
SELECT is((SELECT row(cause, cause_id)::text FROM game.ledger_transfers t JOIN game.ledger_accounts a ON a.id = t.to_id WHERE a.holder = 'WALLET' AND a.owner_id = :c1),
	format('(ORIGIN,%s)', :c1), 'minted for it');
SELECT is((SELECT array_agg(i.quantity ORDER BY i.slot) FROM game.character_inventory b JOIN game.character_items i USING (container_id) WHERE b.character_id = :c1),
	'{1,5}', 'with the origin''s kit in its order, as much as stacks hold');
SELECT is((SELECT account_id FROM game.players WHERE account_id = pg_temp.a('ann')), pg_temp.a('ann'), 'the account plays');
SELECT is(pg_temp.named('ANN ' || :'tag'), '23505 characters_name_key', 'NAME_TAKEN: in any case');
SELECT is(pg_temp.refusal('bob', 'POST', '/characters', jsonb_build_object('name', 'ann ' || :'tag', 'class', 'test_class', 'origin', 'test_origin')), '23505 characters_name_key',
	'NAME_TAKEN: by another account');
UPDATE game.characters SET status = 'DELETED', deleted_at = necp.now() WHERE id = :c1;
SELECT is(pg_temp.named('Ann ' || :'tag'), '23505 characters_name_key', 'NAME_TAKEN: while softly deleted');
UPDATE game.characters SET status = 'ACTIVE', deleted_at = NULL WHERE id = :c1;

-- Slots ----------------------------------------------------------------------------------------------------

SELECT is(pg_temp.call('bob', 'GET', '/characters/slots')::jsonb, '{"slots": 3, "used": 0, "price": 500, "premium": 0}', 'an account has three slots');
SELECT pg_temp.create_character('ann', 'Two ' || :'tag') AS c2, pg_temp.create_character('ann', 'Three ' || :'tag') AS c3 \gset
SELECT is(pg_temp.call('ann', 'GET', '/characters/slots') ->> 'used', '3', 'characters use them');
SELECT is(pg_temp.named('Four ' || :'tag'), 'NC920', 'NO_FREE_SLOT');
SELECT throws_ok(format('SELECT pg_temp.create_character(''ann'', %L)', 'Four ' || :'tag'), 'NC920', NULL, 'NO_FREE_SLOT: when it would commit, too');
SELECT is((SELECT count(*) FROM game.characters WHERE account_id = pg_temp.a('ann')), 3::bigint, 'no fourth one was made');
SELECT necp.ledger_mint('PREMIUM', pg_temp.a('ann'), 'premium', 1499, 'TEST') \g /dev/null
SELECT is(pg_temp.call('ann', 'POST', '/characters/slots/purchase', '{}', gen_random_uuid())::jsonb, '{"slots": 4, "used": 3, "price": 500, "premium": 999}', 'one more costs 500 premium');
SELECT is(pg_temp.call('ann', 'POST', '/characters/slots/purchase', '{}', gen_random_uuid())::json ->> 'slots', '5', 'and another');
SELECT is(pg_temp.refusal('ann', 'POST', '/characters/slots/purchase', '{}', gen_random_uuid()), 'NC901', 'CONFLICT: five are all there are');
SELECT is(pg_temp.balance('PREMIUM', pg_temp.a('ann')), 499::bigint, 'which costs nothing');
SELECT lives_ok(format('SELECT pg_temp.create_character(''ann'', %L)', 'Four ' || :'tag'), 'a bought slot can be used');
SELECT throws_ok(format('UPDATE game.character_slots SET used = 6 WHERE account_id = %s', pg_temp.a('ann')), '23514', NULL, 'no more than are there');

-- Reading --------------------------------------------------------------------------------------------------

SELECT is((SELECT string_agg(split_part(i ->> 'name', ' ', 1), ',' ORDER BY n) FROM json_array_elements(pg_temp.call('ann', 'GET', '/characters') -> 'items') WITH ORDINALITY j (i, n)),
	'Ann,Two,Three,Four', 'one''s characters are listed');
SELECT is(pg_temp.call('bob', 'GET', '/characters')::jsonb, '{"items": [], "next_cursor": null}', 'another''s are not');
SELECT is(pg_temp.call('ann', 'GET', '/characters/{character_id}', jsonb_build_object('character_id', :c1)) ->> 'name', 'Ann ' || :'tag', 'one can be read');
SELECT is(pg_temp.refusal('bob', 'GET', '/characters/{character_id}', jsonb_build_object('character_id', :c1)), 'NC401', 'NOT_FOUND: another''s');
SELECT ok((pg_temp.call(NULL, 'GET', '/characters/catalog') #> '{classes}')::jsonb @> '[{"code": "test_class"}]', 'classes and origins are for everybody');

-- Selection ------------------------------------------------------------------------------------------------

SELECT is(pg_temp.refusal('bob', 'POST', '/characters/{character_id}/select', jsonb_build_object('character_id', :c1)), 'NC401 character_id', 'NOT_FOUND: another''s');
SELECT is(pg_temp.refusal('ann', 'POST', '/characters/{character_id}/select', '{"character_id": 0}'), 'NC001 character_id', 'VALIDATION: no id');
SELECT pg_temp.select_character('ann', :c1) AS view \gset
SELECT isnt(:'view'::json ->> 'last_played_at', NULL, 'a character is selected');
SELECT is((SELECT row(character_id, binding)::text FROM game.player_sessions WHERE id = pg_temp.s('ann')), format('(%s,1)', :c1), 'the session plays it');
SELECT pg_temp.select_character('ann', :c1) \g /dev/null
SELECT is((SELECT binding FROM game.player_sessions WHERE id = pg_temp.s('ann')), 1::bigint, 'selecting it again changes nothing');
SELECT is(pg_temp.refusal('ann', 'POST', '/characters/{character_id}/select', jsonb_build_object('character_id', :c2)), 'NC952 retry 10', 'COOLDOWN: another one right away');
SELECT necp.clock_advance('9 seconds') \g /dev/null
SELECT matches(pg_temp.refusal('ann', 'POST', '/characters/switch', jsonb_build_object('character_id', :c2)), '^NC952 retry [12]$', 'COOLDOWN: by either way, until ten seconds are over');
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT pg_temp.select_character('ann', :c2) \g /dev/null
SELECT is((SELECT row(character_id, binding)::text FROM game.player_sessions WHERE id = pg_temp.s('ann')), format('(%s,2)', :c2), 'another one takes over');
SELECT is((SELECT array_agg(row(character_id, data -> 'from_character_id')::text ORDER BY id) FROM game.game_events WHERE type = 'CHARACTER_SWITCHED' AND account_id = pg_temp.a('ann')),
	ARRAY[format('(%s,0)', :c1), format('(%s,0)', :c1), format('(%s,%s)', :c2, :c1)], 'CHARACTER_SWITCHED');
SELECT necp.clock_advance('10 seconds') \g /dev/null
SELECT is(pg_temp.call('ann', 'POST', '/characters/switch', jsonb_build_object('character_id', :c3)) ->> 'name', 'Three ' || :'tag', 'who plays may switch');
SELECT is(pg_temp.refusal('ann', 'POST', '/characters/switch', '{"character_id": 9007199254740991}'), 'NC401 character_id', 'NOT_FOUND: to whom nobody is');
SELECT is(pg_temp.refusal('bob', 'POST', '/characters/switch', jsonb_build_object('character_id', :c1)), 'NC912', 'NO_ACTIVE_CHARACTER: who plays nobody selects');
SELECT is(pg_temp.refusal('ann', 'POST', '/characters/switch', '{}'), 'NC001 character_id', 'VALIDATION: to nobody');
SELECT pg_temp.login('ann') \g /dev/null
SELECT is(pg_temp.refusal('ann', 'POST', '/characters/{character_id}/select', jsonb_build_object('character_id', :c2)), 'NC952 retry 10', 'COOLDOWN: a new login does not shorten it');
SELECT necp.clock_advance('10 seconds') \g /dev/null
UPDATE game.characters SET status = 'IN_COMBAT' WHERE id = :c1;
SELECT is(pg_temp.refusal('ann', 'POST', '/characters/{character_id}/select', jsonb_build_object('character_id', :c1)), 'NC922', 'BUSY: in combat');
UPDATE game.characters SET status = 'DELETED', deleted_at = necp.now() WHERE id = :c1;
SELECT is(pg_temp.refusal('ann', 'POST', '/characters/{character_id}/select', jsonb_build_object('character_id', :c1)), 'NC401 character_id', 'NOT_FOUND: a deleted one');
SELECT is(pg_temp.refusal('ann', 'GET', '/characters/{character_id}', jsonb_build_object('character_id', :c1)), 'NC401', 'NOT_FOUND: to read, too');
UPDATE game.characters SET status = 'ACTIVE', deleted_at = NULL WHERE id = :c1;

-- Looks and settings ---------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.put(what jsonb, who text DEFAULT 'ann') RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'PUT', '/characters/{character_id}', what || jsonb_build_object('character_id', (SELECT min(id) FROM game.characters WHERE account_id = pg_temp.a('ann'))));
SELECT is(pg_temp.call('ann', 'PUT', '/characters/{character_id}', jsonb_build_object('character_id', :c1, 'appearance', '{"hair": "red"}'::jsonb))::jsonb - 'last_played_at',
	(:'view'::jsonb - 'last_played_at') || '{"appearance": {"hair": "red"}}', 'PUT touches what it names and nothing else');
SELECT is(pg_temp.call('ann', 'PUT', '/characters/{character_id}', jsonb_build_object('character_id', :c1, 'settings', '{"bar": [1]}'::jsonb))::jsonb -> 'appearance', '{"hair": "red"}', 'what is left out stays');
SELECT is(pg_temp.call('ann', 'GET', '/characters/{character_id}', jsonb_build_object('character_id', :c1))::jsonb -> 'settings', '{"bar": [1]}', 'both are read with the character');
SELECT is(pg_temp.put(jsonb_build_object(f, v)), 'NC001 ' || f, format('VALIDATION: %s is no object: %s', f, v))
FROM unnest('{appearance,settings}'::text[]) f, unnest(ARRAY['[]', '1', 'true']::jsonb[]) v;
SELECT is(pg_temp.put(jsonb_build_object(f, jsonb_build_object('x', repeat('y', 16384)))), 'NC011 ' || f, 'SETTINGS_TOO_LARGE: ' || f) FROM unnest('{appearance,settings}'::text[]) f;
SELECT matches(pg_temp.put(jsonb_build_object('settings', jsonb_build_object('x', repeat('y', 16384 - length('{"x": ""}'))))), '^ok', '16 KiB are not');
SELECT is(pg_temp.put('{"settings": {}}', 'bob'), 'NC401 character_id', 'NOT_FOUND: another''s');
SELECT throws_ok(format('UPDATE game.characters SET settings = ''[]'' WHERE id = %s', :c1), '23514', NULL, 'the table holds objects only');
SELECT throws_ok(format('UPDATE game.characters SET appearance = to_json(repeat(''x'', 20000)) WHERE id = %s', :c1), '23514', NULL, 'and small ones');

-- AFK ------------------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.doing(id bigint) RETURNS text LANGUAGE sql RETURN (SELECT status FROM game.characters c WHERE c.id = doing.id);
SELECT value AS afk FROM game.config WHERE key = 'session.afk_s' \gset
SELECT necp.config_set('session.afk_s', '600') \g /dev/null
SELECT pg_temp.select_character('ann', :c2) \g /dev/null
SELECT necp.clock_advance('10 minutes 1 second') \g /dev/null
SELECT ok(pg_temp.wait_for(format('pg_temp.doing(%s) = ''AFK''', :c2)), 'who does nothing for ten minutes is AFK, as the session is');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT is(pg_temp.doing(:c2), 'ACTIVE', 'nobody sleeps who is not played');
SELECT pg_temp.login('ann'), pg_temp.select_character('ann', :c2) \g /dev/null
SELECT necp.clock_advance('10 minutes 1 second') \g /dev/null
SELECT ok(pg_temp.wait_for(format('pg_temp.doing(%s) = ''AFK''', :c2)), 'AFK again');
SELECT pg_temp.select_character('ann', :c3) \g /dev/null
SELECT is(row(pg_temp.doing(:c2), pg_temp.doing(:c3))::text, '(ACTIVE,ACTIVE)', 'who is left for another does not sleep on');
SELECT necp.clock_advance('10 minutes 1 second') \g /dev/null
SELECT ok(pg_temp.wait_for(format('pg_temp.doing(%s) = ''AFK''', :c3)), 'and again');
SELECT pg_temp.call('ann', 'PUT', '/player/profile') \g /dev/null
SELECT ok(pg_temp.wait_for(format('pg_temp.doing(%s) = ''ACTIVE''', :c3)), 'who acts is back');
SELECT necp.config_set('session.afk_s', :'afk') \g /dev/null
SELECT necp.clock_reset() \g /dev/null
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT * FROM finish();
